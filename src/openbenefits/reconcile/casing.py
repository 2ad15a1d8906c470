"""Grave differences as cases of casework, due ten days before the carrier takes nothing more."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from openbenefits.casework.services import (
    Assignee,
    CaseOrder,
    Priority,
    Subject,
    Ticket,
    close_for,
    open_cases,
)
from openbenefits.core.money import dollars
from openbenefits.reconcile.models import Invoice
from openbenefits.reconcile.rules.causes import CAUSES
from openbenefits.reconcile.states import ACTIVE

KIND = "invoice difference"
CATEGORY = "finance"
BEFORE_THE_DEADLINE = timedelta(days=10)
ROLE = "finance"


def subject_of(item_id: int) -> Subject:
    """Name a difference as casework knows it."""
    return Subject(kind=KIND, key=str(item_id))


def open_for(rows: pl.DataFrame, invoice: Invoice, *, author: Any, now: datetime) -> int:
    """Open a case for each grave difference of a list; one that is there is left as it is. Answers how many.

    Shapes: rows has the columns of the table of items. Those of one matter (cluster) are one case.
    """
    grave = [code for code, one in CAUSES.items() if one.grave == "H"]
    is_matter = pl.col("cluster") != ""
    wanted = rows.filter(
        (pl.col("code").is_in(grave) | is_matter)
        & ~pl.col("is_timing")
        & pl.col("state").is_in([str(state) for state in ACTIVE])
    )
    orders = [_order(row, invoice, now.date()) for row in wanted.sort("id").iter_rows(named=True)]
    unique = {
        (order.client_id, order.cause): order for order in reversed(orders)
    }  # of one matter, the first difference
    return len(open_cases(author, list(unique.values()), now=now)) if unique else 0


def _order(row: dict[str, Any], invoice: Invoice, today: date) -> CaseOrder:
    """Say what is to be done: amounts and causes, nobody's name."""
    cause = CAUSES[row["code"]]
    due = None if row["deadline_on"] is None else max(row["deadline_on"] - BEFORE_THE_DEADLINE, today)
    matter = row["cluster"]
    key = f"invoice {invoice.pk} {matter}" if matter else f"invoice difference {row['id']}"
    return CaseOrder(
        client_id=row["client_id"] or None,
        subject=f"{cause.title}: {dollars(row['difference_cents'])}, invoice {invoice.number}",
        body=f"{cause.cure}. Month {row['month']:%Y-%m}." if row["month"] else f"{cause.cure}.",
        category=CATEGORY,
        kind=row["code"],
        priority=Priority.HIGH if cause.grave == "H" else Priority.MEDIUM,
        due_on=due,
        assigned=Assignee(role=ROLE),
        person_id=row["person_id"],
        about=subject_of(row["id"]),
        cause=key,
    )


def close_ended(item_ids: Sequence[int], *, by: Any, now: datetime) -> int:
    """Close the cases of differences that have ended; answer how many."""
    keys = [str(item) for item in item_ids]
    there = Ticket.objects.filter(about_kind=KIND, about_key__in=keys).values_list("about_key", flat=True)
    return sum(
        close_for(subject_of(int(key)), "the difference has ended", now=now, is_done=True, by=by)
        for key in sorted(set(there))
    )


__all__ = ["close_ended", "open_for", "subject_of"]
