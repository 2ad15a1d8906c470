"""What prices are looked up in: quotes of costs by their cell, pays of the calendar year."""

from functools import cached_property

import polars as pl

from openbenefits.core.columns import gathered, joined, spread
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.offers import Offers
from openbenefits.rating.rules.quotes import states_employer

EVERY_PERIOD = 31
"""The flags of a deduction taken in all pays of a month."""

FLAG_SETS = 32
FAULTS = {"area": 1, "birth": 2, "rate": 3, "coverage": 4, "calculation": 5, "nobody": 6, "calendar": 7}
"""Why a quote has no cell, by number."""


class Book:
    """What prices are looked up in, made ready once."""

    def __init__(self, plans: pl.DataFrame, quotes: pl.DataFrame, offers: Offers, rulebook: Rulebook) -> None:
        self.plans, self.quotes, self.offers, self.rulebook = plans, quotes, offers, rulebook
        self.bases: pl.DataFrame | None = None
        self.decided: pl.DataFrame | None = None
        years = plans[["pay_year"]].unique().drop_nulls().with_row_index("year_number")
        self.years = years.height
        found = joined(plans[["pay_year"]], years, "pay_year", how="left", maintain_order="left")
        self.year_numbers = found["year_number"].cast(pl.Int64)
        self.pays: pl.Series = rulebook.judged.answer_of("pays", years, lambda: _pays(years, rulebook))
        self.states_employer = states_employer(rulebook)

    @cached_property
    def cells(self) -> pl.Series:
        """The cell of each quote, from 1 on; below are the reasons why there is none."""
        cells, fault = self.quotes["cell"], self.quotes["fault"]
        if fault.null_count() < fault.len():
            faults = fault.replace_strict(FAULTS, default=None, return_dtype=pl.Int64)
            cells = cells.fill_null(-1 - faults.fill_null(0))
        return cells.fill_null(-1) + len(FAULTS) + 1


def _pays(years: pl.DataFrame, rulebook: Rulebook) -> pl.Series:
    """How many flagged pays there are, at year number × 32 + flags; null where nothing is known."""
    counts = rulebook.pay_counts.select("period_flags", "pays", pay_year=pay_year())
    found = joined(counts, years, "pay_year").with_columns(
        at=pl.col("year_number").cast(pl.Int64) * FLAG_SETS + pl.col("period_flags").cast(pl.Int64)
    )
    nothing = pl.Series("pays", [None], pl.Int64).new_from_index(0, (years.height + 1) * FLAG_SETS)
    return nothing.scatter(found["at"], found["pays"])


def pay_year(group: str = "pay_group_id", year: str = "year") -> pl.Expr:
    """Pack a pay group and a calendar year into one key."""
    return pl.col(group).cast(pl.Int64) * 10_000 + pl.col(year).cast(pl.Int64)


def pays_of_year(plans: pl.DataFrame, rulebook: Rulebook) -> pl.Series:
    """How many pays the year of each plan row has, whatever they take; null where nothing is known.

    Shapes: plans has pay_year.
    """
    keys = plans[["pay_year"]]
    counts = rulebook.pay_counts.filter(period_flags=EVERY_PERIOD).select("pays", pay_year=pay_year())
    return joined(keys, counts, "pay_year", how="left", maintain_order="left")["pays"]


def quote(plan: pl.Series, cost: pl.Series, book: Book) -> pl.Series:
    """Find the quote of a cost for a plan row."""
    ordinal = gathered(book.offers.costs["unit_ordinal"], cost)
    return (gathered(book.plans["first_quote"], plan) + ordinal).alias("quote")


def costs_of(chosen: pl.DataFrame, book: Book) -> pl.DataFrame:
    """List the costs of options, with their quotes."""
    return quoted(spread(chosen, "first_cost", "costs", "cost").drop("first_cost"), book)


def quoted(costs: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Add the quote of each cost."""
    return costs.hstack([quote(costs["plan"], costs["cost"], book)])
