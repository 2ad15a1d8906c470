"""From a timeline to verdicts and clocks: the whole decision, in one place."""

from dataclasses import dataclass

import polars as pl

from openbenefits.compliance.cobra.rules.causes import classified, decided
from openbenefits.compliance.cobra.rules.clocks import with_classes, with_clocks, with_report
from openbenefits.compliance.cobra.rules.happened import what_happened
from openbenefits.compliance.cobra.rules.losses import (
    LOSS_KEY,
    covers,
    losses,
    stays,
    was_covered_before,
)
from openbenefits.compliance.cobra.rules.members import with_members, with_plan_year
from openbenefits.events.rules import EVENT_KEY

DECISION = ("decided_cause", "decided_reason")


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the decision looks at.

    points, members: the coverage timeline and the dependents of its points.
    events, jobs, dependents: as loaded.
    setup:           the set-up rows: event_class, action_reason, cobra_class, plan_type_row.
    plan_rows, dependent_rules: of the rulebook.
    decisions:       LOSS_KEY and DECISION: what people decided.
    notices:         LOSS_KEY, notified_on, told_cause and told_through of the last notice that stands.
    """

    points: pl.DataFrame
    members: pl.DataFrame
    events: pl.DataFrame
    jobs: pl.DataFrame
    dependents: pl.DataFrame
    setup: dict[str, pl.DataFrame]
    plan_rows: pl.DataFrame
    dependent_rules: pl.DataFrame
    decisions: pl.DataFrame
    notices: pl.DataFrame


def judged(known: Known) -> pl.DataFrame:
    """List every loss of health coverage with its verdict, cause, reason and clocks, in order of LOSS_KEY."""
    plan_types, classes = known.setup["plan_type_row"], known.setup["cobra_class"]
    held = stays(known.points, known.members, covers(plan_types))
    happened = what_happened(
        known.events, known.setup["event_class"], known.setup["action_reason"], known.jobs
    )
    rows = losses(held).join(happened, on=list(EVENT_KEY), how="left", maintain_order="left")
    rows = with_members(rows, known.dependents, known.plan_rows, known.dependent_rules)
    rows = with_plan_year(rows, plan_types)
    rows = was_covered_before(rows, held, "happened_on")
    rows = with_report(with_classes(classified(rows), classes))
    rows = decided(rows, known.decisions)
    rows = with_classes(rows, classes)
    rows = rows.join(known.notices, on=list(LOSS_KEY), how="left", maintain_order="left")
    return with_clocks(rows).sort(LOSS_KEY)
