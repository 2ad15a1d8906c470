"""The desk of evidence: what waits, decided, refused, from a file, expired, undone; health data for few only."""

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connections
from django.utils import timezone
from tests.faces.conftest import LENIENT, text
from tests.workbench.test_imports import work_off

from openbenefits.enrollment import evidence_deciding as deciding
from openbenefits.enrollment.models import Coverage, EvidenceAct, ProofDecision
from openbenefits.programs.sections.operation import DeadlinesPart

LIST = "/workbench/harbor/evidence/"
LIFE = "20"
ASKED = 500_000_00
DECLINE = {"decision": "declined", "on": "2026-02-01", "reason": "the insurer's letter"}


def covered(person_id):
    points = Coverage.objects.filter(person_id=person_id, plan_type=LIFE, superseded_by_run=None)
    return points.order_by("-begins_on").first().coverage_cents


@pytest.fixture(scope="module")
def waiting(pair, users, database):
    """Everybody of the first client with basic life asked for more than is in force."""
    mine = pair[0].client_id
    points = Coverage.objects.filter(client_id=mine, plan_type=LIFE, kind="D", superseded_by_run=None)
    points.update(requested_coverage_cents=ASKED)
    rows = deciding.pending(connections["default"], mine, timezone.localdate())
    assert rows.height >= 6
    return rows.to_dicts()


def page_of(row):
    return f"{LIST}{row['employee_number']}/{row['benefit_record']}/{LIFE}/{row['slot']}/"


@LENIENT
def test_what_waits_is_listed_and_health_data_is_for_few(waiting, as_user):
    told = text(as_user("specialist").get(LIST))
    assert waiting[0]["employee_number"] in told
    assert "$500,000.00" in told
    for name in ("hr", "broker", "reader"):
        assert as_user(name).get(LIST).status_code == 403
        assert as_user(name).get(page_of(waiting[0])).status_code == 403
    assert as_user("specialist").get("/workbench/quill/evidence/").status_code == 404
    saved = as_user("specialist").get(LIST, {"waiting.export": "csv"})
    assert len(saved.content.decode().splitlines()) == len(waiting) + 1


@LENIENT
def test_who_waits_is_counted_on_the_overview_for_who_may_see_health(waiting, as_user):
    def counts(name) -> list[str]:
        return re.findall(r"(\d+) Evidence waiting", text(as_user(name).get("/workbench/harbor/")))

    (count,) = counts("specialist")
    assert int(count) > 0
    assert counts("broker") == []


@LENIENT
def test_a_decision_raises_coverage_and_closes_the_request(waiting, as_user, as_owner):
    row = waiting[0]
    who, page = row["person_id"], page_of(row)
    specialist = as_user("specialist")
    before = as_owner(lambda: covered(who))
    wrong = specialist.post(
        page, {"decision": "partial", "on": "2026-02-01", "amount": "9000000", "reason": "x"}, follow=True
    )
    assert "above what is in force and below" in text(wrong)
    assert specialist.post(page, {"decision": "partial", "on": "soon"}).status_code == 422
    assert as_owner(lambda: covered(who)) == before
    told = specialist.post(
        page,
        {"decision": "partial", "on": "2026-02-01", "amount": "400000", "reason": "letter of 2 Feb"},
        follow=True,
    )
    assert "approved in part" in text(told)
    assert as_owner(lambda: covered(who)) == 400_000_00
    assert row["employee_number"] not in waiting_of(specialist)
    assert "expected a request that waits" in text(specialist.post(page, DECLINE, follow=True))
    undone = specialist.post(f"{page}undo", {"reason": "of another person"}, follow=True)
    assert "Undone" in text(undone)
    assert as_owner(lambda: covered(who)) == before
    assert as_owner(
        lambda: ProofDecision.objects.filter(person_id=who).order_by("-version").first().is_withdrawn
    )
    assert "expected a decision that stands" in text(
        specialist.post(f"{page}undo", {"reason": "again"}, follow=True)
    )


