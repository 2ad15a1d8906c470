"""What every strategy of the laws draws with: code lists, days, dollars, percentages, dated rows."""

from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

Row = dict[str, Any]
Triple = tuple[Row, Row, Row]
MICRO = Decimal("0.000001")
ORIGIN = date(2020, 1, 1)
SOURCE = {"source": "generated"}
EVENT_CLASSES = ("HIR", "MSC", "TER", "OE", "BIR")
BASE_TYPES = ("BASE", "WITH-BONUS")
COVERAGE_CODES = ("EE", "ES", "EC", "FAM", "ED", "SS", "DN", "PA", "PN")
ZIPS = ("90001", "90002", "10001", "10002")
HEALTH = ("10", "1A")
GRADED_BY_PAY = ("20", "30", "31")
FIXED = ("21", "2Y")
PLEDGED = ("60", "61", "67", "6A")  # 6A: another HSA, or a second account under a limit
PLAN_TYPES = (*HEALTH, *GRADED_BY_PAY, *FIXED, *PLEDGED, "40", "51")
LISTS = {
    "benefit_group": ("BG", "BH"),
    "company": ("CO", "CP"),
    "company_pay_group": ("CO/BW", "CO/WK", "CP/BW", "CP/MO"),
    "department": ("D1", "D2"),
    "eeo_class": ("E", "M"),
    "employee_type": ("S", "H"),
    "job_function": ("IT", "OPS"),
    "medicare": ("Y", "N"),
    "officer_code": ("C", "N"),
    "regulatory_region": ("USA", "PR"),
    "salary_grade": ("1", "2"),
    "salary_plan": ("A", "B"),
    "config_1": ("X", "Y"),
    "config_2": ("X", "Y"),
    "config_9": ("X", "Y"),
    "employee_class": ("REG", "TMP", "EXE"),
    "flsa_status": ("N", "X"),
    "full_part_time": ("F", "P"),
    "job_code": ("CLERK", "COOK"),
    "job_status": ("A", "L", "P", "T"),
    "location": ("HQ", "PLANT"),
    "pay_group": ("BW", "WK", "SM", "MO"),
    "regular_temporary": ("R", "T"),
    "state": ("CA", "NY"),
    "union_code": ("NONE", "U1"),
}
RANGES = {
    "age_years": (18, 70),
    "service_months": (0, 60),
    "weekly_hours": (15, 40),
    "annual_pay": (0, 90_000),
}
SUMMED = ("weekly_hours", "annual_pay")
EDGES = {
    "age": ("age_from", (0, 21, 30, 45, 65)),
    "area": ("area", ("1", "2")),
    "coverage_code": ("coverage_code", COVERAGE_CODES),
    "smoker": ("smoker", (False, True)),
    "sex": ("sex", ("F", "M", "X")),
    "person_type": ("person_type", ("EE", "SP", "DP", "SS", "CH", "AC", "OD", "NQ")),
    "service": ("service_months_from", (0, 12, 60)),
    "pay": ("annual_pay_from", (Decimal(0), Decimal("40000.50"), Decimal(80_000))),
}


def rarely(draw: DrawFn, times_in: int = 12) -> bool:
    return draw(st.integers(1, times_in)) == times_in


def or_missing(draw: DrawFn, value: SearchStrategy, times_in: int = 16) -> Any:
    return None if rarely(draw, times_in) else draw(value)


def dollars(least: int, most: int) -> SearchStrategy[Decimal]:
    """Amounts in whole dollars as well as odd cents."""
    whole = st.integers(least, most).map(Decimal)
    return whole | st.integers(least * 100, most * 100).map(lambda cents: Decimal(cents) / 100)


def percents(most: int = 100) -> SearchStrategy[Decimal]:
    round_ones = st.sampled_from([Decimal(value) for value in (0, 25, 50, 80, 100) if value <= most])
    return round_ones | st.integers(0, most * 1000).map(lambda thousandths: Decimal(thousandths) / 1000)


@cache
def days(first: date, last: date) -> SearchStrategy[date]:
    """Days, with month ends, month begins and 29 February more often than chance has them."""
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    begins = [date(month // 12, month % 12 + 1, 1) for month in months]
    turns = [day + timedelta(more) for day in begins for more in (-1, 0, 28)]
    edges = sorted({day for day in turns if day.day in (1, 29) or (day + timedelta(1)).day == 1})
    within = [day for day in edges if first <= day <= last]
    return st.dates(first, last) | st.sampled_from(within or [first])


def dated(draw: DrawFn, row: SearchStrategy[Row]) -> list[Row]:
    """Draw one row from the origin, and sometimes another from a day of 2026."""
    rows = [{"from": ORIGIN, **SOURCE, **draw(row)}]
    if rarely(draw, 3):
        since = draw(st.sampled_from([date(2026, 3, 1), date(2026, 7, 1), date(2026, 10, 15)]))
        rows.append({"from": since, **SOURCE, **draw(row)})
        if rarely(draw, 4):  # the record is switched off, and may come back
            rows[-1]["active"] = False
            if draw(st.booleans()):
                rows.append({"from": date(2026, 12, 1), **SOURCE, **draw(row)})
    return rows
