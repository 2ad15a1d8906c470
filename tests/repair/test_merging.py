"""One human under two person ids: merged it is as if there had been one all along; apart again, as before."""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from django.db import connections, transaction
from tests.runs.conftest import NOW, put_employer

from openbenefits.compliance.cobra.frames import acts_of_notices, load_acts, load_standing
from openbenefits.compliance.cobra.services import Act, Loss, record_duties, record_notice
from openbenefits.core.codes import Level
from openbenefits.enrollment.brought import Brought, bring_along
from openbenefits.enrollment.continuing import load_continued
from openbenefits.enrollment.designations import designated_on
from openbenefits.enrollment.elections import enter_one
from openbenefits.enrollment.entry_rows import with_people
from openbenefits.enrollment.evidence import decide_proof
from openbenefits.enrollment.frames import load_approvals, load_brought
from openbenefits.enrollment.models import (
    Continuation,
    Coverage,
    CoverageDependent,
    Designation,
    ProviderChoice,
)
from openbenefits.enrollment.price_deciding import PRICE_ROW
from openbenefits.events.activity import ActivityPlace, enter_activity
from openbenefits.events.models import Activity, ActivityAct, Event
from openbenefits.payroll.frames import load_leave_acts, load_orders
from openbenefits.payroll.ledger import cancel
from openbenefits.payroll.models import LeaveAct, Received, Scheduled, Taken
from openbenefits.payroll.rules.leaves import acts_that_count
from openbenefits.payroll.services import owed
from openbenefits.repair.merging import MergeOrder, merge, survivor_of, unmerge
from openbenefits.repair.models import PersonMerge
from openbenefits.repair.permissions import NotPermitted
from openbenefits.repair.pricing import PriceOrder, decide
from openbenefits.repair.proposals import due_order, repair_due
from openbenefits.repair.services import RepairRefused
from openbenefits.reports.prices_decided import decided_prices
from openbenefits.runs.services import run
from openbenefits.workforce import services as workforce
from openbenefits.workforce.models import Dependent, DependentFact, JobFact
from openbenefits.workforce.recording import FactFrames, add_people, record_facts

from .twins import OF_PERSONS, _dependents_of_twins, _of_twins
from .worlds import LATER, YEAR_END, events_of, held

BEGIN = date(2026, 1, 1)
AS_OF = date(2026, 4, 20)
WEDDING = date(2026, 3, 5)
TAKEN_OVER = date(2025, 10, 1)
LAST_DAY, LOST_ON = date(2026, 4, 15), date(2026, 5, 1)


def copy_of(client_id: int, person_id: int, number: str) -> int:
    """Write the facts and dependents of somebody once more, under another number."""
    new = add_people(client_id, pl.Series("employee_number", [number]))["person_id"][0]
    pairs = pl.DataFrame({"tried": [person_id], "spared": [new]})
    frames = {name: _of_twins(table, client_id, pairs) for name, table in OF_PERSONS.items()}
    frames["dependents"] = _dependents_of_twins(client_id, pairs)
    record_facts(client_id, FactFrames(**frames), kind="entry", label="copy", made_by="test", now=NOW)
    return new


