"""Who comes in, what a key may, how often, and what of it stays in the audit trail."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client as Browser
from tests.api.conftest import NOW, Program, person_of

from openbenefits.accounts.keys import KeyRefused, end_key, make_key, use_key
from openbenefits.accounts.models import ApiKey, AuditEntry, User
from openbenefits.accounts.roles import Permission, RoleCode
from openbenefits.accounts.services import access_of, give_role
from openbenefits.store import use_database
from openbenefits.store.isolation import Rights, acting

MADE = {"made_by": "test", "now": NOW}


@pytest.fixture
def owner(database, filled, embedded_server, as_face):
    """Let Django be the owner of the tables, until the face comes back."""
    url = embedded_server.url(database.settings_dict["NAME"])

    def become(*, face: bool) -> None:
        use_database(url, as_face=face)

    become(face=False)
    return become


def test_without_a_key_nothing_is_answered(filled, as_face):
    for secret in (None, "", "ob_guessed", filled.secrets["harbor"] + "x"):
        answer = Program(secret).get("/clients")
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert answer.json()["type"] == "urn:openbenefits:problem:no-key"


def test_a_session_does_not_open_the_api(owner, filled):
    user = User.objects.create_user("somebody")
    give_role(user, 0, RoleCode.ADMINISTRATOR, given_by="test", now=NOW)
    owner(face=True)
    browser = Browser(HTTP_HOST="localhost")
    browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert browser.get("/api/v1/clients").status_code == 401


def test_a_key_sees_its_client_and_one_of_the_peo_every_client(filled, harbor):
    assert [one["code"] for one in harbor.get("/clients").json()["items"]] == ["harbor"]
    everywhere = Program(filled.secrets["peo"])
    assert [one["code"] for one in everywhere.get("/clients").json()["items"]] == ["harbor", "quill"]
    assert everywhere.get("/clients/quill/events").status_code == 200


def test_a_key_may_what_its_scopes_say_and_a_refusal_is_noted(filled, harbor, owner):
    owner(face=True)
    reading = Program(filled.secrets["reading"])
    person_id = reading.get("/clients/harbor/people").json()["items"][0]["id"]
    assert reading.get("/clients/harbor").json()["scopes"] == ["see"]
    shown = reading.get(f"/clients/harbor/people/{person_id}").json()
    assert "birth_year" in shown["facts"]
    assert not {"birth_on", "email", "ssn_hash"} & set(shown["facts"])
    assert set(shown["address"]) & {"line1", "city", "postal_code"} == set()
    whole = harbor.get(f"/clients/harbor/people/{person_id}").json()
    assert len(whole["facts"]["birth_on"]) == 10
    refused = reading.post(
        f"/clients/harbor/people/{person_id}/addresses", {"on": "2026-03-01", "address": {}}
    )
    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:openbenefits:problem:not-allowed"
    assert "'facts'" in refused.json()["detail"]
    owner(face=False)
    key = ApiKey.objects.get(name="reading")
    noted = AuditEntry.objects.filter(user_id=key.user_id).order_by("pk").values_list("kind", "what")
    assert list(noted) == [("saw", "api person"), ("refused", "api post")]


def test_what_a_key_did_is_noted_with_whom_it_was_about(filled, harbor, owner):
    owner(face=True)
    person_id = harbor.get("/clients/harbor/people").json()["items"][1]["id"]
    moved = {"on": "2026-03-01", "address": {"line1": "1 Elm Street", "state": "NY", "postal_code": "10001"}}
    assert harbor.post(f"/clients/harbor/people/{person_id}/addresses", moved).status_code == 201
    trail = harbor.get("/clients/harbor/audit-trail", person_id=person_id).json()["items"]
    assert [(one["who"], one["kind"], one["what"]) for one in trail] == [("harbor", "did", "api move")]


def test_a_key_ends_and_expires(owner, filled):
    client_id = filled.employers["harbor"].client_id
    _, secret = make_key(client_id, "short", [Permission.SEE], expires_at=NOW + timedelta(days=1), **MADE)
    assert use_key(connection, secret, now=NOW)
    assert use_key(connection, secret, now=NOW + timedelta(days=1)) is None
    assert end_key(client_id, "short", ended_by="test", now=NOW)
    assert not end_key(client_id, "short", ended_by="test", now=NOW)
    assert use_key(connection, secret, now=NOW) is None


def test_too_many_requests_of_a_minute_are_refused(owner, filled):
    client_id = filled.employers["harbor"].client_id
    _, secret = make_key(client_id, "slow", [Permission.SEE], per_minute=2, **MADE)
    later = NOW + timedelta(seconds=59)
    assert [use_key(connection, secret, now=at).is_over for at in (NOW, NOW, later)] == [False, False, True]
    assert not use_key(connection, secret, now=NOW + timedelta(seconds=61)).is_over
    _, secret = make_key(client_id, "none", [Permission.SEE], per_minute=1, **MADE)
    owner(face=True)
    program = Program(secret)
    assert program.get("/clients").status_code == 200
    answer = program.get("/clients")
    assert answer.status_code == 429
    assert answer["Retry-After"] == "60"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": " ", "scopes": [Permission.SEE]}, "a name"),
        ({"name": "x", "scopes": []}, "scope"),
        ({"name": "harbor", "scopes": [Permission.SEE]}, "a new name"),
        ({"name": "x", "scopes": [Permission.SEE], "expires_at": NOW}, "future"),
    ],
)
def test_keys_that_are_not_made(owner, filled, given, said):
    with pytest.raises(KeyRefused, match=said):
        make_key(filled.employers["harbor"].client_id, **given, **MADE)


def test_a_face_reads_no_secret_and_finds_a_key_only_by_it(filled, as_face):
    """Without rights no row; with those of a client only its keys, and never one of the PEO."""
    assert not ApiKey.objects.exists()
    client_id = filled.employers["harbor"].client_id
    with acting(as_face, Rights(user_id=0, reads=(0, client_id))):
        found = set(ApiKey.objects.values_list("name", "client_id"))
    assert ("harbor", client_id) in found
    assert {one for _, one in found} == {client_id}


def test_the_worker_knows_what_a_key_may(owner, filled):
    key = ApiKey.objects.get(name="quill")
    access = access_of(connection, key.user)
    assert access.may(Permission.PROCESS, key.client_id)
    assert not access.may(Permission.SEE, filled.employers["harbor"].client_id)
    assert person_of("quill")
