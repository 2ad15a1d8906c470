"""The named SQL of elections: what was submitted, by whom, for what was offered."""

from typing import Any

import polars as pl

from openbenefits.accounts.numbers import first_numbers
from openbenefits.core.columns import joined, where
from openbenefits.enrollment.frames import APPROVED_COLUMNS, SHARE, of_places
from openbenefits.enrollment.rules.elected import Elected
from openbenefits.store.bulk import copy_out
from openbenefits.store.keys import PEOPLE, people_arrays

ELECTION_COLUMNS = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    "plan_type": pl.String,
    "slot": pl.Int16,
    "submission": pl.Int32,
    "option_code": pl.String,
    "option_id": pl.Int32,
    "coverage_cents": pl.Int64,
    "pledge_cents": pl.Int64,
    "percent_thousandths": pl.Int32,
    "after_tax_thousandths": pl.Int32,
    "hours_hundredths": pl.Int32,
    "files_separately": pl.Boolean,
    "waive_reason": pl.String,
    "waiver_proof": pl.String,
    "waiver_proof_on": pl.Date,
    "credit_rollover": pl.String,
    "received_on": pl.Date,
    "source": pl.String,
    "is_withdrawn": pl.Boolean,
}

ELECTION_KEY = tuple(ELECTION_COLUMNS)[:8]

ELECTIONS = f"""
SELECT DISTINCT ON ({", ".join(ELECTION_KEY[:-1])}) {", ".join(ELECTION_COLUMNS)}
FROM enrollment_election AS e JOIN {PEOPLE} AS k USING (client_id, person_id)
ORDER BY {", ".join(ELECTION_KEY[:-1])}, submission DESC
"""

SUBMISSIONS = f"""
SELECT {", ".join(ELECTION_COLUMNS)}
FROM enrollment_election WHERE client_id = %(client)s AND person_id = ANY(%(persons)s)
"""

ELECTED_DEPENDENTS = f"""
SELECT {", ".join(ELECTION_KEY)}, dependent_id
FROM enrollment_electiondependent AS d JOIN {PEOPLE} AS k USING (client_id, person_id)
"""

ELECTED_FUNDS = f"""
SELECT {", ".join(ELECTION_KEY)}, fund, percent
FROM enrollment_electionfund AS f JOIN {PEOPLE} AS k USING (client_id, person_id)
"""

ELECTED_BENEFICIARIES = f"""
SELECT {", ".join(ELECTION_KEY)}, dependent_id, is_contingent, percent_hundredths
FROM enrollment_electionbeneficiary AS b JOIN {PEOPLE} AS k USING (client_id, person_id)
"""

NUMBERED_PEOPLE = """
SELECT id AS person_id, employee_number FROM workforce_person
WHERE client_id = %(client)s AND employee_number = ANY(%(numbers)s)
"""

NUMBERED_DEPENDENTS = """
SELECT person_id, number, id AS dependent_id FROM workforce_dependent
WHERE client_id = %(client)s AND person_id = ANY(%(persons)s)
"""

OFFERED_PLANS = """
SELECT p.person_id, p.benefit_record, p.schedule_id, p.event_number, p.plan_type
FROM enrollment_eventplan AS p
JOIN events_event AS e
  USING (client_id, person_id, benefit_record, schedule_id, event_number, preparation)
WHERE p.client_id = %(client)s AND p.person_id = ANY(%(persons)s) AND NOT p.is_ignored
"""

SCHEDULED = """
SELECT client_id, person_id, benefit_record, schedule_id, event_number, process_status, preparation
FROM events_event WHERE client_id = %(client)s AND schedule_id = %(schedule)s AND event_status IN ('O', 'C')
"""

CHOICES = """
SELECT client_id, person_id, benefit_record, schedule_id, event_number, preparation, plan_type
FROM enrollment_eventplan WHERE client_id = %(client)s AND schedule_id = %(schedule)s AND is_choice
"""

STANDING = """
SELECT client_id, person_id, benefit_record, schedule_id, event_number, plan_type, submission,
       NOT is_withdrawn AND source <> 'pre-entered' AS stands
FROM enrollment_election WHERE client_id = %(client)s AND schedule_id = %(schedule)s AND slot = 0
"""

DECISIONS = """
SELECT DISTINCT ON (client_id, person_id, plan_type, valid_from)
       client_id, person_id, plan_type, valid_from, version,
       CASE WHEN NOT is_withdrawn THEN approved_cents END AS approved_cents, is_withdrawn
FROM enrollment_proofdecision WHERE client_id = %(client)s AND person_id = ANY(%(persons)s)
ORDER BY client_id, person_id, plan_type, valid_from, version DESC
"""


