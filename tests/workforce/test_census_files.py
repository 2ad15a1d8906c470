"""Files as people make them: headings, sheets, dates and zeros; each broken one with its message."""

from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from openbenefits.workforce import census
from openbenefits.workforce.census import cells, columns

FILES = Path(__file__).parents[1] / "files/census"
HEADINGS = ["EE #", "First Name", "Last Name", "DOB", "Date of Hire", "Zip Code", "Annual Salary"]
BROKEN = {
    "empty.csv": "the file is empty",
    "headings_only.csv": "no rows below them",
    "no_birth_date.csv": "expected headings for birth_date, found",
    "too_many_cells.csv": "row 3: expected at most 5 cells, found 6",
    "heading_twice.csv": "the heading DOB stands twice",
    "two_headings_for_one.csv": "two headings stand for birth_date",
    "not_utf8.csv": "save as `CSV UTF-8`",
    "data_without_heading.csv": "column D holds data but has no heading",
    "not_a_workbook.xlsx": "the workbook cannot be read",
    "absent.csv": "cannot be read",
    "open_quote.csv": "a double quote is never closed|no rows below",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_says_what_to_change(name):
    with pytest.raises(census.CensusRefused, match=BROKEN[name]) as refusal:
        census.read(FILES / name)
    assert str(refusal.value).startswith(name)
    assert "123-45-6789" not in str(refusal.value)


@pytest.mark.parametrize("name", ["semicolons.csv", "title_and_blank_rows.csv", "short_title.csv"])
def test_what_is_read_all_the_same(name):
    found = census.read(FILES / name).cells
    assert found["employee_number"].to_list() == ["1001", "1002"]
    assert found["last_name"].to_list() == ["Moss, Jr.", "Hill"]


def workbook(folder, fill, name="census.xlsx"):
    file = folder / name
    with xlsxwriter.Workbook(file) as book:
        fill(book)
    return file


def test_excel_dates_numbers_and_zeros(tmp_path):
    def fill(book):
        book.add_worksheet("notes")
        sheet, day = book.add_worksheet("people"), book.add_format({"num_format": "mm/dd/yyyy"})
        sheet.merge_range(0, 0, 0, 4, "Census of Acme")
        sheet.write_row(2, 0, HEADINGS)
        sheet.write_row(3, 0, [1001, "Ada", "Moss", 29221, "3/1/2010", 2139, 52000.1])
        sheet.write_row(5, 0, ["1002", "Bo", "Hill", "", "2010-03-01", "02139-1234", "$52,000"])
        sheet.write_datetime(5, 3, datetime(1980, 1, 1), day)

    found = census.read(workbook(tmp_path, fill)).cells
    values = cells.values_of(found)
    assert values["row"].to_list() == [4, 6]
    assert values["employee_number"].to_list() == ["1001", "1002"]
    assert values["birth_date"].to_list() == [date(1980, 1, 1)] * 2
    assert values["hire_date"].to_list() == [date(2010, 3, 1)] * 2
    assert values["zip"].to_list() == ["02139"] * 2
    assert values["annual_pay"].to_list() == [5_200_010, 5_200_000]
    assert cells.padded(found).select("row", "column").rows() == [(4, "zip")]


def test_a_merged_heading_over_two_columns_is_refused(tmp_path):
    def fill(book):
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADINGS)
        sheet.merge_range(0, 7, 0, 8, "State")
        sheet.write_row(1, 0, ["1", "Ada", "Moss", "1980-01-02", "2010-03-01", "02139", 1, "MA", "x"])

    with pytest.raises(census.CensusRefused, match="column I holds data but has no heading; unmerge"):
        census.read(workbook(tmp_path, fill))


def test_an_empty_workbook(tmp_path):
    with pytest.raises(census.CensusRefused, match="the file is empty"):
        census.read(workbook(tmp_path, lambda book: book.add_worksheet()))


def test_two_sheets_of_people(tmp_path):
    def fill(book):
        for name in "ab":
            book.add_worksheet(name).write_row(0, 0, HEADINGS)

    with pytest.raises(census.CensusRefused, match="2 sheets hold data"):
        census.read(workbook(tmp_path, fill))


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("birth_date", "02/31/1980", None),
        ("birth_date", "1/2/80", None),
        ("birth_date", "1980-01-02 00:00:00", date(1980, 1, 2)),
        ("birth_date", "29221.0", date(1980, 1, 1)),
        ("annual_pay", "52000.123", None),
        ("annual_pay", "52,000.50", 5_200_050),
        ("annual_pay", "52000.300000000003", 5_200_030),
        ("annual_pay", "fifty", None),
        ("annual_pay", "99999999999999", None),
        ("annual_pay", "-0.01", -1),
        ("weekly_hours", "37.5", 3750),
        ("ssn", "123-45-678", "012345678"),
        ("ssn", "123456", None),
        ("ssn", "000-00-0000", None),
        ("zip", "2139", "02139"),
        ("zip", "213", None),
        ("zip", "021391234", "02139"),
        ("state", "ma", "MA"),
        ("state", "Mass", None),
        ("smoker", "maybe", None),
        ("smoker", "Yes", True),
        ("sex", "female", "F"),
        ("job_number", "1.0", 1),
        ("job_number", "-1", None),
        ("relationship", "Wife", "SP"),
        ("employee_number", "1001.0", "1001"),
        ("employee_number", "0012", "0012"),
    ],
)
def test_cells(column, text, value):
    row = dict.fromkeys(columns.COLUMNS, pl.String)
    given = pl.DataFrame({name: [text if name == column else None] for name in row}, row)
    found = cells.values_of(given.with_row_index("row").with_columns(pl.col("row").cast(pl.Int32)))
    assert found[column].item() == value


def test_headings():
    found = columns.recognise([*HEADINGS, "Shoe size", "Employee ID #"])
    assert found.found["EE #"] == "employee_number"
    assert list(found.unknown) == ["Shoe size"]
    assert list(found.twice) == ["employee_number"]
    mapped = columns.recognise(["Shoe size"], {"shoe SIZE": "employee_class"})
    assert dict(mapped.found) == {"Shoe size": "employee_class"}


def test_mapping_files(tmp_path):
    file = tmp_path / "map.yaml"
    file.write_text("Shoe size: employee_class\n")
    assert columns.read_mapping(file) == {"Shoe size": "employee_class"}
    for text, said in {
        "a: [": "line 2: this is not YAML",
        "- a": "found list",
        "a: shoe": "shoe is no census column",
    }.items():
        file.write_text(text + "\n")
        with pytest.raises(ValueError, match=said):
            columns.read_mapping(file)
