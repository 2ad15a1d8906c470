"""What members pay themselves, now against renewal: each feature of a plan's design, in dollars.

Units: cents, of coinsurance thousandths of a percent. A copay that is missing is deductible and coinsurance.
"""

import polars as pl

FEATURES = {
    "deductible": "Deductible, one person",
    "deductible_family": "Deductible, the family",
    "out_of_pocket_max": "Most out of pocket, one person",
    "out_of_pocket_max_family": "Most out of pocket, the family",
    "coinsurance_percent": "Coinsurance",
    "primary_visit": "Visit to a family doctor",
    "specialist_visit": "Visit to a specialist",
    "emergency_visit": "Visit to an emergency room",
    "drug": "Prescription filled",
}
"""The features of a design, as a bundle names them (programs.sections.plans), in words and in order."""

DESIGN = {"plan_id": pl.Int64(), **dict.fromkeys(FEATURES, pl.Int64())}
"""The design of a plan that states one."""

DELTA = {
    "offer_id": pl.Int64(),
    "feature": pl.String(),
    "was": pl.Int64(),
    "is_now": pl.Int64(),
    "change": pl.Int64(),
    "is_better": pl.Boolean(),
}
"""was and is_now: null for a copay that is none. change: null where one of them is. is_better: for members;
null where nothing changes, or it depends on what is used."""


def deltas(pairs: pl.DataFrame, designs: pl.DataFrame) -> pl.DataFrame:
    """Compare the design of each offer's plan with that of the plan it renews, feature by feature: DELTA.

    Shapes:  pairs has offer_id, plan_id, old_plan_id; designs as DESIGN.
    Missing: an offer that renews nothing, or whose plan or former plan states no design, has no rows.
    """
    long = designs.unpivot(index="plan_id", variable_name="feature", value_name="amount")
    now = pairs.join(long.rename({"amount": "is_now"}), on="plan_id")
    both = now.join(
        long.rename({"plan_id": "old_plan_id", "amount": "was"}), on=["old_plan_id", "feature"]
    ).filter(pl.any_horizontal(pl.col("was", "is_now").is_not_null()))
    change = pl.col("is_now") - pl.col("was")
    order = pl.col("feature").replace_strict({name: at for at, name in enumerate(FEATURES)})
    rows = both.with_columns(change=change, is_better=pl.when(change != 0).then(change < 0))
    return rows.sort("offer_id", order).select(pl.col(name).cast(kind) for name, kind in DELTA.items())
