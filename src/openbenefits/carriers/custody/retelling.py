"""What a report refused is said again: the carrier view is put back, so that the next file finds it untold.

Nothing is remembered as "to be sent": only the view, which had moved when the file was taken, is corrected.
"""

from datetime import datetime
from typing import Any

from django.db import transaction

from openbenefits.carriers.building import viewing
from openbenefits.carriers.models import CarrierFile, FileLine, ViewLine, ViewPerson
from openbenefits.carriers.rules.custody import TELLING
from openbenefits.carriers.rules.differences import END
from openbenefits.carriers.states.accepting import BAD
from openbenefits.carriers.states.moving import FileRefused, locked, write_down


def tell_again(connection: Any, file_id: int, member: str, *, author: str, words: str, now: datetime) -> int:
    """Take the lines of a member a report refused as not told, once what was wrong is right; answer how many.

    The next file says them again: what was added is added, what was ended is ended. The case stays open
    until a report confirms.

    Errors: FileMissing; FileRefused without words why, for a file that was not taken, one of which no report
            refused the member, or where a later one has told of him since.
    """
    if not words.strip():
        raise FileRefused(f"file {file_id}: expected what was put right, found nothing; say it in words")
    with transaction.atomic():
        file = locked(file_id)
        lines = list(
            FileLine.objects.filter(file_id=file_id, member=member, verdict__in=BAD)
            .exclude(line="")
            .order_by("number")
        )
        if file.state not in TELLING or not lines:
            raise FileRefused(
                f"file {file_id}: expected a member whom a report refused, found none; choose one"
            )
        viewing.locked(connection, file.partner, [lines[0].client_id])
        _require_last(file, lines)
        for one in lines:
            _untold(file, one)
        _without_lines(file, lines[0])
        count = len({one.line for one in lines})
        write_down(file, f"{count} lines of a member are told again: {words.strip()}", author=author, now=now)
    return count


def _require_last(file: CarrierFile, lines: list[FileLine]) -> None:
    """Refuse what a later file has said anew. Errors: FileRefused."""
    told = [str(one) for one in TELLING]
    later = CarrierFile.objects.filter(
        partner=file.partner, partner_client=file.partner_client, pk__gt=file.pk, state__in=told
    )
    one = lines[0]
    again = FileLine.objects.filter(
        file_id__in=later.values("pk"),
        client_id=one.client_id,
        member=one.member,
        line__in={line.line for line in lines},
    )
    if again.exists():
        raise FileRefused(
            f"file {file.pk}: expected the last file that told of the member, found a later one; look at"
            " its report"
        )


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
