"""The named SQL of events as they were prepared: options, prices, plan types."""

from typing import Any

import polars as pl

from openbenefits.enrollment.election_frames import ELECTION_COLUMNS
from openbenefits.enrollment.frames import COVERAGE_COLUMNS, RECORD
from openbenefits.store.bulk import copy_out
from openbenefits.store.keys import PEOPLE, people_arrays

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
FROM (SELECT client_id, person_id, benefit_record, schedule_id, event_number, preparation
      FROM enrollment_eventplan
      UNION ALL SELECT client_id, person_id, benefit_record, schedule_id, event_number, preparation
      FROM enrollment_preparation) AS p
JOIN {PEOPLE} AS k USING (client_id, person_id) GROUP BY 1, 2, 3, 4, 5
"""

CONTENTS = f"""
SELECT client_id, person_id, benefit_record, schedule_id, event_number, preparation, p.content
FROM events_event AS e JOIN {PEOPLE} AS k USING (client_id, person_id)
JOIN enrollment_preparation AS p
  USING (client_id, person_id, benefit_record, schedule_id, event_number, preparation)
"""

NEW_MENUS = "SELECT nextval('enrollment_menu') AS menu_id FROM generate_series(1, %s)"


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


def load_contents(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load what is stored of the preparation that holds of each event, as one number (null: not known)."""
    event = ["client_id", "person_id", "benefit_record", "schedule_id", "event_number"]
    number = {"preparation": pl.Int32, "content": pl.Int64}
    schema = {name: ELECTION_COLUMNS[name] for name in event} | number
    return copy_out(connection, CONTENTS, schema, people_arrays(people))
