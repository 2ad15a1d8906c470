"""The rows of a census beside what is known of the client: sorted into written, bad and asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl
from django.db import connection

from openbenefits.core.codes import PersonType
from openbenefits.store.bulk import copy_out
from openbenefits.workforce import frames
from openbenefits.workforce.census import bases, checks, matching, planning
from openbenefits.workforce.census import cells as reader
from openbenefits.workforce.recording import DEPENDENTS, PERSONS
from openbenefits.workforce.services import END_THE_FIRST, PARTNERS


@dataclass(frozen=True, kw_only=True)
class Known:
    """The facts of one client that a census is compared with."""

    people: pl.DataFrame  # with the latest name, birth date and SSN
    persons: pl.DataFrame
    addresses: pl.DataFrame
    jobs: pl.DataFrame
    dependents: pl.DataFrame
    bases: pl.DataFrame
    numbers: pl.DataFrame  # of dependents: person_id, number; also of those whose facts were taken back

    @staticmethod
    def load(client_id: int) -> "Known":
        query = """
            SELECT id AS person_id, employee_number FROM workforce_person WHERE client_id = %(client)s
        """
        schema = {"person_id": pl.Int64(), "employee_number": pl.String()}
        numbers = copy_out(connection, query, schema, {"client": client_id})
        keys = numbers.select(pl.lit(client_id, pl.Int32).alias("client_id"), "person_id")
        query = "SELECT person_id, number FROM workforce_dependent WHERE client_id = %(client)s"
        given = copy_out(
            connection, query, {"person_id": pl.Int64(), "number": pl.Int16()}, {"client": client_id}
        )
        attributes = {name: PERSONS.columns[name] for name in PERSONS.attributes}
        place = {name: pl.String() for name in (*planning.ADDRESS_CELLS, "country")}
        family = {name: DEPENDENTS.columns[name] for name in DEPENDENTS.attributes}
        persons = frames.load_persons(connection, keys, attributes)
        latest = persons.sort("valid_from").unique("person_id", keep="last")
        identity = latest.select("person_id", "first_name", "last_name", "birth_on", "ssn_hash")
        return Known(
            people=numbers.join(identity, on="person_id", how="left", maintain_order="left"),
            persons=persons,
            addresses=frames.load_addresses(connection, keys, place),
            jobs=frames.load_jobs(connection, keys, more=frames.MORE),
            dependents=frames.load_dependents(connection, keys, family),
            bases=frames.load_benefit_bases(connection, keys),
            numbers=given,
        )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The rows of a census, sorted into written, bad and asked."""

    parts: Mapping[str, planning.Planned]
    bad: pl.DataFrame
    asked: pl.DataFrame
    people: pl.DataFrame
    new_people: pl.DataFrame
    new_dependents: pl.DataFrame

    @staticmethod
    def make(
        cells: pl.DataFrame, values: pl.DataFrame, bad: pl.DataFrame, known: Known, as_of: date
    ) -> "Plan":
        good = values.join(bad, on="row", how="anti", maintain_order="left")
        employees = good.filter(pl.col("record") == "employee")
        people = matching.match_people(planning.people_of(employees), known.people)
        asked = people.filter(pl.col("ask").is_not_null()).select("row", "employee_number", reason="ask")
        people = _with_new_keys(people.filter(pl.col("ask").is_null()).drop("ask"))
        rows = employees.join(people.select("employee_number", "person_id", "is_new"), on="employee_number")
        owners = pl.concat(
            [
                people.select("employee_number", "person_id", "start_on"),
                known.people.filter(pl.col("first_name").is_not_null())
                .join(people, on="employee_number", how="anti")
                .select("employee_number", "person_id", start_on=pl.lit(None, pl.Date)),
            ]
        )
        family = Family.make(cells, good, owners, asked, known, as_of)
        return Plan(
            parts={
                "persons": planning.plan_persons(people, known.persons, as_of),
                "addresses": planning.plan_addresses(people, known.addresses, as_of),
                "jobs": planning.plan_jobs(rows, known.jobs, as_of),
                "dependents": family.planned,
                "benefit_bases": bases.plan_bases(rows, known.bases, as_of),
            },
            bad=pl.concat([bad, family.bad]),
            asked=pl.concat([asked, family.asked]).sort("row"),
            people=people,
            new_people=people.filter(pl.col("person_id") < 0).select("person_id", "employee_number"),
            new_dependents=family.new,
        )

    def counts(self) -> dict[str, int]:
        """Count the employees of the file; `asked` ones are not written."""
        touched = [part.facts["person_id"] for part in self.parts.values()]
        changed = pl.concat([ids.cast(pl.Int64) for ids in touched]).unique()
        is_changed = self.people["person_id"].is_in(changed.implode())
        has_facts = ~self.people["is_new"]
        return {
            "new": int((~has_facts).sum()),
            "changed": int((has_facts & is_changed).sum()),
            "same": int((has_facts & ~is_changed).sum()),
            "asked": self.asked["employee_number"].n_unique(),
        }


def _with_new_keys(people: pl.DataFrame) -> pl.DataFrame:
    """Give people without a key a negative one; `is_new` are also those whose facts were all taken back."""
    place = -(pl.int_range(pl.len(), dtype=pl.Int64) + 1)
    return people.with_columns(
        person_id=pl.coalesce("person_id", place), is_new=pl.col("person_id").is_null() | ~pl.col("has_facts")
    )


