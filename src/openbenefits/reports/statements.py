"""The enrolment statement (BAS004): what may be chosen, at what price, and what happens without an answer."""

import polars as pl
from django.utils.translation import gettext as _

from openbenefits.core import money
from openbenefits.core.codes import AmountKind, OptionType, TaxClass
from openbenefits.enrollment.rules.outcomes import KEEPING
from openbenefits.reports.letters import (
    PROGRAM_TYPE,
    StatementFrames,
    assembled,
    dependents_on_file,
    general_credits,
    general_deductions,
    heads,
    labelled,
    with_details,
)
from openbenefits.reports.listings import in_force_before
from openbenefits.reports.rules import money_text, percent_text
from openbenefits.reports.spoken import day_said, plan_type_said

ABSENT = "\N{EN DASH}"


def enrollment_letters(batch: StatementFrames) -> pl.DataFrame:
    """Write the letters that ask for a choice."""
    options = labelled(batch.options)
    parts = {
        "dependents": dependents_on_file(batch.dependents),
        "current": _current(batch),
        "plans": _plan_choices(batch.plans, options),
        "credits": _credits(options),
        "deductions": _deductions(options),
    }
    return assembled(heads(batch.events), parts)


def _plan_choices(plans: pl.DataFrame, options: pl.DataFrame) -> pl.DataFrame:
    """Gather the plan types of each case, in display order, with their options grouped by plan."""
    shown = plans.filter(~pl.col("is_ignored"), pl.col("plan_type") != PROGRAM_TYPE)
    offered = options.filter(pl.any_horizontal("is_electable", "is_current", "is_default"))
    labels = options.select("case", default_option_id="option_id", default_label="label")
    rows = shown.join(labels, on=["case", "default_option_id"], how="left").join(
        _option_groups(offered), on=["case", "plan_type"], how="left"
    )
    rows = rows.sort("case", "plan_order", "plan_type", nulls_last=True).with_columns(
        pl.col("has_credit").fill_null(value=False),
        type=plan_type_said(),
        begins=day_said(pl.col("coverage_begins_on")),
        deducted_from=day_said(pl.col("deduction_begins_on")),
        silent=_silent(),
        amount=_amount_wanted(),
    )
    fields = (
        *(
            "type",
            "plan_type",
            "begins",
            "deducted_from",
            "is_choice",
            "is_election_required",
            "silent",
            "amount",
        ),
        *("tax", "has_credit", "groups"),
    )
    return rows.group_by("case", maintain_order=True).agg(plans=pl.struct(fields))


def _option_groups(offered: pl.DataFrame) -> pl.DataFrame:
    """Gather the options of each plan type by plan: groups, tax, has_credit."""
    is_waiver = pl.col("option_type") == OptionType.WAIVE.value
    unknown = pl.when(is_waiver).then(pl.lit(ABSENT)).otherwise(pl.lit(_("as you state")))
    credit = pl.col("pay_credit_cents").fill_null(0)
    ordered = offered.sort("case", "plan_type", "option_order", "option_code").with_columns(
        is_waiver=is_waiver,
        pay=pl.when(~is_waiver).then(money_text(_per_pay())).fill_null(unknown),
        year=pl.when(~is_waiver).then(money_text(_per_year())).fill_null(unknown),
        employer=pl.when(~is_waiver).then(money_text(pl.col("annual_employer_cents"))).fill_null(ABSENT),
        credit=pl.when(credit != 0).then(money_text(credit)).otherwise(pl.lit(ABSENT)),
        has_credit=credit != 0,
    )
    fields = (
        *("option_code", "cover", "pay", "year", "employer", "credit"),
        *("is_electable", "is_current", "is_default", "is_proof_required", "is_waiver"),
    )
    by_plan = ordered.group_by("case", "plan_type", "plan", maintain_order=True).agg(
        pl.struct(fields).alias("options"),
        pl.col("has_credit").any(),
        tax_classes=pl.col("tax_class").drop_nulls(),
    )
    classes = (
        pl.col("tax_classes").list.explode(keep_nulls=False, empty_as_null=False).unique(maintain_order=True)
    )
    return (
        by_plan.group_by("case", "plan_type", maintain_order=True)
        .agg(
            groups=pl.struct("plan", "options"), has_credit=pl.col("has_credit").any(), tax=classes.implode()
        )
        .with_columns(tax=_tax_text())
    )


