"""What a file says of people and lines, before anybody says what it means, whatever it came as."""

from dataclasses import dataclass, field

import polars as pl

from openbenefits.carriers.opening.mapping import DAYS, FIELDS

PEOPLE = {
    "row": pl.Int32,
    "is_subscriber": pl.Boolean,
    **{name: pl.Date if name in DAYS else pl.String for name in FIELDS},
    "eligible_on": pl.Date,
    "adjusted_on": pl.Date,
    "pay_cents": pl.Int64,
}
"""A person as a file tells him. row: the number of his INS segment, or of his first row. Missing: null."""

LINES = {
    "row": pl.Int32,
    "member": pl.Int32,
    "insurance": pl.String,
    "plan": pl.String,
    "tier": pl.String,
    "action": pl.String,
    "begins_on": pl.Date,
    "ends_on": pl.Date,
    "amount_cents": pl.Int64,
}
"""A line of a person, codes in capitals. row: the number of its HD segment, or its row; member: the
row of the person."""

IDENTIFIERS = {"member": pl.Int32, "kind": pl.String, "value": pl.String}

FINDING = {
    "row": pl.Int32,
    "place": pl.String,
    "code": pl.String,
    "level": pl.String,
    "expected": pl.String,
    "found": pl.String,
    "cure": pl.String,
}
"""What is to be said of a place in a file. level: fault (its family is not taken), asked (the same, until
somebody says who it is), left (not taken, and why), noted. found: a shape or a code, nothing personal."""

FAULT, ASKED, LEFT, NOTED = "fault", "asked", "left", "noted"


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What a file says. unit: what `row` counts (segment, row). refused: why nothing of it opens a client."""

    name: str
    fingerprint: str
    unit: str
    people: pl.DataFrame = field(repr=False)
    lines: pl.DataFrame = field(repr=False)
    identifiers: pl.DataFrame = field(repr=False)
    findings: pl.DataFrame = field(repr=False)
    refused: str = ""


def findings(
    rows: pl.DataFrame,
    code: str,
    expected: str | pl.Expr,
    cure: str,
    *,
    place: str,
    level: str = FAULT,
    found: str | pl.Expr = "",
    at: str = "row",
) -> pl.DataFrame:
    """Answer one finding for each row, as FINDING; `at` names the column with the place in the file."""
    return rows.select(
        pl.col(at).cast(pl.Int32).alias("row"),
        place=pl.lit(place),
        code=pl.lit(code),
        level=pl.lit(level),
        expected=pl.lit(expected) if isinstance(expected, str) else expected,
        found=pl.lit(found) if isinstance(found, str) else found,
        cure=pl.lit(cure),
    ).select(pl.col(name).cast(kind) for name, kind in FINDING.items())


def no_findings() -> pl.DataFrame:
    """Answer FINDING without a row."""
    return pl.DataFrame(schema=FINDING)