class World:
    """Somebody known under two numbers, and a twin who is known under one."""

    def __init__(self, folder) -> None:
        self.employer = put_employer(folder, people=12)
        client = self.employer.client_id
        parents = DependentFact.objects.filter(client_id=client, person_type="SP").order_by("person_id")
        self.survivor = parents.values_list("person_id", flat=True).first()
        self.other = copy_of(client, self.survivor, "D1")
        self.twin = copy_of(client, self.survivor, "T1")

    @property
    def connection(self):
        return connections["default"]

    def run(self, schedule_id: int, *, finalize: bool = True, as_of: date = AS_OF) -> None:
        order = self.employer.order(
            schedule_id=schedule_id, as_of=as_of, through=Level.ELECTIONS, is_finalizing=finalize
        )
        run(self.connection, order, now=LATER)

    def enroll(self) -> None:
        self.maintain()
        self.run(self.employer.open_enrollment, as_of=date(2025, 11, 3))

    def maintain(self, *, finalize: bool = True) -> None:
        self.run(self.employer.event_maintenance, finalize=finalize)

    def marry(self, *people: int) -> None:
        for person_id in people:
            workforce.report_life_event(
                self.employer.client_id,
                person_id,
                event_class="MAR",
                on=WEDDING,
                reported_on=WEDDING,
                made_by="test",
                now=LATER,
            )

    def elect(self, person_id: int, plan_type: str, option: str, *, schedule: int, number: int) -> None:
        spouses = DependentFact.objects.filter(person_id=person_id, person_type="SP")
        numbers = Dependent.objects.filter(pk__in=spouses.values("dependent_id")).values_list(
            "number", flat=True
        )
        entered = enter_one(
            self.connection,
            self.employer.client_id,
            person_id=person_id,
            benefit_record=0,
            schedule_id=schedule,
            event_number=number,
            plan_type=plan_type,
            option_code=option,
            dependents=list(numbers),
            received_on=date(2026, 3, 10) if number else date(2025, 11, 10),
            elector="test",
            source="administrator",
            now=LATER,
        )
        assert entered.entered == 1, entered.bad_rows

    def order(self) -> MergeOrder:
        return MergeOrder(
            client_id=self.employer.client_id,
            person_id=self.other,
            survivor_id=self.survivor,
            as_of=AS_OF,
            begin=BEGIN,
            through=YEAR_END,
            reason="hired twice",
            author="tester",
        )

    def held_of(self, person_id: int) -> pl.DataFrame:
        return held(self.connection, self.employer).filter(person_id=person_id).drop("person_id")

    def owed_of(self, person_id: int) -> pl.DataFrame:
        lines = owed(
            self.connection, self.employer.client_id, begin=BEGIN, through=YEAR_END, person_ids=[person_id]
        )
        return lines.drop("cause", "person_id", "employee_number").sort(
            "plan_type", "kind", "ends_on", "tax_class"
        )

    def covered_of(self, person_id: int) -> list[tuple[str, date, int]]:
        """Whom somebody's coverage names, by the numbers of dependents."""
        numbers = dict(Dependent.objects.filter(person_id=person_id).values_list("pk", "number"))
        rows = CoverageDependent.objects.filter(person_id=person_id).values_list(
            "plan_type", "begins_on", "version", "dependent_id"
        )
        holding = Coverage.objects.filter(person_id=person_id, superseded_by_run=None)
        points = set(holding.values_list("plan_type", "begins_on", "version"))
        return sorted((row[0], row[1], numbers[row[3]]) for row in rows if row[:3] in points)

    def everything(self) -> list[pl.DataFrame]:
        people = (self.survivor, self.other)
        return [read(one) for read in (self.held_of, self.owed_of) for one in people]


@pytest.fixture
def world(fresh_database, kept, tmp_path) -> World:
    return kept(fresh_database, "merging", lambda: World(tmp_path))


def take_over(world: World, person_id: int) -> None:
    """Supplemental life that came from the system before."""
    Coverage.objects.create(
        client_id=world.employer.client_id,
        person_id=person_id,
        benefit_record=0,
        plan_type="14",
        begins_on=TAKEN_OVER,
        version=1,
        kind="W",
        basis="eligible",
        rule="taken over",
        waive_reason="covered elsewhere",
        made_at=NOW,
    )


