"""From one client of the PEO to another: the same human, no day without a job, coverage of both by their rules."""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from tests.runs.conftest import NOW, Employer, put_enrolled

from openbenefits.compliance.cobra.services import classified_losses
from openbenefits.core.codes import Level
from openbenefits.enrollment.brought import Brought, BroughtRefused, bring_along
from openbenefits.enrollment.elections import enter_one
from openbenefits.enrollment.frames import load_brought
from openbenefits.enrollment.models import Coverage
from openbenefits.events.models import Event
from openbenefits.payroll.contributions import put_in
from openbenefits.payroll.services import owed
from openbenefits.programs import services as setup
from openbenefits.programs.models import Option, Schedule
from openbenefits.repair.permissions import NotPermitted
from openbenefits.repair.services import RepairRefused
from openbenefits.repair.transferring import TransferOrder, transfer, transfers_of, undo_transfer
from openbenefits.runs.services import RunOrder, run
from openbenefits.sample import SAMPLE_FOLDER
from openbenefits.workforce.models import Client, Dependent, DependentFact, JobFact, Person, PersonFact

from .worlds import LATER, held

DAY = date(2026, 3, 18)
AS_OF = date(2026, 4, 20)
FSA = "health_fsa_salary_reduction"


@pytest.fixture
def both(fresh_database, kept, tmp_path) -> tuple[Employer, int]:
    """An employer that is enrolled, beside a client without people."""

    def build() -> tuple[Employer, int]:
        employer = put_enrolled(tmp_path, people=20)
        client = Client.objects.create(code="quill", name="quill")
        bundle = SAMPLE_FOLDER / "clients" / "quill"
        assert setup.apply(bundle, client_id=client.pk, applied_by="test", now=NOW).release
        return employer, client.pk

    return kept(fresh_database, "transferring", build)


@pytest.fixture
def employer(both) -> Employer:
    return both[0]


@pytest.fixture
def quill(both) -> int:
    return both[1]


@pytest.fixture
def parent(fresh_database, employer) -> int:
    """Somebody with medical coverage and a spouse."""
    spouses = set(DependentFact.objects.filter(person_type="SP").values_list("person_id", flat=True))
    covered = held(fresh_database, employer).filter(pl.col("kind").is_in(["E", "D"]), plan_type="10")
    return min(spouses & set(covered["person_id"]))


@pytest.fixture
def order(employer, quill, parent) -> TransferOrder:
    return TransferOrder(
        client_id=employer.client_id, person_id=parent, to_client=quill, employee_number="Q-NEW",
        begins_on=DAY, keeps_service=True, reason="the group moved them", author="us",
        job={
            "company": "QSP", "benefit_group": "QOF", "pay_group": "QMO", "employee_class": "REG",
            "weekly_hours_hundredths": 4000, "full_part_time": "F",
        },
    )  # fmt: skip


def maintain(connection, client_id: int, *, finalize: bool = True) -> None:
    schedule = Schedule.objects.filter(client_id=client_id, kind="E").values_list("schedule_id", flat=True)[0]
    order = RunOrder(
        client_id=client_id, schedule_id=schedule, as_of=AS_OF, through=Level.ELECTIONS, is_finalizing=finalize,
        floor=date(2026, 1, 1), started_by="us",
    )  # fmt: skip
    run(connection, order, now=LATER)


def spans(person_id: int) -> list[tuple[str, date, str]]:
    points = Coverage.objects.filter(person_id=person_id, superseded_by_run=None, plan_type="10")
    return [(one.kind, one.begins_on, one.plan_type) for one in points.order_by("begins_on")]


def test_they_leave_the_one_and_begin_the_next_day_at_the_other(fresh_database, order):
    before = JobFact.objects.count()
    told = transfer(fresh_database, order, now=LATER, is_rehearsal=True)
    assert told.dependents >= 1
    assert JobFact.objects.count() == before
    assert not Person.objects.filter(employee_number="Q-NEW").exists()

    done = transfer(fresh_database, order, now=LATER)
    left = JobFact.objects.filter(person_id=order.person_id).latest("valid_from")
    came = JobFact.objects.get(person_id=done.to_person)
    assert (left.action, left.last_day_employed) == ("TER", DAY - timedelta(days=1))
    assert (came.action, came.valid_from, came.pay_group) == ("HIR", DAY, "QMO")
    was = PersonFact.objects.filter(person_id=order.person_id).latest("valid_from", "version")
    known = PersonFact.objects.get(person_id=done.to_person)
    same = ("birth_on", "sex", "first_name", "last_name", "ssn_hash", "service_on")
    assert [getattr(known, name) for name in same] == [getattr(was, name) for name in same]
    assert Dependent.objects.filter(person_id=done.to_person).count() == done.dependents
    (link,) = transfers_of(order.client_id, order.person_id)
    assert transfers_of(order.to_client, done.to_person) == [link]
    assert (link.to_person, link.begins_on, link.keeps_service) == (done.to_person, DAY, True)

    maintain(fresh_database, order.client_id)
    maintain(fresh_database, order.to_client)
    here = spans(order.person_id)
    assert here[-1][0] == "T"
    assert here[-1][1] > DAY - timedelta(days=1)
    there = Event.objects.get(person_id=done.to_person)
    assert (there.event_on, there.client_id) == (DAY, order.to_client)
    assert there.process_status in ("FE", "FP")


