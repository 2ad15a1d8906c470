"""Letters as long work: kept, given to the way each person chose, and mailed where that is it."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import msgspec

from openbenefits.accounts.services import Access
from openbenefits.background.services import RequestRefused, Work
from openbenefits.background.statement_kinds import ISSUES, IssueStatements, check_issue
from openbenefits.delivery.codes import DocumentKind
from openbenefits.delivery.services import send_mails
from openbenefits.reports.issuing_letters import LetterOrder, issue_letters


class DeliverStatements(msgspec.Struct, forbid_unknown_fields=True):
    """The statements of a schedule that are due on a day, each on the way its person chose."""

    schedule: int
    kind: Literal["enrollment", "confirmation"]
    on: date


class DeliverLetters(msgspec.Struct, forbid_unknown_fields=True):
    """Letters of coverage on a day, or of what was lost from one day to another, to everybody concerned."""

    kind: Literal["coverage", "loss"]
    as_of: date
    on: date
    since: date | None = None


class SendMails(msgspec.Struct, forbid_unknown_fields=True):
    """The mails of the client that wait."""


def check_statements(access: Access, client_id: int, asked: DeliverStatements) -> None:
    """Refuse a schedule the client does not have.

    Errors: RequestRefused.
    """
    check_issue(access, client_id, IssueStatements(schedule=asked.schedule, kind=asked.kind, on=asked.on))


def check_letters(_access: Access, _client_id: int, asked: DeliverLetters) -> None:
    """Refuse a loss without the day it is looked for from.

    Errors: RequestRefused.
    """
    if asked.kind == "loss" and (asked.since is None or asked.since > asked.as_of):
        raise RequestRefused(
            "expected the first day on which coverage may have ended, not after the last; name it"
        )


def deliver_statements(work: Work) -> Mapping[str, Any]:
    """Make the statements due of a schedule, and send them as their people chose."""
    asked = work.of(DeliverStatements)
    done = ISSUES[asked.kind](
        work.connection,
        asked.schedule,
        on=asked.on,
        now=work.now,
        actor=work.request.author,
        progress=work.say,
    )
    result = {"statements": done.issued, "busy": done.busy, "not_printed": done.not_printed}
    return result | _mailed(work)


def deliver_letters(work: Work) -> Mapping[str, Any]:
    """Make letters of coverage or of loss, and send them as their people chose."""
    asked = work.of(DeliverLetters)
    order = LetterOrder(
        client_id=work.request.client_id,
        kind=DocumentKind(asked.kind),
        as_of=asked.as_of,
        since=asked.since,
    )
    done = issue_letters(
        work.connection, order, on=asked.on, now=work.now, actor=work.request.author, progress=work.say
    )
    result = {"letters": len(done.documents), "nothing_to_tell": done.nothing, "had_one": done.had_one}
    return result | _mailed(work)


def mail_out(work: Work) -> Mapping[str, Any]:
    """Send the mails that wait."""
    return _mailed(work)


def _mailed(work: Work) -> dict[str, Any]:
    counts = send_mails(
        work.connection, work.request.client_id, author=work.request.author, now=work.now, progress=work.say
    )
    return {f"mails_{fate}": count for fate, count in counts.items()}
