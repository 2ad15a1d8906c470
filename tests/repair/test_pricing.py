"""A price decided by a person: shown, owed, offered, undone; one by one and from a file."""

from datetime import date

import polars as pl
import pytest
from tests.runs.conftest import NOW, put_employer, put_enrolled
from tests.runs.test_taking_back import assert_same, state

from openbenefits.core.codes import Level
from openbenefits.enrollment.models import EventOption, PriceDecision
from openbenefits.enrollment.price_deciding import PRICE_ROW, load_priced_options
from openbenefits.events.models import Event
from openbenefits.payroll.rules.causes import DECIDED
from openbenefits.payroll.services import owed
from openbenefits.programs import frames as set_up
from openbenefits.repair.permissions import NotPermitted
from openbenefits.repair.pricing import PriceOrder, decide, decide_file, undo
from openbenefits.repair.services import RepairRefused
from openbenefits.reports.explain import explain
from openbenefits.runs.audit import audit_people
from openbenefits.runs.services import run
from openbenefits.workforce.models import Person

from .worlds import LATER, YEAR_END, held

APRIL = date(2026, 4, 1)


@pytest.fixture
def employer(fresh_database, tmp_path):
    return put_employer(tmp_path / "harbor", people=20)


@pytest.fixture
def final(fresh_database, tmp_path):
    return put_enrolled(tmp_path, people=20)


def order(employer) -> PriceOrder:
    return PriceOrder(client_id=employer.client_id, begin=date(2026, 1, 1), through=YEAR_END, author="tester")


def rows(employer, person_id, **said) -> pl.DataFrame:
    base = {"row": 1, "client_id": employer.client_id, "person_id": person_id, "benefit_record": 0}
    base |= {"plan_type": "10", "begins_on": APRIL, "reason": "a promise was kept"}
    return pl.DataFrame([base | said], schema=PRICE_ROW)


def covered(connection, employer) -> int:
    points = held(connection, employer).filter(pl.col("kind").is_in(["E", "D"]), plan_type="10")
    return points["person_id"].min()


def medical(connection, employer, person_id) -> pl.DataFrame:
    lines = owed(
        connection, employer.client_id, begin=date(2026, 1, 1), through=YEAR_END, person_ids=[person_id]
    )
    return lines.filter(plan_type="10", kind="deduction").sort("ends_on")


def test_a_decided_price_is_shown_owed_from_its_day_through_its_last_and_undone(fresh_database, final):
    person_id = covered(fresh_database, final)
    before, lines = state(fresh_database, final), medical(fresh_database, final, person_id)
    given = rows(final, person_id, employee_cents=0, ends_on=date(2026, 6, 30))
    told = decide(fresh_database, order(final), given, now=LATER, is_rehearsal=True)
    assert not PriceDecision.objects.exists()
    assert_same(state(fresh_database, final), before)
    changed = told.consequences.deductions
    assert changed.height
    assert changed["person_id"].unique().to_list() == [person_id]

    def nobody(wish) -> None:
        raise NotPermitted(f"{wish.operations}")

    with pytest.raises(NotPermitted, match="price"):
        decide(fresh_database, order(final), given, now=LATER, permit=nobody)
    done = decide(fresh_database, order(final), given, now=LATER)
    assert done.consequences.deductions.equals(changed)
    assert done.consequences.coverage.is_empty()
    now_owed = medical(fresh_database, final, person_id)
    decided = pl.col("ends_on").is_between(APRIL, date(2026, 6, 30))
    assert now_owed.filter(decided)["owed_cents"].unique().to_list() == [0]
    assert lines.filter(decided)["owed_cents"].min() > 0
    outside = ("ends_on", "owed_cents")
    assert now_owed.filter(~decided).select(outside).equals(lines.filter(~decided).select(outside))
    causes = now_owed.filter(pl.col("cause") == DECIDED)["ends_on"]
    assert causes.len() == 2
    assert causes[0] == now_owed.filter(decided)["ends_on"].min()
    assert causes[1] == now_owed.filter(pl.col("ends_on") > date(2026, 6, 30))["ends_on"].min()

    asked = rows(final, person_id)
    undo(fresh_database, order(final), asked, reason="no", now=LATER)
    assert_same(state(fresh_database, final), before)
    with pytest.raises(RepairRefused, match="expected a decision about a price to undo"):
        undo(fresh_database, order(final), asked, reason="no", now=LATER)


