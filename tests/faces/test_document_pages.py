"""Letters in the workbench: sent, printed, given back, sent again; each opened as it was made."""

from datetime import date
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pypdf import PdfReader
from tests.accounts.conftest import owner
from tests.delivery.test_documents import put_document
from tests.delivery.test_ways import put_letter
from tests.faces.conftest import LENIENT, NOW, look, sign_in, signed_in, text

from openbenefits.accounts.models import User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import give_role
from openbenefits.workforce.models import Person

__all__ = ["owner"]


@pytest.fixture(scope="module")
def letters(database, pair, users):
    """Two printed letters of the first client, and one of the other; their numbers. A broker of the first."""
    found = []
    for employer, count in ((pair[0], 2), (pair[1], 1)):
        people = (
            Person.objects.filter(client_id=employer.client_id).order_by("pk").values_list("pk", flat=True)
        )
        found += [put_letter(database, (employer.client_id, one), text="Dear you") for one in people[:count]]
    put_document(database, pair[0].client_id, people[0])
    broker = User.objects.create_user("broker", "broker@example.com")
    give_role(broker, pair[0].client_id, RoleCode.BROKER, given_by="test", now=NOW)
    users["broker"] = broker
    return found


def stands(owner, number):
    query = """
        SELECT f.fate FROM delivery_fate AS f JOIN delivery_delivery AS v ON v.id = f.delivery_id
        WHERE v.document_id = %s ORDER BY f.id
    """
    return [row[0] for row in owner.execute(query, [number]).fetchall()]


@LENIENT
def test_letters_are_printed_posted_given_back_and_sent_again(letters, browser, users, owner):
    mine = signed_in(browser, users["specialist"])
    assert "2 wait" in text(mine.get("/workbench/harbor/letters/"))
    made = mine.post("/workbench/harbor/batches/new", follow=True)
    assert "The batch is made" in text(made)
    number = owner.execute("SELECT max(id) FROM delivery_printbatch").fetchone()[0]
    where = f"/workbench/harbor/batches/{number}/"
    assert "Manifest 1–2 of 2" in text(mine.get(where))
    assert len(PdfReader(BytesIO(mine.get(f"{where}1.pdf").content)).pages) == 4
    assert len(PdfReader(BytesIO(mine.get(f"{where}1.pdf?sides=1").content)).pages) == 2
    assert mine.get(f"{where}2.pdf").status_code == 404
    assert len(PdfReader(BytesIO(mine.get(f"{where}labels.pdf?paper=a4").content)).pages) == 1
    assert mine.get(f"{where}labels.pdf?paper=a5").status_code == 404
    assert "Its letters are sent" in text(mine.post(f"{where}sent", follow=True))
    assert stands(owner, letters[0]) == ["waiting", "sent"]
    file = SimpleUploadedFile("back.csv", f"letter\n{letters[0]}\n".encode())
    said = mine.post("/workbench/harbor/letters/fate", {"fate": "returned", "file": file}, follow=True)
    assert "What became of them is kept" in text(said)
    assert stands(owner, letters[0]) == ["waiting", "sent", "returned"]
    assert "1–1 of 1" in text(mine.get("/workbench/harbor/letters/again/"))
    sent = mine.post(
        "/workbench/harbor/letters/send-again", {"document_id": [letters[0]], "channel": "print"}, follow=True
    )
    assert "They go out once more" in text(sent)
    assert stands(owner, letters[0]) == ["waiting", "sent", "returned", "waiting"]
    assert "It is printed again" in text(mine.post(f"{where}reprint", {"place": ["1"]}, follow=True))


@LENIENT
def test_one_letter_tells_its_story_and_is_opened_as_it_was_sent(letters, browser, users, owner):
    mine = signed_in(browser, users["specialist"])
    page = text(mine.get(f"/workbench/harbor/letters/{letters[1]}/"))
    assert "Confirmation statement" in page
    file = mine.get(f"/workbench/harbor/letters/{letters[1]}.pdf")
    assert "Dear you" in PdfReader(BytesIO(file.content)).pages[0].extract_text()
    assert "opened" not in stands(owner, letters[1])  # not by its person
    noted = owner.execute(
        "SELECT count(*) FROM accounts_auditentry WHERE what = 'file of a letter'"
    ).fetchone()
    assert noted == (1,)


