"""Tickets opened and changed: each cause once, whoever gets them, with a history that tells all of it."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.casework.conftest import NOW, access, user

from openbenefits.accounts.services import NotAllowed
from openbenefits.casework.listing import Wanted, tickets
from openbenefits.casework.models import Attachment, Change, Colleague, Department, Notice, TeamMember, Ticket
from openbenefits.casework.seeing import ticket_of
from openbenefits.casework.services import (
    Assignee,
    CaseOrder,
    ChangeOrder,
    Priority,
    Status,
    Subject,
    TaskOrder,
    TicketMissing,
    TicketRefused,
    cancel_task,
    change,
    change_all,
    close_for,
    complete_task,
    delete_marked,
    open_case,
    open_task,
    open_tasks,
    would_change,
)
from openbenefits.casework.talking import attach


def task(house, **said):
    return TaskOrder(client_id=house["acme"], **({"subject": "Look at it"} | said))


def history(ticket):
    rows = Change.objects.filter(ticket_id=ticket.pk).order_by("id")
    return [(one.author, one.field, one.before, one.after) for one in rows]


def test_a_task_of_a_person_has_its_maker_its_dates_and_its_history(house):
    made = open_task(access("ann"), task(house, due_on=date(2026, 3, 9)), now=NOW)
    ann = user("ann").pk
    assert (made.owner_id, made.assignee_id, made.status, made.priority) == (ann, ann, "new", "medium")
    assert (made.start_on, made.due_on, made.opened_by) == (date(2026, 3, 2), date(2026, 3, 9), "ann")
    change(access("bob"), made.pk, ChangeOrder(status=Status.IN_PROGRESS, priority=Priority.HIGH), now=NOW)
    done = complete_task(access("ann"), made.pk, reason="called him", now=NOW + timedelta(hours=1))
    assert (done.status, done.done_by, done.done_at) == ("complete", "ann", NOW + timedelta(hours=1))
    assert history(made) == [
        ("ann", "opened", "", "new"),
        ("bob", "status", "new", "in progress"),
        ("bob", "priority", "medium", "high"),
        ("ann", "status", "in progress", "complete"),
    ]
    again = change(access("ann"), made.pk, ChangeOrder(status=Status.IN_PROGRESS), now=NOW)
    assert (again.done_at, again.done_by) == (None, "")


def test_a_cause_opens_one_ticket_however_often_and_whatever_became_of_it(house):
    order = task(house, cause="channel 1:item 2:event 3")
    first, second = open_tasks("channel", [order, replace(order, subject="Another")], now=NOW)
    assert first.pk == second.pk
    cancel_task("channel", first.pk, now=NOW)
    third = open_task("channel", order, now=NOW)
    assert (third.pk, third.status) == (first.pk, "cancelled")
    elsewhere = open_task("channel", replace(order, client_id=house["bolt"]), now=NOW)
    case = open_case("channel", CaseOrder(client_id=house["acme"], subject="x", cause=order.cause), now=NOW)
    assert len({first.pk, elsewhere.pk, case.pk}) == 3
    assert Ticket.objects.count() == 3
    assert Change.objects.filter(field="opened").count() == 3


def test_the_end_of_a_record_closes_what_it_caused(house):
    about = Subject(kind="invoice", key="acme/2026-02")
    kept = open_task("r", task(house, about=Subject(kind="invoice", key="other")), now=NOW)
    opened = open_task("r", task(house, about=about), now=NOW)
    done = complete_task("r", open_task("r", task(house, about=about), now=NOW).pk, now=NOW)
    case = open_case("r", CaseOrder(client_id=house["acme"], subject="x", about=about), now=NOW)
    assert close_for(about, "paid", now=NOW) == 2
    assert close_for(about, "paid", now=NOW) == 0
    states = dict(Ticket.objects.values_list("pk", "status"))
    assert states == {kept.pk: "new", opened.pk: "cancelled", done.pk: "complete", case.pk: "closed"}
    assert Change.objects.filter(ticket_id=opened.pk, field="status").get().reason == "paid"
    again = open_task("r", task(house, about=about), now=NOW)
    assert close_for(about, "paid", now=NOW, client_id=house["bolt"]) == 0
    assert close_for(about, "paid", now=NOW, client_id=house["acme"], is_done=True) == 1
    assert Ticket.objects.get(pk=again.pk).status == "complete"


def test_who_gets_it_follows_the_team_and_falls_back_to_a_queue(own_house):
    ann, bob, eve = (user(name).pk for name in ("ann", "bob", "eve"))
    wanted = task(own_house, assigned=Assignee(role="benefits specialist"))

    def gets(order=wanted):
        made = open_task("channel", order, now=NOW)
        return made.assignee_id, made.role, made.queue

    assert gets() == (None, "benefits specialist", "unassigned")
    assert Notice.objects.order_by("-id").first().happening == "unassigned"
    Department.objects.filter(code="benefits").update(manager_id=eve)
    assert gets() == (eve, "benefits specialist", "")
    TeamMember.objects.create(client_id=0, role="benefits specialist", user_id=bob)
    assert gets() == (bob, "benefits specialist", "")
    TeamMember.objects.create(client_id=own_house["acme"], role="benefits specialist", user_id=ann)
    assert gets() == (ann, "benefits specialist", "")
    Colleague.objects.create(user_id=ann, backup_id=bob, away_from=date(2026, 3, 1))
    assert gets() == (bob, "benefits specialist", "")
    assert gets(task(own_house, assigned=Assignee(queue="payroll"))) == (None, "", "payroll")
    assert gets(task(own_house, category="compliance", kind="cobra notice")) == (
        bob,
        "benefits specialist",
        "",
    )


def test_a_type_says_priority_days_and_who_sees_it(house):
    made = open_case(
        "r", CaseOrder(client_id=house["acme"], subject="x", category="enrollment", kind="evidence"), now=NOW
    )
    assert (made.priority, made.is_health, made.due_on) == ("medium", True, date(2026, 3, 9))
    assert change(access("ann"), made.pk, ChangeOrder(status=Status.WAITING), now=NOW).status == "waiting"
    with pytest.raises(TicketMissing):  # payroll may not see health data
        change(access("bob"), made.pk, ChangeOrder(status=Status.CLOSED), now=NOW)


REFUSED = {
    "subject": ({"subject": " "}, TicketRefused, "expected a subject"),
    "priority": ({"priority": "urgent"}, TicketRefused, "expected a priority"),
    "due": ({"start_on": date(2026, 3, 9), "due_on": date(2026, 3, 2)}, TicketRefused, "due from 2026-03-09"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_order_that_cannot_be_is_refused_in_words(house, case):
    said, fault, words = REFUSED[case]
    with pytest.raises(fault, match=words):
        open_task(access("ann"), task(house, **said), now=NOW)
    assert not Ticket.objects.exists()


def test_who_may_change_nothing_of_a_client_opens_nothing_there(house):
    for name in ("cat", "dan"):
        with pytest.raises(NotAllowed):
            open_task(access(name), task(house), now=NOW)
    made = open_task(access("ann"), task(house), now=NOW)
    with pytest.raises(NotAllowed):
        complete_task(access("cat"), made.pk, now=NOW)  # he sees it
    with pytest.raises(TicketMissing):
        complete_task(access("dan"), made.pk, now=NOW)
    with pytest.raises(TicketRefused, match="for a task, found 'waiting'"):
        change(access("ann"), made.pk, ChangeOrder(status=Status.WAITING), now=NOW)
    with pytest.raises(TicketRefused, match="a user of the staff"):
        change(access("ann"), made.pk, ChangeOrder(assigned=Assignee(user_id=9999)), now=NOW)


def test_many_are_changed_at_once_and_counted_before(house):
    numbers = [one.pk for one in open_tasks("r", [task(house) for _ in range(300)], now=NOW)]
    order = ChangeOrder(priority=Priority.HIGH, assigned=Assignee(user_id=user("bob").pk))
    assert would_change(access("ann"), numbers, order, now=NOW) == 300
    assert Ticket.objects.filter(priority="high").count() == 0
    assert change_all(access("ann"), numbers, order, now=NOW) == 300
    assert change_all(access("ann"), numbers, order, now=NOW) == 0
    assert Ticket.objects.filter(priority="high", assignee_id=user("bob").pk).count() == 300
    with pytest.raises(TicketRefused, match="at most"):
        change_all(access("ann"), range(5001), order, now=NOW)


def test_a_marked_task_is_deleted_once_it_is_done_and_its_cause_opens_none_again(house):
    ann, about = access("ann"), Subject(kind="invoice", key="1")
    order = replace(task(house, cause="c", about=about), is_marked=True)
    marked, kept, later = open_tasks("channel", [order, task(house), task(house)], now=NOW)
    attach(ann, marked.pk, "rates.csv", b"plan,rate\n", now=NOW)
    change(ann, later.pk, ChangeOrder(is_marked=True), now=NOW)
    complete_task(ann, kept.pk, now=NOW)
    assert delete_marked(NOW) == 0, "what is not done stays"
    close_for(about, "paid", now=NOW)  # its cause has gone
    assert delete_marked(NOW + timedelta(hours=1)) == 1
    assert delete_marked(NOW + timedelta(hours=2)) == 0
    with pytest.raises(TicketMissing):
        ticket_of(ann, marked.pk)
    with pytest.raises(TicketMissing):
        change(ann, marked.pk, ChangeOrder(is_marked=False), now=NOW)
    rows, total = tickets(ann, Wanted(is_done=None), NOW.date())
    assert (total, set(rows["number"])) == (2, {kept.pk, later.pk})
    assert Attachment.objects.get().content is None
    assert ("ann", "is_marked", "False", "True") in history(later)
    assert open_task("channel", order, now=NOW).pk == marked.pk, "the same cause opens no other"
    case = open_case("r", CaseOrder(client_id=house["acme"], subject="x"), now=NOW)
    with pytest.raises(TicketRefused, match="a case is kept"):
        change(ann, case.pk, ChangeOrder(is_marked=True), now=NOW)
