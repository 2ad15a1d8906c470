"""The story as people write it: the shape of the YAML file, and nothing else.

A story says what set-up holds, who is there, what happens on which day, and what must be true afterwards.
Amounts are dollars with at most two decimals, days `YYYY-MM-DD`, plan types their two characters. What an
expectation leaves out is not compared; `null` says that there must be none.
The JSON Schema published in `docs/schema/` is made from these types.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from openbenefits.core.codes import ExcessCredits, PersonType, WaiverProof
from openbenefits.scenarios.expectations import (
    Dollars,
    EventClass,
    Expectation,
    Name,
    Part,
    Percent,
    PlanType,
)
from openbenefits.scenarios.orders import (
    CorrectPart,
    EnterActivityPart,
    LapsePart,
    LeavePart,
    OperatePart,
    PaysPart,
)

# --- who is there -------------------------------------------------------------------------------------


class JobPart(Part, kw_only=True, frozen=True):
    """A job: what is not stated is taken from `defaults.job`, or is unknown."""

    company: str | UnsetType = UNSET
    group: str | UnsetType = UNSET  # benefit group
    pay_group: str | UnsetType = UNSET
    hours: Annotated[Decimal, Meta(extra={"decimals": 2, "least": 0})] | UnsetType | None = UNSET  # a week
    annual_pay: Dollars | UnsetType | None = UNSET
    status: str | UnsetType = UNSET  # A active, L leave, P paid leave, T terminated …
    full_part_time: Literal["F", "P"] | UnsetType | None = UNSET
    regular_temporary: Literal["R", "T"] | UnsetType | None = UNSET
    employee_class: str | UnsetType | None = UNSET
    job_code: str | UnsetType | None = UNSET
    union_code: str | UnsetType | None = UNSET
    location: str | UnsetType | None = UNSET
    department: str | UnsetType | None = UNSET
    flsa_status: str | UnsetType | None = UNSET
    employee_type: str | UnsetType | None = UNSET
    officer_code: str | UnsetType | None = UNSET
    eeo_class: str | UnsetType | None = UNSET
    regulatory_region: str | UnsetType | None = UNSET
    salary_plan: str | UnsetType | None = UNSET
    salary_grade: str | UnsetType | None = UNSET
    job_function: str | UnsetType | None = UNSET
    config_1: str | UnsetType | None = UNSET
    config_2: str | UnsetType | None = UNSET
    config_3: str | UnsetType | None = UNSET
    config_4: str | UnsetType | None = UNSET
    config_5: str | UnsetType | None = UNSET
    config_6: str | UnsetType | None = UNSET
    config_7: str | UnsetType | None = UNSET
    config_8: str | UnsetType | None = UNSET
    config_9: str | UnsetType | None = UNSET
    number: int | UnsetType = UNSET
    primary: bool | UnsetType = UNSET
    for_eligibility: bool | UnsetType = UNSET  # counts where a rule looks at several jobs


class DependentPart(Part, kw_only=True, frozen=True):
    """Somebody who may be covered through a participant."""

    kind: PersonType
    born: date | None = None
    sex: Literal["F", "M", "X"] | None = None
    smoker: bool | None = None
    student: bool = False
    student_through: date | None = None  # the last day for which that is evidenced
    disabled: bool = False
    married: bool = False
    since: date | None = None  # none: known since before the story


class HeldPart(Part, kw_only=True, frozen=True):
    """Coverage somebody brings along, as a take-over would bring it."""

    option: str | None = None  # none: `waived`
    waived: bool = False
    since: date
    deduction_since: date | None = None  # none: with the coverage
    dependents: list[Name] = []
    amount: Dollars | None = None
    pledge: Dollars | None = None
    percent: Percent | None = None
    funds: dict[str, int] = {}
    program: str | None = None  # needed only where several programs have the option


class PersonPart(Part, kw_only=True, frozen=True):
    """A participant. With `hired` the person is there already; without, a step hires."""

    born: date | UnsetType | None = UNSET
    sex: Literal["F", "M", "X"] | UnsetType | None = UNSET
    smoker: bool | UnsetType | None = UNSET
    zip: str | UnsetType | None = UNSET
    state: str | UnsetType | None = UNSET
    hired: date | None = None
    service_since: date | None = None  # none: the day of hire
    job: JobPart = JobPart()
    more_jobs: list[JobPart] = []
    dependents: dict[Name, DependentPart] = {}
    coverage: dict[PlanType, HeldPart] = {}
    approved: dict[PlanType, Dollars] = {}  # coverage approved by evidence


class DefaultsPart(Part, kw_only=True, frozen=True):
    """Facts that hold for everybody who does not state others."""

    born: date | None = None
    sex: Literal["F", "M", "X"] | None = None
    smoker: bool | None = None
    zip: str | None = None
    state: str | None = None
    job: JobPart = JobPart()


class SetupPart(Part, kw_only=True, frozen=True):
    """The folders of the PEO's and the client's bundle, seen from the story's own folder."""

    peo: str
    client: str


