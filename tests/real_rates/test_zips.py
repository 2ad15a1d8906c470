"""Zips as published, with their faults: each is a finding, none is guessed."""

from tests.programs.factories import make_peo

from openbenefits.core.codes import Severity
from openbenefits.programs.audit import audit
from openbenefits.programs.reader import read

from .setup import zip_lines

WITHOUT_AREA = (
    *("01026", "01070", "01081", "01366", "01367", "01378", "01477", "01517", "01580", "01582", "01654"),
    "02339",
)


def written(folder, lines):
    """Write the factories' PEO with the real zips as its rating areas."""

    def real(section):
        section[0]["file"] = "real.csv"

    def by_area(section):
        section[0].update(
            file=None, rates=[{"area": f"R-MA00{n}", "age_from": 0, "rate": 1} for n in range(1, 8)]
        )

    bundle = make_peo(folder, geographies=real, rate_tables=by_area)
    rows = "".join(f"{zip_code},{area}\n" for zip_code, area in lines)
    (bundle / "real.csv").write_text("zip,area\n" + rows)
    return read(bundle)


def test_blanks_around_a_zip_are_findings(tmp_path):
    reading = written(tmp_path, [(line["zip"], line["rating_area"]) for line in zip_lines()])
    assert reading.bundle is None
    assert [(one.code, one.file, one.line) for one in reading.findings] == [
        ("cell", "real.csv", number)
        for number, line in enumerate(zip_lines(), 2)
        if line["zip"] in (" 01070", "01367 ", "01378 ")
    ]
    assert len(reading.findings) == 3


def test_every_zip_without_exactly_one_area_is_named(tmp_path):
    reading = written(tmp_path, [(line["zip"].strip(), line["rating_area"]) for line in zip_lines()])
    assert reading.findings == []
    findings = [one for one in audit(reading.bundle) if one.where == "geographies[areas]"]
    assert [(one.code, one.severity) for one in findings] == [("zip_without_area", Severity.WARNING)]
    assert findings[0].found == "none for " + ", ".join(WITHOUT_AREA)


def test_a_zip_in_two_areas_is_an_error(tmp_path):
    lines = [(line["zip"].strip(), line["rating_area"]) for line in zip_lines()]
    reading = written(tmp_path, [*lines, ("01001", "R-MA002")])
    findings = [one for one in audit(reading.bundle) if one.code == "zip_twice"]
    assert [one.found for one in findings] == ["several for 01001"]
