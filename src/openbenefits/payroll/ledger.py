"""Use cases of the deduction ledger: balances, corrections proposed, ordered and cancelled.

A balance is computed anew from what holds now, so that it does not matter how often, or in which order, facts
changed before: what was ordered already is part of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.enrollment.entry_rows import as_stored
from openbenefits.payroll import models
from openbenefits.payroll.away import load_leaves
from openbenefits.payroll.frames import (
    PLACE_COLUMNS,
    SERIES_COLUMNS,
    load_employee_numbers,
    load_named,
    load_orders,
    load_received,
    load_reported,
    load_taken,
)
from openbenefits.payroll.policies import policies_of
from openbenefits.payroll.rules import corrections, leaves, ledger
from openbenefits.payroll.rules.takings import OWNER, calendar_of, own_pays, pays_of_groups
from openbenefits.payroll.services import owed
from openbenefits.programs.frames import load_rulebook, load_setup
from openbenefits.programs.rulebook import Rulebook
from openbenefits.store.bulk import copy_in
from openbenefits.workforce.frames import ACTIVE_STATUSES, as_of, load_jobs
from openbenefits.workforce.recording import lock_people

SERIES, PLACE = list(ledger.SERIES), list(ledger.PLACE)
HORIZON = timedelta(days=366)
"""How far ahead pays are looked for that may take a correction."""


class OrderRefused(ValueError):
    """An order that cannot be: the message says what was expected, what found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Whose balances, and which pays payroll has begun to work on.

    A ledger begins with the first pay that was reported whole: what was paid before it is not looked at.
    """

    client_id: int
    through: date  # pays reported after it are not looked at
    person_ids: Sequence[int] | None = None  # null: everybody
    closed_through: Mapping[str, date] = field(default_factory=dict)  # by pay group: initialised batches


@dataclass(frozen=True, kw_only=True)
class Books:
    """What a ledger says. Shapes: pays as `ledger.differences`, balances as `ledger.balances`."""

    pays: pl.DataFrame
    balances: pl.DataFrame
    kept: pl.DataFrame
    orders: pl.DataFrame


def balances(connection: Any, asked: Asked) -> pl.DataFrame:
    """List what is still to be taken or given back, with the employee's number.

    Shapes: as `rules.ledger.balances`, with employee_number; a row for each line anything was owed, taken or
            ordered of.
    """
    numbers = load_employee_numbers(connection, asked.client_id)
    found = books(connection, asked).balances.join(numbers, on="person_id", how="left", maintain_order="left")
    return found.sort("employee_number", *SERIES)


def books(connection: Any, asked: Asked) -> Books:
    """Compare what was owed, taken and ordered, pay by pay and in sum."""
    orders = load_orders(connection, asked.client_id, asked.person_ids).filter(~pl.col("is_cancelled"))
    reports = load_reported(connection, asked.client_id).filter(pl.col("ends_on") <= asked.through)
    rulebook = load_rulebook(connection, [asked.client_id])
    kept = ledger.kept_pays(reports, calendar_of(rulebook, asked.client_id))
    taken = load_taken(connection, asked.client_id, asked.person_ids)
    lines = _owed(connection, asked, kept)
    received = load_received(connection, asked.client_id, asked.person_ids)
    compared = ledger.differences(lines, taken, orders, kept, received)
    return Books(pays=compared, balances=ledger.balances(compared, orders, kept), kept=kept, orders=orders)


def propose(connection: Any, asked: Asked, *, on: date, agreed: corrections.Agreed) -> pl.DataFrame:
    """Propose how every balance is put right in the pays with their check on or after a day; write nothing.

    Shapes: as `rules.corrections.propose`, with employee_number and pay_group.
    """
    found = books(connection, asked)
    due = found.balances.filter(pl.col("correct_cents").is_null() | (pl.col("correct_cents") != 0))
    if due.is_empty():
        return pl.DataFrame(
            schema=corrections.PROPOSAL | {"employee_number": pl.String, "pay_group": pl.String}
        )
    rulebook = load_rulebook(connection, [asked.client_id])
    pays, states = open_pays(connection, due, rulebook, asked, on)
    rows = corrections.propose(
        due.join(states, on=list(OWNER), how="left"),
        pays,
        _regular(connection, due, pays, asked),
        found.orders.join(found.kept.filter("is_reported"), on=PLACE, how="anti"),
        policies_of(connection, asked.client_id),
        agreed,
        _away(connection, asked, found, rulebook, on),
        terms_of(connection, asked.client_id),
    )
    numbers = load_employee_numbers(connection, asked.client_id)
    groups = calendar_of(rulebook, asked.client_id).select("pay_group_id", "pay_group").unique()
    return (
        rows.join(numbers, on="person_id", how="left")
        .join(groups, on="pay_group_id", how="left")
        .sort("employee_number", *SERIES, "ends_on")
    )


def schedule(
    connection: Any,
    asked: Asked,
    *,
    on: date,
    agreed: corrections.Agreed,
    reason: str,
    author: str,
    now: datetime,
) -> pl.DataFrame:
    """Order the corrections that are ready; answer what was proposed, with those left to a person.

    What is ordered is part of the balance, so that to order again orders nothing.

    Errors: OrderRefused without a reason or an author; PeopleBusy.
    """
    _refuse_unsaid(reason=reason, author=author)
    with transaction.atomic(using=connection.alias):
        first = propose(connection, asked, on=on, agreed=agreed)
        ready = first.filter(status=corrections.READY)
        people = ready["person_id"].unique().sort()
        if people.is_empty():
            return first
        lock_people(asked.client_id, people)
        found = propose(connection, asked, on=on, agreed=agreed)  # what others ordered meanwhile counts
        ready = found.filter(
            (pl.col("status") == corrections.READY) & pl.col("person_id").is_in(people.implode())
        )
        made = {"reason": reason, "author": author}
        write_orders(connection, numbered(connection, asked.client_id, ready), made, now)
    return found


def cancel(
    connection: Any,
    client_id: int,
    person_ids: Sequence[int],
    *,
    reason: str,
    author: str,
    now: datetime,
) -> int:
    """Cancel what is ordered of some people for pays not reported yet; answer how many pays that was.

    Errors: OrderRefused without a reason or an author; UnknownPeople, PeopleBusy.
    """
    _refuse_unsaid(reason=reason, author=author)
    with transaction.atomic(using=connection.alias):
        lock_people(client_id, pl.Series(sorted(set(person_ids)), dtype=pl.Int64))
        orders = load_orders(connection, client_id, person_ids).filter(~pl.col("is_cancelled"))
        waiting = orders.join(load_named(connection, client_id), on=PLACE, how="anti")
        rows = waiting.with_columns(is_cancelled=pl.lit(value=True), version=pl.col("version") + 1)
        write_orders(connection, rows, {"reason": reason, "consent": "", "author": author}, now)
    return waiting.height


def ordered(connection: Any, client_id: int) -> pl.DataFrame:
    """List the corrections ordered for pays not reported yet, as payroll needs them."""
    orders = load_orders(connection, client_id, None).filter(~pl.col("is_cancelled"))
    waiting = orders.join(load_named(connection, client_id), on=PLACE, how="anti")
    calendar = calendar_of(load_rulebook(connection, [client_id]), client_id)
    pays = calendar.select("pay_group_id", "pay_group", "ends_on", "check_on")
    named = waiting.join(pays, on=PLACE, how="left").join(
        load_employee_numbers(connection, client_id), on="person_id", how="left"
    )
    return named.sort("ends_on", "employee_number", *SERIES, "order_number")


def terms_of(connection: Any, client_id: int) -> pl.DataFrame:
    """Load who corrects deductions, and what a low pay takes: the client's own rows, else the PEO's."""
    rows = load_setup(connection, [client_id])["payroll_terms"]
    own = rows.filter(client_id=client_id)
    return own if own.height else rows


def _away(connection: Any, asked: Asked, found: Books, rulebook: Rulebook, on: date) -> pl.DataFrame:
    """Say what leaves without pay have to do with corrections, as `corrections.nobody_away`."""
    known = load_leaves(connection, asked.client_id, asked.person_ids)
    if known.is_empty():
        return corrections.nobody_away()
    checks = calendar_of(rulebook, asked.client_id).select(*PLACE, "check_on")
    agreed = leaves.agreed_in_leave(leaves.leave_pays(found.pays, checks, known), on)
    held = leaves.held_corrections(found.balances, known, on)
    return held.join(agreed, on=SERIES, how="full", coalesce=True)


def _refuse_unsaid(**said: str) -> None:
    for what, text in said.items():
        if not text.strip():
            raise OrderRefused(f"a correction needs a {what}: expected words, found none; state it")


def _owed(connection: Any, asked: Asked, kept: pl.DataFrame) -> pl.DataFrame:
    """Find what is owed in the pays kept."""
    if kept.is_empty():
        return pl.DataFrame(
            schema=SERIES_COLUMNS | PLACE_COLUMNS | {"owed_cents": pl.Int64, "fault": pl.String}
        )
    begin, through = kept.select(pl.col("ends_on").min().alias("a"), pl.col("ends_on").max().alias("b")).row(
        0
    )
    lines = owed(connection, asked.client_id, begin=begin, through=through, person_ids=asked.person_ids)
    return ledger.in_series(lines)


def _regular(connection: Any, due: pl.DataFrame, pays: pl.DataFrame, asked: Asked) -> pl.DataFrame:
    """Find what the open pays take regularly of those to be corrected."""
    people = due["person_id"].unique().to_list()
    if pays.is_empty():
        return pl.DataFrame(schema=SERIES_COLUMNS | PLACE_COLUMNS | {"owed_cents": pl.Int64})
    begin, through = pays.select(pl.col("ends_on").min().alias("a"), pl.col("ends_on").max().alias("b")).row(
        0
    )
    return ledger.in_series(
        owed(connection, asked.client_id, begin=begin, through=through, person_ids=people)
    )


def own_pays_of(
    connection: Any,
    owners: pl.DataFrame,
    rulebook: Rulebook,
    begin: date,
    through: date,
    *,
    statuses: Sequence[str] = ACTIVE_STATUSES,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Find the pays people at work have, of the group they are in on the day each ends, and their states.

    Shapes: pays as `own_pays`, of whole years and more; OWNER, state as of `begin`.
    """
    jobs = load_jobs(connection, owners).join(owners.drop("benefit_record").unique(), on="person_id")
    groups = jobs.select(*OWNER, "pay_group").unique().join(owners, on=list(OWNER), how="semi")
    ends = pays_of_groups(groups, rulebook, begin, through).select(*OWNER, as_of="ends_on")
    days = pl.concat([ends, owners.with_columns(as_of=pl.lit(begin))]).unique().sort(*OWNER, "as_of")
    days = days.select(pl.int_range(pl.len(), dtype=pl.Int32).alias("case"), *OWNER, "as_of")
    facts = as_of(connection, days)
    active = facts.filter(pl.col("job_status").is_in(statuses))
    states = facts.filter(pl.col("as_of") == begin).select(*OWNER, "state")
    return own_pays(active, rulebook, begin, through), states


