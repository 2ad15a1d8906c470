"""Tasks and cases on their pages: opened, moved, changed one by one and many at once; the team and the set-up."""

import re
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from tests.accounts.conftest import as_face, owner
from tests.casework.conftest import build, numbers
from tests.faces.conftest import LENIENT, chromium, look, page, sign_in, signed_in, site, text

from openbenefits.accounts import clock
from openbenefits.accounts.clock import STANDS_ON
from openbenefits.accounts.models import User
from openbenefits.casework.models import Change, Ticket
from openbenefits.casework.services import Assignee, CaseOrder, Subject, TaskOrder, open_case, open_tasks

__all__ = ["as_face", "chromium", "owner", "page", "site"]

pytestmark = pytest.mark.usefixtures("still")
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def users(database, kept):
    """Staff of two clients with some tickets, one of them about health."""
    kept(database, "casework", build)
    acme = numbers()["acme"]
    about = Subject(kind="client", key="acme")
    orders = [
        {"subject": "Call the carrier", "due_on": NOW.date(), "category": "carrier", "kind": "rejection"},
        {"subject": "Load the census", "priority": "high", "assigned": Assignee(queue="implementation")},
        {"subject": "Look at the rates", "about": about},
    ]
    open_tasks("r", [TaskOrder(client_id=acme, **one) for one in orders], now=NOW)
    open_tasks("r", [TaskOrder(client_id=None, subject="Order paper")], now=NOW)
    open_tasks("r", [TaskOrder(client_id=numbers()["bolt"], subject="Of the other client")], now=NOW)
    knee = {"subject": "About her knee", "category": "enrollment", "kind": "evidence"}
    open_case("r", CaseOrder(client_id=acme, **knee), now=NOW)
    return {one.username: one for one in User.objects.all()}


@pytest.fixture
def still(monkeypatch):
    """It is that day everywhere the work is done: at two in the morning UTC it would still be the day before."""
    monkeypatch.setenv(STANDS_ON, "2026-03-02")
    moments = count()
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(seconds=next(moments)))


@pytest.fixture
def come(users, as_face):
    return lambda name: signed_in(Browser(HTTP_HOST="localhost"), users[name])


@pytest.fixture
def told(owner):
    """Answer a function that asks the database, which a face sees only in its requests."""

    def ask(what, *given):
        rows = owner.execute(what, given).fetchall()
        owner.rollback()
        return [row[0] for row in rows]

    return ask


@pytest.fixture
def number_of(told):
    return lambda subject: told(
        "SELECT id FROM casework_ticket WHERE subject = %s ORDER BY id DESC", subject
    )[0]


@pytest.fixture
def field_of(told):
    return lambda subject, field: told(f"SELECT {field} FROM casework_ticket WHERE subject = %s", subject)[0]


def post(browser, where, act, **said):
    return browser.post(
        where, {"act": act, **{name.replace("__", "-"): value for name, value in said.items()}}, follow=True
    )


@LENIENT
def test_lists_show_what_is_ones_own_to_see(come):
    told = text(come("ann").get("/workbench/acme/tickets/"))
    assert all(one in told for one in ("Call the carrier", "Load the census", "About her knee"))
    assert "Of the other client" not in text(come("ann").get("/workbench/tickets/"))
    assert "Order paper" not in text(come("ann").get("/workbench/tickets/"))
    assert "About her knee" not in text(come("bob").get("/workbench/acme/tickets/"))
    assert "Order paper" in text(come("eve").get("/workbench/tickets/"))
    narrowed = text(come("ann").get("/workbench/acme/tickets/?due=today&priority=nonsense"))
    assert "Call the carrier" in narrowed
    assert "Load the census" not in narrowed
    queue = text(come("ann").get("/workbench/queues/implementation/"))
    assert "Load the census" in queue
    assert "Call the carrier" not in queue
    assert come("ann").get("/workbench/queues/none/").status_code == 404
    assert "Due today" in text(come("ann").get("/workbench/"))
    assert come("ann").get("/workbench/tickets/?tickets.export=csv").content.startswith(b"No.,Subject")


@LENIENT
def test_a_ticket_of_another_client_or_about_health_is_not_there(come, number_of):
    other, knee, paper = (number_of(one) for one in ("Of the other client", "About her knee", "Order paper"))
    for name, number in (("ann", other), ("ann", paper), ("bob", knee), ("cat", knee), ("ann", 10**12)):
        for answer in (
            come(name).get(f"/workbench/tickets/{number}/"),
            post(come(name), f"/workbench/tickets/{number}/", "comment", comment__comment="x"),
        ):
            assert answer.status_code == 404
    assert come("eve").get(f"/workbench/tickets/{paper}/").status_code == 200


