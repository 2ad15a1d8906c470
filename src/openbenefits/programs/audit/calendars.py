"""Pay calendars, schedules, passive events and run controls."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl

from openbenefits.core import pays
from openbenefits.core.codes import Severity
from openbenefits.programs.audit.context import Audited, listed, numbered
from openbenefits.programs.audit.limits import plan_begins
from openbenefits.programs.audit.programs import places
from openbenefits.programs.findings import Finding
from openbenefits.programs.rows.calendars import plan_types_by_program
from openbenefits.programs.rows.codes import PAY_FREQUENCIES
from openbenefits.programs.sections.calendars import PayGroupPart, SchedulePart
from openbenefits.programs.values import Path

LONGEST_CALENDAR_YEARS = 30
FRIDAY = 4
_FIRST_DAYS = {"monthly": (1,), "semimonthly": (1, 16)}


def pay_groups(audited: Audited) -> Iterator[Finding]:
    """Find pay groups whose calendar cannot be made, or does not cover an open enrolment's period."""
    client = audited.client
    if client is None:
        return
    for path, group in numbered(client.pay_groups, "pay_groups"):
        begin, through = group.first_period_begins, group.calendar_through
        if begin.day not in _FIRST_DAYS.get(group.frequency, (begin.day,)):
            expected = f"a {group.frequency} calendar to begin on day {listed(_FIRST_DAYS[group.frequency])}"
            yield audited.finding(path, "calendar_begin", expected, str(begin), "Correct the day.")
        if not begin <= through <= _years_after(begin):
            expected = f"a calendar of up to {LONGEST_CALENDAR_YEARS} years from {begin}"
            yield audited.finding(path, "calendar", expected, f"through {through}", "Correct the day.")
        elif group.active:
            yield from _uncovered(audited, path, group, client.schedules)


def part_years(audited: Audited) -> Iterator[Finding]:
    """Find calendars that hold only a part of a year in which a plan year lies: it has no count of pays."""
    for path, group in numbered(audited.client.pay_groups if audited.client else (), "pay_groups"):
        if not group.active:
            continue
        frequency = PAY_FREQUENCIES[group.frequency]
        periods = pays.generate(frequency, group.first_period_begins, group.calendar_through, 0)
        years = periods.group_by(pl.col("ends_on").dt.year(), "periods_in_year").len()
        whole = years.filter(pl.col("len") == pl.col("periods_in_year"))["ends_on"].to_list()
        first = periods["ends_on"].min()
        needed = {year for year in _years_needed(audited, first) if year not in whole}
        if needed:
            expected = f"a pay calendar of the whole of {listed(sorted(needed))}, in which plan years lie"
            found = f"{group.first_period_begins} through {group.calendar_through}"
            cure = "Extend the calendar; until then nothing has a price per pay in that year."
            yield audited.finding(path, "part_year", expected, found, cure, Severity.WARNING)


def _years_needed(audited: Audited, first: Any) -> set[int]:
    """List the calendar years of the plan years that programs serve, as far as a calendar has begun."""
    needed: set[int] = set()
    for place in places(audited):
        month = place.part.plan_year_month
        for begin in plan_begins(audited, place.program) if place.program.active else ():
            day = max(begin, first)
            ends_next_year = month > 1 and day.month >= month
            needed |= {day.year, day.year + 1} if ends_next_year else {day.year}
    return needed


def holidays(audited: Audited) -> Iterator[Finding]:
    """Find calendars of years without a holiday listed, and checks off the calendar on closed days."""
    for path, group in numbered(audited.client.pay_groups if audited.client else (), "pay_groups"):
        for named in audited.find("holiday_calendars", group.holidays)[:1]:
            closed = {one.day for one in named.days}
            years = range(group.first_period_begins.year, group.calendar_through.year + 1)
            blank = sorted(set(years) - {day.year for day in closed})
            if blank and group.active and group.holiday_rule != "none":
                expected = f"the holidays of {listed(blank)} in `{named.code}`"
                cure = "Add them: checks of such a year are moved off weekends only."
                yield audited.finding(path, "no_holidays", expected, "none", cure, Severity.WARNING)
            odd = [
                one for one in group.off_cycle if one.check_on in closed or one.check_on.weekday() > FRIDAY
            ]
            for one in odd:
                expected, cure = "a check on a bank day", "Move the check."
                found = str(one.check_on)
                yield audited.finding(path, "off_cycle", expected, found, cure, Severity.WARNING)


