"""The named SQL of listings of set-up: rows of the releases in force, with the codes people know."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from openbenefits.store.bulk import copy_out

_TEXT, _DATE, _FLAG, _INT, _BIG = pl.String(), pl.Date(), pl.Boolean(), pl.Int32(), pl.Int64()

IN_FORCE = "JOIN programs_bundle AS {0}b ON {0}b.release_id = {0}.release_id"


def _of(alias: str) -> str:
    return IN_FORCE.format(alias)


def _codes(table: str, key: str, alias: str) -> str:
    """Join the code of a record, by its number, whichever bundle it is of."""
    return f"""LEFT JOIN (
    SELECT DISTINCT ON (x.{key}) x.{key}, x.code FROM {table} AS x
    JOIN programs_bundle AS xb ON xb.release_id = x.release_id ORDER BY x.{key}
) AS {alias}"""


OPTIONS_QUERY = f"""
SELECT c.code AS client, g.code AS program, g.name AS program_name, g.valid_from, g.is_active,
       gr.code AS program_rule, t.plan_type, t.display_order, er.code AS event_rule, t.waive_rule,
       dr.code AS dependent_rule, o.code AS option, o.option_type, o.level, o.is_default, l.code AS plan,
       k.code AS coverage_code, r.code AS eligibility_rule, d.code AS deduction_code
FROM programs_program AS g {_of("g")}
JOIN workforce_client AS c ON c.id = g.client_id
LEFT JOIN programs_plantyperow AS t
  ON t.release_id = g.release_id AND t.program_id = g.program_id AND t.valid_from = g.valid_from
LEFT JOIN programs_option AS o
  ON o.release_id = g.release_id AND o.program_id = g.program_id AND o.valid_from = g.valid_from
 AND o.plan_type = t.plan_type
{_codes("programs_eligibilityrule", "rule_id", "gr")} ON gr.rule_id = g.rule_id
{_codes("programs_eventrule", "event_rule_id", "er")} ON er.event_rule_id = t.event_rule_id
{_codes("programs_dependentrule", "dependent_rule_id", "dr")} ON dr.dependent_rule_id = t.dependent_rule_id
{_codes("programs_plan", "plan_id", "l")} ON l.plan_id = o.plan_id
{_codes("programs_coveragecode", "coverage_code_id", "k")} ON k.coverage_code_id = o.coverage_code_id
{_codes("programs_eligibilityrule", "rule_id", "r")} ON r.rule_id = o.rule_id
{_codes("programs_deductioncode", "deduction_code_id", "d")} ON d.deduction_code_id = o.deduction_code_id
ORDER BY c.code, g.code, g.valid_from, t.display_order, t.plan_type, o.display_order, o.code
"""
OPTIONS = {
    "client": _TEXT,
    "program": _TEXT,
    "program_name": _TEXT,
    "valid_from": _DATE,
    "is_active": _FLAG,
    "program_rule": _TEXT,
    "plan_type": _TEXT,
    "display_order": pl.Int16(),
    "event_rule": _TEXT,
    "waive_rule": _TEXT,
    "dependent_rule": _TEXT,
    "option": _TEXT,
    "option_type": _TEXT,
    "level": pl.Int16(),
    "is_default": _FLAG,
    "plan": _TEXT,
    "coverage_code": _TEXT,
    "eligibility_rule": _TEXT,
    "deduction_code": _TEXT,
}
COSTS_QUERY = f"""
SELECT c.code AS client, g.code AS program, o.plan_type, o.code AS option, x.valid_from, x.cost_type,
       rt.code AS rate_table, rt.frequency, rt.unit, ct.code AS contribution, cr.code AS calculation_rule,
       d.code AS deduction_code, d.tax_class, x.earnings_code
FROM programs_cost AS x {_of("x")}
JOIN workforce_client AS c ON c.id = x.client_id
JOIN programs_option AS o
  ON o.release_id = x.release_id AND o.option_id = x.option_id AND o.valid_from = x.valid_from
JOIN programs_program AS g
  ON g.release_id = x.release_id AND g.program_id = o.program_id AND g.valid_from = x.valid_from
LEFT JOIN (
    SELECT DISTINCT ON (rt.rate_table_id) rt.rate_table_id, rt.code, rt.frequency, rt.unit
    FROM programs_ratetable AS rt {_of("rt")} ORDER BY rt.rate_table_id, rt.valid_from DESC
) AS rt ON rt.rate_table_id = x.rate_table_id
{_codes("programs_contribution", "contribution_id", "ct")} ON ct.contribution_id = x.contribution_id
{_codes("programs_calculationrule", "calculation_rule_id", "cr")}
  ON cr.calculation_rule_id = x.calculation_rule_id
