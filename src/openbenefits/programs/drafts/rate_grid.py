"""Rates of a table as a grid of cells: laid out for people, changed cell by cell, kept in a draft."""

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from django.db import transaction

from openbenefits.programs.drafts.records import Key, Plain, find, key_text, records_of
from openbenefits.programs.drafts.services import DraftRefused, Hand, OpenDraft, opened, put, put_file
from openbenefits.programs.models import Draft

TABLES = "rate_tables"
KEYS = (
    *("age_from", "area", "coverage_code", "smoker", "sex"),
    *("person_type", "service_months_from", "annual_pay_from"),
)
ACROSS = ("coverage_code", "area", "sex", "smoker", "person_type")
"""What is laid out in columns, where a table has it: the first of these."""
AMOUNTS = ("rate", "employer_rate")
_AMOUNT = re.compile(r"\$?\s*(\d{1,9}|\d{1,3}(?:,\d{3}){1,2})(\.\d{1,6})?")
LARGEST_PASTE = 200_000

Line = dict[str, str]
"""A rate with its keys, all as text, by column."""
Place = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A rate in the grid: which line it is, as the draft has it, and as it is in force (None: it is new)."""

    line: int
    text: str
    was: str | None

    @property
    def is_changed(self) -> bool:
        return self.was is not None and self.was != self.text


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A version of a rate table, laid out: a row for each combination of keys, a column for each of one key.

    keys: names of what rows are told apart by. cells: by row and column; None where there is no such rate.
    """

    keys: Sequence[str]
    across: str | None
    amount: str
    rows: Sequence[tuple[str, ...]]
    columns: Sequence[str]
    cells: Mapping[Place, Cell]
    mark: str

    @cached_property
    def changed(self) -> int:
        """How many cells differ from what is in force."""
        return sum(cell.is_changed for cell in self.cells.values())


@dataclass(frozen=True, kw_only=True)
class GridOrder:
    """What somebody typed: new texts by line, in which amount, as of which day, and where that is said.

    mark: of the grid he saw; it is refused if somebody else has changed the table since.
    """

    amount: str
    texts: Mapping[int, str]
    valid_from: date
    source: str
    mark: str


def lines_of(files: Mapping[str, str], record: Plain) -> list[Line]:
    """List the rates of a version of a table, from its record or the CSV file it names."""
    if not record.get("file"):
        return [
            {name: _text(value) for name, value in line.items() if value is not None}
            for line in record.get("rates") or ()
        ]
    rows = csv.DictReader(io.StringIO(files.get(record["file"], ""), newline=""))
    found = []
    for row in rows:
        if row.pop("table", record["code"]) in ("", record["code"]):
            found.append({name: value or "" for name, value in row.items() if name is not None})
    return found


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def grid_of(held: OpenDraft, key: Key, amount: str = "rate") -> Grid:
    """Lay a version of a table out, beside what is in force on its first day.

    Errors: DraftRefused for a version there is not, or an amount it does not have.
    """
    record, lines = _version(held, key)
    if amount not in AMOUNTS or (amount != "rate" and not any(line.get(amount) for line in lines)):
        raise DraftRefused(f"expected one of {', '.join(AMOUNTS)} that the table has, found another; choose")
    used = [name for name in KEYS if any(line.get(name) for line in lines)]
    across = next((name for name in ACROSS if name in used), None)
    keys = [name for name in used if name != across]
    before = _in_force(held, record)
    rows: dict[tuple[str, ...], int] = {}
    columns: dict[str, int] = {}
    cells: dict[Place, Cell] = {}
    for number, line in enumerate(lines):
        row = rows.setdefault(tuple(line.get(name, "") for name in keys), len(rows))
        column = columns.setdefault(line.get(across, "") if across else "", len(columns))
        was = before.get(_key(line))
        then = None if was is None else _shown(was.get(amount, ""))
        cells[row, column] = Cell(line=number, text=_shown(line.get(amount, "")), was=then)
    return Grid(
        keys=keys,
        across=across,
        amount=amount,
        rows=list(rows),
        columns=list(columns),
        cells=cells,
        mark=_mark(lines),
    )


def amounts_of(held: OpenDraft, key: Key) -> list[str]:
    """Name the amounts a version has: the whole rate, and the employer's part where it is stated."""
    _record, lines = _version(held, key)
    return [name for name in AMOUNTS if name == "rate" or any(line.get(name) for line in lines)]


