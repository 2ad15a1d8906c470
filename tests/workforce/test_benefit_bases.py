"""Benefits bases: dated, versioned, and what a coverage formula takes them for."""

from datetime import UTC, date, datetime

import polars as pl
from tests.programs import factories
from tests.reports.test_explain import HIRED, events, hired_newcomer, page, process, stored

DAY = date(2026, 1, 1)
NOW, LATER = datetime(2026, 3, 3, 8, tzinfo=UTC), datetime(2026, 3, 6, 8, tzinfo=UTC)
FORMULA = {**factories.DATED, "code": "ONE-PAY", "steps": [{"multiply": 1}]}


def known(connection, client_id, person, **chosen):
    from openbenefits.workforce.frames import benefit_bases_of

    schema = {"client_id": pl.Int32, "person_id": pl.Int64, "benefit_record": pl.Int16}
    rows = [{"client_id": client_id, "person_id": person, "benefit_record": 0, "as_of": HIRED}]
    cases = pl.DataFrame(rows, schema_overrides=schema).with_columns(case=pl.lit(0, pl.Int32))
    found = benefit_bases_of(connection, cases, **chosen).sort("base_type", "valid_from")
    return found.drop("case").rows()


def record(client_id, person, base_type, cents, *, on=DAY, now=NOW):
    from openbenefits.workforce.services import record_benefit_base

    record_benefit_base(
        client_id, person, on=on, base_type=base_type, annual_pay_cents=cents, made_by="test", now=now
    )


def test_a_base_is_corrected_and_known_as_then_known(fresh_database, tmp_path):
    client_id, person = hired_newcomer(fresh_database, tmp_path)
    record(client_id, person, "BONUS", 5_000_000)
    record(client_id, person, "BONUS", 6_000_000, on=HIRED)
    record(client_id, person, "OTHER", 100)
    record(client_id, person, "BONUS", 5_500_000, now=LATER)
    later = [("BONUS", HIRED, 6_000_000), ("OTHER", DAY, 100)]
    assert known(fresh_database, client_id, person) == [("BONUS", DAY, 5_500_000), *later]
    assert known(fresh_database, client_id, person, known_at=NOW) == [("BONUS", DAY, 5_000_000), *later]


def test_taking_back_a_base_leaves_what_was_known(fresh_database, tmp_path):
    from openbenefits.workforce.models import ChangeSet
    from openbenefits.workforce.undo import take_back

    client_id, person = hired_newcomer(fresh_database, tmp_path)
    record(client_id, person, "BONUS", 5_000_000)
    record(client_id, person, "BONUS", 5_500_000, now=LATER)
    take_back(ChangeSet.objects.order_by("pk").last().pk, made_by="test", now=LATER)
    assert known(fresh_database, client_id, person) == [("BONUS", DAY, 5_000_000)]


def test_a_formula_waits_for_its_base(fresh_database, tmp_path):
    client_id, person = hired_newcomer(
        fresh_database, tmp_path, formulas=[FORMULA | {"benefits_base": "BONUS"}], is_finalizing=False
    )
    assert events(client_id)[0]["process_status"] == "PE"
    record(client_id, person, "BONUS", 5_000_000)
    process(fresh_database, client_id, "E", as_of=date(2026, 3, 5), now=datetime(2026, 3, 5, 2, tzinfo=UTC))
    event = events(client_id)[0]
    assert event["process_status"] == "PR"
    cents = {row["coverage_cents"] for row in stored("EventOption", event, "option_id").values()}
    assert 5_000_000 in cents
    told = " ".join(page(fresh_database, (client_id, person), plan_type="20").split())
    assert "coverage $50,000 = annual pay by the benefits base BONUS (a year: $50,000), × 1" in told


def test_a_formula_takes_the_pay_of_a_day(fresh_database, tmp_path):
    of_a_day = FORMULA | {"as_of": "this_year", "as_of_day": "12-31"}
    newcomer = hired_newcomer(fresh_database, tmp_path, formulas=[of_a_day])
    told = " ".join(page(fresh_database, newcomer, plan_type="20").split())
    assert "= annual pay as of 12-31 of the year coverage begins (a year: $41,500), × 1" in told


def test_a_formula_adds_up_jobs(fresh_database, tmp_path):
    newcomer = hired_newcomer(fresh_database, tmp_path, formulas=[FORMULA | {"jobs": "flagged"}])
    told = " ".join(page(fresh_database, newcomer, plan_type="20").split())
    assert "of the jobs of the benefit record that count for eligibility, together (a year: $41,500)" in told
