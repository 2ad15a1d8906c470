"""The kinds of long work: each calls the use case of the floor it belongs to."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from openbenefits.accounts.roles import Permission
from openbenefits.background.file_kinds import FILE_KINDS
from openbenefits.background.services import Kind, Work
from openbenefits.runs.controls import execute


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


KINDS: dict[str, Kind] = {
    "run control": Kind(name="run", permission=Permission.PROCESS, act=_run_control),
    **FILE_KINDS,
}
