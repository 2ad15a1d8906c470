"""Where the records of carrier enrolment are that cause cases: files, sets, answers, worklist entries."""

from openbenefits.carriers.states import casing
from openbenefits.workbench import links
from openbenefits.workbench.casework.subjects import MOST, register


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and int(text) < MOST else None


def _file(_client: str, key: str) -> str | None:
    """Find the page of a file: the key begins with its number."""
    number = _number(key.split("/")[0])
    return None if number is None else links.found("carrier_file", number=number)


def _answer(_client: str, key: str) -> str | None:
    number = _number(key.rpartition("|")[2])
    return links.found("carrier_answers") if number is None else links.found("carrier_answer", number=number)


def _entry(_client: str, key: str) -> str | None:
    number = _number(key)
    return None if number is None else links.found("portal_entry", number=number)


for _kind in (casing.WAITS, casing.TRANSFER, casing.SET):
    register(_kind, _file)
register(casing.ANSWER, _answer)
register(casing.ENTRY, _entry)
register(casing.MEMBER, lambda _client, _key: links.found("carrier_refused"))
