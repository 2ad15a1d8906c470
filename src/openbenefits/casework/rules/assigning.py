"""Who gets a ticket; where nobody can: whoever stands in, the department's manager, a queue of its own."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from openbenefits.casework.codes import UNASSIGNED, Default


@dataclass(frozen=True, kw_only=True)
class Assignee:
    """Who is to do it: a user, whoever plays a role on the client's team, or a queue.

    backup: the user who gets it where the first cannot be found. Nothing at all: what the type says.
    """

    user_id: int | None = None
    role: str | None = None
    queue: str | None = None
    backup: int | None = None

    @property
    def is_said(self) -> bool:
        """Whether it says anything but who stands in."""
        return bool(self.user_id or self.role or self.queue)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a type of ticket says of who gets it; the defaults are those of a type nobody has set up."""

    assigns: Default = Default.CREATOR
    user_id: int | None = None
    role: str = ""
    queue: str = ""
    backup: int | None = None
    department: str = ""


@dataclass(frozen=True, kw_only=True)
class House:
    """Who is there.

    team: user by role, of the client; its own before those of the PEO. managers: user by department.
    departments: department by role. present: users who can sign in; backups: who stands in for whom.
    away: users who are away today.
    """

    team: Mapping[str, int] = field(default_factory=dict)
    managers: Mapping[str, int] = field(default_factory=dict)
    departments: Mapping[str, str] = field(default_factory=dict)
    present: Set[int] = frozenset()
    backups: Mapping[int, int] = field(default_factory=dict)
    away: Set[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Assigned:
    """Who has it: a user, or a queue; for which role; whether nobody was found."""

    user_id: int | None = None
    role: str = ""
    queue: str = ""
    is_unassigned: bool = False


def assign(wanted: Assignee, kind: Kind, house: House, *, creator: int | None) -> Assigned:
    """Answer who gets a ticket.

    A user who cannot sign in is nobody; who is away passes it to whoever stands in for him. Where nobody is
    found: the backup of the order, of the type, the manager of the department, else the queue "unassigned".
    """
    named = wanted if wanted.is_said else _of_kind(kind, creator, wanted.backup)
    role = named.role or ""
    first = named.user_id or house.team.get(role)
    if first is None and not role and named.queue:
        return Assigned(queue=named.queue)
    department = kind.department or house.departments.get(role, "")
    for user_id in (first, named.backup, kind.backup, house.managers.get(department)):
        if (found := _present(user_id, house)) is not None:
            return Assigned(user_id=found, role=role)
    if named.queue:
        return Assigned(queue=named.queue, role=role)
    return Assigned(role=role, queue=UNASSIGNED, is_unassigned=True)


def _of_kind(kind: Kind, creator: int | None, backup: int | None) -> Assignee:
    if kind.assigns is Default.CREATOR:
        return Assignee(user_id=creator, backup=backup)
    if kind.assigns is Default.USER:
        return Assignee(user_id=kind.user_id, backup=backup)
    if kind.assigns is Default.ROLE:
        return Assignee(role=kind.role, backup=backup)
    return Assignee(queue=kind.queue, backup=backup)


def _present(user_id: int | None, house: House) -> int | None:
    """Answer the user, or who stands in for him while he is away; None where neither is there."""
    if user_id is None or user_id not in house.present:
        return None
    if user_id not in house.away:
        return user_id
    deputy = house.backups.get(user_id)
    return deputy if deputy in house.present and deputy not in house.away else None
