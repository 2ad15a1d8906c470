"""Files for partners: released by a person, sent once, withdrawn; listed with what they wait for.

A transfer is written down before it begins, and again before the file is put in place: what broke off between
is looked for at the partner's before anything is sent again, and where that cannot tell, a person says.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.carriers.agreements.partners import Partner, PartnerRefused, partner_of
from openbenefits.carriers.filing.transport.carriage import TransferFailed
from openbenefits.carriers.filing.transport.ways import way_of
from openbenefits.carriers.models import CarrierFile, FileAct, FileSet
from openbenefits.carriers.rules.custody import WAITS_FOR, FileState
from openbenefits.carriers.states import casing
from openbenefits.carriers.states.accepting import accept
from openbenefits.carriers.states.frames import load_files
from openbenefits.carriers.states.moving import (
    FileMissing,
    FileRefused,
    acts_of,
    come_to,
    locked,
    missing,
    require_environment,
    write_down,
)
from openbenefits.carriers.states.waiting import OWN_ANSWERS, due_hours, is_answered_by_nothing
from openbenefits.store.catalogue import psycopg_connection
from openbenefits.store.secrets import open_file

__all__ = ["FileMissing", "FileRefused", "content_of", "decide_transfer", "files", "history", "release"]
__all__ += ["send", "send_released", "withdraw"]

BEGUN, PLACED = "transfer begun", "all bytes are at the partner's; the file is put in place"
NOT_ARRIVED = "did not arrive"
S = FileState


def release(file_id: int, *, author: str, words: str, now: datetime) -> FileState:
    """Let a file go; one that is held needs words why it may. To release it again changes nothing.

    Errors: FileMissing; FileRefused for the wrong environment, a hold without a word, or who built it where
            the agreement wants another; MoveRefused for a file that may not be released any more.
    """
    with transaction.atomic():
        file = locked(file_id)
        if file.state == S.RELEASED:
            return S.RELEASED
        require_environment(file)
        if file.state == S.HELD and not words.strip():
            raise FileRefused(
                f"file {file_id}: expected why a file that is held may go, found nothing; say it in words"
            )
        if _agreement(file).four_eyes and author == file.built_by:
            raise FileRefused(
                f"file {file_id}: expected somebody else than who built it, found the same; let another"
                " release it"
            )
        come_to(file, S.RELEASED, words.strip() or "released", author=author, now=now)
        casing.close_waiting(file, now=now)
    return S.RELEASED


def withdraw(file_id: int, *, author: str, words: str, now: datetime) -> FileState:
    """Give a file up before it is sent; the sets it was to send again wait anew.

    Errors: FileMissing; FileRefused without a word why, or while a transfer may have put it in place;
            MoveRefused for a file that was sent.
    """
    if not words.strip():
        raise FileRefused(f"file {file_id}: expected why it is withdrawn, found nothing; say it in words")
    with transaction.atomic():
        file = locked(file_id)
        if _stands_at(file) == PLACED:
            raise FileRefused(
                f"file {file_id}: expected a file no transfer has begun of, found one that may have arrived;"
                " say first whether it did"
            )
        come_to(file, S.WITHDRAWN, words.strip(), author=author, now=now)
        FileSet.objects.filter(resent_by=file_id).update(resent_by=None)
        casing.close_waiting(file, now=now)
    return S.WITHDRAWN


def send(connection: Any, file_id: int, *, now: datetime, author: str) -> FileState:
    """Send a released file by the transport of its agreement, once. By hand: its download is written down.

    A transfer commits by itself what it does, so that a process that is killed leaves it known.

    Errors: FileMissing; FileRefused for a file that is not released, of the wrong environment, being sent by
            somebody else, or (folder, SFTP) inside a transaction; TransferFailed.
    """
    file = CarrierFile.objects.filter(pk=file_id).first()
    if file is None:
        raise missing(file_id)
    way = way_of(_agreement(file))
    if way is None:
        return _sent(file_id, "taken by hand", author=author, now=now)
    if connection.in_atomic_block:
        raise FileRefused(
            f"file {file_id}: expected no transaction around a transfer, found one; ask the worker"
        )
    with _alone(connection, file_id):
        name, is_placed = _begin(file_id, author=author, now=now)
        placed = partial(_write, file_id, PLACED, author=author, now=now)
        try:
            way.put(name, content_of(file_id), placed, is_placed=is_placed)
        except TransferFailed as fault:
            _failed(file_id, str(fault), author=author, now=now)
            raise
        return _sent(file_id, f"sent as {name}", author=author, now=now)


def send_released(
    connection: Any, *, now: datetime, author: str, without: Collection[int] = ()
) -> dict[int, str]:
    """Send everything that is released and goes by folder or SFTP; answer by file what came of it.

    A transfer that fails stops no other; each opens a case. without: clients whose own files go another time.
    """
    came: dict[int, str] = {}
    released = CarrierFile.objects.filter(state=str(S.RELEASED)).exclude(client_id__in=without)
    for file in released.order_by("pk"):
        try:
            if way_of(_agreement(file)) is not None:
                came[file.pk] = str(send(connection, file.pk, now=now, author=author))
        except (TransferFailed, FileRefused, PartnerRefused) as fault:
            came[file.pk] = str(fault)
    return came


def decide_transfer(file_id: int, *, has_arrived: bool, author: str, words: str, now: datetime) -> FileState:
    """Say whether a file arrived whose transfer broke off as it was put in place, as the partner says.

    Errors: FileMissing; FileRefused where no transfer is in doubt, or without words who said so.
    """
    if not words.strip():
        raise FileRefused(f"file {file_id}: expected who says so, found nothing; say it in words")
    with transaction.atomic():
        file = locked(file_id)
        if file.state != S.RELEASED or _stands_at(file) != PLACED:
            raise FileRefused(f"file {file_id}: expected a transfer in doubt, found none; send it")
        if has_arrived:
            _came_to_sent(file, f"arrived: {words.strip()}", author=author, now=now)
        else:
            write_down(file, f"{NOT_ARRIVED}: {words.strip()}", author=author, now=now)
        casing.close_transfer(file, now=now)
        return FileState(file.state)


def content_of(file_id: int) -> bytes:
    """Answer the bytes of a file. Errors: FileMissing."""
    file = CarrierFile.objects.filter(pk=file_id).only("content").first()
    if file is None:
        raise missing(file_id)
    return open_file(bytes(file.content))


def history(file_id: int) -> list[dict[str, Any]]:
    """Answer what happened to a file, in order: state, words, author, made_at."""
    return acts_of([file_id])


def files(
    client_ids: Sequence[int] | None,
    *,
    now: datetime,
    partner: str | None = None,
    states: Sequence[str] = (),
    limit: int | None = None,
    offset: int = 0,
) -> pl.DataFrame:
    """List files, the newest first, with what they wait for and until when.

    Shapes:  a row each: file_id, client_id, partner, partner_client, kind, purpose, environment, as_of,
             file_name, state, since, members, lines, interchange, group, resends, built_at, built_by,
             waits_for, due_at, is_overdue. client_ids: None for all that are the user's to see.
    Missing: waits_for and due_at are null where nobody is waited for.
    """
    rows = load_files(client_ids, partner=partner, states=states, limit=limit, offset=offset)
    hours = due_hours(rows)
    words = pl.DataFrame(
        list({str(state): text for state, text in WAITS_FOR.items()}.items()),
        schema={"state": pl.String, "waits_for": pl.String},
        orient="row",
    )
    found = rows.join(
        hours, on=["partner_client", "partner", "kind", "state"], how="left", maintain_order="left"
    )
    found = found.join(words, on="state", how="left", maintain_order="left")
    found = found.with_columns(
        waits_for=pl.when(~pl.col("kind").is_in(OWN_ANSWERS)).then("waits_for"),
        due_at=pl.col("since") + pl.duration(hours="hours"),
    )
    return found.with_columns(is_overdue=(pl.col("due_at") < now).fill_null(value=False)).drop("hours")


def _agreement(file: CarrierFile) -> Partner:
    """Answer the agreement in force that a file belongs to."""
    return partner_of(file.partner_client, file.partner)[2]


def _begin(file_id: int, *, author: str, now: datetime) -> tuple[str, bool]:
    """Write down that a transfer begins; answer the file's name, and whether one before broke off late."""
    with transaction.atomic():
        file = locked(file_id)
        _require_released(file)
        is_placed = _stands_at(file) == PLACED
        if not is_placed:
            write_down(file, BEGUN, author=author, now=now)
        return file.file_name, is_placed


