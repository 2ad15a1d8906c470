"""Roles, what follows from them, and the audit trail."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection

from openbenefits.accounts.models import AuditEntry, Role, User
from openbenefits.accounts.roles import ONLY_READING, ROLES, Permission, RoleCode, writes
from openbenefits.accounts.services import (
    EVERY_CLIENT,
    Access,
    NotAllowed,
    RoleRefused,
    access_of,
    end_role,
    give_role,
    link_employee,
    note,
    working,
)
from openbenefits.store.isolation import PEO
from openbenefits.workforce.models import Client, Person

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
GIVEN = {"given_by": "the administrator", "now": NOW}

MAY = {
    #               see pers heal elec fact proc repa fina setu payr finc user audi offe
    "administrator": "x   x    x    x    x    x    x    x    x    x    x    x    x    x",
    "specialist": "   x   x    x    x    x    x    x    x    x    -    -    -    -    -",
    "payroll": "      x   x    -    -    -    -    -    -    -    x    -    -    -    -",
    "finance": "      x   -    -    -    -    -    -    -    -    -    x    -    -    -",
    "client": "       x   x    -    x    x    -    -    -    -    -    -    x    -    -",
    "contact": "      -   -    -    -    -    -    -    -    -    -    -    -    -    x",
    "broker": "       x   -    -    -    -    -    -    -    -    -    -    -    -    -",
    "auditor": "      x   -    -    -    -    -    -    -    -    -    -    -    x    -",
    "employee": "     x   x    -    x    -    -    -    -    -    -    -    -    -    -",
}


@pytest.fixture
def user(database, pair):
    made = User.objects.create_user(f"user{User.objects.count()}")
    assert not made.has_usable_password()
    return made


@pytest.mark.parametrize("code", RoleCode)
def test_what_a_role_may(code):
    cells = dict(zip(Permission, MAY[str(code)].split(), strict=True))
    assert ROLES[code].permissions == {one for one, cell in cells.items() if cell == "x"}


def test_health_data_is_hidden_from_client_and_sales_roles():
    seeing = {code for code, role in ROLES.items() if Permission.SEE_HEALTH in role.permissions}
    assert seeing == {RoleCode.ADMINISTRATOR, RoleCode.SPECIALIST}


def test_only_brokers_and_auditors_write_nothing():
    assert {code for code, role in ROLES.items() if not writes(role.permissions)} == {"broker", "auditor"}
    assert writes(ONLY_READING | {Permission.ELECT})


def test_a_new_user_may_nothing(database, user):
    access = access_of(database, user)
    assert not access.permissions
    assert access.rights().reads == access.rights().writes == ()
    with pytest.raises(NotAllowed, match="expected a role that may 'see'"):
        access.require(Permission.SEE, 1)


def test_roles_add_up_client_by_client_until_they_end(database, user, pair):
    mine, theirs = (one.client_id for one in pair)
    give_role(user, mine, RoleCode.PAYROLL, **GIVEN)
    give_role(user, mine, RoleCode.PAYROLL, **GIVEN)
    give_role(user, mine, RoleCode.AUDITOR, **GIVEN)
    give_role(user, theirs, RoleCode.BROKER, **GIVEN)
    assert Role.objects.filter(user=user).count() == 3
    access = access_of(database, user)
    assert access.may(Permission.PAYROLL, mine)
    assert access.may(Permission.AUDIT, mine)
    assert not access.may(Permission.PAYROLL, theirs)
    assert access.rights().reads == (PEO, mine, theirs)
    assert access.rights().writes == (mine,)
    assert end_role(user, mine, RoleCode.PAYROLL, ended_by="the administrator", now=NOW)
    assert not end_role(user, mine, RoleCode.PAYROLL, ended_by="the administrator", now=NOW)
    assert access_of(database, user).rights().writes == ()


def test_a_role_for_every_client_is_one_for_a_client_to_come(database, user):
    give_role(user, EVERY_CLIENT, RoleCode.SPECIALIST, **GIVEN)
    access = access_of(database, user)
    later = Client.objects.create(code=f"new{user.pk}", name="New")
    assert access.may(Permission.ELECT, later.pk)
    assert not access.may(Permission.PAYROLL, later.pk)
    assert access.rights().reads is None
    assert access.rights().writes is None
    give_role(user, later.pk, RoleCode.PAYROLL, **GIVEN)
    both = access_of(database, user)
    assert both.may(Permission.ELECT, later.pk)
    assert both.may(Permission.PAYROLL, later.pk)


def test_who_is_switched_off_may_nothing(database, user):
    give_role(user, EVERY_CLIENT, RoleCode.ADMINISTRATOR, **GIVEN)
    user.is_active = False
    assert not access_of(database, user).permissions


@pytest.mark.parametrize(
    ("client_id", "code", "said"),
    [(EVERY_CLIENT, RoleCode.CLIENT, "client by client"), (1, RoleCode.EMPLOYEE, "link the login")],
)
def test_roles_that_are_not_given(user, client_id, code, said):
    with pytest.raises(RoleRefused, match=said):
        give_role(user, client_id, code, **GIVEN)


def test_a_login_is_one_employee_and_an_employee_has_one_login(database, user, pair):
    mine = pair[0].client_id
    people = list(Person.objects.filter(client_id=mine).order_by("pk").values_list("pk", flat=True))
    person_id, another = people[user.pk % len(people)], people[(user.pk + 1) % len(people)]
    link_employee(user, mine, person_id, **GIVEN)
    link_employee(user, mine, person_id, **GIVEN)
    access = access_of(database, user)
    assert access.person_id == person_id
    assert access.rights().persons == (person_id,)
    assert access.may(Permission.ELECT, mine)
    with pytest.raises(RoleRefused, match="login of another employee"):
        link_employee(user, mine, another, **GIVEN)
    second = User.objects.create_user(f"second{user.pk}")
    with pytest.raises(RoleRefused, match="employee with another login"):
        link_employee(second, mine, person_id, **GIVEN)
    give_role(second, mine, RoleCode.BROKER, **GIVEN)
    with pytest.raises(RoleRefused, match="a login of its own"):
        link_employee(second, mine, another, **GIVEN)


def test_the_web_finds_what_its_user_may_and_nothing_of_others(database, user, pair, as_face):
    mine = pair[0].client_id
    give_as_owner(user, mine)
    access = access_of(as_face, user)
    assert access.may(Permission.SEE, mine)
    with working(as_face, access):
        assert [one.pk for one in Client.objects.all()] == [mine]
        assert set(Role.objects.values_list("client_id", flat=True)) == {mine}
    assert not Role.objects.exists()


def give_as_owner(user, client_id) -> None:
    """Give a role past row-level security, as an administrator's command does."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")
    give_role(user, client_id, RoleCode.CLIENT, **GIVEN)
    connection.close()


