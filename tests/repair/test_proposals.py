"""The product repairs itself: a fact corrected, moved or withdrawn, and the event that came from it."""

from datetime import date, timedelta

import polars as pl
import pytest

from openbenefits.core.codes import Level
from openbenefits.events.frames import load_events
from openbenefits.events.rules import EVENT_KEY
from openbenefits.payroll.services import owed
from openbenefits.repair.proposals import DueOrder, dismiss, find_proposals, repair_due
from openbenefits.repair.services import RepairRefused
from openbenefits.runs.services import run
from openbenefits.store.bulk import update_from
from openbenefits.workforce import services as workforce
from openbenefits.workforce.models import JobFact

from .worlds import LATER, NOW, YEAR_END, events_of, held

LAST_DAY = date(2026, 3, 15)
SPRING = date(2026, 4, 20)


def covered_person(connection, employer) -> int:
    """Somebody who elected or kept medical coverage for the year."""
    rows = held(connection, employer).filter(pl.col("kind").is_in(["E", "D"]), plan_type="10")
    return rows["person_id"].min()


def maintain(connection, employer, now=LATER, as_of=SPRING):
    order = employer.order(
        schedule_id=employer.event_maintenance, as_of=as_of, through=Level.ELECTIONS, is_finalizing=True
    )
    return run(connection, order, now=now)


def due(connection, employer, now, as_of=SPRING):
    order = DueOrder(
        client_id=employer.client_id, as_of=as_of, begin=date(2026, 1, 1), through=YEAR_END, author="test"
    )
    return repair_due(connection, order, now=now)


def owing(connection, employer):
    lines = owed(connection, employer.client_id, begin=date(2026, 1, 1), through=YEAR_END)
    return lines.drop("cause").sort("person_id", "plan_type", "kind", "ends_on")


def resign(employer, person_id, on=LAST_DAY, now=LATER):
    workforce.terminate(employer.client_id, person_id, last_day_employed=on, made_by="test", now=now)


def test_a_withdrawn_resignation_has_never_been(fresh_database, enrolled):
    person_id = covered_person(fresh_database, enrolled)
    before, owed_before = held(fresh_database, enrolled), owing(fresh_database, enrolled)
    resign(enrolled, person_id)
    maintain(fresh_database, enrolled)
    assert not held(fresh_database, enrolled).equals(before)
    assert not owing(fresh_database, enrolled).equals(owed_before)

    first_day = LAST_DAY + timedelta(days=1)
    workforce.delete_job_row(enrolled.client_id, person_id, on=first_day, made_by="test", now=LATER)
    maintain(fresh_database, enrolled)
    proposals = find_proposals(fresh_database, enrolled.client_id)
    assert proposals.select("person_id", "kind", "event_on").rows() == [(person_id, "withdraw", first_day)]
    done = due(fresh_database, enrolled, LATER + timedelta(days=1))
    assert done.proposals["outcome"].to_list() == ["repaired"]
    assert set(done.consequences.coverage["person_id"]) == {person_id}
    assert held(fresh_database, enrolled).equals(before)
    assert owing(fresh_database, enrolled).equals(owed_before)
    assert find_proposals(fresh_database, enrolled.client_id).is_empty()


def test_a_resignation_that_comes_back_ends_coverage_again(fresh_database, enrolled):
    person_id = covered_person(fresh_database, enrolled)
    resign(enrolled, person_id)
    maintain(fresh_database, enrolled)
    ended = held(fresh_database, enrolled)
    first_day = LAST_DAY + timedelta(days=1)
    workforce.delete_job_row(enrolled.client_id, person_id, on=first_day, made_by="test", now=LATER)
    maintain(fresh_database, enrolled)
    due(fresh_database, enrolled, LATER)
    resign(enrolled, person_id)
    maintain(fresh_database, enrolled)
    assert held(fresh_database, enrolled).equals(ended)
    events = events_of(fresh_database, enrolled, person_id=person_id, event_on=first_day)
    assert events["event_status"].to_list() == ["C"]


