"""What a carrier is expected to bill.

The price of coverage months, by the one pricing function of the product.
"""

from dataclasses import replace

import polars as pl

from openbenefits.core import days, money
from openbenefits.core.columns import with_taken
from openbenefits.eligibility.dependents import DEPENDENT_RULE, eligible_members
from openbenefits.payroll.rules import Known
from openbenefits.payroll.rules.lines import with_setup
from openbenefits.payroll.rules.prices import POINT_DAY, with_year
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.offers import version_on

MONTHS = 12
OWNER = ("client_id", "person_id", "benefit_record")

PRICED = ("full_cents", "share_cents", "volume_cents", "age", "rate_row_id", "price_fault")


def with_premiums(units: pl.DataFrame, known: Known, rulebook: Rulebook) -> pl.DataFrame:
    """Add PRICED: the premium of a full month, the employer's share of it, the volume it buys.

    The age it was found by; why there is none.

    Adds members and counted, too: the dependents covered, and those of them who count on the day.

    Shapes:  units has unit (= position), point, case, price_on; known.points by position; known.facts and
             dependents by case.
    Missing: an unknown premium is null, and price_fault says why. An option without a price costs 0.
    """
    points = known.points.with_columns(point=pl.int_range(pl.len(), dtype=pl.Int32))
    held = units.select("unit", "point", "case", ends_on="price_on")
    lines = with_setup(held, points, rulebook).with_columns(
        kind=pl.lit("deduction"), is_price_locked=pl.lit(value=False)
    )
    priced = with_year(
        *(lines, points, known.members, known.facts, known.dependents, rulebook),
        *(known.pay_history, known.bases, known.price_decisions),
    )
    year = money.add(pl.col("year_cents"), pl.col("year_employer_cents"))
    no_option = pl.when(pl.col("option_row").is_null()).then(pl.lit("option"))
    answers = priced.select(
        "unit",
        full_cents=money.divide_half_up(year, MONTHS),
        share_cents=money.divide_half_up(pl.col("year_employer_cents"), MONTHS),
        volume_cents="coverage_cents",
        age="priced_age",
        rate_row_id="rate_row_id",
        price_fault=pl.when(year.is_null()).then(pl.coalesce("price_fault", no_option, pl.lit("rate"))),
    )
    found = units.join(answers, on="unit", how="left", maintain_order="left")
    counts = _members(lines, points, known, rulebook)
    found = found.join(counts, on="unit", how="left", maintain_order="left")
    return found.with_columns(pl.col("members", "counted").fill_null(0).cast(pl.Int64))


def _members(lines: pl.DataFrame, points: pl.DataFrame, known: Known, rulebook: Rulebook) -> pl.DataFrame:
    """Count the dependents each unit covers, and those who count on its day: unit, members, counted."""
    named = known.members.join(points.select(*POINT_DAY, "point"), on=list(POINT_DAY))
    rows = lines.select("unit", "point", "case", "dependent_rule_id", price_on="ends_on").join(
        named.select("point", "dependent_id"), on="point"
    )
    rules = rulebook.dependent_rules.with_row_index("rule_position")
    ruled = with_taken(
        version_on(rows, rules, "dependent_rule_id", "rule_position"), rules, "rule_position", *DEPENDENT_RULE
    )
    counted = eligible_members(ruled.join(known.dependents, on=["case", "dependent_id"]))
    all_of = rows.group_by("unit").agg(members=pl.len())
    return all_of.join(counted.group_by("unit").agg(counted=pl.len()), on="unit", how="left")


# --- how carriers count ages ------------------------------------------------------------------------------


