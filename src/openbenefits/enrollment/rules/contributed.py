"""What was contributed to an account in its year: a pledge is never below it (docs/rules.md §11.5)."""

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import AmountKind
from openbenefits.enrollment.rules.elected import Checking
from openbenefits.enrollment.rules.messages import message_rows
from openbenefits.enrollment.rules.outcomes import KEEPING
from openbenefits.enrollment.rules.prepare import Prepared
from openbenefits.programs.rulebook import Rulebook

_KEY = ("case", "plan_type")
PLEDGE = str(AmountKind.PLEDGE)


def plans_to_ask(
    prepared: Prepared, elections: pl.DataFrame, among: pl.DataFrame, rulebook: Rulebook
) -> pl.DataFrame:
    """Name the plan types whose contributions matter: case, plan_type, deduction_begins_on.

    They are those with an election, and the HSAs that go on by default under a legal limit, which caps them.
    """
    kinds = rulebook.plan_rows
    pledged = kinds.filter(amount_kind=PLEDGE)["plan_row"]
    capped = kinds.filter(pl.col("is_hsa") & pl.col("annual_limit").is_not_null())["plan_row"]
    plans = prepared.plans.join(among.select("case"), on="case", how="semi").filter(
        pl.col("plan_row").is_in(pledged.implode()) & pl.col("deduction_begins_on").is_not_null()
    )
    goes_on = pl.col("plan_row").is_in(capped.implode()) & pl.col("default_reason").is_in(KEEPING)
    elected = plans.join(elections.select(_KEY), on=list(_KEY), how="semi")
    kept = plans.join(elections.select(_KEY), on=list(_KEY), how="anti").filter(goes_on)
    return pl.concat([elected, kept]).select(*_KEY, "deduction_begins_on")


def with_contributed(rows: pl.DataFrame, contributions: pl.DataFrame) -> pl.DataFrame:
    """Add contributed_cents: what the pays of the year took that end before deductions begin.

    Shapes:  rows has case, plan_type and deduction_begins_on, contributions is as CONTRIBUTIONS.
    Missing: 0 where no pay took anything, null where what one of them took is unknown.
    """
    day = pl.col("deduction_begins_on")
    of_year = (pl.col("ends_on") < day) & (pl.col("ends_on").dt.year() == day.dt.year())
    counted = rows.select(*_KEY, "deduction_begins_on").join(contributions, on=list(_KEY)).filter(of_year)
    sums = counted.group_by(_KEY).agg(contributed_cents=money.total(pl.col("owed_cents")), _took=pl.lit(1))
    found = rows.join(sums, on=list(_KEY), how="left", maintain_order="left")
    return found.with_columns(
        contributed_cents=pl.when(pl.col("_took").is_null()).then(0).otherwise("contributed_cents")
    ).drop("_took")


def contributed_messages(checking: Checking) -> list[pl.DataFrame]:
    """A pledge is at least what was contributed in the year before its deductions begin."""
    contributions = checking.situation.contributions
    if contributions.is_empty():
        return []
    stated = checking.enrolling(PLEDGE).filter(pl.col("pledge_cents").is_not_null())
    begins = checking.prepared.plans.select("plan", "deduction_begins_on")
    rows = with_contributed(stated.join(begins, on="plan", maintain_order="left"), contributions)
    enough = pl.col("pledge_cents") >= pl.col("contributed_cents")
    known = pl.col("contributed_cents").cast(pl.String).fill_null("an amount not known")
    return [
        message_rows(
            rows.filter(~enough.fill_null(value=False)),
            "BA1353",
            pl.format("at least what was contributed in the year: {} cents", known),
            pl.format("{} cents", "pledge_cents"),
        )
    ]
