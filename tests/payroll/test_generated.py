"""Generated set-ups, people and change points: the columnar projection and the scalar oracle agree to the cent."""

from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.laws.strategies import option_codes, triples
from tests.laws.test_kernel_agrees import IS_FUZZING
from tests.oracle import owed
from tests.oracle.rows import Fault

from .columnar import Projection, compared

BEGIN, THROUGH = date(2026, 1, 1), date(2026, 12, 31)
NOT_COUNTED = ("calendar", "option")
GENERATED = settings(
    max_examples=2000 if IS_FUZZING else 25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


@st.composite
def points_of(draw: st.DrawFn, program: str, section: Any, person: Any) -> list[Any]:
    """Draw one to three change points of a plan type."""
    ids = [one["id"] for one in person["dependents"]]
    begins = draw(st.lists(st.dates(BEGIN, THROUGH), min_size=1, max_size=3, unique=True))
    points = []
    for begins_on in sorted(begins):
        kind = draw(st.sampled_from("EEEDT")) if points else "E"
        lag = draw(st.integers(0, 20))
        points.append(
            {
                "plan_type": section["plan_type"],
                "kind": kind,
                "program": program,
                "option": draw(st.sampled_from(option_codes(section))) if kind in "ED" else None,
                "begins_on": begins_on,
                "deduction_begins_on": begins_on + timedelta(lag),
                "event_on": draw(st.sampled_from([None, begins_on - timedelta(40), begins_on])),
                "coverage_cents": draw(st.integers(1, 30_000_000)),
                "requested_coverage_cents": draw(st.sampled_from([None, None, 40_000_000])),
                "pledge_cents": draw(st.integers(1, 340_000)),
                "percent_thousandths": draw(PERCENTS),
                "after_tax_thousandths": draw(PERCENTS),
                "dependents": draw(st.sampled_from([None, ids, ids[:1]])),
            }
        )
    return points


@st.composite
def timelines(draw: st.DrawFn) -> tuple[Any, Any, Any, list[Any]]:
    """Draw a triple and one to three change points of a plan type of its first program."""
    peo, client, person = draw(triples())
    program = client["programs"][0]
    section = draw(st.sampled_from(program["plan_types"]))
    draw(stated(section))
    points = draw(points_of(program["code"], section, person))
    if draw(st.booleans()):
        person["changes"] = draw(changes(person))
    section["lock_price"] = draw(st.booleans())
    return peo, client, person, points


PERCENTS = st.sampled_from([None, 0]) | st.integers(1, 40_000)


@st.composite
def stated(draw: st.DrawFn, section: Any) -> None:
    """Let a plan type now and then trade hours or take a percentage, with a code of its own after tax."""
    kind = draw(st.sampled_from([None, None, None, "hours", "percent_of_pay"]))
    section["amount"] = kind or section.get("amount", "none")
    for option in section["options"]:
        if kind == "hours":
            option["hours"] = {"trade": draw(st.sampled_from(["buy", "sell"]))}
        option["after_tax_deduction_code"] = draw(st.sampled_from([None, "ALLAT", "ONEAT"]))


@st.composite
def changes(draw: st.DrawFn, person: Any) -> list[Any]:
    """Draw a day from which pay or the home is different."""
    since = draw(st.dates(BEGIN, THROUGH))
    job = {**(person["job"] or {}), "annual_pay_cents": draw(st.integers(1_000_000, 20_000_000))}
    return [
        {"from": since, "job": person["job"] and job, "zip": draw(st.sampled_from([person["zip"], "10001"]))}
    ]


@GENERATED
@given(timelines())
def test_like_the_oracle(timeline: Any) -> None:
    peo, client, person, points = timeline
    for program in client["programs"]:
        program.pop("deductions", None)  # of the whole program: tests/payroll/test_general.py
    assume(all(one["deduction_begins_on"].year == 2026 for one in points))
    try:
        expected = owed(peo, client, person, points, BEGIN, THROUGH)
    except Fault:
        assume(False)
    lines = compared(Projection(peo, client).owed(person, points, BEGIN, THROUGH))
    known = lines.filter(~lines["fault"].is_in(NOT_COUNTED).fill_null(False))
    found = known.select("ends_on", "kind", "tax", "owed_cents").rows()
    told = [(one["ends_on"], one["kind"], one["tax"], one["owed_cents"]) for one in expected]
    assert sorted(found, key=str) == sorted(told, key=str)  # both parts of a percentage may be after tax
