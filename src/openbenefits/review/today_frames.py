"""The named SQL of what needs a person today: counts by client, never the people themselves."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from openbenefits.core.codes import FINAL_STATUSES
from openbenefits.enrollment.evidence_frames import NOT_CLOSED
from openbenefits.store.bulk import copy_out

_FINAL = ", ".join(f"'{status}'" for status in FINAL_STATUSES)
_MINE = "(%(clients)s::int[] IS NULL OR client_id = ANY (%(clients)s::int[]))"
IS_OPEN = "event_status = 'O'"
IS_FINAL = f"(event_status = 'C' AND process_status IN ({_FINAL}))"
IS_FLAGGED = "((is_out_of_sequence OR is_eligibility_changed OR event_status = 'D') AND event_status <> 'V')"
IS_UNANSWERED = "(event_status = 'O' AND process_status IN ('PR', 'NT', 'RE'))"
IS_ASKED = "(event_status = 'O' AND process_status IN ('PR', 'NT', 'EE', 'RE'))"

STANDING_QUERY = f"""
SELECT client_id, schedule_id, coalesce(process_status, '') AS process_status,
       CASE WHEN {IS_ASKED} AND window_ends_on <= %(through)s THEN window_ends_on END AS ends_on,
       count(*) AS events,
       count(*) FILTER (WHERE {IS_OPEN}) AS open,
       count(*) FILTER (WHERE {IS_FINAL} OR event_status = 'V') AS final_or_void,
       count(*) FILTER (WHERE {IS_UNANSWERED}) AS unanswered,
       count(*) FILTER (WHERE {IS_FLAGGED}) AS flagged
FROM events_event WHERE {_MINE} GROUP BY 1, 2, 3, 4
"""
STANDING = {
    "client_id": pl.Int32(),
    "schedule_id": pl.Int32(),
    "process_status": pl.String(),
    "ends_on": pl.Date(),
    **dict.fromkeys(("events", "open", "final_or_void", "unanswered", "flagged"), pl.Int64()),
}

ERRORS_QUERY = f"""
SELECT m.client_id, m.code, count(DISTINCT m.person_id) AS people
FROM events_message AS m
JOIN events_event AS e USING (client_id, person_id, benefit_record, schedule_id, event_number)
WHERE {_MINE.replace("client_id =", "m.client_id =")} AND m.is_current AND m.severity = 'E'
  AND e.event_status IN ('O', 'C') AND NOT {IS_FINAL}
GROUP BY 1, 2
"""
ERRORS = {"client_id": pl.Int32(), "code": pl.String(), "people": pl.Int64()}

UNPROVED_QUERY = f"""
SELECT c.client_id, count(DISTINCT c.person_id) AS unproved FROM enrollment_coverage AS c
WHERE {_MINE.replace("client_id =", "c.client_id =")} AND {NOT_CLOSED} GROUP BY 1
"""
UNPROVED = {"client_id": pl.Int32(), "unproved": pl.Int64()}

WAITING_QUERY = f"""
SELECT client_id, count(*) AS activity FROM events_activity
WHERE {_MINE} AND event_number IS NULL GROUP BY 1
"""
WAITING = {"client_id": pl.Int32(), "activity": pl.Int64()}

RUNS_QUERY = f"""
SELECT bundle_client AS client_id, count(*) FILTER (WHERE state = 'held') AS held_runs,
       count(*) FILTER (WHERE state = 'running') AS open_runs
