"""820s: real, de-identified files of a state payer, and what a reader must put up with, or refuse."""

from datetime import date
from pathlib import Path

import pytest

from openbenefits.carriers.payments.reading import read_payments
from openbenefits.carriers.x12.reader import X12Refused, read_interchange

FOLDER = Path(__file__).parents[1] / "files" / "x12"
FILES = sorted(FOLDER.glob("*.txt"), key=lambda one: one.name)
FILES = [one for one in FILES if "820" in one.name]


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_a_payment_balances(file):
    (payment,) = read_payments(file.read_bytes())
    assert payment.total_cents == payment.sum_cents > 0
    assert payment.account == "0000245023"
    assert payment.lines["member_id"].null_count() == 0


def test_a_line_says_who_what_and_when():
    (payment,) = read_payments(FILES[1].read_bytes())
    retro = payment.lines.filter(paid_cents=-510110).row(0, named=True)
    assert (retro["covered_from"], retro["covered_through"]) == (date(2025, 10, 1), date(2025, 10, 31))
    assert (retro["last_name"], retro["member_id"]) == ("LASTNAME02", "TESTMBR000000002")
    assert retro["employee_number"] is None  # 999999999 says nothing
    assert "18 957" in retro["references"]


def test_delimiters_line_ends_and_marks_do_not_matter():
    plain = FILES[0].read_bytes()
    other = plain.replace(b"*", b"|").replace(b"~", b"\n").replace(b":", b"^")
    wrapped = b"\xef\xbb\xbf" + plain.replace(b"~", b"~\r\n")
    first = read_payments(plain)[0].lines
    assert first.equals(read_payments(other)[0].lines)
    assert first.equals(read_payments(wrapped)[0].lines)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"SE*", b"XX*", "segment 3: ST never ends"),
        (b"GE*1*", b"GE*2*", "GE01"),
        (b"IEA*1*0", b"IEA*1*9", "control number"),
        (b"**8086.53~REF*18", b"**x~REF*18", "segment 15: expected an amount in RMR04"),
        (b"RD8*20251201", b"RD8*20251301", "expected a day"),
        (b"ST*820*", b"ST*834*", "expected an 820"),
        (b"ISA*", b"ISO*", "segment 1"),
    ],
)
def test_a_broken_file_is_refused_where_it_breaks(old, new, said):
    broken = FILES[0].read_bytes().replace(old, new, 1)
    with pytest.raises(X12Refused, match=said):
        read_payments(broken)


def test_an_envelope_is_read():
    told = read_interchange(FILES[0].read_bytes())
    assert (told.sender, told.receiver, told.sets[0].code) == ("TEST-PAYER", "TEST-PAYEE", "820")
    assert told.sets[0].guide == "005010X218"
