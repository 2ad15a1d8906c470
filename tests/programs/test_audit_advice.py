"""Warnings of the audit: one seeded fault each, exactly one finding; and what is said of rules without people."""

from datetime import date
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbenefits.core.codes import Severity
from openbenefits.programs.audit import analysis, cycles
from openbenefits.programs.audit.context import Audited
from openbenefits.programs.reader import read
from openbenefits.programs.sections.eligibility import CriterionPart, EligibilityRulePart

from .auditing import HMO, MAIN, audited_client, audited_peo, no_credits, option, plan_type, the_one
from .factories import BEGIN, DATED, SOURCE, make_peo


def second_program(**criterion: Any) -> dict[str, Any]:
    """A change that adds the program MORE, open to those who meet a criterion beside the company's."""

    def add(section: list[Any]) -> None:
        section.append({**section[0], "code": "MORE", "eligibility": "MORE"})

    criteria = [{"field": "company", "values": ["ACM"]}, {"field": "weekly_hours", **criterion}]
    rule = {**DATED, "code": "MORE", "name": "More", "criteria": criteria}
    return {"programs": add, "eligibility_rules": lambda section: section.append(rule)}


def default_rule(**criterion: Any) -> dict[str, Any]:
    rule = {**DATED, "code": "SOME", "name": "Some", "criteria": [criterion]}
    return {
        "eligibility_rules": lambda section: section.append(rule),
        "programs": lambda section: option(section).update(eligibility="SOME"),
    }


def at_one_level(section: list[Any]) -> None:
    plan_type(section)["options"].append({**option(section), "code": "HMO2", "default": False})


def by_level(section: list[Any]) -> None:
    section[0]["classes"][0]["level_limit"] = 1


def calendar(**changes: Any) -> dict[str, Any]:
    return {"pay_groups": lambda section: section[0].update(changes)}


def without_open_enrolment(section: list[Any]) -> None:
    del section[1]


def nobody_declines(section: list[Any]) -> None:
    no_credits(section)
    section[0].pop("credits", None)
    plan_type(section)["waive"] = "not_allowed"


MORE = "programs[MORE from 2026-01-01]"
RULE = "eligibility_rules[FULL from 2026-01-01]"
SPARE = {**DATED, "code": "SPARE"}
FAULTS = [
    ({**calendar(first_period_begins=date(2026, 3, 2)), "schedules": without_open_enrolment}, "part_year", "pay_groups[BW]"),
    ({**calendar(calendar_through=date(2026, 12, 1)), "schedules": without_open_enrolment}, "part_year", "pay_groups[BW]"),
    ({"programs": lambda s: plan_type(s, "10").update(plan_year_month=2), **calendar(first_period_begins=date(2026, 2, 2)), "schedules": without_open_enrolment}, "part_year", "pay_groups[BW]"),
    ({"programs": lambda s: plan_type(s, "60").update(annual_limit=None)}, "no_annual_limit", f"{MAIN}.plan_types[60]"),
    ({"contributions": lambda s: s.append({**SPARE, "rows": [{"employee_percent": 1}]})}, "unused", "contributions[SPARE from 2026-01-01]"),
    ({"event_rules": lambda s: s.append({**SPARE, "classes": [{}]})}, "unused", "event_rules[SPARE from 2026-01-01]"),
    ({"plans": [{**SPARE, "plan_type": "10", "name": "P", "carrier": "C"}]}, "unused", "plans[SPARE from 2026-01-01]"),
    ({"rate_tables": [{**SPARE, "rates": [{"rate": 1}]}]}, "unused", "rate_tables[SPARE from 2026-01-01]"),
    ({"eligibility_rules": lambda s: s[0].update(criteria=[{"field": "company", "values": ["ACM"], "exclude": True}])}, "never_met", RULE),
    ({"eligibility_rules": lambda s: s[0].update(criteria=[{"field": "age_years", "min": 0, "exclude": True}])}, "never_met", RULE),
    (second_program(min=40), "programs_overlap", MORE),
    (second_program(min=20, max=30), "programs_overlap", MORE),
    (default_rule(field="age_years", min=40), "default_not_for_all", HMO),
    (default_rule(field="weekly_hours", max=10), "default_for_nobody", HMO),
    ({"event_rules": by_level, "programs": at_one_level}, "level_tie", f"{MAIN}.plan_types[10]"),
    ({"programs": nobody_declines}, "no_way_out", f"{MAIN}.plan_types[10]"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "code", "where"), FAULTS)
def test_what_is_likely_wrong_is_one_warning(tmp_path, changes, code, where):
    findings = audited_client(tmp_path, **changes)
    assert the_one(findings) == (code, where)
    assert findings[0].severity is Severity.WARNING


def test_a_default_that_needs_a_family_is_not_for_all(tmp_path):
    def couple(section: list[Any]) -> None:
        section[1]["persons"]["SP"] = {"min": 1, "max": 1}

    findings = audited_client(
        tmp_path, peo={"coverage_codes": couple}, programs=lambda section: option(section).update(default="4")
    )
    assert the_one(findings) == ("default_not_for_all", HMO)