def offered(connection, person_id: int) -> str:
    """A medical option of employee and spouse."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.code FROM enrollment_eventoption AS o JOIN programs_option AS p USING (option_id)"
            " JOIN programs_coveragecode AS c USING (coverage_code_id)"
            " WHERE o.is_electable AND NOT o.is_current AND o.plan_type = '10' AND o.person_id = %s"
            " AND o.pay_before_tax_cents > 0 AND c.code = '2' ORDER BY p.code LIMIT 1",
            [person_id],
        )
        return cursor.fetchone()[0]


def married(world: World) -> None:
    """The wedding is known of the other number, and of the twin; both choose the same for the family."""
    take_over(world, world.other)
    take_over(world, world.twin)
    world.enroll()
    world.marry(world.other, world.twin)
    world.maintain(finalize=False)
    for person_id in (world.other, world.twin):
        option = offered(world.connection, person_id)
        schedule = world.employer.event_maintenance
        world.elect(person_id, "10", option, schedule=schedule, number=1)
    world.maintain()


def test_merged_they_are_as_one_had_been_and_apart_as_before(world):
    married(world)
    before = world.everything()
    assert before[0].height != world.held_of(world.twin).height

    told = merge(world.connection, world.order(), now=LATER, is_rehearsal=True)
    assert [one.equals(other) for one, other in zip(world.everything(), before, strict=True)] == [True] * 4
    assert told.consequences.run_id is None
    assert set(told.consequences.coverage["person_id"]) == {world.survivor, world.other}

    done = merge(world.connection, world.order(), now=LATER)
    assert done.consequences.coverage.equals(told.consequences.coverage)
    assert world.held_of(world.other).is_empty()
    assert world.owed_of(world.other).is_empty()
    assert world.held_of(world.survivor).equals(world.held_of(world.twin).with_columns())
    assert world.owed_of(world.survivor).equals(world.owed_of(world.twin))
    assert world.covered_of(world.survivor) == world.covered_of(world.twin) != []
    statuses = Event.objects.filter(person_id=world.survivor).order_by("event_number")
    assert list(statuses.values_list("event_number", "process_status", "event_status")) == [
        (0, "FE", "C"),
        (1, "FE", "C"),
    ]
    assert survivor_of(world.employer.client_id, world.other) == world.survivor
    with pytest.raises(RepairRefused, match="merged into"):
        merge(world.connection, world.order(), now=LATER)

    world.maintain()  # what changed hands makes no events of its own
    assert Event.objects.filter(person_id=world.survivor).count() == 2
    unmerge(world.connection, world.order(), now=LATER + timedelta(days=1))
    assert [one.equals(other) for one, other in zip(world.everything(), before, strict=True)] == [True] * 4
    assert survivor_of(world.employer.client_id, world.other) is None
    world.maintain()
    assert [one.equals(other) for one, other in zip(world.everything(), before, strict=True)] == [True] * 4
    acts = PersonMerge.objects.order_by("number").values_list("is_merged", "reason", "author")
    assert list(acts) == [(True, "hired twice", "tester"), (False, "hired twice", "tester")]
    with pytest.raises(RepairRefused, match="found not so"):
        unmerge(world.connection, world.order(), now=LATER)


def test_what_pays_took_follows_and_goes_back(world):
    world.enroll()
    series = {"benefit_record": 0, "plan_type": "10", "kind": "deduction", "tax_class": "B"}
    pay = {"pay_group_id": 1, "ends_on": date(2026, 1, 16), "pay_number": 2, "version": 1}
    for person_id, cents in ((world.other, 1200), (world.survivor, 300)):
        Taken.objects.create(
            client_id=world.employer.client_id,
            person_id=person_id,
            **series,
            **pay,
            taken_cents=cents,
            change_id=1,
            known_since=NOW,
        )

    def last() -> dict[int, tuple[int, bool]]:
        rows = Taken.objects.filter(person_id__in=[world.other, world.survivor]).order_by("version")
        return {row.person_id: (row.taken_cents, row.is_deleted) for row in rows}

    merge(world.connection, world.order(), now=LATER)
    assert last() == {world.other: (1200, True), world.survivor: (1500, False)}
    unmerge(world.connection, world.order(), now=LATER)
    assert last() == {world.other: (1200, False), world.survivor: (300, False)}


def test_files_under_the_number_that_went_are_about_who_stays(world):
    said = {"row": [2, 3], "employee_number": ["D1", "D1"], "dependents": [None, "1"]}

    def read() -> tuple[list[int], list[tuple]]:
        rows = pl.DataFrame(said).cast({"row": pl.Int32})
        with transaction.atomic():
            found, stopped = with_people(world.connection, world.employer.client_id, rows)
        return found["person_id"].to_list(), stopped.select("row", "expected").rows()

    merge(world.connection, world.order(), now=LATER)
    why = "the number that stays, as the row names dependents"
    assert read() == ([world.survivor] * 2, [(3, why)])
    unmerge(world.connection, world.order(), now=LATER)
    assert read() == ([world.other] * 2, [])


def test_two_who_elected_the_same_cannot_be_merged(world):
    world.maintain()
    world.run(world.employer.open_enrollment, finalize=False, as_of=date(2025, 11, 3))
    for person_id in (world.other, world.survivor):
        option = offered(world.connection, person_id)
        world.elect(person_id, "10", option, schedule=world.employer.open_enrollment, number=0)
    with pytest.raises(RepairRefused, match="plan types both elected"):
        merge(world.connection, world.order(), now=LATER)


def test_what_only_one_elected_in_a_common_event_follows_and_goes_back(world):
    world.maintain()
    world.run(world.employer.open_enrollment, finalize=False, as_of=date(2025, 11, 3))
    option = offered(world.connection, world.other)
    world.elect(world.other, "10", option, schedule=world.employer.open_enrollment, number=0)
    world.elect(world.twin, "10", option, schedule=world.employer.open_enrollment, number=0)
    world.enroll()
    before = world.everything()
    merge(world.connection, world.order(), now=LATER)
    assert world.held_of(world.survivor).equals(world.held_of(world.twin))
    unmerge(world.connection, world.order(), now=LATER)
    assert [one.equals(other) for one, other in zip(world.everything(), before, strict=True)] == [True] * 4


def test_payments_of_a_leave_follow_and_go_back(world):
    def came_in() -> dict[int, int]:
        rows = Received.objects.order_by("version").values_list("person_id", "received_cents")
        return dict(rows)

    owner = {"client_id": world.employer.client_id, "benefit_record": 0, "plan_type": "10", "version": 1}
    line = {"kind": "deduction", "tax_class": "B", "pay_group_id": 1, "ends_on": WEDDING}
    by = {"received_on": WEDDING, "how": "check", "author": "test", "made_at": NOW}
    Received.objects.create(**owner, **line, **by, person_id=world.other, received_cents=100)
    Received.objects.create(**owner, **line, **by, person_id=world.survivor, received_cents=7)
    merge(world.connection, world.order(), now=LATER)
    assert came_in() == {world.other: 0, world.survivor: 107}
    unmerge(world.connection, world.order(), now=LATER)
    assert came_in() == {world.other: 100, world.survivor: 7}


def test_what_was_put_in_elsewhere_follows_and_goes_back(world):
    def known() -> list[tuple]:
        rows = load_brought(world.connection, world.order().people()).sort("person_id", "annual_limit")
        return rows.select("person_id", "annual_limit", "brought_cents").rows()

    said = {"client_id": world.employer.client_id, "year": 2026, "reason": "a stub"}
    for person, limit, cents in (
        (world.other, "hsa_self", 100),
        (world.other, "k401_deferral", 200),
        (world.survivor, "hsa_self", 7),
    ):
        brought = Brought(person_id=person, annual_limit=limit, cents=cents, **said)
        bring_along(world.connection, brought, author="us", now=NOW)
    before = known()
    merge(world.connection, world.order(), now=LATER)
    assert [row for row in known() if row[0] == world.survivor] == [
        (world.survivor, "hsa_self", 7),
        (world.survivor, "k401_deferral", 200),
    ]
    unmerge(world.connection, world.order(), now=LATER)
    assert known() == before


def test_whom_people_named_follows_and_goes_back(world):
    """Said of the other number alone it counts for both; the survivor's own word about another plan stands."""
    client, people = world.employer.client_id, (world.other, world.survivor)
    spouse = {
        one.person_id: one.pk
        for one in Dependent.objects.filter(client_id=client, person_id__in=people, number=1)
    }
    said = {"client_id": client, "benefit_record": 0, "author": "test"}
    named = {"is_contingent": False, "percent_hundredths": 10000, "signed_on": BEGIN, "number": 1}
    doctor = {"number": 1, "made_at": NOW, "name": "Dr. Vale", "begins_on": BEGIN, "plan_type": "10"}
    for person_id, plan_type in ((world.other, "20"), (world.other, "21"), (world.survivor, "21")):
        Designation.objects.create(
            **said,
            **named,
            person_id=person_id,
            plan_type=plan_type,
            dependent_id=spouse[person_id],
            made_at=NOW if person_id == world.other else NOW + timedelta(hours=1),
        )
    for dependent_id, provider in ((0, "A1"), (spouse[world.other], "A2")):
        ProviderChoice.objects.create(
            **said, **doctor, person_id=world.other, dependent_id=dependent_id, provider_id=provider
        )

    def receivers() -> list[tuple]:
        rows = designated_on(world.connection, world.order().people(), on=LATER.date())
        rows = rows.filter(person_id=world.survivor).sort("plan_type")
        return rows.select("plan_type", "dependent_id", "percent_hundredths").rows()

    def doctors() -> dict[int, str]:
        rows = ProviderChoice.objects.filter(person_id=world.survivor).order_by("number")
        return dict(rows.values_list("dependent_id", "provider_id"))

    theirs = list(Designation.objects.filter(person_id=world.other).values())
    own = ("21", spouse[world.survivor], 10000)
    for _again in range(2):  # merged anew it follows anew
        merge(world.connection, world.order(), now=LATER)
        assert receivers() == [("20", spouse[world.survivor], 10000), own]
        assert doctors() == {0: "A1", spouse[world.survivor]: "A2"}
        unmerge(world.connection, world.order(), now=LATER)
        assert receivers() == [own]
        assert doctors() == {0: "", spouse[world.survivor]: ""}
    assert list(Designation.objects.filter(person_id=world.other).values()) == theirs


