"""Rows of pay groups, their calendars, process groups, schedules and run controls."""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from openbenefits.core import pays
from openbenefits.core.codes import AreaOf, ScheduleKind
from openbenefits.programs.bundle import ClientBundle
from openbenefits.programs.numbers import Numbers
from openbenefits.programs.rows.codes import PAY_FREQUENCIES
from openbenefits.programs.sections.calendars import HolidayCalendarPart, PayGroupPart, SchedulePart

Row = dict[str, Any]

_SCHEDULE_KINDS = {
    "event_maintenance": ScheduleKind.EVENT_MAINTENANCE,
    "open_enrollment": ScheduleKind.OPEN_ENROLLMENT,
    "snapshot": ScheduleKind.SNAPSHOT,
}


def pay_groups(parts: ClientBundle, numbers: Numbers) -> Iterator[Row]:
    for part in parts.pay_groups:
        yield {
            "pay_group_id": numbers.of("pay_group", part.code),
            "code": part.code,
            "name": part.name,
            "company": part.company,
            "frequency": PAY_FREQUENCIES[part.frequency],
            "is_active": part.active,
            "warn_months": part.warn_months,
        }


def pay_periods(
    parts: ClientBundle, numbers: Numbers, inherited: Sequence[HolidayCalendarPart] = ()
) -> list[pl.DataFrame]:
    """Generate the pay periods of each pay group; `inherited` are the PEO's holidays."""
    return [
        calendar_of(part, [*parts.holiday_calendars, *inherited])
        .rename({"pay_no": "pay_number"})
        .with_columns(pay_group_id=pl.lit(numbers.of("pay_group", part.code)))
        for part in parts.pay_groups
    ]


def calendar_of(part: PayGroupPart, known: Sequence[HolidayCalendarPart]) -> pl.DataFrame:
    """Make the calendar of a pay group, its checks on bank days.

    Shapes: as core.pays.generate. The first of the `known` calendars with the code wanted counts.
    """
    frequency = PAY_FREQUENCIES[part.frequency]
    periods = pays.generate(frequency, part.first_period_begins, part.calendar_through, part.check_lag_days)
    named = next((one for one in known if one.code == part.holidays), None)
    return pays.on_bank_days(periods, [one.day for one in named.days] if named else [], part.holiday_rule)


def addresses(parts: ClientBundle, _: Numbers) -> Iterator[Row]:
    for kind, section in (
        (AreaOf.COMPANY, parts.company_addresses),
        (AreaOf.LOCATION, parts.location_addresses),
    ):
        for part in section:
            yield {
                "valid_from": part.valid_from,
                "source": part.source,
                "is_active": part.active,
                "kind": kind.value,
                "code": part.code,
                "zip": part.zip,
            }


def benefit_groups(parts: ClientBundle, _: Numbers) -> Iterator[Row]:
    for part in parts.benefit_groups:
        yield {"code": part.code, "name": part.name}


def schedules(parts: ClientBundle, numbers: Numbers) -> Iterator[Row]:
    for part in parts.schedules:
        yield {
            "schedule_id": numbers.of("schedule", part.code),
            "code": part.code,
            "name": part.name,
            "kind": _SCHEDULE_KINDS[part.kind].value,
            "company": part.company,
            "benefit_group": part.benefit_group,
            "event_class_id": numbers.maybe("event_class", part.event_class),
            "period_begins_on": part.period_begins,
            "period_ends_on": part.period_ends,
            "window_begins_on": part.window_begins,
            "window_ends_on": part.window_ends,
            "is_closed_to_new_events": part.closed_to_new_events,
            "is_strict_order": part.strict_order,
            "is_current_validated": part.validate_current,
            "is_finalize_allowed": part.allow_finalize,
        }


def schedule_programs(parts: ClientBundle, numbers: Numbers) -> Iterator[Row]:
    """Make the rows of programs named by a schedule. A schedule without rows covers all of them."""
    offered = plan_types_by_program(parts)
    for schedule in parts.schedules:
        for program, plan_type in _covered(schedule, offered):
            yield {
                "schedule_id": numbers.of("schedule", schedule.code),
                "program_id": numbers.of("program", program),
                "plan_type": plan_type,
            }


def run_controls(parts: ClientBundle, numbers: Numbers) -> Iterator[Row]:
    for order, part in enumerate(parts.run_controls, 1):
        yield {
            "code": part.code,
            "name": part.name,
            "kind": part.kind,
            "schedule_id": numbers.maybe("schedule", part.schedule),
            "through_level": part.through,
            "is_finalizing": part.finalize,
            "is_capturing_new": part.capture_new_participants,
            "repeats": part.repeats,
            "runs_on": part.runs_on,
            "display_order": order,
        }


def plan_types_by_program(parts: ClientBundle) -> dict[str, list[str]]:
    """List the plan types of each program, those of all its versions."""
    found: dict[str, dict[str, None]] = {}
    for program in parts.programs:
        plan_types = dict.fromkeys(part.plan_type for part in program.plan_types)
        found.setdefault(program.code, {}).update(plan_types)
    return {program: list(plan_types) for program, plan_types in found.items()}


def _covered(schedule: SchedulePart, offered: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    for program, plan_types in schedule.programs.items():
        for plan_type in plan_types or offered[program]:
            yield program, plan_type
