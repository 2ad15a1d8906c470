"""Who lost coverage: what a dependent was on the first day without it, and whether still one by the rules."""

import polars as pl

from openbenefits.compliance.cobra.rules.losses import LOSS_KEY
from openbenefits.eligibility.dependents import DEPENDENT_RULE, why_not_member

FLAGS = ("person_type", "is_former", "is_disabled", "is_student", "student_through", "is_married", "birth_on")


def with_members(
    losses: pl.DataFrame, facts: pl.DataFrame, plan_rows: pl.DataFrame, rules: pl.DataFrame
) -> pl.DataFrame:
    """Add number, person_type, is_former, died_on and not_member (why not any more; null: still one).

    Shapes:  facts as `workforce.frames.load_dependents`; plan_rows and rules the `plan_row` and
             `dependent_rules` of a rulebook. All is that of lost_on.
    Missing: all are null for the employee; a plan type without a dependent rule has no limit.
    """
    key = list(LOSS_KEY)
    of_day = losses.select(*key, "program_id", "plan_type", price_on="lost_on")
    rows = _latest(of_day, facts.drop("person_id"), "dependent_id")
    rows = _latest(rows, plan_rows.select(*_PLACE, "valid_from", "dependent_rule_id"), *_PLACE, is_left=True)
    known = rules.select("dependent_rule_id", "valid_from", *DEPENDENT_RULE)
    rows = _latest(rows, known, "dependent_rule_id", is_left=True)
    judged = rows.with_columns(not_member=why_not_member(rows)).select(
        *key, "number", "person_type", "is_former", "died_on", "not_member"
    )
    return losses.join(judged, on=key, how="left", maintain_order="left")


_PLACE = ("program_id", "plan_type")


def with_plan_year(losses: pl.DataFrame, plan_types: pl.DataFrame) -> pl.DataFrame:
    """Add plan_year_month: the month in which plan years begin, by program and plan type of the loss."""
    of_day = losses.select(*LOSS_KEY, *_PLACE, price_on="lost_on")
    rows = _latest(of_day, plan_types.select(*_PLACE, "valid_from", "plan_year_month"), *_PLACE, is_left=True)
    months = rows.select(*LOSS_KEY, "plan_year_month")
    return losses.join(months, on=list(LOSS_KEY), how="left", maintain_order="left")


def _latest(rows: pl.DataFrame, dated: pl.DataFrame, *key: str, is_left: bool = False) -> pl.DataFrame:
    """Join the version of price_on: the last that holds from that day or before."""
    pairs = rows.select(*LOSS_KEY, "price_on", *(name for name in key if name not in LOSS_KEY))
    found = pairs.join(dated, on=list(key)).filter(pl.col("valid_from") <= pl.col("price_on"))
    last = found.sort("valid_from").unique(LOSS_KEY, keep="last", maintain_order=True)
    more = [name for name in dated.columns if name not in (*key, "valid_from")]
    columns = last.select(*LOSS_KEY, *more)
    return rows.join(columns, on=list(LOSS_KEY), how="left" if is_left else "inner", maintain_order="left")
