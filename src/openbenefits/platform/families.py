"""Dependents at the platform: which one there is one of ours, and how one is to be there.

Who a dependent is stands in no change and in no look: a change names him by our key, and his record is
written from our facts in the moment it is sent; a look keeps the names of fields that differ, never values.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

import polars as pl

from openbenefits.core.codes import COVERED_KINDS, PersonType
from openbenefits.enrollment.frames import load_covered_dependents
from openbenefits.platform.client.values import text
from openbenefits.platform.elements import NEW, NUMBER, NotReady, differing, is_same_person
from openbenefits.platform.here import POINT, Here, standing
from openbenefits.platform.models import DependentLink
from openbenefits.platform.ownership import SENT_OF_DEPENDENT
from openbenefits.workforce.frames import dependent_names_as_of, dependents_as_of

Row = Mapping[str, Any]
NAMED = "ours"
"""The field of a change that names a dependent by our key."""
RELATIONS = {
    PersonType.SPOUSE: "SP",
    PersonType.SAME_SEX_SPOUSE: "SP",
    PersonType.EX_SPOUSE: "SP",
    PersonType.DOMESTIC_PARTNER: "DP",
    PersonType.CHILD: "CH",
    PersonType.ADULT_CHILD: "CH",
}
"""What the platform calls who a dependent is to the employee; others have no word of their own there."""
SPOUSE = "SP"


def covered_families(here: Here) -> pl.DataFrame:
    """List the dependents covered on the day of people known there.

    Shapes: person_id, employee, dependent_id, number, and his facts: names, birth_on, sex, person_type,
            is_student, is_disabled.
    """
    points = standing(here).filter(pl.col("kind").is_in([str(kind) for kind in COVERED_KINDS]))
    keys = points.select("client_id", "person_id").unique()
    members = load_covered_dependents(here.connection, keys).join(points, on=list(POINT), how="semi")
    wanted = members.select("person_id", "dependent_id").unique()
    known = here.people.join(wanted, on="person_id", how="semi").sort("person_id")
    facts = _facts(here.connection, here.client_id, known["person_id"].to_list(), here.on)
    return known.join(facts, on="person_id").join(wanted, on=["person_id", "dependent_id"], how="semi")


def _facts(connection: Any, client_id: int, people: list[int], on: date) -> pl.DataFrame:
    """Load who the dependents of people are on a day."""
    cases = pl.DataFrame(
        {"person_id": people}, schema_overrides={"person_id": pl.Int64}
    ).with_row_index("case").select(
        pl.col("case").cast(pl.Int32),
        "person_id",
        client_id=pl.lit(client_id, pl.Int32),
        benefit_record=pl.lit(0, pl.Int16),
        as_of=pl.lit(on),
    )  # fmt: skip
    names = dependent_names_as_of(connection, cases).select("dependent_id", "first_name", "last_name")
    found = dependents_as_of(connection, cases).join(names, on="dependent_id", how="left")
    return found.filter(~pl.col("is_former")).drop("case")


def record_of(row: Row) -> dict[str, Any]:
    """Answer the fields of a dependent that are ours to say, in the platform's words."""
    relation = RELATIONS.get(row["person_type"], "")
    said = {
        "birth_on": "" if row["birth_on"] is None else row["birth_on"].isoformat(),
        "person_type": relation,
        "is_spouse": "Y" if relation == SPOUSE else "N",
        "kind": "D",
        "standing": "A",
    }
    return {theirs: {**row, **said}[ours] or "" for ours, theirs in SENT_OF_DEPENDENT.items()}


# --- who is who ---------------------------------------------------------------------------------------------


def linked(client_id: int, people: Iterable[int] | None = None) -> dict[int, str]:
    """Answer the numbers of dependents there, by dependent."""
    rows = DependentLink.objects.filter(client_id=client_id)
    rows = rows if people is None else rows.filter(person_id__in=list(people))
    return dict(rows.values_list("dependent_id", "external_id"))


def _link(here_id: int, person_id: int, dependent_id: int, external_id: str) -> None:
    DependentLink.objects.update_or_create(
        client_id=here_id,
        dependent_id=dependent_id,
        defaults={"person_id": person_id, "external_id": external_id},
    )


# --- what a change says, filled in when it is sent ----------------------------------------------------------


def filled(connection: Any, on: date) -> Callable[[Any], Row]:
    """Answer a function that fills in what a change says of dependents, from our facts of a day.

    Errors: NotReady for one that is not there yet, or is nobody's dependent any more.
    """

    def fill(change: Any) -> Row:
        wanted: Row = change.wanted
        if change.element == "dependent":
            facts = _facts(connection, change.client_id, [change.person_id], on).filter(
                dependent_id=wanted[NAMED]
            )
            if facts.is_empty():
                raise NotReady("expected somebody who is his dependent, found him one no more; plan anew")
            row = facts.row(0, named=True)
            known = linked(change.client_id, [change.person_id])
            return record_of(row) | {"dependentId": known.get(row["dependent_id"], NEW)}
        if change.element == "enrolment" and wanted.get("dependent"):
            return {**wanted, "dependent": _numbers(change)}
        return wanted

    return fill


def _numbers(change: Any) -> list[dict[str, str]]:
    known = linked(change.client_id, [change.person_id])
    rows = [{"dependentId": known.get(one[NAMED], "")} for one in change.wanted["dependent"]]
    missing = sum(not one["dependentId"] for one in rows)
    if missing:
        raise NotReady(
            f"expected his dependents known there, found {missing} who are not; send them first (people)"
        )
    return rows


def read_back(connection: Any, on: date) -> Callable[[Any, Row], None]:
    """Answer a function that keeps which dependent there is ours, once his record reads back as wanted."""

    def keep(change: Any, there: Row) -> None:
        if change.element != "dependent":
            return
        facts = _facts(connection, change.client_id, [change.person_id], on)
        for row in facts.filter(dependent_id=change.wanted[NAMED]).iter_rows(named=True):
            _link(change.client_id, change.person_id, row["dependent_id"], text(there[NUMBER]))

    return keep


# --- what a look sees ---------------------------------------------------------------------------------------


def seen_families(here: Here, read: Mapping[str, Iterable[Row]]) -> list[dict[str, Any]]:
    """Lay our covered dependents beside those a look read, by employee: which are there, what differs.

    Shapes: as the element `family` of a look: our number, and the names of fields that differ.
    Missing: one who is not there is not listed. Who is found by name and birth date is linked from then on.
    """
    rows = covered_families(here)
    known = linked(here.client_id)
    found = []
    for row in rows.iter_rows(named=True):
        wanted = record_of(row)
        there = _there(read.get(row["employee"], ()), known.get(row["dependent_id"]), wanted)
        if there is None:
            continue
        if row["dependent_id"] not in known:
            _link(here.client_id, row["person_id"], row["dependent_id"], text(there["dependentId"]))
        names = ", ".join(differing(wanted, there))
        found.append({"employee": row["employee"], "dependent": str(row["number"]), "differs": names})
    return found


def _there(rows: Iterable[Row], number: str | None, wanted: Row) -> Row | None:
    """Find one by his number there, else by first name and birth date; what is hidden finds nobody."""
    for one in rows:
        if number is not None and text(one.get("dependentId")) == number:
            return one
        if number is None and is_same_person(one, wanted):
            return one
    return None
