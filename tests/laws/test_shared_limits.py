"""What the message about a shared limit says: the sum, the limit, and every plan type under it."""

from copy import deepcopy
from typing import Any

from tests.laws.kernel import Kernel
from tests.oracle.cases import load_election_cases

from openbenefits.enrollment.rules.validate import check_elections

NAME = "elections-amounts.yaml: plan types under one limit are counted together · row 2"


def test_the_message_names_all_plan_types_under_the_limit_and_what_they_come_to() -> None:
    case = next(one for one in load_election_cases("elections-amounts.yaml") if one.name == NAME)
    person: dict[str, Any] = deepcopy(case.person)
    kernel = Kernel(case.peo, [case.client], [person])
    situation, prepared = kernel.situation([(1, person)]), kernel.prepared([(1, person)])
    elected = kernel.elected(prepared, [(1, person)])
    messages = check_elections(elected, elected, situation, prepared, kernel.rulebook)[1]
    said = messages.sort("plan_type").select("plan_type", "code", "expected", "found").rows()
    expected = "at most 340000 cents in 2026 over plan types 60, 6A together"
    assert said == [(kind, "BA1318", expected, "340001 cents") for kind in ("60", "6A")]
