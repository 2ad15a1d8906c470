"""Expressions, conditions, days and schedules on columns. Source: process-management §5.2, §5.3."""

from contextlib import suppress
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbenefits.core.merging import fields_in
from openbenefits.workflow.kinds import FieldType
from openbenefits.workflow.rules.conditions import BEFORE, ConditionRefused, Operator, Row, answers, check
from openbenefits.workflow.rules.content import merged
from openbenefits.workflow.rules.days import DayRefused, read_day
from openbenefits.workflow.rules.expressions import (
    DEEPEST,
    ExpressionRefused,
    Joined,
    Label,
    Not,
    holds,
    labels_of,
    parse,
    written,
)
from openbenefits.workflow.rules.schedules import Timing, admitted, due

LABELS = ("1", "2", "3", "hired")


def truth(text, **facts):
    labels = [name.lstrip("_") for name in facts]
    columns = {name.lstrip("_"): pl.lit(value) for name, value in facts.items()}
    return pl.select(holds(parse(text, labels), columns)).item()


@pytest.mark.parametrize("two", [True, False])
@pytest.mark.parametrize("three", [True, False])
@pytest.mark.parametrize("one", [True, False])
def test_the_words_mean_what_they_say(one, two, three):
    facts = {"_1": one, "_2": two, "_3": three}
    assert truth("1 AND (2 OR NOT 3)", **facts) == (one and (two or not three))
    assert truth("1 OR 2 AND 3", **facts) == (one or (two and three))
    assert truth("1 NOT 2", **facts) == (one and not two)
    assert truth("(1 or 2) not 3", **facts) == ((one or two) and not three)
    assert truth("NOT NOT 1", **facts) == one
    assert truth("", **facts) == (one or two or three)
    assert truth("  ", **facts) == (one or two or three)


def expressions():
    return st.recursive(
        st.sampled_from(LABELS).map(Label),
        lambda inner: st.one_of(
            inner.map(Not),
            st.tuples(st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=3)).map(
                lambda pair: Joined(pair[0], tuple(pair[1]))
            ),
        ),
        max_leaves=12,
    )


@given(expressions(), st.lists(st.booleans(), min_size=4, max_size=4))
def test_what_is_written_reads_the_same(expression, facts):
    again = parse(written(expression), LABELS)
    columns = dict(zip(LABELS, map(pl.lit, facts), strict=True))
    assert pl.select(holds(again, columns)).item() == pl.select(holds(expression, columns)).item()
    assert labels_of(again) == labels_of(expression)


@given(st.text(alphabet="123 ()ANDORNT&hired", max_size=30))
def test_any_text_is_read_or_refused_with_its_place(text):
    with suppress(ExpressionRefused):
        found = parse(text, LABELS)
        assert labels_of(found) <= set(LABELS)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1 AND", "at 6: expected the label of a condition (1, 2, 3, hired), NOT or '(', found the end"),
        ("(1 OR 2", "at 8: expected ')', AND, OR or NOT, found the end"),
        ("1 2", "at 3: expected AND, OR, NOT or the end, found '2'"),
        ("1 & 2", "at 3: expected a label, AND, OR, NOT or a parenthesis, found '&'"),
        ("4", "at 1: expected the label of a condition (1, 2, 3, hired), NOT or '(', found '4'"),
        ("(" * (DEEPEST + 2) + "1", f"at {DEEPEST + 2}: expected at most {DEEPEST} levels, found '('"),
    ],
)
def test_a_wrong_expression_says_where(text, told):
    with pytest.raises(ExpressionRefused) as refused:
        parse(text, LABELS)
    assert str(refused.value) == told


RECORD = {
    "status": "T",
    "blank": "",
    "none": None,
    "hours": 3000,
    "on": date(2026, 3, 10),
    "is_primary": True,
    "today": date(2026, 3, 1),
    BEFORE + "status": "A",
    BEFORE + "hours": 3000,
    BEFORE + "none": None,
}
TEXT, NUMBER, DAY, FLAG = FieldType.TEXT, FieldType.NUMBER, FieldType.DAY, FieldType.FLAG


