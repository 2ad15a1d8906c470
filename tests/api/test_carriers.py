"""Carrier enrolment as programs do it: previewed, built, released, sent, answered, followed to a person."""

from pathlib import Path

import msgspec
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from tests.api.conftest import API, Program, whole
from tests.carriers.judging import judged

import openbenefits.carriers
from openbenefits.background.services import perform
from openbenefits.carriers.agreements.partners import save_partner
from openbenefits.carriers.agreements.text import read_text
from openbenefits.carriers.models import FileSet
from openbenefits.store import use_database

SAMPLE = Path(openbenefits.carriers.__file__).parent / "agreements" / "hmo_blue.yaml"
HERE = "/clients/harbor"


@pytest.fixture
def owner(database, embedded_server, filled):
    """Answer what does something as the owner of the tables, between two requests."""
    url = embedded_server.url(database.settings_dict["NAME"])

    def do(what):
        use_database(url)
        try:
            return what()
        finally:
            use_database(url, as_face=True)

    return do


@pytest.fixture
def agreed(owner, filled, harbor):
    told = msgspec.structs.replace(
        read_text(SAMPLE.read_text()), ahead_days=None, freezes=(), is_per_client=True
    )
    client_id = filled.employers["harbor"].client_id
    owner(lambda: save_partner(client_id, "hmo", told, author="test", now=timezone.now()))


def carried(owner, program: Program, path: str, said=None) -> dict:
    """Ask for something, let the worker do it, and answer what came of it."""
    asked = program.post(path, said)
    assert asked.status_code == 202, asked.content
    request = asked.json()["id"]
    owner(lambda: perform(request, timezone.now))
    done = program.get(f"{HERE}/requests/{request}").json()
    assert done["state"] == "done", done
    return done["result"]


def test_from_a_preview_to_an_answer(harbor, quill, filled, owner, agreed):
    partner = harbor.get(f"{HERE}/carrier-partners/hmo").json()
    assert (partner["is_of_peo"], partner["environment"]) == (False, "T")
    assert [one["code"] for one in whole(harbor, f"{HERE}/carrier-partners")] == ["hmo"]
    shown = harbor.get(f"{HERE}/carrier-partners/hmo/preview").json()
    assert (shown["members"], shown["kinds"], shown["findings"]) == (11, {"add": 11}, [])
    rows = whole(harbor, f"{HERE}/carrier-partners/hmo/preview/lines", limit=5)
    assert {row["why"] for row in rows} == {"open enrolment"}
    assert harbor.get(f"{HERE}/carrier-partners/nobody/preview").status_code == 404

    number = carried(owner, harbor, f"{HERE}/carrier-files", {"partner": "hmo"})["carrier_file"]
    one = f"{HERE}/carrier-files/{number}"
    assert harbor.get(one).json()["state"] == "validated"
    assert len(whole(harbor, f"{one}/lines")) == 11
    content = harbor.get(f"{one}/content")
    assert content.content.startswith(b"ISA*")
    assert harbor.post(f"{one}/send").status_code == 202  # the worker refuses what is not released
    released = harbor.post(f"{one}/release", {"words": "looked at who is added"})
    assert released.json()["state"] == "released"
    assert carried(owner, harbor, f"{one}/send")["file state"] == "sent"
    assert harbor.post(f"{one}/withdraw", {"words": "too late"}).status_code == 409

    group = released.json()["group"]
    control = owner(lambda: FileSet.objects.get(file_id=number).control_number)
    answer = taken(harbor, judged(group, control))
    assert (answer["files"], answer["unmatched"]) == ({str(number): "accepted"}, 0)
    assert taken(harbor, judged(group, control))["is_new"] is False
    assert [row["kind"] for row in whole(harbor, f"{HERE}/carrier-answers")] == ["999"]
    assert harbor.get(f"{HERE}/carrier-answers/{answer['answer_id']}/rows").status_code == 200
    person = whole(harbor, f"{one}/lines")[0]["person_id"]
    chain = whole(harbor, f"{HERE}/people/{person}/carrier-chain")
    assert {row["stage"] for row in chain if row["file_id"] == number} == {"accepted"}
    reading = Program(filled.secrets["reading"])
    assert reading.get(one).status_code == 200
    assert reading.get(f"{one}/content").status_code == 403
    assert reading.post(f"{one}/release", {"words": "x"}).status_code == 403
    theirs = one.replace("harbor", "quill")
    assert quill.get(theirs).status_code == 404
    assert quill.post(f"{theirs}/release", {"words": "x"}).status_code == 404


def taken(program: Program, data: bytes) -> dict:
    where = f"{API}{HERE}/carrier-answers"
    file = SimpleUploadedFile("one.999", data)
    answer = program.browser.post(where, {"partner": "hmo", "file": file})
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_portal_entries_want_their_reference(harbor, agreed):
    assert whole(harbor, f"{HERE}/carrier-portal-entries") == []
    nobody = harbor.post(f"{HERE}/carrier-portal-entries/1/done", {"call_reference": "call 5"})
    assert nobody.status_code == 404
    assert harbor.post(f"{HERE}/carrier-portal-entries/1/done", {}).status_code == 422
