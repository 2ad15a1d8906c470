"""Columnar rules and scalar oracle agree on every loss: on the table, and on generated stories."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracle.cobra import all_losses

from openbenefits.compliance.cobra.rules.causes import QUALIFIES
from openbenefits.compliance.cobra.rules.clocks import CLOCKS
from openbenefits.compliance.cobra.rules.judged import judged

from .cobra_stories import (
    CLASSES,
    COBRA,
    Cobra,
    Happening,
    Job,
    Member,
    Point,
    Story,
    read_table,
    story_of,
    told,
)

BLOCKS = read_table()
FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
DAYS = st.dates(FIRST, LAST)
EARLY = st.sampled_from(([date(2025, 12, 1)], [date(2025, 12, 1)], []))
"""Most are covered before anything happens."""
PLAN_TYPES = ("10", "11", "12", "13", "14", "15", "60", "6B", "61")
TYPES = ("SP", "SP", "SS", "XS", "CH", "CH", "AC", "OD", "DP", "NQ")
DEPENDENTS = (1, 2, 3)


def by_rules(story: Story) -> dict[Any, dict[str, Any]]:
    found = {}
    for row in judged(told(story)).iter_rows(named=True):
        said = {"verdict": row["verdict"], "cause": row["cause"]}
        if row["verdict"] == QUALIFIES:
            said |= {name: row[name] for name in CLOCKS}
        found[row["dependent_id"], row["cover"], row["lost_on"]] = said
    return found


@pytest.mark.parametrize("block", BLOCKS, ids=[block["name"] for block in BLOCKS])
def test_oracle_and_rules_agree_on_the_table(block) -> None:
    story = story_of(block)
    assert by_rules(story) == all_losses(story)


@st.composite
def events(draw: Any) -> Happening:
    event_on = draw(st.dates(FIRST, date(2026, 2, 10)))
    return Happening(
        event_class=draw(st.sampled_from(list(CLASSES))),
        event_on=event_on,
        source=draw(st.sampled_from(("TJ", "TJ", "MJ", "ME", "OE"))),
        reported_on=draw(st.none() | st.integers(-10, 160).map(lambda days: event_on + timedelta(days))),
    )


@st.composite
def jobs(draw: Any, on: list[date]) -> Job:
    day = draw(st.sampled_from([date(2025, 6, 1), *on, *on]))
    return Job(
        valid_from=day,
        action=draw(st.sampled_from(("HIR", "TER", "TER", "LOA", "DTA"))),
        reason=draw(st.sampled_from(("", "", "GMC", "XFR"))),
        status=draw(st.sampled_from("AATLD")),
        full_part=draw(st.sampled_from("FP")),
        hours=draw(st.sampled_from((20, 30, 40))),
        last=draw(st.sampled_from((None, day - timedelta(days=1)))),
        number=draw(st.integers(0, 1)),
    )


members = st.builds(
    Member,
    person_type=st.sampled_from(TYPES),
    birth_on=st.none() | st.dates(date(1999, 12, 1), date(2000, 4, 30)) | st.just(date(2015, 1, 1)),
    former_from=st.none() | DAYS,
    died=st.booleans(),
    disabled=st.booleans(),
)
classes = st.builds(
    Cobra,
    months=st.sampled_from((18, 36)),
    disability_months=st.sampled_from((0, 11)),
    counts_from=st.sampled_from(("event", "loss")),
    beneficiary_days=st.sampled_from((None, 60)),
)


@st.composite
def points(draw: Any, numbers: list[int]) -> list[Point]:
    """The points of a few series; the first of a series covers."""
    made = []
    place = st.tuples(st.sampled_from(PLAN_TYPES), st.integers(0, 1), st.sampled_from((0, 0, 0, 1)))
    for plan_type, record, slot in draw(st.lists(place, min_size=1, max_size=3, unique=True)):
        for number, day in enumerate(sorted({*draw(st.sets(DAYS, min_size=1, max_size=3)), *draw(EARLY)})):
            kind = "E" if number == 0 else draw(st.sampled_from("EDWTNITTI"))
            who = draw(st.sets(st.sampled_from(DEPENDENTS))) if kind in "ED" else set()
            event = draw(st.sampled_from([*numbers * 4, None]))
            made.append(
                Point(
                    plan_type=plan_type,
                    begins_on=day,
                    kind=kind,
                    members=tuple(sorted(who)),
                    event=event,
                    benefit_record=record,
                    slot=slot,
                )
            )
    return made


@st.composite
def stories(draw: Any) -> Story:
    happened = dict(enumerate(draw(st.lists(events(), min_size=1, max_size=3))))
    made = draw(points(list(happened)))
    records: dict[int, int] = {}
    kept = [
        one
        for one in made
        if one.event is None or records.setdefault(one.event, one.benefit_record) == one.benefit_record
    ]  # an event belongs to one benefit record
    on = [one.event_on for one in happened.values()]
    rows = draw(st.lists(jobs(on), max_size=4, unique_by=lambda job: (job.valid_from, job.number)))
    known = dict(zip(DEPENDENTS, draw(st.tuples(members, members, members)), strict=True))
    cobra = {cause: draw(st.one_of(classes, classes, classes, st.none())) for cause in COBRA}
    story = Story(
        points=tuple(kept),
        events=happened,
        jobs=tuple(rows),
        dependents=known,
        cobra={cause: one for cause, one in cobra.items() if one is not None},
        plan_year_month=draw(st.sampled_from((1, 7))),
    )
    return _with_acts(draw, story)


def _with_acts(draw: Any, story: Story) -> Story:
    """Let people decide and send notices about some of the losses there are."""
    losses = sorted(all_losses(story))
    if not losses:
        return story
    chosen = st.sets(st.sampled_from(losses), max_size=2)
    said = {key: draw(st.sampled_from(("", *COBRA))) for key in sorted(draw(chosen))}
    sent = {key: draw(DAYS) for key in sorted(draw(chosen))}
    return Story(**{**vars(story), "decisions": said, "notices": sent})


@settings(max_examples=300, deadline=None)
@given(stories())
def test_oracle_and_rules_agree_on_generated_stories(story) -> None:
    assert by_rules(story) == all_losses(story)