def _version(held: OpenDraft, key: Key) -> tuple[Plain, list[Line]]:
    record = held.record(TABLES, key)
    if record is None:
        raise DraftRefused(f"{TABLES}: expected a version of the draft, found no {key_text(key)}; choose one")
    return record, lines_of(held.whole[1], record)


def _in_force(held: OpenDraft, record: Plain) -> dict[tuple[str, ...], Line]:
    """Answer the rates in force on the first day of a version, by their keys; none for a new table."""
    base = held.base
    versions = [
        one
        for _key, one in (records_of(base.parts, TABLES) if base.release_id else ())
        if one["code"] == record["code"] and one["from"] <= record["from"]
    ]
    if not versions:
        return {}
    last = max(versions, key=lambda one: one["from"])
    return {_key(line): line for line in lines_of(base.files, last)}


def _key(line: Line) -> tuple[str, ...]:
    return tuple(line.get(name, "") for name in KEYS)


def _shown(text: str) -> str:
    return amount_in(text) or text


def _mark(lines: list[Line]) -> str:
    return hashlib.sha256(repr(lines).encode()).hexdigest()[:16]


def pasted(text: str, at: Place) -> Iterator[tuple[Place, str]]:
    r"""Read a rectangle copied from a spreadsheet: each cell's place, from where the first one goes.

    >>> list(pasted("1\t2\n3\t4\n", (5, 1)))
    [((5, 1), '1'), ((5, 2), '2'), ((6, 1), '3'), ((6, 2), '4')]
    """
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n") if text.strip() else []
    for down, line in enumerate(lines):
        for right, cell in enumerate(line.split("\t")):
            yield (at[0] + down, at[1] + right), cell.strip()


def amount_in(text: str) -> str | None:
    """Read an amount people write, with cents at least; None for what is none.

    >>> amount_in("$ 1,310.5"), amount_in("0.1450"), amount_in("12"), amount_in("12,5"), amount_in("-3")
    ('1310.50', '0.145', '12.00', None, None)
    """
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        return None
    cents = (found[2] or ".").rstrip("0")[1:]
    return f"{int(found[1].replace(',', ''))}.{cents:0<2}"


def keep_cells(draft: Draft, key: Key, order: GridOrder, *, by: Hand) -> Key:
    """Keep changed rates in a draft: of the same version, or as a new one from another day; answer its key.

    A version whose rates are in a file gets a file of its own, so that tables that share one are not touched.

    Errors: DraftRefused for a line there is not, a text that is no amount, no source, a day that another
            version has, or a table that somebody has changed since it was shown.
    """
    held = opened(draft)
    record, lines = _version(held, key)
    if _mark(lines) != order.mark:
        raise DraftRefused("expected the table as it was shown, found it changed since; open it again")
    if not order.source.strip():
        raise DraftRefused("expected a source (the document and its date), found none; name it")
    for number, text in order.texts.items():
        amount = amount_in(text)
        if amount is None or not 0 <= number < len(lines):
            raise DraftRefused(
                "expected amounts in dollars for rates of the table, found another; correct it"
            )
        lines[number] = lines[number] | {order.amount: amount}
    day = order.valid_from.isoformat()
    version = {**record, "from": day, "source": order.source.strip()}
    with transaction.atomic():
        if record.get("file"):
            version["file"] = f"rates-{record['code']}-{day}.csv"
            put_file(draft, version["file"], _csv(record["code"], lines), by=by)
        else:
            version["rates"] = [
                before | {order.amount: line[order.amount]} if order.amount in line else before
                for before, line in zip(record["rates"], lines, strict=True)
            ]
        return put(draft, TABLES, key if day == record["from"] else None, version, by=by)


def _csv(table: str, lines: list[Line]) -> str:
    names = [name for name in (*KEYS, *AMOUNTS) if any(line.get(name) for line in lines)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["table", *names])
    writer.writerows([table, *(line.get(name, "") for name in names)] for line in lines)
    return out.getvalue()


def is_in_force(held: OpenDraft, key: Key, today: date) -> bool:
    """Tell whether a version holds already, so that a change of it corrects what was decided by it."""
    stands = find(held.base.parts, TABLES, key) if held.base.release_id else None
    return stands is not None and date.fromisoformat(stands["from"]) <= today