def test_activity_that_waits_follows_with_what_was_done_about_it_and_goes_back(world):
    def waiting() -> dict[int, list[tuple]]:
        found = {}
        for one in (world.other, world.survivor):
            rows = Activity.objects.filter(person_id=one, event_number=None).order_by("event_on", "source")
            found[one] = [(row.event_on, row.bas_action, row.source) for row in rows]
        return found

    def place(person: int, day: date) -> ActivityPlace:
        return ActivityPlace(
            client_id=world.employer.client_id, person_id=person, event_on=day, bas_action="MSC", source="ME"
        )

    world.enroll()
    said = {"reason": "by hand", "author": "us", "now": NOW}
    enter_activity(world.connection, place(world.other, WEDDING), **said)
    before = waiting()
    assert len(before[world.other]) == 1
    merge(world.connection, world.order(), now=LATER)
    assert waiting() == {world.other: [], world.survivor: before[world.other] + before[world.survivor]}
    acts = ActivityAct.objects.filter(person_id=world.survivor)
    assert [(one.kind, one.reason) for one in acts] == [("enter", "by hand")]
    unmerge(world.connection, world.order(), now=LATER)
    assert waiting() == before
    merge(world.connection, world.order(), now=LATER + timedelta(hours=1))
    world.maintain()
    assert Event.objects.filter(person_id=world.survivor, event_on=WEDDING).exists()


