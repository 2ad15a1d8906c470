"""When which kind of file goes to a partner: its days, its full days, its open enrolment."""

from datetime import date

from openbenefits.carriers.agreements.partners import Cadence, Mode

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FULL: Mode = "4"


def in_open_enrolment(cadence: Cadence, on: date) -> bool:
    """Tell whether a day lies in a partner's open enrolment, which may go over the year's end."""
    first, last, day = cadence.open_enrollment_from, cadence.open_enrollment_through, f"{on:%m-%d}"
    if not first or not last:
        return False
    return first <= day <= last if first <= last else day >= first or day <= last


def due_mode(cadence: Cadence, on: date) -> Mode | None:
    """Answer what goes to a partner on a day: its ordinary file, a full one, or nothing."""
    if on.day in cadence.full_days:
        return FULL
    if cadence.days and WEEKDAYS[on.weekday()] not in cadence.days:
        return None
    return usual_mode(cadence, on)


def usual_mode(cadence: Cadence, on: date) -> Mode:
    """Answer what a partner gets on a day, whether one is due or not."""
    if cadence.open_enrollment is not None and in_open_enrolment(cadence, on):
        return cadence.open_enrollment
    return cadence.mode


def omits_ends(cadence: Cadence, on: date) -> bool:
    """Tell whether a full list of the day ends by leaving out alone."""
    return cadence.omits_ends and in_open_enrolment(cadence, on)
