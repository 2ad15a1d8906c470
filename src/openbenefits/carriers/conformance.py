"""Validates a file against the implementation guide with pyx12; answers what is wrong, and where.

Only the tree of its errors is read: its exit status and its 999 say less. Whatever it raises is a file that
cannot be read: "rejected, unreadable". Values of elements are left out: they may be personal.
"""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyx12.params
import pyx12.x12n_document

from openbenefits.carriers.x12.reader import ISA_LENGTH

UNREADABLE = "unreadable"
MARK = b"\xef\xbb\xbf"
TELLING = 3  # a shorter value may be part of the words around it

logging.getLogger("pyx12").addHandler(logging.NullHandler())
logging.getLogger("pyx12").propagate = False  # it would log what it finds, values included


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What the guide does not allow.

    level: file, group, set, segment or element. set: its control number. segment: its number in the set.
    element: its position. code: that of the 999 (IK304, IK403, …), or "unreadable".
    """

    level: str
    set: str = ""
    segment_id: str = ""
    segment: int = 0
    element: int = 0
    code: str
    said: str

    def __str__(self) -> str:
        """Say where and what."""
        element = f"{self.element:02d}" if self.element else ""
        where = f"segment {self.segment} {self.segment_id}{element}: " if self.segment else ""
        return f"{f'set {self.set}, ' if self.set else ''}{where}{self.said} ({self.code})"


def findings_of(data: bytes) -> list[Finding]:
    """Answer all that the guide does not allow in a file; nothing where it conforms."""
    bare = data.removeprefix(MARK).lstrip()
    if len(bare) < ISA_LENGTH or not bare.startswith(b"ISA"):
        return [_unreadable("expected an ISA segment of 106 characters at its begin")]
    tree = io.StringIO()
    try:
        text = bare.decode("utf-8")
        is_valid = pyx12.x12n_document.x12n_document(
            pyx12.params.params(), io.StringIO(text), None, None, fd_json=tree
        )
        found = list(_told(json.loads(tree.getvalue())))
    except Exception as fault:  # whatever it raises, the file cannot be read
        return [_unreadable(f"the validator gave up ({type(fault).__name__})")]
    if not is_valid and not found:
        return [_unreadable("the validator refuses the file without saying why")]
    return found


def _unreadable(why: str) -> Finding:
    return Finding(level="file", code=UNREADABLE, said=f"rejected, unreadable: {why}")


def _told(tree: dict[str, Any]) -> Iterator[Finding]:
    if not tree["interchanges"]:
        yield _unreadable("no interchange was found")
    for interchange in tree["interchanges"]:
        yield from _errors(interchange, "file")
        for group in interchange["groups"]:
            yield from _errors(group, "group")
            for one in group["transactions"]:
                yield from _of_set(one)


def _of_set(told: dict[str, Any]) -> Iterator[Finding]:
    control = str(told["trn_set_control_num"] or "")
    yield from _errors(told, "set", set=control)
    for segment in told["segments"]:
        where: dict[str, Any] = {
            "set": control,
            "segment_id": segment["seg_id"],
            "segment": int(segment["seg_count"] or 0),
        }
        yield from _errors(segment, "segment", **where)
        for element in segment["elements"]:
            yield from _errors(element, "element", element=int(element["ele_pos"] or 0), **where)


def _errors(told: dict[str, Any], level: str, **where: Any) -> Iterator[Finding]:
    for one in told["errors"]:
        said = str(one["err_str"])
        value = str(one.get("err_val") or "")
        said = said.replace(value if len(value) >= TELLING else f"({value})", "…")
        yield Finding(level=level, code=str(one["err_cde"]), said=said, **where)
