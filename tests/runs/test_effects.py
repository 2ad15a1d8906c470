"""A change of set-up says beforehand whom it moves, by how much, and then moves exactly that."""

import shutil
from datetime import date

import polars as pl

from openbenefits.core.codes import Level
from openbenefits.programs import services as setup
from openbenefits.runs.effects import effect_of
from openbenefits.runs.services import run
from openbenefits.sample import SAMPLE_FOLDER

from .conftest import NOW


def test_a_higher_contribution_moves_dollars_from_employee_to_employer(
    fresh_database, make_employer, tmp_path
):
    employer = make_employer(fresh_database, code="quill", people=60, is_faulty=False)
    order = employer.order(is_finalizing=True, through=Level.ELECTIONS)
    run(fresh_database, order, now=NOW)
    folder = tmp_path / "changed"
    shutil.copytree(SAMPLE_FOLDER / "clients" / "quill", folder)
    rules = (folder / "rules.yaml").read_text()
    assert "fixed_monthly: 325" in rules
    (folder / "rules.yaml").write_text(rules.replace("fixed_monthly: 325", "fixed_monthly: 350"))

    seen = effect_of(fresh_database, employer.client_id, folder, as_of=date(2026, 2, 1), now=NOW)
    medical = seen.plan_types.filter(plan_type="10").row(0, named=True)
    assert 0 < medical["changed"] <= medical["people"]
    assert medical["lost"] == 0
    moved = medical["employer_cents_after"] - medical["employer_cents"]
    per_person = seen.people.filter(plan_type="10").select(
        moved=pl.col("employer_cents_after") - pl.col("employer_cents")
    )["moved"]
    assert moved == per_person.sum()
    # less than that only where the plan costs less than what the employer would pay
    assert per_person.max() == 25_00 * 12
    assert medical["employee_cents"] - medical["employee_cents_after"] == moved
    assert seen.plan_types.filter(pl.col("plan_type") != "10")["changed"].sum() == 0

    assert setup.apply(folder, client_id=employer.client_id, applied_by="test", now=NOW).outcome == "applied"
    again = effect_of(fresh_database, employer.client_id, folder, as_of=date(2026, 2, 1), now=NOW)
    assert again.people.is_empty()
