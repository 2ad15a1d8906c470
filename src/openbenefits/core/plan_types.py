"""Plan types: two characters, of which the first says the category (docs/glossary.md).

Each category has room for 36 plan types; those with a name of their own are DELIVERED, the others are the
client's to use.
"""

from string import ascii_uppercase, digits

import polars as pl

PROGRAM = "01"
"""The plan type of the program itself: its general credits."""

HSA = "67"
HSA_LIMIT = "hsa_self"
"""The legal limit that makes any spending account (6x) a health savings account: see `is_hsa`."""

CATEGORIES = {
    "1": "health",
    "2": "life",
    "3": "disability",
    "4": "savings",
    "5": "leave",
    "6": "spending account",
    "7": "retirement",
    "8": "pension",
    "9": "vacation",
    "A": "simple benefit",
}
"""What the first character says; simple benefits come last."""

DELIVERED = {
    PROGRAM: "Benefit program",
    "10": "Medical",
    "11": "Dental",
    "12": "Medical and dental",
    "13": "Major medical",
    "14": "Vision",
    "15": "Medical of non-qualified dependents",
    "16": "Dental of non-qualified dependents",
    "17": "Vision of non-qualified dependents",
    "20": "Basic life",
    "21": "Supplemental life",
    "22": "Accidental death and dismemberment",
    "23": "Life and accidental death",
    "24": "Dependent accidental death",
    "25": "Dependent life",
    "26": "Survivor income",
    "27": "Supplemental accidental death",
    "2Y": "Federal life (2Y)",
    "2Z": "Federal life (2Z)",
    "30": "Short-term disability",
    "31": "Long-term disability",
    "40": "401(k)",
    "41": "Profit sharing",
    "42": "Thrift",
    "43": "IRA",
    "44": "Capital accumulation",
    "45": "US savings bonds",
    "46": "Elective 403(b)",
    "47": "Non-elective 403(b)",
    "48": "Employer-only 403(b)",
    "49": "457(b)",
    "4A": "Stock purchase",
    "50": "Sick leave",
    "51": "Vacation",
    "60": "Health care spending account (health FSA)",
    "61": "Dependent care spending account",
    "65": "Health care spending account (Canada)",
    "66": "Retirement counselling (Canada)",
    HSA: "Health savings account (HSA)",
    "90": "Vacation bought or sold",
    "A0": "Long-term care",
    "A1": "Legal services",
    "A2": "Wellness credit",
}

_CODES = (PROGRAM, *(first + second for first in CATEGORIES for second in digits + ascii_uppercase))

PLAN_TYPES: dict[str, str] = {
    code: DELIVERED.get(code, f"User-defined {CATEGORIES[code[0]]} ({code})")
    if code != PROGRAM
    else DELIVERED[PROGRAM]
    for code in _CODES
}
"""Every plan type there can be, and its name."""

NUMBERED = pl.Enum(list(PLAN_TYPES))
"""Plan types as numbers below MOST_PLAN_TYPES: their places among all there can be."""
MOST_PLAN_TYPES = len(PLAN_TYPES)


def is_health(plan_type: str) -> bool:
    """Tell whether coverage codes and covered dependents apply (plan types 1x)."""
    return plan_type.startswith("1")


def carries_coverage_amount(plan_type: str) -> bool:
    """Tell whether a coverage amount in dollars applies (plan types 2x and 3x)."""
    return plan_type.startswith(("2", "3"))


def has_rates(plan_type: str) -> bool:
    """Tell whether a carrier's rates give the price (1x, 2x, 3x, Ax); else people state an amount."""
    return plan_type.startswith(("1", "2", "3", "A"))


def is_spending_account(plan_type: str) -> bool:
    """Tell whether what is pledged for a year is spent within it (plan types 6x, not the HSA)."""
    return plan_type.startswith("6") and plan_type != HSA


def is_hsa(plan_type: str, annual_limit: str | None) -> bool:
    """Tell whether a plan type of a program is a health savings account, whatever its code among 6x.

    >>> is_hsa("67", None), is_hsa("6A", "hsa_self"), is_hsa("6A", "health_fsa_salary_reduction")
    (True, True, False)
    """
    return plan_type == HSA or (plan_type.startswith("6") and annual_limit == HSA_LIMIT)


def is_hsa_row() -> pl.Expr:
    """`is_hsa` of rows with plan_type and annual_limit."""
    named = pl.col("plan_type").str.starts_with("6") & (pl.col("annual_limit") == HSA_LIMIT)
    return (pl.col("plan_type") == HSA) | named.fill_null(value=False)


def is_savings(plan_type: str) -> bool:
    """Tell whether money is put by in a savings plan (plan types 4x)."""
    return plan_type.startswith("4")


def is_vacation(plan_type: str) -> bool:
    """Tell whether vacation is bought or sold (plan types 9x)."""
    return plan_type.startswith("9")


MEDICAL = ("10", "12", "13", "15")
"""The plan types of medical coverage: a past day of it cannot simply be taken away (rulings §6.1)."""

HEALTH = tuple(code for code in PLAN_TYPES if is_health(code))
SPENDING_ACCOUNTS = tuple(code for code in PLAN_TYPES if is_spending_account(code))
SAVINGS = tuple(code for code in PLAN_TYPES if is_savings(code))
VACATIONS = tuple(code for code in PLAN_TYPES if is_vacation(code))


def is_one_of(plan_types: tuple[str, ...], column: str = "plan_type") -> pl.Expr:
    """Whether a column holds one of the plan types of a category (HEALTH, SAVINGS, …)."""
    return pl.col(column).is_in(plan_types)
