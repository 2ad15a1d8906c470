"""Carrier enrolment as programs do it: previewed, built, released, sent, answered, followed to a person."""

from pathlib import Path

import msgspec
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.utils import timezone
from tests.api.conftest import API, Program, whole
from tests.carriers.judging import judged

import openbenefits.carriers
from openbenefits.background.services import perform
from openbenefits.carriers.agreements.partners import partner_of, save_partner
from openbenefits.carriers.agreements.text import read_text, text_of
from openbenefits.carriers.building.services import Feed, preview
from openbenefits.carriers.models import FileLine, FileSet
from openbenefits.carriers.opening import of_partner
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


def carried(owner, program: Program, path: str, said=None, here=HERE) -> dict:
    """Ask for something, let the worker do it, and answer what came of it."""
    asked = program.post(path, said)
    assert asked.status_code == 202, asked.content
    request = asked.json()["id"]
    owner(lambda: perform(request, timezone.now))
    done = program.get(f"{here}/requests/{request}").json()
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
    refused = harbor.post(f"{one}/tell-again", {"words": "the group is open now"})
    assert (refused.status_code, "whom a report refused" in refused.json()["detail"]) == (409, True)

    def refuse():
        row = FileLine.objects.filter(file_id=number).order_by("number")[0]
        row.verdict = "refused"
        row.save(update_fields=["verdict"])

    owner(refuse)
    (line,) = whole(harbor, f"{one}/refused")
    assert line["stands"] == "may be told again"
    told = harbor.post(f"{one}/tell-again", {"words": "the group is open now", "member": line["member"]})
    assert told.json() == {"lines": 1}
    assert {row["stands"] for row in whole(harbor, f"{one}/refused")} == {"waits for the next file"}
    again = whole(harbor, f"{HERE}/carrier-partners/hmo/preview/lines")
    assert [row["person_id"] for row in again] == [line["person_id"]]
    reading = Program(filled.secrets["reading"])
    assert reading.get(one).status_code == 200
    assert reading.get(f"{one}/content").status_code == 403
    assert reading.post(f"{one}/release", {"words": "x"}).status_code == 403
    theirs = one.replace("harbor", "quill")
    assert quill.get(theirs).status_code == 404
    assert quill.post(f"{theirs}/release", {"words": "x"}).status_code == 404


def handed_in(program: Program, where: str, data: bytes, **said):
    file = SimpleUploadedFile("full.834", data)
    return program.browser.post(f"{API}{HERE}/{where}", said | {"file": file})


def test_an_agreement_is_checked_loaded_and_read(harbor, quill, filled):
    vision, text = f"{HERE}/carrier-partners/vision", "name: V\ncarriers: [V]\nkind: portal\n"
    bad = harbor.post(f"{vision}/checks", {"text": text + "due:\n  report: soon\n"})
    assert (bad.status_code, "line 5: Expected `int | null`" in bad.json()["detail"]) == (422, True)
    checked = harbor.post(f"{vision}/checks", {"text": text}).json()
    assert (checked["changes"], checked["in_words"]["Plans of"]) == ([], "V")
    assert harbor.get(vision).status_code == 404
    assert harbor.post(f"{vision}/versions", {"text": text}).json()["version"] == 1
    changed = harbor.post(f"{vision}/versions", {"text": text + "due: {report: 72}\n"})
    assert changed.status_code == 201
    assert changed.json()["changes"] == [{"field": "due.report", "before": "120", "after": "72"}]
    assert harbor.get(f"{vision}/agreement").json()["version"] == 2
    gaps = whole(harbor, f"{HERE}/carrier-gaps")
    assert "carrier" in {row["what"] for row in gaps}
    assert quill.get(f"{vision}/agreement").status_code == 404
    reading = Program(filled.secrets["reading"])
    assert reading.post(f"{vision}/versions", {"text": text}).status_code == 403


