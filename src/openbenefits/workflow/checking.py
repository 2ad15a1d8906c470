"""What must be right before a channel is stored.

Names that exist, values that fit, an expression that reads.
"""

from collections.abc import Iterator, Sequence
from datetime import date

from openbenefits.core.merging import fields_in
from openbenefits.programs.findings import Finding
from openbenefits.workflow.acts import ActRefused, act_of
from openbenefits.workflow.channels import Channel, Condition, Item, Schedule, Who, Work
from openbenefits.workflow.checks import CHECKS
from openbenefits.workflow.kinds import FieldType, KindUnknown, RecordKind, field_of, kind_of
from openbenefits.workflow.rules.conditions import OF_CHANGE, OF_DAYS, ConditionRefused, Row, check
from openbenefits.workflow.rules.days import DayRefused, read_day
from openbenefits.workflow.rules.expressions import ExpressionRefused, parse
from openbenefits.workflow.texts import texts_of, whos_of

WORDS = {"AND", "OR", "NOT"}


def check_channel(channel: Channel) -> list[Finding]:
    """Find what is wrong with a channel; nothing: it can be stored and published."""
    return list(_faults(channel))


def _faults(channel: Channel) -> Iterator[Finding]:
    if not channel.channel.strip() or not channel.name.strip():
        yield _finding("channel", "a code and a name", "one of them empty")
    ways = [channel.on is not None, channel.schedule is not None or _all_scheduled(channel), channel.by_hand]
    if sum(ways) != 1:
        yield _finding("on", "one of `on` (real time), `schedule`, `by_hand`", f"{sum(ways)} of them")
    try:
        kind = kind_of(channel.kind)
    except KindUnknown as unknown:
        yield _refused("kind", unknown)
        return
    yield from _trigger(channel, kind)
    yield from _conditions("conditions", channel.conditions, channel.expression, kind, channel)
    yield from _withdrawn(channel, kind)
    if not channel.items:
        yield _finding("items", "at least one item", "none")
    yield from _items(channel, kind)


def _all_scheduled(channel: Channel) -> bool:
    return any(item.schedule for item in channel.items)


def _trigger(channel: Channel, kind: RecordKind) -> Iterator[Finding]:
    if channel.on is not None and channel.on.changed:
        yield from _named("on.changed", kind, "record", channel.on.changed)
    if channel.is_scheduled and not kind.population:
        yield _finding("kind", "a kind that can be scheduled", f"'{kind.name}', whose records have no list")
    if channel.schedule is not None:
        yield from _schedule("schedule", channel.schedule, kind)


def _schedule(where: str, schedule: Schedule, kind: RecordKind) -> Iterator[Finding]:
    yield from _named(f"{where}.field", kind, "record", schedule.field, FieldType.DAY)
    if schedule.grace < 0 or schedule.frequency < 0:
        yield _finding(where, "days from 0 on for grace and frequency", "less")


def _named(
    where: str, kind: RecordKind, source: str, name: str, wanted: FieldType | None = None
) -> Iterator[Finding]:
    try:
        field = field_of(kind, source, name)
    except KindUnknown as unknown:
        yield _refused(where, unknown)
        return
    if wanted is not None and field.type is not wanted:
        yield _finding(where, f"a field that is a {wanted}", f"'{name}', a {field.type}")


def _conditions(
    where: str, rows: Sequence[Condition], expression: str, kind: RecordKind, channel: Channel
) -> Iterator[Finding]:
    labels = [row.label for row in rows]
    for place, row in enumerate(rows):
        here = f"{where}[{place}]"
        if row.label.upper() in WORDS or not row.label.replace("_", "").isalnum():
            yield _finding(here, "a label of letters and digits, not AND, OR or NOT", f"'{row.label}'")
        if labels.count(row.label) > 1:
            yield _finding(here, "a label of its own", f"'{row.label}' twice")
        yield from _condition(here, row, kind, channel)
    try:
        parse(expression, labels)
    except ExpressionRefused as refused:
        yield _refused(where.replace("conditions", "expression"), refused)


def _withdrawn(channel: Channel, kind: RecordKind) -> Iterator[Finding]:
    yield from _conditions("withdrawn_when", channel.withdrawn_when, "", kind, channel)
    if channel.withdrawn_when and channel.on is None:
        yield _finding("withdrawn_when", "a real-time channel", "one that days, or somebody, bring about")
    for place, row in enumerate(channel.withdrawn_when):
        if row.operator in OF_CHANGE:
            yield _finding(f"withdrawn_when[{place}]", "what a record is", f"'{row.operator}'")


def _condition(where: str, row: Condition, kind: RecordKind, channel: Channel) -> Iterator[Finding]:
    try:
        field = field_of(kind, "record" if row.source == "channel" else row.source, row.field)
        check(row_of(row, field.type))
        if row.operator in OF_DAYS and (name := read_day(row.value).field):
            yield from _dotted(f"{where}.value", kind, name, FieldType.DAY)
    except (KindUnknown, ConditionRefused, DayRefused) as refused:
        yield _refused(where, refused)
        return
    if row.operator.startswith("changed") and (
        channel.is_scheduled or row.source not in ("record", "channel")
    ):
        yield _finding(where, "a change of the trigger record of a real-time channel", f"'{row.operator}'")


