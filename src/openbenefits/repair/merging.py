"""Two person ids that are one human: facts, events, coverage and what payroll took follow the survivor.

Nothing is erased: facts of the other id get a deleted version, its events are void and go on as the
survivor's, its taken-over coverage is superseded and written again. Taking the two apart restores all of it.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.accounts.numbers import join_numbers, part_numbers
from openbenefits.compliance.cobra.rules.losses import LOSS_KEY
from openbenefits.compliance.cobra.services import classified_losses
from openbenefits.enrollment.superseding import load_submitted, standing, withdraw_copies
from openbenefits.events.frames import load_events
from openbenefits.events.rules import EVENT_KEY, RECORD_KEY
from openbenefits.payroll.services import owed
from openbenefits.repair import kinds
from openbenefits.repair.acts import PART_OF_ONE, both_ends
from openbenefits.repair.following import (
    bring_facts,
    bring_points,
    bring_taken,
    dependents_of_both,
    give_back,
    ties_of,
)
from openbenefits.repair.following_activity import bring_activity
from openbenefits.repair.following_acts import bring_acts, give_acts_back
from openbenefits.repair.following_continued import bring_continued, give_continued_back
from openbenefits.repair.following_named import bring_named, give_named_back
from openbenefits.repair.models import PersonMerge
from openbenefits.repair.operations import LOSS, Told, loss_changes, rehearsed
from openbenefits.repair.permissions import Permit, Wish, everybody_may
from openbenefits.repair.relocating import load_trail
from openbenefits.repair.rules import deduction_changes
from openbenefits.repair.services import (
    RepairOrder,
    RepairRefused,
    State,
    compared,
    repair,
    start_run,
    state_of,
)
from openbenefits.repair.targets import spelled
from openbenefits.runs.models import Run
from openbenefits.workforce.models import Person
from openbenefits.workforce.recording import lock_people
from openbenefits.workforce.undo import take_back

MERGE, UNMERGE = "merge", "unmerge"


@dataclass(frozen=True, kw_only=True)
class MergeOrder:
    """Who is merged into whom, as of which day, which pays to compare, why, who says so."""

    client_id: int
    person_id: int
    survivor_id: int
    as_of: date
    begin: date
    through: date
    reason: str
    author: str

    def people(self) -> pl.DataFrame:
        """Answer both, as client_id and person_id."""
        ids = [self.person_id, self.survivor_id]
        return pl.DataFrame(
            {"client_id": [self.client_id] * 2, "person_id": ids},
            schema={"client_id": pl.Int32, "person_id": pl.Int64},
        )

    def repair_order(self, targets: pl.DataFrame, renamed: pl.DataFrame | None = None) -> RepairOrder:
        """Answer what is asked of the events."""
        return RepairOrder(
            client_id=self.client_id,
            targets=targets,
            as_of=self.as_of,
            begin=self.begin,
            through=self.through,
            reason=self.reason,
            author=self.author,
            renamed=renamed,
        )


def merge(
    connection: Any,
    order: MergeOrder,
    *,
    now: datetime,
    permit: Permit = everybody_may,
    is_rehearsal: bool = False,
) -> Told:
    """Let everything of one person id follow another; a rehearsal writes nothing.

    Where both have a fact of one key, the survivor's stands. Dependents are the same where SSN, or name and
    birth date, are. Events of one day and class, or period, become one; elections of both about one plan type
    cannot. All events of the survivor are decided again.

    Errors: RepairRefused without reason or author, for unknown or merged people, where both elected the same,
            where alike activity of both waits, both continue the same, or an event is disconnected;
            PeopleBusy.
    """
    _refuse_unsaid(order)
    permit(_wish(order, MERGE))
    return rehearsed(lambda: _merged(connection, order, now=now), is_rehearsal=is_rehearsal)


def unmerge(
    connection: Any,
    order: MergeOrder,
    *,
    now: datetime,
    permit: Permit = everybody_may,
    is_rehearsal: bool = False,
) -> Told:
    """Take two merged person ids apart again: what followed goes back, and is decided again.

    Errors: RepairRefused where they are not merged, or facts that followed were changed since; PeopleBusy.
    """
    _refuse_unsaid(order)
    permit(_wish(order, UNMERGE))
    return rehearsed(lambda: _unmerged(connection, order, now=now), is_rehearsal=is_rehearsal)


def survivor_of(client_id: int, person_id: int) -> int | None:
    """Answer whom a person id was merged into; None: into nobody, or taken apart since."""
    last = PersonMerge.objects.filter(client_id=client_id, person_id=person_id).order_by("-number").first()
    return last.survivor_id if last is not None and last.is_merged else None


# --- merging ------------------------------------------------------------------------------------------------


def _merged(connection: Any, order: MergeOrder, *, now: datetime) -> Told:
    with transaction.atomic():
        _lock(order)
        events = load_events(connection, order.people())
        _refuse_unmergeable(connection, order, events)
        account = _Account(connection, order)
        started = start_run(connection, order.repair_order(events.clear()), now)
        change_id, renamed = bring_facts(
            order.client_id, order.person_id, order.survivor_id, order.author, started.pk, now
        )
        bring_activity(connection, order.people(), order.survivor_id, change_id)
        bring_points(connection, order.people(), order.survivor_id, renamed, started.pk, now=now)
        bring_taken(connection, order.people(), order.survivor_id, change_id, now=now)
        _bring_words(connection, order, renamed, change_id, now=now)
        targets = _moving(events, order)
        _repair(connection, order, targets, renamed, started, now=now)
        _write(order, started, change_id, is_merged=True, now=now)
        join_numbers(order.client_id, order.person_id, order.survivor_id)
        return account.told(started)


def _bring_words(
    connection: Any, order: MergeOrder, renamed: pl.DataFrame, change_id: int, *, now: datetime
) -> None:
    """Let what people decided, named, elected to continue and were told about one count for the other."""
    people, survivor_id = order.people(), order.survivor_id
    author = order.author
    bring_acts(connection, people, survivor_id, change_id, author=author, now=now)
    bring_named(connection, people, survivor_id, renamed, change_id)
    bring_continued(connection, people, survivor_id, renamed, change_id, author=author, now=now)


def _moving(events: pl.DataFrame, order: MergeOrder) -> pl.DataFrame:
    """All living events of the one move; those of the other are decided again."""
    living = events.filter(pl.col("event_status").is_in(kinds.LIVING))
    is_theirs = pl.col("person_id") == order.person_id
    decided = pl.col("process_status").is_not_null()
    return spelled(
        living.filter(is_theirs | decided).select(
            *EVENT_KEY,
            kind=pl.when(is_theirs).then(pl.lit(kinds.MOVE)).otherwise(pl.lit(kinds.AGAIN)),
            to_person=pl.when(is_theirs).then(pl.lit(order.survivor_id, pl.Int64)),
            undoes=pl.lit(PART_OF_ONE, pl.Int32),
        )
    )


def _repair(
    connection: Any,
    order: MergeOrder,
    targets: pl.DataFrame,
    renamed: pl.DataFrame | None,
    started: Run,
    *,
    now: datetime,
) -> None:
    if targets.height:
        repair(connection, order.repair_order(targets, renamed), now=now, started=started)
    else:
        started.state, started.ended_at = "done", now
        started.save(update_fields=["state", "ended_at"])


class _Account:
    """What holds, is owed and is lost of both, before and after."""

    def __init__(self, connection: Any, order: MergeOrder) -> None:
        self.connection, self.order = connection, order
        self.before, self.owed, self.losses = self._read()

    def _read(self) -> tuple[State, pl.DataFrame, pl.DataFrame]:
        people = self.order.people()
        records = load_events(self.connection, people).select(RECORD_KEY)
        first = people.with_columns(benefit_record=pl.lit(0, pl.Int16))
        records = pl.concat([records, first.select(RECORD_KEY)]).unique()
        empty = self.order.repair_order(pl.DataFrame())
        client_id, persons = self.order.client_id, people["person_id"].to_list()
        begin, through = self.order.begin, self.order.through
        owes = owed(self.connection, client_id, begin=begin, through=through, person_ids=persons)
        losses = classified_losses(self.connection, client_id, persons).select(*LOSS_KEY, *LOSS)
        return state_of(self.connection, empty, records), owes, losses

    def told(self, started: Run) -> Told:
        after, owes, losses = self._read()
        deductions = deduction_changes(self.owed, owes)  # facts changed, so that all of it is found twice
        return Told(
            consequences=compared(self.before, after, deductions, started.pk),
            losses=loss_changes(self.losses, losses),
            left=pl.DataFrame(),
        )


# --- taking apart -------------------------------------------------------------------------------------------


def _unmerged(connection: Any, order: MergeOrder, *, now: datetime) -> Told:
    with transaction.atomic():
        _lock(order)
        last = _last_merge(order)
        account = _Account(connection, order)
        started = start_run(connection, order.repair_order(pl.DataFrame()), now)
        trail = load_trail(connection, order.people()).filter(run_id=last.run_id)
        withdraw_copies(connection, trail, actor=order.author, on=order.as_of)
        undone = take_back(last.change_id, made_by=order.author, now=now)
        if undone.conflicts.height:
            raise RepairRefused(
                f"expected facts as they came with the merge, found {undone.conflicts.height} changed since;"
                " take those changes back first"
            )
        change_id = give_back(connection, order.people(), undone.change.pk, last, started.pk, now=now)
        _give_words_back(connection, order, last, change_id, now=now)
        targets = _returning(load_events(connection, order.people()), trail, order)
        _repair(connection, order, targets, None, started, now=now)
        _write(order, started, change_id, is_merged=False, now=now)
        part_numbers(order.client_id, order.person_id)
        return account.told(started)


def _give_words_back(
    connection: Any, order: MergeOrder, last: PersonMerge, change_id: int, *, now: datetime
) -> None:
    people, author = order.people(), order.author
    same = dependents_of_both(order.client_id, order.person_id, order.survivor_id, with_deleted=True)
    give_acts_back(connection, people, last, change_id, author=author, now=now)
    give_named_back(connection, people, last, author=author, now=now)
    give_continued_back(connection, people, last, same, change_id, author=author, now=now)


def _returning(events: pl.DataFrame, trail: pl.DataFrame, order: MergeOrder) -> pl.DataFrame:
    """Bring the events that followed back; the survivor's own are decided again."""
    back, there = both_ends(trail.with_columns(number=pl.lit(PART_OF_ONE, pl.Int32)))
    living = events.filter(pl.col("event_status") != kinds.VOIDED).select(EVENT_KEY)
    there = there.join(living, on=list(EVENT_KEY), how="semi")
    ends = pl.concat([spelled(back), spelled(there)]).unique(list(EVENT_KEY), keep="first")
    rest = events.filter(
        pl.col("event_status").is_in(kinds.LIVING)
        & pl.col("process_status").is_not_null()
        & (pl.col("person_id") == order.survivor_id)
    ).join(ends, on=list(EVENT_KEY), how="anti")
    own = rest.select(*EVENT_KEY, kind=pl.lit(kinds.AGAIN), undoes=pl.lit(PART_OF_ONE, pl.Int32))
    return pl.concat([ends, spelled(own)])


