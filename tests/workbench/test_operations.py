"""Operations on one event: tried with all consequences, done, undone; from a file; merged, priced, transferred."""

import re
from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.faces.conftest import LENIENT, signed_in, text
from tests.workbench.enrolled import clients, desk, users

from openbenefits.accounts.models import AuditEntry
from openbenefits.background.models import OrderFile, ProcessRequest
from openbenefits.background.services import perform
from openbenefits.enrollment.models import Coverage, EligibilityOverride, PriceDecision
from openbenefits.events.models import Event
from openbenefits.repair.models import PersonMerge, RepairAct
from openbenefits.workforce.models import JobFact, Person

__all__ = ["clients", "desk", "users"]

HARBOR = "/workbench/harbor"
EVENT = HARBOR + "/people/{}/events/OE26/0/0/"
PREVIEW, APPLY = {"step": "preview"}, {"step": "apply"}


@pytest.fixture
def enrolled(clients, as_owner):
    """Answer a function that finds somebody enrolled, each place another one, by number."""

    def find(place):
        events = Event.objects.filter(client_id=clients[0].client_id, process_status="FE", event_status="C")
        person_id = events.order_by("person_id").values_list("person_id", flat=True)[place]
        return Person.objects.get(pk=person_id)

    return lambda place=0: as_owner(lambda: find(place))


def status(as_owner, person):
    return as_owner(lambda: Event.objects.get(person_id=person.pk, event_number=0).event_status)


def test_void_is_tried_then_done_then_undone(desk, enrolled, as_owner):
    person = enrolled()
    here = EVENT.format(person.employee_number)
    asked = {"reason": "reported twice"}
    tried = text(desk.post(here + "do/withdraw/", asked | PREVIEW))
    assert "What it would change" in tried
    assert "Deductions that differ" in tried
    assert "no longer" in tried
    assert status(as_owner, person) == "C"
    before = as_owner(lambda: list(held(person)))
    assert desk.post(here + "do/withdraw/", asked | APPLY)["Location"] == here
    assert status(as_owner, person) == "V"
    assert as_owner(lambda: list(held(person))) == []
    assert "undo: void" in text(desk.get(here))
    assert desk.post(here + "do/undo/", {"reason": "it was right"} | APPLY).status_code == 302
    assert status(as_owner, person) == "C"
    assert as_owner(lambda: list(held(person))) == before
    acts = as_owner(lambda: list(RepairAct.objects.filter(person_id=person.pk).values_list("kind", "author")))
    assert acts == [("withdraw", "administrator"), ("reinstate", "administrator")]


def held(person):
    points = Coverage.objects.filter(person_id=person.pk, superseded_by_run__isnull=True)
    return points.order_by("plan_type").values_list("plan_type", "begins_on", "kind", "option_id")


@pytest.mark.parametrize(
    ("kind", "asked", "told"),
    [
        ("redate", {"to_on": "2026-02-01", "reason": "wrong day"}, "2026-02-01"),
        ("again", {"reason": "look again"}, "Coverage that differs: None."),
        ("disconnect", {"reason": "no fact"}, "Events that stand elsewhere"),
        ("open", {"reason": "x"}, "expected to open"),
        ("move", {"to_record": "1", "reason": "x"}, "a job of the benefit record"),
        ("redate", {"reason": "wrong day"}, "This field is required"),
        ("withdraw", {"reason": ""}, "This field is required"),
        ("undo", {"reason": "x"}, "expected events with an operation to undo"),
    ],
)
def test_each_operation_says_what_it_changes_or_why_it_cannot_be(desk, enrolled, as_owner, kind, asked, told):
    person = enrolled(1)
    answer = desk.post(EVENT.format(person.employee_number) + f"do/{kind}/", asked | PREVIEW)
    assert told in text(answer)
    assert not as_owner(lambda: RepairAct.objects.filter(person_id=person.pk).exists())


def test_there_is_no_operation_of_another_name(desk, enrolled):
    assert desk.get(EVENT.format(enrolled().employee_number) + "do/erase/").status_code == 404


