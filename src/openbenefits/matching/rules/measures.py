"""What a package comes to: sums and counts per plan and tier, and the six measures packages are ranked by.

Units: cents of a month; shares of people in hundredths of a percent; factors in millionths.
"""

from dataclasses import dataclass

import polars as pl

from openbenefits.core import money
from openbenefits.matching.candidates import MEDICAL, TIERED, Packages
from openbenefits.matching.people import Census
from openbenefits.matching.rules.richness import with_richness
from openbenefits.matching.rules.take_up import takers

WHOLE = 10_000
"""100 % in hundredths of a percent."""
MONTHS = 12
AMOUNTS = ("premium_cents", "employer_cents", "employee_cents", "true_cents")

MOVES = {0: 0, 1: 2_500, 2: 5_000, 3: 10_000}
"""How much of a disruption each step of `take_up.STEPS` is: by carrier and network."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What packages come to.

    packages: a row per package: MEASURES, and what stands beside them (see `measure`).
    plans:    a row per menu, offer and tier: people and AMOUNTS.
    """

    packages: pl.DataFrame
    plans: pl.DataFrame


def measure(
    packages: Packages,
    census: Census,
    taken: pl.DataFrame,
    self_only: pl.DataFrame,
    factors: pl.DataFrame,
    affordable_hundredths: int,
) -> Measured:
    """Add everything up.

    Shapes:  taken as TAKEN; self_only: menu, person, least_cents (the cheapest self-only medical coverage
             open to each person); factors: person, factor_micros (of the person's age on the curve).
             `packages` has package, code, title, is_current; AMOUNTS; pay_cents (what people pay in one pay,
             added up); people (enrolled), expected (who would be covered), unplaced; priced_out and
             unaffordable (people), pay_unknown; margin_cents, richness_hundredths, disruption_hundredths,
             pool_risk_cents.
    Missing: an amount is null where one of its parts is; true cost, and with it the margin, where a plan does
             not say it; disruption where nobody's present plan is known.
    """
    offers = with_richness(packages.offers)
    per_offer = _per_offer(taken, offers, factors)
    per_menu = _per_menu(taken, census, affordable_hundredths)
    per_menu = per_menu.join(_unaffordable(self_only, census, affordable_hundredths), on="menu", how="left")
    totals = _totals(packages, per_offer, per_menu, census)
    return Measured(packages=totals, plans=_plans(taken))


def _per_offer(taken: pl.DataFrame, offers: pl.DataFrame, factors: pl.DataFrame) -> pl.DataFrame:
    rows = taken.drop_nulls("offer").join(factors, on="person", how="left")
    moved = pl.col("step").cast(pl.Int64).replace_strict(MOVES, default=None, return_dtype=pl.Int64)
    sums = rows.group_by("menu", "offer").agg(
        *(money.total(pl.col(name)).alias(name) for name in (*AMOUNTS, "pay_cents")),
        people=takers(),
        moved=moved.fill_null(0).sum(),
        move_known=pl.col("step").count().cast(pl.Int64),
        factor=pl.col("factor_micros").fill_null(0).sum(),
        factor_known=pl.col("factor_micros").count().cast(pl.Int64),
    )
    told = offers.select("offer", "category", "richness_hundredths", "is_pooled", "risk_micros")
    return sums.join(told, on="offer").with_columns(pool_risk_cents=_pool_risk())


