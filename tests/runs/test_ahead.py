"""Looking ahead: coverage that will not be eligible on some day, before anything happens (users-want 7)."""

from datetime import date

import polars as pl
from tests.runs.conftest import NOW

from openbenefits.core.codes import Level
from openbenefits.enrollment.takeover import take_over
from openbenefits.programs.models import SetupKey
from openbenefits.runs.ahead import coverage_ahead
from openbenefits.runs.services import run

NEW_YEAR, SUMMER = date(2026, 1, 1), date(2026, 7, 1)


def ahead(connection, employer, as_of=date(2025, 12, 1), through=SUMMER):
    return coverage_ahead(connection, [employer.client_id], as_of=as_of, through=through)


def test_a_plan_no_longer_offered_is_a_task_that_the_open_enrolment_deals_with(fresh_database, make_employer):
    employer = make_employer(fresh_database, code="quill", is_faulty=False)
    file = next(employer.folder.rglob("current_coverage.csv"))
    take_over(fresh_database, employer.client_id, file, made_by="test", now=NOW)
    found = ahead(fresh_database, employer)
    gone = found.filter(code="not_offered")
    assert gone.height
    assert gone["first_on"].unique().to_list() == [NEW_YEAR]
    assert gone["under_way"].null_count() == gone.height
    codes = dict(SetupKey.objects.filter(kind="option").values_list("id", "code"))
    assert any("TUFTS-G2" in code for code in codes.values())
    run(fresh_database, employer.order(through=Level.OPTIONS), now=NOW)
    waiting = ahead(fresh_database, employer).filter(code="not_offered")
    assert waiting["person_id"].to_list() == gone["person_id"].to_list()
    assert waiting["under_way"].null_count() == 0
    run(fresh_database, employer.order(is_finalizing=True, through=Level.ELECTIONS), now=NOW)
    assert ahead(fresh_database, employer).filter(code="not_offered").is_empty()


def test_after_open_enrolment_only_dependents_grow_too_old(fresh_database, enrolled_harbor):
    found = ahead(fresh_database, enrolled_harbor, as_of=NEW_YEAR, through=date(2027, 12, 31))
    assert set(found["code"]) <= {"dependent", "not_eligible"}
    both = found.filter(code="not_eligible").join(
        found.filter(code="dependent"), on=["person_id", "plan_type", "first_on"], how="anti"
    )
    assert both.is_empty()
    assert found.filter(pl.col("first_on") < NEW_YEAR).is_empty()
