import polars as pl
import psycopg
import pytest
from django.db import transaction

from openbenefits.store.bulk import copy_in
from openbenefits.store.locks import NoTransaction, lock_rows

KEYS = pl.DataFrame(
    {"client_id": [1, 1, 2, 3], "id": ["a", "b", "a", "z"]}, schema_overrides={"client_id": pl.Int32}
)


@pytest.fixture(scope="module")
def records(database):
    with database.cursor() as cursor:
        cursor.execute("CREATE TABLE record (client_id integer, id text, PRIMARY KEY (client_id, id))")
    copy_in(database, "record", KEYS.head(3))
    return database


@pytest.fixture
def other_session(records):
    with psycopg.connect(**records.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as session:
        yield session
        session.rollback()


def test_rows_held_elsewhere_and_rows_unknown_are_skipped(records, other_session):
    other_session.execute("SELECT FROM record WHERE client_id = 1 AND id = 'b' FOR NO KEY UPDATE")
    with transaction.atomic():
        locked, skipped = lock_rows(records, "record", KEYS)
    assert locked.rows() == [(1, "a"), (2, "a")]
    assert skipped.rows() == [(1, "b"), (3, "z")]


def test_locked_rows_are_held_until_the_transaction_ends(records, other_session):
    with transaction.atomic():
        lock_rows(records, "record", KEYS)
        assert lock_rows(other_session, "record", KEYS)[0].is_empty()
    assert lock_rows(other_session, "record", KEYS)[0].height == 3


def test_locking_outside_a_transaction_is_refused(records):
    with pytest.raises(NoTransaction, match="record"):
        lock_rows(records, "record", KEYS)
