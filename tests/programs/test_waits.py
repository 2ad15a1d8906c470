"""Ninety days: no wait for group health passes them unnoticed, whoever is hired when (rulings §2.7)."""

from bisect import bisect_left
from datetime import date, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.laws.test_kernel_agrees import IS_FUZZING
from tests.oracle.dates import add_months, begin_day, first_of_next_month, month_end

from openbenefits.core.codes import BeginRule, Severity
from openbenefits.programs.audit.waits import HIRE_DATES, longest_wait
from openbenefits.programs.sections.eligibility import EventRuleRow

from .auditing import audited_client
from .factories import DATED

HIRED = [date(2025, 1, 1) + timedelta(n) for n in range(365 * 4 + 1)]
"""Four years, 29 February 2028 among them."""
MOST = 90


# --- the law ------------------------------------------------------------------------------------------------


def orientation_ends(hired_on: date, *, month: bool, days: int) -> date:
    """The day from which waiting counts, by the words of the regulation: at most one calendar month less a day."""
    later = add_months(hired_on, 1)
    last = later if later.day != hired_on.day else later - timedelta(1)
    if month:
        return last + timedelta(1)
    return min(hired_on + timedelta(days), last + timedelta(1))


@cache
def begins(frequency: str, phase: int) -> list[date]:
    """First days of pay periods; weeks may begin on any day."""
    if frequency in ("weekly", "biweekly"):
        step = 7 if frequency == "weekly" else 14
        return [date(2024, 12, 1) + timedelta(phase + step * n) for n in range(2200 // step)]
    firsts = [date(2024 + n // 12, n % 12 + 1, 1) for n in range(11, 90)]
    return (
        sorted([*firsts, *(day.replace(day=16) for day in firsts)]) if frequency == "semimonthly" else firsts
    )


PHASES = {"weekly": 7, "biweekly": 14, "semimonthly": 1, "monthly": 1}
BY_PERIOD = (BeginRule.PAY_PERIOD_AFTER, BeginRule.PAY_PERIOD_ON_OR_AFTER)


def latest_begin(rule: BeginRule, hired_on: date, months: int, days: int, frequency: str) -> date:
    if rule not in BY_PERIOD:
        begin = begin_day(rule, hired_on, None, [], months, days)
        assert begin is not None
        return begin
    waited = add_months(hired_on, months) + timedelta(days)
    first = waited + timedelta(1) if rule == BeginRule.PAY_PERIOD_AFTER else waited
    calendars = [begins(frequency, phase) for phase in range(PHASES[frequency])]
    return max(calendar[bisect_left(calendar, first)] for calendar in calendars)


@settings(max_examples=4000 if IS_FUZZING else 60, deadline=None)
@given(
    rule=st.sampled_from(BeginRule),
    months=st.sampled_from([0, 0, 1, 2, 3, 4]),
    days=st.one_of(
        st.sampled_from([0, 28, 29, 30, 31, 58, 59, 60, 61, 76, 77, 89, 90, 91]), st.integers(0, 120)
    ),
    frequency=st.sampled_from(sorted(PHASES)),
    orientation=st.sampled_from(
        [(False, 0), (False, 0), (True, 0), (False, 14), (False, 28), (False, 30), (False, 31)]
    ),
)
def test_a_wait_is_found_exactly_when_somebody_hired_on_some_day_waits_too_long(
    rule, months, days, frequency, orientation
):
    month, orientation_days = orientation
    row = EventRuleRow(
        waiting_months=months,
        waiting_days=days,
        coverage_begins=rule,
        orientation_month=month,
        orientation_days=orientation_days,
    )
    found = longest_wait(row, {frequency})
    waits = {
        hired_on: (
            (begin := latest_begin(rule, hired_on, months, days, frequency)) - hired_on,
            begin - orientation_ends(hired_on, month=month, days=orientation_days),
        )
        for hired_on in HIRED
    }
    assert found.gross == max(gross.days for gross, _ in waits.values())
    assert found.net == max(net.days for _, net in waits.values())
    assert (found.net > MOST) == any(net.days > MOST for _, net in waits.values())
    if found.worst in waits:
        assert waits[found.worst][1].days == found.net


def test_every_hire_date_of_four_years_is_looked_at():
    assert set(HIRED) <= set(HIRE_DATES.to_list())
    assert date(2028, 2, 29) in HIRE_DATES.to_list()


# --- known answers ------------------------------------------------------------------------------------------

ORIENTATIONS = [
    (date(2026, 5, 3), date(2026, 6, 3)),
    (date(2026, 10, 1), date(2026, 11, 1)),
    (date(2026, 1, 30), date(2026, 3, 1)),
    (date(2028, 1, 30), date(2028, 3, 1)),
    (date(2026, 8, 31), date(2026, 10, 1)),
    (date(2026, 1, 31), date(2026, 3, 1)),
    (date(2026, 2, 1), date(2026, 3, 1)),
]


@pytest.mark.parametrize(("hired_on", "counts_from"), ORIENTATIONS)
def test_an_orientation_of_one_month_ends_as_the_regulation_has_it(hired_on, counts_from):
    """29 CFR 2590.715-2708(c)(3)(iii): 3 May to 2 June; 1 to 31 October; 30 January to the end of February."""
    assert orientation_ends(hired_on, month=True, days=0) == counts_from
    assert month_end(hired_on) + timedelta(1) == first_of_next_month(hired_on)


LEGAL = [
    ({"waiting_days": 60, "coverage_begins": "first_of_month_on_or_after"}, None),
    ({"waiting_days": 59, "coverage_begins": "first_of_month_after"}, None),
    ({"waiting_days": 90}, None),
    ({"waiting_days": 60, "coverage_begins": "first_of_month_after"}, Severity.ERROR),
    ({"waiting_days": 91}, Severity.ERROR),
    ({"waiting_days": 90, "coverage_begins": "day_after_event"}, Severity.ERROR),
    ({"waiting_days": 90, "coverage_begins": "first_of_month_after"}, Severity.ERROR),
    ({"waiting_days": 90, "coverage_begins": "first_of_month_on_or_after"}, Severity.ERROR),
    ({"waiting_months": 3}, Severity.ERROR),
    ({"waiting_days": 120, "wait_exception": "orientation"}, Severity.ERROR),
    ({"waiting_days": 91, "wait_exception": "agreed with the union"}, Severity.ERROR),
    ({"waiting_days": 118, "orientation_days": 28, "wait_exception": "handbook §4"}, Severity.WARNING),
    ({"waiting_days": 119, "orientation_days": 28, "wait_exception": "handbook §4"}, Severity.ERROR),
    ({"waiting_days": 118, "orientation_days": 28}, Severity.ERROR),
    ({"waiting_days": 118, "orientation_month": True, "wait_exception": "handbook §4"}, Severity.WARNING),
    ({"waiting_days": 119, "orientation_month": True, "wait_exception": "handbook §4"}, Severity.ERROR),
    ({"waiting_days": 60, "orientation_month": True}, None),
    (
        {
            "waiting_months": 1,
            "waiting_days": 60,
            "coverage_begins": "first_of_month_on_or_after",
            "orientation_month": True,
            "wait_exception": "handbook §4",
        },
        Severity.WARNING,
    ),
    (
        {
            "waiting_months": 1,
            "waiting_days": 90,
            "coverage_begins": "first_of_month_after",
            "orientation_month": True,
            "wait_exception": "handbook §4",
        },
        Severity.ERROR,
    ),
]


@pytest.mark.parametrize(("row", "severity"), LEGAL)
def test_what_is_lawful(tmp_path, row, severity):
    findings = audited_client(
        tmp_path, event_rules=lambda s: s[0]["classes"][0].update({"waiting_days": 0} | row)
    )
    assert [(one.code, one.severity) for one in findings] == (
        [] if severity is None else [("wait", severity)]
    )


def test_an_exception_that_excuses_nothing_is_named(tmp_path):
    row = {"waiting_days": 120, "wait_exception": "agreed with the union"}
    (finding,) = audited_client(tmp_path, event_rules=lambda s: s[0]["classes"][0].update(row))
    assert "cannot excuse" in finding.found
    assert "agreed with the union" in finding.found
    assert "120 days" in finding.found


@pytest.mark.parametrize(
    "row",
    [{"orientation_days": 32}, {"orientation_days": -1}, {"orientation_days": 5, "orientation_month": True}],
)
def test_an_orientation_is_at_most_one_month(tmp_path, row):
    (finding,) = audited_client(tmp_path, event_rules=lambda s: s[0]["classes"][0].update(row))
    assert finding.code == "orientation"


def later_rule(section: list[Any]) -> None:
    section.append(
        {**section[0], "from": date(2026, 6, 1), "classes": [{"waiting_days": 91, "default": "option"}]}
    )


def test_later_versions_of_a_rule_are_looked_at_too(tmp_path):
    (finding,) = audited_client(tmp_path, event_rules=later_rule)
    assert (finding.code, finding.severity) == ("wait", Severity.ERROR)


SERVICE = [(2, True, False), (3, True, True), (3, False, False)]


@pytest.mark.parametrize(("months", "of_all", "is_found"), SERVICE)
def test_time_of_service_as_a_condition_is_a_wait(tmp_path, months, of_all, is_found):
    """Where every option asks for it; one that does not is a way in."""

    def rules(section: list[Any]) -> None:
        section.append(
            {
                **DATED,
                "code": "SERVED",
                "name": "Served",
                "criteria": [{"field": "service_months", "min": months}],
            }
        )

    def programs(section: list[Any]) -> None:
        options = section[0]["plan_types"][0]["options"]
        options[0]["eligibility"] = "SERVED"
        if not of_all:
            options.append({**options[0], "code": "OTHER", "eligibility": None, "default": False})

    findings = audited_client(tmp_path, eligibility_rules=rules, programs=programs)
    errors = [one.code for one in findings if one.severity is Severity.ERROR]
    assert errors == (["wait"] if is_found else [])
