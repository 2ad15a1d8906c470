"""What one may enter for an event: plan types, options with prices, what stands; and whose turn is next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from openbenefits.core.codes import PROCESS_STATUS_NAMES, AmountKind
from openbenefits.enrollment.election_faults import ENTERABLE
from openbenefits.enrollment.election_frames import load_elected
from openbenefits.enrollment.rules.validate import WAIVER
from openbenefits.events.models import Event
from openbenefits.events.windows import EventPlace
from openbenefits.reports import frames as reports
from openbenefits.reports.explain_words import PERSON_WORDS
from openbenefits.reports.names import (
    SetupNames,
    held_on,
    load_names,
    plan_type_name,
    with_event_names,
    with_option_names,
)
from openbenefits.reports.rules import money_text
from openbenefits.store.bulk import copy_out

CELLS = (
    *("option", "coverage_amount", "annual_pledge", "percent", "after_tax_percent", "hours"),
    *("dependents", "funds", "beneficiaries", "contingent_beneficiaries", "waive_reason"),
)
"""What is typed of a plan type, by the columns of a file of elections."""


@dataclass(frozen=True, kw_only=True)
class OptionOffered:
    """An option that may be chosen. per_pay: dollars, as text; empty where it depends on what is stated."""

    code: str
    name: str
    per_pay: str
    is_electable: bool
    is_current: bool
    is_default: bool
    is_proof_required: bool


@dataclass(frozen=True, kw_only=True)
class PlanOffered:
    """A plan type in which something may be decided.

    stands: what was entered last, as cells (CELLS); empty where nothing stands.
    asks: which cells beside the option mean anything here.
    """

    plan_type: str
    name: str
    is_choice: bool
    is_waive_allowed: bool
    options: tuple[OptionOffered, ...]
    stands: Mapping[str, str]
    asks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What may be entered for an event. person: number and name; dependents: number and name of each."""

    place: EventPlace
    employee_number: str
    name: str
    event: str
    event_on: date
    status: str | None
    status_name: str
    window_ends_on: date | None
    takes_entries: bool
    plans: tuple[PlanOffered, ...]
    dependents: tuple[tuple[int, str, str], ...]

    @property
    def choices(self) -> int:
        return sum(plan.is_choice for plan in self.plans)

    @property
    def entered(self) -> int:
        return sum(plan.is_choice and bool(plan.stands) for plan in self.plans)


PLAN = {
    "plan_type": pl.String(),
    **dict.fromkeys(("is_choice", "is_ignored", "is_waive_allowed"), pl.Boolean()),
}


class NothingToEnter(LookupError):
    """No such event: what was expected, what was found, what to do."""


def offer_of(connection: Any, place: EventPlace) -> Offer:
    """Answer what may be entered for an event, and what stands.

    Errors: NothingToEnter.
    """
    loaded = reports.load_events(connection, client_ids=[place.client_id], person_ids=[place.person_id])
    event = reports.with_case(loaded.filter(**place.key()))
    if event.is_empty():
        raise NothingToEnter("expected an event of this person, found none; choose one of the list")
    names = load_names(connection)
    about = with_event_names(event, names).row(0, named=True)
    who = reports.load_people(connection, event).row(0, named=True)
    status = about["process_status"]
    return Offer(
        place=place,
        employee_number=who["employee_number"],
        name=f"{who['first_name'] or ''} {who['last_name'] or ''}".strip(),
        event=about["event_name"] or about["event_class"] or "",
        event_on=about["event_on"],
        status=status,
        status_name=_status_name(status),
        window_ends_on=about["window_ends_on"],
        takes_entries=status in ENTERABLE and about["event_status"] == "O",
        plans=_plans(connection, event, names),
        dependents=_dependents(connection, event),
    )


def _status_name(status: str | None) -> str:
    return PROCESS_STATUS_NAMES.get(status or "", "not processed yet")


