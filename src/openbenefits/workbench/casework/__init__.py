"""Tasks and cases: one's own, lists, queues, the board; a page for each; the team, and the set-up."""

from openbenefits.workbench.casework import (
    board,
    bulk,
    listed,
    notices,
    opening,
    set_up,
    team,
    ticket,
    wording,
)

__all__ = ["board", "bulk", "listed", "notices", "opening", "set_up", "team", "ticket", "wording"]
