"""Criteria that look at several jobs of a person (docs/rules.md §2).

What is summed is one number per case. Where each job is judged by itself, people whose jobs agree in all that
rules look at share a *set* of jobs, and rules are decided per set.
"""

import polars as pl

from openbenefits.core.columns import filled, joined, numbered
from openbenefits.eligibility.facts import fact_of
from openbenefits.programs.criteria import Variant
from openbenefits.programs.fields import LIST_FIELDS, RANGE_FIELDS
from openbenefits.programs.rulebook import Rulebook

NO_JOBS = -1
"""The set of who has no such job."""


def selected(jobs: pl.DataFrame, variant: Variant) -> pl.DataFrame:
    """Keep the jobs a criterion looks at; of those whose status is missing nobody knows, so they are kept."""
    match variant.jobs:
        case "primary":
            rows = jobs.filter("is_primary")
        case "flagged":
            rows = jobs.filter(pl.col("is_for_eligibility") & pl.col("is_of_record"))
        case _:
            rows = jobs.filter("is_for_eligibility")
    if not variant.is_active_only:
        return rows
    return rows.filter(pl.col("is_active").fill_null(value=True))


def job_fact(variant: Variant) -> pl.Expr:
    """Read a criterion's field of a job: missing too where nobody knows whether the job counts."""
    fact = fact_of(variant.field)
    return pl.when(pl.col("is_active").is_not_null()).then(fact) if variant.is_active_only else fact


def with_sums(rows: pl.DataFrame, jobs: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add, per case, the sum over the jobs of each criterion that is summed: of none 0, null where unknown.

    Shapes: rows has `case`; a column is added by the key of each such variant.
    """
    for variant in rulebook.variants:
        if variant.is_summed:
            fact = job_fact(variant).cast(pl.Int64)
            sums = (
                selected(jobs, variant)
                .group_by("case")
                .agg(total=fact.sum(), is_missing=fact.is_null().any())
            )
            found = joined(rows[["case"]], sums, "case", how="left", maintain_order="left")
            total = pl.when(~pl.col("is_missing").fill_null(value=False)).then(pl.col("total").fill_null(0))
            rows = rows.with_columns(found.select(total.alias(variant.key)).to_series())
    return rows


def with_job_sets(
    rows: pl.DataFrame, jobs: pl.DataFrame, rulebook: Rulebook
) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """Number the sets of jobs that criteria judge job by job.

    Shapes: rows has `case` and client_id; `set of <selection>` is added for each selection of jobs. Answers
            also, per selection, the jobs of the sets: job_set and the fact of each variant by its key; of
            list fields the bit of the value.
    """
    sets: dict[str, pl.DataFrame] = {}
    by_selection: dict[str, list[Variant]] = {}
    for variant in rulebook.variants:
        if variant.is_per_job:
            by_selection.setdefault(variant.selection, []).append(variant)
    for selection, variants in by_selection.items():
        rows, sets[selection] = _with_job_set(rows, jobs, selection, variants, rulebook)
    return rows, sets


def _with_job_set(
    rows: pl.DataFrame, jobs: pl.DataFrame, selection: str, variants: list[Variant], rulebook: Rulebook
) -> tuple[pl.DataFrame, pl.DataFrame]:
    facts = [job_fact(variant).alias(variant.key) for variant in variants]
    members = selected(jobs, variants[0]).select("case", *facts)
    members = joined(members, rows[["case", "client_id"]], "case", maintain_order="left")
    members = members.with_columns(
        banded(members[one.key], one, rulebook) for one in variants if one.field in RANGE_FIELDS
    )
    columns = ["client_id", *(one.key for one in variants)]
    kinds, kind = numbered(members.select(columns), "kind")
    of_case = members.select("case", kind).unique().sort("case", "kind").group_by("case").agg("kind")
    sets, job_set = numbered(of_case[["kind"]], "job_set")
    found = joined(rows[["case"]], of_case.select("case", job_set), "case", how="left", maintain_order="left")
    rows = rows.with_columns(found["job_set"].fill_null(NO_JOBS).alias(set_column(selection)))
    sets = joined(sets.explode("kind"), kinds, "kind").drop("kind")
    return rows, _with_bits(sets, variants, rulebook)


def set_column(selection: str) -> str:
    """Name the column that says which set of jobs a case has."""
    return f"set of {selection}"


def _with_bits(sets: pl.DataFrame, variants: list[Variant], rulebook: Rulebook) -> pl.DataFrame:
    for one in variants:
        if one.field in LIST_FIELDS:
            sets = with_value_bit(sets, one, rulebook)
    return sets


def with_value_bit(rows: pl.DataFrame, variant: Variant, rulebook: Rulebook) -> pl.DataFrame:
    """Add `bit_<key>`: the bit of the value's group; 0 for a value no rule names; null if it is missing."""
    key, bit = variant.key, f"bit_{variant.key}"
    bits = rulebook.derived.answer(
        ("bits", key), lambda: rulebook.values[variant.field].rename({"value": key, "bit": bit})
    )
    rows = joined(rows, bits, ["client_id", key], how="left", maintain_order="left")
    return rows.with_columns(pl.when(pl.col(key).is_not_null()).then(pl.col(bit).fill_null(0)).alias(bit))


def banded(values: pl.Series, variant: Variant, rulebook: Rulebook) -> pl.Series:
    """Replace each number by the greatest bound not above it: what a rule says of both is the same."""
    bounds = rulebook.derived.answer(("bounds", variant.key), lambda: _bounds(variant, rulebook.rules))
    if bounds.is_empty():
        return values
    found = bounds[bounds[1:].search_sorted(filled(values.cast(pl.Int64), 0), "right")]
    if values.null_count():
        found = pl.select(pl.when(values.is_not_null()).then(found)).to_series()
    return found.alias(values.name)


def _bounds(variant: Variant, rules: pl.DataFrame) -> pl.Series:
    """List the numbers that rules set bounds at, in order, below them one that is less than all."""
    bounds = pl.concat([rules[f"{variant.key}_min"], rules[f"{variant.key}_max"] + 1]).cast(pl.Int64)
    bounds = bounds.drop_nulls().unique().sort()
    return pl.concat([bounds.head(1) - 1, bounds])


def with_met_by_jobs(
    pairs: pl.DataFrame, variant: Variant, met: pl.Expr, sets: pl.DataFrame, columns: list[str]
) -> pl.DataFrame:
    """Add `met_<key>`: whether one job, or every job, of the set meets it; null if nobody knows.

    Shapes: pairs has one row per profile and rule with the `columns` of the variant; `met` says it of a job.
    """
    place = set_column(variant.selection)
    key = [place, *columns]
    asked = pairs.filter(pl.col(f"{variant.key}_out").is_not_null()).select(key).unique()
    judged = asked.join(sets, left_on=place, right_on="job_set").select(*key, met.alias("met"))
    verdict = pl.col("met")
    whole = (
        verdict.any(ignore_nulls=False) if variant.evaluation == "one" else verdict.all(ignore_nulls=False)
    )
    decided = judged.group_by(key).agg(whole.alias("whole"), has_jobs=pl.len() > 0)
    found = joined(pairs.select(key), decided, key, how="left", nulls_equal=True, maintain_order="left")
    answer = pl.when("has_jobs").then("whole").otherwise(pl.lit(value=False))
    return pairs.with_columns(found.select(answer.alias(f"met_{variant.key}")).to_series())
