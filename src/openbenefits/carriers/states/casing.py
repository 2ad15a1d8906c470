"""Cases of files and members: what was refused, what is overdue, what did not arrive; one for each cause.

A case says what is to be done, with numbers of files and words of the partner, and nobody's name.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from openbenefits.carriers.models import CarrierFile
from openbenefits.casework.services import Assignee, CaseOrder, Subject, Ticket, close_for, open_cases

AUTHOR = "carrier files"
CATEGORY, ROLE = "carrier", "edi specialist"
REJECTION, NO_CONFIRMATION, FILE = "rejection", "no confirmation", "file"
WAITS, TRANSFER, SET, MEMBER, ANSWER, ENTRY = (
    "carrier file waits",
    "carrier transfer",
    "carrier set",
    "carrier member",
    "carrier answer",
    "carrier portal",
)
"""What cases are about: kinds of records whose keys are numbers of ours."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A member refused by a partner: whose, in which file, with which code, and the partner's words.

    event: of the election it follows from, where one is known: schedule and number.
    """

    client_id: int
    person_id: int | None
    partner: str
    member: str
    file_id: int
    code: str
    words: str
    event: tuple[int, int] | None = None

    @property
    def subject(self) -> Subject:
        """Answer the record its case is about."""
        return of_member(self.partner, self.member)

    @property
    def cause(self) -> str:
        """Answer the cause: the same refusal of the same file is one."""
        return f"carrier refusal {self.file_id}|{self.member}|{self.code}"


def of_member(partner: str, member: str) -> Subject:
    """Name a member at a partner as casework knows him: by numbers."""
    return Subject(kind=MEMBER, key=f"{partner}|{member}")


def refused_members(found: Sequence[Refusal], *, now: datetime) -> int:
    """Open a case for each refusal without an open one; what comes back after its case was closed, too."""
    unique = {(one.client_id, one.cause): one for one in found}
    causes = _free(unique)
    orders = [
        CaseOrder(
            client_id=one.client_id,
            subject=f"{one.partner} refused a member of file {one.file_id}",
            body=_refusal_words(one),
            category=CATEGORY,
            kind=REJECTION,
            assigned=Assignee(role=ROLE),
            person_id=one.person_id,
            about=one.subject,
            cause=causes[key],
        )
        for key, one in unique.items()
        if key in causes
    ]
    return _opened(orders, now)


def _refusal_words(one: Refusal) -> str:
    event = f" It follows from event {one.event[1]} of schedule {one.event[0]}." if one.event else ""
    code = f" (code {one.code})" if one.code else ""
    return (
        f"The partner says{code}: {one.words or 'nothing'}.{event} Correct what it names, or have the partner"
        " correct it; the case closes when a report confirms the member."
    )


def _free(unique: dict[tuple[int, str], Refusal]) -> dict[tuple[int, str], str]:
    """Answer a cause nobody has used for each refusal without an open case."""
    if not unique:
        return {}
    there = Ticket.objects.filter(
        about_kind=MEMBER, about_key__in={one.subject.key for one in unique.values()}
    )
    rows = list(there.values_list("client_id", "cause", "done_at"))
    free = {}
    for client_id, cause in unique:
        own = [done for client, known, done in rows if client == client_id and _is_of(known, cause)]
        if all(done is not None for done in own):
            free[client_id, cause] = f"{cause} again {len(own)}" if own else cause
    return free


def _is_of(known: str, cause: str) -> bool:
    return known == cause or known.startswith(f"{cause} again ")


def confirmed_members(partner: str, members: Iterable[tuple[int, str]], *, now: datetime) -> int:
    """Close the cases of members (client, key) of whom nothing is refused any more."""
    wanted = {(client, of_member(partner, member).key) for client, member in members}
    open_ones = Ticket.objects.filter(about_kind=MEMBER, about_key__in={key for _, key in wanted})
    there = set(open_ones.filter(done_at__isnull=True).values_list("client_id", "about_key"))
    return sum(
        close_for(
            Subject(kind=MEMBER, key=key),
            "the partner has confirmed the member",
            now=now,
            client_id=client,
            is_done=True,
        )
        for client, key in sorted(wanted & there)
    )


def refused_sets(
    file: CarrierFile,
    sets: Sequence[tuple[int, str]],
    *,
    now: datetime,
    persons: Mapping[int, int] | None = None,
) -> int:
    """Open a case for each set (number, words) of a file that was not taken.

    persons: the one person a set was refused for, by set, where it is one.
    """
    orders = [
        CaseOrder(
            client_id=file.client_id or None,
            subject=f"{file.partner} did not take set {number} of file {file.pk}",
            body=f"{words} Correct what it names; the set goes again alone with the next file.",
            category=CATEGORY,
            kind=REJECTION,
            assigned=Assignee(role=ROLE),
            person_id=(persons or {}).get(number),
            about=of_set(file.pk, number),
            cause=f"carrier set {file.pk}/{number}",
        )
        for number, words in sets
    ]
    return _opened(orders, now)


def of_set(file_id: int, number: int) -> Subject:
    """Name a set as casework knows it."""
    return Subject(kind=SET, key=f"{file_id}/{number}")


def taken_sets(file: CarrierFile, sets: Iterable[int], *, now: datetime) -> int:
    """Close the cases of sets that were taken after all."""
    keys = {of_set(file.pk, number).key for number in sets}
    there = _open_keys(SET, keys)
    return sum(
        close_for(Subject(kind=SET, key=key), "the partner has taken it", now=now, is_done=True)
        for key in sorted(there)
    )


def transfer_failed(file: CarrierFile, words: str, *, now: datetime) -> int:
    """Open a case for a transfer that failed; further failures of the same file are the same."""
    return _opened(
        [
            CaseOrder(
                client_id=file.client_id or None,
                subject=f"File {file.pk} for {file.partner} could not be sent",
                body=words,
                category=CATEGORY,
                kind=FILE,
                assigned=Assignee(role=ROLE),
                about=Subject(kind=TRANSFER, key=str(file.pk)),
                cause=f"carrier transfer {file.pk}",
            )
        ],
        now,
    )


def close_transfer(file: CarrierFile, *, now: datetime) -> int:
    """Close the case of a transfer that came to its end."""
    return _close(Subject(kind=TRANSFER, key=str(file.pk)), "the file was sent", file, now)


def overdue_file(file_id: int, client_id: int, partner: str, state: str, words: str) -> CaseOrder:
    """Answer the case of a file that waits too long in a state."""
    return CaseOrder(
        client_id=client_id or None,
        subject=f"File {file_id} for {partner} waits too long",
        body=words,
        category=CATEGORY,
        kind=NO_CONFIRMATION,
        assigned=Assignee(role=ROLE),
        about=Subject(kind=WAITS, key=str(file_id)),
        cause=f"carrier file {file_id} waits: {state}",
    )


def close_waiting(file: CarrierFile, *, now: datetime) -> int:
    """Close the cases of what a file waited for: it came."""
    return _close(Subject(kind=WAITS, key=str(file.pk)), f"the file is {file.state}", file, now)


def strange_answer(client_id: int, partner: str, answer_id: int, words: str, *, now: datetime) -> int:
    """Open a case for an answer that is about no file of ours, or says otherwise than before."""
    return _opened([_of_answer(client_id, partner, str(answer_id), words)], now)


def unreadable_answer(client_id: int, partner: str, fingerprint: str, words: str, *, now: datetime) -> int:
    """Open a case for a file that cannot be read and stays where it is."""
    return _opened([_of_answer(client_id, partner, fingerprint, words)], now)


def _of_answer(client_id: int, partner: str, key: str, words: str) -> CaseOrder:
    return CaseOrder(
        client_id=client_id or None,
        subject=f"An answer of {partner} needs a person",
        body=words,
        category=CATEGORY,
        kind=FILE,
        assigned=Assignee(role=ROLE),
        about=Subject(kind=ANSWER, key=f"{partner}|{key}"),
        cause=f"carrier answer {partner}|{key}",
    )


def open_all(orders: Sequence[CaseOrder], *, now: datetime) -> int:
    """Open cases; answer how many are new."""
    return _opened(orders, now)


def _opened(orders: Sequence[CaseOrder], now: datetime) -> int:
    if not orders:
        return 0
    return sum(one.opened_at == now for one in open_cases(AUTHOR, orders, now=now))


def _close(subject: Subject, words: str, file: CarrierFile, now: datetime) -> int:
    return close_for(subject, words, now=now, client_id=file.client_id, is_done=True)


def _open_keys(kind: str, keys: set[str]) -> set[str]:
    found = Ticket.objects.filter(about_kind=kind, about_key__in=keys, done_at__isnull=True)
    return set(found.values_list("about_key", flat=True))