def test_service_begins_anew_unless_it_is_kept(fresh_database, order):
    done = transfer(fresh_database, replace(order, keeps_service=False), now=LATER)
    assert PersonFact.objects.get(person_id=done.to_person).service_on == DAY


def pledge(client_id: int, person_id: int, cents: int) -> None:
    option = Option.objects.filter(client_id=client_id, plan_type="60").exclude(option_type="W").first()
    begins = {"begins_on": date(2026, 1, 1), "deduction_begins_on": date(2026, 1, 1)}
    Coverage.objects.filter(person_id=person_id, plan_type="60").delete()
    Coverage.objects.create(
        client_id=client_id, person_id=person_id, benefit_record=0, plan_type="60", slot=0, version=1, kind="E",
        basis="eligible", rule="test", program_id=option.program_id, option_id=option.option_id,
        pledge_cents=cents, made_at=NOW, **begins,
    )  # fmt: skip


def test_what_was_put_in_here_counts_there_under_the_limits_of_the_person(fresh_database, order):
    """26 USC 402(g), 129, 223: the person's limits; docs/rules.md §19.12."""
    pledge(order.client_id, order.person_id, 1200_00)
    here = put_in(fresh_database, order.client_id, order.person_id, before=DAY)
    owed_here = owed(
        fresh_database, order.client_id, begin=date(2026, 1, 1), through=DAY, person_ids=[order.person_id]
    )
    paid = owed_here.filter(pl.col("ends_on") < DAY, plan_type="60")["owed_cents"].sum()
    assert 0 < paid < 1200_00
    assert here.rows() == [(FSA, 2026, paid)]
    done = transfer(fresh_database, order, now=LATER)
    person = pl.DataFrame({"client_id": [order.to_client], "person_id": [done.to_person]})
    there = load_brought(fresh_database, person)
    assert there.select("annual_limit", "limit_year", "brought_cents").rows() == here.rows()
    again = replace(order, client_id=order.to_client, person_id=done.to_person, to_client=order.client_id)
    back = put_in(fresh_database, again.client_id, again.person_id, before=DAY)
    assert back.rows() == here.rows(), "it goes on to the next client"
    known = Brought(
        client_id=order.to_client, person_id=done.to_person, annual_limit=FSA, year=2026, cents=5,
        reason="their last stub",
    )  # fmt: skip
    bring_along(fresh_database, known, author="us", now=LATER)
    assert load_brought(fresh_database, person).filter(annual_limit=FSA)["brought_cents"].to_list() == [5]
    with pytest.raises(BroughtRefused, match="amount of 0 or more"):
        bring_along(fresh_database, replace(known, cents=-1), author="us", now=LATER)
    undo_transfer(order.client_id, order.person_id, reason="they stayed", author="us", now=LATER)
    left = load_brought(fresh_database, person)
    assert left["brought_cents"].to_list() == [5], "what a person said stays"


