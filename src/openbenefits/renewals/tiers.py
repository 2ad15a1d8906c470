"""Which tier a coverage code of set-up is: by whom it covers beside the employee."""

from collections.abc import Iterable, Mapping
from typing import Any

from openbenefits.core.codes import PersonType
from openbenefits.programs import services as setup
from openbenefits.programs.bundle import PeoBundle
from openbenefits.programs.frames import PEO
from openbenefits.programs.sections.codes import CoverageCodePart
from openbenefits.renewals.codes import Tier


def tier_of(code: CoverageCodePart) -> Tier | None:
    """Answer the tier of a coverage code; None for the partner's side alone, which is no tier."""
    kinds = {kind: most.max for kind, most in code.persons.items() if most.max > 0}
    if kinds and PersonType.EMPLOYEE not in kinds:
        return None
    children = kinds.get(PersonType.CHILD, 0)
    has_partner = bool(set(kinds) - {PersonType.EMPLOYEE, PersonType.CHILD})
    if has_partner:
        return Tier.EF if children else Tier.ES
    if children:
        return Tier.EC if children == 1 else Tier.EK
    return Tier.EE


def tiers_in_force() -> dict[str, Tier]:
    """Answer the tier of each coverage code of the PEO's set-up in force; no set-up has none."""
    loaded = setup.loaded_in_force(PEO)
    if loaded is None or not isinstance(loaded.parts, PeoBundle):
        return {}
    return tiers_of(loaded.parts.coverage_codes)


def tiers_of(codes: Iterable[CoverageCodePart]) -> dict[str, Tier]:
    """Answer the tier of each coverage code that is one."""
    found = {one.code: tier_of(one) for one in codes}
    return {code: tier for code, tier in found.items() if tier is not None}


def by_tier(values: Iterable[tuple[str, int]], tiers: Mapping[str, Tier]) -> tuple[dict[str, int], list[str]]:
    """Turn amounts by coverage code into amounts by tier; name the tiers on whose codes they differ."""
    found: dict[str, int] = {}
    differ: list[Any] = []
    for code, value in values:
        tier = tiers.get(code)
        if tier is not None and found.setdefault(tier, value) != value:
            differ.append(str(tier))
    return found, differ
