"""999s and 820s named for their fault: refused at the segment where they break, or read as far as they say."""

from pathlib import Path

import pytest

from openbenefits.carriers.acknowledgements.reader import read_acknowledgements
from openbenefits.carriers.payments.reading import read_payments
from openbenefits.carriers.x12.reader import X12Refused

FOLDER = Path(__file__).parents[1] / "files" / "x12"
REFUSED = {
    "counts-are-words.999": "segment 16: expected a number in AK9",
    "cut-off.999": "segment 4: ST never ends",
    "element-before-any-segment.999": "segment 9: expected IK3 before IK4",
    "finding-before-any-set.999": "segment 6: expected AK2 before IK3",
    "nothing-acknowledged.999": "expected a 999 or a TA1, found neither",
    "place-is-words.999": "segment 9: expected a number in IK3",
    "set-count-wrong.999": "segment 17: SE01 says 13 segments, found 14",
    "set-never-answered.999": "segment 8: expected IK5 after AK2",
    "adjustment-without-amount.820": "segment 20: expected an amount in ADX01",
    "amount-is-words.820": "segment 15: expected an amount in RMR04",
    "amount-of-thirty-digits.820": "segment 15: expected an amount in RMR04",
    "cut-off.820": "segment 3: ST never ends",
    "day-of-payment-impossible.820": "segment 4: expected a day as CCYYMMDD in BPR",
    "enrolment-instead-of-payment.820": "expected an 820 transaction set, found none",
    "month-thirteen.820": "segment 19: expected a day as CCYYMMDD in DTM",
    "no-total.820": "segment 4: expected an amount in BPR02",
    "set-count-wrong.820": "segment 27: SE01 says 125 segments, found 25",
}
READ = {
    "sound.999", "code-of-a-set-unknown.999", "group-not-finished.999",
    "sound.820", "total-differs.820", "remittance-of-nobody.820",
}  # fmt: skip
FILES = {one.name: one for name in ("999", "820") for one in FOLDER.glob(f"broken-{name}/*.{name}")}


def read(name: str):
    data = FILES[name].read_bytes()
    return read_payments(data) if name.endswith("820") else read_acknowledgements(data)


def test_every_file_is_judged():
    assert set(FILES) == {*REFUSED, *READ}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_where_it_breaks(name):
    with pytest.raises(X12Refused) as refused:
        read(name)
    assert str(refused.value).startswith(REFUSED[name])
    assert not any(personal in str(refused.value) for personal in ("LASTNAME", "TESTMBR", "E-100"))


def test_the_sound_ones_are_sound():
    assert [one.code for one in read("sound.999").groups] == ["P"]
    (payment,) = read("sound.820")
    assert payment.total_cents == payment.sum_cents == 1617306


def test_what_is_only_said_wrongly_is_read_as_it_is_said():
    assert "did not finish" in read("group-not-finished.999").findings["words"][-1]
    assert not read("code-of-a-set-unknown.999").groups[0].sets[0].is_taken
    (payment,) = read("total-differs.820")
    assert payment.total_cents - payment.sum_cents == 1
    (payment,) = read("remittance-of-nobody.820")
    assert payment.lines["member_id"].null_count() == 1
