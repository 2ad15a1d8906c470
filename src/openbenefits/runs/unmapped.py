"""Actions and reasons of jobs that the set-up does not map: they fall to the default event class."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from openbenefits.programs.frames import load_setup
from openbenefits.store.bulk import copy_out

UNMAPPED = {"client_id": pl.Int32(), "action": pl.String(), "reason": pl.String(), "people": pl.Int64()}
USED = """
SELECT client_id, action, coalesce(reason, '') AS reason, count(DISTINCT person_id) AS people
FROM workforce_jobfact
WHERE client_id = ANY(%(clients)s::int[]) AND valid_from <= %(as_of)s AND NOT is_deleted
GROUP BY client_id, action, coalesce(reason, '')
"""


def unmapped_actions(connection: Any, client_ids: Sequence[int], as_of: date) -> pl.DataFrame:
    """List the actions, with their reasons, of job rows up to a day that nothing maps.

    An action mapped without a reason serves every reason. Shapes: client_id, action, reason ('' = none), and
    how many people have it.
    """
    given = {"clients": "{" + ",".join(map(str, client_ids)) + "}", "as_of": as_of}
    used = copy_out(connection, USED, UNMAPPED, given)
    mapped = load_setup(connection, client_ids)["action_reason"].select("action", "reason")
    general = mapped.filter(reason="").select("action")
    left = used.join(general, on="action", how="anti").join(mapped, on=["action", "reason"], how="anti")
    return left.sort("client_id", "action", "reason")
