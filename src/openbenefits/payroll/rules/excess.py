"""Credits left over: what is forfeited or rolled over is not paid out (docs/rules.md §13).

Deductions stay whole and credits are earnings; here the earnings are reduced, and what is rolled over
is shown as money of the employer's beside the pledge it goes to.
"""

import polars as pl

from openbenefits.core import money
from openbenefits.payroll.rules.takings import OWNER, split

CREDIT, DEDUCTION, SOLD = "credit", "deduction", "sold"
"""Kinds of lines: credits and hours sold are earnings."""


def with_excess(
    lines: pl.DataFrame, uses: pl.DataFrame, rolls: pl.DataFrame, owners: pl.DataFrame
) -> pl.DataFrame:
    """Reduce the credits of each pay by what of them is forfeited or rolled over, and add that to accounts.

    Shapes:  lines has owner, plan_type (as point_plan_type), kind, ends_on, owed_cents, employer_cents and
             the shares of its pay; uses and rolls as `enrollment.frames` loads them, with OWNER; owners maps
             owner to OWNER.
    Missing: a credit that is not known stays so; an unknown excess reduces nothing.
    """
    if uses.is_empty():
        return lines
    held = _held(uses).join(owners, on=list(OWNER))
    return _with_rolled(_with_reduced(lines, held), held, rolls)


def _held(uses: pl.DataFrame) -> pl.DataFrame:
    """Keep what was said last of each event, from when it holds."""
    event = [*OWNER, "schedule_id", "event_number"]
    latest = uses.sort(*event, "version").unique(event, keep="last", maintain_order=True)
    return latest.filter(~pl.col("is_taken_back"))


_USE = ("schedule_id", "event_number", "version", "forfeited_cents", "rolled_cents")


def _in_force(lines: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Add what holds on the last day of each line's pay."""
    known = held.select("owner", "begins_on", *_USE).sort("begins_on", "schedule_id", "event_number")
    numbered = lines.with_row_index("_line").sort("ends_on")
    found = numbered.join_asof(
        known,
        left_on="ends_on",
        right_on="begins_on",
        by="owner",
        strategy="backward",
        check_sortedness=False,
    )
    return found.sort("_line").drop("_line")


def _with_reduced(lines: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Take what is not paid out off the credits of a pay, one after the other, none below 0."""
    rows = _in_force(lines.with_row_index("_at"), held)
    out = money.add(pl.col("forfeited_cents"), pl.col("rolled_cents"))
    credits_ = rows.filter(pl.col("kind") == CREDIT).with_columns(_year=out.fill_null(0))
    credits_ = credits_.with_columns(_off=split("_year").fill_null(0)).sort(
        "owner", "ends_on", "point_plan_type", "_at"
    )
    owed = pl.col("owed_cents").fill_null(0)
    before = (owed.cum_sum() - owed).over("owner", "ends_on")
    credits_ = credits_.with_columns(_before=before)
    left = money.clamp(money.subtract(pl.col("_off"), pl.col("_before")), 0, None)
    credits_ = credits_.with_columns(_left=left)
    reduced = money.subtract(pl.col("owed_cents"), money.minimum(pl.col("_left"), pl.col("owed_cents")))
    credits_ = credits_.select("_at", _reduced=reduced)
    found = rows.select("_at").join(credits_, on="_at", how="left", maintain_order="left")
    is_credit = pl.col("kind") == CREDIT
    return lines.with_columns(found["_reduced"]).with_columns(
        owed_cents=pl.when(is_credit).then("_reduced").otherwise("owed_cents")
    ).drop("_reduced")  # fmt: skip


def _with_rolled(lines: pl.DataFrame, held: pl.DataFrame, rolls: pl.DataFrame) -> pl.DataFrame:
    """Add to the deductions of accounts what is rolled over into them, as the employer's."""
    if rolls.is_empty():
        return lines
    event = [*OWNER, "schedule_id", "event_number", "version"]
    shares = rolls.join(held.select("owner", *event), on=event).select(
        *("owner", "schedule_id", "event_number", "version", "rolled_cents"), point_plan_type="plan_type"
    )
    key = ["owner", "schedule_id", "event_number", "version", "point_plan_type"]
    rows = _in_force(lines, held).drop("rolled_cents")
    rows = rows.join(shares, on=key, how="left", maintain_order="left")
    is_account = (pl.col("kind") == DEDUCTION) & pl.col("rolled_cents").is_not_null()
    more = money.add(pl.col("employer_cents"), split("rolled_cents"))
    rows = rows.with_columns(employer_cents=pl.when(is_account).then(more).otherwise("employer_cents"))
    return rows.select(lines.columns)
