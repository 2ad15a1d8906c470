"""Where an employee's own cover stands with carriers, in as few words as he needs: one for each plan type."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl
from django.db import connection

from openbenefits.carriers.rules.differences import END
from openbenefits.store.bulk import copy_out

MOMENT = pl.Datetime("us", "UTC")
OWN = {
    "dependent_id": pl.Int64,
    "plan_type": pl.String,
    "action": pl.String,
    "said_at": MOMENT,
    "sent_at": MOMENT,
    "confirmed_at": MOMENT,
    "is_refused": pl.Boolean,
}
LOAD_OWN = """
SELECT dependent_id, plan_type, action, said_at, sent_at, confirmed_at, is_refused
FROM carriers_owncover WHERE client_id = %(client)s AND person_id = %(person)s ORDER BY said_at
"""
ASKED, WAITS, SENT, CONFIRMED = "asked", "waits", "sent", "confirmed"


@dataclass(frozen=True, kw_only=True)
class OwnCover:
    """How far the cover of one plan type has come for everybody in it: state, and since when.

    state: ASKED, the carrier refused somebody or wants to know something; WAITS for the next transfer; SENT;
    CONFIRMED of everybody. at: null where it waits, or is asked about.
    """

    state: str
    at: datetime | None = None


def own_cover(client_id: int, person_id: int) -> dict[str, OwnCover]:
    """Answer, by plan type, where somebody's cover stands, as far as a carrier was told of it.

    The last that was said of each person counts; who left the plan does not. It is read with the rights of
    the employee himself: nobody else sees anything by it.
    """
    rows = copy_out(connection, LOAD_OWN, OWN, {"client": client_id, "person": person_id})
    last = rows.unique(["plan_type", "dependent_id"], keep="last", maintain_order=True)
    found = last.filter(pl.col("action") != END)
    return {str(key[0]): _of(part) for key, part in found.group_by("plan_type", maintain_order=True)}


def _of(rows: pl.DataFrame) -> OwnCover:
    """Answer for a plan type what holds of the person who is least far."""
    if rows["is_refused"].any():
        return OwnCover(state=ASKED)
    if rows["sent_at"].null_count():
        return OwnCover(state=WAITS)
    name = "sent_at" if rows["confirmed_at"].null_count() else "confirmed_at"
    at = rows[name].to_list()
    return OwnCover(state=SENT if name == "sent_at" else CONFIRMED, at=max(at))
