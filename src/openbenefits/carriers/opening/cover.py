"""Lines of coverage as rows of a take-over: one for each day from which something else holds for a family."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from openbenefits.carriers.opening.continued import as_lost, going_on, with_continuation, with_losses
from openbenefits.carriers.opening.families import ENDS, Families
from openbenefits.carriers.opening.mapping import Mapping
from openbenefits.carriers.opening.meanings import COUNTED, KINDS, Meanings
from openbenefits.carriers.opening.stated import LEFT, NOTED, Stated, findings
from openbenefits.core.codes import PersonType

DAY = timedelta(days=1)
SERIES = ["family", "plan_type"]
POINT = [*SERIES, "begins_on"]
WORDS = {
    "spouse": PersonType.SPOUSE,
    "domestic_partner": PersonType.DOMESTIC_PARTNER,
    "same_sex_spouse": PersonType.SAME_SEX_SPOUSE,
    "child": PersonType.CHILD,
    "adult_child": PersonType.ADULT_CHILD,
    "other": PersonType.OTHER_QUALIFIED,
    "non_qualified": PersonType.NON_QUALIFIED,
    "former_spouse": PersonType.EX_SPOUSE,
}
"""What a person is, in words of a census, as a person type."""


@dataclass(frozen=True, kw_only=True)
class Cover:
    """Coverage in force.

    Shapes: points has family, plan_type, begins_on, row (the first line it stands on), is_waived, program,
            option, coverage_code, amount_cents, members (rows of the dependents covered). continued has
            family, plan_type, row, member (the person's row; null: the employee), begins_on (the first day
            under COBRA), through_on (the last; null: not told). codes has insurance, plan, tier, lines,
            plan_type, ours (candidates, listed).
    """

    points: pl.DataFrame
    continued: pl.DataFrame
    codes: pl.DataFrame
    findings: pl.DataFrame


def cover_of(
    stated: Stated, families: Families, meanings: Meanings, mapping: Mapping, programs: pl.DataFrame, on: date
) -> Cover:
    """Find what holds for each family and plan type from which day on, and what has no meaning here.

    Shapes: programs has family and program (null: nobody said which).
    """
    lines = _lines(stated, families, mapping)
    codes = _codes(lines, meanings)
    held, found = _in_force(with_losses(lines), on)
    placed, unknown = _placed(held, meanings)
    points, doubled = _points(as_lost(placed))
    chosen, unclear = _chosen(points, meanings, mapping, programs)
    continued, told = going_on(placed)
    return Cover(
        points=_changed(chosen),
        continued=continued,
        codes=codes,
        findings=pl.concat([found, unknown, doubled, unclear, told]),
    )


def _lines(stated: Stated, families: Families, mapping: Mapping) -> pl.DataFrame:
    """Give each line its family and person; ends are the last day covered."""
    places = families.of_row.select("is_continued", member="row", family="family", who="member")
    told = ["is_subscriber", "word", "continues_on", "continued_through"]
    people = families.people.select(*told, who="row")
    last = pl.col("ends_on")
    if mapping.end_day == "first_not_covered":
        last = last - DAY
    rows = stated.lines.with_columns(ends_on=last).join(places, on="member", maintain_order="left")
    rows = rows.join(people, on="who", maintain_order="left").filter(pl.col("family").is_not_null())
    rows = with_continuation(rows)
    said = [name for name in rows.columns if name not in ("row", "member")]
    return rows.unique(said, keep="first", maintain_order=True)


def _codes(lines: pl.DataFrame, meanings: Meanings) -> pl.DataFrame:
    """List the codes of a file with what they may mean."""
    code = ["insurance", "plan"]
    options = meanings.offered.select("ours", "plan_type").unique()
    meant = meanings.plans.join(options, on="ours", how="left").group_by(code, maintain_order=True)
    named = meant.agg(
        plan_type=pl.col("plan_type").drop_nulls().unique().sort().str.join(", "),
        ours=pl.col("ours").unique().sort().str.join(", "),
    )
    counted = lines.group_by(*code, "tier").agg(lines=pl.len())
    return counted.join(named, on=code, how="left", nulls_equal=True).sort(*code, "tier", nulls_last=True)


def _in_force(lines: pl.DataFrame, on: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Leave out what is over, never was, or does not say since when it holds."""
    is_void = (pl.col("ends_on") < pl.col("begins_on")).fill_null(value=False)
    is_over = (pl.col("ends_on") < on).fill_null(value=False) & ~is_void
    is_ended = (pl.col("action") == ENDS).fill_null(value=False) & pl.col("ends_on").is_null()
    undated = pl.col("begins_on").is_null() & ~is_over & ~is_ended
    found = [
        findings(
            lines.filter(is_void),
            "never in effect",
            "a line that held for a day",
            "not taken over: it never took effect",
            place="DTP*349",
            level=LEFT,
            found="end before begin",
        ),
        findings(
            lines.filter(is_over | is_ended),
            "line ended",
            f"a line in force on {on} or later",
            "not taken over: it is over",
            place="HD",
            level=LEFT,
            found="ended",
        ),
        findings(
            lines.filter(undated),
            "no begin",
            "the first day covered (DTP*348)",
            "ask the carrier for the day",
            place="DTP*348",
            found="none",
        ),
    ]
    kept = lines.filter(~(is_void | is_over | is_ended | undated))
    return kept, pl.concat(found)


