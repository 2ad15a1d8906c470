"""Who is to receive, said outside an enrolment: at any time, for coverage in force (docs/rules.md §11.8).

A designation is an act of its own and changes no coverage. Who receives on a day is the last word by then:
the last designation, or what the coverage in force says where a final election after it named somebody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.enrollment import models
from openbenefits.enrollment.entry_rows import as_stored
from openbenefits.enrollment.frames import (
    COVERED,
    POINT,
    RECORD,
    SHARE,
    load_coverage,
    load_covered_beneficiaries,
)
from openbenefits.enrollment.rules.beneficiaries import ALL, COLLECTING
from openbenefits.enrollment.takeover import with_plan_rows
from openbenefits.events.rules import FINAL
from openbenefits.programs.frames import load_setup
from openbenefits.store.bulk import copy_in, copy_out
from openbenefits.store.keys import PEOPLE, people_arrays
from openbenefits.workforce.models import Dependent

PLACE = (*RECORD, "plan_type")

DESIGNATED = f"""
SELECT {", ".join(f"d.{name}" for name in (*PLACE, *SHARE))}
FROM enrollment_designation AS d JOIN {PEOPLE} AS k USING (client_id, person_id)
WHERE d.number = (
    SELECT max(n.number) FROM enrollment_designation AS n
    WHERE (n.client_id, n.person_id, n.benefit_record, n.plan_type)
        = (d.client_id, d.person_id, d.benefit_record, d.plan_type) AND n.signed_on <= %(on)s)
  AND d.percent_hundredths > 0
  AND NOT EXISTS (
    SELECT 1 FROM enrollment_electionbeneficiary AS b
    JOIN enrollment_election AS e USING
        (client_id, person_id, benefit_record, schedule_id, event_number, plan_type, slot, submission)
    JOIN events_event AS v USING (client_id, person_id, benefit_record, schedule_id, event_number)
    JOIN workforce_changeset AS s ON s.id = e.change_id
    WHERE (b.client_id, b.person_id, b.benefit_record, b.plan_type)
        = (d.client_id, d.person_id, d.benefit_record, d.plan_type)
      AND b.slot = 0 AND NOT e.is_withdrawn AND s.made_at > d.made_at
      AND v.process_status = ANY(%(final)s) AND v.event_on <= %(on)s)
