"""Single-record use cases, as seen through the loaders and the change feed."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from openbenefits.workforce import frames, services
from openbenefits.workforce.models import FactChange, JobFact

NOW = datetime(2018, 1, 1, tzinfo=UTC)
WHO = {"made_by": "test", "now": NOW}
JOB = {"benefit_group": "A", "annual_pay_cents": 5_200_000, "weekly_hours_hundredths": 4000}
HOME = {"city": "Cambridge", "state": "MA", "postal_code": "02139"}


def case(client_id, person_id, as_of, benefit_record=0):
    row = {"case": 1, "client_id": client_id, "person_id": person_id, "benefit_record": benefit_record}
    schema = {"case": pl.Int32, "client_id": pl.Int32, "person_id": pl.Int64, "benefit_record": pl.Int16}
    return pl.DataFrame(row | {"as_of": as_of}, schema | {"as_of": pl.Date})


def facts(connection, client_id, person_id, as_of, **then):
    found = frames.as_of(connection, case(client_id, person_id, as_of), **then)
    return frames.CaseFacts.validate(found, cast=False).row(0, named=True)


@pytest.fixture
def client(fresh_database):
    return services.add_client("ACME", "Acme")


@pytest.fixture
def ada(client):
    return services.hire(
        client.pk,
        employee_number="1",
        first_name="Ada",
        last_name="Moss",
        on=date(2010, 3, 1),
        job=JOB,
        person={"birth_on": date(1980, 1, 2), "sex": "F"},
        address=HOME,
        ssn="123-45-6789",
        **WHO,
    ).person_id


def test_hire(fresh_database, client, ada):
    held = facts(fresh_database, client.pk, ada, date(2018, 1, 1))
    assert (held["hire_on"], held["state"], held["annual_pay_cents"]) == (date(2010, 3, 1), "MA", 5_200_000)
    assert facts(fresh_database, client.pk, ada, date(2010, 2, 28))["job_number"] is None
    feed = FactChange.objects.order_by("fact").values_list("fact", "operation", "is_trigger")
    assert list(feed) == [("address", "I", False), ("job", "I", True), ("person", "I", False)]


def test_terminate_and_rehire(fresh_database, client, ada):
    services.terminate(client.pk, ada, last_day_employed=date(2018, 1, 31), **WHO)
    ended = facts(fresh_database, client.pk, ada, date(2018, 2, 1))
    assert (ended["job_status"], ended["last_day_employed"]) == ("T", date(2018, 1, 31))
    assert facts(fresh_database, client.pk, ada, date(2018, 1, 31))["job_status"] == "A"
    services.change_job(client.pk, ada, on=date(2018, 6, 1), action="REH", changes={}, **WHO)
    again = facts(fresh_database, client.pk, ada, date(2018, 6, 1))
    assert (again["job_status"], again["last_day_employed"], again["hire_on"]) == (
        "A",
        None,
        date(2018, 6, 1),
    )


def test_a_change_of_job_keeps_the_rest_and_two_of_a_day_are_ordered(fresh_database, client, ada):
    services.change_job(
        client.pk, ada, on=date(2018, 2, 1), action="PAY", changes={"annual_pay_cents": 1}, **WHO
    )
    services.change_job(client.pk, ada, on=date(2018, 2, 1), action="XFR", changes={"location": "BOS"}, **WHO)
    held = facts(fresh_database, client.pk, ada, date(2018, 2, 1))
    assert (held["annual_pay_cents"], held["location"], held["sequence"]) == (1, "BOS", 1)
    assert held["benefit_group"] == "A"


def test_correct_move_and_delete_a_job_row(fresh_database, client, ada):
    services.change_job(
        client.pk, ada, on=date(2018, 2, 1), action="PAY", changes={"annual_pay_cents": 1}, **WHO
    )
    services.correct_job(client.pk, ada, on=date(2018, 2, 1), changes={"annual_pay_cents": 2}, **WHO)
    assert facts(fresh_database, client.pk, ada, date(2018, 2, 1))["annual_pay_cents"] == 2
    services.correct_job(client.pk, ada, on=date(2018, 2, 1), changes={"valid_from": date(2018, 3, 1)}, **WHO)
    assert facts(fresh_database, client.pk, ada, date(2018, 2, 28))["annual_pay_cents"] == 5_200_000
    services.delete_job_row(client.pk, ada, on=date(2018, 3, 1), **WHO)
    assert facts(fresh_database, client.pk, ada, date(2018, 4, 1))["annual_pay_cents"] == 5_200_000
    operations = FactChange.objects.filter(fact="job").order_by("id").values_list("operation", "valid_from")
    feb, mar = date(2018, 2, 1), date(2018, 3, 1)
    assert list(operations)[1:] == [("I", feb), ("C", feb), ("D", feb), ("I", mar), ("D", mar)]


def test_with_the_hire_moves_what_came_with_it(fresh_database, client, ada):
    """Ada was hired on 1 March 2010, or so it was said."""
    kim = services.add_dependent(
        client.pk, ada, on=date(2010, 3, 1), first_name="Kim", last_name="L", person_type="CH", **WHO
    ).dependent_id
    services.correct_job(client.pk, ada, on=date(2010, 3, 1), changes={"valid_from": date(2010, 2, 1)}, **WHO)
    held = facts(fresh_database, client.pk, ada, date(2010, 2, 1))
    assert (held["hire_on"], held["service_on"]) == (date(2010, 2, 1), date(2010, 2, 1))
    assert held["birth_on"] is not None
    assert held["postal_code"] is not None
    household = frames.dependents_as_of(fresh_database, case(client.pk, ada, date(2010, 2, 1)))
    assert household["dependent_id"].to_list() == [kim]
    services.correct_job(client.pk, ada, on=date(2010, 2, 1), changes={"valid_from": date(2010, 4, 1)}, **WHO)
    held = facts(fresh_database, client.pk, ada, date(2018, 1, 1))
    assert (held["hire_on"], held["service_on"]) == (date(2010, 4, 1), date(2010, 4, 1))


def test_as_then_known(fresh_database, client, ada):
    later = {"made_by": "test", "now": datetime(2018, 5, 1, tzinfo=UTC)}
    services.correct_job(client.pk, ada, on=date(2010, 3, 1), changes={"annual_pay_cents": 7}, **later)
    day = date(2018, 1, 1)
    assert facts(fresh_database, client.pk, ada, day)["annual_pay_cents"] == 7
    assert facts(fresh_database, client.pk, ada, day, known_at=NOW)["annual_pay_cents"] == 5_200_000


@pytest.mark.parametrize(
    ("address", "is_trigger"),
    [
        ({"city": "Boston", "state": "MA", "postal_code": "02139"}, False),
        ({"city": "Boston", "state": "MA", "postal_code": "02110"}, True),
        ({"city": "Cambridge", "state": "NH", "postal_code": "02139"}, True),
    ],
)
def test_a_move_triggers_only_with_another_place(client, ada, address, is_trigger):
    done = services.move(client.pk, ada, on=date(2018, 2, 1), address=address, **WHO)
    assert FactChange.objects.get(change_id=done.change.pk).is_trigger is is_trigger


def test_the_same_again_writes_nothing(client, ada):
    services.move(client.pk, ada, on=date(2010, 3, 1), address=HOME, **WHO)
    assert FactChange.objects.filter(fact="address").count() == 1


def test_a_second_current_spouse_is_refused(fresh_database, client, ada):
    wed = {"on": date(2015, 1, 1), "last_name": "Moss", "person_type": "SP", **WHO}
    first = services.add_dependent(client.pk, ada, first_name="Bo", **wed)
    with pytest.raises(services.FactRefused, match="end the first"):
        services.add_dependent(client.pk, ada, first_name="Cy", **wed)
    services.change_dependent(
        client.pk, first.dependent_id, on=date(2016, 1, 1), changes={"is_former": True}, **WHO
    )
    services.add_dependent(client.pk, ada, first_name="Cy", **wed | {"on": date(2017, 1, 1)})
    held = frames.dependents_as_of(fresh_database, case(client.pk, ada, date(2018, 1, 1)))
    assert frames.CaseDependents.validate(held, cast=False)["is_former"].to_list() == [True, False]


def test_a_life_event_triggers(client, ada):
    day = date(2018, 2, 3)
    services.report_life_event(client.pk, ada, event_class="MAR", on=day, reported_on=day, **WHO)
    row = FactChange.objects.get(fact="life_event")
    assert (row.event_class, row.is_trigger, row.valid_from) == ("MAR", True, day)


def test_taking_back_one_entry(fresh_database, client, ada):
    before = facts(fresh_database, client.pk, ada, date(2018, 3, 1))
    done = services.change_job(
        client.pk, ada, on=date(2018, 2, 1), action="PAY", changes={"annual_pay_cents": 1}, **WHO
    )
    result = services.take_back(done.change.pk, **WHO)
    assert (result.withdrawn, result.restored, result.conflicts.height) == (1, 0, 0)
    assert facts(fresh_database, client.pk, ada, date(2018, 3, 1)) == before
    assert not FactChange.objects.filter(valid_from=date(2018, 2, 1), consumed_by_run=None).exists()
    assert JobFact.objects.count() == 3
    with pytest.raises(ValueError, match="taken back already"):
        services.take_back(done.change.pk, **WHO)


@pytest.mark.parametrize(
    ("column", "least", "most"),
    [("annual_pay_cents", 0, 10**11), ("weekly_hours_hundredths", 0, 16_800)],
)
def test_what_nobody_earns_or_works_is_refused(fresh_database, client, ada, column, least, most):
    on = date(2018, 2, 1)
    for value in (least - 1, most + 1, 2**62):
        with pytest.raises(services.FactRefused, match=f"is expected in {column}"):
            services.change_job(client.pk, ada, on=on, action="PAY", changes={column: value}, **WHO)
    for value in (least, most, None):
        services.change_job(client.pk, ada, on=on, action="PAY", changes={column: value}, **WHO)
        assert facts(fresh_database, client.pk, ada, on)[column] == value


def test_nobody_is_born_before_1900(client, ada):
    with pytest.raises(services.FactRefused, match="a day of birth after 1900"):
        services.correct_person(
            client.pk, ada, on=date(2018, 2, 1), changes={"birth_on": date(1899, 12, 31)}, **WHO
        )
    services.correct_person(
        client.pk, ada, on=date(2018, 2, 1), changes={"birth_on": date(1900, 1, 1)}, **WHO
    )


def test_unknown_column_and_unknown_person(client, ada):
    with pytest.raises(services.FactRefused, match="no column salary"):
        services.change_job(client.pk, ada, on=date(2018, 2, 1), action="PAY", changes={"salary": 1}, **WHO)
    with pytest.raises(LookupError):
        services.move(client.pk, ada + 999, on=date(2018, 2, 1), address=HOME, **WHO)
