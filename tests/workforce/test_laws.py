"""The loaders against a slow, obvious scan of generated facts; and recording the same facts twice."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openbenefits.store.bulk import schema_of
from openbenefits.workforce import frames, services
from openbenefits.workforce.models import AddressFact, DependentFact, FactChange, JobFact, PersonFact
from openbenefits.workforce.recording import FactFrames, record_facts

DAYS = st.integers(0, 5).map(lambda n: date(2018, 1, 1) + timedelta(days=n))
PEOPLE, DEPENDENTS = 3, 4
JOB = st.fixed_dictionaries(
    {
        "person": st.integers(0, PEOPLE - 1),
        "job_number": st.integers(0, 1),
        "valid_from": DAYS,
        "sequence": st.integers(0, 1),
        "benefit_record": st.integers(0, 1),
        "is_primary": st.booleans(),
        "action": st.sampled_from(["HIR", "REH", "PAY"]),
        "annual_pay_cents": st.integers(0, 3),
        "is_deleted": st.booleans(),
    }
)
ADDRESS = st.fixed_dictionaries(
    {
        "person": st.integers(0, PEOPLE - 1),
        "valid_from": DAYS,
        "postal_code": st.sampled_from(["02139", "02110"]),
        "is_deleted": st.booleans(),
    }
)
DEPENDENT = st.fixed_dictionaries(
    {
        "dependent": st.integers(0, DEPENDENTS - 1),
        "valid_from": DAYS,
        "person_type": st.sampled_from(["SP", "CH"]),
        "is_deleted": st.booleans(),
    }
)
CHANGES = st.lists(
    st.fixed_dictionaries(
        {
            "jobs": st.lists(JOB, max_size=6, unique_by=lambda row: tuple(row[name] for name in JOB_KEY)),
            "addresses": st.lists(
                ADDRESS, max_size=3, unique_by=lambda row: (row["person"], row["valid_from"])
            ),
            "dependents": st.lists(
                DEPENDENT, max_size=3, unique_by=lambda row: (row["dependent"], row["valid_from"])
            ),
        }
    ),
    min_size=1,
    max_size=4,
)
JOB_KEY = ("person", "job_number", "valid_from", "sequence")
ASKED = st.tuples(st.integers(0, PEOPLE - 1), st.integers(0, 1), DAYS)


@pytest.fixture(scope="module")
def world(database):
    """Make clients, each with the same few people: (connection, client, person keys, dependent keys)."""

    def make(number):
        client = services.add_client(f"C{number}", "Client")
        people = services.add_people(client.pk, pl.Series([str(n) for n in range(PEOPLE)]))[
            "person_id"
        ].to_list()
        family = pl.DataFrame(
            {"person_id": [people[n % PEOPLE] for n in range(DEPENDENTS)], "number": range(DEPENDENTS)}
        )
        return (
            database,
            client.pk,
            people,
            services.add_dependents(client.pk, family)["dependent_id"].to_list(),
        )

    numbers = iter(range(10**6))
    return lambda: make(next(numbers))


def moment(number):
    return datetime(2018, 1, 1, tzinfo=UTC) + timedelta(hours=number)


def record(client, people, family, change, number):
    def frame(rows, **more):
        if not rows:
            return None
        keyed = [
            {"person_id": people[row["person"]]}
            if "person" in row
            else {"person_id": people[row["dependent"] % PEOPLE], "dependent_id": family[row["dependent"]]}
            for row in rows
        ]
        stated = [{k: v for k, v in row.items() if k not in ("person", "dependent")} for row in rows]
        return pl.DataFrame([key | row | more for key, row in zip(keyed, stated, strict=True)])

    stated = FactFrames(
        jobs=frame(change["jobs"], job_status="A"),
        addresses=frame(change["addresses"], state="MA"),
        dependents=frame(change["dependents"], first_name="A", last_name="B"),
    )
    record_facts(client, stated, kind="entry", label="law", made_by="test", now=moment(number))


def scan(changes, table, key, owner):
    """Replay the changes by hand: key → row, for one person."""
    held = {}
    for change in changes:
        for row in change[table]:
            if row[owner[0]] in owner[1]:
                held[tuple(row[name] for name in key)] = row
    return [row for row in held.values() if not row["is_deleted"]]


def expected(changes, person, record_number, day):
    addresses = [
        row
        for row in scan(changes, "addresses", ("valid_from",), ("person", [person]))
        if row["valid_from"] <= day
    ]
    address = max(addresses, key=lambda row: row["valid_from"], default=None)
    jobs = [row for row in scan(changes, "jobs", JOB_KEY, ("person", [person])) if row["valid_from"] <= day]
    order = lambda row: (row["valid_from"], row["sequence"])  # noqa: E731
    last = [
        max((row for row in jobs if row["job_number"] == n), key=order)
        for n in {row["job_number"] for row in jobs}
    ]
    of_record = [row for row in last if row["is_primary"] and row["benefit_record"] == record_number]
    job = max(of_record, key=lambda row: (*order(row), -row["job_number"]), default=None)
    if job is None:
        return address and address["postal_code"], None, None, None
    hires = [
        row["valid_from"] for row in jobs if row["job_number"] == job["job_number"] and row["action"] != "PAY"
    ]
    return (
        address and address["postal_code"],
        job["job_number"],
        job["annual_pay_cents"],
        max(hires, default=None),
    )


def expected_dependents(changes, person, day):
    mine = [n for n in range(DEPENDENTS) if n % PEOPLE == person]
    rows = [
        row
        for row in scan(changes, "dependents", ("dependent", "valid_from"), ("dependent", mine))
        if row["valid_from"] <= day
    ]
    last = {row["dependent"]: row for row in sorted(rows, key=lambda row: row["valid_from"])}
    return sorted((n, row["person_type"]) for n, row in last.items())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES, asked=st.lists(ASKED, min_size=1, max_size=6), known=st.integers(0, 4))
def test_as_of_equals_a_scan(world, changes, asked, known):
    connection, client, people, family = world()
    for number, change in enumerate(changes):
        record(client, people, family, change, number)
    written = FactChange.objects.filter(client_id=client).count()
    record(client, people, family, changes[-1], len(changes))  # the same again
    assert FactChange.objects.filter(client_id=client).count() == written
    cases = pl.DataFrame(
        [
            (n, client, people[person], record_number, day)
            for n, (person, record_number, day) in enumerate(asked)
        ],
        {
            "case": pl.Int32,
            "client_id": pl.Int32,
            "person_id": pl.Int64,
            "benefit_record": pl.Int16,
            "as_of": pl.Date,
        },
        orient="row",
    )
    then = changes[: known + 1]
    found = frames.as_of(connection, cases, known_at=moment(known))
    shown = found.select("postal_code", "job_number", "annual_pay_cents", "hire_on").rows()
    assert shown == [expected(then, *question) for question in asked]
    dependents = frames.dependents_as_of(connection, cases, known_at=moment(known))
    for n, (person, _, day) in enumerate(asked):
        mine = dependents.filter(pl.col("case") == n).select("number", "person_type").rows()
        assert sorted(mine) == expected_dependents(then, person, day)


@pytest.mark.parametrize(
    ("model", "declared"),
    [
        (PersonFact, frames.PERSON | frames.PERSON_MORE),
        (AddressFact, frames.ADDRESS),
        (JobFact, frames.JOB_PLACE | frames.JOB | frames.JOB_MORE),
        (DependentFact, frames.DEPENDENT),
    ],
)
def test_declared_types_are_those_of_the_tables(model, declared):
    stored = schema_of(model)
    assert declared == {name: stored[name] for name in declared}
