"""Lists, counts and the board: what each may see of them, and what is said and put to a ticket."""

from datetime import date, timedelta

import pytest
from tests.casework.conftest import NOW, access, user

from openbenefits.accounts.services import NotAllowed
from openbenefits.casework.codes import Form
from openbenefits.casework.listing import Wanted, board, counts, queues, story, tickets
from openbenefits.casework.models import Attachment, Ticket
from openbenefits.casework.seeing import ticket_of
from openbenefits.casework.services import (
    Assignee,
    CaseOrder,
    ChangeOrder,
    Priority,
    Status,
    TaskOrder,
    TicketMissing,
    TicketRefused,
    change,
    open_case,
    open_tasks,
)
from openbenefits.casework.talking import attach, comment, open_attachment, remove_attachment

TODAY = date(2026, 3, 2)
PDF = b"%PDF-1.7 something"


@pytest.fixture
def filled(house):
    """Tickets of two clients and of the PEO itself, by subject."""
    bob = Assignee(user_id=user("bob").pk)
    orders = [
        {"subject": "late", "due_on": TODAY - timedelta(days=1), "start_on": date(2026, 2, 1)},
        {"subject": "today", "due_on": TODAY, "priority": Priority.LOW, "assigned": bob},
        {"subject": "today, critical", "due_on": TODAY, "priority": Priority.CRITICAL, "assigned": bob},
        {"subject": "whenever", "assigned": Assignee(queue="payroll")},
    ]
    open_tasks("r", [TaskOrder(client_id=house["acme"], **one) for one in orders], now=NOW)
    open_tasks("r", [TaskOrder(client_id=house["bolt"], subject="theirs", due_on=TODAY)], now=NOW)
    open_tasks("r", [TaskOrder(client_id=None, subject="of the house")], now=NOW)
    knee = CaseOrder(client_id=house["acme"], subject="knee", category="enrollment", kind="evidence")
    open_case("r", knee, now=NOW)
    return dict(Ticket.objects.values_list("subject", "pk"))


def subjects(name, **wanted):
    return tickets(access(name), Wanted(**wanted), TODAY)[0]["subject"].to_list()


SEEN = {
    "ann": ["late", "today, critical", "today", "knee", "whenever"],
    "bob": ["late", "today, critical", "today", "whenever"],
    "cat": ["late", "today, critical", "today", "whenever"],
    "dan": ["theirs"],
    "eve": ["late", "today, critical", "theirs", "today", "knee", "whenever", "of the house"],
}


def test_everybody_sees_his_clients_the_most_urgent_first_and_health_with_its_permission(filled):
    assert {name: subjects(name) for name in SEEN} == {
        name: sorted(expected, key=SEEN["eve"].index) for name, expected in SEEN.items()
    } | {"eve": subjects("eve")}
    assert sorted(subjects("eve")) == sorted(SEEN["eve"])


FILTERS = {
    "overdue": ({"due": "overdue"}, ["late"]),
    "today": ({"due": "today"}, ["today, critical", "today"]),
    "none": ({"due": "none"}, ["whenever"]),
    "cases": ({"form": Form.CASE}, ["knee"]),
    "nobody's": ({"is_unassigned": True, "form": Form.TASK}, ["late", "whenever"]),
    "a queue": ({"queue": "payroll"}, ["whenever"]),
    "words": ({"text": "CRIT"}, ["today, critical"]),
    "priority": ({"priority": Priority.LOW}, ["today"]),
    "done": ({"is_done": True}, []),
}


def test_lists_are_narrowed(filled):
    assert {name: subjects("ann", **asked) for name, (asked, _) in FILTERS.items()} == {
        name: expected for name, (_, expected) in FILTERS.items()
    }
    assert subjects("ann", text=str(filled["late"])) == ["late"]
    frame, total = tickets(access("ann"), Wanted(), TODAY, most=2)
    assert (frame.height, total) == (2, 5)
    assert frame["is_overdue"].to_list() == [True, False]


def test_counts_are_one_look(filled):
    told = counts(access("bob"), TODAY)
    assert (told.today, told.overdue, told.mine, told.unassigned, told.escalated) == (2, 1, 2, 2, 0)
    waiting = {row["queue"]: row["open"] for row in queues(access("ann"), TODAY).to_dicts()}
    assert waiting == {
        "benefits": 0,
        "billing": 0,
        "carriers": 0,
        "implementation": 0,
        "payroll": 1,
        "unassigned": 2,
    }


def test_the_board_has_a_column_for_each_status(filled):
    change(access("ann"), filled["late"], ChangeOrder(status=Status.COMPLETE), now=NOW)
    change(access("ann"), filled["today"], ChangeOrder(status=Status.IN_PROGRESS), now=NOW)
    lanes = {
        one.status: one.tickets["subject"].to_list()
        for one in board(access("ann"), Form.TASK, Wanted(), TODAY)
    }
    assert lanes == {
        "new": ["today, critical", "whenever"],
        "in progress": ["today"],
        "on hold": [],
        "complete": ["late"],
        "cancelled": [],
    }
    assert [one.total for one in board(access("bob"), Form.CASE, Wanted(), TODAY)] == [0] * 5


def test_what_is_said_stays_and_files_are_sealed(filled):
    number = filled["late"]
    comment(access("bob"), number, "called her", now=NOW)
    made = attach(access("bob"), number, "../letter.pdf", PDF, now=NOW)
    assert PDF not in bytes(Attachment.objects.get().content)
    assert open_attachment(access("ann"), number, made.pk).content == PDF
    told = story(ticket_of(access("ann"), number))
    assert [(one.author, one.body) for one in told.comments] == [("bob", "called her")]
    assert [(one.name, one.media_type) for one in told.files] == [("letter.pdf", "application/pdf")]
    for name in ("dan",):
        with pytest.raises(TicketMissing):
            open_attachment(access(name), number, made.pk)
        with pytest.raises(TicketMissing):
            comment(access(name), number, "x", now=NOW)
    with pytest.raises(NotAllowed):
        comment(access("cat"), number, "x", now=NOW)
    with pytest.raises(TicketMissing):
        open_attachment(access("ann"), filled["today"], made.pk)
    remove_attachment(access("ann"), number, made.pk, now=NOW)
    with pytest.raises(TicketMissing):
        open_attachment(access("ann"), number, made.pk)
    assert Attachment.objects.get().removed_by == "ann"


FILES = {
    "an empty file": ("a.pdf", b"", "an empty file"),
    "a program": ("a.pdf", b"MZ\x90", "another kind of file"),
    "too much": ("a.csv", b"x" * (10 * 2**20 + 1), "10 MB"),
    "no text": ("a.csv", b"a\0b", "another kind of file"),
    "an archive": ("a.xlsx", b"PK\x03\x04rest", "another kind of file"),
}


@pytest.mark.parametrize("case", FILES)
def test_only_some_kinds_of_files_are_taken(filled, case):
    name, content, words = FILES[case]
    with pytest.raises(TicketRefused, match=words):
        attach(access("ann"), filled["late"], name, content, now=NOW)


def test_texts_are_taken_by_their_name(filled):
    assert attach(access("ann"), filled["late"], "a.csv", b"a,b\n", now=NOW).media_type == "text/csv"
