"""The census import as a whole: what is taken, what is refused, and that it can be taken back."""

import logging
from datetime import UTC, date, datetime

import polars as pl
import pytest
from census_rows import changed, dependents, employees

from openbenefits.accounts.numbers import join_numbers
from openbenefits.workforce import census, frames, services
from openbenefits.workforce.models import (
    AddressFact,
    ChangeSet,
    DependentFact,
    FactChange,
    JobFact,
    Person,
    PersonFact,
)

NOW = datetime(2018, 1, 1, tzinfo=UTC)
DAY = date(2018, 1, 1)
WHO = {"made_by": "test", "now": NOW}
TABLES = (PersonFact, AddressFact, JobFact, DependentFact, FactChange)


@pytest.fixture
def client(fresh_database):
    return services.add_client("ACME", "Acme").pk


@pytest.fixture
def preview(client, tmp_path):
    def of(rows, name="census.csv", **more):
        file = tmp_path / name
        rows.write_csv(file)
        return census.preview(client, file, **{"as_of": DAY} | more)

    return of


@pytest.fixture
def load(preview):
    def of(rows, **more):
        return census.apply(preview(rows, **more), **WHO)

    return of


def cases(client, as_of=DAY):
    ids = pl.Series(
        "person_id", list(Person.objects.order_by("id").values_list("id", flat=True)), dtype=pl.Int64
    )
    return ids.to_frame().select(
        pl.int_range(pl.len(), dtype=pl.Int32).alias("case"),
        pl.lit(client, pl.Int32).alias("client_id"),
        "person_id",
        pl.lit(0, pl.Int16).alias("benefit_record"),
        pl.lit(as_of).alias("as_of"),
    )


def everything(connection, client, as_of=DAY):
    asked = cases(client, as_of)
    return [
        load(connection, asked)
        for load in (frames.as_of, frames.names_as_of, frames.dependents_as_of, frames.dependent_names_as_of)
    ]


def same(before, after):
    return all(mine.equals(theirs) for mine, theirs in zip(before, after, strict=True))


def counts():
    return [table.objects.count() for table in TABLES]


def test_a_thousand_rows_with_seven_faults(preview, caplog):
    rows = employees(1000)
    faults = {
        100: {"birth_date": "2031-05-06"},
        200: {"birth_date": "02/31/1980"},
        300: {"hire_date": "1990-01-01"},
        400: {"state": "ZZ"},
        500: {"zip": "123"},
        600: {"weekly_hours": "200"},
        700: {"annual_pay": "-5"},
    }
    for at, cells in faults.items():
        rows = changed(rows, at, **cells)
    caplog.set_level(logging.DEBUG)
    found = preview(rows)
    census.apply(found, **WHO)
    assert (found.rows_read, found.bad_row_count, found.people["new"]) == (1000, 7, 993)
    assert found.bad_rows["row"].to_list() == [at + 2 for at in faults]
    assert found.bad_rows["column"].to_list() == [next(iter(cells)) for cells in faults.values()]
    assert JobFact.objects.count() == 993
    said = (
        caplog.text
        + repr(found)
        + found.bad_rows.write_csv()
        + found.warnings.write_csv()
        + str(found.differences)
    )
    bad = rows[list(faults)]
    personal = [*rows["ssn"], *rows["last_name"].unique(), *bad["birth_date"]]
    assert not [value for value in personal if value in said]


def test_the_same_file_twice_changes_nothing(fresh_database, client, preview, load):
    people = employees(30)
    rows = pl.concat([people, dependents(people[:9]), dependents(people[:5], "spouse", "Cy", 2)])
    load(rows)
    before, held = counts(), everything(fresh_database, client)
    again = preview(rows)
    assert again.people == {"new": 0, "changed": 0, "same": 30, "asked": 0}
    assert again.differences.is_empty()
    census.apply(again, **WHO)
    assert counts() == before
    assert same(held, everything(fresh_database, client))


