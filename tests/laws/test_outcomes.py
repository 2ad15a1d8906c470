"""The debugging view says what decided, in every code, and agrees with the decision (docs/rules.md §2.10)."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from tests.laws.kernel import Kernel
from tests.laws.test_kernel_agrees import LAW, Crowd, crowds
from tests.oracle.cases import merge, read_yaml
from tests.oracle.eligibility import (
    ELIGIBLE,
    INELIGIBLE,
    UNDECIDED,
    assign_program,
    override_of,
    rule_and_area,
    verdict_of,
)
from tests.oracle.rows import Setup, options_of

from openbenefits.eligibility.outcomes import MET, OF_OVERRIDE, OF_RULE, OUTCOMES, outcomes
from openbenefits.enrollment.rules.prepare import prepare as prepare_columns
from openbenefits.programs.fields import CRITERIA

Row = dict[str, Any]

WORDS = {"E": ELIGIBLE, "EO": ELIGIBLE, "I": INELIGIBLE, "IO": INELIGIBLE, "?": UNDECIDED}


class Decided:
    """People of a client, decided once."""

    def __init__(self, peo: Row, client: Row, people: list[Row]) -> None:
        kernel = Kernel(peo, [client], people)
        self.rulebook = kernel.rulebook
        self.situation = kernel.situation([(1, person) for person in people])
        prepared = prepare_columns(self.situation, self.rulebook)
        self.cases, self.trace = prepared.cases, prepared.trace.eligibility

    def view(self, **options: Any) -> pl.DataFrame:
        """What is shown of them."""
        jobs, overrides = self.situation.jobs, self.situation.overrides
        return outcomes(self.cases, self.trace, jobs, overrides, self.rulebook, **options)


# --- laws ---------------------------------------------------------------------------------------------------


@LAW
@given(crowds())
def test_the_lines_of_a_rule_come_to_its_result(crowd: Crowd) -> None:
    decided = Decided(crowd.peo, crowd.client, crowd.people)
    found = decided.view()
    ruled = found.filter(pl.col("part") == OF_RULE)
    for _, lines in ruled.group_by("case", "used_by", "rule_id"):
        (result,) = lines["result"].unique()
        assert (result == "E") == all(_needed(lines)), lines
    assert set(found["code"].unique()) <= set(OUTCOMES)
    with_unused = decided.view(with_unused=True)
    asked = found.filter(pl.col("values").ne_missing("the rule asks for nothing"))
    assert with_unused.filter(pl.col("code") != "NE").equals(asked)


def _needed(lines: pl.DataFrame) -> Iterator[bool]:
    """Say of each criterion needed by itself, and of each group of which one suffices, whether it is met."""
    for (link,), members in lines.group_by("link"):
        met = members["code"].is_in(MET)
        yield bool(met.any() if (link or "").startswith("OR") else met.all())


@LAW
@given(crowds())
def test_the_decisions_are_those_of_the_oracle(crowd: Crowd) -> None:
    decided = Decided(crowd.peo, crowd.client, crowd.people)
    found = decided.view()
    setup = Setup(crowd.peo, crowd.client)
    for case, person in enumerate(crowd.people):
        shown = found.filter(case=case).select("used_by", "decision").unique()
        told = {place: WORDS[decision] for used_by, decision in shown.rows() for place in _places(used_by)}
        told = {place: verdict for place, verdict in told.items() if "/01/" not in place}  # not elected
        assert told == dict(_expected(setup, person)) | {
            place: verdict for place, verdict in told.items() if person.get("job") is None
        }
    assert decided.cases.height == len(crowd.people)


def _places(used_by: str) -> list[str]:
    """Take apart what shares a rule: `program STD`, or `STD: 20/LIFE, 21/SUP1`."""
    if used_by.startswith("program "):
        return [used_by]
    program, options = used_by.split(": ", 1)
    return [f"{program}/{option}" for option in options.split(", ")]


def _expected(setup: Setup, person: Row) -> Iterator[tuple[str, str]]:
    """The oracle's verdict of all about which a rule, an area or a person decides."""
    day = person["event"]["event_on"]
    assigned = assign_program(setup, person, person["event"])
    for program in setup.programs_on(day) if person.get("job") else []:
        code = program["code"]
        ruling = override_of(person, code, None, None)
        is_open = not (program.get("eligibility") or program.get("service_area") or ruling)
        if program.get("active", True) and not is_open:
            yield f"program {code}", assigned["reasons"][code]["verdict"]
    program = assigned["program"]
    for section in program["plan_types"] if program else []:
        for option in options_of(section):
            ruling = override_of(person, program["code"], section["plan_type"], option["code"])
            if ruling or option.get("eligibility") or option.get("service_area"):
                verdicts = [verdict for _, verdict in rule_and_area(setup, option, person, day)]
                place = f"{program['code']}/{section['plan_type']}/{option['code']}"
                yield place, ruling or verdict_of(verdicts)


