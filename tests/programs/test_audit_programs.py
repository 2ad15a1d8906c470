"""Each fault of a program is one finding that says where."""

import pytest

from .auditing import FEE, HMO, LIFE, MAIN, audited_client, no_credits, option, plan_type, program, the_one

PROGRAM_FAULTS = [
    # references
    ("programs", lambda s: program(s).update(eligibility="FUL"), "unknown_code", MAIN),
    ("programs", lambda s: plan_type(s).update(dependent_rule="X"), "unknown_code", f"{MAIN}.plan_types[10]"),
    (
        "programs",
        lambda s: plan_type(s, "60").update(event_rule="X"),
        "unknown_code",
        f"{MAIN}.plan_types[60]",
    ),
    ("programs", lambda s: option(s).update(service_area="east"), "unknown_code", HMO),
    ("programs", lambda s: option(s, "20").update(formula="TWO"), "unknown_code", LIFE),
    ("programs", lambda s: option(s).update(deduction_code="X"), "unknown_code", HMO),
    ("programs", lambda s: option(s).update(coverage_codes=["1", "9"]), "unknown_code", HMO),
    ("programs", lambda s: option(s)["costs"][0].update(rate_table="hmos"), "unknown_code", HMO),
    ("programs", lambda s: option(s)["costs"][0].update(contribution="X"), "unknown_code", HMO),
    ("programs", lambda s: program(s)["credits"][0].update(rate_table="X"), "unknown_code", MAIN),
    (
        "programs",
        lambda s: (
            s[0]["plan_types"][0]["options"][0].update(coverage_codes=["4"], default="4"),
            s[0]["plan_types"][0].update(restrict_entry_months=-1),
        ),
        "re_entry",
        "programs[MAIN from 2026-01-01].plan_types[10]",
    ),
    (
        "programs",
        lambda s: s[0]["plan_types"][0].update(waive="not_applicable"),
        "waive_credits",
        "programs[MAIN from 2026-01-01].plan_types[10]",
    ),
    (
        "programs",
        lambda s: s[0]["plan_types"][1].update(waive="not_applicable", restrict_entry_months=12),
        "re_entry",
        "programs[MAIN from 2026-01-01].plan_types[20]",
    ),
    ("programs", lambda s: option(s, "20").update(premium_formula="NONE"), "unknown_code", LIFE),
    (
        "programs",
        lambda s: option(s, "20").update(
            premium_formula="ONE-PAY", costs=[{"rate_table": "credit", "contribution": "ALL"}]
        ),
        "premium_rate",
        LIFE,
    ),
    ("programs", lambda s: program(s).update(deductions=[FEE, FEE]), "deduction_twice", MAIN),
    ("programs", lambda s: program(s)["credits"][0].update(eligibility="X"), "unknown_code", MAIN),
    (
        "programs",
        lambda s: program(s).update(deductions=[FEE], credits=[], event_rule=None),
        "no_event_rule",
        MAIN,
    ),
    # credits left over
    (
        "programs",
        lambda s: program(s).update(excess_cost_plan_types=["11"]),
        "excess_cost_plan_types",
        MAIN,
    ),
    (
        "programs",
        lambda s: program(s).update(rollover_plan_types=["60", "60"]),
        "rollover_plan_types",
        MAIN,
    ),
    ("programs", lambda s: program(s).update(rollover_plan_types=["20"]), "rollover_account", MAIN),
    ("programs", lambda s: program(s).update(excess_credits="rolled_over"), "no_rollover", MAIN),
    ("programs", lambda s: program(s).update(rollover_by_choice=True), "no_rollover", MAIN),
    (
        "programs",
        lambda s: (program(s).update(excess_credits="forfeited", credits=[]), no_credits(s)),
        "no_credits",
        MAIN,
    ),
    # what elections are checked by
    ("programs", lambda s: option(s, "20").update(requires={"plan_type": "20"}), "requirement", LIFE),
    ("programs", lambda s: option(s, "20").update(requires={"plan_type": "21"}), "requirement", LIFE),
    (
        "programs",
        lambda s: option(s, "20").update(requires={"plan_type": "10", "plan": "FSA"}),
        "requirement",
        LIFE,
    ),
    (
        "programs",
        lambda s: option(s, "20").update(requires={"plan_type": "10", "plan": "X"}),
        "unknown_code",
        LIFE,
    ),
    (
        "programs",
        lambda s: option(s, "20").update(requires={"plan_type": "10", "coverage_percent": 50}),
        "requirement",
        LIFE,
    ),
    (
        "programs",
        lambda s: option(s, "20").update(requires={"plan_type": "10", "check_dependents": True}),
        "requirement",
        LIFE,
    ),
    (
        "programs",
        lambda s: [
            option(s, "20").update(requires={"plan_type": "10"}),
            option(s).update(requires={"plan_type": "20"}),
        ],
        "circle",
        MAIN,
    ),
    (
        "programs",
        lambda s: plan_type(s, "60").update(excluded_coverage=[{"plan_type": "60"}]),
        "exclusion",
        f"{MAIN}.plan_types[60]",
    ),
    (
        "programs",
        lambda s: plan_type(s, "60").update(excluded_coverage=[{"plan_type": "20", "plan": "HMO"}]),
        "exclusion",
        f"{MAIN}.plan_types[60]",
    ),
    (
        "programs",
        lambda s: plan_type(s, "60").update(excluded_coverage=[{"plan_type": "10", "plan": "X"}]),
        "unknown_code",
        f"{MAIN}.plan_types[60]",
    ),
    (
        "programs",
        lambda s: plan_type(s, "60").update(annual_limit="X"),
        "unknown_code",
        f"{MAIN}.plan_types[60]",
    ),
    (
        "programs",
        lambda s: plan_type(s, "20").update(annual_limit="fsa"),
        "annual_limit",
        f"{MAIN}.plan_types[20]",
    ),
    (
        "programs",
        lambda s: plan_type(s, "60").update(month_rule=True, annual_limit=None),
        "annual_limit",
        f"{MAIN}.plan_types[60]",
    ),
    (
        "programs",
        lambda s: plan_type(s, "60").update(maximum_total_percent=10),
        "limits",
        f"{MAIN}.plan_types[60]",
    ),
    ("programs", lambda s: option(s).update(hours={"trade": "buy"}), "hours", HMO),
    ("programs", lambda s: plan_type(s).update(collect="none"), "collect", f"{MAIN}.plan_types[10]"),
    # programs
    ("programs", lambda s: program(s).update(event_rule=None), "no_event_rule", MAIN),
    ("programs", lambda s: plan_type(s, "20").update(options=[]), "no_options", f"{MAIN}.plan_types[20]"),
    ("programs", lambda s: plan_type(s, "60").update(invested=True), "no_funds", f"{MAIN}.plan_types[60]"),
    (
        "programs",
        lambda s: plan_type(s, "60").update(minimum_pledge=9999),
        "limits",
        f"{MAIN}.plan_types[60]",
    ),
    ("programs", lambda s: plan_type(s, "20").update(maximum_percent=5), "limits", f"{MAIN}.plan_types[20]"),
    ("programs", lambda s: option(s).pop("default"), "no_default", f"{MAIN}.plan_types[10]"),
    ("programs", lambda s: option(s, "20").update(default="1"), "default_code", LIFE),
    ("programs", lambda s: option(s).update(plan=None), "no_plan", HMO),
    ("programs", lambda s: option(s).update(plan="LIFE"), "plan_of_type", HMO),
    ("programs", lambda s: option(s, "20").pop("formula"), "coverage_amount", LIFE),
    ("programs", lambda s: option(s, "20").update(coverage_amount=1), "coverage_amount", LIFE),
    ("programs", lambda s: option(s).update(coverage_amount=1), "coverage_amount", HMO),
    ("programs", lambda s: option(s, "20").update(coverage_codes=["1"]), "coverage_codes", LIFE),
    # prices
    ("programs", lambda s: option(s).update(costs=[]), "no_price", HMO),
    ("programs", lambda s: option(s).pop("deduction_code"), "no_deduction_code", HMO),
    ("programs", lambda s: option(s)["costs"][0].update(rate_table="life"), "rate_unit", HMO),
]


@pytest.mark.parametrize(("section", "change", "code", "where"), PROGRAM_FAULTS)
def test_a_fault_of_a_program_is_one_finding(tmp_path, section, change, code, where):
    assert the_one(audited_client(tmp_path, **{section: change})) == (code, where)
