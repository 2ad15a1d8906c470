"""Our own 999 for an 834 somebody sends us: what was read of it, under control numbers of ours, once.

Of an interchange whose envelope is wrong nothing is read: a TA1 refuses it.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import polars as pl
from django.db import IntegrityError, transaction

from openbenefits.carriers.acknowledgements.answering import (
    ACKNOWLEDGEMENTS,
    Address,
    Numbers,
    judged,
    refused_envelope,
    written,
)
from openbenefits.carriers.acknowledgements.reader import GroupAnswer, Position, SetAnswer, SetFinding
from openbenefits.carriers.agreements.partners import Partner, partner_of
from openbenefits.carriers.building import viewing
from openbenefits.carriers.building.numbering import INTERCHANGE, given_out, next_file_id
from openbenefits.carriers.building.saying import LINES, PEOPLE, packed
from openbenefits.carriers.conformance import Finding, findings_of
from openbenefits.carriers.enrollment.file import Group
from openbenefits.carriers.enrollment.reader import Reading, read_file
from openbenefits.carriers.models import CarrierFile, Received
from openbenefits.carriers.rules.custody import FileState
from openbenefits.carriers.rules.renderings import Message
from openbenefits.carriers.states.moving import come_to, write_down
from openbenefits.carriers.x12.reader import Segment, X12Refused, read_envelope, read_interchange
from openbenefits.store.secrets import seal_file

KIND, REFUSAL, ENROLMENT = "999", "TA1", "BE"
DUPLICATE = "025"  # TA105
Content = Callable[[Numbers], bytes]
EMPTY: dict[str, Any] = {"state": str(FileState.BUILT), "members": 0, "lines": 0}
NOTHING = Message(purpose="", people=pl.DataFrame(schema=PEOPLE), lines=pl.DataFrame(schema=LINES))
IN_ERROR = "5"


class RepeatedNumber(X12Refused):
    """An interchange under a number its sender used before."""


def reply(
    connection: Any, client_id: int, code: str, data: bytes, *, author: str, now: datetime
) -> CarrierFile:
    """Make the 999 for an 834 of a partner, released to be sent; for the same file the one that was made.

    A set that cannot be read whole is rejected, one that is read and breaks its guide is taken with errors.

    Errors: X12Refused for a file that is no whole 834; PartnerRefused.
    """
    owner, _, partner = partner_of(client_id, code)
    reference = hashlib.sha256(data).hexdigest()
    reading = read_file(data)
    groups = answers(data, reading)
    address = _address(partner, read_interchange(data).header)

    def content(numbers: Numbers) -> bytes:
        return written(groups, address, numbers, now=now)

    asked = (connection, client_id, code, KIND, address, content, reference)
    return _once(*asked, owner=owner, author=author, now=now)


def receive(client_id: int, data: bytes, *, now: datetime) -> None:
    """Write down the number of an interchange with enrolment; the very same file again is no repetition.

    Errors: RepeatedNumber where its sender used the number before.
    """
    header = read_interchange(data).header
    fingerprint = hashlib.sha256(data).hexdigest()
    key = {
        "sender": header.get(6).strip(),
        "receiver": header.get(8).strip(),
        "usage": header.get(15).strip(),
        "number": header.get(13).strip(),
    }
    known = Received.objects.filter(**key).first()
    if known is None:
        told = {"client_id": client_id, "fingerprint": fingerprint, "received_at": now}
        try:
            with transaction.atomic():
                Received.objects.create(**key, **told)
        except IntegrityError:  # at this moment, or for a client one does not see
            raise _repeated(key["number"]) from None
    elif known.fingerprint != fingerprint:
        raise _repeated(key["number"])


def _repeated(number: str) -> RepeatedNumber:
    return RepeatedNumber(
        f"segment 1: expected a control number (ISA13) its sender has not used, found {number} again, in"
        " another file; nothing of it is taken: ask the sender for it under a number of its own",
        note=DUPLICATE,
    )


def refuse(
    connection: Any, client_id: int, code: str, data: bytes, note: str, *, author: str, now: datetime
) -> CarrierFile | None:
    """Make the TA1 that refuses an interchange with enrolment, released to be sent; for the same file once.

    note: TA105. None where nobody can be answered: no ISA can be read, or there is no enrolment in it (what
    acknowledges is never acknowledged).

    Errors: PartnerRefused.
    """
    try:
        header, kinds = read_envelope(data)
    except X12Refused:
        return None
    if ENROLMENT not in kinds:
        return None
    owner, _, partner = partner_of(client_id, code)
    address = _address(partner, header)

    def content(numbers: Numbers) -> bytes:
        return refused_envelope(header, note, address, numbers, now=now)

    asked = (connection, client_id, code, REFUSAL, address, content, hashlib.sha256(data).hexdigest())
    return _once(*asked, owner=owner, author=author, now=now)


def _once(
    connection: Any,
    client_id: int,
    code: str,
    kind: str,
    address: Address,
    content: Content,
    reference: str,
    *,
    owner: int,
    author: str,
    now: datetime,
) -> CarrierFile:
    """Make an answer, or find the one that was made to the same file."""
    with transaction.atomic():
        viewing.locked(connection, code, [owner])
        whose = CarrierFile.objects.filter(partner=code, partner_client=owner)
        known = whose.filter(kind=kind, reference=reference).first()
        if known is not None:
            return known
        return _made(connection, client_id, code, kind, address, content, reference, author=author, now=now)


def _made(
    connection: Any,
    client_id: int,
    code: str,
    kind: str,
    address: Address,
    write: Content,
    reference: str,
    *,
    author: str,
    now: datetime,
) -> CarrierFile:
    """Write an answer under the next numbers, and keep it, released."""
    owner, version, partner = partner_of(client_id, code)
    file_id = next_file_id(connection)
    kinds = (INTERCHANGE, ACKNOWLEDGEMENTS) if kind == KIND else (INTERCHANGE,)
    ends = (address.sender, address.receiver)
    interchange, *group = given_out(connection, *ends, kinds, client_id=client_id, file_id=file_id)
    content = write(Numbers(interchange=interchange, group=group[0] if group else 0))
    file = CarrierFile(
        id=file_id,
        client_id=client_id,
        partner=code,
        partner_client=owner,
        version=version,
        kind=kind,
        environment=partner.environment,
        as_of=now.date(),
        known_at=now,
        reference=reference,
        file_name=_name(partner, client_id, code, interchange, kind, now),
        fingerprint=hashlib.sha256(content).hexdigest(),
        content=seal_file(content),
        said=packed(NOTHING),
        since=now,
        interchange=interchange,
        group=group[0] if group else None,
        built_at=now,
        built_by=author,
        **EMPTY,
    )
    file.save(force_insert=True)
    write_down(file, "built", author=author, now=now)
    come_to(file, FileState.VALIDATED, "it answers a file that came", author=author, now=now)
    come_to(file, FileState.RELEASED, "an answer needs nobody's word", author=author, now=now)
    return file


def answers(data: bytes, reading: Reading) -> list[GroupAnswer]:
    """Answer the groups of a file by what was found in it: by the guide, and by our own reader."""
    findings = findings_of(data)
    broken = _sets_with_faults(data, reading)
    return [_group(one, findings, broken) for one in reading.file.groups]


def _group(group: Group, findings: Sequence[Finding], broken: set[str]) -> GroupAnswer:
    sets = []
    for one in group.sets:
        own = [found for found in findings if found.set == one.control_number]
        whole = [found.code for found in own if found.level == "set"]
        parts = [_finding(found) for found in own if found.level in ("segment", "element")]
        parts.sort(key=lambda found: (found.at.number, found.level == "element", found.at.element))
        is_refused = one.control_number in broken or bool(whole)
        code = "R" if is_refused else "E" if parts else "A"
        errors = tuple(dict.fromkeys(whole)) or ((IN_ERROR,) if code != "A" else ())
        sets.append(
            SetAnswer(
                kind="834",
                control_number=one.control_number,
                guide=one.guide,
                code=code,
                errors=errors,
                findings=_with_segments(parts),
            )
        )
    return judged(group.header[0], group.header[5], group.header[7], sets)


def _finding(found: Finding) -> SetFinding:
    at = Position(segment=found.segment_id, number=found.segment, element=found.element)
    return SetFinding(level=found.level, at=at, code=found.code)


def _with_segments(found: Sequence[SetFinding]) -> tuple[SetFinding, ...]:
    """Put the segment before its elements: an IK4 stands under an IK3, which says that elements are wrong."""
    told: list[SetFinding] = []
    last = 0
    for one in found:
        if one.level == "element" and last != one.at.number:
            at = Position(segment=one.at.segment, number=one.at.number)
            told.append(SetFinding(level="segment", at=at, code="8"))
        last = one.at.number
        told.append(one)
    return tuple(told)


def _sets_with_faults(data: bytes, reading: Reading) -> set[str]:
    """Answer the control numbers of sets in which our reader found what it cannot read."""
    found = set()
    for one in read_interchange(data).sets:
        first, last = one.segments[0].number, one.segments[-1].number
        if any(first <= fault.segment <= last for fault in reading.faults):
            found.add(one.control_number)
    return found


def _address(partner: Partner, head: Segment) -> Address:
    """Answer who answers whom: as the agreement has it, else the ends of the file turned round."""
    if partner.profile is not None:
        ours, theirs = partner.profile.sender, partner.profile.receiver
        return Address(
            sender=ours.id,
            receiver=theirs.id,
            sender_qualifier=ours.qualifier,
            receiver_qualifier=theirs.qualifier,
            application_sender=ours.group_id,
            application_receiver=theirs.group_id,
            usage=partner.environment,
        )
    return Address(
        sender=head.get(8).strip(),
        receiver=head.get(6).strip(),
        sender_qualifier=head.get(7),
        receiver_qualifier=head.get(5),
        usage=partner.environment,
    )


def _name(partner: Partner, client_id: int, code: str, number: int, kind: str, now: datetime) -> str:
    return partner.naming.format(
        partner=code,
        client=client_id or "all",
        date=f"{now:%Y%m%d}",
        time=f"{now:%H%M%S}",
        number=f"{number:09d}",
        kind=kind,
    )
