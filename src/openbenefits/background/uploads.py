"""Files people hand in to be imported: kept sealed until they are imported or given up, never longer.

What a client calls its columns is remembered by kind of file, so that the next file needs no mapping.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import Access, note
from openbenefits.background.models import HandedIn, Heading
from openbenefits.store import secrets

MOST_BYTES = 10 * 2**20
KEPT_FOR = timedelta(days=7)
LEFT_OUT = "-"
"""Stands in a mapping for a column that is not to be read."""
ENDINGS = (".csv", ".txt", ".xlsx", ".xlsm")
"""Of files that are tables; carriers' files are called anything, and known by what they hold."""


class FileKind(StrEnum):
    """What files may hold."""

    CENSUS = "census"
    ELECTIONS = "elections"
    TAKEOVER = "takeover"
    EVIDENCE = "evidence"
    OPENING = "opening"


class State(StrEnum):
    """Where a file stands."""

    HANDED_IN = "handed in"
    IMPORTING = "importing"
    IMPORTED = "imported"
    GIVEN_UP = "given up"
    TAKEN_BACK = "taken back"


PERMISSIONS: dict[FileKind, tuple[Permission, ...]] = {
    FileKind.CENSUS: (Permission.FACTS,),
    FileKind.ELECTIONS: (Permission.ELECT,),
    FileKind.TAKEOVER: (Permission.FACTS, Permission.ELECT),
    FileKind.EVIDENCE: (Permission.REPAIR, Permission.SEE_HEALTH),
    FileKind.OPENING: (Permission.FACTS, Permission.SEE_PERSONAL),
}


class FileNotTaken(ValueError):
    """A file that cannot be handed in, or is not there any more: what was expected, found, what to do."""


@dataclass(frozen=True, kw_only=True)
class FileOrder:
    """A file as somebody hands it in; options: what its kind asks for beside, as JSON can say it."""

    client_id: int
    kind: FileKind
    name: str
    content: bytes
    options: Mapping[str, Any]


def require(access: Access, kind: str, client_id: int) -> None:
    """Refuse who may not import files of a kind.

    Errors: NotAllowed.
    """
    for permission in PERMISSIONS[FileKind(kind)]:
        access.require(permission, client_id)


def kinds_for(access: Access, client_id: int) -> list[FileKind]:
    """List the kinds of files somebody may import for a client."""
    return [kind for kind, needed in PERMISSIONS.items() if all(access.may(one, client_id) for one in needed)]


def hand_in(access: Access, order: FileOrder, *, now: datetime) -> HandedIn:
    """Keep a file, sealed, until it is imported; one that lies about for KEPT_FOR is given up.

    Errors: NotAllowed; FileNotTaken for an empty file, one of more than MOST_BYTES, and another ending.
    """
    require(access, order.kind, order.client_id)
    _refuse_unreadable(order)
    _give_up_old(order.client_id, now)
    made: HandedIn = HandedIn.objects.create(
        client_id=order.client_id,
        user_id=access.user_id,
        kind=str(order.kind),
        name=Path(order.name).name[-120:],
        content=secrets.seal_file(order.content),
        size=len(order.content),
        options=dict(order.options),
        handed_in_at=now,
    )
    _note(access, "handed in a file", made, now)
    return made


def _refuse_unreadable(order: FileOrder) -> None:
    size = len(order.content)
    if not size or size > MOST_BYTES:
        found = "an empty one" if not size else f"{size / 2**20:.1f} MB"
        raise FileNotTaken(f"expected a file of at most 10 MB, found {found}; split it, or choose another")
    if order.kind != FileKind.OPENING and Path(order.name).suffix.lower() not in ENDINGS:
        raise FileNotTaken(
            f"expected a file that ends in {', '.join(ENDINGS)}, found another; save it as CSV"
        )


def _give_up_old(client_id: int, now: datetime) -> None:
    old = HandedIn.objects.filter(
        client_id=client_id, state=State.HANDED_IN, handed_in_at__lt=now - KEPT_FOR, content__isnull=False
    )
    old.update(content=None, state=str(State.GIVEN_UP), ended_at=now)


@contextmanager
def opened(file: HandedIn) -> Iterator[Path]:
    """Put a file where services can read it, for as long as they do.

    Errors: FileNotTaken for one that is gone; secrets.KeyMismatch.
    """
    if file.content is None:
        raise FileNotTaken(
            f"file {file.pk}: expected one that waits, found one that is {file.state}; hand it in anew"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file.name
        path.touch(mode=0o600)
        path.write_bytes(secrets.open_file(bytes(file.content)))
        yield path


def map_columns(access: Access, file: HandedIn, mapping: Mapping[str, str], *, now: datetime) -> None:
    """State which heading of a file is which column, and remember it for the client's next one.

    mapping: heading -> column; LEFT_OUT for one that is not to be read.

    Errors: NotAllowed; FileNotTaken for one that is imported or given up.
    """
    require(access, file.kind, file.client_id)
    refuse_ended(file)
    file.mapping = dict(mapping)
    file.save(update_fields=["mapping"])
    Heading.objects.bulk_create(
        (
            Heading(client_id=file.client_id, kind=file.kind, heading=heading, column=column)
            for heading, column in mapping.items()
        ),
        update_conflicts=True,
        update_fields=["column"],
        unique_fields=["client_id", "kind", "heading"],
    )
    _note(access, "mapped the columns of a file", file, now)


def mapping_of(file: HandedIn) -> dict[str, str]:
    """Answer which heading is which column: as stated for this file, else as remembered of earlier ones."""
    known = Heading.objects.filter(client_id=file.client_id, kind=file.kind)
    return dict(known.values_list("heading", "column")) | dict(file.mapping)


def give_up(access: Access, file: HandedIn, *, now: datetime) -> None:
    """Forget a file that was not imported.

    Errors: NotAllowed; FileNotTaken for one that is imported or given up.
    """
    require(access, file.kind, file.client_id)
    refuse_ended(file)
    end(file, State.GIVEN_UP, now=now)
    _note(access, "gave up a file", file, now)


def refuse_ended(file: HandedIn) -> None:
    """Refuse to work with a file that is imported, being imported, or given up.

    Errors: FileNotTaken.
    """
    if file.state != State.HANDED_IN:
        raise FileNotTaken(f"file {file.pk}: expected one that waits, found one that is {file.state}")


def end(file: HandedIn, state: State, *, now: datetime, change_id: int | None = None) -> None:
    """Write down what became of a file, and forget what it holds."""
    file.content, file.state, file.ended_at = None, str(state), now
    file.change_id = change_id or file.change_id
    file.save(update_fields=["content", "state", "ended_at", "change_id"])


def _note(access: Access, what: str, file: HandedIn, now: datetime) -> None:
    note(access, "did", f"{what}: {file.kind} {file.pk}", client_id=file.client_id, now=now)