def test_alike_activity_of_both_stands_in_the_way(world):
    said = {"reason": "by hand", "author": "us", "now": NOW}
    for person in (world.other, world.survivor):
        place = ActivityPlace(
            client_id=world.employer.client_id,
            person_id=person,
            event_on=WEDDING,
            bas_action="MSC",
            source="ME",
        )
        enter_activity(world.connection, place, **said)
    with pytest.raises(RepairRefused, match="activity that waits of both, alike, found 1"):
        merge(world.connection, world.order(), now=LATER)


def continue_medical(world: World, person_id: int, dependent_id: int = 0, **more) -> None:
    """Somebody elected continuation, and paid."""
    said = {"benefit_record": 0, "plan_type": "10", "begins_on": LOST_ON, "through_on": date(2026, 7, 31)}
    said |= {"version": 1, "elected_on": LOST_ON, "change_id": 1, "known_since": LATER} | more
    Continuation.objects.create(
        client_id=world.employer.client_id, person_id=person_id, dependent_id=dependent_id, **said
    )


def left_and_continued(world: World, *people: int) -> None:
    """They leave; the notice of medical goes out, and employee and spouse elect to continue."""
    connection, client_id = world.connection, world.employer.client_id
    for person_id in people:
        workforce.terminate(client_id, person_id, last_day_employed=LAST_DAY, made_by="test", now=LATER)
    world.maintain()
    record_duties(connection, client_id, as_of=AS_OF, now=LATER)
    told = Act(on=date(2026, 4, 20), reason="by mail", author="us")
    for person_id in people:
        spouse = Dependent.objects.get(person_id=person_id, number=1).pk
        for dependent_id in (0, spouse):
            loss = Loss(
                client_id=client_id,
                person_id=person_id,
                dependent_id=dependent_id,
                cover="medical",
                lost_on=LOST_ON,
            )
            record_notice(connection, loss, told, now=LATER)
            continue_medical(world, person_id, dependent_id)
    record_duties(connection, client_id, as_of=AS_OF, now=LATER)


def continuation_of(world: World, person_id: int) -> list[list[tuple]]:
    """What somebody continues, is due and was told; dependents by their numbers."""
    numbers = dict(Dependent.objects.filter(person_id=person_id).values_list("pk", "number")) | {0: 0}
    people = pl.DataFrame(
        {"client_id": [world.employer.client_id], "person_id": [person_id]},
        schema={"client_id": pl.Int32, "person_id": pl.Int64},
    )
    client_id = world.employer.client_id
    duties = load_standing(world.connection, client_id).filter(pl.col("state") != "withdrawn")
    frames = [
        load_continued(world.connection, people).select(
            "plan_type", "dependent_id", "span_from", "span_until"
        ),
        duties.filter(person_id=person_id).select(
            *("cover", "dependent_id", "lost_on", "state", "cause", "election_notice_by"),
            *("election_through", "continues_through"),
        ),
        acts_of_notices(load_acts(world.connection, client_id))
        .filter(person_id=person_id)
        .select("cover", "dependent_id", "lost_on", "notified_on", "told_cause", "told_through"),
    ]
    return [sorted((row[0], numbers[row[1]], *row[2:]) for row in frame.rows()) for frame in frames]


