"""A new plan year: programs, open enrolment and pay calendars carried forward, nothing else changed."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from openbenefits.programs.drafts.records import Plain
from openbenefits.programs.drafts.services import DraftRefused, Hand, OpenDraft, opened, put
from openbenefits.programs.models import Draft

_YEAR = re.compile(r"(?<!\d)20\d\d(?!\d)")
_PERIOD = ("period_begins", "period_ends", "window_begins", "window_ends")


def carry_forward(draft: Draft, begins: date, source: str, *, by: Hand) -> int:
    """Copy a client's year forward into a draft: a version of each program from a day, open enrolment, pays.

    Everything else stays as it is: rates without a version of that year go on, and are listed by `left_over`.
    Answers how many records are new or changed.

    Errors: DraftRefused without a source, for the PEO's set-up, or where there is nothing to carry.
    """
    if not source.strip():
        raise DraftRefused("expected a source (the renewal's document and its date), found none; name it")
    held = opened(draft)
    found = [*_programs(held, begins, source.strip()), *_schedules(held, begins), *_pay_groups(held, begins)]
    if not found:
        raise DraftRefused(f"expected programs that begin before {begins}, found none; choose another day")
    for section, key, record in found:
        put(draft, section, key, record, by=by)
    return len(found)


def left_over(parts: Plain, begins: date) -> list[str]:
    """List a client's own rate tables that hold no version of the year that begins on a day."""
    tables: dict[str, str] = {}
    for table in parts.get("rate_tables") or ():
        tables[table["code"]] = max(tables.get(table["code"], ""), table["from"])
    return sorted(code for code, latest in tables.items() if latest < begins.isoformat())


Carried = tuple[str, tuple[str, ...] | None, Plain]


def _programs(held: OpenDraft, begins: date, source: str) -> Iterator[Carried]:
    day = begins.isoformat()
    latest: dict[str, Plain] = {}
    for record in held.parts.get("programs") or ():
        if record["code"] not in latest or record["from"] > latest[record["code"]]["from"]:
            latest[record["code"]] = record
    for record in latest.values():
        if record["from"] < day and record.get("active", True):
            yield "programs", None, {**record, "from": day, "source": source}


def _schedules(held: OpenDraft, begins: date) -> Iterator[Carried]:
    """Open enrolment of the year before, a year later, under a code of the new year."""
    held_codes = {record["code"] for record in held.parts.get("schedules") or ()}
    yearly = [one for one in held.parts.get("schedules") or () if one["kind"] == "open_enrollment"]
    latest = max(yearly, key=lambda one: str(one.get("period_begins") or ""), default=None)
    if latest is None or not latest.get("period_begins") or latest["period_begins"] >= begins.isoformat():
        return
    years = begins.year - date.fromisoformat(latest["period_begins"]).year
    code = _of_year(latest["code"], years, begins.year)
    if code in held_codes:
        return
    moved = {name: _later(latest.get(name), years) for name in _PERIOD}
    yield (
        "schedules",
        None,
        {**latest, **moved, "code": code, "name": _of_year(latest["name"], years, begins.year)},
    )


def _pay_groups(held: OpenDraft, begins: date) -> Iterator[Carried]:
    """Calendars through the end of the plan year that begins."""
    through = _later(begins.isoformat(), 1)
    for group in held.parts.get("pay_groups") or ():
        end = date(begins.year, 12, 31).isoformat() if begins.month == 1 else str(through)
        if group.get("active", True) and group["calendar_through"] < end:
            yield "pay_groups", (group["code"],), {**group, "calendar_through": end}


def _later(day: Any, years: int) -> str | None:
    """Answer the same day some years later; 29 February is the 28th.

    >>> _later("2028-02-29", 1), _later(None, 1)
    ('2029-02-28', None)
    """
    if day is None:
        return None
    known = date.fromisoformat(day)
    is_leap_day = (known.month, known.day) == (2, 29)
    return known.replace(year=known.year + years, day=28 if is_leap_day else known.day).isoformat()


def _of_year(text: str, years: int, year: int) -> str:
    """Move the years a name holds; a name without one gets it at its end.

    >>> _of_year("OE2026", 1, 2027), _of_year("OE26", 1, 2027), _of_year("Year 2026 (2025)", 1, 2027)
    ('OE2027', 'OE27', 'Year 2027 (2026)')
    >>> _of_year("Enrolment", 1, 2027)
    'Enrolment-2027'
    """
    moved = _YEAR.sub(lambda found: str(int(found[0]) + years), text)
    short = f"{(year - years) % 100:02d}"
    if moved == text and text.endswith(short):
        return f"{text.removesuffix(short)}{year % 100:02d}"
    return moved if moved != text else f"{text}-{year}"
