"""Differences become items: named in words, with owner, deadline and evidence.

Found again, they keep their state.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from openbenefits.core.money import dollars
from openbenefits.payroll.rules.words import dollars_text
from openbenefits.programs.frames import load_setup
from openbenefits.reconcile import models
from openbenefits.reconcile.frames import load_items
from openbenefits.reconcile.models import Invoice, Item
from openbenefits.reconcile.owing import Owing
from openbenefits.reconcile.rules.causes import LEGS, OWNERS
from openbenefits.reconcile.rules.comparing import ROUNDING
from openbenefits.reconcile.rules.deadlines import deadline
from openbenefits.reconcile.states import ACTIVE, ENDED, ItemState, Kind
from openbenefits.reconcile.terms import Terms
from openbenefits.store.bulk import copy_in, copy_out, schema_of, update_from

if TYPE_CHECKING:
    from openbenefits.reconcile.reconciling import Compared

FOUND_AGAIN = (
    *("client_id", "person_id", "plan_id", "plan_type", "month", "leg", "code", "is_timing"),
    *("expected_cents", "invoiced_cents", "difference_cents", "expected", "found", "notes", "lines"),
    *("cluster", "owner", "deadline_on", "evidence", "carries", "result"),
)
"""What a reconciliation says of an item, each time anew."""

BALANCE = "INV_BALANCE"


def as_items(
    connection: Any,
    invoice: Invoice,
    compared: "Compared",
    beside: Sequence[pl.DataFrame],
    terms: Terms,
) -> pl.DataFrame:
    """Answer the items of a comparison: key and FOUND_AGAIN; what is only rounding is none.

    beside: items of other legs, as `of_deductions`, `of_money`.
    """
    found = compared.found.filter(pl.col("code") != ROUNDING)
    named = _in_words(connection, found, compared)
    leg = LEG_OF_BILLS if invoice.kind == Kind.BILLING else "A"
    of_code = pl.col("code").replace_strict(LEGS, default=leg)
    keyed = named.with_columns(key=_key(leg), leg=pl.lit(leg) if leg == LEG_OF_BILLS else of_code)
    rows = pl.concat(
        [one.select(COLUMNS) for one in (keyed, *beside, _balance(invoice))], how="vertical_relaxed"
    )
    texts = ("expected", "found", "notes", "lines", "cluster", "plan_type")
    rows = rows.with_columns(
        *(pl.col(name).fill_null("") for name in texts),
        owner=pl.col("code").replace_strict(OWNERS, default="us"),
        deadline_on=pl.when(pl.col("leg") == "A").then(
            deadline(
                statement_on=invoice.statement_on,
                add_days=terms.retro_add_days,
                term_days=terms.retro_term_days,
                term_months=terms.retro_term_months,
                basis=terms.retro_basis,
                allows_credit=terms.allow_retro_term,
            )
        ),
        result=pl.lit(invoice.results, pl.Int32),
    )
    return _carried(connection, invoice, rows)


LEG_OF_BILLS = "D"
COLUMNS = (
    *("key", "client_id", "person_id", "plan_id", "plan_type", "month", "leg", "code", "is_timing"),
    *("expected_cents", "invoiced_cents", "difference_cents", "expected", "found", "notes", "lines"),
    *("cluster", "evidence"),
)


def _key(leg: str) -> pl.Expr:
    """What an item is about, the same in every reconciliation of the invoice.

    A unit, or a line that is nobody's.
    """
    unit = pl.format(
        "{}|{}|{}|{}|{}", pl.lit(leg), "client_id", "person_id", "plan_id", pl.col("month").cast(pl.String)
    )
    return pl.coalesce("key", unit, pl.format("L|{}", "lines"))


def _in_words(connection: Any, found: pl.DataFrame, compared: "Compared") -> pl.DataFrame:
    """Add expected, found and notes in words, and the evidence."""
    tables = load_setup(connection, sorted({*compared.lines["client_id"].unique().to_list()} - {0}))
    tiers = tables["coverage_code"].select("coverage_code_id", "name").unique("coverage_code_id")
    plans = compared.expected.plans.select("plan_id", "plan_name")
    units = compared.expected.units.unique("unit").select(
        *("unit", "coverage_code_id", "volume_cents", "age", "counted", "members", "rate_row_id", "price_on"),
        *("run_begins_on", "run_ends_on", "begins_on", "schedule_id", "event_number", "made_at", "basis"),
        *("price_fault", "full_cents", "covered_days", "month_days"),
    )
    rows = found.join(units, on="unit", how="left", maintain_order="left")
    rows = rows.join(tiers.rename({"name": "tier"}), on="coverage_code_id", how="left", maintain_order="left")
    rows = rows.join(
        tiers.select(billed_code_id="coverage_code_id", billed_tier="name"),
        on="billed_code_id",
        how="left",
        maintain_order="left",
    )
    rows = rows.join(plans, on="plan_id", how="left", maintain_order="left").join(
        plans.select(other_plan_id="plan_id", other_plan="plan_name"),
        on="other_plan_id",
        how="left",
        maintain_order="left",
    )
    expected, said = _words()
    return rows.with_columns(
        expected=pl.coalesce("told_expected", expected, pl.lit("")),
        found=pl.coalesce("told_found", said, pl.lit("")),
        notes=pl.concat_str("note", "price_fault", separator="; ", ignore_nulls=True),
        evidence=_evidence(rows),
    )


def _words() -> tuple[pl.Expr, pl.Expr]:
    """What we say, and what the invoice says, of the thing that differs; nothing where it is the amount."""
    code = pl.col("code")
    number = pl.col("counted").cast(pl.String)
    expected = (
        pl.when(code == "INV_WRONG_PLAN")
        .then("plan_name")
        .when(code == "INV_TIER")
        .then("tier")
        .when(code == "INV_VOLUME")
        .then(dollars_text(pl.col("volume_cents")))
        .when((code == "INV_AGE_BAND") & pl.col("billed_age").is_not_null())
        .then(pl.format("age {}", "age"))
        .when(code.is_in(["DEP_OVERAGE", "DEP_MISSING", "DEP_EXTRA"]))
        .then(pl.format("{} dependents", number))
        .when(code == "INV_TERMED_BILLED")
        .then(pl.format("covered through {}", pl.col("covered_through").cast(pl.String)))
    )
    found = (
        pl.when(code == "INV_WRONG_PLAN")
        .then("other_plan")
        .when((code == "INV_TIER") & pl.col("billed_tier").is_not_null())
        .then("billed_tier")
        .when(code == "INV_VOLUME")
        .then(dollars_text(pl.col("billed_volume_cents")))
        .when((code == "INV_AGE_BAND") & pl.col("billed_age").is_not_null())
        .then(pl.format("age {}", "billed_age"))
        .when(code.is_in(["DEP_OVERAGE", "DEP_MISSING", "DEP_EXTRA"]))
        .then(pl.format("{} dependents", "billed_dependents"))
    )
    return expected, found


_EVIDENCE = (
    *("plan_name", "tier", "volume_cents", "age", "members", "counted", "basis", "rate_row_id", "price_on"),
    *("run_begins_on", "run_ends_on", "begins_on", "schedule_id", "event_number", "made_at", "full_cents"),
    *("covered_days", "month_days", "covered_through", "known_at", "billed_tier", "billed_age"),
    *("billed_volume_cents", "billed_dependents", "other_plan"),
)


def _evidence(rows: pl.DataFrame) -> pl.Series:
    """Write down from what we say so: coverage, its event, the rate row, when that was known."""
    told = rows.select(pl.col(name) for name in _EVIDENCE)
    texts = [
        json.dumps({name: value for name, value in row.items() if value is not None}, default=str)
        for row in told.iter_rows(named=True)
    ]
    return pl.Series("evidence", texts, dtype=pl.String)


def of_deductions(owing: Owing) -> pl.DataFrame:
    """Answer what differs in payroll as items of leg B."""
    code = pl.col("code")
    return owing.found.with_columns(
        plan_id=pl.lit(None, pl.Int32),
        leg=pl.lit("B"),
        is_timing=pl.lit(value=False),
        expected=pl.format("{} in {} pays", dollars_text(pl.col("expected_cents")), "owed_pays"),
        found=pl.format("{} in {} pays", dollars_text(pl.col("invoiced_cents")), "taken_pays"),
        notes=pl.when(code == "DED_TAX")
        .then(pl.lit("the sums agree, the tax classes do not"))
        .otherwise(pl.lit("")),
        lines=pl.lit(""),
        cluster=pl.lit(""),
        evidence=pl.lit("{}"),
        key=pl.format(
            "B|{}|{}|{}|{}", "client_id", "person_id", "plan_type", pl.col("month").cast(pl.String)
        ),
    )


MONEY = "MONEY_UNEXPLAINED"


def of_money(invoice: Invoice, money: pl.DataFrame) -> pl.DataFrame:
    """Answer what pays bring otherwise than the month costs, without a reason, as items of leg C."""
    collected = pl.col("taken_cents") + pl.col("employer_cents")
    return money.filter(pl.col("unexplained_cents") != 0).with_columns(
        plan_type=pl.lit(""),
        month=pl.lit(invoice.month),
        leg=pl.lit("C"),
        code=pl.lit(MONEY),
        is_timing=pl.lit(value=False),
        expected_cents=pl.col("invoiced_cents"),
        invoiced_cents=collected,
        difference_cents=pl.col("unexplained_cents"),
        expected=pl.format("{} billed", dollars_text(pl.col("invoiced_cents"))),
        found=pl.format("{} collected", dollars_text(collected)),
        notes=pl.when(pl.col("owed_cents").is_null())
        .then(pl.lit("what the pays owe is not known"))
        .otherwise(pl.lit("")),
        lines=pl.lit(""),
        cluster=pl.lit(""),
        evidence=pl.lit("{}"),
        key=pl.format(
            "C|{}|{}|{}|{}", "client_id", "person_id", "plan_id", pl.lit(invoice.month.isoformat())
        ),
    )


def _balance(invoice: Invoice) -> pl.DataFrame:
    """Answer an item where the balance carried is not what we left unpaid of the invoice before."""
    blank = pl.DataFrame(schema={name: schema_of(Item)[name] for name in COLUMNS})
    before = (
        Invoice.objects.filter(client_id=invoice.client_id, carrier=invoice.carrier, month__lt=invoice.month)
        .order_by("-month", "-pk")
        .first()
    )
    if before is None or before.paid_cents is None:
        return blank
    ours = int(before.total_cents - before.paid_cents)
    theirs = int(invoice.previous_cents - invoice.payments_cents)
    if abs(ours - theirs) <= 1:
        return blank
    told = {
        "key": "BAL",
        "client_id": invoice.client_id,
        "plan_type": "",
        "leg": "A",
        "code": BALANCE,
        "is_timing": False,
        "expected_cents": ours,
        "invoiced_cents": theirs,
        "difference_cents": theirs - ours,
        "month": None,
        "expected": f"{dollars(ours)} unpaid of invoice {before.number}",
        "found": f"{dollars(theirs)} carried",
        "notes": "",
        "lines": "",
        "cluster": "",
        "evidence": "{}",
    }
    return pl.DataFrame([told | {"person_id": None, "plan_id": None}], schema=blank.schema).select(COLUMNS)


CARRIED = """
SELECT DISTINCT ON (t.client_id, t.person_id, t.plan_id, t.month)
       t.id AS earlier, t.client_id, t.person_id, t.plan_id, t.month
