"""How far files come: legal moves, what moves the high-water mark, what goes again, what is overdue."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbenefits.carriers.rules.custody import (
    MOVES,
    REFUSING,
    TELLING,
    FileState,
    MoveRefused,
    after_envelope,
    after_group,
    moved,
    overdue,
    sets_to_send_again,
    sets_told,
)

S = FileState
PATH = [S.BUILT, S.VALIDATED, S.HELD, S.RELEASED, S.SENT, S.RECEIVED, S.ACCEPTED, S.CONFIRMED, S.RECONCILED]


def test_the_whole_way():
    state = PATH[0]
    for to in PATH[1:]:
        state = moved(state, to)
    assert state == S.RECONCILED


@given(st.sampled_from(S), st.sampled_from(S))
def test_only_legal_moves(state, to):
    if to == state or to in MOVES[state]:
        assert moved(state, to) == to
    else:
        with pytest.raises(MoveRefused, match="may become"):
            moved(state, to)


def test_nothing_is_sent_twice_or_unreleased():
    assert [one for one in S if S.SENT in MOVES[one]] == [S.RELEASED]
    reached, ahead = set(), [S.SENT]
    while ahead:
        reached |= (found := set(MOVES[ahead.pop()]))
        ahead += found
    assert S.SENT not in reached
    assert S.RELEASED not in reached


@pytest.mark.parametrize(
    ("state", "code", "to"),
    [
        (S.SENT, "A", S.RECEIVED),
        (S.SENT, "E", S.RECEIVED),
        (S.SENT, "R", S.NOT_READ),
        (S.ACCEPTED, "A", S.ACCEPTED),
    ],
)
def test_an_envelope_is_answered(state, code, to):
    assert after_envelope(state, code) == to


def test_an_unknown_answer_to_an_envelope_is_refused():
    with pytest.raises(MoveRefused, match="found Z"):
        after_envelope(S.SENT, "Z")


@pytest.mark.parametrize(
    ("code", "to"),
    [("A", S.ACCEPTED), ("E", S.ACCEPTED_WITH_ERRORS), ("P", S.ACCEPTED_IN_PART), ("R", S.REJECTED),
     ("X", S.REJECTED), ("", S.REJECTED)],
)  # fmt: skip
def test_a_group_is_answered(code, to):
    assert after_group(S.SENT, code) == to


FILES = pl.DataFrame({"file_id": [1, 2, 3, 4, 5], "state": [str(one) for one in (
    S.ACCEPTED_IN_PART, S.REJECTED, S.NOT_READ, S.ACCEPTED_WITH_ERRORS, S.SENT)]})  # fmt: skip
SETS = pl.DataFrame(
    {
        "file_id": [1, 1, 1, 2, 3, 4, 4, 5],
        "set": [1, 2, 3, 1, 1, 1, 2, 1],
        "code": ["A", "R", None, "A", None, "E", None, None],
    }
)


def test_only_what_was_taken_moves_the_mark_and_only_the_rest_goes_again():
    assert sets_told(FILES, SETS).rows() == [(1, 1), (4, 1), (4, 2)]
    assert sets_to_send_again(FILES, SETS).rows() == [(1, 2), (1, 3), (2, 1), (3, 1)]


@given(st.lists(st.tuples(st.sampled_from(S), st.sampled_from(["A", "E", "R", "M", None])), max_size=6))
def test_a_set_is_told_or_goes_again_or_waits(drawn):
    files = pl.DataFrame(
        {"file_id": range(len(drawn)), "state": [str(one) for one, _ in drawn]},
        schema={"file_id": pl.Int64, "state": pl.String},
    )
    sets = pl.DataFrame(
        {"file_id": range(len(drawn)), "set": [1] * len(drawn), "code": [code for _, code in drawn]},
        schema={"file_id": pl.Int64, "set": pl.Int64, "code": pl.String},
    )
    told, again = set(sets_told(files, sets)["file_id"]), set(sets_to_send_again(files, sets)["file_id"])
    assert not told & again
    assert told | again == {at for at, (one, _) in enumerate(drawn) if one in TELLING | REFUSING}


def test_silence_is_overdue():
    since = [datetime(2026, 3, 1, hour, tzinfo=UTC) for hour in (6, 8, 1)]
    files = pl.DataFrame(
        {"file_id": [1, 2, 3], "state": [str(S.SENT), str(S.SENT), str(S.CONFIRMED)], "since": since}
    )
    found = overdue(files, {S.SENT: 24, S.ACCEPTED: 48}, now=datetime(2026, 3, 2, 7, tzinfo=UTC))
    assert found.select("file_id", "waits_for").rows() == [(1, "a 999")]