def test_a_full_list_is_audited_and_opens_a_client_that_is_taken_back(harbor, filled, owner, agreed):
    client_id = filled.employers["harbor"].client_id
    feed, now = Feed(client_id=client_id, code="hmo"), timezone.now()
    shown = owner(lambda: preview(connections["default"], feed, on=now.date(), now=now, mode="4"))
    data = shown.text.encode()
    audited = handed_in(harbor, "carrier-audits", data.replace(b"*BASICDED*", b"*PREMIUM*", 1), partner="hmo")
    assert audited.status_code == 201, audited.content
    assert audited.json()["counts"]["different"] == 1
    rows = whole(harbor, f"{HERE}/carrier-answers/{audited.json()['answer_id']}/rows")
    assert [row["verdict"] for row in rows] == ["different"]
    broken = handed_in(harbor, "carrier-audits", b"ISA*00*cut", partner="hmo")
    assert (broken.status_code, broken.json()["type"]) == (422, "urn:openbenefits:problem:file-refused")

    assert handed_in(harbor, "carrier-opening-previews", data).status_code == 422
    unsure = handed_in(harbor, "carrier-opening-previews", data, partner="hmo").json()
    assert (unsure["is_whole"], unsure["counts"]["faults"]) == (False, 11)
    meant = of_partner(owner(lambda: partner_of(client_id, "hmo")[2]), "harbor")
    said = msgspec.structs.replace(meant, program="HARBOR-SAL")
    mapping = msgspec.json.encode(said).decode()
    tried = handed_in(harbor, "carrier-opening-previews", data, mapping=mapping).json()
    assert len(tried["people"]["rows"]) == 11
    made = handed_in(harbor, "carrier-openings", data, mapping=mapping, is_partial="true")
    assert made.status_code == 201, made.content
    change = made.json()["change_id"]
    again = handed_in(harbor, "carrier-openings", data, mapping=mapping, is_partial="true")
    assert (again.status_code, f"by change {change}" in again.json()["detail"]) == (409, True)
    back = harbor.post(f"{HERE}/carrier-openings/{change}/take-back", {"reason": "last year's list"})
    assert back.status_code == 200, back.content
    reading = Program(filled.secrets["reading"])
    assert handed_in(reading, "carrier-openings", data, mapping=mapping).status_code == 403


def test_premium_wants_its_terms(harbor, agreed):
    month = {"month": "2026-01-05"}
    lacking = harbor.get(f"{HERE}/carrier-partners/hmo/premium?month=2026-01-05")
    assert (lacking.status_code, "add `premium`" in lacking.json()["detail"]) == (409, True)
    nobody = {"partner": "nobody", "paid_on": "2026-02-01"} | month
    assert harbor.post(f"{HERE}/carrier-premiums", nobody).status_code == 404


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


def test_files_and_agreements_of_all_clients_are_the_peos_alone(harbor, quill, filled, owner):
    peo, everybody = Program(filled.secrets["peo"]), "/clients/peo"
    at = f"{everybody}/carrier-partners/all"
    told = msgspec.structs.replace(read_text(SAMPLE.read_text()), ahead_days=None, freezes=())
    values = {"*": {"policy": "P"}, "harbor": {"group": "H"}, "quill": {"group": "Q"}}
    text = text_of(msgspec.structs.replace(told, values={**told.values, **values}))
    assert peo.post(f"{at}/versions", {"text": text}).json()["version"] == 1
    assert peo.post(f"{at}/checks", {"text": text}).json()["changes"] == []
    assert peo.get(at).json()["is_of_peo"]
    assert "group: Q" in peo.get(f"{at}/agreement").json()["text"]
    assert peo.get(f"{at}/preview").json()["findings"] == []
    made = carried(owner, peo, f"{everybody}/carrier-files", {"partner": "all"}, everybody)
    one = f"{everybody}/carrier-files/{made['carrier_file']}"
    assert [row["id"] for row in whole(peo, f"{everybody}/carrier-files")] == [made["carrier_file"]]
    assert {row["client"] for row in whole(peo, f"{one}/lines")} == {"harbor", "quill"}
    released = peo.post(f"{one}/release", {"words": "looked at"})
    assert released.json()["state"] == "released"
    assert carried(owner, peo, f"{one}/send", here=everybody)["file state"] == "sent"
    control = owner(lambda: FileSet.objects.get(file_id=made["carrier_file"]).control_number)
    file = SimpleUploadedFile("answer.999", judged(released.json()["group"], control))
    taken = peo.browser.post(f"{API}{everybody}/carrier-answers", {"file": file, "partner": "all"}).json()
    assert taken["files"] == {str(made["carrier_file"]): "accepted"}
    assert {row["kind"] for row in whole(peo, f"{everybody}/carrier-answers")} == {"999"}

    for program in (harbor, quill, Program(filled.secrets["reading"])):
        for path in (at, f"{at}/agreement", one, f"{one}/content", f"{everybody}/carrier-answers"):
            assert program.get(path).status_code == 404
        assert program.post(f"{at}/versions", {"text": text}).status_code == 404
    assert harbor.get(f"{HERE}/carrier-partners/all").json()["is_of_peo"]
    assert harbor.get(f"{HERE}/carrier-files/{made['carrier_file']}").status_code == 404
    assert peo.get(f"{everybody}/people").status_code == 404, "nothing else is the PEO's own"
