"""The payroll set-up sheet of a client: what is set up at payroll, line by line, read back."""

from typing import Any

import polars as pl

from openbenefits.platform import here as ours
from openbenefits.platform.audits.catalogue import AUDITS, Sides
from openbenefits.platform.audits.comparing import Bucket
from openbenefits.platform.here import Here, here_of
from openbenefits.platform.models import Look
from openbenefits.platform.seen import NoLook, last_look

COLUMNS = {
    "plan": "Plan",
    "plan_type": "Plan type",
    "group": "Benefit group",
    "tier": "Tier",
    "begins_on": "Offered since",
    "deduction_code": "Deduction code",
    "bill_code": "Bill code",
    "rate_group": "Rate group",
    "method": "Method",
    "employee": "Employer pays of the employee's part",
    "dependents": "… of dependents'",
    "wait": "Wait of a hire",
    "begins": "Coverage begins",
    "read_back": "Read back",
    "differs": "What differs",
}
METHODS = {"P": "percent", "F": "dollars a month"}
BEGINS = {"O": "first of the month on or after", "F": "first of the month after", "C": "calculated day"}
PARTS = {"A1": ("plan",), "A3": ("plan", "group", "tier"), "A5": ("plan", "group"), "A11": ("plan",)}
"""The audits that read lines back, and by what."""


def sheet_of(connection: Any, client_id: int, on: Any) -> tuple[pl.DataFrame, Look | None]:
    """List the set-up of payroll for a client: a line for each plan, group and tier, read back.

    Shapes:  as COLUMNS. read_back is `as it is to be`, `otherwise` or `not there`.
    Missing: read_back is blank where nothing was read of the platform yet: no look.
    """
    here = here_of(connection, client_id, on)
    lines = _lines(here)
    try:
        look = last_look(client_id)
    except NoLook:
        nothing = [pl.lit("").alias(name) for name in ("bill_code", "rate_group", "read_back", "differs")]
        return lines.with_columns(nothing).select(list(COLUMNS)), None
    sides = Sides(connection=connection, here=here, look=look)
    seen = lines.join(
        sides.seen("plan").select("plan", "bill_code").unique("plan"), on="plan", how="left"
    ).join(sides.seen("setup").select("plan", "rate_group").unique("plan"), on="plan", how="left")
    return _read_back(sides, seen).select(list(COLUMNS)), look


def _lines(here: Here) -> pl.DataFrame:
    options = ours.offered(here).unique(["plan", "group", "tier"], keep="first", maintain_order=True)
    shares = ours.contributions(here).select("plan", "group", "tier", "method", "employee", "dependents")
    waits = ours.waits(here).drop("since")
    found = (
        options.select("plan", "plan_type", "group", "tier", "deduction_code", begins_on="since")
        .join(shares, on=["plan", "group", "tier"], how="left", maintain_order="left")
        .join(waits, on=["plan", "group"], how="left", maintain_order="left")
    )
    return found.sort("plan_type", "plan", "group", "tier")


def _read_back(sides: Sides, lines: pl.DataFrame) -> pl.DataFrame:
    """Add what the audits found of each line, the worst of them."""
    found = lines
    for code, names in PARTS.items():
        rows = (
            AUDITS[code]
            .rows(sides)
            .select(
                _key="key",
                **{
                    code: pl.col("bucket"),
                    f"{code}_fields": pl.col("fields").list.join(", "),
                },
            )
        )
        keys = pl.concat_str([pl.col(name).fill_null("") for name in names], separator="|")
        found = found.with_columns(_key=keys).join(rows, on="_key", how="left", maintain_order="left")
    codes = list(PARTS)
    is_missing = pl.any_horizontal(pl.col(code) == str(Bucket.HERE_ONLY) for code in codes)
    is_different = pl.any_horizontal(pl.col(code) == str(Bucket.DIFFERENT) for code in codes)
    told = pl.concat_str(
        [pl.when(pl.col(f"{code}_fields") != "").then(pl.col(f"{code}_fields")) for code in codes],
        separator=", ",
        ignore_nulls=True,
    )
    return found.with_columns(
        read_back=pl.when(is_missing.fill_null(value=False))
        .then(pl.lit("not there"))
        .when(is_different.fill_null(value=False))
        .then(pl.lit("otherwise"))
        .otherwise(pl.lit("as it is to be")),
        differs=told,
    )


def in_words(lines: pl.DataFrame) -> pl.DataFrame:
    """Say codes of methods and days in words."""
    return lines.with_columns(
        pl.col("method").replace(METHODS),
        pl.col("begins").replace(BEGINS),
        pl.col("wait").str.replace(" D", " days", literal=True).str.replace(" M", " months", literal=True),
    )
