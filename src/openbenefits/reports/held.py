"""Windows that have ended and hold something back: by whom, since when, and what (docs/rules.md §14.3)."""

from datetime import date, timedelta

import polars as pl

from openbenefits.core.codes import ProcessStatus, WindowAction
from openbenefits.reports.listings import EVENT, WHO, later_events
from openbenefits.reports.names import plan_type_name

UNSETTLED = [str(one) for one in (ProcessStatus.PR, ProcessStatus.NT, ProcessStatus.EE, ProcessStatus.RE)]
EVENT_PLACE = ("client_id", "person_id", "benefit_record", "schedule_id", "event_number")

THE_RUN, THE_EMPLOYEE, THE_ADMINISTRATOR = "the run of window ends", "the employee", "the administrator"

COLUMNS = (
    *("client", "schedule", *WHO, *EVENT, "held_by", "since", "days_held", "why"),
    *("unanswered", "plan_types", "holds_back", "later_events"),
)


def held_windows(
    events: pl.DataFrame,
    actions: pl.DataFrame,
    plans: pl.DataFrame,
    elections: pl.DataFrame,
    later: pl.DataFrame,
    *,
    as_of: date,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """List the events whose window has ended and that nobody has settled, longest first; count them by whom.

    Held by the run of window ends where the class finalises or voids, which it does when it is run; by the
    employee where an answer has errors; by the administrator where the class holds and nobody answered. What
    is held back: plan types with a choice and no answer, and later events of the benefit record.

    Shapes: events has EVENT_PLACE and `listings` columns; actions has EVENT_PLACE, action and why, as
            `runs.windows.held_events` answers them; plans, elections and later hang on `case`.
    """
    held = events.join(actions.select(*EVENT_PLACE, "action", "why"), on=list(EVENT_PLACE))
    rows = held.join(_unanswered(plans, elections), on="case", how="left", maintain_order="left")
    rows = rows.join(later_events(held, later), on="case", how="left", maintain_order="left")
    since = pl.col("window_ends_on") + timedelta(days=1)
    rows = rows.with_columns(
        held_by=_held_by(),
        since=since,
        days_held=(pl.lit(as_of) - pl.col("window_ends_on")).dt.total_days(),
        unanswered=pl.col("unanswered").fill_null(0),
        holds_back=pl.col("holds_back").fill_null(0),
    ).sort("since", "name", "employee_number", "event_number")
    counted = rows.group_by("held_by").agg(
        events=pl.len(),
        people=pl.struct("client_id", "person_id").n_unique(),
        longest_days=pl.col("days_held").max(),
        later_events=pl.col("holds_back").sum(),
    )
    return rows.select(COLUMNS), counted.sort("held_by")


def _held_by() -> pl.Expr:
    is_answered = pl.col("process_status") == str(ProcessStatus.EE)
    return (
        pl.when(pl.col("action") != str(WindowAction.HOLD))
        .then(pl.lit(THE_RUN))
        .when(is_answered)
        .then(pl.lit(THE_EMPLOYEE))
        .otherwise(pl.lit(THE_ADMINISTRATOR))
    )


def _unanswered(plans: pl.DataFrame, elections: pl.DataFrame) -> pl.DataFrame:
    """Count, and name, the plan types of each case that offer a choice and have no answer."""
    open_ = plans.filter(~pl.col("is_ignored") & pl.col("is_choice"))
    left = open_.join(elections, on=["case", "plan_type"], how="anti").sort("case", "plan_type")
    return left.group_by("case", maintain_order=True).agg(
        unanswered=pl.len().cast(pl.Int64), plan_types=plan_type_name().str.join(", ")
    )


__all__ = ["COLUMNS", "UNSETTLED", "held_windows"]
