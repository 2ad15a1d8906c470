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
from openbenefits.events.rules import is_to_be_replayed
from openbenefits.events.services import (
    REPLAYED,
    keep_programs,
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

REENTERED = str(ProcessStatus.RE)
WAITING = [REENTERED, str(ProcessStatus.PR), str(ProcessStatus.NT)]
"""Where an event waits for a person, however often a run looks at it."""
TO_REENTRY = [REENTERED, str(ProcessStatus.PR), str(ProcessStatus.FE)]
"""From where an event may go back to re-entry in one step."""
WAS_TO_BE_DECIDED = is_to_be_replayed("was_indicator")
"""Whether an event waited behind an earlier one, to be decided again, before what is undone now."""
INDICATED = pl.when(is_to_be_replayed()).then("process_indicator").otherwise(REPLAYED)
"""How to decide again: what asks for new elections already goes on doing so."""
INDICATED_BEFORE = pl.when(WAS_TO_BE_DECIDED).then("was_indicator").otherwise(REPLAYED)


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
    order_replay(hand.connection, events, indicator=INDICATED, **hand.stamp("to be decided again"))


def _go_on(hand: Hand, events: pl.DataFrame, cause: str) -> None:
    """Let events go on: those that wait for a person wait again, nothing of them was posted.

    The others are decided again.
    """
    waits = pl.col("process_status").is_in(WAITING).fill_null(value=False) & ~WAS_TO_BE_DECIDED
    is_cut = pl.col("event_status") == kinds.DISCONNECTED  # it opens when its turn comes
    waiting = events.filter(waits).with_columns(
        to_status="process_status",
        to_event_status=pl.when(is_cut).then(pl.lit(kinds.CLOSED)).otherwise(pl.lit(kinds.OPEN)),
    )
    if waiting.height:
        move_events(hand.connection, waiting, **hand.stamp(cause))
    order_replay(hand.connection, events.filter(~waits), indicator=INDICATED_BEFORE, **hand.stamp(cause))


def _stand(hand: Hand, events: pl.DataFrame, status: str, cause: str) -> None:
    """Let events stand at a status, closed until their turn comes."""
    if events.height:
        moves = events.with_columns(to_status=pl.lit(status), to_event_status=pl.lit(kinds.CLOSED))
        move_events(hand.connection, moves, **hand.stamp(cause))


def _redate(hand: Hand, events: pl.DataFrame) -> None:
    redate_events(hand.connection, events.with_columns(event_on="to_on"))
    is_reentered = pl.col("process_status").eq_missing(pl.lit(REENTERED)) & ~is_to_be_replayed()
    _stand(hand, events.filter(is_reentered), REENTERED, "moved to another day")
    _again(hand, events.filter(~is_reentered))


def _reinstate(hand: Hand, events: pl.DataFrame) -> None:
    _go_on(hand, events, "reinstated")


def _reconnect(hand: Hand, events: pl.DataFrame) -> None:
    _go_on(hand, events, "reconnected to its fact")


def _restore(hand: Hand, events: pl.DataFrame) -> None:
    """Give elections and the order to finalise back; then it is decided again as answered.

    What waited for re-entry waits again.
    """
    give_elections_back(hand.connection, events)
    set_finalized(
        hand.connection,
        events.with_columns(is_finalized="was_finalized", finalize_requested=pl.lit(value=False)),
    )
    keep_programs(hand.connection, events.with_columns(program_kept_on="was_kept_on"))
    waited = pl.col("was_status").eq_missing(pl.lit(REENTERED)) & pl.col("process_status").is_in(TO_REENTRY)
    waited = waited.fill_null(value=False) & ~WAS_TO_BE_DECIDED
    _stand(hand, events.filter(waited), REENTERED, "given back as it was")
    order_replay(
        hand.connection,
        events.filter(~waited),
        indicator=INDICATED_BEFORE,
        **hand.stamp("given back as it was"),
    )


def _anew(indicator: ProcessIndicator, cause: str) -> Callable[[Hand, pl.DataFrame], None]:
    """Let events be decided without the elections there were, and without an order to finalise them."""

    def work(hand: Hand, events: pl.DataFrame) -> None:
        withdraw_elections(hand.connection, events, actor=hand.started.started_by, on=hand.started.as_of)
        nothing = pl.lit(value=False)
        set_finalized(hand.connection, events.with_columns(is_finalized=nothing, finalize_requested=nothing))
        order_replay(hand.connection, events, indicator=pl.lit(str(indicator)), **hand.stamp(cause))

    return work


def _elect(hand: Hand, events: pl.DataFrame) -> None:
    """Let the elections there are be validated again; who was finalised by an order is so again."""
    _stand(hand, events, str(ProcessStatus.ET), "process indicator E: validate again")
    request_finalize(hand.connection, events.filter("is_finalized"))


def _reenter(hand: Hand, events: pl.DataFrame) -> None:
    """Open final events for re-entry: what was chosen stays on record, nothing of it holds."""
    _stand(hand, events, REENTERED, "process indicator R: re-enter")


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