def test_the_same_again_writes_nothing_and_undoing_gives_the_one_before_back(fresh_database, final):
    person_id = covered(fresh_database, final)
    for cents in (1200, 2400, 2400):
        decide(fresh_database, order(final), rows(final, person_id, employee_cents=cents), now=LATER)
    assert PriceDecision.objects.count() == 2
    pays = medical(fresh_database, final, person_id).filter(pl.col("ends_on") >= APRIL)["owed_cents"]
    undo(fresh_database, order(final), rows(final, person_id), reason="no", now=LATER)
    half = medical(fresh_database, final, person_id).filter(pl.col("ends_on") >= APRIL)["owed_cents"]
    assert pays.sum() in (half.sum() * 2 - 1, half.sum() * 2, half.sum() * 2 + 1)


def test_what_waits_for_an_election_is_offered_at_the_price_decided(fresh_database, employer):
    run(fresh_database, employer.order(through=Level.OPTIONS), now=NOW)
    event = Event.objects.filter(process_status="PR").order_by("person_id").first()
    given = rows(employer, event.person_id, begins_on=date(2026, 1, 1), employee_cents=0)
    before = state(fresh_database, employer)
    decide(fresh_database, order(employer), given, now=LATER)
    assert Event.objects.get(pk=event.pk).process_status == "AS"
    run(fresh_database, employer.order(through=Level.OPTIONS), now=LATER)
    now_is = Event.objects.get(pk=event.pk)
    assert now_is.process_status == "PR"
    offered = EventOption.objects.filter(
        person_id=event.person_id, event_number=now_is.event_number, preparation=now_is.preparation
    ).filter(plan_type="10", annual_employer_cents__gt=0)
    assert offered.exists()
    assert {one.annual_before_tax_cents + one.annual_after_tax_cents for one in offered} == {0}
    undo(fresh_database, order(employer), given, reason="no", now=LATER)
    run(fresh_database, employer.order(through=Level.OPTIONS), now=LATER)
    assert_same(state(fresh_database, employer), before)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "a total, or the part"),
        ({"employee_cents": -1}, "0 or more"),
        ({"employee_cents": 1, "employer_cents": 1}, "the part of one"),
        ({"employee_cents": 2, "total_cents": 1}, "at least the part"),
        ({"employee_cents": 2, "ends_on": date(2026, 3, 31)}, "on or after the first"),
        ({"employee_cents": 2, "plan_type": "99"}, "plan type with prices"),
        ({"employee_cents": 2, "program": "STD", "option": "NONE"}, "program and option with a price"),
        ({"employee_cents": 2, "reason": " "}, "a reason and an author"),
    ],
)
def test_what_cannot_be_decided_is_refused_with_a_cure(fresh_database, employer, said, words):
    person_id = Person.objects.filter(client_id=employer.client_id).order_by("pk").first().pk
    with pytest.raises(RepairRefused, match=words):
        decide(fresh_database, order(employer), rows(employer, person_id, **said), now=LATER)
    assert not PriceDecision.objects.exists()