# --- what may be --------------------------------------------------------------------------------------------


def _refuse_unsaid(order: MergeOrder) -> None:
    if not order.reason.strip() or not order.author.strip():
        raise RepairRefused("a merge needs a reason and an author; state both")
    if order.person_id == order.survivor_id:
        raise RepairRefused("expected two people, found one; name the other")


def _lock(order: MergeOrder) -> None:
    known = Person.objects.filter(client_id=order.client_id, pk__in=[order.person_id, order.survivor_id])
    if known.count() != 2:
        raise RepairRefused("expected two people of this client, found fewer; correct the numbers")
    lock_people(order.client_id, order.people()["person_id"])


def _refuse_unmergeable(connection: Any, order: MergeOrder, events: pl.DataFrame) -> None:
    for person_id in (order.person_id, order.survivor_id):
        into = survivor_of(order.client_id, person_id)
        if into is not None:
            raise RepairRefused(
                f"person {person_id}: expected somebody by themselves, found one merged into person {into};"
                " merge with that one, or take them apart first"
            )
    same = dependents_of_both(order.client_id, order.person_id, order.survivor_id)
    ties = ties_of(connection, order.people(), order.survivor_id, same)
    gone = events.filter(person_id=order.person_id, event_status=kinds.DISCONNECTED).height
    for what, count, cure in (
        *ties,
        ("disconnected events", gone, "void or reconnect them first"),
        ("plan types both elected in one event", _elected_twice(connection, order, events), "withdraw one"),
    ):
        if count:
            raise RepairRefused(
                f"person {order.person_id}: expected no {what}, found {count}; {cure}, then merge"
            )


