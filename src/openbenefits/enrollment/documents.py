"""Papers somebody sends about a person: kept sealed, listed, opened, and decided about once.

Called as `documents.add(…)`, `documents.list_of(…)`, `documents.open(…)`, `documents.decide(…)`. Whether
the asker may see health data is the face's to ask: `HEALTH_KINDS` says which kinds are.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from openbenefits.accounts.numbers import numbers_of
from openbenefits.core.codes import DocumentKind, DocumentState
from openbenefits.enrollment.models import Document
from openbenefits.store import secrets

MOST_BYTES = 10 * 2**20
MOST_NAME = 120
HEALTH_KINDS = frozenset({str(DocumentKind.EVIDENCE), str(DocumentKind.DISABILITY)})
SIGNATURES = {
    b"%PDF-": "application/pdf",
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
}
"""How the files taken begin, and what they are: a name proves nothing."""
ABOUT = re.compile(r"event:[0-9]+:[0-9]+|life:[A-Z0-9]+:[0-9-]{10}|dependent:[0-9]+|proof:[0-9A-Z]+|person")
COLUMNS = (
    *("id", "client_id", "person_id", "about", "kind", "name", "media_type", "size", "state"),
    *("added_by", "added_at", "decided_by", "decided_at", "reason"),
)


class DocumentRefused(ValueError):
    """A paper that cannot be taken, opened or decided about: what was expected, what found, what to do."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A paper with its bytes."""

    name: str
    media_type: str
    kind: str
    person_id: int
    content: bytes


def about_event(schedule_id: int, event_number: int) -> str:
    """Name an event as what a paper is about."""
    return f"event:{schedule_id}:{event_number}"


def about_dependent(number: int) -> str:
    """Name a dependent, by the number people see, as what a paper is about."""
    return f"dependent:{number}"


def about_proof(plan_type: str) -> str:
    """Name the evidence of insurability of a plan type as what a paper is about."""
    return f"proof:{plan_type}"


def add(
    connection: Any,
    client_id: int,
    person_id: int,
    about: str,
    kind: str,
    name: str,
    content: bytes,
    now: datetime,
    *,
    added_by: str = "employee",
) -> Document:
    """Keep a paper, sealed; it waits to be decided about.

    Errors: DocumentRefused for more than MOST_BYTES, an empty file, and what is no PDF, JPEG or PNG.
    """
    if not ABOUT.fullmatch(about) or kind not in set(DocumentKind):
        raise DocumentRefused(
            "expected what the paper is about and one of the kinds of papers, found neither; choose both"
        )
    made: Document = Document.objects.using(connection.alias).create(
        client_id=client_id,
        person_id=person_id,
        about=about,
        kind=kind,
        name=clean_name(name),
        media_type=media_type_of(content),
        size=len(content),
        content=secrets.seal_file(content),
        added_by=added_by,
        added_at=now,
    )
    return made


def media_type_of(content: bytes) -> str:
    """Say what a file is, by how it begins.

    Errors: DocumentRefused, see `add`.
    """
    if len(content) > MOST_BYTES:
        raise DocumentRefused(
            f"expected a file of at most 10 MB, found {len(content) / 2**20:.1f} MB; take a smaller picture"
        )
    for signature, media_type in SIGNATURES.items():
        if content.startswith(signature):
            return media_type
    what = "another kind of file" if content else "an empty file"
    raise DocumentRefused(f"expected a PDF, JPEG or PNG, found {what}; save it as one of these")


def list_of(
    connection: Any, client_id: int, *, person_id: int | None = None, state: str | None = None
) -> list[dict[str, Any]]:
    """List papers without their bytes, the latest first: of a person, under whatever number, or of a client.

    Shapes: COLUMNS each.
    """
    rows = Document.objects.using(connection.alias).filter(client_id=client_id)
    if person_id is not None:
        rows = rows.filter(person_id__in=numbers_of(client_id, person_id))
    if state is not None:
        rows = rows.filter(state=state)
    return list(rows.order_by("-added_at", "-id").values(*COLUMNS))


def open(connection: Any, client_id: int, document_id: int) -> Opened:  # noqa: A001 - read as documents.open
    """Open a paper.

    Errors: DocumentRefused where there is none; secrets.KeyMismatch.
    """
    found = _found(connection, client_id, document_id)
    return Opened(
        name=found.name,
        media_type=found.media_type,
        kind=found.kind,
        person_id=found.person_id,
        content=secrets.open_file(bytes(found.content)),
    )


def decide(
    connection: Any,
    client_id: int,
    document_id: int,
    state: str,
    *,
    reason: str,
    decided_by: str,
    now: datetime,
) -> Document:
    """Approve or reject a paper, once; who rejects says why, in words the sender will read.

    Errors: DocumentRefused for a paper decided about already, or one rejected without a reason.
    """
    if state not in (DocumentState.APPROVED, DocumentState.REJECTED):
        raise DocumentRefused(f"expected approved or rejected, found '{state}'; choose one")
    if state == DocumentState.REJECTED and not reason.strip():
        raise DocumentRefused("expected why the paper is rejected, found nothing; say what is missing")
    found = _found(connection, client_id, document_id)
    waiting = Document.objects.using(connection.alias).filter(
        client_id=client_id, pk=document_id, state=DocumentState.RECEIVED
    )
    decided = {"state": str(state), "reason": reason.strip(), "decided_by": decided_by, "decided_at": now}
    if not waiting.update(**decided):
        raise DocumentRefused(
            f"expected a paper that waits, found one that is {found.state}; ask for a new paper"
        )
    found.refresh_from_db()
    return found


def _found(connection: Any, client_id: int, document_id: int) -> Document:
    found: Document | None = (
        Document.objects.using(connection.alias).filter(client_id=client_id, pk=document_id).first()
    )
    if found is None:
        raise DocumentRefused(
            "expected a paper of this client, found none of that number; go back to the list"
        )
    return found


def clean_name(name: str) -> str:
    """Keep of a file's name what is safe to show and to save under."""
    last = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[^\w. ()-]", "_", last)[-MOST_NAME:].strip() or "paper"
