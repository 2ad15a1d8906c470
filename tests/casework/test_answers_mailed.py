"""Who asked is mailed once that he is answered, once that it is closed: in his language, without a word of it."""

import re
from datetime import date
from types import SimpleNamespace

import pytest
from django.core import mail
from django.db import connection
from django.test import override_settings
from tests.casework.conftest import NOW, access, numbers, user

from openbenefits.accounts.models import User
from openbenefits.accounts.services import NotAllowed, access_of, link_employee
from openbenefits.casework import answering
from openbenefits.casework.changing import complete_task
from openbenefits.casework.codes import AskerMail
from openbenefits.casework.inquiries import answer, carry, inquire, say_more
from openbenefits.casework.models import Inquiry, InquiryWord, Ticket, Wording
from openbenefits.casework.notices import send_notices
from openbenefits.casework.opening import open_case
from openbenefits.casework.orders import CaseOrder, TicketRefused
from openbenefits.casework.wording import drop_wording, keep_wording, shipped
from openbenefits.workforce.services import hire

SECRET = "Does dental pay for braces?"


@pytest.fixture(autouse=True)
def in_memory():
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
        yield


@pytest.fixture(scope="module")
def ines(filled_database):
    """An employee who reads Spanish."""
    acme = numbers()["acme"]
    stated = {"employee_number": "77", "first_name": "Inés", "last_name": "Paz", "on": date(2020, 1, 6)}
    person = hire(acme, **stated, job={}, made_by="test", now=NOW).person_id
    one = User.objects.create_user("ines", "ines@example.com", language="es")
    link_employee(one, acme, person, given_by="test", now=NOW)
    return one


@pytest.fixture
def asked(house, ines):
    """She has asked something; the case is open."""
    User.objects.filter(pk=ines.pk).update(email="ines@example.com")
    her = access_of(connection, ines)
    made = inquire(her, "Braces", SECRET, author="ines", now=NOW)
    carry(NOW)
    return SimpleNamespace(her=her, inquiry=made, case=Ticket.objects.get(about_kind="inquiry").pk)


def tell():
    before = len(mail.outbox)
    sent = answering.tell_askers(connection, NOW)
    assert len(mail.outbox) - before == sent
    return mail.outbox[before:]


def test_an_answer_and_the_end_are_mailed_once_each(asked):
    assert tell() == []
    answer(access("ann"), asked.case, "Half of it.", now=NOW)
    answer(access("ann"), asked.case, "And cleaning.", now=NOW)
    (told,) = tell()
    assert told.to == ["ines@example.com"]
    assert told.subject == "Su pregunta tiene respuesta"
    assert "Inés Paz" in told.body
    assert "Acme" in told.body
    assert f"/portal/questions/{asked.inquiry.pk}/" in told.body
    assert "2 de marzo de 2026" in told.body
    assert tell() == []
    complete_task(access("ann"), asked.case, now=NOW)
    (closed,) = tell()
    assert closed.subject == "Su pregunta está cerrada"
    assert tell() == []
    for one in (told, closed):
        assert not any(
            word in one.subject + one.body for word in ("Braces", SECRET, "Half of it", "cleaning")
        )


def test_who_writes_again_is_told_again_when_it_is_closed_again(asked):
    complete_task(access("ann"), asked.case, now=NOW)
    assert len(tell()) == 1
    say_more(asked.her, Inquiry.objects.get(pk=asked.inquiry.pk), "And mine?", author="ines", now=NOW)
    carry(NOW)
    assert tell() == []
    complete_task(access("ann"), asked.case, now=NOW)
    assert len(tell()) == 1


