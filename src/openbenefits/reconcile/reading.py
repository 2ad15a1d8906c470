"""Invoices as files: CSV, workbooks and 820s become lines, each with the row it stood in. Nothing is guessed.

What a heading means is said by the carrier's layout, else by the words carriers use for it. Credits may be
printed with a minus before or behind, in brackets, or with CR.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from openbenefits.carriers.payments.reading import read_payments, sets_of
from openbenefits.carriers.x12.reader import is_x12
from openbenefits.core import days, money
from openbenefits.core.cells import read_day, read_hundredths, read_label, shape
from openbenefits.reconcile.headings import COLUMNS, MONEY, meanings
from openbenefits.reconcile.rules.names import first_of, last_of, normal
from openbenefits.store import secrets, sheets
from openbenefits.store.sheets import FileRefused

SEPARATORS = (",", ";", "\t", "|")
TITLE_ROWS = 15
REQUIRED = ("plan", "premium")
IDENTIFYING = (
    *("member_id", "ssn", "employee_number", "last_name", "first_name", "full_name"),
    "birth_on",
)

LINE = {
    "row": pl.Int32,
    "member_id": pl.String,
    "ssn_hash": pl.String,
    "last4_hash": pl.String,
    "employee_number": pl.String,
    "last_name": pl.String,
    "first_name": pl.String,
    "birth_on": pl.Date,
    "relationship": pl.String,
    "subgroup": pl.String,
    "plan_label": pl.String,
    "tier_label": pl.String,
    "dependents": pl.Int16,
    "volume_cents": pl.Int64,
    "rate_micros": pl.Int64,
    "age": pl.Int16,
    "premium_cents": pl.Int64,
    "employer_cents": pl.Int64,
    "people": pl.Int32,
    "is_retro": pl.Boolean,
    "month": pl.Date,
    "reason": pl.String,
}
"""A line as printed: current, or of a month before (is_retro).

Month: its coverage month, null if it names none.
"""

MOST_BAD = 20


@dataclass(frozen=True, kw_only=True)
class Read:
    """What a file says. Shapes: lines as LINE. total_cents.

    What the file itself says it comes to, if it does.
    """

    name: str
    fingerprint: str
    data: bytes
    lines: pl.DataFrame
    is_payment: bool = False
    total_cents: int | None = None
    unknown_headings: Sequence[str] = ()


def read_invoice(path: Path, month: pl.Expr, layout: Mapping[str, str]) -> Read:
    """Read a file of invoice lines.

    month: the first day of the month billed, as a literal; lines without a month of their own are of it.

    Errors: FileRefused; X12Refused.
    """
    data = sheets.read_data(path)
    fingerprint = sheets.fingerprint_of(data)
    if is_x12(data):
        return _read_820(path.name, data, fingerprint, month)
    cells, unknown = _cells(path, data, layout)
    lines = _lines(path.name, cells, month)
    return Read(name=path.name, fingerprint=fingerprint, data=data, lines=lines, unknown_headings=unknown)


# --- 820 ----------------------------------------------------------------------------------------------------


def _read_820(name: str, data: bytes, fingerprint: str, month: pl.Expr) -> Read:
    """Take the remittances of persons as lines; those of the group as a whole are nobody's lines."""
    payments = read_payments(data)
    total = sum(one.total_cents for one in payments)
    rows = sets_of(payments)
    own = days.month_begin(pl.col("covered_from"))
    hashed = rows.with_columns(
        row="segment",
        ssn_hash=_hashed(rows["ssn"]),
        premium_cents="paid_cents",
        is_retro=pl.col("adjustment") != "",
        month=pl.coalesce(own, pl.when(pl.col("adjustment") == "").then(month)),
        reason=pl.concat_str(pl.col("adjustment"), pl.lit(" "), pl.col("references")).str.strip_chars(" "),
        plan_label=pl.col("plan_label").fill_null(""),
        employer_cents=pl.lit(None, pl.Int64),
        through_month=days.month_begin(pl.col("covered_through")),
    )
    lines = _completed(_by_month(hashed, month))
    return Read(
        name=name, fingerprint=fingerprint, data=data, lines=lines, is_payment=True, total_cents=total
    )


# --- sheets -------------------------------------------------------------------------------------------------


