"""Every covered day has exactly one basis: the spans against a scalar reading of docs/rules.md §18."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from tests.oracle.basis import basis_of_day

from openbenefits.enrollment.frames import COVERAGE_COLUMNS
from openbenefits.enrollment.rules.basis import LEAVES, MADE, basis_spans
from openbenefits.enrollment.rules.continued import CONTINUED, COVERED_DAYS, continued_spans

FIRST = date(2026, 1, 1)
DAYS = [FIRST + timedelta(days=number) for number in range(60)]
WHO = {"client_id": 1, "benefit_record": 0}
some_day = st.sampled_from(DAYS)


@st.composite
def histories(draw: Any) -> dict[str, Any]:
    """A timeline of one plan type, the events that made it, and the leaves of the person."""
    begins = sorted(draw(st.sets(some_day, min_size=1, max_size=6)))
    timeline = []
    for number, on in enumerate(begins):
        kind = draw(st.sampled_from("EDWTIN"))
        basis = draw(st.sampled_from(["eligible", "eligible", "override"])) if kind in "ED" else "none"
        made_by = draw(st.sampled_from([number, number, None]))
        timeline.append({"begins_on": on, "kind": kind, "basis": basis, "event_number": made_by})
    events = {
        number: {"event_on": draw(some_day), "is_lost": draw(st.booleans())} for number in range(len(begins))
    }
    edges = sorted(draw(st.sets(some_day, max_size=4)))
    leaves = list(zip(edges[::2], edges[1::2], strict=False))
    continued = draw(st.lists(st.tuples(some_day, st.none() | some_day), max_size=3))
    spans = [(first, last) for first, last in continued if last is None or first <= last]
    return {"timeline": timeline, "events": events, "leaves": leaves, "continued": spans}


def spans_of(people: list[dict[str, Any]]) -> pl.DataFrame:
    points = [
        WHO
        | {"person_id": person, "plan_type": "10", "slot": 0, "version": 1, "schedule_id": 7}
        | point
        | ({"schedule_id": None} if point["event_number"] is None else {})
        for person, history in enumerate(people)
        for point in history["timeline"]
    ]
    made = [
        WHO
        | {"person_id": person, "schedule_id": 7, "event_number": number, "plan_type": "10"}
        | {"event_rule_row": number, **event}
        for person, history in enumerate(people)
        for number, event in history["events"].items()
    ]
    away = [
        WHO | {"person_id": person, "leave_from": first, "leave_until": after}
        for person, history in enumerate(people)
        for first, after in history["leaves"]
    ]
    spans = basis_spans(
        pl.DataFrame(points, schema=COVERAGE_COLUMNS),
        pl.DataFrame(made, schema=MADE),
        pl.DataFrame(away, schema=LEAVES),
    )
    continued = [
        WHO
        | {"person_id": person, "plan_type": "10", "dependent_id": 0, "begins_on": first, "through_on": last}
        for person, history in enumerate(people)
        for first, last in history["continued"]
    ]
    covered = spans.with_columns(dependent_id=pl.lit(0, pl.Int64)).select(
        pl.col(name).cast(kind) for name, kind in COVERED_DAYS.items()
    )
    more = continued_spans(pl.DataFrame(continued, schema=CONTINUED), covered)
    columns = ("person_id", "span_from", "span_until", "basis")
    return pl.concat([spans.select(columns), more.select(columns)])


@given(st.lists(histories(), min_size=1, max_size=5))
def test_every_covered_day_has_exactly_one_basis(people) -> None:
    spans = spans_of(people)
    for person, history in enumerate(people):
        rows = spans.filter(person_id=person).select("span_from", "span_until", "basis").rows()
        found = Counter((day, basis) for first, after, basis in rows for day in DAYS if first <= day < after)
        wanted = {(day, basis): 1 for day in DAYS if (basis := basis_of_day(day, **history))}
        assert dict(found) == wanted
