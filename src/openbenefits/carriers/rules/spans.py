"""From change points to spans of members: who is covered in which line by which plan, and why.

A span lasts until the next change point of its owner, plan type and slot. Points that begin after the last
day a partner wants to know of are left out with all they change: until then, what went before goes on.
"""

from datetime import date, timedelta

import polars as pl

from openbenefits.carriers.rules.views import ACTIVE, COBRA, LINE
from openbenefits.core.codes import COVERED_KINDS, PERSON_KINDS, Basis

OWNER = ("client_id", "person_id", "benefit_record")
SERIES = (*OWNER, "plan_type", "slot")
BY = ("schedule_id", "event_number")
EMPLOYEE = 0
DAY = timedelta(days=1)
COVERED = [str(kind) for kind in COVERED_KINDS]

SPANS = (
    *SERIES,
    *("begins_on", "version", "ends_on", "option_id", "plan", "tier", "covers_employee", "amount_cents"),
    *("basis", *BY, "end_schedule_id", "end_event_number", "end_kind"),
)
"""A span of an owner: from one change point to the next. end_*: what ends it; null while it goes on."""


def owner_spans(points: pl.DataFrame, options: pl.DataFrame, *, through: date | None) -> pl.DataFrame:
    """Cut the timelines of owners into spans of our options, as SPANS.

    Shapes:  points as change points that hold; options has option_id, valid_from, valid_until (null: for
             good), plan, tier, covers_employee: what an option stands for on which days.
    """
    known = points if through is None else points.filter(pl.col("begins_on") <= through)
    rows = known.sort(*SERIES, "begins_on").with_columns(
        until=pl.col("begins_on").shift(-1).over(SERIES),
        end_kind=pl.col("kind").shift(-1).over(SERIES),
        end_schedule_id=pl.col("schedule_id").shift(-1).over(SERIES),
        end_event_number=pl.col("event_number").shift(-1).over(SERIES),
    )
    held = rows.filter(pl.col("kind").is_in(COVERED)).join(options, on="option_id")
    is_cut = (pl.col("until") > pl.col("valid_until")).fill_null(value=False) | (
        pl.col("until").is_null() & pl.col("valid_until").is_not_null()
    )
    later = pl.col("valid_from") > pl.col("begins_on")
    held = held.with_columns(
        point_on="begins_on",
        ends_on=pl.when(is_cut).then(pl.col("valid_until") - DAY).otherwise(pl.col("until") - DAY),
        end_kind=pl.when(~is_cut).then("end_kind"),
        begins_on=pl.when(later.fill_null(value=False)).then("valid_from").otherwise("begins_on"),
        basis=pl.when(pl.col("basis") == str(Basis.CONTINUATION))
        .then(pl.lit(COBRA))
        .otherwise(pl.lit(ACTIVE)),
        amount_cents=pl.coalesce("coverage_cents", "pledge_cents"),
    )
    held = held.filter((pl.col("ends_on") >= pl.col("begins_on")).fill_null(value=True))
    return held.select(*SPANS, "point_on")


def member_spans(spans: pl.DataFrame, covered: pl.DataFrame) -> pl.DataFrame:
    """Give each member his own spans: SPANS and dependent_id (0: the employee).

    Shapes: covered has SERIES, begins_on and version of the point, dependent_id. What a second slot covers
            beside covers dependents only: the employee is told once.
    """
    own = spans.filter("covers_employee", pl.col("slot") == 0).with_columns(
        dependent_id=pl.lit(EMPLOYEE, dtype=pl.Int64)
    )
    key = [*SERIES, "point_on", "version"]
    named = covered.rename({"begins_on": "point_on"}).select(*key, "dependent_id")
    theirs = spans.join(named, on=key)
    return pl.concat([own, theirs.select(own.columns)])


