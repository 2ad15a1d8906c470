"""Mails of renewals: the offer is there for the client's contact; the window ends for who has not elected."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

import polars as pl
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts.models import EmployeeLogin, User
from openbenefits.accounts.numbers import first_numbers
from openbenefits.delivery.frames import of_day
from openbenefits.delivery.languages import ENGLISH, load_languages
from openbenefits.programs.models import SetupKey
from openbenefits.renewals.models import Batch, Reminder
from openbenefits.renewals.progress import NOT_STARTED, UNDER_WAY, who_has_elected
from openbenefits.reports.spoken import days_said
from openbenefits.workforce.models import Client

OFFER_BODY = _("""Hello,

the benefits offer of {employer} for the year from {day} is ready for your review. Please sign in, look at
each plan, choose, and sign:
{link}
""")
REMINDER_BODY = _("""Hello,

the open enrolment of {employer} ends on {day}, and your choices are not complete. Please sign in and choose:
{link}

Who does not choose gets what the plan gives without a choice.
""")


def tell_contact(batch: Batch, *, workbook: bytes | None = None) -> bool:
    """Tell the client's contact that the offer is there; answer whether there is one with an address."""
    contact = User.objects.filter(pk=batch.contact_id, is_active=True).exclude(email="").first()
    if contact is None:
        return False
    link = f"{settings.PUBLIC_URL}/portal/offers/{batch.pk}/"
    language = contact.language or ENGLISH
    day = days_said(batch.effective_on, [language])[language]
    with override(language):
        body = OFFER_BODY.format(employer=_employer(batch.client_id), day=day, link=link)
        subject = gettext("Benefits offer for {year}").format(year=batch.effective_on.year)
    message = EmailMessage(subject=subject, body=body, to=[contact.email])
    if workbook is not None:
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        message.attach(f"offer-{batch.effective_on}.xlsx", workbook, kind)
    message.send()
    return True


def due(today: date, *, without: Collection[int] = ()) -> list[Reminder]:
    """List the reminders that are due and were not sent, of batches whose window has not ended.

    without: clients whose reminders are left for another time.
    """
    rows = Reminder.objects.filter(
        sent_at__isnull=True, due_on__lte=today, batch__enrollment_ends_on__gte=today
    ).select_related("batch")
    rows = rows.exclude(client_id__in=without)
    latest = {one.batch_id: one for one in rows.order_by("due_on")}  # of several missed the last one
    return list(latest.values())


def send(connection: Any, reminder: Reminder, *, now: datetime) -> tuple[int, int]:
    """Remind who has not elected, in his language; answer how many got a mail, and how many have no address.

    A reminder is sent once; those of earlier days that were missed count as sent with it.
    """
    batch = reminder.batch
    people = not_elected(connection, batch)
    ids = people["person_id"].unique().to_list()
    addresses = _addresses_of(batch.client_id, ids)
    languages = _languages_of(connection, batch.client_id, list(addresses), now.date())
    texts = {language: _reminder_in(batch, language) for language in set(languages.values())}
    mails = [EmailMessage(*texts[languages[one]], to=[address]) for one, address in addresses.items()]
    get_connection().send_messages(mails)
    unreachable = len(ids) - len(addresses)
    Reminder.objects.filter(batch=batch, due_on__lte=reminder.due_on, sent_at__isnull=True).update(
        sent_at=now, mailed=len(addresses), unreachable=unreachable
    )
    return len(addresses), unreachable


def _addresses_of(client_id: int, person_ids: list[int]) -> dict[int, str]:
    """Answer with which mail address each person signs in, under whatever number."""
    firsts = first_numbers(client_id)
    known = {one for one, first in firsts.items() if first in person_ids} | set(person_ids)
    logins = EmployeeLogin.objects.filter(client_id=client_id, person_id__in=known, user__is_active=True)
    linked = logins.exclude(user__email="").values_list("person_id", "user__email")
    return {firsts.get(number, number): address for number, address in linked}


def _languages_of(connection: Any, client_id: int, person_ids: list[int], on: date) -> dict[int, str]:
    """Answer the language each person reads on a day."""
    people = pl.DataFrame({"person_id": person_ids}, schema={"person_id": pl.Int64}).select(
        "person_id", client_id=pl.lit(client_id, pl.Int32)
    )
    languages = load_languages(connection, of_day(people, on))["language"]
    return dict(zip(person_ids, languages, strict=True))


def _reminder_in(batch: Batch, language: str) -> tuple[str, str]:
    """Write the reminder in a language: subject and text."""
    day = days_said(batch.enrollment_ends_on, [language])[language]  # type: ignore[arg-type]
    link = f"{settings.PUBLIC_URL}/portal/"
    with override(language):
        body = REMINDER_BODY.format(employer=_employer(batch.client_id), day=day, link=link)
        return gettext("Your open enrolment ends soon"), body


def not_elected(connection: Any, batch: Batch) -> pl.DataFrame:
    """List who has not elected, or not completely, in the open enrolment of a batch."""
    keys = SetupKey.objects.filter(client_id=batch.client_id, kind="schedule", code=batch.schedule)
    schedule_id = keys.values_list("pk", flat=True).first()
    rows = who_has_elected(connection, batch.client_id, [] if schedule_id is None else [schedule_id])
    return rows.filter(pl.col("group").is_in([NOT_STARTED, UNDER_WAY]))


def _employer(client_id: int) -> str:
    return Client.objects.filter(pk=client_id).values_list("name", flat=True).first() or ""
