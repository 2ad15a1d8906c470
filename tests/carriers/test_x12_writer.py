"""Interchanges written: letters, delimiters, widths, counts; several sets; what cannot be written is refused."""

import pytest

from openbenefits.carriers.x12.reader import Delimiters, read_interchange
from openbenefits.carriers.x12.writer import Form, GroupToWrite, NotWritable, SetToWrite, write_interchange

ISA = (
    "00",
    "",
    "00",
    "",
    "30",
    "123456780",
    "ZZ",
    "BEST",
    "261120",
    "0215",
    "",
    "00501",
    "000000007",
    "0",
    "T",
    "",
)
GS = ("BE", "123456780", "BEST", "20261120", "0215", "8", "X", "005010X220A1")


def a_set(number, *segments):
    return SetToWrite(code="834", guide="005010X220A1", control_number=number, segments=segments)


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("Müller", "MULLER"),
        ("Groß", "GROSS"),
        ("Łukasz Ørsted", "LUKASZ ORSTED"),
        ("O’Brien – “Al”", 'O\'BRIEN - "AL"'),
        ("a*b~c:d^e", "A B C D E"),
        ("line\r\nend\t", "LINE  END"),
        ("Жук", "???"),
        (" x ", "X"),
    ],
)
def test_data_is_plain_and_holds_no_delimiter(said, written):
    assert Form().clean(said) == written


def test_case_and_letters_stay_where_the_receiver_takes_them():
    assert Form(is_upper=False, is_plain=False).clean("Müller") == "Müller"


def test_counts_and_control_numbers_close_what_they_open():
    sets = [a_set("0001", ["BGN", "00", "", ""], ["N3", "", ""]), a_set("0002", ["BGN", "00"])]
    data = write_interchange(ISA, [GroupToWrite(header=GS, sets=sets)], Form(line_end="\n"))
    lines = data.decode().split("~\n")
    assert len(lines[0]) == 105
    assert [line for line in lines if line.startswith(("SE", "GE", "IEA"))] == [
        "SE*3*0001",
        "SE*3*0002",
        "GE*2*8",
        "IEA*1*000000007",
    ]
    assert "BGN*00" in lines  # no empty elements at the end
    told = read_interchange(data)
    assert [one.control_number for one in told.sets] == ["0001", "0002"]
    assert told.header.get(8).strip() == "BEST"


@pytest.mark.parametrize(
    "wrong",
    [
        {"element": "*", "component": "*", "segment": "~", "repetition": "^"},
        {"element": "A", "component": ":", "segment": "~", "repetition": "^"},
        {"element": "**", "component": ":", "segment": "~", "repetition": "^"},
        {"element": " ", "component": ":", "segment": "~", "repetition": "^"},
    ],
)
def test_delimiters_that_cannot_separate_are_refused(wrong):
    with pytest.raises(NotWritable, match="four different marks"):
        Form(delimiters=Delimiters(**wrong))


def test_an_id_that_is_too_long_is_refused():
    with pytest.raises(NotWritable, match="ISA08: expected at most 15 characters, found 16"):
        write_interchange((*ISA[:7], "X" * 16, *ISA[8:]), [], Form())