GOOD = [
    second_program(max=29.99),
    default_rule(field="weekly_hours", min=20),
    {"programs": at_one_level},
    {
        "programs": lambda section: section.append({**section[0], "code": "OLD", "active": False}),
    },
]


@pytest.mark.parametrize("changes", GOOD)
def test_what_is_right_is_no_warning(tmp_path, changes):
    assert [finding.sentence() for finding in audited_client(tmp_path, **changes)] == []


def test_programs_told_apart_by_different_fields_are_left_to_the_population(tmp_path):
    changes = second_program(min=1)
    rule = {**DATED, "code": "MORE", "name": "More", "criteria": [{"field": "job_code", "values": ["X"]}]}
    changes["eligibility_rules"] = lambda section: section.append(rule)
    assert audited_client(tmp_path, **changes) == []


def test_versions_of_programs_that_never_hold_together_do_not_overlap(tmp_path):
    changes = second_program(min=40)

    def later(section: list[Any]) -> None:
        section.append({**section[0], "code": "MORE", "eligibility": "MORE", "from": "2027-01-01"})
        section.append({**section[0], "from": "2027-01-01", "active": False})

    changes["programs"] = later
    assert "programs_overlap" not in [finding.code for finding in audited_client(tmp_path, **changes)]


def test_a_class_no_action_brings_about_is_a_warning(tmp_path):
    findings = audited_peo(tmp_path, actions=lambda section: section.pop(1))
    assert the_one(findings) == ("class_unmapped", "event_classes[TER]")


def test_warnings_wait_until_the_errors_are_gone(tmp_path):
    """An unknown code leaves another record without use: that is no second finding."""
    findings = audited_client(
        tmp_path, programs=lambda section: option(section)["costs"][0].update(contribution="X")
    )
    assert the_one(findings) == ("unknown_code", HMO)


def test_a_circle_of_records_is_one_finding(tmp_path, monkeypatch):
    audited = Audited(bundle=(bundle := read(make_peo(tmp_path)).bundle), peo=bundle)
    circle = {
        ("rate_tables", "hmo"): [("geographies", "areas")],
        ("geographies", "areas"): [("rate_tables", "hmo")],
    }
    monkeypatch.setattr(cycles, "edges_of", lambda _: circle)
    (found,) = cycles.circular_references(audited)
    assert (found.code, found.where, found.found) == (
        "circular",
        "rate_tables[hmo from 2026-01-01]",
        "hmo → areas → hmo",
    )


# --- rules without people ---------------------------------------------------------------------------

HOURS = [0, 10, 20, 30, 40, 50]
JOBS = ["A", "B", "C"]
BOUND = st.sampled_from([None, *HOURS])
CRITERION = st.one_of(
    st.builds(
        lambda low, high, exclude: CriterionPart(field="weekly_hours", min=low, max=high, exclude=exclude),
        BOUND,
        BOUND,
        st.booleans(),
    ),
    st.builds(
        lambda values, exclude: CriterionPart(field="job_code", values=sorted(values), exclude=exclude),
        st.sets(st.sampled_from(JOBS), min_size=1),
        st.booleans(),
    ),
)
RULES = st.lists(CRITERION, max_size=2, unique_by=lambda one: one.field).map(
    lambda criteria: EligibilityRulePart(
        valid_from=BEGIN, source=SOURCE, code="R", name="R", criteria=criteria
    )
)
EVERYBODY = list(product(HOURS, [*JOBS, "D"]))
"""Values on all bounds, and a job no rule names."""


def met(rule: EligibilityRulePart, hours: int, job: str) -> bool:
    for one in rule.criteria:
        if one.field == "job_code":
            is_in = job in one.values
        else:
            is_in = (one.min is None or hours >= one.min) and (one.max is None or hours <= one.max)
        if is_in == one.exclude:
            return False
    return True


def fields(rule: EligibilityRulePart) -> dict[str, analysis.Admitted]:
    found = analysis.admitted(rule, lambda _: ())
    assert found is not None
    return found


@given(RULES, RULES)
def test_what_is_claimed_of_two_rules_is_true_of_people(one, other):
    both = [person for person in EVERYBODY if met(one, *person) and met(other, *person)]
    claimed = analysis.can_both_be_met(fields(one), fields(other))
    if claimed is False:
        assert both == []
    if analysis.implies(fields(one), fields(other)):
        assert all(met(other, *person) for person in EVERYBODY if met(one, *person))
    if any(analysis.is_empty(own) for own in fields(one).values()):
        assert not any(met(one, *person) for person in EVERYBODY)
    if (
        both
        and claimed is not None
        and not any(map(analysis.is_empty, [*fields(one).values(), *fields(other).values()]))
    ):
        assert claimed is True
