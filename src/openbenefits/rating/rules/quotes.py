"""Quotes: the rates found for a person (and the covered members) in the tables of a plan type.

One quote per participant, plan type and distinct rate; options that share a rate share its quote.
"""

import polars as pl

from openbenefits.core import days, money
from openbenefits.core.codes import PersonType
from openbenefits.core.columns import spread, with_taken
from openbenefits.programs.rulebook import OLDEST_AGE, Rulebook, rate_key, sex_number
from openbenefits.rating.rules.offers import Offers

AGE_OF_MAJORITY_IN_RATING = 21
"""45 CFR 147.102(c): of the children under 21 only the three oldest are charged."""
CHARGED_CHILDREN = 3

FACTS = ("birth_on", "sex", "is_smoker", "zip", "service_months", "annual_pay_cents")


def find_quotes(
    plans: pl.DataFrame, members: pl.DataFrame, cases: pl.DataFrame, offers: Offers, rulebook: Rulebook
) -> pl.DataFrame:
    """Look up every rate the plan rows need.

    Shapes:  plans has case, plan_day and plan_unit (the household, null: nobody else); members has
             plan_unit, dependent_id, person_type, birth_on, sex, is_smoker. Result: one row per plan and
             quote unit, in order, with own, total, spouse, partner and child micro-dollars, rate_row_id.
    Missing: a rate that is not there is null; `fault` then says why (rate, area, birth).
    """
    wanted = _wanted(plans, offers)
    found = _own_rates(_with_facts(wanted, cases), rulebook)
    return _with_members(found, members, rulebook)


def _wanted(plans: pl.DataFrame, offers: Offers) -> pl.DataFrame:
    """One row per plan and quote unit."""
    rows = with_taken(
        plans.select("plan", "case", "plan_day", "plan_unit"), offers.days, "plan_day", "first_unit", "units"
    )
    rows = spread(rows, "first_unit", "units", "unit").drop("first_unit", "units", "plan_day")
    return with_taken(
        rows,
        offers.units,
        "unit",
        *("rate_version", "unit_code", "child_cap", "is_per_member", "by_age", "by_area", "by_smoker"),
        *("by_sex", "by_service", "by_pay", "geography_id", "price_on"),
    )


