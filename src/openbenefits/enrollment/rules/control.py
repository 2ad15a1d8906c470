"""What closes options beside `select`: changes of persons, restricted re-entry (docs/rules.md §4.9, §4.10).

Both are rare, so both answer at once where no set-up row uses them, and else look only at the plan rows whose
rules say something.
"""

from collections.abc import Sequence
from functools import cache

import polars as pl

from openbenefits.core import days
from openbenefits.core.codes import KIND_OF, PERSON_KINDS, OptionType, PersonType, WithoutCurrent
from openbenefits.core.columns import joined, with_taken
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.offers import Offers

LEFT = {"case": pl.Int32, "plan_type": pl.String, "left_on": pl.Date}
HELD_MEMBERS = {"case": pl.Int32, "plan_type": pl.String, "dependent_id": pl.Int64}
CLOSED = {"plan": pl.Int32, "option_id": pl.Int32, "closed_by": pl.String}
JUDGED = ("plan", "kind", "may_stay", "may_rise", "may_fall", "without_current", "present")
RE_ENTRY = "re-entry"

COVERED_AS = {**KIND_OF, str(PersonType.EX_SPOUSE): "spouse"}
"""The kind somebody who is covered counts under: a former spouse was covered as one."""


@cache
def nobody_left() -> pl.DataFrame:
    """An empty frame of plan types left."""
    return pl.DataFrame(schema=LEFT)


@cache
def no_held_members() -> pl.DataFrame:
    """An empty frame of dependents in force."""
    return pl.DataFrame(schema=HELD_MEMBERS)


# --- restricted re-entry ----------------------------------------------------------------------------------


