"""What an explanation consists of: records of plain values, ready for a page, a file or an API."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, kw_only=True)
class Step:
    """A status the event came to, when, and what brought it there."""

    status: str
    name: str
    event_status: str
    at: datetime
    cause: str


@dataclass(frozen=True, kw_only=True)
class Note:
    """A current message of the event, with what cures it."""

    code: str
    severity: str
    title: str
    plan_type: str | None
    expected: str
    found: str
    cure: str


@dataclass(frozen=True, kw_only=True)
class EventPart:
    """What happened, and how far the event has come."""

    schedule: str
    event_number: int
    happened: str
    event_class: str
    class_name: str
    why_class: str
    event_on: date
    status: str | None
    status_name: str
    window_begins_on: date | None
    window_ends_on: date | None
    steps: tuple[Step, ...]
    notes: tuple[Note, ...]
    worked_in: str
    known_at: datetime | None  # null: no run has worked on it, so it is explained as known now


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A fact that was used, in words. Never a name, a birth date or an SSN."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True)
class CriterionPart:
    """One criterion of a rule and how it came out (event-processing §17)."""

    field: str
    meaning: str
    result: str  # E eligible, I ineligible, NL not in list, NE not evaluated, unknown
    value: str
    expected: str
    is_against: bool = False  # keeps the rule from being met, once its group is counted as one


@dataclass(frozen=True, kw_only=True)
class RulePart:
    """An eligibility rule and how it came out."""

    code: str
    name: str
    source: str
    valid_from: date | None
    result: str  # E, I or unknown
    criteria: tuple[CriterionPart, ...]

    def sentence(self) -> str:
        """Say what kept somebody out, or that nothing did."""
        if self.result == "E":
            return f"rule {self.code} is met" if self.code else "open to everybody"
        against = [one for one in self.criteria if one.is_against]
        told = "; ".join(f"{one.meaning}: {one.value}, expected {one.expected}" for one in against)
        outcome = "is not met" if self.result == "I" else "cannot be decided"
        told = told or "it does not hold on the event date"
        return f"rule {self.code} {outcome}: {told}"


@dataclass(frozen=True, kw_only=True)
class ProgramPart:
    """A benefit program of the client and whether the person is in it."""

    code: str
    name: str
    source: str
    is_assigned: bool
    why: str
    rule: RulePart


@dataclass(frozen=True, kw_only=True)
class DayPart:
    """A day and the sentence of the rule that gave it; `term` is its word in the plan document."""

    what: str
    on: date | None
    term: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class CostPart:
    """One price or credit of an option, and its arithmetic line by line. Money is cents."""

    kind: str  # price, credit, decided
    rate_table: str
    valid_from: date | None
    source: str
    contribution: str  # its code and day; empty: the employer adds nothing
    contribution_source: str
    keys: tuple[Fact, ...]
    lines: tuple[str, ...]
    total_cents: int | None  # this and the next ones are of a year
    own_cents: int | None
    dependents_cents: int | None
    employer_cents: int | None
    employee_cents: int | None
    pays: int | None
    pay_cents: int | None


@dataclass(frozen=True, kw_only=True)
class ProofPart:
    """Evidence of insurability: what is guaranteed, approved, asked for and billed. Money is cents."""

    is_required: bool
    coverage_cents: int | None
    guaranteed_cents: int | None
    from_level: int | None
    approved_cents: int
    billed_cents: int | None
    sentence: str


@dataclass(frozen=True, kw_only=True)
class OptionPart:
    """An option of the plan type: whether it was offered, why or why not, and its price."""

    option_id: int
    code: str
    name: str
    option_type: str
    plan: str  # the version of its plan that holds on the event date; empty: it has none
    plan_source: str
    is_eligible: bool
    is_electable: bool
    is_current: bool
    is_default: bool
    why: str
    rule: RulePart
    coverage: str
    proof: ProofPart | None
    costs: tuple[CostPart, ...]
    pay_cents: int | None  # what is taken per pay, as the kernel has it
    annual_employer_cents: int | None
    imputed: str  # what it adds to taxable pay; empty: nothing


@dataclass(frozen=True, kw_only=True)
class PlanPart:
    """A plan type of the event: its rule, its days, the choice, the default, the options."""

    plan_type: str
    name: str
    event_rule: str
    event_rule_row: str  # which row of the rule: the class's own, the blank one, or none
    source: str
    household: str  # who of the dependents counts; empty where nobody but the employee is covered
    days: tuple[DayPart, ...]
    choice: str
    is_choice: bool
    default: str
    options: tuple[OptionPart, ...]


@dataclass(frozen=True, kw_only=True)
class HeldPart:
    """A change point of the coverage timeline: what holds from its day, and what made it so."""

    plan_type: str
    name: str
    from_on: date
    through_on: date | None
    kind: str
    kind_name: str
    basis: str
    what: str
    covers: str
    rule: str
    made_by: str
    deduction_begins_on: date | None
    deduction: str


@dataclass(frozen=True, kw_only=True)
class CreditPart:
    """What the credits of a year paid for, and what became of the rest. Cents; None is not known."""

    from_on: date
    total_cents: int | None
    cost_cents: int | None
    used_cents: int | None
    excess_cents: int | None
    treatment: str
    paid_cents: int | None
    forfeited_cents: int | None
    rolled_cents: int | None
    rolls: tuple[Fact, ...]


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why a person has what they have, at that price, from that day.

    differences: where what the event stored is not what the same facts give again; empty when all agrees.
    """

    client: str
    employee_number: str
    benefit_record: int
    event: EventPart
    facts: tuple[Fact, ...]
    programs: tuple[ProgramPart, ...]
    plans: tuple[PlanPart, ...]
    held: tuple[HeldPart, ...]
    credits: CreditPart | None
    differences: tuple[str, ...]