def test_a_mail_that_does_not_go_out_stops_nothing_and_is_kept(asked, monkeypatch):
    answer(access("ann"), asked.case, "Half of it.", now=NOW)

    def refused(*_, **__):
        raise OSError("ines@example.com was refused")

    with monkeypatch.context() as patched:
        patched.setattr("django.core.mail.EmailMessage.send", refused)
        assert tell() == []
    assert InquiryWord.objects.get(is_answer=True).mailed == answering.FAILED
    User.objects.filter(username="ines").update(email="")
    complete_task(access("ann"), asked.case, now=NOW)
    assert tell() == []
    assert Inquiry.objects.get(pk=asked.inquiry.pk).closing == answering.NO_ADDRESS


def test_the_colleague_who_asked_is_told_when_his_case_comes_to_its_end(house):
    order = CaseOrder(client_id=numbers()["acme"], subject="Check the rates", owner=user("bob").pk)
    case = open_case(access("ann"), order, now=NOW)
    send_notices(connection, now=NOW)
    mail.outbox.clear()
    complete_task(access("ann"), case.pk, now=NOW)
    send_notices(connection, now=NOW)
    (told,) = [one for one in mail.outbox if one.to == ["bob@example.com"]]
    assert "it came to its end" in told.body
    assert "Check the rates" not in told.body


OURS = "{{name}}, hay respuesta ({{day}}).\r\n{{link}} {{ employer }}"


def test_a_client_words_the_mail_and_the_peo_for_all_who_do_not(asked, house):
    ann, eve = access("ann"), access("eve")
    words = {"subject": "Respuesta de {{employer}}", "body": OURS}
    keep_wording(eve, 0, "answered", "es", subject="Del PEO", body="{{link}}")
    keep_wording(eve, 0, "answered", "en-us", subject="In English", body="{{link}}")
    answer(ann, asked.case, "Half of it.", now=NOW)
    (told,) = tell()
    assert told.subject == "Del PEO"
    with pytest.raises(NotAllowed):
        keep_wording(access("cat"), house["acme"], "answered", "es", **words)
    keep_wording(eve, house["acme"], "answered", "es", **words)
    answer(ann, asked.case, "And the rest.", now=NOW)
    (told,) = tell()
    link = f"/portal/questions/{asked.inquiry.pk}/"
    assert told.subject == "Respuesta de Acme"
    assert told.body.startswith("Inés Paz, hay respuesta (2 de marzo de 2026).\n")
    assert told.body.endswith(f"{link} Acme\n")
    assert drop_wording(eve, house["acme"], "answered", "es")
    assert not drop_wording(eve, house["acme"], "answered", "es")
    complete_task(ann, asked.case, now=NOW)
    (closed,) = tell()
    assert closed.subject == "Su pregunta está cerrada", "what nobody worded is as shipped"


WRONG = [
    ({"subject": " "}, "one line"),
    ({"subject": "a\nb"}, "one line"),
    ({"body": "no way to the answer"}, "{{link}}"),
    ({"body": "{{link}} {{ssn}}"}, "found ssn"),
    ({"body": "{{link}}" + "x" * 4000}, "at most"),
    ({"language": "fr"}, "a language there are"),
]


@pytest.mark.parametrize(("said", "why"), WRONG)
def test_words_that_cannot_be_are_refused(house, said, why):
    fine = {"mail": "closed", "language": "es", "subject": "Hola", "body": "{{link}}"}
    asked_for = fine | said
    with pytest.raises(TicketRefused, match=re.escape(why)):
        keep_wording(access("eve"), 0, asked_for.pop("mail"), asked_for.pop("language"), **asked_for)
    assert not Wording.objects.filter(mail="closed").exists()


@pytest.mark.parametrize("mail", list(AskerMail))
def test_the_shipped_text_may_be_worded_on_from(house, mail):
    for language, word in (("en-us", "Dear {{name}},"), ("es", "{{name}}")):
        text = shipped(mail, language)
        assert word in text.body
        keep_wording(access("eve"), house["bolt"], str(mail), language, subject=text.subject, body=text.body)
    assert shipped(mail, "es").subject != shipped(mail, "en-us").subject
