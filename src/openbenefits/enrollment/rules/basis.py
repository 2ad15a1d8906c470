"""What every covered day rests on: spans of days, each with exactly one basis (docs/rules.md §18)."""

import polars as pl

from openbenefits.core.codes import COVERED_KINDS, Basis
from openbenefits.enrollment.rules.timeline import ENDING, POINT_KEY

COVERED = [str(kind) for kind in COVERED_KINDS]
FAR = pl.date(9999, 12, 31)
RECORD = ("client_id", "person_id", "benefit_record")
BY = ("schedule_id", "event_number")
MADE = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    "plan_type": pl.String,
    "event_on": pl.Date,
    "is_lost": pl.Boolean,
    "event_rule_row": pl.Int32,
}
"""What is needed of the plan types of events: the day, whether what was in force was lost, and the rule."""
LEAVES = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "leave_from": pl.Date,
    "leave_until": pl.Date,
}
_RUN_OUT, _LEAVE, _ELIGIBLE = (pl.lit(str(kind)) for kind in (Basis.RUN_OUT, Basis.LEAVE, Basis.ELIGIBLE))


def basis_spans(points: pl.DataFrame, made: pl.DataFrame, leaves: pl.DataFrame) -> pl.DataFrame:
    """Cut the coverage of people into spans of one basis each.

    Shapes:  points are the change points that hold (`enrollment.frames.COVERAGE_COLUMNS`), made as MADE,
             leaves as LEAVES (of one benefit record they do not overlap). Answers the columns of the points
             that cover, with span_from, span_until (the first day after it), basis and, of a run-out, the
             event that ended it: ended_schedule, ended_event, ended_rule_row.
    Source:  docs/rules.md §18; rulings §3.3.
    """
    spans = _spans(points, made)
    before = spans.filter(pl.col("span_from") < pl.col("cut")).with_columns(span_until="cut")
    after = spans.filter(pl.col("cut") < pl.col("until")).with_columns(
        span_from="cut", span_until="until", basis=_RUN_OUT
    )
    before = before.with_columns(
        pl.lit(None, pl.Int32).alias(name) for name in ("ended_schedule", "ended_event", "ended_rule_row")
    )
    both = pl.concat([_with_leaves(before, leaves), after.select(before.columns)])
    return both.drop("cut", "until").sort(*POINT_KEY, "span_from")


def _spans(points: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    """Each point that covers, until the next one, and the day from which only an end rule carries it."""
    following = {
        "until": pl.col("begins_on"),
        "next_kind": pl.col("kind"),
        "ended_schedule": pl.col("schedule_id"),
        "ended_event": pl.col("event_number"),
    }
    timeline = points.sort(*POINT_KEY, "begins_on").with_columns(
        **{name: value.shift(-1).over(POINT_KEY) for name, value in following.items()}
    )
    covered = timeline.filter(pl.col("kind").is_in(COVERED)).with_columns(pl.col("until").fill_null(FAR))
    ends = made.select(
        *RECORD,
        "plan_type",
        ended_schedule="schedule_id",
        ended_event="event_number",
        ended_on="event_on",
        is_lost="is_lost",
        ended_rule_row="event_rule_row",
    )
    key = [*RECORD, "plan_type", "ended_schedule", "ended_event"]
    found = covered.join(ends, on=key, how="left", maintain_order="left")
    is_ended = pl.col("next_kind").is_in(ENDING) | pl.col("is_lost")
    cut = pl.when(is_ended.fill_null(value=False) & pl.col("ended_on").is_not_null()).then(
        pl.max_horizontal("begins_on", pl.min_horizontal("ended_on", "until"))
    )
    return found.with_columns(span_from="begins_on", cut=cut.fill_null(pl.col("until"))).drop(
        "next_kind", "is_lost", "ended_on"
    )


def _with_leaves(spans: pl.DataFrame, leaves: pl.DataFrame) -> pl.DataFrame:
    """Cut the spans that rest on eligibility where a leave begins or ends; what a person decided stays so."""
    eligible = pl.col("basis") == _ELIGIBLE
    touching = (
        spans.filter(eligible)
        .with_row_index("span")
        .join(leaves, on=list(RECORD))
        .filter((pl.col("leave_from") < pl.col("span_until")) & (pl.col("leave_until") > pl.col("span_from")))
    )
    if touching.is_empty():
        return spans.with_columns(span_until="span_until")
    on_leave = touching.with_columns(
        span_from=pl.max_horizontal("span_from", "leave_from"),
        span_until=pl.min_horizontal("span_until", "leave_until"),
        basis=_LEAVE,
    )
    gaps = _between(touching, on_leave)
    untouched = spans.filter(eligible).with_row_index("span").join(touching, on="span", how="anti")
    parts = [spans.filter(~eligible), untouched.select(spans.columns)]
    return pl.concat([*parts, on_leave.select(spans.columns), gaps.select(spans.columns)])


def _between(touching: pl.DataFrame, on_leave: pl.DataFrame) -> pl.DataFrame:
    """The rest of spans with leaves: before, between and after them."""
    leaves = on_leave.select("span", leave_from="span_from", leave_until="span_until").sort(
        "span", "leave_from"
    )
    ahead = leaves.select(
        "span",
        gap_from=pl.col("leave_until").shift(1).over("span"),
        gap_until="leave_from",
    )
    last = leaves.group_by("span").agg(gap_from=pl.col("leave_until").max())
    rest = pl.concat([ahead, last.with_columns(gap_until=pl.lit(None, pl.Date))])
    whole = touching.unique("span", keep="first").drop("leave_from", "leave_until")
    found = rest.join(whole, on="span").with_columns(
        span_from=pl.coalesce("gap_from", "span_from"), span_until=pl.coalesce("gap_until", "span_until")
    )
    return found.filter(pl.col("span_from") < pl.col("span_until"))
