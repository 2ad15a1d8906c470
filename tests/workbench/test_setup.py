"""Set-up on screen: browsed, changed in a draft, weighed in people and dollars, applied, taken back."""

import io
import re
import zipfile
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.accounts.conftest import as_face, pair
from tests.faces.conftest import GIVEN, LENIENT, PASSWORD, browser, signed_in, text, users

from openbenefits.accounts.approvals import approve
from openbenefits.accounts.models import Proposal, User
from openbenefits.accounts.roles import ROLES, RoleCode
from openbenefits.accounts.services import EVERY_CLIENT, Access, give_role
from openbenefits.background.models import ProcessRequest
from openbenefits.background.services import perform
from openbenefits.programs.drafts import archives, services
from openbenefits.programs.drafts.services import Hand
from openbenefits.programs.models import Bundle, Draft, Release
from openbenefits.programs.reader import read
from openbenefits.sample import SAMPLE_FOLDER
from openbenefits.store import use_database

__all__ = ["as_face", "browser", "pair", "users"]

HOME = "/workbench/harbor/set-up/"
PEO = "/workbench/peo/set-up/"


@pytest.fixture
def mine(browser, users):
    """A specialist of harbor at work."""
    with LENIENT:
        yield signed_in(browser, users["specialist"])


@pytest.fixture
def as_owner(database, embedded_server):
    """Answer a function that does something as the tables' owner does, and goes back to the face."""
    url = embedded_server.url(database.settings_dict["NAME"])

    def do(work):
        use_database(url)
        try:
            return work()
        finally:
            use_database(url, as_face=True)

    return do


def begun(mine, as_owner, name="Raise the contribution") -> int:
    answer = mine.post(f"{HOME}drafts/begin", {"name": name})
    return int(re.search(r"drafts/(\d+)/", answer["Location"])[1])


