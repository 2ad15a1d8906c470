"""Plain data of a bundle become a `LoadedBundle`, or findings, as a folder does (programs.reader).

The place of a finding is the record it is about: `file` holds its address, as `rate_tables/HMO~2026-01-01`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from openbenefits.programs import values
from openbenefits.programs.drafts.records import Plain, key_text, kind_of, records_of, sections_of, typed
from openbenefits.programs.findings import Finding, has_errors
from openbenefits.programs.loaded import Place, is_inside, load, named_files
from openbenefits.programs.reader import Reading

_LABELS = ("code", "plan_type", "action", "event_class", "field")


def read_plain(parts: Plain, files: Mapping[str, str]) -> Reading:
    """Read a bundle from plain data and the texts of its files.

    Errors: none are raised for what the data hold.
    """
    kind = kind_of(parts)
    known = {name: value for name, value in parts.items() if value is not None}
    try:
        typed_parts = msgspec.convert(known, kind)
    except msgspec.ValidationError:
        return Reading(bundle=None, findings=list(_type_findings(parts)))
    places = dict(_places(parts))
    findings = [_value_finding(parts, fault, places) for fault in values.value_faults(typed_parts)]
    findings += _missing_files(typed_parts, files, parts, places)
    if any(one.code == "size" for one in findings):  # too large to be put into columns
        return Reading(bundle=None, findings=findings)
    named = {name for _, name in named_files(typed_parts)}
    texts = {name: text for name, text in files.items() if name in named}
    bundle, faults = load(typed_parts, texts, places)
    findings += faults
    return Reading(bundle=None if has_errors(findings) else bundle, findings=findings)


def where_of(plain: Any, path: values.Path) -> str:
    """Name a place by the codes of the records above it: `programs[GOLD].plan_types[10].waive`.

    >>> where_of({"plans": [{"code": "HMO"}]}, ("plans", 0, "name"))
    'plans[HMO].name'
    """
    text, node = "", plain
    for step in path:
        node = _below(node, step)
        text += f"[{label_of(node) or int(step) + 1}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def label_of(node: Any) -> str:
    """Answer what a record is called in findings; '' where it has no code."""
    labels = (node.get(name) for name in _LABELS) if isinstance(node, dict) else ()
    return next((str(one) for one in labels if one), "")


def _below(node: Any, step: str | int) -> Any:
    if isinstance(node, list | tuple) and isinstance(step, int):
        return node[step] if step < len(node) else None
    return node.get(step) if isinstance(node, dict) else None


def _places(parts: Plain) -> Iterator[tuple[values.Path, Place]]:
    for section in sections_of(kind_of(parts)):
        for index, (key, _) in enumerate(records_of(parts, section)):
            yield (section, index) if key else (section,), (f"{section}/{key_text(key)}", None)


def _type_findings(parts: Plain) -> Iterator[Finding]:
    """Find the records that do not have their shape, each with the first of its faults."""
    for section, record_type in sections_of(kind_of(parts)).items():
        for key, record in records_of(parts, section):
            try:
                typed(record_type, record)
            except msgspec.ValidationError as fault:
                yield Finding(
                    code="type",
                    where=f"{section}[{label_of(record) or key_text(key)}]",
                    expected="a record of its shape",
                    found=str(fault),
                    cure="Correct the value.",
                    file=f"{section}/{key_text(key)}",
                )


def _value_finding(parts: Plain, fault: values.ValueFault, places: Mapping[values.Path, Place]) -> Finding:
    return Finding(
        code=fault.code,
        where=where_of(parts, fault.path),
        expected=fault.expected,
        found=fault.found,
        cure=fault.cure,
        file=places.get(fault.path[:2], places.get(fault.path[:1], ("", None)))[0],
    )


def _missing_files(
    typed_parts: Any, files: Mapping[str, str], parts: Plain, places: Mapping[values.Path, Place]
) -> Iterator[Finding]:
    for path, name in named_files(typed_parts):
        if name not in files or not is_inside(name):
            cure = "Upload the file with the bundle, or correct its name."
            fault = values.ValueFault(path, "file", f"the CSV file {name}", "none", cure)
            yield _value_finding(parts, fault, places)
