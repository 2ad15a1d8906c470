"""Reports sent by mail, daily, weekly or monthly: with the rights their reader has on that day.

A mail says that the report is ready and where; the list goes with it only where the client allows letters to.
"""

from calendar import monthrange
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from enum import StrEnum
from io import BytesIO
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from psycopg import sql

from openbenefits.accounts.models import User
from openbenefits.accounts.services import Access, NotAllowed, access_of, note, working
from openbenefits.adhoc.models import ReportSchedule, ReportSending, SavedReport
from openbenefits.adhoc.query import QueryRefused
from openbenefits.adhoc.running import Found, as_shown, run_query, run_whole
from openbenefits.adhoc.saved import ReportMissing, SavingRefused, open_report
from openbenefits.delivery.routing import attaches
from openbenefits.reports.files import defused
from openbenefits.store.catalogue import psycopg_connection
from openbenefits.store.isolation import FACE
from openbenefits.workforce.models import Client

BODY = """The report "{name}" of {client} is ready: {rows:,} rows.

{link}

You get this message because you asked for it {every}. End it on the page of the report.
"""
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Every(StrEnum):
    """How often a report is sent."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


EVERY_NAMES = {Every.DAY: "every day", Every.WEEK: "every week", Every.MONTH: "every month"}


class Fate(StrEnum):
    """What became of a report that was due."""

    SENT = "sent"
    REFUSED = "refused"  # its reader may not see it any more, or it cannot be
    FAILED = "failed"  # the mail did not go out


def schedule_report(
    access: Access,
    client_id: int,
    report: SavedReport,
    *,
    every: Every,
    begins_on: date,
    attached: bool,
    now: datetime,
) -> ReportSchedule:
    """Have a saved report sent to oneself from a day on; what was ordered of it before ends.

    Errors: SavingRefused without an e-mail address, or for an attachment where the client allows none.
    """
    if not User.objects.filter(pk=access.user_id).exclude(email="").exclude(email=None).exists():
        raise SavingRefused(
            "expected an e-mail address of yours, found none; ask an administrator to add it to your login"
        )
    if attached and not attaches(client_id):
        raise SavingRefused(
            "expected a client that lets mails carry letters and lists, found one that does not; "
            "have the link sent, or change the terms of delivery"
        )
    end_schedules(access, report)
    return ReportSchedule.objects.create(
        client_id=client_id,
        report=report,
        user_id=access.user_id,
        every=str(every),
        next_on=begins_on,
        attaches=attached,
        made_at=now,
    )


def end_schedules(access: Access, report: SavedReport) -> int:
    """Send a report to somebody no more; answer how many orders that ends."""
    return ReportSchedule.objects.filter(report=report, user_id=access.user_id, is_ended=False).update(
        is_ended=True
    )


def schedule_of(access: Access, report: SavedReport) -> ReportSchedule | None:
    """Answer how often a report is sent to somebody; None: it is not."""
    return ReportSchedule.objects.filter(report=report, user_id=access.user_id, is_ended=False).first()


def next_after(every: Every, day: date, *, not_before: date) -> date:
    """Find the next day a report is due, after one and not before another; the end of a shorter month counts.

    >>> next_after(Every.MONTH, date(2026, 1, 31), not_before=date(2026, 2, 1))
    datetime.date(2026, 2, 28)
    """
    number = 1
    while (found := _step(every, day, number)) < not_before:
        number += 1
    return found


def _step(every: Every, day: date, number: int) -> date:
    if every is not Every.MONTH:
        return day + timedelta(days=(7 if every is Every.WEEK else 1) * number)
    months = day.month - 1 + number
    year, month = day.year + months // 12, months % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def send_due(
    connection: Any, *, today: date, now: datetime, without: Collection[int] = ()
) -> list[ReportSending]:
    """Send the reports that are due, each with the rights its reader has today; as the worker does.

    What was due on several days is sent once. without: clients whose reports are left for another time.
    """
    due = ReportSchedule.objects.filter(is_ended=False, next_on__lte=today).select_related("report")
    due = due.exclude(client_id__in=without)
    return [_send(connection, one, today, now) for one in due.order_by("pk")]


def _send(connection: Any, order: ReportSchedule, today: date, now: datetime) -> ReportSending:
    fate, told, rows = Fate.SENT, "", None
    try:
        user = User.objects.get(pk=order.user_id)
        found, file = _made(connection, order, user, today, now)
        rows = found.total
        _message(order, user, rows, file).send()
    except (NotAllowed, QueryRefused, ReportMissing) as refused:
        fate, told = Fate.REFUSED, str(refused)
    except (SMTPException, OSError) as fault:
        fate, told = Fate.FAILED, type(fault).__name__  # its text quotes the address
    with transaction.atomic():
        order.next_on = next_after(Every(order.every), order.next_on, not_before=today + timedelta(days=1))
        order.save(update_fields=["next_on"])
        return ReportSending.objects.create(
            client_id=order.client_id,
            schedule=order,
            due_on=today,
            rows=rows,
            fate=str(fate),
            told=told,
            at=now,
        )


def _made(
    connection: Any, order: ReportSchedule, user: User, today: date, now: datetime
) -> tuple[Found, bytes | None]:
    """Run a report as its reader; the workbook where it is to be attached."""
    access = access_of(connection, user)
    with as_reader(connection, access):
        _, query, _ = open_report(access, order.client_id, str(order.report_id))
        asked = {"as_of": today, "client_id": order.client_id}
        is_whole = order.attaches and attaches(order.client_id)
        found = (run_whole if is_whole else run_query)(connection, query, access, **asked)
        note(access, "did", "report sent by mail", client_id=order.client_id, now=now)
    if not is_whole:
        return found, None
    file = BytesIO()
    defused(as_shown(found)).write_excel(file, worksheet="Report", autofit=False)
    return found, file.getvalue()


@contextmanager
def as_reader(connection: Any, access: Access) -> Iterator[None]:
    """Let the owner of the tables see and write what somebody may, as a face does."""
    with working(connection, access):
        psycopg_connection(connection).execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(FACE)))
        yield


def _message(order: ReportSchedule, user: User, rows: int, file: bytes | None) -> EmailMessage:
    client = Client.objects.get(pk=order.client_id)
    text = BODY.format(
        name=order.report.name,
        client=client.name,
        rows=rows,
        link=f"{settings.PUBLIC_URL}/workbench/{client.code}/builder/{order.report_id}/",
        every=EVERY_NAMES[Every(order.every)],
    )
    message = EmailMessage(subject=f"Report: {order.report.name}", body=text, to=[user.email or ""])
    if file is not None:
        message.attach(f"report-{order.report_id}.xlsx", file, WORKBOOK)
    return message
