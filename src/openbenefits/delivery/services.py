"""Use cases of letters: kept as made, given to a way, opened; what became of each."""

import hashlib
from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.accounts.numbers import numbers_of
from openbenefits.delivery import frames
from openbenefits.delivery.batches import (
    BatchRefused,
    Manifest,
    file_of_batch,
    files_of_batch,
    find_batch,
    make_batch,
    manifest_of,
    mark_batch_sent,
    reprint_batch,
)
from openbenefits.delivery.codes import Channel, FateCode
from openbenefits.delivery.fates import FatesRefused, note_fates, numbers_in, send_again
from openbenefits.delivery.keeping import unpacked
from openbenefits.delivery.mailing import send_mails
from openbenefits.delivery.models import Content, Delivery, Document, Fate
from openbenefits.delivery.routing import (
    ChoiceRefused,
    attaches,
    choice_of,
    choose_channel,
    give,
    set_terms,
)

__all__ = [
    "BatchRefused",
    "ChoiceRefused",
    "DocumentRefused",
    "FatesRefused",
    "Manifest",
    "attaches",
    "choice_of",
    "choose_channel",
    "documents_of",
    "file_of_batch",
    "files_of_batch",
    "find_batch",
    "give",
    "make_batch",
    "manifest_of",
    "mark_batch_sent",
    "note_fates",
    "numbers_in",
    "open_document",
    "reprint_batch",
    "send_again",
    "send_mails",
    "set_terms",
]


class DocumentRefused(LookupError):
    """A letter that is not there for whoever asks: what was expected, what was found, what to change."""


def documents_of(connection: Any, client_id: int, person_id: int) -> pl.DataFrame:
    """Answer the letters of a person, under whatever number, the newest first, with its last delivery.

    Shapes: delivery.frames.LISTED.
    """
    return frames.load_documents(
        connection, client_ids=[client_id], person_ids=numbers_of(client_id, person_id)
    )


def open_document(
    document_id: int,
    *,
    client_id: int,
    person_id: int,
    author: str,
    now: datetime,
    by_person: bool,
) -> bytes:
    """Answer the file of a letter, the very one that was made.

    by_person: the person himself reads it; the first time that is noted as the fate of its last delivery, and
               a letter that had not been given to any way counts as delivered by the portal.
    Errors:    DocumentRefused where there is no such letter of this person, or its file was altered.
    """
    whose = {"client_id": client_id, "person_id__in": numbers_of(client_id, person_id)}
    found = Document.objects.filter(pk=document_id, **whose).first()
    content = Content.objects.filter(pk=document_id, **whose).first()
    if found is None or content is None:
        raise DocumentRefused(
            f"expected a letter of this person with the number {document_id}, found none; "
            "take one from the list of letters"
        )
    pdf = unpacked(content.packed)
    if hashlib.sha256(pdf).hexdigest() != found.digest:
        raise DocumentRefused(
            f"expected letter {document_id} as it was made, found it altered; restore the table "
            "delivery_content from a backup"
        )
    if by_person:
        _note_opened(found, author, now)
    return pdf


def _note_opened(document: Document, author: str, now: datetime) -> None:
    whose = {"client_id": document.client_id, "person_id": document.person_id}
    last = Delivery.objects.filter(document_id=document.pk, **whose).order_by("-pk").first()
    if last is None:
        last = Delivery.objects.create(
            document_id=document.pk, channel=Channel.PORTAL, made_by=author, made_at=now, **whose
        )
    fates = Fate.objects.filter(delivery_id=last.pk, **whose)
    if not fates.filter(fate=FateCode.OPENED).exists():
        Fate.objects.create(delivery_id=last.pk, fate=FateCode.OPENED, author=author, at=now, **whose)
