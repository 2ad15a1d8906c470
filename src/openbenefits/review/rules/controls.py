"""What an administrator may change of how an event is processed, and when: data, and pure decisions.

Source: event-processing §10, §16; rulings §1.8.
"""

from collections.abc import Mapping
from datetime import date

from openbenefits.core.codes import PROCESS_STATUS_NAMES, Control, EventStatus, ProcessStatus

NOT_PROCESSED = ""
YES, NO, NOTHING, AS_ITS_CLASS = "yes", "no", "", "class"
FORMS = ("both", "enrollment", "confirmation", "none")

_S = ProcessStatus
_ANSWERABLE = (_S.PR, _S.NT, _S.ET, _S.EE, _S.RE)
ALLOWED: dict[Control, frozenset[str]] = {
    Control.FINALISE: frozenset(_ANSWERABLE),
    Control.RECEIVED: frozenset((_S.ET, _S.EE, _S.RE)),
    Control.NOTIFIED: frozenset((_S.NT, _S.ET, _S.EE)),
    Control.CONFIRMED: frozenset((_S.FE,)),
    Control.FORMS: frozenset((NOT_PROCESSED, _S.AS, _S.AN, _S.AE, _S.PE, *_ANSWERABLE, _S.FE)),
}
"""At which process statuses each control may be changed ('' = not processed yet)."""

COLUMNS = {
    Control.FINALISE: "finalize_requested",
    Control.RECEIVED: "elected_on",
    Control.NOTIFIED: "option_notified_on",
    Control.CONFIRMED: "confirm_notified_on",
    Control.FORMS: "forms",
}
"""Where each control is kept."""

WORDS = {
    Control.FINALISE: "whether the next run finalises it, with defaults for what is open",
    Control.RECEIVED: "the day its elections were received",
    Control.NOTIFIED: "the day its enrolment statement was issued",
    Control.CONFIRMED: "the day its confirmation was issued",
    Control.FORMS: "which letters it prints",
}

WHY_NOT = {
    Control.FINALISE: "only what waits for elections is finalised by order; put right what it waits for",
    Control.RECEIVED: "elections are entered first (`elect one`); a final event receives none",
    Control.NOTIFIED: "a statement is issued first (`statements enrollment`)",
    Control.CONFIRMED: "only what is final and enrolled is confirmed",
    Control.FORMS: "an event that is final without enrolment prints nothing",
}
_CLEARED_AT = (_S.ET, _S.EE)


class ControlRefused(ValueError):
    """A change that may not be: what was expected, what was found, what to do."""


def refusal(control: Control, event_status: str, process_status: str | None) -> str | None:
    """Say why a control cannot be changed where an event stands; None where it can."""
    if event_status in (EventStatus.VOID, EventStatus.DISCONNECTED):
        gone = "void" if event_status == EventStatus.VOID else "disconnected from its fact"
        return f"expected an event that lives, found one that is {gone}; see `openbenefits repair`"
    status = process_status or NOT_PROCESSED
    if status in ALLOWED[control]:
        return None
    name = PROCESS_STATUS_NAMES.get(status, "not processed yet")
    expected = ", ".join(sorted(one for one in ALLOWED[control] if one))
    found = f"{status} ({name})" if status else name
    return f"expected an event at {expected}, found {found}: {WHY_NOT[control]}"


def read(control: Control, text: str) -> bool | date | str | None:
    """Read what a control is to become; 'none' clears a date, 'class' takes the letters back to the class.

    Errors: ControlRefused.
    """
    word = text.strip().lower()
    if control is Control.FINALISE:
        return _one_of(word, {YES: True, NO: False})
    if control is Control.FORMS:
        return _one_of(word, {AS_ITS_CLASS: None} | {form: form for form in FORMS})
    if word == "none" and control is not Control.RECEIVED:
        return None
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise ControlRefused(f"expected a day written like 2026-03-31, found {text}; correct it") from None


def _one_of(word: str, values: Mapping[str, bool | str | None]) -> bool | str | None:
    if word not in values:
        raise ControlRefused(f"expected one of {', '.join(values)}, found {word}; correct it")
    return values[word]


def written(value: bool | date | str | None) -> str:
    """Write a value as the act keeps it.

    >>> written(True), written(None), written(date(2026, 3, 2))
    ('yes', '', '2026-03-02')
    """
    if isinstance(value, bool):
        return YES if value else NO
    return NOTHING if value is None else str(value)


def refuse_value(
    control: Control,
    status: str | None,
    was: bool | date | str | None,
    new: bool | date | str | None,
    on: date,
) -> None:
    """Refuse what says nothing new, a day to come, and a statement taken back that nobody would print again.

    Errors: ControlRefused.
    """
    if was == new or (control is Control.FINALISE and bool(was) == new):
        raise ControlRefused(f"expected another value, found {written(new) or 'none'} already; leave it")
    if isinstance(new, date) and new > on:
        raise ControlRefused(f"expected a day not after {on}, found {new}; correct the day")
    if control is Control.NOTIFIED and new is None and status not in _CLEARED_AT:
        raise ControlRefused(
            f"expected an event at ET or EE, found {status}: at NT the employee has the statement;"
            " reprint it instead"
        )
    if control is Control.RECEIVED and was is None:
        raise ControlRefused("expected elections that were received, found none; enter them first")
