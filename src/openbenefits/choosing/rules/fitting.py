"""Which options' coverage codes cover exactly whom a person means to cover. Pure."""

import polars as pl

from openbenefits.core.codes import PERSON_KINDS
from openbenefits.core.columns import with_taken
from openbenefits.eligibility.dependents import counted, is_of_kind
from openbenefits.programs.rulebook import PERSON_COUNTS, Rulebook


def with_fitting(options: pl.DataFrame, rulebook: Rulebook, covered: pl.DataFrame) -> pl.DataFrame:
    """Add is_fitting: as many of each kind are to be covered as the option's coverage code covers.

    Shapes:  options has plan_type and option_row; covered has plan_type and person_type, a row for each
             dependent to be covered. An option without a coverage code fits everybody.
    """
    counts = covered.group_by("plan_type").agg(
        is_of_kind(kind).sum().cast(pl.Int64).alias(counted(kind)) for kind in PERSON_KINDS
    )
    rows = options.join(counts, on="plan_type", how="left", maintain_order="left").with_columns(
        pl.col(counted(kind)).fill_null(0) for kind in PERSON_KINDS
    )
    rows = with_taken(rows, rulebook.options, "option_row", "coverage_code_id", *PERSON_COUNTS)
    fits = [
        pl.col(counted(kind)).is_between(pl.col(f"{kind}_min"), pl.col(f"{kind}_max"))
        for kind in PERSON_KINDS
    ]
    is_fitting = pl.col("coverage_code_id").is_null() | pl.all_horizontal(fits)
    return rows.with_columns(is_fitting=is_fitting.fill_null(value=True)).drop(
        "coverage_code_id", *PERSON_COUNTS, *(counted(kind) for kind in PERSON_KINDS)
    )
