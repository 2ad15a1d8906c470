"""The report builder: built without scripts, shown, kept, shared, saved as files, sent by mail."""

from io import BytesIO

import pytest
from pypdf import PdfReader
from tests.accounts.conftest import owner
from tests.faces.conftest import LENIENT, check, look, sign_in, signed_in, text, wide

__all__ = ["owner"]

HERE = "/workbench/harbor/builder"
NAMES = {
    "subject": "people",
    "column": ["employee_number", "last_name", "job_status"],
    "condition0": "job_status",
    "operator0": "is",
    "value0": "Active",
    "sort0": "last_name",
    "way0": "down",
}


@LENIENT
def test_a_report_is_built_shown_kept_and_opened_by_others(browser, users, owner):
    mine = signed_in(browser, users["specialist"])
    assert "Who has elected at renewal, who has not" in text(mine.get(f"{HERE}/"))
    assert "Columns" in text(mine.get(f"{HERE}-edit/?subject=people"))
    shown = mine.post(f"{HERE}-edit/", NAMES | {"do": "show"})
    assert "H000004" in text(shown), text(shown)
    assert "of 12, as of" in text(shown)
    kept = mine.post(
        f"{HERE}-edit/", NAMES | {"do": "save", "name": "Who works here", "is_shared": "on"}, follow=True
    )
    assert kept.redirect_chain, text(kept)
    assert "Who works here" in text(kept)
    where = kept.redirect_chain[-1][0]
    other = signed_in(browser, users["everywhere"])
    assert "H000001" in text(other.get(where))
    assert other.get(where.replace("harbor", "quill")).status_code == 404
    copied = other.get(f"{HERE}-edit/?key={where.rstrip('/').rpartition('/')[2]}").content.decode()
    assert "Who works here" in copied
    query = owner.execute("SELECT query FROM adhoc_savedreport WHERE name = 'Who works here'").fetchone()[0]
    assert query["filters"] == [{"field": "job_status", "operator": "is", "values": ["A"]}]


@LENIENT
def test_groups_are_counted_and_drawn(browser, users):
    mine = signed_in(browser, users["specialist"])
    asked = {
        "subject": "people",
        "group0": "department",
        "chart": "bar",
        "label": "department",
        "amount": "count",
    }
    shown = mine.post(f"{HERE}-edit/", asked | {"do": "show"})
    assert "PLANT" in text(shown)
    assert b"<figure" in shown.content
    part = mine.post(f"{HERE}-edit/", asked, HTTP_HX_REQUEST="true")
    assert b"<html" not in part.content
    assert b"<figure" in part.content


@LENIENT
def test_a_report_is_saved_as_a_file(browser, users):
    mine = signed_in(browser, users["specialist"])
    where = f"{HERE}/renewal-elections/"
    assert mine.get(f"{where}?export=csv").content.decode().startswith("Client,Schedule,Has elected")
    assert mine.get(f"{where}?export=xlsx").content[:2] == b"PK"
    pdf = PdfReader(BytesIO(mine.get(f"{where}?export=pdf").content))
    assert "Kind of schedule: is O" in pdf.pages[0].extract_text()
    assert "H000001" in pdf.pages[0].extract_text()


WRONG = [
    ({"subject": "people"}, "expected at least one column"),
    (NAMES | {"value0": "Nonsense"}, "expected one of A, L"),
    (NAMES | {"operator0": "contains"}, "expected one of is,"),
    (NAMES | {"sort0": "age"}, "expected to sort by one of"),
    (NAMES | {"do": "save", "name": ""}, "a name of 1 to 100"),
    (NAMES | {"as_of": "x"}, "as the builder makes it"),
    (NAMES | {"do": "save", "name": "x", "key": "1234"}, "expected a report of your own"),
]


@LENIENT
@pytest.mark.parametrize(("asked", "told"), WRONG)
def test_what_does_not_fit_is_said_in_words_and_the_form_is_there_again(browser, users, asked, told):
    mine = signed_in(browser, users["specialist"])
    answer = mine.post(f"{HERE}-edit/", asked)
    assert (answer.status_code, told in text(answer)) == (422, True), text(answer)
    assert "Keep it" in text(answer)
    assert mine.post(f"{HERE}-edit/", {"subject": "secrets"}).status_code == 404
    assert mine.get(f"{HERE}/99999/").status_code == 404


@LENIENT
def test_a_report_is_ordered_by_mail_and_removed(browser, users, owner):
    mine = signed_in(browser, users["specialist"])
    kept = mine.post(f"{HERE}-edit/", NAMES | {"do": "save", "name": "Weekly"}, follow=True)
    where = kept.redirect_chain[-1][0]
    sent = mine.post(f"{where}mail", {"do": "begin", "every": "week", "begins_on": "2026-03-02"}, follow=True)
    assert "Every week, next on 2026-03-02" in text(sent)
    again = mine.post(f"{where}mail", {"do": "begin", "every": "", "begins_on": ""}, follow=True)
    assert "expected how often" in text(again)
    ended = mine.post(f"{where}mail", {"do": "end"}, follow=True)
    assert "How often" in text(ended)
    assert "is removed" in text(mine.post(f"{where}remove", follow=True))
    assert mine.get(where).status_code == 404


def test_they_read_well(page, site):
    sign_in(page, site, "specialist")
    page.wait_for_url(f"{site}/**")
    for path in (
        "builder/",
        "builder/renewal-progress/",
        "builder/renewal-elections/",
        "builder-edit/?key=enrolled-by-plan",
    ):
        page.goto(f"{site}/workbench/harbor/{path}")
        look(page, path)


def test_the_result_follows_what_is_chosen_without_a_button(page, site):
    wide(page, "desk")
    sign_in(page, site, "specialist")
    page.wait_for_url(f"{site}/**")
    page.goto(f"{site}/workbench/harbor/builder-edit/?subject=people")
    page.get_by_label("Location", exact=True).first.check()
    page.locator("#preview table").wait_for()
    page.locator("#group0").select_option("department")
    page.locator("#preview th", has_text="Rows").wait_for()
    check(page, "previewed")
