"""The worklist of differences: sorted by deadline and dollars, moved on by people, each step kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction
from django.db.models import Max

from openbenefits.accounts.approvals import ApprovalKind, Matter, require_approval
from openbenefits.core.money import dollars
from openbenefits.reconcile.casing import close_ended
from openbenefits.reconcile.frames import load_items
from openbenefits.reconcile.models import Invoice, Item, ItemAct
from openbenefits.reconcile.rules.causes import CAUSES, GRAVE
from openbenefits.reconcile.states import ACTIVE, ENDED, NEXT, InvoiceState, ItemState
from openbenefits.store.bulk import copy_out


class MoveRefused(ValueError):
    """A step that cannot follow: what was expected, what was found, what to do."""


@dataclass(frozen=True, kw_only=True)
class Move:
    """A step of an item. promised_on: any day of the month whose invoice is to show it; recovered_cents: of a
    resolved one, what came back.
    """

    state: ItemState
    words: str
    assigned_to: str = ""
    promised_on: date | None = None
    reference: str = ""
    recovered_cents: int | None = None


def worklist(
    connection: Any,
    today: date,
    *,
    client_ids: Sequence[int] | None = None,
    invoice_id: int | None = None,
    states: Sequence[str] | None = None,
) -> pl.DataFrame:
    """List differences, those first whose deadline comes first, then the dearest.

    What nobody can claim any more last.

    Shapes: the columns of the table, with title, grave, is_expired, days_left, invoice, carrier,
            employee_number.
    """
    wanted = [str(state) for state in ACTIVE] if states is None else list(states)
    rows = load_items(connection, client_ids=client_ids, invoice_id=invoice_id, states=wanted or None)
    titles = {code: one.title for code, one in CAUSES.items()}
    left = (pl.col("deadline_on") - pl.lit(today)).dt.total_days()
    named = rows.with_columns(
        title=pl.col("code").replace_strict(titles, default=pl.col("code")),
        grave=pl.col("code").replace_strict(GRAVE, default="M"),
        days_left=left,
        is_expired=(left < 0).fill_null(value=False),
        dollars=pl.col("difference_cents").abs(),
    )
    named = named.join(_names(connection, rows), on="id", how="left", maintain_order="left")
    order = ["is_expired", "deadline_on", "dollars", "id"]
    return named.sort(order, descending=[False, False, True, False], nulls_last=True).drop("dollars")


NAMES = """
SELECT t.id, i.number AS invoice, i.carrier, p.employee_number
FROM reconcile_item AS t LEFT JOIN reconcile_invoice AS i ON i.id = t.invoice_id
LEFT JOIN workforce_person AS p ON p.id = t.person_id
WHERE t.id = ANY(%(items)s::bigint[])
"""


def _names(connection: Any, rows: pl.DataFrame) -> pl.DataFrame:
    schema = {"id": pl.Int64, "invoice": pl.String, "carrier": pl.String, "employee_number": pl.String}
    return copy_out(connection, NAMES, schema, {"items": rows["id"].to_list()})


def by_cause(items: pl.DataFrame) -> pl.DataFrame:
    """Sum differences up by cause.

    Code, title, leg, grave, items, over_cents, under_cents, difference_cents.
    """
    cents = pl.col("difference_cents")
    return (
        items.group_by("code", "title", "leg", "grave")
        .agg(
            items=pl.len().cast(pl.Int64),
            over_cents=cents.filter(cents > 0).sum(),
            under_cents=cents.filter(cents < 0).sum(),
            difference_cents=cents.sum(),
        )
        .sort(["leg", "items", "code"], descending=[False, True, False])
    )


def move(item_ids: Sequence[int], step: Move, *, author: str, now: datetime) -> int:
    """Take items a step further, all or none; answer how many.

    Errors: MoveRefused for what has ended, a step without words, a promise without its month; ApprovalWanted
            for a write-off another person must approve first, and nobody has.
    """
    if not step.words.strip():
        raise MoveRefused("expected a reason, found none; say in a few words what was done")
    if step.state is ItemState.PROMISED and step.promised_on is None:
        raise MoveRefused(
            "expected the month whose invoice is to show it, found none; ask the carrier for it"
        )
    if step.state is ItemState.CARRIED:
        raise MoveRefused("expected a step somebody takes, found 'carried', which a reconciliation sets")
    with transaction.atomic():
        rows = list(Item.objects.select_for_update().filter(pk__in=list(item_ids)).order_by("pk"))
        if len(rows) != len(set(item_ids)):
            raise MoveRefused(
                "expected differences that are there, found some that are not; look at the list again"
            )
        for item in rows:
            if step.state is ItemState.WRITTEN_OFF:
                require_approval(matter_of(item), now)
            _moved(item, step, now)
        Item.objects.bulk_update(rows, _CHANGED)
        last = dict(
            ItemAct.objects.filter(item_id__in=[one.pk for one in rows])
            .values_list("item_id")
            .annotate(last=Max("number"))
        )
        ItemAct.objects.bulk_create(
            ItemAct(
                client_id=one.client_id,
                item_id=one.pk,
                number=last.get(one.pk, 0) + 1,
                state=one.state,
                words=step.words.strip(),
                author=author,
                made_at=now,
            )
            for one in rows
        )
        if step.state in ENDED:
            close_ended([one.pk for one in rows], by=author, now=now)
    return len(rows)


_CHANGED = ["state", "assigned_to", "promised_on", "reference", "recovered_cents", "closed_at"]


def matter_of(item: Item) -> Matter:
    """Answer what is approved where a difference is written off: that one, as it stands."""
    cents = str(item.difference_cents)
    return Matter(
        client_id=item.client_id,
        kind=ApprovalKind.WRITE_OFF,
        key=f"difference {item.pk}",
        parts=[item.code, cents],
        told=f"{CAUSES[item.code].title}: {dollars(item.difference_cents)} written off",
    )


def _moved(item: Item, step: Move, now: datetime) -> None:
    if item.state in ENDED and step.state is not ItemState.OPEN:
        raise MoveRefused(
            f"difference {item.pk}: expected one that is open, found it {item.state}; open it again first"
        )
    if item.state == ItemState.CARRIED:
        raise MoveRefused(
            f"difference {item.pk}: an earlier difference {item.carries} stands for it; move that one"
        )
    item.state = str(step.state)
    item.assigned_to = step.assigned_to or item.assigned_to
    item.reference = step.reference or item.reference
    item.promised_on = step.promised_on.replace(day=1) if step.promised_on else item.promised_on
    if step.recovered_cents is not None:
        item.recovered_cents = step.recovered_cents
    item.closed_at = now if step.state in ENDED else None


def advance(invoice: Invoice, state: InvoiceState, *, paid_cents: int | None = None) -> Invoice:
    """Take an invoice a step further; what is paid of it is what the carrier's terms say, unless stated.

    Errors: MoveRefused for a step that does not follow, an approval by who reviewed nothing, a payment
            unstated.
    """
    with transaction.atomic():
        locked = Invoice.objects.select_for_update().get(pk=invoice.pk)
        if state not in NEXT[InvoiceState(locked.state)]:
            may = ", ".join(NEXT[InvoiceState(locked.state)]) or "nothing"
            raise MoveRefused(
                f"invoice {locked.number}: it is {locked.state}; expected {may} to follow, found {state}"
            )
        if state is InvoiceState.REVIEWED and not locked.results:
            raise MoveRefused(
                f"invoice {locked.number}: expected it reconciled, found it not; reconcile it first"
            )
        if state is InvoiceState.PAID:
            locked.paid_cents = proposed_payment(locked) if paid_cents is None else paid_cents
        locked.state = str(state)
        locked.save(update_fields=["state", "paid_cents"])
    invoice.refresh_from_db()
    return invoice


def proposed_payment(invoice: Invoice) -> int:
    """Answer what to pay: as billed, or, where the carrier takes it, less what was billed too much."""
    from openbenefits.reconcile.terms import terms_of

    if terms_of(invoice.carrier).pays == "as_billed":
        return int(invoice.total_cents)
    told = dict(invoice.told)
    return int(invoice.total_cents - told.get("explained_cents", 0) - told.get("unexplained_cents", 0))
