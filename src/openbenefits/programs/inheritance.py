"""Which record each client goes by: its own, its own in place of the PEO's, or the PEO's."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from openbenefits.programs.audit.context import Audited
from openbenefits.programs.audit.references import references
from openbenefits.programs.differences import Difference
from openbenefits.programs.loaded import LoadedBundle

Record = tuple[str, str]
"""A section and a code."""

Standing = Literal["inherited", "overridden", "own", "not used"]

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


def used_records(client: LoadedBundle, peo: LoadedBundle) -> set[Record]:
    """List the records a client's programs, schedules and calendars lead to, whosever they are."""
    edges = _edges(Audited(bundle=client, peo=peo))
    edges_of_peo = _edges(Audited(bundle=peo, peo=peo))
    own = set(own_records(client))
    waiting = [
        record for record in own if record[0] in ("programs", "schedules", "pay_groups", "run_controls")
    ]
    reached: set[Record] = set()
    while waiting:
        record = waiting.pop()
        if record not in reached:
            reached.add(record)
            waiting += (edges if record in own else edges_of_peo).get(record, ())
    return reached


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


def own_records(bundle: LoadedBundle) -> Iterator[Record]:
    """List the records of a bundle that have a code."""
    for section in bundle.parts.__struct_fields__:
        parts = getattr(bundle.parts, section)
        for part in parts if isinstance(parts, list) else ():
            if hasattr(part, "code"):
                yield section, part.code


def _edges(audited: Audited) -> Mapping[Record, list[Record]]:
    """Answer the records each record names."""
    found: dict[Record, list[Record]] = {}
    for reference in references(audited):
        section, index = str(reference.path[0]), reference.path[1]
        holder = getattr(audited.parts, section)[index]
        code = getattr(holder, "code", None)
        if code is not None and reference.code is not None:
            found.setdefault((section, code), []).append((reference.section, reference.code))
    return found