FROM reconcile_item AS t JOIN reconcile_invoice AS i ON i.id = t.invoice_id
WHERE i.client_id = %(client)s AND i.carrier = %(carrier)s AND i.month < %(month)s
  AND t.leg = 'A' AND t.state = ANY(%(states)s::text[])
ORDER BY t.client_id, t.person_id, t.plan_id, t.month, t.id
"""


def open_before(connection: Any, invoice: Invoice) -> pl.DataFrame:
    """Name the items of the carrier's earlier invoices that are still open, by what they are about."""
    schema = {
        "earlier": pl.Int64,
        "client_id": pl.Int32,
        "person_id": pl.Int64,
        "plan_id": pl.Int32,
        "month": pl.Date,
    }
    given = {
        "client": invoice.client_id,
        "carrier": invoice.carrier,
        "month": invoice.month,
        "states": [str(state) for state in ACTIVE],
    }
    return copy_out(connection, CARRIED, schema, given)


def _carried(connection: Any, invoice: Invoice, rows: pl.DataFrame) -> pl.DataFrame:
    """Name the earlier item that stands for a past month that is still not put right."""
    about = ["client_id", "person_id", "plan_id", "month"]
    told = rows.join(open_before(connection, invoice), on=about, how="left", maintain_order="left")
    is_retro = pl.col("code").str.starts_with("RETRO_")
    return told.with_columns(carries=pl.when(is_retro).then("earlier")).drop("earlier")


