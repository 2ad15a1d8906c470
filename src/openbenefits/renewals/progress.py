"""Who has elected at renewal, and who has not, per person and counted; elections per plan.

Source: process-management §9.1. Missing days are listed as data errors, never dropped.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from openbenefits.core.codes import FINAL_STATUSES, EventStatus, ProcessStatus
from openbenefits.enrollment.elections import progress_of
from openbenefits.renewals import frames
from openbenefits.reports import frames as events_of
from openbenefits.reports.names import load_names, load_schedules, with_event_names, with_option_names

NOT_STARTED, UNDER_WAY, COMPLETED, NOT_ELIGIBLE = "not started", "in progress", "completed", "not eligible"
GROUPS = (NOT_STARTED, UNDER_WAY, COMPLETED, NOT_ELIGIBLE)
OPEN = [str(EventStatus.OPEN), str(EventStatus.CLOSED)]
KEY = ["client_id", "person_id", "benefit_record", "event_number"]
PEOPLE: dict[Any, Any] = {
    "client": pl.String,
    "workflow": pl.String,
    "enrollment_type": pl.String,
    "employee_number": pl.String,
    "name": pl.String,
    "starts": pl.Date,
    "ends": pl.Date,
    "effective": pl.Date,
    "group": pl.String,
    "status": pl.String,
    "choices": pl.Int64,
    "entered": pl.Int64,
    "last_activity": pl.Date,
    "confirmation": pl.Int64,
    "data_error": pl.String,
    "client_id": pl.Int32,
    "person_id": pl.Int64,
}

Confirmations = Callable[[Any, int, Sequence[int]], pl.DataFrame]
"""Answers the last confirmation of each event of some schedules: KEY, schedule_id, confirmation."""
_confirmations: list[Confirmations] = []


def register_confirmations(load: Confirmations) -> None:
    """Let the floor that keeps confirmations tell their numbers."""
    _confirmations[:] = [load]


def who_has_elected(connection: Any, client_id: int, schedule_ids: Sequence[int]) -> pl.DataFrame:
    """List everybody of some open enrolments of a client with how far he is, as PEOPLE.

    group: not started (nothing entered), in progress (some of the choices, or errors), completed (every
    choice entered, or final), not eligible (nothing is offered and nothing ends).
    """
    if not schedule_ids:
        return pl.DataFrame(schema=PEOPLE)
    events = events_of.load_events(
        connection, schedule_ids=list(schedule_ids), client_ids=[client_id], event_statuses=OPEN
    )
    if events.is_empty():
        return pl.DataFrame(schema=PEOPLE)
    people = events_of.load_people(connection, events)
    rows = with_event_names(events, load_names(connection)).join(
        people.select("case", "employee_number", "first_name", "last_name", "client_name"), on="case"
    )
    entered = pl.concat(
        progress_of(connection, one).with_columns(schedule_id=pl.lit(one, pl.Int32)) for one in schedule_ids
    )
    rows = rows.join(entered.drop("process_status"), on=[*KEY, "schedule_id"], how="left")
    rows = _with_confirmations(connection, client_id, schedule_ids, rows)
    return (
        rows.with_columns(
            pl.col("choices", "entered").fill_null(0),
            client="client_name",
            workflow="schedule_name",
            enrollment_type="event_class",
            name=pl.concat_str("last_name", "first_name", separator=", "),
            starts=pl.coalesce("window_begins_on", "schedule_window_begins_on"),
            ends=pl.coalesce("window_ends_on", "schedule_window_ends_on"),
            effective="event_on",
            status=pl.col("process_status").fill_null(""),
            last_activity="status_on",
        )
        .with_columns(group=_group(), data_error=_data_error())
        .select(list(PEOPLE))
        .cast(PEOPLE)
    )  # type: ignore[arg-type]


def _group() -> pl.Expr:
    final = [str(one) for one in FINAL_STATUSES]
    nobody = [str(ProcessStatus.FA), str(ProcessStatus.FP), str(ProcessStatus.AN)]
    wrong = [str(ProcessStatus.EE), str(ProcessStatus.RE)]
    return (
        pl.when(pl.col("status").is_in(nobody))
        .then(pl.lit(NOT_ELIGIBLE))
        .when(pl.col("status").is_in(final))
        .then(pl.lit(COMPLETED))
        .when(pl.col("status").is_in(wrong))
        .then(pl.lit(UNDER_WAY))
        .when(pl.col("entered") == 0)
        .then(pl.lit(NOT_STARTED))
        .when(pl.col("entered") < pl.col("choices"))
        .then(pl.lit(UNDER_WAY))
        .otherwise(pl.lit(COMPLETED))
    )


def _data_error() -> pl.Expr:
    missing = [
        pl.when(pl.col(name).is_null()).then(pl.lit(f"no {told}"))
        for name, told in (("starts", "first day"), ("ends", "last day"), ("effective", "effective day"))
    ]
    return pl.concat_str(missing, separator=", ", ignore_nulls=True)


def _with_confirmations(
    connection: Any, client_id: int, schedule_ids: Sequence[int], rows: pl.DataFrame
) -> pl.DataFrame:
    if not _confirmations:
        return rows.with_columns(confirmation=pl.lit(None, pl.Int64))
    found = _confirmations[0](connection, client_id, schedule_ids)
    return rows.join(found, on=[*KEY, "schedule_id"], how="left")


def counted(people: pl.DataFrame) -> pl.DataFrame:
    """Count people per client and workflow: each of GROUPS, all, and how many percent have completed."""
    names = {group.replace(" ", "_"): (pl.col("group") == group).sum() for group in GROUPS}
    rows = people.group_by("client", "workflow", maintain_order=True).agg(
        **names, people=pl.len(), data_errors=(pl.col("data_error") != "").sum()
    )
    eligible = pl.col("people") - pl.col("not_eligible")
    return rows.with_columns(
        completed_percent=pl.when(eligible > 0).then(pl.col("completed") * 100 // eligible)
    ).sort("client", "workflow")


def elections_of_plans(connection: Any, client_id: int, schedule_ids: Sequence[int]) -> pl.DataFrame:
    """List what was elected per person and category: plan, tier, waived, effective.

    Shapes: ELECTED; plan and tier are null where nothing of that name is in set-up, as for a waiver.
    """
    events = events_of.load_events(
        connection, schedule_ids=list(schedule_ids), client_ids=[client_id], event_statuses=OPEN
    )
    if events.is_empty():
        return pl.DataFrame(schema=ELECTED)
    people = events_of.load_people(connection, events)
    elections = frames.load_elected(connection, client_id, schedule_ids)
    dated = elections.join(events.select("case", "event_on", *KEY, "schedule_id"), on=[*KEY, "schedule_id"])
    named = with_option_names(dated, load_names(connection))
    rows = named.join(
        people.select("case", "employee_number", "first_name", "last_name", "client_name"), on="case"
    )
    return rows.select(
        "employee_number",
        "plan_type",
        client="client_name",
        name=pl.concat_str("last_name", "first_name", separator=", "),
        plan=pl.coalesce("plan_name", "option_name"),
        tier="coverage_name",
        is_waived=pl.col("keyed") == "WAIVE",
        effective="event_on",
        pledge_cents="pledge_cents",
    ).select(list(ELECTED))


ELECTED = {
    "client": pl.String,
    "employee_number": pl.String,
    "name": pl.String,
    "plan_type": pl.String,
    "plan": pl.String,
    "tier": pl.String,
    "is_waived": pl.Boolean,
    "effective": pl.Date,
    "pledge_cents": pl.Int64,
}


def open_enrollments(connection: Any, client_code: str) -> Mapping[int, str]:
    """Answer the open enrolments of a client: their names by schedule."""
    rows = load_schedules(connection).filter(client=client_code, kind="O").sort("schedule")
    return dict(rows.select("schedule_id", "schedule_name").iter_rows())