def continued_members(
    continued: pl.DataFrame, active: pl.DataFrame, single: str | None, *, on: date | None
) -> pl.DataFrame:
    """Answer what is covered under continuation, by the plan each beneficiary lost: as `member_spans`.

    Shapes:  continued has OWNER, plan_type, dependent_id, span_from, span_until; active as `member_spans`,
             with ends_by. single: the coverage code of somebody alone. on: what is paid through a later day
             is no end yet; None: it is.
    Adds is_alone: a dependent whose employee does not continue is told as a subscriber himself.
    """
    key = [*OWNER, "plan_type", "dependent_id"]
    lost = active.filter(pl.col("ends_on").is_not_null() & (pl.col("basis") == ACTIVE))
    asked = continued.select(*key, "span_from", "span_until").with_row_index("continuation")
    pairs = asked.join(lost, on=key).filter(pl.col("ends_on") < pl.col("span_from"))
    last = pairs.sort("continuation", "ends_on").unique("continuation", keep="last")
    own = asked.filter(dependent_id=EMPLOYEE).select(
        *OWNER, "plan_type", own_from="span_from", own_until="span_until"
    )
    with_own = last.join(own, on=[*OWNER, "plan_type"]).filter(
        (pl.col("own_from") <= pl.col("span_from")) & (pl.col("span_from") < pl.col("own_until"))
    )
    rows = last.join(
        with_own.select("continuation").unique().with_columns(has_own=pl.lit(value=True)),
        on="continuation",
        how="left",
    )
    far = date(9999, 12, 31)
    is_alone = (pl.col("dependent_id") != EMPLOYEE) & pl.col("has_own").is_null()
    return rows.with_columns(
        is_alone=is_alone,
        begins_on="span_from",
        ends_on=pl.when(pl.col("span_until") <= (far if on is None else on), pl.col("span_until") < far).then(
            pl.col("span_until") - DAY
        ),
        basis=pl.lit(COBRA),
        tier=pl.when(is_alone).then(pl.lit(single)).otherwise("tier"),
        begins_by="ends_by",
        schedule_id="end_schedule_id",
        event_number="end_event_number",
    ).with_columns(
        ends_by=pl.when(pl.col("ends_on").is_not_null()).then(pl.lit("unpaid")),
        end_schedule_id=pl.lit(None, dtype=pl.Int32),
        end_event_number=pl.lit(None, dtype=pl.Int32),
    )


def with_family_tiers(continued: pl.DataFrame, kinds: pl.DataFrame, codes: pl.DataFrame) -> pl.DataFrame:
    """Give a family of which only a part continues the tier that fits who does, from day to day.

    Shapes:  continued as `continued_members`; kinds has dependent_id and kind (of core.codes.PERSON_KINDS);
             codes has plan, tier, covers_employee, KIND_min and KIND_max of what is offered.
    Where no tier fits, that of the lost coverage stays.
    """
    rows = continued.with_row_index("row").join(kinds, on="dependent_id", how="left")
    families = rows.filter(~pl.col("is_alone"))
    days = _cut(families, [*OWNER, "plan_type"])
    family = [*OWNER, "plan_type", "edge", "plan"]
    counted = [(pl.col("kind") == kind).sum().alias(kind) for kind in PERSON_KINDS]
    sizes = days.group_by(family).agg(*counted, lost=pl.col("tier").first())
    fits = pl.all_horizontal(
        pl.col(kind).is_between(pl.col(f"{kind}_min"), pl.col(f"{kind}_max")) for kind in PERSON_KINDS
    )
    fitting = sizes.join(codes.filter("covers_employee"), on="plan").filter(fits)
    rank = [pl.col("tier") != pl.col("lost"), pl.sum_horizontal(f"{kind}_max" for kind in PERSON_KINDS)]
    best = fitting.sort(*rank, "tier").unique(family, keep="first", maintain_order=True)
    named = days.join(best.select(*family, fit="tier"), on=family, how="left")
    named = named.with_columns(tier=pl.coalesce("fit", "tier"))
    columns = continued.columns
    return pl.concat([named.select(columns), rows.filter("is_alone").select(columns)])


