"""Why a person has what they have, at that price, from that day.

The event is prepared again by the kernel, from facts and set-up as known when it was last worked on, and told
in plain words beside the terms of the plan document. Where that differs from what was stored, it says so.
"""

from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from openbenefits.reports import explain_again as again_of
from openbenefits.reports.explain_again import EventNumber, NothingToExplain
from openbenefits.reports.explain_credits import credit_part
from openbenefits.reports.explain_event import event_part, facts, programs
from openbenefits.reports.explain_held import held_parts
from openbenefits.reports.explain_page import render
from openbenefits.reports.explain_parts import Explanation
from openbenefits.reports.explain_plans import plan_parts
from openbenefits.workforce.models import Person

__all__ = ["Explanation", "NothingToExplain", "explain", "render", "to_dict"]


def explain(
    connection: Any,
    client_id: int,
    person_id: int,
    *,
    benefit_record: int = 0,
    event: EventNumber | None = None,
    plan_type: str | None = None,
    as_of: date | None = None,
    known_at: datetime | None = None,
) -> Explanation:
    """Explain an event of a person, or one plan type of it; if none is named, the last that moved.

    With `as_of` the last dated so or before; with `known_at` as it stood, and was known, at that moment.

    Errors: NothingToExplain if the person has no such event.
    """
    person = Person.objects.select_related("client").filter(client_id=client_id, pk=person_id).first()
    if person is None:
        raise NothingToExplain(f"client {client_id} has no person {person_id}; check the number")
    found = again_of.find_event(client_id, person_id, benefit_record, event, as_of=as_of, known_at=known_at)
    again = again_of.prepare_again(connection, found, known_at=known_at)
    plans, unequal = plan_parts(again, plan_type)
    return Explanation(
        client=person.client.code,
        employee_number=person.employee_number,
        benefit_record=benefit_record,
        event=event_part(again),
        facts=facts(again),
        programs=programs(again),
        plans=plans,
        held=held_parts(again, plan_type, known_at=known_at),
        credits=credit_part(again) if plan_type is None else None,
        differences=(*again_of.differences(again), *unequal),
    )


def to_dict(explanation: Explanation) -> dict[str, Any]:
    """Turn an explanation into what JSON can hold: days and times as ISO texts."""
    plain: dict[str, Any] = _plain(asdict(explanation))
    return plain


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case date() | datetime():
            return value.isoformat()
        case _:
            return value
