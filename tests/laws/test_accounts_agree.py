"""Accounts under one limit, and what was contributed to them: the kernel says what the scalar oracle says."""

from typing import Any

from hypothesis import given, settings
from tests.laws.accounts import account_holders
from tests.laws.kernel import Kernel
from tests.oracle.elections import check, kept_pledges

from .test_elections_agree import LAW
from .test_kernel_agrees import IS_FUZZING

Row = dict[str, Any]


@settings(LAW, max_examples=4000 if IS_FUZZING else 25)
@given(account_holders())
def test_the_kernel_bounds_accounts_as_the_oracle_does(crowd: tuple[Row, Row, list[Row]]) -> None:
    peo, client, people = crowd
    kernel, cases = Kernel(peo, [client], people), [(1, person) for person in people]
    assert kernel.checked(cases) == [check(peo, client, person) for person in people]
    results = kernel.settled(cases).results.filter(keeps_current=True, kind="D")
    for case, person in enumerate(people):
        found = {one["plan_type"]: one["pledge_cents"] for one in results.filter(case=case).to_dicts()}
        pledges = kept_pledges(peo, client, person)
        assert {kind: found.get(kind) for kind in pledges} == pledges
