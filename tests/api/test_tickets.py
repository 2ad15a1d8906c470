"""Tasks and cases as programs open, list, change and comment them."""

import pytest
from tests.api.conftest import Program

TASKS = "/clients/harbor/tasks"


@pytest.fixture
def reading(filled, as_face):
    return Program(filled.secrets["reading"])


def test_a_task_from_opening_to_end(harbor, reading):
    person = harbor.get("/clients/harbor/people").json()["items"][0]
    said = {
        "subject": "Look at it",
        "category": "enrollment",
        "kind": "papers",
        "person_id": person["id"],
        "about_kind": "person",
        "about_key": person["employee_number"],
        "cause": "feed:1",
        "assigned": {"queue": "benefits"},
    }
    opened = harbor.post(TASKS, said)
    assert opened.status_code == 201, opened.content
    made = opened.json()
    assert (made["queue"], made["employee_number"], made["status"]) == (
        "Benefits desk",
        person["employee_number"],
        "new",
    )
    assert harbor.post(TASKS, said | {"subject": "Again"}).json()["number"] == made["number"]
    one = f"{TASKS}/{made['number']}"
    assert harbor.get(one.replace("tasks", "cases")).status_code == 404
    changed = harbor.post(f"{one}/changes", {"status": "in progress", "priority": "high", "reason": "asked"})
    assert (changed.json()["status"], changed.json()["priority"]) == ("in progress", "high")
    assert harbor.post(f"{one}/changes", {"status": "waiting"}).status_code == 409
    assert harbor.post(f"{one}/changes", {"assigned": {"user": "nobody"}}).status_code == 404
    assert harbor.post(f"{one}/comments", {"body": "called"}).status_code == 201
    told = harbor.get(one).json()
    assert [(one["field"], one["after"]) for one in told["history"]] == [
        ("opened", "new"),
        ("status", "in progress"),
        ("priority", "high"),
    ]
    assert [one["body"] for one in told["comments"]] == ["called"]
    assert [row["number"] for row in harbor.get(TASKS, priority="high").json()["items"]] == [made["number"]]
    assert harbor.get(TASKS, state="done").json()["items"] == []
    assert harbor.get(TASKS, text="look at").json()["items"][0]["subject"] == "Look at it"
    assert reading.get(TASKS).status_code == 200
    assert reading.post(TASKS, {"subject": "x"}).status_code == 403
    assert reading.post(f"{one}/comments", {"body": "x"}).status_code == 403


def test_files_are_put_to_a_task_and_opened(harbor, reading):
    number = harbor.post(TASKS, {"subject": "With a file"}).json()["number"]
    where = f"{TASKS}/{number}/files"
    sent = harbor.send(where, "a.txt", b"hello")
    assert sent.status_code == 201, sent.content
    made = sent.json()
    assert (made["name"], made["media_type"], made["size"], made["is_removed"]) == (
        "a.txt",
        "text/plain",
        5,
        False,
    )
    assert harbor.get(f"{TASKS}/{number}").json()["files"] == [made]
    opened = reading.get(f"{where}/{made['id']}")
    assert opened.content == b"hello"
    assert opened["Content-Disposition"] == "attachment"
    assert reading.get(f"{where}/999").status_code == 404
    assert reading.send(where, "a.txt", b"x").status_code == 403
    assert harbor.send(where, "a.exe", b"MZ\x00").status_code in (409, 422)
    assert harbor.send(f"{TASKS}/999/files", "a.txt", b"x").status_code == 404


def test_a_case_about_health_is_seen_with_that_scope_alone(harbor, reading):
    knee = {"subject": "Her knee", "category": "enrollment", "kind": "evidence"}
    number = harbor.post("/clients/harbor/cases", knee).json()["number"]
    assert harbor.get(f"/clients/harbor/cases/{number}").status_code == 200
    assert reading.get(f"/clients/harbor/cases/{number}").status_code == 404
    assert number not in {row["number"] for row in reading.get("/clients/harbor/cases").json()["items"]}
    assert harbor.post("/clients/quill/cases", knee).status_code == 404
