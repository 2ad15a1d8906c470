"""The client against the stand-in over real HTTP: sessions, faults, pages, locks, builds, events."""

import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.platform.conftest import QUICK, credentials

from openbenefits.platform.client import values
from openbenefits.platform.client.downloads import built
from openbenefits.platform.client.faults import (
    Busy,
    Hidden,
    NotGranted,
    NotReached,
    NotThere,
    Refused,
    SignInRefused,
    Stale,
    Unsure,
)
from openbenefits.platform.client.happenings import since, subscribe
from openbenefits.platform.client.paging import Reading, paged
from openbenefits.platform.client.replacing import replace
from openbenefits.platform.client.session import Credentials, Session
from openbenefits.platform.standin import payrolls
from openbenefits.platform.standin.server import Standin, Terms
from openbenefits.platform.standin.troubles import Trouble

WHO = {"clientId": "ACME", "employeeId": "0001"}
NEW = {"benefitPlan": "HMO", "period": "202601", "billAmount": "10.00", "eeContribution": "5.00"}


@pytest.mark.parametrize("trouble", [Trouble.EXPIRED, Trouble.EXPIRED_IN_WORDS])
def test_a_session_that_ended_is_opened_once_more(standin, session, trouble):
    session.call("getClientMaster", clientId="ACME")
    standin.troubles.plan("getClientMaster", trouble)
    assert session.call("getClientMaster", clientId="ACME")["clientMaster"]["id"] == "ACME"
    assert standin.calls.count("createPeoSession") == 2
    standin.expire()
    assert session.rows("getEmployeeList", clientId="ACME") == ["0001", "0002"]


def test_the_session_travels_in_the_body_of_what_is_json(standin, session):
    session.call("setBenefitAdjustments", **WHO, benefitAdjustments=[NEW | {"refNumber": "NEW"}])
    wrong = standin.answer(
        "setBenefitAdjustments", "POST", {"header": next(iter(standin.world.sessions))}, dict(WHO)
    )
    assert wrong[0] == 401


def test_who_is_refused_at_the_door_is_told_so_without_his_password(standin):
    bad = Credentials(base_url=standin.url, peo_id="624*D", username="service", password="guess")
    assert "guess" not in repr(bad)
    with Session(bad, QUICK) as session, pytest.raises(SignInRefused, match="correct the connection") as told:
        session.call("getClientList")
    assert "guess" not in str(told.value)


def test_reads_wait_out_what_passes(standin, session):
    passing = (Trouble.LOCKED, Trouble.GARBAGE, Trouble.TRUNCATED)
    standin.troubles.plan("getEmployeeList", *passing)
    assert session.rows("getEmployeeList", clientId="ACME") == ["0001", "0002"]
    standin.troubles.plan("getEmployeeList", *[Trouble.OTHER_SHAPE] * 4)
    with pytest.raises(NotReached):
        session.rows("getEmployeeList", clientId="ACME")
    standin.troubles.plan("getEmployeeList", Trouble.LOST, Trouble.SLOW, Trouble.BROKEN)
    assert len(session.rows("getEmployeeList", clientId="ACME")) == 2


def test_a_throttled_call_waits_as_long_as_it_is_told(standin, session):
    standin.troubles.plan("getClientList", Trouble.THROTTLED_FOR)
    assert session.rows("getClientList")
    standin.troubles.plan("getClientList", *[Trouble.THROTTLED] * 4)
    with pytest.raises(Busy):
        session.rows("getClientList")
    calls = standin.calls.count("getClientList")
    standin.troubles.plan("getClientList", Trouble.THROTTLED_LONG)
    with pytest.raises(Busy) as told:  # nobody sits here for an hour
        session.rows("getClientList")
    assert (told.value.wait, standin.calls.count("getClientList") - calls) == (3600, 1)


def test_what_is_nested_without_end_is_no_answer():
    with pytest.raises(values.NO_JSON):
        values.read(b"[" * 200_000)


LOST = [Trouble.SLOW, Trouble.LOST, Trouble.GARBAGE, Trouble.TRUNCATED, Trouble.OTHER_SHAPE, Trouble.DRIPPING]


@pytest.mark.parametrize("trouble", LOST)
def test_a_write_without_an_answer_is_never_repeated_unseen(standin, session, trouble):
    standin.troubles.plan("setBenefitAdjustments", trouble)
    with pytest.raises(Unsure):
        session.call("setBenefitAdjustments", **WHO, benefitAdjustments=[NEW | {"refNumber": "NEW"}])
    assert standin.calls.count("setBenefitAdjustments") == 1
    assert len(session.rows("getBenefitAdjustments", **WHO)) == 1


def test_what_is_not_there_is_nothing_for_a_list_and_a_fault_for_a_record(session):
    assert session.rows("getDeductionArrears", **WHO) == []  # 404
    asked = {"startDate": "2026-01-01", "endDate": "2026-02-01", "dateType": "PAY"}
    assert session.rows("getBatchListByDate", clientId="ACME", **asked) == []  # 500 with words
    with pytest.raises(NotThere):
        session.call("getGroupBenefitPlan", planId="none")
    with pytest.raises(Refused, match="Client ID is required"):
        session.call("getClientMaster")


def test_a_missing_grant_is_named():
    with Standin(terms=Terms(grants=frozenset({"BenefitService.getBenefitPlanList"}))) as standin:
        standin.world.add_client("ACME", "Acme")
        with Session(credentials(standin), QUICK) as session:
            assert session.rows("getBenefitPlanList") == []
            with pytest.raises(NotGranted, match=r"ClientMasterService\.getClientList"):
                session.rows("getClientList")