def _cells(path: Path, data: bytes, layout: Mapping[str, str]) -> tuple[pl.DataFrame, Sequence[str]]:
    """Find the row of headings, and give the cells below our names.

    Rows that repeat the headings are left out, and those of one cell that is no amount (a page's number).
    """
    best: tuple[pl.DataFrame, int, sheets.Headings] | None = None
    for grid in _grids(path, data):
        bare = sheets.stripped(grid)
        for at in range(min(TITLE_ROWS, bare.height)):
            said = list(sheets.headings_at(bare, at).values())
            meant = meanings(said, layout)
            found = sheets.recognised(said, meant.get, tuple(COLUMNS), REQUIRED)
            if not found.missing and (best is None or len(found.found) > len(best[2].found)):
                best = (bare, at, found)
    if best is None:
        raise FileRefused(
            f"{path.name}: expected columns for the plan and the premium, found no row of headings with both;"
            " say in the carrier's layout what its headings mean"
        )
    grid, at, headings = best
    if headings.twice:
        raise FileRefused(
            f"{path.name}: expected one column for each of {', '.join(headings.twice)}, found several; say in"
            " the carrier's layout which one is meant, and '-' for the others"
        )
    cells = sheets.named_cells(grid, at, headings, tuple(COLUMNS))
    again = pl.all_horizontal(
        pl.col(column) == heading for heading, column in headings.found.items() if column in REQUIRED
    )
    said_cells = pl.sum_horizontal(pl.col(name).is_not_null().cast(pl.Int32) for name in COLUMNS)
    alone = (said_cells <= 1) & pl.all_horizontal(pl.col(*MONEY).is_null())
    return cells.filter(~(again.fill_null(value=False) | alone)), headings.unknown


def _grids(path: Path, data: bytes) -> list[pl.DataFrame]:
    if sheets.is_workbook(path):
        return list(sheets.sheet_grids(path.name, data).values())
    text = sheets.text_of(path.name, data)
    head = text[:20_000]
    separator = max(SEPARATORS, key=head.count)
    width = max((line.count(separator) for line in text.splitlines()), default=0) + 1
    try:
        return [sheets.text_grid(text, separator, width)]
    except pl.exceptions.PolarsError:
        raise FileRefused(
            f"{path.name}: expected CSV, found a quote that never ends; export it again, as `CSV UTF-8`"
        ) from None


def amount(text: pl.Expr) -> pl.Expr:
    """Read dollars in cents; a credit has a minus before or behind, brackets, or CR; a bare dash is nothing.

    >>> said = pl.DataFrame({"said": ["$1,234.50", "(12.00)", "7.25-", "3.10 CR", "$ -", "n/a"]})
    >>> said.select(amount(pl.col("said"))).to_series().to_list()
    [123450, -1200, -725, -310, 0, None]
    """
    upper = text.str.to_uppercase().str.replace_all(r"\s", "")
    is_credit = upper.str.contains(r"^\(.*\)$|-$|CR$|^\$?-")
    bare = upper.str.replace_all(r"[()]", "").str.replace(r"CR$|DR$", "").str.replace_all("-", "")
    cents = read_hundredths(bare)
    nothing = upper.str.contains(r"^\$?[-–—]$")  # as spreadsheets show 0
    return pl.when(nothing).then(0).when(is_credit).then(-cents).otherwise(cents)


MONTHS = {
    r"^\d{4}-\d{1,2}$": ("%Y-%m-%d",),
    r"^\d{1,2}/\d{4}$": ("%m/%Y-%d",),
    r"^\d{4}/\d{1,2}$": ("%Y/%m-%d",),
    r"^\d{6}$": ("%Y%m-%d",),
    r"^[A-Za-z]+ \d{4}$": ("%b %Y-%d", "%B %Y-%d"),
}
NAMED_MONTH = r"^([A-Za-z]{3,9})\.?[ -]+'?(?:20)?(\d{2})$"
PERIOD = r"^(\d+[/-]\d+[/-]\d+)\s*(?:-|–|—|to|thru|through)\s*(\d+[/-]\d+[/-]\d+)$"


def _month(text: pl.Expr) -> pl.Expr:
    """Read a month, or a day of it, as the month's first day."""
    plain = text.str.replace(NAMED_MONTH, "${1} 20${2}")
    named = [
        pl.when(plain.str.contains(looks)).then(plain + "-01").str.to_date(form, strict=False)
        for looks, forms in MONTHS.items()
        for form in forms
    ]
    return days.month_begin(pl.coalesce(*named, read_day(text)))


