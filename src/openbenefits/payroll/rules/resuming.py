"""Annual pledges that ended during a leave without pay: what the pays without coverage would have given.

Source: 26 CFR 1.125-3 Q&A-6(a)(2); docs/rules.md §16.16.
"""

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import COVERED_KINDS, ChangeKind
from openbenefits.payroll.rules.takings import OWNER

SERIES = [*OWNER, "plan_type"]
COVERED = [str(kind) for kind in COVERED_KINDS]
GONE = [str(ChangeKind.TERMINATED), str(ChangeKind.INELIGIBLE)]

LAPSED = {
    "plan_type": pl.String,
    "option_id": pl.Int32,
    "pledge_cents": pl.Int64,
    "resumes_on": pl.Date,
    "deduction_resumes_on": pl.Date,
    "begins_on": pl.Date,
    "deduction_begins_on": pl.Date,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
}
"""A pledge that ended during a leave: what it was; the first day without it, and without its deduction; where
it is back, from which day, its deduction from which, and the event that gave it back."""


def lapsed(points: pl.DataFrame, dates: pl.DataFrame, leaves: pl.DataFrame) -> pl.DataFrame:
    """Find the pledges that an event ended during a leave, and whether they came back.

    Shapes: points as the change points of accounts that hold; dates has the key of events and `ended_on`, as
            `enrollment.frames.load_event_dates`; leaves has OWNER, leave_from, leave_until. The result has
            OWNER and LAPSED.
    """
    later = {
        "resumes_on": ("begins_on", 1),
        "deduction_resumes_on": ("deduction_begins_on", 1),
        "next_kind": ("kind", 1),
        "by_schedule": ("schedule_id", 1),
        "by_event": ("event_number", 1),
        "back_kind": ("kind", 2),
        "back_on": ("begins_on", 2),
        "back_deduction_on": ("deduction_begins_on", 2),
        "back_schedule": ("schedule_id", 2),
        "back_event": ("event_number", 2),
    }
    rows = points.filter(slot=0).sort(*SERIES, "begins_on")
    rows = rows.with_columns(
        pl.col(name).shift(-ahead).over(SERIES).alias(new) for new, (name, ahead) in later.items()
    )
    rows = rows.filter(
        pl.col("kind").is_in(COVERED), pl.col("pledge_cents").is_not_null(), pl.col("next_kind").is_in(GONE)
    )
    dated = dates.rename({"schedule_id": "by_schedule", "event_number": "by_event"})
    rows = rows.join(dated, on=[*OWNER, "by_schedule", "by_event"]).join(leaves, on=list(OWNER))
    rows = rows.filter(pl.col("ended_on").is_between("leave_from", "leave_until", closed="left"))
    is_back = pl.col("back_kind").is_in(COVERED)
    back = {"begins_on": "back_on", "deduction_begins_on": "back_deduction_on"}
    back |= {"schedule_id": "back_schedule", "event_number": "back_event"}
    rows = rows.with_columns(
        pl.col("deduction_resumes_on").fill_null(pl.col("resumes_on")),
        **{name: pl.when(is_back).then(of) for name, of in back.items()},
    )
    return rows.select(*OWNER, *(pl.col(name).cast(kind) for name, kind in LAPSED.items()))


def with_missed(asked: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Add missed_cents: what the pays of the year of the return would have given, had nothing ended.

    Shapes:  asked has SERIES, deduction_resumes_on, deduction_begins_on; lines has SERIES, ends_on and
             owed_cents, as if nothing had ended.
    Missing: 0 where no pay would have given anything; null where one of the amounts is not known.
    """
    place = [*SERIES, "deduction_resumes_on", "deduction_begins_on"]
    rows = asked.select(place).unique().join(lines, on=SERIES)
    without = pl.col("ends_on").is_between("deduction_resumes_on", "deduction_begins_on", closed="left")
    is_of_year = pl.col("ends_on").dt.year() == pl.col("deduction_begins_on").dt.year()
    sums = rows.filter(without, is_of_year).group_by(place)
    missed = sums.agg(missed_cents=money.total(pl.col("owed_cents")), _any=pl.lit(value=True))
    found = asked.join(missed, on=place, how="left", maintain_order="left")
    nothing = pl.col("_any").is_null()
    return found.with_columns(missed_cents=pl.when(nothing).then(0).otherwise("missed_cents")).drop("_any")
