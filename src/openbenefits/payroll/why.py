"""Why did my deduction change: two pays of one person, line by line, in words."""

from datetime import date, timedelta
from typing import Any

import polars as pl

from openbenefits.payroll.frames import load_orders, load_taken
from openbenefits.payroll.ledger import OrderRefused, own_pays_of
from openbenefits.payroll.rules.words import difference_in_words
from openbenefits.payroll.services import owed
from openbenefits.programs.frames import load_rulebook

LOOK_BACK = timedelta(days=62)


def why(
    connection: Any,
    client_id: int,
    person_id: int,
    *,
    ends_on: date,
    before: date | None = None,
    benefit_record: int = 0,
) -> tuple[date, pl.DataFrame]:
    """Say what a pay takes otherwise than an earlier one, and why: the earlier pay's last day, and the lines.

    `before` is the last day of the earlier pay; null: the pay before. Shapes: as
    `rules.words.difference_in_words`.

    Errors: OrderRefused for a day on which none of the person's pays ends.
    """
    first = min(ends_on, before or ends_on) - LOOK_BACK
    owner = {"client_id": client_id, "person_id": person_id, "benefit_record": benefit_record}
    types = {"client_id": pl.Int32, "person_id": pl.Int64, "benefit_record": pl.Int16}
    rulebook = load_rulebook(connection, [client_id])
    pays, _ = own_pays_of(connection, pl.DataFrame([owner], schema=types), rulebook, first, ends_on)
    ends = sorted(set(pays["ends_on"]))
    earlier = _earlier(ends, ends_on, before)
    people = [person_id]
    mine = pl.col("benefit_record") == benefit_record
    lines = owed(connection, client_id, begin=earlier, through=ends_on, person_ids=people).filter(mine)
    orders = load_orders(connection, client_id, people).filter(~pl.col("is_cancelled") & mine)
    taken = load_taken(connection, client_id, people).filter(mine)
    return earlier, difference_in_words(lines, orders, taken, before=earlier, after=ends_on)


def _earlier(ends: list[date], ends_on: date, before: date | None) -> date:
    """Find the earlier pay; both must be pays of the person.

    Errors: OrderRefused, naming the last ones there are.
    """
    there_are = ", ".join(map(str, ends[-6:])) or "none"
    for day in (ends_on, before):
        if day is not None and day not in ends:
            raise OrderRefused(f"expected the last day of a pay, found {day}; the latest are {there_are}")
    if before is not None:
        if before >= ends_on:
            raise OrderRefused(f"expected an earlier pay than {ends_on}, found {before}; correct the day")
        return before
    past = [day for day in ends if day < ends_on]
    if not past:
        raise OrderRefused(f"expected a pay before {ends_on}, found none; state an earlier one")
    return past[-1]
