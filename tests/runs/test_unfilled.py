"""What jobs and set-up do not know of each other: own fields, actions, companies."""

import shutil
from datetime import date

import yaml

from openbenefits.programs import services as setup
from openbenefits.sample import SAMPLE_FOLDER
from openbenefits.workforce import services as workforce
from openbenefits.workforce.models import JobFact, Person

from .conftest import NOW

DAY = date(2025, 11, 3)


def test_a_field_that_a_rule_asks_for_and_no_job_fills_is_named(fresh_database, make_employer, tmp_path):
    from openbenefits.runs.unfilled import unfilled_fields

    employer = make_employer(fresh_database, code="quill", people=20, is_faulty=False)
    client = [employer.client_id]
    assert unfilled_fields(fresh_database, client, DAY).is_empty()
    folder = shutil.copytree(SAMPLE_FOLDER / "clients" / "quill", tmp_path / "changed")
    rules = [
        (file, parts)
        for file in sorted(folder.glob("*.yaml"))
        if (parts := yaml.safe_load(file.read_text())) and "eligibility_rules" in parts
    ]
    file, parts = rules[0]
    rule = parts["eligibility_rules"][0]
    rule["criteria"] += [{"field": "config_1", "values": ["A"]}, {"field": "config_9", "values": ["B"]}]
    file.write_text(yaml.safe_dump(parts, sort_keys=False))
    assert setup.apply(folder, client_id=employer.client_id, applied_by="a", now=NOW).release
    found = unfilled_fields(fresh_database, client, DAY)
    assert found.select("field", "rules").rows() == [("config_1", rule["code"]), ("config_9", rule["code"])]
    assert found["client_id"].to_list() == client * 2
    before = date(1990, 1, 1)
    assert unfilled_fields(fresh_database, client, before).is_empty()  # no such rule then

    person = JobFact.objects.filter(client_id=employer.client_id).first().person_id
    at = {"action": "DTA", "made_by": "test", "now": NOW}
    workforce.change_job(employer.client_id, person, on=DAY, changes={"config_9": "B"}, **at)
    assert unfilled_fields(fresh_database, client, DAY)["field"].to_list() == ["config_1"]
    assert unfilled_fields(fresh_database, client, date(2025, 11, 2)).height == 2


def test_actions_and_reasons_that_nothing_maps_are_named_and_counted(fresh_database, make_employer, tmp_path):
    from openbenefits.runs.set_up_against_data import warnings_of
    from openbenefits.runs.unmapped import unmapped_actions

    employer = make_employer(fresh_database, code="quill", people=20, is_faulty=False)
    client = [employer.client_id]
    assert unmapped_actions(fresh_database, client, DAY).is_empty()
    people = Person.objects.filter(client_id=employer.client_id).order_by("id").values_list("id", flat=True)
    for number, (action, reason) in enumerate([("ODD", None), ("ODD", "WHY"), ("DTA", "ANY")]):
        at = {"action": action, "reason": reason, "made_by": "test", "now": NOW}
        workforce.change_job(employer.client_id, people[number], on=DAY, changes={"config_9": "B"}, **at)
    found = unmapped_actions(fresh_database, client, DAY)
    assert found.rows() == [(employer.client_id, "ODD", "", 1), (employer.client_id, "ODD", "WHY", 1)]
    told = warnings_of(fresh_database, client, DAY)
    assert told["code"].to_list() == ["action_unmapped"] * 2
    assert told["severity"].unique().to_list() == ["W"]
    assert told["where"].to_list() == ["jobs with the action ODD", "jobs with the action ODD (WHY)"]
    assert unmapped_actions(fresh_database, client, date(2025, 11, 2)).is_empty()


def test_companies_without_a_pay_group_are_named_and_counted(fresh_database, make_employer):
    from openbenefits.runs.set_up_against_data import warnings_of

    employer = make_employer(fresh_database, code="quill", people=20, is_faulty=False)
    client = [employer.client_id]
    assert warnings_of(fresh_database, client, DAY).is_empty()
    people = Person.objects.filter(client_id=employer.client_id).order_by("id").values_list("id", flat=True)
    for person in people[:2]:
        at = {"action": "DTA", "made_by": "test", "now": NOW}
        workforce.change_job(employer.client_id, person, on=DAY, changes={"company": "OLD"}, **at)
    (told,) = warnings_of(fresh_database, client, DAY).to_dicts()
    assert (told["code"], told["severity"]) == ("company_unknown", "W")
    assert (told["where"], told["found"]) == ("jobs of the company OLD", "none, for 2 people")
    assert warnings_of(fresh_database, client, date(2025, 11, 2)).is_empty()
