"""What time does to tickets: levels, reminders, mails; however often the worker looks, each once."""

from datetime import UTC, date, datetime, timedelta

from django.core import mail
from django.db import connection
from django.test import override_settings
from tests.casework.conftest import NOW, access, user

from openbenefits.casework.codes import Scope
from openbenefits.casework.escalating import Escalated, escalate
from openbenefits.casework.models import (
    Cascade,
    Change,
    Colleague,
    Department,
    Mail,
    Notice,
    TeamMember,
    Ticket,
    TicketType,
)
from openbenefits.casework.notices import follow, mute, see, send_notices, told_to, unseen
from openbenefits.casework.services import (
    Assignee,
    CaseOrder,
    ChangeOrder,
    Priority,
    Status,
    TaskOrder,
    change,
    open_case,
    open_task,
    open_tasks,
)

IN_MEMORY = override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
LATER = NOW + timedelta(days=365)


def case(house, **said):
    return open_case(
        access("ann"), CaseOrder(client_id=house["acme"], **({"subject": "Her knee"} | said)), now=NOW
    )


def again(ticket):
    return Ticket.objects.get(pk=ticket.pk)


def test_levels_come_in_business_time_each_once_and_raise_what_is_late(house):
    high = case(house, priority=Priority.HIGH)
    assert high.level_1_at == datetime(2026, 3, 3, 15, tzinfo=UTC)  # nine hours: a business day
    assert high.level_2_at == datetime(2026, 3, 4, 15, tzinfo=UTC)
    assert escalate(high.level_1_at - timedelta(seconds=1)) == Escalated()
    assert escalate(high.level_1_at) == Escalated(level_1=1)
    assert escalate(high.level_1_at) == Escalated()
    assert (again(high).escalated, again(high).priority) == (1, "critical")
    assert again(high).level_2_at == high.level_2_at  # what it raised escalates no further by itself
    assert escalate(LATER) == Escalated(level_2=1)
    assert escalate(LATER) == Escalated()
    told = Change.objects.filter(ticket_id=high.pk, author="escalation").values_list("field", "after")
    assert list(told) == [("priority", "critical"), ("escalated", "1"), ("escalated", "2")]
    assert list(Notice.objects.values_list("happening", flat=True)) == ["opened", "level 1", "level 2"]


def test_both_levels_passed_at_once_are_both_carried_out(house):
    case(house)
    assert escalate(LATER) == Escalated(level_1=1, level_2=1)


def test_what_waits_or_is_done_is_not_escalated(house):
    waiting, done = case(house), case(house)
    change(access("ann"), waiting.pk, ChangeOrder(status=Status.WAITING), now=NOW)
    change(access("ann"), done.pk, ChangeOrder(status=Status.CLOSED), now=NOW)
    assert escalate(LATER) == Escalated()
    on_again = change(access("ann"), waiting.pk, ChangeOrder(status=Status.IN_PROGRESS), now=LATER)
    assert escalate(LATER) == Escalated()  # it waited all the time
    assert escalate(on_again.level_1_at) == Escalated(level_1=1)


def test_the_clock_stands_while_a_ticket_waits_on_somebody(house):
    made = case(house, priority=Priority.HIGH)  # nine business hours
    hours = [timedelta(hours=count) for count in range(10)]
    for status, after in ((Status.WAITING, 2), (Status.IN_PROGRESS, 5), (Status.WAITING, 6)):
        change(access("ann"), made.pk, ChangeOrder(status=status), now=NOW + hours[after])
    tuesday = datetime(2026, 3, 3, 14, tzinfo=UTC)  # an hour after the house opens
    on_again = change(access("ann"), made.pk, ChangeOrder(status=Status.IN_PROGRESS), now=tuesday)
    assert on_again.stands_since is None
    assert on_again.stood_seconds == 3600 * (3 + 1 + 1)  # of Monday 16 to 17 o'clock, of Tuesday 8 to 9
    assert on_again.level_1_at == datetime(2026, 3, 3, 20, tzinfo=UTC)  # Tuesday 10 o'clock and five hours
    urgent = change(access("ann"), made.pk, ChangeOrder(priority=Priority.CRITICAL), now=tuesday)
    assert urgent.level_1_at == datetime(2026, 3, 3, 15, tzinfo=UTC)  # four hours, and five it stood


def test_people_are_told_in_the_product_itself_until_they_have_seen_it(house):
    ann = access("ann")
    made = open_case("r", CaseOrder(client_id=house["acme"], subject="x", assigned=_to("ann")), now=NOW)
    assert unseen(ann) == 0  # the worker tells
    with IN_MEMORY:
        assert send_notices(connection, now=NOW, without=[made.client_id]) == 0
        send_notices(connection, now=NOW)
        change(access("eve"), made.pk, ChangeOrder(priority=Priority.HIGH), now=NOW)
        send_notices(connection, now=LATER)
    assert unseen(ann) == 2
    last, first = told_to(ann, 10)
    assert (first.happenings, last.happenings) == (["opened"], ["changed"])
    assert see(ann, through=first.pk, now=LATER) == 1
    assert see(ann, through=first.pk, now=LATER) == 0
    assert (unseen(ann), unseen(access("dan"))) == (1, 0)


def _to(name):
    return Assignee(user_id=user(name).pk)


def test_another_priority_counts_the_levels_anew(house):
    low = case(house, priority=Priority.LOW)
    assert escalate(low.level_1_at, without=[low.client_id]).level_1 == 0  # the client's hours are quiet
    assert escalate(low.level_1_at).level_1 == 1
    urgent = change(access("ann"), low.pk, ChangeOrder(priority=Priority.CRITICAL), now=NOW)
    assert (urgent.level_1_at, urgent.escalated) == (NOW + timedelta(hours=4), 0)
    assert escalate(urgent.level_1_at).level_1 == 1


