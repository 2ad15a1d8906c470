"""Duties in a database: a termination brings one, its repair takes it back, and nothing is written twice."""

from datetime import date, timedelta

import polars as pl
import pytest
from tests.repair.worlds import LATER, NOW

from openbenefits.background.nightly import record_losses
from openbenefits.compliance.cobra.frames import load_acts, load_standing
from openbenefits.compliance.cobra.services import (
    Act,
    CobraRefused,
    Loss,
    classified_losses,
    decide,
    record_duties,
    record_notice,
)
from openbenefits.core.codes import CobraCause, Level
from openbenefits.enrollment.frames import load_coverage
from openbenefits.repair.proposals import DueOrder, repair_due
from openbenefits.runs.services import run
from openbenefits.workflow.checks import CHECKS, verdicts
from openbenefits.workforce import services as workforce
from openbenefits.workforce.models import Client, JobFact, Person

LAST_DAY, SPRING = date(2026, 3, 15), date(2026, 4, 20)
FIRST_DAY = LAST_DAY + timedelta(days=1)
TOLD = Act(on=date(2026, 3, 25), reason="by first-class mail", author="test")
HEALTH = ["10", "11", "12", "13", "14", "60"]


def covered_person(connection, employer) -> int:
    """Somebody with medical coverage in force."""
    people = pl.DataFrame(
        list(Person.objects.filter(client_id=employer.client_id).values_list("client_id", "id")),
        schema={"client_id": pl.Int32, "person_id": pl.Int64},
        orient="row",
    )
    held = load_coverage(connection, people).filter(pl.col("kind").is_in(["E", "D"]), plan_type="10")
    return held["person_id"].min()


def covers_of(connection, employer, person_id) -> set[str]:
    people = pl.DataFrame({"client_id": [employer.client_id], "person_id": [person_id]})
    held = load_coverage(connection, people.cast({"client_id": pl.Int32, "person_id": pl.Int64}))
    return set(held.filter(pl.col("kind").is_in(["E", "D"]) & pl.col("plan_type").is_in(HEALTH))["plan_type"])


def maintain(connection, employer) -> None:
    order = employer.order(
        schedule_id=employer.event_maintenance, as_of=SPRING, through=Level.ELECTIONS, is_finalizing=True
    )
    run(connection, order, now=LATER)


def resign(connection, employer, person_id, reason=None) -> None:
    workforce.terminate(employer.client_id, person_id, last_day_employed=LAST_DAY, made_by="test", now=LATER)
    if reason:
        JobFact.objects.filter(person_id=person_id, valid_from=FIRST_DAY).update(reason=reason)
    maintain(connection, employer)


def record(connection, employer) -> pl.DataFrame:
    return record_duties(connection, employer.client_id, as_of=SPRING, now=LATER)


def take_back(connection, employer, person_id) -> None:
    """Delete the job row of the termination, and let the product repair it."""
    workforce.delete_job_row(employer.client_id, person_id, on=FIRST_DAY, made_by="test", now=LATER)
    repaired(connection, employer)


def repaired(connection, employer) -> None:
    """Let the product notice that a fact was changed, and repair what came of it."""
    maintain(connection, employer)
    order = DueOrder(
        client_id=employer.client_id,
        as_of=SPRING,
        begin=date(2026, 1, 1),
        through=date(2026, 12, 31),
        author="test",
    )
    assert repair_due(connection, order, now=LATER).proposals["outcome"].to_list() == ["repaired"]


def medical(employer, person_id, lost_on=date(2026, 4, 1)) -> Loss:
    return Loss(
        client_id=employer.client_id, person_id=person_id, dependent_id=0, cover="medical", lost_on=lost_on
    )


def test_a_termination_brings_duties_once(fresh_database, enrolled):
    before = record(fresh_database, enrolled)
    person_id = covered_person(fresh_database, enrolled)
    plan_types = covers_of(fresh_database, enrolled, person_id)
    resign(fresh_database, enrolled, person_id)
    written = record(fresh_database, enrolled)
    assert set(written["person_id"]) == {person_id}
    assert before.filter(person_id=person_id).is_empty()
    own = written.filter(dependent_id=0)
    assert own.height >= len(plan_types) > 0
    assert set(own["cause"]) == {"termination"}
    duty = own.filter(cover="medical").row(0, named=True)
    assert (duty["state"], duty["version"], duty["happened_on"]) == ("due", 1, LAST_DAY)
    assert duty["lost_on"] == date(2026, 4, 1)
    assert duty["employer_notice_by"] == date(2026, 4, 14)
    assert duty["election_notice_by"] == date(2026, 4, 28)
    assert duty["continues_through"] == date(2027, 9, 15)
    assert duty["source"].startswith("IRC 4980B")
    assert record(fresh_database, enrolled).is_empty()


def test_a_night_writes_duties_down_and_the_playbook_waits_for_their_notices(fresh_database, enrolled):
    person_id = covered_person(fresh_database, enrolled)

    def said():
        check = CHECKS["COBRA notice sent"]
        return verdicts(fresh_database, check, [str(person_id)], SPRING).row(0)[1:]

    workforce.terminate(enrolled.client_id, person_id, last_day_employed=LAST_DAY, made_by="test", now=LATER)
    assert said()[0] is False  # no event has been made of it yet
    maintain(fresh_database, enrolled)
    client = Client.objects.get(pk=enrolled.client_id)
    (written,) = record_losses(fresh_database, [client], on=SPRING, now=LATER).values()
    assert said() == (False, f"0 notices for {written} duties, 0 events open")
    assert written > 0
    assert record_losses(fresh_database, [client], on=SPRING, now=LATER) == {client.code: 0}


