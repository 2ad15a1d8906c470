"""What must be true beside what is: every difference with its line, in plain words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET

from openbenefits.scenarios import observing
from openbenefits.scenarios.expectations import (
    CoverageExpectation,
    DeductionExpectation,
    EventExpectation,
    Expectation,
    OptionExpectation,
    PlanExpectation,
)
from openbenefits.scenarios.frames import Row
from openbenefits.scenarios.paying import balance_of
from openbenefits.scenarios.playing import Play
from openbenefits.scenarios.reading import Way

UNORDERED = ("messages", "offered", "dependents")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Something that is not as the story says. `way` leads to it in the file, `about` says it in words."""

    way: Way
    about: str
    expected: str
    found: str
    line: int | None = None


def compare(play: Play, expected: Expectation, way: Way, on: date) -> Iterator[Difference]:
    """Compare one expectation with what is to be seen now."""
    view = _View(play, play.cast.name_of(expected.person), on)
    yield from _event_differences(view, expected, way)
    if expected.plans or expected.options:
        yield from _offer_differences(view, expected, way)
    for plan_type, periods in expected.coverage.items():
        yield from _coverage_differences(view, plan_type, periods, (*way, "coverage", plan_type))
    for kind in ("deductions", "credits"):
        for plan_type, deduction in getattr(expected, kind).items():
            yield from _deduction_differences(view, kind, plan_type, deduction, (*way, kind, plan_type))
    yield from _basis_differences(view, expected, way)
    yield from _balance_differences(view, expected, way)
    yield from _task_differences(view, expected, way)
    if expected.outcome is not UNSET:
        yield from _outcome_difference(view, str(expected.outcome), (*way, "outcome"))


class _View:
    """A person after a step; everything is read at most once."""

    def __init__(self, play: Play, name: str, on: date) -> None:
        self.play, self.name, self.on = play, name, on
        self.person_id = play.cast.person(name)
        self.events = observing.events_of(play.connection, play.cast, self.person_id)
        self._coverage: dict[str, list[Row]] | None = None
        self._owed: dict[int, list[Row]] = {}

    def coverage(self, plan_type: str) -> list[Row]:
        if self._coverage is None:
            self._coverage = observing.coverage_of(self.play.connection, self.play.cast, self.person_id)
        return self._coverage.get(plan_type, [])

    def lines(self, year: int) -> list[Row]:
        if year not in self._owed:
            self._owed[year] = observing.deductions_of(self.play.connection, self.person_id, year)
        return self._owed[year]

    def event(self, event_class: str | None, dated: date | None) -> Row | None:
        """Find the event named; without a name the one that moved last."""
        found = [one for one in self.events if event_class in (None, one["event_class"])]
        found = [one for one in found if dated in (None, one["dated"])]
        return max(found, key=lambda one: (one["status_at"], one["dated"]), default=None)


def _basis_differences(view: _View, expected: Expectation, way: Way) -> Iterator[Difference]:
    for plan_type, days in expected.basis.items():
        for day, wanted in days.items():
            found = observing.basis_of(view.play.connection, view.person_id, plan_type, day)
            if found != wanted:
                about = f"{view.name}, {plan_type}, basis of {day}"
                yield _difference(
                    (*way, "basis", plan_type, str(day)), about, wanted or "none", found or "none"
                )


def _balance_differences(view: _View, expected: Expectation, way: Way) -> Iterator[Difference]:
    for plan_type, wanted in expected.balances.items():
        found = balance_of(view.play.connection, view.person_id, plan_type, view.on)
        if found != wanted:
            about = f"{view.name}, {plan_type}, balance"
            yield _difference((*way, "balances", plan_type), about, str(wanted), str(found))


def _task_differences(view: _View, expected: Expectation, way: Way) -> Iterator[Difference]:
    if expected.tasks is UNSET:
        return
    wanted = sorted((one.plan_type, one.code, one.since) for one in expected.tasks)
    found = observing.tasks_of(view.play.connection, view.person_id, view.on)
    if found != wanted:
        about = f"{view.name}, tasks"
        yield _difference((*way, "tasks"), about, _listed_tasks(wanted), _listed_tasks(found))


