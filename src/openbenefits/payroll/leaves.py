"""Use cases of leaves without pay: how coverage is paid for, what was received, letters, paying before.

What is owed during a leave stays in the ledger; what somebody pays outside payroll is received.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.codes import ActionSource, LeaveWay, Resumption
from openbenefits.enrollment.entry_rows import as_stored
from openbenefits.events.activity import ActivityPlace, enter_activity
from openbenefits.events.models import Activity
from openbenefits.payroll import models
from openbenefits.payroll.away import load_leaves
from openbenefits.payroll.frames import (
    PLACE_COLUMNS,
    SERIES_COLUMNS,
    load_employee_numbers,
    load_received,
)
from openbenefits.payroll.ledger import Asked, books, numbered, open_pays, write_orders
from openbenefits.payroll.resuming import lapsed_pledges
from openbenefits.payroll.rules import corrections, leaves, ledger
from openbenefits.payroll.rules.takings import OWNER, calendar_of
from openbenefits.payroll.services import owed
from openbenefits.programs.frames import load_rulebook
from openbenefits.store.bulk import copy_in
from openbenefits.workforce.recording import lock_people

SERIES, PLACE = list(ledger.SERIES), list(ledger.PLACE)
WAY, NOTICE, RESUME = "way", "notice", "resume"


class LeaveRefused(ValueError):
    """What cannot be said of a leave: the message says what was expected, what found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Leave:
    """One leave: whose, and its first day."""

    client_id: int
    person_id: int
    benefit_record: int = 0
    leave_from: date

    def key(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in (*OWNER, "leave_from")}


def standings(connection: Any, client_id: int, as_of: date) -> pl.DataFrame:
    """List the leaves without pay of a client that began by a day, and how each stands.

    Shapes: LEAVE, TERMS, WAYS and STANDING of `rules.leaves`, with employee_number.
    """
    known = load_leaves(connection, client_id).filter(pl.col("leave_from") <= as_of)
    people = known["person_id"].unique().to_list()
    found = books(connection, Asked(client_id=client_id, through=as_of, person_ids=people))
    pays = leaves.leave_pays(found.pays, _checks(connection, client_id), known)
    rows = leaves.standings(pays, known, as_of)
    numbers = load_employee_numbers(connection, client_id)
    return rows.join(numbers, on="person_id", how="left").sort("employee_number", "leave_from")


def choose(
    connection: Any,
    leave: Leave,
    way: LeaveWay,
    *,
    on: date,
    consent: str,
    through: date | None = None,
    author: str,
    now: datetime,
) -> bool:
    """Record how a person pays for coverage during a leave; false where that was said before.

    `consent` says how and when it was agreed; `through` is the last day of the leave, as expected.

    Errors: LeaveRefused for an unknown leave, one without a policy, a way the policy does not offer, paying
            before without a last day, or without words.
    """
    _refuse_unsaid(consent=consent, author=author)
    with transaction.atomic(using=connection.alias):
        known = _locked(connection, leave)
        ways = known["ways"] or []
        if str(way) not in ways:
            offered = ", ".join(ways) or "nothing, as no policy speaks of such a leave"
            raise LeaveRefused(
                f"expected a way that the policy offers ({offered}), found {way}; name another"
            )
        if way is LeaveWay.PREPAY and not _is_ended(known) and through is None:
            raise LeaveRefused(
                "expected the last day of a leave that is paid for before, found none; state it"
            )
        if through is not None and through < leave.leave_from:
            raise LeaveRefused(f"expected a last day from {leave.leave_from} on, found {through}; correct it")
        said = {"kind": WAY, "way": str(way), "through_on": through, "reason": consent.strip()}
        return _act(connection, leave, said, on=on, author=author, now=now)


def lapsed(connection: Any, leave: Leave, *, on: date) -> pl.DataFrame:
    """List the annual pledges that ended during a leave, as `resuming.lapsed_pledges`, with `resumption`.

    Errors: LeaveRefused where no leave begins on that day.
    """
    known = _known(connection, leave)
    rows = lapsed_pledges(connection, leave.client_id, leave.person_id, known, on=on)
    return rows.with_columns(resumption=pl.lit(known["resumption"], pl.String))


