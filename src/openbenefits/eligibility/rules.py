"""Who may have what, and why: pure decisions on columns (docs/rules.md §2 and §3).

Every criterion of every rule of a participant's client yields two bits, *failed* and *unknown*. A rule is
met when both words are 0, undecided when only the second is not; of criteria of which one suffices, only what
the group comes to counts. The rules met fold into one word per case, which programs and options test with a
single `&`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from openbenefits.core.columns import joined, numbered, take
from openbenefits.eligibility.facts import counted_day, measured, with_counted_days
from openbenefits.eligibility.jobs import (
    banded,
    set_column,
    with_job_sets,
    with_met_by_jobs,
    with_sums,
    with_value_bit,
)
from openbenefits.programs.criteria import Variant
from openbenefits.programs.fields import GEOGRAPHY_FIELD, RANGE_FIELDS
from openbenefits.programs.links import MOST_GROUPS
from openbenefits.programs.rulebook import Rulebook


@dataclass(frozen=True, kw_only=True)
class Eligibility:
    """What the rules say.

    cases:    the cases with `profile`, rules_met, rules_undecided and geographies_met (words of bits), and
              `verdict`: cases of the same verdict have the same words.
    profiles: one row per `profile` (= position): cases that agree in all that their rules look at.
    rules:    one row per profile and rule: rule_id, rule_bit, valid_from, failed, unknown; and
              criteria_failed, criteria_unknown, which say it of each criterion by itself, whatever its group
              comes to. See `rules_of_cases`.
    """

    cases: pl.DataFrame
    profiles: pl.DataFrame
    rules: pl.DataFrame


def evaluate(cases: pl.DataFrame, jobs: pl.DataFrame, rulebook: Rulebook) -> Eligibility:
    """Decide every eligibility rule of the client for every case, as of its event date.

    Shapes:  cases has one row per case (`case` = its position) with the facts; jobs every job of each case
             (`Situation.jobs`), where some rule looks at more than the primary one. The result keeps the
             order and adds profile, rules_met, rules_undecided, geographies_met, verdict.
    Missing: a missing value makes its criterion unknown; a rule with an unknown criterion is never met. A
             rule that does not hold yet is undecided.
    """
    cases, profiles, sets = _profiles(_with_geographies(cases, rulebook), jobs, rulebook)
    if sets:
        profiles, rules = _judged(profiles, sets, rulebook)
    else:
        profiles, rules = rulebook.judged.answer_of(
            "profiles", profiles, lambda: _judged(profiles, sets, rulebook)
        )
    words = take(profiles, cases["profile"], "rules_met", "rules_undecided", "verdict")
    return Eligibility(cases=cases.with_columns(words), profiles=profiles, rules=rules)


def _judged(
    profiles: pl.DataFrame, sets: dict[str, pl.DataFrame], rulebook: Rulebook
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Decide every rule for every profile: profiles and rules as `Eligibility` has them."""
    for variant in rulebook.variants:
        if _is_listed(variant) and not variant.is_of_jobs:
            profiles = with_value_bit(profiles, variant, rulebook)
    rules = _decide(profiles, sets, rulebook)
    decided = ("failed", "unknown", "criteria_failed", "criteria_unknown")
    rules = rules.select("profile", "rule_id", "rule_bit", "valid_from", *decided)
    return _with_verdict(_with_words(profiles, rules, rulebook)), rules


def rules_of_cases(eligibility: Eligibility) -> pl.DataFrame:
    """List case, rule_id, rule_bit, failed, unknown: what each rule says of each case."""
    return joined(eligibility.cases[["case", "profile"]], eligibility.rules, "profile").drop("profile")


def is_met() -> pl.Expr:
    """No criterion failed and none is unknown."""
    return (pl.col("failed") == 0) & (pl.col("unknown") == 0)


def is_undecided() -> pl.Expr:
    """No criterion failed, but at least one cannot be decided."""
    return (pl.col("failed") == 0) & (pl.col("unknown") != 0)


