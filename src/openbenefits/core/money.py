"""Exact arithmetic on columns of money.

Units: amounts are integer cents; rates are integer micro-dollars (1,000,000 = $1) or
micro-percent (1,000,000 = 1 percent); factors are thousandths (1,500 = 1.5 times). All
are Int64 columns or Python integers; never a float.

Missing: a null operand gives null. The bounds of `clamp` are the one exception.

Errors: quotients are computed in Int128 and cast back strictly. A result beyond Int64
raises `polars.exceptions.InvalidOperationError` and is never wrapped or lost. Sums and
differences stay in Int64. Neither can happen where the stage that loads the data reports
every operand that is not `is_in_range`.

Planning: an operator mentions an operand up to four times, so that nesting multiplies the
plan. Give each step a column of its own (one `with_columns` per step).
"""

from collections.abc import Sequence
from functools import reduce
from operator import add as plus
from typing import Final

import polars as pl

from openbenefits.core.missing import if_all_known

__all__ = [
    "CENTS_PER_DOLLAR",
    "HUNDRED_PERCENT",
    "LARGEST_OPERAND",
    "MICROS_PER_CENT",
    "MICROS_PER_DOLLAR",
    "THOUSANDTHS",
    "Operand",
    "add",
    "clamp",
    "divide_half_up",
    "first_served",
    "is_in_range",
    "maximum",
    "minimum",
    "multiply_divide_half_up",
    "percent_of",
    "round_to_multiple",
    "share_of_split",
    "subtract",
    "total",
]

_Cents: Final = pl.Int64
_Wide: Final = pl.Int128

CENTS_PER_DOLLAR: Final = 100
MICROS_PER_DOLLAR: Final = 1_000_000
MICROS_PER_CENT: Final = 10_000
HUNDRED_PERCENT: Final = 100 * 1_000_000
THOUSANDTHS: Final = 1_000

LARGEST_OPERAND: Final = 10**12
"""The largest amount (10 billion dollars, in cents) or rate (1 million dollars, in
micro-dollars) that set-up or HR data may hold: the product of two, divided by 1,000,000
or more, fits in Int64, and so does the sum of nine such results."""

Operand = pl.Expr | int


def add(*amounts: Operand) -> pl.Expr:
    """Sum the amounts of each row.

    >>> frame = pl.DataFrame({"medical": [5000, 5000], "dental": [700, None]})
    >>> frame.select(add(pl.col("medical"), pl.col("dental"))).to_series().to_list()
    [5700, None]
    """
    return reduce(plus, _columns(amounts))


def subtract(amount: Operand, deducted: Operand) -> pl.Expr:
    """Take one amount from another; the difference may be negative.

    >>> pl.select(subtract(700, 1000)).item()
    -300
    """
    return _column(amount) - _column(deducted)


def total(amounts: pl.Expr) -> pl.Expr:
    """Add up a column within its group; one unknown amount makes the total unknown.

    Missing: Polars' own `sum` skips null, as if an unknown charge were free. No amounts are 0.

    >>> frame = pl.DataFrame({"plan": [1, 1, 2, 2], "cents": [500, 700, 500, None]})
    >>> frame.group_by("plan", maintain_order=True).agg(total(pl.col("cents")))["cents"].to_list()
    [1200, None]
    """
    return pl.when(~amounts.is_null().any()).then(amounts.sum())


def minimum(*amounts: Operand) -> pl.Expr:
    """Find the smallest amount of each row.

    >>> frame = pl.DataFrame({"base": [90_000, None]})
    >>> frame.select(minimum(pl.col("base"), 50_000)).to_series().to_list()
    [50000, None]
    """
    columns = _columns(amounts)
    return if_all_known(columns, pl.min_horizontal(columns))


def maximum(*amounts: Operand) -> pl.Expr:
    """Find the largest amount of each row.

    >>> frame = pl.DataFrame({"base": [90_000, None]})
    >>> frame.select(maximum(pl.col("base"), 50_000)).to_series().to_list()
    [90000, None]
    """
    columns = _columns(amounts)
    return if_all_known(columns, pl.max_horizontal(columns))