def test_a_resignation_moved_is_one_on_the_other_day(fresh_database, enrolled):
    person_id = covered_person(fresh_database, enrolled)
    moved_to = date(2026, 4, 10)
    resign(enrolled, person_id)
    maintain(fresh_database, enrolled)
    workforce.correct_job(
        enrolled.client_id,
        person_id,
        on=LAST_DAY + timedelta(days=1),
        changes={"valid_from": moved_to + timedelta(days=1), "last_day_employed": moved_to},
        made_by="test",
        now=LATER,
    )
    maintain(fresh_database, enrolled)
    proposals = find_proposals(fresh_database, enrolled.client_id)
    assert proposals.select("kind", "to_on").rows() == [("redate", moved_to + timedelta(days=1))]
    due(fresh_database, enrolled, LATER)
    ends = held(fresh_database, enrolled).filter(person_id=person_id, plan_type="10", kind="T")
    assert ends["begins_on"].to_list() == [date(2026, 5, 1)]
    events = events_of(fresh_database, enrolled, person_id=person_id).filter(
        pl.col("schedule_id") == enrolled.event_maintenance
    )
    assert sorted(events.filter(pl.col("event_status") != "V")["event_on"]) == [moved_to + timedelta(days=1)]


def test_a_person_decides_where_medical_would_end_in_the_past(fresh_database, enrolled):
    person_id = covered_person(fresh_database, enrolled)
    before = held(fresh_database, enrolled)
    job = JobFact.objects.filter(person_id=person_id).values("valid_from").latest("valid_from")
    workforce.correct_job(
        enrolled.client_id,
        person_id,
        on=job["valid_from"],
        changes={"weekly_hours_hundredths": 500, "full_part_time": "P"},
        made_by="test",
        now=LATER,
    )
    maintain(fresh_database, enrolled)
    proposals = find_proposals(fresh_database, enrolled.client_id)
    assert set(proposals["kind"]) == {"again"}
    told = due(fresh_database, enrolled, LATER)
    assert set(told.proposals["outcome"]) == {"medical coverage would end on a past day"}
    assert told.consequences is None
    assert held(fresh_database, enrolled).equals(before)
    with pytest.raises(RepairRefused):
        dismiss(fresh_database, proposals.select(EVENT_KEY), reason="", author="test", now=LATER)
    dismiss(fresh_database, proposals.select(EVENT_KEY), reason="wrong hours", author="test", now=LATER)
    assert find_proposals(fresh_database, enrolled.client_id).is_empty()
    kept = load_events(fresh_database, proposals.select(EVENT_KEY))
    assert not kept["is_eligibility_changed"].any()


def test_a_late_report_lets_the_later_event_be_decided_again(fresh_database, enrolled):
    person_id = covered_person(fresh_database, enrolled)
    before = held(fresh_database, enrolled)
    workforce.report_life_event(
        enrolled.client_id,
        person_id,
        event_class="MAR",
        on=date(2025, 12, 12),
        reported_on=date(2025, 12, 20),
        made_by="test",
        now=NOW,
    )
    maintain(fresh_database, enrolled, as_of=date(2026, 1, 20))
    proposals = find_proposals(fresh_database, enrolled.client_id)
    assert proposals.select("person_id", "event_number", "kind", "why").rows() == [
        (person_id, 0, "again", "an earlier event became final after it")
    ]
    done = due(fresh_database, enrolled, LATER)
    assert done.proposals["outcome"].to_list() == ["repaired"]
    covers = pl.col("kind").is_in(["E", "D"])  # what the wedding posted on the same day gives way
    assert held(fresh_database, enrolled).filter(covers).equals(before.filter(covers))
    assert find_proposals(fresh_database, enrolled.client_id).is_empty()


