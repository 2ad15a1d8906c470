"""What codes of ours are called at the platform: the same, unless somebody said otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from openbenefits.platform.models import CodeLink
from openbenefits.store.isolation import PEO

CODE_KINDS = {
    "plan": "plan",
    "tier": "coverage code (their plan type)",
    "group": "benefit program (their benefit group)",
    "pay_group": "pay group",
    "deduction": "deduction code",
}


class CodeRefused(ValueError):
    """A name for a code that cannot be: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Names:
    """What a client's codes are called there, and which of ours theirs are."""

    there: Mapping[str, Mapping[str, str]]

    def theirs(self, kind: str, ours: str) -> str:
        """Answer what a code of ours is called there."""
        return self.there.get(kind, {}).get(ours, ours)

    def ours(self, kind: str, theirs: str) -> str:
        """Answer which code of ours one of theirs is."""
        back = {name: code for code, name in self.there.get(kind, {}).items()}
        return back.get(theirs, theirs)

    def as_theirs(self, kind: str, column: str) -> pl.Expr:
        """Write a column of our codes as they are called there."""
        known = dict(self.there.get(kind, {}))
        found = pl.col(column)
        return found.replace(known) if known else found

    def as_ours(self, kind: str, column: str) -> pl.Expr:
        """Write a column of their codes as ours."""
        known = {name: code for code, name in self.there.get(kind, {}).items()}
        found = pl.col(column)
        return found.replace(known) if known else found


def names_of(client_id: int) -> Names:
    """Load what a client's codes are called there: its own names before those of every client."""
    found: dict[str, dict[str, str]] = {kind: {} for kind in CODE_KINDS}
    rows = CodeLink.objects.filter(client_id__in=(PEO, client_id)).order_by("client_id")
    for kind, ours, theirs in rows.values_list("kind", "ours", "theirs"):
        found.setdefault(kind, {})[ours] = theirs
    return Names(there=found)


def call(client_id: int, kind: str, ours: str, theirs: str, *, author: str, now: datetime) -> CodeLink:
    """Say what a code of ours is called there; two of ours are never called the same.

    Errors: CodeRefused.
    """
    if kind not in CODE_KINDS:
        raise CodeRefused(f"expected one of {', '.join(CODE_KINDS)}, found '{kind}'; correct the kind")
    ours, theirs = ours.strip(), theirs.strip()
    if not ours or not theirs:
        raise CodeRefused("expected a code of ours and one of theirs, found a blank; fill it in")
    known = names_of(client_id).there[kind]
    if any(name == theirs and code != ours for code, name in known.items()):
        raise CodeRefused(f"expected a code there that stands for one of ours, found '{theirs}' for two")
    stated = {"theirs": theirs, "made_by": author, "made_at": now}
    return CodeLink.objects.update_or_create(client_id=client_id, kind=kind, ours=ours, defaults=stated)[0]
