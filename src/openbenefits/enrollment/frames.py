"""The named SQL that loads what an event needs beside HR facts and set-up."""

from typing import Any

import polars as pl

from openbenefits.core.codes import COVERED_KINDS
from openbenefits.enrollment.rules.settle import Elected
from openbenefits.store.bulk import copy_out

COVERED = [str(kind) for kind in COVERED_KINDS]

KEYS = """
(SELECT DISTINCT * FROM unnest(%(clients)s::int[], %(persons)s::bigint[]) AS k (client_id, person_id))
"""

COVERAGE_COLUMNS = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "slot": pl.Int16,
    "begins_on": pl.Date,
    "version": pl.Int32,
    "kind": pl.String,
    "basis": pl.String,
    "program_id": pl.Int32,
    "option_id": pl.Int32,
    "coverage_cents": pl.Int64,
    "requested_coverage_cents": pl.Int64,
    "pledge_cents": pl.Int64,
    "percent_thousandths": pl.Int32,
    "waive_reason": pl.String,
    "deduction_begins_on": pl.Date,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    "rule": pl.String,
    "run_id": pl.Int64,
}

COVERAGE = f"""
SELECT {{columns}} FROM enrollment_coverage AS c JOIN {KEYS} AS k USING (client_id, person_id)
WHERE c.superseded_by_run IS NULL
"""

LATEST_VERSIONS = f"""
SELECT client_id, person_id, benefit_record, plan_type, slot, begins_on, max(version) AS version
FROM enrollment_coverage AS c JOIN {KEYS} AS k USING (client_id, person_id)
GROUP BY 1, 2, 3, 4, 5, 6
"""

POINT = ("client_id", "person_id", "benefit_record", "plan_type", "slot", "begins_on", "version")

COVERED_DEPENDENTS = f"""
SELECT client_id, person_id, benefit_record, plan_type, slot, begins_on, version, dependent_id
FROM enrollment_coveragedependent AS d JOIN {KEYS} AS k USING (client_id, person_id)
"""

COVERED_FUNDS = f"""
SELECT client_id, person_id, benefit_record, plan_type, slot, begins_on, version, fund, percent
FROM enrollment_coveragefund AS f JOIN {KEYS} AS k USING (client_id, person_id)
"""

APPROVED = f"""
SELECT client_id, person_id, plan_type, valid_from, version, approved_cents
FROM enrollment_proofdecision AS p JOIN {KEYS} AS k USING (client_id, person_id)
"""

PRIOR_OPTIONS = f"""
SELECT o.client_id, o.person_id, o.benefit_record, o.option_id, e.event_on
FROM events_event AS e JOIN {KEYS} AS k USING (client_id, person_id)
JOIN enrollment_eventoption AS o
  USING (client_id, person_id, benefit_record, schedule_id, event_number, preparation)
WHERE e.event_status IN ('O', 'C') AND e.process_status IN ('FE', 'FP')
"""

ELECTIONS = f"""
SELECT DISTINCT ON (client_id, person_id, benefit_record, schedule_id, event_number, plan_type, slot)
       client_id, person_id, benefit_record, schedule_id, event_number, plan_type, slot, submission,
       option_code, option_id, coverage_cents, pledge_cents, percent_thousandths, waive_reason, received_on,
       source, is_withdrawn
FROM enrollment_election AS e JOIN {KEYS} AS k USING (client_id, person_id)
ORDER BY client_id, person_id, benefit_record, schedule_id, event_number, plan_type, slot, submission DESC
"""

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
    "waive_reason": pl.String,
    "received_on": pl.Date,
    "source": pl.String,
    "is_withdrawn": pl.Boolean,
}

ELECTION_KEY = tuple(ELECTION_COLUMNS)[:8]

ELECTED_DEPENDENTS = f"""
SELECT {", ".join(ELECTION_KEY)}, dependent_id
FROM enrollment_electiondependent AS d JOIN {KEYS} AS k USING (client_id, person_id)
"""

ELECTED_FUNDS = f"""
SELECT {", ".join(ELECTION_KEY)}, fund, percent
FROM enrollment_electionfund AS f JOIN {KEYS} AS k USING (client_id, person_id)
"""


def key_arrays(keys: pl.DataFrame) -> dict[str, str]:
    """Give client and person numbers as PostgreSQL arrays, for KEYS."""
    pairs = keys.select("client_id", "person_id").unique()
    return {
        "clients": "{" + ",".join(map(str, pairs["client_id"])) + "}",
        "persons": "{" + ",".join(map(str, pairs["person_id"])) + "}",
    }


def load_coverage(connection: Any, keys: pl.DataFrame) -> pl.DataFrame:
    """Load the change points that hold, of some people."""
    query = COVERAGE.format(columns=", ".join(COVERAGE_COLUMNS))
    return copy_out(connection, query, COVERAGE_COLUMNS, key_arrays(keys))


def load_latest_versions(connection: Any, keys: pl.DataFrame) -> pl.DataFrame:
    """Load the highest version of each change point, superseded ones included."""
    schema = {name: COVERAGE_COLUMNS[name] for name in POINT}
    return copy_out(connection, LATEST_VERSIONS, schema, key_arrays(keys))


