"""Carriers' own reports by a layout as data: delimited, fixed, and what is wrong with a row or a file."""

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbenefits.carriers.acknowledgements.reports import Layout, ReportRefused, read_report

DELIMITED = {
    "kind": "delimited",
    "delimiter": "|",
    "skip": 1,
    "days": "%m/%d/%Y",
    "columns": {
        "subscriber": {"heading": "Sub ID"},
        "birth_on": {"heading": "DOB"},
        "verdict": {"heading": "Status"},
        "words": {"heading": "Message"},
    },
    "verdicts": {"OK": "accepted", "REJ": "refused", "NOT ON FILE": "missing there"},
}
TEXT = (
    "Error report of 1 March\n"
    "Sub ID|DOB|Status|Message|Other\n"
    "E1|01/31/1980|OK||x\n"
    'E2|02/28/1981|REJ|"Plan not offered | see guide"|\n'
    "\n"
    "E3|31/01/1980|REJ|no such day\n"
    "|01/31/1980|OK|\n"
    "E4||HUH|\n"
    "E5||NOT ON FILE|\n"
)


def layout(**changes: object) -> Layout:
    return msgspec.convert(DELIMITED | changes, Layout)


def test_a_delimited_report_is_read_by_its_layout():
    told = read_report(TEXT.encode(), layout())
    shown = told.rows.select("row", "subscriber", "birth_on", "verdict", "words").rows()
    assert shown == [
        (3, "E1", date(1980, 1, 31), "accepted", None),
        (4, "E2", date(1981, 2, 28), "refused", "Plan not offered | see guide"),
        (9, "E5", None, "missing there", None),
    ]
    assert told.faults.select("row", "column").rows() == [(6, "birth_on"), (7, "member"), (8, "verdict")]


def test_a_word_not_named_may_have_a_verdict_too():
    told = read_report(TEXT.encode(), layout(otherwise="warned"))
    assert told.rows.filter(subscriber="E4")["verdict"].to_list() == ["warned"]


def test_a_fixed_report_is_read_by_its_layout():
    columns = {
        "member": {"start": 1, "length": 4},
        "verdict": {"start": 5, "length": 1},
        "effective_on": {"start": 6, "length": 8},
    }
    fixed = {"kind": "fixed", "columns": columns, "verdicts": {"R": "refused", "A": "accepted"}}
    told = read_report(b"M001R20260301\r\nM02 A\r\n", msgspec.convert(fixed, Layout))
    assert told.rows.select("row", "member", "verdict", "effective_on").rows() == [
        (1, "M001", "refused", date(2026, 3, 1)),
        (2, "M02", "accepted", None),
    ]


@pytest.mark.parametrize(
    ("changes", "text", "message"),
    [
        ({"columns": {"colour": {"heading": "x"}}}, TEXT, "expected columns among"),
        ({"columns": {"member": {"start": 1}}}, TEXT, "expected a heading"),
        ({"columns": {"words": {"heading": "Message"}}}, TEXT, "subscriber or member"),
        ({"delimiter": ""}, TEXT, "one character"),
        ({"skip": 0}, TEXT, "found none"),
        ({}, TEXT.replace("Other", "DOB"), "found 2"),
        ({"encoding": "ascii"}, TEXT.replace("Plan", "Plän"), "expected text in ascii"),
    ],
)
def test_what_cannot_be_read_is_refused(changes, text, message):
    with pytest.raises(ReportRefused, match=message):
        read_report(text.encode(), layout(**changes))


@given(st.binary(max_size=80))
def test_no_bytes_crash(data):
    try:
        told = read_report(b"x\nSub ID|DOB|Status|Message\n" + data, layout())
    except ReportRefused:
        return
    assert set(told.faults["row"]).isdisjoint(told.rows["row"])
