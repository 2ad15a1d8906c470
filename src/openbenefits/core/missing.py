"""What an operator answers when one of its operands is unknown: nothing."""

from collections.abc import Sequence

import polars as pl

__all__ = ["if_all_known"]


def if_all_known(operands: Sequence[pl.Expr], result: pl.Expr) -> pl.Expr:
    """Give the result where every operand is known, null elsewhere.

    Missing: Polars' own `min_horizontal(null, cap)` is the cap; a bonus of unknown
             size would so become the largest one allowed.

    >>> frame = pl.DataFrame({"a": [1, None], "b": [2, 2]})
    >>> a, b = pl.col("a"), pl.col("b")
    >>> frame.select(if_all_known([a, b], pl.min_horizontal(a, b))).to_series().to_list()
    [1, None]
    """
    known = pl.all_horizontal([operand.is_not_null() for operand in operands])
    return pl.when(known).then(result)