LEFT JOIN (
    SELECT DISTINCT ON (d.deduction_code_id) d.deduction_code_id, d.code, d.tax_class
    FROM programs_deductioncode AS d {_of("d")} ORDER BY d.deduction_code_id
) AS d ON d.deduction_code_id = o.deduction_code_id
ORDER BY c.code, g.code, o.plan_type, o.display_order, o.code, x.valid_from, x.number
"""
COSTS = dict.fromkeys(("client", "program", "plan_type", "option"), _TEXT) | {
    "valid_from": _DATE,
    **dict.fromkeys(
        (
            *("cost_type", "rate_table", "frequency", "unit", "contribution", "calculation_rule"),
            *("deduction_code", "tax_class", "earnings_code"),
        ),
        _TEXT,
    ),
}
RULES_QUERY = f"""
SELECT coalesce(c.code, 'PEO') AS owner, r.code AS rule, r.name, r.valid_from, r.is_active, k.field,
       k.minimum, k.maximum, v.listed, k.is_excluding, k.any_group, k.as_of, k.as_of_day, k.jobs,
       k.is_active_only, k.evaluation
FROM programs_eligibilityrule AS r {_of("r")}
LEFT JOIN workforce_client AS c ON c.id = r.client_id
LEFT JOIN programs_eligibilitycriterion AS k
  ON k.release_id = r.release_id AND k.rule_id = r.rule_id AND k.valid_from = r.valid_from
LEFT JOIN LATERAL (
    SELECT string_agg(v.value, ', ' ORDER BY v.value) AS listed FROM programs_eligibilityvalue AS v
    WHERE v.release_id = k.release_id AND v.rule_id = k.rule_id AND v.valid_from = k.valid_from
      AND v.field = k.field
) AS v ON true
ORDER BY owner, r.code, r.valid_from, k.field
"""
RULES = {
    "owner": _TEXT,
    "rule": _TEXT,
    "name": _TEXT,
    "valid_from": _DATE,
    "is_active": _FLAG,
    "field": _TEXT,
    "minimum": _BIG,
    "maximum": _BIG,
    "listed": _TEXT,
    "is_excluding": _FLAG,
    "any_group": pl.Int16(),
    "as_of": _TEXT,
    "as_of_day": _TEXT,
    "jobs": _TEXT,
    "is_active_only": _FLAG,
    "evaluation": _TEXT,
}
_EVENT_RULE = {
    "valid_from": _DATE,
    "is_active": _FLAG,
    "select_allowed": _TEXT,
    "is_election_required": _FLAG,
    "is_ignored": _FLAG,
    "use_history": _FLAG,
    "pre_enter": _FLAG,
    "default_method": _TEXT,
    "waiting_months": pl.Int16(),
    "waiting_days": pl.Int16(),
    "coverage_begins": _TEXT,
    "deduction_begins": _TEXT,
    "coverage_ends": _TEXT,
    "deduction_ends": _TEXT,
    "ends_day": pl.Int16(),
    "level_limit": pl.Int16(),
    "proof_from_level": pl.Int16(),
    "proof_above_cents": _BIG,
    "reinstate_within_days": pl.Int16(),
    "is_retiering": _FLAG,
    "pledge_change": _TEXT,
}
EVENT_RULES_QUERY = f"""
SELECT coalesce(c.code, 'PEO') AS owner, r.code AS event_rule, coalesce(e.code, 'any other') AS event_class,
       {", ".join(f"r.{name}" for name in _EVENT_RULE)}
FROM programs_eventrule AS r {_of("r")}
LEFT JOIN workforce_client AS c ON c.id = r.client_id
{_codes("programs_eventclass", "event_class_id", "e")} ON e.event_class_id = r.event_class_id
ORDER BY owner, r.code, e.code NULLS LAST, r.valid_from
"""
EVENT_RULES = {"owner": _TEXT, "event_rule": _TEXT, "event_class": _TEXT} | _EVENT_RULE


def load_programs(connection: Any) -> pl.DataFrame:
    """Load programs with their plan types and options, a row for each option: OPTIONS."""
    return copy_out(connection, OPTIONS_QUERY, OPTIONS)


def load_costs(connection: Any) -> pl.DataFrame:
    """Load what options cost and are credited with, a row for each: COSTS."""
    return copy_out(connection, COSTS_QUERY, COSTS)


def load_rules(connection: Any) -> pl.DataFrame:
    """Load eligibility rules, a row for each criterion: RULES."""
    return copy_out(connection, RULES_QUERY, RULES)


def load_event_rules(connection: Any) -> pl.DataFrame:
    """Load event rules, a row for each class of event: EVENT_RULES."""
    return copy_out(connection, EVENT_RULES_QUERY, EVENT_RULES)


NUMBERS_QUERY = (
    "SELECT id AS person_id, employee_number FROM workforce_person WHERE client_id = ANY (%s::int[])"
)


def load_numbers(connection: Any, client_ids: Sequence[int]) -> pl.DataFrame:
    """Load the employee numbers of clients: person_id, employee_number."""
    schema = {"person_id": _BIG, "employee_number": _TEXT}
    return copy_out(connection, NUMBERS_QUERY, schema, [list(client_ids)])
