"""The named SQL of repair: which facts events came from, and what became of these facts."""

from typing import Any

import polars as pl

from openbenefits.core.codes import ActionSource
from openbenefits.events import triggers
from openbenefits.events.rules import EVENT_KEY
from openbenefits.store.bulk import copy_out
from openbenefits.store.keys import PEOPLE, people_arrays

FLAGGED = """
SELECT DISTINCT client_id, person_id, benefit_record FROM events_event
WHERE client_id = %(client)s AND event_status <> 'V'
  AND (is_eligibility_changed OR is_out_of_sequence OR event_status = 'D')
"""

DECIDED = f"""
SELECT client_id, person_id, benefit_record, schedule_id, event_number, max(run_id) AS decided_in
FROM events_eventstep AS s JOIN {PEOPLE} AS k USING (client_id, person_id) GROUP BY 1, 2, 3, 4, 5
"""

SOURCES = f"""
SELECT a.client_id, a.person_id, a.benefit_record, a.schedule_id, a.event_number, a.source, a.bas_action,
       a.event_on, a.job_number, a.sequence, a.change_id
FROM events_activity AS a JOIN {PEOPLE} AS k USING (client_id, person_id)
WHERE a.event_number IS NOT NULL AND a.change_id IS NOT NULL
"""

FATES = f"""
SELECT f.id, f.person_id, f.fact, f.operation, f.valid_from, f.job_number, f.sequence, f.event_class,
       f.change_id AS changed_in
FROM workforce_factchange AS f JOIN {PEOPLE} AS k USING (client_id, person_id)
ORDER BY f.id
"""

JOB_SOURCES = (*triggers.JOB_SOURCES, str(ActionSource.EXPLODED))
RECORD = {"client_id": pl.Int32, "person_id": pl.Int64, "benefit_record": pl.Int16}
FACT_OF = {
    **dict.fromkeys(JOB_SOURCES, "job"),
    str(ActionSource.ADDRESS): "address",
    str(ActionSource.BENEFITS_PERSON): "person",
    str(ActionSource.MANUAL): "life_event",
}
FACT_KEY = ("person_id", "fact", "valid_from", "job_number", "sequence", "event_class")


def with_deciding_run(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Add decided_in, the run that last moved each event (null: none did)."""
    schema = {**RECORD, "schedule_id": pl.Int32, "event_number": pl.Int32, "decided_in": pl.Int64}
    runs = copy_out(connection, DECIDED, schema, people_arrays(events))
    return events.join(runs, on=list(EVENT_KEY), how="left", maintain_order="left")


def load_flagged_records(connection: Any, client_id: int) -> pl.DataFrame:
    """Name the benefit records with an event that is flagged, or disconnected from its fact."""
    return copy_out(connection, FLAGGED, RECORD, {"client": client_id})


def load_causes(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load the facts that events of some people came from, and whether each was deleted since.

    Shapes: the event's key, made_in (the change that brought the fact), is_gone, deleted_in (the change that
            deleted it, else null). Activity that came from no fact is left out.
    """
    schema = {
        **RECORD,
        "schedule_id": pl.Int32,
        "event_number": pl.Int32,
        "source": pl.String,
        "bas_action": pl.String,
        "event_on": pl.Date,
        "job_number": pl.Int16,
        "sequence": pl.Int16,
        "change_id": pl.Int64,
    }
    sources = copy_out(connection, SOURCES, schema, people_arrays(people))
    is_job = pl.col("source").is_in(list(JOB_SOURCES))
    is_life = pl.col("source") == str(ActionSource.MANUAL)
    facts = sources.filter(pl.col("source").is_in(list(FACT_OF))).with_columns(
        fact=pl.col("source").replace_strict(FACT_OF, return_dtype=pl.String),
        valid_from="event_on",
        job_number=pl.when(is_job).then("job_number"),
        sequence=pl.when(is_job).then("sequence"),
        event_class=pl.when(is_life).then("bas_action"),
    )
    found = facts.join(_fates(connection, people), on=list(FACT_KEY), how="left", nulls_equal=True)
    is_gone = (pl.col("operation") == "D").fill_null(value=False)
    return found.select(
        *EVENT_KEY, made_in="change_id", is_gone=is_gone, deleted_in=pl.when(is_gone).then("changed_in")
    )


def _fates(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """What was last done to each fact: FACT_KEY, operation, changed_in."""
    schema = {
        "id": pl.Int64,
        "person_id": pl.Int64,
        "fact": pl.String,
        "operation": pl.String,
        "valid_from": pl.Date,
        "job_number": pl.Int16,
        "sequence": pl.Int16,
        "event_class": pl.String,
        "changed_in": pl.Int64,
    }
    rows = copy_out(connection, FATES, schema, people_arrays(people))
    return rows.sort("id").unique(list(FACT_KEY), keep="last").drop("id")
