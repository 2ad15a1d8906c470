"""What comes back is taken: TA1, 999, a partner's own report; an 834 is answered by a 999 of ours.

The same answer twice changes nothing. An answer about nobody's file, or one that says otherwise than
before, is kept, told, and changes nothing.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from openbenefits.carriers.acknowledgements.advice import CODE as ADVICE
from openbenefits.carriers.acknowledgements.advice import read_advice
from openbenefits.carriers.acknowledgements.reader import Acknowledgements, read_acknowledgements
from openbenefits.carriers.acknowledgements.reports import Layout, Report, ReportRefused, read_report
from openbenefits.carriers.agreements.partners import Partner, PartnerRefused, partner_of
from openbenefits.carriers.answers.acknowledging import Taking, take_acknowledgements
from openbenefits.carriers.answers.replying import RepeatedNumber, receive, refuse, reply
from openbenefits.carriers.answers.reporting import take_report
from openbenefits.carriers.filing.transport.carriage import Carriage, TransferFailed
from openbenefits.carriers.filing.transport.ways import way_of
from openbenefits.carriers.models import Answer, AnswerLine, PartnerVersion
from openbenefits.carriers.states import casing
from openbenefits.carriers.states.moving import FileRefused
from openbenefits.carriers.x12.reader import Segment, X12Refused, is_x12, read_interchange
from openbenefits.store.catalogue import psycopg_connection
from openbenefits.store.secrets import seal_file

ENROLMENT = "834"
MOST_TOLD = 50
WRONG_SENDER, UNKNOWN_RECEIVER = "006", "009"  # TA105
NOTHING_AGREED = Layout(kind="delimited", columns={})
"""Of an 824 nothing need be agreed: silence says nothing."""


class AnswerRefused(ValueError):
    """An answer that cannot be taken: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What an answer did.

    answer_id: None for an 834, which is answered and kept by its audit. is_new: false where the same was
    taken before. files: the state each file came to. verdicts: how often what was said. unmatched: what is
    about nobody's file. words: what came of it, for people. reply: the file with our own 999.
    """

    kind: str
    answer_id: int | None = None
    is_new: bool = True
    files: Mapping[int, str] = field(default_factory=dict)
    verdicts: Mapping[str, int] = field(default_factory=dict)
    unmatched: int = 0
    words: Sequence[str] = ()
    reply: int | None = None


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What came of the answers that waited at a partner: taken by name, and what stays there, with why."""

    taken: Mapping[str, Taken]
    left: Mapping[str, str]


def take(
    connection: Any,
    client_id: int,
    code: str,
    data: bytes,
    file_name: str,
    *,
    author: str,
    now: datetime,
    layout: str | None = None,
) -> Taken:
    """Take an answer of a partner, whatever it is. layout: the agreement's by which a report is read.

    An interchange with enrolment whose envelope is wrong, or whose number was used before, is answered by a
    TA1 of ours, and a case opens.

    Errors: AnswerRefused, X12Refused, ReportRefused for what cannot be read; PartnerRefused; FileRefused
            where somebody else is at work on a file it answers. Nothing is changed then.
    """
    owner, _, partner = partner_of(client_id, code)
    try:
        kind, told, used = _read(data, partner, layout)
    except X12Refused as fault:
        return _refused(connection, client_id, code, data, fault, owner=owner, author=author, now=now)
    if kind == ENROLMENT:
        try:
            return _replied(connection, client_id, code, data, author=author, now=now)
        except RepeatedNumber as fault:
            return _refused(connection, client_id, code, data, fault, owner=owner, author=author, now=now)
    fingerprint = hashlib.sha256(data).hexdigest()
    with transaction.atomic():
        _alone(connection, owner, code)
        known = Answer.objects.filter(partner_client=owner, partner=code, fingerprint=fingerprint).first()
        if known is not None:
            return _as_before(known)
        taking = Taking(client_id=client_id, owner=owner, code=code, author=author, now=now)
        if isinstance(told, Acknowledgements):
            take_acknowledgements(taking, told)
        elif told is not None and used is not None:
            take_report(taking, told, used, partner)
        return _kept(taking, client_id, kind, data, fingerprint, file_name)


