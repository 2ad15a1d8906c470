"""Which record each client goes by: its own, its own in place of the PEO's, or the PEO's."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec
import polars as pl

from openbenefits.core.codes import Severity
from openbenefits.programs.audit.advice import SPARE
from openbenefits.programs.audit.context import Audited, numbered
from openbenefits.programs.audit.graph import Record, edges_of, own_records, used_records
from openbenefits.programs.bundle import ClientBundle, PeoBundle
from openbenefits.programs.differences import Difference
from openbenefits.programs.findings import Finding
from openbenefits.programs.loaded import LoadedBundle, load, named_files

Standing = Literal["inherited", "overridden", "own", "not used"]

NAMED = (*SPARE, "coverage_groups")
"""Sections of which a client goes by the records that something of it leads to, and by no others."""

_RECORD = re.compile(r"^(\w+)\[([^\] ]+)")
CODE_LISTS = ("event_classes", "actions", "coverage_codes")
"""What every client goes by, whether or not a record of it is named."""


@dataclass(frozen=True, kw_only=True)
class ClientRecord:
    """How a client stands to a record of set-up.

    inherited: it uses the PEO's; overridden: it has its own of that code in place of the PEO's;
    own: only the client has it; not used: nothing of the client leads to it.
    """

    client: str
    section: str
    code: str
    standing: Standing


def records_of(found: Iterable[Difference]) -> list[Record]:
    """Answer the records some differences lie in, each once.

    >>> records_of([Difference(path="plans[HMO from 2026-01-01].name", change="changed", old="A", new="B")])
    [('plans', 'HMO')]
    """
    matches = (_RECORD.match(one.path) for one in found)
    return list(dict.fromkeys((match[1], match[2]) for match in matches if match))


def record_named(where: str) -> Record | None:
    """Answer the record that the place of a finding lies in; None where it is in none.

    >>> record_named("client acme: programs[GOLD].plan_types[10]"), record_named("plans[HMO].name")
    (None, ('plans', 'HMO'))
    """
    match = _RECORD.match(where)
    return (match[1], match[2]) if match else None


def standings(
    records: Iterable[Record], clients: Iterable[LoadedBundle], peo: LoadedBundle
) -> list[ClientRecord]:
    """Say of each client how it stands to each of some records."""
    peos = set(own_records(peo))
    wanted = list(records)
    return [
        ClientRecord(client=client.code, section=section, code=code, standing=standing)
        for client in clients
        for (section, code), standing in _of_client(client, peo, peos, wanted)
    ]


def unused_by(peo: LoadedBundle, clients: Iterable[LoadedBundle]) -> list[Finding]:
    """Find the PEO's records, coverage codes among them, that no client uses."""
    used = {record for client in clients for record in used_records(client, peo)}
    audited = Audited(bundle=peo, peo=peo)
    found: dict[Record, Finding] = {}
    for section in (*SPARE, "coverage_codes"):
        for path, part in numbered(getattr(peo.parts, section), section):
            if (section, part.code) not in used:
                finding = audited.finding(
                    path,
                    "unused_by_all",
                    "a client that goes by it",
                    "none",
                    "Remove it, or keep it for a client to come.",
                    Severity.WARNING,
                )
                found.setdefault((section, part.code), finding)
    return list(found.values())


def inherited(peo: LoadedBundle, holders: Iterable[LoadedBundle]) -> LoadedBundle:
    """Answer the PEO's bundle with what some bundles of clients go by, and without the plans of others.

    It can be applied by itself, and those bundles after it.
    """
    edges = edges_of(Audited(bundle=peo, peo=peo))
    waiting = [record for record in own_records(peo) if record[0] not in NAMED]
    waiting += [record for client in holders for record in used_records(client, peo)]
    kept: set[Record] = set()
    while waiting:
        record = waiting.pop()
        if record not in kept:
            kept.add(record)
            waiting += edges.get(record, ())
    sections = {
        section: [part for part in getattr(peo.parts, section) if (section, part.code) in kept]
        for section in NAMED
    }
    parts = msgspec.structs.replace(peo.parts, **sections)
    return load(parts, dict(_files_of(parts, peo.files)), {})[0]


def _files_of(parts: PeoBundle | ClientBundle, files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Answer the CSV files that a bundle names, rates without the rows of tables it does not have."""
    tables = [part.code for part in parts.rate_tables]
    of_rates = {part.file for part in parts.rate_tables}
    for _, name in named_files(parts):
        text = files[name]
        if name in of_rates:
            rows = pl.read_csv(text.encode(), infer_schema=False)
            if "table" in rows.columns:
                text = rows.filter(pl.col("table").is_in(tables)).write_csv()
        yield name, text


def _of_client(
    client: LoadedBundle, peo: LoadedBundle, peos: set[Record], records: list[Record]
) -> Iterator[tuple[Record, Standing]]:
    own, used = set(own_records(client)), used_records(client, peo)
    for record in records:
        if record in own:
            yield record, "overridden" if record in peos else "own"
        elif record in used or record[0] in CODE_LISTS:
            yield record, "inherited"
        else:
            yield record, "not used"
