"""The one way to see all of a social security number: an act, with a reason, in the audit trail."""

from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import Access, note
from openbenefits.store import secrets
from openbenefits.workforce.models import PersonFact


class UnmaskRefused(ValueError):
    """A number that cannot be shown: what was expected, what was found, what to change."""


def unmask_ssn(
    connection: Any, access: Access, client_id: int, person_id: int, *, reason: str, now: datetime
) -> str:
    """Answer the social security number of one person, and write down who saw it and why.

    Errors: NotAllowed; UnmaskRefused without a reason, and where no number is known; secrets.KeyMismatch.
    """
    access.require(Permission.SEE_PERSONAL, client_id)
    if not reason.strip():
        raise UnmaskRefused("expected a reason, found none; say what the number is needed for")
    known = PersonFact.objects.using(connection.alias).filter(
        client_id=client_id, person_id=person_id, is_deleted=False, ssn_sealed__isnull=False
    )
    found = known.order_by("-valid_from", "-version").values_list("ssn_sealed", flat=True).first()
    if found is None:
        raise UnmaskRefused(
            "expected a social security number of the person, found none; the census brings it"
        )
    note(
        access,
        "saw",
        "social security number",
        client_id=client_id,
        person_id=person_id,
        reason=reason.strip(),
        now=now,
    )
    digits = str(secrets.decrypt_ssn(pl.Series("ssn", [bytes(found)], dtype=pl.Binary))[0])
    return f"{digits[:3]}-{digits[3:5]}-{digits[5:]}"


def last_four(connection: Any, client_id: int, person_id: int) -> str | None:
    """Answer the last four digits of somebody's number, for a page; None where none is known."""
    known = PersonFact.objects.using(connection.alias).filter(
        client_id=client_id, person_id=person_id, is_deleted=False, ssn_sealed__isnull=False
    )
    found = known.order_by("-valid_from", "-version").values_list("ssn_sealed", flat=True).first()
    if found is None:
        return None
    return str(secrets.decrypt_ssn(pl.Series("ssn", [bytes(found)], dtype=pl.Binary))[0])[-4:]
