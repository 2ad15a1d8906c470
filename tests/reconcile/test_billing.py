"""What a client was billed: each fault planted into a bill is found, and the four legs meet to the cent."""

from datetime import date

import msgspec
import polars as pl
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.conftest import cli
from tests.platform.conftest import QUICK
from tests.reconcile.conftest import BEFORE, CARRIER, LOADED, MONTH, NOW, book, end, write
from tests.reconcile.test_lifecycle import order

from openbenefits.payroll.frames import load_employee_numbers
from openbenefits.platform.connecting import ConnectionOrder, connect, link, say_who
from openbenefits.platform.exchange import LOCK, Busy, Work, fixed
from openbenefits.platform.naming import call
from openbenefits.platform.standin import payrolls
from openbenefits.platform.standin.server import Standin
from openbenefits.reconcile import loading
from openbenefits.reconcile.billing import by_plan
from openbenefits.reconcile.entries import entries
from openbenefits.reconcile.expected import expect
from openbenefits.reconcile.frames import load_items, load_rows
from openbenefits.reconcile.from_platform import bill_from_platform
from openbenefits.reconcile.loading import InvoiceRefused
from openbenefits.reconcile.models import BilledMonth, InvoiceLine
from openbenefits.reconcile.reconciling import reconcile
from openbenefits.reconcile.rules import margins
from openbenefits.reconcile.rules.residuals import KEY, PAYS
from openbenefits.reconcile.terms import Terms, save_terms, terms_of

__all__ = ["cli"]

BY = {"author": "ann", "now": LOADED}
BILLS = "Client billing"
VISION, LTD = "SAMPLE-VISION", "SAMPLE-LTD"


def bill_of(connection, client_id: int) -> pl.DataFrame:
    """The bill of a client without a fault: number, plan, billed, employer share, as text."""
    found = expect(connection, [client_id], Terms(carriers=("*",)), [MONTH])
    held = found.units.filter(
        pl.col("is_charged") & (pl.col("basis") != "continuation") & (pl.col("expected_cents") > 0)
    )
    numbers = load_employee_numbers(connection, client_id)
    rows = held.join(numbers, on="person_id").join(found.plans.select("plan_id", "plan"), on="plan_id")
    return rows.sort("plan", "employee_number").select(
        "person_id", "employee_number", "plan", "plan_id", "expected_cents", "share_cents"
    )


