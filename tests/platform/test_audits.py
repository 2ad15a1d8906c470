"""Audits of payroll: what is exported reads back equal; what is planted is found, cured, or accepted."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from django.db import connections
from hypothesis import given
from hypothesis import strategies as st
from tests.payroll.worlds import World
from tests.platform.conftest import QUICK

from openbenefits.casework.services import Task
from openbenefits.enrollment.models import Coverage
from openbenefits.platform import connecting, exporting, naming
from openbenefits.platform.audits import accepting, curing, services
from openbenefits.platform.audits.comparing import Bucket, compare, counts
from openbenefits.platform.exchange import Work, look_at, send
from openbenefits.platform.models import Accepted, OutboundChange, PersonLink
from openbenefits.platform.standin import payrolls
from openbenefits.platform.standin.server import Standin, Terms

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
TODAY = date(2026, 3, 1)
BY = {"author": "test", "now": NOW}
THERE = ("CUST", "0007")


@pytest.fixture(scope="module")
def platform():
    """A platform that knows the plans of the system, and of the client nothing but its people."""
    with Standin(terms=Terms()) as running:
        world = running.world
        world.add_client("CUST", "Acme")
        for tier in ("1", "FAMILY"):
            world.tiers[tier] = {"typeCode": tier}
        for code, deduction in (("HMO", "MED"), ("LIFE", ""), ("FSA", "FSA")):
            world.add_plan(code, pr125Dedn=deduction, billCode="B")
        for number in ("0007", "0008"):
            world.add_employee(
                "CUST",
                number,
                client={"statusClass": "A", "benefitGroup": "1", "lastHireDate": "2015-01-01"},
                compensation={"payGroup": "BW"},
            )
        yield running


@pytest.fixture(scope="module")
def acme(database, platform, tmp_path_factory):
    """Two people who hold coverage here; the client linked to the platform, the family tier named."""
    world = World(connections["default"], tmp_path_factory.mktemp("acme"))
    for number in ("0007", "0008"):
        world.cover(world.hire(number), "10", "HMO-1")
    terms = platform.terms
    made = connecting.connect(
        connecting.ConnectionOrder(
            client_id=0,
            code="main",
            base_url=platform.url,
            peo_id=terms.peo_id,
            username=terms.username,
            password=terms.password,
        ),
        **BY,
    )
    connecting.link(world.client_id, made, "CUST", **BY)
    naming.call(world.client_id, "tier", "4", "FAMILY", **BY)
    return world


@pytest.fixture
def work(acme):
    return Work(
        connection=connections["default"],
        client_id=acme.client_id,
        author="test",
        today=TODAY,
        clock=lambda: NOW,
        patience=QUICK,
    )


def sides(acme):
    return services.sides_of(connections["default"], acme.client_id, TODAY)


def buckets(acme, code):
    return services.audit(sides(acme), code).counts


def export(acme, work, *parts):
    """Export parts, send them, and look at the platform again."""
    for part in parts:
        exporting.export(sides(acme), part, reason="go live", **BY)
        came = send(work)
        look_at(work)
    return came


def may(acme):
    return services.may_run(connections["default"], acme.client_id, on=TODAY, now=NOW)


def test_what_is_exported_reads_back_equal(acme, work, platform):
    refused = may(acme)
    assert not refused.may_run
    assert "ask for a look" in refused.reasons[0]
    look_at(work)
    before = services.audits(connections["default"], acme.client_id, TODAY)
    assert {one.audit.code: one.faults for one in before}["A1"] == 3
    assert any("A1" in reason for reason in may(acme).reasons)
    assert export(acme, work, "set-up") == {"equal": 7}  # three set-ups, a group, three rules
    assert export(acme, work, "people") == {"equal": 4}  # two groups of employees, two enrolments
    found = {
        one.audit.code: one.counts for one in services.audits(connections["default"], acme.client_id, TODAY)
    }
    none = {"here only": 0, "there only": 0, "different": 0}
    for code, rows in {"A1": 3, "A3": 2, "A4": 2, "A5": 3, "A6": 2}.items():
        assert found[code] == none | {"equal": rows}, code
    yearly = platform.world.enrolments[THERE][0]["planDetail"][0]["employeeContrib"]
    assert yearly == "806.65"  # a year of pays that take 31.02 or 31.03
    answer = may(acme)
    assert (answer.may_run, answer.reasons) == (True, [])
    assert exporting.wishes(sides(acme), "people") == []


def test_planted_faults_are_found_and_cured_by_one_click(acme, work, platform):
    world = platform.world
    world.setups["CUST"]["HMO"]["startDate"] = "2026-02-01"
    world.setups["CUST"]["OLD"] = {"planId": "OLD", "planClass": "G", "status": "A"}
    rule = next(one for one in world.rules["CUST"].values() if one["planId"] == "HMO")
    rule["rule"][0]["companyEEBill"] = "70.0000"
    rule["employmentType"] = ["FT"]
    world.employees["CUST"]["0007"]["client"]["benefitGroup"] = "1"
    world.enrolments[THERE][0]["status"] = "T"
    world.enrolments["CUST", "0008"].append(
        {
            "planId": "LIFE",
            "status": "A",
            "coverageStart": "2026-01-01",
            "planDetail": [{"effectiveDate": "2026-01-01", "planType": ""}],
        }
    )
    look_at(work)
    faults = {"A1": "HMO", "A3": "HMO|MAIN|1", "A4": "0007", "A6": "0007|HMO"}
    assert {code for code, number in may(acme).faults.items() if number} >= set(faults)
    for code, key in faults.items():
        made = curing.cure(sides(acme), code, key, reason="click", **BY)
        assert [(one.cause, one.state) for one in made] == [(f"{code} {key}", "planned")]
    (ended,) = curing.cure(sides(acme), "A6", "0008|LIFE", reason="click", **BY)
    assert ended.element == "end"
    with pytest.raises(curing.NoCure, match="end it at the platform"):
        curing.cure(sides(acme), "A1", "OLD", reason="click", **BY)
    assert send(work) == {"equal": 5}
    look_at(work)
    left = {code: number for code, number in may(acme).faults.items() if number}
    assert left == {"A1": 1}
    assert rule["employmentType"] == ["FT"]
    with pytest.raises(curing.NoCure, match="none any more"):
        curing.cure(sides(acme), "A4", "0007", reason="click", **BY)


def test_a_difference_is_accepted_until_a_day_and_only_as_it_is(acme, work, platform):
    row = services.audit(sides(acme), "A1").rows.filter(key="OLD").row(0, named=True)
    wish = accepting.Acceptance(
        client_id=acme.client_id,
        audit="A1",
        key="OLD",
        fingerprint=row["fingerprint"],
        ground="write-off",
        reason="kept for run-out",
        until=TODAY + timedelta(days=30),
    )
    made = accepting.accept(wish, author="ann", today=TODAY, now=NOW)
    assert not may(acme).may_run
    with pytest.raises(accepting.AcceptanceRefused, match="another person"):
        accepting.agree(made, author="ann", now=NOW)
    accepting.agree(made, author="bob", now=NOW)
    assert may(acme).may_run
    assert services.audit(sides(acme), "A1").accepted == 1
    platform.world.setups["CUST"]["OLD"]["startDate"] = "2020-01-01"
    look_at(work)
    assert not may(acme).may_run  # another difference than the accepted one
    for wrong in ({"ground": "laziness"}, {"reason": ""}, {"until": TODAY - timedelta(days=1)}):
        with pytest.raises(accepting.AcceptanceRefused):
            accepting.accept(accepting.Acceptance(**(vars(wish) | wrong)), author="ann", today=TODAY, now=NOW)
    accepting.end(Accepted.objects.get(pk=made.pk), author="ann", now=NOW)
    del platform.world.setups["CUST"]["OLD"]


def assert_older_is_the_same_difference(now):
    """What was accepted stays so while it grows older."""
    later = replace(now, here=replace(now.here, on=now.here.on + timedelta(90)))
    (young,), (old,) = (
        services.audit(one, "A12").rows.filter(bucket="there only").to_dicts() for one in (now, later)
    )
    assert old["note"] == "over 90 days"
    assert young["fingerprint"] == old["fingerprint"]


def pay(world, ends, left=None):
    """Run and post a pay of two weeks; its check is five days later."""
    last = date.fromisoformat(ends)
    told = {"pay_date": f"{last + timedelta(5)}", "begins": f"{last - timedelta(13)}", "ends": ends}
    batch = payrolls.open_batch(world, "CUST", pay_group="BW", **told)
    payrolls.calculate(world, "CUST", batch, per_year=26, left=left)
    payrolls.complete(world, "CUST", batch)


def of_pays(acme):
    """What A7 says of somebody: the bucket and both sides, by the end of the pay."""
    rows = services.audit(sides(acme), "A7").rows.filter(employee="0008")
    return {one["key"].split("|")[-1]: (one["bucket"], one["here"], one["there"]) for one in rows.to_dicts()}


def test_what_pays_took_is_laid_beside_what_they_owed(acme, work, platform):
    world = platform.world
    pay(world, "2026-01-18", left={"0008": 1000})
    look_at(work)
    result = services.audit(sides(acme), "A7")
    assert result.counts == {"here only": 0, "there only": 0, "different": 0, "equal": 2}
    waits = result.rows.filter(employee="0008").row(0, named=True)
    assert waits["note"] == "$21.02 of it by corrections or arrears"  # payroll collects its arrears
    assert buckets(acme, "A12")["there only"] == 1
    assert services.audit(sides(acme), "A12").rows.filter(bucket="there only")["note"].to_list() == [
        "31 to 60 days"
    ]
    assert_older_is_the_same_difference(sides(acme))
    world.arrears.clear()  # it keeps none of it
    look_at(work)
    result = services.audit(sides(acme), "A7")
    assert result.counts == {"here only": 0, "there only": 0, "different": 1, "equal": 1}
    short = result.rows.filter(bucket="different").row(0, named=True)
    assert (short["employee"], short["here"], short["there"]) == ("0008", "cents 3102", "cents 1000")
    (made,) = curing.cure(sides(acme), "A7", short["key"], reason="click", **BY)
    assert (made.wanted["eeContribution"], made.wanted["retroEnroll"]) == ("21.02", False)  # before tax
    world.clients["CUST"]["suppressAutoBenAdj"] = False
    assert send(work) == {"held": 1}
    made.refresh_from_db()
    assert "expected automatic adjustments suppressed there" in made.told
    (task,) = Task.objects.all()
    assert (task.status, task.body) == ("new", made.told)
    assert send(work) == {}
    assert Task.objects.count() == 1
    look_at(work)
    assert any("we correct deductions" in reason for reason in may(acme).reasons)
    world.clients["CUST"]["suppressAutoBenAdj"] = True
    curing.cure(sides(acme), "A7", short["key"], reason="click", **BY)
    assert send(work) == {"equal": 1}
    (one,) = world.adjustments["CUST", "0008"]
    assert one["eeContribution"] == "21.02"
    one["startDate"] = "2026-01-10"  # the pay that ended on the 18th should have had it
    look_at(work)
    seen = sides(acme)
    (note,) = services.audit(seen, "A12").rows.filter(employee="0008")["note"]
    assert note.endswith(", late cycles: 1")
    untold = seen.seen("adjustment").with_columns(open_cents=pl.lit(None, pl.Int64))
    unknown = replace(seen, kept=seen.kept | {"adjustment": untold})
    assert "open_cents –" in services.audit(unknown, "A12").rows.filter(employee="0008")["there"][0]
    assert Task.objects.get().status == "complete"


def test_a_correction_is_of_the_pay_it_corrects_and_no_pay_that_took_nothing_is_passed_over(
    acme, work, platform
):
    world = platform.world
    corrected = ("equal", "cents 1000", "cents 1000")
    assert of_pays(acme) == {"2026-01-18": corrected}  # it waits there
    with pytest.raises(curing.NoCure, match="none any more"):
        curing.cure(sides(acme), "A7", "0008|MED|BW|2026-01-18", reason="click", **BY)
    pay(world, "2026-02-01")  # takes its own and the correction
    assert world.vouchers["CUST"][-1]["deduction"][-1]["deductAmount"] == Decimal("21.02")
    look_at(work)
    assert of_pays(acme) == {
        "2026-01-18": corrected,
        "2026-02-01": ("equal", "cents 3103", "cents 3102"),
    }
    pay(world, "2026-02-15", left={"0007": 0, "0008": 0})
    world.arrears.clear()  # of nobody anything was taken, and nothing waits
    look_at(work)
    assert of_pays(acme)["2026-02-15"] == ("here only", "cents 3102", None)
    assert may(acme).faults["A7"] == 2
    world.vouchers["CUST"][-1]["fromArrears"] = [
        {"dedCode": "MED", "planId": "HMO", "coveragePeriod": "202602", "arrearsAmt": "31.02"}
    ]
    world.vouchers["CUST"][-1]["deduction"] = [
        {"deductCode": "MED", "planId": "HMO", "deductAmount": Decimal("62.04")}
    ]
    look_at(work)  # arrears collected are of the pay that lacks them, not of the one that took them
    assert of_pays(acme)["2026-02-15"] == ("equal", "cents 3102", "cents 3102")


def test_who_left_and_who_never_decided_are_listed(acme, work, platform):
    world = platform.world
    world.add_employee(
        "CUST",
        "0100",
        client={"statusClass": "A", "lastHireDate": "2015-01-01"},
        compensation={"payGroup": "BW"},
    )
    world.enrolments["CUST", "0100"] = [
        {"planId": "HMO", "status": "A", "coverageStart": "2026-01-01", "planDetail": []}
    ]
    look_at(work)
    assert buckets(acme, "A9")["there only"] == 1
    assert buckets(acme, "A10") == {"here only": 0, "there only": 1, "different": 0, "equal": 2}
    assert any("nobody here" in reason for reason in may(acme).reasons)
    with pytest.raises(curing.NoCure):
        curing.cure(sides(acme), "A10", "0100", reason="click", **BY)
    assert not OutboundChange.objects.filter(state="planned").exists()


def test_an_end_known_ahead_is_sent_with_its_day_and_is_no_difference_until_then(acme, work, platform):
    enrolled = platform.world.enrolments["CUST", "0008"][0]
    person = PersonLink.objects.get(client_id=acme.client_id, external_id="0008").person_id
    acme.cover(person, "10", None, begins_on=date(2026, 4, 1), kind="T")
    equal = {"here only": 0, "there only": 1, "different": 0, "equal": 2}  # one there is nobody here
    assert buckets(acme, "A6") == equal
    (wish,) = [one for one in exporting.wishes(sides(acme), "people") if one.person_id == person]
    assert (wish.element, wish.wanted) == ("end", {"planId": "HMO", "coverageEndDate": "2026-03-31"})
    assert export(acme, work, "people") == {"equal": 1}
    assert (enrolled["status"], enrolled["coverageEnd"]) == ("T", "2026-03-31")
    assert buckets(acme, "A6") == equal
    assert exporting.wishes(sides(acme), "people") == []
    pay = {"pay_group": "BW", "pay_date": "2026-03-20", "begins": "2026-03-02", "ends": "2026-03-15"}
    batch = payrolls.open_batch(platform.world, "CUST", **pay)
    payrolls.calculate(platform.world, "CUST", batch, per_year=26)
    paid = {one["employeeId"]: one["deduction"] for one in platform.world.vouchers["CUST"][-3:]}
    assert "HMO" in [one["planId"] for one in paid["0008"]]
    enrolled["coverageEnd"] = "2026-03-20"  # another day there than here: put right in two steps
    look_at(work)
    row = services.audit(sides(acme), "A6").rows.filter(bucket="different").row(0, named=True)
    assert row["here"].startswith("status A until 2026-03-31")
    assert export(acme, work, "people") == {"equal": 1}
    assert (enrolled["status"], enrolled["coverageEnd"]) == ("A", "")
    assert export(acme, work, "people") == {"equal": 1}
    assert enrolled["coverageEnd"] == "2026-03-31"
    Coverage.objects.filter(
        person_id=person, begins_on=date(2026, 4, 1)
    ).delete()  # it does not end after all
    assert buckets(acme, "A6")["different"] == 1
    assert export(acme, work, "people") == {"equal": 1}
    assert (enrolled["status"], enrolled["coverageEnd"]) == ("A", "")
    acme.cover(person, "10", "HMO-4", begins_on=date(2026, 4, 1))  # another tier of the plan ends nothing
    assert exporting.wishes(sides(acme), "people") == []
    other = acme.key("option", "MAIN/20/LIFE")
    acme.cover(person, "10", "HMO-4", begins_on=date(2026, 5, 1), option_id=other)  # another plan does
    assert [one.wanted["coverageEndDate"] for one in exporting.wishes(sides(acme), "people")] == [
        "2026-04-30"
    ]


def test_who_holds_coverage_and_is_nobody_there_stops_payroll(acme, work, platform):
    person = acme.hire("0300")
    acme.cover(person, "10", "HMO-1")
    row = services.audit(sides(acme), "A6").rows.filter(person_id=person).row(0, named=True)
    assert (row["bucket"], row["key"], row["is_fault"]) == ("here only", "0300 (nobody there)|HMO", True)
    assert any(
        reason.startswith("people who hold coverage and are nobody there: 1") for reason in may(acme).reasons
    )
    with pytest.raises(curing.NoCure, match="say who he is there"):
        curing.cure(sides(acme), "A6", row["key"], reason="click", **BY)
    Coverage.objects.filter(person_id=person).update(basis="continuation")  # he pays by himself
    assert services.audit(sides(acme), "A6").rows.filter(person_id=person).is_empty()
    assert not any("nobody there" in reason for reason in may(acme).reasons)


ROW = st.tuples(st.integers(0, 5), st.integers(0, 3) | st.none())


@given(st.lists(ROW, max_size=12), st.lists(ROW, max_size=12), st.integers(0, 2))
def test_buckets_are_disjoint_and_leave_nothing_out(ours, theirs, tolerance):
    schema = {"key_": pl.Int64, "cents": pl.Int64}
    here, there = (pl.DataFrame(rows, schema=schema, orient="row") for rows in (ours, theirs))
    found = compare(here, there, key=["key_"], columns={"cents": tolerance})
    number = counts(found)
    assert found["key"].is_unique().all()
    both = number[Bucket.DIFFERENT] + number[Bucket.EQUAL]
    assert number[Bucket.HERE_ONLY] + both == len(ours)
    assert number[Bucket.THERE_ONLY] + both == len(theirs)
    assert (
        compare(here, here, key=["key_"], columns={"cents": tolerance})
        .filter(pl.col("bucket") != Bucket.EQUAL)
        .is_empty()
    )
    back = counts(compare(there, here, key=["key_"], columns={"cents": tolerance}))
    assert back[Bucket.DIFFERENT] == number[Bucket.DIFFERENT]
