"""The pay of the primary job by day, for prices that take it as of another day than the event's."""

from datetime import date

import polars as pl

from openbenefits.workforce.frames import Cases, job_history_of, pay_history_of

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


STATED = ("is_of_record", "is_primary", "is_for_eligibility", "is_active", "annual_pay_cents")


def test_the_jobs_of_a_person_stand_anew_on_each_day_one_of_them_changes():
    rows = [
        (1, 0, date(2024, 1, 1), 0, 0, True, "HIR", 5_000_000, "A", "STD", True),
        (1, 1, date(2025, 1, 1), 0, 1, True, "HIR", 900_000, "A", "STD", False),
        (1, 0, date(2025, 7, 1), 0, 0, True, "LOA", 5_100_000, "L", "STD", True),
        (1, 1, date(2025, 7, 1), 0, 1, True, "TER", 900_000, "T", "STD", False),
        (2, 0, date(2025, 3, 1), 0, 0, True, "HIR", None, None, "STD", True),
    ]
    more = {"job_status": pl.String, "reason": pl.String, "is_for_eligibility": pl.Boolean}
    jobs = pl.DataFrame(rows, schema=JOBS | more, orient="row")
    schema = {name: column.dtype for name, column in Cases.columns().items()}
    cases = [(case, 1, person, 0, date(2026, 1, 1)) for case, person in ((0, 1), (1, 2))]
    found = job_history_of(pl.DataFrame(cases, schema=schema, orient="row"), jobs)
    assert found.sort("case", "valid_from", "is_of_record", descending=[False, False, True]).rows() == [
        (0, date(2024, 1, 1), True, True, True, True, 5_000_000),
        (0, date(2025, 1, 1), True, True, True, True, 5_000_000),
        (0, date(2025, 1, 1), False, False, False, True, 900_000),
        (0, date(2025, 7, 1), True, True, True, True, 5_100_000),
        (0, date(2025, 7, 1), False, False, False, False, 900_000),
        (1, date(2025, 3, 1), True, True, True, None, None),
    ]
    assert found.columns == ["case", "valid_from", *STATED]
