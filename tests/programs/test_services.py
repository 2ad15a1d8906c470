"""Check, diff, apply and take back on a real database."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from openbenefits.programs import models, services
from openbenefits.programs.frames import PEO
from openbenefits.programs.loaded import fingerprint, from_document, to_document
from openbenefits.programs.schema import json_schemas
from openbenefits.programs.services import Change, Outcome
from openbenefits.programs.translations import load_translations

from .factories import DATED, make_client, make_peo

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
ACME = 7


def apply(folder: Path, client_id: int) -> Change:
    return services.apply(folder, client_id=client_id, applied_by="analyst", now=NOW)


def applied_both(folder: Path, **changes: Any) -> Change:
    assert apply(make_peo(folder / "peo"), PEO).outcome is Outcome.APPLIED
    change = apply(make_client(folder / "client", **changes), ACME)
    assert change.findings == []
    return change


def rows(model: str, client_id: int) -> list[dict[str, Any]]:
    table = apps.get_model("programs", model)
    release = models.Bundle.objects.get(client_id=client_id).release_id
    return list(table.objects.filter(release_id=release).values())


def row_counts() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in apps.get_app_config("programs").get_models()}


def test_applying_writes_every_row(fresh_database, tmp_path):
    change = applied_both(tmp_path)
    assert change.outcome is Outcome.APPLIED
    assert change.release.number == 1
    options = [(row["plan_type"], row["code"], row["option_type"]) for row in rows("Option", ACME)]
    assert options == [
        ("01", "CREDIT-1", "G"),
        ("10", "HMO-1", "O"),
        ("10", "HMO-4", "O"),
        ("10", "WAIVE", "W"),
        ("20", "LIFE", "O"),
        ("60", "FSA", "O"),
    ]
    assert [row["plan_type"] for row in rows("PlanTypeRow", ACME)] == ["10", "20", "60"]
    assert [row["cost_type"] for row in rows("Cost", ACME)] == ["C", "P", "P", "C", "P"]
    assert len(rows("RateRow", PEO)) == 6
    assert len(rows("PayPeriod", ACME)) == 27


def test_names_are_in_the_words_of_the_client_before_those_of_the_peo(fresh_database, tmp_path):
    own = [
        {"name": "HMO", "text": "Plan HMO de Acme"},
        {"name": "User-defined health (18)", "language": "en", "text": "Hospital days"},
    ]
    shared = [{"name": "HMO", "text": "Plan HMO"}, {"name": "Family", "text": "Toda la familia"}]
    assert apply(make_peo(tmp_path / "peo", translations=shared), PEO).outcome is Outcome.APPLIED
    assert load_translations(connection, ACME) == {"es": {"HMO": "Plan HMO", "Family": "Toda la familia"}}
    folder = make_client(tmp_path / "client", translations=own)
    assert apply(folder, ACME).findings == []
    assert load_translations(connection, ACME) == {
        "es": {"HMO": "Plan HMO de Acme", "Family": "Toda la familia"},
        "en": {"User-defined health (18)": "Hospital days"},
    }
    services.export("acme", tmp_path / "again")
    assert apply(tmp_path / "again", ACME).outcome is Outcome.UNCHANGED
    refused = apply(make_client(tmp_path / "twice", translations=[own[0], own[0]]), ACME)
    assert [(one.code, one.where) for one in refused.findings] == [("repeated", "translations[2]")]


def test_options_of_several_coverage_codes_count_their_levels_up(fresh_database, tmp_path):
    applied_both(tmp_path)
    found = {row["code"]: row for row in rows("Option", ACME)}
    assert [(found[code]["level"], found[code]["is_default"]) for code in ("HMO-1", "HMO-4")] == [
        (10, True),
        (11, False),
    ]
    assert found["HMO-4"]["name"] == "Health plan, Family"


def test_amounts_keep_their_units(fresh_database, tmp_path):
    applied_both(tmp_path)
    steps = [(row["operation"], row["operand_thousandths"]) for row in rows("FormulaStep", ACME)]
    assert steps == [("multiply", 1000), ("round", None)]
    assert rows("FormulaStep", ACME)[1]["round_up_cents"] == 99_999
    assert rows("AgeReduction", ACME)[0]["reduce_percent_micros"] == 35_000_000
    assert rows("Contribution", ACME)[0]["employee_percent_micros"] == 80_000_000
    assert rows("EligibilityCriterion", ACME)[0]["minimum"] == 3000
    assert {row["rate_micros"] for row in rows("RateRow", PEO)} >= {145_000, 310_250_000}
    assert rows("DeductionCode", PEO)[0]["period_flags"] == 0b11


def test_a_schedule_of_a_program_names_its_plan_types(fresh_database, tmp_path):
    applied_both(tmp_path)
    assert [row["plan_type"] for row in rows("ScheduleProgram", ACME)] == ["10", "20", "60"]


def test_a_schedule_of_all_programs_names_none(fresh_database, tmp_path):
    applied_both(tmp_path, schedules=lambda section: section[1].update(programs={}))
    assert rows("ScheduleProgram", ACME) == []


def test_the_same_bundle_again_changes_nothing(fresh_database, tmp_path):
    first = applied_both(tmp_path)
    before = row_counts()
    again = apply(tmp_path / "client", ACME)
    assert (again.outcome, again.release) == (Outcome.UNCHANGED, first.release)
    assert row_counts() == before


def test_codes_keep_their_numbers(fresh_database, tmp_path):
    applied_both(tmp_path)
    before = {row["code"]: row["option_id"] for row in rows("Option", ACME)}

    def third(section: list[Any]) -> None:
        section[0]["plan_types"][0]["options"][0]["coverage_codes"] = ["4", "1"]

    change = apply(make_client(tmp_path / "client", programs=third), ACME)
    assert change.release.number == 2
    assert {row["code"]: row["option_id"] for row in rows("Option", ACME)} == before


def test_a_clients_own_record_comes_before_the_peos(fresh_database, tmp_path):
    own = [{"code": "MED", "name": "Own", "tax": "after"}]
    applied_both(tmp_path, deduction_codes=own)
    option = next(row for row in rows("Option", ACME) if row["code"] == "HMO-1")
    fsa = next(row for row in rows("Option", ACME) if row["code"] == "FSA")
    assert option["deduction_code_id"] == rows("DeductionCode", ACME)[0]["deduction_code_id"]
    assert fsa["deduction_code_id"] == rows("DeductionCode", PEO)[1]["deduction_code_id"]


def test_a_faulty_bundle_is_refused_whole(fresh_database, tmp_path):
    apply(make_peo(tmp_path / "peo"), PEO)
    before = row_counts()
    change = apply(make_client(tmp_path / "client", companies=[]), ACME)
    assert change.outcome is Outcome.REFUSED
    assert change.findings
    assert row_counts() == before


def test_a_client_without_the_peo_is_refused(fresh_database, tmp_path):
    change = apply(make_client(tmp_path), ACME)
    assert (change.outcome, [finding.code for finding in change.findings]) == (Outcome.REFUSED, ["no_peo"])


def test_a_client_can_be_checked_before_a_folder_of_the_peo(tmp_path):
    result = services.check(make_client(tmp_path / "c"), peo_folder=make_peo(tmp_path / "p"))
    assert (result.is_applicable, result.findings) == (True, [])


def test_a_peo_bundle_that_breaks_a_client_is_refused(fresh_database, tmp_path):
    applied_both(tmp_path)
    change = apply(make_peo(tmp_path / "peo", dependent_rules=[]), PEO)
    assert change.outcome is Outcome.REFUSED
    where = [finding.where for finding in change.findings]
    assert where == ["client acme: programs[MAIN from 2026-01-01].plan_types[10]"]
    assert change.release.number == 1


@pytest.mark.parametrize("client_id", [8, ACME])
def test_a_code_belongs_to_one_client(fresh_database, tmp_path, client_id):
    applied_both(tmp_path)
    code = "acme" if client_id != ACME else "acme2"
    header = {"kind": "client", "code": code, "name": "Acme"}
    change = apply(make_client(tmp_path / "other", bundle=header), client_id)
    assert [finding.code for finding in change.findings] == ["bundle_code"]


def test_taking_back_returns_to_the_release_before(fresh_database, tmp_path):
    first = applied_both(tmp_path).release
    apply(make_client(tmp_path / "client", benefit_groups=[]), ACME)
    change = services.take_back("acme", by="analyst", now=NOW)
    assert (change.outcome, change.release) == (Outcome.TAKEN_BACK, first)
    assert len(rows("BenefitGroup", ACME)) == 1
    assert models.Release.objects.get(number=2, bundle__code="acme").taken_back_by == "analyst"
    third = apply(tmp_path / "client", ACME)
    assert third.release.number == 3


def test_taking_back_the_first_release_leaves_none(fresh_database, tmp_path):
    applied_both(tmp_path)
    assert services.take_back("acme", by="a", now=NOW).release is None
    assert services.take_back("acme", by="a", now=NOW).outcome is Outcome.REFUSED
    assert services.take_back("peo", by="a", now=NOW).outcome is Outcome.TAKEN_BACK


def test_the_peo_is_not_taken_back_from_under_a_client(fresh_database, tmp_path):
    applied_both(tmp_path)
    change = services.take_back("peo", by="a", now=NOW)
    assert change.outcome is Outcome.REFUSED
    assert change.findings[0].where.startswith("client acme")


def test_diff_names_records_and_values(fresh_database, tmp_path):
    applied_both(tmp_path)

    def changed(section: list[Any]) -> None:
        section[0]["plan_types"][0]["options"][0]["level"] = 20
        del section[0]["plan_types"][2]

    folder = make_client(
        tmp_path / "client",
        programs=changed,
        benefit_groups=lambda section: section.append({"code": "NEW", "name": "New"}),
    )
    found = {(one.path, one.change): (one.old, one.new) for one in services.diff(folder).differences}
    program = "programs[MAIN from 2026-01-01]"
    assert found[f"{program}.plan_types[10].options[HMO].level", "changed"] == (10, 20)
    assert found[f"{program}.plan_types[60]", "removed"][1] is None
    assert found["benefit_groups[NEW]", "added"] == (None, {"code": "NEW", "name": "New"})
    assert len(found) == 3


def test_diff_compares_rates_and_zips_as_rows(fresh_database, tmp_path):
    folder = make_peo(tmp_path)
    apply(folder, PEO)
    assert services.diff(folder).differences == []
    premiums, zips = folder / "premiums.csv", folder / "zips.csv"
    premiums.write_text(premiums.read_text().replace("310.25", "311"))
    zips.write_text(zips.read_text().replace("02101,R2", "02102,R2"))
    found = [(one.path, one.change, one.old, one.new) for one in services.diff(folder).differences]
    assert found == [
        (
            "rate_tables[hmo from 2026-01-01].rates[age_from 30, area R1].rate",
            "changed",
            310_250_000,
            311_000_000,
        ),
        ("geographies[areas].zips[02101].area", "removed", "R2", None),
        ("geographies[areas].zips[02102].area", "added", None, "R2"),
    ]


def test_diff_of_a_new_bundle_adds_everything(fresh_database, tmp_path):
    found = services.diff(make_peo(tmp_path)).differences
    assert {one.change for one in found} == {"added"}


def test_a_bundle_survives_its_document(fresh_database, tmp_path):
    applied_both(tmp_path)
    for release in models.Release.objects.all():
        again = from_document(release.document)
        assert fingerprint(to_document(again)) == release.fingerprint


def test_models_and_migration_agree(fresh_database):
    from django.core.management import call_command

    call_command("makemigrations", "programs", check=True, dry_run=True, verbosity=0)
    assert connection.vendor == "postgresql"


def test_published_schemas_are_current():
    folder = Path(__file__).parents[2] / "docs" / "schema"
    for name, schema in json_schemas().items():
        assert json.loads((folder / name).read_text()) == json.loads(json.dumps(schema))


def test_what_no_client_goes_by_is_listed(fresh_database, tmp_path):
    spare = {"code": "9", "name": "Nobody's", "persons": {"EE": {"min": 1, "max": 1}}}
    apply(make_peo(tmp_path / "peo", coverage_codes=lambda section: section.append(spare)), PEO)
    nothing = {finding.where for finding in services.unused_by_all()}
    assert "plans[HMO from 2026-01-01]" in nothing
    apply(make_client(tmp_path / "client"), ACME)
    found = [(finding.code, finding.where) for finding in services.unused_by_all()]
    assert found == [("unused_by_all", "coverage_codes[9]")]


def curve_of(step: float) -> list[dict[str, Any]]:
    """An age curve of every age: 1 until 38, then a factor above it."""
    factors = [{"age": age, "factor": 1 if age < 39 else 1 + step} for age in range(121)]
    return [{**DATED, "code": "C", "factors": factors}]


@pytest.mark.parametrize(
    ("clients_table", "step", "expected"),
    [
        ({"curve": "C", "rates": [{"rate": 10}]}, 0.5, ["curve_moved"]),
        ({"curve": "C", "rates": [{"rate": 10}]}, 0.25, []),  # the curve as it was
        ({"rates": [{"rate": 10}]}, 0.5, []),  # rates that follow no curve
    ],
)
def test_a_moved_curve_of_the_peo_is_told_where_a_client_follows_it(
    fresh_database, tmp_path, clients_table, step, expected
):
    assert apply(make_peo(tmp_path / "peo", age_curves=curve_of(0.25)), PEO).outcome is Outcome.APPLIED
    table = {**DATED, "code": "life", **clients_table}
    assert apply(make_client(tmp_path / "client", rate_tables=[table]), ACME).findings == []
    names = {"plans": lambda section: section[0].update(name="Another name")}
    change = apply(make_peo(tmp_path / "peo2", age_curves=curve_of(step), **names), PEO)
    assert change.outcome is Outcome.APPLIED
    assert [(one.code, one.severity, one.where) for one in change.findings] == [
        (code, "W", "client acme") for code in expected
    ]


def test_nothing_can_be_taken_back_where_nothing_is_in_force(fresh_database, tmp_path):
    change = services.take_back("acme", by="analyst", now=NOW)
    assert (change.outcome, [one.code for one in change.findings]) == (Outcome.REFUSED, ["nothing_in_force"])
    applied_both(tmp_path)
    assert services.take_back("acme", by="analyst", now=NOW).outcome is Outcome.TAKEN_BACK
    change = services.take_back("acme", by="analyst", now=NOW)
    assert (change.outcome, [one.code for one in change.findings]) == (Outcome.REFUSED, ["nothing_in_force"])
