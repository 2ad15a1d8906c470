"""What an employee asks becomes a case of the staff, whose answer he reads; nobody else sees either."""

import pytest
from django.db import connection
from django.test import Client as Browser
from django.utils import translation
from tests.accounts.conftest import as_face
from tests.casework.conftest import NOW, access, build, numbers
from tests.faces.conftest import LENIENT, signed_in, text

from openbenefits.accounts.models import User
from openbenefits.accounts.services import link_employee, working
from openbenefits.casework.inquiries import MOST_OPEN, carry, inquire, inquiries_of, words_of
from openbenefits.casework.models import Comment, Inquiry, InquiryWord, Ticket
from openbenefits.casework.orders import TicketMissing, TicketRefused
from openbenefits.store import use_database
from openbenefits.workforce.models import Person

__all__ = ["as_face"]

HERE = "/portal/questions/"


@pytest.fixture(scope="module")
def staffed(database, kept):
    """Two employees of one client, and its staff."""
    kept(database, "casework", build)
    for name, number in (("her", "7"), ("him", "8")):
        person = Person.objects.create(client_id=numbers()["acme"], employee_number=number)
        link_employee(User.objects.create_user(name), numbers()["acme"], person.pk, given_by="test", now=NOW)
    return database


@pytest.fixture
def owner(staffed, embedded_server):
    """Answer a function that does something as the worker does, between two requests."""
    url = embedded_server.url(staffed.settings_dict["NAME"])

    def do(what):
        use_database(url)
        try:
            return what()
        finally:
            use_database(url, as_face=True)

    return do


def come(name):
    user = User.objects.get(username=name)
    return signed_in(Browser(HTTP_HOST="localhost"), user)


@LENIENT
def test_a_question_from_the_portal_to_its_answer_and_back(staffed, as_face, owner):
    her = come("her")
    asked = {"subject": "Braces", "body": "Does dental pay for braces?"}
    assert her.post(HERE, asked | {"body": " "}).status_code == 422
    sent = her.post(HERE, asked, follow=True)
    assert "The answer will be here" in text(sent)
    where = sent.redirect_chain[-1][0]
    assert "waits for an answer" in text(her.get(HERE))
    assert come("him").get(where).status_code == 404
    assert "Braces" not in text(come("him").get(HERE))
    assert owner(lambda: carry(NOW)) == 1
    assert owner(lambda: carry(NOW)) == 0
    case = owner(lambda: Ticket.objects.get(about_kind="inquiry"))
    assert (case.subject, case.body, case.form) == ("Braces", "Does dental pay for braces?", "case")

    ann = come("ann")
    page = f"/workbench/tickets/{case.pk}/"
    assert "The employee asks in the portal" in text(ann.get(page))
    answered = ann.post(page, {"act": "answer", "answer-answer": "Half of it."}, follow=True)
    assert "reads your answer in the portal" in text(answered)
    assert owner(lambda: Ticket.objects.get(pk=case.pk).status) == "waiting"
    shown = text(her.get(where))
    assert "Our answer" in shown
    assert "Half of it." in shown
    assert "<strong>answered</strong>" in her.get(HERE).content.decode()

    assert "We have your message" in text(her.post(where, {"body": "Thanks"}, follow=True))
    assert owner(lambda: carry(NOW)) == 1
    assert owner(lambda: Ticket.objects.get(pk=case.pk).status) == "in progress"
    assert owner(lambda: Comment.objects.get(ticket_id=case.pk).body) == "Thanks"
    assert come("cat").post(page, {"act": "answer", "answer-answer": "No."}).status_code == 403
    assert come("dan").get(page).status_code == 404


@LENIENT
def test_it_is_asked_in_spanish_too(staffed, as_face):
    her = come("her")
    with translation.override("es"):
        shown = her.get(HERE, HTTP_ACCEPT_LANGUAGE="es")
    assert "Pregúntenos" in text(shown)


def test_the_database_keeps_what_was_said_and_whose_it_is(staffed, as_face, owner):
    her, him = access("her"), access("him")
    with working(connection, her):
        made = inquire(her, "Mine", "Words", author="her", now=NOW)
    with working(connection, him):
        assert not Inquiry.objects.filter(pk=made.pk).exists()
        assert words_of(made) == []
    words = {"client_id": made.client_id, "person_id": made.person_id, "inquiry_id": made.pk}
    words |= {"at": NOW, "is_answer": False, "author": "her", "body": "x"}
    for who, user_id in ((him, him.user_id), (her, him.user_id)):  # about another, or under another's name
        with pytest.raises(Exception, match="row-level security"), working(connection, who):
            InquiryWord.objects.create(**words, user_id=user_id)
    with pytest.raises(Exception, match="permission denied"), working(connection, her):
        Inquiry.objects.filter(pk=made.pk).update(subject="Other")


def test_what_cannot_be_asked_is_refused(staffed):
    her = access("him")
    for subject, body in (("", "x"), ("x", " "), ("x" * 201, "x")):
        with pytest.raises(TicketRefused):
            inquire(her, subject, body, author="him", now=NOW)
    with pytest.raises(TicketMissing, match="login of an employee"):
        inquire(access("ann"), "x", "x", author="ann", now=NOW)
    person = (numbers()["acme"], her.person_id)
    for number in range(MOST_OPEN - len(inquiries_of(*person))):
        inquire(her, f"no. {number}", "x", author="him", now=NOW)
    with pytest.raises(TicketRefused, match="wait for one"):
        inquire(her, "one more", "x", author="him", now=NOW)
    assert carry(NOW) >= MOST_OPEN
    assert carry(NOW) == 0
