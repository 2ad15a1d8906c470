"""What tests of repair look at: the events of an employer, and what holds."""

from datetime import date, timedelta

import polars as pl
from tests.runs.conftest import NOW

from openbenefits.enrollment.frames import load_coverage
from openbenefits.events.frames import load_events
from openbenefits.repair.rules import HELD

LATER = NOW + timedelta(days=120)
YEAR_END = date(2026, 12, 31)


def everybody(connection, employer):
    query = "SELECT client_id, person_id, benefit_record FROM events_event"
    with connection.cursor() as cursor:
        cursor.execute(query)
        rows = cursor.fetchall()
    schema = {"client_id": pl.Int32, "person_id": pl.Int64, "benefit_record": pl.Int16}
    return pl.DataFrame(rows, schema=schema, orient="row").unique()


def events_of(connection, employer, **wanted):
    return load_events(connection, everybody(connection, employer)).filter(**wanted)


def held(connection, employer):
    columns = [name for name in HELD if name != "members"]
    return load_coverage(connection, everybody(connection, employer)).select(columns).sort(columns)
