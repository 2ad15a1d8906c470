"""What a look reads of people: in a handful of calls, the same one by one, and children past their limit."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest
from django.db import connections
from tests.payroll.worlds import World
from tests.platform.conftest import QUICK, credentials

from openbenefits.platform import connecting
from openbenefits.platform.audits import curing, services
from openbenefits.platform.client.operations import OPERATIONS
from openbenefits.platform.client.session import Session
from openbenefits.platform.exchange import Work, look_at
from openbenefits.platform.gathering import FEW, of_people
from openbenefits.platform.standin import payrolls
from openbenefits.platform.standin.server import Standin, Terms
from openbenefits.platform.standin.troubles import Trouble
from openbenefits.platform.standin.world import World as There

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
TODAY = date(2026, 3, 1)
BY = {"author": "test", "now": NOW}
NUMBERS = [f"{number:04d}" for number in range(1, FEW + 4)]
OPEN = frozenset({"NOMASKDOB"})
GRANTED = frozenset(one.grant for one in OPERATIONS.values())
BIRTHS = {"D1": "2000-02-10", "D2": "2000-02-28", "D3": "2008-07-04", "D4": "****-**-**", "D5": "1970-01-01"}


def fill(world: There) -> None:
    world.add_client("CUST", "Acme")
    world.add_plan("HMO", pr125Dedn="MED", prDednCode="MEDA", billCode="B")
    world.setups["CUST"]["HMO"] = {"planId": "HMO", "planClass": "G", "status": "A"}
    for number in NUMBERS:
        world.add_employee("CUST", number, client={"statusClass": "A"}, compensation={"payGroup": "BW"})
    children = {"dependent": [{"dependentId": one} for one in BIRTHS]}
    first = {"effectiveDate": "2026-01-01", "planType": "4", "employeeContrib": "520.00", **children}
    world.enrolments["CUST", "0001"] = [
        {"planId": "HMO", "status": "A", "coverageStart": "2026-01-01", "planDetail": [first]},
        {"planId": "OLD", "status": "T", "coverageEnd": "2025-12-31", "planDetail": []},
    ]
    world.dependents["CUST", "0001"] = {
        number: {
            "dependentId": number,
            "birthdate": born,
            "relationshipCodeType": "SP" if number == "D5" else "CH",
            "isDisabled": False,
        }
        for number, born in BIRTHS.items()
    }
    world.adjustments["CUST", "0002"] = [
        {
            "benefitPlan": "HMO",
            "refNumber": "R1",
            "cycles": 2,
            "cyclesBilled": 0,
            "eeContribution": "10.00",
            "retroEnroll": True,
        }
    ]
    world.arrears["CUST", "0003"] = [
        {"benefitPlan": "HMO", "amount": "5.00", "arrearsDate": "2026-02-01", "dedCode": "MED"}
    ]


@pytest.fixture(params=["built", "not granted", "garbled"])
def asked(request):
    """What was read of people, and the calls it took, with builds and without them."""
    grants = GRANTED - {"SystemService.getData"} if request.param == "not granted" else None
    with Standin(terms=Terms(grants=grants, unmasked=OPEN)) as running:
        fill(running.world)
        if request.param == "garbled":
            running.troubles.plan("getUnbilledBenefitAdjustments", *[Trouble.OTHER_SHAPE] * QUICK.attempts)
        with Session(credentials(running), QUICK) as session:
            found = of_people(session, {"clientId": "CUST"}, NUMBERS, set()).rows
        yield request.param, found, Counter(running.calls)


def test_people_are_read_the_same_at_once_and_one_by_one(asked):
    way, found, calls = asked
    assert [(one["plan"], one["dependents"], one["tier"]) for one in found["enrolment"]] == [
        ("HMO", 5, "4"),
        ("OLD", 0, ""),
    ]
    assert [(one["employee"], one["open_cents"]) for one in found["adjustment"]] == [("0002", 2000)]
    assert [(one["employee"], one["open_cents"]) for one in found["arrears"]] == [("0003", 500)]
    children = {one["dependent"]: one["born"].isoformat() for one in found["child"]}
    assert children == {number: BIRTHS[number] for number in ("D1", "D2", "D3")}
    each = calls["getBenefitPlans"] + calls["getBenefitAdjustments"] + calls["getDeductionArrears"]
    assert each == (0 if way == "built" else 3 * len(NUMBERS))
    assert calls["getDependents"] == (0 if way == "built" else 1)


def test_a_child_past_its_limit_and_still_enrolled_there_is_a_fault(database, tmp_path):
    acme = World(connections["default"], tmp_path)
    acme.cover(acme.hire("0001"), "10", "HMO-1")
    with Standin(terms=Terms(unmasked=OPEN)) as running:
        fill(running.world)
        terms = running.terms
        stated = {"peo_id": terms.peo_id, "username": terms.username, "password": terms.password}
        order = connecting.ConnectionOrder(client_id=0, code="main", base_url=running.url, **stated)
        connecting.link(acme.client_id, connecting.connect(order, **BY), "CUST", **BY)
        look_at(
            Work(
                connection=connections["default"],
                client_id=acme.client_id,
                author="test",
                today=TODAY,
                clock=lambda: NOW,
                patience=QUICK,
            )
        )
    sides = services.sides_of(connections["default"], acme.client_id, TODAY)
    result = services.audit(sides, "A10")
    wrong = result.rows.filter("is_fault")["key"].to_list()
    assert wrong == ["0001|HMO|D1", "0001|HMO|D2"]  # 26 in February; whose birth date is hidden is not judged
    assert "0001|HMO|D3" in result.rows.filter(bucket="equal")["key"]
    with pytest.raises(curing.NoCure, match="past its limit"):
        curing.cure(sides, "A10", wrong[0], reason="click", **BY)


def test_what_is_taken_after_tax_uses_the_code_after_tax():
    world = There()
    fill(world)
    batch = payrolls.open_batch(
        world, "CUST", pay_group="BW", pay_date="2026-03-06", begins="2026-02-16", ends="2026-03-01"
    )
    payrolls.calculate(world, "CUST", batch, per_year=26)
    lines = {one["employeeId"]: one["deduction"] for one in world.vouchers["CUST"]}
    assert [(one["deductCode"], str(one["deductAmount"])) for one in lines["0002"]] == [("MEDA", "10.00")]
    assert [one["deductCode"] for one in lines["0001"]] == ["MED"]
