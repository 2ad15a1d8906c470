"""Schedules summed up and the events of a person, on real runs."""

import json
from datetime import date

import polars as pl
import pytest
from tests.runs.conftest import NOW

from openbenefits.core.codes import Level, ProcessStatus
from openbenefits.events.models import Event
from openbenefits.review.rules.events import AN_ELECTION, ITS_DAY, SETUP_OR_DATA
from openbenefits.review.services import event_summary, flagged, schedule_summary
from openbenefits.runs.services import run
from openbenefits.workforce.models import Person
from openbenefits.workforce.services import report_life_event

AS_OF = date(2025, 11, 3)


def of_schedule(sheets, schedule):
    return sheets["Schedules"].filter(schedule=schedule).row(0, named=True)


def test_every_status_is_counted_and_zero_is_shown(fresh_database, prepared):
    sheets = schedule_summary(fresh_database, [prepared.client_id])
    rows = sheets["Statuses"].filter(kind="O")
    assert rows["process_status"].to_list() == ["", *(str(one) for one in ProcessStatus)]
    stood = dict(rows.select("process_status", "people").iter_rows())
    assert stood["PR"] > 0
    assert stood["NT"] == 0
    people = Event.objects.filter(schedule_id=prepared.open_enrollment).values("person_id").distinct().count()
    summed = sheets["Schedules"].filter(kind="O").row(0, named=True)
    assert summed["people"] == people
    assert summed["events"] == rows["events"].sum()


def test_percent_is_of_what_is_final_or_void(fresh_database, prepared):
    before = schedule_summary(fresh_database, [prepared.client_id])["Schedules"].filter(kind="O")
    already = Event.objects.filter(process_status__in=["FP", "FA"]).count()
    assert before["final_or_void"][0] == already
    run(fresh_database, prepared.order(is_finalizing=True, through=Level.ELECTIONS), now=NOW)
    left = Event.objects.exclude(process_status__in=["FE", "FP", "FA"]).count()
    after = schedule_summary(fresh_database, [prepared.client_id])["Schedules"].filter(kind="O")
    done = after["final_or_void"][0]
    assert done == after["events"][0] - left
    assert after["percent_done"][0] == done * 1000 // after["events"][0] / 10
    assert before["percent_done"][0] < after["percent_done"][0] <= 100


def test_a_schedule_without_events_says_zero_and_no_percentage(fresh_database, prepared):
    row = (
        schedule_summary(fresh_database, [prepared.client_id])["Schedules"]
        .filter(kind="E")
        .row(0, named=True)
    )
    assert (row["people"], row["events"], row["percent_done"]) == (0, 0, None)


def test_only_the_schedules_of_the_clients_asked_for(fresh_database, prepared):
    assert schedule_summary(fresh_database, [prepared.client_id + 1])["Schedules"].is_empty()
    one = schedule_summary(fresh_database, [prepared.client_id], [prepared.open_enrollment])
    assert one["Schedules"].height == 1


def waiting_person(prepared):
    return (
        Event.objects.filter(process_status="PR", schedule_id=prepared.open_enrollment)
        .order_by("person_id")
        .values_list("person_id", flat=True)
        .first()
    )


def test_a_prepared_event_waits_for_its_employee(fresh_database, prepared):
    person_id = waiting_person(prepared)
    sheets = event_summary(fresh_database, prepared.client_id, person_id, as_of=AS_OF)
    event = sheets["Events"].row(0, named=True)
    assert event["held_by"] == AN_ELECTION
    assert event["held_since"] == NOW.date()
    assert event["event_status_name"] == "open"
    steps = sheets["History"]
    assert steps["to_status"].to_list() == ["AS", "PR"]
    assert steps["step"].to_list() == [1, 2]


