"""The named SQL of payroll: who has coverage, and under which numbers payroll knows them."""

from collections.abc import Sequence
from typing import Any

import dataframely as dy
import polars as pl

from openbenefits.payroll.rules.credits import GIVEN
from openbenefits.store.bulk import copy_out
from openbenefits.store.keys import PEOPLE, people_arrays

COVERED_PEOPLE = """
SELECT DISTINCT client_id, person_id FROM enrollment_coverage
WHERE client_id = %(client)s AND superseded_by_run IS NULL
  AND (%(persons)s::bigint[] IS NULL OR person_id = ANY(%(persons)s::bigint[]))
"""

EMPLOYEE_NUMBERS = """
SELECT id AS person_id, employee_number FROM workforce_person WHERE client_id = %(client)s
"""


EVENT_DAYS = f"""
SELECT client_id, person_id, benefit_record, schedule_id, event_number, event_on
FROM events_event AS e JOIN {PEOPLE} AS k USING (client_id, person_id)
"""


GENERAL_OPTIONS = f"""
SELECT e.client_id, e.person_id, e.benefit_record, e.schedule_id, e.event_number,
       coalesce(p.coverage_begins_on, e.event_on) AS from_on, o.option_id
FROM events_event AS e JOIN {PEOPLE} AS k USING (client_id, person_id)
LEFT JOIN enrollment_eventplan AS p
  ON (p.client_id, p.person_id, p.benefit_record, p.schedule_id, p.event_number, p.preparation, p.plan_type)
   = (e.client_id, e.person_id, e.benefit_record, e.schedule_id, e.event_number, e.preparation, '01')
LEFT JOIN enrollment_eventoption AS o
  ON (o.client_id, o.person_id, o.benefit_record, o.schedule_id, o.event_number, o.preparation, o.plan_type)
   = (e.client_id, e.person_id, e.benefit_record, e.schedule_id, e.event_number, e.preparation, '01')
WHERE e.event_status IN ('O', 'C') AND e.process_status IN ('FE', 'FP') AND e.preparation > 0
"""


SERIES_COLUMNS = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "kind": pl.String,
    "tax_class": pl.String,
}
PLACE_COLUMNS = {"pay_group_id": pl.Int64, "ends_on": pl.Date}
_SERIES = "client_id, person_id, benefit_record, plan_type, kind, tax_class"

TAKEN_COLUMNS = (
    SERIES_COLUMNS
    | PLACE_COLUMNS
    | {
        "version": pl.Int32,
        "pay_number": pl.Int32,
        "taken_cents": pl.Int64,
        "change_id": pl.Int64,
        "is_deleted": pl.Boolean,
    }
)
TAKEN = f"""
SELECT {", ".join(TAKEN_COLUMNS)} FROM payroll_taken
WHERE client_id = %(client)s
  AND (%(persons)s::bigint[] IS NULL OR person_id = ANY(%(persons)s::bigint[]))
ORDER BY {_SERIES}, pay_group_id, ends_on, version
"""

REPORTED = """
SELECT DISTINCT r.pay_group_id, r.ends_on FROM payroll_payreport AS r
WHERE r.client_id = %(client)s
  AND NOT EXISTS (SELECT FROM workforce_changeset AS u WHERE u.undoes_id = r.change_id)
"""

NAMED = """
SELECT DISTINCT pay_group_id, ends_on FROM (
    SELECT DISTINCT ON (person_id, benefit_record, plan_type, kind, tax_class, pay_group_id, ends_on)
           pay_group_id, ends_on, is_deleted
    FROM payroll_taken WHERE client_id = %(client)s
    ORDER BY person_id, benefit_record, plan_type, kind, tax_class, pay_group_id, ends_on, version DESC
) AS latest WHERE NOT is_deleted
"""

SCHEDULED_COLUMNS = (
    SERIES_COLUMNS
    | {"order_number": pl.Int32}
    | PLACE_COLUMNS
    | {
        "version": pl.Int32,
        "pay_number": pl.Int32,
        "cents": pl.Int64,
        "taken_as": pl.String,
        "reason": pl.String,
        "consent": pl.String,
        "author": pl.String,
        "is_cancelled": pl.Boolean,
    }
)
SCHEDULED = f"""
SELECT {", ".join(SCHEDULED_COLUMNS)} FROM payroll_scheduled
WHERE client_id = %(client)s
  AND (%(persons)s::bigint[] IS NULL OR person_id = ANY(%(persons)s::bigint[]))
ORDER BY {_SERIES}, order_number, pay_group_id, ends_on, version
"""


