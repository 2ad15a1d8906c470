"""What may be done with an event after the fact, as data (event-processing §12.1, decision 0012).

One row per kind of operation: of which events it may be asked, what it does to them before the waves decide,
and which kind undoes it. `repair.rules` judges by these rows, `repair.carrying` carries them out.
"""

from dataclasses import dataclass

from openbenefits.core.codes import FINAL_STATUSES, EventStatus, ProcessIndicator, ProcessStatus

OPEN, CLOSED = str(EventStatus.OPEN), str(EventStatus.CLOSED)
DISCONNECTED, VOIDED = str(EventStatus.DISCONNECTED), str(EventStatus.VOID)
LIVING = (OPEN, CLOSED)

SCHEDULED = ""
"""Stands for an event that is scheduled, and of which nothing is decided."""
EVERY = (SCHEDULED, *(str(status) for status in ProcessStatus))
FINAL = tuple(str(status) for status in FINAL_STATUSES)
UNFINISHED = tuple(status for status in EVERY if status not in FINAL)
ASSIGNED = ("PR", "PE", "NT", "ET", "EE", "RE", "FE", "FP")
"""Past the program level."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of operation.

    of_statuses:  process statuses it may be asked of ('' = nothing decided yet).
    of_events:    event statuses it may be asked of.
    indicator:    the process indicator of the field it is, if one (event-processing §12.1).
    of_standing:  of a decision that holds, not of one to be made again behind an earlier event.
    takes_back:   what the event and the final ones after it posted is taken back first.
    is_decided:   the waves of a run follow.
    undone_by:    the kind that undoes it; None: it orders nothing that could be withdrawn.
    """

    code: str
    name: str
    of_statuses: tuple[str, ...] = EVERY
    of_events: tuple[str, ...] = LIVING
    of_standing: bool = False
    indicator: str | None = None
    takes_back: bool = True
    is_decided: bool = True
    undone_by: str | None = None


AGAIN, WITHDRAW, REDATE = "again", "withdraw", "redate"
ASSIGN, PREPARE, ELECT, REENTER, NORMAL = "assign", "prepare", "elect", "reenter", "normal"
REINSTATE, FINALIZE = "reinstate", "finalize"
OPENED, CLOSE, DISCONNECT, RECONNECT = "open", "close", "disconnect", "reconnect"
MOVE, RESTORE = "move", "restore"

_KINDS = (
    Kind(code=AGAIN, name="decide again", of_events=(*LIVING, DISCONNECTED)),
    Kind(
        code=WITHDRAW,
        name="void",
        of_events=(*LIVING, DISCONNECTED),
        indicator=str(ProcessIndicator.VOID),
        undone_by=REINSTATE,
    ),
    Kind(code=REDATE, name="move to another day", of_events=(*LIVING, DISCONNECTED), undone_by=REDATE),
    Kind(
        code=ASSIGN,
        name="assign the program again",
        of_statuses=("AN", "AE", *ASSIGNED, "FA"),
        indicator=str(ProcessIndicator.ASSIGN),
        undone_by=RESTORE,
    ),
    Kind(
        code=PREPARE,
        name="prepare the options again",
        of_statuses=ASSIGNED,
        indicator=str(ProcessIndicator.PREPARE),
        undone_by=RESTORE,
    ),
    Kind(
        code=ELECT,
        name="validate the elections again",
        of_statuses=("ET", "EE", "FE"),
        of_standing=True,
        indicator=str(ProcessIndicator.ELECT),
    ),
    Kind(
        code=REENTER,
        name="open again for re-entry",
        of_statuses=("FE",),
        of_standing=True,
        indicator=str(ProcessIndicator.REENTER),
        undone_by=AGAIN,
    ),
    Kind(
        code=NORMAL,
        name="go on as usual",
        of_statuses=UNFINISHED,
        indicator=str(ProcessIndicator.NORMAL),
        takes_back=False,
    ),
    Kind(
        code=FINALIZE,
        name="finalise with defaults",
        of_statuses=("PR", "NT", "ET", "EE", "RE"),
        takes_back=False,
        undone_by=RESTORE,
    ),
    Kind(code=REINSTATE, name="reinstate", of_events=(VOIDED,), undone_by=WITHDRAW),
    Kind(
        code=OPENED,
        name="open",
        of_statuses=UNFINISHED,
        of_events=(CLOSED,),
        takes_back=False,
        is_decided=False,
        undone_by=CLOSE,
    ),
    Kind(
        code=CLOSE,
        name="close",
        of_events=(OPEN,),
        takes_back=False,
        is_decided=False,
        undone_by=OPENED,
    ),
    Kind(
        code=DISCONNECT,
        name="disconnect from its fact",
        takes_back=False,
        is_decided=False,
        undone_by=RECONNECT,
    ),
    Kind(code=RECONNECT, name="reconnect to its fact", of_events=(DISCONNECTED,), undone_by=DISCONNECT),
    Kind(code=MOVE, name="move to another benefit record", undone_by=REINSTATE),
    Kind(code=RESTORE, name="give the elections back"),
)

KINDS: dict[str, Kind] = {kind.code: kind for kind in _KINDS}
ASKABLE = tuple(code for code in KINDS if code != RESTORE)
"""What a person may order."""
TAKING_BACK = tuple(kind.code for kind in _KINDS if kind.takes_back)
INDICATORS: dict[str, str] = {kind.indicator: kind.code for kind in _KINDS if kind.indicator}
