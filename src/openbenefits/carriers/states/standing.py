"""Where everybody's cover stands with partners: the last that was said of each line, by stage."""

from collections.abc import Sequence

import polars as pl
from django.db import connection

from openbenefits.carriers.rules.custody import NO_COVER
from openbenefits.store.bulk import copy_out

STAGES = ("in file", "released", "transferred", "received", "accepted", "not read", "refused", "confirmed")
"""How far a line has come, in the order of its way; as `custody.services.CHAIN` names them."""
STANDING = {
    "client_id": pl.Int32,
    "partner": pl.String,
    "file_id": pl.Int64,
    "person_id": pl.Int64,
    "dependent_id": pl.Int64,
    "plan_type": pl.String,
    "kind": pl.String,
    "plan": pl.String,
    "tier": pl.String,
    "begins_on": pl.Date,
    "ends_on": pl.Date,
    "stage": pl.String,
    "since": pl.Datetime("us", "UTC"),
    "words": pl.String,
}
COUNTS = {"partner": pl.String, "stage": pl.String, "lines": pl.Int64}
LAST = """
SELECT DISTINCT ON (l.client_id, l.person_id, l.dependent_id, f.partner, l.line, l.begins_on)
       l.client_id, f.partner, l.file_id, l.person_id, l.dependent_id, l.plan_type, l.kind, l.plan, l.tier,
       l.begins_on, l.ends_on, coalesce(l.answered_at, s.answered_at, f.since) AS since, l.words,
       CASE WHEN l.verdict IN ('accepted', 'warned') THEN 'confirmed'
            WHEN l.verdict IN ('refused', 'missing there', 'different') THEN 'refused'
            WHEN f.state = 'not read' THEN 'not read'
            WHEN s.code IS NOT NULL AND s.code NOT IN ('A', 'E') THEN 'refused'
            WHEN f.state = 'rejected' THEN 'refused'
            WHEN s.code IS NOT NULL THEN 'accepted'
            WHEN f.state = 'received' THEN 'received'
            WHEN f.state = 'sent' THEN 'transferred'
            WHEN f.state IN ('built', 'validated', 'held') THEN 'in file'
            WHEN f.state = 'released' THEN 'released'
            ELSE 'accepted' END AS stage
FROM carriers_fileline AS l
JOIN carriers_carrierfile AS f ON f.id = l.file_id
LEFT JOIN carriers_fileset AS s ON s.file_id = l.file_id AND s.set = l.set
WHERE l.client_id = ANY(%(clients)s::int[]) AND l.line <> '' AND f.kind <> 'portal'
  AND l.kind <> ALL(%(no_cover)s)
  AND f.state NOT IN ('withdrawn', 'invalid')
ORDER BY l.client_id, l.person_id, l.dependent_id, f.partner, l.line, l.begins_on,
         l.file_id DESC, l.number DESC
"""
COUNTED = f"SELECT partner, stage, count(*) AS lines FROM ({LAST}) AS last GROUP BY partner, stage"  # noqa: S608
LISTED = f"""
SELECT {", ".join(STANDING)} FROM ({LAST}) AS last
WHERE (%(stage)s::text IS NULL OR stage = %(stage)s) AND (%(partner)s::text IS NULL OR partner = %(partner)s)
ORDER BY since, client_id, person_id LIMIT %(limit)s
"""  # noqa: S608 - words of ours


def load_counts(client_ids: Sequence[int]) -> pl.DataFrame:
    """Count lines of cover by partner and stage: COUNTS."""
    return copy_out(connection, COUNTED, COUNTS, _given(client_ids))


def load_standing(
    client_ids: Sequence[int], *, stage: str | None = None, partner: str | None = None, limit: int
) -> pl.DataFrame:
    """List lines of cover where they stand, who waits longest first: STANDING."""
    given = _given(client_ids) | {"stage": stage, "partner": partner, "limit": limit}
    return copy_out(connection, LISTED, STANDING, given)


def _given(client_ids: Sequence[int]) -> dict[str, object]:
    return {"clients": list(client_ids), "no_cover": list(NO_COVER)}
