"""The exchange with the payroll platform as long work: looked at, sent, taken in."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import Access
from openbenefits.background.services import Kind, RequestRefused, Work
from openbenefits.platform import exchange, exporting
from openbenefits.platform.audits.services import sides_of
from openbenefits.platform.connecting import linked
from openbenefits.store.isolation import PEO

Told = Mapping[str, Any]


class LookAt(msgspec.Struct, forbid_unknown_fields=True):
    """A look at a client there, with the pays of a span of checks (45 days back unless told)."""

    begin: date | None = None
    through: date | None = None


class Send(msgspec.Struct, forbid_unknown_fields=True):
    """What is due, sent. despite: why deductions that do not agree keep nothing from being sent."""

    despite: str = ""


class Export(msgspec.Struct, forbid_unknown_fields=True):
    """A part of an export, planned and sent."""

    part: str
    reason: str


class Sync(msgspec.Struct, forbid_unknown_fields=True):
    """What changed there, taken in; is_whole: everybody is read."""

    is_whole: bool = False


class Pays(msgspec.Struct, forbid_unknown_fields=True):
    """Vouchers of a span of checks, taken into the ledger."""

    begin: date
    through: date


def _work(work: Work) -> exchange.Work:
    return exchange.Work(
        connection=work.connection,
        client_id=work.request.client_id,
        author=work.request.author,
        today=work.now.date(),
        clock=lambda: datetime.now(UTC),
        say=work.say,
    )


def look_at(work: Work) -> Told:
    """Look at everything of a client there."""
    asked = work.of(LookAt)
    found = exchange.look_at(_work(work), asked.begin, asked.through)
    return {"counts": {"rows seen": found.rows}}


def send(work: Work) -> Told:
    """Send what is due, and read it back."""
    return {"counts": exchange.send(_work(work), despite=work.of(Send).despite)}


def export(work: Work) -> Told:
    """Plan a part of an export by a look of this moment, and send it."""
    asked, doing = work.of(Export), _work(work)
    exchange.look_at(doing)
    sides = sides_of(work.connection, doing.client_id, doing.today)
    made = exporting.export(sides, asked.part, author=doing.author, reason=asked.reason, now=doing.clock())
    held = sum(one.state == "held" for one in made)
    return {"counts": {"planned": len(made) - held, "held": held} | exchange.send(doing)}


def sync(work: Work) -> Told:
    """Take in what changed there."""
    return {"counts": dict(exchange.sync(_work(work), is_whole=work.of(Sync).is_whole))}


def take_pays(work: Work) -> Told:
    """Take what posted pays took into the ledger."""
    asked = work.of(Pays)
    found = exchange.take_vouchers(_work(work), asked.begin, asked.through)
    result = found.result
    counts = (
        {"taken": 0, "bad": 0} if result is None else {"taken": result.taken, "bad": result.bad_row_count}
    )
    return {"counts": counts, "unplaced": found.unplaced}


def _check(access: Access, client_id: int, asked: Any) -> None:
    linked(client_id)
    if isinstance(asked, Export) and (asked.part not in exporting.PARTS or not asked.reason.strip()):
        raise RequestRefused(f"expected one of {', '.join(exporting.PARTS)} and a reason, found another")
    if isinstance(asked, Export) and asked.part in exporting.SHARED:
        access.require(Permission.SETUP, PEO)


def _kind(name: str, act: Any, asks: type[msgspec.Struct]) -> Kind:
    return Kind(name=name, permission=Permission.PAYROLL, act=act, asks=asks, check=_check)


PLATFORM_KINDS: dict[str, Kind] = {
    "platform look": _kind("look at the payroll platform", look_at, LookAt),
    "platform send": _kind("changes sent to the payroll platform", send, Send),
    "platform export": _kind("export to the payroll platform", export, Export),
    "platform sync": _kind("changes taken in from the payroll platform", sync, Sync),
    "platform pays": _kind("pays taken in from the payroll platform", take_pays, Pays),
}
