"""Texts of channels with replacement fields, for many records at once (core.merging)."""

from collections.abc import Sequence

import polars as pl

from openbenefits.core.merging import FIELD


def merged(text: str, columns: Sequence[str]) -> pl.Expr:
    """Answer a text with its fields filled in; what is missing is left out.

    columns: those there are; a field named in the text and not there is a fault of the channel, found when
             it is read.
    """
    parts: list[pl.Expr] = []
    at = 0
    for match in FIELD.finditer(text):
        if match.start() > at:
            parts.append(pl.lit(text[at : match.start()]))
        if match[1] in columns:
            parts.append(pl.col(match[1]).cast(pl.String).fill_null(""))
        at = match.end()
    if at < len(text) or not parts:
        parts.append(pl.lit(text[at:]))
    return pl.concat_str(parts)
