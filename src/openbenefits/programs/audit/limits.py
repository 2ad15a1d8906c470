"""Legal limits: each known once, and known for every plan year that needs it."""

from collections.abc import Iterator
from datetime import date

import polars as pl

from openbenefits.programs.audit.context import Audited, listed, numbered
from openbenefits.programs.audit.programs import places
from openbenefits.programs.bundle import ProgramPart
from openbenefits.programs.findings import Finding


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
    """Find plan types whose legal limit is not known for a plan year the program serves."""
    limits = audited.peo.limits
    for place in places(audited):
        code = getattr(place.part, "annual_limit", None)
        is_last_known_enough = getattr(place.part, "missing_limit", "refuse") == "last_known"
        known = limits.filter(code=code)["year"].to_list() if code else []
        if not known:
            continue  # without a limit, or one that does not exist: a finding of its own
        month = getattr(place.part, "plan_year_month", 1)
        years = {_plan_year(day, month) for day in _begins(audited, place.program)}
        missing = [year for year in sorted(years) if year not in known]
        if is_last_known_enough:
            missing = [year for year in missing if year < min(known)]
        if missing:
            expected = f"`{code}` to be known for the plan years of {place.program.code}"
            found = f"none for {listed(missing)}; the last known year is {max(known)}"
            cure = "Add the year with its source, or let `missing_limit` take the last known one."
            yield audited.finding(place.path, "limit_unknown", expected, found, cure)


def _begins(audited: Audited, program: ProgramPart) -> list[date]:
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
