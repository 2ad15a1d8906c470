"""Use cases of accounts: who may what, for which client; who saw and did what."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connections

from openbenefits.accounts.models import ApiKey, EmployeeLogin, Role, User
from openbenefits.accounts.numbers import numbers_of
from openbenefits.accounts.roles import ROLES, Permission, RoleCode, writes
from openbenefits.store.isolation import PEO, Rights, acting

EVERY_CLIENT = PEO
"""A role for the PEO itself is one for all its clients."""
NOTHING: frozenset[Permission] = frozenset()


class NotAllowed(PermissionDenied):
    """Somebody asked for what is not his to see or do."""


class RoleRefused(ValueError):
    """A role that cannot be given: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """What a user may do, client by client.

    permissions: by client id; only clients of which he may anything. EVERY_CLIENT: of each of them.
    person_id: the employee he is; None for staff. An employee sees himself only.
    numbers: every number he is known under, where he has more than this one.
    """

    user_id: int
    permissions: Mapping[int, frozenset[Permission]]
    person_id: int | None = None
    numbers: tuple[int, ...] = ()

    def may(self, permission: Permission, client_id: int) -> bool:
        """Tell whether something of a client is his to do."""
        own = self.permissions.get(client_id, NOTHING)
        return permission in own | self.permissions.get(EVERY_CLIENT, NOTHING)

    def require(self, permission: Permission, client_id: int) -> None:
        """Refuse what is not his to do.

        Errors: NotAllowed, naming the permission and never the client's records.
        """
        if not self.may(permission, client_id):
            raise NotAllowed(
                f"expected a role that may '{permission}' for this client, found none; "
                "ask an administrator of the client for it"
            )

    def rights(self) -> Rights:
        """Answer whose rows he may touch; everybody who sees anything reads the PEO's set-up."""
        reads = tuple(sorted(self.permissions))
        written = tuple(one for one in reads if writes(self.permissions[one]))
        return Rights(
            user_id=self.user_id,
            reads=None if EVERY_CLIENT in reads else (PEO, *reads) if reads else (),
            writes=None if EVERY_CLIENT in written else written,
            persons=None if self.person_id is None else self.numbers or (self.person_id,),
        )


def access_of(connection: Any, user: User) -> Access:
    """Find what a user may do.

    Missing: a user who is switched off, or has no role, may nothing.
    """
    if not user.is_active:
        return Access(user_id=user.pk, permissions={})
    with acting(connection, Rights(user_id=user.pk)):
        roles = list(Role.objects.filter(user=user, ended_at__isnull=True).values_list("client_id", "code"))
        login = EmployeeLogin.objects.filter(user=user).first()
        key = None if roles or login else ApiKey.objects.filter(user=user, ended_at__isnull=True).first()
    if key is not None:
        return access_of_key(user.pk, key.client_id, key.scopes)
    if roles:
        return Access(user_id=user.pk, permissions=_of_staff(roles))
    if login is None:
        return Access(user_id=user.pk, permissions={})
    with acting(connection, Rights(user_id=user.pk, reads=(login.client_id,), persons=None)):
        numbers = numbers_of(login.client_id, login.person_id)
    own = {login.client_id: ROLES[RoleCode.EMPLOYEE].permissions}
    return Access(user_id=user.pk, permissions=own, person_id=numbers[0], numbers=numbers)


def access_of_key(user_id: int, client_id: int, scopes: Iterable[str]) -> Access:
    """Answer what a key of a program may."""
    permissions = frozenset(Permission(scope) for scope in scopes)
    return Access(user_id=user_id, permissions={client_id: permissions})


def _of_staff(roles: list[tuple[int, str]]) -> dict[int, frozenset[Permission]]:
    found: dict[int, frozenset[Permission]] = {}
    for client_id, code in roles:
        found[client_id] = found.get(client_id, NOTHING) | ROLES[RoleCode(code)].permissions
    return found