@LENIENT
def test_a_ticket_from_its_opening_to_its_end(come, users, number_of, told):
    ann = come("ann")
    wrong = ann.post(
        "/workbench/acme/tickets/new", {"form": "task", "subject": "", "type": "general/", "person": "0"}
    )
    assert wrong.status_code == 422
    assert "number of an employee" in text(wrong)
    said = {
        "form": "task",
        "subject": "Ask for the rates",
        "type": "renewal/rates",
        "assigned": f"user:{users['bob'].pk}",
    }
    opened = ann.post("/workbench/acme/tickets/new", said, follow=True)
    where = f"/workbench/tickets/{number_of('Ask for the rates')}/"
    assert opened.redirect_chain == [(where, 302)]
    assert "2026-03-16" in text(opened)  # ten business days
    assert "bob" in text(opened)
    assert "It is yours" in text(post(ann, where, "take"))
    assert "deleted once it is done" in text(post(ann, where, "mark", marked="yes"))
    assert "Keep it once it is done" in text(ann.get(where))
    post(ann, where, "mark", marked="no")
    assert "Your comment is kept" in text(post(ann, where, "comment", comment__comment="called them"))
    assert post(ann, where, "comment", comment__comment="").status_code == 422
    file = SimpleUploadedFile("rates.csv", b"plan,rate\n")
    assert "The file is kept" in text(post(ann, where, "attach", attach__file=file))
    link = re.search(rf"{where}files/\d+", ann.get(where).content.decode())[0]
    assert ann.get(link).content == b"plan,rate\n"
    assert come("dan").get(link).status_code == 404
    refused = post(ann, where, "attach", attach__file=SimpleUploadedFile("a.exe", b"MZ"))
    assert "expected a PDF" in text(refused)
    taken = post(ann, where, "remove", file=link.rpartition("/")[2])
    assert "taken away by ann" in text(taken)
    assert ann.get(link).status_code == 404
    changed = {
        "subject": "Ask again",
        "type": "renewal/rates",
        "priority": "critical",
        "owner": users["ann"].pk,
        "start_on": "2026-03-02",
    }
    late = post(
        ann, where, "change", **{f"change__{k}": v for k, v in (changed | {"due_on": "2026-03-01"}).items()}
    )
    assert late.status_code == 422
    done = post(
        ann, where, "change", **{f"change__{k}": v for k, v in changed.items()}, change__reason="he said so"
    )
    assert "Ask again" in text(done)
    assert "he said so" in text(done)
    shown = text(post(ann, where, "status", status="complete", reason="they sent them"))
    assert "they sent them" in shown
    assert "In progress" in shown
    assert "expected one of" in text(post(ann, where, "status", status="waiting"))
    fields = told(
        "SELECT field FROM casework_change WHERE ticket_id = %s ORDER BY id", number_of("Ask again")
    )
    marked = ["is_marked", "is_marked"]
    assert fields == ["opened", "assignee_id", *marked, "priority", "due_on", "subject", "status"]
    noted = "SELECT count(*) FROM accounts_auditentry WHERE what = 'task or case: status' AND user_id = %s"
    assert told(noted, users["ann"].pk) == [1]


@LENIENT
def test_who_only_reads_gets_no_form_and_is_refused(come, number_of, field_of):
    where = f"/workbench/tickets/{number_of('Call the carrier')}/"
    assert "What may be done" not in text(come("cat").get(where))
    assert post(come("cat"), where, "take").status_code == 403
    assert come("cat").get("/workbench/acme/tickets/new").status_code == 403
    moved = {"number": number_of("Call the carrier"), "status": "complete"}
    assert come("cat").post("/workbench/board/move", moved).status_code == 403
    assert come("ann").get("/workbench/casework/").status_code == 403
    assert come("ann").get("/workbench/tickets/new").status_code == 403
    assert field_of("Call the carrier", "status") == "new"


@LENIENT
def test_the_board_moves_cards_without_scripts(come, number_of, field_of):
    ann = come("ann")
    number = number_of("Look at the rates")
    assert "Look at the rates" in text(ann.get("/workbench/acme/board/"))
    to = ann.post(
        "/workbench/board/move", {"number": number, "status": "in progress", "back": "/workbench/acme/board/"}
    )
    assert to["Location"] == "/workbench/acme/board/"
    assert field_of("Look at the rates", "status") == "in progress"
    away = ann.post(
        "/workbench/board/move", {"number": number, "status": "x", "back": "//elsewhere.com/"}, follow=True
    )
    assert "expected a card" in text(away)
    assert (
        ann.post("/workbench/board/move", {"number": 10**12, "status": "new"}, follow=True).status_code == 200
    )
    assert ann.get("/workbench/board/?form=case&whose=mine").status_code == 200


