"""The users desk: invited by a link and never above who invites; keys reset; employees invited in bulk."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core import mail
from django.test import Client as Browser
from django.test import override_settings
from django.utils import timezone
from tests.faces.conftest import LENIENT, text

from openbenefits.accounts.models import AuditEntry, EmployeeLogin, Role, User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import RoleRefused, access_of
from openbenefits.accounts.signing_in import link_token
from openbenefits.accounts.users import end_sessions, may_give
from openbenefits.background.models import ProcessRequest
from openbenefits.background.services import perform

MAILED = override_settings(SECOND_FACTOR="off", EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
USERS = "/workbench/harbor/users/"


def link_in(letter) -> str:
    return re.search(r"https?://[^/]+(/sign-in/\S+)", letter.body).group(1)


@MAILED
def test_somebody_is_invited_and_comes_in_by_the_link_once(as_user, as_owner):
    invited = {"name": "newcomer", "email": "newcomer@example.com", "role": "broker"}
    mail.outbox = []
    told = as_user("hr").post(USERS, invited, follow=True)
    assert "newcomer" in text(told)
    (letter,) = mail.outbox
    new = as_owner(lambda: User.objects.get(username="newcomer"))
    assert not new.has_usable_password()
    door = Browser(HTTP_HOST="localhost")
    assert door.get(link_in(letter)).status_code == 302
    assert "harbor" in text(door.get("/workbench/"))
    assert Browser(HTTP_HOST="localhost").get(link_in(letter)).status_code == 410


@LENIENT
@pytest.mark.parametrize(
    ("invited", "fault"),
    [
        ({"name": "x y", "email": "a@b.com", "role": "client"}, "expected a name"),
        ({"name": "other", "email": "nobody@example.com", "role": "client"}, "found that of a user"),
        ({"name": "hr", "email": "else@example.com", "role": "client"}, "found another"),
        ({"name": "employee", "email": "employee@example.com", "role": "client"}, "one of an employee"),
        ({"name": "above", "email": "above@example.com", "role": "administrator"}, "Select a valid choice"),
        ({"name": "none", "email": "none", "role": "client"}, "valid email"),
    ],
)
def test_what_cannot_be_is_said(as_user, as_owner, invited, fault):
    before = as_owner(Role.objects.count)
    assert fault in text(as_user("hr").post(USERS, invited, follow=True))
    assert as_owner(Role.objects.count) == before


@LENIENT
def test_nobody_gives_or_ends_what_is_above_him(as_user, as_owner, users):
    specialist = users["specialist"].pk
    act = f"{USERS}{specialist}/do"
    for said in ({"act": "give", "role": "administrator"}, {"act": "end", "role": "specialist"}):
        assert "no more than you" in text(as_user("hr").post(act, said, follow=True))
    for said in ({"act": "sessions", "reason": "x"}, {"act": "second factor", "reason": "x"}):
        assert "one who may more" in text(as_user("hr").post(act, said, follow=True))
    assert as_owner(lambda: Role.objects.filter(user_id=specialist, ended_at=None).count()) == 1
    assert as_user("hr").get("/workbench/users/").status_code == 403
    assert as_user("specialist").get(USERS).status_code == 403
    assert as_user("hr").get("/workbench/quill/users/").status_code == 404


@LENIENT
def test_an_administrator_gives_and_ends_roles_and_resets_keys(as_user, as_owner, users):
    broker = users["broker"]
    act = f"{USERS}{broker.pk}/do"
    elsewhere = Browser(HTTP_HOST="localhost")
    elsewhere.get(f"/sign-in/{as_owner(lambda: link_token(User.objects.get(username='broker')))}")
    assert elsewhere.get("/workbench/harbor/").status_code == 200
    as_owner(lambda: Authenticator.objects.create(user=broker, type="totp", data={}))
    admin = as_user("admin")
    assert "Done." in text(admin.post(act, {"act": "give", "role": "payroll"}, follow=True))
    assert "expected a reason" in text(admin.post(act, {"act": "second factor"}, follow=True))
    assert "Done." in text(admin.post(act, {"act": "second factor", "reason": "lost phone"}, follow=True))
    assert as_owner(lambda: Authenticator.objects.filter(user=broker).count()) == 0
    assert as_owner(lambda: UserSession.objects.filter(user=broker).count()) == 0
    assert elsewhere.get("/workbench/harbor/").status_code == 302
    assert "Done." in text(admin.post(act, {"act": "end", "role": "payroll"}, follow=True))
    noted = as_owner(
        lambda: list(AuditEntry.objects.filter(user=users["admin"]).values_list("what", flat=True))
    )
    assert {"gave a role", "ended a role", "reset a second factor", "ended sessions"} <= set(noted)
    assert "payroll" in text(admin.get(f"{USERS}{broker.pk}/"))  # the ended one stays to be seen
    own = f"/workbench/users/{users['admin'].pk}/do"
    assert "found your own" in text(admin.post(own, {"act": "end", "role": "administrator"}, follow=True))


def test_what_concerns_a_user_as_a_whole_wants_rights_over_all_of_him(users, pair, database):
    both = users["second"]
    mine, theirs = (one.client_id for one in pair)
    Role.objects.create(user=both, client_id=theirs, code="broker", given_by="test", given_at=timezone.now())
    hr = access_of(database, users["hr"])
    assert may_give(hr, mine) == [RoleCode.CLIENT, RoleCode.BROKER]
    assert may_give(hr, theirs) == []
    with pytest.raises(RoleRefused, match="another client's"):
        end_sessions(hr, both, mine, reason="x", now=timezone.now())
    Role.objects.filter(user=both, client_id=theirs).delete()


@MAILED
def test_employees_are_invited_by_the_worker(as_user, as_owner, pair):
    mine = pair[0].client_id
    mail.outbox.clear()
    assert "no login yet" in text(as_user("hr").get(USERS))
    told = as_user("hr").post("/workbench/harbor/users/invite-employees")
    assert told.status_code == 302
    asked = as_owner(lambda: ProcessRequest.objects.get(kind="invite employees"))
    before = as_owner(EmployeeLogin.objects.count)
    done = as_owner(lambda: perform(asked.pk, timezone.now))
    assert done.state == "done", done.told
    assert done.result["invited"] == as_owner(EmployeeLogin.objects.count) - before
    assert done.result["invited"] + done.result["no_address"] + done.result["address_taken"] > 0
    assert len(mail.outbox) == done.result["invited"]
    logins = as_owner(lambda: set(EmployeeLogin.objects.values_list("client_id", flat=True)))
    assert logins == {mine}
