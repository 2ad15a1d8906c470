"""Step 13, an invoice: what a carrier bills laid beside coverage; each difference has its cause."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from openbenefits.cli.demo.newcomer import CLIENT
from openbenefits.cli.demo.payroll_year import LEAVER
from openbenefits.cli.demo.stage import ACTOR, Stage
from openbenefits.cli.screen import console, say, table_of
from openbenefits.matching.sheets import in_dollars
from openbenefits.programs.frames import load_setup
from openbenefits.reconcile.expected import Expected, expect
from openbenefits.reconcile.frames import load_identities
from openbenefits.reconcile.items import worklist
from openbenefits.reconcile.loading import InvoiceOrder, load
from openbenefits.reconcile.reconciling import reconcile
from openbenefits.reconcile.terms import EVERY, Terms, Wash, save_terms
from openbenefits.sample.invoices import HELD, invoice_lines, printed
from openbenefits.store import secrets

CARRIER = "Sample Mutual (invented)"
MONTH, MONTH_BEFORE = date(2026, 11, 1), date(2026, 10, 1)
LOADED = datetime(2026, 11, 5, 9, tzinfo=UTC)
TIERS = {"1": "EE ONLY", "2": "EE+SP", "3": "EE+CH", "4": "FAM", "12": "EE+1"}
SHOWN = ("title", "employee_number", "expected", "found", "difference_cents", "owner", "deadline_on")
WASH = {EVERY: Wash(kind="wash", day=15)}


def play(stage: Stage) -> None:
    """Make up the invoice of a month, spoil some lines, load it, and say what is wrong with it."""
    with stage.step("13 An invoice: each difference with its cause"):
        client_id = stage.clients[CLIENT]
        found = _expected(stage, MONTH)
        save_terms(CARRIER, _terms(found), author=ACTOR, now=LOADED)
        lines = invoice_lines(_held(stage, found))
        path = stage.output("payroll", "invoice-2026-11.csv")
        planted = _spoilt(lines, _not_told(stage), path)
        say(f"{path}: {lines.height} lines were expected; {planted} faults were planted")
        order = InvoiceOrder(
            client_id=client_id,
            carrier=CARRIER,
            number="2026-11",
            month=MONTH,
            statement_on=MONTH,
            cutoff_on=MONTH,
            path=path,
        )
        invoice = load(stage.connection, order, author=ACTOR, now=LOADED)
        told = reconcile(stage.connection, invoice, author=ACTOR, now=LOADED)
        items = worklist(stage.connection, LOADED.date(), invoice_id=invoice.pk).filter(leg="A")
        console.print(table_of(in_dollars(items.select(SHOWN)), title="Invoice against coverage"))
        whole = told["explained_cents"] + told["unexplained_cents"]
        say(f"{items.height} differences, {whole} cents in all: what the invoice is above or below coverage.")


def _expected(stage: Stage, month: date) -> Expected:
    """Answer what a month's invoice is expected to charge."""
    terms = Terms(carriers=(CARRIER,), wash=WASH)
    return expect(stage.connection, [stage.clients[CLIENT]], terms, [month])


def _not_told(stage: Stage) -> pl.DataFrame:
    """Answer what the carrier bills for who left in the month before, as it had him then."""
    before = invoice_lines(_held(stage, _expected(stage, MONTH_BEFORE)))
    return before.filter(employee_number=LEAVER).with_columns(month=pl.lit(MONTH))


def _terms(found: Expected) -> Terms:
    """What is agreed with the carrier: its words for plans, tiers and divisions."""
    return Terms(
        carriers=(CARRIER,),
        plans={f"PL {plan}": plan for plan in sorted(found.plans["plan"])},
        tiers={label: code for code, label in TIERS.items()},
        subgroups={f"{CLIENT.upper()}-01": CLIENT},
        wash=WASH,
    )


def _held(stage: Stage, found: Expected) -> pl.DataFrame:
    """Answer what is expected with names, as the carrier knows them."""
    people = load_identities(stage.connection, [stage.clients[CLIENT]]).filter(~pl.col("is_dependent"))
    people = people.unique("person_id", keep="first", maintain_order=True)
    people = people.with_columns(secrets.decrypt_ssn(people["ssn_sealed"].alias("ssn")))
    codes = (
        load_setup(stage.connection)["coverage_code"].select("coverage_code_id", tier_code="code").unique()
    )
    units = found.units.filter(pl.col("is_charged") & (pl.col("expected_cents") > 0))
    return (
        units.join(people.drop("client_id", "is_dependent"), on="person_id")
        .join(found.plans.select("plan_id", "plan"), on="plan_id")
        .join(codes, on="coverage_code_id", how="left")
        .with_columns(
            client=pl.lit(CLIENT),
            tier=pl.col("tier_code").replace(TIERS),
            dependents=pl.when(pl.col("coverage_code_id").is_not_null()).then("counted"),
            premium_cents="expected_cents",
            age=pl.col("age").cast(pl.Int32),
        )
        .sort("plan_id", "person_id")
        .select(*HELD)
    )


def _spoilt(lines: pl.DataFrame, left: pl.DataFrame, path: Path) -> int:
    """Leave one line out, print one twice, bill one at another rate, bill who left, and a stranger."""
    rows = lines.with_row_index("at")
    dearer = pl.when(pl.col("at") == 1).then(pl.col("premium_cents") * 103 // 100).otherwise("premium_cents")
    rows = rows.with_columns(premium_cents=dearer)
    twice = rows.filter(at=2)
    stranger = rows.filter(at=3).with_columns(
        last_name=pl.lit("Quimby"),
        first_name=pl.lit("Zelda"),
        birth_on=pl.lit(date(1961, 5, 4)),
        ssn=pl.lit(None, pl.String),
        employee_number=pl.lit(None, pl.String),
        member_id=pl.lit("Z1"),
        person_id=pl.lit(900_001, pl.Int64),
    )
    billed = pl.concat([rows.filter(pl.col("at") != 0), twice, stranger]).drop("at")
    printed(pl.concat([billed, left])).write_csv(path)
    return 4 + left.height
