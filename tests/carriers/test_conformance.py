"""The traps of the validator: whatever it does, a file that it cannot read is refused, and never passes."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openbenefits.carriers.conformance import UNREADABLE, findings_of

SOUND = (Path(__file__).parents[1] / "files" / "x12" / "broken-834" / "sound.834").read_bytes()


def test_a_mark_and_blanks_before_the_file_do_not_matter():
    assert findings_of(b"\xef\xbb\xbf\n " + SOUND) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"*005010X220A1~\nBGN", b"~\nBGN"),  # ST03 missing: its 999 breaks off
        (b"X*005010X220A1~\nST", b"X*005010X306~\nST"),  # no map: EngineError
        (b"GS*BE", b"GS*HC"),
        (b"19800515*F", b"19800515*F**:RET:R3^:RET:E1"),  # IndexError
        (b"JANE", b"J\xfcrgen"),  # not UTF-8
        (b"ISA*00*  ", b"ISA*00*"),
    ],
)
def test_what_it_raises_is_unreadable(old, new):
    assert old in SOUND
    (finding,) = findings_of(SOUND.replace(old, new))
    assert (finding.level, finding.code) == ("file", UNREADABLE)
    assert str(finding).startswith("rejected, unreadable")


@pytest.mark.parametrize("wrong", [b"IEA*2*000000007", b"IEA*1*000000009"])
def test_a_wrong_trailer_is_found_though_its_999_accepts(wrong):
    assert findings_of(SOUND.replace(b"IEA*1*000000007", wrong))[0].level == "file"


def test_a_finding_says_where():
    (finding,) = findings_of(SOUND.replace(b"HD*021**HMO*PLAN A*ESP", b"HD*021**XXX*PLAN A*ESP"))
    assert (finding.set, finding.segment_id, finding.segment, finding.element, finding.code) == (
        "0001",
        "HD",
        13,
        3,
        "7",
    )


@settings(max_examples=15)
@given(place=st.integers(0, len(SOUND) - 1), piece=st.sampled_from((b"", b"~", b"*", b":", b"\xff", b"ISA")))
def test_it_never_raises(place, piece):
    assert isinstance(findings_of(SOUND[:place] + piece + SOUND[place + 2 :]), list)
