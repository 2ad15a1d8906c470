"""A file makes its legal moves (`rules.custody`), each written down; its row is locked while it does."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Max

from openbenefits.carriers.models import CarrierFile, FileAct
from openbenefits.carriers.rules.custody import FileState, moved

ENVIRONMENTS = {"T": "test", "P": "production"}


class FileRefused(ValueError):
    """Something that cannot be done with a file: what was expected, what was found, what to change."""


class FileMissing(LookupError):
    """A file that is not there, or not the user's to see."""


def locked(file_id: int) -> CarrierFile:
    """Lock a file until the transaction ends; wait for nobody who has it.

    Errors: FileMissing; FileRefused where somebody else has it just now.
    """
    found = CarrierFile.objects.select_for_update(skip_locked=True).filter(pk=file_id).first()
    if found is not None:
        return found
    if CarrierFile.objects.filter(pk=file_id).exists():
        raise FileRefused(
            f"file {file_id}: expected nobody else at work on it, found somebody; look at it again"
        )
    raise missing(file_id)


def missing(file_id: int) -> FileMissing:
    """Answer that a file is not there."""
    return FileMissing(
        f"expected a file of yours, found none of the number {file_id}; choose one of the list"
    )


def come_to(file: CarrierFile, to: FileState, words: str, *, author: str, now: datetime) -> bool:
    """Let a locked file come to a state, and write it down; answer whether it moved.

    Errors: MoveRefused where the move is not legal; nothing is written then.
    """
    state = moved(FileState(file.state), to)
    if state == file.state:
        return False
    file.state, file.since = str(state), now
    file.save(update_fields=["state", "since"])
    write_down(file, words, author=author, now=now)
    return True


def write_down(file: CarrierFile, words: str, *, author: str, now: datetime) -> None:
    """Write into the history of a file what happened to it."""
    last = FileAct.objects.filter(file_id=file.pk).aggregate(last=Max("number"))["last"] or 0
    FileAct.objects.create(
        client_id=file.client_id,
        file_id=file.pk,
        number=last + 1,
        state=file.state,
        words=words,
        author=author,
        made_at=now,
    )


def acts_of(file_ids: Sequence[int]) -> list[Any]:
    """Answer the history of files, in order."""
    return list(FileAct.objects.filter(file_id__in=file_ids).order_by("file_id", "number").values())


def require_environment(file: CarrierFile) -> None:
    """Refuse a file for production on a test installation, and the other way.

    Errors: FileRefused.
    """
    here = settings.CARRIER_ENVIRONMENT
    if file.environment != here:
        raise FileRefused(
            f"file {file.pk}: expected a file for {ENVIRONMENTS[here]}, as this installation is, found one"
            f" for {ENVIRONMENTS.get(file.environment, 'neither')}; correct the environment of the agreement"
            f" with {file.partner}, or OPENBENEFITS_ENVIRONMENT, and build it again"
        )