def collect(connection: Any, client_id: int, code: str, *, author: str, now: datetime) -> Collected:
    """Take every answer that waits where the agreement says; what was taken is moved to `done` beside.

    What cannot be read stays where it is, with a case that says why; it stops no other.

    Errors: PartnerRefused; TransferFailed where answers cannot be listed; FileRefused inside a transaction.
    """
    owner, _, partner = partner_of(client_id, code)
    way = way_of(partner)
    if way is None:
        return Collected(taken={}, left={})
    if connection.in_atomic_block:
        raise FileRefused("expected no transaction around a transfer, found one; ask the worker")
    taken: dict[str, Taken] = {}
    left: dict[str, str] = {}
    for name in way.waiting():
        try:
            taken[name] = _collected(connection, client_id, code, way, name, author=author, now=now)
        except (AnswerRefused, X12Refused, ReportRefused, TransferFailed, FileRefused) as fault:
            left[name] = str(fault)
            key = hashlib.sha256(f"{name}|{fault}".encode()).hexdigest()[:16]
            words = f"{name} waits at the partner's and could not be taken: {fault}"
            casing.unreadable_answer(client_id or owner, code, key, words, now=now)
    return Collected(taken=taken, left=left)


def collect_all(
    connection: Any, *, author: str, now: datetime, without: Collection[int] = ()
) -> dict[tuple[int, str], Collected | str]:
    """Collect of every partner with a folder or SFTP; answer by agreement what came, or why nothing could.

    One that cannot be reached stops no other. without: clients whose own partners are asked another time.
    """
    found: dict[tuple[int, str], Collected | str] = {}
    versions = PartnerVersion.objects.exclude(client_id__in=without)
    pairs = versions.order_by("client_id", "code").values_list("client_id", "code").distinct()
    for client_id, code in pairs:
        try:
            found[client_id, code] = collect(connection, client_id, code, author=author, now=now)
        except (TransferFailed, PartnerRefused) as fault:
            found[client_id, code] = str(fault)
            casing.unreadable_answer(client_id, code, f"collect {now.date()}", str(fault), now=now)
    return found


def _collected(
    connection: Any, client_id: int, code: str, way: Carriage, name: str, *, author: str, now: datetime
) -> Taken:
    taken = take(connection, client_id, code, way.fetch(name), name, author=author, now=now)
    way.set_aside(name)  # where this fails it is taken again, which changes nothing
    return taken


def _replied(connection: Any, client_id: int, code: str, data: bytes, *, author: str, now: datetime) -> Taken:
    """Answer an interchange with enrolment by a 999. Errors: RepeatedNumber; X12Refused."""
    with transaction.atomic():
        receive(client_id, data, now=now)
        file = reply(connection, client_id, code, data, author=author, now=now)
    words = f"File {file.pk} is our 999 for it, to be sent. Compare what it says with our coverage."
    return Taken(kind=ENROLMENT, reply=file.pk, words=(words,))


def _refused(
    connection: Any,
    client_id: int,
    code: str,
    data: bytes,
    fault: X12Refused,
    *,
    owner: int,
    author: str,
    now: datetime,
) -> Taken:
    """Answer an interchange that cannot be read by a TA1. Errors: the fault, where nobody can be answered."""
    with transaction.atomic():
        file = refuse(connection, client_id, code, data, fault.note, author=author, now=now)
        if file is None:
            raise fault
        words = f"{fault}. File {file.pk} is our TA1 that refuses it, to be sent."
        casing.unreadable_answer(client_id or owner, code, file.reference[:16], words, now=now)
    return Taken(kind=ENROLMENT, reply=file.pk, words=(words,))


def _read(
    data: bytes, partner: Partner, layout: str | None
) -> tuple[str, Acknowledgements | Report | None, Layout | None]:
    """Read what a file is, and what it says. Errors: AnswerRefused, X12Refused, ReportRefused."""
    if not data.strip():
        raise AnswerRefused("expected an answer, found an empty file; ask the partner for it again")
    if is_x12(data):
        told = read_interchange(data)
        if any(one.code == ENROLMENT for one in told.sets):
            _check_ends(told.header, partner)
            return ENROLMENT, None, None
        if any(one.code == ADVICE for one in told.sets):
            return f"report {ADVICE}", read_advice(data), NOTHING_AGREED
        found = read_acknowledgements(data)
        return ("999" if found.groups else "TA1"), found, None
    name, used = _layout(data, partner, layout)
    return f"report {name}" if name else "report", read_report(data, used), used


