"""A report as one client's reader may see it."""

from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import polars as pl

from openbenefits.reports.deferred import Deferred
from openbenefits.reports.reporting import PagedReport, Report

YEARS_ONLY = ("born", "birth_on")
WITHHELD = ("line1", "line2", "city", "postal_code")
"""What of a report is personal: days that become years, and what is left out."""
Made = TypeVar("Made", Report, PagedReport)


def for_reader(report: Made, *, client: str, may_see_personal: bool) -> Made:
    """Keep what is of one client, and of that what its reader may see."""
    masked = partial(_masked, may_see_personal=may_see_personal)

    def seen(rows: Any) -> Any:  # of the kind it is given
        if isinstance(rows, Deferred):
            return rows.of_events(pl.col("client") == client).then(masked)
        return masked(_of(rows, client))

    return replace(report, sheets={name: seen(rows) for name, rows in report.sheets.items()})


def _of(rows: pl.DataFrame, client: str) -> pl.DataFrame:
    return rows.filter(pl.col("client") == client) if "client" in rows.columns else rows


def _masked(rows: pl.DataFrame, *, may_see_personal: bool) -> pl.DataFrame:
    if may_see_personal:
        return rows
    years = [pl.col(name).dt.year().alias(name) for name in YEARS_ONLY if name in rows.columns]
    withheld = [name for name in WITHHELD if name in rows.columns]
    return rows.with_columns(*years).drop(withheld)
