"""Who was covered by which plan, from when until when: the timeline as a letter tells it."""

from datetime import timedelta
from typing import Any

import polars as pl

from openbenefits.core.plan_types import HEALTH
from openbenefits.enrollment.basis import points_known
from openbenefits.enrollment.continuing import load_continued
from openbenefits.enrollment.frames import POINT, load_covered_dependents
from openbenefits.enrollment.rules.basis import COVERED
from openbenefits.enrollment.rules.timeline import POINT_KEY
from openbenefits.reports.names import load_names, plan_type_name, with_option_names

HEALTH_FSA = "60"
EMPLOYEE = 0
"""Stands for the employee where dependents are numbered."""
SPANS = {
    "client_id": pl.Int32(),
    "person_id": pl.Int64(),
    "dependent_id": pl.Int64(),
    "plan_type": pl.String(),
    "plan": pl.String(),
    "carrier": pl.String(),
    "coverage": pl.String(),
    "coverage_cents": pl.Int64(),
    "from_on": pl.Date(),
    "last_on": pl.Date(),
    "is_continued": pl.Boolean(),
}
_PLACE = ["client_id", "person_id", "dependent_id", "plan_type", "plan", "is_continued"]


def load_covered_spans(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Answer who was covered by which plan and when, without a gap in a row; continuation included.

    Shapes:  people have client_id and person_id. Answers SPANS: dependent_id 0 is the employee.
    Missing: last_on is null where no end is known.
    """
    points = points_known(connection, people, None)
    if points.is_empty():
        return pl.DataFrame(schema=SPANS)
    until = pl.col("begins_on").shift(-1).over(list(POINT_KEY), order_by="begins_on")
    covered = points.with_columns(until=until).filter(pl.col("kind").is_in(COVERED))
    names = load_names(connection)
    named = with_option_names(covered.with_columns(event_on=pl.col("begins_on")), names).with_columns(
        plan=pl.coalesce("plan_name", "option_name", "option_code", plan_type_name()),
        coverage=pl.col("coverage_name"),
    )
    members = load_covered_dependents(connection, people)
    own = named.with_columns(dependent_id=pl.lit(EMPLOYEE, dtype=pl.Int64))
    theirs = named.join(members, on=list(POINT), how="inner")
    rows = pl.concat([own, theirs], how="diagonal").with_columns(is_continued=pl.lit(value=False))
    spans = rows.select(
        *_PLACE, "carrier", "coverage", "coverage_cents", from_on="begins_on", until_on="until"
    )
    continued = _continued(connection, people, spans)
    return joined(pl.concat([spans, continued], how="diagonal_relaxed"))


def joined(spans: pl.DataFrame) -> pl.DataFrame:
    """Join spans of the same plan that follow one another without a gap.

    Shapes: as SPANS, with until_on (the day after the last; null: open) in place of last_on.
    """
    rows = spans.sort(*_PLACE, "from_on")
    before = pl.col("until_on").shift(1).over(_PLACE)
    follows = (pl.col("from_on") <= before).fill_null(value=False)
    rows = rows.with_columns(run=(~follows).cum_sum().over(_PLACE))
    told = ("carrier", "coverage", "coverage_cents")
    found = rows.group_by(*_PLACE, "run", maintain_order=True).agg(
        *(pl.col(name).last() for name in told),
        from_on=pl.col("from_on").first(),
        until_on=pl.col("until_on").last(),
    )
    ended = found.with_columns(last_on=pl.col("until_on") - timedelta(days=1))
    return ended.select(pl.col(name).cast(kind) for name, kind in SPANS.items()).sort(
        "client_id", "person_id", "plan_type", "dependent_id", "from_on"
    )


def _continued(connection: Any, people: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """Days that rest on continuation, under the name of the plan that was lost."""
    rows = load_continued(connection, people)
    if rows.is_empty():
        return spans.clear()
    place = ["client_id", "person_id", "dependent_id", "plan_type"]
    lost = (
        spans.sort("from_on")
        .unique(place, keep="last", maintain_order=True)
        .select(*place, "plan", "carrier", "coverage", "coverage_cents")
    )
    found = rows.join(lost, on=place, how="inner").with_columns(is_continued=pl.lit(value=True))
    return found.select(
        *_PLACE, "carrier", "coverage", "coverage_cents", from_on="span_from", until_on="span_until"
    )


def in_force(spans: pl.DataFrame, on: Any) -> pl.DataFrame:
    """Keep the coverage of a day."""
    lasts = pl.col("last_on").is_null() | (pl.col("last_on") >= on)
    return spans.filter((pl.col("from_on") <= on) & lasts)


def lost(spans: pl.DataFrame, since: Any, through: Any) -> pl.DataFrame:
    """Keep health coverage that ended between two days, and was not followed by other of the same kind.

    A change from one plan to another of the same plan type, or its continuation, is no loss.
    """
    health = spans.filter(pl.col("plan_type").is_in([*HEALTH, HEALTH_FSA]))
    place = ["client_id", "person_id", "dependent_id", "plan_type"]
    last = health.sort("from_on").unique(place, keep="last", maintain_order=True)
    return last.filter(pl.col("last_on").is_between(since, through)).sort(place)
