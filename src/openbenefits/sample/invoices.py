"""Invoices as carriers print them, from what people hold: a line each, under the carrier's own words.

Names, plans and tiers are printed the carrier's way, so that reading and matching have something to do.
"""

import polars as pl

HEADINGS = {
    "member_id": "Member ID",
    "ssn": "SSN",
    "employee_number": "Employee ID",
    "full_name": "Subscriber Name",
    "birth_on": "DOB",
    "subgroup": "Division",
    "plan": "Product",
    "tier": "Contract Type",
    "dependents": "Deps",
    "volume": "Volume",
    "age": "Age",
    "premium": "Premium",
    "line_class": "Charge Type",
    "month": "Coverage Month",
    "reason": "Comment",
}

HELD = {
    "person_id": pl.Int64,
    "client": pl.String,
    "employee_number": pl.String,
    "last_name": pl.String,
    "first_name": pl.String,
    "birth_on": pl.Date,
    "ssn": pl.String,
    "plan": pl.String,
    "tier": pl.String,
    "dependents": pl.Int64,
    "volume_cents": pl.Int64,
    "age": pl.Int32,
    "premium_cents": pl.Int64,
    "month": pl.Date,
}
"""What somebody holds of a plan in a month, with its price; ssn: nine digits, null where none is known."""


def invoice_lines(held: pl.DataFrame) -> pl.DataFrame:
    """Answer the lines of an invoice, as HELD with what a carrier adds: member_id, line_class, reason."""
    return held.select(*HELD).with_columns(
        member_id=pl.format("W{}", (pl.col("person_id") * 7_919 + 100_000_000)),
        line_class=pl.lit("Current"),
        reason=pl.lit(""),
    )


def printed(lines: pl.DataFrame) -> pl.DataFrame:
    """Answer lines as text under the carrier's headings.

    Every third person is printed with all of the SSN, every third behind a mask, the others with the
    employee's number; volumes and premiums as dollars, credits in brackets.
    """
    kind = pl.col("person_id") % 3
    full = pl.concat_str(pl.col("last_name").str.to_uppercase(), pl.lit(", "), "first_name")
    cents = pl.col("premium_cents")
    dollars = _dollars(cents.abs())
    return lines.select(
        member_id="member_id",
        ssn=pl.when(kind == 0)
        .then("ssn")
        .when(kind == 1)
        .then(pl.lit("*****") + pl.col("ssn").str.slice(-4)),
        employee_number=pl.when(kind == 2).then("employee_number"),
        full_name=full,
        birth_on=pl.col("birth_on").dt.strftime("%m/%d/%Y"),
        subgroup=pl.col("client").str.to_uppercase() + pl.lit("-01"),
        plan=pl.lit("PL ") + pl.col("plan"),
        tier=pl.col("tier"),
        dependents=pl.col("dependents").cast(pl.String),
        volume=pl.when(pl.col("volume_cents").is_not_null()).then(_dollars(pl.col("volume_cents"))),
        age=pl.col("age").cast(pl.String),
        premium=pl.when(cents < 0).then(pl.format("({})", dollars)).otherwise(dollars),
        line_class="line_class",
        month=pl.col("month").dt.strftime("%m/%Y"),
        reason="reason",
    ).rename(HEADINGS)


def _dollars(cents: pl.Expr) -> pl.Expr:
    return pl.format("{}.{}", cents // 100, (cents % 100).cast(pl.String).str.zfill(2))
