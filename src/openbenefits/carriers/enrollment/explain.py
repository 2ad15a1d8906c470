"""A member in words: what is said of him and of each line. No name, number or birth date is repeated."""

from collections.abc import Iterator

from openbenefits.carriers.enrollment.coverage import BEGIN, END, Coverage
from openbenefits.carriers.enrollment.member import Member

ACTIONS = {
    "001": "change",
    "002": "delete",
    "021": "add",
    "024": "end",
    "025": "reinstate",
    "026": "correct",
    "030": "as it is",
    "032": "employee information",
}
RELATIONSHIPS = {
    "18": "self",
    "01": "spouse",
    "53": "life partner",
    "19": "child",
    "09": "adopted child",
    "10": "foster child",
    "17": "stepchild",
    "15": "ward",
    "05": "grandchild",
    "07": "niece or nephew",
    "14": "sibling",
    "03": "parent",
    "23": "sponsored dependent",
    "24": "dependent of a minor dependent",
    "25": "former spouse",
    "26": "guardian",
    "31": "court-appointed guardian",
    "38": "collateral dependent",
    "60": "annuitant",
}
REASONS = {
    "01": "divorce",
    "02": "birth",
    "03": "death",
    "04": "retirement",
    "05": "adoption",
    "06": "strike",
    "07": "termination of benefits",
    "08": "termination of employment",
    "09": "COBRA",
    "10": "COBRA premium paid",
    "11": "surviving spouse",
    "14": "voluntary withdrawal",
    "15": "other primary care provider",
    "16": "quit",
    "17": "fired",
    "18": "suspended",
    "20": "active",
    "21": "disability",
    "22": "plan change",
    "25": "change in identifying data",
    "26": "declined",
    "27": "pre-enrolment",
    "28": "initial enrolment",
    "29": "benefit selection",
    "31": "legal separation",
    "32": "marriage",
    "33": "personnel data",
    "37": "leave with benefits",
    "38": "leave without benefits",
    "39": "layoff with benefits",
    "40": "layoff without benefits",
    "41": "re-enrolment",
    "43": "change of location",
    "59": "non-payment",
    "AL": "assigned by rule",
    "EC": "member's selection",
    "XN": "notification only",
    "XT": "transfer",
}


def words_of(member: Member) -> str:
    """Say what a member loop says; codes that are in no list stand for themselves."""
    return f"{', '.join(_standing(member))}: {'; '.join(_lines(member)) or 'no line'}"


def _standing(member: Member) -> Iterator[str]:
    told = member.standing
    who = "subscriber" if member.is_subscriber else "dependent"
    is_self = member.is_subscriber and told.relationship == "18"
    yield who if is_self else f"{who} ({RELATIONSHIPS.get(told.relationship, told.relationship)})"
    yield ACTIONS.get(told.action, told.action)
    if told.reason:
        yield REASONS.get(told.reason, told.reason)
    if told.benefit_status == "C":
        yield "continuation"
    if told.handicapped == "Y":
        yield "disabled"
    if member.was is not None:
        yield "identity corrected"


def _lines(member: Member) -> Iterator[str]:
    yield from (_line(one) for one in member.coverages)
    if member.categories:
        yield f"{len(member.categories)} reporting categories"


def _line(one: Coverage) -> str:
    what = " ".join(filter(None, (one.line.insurance, one.line.plan and f"“{one.line.plan}”", one.line.tier)))
    days = "".join(
        f" {word} {day}"
        for word, kind in (("from", BEGIN), ("through", END))
        if (day := one.day(kind)) is not None
    )
    return f"{what} {ACTIONS.get(one.line.action, one.line.action)}{days}"
