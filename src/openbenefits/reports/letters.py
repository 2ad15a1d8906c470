"""The parts both statements share: who a letter is to, what options are called, what was stated.

All amounts and days become text here, so that the templates only set them. A letter is a row per event; its
parts are lists of structs, which `printing` writes as JSON.
"""

from dataclasses import dataclass

import polars as pl
from django.utils.translation import gettext as _

from openbenefits.core.codes import OptionType, PersonType
from openbenefits.reports.frames import COVERAGE_PLACE
from openbenefits.reports.rules import (
    city_line,
    full_name,
    hundredths_text,
    money_text,
    percent_text,
    whole_money_text,
)
from openbenefits.reports.spoken import day_said, said, said_of

PROGRAM_TYPE = "01"
RELATIONSHIPS = {
    PersonType.SPOUSE: "spouse",
    PersonType.DOMESTIC_PARTNER: "domestic partner",
    PersonType.CHILD: "child",
    PersonType.ADULT_CHILD: "adult child",
    PersonType.OTHER_QUALIFIED: "other dependent",
    PersonType.NON_QUALIFIED: "not a tax dependent",
    PersonType.SAME_SEX_SPOUSE: "same-sex spouse",
    PersonType.EX_SPOUSE: "former spouse",
    PersonType.BENEFICIARY: "beneficiary",
}


@dataclass(frozen=True, kw_only=True)
class StatementFrames:
    """What the letters of a batch are made from; `events` in the order of the letters.

    events:     with set-up names and people.
    plans:      with event_on and the columns of the program's plan type.
    options:    with event_on and option names.
    timeline:   change points with event_on and option names.
    covered:    dependents of change points, superseded ones too.
    funds:      fund allocations, with fund_name.
    beneficiaries: shares of who is to receive.
    dependents: as of the event date, with names.
    leftover:   what became of credits left over: case, leftover.
    """

    events: pl.DataFrame
    plans: pl.DataFrame
    options: pl.DataFrame
    timeline: pl.DataFrame
    covered: pl.DataFrame
    funds: pl.DataFrame
    beneficiaries: pl.DataFrame
    dependents: pl.DataFrame
    leftover: pl.DataFrame


def heads(events: pl.DataFrame) -> pl.DataFrame:
    address = pl.concat_list("line1", city_line()).list.drop_nulls()
    return events.select(
        "case",
        "employee_number",
        name=full_name(),
        client=pl.coalesce("client_name", "client"),
        address=address.list.filter(pl.element() != ""),
        event=_event_text(),
        event_on=day_said(pl.col("event_on")),
        respond_by=day_said(pl.col("window_ends_on")),
        program=said(pl.coalesce("program_name", "program")),
        benefit_record=pl.col("benefit_record"),
    )


def _event_text() -> pl.Expr:
    """Name the event: an open enrolment by its schedule, all others by their class."""
    return said(
        pl.when(kind="O")
        .then(pl.coalesce("schedule_name", "event_name"))
        .otherwise(pl.coalesce("event_name", "event_class", pl.lit("Enrolment")))
    )


def labelled(options: pl.DataFrame) -> pl.DataFrame:
    """Add plan (what an option is of), cover (how much of it) and label (both)."""
    is_waiver = pl.col("option_type") == OptionType.WAIVE.value
    plan = (
        pl.when(is_waiver)
        .then(pl.lit(_("Decline this benefit")))
        .otherwise(said(pl.coalesce("plan_name", "option_name", "option_code")))
    )
    amount = whole_money_text(pl.col("coverage_cents"))
    cover = pl.coalesce(said(pl.col("coverage_name")), amount).fill_null("")
    rows = options.with_columns(plan=plan, cover=pl.when(is_waiver).then(pl.lit("")).otherwise(cover))
    return rows.with_columns(label=_joined("plan", "cover"))


