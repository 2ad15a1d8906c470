"""Mails of renewals: the offer is there for the client's contact; the window ends for who has not elected."""

from datetime import date, datetime
from typing import Any

import polars as pl
from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from openbenefits.accounts.models import EmployeeLogin, User
from openbenefits.programs.models import SetupKey
from openbenefits.renewals.models import Batch, Reminder
from openbenefits.renewals.progress import NOT_STARTED, UNDER_WAY, who_has_elected
from openbenefits.workforce.models import Client

OFFER_BODY = """Hello,

the benefits offer of {employer} for the year from {day} is ready for your review. Please sign in, look at
each plan, choose, and sign:
{link}
"""
REMINDER_BODY = """Hello,

the open enrolment of {employer} ends on {day}, and your choices are not complete. Please sign in and choose:
{link}

Who does not choose gets what the plan gives without a choice.
"""


def tell_contact(batch: Batch, *, workbook: bytes | None = None) -> bool:
    """Tell the client's contact that the offer is there; answer whether there is one with an address."""
    contact = User.objects.filter(pk=batch.contact_id, is_active=True).exclude(email="").first()
    if contact is None:
        return False
    link = f"{settings.PUBLIC_URL}/portal/offers/{batch.pk}/"
    body = OFFER_BODY.format(employer=_employer(batch.client_id), day=batch.effective_on, link=link)
    message = EmailMessage(
        subject=f"Benefits offer for {batch.effective_on.year}", body=body, to=[contact.email]
    )
    if workbook is not None:
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        message.attach(f"offer-{batch.effective_on}.xlsx", workbook, kind)
    message.send()
    return True


def due(today: date) -> list[Reminder]:
    """List the reminders that are due and were not sent, of batches whose window has not ended."""
    rows = Reminder.objects.filter(
        sent_at__isnull=True, due_on__lte=today, batch__enrollment_ends_on__gte=today
    ).select_related("batch")
    latest = {one.batch_id: one for one in rows.order_by("due_on")}  # of several missed the last one
    return list(latest.values())


def send(connection: Any, reminder: Reminder, *, now: datetime) -> tuple[int, int]:
    """Remind who has not elected; answer how many got a mail, and how many have no address.

    A reminder is sent once; those of earlier days that were missed count as sent with it.
    """
    batch = reminder.batch
    people = not_elected(connection, batch)
    ids = people["person_id"].unique().to_list()
    logins = EmployeeLogin.objects.filter(client_id=batch.client_id, person_id__in=ids, user__is_active=True)
    addresses = [one for one in logins.values_list("user__email", flat=True) if one]
    body = REMINDER_BODY.format(
        employer=_employer(batch.client_id),
        day=batch.enrollment_ends_on,
        link=f"{settings.PUBLIC_URL}/portal/",
    )
    subject = "Your open enrolment ends soon"
    mails = [EmailMessage(subject=subject, body=body, to=[address]) for address in addresses]
    get_connection().send_messages(mails)
    unreachable = len(ids) - len(addresses)
    Reminder.objects.filter(batch=batch, due_on__lte=reminder.due_on, sent_at__isnull=True).update(
        sent_at=now, mailed=len(addresses), unreachable=unreachable
    )
    return len(addresses), unreachable


def not_elected(connection: Any, batch: Batch) -> pl.DataFrame:
    """List who has not elected, or not completely, in the open enrolment of a batch."""
    keys = SetupKey.objects.filter(client_id=batch.client_id, kind="schedule", code=batch.schedule)
    schedule_id = keys.values_list("pk", flat=True).first()
    rows = who_has_elected(connection, batch.client_id, [] if schedule_id is None else [schedule_id])
    return rows.filter(pl.col("group").is_in([NOT_STARTED, UNDER_WAY]))


def _employer(client_id: int) -> str:
    return Client.objects.filter(pk=client_id).values_list("name", flat=True).first() or ""