def test_what_was_seen_and_done_is_kept(database, user, pair, as_face):
    mine, theirs = (one.client_id for one in pair)
    give_as_owner(user, mine)
    access = access_of(as_face, user)
    with working(as_face, access):
        note(access, "saw", "participant", client_id=mine, now=NOW, person_id=1, reason="a question by phone")
    with working(as_face, access):
        kept = AuditEntry.objects.get(user=user)
    assert (kept.client_id, kept.person_id, kept.what) == (mine, 1, "participant")
    for change in (lambda: AuditEntry.objects.update(reason=""), lambda: AuditEntry.objects.all().delete()):
        with pytest.raises(Exception, match=r"permission denied|kept as it was"), working(as_face, access):
            change()
    stranger = Access(user_id=user.pk, permissions={theirs: access.permissions[mine]})
    with working(as_face, stranger):
        assert not AuditEntry.objects.exists()
    somebody = Access(user_id=user.pk + 1, permissions=access.permissions)
    with pytest.raises(Exception, match="row-level security"), working(as_face, access):
        note(somebody, "saw", "participant", client_id=mine, now=NOW)


def test_not_even_the_owner_changes_the_trail(database, user, pair):
    access = Access(user_id=user.pk, permissions={})
    note(access, "refused", "home", client_id=pair[0].client_id, now=NOW)
    with pytest.raises(IntegrityError, match="kept as it was written"):
        AuditEntry.objects.update(reason="")
