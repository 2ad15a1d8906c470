"""What differs between two versions of a bundle, record by record."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import polars as pl

from openbenefits.programs.loaded import LoadedBundle

_IDENTITIES = (
    ("code", "from"),
    ("code", "year"),
    ("code",),
    ("action", "reason"),
    ("plan_type",),
    ("event_class",),
    ("coverage_code",),
    ("field",),
    ("age_from",),
    ("rate_table",),
)
"""What tells the records of a list apart; the first that fits."""

_RATE_KEYS = (
    *("table", "valid_from", "age_from", "area", "coverage_code", "smoker", "sex", "person_type"),
    *("service_months_from", "annual_pay_from_cents"),
)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One record or value that is new, gone or changed: `programs[GOLD from 2026-01-01].active`."""

    path: str
    change: Literal["added", "removed", "changed"]
    old: Any
    new: Any


def differences(old: LoadedBundle | None, new: LoadedBundle) -> list[Difference]:
    """List what applying `new` would change."""
    before = {} if old is None else msgspec.to_builtins(old.parts)
    found = list(_of_mappings("", _without_rates(before), _without_rates(msgspec.to_builtins(new.parts))))
    found += _of_frames(_rates(old), _rates(new), "rate", _rate_path)
    found += _of_frames(_limits(old), _limits(new), "limit", _limit_path)
    found += _of_frames(_ages(old), _ages(new), "age rate", _age_path)
    return found + list(_of_frames(_zips(old), _zips(new), "area", _zip_path))


def _of_values(path: str, old: Any, new: Any) -> Iterator[Difference]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _of_mappings(path, old, new)
        return
    identity = _identity(old, new)
    if identity:
        yield from _of_mappings(path, _by(identity, old), _by(identity, new))
        return
    change: Literal["added", "removed", "changed"] = "changed"
    if old is None or new is None:
        change = "added" if old is None else "removed"
    yield Difference(path=path, change=change, old=old, new=new)


def _of_mappings(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for key in dict.fromkeys([*old, *new]):
        step = key if key.startswith("[") else f".{key}"
        yield from _of_values(f"{path}{step}".removeprefix("."), old.get(key), new.get(key))


def _identity(old: Any, new: Any) -> tuple[str, ...] | None:
    """Find the keys that tell apart the records of two lists, None where they are no lists of records."""
    records = [*(old or ()), *(new or ())] if _is_list(old) and _is_list(new) else []
    if not records or not all(isinstance(record, dict) for record in records):
        return None
    for keys in _IDENTITIES:
        is_told_apart = all(len(_by(keys, side)) == len(side or ()) for side in (old, new))
        if all(key in record for record in records for key in keys) and is_told_apart:
            return keys
    return None


def _is_list(value: Any) -> bool:
    return value is None or isinstance(value, list)


def _by(keys: tuple[str, ...], records: list[dict[str, Any]] | None) -> dict[str, Any]:
    return {f"[{_label(keys, record)}]": record for record in records or ()}


def _label(keys: tuple[str, ...], record: dict[str, Any]) -> str:
    first, *rest = (str(record.get(key, "")) or "any" for key in keys)
    return " from ".join([first, *rest]) if keys[1:] == ("from",) else " ".join([first, *rest])


def _without_rates(parts: dict[str, Any]) -> dict[str, Any]:
    """Leave out the rates: they are compared as rows, wherever they were written."""
    tables = [{**table, "rates": []} for table in parts.get("rate_tables", ())]
    kept = {**parts, "rate_tables": tables} if parts else parts
    kept |= (
        {"age_tables": [{**table, "rows": []} for table in parts["age_tables"]]}
        if "age_tables" in parts
        else {}
    )
    return {**kept, "annual_limits": []} if "annual_limits" in kept else kept


def _rates(bundle: LoadedBundle | None) -> dict[tuple[Any, ...], Any]:
    if bundle is None:
        return {}
    rows = bundle.rates.select(*_RATE_KEYS, "rate_micros", "employer_micros").rows()
    return {row[:-2]: row[-2] if row[-1] is None else row[-2:] for row in rows}


def _limits(bundle: LoadedBundle | None) -> dict[tuple[Any, ...], Any]:
    """Legal amounts too are compared as rows: dollars or percent with their source."""
    if bundle is None:
        return {}
    rows = bundle.limits.select("code", "year", "unit", "basis", "limit_cents", "source").rows()
    return {
        (code, year): f"{cents // 100}.{cents % 100:02d} {unit}, {basis or 'a year'} ({source})"
        for code, year, unit, basis, cents, source in rows
    }


def _ages(bundle: LoadedBundle | None) -> dict[tuple[Any, ...], Any]:
    """Tables by age are compared row by row, wherever they were written."""
    if bundle is None:
        return {}
    rows = bundle.ages.select("code", "valid_from", "age_from", "rate_micros").rows()
    return {row[:-1]: row[-1] for row in rows}


def _age_path(key: tuple[Any, ...]) -> str:
    code, valid_from, age_from = key
    return f"age_tables[{code} from {valid_from}].rows[age {age_from}]"


def _limit_path(key: tuple[Any, ...]) -> str:
    code, year = key
    return f"annual_limits[{code} {year}]"


def _zips(bundle: LoadedBundle | None) -> dict[tuple[Any, ...], Any]:
    if bundle is None:
        return {}
    rows = bundle.zips.select("geography", "zip", pl.col("area").fill_null("")).rows()
    return {row[:-1]: row[-1] for row in rows}


def _of_frames(
    old: dict[tuple[Any, ...], Any], new: dict[tuple[Any, ...], Any], name: str, path_of: Any
) -> Iterator[Difference]:
    for key in dict.fromkeys([*old, *new]):
        if old.get(key) != new.get(key):
            yield from _of_values(f"{path_of(key)}.{name}", old.get(key), new.get(key))


def _rate_path(key: tuple[Any, ...]) -> str:
    table, valid_from, *values = key
    keys = ", ".join(
        f"{name} {value}" for name, value in zip(_RATE_KEYS[2:], values, strict=True) if value is not None
    )
    return f"rate_tables[{table} from {valid_from}].rates[{keys or 'any'}]"


def _zip_path(key: tuple[Any, ...]) -> str:
    geography, zip_code = key
    return f"geographies[{geography}].zips[{zip_code}]"
