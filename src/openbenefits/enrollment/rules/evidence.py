"""Evidence of insurability on the timeline: a point that asks for more rises when more is approved.

A rise is a change point of its own, of the event whose point it raises. It follows from that point and
from what was approved: it goes when its point is replaced, and the point in its place rises in turn.
Sources: rulings §4 (proof of insurability), §6; docs/rules.md §8.
"""

import polars as pl

from openbenefits.core import money
from openbenefits.enrollment.rules.timeline import POINT_KEY

EVIDENCE_APPROVED = "evidence approved"
"""The rule of a point that raises another."""


def rises_overtaken(new: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    """Name the rises whose own point is replaced, before their day, by a new one.

    Shapes:  new and standing (what holds besides) are points with rule, schedule_id and event_number.
             Answers rows of standing with the event that replaces them (superseded_by_schedule,
             superseded_by_event).
    """
    columns = [*POINT_KEY, "begins_on"]
    by = {"superseded_by_schedule": "schedule_id", "superseded_by_event": "event_number"}
    rises = standing.filter(rule=EVIDENCE_APPROVED)
    if rises.is_empty():
        return rises.with_columns(pl.lit(None, pl.Int32).alias(name) for name in by)
    raised = [
        standing.filter(pl.col("rule").ne_missing(EVIDENCE_APPROVED)).select(
            *columns, **by, is_new=pl.lit(value=False)
        ),
        new.select(*columns, **by, is_new=pl.lit(value=True)),
    ]
    found = rises.sort("begins_on").join_asof(
        pl.concat(raised).sort("begins_on"), on="begins_on", by=list(POINT_KEY), check_sortedness=False
    )
    return found.filter("is_new").select(*standing.columns, *by)


def with_ends(points: pl.DataFrame) -> pl.DataFrame:
    """Add `until`, the day the next point of the same coverage begins; null: none does."""
    following = pl.col("begins_on").shift(-1).over(POINT_KEY)
    return points.sort(*POINT_KEY, "begins_on").with_columns(until=following)


def rises(waiting: pl.DataFrame, approvals: pl.DataFrame) -> pl.DataFrame:
    """Find how points that ask for more than they cover rise by what was approved.

    Shapes:  waiting are points with `until`, and `approved_to`, the day up to which approvals are in the
             point already (null: none are); approvals has client_id, person_id, plan_type, valid_from and
             approved_cents, one row per day. Answers rows of waiting as they are from each rise on, with
             `was_on` and `was` (begin and version of the point raised).
    Missing: approvals from `until` on raise nothing, and so does one below what is covered already.
    """
    asked = pl.col("requested_coverage_cents")
    pairs = waiting.filter(asked.is_not_null()).join(approvals, on=["client_id", "person_id", "plan_type"])
    begins = pl.max_horizontal("begins_on", "valid_from")
    is_timely = pl.col("until").is_null() | (pl.col("valid_from") < pl.col("until"))
    is_later = pl.col("approved_to").is_null() | (pl.col("valid_from") > pl.col("approved_to"))
    timely = pairs.filter(is_timely & is_later)
    point = [*POINT_KEY, "begins_on", "version"]
    granted = timely.sort("valid_from").with_columns(
        granted=money.minimum(asked, pl.col("approved_cents")), rises_on=begins
    )
    highest = granted.with_columns(before=pl.col("granted").cum_max().shift(1).over(point))
    held = money.maximum(pl.col("coverage_cents"), pl.coalesce("before", "coverage_cents"))
    risen = highest.filter(pl.col("granted") > held).unique(
        [*point, "rises_on"], keep="last", maintain_order=True
    )
    return risen.with_columns(
        was_on="begins_on",
        was="version",
        begins_on="rises_on",
        deduction_begins_on=pl.max_horizontal("deduction_begins_on", "valid_from"),
        coverage_cents="granted",
        requested_coverage_cents=pl.when(asked > pl.col("granted")).then(asked),
        rule=pl.lit(EVIDENCE_APPROVED),
    ).select(*waiting.columns, "was_on", "was")
