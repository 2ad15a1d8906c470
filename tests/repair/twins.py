"""Twins: everybody twice, with equal facts. What is done to one and withdrawn must leave no trace beside the other."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.workforce.models import Dependent, Person
from openbenefits.workforce.recording import (
    ADDRESSES,
    BENEFIT_BASES,
    DEPENDENTS,
    JOBS,
    PERSONS,
    FactFrames,
    FactTable,
    add_dependents,
    add_people,
    known_versions,
    latest_versions,
    record_facts,
)

OF_PERSONS = {"persons": PERSONS, "addresses": ADDRESSES, "jobs": JOBS, "benefit_bases": BENEFIT_BASES}


@dataclass(frozen=True, kw_only=True)
class Twins:
    """Pairs of people: `tried` has the facts that come and go, `spared` never has them."""

    client_id: int
    pairs: pl.DataFrame  # tried, spared
    jobs: pl.DataFrame  # the job row of each of both, as of the beginning

    def both(self) -> pl.Series:
        return pl.concat([self.pairs["tried"], self.pairs["spared"]])


def with_twins(client_id: int, now: datetime) -> Twins:
    """Give every person of a client a twin: the same facts and dependents under another number."""
    people = pl.DataFrame(
        list(Person.objects.filter(client_id=client_id).order_by("pk").values_list("pk", "employee_number")),
        schema={"tried": pl.Int64, "number": pl.String},
        orient="row",
    )
    twins = add_people(client_id, "T" + people["number"])
    pairs = people.select("tried", spared=twins["person_id"])
    frames = {name: _of_twins(table, client_id, pairs) for name, table in OF_PERSONS.items()}
    frames["dependents"] = _dependents_of_twins(client_id, pairs)
    record_facts(client_id, FactFrames(**frames), kind="entry", label="twins", made_by="test", now=now)
    known = latest_versions(
        JOBS, known_versions(JOBS, client_id, pl.concat([pairs["tried"], pairs["spared"]]))
    )
    jobs = known.sort("valid_from").unique("person_id", keep="last", maintain_order=True)
    return Twins(client_id=client_id, pairs=pairs, jobs=jobs.select(list(JOBS.columns)))


def _held(table: FactTable, client_id: int, owners: pl.Series) -> pl.DataFrame:
    known = latest_versions(table, known_versions(table, client_id, owners))
    return known.filter(~pl.col("is_deleted")).select(list(table.columns))


def _of_twins(table: FactTable, client_id: int, pairs: pl.DataFrame) -> pl.DataFrame:
    rows = _held(table, client_id, pairs["tried"]).join(pairs, left_on="person_id", right_on="tried")
    return rows.with_columns(person_id="spared").select(list(table.columns))


def _dependents_of_twins(client_id: int, pairs: pl.DataFrame) -> pl.DataFrame:
    listed = (
        Dependent.objects.filter(client_id=client_id).order_by("pk").values_list("pk", "person_id", "number")
    )
    schema = {"dependent_id": pl.Int64, "person_id": pl.Int64, "number": pl.Int16}
    known = pl.DataFrame(list(listed), schema=schema, orient="row").join(
        pairs, left_on="person_id", right_on="tried", maintain_order="left"
    )
    twins = add_dependents(client_id, known.select(person_id="spared", number="number"))
    rows = _held(DEPENDENTS, client_id, known["dependent_id"])
    renamed = known.select("dependent_id", twin=twins["dependent_id"], owner="spared")
    found = rows.join(renamed, on="dependent_id").with_columns(dependent_id="twin", person_id="owner")
    return found.select(list(DEPENDENTS.columns))


# --- facts that come and go ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Change:
    """A fact of one day: what kind of it, and for which pairs (by place)."""

    kind: str  # leaves, pay, moves, wedding
    on: date
    pairs: tuple[int, ...]
    number: int  # two job rows of one day are told apart by it


def frames_of(twins: Twins, change: Change, people: pl.Series, *, is_deleted: bool = False) -> FactFrames:
    """Write a change out as facts of some people; deleted ones are withdrawn."""
    jobs = twins.jobs.filter(pl.col("person_id").is_in(people.implode())).with_columns(
        valid_from=pl.lit(change.on), sequence=pl.lit(change.number, pl.Int16), is_deleted=pl.lit(is_deleted)
    )
    if change.kind == "leaves":
        ended = jobs.with_columns(
            action=pl.lit("TER"),
            job_status=pl.lit("T"),
            last_day_employed=pl.col("valid_from").dt.offset_by("-1d"),
        )
        return FactFrames(jobs=ended)
    if change.kind == "pay":
        paid = pl.col("annual_pay_cents") + 100_00 * (change.number + 1)
        return FactFrames(jobs=jobs.with_columns(action=pl.lit("PAY"), annual_pay_cents=paid))
    at = pl.DataFrame({"person_id": people}).with_columns(
        valid_from=pl.lit(change.on), is_deleted=pl.lit(is_deleted)
    )
    if change.kind == "wedding":
        said = at.with_columns(event_class=pl.lit("MAR"), reported_on=pl.lit(change.on))
        return FactFrames(life_events=said)
    moved = at.with_columns(state=pl.lit("MA"), postal_code=pl.lit("01201"), country=pl.lit("USA"))
    return FactFrames(addresses=moved)


def record(twins: Twins, change: Change, *, of: str, now: datetime, is_deleted: bool = False) -> None:
    """Record a change for the tried, the spared, or both."""
    chosen = twins.pairs[list(change.pairs)]
    people = pl.concat([chosen["tried"], chosen["spared"]]) if of == "both" else chosen[of]
    frames = frames_of(twins, change, people, is_deleted=is_deleted)
    record_facts(twins.client_id, frames, kind="entry", label=change.kind, made_by="test", now=now)


def as_of_pairs(twins: Twins, rows: pl.DataFrame, side: str) -> pl.DataFrame:
    """Restrict rows to one side and name people by their pair."""
    places = twins.pairs.with_row_index("pair").select("pair", person_id=side)
    found: Any = rows.join(places, on="person_id").drop("person_id")
    return found.sort(found.columns)


__all__ = ["Change", "Twins", "as_of_pairs", "record", "with_twins"]
