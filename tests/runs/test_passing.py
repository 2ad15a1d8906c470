"""Which events may pass one that waits for a person (rulings §1.3), on both sides of every condition."""

from datetime import date, timedelta

import polars as pl
import pytest

from openbenefits.core.codes import Level
from openbenefits.events.models import Event, EventStep
from openbenefits.programs.models import Schedule
from openbenefits.runs import judging
from openbenefits.runs.passing import linked_plan_types, may_not_pass
from openbenefits.runs.services import run
from openbenefits.workforce.recording import JOBS, FactFrames, known_versions, latest_versions, record_facts

from .conftest import NOW
from .test_one_run import FLOOR

LATER = NOW + timedelta(days=60)
PLAN_TYPES = ("10", "11", "20", "21", "23", "60", "61", "4A")
NO_ROWS = {
    "option": {"program_id": pl.Int32, "plan_type": pl.String, "option_id": pl.Int32, "plan_id": pl.Int32,
               "required_plan_type": pl.String},
    "excluded_coverage": {"program_id": pl.Int32, "plan_type": pl.String, "excluded_plan_type": pl.String},
    "plan": {"plan_id": pl.Int32, "coverage_group_id": pl.Int32},
    "program": {"program_id": pl.Int32, "maximum_pledge_cents": pl.Int64},
    "cost": {"option_id": pl.Int32, "cost_type": pl.String},
    "credit_plan": {"program_id": pl.Int32, "plan_type": pl.String},
}  # fmt: skip


def set_up(**rows):
    """Set-up of two programs with these plan types and, besides, only the rows given."""
    plan_types = [
        {"program_id": program, "plan_type": code, "annual_limit": None}
        for program in (1, 2)
        for code in PLAN_TYPES
    ]
    limited = rows.pop("limited", {})
    for row in plan_types:
        row["annual_limit"] = limited.get((row["program_id"], row["plan_type"]))
    schema = {"program_id": pl.Int32, "plan_type": pl.String, "annual_limit": pl.String}
    tables = {name: pl.DataFrame(rows.get(name, []), schema=kinds) for name, kinds in NO_ROWS.items()}
    return tables | {"plan_type_row": pl.DataFrame(plan_types, schema=schema)}


def grouped(tables, program=1):
    """The groups of more than one plan type of a program."""
    rows = linked_plan_types(tables).filter(program_id=program).sort("plan_type")
    found = (
        rows.group_by("group", maintain_order=True)
        .agg("plan_type")
        .filter(pl.col("plan_type").list.len() > 1)
    )
    return sorted("+".join(one) for one in found["plan_type"].to_list())


def option(plan_type, *, program=1, number=1, plan=None, required=None):
    return {"program_id": program, "plan_type": plan_type, "option_id": number, "plan_id": plan,
            "required_plan_type": required}  # fmt: skip