def clamp(amount: Operand, low_or_unbounded: Operand | None, high_or_unbounded: Operand | None) -> pl.Expr:
    """Keep an amount within the plan's least and greatest amount.

    Missing: an unknown amount stays unknown; a null (or None) bound is *no bound*, as a
             plan without a maximum has none. Nowhere else has null a meaning.
    Errors:  where the bounds cross, the low one wins; the set-up audit refuses that.
    Source:  coverage formula, minimum and maximum after the formula (program-setup §4.5).

    >>> frame = pl.DataFrame({"cents": [100, 900, None], "most": [500, None, 500]})
    >>> frame.select(clamp(pl.col("cents"), 200, pl.col("most"))).to_series().to_list()
    [200, 900, None]
    """
    at_most = _column(amount).clip(upper_bound=_bound(high_or_unbounded))
    return at_most.clip(lower_bound=_bound(low_or_unbounded))


def divide_half_up(amount: Operand, divisor: Operand) -> pl.Expr:
    """Divide and round to the nearest integer, a half away from zero.

    Symmetric, so that a credit is the exact mirror of its charge.

    Missing: a divisor column that is null, zero or negative gives null.
    Errors:  a literal divisor that is not positive raises ValueError.
    Source:  half-up to cents after the final division (program-setup §4.4).

    >>> cents = pl.DataFrame({"cents": [5, -5, 4, None]})
    >>> cents.select(divide_half_up(pl.col("cents"), 2)).to_series().to_list()
    [3, -3, 2, None]
    """
    return _half_up(_wide(amount), divisor)


def multiply_divide_half_up(amount: Operand, factor: Operand, divisor: Operand) -> pl.Expr:
    """Compute amount * factor / divisor, rounded once, a half away from zero.

    The product is exact at any size (Int128); a result beyond Int64 raises.

    Missing: as `divide_half_up`.
    Errors:  as `divide_half_up`.

    A rate of $0.05 per $1,000 (50,000 micro-dollars) on $75,500 of coverage:

    >>> pl.select(multiply_divide_half_up(7_550_000, 50_000, 10**9)).item()
    378
    """
    return _half_up(_wide(amount) * _wide(factor), divisor)


def percent_of(amount: Operand, percent_micros: Operand) -> pl.Expr:
    """Compute a percentage of an amount, rounded half up.

    Units: micro-percent; 6.2 percent is 6,200,000.

    >>> pl.select(percent_of(100_000, 6_200_000)).item()
    6200
    """
    return multiply_divide_half_up(amount, percent_micros, HUNDRED_PERCENT)


def share_of_split(total: Operand, share_no: Operand, shares: Operand) -> pl.Expr:
    """Find one share of a total split over so many shares, cumulatively rounded.

    The shares of a total always sum to it, and none is more than a cent from another.

    Missing: a share number outside 1..shares gives null.
    Source:  unit of the ledger (rulings §5.1).

    $100.00 over 3 pays:

    >>> pay = pl.DataFrame({"pay_no": [1, 2, 3, 4]})
    >>> pay.select(share_of_split(10_000, pl.col("pay_no"), 3)).to_series().to_list()
    [3333, 3334, 3333, None]
    """
    number, count = _column(share_no), _column(shares)
    until = multiply_divide_half_up(total, number, shares)
    before = multiply_divide_half_up(total, number - 1, shares)
    return pl.when(number.is_between(1, count)).then(until - before)