def _plans(connection: Any, event: pl.DataFrame, names: SetupNames) -> tuple[PlanOffered, ...]:
    day = event["event_on"][0]
    plans = reports.of_events(connection, reports.PLANS_QUERY, PLAN, event).filter(~pl.col("is_ignored"))
    rows = plans.with_columns(event_on=pl.lit(day), program_id=pl.lit(event["program_id"][0], pl.Int32))
    named = held_on(rows, names.plan_types, "program_id", "plan_type").with_columns(plan=plan_type_name())
    options = with_option_names(
        reports.load_options(connection, event).with_columns(event_on=pl.lit(day)), names
    ).sort("plan_type", "option_order", "option_id")
    shown = options.with_columns(per_pay=_per_pay())
    elected = _standing(connection, event)
    return tuple(
        _plan(row, shown.filter(plan_type=row["plan_type"]), elected.get(row["plan_type"], {}))
        for row in named.sort("plan_order", "plan_type", nulls_last=True).iter_rows(named=True)
    )


def _per_pay() -> pl.Expr:
    """What a pay takes, less what it gives; empty where it depends on what is stated."""
    parts = ("pay_before_tax_cents", "pay_after_tax_cents")
    taken = pl.sum_horizontal(pl.col(name).fill_null(0) for name in parts)
    is_known = pl.any_horizontal(pl.col(name).is_not_null() for name in parts)
    return pl.when(is_known).then(money_text(taken)).otherwise(pl.lit(""))


def _plan(row: Mapping[str, Any], options: pl.DataFrame, stands: Mapping[str, str]) -> PlanOffered:
    kind = row["amount_kind"] or str(AmountKind.NONE)
    return PlanOffered(
        plan_type=row["plan_type"],
        name=row["plan"],
        is_choice=row["is_choice"],
        is_waive_allowed=row["is_waive_allowed"] and WAIVER not in options["option_code"],
        options=tuple(
            OptionOffered(
                code=one["option_code"] or "",
                name=one["option_name"] or one["plan_name"] or one["option_code"] or "",
                per_pay=one["per_pay"],
                is_electable=one["is_electable"],
                is_current=one["is_current"],
                is_default=one["is_default"],
                is_proof_required=one["is_proof_required"],
            )
            for one in options.iter_rows(named=True)
        ),
        stands=stands,
        asks=_asks(row["plan_type"], kind),
    )


_OF_KIND = {
    str(AmountKind.PLEDGE): ("annual_pledge",),
    str(AmountKind.PERCENT): ("percent", "after_tax_percent"),
    str(AmountKind.HOURS): ("hours",),
}
_OF_CATEGORY = {
    "1": ("dependents",),
    "2": ("coverage_amount", "dependents", "beneficiaries", "contingent_beneficiaries"),
    "4": ("funds", "beneficiaries", "contingent_beneficiaries"),
    "7": ("funds", "beneficiaries", "contingent_beneficiaries"),
}


def _asks(plan_type: str, kind: str) -> tuple[str, ...]:
    """Which cells beside the option mean anything for a plan type.

    >>> _asks("60", "annual_pledge"), _asks("10", "none")
    (('annual_pledge', 'waive_reason'), ('dependents', 'waive_reason'))
    """
    return (*_OF_KIND.get(kind, ()), *_OF_CATEGORY.get(plan_type[:1], ()), "waive_reason")


def _standing(connection: Any, event: pl.DataFrame) -> dict[str, dict[str, str]]:
    """What stands of each plan type, as one would type it."""
    elected = load_elected(connection, event)
    numbers = dict(
        reports.load_dependents(connection, event).select("dependent_id", "number").unique().iter_rows()
    )
    cells = {row["plan_type"]: _cells(row) for row in elected.elections.iter_rows(named=True)}
    for row in elected.members.sort("dependent_id").iter_rows(named=True):
        _append(cells[row["plan_type"]], "dependents", str(numbers.get(row["dependent_id"], "?")))
    for row in elected.funds.sort("fund").iter_rows(named=True):
        _append(cells[row["plan_type"]], "funds", f"{row['fund']}:{row['percent']}")
    for row in elected.beneficiaries.iter_rows(named=True):
        name = "contingent_beneficiaries" if row["is_contingent"] else "beneficiaries"
        share = _plain(row["percent_hundredths"], 2)
        _append(cells[row["plan_type"]], name, f"{numbers.get(row['dependent_id'], '?')}:{share}")
    return cells


