"""What a web request does, done as the web does it: under row-level security, with the rights of its user."""

from datetime import date

import pytest
from tests.review.test_demand import ASKED, LATER, elect, marry, other_option

from openbenefits.accounts.roles import ROLES, RoleCode
from openbenefits.accounts.services import Access, working
from openbenefits.enrollment.models import Coverage
from openbenefits.events.models import Event
from openbenefits.reports.hindsight import held_on
from openbenefits.review.demand import prepare_activity, settle_event
from openbenefits.workforce.recording import PeopleBusy, UnknownPeople

DAY = date(2026, 2, 10)


def access_to(employer, code=RoleCode.SPECIALIST, person_id=None) -> Access:
    return Access(user_id=1, permissions={employer.client_id: ROLES[code].permissions}, person_id=person_id)


def somebody(employer, place=0) -> int:
    events = Event.objects.filter(process_status="FE", client_id=employer.client_id).order_by("person_id")
    return events.values_list("person_id", flat=True).distinct()[place]


def test_one_person_is_processed_on_demand(pair, as_face):
    mine = pair[0]
    with working(as_face, access_to(mine)):
        person_id = somebody(mine)
        done = prepare_activity(as_face, marry(mine, person_id, DAY), mine.event_maintenance, ASKED)
        assert (done.process_status, done.event_status) == ("PR", "O")
        elect(as_face, done.place, option=other_option(done.place))
        settled = settle_event(as_face, done.place, ASKED, with_defaults=False)
        assert settled.process_status == "FE"
    with working(as_face, access_to(mine)):
        points = Coverage.objects.filter(person_id=person_id, plan_type="10", begins_on__gte=DAY)
        assert [point.kind for point in points] == ["E"]
    with working(as_face, access_to(pair[1])):
        assert not Coverage.objects.filter(person_id=person_id).exists()


def test_an_employee_reports_and_chooses_for_himself_alone(pair, as_face):
    mine = pair[0]
    with working(as_face, access_to(mine)):
        person_id, other_id = somebody(mine, 1), somebody(mine, 2)
    own = access_to(mine, RoleCode.EMPLOYEE, person_id)
    with working(as_face, own):
        done = prepare_activity(as_face, marry(mine, person_id, DAY), mine.event_maintenance, ASKED)
        elect(as_face, done.place, option=other_option(done.place))
        assert held_on(as_face, mine.client_id, [person_id], as_of=DAY).height
        assert held_on(as_face, mine.client_id, [other_id], as_of=DAY).is_empty()
    with pytest.raises(UnknownPeople, match="do not belong to client"), working(as_face, own):
        marry(mine, other_id, DAY)


def test_who_only_reads_processes_nothing(pair, as_face):
    mine = pair[0]
    with working(as_face, access_to(mine, RoleCode.AUDITOR)):
        person_id = somebody(mine, 3)
    with (
        pytest.raises(PeopleBusy),  # who may not write a row may not lock it either
        working(as_face, access_to(mine, RoleCode.AUDITOR)),
    ):
        marry(mine, person_id, LATER.date())