def test_a_pledge_ends_with_its_employer_and_may_begin_anew_at_the_next(fresh_database, order):
    """The same plan of the PEO, and yet each employer has its own: docs/rules.md §19.12, 26 USC 125(i)."""
    pledge(order.client_id, order.person_id, 1200_00)
    done = transfer(fresh_database, order, now=LATER)
    maintain(fresh_database, order.client_id)
    maintain(fresh_database, order.to_client, finalize=False)

    last = Coverage.objects.filter(person_id=order.person_id, plan_type="60", superseded_by_run=None)
    assert last.latest("begins_on").kind == "T"
    after = {"begin": DAY + timedelta(days=14), "through": date(2026, 12, 31)}
    here = owed(fresh_database, order.client_id, **after, person_ids=[order.person_id])
    assert here.filter(plan_type="60").is_empty()
    losses = classified_losses(fresh_database, order.client_id, [order.person_id])
    (told,) = losses.filter(cover="health FSA", dependent_id=0).iter_rows(named=True)
    assert (told["verdict"], told["cause"]) == ("qualifies", "termination")
    assert told["continues_through"] == date(2026, 12, 31)

    event = Event.objects.get(person_id=done.to_person)
    assert event.process_status == "PR", "it is offered, and not taken over"
    entered = enter_one(
        fresh_database, order.to_client, person_id=done.to_person, benefit_record=0,
        schedule_id=event.schedule_id, event_number=event.event_number, plan_type="60", option_code="FSA",
        pledge_cents=3400_00, received_on=DAY, elector="us", source="administrator", now=LATER,
    )  # fmt: skip
    assert entered.bad_rows.is_empty()
    maintain(fresh_database, order.to_client)
    there = Coverage.objects.get(person_id=done.to_person, plan_type="60", superseded_by_run=None)
    assert (there.kind, there.pledge_cents) == ("E", 3400_00)
    year = {"begin": date(2026, 1, 1), "through": date(2026, 12, 31)}
    taken = owed(fresh_database, order.to_client, **year, person_ids=[done.to_person])
    assert taken.filter(plan_type="60")["owed_cents"].sum() == 3400_00, "what was put in here pays none of it"


def test_undone_they_never_left(fresh_database, employer, order):
    before = held(fresh_database, employer)
    done = transfer(fresh_database, order, now=LATER)
    undo_transfer(order.client_id, order.person_id, reason="they stayed", author="us", now=LATER)
    assert transfers_of(order.client_id, order.person_id) == []
    last = {}
    for one in JobFact.objects.filter(person_id__in=[order.person_id, done.to_person]).order_by("version"):
        last[(one.person_id, one.valid_from, one.sequence)] = one
    standing = [one for one in last.values() if not one.is_deleted]
    assert {one.person_id for one in standing} == {order.person_id}
    assert {one.job_status for one in standing} <= {"A", "L", "P"}
    maintain(fresh_database, order.client_id)
    maintain(fresh_database, order.to_client)
    assert held(fresh_database, employer).equals(before)
    with pytest.raises(RepairRefused, match="expected a transfer to undo"):
        undo_transfer(order.client_id, order.person_id, reason="again", author="us", now=LATER)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reason": " "}, "a reason and an author"),
        ({"to_client": 1}, "expected another client"),
        ({"to_client": 99}, "a client of the PEO"),
        ({"person_id": 10**6}, "somebody of this client"),
        (
            {"job": {"company": "QSP", "benefit_group": "QOF", "pay_group": "NO"}},
            "pay_group: expected one with its company",
        ),
        ({"begins_on": date(1990, 1, 1)}, "somebody at work"),
    ],
)
def test_what_cannot_be_is_refused_with_a_cure(fresh_database, order, changes, words):
    with pytest.raises(RepairRefused, match=words):
        transfer(fresh_database, replace(order, **changes), now=LATER)
    assert not Person.objects.filter(employee_number="Q-NEW").exists()


def test_a_taken_number_and_a_missing_right_are_refused(fresh_database, order):
    def nobody(wish) -> None:
        raise NotPermitted(f"{wish.operations}")

    with pytest.raises(NotPermitted, match="transfer"):
        transfer(fresh_database, order, now=LATER, permit=nobody)
    Person.objects.create(client_id=order.to_client, employee_number="Q-NEW")
    with pytest.raises(RepairRefused, match="found one that is taken"):
        transfer(fresh_database, order, now=LATER)


def test_the_command_shows_does_and_undoes(fresh_database, order, cli):
    number = Person.objects.get(pk=order.person_id).employee_number
    said = ("--client", "harbor", "--person", number, "--reason", "moved")
    there = ("--to-client", "quill", "--number", "Q-NEW", "--on", DAY, "--company", "QSP", "--group", "QOF",
             "--pay-group", "QMO", "--keep-service")  # fmt: skip
    shown = cli("repair", "transfer", *said, *there)
    assert shown.exit_code == 0, shown.output
    assert "Nothing was written" in shown.output
    assert transfers_of(order.client_id, order.person_id) == []
    assert cli("repair", "transfer", *said, *there, "--apply").exit_code == 0
    assert len(transfers_of(order.client_id, order.person_id)) == 1
    assert cli("repair", "undo-transfer", *said).exit_code == 0
    assert transfers_of(order.client_id, order.person_id) == []
