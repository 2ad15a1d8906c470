"""What carriers answer to a file, made up: a 999 that refuses some sets, and an error report of their own."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime

from openbenefits.carriers.acknowledgements.answering import Address, Numbers, judged, written
from openbenefits.carriers.acknowledgements.reader import Position, SetAnswer, SetFinding
from openbenefits.carriers.acknowledgements.reports import Column, Layout
from openbenefits.carriers.answers.places import Place
from openbenefits.carriers.enrollment.file import CODE, GUIDE
from openbenefits.carriers.filing.services import content_of
from openbenefits.carriers.models import CarrierFile, FileSet
from openbenefits.carriers.x12.reader import read_interchange

HEADINGS = {
    "file_reference": "File",
    "subscriber": "Subscriber",
    "first_name": "First name",
    "birth_on": "Born",
    "verdict": "Status",
    "code": "Code",
    "words": "Message",
}
REPORT = Layout(
    kind="delimited",
    delimiter=",",
    days="%Y-%m-%d",
    columns={name: Column(heading=heading) for name, heading in HEADINGS.items()},
    verdicts={"LOADED": "accepted", "ERROR": "refused"},
)
"""How the made-up carrier's report is read."""


def acknowledged(file: CarrierFile, refused: Mapping[int, Place], *, number: int, now: datetime) -> bytes:
    """Answer every set of a file by a 999: those named are refused, each at a member's first segment."""
    controls = FileSet.objects.filter(file_id=file.pk).order_by("set").values_list("set", "control_number")
    sets = [
        SetAnswer(
            kind=CODE,
            control_number=control,
            guide=GUIDE,
            code="R" if one in refused else "A",
            errors=("5",) if one in refused else (),
            findings=_findings(refused[one]) if one in refused else (),
        )
        for one, control in controls
    ]
    sent = read_interchange(content_of(file.pk))
    ends = Address(sender=sent.receiver, receiver=sent.sender, usage=sent.header.get(15))
    group = judged("BE", str(file.group), GUIDE, sets)
    return written([group], ends, Numbers(interchange=number, group=number), now=now)


def _findings(place: Place) -> Sequence[SetFinding]:
    at = Position(segment="INS", number=place.first, loop="2000")
    return (SetFinding(level="segment", at=at, code="8"),)


def reported(file: CarrierFile, places: Sequence[Place], errors: Mapping[str, tuple[str, str]]) -> bytes:
    """Report every member of a file as loaded, but those named by our key, each with a code and words."""
    text = io.StringIO()
    rows = csv.DictWriter(text, HEADINGS.values())
    rows.writeheader()
    for one in places:
        code, words = errors.get(one.member, ("", ""))
        told = (
            file.reference,
            one.family,
            one.first_name,
            f"{one.birth_on:%Y-%m-%d}" if one.birth_on else "",
            "ERROR" if one.member in errors else "LOADED",
            code,
            words,
        )
        rows.writerow(dict(zip(HEADINGS.values(), told, strict=True)))
    return text.getvalue().encode()
