"""Who the people of a partner's plans are, as of a day: names, numbers, addresses, how they are employed.

Social security numbers are opened here, in memory, and leave only in files, which are sealed.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.carriers.rules import identities as ids
from openbenefits.carriers.rules.views import AGREED, MEMBER, PEOPLE
from openbenefits.store.secrets import decrypt_ssn
from openbenefits.workforce.frames import HIRES, load_addresses, load_dependents, load_jobs, load_persons

NAMES = dict.fromkeys(("first_name", "last_name", "middle_name", "suffix"), pl.String())
PERSON = {
    **NAMES,
    **{name: pl.String() for name in ("sex", "marital_status", "email", "phone")},
    "birth_on": pl.Date(),
    "service_on": pl.Date(),
    "is_smoker": pl.Boolean(),
    "ssn_sealed": pl.Binary(),
}
DEPENDENT = {
    **NAMES,
    **{name: pl.String() for name in ("sex", "person_type")},
    "birth_on": pl.Date(),
    "is_disabled": pl.Boolean(),
    "is_student": pl.Boolean(),
    "died_on": pl.Date(),
    "is_smoker": pl.Boolean(),
    "ssn_sealed": pl.Binary(),
}
PLACE = dict.fromkeys(ids.ADDRESS, pl.String())
JOB_VALUES = (
    "company",
    "benefit_group",
    "pay_group",
    "department",
    "location",
    "employee_class",
    "union_code",
)
"""What identifiers may come from beside the employee number, by these names."""

DETAILS = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "dependent_id": pl.Int64,
    "hired_on": pl.Date,
    "rehired_on": pl.Date,
    "service_on": pl.Date,
    "last_day_employed": pl.Date,
    "retired_on": pl.Date,
    "died_on": pl.Date,
}
RETIRED, DIED = "R", "D"
REHIRE = "REH"
SMOKES, DOES_NOT = "T", "N"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of people on a day: people a row each with their job, dependents a row each."""

    people: pl.DataFrame
    dependents: pl.DataFrame


def facts_of(connection: Any, people: pl.DataFrame, *, on: date, known_at: datetime | None) -> Facts:
    """Load who people and their dependents are, as of a day and as known at a moment."""
    who = people.select("client_id", "person_id").unique()
    persons = _on(load_persons(connection, who, PERSON, known_at), ["person_id"], on)
    places = _on(load_addresses(connection, who, PLACE, known_at), ["person_id"], on)
    jobs = _jobs(load_jobs(connection, who, known_at), on)
    rows = who.join(persons, on="person_id", how="left").join(places, on="person_id", how="left")
    rows = rows.join(jobs, on="person_id", how="left")
    dependents = _on(load_dependents(connection, who, DEPENDENT, known_at), ["dependent_id"], on)
    return Facts(people=_opened(rows), dependents=_opened(dependents.join(who, on="person_id")))


def people_of(known: Facts, cover: pl.DataFrame, agreed: Collection[str] = ()) -> pl.DataFrame:
    """Answer everybody who is covered, and the subscriber of everybody who is: PEOPLE.

    agreed: what of `views.AGREED` is told.
    """
    members = cover.select(MEMBER).unique()
    owners = members.select("subscriber", member="subscriber")
    rows = ids.with_ids(pl.concat([members, owners]).unique().sort(MEMBER))
    own = rows.filter(pl.col("dependent_id").is_null())
    theirs = rows.filter(pl.col("dependent_id").is_not_null())
    employees = own.join(known.people, on=["client_id", "person_id"], how="left").with_columns(
        relationship=pl.lit(ids.SELF),
        address=ids.address(),
        status=ids.employment("job_status", "full_part_time"),
        marital_status=pl.col("marital_status").replace_strict(
            ids.MARITAL, default=None, return_dtype=pl.String
        ),
    )
    is_alone = pl.col("subscriber") == pl.col("member")
    homes = known.people.select("client_id", "person_id", *ids.ADDRESS)
    others = theirs.join(known.dependents, on=["client_id", "person_id", "dependent_id"], how="left")
    others = others.join(homes, on=["client_id", "person_id"], how="left").with_columns(
        relationship=pl.when(is_alone).then(pl.lit(ids.SELF)).otherwise(ids.relationship("person_type")),
        address=pl.when(is_alone).then(ids.address()),
        status=pl.when(is_alone).then(pl.lit(ids.ENDED)),
        disabled=pl.when("is_disabled").then(pl.lit("Y")),
    )
    people = pl.concat([_as_people(employees), _as_people(others)]).sort(MEMBER)
    return people.with_columns(
        pl.lit(None).cast(PEOPLE[one]).alias(one) for one in AGREED if one not in agreed
    )


