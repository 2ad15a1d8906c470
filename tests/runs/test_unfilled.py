"""The client's own fields: asked for by a rule, and filled in no job."""

import shutil
from datetime import date

import yaml

from openbenefits.programs import services as setup
from openbenefits.sample import SAMPLE_FOLDER
from openbenefits.workforce import services as workforce
from openbenefits.workforce.models import JobFact

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