def _tax_text() -> pl.Expr:
    """Say from which pay the price is taken, where all options of the plan type agree."""
    one = pl.col("tax").list.len() == 1
    words = {TaxClass.BEFORE_TAX.value: _("before tax"), TaxClass.AFTER_TAX.value: _("after tax")}
    return pl.when(one).then(
        pl.col("tax").list.first().replace_strict(words, default=None, return_dtype=pl.String)
    )


def _silent() -> pl.Expr:
    """Say in words what happens without an answer, for each default reason of the kernel."""
    label = pl.col("default_label").fill_null(_("the option shown as default"))
    ends = day_said(pl.col("coverage_ends_on"))
    return (
        pl.when(pl.col("default_reason").is_in(KEEPING))
        .then(pl.format(_("you keep what you have: {}."), label))
        .when(default_reason="default option")
        .then(pl.format(_("you are enrolled in {}."), label))
        .when(default_reason="lowest level")
        .then(pl.format(_("you are enrolled in {}, the lowest level you are eligible for."), label))
        .when(default_reason="waiver")
        .then(pl.lit(_("it counts as declining (waiver): you have no coverage of this kind.")))
        .when(default_reason="untouched")
        .then(pl.lit(_("nothing changes.")))
        .when((pl.col("default_reason") == "ends") & ends.is_not_null())
        .then(pl.format(_("what you have now ends; the last day is {}."), ends))
        .when(default_reason="ends")
        .then(pl.lit(_("what you have now ends.")))
        .otherwise(pl.lit(_("you have no coverage of this kind.")))
    )


def _amount_wanted() -> pl.Expr:
    """Say which amount a person states with the choice, and its limits."""
    least, most = money_text(pl.col("minimum_amount_cents")), money_text(pl.col("maximum_amount_cents"))
    low = percent_text(pl.col("minimum_percent_thousandths"))
    high = percent_text(pl.col("maximum_percent_thousandths"))
    return (
        pl.when(amount_kind=AmountKind.PLEDGE.value)
        .then(_within(_("State the amount for the plan year"), least, most))
        .when(amount_kind=AmountKind.PERCENT.value)
        .then(_within(_("State the percentage of your pay"), low, high))
    )


def _within(lead: str, least: pl.Expr, most: pl.Expr) -> pl.Expr:
    known = least.is_not_null() & most.is_not_null()
    up_to = pl.when(most.is_not_null()).then(pl.format(_("{}, at most {}."), pl.lit(lead), most))
    return (
        pl.when(known)
        .then(pl.format(_("{}, from {} to {}."), pl.lit(lead), least, most))
        .otherwise(up_to.fill_null(pl.lit(f"{lead}.")))
    )


def _credits(options: pl.DataFrame) -> pl.DataFrame:
    """Gather the credits a case has whatever it chooses."""
    general = general_credits(options)
    rows = general.with_columns(
        name=pl.coalesce("option_name", "option_code"),
        pay=money_text(pl.col("pay_credit_cents")),
        year=money_text(pl.col("annual_credit_cents")),
    )
    return rows.group_by("case", maintain_order=True).agg(credits=pl.struct("name", "pay", "year"))


def _deductions(options: pl.DataFrame) -> pl.DataFrame:
    """Gather what is taken from a case whatever it chooses."""
    rows = general_deductions(options).with_columns(
        name=pl.coalesce("option_name", "option_code"),
        pay=money_text(_per_pay()),
        year=money_text(_per_year()),
        tax=pl.concat_list("tax_class"),
    )
    rows = rows.with_columns(tax=_tax_text().fill_null(ABSENT))
    return rows.group_by("case", maintain_order=True).agg(deductions=pl.struct("name", "pay", "year", "tax"))


def _current(batch: StatementFrames) -> pl.DataFrame:
    """Gather what is in force on the day before the event."""
    held = with_details(in_force_before(batch.timeline), batch).sort("case", "plan_type", "slot")
    rows = held.with_columns(type=plan_type_said(), since=day_said(pl.col("begins_on")))
    fields = ("type", "label", "detail", "dependents", "funds", "receivers", "since")
    return rows.group_by("case", maintain_order=True).agg(current=pl.struct(fields))


def _per_pay() -> pl.Expr:
    return money.add(pl.col("pay_before_tax_cents"), pl.col("pay_after_tax_cents"))


def _per_year() -> pl.Expr:
    return money.add(pl.col("annual_before_tax_cents"), pl.col("annual_after_tax_cents"))