def test_a_file_decides_for_many_names_bad_rows_and_changes_nothing_twice(
    fresh_database, final, tmp_path, cli
):
    points = held(fresh_database, final).filter(pl.col("kind").is_in(["E", "D"]), plan_type="10")
    ids = points["person_id"].unique().sort()[:3].to_list()
    numbers = dict(Person.objects.filter(pk__in=ids).values_list("pk", "employee_number"))
    path = tmp_path / "prices.csv"
    lines = [f"{numbers[one]},10,2026-04-01,600.00,kept" for one in ids]
    bad = [f"{numbers[ids[0]]},10,2026-05-01,abc,kept", "NOBODY,10,2026-04-01,600.00,kept"]
    path.write_text("\n".join(["employee_number,plan_type,from,employee,reason", *lines, *bad]) + "\n")
    tried = decide_file(fresh_database, order(final), path, now=LATER, is_rehearsal=True)
    assert (tried.done, tried.bad_rows["row"].unique().sort().to_list()) == (3, [5, 6])
    assert not PriceDecision.objects.exists()
    said = ("--client", "harbor", "--as-of", "2026-04-20")
    done = cli("repair", "price-file", path, *said, "--apply")
    assert done.exit_code == 1, done.output
    assert PriceDecision.objects.count() == 3
    assert decide_file(fresh_database, order(final), path, now=LATER).unchanged == 3
    listed = cli("repair", "prices", "--client", "harbor", "--person", numbers[ids[0]])
    assert "stands" in listed.output
    assert "600.00" in listed.output
    one = ("--person", numbers[ids[0]], "--plan-type", "10", "--reason", "a test")
    shown = cli("repair", "price", *said, *one, "--employee", "0")
    assert shown.exit_code == 0, shown.output
    assert "Nothing was written" in shown.output
    assert PriceDecision.objects.count() == 3
    back = cli("repair", "price", *said, *one, "--undo", "--apply")
    assert back.exit_code == 0, back.output
    assert medical(fresh_database, final, ids[0])["owed_cents"].sum() != 0


def test_the_explanation_tells_who_decided_the_price_and_adds_up(fresh_database, employer):
    run(fresh_database, employer.order(through=Level.OPTIONS), now=NOW)
    event = Event.objects.filter(process_status="PR").order_by("person_id").first()
    given = rows(employer, event.person_id, begins_on=date(2026, 1, 1), employer_cents=100)
    decide(fresh_database, order(employer), given, now=LATER)
    run(fresh_database, employer.order(through=Level.OPTIONS), now=LATER)
    told = explain(fresh_database, employer.client_id, event.person_id)
    assert told.differences == ()
    costs = [cost for plan in told.plans for one in plan.options for cost in one.costs]
    decided = [cost for cost in costs if cost.kind == "decided"]
    assert decided
    assert {cost.employer_cents for cost in decided} == {100}
    assert all(
        "by decision of tester (a promise was kept), from January 1, 2026:" in cost.lines[0]
        for cost in decided
    )


def test_the_audit_names_decisions_that_change_nothing(fresh_database, final):
    person_id = covered(fresh_database, final)
    other, plan_type = without_coverage(fresh_database, final)
    decide(fresh_database, order(final), rows(final, person_id, employee_cents=0), now=LATER)
    bare = rows(final, other, employee_cents=0, plan_type=plan_type)
    decide(fresh_database, order(final), bare, now=LATER)

    def codes(on: date) -> set[tuple[int, str]]:
        found = audit_people(fresh_database, [final.client_id], on).select("person_id", "code").rows()
        return {pair for pair in found if pair[1] in ("HR2111", "HR2112")}

    assert codes(date(2026, 3, 31)) == set()
    assert codes(APRIL) == {(other, "HR2112")}
    with fresh_database.cursor() as cursor:
        cursor.execute("DELETE FROM programs_cost")
    set_up._kept.clear()
    assert codes(APRIL) == {(person_id, "HR2111"), (other, "HR2111"), (other, "HR2112")}


def without_coverage(connection, employer) -> tuple[int, str]:
    """Name somebody and a plan type with prices in which they have nothing."""
    points = held(connection, employer)
    has = points.filter(pl.col("kind").is_in(["E", "D"])).select("person_id", "plan_type")
    types = load_priced_options(connection, employer.client_id).select("plan_type").unique()
    pairs = (
        points.select("person_id")
        .unique()
        .join(types, how="cross")
        .join(has, on=["person_id", "plan_type"], how="anti")
    )
    return pairs.sort("person_id", "plan_type").row(0)
