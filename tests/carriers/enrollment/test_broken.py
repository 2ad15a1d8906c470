"""Files named for their fault: who finds it, the reader, a rule of ours, or the guide; and that one of them does."""

from functools import cache
from pathlib import Path

import pytest

from openbenefits.carriers.conformance import findings_of
from openbenefits.carriers.enrollment.reader import read_file
from openbenefits.carriers.enrollment.rules import MEMBER_RULES, SET_RULES, broken_rules
from openbenefits.carriers.x12.reader import X12Refused

FOLDER = Path(__file__).parents[2] / "files" / "x12" / "broken-834"
TOLD = {
    # fault: what the reader says first, the rules that do not hold, the codes of the guide
    "amount-is-words": ("segment 17: expected an amount with at most two decimals in AMT02", "amounts", "6"),
    "amount-three-decimals": (
        "segment 17: expected an amount with at most two decimals in AMT02",
        "amounts",
        "",
    ),
    "begin-missing": ("", "days_given", "3"),
    "bgn-missing": ("segment 4: expected BGN after ST", "", "1 3"),
    "categories-never-end": ("segment 20: LS begins reporting categories, no LE ends them", "", ""),
    "city-without-state": ("", "state", ""),
    "continuation-without-event": ("", "cobra", ""),
    "correction-without-what-was-wrong": ("", "corrected", ""),
    "count-of-members-wrong": ("", "counts", ""),
    "cut-off-after-a-member": ("segment 3: ST never ends", "", "023 2 3"),
    "date-impossible": ("segment 14: expected a day as CCYYMMDD in DMG02", "", "8"),
    "dependent-before-subscriber": ("", "subscriber_first", ""),
    "employment-missing": ("", "employment", ""),
    "empty-file": ("segment 1: expected an ISA segment of 106 characters, found", "", "unreadable"),
    "ended-without-last-day": ("", "days_given", ""),
    "ends-before-it-begins": ("", "days_in_order", ""),
    "full-file-with-an-addition": ("", "full_says_what_is", ""),
    "gender-unknown-code": ("", "", "7"),
    "group-count-wrong": ("segment 27: GE01 says 2 members, found 1", "", "5"),
    "guide-unknown": ("", "", "unreadable"),
    "interchange-control-number-differs": (
        "segment 28: expected control number 7 in IEA02, found anothe",
        "",
        "001",
    ),
    "isa-blanks-collapsed": (
        "segment 1: expected 16 elements of fixed width in ISA, found",
        "",
        "unreadable",
    ),
    "line-twice": ("", "said_twice", ""),
    "name-before-member": ("segment 8: NM1 has no place before the members; kept as it is", "", "1"),
    "no-member": ("segment 3: the set holds no member", "counts size", "3"),
    "not-ascii": ("", "", "6"),
    "npi-check-digit": ("", "npi", ""),
    "payment-instead-of-enrolment": ("expected an 834 transaction set, found none", "", ""),
    "period-half": (
        "segment 16: expected D8 with a day or RD8 with a period in DTP02, none in DTP03",
        "days_given",
        "8",
    ),
    "person-named-twice": ("segment 12: NM1 has no place here; kept as it is", "", "4"),
    "plan-text-too-long": ("", "", "5"),
    "provider-names-nobody": ("segment 18: LX names nobody; kept as it is", "", "3"),
    "race-with-unknown-parts": ("", "", "unreadable"),
    "segment-unknown": ("segment 12: ZZZ has no place here; kept as it is", "", "1"),
    "set-control-number-differs": ("segment 26: expected control number 1 in SE02, found another", "", "3"),
    "set-count-wrong": ("segment 26: SE01 says 25 segments, found 24", "", "4"),
    "sound": ("", "", ""),
    "ssn-eight-digits": ("", "ssn", ""),
    "ssn-never-issued": ("", "ssn", ""),
    "ssn-with-dashes": ("", "ssn", ""),
    "subscriber-is-child": ("", "subscriber_is_self", ""),
    "subscriber-number-missing": ("", "named subscriber_first", "3"),
    "twins-without-sequence": ("", "twins", ""),
    "two-interchanges": ("segment 29: expected one interchange, found another", "", "025"),
    "utf-16": ("segment 1: expected an ISA segment of 106 characters, found none", "", "unreadable"),
    "web-page-instead": (
        "segment 1: expected an ISA segment of 106 characters, found none",
        "",
        "unreadable",
    ),
}


@cache
def judged(file: Path):
    """What the guide says of a file; the validator is slow."""
    return findings_of(file.read_bytes())


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.834")), ids=lambda one: one.stem)
def test_a_fault_is_found(file):
    said, rules, codes = TOLD[file.stem]
    data = file.read_bytes()
    try:
        reading = read_file(data)
        first = str(reading.faults[0]) if reading.faults else ""
        broken = sorted({one.rule for one in broken_rules(reading.file)})
    except X12Refused as fault:
        first, broken = str(fault), []
    assert first.startswith(said)
    assert bool(first) == bool(said)
    assert " ".join(broken) == rules
    assert " ".join(sorted({one.code for one in judged(file)})) == codes
    assert (file.stem == "sound") == (not said and not rules and not codes)


def test_every_rule_has_a_file_that_breaks_it():
    broken = {rule for _, rules, _ in TOLD.values() for rule in rules.split()}
    assert broken == {*MEMBER_RULES, *SET_RULES}


def test_nothing_personal_is_said():
    for file in FOLDER.glob("*.834"):
        said = " ".join(map(str, judged(file)))
        assert not any(word in said for word in ("123456789", "123-45-6789", "DOE", "JÜRGEN", "19801345"))


def test_an_isa_that_ends_too_early_is_refused():
    sound = (FOLDER / "sound.834").read_bytes()
    early = sound[:60] + sound[105:106] + sound[61:]
    with pytest.raises(X12Refused, match="segment 1: expected the end of ISA in character 106, and nowhere"):
        read_file(early)
