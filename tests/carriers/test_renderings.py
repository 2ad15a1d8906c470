"""Files of one difference: laws of full and change files and their sets, and the sayings of carrier-feeds §4."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.carriers.viewing import made, person, shown, span, views
from tests.laws.test_kernel_agrees import IS_FUZZING

from openbenefits.carriers.rules.differences import difference
from openbenefits.carriers.rules.folding import after_changes, after_list
from openbenefits.carriers.rules.renderings import Manner, Message, changes, full, in_sets, listed, of_sets
from openbenefits.carriers.rules.views import MEMBER, PEOPLE, View, empty

LAW = settings(max_examples=1000 if IS_FUZZING else 30)
TODAY = date(2026, 1, 4)
PLAIN = Manner()


def taken(told: View, wanted: View, message: Message) -> View:
    """What a carrier holds after it accepted a change file, people included."""
    said = message.people.select(MEMBER).unique()
    both = pl.concat([wanted.people, told.people.join(wanted.people, on=list(MEMBER), how="anti")])
    people = both.join(said, on=list(MEMBER), how="semi").select(list(PEOPLE))
    return after_changes(told, people, message.lines)


@LAW
@given(views(), views())
def test_accepted_changes_fold_into_timeline_and_people(told, wanted):
    now = taken(told, wanted, changes(told, wanted, PLAIN))
    assert shown(now).equals(shown(wanted))
    assert now.people.equals(wanted.people)
    assert changes(now, wanted, PLAIN).is_empty


@LAW
@given(views(), views(), st.sampled_from([0, 2]))
def test_a_full_list_in_an_empty_book_is_the_timeline(told, wanted, days):
    message = full(told, wanted, Manner(days_to_repeat=days, ended="024"), on=TODAY)
    current = shown(wanted).filter(pl.col("ends_on").is_null() | (pl.col("ends_on") >= TODAY))
    held = shown(listed(message, wanted))
    assert held.filter(pl.col("ends_on").is_null() | (pl.col("ends_on") >= TODAY)).equals(current)
    assert days or held.equals(current)
    assert set(message.lines.filter(kind="listed")["action"]) <= {"030"}
    assert (
        after_list(told, listed(message, wanted), on=TODAY)
        .cover.join(wanted.cover, on=["member", "line", "begins_on"], how="anti")
        .filter(pl.col("ends_on").is_null())
        .is_empty()
    )


@LAW
@given(views(), views(), st.sets(st.integers(1, 4)))
def test_a_rejected_set_is_sent_again_alone(told, wanted, accepted):
    message = in_sets(changes(told, wanted, PLAIN), 1)
    now = taken(told, wanted, of_sets(message, accepted))
    again = changes(now, wanted, PLAIN)
    rejected = of_sets(message, set(message.people["set"]) - accepted)
    assert again.lines.equals(rejected.lines)
    assert again.people.drop("set").equals(rejected.people.drop("set"))


@LAW
@given(views(), views())
def test_everybody_said_stands_in_one_set_after_its_subscriber(told, wanted):
    for message in (changes(told, wanted, PLAIN), full(told, wanted, PLAIN, on=TODAY)):
        divided = in_sets(message, 2)
        assert divided.people.group_by("subscriber").agg(pl.col("set").n_unique())["set"].max() in (None, 1)
        assert message.lines.join(message.people, on=[*MEMBER, "basis"], how="anti").is_empty()
        order = message.people.with_row_index().with_columns(own=pl.col("subscriber") == pl.col("member"))
        own = order.filter("own").group_by("subscriber").agg(last=pl.col("index").max())
        both = order.filter(~pl.col("own")).join(own, on="subscriber")
        assert (both["index"] > both["last"]).all()


# --- the sayings --------------------------------------------------------------------------------------------

EMPLOYEE, CHILD, SPOUSE = person("S"), person("C", birth_on=date(2026, 6, 3)), person("W", "01")
OPEN = span("S", "01-01", tier="EMP")
WORKED = span("S", "01-01", "05-31", end_cause="employment", tier="EMP")
BABY = [OPEN, span("C", "06-03", cause="birth")]
WIFE = [OPEN, span("W", "01-01")]
SAYINGS = {
    "new subscriber": ([], [OPEN | {"cause": "hire"}], ["S 021*28", "HLT 021 348=01-01"]),
    "new dependent by birth": ([OPEN], BABY, ["C 021*02", "HLT 021 348=06-03"]),
    "new dependent by marriage": (
        [OPEN], [OPEN, span("W", "06-01", cause="marriage")], ["W 021*32", "HLT 021 348=06-01"]),
    "drop dependent by divorce": (
        WIFE, [OPEN, span("W", "01-01", "06-30", end_cause="divorce")], ["W 024*01", "HLT 024 349=06-30"]),
    "drop one line": (
        [OPEN, span("S", "01-01", line="DEN")], [OPEN, span("S", "01-01", "06-30", line="DEN")],
        ["S 001*29", "DEN 024 349=06-30"]),
    "add one line": ([OPEN], [OPEN, span("S", "06-01", line="DEN")], ["S 001*29", "DEN 021 348=06-01"]),
    "change plan": (
        [OPEN], [span("S", "01-01", "05-31", tier="EMP"), span("S", "06-01", plan="lead", tier="EMP")],
        ["S 001*22", "HLT 024 349=05-31", "HLT 021 348=06-01"]),
    "change tier": (
        [OPEN], [span("S", "01-01", "05-31", tier="EMP"), span("S", "06-01", tier="ESP", cause="marriage")],
        ["S 001*32", "HLT 001 348=06-01"]),
    "change volume": (
        [OPEN], [span("S", "01-01", "05-31", tier="EMP"), span("S", "06-01", tier="EMP", amount_cents=5)],
        ["S 001*29", "HLT 001 348=06-01"]),
    "renewal": (
        [OPEN], [span("S", "01-01", "05-31", tier="EMP"), span("S", "06-01", plan="lead", cause="renewal")],
        ["S 001*41", "HLT 024 349=05-31", "HLT 021 348=06-01"]),
    "employment end": ([OPEN], [WORKED], ["S 024*08", "HLT 024 349=05-31"]),
    "death": ([OPEN], [WORKED | {"end_cause": "death"}], ["S 024*03", "HLT 024 349=05-31"]),
    "employment end ends dependents, too": (
        WIFE, [WORKED, span("W", "01-01", "05-31", end_cause="employment")],
        ["S 024*08", "W 024*08", "HLT 024 349=05-31", "HLT 024 349=05-31"]),
    "to COBRA": (
        [OPEN], [WORKED, span("S", "06-01", basis="C", tier="EMP", cause="employment")],
        ["S 024*08", "S 021*09 C 1", "HLT 024 349=05-31", "HLT 021 348=06-01"]),
    "reinstate, no gap": ([WORKED], [OPEN], ["S 025*20", "HLT 025 348=01-01"]),
    "reinstate after a gap": (
        [WORKED], [WORKED, span("S", "08-01", cause="rehire")], ["S 025*41", "HLT 025 348=08-01"]),
    "end earlier": (
        [WORKED], [WORKED | {"ends_on": date(2026, 4, 30)}], ["S 024*08", "HLT 024 349=04-30"]),
    "void": (BABY, [OPEN], ["C 024*07", "HLT 024 349=06-03"]),
    "begins later": ([OPEN], [span("S", "02-01", tier="EMP")], ["S 001*29", "HLT 024 349=01-01", "HLT 021 348=02-01"]),
    "child alone": ([], [span("C", "01-01")], ["C 021*29", "HLT 021 348=01-01"]),
}  # fmt: skip


def words(message: Message) -> list[str]:
    """People, then lines, as they are said."""
    said = []
    for row in message.people.iter_rows(named=True):
        basis = f" {row['basis']} {row['cobra_event']}" if row["basis"] == "C" else ""
        said.append(f"{row['member']} {row['action']}*{row['reason']}{basis}")
    for row in message.lines.iter_rows(named=True):
        ends, begins = row["said_end_on"], row["begins_on"]
        said.append(
            f"{row['line']} {row['action']} " + (f"349={ends:%m-%d}" if ends else f"348={begins:%m-%d}")
        )
    return said


@pytest.mark.parametrize("name", SAYINGS)
def test_a_saying(name):
    before, after, said = SAYINGS[name]
    people = [EMPLOYEE, CHILD, SPOUSE]
    assert words(changes(made(*before, people=people), made(*after, people=people), PLAIN)) == said


def test_an_identity_is_corrected_and_a_number_that_arrives_is_not_one():
    told = made(OPEN, span("C", "06-03"), people=[EMPLOYEE | {"last_name": "Mueler"}, CHILD])
    wanted = made(
        OPEN, span("C", "06-03"), people=[EMPLOYEE | {"last_name": "Mueller"}, CHILD | {"ssn": "123456789"}]
    )
    message = changes(told, wanted, PLAIN)
    assert words(message) == ["S 001*25", "C 001*25"]
    assert message.people["is_corrected"].to_list() == [True, False]
    assert message.people["was_last_name"][0] == "Mueler"


@pytest.mark.parametrize(
    ("altered", "said"), [({"address": "1 Elm"}, "S 001*43"), ({"email": "a@b.example"}, "S 001*33")]
)
def test_what_else_is_known_of_a_person_is_told(altered, said):
    told, wanted = (made(OPEN, people=[EMPLOYEE | one]) for one in ({}, altered))
    assert words(changes(told, wanted, PLAIN)) == [said]


def test_partners_say_ends_and_voids_in_their_manner():
    first = Manner(end="first_not_covered", void="day_before", context="030")
    message = changes(made(*BABY), made(OPEN), first)
    assert words(message) == ["S 030*None", "C 024*07", "HLT 024 349=06-02"]
    assert words(changes(made(OPEN), made(WORKED), first)) == ["S 024*08", "HLT 024 349=06-01"]
    assert words(changes(made(OPEN), made(WORKED), PLAIN)) == ["S 024*08", "HLT 024 349=05-31"]
    for end in ("last_covered", "first_not_covered"):
        void = changes(made(*BABY), made(OPEN), Manner(end=end))
        assert words(void) == ["C 024*07", "HLT 024 349=06-03"]


def test_a_full_list_repeats_who_ended_lately_and_says_what_the_carrier_does_not_know():
    told, wanted = (
        made(*BABY, span("W", "01-01")),
        made(OPEN, span("W", "01-01", "05-31", end_cause="divorce")),
    )
    lists = {
        days: full(told, wanted, Manner(days_to_repeat=days), on=date(2026, 7, 1)) for days in (0, 10, 60)
    }
    assert words(lists[0]) == ["S 030*XN", "HLT 030 348=01-01"]
    for days in (10, 60):
        assert words(lists[days])[:3] == ["S 030*XN", "C 024*07", "W 024*07"]
        assert sorted(words(lists[days])[3:]) == [
            "HLT 024 349=05-31",
            "HLT 024 349=06-03",
            "HLT 030 348=01-01",
        ]
    after = made(OPEN, span("W", "01-01", "05-31"))
    later = full(after, after, Manner(days_to_repeat=10), on=date(2026, 7, 1))
    assert words(later) == words(lists[0])  # told, and long enough


def test_a_subscriber_who_covers_only_others_is_listed_without_a_line():
    held = made(span("C", "01-01"), people=[EMPLOYEE, CHILD])
    message = full(empty(), held, PLAIN, on=TODAY, purpose="RX")
    assert (message.purpose, words(message)) == ("RX", ["S 030*XN", "C 030*XN", "HLT 030 348=01-01"])


def test_sets_keep_families_and_their_size():
    rows = [span("S", "01-01", subscriber=one) | {"member": one} for one in "PQRST"]
    people = [person(one) | {"subscriber": one} for one in "PQRST"]
    message = in_sets(changes(empty(), made(*rows, people=people), PLAIN), 2)
    assert message.people["set"].to_list() == [1, 1, 2, 2, 3]
    assert of_sets(message, {3}).lines["member"].to_list() == ["T"]
    assert difference(empty(), made(*rows, people=people)).height == 5
