"""Codes that one can type, on letters and in text messages: 8KF2-M0QX-…, signed, good until a day.

A code holds a number, the last day it works and a signature over both and over what was `seen`: nothing of it
is stored, and it is used up once that changes.
"""

import re
from datetime import date, timedelta

from django.utils.crypto import constant_time_compare, salted_hmac

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Digits to the base of 32 (Crockford's): none that are mistaken for one another."""
MISTAKEN = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})
SALT = "openbenefits.typed-code"
FIRST_DAY = date(2020, 1, 1)
DAY_LETTERS = 3
SIGNED_LETTERS = 12  # 60 bits: nobody finds one by trying
PARTS = re.compile(rf"([{LETTERS}]{{1,12}})([{LETTERS}]{{{DAY_LETTERS}}})([{LETTERS}]{{{SIGNED_LETTERS}}})")
GROUP = 4


def written(number: int, last_on: date, seen: str) -> str:
    """Write the code of a number, in groups of four."""
    said = _digits(number) + _digits((last_on - FIRST_DAY).days).rjust(DAY_LETTERS, LETTERS[0])
    code = said + _signature(said, seen)
    return "-".join(code[at : at + GROUP] for at in range(0, len(code), GROUP))


def number_of(code: str, on: date) -> int | None:
    """Answer the number a code speaks of, true or not (`is_true`); None: no code, or too old on a day."""
    parts = _parts(code)
    if parts is None or FIRST_DAY + timedelta(days=_value(parts[1])) < on:
        return None
    return _value(parts[0])


def is_true(code: str, seen: str) -> bool:
    """Tell whether a code was written by us, while the same was seen."""
    parts = _parts(code)
    return parts is not None and constant_time_compare(parts[2], _signature(parts[0] + parts[1], seen))


def _parts(code: str) -> tuple[str, str, str] | None:
    found = PARTS.fullmatch(code.upper().translate(MISTAKEN))
    return None if found is None else (found[1], found[2], found[3])


def _signature(said: str, seen: str) -> str:
    digest = salted_hmac(SALT, f"{said} {seen}", algorithm="sha256").digest()
    return _digits(int.from_bytes(digest)).rjust(SIGNED_LETTERS, LETTERS[0])[-SIGNED_LETTERS:]


def _digits(value: int) -> str:
    digits = ""
    while value or not digits:
        value, digit = divmod(value, len(LETTERS))
        digits = LETTERS[digit] + digits
    return digits


def _value(digits: str) -> int:
    value = 0
    for digit in digits:
        value = value * len(LETTERS) + LETTERS.index(digit)
    return value
