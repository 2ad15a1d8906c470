"""The named SQL: what an event needs beside HR facts and set-up, and what entries are checked by."""

from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.core.codes import COVERED_KINDS, ChangeKind
from openbenefits.eligibility.overrides import OVERRIDES
from openbenefits.enrollment.rules.elected import BENEFICIARY, Elected
from openbenefits.store.bulk import copy_out
from openbenefits.store.keys import PEOPLE, people_arrays

COVERED = [str(kind) for kind in COVERED_KINDS]
RECORD = ("client_id", "person_id", "benefit_record")

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
    "after_tax_thousandths": pl.Int32,
    "hours_hundredths": pl.Int32,
    "waive_reason": pl.String,
    "deduction_begins_on": pl.Date,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    "rule": pl.String,
    "run_id": pl.Int64,
}

COVERAGE = f"""
SELECT {{columns}} FROM enrollment_coverage AS c JOIN {PEOPLE} AS k USING (client_id, person_id)
WHERE c.superseded_by_run IS NULL
"""

ALL_COVERAGE = f"""
SELECT {{columns}} FROM enrollment_coverage AS c JOIN {PEOPLE} AS k USING (client_id, person_id)
"""

LATEST_VERSIONS = f"""
SELECT client_id, person_id, benefit_record, plan_type, slot, begins_on, max(version) AS version
FROM enrollment_coverage AS c JOIN {PEOPLE} AS k USING (client_id, person_id)
GROUP BY 1, 2, 3, 4, 5, 6
"""

SHARE = {"dependent_id": pl.Int64, "is_contingent": pl.Boolean, "percent_hundredths": pl.Int32}

POINT = ("client_id", "person_id", "benefit_record", "plan_type", "slot", "begins_on", "version")

COVERED_DEPENDENTS = f"""
SELECT client_id, person_id, benefit_record, plan_type, slot, begins_on, version, dependent_id
FROM enrollment_coveragedependent AS d JOIN {PEOPLE} AS k USING (client_id, person_id)
"""

COVERED_FUNDS = f"""
SELECT client_id, person_id, benefit_record, plan_type, slot, begins_on, version, fund, percent
FROM enrollment_coveragefund AS f JOIN {PEOPLE} AS k USING (client_id, person_id)
"""

COVERED_BENEFICIARIES = f"""
SELECT client_id, person_id, benefit_record, plan_type, slot, begins_on, version,
       dependent_id, is_contingent, percent_hundredths
FROM enrollment_coveragebeneficiary AS b JOIN {PEOPLE} AS k USING (client_id, person_id)
"""

APPROVED_COLUMNS = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "plan_type": pl.String,
    "valid_from": pl.Date,
    "version": pl.Int32,
    "approved_cents": pl.Int64,
}

APPROVED = f"""
SELECT client_id, person_id, plan_type, valid_from, version, approved_cents
FROM enrollment_proofdecision AS p JOIN {PEOPLE} AS k USING (client_id, person_id)
"""

CREDIT_USE_COLUMNS = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    "version": pl.Int32,
    "begins_on": pl.Date,
    "total_cents": pl.Int64,
    "cost_cents": pl.Int64,
    "used_cents": pl.Int64,
    "excess_cents": pl.Int64,
    "treatment": pl.String,
    "paid_cents": pl.Int64,
    "forfeited_cents": pl.Int64,
    "rolled_cents": pl.Int64,
    "is_taken_back": pl.Boolean,
}

CREDIT_USES = f"""
SELECT {{columns}}
FROM enrollment_credituse AS u JOIN {PEOPLE} AS k USING (client_id, person_id)
WHERE u.made_at <= %(known_at)s
ORDER BY client_id, person_id, benefit_record, schedule_id, event_number, version
"""

CREDIT_ROLLS = f"""
SELECT client_id, person_id, benefit_record, schedule_id, event_number, version, plan_type, rolled_cents
FROM enrollment_creditroll AS r JOIN {PEOPLE} AS k USING (client_id, person_id)
"""

