"""A report as one client's reader may see it."""

from dataclasses import replace

import polars as pl

from openbenefits.reports.reporting import Report

YEARS_ONLY = ("born", "birth_on")
WITHHELD = ("line1", "line2", "city", "postal_code")
"""What of a report is personal: days that become years, and what is left out."""


def for_reader(report: Report, *, client: str, may_see_personal: bool) -> Report:
    """Keep what is of one client, and of that what its reader may see."""
    sheets = {name: _masked(_of(rows, client), may_see_personal) for name, rows in report.sheets.items()}
    return replace(report, sheets=sheets)


def _of(rows: pl.DataFrame, client: str) -> pl.DataFrame:
    return rows.filter(pl.col("client") == client) if "client" in rows.columns else rows


def _masked(rows: pl.DataFrame, may_see_personal: bool) -> pl.DataFrame:
    if may_see_personal:
        return rows
    years = [pl.col(name).dt.year().alias(name) for name in YEARS_ONLY if name in rows.columns]
    withheld = [name for name in WITHHELD if name in rows.columns]
    return rows.with_columns(*years).drop(withheld)
