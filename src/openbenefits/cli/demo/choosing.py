"""What the people of the year's stories choose."""

from datetime import date
from typing import Any

import polars as pl

from openbenefits.cli.demo.offers import generator_offers
from openbenefits.core.codes import PersonType
from openbenefits.sample import elections
from openbenefits.sample.elections import ELECTION_COLUMNS
from openbenefits.workforce.frames import dependents_as_of

HEALTH = ("10", "11", "14")
RELATIONSHIPS = {
    str(PersonType.SPOUSE): "spouse",
    str(PersonType.DOMESTIC_PARTNER): "domestic_partner",
    str(PersonType.CHILD): "child",
    str(PersonType.ADULT_CHILD): "adult_child",
    str(PersonType.OTHER_QUALIFIED): "other",
}
NEEDS = {"needs_spouse": "spouse", "needs_partner": "domestic_partner", "needs_children": "child"}


def household(connection: Any, client_id: int, person_id: int, number: str, day: date) -> pl.DataFrame:
    """List a person's present dependents as the election generator reads them."""
    case = {
        "case": [0],
        "client_id": [client_id],
        "person_id": [person_id],
        "benefit_record": [0],
        "as_of": [day],
    }
    types = {"case": pl.Int32, "client_id": pl.Int32, "person_id": pl.Int64, "benefit_record": pl.Int16}
    found = dependents_as_of(connection, pl.DataFrame(case, schema_overrides=types))
    return found.filter(~pl.col("is_former")).select(
        employee_number=pl.lit(number),
        dependent_number=pl.col("number").cast(pl.Int64),
        relationship=pl.col("person_type").replace_strict(RELATIONSHIPS, default="other"),
        birth_date="birth_on",
        disabled=pl.when("is_disabled").then(pl.lit("Y")).otherwise(pl.lit("N")),
    )


def fresh(offers: pl.DataFrame, family: pl.DataFrame, day: date) -> pl.DataFrame:
    """Let somebody choose anew in everything that is offered."""
    return elections(generator_offers(offers), family, share=1, fault_share=0, window=(day, day)).rows


def widened(offers: pl.DataFrame, family: pl.DataFrame, adds: str, day: date) -> pl.DataFrame:
    """Keep each health plan that is held, with the coverage that takes the new member in."""
    current = offers.filter("is_current", pl.col("plan_type").is_in(HEALTH))
    held = current.select("plan_type", "plan_id", **{f"had_{name}": name for name in NEEDS})
    fits = [pl.col(name) if name == adds else pl.col(name) == pl.col(f"had_{name}") for name in NEEDS]
    wide = offers.join(held, on=["plan_type", "plan_id"]).filter(pl.all_horizontal(fits))
    named = [
        pl.when(pl.col(needed)).then(pl.lit(_numbers(family, relationship)))
        for needed, relationship in NEEDS.items()
    ]
    rows = wide.with_columns(
        dependents=pl.concat_str(named, separator=" ", ignore_nulls=True), received_on=pl.lit(day)
    )
    return rows.select(
        pl.col(name).cast(kind) if name in rows.columns else pl.lit(None, kind).alias(name)
        for name, kind in ELECTION_COLUMNS.items()
    )


def _numbers(family: pl.DataFrame, relationship: str) -> str:
    theirs = family.filter(relationship=relationship)["dependent_number"].sort()
    return " ".join(map(str, theirs))
