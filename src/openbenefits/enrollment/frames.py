"""The named SQL: what an event needs beside HR facts and set-up, and what entries are checked by."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.core.codes import COVERED_KINDS, ChangeKind
from openbenefits.core.columns import cut, in_types, joined, last_of_each, where
from openbenefits.eligibility.overrides import OVERRIDES, no_overrides
from openbenefits.enrollment.rules.elected import Elected
from openbenefits.rating.rules.decided import DECIDED_AMOUNTS, PRICE_DECISIONS, no_price_decisions
from openbenefits.store.bulk import copy_out
from openbenefits.store.keys import PEOPLE, people_arrays

COVERED = [str(kind) for kind in COVERED_KINDS]
DECIDED = [*COVERED, str(ChangeKind.WAIVED)]

RECORD = ("client_id", "person_id", "benefit_record")

COVERAGE_COLUMNS = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "slot": pl.Int16,
    "begins_on": pl.Date,
    "version": pl.Int32,
    "kind": pl.String,
    "basis": pl.String,
    "program_id": pl.Int32,
    "option_id": pl.Int32,
    "coverage_cents": pl.Int64,
    "requested_coverage_cents": pl.Int64,
    "pledge_cents": pl.Int64,
    "percent_thousandths": pl.Int32,
    "after_tax_thousandths": pl.Int32,
    "hours_hundredths": pl.Int32,
    "waive_reason": pl.String,
    "deduction_begins_on": pl.Date,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    "rule": pl.String,
    "run_id": pl.Int64,
}

COVERAGE = f"""
SELECT {{columns}} FROM enrollment_coverage AS c JOIN {PEOPLE} AS k USING (client_id, person_id)
WHERE c.superseded_by_run IS NULL
"""

ALL_COVERAGE = f"""
SELECT {{columns}} FROM enrollment_coverage AS c JOIN {PEOPLE} AS k USING (client_id, person_id)
"""

LATEST_VERSIONS = f"""
SELECT client_id, person_id, benefit_record, plan_type, slot, begins_on, max(version) AS version
FROM enrollment_coverage AS c JOIN {PEOPLE} AS k USING (client_id, person_id)
GROUP BY 1, 2, 3, 4, 5, 6
"""

SHARE = {"dependent_id": pl.Int64, "is_contingent": pl.Boolean, "percent_hundredths": pl.Int32}

POINT = ("client_id", "person_id", "benefit_record", "plan_type", "slot", "begins_on", "version")

COVERED_DEPENDENTS = f"""
SELECT client_id, person_id, benefit_record, plan_type, slot, begins_on, version, dependent_id
FROM enrollment_coveragedependent AS d JOIN {PEOPLE} AS k USING (client_id, person_id)
"""

COVERED_FUNDS = f"""
SELECT client_id, person_id, benefit_record, plan_type, slot, begins_on, version, fund, percent
FROM enrollment_coveragefund AS f JOIN {PEOPLE} AS k USING (client_id, person_id)
"""

COVERED_BENEFICIARIES = f"""
SELECT client_id, person_id, benefit_record, plan_type, slot, begins_on, version,
       dependent_id, is_contingent, percent_hundredths
