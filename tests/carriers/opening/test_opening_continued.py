"""Coverage under COBRA in a carrier's file: taken over as coverage that was lost and goes on, never as active."""

from datetime import date

import polars as pl
import pytest
from tests.carriers.feeding import PROFILE

from openbenefits.carriers.agreements.partners import read_partner
from openbenefits.carriers.building.projecting import wanted
from openbenefits.carriers.opening import take_back
from openbenefits.enrollment.continuing import load_continued
from openbenefits.enrollment.models import Continuation
from openbenefits.programs.frames import load_setup
from openbenefits.workforce.census.comparing import Known
from openbenefits.workforce.models import JobFact

from .conftest import NOW, ON
from .held import points_of
from .test_opening_faults import codes, dependent, line, opened, shown, subscriber

FIRST = date(2025, 4, 1)


@pytest.fixture
def plan(two):
    return next(code for code, kind in two.plans if kind == "10")


def under_cobra(number, *, event="1", employment="TE", more=("DTP*340*D8*20250401",), **named):
    """A subscriber who continues."""
    first, *rest = subscriber(number, status="C", employment=employment, more=more, **named)
    return [first.replace("*C***", f"*C**{event}*").rstrip("*"), *rest]


def child_under_cobra(number, **named):
    first, *rest = dependent(number, **named)
    return [first.removesuffix("*A") + "*C**1", *rest]


def held(two):
    return points_of(two.connection, two.empty).select(
        "employee_number", "begins_on", "coverage_code", "names"
    )


def continued(two):
    """Who continues from when until when: employee number, whether a dependent does, first day, day after."""
    people = Known.load(two.empty).people.with_columns(client_id=pl.lit(two.empty, pl.Int32))
    spans = load_continued(two.connection, people.select("client_id", "person_id"))
    rows = spans.join(people.select("person_id", "employee_number"), on="person_id")
    named = rows.select("employee_number", pl.col("dependent_id") != 0, "span_from", "span_until")
    return sorted(named.rows())


def told_to_carrier(two, plan):
    """What the carrier of a plan is told of an opened client: by member, basis, cause and days."""
    setup = load_setup(two.connection, [two.empty])
    carrier = setup["plan"].filter(code=plan)["carrier"][0]
    partner = read_partner({"name": "x", "carriers": [carrier], "plan_types": ["10"], "profile": PROFILE})
    cover = wanted(two.connection, [two.empty], partner, on=ON).view.cover
    return sorted(cover.select("basis", "cause", "begins_on", "ends_on").rows(), key=str)


def test_a_family_under_cobra_comes_in_as_continued(two, plan):
    told = ("DTP*301*D8*20250315", "DTP*340*D8*20250401")
    file = [
        *under_cobra("E1", more=told), *line(plan, "ECH", begin="20250401"),
        *child_under_cobra("E1"), *line(plan, "ECH", begin="20250401"),
        *subscriber("E2", last="Works"), *line(plan),
    ]  # fmt: skip
    preview = shown(two, *file)
    assert preview.is_whole, preview.faults
    assert "continuation" in codes(preview, "noted")
    assert not Continuation.objects.filter(client_id=two.empty).exists()
    done = opened(two, *file)
    assert (done.preview.counts["points"], done.preview.counts["continued"]) == (3, 2)
    assert held(two).rows() == [
        ("E1", date(2025, 3, 31), "3", ["KIM"]),
        ("E1", FIRST, None, None),
        ("E2", date(2025, 1, 1), "1", None),
    ]
    far = date(9999, 12, 31)
    assert continued(two) == [("E1", False, FIRST, far), ("E1", True, FIRST, far)]
    ended = JobFact.objects.filter(client_id=two.empty, last_day_employed__isnull=False).get()
    assert (ended.job_status, ended.last_day_employed) == ("T", date(2025, 3, 15))

    before = (date(2025, 3, 31), date(2025, 3, 31))
    assert told_to_carrier(two, plan) == [
        ("A", "initial", date(2025, 1, 1), None),
        ("A", "initial", *before),
        ("A", "initial", *before),
        ("C", "employment", FIRST, None),
        ("C", "employment", FIRST, None),
    ]

    again = shown(two, *file, *subscriber("E3", last="More"), *line(plan))
    assert (again.counts["points"], again.counts["continued"], again.counts["faults"]) == (1, 0, 0)
    back = take_back(two.connection, two.empty, done.change_id, reason="wrong", author="test", now=NOW)
    assert (back.points, back.continued, back.conflicts) == (3, 2, 0)
    assert not continued(two)
    assert opened(two, *file).preview.counts["continued"] == 2


def test_since_when_what_continues_was_held(two, plan):
    ended = subscriber("E2", last="Twice", employment="TE", more=("DTP*337*D8*20250331",))
    ended[0] = ended[0].replace("030*XN", "024*08")
    opened(
        two,
        *under_cobra("E1", last="Kept"), *line(plan, begin="20240101", end="20260331"),
        *ended, *line(plan, begin="20240201", end="20250331"),
        *under_cobra("E2", last="Twice"), *line(plan, begin="20250401"),
        *under_cobra("E3", last="Hours", event="2", employment="PT"), *line(plan, begin="20250401"),
    )  # fmt: skip
    began = held(two).filter(pl.col("coverage_code").is_not_null()).select("employee_number", "begins_on")
    assert began.rows() == [
        ("E1", date(2024, 1, 1)),
        ("E2", date(2024, 2, 1)),
        ("E3", date(2025, 3, 31)),
    ]
    assert continued(two)[0] == ("E1", False, FIRST, date(2026, 4, 1))
    numbers = dict(Known.load(two.empty).people.select("employee_number", "person_id").iter_rows())
    ended_on = JobFact.objects.filter(client_id=two.empty).values_list("person_id", "last_day_employed")
    assert {one: day for one, day in ended_on if day} == {
        numbers["E1"]: date(2025, 3, 31),
        numbers["E2"]: date(2025, 3, 31),
    }


def test_a_dependent_who_continues_alone_in_the_family_of_an_employee(two, plan):
    opened(
        two,
        *subscriber("E1"), *line(plan, "EMP"),
        *child_under_cobra("E1"), *line(plan, "EMP", begin="20250401"),
    )  # fmt: skip
    assert held(two)["names"].to_list()[-1] is None
    assert [one[1:3] for one in continued(two)] == [(True, FIRST)]


def test_who_continues_after_somebody_not_named_is_left_and_without_a_day_refused(two, plan):
    told = shown(
        two,
        *under_cobra("E1", event="5"), *line(plan),
        *under_cobra("E2", last="Old", more=("DTP*301*D8*20250331",)), *line(plan, begin="20240101"),
    )  # fmt: skip
    assert told.findings.filter(level="left").select("code", "found").rows() == [("continuation", "5")]
    assert codes(told) == {"no first day"}
    assert told.counts["points"] == told.counts["continued"] == 0
