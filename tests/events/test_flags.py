"""The flags of events, each with its own day: which fact sets which, and the latest correction counts."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from openbenefits.events.rules import CHANGED_DAYS, EVENT_KEY, flagged_days

KEY = {"client_id": 1, "person_id": 5, "benefit_record": 0, "schedule_id": 3, "event_number": 1}
TYPES = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
}
MAY, JUNE = date(2026, 5, 4), date(2026, 6, 1)


def flagged(facts, jobs=(1,), **standing):
    """Answer the days of one event, of (fact, day on which the correction became known)."""
    rows = [
        KEY
        | dict.fromkeys(CHANGED_DAYS)
        | standing
        | {"fact": fact, "made_at": datetime(day.year, day.month, day.day, 9, tzinfo=UTC)}
        for fact, day in facts
    ]
    schema = TYPES | dict.fromkeys(CHANGED_DAYS, pl.Date)
    schema |= {"fact": pl.String, "made_at": pl.Datetime("us", "UTC")}
    held = [{name: KEY[name] for name in EVENT_KEY[:3]} | {"job_number": number} for number in jobs]
    of_jobs = pl.DataFrame(
        held, schema={name: TYPES[name] for name in EVENT_KEY[:3]} | {"job_number": pl.Int16}
    )
    found = flagged_days(pl.DataFrame(rows, schema=schema), of_jobs).row(0, named=True)
    return {name: found[name] for name in CHANGED_DAYS if found[name] is not None}


@pytest.mark.parametrize(
    ("facts", "jobs", "expected"),
    [
        ([("address", MAY)], (1,), {"address_changed_on": MAY}),
        ([("job", MAY)], (1,), {"job_changed_on": MAY}),
        ([("job", MAY)], (1, 2), {"jobs_changed_on": MAY}),
        ([("address", MAY)], (1, 2), {"address_changed_on": MAY}),
        ([("person", MAY)], (1,), {"person_changed_on": MAY}),
        ([("dependent", MAY)], (1,), {"person_changed_on": MAY}),
        ([("job", MAY), ("job", JUNE)], (1,), {"job_changed_on": JUNE}),
        ([("job", MAY), ("address", JUNE)], (1,), {"job_changed_on": MAY, "address_changed_on": JUNE}),
    ],
)
def test_each_fact_has_its_flag_and_each_flag_its_day(facts, jobs, expected):
    assert flagged(facts, jobs) == expected


def test_a_flag_that_stands_stays_and_a_later_correction_moves_its_day():
    standing = {"address_changed_on": MAY, "job_changed_on": MAY}
    assert flagged([("job", JUNE)], **standing) == {"address_changed_on": MAY, "job_changed_on": JUNE}
