"""The code lists of the domain: one word per notion, one code per word.

Codes are the ones administrators know (`AS`, `FE`, `HIR`); names are plain words. Sources:
event-processing §3–§6, §12, entities §2, program-setup §1–§6, rulings §3–§4.
"""

from enum import StrEnum


class ProcessStatus(StrEnum):
    """How far an event has come. Exactly these twelve exist."""

    AS = "AS"  # program assigned
    AN = "AN"  # eligible for no program, coverage still to be ended
    AE = "AE"  # eligible for more than one program
    PR = "PR"  # options prepared
    PE = "PE"  # error while preparing options
    FP = "FP"  # final: nothing to choose, nothing to end
    FA = "FA"  # final: no program and nothing to end
    NT = "NT"  # statement issued
    ET = "ET"  # elections entered
    EE = "EE"  # elections have errors
    FE = "FE"  # final: enrolled
    RE = "RE"  # reopened for re-entry


PROCESS_STATUS_NAMES: dict[str, str] = {
    "AS": "program assigned",
    "AN": "no program, coverage to end",
    "AE": "program assignment error",
    "PR": "options prepared",
    "PE": "preparation error",
    "FP": "final: nothing to choose",
    "FA": "final: no program",
    "NT": "notified",
    "ET": "elections entered",
    "EE": "election error",
    "FE": "final: enrolled",
    "RE": "re-enter elections",
}

FINAL_STATUSES = (ProcessStatus.FA, ProcessStatus.FE, ProcessStatus.FP)


class EventStatus(StrEnum):
    """Whether an event may be processed now."""

    OPEN = "O"
    CLOSED = "C"
    DISCONNECTED = "D"
    VOID = "V"


class ProcessIndicator(StrEnum):
    """What the next run is asked to do with an event."""

    NORMAL = "N"
    ASSIGN = "A"
    PREPARE = "P"
    ELECT = "E"
    REENTER = "R"
    VOID = "V"
    REPLAY = "L"  # ours: decide again what was decided, with the elections and orders there are
    TAKEN_BACK = "T"  # ours: void, as the run that made it was taken back; the next run makes it anew


class Level(StrEnum):
    """The stages of a run, in order; a run can stop after any of them."""

    SCHEDULE = "schedule"
    PROGRAM = "program"
    OPTIONS = "options"
    ELECTIONS = "elections"
    FINAL = "final"


class ScheduleKind(StrEnum):
    """What a schedule processes."""

    EVENT_MAINTENANCE = "E"
    OPEN_ENROLLMENT = "O"
    SNAPSHOT = "S"


class EventClassUse(StrEnum):
    """What an event class serves."""

    DEFAULT = "D"
    SNAPSHOT = "N"
    OPEN_ENROLLMENT = "O"
    SPECIFIC = "S"


class ActionSource(StrEnum):
    """Where an activity came from."""

    JOB = "TJ"
    UNION = "TL"
    ADDRESS = "TP"
    MULTI_JOB = "MJ"
    EXPLODED = "EX"
    BENEFITS_PERSON = "BP"
    PASSIVE_BIRTH = "PB"
    PASSIVE_SERVICE = "PS"
    MANUAL = "ME"
    OPEN_ENROLLMENT = "OE"
    SNAPSHOT = "SN"


class ActivityActKind(StrEnum):
    """What somebody does about an activity."""

    ENTER = "enter"
    DELETE = "delete"
    ADMIT = "admit"
    PROVE = "prove"


class OptionType(StrEnum):
    """What a row of a benefit program is."""

    OPTION = "O"
    WAIVE = "W"
    GENERAL_CREDIT = "G"
    GENERAL_DEDUCTION = "D"


GENERAL_TYPES = (OptionType.GENERAL_CREDIT, OptionType.GENERAL_DEDUCTION)
"""Options of the program itself (plan type 01), which nobody elects."""


class Basis(StrEnum):
    """What a covered day rests on (rulings §3.3): exactly one of these."""

    ELIGIBLE = "eligible"
    RUN_OUT = "run-out"  # lost or ended already, and covered until the day an end rule gives
    LEAVE = "leave"
    CONTINUATION = "continuation"
    OVERRIDE = "override"


LEAVE_STATUSES = ("L", "P")
"""Job statuses of somebody on leave, without and with pay."""


