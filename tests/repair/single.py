"""One run of everything due against many runs that each carry one event of everybody."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import polars as pl
from django.db import transaction
from tests.runs.conftest import Employer

from openbenefits.events.rules import EVENT_KEY, RECORD_KEY
from openbenefits.runs import processing, waves
from openbenefits.runs.services import RunOrder, run

from .worlds import LATER, events_of, held

MOST_RUNS = 20
STANDING = (
    *EVENT_KEY,
    *("event_on", "event_class_id", "event_status", "process_status", "program_id"),
    *("is_out_of_sequence", "is_eligibility_changed", "is_multi_activity", "finalize_requested"),
)


@contextmanager
def one_event_each() -> Iterator[None]:
    """Let every run move one event of each benefit record, and leave the next ones to the next run.

    What a run looks at and leaves as it is (in error, waiting, not allowed to pass) is none.
    """

    def work_wave(*given: Any, **named: Any) -> waves.Wave:
        wave = WORK_WAVE(*given, **named)
        done = wave.outcomes.filter(outcome="processed").select(RECORD_KEY)
        return replace(wave, moved=wave.moved.join(done, on=list(RECORD_KEY), how="anti"))

    with mock.patch.object(processing.waves, "work_wave", work_wave):
        yield


WORK_WAVE = waves.work_wave


def standing(connection: Any, employer: Employer) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Where every event stands, and what everybody holds."""
    events = events_of(connection, employer)
    kept = [name for name in STANDING if name in events.columns]
    assert len(kept) > len(EVENT_KEY) + 4
    return events.select(kept).sort(EVENT_KEY), held(connection, employer)


def after_many_runs(
    connection: Any, employer: Employer, order: RunOrder
) -> tuple[tuple[pl.DataFrame, pl.DataFrame], int]:
    """Run event by event until nothing moves; answer where all stands, and how many runs it took. Given up then."""
    with transaction.atomic(), one_event_each():
        before = standing(connection, employer)
        for number in range(1, MOST_RUNS):
            run(connection, order, now=LATER)
            after = standing(connection, employer)
            if all(one.equals(other) for one, other in zip(before, after, strict=True)):
                transaction.set_rollback(True)
                return after, number
            before = after
    raise AssertionError(f"still moving after {MOST_RUNS} runs")


def assert_one_run_is_as_many(connection: Any, employer: Employer, order: RunOrder) -> int:
    """Run once what many runs have tried before, and compare; answer how many those were."""
    many, runs = after_many_runs(connection, employer, order)
    run(connection, order, now=LATER)
    for was, found in zip(many, standing(connection, employer), strict=True):
        lost = was.join(found, on=was.columns, how="anti", nulls_equal=True)
        more = found.join(was, on=was.columns, how="anti", nulls_equal=True)
        assert lost.is_empty(), (
            f"{runs} runs of one event each: {lost.head(4).rows(named=True)}\n"
            f"one run: {more.head(4).rows(named=True)}"
        )
        assert more.is_empty(), more.head(4).rows(named=True)
    return runs