def test_every_loss_has_a_verdict_and_a_reason(fresh_database, enrolled):
    resign(fresh_database, enrolled, covered_person(fresh_database, enrolled))
    rows = classified_losses(fresh_database, enrolled.client_id)
    assert rows.height
    assert rows.select("verdict", "reason").null_count().row(0) == (0, 0)
    qualifying = rows.filter(verdict="qualifies")
    assert qualifying["election_notice_by"].null_count() == 0


def test_a_duty_whose_loss_has_never_been_is_withdrawn(fresh_database, enrolled):
    person_id = covered_person(fresh_database, enrolled)
    resign(fresh_database, enrolled, person_id)
    duties = record(fresh_database, enrolled)
    take_back(fresh_database, enrolled, person_id)
    withdrawn = record(fresh_database, enrolled)
    assert withdrawn.height == duties.height
    assert set(withdrawn["state"]) == {"withdrawn"}
    assert set(withdrawn["version"]) == {2}
    assert "never been" in withdrawn["reason"][0]
    assert record(fresh_database, enrolled).is_empty()
    resign(fresh_database, enrolled, person_id)
    again = record(fresh_database, enrolled)
    assert set(again["state"]) == {"due"}
    assert set(again["version"]) == {3}


def test_a_notice_sent_in_vain_is_corrected(fresh_database, enrolled):
    person_id = covered_person(fresh_database, enrolled)
    resign(fresh_database, enrolled, person_id)
    record(fresh_database, enrolled)
    loss = medical(enrolled, person_id)
    assert record_notice(fresh_database, loss, TOLD, now=LATER) == "noticed"
    noticed = record(fresh_database, enrolled)
    assert noticed["election_through"].to_list() == [date(2026, 5, 31)]
    take_back(fresh_database, enrolled, person_id)
    record(fresh_database, enrolled)
    duty = loss.of(load_standing(fresh_database, enrolled.client_id))
    assert duty["state"] == "to be corrected"
    assert "correcting" in duty["reason"]
    assert record_notice(fresh_database, loss, TOLD, now=LATER) == "corrected"
    record(fresh_database, enrolled)
    assert loss.of(load_standing(fresh_database, enrolled.client_id))["state"] == "withdrawn"
    with pytest.raises(CobraRefused, match="withdrawn"):
        record_notice(fresh_database, loss, TOLD, now=LATER)
    acts = load_acts(fresh_database, enrolled.client_id)
    assert acts.select("number", "kind").rows() == [(1, "noticed"), (2, "corrected")]


def test_a_notice_that_tells_another_day_is_corrected(fresh_database, enrolled):
    person_id = covered_person(fresh_database, enrolled)
    resign(fresh_database, enrolled, person_id)
    record(fresh_database, enrolled)
    loss = medical(enrolled, person_id)
    record_notice(fresh_database, loss, TOLD, now=LATER)
    record(fresh_database, enrolled)
    moved = {"valid_from": date(2026, 3, 11), "last_day_employed": date(2026, 3, 10)}
    workforce.correct_job(
        enrolled.client_id, person_id, on=FIRST_DAY, changes=moved, made_by="test", now=LATER
    )
    repaired(fresh_database, enrolled)
    record(fresh_database, enrolled)
    duty = loss.of(load_standing(fresh_database, enrolled.client_id))
    assert (duty["state"], duty["continues_through"]) == ("to be corrected", date(2027, 9, 10))
    assert record(fresh_database, enrolled).is_empty()
    assert record_notice(fresh_database, loss, TOLD, now=LATER) == "corrected"
    record(fresh_database, enrolled)
    assert loss.of(load_standing(fresh_database, enrolled.client_id))["state"] == "due"


def test_of_gross_misconduct_a_person_decides(fresh_database, enrolled):
    person_id = covered_person(fresh_database, enrolled)
    record(fresh_database, enrolled)
    resign(fresh_database, enrolled, person_id, reason="GMC")
    assert record(fresh_database, enrolled).is_empty()
    loss = medical(enrolled, person_id)
    assert loss.of(classified_losses(fresh_database, enrolled.client_id))["verdict"] == "to decide"
    decide(fresh_database, loss, TOLD, cause=CobraCause.TERMINATION, now=NOW)
    assert record(fresh_database, enrolled).select("cover", "cause").rows() == [("medical", "termination")]
    decide(fresh_database, loss, TOLD, cause=None, now=NOW)
    assert record(fresh_database, enrolled)["state"].to_list() == ["withdrawn"]


def test_acts_that_cannot_be_are_refused(fresh_database, enrolled):
    person_id = covered_person(fresh_database, enrolled)
    resign(fresh_database, enrolled, person_id)
    loss = medical(enrolled, person_id)
    with pytest.raises(CobraRefused, match="qualifies"):
        decide(fresh_database, loss, TOLD, cause=None, now=NOW)
    with pytest.raises(CobraRefused, match="no loss"):
        decide(fresh_database, medical(enrolled, person_id, SPRING), TOLD, cause=None, now=NOW)
    with pytest.raises(CobraRefused, match="gross misconduct"):
        decide(fresh_database, loss, TOLD, cause=CobraCause.MISCONDUCT, now=NOW)
    with pytest.raises(CobraRefused, match="no duty"):
        record_notice(fresh_database, loss, TOLD, now=NOW)
    with pytest.raises(CobraRefused, match="reason"):
        record_notice(fresh_database, loss, Act(on=SPRING, reason=" ", author="test"), now=NOW)
    assert load_acts(fresh_database, enrolled.client_id).is_empty()
