"""The numbers of confirmations, for reports of floors below."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from openbenefits.core.codes import ChoiceActKind
from openbenefits.store.bulk import copy_out

NUMBERS = {
    "client_id": pl.Int32(),
    "person_id": pl.Int64(),
    "benefit_record": pl.Int16(),
    "event_number": pl.Int32(),
    "schedule_id": pl.Int32(),
    "confirmation": pl.Int64(),
}
NUMBERS_QUERY = """
SELECT client_id, person_id, benefit_record, event_number, schedule_id, max(id) AS confirmation
FROM choosing_choiceact
WHERE client_id = %(client)s AND schedule_id = ANY(%(schedules)s) AND kind = %(kind)s
GROUP BY 1, 2, 3, 4, 5
"""


def last_numbers(connection: Any, client_id: int, schedule_ids: Sequence[int]) -> pl.DataFrame:
    """Answer the number of the last confirmation of each event of some schedules: NUMBERS."""
    where = {"client": client_id, "schedules": list(schedule_ids), "kind": str(ChoiceActKind.SUBMIT)}
    return copy_out(connection, NUMBERS_QUERY, NUMBERS, where)
