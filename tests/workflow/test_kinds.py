"""Every kind of record loads with all its fields, and says what changed."""

from datetime import UTC, date, datetime

import pytest
from tests.workflow.conftest import NOW, TODAY

from openbenefits.workflow.kinds import KINDS, Field, RecordKind, Related, register
from openbenefits.workflow.records import asked_of, changes, everyone, load


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_kind_loads_all_its_fields(world, name):
    kind = KINDS[name]
    world.cover(world.first, "10", "HMO-1")
    keys = everyone(world.connection, kind, world.client_id)
    fields = [
        *kind.fields,
        *(f"{one}.{field}" for one, to in kind.related.items() for field in list(KINDS[to.kind].fields)[:2]),
    ]
    found = load(world.connection, kind, asked_of(keys, TODAY), fields)
    assert found.height == len(keys)
    assert set(fields) <= set(found.columns)
    assert (found["client_id"] == world.client_id).all()
    end = datetime(2027, 1, 1, tzinfo=UTC)
    past = changes(world.connection, kind, world.client_id, datetime(2020, 1, 1, tzinfo=UTC), end)
    assert set(past["key"]) <= set(keys)
    assert past.height > 0 or not keys or not kind.has_history


def test_a_record_is_as_it_was_known_at_a_moment(world):
    world.change(world.first, on=date(2026, 2, 1), job_status="L", action="LOA", now=NOW)
    key, kind = f"{world.first}-0", KINDS["job"]
    fields = ["job_status", "job_status_before"]
    now = load(world.connection, kind, asked_of([key], TODAY), fields)
    before = load(world.connection, kind, asked_of([key], TODAY, "2026-03-02T08:59:59+00:00"), fields)
    assert now.select(fields).row(0) == ("L", "A")
    assert before.select(fields).row(0) == ("A", None)


def test_a_name_is_taken_once():
    kind = RecordKind(name="person", title="Other", fields={"a": Field("A")}, table="x")
    with pytest.raises(ValueError, match="found two"):
        register(kind)
    with pytest.raises(ValueError, match="a field of"):
        register(
            RecordKind(name="y", title="Y", fields={}, table="y", related={"z": Related("person", by="q")})
        )
