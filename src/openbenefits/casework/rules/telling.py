"""Who is told what of a ticket."""

from collections.abc import Set
from dataclasses import dataclass, field

from openbenefits.casework.codes import Happening

Users = Set[int]
NOBODY: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Around:
    """The users around a ticket; None, and no users, where there are none.

    notified, level_1, level_2: who plays the roles its type names. manager: of its department, told where it
    is critical and where nobody does it; where there is none, the administrators are. followers: who follows
    its client. told: whom a step of escalation writes to.
    """

    assignee: int | None = None
    owner: int | None = None
    notify: Users = NOBODY
    notified: int | None = None
    level_1: int | None = None
    level_2: int | None = None
    manager: int | None = None
    administrators: Users = NOBODY
    followers: Users = NOBODY
    told: Users = NOBODY
    muted: Users = field(default=NOBODY)
    is_critical: bool = False


def recipients(happening: Happening, around: Around, by_user: int | None) -> frozenset[int]:
    """Answer who is told of what happened: never who did it, nor who muted the ticket."""
    told: set[int | None] = {around.assignee, around.notified, *around.told}
    if happening is Happening.ENDED:
        told |= {around.owner}
    if happening in (
        *(Happening.OPENED, Happening.CHANGED, Happening.ENDED, Happening.COMMENTED, Happening.UNASSIGNED),
    ):
        told |= {*around.notify, *around.followers, around.manager if around.is_critical else None}
    if happening is Happening.UNASSIGNED:
        told |= around.administrators if around.manager is None else {around.manager}
    if happening in (Happening.LEVEL_1, Happening.LEVEL_2):
        told |= {around.level_1}
    if happening is Happening.LEVEL_2:
        told |= {around.level_2}
    if happening in (Happening.DUE_SOON, Happening.OVERDUE):
        told = {around.assignee, around.owner if happening is Happening.OVERDUE else None}
    return frozenset(user for user in told if user is not None) - around.muted - {by_user}
