"""How each offer is priced: whether by itself, or together with all who share a rate."""

import polars as pl

from openbenefits.core.codes import RateUnit

PRICINGS = {"free": 0, "stated": 1, "shared": 2, "bundled": 3, "own": 4, "decided": 5}
"""How an option is priced: it costs nothing; by what the person states; together with all who share the
rate, or all the rates of its costs; by itself; or by what somebody decided. The first two are the positions
of their prices."""


def with_pricing(options: pl.DataFrame, costs: pl.DataFrame) -> pl.DataFrame:
    """Add `pricing` to offers. A price is shared where it depends on nothing but its cells.

    Shapes: options as those of `Offers`, in order of offer; costs as those of `Offers`.
    """
    is_flat = (pl.col("rate_unit") == RateUnit.FLAT).fill_null(value=False) & ~pl.col("is_per_member")
    costs = costs.select("offer", "has_reference", "reference_offer", is_flat=is_flat)
    other = costs.filter(~pl.col("is_flat"))["offer"].unique()
    is_measured = pl.col("reference_offer").is_in(other.implode()).fill_null(value=False)
    costs = costs.with_columns(is_simple=pl.col("is_flat") & ~pl.col("has_reference"))
    costs = costs.with_columns(is_known_by_cells=pl.col("is_flat") & ~is_measured)
    counted = costs.group_by("offer").agg(
        pl.col("is_simple", "is_known_by_cells").min(), is_single=pl.len() == 1
    )
    counted = counted.select(
        "offer", is_shared=pl.col("is_simple") & pl.col("is_single"), is_bundled="is_known_by_cells"
    )
    found = options.select("offer", "is_priced").join(counted, on="offer", how="left", maintain_order="left")
    number = {name: pl.lit(value, pl.UInt8) for name, value in PRICINGS.items()}
    pricing = (
        pl.when("is_shared")
        .then(number["shared"])
        .when("is_bundled")
        .then(number["bundled"])
        .when(pl.col("is_shared").is_not_null())
        .then(number["own"])
        .when("is_priced")
        .then(number["free"])
        .otherwise(number["stated"])
    )
    return options.with_columns(found.select(pricing=pricing).to_series())