# --- every code, every column -------------------------------------------------------------------------------

HOURS = {"field": "weekly_hours", "min": 30}
UNION = {"field": "union_code", "values": ["U1"]}
AREA = {"code": "LA", "name": "Los Angeles", "source": "this test", "zips": {"90001": ""}}
SECOND = {"job_status": "L", "weekly_hours_hundredths": 1500, "union_code": "U2"}
LIFE = {"program": "STD", "plan_type": "20", "option": "LIFE"}


def lines_of(
    criteria: list[Row],
    *,
    job: Row | None = None,
    option: Row | None = None,
    person: Row | None = None,
    begins: date = date(2020, 1, 1),
    **of: Any,
) -> list[Row]:
    """The lines about LIFE for the person of the tables, whose rule has these criteria."""
    base = deepcopy(read_yaml("base.yaml"))
    rule = {"code": "TEST", "name": "Test", "from": begins, "source": "test"}
    life = {"code": "LIFE", "eligibility": "TEST", **(option or {})}
    client = {
        "eligibility_rules": [{**rule, "criteria": criteria}],
        "programs": [{"code": "STD", "plan_types": [{"plan_type": "20", "options": [life]}]}],
    }
    person = {"person": {"job": job or {}, **(person or {})}}
    whole = merge(base, {"peo": {"geographies": [AREA]}, "client": client, **person})
    one = {**whole["person"], "event": whole["event"], "prior_options": []}
    found = Decided(whole["peo"], whole["client"], [one]).view(**of)
    return found.filter(pl.col("used_by") == "STD: 20/LIFE").to_dicts()


@pytest.mark.parametrize(
    ("criterion", "job", "code", "values"),
    [
        (HOURS, {"weekly_hours_hundredths": 3000}, "E", "30.00 (A)"),
        (HOURS, {"weekly_hours_hundredths": 2999}, "I", "29.99 (A)"),
        (HOURS, {"weekly_hours_hundredths": None}, "?", "? (A)"),
        (HOURS, {"weekly_hours_hundredths": 3005}, "E", "30.05 (A)"),
        ({**HOURS, "exclude": True}, {"weekly_hours_hundredths": 2999}, "E", "29.99 (A)"),
        (UNION, {"union_code": "U1"}, "E", "U1 (A)"),
        (UNION, {"union_code": "U2"}, "NL", "U2 (A)"),
        ({**UNION, "exclude": True}, {"union_code": "U1"}, "I", "U1 (A)"),
        ({"field": "home_zip", "geography": "LA"}, {}, "E", "90001"),
        ({"field": "medicare", "values": ["Y"]}, {}, "NL", "N"),
    ],
)
def test_the_codes_of_a_criterion(criterion: Row, job: Row, code: str, values: str) -> None:
    (line,) = lines_of([criterion], job=job)
    assert (line["code"], line["values"], line["link"]) == (code, values, "AND")
    assert line["result"] == line["decision"] == {"NL": "I"}.get(code, code)


