"""A fingerprint differs where anything an event is decided from differs, and only there."""

from dataclasses import fields, replace

import polars as pl
import pytest

from openbenefits.enrollment.frames import Contents
from openbenefits.enrollment.rules.elected import Elected
from openbenefits.enrollment.rules.prepare import Situation
from openbenefits.enrollment.services import Known
from openbenefits.runs.fingerprints import fingerprints

RELEASES = {"0": 3, "1": 5}
DERIVED = ("chosen", "chosen_members")


def rows(value):
    return pl.DataFrame({"case": [0, 1], "what": [value, 7]}, schema={"case": pl.Int32, "what": pl.Int64})


def known():
    situation = {one.name: rows(1) for one in fields(Situation)}
    elected = {one.name: rows(2) for one in fields(Elected)}
    contents = {one.name: rows(3) for one in fields(Contents)}
    return Known(
        situation=Situation(**situation),
        elected=Elected(**elected),
        held=Elected(**elected),
        coverage=rows(4),
        past=rows(0),
        contents=Contents(**contents),
        decided=rows(5),
    )


def changed(part, name):
    before = known()
    return replace(before, **{part: replace(getattr(before, part), **{name: rows(99)})})


PLACES = [("situation", one.name) for one in fields(Situation)] + [
    ("elected", one.name) for one in fields(Elected)
]


@pytest.mark.parametrize(("part", "name"), PLACES)
def test_another_input_is_another_fingerprint_of_that_case_alone(part, name):
    before = fingerprints(known(), RELEASES).to_list()
    after = fingerprints(changed(part, name), RELEASES).to_list()
    assert (before[0] != after[0]) is (name not in DERIVED), name
    assert before[1] == after[1]


def test_another_release_is_another_fingerprint():
    assert fingerprints(known(), RELEASES)[1] != fingerprints(known(), RELEASES | {"1": 6})[1]


def test_the_same_is_the_same_in_whatever_order_rows_come():
    turned = replace(known(), situation=replace(known().situation, members=rows(1).reverse()))
    assert fingerprints(turned, RELEASES).equals(fingerprints(known(), RELEASES))
