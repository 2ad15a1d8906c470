"""Invoices taken in: read, checked against their header, kept as they came.

Their labels turned into our codes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.money import dollars
from openbenefits.programs.frames import load_setup
from openbenefits.reconcile import models
from openbenefits.reconcile.expected import plans_of
from openbenefits.reconcile.models import CarrierTerms, Invoice
from openbenefits.reconcile.reading import Read, read_invoice, with_identity
from openbenefits.reconcile.states import InvoiceState, Kind
from openbenefits.reconcile.terms import EVERY, Terms, save_terms, terms_of, with_labels
from openbenefits.store import secrets
from openbenefits.store.bulk import copy_in, copy_out, schema_of, update_from
from openbenefits.workforce.models import Client


class InvoiceRefused(ValueError):
    """An invoice that cannot be taken, or not worked on as it stands: expected, found, what to change."""


@dataclass(frozen=True, kw_only=True)
class InvoiceOrder:
    """An invoice as somebody hands it in.

    client_id: 0 where several clients share it; a bill of the PEO's is one client's. month: any day of the
    month billed. The amounts are those printed in its header; what is not stated is taken from the lines, and
    then not checked.
    """

    client_id: int
    carrier: str
    number: str
    month: date
    statement_on: date
    path: Path
    kind: str = str(Kind.LIST)
    cutoff_on: date | None = None
    due_on: date | None = None
    previous_cents: int = 0
    payments_cents: int = 0
    current_cents: int | None = None
    adjustment_cents: int | None = None
    total_cents: int | None = None


def load(connection: Any, order: InvoiceOrder, *, author: str, now: datetime) -> Invoice:
    """Take an invoice in; nothing is written of one that does not add up, or was loaded before.

    Errors: FileRefused, X12Refused for a file that cannot be read; InvoiceRefused.
    """
    month = order.month.replace(day=1)
    terms = terms_of(order.carrier)
    read = read_invoice(order.path, pl.lit(month), terms.layout)
    if read.lines.is_empty():
        raise InvoiceRefused(
            f"{read.name}: expected lines of people, found none; choose the detail of the invoice"
        )
    _refuse_twice(order, read)
    _refuse_kind(order, read)
    sums = _sums(order, read, terms)
    with transaction.atomic(using=connection.alias):
        if order.kind == Kind.BILLING:
            terms = _terms_of_bills(order.carrier, terms, author=author, now=now)
        invoice = Invoice.objects.using(connection.alias).create(
            client_id=order.client_id,
            carrier=order.carrier,
            number=order.number,
            kind=str(Kind.PAYMENT) if read.is_payment else order.kind,
            month=month,
            statement_on=order.statement_on,
            cutoff_on=order.cutoff_on or order.statement_on,
            due_on=order.due_on,
            previous_cents=order.previous_cents,
            payments_cents=order.payments_cents,
            **sums,
            file_name=read.name,
            fingerprint=read.fingerprint,
            content=secrets.seal_file(read.data),
            left_out={"headings": list(read.unknown_headings), "rows": read.rows_left_out},
            state=str(InvoiceState.LOADED),
            loaded_at=now,
            loaded_by=author,
        )
        lines = with_identity(read.lines).with_columns(
            line=pl.int_range(1, pl.len() + 1, dtype=pl.Int32), invoice_id=pl.lit(invoice.pk, pl.Int64)
        )
        coded = with_codes(connection, lines, terms, order.client_id)
        schema = schema_of(models.InvoiceLine)
        copy_in(connection, "reconcile_invoiceline", coded.select(*schema))
    return invoice


def _refuse_twice(order: InvoiceOrder, read: Read) -> None:
    before = Invoice.objects.filter(client_id=order.client_id, fingerprint=read.fingerprint).first()
    if before is not None:
        raise InvoiceRefused(
            f"{read.name}: this very file is invoice {before.number} of {before.carrier}, loaded on"
            f" {before.loaded_at:%Y-%m-%d}; load the invoice of another month"
        )
    same = Invoice.objects.filter(client_id=order.client_id, carrier=order.carrier, number=order.number)
    if same.exists():
        raise InvoiceRefused(
            f"expected a new number, found invoice {order.number} of {order.carrier} loaded before; correct"
            " the number, or take the earlier one back first"
        )


def _refuse_kind(order: InvoiceOrder, read: Read) -> None:
    """Refuse a bill of no client, and a summary that counts nobody."""
    if order.kind == Kind.BILLING and not order.client_id:
        raise InvoiceRefused(f"{read.name}: expected the client that was billed, found none; name it")
    uncounted = read.lines.filter(pl.col("people").is_null())["row"].to_list()
    if order.kind == Kind.SUMMARY and uncounted:
        raise InvoiceRefused(
            f"{read.name}: expected a number of people in every row of a summary bill, found none in rows"
            f" {', '.join(str(row) for row in uncounted[:10])}; name its column in the carrier's layout, or"
            " load it as a list bill"
        )


def _terms_of_bills(name: str, terms: Terms, *, author: str, now: datetime) -> Terms:
    """Answer by what bills to clients are read: unless somebody said otherwise, they are for every plan."""
    if CarrierTerms.objects.filter(carrier=name).exists():
        return terms
    every = Terms(carriers=(EVERY,))
    save_terms(name, every, author=author, now=now)
    return every


def _sums(order: InvoiceOrder, read: Read, terms: Terms) -> dict[str, int]:
    """Check the header against the lines, and answer its amounts.

    Errors: InvoiceRefused where they differ by more than the tolerance.
    """
    retro = int(read.lines.filter("is_retro")["premium_cents"].sum())
    current = int(read.lines.filter(~pl.col("is_retro"))["premium_cents"].sum())
    slack = terms.tolerances.header_cents
    if read.total_cents is not None:
        _same("total of the payment (BPR02)", read.total_cents, current + retro, slack)
    if order.current_cents is not None:
        _same("current charges", order.current_cents, current, slack)
    if order.adjustment_cents is not None:
        _same("adjustments", order.adjustment_cents, retro, slack)
    total = order.previous_cents - order.payments_cents + current + retro
    if order.total_cents is not None:
        _same("total due", order.total_cents, total, slack)
    return {"current_cents": current, "adjustment_cents": retro, "total_cents": total}


def _same(what: str, printed: int, added: int, slack: int) -> None:
    if abs(printed - added) > slack:
        raise InvoiceRefused(
            f"{what}: the header says {dollars(printed)}, the lines come to {dollars(added)}, off by"
            f" {dollars(printed - added)}; check the amounts, or ask the carrier for the whole file"
        )


# --- labels -------------------------------------------------------------------------------------------------


def with_codes(connection: Any, lines: pl.DataFrame, terms: Terms, client_id: int) -> pl.DataFrame:
    """Add client_id, plan_id and coverage_code_id: what subgroups, plans and tiers as printed are with us."""
    clients = dict(Client.objects.values_list("code", "pk"))
    groups = {label: clients[code] for label, code in terms.subgroups.items() if code in clients}
    of_group = pl.col("subgroup").replace_strict(groups, default=None, return_dtype=pl.Int32)
    own = pl.lit(client_id if client_id else None, pl.Int32)
    placed = lines.with_columns(client_id=pl.coalesce(of_group, own).fill_null(0))
    ids = sorted(set(groups.values()) | ({client_id} if client_id else set()))
    plans = plans_of(connection, ids, terms.carriers)
    placed = _with_plans(placed, plans, terms)
    codes = load_setup(connection, ids)["coverage_code"].select("coverage_code_id", "code", "name")
    known = _labels(codes, ("code", "name"), "coverage_code_id") | {
        label: found
        for label, code in terms.tiers.items()
        if (found := _labels(codes, ("code",), "coverage_code_id").get(code.casefold())) is not None
    }
    return placed.with_columns(coverage_code_id=_coded("tier_label", known))


def _with_plans(lines: pl.DataFrame, plans: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """Add plan_id: the client's own plan of a code before the PEO's."""
    said = pl.DataFrame(
        [(label.casefold(), code) for label, code in terms.plans.items()],
        schema={"label": pl.String, "code": pl.String},
        orient="row",
    )
    theirs = plans.select("plan_id", of="client_id", code="plan")
    names = pl.concat(
        [
            said,
            plans.select(label=pl.col("plan").str.to_lowercase(), code="plan"),
            plans.select(label=pl.col("plan_name").str.to_lowercase(), code="plan"),
        ]
    ).unique("label", keep="first", maintain_order=True)
    coded = lines.with_columns(label=pl.col("plan_label").str.to_lowercase()).join(
        names, on="label", how="left", maintain_order="left"
    )
    pairs = coded.select("client_id", "code").unique().join(theirs, on="code")
    pairs = pairs.filter((pl.col("of") == 0) | (pl.col("of") == pl.col("client_id")))
    best = pairs.sort("of", descending=True).unique(["client_id", "code"], keep="first", maintain_order=True)
    found = coded.join(
        best.select("client_id", "code", "plan_id"),
        on=["client_id", "code"],
        how="left",
        maintain_order="left",
    )
    return found.drop("label", "code")


def _labels(rows: pl.DataFrame, names: tuple[str, ...], number: str) -> dict[str, int]:
    return {
        row[name].casefold(): row[number] for name in names for row in rows.iter_rows(named=True) if row[name]
    }


def _coded(label: str, known: Mapping[str, int]) -> pl.Expr:
    folded = {name.casefold(): number for name, number in known.items()}
    return pl.col(label).str.to_lowercase().replace_strict(folded, default=None, return_dtype=pl.Int32)


UNMAPPED = """
SELECT kind, label, count(*) AS lines FROM (
    SELECT 'plans' AS kind, plan_label AS label FROM reconcile_invoiceline
    WHERE invoice_id = %(invoice)s AND plan_id IS NULL
    UNION ALL
    SELECT 'tiers', tier_label FROM reconcile_invoiceline
    WHERE invoice_id = %(invoice)s AND tier_label IS NOT NULL AND coverage_code_id IS NULL
    UNION ALL
    SELECT 'subgroups', coalesce(subgroup, '') FROM reconcile_invoiceline
    WHERE invoice_id = %(invoice)s AND client_id = 0
) AS found GROUP BY 1, 2 ORDER BY 1, 2
"""


def unmapped(connection: Any, invoice: Invoice) -> pl.DataFrame:
    """List the labels of an invoice nobody has said the meaning of: kind, label, lines."""
    schema = {"kind": pl.String, "label": pl.String, "lines": pl.Int64}
    return copy_out(connection, UNMAPPED, schema, {"invoice": invoice.pk})


def map_labels(
    connection: Any, invoice: Invoice, labels: Mapping[str, Mapping[str, str]], *, author: str, now: datetime
) -> int:
    """Say what labels mean, by kind (plans, tiers, subgroups).

    Remembered for the carrier, applied to the invoice.

    Answers how many labels are still without a meaning. Errors: InvoiceRefused for a code there is not.
    """
    terms = terms_of(invoice.carrier)
    with transaction.atomic(using=connection.alias):
        for kind, said in labels.items():
            terms = with_labels(terms, kind, {label: code for label, code in said.items() if code})
        save_terms(invoice.carrier, terms, author=author, now=now)
        recode(connection, invoice, terms)
    return unmapped(connection, invoice).height


def recode(connection: Any, invoice: Invoice, terms: Terms) -> None:
    """Turn the labels of an invoice into our codes anew."""
    from openbenefits.reconcile.frames import load_rows

    lines = load_rows(connection, models.InvoiceLine, invoice.pk)
    coded = with_codes(
        connection, lines.drop("client_id", "plan_id", "coverage_code_id"), terms, invoice.client_id
    )
    columns = ["client_id", "plan_id", "coverage_code_id"]
    update_from(connection, "reconcile_invoiceline", coded, ["invoice_id", "line"], columns)


def original(invoice: Invoice) -> bytes:
    """Answer the file as it came."""
    return secrets.open_file(bytes(invoice.content))


def take_back(connection: Any, invoice: Invoice) -> None:
    """Forget an invoice that was loaded by mistake, with all that was found of it.

    Errors: InvoiceRefused for one that was reviewed, or whose items somebody worked on.
    """
    worked_on = models.Item.objects.filter(invoice_id=invoice.pk).exclude(state="open").exists()
    if invoice.state not in (InvoiceState.LOADED, InvoiceState.MATCHED) or worked_on:
        raise InvoiceRefused(
            f"invoice {invoice.number}: expected one nobody has worked on, found it {invoice.state}; dispute"
            " its differences instead"
        )
    with transaction.atomic(using=connection.alias):
        for model in (
            models.InvoiceLine,
            models.LineMatch,
            models.PlanMonth,
            models.PersonMonth,
            models.BilledMonth,
        ):
            model.objects.filter(invoice_id=invoice.pk).delete()
        models.ItemAct.objects.filter(
            item_id__in=models.Item.objects.filter(invoice_id=invoice.pk).values("pk")
        ).delete()
        models.Item.objects.filter(invoice_id=invoice.pk).delete()
        invoice.delete()