def load_elected(connection: Any, cases: pl.DataFrame) -> Elected:
    """Load the latest submissions of each event, those withdrawn left out."""
    event, key = list(ELECTION_KEY[:5]), list(ELECTION_KEY)
    rows = copy_out(connection, ELECTIONS, ELECTION_COLUMNS, people_arrays(cases))
    rows = joined(where(rows, ~rows["is_withdrawn"]), cases[["case", *event]], event)
    if rows.is_empty():
        return nobody_elected(rows.drop(*event, "submission", "is_withdrawn"))
    places = rows[["case", *key]]
    return Elected(
        elections=rows.drop(*event, "submission", "is_withdrawn"),
        members=of_places(load_elected_dependents(connection, cases), places, key, "dependent_id"),
        funds=of_places(load_elected_funds(connection, cases), places, key, "fund", "percent"),
        beneficiaries=of_places(load_elected_beneficiaries(connection, cases), places, key, *SHARE),
    )


_NO_MEMBERS = pl.DataFrame(schema={"case": pl.Int32, "plan_type": pl.String, "dependent_id": pl.Int64})
_NO_FUNDS = pl.DataFrame(
    schema={"case": pl.Int32, "plan_type": pl.String, "fund": pl.String, "percent": pl.Int16}
)


def nobody_elected(elections: pl.DataFrame) -> Elected:
    """What of elections of nobody is asked for; `elections` has their columns."""
    return Elected(elections=elections, members=_NO_MEMBERS, funds=_NO_FUNDS)


def load_elected_dependents(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load the dependents of all submissions."""
    schema = {name: ELECTION_COLUMNS[name] for name in ELECTION_KEY} | {"dependent_id": pl.Int64}
    return copy_out(connection, ELECTED_DEPENDENTS, schema, people_arrays(people))


def load_elected_funds(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load the investments of all submissions."""
    schema = {name: ELECTION_COLUMNS[name] for name in ELECTION_KEY}
    schema |= {"fund": pl.String, "percent": pl.Int16}
    return copy_out(connection, ELECTED_FUNDS, schema, people_arrays(people))


def load_elected_beneficiaries(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load the beneficiaries of all submissions."""
    schema = {name: ELECTION_COLUMNS[name] for name in ELECTION_KEY} | SHARE
    return copy_out(connection, ELECTED_BENEFICIARIES, schema, people_arrays(people))


def load_numbered_people(connection: Any, client_id: int, rows: pl.DataFrame) -> pl.DataFrame:
    """Find the people of a client whose employee_number the rows state; of who was merged, who stays.

    Shapes: person_id, employee_number, is_merged (the number is of somebody who was merged).
    """
    numbers = rows["employee_number"].drop_nulls().unique().to_list()
    schema = {"person_id": pl.Int64, "employee_number": pl.String}
    found = copy_out(connection, NUMBERED_PEOPLE, schema, {"client": client_id, "numbers": numbers})
    firsts = first_numbers(client_id)
    is_merged = pl.col("person_id").is_in(list(firsts))
    return found.with_columns(pl.col("person_id").replace(firsts), is_merged=is_merged)


def load_numbered_dependents(connection: Any, client_id: int, rows: pl.DataFrame) -> pl.DataFrame:
    """Load the dependents of the people of the rows: person_id, number, dependent_id."""
    schema = {"person_id": pl.Int64, "number": pl.Int16, "dependent_id": pl.Int64}
    return copy_out(connection, NUMBERED_DEPENDENTS, schema, _persons(client_id, rows))


def load_offered_plans(connection: Any, client_id: int, rows: pl.DataFrame) -> pl.DataFrame:
    """Load the plan types of the events of the people of the rows, as last prepared."""
    schema = {name: ELECTION_COLUMNS[name] for name in ELECTION_KEY[1:6]}
    return copy_out(connection, OFFERED_PLANS, schema, _persons(client_id, rows))


def load_submissions(connection: Any, client_id: int, rows: pl.DataFrame) -> pl.DataFrame:
    """Load all that was ever submitted by the people of the rows."""
    return copy_out(connection, SUBMISSIONS, ELECTION_COLUMNS, _persons(client_id, rows))


def load_decisions(connection: Any, client_id: int, rows: pl.DataFrame) -> pl.DataFrame:
    """Load the latest version of each decision on proof about the people of the rows."""
    return copy_out(connection, DECISIONS, APPROVED_COLUMNS, _persons(client_id, rows))


def _persons(client_id: int, rows: pl.DataFrame) -> dict[str, Any]:
    return {"client": client_id, "persons": rows["person_id"].drop_nulls().unique().to_list()}