@LENIENT
def test_many_are_counted_first_and_then_changed(come, number_of, field_of):
    eve = come("eve")
    ticked = {"number": [number_of("Load the census"), number_of("Look at the rates")], "whom": "picked"}
    where = "/workbench/tickets/change"
    assert "tick some" in text(eve.post(where, {"whom": "picked", "priority": "low"}, follow=True))
    assert "fill in a field" in text(eve.post(where, ticked, follow=True))
    preview = text(eve.post(where, ticked | {"priority": "high"}))
    assert "1 of 2 would change" in preview
    assert field_of("Look at the rates", "priority") == "medium"
    eve.post(where, ticked | {"priority": "high", "sure": "yes"})
    assert field_of("Look at the rates", "priority") == "high"
    taken = text(eve.post(where, {"number": ticked["number"], "take": "yes"}))
    assert "2 of 2 would change" in taken
    assert "eve" in taken
    everybody = {"whom": "everybody", "query": "text=rates", "client": "acme", "status": "begun"}
    assert "of 1 would change" in text(eve.post(where, everybody))
    assert come("cat").post(where, ticked | {"priority": "low", "sure": "yes"}, follow=True).status_code in (
        200,
        403,
    )
    assert field_of("Look at the rates", "priority") == "high"


@LENIENT
def test_the_team_is_kept_and_tasks_go_to_it(come, users, told, field_of):
    ann = come("ann")
    ann.post("/workbench/acme/team/", {"role-edi specialist": users["bob"].pk})
    members = "SELECT user_id FROM casework_teammember"
    assert told(members) == [users["bob"].pk]
    wrong = ann.post("/workbench/acme/team/", {"role-edi specialist": users["dan"].pk}, follow=True)
    assert "a user of the list" in text(wrong)
    assert come("bob").post("/workbench/acme/team/", {"role-edi specialist": ""}).status_code == 403
    said = {"form": "case", "subject": "Rejected", "type": "carrier/rejection"}
    ann.post("/workbench/acme/tickets/new", said)
    assert field_of("Rejected", "assignee_id") == users["bob"].pk
    ann.post("/workbench/acme/team/", {"role-edi specialist": ""})
    assert told(members) == []


@LENIENT
def test_the_set_up_is_changed_on_its_pages(come, users, told):
    eve = come("eve")
    assert "Business hours" in text(eve.get("/workbench/casework/"))
    for part in (
        "types",
        "levels",
        "steps",
        "statuses",
        "categories",
        "queues",
        "roles",
        "departments",
        "colleagues",
        "hours",
        "days",
        "quiet",
    ):
        assert eve.get(f"/workbench/casework/{part}/").status_code == 200
        record = re.search(
            rf"/workbench/casework/{part}/\d+", eve.get(f"/workbench/casework/{part}/").content.decode()
        )
        assert record is None or eve.get(record[0]).status_code == 200
    for gone in ("none/", "types/99999", "hours/new"):
        assert eve.get(f"/workbench/casework/{gone}").status_code == 404
    kind = {"category": "general", "code": "visit", "name": "Visit", "priority": "low", "assigns": "creator"}
    kind |= {"security": "open", "reminder_days": "2", "due_days": "3"}
    assert eve.post("/workbench/casework/types/new", kind).status_code == 302
    assert eve.post("/workbench/casework/types/new", kind).status_code == 422
    assert (
        eve.post("/workbench/casework/types/new", kind | {"code": "b", "reminder_days": "99"}).status_code
        == 422
    )
    assert told("SELECT due_days FROM casework_tickettype WHERE code = 'visit'") == [3]
    whole = told("SELECT id FROM casework_tickettype WHERE category = 'general' AND code = ''")[0]
    of_all = kind | {"code": "", "name": "Anything", "priority": "high"}
    assert eve.post(f"/workbench/casework/types/{whole}", of_all).status_code == 302
    assert told("SELECT name FROM casework_tickettype WHERE code = '' AND priority = 'high'") == ["Anything"]
    day = {"on": "2026-03-06", "name": "Moving", "is_open": ""}
    assert eve.post("/workbench/casework/days/new", day).status_code == 302
    number = told("SELECT id FROM casework_specialday")[0]
    assert "is taken out" in text(eve.post(f"/workbench/casework/days/{number}/remove", follow=True))
    quiet = {"job": "night", "client_id": "0", "weekdays": "67", "begins": "00:00", "ends": "00:00"}
    assert "numbers from 1" in text(eve.post("/workbench/casework/quiet/new", quiet | {"weekdays": "8"}))
    acme = told("SELECT id FROM workforce_client WHERE code = 'acme'")[0]
    of_one = quiet | {"job": "carriers", "client_id": acme}
    assert eve.post("/workbench/casework/quiet/new", of_one).status_code == 302
    assert eve.post("/workbench/casework/quiet/new", quiet).status_code == 302
    assert "every client" in text(eve.get("/workbench/casework/quiet/"))
    number = told("SELECT id FROM casework_quiethours WHERE client_id = 0")[0]
    assert "is taken out" in text(eve.post(f"/workbench/casework/quiet/{number}/remove", follow=True))
    assert eve.post("/workbench/casework/types/1/remove").status_code == 404
    hours = re.search(
        r"/workbench/casework/hours/\d+", eve.get("/workbench/casework/hours/").content.decode()
    )[0]
    wrong = {"zone": "America/Chicago", "opens": "17:00", "closes": "08:00", "weekdays": "12345", "state": ""}
    assert "end after they begin" in text(eve.post(hours, wrong))
    assert (
        eve.post(hours, wrong | {"opens": "08:00", "closes": "17:00", "zone": "Nowhere"}).status_code == 422
    )


