"""Ways that letters go: chosen by their people, mailed, printed in batches, and what becomes of them."""

from datetime import UTC, date, datetime
from io import BytesIO

import polars as pl
import pytest
from django.core import mail
from django.test import override_settings
from pypdf import PdfReader
from tests.delivery.test_documents import NOW, put_document, put_person

from openbenefits.accounts.models import User
from openbenefits.accounts.services import link_employee
from openbenefits.delivery import frames, services
from openbenefits.delivery.codes import Channel, FateCode
from openbenefits.delivery.models import Choice, Delivery, Fate

DAY = date(2025, 11, 4)
LATER = datetime(2025, 11, 20, 9, tzinfo=UTC)
BY = {"author": "test", "now": NOW}
IN_MEMORY = override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")


def agree(client_id, person_id, channel, *, on=DAY):
    return services.choose_channel(client_id, person_id, channel, consented_on=on, how="on paper", **BY)


def put_letter(connection, person, **more):
    """Keep a letter of a person and give it to its way; answer its number."""
    document_id, _ = put_document(connection, *person, **more)
    documents = pl.DataFrame(
        {"document_id": [document_id], "client_id": [person[0]], "person_id": [person[1]]},
        schema={"document_id": pl.Int64, "client_id": pl.Int32, "person_id": pl.Int64},
    )
    services.give(connection, documents, on=DAY, **BY)
    return document_id


def stands(connection, person):
    """Where the last deliveries of a person's letters stand."""
    rows = services.documents_of(connection, *person)
    return [tuple(row) for row in rows.select("channel", "fate").rows()]


def test_paper_until_somebody_agrees_to_something_else(fresh_database):
    person = put_person("1001", email="ann@example.com")
    put_letter(fresh_database, person)
    assert services.choice_of(*person) is None
    assert stands(fresh_database, person) == [("print", "waiting")]
    agree(*person, Channel.PORTAL)
    put_letter(fresh_database, person)
    agree(*person, Channel.PRINT)
    assert services.choice_of(*person).consented_on is None
    put_letter(fresh_database, person)
    assert stands(fresh_database, person) == [
        ("print", "waiting"),
        ("portal", "waiting"),
        ("print", "waiting"),
    ]


@pytest.mark.parametrize("channel", [Channel.PORTAL, Channel.EMAIL])
def test_no_letter_goes_without_paper_unless_somebody_agreed(fresh_database, channel):
    person = put_person("1001")
    with pytest.raises(services.ChoiceRefused, match="expected the day on which the person agreed"):
        agree(*person, channel, on=None)
    with pytest.raises(services.ChoiceRefused, match="say how"):
        services.choose_channel(*person, channel, consented_on=DAY, how=" ", **BY)
    assert not Choice.objects.exists()


def test_without_an_address_a_mail_is_printed_and_the_portal_needs_none(fresh_database):
    person = put_person("1001")
    agree(*person, Channel.EMAIL)
    put_letter(fresh_database, person)
    assert Fate.objects.get().told == "no e-mail address on file: printed instead"
    agree(*person, Channel.PORTAL)
    put_letter(fresh_database, person)
    assert stands(fresh_database, person) == [("portal", "sent"), ("print", "waiting")]


@IN_MEMORY
def test_a_mail_says_no_more_than_that_a_letter_is_there(fresh_database):
    person = put_person("1001", email="ann@example.com")
    agree(*person, Channel.EMAIL)
    put_letter(fresh_database, person, text="Blue Basic Saver")
    assert services.send_mails(fresh_database, person[0], **BY) == {"sent": 1, "failed": 0}
    (letter,) = mail.outbox
    assert (letter.to, letter.subject, letter.attachments) == (
        ["ann@example.com"],
        "Confirmation statement",
        [],
    )
    assert "Dear Ann1001 Moss" in letter.body
    assert "Harbor Foods" in letter.body
    assert "http://localhost:8000/portal/" in letter.body
    assert not [
        word for word in ("Blue", "1001 ", "Pier", "1980") if word in letter.body.replace("Ann1001 ", "")
    ]
    assert stands(fresh_database, person) == [("email", "sent")]
    assert services.send_mails(fresh_database, person[0], **BY) == {"sent": 0, "failed": 0}


