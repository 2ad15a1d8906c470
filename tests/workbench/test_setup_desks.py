"""Rates from sheets and pay calendars on screen: looked at, kept in a draft, applied."""

import re
from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.accounts.conftest import as_face, pair
from tests.faces.conftest import browser, users
from tests.workbench.test_setup import HOME, as_owner, mine
from tests.workbench.test_setup import text as text_of

from openbenefits.programs.models import Bundle, Draft, PayGroup, PayPeriod, RateLayout

__all__ = ["as_face", "as_owner", "browser", "mine", "pair", "users"]

NOW = datetime(2026, 1, 20, tzinfo=UTC)
SHEET = "Age,Rate\n0-49,100\n50+,200.50\n"
GIVEN = {"table": "OWN-DENTAL", "valid_from": "2027-01-01", "source": "letter of the carrier", "draft": ""}
DESK = "/workbench/harbor/pay-calendars/"


def sent(mine, sheet: str, **given):
    file = SimpleUploadedFile(given.pop("name", "rates.csv"), sheet.encode())
    return mine.post(f"{HOME}rates/", GIVEN | {"file": file} | given, follow=True)


def kept(page) -> dict[str, str]:
    """What the page of a sheet keeps of it for the next click."""
    html = page.content.decode()
    found = dict(re.findall(r'<input type="hidden" name="([a-z0-9.]+)" value="([^"]*)"', html))
    return {name: value for name, value in found.items() if name != "csrfmiddlewaretoken"}


def test_a_sheet_is_looked_at_before_it_is_kept(mine, as_owner):
    before = as_owner(lambda: Draft.objects.count())
    page = sent(mine, SHEET)
    assert page.status_code == 200
    told = text_of(page)
    assert "ages or bands of ages" in told
    assert "200.5" in told
    assert as_owner(lambda: Draft.objects.count()) == before
    again = mine.post(f"{HOME}rates/", GIVEN | kept(page) | {"keep": "1"}, follow=True)
    assert "Rates of OWN-DENTAL from 2027-01-01" in text_of(again)
    draft = as_owner(lambda: Draft.objects.latest("id"))
    (record,) = draft.records
    assert (record["section"], record["key"]) == ("rate_tables", ["OWN-DENTAL", "2027-01-01"])
    assert list(draft.files) == ["rates-OWN-DENTAL-2027-01-01.csv"]
    applied = mine.post(f"{HOME}drafts/{draft.pk}/act", {"act": "apply", "reason": "new rates"}, follow=True)
    assert "is in force" in text_of(applied)
    risen = sent(mine, SHEET.replace("200.50", "2005"), valid_from="2028-01-01")
    assert risen.status_code == 422
    assert "Check the decimal point with the carrier" in text_of(risen)
    assert mine.post(f"{HOME}take-back", {"reason": "test"}).status_code == 302


