"""What an employer may ask for self-only coverage before it counts as unaffordable (26 CFR 54.4980H-5(e)).

Three safe harbours: wages of the W-2, rate of pay, federal poverty line. The percentage is that of the year
in which the plan year begins. Every limit is cut to the cent: rounding up could break the harbour.

Units: amounts in cents; percentages in hundredths of a percent (9.96 % is 996).
"""

from collections.abc import Sequence
from datetime import date

WHOLE = 10_000
"""100 % in hundredths of a percent."""

MONTHS = 12
HOURS_OF_A_MONTH = 130
FIRST_MONTH_OF_A_NEW_GUIDELINE = 2


def poverty_line_maximum(guideline: int, percent: int) -> int:
    """Answer the most a month may cost under the poverty-line harbour.

    `guideline` is that of one person for a year.

    >>> poverty_line_maximum(15_960_00, 1022), poverty_line_maximum(14_580_00, 839)
    (13592, 10193)
    """
    return _not_negative(guideline) * percent // (WHOLE * MONTHS)


def guideline_years(plan_year_begins: date) -> tuple[int, ...]:
    """List the years whose guideline may be used, the later first.

    It must have been in force within the six months before the plan year begins. It is published in January
    and taken to be in force from 1 February.

    >>> [guideline_years(date(year, month, 1)) for year, month in ((2027, 1), (2026, 2), (2026, 8))]
    [(2026,), (2026, 2025), (2026,)]
    """
    year = plan_year_begins.year
    if plan_year_begins.month < FIRST_MONTH_OF_A_NEW_GUIDELINE:
        return (year - 1,)
    is_old_one_in_reach = plan_year_begins < date(year, FIRST_MONTH_OF_A_NEW_GUIDELINE + 6, 1)
    return (year, year - 1) if is_old_one_in_reach else (year,)


def hourly_maximum(rate_at_begin: int, lowest_rate_of_month: int, percent: int) -> int:
    """Answer the most a month may cost somebody paid by the hour, whatever the hours.

    >>> hourly_maximum(15_00, 14_00, 996)
    18127
    """
    rate = min(_not_negative(rate_at_begin), _not_negative(lowest_rate_of_month))
    return HOURS_OF_A_MONTH * rate * percent // WHOLE


def salaried_maximum(monthly_salary_at_begin: int, salary_of_month: int, percent: int) -> int | None:
    """Answer the most a month may cost somebody with a salary; None where the salary was cut.

    >>> salaried_maximum(4_000_00, 4_200_00, 996), salaried_maximum(4_000_00, 3_900_00, 996)
    (39840, None)
    """
    if _not_negative(salary_of_month) < monthly_salary_at_begin:
        return None
    return monthly_salary_at_begin * percent // WHOLE


def wage_maximum(box_1_wages: int, percent: int, *, months_offered: int, months_employed: int) -> int:
    """Answer the most the contributions of a year may come to, by the wages of box 1.

    For part of a year the wages count in proportion to the months offered of those employed.

    >>> wage_maximum(30_000_00, 996, months_offered=12, months_employed=12)
    298800
    >>> wage_maximum(20_000_00, 996, months_offered=5, months_employed=8)
    124500
    """
    if not 0 <= months_offered <= months_employed <= MONTHS or not months_employed:
        message = (
            f"expected 0 <= months offered <= months employed <= 12, found {months_offered}"
            f" and {months_employed}"
        )
        raise ValueError(message)
    return _not_negative(box_1_wages) * months_offered * percent // (months_employed * WHOLE)


def is_affordable_month(contribution: int, maximum: int | None) -> bool | None:
    """Tell whether a month's contribution stays within a harbour; None where the harbour cannot be used."""
    return None if maximum is None else _not_negative(contribution) <= maximum


def is_affordable_year(
    contributions: Sequence[int], box_1_wages: int, percent: int, *, months_offered: int, months_employed: int
) -> bool:
    """Tell whether a year's contributions stay within the wage harbour.

    >>> is_affordable_year([249_00] * 12, 30_000_00, 996, months_offered=12, months_employed=12)
    True
    >>> is_affordable_year([249_01] * 12, 30_000_00, 996, months_offered=12, months_employed=12)
    False
    """
    most = wage_maximum(box_1_wages, percent, months_offered=months_offered, months_employed=months_employed)
    return sum(map(_not_negative, contributions)) <= most


def _not_negative(amount: int) -> int:
    if amount < 0:
        message = f"expected an amount of 0 or more, found {amount} cents"
        raise ValueError(message)
    return amount