def _elected_twice(connection: Any, order: MergeOrder, events: pl.DataFrame) -> int:
    living = events.filter(pl.col("event_status").is_in(kinds.LIVING))
    chosen = standing(load_submitted(connection, living)).join(
        living.select(*EVENT_KEY, "event_on", "event_class_id"), on=list(EVENT_KEY)
    )
    place = ["benefit_record", "schedule_id", "event_on", "event_class_id", "plan_type", "slot"]
    mine, theirs = (chosen.filter(person_id=one) for one in (order.person_id, order.survivor_id))
    return mine.join(theirs, on=place, how="semi").height


def _last_merge(order: MergeOrder) -> PersonMerge:
    acts = PersonMerge.objects.filter(client_id=order.client_id, person_id=order.person_id)
    last = acts.order_by("-number").first()
    if last is None or not last.is_merged or last.survivor_id != order.survivor_id:
        raise RepairRefused(
            f"expected person {order.person_id} merged into person {order.survivor_id}, found not so;"
            " correct the numbers"
        )
    return last


def _write(order: MergeOrder, started: Run, change_id: int, *, is_merged: bool, now: datetime) -> None:
    acts = PersonMerge.objects.filter(client_id=order.client_id, person_id=order.person_id)
    PersonMerge.objects.create(
        client_id=order.client_id,
        person_id=order.person_id,
        number=acts.count() + 1,
        survivor_id=order.survivor_id,
        is_merged=is_merged,
        change_id=change_id,
        run_id=started.pk,
        reason=order.reason,
        author=order.author,
        acted_at=now,
    )


def _wish(order: MergeOrder, what: str) -> Wish:
    return Wish(
        author=order.author,
        client_id=order.client_id,
        operations=(what,),
        person_ids=(order.person_id, order.survivor_id),
    )
