"""Layouts as data: what a column can say, what cannot be written, what is written is read again."""

from datetime import date
from pathlib import Path

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.carriers.layouts.contents import ANN, BOB, VALUES, frame, pay
from tests.carriers.viewing import made, span

import openbenefits.carriers.layouts as layouts
from openbenefits.carriers.agreements.partners import PartnerRefused, read_partner
from openbenefits.carriers.layouts.enrolling import render
from openbenefits.carriers.layouts.layout import FileLayout, LayoutRefused, check, read_layout
from openbenefits.carriers.layouts.reading import read_back
from openbenefits.carriers.layouts.writing import FileRefused, write
from openbenefits.carriers.rules.renderings import Manner, changes
from openbenefits.carriers.rules.views import empty

DAY = date(2026, 1, 9)
PAYS = frame("contributions", pay(ANN, "60", DAY, 12_345), pay(BOB, "60", DAY, -1_005))


def layout(*columns, **more):
    told = {"name": "t", "content": "contributions", "records": [{"name": "r", "columns": list(columns)}]}
    return msgspec.convert(told | more, FileLayout)


def cells(column, rows=PAYS, **more):
    """How a column is written of each row."""
    return write(layout({"name": "c"} | column, **more), rows, VALUES).decode().splitlines()


MONEY = {"value": "before_tax_cents", "kind": "money"}
FIXED = {"form": "fixed", "case": "upper"}


@pytest.mark.parametrize(
    ("column", "form", "wanted"),
    [
        (MONEY, {}, ["123.45", "-10.05"]),
        (MONEY | {"money": "cents"}, {}, ["12345", "-1005"]),
        (MONEY | {"sign": "parentheses"}, {}, ["123.45", "(10.05)"]),
        (MONEY | {"sign": "trailing", "plus": True}, {}, ["123.45+", "10.05-"]),
        (MONEY | {"length": 9}, FIXED, ["000123.45", "-00010.05"]),
        (MONEY | {"length": 9, "pad": " "}, FIXED, ["   123.45", "   -10.05"]),
        (MONEY | {"length": 8, "money": "cents", "sign": "trailing"}, FIXED, ["0012345 ", "0001005-"]),
        (MONEY | {"length": 7, "money": "cents", "sign": "overpunch"}, FIXED, ["001234E", "000100N"]),
        ({"value": "check_on", "kind": "day", "days": "%d.%m.%y", "shift_days": 1}, {}, ["10.01.26"] * 2),
        ({"value": "ssn", "kind": "digits", "last": 4}, {}, ["6789", "7890"]),
        ({"value": "employee_number", "length": 6, "align": "right", "pad": "0"}, FIXED, ["00A100", "00A101"]),
        ({"value": "last_name", "length": 6, "too_long": "cut"}, FIXED, ["MUNOZ-", 'O"HARA']),
        ({"value": "last_name", "first": 1, "case": "lower"}, {}, ["m", "o"]),
        ({"value": "plan_type", "codes": {"60": "H", "*": "?"}}, {}, ["H", "H"]),
        ({"value": "is_correction", "codes": {"true": "A", "false": "N"}}, {}, ["N", "N"]),
        ({"value": "plan", "empty": "none"}, {}, ["none", "none"]),
        ({"value": "employer"}, {}, ["E77001"] * 2),
        ({"number": True, "kind": "number"}, {}, ["1", "2"]),
        (MONEY | {"when": [{"value": "before_tax_cents", "below": 0}]}, {}, ["-10.05"]),
    ],
)  # fmt: skip
def test_a_value_is_written_as_the_partner_wants_it(column, form, wanted):
    assert [one for one in cells(column, **form) if one] == wanted


@pytest.mark.parametrize(
    ("conditions", "wanted"),
    [
        ([{"value": "employee_number", "is_in": ["A100"]}], ["A100"]),
        ([{"value": "employee_number", "not_in": ["A100"]}], ["A101"]),
        ([{"value": "plan", "empty": True}, {"value": "before_tax_cents", "above": 0}], ["A100"]),
        ([{"value": "check_on", "since": "as_of"}], []),
        ([{"value": "check_on", "before": "as_of"}], ["A100", "A101"]),
        ([{"value": "plan", "is_in": ["x"]}], []),
        ([{"value": "plan", "not_in": ["x"]}], ["A100", "A101"]),
    ],
)
def test_conditions_choose_the_rows(conditions, wanted):
    assert cells({"value": "employee_number"}, when=conditions) == wanted


