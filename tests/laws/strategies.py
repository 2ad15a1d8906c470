"""Generated set-ups and people: what the laws draw."""

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from tests.laws.bundles import setups
from tests.laws.drawing import ORIGIN, PLAN_TYPES, PLEDGED, SOURCE, Triple, days, dollars, rarely
from tests.laws.people import option_codes, people


@st.composite
def triples(draw: DrawFn) -> Triple:
    """Draw a PEO's set-up, a client's, and a person with an event."""
    peo, client = draw(setups())
    return peo, client, draw(people(client))


__all__ = [
    "ORIGIN",
    "PLAN_TYPES",
    "PLEDGED",
    "SOURCE",
    "Triple",
    "days",
    "dollars",
    "option_codes",
    "people",
    "rarely",
    "setups",
    "triples",
]
