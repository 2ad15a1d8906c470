"""Acts of the person pages that wait for a second person."""

from django.db import connection
from django.utils import timezone
from tests.accounts.test_approvals import WANTED, folder_of
from tests.faces.conftest import GIVEN, text
from tests.workbench.enrolled import clients, desk, users

from openbenefits.accounts.approvals import approve
from openbenefits.accounts.models import Proposal, User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import EVERY_CLIENT, access_of, give_role
from openbenefits.enrollment.models import EligibilityOverride
from openbenefits.events.models import Event
from openbenefits.programs import services as setup
from openbenefits.programs.models import Program
from openbenefits.workforce.models import Person

__all__ = ["clients", "desk", "users"]

APPLY = {"step": "apply"}


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
