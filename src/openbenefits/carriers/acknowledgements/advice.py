"""824: what a partner's application says of an 834, member by member, as the rows of any report of a partner.

An OTI says what became of an item, the segments after it whom it is about and why. Which of them a partner
fills differs: whoever is named by REF, NM1 or both is found. One about a whole set, or file, and nobody named
is about everybody in it. Source: carrier-feeds §7; X12 824 (005010X186).
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import polars as pl

from openbenefits.carriers.acknowledgements.reports import FAULTS, OF_SETS, REPORT, Report
from openbenefits.carriers.enrollment.record import NotReadable, day_of
from openbenefits.carriers.x12.reader import Segment, TransactionSet, X12Refused, read_interchange

CODE = "824"
VERDICTS = {"A": "accepted", "C": "warned", "E": "warned", "P": "warned", "R": "refused"}
"""The second letter of OTI01: taken; with changes, with errors, in part; rejected. The first says of what."""
OF_AN_ITEM, IN_PART = "I", "P"
REFERENCES = ("TN",)
"""OTI02: OTI03 is the reference of the file that is answered (BGN02)."""
SUBSCRIBER, OWN_NUMBER, BEGIN, SPOKEN_OF = "0F", ("17", "23", "SY"), "348", ("IL", "74", "QD", "03")


def read_advice(data: bytes) -> Report:
    """Read the 824s of a file: a row for each OTI about a member, or about a whole set or file that is named.

    Another one is a fault at its segment: an item that names nobody, and what was taken in part of whom.

    Errors: X12Refused for a file that is no X12 as it should be, or holds no 824.
    """
    rows, faults = [], []
    sets = [one for one in read_interchange(data).sets if one.code == CODE]
    if not sets:
        raise X12Refused("expected an 824 transaction set, found none; choose another file")
    for segments in (item for one in sets for item in _items(one)):
        number, row = segments[0].number, _row(segments)
        wrong = _wrong(segments[0], row)
        faults += [(number, "OTI", wrong)] if wrong else []
        rows += [] if wrong else [[row.get(name) or None for name in REPORT]]
    return Report(
        rows=pl.DataFrame(rows, schema=REPORT, orient="row"),
        faults=pl.DataFrame(faults, schema=FAULTS, orient="row"),
    )


def _items(told: TransactionSet) -> Iterator[list[Segment]]:
    """Part a set at its OTIs; what stands before the first is about the 824 itself."""
    item: list[Segment] = []
    for one in told.segments:
        if one.id in ("OTI", "SE"):
            yield from [item] if item else []
            item = []
        if one.id == "OTI" or item:
            item.append(one)


def _row(segments: Sequence[Segment]) -> dict[str, Any]:
    """Answer what is said of one item, as REPORT has it; of several reasons the first is its code."""
    head, words = segments[0], []
    row: dict[str, Any] = {"row": head.number, "verdict": VERDICTS.get(head.get(1)[1:2])}
    row[OF_SETS] = head.get(9)
    if head.get(2) in REFERENCES:
        row["file_reference"] = head.get(3)
    for one in segments[1:]:
        if one.id == "REF" and one.get(1) == SUBSCRIBER:
            row["subscriber"] = one.get(2)
        elif one.id == "REF" and one.get(1) in OWN_NUMBER:
            row.setdefault("member", one.get(2))
        elif one.id == "NM1" and one.get(1) in SPOKEN_OF:
            row |= {"last_name": one.get(3), "first_name": one.get(4)}
            row["member"] = one.get(9) or row.get("member")
        elif one.id == "DMG":
            row["birth_on"] = _day(one.get(2))
        elif one.id == "DTM" and one.get(1) == BEGIN:
            row["effective_on"] = _day(one.get(2))
        elif one.id in ("TED", "RED"):
            code, text = (one.get(1), one.get(2)) if one.id == "TED" else (one.get(6), one.get(1))
            row.setdefault("code", code)
            words.append(text)
        elif one.id == "NTE":
            words.append(one.get(2))
    return row | {"words": " ".join(one for one in words if one)}


def _day(text: str) -> date | None:
    try:
        return day_of(text)
    except NotReadable:
        return None


def _wrong(head: Segment, row: dict[str, Any]) -> str:
    if not row["verdict"]:
        return (
            "expected an acknowledgement code that accepts or rejects (OTI01), found another; ask the partner"
        )
    is_whole = head.get(1)[:1] != OF_AN_ITEM and row.get("file_reference")
    if not (row.get("member") or row.get("subscriber") or (is_whole and head.get(1)[1:2] != IN_PART)):
        of = f"set {head.get(9)}" if head.get(9) else "the whole file"
        return (
            f"expected whom it is about (REF*0F or NM1), found nobody: {of} was {row['verdict']},"
            f" code {row.get('code') or 'none'}; ask the partner about whom"
        )
    return ""
