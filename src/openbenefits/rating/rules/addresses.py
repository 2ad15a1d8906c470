"""Whose address gives the rating area: the home, the employer's or the place of work (docs/rules.md §7.1)."""

import polars as pl

from openbenefits.core.codes import AreaOf
from openbenefits.core.columns import with_taken
from openbenefits.programs.rulebook import Rulebook

PLACES = ("client_id", "company", "location")
"""The facts of a job that say where its addresses are."""

_KINDS = (AreaOf.COMPANY, AreaOf.LOCATION)


def asks_addresses(rulebook: Rulebook) -> bool:
    """Tell whether any rate table goes by another address than the home."""
    return bool((rulebook.rate_tables["area_of"] != AreaOf.HOME).any())


def with_address_zips(rows: pl.DataFrame, on: str, rulebook: Rulebook) -> pl.DataFrame:
    """Add company_zip and location_zip: the zips of the addresses that hold on a day.

    Shapes:  rows has PLACES and a column of days named by `on`.
    Missing: null where the job names none, or no address of it holds on the day.
    """
    for kind in _KINDS:
        known = rulebook.addresses.filter(kind=str(kind)).drop("kind")
        asked = rows.select("client_id", pl.col(str(kind)).alias("code"), pl.col(on).alias("_on"))
        found = asked.drop_nulls().unique().join(known, on=["client_id", "code"])
        found = found.filter((pl.col("valid_from") <= pl.col("_on")) & (pl.col("_on") < pl.col("valid_to")))
        zips = asked.join(
            found.select("client_id", "code", "_on", "zip"),
            on=["client_id", "code", "_on"],
            how="left",
            maintain_order="left",
        )
        rows = rows.with_columns(zips["zip"].alias(f"{kind}_zip"))
    return rows


def with_rating_zip(rows: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add rating_zip: that of the address each row's rate table goes by on the day of the price.

    Shapes:  rows has rate_version, price_on, zip (of the home) and, if any table asks for more, PLACES.
    Missing: null where that address is not known.
    """
    if not asks_addresses(rulebook):
        return rows.with_columns(rating_zip="zip")
    asked = with_taken(
        rows.select("rate_version", "price_on", "zip", *PLACES),
        rulebook.rate_tables,
        "rate_version",
        "area_of",
    )
    asked = with_address_zips(asked, "price_on", rulebook)
    chosen = (
        pl.when(pl.col("area_of") == AreaOf.COMPANY)
        .then("company_zip")
        .when(pl.col("area_of") == AreaOf.LOCATION)
        .then("location_zip")
        .otherwise("zip")
    )
    return rows.with_columns(asked.select(rating_zip=chosen).to_series())
