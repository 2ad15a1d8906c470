"""Carrier enrolment as long work: files built and sent, answers collected; what a night does of it."""

import logging
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import Access
from openbenefits.background.services import Kind, RequestRefused, Work
from openbenefits.carriers.agreements.partners import Mode, PartnerRefused, partner_of
from openbenefits.carriers.answers import services as answering
from openbenefits.carriers.building.services import Feed
from openbenefits.carriers.custody import portal_entries
from openbenefits.carriers.custody import services as custody
from openbenefits.carriers.due import build, build_due
from openbenefits.carriers.filing import services as filing
from openbenefits.carriers.models import CarrierFile
from openbenefits.carriers.payments.services import build_premium

Told = Mapping[str, Any]
log = logging.getLogger(__name__)
PROCESSES = 2
"""Files of a night built at once: each is a process of its own."""


class BuildFile(msgspec.Struct, forbid_unknown_fields=True):
    """A file for a partner as of today; mode: another kind than is agreed for today."""

    code: str
    mode: Mode | None = None


class BuildPremium(msgspec.Struct, forbid_unknown_fields=True):
    """The 820 of a month, by any day of it; trace: the number of the payment, the file's own unless told."""

    code: str
    month: date
    paid_on: date
    trace: str = ""


class SendFile(msgspec.Struct, forbid_unknown_fields=True):
    """A released file, by its number."""

    file: int


def check_build(_access: Access, client_id: int, asked: BuildFile | BuildPremium) -> None:
    """Refuse a partner there is no agreement with. Errors: RequestRefused."""
    try:
        partner_of(client_id, asked.code)
    except PartnerRefused as refused:
        raise RequestRefused(str(refused)) from None


def check_send(_access: Access, client_id: int, asked: SendFile) -> None:
    """Refuse a file that is not the client's. Errors: RequestRefused."""
    if not CarrierFile.objects.filter(pk=asked.file, client_id=client_id).exists():
        raise RequestRefused(f"expected a carrier file of the client, found number {asked.file}")


def build_file(work: Work) -> Told:
    """Build a file; answers its number and where it stands."""
    asked, request = work.of(BuildFile), work.request
    feed = Feed(client_id=request.client_id, code=asked.code)
    made = build(
        work.connection, feed, on=work.now.date(), author=request.author, now=work.now, mode=asked.mode
    )
    return _told(made)


def build_premium_file(work: Work) -> Told:
    """Build the 820 of a month's premium; answers its number and where it stands."""
    asked, request = work.of(BuildPremium), work.request
    made = build_premium(
        work.connection,
        Feed(client_id=request.client_id, code=asked.code),
        month=asked.month.replace(day=1),
        paid_on=asked.paid_on,
        trace=asked.trace,
        author=request.author,
        now=work.now,
    )
    return _told(made)


def _told(made: CarrierFile | None) -> Told:
    if made is None:
        return {"file": "nothing is to be said: no file was built"}
    return {"carrier_file": made.pk, "file state": made.state, "members": made.members, "lines": made.lines}


def send_file(work: Work) -> Told:
    """Send a released file the way that is agreed."""
    state = filing.send(work.connection, work.of(SendFile).file, now=work.now, author=work.request.author)
    return {"carrier_file": work.of(SendFile).file, "file state": str(state)}


def collect_answers(work: Work) -> Told:
    """Fetch and read what partners answered, of every client."""
    return {"counts": _collected(work.connection, now=work.now, author=work.request.author)}


def _collected(
    connection: Any, *, now: datetime, author: str, without: Collection[int] = ()
) -> dict[str, int]:
    counts = {"taken": 0, "left there": 0, "partners not reached": 0}
    for came in answering.collect_all(connection, author=author, now=now, without=without).values():
        if isinstance(came, str):
            counts["partners not reached"] += 1
            continue
        counts["taken"] += len(came.taken)
        counts["left there"] += len(came.left)
    return counts


def nightly(connection: Any, *, on: date, now: datetime) -> None:
    """Build the files of all partners that are due on a day; what is held or not valid waits for a person.

    A feed that fails stops no other: it is built the next night, and its partner's page says what is missing.
    """
    for one in build_due(connection, on, now, PROCESSES):
        if one.error:
            log.error("carrier feed %s of client %s: %s", one.feed.code, one.feed.client_id, one.error)


def keep(connection: Any, *, now: datetime, author: str, without: Collection[int] = ()) -> None:
    """Send what is released, take in what came back, close what is over, open cases of what is overdue.

    without: clients left for another time; what the PEO shares among several is done, whoever is quiet.
    """
    filing.send_released(connection, now=now, author=author, without=without)
    _collected(connection, now=now, author=author, without=without)
    portal_entries.settle(connection, on=now.date(), now=now, without=without)
    custody.overdue(connection, now=now, without=without)


CARRIER_KINDS: dict[str, Kind] = {
    "carrier build": Kind(
        name="file for a carrier",
        permission=Permission.PROCESS,
        act=build_file,
        asks=BuildFile,
        check=check_build,
    ),
    "carrier premium": Kind(
        name="premium file for a carrier",
        permission=Permission.PROCESS,
        act=build_premium_file,
        asks=BuildPremium,
        check=check_build,
    ),
    "carrier send": Kind(
        name="transfer to a carrier",
        permission=Permission.FINALIZE,
        act=send_file,
        asks=SendFile,
        check=check_send,
    ),
    "carrier collect": Kind(
        name="answers of carriers collected", permission=Permission.PROCESS, act=collect_answers
    ),
}
