"""A channel in words, so that one reads what it does without knowing its form."""

from typing import Any

from django.utils.translation import gettext as _

from openbenefits.workflow.channels import Channel, Condition, Due, Item, Schedule, Who
from openbenefits.workflow.checks import CHECKS
from openbenefits.workflow.kinds import KindUnknown, field_of, kind_of

MADE = {"task": "a task", "case": "a case", "mail": "a mail", "letter": "a letter", "change": "a change"}


def trigger(channel: Channel) -> str:
    """Say what triggers a channel."""
    title = kind_of(channel.kind).title
    if channel.by_hand:
        return _("Somebody starts it for: %(kind)s") % {"kind": title}
    if channel.on is None:
        return (
            f"{title}: {schedule(channel, channel.schedule)}"
            if channel.schedule
            else _("Days of: %(kind)s") % {"kind": title}
        )
    told = _("%(kind)s: %(operation)s, by %(ways)s") % {
        "kind": title,
        "operation": channel.on.operation,
        "ways": ", ".join(channel.on.pipelines),
    }
    if channel.on.changed:
        told += _("; only where %(field)s has changed") % {
            "field": field(channel, "record", channel.on.changed)
        }
    return told


def schedule(channel: Channel, one: Schedule) -> str:
    """Say when a scheduled item is due."""
    name = field(channel, "record", one.field)
    days = abs(one.offset)
    if one.offset < 0:
        told = _("%(days)s days before %(field)s") % {"days": days, "field": name}
    elif one.offset:
        told = _("%(days)s days after %(field)s") % {"days": days, "field": name}
    else:
        told = _("on %(field)s") % {"field": name}
    if one.grace > 1:
        told += _(", or in the %(grace)s days from then") % {"grace": one.grace}
    if one.frequency:
        told += _(", at most every %(days)s days") % {"days": one.frequency}
    if one.include_inactive:
        told += _(", inactive ones, too")
    return told


def field(channel: Channel, source: str, name: str) -> str:
    """Say what a field is called, with the record it is of."""
    try:
        title = field_of(kind_of(channel.kind), "record" if source == "channel" else source, name).title
    except KindUnknown:
        return name
    return title if source in ("record", "channel") else f"{title} ({source})"


def conditions(channel: Channel, rows: list[Condition], expression: str) -> list[str]:
    """Say conditions, a line each, and how they are joined."""
    told = [
        f"{row.label}: {field(channel, row.source, row.field)} {row.operator} {row.value}".rstrip()
        for row in rows
    ]
    if len(rows) > 1:
        told.append(_("joined: %(how)s") % {"how": expression or _("any of them")})
    return told


def item(channel: Channel, one: Item) -> dict[str, Any]:
    """Say what an item makes, for whom, when due, and when it is done."""
    (kind, part), *_rest = one.made.items()
    lines = []
    if one.schedule is not None:
        lines.append(schedule(channel, one.schedule))
    if one.after is not None:
        lines.append(
            _("after “%(item)s” is %(status)s") % {"item": one.after.item, "status": one.after.status}
        )
    lines += conditions(channel, one.conditions, one.expression)
    if one.once or channel.once:
        lines.append(_("only once for a record"))
    if kind in ("task", "case"):
        lines += _work(part)
    if kind == "mail":
        lines.append(_("to %(who)s") % {"who": ", ".join(who(one) for one in part.to)})
    if kind == "change":
        lines.append(part.act)
    return {
        "code": one.item,
        "title": one.title,
        "made": MADE[kind],
        "text": getattr(part, "subject", getattr(part, "title", "")),
        "lines": lines,
        "done": CHECKS[one.done_when].title if one.done_when in CHECKS else "",
    }


def _work(part: Any) -> list[str]:
    told = [_("for %(who)s") % {"who": who(part.assigned)}] if part.assigned else []
    if part.due is not None:
        told.append(due(part.due))
    if part.priority:
        told.append(_("%(priority)s priority") % {"priority": part.priority})
    return told


def due(one: Due) -> str:
    """Say when something is due."""
    days = _("business days") if one.business else _("days")
    start = _("the day it is opened") if one.start == "today" else one.start
    return _("due %(count)s %(days)s from %(start)s") % {"count": one.days, "days": days, "start": start}


def who(one: Who) -> str:
    """Say who gets something."""
    if one.current:
        told = _("whoever made the change")
    elif one.role:
        told = _("the %(role)s of the client") % {"role": one.role}
    elif one.queue:
        told = _("the queue “%(queue)s”") % {"queue": one.queue}
    else:
        told = one.user or _("the user in %(field)s") % {"field": one.field}
    return told + (_(", else %(backup)s") % {"backup": one.backup} if one.backup else "")
