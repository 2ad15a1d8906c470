"""Same, different or ask: the cases that go wrong everywhere."""

from datetime import date

import polars as pl
import pytest

from openbenefits.workforce.census import matching

BORN, OTHER = date(1980, 1, 2), date(2005, 6, 7)
PERSON = {
    "employee_number": pl.String,
    "first_name": pl.String,
    "last_name": pl.String,
    "birth_on": pl.Date,
    "ssn_hash": pl.String,
}
KNOWN = ("1", "John", "Moss-Gray", BORN, "h1")


@pytest.mark.parametrize(
    ("stated", "verdict"),
    [
        (KNOWN, "same"),
        (("1", "John", "Moss-Gray", BORN, None), "same"),
        (("1", "John", "Moss-Gray", None, "h9"), "same"),
        (("1", "John", "MOSS GRAY", OTHER, None), "same"),  # a typing error in the birth date
        (("1", "John", "Moss", BORN, "h1"), "same"),  # a new surname
        (("1", "Johnny", "Moss", OTHER, "h1"), "same"),
        (("1", "Zoe", "Hill", OTHER, None), "ask"),  # the number was given to somebody else
        (("1", "John", "Moss-Gray", OTHER, "h9"), "ask"),  # Jr. under the number of Sr.
        (("2", "John", "Moss-Gray", OTHER, "h9"), "different"),  # Jr. under a number of his own
        (("2", "Zoe", "Hill", OTHER, "h1"), "ask"),  # a shared SSN
        (("2", "John", "Moss-Gray", BORN, None), "ask"),
        (("2", "John", "Moss-Gray", BORN, "h2"), "ask"),  # transposed digits
        (("2", "Jim", "Moss-Gray", BORN, "h2"), "different"),  # a twin
        (("2", "Zoe", "Hill", None, None), "different"),
    ],
)
def test_people(stated, verdict):
    known = pl.DataFrame([KNOWN], PERSON, orient="row").with_columns(person_id=pl.lit(7, pl.Int64))
    found = matching.match_people(pl.DataFrame([stated], PERSON, orient="row"), known).row(0, named=True)
    assert ("ask" if found["ask"] else "same" if found["person_id"] else "different") == verdict


CHILD = {
    "person_id": pl.Int64,
    "number": pl.Int16,
    "first_name": pl.String,
    "birth_on": pl.Date,
    "ssn_hash": pl.String,
}
TWIN = date(2012, 3, 4)
FAMILY = [(7, 1, "Al", TWIN, None), (7, 2, "Bo", TWIN, "h2"), (7, 3, "Cy", date(2015, 1, 1), None)]


def keys(*stated):
    known = pl.DataFrame(FAMILY, CHILD, orient="row").with_columns(
        dependent_id=pl.col("number").cast(pl.Int64) * 10
    )
    found = matching.match_dependents(pl.DataFrame(stated, CHILD, orient="row"), known)
    return ["ask" if ask else key for key, ask in found.select("dependent_id", "ask").rows()]


def test_another_order_rekeys_nobody():
    assert keys((7, 1, "Cy", date(2015, 1, 1), None), (7, 2, "Al", TWIN, None), (7, 3, "Bo", TWIN, None)) == [
        30,
        10,
        20,
    ]


def test_a_third_of_the_twins_is_new():
    assert keys(FAMILY[0], FAMILY[1], (7, 4, "Di", TWIN, None)) == [10, 20, None]
    assert keys(FAMILY[0], FAMILY[1], (7, 2, "Di", TWIN, None)) == [10, 20, None]


def test_number_and_birth_date_carry_a_corrected_name():
    assert keys((7, 3, "Cyrus", date(2015, 1, 1), None)) == [30]
    assert keys((7, 3, "Cyrus", None, None)) == [30]


def test_ssn_carries_everything_else():
    assert keys((7, None, "Robert", date(2012, 3, 5), "h2")) == [20]


def test_a_known_name_with_another_birth_date_is_asked_about():
    assert keys((7, 3, "Cy", date(2016, 1, 1), None)) == ["ask"]


def test_another_family_is_different():
    assert keys((8, 1, "Al", TWIN, None)) == [None]
