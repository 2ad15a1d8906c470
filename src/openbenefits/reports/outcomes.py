"""The debugging view of eligibility with the names of set-up: of one event, or of all of some schedules."""

from typing import Any

import polars as pl

from openbenefits.core.codes import ScheduleKind
from openbenefits.eligibility.outcomes import OUTCOMES, outcomes
from openbenefits.eligibility.programs import assign_programs
from openbenefits.eligibility.rules import evaluate
from openbenefits.enrollment.rules.plans import COVERED
from openbenefits.enrollment.services import load_known
from openbenefits.programs.frames import load_rulebook, load_setup
from openbenefits.programs.models import SetupKey
from openbenefits.reports.explain_again import EventNumber, find_event, prepare_again

LINES = (
    *("used_by", "part", "rule", "criterion", "link", "jobs", "evaluation", "values"),
    *("code", "meaning", "result", "decision"),
)
"""The columns of the view, beside those that say whose it is."""


def eligibility_lines(
    connection: Any,
    client_id: int,
    person_id: int,
    *,
    benefit_record: int = 0,
    event: EventNumber | None = None,
    with_unused: bool = False,
) -> pl.DataFrame:
    """Show how the eligibility of an event was decided, from what was known then; as LINES.

    The event is the one that moved last, if none is named.

    Errors: NothingToExplain if the person has no such event.
    """
    again = prepare_again(connection, find_event(client_id, person_id, benefit_record, event))
    found = outcomes(
        again.prepared.cases,
        again.prepared.trace.eligibility,
        again.situation.jobs,
        again.situation.overrides,
        again.rulebook,
        with_unused=with_unused,
    )
    return _named(found).select(LINES)


def lines_of_events(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Show how the eligibility of events would be decided by what is known now; as LINES, and case.

    Shapes: events as `frames.load_events` answers them.
    """
    if events.is_empty():
        return pl.DataFrame(schema={"case": pl.Int32, **dict.fromkeys(LINES, pl.String)})
    clients = events["client_id"].unique().sort().to_list()
    rulebook, tables = load_rulebook(connection, clients), load_setup(connection, clients)
    cases = _cases(events, tables["event_class"])
    situation = load_known(connection, cases, rulebook).situation
    eligibility = evaluate(situation.cases, situation.jobs, rulebook)
    covered = situation.in_force.filter(pl.col("kind").is_in(COVERED))
    assigned = assign_programs(eligibility, covered, situation.overrides, rulebook)
    found = outcomes(assigned, eligibility, situation.jobs, situation.overrides, rulebook)
    return _named(found).select("case", *LINES)


def _cases(events: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """Shape events as a run does."""
    of_class = classes.select("event_class_id", "only_ends_coverage", "use").unique("event_class_id")
    return events.join(of_class, on="event_class_id", how="left", maintain_order="left").with_columns(
        is_open_enrollment=pl.col("use") == ScheduleKind.OPEN_ENROLLMENT.value,
        is_settling=pl.lit(value=False),
        received_on="elected_on",
    )


def _named(found: pl.DataFrame) -> pl.DataFrame:
    """Name the service areas, and say what the codes mean."""
    numbers = found["geography_id"].drop_nulls().unique().to_list()
    codes = dict(SetupKey.objects.filter(kind="geography", pk__in=numbers).values_list("pk", "code"))
    area = pl.col("geography_id").replace_strict(codes, default=None, return_dtype=pl.String)
    rule = pl.when(pl.col("part") == "service area").then(area).otherwise("rule")
    meaning = pl.col("code").replace_strict(OUTCOMES, return_dtype=pl.String)
    return found.with_columns(rule=rule, meaning=meaning)
