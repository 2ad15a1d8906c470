"""Set-up over the API: written out, compared, applied, taken back; each his own, the PEO's by its keys alone."""

import io
import zipfile
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from tests.api.conftest import API, Program

from openbenefits.store import use_database
from openbenefits.workforce.models import Client

HARBOR = "/set-up/harbor"


def sent(program: Program, path: str, bundle: bytes, **form: str) -> Any:
    file = SimpleUploadedFile("bundle.zip", bundle, "application/zip")
    return program.browser.post(f"{API}{path}", {"file": file} | form)


def changed(bundle: bytes, old: str, new: str) -> bytes:
    """Write a bundle anew, with another text in its files."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(bundle)) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            after.writestr(name, before.read(name).decode().replace(old, new))
    return out.getvalue()


def test_a_bundle_is_written_out_and_is_the_same(harbor):
    answer = harbor.get(f"{HARBOR}/bundle")
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/zip"
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert any(name.endswith(".yaml") for name in names)
    compared = sent(harbor, f"{HARBOR}/comparisons", answer.content)
    assert compared.status_code == 200, compared.content
    assert compared.json()["differences"] == []
    again = sent(harbor, f"{HARBOR}/releases", answer.content, reason="a test")
    assert again.json()["outcome"] == "unchanged", again.content


def test_a_change_is_compared_applied_and_taken_back(harbor):
    bundle = harbor.get(f"{HARBOR}/bundle").content
    new = changed(bundle, "Harbor Forge Services", "Harbor Forge Services renamed")
    compared = sent(harbor, f"{HARBOR}/comparisons", new).json()
    assert [one["new"] for one in compared["differences"]] == ["Harbor Forge Services renamed"]
    applied = sent(harbor, f"{HARBOR}/releases", new, reason="a new name")
    assert applied.status_code == 200, applied.content
    assert applied.json()["outcome"] == "applied"
    number = applied.json()["release"]
    releases = harbor.get(f"{HARBOR}/releases").json()["items"]
    assert [(one["number"], one["is_in_force"]) for one in releases] == [(number, True), (number - 1, False)]
    wrong = harbor.post(f"{HARBOR}/releases/take-back", {"reason": "no", "release": number - 1})
    assert wrong.status_code == 409
    back = harbor.post(f"{HARBOR}/releases/take-back", {"reason": "no", "release": number})
    assert (back.status_code, back.json()["release"]) == (200, number - 1), back.content


def test_a_bundle_with_faults_is_refused_with_each_named(harbor):
    bundle = harbor.get(f"{HARBOR}/bundle").content
    faulty = changed(bundle, "plan_type: ", "plan_typ: ")
    found = sent(harbor, f"{HARBOR}/checks", faulty).json()
    assert not found["is_applicable"]
    assert all(one["cure"] for one in found["findings"])
    refused = sent(harbor, f"{HARBOR}/releases", faulty, reason="a test")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:openbenefits:problem:set-up-refused")


def test_what_is_no_bundle_and_whose_it_is_not(harbor, quill):
    assert sent(harbor, f"{HARBOR}/checks", b"no zip").status_code == 409
    others = quill.get("/set-up/quill/bundle").content
    refused = sent(harbor, f"{HARBOR}/releases", others, reason="x")
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:openbenefits:problem:file-refused")
    for path in ("/set-up/peo/bundle", "/set-up/quill/bundle", "/set-up/new/releases"):
        assert harbor.get(path).status_code == 404


def test_the_peo_has_its_own_set_up_and_brings_clients_in(filled, as_face, database, embedded_server, harbor):
    everywhere = Program(filled.secrets["peo"])
    assert everywhere.get("/set-up/peo/audit").json()["is_applicable"]
    assert everywhere.get("/set-up/peo/bundle").status_code == 200
    bundle = changed(harbor.get(f"{HARBOR}/bundle").content, "code: harbor", "code: haven")
    applied = sent(everywhere, "/set-up/haven/releases", bundle, reason="a new client")
    assert applied.status_code == 200, applied.content
    assert "haven" in [one["code"] for one in everywhere.get("/clients").json()["items"]]
    assert harbor.get("/clients/haven").status_code == 404
    use_database(embedded_server.url(database.settings_dict["NAME"]))
    Client.objects.get(code="haven")