def resume(
    connection: Any,
    leave: Leave,
    resumption: Resumption,
    *,
    on: date,
    consent: str,
    author: str,
    now: datetime,
) -> bool:
    """Record how much of the pledges that ended during a leave goes on; false where that was said before.

    Whoever gave them back already must decide that event again (`repair.resuming`).

    Errors: LeaveRefused for an unknown leave, one during which no pledge ended, or without words.
    """
    _refuse_unsaid(consent=consent, author=author)
    with transaction.atomic(using=connection.alias):
        known = _locked(connection, leave)
        if lapsed_pledges(connection, leave.client_id, leave.person_id, known, on=on).is_empty():
            raise LeaveRefused(
                "expected an annual pledge that ended during the leave, found none; nothing is to be chosen"
            )
        said = {"kind": RESUME, "way": str(resumption), "through_on": None, "reason": consent.strip()}
        return _act(connection, leave, said, on=on, author=author, now=now)


def notice(connection: Any, leave: Leave, *, on: date, reason: str, author: str, now: datetime) -> bool:
    """Record the letter that says coverage may end for want of payment; false where it was recorded before.

    Errors: LeaveRefused where nothing is open, or the way is another than paying as one goes.
    """
    _refuse_unsaid(reason=reason, author=author)
    with transaction.atomic(using=connection.alias):
        _locked(connection, leave)
        row = _standing_of(connection, leave, on)
        if row["standing"] in (None, leaves.PAID):
            found = "nothing open" if row["standing"] else f"the way {row['way'] or 'unknown'}"
            raise LeaveRefused(f"expected a payment that is late, found {found}; no letter is due")
        said = {"kind": NOTICE, "way": "", "through_on": None, "reason": reason.strip()}
        return _act(connection, leave, said, on=on, author=author, now=now)


def receive(
    connection: Any, leave: Leave, cents: int, *, on: date, how: str, author: str, now: datetime
) -> pl.DataFrame:
    """Take in what somebody on leave paid: it settles the oldest pays first; answer what it settled.

    Shapes: SERIES, PLACE, check_on, received_cents (of this payment).

    Errors: LeaveRefused for nothing, or more than is open by that day.
    """
    _refuse_unsaid(how=how, author=author)
    with transaction.atomic(using=connection.alias):
        _locked(connection, leave)
        open_pays_ = _open(connection, leave, on)
        total = open_pays_["open_cents"].sum()
        if not 0 < cents <= total:
            raise LeaveRefused(
                f"expected from 1 cent to what is open by {on} (${total / 100:,.2f}), found"
                f" ${cents / 100:,.2f};"
                " correct the amount, or give the rest back"
            )
        settled = _settled(open_pays_, cents)
        _write_received(connection, settled, leave, on=on, how=how, author=author, now=now)
    return settled


def lapse(connection: Any, client_id: int, as_of: date, *, author: str, now: datetime) -> pl.DataFrame:
    """Bring about the event that ends coverage for everybody whose payment and letter are overdue; list them.

    The event is of the policy's class, dated on the day coverage may end; what it ends, event rules say. Who
    has it already, or has no class, is listed with `done` false.

    Shapes: employee_number, leave_from, open_cents, may_end_on, lapse_class, done.
    """
    late = standings(connection, client_id, as_of).filter(standing=leaves.LAPSE)
    rows = []
    for row in late.iter_rows(named=True):  # a handful of people, each an act of its own
        rows.append({"done": _enter(connection, row, author, now)})
    columns = ("employee_number", "leave_from", "open_cents", "may_end_on", "lapse_class")
    done = pl.DataFrame(rows, schema={"done": pl.Boolean})
    return late.select(columns).hstack(done)


