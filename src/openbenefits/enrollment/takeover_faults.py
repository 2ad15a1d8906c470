"""What is wrong with a row of coverage that is taken over: its codes, its record, its amounts, its shares."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from openbenefits.core.bad_rows import faults
from openbenefits.core.codes import AmountKind
from openbenefits.enrollment.entry_rows import people_of
from openbenefits.enrollment.rules.beneficiaries import ALL, COLLECTING
from openbenefits.workforce.frames import load_jobs

CODES_SHOWN = 20
HOURS, PERCENT = str(AmountKind.HOURS), str(AmountKind.PERCENT)


def listed_codes(column: str) -> pl.Expr:
    """List codes in order, the first of them if there are many."""
    codes = pl.col(column).unique().sort()
    more = pl.when(codes.len() > CODES_SHOWN).then(pl.lit(", …")).otherwise(pl.lit(""))
    return codes.head(CODES_SHOWN).str.join(", ") + more


def unknown_codes(rows: pl.DataFrame, programs: str) -> Iterator[pl.DataFrame]:
    """Name the rows whose program, plan type or option the set-up does not know.

    Shapes: rows has plan_types and options, what there is to name.
    """
    no_program = pl.col("program").is_not_null() & pl.col("program_id").is_null()
    in_program = pl.col("program_id").is_not_null() & pl.col("plan_type").is_not_null()
    no_plan_type = in_program & pl.col("options").is_null()
    no_option = in_program & ~no_plan_type & pl.col("option").is_not_null() & pl.col("option_id").is_null()
    cure = "correct the code, or add it to the set-up"
    yield faults(rows, no_program, "program", f"one of {programs}", cure)
    yield faults(
        rows,
        no_plan_type,
        "plan_type",
        pl.format("one of {}", pl.col("plan_types").fill_null("those the program has: none")),
        cure,
    )
    yield faults(rows, no_option, "option", pl.format("one of {}", "options"), cure)


def amount_faults(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Name the rows that state what the plan type does not take, or not what hours bought or sold need.

    Shapes: rows has amount_kind and collect of its plan type; both null where that is unknown.
    """
    kind = pl.col("amount_kind")
    found = pl.format("`amount: {}`", kind)
    after, hours = pl.col("after_tax_thousandths"), pl.col("hours_hundredths")
    cure = "leave the cell blank, or correct the plan type"
    yield faults(
        rows,
        after.is_not_null() & (kind != PERCENT),
        "after_tax_percent",
        "a percentage after tax only where the plan type takes a percentage of pay",
        cure,
        found,
    )
    yield faults(
        rows,
        hours.is_not_null() & (kind != HOURS),
        "hours",
        "hours only where the plan type trades hours",
        cure,
        found,
    )
    trades = (kind == HOURS) & ~pl.col("is_waived")
    yield faults(
        rows, trades & hours.is_null(), "hours", "the hours bought or sold", "fill in", pl.lit("blank")
    )
    yield faults(
        rows,
        trades & pl.col("pledge_cents").is_null(),
        "annual_pledge",
        "what the hours cost, or pay, in the year",
        "fill in",
        pl.lit("blank"),
    )


def share_faults(rows: pl.DataFrame, beneficiaries: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Name the rows whose shares do not make 100 %, and those of plan types that take no beneficiaries.

    Shapes: rows as for `amount_faults`; beneficiaries as `entry_rows.chosen_beneficiaries`.
    Source: docs/rules.md §11.8.
    """
    share = pl.col("percent_hundredths").cast(pl.Int64)
    totals = beneficiaries.group_by("row").agg(
        primary=share.filter(~pl.col("is_contingent")).sum(),
        contingent=share.filter("is_contingent").sum(),
        has_contingent=pl.col("is_contingent").any(),
    )
    named = rows.join(totals, on="row", maintain_order="left")
    takes = pl.col("collect").is_in(COLLECTING)
    for column, total, is_named in (
        ("beneficiaries", pl.col("primary"), pl.lit(value=True)),
        ("contingent_beneficiaries", pl.col("contingent"), pl.col("has_contingent")),
    ):
        in_percent = pl.format("{}.{} %", total // 100, (total % 100).cast(pl.String).str.zfill(2))
        yield faults(
            named, is_named & (total != ALL), column, "100 % together", "correct the shares", in_percent
        )
    yield faults(
        named,
        ~takes,
        "beneficiaries",
        "a plan type that takes beneficiaries",
        "leave the cells blank, or let the plan type collect beneficiaries",
        pl.format("`collect: {}`", "collect"),
    )


def record_faults(connection: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """A benefit record must have a job: coverage needs somebody to process it."""
    people = rows.filter(pl.col("person_id").is_not_null())
    jobs = load_jobs(connection, people_of(rows))
    records = jobs.select("person_id", "benefit_record").unique()
    without = people.join(records, on=["person_id", "benefit_record"], how="anti", maintain_order="left")
    return faults(
        without,
        pl.lit(value=True),
        "benefit_record",
        "a benefit record of one of this person's jobs",
        "correct the number, or import the job first",
        pl.format("{}", "benefit_record"),
    )


def late_faults(rows: pl.DataFrame) -> pl.DataFrame:
    """Coverage that an event has decided is not taken over again."""
    return faults(
        rows,
        pl.col("has_events") & ~pl.col("is_known"),
        "plan_type",
        "a plan type no event has decided yet",
        "correct it through the event, or remove the row",
        pl.lit("an event wrote this timeline"),
    )