def _profiles(
    cases: pl.DataFrame, jobs: pl.DataFrame, rulebook: Rulebook
) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, pl.DataFrame]]:
    """Number the distinct combinations of what the rules look at: many people share one.

    A number counts only by the bounds of the rules that it reaches, so that two salaries on the same side of
    every bound are the same. Answers also the sets of jobs that are judged job by job.
    """
    variants = [one for one in rulebook.variants if one.field != GEOGRAPHY_FIELD]
    own = [one for one in variants if not one.is_of_jobs]
    facts = rulebook.derived.answer(
        "facts", lambda: [measured(one, pl.col(counted_day(one))).alias(one.key) for one in own]
    )
    rows = with_counted_days(cases, own).select(
        "case", "client_id", "event_on", "has_job", "geographies_met", *facts
    )
    sets: dict[str, pl.DataFrame] = {}
    if any(one.is_of_jobs for one in variants):
        rows, sets = with_job_sets(with_sums(rows, jobs, rulebook), jobs, rulebook)
    rows = rows.with_columns(
        banded(rows[one.key], one, rulebook)
        for one in variants
        if one.field in RANGE_FIELDS and not one.is_per_job
    )
    key = rows.columns[1:]
    profiles, numbers = numbered(rows.select(key), "profile")
    return cases.with_columns(numbers), profiles, sets


