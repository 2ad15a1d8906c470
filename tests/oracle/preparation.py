"""One preparation: who, under which set-up, for which event, and what is found on the way."""

from dataclasses import dataclass, field
from datetime import date

from .eligibility import is_in_force
from .rows import Row, Setup

WAIVE = "WAIVE"


@dataclass
class Case:
    """One person's event under one set-up, and the messages found so far."""

    setup: Setup
    person: Row
    event: Row
    messages: set[tuple[str, str | None, str | None]] = field(default_factory=set)
    program: str = ""  # once it is assigned
    back: dict[str, Row] = field(default_factory=dict)  # what is reinstated, by plan type

    @property
    def on(self) -> date:
        return self.event["event_on"]

    def say(self, code: str, plan_type: str | None = None, option: str | None = None) -> None:
        self.messages.add((code, plan_type, option))

    def held(self, plan_type: str) -> Row | None:
        """Find what holds in a plan type on the day before the event, or comes back, of whatever kind."""
        if plan_type in self.back:
            return self.back[plan_type]
        for entry in self.person.get("current") or []:
            if entry["plan_type"] == plan_type and entry.get("slot", 0) == 0:
                return entry
        return None

    def in_force(self, plan_type: str) -> Row | None:
        held = self.held(plan_type)
        return held if held is not None and is_in_force(held) else None

    def lapses(self, plan_type: str, section: Row | None) -> bool:
        """Tell whether open enrolment forgets the current option: spending accounts and vacation.

        What is yet to begin is not forgotten.
        """
        use = self.setup.event_class(self.event["event_class"]).get("use")
        is_spending = plan_type.startswith("6") and not is_hsa(plan_type, section)
        is_to_begin = (self.held(plan_type) or {}).get("is_to_begin", False)
        return (
            plan_type not in self.back
            and not is_to_begin
            and use == "open_enrollment"
            and (is_spending or plan_type.startswith("9"))
        )


def is_hsa(plan_type: str, section: Row | None) -> bool:
    """Tell whether a plan type is a health savings account: by its code, or by the limit it names."""
    named = (section or {}).get("annual_limit") == "hsa_self"
    return plan_type == "67" or (plan_type.startswith("6") and named)


def blank_plan(row: Row | None) -> Row:
    return {
        "coverage_begins_on": None,
        "deduction_begins_on": None,
        "coverage_ends_on": None,
        "deduction_ends_on": None,
        "current_option": None,
        "default_option": None,
        "default_reason": None,
        "offered": 0,
        "is_choice": False,
        "is_lost": False,
        "is_ignored": bool(row and row["ignore"]),
        "is_waive_allowed": False,
        "is_changed_by_default": False,
        "event_class_of_row": row["event_class"] if row else None,
        "reasons": {},
    }


def blank_option(plan: Row, code: str) -> Row:
    return {
        "is_electable": False,
        "is_current": plan["current_option"] == code,
        "is_default": False,
        "is_proof_required": False,
        "coverage_cents": None,
        "approved_coverage_cents": None,
        "premium_coverage_cents": None,
        "month_total_cents": None,
        "month_employer_cents": None,
        "annual_before_tax_cents": None,
        "annual_after_tax_cents": None,
        "annual_employer_cents": None,
        "annual_credit_cents": None,
        "pay_before_tax_cents": None,
        "pay_after_tax_cents": None,
        "pay_credit_cents": None,
        "annual_imputed_cents": 0,
        "pay_imputed_cents": 0,
        "reasons": {},
    }