def counted_from(basis: pl.Expr, month: pl.Expr, day: pl.Expr, born: str, price_on: str) -> pl.Expr:
    """Answer the birth date that gives, on the day priced, the age a carrier counts (docs/invoices.md §2).

    basis: coverage_month (the age on the day priced), birth_month (a year older from the 1st of the month),
    month_after (from the 1st of the month on or after the birthday), fixed (as of month and day, each year).
    """
    this_year = days.year_day(pl.col(price_on).dt.year(), month, day)
    last_year = days.year_day(pl.col(price_on).dt.year() - 1, month, day)
    fixed_on = pl.when(this_year <= pl.col(price_on)).then(this_year).otherwise(last_year)
    age = days.age_years(pl.col(born), fixed_on)
    return (
        pl.when(basis == "birth_month")
        .then(days.month_begin(pl.col(born)))
        .when(basis == "month_after")
        .then(days.month_begin_on_or_after(pl.col(born)))
        .when((basis == "fixed") & (age >= 0))
        .then(days.add_months(pl.col(price_on), age * -MONTHS))
        .otherwise(pl.col(born))
    )


# --- what the carrier may have taken for true -------------------------------------------------------------

VARIANT = {
    "unit": pl.Int32,
    "cause": pl.String,
    "told": pl.String,
    "point": pl.Int32,
    "case": pl.Int32,
    "price_on": pl.Date,
    "option_id": pl.Int32,
    "program_id": pl.Int32,
    "years_older": pl.Int32,
    "other_smoker": pl.Boolean,
    "zip": pl.String,
}
"""A unit as it would be if something were otherwise, and the cause that would be: null where it stays."""

AGES = tuple(year for year in range(-10, 11) if year)


def variants_of(units: pl.DataFrame, known: Known, rulebook: Rulebook) -> pl.DataFrame:
    """List what may have been taken for true of units whose amount differs: age, tobacco, area, day, tier.

    Shapes: units has unit, point, case, price_on, plan_id; the result is as VARIANT.
    """
    base = units.select("unit", "point", "case", "price_on", "plan_id", "option_id")
    ages = pl.DataFrame({"years_older": AGES}, schema={"years_older": pl.Int32})
    parts = [
        base.join(ages, how="cross").with_columns(
            cause=pl.lit("INV_AGE_BAND"), told=pl.format("the rate of somebody {} years older", "years_older")
        ),
        base.with_columns(
            cause=pl.lit("INV_TOBACCO"),
            told=pl.lit("the other tobacco status"),
            other_smoker=pl.lit(value=True),
        ),
        _areas(base, known),
        _other_days(base, rulebook),
        _other_tiers(base, known, rulebook),
    ]
    return pl.concat(_as_variants(part) for part in parts)


def _as_variants(rows: pl.DataFrame) -> pl.DataFrame:
    blank = [pl.lit(None, kind).alias(name) for name, kind in VARIANT.items() if name not in rows.columns]
    return rows.with_columns(blank).select(pl.col(name).cast(kind) for name, kind in VARIANT.items())


def other_classes(units: pl.DataFrame, known: Known, rulebook: Rulebook) -> pl.DataFrame:
    """List the units as if their people were in another program that offers the same plan and tier.

    Shapes: units has unit, point, case, price_on, plan_id, option_id; the result is as VARIANT.
    """
    base = units.select("unit", "point", "case", "price_on", "plan_id", "option_id")
    programs = with_taken(base, known.points, "point", "program_id")
    rows = rulebook.plan_rows.select("plan_row", other_program="program_id", client_id="client_id")
    offered = rulebook.options.join(rows, on="plan_row").drop_nulls("plan_id")
    offered = offered.select(
        "client_id", "other_program", "plan_id", "coverage_code_id", other_id="option_id"
    )
    own = offered.select("plan_id", "coverage_code_id", option_id="other_id").unique()
    found = programs.join(own.unique("option_id"), on=["option_id", "plan_id"]).join(
        offered.unique(), on=["plan_id", "coverage_code_id"], nulls_equal=True
    )
    moved = found.filter(pl.col("other_program") != pl.col("program_id"))
    return _as_variants(
        moved.with_columns(
            option_id="other_id",
            program_id="other_program",
            cause=pl.lit("ENR_CLASS"),
            told=pl.lit("the employer's share of another class"),
        )
    )


