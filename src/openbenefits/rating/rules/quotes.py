"""Quotes: where the rates of a person are found in the tables of a plan type.

One quote per participant, plan type and rate table; options that share a table share its quote. In tables
priced per member a quote also says what each kind of covered member costs.
"""

from dataclasses import dataclass

import polars as pl

from openbenefits.core import days, money
from openbenefits.core.codes import PersonType, RateUnit
from openbenefits.core.columns import spread, take, with_taken
from openbenefits.programs.rulebook import OLDEST_AGE, Rulebook, sex_number
from openbenefits.rating.rules.offers import Offers

AGE_OF_MAJORITY_IN_RATING = 21
"""45 CFR 147.102(c): of the children under 21 only the three oldest are charged."""
CHARGED_CHILDREN = 3

PERSONAL = ("birth_on", "sex", "is_smoker")
"""What is a member's own; the other keys of a rate are the employee's."""

FACTS = (*PERSONAL, "zip", "service_on", "annual_pay_cents")

PARTS = ("spouse", "partner", "child")


def find_quotes(
    plans: pl.DataFrame, members: pl.DataFrame, cases: pl.DataFrame, offers: Offers, rulebook: Rulebook
) -> pl.DataFrame:
    """Find the rates the plan rows need.

    Shapes:  plans has plan (= position), case, plan_day and plan_unit (the household, null: nobody else);
             cases has FACTS; members has plan_unit, dependent_id, person_type and PERSONAL. Result: one row
             per plan and quote unit, in order: quote (= position), plan, unit, cell (of the rate, less the
             coverage code; null: none), fault (rate, area or birth); and, where rates are per member,
             own_cents with spouse_, partner_ and child_cents and a fault of each (0 and null elsewhere).
    Missing: what cannot be found is null; its fault says why.
    """
    rows = with_taken(plans.select("plan", "plan_day"), offers.days, "plan_day", "first_unit", "units")
    rows = spread(rows, "first_unit", "units", "unit").drop("first_unit", "units", "plan_day")
    rows = rows.with_columns(pl.int_range(pl.len(), dtype=pl.Int32).alias("quote"))
    rows = with_taken(rows, offers.units, "unit", "rate_version", "is_per_member", "price_on")
    keyed = _keyed(rulebook, rows["rate_version"])
    facts = take(cases, plans["case"].gather(rows["plan"]), *keyed.facts)
    rows = _with_cell(rows.with_columns(facts), keyed, rulebook)
    return _with_members(rows, plans, members, cases, offers, rulebook)


# --- the cell of a rate -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Keyed:
    """Which keys the rate tables at hand use, and the facts they look at."""

    keys: list[str]
    facts: list[str]


_FACTS_OF_KEYS = {
    "by_age": "birth_on",
    "by_area": "zip",
    "by_smoker": "is_smoker",
    "by_sex": "sex",
    "by_service": "service_on",
    "by_pay": "annual_pay_cents",
}


def _keyed(rulebook: Rulebook, versions: pl.Series) -> _Keyed:
    used = rulebook.rate_tables[versions.drop_nulls().unique()].select(
        pl.col("rate_version"), *(pl.col(key) for key in _FACTS_OF_KEYS)
    )
    keys = [key for key in _FACTS_OF_KEYS if used[key].any()]
    return _Keyed(keys=keys, facts=[_FACTS_OF_KEYS[key] for key in keys])


def _with_cell(rows: pl.DataFrame, keyed: _Keyed, rulebook: Rulebook) -> pl.DataFrame:
    """Add cell and fault.

    Shapes: rows has rate_version, price_on and the facts of the keys in use.
    """
    columns = [name for key in keyed.keys for name in (key, f"{key[3:]}_stride")]
    rows = with_taken(rows, rulebook.rate_tables, "rate_version", "first_cell", *columns)
    rows = _with_key_numbers(rows, keyed, rulebook)
    cell = pl.col("first_cell")
    for key in keyed.keys:
        number = pl.col(f"{key[3:]}_stride") * pl.col(f"{key[3:]}_number").cast(pl.Int64)
        cell = cell + pl.when(key).then(number).otherwise(0)
    rows = rows.with_columns(cell=cell).with_columns(fault=_fault(keyed))
    numbers = [f"{key[3:]}_number" for key in keyed.keys]
    return rows.drop("first_cell", *columns, *numbers)