def _lines(name: str, cells: pl.DataFrame, month: pl.Expr) -> pl.DataFrame:
    period = [pl.col("month").str.to_lowercase().str.extract(PERIOD, at) for at in (1, 2)]
    charge, credit = amount(pl.col("premium")), amount(pl.col("credit"))
    read = cells.with_columns(
        premium_cents=pl.when(credit.is_null()).then(charge).otherwise(charge.fill_null(0) - credit.abs()),
        adjustment_cents=amount(pl.col("adjustment")),
        volume_cents=amount(pl.col("volume")),
        employer_cents=amount(pl.col("employer")),
        rate_micros=_micros(pl.col("rate")),
        own_month=pl.coalesce(_month(pl.col("month")), _month(period[0])),
        through_month=pl.coalesce(_month(pl.col("month_through")), _month(period[1])),
        born=read_day(pl.col("birth_on")),
        age=pl.col("age").str.extract(r"^(\d{1,3})").cast(pl.Int16, strict=False),
        dependents=pl.col("dependents").str.extract(r"^(\d{1,2})(?:\.0*)?$").cast(pl.Int16, strict=False),
        lives=pl.col("people").str.replace_all(",", "").str.extract(r"^(\d{1,7})(?:\.0*)?$").cast(pl.Int32),
    )
    read = _without_totals(read)
    _refuse_unreadable(name, read)
    read = _with_adjustments(read)
    last, first = last_of(pl.col("full_name")), first_of(pl.col("full_name"))
    word = pl.col("line_class").str.to_lowercase()
    is_bare_credit = (pl.col("premium_cents") < 0) & pl.col("own_month").is_null()
    says_retro = word.str.contains(r"adj|retro|credit|prior").fill_null(is_bare_credit)
    told = read.with_columns(
        last_name=pl.coalesce("last_name", last),
        first_name=pl.coalesce("first_name", first),
        birth_on="born",
        people="lives",
        member_id=read_label(pl.col("member_id")),
        employee_number=read_label(pl.col("employee_number")),
        subgroup=read_label(pl.col("subgroup")),
        plan_label=read_label(pl.col("plan")),
        tier_label=read_label(pl.col("tier")),
        is_retro=says_retro | pl.col("is_adjustment"),
    ).with_columns(month=pl.coalesce("own_month", pl.when(~pl.col("is_retro")).then(month)))
    digits = told["ssn"].str.replace_all(r"[^0-9*Xx]", "")
    told = told.with_columns(_hashed(digits).alias("ssn_hash"), _last4(digits).alias("last4_hash"))
    return _completed(_by_month(told, month))


def _micros(text: pl.Expr) -> pl.Expr:
    bare = text.str.replace_all(r"[$,\s]", "")
    plain = pl.when(bare.str.contains(r"^\d{1,9}(\.\d{1,6})?0*$")).then(bare)
    return (plain.cast(pl.Decimal(30, 8), strict=False) * 1_000_000).cast(pl.Int64, strict=False)


TOTAL = r"(?i)\b(sub-?)?totals?\b|amount due|balance (due|forward)|^balance$"


def _without_totals(read: pl.DataFrame) -> pl.DataFrame:
    """Leave out the rows that add up: they say so, and name nobody.

    A plan may be called so, too: of a row with a tier it is no sign.
    """
    says = {
        name: pl.col(name).str.contains(TOTAL).fill_null(value=False) for name in (*IDENTIFYING, "subgroup")
    }
    nobody = pl.all_horizontal(pl.col(name).is_null() | says[name] for name in IDENTIFYING)
    of_plan = pl.col("plan").str.contains(TOTAL).fill_null(value=False) & pl.col("tier").is_null()
    of_tier = pl.col("tier").str.contains(TOTAL).fill_null(value=False)
    return read.filter(~(nobody & pl.any_horizontal(*says.values(), of_plan, of_tier)))


def _with_adjustments(read: pl.DataFrame) -> pl.DataFrame:
    """Make a line of its own of an adjustment printed beside the month's amount; it names no month."""
    rows = read.with_columns(is_adjustment=pl.lit(value=False))
    adjusted = rows.filter((pl.col("adjustment_cents") != 0).fill_null(value=False)).with_columns(
        premium_cents="adjustment_cents",
        employer_cents=pl.lit(None, pl.Int64),
        people=pl.lit(None, pl.String),
        lives=pl.lit(None, pl.Int32),
        own_month=pl.lit(None, pl.Date),
        through_month=pl.lit(None, pl.Date),
        is_adjustment=pl.lit(value=True),
    )
    own = rows.filter(pl.col("premium_cents").is_not_null())
    return pl.concat([own, adjusted]).sort("row", "is_adjustment")


