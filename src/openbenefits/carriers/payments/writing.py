"""Writes 820s (005010X218): payroll-deducted premium, person by person, policy by policy, month by month.

A payment is a frame of statements. What a month itself takes is a remittance (RMR). What earlier months still
owe, or were paid too much, is an adjustment of a previous payment (ADX of loop 2200), and never netted into a
remittance. Money out is what stands in the file: BPR02 = Σ RMR04 + Σ ADX01 (carrier-feeds §5).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from openbenefits.carriers.enrollment.file import CONTROL_DIGITS, Controls
from openbenefits.carriers.enrollment.person import real_ssn
from openbenefits.carriers.enrollment.record import cents_text, day_text
from openbenefits.carriers.payments.terms import Bank, Party, PremiumTerms
from openbenefits.carriers.x12.writer import GroupToWrite, SetToWrite, write_interchange
from openbenefits.core import money

CODE, GUIDE, GROUP_CODE = "820", "005010X218", "RA"
REMITTED, ADJUSTED, PREVIOUS = "remitted", "adjusted", "previous"
UNDERPAID, OVERPAID = "53", "52"
CREATED = "097"
SUMMED_KINDS, TOLD_KINDS = ("11", "1L", "CT", "IK"), ("11", "9J", "AZ", "B7", "CT", "ID", "IG", "IK", "KW")
INDIVIDUAL = ("52", "53", "80", "81", "86", "BJ", "H1", "H6", "RU", "WO")
CURRENT = ("20", "52", "53", "AA", "AX", "H1", "H6", "IA", "J3")
CODES = {PREVIOUS: (*INDIVIDUAL, "WW"), ADJUSTED: CURRENT}
"""What an adjustment may be for (ADX02): of an earlier payment (2200), of a remittance (2320)."""

PREMIUMS = {
    "person": pl.String,
    "employee_number": pl.String,
    "ssn": pl.String,
    "member_id": pl.String,
    "last_name": pl.String,
    "first_name": pl.String,
    "policy": pl.String,
    "covered_from": pl.Date,
    "covered_through": pl.Date,
    "kind": pl.String,
    "code": pl.String,
    "cents": pl.Int64,
    "billed_cents": pl.Int64,
}
"""A statement of money about a person, a policy and a span of coverage.

person: our key; '' is the group as a whole. kind: remitted, adjusted (a remittance of this payment), previous
(an earlier one). code: ADX02, of adjustments. cents: signed as they are sent. billed_cents: of remittances.
"""

ORDER = ("person", "turn", "policy", "covered_from", "step")


class PaymentRefused(ValueError):
    """A payment that cannot be written: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Premium:
    """A payment: ST to SE.

    values: named in the terms (references, bank accounts). Shapes: lines as PREMIUMS.
    """

    trace: str
    paid_on: date
    covered_from: date
    covered_through: date
    lines: pl.DataFrame
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def total_cents(self) -> int:
        """What is paid in all: everything that is said."""
        return int(self.lines["cents"].sum())


def write_premiums(
    terms: PremiumTerms, payments: Sequence[Premium], *, controls: Controls, at: datetime
) -> bytes:
    """Answer an interchange of one group, a set for each payment.

    Errors: PaymentRefused for money that cannot be sent, or a value nobody told; NotWritable.
    """
    day, time = at.strftime("%Y%m%d"), at.strftime("%H%M")
    sets = [
        SetToWrite(
            code=CODE,
            guide=GUIDE,
            control_number=f"{controls.first_set + number:04d}",
            segments=list(segments_of(terms, one, at)),
        )
        for number, one in enumerate(payments)
    ]
    ends = (terms.sender.group_id, terms.receiver.group_id)
    group = (GROUP_CODE, *ends, day, time, str(controls.group), "X", GUIDE)
    envelope = (
        *("00", "", "00", "", terms.sender.qualifier, terms.sender.id),
        *(terms.receiver.qualifier, terms.receiver.id, day[2:], time, "", "00501"),
        *(f"{controls.interchange:0{CONTROL_DIGITS}d}", "1" if terms.wants_ta1 else "0", terms.usage, ""),
    )
    return write_interchange(envelope, [GroupToWrite(header=group, sets=sets)], terms.form)


