"""820s written: what is written is read again, balances, and conforms; earlier months are never netted."""

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openbenefits.carriers.conformance import findings_of
from openbenefits.carriers.enrollment.file import Controls
from openbenefits.carriers.payments.reading import read_payments
from openbenefits.carriers.payments.terms import PremiumTerms
from openbenefits.carriers.payments.writing import (
    ADJUSTED,
    PREMIUMS,
    PREVIOUS,
    REMITTED,
    PaymentRefused,
    Premium,
    write_premiums,
)

GOLDEN = Path(__file__).parent / "golden"
AT = datetime(2026, 3, 2, 4, 30)
MARCH = (date(2026, 3, 1), date(2026, 3, 31))
FEBRUARY = (date(2026, 2, 1), date(2026, 2, 28))
TERMS = msgspec.convert(
    {
        "name": "dental",
        "sender": {"qualifier": "30", "id": "123456780", "group_id": "123456780"},
        "receiver": {"qualifier": "ZZ", "id": "DENTALID", "group_id": "DENTALID"},
        "line_end": "lf",
        "method": "ACH",
        "format": "CTX",
        "handling": "C",
        "trace": "1",
        "from_bank": {"number": "routing", "account": "account"},
        "to_bank": {"number": "their_routing", "account": "their_account"},
        "payer_id": "1123456780",
        "payee": {"name": "Dental of Idaho", "id_kind": "FI", "id": "876543219"},
        "payer": {
            "name": "Open PEO",
            "id_kind": "FI",
            "id": "123456780",
            "street": "1 Main St",
            "city": "Boise",
            "state": "ID",
            "zip": "83702",
        },
        "references": {"38": "policy", "14": "account_number"},
        "dates": ["009", "097"],
        "policies": {"DENTAL-LOW": "DL-1"},
    },
    PremiumTerms,
)
VALUES = {
    "routing": "021000021",
    "account": "12345",
    "their_routing": "011401533",
    "their_account": "998",
    "policy": "P-99",
    "account_number": "A-7",
}


def line(person, kind, cents, *, span=MARCH, policy="DENTAL-LOW", code=None, billed=None):
    told = {"person": person, "employee_number": f"E{person}", "ssn": None, "member_id": f"M{person}"}
    names = {"last_name": f"LAST{person}", "first_name": "ANN"}
    money = {"kind": kind, "code": code, "cents": cents, "billed_cents": billed}
    return {**told, **names, "policy": policy, "covered_from": span[0], "covered_through": span[1], **money}


def payment(*lines, **more):
    frame = pl.DataFrame([[one[name] for name in PREMIUMS] for one in lines], schema=PREMIUMS, orient="row")
    told = {
        "trace": "T41",
        "paid_on": date(2026, 3, 5),
        "covered_from": MARCH[0],
        "covered_through": MARCH[1],
    }
    return Premium(lines=frame, values=VALUES, **(told | more))


def written(*payments, terms=TERMS):
    return write_premiums(terms, payments, controls=Controls(interchange=7, group=9), at=AT)


FIRST = payment(
    line("10", REMITTED, 2310, billed=2310),
    line("11", PREVIOUS, -1155, span=FEBRUARY, code="52"),
    line("11", REMITTED, 2310, billed=2400),
    line("11", ADJUSTED, 90, code="AA"),
    line("12", PREVIOUS, 4620, span=FEBRUARY, code="53"),
)


def segments(data):
    return data.decode().replace("\n", "").split("~")


def test_a_payment_is_written_byte_for_byte():
    data = written(FIRST)
    assert findings_of(data) == []
    assert data == (GOLDEN / "dental_premium.820").read_bytes()


def test_earlier_months_stand_apart_and_the_money_is_their_sum():
    told = segments(written(FIRST))
    at = told.index("ENT*2*2J*EI*E11")
    assert told[at + 2 : at + 6] == [
        "ADX*-11.55*52",
        "RMR*IK*DL-1**23.1*24",
        "DTM*582****RD8*20260301-20260331",
        "ADX*0.9*AA",
    ]
    (read,) = read_payments(written(FIRST))
    assert read.total_cents == read.sum_cents == 2310 - 1155 + 2310 + 90 + 4620
    assert "RMR*IK*DL-1**0" in told  # the guide wants one beside what is of earlier months alone


