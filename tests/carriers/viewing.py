"""Views of a carrier for tests: made by hand in a line each, or drawn."""

from datetime import date, timedelta
from typing import Any

import polars as pl
from hypothesis import strategies as st

from openbenefits.carriers.rules.views import COVER, PEOPLE, View, view

FIRST = date(2026, 1, 1)
SHOWN = [name for name in COVER if name not in ("cause", "end_cause")]


def span(member: str, begins: str, ends: str = "", **told: Any) -> dict[str, Any]:
    """A span of a member of family S, told as 'MM-DD' of 2026."""
    row = {"subscriber": "S", "member": member, "line": "HLT", "basis": "A", "plan": "gold", "tier": None}
    days = {"begins_on": _day(begins), "ends_on": _day(ends) if ends else None}
    return row | dict.fromkeys(("amount_cents", "provider", "cause", "end_cause")) | days | told


def _day(text: str) -> date:
    return date.fromisoformat(text if len(text) > 5 else f"2026-{text}")


def person(member: str, relationship: str = "", **told: Any) -> dict[str, Any]:
    """A person of family S: S is the subscriber."""
    kin = relationship or ("18" if member == "S" else "19")
    return {"subscriber": "S", "member": member, "relationship": kin, "first_name": member} | told


def made(*rows: dict[str, Any], people: list[dict[str, Any]] | None = None) -> View:
    """A view of some spans, with people who have nothing but a name where none are told."""
    said = people if people is not None else [person(one) for one in sorted({row["member"] for row in rows})]
    frame = pl.DataFrame([[one.get(name) for name in PEOPLE] for one in said], schema=PEOPLE, orient="row")
    cover = pl.DataFrame([[row[name] for name in COVER] for row in rows], schema=COVER, orient="row")
    return view(frame, cover)


MEMBERS = [("S", "S"), ("S", "S1"), ("T", "T"), ("T", "T1")]


@st.composite
def views(draw: st.DrawFn) -> View:
    """Two families, two lines: spans that never overlap, with and without gaps, closed and open, of few contents."""
    people, rows = [], []
    for subscriber, member in MEMBERS:
        relationship = "18" if subscriber == member else "19"
        name = draw(st.sampled_from(["Ann", "Anne"]))
        people.append(
            {"subscriber": subscriber, "member": member, "relationship": relationship, "first_name": name}
        )
        for line in ("HLT", "DEN"):
            begins = FIRST + timedelta(draw(st.integers(0, 2)))
            for _ in range(draw(st.integers(0, 3))):
                begins += timedelta(draw(st.sampled_from([0, 0, 2])))
                length = draw(st.integers(1, 3))
                is_open = draw(st.integers(0, 3)) == 0
                rows.append(
                    {
                        **span(member, begins.isoformat(), subscriber=subscriber, line=line),
                        "ends_on": None if is_open else begins + timedelta(length - 1),
                        "basis": draw(st.sampled_from("AAC")),
                        "plan": draw(st.sampled_from(["gold", "lead"])),
                        "tier": draw(st.sampled_from(["EMP", "FAM"])),
                        "amount_cents": draw(st.sampled_from([None, 100])),
                        "provider": draw(st.sampled_from(["D1", "D2"])),
                    }
                )
                if is_open:
                    break
                begins += timedelta(length)
    covered = {row[who] for row in rows for who in ("member", "subscriber")}
    return made(*rows, people=[one for one in people if one["member"] in covered])


def shown(told: View) -> pl.DataFrame:
    """What a view says of coverage, without why."""
    return told.cover.select(SHOWN).sort(SHOWN)
