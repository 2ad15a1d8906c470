"""What a run changes for people, in coverage and dollars, and how much that is: pure, on columns.

Two standings are compared: what people hold, and what they owe pay by pay, before a run and after it.
"""

from datetime import date
from typing import Any

import polars as pl

from openbenefits.core.codes import COVERED_KINDS

RECORD = ("client_id", "person_id", "benefit_record")
PLACE = (*RECORD, "plan_type", "slot")
COVERED = [str(kind) for kind in COVERED_KINDS]
CONTENT = (
    *("kind", "option_id", "coverage_cents", "requested_coverage_cents", "pledge_cents"),
    *("percent_thousandths", "after_tax_thousandths", "hours_hundredths", "deduction_begins_on", "members"),
)
SHOWN = ("kind", "option_id", "coverage_cents", "pledge_cents", "members")
AMOUNTS = ("pay_cents", "year_cents", "employer_year_cents")
SIDES = ("before", "after")

DIFFERENCES: dict[str, Any] = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "slot": pl.Int16,
    "from_on": pl.Date,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    **{f"{name}_{side}": kind for side in SIDES for name, kind in (
        ("kind", pl.String), ("option_id", pl.Int32), ("coverage_cents", pl.Int64),
        ("pledge_cents", pl.Int64), ("members", pl.String))},
    "pay_ends_on": pl.Date,
    **{f"{name}_{side}": pl.Int64 for side in SIDES for name in AMOUNTS},
}  # fmt: skip
"""A person's plan type that differs: since when, by which event, what held and holds, what it costs.

pay_cents are of the first pay that differs (pay_ends_on); year_cents of a calendar year. What is paid to the
person counts against what is taken. Null where nothing differs in dollars, or an amount is unknown.
"""

MEASURES = ("terminations", "dropped_dependents", "cents_per_pay", "unknown_amounts", "events_of_an_import")


def differences(
    before: pl.DataFrame,
    after: pl.DataFrame,
    owed_before: pl.DataFrame,
    owed_after: pl.DataFrame,
    *,
    year_from: date,
    year_through: date,
) -> pl.DataFrame:
    """List per person and plan type what differs, as DIFFERENCES.

    Shapes: before and after are points that hold (PLACE, begins_on, CONTENT, schedule_id, event_number); owed
            as `standing.OWED`: of all places, or of those at least that may differ.
    """
    covered = _coverage(before, after)
    dollars = _dollars(owed_before, owed_after, year_from, year_through)
    joined = covered.join(dollars, on=list(PLACE), how="full", coalesce=True)
    return joined.select(pl.col(name).cast(kind) for name, kind in DIFFERENCES.items()).sort(PLACE)