def test_a_receiver_of_sums_gets_policies_with_heads():
    terms = msgspec.structs.replace(TERMS, persons=False)
    data = written(FIRST, terms=terms)
    assert findings_of(data) == []
    told = segments(data)
    assert {"ENT*1*2L*FI*123456780", "RMR*IK*DL-1**46.2*47.1", "SLN*1**O*2*IE"} <= set(told)
    assert not any("LAST" in one or "2J" in one for one in told)
    (read,) = read_payments(data)
    assert read.total_cents == read.sum_cents


def test_several_clients_are_sets_of_one_file():
    other = payment(line("77", REMITTED, 500), trace="T42")
    read = read_payments(written(FIRST, other))
    assert [(one.trace, one.total_cents) for one in read] == [("T41", 8175), ("T42", 500)]


@pytest.mark.parametrize(
    ("told", "terms", "said"),
    [
        (payment(line("1", PREVIOUS, -5, code="52")), TERMS, "owed to the payer"),
        (payment(line("1", PREVIOUS, 5, code="ZZ")), TERMS, "expected a code of 52"),
        (payment(line("1", REMITTED, None)), TERMS, "unknown"),
        (replace(FIRST, values={}), TERMS, "a value named"),
        (FIRST, msgspec.structs.replace(TERMS, person_id="34"), "expected ssn of everybody"),
        (payment(), TERMS, "expected something to pay"),
    ],
)
def test_what_cannot_be_sent_is_refused(told, terms, said):
    with pytest.raises(PaymentRefused, match=said):
        written(told, terms=terms)


@st.composite
def payments(draw):
    rows = []
    for person in draw(st.lists(st.integers(10, 99), min_size=1, max_size=6, unique=True)):
        for policy in draw(st.lists(st.sampled_from(["DENTAL-LOW", "VIS", "LIFE"]), min_size=1, unique=True)):
            rows.append(line(str(person), REMITTED, draw(st.integers(0, 99_999)), policy=policy))
            rows[-1]["billed_cents"] = draw(st.none() | st.integers(0, 99_999))
            if draw(st.booleans()):
                cents = draw(st.integers(-500, 500))
                rows.append(
                    line(
                        str(person), ADJUSTED, cents, policy=policy, code=draw(st.sampled_from(["AA", "H1"]))
                    )
                )
        if draw(st.booleans()):
            code, sign = draw(st.sampled_from([("52", -1), ("53", 1)]))
            cents = sign * draw(st.integers(1, 10_000))
            rows.append(line(str(person), PREVIOUS, cents, span=FEBRUARY, code=code, policy=""))
    lacking = -sum(one["cents"] for one in rows)
    rows[0]["cents"] += max(0, lacking)
    return payment(*rows)


def told_of(frame):
    """What the lines of a payment read say, in the words of one that is written."""
    is_line = pl.col("adjustment") == ""
    return frame.select(
        *("employee_number", "member_id", "last_name"),
        code=pl.when(is_line).then(None).otherwise("adjustment"),
        cents="paid_cents",
        billed_cents="billed_cents",
        policy=pl.when(is_line).then(pl.col("plan_label").replace({"DL-1": "DENTAL-LOW"})),
        covered_from=pl.when(is_line).then("covered_from"),
    )


@settings(max_examples=60, deadline=None)
@given(told=payments())
def test_what_is_written_is_read_again_and_balances(told):
    (read,) = read_payments(written(told))
    assert read.total_cents == read.sum_cents == told.total_cents
    is_line = pl.col("kind") == REMITTED
    wanted = told.lines.select(
        *("employee_number", "member_id", "last_name", "code", "cents", "billed_cents"),
        policy=pl.when(is_line).then("policy"),
        covered_from=pl.when(is_line).then("covered_from"),
    )
    found = told_of(read.lines)
    assert found.sort(found.columns).equals(wanted.select(found.columns).sort(found.columns))


@settings(max_examples=5, deadline=None)
@given(told=payments(), terms=st.sampled_from([TERMS, msgspec.structs.replace(TERMS, persons=False)]))
def test_what_is_written_conforms(told, terms):
    assert findings_of(written(told, terms=terms)) == []
