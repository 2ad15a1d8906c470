"""Who corrects deductions, held to account: what keeps files from being sent to payroll (rulings §5.4)."""

from datetime import date
from typing import Any

import polars as pl

from openbenefits.core.codes import RetroOwner
from openbenefits.payroll.frames import load_employee_numbers
from openbenefits.payroll.ledger import Asked, books, terms_of
from openbenefits.payroll.rules.ledger import PLACE, SERIES
from openbenefits.payroll.rules.retro import MISMATCH, adjusted_unasked, not_corrected
from openbenefits.store.bulk import copy_out

REPORTS = """
SELECT DISTINCT ON (r.pay_group_id, r.ends_on) r.pay_group_id, r.ends_on, c.made_at AS reported_at
FROM payroll_payreport AS r JOIN workforce_changeset AS c ON c.id = r.change_id
WHERE r.client_id = %(client)s
  AND NOT EXISTS (SELECT FROM workforce_changeset AS u WHERE u.undoes_id = r.change_id)
ORDER BY r.pay_group_id, r.ends_on, c.made_at
"""
KNOWN = """
SELECT person_id, max(moment) AS known_at FROM (
  SELECT person_id, greatest(made_at, superseded_at) AS moment
  FROM enrollment_coverage WHERE client_id = %(client)s
  UNION ALL SELECT person_id, known_since FROM workforce_jobfact WHERE client_id = %(client)s
) AS moments GROUP BY person_id
"""
MOMENT = pl.Datetime("us", "UTC")


class SendStopped(ValueError):
    """A file for payroll that is not written: the message says what was expected, what found, what to do."""


def mismatches(connection: Any, client_id: int, through: date) -> pl.DataFrame:
    """List what payroll should have corrected, or corrected though it should not, by its terms of that day.

    Shapes: as `rules.retro.MISMATCH`, with employee_number.
    """
    found = books(connection, Asked(client_id=client_id, through=through))
    terms = terms_of(connection, client_id).filter(pl.col("valid_from") <= through).sort("valid_from")
    owner = terms["retro_owner"][-1] if terms.height else str(RetroOwner.OURS)
    if owner == str(RetroOwner.OURS):
        rows = adjusted_unasked(found.pays)
    else:
        asked = {"client": client_id}
        reports = copy_out(
            connection, REPORTS, {"pay_group_id": pl.Int64, "ends_on": pl.Date, "reported_at": MOMENT}, asked
        )
        known = copy_out(connection, KNOWN, {"person_id": pl.Int64, "known_at": MOMENT}, asked)
        rows = not_corrected(found.pays, found.balances, reports, known)
    numbers = load_employee_numbers(connection, client_id)
    return rows.join(numbers, on="person_id", how="left").sort("employee_number", *SERIES, *PLACE)


def refuse_mismatches(connection: Any, client_id: int, through: date, despite: str) -> None:
    """Keep a file from being written while there are mismatches and nobody says why it may be sent.

    Errors: SendStopped.
    """
    rows = mismatches(connection, client_id, through)
    if rows.is_empty() or despite.strip():
        return
    first = rows.row(0, named=True)
    raise SendStopped(
        f"expected deductions that agree with who corrects them, found {rows.height} that do not (the first:"
        f" {first['employee_number']}, plan type {first['plan_type']}, {first['mismatch']}). List them with"
        " `payroll mismatches`; settle them with payroll, or state why the file may be written all the same"
    )


__all__ = ["MISMATCH", "SendStopped", "mismatches", "refuse_mismatches"]
