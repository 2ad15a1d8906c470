"""What the person has: the coverage timeline as it stands, with what made each point."""

from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

import polars as pl
from django.db.models import Q

from openbenefits.core import money as cents_of
from openbenefits.core.codes import ChangeKind, PersonType
from openbenefits.enrollment.models import (
    Coverage,
    CoverageBeneficiary,
    CoverageDependent,
    CoverageFund,
    EventOption,
)
from openbenefits.events.models import Event
from openbenefits.reports.explain_again import Again, record_of
from openbenefits.reports.explain_event import run_name
from openbenefits.reports.explain_names import Row, class_code, option_name, plan_type_name, row_of, row_on
from openbenefits.reports.explain_parts import HeldPart
from openbenefits.reports.explain_prices import pays_of
from openbenefits.reports.explain_words import (
    HUNDREDTHS,
    KIND_WORDS,
    PERSON_WORDS,
    THOUSANDTHS,
    day,
    decimal,
    listed,
    money,
    whole_money,
)
from openbenefits.workforce.models import DependentFact

COVERED = (ChangeKind.ELECTED, ChangeKind.DEFAULTED)
POINT = ("plan_type", "slot", "begins_on", "version")


def held_parts(
    again: Again, plan_type: str | None = None, *, known_at: datetime | None = None
) -> tuple[HeldPart, ...]:
    """Tell the change points that hold, or held as then known, of all plan types or of one."""
    rows = Coverage.objects.filter(**record_of(again.event))
    holds = Q(superseded_by_run__isnull=True)
    if known_at is not None:
        rows = rows.filter(made_at__lte=known_at)
        holds |= Q(superseded_at__gt=known_at)
    rows = rows.filter(holds)
    if plan_type is not None:
        rows = rows.filter(plan_type=plan_type)
    points = list(rows.order_by("plan_type", "slot", "begins_on").values())
    parts = []
    for _, timeline in groupby(points, key=lambda point: (point["plan_type"], point["slot"])):
        of_slot = list(timeline)
        following = [point["begins_on"] for point in of_slot[1:]]
        ends = [*(on - timedelta(days=1) for on in following), None]
        parts += [_held(again, point, end) for point, end in zip(of_slot, ends, strict=True)]
    return tuple(parts)


def _held(again: Again, point: Row, through_on: date | None) -> HeldPart:
    kind = ChangeKind(point["kind"])
    is_covered = kind in COVERED
    return HeldPart(
        plan_type=point["plan_type"],
        name=plan_type_name(point["plan_type"]),
        from_on=point["begins_on"],
        through_on=through_on,
        kind=point["kind"],
        kind_name=KIND_WORDS[kind],
        basis=point["basis"],
        what=_what(again, point) if is_covered else "",
        covers=_covers(again, point) if is_covered else "",
        rule=point["rule"],
        made_by=_made_by(again, point),
        deduction_begins_on=point["deduction_begins_on"] if is_covered else None,
        deduction=_deduction(again, point) if is_covered else "",
    )


def _what(again: Again, point: Row) -> str:
    told = [option_name(again.tables, point["option_id"], point["begins_on"])]
    if point["coverage_cents"] is not None:
        told.append(f"{whole_money(point['coverage_cents'])} of coverage")
    if point["requested_coverage_cents"] is not None:
        told.append(f"{whole_money(point['requested_coverage_cents'])} asked for, waits for evidence")
    if point["pledge_cents"] is not None:
        told.append(f"{money(point['pledge_cents'])} a plan year")
    if point["percent_thousandths"] is not None:
        told.append(f"{decimal(point['percent_thousandths'], THOUSANDTHS)}% of pay")
    if point["after_tax_thousandths"] is not None:
        told.append(f"{decimal(point['after_tax_thousandths'], THOUSANDTHS)}% of pay after tax")
    if point["hours_hundredths"] is not None:
        told.append(f"{decimal(point['hours_hundredths'], HUNDREDTHS)} hours")
    return ", ".join(told)