def prepay(connection: Any, asked: Asked, *, on: date, author: str, now: datetime) -> pl.DataFrame:
    """Order what is to be paid before leaves, evenly over the open pays before each; twice is once.

    Answers as `corrections.propose`: what is ordered, and what a person must decide.
    """
    with transaction.atomic(using=connection.alias):
        known = load_leaves(connection, asked.client_id, asked.person_ids)
        planned = known.filter((pl.col("way") == str(LeaveWay.PREPAY)) & (pl.col("leave_from") > on))
        if planned.is_empty():
            return pl.DataFrame(schema=corrections.PROPOSAL)
        people = planned["person_id"].unique().sort()
        lock_people(asked.client_id, people)
        due = _to_prepay(connection, asked, planned, on)
        placed = _before_leaves(connection, asked, due, on)
        ready = placed.filter(status=corrections.READY)
        made = {"reason": "paid before a leave", "author": author}
        write_orders(connection, numbered(connection, asked.client_id, ready), made, now)
    return placed


# --- what is open -------------------------------------------------------------------------------------------


def _locked(connection: Any, leave: Leave) -> dict[str, Any]:
    """Lock the person and answer the leave, as `away.load_leaves`.

    Errors: LeaveRefused where no leave begins on that day.
    """
    lock_people(leave.client_id, pl.Series([leave.person_id], dtype=pl.Int64))
    return _known(connection, leave)


def _known(connection: Any, leave: Leave) -> dict[str, Any]:
    rows = load_leaves(connection, leave.client_id, [leave.person_id])
    rows = rows.filter(benefit_record=leave.benefit_record)
    found = rows.filter(leave_from=leave.leave_from)
    if found.is_empty():
        there_are = ", ".join(map(str, rows["leave_from"])) or "none"
        raise LeaveRefused(
            f"expected the first day of a leave without pay ({there_are}), found {leave.leave_from};"
            " correct the day, or enter the leave in HR"
        )
    return found.row(0, named=True)


def _is_ended(known: dict[str, Any]) -> bool:
    return bool(known["leave_until"] < date(9999, 12, 31))


def _standing_of(connection: Any, leave: Leave, as_of: date) -> dict[str, Any]:
    rows = standings(connection, leave.client_id, as_of)
    return rows.filter(**leave.key()).row(0, named=True)


def _checks(connection: Any, client_id: int) -> pl.DataFrame:
    calendar = calendar_of(load_rulebook(connection, [client_id]), client_id)
    return calendar.select(*PLACE, "check_on")


def _open(connection: Any, leave: Leave, on: date) -> pl.DataFrame:
    """List what is open of the pays of a leave whose check has come, the oldest first."""
    one = load_leaves(connection, leave.client_id, [leave.person_id]).filter(**leave.key())
    asked = Asked(client_id=leave.client_id, through=on, person_ids=[leave.person_id])
    pays = leaves.leave_pays(books(connection, asked).pays, _checks(connection, leave.client_id), one)
    due = pays.filter((pl.col("check_on") <= on) & (pl.col("open_cents") > 0))
    return due.sort("check_on", *SERIES)


def _settled(open_pays_: pl.DataFrame, cents: int) -> pl.DataFrame:
    before = pl.col("open_cents").cum_sum() - pl.col("open_cents")
    left = (pl.lit(cents, pl.Int64) - before).clip(lower_bound=0)
    rows = open_pays_.with_columns(received_cents=pl.min_horizontal("open_cents", left))
    return rows.filter(pl.col("received_cents") > 0).select(*SERIES, *PLACE, "check_on", "received_cents")


def _write_received(
    connection: Any, settled: pl.DataFrame, leave: Leave, *, on: date, how: str, author: str, now: datetime
) -> None:
    key = [*SERIES_COLUMNS, *PLACE_COLUMNS]
    before = load_received(connection, leave.client_id, [leave.person_id]).select(
        *key, last="version", was="received_cents"
    )
    rows = settled.join(before, on=key, how="left").with_columns(
        version=pl.col("last").fill_null(0) + 1,
        received_cents=pl.col("received_cents") + pl.col("was").fill_null(0),
        received_on=pl.lit(on),
        how=pl.lit(how.strip()),
        author=pl.lit(author),
        made_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
    )
    copy_in(connection, "payroll_received", as_stored(rows, models.Received))


