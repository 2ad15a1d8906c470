"""Forty faults of all kinds planted into an invoice of two clients.

All found, by their cause, and nothing else.
"""

from datetime import date

import polars as pl

from openbenefits.reconcile.frames import load_items
from openbenefits.reconcile.loading import InvoiceOrder, load
from openbenefits.reconcile.models import InvoiceLine, PlanMonth
from openbenefits.reconcile.reconciling import reconcile

from .conftest import BEFORE, CARRIER, LOADED, MONTH, book, write
from .planting import plant, spoiled_coverage

LEAST_RIGHT = 38


def _load(connection, path, number, month):
    order = InvoiceOrder(
        client_id=0,
        carrier=CARRIER,
        number=number,
        month=month,
        statement_on=month,
        cutoff_on=month,
        path=path,
    )
    return load(connection, order, author="test", now=LOADED)


def test_forty_planted_faults_are_found(two, fresh_database, tmp_path):
    connection = fresh_database
    spoiled = spoiled_coverage(connection, book(connection, two))
    before = book(connection, two, BEFORE).lines()
    planted = plant(book(connection, two), before, spoiled)
    first = _load(connection, write(planted.before, tmp_path / "october.xlsx"), "OCT", BEFORE)
    reconcile(connection, first, author="test", now=LOADED)
    invoice = _load(connection, write(planted.lines, tmp_path / "november.csv"), "NOV", MONTH)
    told = reconcile(connection, invoice, author="test", now=LOADED)

    found = _by_place(connection, invoice)
    assert len(planted.codes) == 40
    missed = {place: code for place, code in planted.codes.items() if place not in found}
    invented = {place: one for place, one in found.items() if place not in planted.codes}
    wrong = {
        place: (code, found[place][0])
        for place, code in planted.codes.items()
        if place in found and found[place][0] != code
    }
    assert (missed, invented) == ({}, {})
    assert len(planted.codes) - len(wrong) >= LEAST_RIGHT, wrong
    assert {place for place, (_, is_timing) in found.items() if is_timing} == planted.timing
    _sums_agree(connection, invoice, told)


def _sums_agree(connection, invoice, told):
    whole = told["explained_cents"] + told["unexplained_cents"]
    assert whole == told["invoiced_cents"] - told["expected_cents"]
    items = load_items(connection, invoice_id=invoice.pk).filter(leg="A")
    assert items["difference_cents"].sum() + told["rounding_cents"] == whole
    months = PlanMonth.objects.filter(invoice_id=invoice.pk)
    assert sum(one.invoiced_cents - one.expected_cents for one in months) == whole
    assert all(
        one.explained_cents + one.unexplained_cents == one.invoiced_cents - one.expected_cents
        for one in months
    )


def _by_place(connection, invoice) -> dict[tuple[int | None, str, date], tuple[str, bool]]:
    from openbenefits.reconcile.expected import plans_of

    from .conftest import CARRIERS

    items = load_items(connection, invoice_id=invoice.pk).filter(pl.col("leg") == "A")
    plans = dict(plans_of(connection, [1, 2], CARRIERS).select("plan_id", "plan").iter_rows())
    found = {}
    for row in items.iter_rows(named=True):
        if row["person_id"] is None:
            line = InvoiceLine.objects.get(invoice_id=invoice.pk, line=int(row["lines"]))
            place = (None, line.member_id, row["month"])
        else:
            place = (row["person_id"], plans[row["plan_id"]], row["month"])
        assert place not in found, place
        found[place] = (row["code"], row["is_timing"])
    return found
