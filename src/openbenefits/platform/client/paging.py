"""Lists that come in pages, in both readings of `startpage`: the first record, or the page's number.

The document does not settle which it is. The setting's reading is tried; where its pages do not add up to the
total the platform names, the other one is; a list that adds up in neither is refused, never cut short.
"""

from enum import Enum
from typing import Any

from openbenefits.platform.client.faults import NotReached, NotThere
from openbenefits.platform.client.operations import OPERATIONS
from openbenefits.platform.client.session import Session, listed

ROWS = 500
MOST_PAGES = 100_000


class Reading(Enum):
    """What `startpage` counts, from 0."""

    RECORDS = "records"
    PAGES = "pages"


def paged(session: Session, name: str, *, reading: Reading, count: int = ROWS, **asked: Any) -> list[Any]:
    """Read a whole list.

    Errors: NotReached for a list whose pages do not add up.
    """
    other = Reading.PAGES if reading is Reading.RECORDS else Reading.RECORDS
    for way in (reading, other):
        if (found := _all(session, name, way, count, asked)) is not None:
            return found
    raise NotReached(f"{name}: expected pages that add up to the total, found others in either reading")


def _all(
    session: Session, name: str, reading: Reading, count: int, asked: dict[str, Any]
) -> list[Any] | None:
    """Read pages until there are as many rows as the total says; None where they do not add up."""
    rows: list[Any] = []
    seen: list[Any] = []
    for number in range(MOST_PAGES):
        start = number * count if reading is Reading.RECORDS else number
        try:
            answer = session.call(name, **asked, count=count, startpage=start)
        except NotThere:
            return rows if not rows else None
        part, total = listed(answer, OPERATIONS[name].rows), answer.get("total")
        if part and part == seen:
            return None  # the same page again: it counts in the other way
        rows += part
        seen = part
        if total is None and len(part) < count:
            return rows
        if total is not None and len(rows) >= int(total):
            return rows if len(rows) == int(total) else None
        if not part:
            return None
    return None