@pytest.mark.parametrize("there", list(Reading))
@pytest.mark.parametrize("ours", list(Reading))
def test_pages_are_read_whole_in_both_readings(standin, session, there, ours):
    standin.terms.reading = there
    standin.world.vouchers["ACME"] = [
        {"voucherId": str(n), "payDate": "2026-01-09", "batchId": "x"} for n in range(23)
    ]
    asked = {"clientId": "ACME", "payDateStart": "2026-01-01", "payDateEnd": "2026-02-01"}
    found = paged(session, "getPayrollVouchers", reading=ours, count=5, **asked)
    assert [one["voucherId"] for one in found] == [str(n) for n in range(23)]


def test_a_record_written_whole_keeps_what_is_not_ours(standin, session):
    standin.world.groups["ACME"]["2"] = {
        "groupId": "2",
        "groupName": "Old",
        "retirementOrBenefitPlan": "R",
        "eligibleBenefits": [{"planId": "DENT"}],
    }
    standin.troubles.plan("setBenefitGroup", Trouble.STALE)

    def find():
        found = session.rows("getBenefitGroup", clientId="ACME", groupId=["2"])
        return found[0] if found else None

    def change(there):
        return {"groupName": "New"}

    def write(record):
        session.call("setBenefitGroup", clientId="ACME", benefitGroup=record)

    assert replace(find, change, write)
    assert not replace(find, change, write)
    assert standin.world.groups["ACME"]["2"] == {
        "groupId": "2",
        "groupName": "New",
        "retirementOrBenefitPlan": "R",
        "eligibleBenefits": [{"planId": "DENT"}],
    }
    standin.troubles.plan("setBenefitGroup", *[Trouble.STALE] * 5)
    with pytest.raises(Stale):
        replace(find, lambda _: {"groupName": "Newer"}, write)


def test_a_masked_field_is_never_written_back():
    with pytest.raises(Hidden, match="birthdate"):
        replace(
            lambda: {"birthdate": "****-**-**", "lastName": "Moss"}, lambda _: {"lastName": "Hall"}, print
        )
    assert values.day("****-**-**") is None
    assert values.is_hidden("***-**-****")


def test_amounts_are_exact_however_they_come(standin, session):
    assert [values.cents(one) for one in ("", None, "***", "1.005", 2.5, Decimal("0.1"), "-3.10", "x")] == [
        *(None, None, None, 101, 250, 10, -310, None)
    ]
    assert values.amount(-5) == "-0.05"
    batch = payrolls.open_batch(
        standin.world,
        "ACME",
        pay_group="BW",
        pay_date="2026-01-09",
        begins="2025-12-22",
        ends="2026-01-04",
    )
    session.call(
        "enrollBenefit",
        **WHO,
        planId="HMO",
        effectiveDate="2026-01-01",
        planType="EE",
        employeeContrib="260.10",
    )
    payrolls.calculate(standin.world, "ACME", batch, per_year=26)
    payrolls.complete(standin.world, "ACME", batch)
    asked = {"clientId": "ACME", "payDateStart": "2026-01-01", "payDateEnd": "2026-02-01"}
    found = paged(session, "getPayrollVouchers", reading=Reading.RECORDS, **asked)
    assert [line["deductAmount"] for one in found for line in one["deduction"]] == [Decimal("10.00")]


def test_a_build_is_looked_at_until_it_is_done(standin, session):
    session.call("setBenefitAdjustments", **WHO, benefitAdjustments=[NEW | {"refNumber": "NEW"}])
    found = built(session, "getUnbilledBenefitAdjustments", wait=0.01, clientId=["ACME"])
    assert [one["employeeId"] for one in found["unbilledBenefitAdjustments"]] == ["0001"]
    with pytest.raises(Refused, match="another machine"):
        session.fetch("http://127.0.0.2:1/built/D1")


def test_events_are_read_on_from_our_own_mark(standin, session):
    number = subscribe(session, "ours", [("Employee", "Person"), ("Employee", "Client")])
    assert subscribe(session, "ours", [("Employee", "Person")]) == number
    told, mark = since(session, number, "")
    assert [one.about for one in told] == ["0001", "0002"]
    assert {one.action for one in told} == {"insert"}
    session.call("updateEmployeeFields", **WHO, benefitGroup="2")
    session.call("updateEmployeeFields", **(WHO | {"employeeId": "0002"}), benefitGroup="2")
    standin.troubles.plan("getEvents", Trouble.PARTIAL, Trouble.TWICE)
    again, after = since(session, number, mark)
    assert [(one.about, one.fields, one.action) for one in again] == [
        ("0001", ("benefitGroup",), "update"),
        ("0002", ("benefitGroup",), "update"),
    ]
    assert since(session, number, mark)[1] == after  # a crash reads the same once more
    assert since(session, number, after) == ([], after)


class _Hook(BaseHTTPRequestHandler):
    is_honest = True

    def do_GET(self):
        token = parse_qs(urlsplit(self.path).query)["validationToken"][0] if self.is_honest else "other"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(token.encode())

    def log_message(self, *_):
        """Say nothing."""


def test_a_webhook_shakes_hands(session):
    hook = HTTPServer(("127.0.0.1", 0), _Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{hook.server_address[1]}/"
        assert subscribe(session, "hooked", [("Client", "Master")], url)
        _Hook.is_honest = False
        with pytest.raises(Refused):
            subscribe(session, "never", [("Client", "Master")], url)
    finally:
        hook.shutdown()
        hook.server_close()
