"""Set-up in a real browser: a rate is changed, people and dollars are seen, it is applied and taken back."""

import re
from datetime import UTC, datetime

import pytest
from tests.accounts.conftest import as_face, pair
from tests.faces.conftest import check, chromium, look, page, sign_in, site, users, wide

from openbenefits.background.models import ProcessRequest
from openbenefits.background.services import perform
from openbenefits.programs.drafts import services
from openbenefits.programs.drafts.services import Hand
from openbenefits.programs.models import Bundle, Draft

__all__ = ["as_face", "chromium", "page", "pair", "site", "users"]

HOME = "/workbench/harbor/set-up/"
PEO = "/workbench/peo/set-up/"
PAGES = (
    HOME,
    f"{HOME}records/programs/",
    f"{HOME}records/programs/HARBOR-SAL/",
    f"{HOME}drafts/",
    f"{HOME}upload/",
    f"{HOME}history/",
    f"{HOME}history/compare/?old=0&new=1",
    f"{HOME}audit/",
    PEO,
    f"{PEO}records/rate_tables/42690MA1300038-01/",
    "/workbench/peo/limits/",
    f"{HOME}rates/",
    "/workbench/harbor/pay-calendars/?group=HBW&year=2026",
)
NOW = datetime(2026, 1, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def draft(pair, users) -> Draft:
    """A draft with a change, a fault and an effect worked out."""
    by = Hand(name="specialist", user_id=users["specialist"].pk, now=NOW)
    draft = services.begin(pair[0].client_id, "harbor", name="Contributions of spring", by=by)
    held = services.opened(draft)
    (record,) = [one for one in held.parts["contributions"] if one["code"] == "SALARIED-MEDICAL"]
    rows = [record["rows"][0] | {"employee_percent": "65"}]
    services.put(draft, "contributions", ("SALARIED-MEDICAL", "2025-01-01"), record | {"rows": rows}, by=by)
    work = ProcessRequest.objects.create(
        client_id=pair[0].client_id,
        user_id=users["specialist"].pk,
        author="specialist",
        kind="draft effect",
        asked_for={"draft": draft.pk, "as_of": "2026-02-01"},
        asked_at=NOW,
    )
    assert perform(work.pk, lambda: NOW).state == "done"
    return draft


def test_every_page_reads_well(page, site, draft):
    sign_in(page, site, "specialist")
    page.wait_for_url("**/workbench/**")
    said = []
    page.on("console", lambda message: said.append(message.text))
    own = f"{HOME}drafts/{draft.pk}/"
    edits = [
        f"{own}contributions/SALARIED-MEDICAL~2025-01-01/",
        f"{own}programs/HARBOR-SAL~2025-01-01/?at=plan_types.0",
        f"{own}eligibility_rules/new/",
    ]
    for path in (*PAGES, own, *edits):
        assert page.goto(site + path).status == 200, path
        look(page, path)
    assert said == []


def test_a_sheet_is_looked_at(page, site):
    wide(page, "phone")
    sign_in(page, site, "specialist")
    page.goto(f"{site}{HOME}rates/")
    page.get_by_label("Rate table").fill("OWN-VISION")
    page.get_by_label("Holds from").fill("2027-01-01")
    page.get_by_label("Source").fill("letter of the carrier")
    sheet = {
        "name": "vision.csv",
        "mimeType": "text/csv",
        "buffer": b"Ages,Price a month\n0-49,10\n50+,12.5\n",
    }
    page.get_by_label("The carrier's sheet").set_input_files(sheet)
    page.get_by_role("button", name="Look at it").click()
    page.get_by_text("keeps the sheet from being taken").wait_for()
    check(page, "faults of a sheet")
    page.get_by_label("Price a month").select_option("rate")
    page.get_by_role("button", name="Look at it").click()
    page.get_by_role("button", name="Keep it in the draft").wait_for()
    check(page, "rates of a sheet")


def test_a_rate_is_changed_weighed_applied_and_taken_back(page, site, pair):
    sign_in(page, site, "specialist")
    page.goto(f"{site}{HOME}records/contributions/DENTAL/")
    page.get_by_label("In the draft").select_option("")
    page.get_by_role("button", name="Change this").click()
    number = int(re.search(r"drafts/(\d+)/", page.url)[1])
    cell = page.get_by_label("Percent of the employee's own part, row 1")
    assert cell.input_value() == "60"
    cell.fill("6 0")
    page.get_by_role("button", name="Keep in the draft").click()
    assert "expected a number, found 6 0" in page.locator("main").inner_text()
    page.get_by_label("Percent of the employee's own part, row 1").fill("40")
    page.get_by_role("button", name="Keep in the draft").click()
    page.get_by_role("link", name="To the draft").click()
    page.get_by_label("On the day").fill("2026-02-01")
    page.get_by_role("button", name="Work out whom it moves").click()
    assert "waiting" in page.locator("section", has_text="People and dollars").first.inner_text()
    work = ProcessRequest.objects.latest("id")
    assert perform(work.pk, lambda: NOW).state == "done"
    page.get_by_text("of them pay another price").wait_for()
    assert "Employees, a pay: now" in page.locator("main").inner_text()
    page.get_by_label("Reason").fill("less of the dental premium")
    page.get_by_role("button", name="Apply as a new release").click()
    page.get_by_text("is in force.").wait_for()
    release = Bundle.objects.get(client_id=pair[0].client_id).release
    assert Draft.objects.get(pk=number).release_id == release.pk
    assert release.reason == "less of the dental premium"
    page.goto(f"{site}{HOME}history/")
    page.get_by_label("Reason").fill("too early")
    page.get_by_role("button", name="Take back").click()
    page.get_by_text("The release before is in force again.").wait_for()
    assert Bundle.objects.get(client_id=pair[0].client_id).release.number == release.number - 1
