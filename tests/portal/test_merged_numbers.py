"""What stands under a number that was merged is seen under the one that stays, by its person and the staff."""

from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from tests.delivery.test_documents import put_document
from tests.faces.conftest import text
from tests.repair.worlds import LATER, YEAR_END

from openbenefits.accounts.numbers import numbers_of
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import EVERY_CLIENT, Access
from openbenefits.accounts.users import logins_of
from openbenefits.casework.inquiries import carry
from openbenefits.casework.listing import Wanted, found
from openbenefits.casework.models import Inquiry
from openbenefits.delivery.frames import load_choices
from openbenefits.delivery.models import Fate
from openbenefits.enrollment.models import Document
from openbenefits.repair.merging import MergeOrder, merge, unmerge
from openbenefits.store import use_database

STAFF = Access(user_id=0, permissions={EVERY_CLIENT: frozenset(Permission)})
QUESTION = {"subject": "Braces", "body": "Does dental pay for braces?"}


@pytest.fixture
def owned(database, embedded_server):
    """Do something as the owner of the tables, then go on as a face."""

    def do(act, *said, **more):
        url = embedded_server.url(database.settings_dict["NAME"])
        use_database(url)
        try:
            return act(*said, **more)
        finally:
            use_database(url, as_face=True)

    return do


def tickets_about(client_id: int, person_id: int) -> list[str]:
    rows = found(STAFF, Wanted(client_id=client_id, person_id=person_id), LATER.date())
    return list(rows.values_list("subject", flat=True))


def test_letters_papers_questions_and_tickets_are_seen_under_the_number_that_stays(enter, users, owned):
    goes, stays = users["alone 0"].employee, users["alone 1"].employee
    client_id = goes.client_id
    letter, pdf = owned(put_document, connection, client_id, goes.person_id)
    before = enter("alone 0")
    paper = SimpleUploadedFile("birth.pdf", b"%PDF-1.7 a paper", "application/pdf")
    before.post("/portal/papers/", {"kind": "other", "about": "person", "file": paper})
    before.post("/portal/questions/", QUESTION)
    before.post("/portal/letters/", {"way": "portal"})
    document = owned(lambda: Document.objects.get(person_id=goes.person_id).pk)
    inquiry = owned(lambda: Inquiry.objects.get(person_id=goes.person_id).pk)
    assert owned(carry, LATER) == 1
    theirs = [f"/portal/letters/{letter}.pdf", f"/portal/papers/{document}/", f"/portal/questions/{inquiry}/"]

    def seen(name: str) -> list[int]:
        browser = enter(name)
        return [browser.get(address).status_code for address in theirs]

    def told(name: str) -> tuple[bool, bool, list[str]]:
        browser = enter(name)
        person_id = users[name].employee.person_id
        wanted = owned(load_choices, connection, [client_id]).filter(person_id=person_id)
        way = 'value="portal" checked' in browser.get("/portal/letters/").content.decode()
        return "Braces" in text(browser.get("/portal/questions/")), way, wanted["channel"].to_list()

    order = MergeOrder(
        client_id=client_id,
        person_id=goes.person_id,
        survivor_id=stays.person_id,
        as_of=date(2025, 11, 5),
        begin=date(2026, 1, 1),
        through=YEAR_END,
        reason="hired twice",
        author="us",
    )
    assert (seen("alone 0"), seen("alone 1")) == ([200] * 3, [404] * 3)
    owned(merge, connection, order, now=LATER)
    assert owned(numbers_of, client_id, goes.person_id) == (stays.person_id, goes.person_id)
    assert (seen("alone 0"), seen("alone 1"), seen("alone 2")) == ([200] * 3, [200] * 3, [404] * 3)
    assert (told("alone 0"), told("alone 1")) == ((True, True, []), (True, True, ["portal"]))
    assert goes.person_id not in owned(logins_of, client_id)
    browser = enter("alone 1")
    assert browser.get(theirs[0]).content == pdf
    assert theirs[0] in browser.get("/portal/letters/").content.decode()
    assert "We have your message" in text(browser.post(theirs[2], {"body": "Thanks"}, follow=True))
    assert owned(tickets_about, client_id, stays.person_id) == ["Braces"]
    assert owned(lambda: Fate.objects.get().fate) == "opened"
    owned(unmerge, connection, order, now=LATER + timedelta(days=1))
    assert (seen("alone 0"), seen("alone 1")) == ([200] * 3, [404] * 3)
    assert (told("alone 0"), told("alone 1")) == ((True, True, ["portal"]), (False, False, []))
    assert owned(tickets_about, client_id, stays.person_id) == []
    assert owned(tickets_about, client_id, goes.person_id) == ["Braces"]
