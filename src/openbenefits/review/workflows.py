"""The lists an administrator works through: dependents, late answers, terminations, dates, leaves."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from openbenefits.reports.frames import (
    COVERAGE_PLACE,
    load_coverage,
    load_covered,
    load_dependents,
    load_elected_dependents,
    with_case,
)
from openbenefits.reports.listings import in_force_before
from openbenefits.reports.names import plan_type_name
from openbenefits.review import frames
from openbenefits.review.events import EVENT, events_of_client
from openbenefits.review.rules import workflows
from openbenefits.review.rules.events import is_final, is_live
from openbenefits.workforce.models import Person

WHO = ("employee_number", "name", *EVENT, "process_status")
DEPENDENTS, LATE, TERMINATIONS = "Dependents enrolled", "Late answers", "Terminations"
DATES, LEAVES = "Birth and service dates", "Leaves"
SHEETS = (DEPENDENTS, LATE, TERMINATIONS, DATES, LEAVES)


def workflow_lists(
    connection: Any, client_id: int, *, as_of: date, since: date | None = None
) -> Mapping[str, pl.DataFrame]:
    """Answer the workflow lists of a client, each as a sheet (SHEETS).

    Events count while they are not final. `since` leaves out dates and leaves that became known, or begin,
    before a day (None: all).
    """
    events = events_of_client(connection, client_id, as_of=as_of)
    live = with_case(events.filter(is_live() & ~is_final()))
    plans = frames.load_ending_plans(connection, live)
    ending = workflows.full_terminations(live, plans)
    return {
        DEPENDENTS: _dependents(connection, live),
        LATE: workflows.late(live, as_of=as_of).select(*WHO, "window_ends_on", "days_late", "held_by"),
        TERMINATIONS: ending.select(*WHO, "plan_types", "last_day", "held_by"),
        DATES: _dates(connection, client_id, live, since),
        LEAVES: _leaves(connection, client_id, since),
    }


def _dependents(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """The dependents whom elections enrol anew, with what they are to the employee."""
    timeline = load_coverage(connection, events).join(
        events.select("case", "event_on"), on="case", maintain_order="left"
    )
    held = load_covered(connection, events).join(
        in_force_before(timeline), on=["case", *COVERAGE_PLACE], how="semi"
    )
    new = workflows.newly_enrolled(load_elected_dependents(connection, events), held)
    about = load_dependents(connection, events).select(
        "case", "dependent_id", dependent="number", person_type="person_type"
    )
    rows = new.join(about, on=["case", "dependent_id"], how="left").join(
        events.select("case", *WHO), on="case"
    )
    named = rows.with_columns(plan=plan_type_name())
    return named.sort("employee_number", "event_on", "plan_type", "dependent").select(
        *WHO, "plan_type", "plan", "dependent", "person_type"
    )


def _dates(connection: Any, client_id: int, live: pl.DataFrame, since: date | None) -> pl.DataFrame:
    """Whose birth or service date is another now, and how many of their events wait meanwhile."""
    found = workflows.changed_dates(frames.load_person_versions(connection, client_id))
    if since is not None:
        found = found.filter(pl.col("known_on") >= since)
    waiting = live.group_by("person_id").agg(unfinished_events=pl.len().cast(pl.Int64))
    rows = found.join(waiting, on="person_id", how="left", maintain_order="left").with_columns(
        pl.col("unfinished_events").fill_null(0)
    )
    return _numbered(connection, client_id, rows)


def _leaves(connection: Any, client_id: int, since: date | None) -> pl.DataFrame:
    rows = workflows.leaves(frames.load_job_statuses(connection, client_id))
    if since is not None:
        rows = rows.filter(pl.col("valid_from") >= since)
    shown = rows.select(
        "person_id",
        "benefit_record",
        begins_on="valid_from",
        status="job_status",
        action="action",
        reason="reason",
    )
    return _numbered(connection, client_id, shown.sort("begins_on", "person_id"))


def _numbered(connection: Any, client_id: int, rows: pl.DataFrame) -> pl.DataFrame:
    """Show people by their number."""
    wanted: Sequence[int] = rows["person_id"].unique().to_list()
    known = Person.objects.using(connection.alias).filter(client_id=client_id, id__in=wanted)
    numbers = dict(known.values_list("id", "employee_number"))
    number = pl.col("person_id").replace_strict(numbers, default=None, return_dtype=pl.String)
    return rows.select(number.alias("employee_number"), pl.exclude("person_id"))


__all__ = ["SHEETS", "workflow_lists"]
