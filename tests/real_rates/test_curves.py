"""The published age curves: as data, against the filed premiums, and in rates."""

import csv
from decimal import Decimal
from fractions import Fraction

import pytest

from openbenefits.programs.audit import audit
from openbenefits.programs.curves import written_out
from openbenefits.programs.reader import read
from openbenefits.programs.sections.rates import RateLine, RateTablePart
from openbenefits.programs.sheets import rates_written_out
from openbenefits.sample import SAMPLE_FOLDER

from .setup import AGES, BEGIN, DATA, SOURCE, filed

CLOSE = Fraction(4, 10_000)


@pytest.fixture(scope="module")
def sample():
    return read(SAMPLE_FOLDER / "peo").bundle


def factors(sample, curve):
    return dict(sample.curves.filter(curve=curve).select("age", "factor_micros").iter_rows())


@pytest.mark.parametrize(
    ("curve", "age", "factor"),
    [
        ("FEDERAL", 14, "0.765"),
        ("FEDERAL", 15, "0.833"),
        ("FEDERAL", 20, "0.970"),
        ("FEDERAL", 21, "1.000"),
        ("FEDERAL", 24, "1.000"),
        ("FEDERAL", 25, "1.004"),
        ("FEDERAL", 30, "1.135"),
        ("FEDERAL", 40, "1.278"),
        ("FEDERAL", 50, "1.786"),
        ("FEDERAL", 63, "2.952"),
        ("FEDERAL", 64, "3.000"),
        ("DC", 21, "0.727"),
        ("DC", 55, "1.733"),
        ("MA", 14, "0.751"),
        ("MA", 21, "1.183"),
        ("MA", 64, "2.365"),
        ("MN", 14, "0.890"),
        ("UT", 14, "0.793"),
        ("AL", 14, "0.635"),
        ("MS", 64, "3.000"),
        ("OR", 64, "3.000"),
    ],
)
def test_published_breakpoints(sample, curve, age, factor):
    assert factors(sample, curve)[age] == Decimal(factor) * 1_000_000


def test_the_curves_are_whole_and_without_findings(sample):
    curves = {part.code for part in sample.parts.age_curves}
    assert curves == {"FEDERAL", "AL", "DC", "MA", "MN", "MS", "OR", "UT"}
    assert all(sorted(factors(sample, curve)) == list(AGES) for curve in curves)
    assert [one for one in audit(sample) if "curve" in one.where] == []


def rates_of(sample, base, **table):
    part = RateTablePart(code="T", valid_from=BEGIN, **SOURCE, rates=[RateLine(rate=Decimal(base))], **table)
    lines = rates_written_out("T", part.rates, "", None)
    rows = written_out(part, lines, sample.curves, sample.parts.age_curves)
    return dict(rows.select("age_from", "rate_micros").iter_rows())


def test_the_ratio_is_not_rounded_before(sample):
    """District of Columbia, age 55: 1,000 × 1.733 ÷ 0.727 = 2,383.7689…; by a ratio of 2.384 it would be 23 cents more."""
    found = rates_of(sample, "1000.00", curve="DC")
    assert found[55] == 2_383_770_000
    assert found[21] == 1_000_000_000
    assert found[0] == 899_590_000  # age 14 and younger: 0.654 ÷ 0.727
    assert found[64] == 3_000_000_000  # 2.181 ÷ 0.727
    assert 14 not in found


@pytest.mark.parametrize("curve", ["FEDERAL", "AL", "DC", "MA", "MN", "MS", "OR", "UT"])
@pytest.mark.parametrize("base_age", [21, 40, 64])
def test_every_age_is_the_exact_ratio_half_up(sample, curve, base_age):
    known = factors(sample, curve)
    for age, micros in rates_of(sample, "487.65", curve=curve, base_age=base_age).items():
        exact = Fraction("487.65") * known[max(age, 14)] / known[base_age]
        assert micros == int(exact * 100 + Fraction(1, 2)) * 10_000


def test_filed_premiums_follow_the_curve_but_where_listed(sample):
    """Ratios to age 21 lie within 0.0004 of the curve's; `off_the_curve.csv` lists all others."""
    curve = factors(sample, "MA")
    found = {
        (table["plan"], table["area"], table["from"].isoformat(), age)
        for table in filed()
        for age, premium in table["premiums"].items()
        if abs(Fraction(premium) / Fraction(table["premiums"][21]) - Fraction(curve[age], curve[21])) > CLOSE
    }
    assert found == listed()
    medical = {one for one in found if not one[0].startswith(("11821", "80538"))}
    assert (len(found), len(medical)) == (2_406, 831)


def listed():
    with (DATA / "off_the_curve.csv").open() as file:
        return {
            (line["hios_id"], f"R-MA00{place[0]}", place[2:], age)
            for line in csv.DictReader(file)
            for place in line["rating_areas_and_spans"].split()
            for age in range(int(line["age_from"]), int(line["age_through"]) + 1)
        }
