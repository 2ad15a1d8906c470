"""Which schedules a run is about, and whom each of them is about."""

from datetime import date
from typing import Any

import polars as pl

from openbenefits.core.codes import ScheduleKind
from openbenefits.programs.frames import Tables

Row = dict[str, Any]


def schedules_asked(tables: Tables, client_id: int, schedule_id: int | None) -> list[Row]:
    """Answer the set-up row of a schedule, or of all of a client, with the priority of its event class.

    Of several, those of one company or group come before those of everybody.

    Errors: LookupError if there is none.
    """
    classes = tables["event_class"]
    priorities = dict(zip(classes["event_class_id"], classes["priority"], strict=True))
    rows = [
        row | {"priority": priorities.get(row["event_class_id"])}
        for row in tables["schedule"].iter_rows(named=True)
        if row["client_id"] == client_id and schedule_id in (None, row["schedule_id"])
    ]
    if not rows:
        what = "no schedule" if schedule_id is None else f"no schedule {schedule_id}"
        message = f"{what} in the set-up of client {client_id}"
        raise LookupError(message)
    return sorted(rows, key=_place)


def _place(schedule: Row) -> tuple[int, str]:
    """Those of one company, or group, before those of everybody; then by code."""
    return (schedule["company"] == "") + (schedule["benefit_group"] == ""), schedule["code"]


def in_scope(schedule: Row) -> pl.Expr:
    """Whether a schedule is about somebody of a company and benefit group (null: of none)."""
    wanted = pl.lit(value=True)
    for name in ("company", "benefit_group"):
        if schedule[name]:
            wanted &= (pl.col(name) == schedule[name]).fill_null(value=False)
    return wanted


def opens_by_itself(schedule: Row, as_of: date) -> bool:
    """Whether a run of all schedules opens events of this one.

    Event maintenance always; open enrolment while its window runs; a snapshot only where it is asked for.
    """
    if schedule["kind"] == ScheduleKind.EVENT_MAINTENANCE:
        return True
    begins, ends = schedule["window_begins_on"], schedule["window_ends_on"]
    if schedule["kind"] != ScheduleKind.OPEN_ENROLLMENT or begins is None:
        return False
    return bool(begins <= as_of and (ends is None or as_of <= ends))


__all__ = ["in_scope", "opens_by_itself", "schedules_asked"]
