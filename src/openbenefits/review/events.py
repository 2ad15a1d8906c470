"""What an administrator sees of events: summaries of schedules, the events of a person, their history."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from openbenefits.reports.frames import load_clients, load_events, load_people
from openbenefits.reports.listings import flagged_items, with_people
from openbenefits.reports.names import load_names, load_schedules, with_event_names
from openbenefits.review import frames
from openbenefits.review.rules import schedules as summaries
from openbenefits.review.rules.events import with_holder, with_words

EVENT = ("benefit_record", "schedule", "event_number", "event_class", "event_on")
SUMMARY = (
    *("employee_number", "name", *EVENT, "priority", "source", "program"),
    *("event_status_name", "process_status", "status_name", "status_on", "flags"),
    *("held_by", "held_since", "window_begins_on", "window_ends_on"),
)
HISTORY = (*EVENT, "step", "from_status", "to_status", "event_status", "cause", "actor", "run_id", "moved_at")


def schedule_summary(
    connection: Any, client_ids: Sequence[int], schedule_ids: Sequence[int] | None = None
) -> Mapping[str, pl.DataFrame]:
    """Count the people and events of each schedule of some clients at every status (event-processing §16).

    Shapes: sheets `Schedules` (a row each, with flags and the percentage that is final or void) and
            `Statuses` (a row for each of the twelve statuses and for what is not processed yet, 0 shown).
    """
    rows = load_schedules(connection)
    clients = _client_codes(connection, client_ids)
    rows = rows.filter(pl.col("client").is_in(clients))
    if schedule_ids is not None:
        rows = rows.filter(pl.col("schedule_id").is_in(list(schedule_ids)))
    laid_out = summaries.lay_out(frames.load_standing(connection, client_ids), rows)
    people = frames.load_people_of_schedules(connection, client_ids)
    named = people.join(rows.select("schedule_id", "client", "schedule"), on="schedule_id").drop(
        "schedule_id"
    )
    return {"Schedules": summaries.sum_up(laid_out, named), "Statuses": laid_out}


def events_of_client(
    connection: Any, client_id: int, *, as_of: date, person_ids: Sequence[int] | None = None
) -> pl.DataFrame:
    """Load the events of a client (or some of its people) with names, words and who holds each.

    Shapes: an event frame (`case` is the position) with set-up names, people, `review.frames.CONTROLS`,
            event_status_name, status_name, indicator_name, flags, held_by, held_since.
    """
    events = load_events(connection, client_ids=[client_id], person_ids=person_ids)
    named = with_people(
        with_event_names(events, load_names(connection)), load_people(connection, events)
    ).join(frames.load_controls(connection, events), on="case", how="left", maintain_order="left")
    return with_words(with_holder(named, as_of=as_of))


def event_summary(
    connection: Any, client_id: int, person_id: int, *, as_of: date
) -> Mapping[str, pl.DataFrame]:
    """Show all events of a person with where they stand, who holds them, and every step they took.

    Shapes: sheets `Events` (SUMMARY, by day) and `History` (HISTORY).
    """
    events = events_of_client(connection, client_id, as_of=as_of, person_ids=[person_id])
    ordered = events.sort("benefit_record", "event_on", "priority", "event_number")
    steps = frames.load_steps(connection, events).rename({"event_status": "step_event_status"})
    history = ordered.select("case", *EVENT).join(steps, on="case", maintain_order="left")
    return {
        "Events": ordered.select(SUMMARY),
        "History": history.rename({"step_event_status": "event_status"}).select(HISTORY),
    }


def flagged(connection: Any, client_id: int, *, as_of: date) -> pl.DataFrame:
    """List the events of a client that are out of sequence, rest on changed facts, or are disconnected."""
    return flagged_items(events_of_client(connection, client_id, as_of=as_of))


def _client_codes(connection: Any, client_ids: Sequence[int]) -> list[str]:
    clients = load_clients(connection)
    return clients.filter(pl.col("client_id").is_in(list(client_ids)))["client"].to_list()
