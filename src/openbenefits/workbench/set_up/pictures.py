"""Pictures of rates: a line for how they rise with age, a grid of ages by areas or tiers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from django.utils.translation import gettext as _

from openbenefits.programs.loaded import LoadedBundle
from openbenefits.programs.ratesheets.writing import rate_text

WIDTH, HEIGHT, MARGIN = 640, 240, 44
MOST_LINES = 4
MOST_ROWS = 130
KEYS = ("age_from", "area", "coverage_code", "smoker", "sex", "person_type", "service_months_from",
        "annual_pay_from_cents")  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A line through points, as SVG wants it, and its name."""

    name: str
    points: str
    number: int


@dataclass(frozen=True, kw_only=True)
class Lines:
    """A picture of lines over ages, with what stands at the axes."""

    caption: str
    lines: Sequence[Line]
    lowest: str
    highest: str
    first: int
    last: int
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Rates as a grid: a row for each age (or other key), a column for each area or tier."""

    caption: str
    corner: str
    headings: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    is_cut: bool


def drawn(named: Mapping[str, Sequence[tuple[int, int]]], *, caption: str, unit: int) -> Lines | None:
    """Draw a line for each name through (age, value); None where there is nothing to see.

    Units: a value is in millionths of `unit`'s name; `unit` millionths are 1.
    """
    some = {name: sorted(points) for name, points in list(named.items())[:MOST_LINES] if len(points) > 1}
    if not some:
        return None
    ages = [age for points in some.values() for age, _value in points]
    values = [value for points in some.values() for _age, value in points]
    first, last, top = min(ages), max(ages), max(values) or 1
    lines = [
        Line(name, " ".join(_point(age, value, first, last, top) for age, value in points), number)
        for number, (name, points) in enumerate(some.items(), 1)
    ]
    return Lines(
        caption=caption,
        lines=lines,
        lowest="0",
        highest=_plain(top, unit),
        first=first,
        last=last,
    )


def curve_of(loaded: LoadedBundle, code: str, valid_from: str) -> Lines | None:
    """Draw an age curve."""
    rows = loaded.curves.filter(
        (pl.col("curve") == code) & (pl.col("valid_from") == pl.lit(valid_from).str.to_date())
    )
    points = rows.select("age", "factor_micros").rows()
    return drawn({code: points}, caption=_("Factor by age"), unit=1_000_000)


def rates_of(loaded: LoadedBundle, table: str, valid_from: str) -> tuple[Lines | None, Grid | None]:
    """Draw a rate table: lines by age where it is keyed by age, and the grid of its rates."""
    rows = loaded.rates.filter(
        (pl.col("table") == table) & (pl.col("valid_from") == pl.lit(valid_from).str.to_date())
    )
    if rows.is_empty():
        return None, None
    used = [key for key in KEYS if rows[key].null_count() < rows.height]
    lines = None
    if "age_from" in used:
        others = [key for key in used if key != "age_from"]
        named: dict[str, list[tuple[int, int]]] = {}
        for row in rows.iter_rows(named=True):
            name = ", ".join(_key(key, row[key]) for key in others if row[key] is not None) or table
            named.setdefault(name, []).append((row["age_from"], row["rate_micros"]))
        lines = drawn(named, caption=_("Rate by age"), unit=1_000_000)
    return lines, _grid(rows, used)


def _grid(rows: pl.DataFrame, used: Sequence[str]) -> Grid | None:
    across = next((key for key in ("coverage_code", "area", "smoker", "sex") if key in used), None)
    down = [key for key in used if key != across]
    columns = sorted({row[across] for row in rows.iter_rows(named=True)}, key=str) if across else [None]
    cells: dict[tuple[Any, ...], dict[Any, str]] = {}
    for row in rows.iter_rows(named=True):
        place = tuple(row[key] for key in down)
        cells.setdefault(place, {})[row[across] if across else None] = dollars_text(row["rate_micros"])
    ordered = sorted(cells.items(), key=lambda one: tuple((value is None, value) for value in one[0]))
    listed = [
        (
            ", ".join(_key(key, value) for key, value in zip(down, place, strict=True)) or str(_("rate")),
            [found.get(column, "–") for column in columns],
        )
        for place, found in ordered[:MOST_ROWS]
    ]
    headings = [_short(across, column) if across else str(_("rate")) for column in columns]
    corner = ", ".join(_name(key) for key in down) or str(_("rates"))
    corner = f"{corner} \\ {_name(across)}" if across else corner
    caption = str(_("Rates in dollars"))
    return Grid(
        caption=caption, corner=corner, headings=headings, rows=listed, is_cut=len(ordered) > MOST_ROWS
    )


def _name(key: str) -> str:
    return key.removesuffix("_cents").removesuffix("_from").replace("_", " ")


def dollars_text(micros: int) -> str:
    """Write a rate with two decimals at least.

    >>> dollars_text(217_600_000), dollars_text(145_000), dollars_text(3_000_000)
    ('217.60', '0.145', '3.00')
    """
    whole, _point, rest = rate_text(micros).partition(".")
    return f"{whole}.{rest.ljust(2, '0')}"


def _short(key: str, value: Any) -> str:
    return str(value) if key in ("area", "coverage_code") and value is not None else _key(key, value)


def _key(key: str | None, value: Any) -> str:
    if key is None or value is None:
        return "–"
    if key == "age_from":
        return str(value)
    if key == "smoker":
        return str(_("smoker")) if value else str(_("non-smoker"))
    if key == "annual_pay_from_cents":
        return f"${value // 100:,}"
    return f"{_name(key)} {value}"


def _point(age: int, value: int, first: int, last: int, top: int) -> str:
    x = MARGIN + (WIDTH - 2 * MARGIN) * (age - first) // max(1, last - first)
    y = HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * value // top
    return f"{x},{y}"


def _plain(value: int, unit: int) -> str:
    return rate_text(value * 1_000_000 // unit)
