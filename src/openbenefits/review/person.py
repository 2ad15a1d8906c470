"""One person's story: facts, events, coverage, deductions, messages, acts; each a fixed number of reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from openbenefits.core.codes import ChangeKind
from openbenefits.core.messages import CATALOGUE
from openbenefits.enrollment.basis import load_spans
from openbenefits.events.windows import EventPlace
from openbenefits.payroll.frames import load_taken
from openbenefits.payroll.services import owed
from openbenefits.programs.frames import load_codes
from openbenefits.reports.names import load_names, load_schedules, plan_type_name, with_option_names
from openbenefits.review import frames
from openbenefits.review.events import EVENT, HISTORY, SUMMARY, events_of_client
from openbenefits.workforce.frames import in_force, load_addresses, load_dependents, load_jobs, load_persons
from openbenefits.workforce.models import Person

FAR = date(9999, 12, 31)
BEFORE, AHEAD = timedelta(days=92), timedelta(days=31)
"""The pays a story shows: those that end so long before a day, and so long after it."""

PERSON = {
    **dict.fromkeys(("first_name", "last_name", "sex", "marital_status", "email"), pl.String()),
    "birth_on": pl.Date(),
    "service_on": pl.Date(),
    "is_smoker": pl.Boolean(),
    "is_medicare_entitled": pl.Boolean(),
}
ADDRESS = dict.fromkeys(("line1", "city", "state", "postal_code", "country"), pl.String())
JOBS = (
    *("valid_from", "job_number", "benefit_record", "action", "reason", "job_status", "company"),
    *("benefit_group", "pay_group", "location", "full_part_time", "weekly_hours_hundredths"),
    "annual_pay_cents",
)
DEPENDENT = {
    **dict.fromkeys(("first_name", "last_name", "person_type"), pl.String()),
    "birth_on": pl.Date(),
    "is_student": pl.Boolean(),
    "is_disabled": pl.Boolean(),
    "is_former": pl.Boolean(),
}
SPANS = ("benefit_record", "plan_type", "plan", "option_code", "kind", "basis", "begins_on", "ends_on")
MESSAGES = (*("schedule", "event_number", "benefit_record", "code", "severity", "title"),)
TOLD = (*MESSAGES, "plan", "expected", "found", "cure")
PAYS = ("ends_on", "check_on", "plan_type", "plan", "option", "kind", "tax_class")
PAY_LINES = (*PAYS, "owed_cents", "employer_cents", "taken_cents", "cause", "fault")


class UnknownPerson(LookupError):
    """Nobody of that number: what was expected, what was found, what to do."""


class UnknownEvent(LookupError):
    """No such event: what was expected, what was found, what to do."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Who somebody is on a day, as known now.

    Shapes:  person and address by the names of PERSON and ADDRESS; jobs (JOBS, the last first); dependents
             (number, dependent_id, and DEPENDENT).
    Missing: where nothing is known of the day, the last or first that is; else empty.
    """

    person: Mapping[str, Any]
    address: Mapping[str, Any]
    jobs: pl.DataFrame
    dependents: pl.DataFrame


def person_of(client_id: int, number: str) -> Person:
    """Find a participant by number.

    Errors: UnknownPerson.
    """
    found: Person | None = Person.objects.filter(client_id=client_id, employee_number=number).first()
    if found is None:
        raise UnknownPerson("expected the number of an employee of this client, found none; search for them")
    return found


def facts_of(connection: Any, client_id: int, person_id: int, *, as_of: date) -> Facts:
    """Answer who somebody is on a day."""
    people = _people(client_id, person_id)
    case = people.with_columns(
        case=pl.lit(0, pl.Int32), benefit_record=pl.lit(0, pl.Int16), as_of=pl.lit(as_of)
    )
    dependents = load_dependents(connection, people, DEPENDENT)
    held = in_force(case, dependents, ("dependent_id",))
    jobs = load_jobs(connection, people)
    return Facts(
        person=_one(case, load_persons(connection, people, PERSON)),
        address=_one(case, load_addresses(connection, people, ADDRESS)),
        jobs=jobs.sort("valid_from", "sequence", descending=True).select(JOBS),
        dependents=held.select("number", "dependent_id", *DEPENDENT).sort("number"),
    )


def _one(case: pl.DataFrame, rows: pl.DataFrame) -> Mapping[str, Any]:
    """The row in force, else the first to come."""
    held = in_force(case, rows)
    found = held if held.height else rows.sort("valid_from")
    return found.row(0, named=True) if found.height else {}


@dataclass(frozen=True, kw_only=True)
class Events:
    """The events of a person, by day (schedule_id, SUMMARY and words), and their steps (HISTORY)."""

    events: pl.DataFrame
    history: pl.DataFrame


def events_of_person(connection: Any, client_id: int, person_id: int, *, as_of: date) -> Events:
    """Answer all events of a person, where each stands and who holds it, and every step they took."""
    events = events_of_client(connection, client_id, as_of=as_of, person_ids=[person_id])
    ordered = events.sort("benefit_record", "event_on", "priority", "event_number")
    steps = frames.load_steps(connection, events).rename({"event_status": "became"})
    history = ordered.select("case", "schedule_id", *EVENT).join(steps, on="case", maintain_order="left")
    words = ("event_name", "schedule_name", "event_status", "indicator_name", "preparation")
    return Events(
        events=ordered.select("schedule_id", *SUMMARY, *words),
        history=history.rename({"became": "event_status"}).select("schedule_id", *HISTORY),
    )


def place_of(
    connection: Any, person: Person, schedule: str, benefit_record: int, event_number: int
) -> EventPlace:
    """Find the place of an event by the code of its schedule.

    Errors: UnknownEvent where the client has no such schedule.
    """
    found = load_codes(connection, person.client_id, "schedule").filter(code=schedule)
    if found.is_empty():
        raise UnknownEvent("expected a schedule of this client, found none of that code; look it up again")
    return EventPlace(
        client_id=person.client_id,
        person_id=person.pk,
        benefit_record=benefit_record,
        schedule_id=found["id"][0],
        event_number=event_number,
    )


def spans_of(
    connection: Any, client_id: int, person_id: int, *, known_at: datetime | None = None
) -> pl.DataFrame:
    """Answer the coverage of somebody as spans of one basis each; as SPANS.

    Missing: ends_on (the last day) is null while no end is known.
    """
    spans = load_spans(connection, _people(client_id, person_id), known_at=known_at)
    named = with_option_names(
        spans.with_columns(event_on=pl.col("span_from")), load_names(connection, known_at=known_at)
    )
    kinds = {kind.value: kind.name.lower().replace("_", " ") for kind in ChangeKind}
    until = pl.col("span_until")
    rows = named.with_columns(
        plan=plan_type_name(),
        kind=pl.col("kind").replace_strict(kinds, return_dtype=pl.String),
        begins_on="span_from",
        ends_on=pl.when(until < FAR).then(until - pl.duration(days=1)),
    )
    return rows.select(SPANS).sort("benefit_record", "plan_type", "begins_on")


def messages_of(connection: Any, client_id: int, person_id: int) -> pl.DataFrame:
    """List what stands in the way of somebody's events now, with the cure; as TOLD."""
    rows = frames.load_person_messages(connection, client_id, [person_id])
    entries = [(one.code, str(one.severity), one.title, one.cure) for one in CATALOGUE.values()]
    names = ("code", "severity", "title", "cure")
    catalogue = pl.DataFrame(entries, schema=dict.fromkeys(names, pl.String), orient="row")
    schedules = load_schedules(connection).select("schedule_id", "schedule")
    found = rows.join(catalogue, on="code", how="left", maintain_order="left")
    found = found.join(schedules, on="schedule_id", how="left", maintain_order="left")
    return found.with_columns(plan=plan_type_name()).select(TOLD)


def pays_of(connection: Any, client_id: int, person_id: int, *, on: date) -> pl.DataFrame:
    """List the pays about a day, line by line: what is owed, what was taken, why it differs; as PAY_LINES.

    Missing: taken_cents is null of a pay that payroll has not reported.
    """
    lines = owed(connection, client_id, begin=on - BEFORE, through=on + AHEAD, person_ids=[person_id])
    key = ["benefit_record", "plan_type", "kind", "tax_class", "pay_group_id", "ends_on"]
    taken = load_taken(connection, client_id, [person_id]).group_by(key).agg(pl.col("taken_cents").sum())
    plain = lines.with_columns(pl.col("tax_class").fill_null(""))
    both = plain.join(taken.cast({name: plain.schema[name] for name in key}), on=key, how="left")
    named = both.with_columns(plan=plan_type_name())
    return named.select(PAY_LINES).sort("ends_on", "plan_type", "tax_class", descending=[True, False, False])


def _people(client_id: int, person_id: int) -> pl.DataFrame:
    schema = {"client_id": pl.Int32, "person_id": pl.Int64}
    return pl.DataFrame({"client_id": [client_id], "person_id": [person_id]}, schema=schema)
