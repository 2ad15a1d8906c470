"""No row of another client, or of another employee, is seen or written, whatever a query forgets."""

from datetime import UTC, datetime

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from psycopg import sql

from openbenefits.accounts.models import User
from openbenefits.background.models import ProcessRequest
from openbenefits.carriers.models import PortalEntry
from openbenefits.store import isolation
from openbenefits.store.isolation import (
    CLIENT_COLUMNS,
    CLOSED,
    MINE,
    NO_SETUP,
    OPEN,
    PARENTS,
    PEO,
    PERSON_COLUMNS,
    Rights,
    acting,
)
from openbenefits.workbench.models import SavedFilter

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
TABLES = """
    SELECT c.relname, array_agg(a.attname::text), c.relrowsecurity
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') GROUP BY c.oid ORDER BY 1
"""
SETTINGS = ("user", "reads", "writes", "persons")


def tables(session) -> dict[str, tuple[list[str], bool]]:
    return {name: (columns, is_safe) for name, columns, is_safe in session.execute(TABLES)}


def client_column(table, columns):
    """Name the column of a row's client; an app of a company's sign-in has a client_id of another kind."""
    if table in OPEN:
        return None
    column = CLIENT_COLUMNS.get(table, "client_id")
    return column if column in columns else None


def counted(run, table, column) -> dict[int, int]:
    """Count the rows of a table by client, or person."""
    query = sql.SQL("SELECT {0}, count(*) FROM {1} GROUP BY {0}").format(
        sql.Identifier(column), sql.Identifier(table)
    )
    return dict(run(query))


def faced(query, params=()):
    with connection.cursor() as cursor:
        cursor.execute(query.as_string(connection.connection) if isinstance(query, sql.Composable) else query)
        return cursor.fetchall() if cursor.description else []


# --- every table --------------------------------------------------------------------------------------------


def test_every_table_has_policies_or_a_reason_why_not(pair, owner):
    for table, (columns, is_safe) in tables(owner).items():
        assert is_safe != (table in OPEN or table in CLOSED), table
        assert (client_column(table, columns) is not None) or table in {*PARENTS, *OPEN, *CLOSED}, table


def test_what_is_ones_own_is_nobody_elses(pair, owner, as_face):
    for table in MINE:
        assert "user_id" in tables(owner)[table][0]
    users = [User.objects.create(username=f"own {number}").pk for number in (1, 2)]
    for user in users:
        with acting(as_face, Rights(user_id=user)):
            SavedFilter.objects.create(client_id=PEO, user_id=user, page="home", name="mine", query="a=1")
    with acting(as_face, Rights(user_id=users[0], reads=None, writes=None)):
        assert [one.user_id for one in SavedFilter.objects.all()] == users[:1]
        with pytest.raises(DatabaseError), transaction.atomic():
            SavedFilter.objects.create(client_id=PEO, user_id=users[1], page="home", name="x", query="")


def test_a_filter_that_is_shared_is_read_by_the_staff_of_its_client_and_written_by_nobody_else(
    pair, owner, as_face
):
    mine, theirs = (one.client_id for one in pair)
    author, reader = (User.objects.create(username=f"sharing {number}").pk for number in (1, 2))
    with acting(as_face, Rights(user_id=author)):
        for client_id in (PEO, mine, theirs):
            told = {"client_id": client_id, "name": "late", "query": "a=1", "is_shared": True}
            SavedFilter.objects.create(user_id=author, page="people", **told)
    shared = SavedFilter.objects.filter(user_id=author)
    with acting(as_face, Rights(user_id=reader, reads=(PEO, mine), writes=(mine,))):
        assert [one.client_id for one in shared.all()] == [mine]
        assert (shared.update(name="x"), shared.delete()[0]) == (0, 0)
    with acting(as_face, Rights(user_id=reader, reads=None)):
        assert shared.count() == 3
    with acting(as_face, Rights(user_id=reader, reads=(PEO, mine), persons=(1,))):
        assert not shared.exists()
    with acting(as_face, Rights(user_id=author)):
        assert shared.delete()[0] == 3


def test_what_is_asked_for_the_peo_is_not_seen_by_staff_of_a_client(pair, owner, as_face):
    author = User.objects.filter(pk=1).values_list("username", flat=True).first() or "test"  # as they sign
    asked = {"author": author, "kind": "run control", "asked_for": {}, "asked_at": NOW}
    with acting(as_face, Rights(user_id=1, reads=None, writes=None)):
        ProcessRequest.objects.create(client_id=PEO, user_id=1, **asked)
    with acting(as_face, Rights(user_id=1, reads=(PEO, pair[0].client_id), writes=(pair[0].client_id,))):
        ProcessRequest.objects.create(client_id=pair[0].client_id, user_id=1, **asked)
        assert [one.client_id for one in ProcessRequest.objects.all()] == [pair[0].client_id]


