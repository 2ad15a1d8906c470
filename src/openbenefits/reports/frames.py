"""What reports and statements read: events and what hangs on them, set-up names, people.

An *event frame* has one row per event with its position in `case`; everything that hangs on events is loaded
by that frame and answers `case` again, so that no further key is needed.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.events.rules import FLAG_DAYS
from openbenefits.store.bulk import copy_out
from openbenefits.store.keys import array_of
from openbenefits.workforce import frames as workforce

EVENT_KEY = {
    "client_id": pl.Int32(),
    "person_id": pl.Int64(),
    "benefit_record": pl.Int16(),
    "schedule_id": pl.Int32(),
    "event_number": pl.Int32(),
}
EVENT = {
    "event_class_id": pl.Int32(),
    "event_on": pl.Date(),
    "priority": pl.Int16(),
    "event_status": pl.String(),
    "process_status": pl.String(),
    "status_on": pl.Date(),
    "process_indicator": pl.String(),
    "finalize_requested": pl.Boolean(),
    "program_id": pl.Int32(),
    "preparation": pl.Int32(),
    "window_begins_on": pl.Date(),
    "window_ends_on": pl.Date(),
    "option_notified_on": pl.Date(),
    "confirm_notified_on": pl.Date(),
    "own_forms": pl.String(),
    "elected_on": pl.Date(),
    "is_multi_activity": pl.Boolean(),
    "is_out_of_sequence": pl.Boolean(),
    "is_eligibility_changed": pl.Boolean(),
    **dict.fromkeys(FLAG_DAYS, pl.Date()),
    "steps": pl.Int32(),
}
PLAN = {
    "plan_type": pl.String(),
    "coverage_begins_on": pl.Date(),
    "deduction_begins_on": pl.Date(),
    "coverage_ends_on": pl.Date(),
    "current_option_id": pl.Int32(),
    "default_option_id": pl.Int32(),
    "default_reason": pl.String(),
    "is_choice": pl.Boolean(),
    "is_lost": pl.Boolean(),
    "is_election_required": pl.Boolean(),
    "is_ignored": pl.Boolean(),
}
OPTION = {
    "plan_type": pl.String(),
    "option_id": pl.Int32(),
    "is_electable": pl.Boolean(),
    "is_current": pl.Boolean(),
    "is_default": pl.Boolean(),
    "is_proof_required": pl.Boolean(),
    "coverage_cents": pl.Int64(),
    "annual_before_tax_cents": pl.Int64(),
    "annual_after_tax_cents": pl.Int64(),
    "annual_employer_cents": pl.Int64(),
    "annual_credit_cents": pl.Int64(),
    "pay_before_tax_cents": pl.Int64(),
    "pay_after_tax_cents": pl.Int64(),
    "pay_credit_cents": pl.Int64(),
}
COVERAGE_PLACE = {"plan_type": pl.String(), "slot": pl.Int16(), "begins_on": pl.Date(), "version": pl.Int32()}
COVERAGE = {
    **COVERAGE_PLACE,
    "kind": pl.String(),
    "option_id": pl.Int32(),
    "coverage_cents": pl.Int64(),
    "requested_coverage_cents": pl.Int64(),
    "pledge_cents": pl.Int64(),
    "percent_thousandths": pl.Int32(),
    "after_tax_thousandths": pl.Int32(),
    "hours_hundredths": pl.Int32(),
    "deduction_begins_on": pl.Date(),
    "schedule_id": pl.Int32(),
    "event_number": pl.Int32(),
}
ELECTION = {
    "plan_type": pl.String(),
    "slot": pl.Int16(),
    "submission": pl.Int32(),
    "option_code": pl.String(),
}
MESSAGE = {
    "run_id": pl.Int64(),
    "number": pl.Int32(),
    "code": pl.String(),
    "severity": pl.String(),
    "plan_type": pl.String(),
    "option_id": pl.Int32(),
    "dependent_id": pl.Int64(),
    "expected": pl.String(),
    "found": pl.String(),
}

_EVENT_COLUMNS = """
e.client_id, e.person_id, e.benefit_record, e.schedule_id, e.event_number, e.event_class_id, e.event_on,
e.priority, e.event_status, e.process_status, (e.status_at AT TIME ZONE 'UTC')::date AS status_on,
e.process_indicator, e.finalize_requested, e.program_id, e.preparation, e.window_begins_on,
e.window_ends_on, e.option_notified_on, e.confirm_notified_on, e.forms AS own_forms, e.elected_on,
e.is_multi_activity,
e.is_out_of_sequence, e.is_eligibility_changed,
""" + ", ".join(f"e.{name}" for name in (*FLAG_DAYS, "steps"))

EVENTS_QUERY = f"""
SELECT {_EVENT_COLUMNS}
FROM events_event AS e
WHERE (%(schedules)s::int[] IS NULL OR e.schedule_id = ANY (%(schedules)s::int[]))
  AND (%(statuses)s::text[] IS NULL OR e.process_status = ANY (%(statuses)s::text[]))
  AND (%(event_statuses)s::text[] IS NULL OR e.event_status = ANY (%(event_statuses)s::text[]))
  AND (%(clients)s::int[] IS NULL OR e.client_id = ANY (%(clients)s::int[]))
  AND (%(persons)s::bigint[] IS NULL OR e.person_id = ANY (%(persons)s::bigint[]))