def with_those_who_continue(
    told: pl.DataFrame, rows: pl.DataFrame, options: pl.DataFrame, codes: pl.DataFrame
) -> pl.DataFrame:
    """Say of subscribers who continue in which option they do, and with which dependents: as_option, covered.

    Shapes:  told are the rows of subscribers among `rows`, the spans of everybody, with subscriber, member;
             options has program_id, plan_type, plan_id, coverage_code_id, option_id; codes has
             coverage_code_id and code.
    Missing: both null for who is covered as active; as_option where the program has no option of that tier.
    """
    continues = pl.col("basis") == COBRA
    family = ["subscriber", "plan_type", "begins_on"]
    others = rows.filter(continues, pl.col("subscriber") != pl.col("member"))
    own = told.filter(continues, "is_alone").select(*family, "dependent_id")
    named = pl.concat([others.select(*family, "dependent_id"), own])
    covered = named.group_by(family).agg(covered=pl.col("dependent_id").sort())
    offer = ["program_id", "plan_type", "plan_id"]
    tiers = options.select(*offer, "coverage_code_id", "option_id").unique()
    named_codes = codes.select("coverage_code_id", tier="code").unique()
    tiers = tiers.join(named_codes, on="coverage_code_id", how="left")
    lost = tiers.select(*offer, lost="option_id").unique()
    fits = lost.join(tiers, on=offer).select("plan_type", "lost", "tier", as_option="option_id")
    fits = fits.unique(["plan_type", "lost", "tier"], keep="first", maintain_order=True)
    found = told.join(covered, on=family, how="left", maintain_order="left").join(
        fits,
        left_on=["plan_type", "option_id", "tier"],
        right_on=["plan_type", "lost", "tier"],
        nulls_equal=True,
        how="left",
        maintain_order="left",
    )
    nobody = pl.col("covered").fill_null([])
    return found.with_columns(
        as_option=pl.when(continues).then("as_option"), covered=pl.when(continues).then(nobody)
    )


def _cut(rows: pl.DataFrame, over: list[str]) -> pl.DataFrame:
    """Cut spans at every day on which one of the same `over` begins or has ended: `edge` begins a part."""
    begins, ends = rows.select(*over, edge="begins_on"), rows.select(*over, edge=pl.col("ends_on") + DAY)
    edges = pl.concat([begins, ends])
    parts = edges.drop_nulls("edge").unique().sort(*over, "edge")
    parts = parts.with_columns(next_edge=pl.col("edge").shift(-1).over(over))
    is_within = (pl.col("begins_on") <= pl.col("edge")) & (
        pl.col("ends_on").is_null() | (pl.col("edge") <= pl.col("ends_on"))
    )
    pairs = rows.join(parts, on=over).filter(is_within)
    return pairs.with_columns(begins_on="edge", ends_on=pl.col("next_edge") - DAY)


def one_a_day(rows: pl.DataFrame, rank: str) -> pl.DataFrame:
    """Leave of the spans of a member's line one for each day: that of the lowest rank.

    Shapes: rows has LINE, begins_on, ends_on and `rank`; who has one rank in a line is left as is.
    """
    several = rows.group_by(LINE).agg(ranks=pl.col(rank).n_unique()).filter(pl.col("ranks") > 1).select(LINE)
    if several.is_empty():
        return rows
    mixed = rows.join(several, on=list(LINE), how="semi")
    pairs = _cut(mixed, list(LINE))
    kept = pairs.sort(*LINE, "edge", rank).unique([*LINE, "edge"], keep="first", maintain_order=True)
    cut = kept.select(rows.columns)
    rest = rows.join(several, on=list(LINE), how="anti")
    return pl.concat([rest, cut]).sort(*LINE, "begins_on")