def test_continued_coverage_its_duties_and_notices_follow_and_go_back(world):
    married(world)
    left_and_continued(world, world.other, world.twin)
    client_id = world.employer.client_id
    before = [continuation_of(world, one) for one in (world.other, world.survivor)]
    assert [len(rows) for rows in before[0]][::2] == [2, 2]
    assert {row[3] for row in before[0][1]} == {"due"}
    merge(world.connection, world.order(), now=LATER)
    assert continuation_of(world, world.other) == [[], [], []]
    assert continuation_of(world, world.survivor) == continuation_of(world, world.twin) == before[0]
    record_duties(world.connection, client_id, as_of=AS_OF, now=LATER + timedelta(hours=1))
    assert continuation_of(world, world.other) == [[], [], []], "no correcting notice is due"
    withdrawn = load_standing(world.connection, client_id).filter(person_id=world.other)
    assert set(withdrawn["reason"]) == {"merged: it follows to the other number"}
    assert continuation_of(world, world.survivor) == before[0]

    spouse = Dependent.objects.get(person_id=world.survivor, number=1).pk
    version = Continuation.objects.filter(person_id=world.survivor, dependent_id=spouse).count() + 1
    continue_medical(
        world, world.survivor, spouse, version=version, through_on=date(2026, 8, 31), change_id=2
    )
    unmerge(world.connection, world.order(), now=LATER + timedelta(days=1))
    spans = [
        (*row[:3], date(2026, 9, 1) if row[1] else row[3]) for row in before[0][0]
    ]  # paid since, it goes back
    for _ in range(2):
        assert continuation_of(world, world.other) == [spans, *before[0][1:]]
        assert continuation_of(world, world.survivor) == before[1]
        record_duties(world.connection, client_id, as_of=AS_OF, now=LATER + timedelta(days=2))


def test_a_first_day_corrected_while_merged_goes_back_and_nobody_goes_on_after_death(world):
    married(world)
    left_and_continued(world, world.other)
    merge(world.connection, world.order(), now=LATER)
    spouse = Dependent.objects.get(person_id=world.survivor, number=1).pk
    since = {"change_id": 3, "known_since": LATER + timedelta(hours=1)}
    continue_medical(world, world.survivor, spouse, version=2, is_deleted=True, **since)
    continue_medical(world, world.survivor, spouse, begins_on=date(2026, 6, 1), **since)
    workforce.change_dependent(
        world.employer.client_id,
        spouse,
        on=date(2026, 7, 1),
        changes={"died_on": date(2026, 6, 30)},
        made_by="test",
        now=LATER,
    )
    spans = continuation_of(world, world.survivor)[0]
    assert [row[2:] for row in spans if row[1]] == [(date(2026, 6, 1), date(2026, 7, 1))]
    assert [row[3] for row in spans if not row[1]] == [date(2026, 8, 1)]
    unmerge(world.connection, world.order(), now=LATER + timedelta(days=1))
    assert continuation_of(world, world.survivor)[0] == []
    assert [row[2] for row in continuation_of(world, world.other)[0] if row[1]] == [date(2026, 6, 1)]


def test_the_same_continued_twice_stands_in_the_way(world):
    continue_medical(world, world.other)
    continue_medical(world, world.survivor, begins_on=date(2026, 7, 31), through_on=None)
    with pytest.raises(RepairRefused, match="expected no coverage both continue on the same days, found 1"):
        merge(world.connection, world.order(), now=LATER)
    Continuation.objects.filter(person_id=world.survivor).update(is_deleted=True)
    continue_medical(world, world.survivor, begins_on=date(2026, 8, 1), through_on=None)
    merge(world.connection, world.order(), now=LATER)
    assert [row[2:] for row in continuation_of(world, world.survivor)[0]] == [
        (LOST_ON, date(2026, 8, 1)),
        (date(2026, 8, 1), date(9999, 12, 31)),
    ]


def test_what_stands_in_the_way_is_named(world):
    world.enroll()
    with pytest.raises(RepairRefused, match="reason"):
        merge(world.connection, replace(world.order(), reason=""), now=LATER)
    with pytest.raises(RepairRefused, match="expected two people, found one"):
        merge(world.connection, replace(world.order(), survivor_id=world.other), now=LATER)
    with pytest.raises(RepairRefused, match="two people of this client"):
        merge(world.connection, replace(world.order(), survivor_id=999_999), now=LATER)

    def nobody(wish) -> None:
        raise NotPermitted("ask the manager")

    with pytest.raises(NotPermitted):
        merge(world.connection, world.order(), now=LATER, permit=nobody)


