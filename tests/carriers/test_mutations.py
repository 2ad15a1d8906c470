"""Every file from elsewhere, altered as X12 is: whatever reads it answers, or refuses it and says where.

Bytes cut at random seldom come past the envelopes. So segments are left out, doubled, exchanged, moved, and elements
altered, and then the envelopes are counted again as a sender's translator would.
"""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.laws.test_kernel_agrees import IS_FUZZING

from openbenefits.carriers.acknowledgements.reader import read_acknowledgements
from openbenefits.carriers.conformance import UNREADABLE, findings_of
from openbenefits.carriers.enrollment.explain import words_of
from openbenefits.carriers.enrollment.reader import read_file
from openbenefits.carriers.enrollment.rules import broken_rules
from openbenefits.carriers.enrollment.writer import write_file
from openbenefits.carriers.payments.reading import read_payments
from openbenefits.carriers.x12.reader import X12Refused
from openbenefits.carriers.x12.writer import Form

FOLDER = Path(__file__).parents[1] / "files" / "x12"
SOUND = FOLDER / "broken-834" / "sound.834"
FILES = [
    *sorted(one for one in FOLDER.iterdir() if one.suffix in (".834", ".txt") and "BSD" not in one.name),
    SOUND,
]
X12 = [one for one in FILES if one.read_bytes().lstrip().startswith(b"ISA")]
LAW = settings(
    max_examples=1500 if IS_FUZZING else 12,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
GUIDE = settings(LAW, max_examples=100 if IS_FUZZING else 3)
ODD = (
    "",
    "0",
    "-1",
    "9" * 30,
    "1.2.3",
    "20261301",
    "20260101-",
    "D8",
    "RD8",
    "ZZ",
    "\x1f",
    "\x1e",
    "é",
    "Ж",
    " ",
    "18",
    "021",
)
STRANGE = (
    ["ZZZ", "1"],
    ["HD"],
    ["LX", "1"],
    ["LE", "2700"],
    ["NM1", "74"],
    ["INS", "N"],
    ["IK5", "R"],
    ["RMR"],
    ["COB"],
)
NAMES = ("", "ZZZ", "hd", "9")
ENVELOPE = ("ISA", "GS", "ST", "SE", "GE", "IEA")
LOCATED = re.compile(r"segment \d+: |expected an? |neither ")


@st.composite
def altered(draw, file: Path) -> bytes:
    """A file with some of its segments altered, and envelopes that count right all the same."""
    text = file.read_bytes().decode("utf-8-sig").lstrip()
    element, end = text[3], text[105]
    segments = [one.strip("\r\n").split(element) for one in text.split(end) if one.strip()]
    for _ in range(draw(st.integers(1, 5))):
        inner = [at for at, one in enumerate(segments) if one[0] not in ENVELOPE]
        if not inner:
            break
        at, other = draw(st.sampled_from(inner)), draw(st.sampled_from(inner))
        way = draw(
            st.sampled_from(("leave out", "double", "exchange", "strange", "element", "element", "longer"))
        )
        if way == "leave out":
            del segments[at]
        elif way == "double":
            segments.insert(other, list(segments[at]))
        elif way == "exchange":
            segments[at], segments[other] = segments[other], segments[at]
        elif way == "strange":
            segments.insert(at, list(draw(st.sampled_from(STRANGE))))
        elif way == "longer":
            segments[at] = [*segments[at], *["X"] * draw(st.integers(1, 20))]
        else:
            place = draw(st.integers(0, len(segments[at]) - 1))
            segments[at][place] = draw(st.sampled_from(ODD if place else NAMES))
    return (end.join(element.join(one) for one in _counted(segments)) + end).encode()


def _counted(segments: list[list[str]]) -> list[list[str]]:
    began = 0
    for number, one in enumerate(segments):
        if one[0] == "ST":
            began = number
        elif one[0] == "SE":
            one[1] = str(number - began + 1)
    return segments


@pytest.mark.parametrize("file", X12, ids=lambda one: one.stem)
@LAW
@given(data=st.data())
def test_it_is_read_or_refused_where_it_breaks(file, data):
    content = data.draw(altered(file))
    count = content.count(content[105:106])
    for read in (read_payments, read_acknowledgements):
        _told(read, content)
    told = _told(read_file, content)
    if told is not None:
        assert all(0 < one.segment <= count and one.said for one in told.faults)
        assert all(one.rule for one in broken_rules(told.file))
        assert all(words_of(member) for found in told.file.sets for member in found.members)
        _kept(told)


def _told(read, content: bytes):
    """What a reader answers; nothing where it refuses the file, which it does with words that say where."""
    try:
        return read(content)
    except X12Refused as fault:
        if not LOCATED.match(str(fault)):
            raise
        return None


def _kept(told) -> None:
    """What was read is written and read again without losing a segment; one out of place may come to another."""
    form = Form(delimiters=told.delimiters, is_upper=False, is_plain=False)
    first, again = write_file(told.file, form), write_file(read_file(write_file(told.file, form)).file, form)
    end = told.delimiters.segment.encode()
    assert sorted(first.split(end)) == sorted(again.split(end))


@pytest.mark.parametrize("file", [SOUND, X12[0]], ids=lambda one: one.stem)
@GUIDE
@given(data=st.data())
def test_the_guide_judges_it_whatever_it_is(file, data):
    for found in findings_of(data.draw(altered(file))):
        assert found.code == UNREADABLE or found.set or found.level in ("file", "group")
