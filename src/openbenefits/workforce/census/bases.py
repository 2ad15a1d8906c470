"""The benefits bases a census states: up to three of a row, each an amount of a year by its type."""

from datetime import date

import polars as pl

from openbenefits.workforce.bounds import LARGEST_PAY_CENTS
from openbenefits.workforce.census.cells import problems
from openbenefits.workforce.census.planning import DIFFERENCE, Planned

PAIRS = (
    ("base_type", "base_amount"),
    ("base_type_2", "base_amount_2"),
    ("base_type_3", "base_amount_3"),
)
_KEY = ["person_id", "benefit_record", "base_type"]
_FACT = [*_KEY, "valid_from", "annual_pay_cents"]


def base_faults(cells: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
    """List types without an amount and the reverse, amounts that cannot be, and a type stated twice."""
    is_dependent = values["record"] == "dependent"
    found = []
    for number, (kind, amount) in enumerate(PAIRS):
        earlier = [values[one] == values[kind] for one, _ in PAIRS[:number]]
        is_twice = pl.select(pl.any_horizontal(pl.lit(value=False), *earlier)).to_series()
        has_kind, has_amount = cells[kind].is_not_null(), cells[amount].is_not_null()
        cents = values[amount]
        cure = "state type and amount together"
        found += [
            problems(cells, has_kind & ~has_amount, amount, "the amount of a year of this base", cure),
            problems(cells, has_amount & ~has_kind, kind, "the type of the base", cure),
            problems(
                cells,
                (cents < 0) | (cents > LARGEST_PAY_CENTS),
                amount,
                "dollars of a year, of 0 or more",
                "correct the amount",
            ),
            problems(cells, is_twice, kind, "each type once in a row", "remove one of them"),
            problems(
                cells, has_kind & is_dependent, kind, "a base of an employee", "move it to the employee"
            ),
        ]
    return pl.concat(found)


def plan_bases(rows: pl.DataFrame, known: pl.DataFrame, as_of: date) -> Planned:
    """Plan the bases that a row says and that do not hold already, each from the row's day.

    The day is the effective date, of who is new else the day of hire, else `as_of`; on the day of a base that
    holds it corrects that one. A blank cell states nothing.

    Shapes: rows have person_id, is_new and the census cells; known as `frames.load_benefit_bases` gives it.
    """
    day = pl.coalesce("effective_date", pl.when("is_new").then("hire_date"), pl.lit(as_of))
    stated = pl.concat(
        rows.select(
            "row",
            "person_id",
            pl.col("benefit_record").fill_null(0).cast(pl.Int16),
            pl.col(kind).alias("base_type"),
            valid_from=day,
            annual_pay_cents=amount,
        )
        for kind, amount in PAIRS
    ).drop_nulls(["base_type", "annual_pay_cents"])
    stated = stated.sort("valid_from").unique([*_KEY, "valid_from"], keep="first", maintain_order=True)
    held = known.select(*_KEY, "valid_from", held_cents="annual_pay_cents").sort("valid_from")
    beside = stated.join_asof(held, on="valid_from", by=_KEY, strategy="backward", check_sortedness=False)
    changed = beside.filter(pl.col("annual_pay_cents").ne_missing(pl.col("held_cents"))).sort("row", *_KEY)
    shown = changed.join(rows.filter(~pl.col("is_new")).select("row"), on="row", how="semi")
    differences = shown.select(
        "row",
        fact=pl.lit("benefit_base"),
        field=pl.format("base {}", "base_type"),
        before=pl.col("held_cents").cast(pl.String),
        after=pl.col("annual_pay_cents").cast(pl.String),
    )
    return Planned(
        facts=changed.select(_FACT),
        differences=differences.select(pl.col(name).cast(kind) for name, kind in DIFFERENCE.items()),
    )
