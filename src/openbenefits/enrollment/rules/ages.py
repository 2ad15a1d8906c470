"""Which covered dependents pass a limit of age, when, and what their plan covers afterwards.

Time is cut into pieces in which nothing changes that the limit depends on: the change point, the version of
the program, the version of the dependent rule, the facts of the dependent. In each the limit is one day.
"""

from datetime import date

import polars as pl

from openbenefits.core import days
from openbenefits.core.codes import COVERED_KINDS, PERSON_KINDS
from openbenefits.eligibility.dependents import counted, is_adult, is_of_kind, last_day_of_age
from openbenefits.programs.dated import FAR_FUTURE
from openbenefits.programs.rulebook import Rulebook

SERIES = ["client_id", "person_id", "benefit_record", "plan_type", "slot"]
POINT = [*SERIES, "begins_on", "version"]
WHO = [*SERIES, "dependent_id"]
FACTS = {
    "first_name": pl.String(),
    "last_name": pl.String(),
    "person_type": pl.String(),
    "birth_on": pl.Date(),
    "is_student": pl.Boolean(),
    "student_through": pl.Date(),
    "is_disabled": pl.Boolean(),
    "is_former": pl.Boolean(),
}


def age_outs(
    points: pl.DataFrame,
    covers: pl.DataFrame,
    facts: pl.DataFrame,
    rulebook: Rulebook,
    *,
    as_of: date,
    through: date,
) -> pl.DataFrame:
    """Find who passes a limit of age while covered, and what the plan covers afterwards.

    Shapes: points as `load_coverage`, covers as `load_covered_dependents`, facts as `load_dependents` with
            FACTS. One row per series and dependent: out_on is the first day, from `as_of`, on which the
            dependent no longer counts.
    """
    timeline = _with_until(points)
    pieces = _pieces(timeline, covers, facts, rulebook).filter(pl.col("until") > as_of)
    last = last_day_of_age()
    too_old = days.day_after(last)  # null, and passed from the first day, without a birth date
    pieces = pieces.filter(~is_adult() & ~pl.col("is_former") & ~_is_exempt()).with_columns(
        out_on=pl.max_horizontal(too_old, "begin", "begins_on", pl.lit(as_of)),
        last_covered_on=pl.when(pl.col("birth_on").is_not_null()).then(
            pl.max_horizontal(last, days.day_before(pl.col("changed_on")))
        ),
    )
    ends = (pl.col("out_on") < pl.col("end")) & (pl.col("out_on") <= pl.col("until"))
    found = pieces.filter(ends & (pl.col("out_on") <= days.day_after(pl.lit(through)))).with_columns(
        is_settled=pl.col("out_on") == pl.col("until")
    )
    first = found.sort("out_on", "is_settled").unique(WHO, keep="first", maintain_order=True)
    return _with_tiers(first, timeline, covers, facts, rulebook)


def _with_until(points: pl.DataFrame) -> pl.DataFrame:
    """Add `until`, the day the next point of the series begins."""
    after = pl.col("begins_on").shift(-1).over(SERIES).fill_null(FAR_FUTURE)
    return points.sort(*SERIES, "begins_on").with_columns(until=after)


def _pieces(
    timeline: pl.DataFrame, covers: pl.DataFrame, facts: pl.DataFrame, rulebook: Rulebook
) -> pl.DataFrame:
    """Cut the coverage of each dependent by versions of program, rule and facts: begin, end (exclusive).

    changed_on is the day on which such a version took the place of another.
    """
    covered = timeline.filter(pl.col("kind").is_in([str(kind) for kind in COVERED_KINDS]))
    rows = covered.join(covers, on=list(POINT))
    plan_rows = rulebook.plan_rows.select(
        "plan_row", "program_id", "plan_type", "valid_from", "dependent_rule_id"
    )
    rules = rulebook.dependent_rules.select(
        *("dependent_rule_id", "valid_from", "age_limit", "student_age_limit", "is_disabled_exempt"),
        *("last_day", "plan_year_begins"),
        dependent_rule="code",
    )
    held = _by_evidence(facts.select("dependent_id", "number", "valid_from", *FACTS))
    place = ["program_id", "plan_type"]
    rows = rows.join(_spans(plan_rows, *place, name="program"), on=place, how="left")
    rows = rows.join(_spans(rules, "dependent_rule_id", name="rule"), on="dependent_rule_id", how="left")
    rows = rows.join(_spans(held, "dependent_id", name="facts"), on="dependent_id")
    kinds = ("program", "rule", "facts")
    rows = rows.with_columns(
        begin=pl.max_horizontal("begins_on", *(f"{name}_from" for name in kinds)),
        end=pl.min_horizontal(*(f"{name}_to" for name in kinds)),
        changed_on=pl.max_horizontal(f"{name}_from" for name in kinds),
        limit=pl.when("is_student").then("student_age_limit").otherwise("age_limit"),
    )
    return rows.filter((pl.col("begin") < pl.col("end")) & (pl.col("begin") < pl.col("until")))


def _by_evidence(facts: pl.DataFrame) -> pl.DataFrame:
    """Let students be students only through the day for which that is evidenced."""
    after = days.day_after(pl.col("student_through"))
    later = pl.col("valid_from").shift(-1).over("dependent_id").fill_null(FAR_FUTURE)
    ordered = facts.sort("dependent_id", "valid_from").with_columns(later=later)
    evidenced = (pl.col("student_through") >= pl.col("valid_from")).fill_null(value=False)
    ended = ordered.filter(pl.col("is_student") & evidenced & (after < pl.col("later")))
    ended = ended.with_columns(valid_from=after, is_student=pl.lit(value=False))
    known = ordered.with_columns(is_student=pl.col("is_student") & evidenced)
    return pl.concat([known, ended]).drop("later")