FROM enrollment_coveragebeneficiary AS b JOIN {PEOPLE} AS k USING (client_id, person_id)
"""

APPROVED_COLUMNS = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "plan_type": pl.String,
    "valid_from": pl.Date,
    "version": pl.Int32,
    "approved_cents": pl.Int64,
    "is_withdrawn": pl.Boolean,
}

APPROVED = f"""
SELECT client_id, person_id, plan_type, valid_from, version, approved_cents, is_withdrawn
FROM enrollment_proofdecision AS p JOIN {PEOPLE} AS k USING (client_id, person_id)
"""

CREDIT_USE_COLUMNS = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    "version": pl.Int32,
    "begins_on": pl.Date,
    "total_cents": pl.Int64,
    "cost_cents": pl.Int64,
    "used_cents": pl.Int64,
    "excess_cents": pl.Int64,
    "treatment": pl.String,
    "paid_cents": pl.Int64,
    "forfeited_cents": pl.Int64,
    "rolled_cents": pl.Int64,
    "is_taken_back": pl.Boolean,
}

CREDIT_USES = f"""
SELECT {{columns}}
FROM enrollment_credituse AS u JOIN {PEOPLE} AS k USING (client_id, person_id)
WHERE u.made_at <= %(known_at)s
ORDER BY client_id, person_id, benefit_record, schedule_id, event_number, version
"""

CREDIT_ROLLS = f"""
SELECT client_id, person_id, benefit_record, schedule_id, event_number, version, plan_type, rolled_cents
FROM enrollment_creditroll AS r JOIN {PEOPLE} AS k USING (client_id, person_id)
"""

OVERRIDE_COLUMNS = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    **{name: kind for name, kind in OVERRIDES.items() if name != "case"},
    "version": pl.Int32,
    "made_at": pl.Datetime("us", "UTC"),
}

MADE_OVERRIDES = f"""
SELECT {", ".join(OVERRIDE_COLUMNS)}
FROM enrollment_eligibilityoverride AS o JOIN {PEOPLE} AS k USING (client_id, person_id)
"""

PRICE_DECIDED_COLUMNS = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "number": pl.Int32,
    "plan_type": pl.String,
    "option_id": pl.Int32,
    "begins_on": pl.Date,
    "ends_on": pl.Date,
    "total_cents": pl.Int64,
    "employer_cents": pl.Int64,
    "employee_cents": pl.Int64,
    "undoes": pl.Int32,
    "author": pl.String,
    "reason": pl.String,
    "change_id": pl.Int64,
    "made_at": pl.Datetime("us", "UTC"),
}

PRICES_DECIDED = f"""
SELECT {", ".join(PRICE_DECIDED_COLUMNS)}
FROM enrollment_pricedecision AS d JOIN {PEOPLE} AS k USING (client_id, person_id)
"""

EVENT_DATES = f"""
SELECT client_id, person_id, e.benefit_record, e.schedule_id, e.event_number, e.event_on AS ended_on,
    e.priority
FROM events_event AS e JOIN {PEOPLE} AS k USING (client_id, person_id)
"""

EVENT_DATE_COLUMNS = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    "ended_on": pl.Date,
    "priority": pl.Int16,
}

BROUGHT_COLUMNS = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "annual_limit": pl.String,
    "limit_year": pl.Int32,
    "brought_cents": pl.Int64,
}
BROUGHT_ALONG = f"""
SELECT DISTINCT ON (client_id, person_id, annual_limit, year)
  client_id, person_id, annual_limit, year::int AS limit_year, cents AS brought_cents
FROM enrollment_broughtalong AS b JOIN {PEOPLE} AS k USING (client_id, person_id)
WHERE b.made_at <= %(known_at)s
  AND NOT EXISTS (SELECT 1 FROM workforce_changeset AS u WHERE u.undoes_id = b.change_id)
ORDER BY client_id, person_id, annual_limit, year, version DESC
"""


def load_coverage(connection: Any, keys: pl.DataFrame) -> pl.DataFrame:
    """Load the change points that hold, of some people."""
    query = COVERAGE.format(columns=", ".join(COVERAGE_COLUMNS))
    return copy_out(connection, query, COVERAGE_COLUMNS, people_arrays(keys))


def load_coverage_and_past(connection: Any, keys: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Load the change points that hold, of some people, and those that something superseded."""
    columns = [*COVERAGE_COLUMNS, "superseded_by_run IS NOT NULL AS is_superseded"]
    schema = COVERAGE_COLUMNS | {"is_superseded": pl.Boolean}
    rows = copy_out(connection, ALL_COVERAGE.format(columns=", ".join(columns)), schema, people_arrays(keys))
    is_past = rows["is_superseded"]
    points = rows.drop("is_superseded")
    return (points.filter(~is_past), points.filter(is_past)) if is_past.any() else (points, points.clear())


