"""Pictures drawn on the server: bars that lead to lists. Each says its number in words beside the picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise

Tone = Literal["plain", "good", "waiting", "bad"]
FULL = 100
LEAST = 1  # percent; what is there is seen


@dataclass(frozen=True)
class Bar:
    """A bar: what it counts, how many, the list it leads to."""

    label: str | Promise
    value: int
    href: str | None = None
    tone: Tone = "plain"


@dataclass(frozen=True)
class DrawnBar:
    """A bar with its width, in percent of the longest."""

    bar: Bar
    width: int
    text: str


@dataclass(frozen=True)
class Bars:
    """Bars under a caption."""

    caption: str | Promise
    drawn: Sequence[DrawnBar]


def bars(values: Sequence[Bar], *, caption: str | Promise) -> Bars:
    """Draw bars to one scale; what is 0 has no bar."""
    longest = max((one.value for one in values), default=0)
    drawn = [DrawnBar(one, _width(one.value, longest), f"{one.value:,}") for one in values]
    return Bars(caption, drawn)


def _width(value: int, longest: int) -> int:
    return max(LEAST, FULL * value // longest) if value and longest else 0
