"""Stable numbers: which records of a bundle have one, and how a code is looked up."""

from collections.abc import Mapping
from dataclasses import dataclass

from openbenefits.programs.bundle import PeoBundle
from openbenefits.programs.loaded import LoadedBundle
from openbenefits.programs.offers import all_offers, option_key

Key = tuple[str, str]
"""The kind of a record and its code."""

ANY = 0
"""Stands for "any" where a number is part of a table's key."""

KINDS: dict[str, str] = {
    "event_classes": "event_class",
    "coverage_codes": "coverage_code",
    "plans": "plan",
    "coverage_groups": "coverage_group",
    "rate_tables": "rate_table",
    "geographies": "geography",
    "deduction_codes": "deduction_code",
    "dependent_rules": "dependent_rule",
    "eligibility_rules": "rule",
    "event_rules": "event_rule",
    "formulas": "formula",
    "contributions": "contribution",
    "calculation_rules": "calculation_rule",
    "programs": "program",
    "pay_groups": "pay_group",
    "schedules": "schedule",
}
"""The sections whose records have a stable number, and the kind it is kept under."""


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """The numbers of the codes a bundle may refer to, and the names that options show."""

    own: Mapping[Key, int]
    peo: Mapping[Key, int]
    names: Mapping[Key, str]

    def of(self, kind: str, code: str) -> int:
        """Answer a code's number: the bundle's own record comes before the PEO's."""
        key = (kind, code)
        return self.own[key] if key in self.own else self.peo[key]

    def maybe(self, kind: str, code: str | None) -> int | None:
        return self.of(kind, code) if code else None

    def or_any(self, kind: str, code: str | None) -> int:
        return self.of(kind, code) if code else ANY


def keys_of(loaded: LoadedBundle) -> list[Key]:
    """List the records of a bundle that need a number, in the order of the bundle."""
    keys = [
        (kind, part.code) for section, kind in KINDS.items() for part in getattr(loaded.parts, section, ())
    ]
    for program in getattr(loaded.parts, "programs", ()):
        keys += [("option", option_key(program, plan, offer)) for plan, _, offer in all_offers(program)]
    return list(dict.fromkeys(keys))


def names_of(loaded: LoadedBundle) -> dict[Key, str]:
    """Answer the names of plans and coverage codes."""
    names = {("plan", part.code): part.name for part in loaded.parts.plans}
    if isinstance(loaded.parts, PeoBundle):
        names |= {("coverage_code", part.code): part.name for part in loaded.parts.coverage_codes}
    return names
