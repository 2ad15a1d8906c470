"""The coverage timeline: which change points a settled event adds, and which it supersedes.

A point holds from its day until the next, so overlap cannot be written down. A result that says what already
holds adds nothing; one of the same day supersedes the point of that day; an ending takes the points after it
along. Sources: design §1.1, rulings §1.2, §3; event-processing §10.5.
"""

import polars as pl

from openbenefits.core.codes import ChangeKind
from openbenefits.core.columns import numbered, with_neighbours, without

POINT_KEY = ("client_id", "person_id", "benefit_record", "plan_type", "slot")
CONTENT = (
    *("option_id", "coverage_cents", "requested_coverage_cents", "pledge_cents", "percent_thousandths"),
    *("after_tax_thousandths", "hours_hundredths", "members", "funds", "beneficiaries"),
)
COVERED = [str(ChangeKind.ELECTED), str(ChangeKind.DEFAULTED)]
ENDING = [str(ChangeKind.TERMINATED), str(ChangeKind.INELIGIBLE), str(ChangeKind.NEVER_ENROLLED)]


def beside_decided(results: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """Leave out of what a default keeps (`goes_on`) what events before this one said, or ended, already.

    What ends by then stays ended; what is not different, a waiver above all, stays as it was said. Nor was
    nobody ever enrolled where something ends.

    Shapes: results as `timeline_changes` takes them; decided has POINT_KEY, begins_on, kind and CONTENT of
            what they decided to hold from the event's date or later.
    """
    results = results.filter(~(pl.col("goes_on") & (pl.col("kind") == ChangeKind.WAIVED)))
    if decided.is_empty():
        return results
    last = decided.sort("begins_on").unique(POINT_KEY, keep="last")
    said = {"said": "kind", "said_on": "begins_on"}
    rows = results.join(last.select(*POINT_KEY, **said), on=POINT_KEY, how="left", maintain_order="left")
    has_ended = pl.col("said").is_in(ENDING) & (pl.col("said_on") <= pl.col("begins_on"))
    repeats = pl.col("goes_on") | (pl.col("kind") == ChangeKind.NEVER_ENROLLED)
    rows = rows.filter(~(has_ended & repeats).fill_null(value=False))
    same = [*POINT_KEY, "begins_on", *CONTENT]
    covered = decided.filter(pl.col("kind").is_in(COVERED)).select(same)
    stands = rows.filter("goes_on").join(covered, on=same, how="semi", nulls_equal=True)
    return rows.join(stands, on=[*POINT_KEY, "begins_on"], how="anti").select(results.columns)


def timeline_changes(results: pl.DataFrame, existing: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Compare what shall hold with what holds.

    Shapes:  results has POINT_KEY, begins_on, kind, CONTENT (members and funds as texts in a fixed order) and
             ends_all (later points go too), goes_on and the event they come from; existing has the points
             that hold, with version and is_to_begin (decided before the event, beginning on its date or
             later). Answers the results to insert, with their version, and the keys of the points to
             supersede, each with the event that does (superseded_by_schedule, superseded_by_event).
    """
    results, existing = _by_line(results, existing)
    results = results.sort("line", "begins_on", maintain_order=True).unique(
        ["line", "begins_on"], keep="last", maintain_order=True
    )
    same_day = _same_day(results, existing)
    repeated = same_day.filter("is_repeated")
    replaced = _superseded(results, repeated, existing)
    results = without(results, repeated, ["line", "begins_on"])
    held = _before(results, without(existing, replaced, ["line", "begins_on", "version"]))
    new = results.filter(held.select(~_says_the_same()).to_series())
    key = [*POINT_KEY, "begins_on", "version"]
    by = ["superseded_by_schedule", "superseded_by_event"]
    return _with_version(new, same_day).drop("line"), replaced.select(*key, *by)


def _by_line(results: pl.DataFrame, existing: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Number the lines (a plan type and slot of a benefit record) of both: joins by one number are quick."""
    lines = numbered(pl.concat([rows.select(POINT_KEY) for rows in (results, existing)]), "line")[1]
    return results.with_columns(lines[: results.height]), existing.with_columns(lines[results.height :])


def _same_day(results: pl.DataFrame, existing: pl.DataFrame) -> pl.DataFrame:
    """Pair results with points of their day: line, begins_on, version, is_repeated (they say the same)."""
    said = ["kind", *CONTENT]
    days = ["line", "begins_on"]
    pairs = results.select(*days, *said).join(
        existing.select(*days, "version", *said), on=days, suffix="_held"
    )
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_held")) for name in said)
    return pairs.select(*days, "version", is_repeated=same)


def taken_back(points: pl.DataFrame, events: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Say what of the timeline ceases to hold, and what holds again, once events have posted nothing.

    Shapes:  points are all points of some people, superseded ones too, with the event that made them
             (schedule_id, event_number; null: taken over), `superseded_by_run` (null: holds) and the event
             that superseded them; events has RECORD, schedule_id and event_number. Answers rows of points:
             those to supersede; those to write again as they were; and the events' own that something
             superseded: they hold no more, whatever becomes of that, so it is to be forgotten.
    Source:  design §1.5: what an event superseded was made by somebody else, or went with it.
    """
    key = [*POINT_KEY[:3], "schedule_id", "event_number"]
    theirs = points.join(events, on=key, how="semi")
    ceasing = theirs.filter(pl.col("superseded_by_run").is_null())
    by = ["superseded_by_schedule", "superseded_by_event"]
    others = points.join(events, on=key, how="anti")
    again = others.join(events, left_on=[*POINT_KEY[:3], *by], right_on=key, how="semi")
    forgotten = theirs.filter(pl.col("superseded_by_event").is_not_null())
    return ceasing, again, forgotten


def taken_back_run(points: pl.DataFrame, run_id: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Say what of the timeline ceases to hold, and what holds again, once a run has posted nothing.

    Shapes: points as `taken_back` takes them, with run_id. Answers rows of points like it.
    """
    is_own = (pl.col("run_id") == run_id).fill_null(value=False)
    ceasing = points.filter(is_own & pl.col("superseded_by_run").is_null())
    again = points.filter(~is_own & (pl.col("superseded_by_run") == run_id))
    return ceasing, again


def _superseded(results: pl.DataFrame, repeated: pl.DataFrame, existing: pl.DataFrame) -> pl.DataFrame:
    """Points of the same day, unless they say the same, and all later ones of an ending of everything.

    What decides anew, and does not merely go on, takes the place also of what was to begin later.
    """
    by = results.select(
        "line",
        result_begins_on="begins_on",
        ends_all="ends_all",
        goes_on="goes_on",
        superseded_by_schedule="schedule_id",
        superseded_by_event="event_number",
    )
    pairs = existing.select("line", *POINT_KEY, "begins_on", "version", "is_to_begin").join(by, on="line")
    same_day = pl.col("begins_on") == pl.col("result_begins_on")
    takes_its_place = pl.col("ends_all") | (pl.col("is_to_begin") & ~pl.col("goes_on"))
    later = takes_its_place & (pl.col("begins_on") > pl.col("result_begins_on"))
    point = ["line", "begins_on", "version"]
    found = pairs.filter(same_day | later).unique(point, keep="first", maintain_order=True)
    return without(found, repeated, ["line", "begins_on"])


def _before(results: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    """Answer what each result says, and what holds on its day (held_*): results see one another."""
    said = ["kind", *CONTENT]
    at = pl.int_range(pl.len(), dtype=pl.UInt32)
    points = pl.concat(
        [
            standing.select("line", "begins_on", *said, result=pl.lit(None, pl.UInt32)),
            results.select("line", "begins_on", *said, result=at),
        ]
    ).sort("line", "begins_on")
    found = with_neighbours(points, ["line"], above={f"held_{name}": name for name in said})
    return found.drop_nulls("result").sort("result").drop("line", "begins_on", "result")


def _says_the_same() -> pl.Expr:
    """Whether a result adds nothing to what holds."""
    both_covered = pl.col("kind").is_in(COVERED) & pl.col("held_kind").is_in(COVERED).fill_null(value=False)
    equal = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"held_{name}")) for name in CONTENT)
    held_nothing = pl.col("held_kind").is_null() | pl.col("held_kind").is_in(ENDING)
    ends_nothing = pl.col("kind").is_in(ENDING) & held_nothing
    first_ever = pl.col("held_kind").is_null() & (pl.col("kind") == ChangeKind.NEVER_ENROLLED)
    waived_again = (pl.col("kind") == ChangeKind.WAIVED) & (pl.col("held_kind") == ChangeKind.WAIVED)
    return (both_covered & equal) | (ends_nothing & ~first_ever) | waived_again.fill_null(value=False)


def _with_version(new: pl.DataFrame, same_day: pl.DataFrame) -> pl.DataFrame:
    """Number the versions of a day."""
    if same_day.is_empty():
        return new.with_columns(version=pl.lit(1, pl.Int32))
    days = ["line", "begins_on"]
    found = new.join(same_day.select(*days, highest="version"), on=days, how="left", maintain_order="left")
    return found.with_columns(version=(pl.col("highest").fill_null(0) + 1).cast(pl.Int32)).drop("highest")
