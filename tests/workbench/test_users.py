"""The users desk: invited by a link and never above who invites; keys reset; employees invited in bulk."""

import re
from io import BytesIO

import httpx
import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core import mail
from django.db import connection
from django.test import Client as Browser
from django.test import override_settings
from django.utils import timezone
from pypdf import PdfReader
from tests.faces.conftest import LENIENT, text

from openbenefits.accounts import clock
from openbenefits.accounts.models import AuditEntry, EmployeeLogin, Role, User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import RoleRefused, access_of
from openbenefits.accounts.signing_in import link_token
from openbenefits.accounts.users import end_sessions, may_give
from openbenefits.background import inviting
from openbenefits.background.inviting import employees_to_invite
from openbenefits.background.models import ProcessRequest
from openbenefits.background.services import perform
from openbenefits.delivery.frames import load_unbatched
from openbenefits.delivery.keeping import unpacked
from openbenefits.delivery.models import Content
from openbenefits.workforce.models import AddressFact, PersonFact

MAILED = override_settings(SECOND_FACTOR="off", EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
USERS = "/workbench/harbor/users/"


def link_in(letter) -> str:
    return re.search(r"https?://[^/]+(/sign-in/\S+)", letter.body).group(1)


@MAILED
def test_somebody_is_invited_and_comes_in_by_the_link_once(as_user, as_owner):
    invited = {"name": "newcomer", "email": "newcomer@example.com", "role": "broker"}
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


def prepared(client_id: int) -> list[int]:
    """Six employees: one with an address, two with numbers, one with a user's address, one with none, one old."""
    waiting = employees_to_invite(connection, client_id, clock.today())["person_id"].to_list()
    facts = PersonFact.objects.filter(client_id=client_id)
    facts.filter(person_id__in=waiting).update(email=None, phone=None)
    for person, known in zip(waiting, KNOWN, strict=False):
        facts.filter(person_id=person).update(**known)
    nowhere = AddressFact.objects.filter(client_id=client_id, person_id__in=waiting[4:])
    nowhere.update(line1=None)
    return waiting


KNOWN = (
    {"email": "first@example.com", "language": "es"},
    {"phone": "(555) 010-2030", "language": "es"},
    {"phone": "(555) 010-2040"},
    {"email": "Employee@example.com"},  # a user's: told on a letter
)


@MAILED
def test_employees_are_invited_by_the_first_way_that_leads_to_them(as_user, as_owner, pair, monkeypatch):
    mine, sent = pair[0].client_id, []

    def send_text(number, text):
        if number.endswith("2040"):
            raise httpx.ConnectError("the gateway is down")
        sent.append((number, text))

    monkeypatch.setattr(settings, "HAS_TEXTS", True)
    monkeypatch.setattr(inviting, "send_text", send_text)
    people = as_owner(lambda: prepared(mine))
    mail.outbox.clear()
    hr = as_user("hr")
    shown = text(hr.get(USERS))
    assert "a way leads to 4 of them" in shown
    assert "on a letter to the home address: a code; it waits for a print batch (1)" in shown
    assert "Choose at least one way" in text(hr.post(f"{USERS}invite-employees", follow=True))
    hr.post(f"{USERS}invite-employees", {"ways": ["email", "text", "letter"]})
    asked = as_owner(lambda: ProcessRequest.objects.get(kind="invite employees"))
    done = as_owner(lambda: perform(asked.pk, clock.now))
    assert done.state == "done", done.told
    rest = len(people) - 4
    assert done.result == {"invited": 1, "texted": 1, "letters": 1, "not_sent": 1, "no_way": rest}
    assert mail.outbox[0].to == ["first@example.com"]
    assert "Ya puede entrar" in mail.outbox[0].body
    ((number, told),) = sent
    assert number == "+15550102030"
    assert "Ya puede entrar" in told
    logins = as_owner(lambda: dict(EmployeeLogin.objects.values_list("person_id", "client_id")))
    assert {logins.get(person) for person in people} == {mine, None}
    assert people[2] not in logins  # who could not be told waits on
    door = Browser(HTTP_HOST="localhost")
    link = re.search(r"https?://[^/]+(/sign-in/\S+)", told).group(1)
    assert "Hello" in text(door.get(link, follow=True))
    assert Browser(HTTP_HOST="localhost").get(link).status_code == 410
    letter_lets_in_once(as_owner, mine)


def letter_lets_in_once(as_owner, client_id: int) -> None:
    """The letter waits for a print batch; its code is asked for at the door."""
    waiting = as_owner(lambda: load_unbatched(connection, client_id)).sort("document_id").tail(1)
    user = as_owner(lambda: EmployeeLogin.objects.get(person_id=waiting["person_id"][0]).user)
    assert not user.email
    packed = as_owner(lambda: Content.objects.get(document_id=waiting["document_id"][0]).packed)
    said = PdfReader(BytesIO(unpacked(packed))).pages[0].extract_text()
    code = re.search(r"^[0-9A-Z]{4}(-[0-9A-Z]{1,4}){3,}$", said, re.MULTILINE).group()
    assert "until" in said
    door = Browser(HTTP_HOST="localhost")
    assert "code from a letter" in text(door.get("/account/login/"))
    wrong = door.post("/sign-in/", {"code": code[:-1]})
    assert wrong.status_code == 422
    assert "no code that still works" in text(wrong)
    came = text(door.post("/sign-in/", {"code": code.lower()}, follow=True))
    assert "So that you can come in again, set up a passkey" in came
    again = Browser(HTTP_HOST="localhost").post("/sign-in/", {"code": code})
    assert again.status_code == 422
