"""Who is who in a story: names of the story and keys of the database; plain facts and columns of facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import polars as pl
from msgspec import UNSET

from openbenefits.core.codes import ChangeKind
from openbenefits.enrollment import models as enrollment
from openbenefits.scenarios.databases import BY, CLIENT_ID
from openbenefits.scenarios.frames import SetupNames
from openbenefits.scenarios.story import DefaultsPart, HeldPart, JobPart, PersonPart, Story
from openbenefits.store.bulk import copy_in, schema_of
from openbenefits.workforce import services as workforce
from openbenefits.workforce.recording import JOBS

ALWAYS = date(1900, 1, 1)
"""Since when somebody's birth, address and dependents are known, unless the story says so."""

JOB_COLUMNS = {
    "company": "company",
    "group": "benefit_group",
    "pay_group": "pay_group",
    "hours": "weekly_hours_hundredths",
    "annual_pay": "annual_pay_cents",
    "status": "job_status",
    "number": "job_number",
    "primary": "is_primary",
    "for_eligibility": "is_for_eligibility",
}
PERSON_COLUMNS = {"born": "birth_on", "sex": "sex", "smoker": "is_smoker"}
DEPENDENT_COLUMNS = {
    "kind": "person_type",
    "born": "birth_on",
    "sex": "sex",
    "smoker": "is_smoker",
    "student": "is_student",
    "student_through": "student_through",
    "disabled": "is_disabled",
    "married": "is_married",
    "former": "is_former",
    "died": "died_on",
}


class StoryMistake(ValueError):
    """A step that cannot be played as written; the message says what was expected and what was found."""


@dataclass(kw_only=True)
class Cast:
    """The people of a story, as the database knows them."""

    story: Story
    names: SetupNames
    people: dict[str, int] = field(default_factory=dict)
    dependents: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)  # of dependents, within their participant

    def name_of(self, stated: str | None) -> str:
        """Answer the person meant; the only one where none is named."""
        return stated or next(iter(self.story.people))

    def person(self, stated: str | None) -> int:
        name = self.name_of(stated)
        if name not in self.people:
            raise StoryMistake(f"expected {name} to be there; state `hired`, or let a step hire")
        return self.people[name]

    def dependent(self, name: str) -> int:
        if name not in self.dependents:
            raise StoryMistake(f"expected the dependent {name} to be known by now")
        return self.dependents[name]

    def dependent_names(self) -> dict[int, str]:
        return {key: name for name, key in self.dependents.items()}


# --- facts ----------------------------------------------------------------------------------------------


def cents(dollars: Decimal | None) -> int | None:
    return None if dollars is None else int(Decimal(dollars) * 100)


def thousandths(percent: Decimal | None) -> int | None:
    return None if percent is None else int(Decimal(percent) * 1000)


def job_columns(*parts: JobPart) -> dict[str, Any]:
    """Answer the columns of a job fact; later parts come before earlier ones."""
    columns: dict[str, Any] = {}
    for part in parts:
        for name in part.__struct_fields__:
            value = getattr(part, name)
            if value is not UNSET:
                is_in_hundredths = name in ("hours", "annual_pay")
                columns[JOB_COLUMNS.get(name, name)] = cents(value) if is_in_hundredths else value
    return columns


def stated_columns(part: msgspec.Struct, columns: Mapping[str, str]) -> dict[str, Any]:
    """Answer the columns of a fact that a part states."""
    stated = {name: getattr(part, name) for name in columns if name in part.__struct_fields__}
    return {
        columns[name]: str(value) if name == "kind" else value
        for name, value in stated.items()
        if value is not UNSET
    }


def hire(cast: Cast, name: str, on: date, job: JobPart, *, now: datetime) -> None:
    """Hire a person of the story, with the facts it states and the dependents it has."""
    person, defaults = cast.story.people[name], cast.story.defaults
    recorded = workforce.hire(
        CLIENT_ID,
        employee_number=name,
        first_name=name.capitalize(),
        last_name="Story",
        on=on,
        job=job_columns(defaults.job, person.job, job),
        person=_person_columns(person, defaults) | {"service_on": person.service_since or on},
        address=_address(person, defaults),
        made_by=BY,
        now=now,
    )
    cast.people[name] = recorded.person_id
    for number, more in enumerate(person.more_jobs, start=1):
        _add_job(recorded.person_id, on, number, job_columns(defaults.job, person.job, job, more), now=now)
    for dependent, part in person.dependents.items():
        since = part.since or max(on, part.born or on)
        add_dependent(cast, name, dependent, since, part, now=now)


