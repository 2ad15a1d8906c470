"""How each kind of thing is made for many records at once: tasks, cases, mails, letters, changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl
from django.core.mail import EmailMessage

from openbenefits.accounts.models import User
from openbenefits.casework.services import (
    Assignee,
    CaseOrder,
    Subject,
    TaskOrder,
    calendar_of,
    due_on,
    open_cases,
    open_tasks,
)
from openbenefits.casework.standing import standing
from openbenefits.reports.notices import issue_notices
from openbenefits.workflow.acts import Doing, act_of
from openbenefits.workflow.channels import Who, Work
from openbenefits.workflow.rules.content import merged
from openbenefits.workflow.texts import whos_of

if TYPE_CHECKING:
    from openbenefits.workflow.making import Moment
    from openbenefits.workflow.published import Running


class MakingRefused(ValueError):
    """What an item cannot make for a record: what was expected, what was found."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What an item makes, for which records."""

    connection: Any
    running: "Running"
    item: str
    part: Any
    records: pl.DataFrame
    moment: "Moment"

    def merged(self, text: str) -> list[str]:
        """Answer a text for each record, its fields filled in."""
        return (
            self.records.select(t=merged(text, self.records.columns)).get_column("t").to_list()
            if text
            else [""] * self.records.height
        )

    @cached_property
    def users(self) -> Mapping[str, int]:
        """Answer the numbers of the users named, by item or by records, of those who can sign in."""
        names: set[str] = set()
        for item in self.running.channel.items:
            for who in whos_of(item):
                names |= {who.user, who.backup}
                if who.field:
                    names |= set(self.records[who.field].drop_nulls().to_list())
        found = User.objects.filter(username__in=names - {""}, is_active=True)
        return dict(found.values_list("username", "pk"))

    @cached_property
    def team(self) -> Mapping[str, int]:
        """Answer who plays which role for the client."""
        stands = standing({self.moment.client_id}, self.moment.now)
        return stands.house_of(self.moment.client_id).team

    def user_of(self, who: Who | None, row: Mapping[str, Any]) -> int | None:
        """Answer the user of a record; whoever stands in where nobody is found; None: nobody."""
        if who is None:
            return None
        found = row["user_id"] if who.current else self.users.get(row[who.field] if who.field else who.user)
        if who.role:
            found = self.team.get(who.role)
        return found or self.users.get(who.backup)

    def assignee(self, who: Who | None, row: Mapping[str, Any]) -> Assignee:
        """Answer who gets it, as casework takes it: it knows the fall-backs."""
        if who is None:
            return Assignee()
        backup = self.users.get(who.backup)
        if who.role:
            return Assignee(role=who.role, backup=backup)
        if who.queue:
            return Assignee(queue=who.queue, backup=backup)
        found = self.user_of(who, row)
        return (
            Assignee(user_id=found, backup=backup) if found else Assignee(queue="unassigned", backup=backup)
        )


def _orders(batch: Batch, kind: type[TaskOrder] | type[CaseOrder]) -> list[Any]:
    work: Work = batch.part
    running, kinds = batch.running, batch.running.reading.kind
    calendar = calendar_of()
    texts = zip(batch.merged(work.subject), batch.merged(work.body), strict=True)
    orders = []
    for row, (subject, body) in zip(batch.records.iter_rows(named=True), texts, strict=True):
        about = Subject(kind=kinds.name, key=row["subject"])
        if work.attach_to != "record" and row[f"{work.attach_to}.subject"] is not None:
            other = kinds.related[work.attach_to].kind  # where it is not there: the trigger, which is
            about = Subject(kind=other, key=row[f"{work.attach_to}.subject"])
        due = None
        if work.due is not None:
            start = _start(work.due.start, row, batch.moment.today)
            due = due_on(start, work.due.days, business=work.due.business, calendar=calendar)
        marked: dict[str, Any] = {"is_marked": True} if work.marked else {}  # of tasks only
        orders.append(
            kind(
                client_id=batch.moment.client_id,
                subject=subject,
                body=body,
                category=work.category,
                kind=work.kind,
                priority=work.priority or None,
                start_on=min(batch.moment.today, due) if due else batch.moment.today,
                due_on=due,
                owner=batch.user_of(work.owner, row),
                assigned=batch.assignee(work.assigned, row),
                person_id=row["person_id"],
                about=about,
                is_health=True if running.reading.is_health else None,
                cause=f"{running.channel_id}/{batch.item}/{row['key']}/{row['cause']}",
                **marked,
            )
        )
    return orders


def _start(said: str, row: Mapping[str, Any], today: date) -> date:
    if said == "today":
        return today
    if said[0].isdigit():
        return date.fromisoformat(said)
    found: date | None = row[said]
    if found is None:
        raise MakingRefused(f"expected a day in '{said}' to count from, found none; complete the record")
    return found


def _tasks(batch: Batch) -> list[str]:
    made = open_tasks(batch.running.author, _orders(batch, TaskOrder), now=batch.moment.now)
    return [str(one.pk) for one in made]


def _cases(batch: Batch) -> list[str]:
    made = open_cases(batch.running.author, _orders(batch, CaseOrder), now=batch.moment.now)
    return [str(one.pk) for one in made]


def _mails(batch: Batch) -> list[str]:
    """Send to staff. What is sent stays sent: broken off in between, some may get it twice."""
    mail = batch.part
    rows = batch.records.iter_rows(named=True)
    wanted = [[batch.user_of(who, row) for who in mail.to] for row in rows]
    numbers = {user for users in wanted for user in users if user}
    addresses = dict(User.objects.filter(pk__in=numbers).exclude(email="").values_list("pk", "email"))
    made = []
    for subject, body, users in zip(batch.merged(mail.subject), batch.merged(mail.body), wanted, strict=True):
        to = sorted({addresses[user] for user in users if user in addresses})
        if not to:
            raise MakingRefused(
                "expected somebody with an e-mail address, found nobody; complete the client's team"
            )
        EmailMessage(subject=" ".join(subject.split()), body=body, to=to).send()
        made.append(f"to {len(to)}")
    return made


def _letters(batch: Batch) -> list[str]:
    notices = pl.DataFrame(
        {
            "person_id": batch.records["person_id"],
            "title": batch.merged(batch.part.title),
            "body": batch.merged(batch.part.body),
        },
        schema={"person_id": pl.Int64, "title": pl.String, "body": pl.String},
    )
    moment, author = batch.moment, batch.running.author
    made = issue_notices(
        batch.connection, moment.client_id, notices, on=moment.today, now=moment.now, actor=author
    )
    return [str(number) for number in made["document_id"]]


def _changes(batch: Batch) -> list[str]:
    act = act_of(batch.part.act)
    values = {name: batch.merged(text) for name, text in batch.part.values.items()}
    made = []
    for place, row in enumerate(batch.records.iter_rows(named=True)):
        doing = Doing(
            connection=batch.connection,
            client_id=batch.moment.client_id,
            person_id=row["person_id"],
            record=row,
            values={name: texts[place] for name, texts in values.items()},
            author=batch.running.author,
            today=batch.moment.today,
            now=batch.moment.now,
        )
        made.append(act.do(doing))
    return made


MAKERS: Mapping[str, Callable[[Batch], list[str]]] = {
    "task": _tasks,
    "case": _cases,
    "mail": _mails,
    "letter": _letters,
    "change": _changes,
}