ORDER BY e.client_id, e.person_id, e.benefit_record, e.event_on, e.priority, e.schedule_id, e.event_number
"""

KEYS = """
FROM unnest(%(cases)s::int[], %(clients)s::int[], %(persons)s::bigint[], %(records)s::smallint[],
            %(schedules)s::int[], %(numbers)s::int[], %(preparations)s::int[])
     AS k ("case", client_id, person_id, benefit_record, schedule_id, event_number, preparation)
"""
EVENTS_AGAIN_QUERY = f"""
SELECT {_EVENT_COLUMNS} {KEYS}
JOIN events_event AS e USING (client_id, person_id, benefit_record, schedule_id, event_number)
ORDER BY k."case"
"""
OF_EVENT = "USING (client_id, person_id, benefit_record, schedule_id, event_number)"
OF_RECORD = "USING (client_id, person_id, benefit_record)"
_LATEST_ELECTION = f"""
SELECT DISTINCT ON (k."case", r.plan_type, r.slot)
       k.*, r.plan_type, r.slot, r.submission, r.option_code, r.is_withdrawn
{KEYS} JOIN enrollment_election AS r {OF_EVENT}
ORDER BY k."case", r.plan_type, r.slot, r.submission DESC
"""

PLANS_QUERY = f"""
SELECT k."case", {{columns}} {KEYS}
JOIN enrollment_eventplan AS r
USING (client_id, person_id, benefit_record, schedule_id, event_number, preparation)
"""
OPTIONS_QUERY = f"""
SELECT k."case", {{columns}} {KEYS}
JOIN enrollment_eventoption AS r
USING (client_id, person_id, benefit_record, schedule_id, event_number, preparation)
"""
MENU_OPTIONS_QUERY = """
SELECT client_id, menu_id, option_id FROM enrollment_menuoption WHERE client_id = ANY (%(clients)s::int[])
"""
MENU_OPTIONS = {"client_id": pl.Int32(), "menu_id": pl.Int64(), "option_id": pl.Int32()}
OPTIONS_COUNTED_QUERY = f"""
SELECT k."case", sum(m.options) AS options {KEYS}
JOIN enrollment_eventplan AS r
USING (client_id, person_id, benefit_record, schedule_id, event_number, preparation)
JOIN (SELECT client_id, menu_id, count(*) AS options FROM enrollment_menuoption
      WHERE client_id = ANY (%(clients)s::int[]) GROUP BY 1, 2) AS m
  ON m.client_id = r.client_id AND m.menu_id = r.menu_id
