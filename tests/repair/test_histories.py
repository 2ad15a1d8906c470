"""Random histories: facts come late, in any order, and some are withdrawn; then nothing tells who had them.

Each example drives every pair of twins through the same runs, with facts of its own.
"""

from datetime import date
from typing import Any

import polars as pl
import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.laws.test_kernel_agrees import IS_FUZZING
from tests.runs.conftest import NOW, Employer

from openbenefits.core.codes import Level
from openbenefits.events.rules import is_unfinished
from openbenefits.payroll.services import owed
from openbenefits.repair.proposals import DueOrder, find_proposals, order_of
from openbenefits.repair.services import repair
from openbenefits.runs.services import run

from .twins import Change, Twins, as_of_pairs, record, with_twins
from .worlds import LATER, YEAR_END, events_of, held

DAYS = st.dates(date(2026, 1, 5), date(2026, 6, 20))
PEOPLE = 30
SUMMER = date(2026, 7, 1)
KINDS = ("leaves", "pay", "moves", "wedding")
MOST_REPAIRS = 6

LAW = settings(
    max_examples=20 if IS_FUZZING else 3,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example takes seconds: no shrinking
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def changes(draw: Any, first: int, *, most: int = 3, of: int = PEOPLE) -> list[Change]:
    """Facts, each for some of the pairs; numbered from `first`, so that no two job rows are one."""
    made = draw(st.lists(st.tuples(st.sampled_from(KINDS), DAYS), min_size=1, max_size=most, unique=True))
    some = st.sets(st.integers(0, of - 1), min_size=of // 3).map(lambda chosen: tuple(sorted(chosen)))
    return [
        Change(kind=kind, on=on, pairs=draw(some), number=first + place)
        for place, (kind, on) in enumerate(made)
    ]


@pytest.fixture
def world(fresh_database, make_employer) -> tuple[Employer, Twins]:
    """An employer of pairs of twins whose open enrolment for 2026 is final."""
    employer = make_employer(fresh_database, is_faulty=False, people=PEOPLE)
    twins = with_twins(employer.client_id, NOW)
    run(fresh_database, employer.order(is_finalizing=True, through=Level.ELECTIONS), now=NOW)
    return employer, twins


def maintain(connection, employer) -> None:
    """Nights of a run that finalises, and every repair there is, whatever it ends."""
    order = employer.order(
        schedule_id=employer.event_maintenance, as_of=SUMMER, through=Level.ELECTIONS, is_finalizing=True
    )
    due = DueOrder(
        client_id=employer.client_id, as_of=SUMMER, begin=date(2026, 1, 1), through=YEAR_END, author="test"
    )
    for _ in range(MOST_REPAIRS):
        run(connection, order, now=LATER)
        proposals = find_proposals(connection, employer.client_id)
        if proposals.is_empty():
            return
        repair(connection, order_of(due, proposals, "a test"), now=LATER)
    raise AssertionError(f"still to repair: {proposals.head(5).rows(named=True)}")


def owing(connection, employer) -> pl.DataFrame:
    lines = owed(connection, employer.client_id, begin=date(2026, 1, 1), through=YEAR_END)
    return lines.drop("cause", "employee_number")


def differing(tried, spared) -> list[str]:
    """Name the pairs and plan types that differ, with a few rows of both."""
    sides = {"tried": (tried, spared), "spared": (spared, tried)}
    told = []
    for name, (one, other) in sides.items():
        rows = one.join(other, on=one.columns, how="anti", nulls_equal=True)
        shown = [column for column in rows.columns if rows[column].null_count() < rows.height]
        told += [f"{name}: {row}" for row in rows.select(shown).head(8).rows(named=True)]
    return told


def without_stuck_pairs(connection, employer, twins) -> pl.DataFrame:
    """The people of pairs of whom neither has an event in error: what stands behind one waits, as it came."""
    stuck = events_of(connection, employer).filter(is_unfinished())["person_id"].implode()
    pairs = twins.pairs.filter(~pl.col("tried").is_in(stuck) & ~pl.col("spared").is_in(stuck))
    assert pairs.height > twins.pairs.height // 2
    return pl.DataFrame({"person_id": pl.concat([pairs["tried"], pairs["spared"]])})


def assert_alike(connection, employer, twins) -> None:
    settled = without_stuck_pairs(connection, employer, twins)
    for read in (held, owing):
        rows = read(connection, employer).join(settled, on="person_id", how="semi")
        tried, spared = (as_of_pairs(twins, rows, side) for side in ("tried", "spared"))
        assert tried.height
        assert tried.equals(spared), differing(tried, spared)


@LAW
@given(changes(1), changes(11), st.permutations(range(6)))
def test_what_came_and_went_leaves_no_trace(fresh_database, world, lasting, passing, order) -> None:
    employer, twins = world
    known = {(change.kind, change.on) for change in lasting}
    passing = [change for change in passing if (change.kind, change.on) not in known]  # else it is one fact
    arrivals = [(change, "both") for change in lasting] + [(change, "tried") for change in passing]
    places = [place for place in order if place < len(arrivals)]
    with transaction.atomic():
        for place in places:
            change, of = arrivals[place]
            record(twins, change, of=of, now=LATER)
            maintain(fresh_database, employer)
        for change in passing:
            record(twins, change, of="tried", now=LATER, is_deleted=True)
        maintain(fresh_database, employer)
        assert_alike(fresh_database, employer, twins)
        transaction.set_rollback(True)


@LAW
@given(changes(1), st.permutations(range(3)), st.permutations(range(3)))
def test_facts_in_any_order_come_to_the_same(fresh_database, world, lasting, first, second) -> None:
    employer, twins = world
    with transaction.atomic():
        for one, other in zip(first, second, strict=True):
            for of, place in (("tried", one), ("spared", other)):
                if place < len(lasting):
                    record(twins, lasting[place], of=of, now=LATER)
            maintain(fresh_database, employer)
        assert_alike(fresh_database, employer, twins)
        transaction.set_rollback(True)
