"""A carrier's census (CSV or XLSX) as what it says of people and lines, by the table of a mapping."""

import polars as pl

from openbenefits.carriers.opening.mapping import DAYS, FIELDS, LineColumns, Mapping, MappingRefused, Table
from openbenefits.carriers.opening.stated import (
    IDENTIFIERS,
    LINES,
    PEOPLE,
    Stated,
    findings,
    no_findings,
)
from openbenefits.core.cells import read_day, read_hundredths, read_label, shape
from openbenefits.enrollment.entry_cells import cells_of
from openbenefits.store.sheets import FileRefused

SELF = ("self", "18")
LINE_HEADINGS = ("insurance_heading", "plan", "tier", "begins_on", "ends_on", "amount")
IDENTITY = ("family", "relationship", "last_name", "first_name", "birth_on", "ssn")


def read_table(name: str, data: bytes, mapping: Mapping) -> Stated:
    """Read a carrier's census. Rows that name the same member of the same family are one person.

    Errors: FileRefused; MappingRefused for a mapping without a table.
    """
    table = mapping.table
    if table is None:
        raise MappingRefused(
            f"mapping {mapping.name}: expected a table that says what the columns of {name} are, found none;"
            " add it"
        )
    named = _headings(table)
    file = cells_of(name, data, list(named), [], {heading: ours for ours, heading in named.items()})
    _refuse_missing(name, named, file.cells)
    cells = file.cells.with_columns(read_label(pl.exclude("row")))
    read, unreadable = _read(cells, table)
    people, members = _people(read, mapping, table)
    lines, bad_lines = _lines(cells.join(members, on="row", maintain_order="left"), table)
    return Stated(
        name=name,
        fingerprint=file.fingerprint,
        unit="row",
        people=people,
        lines=lines,
        identifiers=_identifiers(cells.join(members, on="row"), table),
        findings=pl.concat([unreadable, bad_lines]),
    )


def _headings(table: Table) -> dict[str, str]:
    """Give each heading of the file a name: ours, those of lines by their number."""
    named = {_plain(ours): heading for ours, heading in table.columns.items()}
    for number, line in enumerate(table.lines):
        for part in LINE_HEADINGS:
            if heading := getattr(line, part):
                named[f"line_{number}_{part}"] = heading
    return named


def _plain(ours: str) -> str:
    return ours.replace(":", "_").lower()


def _refuse_missing(name: str, named: dict[str, str], cells: pl.DataFrame) -> None:
    """Refuse a file without the columns people and lines cannot be read without."""
    missing = [
        named[ours] for ours in ("last_name", "first_name") if cells[ours].null_count() == cells.height
    ]
    if missing:
        raise FileRefused(
            f"{name}: expected values under {', '.join(missing)}, found none; rename the headings, or correct"
            " the table of the mapping"
        )


