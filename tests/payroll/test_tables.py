"""The analysts' table of what is owed, through the columnar projection."""

import pytest
from tests.oracle import owed
from tests.oracle.cases import TableCase, load_owed_cases

from .columnar import Projection, compared

CASES = [pytest.param(case, id=case.name) for case in load_owed_cases()]


@pytest.mark.parametrize("case", CASES)
def test_owed(case: TableCase) -> None:
    lines = compared(
        Projection(case.peo, case.client).owed(case.person, case.points, case.from_on, case.through_on)
    )
    found = {
        "lines": [list(row) for row in lines.select("ends_on", "kind", "tax", "owed_cents").iter_rows()],
        "owed": [list(row) for row in lines.select("ends_on", "owed_cents").iter_rows()],
        "total_cents": lines["owed_cents"].sum(),
        "count": lines.height,
    }
    assert {key: found[key] for key in case.expect} == case.expect
    assert lines["fault"].null_count() == lines.height


@pytest.mark.parametrize("case", CASES)
def test_like_the_oracle(case: TableCase) -> None:
    lines = compared(
        Projection(case.peo, case.client).owed(case.person, case.points, case.from_on, case.through_on)
    )
    expected = owed(case.peo, case.client, case.person, case.points, case.from_on, case.through_on)
    found = lines.select("begins_on", "ends_on", "kind", "tax", "owed_cents").rows()
    assert found == [
        (one["begins_on"], one["ends_on"], one["kind"], one["tax"], one["owed_cents"]) for one in expected
    ]