FAULTS = {
    "missing tier": ("tier,rate\n1,100\n", {"table": "OWN-TIERS"}, "none for 4"),
    "overlap": ("age,rate\n0-30,100\n25+,200\n", {}, "each age in one band"),
    "gap": ("age,rate\n0-30,100\n40+,200\n", {}, "a band from 31"),
    "percent": ("age,rate\n0-30,10%\n31+,20%\n", {}, "a percentage"),
    "another year": ("age,rate 2025\n0+,100\n", {"name": "rates-2025.csv"}, "expected 2027"),
    "no numbers": ("age,rate\n0+,much\n", {}, "dollars with at most six decimals"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_sheet_is_refused_by_row_and_column(mine, fault):
    sheet, given, says = FAULTS[fault]
    if fault == "missing tier":
        first = sent(mine, "tier,rate\n1,100\n4,300\n", table="OWN-TIERS", valid_from="2026-01-01")
        chosen = mine.post(
            f"{HOME}rates/",
            GIVEN | {"table": "OWN-TIERS", "valid_from": "2026-01-01"} | kept(first) | {"keep": "1"},
        )
        given = given | {"draft": re.search(r"drafts/(\d+)/", chosen["Location"])[1]}
    page = sent(mine, sheet, **given)
    assert page.status_code == 422
    assert says in text_of(page)
    assert 'name="keep"' not in page.content.decode()


def test_what_columns_mean_is_remembered(mine, as_owner):
    sheet = "Years old,Monthly price,Remark\n0-49,100,a\n50+,200,b\n"
    page = sent(mine, sheet)
    assert page.status_code == 422
    given = kept(page) | {"means.0": "age", "means.1": "rate", "means.2": ""}
    seen = mine.post(f"{HOME}rates/", GIVEN | given)
    assert seen.status_code == 200, text_of(seen)
    mine.post(f"{HOME}rates/", GIVEN | given | {"keep": "1"})
    layout = as_owner(lambda: RateLayout.objects.get())
    assert layout.headings == {"Years old": "age", "Monthly price": "rate", "Remark": ""}
    assert sent(mine, sheet).status_code == 200


def test_a_table_is_given_as_the_sheet_it_is_taken_from(mine):
    answer = mine.get("/workbench/peo/set-up/rates/sheet/42690MA1300038-01/?from=2025-01-01")
    lines = answer.content.decode().splitlines()
    assert lines[0] == "age,area,rate"
    assert "0-14,R-MA001,189.92" in lines


def test_a_sheet_needs_a_file_a_day_and_a_source(mine):
    page = mine.post(f"{HOME}rates/", {"table": "X"})
    assert page.status_code == 422
    assert "choose the carrier" in text_of(page)
    assert text_of(page).count("This field is required") == 2


def test_a_calendar_shows_its_year_and_which_pays_take_deductions(mine):
    page = text_of(mine.get(f"{DESK}?group=HBW&year=2026"))
    assert "December 2026" in page
    assert "26 of 26 pays" in page or "24 of 26 pays" in page
    assert mine.get(f"{DESK}?group=NONE").status_code == 404
    assert "holds no pay of this year" in text_of(mine.get(f"{DESK}?group=HBW&year=2031"))


def test_a_year_is_generated_with_checks_off_holidays(mine, as_owner):
    draft = mine.post(f"{HOME}drafts/begin", {"name": "2027"})
    number = re.search(r"drafts/(\d+)/", draft["Location"])[1]
    days = {"days.count": "2", "days.0.day": "2027-01-01", "days.0.name": "New Year's Day",
            "days.1.day": "2026-12-25", "days.1.name": "Christmas Day"}  # fmt: skip
    calendar = {"code": "BANKS", "name": "Bank holidays", "source": "5 USC 6103"} | days
    assert mine.post(f"{HOME}drafts/{number}/holiday_calendars/new/", calendar).status_code == 302
    mine.post(f"{HOME}drafts/{number}/act", {"act": "apply", "reason": "holidays"})
    given = {"group": "HBW", "through": "2027-12-31", "holidays": "BANKS", "holiday_rule": "before",
             "check_lag_days": "5", "draft": ""}  # fmt: skip
    to = mine.post(f"{DESK}change", given)["Location"]
    assert "drafts" in to
    wrong = mine.post(f"{DESK}change", given | {"holiday_rule": "never"}, follow=True)
    assert "Select a valid choice" in text_of(wrong)
    assert "is in force" in text_of(mine.post(f"{to}act", {"act": "apply", "reason": "2027"}, follow=True))
    release = as_owner(lambda: Bundle.objects.get(code="harbor").release_id)
    group = as_owner(lambda: PayGroup.objects.get(release_id=release, code="HBW").pay_group_id)
    pays = PayPeriod.objects.filter(release_id=release, pay_group_id=group, ends_on="2026-12-20")
    assert as_owner(lambda: pays.get().check_on.isoformat()) == "2026-12-24"
    page = text_of(mine.get(f"{DESK}?group=HBW&year=2026"))
    assert "moved from 2026-12-25" in page
    extra = mine.post(
        f"{DESK}change", {"group": "HBW", "check_on": "2027-03-15", "why": "bonus", "draft": ""}, follow=True
    )
    assert "Kept in the draft" in text_of(extra)


def test_a_calendar_that_ends_soon_is_said_early(mine, monkeypatch):
    monkeypatch.setenv("OPENBENEFITS_TODAY", "2026-11-15")
    page = text_of(mine.get(f"{DESK}?group=HWK"))
    assert "(HWK): the calendar ends on 2026-12-31; whole months left: 1" in page
    audit = text_of(mine.get(f"{HOME}audit/"))
    assert "calendar_ending" in audit
