"""The confirmation (BAS005): what was decided, what it costs, and from when."""

import polars as pl
from django.utils.translation import gettext as _

from openbenefits.core import money
from openbenefits.core.codes import COVERED_KINDS, ChangeKind, OptionType
from openbenefits.reports.letters import (
    PROGRAM_TYPE,
    StatementFrames,
    assembled,
    dependents_on_file,
    general_credits,
    general_deductions,
    heads,
    with_details,
)
from openbenefits.reports.rules import money_text, whole_money_text
from openbenefits.reports.spoken import plan_type_said, short_day_said

PRICES = (
    *("annual_before_tax_cents", "annual_after_tax_cents", "annual_employer_cents", "annual_credit_cents"),
    *("pay_before_tax_cents", "pay_after_tax_cents", "pay_credit_cents"),
)


def confirmation_letters(batch: StatementFrames) -> pl.DataFrame:
    """Write the letters that say what was decided."""
    general = [general_credits(batch.options), general_deductions(batch.options)]
    rows = pl.concat([confirmed(batch), *general], how="diagonal")
    return assembled(
        heads(batch.events),
        {
            "dependents": dependents_on_file(batch.dependents),
            "plans": _confirmed_plans(rows),
            "totals": _totals(rows),
            "leftover": batch.leftover,
        },
    )


def confirmed(batch: StatementFrames) -> pl.DataFrame:
    """Find what holds after the event per plan type and slot, with its price.

    What the event made itself; where it changed nothing, what already holds when its coverage begins.
    """
    own = (pl.col("schedule_id") == pl.col("own_schedule")) & (pl.col("event_number") == pl.col("own_number"))
    events = batch.events.select("case", own_schedule="schedule_id", own_number="event_number")
    key = ["case", "plan_type"]
    plans = batch.plans.filter(pl.col("plan_type") != PROGRAM_TYPE).select(
        *key, "plan_order", "is_ignored", planned_on="coverage_begins_on"
    )
    points = batch.timeline.join(events, on="case").join(plans, on=key, how="left", maintain_order="left")
    points = points.with_columns(is_new=own.fill_null(value=False))
    day = pl.coalesce("planned_on", "event_on")
    held = points.filter(pl.col("is_new") | ((pl.col("begins_on") <= day) & ~pl.col("is_ignored")))
    last = held.sort("is_new", "begins_on").unique([*key, "slot"], keep="last", maintain_order=True)
    priced = last.join(
        batch.options.select(
            "case", "option_id", "is_proof_required", *PRICES, option_coverage_cents="coverage_cents"
        ),
        on=["case", "option_id"],
        how="left",
        maintain_order="left",
    )
    return with_details(_as_billed(priced), batch).sort(
        "case", "plan_order", "plan_type", "slot", nulls_last=True
    )


def _as_billed(rows: pl.DataFrame) -> pl.DataFrame:
    """Take the price for the coverage in force where an option's price follows its coverage (rulings §4)."""
    differs = pl.col("is_by_coverage") & (pl.col("coverage_cents") != pl.col("option_coverage_cents"))
    covers = _covers()
    return rows.with_columns(
        pl.when(covers & differs.fill_null(value=False))
        .then(
            money.multiply_divide_half_up(
                pl.col(name), pl.col("coverage_cents"), pl.col("option_coverage_cents")
            )
        )
        .when(covers | (pl.col("pay_credit_cents").fill_null(0) != 0))
        .then(pl.col(name))
        .alias(name)
        for name in PRICES
    )


def _confirmed_plans(rows: pl.DataFrame) -> pl.DataFrame:
    covers = _covers()
    is_general = pl.col("kind").is_null()
    is_taken = pl.col("option_type") == OptionType.GENERAL_DEDUCTION.value
    taken, given = pl.lit(_("Deduction of the program")), pl.lit(_("Credit from your employer"))
    general = pl.when(is_taken).then(taken).otherwise(given)
    general_name = pl.coalesce("option_name", "option_code")
    shown = rows.with_columns(
        pl.col("is_new").fill_null(value=True),
        type=pl.when(is_general).then(general).otherwise(plan_type_said()),
        label=pl.when(is_general).then(general_name).when(covers).then("label").otherwise(_kind_text()),
        detail=pl.when(covers).then("detail"),
        begins=short_day_said(pl.col("begins_on")),
        deducted_from=pl.when(covers).then(short_day_said(pl.col("deduction_begins_on"))),
        before_tax=money_text(pl.col("pay_before_tax_cents")),
        after_tax=money_text(pl.col("pay_after_tax_cents")),
        credit=money_text(pl.col("pay_credit_cents")),
        employer=money_text(pl.col("annual_employer_cents")),
        is_covered=covers,
        is_default=(pl.col("is_new") & (pl.col("kind") == ChangeKind.DEFAULTED.value)).fill_null(value=False),
        waits_for=pl.when(covers).then(whole_money_text(pl.col("requested_coverage_cents"))),
    )
    fields = (
        *(
            "type",
            "label",
            "detail",
            "dependents",
            "funds",
            "receivers",
            "begins",
            "deducted_from",
            "before_tax",
            "after_tax",
        ),
        *("credit", "employer", "is_covered", "is_default", "is_new", "waits_for"),
    )
    return shown.group_by("case", maintain_order=True).agg(plans=pl.struct(fields))


def _covers() -> pl.Expr:
    """Whether a change point is coverage."""
    return pl.col("kind").is_in([str(kind) for kind in COVERED_KINDS]).fill_null(value=False)


def _kind_text() -> pl.Expr:
    """Say why there is no coverage."""
    words = {
        ChangeKind.WAIVED.value: _("declined (waived)"),
        ChangeKind.TERMINATED.value: _("ended: no coverage from the day shown"),
        ChangeKind.NEVER_ENROLLED.value: _("not enrolled"),
        ChangeKind.INELIGIBLE.value: _("not eligible"),
    }
    return pl.col("kind").replace_strict(words, default=_("not covered"))


def _totals(rows: pl.DataFrame) -> pl.DataFrame:
    """Add up what a case pays each pay; amounts a person states (pledge, percent) are not among them."""
    stated = pl.col("pledge_cents").is_not_null() | pl.col("percent_thousandths").is_not_null()
    amounts = {
        "before_tax": "pay_before_tax_cents",
        "after_tax": "pay_after_tax_cents",
        "credit": "pay_credit_cents",
        "employer": "annual_employer_cents",
    }
    summed = rows.group_by("case", maintain_order=True).agg(
        *(pl.col(column).drop_nulls().sum().alias(name) for name, column in amounts.items()),
        has_stated=(stated & pl.col("option_id").is_not_null()).any(),
    )
    net = money.subtract(money.add(pl.col("before_tax"), pl.col("after_tax")), pl.col("credit"))
    texts = summed.with_columns(net=net)
    texts = texts.with_columns(money_text(pl.col(name)).alias(name) for name in (*amounts, "net"))
    return texts.select("case", totals=pl.struct(*amounts, "net", "has_stated"))