"""  # noqa: S608 (names of ours)


class DesignationRefused(ValueError):
    """Receivers that cannot be: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Who is to receive of one plan type. Units: hundredths of a percent, by number of the dependent."""

    benefit_record: int
    plan_type: str
    primary: tuple[tuple[int, int], ...] = ()
    contingent: tuple[tuple[int, int], ...] = ()


def shares_on(connection: Any, people: pl.DataFrame, *, on: date) -> pl.DataFrame:
    """Answer who is to receive on a day, of everything in force that takes or has receivers.

    Shapes: client_id, person_id in; PLACE, dependent_id, is_contingent, percent_hundredths out, the primary
            ones first. Units: hundredths of a percent.
    """
    held = _held_on(connection, people, on)
    posted = load_covered_beneficiaries(connection, people).join(
        held.select(POINT), on=list(POINT), how="semi"
    )
    said = designated_on(connection, people, on=on).join(held.select(PLACE), on=list(PLACE), how="semi")
    rest = posted.select(*PLACE, *SHARE).join(said, on=list(PLACE), how="anti")
    return pl.concat([said, rest]).sort(*PLACE, "is_contingent", "dependent_id")


def designated_on(connection: Any, people: pl.DataFrame, *, on: date) -> pl.DataFrame:
    """Load the designations that are the last word on a day; shapes as `shares_on`."""
    schema = {"client_id": pl.Int32, "person_id": pl.Int64, "benefit_record": pl.Int16}
    asked = people_arrays(people) | {"on": on, "final": FINAL}
    return copy_out(connection, DESIGNATED, {**schema, "plan_type": pl.String, **SHARE}, asked)


def places_on(connection: Any, client_id: int, person_id: int, *, on: date) -> list[tuple[int, str]]:
    """List what somebody has on a day that takes receivers: benefit record and plan type, in order."""
    people = _one(client_id, person_id)
    held = _held_on(connection, people, on).with_columns(row=pl.int_range(pl.len()))
    own = load_setup(connection, [client_id])["plan_type_row"]
    rows = with_plan_rows(
        held.select("row", "benefit_record", "plan_type", "program_id", begins_on=pl.lit(on)), own
    )
    takes = rows.filter(pl.col("collect").is_in(COLLECTING)).sort("benefit_record", "plan_type")
    return list(takes.select("benefit_record", "plan_type").iter_rows())


def designate(
    connection: Any,
    client_id: int,
    person_id: int,
    shares: Shares,
    *,
    on: date,
    author: str,
    now: datetime,
) -> bool:
    """Write down who is to receive from a day on; answer whether that says anything new.

    Errors: DesignationRefused where nothing in force takes receivers, shares are not 100 % of each class,
            somebody is named who does not belong to the person, or nobody is named first.
    """
    numbered = _numbered(connection, client_id, person_id)
    with transaction.atomic():
        _refuse(shares, places_on(connection, client_id, person_id, on=on), numbered)
        stated = _rows(client_id, person_id, shares, numbered)
        standing = shares_on(connection, _one(client_id, person_id), on=on)
        key = [*PLACE, *SHARE]
        mine = standing.filter(benefit_record=shares.benefit_record, plan_type=shares.plan_type)
        if mine.select(key).sort(key).equals(stated.select(key).sort(key)):
            return False
        rows = stated.with_columns(
            number=pl.lit(_next(connection, client_id, person_id, shares), pl.Int32),
            signed_on=pl.lit(on),
            author=pl.lit(author),
            made_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
        )
        copy_in(connection, "enrollment_designation", as_stored(rows, models.Designation))
    return True


def _refuse(shares: Shares, places: Sequence[tuple[int, str]], numbered: dict[int, int]) -> None:
    if (shares.benefit_record, shares.plan_type) not in places:
        raise DesignationRefused(
            "expected coverage in force that takes beneficiaries, "
            f"found none of plan type {shares.plan_type}; choose another"
        )
    unknown = [number for number, _ in (*shares.primary, *shares.contingent) if number not in numbered]
    if unknown:
        raise DesignationRefused(f"expected people on file, found number {unknown[0]}; add the person first")
    for name, said in (("primary", shares.primary), ("contingent", shares.contingent)):
        total = sum(share for _, share in said)
        is_wanted = bool(said) or name == "primary"
        if is_wanted and (total != ALL or min(share for _, share in said) <= 0):
            raise DesignationRefused(
                f"expected shares of the {name} beneficiaries that add up to 100 %, "
                f"found {total // 100}.{total % 100:02} %; correct them"
            )


def _held_on(connection: Any, people: pl.DataFrame, on: date) -> pl.DataFrame:
    points = load_coverage(connection, people).filter((pl.col("begins_on") <= on) & (pl.col("slot") == 0))
    held = points.sort("begins_on").unique(list(PLACE), keep="last", maintain_order=True)
    return held.filter(pl.col("kind").is_in(COVERED))


def _rows(client_id: int, person_id: int, shares: Shares, numbered: dict[int, int]) -> pl.DataFrame:
    schema = {"client_id": pl.Int32, "person_id": pl.Int64, "benefit_record": pl.Int16}
    said = [
        (client_id, person_id, shares.benefit_record, shares.plan_type, numbered[number], contingent, share)
        for contingent, listed in ((False, shares.primary), (True, shares.contingent))
        for number, share in listed
    ]
    return pl.DataFrame(said, schema={**schema, "plan_type": pl.String, **SHARE}, orient="row")


def _numbered(connection: Any, client_id: int, person_id: int) -> dict[int, int]:
    people = Dependent.objects.using(connection.alias).filter(client_id=client_id, person_id=person_id)
    return dict(people.values_list("number", "pk"))


def _next(connection: Any, client_id: int, person_id: int, shares: Shares) -> int:
    rows = models.Designation.objects.using(connection.alias).filter(
        client_id=client_id,
        person_id=person_id,
        benefit_record=shares.benefit_record,
        plan_type=shares.plan_type,
    )
    last = rows.order_by("-number").values_list("number", flat=True).first()
    return (last or 0) + 1


def _one(client_id: int, person_id: int) -> pl.DataFrame:
    return pl.DataFrame(
        {"client_id": [client_id], "person_id": [person_id]},
        schema={"client_id": pl.Int32, "person_id": pl.Int64},
    )
