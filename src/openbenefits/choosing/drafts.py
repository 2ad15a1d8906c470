"""Drafts and the acts of choosing: saved and resumed, given up, and every act kept with its time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from openbenefits.choosing.models import ChoiceAct, Draft
from openbenefits.choosing.rules.stated import Stated, from_json
from openbenefits.core.codes import ChoiceActKind
from openbenefits.events.windows import EventPlace


@dataclass(frozen=True, kw_only=True)
class By:
    """Who acts, and when."""

    user_id: int
    author: str
    now: datetime


def drafts_of(connection: Any, place: EventPlace) -> dict[str, Stated]:
    """Answer what is meant for each plan type of an event, and was not submitted."""
    rows = Draft.objects.using(connection.alias).filter(**place.key())
    return {plan_type: from_json(told) for plan_type, told in rows.values_list("plan_type", "stated")}


def save_drafts(connection: Any, place: EventPlace, stated: Mapping[str, Stated], by: By) -> None:
    """Save what is meant for some plan types; the act is kept."""
    for plan_type, one in stated.items():
        Draft.objects.using(connection.alias).filter(**place.key(), plan_type=plan_type).delete()
        Draft.objects.using(connection.alias).create(
            **place.key(), plan_type=plan_type, stated=one.to_json(), saved_at=by.now
        )
        keep_act(connection, place, ChoiceActKind.SAVE, by, plan_type=plan_type, content=one.to_json())


def discard_drafts(
    connection: Any, place: EventPlace, by: By, *, plan_types: Sequence[str] | None = None
) -> int:
    """Give up what was not submitted, of some plan types or of all; answer how many."""
    rows = Draft.objects.using(connection.alias).filter(**place.key())
    if plan_types is not None:
        rows = rows.filter(plan_type__in=list(plan_types))
    given_up = sorted(rows.values_list("plan_type", flat=True))
    if given_up:
        rows.delete()
        keep_act(connection, place, ChoiceActKind.DISCARD, by, content={"plan_types": given_up})
    return len(given_up)


def forget_drafts(connection: Any, place: EventPlace) -> None:
    """Forget drafts that were submitted."""
    Draft.objects.using(connection.alias).filter(**place.key()).delete()


def keep_act(
    connection: Any,
    place: EventPlace,
    kind: ChoiceActKind,
    by: By,
    *,
    plan_type: str | None = None,
    content: Mapping[str, Any] | None = None,
) -> ChoiceAct:
    """Keep that somebody saw, saved, gave up, was refused or submitted something."""
    act: ChoiceAct = ChoiceAct.objects.using(connection.alias).create(
        **place.key(),
        at=by.now,
        user_id=by.user_id,
        kind=str(kind),
        plan_type=plan_type,
        content=dict(content or {}),
    )
    return act


def acts_of(connection: Any, client_id: int, person_id: int) -> list[dict[str, Any]]:
    """List everything a person did in choosing, the latest first: the evidence of it."""
    rows = ChoiceAct.objects.using(connection.alias).filter(client_id=client_id, person_id=person_id)
    return list(rows.order_by("-id").values())


def unsent_of(connection: Any, client_id: int, person_id: int) -> list[EventPlace]:
    """Name the events of a person with something that was not submitted."""
    rows = Draft.objects.using(connection.alias).filter(client_id=client_id, person_id=person_id)
    keys = rows.values("client_id", "person_id", "benefit_record", "schedule_id", "event_number").distinct()
    return [EventPlace(**key) for key in keys]
