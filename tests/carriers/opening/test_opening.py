"""A full 834 opens an empty client: the same people, families and coverage; previewed, undone, noticed twice."""

import polars as pl
import pytest

from openbenefits.carriers.opening import OpeningRefused, open_client, preview, take_back
from openbenefits.store.bulk import copy_out
from openbenefits.workforce.census.comparing import Known

from .conftest import NOW, ON
from .held import points_of

TABLES = (
    *("workforce_personfact", "workforce_addressfact", "workforce_jobfact", "workforce_dependentfact"),
    *("workforce_person", "workforce_dependent", "workforce_changeset", "workforce_factchange"),
    *("enrollment_coverage", "enrollment_coveragedependent", "enrollment_takenoverpoint"),
)


def rows(connection, client_id):
    return {
        table: copy_out(
            connection,
            f"SELECT t::text AS row FROM {table} AS t WHERE client_id = %(client)s ORDER BY 1",
            {"row": pl.String},
            {"client": client_id},
        )["row"].to_list()
        for table in TABLES
    }


def opened(two, data=None, **changes):
    return open_client(
        two.connection,
        two.empty,
        data or two.data,
        "full.834",
        two.mapping(**changes),
        author="test",
        on=ON,
        now=NOW,
    )


def previewed(two, data=None, *, client=None, on=ON, **changes):
    return preview(
        two.connection,
        client or two.empty,
        data or two.data,
        "full.834",
        two.mapping(**changes),
        on=on,
        now=NOW,
    )


def held(connection, client_id):
    """What holds from the day on, without numbers of ours; not to be covered is the same for every reason."""
    points = points_of(connection, client_id).with_columns(is_covered=pl.col("plan").is_not_null())
    series, said = ["employee_number", "plan_type"], ["is_covered", "program", "option", "names"]
    points = points.with_columns(
        pl.when("is_covered").then(pl.col(name)).alias(name) for name in ("program", "option", "names")
    )
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1).over(series)) for name in said)
    is_first = pl.int_range(pl.len()).over(series) == 0
    points = points.filter(is_first | ~same).with_columns(
        ends_on=pl.col("begins_on").shift(-1).over(series), first_on=pl.col("begins_on").min().over(series)
    )
    is_over = (pl.col("ends_on") <= ON).fill_null(value=False)
    begun = points.filter(~is_over).with_columns(
        came=pl.col("is_covered").cast(pl.Int8).cum_sum().over(series) > 0
    )
    return begun.filter("came").select(*series, "begins_on", *said)


def people(connection, client_id, covered):
    known = Known.load(client_id)
    named = known.people.filter(pl.col("employee_number").is_in(covered.implode()))
    persons = known.persons.sort("valid_from").unique("person_id", keep="last")
    return (
        persons.join(named.select("person_id", "employee_number"), on="person_id")
        .select(
            "employee_number",
            pl.col("first_name").str.to_uppercase(),
            pl.col("last_name").str.to_uppercase(),
            "birth_on",
            has_ssn=pl.col("ssn_hash").is_not_null(),
        )
        .sort("employee_number")
    )


def test_round_trip(two):
    shown = previewed(two)
    assert shown.is_whole, shown.findings.filter(pl.col("level") != "left")
    done = opened(two)
    was, now = held(two.connection, two.full), held(two.connection, two.empty)
    assert was.height > 100
    assert now.equals(was)
    numbers = was["employee_number"].unique()
    assert people(two.connection, two.empty, numbers).equals(people(two.connection, two.full, numbers))
    assert done.preview.counts["new"] == numbers.len()
    theirs, ours = family(two.connection, two.full, was), family(two.connection, two.empty, was)
    assert ours.equals(theirs)
    assert done.preview.counts["dependents"] == ours.height > 30


def family(connection, client_id, held):
    """The dependents covered, without numbers of ours; an adult child is a child to a carrier."""
    known = Known.load(client_id)
    names = held.select("employee_number", first_name="names").explode("first_name").drop_nulls().unique()
    children = known.dependents.sort("valid_from").unique("dependent_id", keep="last")
    named = children.join(known.people.select("person_id", "employee_number"), on="person_id").with_columns(
        pl.col("first_name", "last_name").str.to_uppercase(),
        kind=pl.col("person_type").replace({"AC": "CH", "SS": "SP"}),
        has_ssn=pl.col("ssn_hash").is_not_null(),
    )
    keys = ["employee_number", "first_name"]
    columns = [*keys, "last_name", "kind", "birth_on", "sex", "has_ssn"]
    return named.join(names, on=keys, how="semi").select(columns).sort(columns)


def test_preview_writes_nothing_and_undo_leaves_nothing(two):
    empty = rows(two.connection, two.empty)
    shown = previewed(two)
    assert rows(two.connection, two.empty) == empty
    done = opened(two)
    assert dict(done.preview.counts) == dict(shown.counts)
    assert held(two.connection, two.empty).height
    again = previewed(two)
    assert (again.opened_before, again.counts["new"]) == (done.change_id, 0)
    with pytest.raises(OpeningRefused, match=f"change {done.change_id}"):
        opened(two)
    back = take_back(two.connection, two.empty, done.change_id, reason="wrong", author="test", now=NOW)
    assert (back.points, back.conflicts) == (shown.counts["points"], 0)
    assert held(two.connection, two.empty).is_empty()
    known = Known.load(two.empty)
    assert known.persons.is_empty()
    assert known.dependents.is_empty()
    assert known.jobs.is_empty()
    later = opened(two)
    assert later.preview.counts["points"] == shown.counts["points"]


def test_people_known_are_recognised_and_only_filled(two):
    before = rows(two.connection, two.full)
    shown = previewed(two, client=two.full)
    assert shown.counts["new"] == shown.counts["points"] == 0
    assert shown.counts["faults"] == 0
    assert {"decided here"} == set(shown.findings.filter(level="left")["code"]) - {"line ended"}
    assert set(shown.differences.filter("is_taken")["before"]) <= {None}
    assert rows(two.connection, two.full) == before
