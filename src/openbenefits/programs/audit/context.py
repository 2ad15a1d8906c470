"""The bundle under audit, and what its checks ask of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import msgspec
import polars as pl

from openbenefits.core.codes import Severity
from openbenefits.programs.bundle import ClientBundle, PeoBundle
from openbenefits.programs.findings import Finding
from openbenefits.programs.loaded import LoadedBundle
from openbenefits.programs.sections.base import DatedPart
from openbenefits.programs.sections.offers import OptionPart, PlanTypePart
from openbenefits.programs.values import Path

MOST_NAMED = 5
"""How many missing things a finding names."""

_LABELS = ("code", "plan_type", "action", "event_class", "field")


@dataclass(frozen=True, kw_only=True)
class Audited:
    """A bundle under audit, before the background of the PEO's (which is itself, for the PEO's own)."""

    bundle: LoadedBundle
    peo: LoadedBundle

    @property
    def parts(self) -> PeoBundle | ClientBundle:
        return self.bundle.parts

    @cached_property
    def client(self) -> ClientBundle | None:
        return self.parts if isinstance(self.parts, ClientBundle) else None

    @cached_property
    def codes(self) -> PeoBundle:
        """The code lists that only the PEO has."""
        if not isinstance(self.peo.parts, PeoBundle):
            raise TypeError("the background of an audit is the PEO's bundle")
        return self.peo.parts

    def find(self, section: str, code: str | None) -> list[Any]:
        """Answer all versions of a record: the bundle's own if it has any, else the PEO's."""
        return self._own.get((section, code)) or self._peos.get((section, code)) or []

    def holder(self, section: str, code: str | None) -> LoadedBundle:
        """Answer the bundle a code's record is taken from."""
        return self.bundle if (section, code) in self._own else self.peo

    def known(self, section: str) -> list[str]:
        """List the codes that may be named."""
        return sorted({code for kind, code in {**self._own, **self._peos} if kind == section and code})

    def rates(self, table: str) -> pl.DataFrame:
        """Answer the rates of all versions of a table."""
        return self._rates_by_table(self.holder("rate_tables", table), table)

    def codes_of_rates(self, table: str, valid_from: date) -> list[str]:
        """List the coverage codes that the rates of a version of one of the bundle's own tables name."""
        return self._codes_of_rates.get((table, valid_from), [])

    def zips(self, geography: str) -> pl.DataFrame:
        """Answer the zip codes of a geography."""
        holder = self.holder("geographies", geography)
        return holder.zips.filter(pl.col("geography") == geography)

    def where(self, path: Path) -> str:
        """Name a record by the codes of those above it: `programs[GOLD].plan_types[10].options[HMO]`."""
        text = ""
        node: Any = self.parts
        for step in path:
            node = node[step] if isinstance(step, int) else _inside(node, step)
            text += f"[{_label(node) or int(step) + 1}]" if isinstance(step, int) else f".{step}"
        return text.removeprefix(".")

    def finding(
        self,
        path: Path,
        code: str,
        expected: str,
        found: str,
        cure: str,
        severity: Severity = Severity.ERROR,
    ) -> Finding:
        """Make a finding about the record at a path."""
        file, line = self.bundle.place(path)
        return Finding(
            code=code,
            where=self.where(path) or self.bundle.code,
            expected=expected,
            found=found,
            cure=cure,
            file=file,
            line=line,
            severity=severity,
        )

    @cached_property
    def _own(self) -> dict[tuple[str, str | None], list[Any]]:
        return _by_code(self.bundle)

    @cached_property
    def _peos(self) -> dict[tuple[str, str | None], list[Any]]:
        return _by_code(self.peo)

    @cached_property
    def _codes_of_rates(self) -> dict[tuple[str, date], list[str]]:
        """Found for all tables at once: a bundle has hundreds."""
        rates = self.bundle.rates.select("table", "valid_from", "coverage_code").drop_nulls().unique()
        found: dict[tuple[str, date], list[str]] = {}
        for table, valid_from, code in rates.sort("coverage_code").iter_rows():
            found.setdefault((table, valid_from), []).append(code)
        return found

    @cached_property
    def _partitions(self) -> dict[tuple[int, str], pl.DataFrame]:
        bundles = {id(bundle): bundle for bundle in (self.bundle, self.peo)}
        return {
            (key, table): rows
            for key, bundle in bundles.items()
            for (table,), rows in bundle.rates.partition_by("table", as_dict=True).items()
        }

    def _rates_by_table(self, holder: LoadedBundle, table: str) -> pl.DataFrame:
        return self._partitions.get((id(holder), table), holder.rates.clear())


def in_force_from(versions: Iterable[Any], day: date) -> list[Any]:
    """Keep the versions of a record that hold on a day or later."""
    ordered = sorted(versions, key=lambda part: part.valid_from)
    begun = [index for index, part in enumerate(ordered) if part.valid_from <= day]
    return ordered[begun[-1] :] if begun else ordered


def listed(things: Iterable[Any]) -> str:
    """Name the first few of many."""
    names = [str(thing) for thing in things]
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def numbered(parts: Iterable[Any], *path: str | int) -> Iterator[tuple[Path, Any]]:
    """Pair the parts of a list with the paths to them; plan types and options switched off are none."""
    for index, part in enumerate(parts):
        if not isinstance(part, OptionPart | PlanTypePart) or part.active:
            yield (*path, index), part


def _by_code(bundle: LoadedBundle) -> dict[tuple[str, str | None], list[Any]]:
    found: dict[tuple[str, str | None], list[Any]] = {}
    for section in bundle.parts.__struct_fields__:
        for part in _parts(getattr(bundle.parts, section)):
            if hasattr(part, "code"):
                found.setdefault((section, part.code), []).append(part)
    return found


def _parts(section: Any) -> list[Any]:
    return section if isinstance(section, list) else []


def _inside(node: Any, step: str) -> Any:
    if isinstance(node, dict):
        return node[step]
    names = {field.encode_name: field.name for field in msgspec.structs.fields(node)}
    return getattr(node, names[step])


def _label(node: Any) -> str:
    labels = [getattr(node, name, "") for name in _LABELS if hasattr(node, name)]
    label = labels[0] if labels else ""
    is_dated = isinstance(node, DatedPart) and label
    return f"{label} from {node.valid_from}" if is_dated else label