# --- acts ---------------------------------------------------------------------------------------------------


def _refuse_unsaid(**said: str) -> None:
    for what, text in said.items():
        if not text.strip():
            raise LeaveRefused(f"expected words for `{what}`, found none; state it")


def _act(
    connection: Any, leave: Leave, said: dict[str, Any], *, on: date, author: str, now: datetime
) -> bool:
    made = models.LeaveAct.objects.using(connection.alias).filter(**leave.key())
    withdrawn = made.filter(kind=leaves.WITHDRAWN).order_by("-number")
    gone = withdrawn.values_list("number", flat=True).first() or 0
    last = made.filter(kind=said["kind"], number__gt=gone).order_by("-number").first()
    if last is not None and all(
        getattr(last, name) == value for name, value in {**said, "acted_on": on}.items()
    ):
        return False
    made.create(**leave.key(), **said, acted_on=on, number=made.count() + 1, author=author, made_at=now)
    return True


def _enter(connection: Any, row: dict[str, Any], author: str, now: datetime) -> bool:
    """Enter the activity that ends coverage, unless there is no class for it, or it is there."""
    if not row["lapse_class"]:
        return False
    place = ActivityPlace(
        client_id=row["client_id"],
        person_id=row["person_id"],
        benefit_record=row["benefit_record"],
        event_on=row["may_end_on"],
        bas_action=row["lapse_class"],
        source=str(ActionSource.MANUAL),
    )
    if Activity.objects.using(connection.alias).filter(**place.key()).exists():
        return False
    reason = f"the leave of {row['leave_from']} was not paid for since {row['oldest_due_on']}"
    enter_activity(connection, place, reason=reason, author=author, now=now)
    return True


# --- paying before ------------------------------------------------------------------------------------------


def _to_prepay(connection: Any, asked: Asked, planned: pl.DataFrame, on: date) -> pl.DataFrame:
    begin, through = planned["leave_from"].min(), date(planned["leave_from"].max().year, 12, 31)  # type: ignore[union-attr]
    people = planned["person_id"].unique().to_list()
    lines = owed(connection, asked.client_id, begin=begin, through=through, person_ids=people)  # type: ignore[arg-type]
    due = books(connection, asked).balances.select(*SERIES, "correct_cents")
    return leaves.to_prepay(ledger.in_series(lines), due, planned, on)


def _before_leaves(connection: Any, asked: Asked, due: pl.DataFrame, on: date) -> pl.DataFrame:
    """Spread what is to be paid ahead over the open pays before each leave; without one, a person decides."""
    rulebook = load_rulebook(connection, [asked.client_id])
    pays, _ = open_pays(connection, due, rulebook, asked, on)
    first = due.group_by(OWNER).agg(pl.col("leave_from").min())
    pays = (
        pays.join(first, on=list(OWNER)).filter(pl.col("ends_on") < pl.col("leave_from")).drop("leave_from")
    )
    nothing = pl.DataFrame(schema=SERIES_COLUMNS | PLACE_COLUMNS | {"owed_cents": pl.Int64})
    counts = pays.group_by(OWNER).agg(shares=pl.len())
    parts = []
    for (shares,), some in due.join(counts, on=list(OWNER), how="left").group_by("shares"):
        policy = {"client_id": 0, "state": "", "valid_from": date.min, "needs_consent": False}
        terms = policy | {
            "is_forbidden": False,
            "periods": shares,
            "cap_cents": None,
            "cap_thousandths": None,
        }
        rows = corrections.propose(
            some.with_columns(state=pl.lit("")),
            pays,
            nothing,
            nothing.rename({"owed_cents": "cents"}),
            pl.DataFrame([terms], schema=corrections.POLICY),
            corrections.Agreed(pre_tax_ground="paid before the leave"),
        )
        parts.append(rows)
    return pl.concat(parts) if parts else pl.DataFrame(schema=corrections.PROPOSAL)