def _with_key_numbers(rows: pl.DataFrame, keyed: _Keyed, rulebook: Rulebook) -> pl.DataFrame:
    """Number the value of each key; null where it is missing or lies outside the table."""
    numbers: dict[str, pl.Expr] = {
        "by_age": _age_number(),
        "by_smoker": pl.col("is_smoker").cast(pl.Int64),
        "by_sex": sex_number(),
    }
    rows = rows.with_columns(numbers[key].alias(f"{key[3:]}_number") for key in keyed.keys if key in numbers)
    if "by_area" in keyed.keys:
        rows = _with_area(rows, rulebook)
    if "by_service" in keyed.keys:
        months = days.months_of_service(pl.col("service_on"), pl.col("price_on")).cast(pl.Int64)
        rows = _with_band(rows, rulebook.service_bands, months, "service")
    if "by_pay" in keyed.keys:
        rows = _with_band(rows, rulebook.pay_bands, pl.col("annual_pay_cents"), "pay")
    return rows


def _age_number() -> pl.Expr:
    age = days.age_years(pl.col("birth_on"), pl.col("price_on"))
    return pl.when(age >= 0).then(age.clip(upper_bound=OLDEST_AGE))


def _with_area(rows: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add area_number: the number of the zip's area in the table's geography."""
    known = rows.select("zip").join(rulebook.rating_zips, on="zip", how="left", maintain_order="left")
    first_area = take(rulebook.rate_tables, rows["rate_version"], "first_area")[0]
    position = first_area + known["zip_number"]
    return rows.with_columns(rulebook.rating_areas["area_number"].gather(position))


def _with_band(rows: pl.DataFrame, bands: pl.DataFrame, value: pl.Expr, name: str) -> pl.DataFrame:
    """Add <name>_number: the band with the greatest lower edge not above the value."""
    edge = bands.columns[1]
    rows = rows.with_columns(_value=value)
    pairs = rows.filter(f"by_{name}").select("rate_version", "_value").drop_nulls().unique()
    found = (
        pairs.join(bands, on="rate_version")
        .filter(pl.col(edge) <= pl.col("_value"))
        .group_by("rate_version", "_value")
        .agg(pl.col("band").max().alias(f"{name}_number"))
    )
    return rows.join(found, on=["rate_version", "_value"], how="left", maintain_order="left").drop("_value")


def _fault(keyed: _Keyed) -> pl.Expr:
    """Why there is no cell: the area of the zip comes first, then the birth date."""
    no_area = pl.col("by_area") & pl.col("area_number").is_null() if "by_area" in keyed.keys else pl.lit(value=False)
    no_birth = pl.col("by_age") & pl.col("birth_on").is_null() if "by_age" in keyed.keys else pl.lit(value=False)
    return pl.when(pl.col("cell").is_null()).then(
        pl.when(no_area).then(pl.lit("area")).when(no_birth).then(pl.lit("birth")).otherwise(pl.lit("rate"))
    )


# --- members: list bill -----------------------------------------------------------------------------------

_MEMBER_COLUMNS = ("own_cents", *(f"{part}_cents" for part in PARTS), *(f"{part}_fault" for part in PARTS))


def _with_members(
    rows: pl.DataFrame,
    plans: pl.DataFrame,
    members: pl.DataFrame,
    cases: pl.DataFrame,
    offers: Offers,
    rulebook: Rulebook,
) -> pl.DataFrame:
    """Add what the employee, spouse, partner and children cost in tables priced per member."""
    quotes = rows.select("quote", "plan", "unit", "cell", "fault", "is_per_member")
    at = quotes["is_per_member"].arg_true()
    if at.is_empty():
        nothing = [pl.lit(0, pl.Int64).alias(name) for name in _MEMBER_COLUMNS[:4]]
        no_fault = [pl.lit(None, pl.String).alias(name) for name in _MEMBER_COLUMNS[4:]]
        return quotes.with_columns(*nothing, *no_fault)
    billed = quotes.select("quote", "plan", "unit", "cell", "fault")[at]
    billed = with_taken(billed, offers.units, "unit", "rate_version", "price_on", "unit_code_offset", "child_cap")
    billed = billed.with_columns(plans["case"].gather(billed["plan"]), plans["plan_unit"].gather(billed["plan"]))
    billed = with_taken(billed, cases, "case", "annual_pay_cents")
    own = _member_cents(billed, rulebook)
    parts = _member_parts(_members_charged(billed, members, cases, rulebook))
    found = own.select("quote", own_cents="cents", own_fault="fault").join(parts, on="quote", how="left")
    full = quotes.join(found, on="quote", how="left", maintain_order="left")
    return full.with_columns(
        pl.coalesce("own_fault", "fault").alias("fault"),
        *(
            pl.when(pl.col(f"{part}_fault").is_null()).then(pl.col(f"{part}_cents").fill_null(0)).alias(f"{part}_cents")
            for part in PARTS
        ),
    ).drop("own_fault")


def _member_cents(rows: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add cents: the month of one member, rounded; and complete fault.

    Rates per member are flat, or a percentage of annual pay; others give none.
    """
    position = rows["cell"] + rows["unit_code_offset"]
    rows = rows.with_columns(total=rulebook.rate_cells["total"].gather(position))
    rows = with_taken(rows, rulebook.rate_tables, "rate_version", "unit", "unit_divisor")
    share = money.multiply_divide_half_up(
        pl.col("total"), pl.col("annual_pay_cents"), pl.col("unit_divisor") * (12 * money.MICROS_PER_CENT)
    )
    is_percent = pl.col("unit") == RateUnit.PERCENT_OF_BASE
    cents = pl.when(pl.col("unit") == RateUnit.FLAT).then("total").when(is_percent).then(share)
    return rows.with_columns(cents=cents).with_columns(
        fault=pl.when(pl.col("cents").is_null()).then(
            pl.when(pl.col("fault").is_not_null())
            .then("fault")
            .when(is_percent & pl.col("total").is_not_null())
            .then(pl.lit("coverage"))
            .otherwise(pl.lit("rate"))
        )
    )


def _members_charged(
    billed: pl.DataFrame, members: pl.DataFrame, cases: pl.DataFrame, rulebook: Rulebook
) -> pl.DataFrame:
    """One row per quote and charged member, with the cents of the member's own rate."""
    charged = ranked_members(members).filter(
        (pl.col("under_age_rank") <= CHARGED_CHILDREN) | ~pl.col("is_under_age")
    )
    wanted = billed.drop("cell", "fault").drop_nulls("plan_unit")
    most = pl.when(pl.col("kind") == "CH").then("child_cap").otherwise(1)
    rows = wanted.join(charged, on="plan_unit").filter(pl.col("rank") <= most)
    keyed = _keyed(rulebook, rows["rate_version"])
    shared = [name for name in keyed.facts if name not in (*PERSONAL, "annual_pay_cents")]
    rows = with_taken(rows, cases, "case", *shared)
    return _member_cents(_with_cell(rows, keyed, rulebook), rulebook)


def ranked_members(members: pl.DataFrame) -> pl.DataFrame:
    """Rank the members of each kind in a household, oldest first, and the children under 21 among them."""
    adults = [str(PersonType.SPOUSE), str(PersonType.DOMESTIC_PARTNER)]
    rows = members.sort("plan_unit", "birth_on", "dependent_id", nulls_last=True).with_columns(
        kind=pl.when(pl.col("person_type").is_in(adults)).then("person_type").otherwise(pl.lit("CH")),
        age=days.age_years(pl.col("birth_on"), pl.col("price_on")),
    )
    is_child = pl.col("kind") == "CH"
    rows = rows.with_columns(
        is_under_age=is_child & (pl.col("age") < AGE_OF_MAJORITY_IN_RATING).fill_null(value=False),
        rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("plan_unit", "kind"),
    )
    under_age = pl.col("is_under_age").cast(pl.Int32).cum_sum().over("plan_unit")
    return rows.with_columns(under_age_rank=under_age).drop("age", "price_on")


_KINDS = {"spouse": str(PersonType.SPOUSE), "partner": str(PersonType.DOMESTIC_PARTNER), "child": "CH"}


def _member_parts(rated: pl.DataFrame) -> pl.DataFrame:
    """Add up the members by kind; a missing one makes its part missing."""
    kind = pl.col("kind")
    sums = [
        money.total(pl.col("cents").filter(kind == code)).alias(f"{part}_cents") for part, code in _KINDS.items()
    ]
    faults = [
        pl.col("fault").filter(kind == code).drop_nulls().first().alias(f"{part}_fault")
        for part, code in _KINDS.items()
    ]
    return rated.group_by("quote").agg(*sums, *faults)