def with_barred(plans: pl.DataFrame, left: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add is_barred (may not enter again yet) and may_enter_on (null: no restriction) to plan rows.

    Shapes: left has case, plan_type, left_on: the first day without coverage that was left.
    """
    if left.is_empty() or not (rulebook.plan_rows["restrict_entry_months"] > 0).any():
        return plans.with_columns(is_barred=pl.lit(value=False), may_enter_on=pl.lit(None, pl.Date))
    found = joined(
        plans[["case", "plan_type", "plan_row"]],
        left,
        ["case", "plan_type"],
        how="left",
        maintain_order="left",
    )
    months = pl.col("restrict_entry_months")
    may_enter_on = (
        with_taken(found, rulebook.plan_rows, "plan_row", "restrict_entry_months")
        .select(may_enter_on=pl.when(months > 0).then(days.add_months(pl.col("left_on"), months)))
        .to_series()
    )
    is_early = (pl.col("coverage_begins_on") < pl.col("may_enter_on")).fill_null(value=False)
    return plans.with_columns(may_enter_on).with_columns(
        is_barred=is_early & ~pl.col("is_in_force") & ~pl.col("is_reinstated")
    )


# --- what is closed ---------------------------------------------------------------------------------------


def with_closed(
    options: pl.DataFrame,
    plans: pl.DataFrame,
    members: pl.DataFrame,
    held_members: pl.DataFrame,
    offers: Offers,
    rulebook: Rulebook,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take from the electable options those that re-entry or a change of persons closes, and name them.

    Shapes: held_members (case, plan_type, dependent_id) are the dependents in force. Answers the options, and
            CLOSED: plan, option_id, and the kind of persons or RE_ENTRY.
    """
    barred = plans[["plan", "is_barred"]].filter("is_barred")["plan"]
    judged = judged_plans(plans, members, held_members, rulebook)
    if barred.is_empty() and judged.is_empty():
        return options, pl.DataFrame(schema=CLOSED)
    watched = pl.concat([barred, judged["plan"]]).unique()
    rows = options[["plan", "option_id", "option_type", "offer"]].with_row_index("at")
    rows = rows.filter(pl.col("plan").is_in(watched.implode()), option_type=str(OptionType.OPTION))
    late = rows.filter(pl.col("plan").is_in(barred.implode())).with_columns(closed_by=pl.lit(RE_ENTRY))
    columns = ["at", "plan", "option_id", "closed_by"]
    closed = pl.concat([late.select(columns), _closed_by_persons(rows, judged, offers).select(columns)])
    is_electable = options["is_electable"].clone()
    if closed.height:
        is_electable = is_electable.scatter(closed["at"].unique(), values=False)
    return options.with_columns(is_electable), closed.select(
        pl.col(name).cast(kind) for name, kind in CLOSED.items()
    )


def judged_plans(
    plans: pl.DataFrame, members: pl.DataFrame, held_members: pl.DataFrame, rulebook: Rulebook
) -> pl.DataFrame:
    """List, per plan row and kind that its rule row restricts, what may change and how many are covered now.

    Shapes: plan, kind, may_stay, may_rise, may_fall, without_current, present (null: no current option).
    """
    ruled = plans[["case", "plan", "plan_type", "rule_row", "current_option_id"]]
    ruled = joined(ruled, rulebook.person_changes, "rule_row")
    if ruled.is_empty():
        return ruled.with_columns(present=pl.lit(None, pl.Int64)).select(JUDGED)
    named = joined(
        held_members,
        members[["case", "dependent_id", "person_type"]],
        ["case", "dependent_id"],
        how="left",
    )
    named = joined(named, ruled[["case", "plan_type"]], ["case", "plan_type"], how="semi")
    counted = _counts(ruled, named)
    demanded = _least(ruled, "current_option_id", rulebook.options)
    has_current = pl.col("current_option_id").is_not_null()
    present = pl.when("names_somebody").then("named").otherwise(demanded)
    return counted.with_columns(present=pl.when(has_current).then(present)).select(JUDGED)


def _counts(ruled: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    """Add `named`, how many persons of the kind are named for the plan type, and names_somebody."""
    key = ["case", "plan_type"]
    kind = pl.col("person_type").replace_strict(COVERED_AS, default=None, return_dtype=pl.String)
    counts = named.with_columns(kind=kind).group_by(*key, "kind").agg(named=pl.len().cast(pl.Int64))
    anybody = named.select(key).unique().with_columns(names_somebody=pl.lit(value=True))
    return (
        joined(ruled, counts, [*key, "kind"], how="left", maintain_order="left")
        .join(anybody, on=key, how="left", maintain_order="left")
        .with_columns(pl.col("named").fill_null(0), pl.col("names_somebody").fill_null(value=False))
    )


def _least(rows: pl.DataFrame, option: str, options: pl.DataFrame) -> pl.Series:
    """How many persons of the kind the coverage code of an option demands; none: 0."""
    least = options.unique("option_id").select(
        pl.col("option_id").alias(option), *(f"{kind}_min" for kind in PERSON_KINDS)
    )
    found = joined(rows.select(option, "kind"), least, option, how="left", maintain_order="left")
    return found.select(_of_kind("min").fill_null(0).cast(pl.Int64).alias("least")).to_series()


def _of_kind(bound: str, kinds: Sequence[str] = tuple(PERSON_KINDS)) -> pl.Expr:
    """The bound of a coverage code for the kind of the row, which is one of some kinds."""
    found = (pl.when(pl.col("kind") == kind).then(pl.col(f"{kind}_{bound}")) for kind in kinds)
    return pl.coalesce(pl.lit(None, pl.Int64), *found)


def _closed_by_persons(rows: pl.DataFrame, judged: pl.DataFrame, offers: Offers) -> pl.DataFrame:
    kinds = [kind for kind in PERSON_KINDS if (judged["kind"] == kind).any()]
    bounds = [f"{kind}_{bound}" for kind in kinds for bound in ("min", "max")]
    pairs = with_taken(rows, offers.options, "offer", "coverage_code_id", *bounds)
    pairs = joined(pairs.filter(pl.col("coverage_code_id").is_not_null()), judged, "plan")
    least, most = _of_kind("min", kinds), _of_kind("max", kinds)
    return pairs.filter(~_admits(least, most)).with_columns(closed_by="kind")


def _admits(least: pl.Expr, most: pl.Expr) -> pl.Expr:
    """Whether some number of persons from `least` to `most` goes in a direction that is allowed."""
    present, without = pl.col("present"), pl.col("without_current")
    stays = pl.col("may_stay") & (least <= present) & (present <= most)
    rises = pl.col("may_rise") & (most > present)
    falls = pl.col("may_fall") & (least < present)
    fresh = (
        pl.when(without == WithoutCurrent.NOT_ALLOWED)
        .then(least == 0)
        .when(without == WithoutCurrent.REQUIRED)
        .then(most > 0)
        .otherwise(pl.lit(value=True))
    )
    return pl.when(present.is_null()).then(fresh).otherwise(stays | rises | falls)


def wrong_numbers(
    judged: pl.DataFrame, elected: pl.DataFrame, named: pl.DataFrame, options: pl.DataFrame
) -> pl.DataFrame:
    """Name the elections whose persons change a kind's number in a direction that is not allowed.

    Shapes: judged as judged_plans; elected has case, plan_type, plan, option_id and coverage_code_id of the
            options elected; named (case, plan_type, person_type) are the dependents they name. An election
            that names nobody covers as many as its coverage code demands at least.
    """
    rows = joined(elected, judged, "plan")
    counted = _counts(rows, joined(named, rows[["case", "plan_type"]], ["case", "plan_type"], how="semi"))
    number = pl.when("names_somebody").then("named").otherwise(_least(counted, "option_id", options))
    counted = counted.with_columns(number=number)
    return counted.filter(~_admits(pl.col("number"), pl.col("number")))
