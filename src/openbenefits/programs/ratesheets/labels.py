"""What carriers write into the cells of a rate sheet: ages, areas, tiers, amounts, years."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

HEADINGS: dict[str, tuple[str, ...]] = {
    "age": ("age", "ages", "age band", "age range", "member age"),
    "age_from": ("age from", "from age", "lowest age"),
    "area": ("area", "rating area", "rate area", "region"),
    "coverage_code": ("coverage code", "coverage", "tier", "coverage tier", "rate tier"),
    "smoker": ("smoker", "tobacco", "tobacco use"),
    "sex": ("sex", "gender"),
    "rate": ("rate", "premium", "monthly rate", "monthly premium", "price", "amount"),
    "year": ("year", "plan year", "effective", "effective date", "from", "valid from"),
    "table": ("table", "plan", "plan code", "plan id", "product"),
}

_AGE = re.compile(r"^(\d{1,3})$")
_SPAN = re.compile(r"^(\d{1,3})\s*(?:-|–|—|to|through|thru)\s*(\d{1,3})$")
_OPEN = re.compile(
    r"^(\d{1,3})\s*(?:\+|and (?:over|older|above|up)|& (?:over|older|above|up)|or (?:over|older))$"
)
_BELOW = re.compile(r"^(?:<|under|below)\s*(\d{1,3})$")
_UP_TO = re.compile(r"^(?:<=|up to)\s*(\d{1,3})$|^(\d{1,3})\s*(?:and|&|or) (?:under|younger|below)$")
_AMOUNT = re.compile(r"^\$?\s*(-?\d{1,3}(?:,\d{3})+|-?\d+)(\.\d+)?$")
_YEAR = re.compile(r"(?<!\d)(20\d{2})(?!\d)")
_NOISE = Decimal("0.000000001")
_MICRO = Decimal("0.000001")
YES, NO = (
    ("true", "yes", "y", "smoker", "tobacco"),
    ("false", "no", "n", "non-smoker", "nonsmoker", "non-tobacco"),
)


class Ages(NamedTuple):
    """A band of ages; the last has no end."""

    first: int
    last: int | None


def heading_of(text: str) -> str | None:
    """Answer which column a heading means, None for another one.

    >>> heading_of("Age Band"), heading_of("Rating_Area"), heading_of("R1")
    ('age', 'area', None)
    """
    bare = re.sub(r"[\s_]+", " ", text.strip().lower()).rstrip(":*")
    return next((column for column, names in HEADINGS.items() if bare in names), None)


def ages_of(text: str) -> Ages | None:
    """Read a label of ages.

    >>> [tuple(ages_of(text)) for text in ("0-14", "15", "64+", "64 and over", "under 15", "14 and under")]
    [(0, 14), (15, 15), (64, None), (64, None), (0, 14), (0, 14)]
    """
    bare = re.sub(r"\.0+$", "", text.strip().lower())
    if found := _AGE.match(bare):
        return Ages(int(found[1]), int(found[1]))
    if (found := _SPAN.match(bare)) and int(found[1]) <= int(found[2]):
        return Ages(int(found[1]), int(found[2]))
    if found := _OPEN.match(bare):
        return Ages(int(found[1]), None)
    if (found := _BELOW.match(bare)) and int(found[1]):
        return Ages(0, int(found[1]) - 1)
    if found := _UP_TO.match(bare):
        return Ages(0, int(found[1] or found[2]))
    return None


def micros_of(text: str) -> int | None:
    """Read dollars as micro-dollars, exactly; what floats add behind the ninth decimal is dropped.

    >>> micros_of("$1,234.5"), micros_of("0.30000000000000004"), micros_of("0.1234567"), micros_of("12%")
    (1234500000, 300000, None, None)
    """
    found = _AMOUNT.match(text.strip())
    if not found:
        return None
    amount = Decimal(found[1].replace(",", "") + (found[2] or ""))
    micros = amount.quantize(_MICRO)
    return int(micros * 1_000_000) if abs(micros - amount) < _NOISE else None


def flag_of(text: str) -> bool | None:
    """Read yes or no."""
    bare = text.strip().lower()
    return True if bare in YES else False if bare in NO else None


def years_in(texts: Iterable[str]) -> set[int]:
    """Find the years some texts name.

    >>> years_in(["Rates 2025, effective 1/1/2025", "x20261"])
    {2025}
    """
    return {int(year) for text in texts for year in _YEAR.findall(text)}


def code_of(text: str, known: Mapping[str, str]) -> str | None:
    """Find a code by itself, by its name, or behind a word like `Area`; None where it is none of them.

    >>> codes = {"R1": "", "4": "Employee + family"}
    >>> code_of("Rating Area R1", codes), code_of("employee + FAMILY", codes), code_of("R9", codes)
    ('R1', '4', None)
    """
    if text in known:
        return text
    bare = re.sub(r"[\s_]+", " ", text.strip().lower())
    bare = re.sub(r"^(\d+)\.0+$", r"\1", bare)
    short = re.sub(r"^(rating area|rate area|area|region|tier)\s+", "", bare)
    for code, name in known.items():
        if code.lower().replace("_", " ") in (bare, short) or (name and name.lower() == bare):
            return code
    return None
