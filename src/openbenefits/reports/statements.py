"""What stands on a statement: frames of events and options become letters, one row per event.

All amounts and days become text here, so that the templates only set them. A letter's parts are lists of
structs; `printing` writes them as JSON.
"""

from dataclasses import dataclass

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import COVERED_KINDS, AmountKind, ChangeKind, OptionType, PersonType, TaxClass
from openbenefits.reports.frames import COVERAGE_PLACE
from openbenefits.reports.listings import in_force_before
from openbenefits.reports.names import plan_type_name
from openbenefits.reports.rules import (
    city_line,
    day_text,
    full_name,
    money_text,
    percent_text,
    short_day_text,
    whole_money_text,
)

PROGRAM_TYPE = "01"
RELATIONSHIPS = {
    PersonType.SPOUSE: "spouse",
    PersonType.DOMESTIC_PARTNER: "domestic partner",
    PersonType.CHILD: "child",
    PersonType.ADULT_CHILD: "adult child",
    PersonType.OTHER_QUALIFIED: "other dependent",
    PersonType.NON_QUALIFIED: "not a tax dependent",
    PersonType.EX_SPOUSE: "former spouse",
}
PRICES = (
    *("annual_before_tax_cents", "annual_after_tax_cents", "annual_employer_cents", "annual_credit_cents"),
    *("pay_before_tax_cents", "pay_after_tax_cents", "pay_credit_cents"),
)
ABSENT = "\N{EN DASH}"


@dataclass(frozen=True, kw_only=True)
class StatementFrames:
    """What the letters of a batch are made from; `events` in the order of the letters.

    events:     with set-up names and people.
    plans:      with event_on and the columns of the program's plan type.
    options:    with event_on and option names.
    timeline:   change points with event_on and option names.
    covered:    dependents of change points, superseded ones too.
    funds:      fund allocations, with fund_name.
    dependents: as of the event date, with names.
    """

    events: pl.DataFrame
    plans: pl.DataFrame
    options: pl.DataFrame
    timeline: pl.DataFrame
    covered: pl.DataFrame
    funds: pl.DataFrame
    dependents: pl.DataFrame


# --- enrolment statement (BAS004) -------------------------------------------------------------------------


def enrollment_letters(batch: StatementFrames) -> pl.DataFrame:
    """Write the letters that ask for a choice."""
    options = _labelled(batch.options)
    parts = {
        "dependents": _dependents(batch.dependents),
        "current": _current(batch),
        "plans": _plan_choices(batch.plans, options),
        "credits": _credits(options),
    }
    return _assembled(_heads(batch.events), parts)


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
        type=plan_type_name(),
        begins=day_text(pl.col("coverage_begins_on")),
        deducted_from=day_text(pl.col("deduction_begins_on")),
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
    unknown = pl.when(is_waiver).then(pl.lit(ABSENT)).otherwise(pl.lit("as you state"))
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
    words = {TaxClass.BEFORE_TAX.value: "before tax", TaxClass.AFTER_TAX.value: "after tax"}
    return pl.when(one).then(
        pl.col("tax").list.first().replace_strict(words, default=None, return_dtype=pl.String)
    )


def _silent() -> pl.Expr:
    """Say in words what happens without an answer, for each default reason of the kernel."""
    label = pl.col("default_label").fill_null("the option shown as default")
    ends = day_text(pl.col("coverage_ends_on"))
    return (
        pl.when(default_reason="current")
        .then(pl.format("you keep what you have: {}.", label))
        .when(default_reason="default option")
        .then(pl.format("you are enrolled in {}.", label))
        .when(default_reason="lowest level")
        .then(pl.format("you are enrolled in {}, the lowest level you are eligible for.", label))
        .when(default_reason="waiver")
        .then(pl.lit("it counts as declining (waiver): you have no coverage of this kind."))
        .when(default_reason="untouched")
        .then(pl.lit("nothing changes."))
        .when((pl.col("default_reason") == "ends") & ends.is_not_null())
        .then(pl.format("what you have now ends; the last day is {}.", ends))
        .when(default_reason="ends")
        .then(pl.lit("what you have now ends."))
        .otherwise(pl.lit("you have no coverage of this kind."))
    )


