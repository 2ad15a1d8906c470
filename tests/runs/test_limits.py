"""Limits of a client hold a run for a person before it is published; the client next door goes on."""

import shutil
from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest
from django.db import IntegrityError, transaction
from tests.repair.worlds import held

from openbenefits.core.codes import Level
from openbenefits.enrollment.models import Coverage, CoverageDependent
from openbenefits.programs import services as setup
from openbenefits.programs.sections.operation import RunLimitPart, SecondPersonPart
from openbenefits.runs import limits, models
from openbenefits.runs.acts import ActRefused, held_runs, release, released_of
from openbenefits.runs.limits import exceeded
from openbenefits.runs.services import resume_run, run
from openbenefits.sample import SAMPLE_FOLDER
from openbenefits.workforce.models import Dependent, Person
from openbenefits.workforce.recording import JOBS, FactFrames, known_versions, latest_versions, record_facts

from .conftest import NOW

LATER = NOW + timedelta(days=150)
LEFT = date(2026, 2, 10)


@pytest.fixture
def enrolled(fresh_database, make_employer):
    """An employer whose open enrolment for 2026 is final."""
    return make_employer(fresh_database, is_faulty=False, people=60, is_enrolled=True)


@pytest.fixture
def limited(monkeypatch):
    """Answer a function that sets the limits of every client, and who must be a second person."""

    def limit(*, second=(), **most):
        part = RunLimitPart(code="L", valid_from=date(2025, 1, 1), source="test", **most)

        class SetUp:
            run_limits = [part] if most else []
            second_person = SecondPersonPart(**dict.fromkeys(second, True))

        monkeypatch.setattr(limits, "_set_up", lambda connection, client_id: SetUp)

    return limit


def leave(client_id, how_many, on=LEFT):
    """Let so many people of a client with coverage leave, by one import."""
    people = pl.Series(
        "person_id", sorted(Person.objects.filter(client_id=client_id).values_list("pk", flat=True))
    )
    jobs = latest_versions(JOBS, known_versions(JOBS, client_id, people)).sort("valid_from")
    jobs = jobs.unique("person_id", keep="last", maintain_order=True).filter(pl.col("job_status") == "A")
    covered = covered_people()
    jobs = jobs.filter(pl.col("person_id").is_in(covered)).sort("person_id").head(how_many)
    assert jobs.height == how_many
    ended = jobs.select(list(JOBS.columns)).with_columns(
        valid_from=pl.lit(on),
        action=pl.lit("TER"),
        job_status=pl.lit("T"),
        last_day_employed=pl.lit(on - timedelta(days=1)),
    )
    record_facts(client_id, FactFrames(jobs=ended), kind="entry", label="leavers", made_by="test", now=LATER)
    return ended["person_id"]


def covered_people():
    return list(
        Coverage.objects.filter(kind__in=["E", "D"], superseded_by_run=None)
        .values_list("person_id", flat=True)
        .distinct()
    )


def cover_dependents(client_id, people):
    """Let the dependents of some people be covered wherever these are."""
    points = Coverage.objects.filter(
        person_id__in=people.to_list(), kind__in=["E", "D"], superseded_by_run=None
    )
    names = ("client_id", "person_id", "benefit_record", "plan_type", "slot", "begins_on", "version")
    for point in points:
        for dependent in Dependent.objects.filter(client_id=client_id, person_id=point.person_id):
            place = {name: getattr(point, name) for name in names}
            CoverageDependent.objects.create(**place, dependent_id=dependent.pk)


def maintain(connection, employer, **changes):
    given = {"schedule_id": employer.event_maintenance, "as_of": date(2026, 3, 2), "through": Level.ELECTIONS}
    return run(connection, employer.order(**(given | changes)), now=LATER)


@pytest.mark.parametrize(("most", "state"), [(3, "done"), (2, "held")])
def test_terminations_on_both_sides_of_the_limit(fresh_database, enrolled, limited, most, state):
    leave(enrolled.client_id, 3)
    limited(terminations=most)
    before = held(fresh_database, enrolled)
    result = maintain(fresh_database, enrolled)
    assert result.state == state
    assert held(fresh_database, enrolled).equals(before) is (state == "held")
    why = held_runs(enrolled.client_id)["why"].to_list()
    assert why == (
        ["at most 2 people who end without any coverage expected, 3 found"] if state == "held" else []
    )


def measures_of(connection, employer, limited):
    """What a run would be measured at: held by limits of nothing, given up."""
    with transaction.atomic():
        limited(terminations=0, dropped_dependents=0, dollars_per_pay=0, events_of_an_import=0)
        result = maintain(connection, employer)
        assert result.state == "held"
        found = models.Run.objects.get(pk=result.run_id).options["held"]["found"]
        transaction.set_rollback(True)
    return found


@pytest.mark.parametrize("measure", ["dropped_dependents", "dollars_per_pay", "events_of_an_import"])
def test_every_other_limit_on_both_sides(fresh_database, enrolled, limited, measure):
    gone = leave(enrolled.client_id, 12)
    cover_dependents(enrolled.client_id, gone)
    found = measures_of(fresh_database, enrolled, limited)
    assert found["terminations"] == 12
    assert found["events_of_an_import"] == 12
    assert found["dropped_dependents"] == Dependent.objects.filter(person_id__in=gone.to_list()).count()
    number = found["cents_per_pay"] if measure == "dollars_per_pay" else found[measure]
    assert number > 0
    step = 100 if measure == "dollars_per_pay" else 1
    limited(**{measure: Decimal(number - 1) / step if step > 1 else number - 1})
    assert maintain(fresh_database, enrolled).state == "held"
    limited(**{measure: Decimal(number) / step if step > 1 else number})
    assert maintain(fresh_database, enrolled).state == "done", held_runs()["why"].to_list()