# --- what happens -------------------------------------------------------------------------------------


class Act(Part, kw_only=True, frozen=True):
    """Something that happens to a person; `person` may be left out where there is only one.

    `effective` is the day from which it is true; left out, it is the day of the step.
    """

    person: Name | None = None
    effective: date | None = None


class HirePart(Act, kw_only=True, frozen=True):
    job: JobPart = JobPart()


class JobChangePart(Act, kw_only=True, frozen=True):
    """A new job row: what held before, with these changes."""

    action: str = "DTA"
    reason: str | None = None
    job: JobPart = JobPart()


class RehirePart(Act, kw_only=True, frozen=True):
    job: JobPart = JobPart()


class TerminatePart(Part, kw_only=True, frozen=True):
    person: Name | None = None
    last_day: date
    action: str = "TER"
    reason: str | None = None
    number: int | None = None  # of the job, where there are several


class MovePart(Act, kw_only=True, frozen=True):
    zip: str
    state: str | UnsetType = UNSET


class MarryPart(Act, kw_only=True, frozen=True):
    """Adds the spouse and reports the life event."""

    spouse: Name
    born: date | None = None
    sex: Literal["F", "M", "X"] | None = None
    smoker: bool | None = None
    event_class: EventClass = "MAR"


class BirthPart(Act, kw_only=True, frozen=True):
    """Adds the child, born on `effective`, and reports the life event."""

    child: Name
    sex: Literal["F", "M", "X"] | None = None
    event_class: EventClass = "BIR"


class DivorcePart(Act, kw_only=True, frozen=True):
    """Makes the spouse a former one and reports the life event."""

    spouse: Name
    event_class: EventClass = "DIV"


class AddDependentPart(Act, kw_only=True, frozen=True):
    """Adds a dependent without any event."""

    dependent: Name
    kind: PersonType
    born: date | None = None
    sex: Literal["F", "M", "X"] | None = None
    smoker: bool | None = None
    student: bool = False
    student_through: date | None = None  # the last day for which that is evidenced
    disabled: bool = False
    married: bool = False


class ChangeDependentPart(Act, kw_only=True, frozen=True):
    dependent: Name
    born: date | UnsetType | None = UNSET
    kind: PersonType | UnsetType = UNSET
    student: bool | UnsetType = UNSET
    student_through: date | UnsetType | None = UNSET
    disabled: bool | UnsetType = UNSET
    married: bool | UnsetType = UNSET
    former: bool | UnsetType = UNSET
    died: date | UnsetType = UNSET  # no dependent any more by death


class LifeEventPart(Act, kw_only=True, frozen=True):
    event_class: EventClass


class CorrectJobPart(Part, kw_only=True, frozen=True):
    """Corrects the job row dated `dated`; `move_to` dates it anew; `last_day` moves a termination."""

    person: Name | None = None
    dated: date
    job: JobPart = JobPart()
    move_to: date | None = None
    last_day: date | None = None


class CorrectPersonPart(Part, kw_only=True, frozen=True):
    """Corrects what is known of a person since the day they came."""

    person: Name | None = None
    born: date | UnsetType | None = UNSET
    sex: Literal["F", "M", "X"] | UnsetType | None = UNSET
    smoker: bool | UnsetType | None = UNSET


class DeleteJobPart(Part, kw_only=True, frozen=True):
    """Withdraws the job row dated `dated`, as if it had never been."""

    person: Name | None = None
    dated: date


class ChoicePart(Part, kw_only=True, frozen=True):
    """What is chosen of one plan type: an option's code, or `WAIVE`."""

    option: str
    dependents: list[Name] = []
    amount: Dollars | None = None  # coverage
    pledge: Dollars | None = None  # a year
    percent: Percent | None = None  # of pay, before tax
    after_tax: Percent | None = None  # of pay
    hours: Dollars | None = None  # of leave bought or sold
    files_separately: bool = False
    funds: dict[str, int] = {}
    beneficiaries: dict[Name, Percent] = {}
    contingent_beneficiaries: dict[Name, Percent] = {}
    waive_reason: str | None = None
    waiver_proof: WaiverProof | None = None
    waiver_proof_on: date | None = None
    credit_rollover: ExcessCredits | None = None  # what becomes of credits left over, of the whole event


class ElectPart(Part, kw_only=True, frozen=True):
    """Enters elections of the event now open (or the one of `event_class`), by plan type."""

    person: Name | None = None
    event_class: EventClass | None = None
    choices: dict[PlanType, ChoicePart]


