"""What comes back: coverage, or a waiver, that ended shortly before an event (docs/rules.md §4.11).

Rare, so everything here answers at once where no event rule row says `reinstate_within_days`.
"""

from functools import cache

import polars as pl

from openbenefits.core.codes import COVERED_KINDS, AmountKind, ChangeKind
from openbenefits.core.columns import take, with_taken
from openbenefits.programs.rulebook import Rulebook

COVERED = [str(kind) for kind in COVERED_KINDS]
AMOUNTS = {
    "coverage_cents": pl.Int64,
    "requested_coverage_cents": pl.Int64,
    "pledge_cents": pl.Int64,
    "percent_thousandths": pl.Int32,
}
ENDED = {
    "case": pl.Int32,
    "plan_type": pl.String,
    "kind": pl.String,
    "option_id": pl.Int32,
    **AMOUNTS,
    "after_tax_thousandths": pl.Int32,
    "hours_hundredths": pl.Int32,
    "ended_on": pl.Date,
    "resumes_on": pl.Date,
    "deduction_resumes_on": pl.Date,
}
"""What ended: what held before; the date of the event that ended it; the first day without it, and without
its deduction."""
REDUCED = {"case": pl.Int32, "plan_type": pl.String, "reduced_cents": pl.Int64}
"""What an annual pledge that comes back is, in place of what it was when it ended; null: unknown."""
KEY = ["case", "plan_type"]
PLEDGE = str(AmountKind.PLEDGE)
_CURRENT = ("option_id", *AMOUNTS, "kind")
_DATES = ("coverage_begins_on", "deduction_begins_on")


@cache
def nothing_ended() -> pl.DataFrame:
    """An empty frame of what ended."""
    return pl.DataFrame(schema=ENDED)


@cache
def nothing_reduced() -> pl.DataFrame:
    """An empty frame of pledges that come back smaller."""
    return pl.DataFrame(schema=REDUCED)


def reinstates(rulebook: Rulebook) -> bool:
    """Whether any event rule row gives anything back."""
    return bool((rulebook.event_rules["reinstate_within_days"] > 0).any())


def with_reinstated(
    plans: pl.DataFrame, cases: pl.DataFrame, ended: pl.DataFrame, rulebook: Rulebook
) -> pl.DataFrame:
    """Let what ended shortly before count as what is held, and begin again without a gap or a wait.

    Shapes: plans with dates and current_*; ended as ENDED. Adds is_reinstated.
    """
    if ended.is_empty() or not reinstates(rulebook):
        return plans.with_columns(is_reinstated=pl.lit(value=False))
    found = _found(plans, cases, ended, rulebook)
    if found.is_empty():
        return plans.with_columns(is_reinstated=pl.lit(value=False))
    rows = plans.join(found, on="plan", how="left", maintain_order="left")
    back = pl.col("ended_kind").is_not_null()
    covers = pl.col("ended_kind").is_in(COVERED)
    changes = [
        pl.when(back)
        .then(pl.col(f"ended_{name}"))
        .otherwise(pl.col(f"current_{name}"))
        .alias(f"current_{name}")
        for name in _CURRENT
    ]
    changes += [
        pl.when(back).then(pl.max_horizontal("event_on", begin)).otherwise(pl.col(name)).alias(name)
        for name, begin in zip(_DATES, ("resumes_on", "deduction_resumes_on"), strict=True)
    ]
    flags = {
        "is_reinstated": back,
        "is_in_force": pl.when(back).then(covers).otherwise("is_in_force"),
        "keeps_current": pl.when(back).then(covers).otherwise("keeps_current"),
        "is_waived_now": pl.when(back).then(~covers).otherwise("is_waived_now"),
        "is_begin_missing": pl.col("is_begin_missing") & ~back,
    }
    rows = rows.with_columns(*changes, **flags)
    return rows.with_columns(current_option_id=pl.when(~back | covers).then("current_option_id")).select(
        *plans.columns, "is_reinstated"
    )