def test_a_step_passes_the_ticket_on_and_keeps_silent_where_it_says_so(own_house):
    TeamMember.objects.create(client_id=own_house["acme"], role="benefits manager", user_id=user("bob").pk)
    Cascade.objects.filter(priority="medium").update(next_role="benefits manager", sends_mail=False)
    made = case(own_house)
    escalate(made.level_1_at)
    assert again(made).assignee_id == user("bob").pk
    assert not Notice.objects.filter(happening="level 1").exists()


def test_somebody_is_reminded_before_and_after_once(house):
    made = open_task(
        "r",
        TaskOrder(
            client_id=house["acme"],
            subject="x",
            due_on=date(2026, 3, 9),
            assigned=Assignee(user_id=user("bob").pk),
        ),
        now=NOW,
    )
    Ticket.objects.update(level_1_at=None, level_2_at=None)
    at = {day: datetime(2026, 3, day, 15, tzinfo=UTC) for day in (5, 6, 8, 9, 10, 11)}
    assert [escalate(at[day]) for day in at] == [
        Escalated(),
        Escalated(due_soon=1),  # Friday, a business day before Monday
        Escalated(),
        Escalated(),
        Escalated(overdue=1),
        Escalated(),
    ]
    change("r", made.pk, ChangeOrder(due_on=date(2026, 3, 12)), now=at[11])
    assert escalate(at[11]) == Escalated(due_soon=1)


@IN_MEMORY
def test_mails_name_tickets_and_never_what_they_say(house):
    case(house, assigned=Assignee(user_id=user("bob").pk), priority=Priority.HIGH)
    assert send_notices(connection, now=NOW) == 1
    assert send_notices(connection, now=NOW) == 0
    (sent,) = mail.outbox
    assert sent.to == ["bob@example.com"]
    number = Ticket.objects.get().pk
    assert f"Case {number} of Acme: it was opened." in sent.body
    assert f"/workbench/tickets/{number}/" in sent.body
    assert "knee" not in sent.subject + sent.body
    assert Mail.objects.get().fate == "sent"


@IN_MEMORY
def test_who_follows_is_told_unless_he_muted_it_or_may_not_see_it(house):
    follow(access("dan"), Scope.ALL, is_following=True)  # of another client: told nothing
    follow(access("cat"), Scope.ALL, is_following=True)
    follow(access("eve"), Scope.CLIENT, house["acme"], is_following=True)
    follow(access("eve"), Scope.CLIENT, house["acme"], is_following=True)
    made = case(house)
    assert send_notices(connection, now=NOW) == 2
    assert {one.to[0] for one in mail.outbox} == {"cat@example.com", "eve@example.com"}
    mute(access("cat"), made, is_muted=True)
    follow(access("eve"), Scope.CLIENT, house["acme"], is_following=False)
    change(access("ann"), made.pk, ChangeOrder(status=Status.IN_PROGRESS), now=NOW)
    assert send_notices(connection, now=NOW) == 0
    case(house, category="enrollment", kind="evidence")
    mail.outbox.clear()
    assert send_notices(connection, now=NOW) == 1  # nobody was found for it; a broker hears nothing of health
    assert mail.outbox[0].to == ["eve@example.com"]


@IN_MEMORY
def test_levels_are_told_to_the_roles_of_the_type_and_the_supervisor(own_house):
    ann, bob, eve = (user(name).pk for name in ("ann", "bob", "eve"))
    TicketType.objects.filter(category="general", code="complaint").update(
        notified_role="hr consultant", level_1_role="benefits manager", level_2_role="underwriter"
    )
    for role, number in (("benefits specialist", ann), ("benefits manager", bob)):
        TeamMember.objects.create(client_id=own_house["acme"], role=role, user_id=number)
    Colleague.objects.create(user_id=ann, supervisor_id=eve)
    Department.objects.filter(code="benefits").update(manager_id=eve)
    made = case(own_house, category="general", kind="complaint")
    send_notices(connection, now=NOW)
    mail.outbox.clear()
    escalate(made.level_1_at)
    assert send_notices(connection, now=NOW) == 3
    assert {one.to[0].split("@")[0] for one in mail.outbox} == {"ann", "bob", "eve"}


@IN_MEMORY
def test_many_tickets_are_one_mail_for_each_reader(house):
    order = TaskOrder(client_id=house["acme"], subject="x", assigned=Assignee(user_id=user("bob").pk))
    open_tasks("r", [order] * 60, now=NOW)
    assert send_notices(connection, now=NOW) == 1
    assert mail.outbox[0].subject == "60 tasks and cases"
    assert "… and 10 more" in mail.outbox[0].body
    assert Mail.objects.count() == 60


def test_a_mail_that_does_not_go_out_is_kept_with_what_went_wrong(house, monkeypatch):
    def refuse(_self, _messages):
        raise OSError("no route to bob@example.com")

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
    with IN_MEMORY:
        case(house, assigned=Assignee(user_id=user("bob").pk))
        assert send_notices(connection, now=NOW) == 0
    assert list(Mail.objects.values_list("fate", "told")) == [("failed", "OSError")]


def test_what_is_to_start_later_is_counted_from_then(house):
    made = case(house, start_on=date(2026, 3, 9), priority=Priority.CRITICAL)
    assert made.level_1_at == datetime(2026, 3, 9, 16, tzinfo=UTC)  # four hours from eight o'clock
