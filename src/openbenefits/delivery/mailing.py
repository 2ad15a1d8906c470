"""Electronic letters go out: word that one is in the portal, with the letter itself where a client wants it.

A mail holds the name of its reader and of the employer, and nothing else about either.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from smtplib import SMTPException
from typing import Any

import polars as pl
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext, gettext_lazy

from openbenefits.delivery import frames
from openbenefits.delivery.codes import KIND_NAMES, DocumentKind, FateCode
from openbenefits.delivery.keeping import unpacked
from openbenefits.delivery.models import Content, Delivery, Fate
from openbenefits.delivery.routing import attaches

BODY = gettext_lazy("""Dear %(name)s,

%(what)s from %(employer)s is ready for you. Please sign in to read it:
%(link)s

You get this message because you agreed to receive such letters without paper. You may withdraw that at
any time in the portal, and ask your benefits administrator for a copy on paper at no charge.
""")
"""In the language of the reader."""


def send_mails(
    connection: Any,
    client_id: int,
    *,
    author: str,
    now: datetime,
    progress: Callable[[int, int], None] | None = None,
    document_ids: Sequence[int] | None = None,
) -> dict[str, int]:
    """Send the mails of a client that wait (or of some letters); answer how many were sent, how many failed.

    Each is a transaction of its own, so that what was sent stays said when a later one breaks off.
    """
    waiting = frames.load_mails(connection, client_id, now.date())
    if document_ids is not None:
        waiting = waiting.filter(pl.col("document_id").is_in(list(document_ids)))
    with_letter = attaches(client_id)
    done = {str(FateCode.SENT): 0, str(FateCode.FAILED): 0}
    for number, row in enumerate(waiting.iter_rows(named=True), start=1):
        fate = _send(row, with_letter=with_letter, author=author, now=now)
        if fate is not None:
            done[fate] += 1
        if progress is not None:
            progress(number, waiting.height)
    return done


def _send(row: dict[str, Any], *, with_letter: bool, author: str, now: datetime) -> str | None:
    """Send one mail and say what became of it; None where somebody else is sending it, or did."""
    whose = {"client_id": row["client_id"], "person_id": row["person_id"]}
    with transaction.atomic():
        mine = Delivery.objects.select_for_update(skip_locked=True).filter(pk=row["delivery_id"], **whose)
        last = Fate.objects.filter(delivery_id=row["delivery_id"], **whose).order_by("-pk").first()
        if mine.first() is None or last is None or last.fate != FateCode.WAITING:
            return None
        fate, told = FateCode.SENT, ""
        try:
            message_for(row, with_letter=with_letter).send()
        except (SMTPException, OSError, ValueError) as fault:
            fate, told = FateCode.FAILED, type(fault).__name__  # its text quotes the address
        Fate.objects.create(
            delivery_id=row["delivery_id"], fate=str(fate), told=told, author=author, at=now, **whose
        )
    return str(fate)


def message_for(row: dict[str, Any], *, with_letter: bool) -> EmailMessage:
    """Write the mail about a letter."""
    kind = KIND_NAMES[DocumentKind(row["kind"])]
    with translation.override(row["language"]):
        what = gettext(kind)
        told = {"name": row["name"], "what": what, "employer": row["client_name"]}
        text = str(BODY) % (told | {"link": f"{settings.PUBLIC_URL}/portal/"})
    message = EmailMessage(subject=what, body=text, to=[row["address"]])
    if with_letter:
        content = Content.objects.get(pk=row["document_id"], client_id=row["client_id"])
        name = f"{kind.lower().replace(' ', '-')}-{row['document_id']}.pdf"
        message.attach(name, unpacked(content.packed), "application/pdf")
    return message
