"""The oracle on generated people: it answers everybody, and what it answers hangs together."""

from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from tests.laws.strategies import Triple, triples
from tests.laws.test_kernel_agrees import IS_FUZZING
from tests.oracle import prepare
from tests.oracle.cases import load_cases
from tests.oracle.documents import as_written
from tests.oracle.rows import half_away

from openbenefits.core.messages import CATALOGUE
from openbenefits.programs.bundle import ClientBundle, PeoBundle

GENERATED = settings(
    max_examples=4000 if IS_FUZZING else 80,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def _convert(peo: Any, client: Any) -> None:
    msgspec.convert(as_written(peo)[0], PeoBundle)
    msgspec.convert(as_written(client)[0], ClientBundle)


@GENERATED
@given(triples())
def test_everybody_gets_an_answer(triple: Triple) -> None:
    peo, client, person = triple
    _convert(peo, client)
    result = prepare(peo, client, person)
    assert result["status"] in ("AE", "FA", "PE", "FP", "PR")
    assert all(code in CATALOGUE for code, _, _ in result["messages"])
    for (plan_type, code), option in result["options"].items():
        plan = result["plans"][plan_type]
        if not plan["is_lost"]:
            assert option["is_default"] == (plan["default_option"] == code)
        _assert_amounts_add_up(option)


def _assert_amounts_add_up(option: dict[str, Any]) -> None:
    if option["annual_employer_cents"] is not None:
        employee = option["annual_before_tax_cents"] + option["annual_after_tax_cents"]
        total = employee + option["annual_employer_cents"]
        assert 0 <= option["annual_employer_cents"] <= total
        assert option["month_total_cents"] == half_away(total, 12)
    if option["coverage_cents"] is not None:
        assert option["approved_coverage_cents"] <= option["coverage_cents"]


def test_set_up_of_tables_has_the_shape_of_bundles() -> None:
    cases = list(load_cases())
    assert cases
    for case in cases:
        _convert(case.peo, case.client)  # msgspec refuses what is not a bundle