def test_facts_changed_since_keep_the_two_together(world):
    world.enroll()
    job = JobFact.objects.filter(person_id=world.other).latest("valid_from")
    workforce.change_job(
        world.employer.client_id,
        world.other,
        on=date(2026, 2, 2),
        action="PAY",
        changes={"annual_pay_cents": (job.annual_pay_cents or 0) + 100_00},
        made_by="test",
        now=LATER,
    )
    world.maintain()
    merge(world.connection, world.order(), now=LATER)
    assert events_of(world.connection, world.employer, person_id=world.survivor).height == 2
    workforce.correct_job(
        world.employer.client_id,
        world.survivor,
        on=date(2026, 2, 2),
        changes={"annual_pay_cents": 1},
        made_by="test",
        now=LATER,
    )
    with pytest.raises(RepairRefused, match="1 changed since"):
        unmerge(world.connection, world.order(), now=LATER)
    assert survivor_of(world.employer.client_id, world.other) == world.survivor


# --- what people decided follows, and goes back -----------------------------------------------------------------


def decide_evidence(world: World, person_id: int, cents: int, day: date = BEGIN) -> None:
    decide_proof(
        world.connection, client_id=world.employer.client_id, person_id=person_id, plan_type="21",
        valid_from=day, approved_cents=cents, decided_by="underwriter", now=LATER,
    )  # fmt: skip


def approved(world: World, person_id: int) -> list[tuple[date, int]]:
    people = pl.DataFrame(
        {"client_id": [world.employer.client_id], "person_id": [person_id]},
        schema={"client_id": pl.Int32, "person_id": pl.Int64},
    )
    rows = load_approvals(world.connection, people).sort("valid_from")
    return rows.select("valid_from", "approved_cents").rows()


def test_decisions_on_evidence_follow_and_go_back(world):
    world.enroll()
    decide_evidence(world, world.other, 100)
    decide_evidence(world, world.other, 200, AS_OF)
    decide_evidence(world, world.survivor, 300, AS_OF)
    merge(world.connection, world.order(), now=LATER)
    assert approved(world, world.other) == []
    assert approved(world, world.survivor) == [(BEGIN, 100), (AS_OF, 300)]
    unmerge(world.connection, world.order(), now=LATER)
    assert approved(world, world.other) == [(BEGIN, 100), (AS_OF, 200)]
    assert approved(world, world.survivor) == [(AS_OF, 300)]
    merge(world.connection, world.order(), now=LATER)
    assert approved(world, world.survivor) == [(BEGIN, 100), (AS_OF, 300)]


def decide_price(world: World, person_id: int, cents: int, plan_type: str = "10") -> None:
    row = {"row": 1, "client_id": world.employer.client_id, "person_id": person_id, "benefit_record": 0}
    row |= {"plan_type": plan_type, "begins_on": BEGIN, "employee_cents": cents, "reason": "promised"}
    order = PriceOrder(client_id=world.employer.client_id, begin=BEGIN, through=YEAR_END, author="tester")
    decide(world.connection, order, pl.DataFrame([row], schema=PRICE_ROW), now=LATER)


def prices(world: World, person_id: int) -> list[tuple[str, str]]:
    rows = decided_prices(world.connection, world.employer.client_id, [person_id])
    return rows.filter(state="stands").select("plan_type", "employee").rows()


def test_prices_decided_follow_and_go_back(world):
    married(world)
    for plan_type in ("10", "11"):
        decide_price(world, world.other, 1200, plan_type)
        decide_price(world, world.twin, 1200, plan_type)
    decide_price(world, world.survivor, 100, "11")
    before = world.everything()
    merge(world.connection, world.order(), now=LATER)
    assert prices(world, world.other) == []
    assert sorted(prices(world, world.survivor)) == [("10", "12.00"), ("11", "1.00")]
    of_medical = [world.owed_of(one).filter(plan_type="10") for one in (world.survivor, world.twin)]
    assert of_medical[0].equals(of_medical[1])
    unmerge(world.connection, world.order(), now=LATER)
    assert [one.equals(other) for one, other in zip(world.everything(), before, strict=True)] == [True] * 4
    assert sorted(prices(world, world.other)) == [("10", "12.00"), ("11", "12.00")]
    assert prices(world, world.survivor) == [("11", "1.00")]


