"""What jobs say that the set-up does not know: actions and reasons nothing maps, companies it lacks."""

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


COMPANIES = {"client_id": pl.Int32(), "company": pl.String(), "people": pl.Int64()}
EMPLOYING = """
SELECT client_id, company, count(DISTINCT person_id) AS people
FROM workforce_jobfact
WHERE client_id = ANY(%(clients)s::int[]) AND valid_from <= %(as_of)s AND NOT is_deleted
  AND company IS NOT NULL
GROUP BY client_id, company
"""


def unknown_companies(connection: Any, client_ids: Sequence[int], as_of: date) -> pl.DataFrame:
    """List the companies of job rows up to a day of which no pay group is: client_id, company, people.

    No message stops their people: only schedules and rules that name a company ask for it.
    """
    given = {"clients": "{" + ",".join(map(str, client_ids)) + "}", "as_of": as_of}
    named = copy_out(connection, EMPLOYING, COMPANIES, given)
    known = load_setup(connection, client_ids)["pay_group"].select("client_id", "company").unique()
    return named.join(known, on=["client_id", "company"], how="anti").sort("client_id", "company")