OVERRIDE_COLUMNS = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    **{name: kind for name, kind in OVERRIDES.items() if name != "case"},
    "version": pl.Int32,
    "made_at": pl.Datetime("us", "UTC"),
}

MADE_OVERRIDES = f"""
SELECT {", ".join(OVERRIDE_COLUMNS)}
FROM enrollment_eligibilityoverride AS o JOIN {PEOPLE} AS k USING (client_id, person_id)
"""

EVENT_DATES = f"""
SELECT client_id, person_id, e.benefit_record, e.schedule_id, e.event_number, e.event_on AS ended_on
FROM events_event AS e JOIN {PEOPLE} AS k USING (client_id, person_id)
"""

EVENT_DATE_COLUMNS = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    "ended_on": pl.Date,
}

PRIOR_OPTIONS = f"""
SELECT o.client_id, o.person_id, o.benefit_record, o.option_id, e.event_on AS prior_on,
       e.schedule_id AS prior_schedule, e.event_number AS prior_number
FROM events_event AS e JOIN {PEOPLE} AS k USING (client_id, person_id)
JOIN enrollment_eventoption AS o
  USING (client_id, person_id, benefit_record, schedule_id, event_number, preparation)
WHERE e.event_status IN ('O', 'C') AND e.process_status IN ('FE', 'FP')
"""

OFFERED_PRICES = f"""
SELECT client_id, person_id, benefit_record, schedule_id, event_number, o.option_id,
       o.pay_before_tax_cents, o.pay_after_tax_cents
FROM events_event AS e JOIN {PEOPLE} AS k USING (client_id, person_id)
JOIN enrollment_eventoption AS o
  USING (client_id, person_id, benefit_record, schedule_id, event_number, preparation)
"""

PREPARED_HELD = f"""
SELECT client_id, person_id, benefit_record, schedule_id, event_number, p.plan_type, p.current_option_id
FROM events_event AS e JOIN {PEOPLE} AS k USING (client_id, person_id)
JOIN enrollment_eventplan AS p
  USING (client_id, person_id, benefit_record, schedule_id, event_number, preparation)
WHERE p.current_option_id IS NOT NULL
"""

EVENT_PLAN_TYPES = f"""
SELECT p.client_id, p.person_id, p.benefit_record, p.schedule_id, p.event_number, p.plan_type
FROM events_event AS e JOIN {PEOPLE} AS k USING (client_id, person_id)
JOIN enrollment_eventplan AS p
  USING (client_id, person_id, benefit_record, schedule_id, event_number, preparation)
WHERE NOT p.is_ignored
"""

UNASKED = f"""
SELECT client_id, person_id, benefit_record, schedule_id, event_number
FROM events_event AS e JOIN {PEOPLE} AS k USING (client_id, person_id)
WHERE e.process_status = 'PR' AND e.event_status IN ('O', 'C') AND NOT EXISTS (
    SELECT FROM enrollment_eventplan AS p
    WHERE (p.client_id, p.person_id, p.benefit_record, p.schedule_id, p.event_number, p.preparation)
        = (e.client_id, e.person_id, e.benefit_record, e.schedule_id, e.event_number, e.preparation)
      AND p.is_choice)
"""

HIGHEST_PREPARATIONS = f"""
SELECT client_id, person_id, benefit_record, schedule_id, event_number,
       max(preparation) AS highest_preparation
FROM enrollment_eventplan AS p JOIN {PEOPLE} AS k USING (client_id, person_id) GROUP BY 1, 2, 3, 4, 5
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
       client_id, person_id, plan_type, valid_from, version, approved_cents
FROM enrollment_proofdecision WHERE client_id = %(client)s AND person_id = ANY(%(persons)s)
ORDER BY client_id, person_id, plan_type, valid_from, version DESC
"""


def load_coverage(connection: Any, keys: pl.DataFrame) -> pl.DataFrame:
    """Load the change points that hold, of some people."""
    query = COVERAGE.format(columns=", ".join(COVERAGE_COLUMNS))
    return copy_out(connection, query, COVERAGE_COLUMNS, people_arrays(keys))


