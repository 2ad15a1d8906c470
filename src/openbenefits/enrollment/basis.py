"""What every covered day of some people rests on, as the timeline stands, or stood as then known."""

from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.core.codes import LEAVE_STATUSES
from openbenefits.enrollment.frames import COVERAGE_COLUMNS, load_all_points
from openbenefits.enrollment.rules.basis import LEAVES, MADE, RECORD, basis_spans
from openbenefits.store.bulk import copy_out
from openbenefits.store.keys import PEOPLE, people_arrays
from openbenefits.workforce.frames import load_jobs, primary_jobs

MADE_QUERY = f"""
SELECT DISTINCT ON (client_id, person_id, benefit_record, schedule_id, event_number, p.plan_type)
       client_id, person_id, benefit_record, schedule_id, event_number, p.plan_type,
       m.event_on, p.is_lost, p.event_rule_row
FROM enrollment_eventplan AS p JOIN {PEOPLE} AS k USING (client_id, person_id)
JOIN enrollment_preparation AS m
  USING (client_id, person_id, benefit_record, schedule_id, event_number, preparation)
WHERE m.made_at <= %(known_at)s
ORDER BY client_id, person_id, benefit_record, schedule_id, event_number, p.plan_type, preparation DESC
"""  # noqa: S608 (a constant)
FAR = date(9999, 12, 31)


def load_spans(connection: Any, people: pl.DataFrame, *, known_at: datetime | None = None) -> pl.DataFrame:
    """Answer the spans of `rules.basis.basis_spans` for some people (client_id, person_id)."""
    asked = {**people_arrays(people), "known_at": known_at or "infinity"}
    made = copy_out(connection, MADE_QUERY, MADE, asked)
    return basis_spans(
        points_known(connection, people, known_at), made, _leaves(connection, people, known_at)
    )


def points_known(connection: Any, people: pl.DataFrame, known_at: datetime | None) -> pl.DataFrame:
    """Load the change points that hold, or held as known at a moment."""
    points = load_all_points(connection, people)
    holds = pl.col("superseded_by_run").is_null()
    if known_at is not None:
        is_made = pl.col("made_at") <= known_at
        holds = is_made & (holds | (pl.col("superseded_at") > known_at))
    return points.filter(holds).select(list(COVERAGE_COLUMNS))


def _leaves(connection: Any, people: pl.DataFrame, known_at: datetime | None) -> pl.DataFrame:
    """The days on which the primary job of each benefit record is on leave, as LEAVES."""
    jobs = load_jobs(connection, people, known_at)
    if not jobs["job_status"].is_in(LEAVE_STATUSES).any():
        return pl.DataFrame(schema=LEAVES)
    clients = people.select("client_id", "person_id").unique()
    days = jobs.select("person_id", "benefit_record", as_of="valid_from").unique()
    asked = days.join(clients, on="person_id").with_columns(case=pl.int_range(pl.len(), dtype=pl.Int32))
    held = asked.join(primary_jobs(asked, jobs).select("case", "job_status"), on="case").sort(
        *RECORD, "as_of"
    )
    spans = held.with_columns(
        leave_from="as_of", leave_until=pl.col("as_of").shift(-1).over(RECORD).fill_null(FAR)
    )
    away = spans.filter(pl.col("job_status").is_in(LEAVE_STATUSES))
    return away.select(pl.col(name).cast(kind) for name, kind in LEAVES.items())
