"""Named SQL of evidence of insurability: what waits for it, what was done about that."""

from datetime import date
from typing import Any

import polars as pl

from openbenefits.store.bulk import copy_out

NOT_CLOSED = """
c.superseded_by_run IS NULL AND c.requested_coverage_cents > c.coverage_cents
AND NOT EXISTS (
    SELECT FROM enrollment_coverage AS n
    WHERE (n.client_id, n.person_id, n.benefit_record, n.plan_type, n.slot)
        = (c.client_id, c.person_id, c.benefit_record, c.plan_type, c.slot)
      AND n.superseded_by_run IS NULL AND n.begins_on > c.begins_on
)
AND NOT EXISTS (
    SELECT FROM enrollment_evidenceact AS a
    WHERE (a.client_id, a.person_id, a.benefit_record, a.plan_type, a.slot)
        = (c.client_id, c.person_id, c.benefit_record, c.plan_type, c.slot)
      AND (a.schedule_id, a.event_number) IS NOT DISTINCT FROM (c.schedule_id, c.event_number)
      AND a.asked_cents = c.requested_coverage_cents
      AND a.kind IN ('approved', 'partial', 'declined', 'expired')
      AND NOT EXISTS (
          SELECT FROM enrollment_evidenceact AS u
          WHERE (u.client_id, u.person_id, u.benefit_record, u.plan_type, u.slot)
              = (a.client_id, a.person_id, a.benefit_record, a.plan_type, a.slot) AND u.undoes = a.number
      )
)
"""
"""Coverage `c` that waits: the last point asks for more than it covers, and nobody has decided about that."""

PENDING_QUERY = f"""
SELECT c.client_id, c.person_id, p.employee_number, c.benefit_record, c.plan_type, c.slot, c.schedule_id,
       c.event_number, c.begins_on, c.requested_coverage_cents AS asked_cents,
       c.coverage_cents AS in_force_cents, (c.made_at AT TIME ZONE 'UTC')::date AS since,
       r.reminded_on, coalesce(r.reminders, 0)::integer AS reminders
FROM enrollment_coverage AS c
JOIN workforce_person AS p ON p.client_id = c.client_id AND p.id = c.person_id
LEFT JOIN LATERAL (
    SELECT max(a.acted_on) AS reminded_on, count(*) AS reminders FROM enrollment_evidenceact AS a
    WHERE (a.client_id, a.person_id, a.benefit_record, a.plan_type, a.slot)
        = (c.client_id, c.person_id, c.benefit_record, c.plan_type, c.slot)
      AND a.kind = 'reminded' AND a.asked_cents = c.requested_coverage_cents
) AS r ON true
WHERE c.client_id = %(client)s AND {NOT_CLOSED}
"""
PENDING: dict[str, Any] = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "employee_number": pl.String,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "slot": pl.Int16,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    "begins_on": pl.Date,
    "asked_cents": pl.Int64,
    "in_force_cents": pl.Int64,
    "since": pl.Date,
    "reminded_on": pl.Date,
    "reminders": pl.Int32,
}

ACTS_QUERY = """
SELECT a.client_id, a.person_id, p.employee_number, a.benefit_record, a.plan_type, a.slot, a.number,
       a.schedule_id, a.event_number, a.kind, a.asked_cents, a.approved_cents, a.acted_on, a.undoes,
       a.change_id, a.reason, a.author, a.acted_at,
       EXISTS (
           SELECT FROM enrollment_evidenceact AS u
           WHERE (u.client_id, u.person_id, u.benefit_record, u.plan_type, u.slot)
               = (a.client_id, a.person_id, a.benefit_record, a.plan_type, a.slot) AND u.undoes = a.number
       ) AS is_undone
FROM enrollment_evidenceact AS a
JOIN workforce_person AS p ON p.client_id = a.client_id AND p.id = a.person_id
WHERE a.client_id = %(client)s AND a.acted_on >= %(since)s
ORDER BY a.acted_at DESC, a.person_id, a.number
"""
ACTS: dict[str, Any] = {
    **{name: PENDING[name] for name in list(PENDING)[:6]},
    "number": pl.Int32,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    "kind": pl.String,
    "asked_cents": pl.Int64,
    "approved_cents": pl.Int64,
    "acted_on": pl.Date,
    "undoes": pl.Int32,
    "change_id": pl.Int64,
    "reason": pl.String,
    "author": pl.String,
    "acted_at": pl.Datetime("us", "UTC"),
    "is_undone": pl.Boolean,
}


def load_pending(connection: Any, client_id: int) -> pl.DataFrame:
    """Load the coverage that waits for evidence, as PENDING, longest first."""
    rows = copy_out(connection, PENDING_QUERY, PENDING, {"client": client_id})
    return rows.sort("since", "employee_number", "plan_type")


def load_acts(connection: Any, client_id: int, since: date = date(1900, 1, 1)) -> pl.DataFrame:
    """Load what was done about evidence from a day on, as ACTS, the last first."""
    return copy_out(connection, ACTS_QUERY, ACTS, {"client": client_id, "since": since})
