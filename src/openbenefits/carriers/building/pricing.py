"""What a month of somebody's cover costs in full, by the one pricing function of the product."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from openbenefits.carriers.rules.spans import OWNER, SERIES
from openbenefits.core import money
from openbenefits.enrollment.frames import load_coverage
from openbenefits.payroll.owing import known_of
from openbenefits.payroll.rules.lines import with_setup
from openbenefits.payroll.rules.prices import with_year
from openbenefits.programs.frames import load_rulebook
from openbenefits.programs.rulebook import Rulebook

MONTHS = 12
POINT = [*SERIES, "begins_on", "version"]
VARIANTS_FROM = 100
"""Slots from here on are of no timeline: they tell apart what one point is priced for."""
VARIANT: dict[str, Any] = {"as_option": pl.Int32, "covered": pl.List(pl.Int64), "is_alone": pl.Boolean}
PERSONAL = ("is_per_member", "by_age", "by_sex", "by_smoker", "by_person_type")
"""What a rate goes by that is somebody's own."""


def with_month_prices(connection: Any, client_ids: Sequence[int], held: pl.DataFrame) -> pl.DataFrame:
    """Add premium_cents: a month of what was held, employee's and employer's part, on a day.

    A plan type that locks its price is priced as of the day its point began.

    Shapes:  held has SERIES, point_on and version of a change point, price_on; as_option and covered, the
             option and the dependents that count instead of the point's own (both null: its own); is_alone:
             the employee is none of them. All three may be left out.
    Missing: null where no price can be found, and of somebody alone whose rate goes by age or the like.
    """
    if held.is_empty():
        return held.with_columns(premium_cents=pl.lit(None, pl.Int64))
    missing = {name: dtype for name, dtype in VARIANT.items() if name not in held.columns}
    asked = _with_variants(
        held.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in missing.items())
    )
    key = asked.rename({"point_on": "begins_on"}).select(*POINT, "price_on").unique().sort(*POINT, "price_on")
    variants = asked.filter(pl.col("as_option").is_not_null()).unique([*SERIES, "point_on", "version"])
    points = load_coverage(connection, held.select("client_id", "person_id").unique())
    points = pl.concat([points, _points_of(variants, points)]).join(key, on=POINT, how="semi").sort(POINT)
    rulebook = load_rulebook(connection, client_ids)
    units = _units(key, points, rulebook.plan_rows)
    cases = units.select(*OWNER, as_of="price_on").unique().sort(*OWNER, "as_of")
    cases = cases.with_columns(case=pl.int_range(pl.len(), dtype=pl.Int32))
    days = cases.select("case", *OWNER, "as_of")
    span = {"begin": _day(days["as_of"].min()), "through": _day(days["as_of"].max())}
    known = known_of(connection, points, rulebook, begin=span["begin"], through=span["through"], days=days)
    units = units.join(cases.rename({"as_of": "price_on"}), on=[*OWNER, "price_on"], how="left")
    placed = known.points.with_columns(point=pl.int_range(pl.len(), dtype=pl.Int32))
    lines = with_setup(units.select("unit", "point", "case", ends_on="price_on"), placed, rulebook)
    lines = lines.with_columns(kind=pl.lit("deduction"), is_price_locked=pl.lit(value=False))
    members = pl.concat([known.members, _members_of(variants, known.members)])
    priced = with_year(
        *(lines, placed, members, known.facts, known.dependents, rulebook),
        *(known.pay_history, known.bases, known.price_decisions),
    )
    year = money.add(pl.col("year_cents"), pl.col("year_employer_cents"))
    found = priced.select("unit", premium_cents=money.divide_half_up(year, MONTHS))
    prices = units.join(found, on="unit", how="left").select(
        *SERIES, "version", "premium_cents", point_on="begins_on", price_on="asked_on"
    )
    on = [*SERIES, "version", "point_on", "price_on"]
    every = asked.join(prices, on=on, how="left", maintain_order="left")
    is_unknown = pl.col("is_alone") & pl.col("as_option").is_in(_personal(rulebook).implode())
    premium = pl.when(~is_unknown.fill_null(value=False)).then("premium_cents")
    return held.with_columns(every.select(premium.alias("premium_cents")))


def _with_variants(held: pl.DataFrame) -> pl.DataFrame:
    """Give what is priced for others than the point covers a slot of its own."""
    family = pl.struct("slot", "point_on", "version", "as_option", "covered").rank("dense")
    number = family.over(*OWNER, "plan_type").cast(pl.Int16)
    return held.with_columns(
        own_slot="slot",
        slot=pl.when(pl.col("as_option").is_null()).then("slot").otherwise(VARIANTS_FROM + number),
    )


def _points_of(variants: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Answer points as they would be with the option of those who go on."""
    on = [*OWNER, "plan_type", "own_slot", "begins_on", "version"]
    of = variants.rename({"point_on": "begins_on"}).select(*on, "as_option", as_slot="slot")
    rows = points.rename({"slot": "own_slot"}).join(of, on=on)
    return rows.with_columns(slot="as_slot", option_id="as_option").select(points.columns)


def _members_of(variants: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Answer whom those points cover."""
    rows = variants.rename({"point_on": "begins_on"}).explode("covered").drop_nulls("covered")
    return rows.select(*POINT, dependent_id="covered").select(members.columns)


def _personal(rulebook: Rulebook) -> pl.Series:
    """Answer the options whose rates go by something that is somebody's own."""
    tables = rulebook.rate_tables.filter(pl.any_horizontal(PERSONAL)).select("rate_table_id").unique()
    rows = rulebook.costs.join(tables, on="rate_table_id", how="semi")
    return rulebook.options["option_id"].gather(rows["option_row"].unique())


def _units(key: pl.DataFrame, points: pl.DataFrame, plan_rows: pl.DataFrame) -> pl.DataFrame:
    """Answer what is to be priced: unit, point (its position), price_on and the day that was asked for."""
    places = points.select(*POINT, "program_id").with_columns(point=pl.int_range(pl.len(), dtype=pl.Int32))
    locked = plan_rows.filter("is_price_locked").select("program_id", "plan_type").unique()
    rows = key.join(places, on=POINT).join(
        locked.with_columns(is_locked=pl.lit(value=True)), on=["program_id", "plan_type"], how="left"
    )
    is_locked = pl.col("is_locked").fill_null(value=False)
    return rows.with_columns(
        asked_on="price_on",
        price_on=pl.when(is_locked).then("begins_on").otherwise("price_on"),
        unit=pl.int_range(pl.len(), dtype=pl.Int32),
    )


def _day(value: object) -> date:
    """Answer a day of a frame as a day."""
    return date.fromisoformat(str(value))
