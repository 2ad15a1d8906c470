"""Two clients with coverage taken over from a previous system.

And the carrier that bills both on one invoice.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from django.db import connections
from tests.runs.conftest import NOW, put_employer

from openbenefits.enrollment.models import Coverage
from openbenefits.enrollment.takeover import take_over
from openbenefits.reconcile.expected import Expected, expect
from openbenefits.reconcile.frames import load_identities
from openbenefits.reconcile.terms import EVERY, Terms, Wash, save_terms
from openbenefits.sample.invoices import HELD, invoice_lines, printed
from openbenefits.store import secrets
from openbenefits.workforce.models import Client

CARRIER = "General Agency"
CARRIERS = (
    *("Sample Mutual (invented)", "Sample Life (invented)", "HMO Blue", "NHP", "Tufts Health Direct"),
    "Delta Dental",
)
MONTH, BEFORE = date(2025, 11, 1), date(2025, 10, 1)
LOADED = datetime(2025, 11, 5, 9, tzinfo=UTC)
TIERS = {"1": "EE ONLY", "2": "EE+SP", "3": "EE+CH", "4": "FAM", "12": "EE+1"}
PEOPLE = 120


@dataclass(frozen=True)
class Book:
    """What is expected of the month, with names: the lines of an invoice without a fault."""

    clients: dict[str, int]
    expected: Expected
    held: pl.DataFrame

    def lines(self) -> pl.DataFrame:
        return invoice_lines(self.held)


def put_two(folder: Path) -> dict[str, int]:
    """Put two employers with coverage since January 2025."""
    clients = {}
    for code in ("harbor", "quill"):
        place = folder / code
        place.mkdir()
        made = put_employer(place, code=code, people=PEOPLE)
        file = place / code / "current_coverage.csv"
        taken = take_over(connections["default"], made.client_id, file, now=NOW, made_by="test")
        assert taken.taken
        clients[code] = made.client_id
    plans = sorted(
        expect(connections["default"], list(clients.values()), Terms(carriers=CARRIERS), [MONTH]).plans[
            "plan"
        ]
    )
    terms = Terms(
        carriers=CARRIERS,
        plans={f"PL {plan}": plan for plan in plans},
        tiers={label: code for code, label in TIERS.items()},
        subgroups={f"{code.upper()}-01": code for code in clients},
        wash={EVERY: Wash(kind="wash", day=15)},
    )
    save_terms(CARRIER, terms, author="test", now=NOW)
    return clients


@pytest.fixture
def two(fresh_database: Any, kept: Any, tmp_path_factory: Any) -> dict[str, int]:
    """Two clients with coverage, and the carrier's terms."""
    return kept(fresh_database, "reconcile: two clients", lambda: put_two(tmp_path_factory.mktemp("two")))


def end(units: pl.DataFrame, last_covered: date, *, kind: str = "T", known: datetime = NOW) -> None:
    """End coverage of units after a day, as an event does: a change point of the day after."""
    following = date.fromordinal(last_covered.toordinal() + 1)
    for row in units.iter_rows(named=True):
        put_point(row, following, kind=kind, known=known, option_id=None)


def put_point(row: dict, begins_on: date, *, kind: str, known: datetime = NOW, **more: Any) -> None:
    """Write a change point beside those of a unit."""
    first = (
        Coverage.objects.filter(
            client_id=row["client_id"],
            person_id=row["person_id"],
            benefit_record=row["benefit_record"],
            plan_type=row["plan_type"],
            slot=row["slot"],
            begins_on=row["begins_on"],
            version=row["version"],
        )
        .values()
        .get()
    )
    told = {
        "kind": kind,
        "begins_on": begins_on,
        "deduction_begins_on": begins_on,
        "made_at": known,
        "version": 1,
    }
    Coverage.objects.create(**{name: value for name, value in (first | told | more).items() if name != "pk"})


def book(connection: Any, clients: dict[str, int], month: date = MONTH, carriers: tuple = CARRIERS) -> Book:
    """Answer what is expected of a month as the lines of an invoice."""
    terms = Terms(carriers=carriers, wash={EVERY: Wash(kind="wash", day=15)})
    found = expect(connection, list(clients.values()), terms, [month])
    codes = dict(Client.objects.values_list("pk", "code"))
    people = load_identities(connection, list(clients.values())).filter(~pl.col("is_dependent"))
    people = people.unique("person_id", keep="first", maintain_order=True)
    people = people.with_columns(secrets.decrypt_ssn(people["ssn_sealed"].alias("ssn")))
    tier_of = pl.col("coverage_code_id").replace_strict(
        _tiers(connection), default=None, return_dtype=pl.String
    )
    held = (
        found.units.filter(
            pl.col("is_charged") & (pl.col("basis") != "continuation") & (pl.col("expected_cents") > 0)
        )
        .join(people.drop("client_id", "is_dependent"), on="person_id")
        .join(found.plans.select("plan_id", "plan"), on="plan_id")
        .with_columns(
            client=pl.col("client_id").replace_strict(codes, return_dtype=pl.String),
            tier=tier_of,
            dependents=pl.when(pl.col("coverage_code_id").is_not_null()).then("counted"),
            premium_cents="expected_cents",
            age=pl.col("age").cast(pl.Int32),
        )
        .sort("client_id", "plan_id", "person_id")
    )
    return Book(
        clients=clients, expected=found, held=held.select(*HELD, "plan_type", "unit", "client_id", "plan_id")
    )


def _tiers(connection: Any) -> dict[int, str]:
    from openbenefits.programs.frames import load_setup

    rows = load_setup(connection)["coverage_code"]
    return {number: TIERS[code] for number, code in rows.select("coverage_code_id", "code").iter_rows()}


def write(lines: pl.DataFrame, path: Path) -> Path:
    """Write lines as the carrier's file."""
    rows = printed(lines)
    if path.suffix == ".xlsx":
        rows.write_excel(path)
    else:
        rows.write_csv(path)
    return path