GROUP BY 1
"""
COVERAGE_QUERY = f"""
SELECT k."case", {{columns}} {KEYS} JOIN enrollment_coverage AS r {OF_RECORD}
WHERE r.superseded_by_run IS NULL
"""
COVERAGE_KNOWN_QUERY = f"""
SELECT k."case", {{columns}} {KEYS} JOIN enrollment_coverage AS r {OF_RECORD}
WHERE r.made_at <= %(known_at)s AND (r.superseded_at IS NULL OR r.superseded_at > %(known_at)s)
"""
COVERED_QUERY = f"""
SELECT k."case", {{columns}} {KEYS} JOIN enrollment_coveragedependent AS r {OF_RECORD}
"""
FUNDS_QUERY = f"""
SELECT k."case", {{columns}} {KEYS} JOIN enrollment_coveragefund AS r {OF_RECORD}
"""
BENEFICIARIES_QUERY = f"""
SELECT k."case", {{columns}} {KEYS} JOIN enrollment_coveragebeneficiary AS r {OF_RECORD}
"""
MESSAGES_QUERY = f"""
SELECT k."case", {{columns}} {KEYS} JOIN events_message AS r {OF_EVENT} WHERE r.is_current
"""
ELECTIONS_QUERY = f"""
SELECT k."case", k.plan_type, k.slot, k.submission, k.option_code FROM ({_LATEST_ELECTION}) AS k
WHERE NOT k.is_withdrawn
"""
ELECTED_DEPENDENTS_QUERY = f"""
SELECT k."case", k.plan_type, k.slot, r.dependent_id FROM ({_LATEST_ELECTION}) AS k
JOIN enrollment_electiondependent AS r
USING (client_id, person_id, benefit_record, schedule_id, event_number, plan_type, slot, submission)
WHERE NOT k.is_withdrawn
"""
NUMBERS_QUERY = f"""
SELECT k."case", r.employee_number, c.code AS client, c.name AS client_name {KEYS}
JOIN workforce_person AS r ON r.client_id = k.client_id AND r.id = k.person_id
JOIN workforce_client AS c ON c.id = k.client_id
"""
LATER_EVENTS_QUERY = f"""
SELECT k."case", r.event_class_id, r.event_on, r.priority, r.event_number, r.schedule_id {KEYS}
JOIN events_event AS r ON r.client_id = k.client_id AND r.person_id = k.person_id
 AND r.benefit_record = k.benefit_record AND r.process_status IS NULL AND r.event_status = 'C'
"""

STANDING_QUERY = """
SELECT schedule_id, coalesce(process_status, '') AS process_status, count(*) AS standing,
       count(*) FILTER (WHERE event_status = 'O') AS open,
       count(*) FILTER (WHERE event_status = 'C') AS closed,
       count(*) FILTER (WHERE event_status = 'V') AS void,
       count(*) FILTER (WHERE event_status = 'D') AS disconnected,
       count(*) FILTER (WHERE is_out_of_sequence) AS out_of_sequence,
       count(*) FILTER (WHERE is_eligibility_changed) AS eligibility_changed