RECEIVED_COLUMNS = (
    SERIES_COLUMNS | PLACE_COLUMNS | {"version": pl.Int32, "received_cents": pl.Int64, "received_on": pl.Date}
)
RECEIVED = f"""
SELECT {", ".join(RECEIVED_COLUMNS)} FROM payroll_received
WHERE client_id = %(client)s
  AND (%(persons)s::bigint[] IS NULL OR person_id = ANY(%(persons)s::bigint[]))
ORDER BY {_SERIES}, pay_group_id, ends_on, version
"""

LEAVE_ACT_COLUMNS = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "leave_from": pl.Date,
    "number": pl.Int32,
    "kind": pl.String,
    "way": pl.String,
    "through_on": pl.Date,
    "acted_on": pl.Date,
    "reason": pl.String,
}
LEAVE_ACTS = f"""
SELECT {", ".join(LEAVE_ACT_COLUMNS)} FROM payroll_leaveact
WHERE client_id = %(client)s
  AND (%(persons)s::bigint[] IS NULL OR person_id = ANY(%(persons)s::bigint[]))
"""

RESUMPTIONS = f"""
SELECT DISTINCT client_id, person_id FROM payroll_leaveact JOIN {PEOPLE} AS k USING (client_id, person_id)
WHERE kind = 'resume'
"""

PEOPLE_AWAY = """
SELECT DISTINCT client_id, person_id FROM workforce_jobfact
WHERE client_id = %(client)s AND job_status = 'L'
  AND (%(persons)s::bigint[] IS NULL OR person_id = ANY(%(persons)s::bigint[]))
"""


ONE_LINE = (
    *("client_id", "person_id", "benefit_record", "plan_type", "slot", "kind", "tax_class"),
    *("pay_group_id", "pay_number", "ends_on"),
)


class Owed(dy.Schema):
    """What is owed: one row per person, benefit record, plan type, slot, kind, tax class and pay."""

    client_id = dy.Int32()
    person_id = dy.Int64()
    benefit_record = dy.Int16()
    plan_type = dy.String()
    slot = dy.Int16()
    kind = dy.String()  # deduction, credit, sold (hours of leave)
    option_id = dy.Int32()
    pay_group_id = dy.Int64()
    pay_number = dy.Int32()
    begins_on = dy.Date()
    ends_on = dy.Date()
    check_on = dy.Date()
    tax_class = dy.String(nullable=True)  # core.codes.TaxClass; null: earnings
    deduction_code_id = dy.Int32(nullable=True)
    owed_cents = dy.Int64(nullable=True)  # null: unknown, see fault
    employer_cents = dy.Int64(nullable=True)
    coverage_cents = dy.Int64(nullable=True)  # what was priced
    cause = dy.String()  # why it differs from the pay before
    fault = dy.String(nullable=True)  # why there is no amount
    employee_number = dy.String()
    pay_group = dy.String()
    option = dy.String(nullable=True)
    deduction_code = dy.String(nullable=True)
    earnings_code = dy.String(nullable=True)

    @dy.rule()
    def is_one_line(cls) -> pl.Expr:  # noqa: N805  # a key may not be null: earnings have no tax class
        return pl.len().over(ONE_LINE) == 1


OPEN_BALANCE_COLUMNS = SERIES_COLUMNS | {
    **dict.fromkeys(("owed_cents", "taken_cents", "received_cents", "scheduled_cents"), pl.Int64),
    "moved_cents": pl.Int64,
    "correct_cents": pl.Int64,
    "fault": pl.String,
    "employee_number": pl.String,
}
OPEN_BALANCES = f"""
SELECT {", ".join(f"b.{name}" for name in OPEN_BALANCE_COLUMNS if name != "employee_number")},
       p.employee_number
FROM payroll_openbalance AS b JOIN workforce_person AS p ON p.client_id = b.client_id AND p.id = b.person_id
WHERE b.client_id = %(client)s ORDER BY p.employee_number, {_SERIES.replace("client_id", "b.client_id")}
"""


def load_covered_people(connection: Any, client_id: int, person_ids: Sequence[int] | None) -> pl.DataFrame:
    """Name the people of a client who have change points: client_id, person_id."""
    schema = {"client_id": pl.Int32, "person_id": pl.Int64}
    return copy_out(connection, COVERED_PEOPLE, schema, _some(client_id, person_ids))


def load_taken_versions(connection: Any, client_id: int, person_ids: Sequence[int] | None) -> pl.DataFrame:
    """Load every version of what payroll reported, as TAKEN_COLUMNS, the latest last."""
    return copy_out(connection, TAKEN, TAKEN_COLUMNS, _some(client_id, person_ids))


