"""Files handed in: columns mapped once, faults named, imported by the worker, taken back with conflicts."""

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from tests.faces.conftest import LENIENT, text
from tests.workbench.census_files import FAULTY, HEADINGS, MENDED, census

from openbenefits.accounts.services import access_of
from openbenefits.background import uploads
from openbenefits.background.models import HandedIn, Heading, ProcessRequest
from openbenefits.background.services import perform
from openbenefits.workforce.models import Person, PersonFact
from openbenefits.workforce.services import change_person

LIST = "/workbench/harbor/imports/"
MAPPING = {"Staff No": "employee_number", "Born": "birth_date", "Hired": "hire_date", "Surname": "last_name"}


def hand_in(browser, content=None, name="people.csv", **changed):
    file = SimpleUploadedFile(name, census() if content is None else content)
    said = {"kind": "census", "file": file, "as_of": "2026-03-01", "most_bad": "60"} | changed
    return browser.post(LIST, said)


def mapping(**changed):
    columns = MAPPING | changed
    headings = HEADINGS.split(",")
    return {"heading": headings, "column": [columns.get(name, guessed(name)) for name in headings]}


def guessed(heading):
    return {"First": "first_name"}.get(heading, "-")


def work_off(as_owner):
    """Let the worker do what waits."""
    waiting = as_owner(
        lambda: list(ProcessRequest.objects.filter(state="waiting").values_list("pk", flat=True))
    )
    return [as_owner(lambda pk=pk: perform(pk, timezone.now)) for pk in waiting]


@LENIENT
def test_a_census_is_mapped_imported_and_taken_back(as_user, as_owner, pair):
    hr = as_user("hr")
    before = as_owner(Person.objects.count)
    page = hand_in(hr, census(*FAULTY))["Location"]
    hr.post(f"{page}columns", mapping())
    told = text(hr.get(page))
    assert "6 new employees" in told
    assert "3 bad rows" in told
    assert "Import the good rows" in told
    for value in ("1985-13-45", "soon"):
        assert value not in told
    assert as_owner(Person.objects.count) == before
    hr.post(f"{page}do", {"act": "import"})
    assert "wait for it" in text(hr.post(f"{page}do", {"act": "import"}, follow=True))
    (done,) = work_off(as_owner)
    assert done.state == "done", done.told
    assert as_owner(Person.objects.count) == before + 6
    assert as_owner(lambda: HandedIn.objects.get(pk=done.result["file"]).content) is None
    told = text(hr.get(page))
    assert "imported" in told
    assert "expected a reason" in text(hr.post(f"{page}do", {"act": "take back"}, follow=True))
    ada = as_owner(lambda: Person.objects.get(employee_number="N001"))
    as_owner(
        lambda: change_person(
            ada.client_id,
            ada.pk,
            on=date(2025, 6, 1),
            changes={"last_name": "King"},
            made_by="test",
            now=timezone.now(),
        )
    )
    hr.post(f"{page}do", {"act": "take back", "reason": "the wrong file"})
    (done,) = work_off(as_owner)
    assert done.state == "done", done.told
    told = text(hr.get(page))
    assert "taken back" in told
    assert "Edited since, left as they are" in told
    facts = as_owner(lambda: PersonFact.objects.filter(person_id=ada.pk).order_by("-version").first())
    assert facts.last_name == "King"


@LENIENT
def test_a_mapping_is_remembered_for_the_next_file(as_user, as_owner):
    hr = as_user("hr")
    page = hand_in(hr)["Location"]
    hr.post(f"{page}columns", mapping())
    again = hand_in(hr, census(*MENDED))["Location"]
    told = text(hr.get(again))
    assert "Nothing of this file can be taken" not in told
    assert as_owner(lambda: Heading.objects.get(heading="Staff No").column) == "employee_number"
    hr.post(f"{again}do", {"act": "give up"})
    assert "given up" in text(hr.get(again))
    assert "one that is given up" in text(hr.post(f"{again}do", {"act": "import"}, follow=True))


@LENIENT
@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"content": b""}, "The submitted file is empty"),
        ({"name": "people.exe"}, "expected a file that ends in"),
        ({"content": b"x" * (uploads.MOST_BYTES + 1)}, "at most 10 MB"),
        ({"as_of": "soon"}, "Enter a valid date"),
        ({"kind": "evidence"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_handed_in_is_said_beside_the_field(as_user, changed, fault):
    answer = hand_in(as_user("hr"), **changed)
    assert answer.status_code == 422
    assert fault in text(answer)


@LENIENT
@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a,b\n1,2,3\n", b'"', b"Shoe size\n1\n"])
def test_a_file_nobody_can_read_is_refused_in_words(as_user, content):
    hr = as_user("hr")
    told = hr.get(hand_in(hr, content)["Location"])
    assert told.status_code == 200
    assert "Nothing of this file can be taken" in text(told)


@LENIENT
def test_more_than_one_file_of_the_largest_size_is_not_read(as_user):
    too_much = SimpleUploadedFile("people.csv", b"x" * (12 * 2**20))
    assert as_user("hr").post(LIST, {"kind": "census", "file": too_much}).status_code == 400


@LENIENT
def test_a_file_of_others_is_as_if_it_were_not_there(as_user, as_owner, users, pair, database):
    order = uploads.FileOrder(
        client_id=pair[1].client_id, kind=uploads.FileKind.CENSUS, name="a.csv", content=census(), options={}
    )
    theirs = as_owner(lambda: uploads.hand_in(access_of(database, users["admin"]), order, now=timezone.now()))
    assert as_user("hr").get(f"{LIST}{theirs.pk}/").status_code == 404
    assert as_user("broker").get(LIST).status_code == 200
    assert "imports nothing" in text(as_user("broker").get(LIST))
    mine = as_owner(lambda: HandedIn.objects.filter(client_id=pair[0].client_id).first())
    assert as_user("broker").get(f"{LIST}{mine.pk}/").status_code == 403
