"""An invoice reconciled: compared, each difference kept as an item under a key of its own, the sums told.

Again from the same inputs writes nothing. What is found again keeps its state; what is not is resolved.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.reconcile import billing, casing, models
from openbenefits.reconcile.expected import Expected, expect, months_before, with_owed
from openbenefits.reconcile.frames import load_earlier, load_items, load_rows
from openbenefits.reconcile.itemising import as_items, of_deductions, of_money, write_items
from openbenefits.reconcile.loading import InvoiceRefused
from openbenefits.reconcile.matching import clients_of, match_invoice, refuse_unmapped
from openbenefits.reconcile.models import Invoice
from openbenefits.reconcile.owing import Owing, owing_of
from openbenefits.reconcile.rules import comparing, counting, margins, residuals
from openbenefits.reconcile.rules.comparing import ROUNDING, UNIT, Settings
from openbenefits.reconcile.rules.months import PLACE, SETTLED, compare_months
from openbenefits.reconcile.rules.premiums import variant_premiums, variants_of
from openbenefits.reconcile.states import ENDED, InvoiceState, Kind
from openbenefits.reconcile.terms import Terms, terms_of
from openbenefits.store.bulk import copy_in, schema_of
from openbenefits.workforce.models import Person

MONTHS_BACK = 12


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What a comparison found.

    Shapes: found as FOUND with cluster; settled: past months put right; wanted: what was expected, by PLACE.
    """

    found: pl.DataFrame
    settled: pl.DataFrame
    wanted: pl.DataFrame
    expected: Expected
    lines: pl.DataFrame


def reconcile(connection: Any, invoice: Invoice, *, author: str, now: datetime) -> dict[str, Any]:
    """Reconcile an invoice; answer its sums (also kept as `invoice.told`).

    Errors: InvoiceRefused for one that is paid or closed, or has labels without a meaning.
    """
    if invoice.state in (InvoiceState.PAID, InvoiceState.CLOSED):
        raise InvoiceRefused(
            f"invoice {invoice.number}: expected one that is not yet paid, found it {invoice.state}; its open"
            " differences are looked at again with the next invoice"
        )
    refuse_unmapped(connection, invoice)
    match_invoice(connection, invoice)
    compared = compare_invoice(connection, invoice)
    owing = owing_of(connection, invoice, clients_of(invoice), compared.expected)
    inputs = _fingerprint(invoice, compared, owing)
    if inputs == invoice.inputs:
        return dict(invoice.told)
    with transaction.atomic(using=connection.alias):
        locked = Invoice.objects.using(connection.alias).select_for_update().get(pk=invoice.pk)
        locked.results += 1
        beside, told = _beside(connection, locked, compared, owing)
        items = as_items(connection, locked, compared, beside, terms_of(invoice.carrier))
        write_items(connection, locked, items, compared.settled, author=author, now=now)
        _with_cases(connection, locked, author=author, now=now)
        locked.told = _sums(compared, owing) | told
        _write_months(connection, locked, compared, owing)
        locked.inputs = inputs
        locked.save(update_fields=["results", "told", "inputs"])
    invoice.refresh_from_db()
    return dict(invoice.told)


def _beside(
    connection: Any, invoice: Invoice, compared: Compared, owing: Owing
) -> tuple[list[pl.DataFrame], dict[str, Any]]:
    """Write how the money of each person meets the invoice; answer the items of that, and its sums.

    A carrier's invoice meets payroll (legs B and C), a bill to a client all three (leg D).
    """
    if invoice.kind == Kind.BILLING:
        legs = billing.four_legs(connection, invoice, compared.wanted, _by_plan(compared.found), owing)
        billing.write_legs(connection, invoice, legs)
        sums = legs.with_columns(**margins.parts())
        told = {name: _known_sum(sums[name]) for name in ("premium_cents", *margins.parts())}
        return billing.items_beside(invoice, compared, legs), told
    money = person_months(invoice, compared, owing)
    _write_people(connection, invoice, money)
    told = {
        "timing_cents": int(money["timing_cents"].sum()),
        "uncollected_cents": int(money["unexplained_cents"].sum()),
    }
    return [of_deductions(owing), of_money(invoice, money)], told


def _known_sum(cents: pl.Series) -> int | None:
    known = cents.drop_nulls()
    return int(known.sum()) if known.len() else None