FROM events_event
WHERE %(schedules)s::int[] IS NULL OR schedule_id = ANY (%(schedules)s::int[])
GROUP BY 1, 2
"""
PASSED_QUERY = """
SELECT schedule_id, process_status, count(*) AS passed
FROM (
    SELECT DISTINCT client_id, person_id, benefit_record, schedule_id, event_number,
           to_status AS process_status
    FROM events_eventstep
    WHERE run_id = %(run)s AND to_status IS NOT NULL
      AND (%(schedules)s::int[] IS NULL OR schedule_id = ANY (%(schedules)s::int[]))
) AS passed
GROUP BY 1, 2
"""

_COUNT = pl.Int64()
STANDING = {"schedule_id": pl.Int32(), "process_status": pl.String()} | dict.fromkeys(
    (
        *("standing", "open", "closed", "void", "disconnected"),
        *("out_of_sequence", "eligibility_changed"),
    ),
    _COUNT,
)
PASSED = {"schedule_id": pl.Int32(), "process_status": pl.String(), "passed": _COUNT}


CLIENTS_QUERY = "SELECT id AS client_id, code AS client FROM workforce_client ORDER BY code"


def load_clients(connection: Any) -> pl.DataFrame:
    """Load the clients: client_id and code."""
    return copy_out(connection, CLIENTS_QUERY, {"client_id": pl.Int32, "client": pl.String})


def load_events(
    connection: Any,
    *,
    schedule_ids: Sequence[int] | None = None,
    statuses: Sequence[str] | None = None,
    event_statuses: Sequence[str] | None = None,
    client_ids: Sequence[int] | None = None,
    person_ids: Sequence[int] | None = None,
) -> pl.DataFrame:
    """Load events, in order of participant and date; None asks for all."""
    asked = {"schedules": schedule_ids, "statuses": statuses, "event_statuses": event_statuses}
    asked |= {"clients": client_ids, "persons": person_ids}
    params = {name: None if values is None else list(values) for name, values in asked.items()}
    return with_case(copy_out(connection, EVENTS_QUERY, EVENT_KEY | EVENT, params))


def load_again(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Load events anew, in the order given."""
    return with_case(copy_out(connection, EVENTS_AGAIN_QUERY, EVENT_KEY | EVENT, _keys(events)))


def with_case(events: pl.DataFrame) -> pl.DataFrame:
    """Number the rows anew."""
    return (
        events.drop("case", strict=False).with_row_index("case").with_columns(pl.col("case").cast(pl.Int32))
    )


