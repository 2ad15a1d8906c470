"""Each fault of a client's set-up, but for its programs, is one finding that says where."""

from datetime import date

import pytest

from .auditing import (
    FEE,
    FULL,
    HEALTH,
    HMO,
    MAIN,
    ONE_PAY,
    audited_client,
    criteria,
    disability,
    program,
    the_one,
)
from .factories import DATED

CLIENT_FAULTS = [
    ("pay_groups", lambda s: s[0].update(company="ACE"), "unknown_code", "pay_groups[BW]"),
    ("run_controls", lambda s: s[0].update(schedule="X"), "unknown_code", "run_controls[NIGHT]"),
    ("schedules", lambda s: s[1].update(programs={"MAINE": []}), "unknown_code", "schedules[OE26]"),
    (
        "event_rules",
        lambda s: s[0]["classes"][0].update(event_class="HR"),
        "unknown_code",
        f"{HEALTH}.classes[HR]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "company", "values": ["ACE"]}),
        "unknown_code",
        f"{FULL}.criteria[company]",
    ),
    ("eligibility_rules", lambda s: s[0].update({"from": date(2026, 7, 1)}), "begins_late", MAIN),
    # rules
    ("eligibility_rules", criteria({"field": "age"}), "criterion", f"{FULL}.criteria[age]"),
    (
        "eligibility_rules",
        criteria({"field": "age_years", "min": 21, "as_of": "this_year"}),
        "criterion",
        f"{FULL}.criteria[age_years]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "age_years", "min": 21, "as_of": "this_year", "as_of_day": "02-30"}),
        "criterion",
        f"{FULL}.criteria[age_years]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "age_years", "min": 21, "as_of": "last_year", "as_of_day": "2-1"}),
        "criterion",
        f"{FULL}.criteria[age_years]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "age_years", "min": 21, "as_of_day": "12-31"}),
        "criterion",
        f"{FULL}.criteria[age_years]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "age_years", "min": 21, "jobs": "flagged"}),
        "criterion",
        f"{FULL}.criteria[age_years]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "age_years", "min": 21, "active_only": True}),
        "criterion",
        f"{FULL}.criteria[age_years]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "age_years", "min": 21, "evaluation": "all"}),
        "criterion",
        f"{FULL}.criteria[age_years]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "weekly_hours", "min": 30, "as_of": "this_year", "as_of_day": "12-31"}),
        "criterion",
        f"{FULL}.criteria[weekly_hours]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "weekly_hours", "min": 30, "evaluation": "sum"}),
        "criterion",
        f"{FULL}.criteria[weekly_hours]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "location", "values": ["A"], "jobs": "flagged", "evaluation": "sum"}),
        "criterion",
        f"{FULL}.criteria[location]",
    ),
    (
        "eligibility_rules",
        criteria(
            {
                "any": [
                    {"field": "age_years", "min": 21},
                    {"all": [{"field": "weekly_hours", "min": 30}, {"field": "location", "values": ["A"]}]},
                ]
            }
        ),
        "link",
        FULL,
    ),
    (
        "eligibility_rules",
        criteria(
            {
                "any": [
                    {"field": "age_years", "min": 21},
                    {
                        "any": [{"field": "weekly_hours", "min": 30}, {"field": "location", "values": ["A"]}],
                        "exclude": True,
                    },
                ]
            }
        ),
        "link",
        FULL,
    ),
    (
        "eligibility_rules",
        criteria({"any": []}),
        "link",
        FULL,
    ),
    (
        "eligibility_rules",
        criteria(
            {
                "any": [{"field": "age_years", "min": 21}, {"field": "weekly_hours", "min": 30}],
                "field": "location",
            }
        ),
        "link",
        f"{FULL}.criteria[location]",
    ),
    (
        "eligibility_rules",
        criteria(
            {
                "any": [{"field": "age_years", "min": 21}, {"field": "weekly_hours", "min": 30}],
                "all": [{"field": "location", "values": ["A"]}, {"field": "state", "values": ["MA"]}],
            }
        ),
        "link",
        f"{FULL}.criteria[1]",
    ),
    (
        "eligibility_rules",
        criteria({"any": [{"field": "age_years", "min": 21}, {"field": "age_years", "min": 21}]}),
        "criterion",
        FULL,
    ),
    (
        "eligibility_rules",
        criteria({"any": [{"field": "age"}, {"field": "weekly_hours", "min": 30}]}),
        "criterion",
        f"{FULL}.criteria[1].any[age]",
    ),
    (
        "eligibility_rules",
        criteria(
            *(
                {
                    "any": [
                        {"field": f"config_{2 * n + 1}", "values": ["A"]},
                        {"field": f"config_{2 * n + 2}", "values": ["A"]},
                    ]
                }
                for n in range(4)
            )
        ),
        "link",
        FULL,
    ),
    ("eligibility_rules", criteria({"field": "age_years"}), "criterion", f"{FULL}.criteria[age_years]"),
    (
        "eligibility_rules",
        criteria({"field": "age_years", "min": 30, "max": 20}),
        "criterion",
        f"{FULL}.criteria[age_years]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "weekly_hours", "min": 37.125}),
        "criterion",
        f"{FULL}.criteria[weekly_hours]",
    ),
    ("eligibility_rules", criteria({"field": "state", "values": []}), "criterion", f"{FULL}.criteria[state]"),
    (
        "eligibility_rules",
        criteria({"field": "home_zip", "values": ["02101"]}),
        "criterion",
        f"{FULL}.criteria[home_zip]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "age_years", "min": 18}, {"field": "age_years", "max": 70}),
        "criterion",
        FULL,
    ),
    ("event_rules", lambda s: s[0]["classes"][1].update(event_class="OE"), "no_row", HEALTH),
    ("event_rules", lambda s: s[1]["classes"].append({}), "row_twice", "event_rules[OTHER from 2026-01-01]"),
    (
        "event_rules",
        lambda s: s[1]["classes"].append({"event_class": "TER", "coverage_ends": "day_before_event"}),
        "end_rule",
        "event_rules[OTHER from 2026-01-01].classes[TER]",
    ),
    (
        "event_rules",
        lambda s: s[1]["classes"].append({"event_class": "TER", "coverage_ends": "day_of_month"}),
        "ends_day",
        "event_rules[OTHER from 2026-01-01].classes[TER]",
    ),
    (
        "event_rules",
        lambda s: s[1]["classes"].append({"event_class": "TER", "ends_day": 10}),
        "ends_day",
        "event_rules[OTHER from 2026-01-01].classes[TER]",
    ),
    (
        "event_rules",
        lambda s: s[0]["classes"][1].update(persons={"child": {"same": False}, "spouse": {"same": True}}),
        "persons",
        f"{HEALTH}.classes[2]",
    ),
    (
        "event_rules",
        lambda s: s[0]["classes"][1].update(
            persons={"partner": {"same": True, "without_current": "required"}}
        ),
        "closes_all",
        "programs[MAIN from 2026-01-01].plan_types[10]",
    ),
    ("event_rules", lambda s: s[0]["classes"][1].update(level_limit=100), "levels", f"{HEALTH}.classes[2]"),
    ("event_rules", lambda s: s[0]["classes"][1].update(proof_rise=-1), "levels", f"{HEALTH}.classes[2]"),
    (
        "event_rules",
        lambda s: s[0]["classes"][1].update(reinstate_within_days=-1),
        "reinstatement",
        f"{HEALTH}.classes[2]",
    ),
    (
        "event_rules",
        lambda s: s[0]["classes"][1].update(reinstate_within_days=367),
        "reinstatement",
        f"{HEALTH}.classes[2]",
    ),
    (
        "event_rules",
        lambda s: s[0]["classes"][1].update(reinstate_within_days=30, ignore=True),
        "no_effect",
        f"{HEALTH}.classes[2]",
    ),
    (
        "event_rules",
        lambda s: s[0]["classes"][1].update(pledge_change="increase"),
        "no_effect",
        f"{HEALTH}.classes[2]",
    ),
    (
        "event_rules",
        lambda s: s[1]["classes"][0].update(persons={"child": {"same": True}}),
        "no_effect",
        "event_rules[OTHER from 2026-01-01].classes[1]",
    ),
    (
        "event_rules",
        lambda s: s[0]["classes"][0].update(coverage_begins="first_of_month_after_receipt"),
        "no_effect",
        f"{HEALTH}.classes[HIR]",
    ),
    ("event_rules", lambda s: s[0].update(source=""), "no_source", HEALTH),
    ("formulas", lambda s: s[0]["steps"][0].update(add=1), "step", f"{ONE_PAY}.steps[1]"),
    ("formulas", lambda s: s[0]["steps"][1].pop("round_up"), "rounding", f"{ONE_PAY}.steps[2]"),
    ("formulas", lambda s: s[0]["steps"].append({"round": "up"}), "rounding", f"{ONE_PAY}.steps[3]"),
    (
        "formulas",
        lambda s: s[0]["steps"].append({"round": "up", "to": 0}),
        "rounding",
        f"{ONE_PAY}.steps[3]",
    ),
    ("formulas", lambda s: s[0]["steps"].append({"divide": 0}), "divisor", f"{ONE_PAY}.steps[3]"),
    (
        "formulas",
        lambda s: s[0]["steps"].append({"add_base": 1, "subtract": 5}),
        "step",
        f"{ONE_PAY}.steps[3]",
    ),
    ("formulas", lambda s: s[0].update(steps=[]), "no_steps", ONE_PAY),
    ("formulas", lambda s: s[0].update(as_of="last_year"), "as_of_day", ONE_PAY),
    ("formulas", lambda s: s[0].update(as_of_day="12-31"), "as_of_day", ONE_PAY),
    ("formulas", lambda s: s[0].update(as_of="check_date", as_of_day="12-31"), "as_of_day", ONE_PAY),
    ("formulas", lambda s: s[0].update(jobs="flagged", benefits_base="BONUS"), "base", ONE_PAY),
    ("formulas", lambda s: s[0].update(active_only=True, benefits_base="BONUS"), "base", ONE_PAY),
    ("formulas", lambda s: s[0].update(disability=disability(60)), "disability", ONE_PAY),
    ("formulas", [{**DATED, "code": "ONE-PAY", "disability": disability(101)}], "percent", ONE_PAY),
    ("formulas", [{**DATED, "code": "ONE-PAY", "disability": disability(0)}], "percent", ONE_PAY),
    (
        "formulas",
        [{**DATED, "code": "ONE-PAY", "base": "weekly_pay", "disability": disability(60)}],
        "disability",
        ONE_PAY,
    ),
    ("contributions", lambda s: s[0].update(reference_option="GOLD"), "reference_option", HMO),
    ("formulas", lambda s: s[0].update(minimum=60000), "bounds", ONE_PAY),
    (
        "formulas",
        lambda s: s[0]["age_reductions"].append({"age_from": 65, "reduce_percent": 50}),
        "age_reductions",
        ONE_PAY,
    ),
    (
        "contributions",
        lambda s: s[0]["rows"][0].update(employee_percent=101),
        "percent",
        "contributions[EIGHTY from 2026-01-01]",
    ),
    (
        "contributions",
        lambda s: s[0]["rows"].append({}),
        "contribution_rows",
        "contributions[EIGHTY from 2026-01-01]",
    ),
    # general credits and deductions
    *(
        ("programs", lambda s, more=more: program(s).update(deductions=[FEE | more]), code, f"{MAIN}{where}")
        for more, code, where in (
            ({"deduction_code": "X"}, "unknown_code", ".deductions[FEE]"),
            ({"rate_table": "X"}, "unknown_code", ".deductions[FEE]"),
            ({"eligibility": "X"}, "unknown_code", ".deductions[FEE]"),
            ({"calculation_rule": "X"}, "unknown_code", ".deductions[FEE]"),
            ({"contribution": "X"}, "unknown_code", ".deductions[FEE]"),
            ({"code": "CREDIT-1"}, "deduction_twice", ""),
            ({"rate_table": "hmo"}, "rate_unit", ".deductions[FEE]"),
        )
    ),
    # waiting periods, dependents
    ("event_rules", lambda s: s[0]["classes"][0].update(waiting_days=91), "wait", f"{MAIN}.plan_types[10]"),
    (
        "dependent_rules",
        [{**DATED, "code": "HEALTH", "age_limit": 26, "relationships": []}],
        "relationships",
        "dependent_rules[HEALTH from 2026-01-01]",
    ),
    (
        "dependent_rules",
        [{**DATED, "code": "HEALTH", "age_limit": 26, "relationships": ["SP", "CH", "XS"]}],
        "relationships",
        "dependent_rules[HEALTH from 2026-01-01]",
    ),
    (
        "dependent_rules",
        [{**DATED, "code": "HEALTH", "age_limit": 25}],
        "dependent_rule",
        f"{MAIN}.plan_types[10]",
    ),
    (
        "dependent_rules",
        [{**DATED, "code": "HEALTH", "age_limit": 26, "last_day": "plan_year_end", "plan_year_begins": 7}],
        "plan_year",
        f"{MAIN}.plan_types[10]",
    ),
    (
        "dependent_rules",
        [{**DATED, "code": "HEALTH", "age_limit": 26, "student_age_limit": 30}],
        "dependent_rule",
        f"{MAIN}.plan_types[10]",
    ),
    (
        "dependent_rules",
        [{**DATED, "code": "HEALTH", "age_limit": 26, "married_ineligible": True}],
        "dependent_rule",
        f"{MAIN}.plan_types[10]",
    ),
    (
        "coverage_groups",
        [{**DATED, "code": "ALL", "maximum": 500000}],
        "group",
        "coverage_groups[ALL from 2026-01-01]",
    ),
    ("funds", [{"plan_type": "B4", "code": "F", "name": "Fund"}], "plan_type", "funds[F]"),
    (
        "contributions",
        lambda s: s[0]["rows"][0].update(coverage_code="1"),
        "no_contribution",
        HMO,
    ),
    # calendars
    (
        "pay_groups",
        lambda s: s[0].update(calendar_through=date(2026, 6, 30)),
        "no_calendar",
        "pay_groups[BW]",
    ),
    (
        "pay_groups",
        lambda s: s[0].update(first_period_begins=date(2026, 2, 2)),
        "no_calendar",
        "pay_groups[BW]",
    ),
    ("pay_groups", lambda s: s[0].update(calendar_through=date(2025, 1, 1)), "calendar", "pay_groups[BW]"),
    ("pay_groups", lambda s: s[0].update(frequency="monthly"), "calendar_begin", "pay_groups[BW]"),
    ("schedules", lambda s: s[1].pop("period_ends"), "schedule_needs", "schedules[OE26]"),
    ("schedules", lambda s: s[1].pop("event_class"), "schedule_needs", "schedules[OE26]"),
    ("schedules", lambda s: s[1].update(event_class="SNP"), "schedule_class", "schedules[OE26]"),
    ("schedules", lambda s: s[1].update(window_ends=date(2025, 10, 1)), "schedule_days", "schedules[OE26]"),
    ("schedules", lambda s: s[1].update(programs={"MAIN": ["30"]}), "schedule_plan_type", "schedules[OE26]"),
    (
        "run_controls",
        lambda s: (s[0].update(kind="reprocess"), s[0].pop("schedule")),
        "no_schedule",
        "run_controls[NIGHT]",
    ),
    (
        "run_controls",
        lambda s: s[0].update(kind="reprocess", through="schedule"),
        "reprocess_level",
        "run_controls[NIGHT]",
    ),
    ("run_controls", lambda s: s[0].update(repeats="once"), "no_day", "run_controls[NIGHT]"),
]


@pytest.mark.parametrize(("section", "change", "code", "where"), CLIENT_FAULTS)
def test_a_fault_of_a_client_is_one_finding(tmp_path, section, change, code, where):
    assert the_one(audited_client(tmp_path, **{section: change})) == (code, where)