def _areas(base: pl.DataFrame, known: Known) -> pl.DataFrame:
    """Other homes: a zip of each area people of the carrier live in stands for it."""
    own = known.facts.select("case", own_zip="postal_code")
    zips = known.facts.select(zip="postal_code").drop_nulls().unique().sort("zip").head(40)
    rows = base.join(own, on="case", how="left").join(zips, how="cross")
    return rows.filter(pl.col("zip") != pl.col("own_zip")).with_columns(
        cause=pl.lit("INV_AREA"), told=pl.lit("the rate of another area")
    )


def _other_days(base: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """The days from which rates began to hold, within two years before and one after."""
    begins = rulebook.rate_tables.select(other_on="valid_from").unique()
    before = begins.with_columns(other_on=days.day_before(pl.col("other_on")))
    rows = base.join(pl.concat([begins, before]).unique(), how="cross")
    apart = (pl.col("other_on") - pl.col("price_on")).dt.total_days()
    rows = rows.filter(apart.is_between(-731, 366) & (apart != 0))
    return rows.with_columns(
        price_on="other_on",
        cause=pl.lit("INV_RATE"),
        told=pl.format("the rate of {}", pl.col("other_on").cast(pl.String)),
    )


def _other_tiers(base: pl.DataFrame, known: Known, rulebook: Rulebook) -> pl.DataFrame:
    """The other coverage codes of the same plan and program."""
    programs = with_taken(base, known.points, "point", "program_id")
    rows = rulebook.plan_rows.select("plan_row", "program_id")
    offered = rulebook.options.select("plan_row", "plan_id", other_id="option_id", code="code")
    offered = offered.join(rows, on="plan_row").select("program_id", "plan_id", "other_id").unique()
    found = programs.join(offered.drop_nulls("plan_id"), on=["program_id", "plan_id"])
    return found.filter(pl.col("other_id") != pl.col("option_id")).with_columns(
        option_id="other_id", cause=pl.lit("INV_TIER"), told=pl.lit("the price of another coverage tier")
    )


def variant_premiums(variants: pl.DataFrame, known: Known, rulebook: Rulebook) -> pl.DataFrame:
    """Price variants, each as a case of its own: unit, cause, told, full_cents, share_cents."""
    rows = variants.with_row_index("variant").with_columns(pl.col("variant").cast(pl.Int32))
    facts = known.facts.drop("case")[rows["case"]].with_columns(case=rows["variant"])
    changed = rows.select("years_older", "other_smoker", "zip", "price_on")
    facts = facts.with_columns(changed.get_columns()).with_columns(
        birth_on=pl.coalesce(
            days.add_months(pl.col("birth_on"), pl.col("years_older") * -MONTHS), "birth_on"
        ),
        is_smoker=pl.when("other_smoker").then(~pl.col("is_smoker")).otherwise("is_smoker"),
        postal_code=pl.coalesce("zip", "postal_code"),
        as_of="price_on",
    )
    facts = facts.select(known.facts.columns)
    other = rows.select(other_option="option_id", other_program="program_id").get_columns()
    points = (
        known.points[rows["point"]]
        .with_columns(other)
        .with_columns(
            option_id=pl.coalesce("other_option", "option_id"),
            program_id=pl.coalesce("other_program", "program_id"),
        )
    )
    points = points.drop("other_option", "other_program")
    moved = rows.select("variant", "case")
    of_variants = replace(
        known,
        points=points,
        facts=facts,
        dependents=_of_variants(known.dependents, moved),
        pay_history=None if known.pay_history is None else _of_variants(known.pay_history, moved),
        bases=None if known.bases is None else _of_variants(known.bases, moved),
    )
    units = rows.select("cause", "told", "price_on", unit="variant", point="variant", case="variant")
    priced = with_premiums(units, of_variants, rulebook)
    return rows.select("unit", "cause", "told").with_columns(
        priced.select("full_cents", "share_cents").get_columns()
    )


def _of_variants(rows: pl.DataFrame, moved: pl.DataFrame) -> pl.DataFrame:
    """Repeat rows of cases for the variants of each."""
    found = moved.join(rows, on="case").drop("case").rename({"variant": "case"})
    return found.select(rows.columns).sort("case")