@pytest.mark.parametrize("name", ["auditor", "payroll"])
def test_who_may_not_repair_is_refused_and_sees_why(browser, users, enrolled, as_owner, name):
    person = enrolled(1)
    here = EVENT.format(person.employee_number)
    with LENIENT:
        signed_in(browser, users[name])
        assert browser.post(here + "do/withdraw/", {"reason": "x"} | APPLY).status_code == 403
        assert browser.post(here + "demand/finalise/", APPLY).status_code == 403
        assert "your role may not repair events of this client" in text(browser.get(here))
    assert status(as_owner, person) == "C"


def test_eligibility_is_overridden_with_a_reason_and_undone(desk, enrolled, as_owner):
    person = enrolled(2)
    here = EVENT.format(person.employee_number)
    program = as_owner(lambda: Event.objects.get(person_id=person.pk).program_id)
    code = re.search(r'<option value="(HARBOR-\w+)"', desk.get(here + "override/").content.decode()).group(1)
    asked = {"program": code, "decision": "ineligible", "reason": "left the plan"}
    assert "What it would change" in text(desk.post(here + "override/", asked | PREVIEW))
    assert not as_owner(lambda: EligibilityOverride.objects.filter(person_id=person.pk).exists())
    assert desk.post(here + "override/", asked | APPLY).status_code == 302
    made = as_owner(lambda: EligibilityOverride.objects.get(person_id=person.pk))
    assert (made.is_eligible, made.author, made.reason) == (False, "administrator", "left the plan")
    assert "left the plan" in text(desk.get(here + "eligibility/"))
    undone = desk.post(here + "override/", asked | {"decision": "undo"} | APPLY)
    assert undone.status_code == 302, text(undone)
    assert as_owner(lambda: Event.objects.get(person_id=person.pk).program_id) == program


def test_a_price_is_decided_until_a_day_and_undone(desk, enrolled, as_owner):
    person = enrolled(3)
    here = f"{HARBOR}/people/{person.employee_number}/price/"
    asked = {"plan_type": "10", "begins_on": "2026-02-01", "ends_on": "2026-03-31", "benefit_record": "0"}
    asked |= {"reason": "agreed", "employee": "1200.00"}
    tried = text(desk.post(here, asked | PREVIEW))
    assert "Deductions that differ" in tried
    assert "Expected at least one amount" in text(desk.post(here, asked | {"employee": ""} | PREVIEW))
    assert desk.post(here, asked | APPLY).status_code == 302
    made = as_owner(lambda: PriceDecision.objects.get(person_id=person.pk))
    assert (made.employee_cents, f"{made.ends_on}") == (120_000, "2026-03-31")
    assert desk.post(here, asked | {"undo": "on"} | APPLY).status_code == 302
    assert "undone" in text(desk.get(f"{HARBOR}/people/{person.employee_number}/"))


def test_two_numbers_are_merged_and_taken_apart(desk, enrolled, as_owner):
    gone, stays = enrolled(4), enrolled(5)
    here = f"{HARBOR}/people/{gone.employee_number}/merge/"
    asked = {"do": "merge", "survivor": stays.employee_number, "reason": "one human"}
    assert "What it would change" in text(desk.post(here, asked | PREVIEW))
    assert "found none; correct the number" in text(desk.post(here, asked | {"survivor": "H9"} | PREVIEW))
    assert desk.post(here, asked | APPLY).status_code == 302
    assert as_owner(lambda: PersonMerge.objects.get(person_id=gone.pk).survivor_id) == stays.pk
    assert desk.get(f"{HARBOR}/people/{gone.employee_number}/").status_code == 200
    assert desk.post(here, asked | {"do": "unmerge"} | APPLY).status_code == 302
    assert as_owner(lambda: PersonMerge.objects.filter(person_id=gone.pk).last().is_merged) is False


