"""Who is covered twice in the same health plan type: couples, children of two employees, employees.

Two records are the same human when their SSNs are, or names and birth dates are.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from openbenefits.core.codes import PersonType
from openbenefits.enrollment.rules.plans import COVERED
from openbenefits.store.bulk import copy_out

KNOWN = """
WITH relative AS (
    SELECT DISTINCT ON (f.dependent_id) d.client_id, d.person_id, d.id AS dependent_id, f.person_type,
           f.first_name, f.last_name, f.birth_on, f.ssn_hash, f.is_former, f.is_deleted
    FROM workforce_dependentfact AS f JOIN workforce_dependent AS d
      ON d.client_id = f.client_id AND d.id = f.dependent_id
    WHERE f.client_id = ANY(%(clients)s::int[]) AND f.valid_from <= %(as_of)s
    ORDER BY f.dependent_id, f.valid_from DESC, f.version DESC
), person AS (
    SELECT DISTINCT ON (client_id, person_id) client_id, person_id, first_name, last_name, birth_on, ssn_hash
    FROM workforce_personfact WHERE client_id = ANY(%(clients)s::int[]) AND valid_from <= %(as_of)s
    ORDER BY client_id, person_id, valid_from DESC, version DESC
), held AS (
    SELECT DISTINCT ON (client_id, person_id, benefit_record, plan_type, slot)
           client_id, person_id, benefit_record, plan_type, slot, begins_on, version, kind
    FROM enrollment_coverage
    WHERE client_id = ANY(%(clients)s::int[]) AND begins_on <= %(as_of)s AND superseded_by_run IS NULL
      AND plan_type LIKE '1%%'
    ORDER BY client_id, person_id, benefit_record, plan_type, slot, begins_on DESC, version DESC
), covered AS (
    SELECT s.*, h.plan_type
    FROM relative AS s
    JOIN enrollment_coveragedependent AS c ON c.client_id = s.client_id AND c.dependent_id = s.dependent_id
    JOIN held AS h
      ON (h.client_id, h.person_id, h.benefit_record, h.plan_type, h.slot, h.begins_on, h.version)
       = (c.client_id, c.person_id, c.benefit_record, c.plan_type, c.slot, c.begins_on, c.version)
    WHERE NOT s.is_former AND NOT s.is_deleted AND h.kind = ANY(%(kinds)s::text[])
), covering AS (
    SELECT s.client_id, s.person_id, p.person_id AS other_id, s.plan_type, s.person_type
    FROM covered AS s
    JOIN person AS p ON p.client_id = s.client_id AND p.person_id <> s.person_id AND {same}
), couple AS (
    SELECT one.client_id, one.person_id, one.plan_type, one.other_id
    FROM covering AS one JOIN covering AS other
      ON other.client_id = one.client_id AND other.person_id = one.other_id
     AND other.other_id = one.person_id AND other.plan_type = one.plan_type
    WHERE one.person_type = ANY(%(types)s::text[])
)
"""
SAME = """(
    p.ssn_hash = s.ssn_hash OR (lower(p.first_name) = lower(s.first_name)
    AND lower(p.last_name) = lower(s.last_name) AND p.birth_on = s.birth_on))"""

COUPLES = "SELECT DISTINCT client_id, person_id FROM couple"

CHILDREN = """
SELECT DISTINCT s.client_id, s.person_id
FROM covered AS s JOIN covered AS p
  ON p.client_id = s.client_id AND p.person_id <> s.person_id AND p.plan_type = s.plan_type AND {same}
"""

EMPLOYEES = """
SELECT DISTINCT c.client_id, c.person_id
FROM covering AS c JOIN held AS h
  ON (h.client_id, h.person_id, h.plan_type) = (c.client_id, c.other_id, c.plan_type)
WHERE h.kind = ANY(%(kinds)s::text[]) AND NOT EXISTS (
    SELECT FROM couple AS o WHERE (o.client_id, o.person_id, o.other_id, o.plan_type)
                                = (c.client_id, c.person_id, c.other_id, c.plan_type))
"""

FOUND: tuple[tuple[str, dict[str, str]], ...] = (
    (
        COUPLES,
        {
            "code": "HR2107",
            "expected": "a couple of two employees covered once",
            "found": "both cover each other",
            "cure": "Let one of them waive, or cover only themselves.",
        },
    ),
    (
        CHILDREN,
        {
            "code": "HR2108",
            "expected": "a dependent covered by one employee in a plan type",
            "found": "the same human covered by another employee, too",
            "cure": "Let one of the two drop the dependent.",
        },
    ),
    (
        EMPLOYEES,
        {
            "code": "HR2109",
            "expected": "no dependent with coverage of his own as an employee in the plan type",
            "found": "one who is covered on both sides",
            "cure": "Let the dependent waive, or drop the dependent here.",
        },
    ),
)


def covered_twice(
    connection: Any, client_ids: Sequence[int], as_of: date
) -> list[tuple[pl.DataFrame, dict[str, str]]]:
    """Find who covers somebody twice, per kind of finding: client_id and person_id, and what is to be said.

    Source: rulings §8. Two employees who cover each other are the first finding only, not the third.
    """
    schema = {"client_id": pl.Int32(), "person_id": pl.Int64()}
    given = {
        "clients": "{" + ",".join(map(str, client_ids)) + "}",
        "as_of": as_of,
        "types": "{"
        + ",".join([PersonType.SPOUSE, PersonType.SAME_SEX_SPOUSE, PersonType.DOMESTIC_PARTNER])
        + "}",
        "kinds": "{" + ",".join(map(str, COVERED)) + "}",
    }
    return [
        (copy_out(connection, (KNOWN + query).replace("{same}", SAME), schema, given), texts)
        for query, texts in FOUND
    ]
