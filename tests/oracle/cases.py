"""The analysts' tables: every case of `tests/tables/*.yaml` written out in full.

A case says only what differs from `base.yaml`. Mappings are merged; lists of things with a code (or plan
type, event class, id) are merged thing by thing; other lists are replaced. With `columns` and `rows` one
entry is a whole table: each column puts its cell at one or more places (`expect.plans.10.is_lost`), each
row is a case. `$1234.56` stands for cents.

    for case in load_cases():          # or load_cases("dates.yaml")
        result = prepare(case.peo, case.client, case.person)
        assert not differences(case.expect, result)
"""

import pickle
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .rows import Row, cents

TABLES = Path(__file__).parent.parent / "tables"
IDENTITIES = ("id", "code", "plan_type", "event_class")
_DOLLARS = re.compile(r"^-?\$[0-9]+(\.[0-9]{1,2})?$")


@dataclass(frozen=True)
class TableCase:
    """One case in full. `points` and `through_on` only where deductions owed are expected."""

    name: str
    source: str
    peo: Row
    client: Row
    person: Row  # holds the event under `event`
    expect: Row
    points: list[Row] | None = None
    from_on: Any = None
    through_on: Any = None
    chosen: list[Row] | None = None
    choice: str | None = None


class _Loader(yaml.CSafeLoader):
    """Reads numbers with a decimal point as Decimal, and `$…` as cents."""


def _dollars(text: str) -> int:
    return cents(text.replace("$", ""))


_Loader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: Decimal(str(node.value)))
_Loader.add_constructor("!cents", lambda loader, node: _dollars(node.value))
_Loader.add_implicit_resolver("!cents", _DOLLARS, list("$-"))


def load_cases(file: str | None = None) -> Iterator[TableCase]:
    """Yield the cases of a table file, or of all, that `prepare` can answer."""
    return (
        case
        for case in _all_cases(file)
        if case.points is None
        and case.chosen is None
        and "calendar" not in case.expect
        and "elections" not in case.person
    )


def load_election_cases(file: str | None = None) -> Iterator[TableCase]:
    """Yield the cases about elections: `expect` has `said` ([code, plan type] of all messages) and `falls`,
    or `covers` ({plan type: the dependents covered once the event is settled}).
    """
    return (case for case in _all_cases(file) if "elections" in case.person)


def load_credit_cases(file: str | None = None) -> Iterator[TableCase]:
    """Yield the cases about what becomes of credits: what is `chosen`, and the person's `choice`."""
    return (case for case in _all_cases(file) if case.chosen is not None)


def load_owed_cases(file: str | None = None) -> Iterator[TableCase]:
    """Yield the cases that expect deductions owed: `expect` has `owed`, `total_cents` or `count`."""
    return (case for case in _all_cases(file) if case.points is not None)


def load_calendar_cases(file: str | None = None) -> Iterator[TableCase]:
    """Yield the cases about the pay calendar of the person's pay group."""
    return (case for case in _all_cases(file) if "calendar" in case.expect)


def read_yaml(name: str) -> Any:
    return yaml.load((TABLES / name).read_text(), _Loader)  # a SafeLoader


@cache
def _all_cases(file: str | None) -> tuple[TableCase, ...]:
    """Answer the cases of a file, or of all; who changes one changes a copy."""
    return tuple(_read_cases(file))


def _read_cases(file: str | None) -> Iterator[TableCase]:
    base = read_yaml("base.yaml")
    names = (
        [file] if file else sorted(path.name for path in TABLES.glob("*.yaml") if path.name != "base.yaml")
    )
    for name in names:
        table = read_yaml(name)
        for entry in table["cases"]:
            written = merge(table.get("given") or {}, entry)
            for number, case in enumerate(_rows_of(base, written), 1):
                suffix = f" · row {number}" if "rows" in entry else ""
                yield _case(f"{name}: {entry['name']}{suffix}", case)


def _rows_of(base: Row, entry: Row) -> Iterator[Row]:
    """Merge an entry into the base, once for each of its rows."""
    columns = {name: [to] if isinstance(to, str) else to for name, to in (entry.get("columns") or {}).items()}
    said = {key: value for key, value in entry.items() if key not in ("columns", "rows")}
    whole = pickle.dumps(merge(base, said))  # read again, a copy is made much faster than by `deepcopy`
    for cells in entry.get("rows") or [[]]:
        case = pickle.loads(whole)
        if len(cells) != len(columns):
            raise ValueError(f"{entry['name']}: {cells} does not fit the columns {list(columns)}")
        for places, cell in zip(columns.values(), cells, strict=True):
            for place in places:
                put(case, place, cell)
        yield case


