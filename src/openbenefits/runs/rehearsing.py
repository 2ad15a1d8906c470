"""A run rehearsed in full: computed, compared with what holds, given up.

Each partition is a run of its own in a transaction that is given up; afterwards what holds is read for those
who would move, and compared.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.programs.frames import load_setup
from openbenefits.runs import frames, models
from openbenefits.runs.differences import MEASURES, RECORD, differences, measured, sum_of
from openbenefits.runs.orders import RunOrder
from openbenefits.runs.processing import go_through
from openbenefits.runs.schedules import schedules_asked
from openbenefits.runs.standing import Standing, digests, load_points, owed_on_sides, standing
from openbenefits.runs.starting import begun
from openbenefits.store.trials import given_up


@dataclass(frozen=True, kw_only=True)
class Part:
    """What a rehearsal found of one partition.

    people:      RECORD, outcome, to_status, fingerprint, digest: everybody in scope.
    differences: as `differences.DIFFERENCES`.
    measures:    as `differences.measured`, with the events of each import as `imports`.
    seconds:     how long it took, of which comparing_seconds went into what a run does not do.
    """

    people: pl.DataFrame
    differences: pl.DataFrame
    measures: Mapping[str, pl.DataFrame]
    seconds: float
    comparing_seconds: float


def rehearse_part(
    connection: Any,
    people: pl.DataFrame,
    *,
    order: RunOrder,
    now: datetime,
    releases: Mapping[str, int] | None = None,
) -> Part:
    """Run an order for one partition, give it up, and answer what it would have changed.

    Shapes: people as `partitions.with_partition`.
    """
    begun_at = time.monotonic()
    year, through = _year(connection, order)
    imports = frames.load_import_events(connection, people)
    with given_up():
        started = begun(connection, order, people, now=now, releases=releases)
        go_through(connection, started, now=now, workers=1, progress=None, is_kept=False)
        worked_at = time.monotonic()
        after = _after(connection, order, started, people, year)
    before = standing(connection, order.client_id, after.moved)
    held = before, after.standing
    owed = owed_on_sides(connection, order.client_id, *held, begin=after.begin, through=through)
    sides = (before.points, after.standing.points, *owed)
    found = differences(*sides, year_from=year, year_through=through)
    measures = measured(*sides) | {"imports": _new_events(imports, after.imports)}
    ended_at = time.monotonic()
    return Part(
        people=after.told,
        differences=found,
        measures=measures,
        seconds=ended_at - begun_at,
        comparing_seconds=ended_at - worked_at,
    )


@dataclass(frozen=True, kw_only=True)
class _After:
    """What holds after the run, read before it is given up: of everybody, and of those who moved."""

    told: pl.DataFrame
    moved: pl.DataFrame
    begin: date
    standing: Standing
    imports: pl.DataFrame


def _after(connection: Any, order: RunOrder, started: models.Run, people: pl.DataFrame, year: date) -> _After:
    told = _told(connection, started, people)
    moved = told.filter(pl.col("outcome").is_in(frames.MOVED))
    begin = min([year, *_first_days(connection, started, moved)])
    return _After(
        told=told,
        moved=moved,
        begin=begin,
        standing=standing(connection, order.client_id, moved),
        imports=frames.load_import_events(connection, people),
    )


def _year(connection: Any, order: RunOrder) -> tuple[date, date]:
    """The calendar year dollars are shown of: that of the run's day, or of a period that lies ahead."""
    schedules = schedules_asked(load_setup(connection, [order.client_id]), order.client_id, order.schedule_id)
    begins = [row["period_begins_on"] for row in schedules if row["period_begins_on"]]
    begin = begins[0] if len(schedules) == 1 and begins else order.as_of
    year = max(begin, order.as_of).year
    return date(year, 1, 1), date(year, 12, 31)


def _first_days(connection: Any, started: models.Run, moved: pl.DataFrame) -> list[date]:
    """The first days of coverage and of deductions that the run's own points are about."""
    made = load_points(connection, moved).filter(run_id=started.id)
    days = (made["begins_on"].min(), made["deduction_begins_on"].min())
    return [day for day in days if isinstance(day, date)]


def _told(connection: Any, started: models.Run, people: pl.DataFrame) -> pl.DataFrame:
    outcomes = frames.load_outcomes(connection, started.id, started.bundle_client)
    return outcomes.join(digests(connection, people), on=list(RECORD), how="left")


def _new_events(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Count, per import, the events a run makes of it."""
    new = after.join(before, on=after.columns, how="anti", nulls_equal=True)
    return new.group_by("change_id").agg(events=pl.len().cast(pl.Int64))


def added_up(parts: list[Part]) -> dict[str, int]:
    """Add up what limits are held against, as `differences.MEASURES`."""
    sums = sum_of([dict(part.measures) for part in parts])
    imports = [part.measures["imports"] for part in parts if part.measures["imports"].height]
    most = 0
    if imports:
        most = pl.concat(imports).group_by("change_id").agg(pl.col("events").sum())["events"].sort()[-1]
    return {name: (sums | {"events_of_an_import": most})[name] for name in MEASURES}