class ChangeKind(StrEnum):
    """What holds from a change point of the coverage timeline (rulings §3.1)."""

    ELECTED = "E"
    DEFAULTED = "D"
    WAIVED = "W"
    TERMINATED = "T"
    NEVER_ENROLLED = "N"
    INELIGIBLE = "I"


COVERED_KINDS = (ChangeKind.ELECTED, ChangeKind.DEFAULTED)


class DefaultMethod(StrEnum):
    """What happens without an election (rulings §4)."""

    CURRENT_ELSE_NONE = "current_else_none"
    CURRENT_ELSE_OPTION = "current_else_option"
    CURRENT_ELSE_LOWEST = "current_else_lowest"
    OPTION = "option"
    TERMINATE = "terminate"
    WAIVE = "waive"
    LEAVE = "leave"


class SelectAllowed(StrEnum):
    """Which options an event lets a person choose."""

    ALL = "all"
    CURRENT = "current"
    CURRENT_OR_WAIVE = "current_or_waive"
    NONE = "none"


class WaiveRule(StrEnum):
    """Whether a plan type may be declined."""

    NOT_ALLOWED = "N"
    WITH_PROOF = "P"
    ALLOWED = "Y"
    NOT_APPLICABLE = "X"  # there is no waiver, and none is missed


WAIVABLE = (WaiveRule.WITH_PROOF, WaiveRule.ALLOWED)


class WaiverProof(StrEnum):
    """What was seen of the other coverage of a person who waives."""

    EMPLOYER_PLAN = "employer_plan"  # of a spouse, a parent or another employer
    MEDICARE = "medicare"
    MEDICAID = "medicaid"
    MILITARY = "military"
    EXCHANGE = "exchange"
    OTHER = "other"


class PersonType(StrEnum):
    """What a covered person is to the employee."""

    EMPLOYEE = "EE"
    SPOUSE = "SP"
    DOMESTIC_PARTNER = "DP"
    CHILD = "CH"
    ADULT_CHILD = "AC"
    OTHER_QUALIFIED = "OD"
    NON_QUALIFIED = "NQ"
    SAME_SEX_SPOUSE = "SS"
    EX_SPOUSE = "XS"
    BENEFICIARY = "BN"  # a person, estate, trust or charity that may receive, and is never covered


CHILD_TYPES = (PersonType.CHILD, PersonType.ADULT_CHILD, PersonType.OTHER_QUALIFIED)


class PriceDay(StrEnum):
    """As of which day a price takes age, service or pay (program-setup §4.3)."""

    COVERAGE_BEGIN = "coverage_begin"
    EVENT_DATE = "event_date"
    CHECK_DATE = "check_date"
    PAY_END = "pay_end"
    NEXT_PAY_END = "next_pay_end"
    THIS_YEAR = "this_year"
    LAST_YEAR = "last_year"


class AreaOf(StrEnum):
    """Whose address gives the rating area of a price."""

    HOME = "home"
    COMPANY = "company"
    LOCATION = "location"


class AgeOf(StrEnum):
    """Whose age a price looks at."""

    EMPLOYEE = "employee"
    SPOUSE = "spouse"  # or partner
    DEPENDENT = "dependent"  # the oldest covered child


PERSON_KINDS: dict[str, tuple[PersonType, ...]] = {
    "spouse": (PersonType.SPOUSE,),
    "partner": (PersonType.DOMESTIC_PARTNER,),
    "same_sex_spouse": (PersonType.SAME_SEX_SPOUSE,),
    "child": CHILD_TYPES,
    "nonqualified": (PersonType.NON_QUALIFIED,),
}
"""The kinds of dependents a coverage code counts, and who falls under each; the first names it in set-up."""

KIND_NAMES: dict[str, tuple[str, str]] = {
    "spouse": ("spouse", "spouses"),
    "partner": ("domestic partner", "domestic partners"),
    "same_sex_spouse": ("same-sex spouse", "same-sex spouses"),
    "child": ("child", "children"),
    "nonqualified": ("non-qualified dependent", "non-qualified dependents"),
}
"""One of a kind, and several."""

ADULT_KINDS = ("spouse", "partner", "same_sex_spouse")
"""Kinds of which a household has one; of the others it may have several, with limits of age."""

RATED_PERSONS = (PersonType.EMPLOYEE, *(one for types in PERSON_KINDS.values() for one in types))
"""Whom a rate may be keyed by."""