def load_all_points(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load every change point of some people, superseded ones too, with what superseded them and when."""
    schema = {
        **COVERAGE_COLUMNS,
        "superseded_by_run": pl.Int64,
        "superseded_by_schedule": pl.Int32,
        "superseded_by_event": pl.Int32,
        "made_at": pl.Datetime("us", "UTC"),
        "superseded_at": pl.Datetime("us", "UTC"),
    }
    query = ALL_COVERAGE.format(columns=", ".join(schema))
    return copy_out(connection, query, schema, people_arrays(people))


def load_latest_versions(connection: Any, keys: pl.DataFrame) -> pl.DataFrame:
    """Load the highest version of each change point, superseded ones included."""
    schema = {name: COVERAGE_COLUMNS[name] for name in POINT}
    return copy_out(connection, LATEST_VERSIONS, schema, people_arrays(keys))


def load_covered_dependents(connection: Any, keys: pl.DataFrame) -> pl.DataFrame:
    """Load the dependents of change points."""
    schema = {name: COVERAGE_COLUMNS[name] for name in POINT} | {"dependent_id": pl.Int64}
    return copy_out(connection, COVERED_DEPENDENTS, schema, people_arrays(keys))


def load_covered_funds(connection: Any, keys: pl.DataFrame) -> pl.DataFrame:
    """Load the investments of change points."""
    schema = {name: COVERAGE_COLUMNS[name] for name in POINT} | {"fund": pl.String, "percent": pl.Int16}
    return copy_out(connection, COVERED_FUNDS, schema, people_arrays(keys))


def load_covered_beneficiaries(connection: Any, keys: pl.DataFrame) -> pl.DataFrame:
    """Load the beneficiaries of change points."""
    schema = {name: COVERAGE_COLUMNS[name] for name in POINT} | SHARE
    return copy_out(connection, COVERED_BENEFICIARIES, schema, people_arrays(keys))


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


def load_credit_uses(
    connection: Any,
    keys: pl.DataFrame,
    *,
    known_at: datetime | None = None,
    more: dict[str, Any] | None = None,
) -> pl.DataFrame:
    """Load what credits of some people were used for, every version, in order; `more` names more columns."""
    schema = CREDIT_USE_COLUMNS | (more or {})
    asked = {**people_arrays(keys), "known_at": known_at or "infinity"}
    return copy_out(connection, CREDIT_USES.format(columns=", ".join(schema)), schema, asked)


def load_credit_rolls(connection: Any, keys: pl.DataFrame) -> pl.DataFrame:
    """Load what of credits left over accounts of some people got."""
    key = {name: CREDIT_USE_COLUMNS[name] for name in tuple(CREDIT_USE_COLUMNS)[:6]}
    schema = key | {"plan_type": pl.String, "rolled_cents": pl.Int64}
    return copy_out(connection, CREDIT_ROLLS, schema, people_arrays(keys))


def load_event_dates(connection: Any, keys: pl.DataFrame) -> pl.DataFrame:
    """Load the dates of all events of some people, as the dates of what they ended."""
    return copy_out(connection, EVENT_DATES, EVENT_DATE_COLUMNS, people_arrays(keys))


def no_dates() -> pl.DataFrame:
    """An empty frame of the dates of events."""
    return pl.DataFrame(schema=EVENT_DATE_COLUMNS)


def left_plan_types(cases: pl.DataFrame, coverage: pl.DataFrame) -> pl.DataFrame:
    """Find, per case and plan type, the first day without coverage that was ended or waived.

    Losing eligibility is not leaving. Whether something is in force again is not looked at.
    """
    key = ["case", "plan_type"]
    columns = ["case", "client_id", "person_id", "benefit_record", "event_on"]
    points = cases.select(columns).join(
        coverage.filter(slot=0).select(*RECORD, "plan_type", "begins_on", "kind"), on=list(RECORD)
    )
    points = points.filter(pl.col("begins_on") < pl.col("event_on")).sort(*key, "begins_on")
    was_covered = pl.col("kind").shift(1).over(key).is_in(COVERED).fill_null(value=False)
    ends = points.filter(was_covered & ~pl.col("kind").is_in(COVERED)).unique(
        key, keep="last", maintain_order=True
    )
    left = [str(ChangeKind.TERMINATED), str(ChangeKind.WAIVED)]
    return ends.filter(pl.col("kind").is_in(left)).select(*key, left_on="begins_on")


def load_held(connection: Any, held: pl.DataFrame) -> Elected:
    """Load the dependents and investments of the coverage in force (see `in_force`)."""
    key = list(POINT)
    points = held.select("case", *key)
    members = load_covered_dependents(connection, held).join(points, on=key)
    funds = load_covered_funds(connection, held).join(points, on=key)
    beneficiaries = load_covered_beneficiaries(connection, held).join(points, on=key)
    return Elected(
        elections=pl.DataFrame(),
        members=members.select("case", "plan_type", "dependent_id"),
        funds=funds.select("case", "plan_type", "fund", "percent"),
        beneficiaries=beneficiaries.select(list(BENEFICIARY)),
    )


def load_approved(connection: Any, cases: pl.DataFrame) -> pl.DataFrame:
    """Load the coverage amounts approved by evidence on each event date."""
    rows = load_approvals(connection, cases)
    pairs = cases.select("case", "client_id", "person_id", "event_on").join(
        rows, on=["client_id", "person_id"]
    )
    known = pairs.filter(pl.col("valid_from") <= pl.col("event_on")).sort("valid_from")
    return known.unique(["case", "plan_type"], keep="last").select("case", "plan_type", "approved_cents")


def load_approvals(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load what was approved by evidence from each day, the latest version of it."""
    rows = copy_out(connection, APPROVED, APPROVED_COLUMNS, people_arrays(people)).sort("version")
    day = ["client_id", "person_id", "plan_type", "valid_from"]
    return rows.unique(day, keep="last", maintain_order=True)


def load_prior_options(connection: Any, cases: pl.DataFrame) -> pl.DataFrame:
    """Load the options of the last prepared event before each case, for rules that use history.

    The event itself, decided before and to be decided again, is not its own past.
    """
    record = {name: COVERAGE_COLUMNS[name] for name in RECORD}
    prior = {"option_id": pl.Int32, "prior_on": pl.Date, "prior_schedule": pl.Int32, "prior_number": pl.Int32}
    rows = copy_out(connection, PRIOR_OPTIONS, record | prior, people_arrays(cases))
    own = cases.select("case", *RECORD, "schedule_id", "event_number", "event_on")
    pairs = own.join(rows, on=list(RECORD))
    is_itself = (pl.col("prior_schedule") == pl.col("schedule_id")) & (
        pl.col("prior_number") == pl.col("event_number")
    )
    earlier = pairs.filter((pl.col("prior_on") <= pl.col("event_on")) & ~is_itself)
    last = earlier.filter(pl.col("prior_on") == pl.col("prior_on").max().over("case"))
    return last.select("case", "option_id").unique()


def load_offered_prices(connection: Any, cases: pl.DataFrame) -> pl.DataFrame:
    """Load what the options of each event cost per pay as last prepared.

    Shapes: case, option_id, pay_before_tax_cents, pay_after_tax_cents.
    """
    event = ["client_id", "person_id", "benefit_record", "schedule_id", "event_number"]
    prices = {"option_id": pl.Int32, "pay_before_tax_cents": pl.Int64, "pay_after_tax_cents": pl.Int64}
    schema = {name: ELECTION_COLUMNS[name] for name in event} | prices
    rows = copy_out(connection, OFFERED_PRICES, schema, people_arrays(cases))
    return rows.join(cases.select("case", *event), on=event).select("case", *prices)


def load_prepared_held(connection: Any, cases: pl.DataFrame) -> pl.DataFrame:
    """Load the option each event was last prepared to have in force: case, plan_type, held_option_id."""
    event = ["client_id", "person_id", "benefit_record", "schedule_id", "event_number"]
    held = {"plan_type": pl.String, "current_option_id": pl.Int32}
    schema = {name: ELECTION_COLUMNS[name] for name in event} | held
    rows = copy_out(connection, PREPARED_HELD, schema, people_arrays(cases))
    found = rows.join(cases.select("case", *event), on=event)
    return found.select("case", "plan_type", held_option_id="current_option_id")


def load_event_plan_types(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Load the plan types that some events touch as last prepared: the benefit record and plan_type."""
    event = ["client_id", "person_id", "benefit_record", "schedule_id", "event_number"]
    schema = {name: ELECTION_COLUMNS[name] for name in event} | {"plan_type": pl.String}
    rows = copy_out(connection, EVENT_PLAN_TYPES, schema, people_arrays(events))
    return rows.join(events.select(event), on=event, how="semi").select(*RECORD, "plan_type")


def load_unasked(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Name the prepared events (PR) of some people that offer no choice, by the event's key."""
    event = ["client_id", "person_id", "benefit_record", "schedule_id", "event_number"]
    return copy_out(
        connection, UNASKED, {name: ELECTION_COLUMNS[name] for name in event}, people_arrays(people)
    )


def load_highest_preparations(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Load the highest number of a preparation of each event, whether or not it holds."""
    event = ["client_id", "person_id", "benefit_record", "schedule_id", "event_number"]
    schema = {name: ELECTION_COLUMNS[name] for name in event} | {"highest_preparation": pl.Int32}
    return copy_out(connection, HIGHEST_PREPARATIONS, schema, people_arrays(events))


def load_overrides(connection: Any, cases: pl.DataFrame, *, known_at: datetime | None = None) -> pl.DataFrame:
    """Load what was decided for events, as known at a time (null: now); columns as `OVERRIDES`.

    Shapes: cases has case and the event's key.
    """
    rows = copy_out(connection, MADE_OVERRIDES, OVERRIDE_COLUMNS, people_arrays(cases))
    event = ["client_id", "person_id", "benefit_record", "schedule_id", "event_number"]
    rows = rows.join(cases.select("case", *event), on=event)
    if known_at is not None:
        rows = rows.filter(pl.col("made_at") <= known_at)
    about = ["case", "program_id", "option_id"]
    latest = rows.sort("version").unique(about, keep="last", maintain_order=True)
    standing = latest.filter(pl.col("is_eligible").is_not_null()).sort(about)
    return standing.select(pl.col(name).cast(kind) for name, kind in OVERRIDES.items())


def load_elected(connection: Any, cases: pl.DataFrame) -> Elected:
    """Load the latest submissions of each event, those withdrawn left out."""
    event = ["client_id", "person_id", "benefit_record", "schedule_id", "event_number"]
    wanted = cases.select("case", *event)
    rows = copy_out(connection, ELECTIONS, ELECTION_COLUMNS, people_arrays(cases))
    rows = rows.filter(~pl.col("is_withdrawn")).join(wanted, on=event)
    key = list(ELECTION_KEY)
    places = rows.select("case", *key)
    members = load_elected_dependents(connection, cases)
    funds = load_elected_funds(connection, cases)
    beneficiaries = load_elected_beneficiaries(connection, cases)
    return Elected(
        elections=rows.drop(*event, "submission", "is_withdrawn"),
        members=members.join(places, on=key).select("case", "plan_type", "dependent_id"),
        funds=funds.join(places, on=key).select("case", "plan_type", "fund", "percent"),
        beneficiaries=beneficiaries.join(places, on=key).select(list(BENEFICIARY)),
    )


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
    """Find the people of a client whose employee_number the rows state."""
    numbers = rows["employee_number"].drop_nulls().unique().to_list()
    schema = {"person_id": pl.Int64, "employee_number": pl.String}
    return copy_out(connection, NUMBERED_PEOPLE, schema, {"client": client_id, "numbers": numbers})


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