def test_no_face_touches_a_closed_table(pair, owner, as_face):
    assert set(CLOSED) <= set(tables(owner))
    for table in CLOSED:
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            faced(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(table)))


def test_a_new_table_of_clients_without_a_policy_is_found(pair, owner):
    owner.execute("CREATE TABLE forgotten (client_id integer, person_id bigint)")
    columns, is_safe = tables(owner)["forgotten"]
    assert client_column("forgotten", columns) == "client_id"
    assert not is_safe
    isolation.isolate(owner)
    assert tables(owner)["forgotten"][1]


def test_no_view_shows_what_its_owner_sees(pair, owner):
    """A view reads as its owner, but with security_invoker."""
    views = owner.execute(
        """
        SELECT c.relname, array_agg(a.attname::text) FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('v', 'm')
          AND NOT coalesce(c.reloptions @> ARRAY['security_invoker=true'], false) GROUP BY 1
        """
    ).fetchall()
    columns_of = dict(views)
    assert set(columns_of) == {*isolation.PUBLIC_VIEWS, *isolation.OWN_VIEWS}
    public = [columns_of[name] for name in isolation.PUBLIC_VIEWS]
    assert not any({"client_id", "person_id"} & set(columns) for columns in public)


def test_a_view_of_ones_own_shows_an_employee_himself_and_the_staff_nothing(pair, owner, as_face):
    mine = pair[0].client_id
    people = owner.execute("SELECT id FROM workforce_person WHERE client_id = %s ORDER BY 1 LIMIT 2", [mine])
    one, other = (row[0] for row in people.fetchall())
    with acting(as_face, Rights(user_id=0, reads=None, writes=None)):
        for person in (one, other):
            PortalEntry.objects.create(client_id=mine, partner_client=mine, person_id=person, **ENTRY)
    for view in isolation.OWN_VIEWS:
        query = sql.SQL("SELECT person_id FROM {}").format(sql.Identifier(view))
        with acting(as_face, Rights(user_id=0, reads=(PEO, mine), persons=(one,))):
            assert set(faced(query)) == {(one,)}
        for rights in (Rights(user_id=0), Rights(user_id=0, reads=None), Rights(user_id=0, persons=())):
            with acting(as_face, rights):
                assert faced(query) == []
    with acting(as_face, Rights(user_id=0, reads=None, writes=None)):
        PortalEntry.objects.all().delete()


ENTRY = {
    "partner": "p",
    "benefit_record": 0,
    "line": "10",
    "kind": "add",
    "action": "021",
    "reason": "portal",
    "due_on": NOW.date(),
    "opened_at": NOW,
    "opened_by": "test",
}


def test_without_rights_nothing_is_seen(pair, owner, as_face):
    for table in set(tables(owner)) - set(OPEN) - set(CLOSED):
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        assert faced(query) == [(0,)], table
    with acting(as_face, Rights(user_id=0)):
        assert faced("SELECT count(*) FROM workforce_client") == [(0,)]


def test_each_client_is_seen_alone_and_whole(pair, owner, as_face):
    mine, theirs = (one.client_id for one in pair)
    seen = 0
    for table, (columns, _) in tables(owner).items():
        if (column := client_column(table, columns)) is None:
            continue
        known = counted(owner.execute, table, column)
        with acting(as_face, Rights(user_id=0, reads=(PEO, mine))):
            found = counted(faced, table, column)
        ours = () if table in MINE else (mine,) if table in NO_SETUP else (PEO, mine)
        assert found == {client: rows for client, rows in known.items() if client in ours}, table
        seen += theirs in known
    assert seen >= 35  # tables that hold rows of both


def test_every_client_is_seen_by_whom_every_client_is_given(pair, owner, as_face):
    known = counted(owner.execute, "enrollment_coverage", "client_id")
    with acting(as_face, Rights(user_id=0, reads=None)):
        assert counted(faced, "enrollment_coverage", "client_id") == known


def test_one_employee_is_seen_alone(pair, owner, as_face):
    mine = pair[0].client_id
    person_id = owner.execute(
        "SELECT min(person_id) FROM enrollment_coverage WHERE client_id = %s", [mine]
    ).fetchone()[0]
    for table, (columns, _) in tables(owner).items():
        column = PERSON_COLUMNS.get(table, "person_id")
        if client_column(table, columns) is None or column not in columns:
            continue
        known = counted(owner.execute, table, column)
        with acting(as_face, Rights(user_id=0, reads=(PEO, mine), persons=(person_id,))):
            found = counted(faced, table, column)
        assert found == {person: rows for person, rows in known.items() if person == person_id}, table
    with acting(as_face, Rights(user_id=0, reads=(PEO, mine), persons=())):
        assert faced("SELECT count(*) FROM workforce_person") == [(0,)]


