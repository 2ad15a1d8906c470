"""What a partner has taken: sets answered, the file's state, and the carrier view it moves by."""

from collections.abc import Collection, Mapping
from datetime import datetime

import polars as pl
from django.db import connection
from django.db.models import Q

from openbenefits.carriers.acknowledgements.words import TAKEN
from openbenefits.carriers.building import viewing
from openbenefits.carriers.models import CarrierFile, FileLine, FileSet
from openbenefits.carriers.rules.custody import TELLING, FileState, sets_told
from openbenefits.carriers.states import casing
from openbenefits.carriers.states.moving import come_to

S = FileState
REJECTED = "R"
GOOD = ("accepted", "warned")
"""Verdicts of a business report by which a line is confirmed."""
BAD = ("refused", "missing there", "different")
"""Verdicts after which a person has to act."""
CODES = {S.ACCEPTED: "A", S.ACCEPTED_WITH_ERRORS: "E"}
NOT_NAMED = {S.ACCEPTED_IN_PART: REJECTED, S.REJECTED: REJECTED, S.NOT_READ: REJECTED}


def accept(
    file: CarrierFile,
    to: FileState,
    words: str,
    *,
    author: str,
    now: datetime,
    codes: Mapping[int, str] | None = None,
) -> list[int]:
    """Let a locked file come to what was answered; answer the sets that are told by it and were not before.

    codes: what was said of its sets, by number. What is said later of a set that was taken changes nothing.
    """
    before = told_sets(file)
    refused = FileSet.objects.filter(file_id=file.pk, code__isnull=False).exclude(code__in=TAKEN)
    was_refused = set(refused.values_list("set", flat=True))
    come_to(file, to, words, author=author, now=now)
    _name(file, codes or {}, now)
    fresh = sorted(told_sets(file) - before)
    if fresh and file.kind in ("834", "file"):
        _move(file, fresh, now)
    if fresh:
        _forgive(file, was_refused & set(fresh))
        casing.taken_sets(file, fresh, now=now)
        _close_resent(file, fresh, now)
    casing.close_waiting(file, now=now)
    reported(file, author=author, now=now)
    return fresh


def reported(file: CarrierFile, *, author: str, now: datetime) -> None:
    """Let a file a report has spoken of come to confirmed, and to reconciled once every line of it is."""
    if file.state not in TELLING or file.state == S.RECONCILED:
        return
    told = FileLine.objects.filter(file_id=file.pk, set__in=told_sets(file))
    if not told.filter(verdict__isnull=False).exists():
        return
    if come_to(file, S.CONFIRMED, "a report of the partner speaks of it", author=author, now=now):
        casing.close_waiting(file, now=now)
    if not told.exclude(verdict__in=GOOD).exists():
        come_to(file, S.RECONCILED, "every line of it is confirmed", author=author, now=now)


def confirm(file: CarrierFile, numbers: Collection[int], *, now: datetime) -> None:
    """Mark what some lines of a file said as confirmed in the view, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE carriers_viewline AS v SET confirmed_at = %s FROM carriers_fileline AS l
            WHERE l.file_id = %s AND l.number = ANY(%s) AND v.client_id = l.client_id AND v.partner = %s
              AND v.subscriber = l.subscriber AND v.member = l.member AND v.line = l.line
              AND v.begins_on = l.begins_on
            """,
            [now, file.pk, sorted(numbers), file.partner],
        )


def told_sets(file: CarrierFile) -> set[int]:
    """Answer the sets of a file that the partner knows."""
    rows = list(FileSet.objects.filter(file_id=file.pk).values_list("set", "code"))
    files = pl.DataFrame({"file_id": [file.pk], "state": [str(file.state)]})
    sets = pl.DataFrame(
        [(file.pk, number, code) for number, code in rows],
        schema={"file_id": pl.Int64, "set": pl.Int64, "code": pl.String},
        orient="row",
    )
    return set(sets_told(files, sets)["set"])


def _name(file: CarrierFile, codes: Mapping[int, str], now: datetime) -> None:
    """Write what was answered of sets; those nobody named follow the file."""
    rest = CODES.get(FileState(file.state)) or NOT_NAMED.get(FileState(file.state))
    rows = list(FileSet.objects.filter(file_id=file.pk).select_for_update())
    for row in rows:
        code = codes.get(row.set, rest if row.code is None else None)
        if code is None or row.code in TAKEN or row.resent_by is not None or row.code == code:
            continue
        row.code, row.answered_at = code, now
        row.save(update_fields=["code", "answered_at"])


def _forgive(file: CarrierFile, sets: Collection[int]) -> None:
    """Take back what a 999 had said of members of sets that were taken after all."""
    lines = FileLine.objects.filter(file_id=file.pk, set__in=sets)
    lines.update(verdict=None, code=None, words=None, answered_at=None)


def _move(file: CarrierFile, sets: list[int], now: datetime) -> None:
    """Move the view by sets; what later files said is said once more on top, whichever answer came first."""
    viewing.move(connection, file, sets, now=now)
    whose = Q() if not file.client_id else Q(client_id__in=(0, file.client_id))
    later = CarrierFile.objects.filter(
        whose,
        partner=file.partner,
        partner_client=file.partner_client,
        kind__in=("834", "file"),
        state__in=[str(one) for one in TELLING],
        pk__gt=file.pk,
    ).order_by("pk")
    moved = [file, *later]
    for one in moved[1:]:
        viewing.move(connection, one, sorted(told_sets(one)), now=now)
    for one in moved:
        good = FileLine.objects.filter(file_id=one.pk, verdict__in=GOOD).values_list("number", flat=True)
        if numbers := list(good):
            confirm(one, numbers, now=now)


def _close_resent(file: CarrierFile, fresh: Collection[int], now: datetime) -> None:
    """Close the cases of the sets that a file sent again, however often."""
    whole = FileSet.objects.filter(file_id=file.pk).count() == len(told_sets(file))
    if not (fresh and whole):
        return
    again = [file.pk]
    while again:
        rows = list(FileSet.objects.filter(resent_by__in=again).values_list("file_id", "set"))
        for file_id, number in rows:
            for one in CarrierFile.objects.filter(pk=file_id):
                casing.taken_sets(one, [number], now=now)
        again = sorted({file_id for file_id, _ in rows})


__all__ = ["BAD", "GOOD", "accept", "confirm", "reported", "told_sets"]
