"""Two packages side by side: per plan, tier and person, in months and in pays (process-management §3.2)."""

import polars as pl

from openbenefits.core import money
from openbenefits.matching.rules.take_up import takers

AMOUNTS = ("premium_cents", "employer_cents", "employee_cents", "pay_cents", "true_cents")
SIDES = ("now", "then")


def by_person(taken: pl.DataFrame, menus: pl.DataFrame, offers: pl.DataFrame, package: int) -> pl.DataFrame:
    """What each person would have in a package: person, category, tier, plan, share_micros, AMOUNTS.

    Shapes: taken as TAKEN; menus: package, category, menu; plan null where none is open to the person.
    """
    own = menus.filter(package=package).select("menu", "category")
    rows = own.join(taken, on="menu").join(offers.select("offer", "plan"), on="offer", how="left")
    return rows.select("person", "category", "tier", "plan", "share_micros", *AMOUNTS).sort(
        "person", "category"
    )


def beside(first: pl.DataFrame, second: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Put two frames of AMOUNTS side by side: <amount>_now, _then and _change; plan_now, plan_then.

    Missing: what one side lacks is null there, and so is its change: nothing is not 0.
    """
    rows = first.join(second, on=key, how="full", coalesce=True, suffix="_then", nulls_equal=True)
    told = [name for name in ("plan", "people") if name in first.columns and name not in key]
    sides = [pl.col(name).alias(f"{name}_now") for name in (*told, *AMOUNTS)]
    then = [pl.col(f"{name}_then") for name in (*told, *AMOUNTS)]
    changes = [
        money.subtract(pl.col(f"{name}_then"), pl.col(name)).alias(f"{name}_change") for name in AMOUNTS
    ]
    return rows.select(*key, *sides, *then, *changes).sort(key, nulls_last=True)


def people_beside(
    taken: pl.DataFrame, menus: pl.DataFrame, offers: pl.DataFrame, now: int, then: int
) -> pl.DataFrame:
    """Compare two packages person by person and category."""
    sides = [by_person(taken, menus, offers, package) for package in (now, then)]
    return beside(sides[0], sides[1], ["person", "category", "tier"])


def tiers_beside(
    taken: pl.DataFrame, menus: pl.DataFrame, offers: pl.DataFrame, now: int, then: int
) -> pl.DataFrame:
    """Compare two packages by category and tier, with how many people each covers."""
    return _added_up(taken, menus, offers, now, then, ["category", "tier"])


def plans_beside(
    taken: pl.DataFrame, menus: pl.DataFrame, offers: pl.DataFrame, now: int, then: int
) -> pl.DataFrame:
    """Compare two packages plan by plan: one that only one side has stands alone."""
    return _added_up(taken, menus, offers, now, then, ["category", "plan"])


def _added_up(
    taken: pl.DataFrame, menus: pl.DataFrame, offers: pl.DataFrame, now: int, then: int, key: list[str]
) -> pl.DataFrame:
    sides = []
    for package in (now, then):
        rows = by_person(taken, menus, offers, package).drop_nulls("premium_cents")
        sums = (money.total(pl.col(name)).alias(name) for name in AMOUNTS)
        sides.append(rows.group_by(key).agg(*sums, people=takers()))
    return beside(sides[0], sides[1], key)
