"""Files people bring: a prospect's census and candidate packages, as CSV; faults are named cell by cell."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import polars as pl

from openbenefits.core.bad_rows import BAD_ROW, faults, missing, unreadable
from openbenefits.core.cells import DAY, FLAG, TEXT, WHOLE, Kind, read_hundredths, read_micros, values_of
from openbenefits.core.codes import RateUnit
from openbenefits.core.money import MICROS_PER_CENT
from openbenefits.core.plan_types import PLAN_TYPES
from openbenefits.matching.candidates import (
    CANDIDATE,
    CATEGORIES,
    PRICED,
    RATES,
    SELF_ONLY,
    TIERED,
    TIERS,
    Candidates,
    is_assumed,
    shaped,
)
from openbenefits.matching.people import COVERED, DEPENDENTS, EXCUSED, PEOPLE, Census
from openbenefits.store import sheets
from openbenefits.store.sheets import FileRefused

T = TypeVar("T")
EMPLOYEE = "employee"
PERSONS = {EMPLOYEE: None, "spouse": "SP", "partner": "DP", "child": "CH"}
BY_HOUSEHOLD, NONE, ELSEWHERE = "household", "none", "elsewhere"
SEXES = {"m": "M", "male": "M", "f": "F", "female": "F"}
PAYS = {"weekly": "W", "biweekly": "B", "semimonthly": "S", "monthly": "M"} | {
    one: one.upper() for one in "wbsm"
}


def _word(words: Mapping[str, str | None], expected: str | None = None) -> Kind:
    """One of some words, read as what it stands for."""
    known = {word: word if meant is None else meant for word, meant in words.items()}
    return Kind(
        parse=lambda text: text.str.to_lowercase().replace_strict(
            known, default=None, return_dtype=pl.String
        ),
        expected=expected or f"one of {', '.join(words)}",
        cure="correct the word",
    )


DOLLARS = Kind(parse=read_hundredths, expected="dollars with at most two decimals, 0 or more")
PERCENT = Kind(
    parse=lambda text: read_hundredths(text.str.strip_suffix("%").str.strip_chars()) * 10_000,
    expected="a percentage with at most two decimals",
)
HUNDREDTHS = Kind(
    parse=lambda text: read_hundredths(text.str.strip_suffix("%").str.strip_chars()),
    expected="a percentage with at most two decimals",
)
FACTOR = Kind(parse=lambda text: read_hundredths(text) * 10_000, expected="a factor such as 1.15")
RATE = Kind(parse=read_micros, expected="a rate with at most six decimals, 0 or more")
UNITS = {
    "flat": RateUnit.FLAT,
    "per thousand": RateUnit.PER_THOUSAND,
    "per hundred": RateUnit.PER_HUNDRED,
    "percent of pay": RateUnit.PERCENT_OF_BASE,
}
CATEGORY = _word(
    {code.lower(): code for code in PLAN_TYPES}
    | {title.lower(): code for code, title in PLAN_TYPES.items()}
    | {name: code for code, name in CATEGORIES.items()},
    f"{', '.join(CATEGORIES.values())}, or the code of a plan type",
)
TIER = _word({one.lower(): one for one in TIERS})
COVERAGE = _word(
    {one.lower(): one for one in TIERS} | dict.fromkeys((BY_HOUSEHOLD, NONE, ELSEWHERE)),
    f"{', '.join(TIERS)}, {BY_HOUSEHOLD}, {NONE} or {ELSEWHERE}",
)

CENSUS_KINDS = {
    "number": Kind(parse=TEXT.parse, expected="the number of the employee a row belongs to"),
    "person": _word(PERSONS),
    "birth_date": DAY,
    "sex": _word(SEXES, "M or F"),
    "smoker": FLAG,
    "zip": Kind(parse=lambda text: text.str.extract(r"^(\d{5})(?:-\d{4})?$"), expected="five digits"),
    "state": Kind(
        parse=lambda text: text.str.extract(r"^([A-Za-z]{2})$").str.to_uppercase(), expected="two letters"
    ),
    "annual_pay": DOLLARS,
    "pay_frequency": _word(PAYS, "weekly, biweekly, semimonthly or monthly"),
    "class": TEXT,
    **dict.fromkeys(CATEGORIES.values(), COVERAGE),
    **{f"{name}_{what}": TEXT for name in CATEGORIES.values() for what in ("plan", "carrier", "network")},
}
CANDIDATE_KINDS = {
    "package": Kind(parse=TEXT.parse, expected="the code of the package"),
    "title": TEXT,
    "current": FLAG,
    "category": CATEGORY,
    "plan": Kind(parse=TEXT.parse, expected="the code of the plan"),
    "plan_title": TEXT,
    "carrier": TEXT,
    "network": TEXT,
    "class": TEXT,
    "rate_table": TEXT,
    "true_table": TEXT,
    **{f"premium_{tier.lower()}": DOLLARS for tier in TIERS},
    **{f"true_{tier.lower()}": DOLLARS for tier in TIERS},
    "rate": RATE,
    "true_rate": RATE,
    "rate_unit": _word({word: str(unit) for word, unit in UNITS.items()}),
    "coverage": DOLLARS,
    "formula": TEXT,
    "take_up": PERCENT,
    "pledge": DOLLARS,
    "seed": DOLLARS,
    **{f"employer_{tier.lower()}": DOLLARS for tier in TIERS},
    **{f"employer_{tier.lower()}_percent": PERCENT for tier in TIERS},
    "risk_factor": FACTOR,
    "pooled": FLAG,
    "deductible": DOLLARS,
    "out_of_pocket": DOLLARS,
    "coinsurance": PERCENT,
    "primary_visit": DOLLARS,
    "drug": DOLLARS,
    "actuarial_value": HUNDREDTHS,
    "min_participation": PERCENT,
    "min_contribution": PERCENT,
    "min_group": WHOLE,
    "max_group": WHOLE,
    "states": TEXT,
    "sole_carrier": FLAG,
}
RENAMED = {
    "current": "is_current",
    "class": "benefit_class",
    "pooled": "is_pooled",
    "sole_carrier": "is_sole_carrier",
    "actuarial_value": "actuarial_hundredths",
    "risk_factor": "risk_micros",
    **{
        name: f"{name}_cents"
        for name in (
            *("coverage", "pledge", "seed"),
            *("deductible", "out_of_pocket", "primary_visit", "drug"),
        )
    },
    **{
        name: f"{name}_micros" for name in ("take_up", "coinsurance", "min_participation", "min_contribution")
    },
    **{f"employer_{tier.lower()}": f"employer_{tier.lower()}_cents" for tier in TIERS},
    **{f"employer_{tier.lower()}_percent": f"employer_{tier.lower()}_micros" for tier in TIERS},
}


@dataclass(frozen=True, kw_only=True)
class Read(Generic[T]):
    """What a file says, and the cells that could not be taken (as core.bad_rows.BAD_ROW).

    A file with a bad cell is not compared: who is left out would change the sums unseen.
    """

    found: T
    bad_rows: pl.DataFrame
    unknown_headings: Sequence[str]
    fingerprint: str


def read_census(name: str, data: bytes) -> Read[Census]:
    """Read a prospect's census: a row per employee, and one for each dependent below the same number.

    Columns: number, person (employee, spouse, partner, child; blank: employee), birth_date, sex, smoker,
             zip, state, annual_pay, pay_frequency, class; for each of CATEGORIES the tier, `household` (by
             who is listed), `none` or `elsewhere`, and the plan, carrier and network of today. Without a
             column medical, dental or vision everybody is taken to want medical coverage for the household;
             what has no tiers covers the employee, whatever tier is stated.
    Errors:  FileRefused.
    """
    cells, headings = cells_of(name, data, CENSUS_KINDS, ("number", "birth_date"))
    values = values_of(cells, CENSUS_KINDS).with_columns(pl.col("person").fill_null(EMPLOYEE))
    bad = [unreadable(cells, values, CENSUS_KINDS), missing(cells, ("number",), CENSUS_KINDS)]
    own = values.filter(person=EMPLOYEE)
    first = own.unique("number", keep="first", maintain_order=True)
    bad.append(
        _at(own.join(first, on="row", how="anti"), cells, "number", "one row per employee", "remove the row")
    )
    others = values.filter(pl.col("person") != EMPLOYEE)
    lonely = others.join(first.select("number"), on="number", how="anti")
    bad.append(_at(lonely, cells, "number", "the number of an employee in the file", "correct the number"))
    stated = [name for code, name in CATEGORIES.items() if code in TIERED and name in headings.found.values()]
    return Read(
        found=_census(first.drop_nulls("number"), others, stated),
        bad_rows=pl.concat(bad).sort("row", "column"),
        unknown_headings=headings.unknown,
        fingerprint=sheets.fingerprint_of(data),
    )


def _at(rows: pl.DataFrame, cells: pl.DataFrame, column: str, expected: str, cure: str) -> pl.DataFrame:
    at = cells.join(rows.select("row"), on="row", how="semi")
    return (
        faults(at, pl.lit(value=True), column, expected, cure) if at.height else pl.DataFrame(schema=BAD_ROW)
    )


def _census(own: pl.DataFrame, others: pl.DataFrame, stated: Sequence[str]) -> Census:
    people = own.with_row_index("person_number").select(
        person=pl.col("person_number").cast(pl.Int32),
        number="number",
        benefit_class="class",
        birth_on="birth_date",
        sex="sex",
        is_smoker="smoker",
        zip=pl.col("zip").cast(pl.Int32),
        state="state",
        annual_pay_cents="annual_pay",
        pay_frequency="pay_frequency",
    )
    numbers = people.select("number", position="person")
    listed = others.join(numbers, on="number", maintain_order="left").with_row_index("dependent_id")
    flags = ("is_student", "is_disabled", "is_married", "is_former")
    dependents = listed.select(
        person="position",
        dependent_id="dependent_id",
        person_type="person",
        birth_on="birth_date",
        sex="sex",
        is_smoker="smoker",
        student_through=pl.lit(None, pl.Date),
        **{name: pl.lit(value=False) for name in flags},
    )
    dependents = dependents.select(pl.col(name).cast(kind) for name, kind in DEPENDENTS.items())
    covered, excused = _coverage(own, numbers, dependents, stated)
    return Census(people=shaped(people, PEOPLE), covered=covered, excused=excused, dependents=dependents)


def _coverage(
    own: pl.DataFrame, numbers: pl.DataFrame, dependents: pl.DataFrame, stated: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Who is covered in which category and tier; who is elsewhere."""
    held = numbers.join(household_tiers(dependents), left_on="position", right_on="person", how="left")
    held = held.with_columns(pl.col("household_tier").fill_null("EE"))
    rows = own.join(held, on="number", maintain_order="left")
    parts = []
    for code, name in CATEGORIES.items():
        is_silent = code in TIERED and not stated
        said = pl.lit(BY_HOUSEHOLD if name == "medical" else None, pl.String) if is_silent else pl.col(name)
        wanted = pl.when(said == BY_HOUSEHOLD).then("household_tier").otherwise(said)
        alone = pl.when(wanted.is_in(TIERS)).then(pl.lit(SELF_ONLY))
        parts.append(
            rows.select(
                person="position",
                category=pl.lit(code),
                said=said,
                tier=wanted if code in TIERED else alone,
                plan=f"{name}_plan",
                carrier=f"{name}_carrier",
                network=f"{name}_network",
            )
        )
    every = pl.concat(parts).drop_nulls("said")
    covered = every.filter(pl.col("tier").is_in(TIERS))
    excused = every.filter(said=ELSEWHERE)
    return (
        shaped(covered, COVERED),
        excused.select(pl.col(name).cast(kind) for name, kind in EXCUSED.items()),
    )


