"""What a carrier should bill: coverage of the timeline, charged by its rules, priced by set-up in force."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import COVERED_KINDS
from openbenefits.enrollment.frames import load_coverage
from openbenefits.payroll.owing import known_of
from openbenefits.payroll.rules import Known
from openbenefits.programs.frames import load_rulebook, load_setup
from openbenefits.programs.rulebook import Rulebook
from openbenefits.reconcile.frames import load_holders, load_known_since
from openbenefits.reconcile.rules import charging
from openbenefits.reconcile.rules.premiums import PRICED, counted_from, with_premiums
from openbenefits.reconcile.terms import EVERY, Terms
from openbenefits.workforce.models import Client

COVERED = [str(kind) for kind in COVERED_KINDS]
OWNER = list(charging.OWNER)

UNIT = (
    *OWNER,
    *("plan_type", "slot", "plan_id", "coverage_code_id", "option_id", "month"),
    *("is_charged", "expected_cents", "covered_days", "month_days", "start_day", "end_day"),
    *(*PRICED, "members", "counted", "basis", "made_at", "run_begins_on", "run_ends_on", "price_on"),
    *("begins_on", "version", "schedule_id", "event_number", "unit", "point", "case"),
)
"""A month of which a day is covered in a plan: whether it is charged, and with how much."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What is expected of a carrier's plans. Shapes: units as UNIT; history: every change point of the plan
    types, with plan_id (null: no coverage), until, made_at; plans: plan_id, plan, plan_type, plan_name.
    """

    units: pl.DataFrame
    history: pl.DataFrame
    plans: pl.DataFrame
    known: Known
    rulebook: Rulebook


def plans_of(connection: Any, client_ids: Sequence[int], carriers: Sequence[str]) -> pl.DataFrame:
    """List the plans of carriers (EVERY: of all): plan_id, plan (its code), plan_type, plan_name.

    And client_id (0: the PEO's).
    """
    rows = load_setup(connection, client_ids)["plan"]
    if EVERY not in carriers:
        rows = rows.filter(pl.col("carrier").is_in(list(carriers)))
    latest = rows.sort("valid_from").unique("plan_id", keep="last", maintain_order=True)
    return latest.select("plan_id", "client_id", "plan_type", plan="code", plan_name="name").sort("plan_id")


def expect(
    connection: Any,
    client_ids: Sequence[int],
    terms: Terms,
    months: Sequence[date],
    people: pl.DataFrame | None = None,
) -> Expected:
    """Find what a carrier should bill some clients for some months (their first days).

    people: more people whose history is wanted (client_id, person_id): those an invoice names.
    """
    rulebook = load_rulebook(connection, client_ids)
    tables = load_setup(connection, client_ids)
    plans = plans_of(connection, client_ids, terms.carriers)
    options = tables["option"].sort("valid_from").unique("option_id", keep="last", maintain_order=True)
    ours = options.select("option_id", "plan_id", "coverage_code_id").join(
        plans.select("plan_id"), on="plan_id", how="semi"
    )
    holders = load_holders(connection, client_ids, ours["option_id"].to_list())
    asked = holders if people is None else pl.concat([holders, people.select(holders.columns)]).unique()
    points = load_coverage(connection, asked).join(
        load_known_since(connection, asked),
        on=[*OWNER, "plan_type", "slot", "begins_on", "version"],
        how="left",
    )
    points = points.filter(pl.col("plan_type").is_in(plans["plan_type"].unique().implode()))
    covered = pl.col("kind").is_in(COVERED)
    placed = points.join(ours, on="option_id", how="left", maintain_order="left").with_columns(
        plan_id=pl.when(covered).then("plan_id"), coverage_code_id=pl.when(covered).then("coverage_code_id")
    )
    runs, history = charging.runs_of(placed)
    units = _units(runs, history, plans, terms, months)
    known, units = _known(connection, units, points, rulebook, terms, plans, months)
    priced = with_owed(with_premiums(units, known, rulebook), plans, terms).with_columns(
        expected_cents=charging.charged_cents(pl.col("full_cents"))
    )
    return Expected(units=priced.select(UNIT), history=history, plans=plans, known=known, rulebook=rulebook)


def with_owed(rows: pl.DataFrame, plans: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """Take of full_cents what the carrier is owed, by plan_id; rows of no plan stay as they are."""
    if not terms.owed:
        return rows
    parts = {number: terms.owed_of(code) for number, code in plans.select("plan_id", "plan").iter_rows()}
    part = pl.col("plan_id").replace_strict(parts, default=money.HUNDRED_PERCENT, return_dtype=pl.Int64)
    return rows.with_columns(full_cents=money.percent_of(pl.col("full_cents"), part))


def _units(
    runs: pl.DataFrame, history: pl.DataFrame, plans: pl.DataFrame, terms: Terms, months: Sequence[date]
) -> pl.DataFrame:
    """Say of each run and month whether it is charged, and which change point's state is."""
    rows = charging.month_rows(runs, pl.DataFrame({"month": list(months)}, schema={"month": pl.Date}))
    rows = rows.join(_washes(plans, terms, rows), on=["client_id", "plan_id"], how="left")
    rows = rows.with_columns(is_charged=charging.is_charged(), state_on=charging.state_day())
    held = history.filter(pl.col("plan_id").is_not_null()).select(
        *("run", "until", "coverage_code_id", "option_id", "basis", "made_at", "version"),
        *("schedule_id", "event_number"),
        point_begins_on="begins_on",
    )
    found = rows.join(held, on="run").filter(
        (pl.col("point_begins_on") <= pl.col("state_on"))
        & (pl.col("until").is_null() | (pl.col("state_on") < pl.col("until")))
    )
    return found.rename({"begins_on": "run_begins_on", "ends_on": "run_ends_on"}).rename(
        {"point_begins_on": "begins_on"}
    )


def _washes(plans: pl.DataFrame, terms: Terms, rows: pl.DataFrame) -> pl.DataFrame:
    """Answer the rule of each client and plan: client_id, plan_id, wash, wash_day."""
    pairs = rows.select("client_id", "plan_id").unique().join(plans.select("plan_id", "plan"), on="plan_id")
    codes = dict(Client.objects.values_list("pk", "code"))
    said = [(terms.wash_of(plan, codes.get(client, ""))) for client, _, plan in pairs.iter_rows()]
    return pairs.select("client_id", "plan_id").with_columns(
        wash=pl.Series([one.kind for one in said], dtype=pl.String),
        wash_day=pl.Series([one.day for one in said], dtype=pl.Int64),
    )


def _known(
    connection: Any,
    units: pl.DataFrame,
    points: pl.DataFrame,
    rulebook: Rulebook,
    terms: Terms,
    plans: pl.DataFrame,
    months: Sequence[date],
) -> tuple[Known, pl.DataFrame]:
    """Load what premiums follow from, on the day each unit is priced: its month's first, or its first day.

    A plan type that locks its price is priced as of the day its point began (docs/invoices.md §3).
    """
    locked = rulebook.plan_rows.filter("is_price_locked").select("program_id", "plan_type").unique()
    places = points.with_row_index("point").with_columns(pl.col("point").cast(pl.Int32))
    key = [*OWNER, "plan_type", "slot", "begins_on", "version"]
    units = units.join(places.select(*key, "point", "program_id"), on=key, how="left")
    units = units.join(
        locked.with_columns(is_locked=pl.lit(value=True)), on=["program_id", "plan_type"], how="left"
    ).with_columns(
        price_on=pl.when(pl.col("is_locked").fill_null(value=False))
        .then("begins_on")
        .otherwise(pl.max_horizontal("month", "run_begins_on"))
    )
    units = units.join(_bases(plans, terms), on="plan_id", how="left")
    cases = (
        units.select(*OWNER, as_of="price_on", basis_no="basis_no").unique().sort(*OWNER, "as_of", "basis_no")
    )
    cases = cases.with_columns(case=pl.int_range(pl.len(), dtype=pl.Int32))
    known = known_of(
        connection,
        points.drop("made_at"),
        rulebook,
        begin=min(months),
        through=max(months) + timedelta(days=31),
        days=cases.select("case", *OWNER, "as_of"),
    )
    units = units.join(
        cases.rename({"as_of": "price_on"}), on=[*OWNER, "price_on", "basis_no"], how="left"
    ).with_columns(unit=pl.int_range(pl.len(), dtype=pl.Int32))
    return _aged(known, cases, terms), units


def _bases(plans: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """Number the ways in which ages are counted, by plan: plan_id, basis_no (0: on the day priced)."""
    ways = list(terms.age_basis)
    every = ways.index(EVERY) + 1 if EVERY in ways else 0
    numbers = [ways.index(plan) + 1 if plan in ways else every for plan in plans["plan"]]
    return plans.select("plan_id").with_columns(basis_no=pl.Series(numbers, dtype=pl.Int32))


def _aged(known: Known, cases: pl.DataFrame, terms: Terms) -> Known:
    """Put the birth dates by which the carrier counts ages in the place of the real ones."""
    if not terms.age_basis:
        return known
    ways = pl.DataFrame(
        [(0, "coverage_month", 1, 1)]
        + [(no, one.kind, one.month, one.day) for no, one in enumerate(terms.age_basis.values(), start=1)],
        schema={"basis_no": pl.Int32, "way": pl.String, "way_month": pl.Int32, "way_day": pl.Int32},
        orient="row",
    )
    of_cases = cases.select("case", "basis_no", counted_on="as_of").join(ways, on="basis_no", how="left")
    born = counted_from(pl.col("way"), pl.col("way_month"), pl.col("way_day"), "birth_on", "counted_on")

    def moved(rows: pl.DataFrame) -> pl.DataFrame:
        found = rows.join(of_cases, on="case", how="left", maintain_order="left")
        return found.with_columns(birth_on=born).select(rows.columns)

    return replace(known, facts=moved(known.facts), dependents=moved(known.dependents))


def months_before(month: date, count: int) -> list[date]:
    """List the first days of so many months before one, the latest last."""
    found, first = [], month
    for _ in range(count):
        first = (first - timedelta(days=1)).replace(day=1)
        found.append(first)
    return found[::-1]


__all__ = ["UNIT", "Expected", "expect", "months_before", "plans_of"]
