"""Whatever is done to events and undone again leaves no trace: random operations, in any order, on many people."""

from datetime import date

import polars as pl
import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.laws.test_kernel_agrees import IS_FUZZING
from tests.runs.conftest import NOW, put_employer

from openbenefits.core.codes import Level
from openbenefits.events.frames import load_events
from openbenefits.events.models import Event
from openbenefits.events.rules import EVENT_KEY, is_to_be_replayed
from openbenefits.payroll.services import owed
from openbenefits.repair import kinds
from openbenefits.repair.operations import operate, undo
from openbenefits.repair.services import RepairOrder
from openbenefits.repair.targets import judged, spelled
from openbenefits.runs.services import run
from openbenefits.workforce import services as workforce

from .worlds import LATER, YEAR_END, everybody, held

PEOPLE = 24
AS_OF = date(2026, 4, 20)
BEGIN = date(2026, 1, 1)
UNDONE = sorted(
    code for code, kind in kinds.KINDS.items() if kind.undone_by and code not in (kinds.MOVE, kinds.RESTORE)
)

LASTING = [code for code in UNDONE if code != kinds.PREPARE]
"""The program that P keeps against the rules is kept until the event is decided again."""

LAW = settings(
    max_examples=100 if IS_FUZZING else 4,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example takes seconds: no shrinking
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def employer(database, tmp_path_factory):
    """Everybody enrolled for 2026; of three people each one married, one left, one works less."""
    made = put_employer(tmp_path_factory.mktemp("harbor"), people=PEOPLE)
    run(database, made.order(is_finalizing=True, through=Level.ELECTIONS), now=NOW)
    people = sorted(set(Event.objects.values_list("person_id", flat=True)))
    by = {"made_by": "test", "now": LATER}
    for place, person_id in enumerate(people):
        day = date(2026, 2, 1 + place)
        if place % 3 == 0:
            workforce.report_life_event(
                made.client_id, person_id, event_class="MAR", on=day, reported_on=day, **by
            )
        elif place % 3 == 1:
            workforce.terminate(made.client_id, person_id, last_day_employed=day, **by)
        else:
            fewer = {"weekly_hours_hundredths": 500, "full_part_time": "P"}
            workforce.change_job(made.client_id, person_id, on=day, action="DTA", changes=fewer, **by)
    order = made.order(
        schedule_id=made.event_maintenance, as_of=AS_OF, through=Level.ELECTIONS, is_finalizing=True
    )
    run(database, order, now=LATER)
    return made


def order_of(employer, targets) -> RepairOrder:
    return RepairOrder(
        client_id=employer.client_id,
        targets=targets,
        as_of=AS_OF,
        begin=BEGIN,
        through=BEGIN,
        reason="a test",
        author="tester",
    )


def standing(connection, employer) -> list[pl.DataFrame]:
    events = load_events(connection, everybody(connection, employer)).sort(EVENT_KEY)
    lines = owed(connection, employer.client_id, begin=BEGIN, through=YEAR_END).drop("cause")
    columns = ["event_on", "process_status", "event_status", "is_finalized", "process_indicator"]
    stands = pl.when(~is_to_be_replayed()).then("process_status")  # else that of the decision taken back
    events = events.with_columns(process_status=stands)
    return [
        held(connection, employer),
        lines.sort("person_id", "plan_type", "kind", "ends_on", "tax_class"),
        events.select(*EVENT_KEY, *columns),
    ]


def allowed(connection, employer, drawn: list[str], day: date) -> pl.DataFrame:
    """One operation for one event of each person, where it may be."""
    events = load_events(connection, everybody(connection, employer)).sort(EVENT_KEY)
    word = pl.Series("kind", [drawn[place % len(drawn)] for place in range(events.height)])
    asked = (
        events.select(EVENT_KEY)
        .with_columns(word)
        .with_columns(to_on=pl.when(pl.col("kind") == kinds.REDATE).then(pl.lit(day)))
    )
    targets = spelled(asked)
    good = targets.join(judged(connection, events, targets), on=list(EVENT_KEY), how="anti")
    return good.unique(["person_id"], keep="first", maintain_order=True)


def differing(before: pl.DataFrame, after: pl.DataFrame, targets: pl.DataFrame) -> list[str]:
    """Name a few rows that differ, and what was done to these people."""
    sides = (("gone", before, after), ("come", after, before))
    told = []
    for name, one, other in sides:
        rows = one.join(other, on=one.columns, how="anti", nulls_equal=True).head(4)
        shown = [column for column in rows.columns if rows[column].null_count() < rows.height]
        done = targets.join(rows, on="person_id", how="semi").select("person_id", "schedule_id", "kind")
        told += [f"{name}: {row}" for row in rows.select(shown).rows(named=True)] + [str(done.rows())]
    return told


@LAW
@given(
    st.lists(st.sampled_from(LASTING), min_size=5, max_size=9),
    st.lists(st.sampled_from(UNDONE), min_size=5, max_size=9),
    st.dates(date(2026, 1, 5), date(2026, 4, 10)),
)
def test_what_is_undone_leaves_no_trace(database, employer, first, second, day) -> None:
    with transaction.atomic():
        states = [standing(database, employer)]
        done: list[pl.DataFrame] = []
        for drawn in (first, second):
            targets = allowed(database, employer, drawn, day)
            if targets.is_empty():
                continue
            operate(database, order_of(employer, targets), now=LATER)
            done.append(targets)
            states.append(standing(database, employer))
        for targets in reversed(done):
            states.pop()
            undo(database, order_of(employer, targets), now=LATER)
            for before, after in zip(states[-1], standing(database, employer), strict=True):
                assert before.equals(after), differing(before, after, targets)
        transaction.set_rollback(True)
