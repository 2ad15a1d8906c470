"""Builds files of lists, in full or of what is new, and everything of a night that is not enrolment."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec
import polars as pl
from django.db import transaction

from openbenefits.carriers import models
from openbenefits.carriers.agreements.partners import (
    PEO,
    Mode,
    Partner,
    PartnerRefused,
    partner_of,
    read_partner,
)
from openbenefits.carriers.building import viewing
from openbenefits.carriers.building.cadence import due_mode, usual_mode
from openbenefits.carriers.building.frames import load_agreements, load_money_files
from openbenefits.carriers.building.numbering import next_file_id
from openbenefits.carriers.building.saying import money_of
from openbenefits.carriers.building.services import Feed, Outcome
from openbenefits.carriers.building.writing import Finding
from openbenefits.carriers.layouts.contents import CONTENTS
from openbenefits.carriers.layouts.layout import ContentKind, FileLayout, LayoutRefused
from openbenefits.carriers.layouts.writing import FileRefused, chosen, write
from openbenefits.carriers.lists.keeping import (
    FILE,
    UNTOLD,
    Made,
    Order,
    clients_of,
    kept,
    ordered,
    values_of,
    with_agreed,
)
from openbenefits.carriers.lists.listing import KEYS, fresh, listed, span_wanted
from openbenefits.carriers.payments.services import build_contributions
from openbenefits.carriers.rules.custody import LISTED, LOST
from openbenefits.carriers.rules.renderings import CHANGE_FILE
from openbenefits.core.faults import message_of

NIGHT = "night"
CONTRIBUTIONS, ENROLLMENT = "contributions", "enrollment"


def build_list(
    connection: Any, feed: Feed, *, on: date, author: str, now: datetime, mode: Mode | None = None
) -> models.CarrierFile | None:
    """Build a list of a day, in full, or what is new since the last; None where there is nothing to say.

    mode: what the cadence says, unless told.

    Errors: PartnerRefused where the agreement has no layout of a list.
    """
    with transaction.atomic(using=connection.alias):
        order = ordered(connection, feed, on=on, author=author, now=now)
        layout = _layout(order.partner)
        way = _way(order.partner, on, mode)
        rows = _rows(connection, order.owner, feed, order.client_ids, order.partner, on, way)
        if rows.is_empty():
            return None
        return _made(connection, order, layout, rows, way)


def list_rows(connection: Any, feed: Feed, *, on: date, mode: Mode | None = None) -> pl.DataFrame:
    """Answer what a list of a day would say: the columns of its content; nothing is written.

    Errors: PartnerRefused where there is no agreement, or it has no layout of a list.
    """
    owner, _, partner = partner_of(feed.client_id, feed.code)
    client_ids = clients_of(connection, feed)
    return _rows(connection, owner, feed, client_ids, partner, on, _way(partner, on, mode))


def _way(partner: Partner, on: date, mode: Mode | None) -> Mode:
    return mode or due_mode(partner.cadence, on) or usual_mode(partner.cadence, on)


def _rows(
    connection: Any,
    owner: int,
    feed: Feed,
    client_ids: Sequence[int],
    partner: Partner,
    on: date,
    way: Mode,
) -> pl.DataFrame:
    """List everything, or what is new since the last file."""
    content = _layout(partner).content
    rows = listed(connection, client_ids, partner, content, on=on)
    if way != CHANGE_FILE:
        return rows
    since, _ = span_wanted(partner, on)
    return fresh(rows, _told(connection, owner, feed, client_ids, content), content, since=since)


def build_others(connection: Any, on: date, now: datetime, *, author: str = NIGHT) -> list[Outcome]:
    """Build every file due on a day that says contributions or a list; one that fails stops no other."""
    found = []
    for feed, content in _due(connection, on):
        build = build_contributions if content == CONTRIBUTIONS else build_list
        try:
            file = build(connection, feed, on=on, author=author, now=now)
        except Exception as fault:  # one partner stops no other
            found.append(Outcome(feed=feed, error=message_of(fault)))
            continue
        if file is None:
            found.append(Outcome(feed=feed))
        else:
            found.append(Outcome(feed=feed, file_id=file.pk, state=file.state))
    return found


def _due(connection: Any, on: date) -> list[tuple[Feed, ContentKind]]:
    """List what is due on a day: each agreement's file, or one for each client it covers.

    One that cannot be read any more is told of by the night's files of enrolment.
    """
    found = []
    for client_id, code, document in load_agreements(connection).iter_rows():
        try:
            partner = read_partner(msgspec.json.decode(document))
        except PartnerRefused:
            continue
        layout = partner.layout
        if partner.kind != FILE or layout is None or layout.content == ENROLLMENT:
            continue
        if due_mode(partner.cadence, on) is None:
            continue
        is_shared = client_id == PEO and not partner.is_per_client
        whose = [client_id] if is_shared or client_id != PEO else viewing.covered_clients(connection, code)
        found += [(Feed(client_id=one, code=code), layout.content) for one in whose]
    return found


def _layout(partner: Partner) -> FileLayout:
    layout = partner.layout
    if partner.kind != FILE or layout is None or layout.content not in KEYS:
        raise PartnerRefused(f"{partner.name}: expected a layout of a list, found none; add it")
    return layout


def _made(
    connection: Any, order: Order, layout: FileLayout, rows: pl.DataFrame, way: Mode
) -> models.CarrierFile:
    """Write a list and keep it with what it says."""
    file_id = next_file_id(connection)
    data, findings, told = b"", [], None
    try:
        values = values_of(order, number=file_id) | {"purpose": way}
        agreed = with_agreed(order, rows)
        data = write(layout, agreed, values)
        told = _as_lines(chosen(layout, agreed, values), layout.content)
    except (LayoutRefused, FileRefused) as fault:
        findings = [Finding(rule="layout", place="", words=str(fault))]
    said = rows.select(list(CONTENTS[layout.content].columns))
    people = rows.select("client_id", "person_id").n_unique()
    made = Made(data=data, findings=findings, said=said, people=people, told=told)
    return kept(connection, order, made, kind=FILE, file_id=file_id, lines=rows.height)


def _as_lines(rows: pl.DataFrame, content: ContentKind) -> pl.DataFrame:
    """Answer the rows of a list as links of the chain: a span stands at its line, a loss at its own."""
    if content == "cobra":
        days = {"begins_on": pl.col("lost_on"), "ends_on": pl.lit(None, pl.Date)}
        return rows.with_columns(line=pl.lit(content), kind=pl.lit(LOST), **days)
    return rows.with_columns(line="plan_type", kind=pl.lit(LISTED))


def _told(
    connection: Any, owner: int, feed: Feed, client_ids: Sequence[int], kind: ContentKind
) -> pl.DataFrame:
    """Answer the rows that earlier files told, in the order they were built."""
    columns = CONTENTS[kind].columns
    untold = [str(one) for one in UNTOLD]
    rows = load_money_files(connection, owner, feed.code, FILE, client_ids, untold)
    said = [one for one in (money_of(sealed) for sealed in rows["said"]) if one is not None]
    told = [one.select(list(columns)) for one in said if set(columns) <= set(one.columns)]
    found = pl.concat([pl.DataFrame(schema=dict(columns)), *told])
    return found.filter(pl.col("client_id").is_in(list(client_ids)))
