"""Causes that the forty faults do not hold: continuation on the group's invoice, a child past the limit of age."""

from datetime import date

import msgspec
import polars as pl
from tests.reconcile.conftest import CARRIER, LOADED, MONTH, NOW, book, put_point, write
from tests.reconcile.planting import Planter, is_plan

from openbenefits.reconcile.loading import InvoiceOrder, load
from openbenefits.reconcile.models import Item
from openbenefits.reconcile.reconciling import reconcile
from openbenefits.reconcile.terms import save_terms, terms_of
from openbenefits.workforce.models import DependentFact


def test_who_continues_and_is_not_billed_and_a_child_too_old(two, fresh_database, tmp_path):
    connection = fresh_database
    save_terms(CARRIER, msgspec.structs.replace(terms_of(CARRIER), cobra="group"), author="test", now=NOW)
    planter = Planter(book(connection, two), set())
    continues = planter.take(where=(pl.col("plan_type") == "11") & (pl.col("tier") == "EE ONLY"))
    unit = planter.book.expected.units.filter(unit=continues["unit"]).row(0, named=True)
    put_point(unit, date(2025, 10, 1), kind="E", basis="continuation")  # on the group's invoice, and missing
    planter.gone.append(continues["at"])
    parent = planter.take(where=is_plan("42690MA") & (pl.col("dependents") > 1))
    child = DependentFact.objects.filter(person_id=parent["person_id"]).order_by("-birth_on").first()
    DependentFact.objects.filter(pk=child.pk).update(birth_on=date(1995, 1, 1))
    file = write(planter.done(), tmp_path / "a.csv")
    told = {"carrier": CARRIER, "number": "N", "month": MONTH, "statement_on": MONTH, "path": file}
    invoice = load(connection, InvoiceOrder(client_id=0, **told), author="test", now=LOADED)
    reconcile(connection, invoice, author="test", now=LOADED)
    found = dict(Item.objects.filter(leg="A").values_list("code", "person_id"))
    assert found == {
        "COBRA_MISSING": continues["person_id"],
        "DEP_OVERAGE": parent["person_id"],
    }
    assert Item.objects.count() == len(found)
