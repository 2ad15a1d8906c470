"""Set-up on screen: browsed, edited in drafts, audited, taken away and brought in."""

from openbenefits.workbench.set_up import (
    acts,
    auditing,
    browse,
    calendars,
    drafts,
    editor,
    exchange,
    grid,
    history,
    limits,
    rates,
)

__all__ = [
    "acts",
    "auditing",
    "browse",
    "calendars",
    "drafts",
    "editor",
    "exchange",
    "grid",
    "history",
    "limits",
    "rates",
]
