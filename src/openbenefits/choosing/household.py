"""Who belongs to somebody: dependents, and people who may receive; seen, added, changed, ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from openbenefits.choosing.drafts import By
from openbenefits.core.codes import ADULT_KINDS, PERSON_KINDS, PersonType
from openbenefits.workforce.frames import dependent_names_as_of, dependents_as_of
from openbenefits.workforce.models import Dependent
from openbenefits.workforce.services import END_THE_FIRST, FactRefused, add_dependent, change_dependent

PARTNERS = tuple(str(PERSON_KINDS[kind][0]) for kind in ADULT_KINDS)


class SecondPartner(ValueError):
    """There is a spouse or partner already: one of them is to end first. `number` is the present one's."""

    def __init__(self, number: int) -> None:
        super().__init__(END_THE_FIRST)
        self.number = number


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody to be added, or as changed: nothing more is asked than what is needed."""

    first_name: str
    last_name: str
    person_type: str
    birth_on: date | None = None
    sex: str | None = None
    ssn: str | None = None

    def facts(self) -> dict[str, Any]:
        """The further columns of the fact."""
        return {"birth_on": self.birth_on, "sex": self.sex}


@dataclass(frozen=True, kw_only=True)
class Relative:
    """A dependent, or somebody who may receive, as known on a day."""

    dependent_id: int
    number: int
    first_name: str
    last_name: str
    person_type: str
    birth_on: date | None
    sex: str | None
    is_former: bool
    is_student: bool
    student_through: date | None

    @property
    def name(self) -> str:
        """Both names."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def is_partner(self) -> bool:
        """Whether it is a present spouse or partner."""
        return self.person_type in PARTNERS and not self.is_former


def household_of(connection: Any, client_id: int, person_id: int, *, on: date) -> tuple[Relative, ...]:
    """List everybody who belongs to a person on a day, former ones too, by number."""
    case = pl.DataFrame(
        {
            "case": [0],
            "client_id": [client_id],
            "person_id": [person_id],
            "benefit_record": [0],
            "as_of": [on],
        },
        schema={
            "case": pl.Int32,
            "client_id": pl.Int32,
            "person_id": pl.Int64,
            "benefit_record": pl.Int16,
            "as_of": pl.Date,
        },
    )
    names = dependent_names_as_of(connection, case).select("dependent_id", "first_name", "last_name")
    rows = dependents_as_of(connection, case).join(names, on="dependent_id", how="left").sort("number")
    fields = Relative.__dataclass_fields__
    return tuple(Relative(**{name: row[name] for name in fields}) for row in rows.iter_rows(named=True))


def partner_of(people: tuple[Relative, ...]) -> Relative | None:
    """Find the present spouse or partner."""
    return next((one for one in people if one.is_partner), None)


def add_person(connection: Any, client_id: int, person_id: int, person: Person, *, on: date, by: By) -> int:
    """Add somebody from a day on; answer the number.

    Errors: SecondPartner; FactRefused.
    """
    if person.person_type in PARTNERS:
        present = partner_of(household_of(connection, client_id, person_id, on=on))
        if present is not None:
            raise SecondPartner(present.number)
    done = add_dependent(
        client_id,
        person_id,
        on=on,
        first_name=person.first_name,
        last_name=person.last_name,
        person_type=person.person_type,
        dependent=person.facts(),
        ssn=person.ssn,
        made_by=by.author,
        now=by.now,
    )
    return int(Dependent.objects.using(connection.alias).get(pk=done.dependent_id).number)


def change_person(
    client_id: int, relative: Relative, changes: Mapping[str, Any], *, on: date, by: By
) -> None:
    """Record that something about a relative is different from a day on.

    Errors: FactRefused.
    """
    change_dependent(
        client_id, relative.dependent_id, on=on, changes=dict(changes), made_by=by.author, now=by.now
    )


RECEIVES_ONLY = str(PersonType.BENEFICIARY)

__all__ = [
    "RECEIVES_ONLY",
    "FactRefused",
    "Person",
    "Relative",
    "SecondPartner",
    "add_person",
    "household_of",
]
