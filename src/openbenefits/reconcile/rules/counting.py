"""Summary bills: numbers of people and sums by plan and tier, and the people who may make a difference.

What is billed otherwise is another number of people, at the price they have with us, or another price.
"""

import polars as pl

from openbenefits.core import money
from openbenefits.reconcile.rules.comparing import FOUND, ROUNDING, Settings

GROUP = ["client_id", "plan_id", "coverage_code_id"]
COUNT, RATE = "INV_COUNT", "INV_RATE"
NAMED = 10
"""So many people are named who may make a difference."""


def held_of(units: pl.DataFrame) -> pl.DataFrame:
    """Take who is charged in a month: GROUP, person_id, expected_cents, made_at, plan_type, each once."""
    return (
        units.filter("is_charged")
        .group_by(*GROUP, "person_id")
        .agg(
            money.total(pl.col("expected_cents")).alias("expected_cents"),
            pl.col("made_at").max(),
            pl.col("plan_type").first(),
        )
    )


def candidates(now: pl.DataFrame, before: pl.DataFrame, known_at: pl.DataFrame) -> pl.DataFrame:
    """Name who has come to a group since the month before, and who has left it.

    Shapes: now and before as `held_of`; known_at has client_id, person_id, plan_type, made_at: since when
            their latest change is known. The answer is as `held_of`, with came (else left).
    """
    key = [*GROUP, "person_id"]
    came = now.join(before, on=key, how="anti", nulls_equal=True).with_columns(came=pl.lit(value=True))
    left = before.join(now, on=key, how="anti", nulls_equal=True).with_columns(came=pl.lit(value=False))
    latest = known_at.rename({"made_at": "known_at"})
    gone = left.join(latest, on=["client_id", "person_id", "plan_type"], how="left")
    gone = gone.with_columns(made_at=pl.coalesce("known_at", "made_at")).drop("known_at")
    return pl.concat([came, gone.select(came.columns)])


