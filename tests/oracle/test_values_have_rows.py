"""Every value of every code list of the set-up, every criterion and every message stands in a table row.

The lists are read from the shape of the bundles, so that a value added there without a row fails here.
"""

import types
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Literal, Union, get_args, get_origin

import msgspec
import pytest
from tests.oracle.cases import (
    TABLES,
    load_calendar_cases,
    load_cases,
    load_credit_cases,
    load_election_cases,
    load_owed_cases,
)

from openbenefits.core.codes import CobraCause
from openbenefits.core.messages import CATALOGUE
from openbenefits.programs.bundle import ClientBundle, PeoBundle
from openbenefits.programs.fields import GEOGRAPHY_FIELD, LIST_FIELDS, RANGE_FIELDS
from openbenefits.programs.sections.eligibility import CriterionPart

NOT_DECIDED_BY_PREPARATION = {
    ("kind", "peo"), ("kind", "client"),  # which bundle
    ("special_enrollment", "*"),  # for the audit: tests/programs/test_special.py
    ("kind", "event_maintenance"), ("kind", "open_enrollment"), ("kind", "snapshot"),
    ("kind", "process"), ("kind", "passive"), ("kind", "windows"), ("kind", "repairs"),
    ("kind", "reprocess"),
    ("use", "snapshot"), ("window_start", "*"), ("window_action", "*"), ("through", "*"),
    ("cobra_action", "*"), ("counts_from", "*"),  # of losses: tests/compliance/cobra.yaml
    *(("code", str(cause)) for cause in CobraCause),
    ("repeats", "*"), ("base", "birth"), ("base", "service"), ("base", "dependent_limit"),
    # of payroll: tests/payroll/test_leaves.py, test_low_pay.py; the law of a leave: tests/programs/test_audit_leaves.py
    ("ways", "*"), ("default_way", "*"), ("retro_owner", "*"), ("low_pay", "*"),
    ("kind", "fmla"), ("kind", "military"),
    ("overage_begins", "*"),  # kept for continuation coverage
    ("holiday_rule", "*"),  # of check dates, which decide nothing: tests/programs/test_pay_calendars.py
    ("language", "*"),  # of names people read: tests/portal/test_words.py
    ("forms", "*"),  # of letters: tests/reports/test_statements.py
    ("unit", "dollars"), ("unit", "percent"),  # of legal limits: tests/programs/test_limits.py
    *((field, kind) for field in ("persons", "relationships", "person_type") for kind in ("BN", "XS")),
    ("persons", "AC"), ("persons", "OD"), ("relationships", "EE"),  # no kind of their own; refused
    ("coverage_begins", "with_coverage"), ("coverage_ends", "with_coverage"),  # refused
}  # fmt: skip
"""Values that the tables of preparation cannot show: calendars, schedules, runs; tests/runs and scenarios do."""

Said = set[tuple[str, str]]


def _cases() -> list[Any]:
    decided = [*load_cases(), *load_election_cases(), *load_credit_cases()]
    return [*decided, *load_owed_cases(), *load_calendar_cases()]


def _said(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """List the pairs of a key and a text (or a key of a mapping) that a document holds."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield key, str(name)
            yield from _said(value, str(name))
    elif isinstance(node, list | tuple | set):
        for value in node:
            yield from _said(value, key)
    elif node is not None:
        yield key, str(node)


@pytest.fixture(scope="module")
def said() -> Said:
    """What the given set-ups of all cases say, as pairs of key and value."""
    return {pair for case in _cases() for document in (case.peo, case.client) for pair in _said(document)}


def _values(kind: Any) -> set[str]:
    """List the values a field of this type is limited to, however deep in lists and options they stand."""
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return {str(value) for value in kind}
    origin = get_origin(kind)
    if origin is Literal:
        return {str(value) for value in get_args(kind)}
    if origin in (list, tuple, dict, Union, types.UnionType) or hasattr(kind, "__metadata__"):
        return set().union(*(_values(part) for part in get_args(kind)))
    return set()


def _parts(kind: Any, seen: set[Any]) -> Iterator[type[msgspec.Struct]]:
    """List the sections reachable from a bundle."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind not in seen:
            seen.add(kind)
            yield kind
            for field in msgspec.structs.fields(kind):
                yield from _parts(field.type, seen)
    else:
        for part in get_args(kind):
            yield from _parts(part, seen)


def _limited() -> list[tuple[str, str, str]]:
    """List section, field and value of every limited field of the bundles."""
    found = []
    for part in _parts(PeoBundle | ClientBundle, set()):
        for field in msgspec.structs.fields(part):
            name, usual = field.encode_name, str(field.default)  # the usual value needs no word
            values = sorted(_values(field.type) - {usual})
            found += [(part.__name__, name, value) for value in values]
    return found


@pytest.mark.parametrize(("section", "field", "value"), _limited())
def test_a_value_of_a_code_list_has_a_row(section: str, field: str, value: str, said: Said) -> None:
    if {(field, value), (field, "*")} & NOT_DECIDED_BY_PREPARATION:
        return
    assert (field, value) in said, f"no table sets {field}: {value} ({section})"


@pytest.mark.parametrize("name", [*RANGE_FIELDS, *LIST_FIELDS, GEOGRAPHY_FIELD])
def test_a_criterion_has_a_row(name: str, said: Said) -> None:
    assert ("field", name) in said, f"no table has a criterion on {name}"


def test_every_flag_and_number_of_a_criterion_has_a_row(said: Said) -> None:
    names = {field.encode_name for field in msgspec.structs.fields(CriterionPart)}
    assert names <= {key for key, _ in said} | {key for _, key in said}


ELSEWHERE = {"schedule", "load"}
"""Messages that runs give, not preparation or the check of elections."""

OF_SETTLING = {"BA1216", "BA1331", "BA1332", "BA1333", "BA1335", "BA1340", "BA1342"}
"""What settling, finalising, deciding again and snapshots say: tests/enrollment, tests/runs and tests/repair."""

OF_CALENDARS = {"BA1241"}
"""What the work list says of calendars that end soon: tests/review/test_calendars.py."""

TOLD_BY_STATUS = {"BA1102", "BA1210"}
"""Warnings that only repeat what a status or a loss, which have rows, say."""


@pytest.mark.parametrize("code", [code for code, entry in CATALOGUE.items() if entry.level not in ELSEWHERE])
def test_a_message_has_a_row(code: str) -> None:
    if code in OF_SETTLING | OF_CALENDARS | TOLD_BY_STATUS:
        return
    texts = "".join(path.read_text() for path in TABLES.glob("*.yaml"))
    assert code in texts, f"no table expects {code}"


def test_there_are_many_different_rows() -> None:
    """Issue 3 asks for 300 different rows at least: different in what is given."""
    rows = {repr((case.peo, case.client, case.person, case.from_on, case.through_on)) for case in _cases()}
    assert len(rows) >= 300
