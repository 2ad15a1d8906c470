"""Where a person has decided instead of a rule, for one event (docs/rules.md §2)."""

from functools import cache

import polars as pl

OVERRIDES = {
    "case": pl.Int32,
    "program_id": pl.Int32,
    "option_id": pl.Int32,
    "is_eligible": pl.Boolean,
    "author": pl.String,
    "reason": pl.String,
}
"""The program a person decided about, or, with `option_id`, one of its options."""


@cache
def no_overrides() -> pl.DataFrame:
    """Answer the frame in which nobody decided anything."""
    return pl.DataFrame(schema=OVERRIDES)


def decided_options(rows: pl.DataFrame, overrides: pl.DataFrame) -> pl.DataFrame:
    """Let decisions about options take the place of what rules and service areas say.

    Shapes: rows has case, option_id, is_eligible, is_undecided; the same with the last two as decided.
    """
    decided = options_decided(overrides).select("case", "option_id", is_ruled="is_eligible")
    if decided.is_empty():
        return rows
    found = rows.join(decided, on=["case", "option_id"], how="left", maintain_order="left")
    return found.with_columns(
        is_eligible=pl.coalesce("is_ruled", "is_eligible"),
        is_undecided=pl.col("is_undecided") & pl.col("is_ruled").is_null(),
    ).drop("is_ruled")


def options_decided(overrides: pl.DataFrame) -> pl.DataFrame:
    """Keep the decisions about options."""
    return overrides.filter(pl.col("option_id").is_not_null())


def with_decided_basis(results: pl.DataFrame, overrides: pl.DataFrame) -> pl.DataFrame:
    """Say of coverage that a person decided about, or about its program, that it rests on that.

    Shapes: results has case, program_id, option_id, basis.
    """
    granted = overrides.filter("is_eligible")
    if granted.is_empty():
        return results
    options = options_decided(granted).select("case", "option_id", by_option=pl.lit(value=True))
    programs = granted.filter(pl.col("option_id").is_null())
    programs = programs.select("case", "program_id", by_program=pl.lit(value=True))
    found = results.join(options, on=["case", "option_id"], how="left", maintain_order="left")
    found = found.join(programs, on=["case", "program_id"], how="left", maintain_order="left")
    is_granted = pl.col("by_option").is_not_null() | pl.col("by_program").is_not_null()
    basis = pl.when(is_granted & (pl.col("basis") == "eligible")).then(pl.lit("override")).otherwise("basis")
    return found.with_columns(basis=basis).drop("by_option", "by_program")
