"""Drafts of set-up and rates over the API: what the screens of set-up do, for programs."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.api.conftest import API, Program

from openbenefits.background.models import ProcessRequest
from openbenefits.background.services import perform
from openbenefits.store import use_database

HARBOR = "/set-up/harbor/drafts"
LATER = datetime(2026, 3, 2, 9, tzinfo=UTC)


def told(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return answer.json()


def begun(program: Program, name: str = "Raise the contribution") -> str:
    return f"{HARBOR}/{told(program.post(HARBOR, {'name': name}), 201)['id']}"


def of_section(program: Program, draft: str, section: str) -> list[dict[str, Any]]:
    return told(program.get(f"{draft}/records", section=section, limit=500))["items"]


def test_a_record_is_changed_weighed_applied_and_taken_back(harbor, database, embedded_server):
    draft = begun(harbor)
    first = of_section(harbor, draft, "contributions")[0]
    (same,) = told(harbor.get(f"{draft}/records", section="contributions", key=first["key"]))["items"]
    assert same == first
    record = first["record"] | {"source": "letter of 1 March"}
    whole = told(harbor.post(f"{draft}/records", first | {"record": record}))
    assert [(one["section"], one["key"], one["change"]) for one in whole["records"]] == [
        ("contributions", first["key"], "changed")
    ]
    assert whole["is_applicable"]
    assert [one["new"] for one in whole["differences"]] == ["letter of 1 March"]

    asked = told(harbor.post(f"{draft}/effect", {"as_of": "2026-03-01"}), 202)
    assert (asked["state"], asked["result"]) == ("waiting", {})
    use_database(embedded_server.url(database.settings_dict["NAME"]))
    work = ProcessRequest.objects.get(kind="draft effect")
    assert perform(work.pk, lambda: LATER).state == "done"
    use_database(embedded_server.url(database.settings_dict["NAME"]), as_face=True)
    effect = told(harbor.get(f"{draft}/effect"))
    assert (effect["state"], effect["is_old"], effect["result"]["people"]) == ("done", False, 0)

    applied = told(harbor.post(f"{draft}/apply", {"reason": "a letter"}))
    assert applied["outcome"] == "applied"
    assert told(harbor.get(draft))["state"] == "applied"
    assert harbor.post(f"{draft}/apply", {"reason": "again"}).status_code == 409
    back = harbor.post("/set-up/harbor/releases/take-back", {"reason": "no", "release": applied["release"]})
    assert told(back)["release"] == applied["release"] - 1


def test_records_are_new_restored_taken_out_and_refused(harbor):
    draft = begun(harbor, "Try")
    program = of_section(harbor, draft, "programs")[0]
    named = {"section": "programs", "key": program["key"]}
    copy = program["record"] | {"from": "2199-01-01"}
    new = told(harbor.post(f"{draft}/records", {"section": "programs", "record": copy}))
    key = new["records"][0]["key"]
    assert new["records"] == [{"section": "programs", "key": key, "change": "new"}]
    assert told(harbor.post(f"{draft}/records/take-out", named | {"key": key}))["records"] == []
    in_force = harbor.post(f"{draft}/records/take-out", named)
    assert (in_force.status_code, in_force.json()["type"]) == (409, "urn:openbenefits:problem:draft-refused")
    ended = told(harbor.post(f"{draft}/records/end", named | {"on": "2198-01-01", "source": "letter"}))
    assert [one["change"] for one in ended["records"]] == ["new"]
    restored = told(harbor.post(f"{draft}/records/restore", named | {"key": ended["records"][0]["key"]}))
    assert restored["records"] == []
    wrong = harbor.post(f"{draft}/records", {"section": "programs", "record": {"code": "X"}})
    assert wrong.status_code == 409
    assert harbor.post(f"{draft}/records/restore", {"section": "magic", "key": "X"}).status_code == 422
    carried = told(harbor.post(f"{draft}/carry-forward", {"begins": "2027-01-01", "source": "renewal"}))
    assert carried["records"] > 0
    assert told(harbor.post(f"{draft}/give-up", {"reason": "only a try"}))["state"] == "given up"
    assert draft.rsplit("/", 1)[1] in {
        str(one["id"]) for one in told(harbor.get(HARBOR, state="ended"))["items"]
    }


def test_another_clients_draft_is_as_if_it_were_not_there(harbor, quill, filled):
    draft = begun(harbor, "Mine").replace("harbor", "quill")
    for answer in (quill.get(draft), quill.post(f"{draft}/apply", {"reason": "x"}), harbor.get(draft)):
        assert answer.status_code == 404
    assert Program(filled.secrets["reading"]).get(HARBOR).status_code == 403


SHEET = b"Tier,Rate\nEmployee only,400.00\nFamily,1200.00\n"


@pytest.fixture
def sent(harbor):
    """Answer a function that sends a sheet."""

    def send(path: str, content: bytes = SHEET, **form: str) -> Any:
        given = {"table": "OWN-HDHP", "valid_from": "2027-01-01", "source": "letter of 1 March"} | form
        file = SimpleUploadedFile("rates.csv", content)
        return harbor.browser.post(f"{API}{path}", given | {"file": file})

    return send


def test_a_rate_sheet_is_looked_at_kept_in_a_draft_and_given_up(harbor, sent):
    preview = "/set-up/harbor/rate-sheet-previews"
    read = told(sent(preview))
    assert (read["is_applicable"], read["counts"]["new"]) == (True, 2), read
    unknown = told(sent(preview, b"Who,Rate\nEmployee only,400\nFamily,900\n"))
    assert (unknown["headings"]["Who"], unknown["is_applicable"]) == (None, False)
    mapped = json.dumps({"Who": "coverage_code", "Rate": "rate"})
    assert told(sent(preview, b"Who,Rate\nEmployee only,400\nFamily,900\n", mapping=mapped))["is_applicable"]
    assert sent(preview, mapping='{"Who": "magic"}').status_code == 422

    draft = begun(harbor, "Rates of 2027")
    kept = told(sent(f"{draft}/rate-sheets"), 201)
    assert kept["key"] == "OWN-HDHP~2027-01-01"
    higher = told(sent(preview, SHEET.replace(b"400", b"500"), draft=draft.rsplit("/", 1)[1]))
    assert [(one["old_micros"], one["new_micros"]) for one in higher["rows"]] == [(400_000_000, 500_000_000)]
    gone = told(harbor.post(f"{draft}/records/restore", {"section": "rate_tables", "key": kept["key"]}))
    assert gone["records"] == []
