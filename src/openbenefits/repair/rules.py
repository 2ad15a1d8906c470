"""What a repair touches, and what it changes: pure decisions on columns (docs/decisions/0012-replay.md)."""

import polars as pl

from openbenefits.core.codes import EventStatus
from openbenefits.events.rules import EVENT_KEY, FINAL, RECORD_KEY

AGAIN, WITHDRAW, REDATE = "again", "withdraw", "redate"
HELD = (
    *("client_id", "person_id", "benefit_record", "plan_type", "slot", "begins_on"),
    *("kind", "option_id", "coverage_cents", "requested_coverage_cents", "pledge_cents"),
    *("percent_thousandths", "after_tax_thousandths", "hours_hundredths", "deduction_begins_on", "members"),
)
"""What a change point says, whoever made it and whenever."""


def touched(events: pl.DataFrame, targets: pl.DataFrame) -> pl.DataFrame:
    """Name the events a repair decides again, or withdraws: its targets, and what was final after them.

    Shapes:  events are all events of some people; targets has the event's key, `kind` (again, withdraw,
             redate) and `to_on` (redate: the new day). Answers rows of events with kind and to_on; kind of
             the later ones is `again`.
    Source:  design §1.5. Events of the target's own day count as later: to decide them again changes nothing.
    """
    found = events.join(targets.select(*EVENT_KEY, "kind", "to_on"), on=list(EVENT_KEY))
    from_on = found.group_by(RECORD_KEY).agg(from_on=pl.min_horizontal("event_on", "to_on").min())
    gone = [str(EventStatus.VOID), str(EventStatus.DISCONNECTED)]
    later = (
        events.join(from_on, on=list(RECORD_KEY))
        .filter(pl.col("event_on") >= pl.col("from_on"))
        .filter(pl.col("process_status").is_in(FINAL) & ~pl.col("event_status").is_in(gone))
        .join(found, on=list(EVENT_KEY), how="anti")
        .drop("from_on")
        .with_columns(kind=pl.lit(AGAIN), to_on=pl.lit(None, pl.Date))
    )
    return pl.concat([found, later.select(found.columns)])


def coverage_changes(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Compare two timelines: rows of HELD that no longer hold, and that hold now (`side`: before, after)."""
    lost = before.join(after, on=list(HELD), how="anti", nulls_equal=True)
    won = after.join(before, on=list(HELD), how="anti", nulls_equal=True)
    both = [lost.with_columns(side=pl.lit("before")), won.with_columns(side=pl.lit("after"))]
    return pl.concat(both).sort(*HELD[:6], "side", descending=[False] * 6 + [True])


LINE = (
    *("client_id", "person_id", "benefit_record", "pay_group", "pay_number", "ends_on"),
    *("kind", "plan_type", "tax_class"),
)


def deduction_changes(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Compare what is owed pay by pay: rows of LINE with cents before and after, where they differ.

    Missing: 0 on the side where nothing is owed; null where an amount could not be found.
    """
    sides = [
        owed.group_by(LINE).agg(
            pl.when(pl.col("owed_cents").null_count() == 0)
            .then(pl.col("owed_cents").drop_nulls().sum())
            .alias(name),
            pl.lit(value=True).alias(f"is_{name}"),
        )
        for name, owed in (("before", before), ("after", after))
    ]
    joined = sides[0].join(sides[1], on=list(LINE), how="full", coalesce=True, nulls_equal=True)
    known = joined.with_columns(
        pl.when(pl.col(f"is_{name}").is_null()).then(0).otherwise(pl.col(name)).alias(name)
        for name in ("before", "after")
    )
    differing = known.filter(pl.col("before").ne_missing(pl.col("after")))
    return differing.select(*LINE, "before", "after").sort(LINE)


def event_changes(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Compare where events stand: rows of the event's key with day and statuses before and after."""
    columns = ("event_on", "process_status", "event_status")
    joined = before.select(*EVENT_KEY, *columns).join(
        after.select(*EVENT_KEY, *columns), on=list(EVENT_KEY), how="full", coalesce=True, suffix="_after"
    )
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_after")) for name in columns)
    return joined.filter(differs).sort(EVENT_KEY)
