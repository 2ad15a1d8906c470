"""An invoice of everybody's coverage reconciled, database and prices included, beside a plain join."""

import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import polars as pl
from django.db import connection

from bench.children import Progress, peak_bytes
from bench.kernel import Measured
from bench.stored import BY, NOW, SAMPLE_FOLDER, bench_database, load_employer
from openbenefits.programs import services as setup
from openbenefits.programs.frames import load_setup
from openbenefits.reconcile.expected import Expected, expect
from openbenefits.reconcile.frames import load_identities
from openbenefits.reconcile.loading import InvoiceOrder, load
from openbenefits.reconcile.matching import match_invoice
from openbenefits.reconcile.models import Item
from openbenefits.reconcile.reconciling import matched_lines, reconcile
from openbenefits.reconcile.terms import Terms, save_terms
from openbenefits.sample.invoices import invoice_lines, printed
from openbenefits.store import secrets

MONTH = date(2025, 11, 1)
LOADED = datetime(2025, 11, 5, tzinfo=UTC)
CARRIER = "everybody's"
FAULTY = 50  # one line of so many is off by three per cent
STEPS = 6


def measure_reconcile(folder: Path, progress: Progress) -> Measured:
    """Load people with coverage, print an invoice of it with some wrong amounts, and reconcile it."""
    with bench_database():
        setup.apply(SAMPLE_FOLDER / "peo", client_id=0, applied_by=BY, now=NOW)
        codes = sorted(one.name for one in (folder / "clients").iterdir())
        clients = {code: load_employer(folder, code).client_id for code in codes}
        progress(1, STEPS)
        setup_ = load_setup(connection, list(clients.values()))
        carriers = tuple(setup_["plan"]["carrier"].unique().sort().to_list())
        terms = Terms(carriers=carriers, subgroups={f"{code.upper()}-01": code for code in clients})
        found = expect(connection, list(clients.values()), terms, [MONTH])
        plans = {f"PL {plan}": plan for plan in found.plans["plan"]}
        tiers = {code: code for code in setup_["coverage_code"]["code"].unique()}

        save_terms(CARRIER, msgspec.structs.replace(terms, plans=plans, tiers=tiers), author=BY, now=LOADED)
        progress(2, STEPS)
        with tempfile.TemporaryDirectory() as place:
            file = Path(place) / "invoice.csv"
            _print(found, clients, setup_, file)
            return _timed(file, progress)


def _print(found: Expected, clients: dict[str, int], setup_: dict[str, pl.DataFrame], file: Path) -> None:
    """Print what is expected as an invoice, with a wrong amount here and there."""
    people = load_identities(connection, list(clients.values())).filter(~pl.col("is_dependent"))
    people = people.unique("person_id", keep="first", maintain_order=True)
    people = people.with_columns(secrets.decrypt_ssn(people["ssn_sealed"].alias("ssn")))
    tiers = setup_["coverage_code"].unique("coverage_code_id").select("coverage_code_id", tier="code")
    names = {number: code for code, number in clients.items()}
    held = (
        found.units.filter(pl.col("expected_cents") > 0)
        .join(people.drop("client_id", "is_dependent"), on="person_id")
        .join(found.plans.select("plan_id", "plan"), on="plan_id")
        .join(tiers, on="coverage_code_id", how="left")
        .with_columns(
            client=pl.col("client_id").replace_strict(names, return_dtype=pl.String),
            dependents=pl.when(pl.col("coverage_code_id").is_not_null()).then("counted"),
            age=pl.col("age").cast(pl.Int32),
        )
        .sort("client_id", "person_id", "plan_id")
    )
    is_off = pl.int_range(pl.len()) % FAULTY == 0
    cents = pl.col("expected_cents")
    wrong = held.with_columns(premium_cents=pl.when(is_off).then(cents * 103 // 100).otherwise(cents))
    printed(invoice_lines(wrong)).write_csv(file)


def _timed(file: Path, progress: Progress) -> Measured:
    order = InvoiceOrder(
        client_id=0, carrier=CARRIER, number="1", month=MONTH, statement_on=MONTH, cutoff_on=MONTH, path=file
    )
    at = [time.perf_counter()]
    invoice = load(connection, order, author=BY, now=LOADED)
    at.append(time.perf_counter())
    progress(3, STEPS)
    match_invoice(connection, invoice)
    at.append(time.perf_counter())
    progress(4, STEPS)
    told = reconcile(connection, invoice, author=BY, now=LOADED)
    at.append(time.perf_counter())
    progress(5, STEPS)
    reconcile(connection, invoice, author=BY, now=LOADED)
    at.append(time.perf_counter())
    joined = _join(matched_lines(connection, invoice))
    progress(6, STEPS)
    spans = {
        name: later - sooner
        for name, sooner, later in zip(("load", "match", "reconcile", "again"), at[:-1], at[1:], strict=True)
    }
    return spans | {
        "lines": told["lines"],
        "people": told["people"],
        "items": Item.objects.count(),
        "join": joined,
        "unexplained_cents": told["unexplained_cents"],
        "peak_bytes": peak_bytes(),
    }


def _join(lines: pl.DataFrame) -> float:
    """Seconds of a plain join and sum of the same rows: the least any comparison costs."""
    key = ["client_id", "person_id", "plan_id"]
    other = lines.select(*key, expected="premium_cents").sample(fraction=1.0, shuffle=True, seed=1)
    begun = time.perf_counter()
    both = lines.group_by(key).agg(pl.col("premium_cents").sum())
    both = both.join(other.group_by(key).agg(pl.col("expected").sum()), on=key, how="full", coalesce=True)
    both = both.filter(pl.col("premium_cents") != pl.col("expected"))
    return time.perf_counter() - begun if both.is_empty() else 0.0
