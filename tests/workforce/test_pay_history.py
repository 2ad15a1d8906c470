"""The pay of the primary job by day, for prices that take it as of another day than the event's."""

from datetime import date

import polars as pl

from openbenefits.workforce.frames import Cases, pay_history_of

JOBS = {
    "person_id": pl.Int64,
    "job_number": pl.Int16,
    "valid_from": pl.Date,
    "sequence": pl.Int16,
    "benefit_record": pl.Int16,
    "is_primary": pl.Boolean,
    "action": pl.String,
    "annual_pay_cents": pl.Int64,
}


def history(cases, jobs):
    asked = [(case, 1, person, record, date(2026, 1, 1)) for case, person, record in cases]
    schema = {name: column.dtype for name, column in Cases.columns().items()}
    found = pay_history_of(
        pl.DataFrame(asked, schema=schema, orient="row"), pl.DataFrame(jobs, schema=JOBS, orient="row")
    )
    return sorted(found.rows())


def test_the_pay_changes_with_the_primary_job():
    jobs = [
        (1, 0, date(2024, 1, 1), 0, 0, True, "HIR", 5_000_000),
        (1, 0, date(2025, 7, 1), 0, 0, True, "PAY", 6_000_000),
        (1, 1, date(2025, 9, 1), 0, 0, False, "HIR", 1_000_000),
        (2, 0, date(2025, 1, 1), 0, 0, True, "HIR", None),
    ]
    assert history([(0, 1, 0), (1, 2, 0), (2, 1, 0)], jobs) == [
        (0, date(2024, 1, 1), 5_000_000),
        (0, date(2025, 7, 1), 6_000_000),
        (0, date(2025, 9, 1), 6_000_000),
        (1, date(2025, 1, 1), None),
        (2, date(2024, 1, 1), 5_000_000),
        (2, date(2025, 7, 1), 6_000_000),
        (2, date(2025, 9, 1), 6_000_000),
    ]


def test_each_benefit_record_has_its_own():
    jobs = [
        (1, 0, date(2024, 1, 1), 0, 0, True, "HIR", 5_000_000),
        (1, 1, date(2025, 1, 1), 0, 1, True, "HIR", 900_000),
    ]
    assert history([(0, 1, 0), (1, 1, 1)], jobs) == [
        (0, date(2024, 1, 1), 5_000_000),
        (0, date(2025, 1, 1), 5_000_000),
        (1, date(2024, 1, 1), None),
        (1, date(2025, 1, 1), 900_000),
    ]