def test_the_command_line_shows_repairs_and_does_them(fresh_database, enrolled, cli, tmp_path):
    person_id = covered_person(fresh_database, enrolled)
    before = held(fresh_database, enrolled)
    said = cli("repair", "proposals", "--client", "harbor")
    assert "Nothing to repair" in said.output
    resign(enrolled, person_id)
    maintain(fresh_database, enrolled)
    ended = held(fresh_database, enrolled)
    first_day = LAST_DAY + timedelta(days=1)
    workforce.delete_job_row(enrolled.client_id, person_id, on=first_day, made_by="test", now=LATER)
    maintain(fresh_database, enrolled)
    said = cli("repair", "proposals", "--client", "harbor")
    assert "withdraw" in said.output
    assert "the fact it came from" in " ".join(said.output.split())
    told = cli("repair", "due", "--client", "harbor", "--as-of", SPRING, "--rehearse", "--files", tmp_path)
    assert told.exit_code == 0, told.output
    assert "Nothing was written" in told.output
    assert held(fresh_database, enrolled).equals(ended)
    listed = pl.read_csv(tmp_path / "coverage-that-differs.csv")
    assert set(listed["side"]) == {"no longer"}
    done = cli("repair", "due", "--client", "harbor", "--as-of", SPRING)
    assert "repaired" in done.output
    assert held(fresh_database, enrolled).equals(before)
    refused = cli("repair", "event", "--client", "harbor", "--schedule", "HBEM", "--person", "nobody",
                  "--do", "mend", "--reason", "x")  # fmt: skip
    assert refused.exit_code == 2
    assert "again, withdraw, redate" in " ".join(refused.output.split())


def test_nothing_is_taken_back_that_would_wait_behind_an_event_in_error(fresh_database, enrolled):
    person_id = covered_person(fresh_database, enrolled)

    def address(postal_code):
        return {"state": "NH", "postal_code": postal_code, "country": "USA"}

    workforce.report_life_event(
        enrolled.client_id,
        person_id,
        event_class="MAR",
        on=date(2026, 4, 2),
        reported_on=date(2026, 4, 2),
        made_by="test",
        now=NOW,
    )
    maintain(fresh_database, enrolled)
    before = held(fresh_database, enrolled)
    workforce.move(
        enrolled.client_id,
        person_id,
        on=date(2026, 2, 10),
        address=address("00000"),
        made_by="test",
        now=LATER,
    )
    maintain(fresh_database, enrolled)
    moved = events_of(fresh_database, enrolled, person_id=person_id, event_on=date(2026, 2, 10))
    assert moved["process_status"].to_list() == ["PE"]
    wedding = events_of(fresh_database, enrolled, person_id=person_id, event_on=date(2026, 4, 2))
    update = wedding.select(*EVENT_KEY, is_out_of_sequence=pl.lit(value=True))
    update_from(fresh_database, "events_event", update, EVENT_KEY, ["is_out_of_sequence"])
    told = due(fresh_database, enrolled, LATER)
    assert told.proposals["outcome"].to_list() == ["an event would wait behind an earlier one"]
    assert held(fresh_database, enrolled).equals(before)


def test_a_client_with_a_run_control_of_repairs_repairs_itself(fresh_database, enrolled, cli):
    person_id = covered_person(fresh_database, enrolled)
    before = held(fresh_database, enrolled)
    resign(enrolled, person_id)
    maintain(fresh_database, enrolled)
    first_day = LAST_DAY + timedelta(days=1)
    workforce.delete_job_row(enrolled.client_id, person_id, on=first_day, made_by="test", now=LATER)
    maintain(fresh_database, enrolled)
    done = cli("run", "control", "repairs", "--client", "harbor", "--as-of", SPRING)
    assert done.exit_code == 0, done.output
    assert "repair: repaired" in done.output
    assert held(fresh_database, enrolled).equals(before)


@pytest.mark.parametrize(("decided_after", "is_proposed"), [(True, False), (False, True)])
def test_an_event_decided_after_a_correction_needs_no_repair(
    fresh_database, make_employer, decided_after, is_proposed
):
    """Event maintenance reads the correction last, and the open enrolment of another schedule knew it."""
    employer = make_employer(fresh_database, is_faulty=False, people=20)
    enrol = employer.order(is_finalizing=True, through=Level.ELECTIONS)
    early, late = NOW + timedelta(days=1), NOW + timedelta(days=2)
    run(fresh_database, enrol, now=late if decided_after else NOW)
    person_id = covered_person(fresh_database, employer)
    hired_on = JobFact.objects.filter(person_id=person_id).order_by("valid_from").first().valid_from
    workforce.correct_job(
        employer.client_id,
        person_id,
        on=hired_on,
        changes={"annual_pay_cents": 7_000_000},
        made_by="test",
        now=early,
    )
    maintain(fresh_database, employer)
    assert find_proposals(fresh_database, employer.client_id).is_empty() is not is_proposed
