"""A client's records, handed over: every row of every table, every column said, no secret."""

import json

import polars as pl
import pytest
from django.db import connections
from tests.workflow.conftest import NOW

from openbenefits.accounts.models import AuditEntry
from openbenefits.programs import services as setup
from openbenefits.programs.models import SetupKey
from openbenefits.store.isolation import CLIENT_COLUMNS, PARENTS
from openbenefits.workflow.checks import CHECKS, verdicts
from openbenefits.workflow.handing_over import (
    FILES,
    INNER,
    SSN,
    HandOverRefused,
    hand_over,
    models_of_clients,
)
from openbenefits.workforce.models import Client


def counts(client_id):
    found = {}
    with connections["default"].cursor() as cursor:
        for model in models_of_clients():
            table = model._meta.db_table
            mine = f"{CLIENT_COLUMNS.get(table, 'client_id')} = %s"
            if table in PARENTS:
                column, parent = PARENTS[table]
                whose = CLIENT_COLUMNS.get(parent, "client_id")
                mine = f"{column} IN (SELECT id FROM {parent} WHERE {whose} = %s)"
            cursor.execute(f"SELECT count(*) FROM {table} WHERE {mine}", [client_id])
            if count := cursor.fetchone()[0]:
                found[table] = count
    return found


def test_everything_is_handed_over(world, tmp_path):
    world.cover(world.first, "10", "HMO-1")
    client = Client.objects.get(pk=world.client_id)
    wanted = counts(world.client_id)
    made = hand_over(world.connection, client, tmp_path / "out", version="1", now=NOW, by="ann")
    for name in ("programs_setupkey", "programs_raterow"):  # what the client goes by of the PEO's
        rows = pl.read_csv(tmp_path / "out" / f"{name}.csv", infer_schema=False).filter(client_id="0")
        wanted[name] = wanted.get(name, 0) + rows.height
    written = {one.stem: pl.read_csv(one, infer_schema=False) for one in (tmp_path / "out").glob("*.csv")}
    assert {name: rows.height for name, rows in written.items()} == wanted
    assert made.rows == sum(wanted.values())
    assert {"workforce_person", "enrollment_coverage", "programs_schedule", "programs_release"} <= set(wanted)
    page = (tmp_path / "out" / "README.md").read_text()
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    for one in manifest["tables"]:
        names = [column["name"] for column in one["columns"]]
        assert names == written[one["table"]].columns
        assert all(f"| `{name}` |" in page for name in names)
        assert not [name for name in names if "hash" in name or "sealed" in name]
    assert "from when something is true" in page
    assert set(manifest["files"]) == {
        str(file.relative_to(tmp_path / "out"))
        for file in (tmp_path / "out").rglob("*")
        if file.is_file() and file.name != "manifest.json" and file != tmp_path / "out" / "README.md"
    }
    assert (tmp_path / "out" / "set-up" / "in force").is_dir()
    with pytest.raises(HandOverRefused):
        hand_over(world.connection, client, tmp_path / "out", version="1", now=NOW, by="ann")


def test_that_it_was_done_is_in_the_trail_and_bears_out_the_playbook(world, tmp_path):
    check, key = CHECKS["records handed over"], [str(world.client_id)]
    said = [verdicts(world.connection, check, key, NOW.date()).row(0)[1:]]
    client = Client.objects.get(pk=world.client_id)
    hand_over(world.connection, client, tmp_path / "out", version="1", now=NOW, by="ann")
    said.append(verdicts(world.connection, check, key, NOW.date()).row(0)[1:])
    assert said == [(False, "not handed over yet"), (True, "handed over on 2026-03-02")]
    assert AuditEntry.objects.get(what="records handed over").reason == "by ann"


def test_social_security_numbers_only_where_asked_for(world, tmp_path):
    client = Client.objects.get(pk=world.client_id)
    hand_over(world.connection, client, tmp_path / "out", version="1", now=NOW, by="ann", with_ssn=True)
    rows = pl.read_csv(tmp_path / "out" / "workforce_personfact.csv", infer_schema=False)
    assert "ssn" in rows.columns


def test_set_up_of_the_peo_comes_along_as_far_as_the_client_goes_by_it(world, tmp_path):
    """It can be applied by itself, every number leads somewhere, and plans of other clients stay."""
    peo = setup.loaded_in_force(0)
    client = Client.objects.get(pk=world.client_id)
    hand_over(world.connection, client, tmp_path / "out", version="1", now=NOW, by="ann")
    found = setup.check(tmp_path / "out" / "set-up" / "inherited" / "release-0001")
    assert found.is_applicable
    plans = {one.code for one in found.bundle.parts.plans}
    assert plans == {one.code for one in peo.parts.plans} - {"OTHER"}
    assert {one.code for one in found.bundle.parts.event_classes} == {
        one.code for one in peo.parts.event_classes
    }
    keys = pl.read_csv(tmp_path / "out" / "programs_setupkey.csv")
    rules = pl.read_csv(tmp_path / "out" / "programs_eventrule.csv")
    known = set(keys["id"])
    assert set(rules["event_rule_id"]) <= known
    assert SetupKey.objects.filter(client_id=0, kind="plan", code="OTHER").get().pk not in known


def test_what_it_comes_to_is_stated_in_words(world, tmp_path):
    world.cover(world.first, "10", "HMO-1")
    client = Client.objects.get(pk=world.client_id)
    hand_over(world.connection, client, tmp_path / "out", version="1", now=NOW, by="ann")
    stated = pl.read_csv(tmp_path / "out" / "stated" / "coverage.csv", infer_schema=False)
    (line,) = stated.select("employee_number", "plan_type", "begins_on", "ends_on", "plan").rows()
    assert line == ("0001", "10", "2026-01-01", None, "HMO")
    assert {one.name for one in (tmp_path / "out" / "stated").iterdir()} == {
        *("coverage.csv", "taken-by-year.csv", "balances.csv"),
    }


def test_no_file_in_a_table_is_forgotten():
    binary = {
        (model._meta.db_table, field.column)
        for model in models_of_clients()
        for field in model._meta.concrete_fields
        if field.get_internal_type() == "BinaryField"
    }
    secret = {one for one in binary if one[0] in ("api_answer", "platform_connection")}
    of_facts = {one for one in binary if one[1] == SSN and one[0].startswith("workforce_")}
    assert binary == set(FILES) | set(INNER) | secret | of_facts
