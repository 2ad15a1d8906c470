"""What is owed, from a real database: a tiny set-up, two people, a coverage timeline."""

import csv
from datetime import date

import polars as pl
import pytest
from tests.programs.factories import make_client

from .worlds import BEGIN, BY, NOW, THROUGH, World


@pytest.fixture
def ann(world):
    person = world.hire("0007")
    child = world.workforce.add_dependent(
        world.client_id,
        person,
        on=date(2012, 2, 29),
        first_name="Cal",
        last_name="Moss",
        person_type="CH",
        dependent={"birth_on": date(2012, 2, 29)},
        **BY,
    ).dependent_id
    world.cover(person, "10", "HMO-1")
    world.cover(person, "10", "HMO-4", date(2026, 7, 1), [child])
    world.cover(person, "20", "LIFE", coverage_cents=5_000_000)
    world.cover(person, "60", "FSA", pledge_cents=100_000)
    return person


def sums(frame):
    totals = frame.group_by("kind", "plan_type").agg(pl.col("owed_cents").sum()).sort("kind", "plan_type")
    return {(kind, plan_type): cents for kind, plan_type, cents in totals.iter_rows()}


def test_a_year(world, ann):
    from openbenefits.payroll.frames import Owed
    from openbenefits.payroll.services import owed

    found = owed(world.connection, world.client_id, begin=BEGIN, through=THROUGH)
    Owed.validate(found, cast=False)
    # 310.25 for Ann at 45: 20 % is hers; from July 200.10 for the child, half of it hers; 25.00 of credit
    assert sums(found) == {
        ("credit", "01"): 12 * 2_500,
        ("deduction", "10"): 12 * 6_205 + 6 * 10_005,
        ("deduction", "20"): 0,
        ("deduction", "60"): 100_000,
    }
    assert found.filter(plan_type="20")["employer_cents"].sum() == 12 * 725  # 0.145 per 1,000 of 50,000
    causes = found.filter(pl.col("cause") != "").select("ends_on", "plan_type", "cause").rows()
    assert causes == [
        *((date(2026, 1, 4), plan_type, "begins") for plan_type in ("01", "10", "20", "60")),
        (date(2026, 7, 5), "10", "coverage changed"),
    ]


def test_a_price_by_the_employers_address_says_that_the_address_changed(fresh_database, tmp_path):
    from openbenefits.payroll.services import owed

    office = {"code": "ACM", "zip": "01001", "from": date(2020, 1, 1), "source": "lease"}
    moved = office | {"zip": "02101", "from": date(2026, 7, 1)}
    by_company = {"rate_tables": lambda section: section[0].update(area_of="company")}
    world = World(fresh_database, tmp_path, by_company, company_addresses=[office, moved])
    world.cover(world.hire("0007"), "10", "HMO-1")
    found = owed(world.connection, world.client_id, begin=BEGIN, through=THROUGH).filter(plan_type="10")
    changes = found.filter(pl.col("cause") != "").select("ends_on", "cause").rows()
    assert changes == [(date(2026, 1, 4), "begins"), (date(2026, 7, 5), "address")]


def test_the_credit_of_declining(world):
    from openbenefits.payroll.services import owed

    world.cover(world.hire("0008"), "10", "WAIVE", kind="W")
    found = owed(world.connection, world.client_id, begin=BEGIN, through=THROUGH)
    assert sums(found) == {("credit", "01"): 30_000, ("credit", "10"): 30_000}
    assert dict(found.select("plan_type", "earnings_code").unique().iter_rows()) == {"01": "FLX", "10": "OPT"}


def test_superseded_points_owe_nothing(world, ann):
    from openbenefits.enrollment.models import Coverage
    from openbenefits.payroll.services import owed

    Coverage.objects.filter(person_id=ann).update(superseded_by_run=1, superseded_at=NOW)
    assert owed(world.connection, world.client_id, begin=BEGIN, through=THROUGH).is_empty()


def test_the_next_pay(world, ann):
    from openbenefits.payroll.services import next_pay

    found = next_pay(world.connection, world.client_id, date(2026, 4, 1))
    assert found["check_on"].unique().to_list() == [date(2026, 4, 3)]  # the third pay of March
    assert sorted(found["plan_type"]) == ["01", "20", "60"]  # medical is taken in the first two


