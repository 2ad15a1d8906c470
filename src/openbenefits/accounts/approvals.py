"""What one user prepares and another approves, where the client wants a second person (rulings §6.5).

Triggers hold the acts themselves to it (repair, migration 0005): an act of these kinds
is refused at the end of its transaction, whoever does it, without an approval of exactly what it does. The
services ask before, so that people are told in words.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import polars as pl
from django.db import IntegrityError, connections, transaction

from openbenefits.accounts.models import Proposal, User, Verdict
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import Access, note

BETWEEN, NOTHING = "\x1f", "\x1e"
HOLDS_FOR = timedelta(days=14)
"""How long a proposal waits, and an approval lets its act be done."""


class ApprovalKind(StrEnum):
    """Acts that a client may want a second person for, as `second_person` of its set-up names them."""

    RELEASE = "release"
    TAKE_BACK = "take_back"
    COMMIT = "commit"
    FINALIZE = "finalize"
    OVERRIDE = "override"
    SETUP = "setup"
    WRITE_OFF = "write_off"


class Outcome(StrEnum):
    """What may become of a proposal."""

    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


PERMISSIONS = {
    ApprovalKind.RELEASE: Permission.FINALIZE,
    ApprovalKind.TAKE_BACK: Permission.REPAIR,
    ApprovalKind.COMMIT: Permission.FINALIZE,
    ApprovalKind.FINALIZE: Permission.FINALIZE,
    ApprovalKind.OVERRIDE: Permission.REPAIR,
    ApprovalKind.SETUP: Permission.SETUP,
    ApprovalKind.WRITE_OFF: Permission.FINANCE,
}
"""Who may do an act may prepare and approve it."""


class ApprovalRefused(ValueError):
    """A proposal, or a word about one, that cannot be: what was expected, what found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Matter:
    """What is to be approved: an act of a kind on something (`key`), and all that is done with it (`parts`).

    told: what it comes to, for who is to approve it: counts and dollars, no names.
    """

    client_id: int
    kind: ApprovalKind
    key: str
    parts: Sequence[str | None]
    told: str = ""

    @property
    def digest(self) -> str:
        """One text for all parts, as accounts_digest of the database writes it."""
        text = BETWEEN.join(NOTHING if part is None else part for part in self.parts)
        return hashlib.sha256(text.encode()).hexdigest()


class ApprovalWanted(ValueError):
    """An act that another user must approve first; `matter` is what to propose."""

    def __init__(self, matter: Matter) -> None:
        """Say it, and keep what is to be approved."""
        self.matter = matter
        super().__init__(
            f"{matter.key}: expected that another person approves '{matter.kind}', as the client wants,"
            " found no approval of exactly this; ask for it, and do it again once it is approved"
        )

    def __reduce__(self) -> tuple[type, tuple[Matter]]:
        """Say how another process makes it anew (`runs.workers`)."""
        return type(self), (self.matter,)


def is_wanted(client_id: int, kind: ApprovalKind) -> bool:
    """Tell whether a client's set-up in force wants a second person for acts of a kind."""
    return bool(_asked("SELECT accounts_wants_second(%s, %s)", [client_id, str(kind)]))


def is_approved(matter: Matter, now: datetime) -> bool:
    """Tell whether another user approved exactly this, and the approval has not expired."""
    values = [matter.client_id, str(matter.kind), matter.key, matter.digest, now]
    return bool(_asked("SELECT accounts_is_approved(%s, %s, %s, %s, %s)", values))


def require_approval(matter: Matter, now: datetime) -> None:
    """Refuse an act that the client wants approved, and nobody has.

    Errors: ApprovalWanted.
    """
    if is_wanted(matter.client_id, matter.kind) and not is_approved(matter, now):
        raise ApprovalWanted(matter)


def propose(access: Access, matter: Matter, *, reason: str, now: datetime) -> Proposal:
    """Ask another user to approve what this one prepared; the same again while it is open is one proposal.

    Errors: NotAllowed; ApprovalRefused without a reason.
    """
    access.require(PERMISSIONS[matter.kind], matter.client_id)
    _refuse_silence(reason)
    same = {
        "client_id": matter.client_id,
        "kind": str(matter.kind),
        "key": matter.key,
        "digest": matter.digest,
    }
    open_ones = Proposal.objects.filter(
        **same, user_id=access.user_id, verdict__isnull=True, expires_at__gt=now
    )
    if (known := open_ones.first()) is not None:
        return known
    made = Proposal.objects.create(
        **same,
        told=matter.told,
        user_id=access.user_id,
        prepared_at=now,
        reason=reason.strip(),
        expires_at=now + HOLDS_FOR,
    )
    _note(access, "asked for approval", made, reason, now)
    return made