def test_what_belongs_to_a_row_of_another_client_is_not_seen(pair, owner, as_face):
    mine = pair[0].client_id
    for table, (column, parent) in PARENTS.items():
        client = CLIENT_COLUMNS.get(parent, "client_id")
        query = sql.SQL("SELECT count(*) FROM {0} c JOIN {1} p ON p.id = c.{2} WHERE p.{3} = ANY(%s)").format(
            *map(sql.Identifier, (table, parent, column, client))
        )
        known = owner.execute(query, [[PEO, mine]]).fetchone()
        with acting(as_face, Rights(user_id=0, reads=(PEO, mine))):
            assert faced(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))) == [known], table


# --- writing ------------------------------------------------------------------------------------------------


def touched(face, rights, statement) -> int:
    """Answer how many rows a statement changed; none where history is append-only for everybody."""
    try:
        with acting(face, rights), connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.rowcount
    except DatabaseError as refused:
        if "append-only" in str(refused) or "permission denied" in str(refused):
            return 0
        raise


def test_what_may_be_read_may_not_be_written(pair, owner, as_face):
    mine, theirs = (one.client_id for one in pair)
    rights = Rights(user_id=0, reads=(PEO, mine, theirs), writes=(mine,))
    for table, (columns, _) in tables(owner).items():
        if (column := client_column(table, columns)) is None:
            continue
        others = f"WHERE {column} <> {mine}"
        assert touched(as_face, rights, f"UPDATE {table} SET {column} = {column} {others}") == 0, table
        assert touched(as_face, rights, f"DELETE FROM {table} {others}") == 0, table
    assert touched(
        as_face, rights, f"UPDATE workforce_person SET client_id = {mine} WHERE client_id = {mine}"
    )


def test_no_row_is_given_to_another_client(pair, owner, as_face):
    mine, theirs = (one.client_id for one in pair)
    statements = (
        f"INSERT INTO workforce_person (client_id, employee_number) VALUES ({theirs}, 'X1')",
        f"UPDATE workforce_person SET client_id = {theirs} WHERE client_id = {mine}",
    )
    for statement in statements:
        with pytest.raises(DatabaseError), acting(as_face, Rights(user_id=0, reads=(mine,), writes=(mine,))):
            faced(statement)


def test_an_employee_says_of_no_other_number_that_it_is_his(pair, owner, as_face):
    client = pair[0].client_id
    own = f"INSERT INTO accounts_mergednumber (client_id, person_id, into_id) VALUES ({client}, 1, 2)"
    alone = Rights(user_id=0, reads=(client,), writes=(client,), persons=(1,))
    with pytest.raises(DatabaseError), acting(as_face, alone):
        faced(own)
    with acting(as_face, Rights(user_id=0, reads=(client,), writes=(client,))):
        faced(own)
    reading, removing = "SELECT into_id FROM accounts_mergednumber", "DELETE FROM accounts_mergednumber"
    assert touched(as_face, alone, removing) == 0
    with acting(as_face, alone):
        assert faced(reading) == [(2,)]
    assert touched(as_face, Rights(user_id=0, reads=(client,), writes=(client,)), removing) == 1


@pytest.mark.parametrize(
    "statement", ["TRUNCATE events_event", "DROP TABLE events_event", "CREATE TABLE x (y int)"]
)
def test_a_face_changes_no_tables(pair, as_face, statement):
    with pytest.raises(DatabaseError), acting(as_face, Rights(user_id=0, reads=None, writes=None)):
        faced(statement)


# --- the transaction ----------------------------------------------------------------------------------------


def test_rights_end_with_their_transaction(pair, as_face):
    mine = pair[0].client_id
    with acting(as_face, Rights(user_id=7, reads=(mine,))):
        assert faced("SELECT id FROM workforce_client") == [(mine,)]
    assert faced("SELECT id FROM workforce_client") == []
    for name in SETTINGS:
        assert faced(f"SELECT nullif(current_setting('openbenefits.{name}', true), '')") == [(None,)]


def test_rights_are_not_taken_within_another_transaction(pair, as_face):
    with transaction.atomic(), pytest.raises(RuntimeError), acting(as_face, Rights(user_id=0, reads=None)):
        pass


def test_whoever_may_not_make_the_role_is_told_what_to_do(pair, owner, monkeypatch):
    owner.execute("CREATE ROLE openbenefits_nobody NOLOGIN")
    owner.execute("SET ROLE openbenefits_nobody")
    monkeypatch.setattr(isolation, "FACE", "openbenefits_other_face")
    with pytest.raises(
        psycopg.errors.InsufficientPrivilege, match="CREATE ROLE openbenefits_other_face NOLOGIN"
    ):
        isolation.isolate(owner)
