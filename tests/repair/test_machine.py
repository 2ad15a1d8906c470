"""A state machine of histories: facts come, are corrected and withdrawn between runs, elections, kills and repairs.

Each example drives some 200 people, as pairs of twins, through the same runs. After every step nothing
written, paid or approved has disappeared, at most one event of a benefit record is open, and every covered
day has one basis and an event that stands. A run is as many runs of one event each. In the end a rerun and a
replay change nothing, and withdrawn facts have left no trace. A failure tells what happened before it.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
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

from openbenefits.core.codes import Level
from openbenefits.enrollment.elections import enter_one
from openbenefits.enrollment.evidence import decide_proof
from openbenefits.events.rules import EVENT_KEY
from openbenefits.events.services import move_events, replace_messages
from openbenefits.repair.rules import AGAIN
from openbenefits.repair.services import RepairOrder, repair
from openbenefits.runs import saving
from openbenefits.runs.services import RunOrder, resume_run, run, start_run
from openbenefits.store.bulk import copy_out

from .promises import badly_based, gone, points_written, several_open, without_maker, written
from .single import assert_one_run_is_as_many
from .test_histories import DAYS, assert_alike, changes, differing, maintain, owing
from .test_missed_deductions import report
from .twins import Change, Twins, record, with_twins
from .worlds import LATER, YEAR_END, events_of, held

PAIRS = 100
SUMMER = date(2026, 7, 1)
PARTITION = 60
FIRST_PAYS, LAST_PAYS = date(2026, 1, 1), date(2026, 4, 30)
SUPPLEMENTAL = "21"

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


PROMISES = 5
"""How many promises are looked at after every step."""


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
        self.paid_through = FIRST_PAYS - timedelta(days=1)
        self.told: list[str] = []
        self.points = points_written(self.connection, self.employer)
        self.acts = written(self.connection)

    def teardown(self) -> None:
        try:
            with self.telling("the end"):
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
            self.tell(
                f"{change.kind} on {change.on} for {'tried' if is_passing else 'both'} of {change.pairs}"
            )
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
        self.tell(f"{change.kind} of {change.on} moves to {on}")
        self.withdraw(change)
        self.numbers += 1
        moved = replace(change, on=on, number=self.numbers)
        record(self.twins, moved, of="tried", now=LATER)
        self.passing.append(moved)

    @rule(is_finalizing=st.booleans())
    def a_run_by_night(self, is_finalizing: bool) -> None:
        self.tell(f"a run, {is_finalizing=}")
        run(self.connection, self.order(is_finalizing=is_finalizing), now=LATER)

    @rule(stops_at=st.integers(1, 4), is_finalizing=st.booleans())
    def a_run_is_killed_and_resumed(self, stops_at: int, is_finalizing: bool) -> None:
        self.tell(f"a run killed at message {stops_at} and resumed, {is_finalizing=}")
        order = self.order(is_finalizing=is_finalizing)
        started = start_run(self.connection, order, now=LATER, partition_people=PARTITION)
        with contextlib.suppress(Killed), mock.patch.object(saving, "replace_messages", Killer(stops_at)):
            resume_run(self.connection, started.pk, now=LATER, workers=1)
        resume_run(self.connection, started.pk, now=LATER, workers=1)

    @rule(is_finalizing=st.booleans())
    def a_run_is_as_many_of_one_event_each(self, is_finalizing: bool) -> None:
        self.tell(f"one run against many, {is_finalizing=}")
        with self.telling("one run against many"):
            order = self.order(is_finalizing=is_finalizing)
            assert_one_run_is_as_many(self.connection, self.employer, order)

    @rule()
    def statements_go_out(self) -> None:
        """Whoever is prepared is notified, as issuing does."""
        prepared = events_of(self.connection, self.employer, event_status="O", process_status="PR")
        self.tell(f"{prepared.height} statements")
        if prepared.height:
            moves = prepared.with_columns(to_status=pl.lit("NT"), to_event_status="event_status")
            by = {"run_id": None, "actor": "test", "now": LATER}
            move_events(self.connection, moves, cause="statement issued", **by)

    @precondition(lambda self: self.paid_through < LAST_PAYS)
    @rule(days=st.integers(20, 60))
    def payroll_takes(self, days: int) -> None:
        """The next pays take what is owed as it stands."""
        begin, through = self.paid_through + timedelta(days=1), self.paid_through + timedelta(days=days)
        self.tell(f"payroll takes {begin} to {through}")
        with TemporaryDirectory() as folder:
            report(self.connection, self.employer, Path(folder) / "pays.csv", begin, through)
        self.paid_through = through

    @rule(pairs=st.sets(st.integers(0, PAIRS - 1), min_size=1, max_size=6), on=DAYS)
    def evidence_is_decided(self, pairs: set[int], on: date) -> None:
        """More life cover is approved, for both twins."""
        self.tell(f"evidence of pairs {sorted(pairs)} on {on}")
        for pair in sorted(pairs):
            for person_id in self.twins.pairs.row(pair):
                decide_proof(
                    self.connection,
                    client_id=self.employer.client_id,
                    person_id=person_id,
                    plan_type=SUPPLEMENTAL,
                    valid_from=on,
                    approved_cents=900_000_00,
                    decided_by="test",
                    now=LATER,
                )

    @rule(chosen=st.lists(st.tuples(st.integers(0, PAIRS - 1), st.integers(0, 500)), min_size=1, max_size=8))
    def people_choose(self, chosen: list[tuple[int, int]]) -> None:
        """Both twins of some pairs choose the same, where both are offered it on the same day."""
        self.tell(f"elections: {chosen}")
        offered = self.offered()
        for pair, place in chosen:
            both = offered.filter(pair=pair)
            if both.height:
                self.choose(both.row(place % both.height, named=True))

    @rule()
    def repairs_are_made(self) -> None:
        self.tell("repairs")
        maintain(self.connection, self.employer)

    # --- what always holds ----------------------------------------------------------------------------

    @invariant()
    def nothing_written_disappears(self) -> None:
        points, acts = points_written(self.connection, self.employer), written(self.connection)
        self.must_be_none("change points that are no more", gone(self.points, points))
        self.must_be_none("acts that are no more", gone(self.acts, acts))
        self.points, self.acts = points, acts

    @invariant()
    def one_event_of_a_record_is_open(self) -> None:
        self.must_be_none("several open events of a record", several_open(self.connection, self.employer))

    @invariant()
    def what_is_covered_has_one_basis(self) -> None:
        """Of a coverage one point a day, made by an event that stands; of each day of it one basis."""
        self.must_be_none("points nobody makes", without_maker(self.connection, self.employer))
        self.must_be_none("days without one basis", badly_based(self.connection, self.employer))

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

    # --- what a failure says ----------------------------------------------------------------------------

    def tell(self, what: str) -> None:
        self.told.append(what)

    def must_be_none(self, what: str, found: list[str]) -> None:
        self.promises[what] += 1
        assert not found, "\n".join([f"{what}:", *found, "after:", *self.told])

    @contextlib.contextmanager
    def telling(self, where: str) -> Iterator[None]:
        """Say what happened before, where a comparison fails."""
        try:
            yield
        except AssertionError as error:
            error.add_note("\n".join([f"at {where}, after:", *self.told]))
            raise

    # --- elections --------------------------------------------------------------------------------------

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
    played.promises = Counter()
    run_state_machine_as_test(played, settings=LAW)
    assert len(played.promises) == PROMISES, played.promises
    assert min(played.promises.values()) >= LAW.max_examples, played.promises