def give_role(user: User, client_id: int, code: RoleCode, *, given_by: str, now: datetime) -> Role:
    """Give somebody a role for a client (0: for every one); to give it twice changes nothing.

    Errors: RoleRefused for an employee's role, which a login has, and for one of a client given for all.
    """
    if code is RoleCode.EMPLOYEE:
        raise RoleRefused(
            "expected a role of staff, found 'employee'; link the login to the employee instead"
        )
    if client_id == EVERY_CLIENT and not ROLES[code].of_peo:
        raise RoleRefused(
            f"expected one client for the role '{code}', found all of them; give it client by client"
        )
    found, _ = Role.objects.get_or_create(
        user=user,
        client_id=client_id,
        code=str(code),
        ended_at=None,
        defaults={"given_by": given_by, "given_at": now},
    )
    return found


def end_role(user: User, client_id: int, code: RoleCode, *, ended_by: str, now: datetime) -> bool:
    """End a role; answer whether there was one."""
    standing = Role.objects.filter(user=user, client_id=client_id, code=str(code), ended_at__isnull=True)
    return bool(standing.update(ended_by=ended_by, ended_at=now))


def link_employee(
    user: User, client_id: int, person_id: int, *, given_by: str, now: datetime
) -> EmployeeLogin:
    """Say which employee a login is.

    Errors: RoleRefused where the login is somebody else's, the employee has another one, or has a role of
            staff: who works for the PEO and is employed there has two logins.
    """
    if Role.objects.filter(user=user, ended_at__isnull=True).exists():
        raise RoleRefused("expected a login without roles of staff, found some; use a login of its own")
    taken = EmployeeLogin.objects.filter(client_id=client_id, person_id=person_id).exclude(user=user).exists()
    other = EmployeeLogin.objects.filter(user=user).exclude(client_id=client_id, person_id=person_id).exists()
    if taken or other:
        who = "employee with another login" if taken else "login of another employee"
        raise RoleRefused(
            f"expected a login and an employee without one another, found an {who}; unlink it first"
        )
    found, _ = EmployeeLogin.objects.get_or_create(
        user=user, client_id=client_id, person_id=person_id, defaults={"given_by": given_by, "given_at": now}
    )
    return found


@contextmanager
def working(connection: Any, access: Access) -> Iterator[None]:
    """Open a transaction in which a face sees and writes what its user may."""
    with acting(connection, access.rights()):
        yield


def note(
    access: Access,
    kind: str,
    what: str,
    *,
    client_id: int,
    now: datetime,
    person_id: int | None = None,
    reason: str = "",
    on_behalf_of: int | None = None,
) -> None:
    """Write down that somebody saw, did, or was refused something; part of the same transaction.

    `what` names a page or use case, never what a record says.
    """
    with connections["default"].cursor() as cursor:  # the ORM asks for the row back, which not all may read
        cursor.execute(
            """
            INSERT INTO accounts_auditentry
              (at, user_id, on_behalf_of, client_id, person_id, kind, what, reason)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
            """,
            [now, access.user_id, on_behalf_of, client_id, person_id, kind, what, reason],
        )


def note_sign_in(connection: Any, user: User, *, now: datetime) -> None:
    """Write down that somebody signed in: an employee for his client, staff for the PEO."""
    _note_at_the_door(connection, access_of(connection, user), "did", "sign in", now)


def note_refusal(connection: Any, access: Access, page: str, *, now: datetime) -> None:
    """Write down that somebody was refused a page; what the page had done is given up by then."""
    _note_at_the_door(connection, access, "refused", page, now)


def _note_at_the_door(connection: Any, access: Access, kind: str, what: str, now: datetime) -> None:
    own = next(iter(access.permissions), PEO) if access.person_id is not None else PEO
    with acting(connection, Rights(user_id=access.user_id)):
        note(access, kind, what, client_id=own, person_id=access.person_id, now=now)
