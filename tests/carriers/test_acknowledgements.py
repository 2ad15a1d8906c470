"""999 and TA1: real ones told in words, one full of errors, our own, and what a broken one is told."""

import io
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyx12 import params, x12n_document

from openbenefits.carriers.acknowledgements.answering import (
    Address,
    AnswerRefused,
    Numbers,
    judged,
    written,
)
from openbenefits.carriers.acknowledgements.reader import (
    Position,
    SetAnswer,
    SetFinding,
    read_acknowledgements,
)
from openbenefits.carriers.acknowledgements.words import LISTS, said
from openbenefits.carriers.x12.reader import X12Refused

FOLDER = Path(__file__).parents[1] / "files" / "x12"
NOW = datetime(2026, 3, 2, 4, 5, tzinfo=UTC)
US = Address(sender="PEO", receiver="CARRIER")
NUMBERS = Numbers(interchange=17, group=9)
ISA = "ISA*00*          *00*          *ZZ*CARRIER        *ZZ*PEO            *260302*0405*^*00501*000000017*0*P*:~"
REFUSED = (
    ISA
    + "TA1*000000041*260301*2200*E*018~GS*FA*CARRIER*PEO*20260302*0405*9*X*005010X231A1~ST*999*0001*005010X231A1~"
    + "AK1*BE*77*005010X220A1~AK2*834*0001*005010X220A1~IK5*A~AK2*834*0002*005010X220A1~"
    + "IK3*NM1*14*2100A*8~CTX*SUBSCRIBER NUMBER REF02:E-100~IK4*9*67*7*12345678~"
    + "IK3*DTP*20*2300*I6~CTX*SITUATIONAL TRIGGER*HD*19*2300*1~IK4*2:1*1250*I9~IK5*R*5*I5~"
    + "AK9*P*2*2*1~SE*14*0001~GE*1*9~IEA*1*000000017~"
).encode()


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("pyx12-834_ls_le_ls_5010.999.txt", [("146", "146001")]),
        ("pyx12-834_lui_id_5010.999.txt", [("13360001", "0001")] * 4),
    ],
)
def test_real_ones_say_what_was_taken(name, groups):
    told = read_acknowledgements((FOLDER / name).read_bytes())
    assert [(one.control_number, one.sets[0].control_number) for one in told.groups] == groups
    assert all(one.code == "A" and one.accepted == 1 for one in told.groups)
    assert all(one.sets[0].is_taken for one in told.groups)
    assert told.findings.is_empty()
    number = groups[0][0]
    assert {one.words for one in told.groups} == {
        f"Group {number} (BE) is accepted: 1 of 1 transaction sets taken."
    }


def test_what_was_refused_is_told_in_words():
    told = read_acknowledgements(REFUSED)
    (group,) = told.groups
    assert [one.is_taken for one in group.sets] == [True, False]
    assert told.findings["words"].to_list() == [
        "The interchange is accepted, with errors noted: the control number of the interchange is wrong.",
        "At segment 14 (NM1 in loop 2100A): a segment with wrong elements.",
        "At segment 14 (NM1 in loop 2100A), element 09 holds a code nobody knows.",
        "At segment 20 (DTP in loop 2300): a segment the guide wants here is missing; HD in loop 2300 makes it so.",
        "At segment 20 (DTP in loop 2300), element 02, component 1 is wanted by the guide in this case and is missing.",
        "Set 0002 is rejected: some of its segments are in error.",
        "Set 0002 is rejected: it breaks its guide.",
    ]
    element = told.findings.row(2, named=True)
    assert (element["member"], element["found"], element["set"]) == ("E-100", "12345678", "0002")
    assert not told.findings["words"].str.contains("E-100|12345678").any()  # nothing personal in words


def test_a_ta1_rides_alone():
    told = read_acknowledgements((ISA + "TA1*000000041*260301*2200*R*025~IEA*0*000000017~").encode())
    (one,) = told.envelopes
    assert (one.control_number, one.is_taken) == ("000000041", False)
    assert "received before" in told.findings["words"][0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"AK1*", b"ZZ1*", "expected AK1"),
        (b"IK5*A~", b"ZZ5*A~", "expected IK5 before the next AK2"),
        (b"IK5*R*5*I5~", b"ZZ5*R~", "expected IK5 after AK2"),
        (b"AK2*834*0001*005010X220A1~", b"ZZ2~", "expected AK2 before IK5"),
        (b"IK3*NM1*14*2100A*8~", b"ZZ3~", "expected IK3 before IK4"),
        (b"IK3*NM1*14", b"IK3*NM1*x4", "expected a number in IK3"),
        (b"ST*999*", b"ST*998*", ""),
    ],
)
def test_a_broken_one_is_refused_where_it_breaks(old, new, message):
    broken = REFUSED.replace(old, new, 1)
    if message:
        with pytest.raises(X12Refused, match=message):
            read_acknowledgements(broken)
    else:  # another kind of set is not ours to read; its TA1 is
        assert read_acknowledgements(broken).groups == []


