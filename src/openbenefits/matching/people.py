"""The census a comparison is made for, as frames: people, what they have today, their dependents."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import polars as pl

from openbenefits.matching.candidates import CHOSEN, SELF_ONLY, UNTIERED, shaped
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
    "company": pl.String(),
    "location": pl.String(),
    "is_participant": pl.Boolean(),
}
"""`person` is the row's position; `pay_frequency` one of W, B, S, M; `benefit_class` whom offers name;
`company` and `location` say where the addresses of his job are; `is_participant` whether benefits have been
prepared for him (null: not known, so that anybody counts)."""

COVERED = {
    "person": pl.Int32(),
    "category": pl.String(),
    "tier": pl.String(),
    "plan": pl.String(),
    "option": pl.String(),
    "carrier": pl.String(),
    "network": pl.String(),
}
"""Who is covered, or assumed to be, in which tier; and by which plan today, of what has no tiers by which
option of set-up (nulls: not known)."""

ASKED = {**COVERED, "is_asked": pl.Boolean()}
"""COVERED, and everybody besides who is asked whether he would choose what people choose."""

EXCUSED = {"person": pl.Int32(), "category": pl.String()}
"""Who has coverage elsewhere: not counted where a carrier asks for participation."""

DEPENDENTS = {"person": pl.Int32(), "dependent_id": pl.Int64(), **DEPENDENT}


BEGUN = tuple(code for code in UNTIERED if code not in CHOSEN)
"""Plan types that begin with everybody: nobody has to choose them."""


@dataclass(frozen=True, kw_only=True)
class Census:
    """The people of a client or a prospect on a day.

    Shapes: `people` as PEOPLE, `covered` as COVERED (one row per person and category; after `with_assumed` as
            ASKED), `excused` as EXCUSED, `dependents` as DEPENDENTS; `prepared` are the categories that are
            offered today, whoever has them, `assumed` those nobody has in which everybody is taken to be
            covered.
    """

    people: pl.DataFrame
    covered: pl.DataFrame
    excused: pl.DataFrame
    dependents: pl.DataFrame
    prepared: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()


def with_assumed(census: Census, offers: pl.DataFrame) -> Census:
    """Cover who would be covered by some offers: who is today, everybody where nobody is, whoever is asked.

    Shapes: offers has category, option, take_up_micros. `covered` becomes ASKED.
    What an employer pays for all begins with all; in a category that somebody has, those who have it count.
    What options of set-up alone offer goes on with those who have it, be it nobody; where it was not offered
    before it begins with all for whom benefits are prepared.
    Of what people choose with a stated share everybody is asked, whoever has it today; what they choose in
    set-up goes on with those who have it.
    """
    is_asked = pl.col("take_up_micros").is_not_null()
    held, asked = (offers.filter(one)["category"].unique().to_list() for one in (~is_asked, is_asked))
    known = census.covered.filter(pl.col("category").is_in(held))
    told = {*known["category"], *census.excused["category"]}
    to_all = {*offers.filter(pl.col("option").is_null() & ~is_asked)["category"]}
    begun = [code for code in held if code in BEGUN and code not in told]
    assumed = tuple(sorted(code for code in begun if code in to_all or code not in census.prepared))
    insiders = census.people.filter(pl.col("is_participant").fill_null(value=True))
    rows = [
        known.with_columns(is_asked=pl.lit(value=False)),
        _begun(insiders, [one for one in assumed if one not in to_all], is_asked=False),
        _begun(census.people, [one for one in assumed if one in to_all], is_asked=False),
        _begun(census.people, asked, is_asked=True),
    ]
    return replace(
        census,
        covered=pl.concat([shaped(one, ASKED) for one in rows]),
        excused=census.excused.filter(~pl.col("category").is_in(CHOSEN)),
        assumed=assumed,
    )


def _begun(people: pl.DataFrame, categories: Collection[str], *, is_asked: bool) -> pl.DataFrame:
    begun = pl.DataFrame({"category": sorted(categories)}, schema={"category": pl.String})
    rows = people.select("person").join(begun, how="cross")
    return rows.with_columns(tier=pl.lit(SELF_ONLY), is_asked=pl.lit(is_asked))


def nobody() -> Census:
    """Answer a census without anybody."""
    return Census(
        people=pl.DataFrame(schema=PEOPLE),
        covered=pl.DataFrame(schema=COVERED),
        excused=pl.DataFrame(schema=EXCUSED),
        dependents=pl.DataFrame(schema=DEPENDENTS),
    )