def _require_released(file: CarrierFile) -> None:
    require_environment(file)
    if file.state != S.RELEASED:
        raise FileRefused(
            f"file {file.pk}: expected a file that is released, found one that is {file.state};"
            " release it first, or build a new one where it was sent"
        )


def _sent(file_id: int, words: str, *, author: str, now: datetime) -> FileState:
    with transaction.atomic():
        file = locked(file_id)
        _require_released(file)
        _came_to_sent(file, words, author=author, now=now)
        casing.close_waiting(file, now=now)
        casing.close_transfer(file, now=now)
        return FileState(file.state)


def _came_to_sent(file: CarrierFile, words: str, *, author: str, now: datetime) -> None:
    """Mark a file as sent; where the agreement knows no answer, its transfer is all that is ever said."""
    come_to(file, S.SENT, words, author=author, now=now)
    if is_answered_by_nothing(file, _agreement(file)):
        accept(file, S.ACCEPTED, "no answer is agreed: what was sent counts as told", author=author, now=now)


def _failed(file_id: int, words: str, *, author: str, now: datetime) -> None:
    """Write down that a transfer failed, but where it may have arrived: there a person has to say."""
    with transaction.atomic():
        file = locked(file_id)
        if _stands_at(file) != PLACED:
            write_down(file, f"transfer failed: {words}", author=author, now=now)
        casing.transfer_failed(file, words, now=now)


def _write(file_id: int, words: str, *, author: str, now: datetime) -> None:
    with transaction.atomic():
        write_down(locked(file_id), words, author=author, now=now)


def _stands_at(file: CarrierFile) -> str:
    last = FileAct.objects.filter(file_id=file.pk).order_by("-number").values_list("words", flat=True).first()
    return last or ""


@contextmanager
def _alone(connection: Any, file_id: int) -> Iterator[None]:
    """Hold the transfer of a file for this session.

    Errors: FileRefused where somebody else does.
    """
    session, key = psycopg_connection(connection), f"carrier file {file_id}"
    held = session.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key]).fetchone()
    if not held or not held[0]:
        raise FileRefused(f"file {file_id}: expected nobody else sending it, found somebody; wait for him")
    try:
        yield
    finally:
        session.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])