@LENIENT
def test_letters_of_others_are_as_if_they_were_not_there(letters, browser, users, owner):
    mine = signed_in(browser, users["specialist"])
    for where in (f"letters/{letters[2]}/", f"letters/{letters[2]}.pdf", "batches/99/", "batches/99/1.pdf"):
        assert mine.get(f"/workbench/harbor/{where}").status_code == 404, where
    before = stands(owner, letters[2])
    said = mine.post(
        "/workbench/harbor/letters/fate", {"fate": "bounced", "document_id": [letters[2]]}, follow=True
    )
    assert "expected numbers of letters of this client" in text(said)
    assert stands(owner, letters[2]) == before


@LENIENT
def test_who_only_sees_changes_and_opens_nothing(letters, browser, users):
    broker = signed_in(browser, users["broker"])
    page = text(broker.get("/workbench/harbor/letters/"))
    assert "New letters" not in page
    for where in (
        "letters/fate",
        "letters/send-again",
        "batches/new",
        "letters/mails",
        "letters/new/",
        "letters/ways/",
    ):
        assert broker.post(f"/workbench/harbor/{where}").status_code == 403, where
    assert broker.get(f"/workbench/harbor/letters/{letters[0]}.pdf").status_code == 403


@LENIENT
def test_a_letter_of_coverage_is_made_at_once_and_others_by_the_worker(letters, browser, users, owner, pair):
    mine = signed_in(browser, users["specialist"])
    number = owner.execute(
        "SELECT employee_number FROM workforce_person WHERE client_id = %s ORDER BY id", [pair[0].client_id]
    ).fetchone()[0]
    where = "/workbench/harbor/letters/new/"
    made = mine.post(where, {"kind": "coverage", "employee": number, "as_of": "2026-02-01"}, follow=True)
    assert "Letter of coverage" in text(made), text(made)
    wrong = mine.post(where, {"kind": "loss", "employee": number})
    assert (wrong.status_code, "Expected the first day looked at" in text(wrong)) == (422, True)
    assert "Expected the schedule" in text(mine.post(where, {"kind": "enrollment"}))
    assert "expected an employee number" in text(mine.post(where, {"kind": "coverage", "employee": "nobody"}))
    asked = mine.post(where, {"kind": "confirmation", "schedule": pair[0].open_enrollment}, follow=True)
    assert "statements, sent as people chose" in text(asked), text(asked)


@LENIENT
def test_a_person_agrees_to_letters_without_paper_and_withdraws(letters, browser, users, owner, pair):
    mine = signed_in(browser, users["specialist"])
    number = "H000002"
    where = f"/workbench/harbor/letters/ways/?employee={number}"
    assert "nothing was ever said" in text(mine.get(where))
    refused = mine.post(where, {"channel": "portal", "how": "on paper"}, follow=True)
    assert "expected the day on which the person agreed" in text(refused)
    kept = mine.post(
        where, {"channel": "portal", "how": "on paper", "consented_on": "2026-02-01"}, follow=True
    )
    assert "2026-02-01 (on paper)" in text(kept)
    assert "Way print" in text(mine.post(where, {"channel": "print", "how": "by telephone"}, follow=True))
    assert "E-mails carry the letter itself" in text(mine.post(where, {"attaches": "yes"}, follow=True))
    rows = owner.execute("SELECT channel, consented_on FROM delivery_choice ORDER BY id").fetchall()
    assert rows == [("portal", date(2026, 2, 1)), ("print", None)]


def test_they_read_well(letters, page, site, owner):
    sign_in(page, site, "specialist")
    page.wait_for_url(f"{site}/**")
    number = owner.execute("SELECT max(id) FROM delivery_printbatch").fetchone()[0]
    paths = [
        "letters/",
        "letters/again/",
        f"letters/{letters[0]}/",
        "letters/new/",
        "letters/ways/?employee=H000003",
    ]
    for path in (*paths, "batches/", *([f"batches/{number}/"] if number else [])):
        page.goto(f"{site}/workbench/harbor/{path}")
        look(page, path)