def _pool_risk() -> pl.Expr:
    """The claims to be expected above what the rates stand for: premium × (people's factor ÷ the rates' − 1).

    Never below zero: who is better than the rates pays for others, and is no risk. Nothing where the PEO does
    not share the risk, nor of untiered plans, whose claims the curve does not tell; unknown where nobody says
    what shared rates stand for.
    """
    known = pl.col("factor_known")
    wide = pl.col("premium_cents").cast(pl.Int128) * pl.col("factor").cast(pl.Int128)
    stands_for = pl.col("risk_micros").cast(pl.Int128) * known.cast(pl.Int128)
    expected = (wide + stands_for // 2) // stands_for
    above = (expected.cast(pl.Int64) - pl.col("premium_cents")).clip(lower_bound=0)
    is_shared = pl.col("is_pooled").fill_null(value=False) & pl.col("category").is_in(TIERED)
    return pl.when(is_shared & (known > 0)).then(above).when(is_shared).then(None).otherwise(0)


def _per_menu(taken: pl.DataFrame, census: Census, affordable_hundredths: int) -> pl.DataFrame:
    """Who finds no plan, and who would pay more than the share of his pay in his own tier."""
    pay = census.people.select("person", "annual_pay_cents")
    rows = taken.join(pay, on="person", how="left")
    is_out = pl.col("employee_cents") > _bearable(affordable_hundredths)
    return rows.group_by("menu").agg(
        placed=pl.col("offer").count().cast(pl.Int64),
        priced_out=is_out.fill_null(value=False).sum().cast(pl.Int64),
        pay_unknown=(pl.col("offer").is_not_null() & pl.col("annual_pay_cents").is_null())
        .sum()
        .cast(pl.Int64),
    )


def _bearable(affordable_hundredths: int) -> pl.Expr:
    """The most a month may cost: the rate of pay, cut to the cent (compliance.affordability)."""
    return pl.col("annual_pay_cents") // MONTHS * affordable_hundredths // WHOLE


def _unaffordable(self_only: pl.DataFrame, census: Census, affordable_hundredths: int) -> pl.DataFrame:
    """Count the people for whom the cheapest self-only coverage costs more than the share of pay."""
    rows = self_only.join(census.people.select("person", "annual_pay_cents"), on="person", how="left")
    is_out = pl.col("least_cents") > _bearable(affordable_hundredths)
    return rows.group_by("menu").agg(unaffordable=is_out.fill_null(value=False).sum().cast(pl.Int64))


def _totals(
    packages: Packages, per_offer: pl.DataFrame, per_menu: pl.DataFrame, census: Census
) -> pl.DataFrame:
    menus = packages.menus.select("package", "category", "menu")
    held = menus.join(per_offer, on="menu")
    is_medical = pl.col("category") == MEDICAL
    richness = pl.col("richness_hundredths")
    sums = held.group_by("package").agg(
        *(money.total(pl.col(name)).alias(name) for name in (*AMOUNTS, "pay_cents", "pool_risk_cents")),
        people=pl.col("people").sum(),
        moved=pl.col("moved").sum(),
        move_known=pl.col("move_known").sum(),
        rich=(richness * pl.col("people")).filter(is_medical).sum(),
        rich_people=pl.col("people").filter(is_medical).sum(),
        is_rich_known=richness.filter(is_medical).is_not_null().all(),
    )
    counts = (
        menus.join(per_menu, on="menu")
        .group_by("package")
        .agg(pl.col("placed", "priced_out", "pay_unknown").sum(), pl.col("unaffordable").sum())
    )
    rows = packages.packages.join(sums, on="package", how="left").join(counts, on="package", how="left")
    nothing = [pl.col(name).fill_null(0) for name in ("people", "placed", "priced_out", "pay_unknown")]
    rows = rows.with_columns(*nothing, pl.col("unaffordable").fill_null(0))
    placed = menus.join(per_menu.select("menu", "placed"), on="menu", how="left")
    expected = _expected(packages, placed, census)
    rows = rows.join(expected, on="package", how="left", maintain_order="left")
    return _with_measures(rows.with_columns(pl.col("expected").fill_null(0))).sort("code")


def _expected(packages: Packages, menus: pl.DataFrame, census: Census) -> pl.DataFrame:
    """Count who would be covered by each package: package, expected.

    Whoever is covered today, whether a package has the category or not; all whose coverage it would begin,
    and all it asks. Of a category that only other packages ask about, those who have it in this one.

    Shapes: menus: package, category, menu, placed.
    """
    asked = packages.offers.filter(pl.col("take_up_micros").is_not_null()).select("offer")
    asking = packages.choices.join(asked, on="offer").select("menu").unique()
    told = menus.join(asking.with_columns(is_asked=pl.lit(value=True)), on="menu", how="left")
    counts = census.covered.group_by("category").agg(
        asked=pl.col("is_asked").sum().cast(pl.Int64), held=(~pl.col("is_asked")).sum().cast(pl.Int64)
    )
    rows = packages.packages.select("package").join(counts, how="cross")
    rows = rows.join(told, on=["package", "category"], how="left")
    is_absent = pl.col("category").is_in(list(census.assumed)) & pl.col("menu").is_null()
    expected = (
        pl.when("is_asked")
        .then("asked")
        .when(is_absent)
        .then(0)
        .when(pl.col("held") > 0)
        .then("held")
        .otherwise(pl.col("placed").fill_null(0))
    )
    return rows.group_by("package").agg(expected=expected.sum())


def _with_measures(rows: pl.DataFrame) -> pl.DataFrame:
    rounded = money.divide_half_up
    return rows.with_columns(
        unplaced=pl.col("expected") - pl.col("placed"),
        margin_cents=money.subtract(pl.col("premium_cents"), pl.col("true_cents")),
        richness_hundredths=pl.when(pl.col("is_rich_known") & (pl.col("rich_people") > 0)).then(
            rounded(pl.col("rich"), pl.when(pl.col("rich_people") > 0).then("rich_people").otherwise(1))
        ),
        disruption_hundredths=pl.when(pl.col("move_known") > 0).then(
            rounded(pl.col("moved"), pl.when(pl.col("move_known") > 0).then("move_known").otherwise(1))
        ),
    ).drop("moved", "move_known", "rich", "rich_people", "is_rich_known", "placed")


def _plans(taken: pl.DataFrame) -> pl.DataFrame:
    """People and amounts per menu, offer and tier (coverage counts of process-management §3.2)."""
    sums = (money.total(pl.col(name)).alias(name) for name in (*AMOUNTS, "pay_cents"))
    rows = taken.drop_nulls("offer").group_by("menu", "offer", "tier").agg(*sums, people=takers())
    return rows.sort("menu", "offer", "tier")