def test_an_unfinished_one_is_told_as_such():
    told = read_acknowledgements(REFUSED.replace(b"AK9*P*2*2*1~", b"ZZ9~"))
    assert told.groups[0].code == ""
    assert "did not finish" in told.findings["words"][-1]


def test_nothing_acknowledged_is_refused():
    with pytest.raises(X12Refused, match="neither"):
        read_acknowledgements((FOLDER / "hccinfhir-sample_820_01.txt").read_bytes())


@given(st.data())
def test_no_mutation_crashes(data):
    text = bytearray(REFUSED)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=4))
    with suppress(X12Refused):
        assert read_acknowledgements(bytes(text)).findings.columns


# --- our own ------------------------------------------------------------------------------------------------

WORD = st.text("ABC019", min_size=1, max_size=6)


@st.composite
def answers(draw: st.DrawFn) -> SetAnswer:
    """A set somebody sent, with some findings, those of elements after one of their segment."""
    findings: list[SetFinding] = []
    for number in range(draw(st.integers(0, 3))):
        at = Position(segment="DTP", number=number + 5, loop=draw(st.sampled_from(["", "2000", "2300"])))
        member = draw(st.one_of(st.just(""), WORD))
        code = draw(st.sampled_from(["8", "3", "I6"]))
        findings.append(SetFinding(level="segment", at=at, code=code, member=member))
        for element in range(draw(st.integers(0, 2))):
            inside = Position(segment="DTP", number=at.number, loop=at.loop, element=element + 1)
            findings.append(
                SetFinding(
                    level="element",
                    at=inside,
                    code=draw(st.sampled_from(["7", "1", "I9"])),
                    reference=draw(st.sampled_from(["", "1250"])),
                    found=draw(st.one_of(st.just(""), WORD)),
                    member=member,
                )
            )
    number = draw(st.integers(1, 9999))
    code = draw(st.sampled_from(["R", "E"])) if findings else "A"
    errors = ["5"] if findings else []
    return SetAnswer(
        kind="834",
        control_number=f"{number:04d}",
        guide="005010X220A1",
        code=code,
        errors=tuple(errors),
        findings=tuple(findings),
    )


@given(st.lists(answers(), min_size=1, max_size=4))
def test_our_own_reads_back_as_it_was_meant(sets):
    group = judged("BE", "77", "005010X220A1", sets)
    told = read_acknowledgements(written([group], US, NUMBERS, now=NOW))
    assert told.groups == [group]
    assert (told.sender, told.receiver, told.control_number) == ("PEO", "CARRIER", "000000017")


def test_our_own_satisfies_the_guide():
    told = read_acknowledgements(REFUSED)
    data = written(told.groups, US, NUMBERS, now=NOW)
    is_valid = x12n_document.x12n_document(params.params(), io.StringIO(data.decode()), None, None)
    assert is_valid


@pytest.mark.parametrize(
    ("codes", "errors", "code"),
    [("AA", [], "A"), ("AE", [], "E"), ("AR", [], "P"), ("RR", [], "R"), ("AA", ["4"], "R")],
)
def test_a_group_is_judged_by_its_sets(codes, errors, code):
    sets = [SetAnswer(kind="834", control_number=str(n), code=one) for n, one in enumerate(codes)]
    assert judged("BE", "1", "005010X220A1", sets, errors).code == code


def test_an_acknowledgement_is_never_acknowledged():
    with pytest.raises(AnswerRefused, match="never"):
        written([judged("FA", "1", "005010X231A1", [])], US, NUMBERS, now=NOW)


def test_every_code_of_the_guide_has_words():
    assert all(
        said(level, code) and "not known here" not in said(level, code)
        for level in LISTS
        for code in LISTS[level]
    )
    assert "not known here" in said("element", "99")
