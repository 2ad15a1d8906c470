"""Builds files for partners: what they hold against the timeline, said, validated, numbered and kept.

A file that would say nothing is not made. What waits for a person is held; what breaks a rule is kept as
invalid and changes nothing.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import msgspec
import polars as pl
from django.db import transaction

from openbenefits.carriers import models
from openbenefits.carriers.agreements.partners import (
    PEO,
    Mode,
    Partner,
    PartnerRefused,
    partner_of,
    read_partner,
)
from openbenefits.carriers.building import viewing, worklist, writing
from openbenefits.carriers.building.cadence import due_mode, omits_ends, usual_mode
from openbenefits.carriers.building.frames import load_agreements
from openbenefits.carriers.building.numbering import ENROLLMENT, INTERCHANGE, given_out, next_file_id
from openbenefits.carriers.building.projecting import Projection, wanted
from openbenefits.carriers.building.resending import same_again, settle
from openbenefits.carriers.building.saying import packed
from openbenefits.carriers.building.writing import Finding, Written
from openbenefits.carriers.enrollment.file import Controls
from openbenefits.carriers.rules import guards
from openbenefits.carriers.rules.custody import FileState, moved
from openbenefits.carriers.rules.identities import with_ids
from openbenefits.carriers.rules.renderings import CHANGE_FILE, Manner, Message, changes, full, left_out
from openbenefits.carriers.rules.views import COVER, View
from openbenefits.core.faults import message_of
from openbenefits.runs.workers import each_done, most_workers
from openbenefits.store.secrets import seal_file
from openbenefits.workforce.models import Client

NIGHT = "night"
EMPTY = "empty"
PORTAL = "portal"


@dataclass(frozen=True, kw_only=True)
class Feed:
    """A partner's file for one client; client 0: one file of all clients the PEO's agreement covers."""

    client_id: int
    code: str


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What would be built: what goes into the file, what to a portal, why it would wait, what is wrong.

    text: the file as it would be, under control number 1; None where there is none, or none of text.
    """

    message: Message
    portal: Message
    holds: list[guards.Hold]
    findings: list[Finding]
    text: str | None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a night made of a feed: a file and its state, nothing to say (both empty), or what went wrong."""

    feed: Feed
    file_id: int | None = None
    state: str = ""
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    """What is decided before anything is written."""

    owner: int
    version: int
    partner: Partner
    client_ids: Sequence[int]
    told: View
    projection: Projection
    message: Message
    portal: Message
    past: pl.DataFrame
    holds: list[guards.Hold]


def manner_of(partner: Partner, *, leaves_out: bool = False) -> Manner:
    """Answer how a partner wants things said. leaves_out: ends are not repeated in full lists."""
    told = partner.profile
    return Manner(
        end="last_covered" if told is None else told.end_day,
        void="begin" if told is None else told.void_day,
        context=partner.context,
        ended=partner.ended,
        days_to_repeat=0 if leaves_out else partner.days_to_repeat,
        set_size=partner.set_size,
    )


def preview(connection: Any, feed: Feed, *, on: date, now: datetime, mode: Mode | None = None) -> Preview:
    """Say what would be built on a day; nothing is written. mode: what the cadence says, unless told.

    Errors: PartnerRefused where there is no agreement.
    """
    one = _prepared(connection, feed, on=on, mode=mode)
    written = Written()
    if not one.message.is_empty:
        written = _written(one, reference="PREVIEW", controls=Controls(interchange=1, group=1), now=now)
    return Preview(
        message=one.message,
        portal=one.portal,
        holds=[hold for hold in one.holds if hold.code != EMPTY],
        findings=written.findings,
        text=written.text,
    )


def build(
    connection: Any,
    feed: Feed,
    *,
    on: date,
    author: str,
    now: datetime,
    mode: Mode | None = None,
) -> models.CarrierFile | None:
    """Build the file of a day, and open what must be entered at the partner's portal.

    Answers the file: validated, held or invalid; None where nothing is to be said in a file. Whoever builds
    for the same partner at once waits until the other's transaction ends, and then finds nothing more to say.

    Errors: PartnerRefused where there is no agreement.
    """
    with transaction.atomic(using=connection.alias):
        owner, _, _ = partner_of(feed.client_id, feed.code)
        viewing.locked(connection, feed.code, [owner, *_clients(connection, feed)])
        one = _prepared(connection, feed, on=on, mode=mode)
        worklist.settle(connection, feed.code, one, whose=feed.client_id, on=on, author=author, now=now)
        if one.message.is_empty:
            return None
        return _kept(connection, feed, one, on=on, author=author, now=now)


def due_feeds(connection: Any, on: date) -> list[Feed]:
    """List the feeds due on a day: of each agreement in force, one or one for each client.

    One that cannot be read any more is due every day, so that somebody hears of it.
    """
    found = []
    for client_id, code, document in load_agreements(connection).iter_rows():
        try:
            partner = read_partner(msgspec.json.decode(document))
        except PartnerRefused:
            found.append(Feed(client_id=client_id, code=code))
            continue
        if due_mode(partner.cadence, on) is None or not says_enrolment(partner):
            continue
        is_shared = client_id == PEO and not partner.is_per_client
        whose = [client_id] if is_shared or client_id != PEO else viewing.covered_clients(connection, code)
        found += [Feed(client_id=one, code=code) for one in whose]
    return found


def says_enrolment(partner: Partner) -> bool:
    """Tell whether a partner's files say who is covered; others say contributions, salaries, losses."""
    return partner.layout is None or partner.kind != "file" or partner.layout.content == "enrollment"


