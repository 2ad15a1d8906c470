"""What amounts owed follow from, read: what people hold, and the facts of the days that decide."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from openbenefits.enrollment.frames import (
    load_covered_dependents,
    load_credit_rolls,
    load_credit_uses,
    load_price_decisions,
)
from openbenefits.payroll.away import load_leaves
from openbenefits.payroll.frames import load_given, with_event_days
from openbenefits.payroll.rules import Known, fact_days, owed_amounts
from openbenefits.payroll.rules.apart import Owing, apart
from openbenefits.payroll.rules.credits import GIVEN, asks_rules
from openbenefits.payroll.rules.leaves import with_full_cost
from openbenefits.payroll.rules.lines import LINE
from openbenefits.payroll.rules.takings import OWNER
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
    owing = load_owing(connection, points, rulebook)
    return _known(connection, [owing], rulebook, begin=begin, through=through, days=days)[0]


def load_owing(connection: Any, points: pl.DataFrame, rulebook: Rulebook) -> Owing:
    """Load what belongs to change points and what else their people owe by, as it stands.

    Shapes: points as `enrollment.frames.COVERAGE_COLUMNS`.
    """
    people = points.select("client_id", "person_id").unique()
    if asks_event_days(rulebook.calculation_rules):
        points = with_event_days(connection, points)
    return Owing(
        points=points,
        members=load_covered_dependents(connection, people).join(
            points.select(*OWNER, "plan_type", "slot", "begins_on", "version"),
            on=[*OWNER, "plan_type", "slot", "begins_on", "version"],
            how="semi",
        ),
        uses=load_credit_uses(connection, people),
        rolls=load_credit_rolls(connection, people),
        price_decisions=load_price_decisions(connection, people),
        given=load_given(connection, people) if asks_rules(rulebook) else pl.DataFrame(schema=GIVEN),
    )


def owed_apart(
    connection: Any, client_id: int, sides: tuple[Owing, Owing], *, begin: date, through: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """List what is owed at two times between which no fact and no set-up changed, where it may differ.

    What is owed of any other plan type is the same both times, and in neither answer.

    Shapes: as `payroll.rules.lines.LINE`, without causes and without the lines that tell of an end.
    """
    rulebook = load_rulebook(connection, [client_id])
    kept = apart(*sides, rulebook)
    if all(one.points.is_empty() for one in kept):
        return pl.DataFrame(schema=LINE), pl.DataFrame(schema=LINE)
    both = _known(connection, kept, rulebook, begin=begin, through=through)
    lines = [owed_amounts(known, rulebook, begin=begin, through=through) for known in both]
    before, after = (at_full_cost(connection, client_id, one) for one in lines)
    return before, after


def at_full_cost(connection: Any, client_id: int, lines: pl.DataFrame) -> pl.DataFrame:
    """Let health coverage cost its full price in long leaves, where a policy says so."""
    if lines.is_empty():
        return lines
    policies = load_setup(connection, [client_id])["leave_policy"]
    if policies["full_cost_after_days"].drop_nulls().is_empty():
        return lines
    people = lines["person_id"].unique().sort().to_list()
    return with_full_cost(lines, load_leaves(connection, client_id, people))


def _known(
    connection: Any,
    sides: Sequence[Owing],
    rulebook: Rulebook,
    *,
    begin: date,
    through: date,
    days: pl.DataFrame | None = None,
) -> list[Known]:
    """Add the facts of the days that decide about what is held on some sides: loaded once for all of them."""
    points = pl.concat([one.points for one in sides])
    people = points.select("client_id", "person_id").unique()
    more = ["is_for_eligibility"] if rulebook.looks_at_jobs else []
    jobs = load_jobs(connection, people, more=more)
    if days is None:
        groups = jobs.join(people, on="person_id")
        groups = groups.select(*OWNER, "pay_group").unique()
        days = fact_days(points, groups, rulebook, begin=begin, through=through)
    history = pay_history_of(days, jobs) if asks_pay_history(rulebook) else None
    facts, dependents = as_of(connection, days), dependents_as_of(connection, days)
    bases = _bases(connection, days, jobs, history, rulebook)
    return [
        Known(**vars(one), facts=facts, dependents=dependents, pay_history=history, bases=bases)
        for one in sides
    ]


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