def first_served(
    wanted: pl.DataFrame, totals: pl.DataFrame, *, on: Sequence[str], by: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Spread totals over amounts of their sign, the first in order first; answer what is left of them, too.

    Shapes:  wanted has on, by, cents; totals on, total. The parts have on, by, cents; the rest the columns of
             totals and cents. An unknown amount takes nothing.

    >>> wanted = pl.DataFrame({"who": [1, 1], "month": [1, 2], "cents": [30, 50]})
    >>> parts, rest = first_served(
    ...     wanted, pl.DataFrame({"who": [1], "total": [40]}), on=["who"], by=["month"]
    ... )
    >>> parts.rows(), rest.rows()
    ([(1, 1, 30), (1, 2, 10)], [])
    """
    order = wanted.drop_nulls("cents").sort(*on, *by).join(totals.select(*on, "total"), on=list(on))
    same = order.filter(pl.col("cents").sign() == pl.col("total").sign())
    size, whole = pl.col("cents").abs(), pl.col("total").abs()
    before = size.cum_sum().over(on) - size
    taken = minimum(size, maximum(whole - before, pl.lit(0)))
    parts = same.select(*on, *by, cents=taken * pl.col("total").sign()).filter(pl.col("cents") != 0)
    used = parts.group_by(on).agg(used=total(pl.col("cents")))
    left = pl.col("total") - pl.col("used").fill_null(0)
    rest = totals.join(used, on=list(on), how="left").with_columns(cents=left)
    return parts, rest.drop("used").filter(pl.col("cents") != 0)


def round_to_multiple(amount: Operand, round_up: Operand, multiple: Operand) -> pl.Expr:
    """Round an amount to a multiple: floor((amount + round_up) / multiple) * multiple.

    A round-up of 0 truncates, of half the multiple rounds to the nearest, of one cent
    less than the multiple rounds up. Negative amounts round downward likewise.

    Units:   cents, all three.
    Missing: a multiple of 0 leaves the amount as it is; a negative one gives null.
    Source:  rounding step of the coverage formula (program-setup §4.5).

    $75,500.01 to the next $1,000:

    >>> pl.select(round_to_multiple(7_550_001, 99_999, 100_000)).item()
    7600000
    """
    x, up, step = _columns((amount, round_up, multiple))
    raised = x + up
    rounded = pl.when(step > 0).then(raised // step * step)
    return pl.when((step == 0) & up.is_not_null()).then(x).otherwise(rounded)


def dollars(cents: int | None) -> str:
    """Write cents as dollars; nothing where they are unknown.

    >>> dollars(-123456), dollars(None)
    ('-$1,234.56', '')
    """
    if cents is None:
        return ""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}${whole:,}.{rest:02d}"


def is_in_range(amount: Operand) -> pl.Expr:
    """Tell whether an amount or a rate is small enough never to overflow a product.

    Asked once, where data is loaded, so that an absurd salary becomes a message about
    one person and never an error in the middle of a run.

    >>> amounts = pl.DataFrame({"cents": [10**12, -(10**12) - 1, None]})
    >>> amounts.select(is_in_range(pl.col("cents"))).to_series().to_list()
    [True, False, None]
    """
    return _column(amount).is_between(-LARGEST_OPERAND, LARGEST_OPERAND)


def _half_up(numerator: pl.Expr, divisor: Operand) -> pl.Expr:
    below = _positive_wide(divisor)
    quotient = (numerator.abs() + below // 2) // below * numerator.sign()
    return quotient.cast(_Cents)


def _positive_wide(divisor: Operand) -> pl.Expr:
    if isinstance(divisor, pl.Expr):
        return pl.when(divisor > 0).then(divisor.cast(_Wide))
    if divisor <= 0:
        raise ValueError(f"a divisor must be positive, not {divisor}")
    return _wide(divisor)


def _wide(operand: Operand) -> pl.Expr:
    if isinstance(operand, pl.Expr):
        return operand.cast(_Wide)
    return pl.lit(operand, dtype=_Wide)


def _column(operand: Operand) -> pl.Expr:
    if isinstance(operand, pl.Expr):
        return operand
    return pl.lit(operand, dtype=_Cents)


def _columns(operands: tuple[Operand, ...]) -> list[pl.Expr]:
    return [_column(operand) for operand in operands]


def _bound(bound_or_unbounded: Operand | None) -> pl.Expr | None:
    return None if bound_or_unbounded is None else _column(bound_or_unbounded)