def test_a_later_event_waits_for_the_first_one_and_an_error_for_the_administrator(fresh_database, prepared):
    person_id = waiting_person(prepared)
    on = date(2025, 10, 20)
    report_life_event(
        prepared.client_id, person_id, event_class="MAR", on=on, reported_on=on, made_by="test", now=NOW
    )
    order = prepared.order(schedule_id=prepared.event_maintenance, through=Level.OPTIONS, people=[person_id])
    run(fresh_database, order, now=NOW)
    rows = event_summary(fresh_database, prepared.client_id, person_id, as_of=AS_OF)["Events"]
    first, second = rows.to_dicts()
    assert first["event_class"] == "MAR"
    assert first["held_by"] == AN_ELECTION
    assert second["held_by"] == f"the event MAR of {on}"
    assert second["event_status_name"] == "closed"

    faulty = Event.objects.filter(process_status__in=["AE", "PE"]).values_list("person_id", flat=True).first()
    told = event_summary(fresh_database, prepared.client_id, faulty, as_of=AS_OF)["Events"]
    assert told["held_by"][0] == SETUP_OR_DATA


def test_what_lies_ahead_waits_for_its_day(fresh_database, make_employer):
    employer = make_employer(fresh_database, people=60)
    run(fresh_database, employer.order(through=Level.SCHEDULE), now=NOW)
    person_id = Event.objects.values_list("person_id", flat=True).first()
    row = event_summary(fresh_database, employer.client_id, person_id, as_of=AS_OF)["Events"]
    assert row["process_status"].to_list() == [None]
    assert row["held_by"].to_list() == [ITS_DAY]


@pytest.mark.parametrize(
    ("change", "flags"),
    [
        ({"is_out_of_sequence": True}, "out of sequence"),
        ({"is_eligibility_changed": True}, "eligibility changed"),
        ({"event_status": "D"}, "disconnected"),
    ],
)
def test_flagged_items_name_each_flag(fresh_database, prepared, change, flags):
    person_id = waiting_person(prepared)
    assert flagged(fresh_database, prepared.client_id, as_of=AS_OF).is_empty()
    Event.objects.filter(person_id=person_id).update(**change)
    assert flagged(fresh_database, prepared.client_id, as_of=AS_OF)["flags"].to_list() == [flags]
    assert flags_counted(fresh_database, prepared) == 1


@pytest.mark.parametrize("flag", ["is_out_of_sequence", "is_eligibility_changed"])
def test_a_void_event_needs_no_act_whatever_its_flag(fresh_database, prepared, flag):
    events = Event.objects.filter(person_id=waiting_person(prepared))
    events.update(**{flag: True})
    assert flagged(fresh_database, prepared.client_id, as_of=AS_OF).height == 1
    events.update(event_status="V")
    assert flagged(fresh_database, prepared.client_id, as_of=AS_OF).is_empty()
    assert flags_counted(fresh_database, prepared) == 0


def flags_counted(connection, employer):
    summed = schedule_summary(connection, [employer.client_id])
    return summed["Schedules"]["flagged"].sum()


def test_the_command_line_shows_and_writes_them(fresh_database, prepared, cli, tmp_path):
    json_file, csv_file, book = (tmp_path / name for name in ("s.json", "s.csv", "s.xlsx"))
    asked = ("review", "schedules", "--client", "harbor", "--json", json_file, "--csv", csv_file)
    result = cli(*asked, "--xlsx", book)
    assert result.exit_code == 0, result.output
    written = json.loads(json_file.read_text())
    assert len(written["Statuses"]) == len(written["Schedules"]) * 13
    assert pl.read_csv(csv_file).height == len(written["Schedules"])
    assert pl.read_csv(tmp_path / "s-statuses.csv").height == len(written["Statuses"])
    assert pl.read_excel(book, sheet_name="Schedules", engine="calamine").height == len(written["Schedules"])

    number = Person.objects.get(pk=waiting_person(prepared)).employee_number
    shown = cli("review", "person", "--client", "harbor", "--person", number, "--as-of", "2025-11-03")
    assert shown.exit_code == 0, shown.output
    assert "History" in shown.output
    assert "none." in cli("review", "flagged", "--client", "harbor").output
