"""Carriers' rate sheets: both layouts, real CSV and XLSX files, and every typical fault with its row and column."""

import hashlib
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xlsxwriter import Workbook

from openbenefits.programs import services
from openbenefits.programs.audit import audit
from openbenefits.programs.ratesheets import importing
from openbenefits.programs.reader import read
from openbenefits.reports.files import write_csv, write_xlsx
from openbenefits.sample import SAMPLE_FOLDER

from .factories import DATED, make_peo

NEXT = date(2027, 1, 1)
TIERED = {
    **DATED,
    "code": "tiered",
    "keys": ["coverage_code"],
    "rates": [{"coverage_code": "1", "rate": 100}, {"coverage_code": "4", "rate": 300}],
}


def folder_of(folder: Path) -> Path:
    return make_peo(folder / "peo", rate_tables=lambda section: section.append(TIERED))


def order(folder: Path, sheet: Path, **changes: Any) -> importing.RateOrder:
    given = {
        "folder": folder,
        "table": "hmo",
        "sheet": sheet,
        "valid_from": NEXT,
        "source": "Rate letter of 1 October",
    }
    return importing.RateOrder(**(given | changes))


def csv_file(folder: Path, text: str, name: str = "sheet.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def book(folder: Path, sheets: dict[str, list[list[Any]]], name: str = "sheet.xlsx") -> Path:
    path = folder / name
    with Workbook(path) as workbook:
        for title, rows in sheets.items():
            worksheet = workbook.add_worksheet(title)
            for number, row in enumerate(rows):
                worksheet.write_row(number, 0, row)
    return path


def previewed(tmp_path: Path, text: str, **changes: Any) -> importing.RatePreview:
    return importing.preview_rates(order(folder_of(tmp_path), csv_file(tmp_path, text), **changes))


GOOD = "age,area,rate\n0-29,R1,210.10\n30+,R1,325.25\n0-29,R2,205\n30+,R2,331.27\n"


def test_a_long_sheet_shows_what_changes(tmp_path):
    found = previewed(tmp_path, GOOD)
    assert [finding.sentence() for finding in found.findings] == []
    assert [found.changes.count(one) for one in ("new", "changed", "gone", "same")] == [0, 3, 0, 1]
    assert (found.changes.smallest, found.changes.largest) == (483, 500)
    assert not list((tmp_path / "peo").glob("rates-*"))


WIDE = [
    "Age,Area R1,Area R2\n0-29,210.10,205\n30+,325.25,331.27\n",
    "Rating sheet 2027,,\n\nAge band,r1,R2\nunder 30,$210.10,$205.00\n30 and over,$325.25,$331.27\n",
]


@pytest.mark.parametrize("text", WIDE)
def test_a_wide_sheet_says_the_same(tmp_path, text):
    long, wide = previewed(tmp_path / "a", GOOD), previewed(tmp_path / "b", text)
    assert [finding.sentence() for finding in wide.findings] == []
    assert wide.changes.rows.equals(long.changes.rows)


@pytest.fixture(autouse=True)
def _folders(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()


def test_a_workbook_with_a_column_for_each_tier(tmp_path):
    path = book(tmp_path, {"2027": [["Employee", "Family"], [110.5, 330.3]]})
    found = importing.preview_rates(order(folder_of(tmp_path), path, table="tiered"))
    assert [finding.sentence() for finding in found.findings] == []
    assert found.changes.rows["new_micros"].to_list() == [110_500_000, 330_300_000]
    assert found.changes.rows["percent_hundredths"].to_list() == [1050, 1010]


def checksums(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_applying_adds_two_files_and_touches_no_other(tmp_path):
    folder = folder_of(tmp_path)
    before = checksums(folder)
    found = importing.preview_rates(order(folder, csv_file(tmp_path, GOOD)))
    assert checksums(folder) == before
    paths = importing.apply_rates(found)
    after = checksums(folder)
    assert {name: after[name] for name in before} == before
    assert sorted(after.keys() - before.keys()) == sorted(path.name for path in paths)
    bundle = read(folder).bundle
    assert audit(bundle) == []
    new = next(part for part in bundle.parts.rate_tables if part.code == "hmo" and part.valid_from == NEXT)
    assert (new.keys, new.per_member, new.geography, new.source) == (
        ["area", "age"],
        True,
        "areas",
        "Rate letter of 1 October",
    )
    rates = bundle.rates.filter(table="hmo", valid_from=NEXT).sort("area", "age_from")["rate_micros"]
    assert rates.to_list() == [210_100_000, 325_250_000, 205_000_000, 331_270_000]


def test_the_same_sheet_again_writes_the_same_files(tmp_path):
    folder = folder_of(tmp_path)
    for _ in range(2):
        found = importing.preview_rates(order(folder, csv_file(tmp_path, GOOD)))
        importing.apply_rates(found)
        sums = checksums(folder)
    importing.apply_rates(importing.preview_rates(order(folder, csv_file(tmp_path, GOOD))))
    assert checksums(folder) == sums


def test_the_difference_of_the_folder_is_that_of_the_sheet(fresh_database, tmp_path):
    from .test_services import NOW

    folder = folder_of(tmp_path)
    services.apply(folder, client_id=0, applied_by="a", now=NOW)
    importing.apply_rates(importing.preview_rates(order(folder, csv_file(tmp_path, GOOD))))
    found = services.diff(folder).differences
    assert {one.change for one in found} == {"added"}
    assert sum(one.path.endswith(".rate") for one in found) == 4


FAULTS = [
    ("age,area,rate\n0-29,R1,1\n", "hmo", None),
    # the five typical ones
    ("coverage_code,rate\n1,110\n", "missing_tier", "sheet.csv", "tiered"),
    (GOOD.replace("30+,R2", "35+,R2"), "gap", "row 5, column C (rate)"),
    (GOOD.replace("0-29,R2", "5-29,R2"), "gap", "row 4, column C (rate)"),
    (GOOD.replace("30+,R2", "30-64,R2"), "gap", "row 5, column C (rate)"),
    (GOOD.replace("0-29,R2", "0-39,R2"), "overlap", "row 5, column C (rate)"),
    (GOOD.replace("205", "4.5%"), "percent", "row 4, column C (rate)"),
    (GOOD.replace("210.10", "0.97").replace("325.25", "1").replace("205", "1.1").replace("331.27", "1.2"), "percent", "row 2, column C (rate)"),
    ("Rates for 2026\n" + GOOD, "plan_year", "sheet.csv, above row 3"),
    (GOOD.replace("325.25", "3252.5"), "outlier", "row 3, column C (rate)"),
    (GOOD.replace("325.25", "32.525"), "outlier", "row 3, column C (rate)"),
    # and the others
    (GOOD + "30+,R1,325\n", "duplicate", "row 6, column C (rate)"),
    (GOOD.replace("R2,205", "R3,205"), "unknown_area", "row 4, column B (area)"),
    ("coverage_code,rate\n1,110\n7,330\n", "unknown_tier", "row 3, column A (coverage_code)", "tiered"),
    (GOOD.replace(",205", ","), "blank", "row 4, column C (rate)"),
    (GOOD.replace("30+,R1", ",R1"), "blank", "row 3, column A (age)"),
    (GOOD.replace("205", "-205"), "negative", "row 4, column C (rate)"),
    (GOOD.replace("205", "call us"), "not_a_number", "row 4, column C (rate)"),
    (GOOD.replace("205", "205.1234567"), "not_a_number", "row 4, column C (rate)"),
    (GOOD.replace("30+,R1", "adult,R1"), "not_a_key", "row 3, column A (age)"),
    ("age,rate\n0-29,1\n30+,2\n", "keys", "sheet.csv"),
    ("age,area,rate,colour\n0-29,R1,1,red\n", "heading", "headings, column D (colour)"),
    ("age,x,y\n0+,1,2\n", "layout", "sheet.csv, headings"),
    ("no headings here\n", "headings", "sheet.csv"),
    ("age,area,rate\n", "no_rates", "sheet.csv"),
    ("Age,R1,R9\n0-29,210,205\n30+,325,331\n", "unknown_area", "column C (R9)"),
]  # fmt: skip


@pytest.mark.parametrize("given", FAULTS[1:], ids=lambda given: given[1])
def test_a_fault_of_a_sheet_is_one_finding_with_its_place(tmp_path, given):
    text, code, where, *table = given
    found = previewed(tmp_path, text, table=table[0] if table else "hmo")
    assert [(finding.code, finding.where) for finding in found.findings] == [(code, where)]
    assert found.findings[0].cure
    assert not found.is_applicable
    with pytest.raises(ValueError, match="a sheet without faults"):
        importing.apply_rates(found)


def test_a_tier_left_out_in_one_area_is_named(tmp_path):
    table = {**DATED, "code": "both", "keys": ["area", "coverage_code"], "geography": "areas",
             "rates": [{"area": area, "coverage_code": tier, "rate": 100} for area in ("R1", "R2") for tier in "14"]}  # fmt: skip
    folder = make_peo(tmp_path / "peo", rate_tables=lambda section: section.append(table))
    text = "area,tier,rate\nR1,1,100\nR1,4,110\nR2,1,100\n"
    (found,) = importing.preview_rates(order(folder, csv_file(tmp_path, text), table="both")).findings
    assert (found.code, found.where, found.found) == ("missing_tier", "row 4, column C (rate)", "none for 4")


def test_a_second_sheet_is_refused_unless_one_is_named(tmp_path):
    rows = [
        ["age", "area", "rate"],
        ["0-29", "R1", 210.1],
        ["30+", "R1", 325.25],
        ["0-29", "R2", 205],
        ["30+", "R2", 331.27],
    ]
    path = book(tmp_path, {"Rates": rows, "Old": rows, "Empty": []})
    folder = folder_of(tmp_path)
    (found,) = importing.preview_rates(order(folder, path)).findings
    assert found.code == "file"
    assert "2 sheets with cells (Rates, Old)" in found.found
    assert importing.preview_rates(order(folder, path, sheet_name="Rates")).findings == []
    (none,) = importing.preview_rates(order(folder, path, sheet_name="New")).findings
    assert "no sheet New; there are Rates, Old, Empty" in none.found


def test_the_year_of_each_row_counts(tmp_path):
    text = GOOD.replace("age,area,rate", "age,area,rate,effective date").replace("\n", ",1/1/2027\n").replace(
        "effective date,1/1/2027", "effective date"
    )  # fmt: skip
    assert previewed(tmp_path / "a", text).findings == []
    wrong = text.replace("205,1/1/2027", "205,1/1/2026")
    (found,) = previewed(tmp_path / "b", wrong).findings
    assert (found.code, found.where, found.found) == (
        "plan_year",
        "row 4, column D (effective date)",
        "`1/1/2026`",
    )


def test_a_version_from_a_later_day_stands_in_the_way(tmp_path):
    (found,) = previewed(tmp_path, GOOD, valid_from=date(2025, 1, 1)).findings
    assert (found.code, found.where) == ("begins_late", "rate_tables[hmo from 2025-01-01]")


def test_a_file_that_is_no_sheet_is_one_finding(tmp_path):
    path = tmp_path / "sheet.xlsx"
    path.write_bytes(b"\x00\x01not a workbook")
    (found,) = importing.preview_rates(order(folder_of(tmp_path), path)).findings
    assert found.code == "file"


TABLES = [part.code for part in read(SAMPLE_FOLDER / "peo").bundle.parts.rate_tables]
KEYED = st.fixed_dictionaries(
    {
        "ages": st.lists(st.integers(1, 99), max_size=6, unique=True).map(lambda found: [0, *sorted(found)])
        | st.none(),
        "areas": st.lists(st.sampled_from(["R1", "R2"]), min_size=1, unique=True) | st.none(),
        "tiers": st.lists(st.sampled_from(["1", "4"]), min_size=1, unique=True) | st.none(),
        "smoker": st.booleans(),
        "rate": st.integers(1_000_000, 4_000_000),
        "format": st.sampled_from(["csv", "xlsx"]),
    }
)


@settings(max_examples=60)
@given(KEYED, st.data())
def test_sheet_to_table_to_sheet_is_the_identity(keyed, data):
    rows: list[dict[str, Any]] = [{}]
    keys = []
    for key, name, values in (
        ("age", "age_from", keyed["ages"]),
        ("area", "area", keyed["areas"]),
        ("coverage_code", "coverage_code", keyed["tiers"]),
        ("smoker", "smoker", [False, True] if keyed["smoker"] else None),
    ):
        if values:
            keys.append(key)
            rows = [{**row, name: value} for row in rows for value in values]
    rates = [{**row, "rate": (keyed["rate"] + number * 1237) / 1_000_000} for number, row in enumerate(rows)]
    table = {**DATED, "code": "drawn", "keys": keys, "geography": "areas", "rates": rates}
    over = data.draw(st.sampled_from([None, *(key for key in keys if key in ("area", "coverage_code"))]))
    with TemporaryDirectory() as name:
        folder = make_peo(Path(name) / "peo", rate_tables=lambda section: section.append(table))
        before = importing.table_as_sheet(folder, "drawn", None, over)
        path = Path(name) / f"sheet.{keyed['format']}"
        (write_xlsx if keyed["format"] == "xlsx" else write_csv)(path, {"rates": before})
        preview = importing.preview_rates(order(folder, path, table="drawn"))
        assert [finding.sentence() for finding in preview.findings] == []
        assert set(preview.changes.rows["change"]) == {"same"}
        importing.apply_rates(preview)
        after = importing.table_as_sheet(folder, "drawn", NEXT, over)
        assert after.sort(after.columns).equals(before.select(after.columns).sort(after.columns))


@pytest.mark.parametrize("table", sorted({TABLES[0], "SAMPLE-SUPP-LIFE", "SAMPLE-HDHP", "SAMPLE-BASIC-LIFE"}))
@pytest.mark.parametrize("over", [None, "area"])
def test_the_samples_tables_come_back_as_they_went(tmp_path, table, over):
    import shutil

    folder = shutil.copytree(SAMPLE_FOLDER / "peo", tmp_path / "peo")
    part = max(
        (one for one in read(folder).bundle.parts.rate_tables if one.code == table),
        key=lambda one: one.valid_from,
    )
    if over and over not in part.keys:
        with pytest.raises(ValueError, match="a key to lay out by column"):
            importing.table_as_sheet(folder, table, None, over)
        return
    sheet = importing.table_as_sheet(folder, table, None, over)
    path = tmp_path / "sheet.csv"
    write_csv(path, {"rates": sheet})
    preview = importing.preview_rates(order(folder, path, table=table))
    assert [finding.sentence() for finding in preview.findings] == []
    assert preview.changes.rows.filter(pl.col("change") != "same").is_empty()
    assert (
        preview.changes.rows.height
        == read(folder).bundle.rates.filter(table=table, valid_from=part.valid_from).height
    )


@settings(max_examples=80)
@given(
    st.binary(max_size=120) | st.text('age,rt0159.\n"+-% R', max_size=120).map(str.encode),
    st.sampled_from(["csv", "xlsx"]),
)
def test_any_bytes_are_read_without_a_traceback(given, ending):
    with TemporaryDirectory() as name:
        path = Path(name) / f"sheet.{ending}"
        path.write_bytes(given)
        found = importing.preview_rates(order(folder_of(Path(name)), path))
        assert found.is_applicable == (not found.findings)


def test_a_table_that_states_the_employers_part_is_not_overwritten(tmp_path):
    table = {**DATED, "code": "both", "rates": [{"rate": 100, "employer_rate": 60}]}
    folder = make_peo(tmp_path / "peo", rate_tables=lambda section: section.append(table))
    (found,) = importing.preview_rates(
        order(folder, csv_file(tmp_path, "rate\n110\n"), table="both")
    ).findings
    assert (found.code, found.where) == ("employer_rate", "rate_tables[both from 2027-01-01]")


FACTORS = [
    ({"curve": "C"}, "`curve`"),
    ({"tiers": {"1": 1, "4": 2}}, "`tiers`"),
    ({"tobacco_factor": 1.2, "keys": ["age"], "rates": [{"age_from": 0, "rate": 100}]}, "`tobacco_factor`"),
]


@pytest.mark.parametrize(("said", "found"), FACTORS)
def test_a_sheet_is_refused_for_a_table_that_is_written_out_by_factors(tmp_path, said, found):
    curves = [{**DATED, "code": "C", "factors": [{"age": 21, "factor": 1}]}]
    table = {**DATED, "code": "made", "rates": [{"rate": 100}], **said}
    folder = make_peo(tmp_path / "peo", age_curves=curves, rate_tables=lambda section: section.append(table))
    (tmp_path / "sheet.csv").write_text("rate\n110\n")
    preview = importing.preview_rates(order(folder, tmp_path / "sheet.csv", table="made"))
    assert not preview.is_applicable
    assert [(one.code, one.found) for one in preview.findings] == [("factors", found)]
