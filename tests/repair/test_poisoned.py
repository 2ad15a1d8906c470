"""Whatever is wrong with somebody's data: exactly those people are reported, and all others are done (users-want 4).

Each example spoils the data of a few of some 200 people in a way of its own, runs, and compares everybody else
with a run in which nobody was spoilt. Corrected, the spoilt are done by the next run, as if never spoilt.
"""

from dataclasses import dataclass

import polars as pl
import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.laws.test_kernel_agrees import IS_FUZZING
from tests.runs.conftest import NOW, put_employer

from openbenefits.core.codes import Level
from openbenefits.events.models import Message
from openbenefits.runs.models import RunPerson
from openbenefits.runs.services import run
from openbenefits.workforce.bounds import LARGEST_HOURS_HUNDREDTHS, LARGEST_PAY_CENTS, OLDEST_BIRTH

from .worlds import events_of, held

PEOPLE = 200
IN_ERROR = ["AE", "PE"]


@dataclass(frozen=True)
class Poison:
    """What is written over somebody's facts, and whether it surely keeps the event from being decided."""

    table: str
    values: str
    is_sure: bool


POISONS = {
    "no such pay group": Poison("workforce_jobfact", "pay_group = 'NOWHERE'", is_sure=True),
    "hours and full time unknown": Poison(
        "workforce_jobfact", "weekly_hours_hundredths = NULL, full_part_time = NULL", is_sure=True
    ),
    "pay unknown": Poison("workforce_jobfact", "annual_pay_cents = NULL", is_sure=True),
    "pay as high as may be": Poison(
        "workforce_jobfact", f"annual_pay_cents = {LARGEST_PAY_CENTS}", is_sure=False
    ),
    "no pay": Poison("workforce_jobfact", "annual_pay_cents = 0", is_sure=False),
    "as many hours as there are": Poison(
        "workforce_jobfact", f"weekly_hours_hundredths = {LARGEST_HOURS_HUNDREDTHS}", is_sure=False
    ),
    "born on the last day there is": Poison("workforce_personfact", "birth_on = '9999-12-31'", is_sure=False),
    "born as early as may be": Poison("workforce_personfact", f"birth_on = '{OLDEST_BIRTH}'", is_sure=False),
    "birth unknown": Poison("workforce_personfact", "birth_on = NULL", is_sure=False),
    "no home": Poison("workforce_addressfact", "postal_code = NULL, state = NULL", is_sure=False),
}

LAW = settings(
    max_examples=30 if IS_FUZZING else 6,
    deadline=None,
    derandomize=not IS_FUZZING,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def employer(database, tmp_path_factory):
    return put_employer(tmp_path_factory.mktemp("harbor"), people=PEOPLE)


@pytest.fixture(scope="module")
def clean(database, employer):
    """What everybody holds, and where their events stand, when nobody is spoilt."""
    with transaction.atomic():
        finalize(database, employer)
        found = held(database, employer), standing(database, employer)
        transaction.set_rollback(True)
    assert found[1].filter(pl.col("process_status").is_in(IN_ERROR)).is_empty()
    return found


def finalize(connection, employer):
    return run(connection, employer.order(is_finalizing=True, through=Level.ELECTIONS), now=NOW)


def standing(connection, employer):
    columns = ["person_id", "event_on", "event_status", "process_status", "program_id"]
    return events_of(connection, employer).select(columns).sort(columns)


def spoil(connection, poison, person_id):
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {poison.table} SET {poison.values} WHERE person_id = %s", [person_id])
        assert cursor.rowcount


@LAW
@given(
    chosen=st.lists(
        st.tuples(st.integers(0, PEOPLE - 1), st.sampled_from(sorted(POISONS))),
        min_size=1,
        max_size=4,
        unique_by=lambda one: one[0],
    )
)
def test_exactly_the_spoilt_are_reported_and_all_others_are_done(database, employer, clean, chosen) -> None:
    coverage, events = clean
    people = events["person_id"].unique().sort().to_list()
    spoilt = {people[place % len(people)]: POISONS[name] for place, name in chosen}
    sure = {person for person, poison in spoilt.items() if poison.is_sure}
    with transaction.atomic():
        for person, poison in spoilt.items():
            spoil(database, poison, person)
        result = finalize(database, employer)
        now = standing(database, employer)
        others = ~pl.col("person_id").is_in(list(spoilt))
        assert now.filter(others).equals(events.filter(others)), "somebody else stands elsewhere"
        assert held(database, employer).filter(others).equals(coverage.filter(others)), (
            "somebody else holds other"
        )
        wrong = set(now.filter(pl.col("process_status").is_in(IN_ERROR))["person_id"])
        assert sure <= wrong <= set(spoilt), f"{sure=} {wrong=}"
        errors = Message.objects.filter(is_current=True, severity="E")
        assert wrong <= set(errors.values_list("person_id", flat=True)) <= set(spoilt)
        named = RunPerson.objects.filter(run_id=result.run_id, outcome="not finalised")
        assert set(named.values_list("person_id", flat=True)) == wrong
        assert result.outcomes["people"].sum() == result.people
        transaction.set_rollback(True)
