"""Every loss of health coverage in a timeline (docs/rules.md, Continuation).

Kinds of coverage are what a beneficiary has, whatever the plan type: medical, dental, vision, health FSA.
"""

import polars as pl

from openbenefits.core import days
from openbenefits.core.codes import COVERED_KINDS
from openbenefits.core.plan_types import HEALTH
from openbenefits.programs.dated import FAR_FUTURE

EMPLOYEE = 0
"""The number that stands for the employee where a dependent's would."""

MEDICAL, DENTAL, VISION, FSA = "medical", "dental", "vision", "health FSA"
HEALTH_FSA = "60"
FSA_LIMIT = "health_fsa_salary_reduction"
"""The legal limit that makes any spending account a health FSA."""

OF_OTHERS = ("15", "16", "17")
"""Plan types that cover dependents, and never the employee."""

_NAMED = {
    "10": (MEDICAL,),
    "11": (DENTAL,),
    "12": (MEDICAL, DENTAL),
    "13": (MEDICAL,),
    "14": (VISION,),
    "15": (MEDICAL,),
    "16": (DENTAL,),
    "17": (VISION,),
    HEALTH_FSA: (FSA,),
}

SERIES = ("client_id", "person_id", "benefit_record", "plan_type", "slot")
POINT = (*SERIES, "begins_on", "version")
WHOSE = ("client_id", "person_id", "dependent_id", "cover")
LOSS_KEY = (*WHOSE, "lost_on")


def covers(limits: pl.DataFrame) -> pl.DataFrame:
    """Say which kinds of coverage each plan type is: plan_type, cover.

    A health plan type without a name of its own is a kind of its own. `limits` has plan_type and annual_limit
    of the programs: a spending account under the legal limit of health FSAs is one.
    """
    named = [(code, cover) for code, kinds in _NAMED.items() for cover in kinds]
    own = [(code, f"health {code}") for code in HEALTH if code not in _NAMED]
    known = pl.DataFrame([*named, *own], schema={"plan_type": pl.String, "cover": pl.String}, orient="row")
    accounts = limits.filter(annual_limit=FSA_LIMIT).select("plan_type", cover=pl.lit(FSA))
    return pl.concat([known, accounts]).unique()


def stays(points: pl.DataFrame, members: pl.DataFrame, kinds: pl.DataFrame) -> pl.DataFrame:
    """List who is covered from when until when (exclusive), and what follows.

    Shapes:  points as `enrollment.frames.load_coverage`, members as `load_covered_dependents`, kinds as
             `covers`. One row per point that covers, person covered and kind of coverage: WHOSE, SERIES,
             begins_on, until, program_id, and of the point that follows next_kind, schedule_id, event_number.
    Missing: until is the far future, and what follows null, where nothing does.
    """
    following = {
        "until": pl.col("begins_on").shift(-1).over(SERIES).fill_null(FAR_FUTURE),
        "next_kind": pl.col("kind").shift(-1).over(SERIES),
        "schedule_id": pl.col("schedule_id").shift(-1).over(SERIES),
        "event_number": pl.col("event_number").shift(-1).over(SERIES),
    }
    timeline = points.sort(*SERIES, "begins_on").with_columns(**following)
    covered = timeline.filter(pl.col("kind").is_in([str(kind) for kind in COVERED_KINDS]))
    is_own = (pl.col("slot") == 0) & ~pl.col("plan_type").is_in(OF_OTHERS)
    own = covered.filter(is_own).with_columns(dependent_id=pl.lit(EMPLOYEE, pl.Int64))
    others = covered.join(members, on=list(POINT))
    columns = (*SERIES, "dependent_id", "begins_on", *following, "program_id")
    return pl.concat([own.select(columns), others.select(columns)]).join(kinds, on="plan_type")


def losses(stays: pl.DataFrame) -> pl.DataFrame:
    """List every end of coverage: `stays` with lost_on, last_covered_on, is_moved.

    Whoever goes on under the next point of the same series has lost nothing, and is not listed. is_moved:
    the same kind of coverage goes on elsewhere from that very day (another plan type or benefit record).
    """
    ends = stays.filter(pl.col("until") < FAR_FUTURE).with_columns(lost_on="until")
    on = stays.select(*WHOSE, *SERIES[2:], stays_from="begins_on", stays_until="until")
    pairs = ends.select(*LOSS_KEY, *SERIES[2:]).join(on, on=list(WHOSE), suffix="_on")
    pairs = pairs.filter(pl.col("lost_on").is_between("stays_from", "stays_until", closed="left"))
    is_same = pl.all_horizontal(pl.col(name) == pl.col(f"{name}_on") for name in SERIES[2:])
    place = [*LOSS_KEY, *SERIES[2:]]
    goes_on = pairs.group_by(place).agg(is_same=is_same.any())
    rows = ends.join(goes_on, on=place, how="left", maintain_order="left")
    rows = rows.filter(pl.col("is_same").ne_missing(True)).with_columns(
        is_moved=pl.col("is_same").is_not_null(), last_covered_on=days.day_before(pl.col("lost_on"))
    )
    first = rows.sort(*LOSS_KEY, *SERIES[2:]).unique(LOSS_KEY, keep="first", maintain_order=True)
    return first.drop("until", "is_same")


def was_covered_before(rows: pl.DataFrame, stays: pl.DataFrame, day: str) -> pl.DataFrame:
    """Tell, per loss, whether the same kind of coverage was in force the day before a day: is_covered_before.

    Missing: null where the day is.
    """
    key = [*LOSS_KEY, day]
    spans = stays.select(*WHOSE, stays_from="begins_on", stays_until="until")
    pairs = rows.select(key).drop_nulls(day).join(spans, on=list(WHOSE))
    before = days.day_before(pl.col(day))
    held = pairs.filter((pl.col("stays_from") <= before) & (before < pl.col("stays_until")))
    found = held.select(LOSS_KEY).unique().with_columns(is_covered_before=pl.lit(value=True))
    joined = rows.join(found, on=list(LOSS_KEY), how="left", maintain_order="left")
    known = pl.when(pl.col(day).is_not_null()).then(pl.col("is_covered_before").fill_null(value=False))
    return joined.with_columns(is_covered_before=known)
