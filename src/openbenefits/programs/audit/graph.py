"""Which record leads to which."""

from collections.abc import Iterator, Mapping

from openbenefits.programs.audit.context import Audited
from openbenefits.programs.audit.references import references
from openbenefits.programs.loaded import LoadedBundle

Record = tuple[str, str]
"""A section and a code."""

ROOTS = ("programs", "schedules", "pay_groups", "run_controls", "passive_events", "leave_policies")
"""Sections that are used without being named by others."""


def used_records(client: LoadedBundle, peo: LoadedBundle) -> set[Record]:
    """List the records a client's programs, schedules and calendars lead to, whosever they are."""
    edges = edges_of(Audited(bundle=client, peo=peo))
    edges_of_peo = edges_of(Audited(bundle=peo, peo=peo))
    own = set(own_records(client))
    waiting = [record for record in own if record[0] in ROOTS]
    reached: set[Record] = set()
    while waiting:
        record = waiting.pop()
        if record not in reached:
            reached.add(record)
            waiting += (edges if record in own else edges_of_peo).get(record, ())
    return reached


def own_records(bundle: LoadedBundle) -> Iterator[Record]:
    """List the records of a bundle that have a code."""
    for section in bundle.parts.__struct_fields__:
        parts = getattr(bundle.parts, section)
        for part in parts if isinstance(parts, list) else ():
            if hasattr(part, "code"):
                yield section, part.code


def edges_of(audited: Audited) -> Mapping[Record, list[Record]]:
    """Answer the records each record names."""
    found: dict[Record, list[Record]] = {}
    for reference in references(audited):
        section, index = str(reference.path[0]), reference.path[1]
        holder = getattr(audited.parts, section)[index]
        code = getattr(holder, "code", None)
        if code is not None and reference.code is not None:
            found.setdefault((section, code), []).append((reference.section, reference.code))
    return found
