"""A comparison as sheets: for the screen, for CSV and for XLSX. Amounts are dollars there, shares percent."""

import polars as pl

from openbenefits.core.money import CENTS_PER_DOLLAR
from openbenefits.matching.rules.comparing import people_beside, plans_beside, tiers_beside
from openbenefits.matching.rules.ranking import MEASURES, POINT
from openbenefits.matching.services import Kept

SHOWN = (
    *("rank", "code", "title", "standing", "score", "premium_cents", "employer_cents", "employee_cents"),
    *("employer_change", "margin_cents", "richness_hundredths", "disruption_hundredths", "pool_risk_cents"),
    *("people", "unplaced", "priced_out", "unaffordable", "is_cheaper_for_client"),
)
_MICROS_OF_HUNDREDTH = 10_000
_DOLLARS = ("_cents", "_change", "_cents_now", "_cents_then", "_cents_change")


def packages(kept: Kept) -> pl.DataFrame:
    """Every package in its order, in cents and hundredths, with SHOWN."""
    return kept.table.select(SHOWN)


def share(points: int | None) -> str:
    """Write points as a share with three decimals; nothing where there are none.

    >>> share(123456), share(-5000), share(None)
    ('0.123', '-0.005', '')
    """
    if points is None:
        return ""
    whole = abs(points) // 1_000
    return f"{'-' if points < 0 and whole else ''}{whole // 1_000}.{whole % 1_000:03d}"


def percent(hundredths: int | None) -> str:
    """Write hundredths of a percent with one decimal; nothing where they are not known.

    >>> percent(8025), percent(None)
    ('80.3 %', '')
    """
    if hundredths is None:
        return ""
    tenths = (hundredths + 5) // 10
    return f"{tenths // 10}.{tenths % 10} %"


def with_words(rows: pl.DataFrame) -> pl.DataFrame:
    """Add scores and shares as people read them: points, richness, disruption."""
    return rows.with_columns(
        pl.Series("points", [share(one) for one in rows["score"]], dtype=pl.String),
        pl.Series("richness", [percent(one) for one in rows["richness_hundredths"]], dtype=pl.String),
        pl.Series("disruption", [percent(one) for one in rows["disruption_hundredths"]], dtype=pl.String),
    )


def points(kept: Kept) -> pl.DataFrame:
    """The points of each measure, of the packages ranked."""
    codes = kept.table.select("package", "code")
    rows = kept.result.ranked.join(codes, on="package", maintain_order="left")
    return rows.select("rank", "code", "score", *MEASURES)


def refused(kept: Kept) -> pl.DataFrame:
    """Why packages cannot be chosen: code, rule, plan, expected, found."""
    codes = kept.table.select("package", "code")
    rows = kept.priced.refused.join(codes, on="package", maintain_order="left")
    return rows.select("code", "rule", "plan", "expected", "found")


def assumed(kept: Kept) -> pl.DataFrame:
    """What is assumed of plans whose amount people choose: a row for each, of every package.

    Columns: code, category, plan, people, take_up (text), coverage_cents, formula, pledge_cents, seed_cents.
    """
    held = kept.priced.packages
    offers = held.offers.drop_nulls("take_up_micros")
    rows = held.menus.join(held.choices, on="menu").join(offers, on=["offer", "category"])
    people = kept.priced.plans.group_by("menu", "offer").agg(pl.col("people").sum())
    rows = rows.join(people, on=["menu", "offer"], how="left")
    rows = rows.join(kept.table.select("package", "code"), on="package")
    shares = [percent(one // _MICROS_OF_HUNDREDTH) for one in rows["take_up_micros"]]
    rows = rows.with_columns(pl.Series("take_up", shares, dtype=pl.String), pl.col("people").fill_null(0))
    told = ("coverage_cents", "formula", "pledge_cents", "seed_cents")
    return rows.select("code", "category", "plan", "people", "take_up", *told).sort(
        "code", "category", "plan"
    )


def notes(kept: Kept) -> pl.DataFrame:
    """What of packages is not compared, or only in part: code, category, plan, why."""
    return kept.priced.notes.rename({"package": "code"})


def turning(kept: Kept) -> pl.DataFrame:
    """Which weight would change the winner, packages by their codes."""
    schema = {
        "measure": pl.String,
        "weight": pl.Int32,
        "below": pl.Int32,
        "below_winner": pl.String,
        "above": pl.Int32,
        "above_winner": pl.String,
    }
    return pl.DataFrame(kept.ordering.turning, schema=schema)


def plans(kept: Kept, package: int) -> pl.DataFrame:
    """The plans of a package by tier: category, plan, carrier, tier, people and amounts."""
    menus = kept.priced.packages.menus.filter(package=package).select("menu", "category")
    told = kept.priced.packages.offers.select("offer", "plan", "plan_title", "carrier")
    rows = kept.priced.plans.join(menus, on="menu").join(told, on="offer", how="left")
    amounts = ("premium_cents", "employer_cents", "employee_cents", "true_cents", "pay_cents")
    rows = rows.select("category", "plan", "plan_title", "carrier", "tier", "people", *amounts)
    return rows.sort("category", "plan", "tier")


def beside(kept: Kept, now: int, then: int, by: str) -> pl.DataFrame:
    """Compare two packages: by plan, tier or person (who is named by the employee number)."""
    packages_ = kept.priced.packages
    compare = {"plan": plans_beside, "tier": tiers_beside, "person": people_beside}[by]
    rows = compare(kept.priced.taken, packages_.menus, packages_.offers, now, then)
    if by != "person":
        return rows
    numbers = kept.priced.census.people.select("person", "number")
    rows = numbers.join(rows, on="person", how="right", maintain_order="right").drop("person")
    return rows.select("number", pl.exclude("number"))


def in_dollars(rows: pl.DataFrame) -> pl.DataFrame:
    """Write cents as dollars and hundredths as percent, for a spreadsheet; scores as 0 to 1."""
    decimal = pl.Decimal(20, 2)
    found = []
    for name in rows.columns:
        if name.endswith(_DOLLARS) or name.endswith("_hundredths"):
            found.append((pl.col(name).cast(decimal) / CENTS_PER_DOLLAR).cast(decimal))  # decimals: exact
        elif name in ("score", *MEASURES):
            found.append((pl.col(name).cast(pl.Decimal(20, 6)) / POINT).cast(pl.Decimal(20, 6)))
        else:
            found.append(pl.col(name))
    renamed = {name: name.replace("_cents", "").replace("_hundredths", " %") for name in rows.columns}
    return rows.select(found).rename(renamed)


def workbook(kept: Kept) -> dict[str, pl.DataFrame]:
    """Every sheet of a comparison, in dollars; the winner beside what is in force, if there is both."""
    made = {
        "Packages": packages(kept),
        "Points": points(kept),
        "Refused": refused(kept),
        "Assumed": assumed(kept),
        "Not compared": notes(kept),
        "Weights that decide": turning(kept),
        "Left out": kept.priced.left_out.select("number", "fault"),
    }
    today = kept.table.filter(standing="today")
    first = kept.table.filter(rank=1)
    if today.height and first.height:
        both = int(today["package"][0]), int(first["package"][0])
        made |= {f"Today and first by {by}": beside(kept, *both, by) for by in ("plan", "tier", "person")}
    elif first.height:
        made["First by plan"] = plans(kept, int(first["package"][0]))
    return {name: in_dollars(frame) for name, frame in made.items()}
