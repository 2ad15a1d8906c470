"""Builds files of money for partners: contributions by a layout, premiums as an 820; numbered and judged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.carriers import models
from openbenefits.carriers.agreements.partners import Partner, PartnerRefused, partner_of
from openbenefits.carriers.building.numbering import INTERCHANGE, given_out, next_file_id
from openbenefits.carriers.building.services import Feed
from openbenefits.carriers.building.telling import values_for
from openbenefits.carriers.building.writing import Finding
from openbenefits.carriers.conformance import findings_of
from openbenefits.carriers.enrollment.file import Controls
from openbenefits.carriers.layouts.layout import LayoutRefused
from openbenefits.carriers.layouts.writing import FileRefused, chosen, write
from openbenefits.carriers.lists.keeping import (
    FILE,
    PREMIUM,
    Made,
    Order,
    clients_of,
    kept,
    ordered,
    values_of,
    with_agreed,
)
from openbenefits.carriers.payments.funding import Funds, load_funds, told_of, with_names
from openbenefits.carriers.payments.reading import read_payments
from openbenefits.carriers.payments.terms import PremiumTerms
from openbenefits.carriers.payments.writing import (
    GROUP_CODE,
    PREMIUMS,
    PaymentRefused,
    Premium,
    write_premiums,
)
from openbenefits.carriers.rules.custody import FUNDED, PAID
from openbenefits.carriers.rules.guards import Hold
from openbenefits.carriers.rules.shares import EMPLOYER, LINE, PAY, SHARES, changed, contributions, premiums
from openbenefits.carriers.x12.writer import NotWritable
from openbenefits.core import days

UNKNOWN, BACK = "unknown", "money back"
MOST_FINDINGS = 100


def contribution_rows(connection: Any, feed: Feed, *, on: date) -> pl.DataFrame:
    """Answer what a partner would be told of contributions on a day: `contents.CONTRIBUTIONS`.

    Errors: PartnerRefused where there is no agreement.
    """
    owner, _, partner = partner_of(feed.client_id, feed.code)
    client_ids = clients_of(connection, feed)
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
        order = ordered(connection, feed, on=on, author=author, now=now)
        layout = order.partner.layout
        if order.partner.kind != FILE or layout is None or layout.content != "contributions":
            raise PartnerRefused(
                f"{order.partner.name}: expected a layout of contributions, found none; add it"
            )
        funds = load_funds(connection, order.client_ids, order.partner, through=on)
        told = told_of(connection, order.owner, feed.code, FILE, order.client_ids, through=on)
        rows = contributions(funds.shares, told)
        told_of_here = chosen(layout, rows, values_of(order, number=0)).select(PAY)
        rows = rows.join(told_of_here, on=list(PAY), how="semi")
        if rows.is_empty():
            return None
        named = with_names(connection, rows, on=on)
        file_id = next_file_id(connection)
        values = values_of(order, number=file_id)
        total = int(rows["total_cents"].sum())
        made = Made(
            said=changed(funds.shares, told).select(list(SHARES)).join(rows, on=list(PAY), how="semi"),
            people=_people(rows),
            holds=_holds(funds, total),
            told=rows.with_columns(line=pl.lit("contributions"), kind=pl.lit(FUNDED), begins_on=_first()),
        )
        try:
            data = write(layout, with_agreed(order, named), values)
            made = _with(made, data=data)
        except (LayoutRefused, FileRefused) as fault:
            made = _with(made, findings=[Finding(rule="layout", place="", words=str(fault))])
        return kept(connection, order, made, kind=FILE, file_id=file_id, lines=rows.height)


def premium_rows(connection: Any, feed: Feed, *, month: date) -> pl.DataFrame:
    """Answer what the 820 of a month would pay for whom: `rules.shares.premiums` and names; writes nothing.

    month: its first day.

    Errors: PartnerRefused where there is no agreement, or it has no terms of premium.
    """
    owner, _, partner = partner_of(feed.client_id, feed.code)
    due = _due(connection, owner, feed.code, clients_of(connection, feed), partner, month)
    return with_names(connection, due.lines, on=_month_end(month))


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
        order = ordered(connection, feed, on=paid_on, author=author, now=now)
        due = _due(connection, order.owner, feed.code, order.client_ids, order.partner, month, billed)
        terms, lines = due.terms, due.lines
        if lines.is_empty():
            return None
        file_id = next_file_id(connection)
        ends = (terms.sender.id, terms.receiver.id)
        kinds = (INTERCHANGE, GROUP_CODE)
        interchange, group = given_out(connection, *ends, kinds, client_id=feed.client_id, file_id=file_id)
        span = (month, through, paid_on)
        payments = _payments(connection, order, lines, span, trace or f"{file_id:09d}")
        money = changed(due.held, due.told)
        of_month = {
            "begins_on": pl.col("covered_from").min().over(LINE),
            "ends_on": days.month_end(pl.col("covered_from")),
        }
        made = Made(
            said=money.select(list(SHARES)),
            people=_people(lines),
            holds=_holds(due.funds, 0),
            told=lines.with_columns(line=pl.lit("premium"), kind=pl.lit(PAID), plan="policy", **of_month),
        )
        controls = Controls(interchange=interchange, group=group)
        try:
            data = write_premiums(terms, payments, controls=controls, at=now)
            sets = [f"{controls.first_set + at:04d}" for at in range(len(payments))]
            made = _with(made, data=data, sets=sets, findings=_judged(data))
        except (PaymentRefused, NotWritable) as fault:
            made = _with(made, findings=[Finding(rule="premium", place="", words=str(fault))])
        return kept(
            connection, order, made, kind=PREMIUM, file_id=file_id, lines=lines.height, controls=controls
        )


@dataclass(frozen=True)
class _Due:
    """What a month's payment is made of: what is held and was told of it, and the lines that follow."""

    terms: PremiumTerms
    funds: Funds
    held: pl.DataFrame
    told: pl.DataFrame
    lines: pl.DataFrame


def _due(
    connection: Any,
    owner: int,
    code: str,
    client_ids: Sequence[int],
    partner: Partner,
    month: date,
    billed: pl.DataFrame | None = None,
) -> _Due:
    """Compare what payroll took through a month with what was paid. Errors: PartnerRefused without terms."""
    terms, through = partner.premium, _month_end(month)
    if terms is None:
        raise PartnerRefused(f"{partner.name}: expected how its 820 is written, found nothing; add `premium`")
    funds = load_funds(connection, client_ids, partner, through=through)
    before = told_of(connection, owner, code, PREMIUM, client_ids, through=through)
    held, told = (_paid(one, terms) for one in (funds.shares, before))
    lines = premiums(held, told, month=month, employer=terms.shares == "all", billed=billed)
    return _Due(terms, funds, held, told, lines)


def _with(made: Made, **told: Any) -> Made:
    return replace(made, **told)


def _first() -> pl.Expr:
    """The end of the first of the pays that a file says of somebody's plan."""
    return pl.col("ends_on").min().over(LINE)


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
    order: Order,
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


def _paid(shares: pl.DataFrame, terms: PremiumTerms) -> pl.DataFrame:
    """Keep what premium is paid from: the policies the terms name, where they name any."""
    kept = shares if terms.shares == "all" else shares.filter(pl.col("source") != EMPLOYER)
    named = list(terms.policies)
    return kept.filter(pl.col("plan").is_in(named)) if named else kept


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


def _month_end(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
