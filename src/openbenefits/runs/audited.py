"""The audit of everybody at a client, put together by cause, as it is kept with the request for it."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from openbenefits.runs.audit import audit_people
from openbenefits.runs.effects import Progress
from openbenefits.runs.gate import obstacles
from openbenefits.runs.set_up_against_data import warnings_of

MOST_NAMED = 50
"""How many people of a cause are named; all are counted."""


def audit_of(
    connection: Any, client_id: int, *, as_of: date, progress: Progress | None = None
) -> Mapping[str, Any]:
    """Say what is wrong with the people of a client, by cause, and what keeps runs from starting.

    Answers plain data: `people` (code, expected, found, cure, how many, the first of them by number),
    `both` (warnings that set-up and data give together), `gate` (what stands in the way of a run).
    """
    found = audit_people(connection, [client_id], as_of, progress=progress)
    causes = (
        found.group_by("code", "expected", "cure")
        .agg(
            people=pl.col("person_id").n_unique(),
            found=pl.col("found").first(),
            named=pl.col("person_id").unique(maintain_order=True).head(MOST_NAMED),
        )
        .sort("people", "code", descending=[True, False])
    )
    held = obstacles(connection, client_id, as_of)
    return {
        "as_of": as_of.isoformat(),
        "people": causes.to_dicts(),
        "both": warnings_of(connection, [client_id], as_of).drop("client_id").to_dicts(),
        "gate": [{"code": one.code, "count": one.count, "sentence": one.sentence} for one in held],
    }