def _case(name: str, case: Row) -> TableCase:
    return TableCase(
        name=name,
        source=case["source"],
        peo=case["peo"],
        client=case["client"],
        person={**case["person"], "event": case["event"], "prior_options": _pairs(case["person"])},
        expect=_expected(case["expect"]),
        points=case.get("points"),
        from_on=case.get("from_on"),
        through_on=case.get("through_on"),
        chosen=case.get("chosen"),
        choice=case.get("choice"),
    )


def _pairs(person: Row) -> set[tuple[str, str]] | None:
    """Turn the prior options of a table, a list of [plan type, option], into a set of pairs."""
    prior = person.get("prior_options")
    return None if prior is None else {(plan_type, option) for plan_type, option in prior}


def _expected(expect: Row) -> Row:
    """Turn keys `10 MED-EE` of the expected options into pairs of plan type and option."""
    options = {tuple(key.split(" ", 1)): value for key, value in (expect.get("options") or {}).items()}
    return {**expect, "options": options} if options else expect


# --- merging --------------------------------------------------------------------------------------------


def merge(base: Any, patch: Any) -> Any:
    """Lay a patch over a base: mappings key by key, lists of named things thing by thing."""
    if isinstance(base, dict) and isinstance(patch, dict):
        kept = {key: deepcopy(value) for key, value in base.items() if key not in patch}
        return kept | {key: merge(base.get(key), value) for key, value in patch.items()}
    if isinstance(base, list) and isinstance(patch, list) and patch and all(map(_identity, patch)):
        return _merge_lists(base, patch)
    return deepcopy(patch)


def _merge_lists(base: list[Any], patch: list[Row]) -> list[Any]:
    merged = deepcopy(base)
    for item in patch:
        places = [place for place, one in enumerate(merged) if _is_same(one, item)]
        if places:
            merged[places[0]] = merge(merged[places[0]], item)
        else:
            merged.append(deepcopy(item))
    return merged


def _identity(item: Any) -> tuple[str, Any] | None:
    """Find what names a thing in its list; a line of rates, a step or a change point has no name."""
    if not isinstance(item, dict) or "begins_on" in item:
        return None
    return next(((key, item[key]) for key in IDENTITIES if key in item), None)


def _is_same(one: Any, item: Row) -> bool:
    is_dated_apart = isinstance(one, dict) and any(
        one.get(key) != item[key] for key in ("from", "year") if key in item
    )
    return _identity(one) == _identity(item) and not is_dated_apart


def put(case: Row, place: str, value: Any) -> None:
    """Put a value at a place such as `client.event_rules.MED.classes.HIR.waiting_days`."""
    *steps, last = place.split(".")
    node: Any = case
    for step in steps:
        node = _step(node, step, place)
    node[int(last) if isinstance(node, list) else last] = value


def _step(node: Any, step: str, place: str) -> Any:
    if isinstance(node, dict):
        if node.get(step) is None:
            node[step] = {}
        return node[step]
    for item in node:
        identity = _identity(item)
        if identity and str(identity[1]) == step:
            return item
    if step.isdigit() and int(step) < len(node):
        return node[int(step)]
    raise KeyError(f"{step} of {place}")


# --- comparing ------------------------------------------------------------------------------------------


def differences(expect: Row, result: Row) -> list[str]:
    """Say where a result of `prepare` differs from what is expected; what is not named may be anything.

    Beside the keys of the result: `electable: {plan type: [option codes]}`, `messages` as a list of
    [code, plan type, option] with as many parts as matter, and `null` for a plan or option not there.
    """
    found: list[str] = []
    for key, value in expect.items():
        if key == "electable":
            for plan_type, codes in value.items():
                _compare(f"electable {plan_type}", sorted(codes), electable(result, plan_type), found)
        elif key == "messages":
            _compare_messages(value, result["messages"], found)
        elif key in ("plans", "options", "general_deductions"):
            for name, fragment in value.items():
                _compare_fragment(name, fragment, result[key].get(name), found)
        else:
            _compare(key, value, result[key], found)
    return found


def electable(result: Row, plan_type: str) -> list[str]:
    return sorted(
        code for (of, code), option in result["options"].items() if of == plan_type and option["is_electable"]
    )


def _compare_messages(expected: list[list[str]], found: list[tuple], differing: list[str]) -> None:
    """Each expected is found, and no message of another code."""
    for message in expected:
        if not any(list(one[: len(message)]) == list(message) for one in found):
            differing.append(f"messages: {message} is not among {found}")
    codes = {message[0] for message in expected}
    _compare("messages besides", [], [one for one in found if one[0] not in codes], differing)


def _compare_fragment(name: Any, fragment: Row | None, found: Row | None, differing: list[str]) -> None:
    if fragment is None or found is None:
        _compare(str(name), fragment, found, differing)
        return
    for key, value in fragment.items():
        _compare(f"{name} {key}", value, found[key], differing)


def _compare(name: str, expected: Any, found: Any, differing: list[str]) -> None:
    if expected != found:
        differing.append(f"{name}: expected {expected}, found {found}")