@pytest.mark.parametrize(
    ("column", "kind", "operator", "value", "expected"),
    [
        ("status", TEXT, "equals", "T", True),
        ("status", TEXT, "not equals", "T", False),
        ("status", TEXT, "one of", "A, T", True),
        ("status", TEXT, "contains", "t", True),
        ("status", TEXT, "does not contain", "x", True),
        ("blank", TEXT, "is blank", "", True),
        ("none", TEXT, "is blank", "", True),
        ("status", TEXT, "is blank", "", False),
        ("status", TEXT, "is not blank", "", True),
        ("none", TEXT, "equals", "T", False),
        ("none", TEXT, "not equals", "T", True),
        ("none", TEXT, "does not contain", "T", True),
        ("none", TEXT, "one of", "T", False),
        ("hours", NUMBER, "at least", "3000", True),
        ("hours", NUMBER, "greater than", "3000", False),
        ("hours", NUMBER, "less than", "3001", True),
        ("hours", NUMBER, "at most", "2999", False),
        ("is_primary", FLAG, "equals", "yes", True),
        ("is_primary", FLAG, "equals", "no", False),
        ("status", TEXT, "changed", "", True),
        ("hours", NUMBER, "changed", "", False),
        ("none", TEXT, "changed", "", False),
        ("status", TEXT, "changed to", "T", True),
        ("status", TEXT, "changed from", "A", True),
        ("status", TEXT, "changed from", "L", False),
        ("hours", NUMBER, "changed to", "3000", False),
        ("on", DAY, "on", "today + 9 days", True),
        ("on", DAY, "before", "today + 10 days", True),
        ("on", DAY, "after", "today + 1 month", False),
        ("on", DAY, "on or after", "2026-03-10", True),
        ("on", DAY, "on or before", "today - 1 year", False),
        ("on", DAY, "on", "on", True),
    ],
)
def test_each_operator(column, kind, operator, value, expected):
    row = Row(label="1", column=column, type=kind, operator=Operator(operator), value=value)
    check(row)
    types = {"none": pl.String, BEFORE + "none": pl.String}
    records = pl.DataFrame([RECORD], schema_overrides=types)
    assert answers([row], records)["1"].to_list() == [expected]


@pytest.mark.parametrize(
    ("kind", "operator", "value"),
    [
        (TEXT, "before", "today"),
        (DAY, "contains", "x"),
        (TEXT, "at least", "1"),
        (NUMBER, "equals", "one"),
        (FLAG, "equals", "perhaps"),
        (TEXT, "equals", " "),
        (TEXT, "is blank", "x"),
        (DAY, "on", "2026-02-30"),
        (DAY, "equals", "soon"),
    ],
)
def test_what_does_not_fit_is_refused(kind, operator, value):
    with pytest.raises((ConditionRefused, DayRefused)):
        check(Row(label="1", column="x", type=kind, operator=Operator(operator), value=value))


def test_days_keep_to_the_last_of_a_month():
    records = pl.DataFrame({"today": [date(2026, 1, 31)]})
    assert records.select(read_day("today + 1 month").on_columns()).item() == date(2026, 2, 28)
    with pytest.raises(DayRefused):
        read_day("the day after tomorrow")


def test_texts_are_merged_and_what_is_missing_is_left_out():
    records = pl.DataFrame({"name": ["Acme", None], "person.number": ["1", "2"]})
    text = "{{name}}: {{ person.number }}!"
    assert records.select(t=merged(text, records.columns))["t"].to_list() == ["Acme: 1!", ": 2!"]
    assert fields_in(text, "none") == {"name", "person.number"}


def at(day, field=date(2026, 4, 1), key="1", is_active=True):
    schema = {"key": pl.String, "day": pl.Date, "today": pl.Date, "is_active": pl.Boolean}
    return pl.DataFrame([(key, field, day, is_active)], schema=schema, orient="row")


def made(*days):
    schema = {"key": pl.String, "fire_on": pl.Date, "made_on": pl.Date}
    return pl.DataFrame([("1", date(2026, 3, 2), day) for day in days], schema=schema, orient="row")


@pytest.mark.parametrize(
    ("day", "grace", "is_due"),
    [
        (date(2026, 3, 1), 0, False),
        (date(2026, 3, 2), 0, True),  # fire = 1 April − 30 days; grace 0 and 1 are one day
        (date(2026, 3, 2), 1, True),
        (date(2026, 3, 3), 1, False),
        (date(2026, 3, 6), 5, True),  # the window's last day is in it
        (date(2026, 3, 7), 5, False),
    ],
)
def test_the_window(day, grace, is_due):
    found = due(at(day), Timing(field="day", offset=-30, grace=grace))
    assert (found.height == 1) is is_due
    assert due(at(day, field=None), Timing(field="day", offset=-30, grace=grace)).is_empty()


@pytest.mark.parametrize(
    ("frequency", "before", "is_made"),
    [
        (0, (), True),
        (0, (date(2026, 3, 2),), False),  # 0: once for each fire date
        (3, (date(2026, 3, 2),), False),
        (2, (date(2026, 3, 2),), True),  # on the 4th, two days have passed
        (30, (date(2026, 2, 2),), True),
        (31, (date(2026, 2, 2),), False),
    ],
)
def test_the_frequency_limit(frequency, before, is_made):
    timing = Timing(field="day", offset=-30, grace=5, frequency=frequency)
    found = admitted(due(at(date(2026, 3, 4)), timing), made(*before), timing)
    assert (found["outcome"][0] is None) is is_made


def test_inactive_records_only_where_it_says_so():
    for include, expected in ((False, "the record is inactive"), (True, None)):
        timing = Timing(field="day", offset=-30, grace=5, include_inactive=include)
        found = admitted(due(at(date(2026, 3, 4), is_active=False), timing), made(), timing)
        assert found["why"][0] == expected
