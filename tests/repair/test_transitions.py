"""Every row of the transition table, of the reprocessing table, of disconnection and of the flags: driven.

Sources: event-processing §6.2, §12.1, §12.2, §12.3, as amended by rulings §1 and decision 0012. The mark of a
row is that of its source: D documented, S stated, K practice, I inferred, R ruling.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from django.db import IntegrityError, transaction
from tests.runs.conftest import NOW, put_employer

from openbenefits.core.codes import Level, ProcessStatus
from openbenefits.enrollment.models import Coverage, Election
from openbenefits.events.models import Event, EventStep, StatusMove
from openbenefits.events.moves import MOVES
from openbenefits.programs import services as setup
from openbenefits.repair import kinds
from openbenefits.repair.services import RepairRefused, repair
from openbenefits.reports.issuing import issue_enrollment_statements
from openbenefits.runs.services import run
from openbenefits.sample import SAMPLE_FOLDER
from openbenefits.workforce import services as workforce
from openbenefits.workforce.models import AddressFact

from .driving import (
    AS_OF,
    DAY,
    REACH,
    WITHOUT_COVERAGE,
    Driven,
    elected,
    facts,
    operated,
    reported,
    somebody,
    through,
    together,
)
from .worlds import LATER, held

PEOPLE = 12


@pytest.fixture(scope="module")
def employer(database, tmp_path_factory):
    """An employer whose open enrolment for 2026 is final."""
    made = put_employer(tmp_path_factory.mktemp("harbor"), people=PEOPLE)
    run(database, made.order(is_finalizing=True, through=Level.ELECTIONS), now=NOW)
    return made


class Stage:
    """Somebody with medical coverage, brought to where an event may stand, in a transaction given up in the end.

    Tests that begin at one status share the way to it: each gives up, at its own end, only what it did itself.
    """

    def __init__(self, connection: Any, employer: Any) -> None:
        self.others = held(connection, employer)
        covered = self.others.filter(plan_type="10", kind="D")["person_id"]
        self.somebody = somebody(connection, employer, covered.min())
        self.start: str | None = None
        self.way = ExitStack()

    def at(self, start: str) -> Driven:
        if self.start != start:
            self.leave()
            self.way.enter_context(_given_up())
            self.start = start
            REACH[start](self.somebody)
        return self.somebody

    def leave(self) -> None:
        self.way.close()
        self.start = None


@contextmanager
def _given_up() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def stage(database, employer) -> Iterator[Stage]:
    made = Stage(database, employer)
    yield made
    made.leave()


@pytest.fixture
def driven(stage) -> Iterator[Driven]:
    """Somebody with nothing done yet."""
    stage.leave()
    with _given_up():
        yield stage.somebody


@pytest.fixture
def reached(stage, start) -> Iterator[Driven]:
    """Somebody whose event stands where the test begins."""
    found = stage.at(start)
    with _given_up():
        yield found


Act = Callable[[Driven], None]
RUN, FINALIZE = through(), through(finalize=True)
DECIDED = ("PR", "NT", "ET", "EE", "RE", "FE", "FP", "FA", "PE")


def again_with(kind: str) -> Act:
    return together(facts(kind), operated(kinds.AGAIN))


def dearer(driven: Driven) -> None:
    """What was chosen costs a cent more a pay now than when it was offered."""
    with driven.connection.cursor() as cursor:
        cursor.execute(
            "UPDATE enrollment_menuoption SET pay_before_tax_cents = pay_before_tax_cents - 1 WHERE menu_id IN"
            " (SELECT menu_id FROM enrollment_eventplan WHERE person_id = %s AND schedule_id = %s)",
            [driven.person_id, driven.employer.event_maintenance],
        )


def ends_with_the_pay(driven: Driven) -> None:
    """Coverage ends with the pay period by now, and the job is in no pay group."""
    with TemporaryDirectory() as folder:
        changed = Path(folder) / "harbor"
        shutil.copytree(SAMPLE_FOLDER / "clients" / "harbor", changed)
        rules = changed / "event_rules.yaml"
        ended = "{event_class: MAR, coverage_ends: end_of_pay_period,"
        rules.write_text(rules.read_text().replace("{event_class: MAR,", ended))
        done = setup.apply(changed, client_id=driven.employer.client_id, applied_by="test", now=LATER)
        assert done.release, done
    facts("endless")(driven)
    driven.run()


def statement(driven: Driven) -> None:
    with TemporaryDirectory() as folder:
        issued = issue_enrollment_statements(
            driven.connection, driven.employer.event_maintenance, folder=Path(folder), on=AS_OF, now=LATER
        )
        assert issued.issued == 1


STEPS: list[tuple[str, str, str, Act, str]] = [
    # from, cause, to, act, mark: each a step of its own
    ("", "exactly one program", "AS", through(Level.PROGRAM), "D"),
    ("", "no program", "AN", together(facts("none"), through(Level.PROGRAM)), "D"),
    ("", "undecided", "AE", together(facts("unknown"), through(Level.PROGRAM)), "D"),
    ("AE", "corrected", "AS", together(facts("good"), RUN), "D"),
    ("AE", "corrected: no program", "AN", together(facts("none"), RUN), "D"),
    ("AN", "corrected: one program", "AS", together(facts("good"), RUN), "R"),
    ("AN", "corrected: undecided", "AE", together(facts("unknown"), RUN), "R"),
    ("AN", "coverage is to end", "PR", RUN, "D"),
    ("AN", "the ending cannot be decided", "PE", ends_with_the_pay, "I"),
    ("AS", "no program by now", "AN", together(facts("none"), RUN), "D"),
    ("AS", "undecided by now", "AE", together(facts("unknown"), RUN), "D"),
    ("AS", "options prepared", "PR", RUN, "D"),
    ("AS", "error in a price", "PE", together(facts("unpriced"), RUN), "D"),
    ("PR", "statement issued", "NT", statement, "S"),
    ("PR", "elections entered", "ET", elected(), "S"),
    ("NT", "elections entered", "ET", elected(), "S"),
    ("EE", "elections entered again", "ET", elected(), "D"),
    ("RE", "elections updated", "ET", elected("NOTHING-SUCH"), "D"),
    ("FE", "submitted again inside the window", "ET", elected("NOTHING-SUCH"), "R"),
    ("FE", "indicator E", "ET", operated(kinds.ELECT), "D"),
    ("ET", "valid and posted", "FE", RUN, "D"),
    ("ET", "errors", "EE", together(elected("NOTHING-SUCH"), RUN), "D"),
    ("EE", "finalised with defaults", "FE", FINALIZE, "D"),
    ("PR", "finalised with defaults", "FE", FINALIZE, "S"),
    ("NT", "finalised with defaults", "FE", FINALIZE, "S"),
    ("RE", "finalised with defaults", "FE", FINALIZE, "S"),
    ("PR", "finalised on demand", "FE", operated(kinds.FINALIZE), "S"),
    ("ET", "finalised on demand", "FE", operated(kinds.FINALIZE), "S"),
    ("FE", "indicator R", "RE", operated(kinds.REENTER), "D"),
    *((status, "decided again", "AS", again_with("good"), "D") for status in DECIDED),
    *((status, "decided again: no program", "AN", again_with("none"), "D") for status in DECIDED),
    *((status, "decided again: undecided", "AE", again_with("unknown"), "D") for status in DECIDED),
]


@pytest.mark.parametrize(
    ("start", "to", "act"),
    [
        pytest.param(row[0], row[2], row[3], id=f"{row[0] or 'new'}-{row[2]}: {row[1]}")
        for row in sorted(STEPS, key=lambda row: row[0])
    ],
)
def test_each_step_of_the_transition_table(reached, start, to, act) -> None:
    assert reached.status() == start
    before = len(reached.steps())
    act(reached)
    assert (start, to) in reached.steps()[before:], reached.steps()


PASSED: list[tuple[Act, str, str, str, str]] = [
    # how it begins, from, cause, to, mark: moves that are passed on the way of one act
    (
        together(WITHOUT_COVERAGE, facts("none"), reported("MSC"), RUN),
        *("AN", "no program, nothing to end", "FA", "D"),
    ),
    (together(reported("MSC"), RUN), "AS", "nothing to choose or to end", "FP", "D"),
    (
        together(REACH["FE"], dearer, operated(kinds.AGAIN)),
        *("PR", "a choice no longer stands", "RE", "R"),
    ),
]


@pytest.mark.parametrize(
    ("act", "start", "to"),
    [pytest.param(row[0], row[1], row[3], id=f"{row[1]}-{row[3]}: {row[2]}") for row in PASSED],
)
def test_each_move_that_is_passed_on_the_way(driven, act, start, to) -> None:
    act(driven)
    assert driven.steps()[-1] == (start, to), driven.steps()


OVER: list[tuple[str, str, str, Act, str]] = [
    # from, cause, to, act, mark: the table names where it ends; history shows the steps between
    ("PE", "corrected", "PR", together(facts("good"), RUN), "D"),
    ("PE", "corrected: nothing to choose", "FP", together(facts("good"), RUN), "D"),
    ("PR", "partly entered: what is entered has errors", "EE", together(elected("NOTHING"), RUN), "R"),
]
BEGIN_OVER = {("PE", "FP"): together(facts("unpriced"), reported("MSC"), RUN)}


@pytest.mark.parametrize(
    ("start", "to", "act"),
    [pytest.param(row[0], row[2], row[3], id=f"{row[0]}-{row[2]}: {row[1]}") for row in OVER],
)
def test_each_move_of_several_steps(driven, start, to, act) -> None:
    BEGIN_OVER.get((start, to), REACH[start])(driven)
    assert driven.status() == start
    act(driven)
    assert driven.status() == to


STAYING: list[tuple[str, str, Act, str]] = [
    ("AE", "still in error", RUN, "D"),
    ("PE", "still in error", RUN, "D"),
    ("EE", "still in error", RUN, "D"),
    ("ET", "changed", elected("NOTHING-SUCH"), "I"),
]


@pytest.mark.parametrize(
    ("start", "act"), [pytest.param(row[0], row[2], id=f"{row[0]}: {row[1]}") for row in STAYING]
)
def test_what_stays_where_it_stands(reached, start, act) -> None:
    act(reached)
    assert reached.status() == start


def test_every_legal_move_has_a_row() -> None:
    rows = {(row[0], row[2]) for row in (*STEPS, *OVER)}
    rows |= {(row[1], row[3]) for row in PASSED} | {(row[0], row[0]) for row in STAYING}
    legal = {(was, now) for was, now, _ in MOVES}
    assert legal - rows == set()
    assert rows - legal == set()
    assert all(row[-1] in "DSKIR" for row in (*STEPS, *PASSED, *OVER, *STAYING))


REFERENCE_STATUSES = ("AS", "AN", "AE", "PR", "PE", "FP", "FA", "NT", "ET", "EE", "FE", "RE")
REFERENCE_MOVES: list[tuple[str, str]] = [
    # from (several, with blanks; - : activity), to: the rows of event-processing §6.2 that are moves
    ("-", "AS AN AE"),
    ("AE", "AS AN AE"),
    ("AN", "FA PR"),
    ("AS", "PR FP PE"),
    ("PE", "PR FP PE"),
    ("PR", "NT"),
    ("PR NT", "ET"),
    ("EE", "ET"),
    ("RE", "ET"),
    ("ET", "FE EE"),
    ("EE", "FE"),
    ("PR NT ET EE RE", "FE"),
    ("FE", "RE"),
]
REFERENCE_INDICATORS = {
    # event-processing §12.1 and the last rows of §6.2: of which statuses each may be asked ('' = none yet)
    "N": {"", *REFERENCE_STATUSES} - {"FE", "FP", "FA"},
    "A": {*REFERENCE_STATUSES} - {"AS"},
    "P": {"PR", "PE", "NT", "ET", "EE", "RE", "FE", "FP"},  # those with a program past AS
    "E": {"ET", "EE", "FE"},
    "R": {"FE"},
    "V": {"", *REFERENCE_STATUSES},
}


def test_the_reference_names_the_statuses_there_are() -> None:
    assert set(REFERENCE_STATUSES) == {str(status) for status in ProcessStatus}
    assert set(REACH) == {"", *REFERENCE_STATUSES}


def test_every_row_of_the_transition_table_of_the_reference_is_driven() -> None:
    asked = {(was, to) for row in REFERENCE_MOVES for was in row[0].split() for to in row[1].split()}
    driven = {(row[0] or "-", row[2]) for row in (*STEPS, *OVER)}
    driven |= {(row[1], row[3]) for row in PASSED} | {(row[0], row[0]) for row in STAYING}
    assert asked - driven == set()


def test_the_reference_names_the_indicators_there_are() -> None:
    assert {letter: set(ends) for letter, (_, ends) in REPROCESSED.items()} == REFERENCE_INDICATORS


@pytest.mark.parametrize("start", ["FE"])
def test_the_database_knows_the_moves_and_refuses_all_others(reached) -> None:
    legal = {(was, now) for was, now, _ in MOVES}
    assert set(StatusMove.objects.values_list("from_status", "to_status")) == legal
    last = EventStep.objects.filter(**reached.key()).latest("step")
    refused = [pair for pair in product(kinds.EVERY, repeat=2) if pair not in legal and pair[0] != pair[1]]
    assert len(refused) > 90
    for was, now in refused:
        with pytest.raises(IntegrityError, match="illegal step"), transaction.atomic():
            EventStep.objects.create(
                **reached.key(),
                step=last.step + 1,
                actor="test",
                from_status=was or None,
                to_status=now or None,
                event_status="O",
                cause="a test",
                moved_at=last.moved_at,
            )


LEGAL_EVENT_MOVES = {
    *(("O", to) for to in "CVD"),
    *(("C", to) for to in "OVD"),
    *(("V", to) for to in "OC"),
    *(("D", to) for to in "CV"),
}


@pytest.mark.parametrize("pair", [p for p in product("OCVD", repeat=2) if p[0] != p[1]], ids="-".join)
@pytest.mark.parametrize("start", ["PR"])
def test_moves_of_the_event_status(reached, pair) -> None:
    path = {"O": "", "C": "C", "V": "V", "D": "D"}[pair[0]]
    with reached.connection.cursor() as cursor:
        for status in path:
            cursor.execute(
                "UPDATE events_event SET event_status = %s WHERE person_id = %s", [status, reached.person_id]
            )
        move = "UPDATE events_event SET event_status = %s WHERE person_id = %s AND schedule_id = %s"
        where = [pair[1], reached.person_id, reached.employer.event_maintenance]
        if pair in LEGAL_EVENT_MOVES:
            cursor.execute(move, where)
            assert reached.event().event_status == pair[1]
            return
        with pytest.raises(IntegrityError, match="illegal move of the event status"), transaction.atomic():
            cursor.execute(move, where)


# --- the reprocessing table ---------------------------------------------------------------------------------

ALL = tuple(REACH)
REPROCESSED: dict[str, tuple[str, dict[str, str]]] = {
    # indicator: the kind, and where it leads from each status it may be asked of
    "A": (
        kinds.ASSIGN,
        dict.fromkeys(("AE", "AN", "PR", "PE", "NT", "ET", "EE", "RE", "FE"), "PR")
        | {"FP": "FP", "FA": "PR"},
    ),
    "P": (kinds.PREPARE, dict.fromkeys(("PR", "PE", "NT", "ET", "EE", "RE", "FE"), "PR") | {"FP": "FP"}),
    "E": (kinds.ELECT, {"ET": "FE", "EE": "EE", "FE": "FE"}),
    "R": (kinds.REENTER, {"FE": "RE"}),
    "V": (kinds.WITHDRAW, {status: status for status in ALL}),
    "N": (
        kinds.NORMAL,
        {"": "PR", "AS": "PR", "AN": "PR", "AE": "PR", "PE": "PR", "PR": "PR", "NT": "NT"}
        | {"ET": "FE", "EE": "EE", "RE": "RE"},
    ),
}
ALLOWED = [
    (letter, was, ends[was]) for was in ALL for letter, (_, ends) in REPROCESSED.items() if was in ends
]
REFUSED = [(letter, was) for was in ALL for letter, (_, ends) in REPROCESSED.items() if was not in ends]


def posted(driven: Driven) -> int:
    """Count the change points of the event that hold."""
    key = driven.key() | {"superseded_by_run": None}
    return Coverage.objects.filter(**key).count()


def chosen(driven: Driven) -> list[str]:
    """Name the options whose election stands."""
    last = Election.objects.filter(**driven.key()).order_by("plan_type", "-submission")
    return [e.option_code for e in last.distinct("plan_type") if not e.is_withdrawn]


@pytest.mark.parametrize(("letter", "start", "to"), ALLOWED, ids=lambda text: text or "new")
def test_each_row_of_the_reprocessing_table(database, employer, stage, reached, letter, start, to) -> None:
    kind = REPROCESSED[letter][0]
    if start in ("AE", "PE", "AN", "FA") and letter != "V":
        reached.facts("good")
    before, elections = reached.event(), chosen(reached)
    had = Election.objects.filter(**reached.key()).values(
        "submission", "option_code", "received_on", "elector"
    )
    had = list(had.order_by("submission"))
    reached.operate(kind)
    after = reached.event()
    assert (after.process_status or "") == to
    assert after.event_status == ("V" if letter == "V" else "C" if to in kinds.FINAL else "O")
    assert after.process_indicator == "N"
    assert (after.elected_on, after.elect_source) == (before.elected_on, before.elect_source)
    now = Election.objects.filter(**reached.key()).values(
        "submission", "option_code", "received_on", "elector"
    )
    assert list(now.order_by("submission"))[: len(had)] == had  # superseded, never erased
    assert chosen(reached) == ([] if letter in "AP" else elections)
    if letter in "AP" and to == "PR":
        assert after.preparation > before.preparation
        assert posted(reached) == 0
    if letter == "P":
        assert after.program_id == before.program_id
    if letter == "E":
        assert (posted(reached) > 0) == (to == "FE")
    if letter in "RV":
        assert posted(reached) == 0
    if letter == "V" and start != "FA":  # there open enrolment was made nothing of before
        assert held(database, employer).equals(stage.others)


@pytest.mark.parametrize(("letter", "start"), REFUSED, ids=lambda text: text or "new")
def test_what_the_reprocessing_table_does_not_offer_is_refused(reached, letter, start) -> None:
    before = reached.steps()
    with pytest.raises(RepairRefused, match="expected"):
        reached.operate(REPROCESSED[letter][0])
    assert reached.steps() == before


def test_every_indicator_of_the_field_is_a_kind() -> None:
    assert {letter: kind for letter, (kind, _) in REPROCESSED.items()} == kinds.INDICATORS


@pytest.mark.parametrize("start", ["PR"])
def test_an_event_prepared_again_keeps_its_program_and_one_assigned_again_does_not(reached) -> None:
    program = reached.event().program_id
    reached.facts("none")
    reached.operate(kinds.PREPARE)
    assert (reached.status(), reached.event().program_id) == ("PR", program)
    assert reached.steps()[-1] == ("AS", "PR")
    reached.operate(kinds.ASSIGN)
    assert reached.steps()[-3:] == [("PR", "AN"), ("AN", "PR"), ("PR", "FE")]


@pytest.mark.parametrize("start", ["PR"])
def test_a_program_kept_is_kept_until_the_event_is_assigned_again(reached) -> None:
    program = reached.event().program_id
    reached.facts("none")
    reached.operate(kinds.PREPARE)
    assert reached.event().program_kept_on == LATER.date()
    FINALIZE(reached)
    assert (reached.status(), reached.event().program_id) == ("FE", program)
    reached.operate(kinds.AGAIN)
    assert (reached.status(), reached.event().program_id) == ("FE", program)
    reached.operate(kinds.ASSIGN)
    assert reached.event().program_kept_on is None
    assert reached.steps()[-3:] == [("FE", "AN"), ("AN", "PR"), ("PR", "FE")]


@pytest.mark.parametrize("start", ["PR"])
def test_the_day_of_disconnection_is_kept_and_goes_with_it(reached) -> None:
    reached.operate(kinds.DISCONNECT)
    assert reached.event().disconnected_on == LATER.date()
    reached.operate(kinds.RECONNECT)
    assert reached.event().disconnected_on is None


# --- disconnection ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [status for status in ALL if status], ids=str)
def test_a_disconnected_event_can_only_be_voided_or_reconnected(
    database, employer, stage, reached, start
) -> None:
    before = held(database, employer)
    reached.operate(kinds.DISCONNECT)
    assert (reached.event().event_status, reached.status()) == ("D", start)
    assert held(database, employer).equals(before)  # what was posted stays until it is void
    FINALIZE(reached)
    assert (reached.event().event_status, reached.status()) == ("D", start)
    for kind in (kinds.ASSIGN, kinds.PREPARE, kinds.ELECT, kinds.REENTER, kinds.NORMAL, kinds.FINALIZE):
        with pytest.raises(RepairRefused, match="disconnected"):
            reached.operate(kind)
    reached.operate(kinds.WITHDRAW)
    assert reached.event().event_status == "V"
    assert posted(reached) == 0
    if start != "FA":
        assert held(database, employer).equals(stage.others)


@pytest.mark.parametrize("start", ["FE"])
def test_a_disconnected_event_is_reconnected_and_decided_again(database, employer, reached) -> None:
    before = held(database, employer)
    reached.operate(kinds.DISCONNECT)
    reached.operate(kinds.RECONNECT)
    assert (reached.event().event_status, reached.status()) == ("C", "FE")
    assert held(database, employer).equals(before)


# --- flags --------------------------------------------------------------------------------------------------


def corrected_address(driven: Driven) -> None:
    held_on = AddressFact.objects.filter(person_id=driven.person_id).latest("version").valid_from
    place = {"state": "MA", "postal_code": "01201", "country": "USA"}
    by = {"made_by": "test", "now": LATER}
    workforce.move(driven.employer.client_id, driven.person_id, on=held_on, address=place, **by)


def earlier_event(driven: Driven) -> None:
    by = {"made_by": "test", "now": LATER}
    workforce.report_life_event(
        driven.employer.client_id,
        driven.person_id,
        event_class="MSC",
        on=date(2026, 2, 10),
        reported_on=date(2026, 2, 10),
        **by,
    )


def another_birth_date(driven: Driven) -> None:
    born = {"birth_on": date(1980, 5, 5)}
    by = {"made_by": "test", "now": LATER}
    workforce.change_person(driven.employer.client_id, driven.person_id, on=DAY, changes=born, **by)


FLAGS: list[tuple[str, str, Act]] = [
    ("address corrected", "is_eligibility_changed", corrected_address),
    ("job corrected", "is_eligibility_changed", facts("none")),
    ("another birth date", "is_eligibility_changed", another_birth_date),
    ("an earlier event", "is_out_of_sequence", earlier_event),
]


@pytest.mark.parametrize(("flag", "act"), [pytest.param(*row[1:], id=row[0]) for row in FLAGS])
@pytest.mark.parametrize("kind", [kinds.AGAIN, kinds.ASSIGN])
@pytest.mark.parametrize("start", ["FE"])
def test_each_flag_is_set_and_cleared_when_it_is_decided_again(reached, flag, act, kind) -> None:
    key = reached.key()
    event = Event.objects.filter(**key)
    assert not getattr(event.get(), flag)
    act(reached)
    RUN(reached)
    assert getattr(event.get(), flag)
    targets = reached.order(kind).targets.with_columns(event_number=pl.lit(key["event_number"], pl.Int32))
    repair(reached.connection, replace(reached.order(kind), targets=targets), now=LATER)
    assert not getattr(event.get(), flag)
