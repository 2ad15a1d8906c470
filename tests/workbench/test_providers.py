"""Doctors and dentists of a plan's members, entered in the workbench."""

import pytest
from tests.faces.conftest import LENIENT, signed_in, text
from tests.workbench.enrolled import clients, desk, users

from openbenefits.enrollment.models import Coverage, ProviderChoice
from openbenefits.programs.models import Option, Plan
from openbenefits.workforce.models import Person

__all__ = ["clients", "desk", "users"]


@pytest.fixture
def member(clients, as_owner):
    """Somebody covered by a plan that asks for a provider."""

    def find():
        plans = Plan.objects.filter(names_provider=True).values("plan_id")
        option = Option.objects.filter(plan_id__in=plans, client_id=clients[0].client_id)[0]
        held = Coverage.objects.filter(client_id=clients[0].client_id, plan_type="11", option_id__gt=0)
        person_id = held.order_by("person_id")[0].person_id
        held.filter(person_id=person_id).update(option_id=option.option_id)
        return Person.objects.get(pk=person_id)

    return as_owner(find)


def test_a_provider_is_entered_changed_and_taken_away(desk, member, as_owner):
    here = f"/workbench/harbor/people/{member.employee_number}/providers/"
    assert "Nobody is named" in text(desk.get(here))
    day = {"place": "0-11-0", "0-11-0-begins_on": "2026-03-01"}
    slip = desk.post(here, day | {"0-11-0-provider_id": "1234567890"})
    assert slip.status_code == 422
    assert "last digit does not fit" in text(slip)
    named = day | {"0-11-0-provider_id": "1234567893", "0-11-0-name": "Dr. Ada Reyes"}
    assert "Dr. Ada Reyes (1234567893) since 2026-03-01" in text(desk.post(here, named, follow=True))
    assert "stands already" in text(desk.post(here, named, follow=True))
    assert "Nobody is named" in text(desk.post(here, day | {"0-11-0-provider_id": ""}, follow=True))
    assert as_owner(lambda: ProviderChoice.objects.filter(person_id=member.pk).count()) == 2


def test_a_reader_enters_no_provider(browser, users, member):
    with LENIENT:
        here = f"/workbench/harbor/people/{member.employee_number}/providers/"
        assert signed_in(browser, users["auditor"]).get(here).status_code == 403