KIND_OF: dict[str, str] = {
    person_type.value: kind for kind, types in PERSON_KINDS.items() for person_type in types
}

RELATIONSHIP_BITS: dict[str, int] = {name: 1 << number for number, name in enumerate(KIND_OF)}
"""One bit for each person type that may be a dependent, for the list of those a rule allows."""

USUAL_RELATIONSHIPS = tuple(PersonType(name) for name in KIND_OF if name != PersonType.NON_QUALIFIED)
"""Who may be a dependent unless a rule says otherwise."""

DEFAULT_RELATIONSHIPS = sum(RELATIONSHIP_BITS[name] for name in USUAL_RELATIONSHIPS)


class LastDay(StrEnum):
    """The last day on which a dependent counts who reaches the limit of age."""

    DAY_BEFORE_BIRTHDAY = "day_before_birthday"
    BIRTHDAY = "birthday"
    MONTH_END = "month_end"
    YEAR_END = "year_end"
    PLAN_YEAR_END = "plan_year_end"


class OverageBegins(StrEnum):
    """When the continuation coverage of a dependent begins who has become too old."""

    EVENT_DATE = "event_date"
    NEXT_MONTH = "first_of_next_month"


class BeginRule(StrEnum):
    """When coverage or a deduction begins; each value is its sentence in a plan document."""

    EVENT_DATE = "event_date"
    DAY_AFTER_EVENT = "day_after_event"
    MONTH_AFTER = "first_of_month_after"
    MONTH_ON_OR_AFTER = "first_of_month_on_or_after"
    PAY_PERIOD_AFTER = "first_pay_period_after"
    PAY_PERIOD_ON_OR_AFTER = "first_pay_period_on_or_after"
    MONTH_AFTER_RECEIPT = "first_of_month_after_receipt"
    LATER_OF_EVENT_AND_RECEIPT = "later_of_event_and_receipt"


class DeductionBeginRule(StrEnum):
    """When a deduction begins, counted from the first day of coverage."""

    WITH_COVERAGE = "with_coverage"
    EVENT_DATE = "event_date"
    DAY_AFTER_EVENT = "day_after_event"
    MONTH_AFTER = "first_of_month_after"
    MONTH_ON_OR_AFTER = "first_of_month_on_or_after"
    PAY_PERIOD_AFTER = "first_pay_period_after"
    PAY_PERIOD_ON_OR_AFTER = "first_pay_period_on_or_after"
    MONTH_AFTER_RECEIPT = "first_of_month_after_receipt"
    LATER_OF_EVENT_AND_RECEIPT = "later_of_event_and_receipt"


class EndRule(StrEnum):
    """The last day of coverage."""

    EVENT_DATE = "event_date"
    DAY_BEFORE_EVENT = "day_before_event"
    MONTH_END = "end_of_month"
    PAY_PERIOD_END = "end_of_pay_period"
    MIDDLE_OR_MONTH_END = "fifteenth_or_end_of_month"
    DAY_OF_MONTH = "day_of_month"  # the one the row says


class DeductionEndRule(StrEnum):
    """The last day of a deduction, counted from the last day of coverage."""

    WITH_COVERAGE = "with_coverage"
    EVENT_DATE = "event_date"
    DAY_BEFORE_EVENT = "day_before_event"
    MONTH_END = "end_of_month"
    PAY_PERIOD_END = "end_of_pay_period"
    MIDDLE_OR_MONTH_END = "fifteenth_or_end_of_month"
    DAY_OF_MONTH = "day_of_month"  # the one the row says


