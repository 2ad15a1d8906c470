"""What a repair touches, and what it changes: pure decisions on columns (docs/decisions/0012-replay.md)."""

from datetime import date

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import COVERED_KINDS, EventStatus, ProcessIndicator
from openbenefits.core.plan_types import MEDICAL, is_one_of
from openbenefits.events.rules import EVENT_KEY, FINAL, RECORD_KEY, is_to_be_replayed
from openbenefits.repair.kinds import AGAIN, REDATE, TAKING_BACK, WITHDRAW

COVERED = [str(kind) for kind in COVERED_KINDS]
HELD = (
    *("client_id", "person_id", "benefit_record", "plan_type", "slot", "begins_on"),
    *("kind", "option_id", "coverage_cents", "requested_coverage_cents", "pledge_cents"),
    *("percent_thousandths", "after_tax_thousandths", "hours_hundredths", "deduction_begins_on", "members"),
)
"""What a change point says, whoever made it and whenever."""
WAS = ("was_finalized", "was_status", "was_indicator", "was_kept_on")
"""Where an event stood before the operation that is undone."""


def touched(events: pl.DataFrame, targets: pl.DataFrame) -> pl.DataFrame:
    """Name the events a repair decides again, or withdraws: its targets, and what was final after them.

    Shapes:  events are all events of some people; targets has the event's key, `kind` (repair.kinds), `to_on`
             (redate: the new day) and WAS (what undoing gives back); `decided_in` is the run that
             last decided an event. Answers rows of events with these; kind of the others is `again`.
             A kind that takes nothing back touches its targets alone.
    Source:  design §1.5. Events of the target's own day count as later: to decide them again changes nothing.
             An earlier event decided after one of them saw what that had posted, so it is decided again too.
    """
    found = events.join(targets.select(*EVENT_KEY, "kind", "to_on", *WAS), on=list(EVENT_KEY))
    gone = [str(EventStatus.VOID), str(EventStatus.DISCONNECTED)]
    final = events.filter(pl.col("process_status").is_in(FINAL) & ~pl.col("event_status").is_in(gone)).join(
        found, on=list(EVENT_KEY), how="anti"
    )
    taking = found.filter(pl.col("kind").is_in(TAKING_BACK))
    since = taking.group_by(RECORD_KEY).agg(
        from_on=pl.min_horizontal("event_on", "to_on").min(), decided_in=pl.col("decided_in").min()
    )
    count = -1
    later = final.clear()
    while later.height > count:
        count = later.height
        later = _decided_with(final, since)
        since = _reaching_back(since, later)
    later = later.with_columns(
        kind=pl.lit(AGAIN),
        to_on=pl.lit(None, pl.Date),
        was_finalized="is_finalized",
        was_status="process_status",
        was_indicator="process_indicator",
        was_kept_on="program_kept_on",
    )
    return pl.concat([found, later.select(found.columns)])


def _decided_with(final: pl.DataFrame, since: pl.DataFrame) -> pl.DataFrame:
    """Name the final events of a day or later, and those of any day decided after one of these was."""
    pairs = final.join(since.rename({"decided_in": "first_decided_in"}), on=list(RECORD_KEY))
    is_later = pl.col("event_on") >= pl.col("from_on")
    is_after = (pl.col("decided_in") > pl.col("first_decided_in")).fill_null(value=False)
    return pairs.filter(is_later | is_after).select(final.columns)