def approve(access: Access, proposal: Proposal, *, reason: str, now: datetime) -> Verdict:
    """Approve what another user prepared.

    Errors: NotAllowed; ApprovalRefused for one's own, one that is decided or expired, or without a reason.
    """
    return _decide(access, proposal, Outcome.APPROVED, reason, now)


def refuse(access: Access, proposal: Proposal, *, reason: str, now: datetime) -> Verdict:
    """Refuse what another user prepared; errors as `approve`."""
    return _decide(access, proposal, Outcome.REFUSED, reason, now)


def withdraw(access: Access, proposal: Proposal, *, reason: str, now: datetime) -> Verdict:
    """Take one's own proposal back; errors as `approve`."""
    return _decide(access, proposal, Outcome.WITHDRAWN, reason, now)


def _decide(access: Access, proposal: Proposal, outcome: Outcome, reason: str, now: datetime) -> Verdict:
    access.require(PERMISSIONS[ApprovalKind(proposal.kind)], proposal.client_id)
    _refuse_silence(reason)
    is_own = access.user_id == proposal.user_id
    if is_own != (outcome is Outcome.WITHDRAWN):
        expected = (
            "who prepared it" if outcome is Outcome.WITHDRAWN else "another person than who prepared it"
        )
        found = "somebody else" if outcome is Outcome.WITHDRAWN else "the same"
        raise ApprovalRefused(f"proposal {proposal.pk}: expected {expected}, found {found}")
    if proposal.expires_at <= now:
        raise ApprovalRefused(
            f"proposal {proposal.pk}: expected one that is open, found an expired one; ask anew"
        )
    try:
        with transaction.atomic():
            made = Verdict.objects.create(
                proposal=proposal,
                client_id=proposal.client_id,
                outcome=str(outcome),
                user_id=access.user_id,
                decided_at=now,
                reason=reason.strip(),
            )
    except IntegrityError as fault:
        raise ApprovalRefused(
            f"proposal {proposal.pk}: expected one that is open, found one that is decided"
        ) from fault
    _note(access, f"{outcome} a proposal", proposal, reason, now)
    return made


def _note(access: Access, what: str, proposal: Proposal, reason: str, now: datetime) -> None:
    told = f"{what}: {proposal.kind}, {proposal.key}"
    note(access, "did", told, client_id=proposal.client_id, reason=reason, now=now)


def _refuse_silence(reason: str) -> None:
    if not reason.strip():
        raise ApprovalRefused("expected a reason, found none; state it")


PROPOSALS: dict[str, Any] = {
    "proposal": pl.Int64,
    "client_id": pl.Int64,
    "kind": pl.String,
    "key": pl.String,
    "told": pl.String,
    "prepared_by": pl.String,
    "prepared_by_id": pl.Int64,
    "prepared_at": pl.Datetime("us", "UTC"),
    "reason": pl.String,
    "expires_at": pl.Datetime("us", "UTC"),
    "state": pl.String,
    "decided_by": pl.String,
    "decided_at": pl.Datetime("us", "UTC"),
    "decided_because": pl.String,
}


def proposals_of(client_id: int, now: datetime) -> pl.DataFrame:
    """List what was ever proposed about a client as PROPOSALS, newest first.

    state: open, expired, or what became of it (Outcome).
    """
    found = Proposal.objects.filter(client_id=client_id).select_related("verdict").order_by("-pk")
    made = list(found)
    names = _names({one.user_id for one in made} | {_verdict(one).user_id for one in made if _verdict(one)})
    return pl.DataFrame([_row(one, names, now) for one in made], schema=PROPOSALS)


def pending_of(client_id: int, now: datetime) -> pl.DataFrame:
    """List what waits for a second person as PROPOSALS, oldest first."""
    return proposals_of(client_id, now).filter(state="open").reverse()


def _row(one: Proposal, names: dict[int, str], now: datetime) -> dict[str, Any]:
    said = _verdict(one)
    row = {
        "proposal": one.pk,
        "client_id": one.client_id,
        "prepared_by": names.get(one.user_id, ""),
        "prepared_by_id": one.user_id,
        "state": "expired" if one.expires_at <= now else "open",
        "decided_by": None,
        "decided_at": None,
        "decided_because": None,
    }
    row |= {
        name: getattr(one, name) for name in ("kind", "key", "told", "prepared_at", "reason", "expires_at")
    }
    if said is not None:
        row |= {"state": said.outcome, "decided_by": names.get(said.user_id, "")}
        row |= {"decided_at": said.decided_at, "decided_because": said.reason}
    return row


def _verdict(one: Proposal) -> Any:
    return getattr(one, "verdict", None)


def _names(ids: set[int]) -> dict[int, str]:
    return dict(User.objects.filter(pk__in=ids).values_list("pk", "username"))


def _asked(query: str, values: list[Any]) -> Any:
    with connections["default"].cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchone()[0]