def test_an_amount_that_cannot_be_found_is_one_too_many_where_dollars_are_limited():
    found = dict.fromkeys(("terminations", "dropped_dependents", "cents_per_pay", "events_of_an_import"), 0)
    for unknown, count in ((0, 0), (1, 1)):
        excess = exceeded(
            {"cents_per_pay": 10, "unknown_amounts": 0}, found | {"unknown_amounts": unknown}, {}
        )
        assert len(excess) == count
    assert exceeded({}, found | {"unknown_amounts": 5}, {}) == []


def test_what_a_person_releases_is_published_and_no_more(fresh_database, enrolled, limited):
    leave(enrolled.client_id, 3)
    limited(terminations=2)
    held_one = maintain(fresh_database, enrolled)
    assert held_one.outcomes["outcome"].to_list() == ["not reached"]
    assert resume_run(fresh_database, held_one.run_id, now=LATER).state == "held"
    for said in ({"reason": " ", "author": "boss"}, {"reason": "checked", "author": ""}):
        with pytest.raises(ActRefused, match="reason and an author"):
            release(fresh_database, held_one.run_id, now=LATER, **said)
    release(fresh_database, held_one.run_id, reason="a branch closed", author="boss", now=LATER)
    leave(enrolled.client_id, 5)
    again = resume_run(fresh_database, held_one.run_id, now=LATER)
    assert again.state == "held", "more than were looked at"
    release(fresh_database, held_one.run_id, reason="so did another", author="boss", now=LATER)
    assert released_of(held_one.run_id)["terminations"] == 8
    done = resume_run(fresh_database, held_one.run_id, now=LATER)
    assert done.state == "done"
    assert done.outcomes.filter(outcome="processed")["people"].sum() >= 8
    assert held_runs().is_empty()
    with pytest.raises(ActRefused, match="found done"):
        release(fresh_database, held_one.run_id, reason="again", author="boss", now=LATER)


def test_a_released_run_is_the_run_without_limits(fresh_database, enrolled, limited, contents):
    leave(enrolled.client_id, 3)
    with transaction.atomic():
        maintain(fresh_database, enrolled)
        expected = contents(fresh_database)
        transaction.set_rollback(True)
    limited(terminations=2)
    held_one = maintain(fresh_database, enrolled)
    release(fresh_database, held_one.run_id, reason="checked", author="boss", now=LATER)
    resume_run(fresh_database, held_one.run_id, now=LATER)
    for table, rows in contents(fresh_database).items():
        assert rows.equals(expected[table]), table


def test_a_second_person_releases_where_the_client_wants_one(fresh_database, enrolled, limited):
    leave(enrolled.client_id, 3)
    limited(terminations=2, second=["release"])
    held_one = maintain(fresh_database, enrolled)
    with pytest.raises(ActRefused, match="another person"):
        release(fresh_database, held_one.run_id, reason="mine", author=" Test ", now=LATER)
    release(fresh_database, held_one.run_id, reason="checked", author="boss", now=LATER)
    act = models.RunAct.objects.get(run_id=held_one.run_id)
    refused = (
        {"author": "test", "number": 2},
        {"reason": " ", "number": 2},
        {"kind": "forget", "number": 2},
    )
    for wrong in refused:
        fields = {
            field.name: getattr(act, field.name) for field in act._meta.concrete_fields if field.name != "pk"
        }
        with pytest.raises(IntegrityError), transaction.atomic():
            models.RunAct.objects.create(**(fields | wrong))
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        models.RunAct.objects.filter(run_id=held_one.run_id).delete()


LIMITS = """run_limits:
- {code: L1, from: 2026-01-01, source: test, terminations: 7}
- {code: L2, from: 2026-06-01, source: test, terminations: 8}
- {code: L3, from: 2026-01-01, source: test, schedule: OE26, dollars_per_pay: 12.34}
second_person: {take_back: true}
"""


def test_the_latest_limit_of_a_schedule_counts_else_that_of_all(fresh_database, make_employer, tmp_path):
    employer = make_employer(fresh_database)
    shutil.copytree(SAMPLE_FOLDER / "clients/harbor", tmp_path / "set-up")
    (tmp_path / "set-up" / "run_limits.yaml").write_text(LIMITS)
    done = setup.apply(tmp_path / "set-up", client_id=employer.client_id, applied_by="test", now=NOW)
    assert done.release, done
    of_all, of_open_enrollment = {"terminations": 7}, {"cents_per_pay": 1234, "unknown_amounts": 0}
    for schedule, as_of, expected in (
        (employer.event_maintenance, date(2025, 12, 31), {}),
        (employer.event_maintenance, date(2026, 1, 1), of_all),
        (employer.event_maintenance, date(2026, 5, 31), of_all),
        (employer.event_maintenance, date(2026, 6, 1), {"terminations": 8}),
        (employer.open_enrollment, date(2025, 12, 31), {}),
        (employer.open_enrollment, date(2026, 6, 1), of_open_enrollment),
        (None, date(2026, 6, 1), {"terminations": 8}),
    ):
        assert limits.limits_of(fresh_database, employer.client_id, schedule, as_of) == expected
    needs = [
        limits.needs_second_person(fresh_database, employer.client_id, act)
        for act in ("take_back", "release")
    ]
    assert needs == [True, False]
