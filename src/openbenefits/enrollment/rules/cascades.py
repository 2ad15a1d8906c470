"""What falls because the coverage it needs is gone, and what falls with that (docs/rules.md §11.3)."""

from dataclasses import dataclass

import polars as pl

from openbenefits.core.codes import ChangeKind
from openbenefits.enrollment.rules.elected import Checking
from openbenefits.enrollment.rules.links import has_links, unfit_accounts, unmet
from openbenefits.enrollment.rules.messages import message_rows, no_messages, with_catalogue
from openbenefits.enrollment.rules.outcomes import ELECTED, STANDING

KEY = ["case", "plan_type"]


@dataclass(frozen=True, kw_only=True)
class Fallen:
    """held: the outcomes that stay. lost: those that fall, with `required_plan_type` and `round` (0, 1, …).
    left: those that should fall, in plan types the event is told to leave alone.
    """

    held: pl.DataFrame
    lost: pl.DataFrame
    left: pl.DataFrame


def fall(checking: Checking, held: pl.DataFrame, *, with_elected: bool) -> Fallen:
    """Take away, round by round, the outcomes whose required coverage is not there.

    Elections fall only with `with_elected` (when what replaced an invalid one is settled); before that they
    are judged. Every round takes something away, so that even a circle of requirements comes to an end.
    """
    nothing = held.clear().with_columns(round=pl.lit(0))
    if not has_links(checking) and held.filter("is_hsa").is_empty():
        return Fallen(held=held, lost=nothing, left=nothing)
    touched = checking.prepared.plans.select(*KEY, is_listed=pl.lit(value=True))
    lost, left = [nothing], nothing
    for number in range(held.height + 1):
        lacking = unmet(checking, held, held).select(held.columns)
        gone = pl.concat([lacking, unfit_accounts(checking, held).join(lacking, on=KEY, how="anti")])
        gone = gone.join(touched, on=KEY, how="left").with_columns(round=pl.lit(number))
        is_left = (pl.col("how") == STANDING) & pl.col("is_listed").fill_null(value=False)
        left = gone.filter(is_left).select(nothing.columns)
        falls = ~is_left if with_elected else ~is_left & (pl.col("how") != ELECTED)
        going = gone.filter(falls).select(nothing.columns)
        if going.is_empty():
            break
        lost.append(going)
        held = held.join(going, on=KEY, how="anti")
    return Fallen(held=held, lost=pl.concat(lost, how="vertical_relaxed"), left=left)


def with_falls(
    results: pl.DataFrame, fallen: Fallen, checking: Checking, among: pl.DataFrame
) -> pl.DataFrame:
    """Put endings in place of the results of what falls, from the day the required coverage ends.

    Where nothing was in force the plan type is never enrolled. Shapes: results as settle.RESULT_COLUMNS.
    """
    for number in sorted(fallen.lost["round"].unique().to_list()):
        going = fallen.lost.filter(round=number).join(among, on="case", how="semi")
        ends = results.filter(slot=0).select(
            "case",
            required_plan_type="plan_type",
            gone_on="begins_on",
            gone_deduction_on="deduction_begins_on",
        )
        ends = ends.unique(["case", "required_plan_type"], keep="first", maintain_order=True)
        going = going.join(ends, on=["case", "required_plan_type"], how="left", maintain_order="left")
        endings = _endings(going, results, checking)
        results = pl.concat([results.join(going, on=KEY, how="anti"), endings])
    return results


def _endings(going: pl.DataFrame, results: pl.DataFrame, checking: Checking) -> pl.DataFrame:
    plans = checking.prepared.plans.select(
        *KEY, "plan", "plan_row", "coverage_begins_on", own_deduction_on="deduction_begins_on"
    )
    in_force = checking.situation.in_force.filter((pl.col("slot") == 0) & ~pl.col("is_future")).select(
        *KEY, "program_id", held_kind="kind"
    )
    rows = going.select(*KEY, "required_plan_type", "gone_on", "gone_deduction_on")
    rows = rows.join(plans, on=KEY, how="left", maintain_order="left")
    rows = rows.join(in_force, on=KEY, how="left", maintain_order="left")
    own = checking.rulebook.plan_rows["program_id"].gather(rows["plan_row"])
    was_covered = pl.col("held_kind").is_in(["E", "D"]).fill_null(value=False)
    shaped = rows.with_columns(
        pl.coalesce("program_id", own).alias("program_id"),
        slot=pl.lit(0, pl.Int16),
        kind=pl.when(was_covered)
        .then(pl.lit(str(ChangeKind.INELIGIBLE)))
        .otherwise(pl.lit(str(ChangeKind.NEVER_ENROLLED))),
        basis=pl.lit("none"),
        begins_on=pl.coalesce("gone_on", "coverage_begins_on"),
        deduction_begins_on=pl.coalesce("gone_deduction_on", "own_deduction_on"),
        rule=pl.format("ends: it needs coverage in plan type {}", "required_plan_type"),
        keeps_current=pl.lit(value=False),
        ends_all=pl.lit(value=False),
        goes_on=pl.lit(value=False),
    )
    absent = [
        pl.lit(None, kind).alias(name) for name, kind in results.schema.items() if name not in shaped.columns
    ]
    return (
        shaped.with_columns(absent)
        .select(pl.col(name).cast(kind) for name, kind in results.schema.items())
        .filter(pl.col("begins_on").is_not_null())
    )


def cascade_messages(fallen: Fallen, among: pl.DataFrame) -> pl.DataFrame:
    """Say what ends with the coverage it needs, and what is left in force without it."""
    expected = pl.format("coverage in plan type {}", "required_plan_type")
    lost = fallen.lost.join(among, on="case", how="semi")
    left = fallen.left.join(among, on="case", how="semi")
    if lost.is_empty() and left.is_empty():
        return with_catalogue(no_messages())
    return with_catalogue(
        pl.concat(
            [
                message_rows(lost, "BA1335", expected, pl.lit("none; this ends with it")),
                message_rows(left, "BA1340", expected, pl.lit("none; this is left alone")),
            ]
        )
    )
