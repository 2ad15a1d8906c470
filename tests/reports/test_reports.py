"""Counts and listings: what they hold, cell by cell."""

from datetime import date

import fastexcel
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from rich.console import Console

from openbenefits.reports import listings, services, tables
from openbenefits.reports.services import ReportRefused, Selection

OE, EM = 900, 901
OF_SETUP = ("BAS701A", "BAS701B", "BAS703A", "BAS703B", "BEN733")


def make(world, code, **selection):
    return services.make_report(world.connection, code, Selection(**selection))


def lines(frame, *columns):
    return frame.select(columns).rows()


def shown(table):
    console = Console(width=200, no_color=True)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


@pytest.fixture
def world(passing_world):
    return passing_world


@pytest.fixture
def crowd(world, ann):
    """Ann (PR), Dan (EE, two messages), Eve (FA), Flo (FE, flagged), Gil (new, behind his open marriage)."""
    for number, first, last in (
        ("1002", "Dan", "Reed"),
        ("1003", "Eve", "Hall"),
        ("1004", "Flo", "Park"),
        ("1005", "Gil", "Bond"),
    ):
        world.person(
            number,
            first,
            last,
            department="Sales East" if number == "1002" else "Stores",
            address=number != "1003",
        )
    world.dan = world.event("1002", process_status="EE", option_notified_on=date(2025, 11, 3))
    world.offer(world.dan)
    world.message(
        world.dan, "BA1302", plan_type="10", option_id=12, expected="an option offered", found="BLUE-4"
    )
    world.message(
        world.dan, "BA1321", severity="W", number=2, plan_type="21", expected="evidence", found="none"
    )
    world.eve = world.event("1003", process_status="FA", event_status="C", program_id=None, preparation=0)
    world.message(world.eve, "BA1102", severity="W", expected="one program", found="none")
    world.event("1004", process_status="FE", event_status="C", is_out_of_sequence=True)
    world.gil = world.event(
        "1005",
        schedule_id=EM,
        event_class="MAR",
        event_number=1,
        event_on=date(2025, 10, 4),
        process_status="NT",
    )
    later = {"event_number": 2, "event_on": date(2025, 10, 20), "process_status": None, "event_status": "C"}
    world.event("1005", schedule_id=EM, event_class="TER", **later)
    return world


def test_statuses_are_counted_all_twelve_of_them(crowd):
    crowd.step(crowd.dan, 1, "AS")
    crowd.step(crowd.dan, 2, "PR", from_status="AS")
    crowd.step(crowd.dan, 3, "EE", from_status="PR", run_id=8)
    counts = services.status_counts(crowd.connection, [OE], run_id=7)
    assert counts.height == 13
    there = counts.filter((pl.col("standing") > 0) | (pl.col("passed") > 0))
    assert lines(there, "process_status", "standing", "passed", "open", "closed", "percent_final") == [
        ("AS", 0, 1, 0, 0, 50.0),
        ("PR", 1, 1, 1, 0, 50.0),
        ("FA", 1, 0, 0, 1, 50.0),
        ("EE", 1, 0, 1, 0, 50.0),
        ("FE", 1, 0, 0, 1, 50.0),
    ]
    text = shown(tables.status_table(counts))
    assert "options prepared" in text
    assert "Passed in this run" in text
    assert "Passed" not in shown(tables.status_table(services.status_counts(crowd.connection)))


def test_the_schedule_summary_has_a_line_per_schedule(crowd):
    summary = services.schedule_summary(crowd.connection)
    columns = ("schedule", "events", "open", "closed", "new", "NT", "FE", "out_of_sequence", "percent_final")
    assert lines(summary, *columns) == [
        ("OE26", 4, 2, 2, 0, 0, 1, 1, 50.0),
        ("EM", 2, 1, 1, 1, 1, 0, 0, 0.0),
    ]
    assert "50.0 %" in shown(tables.schedule_summary_table(summary))


def test_counts_of_nothing_are_empty(world):
    assert services.status_counts(world.connection, run_id=1).is_empty()
    assert services.schedule_summary(world.connection).is_empty()
    shown(tables.status_table(services.status_counts(world.connection)))