def _with_cases(connection: Any, invoice: Invoice, *, author: str, now: datetime) -> None:
    """Open cases for what is grave; close those of what this reconciliation has ended."""
    rows = load_items(connection, invoice_id=invoice.pk)
    casing.open_for(rows, invoice, author=author, now=now)
    ended = models.Item.objects.filter(state__in=ENDED, closed_at=now).values_list("pk", flat=True)
    casing.close_ended(list(ended), by=author, now=now)


def compare_invoice(connection: Any, invoice: Invoice) -> Compared:
    """Compare an invoice that is matched with what was expected of its month and of those before."""
    if invoice.kind == Kind.SUMMARY:
        return _compare_summary(connection, invoice)
    terms = terms_of(invoice.carrier)
    settings = settings_of(invoice, terms)
    lines = matched_lines(connection, invoice)
    people = (
        lines.drop_nulls("person_id")
        .filter(pl.col("client_id") > 0)
        .select("client_id", "person_id")
        .unique()
    )
    past = _past_months(invoice)
    ahead = sorted(lines.filter(pl.col("month") > invoice.month)["month"].unique())
    expected = expect(connection, clients_of(invoice), terms, [*past, invoice.month, *ahead], people)
    types = expected.plans.select("plan_id", "plan_type")
    lines = lines.join(types, on="plan_id", how="left", maintain_order="left")
    whose, nobodys = _of_whom(lines)
    earlier = load_earlier(connection, invoice.client_id, invoice.carrier, invoice.month)
    known = pl.col("month").is_null() | pl.col("month").is_in(past) | (pl.col("month") >= invoice.month)
    units = expected.units
    found, settled, wanted = compare_months(whose, units, expected.history, earlier.filter(known), settings)
    found = comparing.decide(found, units, _variants(found, units, expected, terms))
    rows = pl.concat([found, comparing.of_nobody(nobodys, settings)])
    rows = comparing.with_clusters(rows, terms.tolerances.cluster_lines)
    return Compared(
        found=margins.as_billing(rows) if invoice.kind == Kind.BILLING else rows,
        settled=settled,
        wanted=wanted,
        expected=expected,
        lines=lines,
    )


def _compare_summary(connection: Any, invoice: Invoice) -> Compared:
    """Compare the numbers and sums of a bill that names nobody, by client, plan and tier."""
    terms = terms_of(invoice.carrier)
    settings = settings_of(invoice, terms)
    (last,) = months_before(invoice.month, 1)
    expected = expect(connection, clients_of(invoice), terms, [last, invoice.month])
    lines = load_rows(connection, models.InvoiceLine, invoice.pk).with_columns(
        person_id=pl.lit(None, pl.Int64), is_dependent=pl.lit(value=False), standing=pl.lit("matched")
    )
    types = expected.plans.select("plan_id", "plan_type")
    lines = lines.join(types, on="plan_id", how="left", maintain_order="left")
    units = comparing.to_group(expected.units, settings)
    now, before = (counting.held_of(units.filter(month=month)) for month in (invoice.month, last))
    of_type = expected.history.group_by("client_id", "person_id", "plan_type")
    perhaps = counting.candidates(now, before, of_type.agg(pl.col("made_at").max()))
    people = Person.objects.filter(pk__in=perhaps["person_id"].unique().to_list())
    numbers = dict(people.values_list("pk", "employee_number"))
    ours = lines.filter(pl.col("client_id") > 0)
    sums = counting.groups(now, ours.filter(~pl.col("is_retro")))
    found = [
        counting.compare_counts(sums, perhaps, numbers, settings),
        counting.of_corrections(ours.filter("is_retro"), settings),
        comparing.of_nobody(lines.filter(pl.col("client_id") == 0), settings),
    ]
    return Compared(
        found=comparing.with_clusters(pl.concat(found), terms.tolerances.cluster_lines),
        settled=pl.DataFrame(schema=SETTLED),
        wanted=_wanted(expected.units.filter(month=invoice.month), settings),
        expected=expected,
        lines=lines,
    )


def settings_of(invoice: Invoice, terms: Terms) -> Settings:
    """Answer what an invoice is compared by."""
    known = terms.tolerances
    return Settings(
        month=invoice.month,
        cutoff_at=datetime.combine(invoice.cutoff_on, time.max, UTC),
        rounding_cents=known.rounding_cents,
        rounding_per_dependent_cents=known.rounding_per_dependent_cents,
        volume_cents=known.volume_cents,
        cobra=terms.cobra,
    )


