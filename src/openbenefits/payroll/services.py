"""Use cases of payroll: what is owed, what the next pay takes, and the register payroll reads.

Nothing here is stored: what is owed follows from the coverage timeline, the pay calendars and the set-up in
force, as known now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from openbenefits.enrollment.frames import (
    load_coverage,
    load_covered_dependents,
    load_credit_rolls,
    load_credit_uses,
    load_price_decisions,
)
from openbenefits.payroll.away import load_leaves
from openbenefits.payroll.frames import (
    load_covered_people,
    load_employee_numbers,
    load_given,
    with_event_days,
)
from openbenefits.payroll.rules import (
    Known,
    changes_between,
    deductions_summary,
    fact_days,
    next_lines,
    owed_lines,
    own_pays,
)
from openbenefits.payroll.rules.credits import asks_rules
from openbenefits.payroll.rules.excess import CREDIT, SOLD
from openbenefits.payroll.rules.leaves import with_full_cost
from openbenefits.payroll.rules.takings import OWNER
from openbenefits.payroll.rules.words import dollars_text
from openbenefits.programs.frames import load_rulebook, load_setup
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.bases import asks_benefit_bases, asks_job_history, base_pay, no_benefit_bases
from openbenefits.rating.rules.price_days import asks_event_days, asks_pay_history, no_pay_history
from openbenefits.workforce.frames import (
    as_of,
    benefit_bases_of,
    dependents_as_of,
    job_history_of,
    jobs_as_of,
    load_jobs,
    pay_history_of,
)

LONGEST_PAY = timedelta(days=62)

REGISTER = (
    *("employee_number", "benefit_record", "pay_group", "pay_number", "begins_on", "ends_on", "check_on"),
    *("kind", "plan_type", "option", "deduction_code", "earnings_code", "tax_class"),
    *("owed", "employer", "coverage", "cause", "fault"),
)


@dataclass(frozen=True, kw_only=True)
class _Loaded:
    known: Known
    rulebook: Rulebook
    tables: Mapping[str, pl.DataFrame]


def owed(
    connection: Any,
    client_id: int,
    *,
    begin: date,
    through: date,
    person_ids: Sequence[int] | None = None,
) -> pl.DataFrame:
    """List what is owed in the pays that end from one day through another.

    Shapes:  as `frames.Owed`: deductions, credits, hours sold; employer-paid cover has lines that owe 0.
    Missing: an amount that cannot be found is null and `fault` says why.
    """
    loaded = _load(connection, client_id, begin, through, person_ids)
    lines = _lines(connection, client_id, loaded, begin, through)
    return _with_names(lines, load_employee_numbers(connection, client_id), loaded.tables)


def next_pay(
    connection: Any, client_id: int, on: date, person_ids: Sequence[int] | None = None
) -> pl.DataFrame:
    """List what each person's next pay takes: the first pay with its check on or after a day.

    Shapes: as `owed`.
    """
    begin, through = on - LONGEST_PAY, on + LONGEST_PAY
    loaded = _load(connection, client_id, begin, through, person_ids)
    lines = _lines(connection, client_id, loaded, begin, through)
    pays = own_pays(loaded.known.facts, loaded.rulebook, begin, through)
    named = _with_names(lines, load_employee_numbers(connection, client_id), loaded.tables)
    return next_lines(named, pays, on)


def _lines(connection: Any, client_id: int, loaded: _Loaded, begin: date, through: date) -> pl.DataFrame:
    """The lines of a span; in long leaves, where a policy says so, health coverage costs its full price."""
    lines = owed_lines(loaded.known, loaded.rulebook, begin=begin, through=through)
    if loaded.tables["leave_policy"]["full_cost_after_days"].drop_nulls().is_empty():
        return lines
    people = lines["person_id"].unique().sort().to_list()
    return with_full_cost(lines, load_leaves(connection, client_id, people))


def find_unpaid(connection: Any, client_id: int, *, begin: date, through: date) -> pl.DataFrame:
    """Name those who hold coverage that owes in a span and yet have no pay in it: no pay group, no calendar.

    Shapes: OWNER and the pay groups they were ever in, as a text.
    """
    loaded = _load(connection, client_id, begin, through, None)
    pays = own_pays(loaded.known.facts, loaded.rulebook, begin, through)
    paid = pays.filter(pl.col("ends_on").is_between(begin, through)).select(OWNER).unique()
    points = loaded.known.points.sort("begins_on").with_columns(
        until=pl.col("deduction_begins_on").shift(-1).over(*OWNER, "plan_type", "slot")
    )
    owing = points.filter(
        pl.col("kind").is_in(["E", "D"])
        & (pl.col("deduction_begins_on") <= through)
        & (pl.col("until").is_null() | (pl.col("until") > begin))
    )
    return owing.select(OWNER).unique().join(paid, on=list(OWNER), how="anti").sort(OWNER)


def write_register(frame: pl.DataFrame, path: Path) -> int:
    """Write lines of `owed`, or of `register.register_of`, as the CSV payroll reads; answer how many.

    Missing: an unknown amount is an empty field, and `fault` says why.
    """
    amounts = {"owed": "owed_cents", "employer": "employer_cents", "coverage": "coverage_cents"}
    columns: tuple[str, ...] = REGISTER
    if "take_cents" in frame.columns:
        amounts["take"] = "take_cents"
        columns += ("take", "untaken")
    rows = frame.with_columns(dollars_text(pl.col(cents)).alias(name) for name, cents in amounts.items())
    order = ["check_on", "employee_number", "benefit_record", "kind", "plan_type", "slot"]
    rows.sort(order).select(columns).write_csv(path)
    return rows.height


def _load(
    connection: Any, client_id: int, begin: date, through: date, person_ids: Sequence[int] | None
) -> _Loaded:
    tables = load_setup(connection, [client_id])
    rulebook = load_rulebook(connection, [client_id])
    people = load_covered_people(connection, client_id, person_ids)
    points = load_coverage(connection, people)
    known = known_of(connection, points, rulebook, begin=begin, through=through)
    return _Loaded(known=known, rulebook=rulebook, tables=tables)


def known_of(
    connection: Any,
    points: pl.DataFrame,
    rulebook: Rulebook,
    *,
    begin: date,
    through: date,
    days: pl.DataFrame | None = None,
) -> Known:
    """Load what the amounts owed on change points in a span follow from.

    Shapes: points as `enrollment.frames.COVERAGE_COLUMNS`; days as `fact_days` gives them: other days than
            those of pays, for who asks by month.
    """
    people = points.select("client_id", "person_id").unique()
    if asks_event_days(rulebook.calculation_rules):
        points = with_event_days(connection, points)
    more = ["is_for_eligibility"] if rulebook.looks_at_jobs else []
    jobs = load_jobs(connection, people, more=more)
    if days is None:
        groups = jobs.join(people, on="person_id")
        groups = groups.select(*OWNER, "pay_group").unique()
        days = fact_days(points, groups, rulebook, begin=begin, through=through)
    history = pay_history_of(days, jobs) if asks_pay_history(rulebook) else None
    return Known(
        points=points,
        members=load_covered_dependents(connection, people).join(
            points.select(*OWNER, "plan_type", "slot", "begins_on", "version"),
            on=[*OWNER, "plan_type", "slot", "begins_on", "version"],
            how="semi",
        ),
        facts=as_of(connection, days),
        dependents=dependents_as_of(connection, days),
        pay_history=history,
        bases=_bases(connection, days, jobs, history, rulebook),
        uses=load_credit_uses(connection, people),
        rolls=load_credit_rolls(connection, people),
        price_decisions=load_price_decisions(connection, people),
        given=load_given(connection, people if asks_rules(rulebook) else people.clear()),
    )


def _bases(
    connection: Any, days: pl.DataFrame, jobs: pl.DataFrame, history: pl.DataFrame | None, rulebook: Rulebook
) -> pl.DataFrame | None:
    """Find what formulas take coverage from beside the pay of each day's facts."""
    return base_pay(
        days.select("case", on="as_of"),
        jobs_as_of(days, jobs) if rulebook.looks_at_jobs else pl.DataFrame(),
        no_pay_history() if history is None else history,
        benefit_bases_of(connection, days) if asks_benefit_bases(rulebook) else no_benefit_bases(),
        rulebook,
        job_history_of(days, jobs) if asks_job_history(rulebook) else None,
    )


