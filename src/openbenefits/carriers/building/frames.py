"""The named SQL of carriers: who ever held their plans, what made change points, what carriers were told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.carriers import models
from openbenefits.store.bulk import copy_out, schema_of
from openbenefits.store.keys import PEOPLE, array_of, people_arrays

HOLDERS = """
SELECT DISTINCT client_id, person_id FROM enrollment_coverage
WHERE client_id = ANY(%(clients)s::int[]) AND option_id = ANY(%(options)s::int[])
"""
HOLDER = {"client_id": pl.Int32, "person_id": pl.Int64}

NUMBERS = f"""
SELECT p.client_id, k.person_id, p.employee_number, c.code AS client
FROM {PEOPLE} AS k JOIN workforce_person AS p ON p.id = k.person_id AND p.client_id = k.client_id
JOIN workforce_client AS c ON c.id = p.client_id
"""
NUMBER = HOLDER | {"employee_number": pl.String, "client": pl.String}

EVENTS = f"""
SELECT client_id, person_id, benefit_record, e.schedule_id, e.event_number, e.event_class_id, e.event_on,
       e.source
FROM events_event AS e JOIN {PEOPLE} AS k USING (client_id, person_id)
"""
EVENT = HOLDER | {
    "benefit_record": pl.Int16,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    "event_class_id": pl.Int32,
    "event_on": pl.Date,
    "source": pl.String,
}

PROVIDERS = f"""
SELECT client_id, person_id, benefit_record, plan_type, dependent_id, provider_id, name, is_patient, begins_on
FROM enrollment_providerchoice AS c JOIN {PEOPLE} AS k USING (client_id, person_id)
WHERE made_at <= %(known_at)s
ORDER BY client_id, person_id, benefit_record, plan_type, dependent_id, number
"""
PROVIDER = HOLDER | {
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "dependent_id": pl.Int64,
    "provider_id": pl.String,
    "name": pl.String,
    "is_patient": pl.Boolean,
    "begins_on": pl.Date,
}

VIEW = """
SELECT {columns} FROM {table} WHERE client_id = ANY(%(clients)s::int[]) AND partner = %(partner)s
  AND (%(subscribers)s::text[] IS NULL OR subscriber = ANY(%(subscribers)s::text[]))
"""

FILES = """
SELECT {columns} FROM carriers_carrierfile AS f
WHERE partner_client = %(owner)s AND partner = %(partner)s AND state = ANY(%(states)s::text[])
  AND (client_id = 0 OR client_id = ANY(%(clients)s::int[])) AND kind IN ('834', 'file')
ORDER BY id
"""
FILE = {
    "id": pl.Int64,
    "client_id": pl.Int32,
    "kind": pl.String,
    "purpose": pl.String,
    "state": pl.String,
    "as_of": pl.Date,
    "reference": pl.String,
    "said": pl.Binary,
}

MONEY_FILES = """
SELECT id, said FROM carriers_carrierfile
WHERE partner_client = %(owner)s AND partner = %(partner)s AND kind = %(kind)s
  AND NOT state = ANY(%(states)s::text[]) AND (client_id = 0 OR client_id = ANY(%(clients)s::int[]))
ORDER BY id
"""
MONEY_FILE = {"id": pl.Int64, "said": pl.Binary}

SETS = """
SELECT s.file_id, s.set, s.code, s.resent_by, f.state AS resent_state
FROM carriers_fileset AS s LEFT JOIN carriers_carrierfile AS f ON f.id = s.resent_by
WHERE s.file_id = ANY(%(files)s::bigint[]) ORDER BY s.file_id, s.set
"""
SET = {
    "file_id": pl.Int64,
    "set": pl.Int32,
    "code": pl.String,
    "resent_by": pl.Int64,
    "resent_state": pl.String,
}

AGREEMENTS = """
SELECT DISTINCT ON (client_id, code) client_id, code, (document || jsonb_build_object('values',
    coalesce(document -> 'values', '{}') || coalesce((
        SELECT jsonb_object_agg(v.client, v.values) FROM carriers_partnervalues AS v
        WHERE p.client_id = 0 AND v.code = p.code AND v.version = p.version), '{}')))::text AS document
FROM carriers_partnerversion AS p
WHERE %(code)s::text IS NULL OR code = %(code)s::text ORDER BY client_id, code, version DESC
"""
AGREEMENT = {"client_id": pl.Int32, "code": pl.String, "document": pl.String}


def load_holders(connection: Any, client_ids: Sequence[int], option_ids: pl.Series) -> pl.DataFrame:
    """Name everybody who ever held one of some options, superseded points included: HOLDER."""
    given = {"clients": list(client_ids), "options": array_of(option_ids)}
    return copy_out(connection, HOLDERS, HOLDER, given)


def load_numbers(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load by what employer and number people are known: NUMBER."""
    return copy_out(connection, NUMBERS, NUMBER, people_arrays(people))


def load_events(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load what kinds of events people have had, and when: EVENT."""
    return copy_out(connection, EVENTS, EVENT, people_arrays(people))


def load_providers(connection: Any, people: pl.DataFrame, known_at: datetime | None) -> pl.DataFrame:
    """Load what members said of providers, the last word last: PROVIDER; an empty provider_id is nobody."""
    return copy_out(
        connection, PROVIDERS, PROVIDER, {**people_arrays(people), "known_at": known_at or "infinity"}
    )


def load_view(
    connection: Any, client_ids: Sequence[int], code: str, subscribers: pl.Series | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Load people and lines as a partner was last told them, as the tables have them; of some families."""
    given = {
        "clients": list(client_ids),
        "partner": code,
        "subscribers": None if subscribers is None else subscribers.to_list(),
    }
    found = []
    for model in (models.ViewPerson, models.ViewLine):
        schema = schema_of(model)
        query = VIEW.format(columns=", ".join(schema), table=model._meta.db_table)
        found.append(copy_out(connection, query, schema, given))
    return found[0], found[1]


def load_files(
    connection: Any, owner: int, code: str, client_ids: Sequence[int], states: Sequence[str]
) -> pl.DataFrame:
    """Load the files of a partner for some clients that are in some states, in the order they were built."""
    given = {"owner": owner, "partner": code, "clients": list(client_ids), "states": list(states)}
    return copy_out(connection, FILES.format(columns=", ".join(FILE)), FILE, given)


def load_sets(connection: Any, file_ids: Sequence[int]) -> pl.DataFrame:
    """Load the sets of files, with what a 999 said of them and how the file stands that says them again."""
    return copy_out(connection, SETS, SET, {"files": list(file_ids)})


def load_agreements(connection: Any, code: str | None = None) -> pl.DataFrame:
    """Load the agreements in force, of every client and the PEO's: AGREEMENT; null: of every partner."""
    return copy_out(connection, AGREEMENTS, AGREEMENT, {"code": code})


def load_money_files(
    connection: Any, owner: int, code: str, kind: str, client_ids: Sequence[int], untold: Sequence[str]
) -> pl.DataFrame:
    """Load what files of a kind said to a partner of some clients, those in states `untold` apart."""
    given = {
        "owner": owner,
        "partner": code,
        "kind": kind,
        "states": list(untold),
        "clients": list(client_ids),
    }
    return copy_out(connection, MONEY_FILES, MONEY_FILE, given)