def _refuse_unreadable(name: str, read: pl.DataFrame) -> None:
    """Refuse a file of which a row cannot be read: an invoice is whole, or it is not reconciled.

    Errors: FileRefused, naming the rows, and their cells by shape.
    """
    unsaid = pl.col("credit").is_null() & pl.col("adjustment").is_null()
    checks = [
        ("premium", "premium_cents", unsaid),
        ("credit", "premium_cents", pl.lit(value=False)),
        ("adjustment", "adjustment_cents", pl.lit(value=False)),
        ("volume", "volume_cents", pl.lit(value=False)),
        ("month", "own_month", pl.lit(value=False)),
        ("birth_on", "born", pl.lit(value=False)),
        ("employer", "employer_cents", pl.lit(value=False)),
        ("people", "lives", pl.lit(value=False)),
    ]
    bad: list[str] = []
    for cell, value, is_needed in checks:
        unread = pl.col(value).is_null() & (is_needed | pl.col(cell).is_not_null())
        rows = read.filter(unread).select("row", found=shape(pl.col(cell)))
        bad += [f"row {row}: {cell} {found}" for row, found in rows.head(MOST_BAD).iter_rows()]
    no_plan = read.filter(pl.col("plan").is_null())["row"].head(MOST_BAD).to_list()
    bad += [f"row {row}: plan blank" for row in no_plan]
    if bad:
        raise FileRefused(
            f"{name}: expected amounts, months and days that can be read in every row, found"
            f" {'; '.join(bad[:MOST_BAD])}; correct these rows, or ask the carrier for the file again"
        )


def _by_month(told: pl.DataFrame, month: pl.Expr) -> pl.DataFrame:
    """Give each month of a line over several months its share, so that they sum to the line.

    A share of a month before the one billed is retro, whatever it is called.
    """
    spans = (pl.col("through_month") > pl.col("month")).fill_null(value=False)
    count = (
        (pl.col("through_month").dt.year() - pl.col("month").dt.year()).cast(pl.Int64) * 12
        + pl.col("through_month").dt.month().cast(pl.Int64)
        - pl.col("month").dt.month().cast(pl.Int64)
        + 1
    )
    rows = told.with_columns(shares=pl.when(spans).then(count).otherwise(1))
    rows = rows.with_columns(share_no=pl.int_ranges(1, pl.col("shares") + 1)).explode("share_no")
    shared = rows.with_columns(
        *(
            money.share_of_split(pl.col(name), pl.col("share_no"), pl.col("shares")).alias(name)
            for name in ("premium_cents", "employer_cents")
        ),
        month=days.add_months(pl.col("month"), pl.col("share_no") - 1),
    )
    is_before = (pl.col("month") < month).fill_null(value=False)
    return shared.with_columns(is_retro=pl.col("is_retro") | is_before)


def _hashed(ssn: pl.Series) -> pl.Series:
    return secrets.hash_ssn(ssn.alias("ssn")).bin.encode("hex").alias("ssn_hash")


def last4_hash(digits: pl.Series) -> pl.Series:
    """Hash the last four digits of numbers, so that equal ones are found without being kept."""
    return _hashed(("00000" + digits.str.slice(-4)).alias("ssn")).alias("last4_hash")


def _last4(digits: pl.Series) -> pl.Series:
    """Hash what stands behind the mask, or the last four of all nine; null where nothing does."""
    known = digits.to_frame("ssn").select(
        pl.when(pl.col("ssn").str.contains(r"^([0-9]{9}|[Xx*]{5}[0-9]{4}|[0-9]{4})$")).then("ssn")
    )["ssn"]
    return last4_hash(known)


def _completed(rows: pl.DataFrame) -> pl.DataFrame:
    blank = [pl.lit(None, kind).alias(name) for name, kind in LINE.items() if name not in rows.columns]
    return rows.with_columns(blank).select(pl.col(name).cast(kind) for name, kind in LINE.items())


def with_identity(lines: pl.DataFrame) -> pl.DataFrame:
    """Add identity: what the same person has on every invoice of a carrier."""
    told = lines.with_columns(
        who=pl.concat_str(
            normal(pl.col("last_name")).fill_null(""),
            normal(pl.col("first_name")).fill_null(""),
            pl.col("birth_on").cast(pl.String).fill_null(""),
            pl.col("last4_hash").fill_null(""),
            separator="|",
        )
    )
    marks = {one: hashlib.sha256(one.encode()).hexdigest()[:40] for one in told["who"].unique().to_list()}
    by_name = pl.col("who").replace_strict(marks, return_dtype=pl.String)
    return told.with_columns(
        identity=pl.coalesce(
            pl.lit("M:") + pl.col("member_id"),
            pl.lit("S:") + pl.col("ssn_hash"),
            pl.lit("E:") + pl.col("subgroup").fill_null("") + pl.lit("/") + pl.col("employee_number"),
            pl.lit("N:") + by_name,
        )
    ).drop("who")
