"""Each leniency of a partner lets through exactly what it names."""

from dataclasses import fields
from pathlib import Path

import pytest

from openbenefits.carriers.enrollment.reader import read_file
from openbenefits.carriers.enrollment.rules import Leniency, broken_rules, is_npi

FOLDER = Path(__file__).parents[2] / "files" / "x12" / "broken-834"
ALLOWED = {
    "void_ends_day_before": ("ends-before-it-begins", "days_in_order"),
    "subscriber_without_employment": ("employment-missing", "employment"),
    "context_subscriber": ("dependent-before-subscriber", "subscriber_first"),
    "any_ssn": ("ssn-never-issued", "ssn"),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_a_leniency_lets_through_what_it_names(name):
    stem, rule = ALLOWED[name]
    file = read_file((FOLDER / f"{stem}.834").read_bytes()).file
    assert [one.rule for one in broken_rules(file)] == [rule]
    assert broken_rules(file, Leniency(**{name: True})) == []
    others = {one.name: True for one in fields(Leniency) if one.name != name}
    assert [one.rule for one in broken_rules(file, Leniency(**others))] == [rule]


@pytest.mark.parametrize("stem", ["ssn-with-dashes", "ssn-eight-digits"])
def test_a_number_of_another_shape_is_never_let_through(stem):
    file = read_file((FOLDER / f"{stem}.834").read_bytes()).file
    assert [one.rule for one in broken_rules(file, Leniency(any_ssn=True))] == ["ssn"]


@pytest.mark.parametrize(
    ("number", "is_one"), [("1234567893", True), ("1234567890", False), ("123456789", False), ("", False)]
)
def test_an_npi_has_a_check_digit(number, is_one):
    assert is_npi(number) == is_one
