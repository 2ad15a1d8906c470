"""What a report refused is said again: the carrier view is put back, so that the next file finds it untold.

Nothing is remembered as "to be sent": only the view, which had moved when the file was taken, is corrected.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.carriers.building import viewing
from openbenefits.carriers.custody.readings import file_lines
from openbenefits.carriers.models import CarrierFile, FileLine, ViewLine, ViewPerson
from openbenefits.carriers.rules.custody import NO_ENROLMENT, TELLING
from openbenefits.carriers.rules.differences import END
from openbenefits.carriers.states.accepting import BAD
from openbenefits.carriers.states.moving import FileRefused, locked, missing, write_down

AGAIN, WAITS, SINCE = "may be told again", "waits for the next file", "told since by a later file"
"""How a refused line stands."""
Span = tuple[int, str, str, date | None]
"""Client, member, line of coverage, first day."""


@dataclass(frozen=True)
class _Refused:
    """What a report refused in a file, and of whom a later file has told since."""

    lines: Sequence[FileLine]
    later: frozenset[tuple[int, str]]

    def of(self, one: FileLine) -> bool:
        """Tell whether a line may be told again: it is the last that was said of its member."""
        return (one.client_id, one.member) not in self.later


def refused_lines(file_id: int) -> pl.DataFrame:
    """List what a report refused of the people of a file, with what telling them again would do.

    Shapes: readings.FILE_LINE with client, employee_number, who, stands: `AGAIN` (it may be told again),
            `WAITS` (the next file says it), `SINCE` (a later file told of it).
    Errors: FileMissing.
    """
    file = CarrierFile.objects.defer("content", "said").filter(pk=file_id).first()
    if file is None:
        raise missing(file_id)
    refused = _refused(file, None)
    there = _in_view(file, refused.lines)
    stands = {one.number: _stands(one, refused, there) for one in refused.lines}
    rows = file_lines(file_id, is_refused=True).filter(pl.col("number").is_in(list(stands)))
    return rows.with_columns(stands=pl.col("number").replace_strict(stands, return_dtype=pl.String))


def _stands(one: FileLine, refused: _Refused, there: Mapping[Span, bool]) -> str:
    if not refused.of(one):
        return SINCE
    has_ended = there.get(_span(one))
    is_untold = has_ended is not True if one.action == END else has_ended is None
    return WAITS if is_untold else AGAIN


def _span(one: FileLine | ViewLine) -> Span:
    return one.client_id, one.member, one.line, one.begins_on


def _in_view(file: CarrierFile, lines: Sequence[FileLine]) -> dict[Span, bool]:
    """Answer the spans of members the view holds, each with whether its end was told."""
    rows = ViewLine.objects.filter(
        client_id__in={one.client_id for one in lines},
        partner=file.partner,
        member__in={one.member for one in lines},
    )
    return {_span(one): one.ends_on is not None for one in rows}


def tell_again(
    connection: Any, file_id: int, member: str | None, *, author: str, words: str, now: datetime
) -> int:
    """Take the lines of a member a report refused as not told, once what was wrong is right; answer how many.

    member: None for everybody it refused of whom no later file has told. The next file says them again: what
    was added is added, what was ended is ended. The case stays open until a report confirms.

    Errors: FileMissing; FileRefused without words why, for a file that was not taken, one of which no report
            refused the member, or where a later one has told of him since.
    """
    if not words.strip():
        raise FileRefused(f"file {file_id}: expected what was put right, found nothing; say it in words")
    with transaction.atomic():
        file = locked(file_id)
        refused = _refused(file, member)
        if file.state not in TELLING or not refused.lines:
            raise FileRefused(
                f"file {file_id}: expected a member whom a report refused, found none; choose one"
            )
        again = [one for one in refused.lines if refused.of(one)]
        if not again:
            raise FileRefused(
                f"file {file.pk}: expected the last file that told of the member, found a later one; look at"
                " its report"
            )
        viewing.locked(connection, file.partner, sorted({one.client_id for one in again}))
        for one in again:
            _untold(file, one)
        whose = {(one.client_id, one.member): one for one in again}
        for one in whose.values():
            _without_lines(file, one)
        count = len({(one.client_id, one.member, one.line) for one in again})
        who = "a member" if len(whose) == 1 else f"{len(whose)} members"
        write_down(file, f"{count} lines of {who} are told again: {words.strip()}", author=author, now=now)
    return count


def _refused(file: CarrierFile, member: str | None) -> _Refused:
    """Find what a report refused of a member, or of everybody, and who was told of since."""
    said = FileLine.objects.filter(file_id=file.pk, verdict__in=BAD)
    found = said.exclude(line="").exclude(kind__in=NO_ENROLMENT)
    lines = list((found if member is None else found.filter(member=member)).order_by("number"))
    later = CarrierFile.objects.filter(
        partner=file.partner,
        partner_client=file.partner_client,
        pk__gt=file.pk,
        state__in=[str(one) for one in TELLING],
    )
    again = FileLine.objects.filter(
        file_id__in=later.values("pk"), member__in={one.member for one in lines}
    ).values_list("client_id", "member", "line")
    keys = {(one.client_id, one.member, one.line) for one in lines}
    return _Refused(lines, frozenset(one[:2] for one in again if one in keys))


def _untold(file: CarrierFile, one: FileLine) -> None:
    """Put the view of one line back to before it was said."""
    key = {
        "client_id": one.client_id,
        "partner": file.partner,
        "subscriber": one.subscriber,
        "member": one.member,
        "line": one.line,
        "begins_on": one.begins_on,
    }
    there = ViewLine.objects.filter(**key)
    if one.action != END:
        there.delete()
    elif not there.update(ends_on=None, end_cause=None, confirmed_at=None) and one.begins_on is not None:
        ViewLine.objects.create(
            **key,
            person_id=one.person_id,
            dependent_id=one.dependent_id,
            basis="A",
            plan=one.plan,
            tier=one.tier,
            file_id=file.pk,
        )


def _without_lines(file: CarrierFile, one: FileLine) -> None:
    """Take a person out of the view of whom nothing is known to be told: he is added whole."""
    family = ViewLine.objects.filter(client_id=one.client_id, partner=file.partner, subscriber=one.subscriber)
    is_needed = family.exists() if one.member == one.subscriber else family.filter(member=one.member).exists()
    if not is_needed:
        ViewPerson.objects.filter(
            client_id=one.client_id, partner=file.partner, subscriber=one.subscriber, member=one.member
        ).delete()