def segments_of(terms: PremiumTerms, told: Premium, at: datetime) -> Iterator[list[str]]:
    """Answer what stands between ST and SE."""
    lines = _checked(terms, told)
    yield _money(terms, told)
    yield ["TRN", terms.trace, told.trace, terms.payer_id]
    for kind, name in terms.references.items():
        yield ["REF", kind, _value(told, name)]
    for when in sorted(set(terms.dates) - {CREATED}):
        yield ["DTM", when, day_text(told.paid_on)]
    yield _span("582", told.covered_from, told.covered_through)
    if CREATED in terms.dates:
        yield ["DTM", CREATED, day_text(at.date())]
    yield from _party("PE", terms.payee)
    yield from _party("PR", terms.payer)
    yield from _summaries(terms, lines)
    yield from _persons(terms, lines)


def _checked(terms: PremiumTerms, told: Premium) -> pl.DataFrame:
    """Answer the statements in the order of the file; refuse what cannot be sent."""
    lines = told.lines.select(pl.col(name).cast(kind) for name, kind in PREMIUMS.items())
    if lines.is_empty():
        raise PaymentRefused("expected something to pay, found nothing; send no file")
    if lines["cents"].null_count():
        raise PaymentRefused("expected an amount in every line, found one that is unknown; find it first")
    if told.total_cents < 0:
        raise PaymentRefused(
            f"expected money to be paid, found that {cents_text(-told.total_cents)} is owed to the payer;"
            " carry it to the next payment"
        )
    for kind, codes in CODES.items():
        wrong = lines.filter((pl.col("kind") == kind) & ~pl.col("code").fill_null("").is_in(codes))
        if wrong.height:
            raise PaymentRefused(
                f"expected a code of {', '.join(codes)} in each line that is {kind}, found another in"
                f" {wrong.height}; correct it"
            )
    lines = lines.with_columns(person=pl.lit("") if not terms.persons else pl.col("person").fill_null(""))
    told_of = lines.filter(pl.col("person") != "")
    wanted = {"34": "ssn", "EI": "employee_number", "II": "person"}[terms.person_id]
    lacking = told_of[wanted].null_count()
    if terms.person_id == "34":
        lacking = sum(not real_ssn(one) for one in told_of["ssn"].unique())
    if lacking:
        raise PaymentRefused(
            f"expected {wanted} of everybody, found people without; correct them, or the terms"
        )
    return _in_order(_with_empty(lines))


def _with_empty(lines: pl.DataFrame) -> pl.DataFrame:
    """Add a remittance of nothing where the guide wants one: an adjustment never stands alone."""
    key = ["person", "policy"]
    whole = lines.filter(kind=REMITTED)
    current = lines.filter(kind=ADJUSTED).join(whole, on=[*key, "covered_from"], how="anti")
    alone = lines.filter(kind=PREVIOUS).join(whole, on="person", how="anti")
    alone = alone.join(current, on="person", how="anti").unique("person", keep="first", maintain_order=True)
    needed = pl.concat([current.unique([*key, "covered_from"], keep="first", maintain_order=True), alone])
    empty = needed.with_columns(
        kind=pl.lit(REMITTED),
        code=pl.lit(None, pl.String),
        cents=pl.lit(0, pl.Int64),
        billed_cents=pl.lit(None, pl.Int64),
    )
    return pl.concat([lines, empty])


def _in_order(lines: pl.DataFrame) -> pl.DataFrame:
    """Put a person's earlier payments first, then each remittance with its adjustments."""
    turn = pl.when(pl.col("kind") == PREVIOUS).then(0).otherwise(1)
    step = pl.when(pl.col("kind") == ADJUSTED).then(1).otherwise(0)
    return lines.with_columns(turn=turn, step=step).sort(*ORDER, maintain_order=True)


def _money(terms: PremiumTerms, told: Premium) -> list[str]:
    def account(bank: Bank | None) -> list[str]:
        if bank is None:
            return [""] * 4
        number, own = _value(told, bank.number), _value(told, bank.account)
        return [bank.number_kind, number, bank.account_kind, own]

    total = cents_text(told.total_cents)
    head = ["BPR", terms.handling, total, "C", terms.method, terms.format, *account(terms.from_bank)]
    return [*head, terms.payer_id, "", *account(terms.to_bank), day_text(told.paid_on)]


