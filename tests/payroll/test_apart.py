"""What differs between two times is found from what may differ alone: the same as from everything."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.laws.strategies import triples
from tests.oracle.cases import merge

from openbenefits.enrollment.frames import CREDIT_USE_COLUMNS
from openbenefits.payroll.rules import Known, owed_amounts, owed_lines
from openbenefits.payroll.rules.apart import PLACE, Owing, apart

from .columnar import OWNER, Projection, base
from .test_generated import BEGIN, GENERATED, IS_FUZZING, THROUGH, points_of, stated

ROLLS = {name: CREDIT_USE_COLUMNS[name] for name in tuple(CREDIT_USE_COLUMNS)[:6]} | {
    "plan_type": pl.String,
    "rolled_cents": pl.Int64,
}
FEW = settings(GENERATED, max_examples=2000 if IS_FUZZING else 10)
LINE = [*PLACE, "kind", "tax_class", "pay_group_id", "ends_on"]


@st.composite
def two_times(draw: st.DrawFn) -> tuple[Any, Any, Any, list[Any], list[Any], list[Any]]:
    """Draw a triple, change points of some plan types at two times, and what credits were used for at each."""
    peo, client, person = draw(triples())
    program = client["programs"][0]
    before, after = [], []
    count = min(3, len(program["plan_types"]))
    some = st.lists(st.sampled_from(program["plan_types"]), min_size=1, max_size=count, unique_by=_plan_type)
    for section in draw(some):
        draw(stated(section))
        section["lock_price"] = draw(st.booleans())
        points = draw(points_of(program["code"], section, person))
        how = draw(st.sampled_from(["same", "same", "other", "more", "members", "gone"]))
        before += points if how != "more" else points[:-1]
        if how == "other":
            after += draw(points_of(program["code"], section, person))
        elif how == "members":
            after += [{**one, "dependents": []} for one in points]
        elif how != "gone":
            after += points
    use = draw(st.sampled_from([(), (0, 0), (0, 5_000), (5_000, 5_000)]))
    return peo, client, person, before, after, list(use)


def _plan_type(section: Any) -> str:
    return str(section["plan_type"])


def uses(forfeited: int | None) -> pl.DataFrame:
    """What credits were used for, of which so much is forfeited; nothing said if it is None."""
    row = OWNER | {
        "schedule_id": 1,
        "event_number": 1,
        "version": 1,
        "begins_on": BEGIN,
        "is_taken_back": False,
    }
    rows = [] if forfeited is None else [row | {"forfeited_cents": forfeited, "rolled_cents": 0}]
    return pl.DataFrame(rows, schema=CREDIT_USE_COLUMNS)


def owing_of(known: Known, used: pl.DataFrame) -> Owing:
    return Owing(
        points=known.points,
        members=known.members,
        uses=used,
        rolls=pl.DataFrame(schema=ROLLS),
        price_decisions=known.price_decisions,
        given=known.given,
    )


def differing(before: pl.DataFrame, after: pl.DataFrame) -> list[Any]:
    """The places and pays of which the amounts differ; what is not there owes 0, an unknown amount stays so."""
    sides = [amounts_of(lines) for lines in (before, after)]
    keys = sides[0].keys() | sides[1].keys()
    both = [(key, *(side.get(key, (0, 0)) for side in sides)) for key in keys]
    return sorted((one for one in both if one[1] != one[2]), key=str)


def amounts_of(lines: pl.DataFrame) -> dict[Any, Any]:
    """Add up what is owed by LINE: both parts of a percentage may be after tax."""
    found: dict[Any, Any] = {}
    for *key, owed, employer in lines.select(*LINE, "owed_cents", "employer_cents").iter_rows():
        was = found.get(tuple(key), (0, 0))
        pairs = zip(was, (owed, employer), strict=True)
        found[tuple(key)] = tuple(None if None in one else sum(one) for one in pairs)
    return found


@FEW
@given(two_times())
def test_only_what_may_differ_is_looked_at(times: Any) -> None:
    peo, client, person, before, after, used = times
    projection = Projection(peo, client)
    sides = [projection.known(person, points, BEGIN, THROUGH) for points in (before, after)]
    use = [uses(cents) for cents in (used or [None, None])]
    owing = tuple(owing_of(*one) for one in zip(sides, use, strict=True))
    whole = [
        replace(one, uses=used, rolls=rows.rolls) for one, used, rows in zip(sides, use, owing, strict=True)
    ]
    lines = [owed_amounts(one, projection.rulebook, begin=BEGIN, through=THROUGH) for one in whole]
    shared = projection.known(person, before + after, BEGIN, THROUGH)
    kept = [
        owed_amounts(replace(shared, **vars(one)), projection.rulebook, begin=BEGIN, through=THROUGH)
        for one in apart(owing[0], owing[1], projection.rulebook)
    ]
    assert differing(*kept) == differing(*lines)


@FEW
@given(two_times())
def test_amounts_are_those_of_the_lines(times: Any) -> None:
    peo, client, person, points, *_ = times
    projection = Projection(peo, client)
    known = projection.known(person, points, BEGIN, THROUGH)
    explained = owed_lines(known, projection.rulebook, begin=BEGIN, through=THROUGH)
    amounts = owed_amounts(known, projection.rulebook, begin=BEGIN, through=THROUGH)
    columns = [*LINE, "option_id", "owed_cents", "employer_cents", "coverage_cents", "fault"]
    told = explained.filter(pl.col("cause") != "ends").select(columns)
    assert sorted(amounts.select(columns).rows(), key=str) == sorted(told.rows(), key=str)


MED = {"plan_type": "10", "kind": "E", "program": "STD", "option": "MED-EE"}
LIFE = {"plan_type": "20", "kind": "E", "program": "STD", "option": "LIFE", "coverage_cents": 75_500_00}
FROM = {"begins_on": BEGIN, "deduction_begins_on": BEGIN}


def apart_of(before: list[Any], after: list[Any], program: Any, used: pl.DataFrame) -> set[tuple[str, str]]:
    """Name the plan types and kinds of the lines that differ, found from what may differ alone."""
    peo, client, person = deepcopy(base())
    client["programs"][0] = merge(client["programs"][0], program)
    projection = Projection(peo, client)
    shared = projection.known(person, before + after, BEGIN, THROUGH)
    sides = [projection.known(person, points, BEGIN, THROUGH) for points in (before, after)]
    kept = apart(owing_of(sides[0], used), owing_of(sides[1], used), projection.rulebook)
    lines = [
        owed_amounts(replace(shared, **vars(one)), projection.rulebook, begin=BEGIN, through=THROUGH)
        for one in kept
    ]
    return {(key[3], key[5]) for key, *_ in differing(*lines)}


def test_what_a_program_takes_in_general_does_not_differ_where_it_holds_both_times():
    fee = {"deductions": [{"code": "FEE", "name": "Fee", "rate_table": "TWENTY", "deduction_code": "LIFEAT"}]}
    before, after = [LIFE | FROM], [LIFE | FROM, MED | FROM]
    assert apart_of(before, after, fee, uses(None)) == {("10", "deduction")}
    assert apart_of([], after, fee, uses(None)) == {
        ("01", "deduction"),
        ("10", "deduction"),
        ("20", "deduction"),
    }


def test_credits_not_paid_out_are_taken_off_one_after_the_other_so_all_of_them_count():
    credit = {"credits": [{"rate_table": "TWENTY", "earnings_code": "CR"}]}
    program = {
        "plan_types": [
            {"plan_type": "10", "options": [{"code": "MED"} | credit]},
            {"plan_type": "20", "options": [{"code": "LIFE"} | credit]},
        ]
    }
    before, after = [LIFE | FROM], [LIFE | FROM, MED | FROM]
    deduction, credits_ = {("10", "deduction")}, {("10", "credit"), ("20", "credit")}
    assert apart_of(before, after, program, uses(200_00)) == deduction | credits_
    assert apart_of(before, after, program, uses(None)) == deduction | {("10", "credit")}


def test_who_is_covered_may_differ_alone():
    before, after = ([MED | FROM | {"option": "MED-ES", "dependents": ids}] for ids in ([1], [2]))
    peo, client, person = deepcopy(base())
    projection = Projection(peo, client)
    sides = [
        owing_of(projection.known(person, points, BEGIN, THROUGH), uses(None)) for points in (before, after)
    ]
    kept = apart(sides[0], sides[1], projection.rulebook)
    assert [one.points.height for one in kept] == [1, 1]
    assert [one.points.height for one in apart(sides[0], sides[0], projection.rulebook)] == [0, 0]


def test_all_slots_of_a_plan_type_that_differs_are_looked_at_together():
    peo, client, person = deepcopy(base())
    projection = Projection(peo, client)
    own = projection.known(person, [LIFE | FROM], BEGIN, THROUGH)
    for_partner = own.points.with_columns(slot=pl.lit(1, pl.Int16))
    more = for_partner.with_columns(pl.col("coverage_cents") + 1_000_00)
    before, after = (
        replace(owing_of(own, uses(None)), points=pl.concat([own.points, points]))
        for points in (for_partner, more)
    )
    kept = apart(before, after, projection.rulebook)
    assert [one.points["slot"].to_list() for one in kept] == [[0, 1], [0, 1]]
