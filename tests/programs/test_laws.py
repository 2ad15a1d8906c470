"""Laws: whatever is left out of a bundle, reading and audit answer findings, or its rows are complete."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.laws.test_kernel_agrees import IS_FUZZING

from openbenefits.programs.audit import audit
from openbenefits.programs.findings import has_errors
from openbenefits.programs.flatten import flatten
from openbenefits.programs.loaded import LoadedBundle, fingerprint, from_document, to_document
from openbenefits.programs.numbers import Numbers, keys_of, names_of
from openbenefits.programs.reader import read

from .factories import CLIENT, PEO, make_client, make_peo

Path_ = tuple[Any, ...]


def paths(node: Any, path: Path_ = ()) -> Iterator[Path_]:
    steps: list[Any] = list(node) if isinstance(node, dict) else []
    if isinstance(node, list):
        steps = list(range(len(node)))
    for step in steps:
        yield (*path, step)
        yield from paths(node[step], (*path, step))


def changed(sections: dict[str, Any], path: Path_, value: Any) -> dict[str, Any]:
    """Answer the change that sets a value, or takes it out if there is none."""
    section, *steps = path

    def change(node: Any) -> None:
        for step in steps[:-1]:
            node = node[step]
        if value is None:
            del node[steps[-1]]
        else:
            node[steps[-1]] = value

    return {section: change if steps else (value if value is not None else [])}


VALUES = st.sampled_from(
    [None, None, None, 0, -1, 1.5, "", "X", "1", True, [], {}, "2026-05-01", 10**9, 10**17, -(10**17)]
)


@cache
def good_peo() -> LoadedBundle:
    with TemporaryDirectory() as name:
        return read(make_peo(Path(name))).bundle


def numbers_of(loaded: LoadedBundle, peo: LoadedBundle) -> Numbers:
    return Numbers(
        own={key: number for number, key in enumerate(keys_of(loaded), 1)},
        peo={key: number for number, key in enumerate(keys_of(peo), 1001)},
        names=names_of(peo),
    )


def check_rows(loaded: LoadedBundle, peo: LoadedBundle) -> None:
    if has_errors(audit(loaded, peo)):
        return
    for model, frame in flatten(loaded, numbers_of(loaded, peo), client_id=1, release_id=1).items():
        required = [field.column for field in model._meta.concrete_fields if not field.null]
        nulls = frame.select(name for name in required if name != "id").null_count()
        assert nulls.row(0) == (0,) * nulls.width, model
    document = to_document(loaded)
    assert fingerprint(to_document(from_document(document))) == fingerprint(document)


@settings(max_examples=1000 if IS_FUZZING else 60, deadline=None)
@given(st.sampled_from(list(paths(CLIENT))), VALUES)
def test_a_clients_rows_are_complete_or_it_is_refused(path, value):
    with TemporaryDirectory() as name:
        peo = good_peo()
        reading = read(make_client(Path(name) / "client", **changed(CLIENT, path, value)))
        assert (reading.bundle is None) == has_errors(reading.findings)
        if reading.bundle:
            check_rows(reading.bundle, peo)


@settings(max_examples=1000 if IS_FUZZING else 60, deadline=None)
@given(st.sampled_from(list(paths(PEO))), VALUES)
def test_the_peos_rows_are_complete_or_it_is_refused(path, value):
    with TemporaryDirectory() as name:
        reading = read(make_peo(Path(name), **changed(PEO, path, value)))
        assert (reading.bundle is None) == has_errors(reading.findings)
        if reading.bundle:
            check_rows(reading.bundle, reading.bundle)


@settings(max_examples=1000 if IS_FUZZING else 60, deadline=None)
@given(st.binary(max_size=80) | st.text("[]{}:-,#&*!|>'\"\n aA1.@%`", max_size=60).map(str.encode))
def test_any_bytes_are_read_without_a_traceback(text):
    with TemporaryDirectory() as name:
        folder = make_client(Path(name))
        (folder / "more.yaml").write_bytes(text)
        reading = read(folder)
        assert (reading.bundle is None) == has_errors(reading.findings)


@settings(max_examples=1000 if IS_FUZZING else 60, deadline=None)
@given(st.binary(max_size=80) | st.text('table,rea0159.\n" ', max_size=60).map(str.encode))
def test_any_bytes_as_csv_are_read_without_a_traceback(text):
    with TemporaryDirectory() as name:
        folder = make_peo(Path(name))
        (folder / "premiums.csv").write_bytes(text)
        reading = read(folder)
        assert (reading.bundle is None) == has_errors(reading.findings)


def mutated(draw: Any, sections: dict[str, Any]) -> dict[str, Any]:
    """Damage a bundle's document a few times over: drop, retype, duplicate, shift days, swap codes."""
    document = deepcopy(sections)
    for _ in range(draw(st.integers(1, 4))):
        every = [path for path in paths(document) if len(path) > 1]
        *way, last = draw(st.sampled_from(every))
        node: Any = document
        for step in way:
            node = node[step]
        match draw(st.sampled_from(["drop", "retype", "duplicate", "shift", "swap"])):
            case "drop":
                del node[last]
            case "retype":
                node[last] = draw(VALUES.filter(lambda value: value is not None))
            case "duplicate" if isinstance(node, list):
                node.insert(last, deepcopy(node[last]))
            case "shift" if isinstance(node[last], date):
                node[last] += timedelta(days=draw(st.integers(-800, 800)))
            case "swap" if isinstance(node[last], str):
                texts = [_at(document, path) for path in every if path != (*way, last)]
                node[last] = draw(st.sampled_from([text for text in texts if isinstance(text, str)]))
    return document


def _at(node: Any, path: Path_) -> Any:
    for step in path:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return None  # damaged meanwhile
    return node


@settings(max_examples=1000 if IS_FUZZING else 80, deadline=None)
@given(st.data())
def test_a_damaged_client_is_findings_or_a_bundle(data):
    with TemporaryDirectory() as name:
        reading = read(make_client(Path(name) / "client", **mutated(data.draw, CLIENT)))
        assert (reading.bundle is None) == has_errors(reading.findings)
        if reading.bundle:
            check_rows(reading.bundle, good_peo())


@settings(max_examples=1000 if IS_FUZZING else 80, deadline=None)
@given(st.data())
def test_a_damaged_peo_is_findings_or_a_bundle(data):
    with TemporaryDirectory() as name:
        folder = make_peo(Path(name), **mutated(data.draw, PEO))
        reading = read(folder)
        assert (reading.bundle is None) == has_errors(reading.findings)
        if reading.bundle:
            check_rows(reading.bundle, reading.bundle)
