"""The named SQL of COBRA: whose coverage changed, which duties stand, and what people did about them."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from openbenefits.compliance import models
from openbenefits.compliance.cobra.rules.duties import DECIDED, acts_that_count
from openbenefits.compliance.cobra.rules.judged import Known
from openbenefits.compliance.cobra.rules.losses import LOSS_KEY
from openbenefits.enrollment.frames import load_coverage, load_covered_dependents
from openbenefits.events.frames import load_events
from openbenefits.programs.frames import load_rulebook, load_setup
from openbenefits.store.bulk import copy_out, schema_of
from openbenefits.workforce.frames import DEPENDENT, load_dependents, load_jobs

CHANGED_PEOPLE = """
SELECT DISTINCT client_id, person_id FROM (
  SELECT client_id, person_id FROM enrollment_coverage
  WHERE client_id = %(client)s AND superseded_by_run IS NULL
    AND (%(persons)s::bigint[] IS NULL OR person_id = ANY(%(persons)s::bigint[]))
  GROUP BY client_id, person_id, benefit_record, plan_type, slot HAVING count(*) > 1
) AS changed
"""

STANDING = """
SELECT DISTINCT ON (client_id, person_id, dependent_id, cover, lost_on) {columns}
FROM compliance_cobraduty WHERE client_id = %(client)s
ORDER BY client_id, person_id, dependent_id, cover, lost_on, version DESC
"""

ACTS = """
SELECT {columns} FROM compliance_cobraact WHERE client_id = %(client)s
ORDER BY client_id, person_id, dependent_id, cover, lost_on, number
"""


def load_known(connection: Any, client_id: int, person_ids: Sequence[int] | None = None) -> Known:
    """Load what the decision looks at, of those of some people (None: of all) whose coverage ever changed."""
    schema = {"client_id": pl.Int32, "person_id": pl.Int64}
    persons = None if person_ids is None else "{" + ",".join(map(str, person_ids)) + "}"
    people = copy_out(connection, CHANGED_PEOPLE, schema, {"client": client_id, "persons": persons})
    rulebook, acts = load_rulebook(connection, [client_id]), load_acts(connection, client_id)
    return Known(
        points=load_coverage(connection, people),
        members=load_covered_dependents(connection, people),
        events=load_events(connection, people),
        jobs=load_jobs(connection, people),
        dependents=load_dependents(connection, people, DEPENDENT | {"died_on": pl.Date()}),
        setup=load_setup(connection, [client_id]),
        plan_rows=rulebook.plan_rows,
        dependent_rules=rulebook.dependent_rules,
        decisions=_decisions(acts),
        notices=acts_of_notices(acts),
    )


def load_standing(connection: Any, client_id: int) -> pl.DataFrame:
    """Load the last version of every duty of a client."""
    schema = schema_of(models.CobraDuty)
    query = STANDING.format(columns=", ".join(schema))
    return copy_out(connection, query, schema, {"client": client_id})


def load_acts(connection: Any, client_id: int) -> pl.DataFrame:
    """Load what people did about losses of a client, in order."""
    schema = schema_of(models.CobraAct)
    return copy_out(connection, ACTS.format(columns=", ".join(schema)), schema, {"client": client_id})


def acts_of_notices(acts: pl.DataFrame) -> pl.DataFrame:
    """Say what the last notice about each loss told: LOSS_KEY, notified_on, told_cause, told_through.

    Where that was that there is nothing to continue, none stands, and there is no row.
    """
    notices = acts_that_count(acts).filter(pl.col("kind") != DECIDED).sort(*LOSS_KEY, "number")
    last = notices.unique(LOSS_KEY, keep="last", maintain_order=True).drop_nulls("told_through")
    return last.select(*LOSS_KEY, "told_through", notified_on="acted_on", told_cause="cause")


def _decisions(acts: pl.DataFrame) -> pl.DataFrame:
    last = acts_that_count(acts).filter(kind=DECIDED).sort(*LOSS_KEY, "number").unique(LOSS_KEY, keep="last")
    return last.select(*LOSS_KEY, decided_cause="cause", decided_reason="reason")