def values_of(numbers: pl.DataFrame, known: Facts) -> pl.DataFrame:
    """Answer what identifiers come from: client_id, person_id, client, employee_number, ssn, JOB_VALUES."""
    told = known.people.select("client_id", "person_id", "ssn", *JOB_VALUES)
    return numbers.join(told, on=["client_id", "person_id"], how="left")


def details_of(known: Facts) -> pl.DataFrame:
    """Answer what is told of employment and death beside a view: DETAILS; an employee has no dependent_id."""
    dead = known.dependents.filter(pl.col("died_on").is_not_null())
    dead = dead.select("client_id", "person_id", "dependent_id", "died_on")
    rows = pl.concat([known.people, dead], how="diagonal_relaxed")
    return rows.select(pl.col(name).cast(kind) for name, kind in DETAILS.items())


def _as_people(rows: pl.DataFrame) -> pl.DataFrame:
    sexes = pl.col("sex").replace_strict(ids.SEXES, default=None, return_dtype=pl.String)
    missing = [pl.lit(None).alias(name) for name in PEOPLE if name not in rows.columns]
    smokes = pl.when("is_smoker").then(pl.lit(SMOKES)).when(~pl.col("is_smoker")).then(pl.lit(DOES_NOT))
    full = rows.with_columns(missing).with_columns(sex=sexes, tobacco=smokes)
    return full.select(pl.col(name).cast(kind) for name, kind in PEOPLE.items())


def _on(rows: pl.DataFrame, key: list[str], on: date) -> pl.DataFrame:
    """Pick of each key the last fact true on a day; of who has none yet, the first ahead."""
    is_ahead = pl.col("valid_from") > on
    order = (
        pl.when(is_ahead)
        .then(-pl.col("valid_from").to_physical() - 10_000_000)
        .otherwise(pl.col("valid_from").to_physical())
    )
    found = rows.with_columns(order=order).sort(*key, "order").unique(key, keep="last")
    return found.drop("order", "valid_from")


def _jobs(jobs: pl.DataFrame, on: date) -> pl.DataFrame:
    """Answer the primary job of each person, with the day he was hired, left and died."""
    rows = jobs.filter("is_primary").sort("person_id", "valid_from", "sequence")
    hired = rows.filter(pl.col("action").is_in(HIRES), pl.col("valid_from") <= on)
    hired = hired.group_by("person_id").agg(hired_on=pl.col("valid_from").last())
    again = rows.filter(pl.col("action") == REHIRE, pl.col("valid_from") <= on)
    again = again.group_by("person_id").agg(rehired_on=pl.col("valid_from").last())
    ended = pl.col("job_status").is_in(["T", RETIRED, DIED])
    rows = rows.with_columns(
        last_day_employed=pl.when(ended).then(
            pl.coalesce("last_day_employed", pl.col("valid_from") - pl.duration(days=1))
        ),
        died_on=pl.when(pl.col("job_status") == DIED).then(pl.coalesce("last_day_employed", "valid_from")),
    )
    last = _on(rows.drop("sequence", "job_number", "benefit_record"), ["person_id"], on)
    days = ("last_day_employed", "died_on")
    pay = ("annual_pay_cents", "weekly_hours_hundredths")
    kept = last.select("person_id", "job_status", "full_part_time", *days, *pay, *JOB_VALUES)
    for acts in (hired, again, _retired(rows, on)):
        kept = kept.join(acts, on="person_id", how="left")
    is_retired = pl.col("job_status") == RETIRED
    return kept.with_columns(retired_on=pl.when(is_retired).then("retired_on"))


def _retired(rows: pl.DataFrame, on: date) -> pl.DataFrame:
    """Answer the day from which who is retired last was: person_id, retired_on."""
    is_retired = pl.col("job_status") == RETIRED
    was = is_retired.shift(1).over("person_id").fill_null(value=False)
    begun = rows.filter(is_retired & ~was).filter(pl.col("valid_from") <= on)
    return begun.group_by("person_id").agg(retired_on=pl.col("valid_from").last())


def _opened(rows: pl.DataFrame) -> pl.DataFrame:
    """Open the numbers."""
    return rows.with_columns(decrypt_ssn(rows["ssn_sealed"]).alias("ssn")).drop("ssn_sealed")