@IN_MEMORY
def test_a_mail_speaks_the_language_its_reader_chose(fresh_database):
    person = put_person("1001", email="ann@example.com")
    reader = User.objects.create_user("ann", language="es")
    link_employee(reader, *person, given_by="test", now=BY["now"])
    agree(*person, Channel.EMAIL)
    put_letter(fresh_database, person)
    services.send_mails(fresh_database, person[0], **BY)
    letter = mail.outbox[-1]
    assert "Hola, Ann1001 Moss:" in letter.body
    assert "Dear" not in letter.body
    assert letter.subject != "Confirmation statement"
    assert letter.subject in letter.body


@IN_MEMORY
def test_the_letter_is_attached_where_the_client_wants_that(fresh_database):
    person = put_person("1001", email="ann@example.com")
    agree(*person, Channel.EMAIL)
    services.set_terms(person[0], attaches=True, **BY)
    put_letter(fresh_database, person, text="Blue Basic Saver")
    services.send_mails(fresh_database, person[0], **BY)
    ((name, data, kind),) = mail.outbox[-1].attachments
    assert (name.startswith("confirmation-statement-"), kind) == (True, "application/pdf")
    assert "Blue Basic Saver" in PdfReader(BytesIO(data)).pages[0].extract_text()


@override_settings(
    EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=9
)
def test_a_mail_that_cannot_be_sent_is_a_fate_and_no_failure_of_others(fresh_database):
    person = put_person("1001", email="ann@example.com")
    agree(*person, Channel.EMAIL)
    document_id = put_letter(fresh_database, person)
    assert services.send_mails(fresh_database, person[0], **BY) == {"sent": 0, "failed": 1}
    last = Fate.objects.order_by("-pk").first()
    assert (last.fate, last.told) == ("failed", "ConnectionRefusedError")
    again = frames.load_again(fresh_database, [person[0]])
    assert again["document_id"].to_list() == [document_id]


@pytest.fixture
def three(fresh_database):
    """Three people with a printed letter each, in the order of the post: Boston, Salem, no address."""
    from openbenefits.workforce.services import hire

    people = [put_person("1001"), put_person("1002", line1=None)]
    recorded = hire(
        people[0][0],
        employee_number="1003",
        first_name="Cy",
        last_name="Vale",
        on=date(2015, 3, 2),
        job={"department": "Stores"},
        person={},
        address={"line1": "9 Elm Street", "city": "Boston", "state": "MA", "postal_code": "01100"},
        made_by="test",
        now=NOW,
    )
    people.append((people[0][0], recorded.person_id))
    for number, person in enumerate(people):
        put_letter(
            fresh_database,
            person,
            text=f"Letter of {number}" + ("\n#pagebreak()\nmore" if number == 2 else ""),
        )
    return people


def test_a_batch_is_in_the_order_of_the_post_and_its_manifest_counts(fresh_database, three):
    client_id = three[0][0]
    batch = services.make_batch(fresh_database, client_id, on=DAY, **BY)
    manifest = services.manifest_of(fresh_database, client_id, batch.pk, on=DAY)
    assert manifest.lines.select("place", "employee_number", "pages", "first_page").rows() == [
        (1, "1003", 2, 1),
        (2, "1001", 1, 3),
        (3, "1002", 1, 4),
    ]
    assert (manifest.letters, manifest.pages) == (3, 4)
    assert manifest.no_address["employee_number"].to_list() == ["1002"]
    (whole,) = services.files_of_batch(fresh_database, client_id, batch.pk, is_duplex=False)
    said = [page.extract_text() for page in PdfReader(BytesIO(whole)).pages]
    assert said == ["Letter of 2", "more", "Letter of 0", "Letter of 1"]
    (duplex,) = services.files_of_batch(fresh_database, client_id, batch.pk, is_duplex=True)
    assert len(PdfReader(BytesIO(duplex)).pages) == 6
    with pytest.raises(services.BatchRefused, match="found none"):
        services.make_batch(fresh_database, client_id, on=DAY, **BY)


