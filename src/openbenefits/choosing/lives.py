"""Something happened in somebody's life: reported with whom it brings or ends, and prepared at once."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.choosing.drafts import By
from openbenefits.choosing.household import Person, add_person, household_of
from openbenefits.core.codes import EventClassUse, EventStatus
from openbenefits.events.activity import ActivityPlace
from openbenefits.events.models import Event
from openbenefits.events.windows import EventPlace
from openbenefits.programs.frames import load_setup
from openbenefits.review.demand import Asked, DemandRefused, prepare_activity
from openbenefits.runs.gate import RunHeld
from openbenefits.workforce.services import change_dependent, report_life_event


class Brings(StrEnum):
    """Whom a kind of life event brings, or ends."""

    CHILD = "child"
    SPOUSE = "spouse"
    ENDS_SPOUSE = "ends_spouse"
    ENDS_SOMEBODY = "ends_somebody"
    NOBODY = "nobody"


DEATH = "DEA"
BRINGS = {
    "BIR": Brings.CHILD,
    "ADO": Brings.CHILD,
    "MAR": Brings.SPOUSE,
    "DIV": Brings.ENDS_SPOUSE,
    DEATH: Brings.ENDS_SOMEBODY,
}
"""Of the usual codes of event classes; of any other nobody comes or goes."""


class ReportRefused(ValueError):
    """A life event that cannot be reported so: what was expected, what found, what to do."""


@dataclass(frozen=True, kw_only=True)
class LifeKind:
    """A kind of life event the set-up lets people report, and its terms."""

    code: str
    name: str
    brings: Brings
    days_to_notify: int | None
    window_days: int
    is_proof_required: bool

    def last_day(self, on: date) -> date | None:
        """Until when it may be reported; None: however late."""
        return None if self.days_to_notify is None else on + timedelta(days=self.days_to_notify)


@dataclass(frozen=True, kw_only=True)
class Reported:
    """What came of a report: the event to choose in, or that it waits for the benefits office."""

    place: EventPlace | None
    is_held: bool = False
    dependent_number: int | None = None


def life_kinds(connection: Any, client_id: int) -> tuple[LifeKind, ...]:
    """List the kinds of life events people may report, in the order of the set-up."""
    classes = load_setup(connection, [client_id])["event_class"]
    specific = str(EventClassUse.SPECIFIC)
    asked = classes.filter(pl.col("is_manual_allowed") & (pl.col("use") == specific))
    return tuple(
        LifeKind(
            code=row["code"],
            name=row["name"],
            brings=BRINGS.get(row["code"], Brings.NOBODY),
            days_to_notify=row["days_to_notify"],
            window_days=row["window_days"],
            is_proof_required=bool(row["is_proof_required"]),
        )
        for row in asked.sort("priority", "code").iter_rows(named=True)
    )


def kind_of(connection: Any, client_id: int, code: str) -> LifeKind:
    """Find a kind by its code.

    Errors: ReportRefused.
    """
    for kind in life_kinds(connection, client_id):
        if kind.code == code:
            return kind
    raise ReportRefused("expected a kind of life event that may be reported, found another; choose one")


def report(
    connection: Any,
    client_id: int,
    person_id: int,
    kind: LifeKind,
    *,
    on: date,
    today: date,
    by: By,
    newcomer: Person | None = None,
    ends: int | None = None,
) -> Reported:
    """Report that something happened: who comes or goes with it is recorded, and the event prepared at once.

    `newcomer` is the child or spouse; `ends` the number of the dependent who is one no longer. What was
    reported before answers the same event.

    Errors: ReportRefused for a day to come; household.SecondPartner; workforce.FactRefused.
    """
    if on > today:
        raise ReportRefused(f"expected a day not after {today}, found {on}; report it when it has happened")
    known = _known(connection, client_id, person_id, kind, on)
    if known is not None:
        return Reported(place=known)
    with transaction.atomic(using=connection.alias):
        if ends is not None:
            _end(connection, client_id, person_id, ends, on, by, is_death=kind.code == DEATH)
        number = None
        if newcomer is not None:
            number = add_person(connection, client_id, person_id, newcomer, on=on, by=by)
        report_life_event(
            client_id,
            person_id,
            event_class=kind.code,
            on=on,
            reported_on=today,
            made_by=by.author,
            now=by.now,
        )
        place = _prepared(connection, client_id, person_id, kind, on, today, by)
    return Reported(place=place, is_held=place is None, dependent_number=number)


def _prepared(
    connection: Any, client_id: int, person_id: int, kind: LifeKind, on: date, today: date, by: By
) -> EventPlace | None:
    """Prepare the event; None where it waits for somebody of the benefits office."""
    activity = ActivityPlace(client_id=client_id, person_id=person_id, event_on=on, bas_action=kind.code)
    asked = Asked(as_of=today, now=by.now, author=by.author)
    try:
        with transaction.atomic(using=connection.alias):
            done = prepare_activity(connection, activity, maintenance_of(connection, client_id), asked)
    except (DemandRefused, RunHeld):
        return None
    return done.place


def maintenance_of(connection: Any, client_id: int) -> int:
    """Answer the schedule that takes what happens in people's lives.

    Errors: ReportRefused where the client has none.
    """
    schedules = load_setup(connection, [client_id])["schedule"]
    found = schedules.filter((pl.col("client_id") == client_id) & (pl.col("kind") == "E")).sort("schedule_id")
    if found.is_empty():
        raise ReportRefused("expected a schedule of event maintenance, found none; ask the benefits office")
    return int(found["schedule_id"][0])


def _known(connection: Any, client_id: int, person_id: int, kind: LifeKind, on: date) -> EventPlace | None:
    """Find the event of an earlier report of the same."""
    classes = load_setup(connection, [client_id])["event_class"].filter(code=kind.code)
    rows = Event.objects.using(connection.alias).filter(
        client_id=client_id,
        person_id=person_id,
        event_on=on,
        event_class_id__in=classes["event_class_id"].to_list(),
        event_status__in=[str(EventStatus.OPEN), str(EventStatus.CLOSED)],
    )
    key = rows.values("client_id", "person_id", "benefit_record", "schedule_id", "event_number").first()
    return None if key is None else EventPlace(**key)


def _end(
    connection: Any, client_id: int, person_id: int, number: int, on: date, by: By, *, is_death: bool
) -> None:
    """Record that a dependent is one no longer, from a day."""
    people = household_of(connection, client_id, person_id, on=on)
    found = next((one for one in people if one.number == number and not one.is_former), None)
    if found is None:
        raise ReportRefused("expected a dependent of yours, found nobody of that number; choose one")
    changes = {"is_former": True} | ({"died_on": on} if is_death else {})
    change_dependent(client_id, found.dependent_id, on=on, changes=changes, made_by=by.author, now=by.now)