def test_a_row_under_the_number_of_somebody_merged_is_about_who_stays(client, preview, load):
    people = employees(1)
    load(people)
    stays = Person.objects.get()
    goes = Person.objects.create(client_id=client, employee_number="OLD")
    join_numbers(client, goes.pk, stays.pk)
    again = preview(people.with_columns(employee_number=pl.lit("OLD"), annual_pay=pl.lit("53000")))
    assert again.people == {"new": 0, "changed": 1, "same": 0, "asked": 0}
    warned = again.warnings.filter(column="employee_number")
    assert warned["expected"].to_list() == ["the number that stays of two that were merged"]
    census.apply(again, **WHO)
    assert set(JobFact.objects.values_list("person_id", flat=True)) == {stays.pk}


def test_taken_back_is_never_happened(fresh_database, client, load):
    people = employees(30)
    load(pl.concat([people, dependents(people[:9])]))
    before = everything(fresh_database, client)
    FactChange.objects.update(consumed_by_run=1)
    other = people.with_columns(
        pl.lit("02110").alias("zip"), pl.lit("60000").alias("annual_pay"), smoker=pl.lit("Y")
    )
    change = load(pl.concat([other, dependents(people[:12], "spouse", "Cy", 2)]))
    assert not same(before, everything(fresh_database, client))
    result = census.take_back(change.pk, **WHO)
    assert same(before, everything(fresh_database, client))
    assert result.conflicts.is_empty()
    assert not FactChange.objects.filter(consumed_by_run=None).exists()
    assert ChangeSet.objects.get(undoes=change).kind == "undo"


def test_a_first_import_taken_back_and_loaded_again(fresh_database, client, preview, load):
    rows = employees(5)
    change = load(rows)
    before = everything(fresh_database, client)
    census.take_back(change.pk, **WHO)
    assert everything(fresh_database, client)[0]["job_number"].null_count() == 5
    found = preview(rows)
    assert found.people == {"new": 5, "changed": 0, "same": 0, "asked": 0}
    census.apply(found, **WHO)
    assert same(before, everything(fresh_database, client))


def test_what_a_run_has_consumed_comes_again_when_taken_back(client, load):
    change = load(employees(3))
    FactChange.objects.filter(fact="job").update(consumed_by_run=7)
    result = census.take_back(change.pk, **WHO)
    waiting = FactChange.objects.filter(consumed_by_run=None)
    assert [(row.fact, row.operation, row.is_trigger) for row in waiting] == [("job", "D", True)] * 3
    assert (result.withdrawn, result.restored) == (9, 0)


def test_a_later_hand_edit_is_a_conflict_and_is_left_alone(fresh_database, client, load):
    change = load(employees(2))
    person = Person.objects.get(employee_number="E00001")
    edit = services.correct_job(
        client, person.pk, on=date(2010, 3, 1), changes={"annual_pay_cents": 9}, **WHO
    )
    result = census.take_back(change.pk, **WHO)
    assert result.conflicts.select("fact", "person_id", "change_id").rows() == [
        ("job", person.pk, edit.change.pk)
    ]
    held = frames.as_of(fresh_database, cases(client))
    assert held["annual_pay_cents"].to_list() == [9, None]


def test_differences_are_counted_by_field(client, preview, load):
    rows = employees(10)
    load(rows)
    found = preview(
        changed(changed(rows, 2, annual_pay="60000", zip="02110"), 3, annual_pay="1", ssn="987654321")
    )
    assert found.people == {"new": 0, "changed": 2, "same": 8, "asked": 0}
    assert dict(found.field_counts.iter_rows()) == {"annual_pay_cents": 2, "postal_code": 1, "ssn": 1}
    assert "987654321" not in str(found.differences.rows())


def test_a_blank_cell_erases_nothing(fresh_database, client, load, preview):
    rows = employees(2)
    load(rows)
    found = preview(changed(rows, 0, ssn=None, annual_pay=None, zip=None, sex=None))
    assert found.people["same"] == 2
    assert found.warnings["column"].to_list() == ["annual_pay", "zip"]