def schedules(audited: Audited) -> Iterator[Finding]:
    """Find schedules that lack what their kind needs, or name what the client does not offer."""
    if audited.client is None:
        return
    offered = plan_types_by_program(audited.client)
    for path, schedule in numbered(audited.client.schedules, "schedules"):
        yield from _needs(audited, path, schedule)
        yield from _class_use(audited, path, schedule)
        yield from _days(audited, path, schedule)
        for program, plan_types in schedule.programs.items():
            unknown = [code for code in plan_types if program in offered and code not in offered[program]]
            if unknown:
                expected = f"plan types of {program} ({listed(offered[program])})"
                cure = "Correct the plan types."
                yield audited.finding(path, "schedule_plan_type", expected, listed(unknown), cure)


def run_controls(audited: Audited) -> Iterator[Finding]:
    """Find run controls without a day, and reprocessing of no schedule or from nowhere."""
    for path, control in numbered(audited.client.run_controls if audited.client else (), "run_controls"):
        if control.kind == "reprocess" and control.schedule is None:
            yield audited.finding(path, "no_schedule", "a schedule to reprocess", "none", "Name it.")
        if control.kind == "reprocess" and control.through == "schedule":
            expected = "a level to reprocess from: program, options, elections or final"
            yield audited.finding(path, "reprocess_level", expected, "schedule", "Name the level.")
        if control.repeats in ("once", "monthly") and control.runs_on is None:
            yield audited.finding(path, "no_day", "`runs_on`, the day of the run", "none", "Name the day.")


def passive_events(audited: Audited) -> Iterator[Finding]:
    """Find passive events at an age or service of nothing, and limits of dependents that state an age."""
    for path, part in numbered(audited.parts.passive_events, "passive_events"):
        if part.base == "dependent_limit":
            if part.years or part.months:
                expected = "neither years nor months: dependent rules say the limits"
                found = f"{part.years} years and {part.months} months"
                yield audited.finding(path, "passive_event", expected, found, "Leave them out.")
        elif part.years < 0 or part.months < 0 or part.years + part.months == 0:
            expected = "an age or a length of service in years and months"
            yield audited.finding(path, "passive_event", expected, "nothing", "State the years or months.")


def _years_after(day: date) -> date:
    return date(min(day.year + LONGEST_CALENDAR_YEARS, date.max.year), 12, 31)


def _uncovered(
    audited: Audited, path: Path, group: PayGroupPart, schedules: list[SchedulePart]
) -> Iterator[Finding]:
    periods = [
        (schedule.period_begins, schedule.period_ends)
        for schedule in schedules
        if schedule.kind == "open_enrollment" and schedule.company in ("", group.company)
    ]
    begins = min((begin for begin, _ in periods if begin), default=None)
    ends = max((end for _, end in periods if end), default=None)
    is_late = begins is not None and group.first_period_begins > begins
    is_short = ends is not None and group.calendar_through < ends
    if is_late or is_short:
        expected = f"a pay calendar from {begins} through {ends}, the period of open enrolment"
        found = f"{group.first_period_begins} through {group.calendar_through}"
        yield audited.finding(path, "no_calendar", expected, found, "Extend the calendar.")


def _needs(audited: Audited, path: Path, schedule: SchedulePart) -> Iterator[Finding]:
    needed = {
        "event_maintenance": (),
        "open_enrollment": ("event_class", "period_begins", "period_ends", "window_begins", "window_ends"),
        "snapshot": ("event_class", "period_begins"),
    }[schedule.kind]
    missing = [name for name in needed if getattr(schedule, name) is None]
    if missing:
        expected = f"{listed(needed)} for a schedule of kind {schedule.kind}"
        found = f"no {listed(missing)}"
        yield audited.finding(path, "schedule_needs", expected, found, "Add them.")


def _class_use(audited: Audited, path: Path, schedule: SchedulePart) -> Iterator[Finding]:
    if schedule.kind == "event_maintenance":
        return
    for part in audited.find("event_classes", schedule.event_class):
        if part.use != schedule.kind:
            expected = f"an event class of use {schedule.kind}"
            found = f"{part.code}, of use {part.use}"
            yield audited.finding(path, "schedule_class", expected, found, "Name another class.")


def _days(audited: Audited, path: Path, schedule: SchedulePart) -> Iterator[Finding]:
    for name, begin, end in (
        ("period", schedule.period_begins, schedule.period_ends),
        ("window", schedule.window_begins, schedule.window_ends),
    ):
        if begin is not None and end is not None and end < begin:
            expected, found = f"the {name} to end after it begins", f"{end} before {begin}"
            yield audited.finding(path, "schedule_days", expected, found, "Correct the days.")