def groups(now: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Add both sides up by group: people, expected_cents, low, high; billed_people, invoiced_cents, lines.

    Shapes: now as `held_of`; lines has GROUP, people, premium_cents, line.
    """
    ours = now.group_by(GROUP).agg(
        pl.col("plan_type").first(),
        people=pl.len().cast(pl.Int64),
        unpriced=pl.col("expected_cents").is_null().sum().cast(pl.Int64),
        expected_cents=pl.col("expected_cents").sum(),
        low=pl.col("expected_cents").min(),
        high=pl.col("expected_cents").max(),
    )
    theirs = lines.group_by(GROUP).agg(
        billed_people=pl.col("people").sum().cast(pl.Int64),
        invoiced_cents=pl.col("premium_cents").sum(),
        lines=pl.col("line").sort().cast(pl.String).str.join(", "),
    )
    both = ours.join(theirs, on=GROUP, how="full", coalesce=True, nulls_equal=True)
    numbers = ("people", "unpriced", "expected_cents", "billed_people", "invoiced_cents")
    return both.with_columns(pl.col(numbers).fill_null(0), lines=pl.col("lines").fill_null(""))


def compare_counts(
    sums: pl.DataFrame, perhaps: pl.DataFrame, numbers: dict[int, str], settings: Settings
) -> pl.DataFrame:
    """Say what differs in each group, as FOUND: the number of people, and beside it the price.

    Shapes:  sums as `groups`, perhaps as `candidates`; numbers: of employees, by person.
    Missing: a price that is not known makes the whole difference of its group unexplained.
    """
    rows = sums.with_columns(more=pl.col("billed_people") - pl.col("people"))
    rows = _with_candidates(rows, perhaps, numbers)
    extra = pl.col("more") != 0
    each = _each()
    is_named = extra & (pl.col("candidates") == pl.col("more").abs())
    by_count = (
        pl.when(~extra)
        .then(0)
        .when(is_named)
        .then(pl.col("more").sign() * pl.col("candidate_cents"))
        .otherwise(pl.col("more") * each)
    )
    known = pl.col("unpriced") == 0
    rows = rows.with_columns(count_cents=pl.when(known).then(by_count).fill_null(0), is_named=is_named)
    whole = pl.col("invoiced_cents") - pl.col("expected_cents")
    rows = rows.with_columns(rest_cents=whole - pl.col("count_cents"))
    late = (pl.col("first_known_at") > settings.cutoff_at).fill_null(value=False) & pl.col("is_named")
    counted = rows.filter(extra & known).with_columns(
        code=pl.lit(COUNT),
        difference_cents="count_cents",
        is_timing=late,
        note=pl.when(pl.col("who") != "").then(pl.lit("perhaps ") + pl.col("who")).otherwise(pl.lit("")),
        told_expected=pl.format("{} people", "people"),
        told_found=pl.format("{} people", "billed_people"),
    )
    return pl.concat([_conform(one, settings) for one in (counted, _of_rest(rows, settings))])


def _each() -> pl.Expr:
    """The price of one in a group: ours; where nobody is expected, what is billed of each."""
    ours = money.divide_half_up(pl.col("expected_cents"), pl.max_horizontal("people", pl.lit(1)))
    theirs = money.divide_half_up(pl.col("invoiced_cents"), pl.max_horizontal("billed_people", pl.lit(1)))
    return pl.when(pl.col("people") > 0).then(ours).otherwise(theirs)


def _with_candidates(rows: pl.DataFrame, perhaps: pl.DataFrame, numbers: dict[int, str]) -> pl.DataFrame:
    """Add candidates, candidate_cents, first_known_at, who: of those who make a group larger or smaller."""
    named = perhaps.with_columns(
        number=pl.col("person_id").replace_strict(numbers, default="", return_dtype=pl.String),
        day=pl.col("made_at").dt.date().cast(pl.String),
    )
    told = pl.format("{} (known {})", "number", pl.col("day").fill_null("-"))
    sums = (
        named.with_columns(told=told)
        .sort("made_at", "number", descending=[True, False])
        .group_by(*GROUP, "came", maintain_order=True)
        .agg(
            candidates=pl.len().cast(pl.Int64),
            candidate_cents=money.total(pl.col("expected_cents")),
            first_known_at=pl.col("made_at").min(),
            who=pl.col("told").head(NAMED).str.join(", "),
        )
    )
    # billed fewer than we have: who came; billed more: who left
    rows = rows.with_columns(came=pl.col("more") < 0)
    found = rows.join(sums, on=[*GROUP, "came"], how="left", nulls_equal=True)
    return found.with_columns(pl.col("candidates").fill_null(0), pl.col("who").fill_null(""))


def _of_rest(rows: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """What another number of people does not explain: another price, rounding, or nothing known."""
    rest = pl.col("rest_cents")
    slack = settings.rounding_cents * pl.max_horizontal("people", "billed_people")
    is_sure = (pl.col("more") == 0) | pl.col("is_named") | (pl.col("low") == pl.col("high"))
    code = (
        pl.when(pl.col("unpriced") > 0)
        .then(pl.lit("UNEXPLAINED"))
        .when(rest.abs() <= slack)
        .then(pl.lit(ROUNDING))
        .when(is_sure.fill_null(value=False))
        .then(pl.lit(RATE))
        .otherwise(pl.lit("UNEXPLAINED"))
    )
    each = money.divide_half_up(pl.col("invoiced_cents"), pl.max_horizontal("billed_people", pl.lit(1)))
    return rows.filter(rest != 0).with_columns(
        code=code,
        difference_cents=rest,
        is_timing=pl.lit(value=False),
        note=pl.when(pl.col("unpriced") > 0)
        .then(pl.format("{} people cannot be priced", "unpriced"))
        .when(pl.col("billed_people") > 0)
        .then(pl.format("billed {} cents each", each))
        .otherwise(pl.lit("")),
    )


def of_corrections(lines: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Answer corrections of past months on a summary bill, which nobody of ours stands behind, as FOUND."""
    sums = lines.group_by(*GROUP, "month").agg(
        pl.col("plan_type").first(),
        invoiced_cents=pl.col("premium_cents").sum(),
        lines=pl.col("line").sort().cast(pl.String).str.join(", "),
    )
    rows = sums.with_columns(
        code=pl.lit("RETRO_UNEXPECTED"),
        expected_cents=pl.lit(0, pl.Int64),
        difference_cents="invoiced_cents",
        is_timing=pl.lit(value=False),
        note=pl.lit("a summary bill names nobody"),
        own_month=pl.coalesce("month", pl.lit(settings.month)),
    )
    return _conform(rows, settings).with_columns(month=rows["own_month"])


def _conform(rows: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Give rows the form of FOUND; each is known by its group, month and cause."""
    month = pl.col("month") if "month" in rows.columns else pl.lit(settings.month)
    tier = pl.col("coverage_code_id").fill_null(0)
    told = rows.with_columns(month=month.fill_null(settings.month)).with_columns(
        key=pl.format(
            "G|{}|{}|{}|{}|{}", "client_id", "plan_id", tier, pl.col("month").cast(pl.String), "code"
        ),
        billed_code_id="coverage_code_id",
        invoiced_cents=pl.col("expected_cents") + pl.col("difference_cents"),
    )
    blank = [pl.lit(None, kind).alias(name) for name, kind in FOUND.items() if name not in told.columns]
    return told.with_columns(blank).select(pl.col(name).cast(kind) for name, kind in FOUND.items())
