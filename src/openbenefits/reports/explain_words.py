"""The words of an explanation: codes as sentences, days, amounts."""

from datetime import date
from typing import Any

from openbenefits.core.codes import (
    AreaOf,
    ChangeKind,
    DefaultMethod,
    LastDay,
    PersonType,
    RateUnit,
    SelectAllowed,
)

CENTS, MICROS = 100, 1_000_000
HUNDREDTHS, THOUSANDTHS = 100, 1_000

SELECT_WORDS = {
    SelectAllowed.ALL: "all eligible options may be chosen",
    SelectAllowed.CURRENT: "only options of the present plan may be chosen",
    SelectAllowed.CURRENT_OR_WAIVE: "only options of the present plan, or declining it, may be chosen",
    SelectAllowed.NONE: "nothing may be chosen",
}
PLEDGE_WORDS = {
    "increase": "the pledge may only rise",
    "decrease": "the pledge may only fall",
    "none": "the pledge may not change",
}
METHOD_WORDS = {
    DefaultMethod.CURRENT_ELSE_NONE: "the present option if still eligible, else nothing",
    DefaultMethod.CURRENT_ELSE_OPTION: "the present option if still eligible, else the default option",
    DefaultMethod.CURRENT_ELSE_LOWEST: "the present option if still eligible, else the lowest level",
    DefaultMethod.OPTION: "the default option",
    DefaultMethod.TERMINATE: "coverage ends",
    DefaultMethod.WAIVE: "coverage is declined",
    DefaultMethod.LEAVE: "what holds stays as it is",
}
REASON_WORDS = {
    "current": "keeps {option}, which is still eligible",
    "reinstated": "{option} again, as it ended so shortly before",
    "retiered": "{option}, the same plan for those who remain covered",
    "default option": "{option}, the plan document's default",
    "lowest level": "{option}, the lowest level",
    "waiver": "declined ({option})",
    "ends": "coverage ends",
    "untouched": "what holds stays as it is",
    "nothing": "nothing, as nothing is in force",
}
FAULT_WORDS = {
    "none": "no eligible option could be the default",
    "several": "several options are flagged as default at the lowest level",
}
PRICE_FAULT_WORDS = {
    "birth": "no price: a birth date is missing",
    "area": "no price: the address that rates go by has no rating area",
    "rate": "no price: the table has no rate for these keys",
    "coverage": "no price: the coverage amount is not known",
    "contribution": "no price: no contribution for the coverage code",
    "imputed": "no imputed income: no option without those who are no tax dependents",
    "calendar": "no price per pay: the pay calendar does not cover the year",
    "deduction code": "no price: the option has no deduction code",
}
AREA_NAMES = {
    AreaOf.HOME: "area",
    AreaOf.COMPANY: "area of the company's address",
    AreaOf.LOCATION: "area of the place of work",
}
KIND_WORDS = {
    ChangeKind.ELECTED: "elected",
    ChangeKind.DEFAULTED: "by default",
    ChangeKind.WAIVED: "declined",
    ChangeKind.TERMINATED: "ended",
    ChangeKind.NEVER_ENROLLED: "never enrolled",
    ChangeKind.INELIGIBLE: "no longer eligible",
}
PERSON_WORDS = {
    PersonType.SPOUSE: "spouse",
    PersonType.DOMESTIC_PARTNER: "domestic partner",
    PersonType.CHILD: "child",
    PersonType.ADULT_CHILD: "adult child",
    PersonType.OTHER_QUALIFIED: "other qualified dependent",
    PersonType.NON_QUALIFIED: "not a qualified dependent",
    PersonType.SAME_SEX_SPOUSE: "same-sex spouse",
    PersonType.EX_SPOUSE: "former spouse",
    PersonType.BENEFICIARY: "beneficiary",
}
LAST_DAY_WORDS = {
    LastDay.BIRTHDAY: "that birthday",
    LastDay.MONTH_END: "the month of that birthday",
    LastDay.YEAR_END: "the year of that birthday",
    LastDay.PLAN_YEAR_END: "the plan year of that birthday",
}
SOURCE_WORDS = {
    "TJ": "a job row",
    "TL": "a change of union",
    "TP": "a change of address",
    "MJ": "another job",
    "EX": "another record of the same person",
    "BP": "a change of the benefits person",
    "PB": "an age that was reached",
    "PS": "a length of service that was reached",
    "ME": "a report",
    "OE": "open enrolment",
    "SN": "a snapshot",
}
EVENT_STATUS_WORDS = {"O": "open", "C": "closed", "D": "disconnected", "V": "void"}
FREQUENCY_WORDS = {
    "A": "year",
    "Q": "quarter",
    "M": "month",
    "S": "half month",
    "B": "two-week period",
    "W": "week",
    "D": "working day",
    "D365": "day",
}
UNIT_WORDS = {
    RateUnit.FLAT: "",
    RateUnit.PER_HUNDRED: " per $100",
    RateUnit.PER_THOUSAND: " per $1,000",
    RateUnit.PERCENT_OF_BASE: "% of annual pay",
}
UNKNOWN = "not known"


def day(on: date | None) -> str:
    """Write a day as letters do.

    >>> day(date(2026, 5, 1))
    'May 1, 2026'
    """
    return UNKNOWN if on is None else f"{on:%B} {on.day}, {on.year}"


def money(cents: int | None) -> str:
    """Write cents as dollars.

    >>> money(123456), money(-5), money(None)
    ('$1,234.56', '-$0.05', 'not known')
    """
    if cents is None:
        return UNKNOWN
    sign, size = ("-" if cents < 0 else ""), abs(cents)
    return f"{sign}${size // CENTS:,}.{size % CENTS:02}"


def whole_money(cents: int | None) -> str:
    """Write cents as dollars, without cents where there are none.

    >>> whole_money(15000000)
    '$150,000'
    """
    return money(cents).removesuffix(".00")


def decimal(amount: int, unit: int, *, least: int = 0) -> str:
    """Write a whole number of small units with as many decimals as it needs.

    >>> decimal(145_000, 1_000_000), decimal(205_000_000, 1_000_000, least=2), decimal(3750, 100)
    ('0.145', '205.00', '37.5')
    """
    places = len(str(unit)) - 1
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    fraction = f"{size % unit:0{places}}".rstrip("0").ljust(least, "0")
    return f"{sign}{size // unit:,}" + (f".{fraction}" if fraction else "")


def percent(micros: int) -> str:
    """Write millionths of a percent.

    >>> percent(80_000_000)
    '80%'
    """
    return f"{decimal(micros, MICROS)}%"


def listed(texts: list[str]) -> str:
    """Join texts as a sentence does.

    >>> listed(["age", "area", "pay"])
    'age, area and pay'
    """
    return " and ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else "".join(texts)


def wait_words(row: dict[str, Any], prefix: str = "") -> str:
    """Say how long an event rule waits.

    >>> wait_words({"waiting_months": 1, "waiting_days": 30})
    '1 month and 30 days'
    """
    parts = [
        f"{row[prefix + name]} {unit}{'' if row[prefix + name] == 1 else 's'}"
        for name, unit in (("waiting_months", "month"), ("waiting_days", "day"))
        if row[prefix + name]
    ]
    return listed(parts)