CASES = {
    "nothing": ({}, []),
    "required, over two links": (
        {"option": [option("11", required="10"), option("23", number=2, required="11")]},
        ["10+11+23"],
    ),
    "required by two": (
        {"option": [option("11", required="10"), option("23", number=2, required="10")]},
        ["10+11+23"],
    ),
    "excluded": (
        {"excluded_coverage": [{"program_id": 1, "plan_type": "60", "excluded_plan_type": "10"}]},
        ["10+60"],
    ),
    "coverage group": (
        {
            "option": [option("20", plan=5), option("21", number=2, plan=6), option("23", number=3, plan=7)],
            "plan": [{"plan_id": 5, "coverage_group_id": 1}, {"plan_id": 6, "coverage_group_id": 1},
                     {"plan_id": 7, "coverage_group_id": 2}],
        },
        ["20+21"],
    ),
    "credits and what they roll into": (
        {
            "option": [option("10"), option("20", number=2)],
            "cost": [{"option_id": 1, "cost_type": "C"}, {"option_id": 2, "cost_type": "P"}],
            "credit_plan": [{"program_id": 1, "plan_type": "60"}, {"program_id": 1, "plan_type": "4A"}],
        },
        ["10+4A+60"],
    ),
    "a legal limit": ({"limited": {(1, "60"): "x", (1, "4A"): "x", (2, "61"): "x"}}, ["4A+60"]),
    "the accounts of a program together": (
        {"program": [{"program_id": 1, "maximum_pledge_cents": 100}]},
        ["60+61"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_plan_types_that_have_to_do_with_one_another(name):
    rows, expected = CASES[name]
    tables = set_up(**rows)
    assert grouped(tables) == expected
    assert grouped(tables, program=2) == []


RECORD = {"client_id": 1, "person_id": 7, "benefit_record": 0}
TRIED = {
    "case": 0,
    **RECORD,
    "new_program_id": 1,
    "has_choice": False,
    "is_proof_due": False,
    "to_status": "FE",
}
LINKED = set_up(option=[option("11", required="10"), option("23", number=2, required="11")])


def is_held(tried=None, *, ours=("20",), theirs=("10",), program=1):
    waiting = pl.DataFrame([RECORD | {"program_id": program}], schema_overrides={"program_id": pl.Int32})
    failing = may_not_pass(
        pl.DataFrame([TRIED | (tried or {})], schema_overrides={"new_program_id": pl.Int32}),
        pl.DataFrame({"case": [0] * len(ours), "plan_type": list(ours)}),
        waiting,
        pl.DataFrame([RECORD | {"plan_type": code} for code in theirs]),
        linked_plan_types(LINKED),
    )
    return failing["case"].to_list() == [0]


def test_an_event_of_other_plan_types_without_a_question_passes():
    assert not is_held()
    assert not is_held({"to_status": "FP"}, ours=("20", "4A"), theirs=("10", "11"))


@pytest.mark.parametrize(
    "held",
    [
        {"tried": {"has_choice": True}},
        {"tried": {"is_proof_due": True}},
        {"tried": {"to_status": "PE"}},
        {"tried": {"to_status": "PR"}},
        {"tried": {"new_program_id": 2}},
        {"tried": {"new_program_id": None}},
        {"program": None},
        {"ours": ("20", "10")},
        {"ours": ("23",)},
        {"ours": ("10",), "theirs": ("23",)},
    ],
)
def test_whatever_asks_or_touches_the_same_waits(held):
    assert is_held(**held)


@pytest.fixture
def waiting(fresh_database, make_employer):
    """An employer with new hires who wait for their elections, some of whom have left meanwhile."""
    employer = make_employer(fresh_database, is_faulty=False)
    return employer, maintain(fresh_database, employer)


def maintain(connection, employer, as_of=date(2025, 11, 3), **changes):
    order = employer.order(
        schedule_id=employer.event_maintenance, through=Level.ELECTIONS, floor=FLOOR, as_of=as_of, **changes
    )
    return run(connection, order, now=NOW)


def pay_more(employer):
    """Give everybody who waits a further event, that of a raise."""
    people = pl.Series(
        "person_id",
        sorted(set(Event.objects.filter(process_status="PR").values_list("person_id", flat=True))),
    )
    assert people.len()
    jobs = latest_versions(JOBS, known_versions(JOBS, employer.client_id, people)).sort("valid_from")
    jobs = jobs.unique("person_id", keep="last", maintain_order=True).select(list(JOBS.columns))
    raised = jobs.with_columns(
        valid_from=pl.lit(date(2025, 11, 10)),
        action=pl.lit("PAY"),
        annual_pay_cents=pl.col("annual_pay_cents") + 100,
    )
    record_facts(
        employer.client_id, FactFrames(jobs=raised), kind="entry", label="pay", made_by="t", now=LATER
    )
    return people


def raises(people):
    return Event.objects.filter(person_id__in=people.to_list(), event_on=date(2025, 11, 10))


def test_what_asks_goes_on_waiting_and_leaves_no_trace(fresh_database, waiting):
    employer, _ = waiting
    people = pay_more(employer)
    result = maintain(fresh_database, employer, date(2025, 11, 12))
    stood = set(raises(people).values_list("process_status", "preparation", "steps"))
    assert stood == {(None, 0, 0)}
    assert "waits for an earlier event" in result.outcomes["outcome"].to_list()


@pytest.mark.parametrize("is_strict", [False, True])
def test_who_passes_is_marked_and_looked_at_again(fresh_database, waiting, monkeypatch, is_strict):
    employer, _ = waiting
    people = pay_more(employer)
    Schedule.objects.filter(schedule_id=employer.event_maintenance).update(is_strict_order=is_strict)
    monkeypatch.setattr("openbenefits.programs.frames._kept", type(_kept())())
    monkeypatch.setattr(judging, "may_not_pass", lambda tried, *_: tried.head(0).select("case"))
    maintain(fresh_database, employer, date(2025, 11, 12))
    passed = raises(people).exclude(process_status=None)
    assert passed.exists() is not is_strict
    steps = EventStep.objects.filter(cause__endswith="passing an earlier event that waits")
    assert steps.exists() is not is_strict
    assert not raises(people).filter(event_status="O").exists()
    final = list(
        raises(people).filter(process_status__in=["FE", "FP", "FA"]).values_list("person_id", flat=True)
    )
    if final:
        maintain(fresh_database, employer, date(2025, 11, 12), is_finalizing=True, people=final)
        assert raises(people).filter(person_id__in=final, is_out_of_sequence=True).exists()


def _kept():
    from openbenefits.programs import frames

    return frames._kept