def _with_names(
    lines: pl.DataFrame, numbers: pl.DataFrame, tables: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """Add the codes payroll knows people, groups, options, deductions and earnings by."""
    groups = tables["pay_group"].select(pl.col("pay_group_id").cast(pl.Int64), pay_group="code")
    options = tables["option"].sort("valid_from").unique("option_id", keep="last")
    codes = tables["deduction_code"].select("deduction_code_id", deduction_code="code")
    named = (
        lines.join(numbers, on="person_id", how="left", maintain_order="left")
        .join(groups, on="pay_group_id", how="left", maintain_order="left")
        .join(options.select("option_id", option="code"), on="option_id", how="left", maintain_order="left")
        .join(codes, on="deduction_code_id", how="left", maintain_order="left")
        .join(_earnings(tables["cost"]), on="option_id", how="left", maintain_order="left")
    )
    sold = options.select("option_id", "sold_earnings_code")
    named = named.join(sold, on="option_id", how="left", maintain_order="left")
    of_kind = (
        pl.when(pl.col("kind") == CREDIT)
        .then("earnings_code")
        .when(pl.col("kind") == SOLD)
        .then("sold_earnings_code")
    )
    return named.with_columns(earnings_code=of_kind).drop("sold_earnings_code")


def _earnings(costs: pl.DataFrame) -> pl.DataFrame:
    """Name the earnings codes of an option's credits, as they were last set up."""
    rows = costs.drop_nulls("earnings_code")
    latest = rows.filter(pl.col("valid_from") == pl.col("valid_from").max().over("option_id"))
    return latest.group_by("option_id").agg(pl.col("earnings_code").unique().sort().str.join(" + "))


__all__ = ["changes_between", "deductions_summary", "find_unpaid", "next_pay", "owed", "write_register"]