def _amount_wanted() -> pl.Expr:
    """Say which amount a person states with the choice, and its limits."""
    least, most = money_text(pl.col("minimum_amount_cents")), money_text(pl.col("maximum_amount_cents"))
    low = percent_text(pl.col("minimum_percent_thousandths"))
    high = percent_text(pl.col("maximum_percent_thousandths"))
    return (
        pl.when(amount_kind=AmountKind.PLEDGE.value)
        .then(_within("State the amount for the plan year", least, most))
        .when(amount_kind=AmountKind.PERCENT.value)
        .then(_within("State the percentage of your pay", low, high))
    )


def _within(lead: str, least: pl.Expr, most: pl.Expr) -> pl.Expr:
    known = least.is_not_null() & most.is_not_null()
    up_to = pl.when(most.is_not_null()).then(pl.format("{}, at most {}.", pl.lit(lead), most))
    return (
        pl.when(known)
        .then(pl.format("{}, from {} to {}.", pl.lit(lead), least, most))
        .otherwise(up_to.fill_null(pl.lit(f"{lead}.")))
    )


def _credits(options: pl.DataFrame) -> pl.DataFrame:
    """Gather the credits a case has whatever it chooses."""
    general = _general_credits(options)
    rows = general.with_columns(
        name=pl.coalesce("option_name", "option_code"),
        pay=money_text(pl.col("pay_credit_cents")),
        year=money_text(pl.col("annual_credit_cents")),
    )
    return rows.group_by("case", maintain_order=True).agg(credits=pl.struct("name", "pay", "year"))


def _general_credits(options: pl.DataFrame) -> pl.DataFrame:
    return options.filter(
        (pl.col("option_type") == OptionType.GENERAL_CREDIT.value) | (pl.col("plan_type") == PROGRAM_TYPE),
        pl.col("pay_credit_cents").fill_null(0) != 0,
    ).sort("case", "option_order")


def _current(batch: StatementFrames) -> pl.DataFrame:
    """Gather what is in force on the day before the event."""
    held = _with_details(in_force_before(batch.timeline), batch).sort("case", "plan_type", "slot")
    rows = held.with_columns(type=plan_type_name(), since=day_text(pl.col("begins_on")))
    fields = ("type", "label", "detail", "dependents", "funds", "since")
    return rows.group_by("case", maintain_order=True).agg(current=pl.struct(fields))


# --- confirmation (BAS005) --------------------------------------------------------------------------------


def confirmation_letters(batch: StatementFrames) -> pl.DataFrame:
    """Write the letters that say what was decided."""
    rows = pl.concat([_confirmed(batch), _general_credits(batch.options)], how="diagonal")
    return _assembled(
        _heads(batch.events),
        {
            "dependents": _dependents(batch.dependents),
            "plans": _confirmed_plans(rows),
            "totals": _totals(rows),
        },
    )


