"""The table of losses: each block is told to the rules, and every loss must come out as it says."""

from datetime import date

import polars as pl
import pytest

from openbenefits.compliance.cobra.rules.causes import NOT, OPEN, QUALIFIES
from openbenefits.compliance.cobra.rules.clocks import CLOCKS
from openbenefits.compliance.cobra.rules.judged import judged
from openbenefits.core.codes import CobraCause

from .cobra_stories import read_table, story_of, told

BLOCKS = read_table()
ORDER = ("employer_notice_by", "election_notice_by", "election_through", "continues_through")
SHOWN_CLOCKS = (*ORDER, "disability_through", "beneficiary_notice_by")


def loss_text(row) -> str:
    return f"{row['dependent_id']} {row['cover'].replace(' ', '_')} {row['lost_on']}"


@pytest.mark.parametrize("block", BLOCKS, ids=[block["name"] for block in BLOCKS])
def test_every_loss_is_classified_as_the_table_says(block) -> None:
    rows = judged(told(story_of(block)))
    found = {loss_text(row): row for row in rows.iter_rows(named=True)}
    expected = [[word.strip() for word in line.split("|")] for line in block["expect"]]
    assert list(found) == [loss for loss, *_ in expected]
    for loss, verdict, cause, words in expected:
        row = found[loss]
        assert (row["verdict"], row["cause"] or "-") == (verdict, cause), (loss, row["reason"])
        assert words in row["reason"]
        if verdict != QUALIFIES:
            assert not any(row[name] for name in CLOCKS)
    for loss, days in block.get("clocks", {}).items():
        assert [str(found[loss][name] or "-") for name in SHOWN_CLOCKS] == str(days).split()


def test_the_table_has_every_cause_and_every_verdict() -> None:
    expected = [[word.strip() for word in line.split("|")] for block in BLOCKS for line in block["expect"]]
    assert {verdict for _, verdict, *_ in expected} == {QUALIFIES, NOT, OPEN}
    causes = {str(cause) for cause in CobraCause} - {str(CobraCause.MISCONDUCT)}
    assert {cause for _, verdict, cause, _ in expected if verdict == QUALIFIES} == causes
    assert all(block["source"] for block in BLOCKS)


def test_nobody_without_coverage_has_lost_any() -> None:
    block = {"points": ["10 2026-01-01 W", "10 2026-04-01 T"]}
    assert judged(told(story_of(block))).is_empty()
    assert judged(told(story_of({"points": []}))).height == 0


def test_people_of_several_clients_do_not_mix() -> None:
    block = next(block for block in BLOCKS if block["name"].startswith("another job"))
    one, other = (judged(told(story_of(block), client_id=client)) for client in (1, 2))
    assert one.drop("client_id").equals(other.drop("client_id"))
    assert other["client_id"].unique().to_list() == [2]
    assert one.schema["lost_on"] == pl.Date
    assert one["lost_on"].to_list() == [date(2026, 4, 1)]
