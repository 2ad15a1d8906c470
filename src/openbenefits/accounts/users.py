"""Use cases of the users desk: who signs in for a client, invited by a link, never above who invites."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import connections, transaction
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts.models import EmployeeLogin, Role, User
from openbenefits.accounts.numbers import first_numbers
from openbenefits.accounts.roles import ROLES, Permission, RoleCode
from openbenefits.accounts.services import (
    EVERY_CLIENT,
    Access,
    RoleRefused,
    end_role,
    give_role,
    link_employee,
    note,
)
from openbenefits.accounts.signing_in import INVITED_DAYS, invitation_token

NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,149}")
SUBJECT = _("Your way into openbenefits")
LETTER = _("""You can now sign in to openbenefits as {name}.

This link signs you in once, within {days} days:
{link}

Later you come in by your name or this address: a code is sent to it. Set up a passkey or an authenticator app
at your first visit.
""")


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """Who is invited: a name to sign in by, an address, and the role for a client (0: for every one)."""

    name: str
    email: str
    client_id: int
    code: RoleCode


def may_give(access: Access, client_id: int) -> list[RoleCode]:
    """List the roles that somebody may give for a client: none that may more than he does himself."""
    if not access.may(Permission.USERS, client_id):
        return []
    own = _own(access, client_id)
    fitting = [one for one in ROLES.values() if one.code is not RoleCode.EMPLOYEE and one.permissions <= own]
    if client_id == EVERY_CLIENT:
        return [one.code for one in fitting if one.of_peo]
    return [one.code for one in fitting]


def _own(access: Access, client_id: int) -> frozenset[Permission]:
    everywhere = access.permissions.get(EVERY_CLIENT, frozenset())
    return access.permissions.get(client_id, frozenset()) | everywhere


USERS: dict[str, Any] = {
    "user_id": pl.Int64,
    "user": pl.String,
    "email": pl.String,
    "role": pl.String,
    "client_id": pl.Int64,
    "given_by": pl.String,
    "given_at": pl.Datetime("us", "UTC"),
    "ended_at": pl.Datetime("us", "UTC"),
    "last_sign_in": pl.Datetime("us", "UTC"),
    "second_factor": pl.Boolean,
}


def users_of(client_id: int, *, with_ended: bool = False) -> pl.DataFrame:
    """List who has which role for a client (0: for every one), as USERS: a line for each role."""
    roles = Role.objects.filter(client_id=client_id).select_related("user")
    if not with_ended:
        roles = roles.filter(ended_at__isnull=True)
    held = list(roles.order_by("user__username", "code", "given_at"))
    secured = set(
        Authenticator.objects.filter(user_id__in=[one.user_id for one in held])
        .exclude(type=Authenticator.Type.RECOVERY_CODES)
        .values_list("user_id", flat=True)
    )
    rows = [
        {
            "user_id": one.user_id,
            "user": one.user.username,
            "email": one.user.email,
            "role": ROLES[RoleCode(one.code)].name,
            "client_id": one.client_id,
            "given_by": one.given_by,
            "given_at": one.given_at,
            "ended_at": one.ended_at,
            "last_sign_in": one.user.last_login,
            "second_factor": one.user_id in secured,
        }
        for one in held
    ]
    return pl.DataFrame(rows, schema=USERS)


def invite(access: Access, order: Invitation, *, site: str, author: str, now: datetime) -> User:
    """Give somebody a role; who is no user yet becomes one without a password and is sent a link.

    Errors: NotAllowed; RoleRefused for a role above one's own, a name or address that cannot be, or an
            employee's login.
    """
    _refuse_higher(access, order.client_id, order.code)
    name = order.name.strip().lower()
    if not NAME.fullmatch(name):
        raise RoleRefused(
            "expected a name of 2 to 150 small letters, digits and . _ @ + -, found another; correct it"
        )
    with transaction.atomic():
        user = User.objects.filter(username=name).first()
        is_new = user is None
        if user is None:
            user = _added(name, order.email)
        elif user.email.lower() != order.email.strip().lower():
            raise RoleRefused(
                "expected the address of the user of that name, found another; choose another name"
            )
        elif any(code == RoleCode.EMPLOYEE for _, code in standing_roles(user.pk)):
            raise RoleRefused("expected a login of staff, found one of an employee; use a name of its own")
        give_role(user, order.client_id, order.code, given_by=author, now=now)
        _note(access, "gave a role", order.client_id, f"{order.code} to user {user.pk}", now)
        if is_new:
            send_invitation(user, site)
    return user


def _added(name: str, email: str) -> User:
    """Add a user who has no password: a link, a code or a passkey lets him in."""
    address = email.strip()
    try:
        validate_email(address)
    except ValidationError:
        raise RoleRefused("expected an address like name@company.com, found another; correct it") from None
    if User.objects.filter(email__iexact=address).exists():
        raise RoleRefused(
            "expected an address of nobody yet, found that of a user; use the name of that user"
        )
    user = User.objects.create_user(name, address)
    EmailAddress.objects.create(user=user, email=address, primary=True, verified=True)
    return user


def send_invitation(user: User, site: str) -> None:
    """Send the link that signs a new user in once, in the active language; with the transaction, or not."""
    link = f"{site.rstrip('/')}/sign-in/{invitation_token(user)}"
    subject, letter = str(SUBJECT), LETTER.format(name=user.username, days=INVITED_DAYS, link=link)
    transaction.on_commit(lambda: send_mail(subject, letter, None, [user.email]))


def give(access: Access, user: User, client_id: int, code: RoleCode, *, author: str, now: datetime) -> Role:
    """Give a known user a role.

    Errors: NotAllowed; RoleRefused.
    """
    _refuse_higher(access, client_id, code)
    made = give_role(user, client_id, code, given_by=author, now=now)
    _note(access, "gave a role", client_id, f"{code} to user {user.pk}", now)
    return made


def end(access: Access, user: User, client_id: int, code: RoleCode, *, author: str, now: datetime) -> bool:
    """End a role; answer whether there was one. Nobody ends his own, so that one always remains.

    Errors: NotAllowed; RoleRefused for one above one's own, or one's own.
    """
    _refuse_higher(access, client_id, code)
    if user.pk == access.user_id:
        raise RoleRefused("expected another user's role, found your own; let a colleague end it")
    was_there = end_role(user, client_id, code, ended_by=author, now=now)
    if was_there:
        _note(access, "ended a role", client_id, f"{code} of user {user.pk}", now)
    return was_there


def reset_second_factor(access: Access, user: User, client_id: int, *, reason: str, now: datetime) -> int:
    """Remove the second factors of a user who lost them; answer how many. He sets up new ones as he comes in.

    Errors: NotAllowed; RoleRefused without a reason, or of a user who may more than who asks.
    """
    _refuse_above(access, user, client_id)
    _refuse_silence(reason)
    removed, _ = Authenticator.objects.filter(user=user).delete()
    end_sessions(access, user, client_id, reason=reason, now=now)
    _note(access, "reset a second factor", client_id, f"user {user.pk}: {reason}", now)
    return removed


def end_sessions(access: Access, user: User, client_id: int, *, reason: str, now: datetime) -> int:
    """Sign a user out everywhere; answer how many sessions that ended.

    Errors: as `reset_second_factor`.
    """
    _refuse_above(access, user, client_id)
    _refuse_silence(reason)
    sessions = list(UserSession.objects.filter(user=user))
    for one in sessions:
        one.end()
    _note(access, "ended sessions", client_id, f"user {user.pk}: {reason}", now)
    return len(sessions)


def invite_employee(
    client_id: int,
    code: str,
    person_id: int,
    employee_number: str,
    *,
    email: str = "",
    mobile: str = "",
    author: str,
    now: datetime,
) -> User:
    """Make the login of an employee, by an address or number of the census; the link is the caller's to send.

    Missing: with neither he comes in by a code alone, and sets up a key of his own then.
    Errors: RoleRefused where the address or number is a user's already, or the address is none.
    """
    name = f"{code}-{employee_number}".lower()
    user = _added(name, email) if email else _added_without_address(name, mobile)
    link_employee(user, client_id, person_id, given_by=author, now=now)
    return user


def _added_without_address(name: str, mobile: str) -> User:
    if mobile and User.objects.filter(mobile=mobile).exists():
        raise RoleRefused("expected a mobile number of nobody yet, found that of a user; correct the census")
    return User.objects.create_user(name, mobile=mobile or None)


def emails_of_users(emails: Iterable[str]) -> set[str]:
    """Answer which of some addresses, in small letters, are of users already."""
    known = User.objects.annotate(small=Lower("email")).filter(small__in=list(emails))
    return set(known.values_list("small", flat=True))


def mobiles_of_users(mobiles: Iterable[str]) -> set[str]:
    """Answer which of some numbers, as `texting.number_of` writes them, are of users already."""
    return set(User.objects.filter(mobile__in=list(mobiles)).values_list("mobile", flat=True))


def logins_of(client_id: int) -> set[int]:
    """Answer the people of a client who have a login, under whatever number."""
    firsts = first_numbers(client_id)
    linked = EmployeeLogin.objects.filter(client_id=client_id).values_list("person_id", flat=True)
    return {firsts.get(one, one) for one in linked}


def standing_roles(user_id: int) -> list[tuple[int, str]]:
    """Answer every role of a user, those of clients one does not see included: client id, code."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT client_id, code FROM accounts_standing_roles(%s)", [user_id])
        return [(client_id, code) for client_id, code in cursor.fetchall()]


