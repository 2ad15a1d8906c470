"""A repair taken back as a whole: what held before holds again; what was operated on since goes first."""

from datetime import date, timedelta

import polars as pl
import pytest
from tests.runs.test_taking_back import assert_same, state

from openbenefits.core.codes import Level
from openbenefits.events.rules import EVENT_KEY
from openbenefits.repair import kinds
from openbenefits.repair.operations import operate
from openbenefits.repair.services import RepairOrder
from openbenefits.repair.taking_back import take_back_repair
from openbenefits.runs.acts import ActRefused
from openbenefits.runs.models import Run, RunAct
from openbenefits.runs.passive import passive_history, run_passive_events
from openbenefits.runs.services import run
from openbenefits.runs.taking_back import take_back

from .worlds import LATER, YEAR_END, events_of

EVEN_LATER = LATER + timedelta(days=1)
WHY = {"reason": "not that one", "author": "boss", "now": EVEN_LATER}
SPAN = {"begin": date(2026, 1, 1), "through": YEAR_END}


def repaired(connection, employer, kind, *, most=5) -> int:
    """Do one thing with the open-enrolment events of some people, in one run; answer its number."""
    wanted = pl.col("process_status").is_in(["FE", "RE"])
    events = events_of(connection, employer, schedule_id=employer.open_enrollment).filter(wanted)
    targets = events.sort(EVENT_KEY).head(most).select(EVENT_KEY).with_columns(kind=pl.lit(kind))
    order = RepairOrder(
        client_id=employer.client_id,
        targets=targets,
        as_of=date(2026, 4, 20),
        reason="a test",
        author="us",
        **SPAN,
    )
    operate(connection, order, now=LATER)
    return Run.objects.latest("pk").pk


@pytest.mark.parametrize("kind", [kinds.WITHDRAW, kinds.REENTER, kinds.ASSIGN, kinds.PREPARE])
def test_what_a_repair_did_is_undone_as_a_whole(fresh_database, enrolled, kind):
    before = state(fresh_database, enrolled)
    number = repaired(fresh_database, enrolled, kind)
    after = state(fresh_database, enrolled)
    assert not after["events"].equals(before["events"])
    told = take_back_repair(fresh_database, number, is_rehearsal=True, **WHY, **SPAN)
    assert_same(state(fresh_database, enrolled), after)
    done = take_back_repair(fresh_database, number, **WHY, **SPAN)
    assert done.consequences.coverage.equals(told.consequences.coverage)
    assert_same(compared(state(fresh_database, enrolled)), compared(before))
    assert Run.objects.get(pk=number).state == "taken back"
    assert RunAct.objects.get(run_id=number).reason == WHY["reason"]
    with pytest.raises(ActRefused, match="found taken back"):
        take_back_repair(fresh_database, number, **WHY, **SPAN)


def compared(found):
    """Leave out by which indicator an event was last decided."""
    return found | {"events": found["events"].drop("process_indicator")}


def test_what_was_operated_on_since_goes_first_and_what_ordered_nothing_stays(fresh_database, enrolled):
    first = repaired(fresh_database, enrolled, kinds.REENTER)
    second = repaired(fresh_database, enrolled, kinds.WITHDRAW, most=2)
    with pytest.raises(ActRefused, match="found 2 of 5"):
        take_back_repair(fresh_database, first, **WHY, **SPAN)
    take_back_repair(fresh_database, second, **WHY, **SPAN)
    take_back_repair(fresh_database, first, **WHY, **SPAN)
    lasting = repaired(fresh_database, enrolled, kinds.AGAIN, most=1)
    with pytest.raises(ActRefused, match="decided again only"):
        take_back_repair(fresh_database, lasting, **WHY, **SPAN)
    with pytest.raises(ActRefused, match="expected a repair"):
        take_back_repair(fresh_database, Run.objects.filter(kind="process").first().pk, **WHY, **SPAN)


def test_the_command_takes_repairs_back(fresh_database, enrolled, cli):
    before = state(fresh_database, enrolled)
    number = repaired(fresh_database, enrolled, kinds.WITHDRAW)
    done = cli("run", "take-back", number, "--reason", "not that one", "--by", "boss")
    assert done.exit_code == 0, done.output
    assert_same(compared(state(fresh_database, enrolled)), compared(before))


def test_a_run_of_passive_events_goes_back_with_the_events_made_of_it(fresh_database, enrolled):
    before = state(fresh_database, enrolled)
    span = {"begin": date(2026, 1, 1), "as_of": date(2026, 12, 31), "now": LATER, "started_by": "night"}
    done = run_passive_events(
        fresh_database, enrolled.client_id, process_with=enrolled.event_maintenance, **span
    )
    after = state(fresh_database, enrolled)
    assert not after["activity"].equals(before["activity"])
    assert not after["events"].equals(before["events"])
    take_back(fresh_database, done.run_id, **WHY)
    assert_same(state(fresh_database, enrolled), before)
    assert "taken back" in passive_history(enrolled.client_id)["state"].to_list()

    alone = run_passive_events(fresh_database, enrolled.client_id, **span)
    order = enrolled.order(
        schedule_id=enrolled.event_maintenance, as_of=span["as_of"], through=Level.ELECTIONS
    )
    later = run(fresh_database, order, now=EVEN_LATER)
    with pytest.raises(ActRefused, match=f"found the runs {later.run_id}"):
        take_back(fresh_database, alone.run_id, **WHY)
    take_back(fresh_database, later.run_id, **WHY)
    take_back(fresh_database, alone.run_id, **WHY)
    assert_same(state(fresh_database, enrolled), before)
