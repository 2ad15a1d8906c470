"""What pays took beside what they owed (leg B), and how the money meets the invoice (leg C)."""

from datetime import date

import polars as pl
from tests.reconcile.conftest import LOADED, MONTH, NOW, book, end, write
from tests.reconcile.test_lifecycle import lines_of, only_mutual, order

from openbenefits.payroll.services import owed
from openbenefits.payroll.taken import take
from openbenefits.reconcile import loading
from openbenefits.reconcile.entries import entries
from openbenefits.reconcile.frames import load_rows
from openbenefits.reconcile.models import Item, PersonMonth, PlanMonth
from openbenefits.reconcile.reconciling import reconcile
from openbenefits.reconcile.rules.residuals import CALENDAR, NOT_BILLED, NOT_COLLECTED
from openbenefits.workforce.models import Person

BY = {"author": "ann", "now": LOADED}


def oddly_taken(owing: pl.DataFrame, people: list[int], nobody: str) -> pl.DataFrame:
    """Takings as owed, but of the first nothing, of the next twice, of the third a dollar more, then after tax.

    Of the fifth in one pay of two, and of nobody who owes: as of the first.
    """
    who = pl.col("person_id")
    cents = (
        pl.when(who == people[0])
        .then(0)
        .when(who == people[1])
        .then(pl.col("owed_cents") * 2)
        .when(who == people[2])
        .then(pl.col("owed_cents") + 100)
        .otherwise("owed_cents")
    )
    tax = pl.when(who == people[3]).then(pl.lit("A")).otherwise("tax_class")
    rest = (pl.col("taken") % 100).cast(pl.String).str.zfill(2)
    left_out = (who == people[4]) & (pl.col("ends_on") == pl.col("ends_on").max().over("person_id"))
    orphan = owing.filter(who == people[0]).with_columns(
        employee_number=pl.lit(nobody), taken=pl.col("owed_cents")
    )
    rows = owing.with_columns(taken=cents, tax_class=tax).filter(~left_out)
    return pl.concat([rows, orphan]).select(
        *("employee_number", "benefit_record", "plan_type", "tax_class", "pay_group", "ends_on"),
        taken=pl.format("{}.{}", pl.col("taken") // 100, rest),
    )


def assert_taken_apart(money: pl.DataFrame, people: list[int]) -> None:
    """What was collected less what was billed is payroll's, the carrier's, timing or unexplained, to the cent."""
    collected = pl.col("taken_cents") + pl.col("employer_cents") - pl.col("invoiced_cents")
    ours = pl.col("payroll_cents") - pl.col("carrier_cents")
    parts = ours + pl.col("timing_cents") + pl.col("unexplained_cents")
    assert money.filter(collected != parts).is_empty()
    assert money.filter(pl.col("carrier_cents") != 0).is_empty()  # the invoice is right
    wrong = money.filter(pl.col("person_id").is_in(people) & (pl.col("payroll_cents") != 0))
    assert set(wrong["person_id"]) == set(people)
    assert set(money["timing"]) <= {"", CALENDAR, NOT_BILLED, NOT_COLLECTED}


def test_what_pays_took_is_compared_with_what_they_owed(two, fresh_database, tmp_path):
    connection, client = fresh_database, two["harbor"]
    lines = lines_of(connection, two)
    only_mutual(connection)
    november = owed(connection, client, begin=MONTH, through=date(2025, 11, 30))
    owing = november.filter(pl.col("owed_cents") > 0, kind="deduction", plan_type="14")
    twice = owing.filter(pl.len().over("person_id") == 2).sort("person_id")
    people = twice["person_id"].unique(maintain_order=True).to_list()
    units = book(connection, two).expected.units
    end(units.filter(plan_type="14", person_id=people[5]), date(2025, 10, 31))
    stranger = Person.objects.filter(client_id=client).exclude(pk__in=units["person_id"].to_list()).first()
    file = tmp_path / "taken.csv"
    oddly_taken(owing.sort("person_id", "ends_on"), people, stranger.employee_number).write_csv(file)
    assert take(connection, client, file, made_by="test", now=NOW).bad_row_count == 0
    lines = lines.filter((pl.col("person_id") != people[5]) | (pl.col("plan") != "SAMPLE-VISION"))
    invoice = loading.load(connection, order(write(lines, tmp_path / "a.csv")), **BY)
    told = reconcile(connection, invoice, **BY)
    found = dict(Item.objects.filter(leg="B", plan_type="14").values_list("person_id", "code"))
    assert found == {
        people[0]: "DED_MISSING",
        people[1]: "DED_DOUBLE",
        people[2]: "DED_AMOUNT",
        people[3]: "DED_TAX",
        people[4]: "DED_FREQUENCY",
        people[5]: "DED_AFTER_TERM",
        stranger.pk: "DED_ORPHAN",
    }
    assert told["taken_cents"] - told["owed_cents"] == sum(
        Item.objects.filter(leg="B").values_list("difference_cents", flat=True)
    )
    money = load_rows(connection, PersonMonth, invoice.pk)
    assert_taken_apart(money, people[:3])
    assert money["unexplained_cents"].sum() == told["uncollected_cents"]
    told = entries(connection, invoice)
    assert told["debit_cents"].sum() == told["credit_cents"].sum() == invoice.total_cents
    assert (
        told.filter(account="withheld")["debit_cents"].sum()
        == load_rows(connection, PlanMonth, invoice.pk)["taken_cents"].sum()
    )
    open_ = Item.objects.filter(leg="C", code="MONEY_UNEXPLAINED")
    assert open_.count() == money.filter(pl.col("unexplained_cents") != 0).height
