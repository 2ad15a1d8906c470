"""Problems, paging and idempotency: what is the same for every address."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone
from tests.api.conftest import NOW, Program, whole

from openbenefits.api import idempotency
from openbenefits.api.models import Answer
from openbenefits.store import use_database

HIRE = {
    "employee_number": "A1",
    "first_name": "Ada",
    "last_name": "Byron",
    "on": "2026-03-02",
    "ssn": "123456789",
    "job": {"company": "HRB", "benefit_group": "STD", "pay_group": "BW", "annual_pay_cents": 5_200_000},
}


# --- problems -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/clients/nobody", 404, "not-found"),
        ("/nowhere", 404, "not-found"),
        ("/clients/harbor/people/999999", 404, "not-found"),
        ("/clients/harbor/people/one", 422, "not-valid"),
        ("/clients/harbor/people?limit=501", 422, "not-valid"),
        ("/clients/harbor/people?cursor=AAAA", 422, "not-valid"),
        ("/clients/harbor/events/1-0-1", 422, "not-valid"),
        ("/clients/harbor/reports/NONE", 404, "not-found"),
        ("/clients/harbor/work?as_of=2026-02-30", 422, "not-valid"),
    ],
)
def test_what_goes_wrong_is_a_problem(harbor, path, status, code):
    answer = harbor.get(path)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    said = answer.json()
    assert said["type"] == f"urn:openbenefits:problem:{code}"
    assert said["status"] == status
    assert said["instance"] == f"/api/v1{path}".split("?")[0]
    assert said["detail"].startswith(("expected", "there is nothing"))


def test_a_refusal_of_a_use_case_has_its_words_and_its_own_code(harbor):
    event = harbor.get("/clients/harbor/events", limit=1).json()["items"][0]["id"]
    answer = harbor.post(f"/clients/harbor/events/{event}/prepare")
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:openbenefits:problem:demand-refused"
    assert "FE" in answer.json()["detail"]


def test_a_field_that_is_wrong_or_unknown_is_named_and_not_quoted(harbor):
    answer = harbor.post("/clients/harbor/people", HIRE | {"ssn": "12345678A", "color": "red"})
    assert answer.status_code == 422
    fields = {one["field"]: one["expected"] for one in answer.json()["errors"]}
    assert set(fields) == {"body.ssn", "body.color"}
    assert "12345678A" not in answer.content.decode()


def test_what_cannot_be_read_and_methods_there_are_not(harbor):
    broken = harbor.browser.post("/api/v1/clients/harbor/people", "{", content_type="application/json")
    assert (broken.status_code, broken.json()["type"]) == (400, "urn:openbenefits:problem:not-understood")
    wrong = harbor.browser.put("/api/v1/clients/harbor/people", "{}", content_type="application/json")
    assert wrong.status_code == 405
    assert set(wrong["Allow"].split(", ")) >= {"GET", "POST"}


def test_a_request_that_fails_has_done_nothing(harbor, monkeypatch):
    from openbenefits.api.naming import Desk

    def broken(*_: object, **__: object) -> None:
        raise ArithmeticError("a secret of somebody")

    monkeypatch.setattr(Desk, "did", broken)
    answer = harbor.post("/clients/harbor/people", HIRE | {"employee_number": "A9"})
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:openbenefits:problem:fault"
    assert "secret" not in answer.content.decode()
    assert harbor.get("/clients/harbor/people", employee_number="A9").json()["items"] == []


# --- paging -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["people", "events", "coverage", "runs", "run-controls", "schedules/OE26/progress"]
)
@pytest.mark.parametrize("limit", [1, 5, 7])
def test_pages_one_after_another_are_the_whole_list(harbor, path, limit):
    if limit == 1 and path == "coverage":
        limit = 3
    at_once = whole(harbor, f"/clients/harbor/{path}")
    assert whole(harbor, f"/clients/harbor/{path}", limit=limit) == at_once
    assert at_once


def test_a_page_goes_on_where_it_was_whatever_was_added_since(harbor):
    first = harbor.get("/clients/harbor/people", limit=3).json()
    assert harbor.post("/clients/harbor/people", HIRE | {"employee_number": "B1"}).status_code == 201
    second = harbor.get("/clients/harbor/people", limit=3, cursor=first["next"]).json()
    ids = [one["id"] for one in (*first["items"], *second["items"])]
    assert ids == sorted(set(ids))
    assert len(ids) == 6


# --- idempotency --------------------------------------------------------------------------------------------


def test_the_same_request_twice_is_done_once_and_answered_the_same(harbor):
    said = HIRE | {"employee_number": "C1"}
    first = harbor.post("/clients/harbor/people", said, key="c-1")
    again = harbor.post("/clients/harbor/people", said, key="c-1")
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert harbor.post("/clients/harbor/people", said).status_code == 409  # without a key it is a second hire


def test_another_request_with_the_key_is_refused_and_another_program_has_keys_of_its_own(harbor, filled):
    said = HIRE | {"employee_number": "D1"}
    assert harbor.post("/clients/harbor/people", said, key="d-1").status_code == 201
    other = harbor.post("/clients/harbor/people", said | {"employee_number": "D2"}, key="d-1")
    assert other.status_code == 422
    assert other.json()["type"] == "urn:openbenefits:problem:same-key-other-request"
    everywhere = Program(filled.secrets["peo"])
    assert (
        everywhere.post("/clients/harbor/people", HIRE | {"employee_number": "D3"}, key="d-1").status_code
        == 201
    )


def test_what_was_refused_may_be_tried_again(harbor):
    wrong = HIRE | {"employee_number": "E1", "on": "never"}
    assert harbor.post("/clients/harbor/people", wrong, key="e-1").status_code == 422
    assert (
        harbor.post("/clients/harbor/people", HIRE | {"employee_number": "E1"}, key="e-1").status_code == 201
    )


@pytest.mark.parametrize("key", ["", " ", "x" * 256])
def test_keys_that_are_none(harbor, key):
    assert harbor.post("/clients/harbor/people", HIRE, key=key).status_code == 422


def test_an_answer_is_kept_sealed_for_a_day(harbor, database, embedded_server, monkeypatch):
    said = HIRE | {"employee_number": "F1"}
    assert harbor.post("/clients/harbor/people", said, key="f-1").status_code == 201
    tomorrow = timezone.now() + timedelta(hours=25)
    monkeypatch.setattr(timezone, "now", lambda: tomorrow)
    other = said | {"employee_number": "F2"}
    assert harbor.post("/clients/harbor/people", other, key="f-1").status_code == 201
    use_database(embedded_server.url(database.settings_dict["NAME"]))
    assert Answer.objects.filter(idempotency_key="f-1").count() == 1
    assert all(b"person_id" not in bytes(one.body_sealed) for one in Answer.objects.all())


def test_two_at_once_are_done_once(harbor, filled, database, embedded_server):
    """While one holds the key, the other is told so; nothing is done twice."""
    user_id = _user_of("harbor", database, embedded_server)
    said = HIRE | {"employee_number": "G1"}
    with connection.cursor() as cursor:
        held = threading.Event()
        done = threading.Event()

        def hold() -> None:
            other = connections["default"].copy()
            try:
                with other.cursor() as theirs:
                    theirs.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"api {user_id} g-1"])
                    held.set()
                    done.wait(30)
                    theirs.execute("SELECT pg_advisory_unlock_all()")
            finally:
                other.close()

        thread = threading.Thread(target=hold)
        thread.start()
        assert held.wait(30)
        answer = harbor.post("/clients/harbor/people", said, key="g-1")
        done.set()
        thread.join()
        assert cursor is not None
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:openbenefits:problem:same-key-at-once"
    assert harbor.post("/clients/harbor/people", said, key="g-1").status_code == 201


def _user_of(name, database, embedded_server) -> int:
    from openbenefits.accounts.models import ApiKey

    url = embedded_server.url(database.settings_dict["NAME"])
    use_database(url)
    found = ApiKey.objects.get(name=name).user_id
    use_database(url, as_face=True)
    return found


def test_what_is_no_longer_needed_is_forgotten_every_night(filled, database, embedded_server):
    use_database(embedded_server.url(database.settings_dict["NAME"]))
    kept = {
        "user_id": 1,
        "client_id": 1,
        "request_hash": b"",
        "status": 201,
        "content_type": "",
        "body_sealed": b"",
    }
    for number, age in enumerate((1, 25)):
        made_at = NOW - timedelta(hours=age)
        Answer.objects.create(idempotency_key=f"night {number}", made_at=made_at, **kept)
    idempotency.forget(NOW)
    names = Answer.objects.filter(idempotency_key__startswith="night")
    assert list(names.values_list("idempotency_key", flat=True)) == ["night 0"]


def test_what_has_not_changed_is_not_sent_again(harbor):
    first = harbor.get("/clients/harbor/people")
    where = "/api/v1/clients/harbor/people"
    again = harbor.browser.get(where, HTTP_IF_NONE_MATCH=first["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert harbor.post("/clients/harbor/people", HIRE | {"employee_number": "T1"}).status_code == 201
    assert harbor.browser.get(where, HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 200