def _reaching_back(since: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """Go back to the first day, and the first run, of the events named."""
    both = pl.concat([since, later.select(*RECORD_KEY, from_on="event_on", decided_in="decided_in")])
    return both.group_by(RECORD_KEY).agg(pl.col("from_on").min(), pl.col("decided_in").min())


def coverage_changes(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Compare two timelines: rows of HELD that no longer hold, and that hold now (`side`: before, after)."""
    lost = before.join(after, on=list(HELD), how="anti", nulls_equal=True)
    won = after.join(before, on=list(HELD), how="anti", nulls_equal=True)
    both = [lost.with_columns(side=pl.lit("before")), won.with_columns(side=pl.lit("after"))]
    return pl.concat(both).sort(*HELD[:6], "side", descending=[False] * 6 + [True])


LINE = (
    *("client_id", "person_id", "benefit_record", "pay_group", "pay_number", "ends_on"),
    *("kind", "plan_type", "tax_class"),
)


def deduction_changes(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Compare what is owed pay by pay: rows of LINE with cents before and after, where they differ.

    Missing: 0 on the side where nothing is owed; null where an amount could not be found.
    """
    if before.is_empty() and after.is_empty():
        return before.select(*LINE, before="owed_cents", after="owed_cents")
    sides = [
        owed.group_by(LINE).agg(
            money.total(pl.col("owed_cents")).alias(name), pl.lit(value=True).alias(f"is_{name}")
        )
        for name, owed in (("before", before), ("after", after))
    ]
    joined = sides[0].join(sides[1], on=list(LINE), how="full", coalesce=True, nulls_equal=True)
    known = joined.with_columns(
        pl.when(pl.col(f"is_{name}").is_null()).then(0).otherwise(pl.col(name)).alias(name)
        for name in ("before", "after")
    )
    differing = known.filter(pl.col("before").ne_missing(pl.col("after")))
    return differing.select(*LINE, "before", "after").sort(LINE)


def event_changes(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Compare where events stand: rows of the event's key with day and statuses before and after.

    An event still to be decided again after a repair (`process_indicator` L) waits behind an earlier one.
    """
    columns = ("event_on", "process_status", "event_status", "process_indicator")
    joined = before.select(*EVENT_KEY, *columns).join(
        after.select(*EVENT_KEY, *columns), on=list(EVENT_KEY), how="full", coalesce=True, suffix="_after"
    )
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_after")) for name in columns)
    return joined.filter(differs).sort(EVENT_KEY)


# --- what to propose ----------------------------------------------------------------------------------------


def proposed(events: pl.DataFrame, causes: pl.DataFrame, moved: pl.DataFrame) -> pl.DataFrame:
    """Propose a repair for each flagged or disconnected event.

    Shapes:  events are all events of some people; causes has, per activity an event came from, the event's
             key, `is_gone` (its fact was deleted) and deleted_in (the change that deleted it); moved has, per
             event, made_in (the change its activity came from). Answers the event's key, kind, to_on,
             `why` in words, and, where a deleted fact came back on another day in the same change, the key of
             the event that was made of it (replaced_schedule, replaced_event; else null).
    Missing: an event without activity (open enrolment, snapshot) has no fact of its own: it is decided again.
    """
    flagged = events.filter(_asks_repair())
    gone = causes.group_by(EVENT_KEY).agg(pl.col("is_gone").all(), pl.col("deleted_in").max())
    found = flagged.join(gone, on=list(EVENT_KEY), how="left").with_columns(
        pl.col("is_gone").fill_null(value=False)
    )
    found = _with_move(found, events, moved)
    is_moved = pl.col("is_gone") & pl.col("to_on").is_not_null()
    kind = (
        pl.when(is_moved).then(pl.lit(REDATE)).when("is_gone").then(pl.lit(WITHDRAW)).otherwise(pl.lit(AGAIN))
    )
    return found.with_columns(kind=kind, why=_why()).select(
        *EVENT_KEY, "event_on", "kind", "to_on", "why", "replaced_schedule", "replaced_event"
    )


def _asks_repair() -> pl.Expr:
    """Whether an event is flagged, or has lost its fact; void ones, and those being decided, ask nothing."""
    final = pl.col("process_status").is_in(FINAL).fill_null(value=False)
    flagged = final & (pl.col("is_eligibility_changed") | pl.col("is_out_of_sequence"))
    is_disconnected = pl.col("event_status") == str(EventStatus.DISCONNECTED)
    standing = (pl.col("event_status") != str(EventStatus.VOID)) & ~is_to_be_replayed()
    return is_disconnected | (flagged & standing)


def _with_move(found: pl.DataFrame, events: pl.DataFrame, moved: pl.DataFrame) -> pl.DataFrame:
    """Add the day a deleted fact was moved to, and the event made of it there."""
    there = (
        events.filter(pl.col("event_status") != str(EventStatus.VOID))
        .join(moved, on=list(EVENT_KEY))
        .select(
            *RECORD_KEY,
            "event_class_id",
            deleted_in="made_in",
            to_on="event_on",
            replaced_schedule="schedule_id",
            replaced_event="event_number",
        )
        .sort("to_on")
        .unique([*RECORD_KEY, "event_class_id", "deleted_in"], keep="first")
    )
    return found.join(there, on=[*RECORD_KEY, "event_class_id", "deleted_in"], how="left")


def _why() -> pl.Expr:
    return (
        pl.when(pl.col("is_gone") & pl.col("to_on").is_not_null())
        .then(pl.format("the fact it came from was moved to {}", "to_on"))
        .when("is_gone")
        .then(pl.lit("the fact it came from was withdrawn"))
        .when("is_eligibility_changed")
        .then(pl.lit("a fact it was decided from was corrected"))
        .otherwise(pl.lit("an earlier event became final after it"))
    )


def targets_of(proposals: pl.DataFrame) -> pl.DataFrame:
    """Spell proposals out as targets: a moved event takes the place of the one made of the new fact."""
    replaced = proposals.drop_nulls("replaced_event").select(
        *RECORD_KEY,
        schedule_id="replaced_schedule",
        event_number="replaced_event",
        kind=pl.lit(WITHDRAW),
        to_on=pl.lit(None, pl.Date),
    )
    own = proposals.select(*EVENT_KEY, "kind", "to_on")
    return pl.concat([own, replaced.select(own.columns)]).unique(list(EVENT_KEY), keep="last")


# --- what may be automatic ----------------------------------------------------------------------------------


def held_back(
    before: pl.DataFrame, after: pl.DataFrame, changes: pl.DataFrame, *, as_of: date
) -> pl.DataFrame:
    """Name the benefit records whose repair somebody must decide, and why (rulings §6.1, §6.2).

    Shapes:  before and after are timelines as HELD; changes as `event_changes`. Answers RECORD_KEY and why.
    A person decides where somebody's medical coverage, a dependent's too, would end on a past day, where an
    event that was final would wait for an answer or has an error, and where it could not be decided again
    because an earlier one waits (one moved to a day ahead just waits for that day).
    """
    is_left = pl.col("process_indicator_after") == str(ProcessIndicator.REPLAY)
    behind = changes.filter(is_left & (pl.col("event_on_after") <= as_of)).select(RECORD_KEY)
    final = pl.col("process_status").is_in(FINAL) & (pl.col("event_status_after") != str(EventStatus.VOID))
    waits = changes.filter(final & ~pl.col("process_status_after").is_in(FINAL)).select(RECORD_KEY)
    ended = _ended_before(before, after, as_of)
    return pl.concat(
        [
            ended.with_columns(why=pl.lit("medical coverage would end on a past day")),
            behind.unique().with_columns(why=pl.lit("an event would wait behind an earlier one")),
            waits.unique().with_columns(why=pl.lit("an event would wait for an answer, or has an error")),
        ]
    ).unique(list(RECORD_KEY), keep="first", maintain_order=True)


def _ended_before(before: pl.DataFrame, after: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Benefit records with somebody covered for medical on some past day before, and not after.

    Another medical plan type, or slot, covers as well: nothing has ended then.
    """
    was, still = (_covered_days(side, as_of) for side in (before, after))
    who = [*RECORD_KEY, "member"]
    ends = [side.select(*who, day=name) for side in (was, still) for name in ("begins_on", "until")]
    days = pl.concat(ends).unique().filter(pl.col("day") < as_of)
    day = pl.col("day")
    covered, left = (
        days.join(side, on=who).filter((day >= pl.col("begins_on")) & (day < pl.col("until")))
        for side in (was, still)
    )
    lost = covered.join(left, on=[*who, "day"], how="anti")
    return lost.select(RECORD_KEY).unique().sort(RECORD_KEY)


def _covered_days(points: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Spell out medical coverage before a day: RECORD_KEY, member ("": the employee), begins_on, until."""
    place = [*RECORD_KEY, "plan_type", "slot"]
    ends = pl.col("begins_on").shift(-1).over(place).fill_null(as_of)
    medical = points.filter(is_one_of(MEDICAL)).sort(*place, "begins_on").with_columns(until=ends)
    past = medical.filter(pl.col("kind").is_in(COVERED) & (pl.col("begins_on") < as_of))
    covered = pl.format(" {}", pl.col("members").fill_null("")).str.strip_chars_end()
    return past.select(
        *RECORD_KEY,
        "begins_on",
        until=pl.min_horizontal("until", pl.lit(as_of)),
        member=covered.str.split(" "),
    ).explode("member")
