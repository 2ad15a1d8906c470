"""Which activity becomes which event, and which event comes first."""

from datetime import date, timedelta

import polars as pl
import pytest

from openbenefits.events.rules import activities_of, classify, is_due, merge, order_events, window

CLASSES = pl.DataFrame(
    {
        "event_class_id": [1, 2, 3, 4, 5],
        "code": ["HIR", "TER", "MSC", "MAR", "OE"],
        "use": ["S", "S", "D", "S", "O"],
        "priority": [100, 200, 400, 402, 900],
    },
    schema_overrides={"event_class_id": pl.Int32, "priority": pl.Int16},
)
ACTIONS = pl.DataFrame(
    {
        "action": ["HIR", "TER", "XFR", "DTA"],
        "reason": ["", "", "", "LVE"],
        "bas_action": ["HIR", "TER", "", "TER"],
    }
)
DAY = date(2026, 3, 2)


def job_change(**changes):
    given = {
        "fact": "job",
        "operation": "I",
        "valid_from": DAY,
        "job_number": 0,
        "sequence": 0,
        "event_class": None,
    }
    row = {"client_id": 1, "person_id": 7, "change_id": 5, "reported_on": None} | given | changes
    return pl.DataFrame(
        [row],
        schema={
            "client_id": pl.Int32, "person_id": pl.Int64, "change_id": pl.Int64, "reported_on": pl.Date,
            "fact": pl.String, "operation": pl.String, "valid_from": pl.Date, "job_number": pl.Int16,
            "sequence": pl.Int16, "event_class": pl.String,
        },
    )  # fmt: skip


def job_row(action="HIR", reason=None, **changes):
    row = {
        "client_id": 1, "person_id": 7, "job_number": 0, "valid_from": DAY, "sequence": 0,
        "benefit_record": 0, "action": action, "reason": reason, "others_active": False,
        "union_code": None, "is_primary": True, "is_for_eligibility": True,
    }  # fmt: skip
    return pl.DataFrame(
        [row | changes],
        schema={
            "client_id": pl.Int32, "person_id": pl.Int64, "job_number": pl.Int16, "valid_from": pl.Date,
            "sequence": pl.Int16, "benefit_record": pl.Int16, "action": pl.String, "reason": pl.String,
            "others_active": pl.Boolean, "union_code": pl.String, "is_primary": pl.Boolean,
            "is_for_eligibility": pl.Boolean,
        },
    )  # fmt: skip


@pytest.mark.parametrize(
    ("action", "reason", "others_active", "event_class"),
    [
        ("HIR", None, False, 1),
        ("TER", None, False, 2),
        ("TER", None, True, 3),  # rulings §1.9: another job of the record goes on
        ("HIR", None, True, 3),
        ("XFR", None, False, 3),  # blank mapping: the default class
        ("PAY", None, False, 3),  # no mapping at all
        ("DTA", "LVE", False, 2),  # action and reason together
        ("DTA", "OTH", False, 3),
    ],
)
def test_a_job_action_leads_to_its_class(action, reason, others_active, event_class):
    rows = activities_of(job_change(), job_row(action, reason, others_active=others_active), ACTIONS)
    assert classify(rows, CLASSES)["event_class_id"].to_list() == [event_class]
    assert rows["source"].to_list() == ["TJ"]


def test_a_life_event_is_a_manual_activity_of_every_benefit_record():
    change = job_change(fact="life_event", event_class="MAR", reported_on=date(2026, 3, 5))
    two_records = pl.concat([job_row(), job_row().with_columns(benefit_record=pl.lit(1, pl.Int16))])
    rows = classify(activities_of(change, two_records, ACTIONS), CLASSES)
    assert rows["event_class_id"].to_list() == [4, 4]
    assert sorted(rows["benefit_record"]) == [0, 1]
    assert rows["source"].unique().to_list() == ["ME"]
    assert rows["reported_on"].unique().to_list() == [date(2026, 3, 5)]


@pytest.mark.parametrize(("days", "events"), [(-1, 0), (0, 1)])
def test_a_life_event_before_the_first_job_is_no_activity(days, events):
    jobs = job_row()
    on = jobs["valid_from"][0] + timedelta(days=days)
    change = job_change(fact="life_event", event_class="MAR", reported_on=on).with_columns(
        valid_from=pl.lit(on)
    )
    assert activities_of(change, jobs, ACTIONS).height == events