def add_dependent(
    cast: Cast, person: str, name: str, since: date, part: msgspec.Struct, *, now: datetime, **more: Any
) -> None:
    """Add a dependent of a person."""
    columns = stated_columns(part, DEPENDENT_COLUMNS) | more
    number = sum(key.startswith(f"{person}/") for key in cast.numbers) + 1
    recorded = workforce.add_dependent(
        CLIENT_ID,
        cast.person(person),
        on=since,
        first_name=name.capitalize(),
        last_name="Story",
        person_type=columns.pop("person_type"),
        dependent=columns,
        number=number,
        made_by=BY,
        now=now,
    )
    assert recorded.dependent_id is not None  # noqa: S101 - the service says so
    cast.dependents[name] = recorded.dependent_id
    cast.numbers[f"{person}/{name}"] = number


def _person_columns(person: PersonPart, defaults: DefaultsPart) -> dict[str, Any]:
    return stated_columns(defaults, PERSON_COLUMNS) | stated_columns(person, PERSON_COLUMNS)


def _address(person: PersonPart, defaults: DefaultsPart) -> dict[str, Any]:
    postal_code = defaults.zip if person.zip is UNSET else person.zip
    state = defaults.state if person.state is UNSET else person.state
    return {"postal_code": postal_code, "state": state}


def _add_job(person_id: int, on: date, number: int, columns: Mapping[str, Any], *, now: datetime) -> None:
    first = {"action": "HIR", "job_status": "A", "sequence": 0, "valid_from": on, "person_id": person_id}
    row = {"job_number": number, "is_primary": False, **first, **columns}
    frame = pl.DataFrame({name: [value] for name, value in row.items()}, schema_overrides=JOBS.columns)
    workforce.record_facts(
        CLIENT_ID, workforce.FactFrames(jobs=frame), kind="entry", label="further job", made_by=BY, now=now
    )


# --- coverage brought along -----------------------------------------------------------------------------


def bring_along(connection: Any, cast: Cast, *, now: datetime) -> None:
    """Write the coverage and approved amounts that people have when the story begins."""
    points: list[dict[str, Any]] = []
    members: list[dict[str, Any]] = []
    funds: list[dict[str, Any]] = []
    for name, person in cast.story.people.items():
        for plan_type, held in person.coverage.items():
            key = _point_key(cast, name, plan_type, held)
            points.append(key | _point(cast, plan_type, held, now))
            members += [key | {"dependent_id": cast.dependent(one)} for one in held.dependents]
            funds += [key | {"fund": fund, "percent": percent} for fund, percent in held.funds.items()]
        for plan_type, approved in person.approved.items():
            _approve(cast.person(name), plan_type, approved, now)
    for model, rows in (
        (enrollment.Coverage, points),
        (enrollment.CoverageDependent, members),
        (enrollment.CoverageFund, funds),
    ):
        if rows:
            schema = {column: kind for column, kind in schema_of(model).items() if column in rows[0]}
            copy_in(connection, model._meta.db_table, pl.DataFrame(rows, schema=schema))


def _point_key(cast: Cast, name: str, plan_type: str, held: HeldPart) -> dict[str, Any]:
    return {
        "client_id": CLIENT_ID,
        "person_id": cast.person(name),
        "benefit_record": 0,
        "plan_type": plan_type,
        "slot": 0,
        "begins_on": held.since,
        "version": 1,
    }


def _point(cast: Cast, plan_type: str, held: HeldPart, now: datetime) -> dict[str, Any]:
    if (held.option is None) != held.waived:
        raise StoryMistake(f"plan type {plan_type}: expected either `option` or `waived: true`")
    option = cast.names.option(plan_type, held.option or "WAIVE", held.program)
    kind = ChangeKind.WAIVED if held.waived else ChangeKind.ELECTED
    return {
        "kind": str(kind),
        "basis": "none" if held.waived else "eligible",
        "program_id": option.program_id,
        "option_id": option.option_id,
        "coverage_cents": cents(held.amount),
        "requested_coverage_cents": None,
        "pledge_cents": cents(held.pledge),
        "percent_thousandths": thousandths(held.percent),
        "waive_reason": None,
        "deduction_begins_on": held.deduction_since or held.since,
        "schedule_id": None,
        "event_number": None,
        "rule": "take-over",
        "run_id": None,
        "made_at": now,
        "superseded_by_run": None,
        "superseded_by_schedule": None,
        "superseded_by_event": None,
        "superseded_at": None,
    }


def _approve(person_id: int, plan_type: str, approved: Decimal, now: datetime) -> None:
    enrollment.ProofDecision.objects.create(
        client_id=CLIENT_ID,
        person_id=person_id,
        plan_type=plan_type,
        valid_from=ALWAYS,
        version=1,
        approved_cents=cents(approved),
        decided_by="take-over",
        known_since=now,
    )