class Typed(HTMLParser):
    """What the form of a record would send: its inputs, boxes and lists, as they stand."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.is_inside = False
        self.list = ""

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            self.is_inside = "record" in (given.get("class") or "")
        elif self.is_inside and tag == "input" and "name" in given:
            if given.get("type") != "checkbox":
                self.found[given["name"]] = given.get("value") or ""
            elif "checked" in given:
                self.found[given["name"]] = "on"
        elif self.is_inside and tag == "select":
            self.list = given["name"]
        elif self.is_inside and tag == "option" and "selected" in given:
            self.found[self.list] = given["value"]

    def handle_endtag(self, tag):
        self.is_inside &= tag != "form"


def form_values(response) -> dict[str, str]:
    reader = Typed()
    reader.feed(response.content.decode())
    return reader.found


RECORDS = [
    ("contributions", "SALARIED-MEDICAL", "75"),
    ("programs", "HARBOR-SAL", "10 Medical"),
    ("event_rules", "HEALTH", "first of month on or after"),
    ("eligibility_rules", "SALARIED", "benefit_group"),
    ("formulas", "BASIC-1X", "Round to"),
    ("schedules", "OE26", "open enrollment"),
    ("pay_groups", "HBW", "biweekly"),
]


@pytest.mark.parametrize(("section", "code", "says"), RECORDS)
def test_a_record_is_told_in_words_with_where_it_is_used(mine, section, code, says):
    page = mine.get(f"{HOME}records/{section}/{code}/")
    assert page.status_code == 200
    assert says in text(page)


def test_the_overview_counts_own_and_inherited_records(mine):
    page = text(mine.get(HOME))
    assert "release 1" in page
    assert "Harbor salaried" in page
    assert re.search(r"Plans 0 \+ \d+ inherited", page)
    plans = text(mine.get(f"{HOME}records/plans/"))
    assert "inherited from the PEO" in plans


def test_everybody_of_staff_reads_the_peos_set_up_and_not_everybody_changes_it(mine):
    assert "Rate by age" in text(mine.get(f"{PEO}records/rate_tables/42690MA1300038-01/"))
    assert "Factor by age" in text(mine.get(f"{PEO}records/age_curves/" + curve_of(mine) + "/"))
    assert mine.get(f"{PEO}drafts/").status_code == 403
    assert mine.post(f"{PEO}drafts/begin", {"name": "x"}).status_code == 403
    assert "Begin" not in text(mine.get(PEO))


def curve_of(mine) -> str:
    return re.search(
        r"records/age_curves/([^/\"]+)/", mine.get(f"{PEO}records/age_curves/").content.decode()
    )[1]


def test_who_only_reads_changes_nothing(browser, users):
    with LENIENT:
        reader = signed_in(browser, users["everywhere"])
        assert reader.get(HOME).status_code == 200
        assert reader.get(f"{HOME}drafts/").status_code == 403
        assert reader.post(f"{HOME}take-back", {"reason": "no"}).status_code == 403
        assert reader.get("/workbench/quill/set-up/").status_code == 200


def test_a_draft_of_another_client_is_not_there(mine, pair, as_owner):
    other = pair[1].client_id
    now = datetime(2026, 1, 1, tzinfo=UTC)
    row = {"client_id": other, "bundle_code": "quill", "name": "theirs", "author": "x", "author_id": 0}
    draft = as_owner(lambda: Draft.objects.create(**row, begun_at=now, changed_at=now))
    assert mine.get(f"{HOME}drafts/{draft.pk}/").status_code == 404
    assert mine.get(f"/workbench/quill/set-up/drafts/{draft.pk}/").status_code == 404


def test_a_contribution_is_changed_weighed_applied_and_taken_back(mine, as_owner):
    number = begun(mine, as_owner)
    draft = f"{HOME}drafts/{number}/"
    edit = f"{draft}contributions/SALARIED-MEDICAL~2025-01-01/"
    values = form_values(mine.get(edit))
    assert values["rows.0.employee_percent"] == "75"
    wrong = mine.post(edit, values | {"rows.0.employee_percent": "much"})
    assert wrong.status_code == 422
    assert "expected a number, found much" in text(wrong)
    assert 'aria-invalid="true"' in wrong.content.decode()
    negative = mine.post(edit, values | {"rows.0.employee_percent": "-1"})
    assert "expected a number not below 0" in text(negative)
    kept = mine.post(edit, values | {"rows.0.employee_percent": "60.00"}, follow=True)
    assert "Kept in the draft" in text(kept)
    page = text(mine.get(draft))
    assert "contributions[SALARIED-MEDICAL from 2025-01-01]" in page
    assert "no errors" in page
    assert "Apply as a new release" in page

    mine.post(f"{draft}act", {"act": "weigh", "as_of": "2026-02-01"})
    work = as_owner(lambda: ProcessRequest.objects.latest("id"))
    done = as_owner(lambda: perform(work.pk, lambda: datetime(2026, 1, 20, tzinfo=UTC)))
    assert done.state == "done", done.told
    assert done.result["moved"] > 0
    dearer = [one for one in done.result["plans"] if one["plan_type"] == "10"]
    assert all(one["employee_pay_cents_after"] > one["employee_pay_cents"] for one in dearer)
    page = text(mine.get(draft))
    assert f"{done.result['moved']} of them pay another price" in page
    assert "Dollars by client and plan" in page

    assert "expected a reason" in text(mine.post(f"{draft}act", {"act": "apply"}, follow=True))
    applied = text(mine.post(f"{draft}act", {"act": "apply", "reason": "renewal"}, follow=True))
    assert "Release 2 is in force" in applied
    assert "renewal" in text(mine.get(f"{HOME}history/"))
    compared = text(mine.get(f"{HOME}history/compare/?old=1&new=2"))
    assert "employee_percent" in compared
    back = text(mine.post(f"{HOME}take-back", {"reason": "wrong year"}, follow=True))
    assert "The release before is in force again" in back
    number = as_owner(lambda: Bundle.objects.get(code="harbor").release.number)
    assert number == 1


def test_a_record_of_records_is_edited_part_by_part(mine, as_owner):
    number = begun(mine, as_owner, "Options")
    edit = f"{HOME}drafts/{number}/programs/HARBOR-SAL~2025-01-01/"
    assert "10 Medical" in text(mine.get(edit))
    inside = mine.get(f"{edit}?at=plan_types.0.options.0")
    assert inside.status_code == 200
    values = form_values(inside)
    assert values["code"] == "BLUE-B1"
    saved = mine.post(f"{edit}?at=plan_types.0.options.0", values | {"level": "15"})
    assert saved["Location"].endswith("?at=plan_types.0")
    record = as_owner(lambda: Draft.objects.get(pk=number).records[0]["record"])
    assert record["plan_types"][0]["options"][0]["level"] == 15
    assert record["plan_types"][0]["options"][0]["costs"][0]["contribution"] == "SALARIED-MEDICAL"
    mine.post(edit, {"drop": "plan_types.0.options.0"})
    record = as_owner(lambda: Draft.objects.get(pk=number).records[0]["record"])
    assert record["plan_types"][0]["options"][0]["code"] == "BLUE-S1"
    assert mine.get(f"{edit}?at=plan_types.99").status_code == 404
    assert mine.get(f"{edit}?at=nothing").status_code == 404
    new = mine.get(f"{edit}?at=plan_types.0.options.11")
    assert new.status_code == 200
    assert mine.post(f"{edit}?at=plan_types.0.options.11", {"level": "1"}).status_code == 422


@pytest.mark.parametrize("section", ["contributions", "event_rules", "passive_events", "pay_groups", "funds"])
def test_a_new_record_of_any_kind_is_a_form(mine, as_owner, section):
    number = begun(mine, as_owner, "New")
    new = f"{HOME}drafts/{number}/{section}/new/"
    assert mine.get(new).status_code == 200
    assert "expected a value, found none" in text(mine.post(new, {}))


def test_a_record_is_copied_ended_and_undone(mine, as_owner):
    number = begun(mine, as_owner, "Copy")
    act = f"{HOME}drafts/{number}/act"
    of = {"section": "contributions", "key": "DENTAL~2025-01-01"}
    mine.post(act, of | {"act": "copy", "code": "DENTAL-2"})
    assert "never" not in text(mine.post(act, of | {"act": "take out"}, follow=True))
    mine.post(act, of | {"act": "end", "on": "2027-01-01", "source": "letter"})
    keys = as_owner(lambda: [one["key"] for one in Draft.objects.get(pk=number).records])
    assert keys == [["DENTAL-2", "2025-01-01"], ["DENTAL", "2027-01-01"]]
    page = text(mine.get(f"{HOME}drafts/{number}/"))
    assert "inactive" in page or "switched off" in page
    undo = {"act": "restore", "section": "contributions", "key": "DENTAL~2027-01-01"}
    mine.post(act, undo)
    assert as_owner(lambda: len(Draft.objects.get(pk=number).records)) == 1
    assert "given up" in text(mine.post(act, {"act": "give up"}, follow=True))
    assert mine.post(act, {"act": "nothing"}).status_code == 404


def test_a_new_plan_year_is_last_year_but_for_its_dates(mine, as_owner):
    number = begun(mine, as_owner, "2027")
    said = text(
        mine.post(
            f"{HOME}drafts/{number}/act",
            {"act": "carry forward", "begins": "2027-01-01", "source": "renewal of 2027"},
            follow=True,
        )
    )
    assert "carried forward to 2027-01-01" in said
    changes = as_owner(lambda: Draft.objects.get(pk=number).records)
    programs = {one["key"][0]: one["record"] for one in changes if one["section"] == "programs"}
    assert set(programs) == {"HARBOR-SAL", "HARBOR-HRL"}
    base = as_owner(lambda: Bundle.objects.get(code="harbor").release.document["parts"])
    for old in base["programs"]:
        same = {
            name: value for name, value in programs[old["code"]].items() if name not in ("from", "source")
        }
        assert same == {name: value for name, value in old.items() if name not in ("from", "source")}
    (period,) = [one["record"] for one in changes if one["section"] == "schedules"]
    assert (period["code"], period["period_begins"]) == ("OE27", "2027-01-01")
    assert {one["record"]["calendar_through"] for one in changes if one["section"] == "pay_groups"} == {
        "2027-12-31"
    }


def test_set_up_is_taken_away_and_brought_in_again(mine, as_owner):
    answer = mine.get(f"{HOME}export")
    assert answer["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert "harbor/programs.yaml" in archive.namelist()
    file = SimpleUploadedFile("harbor.zip", answer.content)
    page = mine.post(f"{HOME}upload/", {"name": "The same", "file": file}, follow=True)
    assert "Nothing is changed yet" in text(page)
    broken = mine.post(f"{HOME}upload/", {"name": "x", "file": SimpleUploadedFile("a.zip", b"no zip")})
    assert broken.status_code == 422
    assert "cannot be read" in text(broken)
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("a.yaml", "bundle: {kind: client, code: harbor, nam: X}")
    faulty = mine.post(
        f"{HOME}upload/", {"name": "x", "file": SimpleUploadedFile("a.zip", bundle.getvalue())}
    )
    assert "Did you mean `name`?" in text(faulty)
    assert mine.get(f"{HOME}export?release=99").status_code == 404


def test_a_new_client_comes_with_its_first_draft(browser, users, mine, as_owner):
    assert mine.get("/workbench/peo/new-client/").status_code == 403
    boss = as_owner(lambda: User.objects.create_user("boss", "boss@example.com", PASSWORD))
    as_owner(lambda: give_role(boss, EVERY_CLIENT, RoleCode.ADMINISTRATOR, **GIVEN))
    there = signed_in(browser, boss)
    data = archives.zipped(read(SAMPLE_FOLDER / "clients" / "beacon").bundle)
    given = {"name": "Beacon begins", "file": SimpleUploadedFile("beacon.zip", data)}
    page = there.post("/workbench/peo/new-client/", given, follow=True)
    assert page.redirect_chain, text(page)
    assert page.redirect_chain[-1][0].startswith("/workbench/beacon/set-up/drafts/")
    assert "no errors" in text(page)
    act = {"act": "apply", "reason": "take-over"}
    assert "Release 1 is in force" in text(there.post(f"{page.redirect_chain[-1][0]}act", act, follow=True))
    again = {"name": "Again", "file": SimpleUploadedFile("beacon.zip", data)}
    assert "upload it there" in text(there.post("/workbench/peo/new-client/", again))


def test_a_fault_stands_beside_its_field_and_a_conflict_is_settled(mine, pair, as_owner):
    number = begun(mine, as_owner, "Fault")
    edit = f"{HOME}drafts/{number}/programs/HARBOR-HRL~2025-01-01/"
    values = form_values(mine.get(edit))
    mine.post(edit, values | {"maximum_pledge": "1"})
    hand = Hand(name="other", user_id=0, now=datetime(2026, 1, 1, tzinfo=UTC))

    def somebody_else() -> None:
        draft = services.begin(pair[0].client_id, "harbor", name="Other", by=hand)
        key = ("HARBOR-HRL", "2025-01-01")
        record = services.opened(draft).record("programs", key)
        services.put(draft, "programs", key, record | {"name": "Hourly people"}, by=hand)
        assert services.apply_draft(draft, by=hand, reason="name").release

    as_owner(somebody_else)
    page = text(mine.get(f"{HOME}drafts/{number}/"))
    assert "Somebody else changed the same" in page
    assert "name: Hourly people" in page
    act = f"{HOME}drafts/{number}/act"
    assert "draft_conflict" not in text(mine.post(act, {"act": "apply", "reason": "x"}, follow=True))
    settled = {"act": "settle", "conflict": "programs[HARBOR-HRL~2025-01-01]", "keep": "theirs"}
    assert "Nothing is changed yet" in text(mine.post(act, settled, follow=True))
    mine.post(f"{HOME}take-back", {"reason": "test"})


def test_odd_addresses_are_no_faults_of_the_program(mine, as_owner):
    number = begun(mine, as_owner, "Odd")
    own = f"{HOME}drafts/{number}/programs/HARBOR-SAL~2025-01-01/"
    odd = [
        *(f"{own}?at=plan_types.-1", f"{own}?at=code", f"{own}?at=plan_types.0.options.0.costs.0.x"),
        *(f"{HOME}records/nothing/", f"{HOME}records/programs/none/", f"{HOME}drafts/{10**30}/"),
        *(f"{HOME}history/compare/?old=x&new=1", f"{HOME}export?release=x", f"{HOME}rates/sheet/X/?from=1"),
    ]
    assert {mine.get(one).status_code for one in odd} == {404}
    posted = [{"twice": "code"}, {"drop": "plan_types.99"}, {"drop": "plan_types.0.x"}]
    assert {mine.post(own, one).status_code for one in posted} == {404}
    many = mine.post(own, {"more": "credits", "credits.count": "9" * 50})
    assert many.status_code == 200


def test_the_audit_says_what_to_change_and_whether_a_run_would_start(mine, as_owner):
    page = text(mine.get(f"{HOME}audit/"))
    assert "gate open" in page
    mine.post(f"{HOME}audit/look", {"as_of": "2026-02-01"})
    work = as_owner(lambda: ProcessRequest.objects.latest("id"))
    done = as_owner(lambda: perform(work.pk, lambda: datetime(2026, 2, 1, tzinfo=UTC)))
    assert done.state == "done", done.told
    page = text(mine.get(f"{HOME}audit/"))
    assert "As of 2026-02-01" in page
    assert "A run would start" in page


def test_limits_name_the_year_that_is_not_published(mine):
    page = text(mine.get("/workbench/peo/limits/"))
    assert "hsa_self" in page
    assert "known" in page
    assert str(date.today().year) in page


def test_releases_of_other_clients_are_not_shown(mine, as_owner):
    assert as_owner(lambda: Release.objects.count()) >= 3
    assert "quill" not in text(mine.get(f"{HOME}history/"))


def test_another_person_approves_where_the_client_wants_that(browser, users, mine, pair, as_owner):
    """The draft is proposed as it is applied; once another approved exactly it, it goes through."""
    now = datetime.now(UTC)
    hand = Hand(name="specialist", user_id=users["specialist"].pk, now=now)

    def want() -> None:
        draft = services.begin(pair[0].client_id, "harbor", name="Two pairs of eyes", by=hand)
        services.put(draft, "second_person", (), {"setup": True}, by=hand)
        assert services.apply_draft(draft, by=hand, reason="policy").release

    as_owner(want)
    number = begun(mine, as_owner, "Approved by another")
    edit = f"{HOME}drafts/{number}/contributions/DENTAL~2025-01-01/"
    mine.post(edit, form_values(mine.get(edit)) | {"rows.0.employee_percent": "61"})
    assert "Another person must approve this first" in text(applied(mine, number))
    proposal = as_owner(lambda: Proposal.objects.get(client_id=pair[0].client_id, kind="setup"))
    other = as_owner(lambda: User.objects.create_user("second", "second@example.com", PASSWORD))
    as_owner(lambda: give_role(other, pair[0].client_id, RoleCode.SPECIALIST, **GIVEN))
    second = Access(user_id=other.pk, permissions={pair[0].client_id: ROLES[RoleCode.SPECIALIST].permissions})
    as_owner(lambda: approve(second, proposal, reason="seen", now=datetime.now(UTC)))
    assert "is in force" in text(applied(mine, number))


def applied(mine, number: int):
    return mine.post(f"{HOME}drafts/{number}/act", {"act": "apply", "reason": "better"}, follow=True)
