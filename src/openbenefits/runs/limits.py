"""What a run may publish before a person has looked at it (rulings §1.11): limits of a client, as set up."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from openbenefits.programs import services as setup
from openbenefits.programs.bundle import ClientBundle
from openbenefits.programs.frames import load_setup, releases_in_force
from openbenefits.programs.sections.operation import RunLimitPart
from openbenefits.runs.differences import MEASURES

KEPT = 256
_kept: OrderedDict[tuple[Any, ...], ClientBundle | None] = OrderedDict()
"""Set-up by database and releases: a release never changes."""

NAMES = {
    "terminations": "people who end without any coverage",
    "dropped_dependents": "dependents who end without any coverage",
    "cents_per_pay": "cents that differ in one pay",
    "unknown_amounts": "amounts of a pay that cannot be found",
    "events_of_an_import": "events of one import",
}


@dataclass(frozen=True, kw_only=True)
class Excess:
    """A limit that a run goes beyond: the measure, the most allowed, and what was found."""

    measure: str
    most: int
    found: int

    def sentence(self) -> str:
        """Say it, with dollars as dollars."""
        if self.measure == "cents_per_pay":
            most, found = dollars_text(self.most), dollars_text(self.found)
            return f"at most {most} differing in one pay expected, {found} found"
        return f"at most {self.most:,} {NAMES[self.measure]} expected, {self.found:,} found"


def dollars_text(cents: int) -> str:
    """Write cents as dollars."""
    return f"${cents // 100:,}.{cents % 100:02d}"


def limits_of(connection: Any, client_id: int, schedule_id: int | None, as_of: date) -> dict[str, int]:
    """Answer the limits of a run as of a day, by measure; none is no limit at all.

    Where dollars are limited, an amount that cannot be found is one too many: missing is never 0.
    """
    parts = _set_up(connection, client_id)
    if parts is None or not parts.run_limits:
        return {}
    code = _code(connection, client_id, schedule_id)
    found = [part for part in parts.run_limits if part.valid_from <= as_of and part.schedule == code]
    if not found:
        found = [part for part in parts.run_limits if part.valid_from <= as_of and part.schedule is None]
    return _spelt(max(found, key=lambda part: part.valid_from)) if found else {}


def _spelt(part: RunLimitPart) -> dict[str, int]:
    dollars = part.dollars_per_pay
    said = {
        "terminations": part.terminations,
        "dropped_dependents": part.dropped_dependents,
        "cents_per_pay": None if dollars is None else int(dollars * 100),
        "unknown_amounts": None if dollars is None else 0,
        "events_of_an_import": part.events_of_an_import,
    }
    return {name: most for name, most in said.items() if most is not None}


def exceeded(
    limits: Mapping[str, int], found: Mapping[str, int], released: Mapping[str, int]
) -> list[Excess]:
    """List the limits that what was found goes beyond; what somebody has released is allowed."""
    return [
        Excess(measure=name, most=limits[name], found=found[name])
        for name in MEASURES
        if name in limits and found[name] > max(limits[name], released.get(name, 0))
    ]


def needs_second_person(connection: Any, client_id: int, act: str) -> bool:
    """Tell whether a client wants an act about a run done by another person than who started it."""
    parts = _set_up(connection, client_id)
    wanted = parts.second_person if parts else None
    return wanted is not None and bool(getattr(wanted, act))


def _code(connection: Any, client_id: int, schedule_id: int | None) -> str | None:
    if schedule_id is None:
        return None
    rows = load_setup(connection, [client_id])["schedule"].filter(schedule_id=schedule_id)
    code: str | None = rows["code"][0] if rows.height else None
    return code


def _set_up(connection: Any, client_id: int) -> ClientBundle | None:
    """A client's set-up in force, kept by its releases."""
    settings = connection.settings_dict
    place = f"{settings['HOST']}/{settings['PORT']}/{settings['NAME']}"
    key = (place, client_id, *releases_in_force(connection, [client_id]).items())
    if key not in _kept:
        loaded = setup.loaded_in_force(client_id)
        _kept[key] = loaded.parts if loaded and isinstance(loaded.parts, ClientBundle) else None
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return _kept[key]