def build_all(
    connection: Any, on: date, now: datetime, processes: int | None = None, *, author: str = NIGHT
) -> list[Outcome]:
    """Build everything due on a day, each feed in a transaction of its own, several processes at once.

    One feed that fails stops no other. Inside a transaction, and for one process, all happens here.
    """
    feeds = due_feeds(connection, on)
    work = partial(_outcome, on=on, now=now, author=author)
    done = list(each_done(connection, feeds, work, workers=processes or most_workers()))
    places = {feed: place for place, feed in enumerate(feeds)}
    return sorted(done, key=lambda one: places[one.feed])


def _outcome(connection: Any, feed: Feed, *, on: date, now: datetime, author: str) -> Outcome:
    try:
        file = build(connection, feed, on=on, author=author, now=now)
    except Exception as fault:  # one partner stops no other
        return Outcome(feed=feed, error=message_of(fault))
    if file is None:
        return Outcome(feed=feed)
    return Outcome(feed=feed, file_id=file.pk, state=file.state)


def _clients(connection: Any, feed: Feed) -> list[int]:
    return [feed.client_id] if feed.client_id != PEO else viewing.covered_clients(connection, feed.code)


def _prepared(connection: Any, feed: Feed, *, on: date, mode: Mode | None) -> _Prepared:
    """Compare what the partner will hold with the timeline, and say it in the day's way."""
    owner, version, partner = partner_of(feed.client_id, feed.code)
    if not says_enrolment(partner):
        raise PartnerRefused(
            f"{partner.name}: expected files of enrolment, found another content; build those apart"
        )
    client_ids = _clients(connection, feed)
    told = viewing.expected(connection, owner, client_ids, feed.code)
    projection = wanted(connection, client_ids, partner, on=on, also=with_ids(told.people))
    way = mode or due_mode(partner.cadence, on) or usual_mode(partner.cadence, on)
    manner = manner_of(partner, leaves_out=omits_ends(partner.cadence, on))
    since = on - timedelta(days=partner.retro_days)
    past = pl.DataFrame(schema=COVER)
    if way == "2" or partner.kind == PORTAL:
        message = changes(told, projection.view, manner, since=since, on=on)
    else:
        message = full(told, projection.view, manner, on=on, purpose=way)
        past = left_out(told, projection.view, message, on=on)
    sent, portal = _parted(message, partner, on=on)
    limits = guards.Thresholds(**msgspec.structs.asdict(partner.limits))
    return _Prepared(
        owner=owner,
        version=version,
        partner=partner,
        client_ids=client_ids,
        told=told,
        projection=projection,
        message=sent,
        portal=portal,
        past=past,
        holds=guards.holds(sent, told, limits, on=on),
    )


def _parted(message: Message, partner: Partner, *, on: date) -> tuple[Message, Message]:
    """Part what goes into a file from what somebody must enter at the portal."""
    nothing = Message(purpose=message.purpose, people=message.people.clear(), lines=message.lines.clear())
    if partner.kind == PORTAL:
        return nothing, message
    if message.purpose != CHANGE_FILE:
        return message, nothing
    freezes = [guards.Freeze(**msgspec.structs.asdict(one)) for one in partner.freezes]
    return guards.frozen(message, freezes, on=on)