def _covers(again: Again, point: Row) -> str:
    """The dependents covered, by what they are to the person, and the funds."""
    key = record_of(again.event) | {name: point[name] for name in POINT}
    ids = CoverageDependent.objects.filter(**key).values_list("dependent_id", flat=True)
    facts = DependentFact.objects.filter(client_id=key["client_id"], dependent_id__in=list(ids))
    kinds = {row.dependent_id: row.person_type for row in facts.order_by("valid_from", "version")}
    told = sorted(PERSON_WORDS.get(kind, kind) for kind in kinds.values())
    funds = CoverageFund.objects.filter(**key).order_by("fund").values_list("fund", "percent")
    told += [f"{share}% in {fund}" for fund, share in funds]
    return listed(told + _receivers(key))


def _receivers(key: dict[str, Any]) -> list[str]:
    """Who is to receive, by what they are to the person, with their shares."""
    shares = CoverageBeneficiary.objects.filter(**key).order_by("is_contingent", "dependent_id").values()
    told = []
    for row in shares:
        facts = DependentFact.objects.filter(client_id=key["client_id"], dependent_id=row["dependent_id"])
        kind = facts.order_by("valid_from", "version").values_list("person_type", flat=True).last()
        who = PERSON_WORDS.get(PersonType(kind), kind) if kind else "somebody"
        contingent = " if nobody else is left" if row["is_contingent"] else ""
        told.append(f"{decimal(row['percent_hundredths'], HUNDREDTHS)}% to be received by {who}{contingent}")
    return told


def _made_by(again: Again, point: Row) -> str:
    if point["event_number"] is None:
        return "taken over, not by an event of ours"
    key = record_of(again.event) | {name: point[name] for name in ("schedule_id", "event_number")}
    event = Event.objects.filter(**key).values().first()
    if event is None:
        return f"event {point['event_number']}"
    code, name = class_code(again.tables, event["event_class_id"])
    run = run_name(point["run_id"])
    return f"event {code} ({name}) of {day(event['event_on'])}{f', {run}' if run else ''}"


def _deduction(again: Again, point: Row) -> str:
    """What is taken per pay, and from which price that follows."""
    if point["percent_thousandths"] is not None:
        return f"{decimal(point['percent_thousandths'], THOUSANDTHS)}% of each pay"
    if point["pledge_cents"] is not None:
        return _pledged(again, point)
    if point["event_number"] is None:
        return "its price is not known here: it was taken over"
    priced = _priced(again, point)
    if priced is None or priced["pay_before_tax_cents"] is None or priced["pay_after_tax_cents"] is None:
        return "no price was decided by its event"
    before, after = priced["pay_before_tax_cents"], priced["pay_after_tax_cents"]
    year = priced["annual_before_tax_cents"] + priced["annual_after_tax_cents"]
    tax = ", before tax" if before else ", after tax" if after else ""
    waits = point["requested_coverage_cents"] is not None
    for_all = " for all that is asked for; less is billed while evidence waits" if waits else ""
    return f"{money(before + after)} per pay{tax}: {money(year)} a year{for_all}"


def _priced(again: Again, point: Row) -> Row | None:
    key = record_of(again.event) | {
        name: point[name] for name in ("schedule_id", "event_number", "option_id")
    }
    found: Row | None = EventOption.objects.filter(**key).order_by("-preparation").values().first()
    return found


def _pledged(again: Again, point: Row) -> str:
    option = row_on(again.tables["option"], point["begins_on"], option_id=point["option_id"])
    code = row_of(again.tables["deduction_code"], deduction_code_id=option and option["deduction_code_id"])
    group = again.case["pay_group_id"]
    pays = code and pays_of(again, group, point["begins_on"].year, code["period_flags"])
    if not pays:
        return f"{money(point['pledge_cents'])} a year; the number of pays is not known"
    pay = pl.select(cents_of.divide_half_up(pl.lit(point["pledge_cents"]), pays)).item()
    year = point["begins_on"].year
    return f"{money(pay)} per pay: {money(point['pledge_cents'])} a year ÷ {pays} pays in {year}"
