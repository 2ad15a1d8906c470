"""What set-up calls things: schedules, event classes, programs, options, of the releases in force."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.core.plan_types import PLAN_TYPES
from openbenefits.store.bulk import copy_out

SCHEDULES_QUERY = """
SELECT s.schedule_id, c.code AS client, s.code AS schedule, s.name AS schedule_name, s.kind,
       s.window_begins_on AS schedule_window_begins_on, s.window_ends_on AS schedule_window_ends_on
FROM programs_schedule AS s
JOIN programs_bundle AS b ON b.release_id = s.release_id
LEFT JOIN workforce_client AS c ON c.id = s.client_id
ORDER BY c.code NULLS FIRST, s.code
"""
EVENT_CLASSES_QUERY = """
SELECT e.event_class_id, e.code AS event_class, e.name AS event_name, e.window_days, e.window_start,
       e.forms, e.enrollment_form_days
FROM programs_eventclass AS e JOIN programs_bundle AS b ON b.release_id = e.release_id
"""
PROGRAMS_QUERY = """
SELECT p.program_id, p.valid_from, p.code AS program, p.name AS program_name
FROM programs_program AS p JOIN programs_bundle AS b ON b.release_id = p.release_id
"""
PLAN_TYPES_QUERY = """
SELECT t.program_id, t.plan_type, t.valid_from, t.display_order AS plan_order, t.amount_kind,
       t.minimum_amount_cents, t.maximum_amount_cents,
       t.minimum_percent_thousandths, t.maximum_percent_thousandths
FROM programs_plantyperow AS t JOIN programs_bundle AS b ON b.release_id = t.release_id
"""
OPTIONS_QUERY = """
SELECT k.id AS option_id, coalesce(o.valid_from, DATE '0001-01-01') AS valid_from,
       coalesce(o.code, split_part(k.code, '/', 3)) AS option_code, o.name AS option_name,
       coalesce(o.option_type, 'O') AS option_type, coalesce(o.display_order, 32767) AS option_order,
       o.plan_id, o.coverage_code_id, d.tax_class, r.is_by_coverage
