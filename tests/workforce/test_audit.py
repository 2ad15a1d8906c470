from datetime import UTC, date, datetime

import pytest

from openbenefits.workforce import services
from openbenefits.workforce.audit import FINDING, audit_data

WHO = {"made_by": "test", "now": datetime(2018, 1, 1, tzinfo=UTC)}
DAY = date(2018, 1, 1)


@pytest.fixture
def client(fresh_database):
    return services.add_client("ACME", "Acme").pk


def hired(client, number="1", birth_on=date(1980, 1, 2), status="single", **job):
    return services.hire(
        client,
        employee_number=number,
        first_name="Ada",
        last_name="Moss",
        on=date(2010, 3, 1),
        person={"birth_on": birth_on, "marital_status": status},
        address={"state": "MA", "postal_code": "02139"},
        job={"annual_pay_cents": 1} | job,
        **WHO,
    ).person_id


def add(client, person, person_type, birth_on, first_name="Bo", ssn=None, **more):
    names = {"first_name": first_name, "last_name": "Moss", "ssn": ssn}
    dependent = {"birth_on": birth_on} | more
    return services.add_dependent(
        client, person, on=date(2015, 1, 1), person_type=person_type, dependent=dependent, **names, **WHO
    )


def codes(connection, client):
    found = audit_data(connection, [client], DAY)
    assert found.schema == FINDING
    return found["code"].to_list()


def test_nothing_to_say(fresh_database, client):
    add(client, hired(client, status="married"), "SP", date(1981, 1, 1))
    assert codes(fresh_database, client) == []


def test_people(fresh_database, client):
    hired(client, "1", birth_on=date(1910, 1, 1))
    hired(client, "2", is_primary=False)
    hired(client, "3", birth_on=None, annual_pay_cents=None)
    gone = hired(client, "4")
    services.delete_job_row(client, gone, on=date(2010, 3, 1), **WHO)
    assert codes(fresh_database, client) == ["HR2001", "HR2002", "HR2003", "HR2020", "HR2022"]


def test_families(fresh_database, client):
    add(client, hired(client, "1"), "SP", date(2010, 1, 1))
    hired(client, "2", status="married")
    third = hired(client, "3")
    add(client, third, "CH", date(1979, 1, 1))
    add(client, third, "CH", date(1990, 1, 1), is_disabled=True)
    add(client, third, "OD", None)
    assert codes(fresh_database, client) == [
        "HR2004",
        "HR2005",
        "HR2008",
        "HR2009",
        "HR2010",
        "HR2011",
        "HR2023",
    ]


def test_rows_after_the_end(fresh_database, client):
    person = hired(client)
    services.terminate(client, person, last_day_employed=date(2017, 6, 30), **WHO)
    services.change_job(client, person, on=date(2018, 5, 1), action="PAY", changes={"job_status": "A"}, **WHO)
    assert codes(fresh_database, client) == ["HR2007"]


def test_who_is_the_same_human_twice(fresh_database, client):
    first = hired(client, "1")
    add(client, first, "CH", date(2012, 1, 1))
    add(client, first, "CH", date(2012, 1, 1))
    second = hired(client, "2")
    add(client, second, "CH", date(2012, 1, 1))
    add(client, second, "CH", date(2012, 1, 2))
    third = hired(client, "3", status="married")
    add(client, third, "SP", date(1980, 1, 2), first_name="ADA")
    fourth = hired(client, "4")
    add(client, fourth, "CH", date(2012, 1, 1))
    add(client, fourth, "CH", date(2012, 1, 1), is_former=True)
    found = audit_data(fresh_database, [client], DAY).select("code", "person_id").rows()
    assert found == [("HR2012", first), ("HR2013", third)]


def test_an_ssn_tells_the_same_human_whatever_the_name(fresh_database, client):
    person = hired(client, "1")
    add(client, person, "CH", date(2012, 1, 1), ssn="123-45-6789")
    add(client, person, "CH", date(2012, 1, 2), ssn="123-45-6789", first_name="Cy")
    add(client, person, "CH", date(2012, 1, 3), ssn="123-45-6780")
    assert codes(fresh_database, client) == ["HR2012"]


def test_one_spouse_or_partner_at_a_time(fresh_database, client):
    first = hired(client, "1", status="married")
    add(client, first, "SP", date(1980, 1, 1), first_name="Cy")
    services.add_dependent(  # dated before the first, so that nothing stands in its way when it is entered
        client, first, on=date(2014, 1, 1), person_type="DP", first_name="Di", last_name="Moss",
        dependent={"birth_on": date(1981, 1, 1)}, **WHO,
    )  # fmt: skip
    second = hired(client, "2", status="married")
    add(client, second, "SP", date(1980, 1, 1), first_name="Ed")
    add(client, second, "SP", date(1982, 1, 1), first_name="Flo", is_former=True)
    found = audit_data(fresh_database, [client], DAY).select("code", "person_id").rows()
    assert found == [("HR2006", first)]


@pytest.mark.parametrize(
    ("address", "expected"), [({"state": "MA"}, ["HR2021"]), ({"postal_code": "02139"}, [])]
)
def test_a_home_zip(fresh_database, client, address, expected):
    services.hire(
        client,
        employee_number="1",
        first_name="Ada",
        last_name="Moss",
        on=date(2010, 3, 1),
        person={"birth_on": date(1980, 1, 2), "marital_status": "single"},
        address=address,
        job={"annual_pay_cents": 1},
        **WHO,
    )
    assert codes(fresh_database, client) == expected