def test_a_batch_goes_out_once_and_a_reprint_changes_nothing(fresh_database, three):
    client_id = three[0][0]
    batch = services.make_batch(fresh_database, client_id, on=DAY, **BY)
    assert services.mark_batch_sent(fresh_database, client_id, batch.pk, **BY) == 3
    assert services.mark_batch_sent(fresh_database, client_id, batch.pk, **BY) == 0
    before = Fate.objects.count()
    again = services.reprint_batch(fresh_database, client_id, batch.pk, places=[2], **BY)
    lines = services.manifest_of(fresh_database, client_id, again.pk, on=DAY).lines
    assert (lines["employee_number"].to_list(), again.reprint_of, Fate.objects.count()) == (
        ["1001"],
        batch.pk,
        before,
    )
    with pytest.raises(services.BatchRefused, match="expected places 1 to 3"):
        services.reprint_batch(fresh_database, client_id, batch.pk, places=[9], **BY)
    with pytest.raises(services.BatchRefused, match="expected a print batch of this client"):
        services.reprint_batch(fresh_database, client_id + 1, batch.pk, **BY)
    listed = frames.load_batches(fresh_database, [client_id])
    assert listed.select("batch_id", "letters", "pages", "reprint_of").rows() == [
        (again.pk, 1, 1, batch.pk),
        (batch.pk, 3, 4, None),
    ]


FILES = {
    "ids.csv": "Letter,Reason\n{0},moved\n{1},\n",
    "bare.csv": "{0}\n{1}\n",
    "semicolons.csv": "Name;Document\nx;{0}\n\ny;{1}\n",
}


@pytest.mark.parametrize("name", FILES)
def test_what_the_post_gave_back_is_said_by_a_file_and_the_letter_goes_again(fresh_database, three, name):
    client_id = three[0][0]
    batch = services.make_batch(fresh_database, client_id, on=DAY, **BY)
    services.mark_batch_sent(fresh_database, client_id, batch.pk, **BY)
    ids = [services.documents_of(fresh_database, *person)["document_id"].item() for person in three[:2]]
    numbers = services.numbers_in(name, FILES[name].format(*ids).encode())
    assert numbers == ids
    given = {"told": "moved", "author": "test", "now": LATER}
    assert services.note_fates(fresh_database, client_id, numbers, FateCode.RETURNED, **given) == 2
    assert services.note_fates(fresh_database, client_id, numbers, FateCode.RETURNED, **given) == 0
    assert frames.load_again(fresh_database, [client_id])["document_id"].sort().to_list() == sorted(ids)
    assert services.send_again(fresh_database, client_id, numbers[:1], on=DAY, **BY) == 1
    assert frames.load_again(fresh_database, [client_id])["document_id"].to_list() == ids[1:]
    last = Delivery.objects.order_by("-pk").first()
    assert (last.document_id, last.again_of is not None) == (ids[0], True)


BAD_FILES = [
    ("x.csv", "Letter\n12\nabc\n", "row 3: expected the number"),
    ("x.csv", "", "found no row"),
    ("x.csv", "Letter,a\n1,2,3,4\n", "same number of cells"),
]


@pytest.mark.parametrize(("name", "text", "told"), BAD_FILES)
def test_a_file_that_holds_something_else_is_refused(name, text, told):
    with pytest.raises(services.FatesRefused, match=told):
        services.numbers_in(name, text.encode())


def test_fates_of_other_peoples_letters_are_refused(fresh_database, three):
    other = put_person("1", code="quill")
    put_letter(fresh_database, other)
    (foreign,) = services.documents_of(fresh_database, *other)["document_id"]
    with pytest.raises(services.FatesRefused, match="letters of this client"):
        services.note_fates(fresh_database, three[0][0], [foreign], FateCode.BOUNCED, **BY)
    with pytest.raises(services.FatesRefused, match="letters of this client"):
        services.send_again(fresh_database, three[0][0], [foreign], on=DAY, **BY)
    with pytest.raises(services.FatesRefused, match="expected one of"):
        services.note_fates(fresh_database, other[0], [foreign], FateCode.OPENED, **BY)
