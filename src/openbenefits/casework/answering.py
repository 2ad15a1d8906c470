"""Mails to employees who asked something: that there is an answer, that the matter is closed.

A mail holds the name of its reader and of the employer, the day on which he asked, and a link; never what was
asked or answered. It is in the language its reader chose in the portal, and in the words of `wording`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from smtplib import SMTPException
from typing import Any

import polars as pl
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import translation
from django.utils.formats import date_format

from openbenefits.accounts.models import User
from openbenefits.casework.codes import DONE, AskerMail
from openbenefits.casework.models import Inquiry, InquiryWord, Ticket
from openbenefits.casework.wording import Text, Wordings
from openbenefits.workforce.frames import names_as_of
from openbenefits.workforce.models import Client

SENT, FAILED, NO_ADDRESS = "sent", "failed", "no address"
AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Told:
    """Who is told of an inquiry: his address ('' has none), name, language, employer; in which words."""

    address: str
    name: str
    language: str
    employer: str
    text: Text


def tell_askers(connection: Any, now: datetime, *, without: Collection[int] = ()) -> int:
    """Mail employees that what they asked is answered, or closed; answer how many mails went out.

    The worker does it, ever again: each answer, and each closing, is told once, whatever became of the mail.
    Several answers that wait are one mail. A closing right after an answer is told by itself.

    without: clients whose people are told another time.
    """
    return _tell_answers(connection, now, without) + _tell_closed(connection, now, without)


def _tell_answers(connection: Any, now: datetime, without: Collection[int]) -> int:
    waiting = (
        InquiryWord.objects.filter(is_answer=True, mailed="").exclude(client_id__in=without).order_by("pk")
    )
    numbers = list(waiting.values_list("inquiry_id", flat=True)[:AT_ONCE])
    asked = Inquiry.objects.filter(pk__in=numbers).order_by("pk")
    told = _told(connection, list(asked), AskerMail.ANSWERED, now)
    return sum(_tell_answer(one, told[one.pk]) for one in asked)


def _tell_answer(asked: Inquiry, told: Told) -> bool:
    """Mail one that he is answered, in a transaction of its own; answer whether a mail went out."""
    with transaction.atomic():
        words = InquiryWord.objects.filter(inquiry_id=asked.pk, is_answer=True, mailed="")
        mine = list(words.select_for_update(skip_locked=True).values_list("pk", flat=True))
        if not mine:
            return False
        fate = _mail(asked, told)
        InquiryWord.objects.filter(pk__in=mine).update(mailed=fate)
    return fate == SENT


def _tell_closed(connection: Any, now: datetime, without: Collection[int]) -> int:
    """Tell of matters that came to their end; one that is opened again is told of once more."""
    ended = Ticket.objects.filter(status__in=DONE).values("pk")
    closed = Inquiry.objects.filter(ticket_id__in=ended, closing="").exclude(client_id__in=without)
    asked = list(closed.order_by("pk")[:AT_ONCE])
    told = _told(connection, asked, AskerMail.CLOSED, now)
    going = Inquiry.objects.exclude(closing="").exclude(ticket_id__in=ended)
    going.update(closing="")
    return sum(_tell_end(one, told[one.pk]) for one in asked)


def _tell_end(asked: Inquiry, told: Told) -> bool:
    with transaction.atomic():
        mine = Inquiry.objects.select_for_update(skip_locked=True).filter(pk=asked.pk, closing="")
        if mine.first() is None:
            return False
        fate = _mail(asked, told)
        Inquiry.objects.filter(pk=asked.pk).update(closing=fate)
    return fate == SENT


def _mail(asked: Inquiry, told: Told) -> str:
    """Send one mail in its reader's language; say what became of it."""
    if not told.address:
        return NO_ADDRESS
    with translation.override(told.language):
        day = date_format(asked.at, "DATE_FORMAT")
    link = f"{settings.PUBLIC_URL}/portal/questions/{asked.pk}/"
    subject, body = told.text.said({"name": told.name, "employer": told.employer, "day": day, "link": link})
    message = EmailMessage(subject=subject, body=body, to=[told.address])
    try:
        message.send()
    except (SMTPException, OSError, ValueError):
        return FAILED
    return SENT


def _told(connection: Any, asked: Sequence[Inquiry], mail: AskerMail, now: datetime) -> Mapping[int, Told]:
    """Find whom to write to, and in which words, by inquiry."""
    wordings = Wordings({one.client_id for one in asked})
    users = User.objects.in_bulk([one.user_id for one in asked])
    employers = dict(Client.objects.filter(pk__in={one.client_id for one in asked}).values_list("pk", "name"))
    names = _names(connection, asked, now)
    found = {}
    for one in asked:
        user = users.get(one.user_id)
        language = (user.language if user is not None else "") or settings.LANGUAGE_CODE
        found[one.pk] = Told(
            address=user.email or "" if user is not None and user.is_active else "",
            name=names.get(one.pk) or "",
            language=language,
            employer=employers.get(one.client_id, ""),
            text=wordings.text(one.client_id, mail, language),
        )
    return found


def _names(connection: Any, asked: Sequence[Inquiry], now: datetime) -> dict[int, str]:
    if not asked:
        return {}
    rows = pl.DataFrame(
        {
            "case": range(len(asked)),
            "client_id": [one.client_id for one in asked],
            "person_id": [one.person_id for one in asked],
        },
        schema={"case": pl.Int32, "client_id": pl.Int32, "person_id": pl.Int64},
    ).with_columns(benefit_record=pl.lit(0, pl.Int16), as_of=pl.lit(now.date()))
    name = pl.concat_str("first_name", "last_name", separator=" ", ignore_nulls=True)
    found = names_as_of(connection, rows).sort("case").select(name).to_series()
    return {one.pk: told for one, told in zip(asked, found, strict=True)}