def matched_lines(connection: Any, invoice: Invoice) -> pl.DataFrame:
    """Load the lines of an invoice with whom they are about."""
    lines = load_rows(connection, models.InvoiceLine, invoice.pk)
    matches = load_rows(connection, models.LineMatch, invoice.pk)
    told = matches.select("line", "person_id", "is_dependent", "standing", of="client_id")
    rows = lines.join(told, on="line", how="left", maintain_order="left")
    return rows.with_columns(client_id=pl.coalesce("of", "client_id")).drop("of")


def _of_whom(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part lines that are somebody's, or asked about, from those that are nobody's.

    Who may be meant by a line that asks, and has a line of his own for the plan, is not meant.
    """
    known = pl.col("person_id").is_not_null() & pl.col("plan_id").is_not_null()
    sure = lines.filter(known & (pl.col("standing") == "matched"))
    asked = lines.filter(known & (pl.col("standing") == "ask"))
    free = asked.join(sure.select(PLACE).unique(), on=PLACE, how="anti", nulls_equal=True)
    whose = pl.concat([sure, free])
    return whose, lines.join(whose.select("line"), on="line", how="anti")


def _variants(found: pl.DataFrame, units: pl.DataFrame, expected: Expected, terms: Terms) -> pl.DataFrame:
    """Price what the carrier may have taken for true, of the units whose cause nothing printed tells."""
    asked = comparing.undecided(found, units)
    if asked.is_empty():
        schema = {"unit": pl.Int32, "cause": pl.String, "told": pl.String, "full_cents": pl.Int64}
        return pl.DataFrame(schema=schema)
    rows = variants_of(asked, expected.known, expected.rulebook)
    priced = variant_premiums(rows, expected.known, expected.rulebook)
    plans = asked.select("unit", "plan_id").unique("unit")
    return with_owed(priced.join(plans, on="unit", how="left"), expected.plans, terms)


def _wanted(units: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """What is expected of the month billed: UNIT, month, expected_cents; what is not known is left out."""
    rows = comparing.to_group(units, settings).filter("is_charged")
    return rows.select(*UNIT, "month", "expected_cents").drop_nulls("expected_cents")


def _past_months(invoice: Invoice) -> list[date]:
    """List the months before of which an invoice was loaded, the latest MONTHS_BACK."""
    known = Invoice.objects.filter(
        client_id=invoice.client_id, carrier=invoice.carrier, month__lt=invoice.month
    )
    months = sorted(set(known.values_list("month", flat=True)))
    return months[-MONTHS_BACK:]


# --- sums -------------------------------------------------------------------------------------------------


def _sums(compared: Compared, owing: Owing) -> dict[str, Any]:
    """Sum up: explained and unexplained come to invoice less expected, to the cent (docs/invoices.md §5)."""
    found = compared.found
    unexplained = int(found.filter(code="UNEXPLAINED")["difference_cents"].sum())
    rounding = found.filter(code=ROUNDING)["difference_cents"].sum()
    whole = int(found["difference_cents"].sum())
    standing = dict(compared.lines["standing"].value_counts().iter_rows())
    return {
        "lines": compared.lines.height,
        "people": compared.lines["person_id"].drop_nulls().n_unique() + int(compared.lines["people"].sum()),
        "matched": standing.get("matched", 0),
        "asked": standing.get("ask", 0),
        "unmatched": standing.get("unmatched", 0),
        "invoiced_cents": int(compared.lines["premium_cents"].sum()),
        "expected_cents": int(compared.wanted["expected_cents"].sum()),
        "explained_cents": whole - unexplained,
        "rounding_cents": int(rounding),
        "unexplained_cents": unexplained,
        "settled_cents": int(compared.settled["difference_cents"].sum()),
        "owed_cents": owing.total("owed_cents"),
        "taken_cents": owing.total("taken_cents"),
        "employer_cents": owing.total("employer_cents"),
    }


def _write_months(connection: Any, invoice: Invoice, compared: Compared, owing: Owing) -> None:
    """Write the statement of each client and plan."""
    models.PlanMonth.objects.using(connection.alias).filter(invoice_id=invoice.pk).delete()
    rows = plan_months(invoice, compared, owing)
    copy_in(connection, "reconcile_planmonth", rows)


def person_months(invoice: Invoice, compared: Compared, owing: Owing) -> pl.DataFrame:
    """Take apart, by person and plan, what pays collected less what was billed: `residuals.RESIDUAL`."""
    tolerance = terms_of(invoice.carrier).tolerances.deduction_cents
    is_other = pl.col("month") != invoice.month
    wanted = compared.wanted.with_columns(other_cents=pl.when(is_other).then("expected_cents").otherwise(0))
    return residuals.residuals(wanted, _by_plan(compared.found), owing.of_people, tolerance)


def _write_people(connection: Any, invoice: Invoice, money: pl.DataFrame) -> None:
    """Write how the money of each person and plan meets the invoice."""
    models.PersonMonth.objects.using(connection.alias).filter(invoice_id=invoice.pk).delete()
    rows = money.with_columns(invoice_id=pl.lit(invoice.pk, pl.Int64))
    copy_in(connection, "reconcile_personmonth", rows)


def plan_months(invoice: Invoice, compared: Compared, owing: Owing) -> pl.DataFrame:
    """Sum up by client and plan: people, volumes, expected, invoiced, explained, owed and taken."""
    key = ["client_id", "plan_id"]
    billed = (
        compared.lines.with_columns(pl.col("plan_id").fill_null(0))
        .group_by(key)
        .agg(
            people_invoiced=pl.when(pl.col("people").is_null().all())
            .then(pl.col("identity").filter(~pl.col("is_retro")).n_unique())
            .otherwise(pl.col("people").filter(~pl.col("is_retro")).sum()),
            invoiced_cents=pl.col("premium_cents").sum(),
        )
    )
    month = compared.expected.units.filter((pl.col("month") == invoice.month) & pl.col("is_charged"))
    wanted = compared.wanted.group_by(key).agg(pl.col("expected_cents").sum())
    counts = month.group_by(key).agg(
        people_expected=pl.col("person_id").n_unique(), volume_cents=pl.col("volume_cents").sum()
    )
    moved = _by_plan(compared.found)
    causes = moved.group_by(key).agg(
        explained_cents=pl.col("difference_cents").filter(pl.col("code") != "UNEXPLAINED").sum(),
        rounding_cents=pl.col("difference_cents").filter(pl.col("code") == ROUNDING).sum(),
        unexplained_cents=pl.col("difference_cents").filter(pl.col("code") == "UNEXPLAINED").sum(),
    )
    rows = billed
    for other in (wanted, counts, causes):
        rows = rows.join(other, on=key, how="full", coalesce=True)
    rows = rows.with_columns(pl.exclude(key).fill_null(0))
    rows = rows.join(owing.of_plans, on=key, how="left").with_columns(invoice_id=pl.lit(invoice.pk))
    return rows.select(pl.col(name).cast(kind) for name, kind in schema_of(models.PlanMonth).items())


def _by_plan(found: pl.DataFrame) -> pl.DataFrame:
    """Give each plan its part of a difference.

    A wrong plan is too little of one and too much of the other.
    """
    swapped = found.filter(pl.col("other_plan_id").is_not_null())
    rest = found.filter(pl.col("other_plan_id").is_null())
    less = swapped.with_columns(difference_cents=-pl.col("expected_cents").fill_null(0))
    more = swapped.with_columns(plan_id="other_plan_id", difference_cents="invoiced_cents")
    return pl.concat([rest, less, more]).with_columns(pl.col("plan_id").fill_null(0))


def _fingerprint(invoice: Invoice, compared: Compared, owing: Owing) -> str:
    """Answer one mark for everything that was compared, and what came of it before."""
    terms = models.CarrierTerms.objects.filter(carrier=invoice.carrier).order_by("-version").first()
    marks = [
        invoice.fingerprint,
        str(terms.version if terms else 0),
        *(_mark(frame) for frame in (compared.lines.drop("ssn_hash", "last4_hash"), compared.found)),
        *(_mark(frame) for frame in (compared.wanted, compared.settled)),
        *(_mark(frame) for frame in (owing.found, owing.of_plans, owing.of_people)),
    ]
    return hashlib.sha256("|".join(marks).encode()).hexdigest()


def _mark(frame: pl.DataFrame) -> str:
    """Answer a number of a frame's content, whatever the order of its rows."""
    if frame.is_empty():
        return "0"
    numbers = frame.hash_rows(seed=7)
    return f"{frame.height}.{numbers.sum()}.{numbers.sort().hash().sum()}"
