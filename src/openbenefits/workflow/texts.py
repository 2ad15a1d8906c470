"""What an item of a channel says, and of whom: for checking it and for finding the fields it needs."""

from collections.abc import Iterator

from openbenefits.core.merging import fields_in
from openbenefits.workflow.channels import Channel, Item, Who, column
from openbenefits.workflow.rules.conditions import OF_CHANGE, OF_DAYS
from openbenefits.workflow.rules.days import TODAY, read_day


def texts_of(item: Item) -> list[str]:
    """List the texts of an item that may name fields."""
    found: list[str] = []
    for work in (item.task, item.case):
        if work is not None:
            found += [work.subject, work.body]
    if item.mail is not None:
        found += [item.mail.subject, item.mail.body]
    if item.letter is not None:
        found += [item.letter.title, item.letter.body]
    if item.change is not None:
        found += item.change.values.values()
    return found


def whos_of(item: Item) -> list[Who]:
    """List of whom an item speaks."""
    found = [who for work in (item.task, item.case) if work for who in (work.owner, work.assigned) if who]
    return found + (item.mail.to if item.mail is not None else [])


def fields_of(channel: Channel) -> set[str]:
    """Name the fields a channel needs of its records."""
    return set(_fields(channel))


def _fields(channel: Channel) -> Iterator[str]:
    schedules = [channel.schedule, *(item.schedule for item in channel.items)]
    yield from (one.field for one in schedules if one is not None)
    if channel.on is not None and channel.on.changed:
        yield channel.on.changed
    for rows in (channel.conditions, channel.withdrawn_when, *(item.conditions for item in channel.items)):
        for row in rows:
            yield row.column
            if row.operator in OF_DAYS and (name := read_day(row.value).field):
                yield name
    for item in channel.items:
        yield from fields_in(*texts_of(item))
        yield from (who.field for who in whos_of(item) if who.field)
        for work in (item.task, item.case):
            if work is None:
                continue
            if work.due is not None and work.due.start != TODAY and not work.due.start[0].isdigit():
                yield work.due.start
            if work.attach_to != "record":
                yield f"{work.attach_to}.subject"


def changing_fields(channel: Channel) -> set[str]:
    """Name the fields of which it matters what they were before."""
    rows = [*channel.conditions, *(row for item in channel.items for row in item.conditions)]
    found = {column(row.source, row.field) for row in rows if row.operator in OF_CHANGE}
    return found | ({channel.on.changed} if channel.on is not None and channel.on.changed else set())
