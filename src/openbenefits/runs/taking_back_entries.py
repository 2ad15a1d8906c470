"""Elections entered and coverage taken over, taken back as one unit: as if they had never come in.

An entry, a file of them, or a take-over is a change (rulings §6.4). It goes back while no run has decided
anything with it that stands: such runs are taken back first. Nothing is erased: what held before is written
again.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.enrollment import models
from openbenefits.enrollment.entries import ELECTIONS
from openbenefits.enrollment.entry_rows import as_stored
from openbenefits.enrollment.frames import POINT, load_all_points
from openbenefits.enrollment.points import supersede
from openbenefits.enrollment.superseding import ELECTION_KEY, PLACE, copy_contents, load_submitted
from openbenefits.enrollment.takeover import RULE
from openbenefits.enrollment.taking_back import NO_RUN, write_again
from openbenefits.events.frames import load_events
from openbenefits.events.rules import EVENT_KEY, RECORD_KEY
from openbenefits.events.taking_back import STATE, take_back_events
from openbenefits.runs.acts import ActRefused
from openbenefits.runs.differences import differences
from openbenefits.runs.standing import owed_on_sides, standing
from openbenefits.runs.taking_back import Released
from openbenefits.store.bulk import copy_in, copy_out, schema_of, update_from
from openbenefits.store.trials import given_up
from openbenefits.workforce.models import ChangeSet
from openbenefits.workforce.recording import lock_people

TAKEOVER = "takeover"
KINDS = {ELECTIONS: "elections entered", TAKEOVER: "coverage taken over"}

BEFORE = (
    "SELECT {columns} FROM enrollment_entrybefore WHERE client_id = %(client)s AND change_id = %(change)s"
)
TAKEN_OVER = """
SELECT {columns} FROM enrollment_takenoverpoint WHERE client_id = %(client)s AND change_id = %(change)s
"""
DECIDED = """
SELECT {columns} FROM enrollment_proofdecision AS d
WHERE d.client_id = %(client)s AND EXISTS (
    SELECT FROM enrollment_proofdecision AS m
    WHERE (m.client_id, m.person_id, m.plan_type, m.valid_from)
        = (d.client_id, d.person_id, d.plan_type, d.valid_from) AND m.change_id = %(change)s)
"""

RUNS_SINCE_ENTRY = """
SELECT DISTINCT b.run_id FROM enrollment_entrybefore AS e JOIN runs_eventbefore AS b
  USING (client_id, person_id, benefit_record, schedule_id, event_number)
JOIN runs_run AS r ON r.id = b.run_id
WHERE e.client_id = %(client)s AND e.change_id = %(change)s AND b.steps >= e.steps AND NOT b.is_new
  AND r.started_at >= %(made)s AND r.state <> 'taken back' ORDER BY 1
"""

STEPS_SINCE_ENTRY = """
SELECT count(DISTINCT (e.person_id, e.benefit_record, e.schedule_id, e.event_number))::bigint AS events
FROM enrollment_entrybefore AS e JOIN events_eventstep AS s
  USING (client_id, person_id, benefit_record, schedule_id, event_number)
WHERE e.client_id = %(client)s AND e.change_id = %(change)s
  AND s.step > e.steps + (e.process_status IS DISTINCT FROM 'ET')::int
  AND s.cause !~ '^(run|entry) [0-9]+ taken back: '
  AND NOT EXISTS (SELECT FROM runs_run AS r WHERE r.id = s.run_id AND r.state = 'taken back')
  AND NOT EXISTS (
      SELECT FROM enrollment_entrybefore AS o JOIN workforce_changeset AS u ON u.undoes_id = o.change_id
      WHERE (o.client_id, o.person_id, o.benefit_record, o.schedule_id, o.event_number)
          = (s.client_id, s.person_id, s.benefit_record, s.schedule_id, s.event_number)
        AND s.step = o.steps + 1)
"""

RUNS_SINCE_TAKEOVER = """
SELECT DISTINCT b.run_id FROM enrollment_takenoverpoint AS t JOIN runs_eventbefore AS b
  USING (client_id, person_id, benefit_record)
JOIN runs_run AS r ON r.id = b.run_id
WHERE t.client_id = %(client)s AND t.change_id = %(change)s AND r.started_at >= %(made)s
  AND r.state <> 'taken back' ORDER BY 1
"""

TAKEN_SINCE = """
SELECT min(t.ends_on) AS first_on FROM payroll_taken AS t
WHERE t.client_id = %(client)s AND t.known_since >= %(made)s AND NOT t.is_deleted AND t.person_id IN (
    SELECT person_id FROM enrollment_takenoverpoint WHERE client_id = %(client)s AND change_id = %(change)s)
