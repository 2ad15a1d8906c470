"""Time travel: as known on a day equals what was shown on that day, whatever was done afterwards."""

import shutil
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.laws.test_kernel_agrees import IS_FUZZING
from tests.runs.conftest import NOW, Employer

from openbenefits.core.codes import Level
from openbenefits.programs import services as setup
from openbenefits.repair.proposals import DueOrder, find_proposals, order_of
from openbenefits.repair.services import repair
from openbenefits.reports import frames
from openbenefits.reports.explain import explain, to_dict
from openbenefits.reports.hindsight import held_on, letters_then, offered_on
from openbenefits.reports.issuing import CONFIRMATION, ENROLLMENT, letters_of
from openbenefits.reports.names import load_names
from openbenefits.runs.services import run
from openbenefits.sample import SAMPLE_FOLDER

from .test_histories import PEOPLE, SUMMER, changes
from .twins import Twins, record, with_twins
from .worlds import LATER, YEAR_END

DAYS = (date(2026, 1, 10), date(2026, 4, 30), date(2026, 8, 1))
SOME = 2
LAW = settings(
    max_examples=20 if IS_FUZZING else 2,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def world(fresh_database, make_employer) -> tuple[Employer, Twins]:
    """An employer whose open enrolment for 2026 is prepared, and waits for answers."""
    employer = make_employer(fresh_database, is_faulty=False, people=PEOPLE)
    twins = with_twins(employer.client_id, NOW)
    run(fresh_database, employer.order(through=Level.OPTIONS), now=NOW)
    return employer, twins


def shown(connection: Any, employer: Employer, people: list[int]) -> dict[str, pl.DataFrame]:
    """What somebody who looks now is shown."""
    found = {f"held on {day}": held_on(connection, employer.client_id, people, as_of=day) for day in DAYS}
    found |= {
        f"offered to {one}": offered_on(connection, employer.client_id, one, as_of=SUMMER)
        for one in people[:SOME]
    }
    found |= {f"explained to {one}": explained(connection, employer, one) for one in people[:SOME]}
    names = load_names(connection)
    for kind in (ENROLLMENT, CONFIRMATION):
        for schedule in (employer.open_enrollment, employer.event_maintenance):
            events = frames.load_events(connection, schedule_ids=[schedule]).filter(
                pl.col("process_status").is_in([*kind.statuses, "NT", "RE"])
                & pl.col("event_status").is_in(kind.event_statuses)
                & (pl.col("preparation") > 0)
            )
            if kind is CONFIRMATION:
                events = events.filter(process_status="FE")
            if events.height:
                letters = letters_of(connection, kind, frames.with_case(events), names)
                found[f"{kind.name} {schedule}"] = letters
    return found


def explained(
    connection: Any, employer: Employer, person_id: int, known_at: datetime | None = None
) -> pl.DataFrame:
    """The page that explains a person's last event, line by line."""
    told = explain(connection, employer.client_id, person_id, known_at=known_at)
    return pl.DataFrame({"told": [f"{name}: {value}" for name, value in to_dict(told).items()]})


def shown_then(
    connection: Any, employer: Employer, people: list[int], at: datetime
) -> dict[str, pl.DataFrame]:
    """What is said now of what was shown then."""
    found = {
        f"held on {day}": held_on(connection, employer.client_id, people, as_of=day, known_at=at)
        for day in DAYS
    }
    found |= {
        f"offered to {one}": offered_on(connection, employer.client_id, one, as_of=SUMMER, known_at=at)
        for one in people[:SOME]
    }
    found |= {f"explained to {one}": explained(connection, employer, one, at) for one in people[:SOME]}
    for kind in (ENROLLMENT, CONFIRMATION):
        for schedule in (employer.open_enrollment, employer.event_maintenance):
            letters = letters_then(connection, kind, schedule, None, at)
            if letters.height:
                found[f"{kind.name} {schedule}"] = letters
    return found


def maintain(connection: Any, employer: Employer, now: datetime) -> None:
    """A nightly run that finalises, of both schedules, and the repairs there are."""
    for schedule in (employer.open_enrollment, employer.event_maintenance):
        order = employer.order(
            schedule_id=schedule, as_of=SUMMER, through=Level.ELECTIONS, is_finalizing=True
        )
        run(connection, order, now=now)
    due = DueOrder(
        client_id=employer.client_id, as_of=SUMMER, begin=date(2026, 1, 1), through=YEAR_END, author="test"
    )
    proposals = find_proposals(connection, employer.client_id)
    if not proposals.is_empty():
        repair(connection, order_of(due, proposals, "a test"), now=now)


def rename_everything(folder: Any, now: datetime) -> None:
    """Apply the PEO's set-up anew, with every name changed."""
    shutil.copytree(SAMPLE_FOLDER / "peo", folder)
    for file in folder.rglob("*.yaml"):
        file.write_text(file.read_text().replace("name: ", "name: New "))
    applied = setup.apply(folder, client_id=0, applied_by="test", now=now)
    assert applied.release is not None, applied.findings


@LAW
@given(changes(1), changes(11), st.integers(0, 2))
def test_as_known_then_is_what_was_shown_then(
    fresh_database, world, tmp_path_factory, first, later, renamed_after
) -> None:
    employer, twins = world
    people = twins.both().to_list()
    with transaction.atomic():
        at = LATER
        kept = [(at, shown(fresh_database, employer, people))]
        acts = [(change, False) for change in (*first, *later)] + [(change, True) for change in first]
        for place, (change, is_deleted) in enumerate(acts):
            at += timedelta(days=1)
            if place == renamed_after:
                rename_everything(tmp_path_factory.mktemp("set-up") / "peo", at)
            record(twins, change, of="tried", now=at, is_deleted=is_deleted)
            maintain(fresh_database, employer, at)
            kept.append((at, shown(fresh_database, employer, people)))
        assert any(
            not one.equals(other)
            for one, other in zip(kept[0][1].values(), kept[-1][1].values(), strict=False)
        )
        for at, then in kept:
            assert_shown(then, shown_then(fresh_database, employer, people, at), at)
        transaction.set_rollback(True)


def assert_shown(then: dict[str, pl.DataFrame], now: dict[str, pl.DataFrame], at: datetime) -> None:
    assert then.keys() == now.keys()
    for name, frame in then.items():
        said = now[name]
        assert said.drop("case", strict=False).equals(frame.drop("case", strict=False)), (
            f"{name} as known at {at}: {differing(frame, said)}"
        )


def differing(one: pl.DataFrame, other: pl.DataFrame) -> list[Any]:
    if one.columns == ["told"]:
        rows = [
            (was, is_now) for was, is_now in zip(one["told"], other["told"], strict=True) if was != is_now
        ]
        starts = [next((i for i, (x, y) in enumerate(zip(*row, strict=False)) if x != y), 0) for row in rows]
        return [
            (was[at - 60 : at + 90], now[at - 60 : at + 90])
            for (was, now), at in zip(rows, starts, strict=True)
        ]
    columns = [name for name in one.columns if not one[name].equals(other[name])]
    return [columns[:5], one.select(columns).head(2).rows(), other.select(columns).head(2).rows()]
