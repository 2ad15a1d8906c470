"""Which doctor or dentist each member of a plan names, where the plan asks for one: from a day on.

A choice belongs to the member and the plan type; the last word counts, and only while a plan that asks for
one covers the member.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.enrollment import models
from openbenefits.enrollment.frames import COVERED, POINT, load_coverage, load_covered_dependents
from openbenefits.programs.frames import load_setup
from openbenefits.workforce.models import Dependent

NPI = re.compile(r"[12]\d{9}")
CARRIERS = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./-]{0,29}")
LONGEST = 120
EMPLOYEE = 0
"""Stands for the employee, where dependents have numbers."""
NPI_PREFIX = "80840"  # 45 CFR 162.406: the check digit is that of a card number with this prefix


class ProviderRefused(ValueError):
    """A provider that cannot be named: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A doctor or dentist: by NPI or by the carrier's own number, with a name; is_patient None: not said."""

    provider_id: str
    name: str = ""
    is_patient: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Seat:
    """A member of a plan that asks for a provider, and whom the member has named."""

    benefit_record: int
    plan_type: str
    plan_name: str
    dependent_id: int  # EMPLOYEE, or the dependent
    number: int  # the same, as people know dependents
    provider: Provider | None
    since: date | None


def seats_on(connection: Any, client_id: int, person_id: int, *, on: date) -> tuple[Seat, ...]:
    """List the members of what somebody has on a day who are to name a provider, the employee first."""
    people = _one(client_id, person_id)
    asking = _asking(connection, client_id, people, on)
    if asking.is_empty():
        return ()
    covered = load_covered_dependents(connection, people).join(asking, on=list(POINT), how="semi")
    numbers = dict(
        Dependent.objects.filter(client_id=client_id, person_id=person_id).values_list("pk", "number")
    )
    said = _said(connection, client_id, person_id, on)
    found = []
    for row in asking.iter_rows(named=True):
        place = (row["benefit_record"], row["plan_type"])
        members = covered.filter(benefit_record=place[0], plan_type=place[1])["dependent_id"].to_list()
        for dependent_id in (EMPLOYEE, *sorted(members)):
            last = said.get((*place, dependent_id))
            found.append(_seat(row, dependent_id, numbers.get(dependent_id, EMPLOYEE), last))
    return tuple(found)


def name_provider(
    connection: Any,
    client_id: int,
    person_id: int,
    seat: Seat,
    provider: Provider | None,
    *,
    on: date,
    author: str,
    now: datetime,
) -> bool:
    """Write down whom a member names from a day on (None: nobody any more); answer whether that is new.

    Errors: ProviderRefused for a number that is none, or a member whom no plan asks.
    """
    if provider is not None:
        provider = checked(provider)
    with transaction.atomic():
        standing = seats_on(connection, client_id, person_id, on=on)
        key = (seat.benefit_record, seat.plan_type, seat.dependent_id)
        known = {(one.benefit_record, one.plan_type, one.dependent_id): one for one in standing}
        if key not in known:
            raise ProviderRefused(
                "expected a member of a plan that asks for a provider, found none; look at who is covered"
            )
        if known[key].provider == provider:
            return False
        _write(client_id, person_id, key, provider, on=on, author=author, now=now)
    return True


def checked(provider: Provider) -> Provider:
    """Answer a provider as it is kept.

    Errors: ProviderRefused for a number that is neither an NPI with its check digit nor one of a carrier, or
            a name that is too long.
    """
    number = provider.provider_id.strip()
    if re.fullmatch(r"\d{10}", number):
        if not (NPI.fullmatch(number) and is_npi(number)):
            raise ProviderRefused(
                "expected an NPI of ten digits, found one whose last digit does not fit; look for a slip"
            )
    elif not CARRIERS.fullmatch(number):
        raise ProviderRefused(
            "expected an NPI of ten digits, or the carrier's number of at most 30 letters and digits, "
            "found another; correct it"
        )
    name = " ".join(provider.name.split())
    if len(name) > LONGEST:
        raise ProviderRefused(f"expected a name of at most {LONGEST} letters, found a longer one; shorten it")
    return Provider(provider_id=number, name=name, is_patient=provider.is_patient)


def is_npi(number: str) -> bool:
    """Tell whether the last of ten digits is the check digit of an NPI (Luhn, with the prefix 80840).

    >>> is_npi("1234567893"), is_npi("1234567890")
    (True, False)
    """
    total = 0
    for place, digit in enumerate(reversed(NPI_PREFIX + number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _write(
    client_id: int,
    person_id: int,
    key: tuple[int, str, int],
    provider: Provider | None,
    *,
    on: date,
    author: str,
    now: datetime,
    change_id: int | None = None,
) -> None:
    record, plan_type, dependent_id = key
    whose = {
        "client_id": client_id,
        "person_id": person_id,
        "benefit_record": record,
        "plan_type": plan_type,
        "dependent_id": dependent_id,
    }
    last = models.ProviderChoice.objects.filter(**whose).order_by("-number").first()
    models.ProviderChoice.objects.create(
        **whose,
        number=1 if last is None else last.number + 1,
        provider_id="" if provider is None else provider.provider_id,
        name="" if provider is None else provider.name,
        is_patient=None if provider is None else provider.is_patient,
        begins_on=on,
        author=author,
        change_id=change_id,
        made_at=now,
    )


def _asking(connection: Any, client_id: int, people: pl.DataFrame, on: date) -> pl.DataFrame:
    """The points in force on a day of plans that ask for a provider, with the plan's name."""
    points = load_coverage(connection, people).filter((pl.col("begins_on") <= on) & (pl.col("slot") == 0))
    place = ["benefit_record", "plan_type"]
    held = points.sort("begins_on").unique(place, keep="last").filter(pl.col("kind").is_in(COVERED))
    setup = load_setup(connection, [client_id])
    in_force = pl.col("valid_from") <= on
    options = setup["option"].filter(in_force).sort("valid_from").unique("option_id", keep="last")
    plans = setup["plan"].filter(in_force).sort("valid_from").unique("plan_id", keep="last")
    asked = plans.filter("names_provider").select("plan_id", plan_name="name")
    rows = held.join(options.select("option_id", "plan_id"), on="option_id").join(asked, on="plan_id")
    return rows.select(*POINT, "plan_name").sort(place)


def _said(
    connection: Any, client_id: int, person_id: int, on: date
) -> Mapping[tuple[int, str, int], models.ProviderChoice]:
    """The last word of each member by a day."""
    rows = models.ProviderChoice.objects.using(connection.alias).filter(
        client_id=client_id, person_id=person_id, begins_on__lte=on
    )
    return {(one.benefit_record, one.plan_type, one.dependent_id): one for one in rows.order_by("number")}


def _seat(row: dict[str, Any], dependent_id: int, number: int, last: models.ProviderChoice | None) -> Seat:
    is_named = last is not None and bool(last.provider_id)
    return Seat(
        benefit_record=row["benefit_record"],
        plan_type=row["plan_type"],
        plan_name=row["plan_name"],
        dependent_id=dependent_id,
        number=number,
        provider=Provider(provider_id=last.provider_id, name=last.name, is_patient=last.is_patient)
        if last is not None and is_named
        else None,
        since=last.begins_on if last is not None and is_named else None,
    )


def _one(client_id: int, person_id: int) -> pl.DataFrame:
    return pl.DataFrame(
        {"client_id": [client_id], "person_id": [person_id]},
        schema={"client_id": pl.Int32, "person_id": pl.Int64},
    )
