"""Benefits bases by census: what is stated is written from its day, previewed, and taken back."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from census_rows import changed, dependents, employees

from openbenefits.workforce import census, services
from openbenefits.workforce.models import BenefitBaseFact, ChangeSet, Person
from openbenefits.workforce.undo import take_back

NOW, LATER = datetime(2018, 1, 1, tzinfo=UTC), datetime(2018, 1, 2, tzinfo=UTC)
DAY = date(2018, 1, 1)


@pytest.fixture
def client(fresh_database):
    return services.add_client("ACME", "Acme").pk


@pytest.fixture
def preview(client, tmp_path):
    def of(rows, **more):
        file = tmp_path / "census.csv"
        rows.write_csv(file)
        return census.preview(client, file, **{"as_of": DAY, "max_bad_share": 1} | more)

    return of


def held():
    rows = BenefitBaseFact.objects.filter(is_deleted=False).order_by("person_id", "base_type", "valid_from")
    latest = {(one.person_id, one.base_type, one.valid_from): one.annual_pay_cents for one in rows}
    numbers = dict(Person.objects.values_list("id", "employee_number"))
    return [(numbers[person], kind, day, cents) for (person, kind, day), cents in latest.items()]


def test_bases_hold_from_hire_of_who_is_new_and_from_the_day_of_who_is_known(preview):
    rows = changed(employees(2), 0, base_type="BONUS", base_amount="$64,000.50")
    rows = changed(rows, 0, base_type_3="OTHER", base_amount_3="0")
    census.apply(preview(rows), made_by="test", now=NOW)
    hired = date(2010, 3, 1)
    first = [("E00001", "BONUS", hired, 6_400_050), ("E00001", "OTHER", hired, 0)]
    assert held() == first

    assert preview(rows).people == {"new": 0, "changed": 0, "same": 2, "asked": 0}
    raised = changed(rows, 0, base_amount="70000")
    raised = changed(raised, 1, base_type="BONUS", base_amount="1")
    found = preview(raised)
    assert found.people == {"new": 0, "changed": 2, "same": 0, "asked": 0}
    assert found.differences.select("fact", "row", "field", "before", "after").rows() == [
        ("benefit_base", 2, "base BONUS", "6400050", "7000000"),
        ("benefit_base", 3, "base BONUS", None, "100"),
    ]
    assert held() == first  # nothing is written by a preview
    change = census.apply(found, made_by="test", now=LATER)
    second = [first[0], ("E00001", "BONUS", DAY, 7_000_000), first[1], ("E00002", "BONUS", DAY, 100)]
    assert held() == second

    take_back(change.pk, made_by="test", now=LATER)
    deleted = BenefitBaseFact.objects.filter(is_deleted=True).values_list("valid_from", flat=True)
    assert list(deleted) == [DAY, DAY]
    assert preview(rows).people["same"] == 2
    assert ChangeSet.objects.count() == 3


def test_a_base_of_the_same_day_is_corrected_and_a_blank_cell_erases_nothing(preview):
    rows = changed(employees(1), 0, base_type="BONUS", base_amount="100", effective_date="2017-05-01")
    census.apply(preview(rows), made_by="test", now=NOW)
    again = changed(rows, 0, base_amount="200")
    census.apply(preview(again), made_by="test", now=LATER)
    assert held() == [("E00001", "BONUS", date(2017, 5, 1), 20_000)]
    assert preview(employees(1)).facts.benefit_bases.is_empty()


FAULTS = [
    ({"base_type": "BONUS"}, "base_amount"),
    ({"base_amount": "5"}, "base_type"),
    ({"base_type_2": "BONUS", "base_amount_2": "-1"}, "base_amount_2"),
    ({"base_type_3": "BONUS", "base_amount_3": "many"}, "base_amount_3"),
    ({"base_type": "two words", "base_amount": "1"}, "base_type"),
    ({"base_type": "B", "base_amount": "1", "base_type_2": "B", "base_amount_2": "2"}, "base_type_2"),
]


@pytest.mark.parametrize(("stated", "column"), FAULTS)
def test_a_base_that_cannot_be_is_a_bad_row(preview, stated, column):
    found = preview(changed(employees(2), 1, **stated))
    assert found.bad_rows.select("row", "column").rows() == [(3, column)]
    assert found.people["new"] == 1


def test_a_dependent_has_no_base(preview):
    people = employees(1)
    child = changed(dependents(people), 0, base_type="B", base_amount="1")
    found = preview(pl.concat([people, child]))
    assert found.bad_rows.select("row", "column").rows() == [(3, "base_type")]


def test_headings_people_give_bases_are_recognised():
    found = census.recognise(["Benefits base type", "ABBR", "Benefits base amount 2"])
    assert sorted(found.found.values()) == ["base_amount", "base_amount_2", "base_type"]
