"""A client's records, handed over: every row of every table, every column said, no secret."""

import json

import polars as pl
import pytest
from django.db import connections
from tests.workflow.conftest import NOW

from openbenefits.store.isolation import CLIENT_COLUMNS
from openbenefits.workflow.handing_over import HandOverRefused, hand_over, models_of_clients
from openbenefits.workforce.models import Client


def counts(client_id):
    found = {}
    with connections["default"].cursor() as cursor:
        for model in models_of_clients():
            table = model._meta.db_table
            cursor.execute(
                f"SELECT count(*) FROM {table} WHERE {CLIENT_COLUMNS.get(table, 'client_id')} = %s",
                [client_id],
            )
            if count := cursor.fetchone()[0]:
                found[table] = count
    return found


def test_everything_is_handed_over(world, tmp_path):
    world.cover(world.first, "10", "HMO-1")
    client = Client.objects.get(pk=world.client_id)
    made = hand_over(world.connection, client, tmp_path / "out", version="1", now=NOW)
    wanted = counts(world.client_id)
    written = {one.stem: pl.read_csv(one, infer_schema=False) for one in (tmp_path / "out").glob("*.csv")}
    assert {name: rows.height for name, rows in written.items()} == wanted
    assert made.rows == sum(wanted.values())
    assert {"workforce_person", "enrollment_coverage", "programs_schedule"} <= set(wanted)
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
        hand_over(world.connection, client, tmp_path / "out", version="1", now=NOW)


def test_social_security_numbers_only_where_asked_for(world, tmp_path):
    client = Client.objects.get(pk=world.client_id)
    hand_over(world.connection, client, tmp_path / "out", version="1", now=NOW, with_ssn=True)
    rows = pl.read_csv(tmp_path / "out" / "workforce_personfact.csv", infer_schema=False)
    assert "ssn" in rows.columns