def load_covered_dependents(connection: Any, keys: pl.DataFrame) -> pl.DataFrame:
    """Load the dependents of change points."""
    schema = {name: COVERAGE_COLUMNS[name] for name in POINT} | {"dependent_id": pl.Int64}
    return copy_out(connection, COVERED_DEPENDENTS, schema, key_arrays(keys))


def load_covered_funds(connection: Any, keys: pl.DataFrame) -> pl.DataFrame:
    """Load the investments of change points."""
    schema = {name: COVERAGE_COLUMNS[name] for name in POINT} | {"fund": pl.String, "percent": pl.Int16}
    return copy_out(connection, COVERED_FUNDS, schema, key_arrays(keys))


def in_force(cases: pl.DataFrame, coverage: pl.DataFrame) -> pl.DataFrame:
    """Pick what is in force on the day before each event, one row per case, plan type and slot.

    Adds is_future: nothing is in force, but coverage is to begin later (someone still waiting).
    """
    columns = ["case", "client_id", "person_id", "benefit_record", "event_on"]
    pairs = cases.select(columns).join(coverage, on=["client_id", "person_id", "benefit_record"])
    key = ["case", "plan_type", "slot"]
    past = pairs.filter(pl.col("begins_on") < pl.col("event_on"))
    now = past.sort("begins_on").unique(key, keep="last").with_columns(is_future=pl.lit(value=False))
    covered = now.filter(pl.col("kind").is_in(COVERED))
    later = pairs.filter((pl.col("begins_on") >= pl.col("event_on")) & pl.col("kind").is_in(COVERED))
    waiting = later.sort("begins_on").unique(key, keep="first").join(covered, on=key, how="anti")
    waiting = waiting.with_columns(is_future=pl.lit(value=True))
    return pl.concat([now.join(waiting, on=key, how="anti"), waiting]).sort(key)


def load_held(connection: Any, held: pl.DataFrame) -> Elected:
    """Load the dependents and investments of the coverage in force (see `in_force`)."""
    key = list(POINT)
    points = held.select("case", *key)
    members = load_covered_dependents(connection, held).join(points, on=key)
    funds = load_covered_funds(connection, held).join(points, on=key)
    return Elected(
        elections=pl.DataFrame(),
        members=members.select("case", "plan_type", "dependent_id"),
        funds=funds.select("case", "plan_type", "fund", "percent"),
    )


def load_approved(connection: Any, cases: pl.DataFrame) -> pl.DataFrame:
    """Load the coverage amounts approved by evidence on each event date."""
    schema = {
        "client_id": pl.Int32,
        "person_id": pl.Int64,
        "plan_type": pl.String,
        "valid_from": pl.Date,
        "version": pl.Int32,
        "approved_cents": pl.Int64,
    }
    rows = copy_out(connection, APPROVED, schema, key_arrays(cases))
    pairs = cases.select("case", "client_id", "person_id", "event_on").join(
        rows, on=["client_id", "person_id"]
    )
    known = pairs.filter(pl.col("valid_from") <= pl.col("event_on")).sort("valid_from", "version")
    return known.unique(["case", "plan_type"], keep="last").select("case", "plan_type", "approved_cents")


def load_prior_options(connection: Any, cases: pl.DataFrame) -> pl.DataFrame:
    """Load the options of the last prepared event before each case, for rules that use history."""
    schema = {
        "client_id": pl.Int32,
        "person_id": pl.Int64,
        "benefit_record": pl.Int16,
        "option_id": pl.Int32,
        "prior_on": pl.Date,
    }
    query = PRIOR_OPTIONS.replace("e.event_on", "e.event_on AS prior_on", 1)
    rows = copy_out(connection, query, schema, key_arrays(cases))
    pairs = cases.select("case", "client_id", "person_id", "benefit_record", "event_on").join(
        rows, on=["client_id", "person_id", "benefit_record"]
    )
    earlier = pairs.filter(pl.col("prior_on") <= pl.col("event_on"))
    last = earlier.filter(pl.col("prior_on") == pl.col("prior_on").max().over("case"))
    return last.select("case", "option_id").unique()


def load_elected(connection: Any, cases: pl.DataFrame) -> Elected:
    """Load the latest submissions of each event, those withdrawn left out."""
    event = ["client_id", "person_id", "benefit_record", "schedule_id", "event_number"]
    wanted = cases.select("case", *event)
    rows = copy_out(connection, ELECTIONS, ELECTION_COLUMNS, key_arrays(cases))
    rows = rows.filter(~pl.col("is_withdrawn")).join(wanted, on=event)
    key = list(ELECTION_KEY)
    schema = {name: ELECTION_COLUMNS[name] for name in ELECTION_KEY}
    places = rows.select("case", *key)
    members = copy_out(connection, ELECTED_DEPENDENTS, schema | {"dependent_id": pl.Int64}, key_arrays(cases))
    funds = copy_out(
        connection, ELECTED_FUNDS, schema | {"fund": pl.String, "percent": pl.Int16}, key_arrays(cases)
    )
    return Elected(
        elections=rows.drop(*event, "submission", "is_withdrawn"),
        members=members.join(places, on=key).select("case", "plan_type", "dependent_id"),
        funds=funds.join(places, on=key).select("case", "plan_type", "fund", "percent"),
    )
