"""A frame as a table on a page: sorted, filtered and paged by its address, and saved as a file.

Everything is in the address: a link leads to the same rows, the back button works, and so does a page without
scripts. Several sheets of a page keep their settings apart by their names.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from io import BytesIO
from typing import Any, Literal
from urllib.parse import urlencode

import polars as pl
from django.http import HttpResponse
from django.utils.functional import Promise

from openbenefits.core.money import dollars
from openbenefits.reports.deferred import Listing, whole
from openbenefits.reports.files import defused

Kind = Literal["text", "number", "money", "day", "moment", "status"]
ROWS = 50
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True)
class Column:
    """A column of a sheet: which of the frame, its heading, how its values read, where they lead.

    kind: money is in cents. href: answers the address for a row, None for none.
    words: what a code is called; a value not named there is shown as it is.
    """

    name: str
    title: str | Promise
    kind: Kind = "text"
    href: Callable[[Mapping[str, Any]], str | None] | None = None
    words: Mapping[Any, str | Promise] | None = None

    @property
    def is_to_the_right(self) -> bool:
        """Whether it holds amounts, which stand under one another."""
        return self.kind in ("number", "money")

    def text(self, value: Any) -> str:
        """Say a value in words; empty where nothing is known."""
        if value is None:
            return ""
        if self.words is not None and value in self.words:
            return str(self.words[value])
        if self.kind == "money":
            return dollars(value)
        if isinstance(value, datetime):
            return f"{value:%Y-%m-%d %H:%M} UTC"
        if isinstance(value, date):
            return value.isoformat()
        return f"{value:,}" if self.kind == "number" else str(value)


@dataclass(frozen=True)
class Cell:
    """What a place of a sheet shows."""

    text: str
    href: str | None
    is_to_the_right: bool
    is_day: bool
    status: str | None


@dataclass(frozen=True)
class Heading:
    """A column's heading: its title, the address that sorts by it, and how it is sorted now."""

    name: str
    title: str
    href: str
    sorted: str | None  # ascending, descending
    filter: str
    field: str
    is_to_the_right: bool


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A frame, as one page of a table.

    frame: of a deferred listing as few rows are made as the page shows; all, where it is filtered or sorted.
    picks: the column whose value a check box of each row stands for; None: no check boxes.
    """

    name: str
    caption: str | Promise
    columns: Sequence[Column]
    frame: Listing
    query: Mapping[str, str]
    empty: str | Promise
    picks: str | None = None

    @cached_property
    def found(self) -> pl.DataFrame:
        """Answer the rows that pass the filters, in the order asked for."""
        rows = whole(self.frame)
        for column in self.columns:
            if (wanted := self._setting(f"f_{column.name}").strip()) and column.name in rows.columns:
                rows = rows.filter(self._texts(column, rows).str.contains(wanted.casefold(), literal=True))
        by = self._setting("sort")
        if by.lstrip("-") in rows.columns:
            rows = rows.sort(
                by.lstrip("-"), descending=by.startswith("-"), nulls_last=True, maintain_order=True
            )
        return rows

    def _texts(self, column: Column, rows: pl.DataFrame) -> pl.Series:
        """Answer what a column shows, in lower case: people look for what they see."""
        values = rows[column.name]
        distinct = values.unique()
        texts = [column.text(value).casefold() for value in distinct.to_list()]
        known = pl.DataFrame({"value": distinct, "text": pl.Series(texts, dtype=pl.String)})
        found = values.to_frame("value").join(
            known, on="value", how="left", nulls_equal=True, maintain_order="left"
        )
        return found["text"].fill_null("")

    @property
    def whole(self) -> int:
        """How many rows there are, filtered or not."""
        return self.frame.height

    @property
    def _shown(self) -> Listing:
        """The rows found; all of them, as they are given, where the address neither filters nor sorts."""
        is_as_given = not self.is_filtered and not self._setting("sort")
        return self.frame if is_as_given else self.found

    @property
    def total(self) -> int:
        """How many rows pass the filters."""
        return self._shown.height

    @property
    def pages(self) -> int:
        """How many pages there are; at least one."""
        return max(1, -(-self.total // ROWS))

    @property
    def number(self) -> int:
        """Which page is shown, from 1."""
        asked = self._setting("page")
        return min(self.pages, max(1, int(asked))) if asked.isdecimal() else 1

    @property
    def headings(self) -> list[Heading]:
        """Answer the headings, with the address that sorts by each."""
        by = self._setting("sort")
        found = []
        for column in self.columns:
            is_up, is_down = by == column.name, by == f"-{column.name}"
            found.append(
                Heading(
                    name=column.name,
                    title=str(column.title),
                    href=self.with_settings(sort=f"-{column.name}" if is_up else column.name, page=""),
                    sorted="ascending" if is_up else "descending" if is_down else None,
                    filter=self._setting(f"f_{column.name}"),
                    field=f"{self.name}.f_{column.name}",
                    is_to_the_right=column.is_to_the_right,
                )
            )
        return found

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Answer the rows of the page shown: cells, and what its check box stands for."""
        shown = self._shown.slice((self.number - 1) * ROWS, ROWS)
        return [
            {"cells": [self._cell(column, row) for column in self.columns], "pick": row.get(self.picks or "")}
            for row in shown.iter_rows(named=True)
        ]

    def _cell(self, column: Column, row: Mapping[str, Any]) -> Cell:
        value = row.get(column.name)
        return Cell(
            text=column.text(value),
            href=column.href(row) if column.href is not None and value is not None else None,
            is_to_the_right=column.is_to_the_right,
            is_day=column.kind in ("day", "moment"),
            status=str(value) if column.kind == "status" and value is not None else None,
        )

    @property
    def first(self) -> int:
        """The place of the first row shown, from 1; 0 where there is none."""
        return (self.number - 1) * ROWS + 1 if self.total else 0

    @property
    def last(self) -> int:
        """The place of the last row shown."""
        return min(self.number * ROWS, self.total)

    @property
    def previous(self) -> str | None:
        """The address of the page before, if there is one."""
        return self.with_settings(page=str(self.number - 1)) if self.number > 1 else None

    @property
    def next(self) -> str | None:
        """The address of the page after, if there is one."""
        return self.with_settings(page=str(self.number + 1)) if self.number < self.pages else None

    @property
    def is_filtered(self) -> bool:
        """Whether a filter is set."""
        return any(self._setting(f"f_{column.name}").strip() for column in self.columns)

    @property
    def unfiltered(self) -> str:
        """The address without filters."""
        return self.with_settings(page="", **{f"f_{column.name}": "" for column in self.columns})

    @property
    def as_csv(self) -> str:
        """The address of all rows found as CSV."""
        return self.with_settings(export="csv")

    @property
    def as_xlsx(self) -> str:
        """The address of all rows found as a workbook."""
        return self.with_settings(export="xlsx")

    @property
    def kept(self) -> list[tuple[str, str]]:
        """Answer the settings that its filter form must not lose: order, and those of other sheets."""
        own = {f"{self.name}.f_{column.name}" for column in self.columns} | {f"{self.name}.page"}
        return [(name, value) for name, value in self.query.items() if name not in own and value]

    def with_settings(self, **changed: str) -> str:
        """Answer the address of the same page with other settings of this sheet; "" takes one away."""
        settings = dict(self.query) | {f"{self.name}.{name}": value for name, value in changed.items()}
        return "?" + urlencode({name: value for name, value in settings.items() if value})

    def _setting(self, name: str) -> str:
        return self.query.get(f"{self.name}.{name}", "")

    def export(self) -> HttpResponse | None:
        """Answer all rows found as a file, where the address asks for one; else None."""
        kind = self._setting("export")
        if kind not in TYPES:
            return None
        return as_file(self.found, self.columns, self.name, kind)