# --- written ----------------------------------------------------------------------------------------------


def write_items(
    connection: Any,
    invoice: Invoice,
    items: pl.DataFrame,
    settled: pl.DataFrame,
    *,
    author: str,
    now: datetime,
) -> None:
    """Write what was found: new items are opened, those found again keep their state, others are resolved."""
    known = load_items(connection, invoice_id=invoice.pk)
    mine = items.with_columns(invoice_id=pl.lit(invoice.pk, pl.Int64))
    new = mine.join(known.select("key"), on="key", how="anti")
    again = mine.join(known.select("key", "id", "state"), on="key")
    gone = known.join(mine.select("key"), on="key", how="anti")
    _open(connection, new, author, now)
    update_from(connection, "reconcile_item", again.select("id", *FOUND_AGAIN), ["id"], list(FOUND_AGAIN))
    back = again.filter(pl.col("state") == str(ItemState.RESOLVED))
    _move(connection, back, ItemState.OPEN, "found again", author, now)
    ended = [str(state) for state in ENDED]
    _move(
        connection,
        gone.filter(~pl.col("state").is_in(ended)),
        ItemState.RESOLVED,
        f"not found again by reconciliation {invoice.results}",
        author,
        now,
    )
    _settle(connection, invoice, settled, author, now)


def _open(connection: Any, new: pl.DataFrame, author: str, now: datetime) -> None:
    state = pl.when(pl.col("carries").is_null()).then(pl.lit("open")).otherwise(pl.lit("carried"))
    at = pl.lit(now).cast(pl.Datetime("us", "UTC"))
    rows = new.with_columns(state=state, opened_at=at).with_columns(
        months=pl.lit(1, pl.Int16),
        assigned_to=pl.lit(""),
        reference=pl.lit(""),
        recovered_cents=pl.lit(0, pl.Int64),
    )
    copy_in(connection, "reconcile_item", rows)
    written = load_items(connection, invoice_id=int(new["invoice_id"][0])) if new.height else new
    if written.height:
        fresh = written.join(new.select("key"), on="key", how="semi")
        _note(connection, fresh, fresh["state"], "found", author, now)


