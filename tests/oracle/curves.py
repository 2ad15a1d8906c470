"""Rates written out from a base: by an age curve, by tiers, for smokers (docs/rules.md §7.10)."""

from .rows import Row, Setup, decimal, half_away

_WRITTEN: dict[int, tuple[Row, Row]] = {}


def written_out(setup: Setup, table: Row) -> Row:
    """Give a table as if each of its rates had been written, each rounded to the cent once."""
    if not (table.get("curve") or table.get("tiers") or table.get("tobacco_factor") is not None):
        return table
    if id(table) not in _WRITTEN:
        _WRITTEN[id(table)] = (table, _write_out(setup, table))  # the table is kept, so its id stays its own
    return _WRITTEN[id(table)][1]


def _write_out(setup: Setup, table: Row) -> Row:
    is_clients = any(one is table for one in setup.client.get("rate_tables") or [])
    holder = setup if is_clients else Setup(setup.peo, {})  # the PEO's tables follow the PEO's curves
    curve = holder.row_on("age_curves", table.get("curve"), table["from"])
    factors = {one["age"]: decimal(one["factor"]) for one in curve["factors"]} if curve else {}
    ages = sorted(factors) or [None]
    base = factors.get(table.get("base_age", 21), decimal(1))
    tiers = {code: decimal(factor) for code, factor in (table.get("tiers") or {None: 1}).items()}
    tobacco, from_age = table.get("tobacco_factor"), table.get("tobacco_from_age", 21)
    smoking = [None] if tobacco is None else [False, True]
    lowest = 0 if curve and curve.get("open_below", False) else ages[0]
    edges = (
        [lowest, *ages[1:]] if curve else [line["age_from"] for line in table["rates"] if "age_from" in line]
    )
    lines = []
    for line in table["rates"]:
        for age in ages:
            for code, tier in tiers.items():
                for smoker in smoking:
                    plain = factors.get(age, decimal(1)) * tier
                    keyed = {**line, **_keys(age, code, smoker)}
                    if age == ages[0] and curve and curve.get("open_below", False):
                        keyed["age_from"] = 0
                    for begins in _begins(keyed, edges, from_age if smoking != [None] else None):
                        pays_more = smoker and (begins is None or begins >= from_age)
                        factor = plain * decimal(tobacco) if pays_more else plain
                        lines.append({**keyed, **_amounts(line, factor, base), **_keys(begins, None, None)})
    added = {"age": curve, "coverage_code": table.get("tiers"), "smoker": tobacco is not None}
    keys = [*(table.get("keys") or []), *(key for key, is_added in added.items() if is_added)]
    last = ages[-1] if curve and not curve.get("open_above", False) else None
    return {**table, "keys": keys, "rates": lines, "age_through": last}


def _begins(line: Row, edges: list[int], from_age: int | None) -> list[int | None]:
    """List where a line's ages begin: twice, where the age from which smokers pay more lies in its band."""
    begins = line.get("age_from")
    if begins is None or from_age is None:
        return [begins]
    is_within = begins < from_age and not any(begins < edge <= from_age for edge in edges)
    return [begins, from_age] if is_within else [begins]


def _amounts(line: Row, factor, base) -> Row:
    names = [name for name in ("rate", "employer_rate") if line.get(name) is not None]
    return {name: decimal(half_away(decimal(line[name]) * 100 * factor, base)) / 100 for name in names}


def _keys(age: int | None, code: str | None, smoker: bool | None) -> Row:
    said = {"age_from": age, "coverage_code": code, "smoker": smoker}
    return {name: value for name, value in said.items() if value is not None}
