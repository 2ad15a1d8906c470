"""Packages priced for everybody through the kernel, filtered and ordered, beside a plain join."""

import random
import time
from datetime import date
from pathlib import Path

import polars as pl

from bench.children import Progress, peak_bytes
from bench.kernel import Measured
from bench.processors import processor_seconds
from openbenefits.matching.candidates import CANDIDATE, RATES, TIERS, Candidates
from openbenefits.matching.matched import Priced, Terms, overview, price_packages, rank_packages
from openbenefits.matching.people import COVERED, DEPENDENTS, EXCUSED, PEOPLE, Census
from openbenefits.matching.rules.ranking import DEFAULT_WEIGHTS
from openbenefits.programs.loaded import LoadedBundle
from openbenefits.programs.reader import read
from openbenefits.sample import SAMPLE_FOLDER

ON = date(2026, 1, 1)
SIZES = ((2_000, 500), (200, 10_000))
"""Packages × employees. Every package has a medical contribution of its own, so that no two share a price."""
REAL = ("42690MA1300003-01", "41304MA0041144-01", "59763MA0030011-01", "42690MA1300042-01")
TABLES = 24
SEED = 2_026
FACTORS = pl.DataFrame({"age": range(14, 65), "factor_micros": [765_000 + 45_000 * at for at in range(51)]})


def measure_matching(folder: Path, progress: Progress) -> Measured:
    """Price and order packages at both sizes."""
    del folder
    peo = read(SAMPLE_FOLDER / "peo").bundle
    measured: Measured = {}
    for number, (packages, people) in enumerate(SIZES):
        progress(number, len(SIZES))
        measured |= {f"{name}_{packages}": value for name, value in _measured(packages, people, peo).items()}
    progress(len(SIZES), len(SIZES))
    return measured | {"peak_bytes": peak_bytes()}


def _measured(packages: int, people: int, peo: LoadedBundle | None) -> Measured:
    census, candidates = make_census(people), make_candidates(packages)
    terms = Terms(on=ON, affordable_hundredths=996, weights=dict(DEFAULT_WEIGHTS))
    before, cpu = time.perf_counter(), processor_seconds()
    priced = price_packages(census, candidates, peo, FACTORS, terms)
    between = time.perf_counter()
    overview(priced, rank_packages(priced, terms))
    done = time.perf_counter()
    return {
        "packages": packages,
        "people": people,
        "rows": priced.taken.height,
        "price_seconds": between - before,
        "rank_seconds": done - between,
        "cpu": processor_seconds() - cpu,
        "join_seconds": _plain_join(priced),
    }


def _plain_join(priced: Priced) -> float:
    """Join as many rows of packages × people to the amounts of each, and add them up by package."""
    menus = priced.packages.menus.select("package", "menu")
    amounts = priced.taken.select("menu", "person", "premium_cents", "employer_cents", "employee_cents")
    keys = amounts.select("menu", "person")
    before = time.perf_counter()
    rows = keys.join(amounts, on=["menu", "person"]).join(menus, on="menu")
    rows.group_by("package").agg(pl.col("premium_cents", "employer_cents", "employee_cents").sum())
    return time.perf_counter() - before


def make_census(people: int) -> Census:
    """Employees of Boston of every age, in every tier, with the dependents these cover."""
    chance = random.Random(SEED)  # noqa: S311 (people of a benchmark)
    born = [
        date(chance.randint(1961, 2003), chance.randint(1, 12), chance.randint(1, 28)) for _ in range(people)
    ]
    tiers = [chance.choice(TIERS) for _ in range(people)]
    rows = pl.DataFrame({"person": range(people), "birth_on": born}).with_columns(
        number=pl.col("person").cast(pl.String),
        zip=pl.lit(2139),
        annual_pay_cents=pl.Series([chance.randint(3_000_000, 15_000_000) for _ in range(people)]),
        pay_frequency=pl.lit("B"),
    )
    covered = [
        {"person": person, "category": category, "tier": tiers[person]}
        for person in range(people)
        for category in ("10", "11")
    ]
    flags = dict.fromkeys(("is_student", "is_disabled", "is_married", "is_former"), False)
    household = {"EE": "", "ES": "S", "EC": "C", "EK": "CC", "EF": "SCC"}
    dependents = [
        {
            "person": person,
            "dependent_id": person * 10 + number,
            "person_type": "SP" if kind == "S" else "CH",
            "birth_on": born[person] if kind == "S" else date(chance.randint(2004, 2024), 6, 1),
            **flags,
        }
        for person in range(people)
        for number, kind in enumerate(household[tiers[person]])
    ]
    return Census(
        people=_filled(rows, PEOPLE),
        covered=_filled(pl.DataFrame(covered), COVERED),
        excused=pl.DataFrame(schema=EXCUSED),
        dependents=_filled(pl.DataFrame(dependents), DEPENDENTS),
    )


def make_candidates(packages: int) -> Candidates:
    """Packages of a medical and a dental plan: rates by age and area, or by tier; own contributions."""
    rows = []
    for number in range(packages):
        table = REAL[number % len(REAL)] if number % 3 == 0 else f"T{number % TABLES}"
        shared = {"package": f"P{number:05d}", "title": f"P{number:05d}", "is_current": False, "carrier": "C"}
        medical = {**shared, "category": "10", "plan": table, "rate_table": table, "true_table": "T0"}
        dental = {**shared, "category": "11", "plan": "D", "rate_table": f"D{number % 8}", "true_table": "D0"}
        for tier in TIERS:
            medical[f"employer_{tier.lower()}_cents"] = 20_000 + number
            dental[f"employer_{tier.lower()}_micros"] = 50_000_000
        rows += [medical, dental]
    rates = [
        {"table": f"{kind}{number}", "tier": tier, "rate_micros": (base + 7 * number) * step * 1_000_000}
        for kind, count, base in (("T", TABLES, 430), ("D", 8, 30))
        for number in range(count)
        for step, tier in enumerate(TIERS, start=1)
    ]
    return Candidates(
        rows=_filled(pl.DataFrame(rows, infer_schema_length=None), CANDIDATE),
        rates=_filled(pl.DataFrame(rates).with_columns(is_per_member=pl.lit(value=False)), RATES),
    )


def _filled(rows: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    absent = [pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in rows.columns]
    return rows.with_columns(absent).select(pl.col(name).cast(kind) for name, kind in schema.items())
