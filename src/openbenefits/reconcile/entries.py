"""The entries accounting is to post for an invoice: proposed, in balance, by client."""

from typing import Any

import polars as pl

from openbenefits.reconcile.frames import load_items, load_rows
from openbenefits.reconcile.items import proposed_payment
from openbenefits.reconcile.models import Invoice, PlanMonth
from openbenefits.reconcile.states import ACTIVE, Kind
from openbenefits.reconcile.terms import terms_of

ENTRY = {
    "client_id": pl.Int32,
    "account": pl.String,
    "words": pl.String,
    "debit_cents": pl.Int64,
    "credit_cents": pl.Int64,
}
WITHHELD, EMPLOYER, CLAIMED, PAYABLE = "withheld", "employer", "claimed", "payable"
WORDS = {
    WITHHELD: "taken from employees for the month",
    EMPLOYER: "the employer's part, and what no pay collected",
    CLAIMED: "billed too much and claimed back from the carrier",
    PAYABLE: "owed to the carrier",
}
"""The accounts of an entry, by our names; a carrier's terms say what they are called in the ledger."""


def entries(connection: Any, invoice: Invoice) -> pl.DataFrame:
    """Propose the entries of an invoice that is reconciled: what it costs, by client, in balance to the cent.

    What is billed is owed; what the carrier is to give back is claimed, where it is paid as billed; what pays
    took of employees stands for it; the rest is the employer's. A balance carried, or a rounding of the
    payment, is of client 0, where several share the invoice.

    Shapes: as ENTRY, one of debit and credit is 0. Empty for one not reconciled, and for a bill to a client.
    """
    months = load_rows(connection, PlanMonth, invoice.pk)
    if months.is_empty() or invoice.kind == Kind.BILLING:
        return pl.DataFrame(schema=ENTRY)
    terms = terms_of(invoice.carrier)
    sums = months.group_by("client_id").agg(
        pl.col("invoiced_cents").sum(), taken=pl.col("taken_cents").fill_null(0).sum()
    )
    claims = _claims(connection, invoice) if terms.pays == "as_billed" else None
    rows = sums if claims is None else sums.join(claims, on="client_id", how="left")
    claimed = pl.lit(0, pl.Int64) if claims is None else pl.col("claimed").fill_null(0)
    rows = rows.with_columns(claimed=claimed, payable=pl.col("invoiced_cents"))
    if claims is None:  # paid as reconciled: what is wrong is never owed
        wrong = months.group_by("client_id").agg(
            wrong=pl.col("explained_cents").sum() + pl.col("unexplained_cents").sum()
        )
        rows = rows.join(wrong, on="client_id").with_columns(
            payable=pl.col("invoiced_cents") - pl.col("wrong")
        )
    rows = _with_rest(rows, proposed_payment(invoice), invoice.client_id)
    rows = rows.with_columns(employer=pl.col("payable") - pl.col("claimed") - pl.col("taken"))
    parts = {WITHHELD: "taken", EMPLOYER: "employer", CLAIMED: "claimed", PAYABLE: "payable"}
    names = {name: terms.accounts.get(name, name) for name in parts}
    return _as_entries(rows, parts, names)


def _claims(connection: Any, invoice: Invoice) -> pl.DataFrame:
    """What the carrier is to give back of the invoice, by client: what is open, and not come back yet."""
    items = load_items(connection, invoice_id=invoice.pk, states=[str(state) for state in ACTIVE])
    mine = items.filter((pl.col("owner") == "carrier") & (pl.col("difference_cents") > 0))
    left = pl.col("difference_cents") - pl.col("recovered_cents")
    return mine.group_by("client_id").agg(claimed=left.sum())


def _with_rest(rows: pl.DataFrame, payment: int, client_id: int) -> pl.DataFrame:
    """Give what is paid beyond the lines (a balance carried) to whom the invoice is made out."""
    rest = payment - int(rows["payable"].sum())
    if not rest:
        return rows
    more = pl.DataFrame(
        {"client_id": [client_id], "rest": [rest]}, schema={"client_id": pl.Int32, "rest": pl.Int64}
    )
    found = rows.join(more, on="client_id", how="full", coalesce=True)
    filled = found.with_columns(pl.exclude("client_id").fill_null(0))
    return filled.with_columns(payable=pl.col("payable") + pl.col("rest")).drop("rest")


def _as_entries(rows: pl.DataFrame, parts: dict[str, str], names: dict[str, str]) -> pl.DataFrame:
    found = []
    for place, (name, column) in enumerate(parts.items()):
        cents = pl.col(column) if name != PAYABLE else -pl.col(column)
        found.append(
            rows.select(
                "client_id",
                place=pl.lit(place),
                account=pl.lit(names[name]),
                words=pl.lit(WORDS[name]),
                debit_cents=pl.when(cents > 0).then(cents).otherwise(0),
                credit_cents=pl.when(cents < 0).then(-cents).otherwise(0),
            )
        )
    told = pl.concat(found).filter((pl.col("debit_cents") != 0) | (pl.col("credit_cents") != 0))
    return told.sort("client_id", "place").select(pl.col(name).cast(kind) for name, kind in ENTRY.items())
