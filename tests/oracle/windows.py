"""Windows of events (docs/rules.md §14.1 to §14.4): one event at a time."""

from datetime import date, timedelta

from .rows import Row


def window_of(event: Row, event_class: Row, schedule: Row | None) -> tuple[date | None, date | None]:
    """Find the first and the last day for elections; None: there is no window (yet)."""
    if schedule is not None:
        return schedule["window_begins"], schedule["window_ends"]
    start = event["event_on"]
    if event_class["window_start"] == "notice":
        start = event["notified_on"]
    if event_class["window_start"] == "entry":
        start = event["reported_on"] or event["recorded_on"]
    return start, None if start is None else start + timedelta(event_class["window_days"])


def may_be_received(window: tuple[date | None, date | None], received_on: date) -> bool:
    """Tell whether an election received on a day is taken: before there is a window, any is."""
    begins, ends = window
    return (begins is None or begins <= received_on) and (ends is None or received_on <= ends)


def at_end(action: str, must_end: bool, is_answered: bool) -> str:
    """Say what the run of window ends does."""
    if action != "void":
        return action
    if must_end:
        return "finalize"
    return "hold" if is_answered else "void"


def may_lengthen(kind: str, ends: date, until: date, on: date) -> bool:
    """Tell whether a window may be given another last day on a day: extended while it runs, else reopened."""
    runs = on <= ends
    return until > ends and until >= on and runs == (kind == "extend")