@pytest.mark.parametrize(
    ("criterion", "more", "code", "values"),
    [
        ({**HOURS, "jobs": "flagged", "evaluation": "sum"}, SECOND, "IS", "20.00 (A), 15.00 (L)"),
        ({**HOURS, "jobs": "flagged", "evaluation": "sum", "min": 36}, SECOND, "I", "20.00 (A), 15.00 (L)"),
        ({**HOURS, "jobs": "all_flagged", "evaluation": "one"}, SECOND, "I", "20.00 (A), 15.00 (L)"),
        ({**HOURS, "jobs": "flagged", "evaluation": "all", "min": 15}, SECOND, "E", "20.00 (A), 15.00 (L)"),
        ({**UNION, "jobs": "flagged"}, {**SECOND, "union_code": None}, "?", "NONE (A), ? (L)"),
        (
            {**HOURS, "jobs": "flagged", "evaluation": "sum"},
            {**SECOND, "job_status": None},
            "IS",
            "20.00 (A), 15.00 (?)",
        ),
        ({**UNION, "jobs": "flagged"}, SECOND, "NL", "NONE (A), U2 (L)"),
    ],
)
def test_the_codes_of_several_jobs(criterion: Row, more: Row, code: str, values: str) -> None:
    (line,) = lines_of([criterion], job={"weekly_hours_hundredths": 2000}, person={"more_jobs": [more]})
    assert (line["code"], line["values"]) == (code, values)
    assert line["jobs"] == {"flagged": "flagged", "all_flagged": "all flagged"}[criterion["jobs"]]
    assert line["evaluation"] == criterion.get("evaluation", "one")


def test_no_job_is_said() -> None:
    (line,) = lines_of([{**UNION, "jobs": "flagged"}], job={"is_for_eligibility": False})
    assert (line["code"], line["values"]) == ("NL", "no such job")


def test_groups_areas_and_overrides() -> None:
    criteria = [
        {"any": [HOURS, UNION]},
        {"field": "age_years", "min": 18, "as_of": "this_year", "as_of_day": "12-31"},
    ]
    ruling = {**LIFE, "eligible": False}
    facts = {"zip": "10001", "overrides": [ruling], "birth_on": read_yaml("base.yaml")["person"]["birth_on"]}
    lines = lines_of(
        criteria,
        job={"weekly_hours_hundredths": 4000, "union_code": "U2"},
        option={"service_area": "LA"},
        person=facts,
    )
    said = {(line["part"], line["criterion"]): (line["code"], line["link"], line["result"]) for line in lines}
    assert said == {
        ("rule", "age_years on 12-31 of this_year"): ("E", "AND", "E"),
        ("rule", "weekly_hours"): ("E", "OR 1", "E"),
        ("rule", "union_code"): ("NL", "OR 1", "E"),
        ("service area", "home_zip"): ("I", "AND", "I"),
        ("override", None): ("IO", None, "IO"),
    }
    assert {line["decision"] for line in lines} == {"IO"}
    facts["overrides"] = [{**ruling, "eligible": True}]
    granted = lines_of([HOURS], job={"weekly_hours_hundredths": 100}, person=facts)
    assert [(line["part"], line["code"], line["decision"]) for line in granted] == [
        ("rule", "I", "EO"),
        (OF_OVERRIDE, "EO", "EO"),
    ]


def test_what_a_rule_does_not_look_at_is_not_evaluated() -> None:
    lines = lines_of([HOURS], with_unused=True)
    assert [line["criterion"] for line in lines] == list(CRITERIA)
    assert {line["criterion"]: line["code"] for line in lines if line["code"] != "NE"} == {
        "weekly_hours": "E"
    }


def test_what_has_no_version_yet_and_what_asks_for_nothing() -> None:
    later = date(2030, 1, 1)
    (line,) = lines_of([HOURS], begins=later)
    assert (line["code"], line["result"], line["decision"]) == ("?", "?", "?")
    assert line["values"] == "the rule does not hold on the event date"
    (line,) = lines_of([])
    assert (line["code"], line["values"]) == ("E", "the rule asks for nothing")


def test_every_code_is_explained_and_shown_above() -> None:
    assert set(OUTCOMES) == {"E", "EO", "I", "IO", "IS", "NE", "NL", "?"}
