"""A rate table as files: a sheet people can read, and the part of a bundle that names it."""

import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from openbenefits.programs.ratesheets.reading import KEYS, Cell
from openbenefits.programs.sections.rates import RateTablePart
from openbenefits.programs.written import plain_of, yaml_text

KEY_COLUMNS = {
    "age": "age_from",
    "area": "area",
    "coverage_code": "coverage_code",
    "smoker": "smoker",
    "sex": "sex",
}


def csv_of(table: str, cells: Sequence[Cell]) -> str:
    """Write the rates as the CSV file of a bundle."""
    used = [key for index, key in enumerate(KEYS) if any(cell.keys[index] is not None for cell in cells)]
    lines = [",".join(["table", *used, "rate"])]
    for cell in sorted(cells, key=lambda one: tuple(str(key or "").rjust(40) for key in one.keys)):
        keys = dict(zip(KEYS, cell.keys, strict=True))
        lines.append(",".join([table, *(_text(keys[key]) for key in used), rate_text(cell.micros)]))
    return "\n".join(lines) + "\n"


def rate_text(micros: int) -> str:
    """Write a rate with the decimals it needs.

    >>> rate_text(310_250_000), rate_text(145_000), rate_text(200_000_000)
    ('310.25', '0.145', '200')
    """
    whole, rest = divmod(micros, 1_000_000)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")


def part_of(table: RateTablePart, valid_from: date, source: str, file: str, keys: Sequence[str]) -> str:
    """Write the YAML of a new version of a table, its rates in a file."""
    plain = plain_of(table) | {"from": valid_from, "source": source, "keys": list(keys), "file": file}
    plain.pop("rates", None)
    return yaml_text({"rate_tables": [plain]})


def write_together(texts: Mapping[Path, str]) -> None:
    """Write some files, each whole or not at all, all drafts before the first gets its name."""
    drafts = {path: path.with_name(f".{path.name}.part") for path in texts}
    try:
        for path, draft in drafts.items():
            with draft.open("w", encoding="utf-8", newline="") as file:
                file.write(texts[path])
                file.flush()
                os.fsync(file.fileno())
        for path, draft in drafts.items():
            draft.replace(path)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def sheet_of(rates: pl.DataFrame, over: str | None = None) -> pl.DataFrame:
    """Lay a table out as carriers do: ages as bands, a row for each rate, or a column for each area or tier.

    Shapes: `rates` as LoadedBundle.rates of one version of a table; all columns of the result are text.
    """
    used = [key for key in KEYS if rates[key].null_count() < rates.height]
    texts = rates.select(
        *(_label(rates, key).alias("age" if key == "age_from" else key) for key in used),
        rate=pl.Series([rate_text(micros) for micros in rates["rate_micros"]], dtype=pl.String),
    )
    if over is None:
        return texts
    index = [name for name in texts.columns if name not in (over, "rate")]
    if not index:
        one_row = texts.with_columns(row=pl.lit(1)).pivot(
            over, index="row", values="rate", maintain_order=True
        )
        return one_row.drop("row")
    return texts.pivot(over, index=index, values="rate", maintain_order=True)


def _label(rates: pl.DataFrame, key: str) -> pl.Series:
    if key != "age_from":
        return rates[key].cast(pl.String)
    others = [name for name in KEYS if name != key]
    last = (
        rates.with_row_index("place")
        .sort("age_from")
        .with_columns(last=pl.col("age_from").shift(-1).over(others) - 1)
        .sort("place")["last"]
    )
    return pl.Series(
        [
            f"{first}+" if end is None else str(first) if first == end else f"{first}-{end}"
            for first, end in zip(rates["age_from"], last, strict=True)
        ],
        dtype=pl.String,
    )


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
