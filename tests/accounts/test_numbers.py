"""Person ids of one human are found from each of them, also where one was merged that others were merged into."""

from openbenefits.accounts.numbers import first_numbers, join_numbers, numbers_of, part_numbers


def test_all_numbers_of_a_human_are_found_from_each_and_that_first_which_counts(fresh_database):
    assert numbers_of(1, 7) == (7,)
    join_numbers(1, 7, 8)
    join_numbers(1, 6, 8)
    join_numbers(1, 8, 9)
    join_numbers(2, 9, 5)
    assert {numbers_of(1, one) for one in (6, 7, 8, 9)} == {(9, 6, 7, 8)}
    assert first_numbers(1) == {6: 9, 7: 9, 8: 9}
    part_numbers(1, 8)
    assert (numbers_of(1, 7), numbers_of(1, 9)) == ((8, 6, 7), (9,))
    assert numbers_of(2, 9) == (5, 9)