"""

UNDONE = """
SELECT undoes_id AS change_id, id FROM workforce_changeset
WHERE client_id = %(client)s AND undoes_id IS NOT NULL
"""


@dataclass(frozen=True, kw_only=True)
class EntryTakenBack:
    """What taking an entry back did: submissions, events led back; change points, approvals withdrawn."""

    change_id: int
    undone_id: int | None  # the change that undoes it; null: rehearsed
    elections: int = 0
    events: int = 0
    points: int = 0
    approvals: int = 0


def take_back_entry(
    connection: Any,
    change_id: int,
    *,
    reason: str,
    author: str,
    now: datetime,
    is_rehearsal: bool = False,
) -> EntryTakenBack:
    """Take elections that were entered, or coverage that was taken over, back; a rehearsal writes nothing.

    Errors: ActRefused for another kind of change, without a reason, for one taken back before, and while
            runs, later entries or people have built on it (it names what goes first); Released once payroll
            took deductions of coverage taken over; PeopleBusy.
    """
    with given_up(is_rehearsal=is_rehearsal):
        change = _change(change_id, reason, author)
        people = _people(connection, change)
        lock_people(change.client_id, people["person_id"].unique().sort())
        undone = ChangeSet.objects.create(
            client_id=change.client_id,
            kind="undo",
            label=f"take back: {change.label}",
            made_by=author,
            made_at=now,
            undoes=change,
        )
        work = _take_back_elections if change.kind == ELECTIONS else _take_back_takeover
        return work(connection, change, undone, cause=reason, now=now)


def takeover_deltas(
    connection: Any, change_id: int, *, begin: date, through: date, now: datetime
) -> pl.DataFrame:
    """Answer what would differ without a take-over, as `differences.DIFFERENCES`; nothing is written."""
    with given_up():
        change = ChangeSet.objects.get(pk=change_id, kind=TAKEOVER)
        mine = _points(connection, change)
        records = mine.select(RECORD_KEY).unique()
        held = standing(connection, change.client_id, records)
        _restore_points(connection, change, mine, now=now)
        after = standing(connection, change.client_id, records)
        owed = owed_on_sides(connection, change.client_id, held, after, begin=begin, through=through)
        sides = (held.points, after.points, *owed)
        return differences(*sides, year_from=begin, year_through=through)


def _change(change_id: int, reason: str, author: str) -> ChangeSet:
    if not reason.strip() or not author.strip():
        raise ActRefused(f"change {change_id}: expected a reason and an author, found none; state both")
    change = ChangeSet.objects.select_for_update().filter(pk=change_id).first()
    if change is None or change.kind not in KINDS:
        found = "none" if change is None else change.kind
        raise ActRefused(
            f"change {change_id}: expected {' or '.join(KINDS.values())}, found {found}; correct the number"
        )
    if ChangeSet.objects.filter(undoes=change).exists():
        raise ActRefused(f"change {change_id}: expected one that stands, found it taken back already")
    return change


def _people(connection: Any, change: ChangeSet) -> pl.DataFrame:
    found = [_before(connection, change), _points(connection, change), _decisions(connection, change)]
    return pl.concat([rows.select("client_id", "person_id") for rows in found]).unique()


def _key(change: ChangeSet) -> dict[str, Any]:
    return {"client": change.client_id, "change": change.pk, "made": change.made_at}


def _load(connection: Any, query: str, model: Any, change: ChangeSet) -> pl.DataFrame:
    schema = schema_of(model)
    return copy_out(connection, query.format(columns=", ".join(schema)), schema, _key(change))


def _before(connection: Any, change: ChangeSet) -> pl.DataFrame:
    return _load(connection, BEFORE, models.EntryBefore, change)


def _points(connection: Any, change: ChangeSet) -> pl.DataFrame:
    return _load(connection, TAKEN_OVER, models.TakenOverPoint, change)


def _decisions(connection: Any, change: ChangeSet) -> pl.DataFrame:
    schema = schema_of(models.ProofDecision)
    columns = ", ".join(f"d.{name}" for name in schema)
    return copy_out(connection, DECIDED.format(columns=columns), schema, _key(change))


def _refuse_runs(connection: Any, query: str, change: ChangeSet) -> None:
    runs = copy_out(connection, query, {"run_id": pl.Int64}, _key(change))["run_id"].to_list()
    if runs:
        raise ActRefused(
            f"change {change.pk}: expected nothing decided with it, found the runs"
            f" {', '.join(map(str, runs))}; take them back first, the last one first, or repair the events"
        )


def _cancelled(connection: Any, client_id: int) -> list[int]:
    """Name the changes that were taken back, and those that did it: together they say nothing."""
    rows = copy_out(connection, UNDONE, {"change_id": pl.Int64, "id": pl.Int64}, {"client": client_id})
    return pl.concat([rows["change_id"], rows["id"]]).unique().to_list()


# --- elections ----------------------------------------------------------------------------------------------


def _take_back_elections(
    connection: Any, change: ChangeSet, undone: ChangeSet, *, cause: str, now: datetime
) -> EntryTakenBack:
    before = _before(connection, change)
    _refuse_runs(connection, RUNS_SINCE_ENTRY, change)
    worked = copy_out(connection, STEPS_SINCE_ENTRY, {"events": pl.Int64}, _key(change)).item()
    if worked:
        raise ActRefused(
            f"change {change.pk}: expected its events untouched since, found {worked:,} that somebody has"
            " worked on; undo that first, or withdraw the elections one by one"
        )
    submitted = load_submitted(connection, before)
    mine = submitted.filter(change_id=change.pk)
    _refuse_later(connection, change, submitted, mine)
    _submit_again(connection, submitted, mine, undone.pk)
    events = load_events(connection, before).join(before.select(EVENT_KEY), on=list(EVENT_KEY), how="semi")
    moved = before.join(events.select(*EVENT_KEY, *_LEFT), on=list(EVENT_KEY))
    take_back_events(
        connection,
        moved.filter(pl.col("process_status").ne_missing(pl.lit("ET"))).select(
            *EVENT_KEY, *STATE, is_new=pl.lit(value=False)
        ),
        cause=f"entry {change.pk} taken back: {cause}",
        actor=undone.made_by,
        now=now,
    )
    received = ["elected_on", "elect_source"]
    update_from(connection, "events_event", before.select(*EVENT_KEY, *received), EVENT_KEY, received)
    return EntryTakenBack(
        change_id=change.pk, undone_id=undone.pk, elections=mine.height, events=before.height
    )


_LEFT = tuple(name for name in STATE if name not in ("event_status", "process_status"))


def _refuse_later(connection: Any, change: ChangeSet, submitted: pl.DataFrame, mine: pl.DataFrame) -> None:
    """Refuse while later submissions of the same plan types stand."""
    first = mine.group_by(PLACE).agg(first=pl.col("submission").min())
    later = submitted.join(first, on=PLACE).filter(
        (pl.col("submission") > pl.col("first")) & pl.col("change_id").ne_missing(pl.lit(change.pk))
    )
    over = _cancelled(connection, change.client_id)
    later = later.filter(~pl.col("change_id").is_in(over).fill_null(value=False))
    if later.height:
        numbers = later["change_id"].drop_nulls().unique().sort().to_list()
        named = f"the entries {', '.join(map(str, numbers))}" if numbers else f"{later.height} later ones"
        raise ActRefused(
            f"change {change.pk}: expected no later elections of the same plan types, found {named};"
            " take them back first, the last one first"
        )


def _submit_again(connection: Any, submitted: pl.DataFrame, mine: pl.DataFrame, change_id: int) -> None:
    """Submit what stood before once more; where nothing did, withdraw."""
    first = mine.group_by(PLACE).agg(first=pl.col("submission").min())
    last = submitted.group_by(PLACE).agg(last=pl.col("submission").max())
    places = first.join(last, on=PLACE)
    earlier = submitted.join(places, on=PLACE).filter(pl.col("submission") < pl.col("first"))
    earlier = earlier.sort("submission").unique(PLACE, keep="last", maintain_order=True)
    own = mine.sort("submission").unique(PLACE, keep="last", maintain_order=True).join(places, on=PLACE)
    bare = own.join(earlier, on=PLACE, how="anti").with_columns(is_withdrawn=pl.lit(value=True))
    rows = pl.concat([earlier.select(own.columns), bare]).with_columns(
        was="submission",
        submission=(pl.col("last") + 1).cast(pl.Int32),
        change_id=pl.lit(change_id, pl.Int64),
    )
    copy_in(connection, "enrollment_election", as_stored(rows, models.Election))
    old = (pl.col(name).alias(f"old_{name}") for name in PLACE)
    copy_contents(connection, rows, rows.select(*ELECTION_KEY, *old, "was"))


# --- coverage taken over ------------------------------------------------------------------------------------


def _take_back_takeover(
    connection: Any, change: ChangeSet, undone: ChangeSet, *, cause: str, now: datetime
) -> EntryTakenBack:
    del cause  # the change that undoes it is the record
    mine, decisions = _points(connection, change), _decisions(connection, change)
    _refuse_runs(connection, RUNS_SINCE_TAKEOVER, change)
    taken = copy_out(connection, TAKEN_SINCE, {"first_on": pl.Date}, _key(change)).item()
    if taken:
        raise Released(
            f"change {change.pk}: expected that nothing of it has left the house, found that payroll took"
            f" deductions in the pay of {taken}; take a corrected file over: what differs is corrected"
        )
    ceased = _restore_points(connection, change, mine, now=now)
    withdrawn = _withdraw_decisions(connection, change, undone, decisions, now=now)
    return EntryTakenBack(change_id=change.pk, undone_id=undone.pk, points=ceased, approvals=withdrawn)


def _restore_points(connection: Any, change: ChangeSet, mine: pl.DataFrame, *, now: datetime) -> int:
    """Let the points of a take-over hold no longer, and those they took the place of hold again."""
    if mine.is_empty():
        return 0
    every = load_all_points(connection, mine)
    holding = every.filter(pl.col("superseded_by_run").is_null(), rule=RULE)
    ceasing = holding.join(mine, on=list(POINT), how="semi")
    day = POINT[:-1]
    places = mine.select(day).unique()
    if ceasing.height < places.height:
        raise ActRefused(
            f"change {change.pk}: expected its coverage as it came, found {places.height - ceasing.height}"
            " points that a later take-over or an event replaced; take that back first"
        )
    supersede(connection, ceasing.select(POINT), run_id=NO_RUN, now=now)
    was = ceasing.select(POINT).join(mine, on=list(POINT)).drop_nulls("was_version")
    again = every.join(was.select(*day, version="was_version"), on=list(POINT), how="semi")
    new = write_again(connection, again, run_id=None, now=now)
    _keep_makers(connection, change, new, again)
    return ceasing.height


def _keep_makers(connection: Any, change: ChangeSet, new: pl.DataFrame, again: pl.DataFrame) -> None:
    """Let points that hold again count as written by the take-over that first wrote them."""
    if again.is_empty():
        return
    schema = schema_of(models.TakenOverPoint)
    query = f"SELECT {', '.join(schema)} FROM enrollment_takenoverpoint WHERE client_id = %(client)s"  # noqa: S608
    made = copy_out(connection, query, schema, {"client": change.client_id})
    makers = made.rename({"version": "was"})
    rows = new.select(*POINT, "was").join(makers, on=[*POINT[:-1], "was"])
    copy_in(connection, "enrollment_takenoverpoint", as_stored(rows, models.TakenOverPoint))


def _withdraw_decisions(
    connection: Any, change: ChangeSet, undone: ChangeSet, versions: pl.DataFrame, *, now: datetime
) -> int:
    """Let what was approved before hold again; where nothing was, say so."""
    if versions.is_empty():
        return 0
    day = ["client_id", "person_id", "plan_type", "valid_from"]
    over = _cancelled(connection, change.client_id)
    ordered = versions.sort("version")
    last = ordered.group_by(day).agg(last=pl.col("version").max())
    mine = ordered.filter(change_id=change.pk).unique(day, keep="first").select(*day, mine="version")
    rows = ordered.join(mine, on=day).join(last, on=day)
    is_over = pl.col("change_id").is_in(over).fill_null(value=False)
    later = rows.filter(
        (pl.col("version") > pl.col("mine"))
        & ~is_over
        & (pl.col("change_id") != change.pk).fill_null(value=True)
    )
    if later.height:
        raise ActRefused(
            f"change {change.pk}: expected its approvals as they came, found {later.height} decided anew"
            " since; take that back first"
        )
    earlier = rows.filter(pl.col("version") < pl.col("mine")).unique(day, keep="last", maintain_order=True)
    own = rows.filter(pl.col("version") == pl.col("mine"))
    none = own.join(earlier, on=day, how="anti").with_columns(is_withdrawn=pl.lit(value=True))
    again = pl.concat([earlier, none]).with_columns(
        version=(pl.col("last") + 1).cast(pl.Int32),
        change_id=pl.lit(undone.pk, pl.Int64),
        decided_by=pl.lit(undone.made_by),
        known_since=pl.lit(now).cast(pl.Datetime("us", "UTC")),
    )
    copy_in(connection, "enrollment_proofdecision", as_stored(again, models.ProofDecision))
    return again.height