def as_file(rows: pl.DataFrame, columns: Sequence[Column], name: str, kind: str) -> HttpResponse:
    """Answer rows as a file of a kind of TYPES, with the columns of theirs that are named."""
    shown = rows.select(_exported(column) for column in columns if column.name in rows.columns)
    file = BytesIO()
    if kind == "csv":
        defused(shown).write_csv(file)
    else:
        defused(shown).write_excel(file, worksheet=name[:31], autofit=False)
    answer = HttpResponse(file.getvalue(), content_type=TYPES[kind])
    answer["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return answer


def _exported(column: Column) -> pl.Expr:
    """Answer a column for a file: under its heading, codes in words; money as dollars that add up."""
    value = pl.col(column.name)
    if column.words is not None:
        words = {code: str(text) for code, text in column.words.items()}
        value = value.replace_strict(words, default=value.cast(pl.String), return_dtype=pl.String)
    elif column.kind == "money":
        value = value.cast(pl.Decimal(18, 2)) * pl.lit("0.01").cast(pl.Decimal(18, 2))
    return value.alias(str(column.title))


def sheet(
    request: Any,
    frame: Listing,
    columns: Sequence[Column],
    *,
    name: str,
    caption: str | Promise,
    empty: str | Promise = "Nothing to show.",
    picks: str | None = None,
) -> Sheet:
    """Show a frame as a table, as the address of the page asks."""
    return Sheet(
        name=name,
        caption=caption,
        columns=columns,
        frame=frame,
        query=dict(request.GET.items()),
        empty=empty,
        picks=picks,
    )