def test_corrections_ordered_follow_under_other_numbers_and_go_back(world):
    world.enroll()
    series = {"benefit_record": 0, "plan_type": "10", "kind": "deduction", "tax_class": "B"}
    for person_id, cents, day in (
        (world.other, 1200, date(2026, 1, 16)),
        (world.other, 1300, date(2026, 1, 30)),
        (world.survivor, 300, date(2026, 1, 16)),
    ):
        Scheduled.objects.create(
            client_id=world.employer.client_id, person_id=person_id, **series, order_number=1, pay_group_id=1,
            ends_on=day, version=1, pay_number=2, cents=cents, taken_as="A", reason="missed", author="us",
            made_at=NOW,
        )  # fmt: skip

    def ordered(person_id: int) -> list[tuple[int, int]]:
        rows = load_orders(world.connection, world.employer.client_id, [person_id])
        standing = rows.filter(~pl.col("is_cancelled")).sort("order_number", "ends_on")
        return standing.select("order_number", "cents").rows()

    merge(world.connection, world.order(), now=LATER)
    assert ordered(world.other) == []
    assert ordered(world.survivor) == [(1, 300), (2, 1200), (2, 1300)]
    unmerge(world.connection, world.order(), now=LATER + timedelta(days=1))
    assert ordered(world.other) == [(1, 1200), (1, 1300)]
    assert ordered(world.survivor) == [(1, 300)]
    merge(world.connection, world.order(), now=LATER + timedelta(days=2))
    cancel(
        world.connection, world.employer.client_id, [world.survivor], reason="no", author="us",
        now=LATER + timedelta(days=3),
    )  # fmt: skip
    unmerge(world.connection, world.order(), now=LATER + timedelta(days=4))
    assert ordered(world.other) == ordered(world.survivor) == []


def test_what_was_agreed_about_leaves_follows_and_goes_back(world):
    first, second = date(2026, 2, 2), date(2026, 3, 2)

    def said(person_id: int, leave_from: date, number: int, kind: str, way: str = "", on: date = WEDDING):
        LeaveAct.objects.create(
            client_id=world.employer.client_id, person_id=person_id, benefit_record=0, leave_from=leave_from,
            number=number, kind=kind, way=way, acted_on=on, reason="by letter", author="us", made_at=NOW,
        )  # fmt: skip

    def counts(person_id: int) -> list[tuple[date, str, str]]:
        acts = load_leave_acts(world.connection, world.employer.client_id, [person_id])
        told = acts_that_count(acts).sort("leave_from", "number")
        return told.select("leave_from", "kind", "way").rows()

    said(world.other, first, 1, "way", "prepay")
    said(world.other, first, 2, "way", "catch_up")
    said(world.other, first, 3, "notice")
    said(world.other, second, 1, "way", "prepay")
    said(world.survivor, second, 1, "way", "pay_as_you_go")
    of_first = [(first, "way", "prepay"), (first, "way", "catch_up"), (first, "notice", "")]
    own = [(second, "way", "pay_as_you_go")]
    merge(world.connection, world.order(), now=LATER)
    assert counts(world.survivor) == of_first + own, "its own stands"
    assert counts(world.other) == [(second, "way", "prepay")]
    said(world.survivor, first, 4, "way", "pay_as_you_go")
    unmerge(world.connection, world.order(), now=LATER + timedelta(days=1))
    assert counts(world.other) == [*of_first, (first, "way", "pay_as_you_go"), (second, "way", "prepay")]
    assert counts(world.survivor) == own
    merge(world.connection, world.order(), now=LATER + timedelta(days=2))
    assert counts(world.survivor) == [*of_first, (first, "way", "pay_as_you_go"), *own]


@pytest.mark.parametrize("is_read_between", [False, True])
def test_facts_nobody_has_read_are_read_of_whom_they_follow_to(world, is_read_between):
    world.enroll()
    before = world.everything()
    world.marry(world.other, world.twin)
    merge(world.connection, world.order(), now=LATER)
    weddings = Event.objects.filter(schedule_id=world.employer.event_maintenance).exclude(event_status="V")

    def married_people() -> set[int]:
        return set(weddings.values_list("person_id", flat=True)) & {world.survivor, world.other, world.twin}

    if is_read_between:
        world.maintain()
        assert married_people() == {world.survivor, world.twin}
        assert world.held_of(world.survivor).equals(world.held_of(world.twin))
    unmerge(world.connection, world.order(), now=LATER + timedelta(days=1))
    world.maintain()
    if is_read_between:  # the event lost its fact: proposed, and put right
        repair_due(world.connection, due_order(world.employer.client_id, AS_OF, "us"), now=LATER)
    assert married_people() == {world.other, world.twin}
    assert world.held_of(world.other).equals(world.held_of(world.twin))
    assert world.owed_of(world.other).equals(world.owed_of(world.twin))
    assert world.held_of(world.survivor).equals(before[0])
