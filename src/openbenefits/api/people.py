"""People: who they are, their facts as recorded, their dependents."""

from datetime import date
from typing import Any, Literal

import polars as pl
from django.db import connection
from ninja import Path, Query
from pydantic import BaseModel

from openbenefits.accounts.roles import Permission
from openbenefits.api.naming import Desk, at, end_of
from openbenefits.api.paging import Page, Rows, page_of
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import AsOf, Code, Cursor, Id, KnownOn, Limit, Text, cell, rows_of
from openbenefits.workforce import frames, models
from openbenefits.workforce.recording import FACT_TABLES

router = Routes("people")
TABLES = {table.fact: table.model for table in FACT_TABLES}
PERSONAL = ("birth_on", "line1", "city", "postal_code", "email", "phone")
"""Seen with the scope `see personal`; of a birth date the year is left."""
HEALTH = ("is_disabled", "is_smoker", "is_medicare_entitled")
NEVER = ("ssn_sealed", "ssn_hash")
Fact = Literal["person", "address", "job", "dependent", "life_event", "benefit_base"]


class Person(BaseModel):
    """A participant; the id is ours and never changes, the employee number is the client's."""

    id: int
    employee_number: str


class PersonShown(Person):
    """A participant as of a day: facts that hold then. Without `see personal` some are left out."""

    as_of: str
    facts: dict[str, Any] | None
    address: dict[str, Any] | None
    jobs: list[dict[str, Any]]
    dependents: list[dict[str, Any]]


def masked(desk: Desk, row: dict[str, Any]) -> dict[str, Any]:
    """Leave out of a fact what the key may not see."""
    shown = {name: cell(value) for name, value in row.items() if name not in NEVER}
    if "ssn_hash" in row:
        shown["ssn_is_known"] = row["ssn_hash"] is not None
    if not desk.may(Permission.SEE_PERSONAL):
        if birth_on := shown.get("birth_on"):
            shown["birth_year"] = int(birth_on[:4])
        shown = {name: value for name, value in shown.items() if name not in PERSONAL}
    if not desk.may(Permission.SEE_HEALTH):
        shown = {name: value for name, value in shown.items() if name not in HEALTH}
    return shown


@router.get("/clients/{client}/people", response=Page[Person], summary="List people")
def list_people(
    request: Any,
    client: Path[Code],
    cursor: Cursor,
    limit: Limit,
    employee_number: Text | None = Query(None, description="Only this one."),
) -> Any:
    """List the participants of a client by id."""
    desk = at(request, client, Permission.SEE)
    rows = models.Person.objects.filter(client_id=desk.client_id)
    if employee_number is not None:
        rows = rows.filter(employee_number=employee_number)
    return page_of(rows, _person, cursor=cursor, limit=limit)


def _person(row: models.Person) -> dict[str, Any]:
    return {"id": row.pk, "employee_number": row.employee_number}


@router.get("/clients/{client}/people/{person_id}", response=PersonShown, summary="Show a person")
def show_person(request: Any, client: Path[Code], person_id: Path[Id], as_of: AsOf, known_on: KnownOn) -> Any:
    """Show a participant as of a day: name, address, jobs, dependents, as far as the key may see them."""
    desk = at(request, client, Permission.SEE)
    found = desk.person(person_id)
    desk.saw("person", person_id)
    day = as_of or desk.today
    return _person(found) | {"as_of": day.isoformat()} | _as_of(desk, person_id, day, known_on)


_NAMES = {"first_name": pl.String(), "last_name": pl.String(), "email": pl.String(), "birth_on": pl.Date()}
_MORE = {
    "sex": pl.String(),
    "marital_status": pl.String(),
    "service_on": pl.Date(),
    "is_smoker": pl.Boolean(),
}
_ADDRESS = dict.fromkeys(("line1", "city", "state", "postal_code", "country"), pl.String())
_DEPENDENT = {
    "first_name": pl.String(),
    "last_name": pl.String(),
    "person_type": pl.String(),
    "birth_on": pl.Date(),
    "sex": pl.String(),
    "is_student": pl.Boolean(),
    "is_disabled": pl.Boolean(),
    "is_former": pl.Boolean(),
    "died_on": pl.Date(),
}


def _as_of(desk: Desk, person_id: int, day: date, known_on: date | None) -> dict[str, Any]:
    """Read what holds of somebody on a day."""
    known_at = end_of(known_on)
    case = pl.DataFrame(
        [{"case": 0, "client_id": desk.client_id, "person_id": person_id, "as_of": day}],
        schema={"case": pl.Int32, "client_id": pl.Int32, "person_id": pl.Int64, "as_of": pl.Date},
    )

    def held(rows: pl.DataFrame, by: tuple[str, ...] = (), order: tuple[str, ...] = ("valid_from",)) -> Any:
        found = frames.in_force(case, rows, by, order).drop("case")
        return [masked(desk, row) for row in rows_of(found)]

    persons = held(frames.load_persons(connection, case, _NAMES | _MORE, known_at))
    addresses = held(frames.load_addresses(connection, case, _ADDRESS, known_at))
    jobs = frames.load_jobs(connection, case, known_at)
    dependents = frames.load_dependents(connection, case, _DEPENDENT, known_at)
    return {
        "facts": persons[0] if persons else None,
        "address": addresses[0] if addresses else None,
        "jobs": held(jobs, ("job_number",), ("valid_from", "sequence")),
        "dependents": held(dependents, ("dependent_id",)),
    }


@router.get("/clients/{client}/people/{person_id}/facts", response=Rows, summary="List recorded facts")
def list_facts(
    request: Any,
    client: Path[Code],
    person_id: Path[Id],
    cursor: Cursor,
    limit: Limit,
    fact: Fact = Query("job", description="Which kind of fact."),
) -> Any:
    """List every version of a kind of fact: true from `valid_from`, known since `known_since`."""
    desk = at(request, client, Permission.SEE)
    desk.person(person_id)
    desk.saw("facts", person_id)
    model = TABLES[fact]
    rows = model._default_manager.filter(client_id=desk.client_id, person_id=person_id)
    names = [field.attname for field in model._meta.concrete_fields]
    return page_of(
        rows,
        lambda row: masked(desk, {name: getattr(row, name) for name in names if name != "client_id"}),
        cursor=cursor,
        limit=limit,
    )
