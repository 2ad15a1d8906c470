"""What ended shortly before comes back, and the page that explains it says why."""

import shutil
from datetime import date, timedelta

import polars as pl
from tests.runs.conftest import NOW

from openbenefits.core.codes import Level
from openbenefits.enrollment.frames import load_coverage, load_covered_dependents
from openbenefits.programs import services as setup
from openbenefits.reports.explain import explain
from openbenefits.runs.services import run
from openbenefits.sample import SAMPLE_FOLDER
from openbenefits.workforce.services import change_job, terminate

from .worlds import LATER

LAST, BACK = date(2026, 3, 10), date(2026, 3, 26)
HIRE = "event_class: HIR"


def with_reinstatement(employer, folder) -> None:
    """Apply the client's set-up anew: what ended up to 30 days before a hire comes back."""
    shutil.copytree(SAMPLE_FOLDER / "clients" / "harbor", folder)
    file = folder / "event_rules.yaml"
    file.write_text(file.read_text().replace(HIRE, f"{HIRE}, reinstate_within_days: 30"))
    applied = setup.apply(folder, client_id=employer.client_id, applied_by="test", now=NOW)
    assert applied.release is not None, applied.findings


def maintain(connection, employer, now) -> None:
    order = employer.order(
        schedule_id=employer.event_maintenance,
        as_of=date(2026, 4, 20),
        through=Level.ELECTIONS,
        is_finalizing=True,
    )
    run(connection, order, now=now)


def test_who_is_rehired_soon_has_what_was_had_and_is_told_why(fresh_database, enrolled, tmp_path):
    with_reinstatement(enrolled, tmp_path / "set-up")
    with fresh_database.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT person_id FROM enrollment_coverage "
            "WHERE plan_type = '10' AND kind IN ('E', 'D') ORDER BY 1"
        )
        person = cursor.fetchone()[0]
    who = pl.DataFrame(
        {"client_id": [enrolled.client_id], "person_id": [person]},
        schema={"client_id": pl.Int32, "person_id": pl.Int64},
    )

    def medical_on(day):
        points = load_coverage(fresh_database, who).filter(pl.col("begins_on") <= day, plan_type="10")
        held = points.sort("begins_on").tail(1)
        key = ["begins_on", "version", "plan_type"]
        members = load_covered_dependents(fresh_database, who).join(held, on=key, how="semi")
        return held["kind"][0], held["option_id"][0], sorted(members["dependent_id"])

    before = medical_on(LAST)
    terminate(enrolled.client_id, person, last_day_employed=LAST, made_by="test", now=LATER)
    maintain(fresh_database, enrolled, LATER)
    assert medical_on(date(2026, 4, 1))[0] in ("T", "I")
    later = LATER + timedelta(days=1)
    changes = {"job_status": "A"}
    change_job(enrolled.client_id, person, on=BACK, changes=changes, action="REH", made_by="test", now=later)
    maintain(fresh_database, enrolled, later)
    for day in (BACK, date(2026, 3, 31), date(2026, 4, 1), date(2026, 12, 1)):
        assert medical_on(day)[1:] == before[1:]
    told = explain(fresh_database, enrolled.client_id, person, plan_type="10")
    assert told.differences == ()
    plan = told.plans[0]
    assert "as it ended so shortly before" in str(plan)
    assert "reinstate_within_days 30" in str(plan)