def _listed_tasks(tasks: Sequence[tuple[str, str, date]]) -> str:
    return ", ".join(f"{plan_type} {code} since {day}" for plan_type, code, day in tasks) or "none"


# --- events ---------------------------------------------------------------------------------------------


def _event_differences(view: _View, expected: Expectation, way: Way) -> Iterator[Difference]:
    if expected.event is not UNSET:
        event = view.event(expected.event_class, expected.dated)
        if event is None:
            yield _difference((*way, "event"), f"{view.name}, event", "an event", _listed_events(view))
        else:
            yield from _one_event(view, expected.event, event, (*way, "event"))
    if expected.events is UNSET:
        return
    wanted = expected.events
    if len(wanted) != len(view.events):
        about = f"{view.name}, events"
        yield _difference((*way, "events"), about, f"{len(wanted)} of them", _listed_events(view))
        return
    for index, (one, event) in enumerate(zip(wanted, view.events, strict=True)):
        yield from _one_event(view, one, event, (*way, "events", index))


def _one_event(view: _View, expected: EventExpectation, event: Row, way: Way) -> Iterator[Difference]:
    about = f"{view.name}, event {event['event_class']} of {event['dated']}"
    for difference in _field_differences(expected, event, way, about):
        said = "; ".join(event["sentences"])
        is_status = difference.way[-1] in ("status", "messages")
        found = f"{difference.found} ({said})" if is_status and said else difference.found
        yield replace(difference, found=found)


def _listed_events(view: _View) -> str:
    told = [f"{one['event_class']} of {one['dated']} at {one['status']}" for one in view.events]
    return ", ".join(told) or "none"


# --- what is offered ------------------------------------------------------------------------------------


def _offer_differences(view: _View, expected: Expectation, way: Way) -> Iterator[Difference]:
    event = view.event(expected.event_class, expected.dated)
    if event is None or not event["preparation"]:
        found = _listed_events(view)
        yield _difference(way, f"{view.name}, options", "an event that has been prepared", found)
        return
    about = f"{view.name}, event {event['event_class']} of {event['dated']}"
    plans = observing.plans_of(view.play.connection, view.play.cast, view.person_id, event)
    for plan_type, plan in expected.plans.items():
        place = (*way, "plans", plan_type)
        yield from _plan_differences(plans, plan_type, plan, place, about)
    options = observing.options_of(view.play.connection, view.play.cast, view.person_id, event)
    for code, option in expected.options.items():
        yield from _option_differences(view, options, code, option, (*way, "options", code), about)


def _plan_differences(
    plans: Mapping[str, Row], plan_type: str, expected: PlanExpectation, way: Way, about: str
) -> Iterator[Difference]:
    if plan_type not in plans:
        found = ", ".join(sorted(plans)) or "none"
        yield _difference(way, f"{about}, plan type {plan_type}", "it among the plan types", found)
    else:
        yield from _field_differences(expected, plans[plan_type], way, f"{about}, plan type {plan_type}")


def _option_differences(
    view: _View, options: Mapping[str, Row], code: str, expected: OptionExpectation, way: Way, about: str
) -> Iterator[Difference]:
    known = {f"{one.plan_type}/{one.code}" for one in view.play.cast.names.options}
    wanted = [key for key in known if code in (key, key.split("/", 1)[1])]
    if len(wanted) != 1:
        what = f"`plan type/{code}`, since several have it" if wanted else "an option of the set-up"
        yield _difference(way, f"{about}, option {code}", what, ", ".join(sorted(wanted or known)))
        return
    found = options.get(wanted[0], observing.NOT_ELIGIBLE)
    yield from _field_differences(expected, found, way, f"{about}, option {code}")


# --- what holds and what is owed ------------------------------------------------------------------------


