"""Operators on whole frames: the short way that few rows take gives what Polars gives."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from openbenefits.core.columns import joined, last_of_each

NUMBERS = st.one_of(st.none(), st.integers(1, 3))
WORDS = st.one_of(st.none(), st.sampled_from("ab"))
ROWS = st.lists(st.tuples(NUMBERS, WORDS, st.integers(0, 9)), max_size=6)
SCHEMA = {"number": pl.Int32, "word": pl.String, "told": pl.Int64}


def frame(rows: list[tuple[int | None, str | None, int]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@pytest.mark.parametrize("how", ["inner", "left", "semi", "anti"])
@given(left=ROWS, right=ROWS, nulls_equal=st.booleans(), on=st.sampled_from(["word", ["number", "word"]]))
def test_few_rows_are_joined_as_polars_joins_them(how, left, right, nulls_equal, on):
    one, other = frame(left), frame(right)
    options = {"how": how, "nulls_equal": nulls_equal, "maintain_order": "left"}
    if how == "inner":
        options["maintain_order"] = "left_right"
    assert_frame_equal(
        joined(one, other, on, how=how, nulls_equal=nulls_equal),
        one.join(other, on=on, **options),
        check_row_order=how != "left",  # of several rows of one key, Polars tells no order
    )


@given(rows=ROWS)
def test_the_last_of_each_key_is_kept(rows):
    known = frame(rows).drop_nulls()
    wanted = {(number, word): told for number, word, told in sorted(known.rows())}
    assert last_of_each(known, ["number", "word"], "told").rows() == [
        (*key, told) for key, told in sorted(wanted.items())
    ]
