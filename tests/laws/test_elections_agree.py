"""Elections of generated people: the kernel says of each what the scalar oracle says, and settles everybody."""

from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from tests.laws.elections import electing_crowds
from tests.laws.kernel import Kernel
from tests.oracle.elections import check
from tests.oracle.prepare import prepare

from openbenefits.core.messages import CATALOGUE

from .test_kernel_agrees import IS_FUZZING

Row = dict[str, Any]

LAW = settings(
    max_examples=2000 if IS_FUZZING else 15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
SETTLED = ("PR", "FP")


@LAW
@given(electing_crowds())
def test_the_kernel_checks_elections_as_the_oracle_does(crowd: tuple[Row, Row, list[Row]]) -> None:
    peo, client, everybody = crowd
    people = [one for one in everybody if prepare(peo, client, one)["status"] in SETTLED]
    if not people:
        return
    kernel = Kernel(peo, [client], people)
    cases = [(1, person) for person in people]
    found = kernel.checked(cases)
    for person, one in zip(people, found, strict=True):
        assert one == check(peo, client, person)
    _assert_settled(kernel, cases, found)


def _assert_settled(kernel: Kernel, cases: list[tuple[int, Row]], found: list[Row]) -> None:
    """Faulty elections hold an event back unless it is finalised; nothing then covers without what it needs."""
    held_back = kernel.settled(cases, is_finalizing=False).cases["process_status"].to_list()
    for one, status in zip(found, held_back, strict=True):
        errors = [code for code, _ in one["messages"] if CATALOGUE[code].severity == "E"]
        assert not errors or status == "EE"
    settled = kernel.settled(cases)
    assert set(settled.cases["process_status"]) == {"FE"}
    results = settled.results.filter(settled.results["kind"].is_in(["E", "D"]))
    assert results.filter(results["option_id"].is_null()).is_empty()
    assert results.select("case", "plan_type", "slot").is_duplicated().sum() == 0