def _coverage(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Find the first day each place differs, and what holds on it on either side."""
    said = [*PLACE, "begins_on", *CONTENT]
    lost = before.select(said).join(after.select(said), on=said, how="anti", nulls_equal=True)
    won = after.select(said).join(before.select(said), on=said, how="anti", nulls_equal=True)
    first = pl.concat([lost, won]).group_by(PLACE).agg(from_on=pl.col("begins_on").min()).sort("from_on")
    for side, points in zip(SIDES, (before, after), strict=True):
        held = points.select(
            *PLACE,
            "begins_on",
            **{f"{name}_{side}": pl.col(name) for name in SHOWN},
            **({name: pl.col(name) for name in ("schedule_id", "event_number")} if side == "after" else {}),
        )
        first = first.join_asof(
            held.sort("begins_on"), left_on="from_on", right_on="begins_on", by=list(PLACE),
            check_sortedness=False,
        ).drop("begins_on", strict=False)  # fmt: skip
    return first


def _dollars(before: pl.DataFrame, after: pl.DataFrame, year_from: date, year_through: date) -> pl.DataFrame:
    """Find the first pay that differs, and sum a year, per place."""
    pays = paired(before, after)
    differing = pays.filter(pl.col("cents_before").ne_missing(pl.col("cents_after")))
    first = differing.sort("ends_on").unique(list(PLACE), keep="first", maintain_order=True)
    first = first.select(
        *PLACE,
        pay_ends_on="ends_on",
        pay_cents_before="cents_before",
        pay_cents_after="cents_after",
    )
    year = pays.filter(pl.col("ends_on").is_between(year_from, year_through))
    sums = year.group_by(PLACE).agg(
        total(f"{name}_{side}").alias(f"{told}_{side}")
        for name, told in (("cents", "year_cents"), ("employer_cents", "employer_year_cents"))
        for side in SIDES
    )
    return first.join(sums, on=list(PLACE), how="left")


def paired(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Put what is owed in each pay on both sides beside each other; 0 where nothing is owed."""
    key = [*PLACE, "pay_group_id", "ends_on"]
    sides = [
        owed.select(
            *key,
            pl.col("cents", "employer_cents").name.suffix(f"_{side}"),
            pl.lit(value=True).alias(f"is_{side}"),
        )
        for side, owed in zip(SIDES, (before, after), strict=True)
    ]
    joined = sides[0].join(sides[1], on=key, how="full", coalesce=True, nulls_equal=True)
    return joined.with_columns(
        pl.when(pl.col(f"is_{side}").is_null()).then(0).otherwise(pl.col(f"{name}_{side}")).alias(
            f"{name}_{side}"
        )
        for side in SIDES
        for name in ("cents", "employer_cents")
    )  # fmt: skip


def total(name: str) -> pl.Expr:
    """Sum a column of cents; unknown if one of them is."""
    return pl.when(pl.col(name).null_count() == 0).then(pl.col(name).drop_nulls().sum())


# --- how much it is -----------------------------------------------------------------------------------------


def measured(
    before: pl.DataFrame, after: pl.DataFrame, owed_before: pl.DataFrame, owed_after: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """Answer what limits are held against, so that partitions can be added up.

    terminations:       RECORD of those covered before and, in the end, for nothing after.
    dropped_dependents: RECORD and member of dependents covered before and, in the end, for nothing after.
    pays:               per pay_group_id and ends_on: cents that differ, whichever way, and unknown amounts.
    """
    last = [_last(points) for points in (before, after)]
    covered = [rows.select(RECORD).unique() for rows in last]
    members = [_members(rows) for rows in last]
    pays = paired(owed_before, owed_after).filter(pl.col("cents_before").ne_missing(pl.col("cents_after")))
    difference = (pl.col("cents_after") - pl.col("cents_before")).abs()
    return {
        "terminations": covered[0].join(covered[1], on=list(RECORD), how="anti"),
        "dropped_dependents": members[0].join(members[1], on=[*RECORD, "member"], how="anti"),
        "pays": pays.group_by("pay_group_id", "ends_on").agg(
            cents=difference.drop_nulls().sum(), unknown=difference.null_count().cast(pl.Int64)
        ),
    }


def _last(points: pl.DataFrame) -> pl.DataFrame:
    """The last point of each place, where it covers."""
    last = points.sort("begins_on").unique(list(PLACE), keep="last", maintain_order=True)
    return last.filter(pl.col("kind").is_in(COVERED))


def _members(points: pl.DataFrame) -> pl.DataFrame:
    named = points.drop_nulls("members").select(*RECORD, member=pl.col("members").str.split(" "))
    return named.explode("member").unique()


def sum_of(parts: list[dict[str, pl.DataFrame]]) -> dict[str, int]:
    """Add the measures of partitions up: the numbers limits are held against.

    cents_per_pay is of the pay in which most differs.
    """
    pays = pl.concat([part["pays"] for part in parts]) if parts else pl.DataFrame()
    if not pays.is_empty():
        pays = pays.group_by("pay_group_id", "ends_on").agg(pl.col("cents", "unknown").sum())
        pays = pays.group_by("ends_on").agg(pl.col("cents", "unknown").sum())
    most = dict.fromkeys(("cents", "unknown"), 0) if pays.is_empty() else pays.max().row(0, named=True)
    return {
        "terminations": sum(part["terminations"].height for part in parts),
        "dropped_dependents": sum(part["dropped_dependents"].height for part in parts),
        "cents_per_pay": int(most["cents"]),
        "unknown_amounts": int(most["unknown"]),
    }