def _with_facts(wanted: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    return with_taken(wanted, cases, "case", *FACTS)


def _own_rates(rows: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Find the employee's rate."""
    keyed = _with_keys(rows, rulebook)
    found = keyed.join(rulebook.rates, on="rate_key", how="left", maintain_order="left")
    is_member = pl.col("is_per_member")
    return found.with_columns(
        own_micros=pl.when(is_member).then(_to_the_cent("own_micros")).otherwise("own_micros"),
        total_micros=pl.when(is_member).then(_to_the_cent("rate_micros")).otherwise("rate_micros"),
        fault=_fault(),
    ).drop("rate_micros", "rate_key")


def _to_the_cent(column: str) -> pl.Expr:
    return money.divide_half_up(pl.col(column), 10_000) * 10_000


def _with_keys(rows: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add rate_key; null where a key cannot be made."""
    age = days.age_years(pl.col("birth_on"), pl.col("price_on")).cast(pl.Int64).clip(0, OLDEST_AGE)
    rows = _with_area(_with_bands(rows, rulebook), rulebook)
    return rows.with_columns(
        age=pl.when("by_age").then(age).otherwise(0),
        coverage_code_id=pl.col("unit_code"),
        smoker=pl.when("by_smoker").then(pl.col("is_smoker").cast(pl.Int64)).otherwise(0),
        sex_number=pl.when("by_sex").then(sex_number()).otherwise(0),
    ).with_columns(rate_key=rate_key())


def _with_area(rows: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add area_number: 0 where the table is not keyed by area, null where the zip has none."""
    areas = rulebook.zips.join(rulebook.areas, on="area").select("geography_id", "zip", "area_number")
    areas = areas.unique(["geography_id", "zip"], keep="first")
    places = rows.filter("by_area").select("geography_id", "zip").drop_nulls().unique()
    found = places.join(areas, on=["geography_id", "zip"])
    if found.is_empty():
        return rows.with_columns(area_number=pl.when(~pl.col("by_area")).then(pl.lit(0, pl.Int64)))
    rows = rows.join(found, on=["geography_id", "zip"], how="left", maintain_order="left")
    return rows.with_columns(area_number=pl.when("by_area").then("area_number").otherwise(0))


def _with_bands(rows: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add service_band and pay_band: the greatest lower edge not above the value; 0 where not keyed."""
    rows = _with_band(rows, rulebook.service_bands, "service_months", "service_months_from", "by_service")
    return _with_band(rows, rulebook.pay_bands, "annual_pay_cents", "annual_pay_from_cents", "by_pay")


def _with_band(rows: pl.DataFrame, bands: pl.DataFrame, value: str, edge: str, flag: str) -> pl.DataFrame:
    name = f"{flag.removeprefix('by_')}_band"
    not_keyed = pl.when(~pl.col(flag)).then(pl.lit(0, pl.Int64))
    if bands.is_empty():
        return rows.with_columns(not_keyed.alias(name))
    pairs = rows.filter(flag).select("rate_version", value).drop_nulls().unique()
    found = (
        pairs.join(bands, on="rate_version")
        .filter(pl.col(edge) <= pl.col(value))
        .group_by("rate_version", value)
        .agg(pl.col("band").max().alias(name))
    )
    rows = rows.join(found, on=["rate_version", value], how="left", maintain_order="left")
    return rows.with_columns(pl.when(pl.col(flag)).then(pl.col(name)).otherwise(0).alias(name))


def _fault() -> pl.Expr:
    """Why there is no rate."""
    return (
        pl.when(pl.col("own_micros").is_not_null())
        .then(pl.lit(None, pl.String))
        .when(pl.col("by_age") & pl.col("birth_on").is_null())
        .then(pl.lit("birth"))
        .when(pl.col("by_area") & pl.col("area_number").is_null())
        .then(pl.lit("area"))
        .otherwise(pl.lit("rate"))
    )


# --- members: list bill -----------------------------------------------------------------------------------

_PARTS = ("spouse_micros", "partner_micros", "child_micros")


def _with_members(quotes: pl.DataFrame, members: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add what spouse, partner and children cost in tables priced per member; 0 elsewhere."""
    quotes = quotes.with_columns(quote=pl.int_range(pl.len(), dtype=pl.Int32))
    columns = (
        *(
            "quote",
            "plan",
            "unit",
            "own_micros",
            "total_micros",
            "rate_row_id",
            "fault",
            *_PARTS,
            "charged_members",
        ),
    )
    rated = _member_rates(quotes, members, rulebook)
    parts = _member_parts(rated)
    found = quotes.join(parts, on="quote", how="left", maintain_order="left")
    return found.with_columns(
        *(pl.when(pl.col("charged_members").is_null()).then(0).otherwise(part).alias(part) for part in _PARTS)
    ).select(columns)


def _member_rates(quotes: pl.DataFrame, members: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """One row per quote and charged member, with the member's own rate."""
    wanted = quotes.filter(pl.col("is_per_member") & pl.col("plan_unit").is_not_null()).select(
        *("quote", "plan_unit", "rate_version", "unit_code", "child_cap", "by_age", "by_area", "by_smoker"),
        *(
            "by_sex",
            "by_service",
            "by_pay",
            "geography_id",
            "price_on",
            "zip",
            "service_months",
            "annual_pay_cents",
        ),
    )
    charged = ranked_members(members).filter(
        (pl.col("under_age_rank") <= CHARGED_CHILDREN) | ~pl.col("is_under_age")
    )
    rows = wanted.join(charged, on="plan_unit").filter(
        ~pl.col("is_child") | (pl.col("child_rank") <= pl.col("child_cap"))
    )
    found = _with_keys(rows, rulebook).join(rulebook.rates, on="rate_key", how="left")
    return found.select("quote", "person_type", "is_child", member_micros=_to_the_cent("rate_micros"))


def ranked_members(members: pl.DataFrame) -> pl.DataFrame:
    """Rank the children of each household, oldest first, over all and among those under 21."""
    adults = [str(PersonType.SPOUSE), str(PersonType.DOMESTIC_PARTNER)]
    rows = members.sort("plan_unit", "birth_on", "dependent_id", nulls_last=True).with_columns(
        is_child=~pl.col("person_type").is_in(adults),
        age=days.age_years(pl.col("birth_on"), pl.col("price_on")),
    )
    rows = rows.with_columns(
        is_under_age=pl.col("is_child") & (pl.col("age") < AGE_OF_MAJORITY_IN_RATING).fill_null(value=False)
    )
    return rows.with_columns(
        child_rank=pl.col("is_child").cast(pl.Int32).cum_sum().over("plan_unit"),
        under_age_rank=pl.col("is_under_age").cast(pl.Int32).cum_sum().over("plan_unit"),
    ).drop("age", "price_on")


def _member_parts(rated: pl.DataFrame) -> pl.DataFrame:
    """Sum the members' rates by kind; a missing one makes its part missing."""
    kind, micros = pl.col("person_type"), pl.col("member_micros")

    def part(chosen: pl.Expr) -> pl.Expr:
        is_known = ~micros.filter(chosen).is_null().any()
        return pl.when(is_known).then(micros.filter(chosen).sum())

    return rated.group_by("quote").agg(
        spouse_micros=part(kind == PersonType.SPOUSE),
        partner_micros=part(kind == PersonType.DOMESTIC_PARTNER),
        child_micros=part(pl.col("is_child")),
        charged_members=pl.len(),
    )