def test_somebody_goes_on_at_another_client_once_the_codes_there_are_right(desk, enrolled, as_owner):
    person = enrolled(6)
    here = f"{HARBOR}/people/{person.employee_number}/transfer/"
    asked = {"to_client": "quill", "employee_number": "Q777777", "begins_on": "2026-04-01", "reason": "moved"}
    asked |= {"company": "?", "benefit_group": "?", "pay_group": "?"}
    told = text(desk.post(here, asked | PREVIEW))
    assert "expected" in told
    assert not as_owner(lambda: Person.objects.filter(employee_number="Q777777").exists())


def test_somebody_goes_on_at_another_client_and_never_left(desk, enrolled, clients, as_owner):
    person = enrolled(9)
    here = f"{HARBOR}/people/{person.employee_number}/transfer/"
    jobs = JobFact.objects.filter(client_id=clients[1].client_id)
    job = as_owner(lambda: jobs.order_by("person_id").first())
    asked = {"to_client": "quill", "employee_number": "Q888888", "begins_on": "2026-04-01", "reason": "moved"}
    asked |= {"company": job.company, "benefit_group": job.benefit_group, "pay_group": job.pay_group}
    assert "begins there on 2026-04-01" in text(desk.post(here, asked | PREVIEW))
    assert desk.post(here, asked | APPLY).status_code == 302
    assert desk.get("/workbench/quill/people/Q888888/").status_code == 200
    assert "moved" in text(desk.get(here + "undo/"))
    assert desk.post(here + "undo/", {"reason": "stays"}).status_code == 302
    assert "expected a transfer to undo" in text(desk.post(here + "undo/", {"reason": "again"}))


# --- from a file --------------------------------------------------------------------------------------------


def sent(desk, kind, text_of_file, name="file.csv"):
    file = SimpleUploadedFile(name, text_of_file.encode())
    return desk.post(f"{HARBOR}/files/send/{kind}/", {"file": file})


def worked(as_owner):
    """Let the worker do what waits."""

    def do():
        for request in ProcessRequest.objects.filter(state="waiting").order_by("pk"):
            perform(request.pk, lambda: datetime.now(UTC))

    as_owner(do)


def test_a_file_of_operations_is_tried_then_carried_out(desk, enrolled, as_owner):
    person = enrolled(7)
    rows = "employee_number,schedule,operation,reason\n"
    rows += f"{person.employee_number},OE26,again,checked\nH999999,OE26,again,nobody\n"
    here = sent(desk, "operations", rows)["Location"]
    worked(as_owner)
    tried = text(desk.get(here))
    assert "What it would do" in tried
    assert "the number of an employee of this client" in tried
    assert not as_owner(lambda: RepairAct.objects.filter(person_id=person.pk).exists())
    assert desk.post(here).status_code == 302
    worked(as_owner)
    assert "What was done" in text(desk.get(here))
    assert as_owner(lambda: RepairAct.objects.get(person_id=person.pk).author) == "administrator"
    desk.post(here)  # once more changes nothing
    worked(as_owner)
    assert as_owner(lambda: RepairAct.objects.filter(person_id=person.pk).count()) == 1


def test_files_are_kept_sealed_and_refused_with_a_cure(desk, as_owner):
    assert "save it as CSV or XLSX" in text(sent(desk, "prices", "a,b", name="file.pdf"))
    here = sent(desk, "prices", "nothing,known\n1,2\n")["Location"]
    worked(as_owner)
    assert "expected headings for employee_number" in text(desk.get(here))
    kept = as_owner(lambda: OrderFile.objects.order_by("-pk").first())
    assert b"nothing" not in bytes(kept.content)


def test_what_is_done_is_in_the_audit_trail_with_its_reason(desk, enrolled, as_owner):
    person = enrolled(8)
    desk.post(EVENT.format(person.employee_number) + "do/again/", {"reason": "asked by payroll"} | APPLY)
    last = as_owner(lambda: AuditEntry.objects.filter(kind="did").order_by("-pk").first())
    assert (last.what, last.reason, last.person_id) == ("decide again", "asked by payroll", person.pk)
