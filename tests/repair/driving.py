"""One event of one person, driven to wherever it may stand by runs, elections and repairs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from tests.runs.conftest import Employer

from openbenefits.core.codes import Level
from openbenefits.enrollment.elections import enter_one
from openbenefits.events.frames import load_events
from openbenefits.events.models import Event, EventStep
from openbenefits.events.rules import EVENT_KEY
from openbenefits.events.services import move_events
from openbenefits.repair import kinds
from openbenefits.repair.services import Consequences, RepairOrder, repair
from openbenefits.runs.services import run
from openbenefits.workforce import services as workforce
from openbenefits.workforce.models import JobFact

from .worlds import LATER

DAY = date(2026, 3, 5)
AS_OF = date(2026, 3, 20)
MONTH_END = date(2026, 3, 31)
FACTS: dict[str, dict[str, Any]] = {
    "good": {},
    "none": {"weekly_hours_hundredths": 500, "full_part_time": "P"},
    "unknown": {"weekly_hours_hundredths": None, "full_part_time": None},
    "endless": {"weekly_hours_hundredths": 500, "full_part_time": "P", "pay_group": "NOWHERE"},
    "unpriced": {"annual_pay_cents": None, "pay_group": "NOWHERE"},
}
OFFERED = """
    SELECT p.code FROM enrollment_eventoption AS o JOIN programs_option AS p USING (option_id)
    JOIN programs_coveragecode AS c USING (coverage_code_id)
    WHERE o.is_electable AND o.plan_type = '10' AND o.pay_before_tax_cents > 0 AND c.code = '1'
      AND o.person_id = %s AND o.schedule_id = %s ORDER BY o.is_current, p.code LIMIT 1