def _found(plans: pl.DataFrame, cases: pl.DataFrame, ended: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """The plan rows to which something comes back, with what: ended_*, resumes_on, deduction_resumes_on."""
    is_own = ~pl.col("is_ending") & ~pl.col("is_ignored") & ~pl.col("is_program")
    ruled = plans.filter(pl.col("rule_row").is_not_null() & is_own).select("plan", *KEY, "rule_row")
    rows = ruled.join(ended, on=KEY)
    rows = with_taken(rows, rulebook.event_rules, "rule_row", "reinstate_within_days")
    rows = rows.with_columns(take(cases, rows["case"], "event_on"))
    since = (pl.col("event_on") - pl.col("ended_on")).dt.total_days()
    within = since.is_between(0, pl.col("reinstate_within_days")) & (pl.col("reinstate_within_days") > 0)
    return rows.filter(within).select(
        "plan",
        *(pl.col(name).alias(f"ended_{name}") for name in _CURRENT),
        *("event_on", "resumes_on", "deduction_resumes_on"),
    )


def pledges_again(
    plans: pl.DataFrame, among: pl.DataFrame, ended: pl.DataFrame, rulebook: Rulebook
) -> pl.DataFrame:
    """Name the annual pledges that come back to some cases: what ended (ENDED), and deduction_begins_on.

    Those that do not lapse at open enrolment (health savings accounts) cover nothing, and are none of them.
    """
    pledged = rulebook.plan_rows.filter("is_lapsing", amount_kind=PLEDGE)["plan_row"]
    back = plans.filter(pl.col("is_reinstated"), pl.col("plan_row").is_in(pledged.implode()))
    if back.is_empty():
        return back.select(*KEY, "deduction_begins_on")
    rows = back.join(among, on="case", how="semi").select(*KEY, "deduction_begins_on")
    return rows.join(ended.filter(pl.col("pledge_cents").is_not_null()).select(*ENDED), on=KEY)


def with_reduced(rows: pl.DataFrame, reduced: pl.DataFrame) -> pl.DataFrame:
    """Let pledges that come back be what is left of them: current_pledge_cents of what is `reinstated`."""
    if reduced.is_empty():
        return rows
    asked = reduced.with_columns(is_reduced=pl.lit(value=True))
    found = rows.join(asked, on=KEY, how="left", maintain_order="left")
    is_less = pl.col("is_reduced") & (pl.col("default_reason") == "reinstated")
    pledge = pl.when(is_less).then("reduced_cents").otherwise("current_pledge_cents")
    return found.with_columns(current_pledge_cents=pledge).select(rows.columns)


def held_again(in_force: pl.DataFrame, ended: pl.DataFrame, plans: pl.DataFrame) -> pl.DataFrame:
    """What is in force of coverage, or comes back: case, plan_type and the amounts few plan types have."""
    columns = (*KEY, "after_tax_thousandths", "hours_hundredths")
    held = in_force.filter((pl.col("slot") == 0) & ~pl.col("is_future")).select(columns)
    if ended.is_empty():
        return held
    back = ended.join(plans.filter("is_reinstated").select(KEY), on=KEY, how="semi").select(columns)
    return pl.concat([held.join(back, on=KEY, how="anti"), back])


def without_refused(rows: pl.DataFrame, ended: pl.DataFrame, plans: pl.DataFrame) -> pl.DataFrame:
    """Leave out of rows about held dependents those of what ended and does not come back.

    Shapes: rows has case and plan_type; what is elected, or in force, is none of `ended` (`is_only_ended`).
    """
    if ended.is_empty():
        return rows
    back = plans.filter("is_reinstated").select(KEY)
    refused = ended.filter("is_only_ended").join(back, on=KEY, how="anti")
    return rows.join(refused.select(KEY), on=KEY, how="anti")


def last_ended(cases: pl.DataFrame, coverage: pl.DataFrame, dates: pl.DataFrame) -> pl.DataFrame:
    """Find what ended last, and has not begun again, in each plan type of the cases' benefit records.

    Shapes: coverage as the change points that hold; dates has the key of events and their `ended_on`. Answers
            ENDED, and of the point that held before its key (`enrollment.frames.POINT`).
    Missing: what was not ended by an event (taken over) counts from the first day without it.
    """
    record = ["client_id", "person_id", "benefit_record"]
    series = [*record, "plan_type"]
    points = coverage.filter(slot=0).sort(*series, "begins_on")
    gone = [str(ChangeKind.TERMINATED), str(ChangeKind.INELIGIBLE), str(ChangeKind.NEVER_ENROLLED)]
    ends = points.with_columns(
        resumes_on=pl.col("begins_on").shift(-1).over(series),
        deduction_resumes_on=pl.col("deduction_begins_on").shift(-1).over(series),
        next_kind=pl.col("kind").shift(-1).over(series),
        later=pl.len().over(series) - pl.int_range(pl.len()).over(series) - 1,
        by_schedule=pl.col("schedule_id").shift(-1).over(series),
        by_event=pl.col("event_number").shift(-1).over(series),
    ).filter(
        (pl.col("later") == 1)
        & pl.col("next_kind").is_in(gone)
        & pl.col("kind").is_in([*COVERED, str(ChangeKind.WAIVED)])
    )
    dated = ends.join(
        dates.rename({"schedule_id": "by_schedule", "event_number": "by_event"}),
        on=[*record, "by_schedule", "by_event"],
        how="left",
    )
    found = cases.select("case", *record, "event_on").join(dated, on=record)
    found = found.with_columns(
        ended_on=pl.coalesce("ended_on", "resumes_on"),
        deduction_resumes_on=pl.coalesce("deduction_resumes_on", "resumes_on"),
    )
    return found.filter(pl.col("ended_on") <= pl.col("event_on"))