def load_plans(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Load the plan types of the present preparation of each event."""
    return of_events(connection, PLANS_QUERY, PLAN, events)


def load_options(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Load the eligible options of the present preparation of each event."""
    return of_events(connection, OPTIONS_QUERY, OPTION, events)


def count_options(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Count the rows of `load_options` of each event that has any: case, options."""
    schema = {"case": pl.Int32(), "options": pl.Int64()}
    return copy_out(connection, OPTIONS_COUNTED_QUERY, schema, _keys(events))


def load_menus(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Load which menu each plan type of the present preparation offers: case, menu_id (null: nothing)."""
    return of_events(connection, PLANS_QUERY, {"menu_id": pl.Int64()}, events)


def load_menu_options(connection: Any, client_ids: Sequence[int]) -> pl.DataFrame:
    """Load the options of every menu of some clients, as MENU_OPTIONS."""
    return copy_out(connection, MENU_OPTIONS_QUERY, MENU_OPTIONS, {"clients": list(client_ids)})


def load_coverage(connection: Any, events: pl.DataFrame, *, known_at: datetime | None = None) -> pl.DataFrame:
    """Load the whole timeline of each event's benefit record, as it holds, or held as then known."""
    query = COVERAGE_QUERY if known_at is None else COVERAGE_KNOWN_QUERY
    return of_events(connection, query, COVERAGE, events, known_at)


def load_covered(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Load the dependents of the timeline, superseded change points too: join on COVERAGE_PLACE."""
    return of_events(connection, COVERED_QUERY, COVERAGE_PLACE | {"dependent_id": pl.Int64()}, events)


def load_funds(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Load the fund allocations of the timeline: join on COVERAGE_PLACE."""
    return of_events(
        connection, FUNDS_QUERY, COVERAGE_PLACE | {"fund": pl.String(), "percent": pl.Int16()}, events
    )


def load_beneficiaries(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Load who is to receive, of the timeline: join on COVERAGE_PLACE."""
    share = {"dependent_id": pl.Int64(), "is_contingent": pl.Boolean(), "percent_hundredths": pl.Int32()}
    return of_events(connection, BENEFICIARIES_QUERY, COVERAGE_PLACE | share, events)


def load_messages(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Load the messages that stand."""
    return of_events(connection, MESSAGES_QUERY, MESSAGE, events)


def load_elections(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Load the last submission per plan type and slot; one withdrawn leaves no election."""
    return of_events(connection, ELECTIONS_QUERY, ELECTION, events)


def load_elected_dependents(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Load the dependents named in the elections that hold."""
    columns = {"plan_type": pl.String(), "slot": pl.Int16(), "dependent_id": pl.Int64()}
    return of_events(connection, ELECTED_DEPENDENTS_QUERY, columns, events)


def load_later_events(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Load the events of the same benefit records not processed yet; `listings.waiting` picks the later."""
    later = {name: EVENT[name] for name in ("event_class_id", "event_on", "priority")}
    numbers = {"event_number": pl.Int32(), "schedule_id": pl.Int32()}
    return of_events(connection, LATER_EVENTS_QUERY, later | numbers, events)


def load_people(connection: Any, events: pl.DataFrame, *, known_at: datetime | None = None) -> pl.DataFrame:
    """Load who each event is about, as of its date: number, names, home address, client."""
    numbers = {name: pl.String() for name in ("employee_number", "client", "client_name")}
    known = of_events(connection, NUMBERS_QUERY, numbers, events)
    names = workforce.names_as_of(connection, _cases(events), known_at=known_at)
    return names.join(known, on="case", how="left", maintain_order="left")


def load_jobs(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Load the facts of each event's date that reports list: the columns of `workforce.frames.CaseFacts`."""
    keys = ("client_id", "person_id", "benefit_record", "as_of")
    return workforce.as_of(connection, _cases(events)).drop(keys)


def load_dependents(
    connection: Any, events: pl.DataFrame, *, known_at: datetime | None = None
) -> pl.DataFrame:
    """Load the dependents of each event's date: CaseDependents and their names."""
    cases = _cases(events)
    names = workforce.dependent_names_as_of(connection, cases, known_at=known_at).select(
        "case", "dependent_id", "first_name", "last_name"
    )
    rows = workforce.dependents_as_of(connection, cases, known_at=known_at)
    return rows.join(names, on=["case", "dependent_id"], how="left", maintain_order="left")


def load_standing(connection: Any, schedule_ids: Sequence[int] | None) -> pl.DataFrame:
    """Count the events of each schedule by process status ('' = none yet), event status and flag."""
    return copy_out(connection, STANDING_QUERY, STANDING, {"schedules": _listed(schedule_ids)})


def load_passed(connection: Any, schedule_ids: Sequence[int] | None, run_id: int) -> pl.DataFrame:
    """Count the events that came to each process status in a run."""
    return copy_out(connection, PASSED_QUERY, PASSED, {"schedules": _listed(schedule_ids), "run": run_id})


def of_events(
    connection: Any,
    query: str,
    columns: dict[str, Any],
    events: pl.DataFrame,
    known_at: datetime | None = None,
) -> pl.DataFrame:
    names = ", ".join(f"r.{name}" for name in columns)
    asked = {**_keys(events), "known_at": known_at}
    return copy_out(connection, query.replace("{columns}", names), {"case": pl.Int32(), **columns}, asked)


def _cases(events: pl.DataFrame) -> pl.DataFrame:
    return events.select("case", "client_id", "person_id", "benefit_record", as_of="event_on")


def _keys(events: pl.DataFrame) -> dict[str, str]:
    columns = {
        "cases": "case",
        "clients": "client_id",
        "persons": "person_id",
        "records": "benefit_record",
        "schedules": "schedule_id",
        "numbers": "event_number",
        "preparations": "preparation",
    }
    return {param: array_of(events[column]) for param, column in columns.items()}


def _listed(values: Sequence[int] | None) -> list[int] | None:
    return None if values is None else list(values)