FROM programs_setupkey AS k
LEFT JOIN (
    SELECT o.* FROM programs_option AS o JOIN programs_bundle AS b ON b.release_id = o.release_id
) AS o ON o.option_id = k.id
LEFT JOIN (
    SELECT d.deduction_code_id, min(d.tax_class) AS tax_class
    FROM programs_deductioncode AS d JOIN programs_bundle AS b ON b.release_id = d.release_id GROUP BY 1
) AS d ON d.deduction_code_id = o.deduction_code_id
LEFT JOIN (
    SELECT c.option_id, bool_or(t.unit IN ('per_hundred', 'per_thousand')) AS is_by_coverage
    FROM programs_cost AS c JOIN programs_bundle AS b ON b.release_id = c.release_id
    JOIN programs_ratetable AS t ON t.rate_table_id = c.rate_table_id
    JOIN programs_bundle AS tb ON tb.release_id = t.release_id
    WHERE c.cost_type = 'P' GROUP BY 1
) AS r ON r.option_id = k.id
WHERE k.kind = 'option'
"""
PLANS_QUERY = """
SELECT p.plan_id, p.valid_from, p.name AS plan_name, p.carrier
FROM programs_plan AS p JOIN programs_bundle AS b ON b.release_id = p.release_id
"""
COVERAGE_CODES_QUERY = """
SELECT c.coverage_code_id, c.code AS coverage_code, c.name AS coverage_name
FROM programs_coveragecode AS c JOIN programs_bundle AS b ON b.release_id = c.release_id
"""
FUNDS_QUERY = """
SELECT DISTINCT ON (f.plan_type, f.code) f.plan_type, f.code AS fund, f.name AS fund_name
FROM programs_fund AS f JOIN programs_bundle AS b ON b.release_id = f.release_id
ORDER BY f.plan_type, f.code, f.client_id
"""

BUNDLES_THEN = """(
    SELECT DISTINCT ON (bundle_id) bundle_id, id AS release_id FROM programs_release
    WHERE applied_at <= %(known_at)s AND (taken_back_at IS NULL OR taken_back_at > %(known_at)s)
    ORDER BY bundle_id, number DESC
)"""
"""The release of each bundle that was in force at a moment, in place of the table of bundles."""

_INT, _TEXT, _DATE = pl.Int32(), pl.String(), pl.Date()
SCHEDULES = {
    "schedule_id": _INT,
    "client": _TEXT,
    "schedule": _TEXT,
    "schedule_name": _TEXT,
    "kind": _TEXT,
    "schedule_window_begins_on": _DATE,
    "schedule_window_ends_on": _DATE,
}
EVENT_CLASSES = {
    "event_class_id": _INT,
    "event_class": _TEXT,
    "event_name": _TEXT,
    "window_days": _INT,
    "window_start": _TEXT,
    "forms": _TEXT,
    "enrollment_form_days": _INT,
}
PROGRAMS = {"program_id": _INT, "valid_from": _DATE, "program": _TEXT, "program_name": _TEXT}
PLAN_TYPE_ROWS = {
    "program_id": _INT,
    "plan_type": _TEXT,
    "valid_from": _DATE,
    "plan_order": pl.Int16(),
    "amount_kind": _TEXT,
    "minimum_amount_cents": pl.Int64(),
    "maximum_amount_cents": pl.Int64(),
    "minimum_percent_thousandths": _INT,
    "maximum_percent_thousandths": _INT,
}
OPTIONS = {
    "option_id": _INT,
    "valid_from": _DATE,
    "option_code": _TEXT,
    "option_name": _TEXT,
    "option_type": _TEXT,
    "option_order": pl.Int16(),
    "plan_id": _INT,
    "coverage_code_id": _INT,
    "tax_class": _TEXT,
    "is_by_coverage": pl.Boolean(),
}
PLANS = {"plan_id": _INT, "valid_from": _DATE, "plan_name": _TEXT, "carrier": _TEXT}
COVERAGE_CODES = {"coverage_code_id": _INT, "coverage_code": _TEXT, "coverage_name": _TEXT}
FUNDS = {"plan_type": _TEXT, "fund": _TEXT, "fund_name": _TEXT}


@dataclass(frozen=True, kw_only=True)
class SetupNames:
    """The frames of names, loaded once per report or batch of statements."""

    schedules: pl.DataFrame
    event_classes: pl.DataFrame
    programs: pl.DataFrame
    plan_types: pl.DataFrame
    options: pl.DataFrame
    plans: pl.DataFrame
    coverage_codes: pl.DataFrame
    funds: pl.DataFrame


def load_schedules(connection: Any) -> pl.DataFrame:
    """Load every schedule: schedule_id, client (null = the PEO's), schedule, schedule_name, kind."""
    return copy_out(connection, SCHEDULES_QUERY, SCHEDULES)


def load_names(connection: Any, *, known_at: datetime | None = None) -> SetupNames:
    """Load what the releases in force, or then in force, call things; an option no longer there keeps its
    code.
    """

    def read(query: str, schema: dict[str, Any]) -> pl.DataFrame:
        if known_at is None:
            return copy_out(connection, query, schema)
        then = query.replace("programs_bundle", BUNDLES_THEN)
        return copy_out(connection, then, schema, {"known_at": known_at})

    return SetupNames(
        schedules=read(SCHEDULES_QUERY, SCHEDULES),
        event_classes=read(EVENT_CLASSES_QUERY, EVENT_CLASSES),
        programs=read(PROGRAMS_QUERY, PROGRAMS),
        plan_types=read(PLAN_TYPES_QUERY, PLAN_TYPE_ROWS),
        options=read(OPTIONS_QUERY, OPTIONS),
        plans=read(PLANS_QUERY, PLANS),
        coverage_codes=read(COVERAGE_CODES_QUERY, COVERAGE_CODES),
        funds=read(FUNDS_QUERY, FUNDS),
    )


def held_on(rows: pl.DataFrame, dated: pl.DataFrame, *key: str) -> pl.DataFrame:
    """Add the columns of the dated row of each key that holds on `event_on`; null where none does."""
    wanted = rows.select(*key, "event_on").unique().sort("event_on")
    found = wanted.join_asof(
        dated.sort("valid_from"),
        left_on="event_on",
        right_on="valid_from",
        by=list(key),
        check_sortedness=False,
    ).drop("valid_from", strict=False)
    return rows.join(found, on=[*key, "event_on"], how="left", maintain_order="left", nulls_equal=False)


def with_event_names(events: pl.DataFrame, names: SetupNames) -> pl.DataFrame:
    """Add schedule, event class and program of each event, by code and name."""
    schedules = names.schedules.drop("client")
    rows = events.join(schedules, on="schedule_id", how="left", maintain_order="left")
    rows = rows.join(names.event_classes, on="event_class_id", how="left", maintain_order="left")
    return held_on(rows, names.programs, "program_id")


def with_option_names(rows: pl.DataFrame, names: SetupNames) -> pl.DataFrame:
    """Add what each row's option_id (with its event_on) is called: option, plan and coverage code."""
    rows = held_on(rows, names.options, "option_id")
    rows = held_on(rows, names.plans, "plan_id")
    return rows.join(names.coverage_codes, on="coverage_code_id", how="left", maintain_order="left")


def plan_type_name() -> pl.Expr:
    """The plain name of a plan type."""
    return pl.col("plan_type").replace(PLAN_TYPES)