def _spans(rows: pl.DataFrame, *key: str, name: str) -> pl.DataFrame:
    """Say from when until when each version holds; the first one reaches back as far as need be (null)."""
    ordered = rows.sort(*key, "valid_from")
    begin = pl.when(pl.int_range(pl.len()).over(key) > 0).then("valid_from")
    after = pl.col("valid_from").shift(-1).over(key).fill_null(FAR_FUTURE)
    return ordered.with_columns(begin.alias(f"{name}_from"), after.alias(f"{name}_to")).drop("valid_from")


def _is_exempt() -> pl.Expr:
    return pl.col("is_disabled") & pl.col("is_disabled_exempt").fill_null(value=True)


# --- what the plan covers afterwards ----------------------------------------------------------------------


def _with_tiers(
    found: pl.DataFrame, timeline: pl.DataFrame, covers: pl.DataFrame, facts: pl.DataFrame, rulebook: Rulebook
) -> pl.DataFrame:
    """Add the coverage codes before and after, and the option's code.

    After: of the timeline where it ends the coverage already; else the code held, if it admits who is left,
    else the code of the same plan that demands the most of them. Null: no code of the plan fits.
    """
    rows = found.with_row_index("row")
    codes = rulebook.coverage_codes.select("coverage_code_id", "code").unique("coverage_code_id")
    options = rulebook.options.select("option_id", "plan_id", "coverage_code_id", "code", "valid_from")
    options = options.sort("valid_from").unique("option_id", keep="last").drop("valid_from")
    named = options.rename({"code": "option_code"}).join(
        codes.rename({"code": "coverage_code"}), on="coverage_code_id", how="left"
    )
    rows = rows.join(named, on="option_id", how="left", maintain_order="left")
    due = rows.filter(~pl.col("is_settled"))
    fitting = _fitting(due, _left(due, rows, covers, facts), rulebook)
    fitting = fitting.join(codes, on="coverage_code_id").select("row", due_code="code")
    settled = _held_after(rows.filter("is_settled"), timeline).join(named, on="option_id")
    after = pl.concat([fitting, settled.select("row", due_code="coverage_code")])
    rows = rows.join(after, on="row", how="left", maintain_order="left")
    return rows.rename({"due_code": "coverage_code_after"}).drop("row")


def _held_after(rows: pl.DataFrame, timeline: pl.DataFrame) -> pl.DataFrame:
    """The option in force from the day on which the coverage of the dependent ends."""
    after = timeline.filter(pl.col("kind").is_in([str(kind) for kind in COVERED_KINDS]))
    after = after.select(*SERIES, "option_id", out_on="begins_on")
    return rows.select("row", *SERIES, "out_on").join(after, on=[*SERIES, "out_on"])


def _left(
    due: pl.DataFrame, everybody_out: pl.DataFrame, covers: pl.DataFrame, facts: pl.DataFrame
) -> pl.DataFrame:
    """Count who of the covered is left from that day, by kind: row and the counts."""
    gone = everybody_out.select(*WHO, gone_on="out_on")
    others = due.select("row", "out_on", *POINT).join(covers, on=list(POINT)).join(gone, on=WHO, how="left")
    others = others.filter(pl.col("gone_on").is_null() | (pl.col("gone_on") > pl.col("out_on")))
    held = _spans(facts.select("dependent_id", "valid_from", "person_type"), "dependent_id", name="facts")
    of_day = (pl.col("facts_from").is_null() | (pl.col("facts_from") <= pl.col("out_on"))) & (
        pl.col("out_on") < pl.col("facts_to")
    )
    known = others.join(held, on="dependent_id").filter(of_day)
    counts = known.group_by("row").agg(is_of_kind(kind).sum().alias(counted(kind)) for kind in PERSON_KINDS)
    return (
        due.select("row")
        .join(counts, on="row", how="left", maintain_order="left")
        .with_columns(pl.col(counted(kind)).fill_null(0) for kind in PERSON_KINDS)
    )


def _fitting(due: pl.DataFrame, left: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Find the coverage code of the same plan for who is left: row, coverage_code_id."""
    bounds = [f"{kind}_{bound}" for kind in PERSON_KINDS for bound in ("min", "max")]
    options = rulebook.options.filter(pl.col("coverage_code_id").is_not_null()).select(
        "plan_row", "plan_id", "coverage_code_id", "display_order", *bounds
    )
    held = due.select("row", "plan_row", "plan_id", held_code="coverage_code_id")
    pairs = held.join(options, on=["plan_row", "plan_id"]).join(left, on="row")
    fits = pl.all_horizontal(
        pl.col(counted(kind)).is_between(pl.col(f"{kind}_min"), pl.col(f"{kind}_max"))
        for kind in PERSON_KINDS
    )
    order = {
        "is_other": pl.col("coverage_code_id") != pl.col("held_code"),
        "spare": -pl.sum_horizontal(f"{kind}_min" for kind in PERSON_KINDS),
        "room": pl.sum_horizontal(f"{kind}_max" for kind in PERSON_KINDS),
    }
    best = pairs.filter(fits).with_columns(**order).sort("row", *order, "display_order")
    return best.unique("row", keep="first", maintain_order=True).select("row", "coverage_code_id")
