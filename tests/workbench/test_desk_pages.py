"""The desks in a real browser: every page on both widths, and a census with three faults from file to take-back."""

import pytest
from django.db import connections
from django.utils import timezone
from tests.faces.conftest import check, look, sign_in
from tests.workbench.census_files import FAULTY, MENDED, census

from openbenefits.accounts.approvals import ApprovalKind, Matter, propose
from openbenefits.accounts.services import access_of
from openbenefits.background import uploads
from openbenefits.background.models import HandedIn, ProcessRequest
from openbenefits.background.services import perform
from openbenefits.core.codes import DocumentKind
from openbenefits.enrollment import documents
from openbenefits.enrollment.evidence_frames import load_pending
from openbenefits.enrollment.models import Coverage
from openbenefits.workforce.models import Dependent, Person

HARBOR = "/workbench/harbor/"
LISTS = (
    "approvals/",
    "imports/",
    "evidence/",
    "papers/",
    "leaves/",
    "cobra/",
    "age-outs/",
    "users/",
    "audit/",
)


@pytest.fixture(scope="module")
def pages(pair, users, database):
    """The addresses of all desks, with a case in each."""
    mine, now, connection = pair[0].client_id, timezone.now(), connections["default"]
    points = Coverage.objects.filter(client_id=mine, plan_type="20", superseded_by_run=None)
    points.update(requested_coverage_cents=500_000_00)
    one = load_pending(connection, mine).row(0, named=True)
    evidence = f"evidence/{one['employee_number']}/{one['benefit_record']}/20/{one['slot']}/"
    dependent = Dependent.objects.filter(client_id=mine).order_by("pk").first()
    about = documents.about_dependent(dependent.number)
    birth = str(DocumentKind.BIRTH)
    paper = documents.add(connection, mine, dependent.person_id, about, birth, "a.pdf", b"%PDF-1.7", now)
    matter = Matter(
        client_id=mine,
        kind=ApprovalKind.RELEASE,
        key="run 7",
        parts=["x"],
        told="3 people end without coverage",
    )
    proposal = propose(access_of(connection, users["specialist"]), matter, reason="looked at", now=now)
    order = uploads.FileOrder(
        client_id=mine,
        kind=uploads.FileKind.CENSUS,
        name="people.csv",
        content=census(*FAULTY, headings="Employee number,First name,Last name,DOB,Hired,Shirt,Town"),
        options={"as_of": "2026-03-01", "max_bad_share": 0.6},
    )
    file = uploads.hand_in(access_of(connection, users["admin"]), order, now=now)
    singles = (evidence, f"papers/{paper.pk}/", f"approvals/{proposal.pk}/", f"imports/{file.pk}/")
    user = (f"users/{users['broker'].pk}/",)
    return [HARBOR + where for where in (*LISTS, *singles, *user)] + [
        "/workbench/users/",
        "/workbench/audit/",
    ]


def test_every_desk_reads_well(page, site, pages):
    sign_in(page, site, "admin")
    page.wait_for_url("**/workbench/")
    said = []
    page.on("console", lambda message: said.append(message.text))
    for where in pages:
        answer = page.goto(site + where)
        assert answer.status == 200, where
        look(page, where)
    assert said == []


def test_a_census_with_three_faults_is_corrected_imported_and_taken_back(page, site, pages, tmp_path):
    sign_in(page, site, "hr")
    before = Person.objects.count()
    first = hand_in(page, site, tmp_path, FAULTY)
    assert "3" in page.locator(".cards li", has_text="bad rows").inner_text()
    faults = page.get_by_role("region", name="Bad rows: these are left out")
    assert faults.locator("tbody tr").count() == 3
    page.get_by_role("button", name="Give it up").click()
    page.get_by_text("given up").first.wait_for()
    second = hand_in(page, site, tmp_path, MENDED)
    assert second != first
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_role("progressbar").wait_for()
    perform(ProcessRequest.objects.get(kind="import file", state="waiting").pk, timezone.now)
    page.get_by_role("button", name="Take the import back").wait_for()
    assert Person.objects.count() == before + 9
    check(page, "imported")
    page.get_by_label("Reason").fill("it was last year's file")
    page.get_by_role("button", name="Take the import back").click()
    page.get_by_role("progressbar").wait_for()
    perform(ProcessRequest.objects.get(kind="take back import", state="waiting").pk, timezone.now)
    page.locator(".status-taken-back").wait_for()
    assert HandedIn.objects.get(pk=second).content is None
    check(page, "taken back")


def hand_in(page, site, folder, rows) -> int:
    """Hand a census in, as a person does; answer its number."""
    file = folder / "people.csv"
    file.write_bytes(census(*rows, headings="Employee number,First name,Last name,DOB,Hired,Shirt,Town"))
    page.goto(f"{site}{HARBOR}imports/")
    page.get_by_label("What the file holds").select_option("census")
    page.locator("#id_file").set_input_files(str(file))
    page.get_by_label("Changes count from").fill("2026-03-01")
    page.get_by_label("Refuse the file above so many percent of bad rows").fill("60")
    page.get_by_role("button", name="Hand it in").click()
    page.get_by_role("button", name="Give it up").wait_for()
    return int(page.url.rstrip("/").rsplit("/", 1)[1])
