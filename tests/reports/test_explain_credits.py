"""What credits were used for is written once and told; so is what coverage adds to taxable pay."""

from datetime import UTC, date, datetime

import pytest
from tests.programs import factories
from tests.reports.test_explain import elect, events, hired_newcomer, page, process

ON = date(2026, 3, 10)


def uses():
    from openbenefits.enrollment.models import CreditRoll, CreditUse

    names = ("version", "total_cents", "cost_cents", "used_cents", "excess_cents", "rolled_cents")
    rolls = CreditRoll.objects.order_by("version").values_list("version", "plan_type", "rolled_cents")
    return list(CreditUse.objects.order_by("version").values_list(*names)), list(rolls)


def finalise(connection, client_id, day):
    now = datetime(2026, 3, day, 2, tzinfo=UTC)
    process(connection, client_id, "E", as_of=date(2026, 3, day), now=now, is_finalizing=True)


@pytest.fixture
def rolling(fresh_database, tmp_path):
    """The newcomer, with credits of $300 a year that roll over, medical free and a pledge of $120."""
    client_id, person = hired_newcomer(
        fresh_database,
        tmp_path,
        program={"excess_credits": "rolled_over", "rollover_plan_types": ["60"]},
        contributions=lambda rows: rows[0]["rows"][0].update(employee_percent=100),
        is_finalizing=False,
    )
    elect(fresh_database, events(client_id)[0], "60", "FSA", on=ON, pledge_cents=12_000)
    finalise(fresh_database, client_id, 11)
    return client_id, person


def test_credits_are_written_once(fresh_database, rolling):
    client_id, _ = rolling
    first = ([(1, 30_000, 12_000, 12_000, 18_000, 18_000)], [(1, "60", 18_000)])
    assert uses() == first
    elect(fresh_database, events(client_id)[0], "60", "FSA", on=date(2026, 3, 12), pledge_cents=12_000)
    finalise(fresh_database, client_id, 13)
    assert events(client_id)[0]["process_status"] == "FE"
    assert uses() == first
    elect(fresh_database, events(client_id)[0], "60", "FSA", on=date(2026, 3, 14), pledge_cents=20_000)
    finalise(fresh_database, client_id, 15)
    assert uses() == (
        [*first[0], (2, 30_000, 20_000, 20_000, 10_000, 10_000)],
        [*first[1], (2, "60", 10_000)],
    )


def test_page_tells_what_credits_were_used_for(fresh_database, rolling):
    told = " ".join(page(fresh_database, rolling).split())
    assert "Credits a year $300.00 Used for $120.00 of $120.00 before tax" in told
    assert "Left over $180.00, rolled over into accounts Rolled $180.00" in told
    assert "$180.00" in told.split("Into ")[1]


def test_page_tells_what_life_insurance_adds_to_taxable_pay(fresh_database, tmp_path):
    def carried(plans):
        next(plan for plan in plans if plan["code"] == "LIFE").update(imputed_income=True)

    rows = [{"age_from": 0, "rate": 0.05}, {"age_from": 40, "rate": 0.1}, {"age_from": 45, "rate": 0.15}]
    tables = [{**factories.DATED, "code": "IRC79_TABLE_I", "rows": rows}]
    newcomer = hired_newcomer(
        fresh_database,
        tmp_path,
        peo={"plans": carried, "age_tables": tables},
        formulas=[{**factories.DATED, "code": "ONE-PAY", "steps": [{"set": 75_000}]}],
    )
    told = " ".join(page(fresh_database, newcomer, plan_type="20").split())
    assert "taxable, beside pay: $2.50 a month, were it all the life insurance the employer carries" in told
    assert "$25,000 above $50,000 × $0.10 per $1,000 at age 41" in told
