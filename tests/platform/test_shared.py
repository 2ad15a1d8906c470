"""What all clients share there, and the client itself: rates written by tier and age, where a client stands."""

from datetime import UTC, date, datetime

import pytest
from django.db import connections
from tests.payroll.worlds import World
from tests.platform.conftest import QUICK
from tests.programs.factories import DATED

from openbenefits.accounts.services import Access, NotAllowed
from openbenefits.background.kinds import KINDS
from openbenefits.platform import connecting, exporting, naming
from openbenefits.platform.audits import curing, services
from openbenefits.platform.exchange import Work, look_at, send
from openbenefits.platform.outbound import plan
from openbenefits.platform.shared_wishes import StatusRefused, status_wish
from openbenefits.platform.standin.server import Standin, Terms

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
TODAY = date(2026, 3, 1)
BY = {"author": "test", "now": NOW}
OURS = {("1", 0): 200.10, ("1", 30): 310.25, ("4", 0): 500, ("4", 30): 700.05}
TIER = {
    **DATED,
    "code": "tier",
    "keys": ["age", "coverage_code"],
    "rates": [{"rate": rate, "coverage_code": code, "age_from": age} for (code, age), rate in OURS.items()],
}


def priced_by_tier(programs) -> None:
    (hmo,) = [one for one in programs[0]["plan_types"][0]["options"] if one["code"] == "HMO"]
    hmo["costs"] = [{"rate_table": "tier"}]


@pytest.fixture(scope="module")
def platform():
    """Its rate of who is alone is wrong from 30 on, that of families not there; another group has its own."""
    with Standin(terms=Terms()) as running:
        world = running.world
        world.add_client("CUST", "Acme")
        world.add_plan("HMO", pr125Dedn="MED", billCode="B")
        world.setups["CUST"]["HMO"] = {"planId": "HMO", "planClass": "G", "benefitRateGroup": "STD"}
        for tier in ("1", "FAMILY"):
            world.tiers[tier] = {"typeCode": tier}
        bands = [
            {"fromAge": "0", "toAge": "29", "employeeBillPremAmount": 200.10, "smokerPremium": 1},
            {"fromAge": "30", "toAge": "120", "employeeBillPremAmount": 300.25},
        ]
        there = {"planId": "HMO", "planType": "1", "effectiveDate": "2026-01-01", "benefitRateDetails": bands}
        world.rates["billing"] = [there | {"rateGroup": group} for group in ("OTHER", "STD")]
        yield running


@pytest.fixture(scope="module")
def work(database, platform, tmp_path_factory):
    acme = World(
        connections["default"],
        tmp_path_factory.mktemp("acme"),
        {"rate_tables": lambda tables: tables.append(TIER)},
        programs=priced_by_tier,
    )
    terms = platform.terms
    stated = {"peo_id": terms.peo_id, "username": terms.username, "password": terms.password}
    order = connecting.ConnectionOrder(client_id=0, code="main", base_url=platform.url, **stated)
    connecting.link(acme.client_id, connecting.connect(order, **BY), "CUST", **BY)
    naming.call(acme.client_id, "tier", "4", "FAMILY", **BY)
    return Work(
        connection=connections["default"],
        client_id=acme.client_id,
        author="test",
        today=TODAY,
        clock=lambda: NOW,
        patience=QUICK,
    )


def sides(work):
    return services.sides_of(work.connection, work.client_id, TODAY)


def test_rates_are_written_whole_and_only_those_of_the_clients_group(work, platform):
    look_at(work)
    before = services.audit(sides(work), "A2")
    assert before.counts == {"here only": 2, "there only": 0, "different": 1, "equal": 1}
    with pytest.raises(curing.NoCure, match="every client"):
        curing.cure(sides(work), "A2", "HMO|1|30", reason="click", **BY)
    (cure,) = curing.cure(sides(work), "A2", "HMO|1|30", reason="click", may_shared=True, **BY)
    assert (cure.element, cure.key) == ("rate", "HMO|1")
    exporting.export(sides(work), "rates", reason="renewal", **BY)
    assert send(work) == {"equal": 2}
    look_at(work)
    assert services.audit(sides(work), "A2").counts == {
        "here only": 0,
        "there only": 0,
        "different": 0,
        "equal": 4,
    }
    other, standard, family = platform.world.rates["billing"]
    assert [float(one["employeeBillPremAmount"]) for one in other["benefitRateDetails"]] == [200.10, 300.25]
    assert standard["benefitRateDetails"][0]["smokerPremium"] == 1  # what is not ours stays
    parts = [
        (str(one["employeeBillPremAmount"]), str(one["dependentBillPremAmount"]))
        for one in family["benefitRateDetails"]
    ]
    assert parts == [("200.10", "299.90"), ("310.25", "389.80")]