def test_eligible_participants(crowd):
    report = make(crowd, "BAS001", schedule_ids=(OE,))
    ann = report.main.filter(name="Moss, Ann", plan_type="10")
    assert lines(
        ann, "program", "option_code", "plan_name", "coverage_code", "is_electable", "is_default"
    ) == [
        ("HARBOR", "BLUE-1", "Blue Basic Saver", "1", True, True),
        ("HARBOR", "BLUE-4", "Blue Basic Saver", "4", True, False),
        ("HARBOR", "NHP-1", "Neighborhood Prime", "1", True, False),
        ("HARBOR", "NOMED", None, None, True, False),
    ]
    assert report.sheets["Programs"].rows() == [("OE26", "HARBOR", "Harbor benefits", 3, 3)]
    assert "Hall, Eve" not in report.main["name"]


@pytest.mark.parametrize("code", ["BAS001", "BAS027"])
def test_pages_of_a_report_together_are_the_report(crowd, code):
    whole = make(crowd, code).main
    paged = services.page_report(crowd.connection, code, Selection())
    listing = next(iter(paged.sheets.values()))
    assert (listing.height, listing.schema) == (whole.height, whole.schema)
    pages = [listing.slice(start, 4) for start in range(0, whole.height, 4)]
    assert_frame_equal(pl.concat(pages), whole)
    assert listing.slice(whole.height, 4).is_empty()


def test_labels_in_the_order_of_the_post(crowd):
    report = make(crowd, "BAS002", schedule_ids=(OE,))
    assert report.main.rows()[0] == (
        "harbor",
        "1001",
        "Ann Moss",
        "1001 Pier Street",
        "Salem, MA 01970",
        None,
    )
    assert lines(report.sheets["No address"], "employee_number", "name") == [("1003", "Eve Hall")]


def test_invalid_elections_by_person_and_by_cause(crowd):
    report = make(crowd, "BAS003", schedule_ids=(OE,))
    columns = ("name", "severity", "code", "message", "plan", "option_code", "expected", "found")
    assert lines(report.main, *columns) == [
        ("Hall, Eve", "warning", "BA1102", "Eligible for no program", None, None, "one program", "none"),
        (
            "Reed, Dan",
            "error",
            "BA1302",
            "The chosen option is not offered",
            "Medical",
            "BLUE-4",
            "an option offered",
            "BLUE-4",
        ),
        (
            "Reed, Dan",
            "warning",
            "BA1321",
            "Evidence of insurability required",
            "Supplemental life",
            None,
            "evidence",
            "none",
        ),
    ]
    assert lines(report.sheets["By cause"], "code", "people", "messages", "owner")[0] == (
        "BA1302",
        1,
        1,
        "election",
    )
    assert make(crowd, "BAS003", errors_only=True).main["code"].to_list() == ["BA1302"]


def test_missing_elections_count_n_of_m(crowd):
    crowd.election(crowd.dan, "BLUE-1")
    report = make(crowd, "BAS006", schedule_ids=(OE,), as_of=date(2025, 11, 13))
    assert lines(report.main, "name", "department", "outstanding", "of", "days_outstanding") == [
        ("Reed, Dan", "Sales East", 1, 3, 10),
        ("Moss, Ann", "Stores", 3, 3, None),
    ]
    assert report.main["plan_types"][0] == "Health care spending account (health FSA)"
    before = make(crowd, "BAS006", notified_before=date(2025, 11, 3)).main
    assert before.is_empty()


def test_dependents_with_current_and_new_elections(crowd, ann):
    point = crowd.coverage("1001", "BLUE-1", begins_on=date(2025, 6, 1))
    crowd.covers(point, crowd.husband)
    crowd.election(ann, "BLUE-4", dependents=[crowd.husband], submission=1)
    crowd.election(ann, "BLUE-4", dependents=[crowd.son], submission=2)
    crowd.message(ann, "BA1308", plan_type="10", dependent_id=crowd.son)
    report = make(crowd, "BAS007", schedule_ids=(OE,))
    columns = (
        "dependent_name",
        "person_type",
        "age",
        "is_enrolled_now",
        "action",
        "option_code",
        "has_error",
    )
    assert lines(report.main, *columns) == [
        ("Moss, Ben", "SP", 46, True, "T", "BLUE-4", False),
        ("Moss, Cal", "CH", 13, False, "E", "BLUE-4", True),
    ]
    assert make(crowd, "BAS007", errors_only=True).main["dependent_name"].to_list() == ["Moss, Cal"]