def test_what_cannot_be_written_is_said_all_at_once_and_without_the_value():
    wrong = layout(
        {"name": "number", "value": "employee_number", "length": 3},
        {"name": "plan", "value": "plan_type", "codes": {"61": "D"}},
        {"name": "pay group", "value": "pay_number", "required": True},
        {"name": "money", "value": "before_tax_cents", "kind": "money", "sign": "none"},
        {"name": "ssn", "value": "employee_number", "kind": "digits", "mask": "###-##-####"},
    )
    with pytest.raises(FileRefused) as found:
        write(wrong, PAYS, VALUES)
    told = found.value.faults
    assert told.group_by("column").len().sort("column").rows() == [
        ("money", 1), ("number", 2), ("pay group", 2), ("plan", 2), ("ssn", 2),
    ]  # fmt: skip
    assert told["who"].unique().sort().to_list() == ["1-11", "1-12"]
    assert set(told["words"]) == {
        "expected no negative amount, found one",
        "expected at most 3 characters, found 4",
        "expected a value, found none",
        "expected a code of the partner for 60, found none; add it to the layout",
        "expected 9 digits, found 3",
    }
    assert "and 4 more; correct the data or the layout" in str(found.value)
    assert "A100" not in str(found.value)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (layout({"name": "c", "value": "salary"}), "a value named salary, found none; tell it"),
        (layout({"name": "c", "value": "plan", "fixed": "x"}), "one source of its value"),
        (layout({"name": "c", "value": "plan"}, form="fixed"), "expected a length"),
        (layout({"name": "c", "length": 4}, {"name": "d", "start": 3, "length": 1}, form="fixed"), "after character 4"),
        (layout({"name": "c", "value": "plan", "codes": "kin"}), "a table of codes 'kin'"),
        (layout({"name": "c", "value": "plan", "kind": "money"}), "values of kind money"),
        (layout({"name": "c", "count": "records"}), "by a record of the file"),
        (layout({"name": "c"}, delimiter=""), "a delimiter and a quote"),
        (layout({"name": "c"}, letters="any"), "an encoding"),
        (layout({"name": "c"}, {"name": "c"}), "a name of its own"),
        (layout({"name": "c"}, headings=True, form="fixed"), "headings only"),
        (layout({"name": "c"}, order=("salary",)), "a value named salary in the rows"),
        (layout({"name": "c"}, when=[{"value": "salary"}]), "a condition on a value of the rows"),
        (layout({"name": "c"}, when=[{"value": "check_on", "since": "x"}]), "a day named x"),
        (layout({"name": "c", "sum": "total_cents", "of": "x"}), "a record 'x'"),
        (layout(records=[{"name": "g", "each": "group", "columns": []}]), "that make a group"),
    ],
)  # fmt: skip
def test_a_layout_that_cannot_be_is_refused(told, said):
    with pytest.raises(LayoutRefused, match=said):
        write(told, PAYS, VALUES)


@pytest.mark.parametrize("text", ["name: [", "name: x", "name: x\ncontent: life\nrecords: []", "- 1"])
def test_a_broken_layout_is_refused(text):
    with pytest.raises(LayoutRefused, match="correct"):
        read_layout(text)


def test_an_agreement_holds_its_layout():
    path = Path(layouts.__file__).parent / "examples" / "vision_eligibility.yaml"
    told = msgspec.to_builtins(read_layout(path.read_text()))
    partner = {"name": "Vision", "carriers": ["V"], "kind": "file", "layout": told}
    assert read_partner(partner).layout.name == "vision_eligibility"
    told["records"][0]["columns"][0]["value"] = "purpose"
    with pytest.raises(PartnerRefused, match="one source"):
        read_partner(partner)


def test_changes_are_told_line_by_line_with_what_each_member_has_of_his_own():
    told = msgspec.convert(
        {
            "name": "t",
            "content": "enrollment",
            "records": [
                {
                    "name": "r",
                    "columns": [
                        {"name": name, "value": name}
                        for name in ("member", "division", "line", "line_action", "begins_on", "purpose")
                    ],
                }
            ],
        },
        FileLayout,
    )
    before = made(span("S", "01-01"), span("S1", "01-01"))
    after = made(span("S", "01-01"), span("S", "03-01", line="DEN"), span("S1", "01-01", "02-28"))
    first = render(told, changes(empty(), before, Manner()), told=_division())
    assert first.decode().splitlines() == ["S,North,HLT,021,2026-01-01,2", "S1,,HLT,021,2026-01-01,2"]
    second = render(told, changes(before, after, Manner()), told=_division())
    assert second.decode().splitlines() == ["S,North,DEN,021,2026-03-01,2", "S1,,HLT,024,2026-01-01,2"]
    assert render(told, changes(after, after, Manner()), told=_division()) == b""


def _division():
    return pl.DataFrame({"subscriber": ["S"], "member": ["S"], "division": ["North"]})


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cn", "Co")), max_size=12
)
NAMED = st.fixed_dictionaries(
    {
        "last_name": st.none() | TEXT,
        "check_on": st.dates(date(1900, 1, 1), date(2199, 1, 1)),
        "before_tax_cents": st.none() | st.integers(-(10**9), 10**9),
        "pay_number": st.none() | st.integers(0, 60),
    }
)
FORMS = [
    {"letters": "any", "encoding": "utf-8"},
    {"letters": "any", "encoding": "utf-8", "quoting": "all", "delimiter": ";", "line_end": "crlf"},
    {"letters": "any", "encoding": "utf-8", "form": "fixed"},
]
SIGNS = ("leading", "trailing", "parentheses", "overpunch")


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(NAMED, max_size=5), form=st.sampled_from(FORMS), sign=st.sampled_from(SIGNS))
def test_what_is_written_is_read_again(rows, form, sign):
    told = layout(
        {"name": "mark", "fixed": "X", "length": 1},
        {"name": "last_name", "value": "last_name", "length": 12},
        {"name": "check_on", "value": "check_on", "kind": "day", "length": 8},
        {**MONEY, "name": "before_tax_cents", "money": "cents", "sign": sign, "length": 13},
        {"name": "pay_number", "value": "pay_number", "kind": "number", "length": 3},
        **form,
    )
    check(told)
    source = frame("contributions", *(ANN | {"person_id": at} | one for at, one in enumerate(rows)))
    read = read_back(told, write(told, source))["r"]
    wanted = source.select(
        pl.col("last_name").str.strip_chars().replace("", None), "check_on", "before_tax_cents", "pay_number"
    )
    assert read.select(wanted.columns).rows() == wanted.rows()
