"""Reports in the workbench: narrowed, shown, saved; never another client's row."""

import json
from io import BytesIO

import pytest
from pypdf import PdfReader
from tests.accounts.conftest import owner
from tests.faces.conftest import LENIENT, look, sign_in, signed_in, text

from openbenefits.reports.services import REPORTS

__all__ = ["owner"]

NEEDED = {"AGE-OUTS": "&through=2026-12-31&as_of=2026-01-01", "GTL": "&as_of=2026-12-31"}


@LENIENT
@pytest.mark.parametrize("code", REPORTS)
def test_every_report_is_shown_of_one_client_alone(browser, users, code):
    mine = signed_in(browser, users["everywhere"])
    assert "Show the report" in text(mine.get(f"/workbench/harbor/reports/{code}/"))
    page = mine.get(f"/workbench/harbor/reports/{code}/?show=1{NEEDED.get(code, '')}")
    assert page.status_code == 200, text(page)
    assert "Q0000" not in page.content.decode()


@LENIENT
def test_a_report_is_narrowed_sorted_and_saved(browser, users, pair, owner):
    mine = signed_in(browser, users["specialist"])
    where = "/workbench/harbor/reports/BAS027/?show=1"
    assert "1–12 of 12" in text(mine.get(where))
    assert "no rows" in text(mine.get(f"{where}&status=PE"))
    assert "1–12 of 12" in text(mine.get(f"{where}&status=FE&status=FA"))
    assert "H000001" in mine.get(f"{where}&s0.export=csv").content.decode()
    data = json.loads(mine.get(f"{where}&file=json").content)
    assert len(data["Process status"]) == 12
    pdf = PdfReader(BytesIO(mine.get(f"{where}&file=pdf&status=FE").content))
    assert "Status: FE" in pdf.pages[0].extract_text()
    noted = owner.execute("SELECT client_id FROM accounts_auditentry WHERE what = 'report BAS027'").fetchall()
    assert set(noted) == {(pair[0].client_id,)}


@LENIENT
def test_what_cannot_be_is_said_in_words(browser, users):
    mine = signed_in(browser, users["specialist"])
    wrong = mine.get("/workbench/harbor/reports/AGE-OUTS/?show=1")
    assert (wrong.status_code, "name its last one" in text(wrong)) == (422, True)
    assert mine.get("/workbench/harbor/reports/BAS027/?show=1&schedule=999999").status_code == 422
    assert mine.get("/workbench/harbor/reports/NOTHING/").status_code == 404
    assert mine.get("/workbench/quill/reports/BAS027/?show=1").status_code == 404


@LENIENT
def test_who_may_not_see_personal_data_reads_years(browser, users):
    """The auditor sees neither birth dates nor addresses."""
    where = "reports/BAS007/?show=1&s0.export=csv"
    full = signed_in(browser, users["specialist"]).get(f"/workbench/harbor/{where}").content.decode()
    less = signed_in(browser, users["everywhere"]).get(f"/workbench/harbor/{where}").content.decode()
    assert full.count("\n") == less.count("\n")
    born = full.splitlines()[0].split(",").index("Born")
    days = [line.split(",")[born + 2] for line in full.splitlines()[1:]]  # names hold a comma
    assert full != less or not days
    labels = signed_in(browser, users["everywhere"]).get("/workbench/harbor/reports/BAS002/?show=1")
    assert "Line1" not in text(labels)


def test_they_read_well(page, site):
    sign_in(page, site, "specialist")
    page.wait_for_url(f"{site}/**")
    for path in ("reports/", "reports/BAS001/", "reports/BAS003/?show=1", "reports/BAS027/?show=1&status=FE"):
        page.goto(f"{site}/workbench/harbor/{path}")
        look(page, path)
