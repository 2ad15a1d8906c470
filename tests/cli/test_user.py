"""Users as an administrator makes them on the command line."""

from datetime import UTC, datetime

import pytest

from openbenefits.accounts.keys import use_key
from openbenefits.accounts.models import User
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import access_of
from openbenefits.accounts.signing_in import user_of_token
from openbenefits.workforce.models import Client, Person


@pytest.fixture
def clients(fresh_database) -> list[Client]:
    """Two clients, the first with one employee."""
    made = [Client.objects.create(code=code, name=code.title()) for code in ("harbor", "quill")]
    Person.objects.create(client_id=made[0].pk, employee_number="H1")
    return made


def done(result) -> str:
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def refused(result, said) -> None:
    assert result.exit_code == 1, result.output
    assert said in " ".join(result.output.split())


def test_a_new_installation_has_no_user(cli, clients):
    assert User.objects.count() == 0
    done(cli("user", "add", "jane", "--email", "jane@example.com"))
    assert not User.objects.get().has_usable_password()
    refused(cli("user", "add", "jane"), "expected a new name, found the user 'jane'")


def test_roles_are_given_listed_and_ended(cli, clients, fresh_database):
    done(cli("user", "add", "jane"))
    assert "nothing yet" in done(cli("user", "list"))
    assert "jane is payroll of harbor" in done(
        cli("user", "role", "jane", "--role", "payroll", "--client", "harbor")
    )
    assert "every client" in done(cli("user", "role", "jane", "--role", "auditor"))
    shown = done(cli("user", "list"))
    assert "payroll" in shown
    assert "every client" in shown
    assert set(access_of(fresh_database, User.objects.get()).permissions) == {0, clients[0].pk}
    done(cli("user", "end", "jane", "--role", "auditor"))
    assert set(access_of(fresh_database, User.objects.get()).permissions) == {clients[0].pk}
    refused(cli("user", "end", "jane", "--role", "auditor"), "found no such role")
    refused(cli("user", "role", "jane", "--role", "broker"), "give it client by client")
    refused(cli("user", "role", "joe", "--role", "payroll"), "expected the name of a user, found 'joe'")
    unknown = cli("user", "role", "jane", "--role", "king")
    assert unknown.exit_code == 2
    assert "expected one of administrator" in " ".join(unknown.output.split())


def test_an_employee_sees_himself_alone(cli, clients, fresh_database):
    done(cli("user", "add", "joe"))
    done(cli("user", "employee", "joe", "--client", "harbor", "--person", "H1"))
    assert "employee" in done(cli("user", "list"))
    assert access_of(fresh_database, User.objects.get()).person_id == Person.objects.get().pk
    done(cli("user", "add", "joes-wife"))
    refused(
        cli("user", "employee", "joes-wife", "--client", "harbor", "--person", "H1"),
        "employee with another login",
    )


def test_a_link_is_made_for_the_site(cli, clients):
    done(cli("user", "add", "jane"))
    link = done(cli("user", "link", "jane", "--site", "https://benefits.example.com")).replace(" ", "")
    assert link.startswith("https://benefits.example.com/sign-in/")
    assert user_of_token(link.rsplit("/", 1)[1]) == User.objects.get()


def test_a_key_is_made_shown_once_listed_and_ended(cli, clients, fresh_database):
    made = done(
        cli("user", "key", "payroll", "--scope", "see", "--client", "harbor", "--until", "2999-12-31")
    )
    secret = made.split()[-1]
    assert secret.startswith("ob_")
    used = use_key(fresh_database, secret, now=datetime.now(UTC))
    assert used.access.permissions == {clients[0].pk: frozenset({Permission.SEE})}
    shown = done(cli("user", "keys"))
    assert "payroll" in shown
    assert secret not in shown
    assert "payroll" not in done(cli("user", "list"))  # no person
    refused(cli("user", "link", "key payroll"), "expected the name of a user")  # and nobody signs in as it
    refused(cli("user", "key", "payroll", "--scope", "see", "--client", "harbor"), "expected a new name")
    unknown = cli("user", "key", "other", "--scope", "everything")
    assert unknown.exit_code == 2
    done(cli("user", "end-key", "payroll", "--client", "harbor"))
    assert use_key(fresh_database, secret, now=datetime.now(UTC)) is None
    refused(cli("user", "end-key", "payroll", "--client", "harbor"), "found none that stands")
    everywhere = done(cli("user", "key", "payroll", "--scope", "all"))
    assert "every client" in everywhere
