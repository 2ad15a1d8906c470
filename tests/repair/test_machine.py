"""A state machine of histories: facts come, are corrected and withdrawn between runs, elections, kills and repairs.

Each example drives some 200 people, as pairs of twins, through the same runs. After every step nothing
written has disappeared, at most one event of a benefit record is open, and whatever is covered is covered by
an event that stands. In the end a rerun and a replay change nothing, and withdrawn facts have left no trace.
"""

import contextlib
from dataclasses import replace
from datetime import date
from typing import Any
from unittest import mock

import polars as pl
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.laws.test_kernel_agrees import IS_FUZZING
from tests.runs.conftest import NOW, Employer

from openbenefits.core.codes import COVERED_KINDS, EventStatus, Level
from openbenefits.enrollment.elections import enter_one
from openbenefits.enrollment.frames import POINT, load_all_points, load_coverage
from openbenefits.events.models import EventStep
from openbenefits.events.rules import EVENT_KEY, RECORD_KEY
from openbenefits.events.services import replace_messages
from openbenefits.repair.rules import AGAIN
from openbenefits.repair.services import RepairOrder, repair
from openbenefits.runs import saving
from openbenefits.runs.services import RunOrder, resume_run, run, start_run
from openbenefits.store.bulk import copy_out

from .test_histories import DAYS, assert_alike, changes, differing, maintain, owing
from .twins import Change, Twins, record, with_twins
from .worlds import LATER, YEAR_END, events_of, everybody, held

PAIRS = 100
SUMMER = date(2026, 7, 1)
PARTITION = 60

LAW = settings(
    max_examples=20 if IS_FUZZING else 2,
    stateful_step_count=20 if IS_FUZZING else 8,
    deadline=None,
    derandomize=not IS_FUZZING,  # the suite plays the same histories every time, `make fuzz` others
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a step takes seconds: no shrinking
    suppress_health_check=list(HealthCheck),
)

OFFERED = """
SELECT DISTINCT o.person_id, o.benefit_record, o.schedule_id, o.event_number, e.event_on::text AS event_on,
    o.plan_type, p.code AS option_code
FROM enrollment_eventoption AS o
JOIN events_event AS e USING (client_id, person_id, benefit_record, schedule_id, event_number, preparation)
JOIN programs_option AS p USING (option_id)
WHERE e.event_status = 'O' AND o.is_electable AND e.process_status IN ('PR', 'NT', 'ET', 'EE', 'RE')
"""
PLACE = ("benefit_record", "schedule_id", "event_number")
CHOICE = ("event_on", "plan_type", "option_code")
OFFERED_COLUMNS = {
    "person_id": pl.Int64,
    **dict.fromkeys(PLACE, pl.Int32),
    **dict.fromkeys(CHOICE, pl.String),
}


class Killed(BaseException):
    """Stops a run in the middle, as no ordinary error would."""


class Killer:
    """Stops the work of a run when messages are written for the so-many-th time: the partition is half done."""

    def __init__(self, stops_at: int) -> None:
        self.left = stops_at

    def __call__(self, *given: Any, **named: Any) -> None:
        self.left -= 1
        if not self.left:
            raise Killed
        replace_messages(*given, **named)