def _placed(lines: pl.DataFrame, meanings: Meanings) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give each line its plan type, by the plans its codes may mean."""
    code = ["insurance", "plan"]
    options = meanings.offered.select("ours", "plan_type").unique()
    meant = meanings.plans.join(options, on="ours", how="left")
    known = meant.group_by(code).agg(
        plan_types=pl.col("plan_type").drop_nulls().unique().sort(), named=pl.col("ours").unique().sort()
    )
    beside = lines.join(known, on=code, how="left", nulls_equal=True, maintain_order="left")
    count = pl.col("plan_types").list.len()
    placed = beside.filter(count == 1).with_columns(plan_type=pl.col("plan_types").list.first())
    return placed.drop("plan_types", "named"), pl.concat(_plan_faults(beside))


def _plan_faults(beside: pl.DataFrame) -> list[pl.DataFrame]:
    """Find lines whose codes mean no plan, none that is offered, or plans of several types."""
    count = pl.col("plan_types").list.len()
    said = pl.format("{} {}", pl.col("insurance").fill_null("-"), pl.col("plan").fill_null("-"))
    none = beside.filter(pl.col("named").is_null())
    not_offered = beside.filter(pl.col("named").is_not_null() & (count == 0))
    several = beside.filter(count > 1)
    return [
        findings(
            none,
            "plan unknown",
            "a plan the mapping knows",
            "say under `plans` of the mapping which plan of ours it is",
            place="HD03, HD04",
            found=said,
        ),
        findings(
            not_offered,
            "plan not offered",
            "a plan some program of the client offers",
            "add an option for it to the set-up, or correct the mapping",
            place="HD03, HD04",
            found=pl.col("named").list.join(", "),
        ),
        findings(
            several,
            "plan of several types",
            "a plan of one plan type",
            "say under `plans` of the mapping which plan of ours it is",
            place="HD03, HD04",
            found=pl.col("plan_types").list.join(", "),
        ),
    ]


def _points(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Find the days from which something else holds, and who is covered from then on.

    Shapes: a row each for POINT: own (rows of the subscriber's lines), members (people covered beside him).
    """
    begins = lines.select(*SERIES, "begins_on")
    ends = lines.filter(pl.col("ends_on").is_not_null()).select(*SERIES, begins_on=pl.col("ends_on") + DAY)
    days = pl.concat([begins, ends]).unique().sort(POINT)
    spans = lines.select(
        *SERIES,
        "row",
        "who",
        "is_subscriber",
        "word",
        "insurance",
        "plan",
        "tier",
        "amount_cents",
        span_from="begins_on",
        span_to="ends_on",
    )
    within = (pl.col("span_from") <= pl.col("begins_on")) & (
        pl.col("span_to").is_null() | (pl.col("span_to") >= pl.col("begins_on"))
    )
    covering = days.join(spans, on=SERIES).filter(within)
    ended = days.join(covering, on=POINT, how="anti")
    twice = covering.filter(pl.len().over(*POINT, "who") > 1).unique("row", maintain_order=True)
    doubled = findings(
        twice,
        "twice covered",
        "one plan of a plan type on a day",
        "ask the carrier which of the two holds",
        place="HD",
        found=pl.format("from {}", "begins_on"),
    )
    points = covering.with_columns(is_waived=pl.lit(value=False))
    over = ended.with_columns(is_waived=pl.lit(value=True))
    return pl.concat([points, over], how="diagonal"), pl.concat([doubled, _ending(over, lines)])