def _cells(row: Mapping[str, Any]) -> dict[str, str]:
    said = {
        "option": row["option_code"],
        "coverage_amount": _plain(row["coverage_cents"], 2),
        "annual_pledge": _plain(row["pledge_cents"], 2),
        "percent": _plain(row["percent_thousandths"], 3),
        "after_tax_percent": _plain(row["after_tax_thousandths"], 3),
        "hours": _plain(row["hours_hundredths"], 2),
        "waive_reason": row["waive_reason"],
    }
    return {name: text for name, text in said.items() if text}


def _append(cells: dict[str, str], name: str, text: str) -> None:
    cells[name] = f"{cells[name]} {text}" if name in cells else text


def _plain(amount: int | None, decimals: int) -> str:
    """Write an amount as people would, without zeros that say nothing.

    >>> _plain(150050, 2), _plain(6000, 3), _plain(None, 2)
    ('1500.50', '6', '')
    """
    if amount is None:
        return ""
    number = Decimal(amount).scaleb(-decimals)
    return f"{number:f}" if number != number.to_integral_value() else f"{number.to_integral_value():f}"


def _dependents(connection: Any, event: pl.DataFrame) -> tuple[tuple[int, str, str], ...]:
    rows = reports.load_dependents(connection, event).filter(~pl.col("is_former")).sort("number")
    words = pl.col("person_type").replace_strict(
        PERSON_WORDS, default=pl.col("person_type"), return_dtype=pl.String
    )
    named = rows.select("number", pl.concat_str("first_name", "last_name", separator=" "), words)
    return tuple(named.iter_rows())


# --- whose turn is next -------------------------------------------------------------------------------------

NEXT_QUERY = """
SELECT e.person_id, e.benefit_record, e.event_number
FROM events_event AS e
WHERE e.client_id = %(client)s AND e.schedule_id = %(schedule)s AND e.event_status = 'O'
  AND e.process_status = ANY(%(statuses)s)
  AND (e.person_id, e.benefit_record, e.event_number) > (%(person)s, %(record)s, %(number)s)
ORDER BY e.person_id, e.benefit_record, e.event_number LIMIT 1
"""
NEXT = {"person_id": pl.Int64(), "benefit_record": pl.Int16(), "event_number": pl.Int32()}
FIRST = (0, 0, -1)
WAITING = [status for status in ENTERABLE if status != "ET"]
"""Of these nobody has entered everything yet, or it was wrong."""


def next_to_enter(
    connection: Any, client_id: int, schedule_id: int, after: Sequence[int] = FIRST
) -> EventPlace | None:
    """Find the next event of a schedule that waits for elections, in order of people; None: no more.

    after: person, benefit record and number of the event before.
    """
    asked = dict(zip(("person", "record", "number"), after, strict=True))
    asked |= {"client": client_id, "schedule": schedule_id}
    rows = copy_out(connection, NEXT_QUERY, NEXT, asked | {"statuses": WAITING})
    if rows.is_empty():
        return None
    return EventPlace(client_id=client_id, schedule_id=schedule_id, **rows.row(0, named=True))


def open_event_of(client_id: int, schedule_id: int, person_id: int) -> EventPlace | None:
    """Find the event of a person in a schedule that takes elections: the open one; None: there is none."""
    rows = Event.objects.filter(client_id=client_id, schedule_id=schedule_id, person_id=person_id)
    found = rows.filter(event_status="O").order_by("benefit_record", "event_number").first()
    if found is None:
        return None
    return EventPlace(
        client_id=client_id,
        person_id=person_id,
        benefit_record=found.benefit_record,
        schedule_id=schedule_id,
        event_number=found.event_number,
    )
