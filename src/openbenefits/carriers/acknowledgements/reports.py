"""A carrier's business report: member by member, what it took, refused, or holds otherwise; read by a layout.

Carriers send error reports and lists of discrepancies as delimited or fixed-width files of their own. Which
column says what, and which of their words means which verdict, is data. Such a report is the only proof that
somebody is enrolled. Source: carrier-feeds §7.
"""

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime
from typing import Literal

import msgspec
import polars as pl

Verdict = Literal["accepted", "refused", "warned", "missing there", "missing here", "different"]

REPORT = {
    "row": pl.Int64,
    "file_reference": pl.String,
    "subscriber": pl.String,
    "member": pl.String,
    "last_name": pl.String,
    "first_name": pl.String,
    "birth_on": pl.Date,
    "line": pl.String,
    "plan": pl.String,
    "effective_on": pl.Date,
    "verdict": pl.String,
    "code": pl.String,
    "words": pl.String,
    "control_number": pl.String,
}
"""What a carrier says of a member, or of a member's line; row counts the lines of the file from 1.

Where neither subscriber nor member is named (an 824 only): of everybody in the set with the control number,
or in the whole file where there is none.
"""

DAYS = ("birth_on", "effective_on")
OF_SETS = "control_number"
COLUMNS = tuple(name for name in REPORT if name not in ("row", OF_SETS))
"""What a layout may name."""
FAULTS = {"row": pl.Int64, "column": pl.String, "words": pl.String}


class ReportRefused(ValueError):
    """A report, or a layout, that cannot be read: what was expected, what was found, what to change."""


class Column(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Where a column of ours is found: under a heading, or from a character (the first is 1) so many long."""

    heading: str = ""
    start: int = 0
    length: int = 0


class Layout(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How a carrier's report is read.

    columns: ours -> where. verdicts: what the carrier writes in the column of verdicts, as it is, -> ours;
    one not named is `otherwise`, and where that is empty, a fault. skip: lines before the headings, or before
    the first row. days: how days are written, as strptime has it. silence: what it means for the members of
    the file that is reported on, if no row names them: nothing, or that they were accepted.
    """

    kind: Literal["delimited", "fixed"]
    columns: dict[str, Column]
    verdicts: dict[str, Verdict] = {}
    otherwise: Verdict | Literal[""] = ""
    delimiter: str = ","
    skip: int = 0
    days: str = "%Y%m%d"
    silence: Literal["", "accepted"] = ""
    encoding: str = "utf-8-sig"


class Report(msgspec.Struct, frozen=True):
    """What a report says, and what in it cannot be read. Shapes: REPORT, FAULTS (row, column, words)."""

    rows: pl.DataFrame
    faults: pl.DataFrame


def read_report(data: bytes, layout: Layout) -> Report:
    """Read a report by its layout; a row with a fault is among the faults and not among the rows.

    Errors: ReportRefused for a layout or a file that cannot be read as a whole.
    """
    _check(layout)
    rows, faults = [], []
    for number, cells in _cells(_text(data, layout), layout):
        if not any(cells.values()):
            continue
        row, wrong = _read(cells, layout)
        faults += [(number, column, words) for column, words in wrong]
        if not wrong:
            rows.append([{"row": number, **row}.get(name) for name in REPORT])
    return Report(
        rows=pl.DataFrame(rows, schema=REPORT, orient="row"),
        faults=pl.DataFrame(faults, schema=FAULTS, orient="row"),
    )


def _check(layout: Layout) -> None:
    unknown = sorted(set(layout.columns) - set(COLUMNS))
    if unknown:
        raise ReportRefused(f"expected columns among {', '.join(COLUMNS)}, found {', '.join(unknown)}")
    for name, one in layout.columns.items():
        is_placed = one.heading if layout.kind == "delimited" else one.start >= 1 and one.length >= 1
        if not is_placed:
            wanted = "a heading" if layout.kind == "delimited" else "start and length from 1"
            raise ReportRefused(f"expected {wanted} for column {name}, found none; say it in the layout")
    if not {"subscriber", "member"} & set(layout.columns):
        raise ReportRefused("expected a column subscriber or member, found neither; say whom a row is about")
    if len(layout.delimiter) != 1:
        raise ReportRefused("expected one character as delimiter; say it in the layout")


def _text(data: bytes, layout: Layout) -> str:
    try:
        return data.decode(layout.encoding)
    except (UnicodeDecodeError, LookupError) as fault:
        raise ReportRefused(
            f"expected text in {layout.encoding}, found other bytes; say the encoding in the layout"
        ) from fault


def _cells(text: str, layout: Layout) -> Iterator[tuple[int, dict[str, str]]]:
    """Answer the cells of each row by our names, with the number of its line."""
    if layout.kind == "fixed":
        for number, line in enumerate(text.splitlines()[layout.skip :], start=layout.skip + 1):
            yield (
                number,
                {
                    name: line[one.start - 1 : one.start - 1 + one.length].strip()
                    for name, one in layout.columns.items()
                },
            )
        return
    body = "\n".join(text.splitlines()[layout.skip :])
    reader = csv.reader(io.StringIO(body), delimiter=layout.delimiter)
    try:
        headings = [one.strip() for one in next(reader, [])]
        places = {name: _place(headings, name, one.heading) for name, one in layout.columns.items()}
        for row in reader:
            number = layout.skip + reader.line_num
            yield number, {name: row[at].strip() if at < len(row) else "" for name, at in places.items()}
    except csv.Error as fault:
        at_line = layout.skip + reader.line_num
        raise ReportRefused(
            f"line {at_line}: expected cells, found none that can be read; ask for it again"
        ) from fault


def _place(headings: list[str], name: str, heading: str) -> int:
    found = [at for at, one in enumerate(headings) if one == heading]
    if len(found) != 1:
        times = "none" if not found else f"{len(found)}"
        raise ReportRefused(
            f"expected one heading {heading!r} for {name}, found {times}; correct the layout, or ask for the"
            " file again"
        )
    return found[0]


def _read(cells: dict[str, str], layout: Layout) -> tuple[dict[str, object], list[tuple[str, str]]]:
    row: dict[str, object] = {name: text or None for name, text in cells.items()}
    wrong = []
    for name in DAYS:
        if cells.get(name):
            row[name] = _day(cells[name], layout.days)
            if row[name] is None:
                wrong.append((name, "expected a day as the layout writes it, found something else"))
    said = cells.get("verdict", "")
    row["verdict"] = layout.verdicts.get(said, layout.otherwise)
    if not row["verdict"]:
        wrong.append(("verdict", "expected a verdict the layout names, found another; add it to the layout"))
    if not (row.get("member") or row.get("subscriber")):
        wrong.append(("member", "expected whom the row is about, found nobody; ask the carrier"))
    return row, wrong


def _day(text: str, form: str) -> date | None:
    try:
        return datetime.strptime(text, form).date()
    except ValueError:
        return None
