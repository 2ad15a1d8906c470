"""Coming in: by password, by a link, by a code; what each sees on the first page, and what is refused."""

import json
import re
from datetime import UTC, datetime

import httpx
import pytest
from django.conf import settings
from django.core import mail
from django.test import Client as Browser
from django.test import override_settings
from tests.faces.conftest import GIVEN, LENIENT, NOW, PASSWORD, signed_in, text

from openbenefits.accounts.models import AuditEntry, User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import EVERY_CLIENT, give_role
from openbenefits.accounts.signing_in import LINK_SECONDS, link_token
from openbenefits.store import use_database


def test_whoever_is_not_signed_in_is_asked_to(browser):
    response = browser.get("/")
    assert response.status_code == 302
    assert response["Location"] == "/account/login/?next=/"
    assert "Sign In" in text(browser.get("/account/login/"))


def test_a_password_lets_in_and_a_wrong_one_does_not(browser):
    wrong = browser.post("/account/login/", {"login": "specialist", "password": "something else"})
    assert wrong.status_code == 200
    assert "not correct" in text(wrong)
    with LENIENT:
        right = browser.post(
            "/account/login/", {"login": "specialist@example.com", "password": PASSWORD}, follow=True
        )
    assert right.redirect_chain[-1][0] == "/workbench/"
    assert "Today" in text(right)


@LENIENT
def test_each_sees_no_more_than_his_own(browser, users, pair):
    page = text(signed_in(browser, users["specialist"]).get("/", follow=True))
    assert "harbor" in page
    assert "quill" not in page
    page = text(signed_in(browser, users["everywhere"]).get("/", follow=True))
    assert "harbor" in page
    assert "quill" in page
    page = text(signed_in(browser, users["employee"]).get("/", follow=True))
    assert "What you have today" in page
    assert "Client" not in page
    assert "Nothing is shared with you yet" in text(signed_in(browser, users["nobody"]).get("/", follow=True))


def test_staff_needs_a_second_factor_and_an_employee_does_not(browser, users):
    assert signed_in(browser, users["specialist"]).get("/")["Location"] == "/account/2fa/"
    told = text(browser.get("/account/2fa/"))
    assert "Set up a second factor first" in told
    assert signed_in(browser, users["employee"]).get("/")["Location"] == "/portal/"
    assert browser.get("/portal/").status_code == 200


def test_a_link_signs_in_once(browser, users, monkeypatch):
    token = link_token(users["employee"])
    response = browser.get(f"/sign-in/{token}", follow=True)
    assert "What you have today" in text(response)
    again = Browser(HTTP_HOST="localhost").get(f"/sign-in/{token}")
    assert again.status_code == 410
    assert "used up" in text(again)
    assert Browser(HTTP_HOST="localhost").get("/sign-in/forged").status_code == 410
    fresh = link_token(User.objects.get(username="employee"))
    later = datetime.now(UTC).timestamp() + LINK_SECONDS + 1
    monkeypatch.setattr("time.time", lambda: later)
    assert Browser(HTTP_HOST="localhost").get(f"/sign-in/{fresh}").status_code == 410


@override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
def test_a_code_by_mail_signs_in(browser, users):
    page = browser.post("/account/login/code/", {"email": "employee@example.com"}, follow=True)
    assert page.status_code == 200
    (letter,) = mail.outbox
    code = re.search(r"^\s*([A-Z0-9]{3,}-?[A-Z0-9]{3,})\s*$", letter.body, re.MULTILINE).group(1)
    done = browser.post("/account/login/code/confirm/", {"code": code}, follow=True)
    assert "What you have today" in text(done)


def test_a_number_is_verified_and_then_signs_in(browser, users, monkeypatch, tmp_path):
    """By a code that goes to it; with no gateway set, messages are files beside the mails."""
    monkeypatch.setattr(settings, "EMAIL_FILE_PATH", tmp_path)
    sent = iter(texts_in(tmp_path))
    signed_in(browser, users["employee"]).post("/account/login/", {"login": "employee", "password": PASSWORD})
    asked = browser.post("/account/phone/change/", {"phone": "(555) 010-2030"}, follow=True)
    if asked.redirect_chain[-1][0].startswith("/account/reauthenticate"):
        browser.post(asked.redirect_chain[-1][0], {"password": PASSWORD})
        browser.post("/account/phone/change/", {"phone": "(555) 010-2030"})
    number, code = next(sent)
    assert number == "+15550102030"
    assert User.objects.get(username="employee").mobile is None
    browser.post("/account/phone/verify/", {"code": code})
    assert User.objects.get(username="employee").mobile == number
    door = Browser(HTTP_HOST="localhost")
    door.post("/account/login/code/", {"phone": "555.010.2030"})
    _, code = next(sent)
    done = door.post("/account/login/code/confirm/", {"code": code}, follow=True)
    assert "What you have today" in text(done)
    stranger = Browser(HTTP_HOST="localhost").post("/account/login/code/", {"phone": "555 010 9999"})
    assert stranger.status_code == 302  # it is not told whose numbers are known
    assert next(sent, None) is None