def _with_geographies(cases: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add geographies_met: the bits of the geographies the home zip lies in; null if the zip is missing."""
    known = pl.col("zip").is_not_null()
    if rulebook.geographies.is_empty():
        return cases.with_columns(geographies_met=pl.when(known).then(pl.lit(0, pl.Int64)))
    places = cases[["client_id", "zip"]].drop_nulls().unique()
    met = (
        joined(places, rulebook.geographies, "client_id")
        .join(rulebook.zips, on=["geography_id", "zip"], how="semi")
        .group_by("client_id", "zip")
        .agg(geographies_met=pl.col("geography_bit").bitwise_or())
    )
    found = joined(cases[["client_id", "zip"]], met, ["client_id", "zip"], how="left", maintain_order="left")
    words = found.select(geographies_met=pl.when(known).then(pl.col("geographies_met").fill_null(0)))
    return cases.with_columns(words.get_columns())


def _decide(profiles: pl.DataFrame, sets: dict[str, pl.DataFrame], rulebook: Rulebook) -> pl.DataFrame:
    """Give the failed and unknown words of every profile and rule that holds on the event date."""
    variants = rulebook.variants
    facts = dict.fromkeys(["profile", "client_id", "event_on", *(_fact_column(one) for one in variants)])
    pairs = joined(profiles.select(list(facts)), rulebook.rules, "client_id")
    pairs = pairs.filter(
        (pl.col("valid_from") <= pl.col("event_on")) & (pl.col("event_on") < pl.col("valid_to"))
    )
    pairs = pairs.with_columns(_met(one).alias(f"met_{one.key}") for one in variants if not one.is_per_job)
    for one in variants:
        if one.is_per_job:
            pairs = with_met_by_jobs(pairs, one, _met(one), sets[one.selection], _bounds(one))
    words = pairs.with_columns(
        criteria_failed=_word(_failed(one) * one.bit for one in variants),
        criteria_unknown=_word(_unknown(one) * one.bit for one in variants),
    )
    return _linked(words.with_columns(failed="criteria_failed", unknown="criteria_unknown"), rulebook)


def _linked(rules: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Count, of criteria of which one suffices, only what the group comes to.

    One is met: none of the group counts. Else one is unknown: those that failed do not count.
    """
    if "any_1" not in rulebook.rules.columns:
        return rules
    for group in range(1, MOST_GROUPS + 1):
        of_group, failed, unknown = pl.col(f"any_{group}"), pl.col("failed"), pl.col("unknown")
        is_met_ = (of_group & ~(failed | unknown)) != 0
        is_open = (of_group & unknown) != 0
        rules = rules.with_columns(
            failed=pl.when(is_met_ | is_open).then(failed & ~of_group).otherwise(failed),
            unknown=pl.when(is_met_).then(unknown & ~of_group).otherwise(unknown),
        )
    return rules


def _with_words(profiles: pl.DataFrame, rules: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Fold the rules of each profile into rules_met and rules_undecided."""
    failed = pl.col("failed") != 0
    words = rules.group_by("profile").agg(
        rules_met=pl.col("rule_bit").filter(is_met()).bitwise_or(),
        rules_failed=pl.col("rule_bit").filter(failed).bitwise_or(),
    )
    every = rulebook.derived.answer(
        "every_rule",
        lambda: rulebook.rules.group_by("client_id").agg(every_rule=pl.col("rule_bit").bitwise_or()),
    )
    found = joined(
        joined(profiles, words, "profile", how="left", maintain_order="left"),
        every,
        "client_id",
        how="left",
        maintain_order="left",
    )
    found = found.with_columns(pl.col("rules_met", "rules_failed", "every_rule").fill_null(0))
    decided = pl.col("rules_met") | pl.col("rules_failed")
    return found.with_columns(rules_undecided=pl.col("every_rule") & ~decided).drop(
        "rules_failed", "every_rule", "^bit_.*$"
    )


_VERDICT = ["rules_met", "rules_undecided", "geographies_met"]


def _with_verdict(profiles: pl.DataFrame) -> pl.DataFrame:
    """Number the distinct words: few, however many profiles there are."""
    return profiles.with_columns(numbered(profiles.select(_VERDICT), "verdict")[1])


def _is_listed(variant: Variant) -> bool:
    return variant.field not in RANGE_FIELDS and variant.field != GEOGRAPHY_FIELD


def _fact_column(variant: Variant) -> str:
    """Name the column of a profile that a criterion is about: a fact, or the set of jobs that is judged."""
    if variant.is_per_job:
        return set_column(variant.selection)
    if variant.field == GEOGRAPHY_FIELD:
        return "geographies_met"
    return f"bit_{variant.key}" if _is_listed(variant) else variant.key


def _bounds(variant: Variant) -> list[str]:
    """Name the columns of a rule that say what the fact has to be."""
    names = ("min", "max") if variant.field in RANGE_FIELDS else ("mask",)
    return [f"{variant.key}_{name}" for name in names]


def _met(variant: Variant) -> pl.Expr:
    """Whether a fact (or a job's fact) meets the criterion, before `exclude`; null when it is missing."""
    key = variant.key
    if _is_listed(variant):
        return (pl.col(f"bit_{key}") & pl.col(f"{key}_mask")) != 0
    if variant.field == GEOGRAPHY_FIELD:
        return (pl.col("geographies_met") & pl.col(f"{key}_mask")) != 0
    fact, low, high = pl.col(key), pl.col(f"{key}_min"), pl.col(f"{key}_max")
    above = (fact >= low).fill_null(low.is_null())
    below = (fact <= high).fill_null(high.is_null())
    return pl.when(fact.is_not_null()).then(above & below)


def _failed(variant: Variant) -> pl.Expr:
    """A criterion in use that the fact decides against."""
    is_against = pl.col(f"met_{variant.key}") == pl.col(f"{variant.key}_out")
    return is_against.fill_null(value=False).cast(pl.Int64)


def _unknown(variant: Variant) -> pl.Expr:
    """A criterion in use whose fact is missing."""
    is_used = pl.col(f"{variant.key}_out").is_not_null()
    return (is_used & pl.col(f"met_{variant.key}").is_null()).cast(pl.Int64)


def _word(bits: Iterable[pl.Expr]) -> pl.Expr:
    """Put the bits of a rule's criteria together: it looks at a field in one way, so none comes twice."""
    word = pl.lit(0, pl.Int64)
    for bit in bits:
        word = word + bit
    return word