def household_tiers(dependents: pl.DataFrame) -> pl.DataFrame:
    """Answer the tier that covers everybody listed: person, household_tier."""
    is_child = pl.col("person_type").is_in(["CH", "AC", "OD"])
    counts = (
        dependents.filter(~pl.col("is_former"))
        .group_by("person")
        .agg(children=is_child.sum(), adults=pl.col("person_type").is_in(["SP", "DP", "SS"]).sum())
    )
    tier = (
        pl.when((pl.col("adults") > 0) & (pl.col("children") > 0))
        .then(pl.lit("EF"))
        .when(pl.col("adults") > 0)
        .then(pl.lit("ES"))
        .when(pl.col("children") > 1)
        .then(pl.lit("EK"))
        .when(pl.col("children") == 1)
        .then(pl.lit("EC"))
        .otherwise(pl.lit("EE"))
    )
    return counts.select("person", household_tier=tier)


def read_candidates(name: str, data: bytes) -> Read[Candidates]:
    """Read candidate packages: a row per plan of a package.

    Columns: package, title, current, category (of CATEGORIES, or a plan type), plan, plan_title, carrier,
             network, class; rate_table (of the PEO's set-up) or premium_ee … premium_ef, dollars a month;
             true_table or true_ee … true_ef; of what has no tiers instead rate and true_rate, with rate_unit
             (UNITS; blank: flat), and coverage (dollars) or formula (of the set-up); of what people choose
             take_up (percent of people), of an account pledge and seed (what one of them, and the employer
             for him, puts in a year), its rate being what is charged for it; employer_ee … (dollars)
             or employer_ee_percent …; risk_factor, pooled; deductible, out_of_pocket, coinsurance,
             primary_visit, drug, actuarial_value; min_participation, min_contribution, min_group, max_group,
             states, sole_carrier.
    Errors:  FileRefused.
    """
    cells, headings = cells_of(name, data, CANDIDATE_KINDS, ("package", "category", "plan"))
    values = values_of(cells, CANDIDATE_KINDS)
    bad = [
        unreadable(cells, values, CANDIDATE_KINDS),
        missing(cells, ("package", "category", "plan"), CANDIDATE_KINDS),
    ]
    bad += _unpriced(cells, values)
    named, rates = _own_tables(values)
    rows = named.rename(RENAMED).with_columns(
        pl.col("is_current").fill_null(value=False),
        title=pl.coalesce("title", "package"),
        plan_title=pl.coalesce("plan_title", "plan"),
    )
    return Read(
        found=Candidates(rows=shaped(rows, CANDIDATE), rates=rates),
        bad_rows=pl.concat(bad).sort("row", "column"),
        unknown_headings=headings.unknown,
        fingerprint=sheets.fingerprint_of(data),
    )


