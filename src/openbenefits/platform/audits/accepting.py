"""Differences that are accepted: for a named ground, until a day; a write-off by two people."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from openbenefits.platform.models import Accepted

GROUNDS: Mapping[str, str] = {
    "timing": "it clears by itself with a coming pay",
    "retiree": "somebody retired, paid otherwise",
    "garnishment": "an order of a court",
    "another carrier": "kept outside of both systems",
    "agreed with the client": "the client wants it so",
    "write-off": "nobody will put it right",
}
SECOND = ("write-off",)
"""Grounds that another person must agree to."""
LONGEST_DAYS = 366


class AcceptanceRefused(ValueError):
    """A difference that cannot be accepted so: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """A row of an audit that is accepted as it is."""

    client_id: int
    audit: str
    key: str
    fingerprint: str
    ground: str
    reason: str
    until: date
    person_id: int | None = None


def fingerprint(here: str | None, there: str | None) -> str:
    """Answer one text for what both sides say: another difference has another one."""
    return hashlib.sha256(f"{here}\x1f{there}".encode()).hexdigest()[:16]


def with_fingerprints(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the fingerprint of each row."""
    texts = rows.select("here", "there").iter_rows()
    prints = pl.Series("fingerprint", [fingerprint(*pair) for pair in texts], dtype=pl.String)
    return rows.with_columns(prints)


def accept(wish: Acceptance, *, author: str, today: date, now: datetime) -> Accepted:
    """Accept a difference; a write-off waits for somebody else's word.

    Errors: AcceptanceRefused for an unknown ground, no reason, or a day that is past or too far ahead.
    """
    if wish.ground not in GROUNDS:
        raise AcceptanceRefused(f"expected one of {', '.join(GROUNDS)}, found '{wish.ground}'; choose one")
    if not wish.reason.strip():
        raise AcceptanceRefused("a difference is accepted for a reason: expected words, found none")
    if not 0 <= (wish.until - today).days <= LONGEST_DAYS:
        raise AcceptanceRefused(
            f"expected a last day within {LONGEST_DAYS} days, found {wish.until}; choose another"
        )
    standing = Accepted.objects.filter(
        client_id=wish.client_id, audit=wish.audit, key=wish.key, ended_at__isnull=True
    )
    standing.update(ended_by=author, ended_at=now)
    return Accepted.objects.create(**vars(wish), author=author, made_at=now)


def agree(accepted: Accepted, *, author: str, now: datetime) -> None:
    """Agree, as a second person, to what somebody else accepted.

    Errors: AcceptanceRefused for one's own.
    """
    if author == accepted.author:
        raise AcceptanceRefused("expected another person than who accepted it, found the same; ask somebody")
    Accepted.objects.filter(pk=accepted.pk).update(second=author, agreed_at=now)


def end(accepted: Accepted, *, author: str, now: datetime) -> None:
    """Accept a difference no longer."""
    Accepted.objects.filter(pk=accepted.pk).update(ended_by=author, ended_at=now)


def in_force(client_id: int, on: date) -> pl.DataFrame:
    """List what is accepted on a day: audit, key, fingerprint, ground, until."""
    rows = Accepted.objects.filter(client_id=client_id, until__gte=on, ended_at__isnull=True)
    kept = [one for one in rows if one.ground not in SECOND or one.second]
    schema = {"audit": pl.String, "key": pl.String, "fingerprint": pl.String, "ground": pl.String}
    return pl.DataFrame([{name: getattr(one, name) for name in schema} for one in kept], schema=schema)
