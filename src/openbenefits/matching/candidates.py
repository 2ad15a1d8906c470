"""Candidate packages as frames: what is offered, at which rates, with which contributions.

A *package* is what a client may choose as a whole; a *candidate* is one plan of it, as it would be offered.
Candidates that say the same are one *offer*, however many packages hold it, so that each is priced once; the
offers of a package for one category are its *menu*, and packages share menus, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from openbenefits.core.columns import numbered
from openbenefits.core.money import HUNDRED_PERCENT
from openbenefits.core.plan_types import HEALTH, PLAN_TYPES, has_rates

TIERS = ("EE", "ES", "EC", "EK", "EF")
"""Employee; with spouse; with one child; with children; family (process-management §2.2)."""

SELF_ONLY = TIERS[0]

CATEGORIES = {
    "10": "medical",
    "11": "dental",
    "14": "vision",
    "20": "basic_life",
    "21": "supplemental_life",
    "22": "accidental_death",
    "23": "life_and_accidental_death",
    "27": "supplemental_accidental_death",
    "30": "short_term_disability",
    "31": "long_term_disability",
    "60": "health_fsa",
    "61": "dependent_care_fsa",
    "67": "hsa",
}
"""What files call the plan types people are covered by."""
MEDICAL = "10"
TIERED = HEALTH
"""Plan types whose price goes by tier."""
UNTIERED = tuple(code for code in CATEGORIES if code not in TIERED)
"""Plan types that are the employee's alone, for an amount that follows without a choice, or is assumed."""
ACCOUNTS = ("60", "61", "67")
"""Plan types into which money is put; what people put in is theirs, and no cost."""
CHOSEN = ("21", "27", *ACCOUNTS)
"""Plan types whose amount people choose: compared by a stated share of people and a stated amount."""
PRICED = (*TIERED, *UNTIERED)
"""What is compared; of what people choose besides, nobody states what they would."""
STATED = tuple(code for code in PLAN_TYPES if not has_rates(code))
"""Plan types without a carrier's rates: people state the amount, which is theirs."""

CHOICE = {"take_up_micros": pl.Int64(), "pledge_cents": pl.Int64(), "seed_cents": pl.Int64()}
"""What is assumed of a plan people choose: the share of people who take it (100 % is 100,000,000), and of an
account what one of them puts in a year, and what the employer puts in for him."""

AMOUNT = {
    "formula": pl.String(),
    "premium_formula": pl.String(),
    "coverage_cents": pl.Int64(),
    "calculation_rule": pl.String(),
}
"""How much an untiered plan covers: by a formula of the set-up, else a fixed amount; null: no amount. What of
it the employee pays for, and as of when and of whom a rate takes age and pay, as an option of set-up says."""

CONTRIBUTIONS = {
    **{f"employer_{tier.lower()}_cents": pl.Int64() for tier in TIERS},
    **{f"employer_{tier.lower()}_micros": pl.Int64() for tier in TIERS},
}
"""What the employer pays a month, by tier: dollars, or a percentage of the premium (100 % is 100,000,000)."""

DESIGN = {
    "deductible_cents": pl.Int64(),
    "out_of_pocket_cents": pl.Int64(),
    "coinsurance_micros": pl.Int64(),
    "primary_visit_cents": pl.Int64(),
    "drug_cents": pl.Int64(),
    "actuarial_hundredths": pl.Int64(),
}
"""Plan design, for people to compare; `actuarial_hundredths` is the stated actuarial value (8000 is 80 %)."""

CARRIER_RULES = {
    "min_participation_micros": pl.Int64(),
    "min_contribution_micros": pl.Int64(),
    "min_group": pl.Int64(),
    "max_group": pl.Int64(),
    "states": pl.String(),
    "is_sole_carrier": pl.Boolean(),
}
"""On what terms the carrier offers: null where it asks for nothing. `states` are separated by blanks."""

OFFER = {
    "category": pl.String(),
    "plan": pl.String(),
    "plan_title": pl.String(),
    "option": pl.String(),
    "carrier": pl.String(),
    "network": pl.String(),
    "rate_table": pl.String(),
    "true_table": pl.String(),
    "benefit_class": pl.String(),
    "risk_micros": pl.Int64(),
    "is_pooled": pl.Boolean(),
    **AMOUNT,
    **CHOICE,
    **CONTRIBUTIONS,
    **DESIGN,
    **CARRIER_RULES,
}
"""One offer. `option` is the option of set-up it goes on as (program/plan type/code): who has that one has
this, and nobody else who has another; null: anybody may take it. `network` names a geography of the PEO's
set-up (null: everywhere); `rate_table` and `true_table` a table of RATES, else one of the PEO's;
`benefit_class` whom it is for (null: everybody); `risk_micros` the mean age factor its rates stand for, on
the curve pool risk goes by; `is_pooled` whether the PEO shares the risk of it with other clients.
"""

CANDIDATE = {"package": pl.String(), "title": pl.String(), "is_current": pl.Boolean(), **OFFER}
"""One plan of a package; `is_current` marks the package that is in force today."""

RATES = {
    "table": pl.String(),
    "tier": pl.String(),
    "age_from": pl.Int16(),
    "area": pl.String(),
    "smoker": pl.Boolean(),
    "service_months_from": pl.Int32(),
    "annual_pay_from_cents": pl.Int64(),
    "rate_micros": pl.Int64(),
    "employer_micros": pl.Int64(),
    "is_per_member": pl.Boolean(),
    "geography": pl.String(),
    "area_of": pl.String(),
    "unit": pl.String(),
}
"""Monthly rates of tables of their own: a key that is null in all rows of a table is none of its keys; `unit`
says what a rate buys (core.codes.RateUnit; null: the whole price), `employer_micros` what of it the employer
pays, where the rate says so, `area_of` whose address gives the area (core.codes.AreaOf; null: the home).
"""