def waiting_of(browser):
    """What the list says before the history begins."""
    return text(browser.get(LIST)).split("Done in the last year")[0].split("Waiting for evidence")[-1]


@LENIENT
def test_a_refusal_leaves_what_is_in_force_and_can_be_undone(waiting, as_user, as_owner):
    row = waiting[1]
    who, page = row["person_id"], page_of(row)
    before = as_owner(lambda: covered(who))
    specialist = as_user("specialist")
    assert "written down" in text(specialist.post(f"{page}remind", {"reason": "letter"}, follow=True))
    assert "expected a reason" in text(specialist.post(f"{page}remind", {}, follow=True))
    assert "Decided." in text(specialist.post(page, DECLINE, follow=True))
    assert as_owner(lambda: covered(who)) == before
    assert row["employee_number"] not in waiting_of(specialist)
    specialist.post(f"{page}undo", {"reason": "a mistake"})
    assert row["employee_number"] in waiting_of(specialist)


@LENIENT
def test_a_carriers_file_is_looked_at_imported_and_taken_back(waiting, as_user, as_owner):
    first, second, third = (row["employee_number"] for row in waiting[2:5])
    lines = (
        "employee_number,plan_type,decision,approved,decided_on",
        f"{first},{LIFE},approved,,2026-02-01",
        f"{second},{LIFE},partial,9000000,2026-02-01",
        f"{third},{LIFE},declined,,2026-02-01",
        "nobody,20,approved,,2026-02-01",
        f"{third},30,approved,,soon",
    )
    file = SimpleUploadedFile("carrier.csv", "\n".join(lines).encode())
    specialist = as_user("specialist")
    said = {"kind": "evidence", "file": file, "as_of": "2026-02-01", "most_bad": "25"}
    page = specialist.post("/workbench/harbor/imports/", said)["Location"]
    told = text(specialist.get(page))
    assert "1 approved" in told
    assert "3 bad rows" in told
    assert "soon" not in told
    specialist.post(f"{page}do", {"act": "import"})
    (done,) = work_off(as_owner)
    assert done.state == "done", done.told
    assert as_owner(lambda: covered(waiting[2]["person_id"])) == ASKED
    assert as_owner(lambda: EvidenceAct.objects.filter(change_id=done.result["change"]).count()) == 2
    specialist.post(f"{page}do", {"act": "take back", "reason": "last month's file"})
    (done,) = work_off(as_owner)
    assert done.state == "done", done.told
    assert as_owner(lambda: covered(waiting[2]["person_id"])) < ASKED
    assert third in waiting_of(specialist)


def test_what_nobody_decided_expires_at_the_deadline(waiting, pair, database, monkeypatch):
    mine = pair[0].client_id
    monkeypatch.setattr(deciding, "deadlines_of", lambda _: DeadlinesPart(evidence_days=60))
    rows = deciding.pending(database, mine, timezone.localdate())
    assert set(rows["deadline_on"] - rows["since"]) == {timedelta(days=60)}
    last_day = rows["deadline_on"].max()
    told = {"author": "test", "now": timezone.now()}
    early = rows.filter(rows["deadline_on"] < last_day).height
    assert deciding.expire_due(database, mine, last_day, **told).height == early
    assert (
        deciding.expire_due(database, mine, last_day + timedelta(days=1), **told).height
        == rows.height - early
    )
    assert deciding.pending(database, mine, last_day).is_empty()


def test_no_act_is_changed_and_none_approves_more_than_was_asked(waiting, database):
    with pytest.raises(IntegrityError, match="append-only"):
        EvidenceAct.objects.update(reason="other")
    act = EvidenceAct.objects.first()
    fields = {field.name: getattr(act, field.name) for field in act._meta.concrete_fields}
    with pytest.raises(IntegrityError, match="never_above"):
        EvidenceAct.objects.create(**(fields | {"number": 99, "approved_cents": act.asked_cents + 1}))