def _dotted(where: str, kind: RecordKind, name: str, wanted: FieldType | None = None) -> Iterator[Finding]:
    source, _, field = name.rpartition(".")
    yield from _named(where, kind, source or "record", field, wanted)


def row_of(row: Condition, field_type: FieldType) -> Row:
    """Answer a condition as the rules take it."""
    return Row(label=row.label, column=row.column, type=field_type, operator=row.operator, value=row.value)


def _items(channel: Channel, kind: RecordKind) -> Iterator[Finding]:
    codes = [item.item for item in channel.items]
    for place, item in enumerate(channel.items):
        where = f"items[{place}]"
        if len(item.made) != 1:
            found = ", ".join(item.made) or "none"
            yield _finding(where, "exactly one of task, case, mail, letter, change", found)
        if not item.item.strip() or codes.count(item.item) > 1:
            yield _finding(where, "a code of its own", f"'{item.item}'")
        if item.done_when and item.done_when not in CHECKS:
            yield _finding(f"{where}.done_when", f"one of {', '.join(sorted(CHECKS))}", f"'{item.done_when}'")
        yield from _order(where, channel, item, codes[:place])
        yield from _conditions(f"{where}.conditions", item.conditions, item.expression, kind, channel)
        yield from _made(where, item, kind)


def _order(where: str, channel: Channel, item: Item, before: Sequence[str]) -> Iterator[Finding]:
    if item.after is not None:
        forms = {one.item: set(one.made) for one in channel.items}
        if item.after.item not in before or not forms[item.after.item] & {"task", "case"}:
            yield _finding(f"{where}.after", "a task or case of an item before it", f"'{item.after.item}'")
        if item.schedule is not None:
            yield _finding(where, "`after` or a `schedule`", "both")
    if item.schedule is not None:
        if not channel.is_scheduled:
            yield _finding(f"{where}.schedule", "no schedule in a channel that no day brings about", "one")
        yield from _schedule(f"{where}.schedule", item.schedule, kind_of(channel.kind))
    elif channel.is_scheduled and channel.schedule is None and item.after is None:
        yield _finding(where, "a schedule, here or of the channel", "none")


def _made(where: str, item: Item, kind: RecordKind) -> Iterator[Finding]:
    for name in sorted(fields_in(*texts_of(item))):
        source, _, field = name.rpartition(".")
        try:
            found = field_of(kind, source or "record", field)
        except KindUnknown as unknown:
            yield _refused(f"{where}, {{{{{name}}}}}", unknown)
            continue
        if found.guard is not None:
            yield _finding(where, "no personal or health data in a text", f"{{{{{name}}}}}")
    for who in whos_of(item):
        yield from _who(where, who, kind)
    for work in (item.task, item.case):
        if work is not None:
            yield from _work(where, work, kind)
    if item.case is not None and item.case.marked:
        yield _finding(f"{where}.case", "a task, where it is to be deleted once it is done", "a case")
    if item.change is not None:
        yield from _act(where, item, kind)
    if item.letter is not None and kind.person == "NULL":
        yield _finding(f"{where}.letter", "a record about a person", f"'{kind.name}'")


def _who(where: str, who: Who, kind: RecordKind) -> Iterator[Finding]:
    said = [name for name in ("user", "field", "role", "queue", "current") if getattr(who, name)]
    if len(said) != 1:
        yield _finding(where, "one of user, field, role, queue, current", ", ".join(said) or "none")
    if who.field:
        yield from _dotted(where, kind, who.field, FieldType.TEXT)


def _work(where: str, work: Work, kind: RecordKind) -> Iterator[Finding]:
    if work.priority not in ("", "critical", "high", "medium", "low"):
        yield _finding(where, "a priority: critical, high, medium, low", f"'{work.priority}'")
    if work.attach_to not in ("record", *kind.related):
        yield _finding(where, f"one of record, {', '.join(kind.related)}", f"'{work.attach_to}'")
    if work.due is not None and work.due.start != "today":
        try:
            date.fromisoformat(work.due.start)
        except ValueError:
            yield from _dotted(f"{where}.due", kind, work.due.start, FieldType.DAY)


def _act(where: str, item: Item, kind: RecordKind) -> Iterator[Finding]:
    assert item.change is not None  # noqa: S101 - its caller looked
    try:
        act = act_of(item.change.act)
    except ActRefused as refused:
        yield _refused(f"{where}.change", refused)
        return
    known = {name.rstrip("*") for name in act.values}
    if unknown := sorted(set(item.change.values) - known):
        yield _finding(f"{where}.change", f"values of {', '.join(sorted(known))}", f"'{unknown[0]}'")
    needed = {name.rstrip("*") for name in act.values if name.endswith("*")}
    if missing := sorted(needed - {name for name, value in item.change.values.items() if value}):
        yield _finding(f"{where}.change", f"a value for '{missing[0]}'", "none")
    if act.needs_person and kind.person == "NULL":
        yield _finding(f"{where}.change", "a record about a person", f"'{kind.name}'")


def _refused(where: str, refused: Exception) -> Finding:
    expected, _, found = str(refused).rpartition(", found ")
    return _finding(where, expected.removeprefix("expected "), found)


def _finding(where: str, expected: str, found: str) -> Finding:
    return Finding(code="channel", where=where, expected=expected, found=found, cure="Correct the channel.")
