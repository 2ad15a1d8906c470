"""Code lists: kinds of events, actions, coverage codes, places, deduction codes, annual limits."""

from typing import Annotated, Literal

from msgspec import Meta

from openbenefits.core.codes import CobraCause, PersonType, WindowAction, WindowStart
from openbenefits.programs.sections.base import Code, Dollars, Part


class LifeEventRulePart(Part, kw_only=True, frozen=True):
    """What a life event somebody reports needs, to become an event of its class.

    It is reported within `days_to_notify` after the day it happened, the last of them included (`none`:
    however late); with `proof` its elections wait until the proof is recorded; without `creates_event` it
    waits for an administrator.
    """

    days_to_notify: Annotated[int, Meta(ge=0)] | None = 31
    proof: bool = True
    creates_event: bool = False


class EventClassPart(Part, kw_only=True, frozen=True):
    """What kind of event something is, how it waits, and which letters it prints.

    `life_event` are the terms for reports of such events (left out: each becomes an event at once);
    `copy_to_other_records` lets a job row of one benefit record cause the event in the others too. `forms`
    names the letters: `both`, the `enrollment` statement, the `confirmation`, or `none`. With
    `enrollment_form_days` the statement is not printed earlier than so many days before the event date.
    """

    code: Annotated[str, Meta(pattern=r"^[A-Z]{2,3}$")]
    name: str
    use: Literal["default", "snapshot", "open_enrollment", "specific"]
    priority: int
    manual: bool = False
    only_ends_coverage: bool = False
    special_enrollment: (
        Literal["birth_or_adoption", "marriage", "loss_of_coverage", "medicaid_or_chip", "none"] | None
    ) = None  # for the audit; left out, by the usual codes (BIR, MAR, …)
    guard_full_termination: bool = False
    process_ahead_days: int = 0
    window_days: int = 31
    window_start: WindowStart = WindowStart.EVENT
    window_action: WindowAction = WindowAction.HOLD
    forms: Literal["both", "enrollment", "confirmation", "none"] = "both"
    enrollment_form_days: Annotated[int, Meta(ge=0)] | None = None  # none said: however early
    cobra_action: CobraCause | None = None  # for events whose job action names none
    copy_to_other_records: bool = False
    life_event: LifeEventRulePart | None = None


class ActionPart(Part, kw_only=True, frozen=True):
    action: str
    reason: str = ""
    event_class: str = ""  # blank: the default class
    cobra_action: CobraCause | None = None  # why coverage lost by it may be continued


class PersonRange(Part, kw_only=True, frozen=True):
    min: int
    max: int


class CoverageCodePart(Part, kw_only=True, frozen=True):
    """How many persons of each kind a code covers; a kind left out is not covered.

    Kinds are named EE, SP, DP, SS, NQ, and CH for child, adult child and other qualified. A code that says
    who else is covered, and not EE, does not cover the employee: the partner's side, elected in addition.
    A code that names nobody is employee only.
    """

    code: Code
    name: str
    persons: dict[PersonType, PersonRange]
    imputed_against: Code | None = None  # covers persons who are no tax dependents; the code without them


class GeographyPart(Part, kw_only=True, frozen=True):
    """Zip codes: `file` is a CSV of the bundle with `zip` and, for rating areas, `area`.

    A row may give a range, `zip_from` and `zip_to` (both in it), instead of `zip`: five digits each.
    With a column `geography`, only rows that name this code count.
    """

    code: Code
    name: str
    source: str
    file: str


class AnnualLimitPart(Part, kw_only=True, frozen=True):
    """A legal amount of one year. A year without one is unknown: it is never the year before, nor zero."""

    code: Code
    year: int
    limit: Dollars  # or percent, by `unit`
    source: str
    unit: Literal["dollars", "percent"] = "dollars"
    basis: str = ""  # what the year is: plan year, calendar year, month …


class LimitSheetPart(Part, kw_only=True, frozen=True):
    """Legal amounts in a CSV file: `code`, a column for each year, `source`; maybe `unit` and `basis`.

    A blank cell is an amount not known: no limit of that year.
    """

    code: Code
    file: str


class DeductionCodePart(Part, kw_only=True, frozen=True):
    code: Code
    name: str
    tax: Literal["before", "after"]
    periods_of_month: tuple[int, ...] = (1, 2, 3, 4, 5)


class TranslationPart(Part, kw_only=True, frozen=True):
    """What a name is in the language of who reads it: of a plan, option, tier, event or plan type.

    `name` is the name as this set-up, or the product, has it. Of a plan type of the client's own that is
    `User-defined health (18)`: with `language: en` it gets a name in English, too.
    """

    name: str
    language: Literal["en", "es"] = "es"
    text: Annotated[str, Meta(min_length=1)]
