"""Codes that one can type: read back as they were written, in any spelling, and no other."""

from datetime import date, timedelta

import pytest

from openbenefits.accounts.typed_codes import LETTERS, is_true, number_of, written

LAST = date(2026, 12, 22)


@pytest.mark.parametrize("number", [1, 31, 32, 4711, 2**31])
def test_a_code_is_read_back_until_its_day(number):
    code = written(number, LAST, "")
    assert number_of(code, LAST) == number
    assert is_true(code, "")
    assert number_of(code, LAST + timedelta(days=1)) is None
    assert not is_true(code, "2026-12-01T09:00:00+00:00")  # whoever came in has used it up


def test_it_may_be_typed_as_people_do():
    code = written(32, LAST, "")  # 10…
    typed = f" {code.replace('-', ' ').lower().replace('0', 'o').replace('1', 'l')} "
    assert "o" in typed
    assert number_of(typed, LAST) == 32
    assert is_true(typed, "")


def test_an_altered_letter_is_no_code():
    plain = written(4711, LAST, "").replace("-", "")
    for at, letter in enumerate(plain):
        other = LETTERS[(LETTERS.index(letter) + 1) % len(LETTERS)]
        assert not is_true(plain[:at] + other + plain[at + 1 :], "")


@pytest.mark.parametrize("said", ["", "forged", "-", "ñ" * 20, "U" * 20, "0" * 99])
def test_other_words_are_none(said):
    assert number_of(said, LAST) is None
    assert not is_true(said, "")
