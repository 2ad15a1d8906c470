"""Use cases of workflow: channels written, published, taken out; dead letters ordered again; what is kept."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from psycopg import sql

from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import Access
from openbenefits.programs.findings import Finding, has_errors
from openbenefits.store.catalogue import psycopg_connection
from openbenefits.store.isolation import PEO
from openbenefits.workflow import looking, models
from openbenefits.workflow.channels import Channel, document, stored
from openbenefits.workflow.checking import check_channel
from openbenefits.workflow.deciding import Reading, with_before
from openbenefits.workflow.kinds import kind_of
from openbenefits.workflow.making import Moment, log, make
from openbenefits.workflow.published import Running, running
from openbenefits.workflow.records import asked_of, load

KEPT = timedelta(days=400)
"""So long the log is kept, and what channels looked at."""
SINCE_DONE = timedelta(days=30)


class ChannelRefused(ValueError):
    """A channel that cannot be stored or published: what was expected, what was found, what to change."""

    def __init__(self, told: str, findings: Sequence[Finding] = ()) -> None:
        """Say it, with the findings behind it."""
        super().__init__(told)
        self.findings = tuple(findings)


class ChannelMissing(LookupError):
    """A channel, version or dead letter that is not there."""


def write(
    access: Access | None, client_id: int, channel: Channel, *, author: str, now: datetime
) -> models.ChannelVersion:
    """Store a channel of a client (0: of the PEO) as its next version, unpublished; the same again is none.

    A version that was never published is written over; a published one never changes. access: None as a
    command.

    Errors: NotAllowed; ChannelRefused with the findings.
    """
    _require(access, client_id)
    findings = check_channel(channel)
    if client_id != PEO and channel.clients:
        raise ChannelRefused("expected no list of clients in a client's own channel, found one; take it out")
    if has_errors(findings):
        raise ChannelRefused("; ".join(one.sentence() for one in findings), findings)
    with transaction.atomic():
        kept, _ = models.Channel.objects.select_for_update().get_or_create(
            client_id=client_id, code=channel.channel, defaults={"name": channel.name}
        )
        last = kept.versions.order_by("-version").first()
        told = document(channel)
        if last is not None and last.document == told:
            return last
        if last is not None and last.published_at is None:
            last.document, last.author, last.written_at = told, author, now
            last.save(update_fields=["document", "author", "written_at"])
            return last
        return models.ChannelVersion.objects.create(
            client_id=client_id,
            channel=kept,
            version=(last.version if last else 0) + 1,
            document=told,
            author=author,
            written_at=now,
        )


def publish(
    access: Access | None,
    client_id: int,
    code: str,
    *,
    author: str,
    now: datetime,
    version: int | None = None,
) -> models.ChannelVersion:
    """Let a version of a channel run (the last one, if none is named) in place of the one that does.

    Errors: NotAllowed; ChannelMissing; ChannelRefused where what it names is no longer there.
    """
    _require(access, client_id)
    with transaction.atomic():
        kept = channel_of(client_id, code, is_locked=True)
        wanted = kept.versions.order_by("-version")
        found = wanted.first() if version is None else wanted.filter(version=version).first()
        if found is None:
            raise ChannelMissing(f"expected version {version} of the channel '{code}', found none")
        channel = stored(found.document)
        if findings := check_channel(channel):
            raise ChannelRefused("; ".join(one.sentence() for one in findings), findings)
        if found.published_at is None:
            found.published_by, found.published_at = author, now
            found.save(update_fields=["published_by", "published_at"])
        ending = {channel.kind} if kind_of(channel.kind).ended != "false" else set()
        kept.name, kept.playbook = channel.name, channel.playbook
        kept.is_health = Reading(channel).is_health
        kept.published, kept.kinds = found.version, sorted({*channel.watched(), *ending})
        kept.save(update_fields=["name", "playbook", "is_health", "published", "kinds"])
    return found


def unpublish(access: Access | None, client_id: int, code: str) -> models.Channel:
    """Let a channel run no more; what it made stays.

    Errors: NotAllowed; ChannelMissing.
    """
    _require(access, client_id)
    with transaction.atomic():
        kept = channel_of(client_id, code, is_locked=True)
        kept.published, kept.kinds = None, []
        kept.save(update_fields=["published", "kinds"])
    return kept


def channel_of(client_id: int, code: str, *, is_locked: bool = False) -> models.Channel:
    """Find a channel of a client (0: of the PEO).

    Errors: ChannelMissing.
    """
    channels = models.Channel.objects.filter(client_id=client_id, code=code)
    found: models.Channel | None = (channels.select_for_update() if is_locked else channels).first()
    if found is None:
        raise ChannelMissing(f"expected a channel '{code}', found none; write it first")
    return found


def _require(access: Access | None, client_id: int) -> None:
    if access is not None:
        access.require(Permission.SETUP, client_id)


def start(
    access: Access | None,
    connection: Any,
    client_id: int,
    code: str,
    key: str,
    *,
    today: date,
    now: datetime,
    user_id: int | None = None,
) -> int:
    """Start a channel by hand for a record of a client; answer how many things it made.

    Its conditions are asked as ever; on one day it makes the same for a record only once.

    Errors: NotAllowed; ChannelMissing where no such channel runs for the client, or there is no such record.
    """
    if access is not None:
        access.require(Permission.PROCESS, client_id)
    one = next((one for one in running(client_id) if one.channel.channel == code), None)
    if one is None:
        raise ChannelMissing(f"expected a published channel '{code}' of this client, found none; publish it")
    moment = Moment(client_id=client_id, today=today, now=now)
    with transaction.atomic():
        found = load(connection, one.reading.kind, asked_of([key], today), one.reading.fields)
        found = found.filter(client_id=client_id)
        if found.is_empty():
            raise ChannelMissing(
                f"expected a record '{key}' ({one.reading.kind.name}) of this client, found none"
            )
        rows = with_before(found, found.clear(), one.reading.changing).drop("was_there")
        rows = rows.with_columns(**looking.stamp(f"by hand {today}", None, 0, user_id))
        lines = [
            line
            for item in one.reading.first_items()
            for line in looking.made_of(
                connection,
                one,
                item,
                one.reading.met(one.channel, rows).filter("is_met").drop("is_met", "unmet"),
                moment,
            )
        ]
        log(connection, lines, now)
    return sum(line.filter(outcome="created").height for line in lines)


# --- dead letters -------------------------------------------------------------------------------------------


def order_again(access: Access | None, letter: models.DeadLetter) -> None:
    """Order what could not be done once more; a trigger queues it.

    Errors: NotAllowed; ChannelRefused where it is not dead.
    """
    _end(access, letter, "waiting", None)


def drop(access: Access | None, letter: models.DeadLetter, *, now: datetime) -> None:
    """Give up what could not be done.

    Errors: NotAllowed; ChannelRefused where it is not dead.
    """
    _end(access, letter, "dropped", now)


def _end(access: Access | None, letter: models.DeadLetter, state: str, now: datetime | None) -> None:
    _require(access, letter.client_id)
    dead = models.DeadLetter.objects.filter(pk=letter.pk, client_id=letter.client_id, state="dead")
    if not dead.update(state=state, ended_at=now):
        raise ChannelRefused(
            "expected a dead letter, found one that was ordered again, done or dropped already"
        )


def retry(connection: Any, letter_id: int, *, today: date, now: datetime) -> str:
    """Do once more what could not be done, as the worker does; answer the state it comes to."""
    letter = models.DeadLetter.objects.get(pk=letter_id)
    if letter.state != "waiting":
        return letter.state
    if letter.channel_id is None:
        models.Outbox.objects.filter(pk=letter.outbox_id, state="dead").update(state="waiting", attempts=0)
        try:
            looking.look(connection, letter.outbox_id, today=today, now=now)
        except Exception:  # it is counted: the next dead letter says what it was
            looking.give_up(letter.outbox_id)
        is_done = models.Outbox.objects.filter(pk=letter.outbox_id, state="done").exists()
    else:
        is_done = _made_again(connection, letter, now)
    if is_done:
        letter.state, letter.ended_at = "done", now
        letter.save(update_fields=["state", "ended_at"])
    letter.refresh_from_db()
    if letter.state == "waiting":
        letter.state = "dead"
        letter.save(update_fields=["state"])
    return letter.state


def _made_again(connection: Any, letter: models.DeadLetter, now: datetime) -> bool:
    version = models.ChannelVersion.objects.get(channel_id=letter.channel_id, version=letter.version)
    one = Running(letter.channel_id, letter.version, Reading(stored(version.document)))
    item = next(item for item in one.channel.items if item.item == letter.item)
    moment = Moment(client_id=letter.client_id, today=letter.day, now=now)
    with transaction.atomic():
        found = load(connection, one.reading.kind, asked_of([letter.key], letter.day), one.reading.fields)
        rows = with_before(found, found.clear(), one.reading.changing).drop("was_there")
        wanted = rows.with_columns(
            **looking.stamp(letter.cause, letter.fire_on, letter.depth, letter.user_id)
        )
        lines = make(connection, one, item, wanted, moment)
        log(connection, [lines], now)
    return lines.height > 0 and lines["outcome"][0] != "failed"


def forget(now: datetime) -> None:
    """Drop what is older than is kept: lines of the log, past rows, and what channels have looked at."""
    since = now - KEPT
    models.LogLine.objects.filter(at__lt=since).delete()
    models.PastRow.objects.filter(until__lt=since).delete()
    models.Arrival.objects.filter(at__lt=since).delete()
    models.Keeping.objects.filter(since__lt=since).update(since=since)
    models.Outbox.objects.filter(state="done", made_at__lt=now - SINCE_DONE).delete()


def stand_still(connection: Any, day: date) -> None:
    """Let past rows be written, in sessions to come, as of the day a demonstration stands still on."""
    models.PastRow.objects.all().delete()
    models.Keeping.objects.update(since=datetime.combine(day, time(), UTC))
    session = psycopg_connection(connection)
    session.execute(
        sql.SQL("ALTER DATABASE {} SET openbenefits.today = {}").format(
            sql.Identifier(session.info.dbname), sql.Literal(day.isoformat())
        )
    )