def load_taken(connection: Any, client_id: int, person_ids: Sequence[int] | None) -> pl.DataFrame:
    """Load what payroll reported, as it holds."""
    rows = load_taken_versions(connection, client_id, person_ids)
    latest = rows.unique([*SERIES_COLUMNS, *PLACE_COLUMNS], keep="last", maintain_order=True)
    return latest.filter(~pl.col("is_deleted"))


def load_reported(connection: Any, client_id: int) -> pl.DataFrame:
    """Load the pays of which payroll reported everything: pay_group_id, ends_on."""
    return copy_out(connection, REPORTED, PLACE_COLUMNS, {"client": client_id})


def load_named(connection: Any, client_id: int) -> pl.DataFrame:
    """Load the pays of which payroll reported anything: pay_group_id, ends_on."""
    return copy_out(connection, NAMED, PLACE_COLUMNS, {"client": client_id})


def load_orders(connection: Any, client_id: int, person_ids: Sequence[int] | None) -> pl.DataFrame:
    """Load the corrections ordered, as they hold: the latest version of each, the cancelled ones too."""
    rows = copy_out(connection, SCHEDULED, SCHEDULED_COLUMNS, _some(client_id, person_ids))
    key = [*SERIES_COLUMNS, "order_number", *PLACE_COLUMNS]
    return rows.unique(key, keep="last", maintain_order=True)


def load_open_balances(connection: Any, client_id: int) -> pl.DataFrame:
    """Load the balances the last look found, with the employee's number, as OPEN_BALANCE_COLUMNS."""
    return copy_out(connection, OPEN_BALANCES, OPEN_BALANCE_COLUMNS, {"client": client_id})


def load_received(connection: Any, client_id: int, person_ids: Sequence[int] | None) -> pl.DataFrame:
    """Load what people on leave paid otherwise than through payroll, as it holds."""
    rows = copy_out(connection, RECEIVED, RECEIVED_COLUMNS, _some(client_id, person_ids))
    return rows.unique([*SERIES_COLUMNS, *PLACE_COLUMNS], keep="last", maintain_order=True)


def load_leave_acts(connection: Any, client_id: int, person_ids: Sequence[int] | None) -> pl.DataFrame:
    """Load what was agreed and said about leaves, as LEAVE_ACT_COLUMNS."""
    return copy_out(connection, LEAVE_ACTS, LEAVE_ACT_COLUMNS, _some(client_id, person_ids))


def load_resumptions(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Name those of some people who ever said how much of a pledge goes on: client_id, person_id."""
    schema = {"client_id": pl.Int32, "person_id": pl.Int64}
    return copy_out(connection, RESUMPTIONS, schema, people_arrays(people))


def load_people_away(connection: Any, client_id: int, person_ids: Sequence[int] | None) -> pl.DataFrame:
    """Name the people of a client who were ever on leave without pay: client_id, person_id."""
    schema = {"client_id": pl.Int32, "person_id": pl.Int64}
    return copy_out(connection, PEOPLE_AWAY, schema, _some(client_id, person_ids))


def _some(client_id: int, person_ids: Sequence[int] | None) -> dict[str, Any]:
    """Name a client and people of it; null: all of them."""
    persons = None if person_ids is None else "{" + ",".join(map(str, person_ids)) + "}"
    return {"client": client_id, "persons": persons}


def with_event_days(connection: Any, points: pl.DataFrame) -> pl.DataFrame:
    """Add event_on, the day of the event that made each change point; null of those taken over."""
    key = {"client_id": pl.Int32, "person_id": pl.Int64, "benefit_record": pl.Int16}
    key |= {"schedule_id": pl.Int32, "event_number": pl.Int32}
    rows = copy_out(connection, EVENT_DAYS, key | {"event_on": pl.Date}, people_arrays(points))
    return points.join(rows.unique(list(key), keep="last"), on=list(key), how="left", maintain_order="left")


def load_given(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load the general credits and deductions of settled events, as GIVEN of `payroll.rules.credits`."""
    return copy_out(connection, GENERAL_OPTIONS, GIVEN, people_arrays(people))


def load_employee_numbers(connection: Any, client_id: int) -> pl.DataFrame:
    """Load person_id and employee_number of a client's people."""
    schema = {"person_id": pl.Int64, "employee_number": pl.String}
    return copy_out(connection, EMPLOYEE_NUMBERS, schema, {"client": client_id})
