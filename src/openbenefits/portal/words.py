"""The portal's words: plain ones beside the plan document's, each in gettext, for Spanish too."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, pgettext_lazy

from openbenefits.choosing.offered import Choice, Offer, PlanChoice
from openbenefits.choosing.rules.questions import Asking
from openbenefits.choosing.submitting import Refusal
from openbenefits.core.messages import CATALOGUE
from openbenefits.enrollment.rules.outcomes import KEEPING
from openbenefits.reports.spoken import say

PLAN_TYPE_NAMES = (
    *(gettext_noop("Medical"), gettext_noop("Dental"), gettext_noop("Medical and dental")),
    *(gettext_noop("Major medical"), gettext_noop("Vision"), gettext_noop("Basic life")),
    *(gettext_noop("Medical of non-qualified dependents"), gettext_noop("Supplemental life")),
    *(gettext_noop("Dental of non-qualified dependents"), gettext_noop("Dependent life")),
    *(gettext_noop("Vision of non-qualified dependents"), gettext_noop("Survivor income")),
    *(gettext_noop("Accidental death and dismemberment"), gettext_noop("Life and accidental death")),
    *(gettext_noop("Dependent accidental death"), gettext_noop("Supplemental accidental death")),
    *(gettext_noop("Short-term disability"), gettext_noop("Long-term disability"), gettext_noop("401(k)")),
    *(gettext_noop("Profit sharing"), gettext_noop("Thrift"), gettext_noop("Stock purchase")),
    *(gettext_noop("Sick leave"), gettext_noop("Vacation"), gettext_noop("Vacation bought or sold")),
    gettext_noop("Health care spending account (health FSA)"),
    gettext_noop("Dependent care spending account"),
    *(gettext_noop("Health savings account (HSA)"), gettext_noop("Long-term care")),
    *(gettext_noop("Legal services"), gettext_noop("Wellness credit")),
)
"""Names of plan types, as `core.plan_types` has them; here so that they can be translated."""

DESIGN_WORDS = (  # of renewals.designs, as a client's contact reads them
    *(gettext_noop("Deductible, one person"), gettext_noop("Deductible, the family")),
    *(gettext_noop("Most out of pocket, one person"), gettext_noop("Most out of pocket, the family")),
    *(gettext_noop("Visit to a family doctor"), gettext_noop("Visit to a specialist")),
    *(gettext_noop("Visit to an emergency room"), gettext_noop("Prescription filled")),
    *(gettext_noop("deductible and coinsurance"), gettext_noop("the same"), gettext_noop("paid another way")),
)
TIER_NAMES = (
    *(gettext_noop("Employee only"), gettext_noop("Employee and spouse"), gettext_noop("Family")),
    *(gettext_noop("Employee and children"), gettext_noop("Employee and domestic partner")),
)
"""Names of coverage codes that set-ups usually have."""

MEANINGS = {
    "1": gettext_lazy("Pays for care: doctors, hospitals, teeth or eyes."),
    "2": gettext_lazy("Pays money to the people you name if you die."),
    "3": gettext_lazy("Pays part of your wage while you are too ill to work."),
    "4": gettext_lazy("Puts part of your pay aside for later."),
    "6": gettext_lazy("An account you fill from your pay, before tax, for costs you expect."),
    "9": gettext_lazy("Days of leave bought with your pay, or sold."),
}
"""What a kind of plan is for, in plain words, by the first sign of the plan type."""

RELATIONSHIPS = {
    "SP": gettext_lazy("spouse"),
    "DP": gettext_lazy("domestic partner"),
    "CH": gettext_lazy("child"),
    "AC": gettext_lazy("adult child"),
    "OD": gettext_lazy("other dependent"),
    "NQ": gettext_lazy("not a tax dependent"),
    "SS": gettext_lazy("spouse of the same sex"),
    "XS": gettext_lazy("former spouse"),
    "BN": gettext_lazy("beneficiary only"),
}
WHY_NOT = {
    "relationship": gettext_lazy("This plan does not cover this relationship."),
    "married": gettext_lazy("This plan does not cover a married child."),
    "age": gettext_lazy("Over the age limit of this plan."),
    "student": gettext_lazy("Over the age limit; a proof of studies would be needed."),
    "former": gettext_lazy("No longer a dependent."),
}
LIFE_EVENTS = {
    "BIR": (gettext_lazy("A child was born"), gettext_lazy("Birth")),
    "ADO": (gettext_lazy("I adopted a child"), gettext_lazy("Adoption")),
    "MAR": (gettext_lazy("I married"), gettext_lazy("Marriage")),
    "DIV": (gettext_lazy("I was divorced"), gettext_lazy("Divorce")),
    "DEA": (gettext_lazy("Somebody of my family died"), gettext_lazy("Death of a dependent")),
    "FSC": (gettext_lazy("Something else changed in my family or my other insurance"),
            gettext_lazy("Family status change")),
    "LOC": (gettext_lazy("We lost other insurance"), gettext_lazy("Loss of other coverage")),
    "GOC": (gettext_lazy("We got other insurance"), gettext_lazy("Gain of other coverage")),
    "MOV": (gettext_lazy("I moved"), gettext_lazy("Change of address")),
}  # fmt: skip
"""A life event as people say it, and as the plan document does, by the usual codes."""

DOCUMENT_KINDS = {
    "birth": gettext_lazy("Birth certificate"),
    "adoption": gettext_lazy("Adoption papers"),
    "marriage": gettext_lazy("Marriage certificate"),
    "divorce": gettext_lazy("Divorce decree"),
    "death": gettext_lazy("Death certificate"),
    "coverage_lost": gettext_lazy("Letter that other insurance ended"),
    "coverage_gained": gettext_lazy("Letter that other insurance began"),
    "residence": gettext_lazy("Proof of address"),
    "student": gettext_lazy("Proof of studies"),
    "disability": gettext_lazy("Proof of disability"),
    "evidence": gettext_lazy("Answers about health (evidence of insurability)"),
    "other": gettext_lazy("Another paper"),
}
DOCUMENT_STATES = {
    "received": gettext_lazy("Received: somebody will look at it"),
    "approved": gettext_lazy("Approved"),
    "rejected": gettext_lazy("Not accepted"),
}
PAPER_OF = {"BIR": "birth", "ADO": "adoption", "MAR": "marriage", "DIV": "divorce", "DEA": "death",
            "LOC": "coverage_lost", "GOC": "coverage_gained", "MOV": "residence"}  # fmt: skip
"""Which paper shows a life event."""

LETTERS = {
    "enrollment": gettext_lazy("Enrolment statement"),
    "confirmation": gettext_lazy("Confirmation statement"),
    "coverage": gettext_lazy("Letter of coverage"),
    "loss": gettext_lazy("Letter of loss of coverage"),
}
WAYS = {
    "print": gettext_lazy("On paper, by post"),
    "portal": gettext_lazy("Here in the portal, without paper"),
    "email": gettext_lazy("By e-mail, without paper"),
}

CHANGES = {
    "same": gettext_lazy("No change"),
    "price": gettext_lazy("Same plan, new price"),
    "changed": pgettext_lazy("of a plan", "Changed"),
    "new": pgettext_lazy("of a plan", "New"),
    "ended": pgettext_lazy("of a plan", "Ends"),
}
ACTS = {
    "view": gettext_lazy("Looked at"),
    "save": gettext_lazy("Saved a draft"),
    "discard": gettext_lazy("Gave up what was not submitted"),
    "refuse": gettext_lazy("Tried to submit, and was refused"),
    "submit": gettext_lazy("Submitted"),
}
WAITS = {
    "held": gettext_lazy("Your choices were received. The benefits office still has to check them."),
    "BA1008": gettext_lazy(
        "A paper that shows what happened is still missing. Nothing is final until it was seen."
    ),
}

REFUSALS = {
    "BA1301": gettext_lazy("You have to choose here, or to decline."),
    "BA1302": gettext_lazy("This option is not offered to you now. Choose another."),
    "BA1303": gettext_lazy("This amount of coverage is not offered. Choose one that is."),
    "BA1304": gettext_lazy("You cannot decline here. Choose an option."),
    "BA1305": gettext_lazy("To decline, say which other insurance you have and when you showed it."),
    "BA1306": gettext_lazy(
        "This option covers more people than you ticked. Tick who is missing, or choose"
        " another."
    ),
    "BA1307": gettext_lazy("You ticked more people than this option covers. Choose another option."),
    "BA1308": gettext_lazy("Somebody you ticked is over the age limit. Leave that person out."),
    "BA1309": gettext_lazy("A married child cannot be covered here. Leave that person out."),
    "BA1310": gettext_lazy("Somebody you ticked cannot be covered here. Leave that person out."),
    "BA1311": gettext_lazy(
        "This needs another coverage that you did not choose. Choose both, or decline this"
        " one."
    ),
    "BA1312": gettext_lazy(
        "This needs another plan that you did not choose. Choose both, or decline this"
        " one."
    ),
    "BA1313": gettext_lazy("This is more than the other coverage allows. Choose less here, or more there."),
    "BA1314": gettext_lazy("Somebody you ticked is not covered where that is needed."),
    "BA1315": gettext_lazy("These plans together cover more than is allowed. Choose less in one of them."),
    "BA1316": gettext_lazy("The shares do not add up to 100 percent. Correct them."),
    "BA1317": gettext_lazy("The funds do not add up to 100 percent. Correct them."),
    "BA1318": gettext_lazy("This amount is outside the limits of the plan or of the law. Enter another."),
    "BA1319": gettext_lazy(
        "A health savings account needs a medical plan that allows it, and no coverage that"
        " forbids it."
    ),
    "BA1320": gettext_lazy("This percentage is outside the limits. Enter another."),
    "BA1322": gettext_lazy("This event does not allow such a change of who is covered."),
    "BA1323": gettext_lazy("This is more levels up than you may go now. Choose a lower one."),
    "BA1324": gettext_lazy("These hours are outside the limits. Enter another number."),
    "BA1330": gettext_lazy("Say how much."),
    "BA1334": gettext_lazy("This is no fund of the plan. Choose one of the list."),
    "BA1336": gettext_lazy("The limit of that year is not known yet. The benefits office has to enter it."),
    "BA1350": gettext_lazy("It is too early to come back into this plan."),
    "BA1351": gettext_lazy("This event does not allow such a change of the amount."),
    "BA1352": gettext_lazy("A proof of studies is missing for somebody you ticked."),
    "BA1353": gettext_lazy("More than this was paid into the account already. Enter at least as much."),
    "received_on": gettext_lazy("The time to choose has passed, or has not begun. Ask the benefits office."),
    "employee_number": gettext_lazy("Your record is being worked on at this moment. Try again in a minute."),
    "event_number": gettext_lazy("Nothing can be chosen in this event now. Ask the benefits office."),
}  # fmt: skip
"""Why the engine, or the entry, refuses a choice, by its code."""

QUESTIONS = {
    Asking.DROPPED: gettext_lazy("You would have no coverage of this kind any more. Is that what you want?"),
    Asking.PERSON_DROPPED: gettext_lazy(
        "Somebody covered today would not be covered any more. Is that what you"
        " want?"
    ),
    Asking.AMOUNT: gettext_lazy(
        "This amount is at least five times more, or less, than today. Is it right, for a"
        " whole year?"
    ),
    Asking.NO_CHILD: gettext_lazy(
        "This account pays for the care of children under 13 or of disabled dependents, and we"
        " know of none. Do you want it all the same?"
    ),
    Asking.HSA_AND_FSA: gettext_lazy(
        "With a general health FSA you may normally not pay into a health savings account. Do you want both?"
    ),
}  # fmt: skip


def title_of(offer: Offer) -> str:
    """Name an event: an open enrolment by its schedule, any other by what happened."""
    if offer.is_open_enrollment:
        return say(offer.schedule_name) if offer.schedule_name else _("Open enrolment")
    return event_name(offer.event_class, offer.event_name)


def event_name(code: str, name: str) -> str:
    """Name an event class in the reader's language, where it is a usual one, or the client says how."""
    return str(LIFE_EVENTS[code][1]) if code in LIFE_EVENTS else say(name)


