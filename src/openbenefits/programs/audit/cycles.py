"""Records that lead back to themselves."""

from collections.abc import Iterator, Mapping

from openbenefits.programs.audit.context import Audited, numbered
from openbenefits.programs.audit.graph import Record, edges_of
from openbenefits.programs.findings import Finding


def circular_references(audited: Audited) -> Iterator[Finding]:
    """Find records that name each other in a circle, each circle once."""
    edges = edges_of(audited)
    seen: set[frozenset[Record]] = set()
    for section, code in edges:
        circle = circle_of((section, code), edges)
        if circle and frozenset(circle) not in seen:
            seen.add(frozenset(circle))
            index = next(i for (_, i), part in numbered(getattr(audited.parts, section), section)
                         if part.code == code)  # fmt: skip
            found = " → ".join(name for _, name in [*circle, circle[0]])
            cure = "Take one of the references out."
            yield audited.finding((section, index), "circular", "records that end somewhere", found, cure)


def circle_of(start: Record, edges: Mapping[Record, list[Record]]) -> list[Record]:
    """Answer the shortest way from a record back to itself; nothing if there is none.

    >>> edges = {("a", "1"): [("a", "2")], ("a", "2"): [("a", "1")], ("a", "3"): [("a", "1")]}
    >>> circle_of(("a", "1"), edges), circle_of(("a", "3"), edges)
    ([('a', '1'), ('a', '2')], [])
    """
    ways = [[start]]
    reached: set[Record] = set()
    while ways:
        way = ways.pop(0)
        for following in edges.get(way[-1], ()):
            if following == start:
                return way
            if following not in reached:
                reached.add(following)
                ways.append([*way, following])
    return []