def _unpriced(cells: pl.DataFrame, values: pl.DataFrame) -> list[pl.DataFrame]:
    """Name the rows that have no price: people choose it, nobody states it, or not as it is needed."""
    is_tiered = pl.col("category").is_in(TIERED)
    has_premium = pl.any_horizontal(pl.col(f"premium_{tier.lower()}").is_not_null() for tier in TIERS)
    has_true = pl.any_horizontal(pl.col(f"true_{tier.lower()}").is_not_null() for tier in TIERS)
    is_known = values.filter(pl.col("category").is_in(PRICED))
    chosen = values.filter(~pl.col("category").is_in(PRICED))
    by_rate = is_known.filter(is_tiered & (pl.col("rate").is_not_null() | pl.col("true_rate").is_not_null()))
    by_tier = is_known.filter(~is_tiered & (has_premium | has_true))
    bare = cells.filter(pl.col("rate_table").is_null() & pl.col("rate").is_null() & ~has_premium)
    return [
        _at(
            chosen,
            cells,
            "category",
            "a plan type that can be compared",
            "leave it out: what it costs follows from what each person chooses",
        ),
        _at(
            is_known.rename({name: RENAMED[name] for name in ("take_up", "pledge")})
            .with_columns(option=pl.lit(None, pl.String))
            .filter(~is_assumed()),
            cells,
            "take_up",
            "the share of people who choose it, and an account's pledge; nothing where nobody chooses",
            "state or correct take_up and pledge",
        ),
        _at(by_rate, cells, "rate", "premiums by tier", "state premium_ee to premium_ef instead"),
        _at(by_tier, cells, "rate", "one rate for what has no tiers", "state rate instead of premiums"),
        _at(bare, cells, "rate_table", "a rate table, premiums by tier, or a rate", "state one of them"),
    ]


