"""The columns of files of elections and of coverage: what each cell means, and how such a file is read."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl

from openbenefits.core.cells import DAY, FLAG, TEXT, WHOLE, Kind, read_hundredths
from openbenefits.core.codes import ExcessCredits, WaiverProof
from openbenefits.core.money import LARGEST_OPERAND
from openbenefits.store import sheets
from openbenefits.store.sheets import FileRefused, Headings

SEPARATORS = (",", ";", "\t")


# --- what cells mean --------------------------------------------------------------------------------------


def _dollars(text: pl.Expr) -> pl.Expr:
    """Read dollars (or hours); what no amount of this program may be is unreadable."""
    cents = read_hundredths(text)
    return pl.when(cents.is_between(0, LARGEST_OPERAND)).then(cents)


def _percent(text: pl.Expr) -> pl.Expr:
    """Read a percentage with at most two decimals, in thousandths of a percent."""
    hundredths = read_hundredths(text.str.strip_suffix("%"))
    return pl.when(hundredths.is_between(0, 100_00)).then((hundredths * 10).cast(pl.Int32))


def _numbers(text: pl.Expr) -> pl.Expr:
    """Read numbers of dependents; Excel turns a single 1 into 1.0."""
    plain = text.str.replace(r"^([0-9]+)\.0+$", "$1")
    numbers = plain.str.extract_all("[0-9]+").cast(pl.List(pl.Int16), strict=False)
    return pl.when(plain.str.contains(r"^[0-9]{1,4}(\s+[0-9]{1,4})*$")).then(numbers)


def _treatment(text: pl.Expr) -> pl.Expr:
    """Read what becomes of credits left over."""
    word = text.str.to_lowercase().str.replace_all(r"[ -]", "_")
    return pl.when(word.is_in([str(treatment) for treatment in ExcessCredits])).then(word)


def _funds(text: pl.Expr) -> pl.Expr:
    """Read an allocation as a list of CODE:percent, each fund once."""
    parts = text.str.extract_all(r"\S+").list.eval(pl.element().str.replace(":0*", ":"))
    funds = parts.list.eval(pl.element().str.extract("^([^:]+):"))
    part = r"[^\s:]+:0*(100|[1-9][0-9]?)"
    is_read = text.str.contains(rf"^{part}(\s+{part})*$") & (funds.list.n_unique() == funds.list.len())
    return pl.when(is_read).then(parts)


def _shares(text: pl.Expr) -> pl.Expr:
    """Read shares as a list of NUMBER:hundredths, each number once: 1:33.34 as 1:3334."""
    parts = text.str.extract_all(r"\S+")
    part = r"[0-9]{1,4}:(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)"
    numbers = parts.list.eval(pl.element().str.extract("^([0-9]+):"))
    is_read = text.str.contains(rf"^{part}(\s+{part})*$") & (numbers.list.n_unique() == numbers.list.len())
    share = read_hundredths(pl.element().str.extract(":(.+)$"))
    hundredths = parts.list.eval(pl.format("{}:{}", pl.element().str.extract("^([0-9]+):"), share))
    return pl.when(is_read).then(hundredths)


def _providers(text: pl.Expr) -> pl.Expr:
    """Read providers as a list of NUMBER:ID, each number once; 0 is the employee."""
    parts = text.str.extract_all(r"\S+")
    part = r"[0-9]{1,4}:[A-Za-z0-9][A-Za-z0-9./-]{0,29}"
    numbers = parts.list.eval(pl.element().str.extract("^([0-9]+):"))
    is_read = text.str.contains(rf"^{part}(\s+{part})*$") & (numbers.list.n_unique() == numbers.list.len())
    return pl.when(is_read).then(parts)


def _proof(text: pl.Expr) -> pl.Expr:
    lower = text.str.to_lowercase()
    return pl.when(lower.is_in([str(proof) for proof in WaiverProof])).then(lower)


_DOLLARS = Kind(
    parse=_dollars,
    expected="dollars from 0 to ten thousand million, with at most two decimals",
    cure="correct the amount",
)


def _text_kind(expected: str) -> Kind:
    return Kind(parse=TEXT.parse, expected=expected)


_KINDS: dict[str, Kind] = {
    "employee_number": _text_kind("an employee number"),
    "benefit_record": WHOLE,
    "schedule": _text_kind("the code of a schedule"),
    "event_number": WHOLE,
    "plan_type": _text_kind("the code of a plan type"),
    "option": _text_kind("the code of an option, or WAIVE"),
    "program": _text_kind("the code of a program"),
    **dict.fromkeys(("coverage_amount", "approved_amount", "annual_pledge"), _DOLLARS),
    "percent": Kind(parse=_percent, expected="a percentage from 0 to 100, with at most two decimals"),
    "after_tax_percent": Kind(
        parse=_percent, expected="a percentage from 0 to 100, with at most two decimals"
    ),
    "hours": Kind(
        parse=_dollars, expected="hours from 0, with at most two decimals", cure="correct the hours"
    ),
    "files_separately": FLAG,
    "waiver_proof": Kind(
        parse=_proof, expected=f"what was seen: {', '.join(WaiverProof)}", cure="write one of these words"
    ),
    "waiver_proof_on": DAY,
    **dict.fromkeys(
        ("beneficiaries", "contingent_beneficiaries"),
        Kind(
            parse=_shares,
            expected="numbers of dependents with percentages of at most two decimals, as 1:66.67 2:33.33",
        ),
    ),
    "providers": Kind(
        parse=_providers,
        expected="0 (the employee) or numbers of dependents with the provider's, as 0:1234567893 1:D4711",
    ),
    "dependents": Kind(parse=_numbers, expected="numbers of dependents separated by blanks, as 1 2"),
    "funds": Kind(
        parse=_funds, expected="funds with whole percentages from 1 to 100, each once, as INDEX:60 BOND:40"
    ),
    **dict.fromkeys(("waive_reason", "other_coverage"), _text_kind("text")),
    **dict.fromkeys(("received_on", "begins_on", "deduction_begins_on"), DAY),
    "credit_rollover": Kind(
        parse=_treatment,
        expected=f"one of {', '.join(ExcessCredits)}",
        cure="correct the word, or leave it out",
    ),
    "waived": FLAG,
}


def kinds_of(*columns: str) -> dict[str, Kind]:
    """Answer the kinds of the columns of a file, in their order."""
    return {name: _KINDS[name] for name in columns}


# --- what is stated, as cells ---------------------------------------------------------------------------


def election_cells(
    *,
    plan_type: str,
    option_code: str,
    received_on: date,
    coverage_cents: int | None = None,
    pledge_cents: int | None = None,
    percent_thousandths: int | None = None,
    after_tax_thousandths: int | None = None,
    hours_hundredths: int | None = None,
    files_separately: bool = False,
    dependents: Sequence[int] = (),
    funds: Mapping[str, int] | None = None,
    beneficiaries: Mapping[int, int] | None = None,
    contingent_beneficiaries: Mapping[int, int] | None = None,
    waive_reason: str | None = None,
    waiver_proof: str | None = None,
    waiver_proof_on: date | None = None,
    credit_rollover: str | None = None,
) -> dict[str, str | None]:
    """Write an election as the cells of a file.

    `dependents` are their numbers, `funds` whole percentages, beneficiaries are numbers of dependents with
    hundredths of a percent; `credit_rollover` is a word of `core.codes.ExcessCredits`.
    """
    return {
        "plan_type": plan_type,
        "option": option_code,
        "coverage_amount": _decimal(coverage_cents, 2),
        "annual_pledge": _decimal(pledge_cents, 2),
        "percent": _decimal(percent_thousandths, 3),
        "dependents": " ".join(map(str, dependents)) or None,
        "funds": " ".join(f"{fund}:{percent}" for fund, percent in (funds or {}).items()) or None,
        "after_tax_percent": _decimal(after_tax_thousandths, 3),
        "hours": _decimal(hours_hundredths, 2),
        "files_separately": "Y" if files_separately else None,
        "beneficiaries": _listed_shares(beneficiaries),
        "contingent_beneficiaries": _listed_shares(contingent_beneficiaries),
        "waive_reason": waive_reason,
        "waiver_proof": waiver_proof,
        "waiver_proof_on": waiver_proof_on.isoformat() if waiver_proof_on else None,
        "credit_rollover": credit_rollover,
        "received_on": received_on.isoformat(),
    }


def _decimal(amount: int | None, decimals: int) -> str | None:
    """Write an amount as people would: 150000 cents as 1500.00."""
    return None if amount is None else f"{Decimal(amount).scaleb(-decimals):f}"


def _listed_shares(shares: Mapping[int, int] | None) -> str | None:
    return " ".join(f"{number}:{_decimal(share, 2)}" for number, share in (shares or {}).items()) or None


# --- reading files ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class CellFile:
    """A file as text: `row` is the row as a spreadsheet numbers it; blank cells are null."""

    name: str
    fingerprint: str
    unknown_headings: Sequence[str]
    cells: pl.DataFrame = field(repr=False)


def read_cells(
    path: Path, columns: Sequence[str], required: Sequence[str], mapping: Mapping[str, str] | None = None
) -> CellFile:
    """Read a CSV file or the first sheet of a workbook whose first row holds headings.

    Errors: FileRefused.
    """
    return cells_of(path.name, sheets.read_data(path), columns, required, mapping)


def cells_of(
    name: str,
    data: bytes,
    columns: Sequence[str],
    required: Sequence[str],
    mapping: Mapping[str, str] | None = None,
) -> CellFile:
    """Read the content of such a file; its name says what kind it is.

    Errors: FileRefused.
    """
    read_grid = _first_sheet if sheets.is_workbook(Path(name)) else _text
    grid = sheets.stripped(read_grid(name, data))
    if grid.height < 2:
        raise FileRefused(f"{name}: expected a row of headings and rows below it, found none")
    headings = _recognise(grid, columns, required, mapping)
    _refuse_unusable(name, headings)
    return CellFile(
        name=name,
        fingerprint=sheets.fingerprint_of(data),
        unknown_headings=headings.unknown,
        cells=sheets.named_cells(grid, 0, headings, columns),
    )


def stated_headings(path: Path, columns: Sequence[str]) -> dict[str, str | None]:
    """Answer the headings of a file, each with the column it says; None where that is no column.

    Errors: FileRefused.
    """
    data = sheets.read_data(path)
    read_grid = _first_sheet if sheets.is_workbook(path) else _text
    grid = sheets.stripped(read_grid(path.name, data))
    if not grid.height:
        raise FileRefused(f"{path.name}: expected a row of headings, found an empty file")
    stated = sheets.headings_at(grid, 0).values()
    return {heading: _plain(heading) if _plain(heading) in columns else None for heading in stated}


def _text(name: str, data: bytes) -> pl.DataFrame:
    """Read a CSV file, as wide as its first row."""
    text = sheets.text_of(name, data)
    top = text.split("\n", 1)[0]
    separator = max(SEPARATORS, key=top.count)
    width = len(next(csv.reader(io.StringIO(top), delimiter=separator), []))
    try:
        return sheets.text_grid(text, separator, width)
    except pl.exceptions.PolarsError:
        raise FileRefused(
            f"{name}: expected {width} cells in every row, as many as there are headings;"
            " put a cell that holds the separator in double quotes, one at each end"
        ) from None


def _first_sheet(name: str, data: bytes) -> pl.DataFrame:
    return next(iter(sheets.sheet_grids(name, data, most=1).values()))


def _recognise(
    grid: pl.DataFrame, columns: Sequence[str], required: Sequence[str], mapping: Mapping[str, str] | None
) -> Headings:
    """Take headings for what they say, or for what the mapping says of them."""
    own = {_plain(heading): column for heading, column in (mapping or {}).items()}
    stated = list(sheets.headings_at(grid, 0).values())
    return sheets.recognised(
        stated, lambda heading: own.get(_plain(heading), _plain(heading)), columns, required
    )


def _plain(heading: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", heading.lower()).strip("_")


def _refuse_unusable(name: str, headings: Headings) -> None:
    if headings.twice:
        raise FileRefused(f"{name}, row 1: two headings stand for {', '.join(headings.twice)}; remove one")
    if headings.missing:
        raise FileRefused(
            f"{name}, row 1: expected headings for {', '.join(headings.missing)}; rename the file's,"
            " or state which heading is which in a mapping"
        )