@LENIENT
def test_a_client_words_the_mails_to_who_asked(come, told):
    eve, where = come("eve"), "/workbench/acme/asker-mails/answered/en-us/"
    listed = text(eve.get("/workbench/acme/asker-mails/"))
    assert (listed.count("as shipped"), "There is an answer" in listed) == (4, True)
    assert "Your question has an answer" in text(eve.get(where))
    words = {"subject": "Answered", "body": "{{name}} of {{employer}}: {{link}}"}
    seen = text(eve.post(where, words | {"do": "preview"}))
    assert "Ana Ruiz of Acme: http" in seen
    assert told("SELECT count(*) FROM casework_wording") == [0]
    refused = eve.post(where, words | {"body": "{{ssn}} {{link}}", "do": "keep"})
    assert (refused.status_code, "found ssn" in text(refused)) == (422, True)
    assert "The words are kept" in text(eve.post(where, words | {"do": "keep"}, follow=True))
    assert "Give these words up" in text(eve.get(where))
    assert "The words are given up" in text(eve.post(where, {"do": "drop"}, follow=True))
    peos = "/workbench/asker-mails/closed/es/"
    assert eve.post(peos, {"subject": "Cerrada", "body": "{{link}}", "do": "keep"}).status_code == 302
    closed = text(eve.get("/workbench/acme/asker-mails/closed/es/"))
    assert ("Cerrada" in closed, "Give these words up" in closed) == (True, False)
    eve.post(peos, {"do": "drop"})
    assert eve.get("/workbench/acme/asker-mails/other/es/").status_code == 404
    assert come("cat").get(where).status_code == 403


@LENIENT
def test_what_somebody_follows_is_his_own(come, number_of):
    eve = come("eve")
    assert "You are told of them by mail" in text(
        eve.post("/workbench/mine/follow", {"scope": "client", "client": "acme"}, follow=True)
    )
    assert "of acme" in text(eve.get("/workbench/mine/"))
    assert "Mail me no more of this client" in text(eve.get("/workbench/acme/tickets/"))
    assert "You follow nothing" in text(come("ann").get("/workbench/mine/"))
    eve.post("/workbench/mine/follow", {"scope": "client", "client": "acme", "end": "yes"})
    assert "You follow nothing" in text(eve.get("/workbench/mine/"))
    assert eve.post("/workbench/mine/follow", {"scope": "x"}).status_code == 404
    where = f"/workbench/tickets/{number_of('Call the carrier')}/"
    assert "Tell me of it again" in text(post(eve, where, "mute", muted="yes"))


PAGES = (
    *(
        "tickets/",
        "acme/tickets/?due=today",
        "mine/",
        "queues/",
        "board/",
        "acme/board/?form=case",
        "acme/tickets/new",
    ),
    *("acme/asker-mails/", "acme/asker-mails/answered/es/", "casework/quiet/new"),
    *("acme/team/", "casework/", "casework/types/", "casework/hours/", "casework/types/new", "", "acme/"),
)


@LENIENT
def test_the_board_is_walked_by_keyboard_and_every_page_fits(page, site, users):
    sign_in(page, site, "eve")
    number = Ticket.objects.get(subject="Call the carrier").pk
    for where in (*PAGES, f"tickets/{number}/"):
        page.goto(f"{site}/workbench/{where}")
        look(page, where)
    page.goto(f"{site}/workbench/acme/board/")
    for status in ("In progress", "On hold", "Complete"):
        button = page.locator(f"#card-{number}").get_by_role("button", name=f"{status} {number}", exact=True)
        button.focus()
        page.keyboard.press("Enter")
        lane = page.get_by_role("region", name=re.compile(rf"^{status} \d"))
        lane.locator(f"#card-{number}").wait_for()
    page.locator(f"#card-{number}").drag_to(page.get_by_role("region", name=re.compile(r"^New \d")))
    page.get_by_role("region", name=re.compile(r"^New \d")).locator(f"#card-{number}").wait_for()
    assert [one.after for one in Change.objects.filter(ticket_id=number, field="status").order_by("id")] == [
        "in progress",
        "on hold",
        "complete",
        "new",
    ]
