"""What comes in: employees by events, only what payroll owns; posted pays into the ledger; once."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from django.db import connections
from tests.payroll.worlds import World
from tests.platform.conftest import QUICK

from openbenefits.payroll.frames import load_reported, load_taken
from openbenefits.platform import connecting, inbound, naming, ownership
from openbenefits.platform.exchange import Busy, Work, alone, sync, take_vouchers
from openbenefits.platform.models import InboundItem, Link
from openbenefits.platform.standin import payrolls
from openbenefits.platform.standin.server import Standin, Terms
from openbenefits.platform.standin.troubles import Trouble
from openbenefits.workforce.models import JobFact, Person, PersonFact

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
TODAY = date(2026, 3, 1)
BY = {"author": "test", "now": NOW}
OPEN = {"NOMASKDOB"}


def employee(last, hired, **changes):
    """The parts of an employee there."""
    job = {"statusClass": "A", "lastHireDate": hired, "statusDate": hired, "benefitGroup": "1"}
    return {
        "firstName": "Ann",
        "lastName": last,
        "person": {"birthDate": "1990-04-01", "gender": "F"},
        "contactInformation": {"state": "MA", "zipcode": "01001", "city": "Agawam"},
        "client": job | changes,
        "compensation": {"payGroup": "TWOWEEKS", "standardHours": "40", "annualPay": "52000.00"},
    }


@pytest.fixture(scope="module")
def platform():
    with Standin(terms=Terms(unmasked=frozenset(OPEN))) as running:
        world = running.world
        world.add_client("CUST", "Acme")
        for code, deduction in (("HMO", "MED"), ("FSA", "FSA")):
            world.add_plan(code, pr125Dedn=deduction)
            world.setups["CUST"][code] = {"planId": code, "planClass": "G", "status": "A"}
        world.add_employee("CUST", "0007", **employee("Moss", "2015-01-01"))
        world.add_employee("CUST", "0200", **employee("Hall", "2026-02-02"))
        world.add_employee("CUST", "0300", **employee("", "2026-02-02"))
        yield running


@pytest.fixture(scope="module")
def work(database, platform, tmp_path_factory):
    """Somebody we know by the number, holding medical coverage; the pay group has another name there."""
    world = World(connections["default"], tmp_path_factory.mktemp("acme"))
    world.cover(world.hire("0007"), "10", "HMO-1")
    terms = platform.terms
    stated = connecting.ConnectionOrder(
        client_id=0,
        code="main",
        base_url=platform.url,
        peo_id=terms.peo_id,
        username=terms.username,
        password=terms.password,
    )
    connecting.link(world.client_id, connecting.connect(stated, **BY), "CUST", **BY)
    naming.call(world.client_id, "pay_group", "BW", "TWOWEEKS", **BY)
    return Work(
        connection=connections["default"],
        client_id=world.client_id,
        author="test",
        today=TODAY,
        clock=lambda: NOW,
        patience=QUICK,
    )


def test_everybody_is_read_the_first_time_and_afterwards_who_changed(work, platform):
    came = sync(work)
    assert (came["employees"], came["queued"], came["complete"], came["refused"]) == (3, 3, 2, 1)
    hall = Person.objects.get(employee_number="0200")
    job = JobFact.objects.filter(person_id=hall.pk).latest("version")
    assert (job.action, job.pay_group, job.valid_from) == ("HIR", "BW", date(2026, 2, 2))
    assert job.benefit_group is None  # ours to say, never taken in
    refused = InboundItem.objects.get(state="refused")
    assert "last_name" in refused.told
    assert "Ann" not in refused.told
    assert b"Moss" not in bytes(InboundItem.objects.get(external_id="0007").content)
    assert sync(work) == {"events": 0, "employees": 0, "queued": 0}


def test_a_termination_is_dated_the_day_after_the_last_day_employed(work, platform):
    record = platform.world.employees["CUST"]["0200"]
    record["client"] |= {"statusClass": "T", "statusDate": "2026-02-20"}
    platform.world.happened("Employee", "Client", "change", "CUST", "0200", "statusClass")
    platform.troubles.plan("getEvents", Trouble.TWICE)
    assert sync(work)["complete"] == 1
    hall = Person.objects.get(employee_number="0200")
    last = JobFact.objects.filter(person_id=hall.pk).latest("valid_from")
    assert (last.valid_from, last.last_day_employed) == (date(2026, 2, 21), date(2026, 2, 20))
    assert last.job_status == "T"


def test_a_hidden_birth_date_changes_nothing_of_somebody_known(work, platform):
    platform.terms.unmasked = frozenset()
    platform.world.employees["CUST"]["0007"]["contactInformation"]["city"] = "Boston"
    platform.world.happened("Employee", "Person", "change", "CUST", "0007", "city")
    assert sync(work)["complete"] == 1
    moss = Person.objects.get(employee_number="0007")
    born = PersonFact.objects.filter(person_id=moss.pk).latest("version").birth_on
    assert born in (date(1980, 5, 17), date(1990, 4, 1))
    platform.terms.unmasked = frozenset(OPEN)


def test_a_crash_reads_the_same_events_once_more(work, platform, monkeypatch):
    platform.world.employees["CUST"]["0007"]["contactInformation"]["city"] = "Salem"
    platform.world.happened("Employee", "Person", "change", "CUST", "0007", "city")
    before = Link.objects.get(client_id=work.client_id).replay

    def broken(*_, **__):
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr("openbenefits.platform.exchange.take_in", broken)
        with pytest.raises(RuntimeError):
            sync(work)
    assert Link.objects.get(client_id=work.client_id).replay == before
    assert sync(work)["events"] == 1
    assert not InboundItem.objects.filter(state="pending").exists()


def moved(platform, city, happens=True):
    """Let somebody there move, told by an event or not."""
    platform.world.employees["CUST"]["0007"]["contactInformation"]["city"] = city
    if happens:
        platform.world.happened("Employee", "Person", "change", "CUST", "0007", "city")


def test_after_an_outage_nothing_is_missing(work, platform, monkeypatch):
    monkeypatch.setattr("openbenefits.platform.client.happenings.AT_ONCE", 2)
    for _ in range(3):  # pages hold one event of ours each, and one nobody subscribed to
        platform.world.happened("Payroll", "BatchControl", "change", "CUST", "B1")
        moved(platform, "Lynn")
    came = sync(work)
    assert (came["events"], came["complete"]) == (3, 1)
    platform.world.subscriptions.clear()  # somebody there has thrown it away, and with it what happened
    moved(platform, "Revere", happens=False)
    assert sync(work)["complete"] == 1
    assert Link.objects.get(client_id=work.client_id).subscription in platform.world.subscriptions
    moved(platform, "Chelsea", happens=False)
    assert "complete" not in sync(work)
    later = replace(work, clock=lambda: NOW + timedelta(days=4))
    assert sync(later)["complete"] == 1  # nobody has read for days: everybody is read
    assert "complete" not in sync(later)


def test_posted_pays_go_into_the_ledger_once_and_voids_cancel_out(work, platform):
    world = platform.world
    world.enrolments["CUST", "0007"] = [
        {
            "planId": "HMO",
            "insClass": "M",
            "status": "A",
            "coverageStart": "2026-01-01",
            "planDetail": [{"effectiveDate": "2026-01-01", "employeeContrib": "806.78"}],
        }
    ]
    span = (date(2026, 1, 1), date(2026, 2, 28))
    pay = {"pay_group": "TWOWEEKS", "pay_date": "2026-01-23", "begins": "2026-01-05", "ends": "2026-01-18"}
    batch = payrolls.open_batch(world, "CUST", **pay)
    payrolls.calculate(world, "CUST", batch, per_year=26)
    assert take_vouchers(work, *span).result is None  # not posted yet
    payrolls.complete(world, "CUST", batch)
    world.vouchers["CUST"][0]["deduction"].append(
        {"deductCode": "GARN", "deductAmount": 50, "planId": ""}  # none of ours
    )
    first = take_vouchers(work, *span).result
    assert (first.taken, first.whole, first.bad_row_count) == (1, 1, 0)
    assert load_taken(work.connection, work.client_id, None)["taken_cents"].to_list() == [3103]
    assert load_reported(work.connection, work.client_id).height == 1
    again = take_vouchers(work, *span).result
    assert (again.taken, again.change_id) == (0, None)
    voucher = next(one["voucherId"] for one in world.vouchers["CUST"] if one["employeeId"] == "0007")
    payrolls.void(world, "CUST", voucher, "2026-01-25")
    assert take_vouchers(work, *span).result is None


def test_a_line_that_cannot_be_placed_is_named_and_its_pay_left_out(work, platform):
    world = platform.world
    world.vouchers["CUST"].append(
        {
            "voucherId": "X1",
            "employeeId": "0999",
            "payDate": "2026-01-23",
            "payGroup": "TWOWEEKS",
            "payPeriodEnd": "2026-01-18",
            "batchId": next(iter(world.batches["CUST"])),
            "deduction": [{"deductCode": "MED", "deductAmount": 10, "planId": "HMO"}],
        }
    )
    found = take_vouchers(work, date(2026, 1, 1), date(2026, 2, 28))
    assert found.result is None
    assert found.unplaced == ["an employee there whom nobody knows here; say who he is (1 lines)"]


def test_one_exchange_at_a_time(work, embedded_server):
    name = work.connection.settings_dict["NAME"]
    with psycopg.connect(embedded_server.url(name)) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [0x7A11, work.client_id])
        with pytest.raises(Busy, match="wait"), alone(work.connection, work.client_id):
            pass


def test_the_published_table_is_written_from_the_code():
    published = Path(__file__).parents[2] / "docs" / "payroll-ownership.md"
    assert published.read_text() == ownership.document()
    assert {field.ours for field in ownership.TAKEN_IN} & {"benefit_group"} == set()
    row = inbound.row_of({"id": "7", "client": {"benefitGroup": "X"}}, naming.Names(there={}))
    assert "X" not in row.values()
