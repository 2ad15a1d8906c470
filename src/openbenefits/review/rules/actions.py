"""What may be done about one event on demand, at which status: data (event-processing §15)."""

from openbenefits.core.codes import PROCESS_STATUS_NAMES, EventStatus, ProcessStatus

PREPARE, STATEMENT, ELECT = "prepare", "statement", "elect"
VALIDATE, FINALISE, REPROCESS, STATUS = "validate", "finalise", "reprocess", "status"

_S = ProcessStatus
NOT_PROCESSED = ""
_EVERY = (NOT_PROCESSED, *_S)
ENABLED: dict[str, frozenset[str]] = {
    PREPARE: frozenset((NOT_PROCESSED, _S.AS, _S.AN, _S.AE, _S.PE)),
    STATEMENT: frozenset((_S.PR, _S.NT)),
    ELECT: frozenset((_S.PR, _S.NT, _S.ET, _S.EE, _S.RE)),
    VALIDATE: frozenset((_S.ET, _S.EE, _S.RE)),
    FINALISE: frozenset((_S.PR, _S.NT, _S.ET, _S.EE, _S.RE)),
    REPROCESS: frozenset(one for one in _S if one != _S.AS),
    STATUS: frozenset(_EVERY),
}
"""At which process statuses each action is there ('' = not processed yet)."""

AT_DISCONNECTED = (REPROCESS, STATUS)
AT_VOID = (STATUS,)
"""What is left to do about an event that does not live."""

MEANING = {
    PREPARE: "assign the program and prepare the options now; whatever was in process is closed",
    STATEMENT: "issue the enrolment statement, or print it again",
    ELECT: "enter elections",
    VALIDATE: "check the elections and load them",
    FINALISE: "check and load, with defaults for what is open or invalid",
    REPROCESS: "decide the event again, with all consequences",
    STATUS: "open, close or void the event",
}
COMMANDS = {
    PREPARE: "review demand prepare",
    STATEMENT: "review demand statement",
    ELECT: "elect one",
    VALIDATE: "review demand validate",
    FINALISE: "review demand finalise",
    REPROCESS: "review demand reprocess",
    STATUS: "repair",
}


def refusal(action: str, event_status: str, process_status: str | None) -> str | None:
    """Say why an action is not there for an event; None where it is."""
    if event_status == EventStatus.VOID and action not in AT_VOID:
        return "expected an event that lives, found one that is void; bring it back first"
    if event_status == EventStatus.DISCONNECTED and action not in AT_DISCONNECTED:
        return "expected an event that lives, found one that is disconnected from its fact; decide it again"
    status = process_status or NOT_PROCESSED
    if status in ENABLED[action]:
        return None
    name = PROCESS_STATUS_NAMES.get(status, "not processed yet")
    expected = ", ".join(sorted(one or "not processed yet" for one in ENABLED[action]))
    return (
        f"{action}: expected an event at {expected}; found {status or name}{f' ({name})' if status else ''}"
    )
