"""Builds what a partner takes, of whatever kind: who is covered, what pays put into accounts, lists."""

from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.carriers.agreements.partners import Mode, partner_of
from openbenefits.carriers.building import services as enrolment
from openbenefits.carriers.building.services import Feed, Outcome
from openbenefits.carriers.layouts.layout import ContentKind
from openbenefits.carriers.layouts.writing import chosen
from openbenefits.carriers.lists import services as lists
from openbenefits.carriers.lists.keeping import values_on
from openbenefits.carriers.models import CarrierFile
from openbenefits.carriers.payments.services import build_contributions, contribution_rows


def build(
    connection: Any, feed: Feed, *, on: date, author: str, now: datetime, mode: Mode | None = None
) -> CarrierFile | None:
    """Build the file a partner takes, by the content its layout is of; None where nothing is to be said.

    mode: as the cadence has it unless told; contributions have none: they say what is new.

    Errors: PartnerRefused where there is no agreement.
    """
    _owner, _version, partner = partner_of(feed.client_id, feed.code)
    layout = partner.layout if partner.kind == "file" else None
    if layout is None or layout.content == lists.ENROLLMENT:
        return enrolment.build(connection, feed, on=on, author=author, now=now, mode=mode)
    if layout.content == lists.CONTRIBUTIONS:
        return build_contributions(connection, feed, on=on, author=author, now=now)
    return lists.build_list(connection, feed, on=on, author=author, now=now, mode=mode)


def rows_of(
    connection: Any, feed: Feed, *, on: date, mode: Mode | None = None
) -> tuple[ContentKind, pl.DataFrame] | None:
    """Answer what a file that is no enrolment would say: its content, and the rows of it; nothing is written.

    Missing: None for a partner that is told of enrolment: `building.services.preview` says what of.
    Errors: PartnerRefused where there is no agreement; LayoutRefused.
    """
    _owner, _version, partner = partner_of(feed.client_id, feed.code)
    layout = partner.layout if partner.kind == "file" else None
    if layout is None or layout.content == lists.ENROLLMENT:
        return None
    if layout.content == lists.CONTRIBUTIONS:
        rows = contribution_rows(connection, feed, on=on)
    else:
        rows = lists.list_rows(connection, feed, on=on, mode=mode)
    return layout.content, chosen(layout, rows, values_on(partner, feed, on, number=0))


def build_due(
    connection: Any, on: date, now: datetime, processes: int, *, author: str = lists.NIGHT
) -> list[Outcome]:
    """Build every file due on a day; one that fails stops no other.

    Files of enrolment are built in parallel processes, so many at once.
    """
    enrolled = enrolment.build_all(connection, on, now, processes, author=author)
    return [*enrolled, *lists.build_others(connection, on, now, author=author)]