def _value(told: Premium, name: str) -> str:
    if not told.values.get(name):
        raise PaymentRefused(
            f"expected a value named {name or 'nothing'}, found none; state it for the client"
        )
    return told.values[name]


def _span(kind: str, begin: date, through: date) -> list[str]:
    return ["DTM", kind, "", "", "", "RD8", f"{day_text(begin)}-{day_text(through)}"]


def _party(role: str, one: Party) -> Iterator[list[str]]:
    yield ["N1", role, one.name, one.id_kind if one.id else "", one.id]
    yield ["N3", one.street]
    yield ["N4", one.city, one.state, one.zip]


def _summaries(terms: PremiumTerms, lines: pl.DataFrame) -> Iterator[list[str]]:
    """Say what concerns the group as a whole, or sums by policy and month where nobody is told of (2000A)."""
    rows = lines.filter(person="")
    if rows.is_empty():
        return
    payer = terms.payer
    is_known = payer.id_kind in ("1", "24", "9", "FI") and payer.id
    kind, number = (payer.id_kind, payer.id) if is_known else ("FI", terms.payer_id[1:])
    yield ["ENT", "1", terms.organization, kind, number]
    heads = ["policy", "covered_from"]
    counted = rows.filter(kind=REMITTED).group_by(heads).agg(heads=pl.col("employee_number").n_unique())
    whole = rows.with_columns(pl.col("code").fill_null("")).group_by(
        "turn", *heads, "covered_through", "step", "code", "kind"
    )
    sums = whole.agg(pl.col("cents").sum(), money.total(pl.col("billed_cents")).alias("billed_cents")).join(
        counted, on=heads, how="left", nulls_equal=True
    )
    for row in sums.sort("turn", *heads, "step", "code").iter_rows(named=True):
        yield from _statement(terms, row, SUMMED_KINDS)
        if row["kind"] == REMITTED and not terms.persons:
            yield ["IT1", "1"]
            yield ["SLN", "1", "", "O", str(row["heads"]), "IE"]


def _persons(terms: PremiumTerms, lines: pl.DataFrame) -> Iterator[list[str]]:
    """Say each person: who, what earlier payments lack, what this one is for (2000B)."""
    before, number = None, int((lines["person"] == "").any())
    for row in lines.filter(pl.col("person") != "").iter_rows(named=True):
        if row["person"] != before:
            before, number = row["person"], number + 1
            ids = {"34": real_ssn(row["ssn"]), "EI": row["employee_number"], "II": row["person"]}
            yield ["ENT", str(number), "2J", terms.person_id, ids[terms.person_id] or ""]
            yield _name(terms, row)
        yield from _statement(terms, row, TOLD_KINDS)


def _name(terms: PremiumTerms, row: Mapping[str, str | None]) -> list[str]:
    numbers = {"34": real_ssn(row["ssn"]), "EI": row["employee_number"], "N": row["member_id"], "": ""}
    number = numbers[terms.member_id] or ""
    names = [row["last_name"] or "", row["first_name"] or ""]
    return ["NM1", terms.role, "1", *names, "", "", "", terms.member_id if number else "", number]


def _statement(terms: PremiumTerms, row: Mapping[str, object], kinds: tuple[str, ...]) -> Iterator[list[str]]:
    """Say a remittance with its span, or an adjustment; kinds: those of RMR01 its loop takes."""
    cents = cents_text(int(str(row["cents"])))
    if row["kind"] != REMITTED:
        yield ["ADX", cents, str(row["code"])]
        return
    policy = str(row["policy"] or "")
    billed = row["billed_cents"]
    said = cents_text(int(str(billed))) if terms.billed and billed is not None else ""
    kind = terms.policy_kind if terms.policy_kind in kinds else "IK" if kinds is TOLD_KINDS else "1L"
    yield ["RMR", kind, terms.policies.get(policy, policy), "", cents, said]
    begin, through = row["covered_from"], row["covered_through"]
    if isinstance(begin, date) and isinstance(through, date):
        yield _span("582", begin, through)
