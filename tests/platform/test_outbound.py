"""What is written to the platform: once, read back, kept; whatever the partner answers."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from django.db import IntegrityError, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.platform.conftest import QUICK, credentials, fill

from openbenefits.platform import connecting, outbound
from openbenefits.platform.client.session import Session
from openbenefits.platform.models import Connection, OutboundChange, OutboundStep, PersonLink
from openbenefits.platform.outbound import ChangeOrder, ChangeRefused, Sending, State
from openbenefits.platform.standin.server import Standin, Terms
from openbenefits.platform.standin.troubles import Trouble
from openbenefits.workforce.recording import add_client, add_people

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
BY = {"author": "test", "now": NOW}
ENROLMENT = {
    "planId": "HMO",
    "effectiveDate": "2026-01-01",
    "planType": "EE",
    "employeeContrib": "520.00",
    "status": "A",
}
ADJUSTMENT = {
    "benefitPlan": "HMO",
    "period": "202601",
    "billAmount": "40.00",
    "eeContribution": "20.00",
    "cycles": 2,
    "comment": "openbenefits 7",
}
SETUP = {"planId": "HMO", "planClass": "G", "startDate": "2026-02-01", "stopDate": "2026-12-31"}
RULE = {
    "planId": "HMO",
    "groupPlanId": "1",
    "effectiveDate": "2026-01-01",
    "rule": [{"planType": "EE", "method": "P", "companyEEBill": "80.00"}],
    "eligDays": "30",
}
GROUP = {"groupId": "MAIN", "groupName": "Main program", "eligibleBenefits": [{"planId": "HMO"}]}
WANTED = {
    "enrolment": ENROLMENT,
    "adjustment": ADJUSTMENT,
    "plan set-up": SETUP,
    "rule": RULE,
    "group": GROUP,
    "employee": {"benefitGroup": "MAIN"},
    "end": {"planId": "DENT", "coverageEndDate": "2026-02-28"},
    "waiver": {"planId": "HMO", "status": "W"},
}


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now

    def pass_by(self, **time):
        self.now += timedelta(**time)


@pytest.fixture(scope="module")
def people(database):
    """The client, and its two people, known there."""
    client = add_client("acme", "Acme")
    found = add_people(client.pk, pl.Series("employee_number", ["0001", "0002"]))
    ids = found["person_id"].to_list()
    known = connecting.link_people(client.pk, {"0001": "", "0002": "0002", "0009": ""}, **BY)
    assert known == {"0001": ids[0], "0002": ids[1]}
    return client.pk, ids


def order(people, element, wanted, /, **changes):
    client_id, ids = people
    person = ids[0] if outbound.ELEMENTS[element].of_person else None
    stated = {
        "client_id": client_id,
        "element": element,
        "key": f"{element} of 0001",
        "wanted": wanted,
        "cause": "test",
        "reason": "test",
        "person_id": person,
    }
    return ChangeOrder(**(stated | changes))


def sending(session, clock):
    return Sending(session=session, client="ACME", clock=clock)


def send(people, session, clock):
    return outbound.send_due(people[0], sending(session, clock))


@pytest.mark.parametrize("element", WANTED)
def test_each_element_is_written_and_read_back(people, standin, session, element):
    if element == "end":
        standin.world.enrolments["ACME", "0001"] = [{"planId": "DENT", "status": "A", "planDetail": []}]
    change = outbound.plan(order(people, element, WANTED[element]), **BY)
    assert outbound.plan(order(people, element, WANTED[element]), **BY).pk == change.pk
    assert send(people, session, Clock()) == {"equal": 1}
    change.refresh_from_db()
    assert (change.state, change.attempts, change.differs) == (State.EQUAL, 1, [])
    assert None not in (change.sent_at, change.answered_at, change.read_back_at, change.ended_at)
    states = OutboundStep.objects.filter(change_id=change.pk).order_by("pk").values_list("state", flat=True)
    assert list(states) == ["planned", "sent", "answered", "equal"]
    writes = len(standin.calls)
    once_more = outbound.plan(order(people, element, WANTED[element]), **BY)
    send(people, session, Clock())
    once_more.refresh_from_db()
    assert (once_more.told, once_more.attempts) == ("it was there already", 0)
    assert not [name for name in standin.calls[writes:] if not name.startswith("get")]


@pytest.mark.parametrize("element", ["enrolment", "adjustment"])
@pytest.mark.parametrize("trouble", [Trouble.LOST, Trouble.SLOW, Trouble.GARBAGE, Trouble.TRUNCATED])
def test_accepted_then_timed_out_is_there_exactly_once(people, standin, session, element, trouble):
    clock = Clock()
    change = outbound.plan(order(people, element, WANTED[element]), **BY)
    writes = {"enrolment": "enrollBenefit", "adjustment": "setBenefitAdjustments"}[element]
    standin.troubles.plan(writes, trouble)
    assert send(people, session, clock) == {"sent": 1}
    assert send(people, session, clock) == {}  # not before it had time
    clock.pass_by(minutes=3)
    assert send(people, session, clock) == {"equal": 1}
    change.refresh_from_db()
    assert change.attempts == 1
    assert standin.calls.count(writes) == 1
    assert there(standin.world, element) == 1


def there(world, element):
    """How often a record is there."""
    place = ("ACME", "0001")
    if element == "adjustment":
        return len(world.adjustments.get(place, []))
    return sum(len(one["planDetail"]) for one in world.enrolments.get(place, []) if one["planId"] == "HMO")


def test_a_killed_worker_leaves_what_is_read_back_first(people, standin, session):
    clock = Clock()
    change = outbound.plan(order(people, "adjustment", ADJUSTMENT), **BY)
    OutboundChange.objects.filter(pk=change.pk).update(state="sent", attempts=1)  # killed before it sent
    assert send(people, session, clock) == {"equal": 1}
    assert there(standin.world, "adjustment") == 1


def test_refused_locked_and_stale(people, standin, session):
    clock = Clock()
    wrong = outbound.plan(order(people, "enrolment", ENROLMENT | {"planId": "NONE"}), **BY)
    assert send(people, session, clock) == {"failed": 1}
    wrong.refresh_from_db()
    assert "plan is not known" in wrong.told
    again = outbound.again(wrong, reason="tried once more", **BY)
    outbound.cancel(again, told="not wanted", now=NOW)
    change = outbound.plan(order(people, "plan set-up", SETUP), **BY)
    standin.troubles.plan("setClientBenefitPlanSetupDetails", *[Trouble.LOCKED] * 4)
    assert send(people, session, clock) == {"planned": 1}
    clock.pass_by(minutes=6)
    standin.troubles.plan("setClientBenefitPlanSetupDetails", Trouble.THROTTLED_LONG)
    assert send(people, session, clock) == {"planned": 1}
    clock.pass_by(minutes=59)
    assert send(people, session, clock) == {}  # it asked for an hour
    clock.pass_by(minutes=2)
    standin.troubles.plan("setClientBenefitPlanSetupDetails", Trouble.STALE)
    assert send(people, session, clock) == {"equal": 1}
    change.refresh_from_db()
    assert standin.world.setups["ACME"]["HMO"]["carrierAcct"] == "not ours"
    assert standin.world.setups["ACME"]["HMO"]["startDate"] == "2026-02-01"


def test_what_reads_back_otherwise_is_told(people, standin, session):
    standin.world.enrolments["ACME", "0001"] = [
        {"planId": "HMO", "status": "W", "planDetail": [{"effectiveDate": "2026-01-01", "planType": "FAM"}]}
    ]
    change = outbound.plan(order(people, "eligible", {"planId": "HMO", "status": "E"}), **BY)
    OutboundChange.objects.filter(pk=change.pk).update(state="answered", attempts=1)
    assert send(people, session, Clock()) == {"different": 1}
    change.refresh_from_db()
    assert change.differs == ["status"]
    with pytest.raises(ChangeRefused, match="too late"):
        outbound.cancel(change, told="", now=NOW)


def test_held_unknown_and_stopped(people, standin, session):
    clock = Clock()
    held = outbound.plan(order(people, "rule", RULE, held="the group is not there"), **BY)
    assert (held.state, send(people, session, clock)) == ("held", {})
    outbound.plan(order(people, "rule", RULE), **BY)
    assert send(people, session, clock) == {"equal": 1}
    unknown = add_people(people[0], pl.Series("employee_number", ["0003"]))["person_id"][0]
    outbound.plan(order(people, "waiver", {"planId": "HMO", "status": "W"}, person_id=unknown), **BY)
    stopped = sending(session, clock)
    stopped.stops = {"adjustment": "payroll corrects by itself"}
    outbound.plan(order(people, "adjustment", ADJUSTMENT), **BY)
    assert outbound.send_due(people[0], stopped) == {"held": 2}
    assert there(standin.world, "adjustment") == 0
    for one in OutboundChange.objects.filter(state="held"):
        outbound.cancel(one, told="end of test", now=NOW)


def test_one_open_change_for_a_record(people, standin, session):
    first = outbound.plan(order(people, "employee", {"benefitGroup": "A"}), **BY)
    second = outbound.plan(order(people, "employee", {"benefitGroup": "B"}), **BY)
    first.refresh_from_db()
    assert (first.state, second.state) == ("replaced", "planned")
    OutboundChange.objects.filter(pk=second.pk).update(state="sent")
    with pytest.raises(ChangeRefused, match="wait for it"):
        outbound.plan(order(people, "employee", {"benefitGroup": "C"}), **BY)
    for nonsense in ({"element": "rates"}, {"reason": " "}, {"person_id": None}):
        with pytest.raises(ChangeRefused):
            outbound.plan(order(people, "employee", {"benefitGroup": "C"}, **nonsense), **BY)
    send(people, session, Clock())
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        OutboundStep.objects.filter(change_id=first.pk).delete()


HARD = [
    *(Trouble.EXPIRED, Trouble.EXPIRED_IN_WORDS, Trouble.LOCKED, Trouble.THROTTLED, Trouble.BROKEN),
    *(Trouble.LOST, Trouble.GARBAGE, Trouble.TRUNCATED, Trouble.OTHER_SHAPE, Trouble.STALE),
    Trouble.ODD_RECORDS,
]


@pytest.fixture(scope="module")
def crowd():
    """A stand-in for all examples of a property; each fills its world anew."""
    with Standin(terms=Terms()) as running:
        yield running


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    troubles=st.lists(st.sampled_from(HARD), max_size=14), elements=st.sets(st.sampled_from(sorted(WANTED)))
)
def test_no_partner_corrupts_a_record(people, crowd, troubles, elements):
    """Whatever it answers, a record there is as it was or as wanted, never twice; what is equal is there."""
    crowd.world.__init__()
    fill(crowd.world)
    crowd.troubles.clear()
    crowd.world.enrolments["ACME", "0001"] = [
        {"planId": "DENT", "insClass": "N", "status": "A", "planDetail": [], "doctorId": "not ours"}
    ]
    elements = sorted(elements - {"waiver"})
    clock = Clock()
    changes = [outbound.plan(order(people, one, WANTED[one]), **BY) for one in elements]
    crowd.troubles.plan("*", *troubles)
    with Session(credentials(crowd), QUICK) as session:
        for _ in range(30):
            if not OutboundChange.objects.filter(state__in=outbound.OPEN).exists():
                break
            send(people, session, clock)
            clock.pass_by(minutes=10)
    for change in changes:
        change.refresh_from_db()
        assert change.state in ("equal", "failed", "different")
        assert there(crowd.world, change.element) <= 1 or change.element not in ("enrolment", "adjustment")
    crowd.troubles.clear()
    with Session(credentials(crowd), QUICK) as session:
        for change in changes:
            is_there = _reads_as_wanted(session, change)
            assert is_there == (change.state == "equal") or change.state == "failed"
    assert crowd.world.setups["ACME"]["HMO"]["carrierAcct"] == "not ours"
    assert crowd.world.enrolments["ACME", "0001"][0]["doctorId"] == "not ours"
    assert crowd.world.groups["ACME"]["1"]["groupName"] == "PRIMARY"


def _reads_as_wanted(session, change):
    element = outbound.ELEMENTS[change.element]
    place = outbound.Place(session=session, client="ACME", employee="0001" if element.of_person else "")
    return not outbound.differing(change.wanted, element.find(place, change.wanted))


def test_credentials_are_sealed_and_a_person_says_who_is_who(people):
    stated = connecting.ConnectionOrder(
        client_id=0,
        code="main",
        base_url="https://api.example.com/prismhr-api/services/rest",
        peo_id="624*D",
        username="service",
        password="open sesame",
    )
    assert "sesame" not in repr(stated)
    made = connecting.connect(stated, **BY)
    assert b"sesame" not in bytes(Connection.objects.get(pk=made.pk).sealed)
    connecting.link(people[0], made, "ACME", **BY)
    with connecting.session_of(connecting.known(people[0]).connection) as session:
        assert session.credentials.password == "open sesame"
    with pytest.raises(connecting.LinkRefused, match="https"):
        connecting.connect(connecting.ConnectionOrder(**(vars(stated) | {"base_url": "http://x.y"})), **BY)
    with pytest.raises(connecting.NotLinked):
        connecting.known(999)
    connecting.say_who(people[0], people[1][1], "0077", **BY)
    assert PersonLink.objects.get(external_id="0077").person_id == people[1][1]
    connecting.say_who(people[0], people[1][1], "0002", **BY)
    assert connections["default"].ensure_connection() is None
