"""Writes an 834: the segments of each loop in the order of the guide."""

from collections.abc import Iterator

from openbenefits.carriers.enrollment.file import CODE, File, Group, Set
from openbenefits.carriers.x12.writer import Form, GroupToWrite, SetToWrite, write_interchange


def write_file(told: File, form: Form | None = None) -> bytes:
    """Answer the bytes of a file in the form its receiver wants. Errors: NotWritable."""
    return write_interchange(told.header, [_group(one) for one in told.groups], form or Form())


def _group(told: Group) -> GroupToWrite:
    sets = [
        SetToWrite(code=CODE, guide=one.guide, control_number=one.control_number, segments=segments_of(one))
        for one in told.sets
    ]
    return GroupToWrite(header=told.header, sets=sets)


def segments_of(told: Set) -> Iterator[list[str]]:
    """Answer what stands between ST and SE."""
    yield from told.header.segments()
    for member in told.members:
        yield from member.segments()
    yield from (one.segment() for one in told.other)
