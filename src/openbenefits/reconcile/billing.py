"""What the PEO billed a client: compared as an invoice is, laid beside the carriers' and payroll (leg D)."""

from typing import TYPE_CHECKING, Any

import polars as pl

from openbenefits.payroll.rules.words import dollars_text
from openbenefits.reconcile import models
from openbenefits.reconcile.expected import expect
from openbenefits.reconcile.frames import load_billed
from openbenefits.reconcile.models import Invoice
from openbenefits.reconcile.owing import Owing
from openbenefits.reconcile.rules import margins
from openbenefits.reconcile.rules.premiums import other_classes, variant_premiums
from openbenefits.reconcile.rules.residuals import KEY
from openbenefits.reconcile.states import Kind
from openbenefits.reconcile.terms import terms_of
from openbenefits.store.bulk import copy_in

if TYPE_CHECKING:
    from openbenefits.reconcile.reconciling import Compared

OF_CARRIER = {name: margins.MARGIN[name] for name in (*KEY, "premium_cents", "invoiced_cents")}


def four_legs(
    connection: Any, invoice: Invoice, wanted: pl.DataFrame, by_plan: pl.DataFrame, owing: Owing
) -> pl.DataFrame:
    """Lay what a client was billed for a month beside coverage, the carriers' invoices and payroll: MARGIN.

    Shapes: wanted and by_plan are the bill's comparison by plan, as `Compared`.
    """
    now = pl.col("month") == invoice.month
    carriers, known = _of_carriers(connection, invoice)
    return margins.margins(wanted.filter(now), by_plan.filter(now), carriers, known, owing.of_people)


def _of_carriers(connection: Any, invoice: Invoice) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Say what carriers that sent an invoice of the month should bill, and did; and of which plans."""
    client_id = int(invoice.client_id)
    sent = Invoice.objects.using(connection.alias).filter(
        client_id__in=(0, client_id), month=invoice.month, kind__in=(Kind.LIST, Kind.SELF), results__gt=0
    )
    parts = [pl.DataFrame(schema=OF_CARRIER)]
    plans = [pl.DataFrame(schema={"plan_id": pl.Int32})]
    for carrier in sorted(set(sent.values_list("carrier", flat=True))):
        terms = terms_of(carrier)
        found = expect(connection, [client_id], terms, [invoice.month])
        units = found.units.filter("is_charged")
        if terms.cobra != "group":
            units = units.filter((pl.col("basis") != "continuation").fill_null(value=True))
        premiums = units.select(*KEY, premium_cents="expected_cents", invoiced_cents=pl.lit(0, pl.Int64))
        parts.append(premiums.select(pl.col(name).cast(kind) for name, kind in OF_CARRIER.items()))
        plans.append(found.plans.select(pl.col("plan_id").cast(pl.Int32)))
    known = pl.concat(plans).unique()
    billed = load_billed(connection, client_id, invoice.month).join(known, on="plan_id", how="semi")
    parts.append(billed.with_columns(premium_cents=pl.lit(0, pl.Int64)).select(*OF_CARRIER))
    return pl.concat(parts), known


def items_beside(invoice: Invoice, compared: "Compared", legs: pl.DataFrame) -> list[pl.DataFrame]:
    """Answer items: months that cost more than the client is to pay; employer's shares that are off."""
    tolerances = terms_of(invoice.carrier).tolerances
    return [
        _of_losses(invoice, margins.losses(legs, tolerances.rounding_cents)),
        _of_shares(invoice, _shares(invoice, compared, tolerances.rounding_cents)),
    ]


def _of_losses(invoice: Invoice, lost: pl.DataFrame) -> pl.DataFrame:
    return _as_items(invoice, lost, "M").with_columns(
        leg=pl.lit("D"),
        code=pl.lit(margins.NEGATIVE),
        expected_cents=pl.col("premium_cents"),
        invoiced_cents=pl.col("expected_cents"),
        expected=pl.format("{} owed to the carrier", dollars_text(pl.col("premium_cents"))),
        found=pl.format("{} to be billed", dollars_text(pl.col("expected_cents"))),
        notes=pl.col("note"),
    )


def _shares(invoice: Invoice, compared: "Compared", tolerance: int) -> pl.DataFrame:
    """Compare the employer's share printed with the contribution rules, then with those of other classes."""
    now = compared.lines.filter(~pl.col("is_retro") & (pl.col("standing") == "matched"))
    printed = now.group_by(KEY).agg(
        employer_cents=pl.when(pl.col("employer_cents").is_not_null().any()).then(
            pl.col("employer_cents").sum()
        )
    )
    units = compared.expected.units.filter(pl.col("month") == invoice.month)
    off = margins.shares_off(units, printed, tolerance)
    if off.is_empty():
        return off.with_columns(code=pl.lit(""))
    known, rulebook = compared.expected.known, compared.expected.rulebook
    return margins.with_classes(off, variant_premiums(other_classes(off, known, rulebook), known, rulebook))


def _of_shares(invoice: Invoice, off: pl.DataFrame) -> pl.DataFrame:
    return _as_items(invoice, off, "S").with_columns(
        leg=pl.lit("B"),
        expected_cents=pl.col("share_cents"),
        invoiced_cents=pl.col("employer_cents"),
        expected=pl.format("employer's share {}", dollars_text(pl.col("share_cents"))),
        found=pl.format("employer's share {}", dollars_text(pl.col("employer_cents"))),
        notes=pl.lit(""),
    )


def _as_items(invoice: Invoice, rows: pl.DataFrame, mark: str) -> pl.DataFrame:
    """Add what items of a bill have in common; mark: the first letter of their keys."""
    return rows.with_columns(
        key=pl.format(mark + "|{}|{}|{}|" + invoice.month.isoformat(), *KEY),
        plan_type=pl.lit(""),
        month=pl.lit(invoice.month),
        is_timing=pl.lit(value=False),
        lines=pl.lit(""),
        cluster=pl.lit(""),
        evidence=pl.lit("{}"),
    )


def write_legs(connection: Any, invoice: Invoice, legs: pl.DataFrame) -> None:
    """Keep the four legs of a bill."""
    models.BilledMonth.objects.using(connection.alias).filter(invoice_id=invoice.pk).delete()
    copy_in(connection, "reconcile_billedmonth", legs.with_columns(invoice_id=pl.lit(invoice.pk, pl.Int64)))


def by_plan(legs: pl.DataFrame) -> pl.DataFrame:
    """Sum the four legs up by client and plan, with people and `margins.parts`; as MARGIN else."""
    names = [name for name in margins.MARGIN if name.endswith("_cents")]
    sums = [pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).alias(name) for name in names]
    rows = legs.group_by("client_id", "plan_id").agg(
        pl.col("person_id").n_unique().cast(pl.Int64).alias("people"), *sums
    )
    return rows.with_columns(**margins.parts()).sort("client_id", "plan_id")