class Machine(RuleBasedStateMachine):
    """Plays histories on the employer of a test (`connection`, `employer`, `twins`); each ends as it began."""

    connection: Any
    employer: Employer
    twins: Twins

    def __init__(self) -> None:
        super().__init__()
        self.whole = transaction.atomic()
        self.whole.__enter__()
        self.numbers = 0
        self.passing: list[Change] = []
        self.written = self.points()
        self.steps = self.step_count()

    def teardown(self) -> None:
        try:
            self.finish()
        finally:
            transaction.set_rollback(True)
            self.whole.__exit__(None, None, None)

    # --- what happens ---------------------------------------------------------------------------------

    @rule(drawn=changes(0, most=2, of=PAIRS), is_passing=st.booleans())
    def facts_come(self, drawn: list[Change], is_passing: bool) -> None:
        """Facts come for both twins of some pairs, or for one of each who will lose them again."""
        for change in drawn:
            self.numbers += 1
            change = replace(change, number=self.numbers)
            record(self.twins, change, of="tried" if is_passing else "both", now=LATER)
            self.passing += [change] * is_passing

    @precondition(lambda self: self.passing)
    @rule(place=st.integers(0, 20))
    def a_fact_is_withdrawn(self, place: int) -> None:
        self.withdraw(self.passing.pop(place % len(self.passing)))

    @precondition(lambda self: self.passing)
    @rule(place=st.integers(0, 20), on=DAYS)
    def a_fact_is_moved(self, place: int, on: date) -> None:
        change = self.passing.pop(place % len(self.passing))
        self.withdraw(change)
        self.numbers += 1
        moved = replace(change, on=on, number=self.numbers)
        record(self.twins, moved, of="tried", now=LATER)
        self.passing.append(moved)

    @rule(is_finalizing=st.booleans())
    def a_run_by_night(self, is_finalizing: bool) -> None:
        run(self.connection, self.order(is_finalizing=is_finalizing), now=LATER)

    @rule(stops_at=st.integers(1, 4), is_finalizing=st.booleans())
    def a_run_is_killed_and_resumed(self, stops_at: int, is_finalizing: bool) -> None:
        order = self.order(is_finalizing=is_finalizing)
        started = start_run(self.connection, order, now=LATER, partition_people=PARTITION)
        with contextlib.suppress(Killed), mock.patch.object(saving, "replace_messages", Killer(stops_at)):
            resume_run(self.connection, started.pk, now=LATER, workers=1)
        resume_run(self.connection, started.pk, now=LATER, workers=1)

    @rule(chosen=st.lists(st.tuples(st.integers(0, PAIRS - 1), st.integers(0, 500)), min_size=1, max_size=8))
    def people_choose(self, chosen: list[tuple[int, int]]) -> None:
        """Both twins of some pairs choose the same, where both are offered it on the same day."""
        offered = self.offered()
        for pair, place in chosen:
            both = offered.filter(pair=pair)
            if both.height:
                self.choose(both.row(place % both.height, named=True))

    @rule()
    def repairs_are_made(self) -> None:
        maintain(self.connection, self.employer)

    # --- what always holds ----------------------------------------------------------------------------

    @invariant()
    def nothing_written_disappears(self) -> None:
        points = self.points()
        lost = self.written.join(points, on=self.written.columns, how="anti", nulls_equal=True)
        assert lost.is_empty(), lost.head(3).rows(named=True)
        self.written = points
        steps = self.step_count()
        assert steps >= self.steps
        self.steps = steps

    @invariant()
    def one_event_of_a_record_is_open(self) -> None:
        events = events_of(self.connection, self.employer, event_status=str(EventStatus.OPEN))
        assert events.height == events.select(RECORD_KEY).unique().height

    @invariant()
    def what_is_covered_has_one_basis(self) -> None:
        """One point of a coverage per day, made by an event that is final and stands."""
        points = load_coverage(self.connection, everybody(self.connection, self.employer))
        assert points.height == points.select(POINT[:-1]).unique().height
        covered = points.filter(pl.col("kind").is_in([str(kind) for kind in COVERED_KINDS]))
        assert covered["basis"].null_count() == 0
        made = covered.filter(pl.col("event_number").is_not_null())
        standing = events_of(self.connection, self.employer).filter(
            ~pl.col("event_status").is_in([str(EventStatus.VOID)])
        )
        orphans = made.join(standing, on=list(EVENT_KEY), how="anti")
        assert orphans.is_empty(), orphans.head(3).rows(named=True)

    # --- how it ends ----------------------------------------------------------------------------------

    def finish(self) -> None:
        """A rerun changes nothing, a replay changes nothing, and what was withdrawn has left no trace."""
        for change in self.passing:
            self.withdraw(change)
        maintain(self.connection, self.employer)
        before = held(self.connection, self.employer), owing(self.connection, self.employer)
        run(self.connection, self.order(is_finalizing=True), now=LATER)
        self.assert_as(before)
        assert_alike(self.connection, self.employer, self.twins)
        self.decide_everything_again()
        self.assert_as(before)

    def assert_as(self, before: tuple[pl.DataFrame, pl.DataFrame]) -> None:
        now = held(self.connection, self.employer), owing(self.connection, self.employer)
        for was, found in zip(before, now, strict=True):
            is_same = was.sort(was.columns).equals(found.sort(found.columns))
            assert is_same, "\n".join(differing(was, found))

    def decide_everything_again(self) -> None:
        final = events_of(self.connection, self.employer, process_status="FE", event_status="C")
        targets = final.select(*EVENT_KEY, kind=pl.lit(AGAIN), to_on=pl.lit(None, pl.Date))
        order = RepairOrder(
            client_id=self.employer.client_id,
            targets=targets,
            as_of=SUMMER,
            begin=date(2026, 1, 1),
            through=YEAR_END,
            reason="a test",
            author="test",
        )
        repair(self.connection, order, now=LATER)
        maintain(self.connection, self.employer)  # an event may offer a choice now that it did not before

    # --- means ----------------------------------------------------------------------------------------

    def order(self, **changes: Any) -> RunOrder:
        given = {"schedule_id": self.employer.event_maintenance, "as_of": SUMMER, "through": Level.ELECTIONS}
        return self.employer.order(**given | changes)

    def withdraw(self, change: Change) -> None:
        record(self.twins, change, of="tried", now=LATER, is_deleted=True)

    def points(self) -> pl.DataFrame:
        """Every change point ever written, without what superseded it."""
        found = load_all_points(self.connection, everybody(self.connection, self.employer))
        return found.select(pl.exclude("^superseded_.*$")).sort(POINT)

    def step_count(self) -> int:
        return EventStep.objects.count()

    def offered(self) -> pl.DataFrame:
        """What both twins of a pair may choose on the same day: pair, event_on, plan_type, option_code."""
        rows = copy_out(self.connection, OFFERED, OFFERED_COLUMNS)
        sides = [
            rows.join(self.twins.pairs.with_row_index("pair"), left_on="person_id", right_on=side).select(
                "pair", *CHOICE, **{f"{side}_{name}": pl.col(name) for name in PLACE}, **{side: "person_id"}
            )
            for side in ("tried", "spared")
        ]
        return sides[0].join(sides[1], on=["pair", *CHOICE]).sort("pair", *CHOICE)

    def choose(self, row: dict[str, Any]) -> None:
        for side in ("tried", "spared"):
            enter_one(
                self.connection,
                self.employer.client_id,
                person_id=row[side],
                **{name: row[f"{side}_{name}"] for name in PLACE},
                plan_type=row["plan_type"],
                option_code=row["option_code"],
                received_on=SUMMER,
                elector="test",
                source="administrator",
                now=LATER,
            )


def test_histories_keep_every_promise(fresh_database, make_employer) -> None:
    employer = make_employer(fresh_database, is_faulty=False, people=PAIRS)
    twins = with_twins(employer.client_id, NOW)
    run(fresh_database, employer.order(is_finalizing=True, through=Level.ELECTIONS), now=NOW)
    played = type("Played", (Machine,), {"connection": fresh_database, "employer": employer, "twins": twins})
    run_state_machine_as_test(played, settings=LAW)