def test_someone_without_a_calendar_is_named(world, ann):
    from openbenefits.payroll.services import find_unpaid, owed

    lost = world.hire("0009", pay_group=None)
    world.cover(lost, "60", "FSA", pledge_cents=100_000)
    found = find_unpaid(world.connection, world.client_id, begin=BEGIN, through=THROUGH)
    assert found["person_id"].to_list() == [lost]
    assert lost not in owed(world.connection, world.client_id, begin=BEGIN, through=THROUGH)["person_id"]


def test_a_move_to_another_pay_group_keeps_the_pledge_whole(world, tmp_path):
    from openbenefits.payroll.services import owed
    from openbenefits.programs import services as setup

    def monthly(groups):
        first = {"first_period_begins": date(2026, 1, 1), "calendar_through": date(2026, 12, 31)}
        groups.append(groups[0] | {"code": "MO", "name": "Monthly", "frequency": "monthly"} | first)

    folder = make_client(tmp_path / "two", pay_groups=monthly)
    assert setup.apply(folder, client_id=world.client_id, applied_by="test", now=NOW).findings == []
    person = world.hire("0010")
    change = {"action": "DTA", "changes": {"pay_group": "MO"}}
    world.workforce.change_job(world.client_id, person, on=date(2026, 4, 1), **change, **BY)
    world.cover(person, "60", "FSA", pledge_cents=123_457)
    found = owed(world.connection, world.client_id, begin=BEGIN, through=THROUGH).filter(kind="deduction")
    assert found["owed_cents"].sum() == 123_457
    assert found["pay_group"].value_counts().sort("pay_group").rows() == [("BW", 7), ("MO", 9)]


def test_the_register(world, ann, tmp_path):
    from openbenefits.payroll.services import owed, write_register

    found = owed(world.connection, world.client_id, begin=BEGIN, through=date(2026, 1, 10), person_ids=[ann])
    path = tmp_path / "register.csv"
    assert write_register(found, path) == found.height
    rows = list(csv.DictReader(path.read_text().splitlines()))
    medical = next(row for row in rows if row["plan_type"] == "10")
    assert (medical["employee_number"], medical["option"], medical["deduction_code"]) == (
        "0007",
        "HMO-1",
        "MED",
    )
    assert (medical["owed"], medical["employer"], medical["cause"]) == ("31.03", "124.10", "begins")


def credit_use(world, person, begins_on, number=1, **cents):
    from openbenefits.enrollment import models

    event = {
        "client_id": world.client_id,
        "person_id": person,
        "benefit_record": 0,
        "schedule_id": 1,
        "event_number": number,
        "version": 1,
        "is_taken_back": False,
    }
    amounts = dict.fromkeys(("paid_cents", "forfeited_cents", "rolled_cents"), 0) | cents
    world.write(
        models.CreditUse,
        event
        | {"begins_on": begins_on, "treatment": "forfeited", "made_at": NOW, "is_taken_back": False}
        | amounts,
    )
    if amounts["rolled_cents"]:
        world.write(models.CreditRoll, event | {"plan_type": "60", "rolled_cents": amounts["rolled_cents"]})


def credits_of(world):
    from openbenefits.payroll import services

    lines = services.owed(world.connection, world.client_id, begin=BEGIN, through=THROUGH)
    return lines, lines.filter(kind="credit")["owed_cents"].sum()


def test_credits_forfeited_or_rolled_over_are_not_paid(world, ann):
    lines, before = credits_of(world)
    assert before > 0
    deductions = lines.filter(kind="deduction")["owed_cents"].sum()
    credit_use(world, ann, BEGIN, forfeited_cents=12_000, rolled_cents=6_000, paid_cents=500)
    lines, after = credits_of(world)
    assert before - after == 18_000  # what is paid stays in the credits
    assert lines.filter(kind="deduction")["owed_cents"].sum() == deductions
    account = lines.filter(kind="deduction", plan_type="60")
    assert account["employer_cents"].sum() == 6_000
    assert lines["owed_cents"].min() >= 0


def test_credits_never_fall_below_nothing_and_the_last_event_counts(world, ann):
    credit_use(world, ann, BEGIN, forfeited_cents=99_999_00)
    lines, after = credits_of(world)
    assert after == 0
    assert lines["owed_cents"].min() == 0
    credit_use(world, ann, date(2026, 7, 1), number=2)
    lines, _ = credits_of(world)
    given = lines.filter((pl.col("kind") == "credit") & (pl.col("owed_cents") > 0))
    assert given["ends_on"].min() >= date(2026, 7, 1)
