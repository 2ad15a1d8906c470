"""Keeps files that say something else than who is covered: contributions, premiums, lists.

What such a file said stands sealed beside it, so that the next one says only what is new. A file that is
invalid, was withdrawn, refused or not read said nothing.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.carriers import models
from openbenefits.carriers.agreements.partners import PEO, Partner, partner_of
from openbenefits.carriers.building import viewing
from openbenefits.carriers.building.saying import LINES, PEOPLE, packed
from openbenefits.carriers.building.services import Feed, history
from openbenefits.carriers.building.telling import values_for
from openbenefits.carriers.building.writing import Finding
from openbenefits.carriers.enrollment.file import Controls
from openbenefits.carriers.rules.custody import REFUSING, FileState
from openbenefits.carriers.rules.guards import Hold
from openbenefits.carriers.rules.identities import dependent_key, person_key
from openbenefits.carriers.rules.renderings import Message
from openbenefits.store.bulk import copy_in, schema_of
from openbenefits.store.secrets import seal_file
from openbenefits.workforce.models import Client

FILE, PREMIUM = "file", "820"
EMPLOYEE = 0
LINE_KEY = (
    *("client_id", "person_id", "benefit_record", "dependent_id", "plan_type"),
    *("line", "kind", "set", "begins_on"),
)
UNTOLD = (FileState.INVALID, FileState.WITHDRAWN, *sorted(REFUSING))
"""States of files that told the partner nothing."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be built: for whom, under which agreement, by whom and when."""

    feed: Feed
    owner: int
    version: int
    partner: Partner
    client_ids: Sequence[int]
    on: date
    author: str
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Made:
    """What was made: bytes or findings, why it waits, and what it says."""

    data: bytes = b""
    findings: Sequence[Finding] = ()
    holds: Sequence[Hold] = ()
    sets: Sequence[str] = ()
    said: pl.DataFrame
    people: int
    told: pl.DataFrame | None = None  # rows of `said` or alike, by whose lines are kept


def ordered(connection: Any, feed: Feed, *, on: date, author: str, now: datetime) -> Order:
    """Answer what is asked for; nobody else builds for this partner until the transaction ends."""
    owner, version, partner = partner_of(feed.client_id, feed.code)
    client_ids = clients_of(connection, feed)
    viewing.locked(connection, feed.code, [owner, *client_ids])
    return Order(
        feed=feed,
        owner=owner,
        version=version,
        partner=partner,
        client_ids=client_ids,
        on=on,
        author=author,
        now=now,
    )


def clients_of(connection: Any, feed: Feed) -> list[int]:
    """Answer the clients a feed is of: one, or all the PEO's agreement covers."""
    return [feed.client_id] if feed.client_id != PEO else viewing.covered_clients(connection, feed.code)


def values_of(order: Order, *, number: int) -> dict[str, Any]:
    """Answer what a layout may name beside its rows: the client's own values, the day, the file's number."""
    return values_on(order.partner, order.feed, order.on, number=number)


def values_on(partner: Partner, feed: Feed, on: date, *, number: int) -> dict[str, Any]:
    """Answer what a layout may name beside its rows, on a day."""
    client = "" if feed.client_id == PEO else Client.objects.get(pk=feed.client_id).code
    return {**values_for(partner, client), "as_of": on, "date": on, "number": number, "client": client}


def with_agreed(order: Order, rows: pl.DataFrame) -> pl.DataFrame:
    """Add what is agreed for each client, where a file holds several."""
    if order.feed.client_id != PEO:
        return rows
    told = {one: values_for(order.partner, one) for one in rows["client"].unique()}
    names = sorted({name for one in told.values() for name in one} - set(rows.columns))
    agreed = [{"client": client, **{name: one.get(name) for name in names}} for client, one in told.items()]
    schema = {"client": pl.String, **dict.fromkeys(names, pl.String)}
    return rows.join(pl.DataFrame(agreed, schema=schema), on="client", how="left", maintain_order="left")


