"""Letters are kept as they were made, opened by their person, and never changed."""

import hashlib
import zlib
from datetime import UTC, date, datetime

import polars as pl
import pytest
import typst
from django.db import DatabaseError, transaction

from openbenefits.delivery import services
from openbenefits.delivery.codes import Channel, FateCode
from openbenefits.delivery.keeping import keep_documents
from openbenefits.delivery.models import Delivery, Document, Fate
from openbenefits.workforce.models import Client
from openbenefits.workforce.services import hire

NOW = datetime(2025, 11, 3, 9, tzinfo=UTC)
DAY = date(2025, 11, 3)


def put_person(number, *, email=None, code="harbor", line1="1 Pier Street"):
    """Hire somebody of a client, which is made if it is not there."""
    client, _ = Client.objects.get_or_create(code=code, defaults={"name": "Harbor Foods"})
    recorded = hire(
        client.pk,
        employee_number=number,
        first_name=f"Ann{number}",
        last_name="Moss",
        on=date(2015, 3, 2),
        job={"department": "Stores", "pay_group": "HBW"},
        person={"birth_on": date(1980, 5, 17), "email": email},
        address={"line1": line1, "city": "Salem", "state": "MA", "postal_code": "01970"} if line1 else None,
        made_by="test",
        now=NOW,
    )
    return client.pk, recorded.person_id


def pdf_saying(text: str) -> bytes:
    return typst.compile(f'#set document(title: "x")\n{text}'.encode())


def put_document(connection, client_id, person_id, *, kind="confirmation", text="Hello"):
    letters = pl.DataFrame(
        {
            "client_id": [client_id],
            "person_id": [person_id],
            "kind": [kind],
            "benefit_record": [0],
            "schedule_id": [900],
            "event_number": [0],
            "as_of": [DAY],
            "paper": ["us-letter"],
        }
    )
    pdf = pdf_saying(text)
    kept = keep_documents(connection, letters, [pdf], author="test", now=NOW)
    return kept["document_id"].item(), pdf


def open_it(document_id, client_id, person_id, *, by_person=True):
    return services.open_document(
        document_id,
        client_id=client_id,
        person_id=person_id,
        author="ann",
        now=NOW,
        by_person=by_person,
    )


def test_what_was_made_is_what_is_opened(fresh_database):
    client_id, person_id = put_person("1001")
    document_id, pdf = put_document(fresh_database, client_id, person_id)
    row = services.documents_of(fresh_database, client_id, person_id).row(0, named=True)
    assert (row["document_id"], row["kind"], row["pages"], row["size"], row["employee_number"]) == (
        document_id,
        "confirmation",
        1,
        len(pdf),
        "1001",
    )
    assert (row["digest"], row["made_at"], row["fate"]) == (hashlib.sha256(pdf).hexdigest(), NOW, None)
    assert open_it(document_id, client_id, person_id) == pdf


def test_it_is_noted_once_that_the_person_opened_it(fresh_database):
    client_id, person_id = put_person("1001")
    document_id, _ = put_document(fresh_database, client_id, person_id)
    open_it(document_id, client_id, person_id, by_person=False)
    assert not Fate.objects.exists()
    for _ in range(2):
        open_it(document_id, client_id, person_id)
    assert [(one.channel, one.document_id) for one in Delivery.objects.all()] == [
        (Channel.PORTAL, document_id)
    ]
    assert [one.fate for one in Fate.objects.all()] == [FateCode.OPENED]
    assert services.documents_of(fresh_database, client_id, person_id)["fate"].to_list() == ["opened"]


def test_nobody_opens_the_letter_of_somebody_else(fresh_database):
    client_id, person_id = put_person("1001")
    _, other_id = put_person("1002")
    document_id, _ = put_document(fresh_database, client_id, person_id)
    with pytest.raises(services.DocumentRefused, match="expected a letter of this person"):
        open_it(document_id, client_id, other_id)
    with pytest.raises(services.DocumentRefused):
        open_it(document_id, client_id + 1, person_id)


@pytest.mark.parametrize("change", ["UPDATE delivery_document SET pages = 2", "DELETE FROM delivery_content"])
def test_nothing_about_a_letter_is_changed(fresh_database, change):
    put_document(fresh_database, *put_person("1001"))
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        fresh_database.cursor() as cursor,
    ):
        cursor.execute(change)
    assert Document.objects.get().pages == 1


def test_an_altered_file_is_not_shown(fresh_database):
    client_id, person_id = put_person("1001")
    document_id, _ = put_document(fresh_database, client_id, person_id)
    with fresh_database.cursor() as cursor:
        cursor.execute("ALTER TABLE delivery_content DISABLE TRIGGER ALL")
        cursor.execute(
            "UPDATE delivery_content SET packed = %s", [zlib.compress(pdf_saying("Something else"))]
        )
    with pytest.raises(services.DocumentRefused, match="altered"):
        open_it(document_id, client_id, person_id)
