"""Legal limits: each known once, and known for every plan year that needs it."""

from collections.abc import Iterator
from datetime import date

import polars as pl

from openbenefits.core.codes import AmountKind, Severity
from openbenefits.programs.audit.context import Audited, listed, numbered
from openbenefits.programs.audit.programs import places
from openbenefits.programs.findings import Finding
from openbenefits.programs.limits import CALENDAR_YEAR, CATCH_UP_60, CATCH_UP_60_SINCE, LEGAL, STANDS_FOR
from openbenefits.programs.sections.offers import ProgramPart


def repeated_limits(audited: Audited) -> Iterator[Finding]:
    """Find legal amounts that stand twice for a year, in sheets or beside them."""
    limits = audited.bundle.limits
    for path, sheet in numbered(getattr(audited.parts, "limit_sheets", ()), "limit_sheets"):
        own = limits.filter(file=sheet.file).select("code", "year")
        twice = limits.join(own.unique(), on=["code", "year"], how="semi")
        twice = twice.filter(pl.len().over("code", "year") > 1).unique(["code", "year"], maintain_order=True)
        if twice.height:
            found = listed(f"{code} {year}" for code, year in twice.select("code", "year").rows())
            yield audited.finding(
                path, "limit_twice", "each limit once a year", f"{found} twice", "Keep one of its rows."
            )


def unknown_limits(audited: Audited) -> Iterator[Finding]:
    """Find plan types whose legal limit is not known for a year the program serves."""
    limits = audited.peo.limits
    for place in places(audited):
        code = place.part.annual_limit
        if code is None or limits.filter(code=code).is_empty():
            continue  # without a limit, or one that does not exist: a finding of its own
        month = 1 if code in CALENDAR_YEAR else place.part.plan_year_month
        years = {_plan_year(day, month) for day in plan_begins(audited, place.program)}
        for read in STANDS_FOR.get(code, (code,)):
            known = limits.filter(code=read)["year"].to_list()
            since = CATCH_UP_60_SINCE if read == CATCH_UP_60 else min(years, default=0)
            missing = [year for year in sorted(years) if year not in known and year >= since]
            if place.part.missing_limit == "last_known" and known:
                missing = [year for year in missing if year < min(known)]
            if missing:
                last = f"the last known year is {max(known)}" if known else "no year is known"
                expected = f"`{read}` to be known for the years of {place.program.code}"
                cure = "Add the year with its source, or let `missing_limit` take the last known one."
                found = f"none for {listed(missing)}; {last}"
                yield audited.finding(place.path, "limit_unknown", expected, found, cure)


def limits_not_named(audited: Audited) -> Iterator[Finding]:
    """Find accounts and savings in which the law limits what a person puts in, and that name no limit.

    A warning: the plan's own maximum may stand lower than the law's.
    """
    for place in places(audited):
        part = place.part
        usual = LEGAL.get(part.plan_type)
        if usual and part.annual_limit is None and part.amount in (AmountKind.PLEDGE, AmountKind.PERCENT):
            expected = f"`annual_limit` of plan type {part.plan_type}, such as `{usual}`"
            cure = "Name the limit, so that elections above it are refused."
            yield audited.finding(place.path, "no_annual_limit", expected, "none", cure, Severity.WARNING)


def plan_begins(audited: Audited, program: ProgramPart) -> list[date]:
    """List days in the plan years a program serves: of each open enrolment, else from when it holds."""
    schedules = audited.client.schedules if audited.client else []
    begins = [
        schedule.period_begins
        for schedule in schedules
        if schedule.kind == "open_enrollment"
        and schedule.period_begins is not None
        and schedule.period_begins >= program.valid_from
        and (not schedule.programs or program.code in schedule.programs)
    ]
    return begins or [program.valid_from]


def _plan_year(day: date, month: int) -> int:
    """Answer the year in which the plan year of a day begins."""
    return day.year if day.month >= month else day.year - 1