def load_all_points(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load every change point of some people, superseded ones too, with what superseded them and when."""
    schema = {
        **COVERAGE_COLUMNS,
        "superseded_by_run": pl.Int64,
        "superseded_by_schedule": pl.Int32,
        "superseded_by_event": pl.Int32,
        "made_at": pl.Datetime("us", "UTC"),
        "superseded_at": pl.Datetime("us", "UTC"),
    }
    query = ALL_COVERAGE.format(columns=", ".join(schema))
    return copy_out(connection, query, schema, people_arrays(people))


def load_latest_versions(connection: Any, keys: pl.DataFrame) -> pl.DataFrame:
    """Load the highest version of each change point, superseded ones included."""
    schema = {name: COVERAGE_COLUMNS[name] for name in POINT}
    return copy_out(connection, LATEST_VERSIONS, schema, people_arrays(keys))


def load_covered_dependents(connection: Any, keys: pl.DataFrame) -> pl.DataFrame:
    """Load the dependents of change points."""
    schema = {name: COVERAGE_COLUMNS[name] for name in POINT} | {"dependent_id": pl.Int64}
    return copy_out(connection, COVERED_DEPENDENTS, schema, people_arrays(keys))


def load_covered_funds(connection: Any, keys: pl.DataFrame) -> pl.DataFrame:
    """Load the investments of change points."""
    schema = {name: COVERAGE_COLUMNS[name] for name in POINT} | {"fund": pl.String, "percent": pl.Int16}
    return copy_out(connection, COVERED_FUNDS, schema, people_arrays(keys))


def load_covered_beneficiaries(connection: Any, keys: pl.DataFrame) -> pl.DataFrame:
    """Load the beneficiaries of change points."""
    schema = {name: COVERAGE_COLUMNS[name] for name in POINT} | SHARE
    return copy_out(connection, COVERED_BENEFICIARIES, schema, people_arrays(keys))


def points_about(cases: pl.DataFrame, coverage: pl.DataFrame) -> pl.DataFrame:
    """Give every case the change points of its benefit record; is_future: beginning on its date or later."""
    pairs = joined(cases[["case", *RECORD, "event_on"]], coverage, RECORD)
    return pairs.with_columns(is_future=pl.col("begins_on") >= pl.col("event_on"))


def decided_before(connection: Any, cases: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Keep the future points (`points_about`) that were taken over, or decided by an event before the case.

    Cases without a priority are no events, and come after none.
    """
    future = where(points, "is_future")
    if future.is_empty() or "priority" not in cases.columns:
        return future.clear()
    place = {f"own_{name}": name for name in ("priority", "event_number", "schedule_id")}
    rows = joined(future, cases.select("case", **place), "case")
    dates = load_event_dates(connection, future.select("client_id", "person_id").unique())
    rows = joined(rows, dates, [*RECORD, "schedule_id", "event_number"], how="left")
    is_before = pl.lit(value=False)
    for name in ("schedule_id", "event_number", "priority"):
        own = pl.col(f"own_{name}")
        is_before = (pl.col(name) < own) | ((pl.col(name) == own) & is_before)
    same_day = pl.col("ended_on") == pl.col("event_on")
    is_before = (pl.col("ended_on") < pl.col("event_on")) | (same_day & is_before)
    return rows.filter(pl.col("schedule_id").is_null() | is_before).select(points.columns)


def in_force(points: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """Pick what counts as in force for each event, one row per case, plan type and slot.

    What was decided last counts (is_to_begin), where it covers or waives; else what holds on the day before
    the event; else what is to begin by an event after it (is_future: nothing is in force).

    Shapes: points as `points_about`, decided as `decided_before` answers them.
    """
    key = ["case", "plan_type", "slot"]
    points = points.with_columns(is_to_begin=pl.lit(value=False))
    now = last_of_each(where(points, ~points["is_future"]), key, "begins_on")
    if decided.height:
        last = last_of_each(decided, key, "begins_on").filter(pl.col("kind").is_in(DECIDED))
        last = last.with_columns(is_future=pl.lit(value=False), is_to_begin=pl.lit(value=True))
        now = pl.concat([joined(now, last, key, how="anti"), last.select(now.columns)])
    later = points.filter(pl.col("is_future") & pl.col("kind").is_in(COVERED))
    if later.is_empty():
        return now if decided.is_empty() else now.sort(key)
    covered = now.filter(pl.col("kind").is_in(COVERED))
    waiting = joined(later.sort("begins_on").unique(key, keep="first"), covered, key, how="anti")
    return pl.concat([joined(now, waiting, key, how="anti"), waiting]).sort(key)


def load_credit_uses(
    connection: Any,
    keys: pl.DataFrame,
    *,
    known_at: datetime | None = None,
    more: dict[str, Any] | None = None,
) -> pl.DataFrame:
    """Load what credits of some people were used for, every version, in order; `more` names more columns."""
    schema = CREDIT_USE_COLUMNS | (more or {})
    asked = {**people_arrays(keys), "known_at": known_at or "infinity"}
    return copy_out(connection, CREDIT_USES.format(columns=", ".join(schema)), schema, asked)


def load_credit_rolls(connection: Any, keys: pl.DataFrame) -> pl.DataFrame:
    """Load what of credits left over accounts of some people got."""
    key = {name: CREDIT_USE_COLUMNS[name] for name in tuple(CREDIT_USE_COLUMNS)[:6]}
    schema = key | {"plan_type": pl.String, "rolled_cents": pl.Int64}
    return copy_out(connection, CREDIT_ROLLS, schema, people_arrays(keys))


def load_event_dates(connection: Any, keys: pl.DataFrame) -> pl.DataFrame:
    """Load the dates of all events of some people, as the dates of what they ended."""
    return copy_out(connection, EVENT_DATES, EVENT_DATE_COLUMNS, people_arrays(keys))


def no_dates() -> pl.DataFrame:
    """An empty frame of the dates of events."""
    return pl.DataFrame(schema=EVENT_DATE_COLUMNS)


def left_plan_types(cases: pl.DataFrame, coverage: pl.DataFrame) -> pl.DataFrame:
    """Find, per case and plan type, the first day without coverage that was ended or waived.

    Losing eligibility is not leaving. Whether something is in force again is not looked at.
    """
    key = ["case", "plan_type"]
    columns = ["case", "client_id", "person_id", "benefit_record", "event_on"]
    points = joined(
        cases.select(columns),
        where(coverage, coverage["slot"] == 0)[[*RECORD, "plan_type", "begins_on", "kind"]],
        RECORD,
    )
    points = points.filter(pl.col("begins_on") < pl.col("event_on")).sort(*key, "begins_on")
    was_covered = pl.col("kind").shift(1).over(key).is_in(COVERED).fill_null(value=False)
    ends = points.filter(was_covered & ~pl.col("kind").is_in(COVERED)).unique(
        key, keep="last", maintain_order=True
    )
    left = [str(ChangeKind.TERMINATED), str(ChangeKind.WAIVED)]
    return ends.filter(pl.col("kind").is_in(left)).select(*key, left_on="begins_on")


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What belongs to the change points of some people: dependents, investments and beneficiaries."""

    members: pl.DataFrame
    funds: pl.DataFrame
    beneficiaries: pl.DataFrame


def load_contents_of(connection: Any, people: pl.DataFrame) -> Contents:
    """Load what belongs to all change points of some people, superseded ones included."""
    return Contents(
        members=load_covered_dependents(connection, people),
        funds=load_covered_funds(connection, people),
        beneficiaries=load_covered_beneficiaries(connection, people),
    )


def load_held(connection: Any, held: pl.DataFrame) -> Elected:
    """Load the dependents and investments of the coverage in force (see `in_force`)."""
    return held_contents(load_contents_of(connection, held), held)


def held_contents(contents: Contents, held: pl.DataFrame) -> Elected:
    """Pick the dependents and investments of the coverage in force, per case."""
    key = list(POINT)
    points = held[["case", *key]]
    return Elected(
        elections=pl.DataFrame(),
        members=of_places(contents.members, points, key, "dependent_id"),
        funds=of_places(contents.funds, points, key, "fund", "percent"),
        beneficiaries=of_places(contents.beneficiaries, points, key, *SHARE),
    )


def of_places(rows: pl.DataFrame, places: pl.DataFrame, key: list[str], *columns: str) -> pl.DataFrame:
    """Pick what belongs to some change points, or elections: case, plan_type and the columns asked for.

    Shapes: rows has the key; places has it, and case.
    """
    if rows.is_empty():
        return places[["case"]].clear().hstack(rows[["plan_type", *columns]])
    return joined(rows, places, key)[["case", "plan_type", *columns]]


def load_approved(connection: Any, cases: pl.DataFrame) -> pl.DataFrame:
    """Load the coverage amounts approved by evidence on each event date."""
    rows = load_approvals(connection, cases)
    if rows.is_empty():
        return cases[["case"]].clear().hstack(rows[["plan_type", "approved_cents"]])
    pairs = joined(cases[["case", "client_id", "person_id", "event_on"]], rows, ["client_id", "person_id"])
    known = pairs.filter(pl.col("valid_from") <= pl.col("event_on"))
    return last_of_each(known, ["case", "plan_type"], "valid_from")[["case", "plan_type", "approved_cents"]]


def load_approvals(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load what was approved by evidence from each day, the latest version of it."""
    rows = copy_out(connection, APPROVED, APPROVED_COLUMNS, people_arrays(people))
    if rows.is_empty():
        return rows[[name for name in rows.columns if name != "is_withdrawn"]]
    day = ["client_id", "person_id", "plan_type", "valid_from"]
    return cut(last_of_each(rows, day, "version").filter(~pl.col("is_withdrawn")), "is_withdrawn")


def load_brought(connection: Any, people: pl.DataFrame, *, known_at: datetime | None = None) -> pl.DataFrame:
    """Load what people put in elsewhere, as it holds: BROUGHT_COLUMNS."""
    asked = {**people_arrays(people), "known_at": known_at or "infinity"}
    return copy_out(connection, BROUGHT_ALONG, BROUGHT_COLUMNS, asked)


def load_price_decisions(
    connection: Any, people: pl.DataFrame, *, known_at: datetime | None = None
) -> pl.DataFrame:
    """Load what was decided about prices of some people and stands, as known at a time (null: now).

    Shapes: RECORD_KEY and the columns of `rating.rules.decided.PRICE_DECISIONS` but the case.
    """
    rows = copy_out(connection, PRICES_DECIDED, PRICE_DECIDED_COLUMNS, people_arrays(people))
    record, columns = list(RECORD), [name for name in PRICE_DECISIONS if name != "case"]
    if rows.is_empty():
        return rows[record].hstack(no_price_decisions()[columns])
    if known_at is not None:
        rows = rows.filter(pl.col("made_at") <= known_at)
    undone = rows.drop_nulls("undoes").select(*record, number="undoes")
    said = joined(rows.filter(pl.col("undoes").is_null()), undone, [*record, "number"], how="anti")
    amounts = {name: name.removeprefix("decided_") for name in DECIDED_AMOUNTS}
    named = said.with_columns(pl.col(column).alias(name) for name, column in amounts.items())
    return named.select(*record, *columns).sort(*record, "number")


def price_decisions_of(
    connection: Any, cases: pl.DataFrame, *, known_at: datetime | None = None
) -> pl.DataFrame:
    """Load what was decided about prices for cases, as PRICE_DECISIONS; cases has case and a record's key."""
    record = ["client_id", "person_id", "benefit_record"]
    rows = load_price_decisions(connection, cases, known_at=known_at)
    if rows.is_empty():
        return no_price_decisions()
    found = joined(cases.select("case", *record), rows, record)
    return in_types(found, PRICE_DECISIONS)


def load_overrides(connection: Any, cases: pl.DataFrame, *, known_at: datetime | None = None) -> pl.DataFrame:
    """Load what was decided for events, as known at a time (null: now); columns as `OVERRIDES`.

    Shapes: cases has case and the event's key.
    """
    rows = copy_out(connection, MADE_OVERRIDES, OVERRIDE_COLUMNS, people_arrays(cases))
    if rows.is_empty():
        return no_overrides()
    event = ["client_id", "person_id", "benefit_record", "schedule_id", "event_number"]
    rows = joined(rows, cases.select("case", *event), event)
    if known_at is not None:
        rows = rows.filter(pl.col("made_at") <= known_at)
    about = ["case", "program_id", "option_id"]
    latest = rows.sort("version").unique(about, keep="last", maintain_order=True)
    standing = latest.filter(pl.col("is_eligible").is_not_null()).sort(about)
    return in_types(standing, OVERRIDES)