def texts_in(folder):
    """Read messages as they come: to whom, and the code."""
    read = set()
    while new := sorted(set(folder.iterdir()) - read):
        for path in new:
            read.add(path)
            said = path.read_text()
            yield (
                re.search(r"^To: (\S+)@text.invalid", said, re.MULTILINE).group(1),
                re.search(r"^([A-Z0-9-]+) is your code", said, re.MULTILINE).group(1),
            )


@pytest.mark.parametrize(
    "said", [{}, {"email": "employee@example.com", "phone": "5550102030"}, {"phone": "12"}]
)
def test_a_code_goes_to_one_place(browser, said):
    answer = browser.post("/account/login/code/", said)
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()


def test_a_gateway_sends_texts_and_its_failure_is_said(browser, users, monkeypatch):
    monkeypatch.setattr(settings, "SMS_URL", "https://gateway.example/send")
    monkeypatch.setattr(settings, "SMS_TOKEN", "token")
    taken = []

    def answer(request):
        taken.append(request)
        return httpx.Response(200 if len(taken) == 1 else 503)

    monkeypatch.setattr(httpx, "post", httpx.Client(transport=httpx.MockTransport(answer)).post)
    User.objects.filter(pk=users["nobody"].pk).update(mobile="+15550108888")
    ask = {"phone": "555 010 8888"}
    assert "did not go out" not in text(browser.post("/account/login/code/", ask, follow=True))
    (sent,) = taken
    assert sent.headers["Authorization"] == "Bearer token"
    assert json.loads(sent.content)["to"] == "+15550108888"
    assert "did not go out" in text(
        Browser(HTTP_HOST="localhost").post("/account/login/code/", ask, follow=True)
    )


def test_every_sign_in_is_noted(browser, users, pair, embedded_server, database):
    """Of an employee with his client and himself, of staff with the PEO; a wrong password notes nothing."""
    use_database(embedded_server.url(database.settings_dict["NAME"]))
    before = AuditEntry.objects.count()
    use_database(embedded_server.url(database.settings_dict["NAME"]), as_face=True)
    browser.post("/account/login/", {"login": "employee", "password": "something else"})
    for name in ("specialist", "employee", "nobody"):
        answer = Browser(HTTP_HOST="localhost").post("/account/login/", {"login": name, "password": PASSWORD})
        assert answer.status_code == 302, text(answer)
    use_database(embedded_server.url(database.settings_dict["NAME"]))
    noted = list(
        AuditEntry.objects.order_by("pk")[before:].values_list("user__username", "client_id", "what")
    )
    mine = pair[0].client_id
    assert noted == [
        (name, mine if name == "employee" else 0, "sign in") for name in ("specialist", "employee", "nobody")
    ]


def test_nobody_signs_up_by_himself(browser):
    assert "closed" in text(browser.get("/account/signup/")).lower()
    before = User.objects.count()
    browser.post("/account/signup/", {"username": "x", "password1": PASSWORD})
    assert User.objects.count() == before


@LENIENT
def test_a_role_that_ends_ends_at_the_next_click(browser, users, pair, database, embedded_server):
    from openbenefits.accounts.services import end_role

    signed_in(browser, users["everywhere"])
    assert "harbor" in text(browser.get("/", follow=True))
    url = embedded_server.url(database.settings_dict["NAME"])
    use_database(url)
    end_role(users["everywhere"], EVERY_CLIENT, RoleCode.AUDITOR, ended_by="test", now=NOW)
    use_database(url, as_face=True)
    assert "harbor" not in text(browser.get("/", follow=True))
    use_database(url)
    give_role(users["everywhere"], EVERY_CLIENT, RoleCode.AUDITOR, **GIVEN)


def test_headers_keep_others_out(browser):
    response = browser.get("/account/login/")
    policy = response["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"


def test_a_form_of_somebody_else_is_refused(users, as_face):
    strict = Browser(enforce_csrf_checks=True, HTTP_HOST="localhost")
    response = strict.post("/account/login/", {"login": "specialist", "password": PASSWORD})
    assert response.status_code == 403


def test_many_wrong_passwords_are_slowed_down(browser):
    answers = [
        browser.post("/account/login/", {"login": "nobody", "password": f"wrong {number}"})
        for number in range(12)
    ]
    assert answers[-1].status_code == 429 or "Too many" in text(answers[-1])


@LENIENT
def test_pages_are_in_english_and_spanish(browser, users):
    signed_in(browser, users["employee"])
    assert 'lang="en' in browser.get("/", follow=True).content.decode()
    browser.post("/language/setlang/", {"language": "es", "next": "/"})
    assert 'lang="es"' in browser.get("/", follow=True).content.decode()
    other_device = signed_in(Browser(HTTP_HOST="localhost"), users["employee"])
    assert 'lang="es"' in other_device.get("/", follow=True).content.decode()
    assert User.objects.get(username="employee").language == "es"
    other_device.post("/language/setlang/", {"language": "en-us", "next": "/"})
    assert 'lang="en' in browser.get("/", follow=True).content.decode()
