"""Papers: taken by what they are, kept sealed, decided about once."""

from datetime import UTC, datetime

import pytest

from openbenefits.core.codes import DocumentKind, DocumentState
from openbenefits.enrollment import documents
from openbenefits.enrollment.models import Document
from openbenefits.workforce.models import Client, Person

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
PDF = b"%PDF-1.7\nwith a name in it"
ABOUT = documents.about_dependent(1)


@pytest.fixture
def somebody(fresh_database):
    client = Client.objects.create(code="harbor", name="Harbor")
    person = Person.objects.create(client=client, employee_number="H1")
    return fresh_database, client.pk, person.pk


def test_a_paper_is_kept_sealed_and_opens_again(somebody):
    made = documents.add(*somebody, ABOUT, DocumentKind.BIRTH, "../../birth <1>.pdf", PDF, NOW)
    stored = Document.objects.get(pk=made.pk)
    assert b"with a name" not in bytes(stored.content)
    opened = documents.open(*somebody[:2], made.pk)
    assert (opened.content, opened.media_type, opened.name) == (PDF, "application/pdf", "birth _1_.pdf")
    (listed,) = documents.list_of(*somebody[:2], person_id=somebody[2])
    assert (listed["state"], listed["size"]) == ("received", len(PDF))
    assert "content" not in listed


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "empty"),
        (b"MZ\x90 a program called .pdf", "another kind"),
        (b"<svg/>", "another kind"),
        (b"%PDF-" + bytes(documents.MOST_BYTES), "10.0 MB"),
    ],
)
def test_what_is_no_paper_is_refused(somebody, content, found):
    with pytest.raises(documents.DocumentRefused, match=found):
        documents.add(*somebody, ABOUT, DocumentKind.BIRTH, "birth.pdf", content, NOW)
    assert not Document.objects.exists()


def test_a_paper_is_decided_about_once_and_by_its_client(somebody):
    connection, client_id, _ = somebody
    made = documents.add(*somebody, ABOUT, DocumentKind.BIRTH, "a.png", b"\x89PNG\r\n\x1a\n", NOW)
    by = {"decided_by": "desk", "now": NOW}
    with pytest.raises(documents.DocumentRefused, match="why"):
        documents.decide(connection, client_id, made.pk, DocumentState.REJECTED, reason=" ", **by)
    with pytest.raises(documents.DocumentRefused, match="none of that number"):
        documents.decide(connection, client_id + 1, made.pk, DocumentState.APPROVED, reason="", **by)
    done = documents.decide(connection, client_id, made.pk, DocumentState.REJECTED, reason="blurred", **by)
    assert (done.state, done.reason) == ("rejected", "blurred")
    with pytest.raises(documents.DocumentRefused, match="waits"):
        documents.decide(connection, client_id, made.pk, DocumentState.APPROVED, reason="", **by)