def _coverage_differences(
    view: _View, plan_type: str, expected: CoverageExpectation | list[CoverageExpectation], way: Way
) -> Iterator[Difference]:
    periods = view.coverage(plan_type)
    about = f"{view.name}, coverage {plan_type}"
    if not isinstance(expected, list):
        if periods:
            yield from _field_differences(expected, periods[-1], way, about)
        else:
            yield _difference(way, about, "something that holds", "nothing")
        return
    if len(expected) != len(periods):
        told = "; ".join(_told(period) for period in periods)
        found = f"{len(periods)}: {told}" if told else "none"
        yield _difference(way, about, f"{len(expected)} periods", found)
        return
    for index, (one, period) in enumerate(zip(expected, periods, strict=True)):
        yield from _field_differences(one, period, (*way, index), f"{about}, period {index + 1}")


def _told(period: Row) -> str:
    through = period["through"] or "open"
    return f"{period['begins']} to {through} {period['kind']} {period['option'] or ''}".strip()


def _deduction_differences(
    view: _View, kind: str, plan_type: str, expected: DeductionExpectation, way: Way
) -> Iterator[Difference]:
    year = expected.year or view.on.year
    lines = [
        line
        for line in view.lines(year)
        if line["plan_type"] == plan_type and (line["kind"] != "deduction") == (kind == "credits")
    ]
    found = observing.summary_of(lines)
    about = f"{view.name}, {kind} {plan_type} of {year}"
    for difference in _field_differences(expected, found, way, about, skipped=("year", "amounts")):
        faults = "; ".join(found["faults"])
        yield replace(difference, found=f"{difference.found} ({faults})" if faults else difference.found)
    if expected.amounts is not UNSET:
        for day, amount in expected.amounts.items():
            have = found["amounts"].get(day, Decimal(0))
            if have != amount:
                place, what = (*way, "amounts", str(day)), f"{about}, pay period that ends {day}"
                yield _difference(place, what, _text(amount), _text(have))


def _outcome_difference(view: _View, expected: str, way: Way) -> Iterator[Difference]:
    result = view.play.last_run
    about = f"{view.name}, outcome of the run"
    found = None
    if result is not None:
        found = observing.outcome_of(view.play.connection, result.run_id, view.person_id)
    if found != expected:
        yield _difference(way, about, expected, found or "not in scope")


# --- fields ---------------------------------------------------------------------------------------------


def _field_differences(
    expected: msgspec.Struct, found: Row, way: Way, about: str, skipped: tuple[str, ...] = ()
) -> Iterator[Difference]:
    """Compare every field that is stated."""
    for name in expected.__struct_fields__:
        wanted = getattr(expected, name)
        if wanted is UNSET or name in skipped:
            continue
        if not _is_same(name, wanted, found[name]):
            words = f"{about}, {name.replace('_', ' ')}"
            yield _difference((*way, name), words, _text(wanted), _text(found[name]))


def _is_same(name: str, wanted: Any, found: Any) -> bool:
    if name in UNORDERED and isinstance(wanted, list):
        return sorted(wanted) == sorted(found or [])
    if isinstance(wanted, list):
        return [str(one) for one in wanted] == [str(one) for one in found or []]
    return bool(wanted == found)


def _difference(way: Way, about: str, expected: str, found: str) -> Difference:
    return Difference(way=way, about=about, expected=expected, found=found)


def _text(value: Any) -> str:
    """Write a value as a story would.

    >>> _text(Decimal("46.1")), _text(None), _text(["HMO-1", "WAIVE"]), _text({"BOND": 40})
    ('46.10', 'none', 'HMO-1, WAIVE', 'BOND 40')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:.2f}" if value == value.quantize(Decimal("0.01")) else f"{value.normalize():f}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(one)}" for key, one in sorted(value.items())) or "none"
    if isinstance(value, list):
        return ", ".join(_text(one) for one in value) or "none"
    return str(value)
