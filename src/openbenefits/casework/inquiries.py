"""What employees ask in the portal, and what they are answered.

An employee sees no ticket, not even one about him. What he asks stands in rows of his own; the worker opens a
case for it, and tells the case what he says later. What the staff answers there he reads in the portal.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from openbenefits.accounts.numbers import numbers_of
from openbenefits.accounts.services import Access
from openbenefits.casework.changing import change, change_all
from openbenefits.casework.codes import DONE, GENERAL, Status
from openbenefits.casework.models import Comment, Inquiry, InquiryWord, Ticket
from openbenefits.casework.opening import MOST_SUBJECT, open_cases
from openbenefits.casework.orders import CaseOrder, ChangeOrder, Subject, TicketMissing, TicketRefused
from openbenefits.casework.seeing import author_of, require_work, ticket_of
from openbenefits.casework.talking import MOST_WORDS

KIND, TYPE = "inquiry", "question"
"""The kind of record that causes its case, and the type of that case."""
MOST_OPEN = 20
"""So many inquiries somebody may have that nobody has answered."""
AT_ONCE = 500
PORTAL = "the portal"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """An inquiry in a list: when something was last said, and whether an answer is waited for."""

    inquiry: Inquiry
    last_at: datetime
    is_waiting: bool


def inquire(access: Access, subject: str, body: str, *, author: str, now: datetime) -> Inquiry:
    """Ask something as an employee.

    Errors: TicketRefused for nothing, for too much, and for more than MOST_OPEN that wait for an answer.
    """
    client_id, person_id = _who(access)
    title = subject.strip()
    if not 0 < len(title) <= MOST_SUBJECT:
        raise TicketRefused(
            f"expected a subject of 1 to {MOST_SUBJECT} characters, found {len(title)}; write another"
        )
    if sum(one.is_waiting for one in inquiries_of(client_id, person_id)) >= MOST_OPEN:
        raise TicketRefused(f"expected at most {MOST_OPEN} that wait for an answer, found more; wait for one")
    words = _words(body)
    with transaction.atomic():
        made = Inquiry.objects.create(
            client_id=client_id, person_id=person_id, user_id=access.user_id, at=now, subject=title
        )
        _say(made, access, words, author, now, is_answer=False)
    return made


def say_more(access: Access, inquiry: Inquiry, body: str, *, author: str, now: datetime) -> None:
    """Say more about one's own inquiry; the case hears of it.

    Errors: TicketRefused for nothing, or too much; TicketMissing for somebody else's.
    """
    client_id, person_id = _who(access)
    if inquiry.client_id != client_id or inquiry.person_id not in (access.numbers or (person_id,)):
        raise TicketMissing("expected a question of your own, found another; go back to the list")
    _say(inquiry, access, _words(body), author, now, is_answer=False)


def answer(access: Access, number: int, body: str, *, now: datetime) -> None:
    """Answer the employee whose inquiry a case is of; the case waits for him then.

    Errors: TicketMissing for a ticket that is of no inquiry; NotAllowed; TicketRefused.
    """
    ticket = ticket_of(access, number)
    require_work(access, ticket.client_id)
    found = inquiry_of(ticket)
    if found is None:
        raise TicketMissing(f"expected a case that an employee asked for, found {number}, which is none")
    with transaction.atomic():
        _say(found, access, _words(body), author_of(access).name, now, is_answer=True)
        if ticket.status not in DONE:
            change(access, number, ChangeOrder(status=Status.WAITING), reason="answered", now=now)


def inquiry_of(ticket: Ticket) -> Inquiry | None:
    """Find the inquiry a case is of; None where it is of none."""
    if ticket.about_kind != KIND or not ticket.about_key.isdecimal():
        return None
    return Inquiry.objects.filter(client_id=ticket.client_id, pk=int(ticket.about_key)).first()


def inquiries_of(client_id: int, person_id: int) -> list[Asked]:
    """List what somebody asked, under whatever number, that first of which something was said last."""
    numbers = numbers_of(client_id, person_id)
    found = Inquiry.objects.filter(client_id=client_id, person_id__in=numbers).in_bulk()
    lasts = InquiryWord.objects.filter(inquiry_id__in=found).values("inquiry_id").annotate(last=Max("pk"))
    words = InquiryWord.objects.filter(pk__in=[one["last"] for one in lasts])
    rows = [
        Asked(inquiry=found[one.inquiry_id], last_at=one.at, is_waiting=not one.is_answer) for one in words
    ]
    return sorted(rows, key=lambda one: (one.last_at, one.inquiry.pk), reverse=True)


def words_of(inquiry: Inquiry) -> list[InquiryWord]:
    """List what was said about an inquiry, oldest first."""
    return list(InquiryWord.objects.filter(inquiry_id=inquiry.pk).order_by("pk"))


def carry(now: datetime, *, without: Collection[int] = ()) -> int:
    """Open cases for what was asked, and tell cases what employees said since; answer how much was carried.

    The worker does it, ever again: each inquiry is one case, each word is told once. without: clients whose
    people are heard another time.
    """
    return _open_cases(now, without) + _tell_cases(now, without)


def _open_cases(now: datetime, without: Collection[int]) -> int:
    with transaction.atomic():
        new = Inquiry.objects.filter(ticket_id__isnull=True).exclude(client_id__in=without).order_by("pk")
        asked = list(new.select_for_update(skip_locked=True)[:AT_ONCE])
        if not asked:
            return 0
        first = _first_words(asked)
        orders = [
            CaseOrder(
                client_id=one.client_id,
                subject=one.subject,
                body=first[one.pk].body,
                category=GENERAL,
                kind=TYPE,
                person_id=one.person_id,
                about=Subject(kind=KIND, key=str(one.pk)),
                cause=f"{KIND}:{one.pk}",
            )
            for one in asked
        ]
        for one, case in zip(asked, open_cases(PORTAL, orders, now=now), strict=True):
            one.ticket_id = case.pk
        Inquiry.objects.bulk_update(asked, ["ticket_id"])
        InquiryWord.objects.filter(pk__in=[one.pk for one in first.values()]).update(carried_at=now)
    return len(asked)


def _first_words(asked: Sequence[Inquiry]) -> dict[int, InquiryWord]:
    words = InquiryWord.objects.filter(inquiry_id__in=[one.pk for one in asked]).order_by("-pk")
    return {one.inquiry_id: one for one in words}  # the first one said is put there last


def _tell_cases(now: datetime, without: Collection[int]) -> int:
    with transaction.atomic():
        unheard = InquiryWord.objects.filter(is_answer=False, carried_at__isnull=True).order_by("pk")
        words = list(unheard.exclude(client_id__in=without).select_for_update(skip_locked=True)[:AT_ONCE])
        cases = Inquiry.objects.filter(
            pk__in={one.inquiry_id for one in words}, ticket_id__isnull=False
        ).in_bulk()
        told = [one for one in words if one.inquiry_id in cases]
        Comment.objects.bulk_create(
            Comment(
                client_id=one.client_id,
                ticket_id=cases[one.inquiry_id].ticket_id,
                at=now,
                author=PORTAL,
                body=one.body,
            )
            for one in told
        )
        InquiryWord.objects.filter(pk__in=[one.pk for one in told]).update(carried_at=now)
        numbers = {cases[one.inquiry_id].ticket_id for one in told}
        back = ChangeOrder(status=Status.IN_PROGRESS)
        change_all(PORTAL, [one for one in numbers if one], back, reason="the employee wrote", now=now)
    return len(told)


def _who(access: Access) -> tuple[int, int]:
    if access.person_id is None or len(access.permissions) != 1:
        raise TicketMissing("expected the login of an employee, found another; staff opens a case")
    return next(iter(access.permissions)), access.person_id


def _words(body: str) -> str:
    words = body.strip()
    if not 0 < len(words) <= MOST_WORDS:
        raise TicketRefused(
            f"expected 1 to {MOST_WORDS:,} characters, found {len(words):,}; write something else"
        )
    return words


def _say(
    inquiry: Inquiry, access: Access, body: str, author: str, now: datetime, *, is_answer: bool
) -> InquiryWord:
    return InquiryWord.objects.create(
        client_id=inquiry.client_id,
        person_id=inquiry.person_id,
        user_id=access.user_id,
        inquiry_id=inquiry.pk,
        at=now,
        is_answer=is_answer,
        author=author,
        body=body,
    )
