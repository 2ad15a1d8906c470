"""The stand-in on the loopback, and a client of it with little patience."""

import pytest
import stamina

from openbenefits.platform.client.session import Credentials, Patience, Session
from openbenefits.platform.standin.server import Standin, Terms

QUICK = Patience(seconds=0.25, whole_seconds=0.6, attempts=4, first_wait=0.01, longest_wait=0.05)


def credentials(standin):
    terms = standin.terms
    return Credentials(
        base_url=standin.url, peo_id=terms.peo_id, username=terms.username, password=terms.password
    )


def fill(world):
    """A client with two employees, a medical and a dental plan, tiers, groups, a pay group."""
    world.add_client("ACME", "Acme")
    for code in ("EE", "FAM"):
        world.tiers[code] = {"typeCode": code, "typeDescription": code}
    world.add_plan("HMO", prDednCode="MED", billCode="MED", pr125Dedn="MED")
    world.add_plan("DENT", insClass="N", offerTypeCode="DEN", prDednCode="DEN", billCode="DEN")
    for plan in ("HMO", "DENT"):
        world.setups["ACME"][plan] = {
            "planId": plan,
            "planClass": "G",
            "status": "A",
            "startDate": "2026-01-01",
            "benefitRateGroup": "STD",
            "carrierAcct": "not ours",
            "planSuppBenAdj": "Y",
        }
    for number, name in (("0001", "Moss"), ("0002", "Hall")):
        world.add_employee(
            "ACME",
            number,
            lastName=name,
            firstName="Ann",
            person={"birthDate": "1980-05-17", "gender": "F"},
            client={"statusClass": "A", "benefitGroup": "1", "firstHireDate": "2020-01-06"},
            compensation={"payGroup": "BW", "ssn": "123456789", "annualPay": "52000.00"},
        )
    return world


@pytest.fixture
def standin():
    stamina.set_active(True)
    with Standin(terms=Terms(slow_seconds=0.4)) as running:
        fill(running.world)
        yield running


@pytest.fixture
def session(standin):
    with Session(credentials(standin), QUICK) as opened:
        yield opened
