"""A small employer with events at every status that matters for elections."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from openbenefits.enrollment.models import EventPlan
from openbenefits.events.models import Event
from openbenefits.store.bulk import copy_in, schema_of
from openbenefits.workforce.services import add_dependent, hire

NOW = datetime(2025, 11, 20, 9, tzinfo=UTC)
HIRED = date(2020, 3, 2)
PLAN_TYPES = ("10", "20", "60")
WINDOW = {"window_begins_on": date(2025, 11, 1), "window_ends_on": date(2025, 11, 30)}
JOB = {"company": "ACM", "benefit_group": "ALL", "pay_group": "BW", "annual_pay_cents": 60_000_00}


@dataclass(frozen=True, kw_only=True)
class World:
    """The employer's keys, and ways to add to it."""

    connection: Any
    client_id: int
    numbers: dict[tuple[str, str], int]

    def id_of(self, kind: str, code: str) -> int:
        return self.numbers[kind, code]

    def person(self, number: str) -> int:
        found = hire(
            self.client_id,
            employee_number=number,
            first_name="Ann",
            last_name="Example",
            on=HIRED,
            job=JOB,
            made_by="test",
            now=NOW,
        )
        return found.person_id

    def family(self, person_id: int) -> list[int]:
        """Give a person a spouse (1) and a child (2)."""
        return [
            add_dependent(
                self.client_id,
                person_id,
                on=HIRED,
                first_name="Some",
                last_name="Body",
                person_type=kind,
                number=number,
                made_by="test",
                now=NOW,
            ).dependent_id
            for number, kind in ((1, "SP"), (2, "CH"))
        ]

    def event(self, person_id: int, status: str | None, event_status: str = "O", **changes: Any) -> None:
        """Write an event, prepared for PLAN_TYPES."""
        row = {
            "client_id": self.client_id,
            "person_id": person_id,
            "benefit_record": 0,
            "schedule_id": self.id_of("schedule", "OE26"),
            "event_number": 0,
            "event_class_id": 1,
            "event_on": date(2026, 1, 1),
            "priority": 900,
            "source": "OE",
            "is_multi_activity": False,
            "event_status": event_status,
            "process_status": status,
            "status_at": NOW,
            "process_indicator": "N",
            "finalize_requested": False,
            "program_id": self.id_of("program", "MAIN"),
            "preparation": 1,
            "is_finalized": False,
            "is_out_of_sequence": False,
            "is_eligibility_changed": False,
            "steps": 0,
            **WINDOW,
            **changes,
        }
        self.write(Event, [row])
        plan = {
            name: row[name]
            for name in ("client_id", "person_id", "benefit_record", "schedule_id", "event_number")
        }
        plan |= {"preparation": 1, "event_rule_row": 0, "default_reason": "nothing", "offered_options": 2}
        flags = ("is_choice", "is_lost", "is_election_required", "is_ignored", "is_waive_allowed")
        plan |= dict.fromkeys(flags, False)
        self.write(EventPlan, [plan | {"plan_type": name, "is_choice": name != "20"} for name in PLAN_TYPES])

    def write(self, model: Any, rows: list[dict[str, Any]]) -> None:
        schema = {name: kind for name, kind in schema_of(model).items() if name in rows[0]}
        copy_in(self.connection, model._meta.db_table, pl.DataFrame(rows, schema=schema))