def test_leave_and_termination_get_their_hire_row(fresh_database, client, load):
    rows = changed(employees(2), 0, job_status="T", last_day_employed="2017-12-31", action="TER")
    load(changed(rows, 1, job_status="L", effective_date="2017-06-01", action="LOA"))
    held = frames.as_of(fresh_database, cases(client))
    assert held["hire_on"].to_list() == [date(2010, 3, 1)] * 2
    assert held["job_status"].to_list() == ["T", "L"]
    assert held["job_valid_from"].to_list() == [date(2018, 1, 1), date(2017, 6, 1)]
    assert frames.as_of(fresh_database, cases(client, date(2017, 5, 31)))["job_status"].to_list() == [
        "A",
        "A",
    ]


def test_second_jobs(fresh_database, client, load):
    rows = employees(1)
    second = changed(
        rows, 0, job_number="1", benefit_record="1", primary_job="Y", effective_date="2015-01-01"
    )
    load(pl.concat([rows, second]))
    held = frames.as_of(fresh_database, cases(client).with_columns(benefit_record=pl.lit(1, pl.Int16)))
    assert held.select("job_number", "hire_on").rows() == [(1, date(2015, 1, 1))]
    assert frames.as_of(fresh_database, cases(client))["job_number"].to_list() == [0]


def test_two_current_spouses(client, preview, load):
    people = employees(2)
    both = pl.concat(
        [people, dependents(people[:1], "spouse", "Bo", 1), dependents(people[:1], "spouse", "Cy", 2)]
    )
    found = preview(both, max_bad_share=1)
    assert found.bad_rows.select("row", "column").rows() == [(4, "relationship"), (5, "relationship")]
    assert "end the first?" in found.bad_rows["cure"][0]
    load(pl.concat([people, dependents(people[:1], "spouse", "Bo", 1)]))
    beside = pl.concat([people, dependents(people[:1], "spouse", "Cy", 2)])
    assert preview(beside, max_bad_share=1).bad_rows["row"].to_list() == [4]
    ended = pl.concat([beside, dependents(people[:1], "former_spouse", "Bo", 1)])
    assert preview(ended).bad_rows.is_empty()


def test_a_dependent_who_died_is_former_from_that_day_and_stays_so(client, load, preview):
    people = employees(1)
    child = dependents(people, "child", "Bo", 1)
    load(pl.concat([people, child]))
    load(pl.concat([people, changed(child, 0, died_on="2017-11-05")]))
    last = DependentFact.objects.order_by("valid_from", "version").last()
    assert (last.valid_from, last.is_former, last.died_on) == (date(2017, 11, 5), True, date(2017, 11, 5))
    assert preview(changed(child, 0, died_on="2017-11-05")).differences.is_empty()
    load(changed(child, 0, sex="F"))
    assert DependentFact.objects.order_by("valid_from", "version").last().died_on == date(2017, 11, 5)


def test_a_dependent_of_nobody_and_of_a_bad_row(client, preview):
    people = employees(3)
    stray = changed(dependents(people[:1]), 0, employee_number="E99999")
    rows = pl.concat([changed(people, 0, zip="1"), dependents(people[:2]), stray])
    found = preview(rows, max_bad_share=1)
    assert found.bad_rows.select("row", "column").rows() == [
        (2, "zip"),
        (5, "employee_number"),
        (7, "employee_number"),
    ]


def test_too_many_bad_rows_refuse_the_file(preview):
    rows = employees(3)
    with pytest.raises(census.CensusRefused, match="1 of 3 rows are bad"):
        census.apply(preview(changed(rows, 0, zip="1")), **WHO)
    assert not PersonFact.objects.exists()


def test_a_preview_goes_stale(client, preview, load):
    found = preview(employees(2))
    load(employees(1))
    with pytest.raises(census.PreviewOutdated):
        census.apply(found, **WHO)


def test_the_same_job_row_twice_and_two_people_under_one_number(preview):
    rows = employees(4)
    twice = pl.concat([rows, rows[:1], changed(rows[1:2], 0, first_name="Zoe", effective_date="2012-01-01")])
    found = preview(twice, max_bad_share=1)
    assert found.bad_rows["row"].to_list() == [3, 6, 7]
    assert found.bad_rows["cure"][1] == "remove this row, or row 2"
