"""Laws of the kernel: it says what the scalar oracle says, and says it of each person alone.

OPENBENEFITS_FUZZ=1 looks at thousands of set-ups instead of some dozens, and at millions of people.
"""

import os
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from tests.laws.kernel import AMOUNTS, FLAGS, Kernel, prepare_all, with_missing_facts
from tests.laws.multitude import multitude
from tests.laws.strategies import people, setups
from tests.oracle import prepare

Row = dict[str, Any]

IS_FUZZING = bool(os.environ.get("OPENBENEFITS_FUZZ"))
LAW = settings(
    max_examples=4000 if IS_FUZZING else 25,
    deadline=None,
    phases=[
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
    ],  # shrinking takes longer than reading the difference
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
FEW = settings(LAW, max_examples=400 if IS_FUZZING else 8)

PLAN = (
    *("coverage_begins_on", "deduction_begins_on", "coverage_ends_on", "deduction_ends_on"),
    *("current_option", "default_option", "offered", "is_choice", "is_lost", "is_ignored"),
    *("is_waive_allowed", "is_changed_by_default"),
)


class Crowd:
    """A set-up and several people of its client; too large to be shown whole."""

    def __init__(self, peo: Row, client: Row, people_of_client: list[Row]) -> None:
        self.peo, self.client, self.people = peo, client, people_of_client

    def __repr__(self) -> str:
        return f"a crowd of {len(self.people)} for {[person['event'] for person in self.people]}"


@st.composite
def crowds(draw: DrawFn, most: int = 6) -> Crowd:
    """Draw a set-up and several people of its client."""
    peo, client = draw(setups())
    return Crowd(peo, client, draw(st.lists(people(client), min_size=1, max_size=most)))


@LAW
@given(crowds())
def test_the_kernel_says_what_the_oracle_says(crowd: Crowd) -> None:
    _assert_agree(crowd, crowd.people)


@settings(LAW, max_examples=4000 if IS_FUZZING else 3)
@given(crowds(most=12), st.integers(0, 2**32))
def test_it_says_so_of_multitudes(crowd: Crowd, seed: int) -> None:
    _assert_agree(crowd, multitude(crowd.people, 1_000 if IS_FUZZING else 100, seed))


@FEW
@given(crowds())
def test_everybody_is_prepared_as_if_alone(crowd: Crowd) -> None:
    kernel = Kernel(crowd.peo, [crowd.client], crowd.people)
    together = kernel.prepare([(1, person) for person in crowd.people])
    assert together == [kernel.prepare([(1, person)])[0] for person in crowd.people]


@FEW
@given(crowds(most=4), st.integers(0, 3))
def test_bad_data_of_one_person_changes_nobody_else(crowd: Crowd, place: int) -> None:
    poisoned = place % len(crowd.people)
    kernel = Kernel(crowd.peo, [crowd.client], crowd.people)
    before = kernel.prepare([(1, person) for person in crowd.people])
    people_of = list(crowd.people)
    people_of[poisoned] = with_missing_facts(people_of[poisoned])
    after = kernel.prepare([(1, person) for person in people_of])
    del before[poisoned], after[poisoned]
    assert before == after


@FEW
@given(crowds(most=3))
def test_more_clients_change_nothing(crowd: Crowd) -> None:
    alone = prepare_all(crowd.peo, crowd.client, crowd.people)
    kernel = Kernel(crowd.peo, [crowd.client] * 3, crowd.people)
    mixed = kernel.prepare([(number, person) for person in crowd.people for number in (1, 2, 3)])
    for number in range(3):
        assert mixed[number::3] == alone


def _assert_agree(crowd: Crowd, everybody: list[Row]) -> None:
    found = prepare_all(crowd.peo, crowd.client, everybody)
    for one, person in zip(found, everybody, strict=True):
        expected = prepare(crowd.peo, crowd.client, person)
        assert differing(comparable(one), comparable(expected)) == []
        _assert_messages_agree(one, expected)


def differing(found: Row, expected: Row, place: str = "") -> list[str]:
    """Say where two results differ: a line for each value."""
    if not isinstance(found, dict) or not isinstance(expected, dict):
        return [] if found == expected else [f"{place}: the kernel says {found}, the oracle {expected}"]
    return [
        line
        for key in found.keys() | expected.keys()
        for line in differing(found.get(key, "nothing"), expected.get(key, "nothing"), f"{place} {key}")
    ]


def comparable(result: Row) -> Row:
    """Keep what both engines decide; messages are compared apart."""
    names = ("assignment", "status", "program", "general_credit")
    return {
        **{name: result[name] for name in names},
        "plans": {kind: {name: plan[name] for name in PLAN} for kind, plan in result["plans"].items()},
        "general_deductions": {
            code: {name: option[name] for name in (*FLAGS, *AMOUNTS)}
            for code, option in result["general_deductions"].items()
        },
        "options": {
            key: {name: option[name] for name in (*FLAGS, *AMOUNTS)}
            for key, option in result["options"].items()
        },
    }


def _assert_messages_agree(found: Row, expected: Row) -> None:
    """The kernel names, per plan type, at least one of the faults, and none the oracle does not know."""
    said = {(code, plan_type or "") for code, plan_type, _ in found["messages"]}
    known = {(code, plan_type or "") for code, plan_type, _ in expected["messages"]}
    assert said <= known
    assert {plan_type for _, plan_type in said} == {plan_type for _, plan_type in known}