def silent(plan: PlanChoice) -> str:
    """Say what happens in a plan type without an answer."""
    option = plan.by_id(plan.default_option_id)
    reason = plan.default_reason
    what = option_name(option) if option is not None else ""
    if reason in KEEPING:
        return _("You keep what you have: %(what)s.") % {"what": what}
    if reason in ("default option", "lowest level"):
        return _("You are enrolled in %(what)s.") % {"what": what}
    if reason == "waiver":
        return _("It counts as declining: you have no coverage of this kind.")
    if reason == "untouched":
        return _("Nothing changes.")
    if reason == "ends":
        return _("What you have now ends.")
    return _("You have no coverage of this kind.")


def option_name(option: Choice) -> str:
    """Name an option with whom, or how much, it covers."""
    if option.is_waiver:
        return _("Decline this benefit")
    return f"{say(option.name)}, {say(option.tier)}" if option.tier else say(option.name)


def refusal_text(refusal: Refusal) -> str:
    """Say why a choice is refused, in plain words."""
    if refusal.code in REFUSALS:
        return str(REFUSALS[refusal.code])
    entry = CATALOGUE.get(refusal.code)
    if entry is not None:
        return _("%(title)s. The benefits office can help.") % {"title": _(entry.title)}
    return _("Expected %(expected)s, found %(found)s.") % {
        "expected": refusal.expected,
        "found": refusal.found,
    }


def meaning_of(plan_type: str) -> Any:
    """Say in plain words what a kind of plan is for."""
    return MEANINGS.get(plan_type[0], "")
