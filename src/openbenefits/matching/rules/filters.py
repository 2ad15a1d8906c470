"""Hard filters: what keeps a package from being chosen at all, each with what was expected and found.

A refused package is not ranked, and is shown with every reason there is (process-management §3.2).
"""

from dataclasses import dataclass

import polars as pl

from openbenefits.matching.candidates import Packages
from openbenefits.matching.people import Census
from openbenefits.matching.rules.take_up import takers

WHOLE = 10_000
PERCENT = 1_000_000

REFUSED = {
    "package": pl.Int32(),
    "rule": pl.String(),
    "plan": pl.String(),
    "expected": pl.String(),
    "found": pl.String(),
}


@dataclass(frozen=True, kw_only=True)
class Demands:
    """What is asked of every package.

    most_unplaced: how many of those covered today may be left without a plan, in hundredths of a percent.
    most_priced_out: … may have to pay more than the affordable share of pay; None: however many.
    min_contribution_micros: the least share of self-only premiums the employer pays, whatever carriers ask.
    state: the client's state, for carriers that serve some states only.
    """

    most_unplaced: int = 0
    most_priced_out: int | None = None
    min_contribution_micros: int = 0
    state: str | None = None


def refusals(
    packages: Packages,
    measured: pl.DataFrame,
    taken: pl.DataFrame,
    census: Census,
    self_only: pl.DataFrame,
    demands: Demands,
) -> pl.DataFrame:
    """List why packages cannot be chosen: REFUSED, every reason of each.

    Shapes: measured as `Measured.packages`; self_only: offer, premium_cents, employer_cents (added up over
            the people an offer is open to).
    """
    held = packages.menus.join(packages.choices, on="menu").join(packages.offers, on="offer")
    found = [
        *_of_people(measured, demands),
        _unpriced(measured),
        _participation(held, taken, census),
        _contribution(held, self_only, demands),
        *_group_size(held, census),
        _state(held, demands),
        _sole_carrier(held),
    ]
    told = [one.select(pl.col(name).cast(kind) for name, kind in REFUSED.items()) for one in found]
    rows = pl.concat([pl.DataFrame(schema=REFUSED), *told])
    return rows.unique().sort("package", "rule", "plan", nulls_last=False)


def _percent(share: pl.Expr) -> pl.Expr:
    """Hundredths of a percent in words: 6250 is 62.5 %."""
    return pl.format("{} %", share.cast(pl.Float64) * 0.01)


def _nowhere() -> pl.Expr:
    return pl.lit(None, pl.String)


def _of_people(measured: pl.DataFrame, demands: Demands) -> list[pl.DataFrame]:
    limits = (
        ("network", "unplaced", demands.most_unplaced),
        ("affordable", "priced_out", demands.most_priced_out),
    )
    found = []
    for rule, column, most in limits:
        if most is None:
            continue
        many = measured.filter(pl.col(column) * WHOLE > most * pl.col("expected"))
        found.append(
            many.select(
                "package",
                rule=pl.lit(rule),
                plan=_nowhere(),
                expected=pl.format("at most {} of people", _percent(pl.lit(most))),
                found=pl.format("{} of {}", column, "expected"),
            )
        )
    return found


def _unpriced(measured: pl.DataFrame) -> pl.DataFrame:
    """Nobody could take any of its plans, or their price is not known."""
    return measured.filter(pl.col("premium_cents").is_null() | (pl.col("people") == 0)).select(
        "package",
        rule=pl.lit("price"),
        plan=_nowhere(),
        expected=pl.lit("a price for the people who take its plans"),
        found=pl.lit("none"),
    )


def _participation(held: pl.DataFrame, taken: pl.DataFrame, census: Census) -> pl.DataFrame:
    """Enrolled with a carrier in a category, of those who have no coverage elsewhere."""
    asked = held.drop_nulls("min_participation_micros")
    excused = census.excused.group_by("category").agg(excused=pl.col("person").n_unique())
    people = taken.drop_nulls("offer").group_by("menu", "offer").agg(enrolled=takers())
    every = held.join(people, on=["menu", "offer"], how="left").with_columns(pl.col("enrolled").fill_null(0))
    of_carrier = every.group_by("package", "category", "carrier").agg(pl.col("enrolled").sum())
    rows = asked.join(of_carrier, on=["package", "category", "carrier"], nulls_equal=True)
    rows = rows.join(excused, on="category", how="left").with_columns(
        base=pl.lit(census.people.height) - pl.col("excused").fill_null(0).cast(pl.Int64)
    )
    demanded = pl.col("min_participation_micros")
    few = rows.filter(pl.col("enrolled").cast(pl.Int64) * 100 * PERCENT < demanded * pl.col("base"))
    return few.select(
        "package",
        "plan",
        rule=pl.lit("participation"),
        expected=pl.format("at least {} of those without other coverage", _percent(demanded // 10_000)),
        found=pl.format("{} of {}", "enrolled", "base"),
    )


def _contribution(held: pl.DataFrame, self_only: pl.DataFrame, demands: Demands) -> pl.DataFrame:
    """The employer's part of the self-only premiums of a plan, over everybody it is open to."""
    least = pl.max_horizontal(
        pl.col("min_contribution_micros").fill_null(0), pl.lit(demands.min_contribution_micros, pl.Int64)
    )
    rows = held.with_columns(least=least).filter(pl.col("least") > 0).join(self_only, on="offer")
    low = rows.filter(
        pl.col("employer_cents").cast(pl.Int128) * (100 * PERCENT)
        < pl.col("least").cast(pl.Int128) * pl.col("premium_cents").cast(pl.Int128)
    )
    share = pl.col("employer_cents") * WHOLE // pl.col("premium_cents")
    return low.select(
        "package",
        "plan",
        rule=pl.lit("contribution"),
        expected=pl.format("at least {} of self-only premiums", _percent(pl.col("least") // 10_000)),
        found=_percent(share),
    )


def _group_size(held: pl.DataFrame, census: Census) -> list[pl.DataFrame]:
    size = census.people.height
    small = held.filter(pl.col("min_group") > size).with_columns(limit="min_group", word=pl.lit("at least"))
    large = held.filter(pl.col("max_group") < size).with_columns(limit="max_group", word=pl.lit("at most"))
    return [
        rows.select(
            "package",
            "plan",
            rule=pl.lit("group size"),
            expected=pl.format("{} {} employees", "word", "limit"),
            found=pl.lit(str(size)),
        )
        for rows in (small, large)
    ]


def _state(held: pl.DataFrame, demands: Demands) -> pl.DataFrame:
    if demands.state is None:
        return pl.DataFrame(schema=REFUSED)
    serves = pl.col("states").str.split(" ").list.contains(demands.state)
    return (
        held.drop_nulls("states")
        .filter(~serves)
        .select(
            "package",
            "plan",
            rule=pl.lit("state"),
            expected=pl.format("a client in one of {}", "states"),
            found=pl.lit(demands.state),
        )
    )


def _sole_carrier(held: pl.DataFrame) -> pl.DataFrame:
    carriers = held.group_by("package", "category").agg(carriers=pl.col("carrier").n_unique())
    rows = held.filter(pl.col("is_sole_carrier").fill_null(value=False)).join(
        carriers, on=["package", "category"]
    )
    return rows.filter(pl.col("carriers") > 1).select(
        "package",
        "plan",
        rule=pl.lit("carrier"),
        expected=pl.lit("no other carrier beside it in its category"),
        found=pl.format("{} carriers", "carriers"),
    )
