"""Broken bundles: each fault is a finding with its place, what was expected, found, and the cure."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from openbenefits.programs.bundle import PeoBundle
from openbenefits.programs.reader import read

from .factories import PREMIUMS, ZIPS, make_client, make_peo


def replaced(folder: Path, old: str, new: str, file: str = "setup.yaml") -> Path:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    return folder


def line_of(folder: Path, text: str, file: str = "setup.yaml") -> int:
    return (folder / file).read_text().splitlines().index(text) + 1


def test_good_bundles_read_without_findings(tmp_path):
    for reading in (read(make_peo(tmp_path / "peo")), read(make_client(tmp_path / "client"))):
        assert reading.findings == []
        assert reading.bundle is not None


def test_rates_come_from_both_kinds_of_file(tmp_path):
    bundle = read(make_peo(tmp_path)).bundle
    assert isinstance(bundle.parts, PeoBundle)
    rows = bundle.rates.select("table", "area", "age_from", "rate_micros", "file").rows()
    assert rows[:2] == [
        ("hmo", "R1", 0, 200_100_000, "premiums.csv"),
        ("hmo", "R1", 30, 310_250_000, "premiums.csv"),
    ]
    assert ("life", None, None, 145_000, "setup.yaml") in rows


def test_numbers_are_exact_and_text_stays_text(tmp_path):
    folder = replaced(make_client(tmp_path), "code: ACM", "code: 01", "codes.yaml")
    replaced(folder, "maximum: 50000", "maximum: 50000.10")
    parts = read(folder).bundle.parts
    assert parts.companies[0].code == "01"
    assert parts.formulas[0].maximum == Decimal("50000.1")


YAML_FAULTS = [
    ("name: Main program", "name: [Main program", "yaml", r"'\]'|','"),
    ("name: Main program", "name: &a Main program\n  short: *a", "yaml", "alias"),
    ("name: Main program", "name: !!python/object:os.system ls", "yaml", "tag"),
    ("name: Main program", "name: " + "[" * 5000, "yaml", "too many levels"),
    ("name: Main program", "name: Main program\n  name: Again", "duplicate_key", "twice"),
    ("calendar_through: 2026-12-31", "calendar_through: 2026-02-31", "day", "2026-02-31"),
    ("calendar_through: 2026-12-31", "calendar_through: soon", "type", "soon"),
    ("frequency: biweekly", "frequency: fortnightly", "type", "fortnightly"),
    ("level: 10", "level: ten", "type", "ten"),
    ("level: 10", "level: 10.5", "type", "10.5"),
    ("level: 10", "level: 100000", "size", "100000"),
    ("waive: allowed", "waived: allowed", "unknown_key", "`waived`"),
    ("maximum: 50000", "maximum: 50000.125", "decimals", "50000.125"),
    ("maximum: 50000", "maximum: -1", "negative", "-1"),
    ("maximum: 50000", "maximum: NaN", "size", "NaN"),
    ("name: Main program", 'name: "Main\\0program"', "text", "x00"),
    ("name: Main program", "name: 7", "type", "7"),
    ("name: Main program", "name:", "type", "nothing"),
    ("name: Main program", "nom: Main program", "unknown_key", "nom"),
    ("calendar_through: 2026-12-31", "check_lag_days: 5", "missing", "none"),
]


@pytest.mark.parametrize(("old", "new", "code", "found"), YAML_FAULTS)
def test_faulty_yaml_is_a_finding_with_its_line(tmp_path, old, new, code, found):
    folder = make_client(tmp_path)
    at = 1 + next(i for i, line in enumerate((folder / "setup.yaml").read_text().splitlines()) if old in line)
    reading = read(replaced(folder, old, new))
    assert reading.bundle is None
    finding = reading.findings[0]
    assert (finding.code, finding.file) == (code, "setup.yaml")
    assert abs(finding.line - at) <= (8 if code == "missing" else 1)
    assert re.search(found, finding.found)
    assert finding.expected
    assert finding.cure
    assert len(reading.findings) == (2 if "nom:" in new else 1)


def test_many_faults_are_listed_at_once_and_consequences_are_not(tmp_path):
    folder = make_client(tmp_path)
    replaced(folder, "level: 10", "level: ten")
    replaced(folder, "calendar_through: 2026-12-31", "calendar_through: 2026-13-01")
    replaced(folder, "frequency: biweekly", "frequency: 3")
    replaced(folder, "name: Full time", "nome: Full time")
    found = [(finding.where, finding.code) for finding in read(folder).findings]
    assert sorted(found) == [
        ("eligibility_rules[FULL]", "missing"),
        ("eligibility_rules[FULL]", "unknown_key"),
        ("pay_groups[BW].frequency", "type"),
        ("programs[MAIN].plan_types[10].options[HMO].level", "type"),
        ("setup.yaml", "day"),
    ]


def test_an_unknown_key_suggests_what_was_meant(tmp_path):
    finding = read(replaced(make_client(tmp_path), "waive: allowed", "waived: allowed")).findings[0]
    assert finding.cure == "Did you mean `waive`?"
    assert finding.where == "programs[MAIN].plan_types[10]"


def test_a_number_for_text_asks_for_quotes(tmp_path):
    finding = read(replaced(make_client(tmp_path), "name: Main program", "name: 2026")).findings[0]
    assert finding.cure == "Put the value in quotes."


def test_an_unknown_person_type_names_the_allowed_ones(tmp_path):
    folder = replaced(make_peo(tmp_path), "EE:", "EX:", "codes.yaml")
    finding = read(folder).findings[0]
    assert finding.where == "coverage_codes[1].persons"
    assert "SP" in finding.expected
    assert finding.found == "EX"


def test_missing_and_repeated_sections(tmp_path):
    folder = make_client(tmp_path)
    replaced(folder, "companies:", "compagnies:", "codes.yaml")
    (folder / "more.yaml").write_text("bundle: {kind: client, code: x, name: X}\n")
    codes = sorted(finding.code for finding in read(folder).findings)
    assert codes == ["missing", "sections", "unknown_key"]


@pytest.mark.parametrize(
    "text", ["", "- a list\n", "just text\n", "programs: []\n", "\x00\x01", "bundle: 3\n"]
)
def test_files_that_are_no_bundle(tmp_path, text):
    (tmp_path / "one.yaml").write_text(text)
    reading = read(tmp_path)
    assert reading.bundle is None
    assert reading.findings


def test_a_file_that_is_not_utf8_is_a_finding(tmp_path):
    folder = make_client(tmp_path)
    (folder / "more.yaml").write_bytes(b"name: \xff\xfe caf\xe9\n")
    finding = read(folder).findings[0]
    assert (finding.code, finding.file) == ("yaml", "more.yaml")


def test_no_folder_is_a_finding(tmp_path):
    assert [finding.code for finding in read(tmp_path / "nowhere").findings] == ["folder"]


CSV_FAULTS = [
    ("hmo,R1,30,310.25", "hmo,R1,30,310.2512345", 3, "cell", "310.2512345"),
    ("hmo,R1,30,310.25", "hmo,R1,30,", 3, "cell", "nothing"),
    ("hmo,R1,30,310.25", "hmo,R1,thirty,310.25", 3, "cell", "thirty"),
    ("hmo,R1,30,310.25", "hmo,R1,30,-1", 3, "cell", "-1"),
    ("hmo,R1,30,310.25", "hmo,R1,30", 3, "cells", "3"),
    ("hmo,R1,30,310.25", "hmo,R1,30,1,2", 3, "cells", "5"),
    ("table,area,age_from,rate", "table,area,age,rate", 1, "column", "`age`"),
    ("table,area,age_from,rate", "table,area,age_from,area", 1, "column", "none"),
]


@pytest.mark.parametrize(("old", "new", "line", "code", "found"), CSV_FAULTS)
def test_faulty_csv_is_a_finding_with_its_line(tmp_path, old, new, line, code, found):
    folder = make_peo(tmp_path)
    (folder / "premiums.csv").write_text(PREMIUMS.replace(old, new))
    reading = read(folder)
    assert reading.bundle is None
    finding = reading.findings[0]
    assert (finding.file, finding.line, finding.code) == ("premiums.csv", line, code)
    assert found in finding.found


def test_an_endless_cell_is_a_finding(tmp_path):
    folder = make_peo(tmp_path)
    (folder / "premiums.csv").write_text('table,rate\n"' + "x" * 200_000)
    assert [finding.code for finding in read(folder).findings] == ["csv"]


def test_a_zip_with_a_blank_before_it_is_reported_not_guessed(tmp_path):
    folder = make_peo(tmp_path)
    (folder / "zips.csv").write_text(ZIPS.replace("01002,R1", " 01002,R1"))
    finding = read(folder).findings[0]
    assert (finding.line, finding.found) == (3, "` 01002`")


@pytest.mark.parametrize("name", ["missing.csv", "../outside.csv", "/etc/passwd"])
def test_a_file_that_is_not_in_the_folder_is_a_finding(tmp_path, name):
    folder = replaced(make_peo(tmp_path), "file: premiums.csv", f"file: {name}")
    finding = read(folder).findings[0]
    assert (finding.code, finding.where) == ("file", "rate_tables[hmo].file")
    assert finding.line == line_of(folder, f"  file: {name}")
