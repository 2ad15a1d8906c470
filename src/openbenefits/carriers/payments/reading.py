"""820 (005010X218): premiums of a group, person by person, as one statement of money.

Loops are told by their first segments: ENT begins a summary or a person, RMR a remittance, ADX an adjustment.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.carriers.x12.reader import Segment, TransactionSet, X12Refused, read_interchange

CODE = "820"
COVERAGE_PERIOD = "582"
DAY_LENGTH = 8
PLAN_QUALIFIERS = ("IK", "AZ", "B7", "CT", "IG", "ID", "KW", "11", "9J", "1L")

LINE = {
    "line": pl.Int32,
    "segment": pl.Int32,
    "member_id": pl.String,
    "ssn": pl.String,
    "employee_number": pl.String,
    "last_name": pl.String,
    "first_name": pl.String,
    "plan_label": pl.String,
    "references": pl.String,
    "paid_cents": pl.Int64,
    "billed_cents": pl.Int64,
    "covered_from": pl.Date,
    "covered_through": pl.Date,
    "adjustment": pl.String,
    "is_of_person": pl.Boolean,
}
"""A remittance, or an adjustment: of a person, or of the group as a whole.

ssn: nine digits where the file names people by it. adjustment: the code of ADX02; empty of a remittance.
"""


@dataclass(frozen=True, kw_only=True)
class Payment:
    """What an 820 says. Units: cents. Shapes: lines as LINE."""

    total_cents: int
    trace: str
    account: str
    plan_number: str
    payer: str
    payee: str
    process_on: date | None
    covered_from: date | None
    covered_through: date | None
    lines: pl.DataFrame

    @property
    def sum_cents(self) -> int:
        """What its lines come to; equal to the total in a file that balances (BPR02 = Σ RMR04 + Σ ADX01)."""
        return int(self.lines["paid_cents"].sum())


def read_payments(data: bytes) -> list[Payment]:
    """Read the 820s of a file.

    Errors: X12Refused for a file that is no X12, holds no 820, or an amount or a day that is none.
    """
    found = [_payment(one) for one in read_interchange(data).sets if one.code == CODE]
    if not found:
        raise X12Refused("expected an 820 transaction set, found none; choose the premium payment file")
    return found


@dataclass
class _Person:
    """Whom the lines that follow are about."""

    is_person: bool = False
    qualifier: str = ""
    id: str = ""
    member_id: str | None = None
    last_name: str | None = None
    first_name: str | None = None


@dataclass
class _Reading:
    """How far a transaction set has been read."""

    head: dict[str, Any] = field(default_factory=dict)
    person: _Person = field(default_factory=_Person)
    rows: list[dict[str, Any]] = field(default_factory=list)
    has_entities: bool = False


def _payment(told: TransactionSet) -> Payment:
    state = _Reading()
    for one in told.segments:
        reader = _READERS.get(one.id)
        if reader is not None:
            reader(state, one)
    head, begin, through = state.head, state.head.get("from"), state.head.get("through")
    rows = [
        row | {"line": number, "covered_from": row["covered_from"] or begin}
        for number, row in enumerate(state.rows, start=1)
    ]
    return Payment(
        total_cents=head.get("total", 0),
        trace=head.get("trace", ""),
        account=head.get("REF14", head.get("REF38", "")),
        plan_number=head.get("REF18", ""),
        payer=head.get("PR", ""),
        payee=head.get("PE", ""),
        process_on=head.get("process_on"),
        covered_from=begin,
        covered_through=through,
        lines=pl.DataFrame([[row.get(name) for name in LINE] for row in rows], schema=LINE, orient="row"),
    )


def _bpr(state: _Reading, one: Segment) -> None:
    state.head["total"] = _cents(one, 2)
    state.head["process_on"] = _day(one, one.get(16)) if one.get(16) else None


def _trn(state: _Reading, one: Segment) -> None:
    state.head["trace"] = one.get(2)


def _ref(state: _Reading, one: Segment) -> None:
    if not state.has_entities:
        state.head[f"REF{one.get(1)}"] = one.get(2)
    elif state.rows:
        row = state.rows[-1]
        row["references"] = "; ".join(filter(None, (row["references"], f"{one.get(1)} {one.get(2)}")))


def _n1(state: _Reading, one: Segment) -> None:
    state.head.setdefault(one.get(1), one.get(2))


def _dtm(state: _Reading, one: Segment) -> None:
    if one.get(1) != COVERAGE_PERIOD:
        return
    begin, through = _period(one)
    if not state.has_entities:
        state.head |= {"from": begin, "through": through}
    elif state.rows:
        state.rows[-1] |= {"covered_from": begin, "covered_through": through}


def _ent(state: _Reading, one: Segment) -> None:
    state.has_entities = True
    state.person = _Person(is_person=one.get(2) == "2J", qualifier=one.get(3), id=one.get(4))


def _nm1(state: _Reading, one: Segment) -> None:
    person = state.person
    person.last_name, person.first_name = one.get(3) or None, one.get(4) or None
    if one.get(8) == "34":
        person.qualifier, person.id = "34", one.get(9)
    elif one.get(8) == "EI":
        person.qualifier, person.id = "EI", one.get(9)
    elif one.get(9):
        person.member_id = one.get(9)


def _rmr(state: _Reading, one: Segment) -> None:
    billed = _cents(one, 5) if one.get(5) else None
    label = one.get(2) if one.get(1) in PLAN_QUALIFIERS else ""
    state.rows.append(_row(state, one, _cents(one, 4), billed_cents=billed, plan_label=label, adjustment=""))


def _adx(state: _Reading, one: Segment) -> None:
    before = state.rows[-1] if state.rows else {}
    label = before.get("plan_label", "") if _is_same(state, before) else ""
    state.rows.append(
        _row(state, one, _cents(one, 1), billed_cents=None, plan_label=label, adjustment=one.get(2))
    )


def _is_same(state: _Reading, before: dict[str, Any]) -> bool:
    return bool(before) and before["member_id"] == state.person.member_id


def _row(state: _Reading, one: Segment, cents: int, **told: Any) -> dict[str, Any]:
    person = state.person
    is_ssn = person.qualifier == "34" and re.fullmatch(r"\d{9}", person.id) is not None
    return {
        "segment": one.number,
        "member_id": person.member_id if person.is_person else None,
        "ssn": person.id if is_ssn and person.is_person else None,
        "employee_number": person.id if person.qualifier == "EI" and not _is_filler(person.id) else None,
        "last_name": person.last_name,
        "first_name": person.first_name,
        "references": "",
        "paid_cents": cents,
        "covered_from": None,
        "covered_through": None,
        "is_of_person": person.is_person,
        **told,
    }


def _is_filler(text: str) -> bool:
    """Whether an id says nothing: all of one digit, as states write where they send none."""
    return len(set(text)) <= 1


_READERS = {
    "BPR": _bpr,
    "TRN": _trn,
    "REF": _ref,
    "N1": _n1,
    "DTM": _dtm,
    "ENT": _ent,
    "NM1": _nm1,
    "RMR": _rmr,
    "ADX": _adx,
}


def _cents(one: Segment, position: int) -> int:
    """Read an amount of a segment in cents (X12 type R: a decimal point only where it is needed)."""
    text = one.get(position)
    found = re.fullmatch(r"(-?)([0-9]{0,16})(?:\.([0-9]{0,2})0*)?", text)
    if found is None or not (found[2] or found[3]):
        raise X12Refused(
            f"segment {one.number}: expected an amount in {one.id}{position:02d}, found none that can be"
            " read; ask the sender to correct it"
        )
    whole = int(found[2] or 0) * 100 + int((found[3] or "").ljust(2, "0"))
    return -whole if found[1] else whole


def _period(one: Segment) -> tuple[date | None, date | None]:
    text = one.get(6) or one.get(2)
    begin, _, through = text.partition("-")
    first = _day(one, begin)
    return first, _day(one, through) if through else first


def _day(one: Segment, text: str) -> date:
    try:
        if len(text) == DAY_LENGTH:
            return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        pass
    raise X12Refused(
        f"segment {one.number}: expected a day as CCYYMMDD in {one.id}, found none that can be read;"
        " ask the sender to correct it"
    )


def sets_of(payments: Sequence[Payment]) -> pl.DataFrame:
    """Answer the lines of several payments, numbered anew."""
    rows = pl.concat([one.lines for one in payments])
    return rows.with_columns(line=pl.int_range(1, pl.len() + 1, dtype=pl.Int32))
