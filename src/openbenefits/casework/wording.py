"""How mails to who asked something are worded: as shipped, by the PEO for all its clients, by a client.

A text has fields in double braces. It is of one language; who reads another gets the text of that one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy

from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import Access
from openbenefits.casework.codes import AskerMail
from openbenefits.casework.models import Wording
from openbenefits.casework.orders import TicketRefused
from openbenefits.core.merging import fields_in, filled
from openbenefits.store.isolation import PEO

ANSWERED = gettext_lazy("Your question has an answer")
ANSWERED_BODY = gettext_lazy("""Dear %(name)s,

what you asked on %(day)s has an answer from the benefits team of %(employer)s. Please sign in to read it:
%(link)s
""")
CLOSED = gettext_lazy("Your question is closed")
CLOSED_BODY = gettext_lazy("""Dear %(name)s,

what you asked the benefits team of %(employer)s on %(day)s is closed. Please sign in to see what was said;
if something is left, write to it there, and it is opened again:
%(link)s
""")
SHIPPED: Mapping[AskerMail, tuple[Any, Any]] = MappingProxyType(
    {AskerMail.ANSWERED: (ANSWERED, ANSWERED_BODY), AskerMail.CLOSED: (CLOSED, CLOSED_BODY)}
)
FIELDS = ("name", "employer", "day", "link")
"""What a text may be merged with: the reader's name, his employer, the day he asked, where he reads on."""
LINK = "link"
MOST_SUBJECT, MOST_BODY = 150, 4_000


@dataclass(frozen=True, kw_only=True)
class Text:
    """A mail in a language, with its fields. owner: the client that worded it, PEO, or None: as shipped."""

    subject: str
    body: str
    owner: int | None = None

    def said(self, values: Mapping[str, str]) -> tuple[str, str]:
        """Answer subject and text with the fields filled in."""
        return filled(self.subject, values), filled(self.body, values)


class Wordings:
    """The texts of some clients, read once."""

    def __init__(self, clients: Iterable[int]) -> None:
        rows = Wording.objects.filter(client_id__in={*clients, PEO})
        self._rows = {(one.client_id, one.mail, one.language): one for one in rows}

    def text(self, client_id: int, mail: AskerMail, language: str) -> Text:
        """Find the text of a mail: the client's own, else the PEO's, else the one shipped."""
        for owner in (client_id, PEO):
            row = self._rows.get((owner, str(mail), language))
            if row is not None:
                return Text(subject=row.subject, body=row.body, owner=owner)
        return shipped(mail, language)


def shipped(mail: AskerMail, language: str) -> Text:
    """Answer the text that comes with the product, its fields in double braces."""
    fields = {name: f"{{{{{name}}}}}" for name in FIELDS}
    with translation.override(language):
        subject, body = SHIPPED[mail]
        return Text(subject=str(subject), body=str(body) % fields)


def check(mail: str, language: str, subject: str, body: str) -> Text:
    """Read a text as somebody typed it.

    Errors: TicketRefused, naming what is wrong with it.
    """
    if mail not in set(AskerMail) or language not in dict(settings.LANGUAGES):
        raise TicketRefused("expected a mail and a language there are, found others; choose from the list")
    text = Text(subject=subject.strip(), body=body.replace("\r\n", "\n").strip() + "\n")
    if not text.subject or len(text.subject) > MOST_SUBJECT or not text.subject.isprintable():
        raise TicketRefused(
            f"expected a subject of one line and at most {MOST_SUBJECT} characters; correct it"
        )
    if len(text.body) > MOST_BODY or "\0" in text.body:
        raise TicketRefused(f"expected a text of at most {MOST_BODY:,} characters; shorten it")
    if unknown := sorted(fields_in(text.subject, text.body) - set(FIELDS)):
        raise TicketRefused(
            f"expected fields among {', '.join(FIELDS)}, found {', '.join(unknown)}; correct or remove them"
        )
    if LINK not in fields_in(text.body):
        raise TicketRefused("expected {{link}} in the text, found none: it leads to the answer; put it in")
    return text


def keep_wording(
    access: Access, client_id: int, mail: str, language: str, *, subject: str, body: str
) -> Text:
    """Keep how a client, or the PEO (0), words a mail in a language.

    Errors: NotAllowed; TicketRefused as `check`.
    """
    access.require(Permission.SETUP, client_id)
    text = check(mail, language, subject, body)
    Wording.objects.update_or_create(
        client_id=client_id,
        mail=mail,
        language=language,
        defaults={"subject": text.subject, "body": text.body},
    )
    return text


def drop_wording(access: Access, client_id: int, mail: str, language: str) -> bool:
    """Give a wording up, so that the PEO's or the shipped one holds again; answer whether there was one.

    Errors: NotAllowed.
    """
    access.require(Permission.SETUP, client_id)
    return bool(Wording.objects.filter(client_id=client_id, mail=mail, language=language).delete()[0])