class WithoutCurrent(StrEnum):
    """Whether an option may cover persons of a kind when there is no current election."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "not_allowed"
    REQUIRED = "required"


class PledgeChange(StrEnum):
    """In which direction an election may move an annual pledge."""

    ANY = "any"
    INCREASE = "increase"
    DECREASE = "decrease"
    NONE = "none"


class WindowStart(StrEnum):
    """From which day an enrolment window counts."""

    EVENT = "event"
    NOTICE = "notice"
    ENTRY = "entry"


class WindowAction(StrEnum):
    """What happens when an enrolment window has passed (rulings §1.5)."""

    FINALIZE = "finalize"
    VOID = "void"
    HOLD = "hold"


class WindowActKind(StrEnum):
    """What somebody may do to the window of one event (rulings §1.5)."""

    EXTEND = "extend"
    REOPEN = "reopen"


class Control(StrEnum):
    """What an administrator may change of how one event is processed (event-processing §16)."""

    FINALISE = "finalise"
    RECEIVED = "received"
    NOTIFIED = "notified"
    CONFIRMED = "confirmed"
    FORMS = "forms"


class CobraCause(StrEnum):
    """Why health coverage that is lost may be continued (IRC 4980B(f)(3); rulings §7)."""

    TERMINATION = "termination"
    HOURS = "hours"  # of work reduced
    LEAVE = "leave"
    DEATH = "death"  # of the employee
    DIVORCE = "divorce"  # or legal separation
    MEDICARE = "medicare"  # the employee became entitled to it
    CHILD = "child"  # ceased to qualify as a dependent
    MISCONDUCT = "gross_misconduct"  # a termination of which a person decides


class LeaveKind(StrEnum):
    """Under which law, or none, a leave without pay stands."""

    UNPAID = "unpaid"
    FMLA = "fmla"  # 29 CFR 825.208 to .213
    MILITARY = "military"  # 20 CFR 1002.163 to .171


class LeaveWay(StrEnum):
    """How somebody on leave without pay pays for coverage (29 CFR 825.210, 26 CFR 1.125-3 Q&A-3)."""

    PREPAY = "prepay"
    PAY_AS_YOU_GO = "pay_as_you_go"
    CATCH_UP = "catch_up"


class Resumption(StrEnum):
    """What of an annual pledge goes on that ended while somebody was away (26 CFR 1.125-3 Q&A-6(a)(2))."""

    FULL = "full"  # the whole year, what was missed being made up in the pays that remain
    REDUCED = "reduced"  # less what the pays without coverage would have given, at the rate before


class RetroOwner(StrEnum):
    """Who puts deductions right that turn out to have been wrong (rulings §5.4)."""

    OURS = "ours"
    PAYROLL = "payroll"


class LowPay(StrEnum):
    """What a pay takes that does not leave enough for every deduction."""

    PARTIAL = "partial"  # of the first that does not fit, what is left
    WHOLE = "whole"  # only whole deductions


class RateUnit(StrEnum):
    """What one rate buys."""

    FLAT = "flat"
    PER_HUNDRED = "per_hundred"
    PER_THOUSAND = "per_thousand"
    PERCENT_OF_BASE = "percent_of_base"


class AmountKind(StrEnum):
    """What a person states with a choice, beside the option itself."""

    NONE = "none"
    PLEDGE = "annual_pledge"
    PERCENT = "percent_of_pay"
    HOURS = "hours"


class Trade(StrEnum):
    """Which way hours of leave change hands."""

    BUY = "buy"
    SELL = "sell"


class ExcessCredits(StrEnum):
    """What becomes of credits that no cost before tax uses up."""

    PAID = "paid"
    FORFEITED = "forfeited"
    ROLLED_OVER = "rolled_over"


class TaxClass(StrEnum):
    """How payroll treats the employee's part."""

    BEFORE_TAX = "B"
    AFTER_TAX = "A"


class Severity(StrEnum):
    """Whether a message stops its event."""

    ERROR = "E"
    WARNING = "W"


class Owner(StrEnum):
    """Whose record cures a message."""

    SETUP = "set-up"
    HR_DATA = "HR data"
    ELECTION = "election"
    PROCESS = "process"


class DocumentKind(StrEnum):
    """What a paper shows."""

    BIRTH = "birth"  # birth certificate, or the hospital's
    ADOPTION = "adoption"
    MARRIAGE = "marriage"
    DIVORCE = "divorce"
    DEATH = "death"
    COVERAGE_LOST = "coverage_lost"
    COVERAGE_GAINED = "coverage_gained"
    RESIDENCE = "residence"
    STUDENT = "student"
    DISABILITY = "disability"
    EVIDENCE = "evidence"  # of insurability: answers about health
    OTHER = "other"


class DocumentState(StrEnum):
    """Where a paper stands."""

    RECEIVED = "received"
    APPROVED = "approved"
    REJECTED = "rejected"


class ChoiceActKind(StrEnum):
    """What somebody does in choosing."""

    VIEW = "view"
    SAVE = "save"
    DISCARD = "discard"  # gave up what was not submitted
    REFUSE = "refuse"  # the engine refused what was to be submitted
    SUBMIT = "submit"
