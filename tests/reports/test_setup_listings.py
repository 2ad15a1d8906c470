"""Listings of set-up, of its audit, and of the statements of a schedule: held against the sample's own bundle."""

from datetime import date

import pytest
from tests.runs.conftest import NOW, make_employer

from openbenefits.programs.services import audit_in_force, in_force_of
from openbenefits.reports.services import Selection, issue_enrollment_statements, make_report
from openbenefits.runs.services import run

__all__ = ["make_employer"]


@pytest.fixture
def harbor(fresh_database, make_employer):
    return make_employer(fresh_database, is_faulty=False, people=60, is_enrolled=True)


def sheets(connection, code, **selection):
    return make_report(connection, code, Selection(client="harbor", **selection)).sheets


def test_programs_and_costs_are_those_of_the_bundle(fresh_database, harbor):
    bundle = in_force_of("harbor").parts
    told = sheets(fresh_database, "BAS701A")
    stated = {
        (program.code, option.code)
        for program in bundle.programs
        for plan in program.plan_types
        for option in plan.options
    }
    listed = told["Options"].filter(told["Options"]["option"].is_not_null())
    rows = make_report(fresh_database, "BAS701A", Selection(client="harbor")).main
    found = listed.select("program", "option").rows()
    for program, code in stated:  # of an option with coverage codes there is one for each
        assert [one for one in found if one[0] == program and one[1].startswith(code)], (program, code)
    assert rows["client"].unique().to_list() == ["harbor"]
    assert told["Programs"]["options"].sum() == listed.height
    costs = sheets(fresh_database, "BAS701B")["Costs"]
    assert set(costs["cost_type"]) <= {"price", "credit"}
    assert costs["rate_table"].null_count() == 0
    assert set(costs["option"]) <= set(listed["option"])


def test_rules_are_listed_criterion_by_criterion(fresh_database, harbor):
    bundle = in_force_of("harbor").parts
    rules = sheets(fresh_database, "BAS703A")["Eligibility rules"]
    assert {one.code for one in bundle.eligibility_rules} <= set(rules["rule"])
    assert rules.filter(owner="harbor")["field"].null_count() < rules.height
    events = sheets(fresh_database, "BAS703B")["Event rules"]
    assert {one.code for one in bundle.event_rules} <= set(events["event_rule"])
    assert "any other" in events["event_class"].to_list() or events["event_class"].null_count() == 0


def test_the_audit_lists_people_and_set_up(fresh_database, harbor):
    told = sheets(fresh_database, "BEN733", as_of=date(2026, 2, 1))
    assert told["Set-up"].height == len(audit_in_force(harbor.client_id))
    with pytest.raises(ValueError, match="name it"):
        sheets(fresh_database, "BEN733")


def test_statements_are_listed_as_due_then_with_their_letter(fresh_database, make_employer):
    employer = make_employer(fresh_database, is_faulty=False, people=12)
    run(fresh_database, employer.order(), now=NOW)
    asked = {"schedule_ids": (employer.open_enrollment,)}
    due = sheets(fresh_database, "BAS004", **asked)["Statements"]
    assert set(due["fate"]) == {"due"}
    done = issue_enrollment_statements(
        fresh_database, employer.open_enrollment, on=date(2025, 11, 3), now=NOW, actor="test"
    )
    told = sheets(fresh_database, "BAS004", **asked)
    assert told["Statements"].select("fate", "way").unique().rows() == [("waiting", "print")]
    assert told["Statements"].height == done.issued == due.height
    assert told["What became of them"]["people"].to_list() == [done.issued]
    assert sheets(fresh_database, "BAS005", **asked)["Statements"].is_empty()