def file_of(rows: pl.DataFrame, path):
    dollars = [
        pl.format("{}.{}", pl.col(name) // 100, (pl.col(name) % 100).cast(pl.String).str.zfill(2)).alias(told)
        for name, told in (("expected_cents", "Billed"), ("share_cents", "Employer share"))
    ]
    rows.select(*dollars, Employee="employee_number", Plan="plan").write_csv(path)
    return path


def loaded_from_the_carrier(connection, two, vision: pl.DataFrame, path):
    """The carrier bills somebody whose coverage has ended, a dollar too much of another, and is owed 80 percent.

    Answers its invoice and whose coverage has ended.
    """
    terms = msgspec.structs.replace(
        terms_of(CARRIER), carriers=("Sample Mutual (invented)",), owed={VISION: 80_000_000}
    )
    save_terms(CARRIER, terms, author="test", now=NOW)
    lines = book(connection, two).lines().filter(pl.col("plan").is_in([VISION, "SAMPLE-HDHP"]))
    cents = pl.col("premium_cents")
    lines = lines.with_columns(
        premium_cents=pl.when(plan=VISION).then((cents * 80 + 50) // 100).otherwise(cents)
    )
    over = vision["person_id"][3]
    lines = lines.with_columns(
        premium_cents=cents + pl.when(person_id=over, plan=VISION).then(100).otherwise(0)
    )
    units = expect(connection, [two["harbor"]], Terms(carriers=("*",)), [MONTH]).units
    ended = vision.row(4, named=True)
    plan = units.filter(person_id=ended["person_id"], plan_id=ended["plan_id"])
    end(plan, date(2025, 9, 30))
    carriers = loading.load(connection, order(write(lines, path)), **BY)
    reconcile(connection, carriers, **BY)
    return carriers, ended


def spoiled(rows: pl.DataFrame, **whom) -> pl.DataFrame:
    """A bill without the missing, too low for `amount`, its shares wrong for `share` and `half`."""
    mine = {
        name: (pl.col("person_id") == one["person_id"]) & (pl.col("plan") == one["plan"])
        for name, one in whom.items()
    }
    return rows.filter(~mine["missing"]).with_columns(
        expected_cents=pl.col("expected_cents") - pl.when(mine["amount"]).then(250).otherwise(0),
        share_cents=pl.when(mine["half"])
        .then("expected_cents")
        .otherwise(pl.col("share_cents") - pl.when(mine["share"]).then(100).otherwise(0)),
    )


def test_each_fault_of_a_bill_is_found_and_four_legs_meet_to_the_cent(two, fresh_database, tmp_path):
    connection, client = fresh_database, two["harbor"]
    rows = bill_of(connection, client)
    vision = rows.filter(plan=VISION)
    carriers, ended = loaded_from_the_carrier(connection, two, vision, tmp_path / "carrier.csv")
    missing, amount, share = (vision.row(at, named=True) for at in (0, 1, 2))
    # LTD: one program pays all of it, the other half; somebody of the other is billed as of the first
    half = rows.filter(pl.col("share_cents") < pl.col("expected_cents"), plan=LTD).row(0, named=True)
    bill = spoiled(rows, missing=missing, amount=amount, share=share, half=half)
    given_ = {"client_id": client, "carrier": BILLS, "kind": "billing"}
    ours = loading.load(connection, order(file_of(bill, tmp_path / "bill.csv"), "B-1", **given_), **BY)
    told = reconcile(connection, ours, **BY)
    items = {
        (one["person_id"], one["code"]): one
        for one in load_items(connection, invoice_id=ours.pk).iter_rows(named=True)
    }
    assert set(items) == {
        (missing["person_id"], "BILL_MISSING"),
        (amount["person_id"], "BILL_AMOUNT"),
        (share["person_id"], "ER_CONTRIB"),
        (half["person_id"], "ENR_CLASS"),
        (ended["person_id"], "BILL_EXTRA"),
    }
    assert {(one["leg"], one["owner"], one["deadline_on"]) for one in items.values()} == {
        ("D", "us", None),
        ("B", "us", None),
    }
    assert "Another rate" in items[amount["person_id"], "BILL_AMOUNT"]["notes"]
    assert items[ended["person_id"], "BILL_EXTRA"]["notes"].startswith("Billed after coverage ended")
    legs = load_rows(connection, BilledMonth, ours.pk).with_columns(**margins.parts())
    known = legs.drop_nulls("margin_cents")
    assert (
        known["margin_cents"] == known["agreed_cents"] + known["billing_cents"] - known["carrier_cents"]
    ).all()
    assert legs["billed_cents"].sum() == bill["expected_cents"].sum() == told["invoiced_cents"]
    of_plans = by_plan(legs).join(vision.select("plan_id").unique(), on="plan_id")
    assert of_plans["carrier_cents"][0] == 100 + (ended["expected_cents"] * 80 + 50) // 100
    assert of_plans["agreed_cents"][0] > 0
    assert legs.join(vision.select("plan_id").unique(), on="plan_id", how="anti")[
        "invoiced_cents"
    ].null_count()
    assert told["margin_cents"] == known["margin_cents"].sum()
    assert reconcile(connection, ours, **BY) == told
    assert carriers.carrier not in entries(connection, ours)["words"].to_list()


def test_a_price_below_the_premium_is_told_and_a_bill_is_of_one_client(two, fresh_database, tmp_path):
    connection, client = fresh_database, two["harbor"]
    rows = bill_of(connection, client).filter(plan=VISION)
    dear = Terms(
        carriers=("Sample Mutual (invented)",), owed={VISION: 110_000_000}, subgroups={"H": "harbor"}
    )
    save_terms(CARRIER, dear, author="test", now=NOW)
    carriers = rows.with_columns(expected_cents=(pl.col("expected_cents") * 110 + 50) // 100)
    given_ = {"client_id": client, "carrier": CARRIER}
    theirs = loading.load(connection, order(file_of(carriers, tmp_path / "c.csv"), **given_), **BY)
    told = reconcile(connection, theirs, **BY)
    assert (
        told["explained_cents"] + told["unexplained_cents"] == told["invoiced_cents"] - told["expected_cents"]
    )
    file = file_of(rows, tmp_path / "b.csv")
    with pytest.raises(InvoiceRefused, match="expected the client that was billed, found none"):
        loading.load(connection, order(file, "B-1", carrier=BILLS, kind="billing"), **BY)
    given_ = {"client_id": client, "carrier": BILLS, "kind": "billing"}
    save_terms(BILLS, Terms(carriers=("Sample Mutual (invented)",)), author="test", now=NOW)
    ours = loading.load(connection, order(file, "B-1", **given_), **BY)
    reconcile(connection, ours, **BY)
    lost = load_items(connection, invoice_id=ours.pk).filter(code=margins.NEGATIVE)
    assert set(lost["person_id"]) == set(rows["person_id"])
    assert set(lost["notes"]) == {margins.BELOW}


CENTS = st.integers(-5000, 50_000)
LEG = st.dictionaries(st.tuples(st.integers(1, 5), st.integers(1, 2)), CENTS, max_size=8)


@given(LEG, LEG, LEG, st.booleans())
def test_nothing_is_lost_between_the_legs(wanted, found, carriers, has_pays):
    def rows(leg, name):
        schema = {"client_id": pl.Int32, "person_id": pl.Int64, "plan_id": pl.Int32, name: pl.Int64}
        return pl.DataFrame([(1, *key, cents) for key, cents in leg.items()], schema=schema, orient="row")

    known = pl.DataFrame({"plan_id": [1]}, schema={"plan_id": pl.Int32})
    of_one = {key: cents for key, cents in carriers.items() if key[1] == 1}
    sent = rows(of_one, "premium_cents").with_columns(invoiced_cents=pl.col("premium_cents") * 2)
    pays = pl.DataFrame([(1, 1, 1, 10, 20, 30, 40)] if has_pays else [], schema=PAYS, orient="row")
    legs = margins.margins(rows(wanted, "expected_cents"), rows(found, "difference_cents"), sent, known, pays)
    assert legs.select(KEY).is_unique().all()
    assert legs["billed_cents"].sum() == sum(wanted.values()) + sum(found.values())
    assert legs["invoiced_cents"].sum() == 2 * sum(of_one.values())
    told = legs.with_columns(**margins.parts())
    assert (told["margin_cents"].is_null() == (told["plan_id"] == 2)).all()
    known_ones = told.drop_nulls("margin_cents")
    apart = known_ones["agreed_cents"] + known_ones["billing_cents"] - known_ones["carrier_cents"]
    assert (known_ones["margin_cents"] == apart).all()
    assert legs["taken_cents"].is_null().all() == (not has_pays)


def premium(plan: str, billed_cents: int, own_cents: int = 0) -> dict:
    """An enrolment there, at a premium of a year that a pay of twelve bears."""
    dollars = [f"{cents * 12 // 100}.{cents * 12 % 100:02d}" for cents in (billed_cents, own_cents)]
    detail = {"effectiveDate": "2025-01-01"} | dict(
        zip(("employeePremium", "employeeContrib"), dollars, strict=True)
    )
    return {"planId": plan, "status": "A", "coverageStart": "2025-01-01", "planDetail": [detail]}


@pytest.fixture
def paid_there(two, fresh_database):
    """A platform that has paid two employees and somebody nobody knows in November, one of them twice."""
    client = two["harbor"]
    first, second = bill_of(fresh_database, client).filter(plan=VISION).head(2).iter_rows(named=True)
    with Standin() as running:
        world = running.world
        world.add_client("H1", "Harbor")
        world.add_plan("VIS")
        half = second["expected_cents"] // 2
        people = {"X-9": premium("VIS", first["expected_cents"], 100)}
        people |= {second["employee_number"]: premium("VIS", half, half - 50), "nobody": premium("VIS", 500)}
        for number, enrolment in people.items():
            world.add_employee("H1", number, compensation={"payGroup": "M"})
            world.enrolments["H1", number] = [enrolment]
        for day in ("2025-11-14", "2025-11-28"):
            pay = {"pay_group": "M", "pay_date": day, "begins": "2025-11-01", "ends": day}
            batch = payrolls.open_batch(world, "H1", **pay)
            payrolls.calculate(world, "H1", batch, per_year=12)
            payrolls.complete(world, "H1", batch)
        again = [one for one in world.vouchers["H1"] if one["payDate"] == "2025-11-28"]
        for one in again:
            if one["employeeId"] != second["employee_number"]:
                payrolls.void(world, "H1", one["voucherId"], "2025-11-29")
        unsaid = next(one for one in world.vouchers["H1"] if one["employeeId"] == "nobody")
        del unsaid["benefit"][0]["empContrib"]
        terms = running.terms
        named = {"peo_id": terms.peo_id, "username": terms.username, "password": terms.password}
        order = ConnectionOrder(client_id=0, code="main", base_url=running.url, **named)
        link(client, connect(order, **BY), "H1", **BY)
        say_who(client, first["person_id"], "X-9", **BY)
        call(client, "plan", VISION, "VIS", **BY)
        yield first, second, half


def test_a_bill_comes_from_the_vouchers_of_the_payroll_platform(
    two, fresh_database, paid_there, cli, embedded_server
):
    connection, client = fresh_database, two["harbor"]
    first, second, half = paid_there
    work = Work(
        connection=connection,
        client_id=client,
        author="ann",
        today=MONTH,
        clock=fixed(LOADED),
        patience=QUICK,
    )
    with psycopg.connect(embedded_server.url(connection.settings_dict["NAME"])) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK, client])
        with pytest.raises(Busy, match="wait"):
            bill_from_platform(work, MONTH)
        other.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, client])
    made = bill_from_platform(work, MONTH)
    lines = load_rows(connection, InvoiceLine, made.pk)
    assert (made.kind, made.number, made.loaded_by) == ("billing", "payroll 2025-11", "ann")
    assert dict(lines.select("employee_number", "premium_cents").iter_rows()) == {
        first["employee_number"]: first["expected_cents"],
        second["employee_number"]: 2 * half,
        "nobody": 500,
    }
    shares = dict(lines.select("employee_number", "employer_cents").iter_rows())
    assert (shares["nobody"], shares[second["employee_number"]]) == (None, 100)  # not said is not 0
    told = reconcile(connection, made, **BY)
    assert (told["matched"], told["unmatched"]) == (2, 1)
    with pytest.raises(InvoiceRefused, match="expected vouchers that bill benefits"):
        bill_from_platform(work, BEFORE)
    asked = ("reconcile", "from-payroll", "--client", "harbor", "--month")
    assert "expected vouchers" in " ".join(cli(*asked, "2025-10-01").output.split())
    assert cli(*asked, "2025-11-01").exit_code != 0  # it was taken in before
