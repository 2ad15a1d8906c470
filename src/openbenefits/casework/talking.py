"""What is said about a ticket, and the files put to it."""

import zipfile
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from django.db import transaction

from openbenefits.accounts.services import Access
from openbenefits.casework.codes import Happening
from openbenefits.casework.models import Attachment, Comment, Notice, Ticket
from openbenefits.casework.orders import TicketMissing, TicketRefused
from openbenefits.casework.seeing import By, author_of, require_work, visible
from openbenefits.enrollment import documents
from openbenefits.store import secrets

MOST_WORDS = 10_000
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TEXTS = {".csv": "text/csv", ".txt": "text/plain"}


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A file with its bytes."""

    name: str
    media_type: str
    content: bytes


def comment(by: By, number: int, body: str, *, now: datetime) -> Comment:
    """Say something about a ticket; what is said stays.

    Errors: TicketMissing, NotAllowed; TicketRefused for nothing, or more than MOST_WORDS characters.
    """
    words = body.strip()
    if not 0 < len(words) <= MOST_WORDS:
        raise TicketRefused(
            f"expected a comment of 1 to {MOST_WORDS:,} characters, found {len(words):,}; write another"
        )
    with transaction.atomic():
        ticket, author = _found(by, number), author_of(by)
        said = Comment.objects.create(
            client_id=ticket.client_id,
            ticket_id=ticket.pk,
            at=now,
            author=author.name,
            user_id=author.user_id,
            body=words,
        )
        _tell(ticket, author.user_id, now)
    return said


def attach(by: By, number: int, name: str, content: bytes, *, now: datetime) -> Attachment:
    """Put a file to a ticket, sealed.

    Errors: TicketMissing, NotAllowed; TicketRefused for more than 10 MB, an empty file, and what is no PDF,
            JPEG, PNG, workbook or text.
    """
    media_type = media_type_of(name, content)
    with transaction.atomic():
        ticket, author = _found(by, number), author_of(by)
        made = Attachment.objects.create(
            client_id=ticket.client_id,
            ticket_id=ticket.pk,
            at=now,
            author=author.name,
            user_id=author.user_id,
            name=documents.clean_name(name),
            media_type=media_type,
            size=len(content),
            content=secrets.seal_file(content),
        )
        _tell(ticket, author.user_id, now)
    return made


def open_attachment(access: Access, number: int, attachment_id: int) -> Opened:
    """Open a file of a ticket somebody may see.

    Errors: TicketMissing, for one that was taken away, too; secrets.KeyMismatch.
    """
    seen = Ticket.objects.filter(visible(access), pk=number).exists()
    found = Attachment.objects.filter(ticket_id=number, pk=attachment_id, content__isnull=False).first()
    if not seen or found is None:
        raise TicketMissing(f"expected a file of the task or case {number}, found none; go back to it")
    content = secrets.open_file(bytes(found.content or b""))
    return Opened(name=found.name, media_type=found.media_type, content=content)


def remove_attachment(by: By, number: int, attachment_id: int, *, now: datetime) -> None:
    """Take a file away: its line stays, its bytes are gone.

    Errors: TicketMissing, NotAllowed.
    """
    with transaction.atomic():
        ticket, author = _found(by, number), author_of(by)
        found = Attachment.objects.filter(ticket_id=ticket.pk, pk=attachment_id, content__isnull=False)
        if not found.update(content=None, removed_by=author.name, removed_at=now):
            raise TicketMissing(f"expected a file of the task or case {number}, found none; go back to it")


def media_type_of(name: str, content: bytes) -> str:
    """Say what a file is, by what is in it.

    Errors: TicketRefused, see `attach`.
    """
    if len(content) <= documents.MOST_BYTES and content:
        if content.startswith(b"PK\x03\x04") and _is_workbook(content):
            return WORKBOOK
        ending = name[name.rfind(".") :].lower()
        if ending in TEXTS and _is_text(content):
            return TEXTS[ending]
    try:
        return documents.media_type_of(content)
    except documents.DocumentRefused as refused:
        words = str(refused).replace("a PDF, JPEG or PNG", "a PDF, JPEG, PNG, XLSX, CSV or TXT")
        raise TicketRefused(words) from None


def _is_workbook(content: bytes) -> bool:
    try:
        with zipfile.ZipFile(BytesIO(content)) as file:
            return "xl/workbook.xml" in file.namelist()
    except zipfile.BadZipFile:
        return False


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False


def _found(by: By, number: int) -> Ticket:
    seen = Ticket.objects.filter(pk=number)
    if not isinstance(by, str):
        seen = seen.filter(visible(by))
    ticket = seen.first()
    if ticket is None:
        raise TicketMissing(f"expected a task or case of yours, found none of the number {number}")
    require_work(by, ticket.client_id)
    return ticket


def _tell(ticket: Ticket, user_id: int | None, now: datetime) -> None:
    Notice.objects.create(
        client_id=ticket.client_id,
        ticket_id=ticket.pk,
        at=now,
        happening=Happening.COMMENTED,
        by_user_id=user_id,
    )
