"""The layout of a file that is no 834, as data: its records, their columns, and where each value comes from.

One layout serves any number of clients; what differs between them is a value told with the file. Nothing of a
partner is code: what carriers and administrators ask for is a field here (carrier-feeds §5, §8).
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import Meta, Struct

ContentKind = Literal["enrollment", "contributions", "eligibility", "cobra", "disability"]
Each = Literal["file", "group", "family", "member", "row"]
LEVELS: tuple[Each, ...] = ("file", "group", "family", "member", "row")
LINE_ENDS = {"lf": "\n", "crlf": "\r\n"}
ANY_CODE = "*"


class LayoutRefused(ValueError):
    """A layout that cannot be used: which record and column, what was expected and found, the cure."""


class Condition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must be so of a row; all that is said must hold.

    is_in, not_in: the value as a text is one of these, or none of them. empty: whether it is missing. above,
    below: a number beyond this one. since, before: a day on or after, or before, the day told by that name.
    Missing: a row without the value meets nothing but `empty: true` and `not_in`.
    """

    value: str
    is_in: tuple[str, ...] = ()
    not_in: tuple[str, ...] = ()
    empty: bool | None = None
    above: int | None = None
    below: int | None = None
    since: str = ""
    before: str = ""


class Column(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A column: where its value comes from (one of value … number; none: blank), and how it is written.

    name: of the field in the partner's own document; the heading, where there are headings.
    value: of the content's rows, else told with the file. beside: of the member's row whose `Layout.beside`
    is this: lines side by side. joined: several values with `between`, what is missing left out.
    sum: over the rows of the record. count: how many rows, members, families or records (of the whole file)
    it covers. of: only the rows of that record are summed or counted. number: counts this record's lines.
    when: else the column is empty.
    kind: money comes in cents, days as days; digits: nothing but digits, put into `mask` (# is a digit).
    length: the most characters; of fixed width, exactly so many. start: the first character is 1; gaps are
    blank. days: as strftime has it; shift_days: the first day not covered is a day after the last.
    money: cents are implied, or written after a point. sign: before, after, in parentheses, punched into the
    last digit, or `none`: a negative amount is refused. plus: a positive sign is written, too.
    first, last: only so many characters of it. codes: the partner's codes for ours, or the name of a table in
    `Layout.codes`; `*` is any other; without it another is refused. empty: what stands for nothing.
    """

    name: str
    value: str = ""
    fixed: str = ""
    joined: tuple[str, ...] = ()
    between: str = " "
    sum: str = ""
    count: Literal["", "rows", "members", "families", "records"] = ""
    number: bool = False
    beside: str = ""
    of: str = ""
    when: tuple[Condition, ...] = ()
    kind: Literal["text", "digits", "day", "money", "number"] = "text"
    start: int = 0
    length: Annotated[int, Meta(ge=0)] = 0
    days: str = "%Y%m%d"
    shift_days: int = 0
    money: Literal["cents", "decimals"] = "decimals"
    sign: Literal["leading", "trailing", "parentheses", "overpunch", "none"] = "leading"
    plus: bool = False
    align: Literal["", "left", "right"] = ""
    pad: str = ""
    mask: str = ""
    first: int = 0
    last: int = 0
    codes: str | dict[str, str] = {}
    case: Literal["", "upper", "lower", "as_is"] = ""
    too_long: Literal["refused", "cut"] = "refused"
    empty: str = ""
    required: bool = False


class Record(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of line: one for the file, or each group, family, member or row; those that open come first.

    place: whether it stands before what it covers, or after it (a trailer).
    """

    name: str
    each: Each = "row"
    place: Literal["before", "after"] = "before"
    when: tuple[Condition, ...] = ()
    columns: tuple[Column, ...]


class FileLayout(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file. Records stand in the order of the file, from outside in.

    content: what its rows are (`contents.CONTENTS`). group: values that part the file into groups. order:
    what rows are sorted by, before family and member. beside: the value that tells the lines of a member
    apart. when: rows of which nothing is written otherwise. quoting: around cells that need it, every one, or
    none (a delimiter or quote in a value becomes a blank).
    """

    name: str
    note: str = ""
    content: ContentKind
    form: Literal["delimited", "fixed"] = "delimited"
    delimiter: str = ","
    quote: str = '"'
    quoting: Literal["needed", "all", "none"] = "needed"
    headings: bool = False
    line_end: Literal["lf", "crlf"] = "lf"
    ends_last_line: bool = True
    letters: Literal["plain", "any"] = "plain"
    encoding: Literal["ascii", "utf-8", "utf-8-sig", "cp1252"] = "ascii"
    case: Literal["upper", "lower", "as_is"] = "as_is"
    group: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    beside: str = "line"
    codes: dict[str, dict[str, str]] = {}
    when: tuple[Condition, ...] = ()
    records: tuple[Record, ...]

    def record(self, name: str) -> Record:
        """Answer a record by its name. Errors: LayoutRefused."""
        for one in self.records:
            if one.name == name:
                return one
        raise LayoutRefused(f"{self.name}: expected a record {name!r}, found none; correct the layout")


def read_layout(text: str) -> FileLayout:
    """Read a layout from YAML. Errors: LayoutRefused says the field, what was expected and found."""
    try:
        found = msgspec.convert(yaml.safe_load(text), FileLayout)
    except (yaml.YAMLError, msgspec.ValidationError) as fault:
        raise LayoutRefused(f"layout: {fault}; correct the file") from None
    check(found)
    return found


def read_layout_file(path: Path) -> FileLayout:
    """Read a layout from a file. Errors: LayoutRefused, OSError."""
    return read_layout(path.read_text("utf-8"))


def check(layout: FileLayout) -> None:
    """See that a layout can be written at all. Errors: LayoutRefused."""
    names = [one.name for one in layout.records]
    if not names or len(set(names)) != len(names):
        raise LayoutRefused(f"{layout.name}: expected records with a name of their own each; correct it")
    marks = (layout.delimiter, layout.quote)
    if layout.form == "delimited" and (any(len(one) != 1 for one in marks) or len(set(marks)) == 1):
        raise LayoutRefused(f"{layout.name}: expected a delimiter and a quote of one mark each; correct it")
    if layout.headings and (layout.form == "fixed" or len({one.each for one in layout.records}) > 1):
        raise LayoutRefused(
            f"{layout.name}: expected headings only over delimited records of one kind; leave them off"
        )
    if layout.letters == "any" and layout.encoding == "ascii":
        raise LayoutRefused(f"{layout.name}: expected an encoding for any letters, found ascii; say utf-8")
    for record in layout.records:
        if len({one.name for one in record.columns}) != len(record.columns):
            raise LayoutRefused(
                f"{layout.name}: record {record.name}: expected columns with a name of its own each; mend it"
            )
        for column in record.columns:
            _check_column(layout, record, column)
        if layout.form == "fixed":
            places(layout, record)


def _check_column(layout: FileLayout, record: Record, column: Column) -> None:
    where = f"{layout.name}: record {record.name}, column {column.name}"
    told = [column.value, column.fixed, column.joined, column.sum, column.count, column.number]
    if sum(bool(one) for one in told) > 1:
        raise LayoutRefused(f"{where}: expected one source of its value, found several; keep one")
    if layout.form == "fixed" and not column.length:
        raise LayoutRefused(f"{where}: expected a length, found none; say how many characters it has")
    if isinstance(column.codes, str) and column.codes not in layout.codes:
        raise LayoutRefused(f"{where}: expected a table of codes {column.codes!r}, found none; add it")
    if column.count == "records" and record.each != "file":
        raise LayoutRefused(f"{where}: expected records to be counted by a record of the file; count rows")
    if len(column.pad) > 1:
        raise LayoutRefused(f"{where}: expected one character to fill with; correct it")
    if column.of:
        layout.record(column.of)


def places(layout: FileLayout, record: Record) -> list[tuple[Column, int, int]]:
    """Answer the columns of a record of fixed width with their first character (from 0) and length.

    Errors: LayoutRefused where one begins inside another.
    """
    found, at = [], 0
    for column in record.columns:
        start = column.start - 1 if column.start else at
        if start < at:
            raise LayoutRefused(
                f"{layout.name}: record {record.name}, column {column.name}: expected it to start after"
                f" character {at}, found {column.start}; correct start or length"
            )
        found.append((column, start, column.length))
        at = start + column.length
    return found


def json_schema() -> dict[str, Any]:
    """Answer the published JSON Schema of layouts."""
    (_,), parts = msgspec.json.schema_components([FileLayout], ref_template="#/$defs/{name}")
    top = parts.pop("FileLayout")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "$defs": parts}


def write_schema(path: Path) -> None:
    """Write the schema file."""
    path.write_text(json.dumps(json_schema(), indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    write_schema(Path(sys.argv[1]))
