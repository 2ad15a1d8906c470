"""What a rulebook remembers: the same answer for the same question, never for another rulebook."""

from dataclasses import replace
from datetime import date
from itertools import count

import polars as pl
from tests.laws.kernel import Kernel
from tests.oracle.cases import read_yaml

from openbenefits.programs.recent import FEW_ROWS, Recent
from openbenefits.rating.rules.offers import find_offers


def test_the_same_is_found_once_and_the_oldest_goes_first():
    recent, numbers = Recent(most=2), count()
    asked = [recent.answer(key, lambda: next(numbers)) for key in "abacab"]
    assert asked == [0, 1, 0, 2, 0, 3]


def test_what_is_asked_of_few_rows_is_found_once_and_of_many_anew():
    recent, numbers = Recent(), count()
    few, many = (pl.DataFrame({"case": range(rows)}) for rows in (FEW_ROWS, FEW_ROWS + 1))
    asked = [few, few, few.reverse(), many, many]
    assert [recent.answer_of("days", rows, lambda: next(numbers)) for rows in asked] == [0, 0, 1, 2, 3]
    assert recent.answer_of("menus", few, lambda: "another question") == "another question"


def test_offers_of_the_same_days_are_kept_with_their_rulebook_alone():
    base = read_yaml("base.yaml")
    book = Kernel(base["peo"], [base["client"]], []).rulebook
    schema = {"plan_day": pl.Int32, "plan_row": pl.Int32, "price_on": pl.Date}
    days, others = (
        pl.DataFrame({"plan_day": [0], "plan_row": [0], "price_on": [on]}, schema=schema)
        for on in (date(2026, 1, 1), date(2026, 2, 1))
    )
    first = find_offers(days, book)
    assert find_offers(days, book) is first
    assert find_offers(others, book) is not first
    fewer = replace(book, options=book.options.filter(plan_row=1))
    assert find_offers(days, fewer).options.is_empty()
    assert first.options.height > 0
