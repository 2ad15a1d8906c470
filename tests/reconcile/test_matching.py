"""Who a line is about: every step with its confidence, ties, and what likeness may not do."""

from datetime import date

import polars as pl
import pytest

from openbenefits.reconcile.rules.matching import dependents_lines, match

BORN = date(1980, 4, 12)
KNOWN = [
    # client, person, is_dependent, number, last, first, born, ssn, last4
    (1, 10, False, "E1", "Nuñez", "María", BORN, "s1", "f1"),
    (1, 11, False, "E2", "Smith", "John", date(1955, 1, 2), "s2", "f2"),
    (1, 12, False, "E3", "Smith", "John", date(1985, 7, 9), "s3", "f3"),
    (1, 11, True, None, "Smith", "Ann", date(2010, 3, 3), None, None),
    (2, 20, False, "E1", "Nunez", "Maria", date(1990, 1, 1), "s9", "f9"),
    (1, 13, False, "E4", "Obrien", "William", BORN, "s4", "f4"),
    (1, 14, False, "E5", "Young", "Emma", date(1970, 2, 3), "s5", "f5"),
    (1, 15, False, "E6", "Young", "Felix", date(1971, 4, 5), "s5", "f5"),  # one number for both, by mistake
]
SCHEMA = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "is_dependent": pl.Boolean,
    "employee_number": pl.String,
    "last_name": pl.String,
    "first_name": pl.String,
    "birth_on": pl.Date,
    "ssn_hash": pl.String,
    "last4_hash": pl.String,
}
NOBODY = pl.DataFrame(schema={"identity": pl.String, "client_id": pl.Int32, "person_id": pl.Int64})


def found(references=NOBODY, **line):
    told = {"identity": "M:1", "client_id": 1} | line
    schema = {"identity": pl.String} | {
        name: SCHEMA[name] for name in SCHEMA if name not in ("person_id", "is_dependent")
    }
    lines = pl.DataFrame([{name: told.get(name) for name in schema}], schema=schema)
    known = pl.DataFrame(KNOWN, schema=SCHEMA, orient="row")
    row = match(lines, known, references).row(0, named=True)
    return row["person_id"], row["confidence"], row["standing"]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ({"ssn_hash": "s1", "last_name": "NUNEZ"}, (10, 98, "matched")),
        ({"ssn_hash": "s1", "birth_on": BORN, "last_name": "Other"}, (10, 98, "matched")),
        ({"ssn_hash": "s1", "last_name": "Other"}, (10, 93, "matched")),
        ({"ssn_hash": "s5", "last_name": "Young", "first_name": "Felix"}, (15, 98, "matched")),
        ({"ssn_hash": "s5", "last_name": "Young"}, (None, 0, "unmatched")),
        ({"employee_number": "E1", "last_name": "Nunez"}, (10, 95, "matched")),
        ({"employee_number": "E1", "last_name": "Nunez", "client_id": 2}, (20, 95, "matched")),
        ({"last_name": "NUÑEZ JR.", "first_name": "Maria L", "birth_on": BORN}, (10, 95, "matched")),
        ({"last_name": "O'Brien", "first_name": "Bill", "birth_on": BORN}, (13, 92, "matched")),
        ({"last_name": "O'Brien", "first_name": "Bill"}, (None, 0, "unmatched")),
        ({"last4_hash": "f2", "birth_on": date(1955, 1, 2)}, (11, 90, "matched")),
        ({"last4_hash": "f2", "last_name": "Smith", "first_name": "J"}, (11, 90, "matched")),
        ({"last_name": "Nunes", "first_name": "Maria", "birth_on": BORN}, (10, 88, "ask")),
        ({"last_name": "Nunez", "first_name": "Maria", "birth_on": date(1980, 12, 4)}, (10, 82, "ask")),
        ({"last_name": "Nunez", "first_name": "Maria", "birth_on": date(1980, 4, 21)}, (10, 82, "ask")),
        ({"last_name": "Nunez", "first_name": "Maria"}, (10, 75, "ask")),
        ({"last_name": "Smith", "first_name": "John"}, (None, 0, "unmatched")),  # father and son
        (
            {"last_name": "Nunez", "first_name": "Maria", "birth_on": date(1971, 9, 30)},
            (None, 0, "unmatched"),
        ),
        ({"last_name": "Quimby", "first_name": "Zelda", "birth_on": BORN}, (None, 0, "unmatched")),
    ],
)
def test_the_first_step_that_finds_somebody_holds(line, answer):
    assert found(**line) == answer


def test_what_a_person_confirmed_comes_before_everything():
    told = pl.DataFrame([("M:1", 1, 12)], schema=NOBODY.schema, orient="row")
    assert found(told, ssn_hash="s1", last_name="Nunez") == (12, 100, "matched")
    nobody = pl.DataFrame([("M:1", 1, None)], schema=NOBODY.schema, orient="row")
    assert found(nobody, ssn_hash="s1", last_name="Nunez") == (None, 100, "unmatched")


def test_one_number_at_two_clients_is_two_people_unless_somebody_said_otherwise():
    """A line under another client's subgroup is not passed over to the person's own client."""
    both = [
        {"client_id": 1, "ssn_hash": "s1"},
        {"client_id": 2, "last_name": "Nunez", "employee_number": "E1"},
    ]
    lone = [{"client_id": 1, "ssn_hash": "s4"}, {"client_id": 2, "ssn_hash": "s4"}]
    said = pl.DataFrame([("M:1", 1, 13)], schema=NOBODY.schema, orient="row")
    assert people_of(both, NOBODY) == {1: 10, 2: 20}
    assert people_of(lone, NOBODY) == {1: 13, 2: None}
    assert people_of(lone, said) == {1: 13, 2: 13}
    assert people_of(both, said) == {1: 13, 2: 20}


def people_of(told, references):
    names = [name for name in SCHEMA if name not in ("person_id", "is_dependent")]
    lines = pl.DataFrame(
        [{"identity": "M:1", **{name: one.get(name) for name in names}} for one in told],
        schema={"identity": pl.String} | {name: SCHEMA[name] for name in names},
    )
    found = match(lines, pl.DataFrame(KNOWN, schema=SCHEMA, orient="row"), references)
    return {one["of_client"]: one["person_id"] for one in found.to_dicts()}


def test_a_dependent_on_a_line_of_its_own_is_the_employees():
    assert found(last_name="Smith", first_name="Ann", birth_on=date(2010, 3, 3)) == (11, 95, "matched")


def test_without_a_client_sure_keys_are_looked_for_everywhere():
    assert found(client_id=None, ssn_hash="s9", last_name="Nunez") == (20, 98, "matched")
    assert found(client_id=None, last_name="Nunez", first_name="Maria")[2] == "unmatched"


def test_a_family_billed_under_one_number_is_told_apart():
    lines = pl.DataFrame(
        [
            (11, True, None, "Smith", "John", date(1955, 1, 2)),  # found by the line of his daughter
            (11, False, None, "Smith", "Ann", date(2010, 3, 3)),
            (11, False, "Spouse", "Smith", "Eve", None),
            (11, True, "Subscriber", None, None, None),
            (11, True, None, "Smith", "A", None),
            (None, None, None, "Quimby", "Zelda", BORN),
        ],
        schema=["person_id", "is_dependent", "relationship", "last_name", "first_name", "birth_on"],
        orient="row",
    )
    known = pl.DataFrame(KNOWN, schema=SCHEMA, orient="row")
    assert dependents_lines(lines, known).to_list() == [False, True, True, False, True, False]
