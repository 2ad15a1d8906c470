"""The trigger table (docs/rules.md §15.1, event-processing §3.2): each row, on both sides."""

from datetime import date

import polars as pl
import pytest

from openbenefits.events.rules import activities_of, classify, merge
from openbenefits.events.triggers import copies, redated

from .test_rules import ACTIONS, CLASSES, DAY, job_change, job_row

EARLIER = date(2025, 6, 1)
BEFORE = {"valid_from": EARLIER, "union_code": "U1"}


def sources(row, *, before=BEFORE):
    jobs = pl.concat([job_row("HIR", **before), row]) if before else row
    return activities_of(job_change(), jobs, ACTIONS)["source"].to_list()


@pytest.mark.parametrize(
    ("changes", "source"),
    [
        ({"union_code": "U1"}, "TJ"),  # nothing but the row itself
        ({"union_code": "U2"}, "TL"),
        ({"union_code": None}, "TL"),  # out of the union
        ({"union_code": "U1", "is_primary": False}, "MJ"),
        ({"union_code": "U1", "is_for_eligibility": False}, "MJ"),
        ({"union_code": "U2", "is_primary": False}, "TL"),  # the union before the flags
        ({"union_code": "U2", "action": "TER"}, "TJ"),  # an action with its own class speaks for the row
        ({"union_code": "U1", "is_primary": False, "action": "TER"}, "TJ"),
        ({"union_code": "U2", "action": "TER", "others_active": True}, "TJ"),
    ],
)
def test_what_a_job_row_changed_is_its_source(changes, source):
    assert sources(job_row(**{"action": "XFR"} | changes)) == [source]


def test_the_first_row_of_a_job_changes_nothing():
    assert sources(job_row("XFR", union_code="U2", is_primary=False), before=None) == ["TJ"]


def test_a_row_is_compared_with_the_row_before_it_of_the_same_job():
    other_job = BEFORE | {"job_number": 1, "union_code": "U9"}
    later = job_row("XFR", valid_from=date(2026, 9, 1), union_code="U9")
    jobs = pl.concat([job_row(**BEFORE), job_row(**other_job), job_row("XFR", union_code="U1"), later])
    assert activities_of(job_change(), jobs, ACTIONS)["source"].to_list() == ["TJ"]


def test_two_rows_of_a_day_are_compared_in_their_order():
    jobs = pl.concat(
        [
            job_row(**BEFORE),
            job_row("XFR", union_code="U1"),
            job_row("XFR", sequence=1, union_code="U2"),
        ]
    )
    changes = pl.concat([job_change(), job_change(sequence=1)])
    rows = activities_of(changes, jobs, ACTIONS).sort("sequence")
    assert rows["source"].to_list() == ["TJ", "TL"]
    events = merge(classify(rows, CLASSES).with_columns(recorded_on=pl.lit(None, pl.Date)))
    assert events.select("source", "is_multi_activity").rows() == [("TJ", True)]


@pytest.mark.parametrize(("fact", "source"), [("address", "TP"), ("person", "BP")])
def test_what_is_known_of_the_person_is_activity_of_each_benefit_record(fact, source):
    jobs = pl.concat([job_row(), job_row(job_number=1, benefit_record=1)])
    rows = activities_of(job_change(fact=fact, job_number=None, sequence=None), jobs, ACTIONS)
    assert rows.sort("benefit_record").select("benefit_record", "source").rows() == [(0, source), (1, source)]
    assert classify(rows, CLASSES)["event_class_id"].unique().to_list() == [3]  # the default class


def test_a_person_row_of_the_day_of_a_life_event_is_that_event():
    person = job_change(fact="person", job_number=None, sequence=None)
    lived = person.with_columns(
        fact=pl.lit("life_event"), event_class=pl.lit("MAR"), reported_on=pl.col("valid_from")
    )
    rows = activities_of(pl.concat([person, lived], how="diagonal_relaxed"), job_row(), ACTIONS)
    assert rows["source"].to_list() == ["ME"]


@pytest.mark.parametrize("fact", ["dependent", "benefit_base"])
def test_other_facts_are_no_activity(fact):
    assert activities_of(job_change(fact=fact), job_row(), ACTIONS).is_empty()


# --- copies to other benefit records ----------------------------------------------------------------------


def classified(source="TJ", event_class=1, **changes):
    row = classify(activities_of(job_change(), job_row("HIR"), ACTIONS), CLASSES)
    given = {"source": source, "event_class_id": event_class} | changes
    return row.with_columns(pl.lit(value).cast(row.schema[name]).alias(name) for name, value in given.items())


def copied(rows, *, classes=(1,), jobs=None):
    wanted = pl.col("event_class_id").is_in(list(classes))
    known = CLASSES.with_columns(is_copied_to_other_records=wanted)
    records = [job_row(), job_row(job_number=1, benefit_record=1)] if jobs is None else jobs
    found = copies(rows, known, pl.concat(records))
    return found.select("benefit_record", "source", "event_class_id", "event_on", "change_id").rows()


@pytest.mark.parametrize("source", ["TJ", "TL", "MJ"])
def test_a_job_row_causes_the_event_in_the_other_records_where_the_class_says_so(source):
    assert copied(classified(source)) == [(1, "EX", 1, DAY, 5)]
    assert copied(classified(source), classes=()) == []


@pytest.mark.parametrize("source", ["TP", "BP", "PB", "PS", "ME", "EX"])
def test_only_job_rows_are_copied(source):
    assert copied(classified(source)) == []


@pytest.mark.parametrize(("begins", "found"), [(DAY, 1), (date(2026, 3, 3), 0)])
def test_a_record_without_a_job_by_that_day_gets_no_copy(begins, found):
    jobs = [job_row(), job_row(job_number=1, benefit_record=1, valid_from=begins)]
    assert len(copied(classified(), jobs=jobs)) == found


def test_a_record_with_activity_of_that_day_and_class_gets_no_copy():
    own = classified(benefit_record=1)
    assert copied(pl.concat([classified(), own])) == []
    other_class = classified(benefit_record=1, event_class=2)
    assert copied(pl.concat([classified(), other_class])) == [(1, "EX", 1, DAY, 5)]


# --- dates that change without an event -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("birth_on", "service_on", "found"),
    [
        (date(1980, 1, 2), date(2010, 3, 1), 0),
        (date(1980, 2, 1), date(2010, 3, 1), 1),
        (date(1980, 1, 2), date(2010, 4, 1), 1),
        (None, date(2010, 3, 1), 1),
    ],
)
def test_another_birth_or_service_date_is_named_and_is_no_activity(birth_on, service_on, found):
    feed = job_change(fact="person", job_number=None, sequence=None)
    persons = pl.DataFrame(
        {
            "client_id": [1, 1], "person_id": [7, 7], "valid_from": [EARLIER, DAY],
            "birth_on": [date(1980, 1, 2), birth_on], "service_on": [date(2010, 3, 1), service_on],
        },
        schema_overrides={"client_id": pl.Int32, "person_id": pl.Int64},
    )  # fmt: skip
    assert redated(feed, persons).height == found
    assert redated(feed, persons.tail(1)).is_empty()  # the first row of a person