def _check_ends(header: Segment, partner: Partner) -> None:
    """See that an interchange goes from the partner to us, by the ids of the agreement, where it has any.

    Errors: X12Refused.
    """
    if partner.profile is None:
        return
    ours, theirs = partner.profile.sender.id, partner.profile.receiver.id
    for element, expected, note in ((8, ours, UNKNOWN_RECEIVER), (6, theirs, WRONG_SENDER)):
        if header.get(element).strip() != expected:
            raise X12Refused(
                f"segment 1: expected {expected} in ISA{element:02d}, found another id; ask {partner.name}"
                " for whom the file is, or correct the ids of the agreement",
                note=note,
            )


def _layout(data: bytes, partner: Partner, layout: str | None) -> tuple[str, Layout]:
    """Choose the layout a report is read by: the one named, the only one, or the one that reads it best.

    Errors: AnswerRefused, ReportRefused.
    """
    told = partner.reports
    if layout is not None and layout not in told:
        raise AnswerRefused(
            f"expected a layout of the agreement ({', '.join(told) or 'it has none'}), found {layout};"
            " name one of them"
        )
    if layout is not None:
        return layout, told[layout]
    if not told:
        raise AnswerRefused(
            f"{partner.name}: expected a TA1 or 999, as no report is agreed, found another file; add a"
            " layout to the agreement"
        )
    if len(told) == 1:
        return next(iter(told.items()))
    return min(told.items(), key=lambda one: _badness(data, one[1]))


def _badness(data: bytes, layout: Layout) -> tuple[int, int]:
    try:
        found = read_report(data, layout)
    except ReportRefused:
        return 1, 0
    return 0, found.faults.height


def _alone(connection: Any, owner: int, code: str) -> None:
    """Let answers of one partner come one after the other."""
    key = f"carrier answers {owner} {code}"
    psycopg_connection(connection).execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])


def _kept(taking: Taking, client_id: int, kind: str, data: bytes, fingerprint: str, file_name: str) -> Taken:
    files = {number: str(file.state) for number, file in sorted(taking.files.items())}
    whose = {file.client_id for file in taking.files.values()}
    told: dict[str, Any] = {
        "files": files,
        "verdicts": taking.verdicts,
        "unmatched": taking.unmatched,
        "words": taking.words[:MOST_TOLD],
    }
    answer = Answer(
        client_id=min(whose) if len(whose) == 1 else client_id,
        partner=taking.code,
        partner_client=taking.owner,
        kind=kind.split(" ")[0],
        file_name=file_name,
        fingerprint=fingerprint,
        content=seal_file(data),
        told=told,
        taken_at=taking.now,
        taken_by=taking.author,
    )
    _saved(answer)
    for one in taking.lines:
        one.answer_id = answer.pk
    AnswerLine.objects.bulk_create(taking.lines, batch_size=2_000)
    if taking.strange:
        words = "\n".join(taking.strange[:MOST_TOLD])
        casing.strange_answer(answer.client_id, taking.code, answer.pk, words, now=taking.now)
    return Taken(
        kind=answer.kind,
        answer_id=answer.pk,
        files=files,
        verdicts=dict(taking.verdicts),
        unmatched=taking.unmatched,
        words=tuple(taking.words),
    )


def _saved(answer: Answer) -> None:
    """Write an answer. Errors: AnswerRefused where the same is there for somebody else's client."""
    try:
        with transaction.atomic():
            answer.save(force_insert=True)
    except IntegrityError:
        raise AnswerRefused(
            "expected an answer nobody has taken, found one taken for another client of the partner;"
            " nothing is to be done"
        ) from None


def _as_before(known: Answer) -> Taken:
    told = known.told
    return Taken(
        kind=known.kind,
        answer_id=known.pk,
        is_new=False,
        files={int(number): state for number, state in told.get("files", {}).items()},
        verdicts=told.get("verdicts", {}),
        unmatched=told.get("unmatched", 0),
        words=("The same answer was taken before; nothing changes.", *told.get("words", ())),
    )