def kept(
    connection: Any,
    order: Order,
    made: Made,
    *,
    kind: str,
    file_id: int,
    lines: int,
    controls: Controls | None = None,
) -> models.CarrierFile:
    """Keep a file with its sets and its history."""
    state = FileState.INVALID if made.findings else FileState.HELD if made.holds else FileState.VALIDATED
    nobody = Message(purpose="", people=pl.DataFrame(schema=PEOPLE), lines=pl.DataFrame(schema=LINES))
    file = models.CarrierFile(
        id=file_id,
        client_id=order.feed.client_id,
        partner=order.feed.code,
        partner_client=order.owner,
        version=order.version,
        kind=kind,
        purpose="",
        environment=order.partner.environment,
        as_of=order.on,
        known_at=order.now,
        reference=f"{order.feed.code[:30]}-{file_id}",
        file_name=_file_name(order, file_id if controls is None else controls.interchange, kind),
        fingerprint=hashlib.sha256(made.data).hexdigest(),
        content=seal_file(made.data),
        said=packed(nobody, money=made.said),
        state=str(state),
        since=order.now,
        members=made.people,
        lines=lines,
        interchange=controls.interchange if controls else None,
        group=controls.group if controls else None,
        holds=[{"code": one.code, "words": one.words} for one in made.holds],
        findings=[{"rule": one.rule, "place": one.place, "words": one.words} for one in made.findings],
        built_at=order.now,
        built_by=order.author,
    )
    file.save(using=connection.alias, force_insert=True)
    models.FileSet.objects.using(connection.alias).bulk_create(
        models.FileSet(client_id=file.client_id, file_id=file.pk, set=number, control_number=control)
        for number, control in enumerate(made.sets or ("0001",), start=1)
    )
    if not made.findings and made.told is not None:
        _keep_lines(connection, file, made.told)
    history(connection, file, list(made.holds), list(made.findings), author=order.author, now=order.now)
    return file


def _keep_lines(connection: Any, file: models.CarrierFile, told: pl.DataFrame) -> None:
    """Keep whom a file speaks of, as links of the chain of custody: a line each for member, plan and begin.

    Of money the days are those of the pays, or months, it is of; an 820 has a set for each client.
    """
    rows = told.with_columns(
        [pl.lit(None).alias(name) for name in ("dependent_id", "tier") if name not in told.columns]
    )
    rows = rows.with_columns(
        pl.col("dependent_id").cast(pl.Int64).replace(EMPLOYEE, None),
        set=pl.col("client_id").rank("dense") if file.kind == PREMIUM else pl.lit(1),
    )
    own = person_key(pl.col("client_id"), pl.col("person_id"))
    theirs = dependent_key(pl.col("client_id"), pl.col("person_id"), pl.col("dependent_id"))
    rows = rows.group_by(LINE_KEY, maintain_order=True).agg(
        pl.col("ends_on").max(), pl.col("plan").first(), pl.col("tier").first()
    )
    rows = rows.with_columns(
        subscriber=own,
        member=pl.coalesce(theirs, own),
        file_id=pl.lit(file.pk),
        number=pl.int_range(1, pl.len() + 1),
        action=pl.lit(""),
    )
    schema = schema_of(models.FileLine)
    missing = [pl.lit(None).alias(name) for name in schema if name not in rows.columns]
    stored = rows.with_columns(missing).select(pl.col(name).cast(kind) for name, kind in schema.items())
    copy_in(connection, models.FileLine._meta.db_table, stored)


def _file_name(order: Order, number: int, kind: str) -> str:
    client = "all" if order.feed.client_id == PEO else Client.objects.get(pk=order.feed.client_id).code
    return order.partner.naming.format(
        partner=order.feed.code,
        client=client,
        date=f"{order.on:%Y%m%d}",
        time=f"{order.now:%H%M%S}",
        number=f"{number:09d}",
        kind="820" if kind == PREMIUM else "txt",
    )