FROM runs_run WHERE {_MINE.replace("client_id", "bundle_client")} AND state IN ('held', 'running')
GROUP BY 1
"""
RUNS = {"client_id": pl.Int32(), "held_runs": pl.Int64(), "open_runs": pl.Int64()}

BALANCES_QUERY = f"""
SELECT client_id, people AS balances, as_of AS balances_on FROM payroll_balancelook WHERE {_MINE}
"""
BALANCES = {"client_id": pl.Int32(), "balances": pl.Int64(), "balances_on": pl.Date()}


def load_standing(connection: Any, client_ids: Sequence[int] | None, *, through: date) -> pl.DataFrame:
    """Count the events of each client, schedule and status, and by the day their window ends up to a day."""
    return copy_out(connection, STANDING_QUERY, STANDING, _asked(client_ids) | {"through": through})


def load_errors(connection: Any, client_ids: Sequence[int] | None) -> pl.DataFrame:
    """Count the people of each client whom an error of a code holds."""
    return copy_out(connection, ERRORS_QUERY, ERRORS, _asked(client_ids))


def load_unproved(connection: Any, client_ids: Sequence[int] | None) -> pl.DataFrame:
    """Count the people of each client whose coverage waits for evidence of insurability (BA1321)."""
    return copy_out(connection, UNPROVED_QUERY, UNPROVED, _asked(client_ids))


def load_waiting(connection: Any, client_ids: Sequence[int] | None) -> pl.DataFrame:
    """Count the activity of each client that has not become an event."""
    return copy_out(connection, WAITING_QUERY, WAITING, _asked(client_ids))


def load_runs(connection: Any, client_ids: Sequence[int] | None) -> pl.DataFrame:
    """Count the runs of each client that a limit holds, and those that have not ended."""
    return copy_out(connection, RUNS_QUERY, RUNS, _asked(client_ids))


def load_balances(connection: Any, client_ids: Sequence[int] | None) -> pl.DataFrame:
    """Count the people of each client of whom a balance was left at the last look, and say its day."""
    return copy_out(connection, BALANCES_QUERY, BALANCES, _asked(client_ids))


def _asked(client_ids: Sequence[int] | None) -> dict[str, Any]:
    return {"clients": None if client_ids is None else list(client_ids)}


# --- one schedule -------------------------------------------------------------------------------------------

PLACE = "client_id = %(client)s AND schedule_id = %(schedule)s"
STEPS_QUERY = f"""
SELECT count(*) AS events,
       count(*) FILTER (WHERE event_status = 'V') AS void,
       count(*) FILTER (WHERE event_status IN ('O', 'C') AND process_status IS NULL) AS not_processed,
       count(*) FILTER (WHERE {IS_OPEN} AND process_status = 'AS') AS assigned,
       count(*) FILTER (WHERE {IS_OPEN} AND process_status IN ('AN', 'AE', 'PE')) AS faulty,
       count(*) FILTER (WHERE {IS_OPEN} AND process_status IN ('PR', 'ET', 'EE')
                        AND option_notified_on IS NULL AND process_indicator = 'N') AS not_told,
       count(*) FILTER (WHERE option_notified_on IS NOT NULL) AS told,
       count(*) FILTER (WHERE {IS_UNANSWERED}) AS unanswered,
       count(*) FILTER (WHERE {IS_UNANSWERED} AND window_ends_on < %(on)s) AS too_late,
       count(*) FILTER (WHERE {IS_OPEN} AND process_status = 'ET') AS entered,
       count(*) FILTER (WHERE {IS_OPEN} AND process_status = 'EE') AS wrong,
       count(*) FILTER (WHERE {IS_OPEN} AND process_status IN ('PR', 'NT', 'ET', 'EE', 'RE')) AS unfinished,
       count(*) FILTER (WHERE {IS_FINAL}) AS final,
       count(*) FILTER (WHERE {IS_FINAL} AND process_status = 'FE') AS enrolled,
       count(*) FILTER (WHERE process_status = 'FE' AND event_status IN ('O', 'C')
                        AND confirm_notified_on IS NULL AND process_indicator = 'N') AS not_confirmed,
       count(*) FILTER (WHERE confirm_notified_on IS NOT NULL) AS confirmed,
       max(window_ends_on) FILTER (WHERE {IS_OPEN}) AS window_ends_on
FROM events_event WHERE {PLACE}
"""
COUNTED = (
    *("events", "void", "not_processed", "assigned", "faulty", "not_told", "told", "unanswered", "too_late"),
    *("entered", "wrong", "unfinished", "final", "enrolled", "not_confirmed", "confirmed"),
)
STEPS = dict.fromkeys(COUNTED, pl.Int64()) | {"window_ends_on": pl.Date()}

DEFAULTS_QUERY = """
SELECT e.person_id, e.benefit_record, e.event_number, e.process_status, e.window_ends_on, p.plan_type,
       p.default_option_id AS option_id, p.default_reason, p.is_choice,
       o.pay_before_tax_cents, o.pay_after_tax_cents, o.annual_before_tax_cents, o.annual_after_tax_cents,
       o.annual_employer_cents
FROM events_event AS e
JOIN enrollment_eventplan AS p
  USING (client_id, person_id, benefit_record, schedule_id, event_number, preparation)
LEFT JOIN enrollment_menuoption AS o
  ON o.client_id = p.client_id AND o.menu_id = p.menu_id AND o.option_id = p.default_option_id
WHERE e.client_id = %(client)s AND e.schedule_id = %(schedule)s AND e.event_status = 'O'
  AND e.process_status IN ('PR', 'NT', 'ET', 'EE', 'RE') AND NOT p.is_ignored
  AND NOT EXISTS (
      SELECT FROM enrollment_election AS x
      WHERE (x.client_id, x.person_id, x.benefit_record, x.schedule_id, x.event_number, x.plan_type)
          = (e.client_id, e.person_id, e.benefit_record, e.schedule_id, e.event_number, p.plan_type)
        AND NOT x.is_withdrawn AND x.submission = (
            SELECT max(y.submission) FROM enrollment_election AS y
            WHERE (y.client_id, y.person_id, y.benefit_record, y.schedule_id, y.event_number, y.plan_type,
                   y.slot)
                = (x.client_id, x.person_id, x.benefit_record, x.schedule_id, x.event_number, x.plan_type,
                   x.slot)
        )
  )
"""
_CENTS = (
    *("pay_before_tax_cents", "pay_after_tax_cents", "annual_before_tax_cents", "annual_after_tax_cents"),
    "annual_employer_cents",
)
DEFAULTS = {
    "person_id": pl.Int64(),
    "benefit_record": pl.Int16(),
    "event_number": pl.Int32(),
    "process_status": pl.String(),
    "window_ends_on": pl.Date(),
    "plan_type": pl.String(),
    "option_id": pl.Int32(),
    "default_reason": pl.String(),
    "is_choice": pl.Boolean(),
    **dict.fromkeys(_CENTS, pl.Int64()),
}


def load_steps(connection: Any, client_id: int, schedule_id: int, *, on: date) -> dict[str, Any]:
    """Count the events of a schedule by what they wait for: COUNTED, and the last day of their windows."""
    asked = {"client": client_id, "schedule": schedule_id, "on": on}
    return copy_out(connection, STEPS_QUERY, STEPS, asked).row(0, named=True)


def load_defaults(connection: Any, client_id: int, schedule_id: int) -> pl.DataFrame:
    """Load the plan types of a schedule's unfinished events that nobody has answered, with their defaults."""
    return copy_out(connection, DEFAULTS_QUERY, DEFAULTS, {"client": client_id, "schedule": schedule_id})