def open_pays(
    connection: Any, due: pl.DataFrame, rulebook: Rulebook, asked: Asked, on: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Find the pays of active people payroll has not begun to work on, and the home state of each.

    Shapes: OWNER, PLACE, pay_number, check_on; and OWNER, state, as of the day asked on.
    """
    owners = due.select(OWNER).unique()
    at_work = tuple(one for one in ACTIVE_STATUSES if one != leaves.UNPAID)
    pays, states = own_pays_of(connection, owners, rulebook, on, on + HORIZON, statuses=at_work)
    shut = _shut_through(load_named(connection, asked.client_id), rulebook, asked)
    found = pays.join(shut, on="pay_group_id", how="left").filter(
        (pl.col("check_on") >= on)
        & (pl.col("check_on") <= on + HORIZON)
        & (pl.col("shut_through").is_null() | (pl.col("ends_on") > pl.col("shut_through")))
    )
    return found.select(*OWNER, *PLACE, "pay_number", "check_on"), states


def _shut_through(named: pl.DataFrame, rulebook: Rulebook, asked: Asked) -> pl.DataFrame:
    """Find the last pay of each pay group that no order may touch: reported, or being worked on.

    Errors: OrderRefused for an unknown pay group.
    """
    groups = calendar_of(rulebook, asked.client_id).select("pay_group", "pay_group_id").unique()
    unknown = sorted(set(asked.closed_through) - set(groups["pay_group"]))
    if unknown:
        there_are = ", ".join(groups["pay_group"].sort()) or "none"
        raise OrderRefused(f"no pay group {unknown[0]}; there are {there_are}. Correct the code")
    schema = {"pay_group": pl.String, "shut_through": pl.Date}
    said = pl.DataFrame(list(asked.closed_through.items()), schema=schema, orient="row")
    begun = said.join(groups, on="pay_group").select("pay_group_id", "shut_through")
    reported = named.group_by("pay_group_id").agg(shut_through=pl.col("ends_on").max())
    both = pl.concat([begun, reported.select(begun.columns)])
    return both.group_by("pay_group_id").agg(pl.col("shut_through").max())


def numbered(connection: Any, client_id: int, ready: pl.DataFrame) -> pl.DataFrame:
    """Give each series the number of its next order."""
    before = load_orders(connection, client_id, ready["person_id"].unique().to_list())
    last = before.group_by(SERIES).agg(last=pl.col("order_number").max())
    return ready.join(last, on=SERIES, how="left").with_columns(
        order_number=(pl.col("last").fill_null(0) + 1).cast(pl.Int32),
        version=pl.lit(1, pl.Int32),
        is_cancelled=pl.lit(value=False),
    )


def write_orders(connection: Any, rows: pl.DataFrame, made: Mapping[str, str], now: datetime) -> None:
    """Append rows of orders, with what is said of all of them."""
    stored = rows.with_columns(
        **{name: pl.lit(text) for name, text in made.items()},
        made_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
    )
    copy_in(connection, "payroll_scheduled", as_stored(stored, models.Scheduled))