def _joined(plan: str, cover: str) -> pl.Expr:
    return pl.when(pl.col(cover) == "").then(plan).otherwise(pl.concat_str(plan, cover, separator=", "))


def with_details(points: pl.DataFrame, batch: StatementFrames) -> pl.DataFrame:
    """Add label, detail (stated amounts), dependents, funds and receivers of change points, as text."""
    place = ["case", *COVERAGE_PLACE]
    names = batch.dependents.select("case", "dependent_id", covered=full_name())
    covered = batch.covered.join(names, on=["case", "dependent_id"], maintain_order="left").sort(
        "dependent_id"
    )
    people = covered.group_by(place).agg(dependents=pl.col("covered").str.join(", "))
    share = pl.format("{} {}%", pl.coalesce("fund_name", "fund"), "percent")
    funds = batch.funds.sort("fund").group_by(place).agg(funds=share.str.join(", "))
    rows = labelled(points).join(people, on=place, how="left", maintain_order="left")
    rows = rows.join(_receivers(batch), on=place, how="left", maintain_order="left")
    return rows.join(funds, on=place, how="left", maintain_order="left").with_columns(detail=_stated())


def _stated() -> pl.Expr:
    """Write what a person stated: hours with their price, a pledge, percentages before and after tax."""
    year = pl.format(_("{} for the year"), money_text(pl.col("pledge_cents")))
    hours = pl.format(_("{} hours"), hundredths_text(pl.col("hours_hundredths")))
    before = pl.format(_("{} of pay"), percent_text(pl.col("percent_thousandths")))
    after = pl.format(_("{} of pay after tax"), percent_text(pl.col("after_tax_thousandths")))
    told = pl.concat_str(hours, year, before, after, separator=", ", ignore_nulls=True)
    return pl.when(told != "").then(told)


def _receivers(batch: StatementFrames) -> pl.DataFrame:
    """Name who is to receive how much, the contingent ones last, per change point."""
    place = ["case", *COVERAGE_PLACE]
    names = batch.dependents.select("case", "dependent_id", receives=full_name())
    named = batch.beneficiaries.join(names, on=["case", "dependent_id"], maintain_order="left")
    share = pl.format("{} {}%", "receives", hundredths_text(pl.col("percent_hundredths")))
    told = pl.when("is_contingent").then(pl.format(_("{} (contingent)"), share)).otherwise(share)
    ordered = named.with_columns(told=told).sort("is_contingent", "dependent_id")
    return ordered.group_by(place).agg(receivers=pl.col("told").str.join(", "))


def dependents_on_file(dependents: pl.DataFrame) -> pl.DataFrame:
    known = dependents.filter(~pl.col("is_former")).sort("case", "number")
    rows = known.with_columns(
        name=full_name(),
        relationship=said_of("person_type", RELATIONSHIPS),
        born=day_said(pl.col("birth_on")),
    )
    return rows.group_by("case", maintain_order=True).agg(
        dependents=pl.struct("name", "relationship", "born")
    )


def assembled(heads: pl.DataFrame, parts: dict[str, pl.DataFrame]) -> pl.DataFrame:
    for part in parts.values():
        heads = heads.join(part, on="case", how="left", maintain_order="left")
    return heads


def general_credits(options: pl.DataFrame) -> pl.DataFrame:
    """Keep what a program gives everybody."""
    return _general(options).filter(pl.col("pay_credit_cents").fill_null(0) != 0)


def general_deductions(options: pl.DataFrame) -> pl.DataFrame:
    """Keep what a program takes from everybody; what it only costs the employer is not taken."""
    taken = pl.sum_horizontal("pay_before_tax_cents", "pay_after_tax_cents")
    is_deduction = pl.col("option_type") == OptionType.GENERAL_DEDUCTION.value
    return _general(options).filter(is_deduction & (taken != 0))


def _general(options: pl.DataFrame) -> pl.DataFrame:
    return options.filter(pl.col("plan_type") == PROGRAM_TYPE).sort("case", "option_order")
