"""The census a comparison is made for, as frames: people, what they have today, their dependents."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import polars as pl

from openbenefits.matching.candidates import CHOSEN, SELF_ONLY, UNTIERED
from openbenefits.workforce.frames import DEPENDENT

PEOPLE = {
    "person": pl.Int32(),
    "number": pl.String(),
    "benefit_class": pl.String(),
    "birth_on": pl.Date(),
    "sex": pl.String(),
    "is_smoker": pl.Boolean(),
    "zip": pl.Int32(),
    "state": pl.String(),
    "annual_pay_cents": pl.Int64(),
    "pay_frequency": pl.String(),
    "service_on": pl.Date(),
}
"""`person` is the row's position; `pay_frequency` one of W, B, S, M; `benefit_class` whom offers name."""

COVERED = {
    "person": pl.Int32(),
    "category": pl.String(),
    "tier": pl.String(),
    "plan": pl.String(),
    "carrier": pl.String(),
    "network": pl.String(),
}
"""Who is covered, or assumed to be, in which tier; and by which plan today (nulls: not known)."""

EXCUSED = {"person": pl.Int32(), "category": pl.String()}
"""Who has coverage elsewhere: not counted where a carrier asks for participation."""

DEPENDENTS = {"person": pl.Int32(), "dependent_id": pl.Int64(), **DEPENDENT}


@dataclass(frozen=True, kw_only=True)
class Census:
    """The people of a client or a prospect on a day.

    Shapes: `people` as PEOPLE, `covered` as COVERED (one row per person and category), `excused` as EXCUSED,
            `dependents` as DEPENDENTS; `assumed` are the categories nobody has today in which everybody is
            taken to be covered (`with_assumed`).
    """

    people: pl.DataFrame
    covered: pl.DataFrame
    excused: pl.DataFrame
    dependents: pl.DataFrame
    assumed: tuple[str, ...] = ()


def with_assumed(census: Census, offered: Collection[str]) -> Census:
    """Cover everybody in the untiered categories that are offered, and of which the census says nothing.

    What an employer pays for all begins with all; in a category that somebody has, those who have it count.
    Of what people choose, everybody is asked, whoever has it today: the share stated says how many take it.
    """
    is_asked = pl.col("category").is_in(CHOSEN)
    covered, excused = census.covered.filter(~is_asked), census.excused.filter(~is_asked)
    told = {*covered["category"].unique(), *excused["category"].unique()}
    assumed = tuple(sorted(code for code in offered if code in UNTIERED and code not in told))
    begun = pl.DataFrame({"category": assumed}, schema={"category": pl.String})
    rows = census.people.select("person").join(begun, how="cross")
    rows = rows.with_columns(tier=pl.lit(SELF_ONLY))
    unknown = [pl.lit(None, kind).alias(name) for name, kind in COVERED.items() if name not in rows.columns]
    rows = rows.with_columns(unknown).select(pl.col(name).cast(kind) for name, kind in COVERED.items())
    return replace(census, covered=pl.concat([covered, rows]), excused=excused, assumed=assumed)


def nobody() -> Census:
    """Answer a census without anybody."""
    return Census(
        people=pl.DataFrame(schema=PEOPLE),
        covered=pl.DataFrame(schema=COVERED),
        excused=pl.DataFrame(schema=EXCUSED),
        dependents=pl.DataFrame(schema=DEPENDENTS),
    )
