"""Statements in bulk as long work: a schedule's letters, written to files and noted as sent."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal

import msgspec
from django.conf import settings
from django.db import connections

from openbenefits.accounts.services import Access
from openbenefits.background.services import RequestRefused, Work
from openbenefits.programs.frames import load_setup
from openbenefits.reports.services import issue_confirmations, issue_enrollment_statements

ISSUES = {"enrollment": issue_enrollment_statements, "confirmation": issue_confirmations}


class IssueStatements(msgspec.Struct, forbid_unknown_fields=True):
    """The statements of a schedule that are due on a day and not yet sent."""

    schedule: int
    kind: Literal["enrollment", "confirmation"]
    on: date
    per_person: bool = False


def check_issue(_access: Access, client_id: int, asked: IssueStatements) -> None:
    """Refuse a schedule the client does not have.

    Errors: RequestRefused.
    """
    rows = load_setup(connections["default"], [client_id])["schedule"]
    if rows.filter(client_id=client_id, schedule_id=asked.schedule).is_empty():
        raise RequestRefused(f"expected a schedule of the client, found number {asked.schedule}")


def folder_of(client_id: int, request_id: int) -> Path:
    """The folder of the statements that a request wrote."""
    place = connections["default"].settings_dict["NAME"]
    return Path(settings.STATEMENTS) / str(place) / str(client_id) / str(request_id)


def issue(work: Work) -> Mapping[str, Any]:
    """Write the statements due of a schedule; what is committed of a stopped request is sent."""
    asked = work.of(IssueStatements)
    folder = folder_of(work.request.client_id, work.request.pk)
    folder.mkdir(parents=True, exist_ok=True)
    done = ISSUES[asked.kind](
        work.connection,
        asked.schedule,
        folder=folder,
        on=asked.on,
        now=work.now,
        actor=work.request.author,
        per_person=asked.per_person,
        progress=work.say,
    )
    return {
        "statements": done.issued,
        "files": len(done.files),
        "busy": done.busy,
        "not_printed": done.not_printed,
    }
