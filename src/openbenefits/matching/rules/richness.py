"""How rich a plan is: its stated actuarial value, else points for its design by one published table.

The table is this product's own: it orders designs and is no actuarial value. Of each feature so many points
of a hundred are lost as what members pay rises from `free` to `most`; what a plan leaves open is not guessed.
"""

import polars as pl

FEATURES = pl.DataFrame(
    {
        "feature": [
            "deductible_cents",
            "out_of_pocket_cents",
            "coinsurance_micros",
            "primary_visit_cents",
            "drug_cents",
        ],
        "free": [0, 100_000, 0, 0, 0],
        "most": [700_000, 920_000, 50_000_000, 8_000, 5_000],
        "points": [1_500, 1_500, 600, 200, 200],
    }
)
"""Points in hundredths: a plan loses at most 40 of 100, so that designs lie between 60 and 100 as metal
levels do (45 CFR 156.140: 60, 70, 80, 90 %)."""

FULL = 10_000
NEEDED = ("deductible_cents", "out_of_pocket_cents", "coinsurance_micros")
"""Without these a design cannot be judged; what has no copay goes to deductible and coinsurance."""


def with_richness(offers: pl.DataFrame) -> pl.DataFrame:
    """Add richness_hundredths (8000: 80 of 100).

    Missing: null where neither the actuarial value nor deductible, out-of-pocket maximum and coinsurance are
             stated.
    """
    lost = [_lost(*row) for row in FEATURES.iter_rows()]
    by_design = pl.lit(FULL, pl.Int64)
    for one in lost:
        by_design = by_design - one.fill_null(0)
    is_known = pl.all_horizontal(pl.col(name).is_not_null() for name in NEEDED)
    return offers.with_columns(
        richness_hundredths=pl.coalesce("actuarial_hundredths", pl.when(is_known).then(by_design))
    )


def _lost(feature: str, free: int, most: int, points: int) -> pl.Expr:
    """The points a feature costs, in proportion between free and most, rounded down."""
    above = (pl.col(feature).clip(free, most) - free) * points
    return above // (most - free)
