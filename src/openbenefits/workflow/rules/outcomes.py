"""What may become of a record a channel looked at, and why, in words that name no person."""

from enum import StrEnum


class Outcome(StrEnum):
    """What became of a record."""

    NOT_MATCHED = "not matched"
    MATCHED = "matched"  # conditions hold; its items say what was made
    CREATED = "created"
    SKIPPED = "skipped"
    FAILED = "failed"  # there is a dead letter


WHYS = {
    "pipeline": "the channel does not count changes that arrive by {pipeline}",
    "operation": "the channel does not count {operation}s",
    "unchanged": "{field} did not change",
    "conditions": "not so: {labels}",
    "once": "it is made only once for a record",
    "change": "it was made for this record in the same change",
    "fired": "it was made for this date",
    "frequency": "it was made within the last {days} days",
    "inactive": "the record is inactive",
    "depth": "more than {depth} channels stand behind the change",
    "gone": "the record is no longer there",
}


def why(code: str, **parts: object) -> str:
    """Say why, in words."""
    return WHYS[code].format(**parts)
