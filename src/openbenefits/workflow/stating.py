"""What the records of a client come to, for who reads no table: coverage, what pays took, what is open."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from openbenefits.payroll.ledger import Asked, balances
from openbenefits.store.bulk import copy_out

TEXT, DAY, CENTS = pl.String(), pl.Date(), pl.Int64()
COVERAGE = """
SELECT p.employee_number, c.benefit_record, c.plan_type, c.slot, c.begins_on, c.ends_on, c.kind, c.basis,
       r.option, r.plan, r.covers, c.coverage_cents, c.pledge_cents, c.deduction_begins_on,
       (SELECT string_agg(concat_ws(' ', d.name, d.person_type), '; ' ORDER BY d.name) FROM (
            SELECT f.first_name || ' ' || f.last_name AS name, f.person_type
            FROM enrollment_coveragedependent AS x
            JOIN LATERAL (
                SELECT * FROM workforce_dependentfact AS f
                WHERE f.client_id = x.client_id AND f.dependent_id = x.dependent_id
                ORDER BY f.valid_from DESC, f.version DESC LIMIT 1
            ) AS f ON true
            WHERE x.client_id = c.client_id AND x.person_id = c.person_id
              AND x.benefit_record = c.benefit_record AND x.plan_type = c.plan_type AND x.slot = c.slot
              AND x.begins_on = c.begins_on AND x.version = c.version
        ) AS d) AS dependents
FROM (
    SELECT c.*, lead(c.begins_on) OVER w - 1 AS ends_on
    FROM enrollment_coverage AS c
    WHERE c.client_id = %(client)s AND c.superseded_at IS NULL
    WINDOW w AS (
        PARTITION BY c.person_id, c.benefit_record, c.plan_type, c.slot ORDER BY c.begins_on, c.version
    )
) AS c
JOIN workforce_person AS p ON p.client_id = c.client_id AND p.id = c.person_id
LEFT JOIN LATERAL (
    SELECT o.name AS option, q.code AS plan, v.code AS covers FROM programs_option AS o
    LEFT JOIN programs_setupkey AS q ON q.id = o.plan_id
    LEFT JOIN programs_setupkey AS v ON v.id = o.coverage_code_id
    WHERE o.client_id = c.client_id AND o.option_id = c.option_id ORDER BY o.release_id DESC LIMIT 1
) AS r ON true
ORDER BY p.employee_number, c.benefit_record, c.plan_type, c.slot, c.begins_on
"""
COVERAGE_COLUMNS = {
    "employee_number": TEXT,
    "benefit_record": pl.Int16(),
    "plan_type": TEXT,
    "slot": pl.Int16(),
    "begins_on": DAY,
    "ends_on": DAY,
    "kind": TEXT,
    "basis": TEXT,
    "option": TEXT,
    "plan": TEXT,
    "covers": TEXT,
    "coverage_cents": CENTS,
    "pledge_cents": CENTS,
    "deduction_begins_on": DAY,
    "dependents": TEXT,
}
TAKEN = """
SELECT p.employee_number, t.benefit_record, t.plan_type, t.kind, t.tax_class,
       extract(year FROM t.ends_on)::int AS year, sum(t.taken_cents)::bigint AS taken_cents
FROM (
    SELECT DISTINCT ON (person_id, benefit_record, plan_type, kind, tax_class, pay_group_id, ends_on) *
    FROM payroll_taken WHERE client_id = %(client)s
    ORDER BY person_id, benefit_record, plan_type, kind, tax_class, pay_group_id, ends_on, version DESC
) AS t
JOIN workforce_person AS p ON p.client_id = t.client_id AND p.id = t.person_id
WHERE NOT t.is_deleted
GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
"""
TAKEN_COLUMNS = {
    "employee_number": TEXT,
    "benefit_record": pl.Int16(),
    "plan_type": TEXT,
    "kind": TEXT,
    "tax_class": TEXT,
    "year": pl.Int32(),
    "taken_cents": CENTS,
}
OPEN = ("employee_number", "benefit_record", "plan_type", "kind", "tax_class")
AMOUNTS = ("owed_cents", "taken_cents", "received_cents", "scheduled_cents", "correct_cents", "fault")


def state(connection: Any, client_id: int, folder: Path, *, on: date) -> None:
    """Write what the records of a client come to on a day: coverage, taken by year, balances (a CSV each).

    Missing: `ends_on` is empty where nothing follows; an amount nobody knows is empty, with its fault.
    """
    folder.mkdir(parents=True)
    named = {"client": client_id}
    copy_out(connection, COVERAGE, COVERAGE_COLUMNS, named).write_csv(folder / "coverage.csv")
    copy_out(connection, TAKEN, TAKEN_COLUMNS, named).write_csv(folder / "taken-by-year.csv")
    left = balances(connection, Asked(client_id=client_id, through=on))
    left.select(*OPEN, *AMOUNTS).write_csv(folder / "balances.csv")