NOTES = {"package": pl.String(), "category": pl.String(), "plan": pl.String(), "why": pl.String()}
"""What of a package is not compared, or only in part, and why."""


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """What may be chosen. Shapes: `rows` as CANDIDATE, `rates` as RATES, `notes` as NOTES."""

    rows: pl.DataFrame
    rates: pl.DataFrame
    notes: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=NOTES))


@dataclass(frozen=True, kw_only=True)
class Packages:
    """Candidates with what they share written once.

    packages: package (its number), code, title, is_current.
    menus:    package, category, menu.
    choices:  menu, offer.
    offers:   offer, OFFER, `key` (of its price) and `true_key` (null: the true cost is not known).
    prices:   key, category, rate_table, AMOUNT, CONTRIBUTIONS: what the kernel prices, each once.
    """

    packages: pl.DataFrame
    menus: pl.DataFrame
    choices: pl.DataFrame
    offers: pl.DataFrame
    prices: pl.DataFrame


class NoCandidates(ValueError):
    """There is nothing to choose from, or a candidate that cannot be one."""


def share(rows: pl.DataFrame) -> Packages:
    """Number packages, menus, offers and prices, each distinct one once.

    Shapes: rows as CANDIDATE.
    Errors: NoCandidates without any, or for a category that is not compared, or lacks what is assumed.
    """
    _check(rows)
    packages = rows.group_by("package", maintain_order=True).agg(
        pl.col("title").first(), pl.col("is_current").any()
    )
    packages = packages.rename({"package": "code"}).sort("code").with_row_index("package")
    packages = packages.with_columns(pl.col("package").cast(pl.Int32))
    offers, of_row = numbered(rows.select(OFFER.keys()), "offer")
    placed = rows.select(code="package", category="category").with_columns(of_row)
    placed = placed.join(packages.select("code", "package"), on="code").unique()
    menus, choices = _menus(placed)
    offers, prices = _priced_once(offers)
    return Packages(packages=packages, menus=menus, choices=choices, offers=offers, prices=prices)


def _check(rows: pl.DataFrame) -> None:
    if rows.is_empty():
        raise NoCandidates("expected at least one candidate package, found none; state one")
    other = rows.filter(~pl.col("category").is_in(PRICED) & pl.col("option").is_null())
    if not other.is_empty():
        found = other.row(0, named=True)
        raise NoCandidates(
            f"package {found['package']}, plan {found['plan']}: expected a plan type that can be compared"
            f" (1x, {', '.join(UNTIERED)}), found {found['category']}; leave it out of the comparison"
        )
    unsaid = rows.filter(~is_assumed())
    if not unsaid.is_empty():
        found = unsaid.row(0, named=True)
        raise NoCandidates(
            f"package {found['package']}, plan {found['plan']}: expected the share of people who choose"
            " it, and of an account what they put in a year, found otherwise; state take_up and pledge"
        )


def is_assumed() -> pl.Expr:
    """Whether a candidate states what is assumed of it: needed of what people choose, else nothing is.

    Of an option that people have in set-up nothing is assumed: who has it is known.
    """
    category, share = pl.col("category"), pl.col("take_up_micros")
    is_share = share.is_between(0, HUNDRED_PERCENT).fill_null(value=False)
    stated = is_share & (~category.is_in(ACCOUNTS) | pl.col("pledge_cents").is_not_null())
    is_asked = category.is_in(CHOSEN) & pl.col("option").is_null()
    return pl.when(is_asked).then(stated).otherwise(share.is_null())


def shaped(rows: pl.DataFrame, schema: Mapping[str, Any]) -> pl.DataFrame:
    """Answer the columns of a schema; what the rows do not say is null."""
    absent = [pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in rows.columns]
    return rows.with_columns(absent).select(pl.col(name).cast(kind) for name, kind in schema.items())


def _menus(placed: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Number the distinct sets of offers of one category."""
    sets = placed.group_by("package", "category").agg(pl.col("offer").sort())
    sets = sets.with_columns(held=pl.col("offer").cast(pl.List(pl.String)).list.join(","))
    distinct = sets.select("category", "held", "offer").unique("held").sort("category", "held")
    distinct = distinct.with_row_index("menu").with_columns(pl.col("menu").cast(pl.Int32))
    menus = sets.join(distinct.select("held", "menu"), on="held").select("package", "category", "menu")
    choices = distinct.select("menu", "offer").explode("offer")
    return menus.sort("package", "category"), choices.sort("menu", "offer")


def _priced_once(offers: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Number what is to be priced: premiums with their contribution, true costs without any.

    What has no rates costs nothing, and is priced so; of all else a price without a table is none.
    """
    billed = offers.select("category", "rate_table", *AMOUNT, *CONTRIBUTIONS)
    bare = [pl.lit(None, kind).alias(name) for name, kind in CONTRIBUTIONS.items()]
    true = offers.select("category", *AMOUNT, rate_table="true_table").with_columns(bare)
    prices, keys = numbered(pl.concat([billed, true.select(billed.columns)]), "key")
    is_free = pl.col("category").is_in(STATED) & pl.col("rate_table").is_null()
    true_key = pl.when(pl.col("true_table").is_not_null() | is_free).then("true_key")
    numbers = [keys[: offers.height].alias("key"), keys[offers.height :].alias("true_key")]
    offers = offers.with_columns(numbers).with_columns(true_key=true_key)
    return offers, prices.filter(pl.col("rate_table").is_not_null() | pl.col("category").is_in(STATED))