def _read(cells: pl.DataFrame, table: Table) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read the cells of people; a day that cannot be read is a fault."""
    columns = []
    bad = [no_findings()]
    for ours in FIELDS:
        if ours not in table.columns:
            columns.append(pl.lit(None, pl.Date if ours in DAYS else pl.String).alias(ours))
            continue
        if ours not in DAYS:
            columns.append(pl.col(ours))
            continue
        day = _day(pl.col(ours), table.days)
        columns.append(day.alias(ours))
        wrong = cells.filter(pl.col(ours).is_not_null() & day.is_null())
        bad.append(_unreadable(wrong, table.columns[ours], ours, "a day"))
    pay = pl.col("pay") if "pay" in table.columns else pl.lit(None, pl.String)
    return cells.select("row", *columns, pay_cents=read_hundredths(pay)), pl.concat(bad)


def _unreadable(rows: pl.DataFrame, heading: str, column: str, expected: str) -> pl.DataFrame:
    return findings(
        rows,
        "unreadable",
        f"{expected} under {heading}",
        "correct the cell",
        place=column,
        found=shape(pl.col(column)),
    )


def _day(text: pl.Expr, form: str) -> pl.Expr:
    return text.str.to_date(form, strict=False) if form else read_day(text)


def _people(read: pl.DataFrame, mapping: Mapping, table: Table) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Fold the rows of each person into one; answer which rows are whose (row, member)."""
    words = {theirs.lower(): ours for theirs, ours in mapping.relationships.items()}
    said = pl.col("relationship").str.to_lowercase()
    meant = said.replace_strict(words, default=said, return_dtype=pl.String) if words else said
    is_self = pl.col("relationship").is_null() | meant.is_in(SELF)
    rows = read.with_columns(is_subscriber=is_self)
    keyed = rows.with_columns(
        member=pl.col("row").first().over([name for name in IDENTITY if name in table.columns])
    )
    first = [name for name in (*PEOPLE,) if name not in ("row", "is_subscriber") and name in keyed.columns]
    people = keyed.group_by("member", maintain_order=True).agg(
        pl.col("is_subscriber").first(), *(pl.col(name).drop_nulls().first() for name in first)
    )
    blank = [pl.lit(None, kind).alias(name) for name, kind in PEOPLE.items() if name not in people.columns]
    full = people.rename({"member": "row"}).with_columns(
        one for one in blank if one.meta.output_name() != "row"
    )
    return full.select(pl.col(name).cast(kind) for name, kind in PEOPLE.items()), keyed.select(
        "row", "member"
    )


def _lines(cells: pl.DataFrame, table: Table) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read the lines that stand in each row; columns that are all blank say nothing."""
    found, bad = [pl.DataFrame(schema=LINES)], [no_findings()]
    for number, line in enumerate(table.lines):
        part, wrong = _line(cells, number, line, table.days)
        found.append(part)
        bad.append(wrong)
    return pl.concat(found), pl.concat(bad)


def _line(
    cells: pl.DataFrame, number: int, line: LineColumns, days: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    def said(part: str) -> pl.Expr:
        return pl.col(f"line_{number}_{part}") if getattr(line, part) else pl.lit(None, pl.String)

    fixed = pl.lit(line.insurance or None, pl.String)
    is_told = pl.any_horizontal(said(part).is_not_null() for part in LINE_HEADINGS if getattr(line, part))
    rows = cells.filter(is_told)
    read = rows.select(
        "row",
        "member",
        insurance=pl.coalesce(said("insurance_heading"), fixed).str.to_uppercase(),
        plan=said("plan").str.to_uppercase(),
        tier=said("tier").str.to_uppercase(),
        action=pl.lit(None, pl.String),
        begins_on=_day(said("begins_on"), days),
        ends_on=_day(said("ends_on"), days),
        amount_cents=read_hundredths(said("amount")),
    )
    bad = [no_findings()]
    for part in ("begins_on", "ends_on"):
        if heading := getattr(line, part):
            column = f"line_{number}_{part}"
            wrong = rows.filter(pl.col(column).is_not_null() & read[part].is_null())
            bad.append(_unreadable(wrong, heading, column, "a day"))
    return read.select(pl.col(name).cast(kind) for name, kind in LINES.items()), pl.concat(bad)


def _identifiers(cells: pl.DataFrame, table: Table) -> pl.DataFrame:
    """List the identifiers of people: those columns named `identifier:NAME`, and the family."""
    parts = [pl.DataFrame(schema=IDENTIFIERS)]
    for ours in table.columns:
        if ours.startswith("identifier:"):
            kind, column = ours.split(":", 1)[1], _plain(ours)
        elif ours == "family":
            kind, column = "0F", "family"
        else:
            continue
        told = cells.filter(pl.col(column).is_not_null()).select("member", value=column)
        parts.append(
            told.select("member", kind=pl.lit(kind), value="value").select(
                pl.col(name).cast(dtype) for name, dtype in IDENTIFIERS.items()
            )
        )
    return pl.concat(parts).unique(maintain_order=True)
