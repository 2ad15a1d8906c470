"""Twice the set-up for the same people: every rule, rate, formula and program of a client has a twin."""

from typing import Any

import msgspec

from openbenefits.programs.bundle import ClientBundle
from openbenefits.programs.loaded import LoadedBundle, load

TWINNED = ("eligibility_rules", "event_rules", "rate_tables", "contributions", "formulas", "programs")
NAMING = {  # the keys that name a row of these sections
    "eligibility": "eligibility_rules",
    "event_rule": "event_rules",
    "rate_table": "rate_tables",
    "contribution": "contributions",
    "formula": "formulas",
}
NOWHERE = {"field": "location", "values": ["NOWHERE"]}

Row = dict[str, Any]


def with_twins(bundle: LoadedBundle) -> LoadedBundle:
    """Give a client everything twice; nobody meets the rules of the twins, as nobody works at their place."""
    document: Row = msgspec.to_builtins(bundle.parts)
    own = {section: {row["code"] for row in document[section]} for section in TWINNED}
    for section in TWINNED:
        document[section] += [{**_renamed(row, own), "code": _twin(row["code"])} for row in document[section]]
    for rule in document["eligibility_rules"]:
        if rule["code"].endswith(_twin("")):
            rule["criteria"] = [*rule["criteria"], NOWHERE]
    for schedule in document["schedules"]:
        programs = schedule.get("programs") or {}
        schedule["programs"] = programs | {_twin(code): kinds for code, kinds in programs.items()}
    parts = msgspec.convert(document, ClientBundle, strict=False)
    return load(parts, bundle.files, {})[0]


def _twin(code: str) -> str:
    return f"{code}-TWIN"


def _renamed(node: Any, own: dict[str, set[str]]) -> Any:
    """Let everything below a node name the twins of the client's own rows."""
    if isinstance(node, list):
        return [_renamed(one, own) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _twin(value) if value in own.get(NAMING.get(key, ""), ()) else _renamed(value, own)
        for key, value in ((key, value) for key, value in node.items())
    }