class ProofPart(Act, kw_only=True, frozen=True):
    """Decides evidence of insurability: up to how much coverage is approved."""

    plan_type: PlanType
    approved: Dollars


class ContinuePart(Act, kw_only=True, frozen=True):
    """Goes on with lost coverage at own cost from `effective`, paid through a day."""

    plan_type: PlanType
    paid_through: date | None = None
    dependent: Name | None = None  # none: the employee


class RunPart(Part, kw_only=True, frozen=True):
    """Runs a schedule through a level, as of the day of the step unless another is stated."""

    schedule: str
    as_of: date | None = None
    through: Literal["schedule", "program", "options", "elections", "final"] = "elections"
    finalize: bool = False
    people: list[Name] | None = None


class PassiveEventsPart(Part, kw_only=True, frozen=True):
    """Triggers what age and length of service bring about through a day; a run makes events of it."""

    as_of: date | None = None


class WindowEndsPart(Part, kw_only=True, frozen=True):
    """Applies the action of every enrolment window that ended before a day."""

    as_of: date | None = None


class RepairsPart(Part, kw_only=True, frozen=True):
    """Carries out the repairs nobody need decide on, of events whose facts have changed."""

    as_of: date | None = None


class StatementPart(Part, kw_only=True, frozen=True):
    """Issues the statements of a schedule that are due."""

    schedule: str
    kind: Literal["enrollment", "confirmation"] = "enrollment"


class SetupChangePart(Part, kw_only=True, frozen=True):
    """Puts the set-up into force anew, with (further) values changed."""

    values: dict[str, Any]


class Step(Part, kw_only=True, frozen=True):
    """A day on which one thing is done or known, and what must be true afterwards."""

    on: date
    note: str = ""
    hire: HirePart | None = None
    rehire: RehirePart | None = None
    change_job: JobChangePart | None = None
    terminate: TerminatePart | None = None
    move: MovePart | None = None
    marry: MarryPart | None = None
    birth: BirthPart | None = None
    divorce: DivorcePart | None = None
    add_dependent: AddDependentPart | None = None
    change_dependent: ChangeDependentPart | None = None
    life_event: LifeEventPart | None = None
    correct_job: CorrectJobPart | None = None
    correct_person: CorrectPersonPart | None = None
    delete_job: DeleteJobPart | None = None
    elect: ElectPart | None = None
    decide_proof: ProofPart | None = None
    continue_coverage: ContinuePart | None = None
    run: RunPart | None = None
    passive_events: PassiveEventsPart | None = None
    window_ends: WindowEndsPart | None = None
    repairs: RepairsPart | None = None
    operate: OperatePart | None = None
    enter_activity: EnterActivityPart | None = None
    statement: StatementPart | None = None
    change_setup: SetupChangePart | None = None
    on_leave: LeavePart | None = None
    lapse_unpaid: LapsePart | None = None
    take_pays: PaysPart | None = None
    correct_pays: CorrectPart | None = None
    refused: bool = False  # the product must refuse this step
    nothing_changed: bool = False
    run_outcomes: dict[str, int] | UnsetType = UNSET  # how many people of the run, by outcome
    expect: list[Expectation] = []


ACTS: tuple[str, ...] = (
    *("hire", "rehire", "change_job", "terminate", "move", "marry", "birth", "divorce", "add_dependent"),
    *("change_dependent", "life_event", "correct_job", "correct_person", "delete_job", "elect"),
    *("decide_proof", "continue_coverage", "run", "passive_events", "window_ends", "repairs", "statement"),
    *("operate", "enter_activity", "change_setup", "on_leave", "lapse_unpaid", "take_pays", "correct_pays"),
)
"""The keys of a step of which it has one at most."""


class Story(Part, kw_only=True, frozen=True):
    """A story. `begins` is the day benefits administration starts: earlier facts trigger no event."""

    name: str
    source: str
    setup: SetupPart
    changes: dict[str, Any] = {}  # of the set-up, by path: client.event_rules[MED].classes[HIR].waiting_days
    begins: date | None = None  # none: the earliest day that a step names
    defaults: DefaultsPart = DefaultsPart()
    people: dict[Name, PersonPart]
    steps: Annotated[list[Step], Meta(min_length=1)]


def act_of(step: Step) -> tuple[str, msgspec.Struct] | None:
    """Answer the key and content of what is done in a step, if anything is."""
    return next(((name, getattr(step, name)) for name in ACTS if getattr(step, name) is not None), None)


def first_day(story: Story) -> date:
    """Answer the day benefits administration starts: the one stated, else the earliest a step names."""
    acts = [act[1] for act in map(act_of, story.steps) if act is not None]
    named = [getattr(act, name, None) for act in acts for name in ("effective", "last_day", "dated")]
    return story.begins or min([step.on for step in story.steps] + [day for day in named if day])