def _refuse_higher(access: Access, client_id: int, code: RoleCode) -> None:
    access.require(Permission.USERS, client_id)
    allowed = may_give(access, client_id)
    if code not in allowed:
        words = ", ".join(allowed) or "none"
        raise RoleRefused(
            f"expected a role that may no more than you ({words}), found '{code}'; ask who may more"
        )


def _refuse_above(access: Access, user: User, client_id: int) -> None:
    """Refuse what concerns a user as a whole, unless all of his roles are within one's own."""
    access.require(Permission.USERS, client_id)
    standing = standing_roles(user.pk)
    is_here = any(client == client_id for client, _ in standing)
    is_above = any(
        not (
            access.may(Permission.USERS, client) and ROLES[RoleCode(code)].permissions <= _own(access, client)
        )
        for client, code in standing
    )
    if not is_here or is_above:
        found = "one who may more, or is another client's too" if is_here else "one without a role for it"
        raise RoleRefused(f"expected a user of this client, found {found}; ask a PEO administrator")


def _refuse_silence(reason: str) -> None:
    if not reason.strip():
        raise RoleRefused("expected a reason, found none; state it")


def _note(access: Access, what: str, client_id: int, reason: str, now: datetime) -> None:
    note(access, "did", what, client_id=client_id, reason=reason, now=now)
