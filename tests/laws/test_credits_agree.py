"""Laws of credits: the kernel settles them as the scalar oracle does, and no cent of them is lost."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from tests.laws import kernel
from tests.laws.strategies import PLEDGED, people, setups
from tests.laws.test_kernel_agrees import LAW
from tests.oracle import credit_use, prepare

Row = dict[str, Any]
WAIVE = "WAIVE"


class Holder:
    """A person under a set-up, with what is held after the event; too large to be shown whole."""

    def __init__(self, peo: Row, client: Row, person: Row, chosen: list[Row], choice: str | None) -> None:
        self.case = (peo, client, person, chosen, choice)

    def __repr__(self) -> str:
        return f"somebody with {self.case[3]}, {self.case[2]['event']}"


@st.composite
def holders(draw: DrawFn) -> Holder:
    """Draw somebody with a program, and one of the options of each plan type."""
    peo, client = draw(setups())
    for program in client["programs"]:
        program["credits"] = [{"rate_table": "CREDIT", "earnings_code": "GENERAL"}]
    person = draw(people(client))
    result, chosen = prepare(peo, client, person), []
    for plan_type, plan in result["plans"].items():
        codes = sorted(code for of, code in result["options"] if of == plan_type)
        if plan["is_ignored"] or not codes:
            continue
        code = draw(st.sampled_from(codes))
        one = {
            "plan_type": plan_type,
            "option": code,
            "kind": "W" if code == WAIVE else draw(st.sampled_from("ED")),
        }
        if code != WAIVE and plan_type in PLEDGED:
            one["pledge_cents"] = draw(st.none() | st.integers(0, 400_000))
        if code != WAIVE and plan_type == "40":
            one["percent_thousandths"] = draw(st.none() | st.integers(0, 20_000))
        chosen.append(one)
    choice = draw(st.sampled_from([None, "paid", "forfeited", "rolled_over"]))
    return Holder(peo, client, person, chosen, choice)


@LAW
@given(holders())
def test_credits_are_settled_as_the_oracle_does(holder: Holder) -> None:
    if not holder.case[3]:
        return
    expected = credit_use(*holder.case)
    found = kernel.credit_use(*holder.case)
    assert found == expected
    if expected is not None and expected["excess"] is not None:
        assert (
            expected["used"] + expected["paid"] + expected["forfeited"] + expected["rolled"]
            == expected["total"]
        )
        assert min(expected["used"], expected["paid"], expected["forfeited"], expected["rolled"]) >= 0
