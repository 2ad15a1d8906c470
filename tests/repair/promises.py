"""What holds after every step of a history: nothing written disappears, one basis a day, one event open."""

from typing import Any

import polars as pl
from tests.runs.conftest import Employer

from openbenefits.core.codes import COVERED_KINDS, Basis, EventStatus
from openbenefits.enrollment.basis import load_spans
from openbenefits.enrollment.frames import POINT, load_all_points, load_coverage
from openbenefits.events.rules import EVENT_KEY, RECORD_KEY
from openbenefits.store.bulk import copy_out

from .worlds import events_of, everybody

ACTS = (
    *("enrollment_election", "enrollment_electiondependent", "enrollment_proofdecision"),
    *("enrollment_coveragedependent", "enrollment_creditroll"),
    *("events_eventstep", "events_activityact", "events_windowact", "events_controlact"),
    *("payroll_taken", "payroll_scheduled", "payroll_payreport", "repair_repairact", "runs_runact"),
)
"""Tables whose rows are acts, paid, approved or elected: whoever decides otherwise writes a further row."""
WRITTEN = "SELECT {name} AS name, md5(t::text) AS row FROM {table} AS t"
COVERAGE_OF = list(POINT[:-2])
COVERED = [str(kind) for kind in COVERED_KINDS]
BASES = {str(basis) for basis in Basis}


def written(connection: Any) -> pl.DataFrame:
    """Every row of every table of acts: its name and a hash of all of its columns."""
    query = " UNION ALL ".join(WRITTEN.format(name=f"'{table}'", table=table) for table in ACTS)
    return copy_out(connection, query, {"name": pl.String, "row": pl.String})


def points_written(connection: Any, employer: Employer) -> pl.DataFrame:
    """Every change point ever written, without what superseded it."""
    found = load_all_points(connection, everybody(connection, employer))
    return found.select(pl.exclude("^superseded_.*$")).sort(POINT)


def gone(before: pl.DataFrame, now: pl.DataFrame) -> list[str]:
    """Name what was there before and is no more, a few rows of it."""
    lost = before.join(now, on=before.columns, how="anti", nulls_equal=True)
    return [str(row) for row in lost.head(3).rows(named=True)]


def several_open(connection: Any, employer: Employer) -> list[str]:
    """Name the benefit records with more than one open event, with those events."""
    events = events_of(connection, employer, event_status=str(EventStatus.OPEN))
    several = events.filter(pl.len().over(RECORD_KEY) > 1)
    shown = several.select(*EVENT_KEY, "event_on", "process_status").sort(EVENT_KEY)
    return [str(row) for row in shown.head(4).rows(named=True)]


def without_maker(connection: Any, employer: Employer) -> list[str]:
    """Name covered points that no event makes which stands, and days with two points."""
    points = load_coverage(connection, everybody(connection, employer))
    twice = points.filter(pl.struct(POINT[:-1]).is_duplicated())
    made = points.filter(pl.col("kind").is_in(COVERED), pl.col("event_number").is_not_null())
    standing = events_of(connection, employer).filter(pl.col("event_status") != str(EventStatus.VOID))
    orphans = made.join(standing, on=list(EVENT_KEY), how="anti")
    shown = pl.concat([twice, orphans]).select(*POINT, "kind", "event_number")
    return [str(row) for row in shown.head(4).rows(named=True)]


def badly_based(connection: Any, employer: Employer) -> list[str]:
    """Name spans that overlap, end before they begin, or have no basis, and covered days without one."""
    people = everybody(connection, employer)
    spans = load_spans(connection, people).sort(*COVERAGE_OF, "span_from")
    following = spans.with_columns(next_from=pl.col("span_from").shift(-1).over(COVERAGE_OF))
    is_bad = (
        (pl.col("span_from") >= pl.col("span_until"))
        | (pl.col("span_until") > pl.col("next_from")).fill_null(value=False)
        | ~pl.col("basis").is_in(BASES).fill_null(value=False)
    )
    told = [str(row) for row in following.filter(is_bad).head(4).rows(named=True)]
    based = spans.group_by(COVERAGE_OF).agg(days=(pl.col("span_until") - pl.col("span_from")).sum())
    both = covered_days(connection, people).join(
        based, on=COVERAGE_OF, how="full", suffix="_based", coalesce=True
    )
    uneven = both.filter(pl.col("days").ne_missing(pl.col("days_based")))
    return told + [str(row) for row in uneven.head(4).rows(named=True)]


def covered_days(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Count the days each coverage holds: from every point that covers to the next one of its timeline."""
    points = load_coverage(connection, people).sort(POINT)
    until = pl.col("begins_on").shift(-1).over(COVERAGE_OF).fill_null(pl.date(9999, 12, 31))
    covering = points.with_columns(until=until).filter(pl.col("kind").is_in(COVERED))
    return covering.group_by(COVERAGE_OF).agg(days=(pl.col("until") - pl.col("begins_on")).sum())
