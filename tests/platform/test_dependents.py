"""Dependents written at the platform: once, read back, nothing of theirs lost, and nobody named on the way."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connections
from tests.payroll.worlds import World
from tests.platform.conftest import QUICK

from openbenefits.platform import connecting, exporting
from openbenefits.platform.audits import curing, services
from openbenefits.platform.exchange import Work, look_at, send
from openbenefits.platform.models import DependentLink, OutboundChange, Seen
from openbenefits.platform.standin.server import Standin, Terms
from openbenefits.platform.standin.troubles import Trouble
from openbenefits.workforce.services import change_dependent

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
TODAY = date(2026, 3, 1)
BY = {"author": "test", "now": NOW}
PLACE = ("CUST", "0007")
OPEN = frozenset({"NOMASKDOB", "NOMASKSSN"})
THEIRS = {"doctorId": "DR-9", "tobaccoUser": True, "ssn": "900-12-3456", "address": "1 Elm Street"}


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def platform():
    with Standin(terms=Terms(unmasked=OPEN)) as running:
        world = running.world
        world.add_client("CUST", "Acme")
        world.tiers["4"] = {"typeCode": "4"}
        world.add_plan("HMO", pr125Dedn="MED", billCode="B")
        world.setups["CUST"]["HMO"] = {"planId": "HMO", "planClass": "G", "status": "A"}
        world.add_employee("CUST", "0007", client={"statusClass": "A"}, compensation={"payGroup": "BW"})
        yield running


@pytest.fixture(scope="module")
def work(database, platform, tmp_path_factory):
    """A family here, of whom the platform knows nobody."""
    world = World(connections["default"], tmp_path_factory.mktemp("acme"))
    person = world.hire("0007")
    family = [
        world.workforce.add_dependent(
            world.client_id,
            person,
            on=date(2020, 1, 1),
            first_name=first,
            last_name="Moss",
            person_type=kind,
            dependent={"birth_on": born, "sex": "F"},
            made_by="test",
            now=NOW,
        ).dependent_id
        for first, kind, born in (("Ida", "SP", date(1981, 2, 3)), ("Eve", "CH", date(2015, 6, 7)))
    ]
    world.cover(person, "10", "HMO-4", dependents=family)
    terms = platform.terms
    stated = {"peo_id": terms.peo_id, "username": terms.username, "password": terms.password}
    order = connecting.ConnectionOrder(client_id=0, code="main", base_url=platform.url, **stated)
    connecting.link(world.client_id, connecting.connect(order, **BY), "CUST", **BY)
    found = Work(
        connection=connections["default"],
        client_id=world.client_id,
        author="test",
        today=TODAY,
        clock=Clock(),
        patience=QUICK,
    )
    look_at(found)
    return found


def export(work, part="people"):
    sides = services.sides_of(work.connection, work.client_id, TODAY)
    return exporting.export(sides, part, reason="test", author="test", now=work.clock())


def family(platform):
    return sorted(platform.world.dependents.get(PLACE, {}).values(), key=lambda one: one["firstName"])


def test_a_family_is_there_once_whatever_gets_lost_and_the_enrolment_names_it(work, platform):
    export(work)
    platform.troubles.plan("setDependent", Trouble.LOST, Trouble.GARBAGE)  # both done, neither answered
    came = send(work)
    assert came["sent"] == 2
    assert came["held"] == 1  # the enrolment: his dependents are not known there yet
    work.clock.now += timedelta(minutes=3)
    assert send(work) == {"equal": 2}
    assert platform.calls.count("setDependent") == 2
    look_at(work)
    export(work)
    assert send(work) == {"equal": 1}
    there = family(platform)
    assert [(one["firstName"], one["relationshipCodeType"], one["spouse"]) for one in there] == [
        ("Eve", "CH", "N"),
        ("Ida", "SP", "Y"),
    ]
    numbers = {one["dependentId"] for one in there}
    (enrolment,) = platform.world.enrolments[PLACE]
    assert {one["dependentId"] for one in enrolment["planDetail"][-1]["dependent"]} == numbers
    assert set(DependentLink.objects.values_list("external_id", flat=True)) == numbers
    look_at(work)
    assert export(work) == []  # nothing differs any more


def test_a_corrected_name_reaches_the_same_record_and_what_is_theirs_stays(work, platform):
    number = next(one["dependentId"] for one in family(platform) if one["firstName"] == "Eve")
    platform.world.dependents[PLACE][number] |= THEIRS
    ours = DependentLink.objects.get(external_id=number).dependent_id
    change_dependent(
        work.client_id, ours, on=date(2020, 1, 1), changes={"first_name": "Eva"}, made_by="test", now=NOW
    )
    look_at(work)
    sides = services.sides_of(work.connection, work.client_id, TODAY)
    (row,) = services.audit(sides, "A6").rows.filter("is_fault").iter_rows(named=True)
    assert (row["key"], row["there"]) == ("0007|dependent 2", "differs firstName")
    curing.cure(sides, "A6", row["key"], reason="test", **BY)
    platform.troubles.plan("setDependent", Trouble.STALE, Trouble.LOCKED)
    assert send(work) == {"equal": 1}
    there = platform.world.dependents[PLACE][number]
    assert there["firstName"] == "Eva"
    assert {name: there[name] for name in THEIRS} == THEIRS
    assert len(family(platform)) == 2


def test_a_masked_record_is_never_written_back_and_never_made_twice(work, platform):
    platform.terms.unmasked = frozenset({"NOMASKDOB"})
    ours = DependentLink.objects.order_by("dependent_id").last().dependent_id
    change_dependent(
        work.client_id, ours, on=date(2020, 1, 1), changes={"last_name": "Mossy"}, made_by="test", now=NOW
    )
    look_at(work)
    (change,) = export(work)
    assert send(work) == {"failed": 1}
    change.refresh_from_db()
    assert "ssn masked" in change.told
    platform.terms.unmasked = frozenset()
    DependentLink.objects.all().delete()  # as if nobody had ever said who is who
    look_at(work)
    assert {one.element for one in export(work)} == {"dependent"}
    assert send(work) == {"failed": 2}
    assert "NOMASKDOB" in OutboundChange.objects.order_by("-pk")[0].told
    assert len(family(platform)) == 2
    platform.terms.unmasked = OPEN


def test_nothing_that_is_kept_of_it_says_who_a_dependent_is(work):
    kept = [
        *OutboundChange.objects.values_list("wanted", "told", "key"),
        *Seen.objects.values_list("content"),
    ]
    told = repr(kept)
    for personal in ("Ida", "Eve", "Eva", "1981-02-03", "2015-06-07"):
        assert personal not in told
