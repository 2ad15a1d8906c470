"""What is offered in an event, priced for whom somebody means to cover: records for a page or an API."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from openbenefits.choosing.rules.stated import WAIVER, Stated


@dataclass(frozen=True, kw_only=True)
class Design:
    """What members of a plan pay themselves. Cents; None for a copay: deductible and coinsurance."""

    deductible_cents: int
    family_deductible_cents: int
    out_of_pocket_max_cents: int
    family_out_of_pocket_max_cents: int
    coinsurance_thousandths: int
    primary_visit_cents: int | None
    specialist_visit_cents: int | None
    emergency_visit_cents: int | None
    drug_cents: int | None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """An option, priced by the kernel. Cents; None: it follows what the person states, or is not known."""

    option_id: int
    code: str
    plan_id: int | None
    name: str
    carrier: str
    tier: str  # whom or how much it covers, in the words of the set-up
    is_waiver: bool
    is_electable: bool
    is_fitting: bool  # its coverage code covers exactly whom one means to cover
    is_held: bool
    is_default: bool
    is_proof_required: bool
    coverage_cents: int | None
    approved_cents: int | None
    pay_before_tax_cents: int | None
    pay_after_tax_cents: int | None
    year_before_tax_cents: int | None
    year_after_tax_cents: int | None
    year_employer_cents: int | None
    pay_credit_cents: int | None
    is_by_coverage: bool
    minimum_hours_hundredths: int | None
    maximum_hours_hundredths: int | None
    design: Design | None

    @property
    def pay_cents(self) -> int | None:
        """What each pay takes."""
        return _sum(self.pay_before_tax_cents, self.pay_after_tax_cents)

    @property
    def year_cents(self) -> int | None:
        """What a year of pays takes."""
        return _sum(self.year_before_tax_cents, self.year_after_tax_cents)

    @property
    def is_before_tax(self) -> bool:
        """Whether it is taken before tax, in whole."""
        return bool(self.year_before_tax_cents) and not self.year_after_tax_cents


@dataclass(frozen=True, kw_only=True)
class Member:
    """A dependent who may, or may not, be covered in a plan type; `why_not` is a word of the kernel."""

    number: int
    name: str
    relationship: str
    birth_on: date | None
    why_not: str | None
    is_new: bool  # known, or born, only since the day of the event


@dataclass(frozen=True, kw_only=True)
class Held:
    """What is in force in a plan type on the day before the event."""

    kind: str  # core.codes.ChangeKind
    option_id: int | None
    name: str
    tier: str
    coverage_cents: int | None
    requested_cents: int | None
    since: date
    stated: Stated | None  # the same, as one would choose it; None where nothing is covered

    @property
    def is_covered(self) -> bool:
        """Whether it is coverage."""
        return self.stated is not None


@dataclass(frozen=True, kw_only=True)
class PlanChoice:
    """A plan type of the event: its dates, what may be decided, what holds if nothing is said."""

    plan_type: str
    name: str
    begins_on: date | None
    deduction_begins_on: date | None
    ends_on: date | None
    is_choice: bool
    is_required: bool
    is_waiver_proved: bool  # waiving wants proof of other coverage
    default_option_id: int | None
    default_reason: str
    amount_kind: str  # core.codes.AmountKind
    minimum_cents: int | None
    maximum_cents: int | None
    minimum_thousandths: int | None
    maximum_thousandths: int | None
    maximum_after_tax_thousandths: int | None
    hours_per_year: int
    pays_care: bool  # a dependent care account
    is_hsa: bool
    is_invested: bool
    names_dependents: bool
    names_beneficiaries: bool
    funds: tuple[tuple[str, str], ...]
    members: tuple[Member, ...]
    may_receive: tuple[tuple[int, str], ...]  # numbers and names; none where it takes no beneficiaries
    cover: tuple[int, ...]  # whom the prices are for
    held: Held | None
    submitted: Stated | None
    draft: Stated | None
    options: tuple[Choice, ...]

    def option(self, code: str | None) -> Choice | None:
        """Find an option by its code."""
        return next((one for one in self.options if one.code == code), None)

    def by_id(self, option_id: int | None) -> Choice | None:
        """Find an option by its number."""
        return next(
            (one for one in self.options if option_id is not None and one.option_id == option_id), None
        )

    @property
    def waiver(self) -> Choice | None:
        """The option to decline, if one may."""
        return next((one for one in self.options if one.is_waiver and one.is_electable), None)

    @property
    def stated(self) -> Stated | None:
        """What counts of what the person said: the draft, else what was submitted."""
        return self.draft or self.submitted

    @property
    def is_unsent(self) -> bool:
        """Whether there is a draft that says something else than what was submitted."""
        return self.draft is not None and self.draft != self.submitted

    @property
    def is_decided(self) -> bool:
        """Whether the person has said something."""
        return self.stated is not None


@dataclass(frozen=True, kw_only=True)
class Offer:
    """An event as it is offered: who, what happened, until when, and every plan type it touches."""

    event_class: str
    event_name: str
    schedule_name: str
    is_open_enrollment: bool
    event_on: date
    begins_on: date | None
    ends_on: date | None
    process_status: str | None
    event_status: str
    window_action: str  # core.codes.WindowAction: what happens when nobody answers
    annual_pay_cents: int | None
    plans: tuple[PlanChoice, ...]
    care_children: int = 0  # whose care an account may pay
    numbers: Mapping[int, str] = field(default_factory=dict)  # names of dependents by number

    def plan(self, plan_type: str) -> PlanChoice | None:
        """Find a plan type."""
        return next((one for one in self.plans if one.plan_type == plan_type), None)

    @property
    def choices(self) -> tuple[PlanChoice, ...]:
        """The plan types in which something may be decided, in order."""
        return tuple(one for one in self.plans if one.is_choice)

    @property
    def unsent(self) -> tuple[PlanChoice, ...]:
        """The plan types with a draft that was not submitted."""
        return tuple(one for one in self.plans if one.is_unsent)

    @property
    def is_submitted(self) -> bool:
        """Whether anything was submitted."""
        return any(one.submitted is not None for one in self.plans)


def _sum(*parts: int | None) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


__all__ = ["WAIVER", "Choice", "Design", "Held", "Member", "Offer", "PlanChoice", "Stated"]
