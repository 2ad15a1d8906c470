"""The terms a class sets for reported life events: which reports wait for somebody. Pure decisions.

Sources: event-processing §3.6, §3.7; docs/rules.md §15.4.
"""

from functools import cache

import polars as pl

from openbenefits.core.codes import ActionSource, ActivityActKind
from openbenefits.core.columns import joined

ADMITTED = [str(ActivityActKind.ADMIT), str(ActivityActKind.ENTER)]


@cache
def is_report() -> pl.Expr:
    """Whether activity came of a life event somebody reported, not of an administrator's own entry."""
    return (pl.col("source") == str(ActionSource.MANUAL)) & pl.col("change_id").is_not_null()


def with_why_held(classified: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """Say why activity waits for an administrator; null: it becomes an event.

    Shapes:  classified has source, change_id, last_act, event_on, reported_on and event_class_id; classes has
             event_class_id, days_to_notify and creates_event. Adds last_day (on which it could be reported,
             null where nothing limits it) and why_held.
    Missing: without a report day nothing is late; without a class nothing is held here.
    """
    told = classes[["event_class_id", "days_to_notify", "creates_event"]]
    found = joined(classified, told, "event_class_id", how="left", maintain_order="left").with_columns(
        last_day=pl.when(is_report()).then(
            pl.col("event_on") + pl.duration(days=pl.col("days_to_notify").cast(pl.Int64))
        )
    )
    asked = is_report() & ~pl.col("last_act").is_in(ADMITTED).fill_null(value=False)
    late = pl.format("reported {}, the last day was {}", "reported_on", "last_day")
    return found.with_columns(
        why_held=pl.when(asked & (pl.col("reported_on") > pl.col("last_day")))
        .then(late)
        .when(asked & ~pl.col("creates_event").fill_null(value=True))
        .then(pl.lit("reports of this class make no event by themselves"))
    ).drop("days_to_notify", "creates_event")
