"""How missed deductions may be recovered: dated, by state, of a client or the PEO; all versions are kept."""

from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.payroll.models import RecoveryPolicy
from openbenefits.payroll.rules.corrections import PEO, POLICY
from openbenefits.store.bulk import copy_out

KEY = ("client_id", "state", "valid_from")
TERMS = ("cap_cents", "cap_thousandths", "periods", "needs_consent", "is_forbidden", "source", "is_withdrawn")

QUERY = """
SELECT client_id, state, valid_from, cap_cents, cap_thousandths, periods, needs_consent, is_forbidden FROM (
    SELECT DISTINCT ON (client_id, state, valid_from) *
    FROM payroll_recoverypolicy WHERE client_id IN (%(peo)s, %(client)s)
    ORDER BY client_id, state, valid_from, version DESC
) AS latest WHERE NOT is_withdrawn
"""


class PolicyRefused(ValueError):
    """A policy that cannot be: the message says what was expected, what found, what to change."""


def policies_of(connection: Any, client_id: int) -> pl.DataFrame:
    """Load the policies of a client and of the PEO that hold, as POLICY."""
    return copy_out(connection, QUERY, POLICY, {"peo": PEO, "client": client_id})


def state_policy(
    connection: Any,
    *,
    client_id: int,
    state: str,
    valid_from: date,
    cap_cents: int | None = None,
    cap_thousandths: int | None = None,
    periods: int | None = None,
    needs_consent: bool = False,
    is_forbidden: bool = False,
    is_withdrawn: bool = False,
    source: str,
    author: str,
    now: datetime,
) -> bool:
    """State how missed deductions may be recovered from checks of a day on; false if that was said before.

    A blank state is every state without a policy of its own.

    Errors: PolicyRefused.
    """
    _refuse(state, cap_cents, cap_thousandths, periods, source)
    terms = {
        "cap_cents": cap_cents,
        "cap_thousandths": cap_thousandths,
        "periods": periods,
        "needs_consent": needs_consent,
        "is_forbidden": is_forbidden,
        "source": source,
        "is_withdrawn": is_withdrawn,
    }
    key = {"client_id": client_id, "state": state, "valid_from": valid_from}
    made = RecoveryPolicy.objects.using(connection.alias).filter(**key)
    last = made.order_by("-version").first()
    if last is not None and all(getattr(last, name) == terms[name] for name in TERMS):
        return False
    if last is None and is_withdrawn:
        raise PolicyRefused(f"expected a policy from {valid_from} to withdraw, found none; correct the day")
    version = 1 if last is None else last.version + 1
    made.create(**key, **terms, version=version, author=author, made_at=now)
    return True


def _refuse(
    state: str, cap_cents: int | None, cap_thousandths: int | None, periods: int | None, source: str
) -> None:
    """Refuse terms that cannot be."""
    wrong = {
        "a state of two capital letters, or none": bool(state)
        and not (len(state) == 2 and state.isalpha() and state.isupper()),
        "a cap of dollars from 0": cap_cents is not None and cap_cents < 0,
        "a cap of a percentage from 0 to 100": cap_thousandths is not None
        and not 0 <= cap_thousandths <= 100_000,
        "a number of pays from 1 to 366": periods is not None and not 1 <= periods <= 366,
        "the source of the policy": not source.strip(),
    }
    for expected, is_wrong in wrong.items():
        if is_wrong:
            raise PolicyRefused(f"recovery policy: expected {expected}, found something else; correct it")