def test_two_default_classes_classify_nothing():
    double = CLASSES.with_columns(use=pl.lit("D"))
    rows = activities_of(job_change(), job_row("XFR"), ACTIONS)
    assert classify(rows, double)["event_class_id"].to_list() == [None]


def test_activity_of_one_day_and_class_is_one_event():
    moved = job_change(fact="address")
    transferred = activities_of(job_change(), job_row("XFR"), ACTIONS)
    both = pl.concat([transferred, activities_of(moved, job_row("XFR"), ACTIONS)])
    both = both.with_columns(recorded_on=pl.Series([DAY, None], dtype=pl.Date))
    events = merge(classify(both, CLASSES))
    assert events["recorded_on"].to_list() == [DAY]
    assert events.height == 1
    assert events["is_multi_activity"].to_list() == [True]
    assert events["source"].to_list() == ["TJ"]


def event(number, event_on, priority, status=None, event_status="C", schedule_id=1):
    return {
        "client_id": 1, "person_id": 7, "benefit_record": 0, "schedule_id": schedule_id, "event_number": number,
        "event_on": event_on, "priority": priority, "process_status": status, "event_status": event_status, "process_indicator": "N",
    }  # fmt: skip


def test_the_first_event_is_the_earliest_then_the_lowest_priority_then_the_lowest_number():
    events = pl.DataFrame(
        [
            event(0, date(2026, 1, 1), 900, schedule_id=2),
            event(1, date(2026, 1, 1), 400),
            event(2, date(2025, 12, 1), 400, status="FE"),
            event(3, date(2025, 12, 2), 400, event_status="V"),
            event(4, date(2026, 1, 1), 400),
        ]
    )
    ordered = order_events(events)
    assert ordered["event_number"].to_list() == [1, 4, 0]
    assert ordered["is_first"].to_list() == [True, False, False]


def test_a_class_may_process_ahead():
    events = pl.DataFrame(
        {
            "event_on": [date(2026, 3, 2)] * 4,
            "process_ahead_days": [0, 1, 60, 0],
            "schedule_window_begins_on": [None, None, None, date(2026, 2, 1)],
        },
        schema_overrides={"schedule_window_begins_on": pl.Date},
    )
    due = events.select(is_due(pl.lit(date(2026, 3, 1))))
    assert due.to_series().to_list() == [False, True, True, True]


@pytest.mark.parametrize(
    ("start", "ends_on"),
    [("event", date(2026, 4, 2)), ("entry", date(2026, 4, 5)), ("notice", date(2026, 4, 10))],
)
def test_a_window_counts_from_its_start(start, ends_on):
    events = pl.DataFrame(
        {
            "event_on": [DAY], "reported_on": [date(2026, 3, 5)],
            "recorded_on": [date(2026, 3, 7)], "option_notified_on": [date(2026, 3, 10)],
            "window_days": [31], "window_start": [start],
            "window_begins_on": pl.Series([None], dtype=pl.Date),
            "window_ends_on": pl.Series([None], dtype=pl.Date),
            "schedule_window_begins_on": pl.Series([None], dtype=pl.Date),
            "schedule_window_ends_on": pl.Series([None], dtype=pl.Date),
        }
    )  # fmt: skip
    assert window(events)["window_ends_on"].to_list() == [ends_on]


def test_an_entry_window_counts_from_the_report_else_the_record_else_the_event():
    def ends(reported, recorded):
        days = {"event_on": DAY, "reported_on": reported, "recorded_on": recorded, "option_notified_on": None}
        unset = dict.fromkeys(
            (
                *("window_begins_on", "window_ends_on"),
                *("schedule_window_begins_on", "schedule_window_ends_on"),
            )
        )
        row = pl.DataFrame([days | unset], schema=dict.fromkeys([*days, *unset], pl.Date))
        asked = row.with_columns(window_days=pl.lit(31), window_start=pl.lit("entry"))
        return window(asked)["window_ends_on"].item()

    assert ends(date(2026, 3, 5), date(2026, 3, 7)) == date(2026, 4, 5)
    assert ends(None, date(2026, 3, 7)) == date(2026, 4, 7)
    assert ends(None, None) == DAY + timedelta(days=31)