"""


@dataclass(kw_only=True)
class Driven:
    """An event of a life event on DAY, of somebody covered since open enrolment."""

    connection: Any
    employer: Employer
    person_id: int
    job: dict[str, Any]

    # --- what may be done -------------------------------------------------------------------------------

    def report(self, event_class: str = "MAR") -> None:
        workforce.report_life_event(
            self.employer.client_id,
            self.person_id,
            event_class=event_class,
            on=DAY,
            reported_on=DAY,
            made_by="test",
            now=LATER,
        )

    def facts(self, kind: str) -> None:
        """Correct the job on its own day: no new event, but another decision."""
        changed = ("weekly_hours_hundredths", "full_part_time", "pay_group", "annual_pay_cents")
        workforce.correct_job(
            self.employer.client_id,
            self.person_id,
            on=self.job["valid_from"],
            changes={name: self.job[name] for name in changed} | FACTS[kind],
            made_by="test",
            now=LATER,
        )

    def run(self, through: Level = Level.ELECTIONS, *, finalize: bool = False) -> None:
        order = self.employer.order(
            schedule_id=self.employer.event_maintenance,
            as_of=AS_OF,
            through=through,
            people=[self.person_id],
            is_finalizing=finalize,
        )
        run(self.connection, order, now=LATER)

    def elect(self, option: str | None = None) -> None:
        """Choose medical coverage for oneself, or what does not exist."""
        if option is None:
            with self.connection.cursor() as cursor:
                cursor.execute(OFFERED, [self.person_id, self.employer.event_maintenance])
                option = cursor.fetchone()[0]
        entered = enter_one(
            self.connection,
            self.employer.client_id,
            person_id=self.person_id,
            benefit_record=0,
            schedule_id=self.employer.event_maintenance,
            event_number=self.key()["event_number"],
            plan_type="10",
            option_code=option,
            received_on=AS_OF,
            elector="test",
            source="administrator",
            now=LATER,
        )
        assert entered.entered == 1, entered.bad_rows

    def notify(self) -> None:
        """Mark the statement as issued, as issuing does."""
        event = self.frame().with_columns(to_status=pl.lit("NT"), to_event_status="event_status")
        by = {"run_id": None, "actor": "test", "now": LATER}
        move_events(self.connection, event, cause="statement issued", **by)

    def operate(self, kind: str, **more: Any) -> Consequences:
        return repair(self.connection, self.order(kind, **more), now=LATER)

    def order(self, kind: str, **more: Any) -> RepairOrder:
        columns = {"to_on": pl.Date, "to_record": pl.Int16}
        targets = self.frame().select(
            *EVENT_KEY, kind=pl.lit(kind), **{name: pl.lit(more.get(name), k) for name, k in columns.items()}
        )
        return RepairOrder(
            client_id=self.employer.client_id,
            targets=targets,
            as_of=AS_OF,
            begin=DAY,
            through=MONTH_END,
            reason="a test",
            author="test",
        )

    # --- where it stands ----------------------------------------------------------------------------------

    def event(self) -> Event:
        return Event.objects.filter(
            person_id=self.person_id, schedule_id=self.employer.event_maintenance
        ).latest("event_number")

    def key(self) -> dict[str, Any]:
        event = self.event()
        return {name: getattr(event, name) for name in EVENT_KEY}

    def frame(self) -> pl.DataFrame:
        key = self.key()
        people = pl.DataFrame(
            {"client_id": [key["client_id"]], "person_id": [self.person_id]},
            schema={"client_id": pl.Int32, "person_id": pl.Int64},
        )
        return load_events(self.connection, people).filter(**key)

    def status(self) -> str:
        return self.event().process_status or ""

    def statuses(self) -> list[str]:
        """Every status it has passed, each move once."""
        steps = EventStep.objects.filter(**self.key()).order_by("step")
        moved = [(s.from_status or "", s.to_status or "") for s in steps]
        return [to for was, to in moved if was != to]

    def steps(self) -> list[tuple[str, str]]:
        steps = EventStep.objects.filter(**self.key()).order_by("step")
        return [(step.from_status or "", step.to_status or "") for step in steps]


def somebody(connection: Any, employer: Employer, person_id: int) -> Driven:
    """Answer the person with the facts as they are, full-time."""
    job = JobFact.objects.filter(person_id=person_id).order_by("valid_from", "version").values().last()
    return Driven(
        connection=connection,
        employer=employer,
        person_id=person_id,
        job=job,
    )


def _without_coverage(driven: Driven) -> None:
    """Let open enrolment have been nothing for this person."""
    events = load_events(
        driven.connection,
        pl.DataFrame(
            {"client_id": [driven.employer.client_id], "person_id": [driven.person_id]},
            schema={"client_id": pl.Int32, "person_id": pl.Int64},
        ),
    )
    targets = events.filter(schedule_id=driven.employer.open_enrollment).select(
        *EVENT_KEY, kind=pl.lit(kinds.WITHDRAW)
    )
    given = {
        "client_id": driven.employer.client_id,
        "as_of": AS_OF,
        "begin": DAY,
        "through": MONTH_END,
        "reason": "a test",
        "author": "test",
    }
    repair(driven.connection, RepairOrder(targets=targets, **given), now=LATER)


def _at(*work: Callable[[Driven], None]) -> Callable[[Driven], None]:
    def reach(driven: Driven) -> None:
        for step in work:
            step(driven)

    return reach


def facts(kind: str) -> Callable[[Driven], None]:
    return lambda driven: driven.facts(kind)


def reported(event_class: str = "MAR") -> Callable[[Driven], None]:
    return lambda driven: driven.report(event_class)


def through(level: Level = Level.ELECTIONS, *, finalize: bool = False) -> Callable[[Driven], None]:
    return lambda driven: driven.run(level, finalize=finalize)


def elected(option: str | None = None) -> Callable[[Driven], None]:
    return lambda driven: driven.elect(option)


def operated(kind: str, **more: Any) -> Callable[[Driven], None]:
    def work(driven: Driven) -> None:
        driven.operate(kind, **more)

    return work


NOTIFIED: Callable[[Driven], None] = Driven.notify
WITHOUT_COVERAGE: Callable[[Driven], None] = _without_coverage
together = _at

REACH: dict[str, Callable[[Driven], None]] = {
    "": _at(reported(), through(Level.SCHEDULE)),
    "AS": _at(reported(), through(Level.PROGRAM)),
    "AN": _at(facts("none"), reported(), through(Level.PROGRAM)),
    "AE": _at(facts("unknown"), reported(), through(Level.PROGRAM)),
    "PR": _at(reported(), through()),
    "PE": _at(facts("unpriced"), reported(), through()),
    "NT": _at(reported(), through(), NOTIFIED),
    "ET": _at(reported(), through(), elected()),
    "EE": _at(reported(), through(), elected("NOTHING-SUCH"), through()),
    "FE": _at(reported(), through(), elected(), through()),
    "FP": _at(reported("MSC"), through()),
    "FA": _at(WITHOUT_COVERAGE, facts("none"), reported("MSC"), through()),
    "RE": _at(reported(), through(), elected(), through(), operated(kinds.REENTER)),
}
"""How an event comes to stand at each status."""
