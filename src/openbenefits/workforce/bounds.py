"""What a fact may say at the least and at the most, whichever way it comes in.

Within these bounds no amount that is computed from facts leaves the range of money (core.money).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

LARGEST_PAY_CENTS = 10**11
LARGEST_HOURS_HUNDREDTHS = 168 * 100
OLDEST_BIRTH = date(1900, 1, 1)

BOUNDS: Mapping[str, tuple[Any, Any, str]] = {
    "annual_pay_cents": (0, LARGEST_PAY_CENTS, "pay of 0 or more, and below a thousand million dollars"),
    "weekly_hours_hundredths": (0, LARGEST_HOURS_HUNDREDTHS, "hours from 0 to 168"),
    "birth_on": (OLDEST_BIRTH, date.max, "a day of birth after 1900"),
}
"""By column: the least, the most, and what to expect in words."""


def beyond(columns: Mapping[str, Any]) -> list[str]:
    """Say of each column beyond its bounds what is expected; what is unknown is within them."""
    return [
        f"{words} is expected in {name}"
        for name, (least, most, words) in BOUNDS.items()
        if columns.get(name) is not None and not least <= columns[name] <= most
    ]
