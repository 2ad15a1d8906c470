"""Files as custody meets them: two carriers of a small employer, a file built, and answers to it as carriers write them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.runs.conftest import put_enrolled

import openbenefits.carriers
from openbenefits.carriers.acknowledgements.answering import Address, Numbers, judged, written
from openbenefits.carriers.acknowledgements.reader import Position, SetAnswer, SetFinding
from openbenefits.carriers.acknowledgements.reports import Column, Layout
from openbenefits.carriers.agreements.partners import Partner, Transport, read_agreement, save_partner
from openbenefits.carriers.building.services import Feed, build
from openbenefits.carriers.enrollment.file import file_of
from openbenefits.carriers.filing.services import content_of
from openbenefits.carriers.models import CarrierFile, FileSet
from openbenefits.carriers.rules import renderings
from openbenefits.carriers.rules.renderings import MOST_OF_SET
from openbenefits.carriers.x12.reader import read_interchange
from openbenefits.enrollment.models import Coverage, CoverageDependent, CoverageKey
from openbenefits.workforce.models import Dependent

AGREEMENTS = Path(openbenefits.carriers.__file__).parent / "agreements"
BUILT = datetime(2025, 12, 1, 2, tzinfo=UTC)
ON = date(2025, 12, 1)
CODE = "hmo_blue"
HOUR = timedelta(hours=1)
NAMES = ("reference", "subscriber", "member", "first", "born", "line", "status", "code", "text")
LAYOUT = Layout(
    kind="delimited",
    columns={
        "file_reference": Column(heading="reference"),
        "subscriber": Column(heading="subscriber"),
        "member": Column(heading="member"),
        "first_name": Column(heading="first"),
        "birth_on": Column(heading="born"),
        "line": Column(heading="line"),
        "verdict": Column(heading="status"),
        "code": Column(heading="code"),
        "words": Column(heading="text"),
    },
    verdicts={"OK": "accepted", "REJ": "refused", "WARN": "warned", "DIFF": "different"},
)


def put(folder: Path, people: int = 40) -> int:
    """Put an enrolled employer and the sample's agreements, by folder for the medical carrier."""
    place = folder / "employer"  # its files are copied with it: answers and files of others stay apart
    place.mkdir()
    client_id = put_enrolled(place, people=people).client_id
    agree(folder / "out", folder / "back")
    _cover_dependents(client_id)
    return client_id


def _cover_dependents(client_id: int) -> None:
    """Let some employees cover their dependents, too: defaults cover nobody but themselves."""
    known = list(Dependent.objects.filter(client_id=client_id).order_by("pk").values_list("person_id", "pk"))
    points = Coverage.objects.filter(
        client_id=client_id,
        person_id__in=[person for person, _ in known[:12]],
        plan_type="10",
        option_id__isnull=False,
        superseded_by_run=None,
    )
    key = [one.name for one in CoverageKey._meta.fields]
    CoverageDependent.objects.bulk_create(
        CoverageDependent(**{name: getattr(point, name) for name in key}, dependent_id=dependent)
        for point in points
        for person, dependent in known[:12]
        if person == point.person_id
    )


def agree(out: Path, back: Path, *, client_id: int = 0, **changes: Any) -> Partner:
    """Agree with the medical carrier: two folders, reports."""
    for folder in (out, back):
        folder.mkdir(exist_ok=True)
    told = read_agreement((AGREEMENTS / f"{CODE}.yaml").read_text())
    transport = Transport(kind="folder", folder=str(out), answers=str(back))
    given = {"transport": transport, "reports": {"errors": LAYOUT}, "freezes": ()} | changes
    partner = Partner(**{name: getattr(told, name) for name in told.__struct_fields__} | given)
    save_partner(client_id, CODE, partner, author="test", now=BUILT)
    return partner


def built(connection: Any, client_id: int, *, largest: int = 0, **more: Any) -> CarrierFile:
    """Build the file of the day; in sets of so many members, where told."""
    given = {"on": ON, "author": "builder", "now": BUILT} | more
    with sets_of(largest or MOST_OF_SET):
        file = build(connection, Feed(client_id=client_id, code=CODE), **given)
    assert file is not None
    assert file.state != "invalid", file.findings
    return file


@contextmanager
def sets_of(largest: int) -> Iterator[None]:
    """Divide files into sets of so many members: those of a test are too few for more than one."""
    one, other = renderings.in_sets.__defaults__, file_of.__kwdefaults__["largest_set"]
    renderings.in_sets.__defaults__, file_of.__kwdefaults__["largest_set"] = (largest,), largest
    try:
        yield
    finally:
        renderings.in_sets.__defaults__, file_of.__kwdefaults__["largest_set"] = one, other


def ta1(file: CarrierFile, code: str, note: str = "000") -> bytes:
    """A TA1 alone in its interchange."""
    isa = read_interchange(content_of(file.pk)).header.elements
    head = ["ISA", *isa[:4], *isa[6:8], *isa[4:6], *isa[8:]]
    answer = ["TA1", f"{file.interchange:09d}", isa[8], isa[9], code, note]
    lines = [head, answer, ["IEA", "0", isa[12]]]
    return "".join("*".join(line) + "~" for line in lines).encode()


def ack(
    file: CarrierFile,
    codes: dict[int, str] | None = None,
    *,
    group: str = "",
    found: dict[int, Sequence[SetFinding]] | None = None,
    number: int = 1,
) -> bytes:
    """A 999 for the file's group: an answer to each set named, and what was found in it."""
    controls = dict(FileSet.objects.filter(file_id=file.pk).values_list("set", "control_number"))
    sets = [
        SetAnswer(
            kind="834",
            control_number=controls[one],
            guide="005010X220A1",
            code=code,
            errors=("5",) if code == "R" else (),
            findings=(found or {}).get(one, ()),
        )
        for one, code in (codes or {}).items()
    ]
    answer = judged("BE", str(file.group), "005010X220A1", sets)
    if group:
        answer = replace(answer, code=group)
    ends = Address(sender="HMOBLUE", receiver="043210987", usage="T")
    return written([answer], ends, Numbers(interchange=number, group=number), now=BUILT)


def at(segment: str, number: int, code: str = "8") -> SetFinding:
    """A finding at a segment of a set."""
    return SetFinding(level="segment", at=Position(segment=segment, number=number, loop="2000"), code=code)


def report(*rows: dict[str, str]) -> bytes:
    """A carrier's report as CSV."""
    lines = [",".join(NAMES), *(",".join(row.get(name, "") for name in NAMES) for row in rows)]
    return "\n".join(lines).encode()