def test_a_rate_below_its_premium_and_a_plan_without_codes_are_told(work, platform):
    world = platform.world
    bands = [
        {"fromAge": "0", "toAge": "29", "employeeBillPremAmount": 205},
        {"fromAge": "30", "toAge": "120", "employeeBillPremAmount": 300},
    ]
    premium = {"planId": "HMO", "planType": "1", "effectiveDate": "2026-01-01", "rateGroup": "STD"}
    dear = [band | {"employeeBillPremAmount": 900} for band in bands]
    world.rates["premium"] = [
        premium | {"benefitRateDetails": dear, "rateGroup": "OTHER"},
        premium | {"benefitRateDetails": bands},
    ]
    other = world.rates["billing"][0]
    assert other["rateGroup"] != "STD"
    before, other["benefitRateDetails"] = other["benefitRateDetails"], dear  # no rates of this client
    look_at(work)
    margins = services.audit(sides(work), "A8")
    assert margins.counts == {"here only": 0, "there only": 0, "different": 1, "equal": 1}
    assert margins.rows.filter(bucket="different")["key"].to_list() == ["HMO|1|0"]
    codes = services.audit(sides(work), "A11").rows.filter(key="HMO")
    assert codes["bucket"].to_list() == ["equal"]
    world.plans["HMO"]["billCode"] = ""
    look_at(work)
    (told,) = services.audit(sides(work), "A11").rows.filter(key="HMO").iter_rows(named=True)
    assert (told["bucket"], "has_bill_code" in told["here"]) == ("different", True)
    world.plans["HMO"]["billCode"] = "B"
    other["benefitRateDetails"] = before
    world.rates["premium"] = [premium | {"benefitRateDetails": bands, "rateGroup": ""}]  # once, for all
    look_at(work)
    assert services.audit(sides(work), "A8").rows.filter(bucket="different")["key"].to_list() == ["HMO|1|0"]
    del world.rates["premium"]


def test_only_who_sets_up_for_every_client_may_ask_for_rates(work):
    asked = {"part": "rates", "reason": "renewal"}
    kind = KINDS["platform export"]
    said = kind.asks(**asked)
    own = Access(user_id=1, permissions={work.client_id: frozenset({kind.permission})})
    with pytest.raises(NotAllowed):
        kind.check(own, work.client_id, said)
    kind.check(Access(user_id=1, permissions={0: frozenset({"set-up"})}), work.client_id, said)


def test_a_client_ends_there_once_nobody_is_covered(work, platform):
    platform.world.add_employee("CUST", "0007", client={"statusClass": "A"}, compensation={})
    platform.world.enrolments["CUST", "0007"] = [
        {"planId": "HMO", "status": "A", "coverageStart": "2026-01-01", "planDetail": []}
    ]
    look_at(work)
    with pytest.raises(StatusRefused):
        status_wish(sides(work), "X", TODAY)
    wish = status_wish(sides(work), "T", TODAY)
    assert "found 1 people" in wish.problems[0]
    assert plan(wish.order(work.client_id, cause="exit", reason="left"), **BY).state == "held"
    platform.world.enrolments["CUST", "0007"][0] |= {"status": "T", "coverageEnd": "2026-02-28"}
    look_at(work)
    order = status_wish(sides(work), "T", TODAY).order(work.client_id, cause="exit", reason="left")
    plan(order, **BY)
    assert send(work) == {"equal": 1}
    record = platform.world.clients["CUST"]
    assert (record["statusClass"], record["statusDate"]) == ("T", "2026-03-01")
    assert platform.world.employees["CUST"]["0007"]["client"]["statusClass"] == "A"