def _settle(connection: Any, invoice: Invoice, settled: pl.DataFrame, author: str, now: datetime) -> None:
    """Close what a retro line put right; open again what was promised for this invoice and is not on it."""
    before = open_before(connection, invoice)
    about = ["client_id", "person_id", "plan_id", "month"]
    hits = before.join(settled, on=about)
    items = load_items(connection, states=[str(state) for state in ACTIVE])
    closed = items.join(hits.select(id="earlier", back="difference_cents"), on="id")
    recovered = closed.with_columns(recovered_cents=pl.col("back").abs())
    update_from(connection, "reconcile_item", recovered, ["id"], ["recovered_cents"])
    _move(connection, closed, ItemState.RESOLVED, f"put right by invoice {invoice.number}", author, now)
    due = (pl.col("promised_on") <= invoice.month) & (pl.col("state") == str(ItemState.PROMISED))
    waited = items.join(before.select(id="earlier"), on="id", how="semi")
    missed = waited.filter(due).join(closed.select("id"), on="id", how="anti")
    _move(connection, missed, ItemState.OPEN, f"promised, not on invoice {invoice.number}", author, now)
    _escalate(connection, invoice, waited.join(closed.select("id"), on="id", how="anti"), author, now)


def _escalate(connection: Any, invoice: Invoice, waited: pl.DataFrame, author: str, now: datetime) -> None:
    """Take what was put down to the cut-off for what it is.

    Once two invoices have come without putting it right.
    """
    later = Invoice.objects.filter(
        client_id=invoice.client_id, carrier=invoice.carrier, month__lte=invoice.month
    )
    months = dict(later.values_list("pk", "month"))
    second = sorted(set(months.values()), reverse=True)[1:2]
    if not second:
        return
    old = [pk for pk, month in months.items() if month < second[0]]
    rows = waited.filter(pl.col("is_timing") & pl.col("invoice_id").is_in(old))
    update_from(
        connection, "reconcile_item", rows.with_columns(is_timing=pl.lit(value=False)), ["id"], ["is_timing"]
    )
    _note(connection, rows, rows["state"], "two invoices later it is still not put right", author, now)


def _move(
    connection: Any, rows: pl.DataFrame, state: ItemState, words: str, author: str, now: datetime
) -> None:
    if rows.is_empty():
        return
    at = pl.lit(now).cast(pl.Datetime("us", "UTC"))
    is_end = state in ENDED
    moved = rows.select("id", "client_id").with_columns(
        state=pl.lit(str(state)), closed_at=at if is_end else pl.lit(None, pl.Datetime("us", "UTC"))
    )
    update_from(connection, "reconcile_item", moved, ["id"], ["state", "closed_at"])
    _note(connection, moved, moved["state"], words, author, now)


NUMBERS = """
SELECT item_id, max(number) AS last FROM reconcile_itemact WHERE item_id = ANY(%(items)s::bigint[]) GROUP BY 1
"""


def _note(
    connection: Any, rows: pl.DataFrame, states: pl.Series, words: str, author: str, now: datetime
) -> None:
    """Write the next line of each item's history."""
    if rows.is_empty():
        return
    last = copy_out(
        connection, NUMBERS, {"item_id": pl.Int64, "last": pl.Int32}, {"items": rows["id"].to_list()}
    )
    told = (
        rows.select("client_id", item_id="id")
        .with_columns(states.alias("state"))
        .join(last, on="item_id", how="left")
        .with_columns(
            number=pl.col("last").fill_null(0) + 1,
            words=pl.lit(words),
            author=pl.lit(author),
            made_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
        )
    )
    schema = schema_of(models.ItemAct)
    copy_in(
        connection, "reconcile_itemact", told.select(pl.col(name).cast(kind) for name, kind in schema.items())
    )
