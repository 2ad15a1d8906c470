"""What each kind of operation does to events before the waves decide them (repair.kinds).

Nothing is erased: postings are superseded, elections withdrawn as further submissions, every move is a step.
The caller has locked the people, in its own transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.core.codes import EventStatus, ProcessIndicator, ProcessStatus
from openbenefits.enrollment.superseding import give_elections_back, withdraw_elections
from openbenefits.enrollment.taking_back import take_back_postings
from openbenefits.events.services import (
    mark_read,
    move_events,
    order_replay,
    redate_events,
    request_finalize,
    set_finalized,
    void_events,
)
from openbenefits.repair import kinds
from openbenefits.runs.models import Run


@dataclass(frozen=True, kw_only=True)
class Hand:
    """Who carries out, in which run, when."""

    connection: Any
    started: Run
    now: datetime

    def stamp(self, cause: str) -> dict[str, Any]:
        """Answer what each step of history says."""
        by = {"run_id": self.started.pk, "actor": self.started.started_by, "now": self.now}
        return {"cause": cause, **by}


def carry_out(connection: Any, events: pl.DataFrame, started: Run, *, now: datetime) -> None:
    """Take back what the events posted, where their kind does, and set each as its kind asks.

    Shapes: events has the columns of an event with kind and to_on.
    """
    hand = Hand(connection=connection, started=started, now=now)
    posted = events.filter(pl.col("kind").is_in(kinds.TAKING_BACK))
    if posted.height:
        take_back_postings(connection, posted, run_id=started.pk, now=now)
        mark_read(connection, posted, run_id=started.pk)
    for kind, work in WORK.items():
        rows = events.filter(kind=kind)
        if rows.height:
            work(hand, rows)


def _withdraw(hand: Hand, events: pl.DataFrame) -> None:
    living = events.filter(pl.col("event_status") != str(EventStatus.VOID))
    void_events(hand.connection, living, **hand.stamp("withdrawn by repair"))


def _again(hand: Hand, events: pl.DataFrame) -> None:
    order_replay(hand.connection, events, **hand.stamp("to be decided again"))


def _redate(hand: Hand, events: pl.DataFrame) -> None:
    redate_events(hand.connection, events.with_columns(event_on="to_on"))
    _again(hand, events)


def _reinstate(hand: Hand, events: pl.DataFrame) -> None:
    order_replay(hand.connection, events, **hand.stamp("reinstated"))


def _reconnect(hand: Hand, events: pl.DataFrame) -> None:
    order_replay(hand.connection, events, **hand.stamp("reconnected to its fact"))


def _restore(hand: Hand, events: pl.DataFrame) -> None:
    """Give elections and the order to finalise back; then it is decided again as answered."""
    give_elections_back(hand.connection, events)
    set_finalized(
        hand.connection,
        events.with_columns(is_finalized="was_finalized", finalize_requested=pl.lit(value=False)),
    )
    order_replay(hand.connection, events, **hand.stamp("given back as it was"))


def _anew(indicator: ProcessIndicator, cause: str) -> Callable[[Hand, pl.DataFrame], None]:
    """Let events be decided without the elections there were, and without an order to finalise them."""

    def work(hand: Hand, events: pl.DataFrame) -> None:
        withdraw_elections(hand.connection, events, actor=hand.started.started_by, on=hand.started.as_of)
        nothing = pl.lit(value=False)
        set_finalized(hand.connection, events.with_columns(is_finalized=nothing, finalize_requested=nothing))
        order_replay(hand.connection, events, indicator=indicator, **hand.stamp(cause))

    return work


def _elect(hand: Hand, events: pl.DataFrame) -> None:
    """Let the elections there are be validated again; who was finalised by an order is so again."""
    moves = events.with_columns(to_status=pl.lit(str(ProcessStatus.ET)), to_event_status=pl.lit(kinds.CLOSED))
    move_events(hand.connection, moves, **hand.stamp("process indicator E: validate again"))
    request_finalize(hand.connection, events.filter("is_finalized"))


def _reenter(hand: Hand, events: pl.DataFrame) -> None:
    """Open final events for re-entry: what was chosen stays on record, nothing of it holds."""
    moves = events.with_columns(to_status=pl.lit(str(ProcessStatus.RE)), to_event_status=pl.lit(kinds.CLOSED))
    move_events(hand.connection, moves, **hand.stamp("process indicator R: re-enter"))


def _finalize(hand: Hand, events: pl.DataFrame) -> None:
    request_finalize(hand.connection, events)


def _status(to: str, cause: str) -> Callable[[Hand, pl.DataFrame], None]:
    """Move the event status alone."""

    def work(hand: Hand, events: pl.DataFrame) -> None:
        moves = events.with_columns(to_status="process_status", to_event_status=pl.lit(to))
        move_events(hand.connection, moves, **hand.stamp(cause))

    return work


WORK: dict[str, Callable[[Hand, pl.DataFrame], None]] = {
    kinds.WITHDRAW: _withdraw,
    kinds.CLOSE: _status(kinds.CLOSED, "closed by hand"),
    kinds.AGAIN: _again,
    kinds.REDATE: _redate,
    kinds.ASSIGN: _anew(ProcessIndicator.ASSIGN, "process indicator A: assign again"),
    kinds.PREPARE: _anew(ProcessIndicator.PREPARE, "process indicator P: prepare again"),
    kinds.RESTORE: _restore,
    kinds.REINSTATE: _reinstate,
    kinds.RECONNECT: _reconnect,
    kinds.ELECT: _elect,
    kinds.REENTER: _reenter,
    kinds.FINALIZE: _finalize,
    kinds.OPENED: _status(kinds.OPEN, "opened by hand"),
    kinds.DISCONNECT: _status(kinds.DISCONNECTED, "disconnected by hand"),
}
"""What to do with the events of a kind, in this order: what closes comes before what opens."""
