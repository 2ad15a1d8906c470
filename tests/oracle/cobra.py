"""The scalar oracle of lost coverage: one person, one loss at a time, written from docs/rules.md, Continuation.

It knows nothing of frames; a story is anything with points, events, jobs, dependents, decisions, notices,
cobra, as `tests.compliance.cobra_stories` has them.
"""

import calendar
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

DAY = timedelta(days=1)
FOREVER = date(9999, 12, 31)
KINDS = {
    "10": ["medical"],
    "11": ["dental"],
    "12": ["medical", "dental"],
    "13": ["medical"],
    "14": ["vision"],
    "15": ["medical"],
    "16": ["dental"],
    "17": ["vision"],
    "60": ["health FSA"],
    "6B": ["health FSA"],
}
SPOUSES, CHILDREN = ("SP", "SS", "XS"), ("CH", "AC", "OD")
CLASS_CAUSES = {"DIV": "divorce", "MED": "medicare", "CHD": "child", "DEA": "death", "LVE": "leave"}
Verdict = tuple[str, str | None]
YES, NO, OPEN = "qualifies", "does not qualify", "to decide"


def add_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def series(story: Any) -> dict[tuple[int, str, int], list[Any]]:
    found: dict[tuple[int, str, int], list[Any]] = {}
    for point in sorted(story.points, key=lambda one: one.begins_on):
        found.setdefault((point.benefit_record, point.plan_type, point.slot), []).append(point)
    return found


def people_of(point: Any) -> set[int]:
    """Who is covered from a point on: 0 is the employee."""
    if point.kind not in ("E", "D"):
        return set()
    own = {0} if point.slot == 0 and point.plan_type not in ("15", "16", "17") else set()
    return own | set(point.members)


def covered_on(story: Any, who: int, cover: str, day: date) -> bool:
    for points in series(story).values():
        held = [point for point in points if point.begins_on <= day]
        if held and cover in KINDS.get(held[-1].plan_type, []) and who in people_of(held[-1]):
            return True
    return False


def all_losses(story: Any) -> dict[tuple[int, str, date], dict[str, Any]]:
    """Every loss: (who, kind of coverage, first day without) to verdict, cause and clocks."""
    found: dict[tuple[int, str, date], dict[str, Any]] = {}
    for place in sorted(series(story)):
        points = series(story)[place]
        for before, after in pairwise(points):
            for who in people_of(before) - people_of(after):
                for cover in KINDS.get(before.plan_type, []):
                    key = (who, cover, after.begins_on)
                    found.setdefault(key, judge(story, who, cover, after))
    return found


def judge(story: Any, who: int, cover: str, after: Any) -> dict[str, Any]:
    lost_on, last_day = after.begins_on, after.begins_on - DAY
    cause, happened_on, reported_on = event_of(story, after)
    verdict, why = base_verdict(story, who, cover, after, cause)
    if verdict == YES and happened_on and not covered_on(story, who, cover, happened_on - DAY):
        verdict, why = (OPEN, why) if lost_on < happened_on else (NO, None)
    happened = happened_on or last_day
    verdict = checked(story, verdict, why, happened, lost_on, reported_on)
    said = story.decisions.get((who, cover, lost_on))
    if verdict == OPEN and said is not None:
        verdict, why = (YES, said) if said else (NO, None)
        if verdict == YES and said not in story.cobra:
            verdict = OPEN
    result: dict[str, Any] = {"verdict": verdict, "cause": why}
    if verdict == YES:
        noticed = story.notices.get((who, cover, lost_on))
        result |= clocks(story, story.cobra[why], cover, lost_on, happened, reported_on, noticed)
    return result


def checked(
    story: Any, verdict: str, cause: str | None, happened: date, lost_on: date, reported_on: date | None
) -> str:
    if verdict != YES:
        return verdict
    if cause not in story.cobra:
        return OPEN
    days = story.cobra[cause].beneficiary_days
    is_late = days is not None and reported_on and reported_on > max(happened, lost_on) + days * DAY
    return OPEN if is_late else YES


def event_of(story: Any, after: Any) -> tuple[str | None, date | None, date | None]:
    """The cause, the day it happened and the day it was reported."""
    if after.event is None:
        return None, None, None
    event = story.events[after.event]
    cause, last = CLASS_CAUSES.get(event.event_class), None
    if event.source in ("TJ", "MJ") and record_of(story, after.event) == 0:
        rows = [job for job in story.jobs if job.valid_from == event.event_on]
        if rows:
            row = max(rows, key=lambda job: (job_cause(job) is not None, job.number))
            last = row.last
            cause = job_cause(row) or cause or hours_cause(story, row)
            if row.status == "D":
                cause = "death"
    ended = cause in ("termination", "gross_misconduct", "death")
    return cause, (last if ended and last else event.event_on), event.reported_on