def _ending(ended: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Note coverage that is known to end: it is taken over as declined from the day after."""
    last = lines.filter(pl.col("ends_on").is_not_null(), ~pl.col("is_continued")).select(
        *SERIES, "row", begins_on=pl.col("ends_on") + DAY
    )
    rows = ended.select(POINT).join(last, on=POINT).unique(POINT, keep="first", maintain_order=True)
    return findings(
        rows,
        "will end",
        "coverage without an end",
        "taken over with a waiver from the day after its end",
        place="DTP*349",
        level=NOTED,
        found=pl.format("holds no longer from {}", "begins_on"),
    )


# --- which option -------------------------------------------------------------------------------------------


def _chosen(
    spans: pl.DataFrame,
    meanings: Meanings,
    mapping: Mapping,
    programs: pl.DataFrame,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Choose the option of each point: by plan, program, tier, and who is covered."""
    covered = spans.filter(~pl.col("is_waived"))
    points = _folded(covered).join(programs, on="family", how="left", maintain_order="left")
    mixed = points.filter(pl.col("codes") > 1)
    candidates = _candidates(points.filter(pl.col("codes") == 1), meanings, mapping)
    single = candidates.filter(pl.len().over(POINT) == 1)
    found = [
        findings(
            mixed,
            "two plans in a family",
            "one plan of a plan type for a family",
            "ask the carrier which plan the family has",
            place="HD04",
            found=pl.format("{} plans", "codes"),
        ),
        *_unclear(points.filter(pl.col("codes") == 1), candidates, meanings),
        _misfits(single),
    ]
    waived = spans.filter("is_waived").join(programs, on="family", how="left", maintain_order="left")
    columns = [*POINT, "row", "is_waived", "program", "option", "coverage_code", "amount_cents", "members"]
    chosen = single.with_columns(is_waived=pl.lit(value=False)).select(columns)
    over = waived.with_columns(
        row=pl.lit(None, pl.Int32),
        option=pl.lit(None, pl.String),
        coverage_code=pl.lit(None, pl.String),
        amount_cents=pl.lit(None, pl.Int64),
        members=pl.lit([], pl.List(pl.Int32)),
    )
    over = over.select(columns).join(chosen.select(SERIES).unique(), on=SERIES, how="semi")
    return pl.concat([chosen, over]).sort(POINT), pl.concat(found)


def _folded(covered: pl.DataFrame) -> pl.DataFrame:
    """Fold who is covered from a day on into one row: codes, tier, members, how many of which kind."""
    own = pl.col("is_subscriber")
    kind = pl.col("word").replace_strict(WORDS, default=None, return_dtype=pl.String)
    counted = kind.replace_strict(KINDS, default="nonqualified", return_dtype=pl.String)
    rows = covered.with_columns(counted=pl.when(~own).then(counted)).sort(*POINT, ~own, "row")
    code = pl.struct("insurance", "plan")
    return rows.group_by(POINT, maintain_order=True).agg(
        pl.col("row").first(),
        pl.col("insurance").first(),
        pl.col("plan").first(),
        codes=code.n_unique(),
        tier=pl.coalesce(pl.col("tier").filter(own).first(), pl.col("tier").drop_nulls().first()),
        amount_cents=pl.col("amount_cents").filter(own).first(),
        is_employee_covered=own.any(),
        members=pl.col("who").filter(~own).sort(),
        **{f"n_{name}": (pl.col("counted") == name).sum() for name in COUNTED},
    )


def _candidates(points: pl.DataFrame, meanings: Meanings, mapping: Mapping) -> pl.DataFrame:
    """List the options each point may mean; where some fit who is covered, those only."""
    rows = points.join(meanings.plans, on=["insurance", "plan"], how="inner", nulls_equal=True)
    offered = meanings.offered.rename({"program": "of_program"})
    rows = rows.join(offered, on=["ours", "plan_type"], how="inner")
    rows = rows.filter(pl.col("program").is_null() | (pl.col("program") == pl.col("of_program")))
    rows = rows.filter(pl.col("option_told").is_null() | (pl.col("option_told") == pl.col("option")))
    told = meanings.tiers.with_columns(is_tier=pl.lit(value=True))
    rows = rows.join(told, on=["tier", "coverage_code"], how="left", maintain_order="left")
    is_named = pl.col("tier").is_not_null() & pl.lit(value=bool(mapping.tiers))
    rows = rows.filter(pl.col("coverage_code").is_null() | ~is_named | pl.col("is_tier"))
    fits = pl.col("coverage_code").is_null() | (
        (pl.col("is_employee_covered") == pl.col("covers_employee"))
        & pl.all_horizontal(
            pl.col(f"n_{name}").is_between(pl.col(f"{name}_min"), pl.col(f"{name}_max")) for name in COUNTED
        )
    )
    rows = rows.with_columns(fits=fits.fill_null(value=False))
    return rows.filter(pl.col("fits") | ~pl.col("fits").any().over(POINT)).with_columns(
        program=pl.col("of_program")
    )


def _unclear(points: pl.DataFrame, candidates: pl.DataFrame, meanings: Meanings) -> list[pl.DataFrame]:
    """Find points with no option, and with several."""
    state = candidates.group_by(POINT).agg(
        options=pl.len(),
        programs=pl.col("program").unique().sort(),
        named=pl.col("option").unique().sort(),
    )
    beside = points.join(state, on=POINT, how="left", maintain_order="left")
    tiers = meanings.tiers["tier"].unique()
    none = beside.filter(pl.col("options").is_null())
    no_tier = pl.col("tier").is_not_null() & ~pl.col("tier").is_in(tiers.implode())
    is_tier = no_tier if tiers.len() else pl.lit(value=False)
    return [
        *_several(beside.filter(pl.col("options") > 1)),
        findings(
            none.filter(is_tier),
            "tier unknown",
            "a tier the mapping knows",
            "say under `tiers` of the mapping which coverage codes it may be",
            place="HD05",
            found=pl.col("tier").fill_null("none"),
        ),
        findings(
            none.filter(~is_tier),
            "no option",
            "an option of the plan for that tier in the program",
            "add the option to the set-up, or correct tiers and program of the mapping",
            place="HD04, HD05",
            found=pl.format("tier {}", pl.col("tier").fill_null("none")),
        ),
    ]


def _several(beside: pl.DataFrame) -> list[pl.DataFrame]:
    """Say what would tell the options of a point apart."""
    is_one = pl.col("programs").list.len() == 1
    which, several = beside.filter(~is_one), beside.filter(is_one)
    return [
        findings(
            which,
            "which program",
            "one program that offers the plan",
            "say under `program`, or `program_by` with `programs`, which program people are in",
            place="HD04",
            found=pl.col("programs").list.join(", "),
        ),
        findings(
            several,
            "which option",
            "one option of the plan",
            "say under `plans` of the mapping which option it is, or ask for the tier",
            place="HD04, HD05",
            found=pl.col("named").list.head(8).list.join(", "),
        ),
    ]


def _misfits(single: pl.DataFrame) -> pl.DataFrame:
    """Note tiers that do not fit who is covered: the carrier's word is taken."""
    odd = single.filter(~pl.col("fits"))
    return findings(
        odd,
        "tier does not fit",
        "a tier that fits who is covered",
        "taken over as the carrier says; ask whether dependents are missing",
        place="HD05",
        level=NOTED,
        found=pl.format("tier {}", pl.col("tier").fill_null("none")),
    )


def _changed(points: pl.DataFrame) -> pl.DataFrame:
    """Leave out points that say what the one before them says."""
    ordered = points.sort(POINT)
    said = ["is_waived", "program", "option", "amount_cents", "members"]
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1).over(SERIES)) for name in said)
    return ordered.filter(~same.fill_null(value=False) | (pl.int_range(pl.len()).over(SERIES) == 0))
