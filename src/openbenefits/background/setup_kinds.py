"""Set-up as long work: whom a draft would move, and the audit of everybody."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from openbenefits.accounts.services import Access
from openbenefits.background.services import RequestRefused, Work
from openbenefits.programs.models import Draft
from openbenefits.runs.audited import audit_of
from openbenefits.runs.draft_effects import draft_effect


class EffectOfDraft(msgspec.Struct, forbid_unknown_fields=True):
    """A draft by its number, and the day to price on."""

    draft: int
    as_of: date


class Audit(msgspec.Struct, forbid_unknown_fields=True):
    """The day to look at everybody as of."""

    as_of: date


def check_draft(_access: Access, client_id: int, asked: EffectOfDraft) -> None:
    """Refuse a draft the client does not have.

    Errors: RequestRefused.
    """
    if not Draft.objects.filter(pk=asked.draft, client_id=client_id).exists():
        raise RequestRefused(f"expected a draft of this set-up, found none of number {asked.draft}")


def effect_of_draft(work: Work) -> Mapping[str, Any]:
    """Say whom a draft of set-up would move."""
    asked = work.of(EffectOfDraft)
    return draft_effect(work.connection, asked.draft, as_of=asked.as_of, now=work.now, progress=work.say)


def audit(work: Work) -> Mapping[str, Any]:
    """Look at everybody of a client."""
    day = work.of(Audit).as_of
    return audit_of(work.connection, work.request.client_id, as_of=day, progress=work.say)