def test_ineligible_participants_of_open_enrolment_only(crowd):
    columns = ("name", "eligible_for", "job_status", "weekly_hours", "service_months", "age", "reason")
    assert lines(make(crowd, "BAS010").main, *columns) == [
        (
            "Hall, Eve",
            "no program",
            "A",
            40.0,
            129,
            45,
            "Eligible for no program: expected one program, found none",
        )
    ]
    with pytest.raises(ReportRefused, match="open enrolment"):
        make(crowd, "BAS010", schedule_ids=(EM,))


def test_process_status_with_its_filters(crowd):
    assert make(crowd, "BAS027").main["name"].to_list() == [
        *("Bond, Gil", "Bond, Gil", "Reed, Dan", "Hall, Eve", "Park, Flo", "Moss, Ann"),
    ]
    assert lines(
        make(crowd, "BAS027", department="sales*").main, "name", "process_status", "status_name"
    ) == [("Reed, Dan", "EE", "election error")]
    assert make(crowd, "BAS027", statuses=("FA", "FE")).main["name"].to_list() == ["Hall, Eve", "Park, Flo"]


def test_flagged_items(crowd):
    assert lines(make(crowd, "BAS008").main, "name", "flags") == [("Park, Flo", "out of sequence")]


def test_who_waits_and_why(crowd):
    columns = ("name", "event_class", "process_status", "days_waiting", "why", "holds_back", "later_events")
    assert lines(make(crowd, "WAITING", as_of=date(2025, 11, 6)).main, *columns) == [
        ("Bond, Gil", "MAR", "NT", 10, "notified", 1, "TER 2025-10-20")
    ]


@pytest.mark.parametrize("code", list(services.REPORTS))
def test_every_report_of_nothing_is_empty_and_can_be_saved(world, code, tmp_path):
    takes = services.REPORTS[code].options
    asked = {name: date(2026, 12, 31) for name in ("as_of", "through") if name in takes}
    report = make(world, code, **asked)
    if code not in OF_SETUP:  # which the world has
        assert all(frame.is_empty() for frame in report.sheets.values())
    assert services.save_report(report, csv=tmp_path / "report.csv", xlsx=tmp_path / "report.xlsx")
    assert services.report_tables(report, rows=5)


def test_reports_are_saved_whole(crowd, tmp_path):
    report = make(crowd, "BAS003")
    files = services.save_report(report, csv=tmp_path / "e.csv", xlsx=tmp_path / "e.xlsx")
    assert [file.name for file in files] == ["e.csv", "e-by-cause.csv", "e.xlsx"]
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(file.name for file in files)
    assert pl.read_csv(files[0]).height == 3
    book = fastexcel.read_excel(files[2])
    assert book.sheet_names == ["People", "By cause"]
    assert book.load_sheet("People").to_polars()["Code"].to_list() == report.main["code"].to_list()


def test_no_cell_is_a_formula(crowd, tmp_path):
    crowd.person("1009", "=cmd|'/c calc'!A1", "-1+1")
    crowd.event("1009", schedule_id=EM)
    report = make(crowd, "BAS027", schedule_ids=(EM,))
    services.save_report(report, csv=tmp_path / "e.csv", xlsx=tmp_path / "e.xlsx")
    assert "'-1+1, =cmd" in (tmp_path / "e.csv").read_text()
    assert (
        "-1+1, =cmd|'/c calc'!A1"
        in fastexcel.read_excel(tmp_path / "e.xlsx").load_sheet(0).to_polars()["Name"].to_list()
    )


def test_what_is_refused_is_said(crowd):
    with pytest.raises(ReportRefused, match="there is no report BAS099; there are BAS001"):
        make(crowd, "BAS099")
    with pytest.raises(ReportRefused, match="leave out department"):
        make(crowd, "BAS001", department="Sales")
    with pytest.raises(ReportRefused, match="no schedule NEXT; there are harbor/EM, harbor/OE26"):
        services.find_schedules(crowd.connection, ["NEXT", "OE26"])
    assert services.find_schedules(crowd.connection, ["harbor/EM", "OE26"]) == (OE, EM)
    assert services.find_schedules(crowd.connection, []) is None


def test_wildcards_are_only_wildcards():
    frame = pl.DataFrame({"department": ["A.B", "AxB", "a.bc", None]})
    assert frame.filter(listings.matches("a.b", "department"))["department"].to_list() == ["A.B"]
    assert frame.filter(listings.matches("a?b*", "department"))["department"].to_list() == [
        "A.B",
        "AxB",
        "a.bc",
    ]