def _written(
    one: _Prepared, *, reference: str, controls: Controls, now: datetime, is_again: bool = False
) -> Written:
    client = Client.objects.get(pk=one.client_ids[0]).code if len(one.client_ids) == 1 else ""
    return writing.write(
        one.message,
        one.projection,
        one.told,
        one.partner,
        client=client,
        reference=reference,
        controls=controls,
        at=now,
        is_again=is_again,
    )


def _kept(
    connection: Any, feed: Feed, one: _Prepared, *, on: date, author: str, now: datetime
) -> models.CarrierFile:
    """Number, write, validate and keep a file with its sets, lines and history."""
    file_id = next_file_id(connection)
    controls = _controls(connection, feed, one.partner, file_id)
    again = same_again(connection, one.owner, feed.code, one.client_ids, one.message)
    reference = again.reference or f"{feed.code[:30]}-{file_id}"
    written = _written(one, reference=reference, controls=controls, now=now, is_again=bool(again.reference))
    state = FileState.INVALID if written.findings else FileState.HELD if one.holds else FileState.VALIDATED
    file = _row(feed, one, written, file_id=file_id, on=on, author=author, now=now)
    file.reference, file.resends, file.state = reference, again.file_id, str(state)
    is_numbered = one.partner.kind == "834"
    file.interchange = controls.interchange if is_numbered else None
    file.group = controls.group if is_numbered else None
    file.file_name = _file_name(feed, one, controls.interchange, on=on, now=now)
    file.save(using=connection.alias, force_insert=True)
    writing.keep_parts(connection, file, one.message, one.projection, written)
    history(connection, file, one.holds, written.findings, author=author, now=now)
    if state != FileState.INVALID:
        settle(connection, again, file_id)
    return file


def _controls(connection: Any, feed: Feed, partner: Partner, file_id: int) -> Controls:
    """Take the next control numbers; a file that is no 834 is numbered by its own id."""
    if partner.profile is None or partner.kind != "834":
        return Controls(interchange=file_id, group=file_id)
    ends = (partner.profile.sender.id, partner.profile.receiver.id)
    kinds = (INTERCHANGE, ENROLLMENT)
    interchange, group = given_out(connection, *ends, kinds, client_id=feed.client_id, file_id=file_id)
    return Controls(interchange=interchange, group=group)


def _row(
    feed: Feed, one: _Prepared, written: Written, *, file_id: int, on: date, author: str, now: datetime
) -> models.CarrierFile:
    content = written.data or b""
    return models.CarrierFile(
        id=file_id,
        client_id=feed.client_id,
        partner=feed.code,
        partner_client=one.owner,
        version=one.version,
        kind=one.partner.kind,
        purpose=one.message.purpose,
        environment=one.partner.environment,
        as_of=on,
        known_at=now,
        fingerprint=hashlib.sha256(content).hexdigest(),
        content=seal_file(content),
        said=packed(one.message, one.past),
        since=now,
        members=one.message.people.height,
        lines=one.message.lines.height,
        holds=[{"code": hold.code, "words": hold.words} for hold in one.holds],
        findings=[{"rule": got.rule, "place": got.place, "words": got.words} for got in written.findings],
        built_at=now,
        built_by=author,
    )


def _file_name(feed: Feed, one: _Prepared, number: int, *, on: date, now: datetime) -> str:
    client = Client.objects.get(pk=feed.client_id).code if feed.client_id != PEO else "all"
    return one.partner.naming.format(
        partner=feed.code,
        client=client,
        date=f"{on:%Y%m%d}",
        time=f"{now:%H%M%S}",
        number=f"{number:09d}",
        kind="834" if one.partner.kind == "834" else "txt",
    )


def history(
    connection: Any,
    file: models.CarrierFile,
    holds: Sequence[guards.Hold],
    findings: Sequence[Finding],
    *,
    author: str,
    now: datetime,
) -> None:
    """Write how far the file has come, by legal moves."""
    steps = [(FileState.BUILT, f"{file.members} people, {file.lines} lines")]
    if findings:
        steps.append((FileState.INVALID, f"{len(findings)} findings; the first: {findings[0].words}"))
    else:
        steps.append((FileState.VALIDATED, "conforms to our rules and the guide"))
        if holds:
            steps.append((FileState.HELD, " ".join(hold.words for hold in holds)))
    for before, after in pairwise(steps):
        moved(before[0], after[0])
    models.FileAct.objects.using(connection.alias).bulk_create(
        models.FileAct(
            client_id=file.client_id,
            file_id=file.pk,
            number=number,
            state=str(state),
            words=words,
            author=author,
            made_at=now,
        )
        for number, (state, words) in enumerate(steps, start=1)
    )