def _confirmed(batch: StatementFrames) -> pl.DataFrame:
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
    return _with_details(_as_billed(priced), batch).sort(
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
    is_credit = pl.col("kind").is_null()
    credit_name = pl.coalesce("option_name", "option_code")
    shown = rows.with_columns(
        pl.col("is_new").fill_null(value=True),
        type=pl.when(is_credit).then(pl.lit("Credit from your employer")).otherwise(plan_type_name()),
        label=pl.when(is_credit).then(credit_name).when(covers).then("label").otherwise(_kind_text()),
        detail=pl.when(covers).then("detail"),
        begins=short_day_text(pl.col("begins_on")),
        deducted_from=pl.when(covers).then(short_day_text(pl.col("deduction_begins_on"))),
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
        ChangeKind.WAIVED.value: "declined (waived)",
        ChangeKind.TERMINATED.value: "ended: no coverage from the day shown",
        ChangeKind.NEVER_ENROLLED.value: "not enrolled",
        ChangeKind.INELIGIBLE.value: "not eligible",
    }
    return pl.col("kind").replace_strict(words, default="not covered")


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


# --- parts of both ----------------------------------------------------------------------------------------


def _heads(events: pl.DataFrame) -> pl.DataFrame:
    address = pl.concat_list("line1", city_line()).list.drop_nulls()
    return events.select(
        "case",
        "employee_number",
        name=full_name(),
        client=pl.coalesce("client_name", "client"),
        address=address.list.filter(pl.element() != ""),
        event=_event_text(),
        event_on=day_text(pl.col("event_on")),
        respond_by=day_text(pl.col("window_ends_on")),
        program=pl.coalesce("program_name", "program"),
        benefit_record=pl.col("benefit_record"),
    )


def _event_text() -> pl.Expr:
    """Name the event: an open enrolment by its schedule, all others by their class."""
    return (
        pl.when(kind="O")
        .then(pl.coalesce("schedule_name", "event_name"))
        .otherwise(pl.coalesce("event_name", "event_class", pl.lit("Enrolment")))
    )


def _labelled(options: pl.DataFrame) -> pl.DataFrame:
    """Add plan (what an option is of), cover (how much of it) and label (both)."""
    is_waiver = pl.col("option_type") == OptionType.WAIVE.value
    plan = (
        pl.when(is_waiver)
        .then(pl.lit("Decline this benefit"))
        .otherwise(pl.coalesce("plan_name", "option_name", "option_code"))
    )
    cover = pl.coalesce("coverage_name", whole_money_text(pl.col("coverage_cents"))).fill_null("")
    rows = options.with_columns(plan=plan, cover=pl.when(is_waiver).then(pl.lit("")).otherwise(cover))
    return rows.with_columns(label=_joined("plan", "cover"))


def _joined(plan: str, cover: str) -> pl.Expr:
    return pl.when(pl.col(cover) == "").then(plan).otherwise(pl.concat_str(plan, cover, separator=", "))


def _with_details(points: pl.DataFrame, batch: StatementFrames) -> pl.DataFrame:
    """Add label, detail (stated amounts), dependents and funds of change points, as text."""
    place = ["case", *COVERAGE_PLACE]
    names = batch.dependents.select("case", "dependent_id", covered=full_name())
    covered = batch.covered.join(names, on=["case", "dependent_id"], maintain_order="left").sort(
        "dependent_id"
    )
    people = covered.group_by(place).agg(dependents=pl.col("covered").str.join(", "))
    share = pl.format("{} {}%", pl.coalesce("fund_name", "fund"), "percent")
    funds = batch.funds.sort("fund").group_by(place).agg(funds=share.str.join(", "))
    rows = _labelled(points).join(people, on=place, how="left", maintain_order="left")
    stated = pl.coalesce(
        pl.format("{} for the year", money_text(pl.col("pledge_cents"))),
        pl.format("{} of pay", percent_text(pl.col("percent_thousandths"))),
    )
    return rows.join(funds, on=place, how="left", maintain_order="left").with_columns(detail=stated)


def _dependents(dependents: pl.DataFrame) -> pl.DataFrame:
    known = dependents.filter(~pl.col("is_former")).sort("case", "number")
    words = {str(kind): name for kind, name in RELATIONSHIPS.items()}
    rows = known.with_columns(
        name=full_name(),
        relationship=pl.col("person_type").replace_strict(words, default=pl.col("person_type")),
        born=day_text(pl.col("birth_on")),
    )
    return rows.group_by("case", maintain_order=True).agg(
        dependents=pl.struct("name", "relationship", "born")
    )


def _assembled(heads: pl.DataFrame, parts: dict[str, pl.DataFrame]) -> pl.DataFrame:
    for part in parts.values():
        heads = heads.join(part, on="case", how="left", maintain_order="left")
    return heads


def _per_pay() -> pl.Expr:
    return money.add(pl.col("pay_before_tax_cents"), pl.col("pay_after_tax_cents"))


def _per_year() -> pl.Expr:
    return money.add(pl.col("annual_before_tax_cents"), pl.col("annual_after_tax_cents"))
