"""Set-up on screen: browsed, edited in drafts, audited, taken away and brought in."""

from openbenefits.workbench.set_up import (
    acts,
    auditing,
    browse,
    drafts,
    editor,
    exchange,
    history,
    limits,
)

__all__ = [
    "acts",
    "auditing",
    "browse",
    "drafts",
    "editor",
    "exchange",
    "history",
    "limits",
]
