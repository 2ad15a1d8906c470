"""What a face may touch of tickets, whatever a query forgot: the database itself keeps them apart."""

import pytest
from django.db import connection
from django.db.utils import DatabaseError
from tests.accounts.conftest import as_face
from tests.casework.conftest import NOW, access, build, numbers, user

from openbenefits.accounts.models import User
from openbenefits.accounts.services import link_employee, working
from openbenefits.casework.models import Change, Comment, Follower, Notice, Ticket
from openbenefits.casework.services import ChangeOrder, Status, TaskOrder, change, open_task
from openbenefits.casework.talking import comment
from openbenefits.workforce.models import Person

__all__ = ["as_face"]

TABLES = (Ticket, Change, Comment, Notice)


@pytest.fixture(scope="module")
def filled(database, kept):
    """A ticket of each client, and of the PEO; one is about an employee who signs in."""
    kept(database, "casework", build)
    clients = numbers()
    person = Person.objects.create(client_id=clients["acme"], employee_number="7")
    employee = User.objects.create_user("employee")
    link_employee(employee, clients["acme"], person.pk, given_by="test", now=NOW)
    found = {}
    for name, client_id in {**clients, "peo": None}.items():
        about = person.pk if name == "acme" else None
        made = open_task("r", TaskOrder(client_id=client_id, subject=name, person_id=about), now=NOW)
        comment("r", made.pk, "said", now=NOW)
        found[name] = made.pk
    return found


def seen(name):
    with working(connection, access(name)):
        return [set(one.objects.values_list("client_id", flat=True)) for one in TABLES]


def test_each_sees_rows_of_his_clients_and_no_employee_any(filled, as_face):
    clients = numbers_of(filled)
    assert seen("ann") == [{clients["acme"]}] * 4
    assert seen("dan") == [{clients["bolt"]}] * 4
    assert seen("eve") == [{0, *clients.values()}] * 4
    assert seen("employee") == [set()] * 4


def numbers_of(_filled):
    with working(connection, access("eve")):
        return numbers()


def test_histories_are_written_once_under_ones_own_name(filled, as_face):
    ann = access("ann")
    with working(connection, ann):
        change(ann, filled["acme"], ChangeOrder(status=Status.IN_PROGRESS), now=NOW)
        last = Change.objects.filter(ticket_id=filled["acme"]).latest("id")
        assert (last.author, last.user_id) == ("ann", user("ann").pk)
    for act in (
        lambda: Change.objects.update(after="x"),
        lambda: Comment.objects.all().delete(),
        lambda: Change.objects.create(
            client_id=numbers()["acme"],
            ticket_id=filled["acme"],
            at=NOW,
            author="bob",
            user_id=ann.user_id + 1,
            field="x",
        ),
    ):
        with pytest.raises(DatabaseError), working(connection, ann):
            act()


def test_what_acts_by_itself_in_a_request_is_signed_by_its_user(filled, as_face):
    ann = access("ann")
    with working(connection, ann):
        made = open_task("reconciliation", TaskOrder(client_id=numbers()["acme"], subject="x"), now=NOW)
        line = Change.objects.get(ticket_id=made.pk)
        assert (line.author, line.user_id, made.opened_by) == (
            "reconciliation",
            ann.user_id,
            "reconciliation",
        )


def test_what_one_follows_is_ones_own(filled, as_face):
    with working(connection, access("ann")):
        Follower.objects.create(user_id=user("ann").pk, scope="mine", client_id=0)
    with working(connection, access("eve")):
        assert not Follower.objects.exists()
