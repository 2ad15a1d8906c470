"""Small tables: frames as captions, headings and rows, for a part of a page."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.utils.translation import gettext as _

from openbenefits.repair.operations import Told
from openbenefits.repair.services import Consequences
from openbenefits.reports.repairs import named_consequences, named_losses

YES_NO = {True: "yes", False: "no"}
MOST_ROWS = 200
IN_ONE_LINE = re.compile(r"\d{4}-\d\d-\d\d|[A-Z0-9-]{1,20}$")


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table to be shown. headings: text and whether it is a number. more: rows left out."""

    caption: str
    headings: Sequence[tuple[str, bool]]
    rows: Sequence[Sequence[str]]
    empty: str = ""
    more: int = 0

    @property
    def cells(self) -> list[list[tuple[str, str]]]:
        """Answer the cells, each with how it stands: n to the right, d in one line, or as it comes."""
        numbers = [is_number for _text, is_number in self.headings]
        return [
            [
                (text, "n" if is_number else "d" if IN_ONE_LINE.match(text) else "")
                for text, is_number in cells
            ]
            for cells in (zip(row, numbers, strict=True) for row in self.rows)
        ]


def table_of(
    frame: pl.DataFrame, caption: str, *, words: Mapping[str, str] | None = None, empty: str = ""
) -> Table:
    """Lay a frame out as a table; `words` name columns that need other words than their own."""
    told = words or {}
    numbers = [dtype.is_numeric() or _is_money(frame[name]) for name, dtype in frame.schema.items()]
    names = [told.get(name, name.replace("_", " ").capitalize()) for name in frame.columns]
    return Table(
        caption=caption,
        headings=list(zip(names, numbers, strict=True)),
        rows=[[said(value) for value in row] for row in frame.head(MOST_ROWS).iter_rows()],
        empty=empty,
        more=max(frame.height - MOST_ROWS, 0),
    )


def _is_money(column: pl.Series) -> bool:
    texts = column.drop_nulls().head(5) if column.dtype == pl.String else pl.Series(dtype=pl.String)
    return texts.len() > 0 and bool(texts.str.contains(r"^-?\$").all())


def said(value: Any) -> str:
    """Write a value as a cell says it."""
    match value:
        case None:
            return ""
        case bool():
            return YES_NO[value]
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case date():
            return value.isoformat()
        case list():
            return ", ".join(said(one) for one in value)
        case _:
            return str(value)


def consequences_of(connection: Any, client_id: int, told: Consequences) -> list[Table]:
    """Lay out what a repair changes: events, coverage, deductions in dollars."""
    empty = _("None.")
    return [
        table_of(rows, title, empty=empty)
        for title, rows in named_consequences(connection, client_id, told).items()
    ]


def told_tables(connection: Any, client_id: int, told: Told) -> list[Table]:
    """Lay out what operations change, losses of health coverage that differ included."""
    losses = named_losses(connection, client_id, told.losses)
    return [
        *consequences_of(connection, client_id, told.consequences),
        table_of(losses, _("Losses of health coverage that differ"), empty=_("None.")),
    ]
