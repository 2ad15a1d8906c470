"""The analysts' tables, through the scalar oracle and through the columnar kernel."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.laws import kernel
from tests.oracle import credit_use, owed, pay_periods, prepare
from tests.oracle import elections as scalar_elections
from tests.oracle.cases import (
    TableCase,
    differences,
    load_calendar_cases,
    load_cases,
    load_credit_cases,
    load_election_cases,
    load_owed_cases,
)
from tests.oracle.dates import flagged_periods
from tests.oracle.rows import Setup

Engine = Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], dict[str, Any]]


CASES = list(load_cases())
ELECTED = [one for one in load_election_cases() if "said" in one.expect]
PREPARE = kernel.Together([(one.peo, one.client, one.person) for one in CASES], kernel.Kernel.prepare)
COVERED = [one for one in load_election_cases() if "covers" in one.expect]
CHECK = kernel.Together([(one.peo, one.client, one.person) for one in ELECTED], kernel.Kernel.checked)
COVER = kernel.Together([(one.peo, one.client, one.person) for one in COVERED], kernel.Kernel.covered)


@pytest.fixture(params=[prepare, PREPARE], ids=["oracle", "kernel"])
def engine(request: pytest.FixtureRequest) -> Engine:
    return request.param


def _named(cases: list[TableCase]) -> list:
    return [pytest.param(case, id=case.name) for case in cases]


@pytest.mark.parametrize("case", _named(CASES))
def test_prepared(case: TableCase, engine: Engine) -> None:
    result = engine(case.peo, case.client, case.person)
    expect = {name: value for name, value in case.expect.items() if name not in kernel.DECIDED_BY_RUNS}
    if engine is prepare:
        expect = case.expect
    assert differences(expect, result) == []


@pytest.mark.parametrize("case", _named(ELECTED))
@pytest.mark.parametrize("check", [scalar_elections.check, CHECK], ids=["oracle", "kernel"])
def test_elections(case: TableCase, check: Engine) -> None:
    found = check(case.peo, case.client, case.person)
    assert found["messages"] == sorted((code, plan_type) for code, plan_type in case.expect["said"])
    assert found["falls"] == sorted(case.expect.get("falls") or [])


@pytest.mark.parametrize("case", _named(COVERED))
def test_covered(case: TableCase) -> None:
    found, covers = COVER(case.peo, case.client, case.person), case.expect["covers"]
    assert {plan_type: found.get(plan_type, []) for plan_type in covers} == covers


@pytest.mark.parametrize("case", _named(list(load_owed_cases())))
def test_owed(case: TableCase) -> None:
    lines = owed(case.peo, case.client, case.person, case.points or [], case.from_on, case.through_on)
    told = [[line["ends_on"], line["kind"], line["tax"], line["owed_cents"]] for line in lines]
    found = {
        "lines": told,
        "owed": [[line["ends_on"], line["owed_cents"]] for line in lines],
        "total_cents": sum(line["owed_cents"] for line in lines),
        "count": len(lines),
    }
    assert {key: found[key] for key in case.expect} == case.expect


@pytest.mark.parametrize("case", _named(list(load_credit_cases())))
@pytest.mark.parametrize("settle", [credit_use, kernel.credit_use], ids=["oracle", "kernel"])
def test_credits(case: TableCase, settle: Callable[..., dict[str, Any] | None]) -> None:
    found = settle(case.peo, case.client, case.person, case.chosen, case.choice)
    if found is None:
        assert case.expect == {"nothing": True}
    else:
        assert {key: found[key] for key in case.expect} == case.expect


@pytest.mark.parametrize("case", _named(list(load_calendar_cases())))
def test_calendar(case: TableCase) -> None:
    periods = pay_periods(Setup(case.peo, case.client).pay_group(case.person))
    expect = case.expect["calendar"]
    if "ends_on" in expect:
        found = next(period for period in periods if period["ends_on"] == expect["ends_on"])
        assert {key: found[key] for key in expect} == expect
    else:
        flagged = flagged_periods(periods, expect["year"], expect["flags"])
        assert (None if flagged is None else len(flagged)) == expect["count"]


def test_every_case_has_a_name_and_a_source() -> None:
    every = [*load_cases(), *load_owed_cases(), *load_calendar_cases()]
    for case in [*every, *load_election_cases(), *load_credit_cases()]:
        assert case.source, case.name