@dataclass(frozen=True, kw_only=True)
class Family:
    """The dependents of a census."""

    planned: planning.Planned
    new: pl.DataFrame
    bad: pl.DataFrame
    asked: pl.DataFrame

    @staticmethod
    def make(
        cells: pl.DataFrame,
        good: pl.DataFrame,
        owners: pl.DataFrame,
        asked: pl.DataFrame,
        known: Known,
        as_of: date,
    ) -> "Family":
        rows = good.filter(pl.col("record") == "dependent")
        waiting = rows.join(asked, on="employee_number", how="semi")
        has_owner = good["employee_number"].is_in(
            pl.concat([owners["employee_number"], asked["employee_number"]]).implode()
        )
        mine = cells.join(good.select("row"), on="row", how="semi", maintain_order="left")
        bad = checks.orphans(mine, good, has_owner)
        named = _dependent_values(rows.join(asked, on="employee_number", how="anti"), owners)
        matched = matching.match_dependents(named, _latest(known.dependents, "dependent_id"))
        doubtful = matched.filter(pl.col("ask").is_not_null())
        keyed = _with_dependent_keys(matched.filter(pl.col("ask").is_null()).drop("ask"), known.numbers)
        second = _second_partners(cells, keyed, known.dependents, as_of)
        taken = keyed.join(second, on="row", how="anti", maintain_order="left")
        theirs = waiting.select("row", "employee_number", reason=pl.lit("its employee is asked about"))
        unsure = doubtful.select("row", "employee_number", reason="ask")
        return Family(
            planned=planning.plan_dependents(taken, known.dependents, as_of),
            new=taken.filter(pl.col("dependent_id") < 0).select("dependent_id", "person_id", "number"),
            bad=pl.concat([bad, second]),
            asked=pl.concat([theirs, unsure]),
        )


def _latest(facts: pl.DataFrame, owner: str) -> pl.DataFrame:
    return facts.sort("valid_from").unique(owner, keep="last", maintain_order=True)


def _dependent_values(rows: pl.DataFrame, owners: pl.DataFrame) -> pl.DataFrame:
    """Name the cells as facts; new ones start on the day stated, else with the employee or at birth."""
    start = pl.coalesce("effective_date", pl.max_horizontal("start_on", "birth_date"))
    is_dead = pl.col("died_on").is_not_null()
    is_former = pl.when(pl.col("relationship").is_not_null() | is_dead).then(
        is_dead | (pl.col("relationship") == PersonType.EX_SPOUSE).fill_null(value=False)
    )
    return rows.join(owners, on="employee_number").select(
        "row",
        "employee_number",
        "person_id",
        pl.col("dependent_number").alias("number"),
        *(pl.col(cell).alias(name) for name, cell in planning.DEPENDENT_CELLS.items()),
        is_former=is_former,
        start_on=pl.when(pl.col("start_on").is_null() & pl.col("effective_date").is_null())
        .then(None)
        .otherwise(start),
        change_on=pl.coalesce("effective_date", "died_on"),
    )


def _with_dependent_keys(matched: pl.DataFrame, numbers: pl.DataFrame) -> pl.DataFrame:
    """Give new dependents a negative key and, where theirs is taken or blank, the next free number."""
    place = -(pl.int_range(pl.len(), dtype=pl.Int64) + 1)
    beside = matched.join(
        numbers.with_columns(is_taken=True), on=["person_id", "number"], how="left", maintain_order="left"
    )
    is_new = pl.col("dependent_id").is_null()
    needs = is_new & (pl.col("number").is_null() | pl.col("is_taken").fill_null(False))
    highest = (
        pl.concat([numbers, matched.select("person_id", "number")])
        .group_by("person_id")
        .agg(highest=pl.col("number").max())
    )
    counted = beside.with_columns(needs=needs).join(
        highest, on="person_id", how="left", maintain_order="left"
    )
    next_number = pl.col("highest").fill_null(0) + pl.col("needs").cast(pl.Int16).cum_sum().over("person_id")
    return counted.with_columns(
        number=pl.when("needs").then(next_number).otherwise("number").cast(pl.Int16),
        dependent_id=pl.coalesce("dependent_id", place),
    ).drop("is_taken", "needs", "highest")


def _second_partners(
    cells: pl.DataFrame, keyed: pl.DataFrame, known: pl.DataFrame, as_of: date
) -> pl.DataFrame:
    """List the rows that would make two current spouses or partners of one participant."""
    in_file = keyed.select("row", "person_id", "dependent_id", "person_type", "is_former")
    held = _latest(known.filter(pl.col("valid_from") <= as_of), "dependent_id")
    rest = held.join(in_file, on="dependent_id", how="anti").select(
        pl.lit(None, pl.Int32).alias("row"), "person_id", "dependent_id", "person_type", "is_former"
    )
    current = pl.concat([in_file, rest]).filter(pl.col("person_type").is_in(PARTNERS) & ~pl.col("is_former"))
    several = current.filter(pl.len().over("person_id") > 1).drop_nulls("row")
    is_second = cells["row"].is_in(several["row"].implode())
    return reader.problems(cells, is_second, "relationship", "one current spouse or partner", END_THE_FIRST)
