"""Day by day: what a covered day rests on (docs/rules.md §18)."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

COVERED = ("E", "D")
ENDINGS = ("T", "I", "N")


def basis_of_day(
    day: date,
    timeline: Sequence[Mapping[str, Any]],
    events: Mapping[int, Mapping[str, Any]],
    leaves: Sequence[tuple[date, date]],
    continued: Sequence[tuple[date, date | None]] = (),
) -> str | None:
    """Answer the basis of a day of one plan type of one person; None where nothing is covered.

    Shapes: timeline has begins_on, kind, basis, event_number (None: taken over); events event_on and is_lost by
            number; leaves the first day of each and the first day after it; continued the first and the last day
            (None: on and on) of each span that is continued.
    """
    held = _held(day, timeline, events, leaves)
    goes_on = any(first <= day and (last is None or day <= last) for first, last in continued)
    return "continuation" if held is None and goes_on else held


def _held(
    day: date,
    timeline: Sequence[Mapping[str, Any]],
    events: Mapping[int, Mapping[str, Any]],
    leaves: Sequence[tuple[date, date]],
) -> str | None:
    """What the timeline itself says of the day."""
    begun = [point for point in timeline if point["begins_on"] <= day]
    if not begun:
        return None
    held = max(begun, key=lambda point: point["begins_on"])
    if held["kind"] not in COVERED:
        return None
    later = [point for point in timeline if point["begins_on"] > day]
    following = min(later, key=lambda point: point["begins_on"]) if later else None
    if following is not None and following["event_number"] in events:
        event = events[following["event_number"]]
        ends = following["kind"] in ENDINGS or event["is_lost"]
        if ends and day >= event["event_on"]:
            return "run-out"
    if held["basis"] == "eligible" and any(first <= day < after for first, after in leaves):
        return "leave"
    return str(held["basis"])
