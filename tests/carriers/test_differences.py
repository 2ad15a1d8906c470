"""Laws of the difference on drawn timelines, and a scalar one beside it."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.carriers.viewing import made, shown, span, views
from tests.laws.test_kernel_agrees import IS_FUZZING

from openbenefits.carriers.rules.differences import difference
from openbenefits.carriers.rules.folding import after_changes
from openbenefits.carriers.rules.views import View, empty, view

DAY = timedelta(days=1)
LATE = date(9999, 1, 1)
LAW = settings(max_examples=2000 if IS_FUZZING else 40)


@LAW
@given(views(), views(), views())
def test_what_was_accepted_folds_into_the_timeline(first, second, third):
    told = empty()
    for wanted in (first, second, third):
        changes = difference(told, wanted)
        told = after_changes(told, wanted.people, changes)
        assert shown(told).equals(shown(wanted))
        assert difference(told, wanted).is_empty()


@LAW
@given(views(), views())
def test_a_withdrawn_fact_says_nothing(told, other):
    assert difference(told, told).is_empty()
    rejoined = view(other.people, pl.concat([other.cover, other.cover.clear()]))
    assert difference(other, rejoined).is_empty()


@LAW
@given(views(), views(), st.randoms(use_true_random=False))
def test_order_changes_nothing(told, wanted, chance):
    seed = chance.randrange(2**31)

    def mixed(one: View) -> View:
        return View(
            people=one.people.sample(fraction=1.0, shuffle=True, seed=seed),
            cover=one.cover.sample(fraction=1.0, shuffle=True, seed=seed),
        )

    assert difference(told, wanted).equals(difference(mixed(told), mixed(wanted)))


def lasts(rows: list[dict[str, Any]]) -> date:
    return max((row["ends_on"] or LATE for row in rows), default=date.min)


def by_line(told: View) -> dict[tuple[str, str], list[dict[str, Any]]]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in told.cover.iter_rows(named=True):
        found[row["member"], row["line"]].append(row)
    return found


@LAW
@given(views(), views())
def test_everybody_who_leaves_is_ended_explicitly_once(told, wanted):
    known, held = by_line(told), by_line(wanted)
    leaving = difference(told, wanted).filter("is_leaving")
    assert set(leaving["action"]) <= {"024"}
    said = sorted(zip(leaving["member"], leaving["line"], strict=True))
    assert said == sorted(key for key, rows in known.items() if lasts(held[key]) < lasts(rows))
    for row in leaving.filter(~pl.col("is_void")).iter_rows(named=True):
        assert row["ends_on"] == lasts(held[row["member"], row["line"]])


# --- a scalar difference: one line at a time, in loops ------------------------------------------------------

Row = tuple[str, str, str, date, date | None]


def scalar(told: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> list[Row]:
    known = {row["begins_on"]: row for row in told}
    held = {row["begins_on"]: row for row in wanted}
    how = {begin: opening(row, known, wanted) for begin, row in held.items()}
    said: list[Row] = []
    for begin, row in known.items():
        remade = begin in held and how[begin] and how[begin][0] == "021"
        if begin not in held or remade:
            again = [
                one for one in wanted if one["begins_on"] not in known and same(one, row, "plan", "basis")
            ]
            kind = "correction" if remade else "begin moved" if again else "void"
            said.append(("024", kind, row["plan"], begin, begin - DAY))
    for begin, row in held.items():
        opened = how[begin]
        if opened:
            said.append((*opened, row["plan"], begin, None))
        was, ends = known.get(begin, {}).get("ends_on"), row["ends_on"]
        after = how.get(ends + DAY) if ends else None
        if (opened and ends is None) or (not opened and was == ends):
            continue
        if after and after[0] == "001" and (opened or was is None or was > ends):
            continue
        if ends is None:
            said.append(("025", "reinstated", row["plan"], begin, None))
        elif after and after[1] in ("plan change", "renewal", "cobra", "basis change"):
            said.append(("024", after[1], row["plan"], begin, ends))
        else:
            kind = "drop" if was is None or was == ends else "end earlier" if was > ends else "end later"
            said.append(("024", kind, row["plan"], begin, ends))
    return said


def same(one: dict[str, Any], other: dict[str, Any], *names: str) -> bool:
    return all(one[name] == other[name] for name in names)


def opening(
    row: dict[str, Any], known: dict[date, Any], wanted: list[dict[str, Any]]
) -> tuple[str, str] | None:
    was = known.get(row["begins_on"])
    if was:
        if same(row, was, "basis", "plan", "tier", "amount_cents"):
            return None if same(row, was, "provider") else ("001", "doctor change")
        return ("001" if same(row, was, "basis", "plan") else "021", "correction")
    earlier = [one for one in wanted if one["begins_on"] < row["begins_on"]]
    if not earlier:
        return ("021", "cobra" if row["basis"] == "C" else "add")
    before = earlier[-1]
    follows = before["ends_on"] + DAY == row["begins_on"]
    if not follows and known and any(one["basis"] == row["basis"] for one in earlier):
        return ("025", "reinstated after a gap")
    if before["basis"] != row["basis"]:
        return ("021", "cobra" if row["basis"] == "C" else "basis change")
    if not follows:
        return ("021", "add")
    if before["plan"] != row["plan"]:
        return ("021", "plan change")
    return ("001", "tier change" if before["tier"] != row["tier"] else "amount change")


@LAW
@given(views(), views())
def test_the_scalar_difference_says_the_same(told, wanted):
    known, held = by_line(told), by_line(wanted)
    expected = {key: sorted(map(str, scalar(known[key], held[key]))) for key in {*known, *held}}
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in difference(told, wanted).iter_rows(named=True):
        said = (row["action"], row["kind"], row["plan"], row["begins_on"], row["ends_on"])
        found[row["member"], row["line"]].append(str(said))
    assert {key: sorted(rows) for key, rows in found.items()} == {k: v for k, v in expected.items() if v}


def test_what_ended_long_ago_is_let_be():
    wanted = made(span("S", "01-01", "03-31"), span("S", "04-01", tier="FAM"))
    changes = difference(empty(), wanted, since=date(2026, 6, 1))
    assert changes.select("action", "kind", "begins_on").rows() == [("021", "add", date(2026, 4, 1))]
    assert difference(wanted, made(span("S", "04-01", tier="FAM")), since=date(2026, 6, 1)).is_empty()
    late = made(span("S", "01-01", "03-31"))  # an open span that turns out to have ended is no old matter
    assert difference(made(span("S", "01-01")), late, since=date(2026, 6, 1))["kind"].to_list() == ["drop"]
