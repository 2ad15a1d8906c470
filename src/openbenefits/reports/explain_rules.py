"""Eligibility rules criterion by criterion: what was looked at, what was expected, how it came out."""

from typing import Any

import polars as pl

from openbenefits.eligibility.facts import measured
from openbenefits.eligibility.jobs import job_fact, selected
from openbenefits.eligibility.rules import rules_of_cases
from openbenefits.programs.criteria import Variant
from openbenefits.programs.fields import CRITERIA, FACT_COLUMNS, GEOGRAPHY_FIELD, LIST_FIELDS, RANGE_FIELDS
from openbenefits.reports.explain_again import Again
from openbenefits.reports.explain_names import Row, geography_code, row_of, row_on
from openbenefits.reports.explain_parts import CriterionPart, RulePart
from openbenefits.reports.explain_words import HUNDREDTHS, UNKNOWN, decimal, listed, whole_money

ON_THE_DAY = " on the event date"
MEANINGS = {
    **RANGE_FIELDS,
    **LIST_FIELDS,
    "age_years": f"completed years{ON_THE_DAY}",
    "service_months": f"completed months of service{ON_THE_DAY}",
    GEOGRAPHY_FIELD: "home zip",
    "weekly_hours": "standard hours a week",
    "annual_pay": "annual pay",
    "job_status": "job status",
}
JOBS_WORDS = {
    "primary": "of the primary job",
    "flagged": "of the flagged jobs of the benefit record",
    "all_flagged": "of all flagged jobs",
}
EVALUATION_WORDS = {"one": "one", "all": "every one", "sum": "the sum"}


def rule_part(again: Again, rule_id: int | None) -> RulePart:
    """Tell how a rule came out for the person, criterion by criterion."""
    if rule_id is None:
        return RulePart(code="", name="no rule", source="", valid_from=None, result="E", criteria=())
    row = row_on(again.tables["eligibility_rule"], again.event["event_on"], rule_id=rule_id)
    words = row_of(rules_of_cases(again.prepared.trace.eligibility), rule_id=rule_id)
    if row is None or words is None:
        later = row_of(again.tables["eligibility_rule"], rule_id=rule_id) or {
            "code": f"#{rule_id}",
            "name": "",
        }
        return RulePart(**_named(later), source="", valid_from=None, result="unknown", criteria=())
    result = "I" if words["failed"] else "unknown" if words["unknown"] else "E"
    return RulePart(
        **_named(row),
        source=row["source"],
        valid_from=row["valid_from"],
        result=result,
        criteria=tuple(_criterion(again, row, words, field) for field in CRITERIA),
    )


def _named(row: Row) -> Row:
    return {"code": row["code"], "name": row["name"]}


def _criterion(again: Again, rule: Row, words: Row, field: str) -> CriterionPart:
    bit = 1 << CRITERIA.index(field)
    key = {"rule_id": rule["rule_id"], "valid_from": rule["valid_from"], "field": field}
    row = row_of(again.tables["eligibility_criterion"], **key)
    values = again.tables["eligibility_value"].filter(**key)["value"].sort().to_list()
    variant = None if row is None else _variant(again, rule, field)
    return CriterionPart(
        field=field,
        meaning=MEANINGS[field] if variant is None else _meaning(variant),
        result=_result(
            row,
            values,
            is_failed=bool(words["criteria_failed"] & bit),
            is_unknown=bool(words["criteria_unknown"] & bit),
        ),
        value=field_value(again.case, field) if variant is None else _value(again, variant),
        expected="" if row is None else _expected(field, row, values),
        is_against=bool((words["failed"] | words["unknown"]) & bit),
    )


def _variant(again: Again, rule: Row, field: str) -> Variant | None:
    """Find how the rule looks at a field; null if it looks at it in the plain way."""
    rules = again.rulebook.rules.filter(rule_id=rule["rule_id"], valid_from=rule["valid_from"])
    ways = [one for one in again.rulebook.variants if one.field == field and one.key != field]
    return next((one for one in ways if rules[f"{one.key}_out"].is_not_null().any()), None)


def _meaning(variant: Variant) -> str:
    meaning = MEANINGS[variant.field].removesuffix(ON_THE_DAY)
    if not variant.is_of_jobs:
        return f"{meaning} on {variant.as_of_day} of {variant.as_of.replace('_', ' ')}"
    active = ", active ones only" if variant.is_active_only else ""
    return f"{meaning}: {EVALUATION_WORDS[variant.evaluation]} {JOBS_WORDS[variant.jobs]}{active}"


def _value(again: Again, variant: Variant) -> str:
    """Write what a criterion looked at: as of its day, or in each job."""
    if not variant.is_of_jobs:
        return _written_or_unknown(variant.field, again.prepared.cases.select(measured(variant)).item())
    values = selected(again.situation.jobs, variant).select(job_fact(variant)).to_series().to_list()
    told = [_written_or_unknown(variant.field, value) for value in values]
    if not told:
        return "no such job"
    if variant.is_summed and None not in values and len(values) > 1:
        return f"{' + '.join(told)} = {_written(variant.field, sum(values))}"
    return listed(told)


def _result(row: Row | None, values: list[str], *, is_failed: bool, is_unknown: bool) -> str:
    if row is None:
        return "NE"
    if is_unknown:
        return "unknown"
    if is_failed:
        return "NL" if values and not row["is_excluding"] else "I"
    return "E"


def _expected(field: str, row: Row, values: list[str]) -> str:
    if field == GEOGRAPHY_FIELD:
        wanted = f"in {geography_code(row['geography_id'])}"
    elif values:
        wanted = f"one of {', '.join(values)}"
    else:
        low, high = (row[name] for name in ("minimum", "maximum"))
        bounds = [] if low is None else [f"at least {_written(field, low)}"]
        bounds += [] if high is None else [f"at most {_written(field, high)}"]
        wanted = listed(bounds)
    return f"not {wanted}" if row["is_excluding"] else wanted


def field_value(case: Row, field: str) -> str:
    """Write the value of a field that criteria look at."""
    if field == "company_pay_group":
        pair = (case["company"], case["pay_group"])
        return UNKNOWN if None in pair else "/".join(pair)
    value = case.get(FACT_COLUMNS.get(field, field))
    return _written_or_unknown(field, value)


def _written_or_unknown(field: str, value: Any) -> str:
    return UNKNOWN if value is None else _written(field, value)


def _written(field: str, value: Any) -> str:
    match field:
        case "weekly_hours":
            return decimal(value, HUNDREDTHS)
        case "annual_pay":
            return whole_money(value)
        case "home_zip":
            return f"{value:05}"
        case "medicare" if isinstance(value, bool):
            return "Y" if value else "N"
        case _:
            return str(value)


def decision_on(again: Again, program_id: int, option_id: int | None = None) -> Row | None:
    """Find what somebody decided about a program, or about one of its options, for the event."""
    rows = again.situation.overrides.filter(
        pl.col("program_id") == program_id, pl.col("option_id").eq_missing(pl.lit(option_id, pl.Int32))
    )
    return rows.row(0, named=True) if rows.height else None


def decision_sentence(decision: Row, rule: RulePart) -> str:
    """Say who decided what and why, and what the rule says."""
    word = "eligible" if decision["is_eligible"] else "ineligible"
    return (
        f"{word} by decision of {decision['author']} ({decision['reason']}), whatever the rule says:"
        f" {rule.sentence()}"
    )
