"""Builds files of money for partners: contributions by a layout, premiums as an 820; numbered, judged, kept.

What a file said of money stays sealed beside it, so that the next one says only what is new. A file that was
withdrawn, refused or not read said nothing.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.carriers import models, viewing
from openbenefits.carriers.building import Feed, history
from openbenefits.carriers.conformance import findings_of
from openbenefits.carriers.enrollment.file import Controls
from openbenefits.carriers.funding import Funds, load_funds, told_of, with_names
from openbenefits.carriers.layouts.layout import LayoutRefused
from openbenefits.carriers.layouts.writing import FileRefused, write
from openbenefits.carriers.numbering import INTERCHANGE, given_out, next_file_id
from openbenefits.carriers.partners import PEO, Partner, PartnerRefused, partner_of
from openbenefits.carriers.premium_payment import read_payments
from openbenefits.carriers.premium_writing import (
    GROUP_CODE,
    PREMIUMS,
    PaymentRefused,
    Premium,
    write_premiums,
)
from openbenefits.carriers.rules.custody import FileState
from openbenefits.carriers.rules.guards import Hold
from openbenefits.carriers.rules.renderings import Message
from openbenefits.carriers.rules.shares import EMPLOYER, SHARES, changed, contributions, premiums
from openbenefits.carriers.saying import LINES, PEOPLE, packed
from openbenefits.carriers.telling import values_for
from openbenefits.carriers.writing import Finding
from openbenefits.carriers.x12.writer import NotWritable
from openbenefits.core import days
from openbenefits.store.secrets import seal_file
from openbenefits.workforce.models import Client

FILE, PREMIUM = "file", "820"
UNKNOWN, BACK = "unknown", "money back"
MOST_FINDINGS = 100


@dataclass(frozen=True, kw_only=True)
class _Order:
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
class _Made:
    """What was made: bytes or findings, why it waits, and the money it says."""

    data: bytes = b""
    findings: Sequence[Finding] = ()
    holds: Sequence[Hold] = ()
    sets: Sequence[str] = ()
    money: pl.DataFrame
    people: int


def contribution_rows(connection: Any, feed: Feed, *, on: date) -> pl.DataFrame:
    """Answer what a partner would be told of contributions on a day: `contents.CONTRIBUTIONS`.

    Errors: PartnerRefused where there is no agreement.
    """
    owner, _, partner = partner_of(feed.client_id, feed.code)
    client_ids = _clients(connection, feed)
    funds = load_funds(connection, client_ids, partner, through=on)
    told = told_of(connection, owner, feed.code, FILE, client_ids, through=on)
    return with_names(connection, contributions(funds.shares, told), on=on)


def build_contributions(
    connection: Any, feed: Feed, *, on: date, author: str, now: datetime
) -> models.CarrierFile | None:
    """Build the file of what pays that end through a day put into accounts; None where nothing is new.

    Errors: PartnerRefused where the agreement has no layout of contributions.
    """
    with transaction.atomic(using=connection.alias):
        order = _ordered(connection, feed, on=on, author=author, now=now)
        layout = order.partner.layout
        if order.partner.kind != FILE or layout is None or layout.content != "contributions":
            raise PartnerRefused(
                f"{order.partner.name}: expected a layout of contributions, found none; add it"
            )
        funds = load_funds(connection, order.client_ids, order.partner, through=on)
        told = told_of(connection, order.owner, feed.code, FILE, order.client_ids, through=on)
        rows = contributions(funds.shares, told)
        if rows.is_empty():
            return None
        named = with_names(connection, rows, on=on)
        file_id = next_file_id(connection)
        values = _values(order, number=file_id)
        total = int(rows["total_cents"].sum())
        made = _Made(
            money=changed(funds.shares, told).select(list(SHARES)),
            people=_people(rows),
            holds=_holds(funds, total),
        )
        try:
            data = write(layout, _with_agreed(order, named), values)
            made = _with(made, data=data)
        except (LayoutRefused, FileRefused) as fault:
            made = _with(made, findings=[Finding(rule="layout", place="", words=str(fault))])
        return _kept(connection, order, made, kind=FILE, file_id=file_id, lines=rows.height)


def build_premium(
    connection: Any,
    feed: Feed,
    *,
    month: date,
    paid_on: date,
    author: str,
    now: datetime,
    trace: str = "",
    billed: pl.DataFrame | None = None,
) -> models.CarrierFile | None:
    """Build the 820 of a month's premium as payroll took it, a set for each client; None: nothing is new.

    month: its first day. trace: of the money (TRN02); the file's own number where it is not told.
    billed: as `rules.shares.premiums` takes it: what the carrier is expected to bill.

    Errors: PartnerRefused where the agreement has no terms of premium.
    """
    through = _month_end(month)
    with transaction.atomic(using=connection.alias):
        order = _ordered(connection, feed, on=paid_on, author=author, now=now)
        terms = order.partner.premium
        if terms is None:
            raise PartnerRefused(
                f"{order.partner.name}: expected how its 820 is written, found nothing; add `premium`"
            )
        funds = load_funds(connection, order.client_ids, order.partner, through=through)
        told = told_of(connection, order.owner, feed.code, PREMIUM, order.client_ids, through=through)
        whole = terms.shares == "all"
        lines = premiums(funds.shares, told, month=month, employer=whole, billed=billed)
        if lines.is_empty():
            return None
        file_id = next_file_id(connection)
        ends = (terms.sender.id, terms.receiver.id)
        kinds = (INTERCHANGE, GROUP_CODE)
        interchange, group = given_out(connection, *ends, kinds, client_id=feed.client_id, file_id=file_id)
        span = (month, through, paid_on)
        payments = _payments(connection, order, lines, span, trace or f"{file_id:09d}")
        money = changed(*(_paid(one, whole=whole) for one in (funds.shares, told)))
        made = _Made(money=money.select(list(SHARES)), people=_people(lines), holds=_holds(funds, 0))
        controls = Controls(interchange=interchange, group=group)
        try:
            data = write_premiums(terms, payments, controls=controls, at=now)
            sets = [f"{controls.first_set + at:04d}" for at in range(len(payments))]
            made = _with(made, data=data, sets=sets, findings=_judged(data))
        except (PaymentRefused, NotWritable) as fault:
            made = _with(made, findings=[Finding(rule="premium", place="", words=str(fault))])
        return _kept(
            connection, order, made, kind=PREMIUM, file_id=file_id, lines=lines.height, controls=controls
        )


def _ordered(connection: Any, feed: Feed, *, on: date, author: str, now: datetime) -> _Order:
    """Answer what is asked for; nobody else builds for this partner until the transaction ends."""
    owner, version, partner = partner_of(feed.client_id, feed.code)
    client_ids = _clients(connection, feed)
    viewing.locked(connection, feed.code, [owner, *client_ids])
    return _Order(
        feed=feed,
        owner=owner,
        version=version,
        partner=partner,
        client_ids=client_ids,
        on=on,
        author=author,
        now=now,
    )


def _clients(connection: Any, feed: Feed) -> list[int]:
    return [feed.client_id] if feed.client_id != PEO else viewing.covered_clients(connection, feed.code)


def _with(made: _Made, **told: Any) -> _Made:
    return replace(made, **told)


def _values(order: _Order, *, number: int) -> dict[str, Any]:
    """Answer what a layout may name beside its rows: the client's own values, the day, the file's number."""
    client = "" if order.feed.client_id == PEO else Client.objects.get(pk=order.feed.client_id).code
    about = {"as_of": order.on, "date": order.on, "number": number, "client": client}
    return {**values_for(order.partner, client), **about}


def _with_agreed(order: _Order, rows: pl.DataFrame) -> pl.DataFrame:
    """Add what is agreed for each client, where a file holds several."""
    if order.feed.client_id != PEO:
        return rows
    told = {one: values_for(order.partner, one) for one in rows["client"].unique()}
    names = sorted({name for one in told.values() for name in one} - set(rows.columns))
    agreed = [{"client": client, **{name: one.get(name) for name in names}} for client, one in told.items()]
    schema = {"client": pl.String, **dict.fromkeys(names, pl.String)}
    return rows.join(pl.DataFrame(agreed, schema=schema), on="client", how="left", maintain_order="left")


def _people(rows: pl.DataFrame) -> int:
    return rows.select("client_id", "person_id").n_unique()


def _holds(funds: Funds, total_cents: int) -> list[Hold]:
    """Say why a file of money waits for a person."""
    found = []
    if funds.unknown:
        faults = ", ".join(funds.faults) or "no amount"
        found.append(
            Hold(
                code=UNKNOWN,
                words=f"Expected an amount of every line, found {funds.unknown} without ({faults});"
                " correct them, or release what is known.",
            )
        )
    if total_cents < 0:
        found.append(
            Hold(
                code=BACK,
                words="Expected money to go out, found that more comes back; ask the partner how.",
            )
        )
    return found


def _payments(
    connection: Any,
    order: _Order,
    lines: pl.DataFrame,
    span: tuple[date, date, date],
    trace: str,
) -> list[Premium]:
    """Answer a payment for each client, in the order of their numbers."""
    begin, through, paid_on = span
    named = with_names(connection, lines, on=order.on).with_columns(
        member_id="person", covered_through=days.month_end(pl.col("covered_from"))
    )
    parts = named.sort("client_id").partition_by("client_id", maintain_order=True)
    return [
        Premium(
            trace=trace if len(parts) == 1 else f"{trace}-{number}",
            paid_on=paid_on,
            covered_from=begin,
            covered_through=through,
            lines=one.select(list(PREMIUMS)),
            values=values_for(order.partner, str(one["client"][0])),
        )
        for number, one in enumerate(parts, start=1)
    ]


def _paid(shares: pl.DataFrame, *, whole: bool) -> pl.DataFrame:
    """Keep what premium is paid from."""
    return shares if whole else shares.filter(pl.col("source") != EMPLOYER)


def _judged(data: bytes) -> list[Finding]:
    """Judge an 820 by the guide, and by its own money: what it pays is what it says."""
    found = [
        Finding(rule=f"guide {one.code}", place=f"set {one.set}, segment {one.segment}", words=str(one))
        for one in findings_of(data)
    ]
    for number, one in enumerate(read_payments(data), start=1):
        if one.total_cents != one.sum_cents:
            words = "expected the total to be the sum of its lines, found another; report it"
            found.append(Finding(rule="balance", place=f"set {number}", words=words))
    return found[:MOST_FINDINGS]


def _kept(
    connection: Any,
    order: _Order,
    made: _Made,
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
        said=packed(nobody, money=made.money),
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
        for number, control in enumerate(made.sets, start=1)
    )
    history(connection, file, list(made.holds), list(made.findings), author=order.author, now=order.now)
    return file


def _file_name(order: _Order, number: int, kind: str) -> str:
    client = "all" if order.feed.client_id == PEO else Client.objects.get(pk=order.feed.client_id).code
    return order.partner.naming.format(
        partner=order.feed.code,
        client=client,
        date=f"{order.on:%Y%m%d}",
        time=f"{order.now:%H%M%S}",
        number=f"{number:09d}",
        kind="820" if kind == PREMIUM else "txt",
    )


def _month_end(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
