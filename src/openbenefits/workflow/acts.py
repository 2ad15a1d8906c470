"""The named acts by which a channel changes records.

Each the use case of the floor it belongs to, nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from openbenefits.core.pipelines import Pipeline
from openbenefits.events.activity import ActivityPlace, enter_activity


class ActRefused(ValueError):
    """An act that cannot be: what was expected, what was found."""


@dataclass(frozen=True, kw_only=True)
class Doing:
    """What an act is given: the record, the values merged, who it is done as, and when."""

    connection: Any
    client_id: int
    person_id: int | None
    record: Mapping[str, Any]
    values: Mapping[str, str]
    author: str
    today: date
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Act:
    """A named act. values: what it takes, and what each means; those with a star must be stated.

    do: answers the key of what it changed; refuses by an error of ours.
    """

    name: str
    title: str
    values: Mapping[str, str]
    do: Callable[[Doing], str]
    needs_person: bool = False


ACTS: dict[str, Act] = {}
CHANNEL = str(Pipeline.CHANNEL)


def register_act(act: Act) -> None:
    """Declare an act; to declare the same again changes nothing.

    Errors: ValueError where another one has its name.
    """
    if ACTS.get(act.name, act) != act:
        raise ValueError(f"expected one act of the name '{act.name}', found two; rename one")
    ACTS[act.name] = act


def act_of(name: str) -> Act:
    """Find an act.

    Errors: ActRefused.
    """
    if name not in ACTS:
        raise ActRefused(f"expected one of {', '.join(sorted(ACTS)) or 'no act'}, found '{name}'")
    return ACTS[name]


def day_of(doing: Doing, name: str) -> date:
    """Read a value of an act as a day; today where it says nothing.

    Errors: ActRefused.
    """
    said = doing.values.get(name, "").strip()
    try:
        return date.fromisoformat(said) if said else doing.today
    except ValueError:
        raise ActRefused(f"expected a day for '{name}', found '{said}'; correct the channel") from None


def _enter(doing: Doing) -> str:
    place = ActivityPlace(
        client_id=doing.client_id,
        person_id=int(doing.person_id or 0),
        event_on=day_of(doing, "on"),
        bas_action=doing.values.get("event_class", ""),
        benefit_record=int(doing.values.get("benefit_record") or 0),
    )
    made = enter_activity(
        doing.connection, place, reason=doing.values["reason"], author=doing.author, now=doing.now
    )
    return "-".join(
        str(part) for part in (made.person_id, made.benefit_record, made.event_on, made.bas_action)
    )


ENTER = Act(
    name="enter activity",
    title="Enter activity that becomes an event with the next run of event maintenance",
    values={
        "event_class*": "code of the event class",
        "on": "the day; today",
        "benefit_record": "0",
        "reason*": "why, in words",
    },
    do=_enter,
    needs_person=True,
)
