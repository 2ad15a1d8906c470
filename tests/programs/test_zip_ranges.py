"""Ranges of zips in the files of geographies: written out, and every way to get one wrong."""

import pytest

from openbenefits.programs.audit import audit
from openbenefits.programs.reader import read
from openbenefits.programs.sheets import zip_sheet

from .factories import ZIPS, make_peo

HEADER = "zip,zip_from,zip_to,area\n"


def read_rows(lines: str):
    return zip_sheet(HEADER + lines, "zips.csv")


def test_a_range_is_written_out_with_both_ends_and_its_zeros():
    rows, findings = read_rows("01001,,,R1\n,00098,00101,R2\n,10001,10001,R3\n")
    assert findings == []
    assert rows.select("zip", "area", "line").rows() == [
        ("01001", "R1", 2),
        *((zip_code, "R2", 3) for zip_code in ("00098", "00099", "00100", "00101")),
        ("10001", "R3", 4),
    ]


@pytest.mark.parametrize("header", ["zip_from,zip_to", "zip_to,zip_from,area"])
def test_a_file_may_hold_ranges_only(header):
    columns = {"zip_from": "00001", "zip_to": "00003", "area": ""}
    rows, findings = zip_sheet(
        f"{header}\n{','.join(columns[name] for name in header.split(','))}\n", "zips.csv"
    )
    assert findings == []
    assert rows["zip"].to_list() == ["00001", "00002", "00003"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (",10010,10001,", "range_reversed"),
        (",00000,99999,", "range_too_wide"),
        ("10001,10001,10002,", "zip_and_range"),
        ("10001,,10002,", "zip_and_range"),
        (",,,R1", "no_zip"),
        (",10001,,", "half_range"),
        (",,10001,", "half_range"),
        (", 10001,10002,", "cell"),
        (",10001 ,10002,", "cell"),
        (",10001-1234,10002,", "cell"),
        (",10001,10002-0001,", "cell"),
        (",1001,10002,", "cell"),
        (",10001,100002,", "cell"),
        ("10001-1234,,,", "cell"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_of_its_line(line, code):
    _, findings = read_rows(f"01001,,,R1\n{line}\n")
    assert [(one.code, one.line) for one in findings] == [(code, 3)]


def test_the_widest_range_is_all_zips_but_one():
    rows, findings = read_rows(",00001,99999,\n")
    assert (rows.height, findings) == (99_999, [])


def test_a_fault_leaves_the_other_rows_and_the_next_fault_to_be_seen():
    rows, findings = read_rows("01001,,,\n,3,4,\n")
    assert [one.code for one in findings] == ["cell", "cell"]
    rows, findings = read_rows("01001,,,\n,10010,10001,\n,10001,,\n")
    assert [one.code for one in findings] == ["range_reversed", "half_range"]
    assert rows["zip"].to_list() == ["01001"]


def test_overlapping_ranges_of_two_areas_are_one_finding(tmp_path):
    folder = make_peo(tmp_path)
    lines = [f"{zip_code},,,{rest}" for zip_code, rest in (row.split(",", 1) for row in ZIPS.split()[1:])]
    extra = [
        ",20001,20010,R1,areas",
        ",20010,20020,R2,areas",
        ",30001,30010,R1,areas",
        ",30005,30020,R1,areas",
    ]
    (folder / "zips.csv").write_text("\n".join(["zip,zip_from,zip_to,area,geography", *lines, *extra]) + "\n")
    reading = read(folder)
    assert reading.findings == []
    torn = [one for one in audit(reading.bundle) if one.code == "zip_twice"]
    assert [one.found for one in torn] == ["several for 20010"]
