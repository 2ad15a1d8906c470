"""A bundle written out as the folder people would have made: YAML files by subject, and its CSV files.

Reading the folder gives the bundle back: the same parts, the same rows, the same fingerprint.
"""

import shutil
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import yaml

from openbenefits.programs.loaded import LoadedBundle
from openbenefits.programs.nodes import BundleLoader

FILES: dict[str, tuple[str, ...]] = {
    "bundle.yaml": ("bundle",),
    "codes.yaml": ("event_classes", "actions", "coverage_codes", "deduction_codes", "funds"),
    "groups.yaml": ("companies", "company_addresses", "location_addresses", "benefit_groups", "pay_groups"),
    "holidays.yaml": ("holiday_calendars",),
    "plans.yaml": ("plans",),
    "rates.yaml": ("rate_tables", "age_curves", "age_tables"),
    "geographies.yaml": ("geographies",),
    "limits.yaml": ("annual_limits", "limit_sheets"),
    "rules.yaml": ("dependent_rules", "eligibility_rules", "formulas", "contributions"),
    "event_rules.yaml": ("event_rules", "passive_events"),
    "payroll.yaml": ("leave_policies", "payroll_terms"),
    "programs.yaml": ("programs",),
    "translations.yaml": ("translations",),
    "schedules.yaml": ("schedules", "run_controls"),
}
"""Which sections stand in which file; a section not named here has a file of its own."""

FIRST_KEYS = ("code", "plan_type", "from", "source", "name")
RARE_BREAKS = frozenset("\x85\u2028\u2029")
"""Line breaks to YAML that no keyboard has; pasted texts hold them."""
LONGEST_LINE = 110


class FolderTaken(ValueError):
    """The folder already holds something; nothing was written."""


def write_bundle(bundle: LoadedBundle, folder: Path) -> list[Path]:
    """Write a bundle into a folder, whole or not at all; answer the files.

    Errors: FolderTaken if the folder holds anything.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        message = f"{folder}: expected a new or empty folder, found something in it. Name another folder."
        raise FolderTaken(message)
    draft = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    names = []
    for name, text in texts_of(bundle):
        path = draft / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8-sig" if text.startswith("\ufeff") else "utf-8"))
        names.append(name)
    if folder.exists():
        folder.rmdir()
    draft.rename(folder)
    return [folder / name for name in names]


def texts_of(bundle: LoadedBundle) -> Iterator[tuple[str, str]]:
    """Answer the files of a bundle, each with its text."""
    sections = plain_of(bundle.parts)
    homes = {section: file for file, own in FILES.items() for section in own}
    by_file: dict[str, dict[str, Any]] = {file: {} for file in FILES}
    for section, value in sections.items():
        by_file.setdefault(homes.get(section, f"{section}.yaml"), {})[section] = value
    for file, own in by_file.items():
        if own:
            yield file, yaml_text(own)
    yield from bundle.files.items()


def plain_of(value: Any) -> Any:
    """Turn a part into plain values: what has its default is left out, what names it comes first."""
    if isinstance(value, msgspec.Struct):
        given = {
            field.encode_name: plain_of(getattr(value, field.name))
            for field in msgspec.structs.fields(value)
            if not _is_default(field, getattr(value, field.name))
        }
        first = [key for key in FIRST_KEYS if key in given]
        return {key: given[key] for key in [*first, *(key for key in given if key not in first)]}
    if isinstance(value, dict):
        return {str(key): plain_of(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain_of(one) for one in value]
    return value


def yaml_text(sections: dict[str, Any]) -> str:
    """Write sections as YAML that `nodes.compose` reads back as the same values."""
    return "\n".join(
        yaml.dump(
            {name: value}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=LONGEST_LINE, indent=2
        )
        for name, value in sections.items()
    )


def _is_default(field: Any, value: Any) -> bool:
    if field.default is not msgspec.NODEFAULT:
        return bool(value == field.default) and type(value) is type(field.default)
    if field.default_factory is not msgspec.NODEFAULT:
        return bool(value == field.default_factory())
    return False


class _Dumper(yaml.SafeDumper):
    """Writes plain words by the rules by which bundles are read; short records stand on one line."""

    yaml_implicit_resolvers = BundleLoader.yaml_implicit_resolvers

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the name of the argument is given
        """Write everything out."""
        return True

    def represent_record(self, data: dict[str, Any]) -> yaml.Node:
        """Write a mapping: on one line where it holds single values only and is short."""
        node = self.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=False)
        is_single = all(isinstance(value, yaml.ScalarNode) for _, value in node.value)
        length = sum(len(key.value) + len(value.value) + 4 for key, value in node.value if is_single)
        node.flow_style = is_single and bool(node.value) and length < LONGEST_LINE - 10
        return node

    def represent_values(self, data: list[Any]) -> yaml.Node:
        """Write a list: on one line where it holds single values only."""
        node = self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=False)
        node.flow_style = all(isinstance(value, yaml.ScalarNode) for value in node.value)
        return node

    def represent_number(self, data: Decimal) -> yaml.Node:
        """Write a number without an exponent, and without a point where it is whole."""
        text = format(data, "f")
        text = text.rstrip("0").rstrip(".") if "." in text else text
        kind = "float" if "." in text else "int"
        return self.represent_scalar(f"tag:yaml.org,2002:{kind}", text)

    def represent_word(self, data: str) -> yaml.Node:
        """Write text; YAML's own writer decides on quotes, but between single ones loses rare line breaks."""
        style = '"' if RARE_BREAKS & set(data) else None
        return self.represent_scalar("tag:yaml.org,2002:str", str(data), style=style)


_Dumper.add_representer(dict, _Dumper.represent_record)
_Dumper.add_representer(list, _Dumper.represent_values)
_Dumper.add_representer(Decimal, _Dumper.represent_number)
_Dumper.add_representer(str, _Dumper.represent_word)
_Dumper.add_multi_representer(str, _Dumper.represent_word)  # the words of code lists
_Dumper.add_representer(date, yaml.SafeDumper.represent_date)