def _own_tables(values: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Make tables of the rates that rows state themselves; rows that state the same share one."""
    rates = [pl.DataFrame(schema=RATES)]
    for rate, column in (("rate", "rate_table"), ("true_rate", "true_table")):
        code = pl.format("OWN-{}-{}", rate, pl.col("rate_unit").fill_null("flat"))
        values = values.with_columns(
            pl.when(pl.col(rate).is_not_null()).then(code).otherwise(pl.col(column)).alias(column)
        )
        stated = values.drop_nulls(rate).select(table=column, rate_micros=rate, unit="rate_unit")
        rates.append(_as_rates(stated))
    for what, column in (("premium", "rate_table"), ("true", "true_table")):
        names = [f"{what}_{tier.lower()}" for tier in TIERS]
        has = pl.any_horizontal(pl.col(one).is_not_null() for one in names)
        code = pl.concat_str(
            pl.lit("OWN"), *(pl.col(one).cast(pl.String).fill_null("") for one in names), separator="-"
        )
        values = values.with_columns(pl.when(has).then(code).otherwise(pl.col(column)).alias(column))
        stated = values.filter(has).unique(column, maintain_order=True)
        long = stated.select(table=column, **dict(zip(TIERS, map(pl.col, names), strict=True)))
        long = long.unpivot(TIERS, index="table", variable_name="tier", value_name="cents").drop_nulls(
            "cents"
        )
        rates.append(_as_rates(long.with_columns(rate_micros=pl.col("cents") * MICROS_PER_CENT)))
    return values, pl.concat(rates).unique(["table", "tier"], maintain_order=True)


def _as_rates(stated: pl.DataFrame) -> pl.DataFrame:
    """RATES of what rows state: whole families, wherever people live, whatever their age."""
    return shaped(stated.with_columns(is_per_member=pl.lit(value=False)), RATES)


def cells_of(
    name: str, data: bytes, kinds: Mapping[str, Kind], required: Sequence[str]
) -> tuple[pl.DataFrame, sheets.Headings]:
    """Read a CSV file or the first sheet of a workbook whose first row holds the headings.

    Errors: FileRefused.
    """
    grid = sheets.stripped(_grid(name, data))
    if grid.is_empty():
        raise FileRefused(f"{name}: the file is empty; expected a row of headings and rows below it")
    told = list(sheets.headings_at(grid, 0).values())
    headings = sheets.recognised(
        told, lambda one: one.strip().lower().replace(" ", "_"), list(kinds), required
    )
    if headings.missing or headings.twice:
        lacking = ", ".join(headings.missing or headings.twice)
        word = "a column" if headings.missing else "one column each of"
        raise FileRefused(f"{name}: expected {word} {lacking}, found {', '.join(told)}; correct the headings")
    return sheets.named_cells(grid, 0, headings, list(kinds)), headings


def _grid(name: str, data: bytes) -> pl.DataFrame:
    if sheets.is_workbook(Path(name)):
        return next(iter(sheets.sheet_grids(name, data, most=1).values()))
    text = sheets.text_of(name, data)
    first = next(csv.reader(io.StringIO(text)), [])
    try:
        return sheets.text_grid(text, ",", len(first))
    except pl.exceptions.PolarsError:
        raise FileRefused(
            f"{name}: expected rows as long as the headings and quotes in pairs, found others; save it as"
            " CSV again"
        ) from None
