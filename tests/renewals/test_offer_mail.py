"""The mail that tells a client's contact of an offer: in his language, with the link, once there is an address."""

import pytest
from django.core import mail
from django.test import override_settings

from openbenefits.accounts.models import User
from openbenefits.renewals.models import Batch
from openbenefits.renewals.reminding import tell_contact

IN_MEMORY = override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
WORDS = {
    "en": ("Benefits offer for 2027", "for the year from January 1, 2027 is ready"),
    "es": ("Oferta de beneficios para 2027", "para el año desde el 1 de enero de 2027 está lista"),
}


@pytest.fixture
def batch(year):
    mail.outbox = []
    return Batch.objects.get(pk=year.renewal)


@IN_MEMORY
def test_the_offer_is_told_in_the_language_of_its_contact(batch):
    contact = User.objects.create_user("q.press", "press@example.com")
    batch.contact_id = contact.pk
    for language, (subject, said) in WORDS.items():
        User.objects.filter(pk=contact.pk).update(language=language)
        assert tell_contact(batch, workbook=b"PK")
        sent = mail.outbox[-1]
        assert (sent.to, sent.subject) == (["press@example.com"], subject)
        assert said in sent.body
        assert f"/portal/offers/{batch.pk}/" in sent.body
        assert [name for name, *_ in sent.attachments] == ["offer-2027-01-01.xlsx"]
    assert len(mail.outbox) == 2


@IN_MEMORY
def test_without_an_address_nobody_is_told(batch):
    batch.contact_id = User.objects.create_user("no.mail").pk
    assert not tell_contact(batch)
    assert mail.outbox == []