def record_of(story: Any, number: int) -> int:
    return [point.benefit_record for point in story.points if point.event == number][-1]


def job_cause(job: Any) -> str | None:
    if job.action == "TER":
        return {"GMC": "gross_misconduct", "XFR": None}.get(job.reason, "termination")
    return "leave" if job.action == "LOA" else None


def hours_cause(story: Any, row: Any) -> str | None:
    earlier = [job for job in story.jobs if job.number == row.number and job.valid_from < row.valid_from]
    if not earlier:
        return None
    before = max(earlier, key=lambda job: job.valid_from)
    fell = row.hours < before.hours or (before.full_part, row.full_part) == ("F", "P")
    return "hours" if fell else None


def base_verdict(story: Any, who: int, cover: str, after: Any, cause: str | None) -> Verdict:
    if covered_on(story, who, cover, after.begins_on):
        return NO, None
    member = story.dependents.get(who)
    if who and (member is None or member.person_type not in (*SPOUSES, *CHILDREN)):
        return NO, None
    if member is not None and member.died and is_former(story, who, after.begins_on):
        return NO, None
    if after.event is None:
        return OPEN, None
    is_renewal = story.events[after.event].event_class == "OE"
    if cover == "health FSA" and is_renewal:
        return NO, None
    goes_on = who != 0 and after.kind in ("E", "D")
    by_event = verdict_of_event(who, after, cause, goes_on)
    by_self = verdict_of_dependent(story, who, after.begins_on, cause) if who else None
    return by_event or by_self or verdict_of_choice(who, after, cause, goes_on)


def verdict_of_event(who: int, after: Any, cause: str | None, goes_on: bool) -> Verdict | None:
    if cause in ("hours", "leave"):
        if after.kind == "W":
            return NO, None
        if goes_on:
            return None
    if cause == "gross_misconduct":
        return OPEN, "termination"
    if cause in ("termination", "hours", "leave"):
        return YES, cause
    if cause == "death":
        return (YES, cause) if who else (NO, None)
    return None


def verdict_of_dependent(story: Any, who: int, day: date, cause: str | None) -> Verdict | None:
    member, former = story.dependents[who], is_former(story, who, day)
    if member.person_type == "XS" or (member.person_type in SPOUSES and cause == "divorce"):
        return YES, "divorce"
    if member.person_type in CHILDREN:
        if former and cause == "divorce":
            return YES, "child"
        if cause == "child" or (not former and is_out(story, who, day)):
            return YES, "child"
    return (OPEN, None) if former else None


def verdict_of_choice(who: int, after: Any, cause: str | None, goes_on: bool) -> Verdict:
    if cause == "medicare" and who and not goes_on:
        return YES, "medicare"
    return NO, None


def is_former(story: Any, who: int, day: date) -> bool:
    since = story.dependents[who].former_from
    return since is not None and since <= day


def is_out(story: Any, who: int, day: date) -> bool:
    """Past the limit of age, which ends with the month of the birthday (the stories' dependent rule)."""
    member = story.dependents[who]
    if member.person_type in SPOUSES or member.disabled:
        return False
    if member.birth_on is None:
        return True
    reached = add_months(member.birth_on, story.age_limit * 12)
    return day > reached.replace(day=calendar.monthrange(reached.year, reached.month)[1])


def clocks(
    story: Any,
    given: Any,
    cover: str,
    lost_on: date,
    happened: date,
    reported: date | None,
    sent: date | None,
) -> dict[str, date | None]:
    last_day = lost_on - DAY
    start = happened if given.counts_from == "event" else last_day
    if given.beneficiary_days is None:
        report_by, employer_by = None, start + given.employer_days * DAY
        known = employer_by
    else:
        report_by = max(happened, lost_on) + given.beneficiary_days * DAY
        employer_by, known = None, max(reported or happened, happened)
    notice_by = known + given.administrator_days * DAY

    def through(months: int) -> date:
        return (
            add_months(happened, months)
            if given.counts_from == "event"
            else add_months(lost_on, months) - DAY
        )

    month = story.plan_year_month
    year = last_day.year - (last_day.month < month)
    is_account = cover == "health FSA"
    more = given.disability_months
    return {
        "beneficiary_notice_by": report_by,
        "employer_notice_by": employer_by,
        "election_notice_by": notice_by,
        "election_through": max(lost_on, sent or notice_by) + given.election_days * DAY,
        "continues_through": date(year + 1, month, 1) - DAY if is_account else through(given.months),
        "disability_through": through(given.months + more) if more and not is_account else None,
    }
