"""The kinds of long work: each calls the use case of the floor it belongs to."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from openbenefits.accounts.roles import Permission
from openbenefits.background.services import Kind, Work
from openbenefits.runs.audited import audit_of
from openbenefits.runs.controls import execute
from openbenefits.runs.draft_effects import draft_effect


def _run_control(work: Work) -> Mapping[str, Any]:
    """Carry out a run control. Asked for: its code, the day, codes of audits that may stand."""
    asked_for = work.asked_for
    result = execute(
        work.connection,
        work.request.client_id,
        asked_for["control"],
        as_of=date.fromisoformat(asked_for["as_of"]),
        accepted=asked_for.get("accepted", {}),
        now=work.now,
        started_by=work.request.author,
        progress=work.say,
    )
    return {"run": result.run_id, "state": result.state, "people": result.people}


def _draft_effect(work: Work) -> Mapping[str, Any]:
    """Say whom a draft of set-up would move. Asked for: its number, the day."""
    asked_for = work.asked_for
    return draft_effect(
        work.connection,
        asked_for["draft"],
        as_of=date.fromisoformat(asked_for["as_of"]),
        now=work.now,
        progress=work.say,
    )


def _audit(work: Work) -> Mapping[str, Any]:
    """Look at everybody of a client. Asked for: the day."""
    day = date.fromisoformat(work.asked_for["as_of"])
    return audit_of(work.connection, work.request.client_id, as_of=day, progress=work.say)


KINDS: dict[str, Kind] = {
    "run control": Kind(name="run", permission=Permission.PROCESS, act=_run_control),
    "draft effect": Kind(name="effect of a draft", permission=Permission.SETUP, act=_draft_effect),
    "audit": Kind(name="audit", permission=Permission.PROCESS, act=_audit),
}
