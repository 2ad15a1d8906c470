"""What people have today as one more package: priced by the client's own set-up, through the same kernel."""

import polars as pl

from openbenefits.matching.candidates import OFFER, STATED, Packages, shaped
from openbenefits.matching.people import Census
from openbenefits.matching.rules.prices import Book, price
from openbenefits.matching.rules.take_up import TAKEN

CODE = "today"
AMOUNTS = ("premium_cents", "employer_cents", "employee_cents", "pay_cents")
TODAY = {
    **dict.fromkeys(("category", "plan", "plan_title", "carrier", "network", "tier"), pl.String()),
    "person": pl.Int32(),
    **dict.fromkeys(AMOUNTS, pl.Int64()),
}
"""What each covered person has in a category, and what a month and a pay of it cost."""


def price_today(census: Census, held: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Price what people hold.

    Shapes:  held as HELD of `matching.frames`; the result as TODAY.
    Missing: amounts are null where the set-up has no price any more; what people state has no rates, and
             costs nothing.
    """
    covered = held.filter("is_covered")
    asked = covered.select("person", "tier", key="option_id").drop_nulls()
    priced = price(census, asked, book).rename({"key": "option_id"})
    rows = covered.join(priced, on=["person", "option_id", "tier"], how="left", maintain_order="left")
    is_stated = pl.col("category").is_in(STATED)
    rows = rows.with_columns(
        pl.when(is_stated).then(pl.lit(0, pl.Int64)).otherwise(name).alias(name) for name in AMOUNTS
    )
    return shaped(rows, TODAY)


def with_today(packages: Packages, today: pl.DataFrame) -> tuple[Packages, pl.DataFrame]:
    """Add today's coverage to the packages, as the one in force; also answer who takes what of it (TAKEN)."""
    plans = today.group_by("category", "plan").agg(pl.col("plan_title", "carrier", "network").first())
    plans = plans.sort("category", "plan")
    first = packages.offers["offer"].max()
    begin = 0 if first is None else int(str(first)) + 1
    plans = plans.with_columns(offer=(pl.int_range(pl.len()) + begin).cast(pl.Int32))
    menus = plans.select("category").unique(maintain_order=True)
    last = packages.menus["menu"].max()
    menus = menus.with_columns(menu=(pl.int_range(pl.len()) + int(str(last or 0)) + 1).cast(pl.Int32))
    number = packages.packages.height
    absent = [pl.lit(None, kind).alias(name) for name, kind in OFFER.items() if name not in plans.columns]
    offers = plans.with_columns(*absent, key=pl.lit(None, pl.Int32), true_key=pl.lit(None, pl.Int32))
    row = {"package": number, "code": CODE, "title": "What is in force today", "is_current": True}
    own = pl.DataFrame([row], schema=packages.packages.schema)
    placed = plans.join(menus, on="category")
    held = today.join(
        placed.select("category", "plan", "menu", "offer"), on=["category", "plan"], nulls_equal=True
    )
    whole = Packages(
        packages=pl.concat([packages.packages, own]),
        menus=pl.concat(
            [packages.menus, menus.select(package=pl.lit(number, pl.Int32), category="category", menu="menu")]
        ),
        choices=pl.concat([packages.choices, placed.select("menu", "offer")]),
        offers=pl.concat(
            [packages.offers, offers.select(packages.offers.columns).cast(packages.offers.schema)]
        ),  # type: ignore[arg-type]
        prices=packages.prices,
    )
    taken = held.with_columns(step=pl.lit(0, pl.Int8), true_cents=pl.lit(None, pl.Int64), share_micros=None)
    return whole, taken.select(pl.col(name).cast(kind) for name, kind in TAKEN.items())
