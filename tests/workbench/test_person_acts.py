"""Acts of the person pages that a wish of the client, or coverage of a former system, makes different."""

from datetime import date

import polars as pl
from django.db import connection
from django.utils import timezone
from tests.accounts.test_approvals import WANTED, folder_of
from tests.faces.conftest import GIVEN, text
from tests.runs.conftest import NOW
from tests.workbench.enrolled import clients, desk, users

from openbenefits.accounts.approvals import approve
from openbenefits.accounts.models import Proposal, User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import EVERY_CLIENT, access_of, give_role
from openbenefits.enrollment.models import Coverage, EligibilityOverride
from openbenefits.enrollment.takeover import take_over
from openbenefits.events.models import Event
from openbenefits.programs import services as setup
from openbenefits.programs.models import Option, Program
from openbenefits.repair.models import TakeOverAct
from openbenefits.workforce.models import Person

__all__ = ["clients", "desk", "users"]

PREVIEW, APPLY = {"step": "preview"}, {"step": "apply"}
LEFT = date(2026, 2, 1)


def test_coverage_taken_over_is_ended_and_the_end_undone(desk, clients, as_owner, tmp_path):
    quill = clients[1].client_id
    person = as_owner(lambda: Person.objects.filter(client_id=quill).order_by("pk")[0])
    as_owner(lambda: _take_over(quill, person, tmp_path / "coverage.csv"))
    here = f"/workbench/quill/people/{person.employee_number}/taken-over/"
    before = as_owner(lambda: _held(person))
    asked = {"coverage": "0/20/2025-01-01", "do": "end", "to_on": LEFT.isoformat(), "reason": "left the plan"}
    assert "What it would change" in text(desk.post(here, asked | PREVIEW))
    assert as_owner(lambda: _acts(person)) == []
    assert desk.post(here, asked | APPLY).status_code == 302
    assert as_owner(lambda: _acts(person)) == ["end"]
    assert as_owner(lambda: Coverage.objects.filter(**of(person), begins_on=LEFT, kind="T").exists())
    assert desk.post(here, asked | {"do": "undo", "to_on": ""} | APPLY).status_code == 302
    assert as_owner(lambda: _acts(person)) == ["end", "undo"]
    assert as_owner(lambda: _held(person)) == before


def _held(person) -> list[tuple]:
    held = Coverage.objects.filter(client_id=person.client_id, person_id=person.pk, superseded_by_run=None)
    return list(held.order_by("plan_type", "begins_on").values_list("plan_type", "begins_on", "kind"))


def of(person):
    return {"client_id": person.client_id, "person_id": person.pk, "plan_type": "20"}


def _acts(person) -> list[str]:
    acts = TakeOverAct.objects.filter(**of(person)).order_by("number")
    return list(acts.values_list("kind", flat=True))


def _take_over(client_id, person, path) -> None:
    option = Option.objects.filter(client_id=client_id, plan_type="20", option_type="O")[0]
    program = Program.objects.filter(client_id=client_id, program_id=option.program_id)[0]
    row = {"employee_number": person.employee_number, "plan_type": "20", "program": program.code}
    pl.DataFrame([row | {"option": option.code, "begins_on": "2025-01-01"}]).write_csv(path)
    assert take_over(connection, client_id, path, now=NOW, made_by="test").taken == 1


def test_a_decision_about_eligibility_is_asked_for_where_the_client_wants_a_second_person(
    desk, clients, as_owner, tmp_path
):
    """Asked for from the person's page, approved by another user, then done as it was prepared."""
    harbor = clients[0].client_id
    as_owner(lambda: _want_a_second_person(harbor, tmp_path))
    event = as_owner(
        lambda: Event.objects.filter(client_id=harbor, process_status="FE").order_by("-person_id")[0]
    )
    number = as_owner(lambda: Person.objects.get(pk=event.person_id).employee_number)
    here = f"/workbench/harbor/people/{number}/events/OE26/0/0/override/"
    code = as_owner(lambda: Program.objects.filter(program_id=event.program_id)[0].code)
    asked = {"program": code, "decision": "ineligible", "reason": "left the plan"} | APPLY
    desk.post(here, asked)
    proposal = as_owner(lambda: Proposal.objects.get(kind="override"))
    assert not as_owner(lambda: _is_decided(event))
    assert str(proposal.pk) in text(desk.get("/workbench/harbor/approvals/"))
    as_owner(lambda: _approved_by_another(proposal))
    desk.post(here, asked)
    assert as_owner(lambda: _is_decided(event))


def _want_a_second_person(client_id, folder) -> None:
    wanted = folder_of(folder, "strict", WANTED)
    done = setup.apply(wanted, client_id=client_id, applied_by="test", now=timezone.now())
    assert done.release, done


def _is_decided(event) -> bool:
    return EligibilityOverride.objects.filter(person_id=event.person_id).exists()


def _approved_by_another(proposal) -> None:
    second = User.objects.create_user("second")
    give_role(second, EVERY_CLIENT, RoleCode.ADMINISTRATOR, **GIVEN)
    approve(access_of(connection, second), proposal, reason="looked at", now=timezone.now())
