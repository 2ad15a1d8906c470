"""What an event has come to, beside what one has today: as it is stored, priced as letters price it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from openbenefits.choosing.names import names_of
from openbenefits.choosing.rules.lines import Change, Line, Side, pays_told
from openbenefits.core.codes import COVERED_KINDS
from openbenefits.core.plan_types import PLAN_TYPES
from openbenefits.enrollment.rules.shared_limits import share_of_pay
from openbenefits.events.windows import EventPlace
from openbenefits.payroll.services import owed
from openbenefits.reports.confirmations import confirmed
from openbenefits.reports.frames import load_events, load_jobs, with_case
from openbenefits.reports.issuing import batch_of

Row = Mapping[str, Any]
COVERED = [str(kind) for kind in COVERED_KINDS]
DEDUCTION = "deduction"


@dataclass(frozen=True, kw_only=True)
class Today:
    """What somebody has on a day, by plan type, with what pays take for it."""

    sides: Mapping[str, Side]
    since: Mapping[str, date]
    waits: Mapping[str, int]  # coverage asked for that waits for evidence, in cents


def lines_of(connection: Any, place: EventPlace, today: Today) -> tuple[Line, ...]:
    """Say of each plan type the event touches what held before and what holds by it."""
    events = load_events(connection, schedule_ids=[place.schedule_id], person_ids=[place.person_id])
    mine = with_case(events.filter(**place.key()))
    batch = batch_of(connection, mine, names_of(connection, place.client_id))
    rows = confirmed(batch).filter(pl.col("slot") == 0)
    stated = _stated(connection, place, mine, rows)
    plans = batch.plans.filter(~pl.col("is_ignored"))["plan_type"].to_list()
    found = {row["plan_type"]: row for row in rows.iter_rows(named=True) if row["plan_type"] in plans}
    touched = [*found, *(kind for kind in today.sides if kind in plans and kind not in found)]
    lines = [_line(kind, found.get(kind), today, stated) for kind in touched]
    return tuple(line for line in lines if line.change is not Change.NONE)


def _line(kind: str, row: Row | None, today: Today, stated: Mapping[str, Side]) -> Line:
    before = today.sides.get(kind)
    if row is None:  # the event leaves it as it is
        return Line(
            plan_type=kind,
            plan_type_name=PLAN_TYPES[kind],
            before=before,
            after=before,
            begins_on=today.since.get(kind),
        )
    is_covered = row["kind"] in COVERED
    return Line(
        plan_type=kind,
        plan_type_name=PLAN_TYPES[kind],
        before=before,
        after=_side(row, stated.get(kind)) if is_covered else None,
        begins_on=row["begins_on"] if row["is_new"] else row["planned_on"] or row["begins_on"],
        deduction_begins_on=row["deduction_begins_on"],
        is_default=bool(row["is_new"]) and row["kind"] == "D",
        waits_for_cents=row["requested_coverage_cents"] if is_covered else None,
    )


def _side(row: Row, stated: Side | None) -> Side:
    pay = _sum(row["pay_before_tax_cents"], row["pay_after_tax_cents"])
    year = _sum(row["annual_before_tax_cents"], row["annual_after_tax_cents"])
    return Side(
        option_id=row["option_id"],
        name=row["plan_name"] or row["option_name"] or row["option_code"] or "",
        tier=row["cover"] or "",
        coverage_cents=row["coverage_cents"],
        pledge_cents=row["pledge_cents"],
        percent_thousandths=row["percent_thousandths"],
        after_tax_thousandths=row["after_tax_thousandths"],
        hours_hundredths=row["hours_hundredths"],
        dependents=tuple(row["dependents"].split(", ")) if row["dependents"] else (),
        receivers=row["receivers"] or "",
        funds=row["funds"] or "",
        pay_cents=stated.pay_cents if stated else pay,
        year_cents=stated.year_cents if stated else year,
        employer_year_cents=row["annual_employer_cents"],
        is_before_tax=row["tax_class"] == "B" if row["tax_class"] else None,
        pays=stated.pays if stated else (),
    )


def _stated(connection: Any, place: EventPlace, event: pl.DataFrame, rows: pl.DataFrame) -> dict[str, Side]:
    """Price what people state themselves (a pledge, a percentage, hours) by what pays will take of it."""
    is_stated = pl.any_horizontal(
        pl.col(name).is_not_null()
        for name in ("pledge_cents", "percent_thousandths", "after_tax_thousandths")
    )
    asked = rows.filter(
        pl.col("kind").is_in(COVERED) & is_stated & pl.col("deduction_begins_on").is_not_null()
    )
    if asked.is_empty():
        return {}
    asked = asked.with_columns(from_on=pl.max_horizontal("deduction_begins_on", "planned_on"))
    pay = load_jobs(connection, event)["annual_pay_cents"][0]
    first, last = min(asked["from_on"].to_list()), max(asked["from_on"].to_list())
    lines = owed(
        connection,
        place.client_id,
        begin=first,
        through=date(last.year, 12, 31),
        person_ids=[place.person_id],
    )
    found = {}
    for row in asked.iter_rows(named=True):
        taken = _taken(lines, place, row["plan_type"], row["from_on"])
        year = row["pledge_cents"] if row["pledge_cents"] is not None else _year_of(row, pay)
        found[row["plan_type"]] = Side(
            option_id=row["option_id"],
            name="",
            tier="",
            pay_cents=taken[0] if taken else None,
            year_cents=year,
            pays=pays_told(taken) if row["pledge_cents"] is not None else (),
        )
    return found


def _taken(lines: pl.DataFrame, place: EventPlace, plan_type: str, begin: date) -> list[int]:
    mine = lines.filter(
        (pl.col("plan_type") == plan_type)
        & (pl.col("benefit_record") == place.benefit_record)
        & (pl.col("kind") == DEDUCTION)
        & pl.col("ends_on").is_between(begin, date(begin.year, 12, 31))
    )
    summed = mine.group_by("ends_on").agg(pl.col("owed_cents").sum()).sort("ends_on")
    return [int(cents) for cents in summed["owed_cents"]]


def _year_of(row: Row, pay: int | None) -> int | None:
    """What percentages of pay are in a year, before and after tax."""
    parts = pl.DataFrame(
        {
            "annual_pay_cents": [pay, pay],
            "percent_thousandths": [row["percent_thousandths"], row["after_tax_thousandths"]],
        },
        schema={"annual_pay_cents": pl.Int64, "percent_thousandths": pl.Int32},
    )
    return _sum(*parts.select(share_of_pay()).to_series().to_list())


def _sum(*parts: int | None) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if known else None
