"""How eligibility was decided, criterion by criterion: the debugging view (docs/rules.md §2.10).

It reads the words that decided, and decides nothing itself. Each program that holds, and each option of the
program assigned, is shown by its rule, its service area, and what a person decided in place of both.
"""

import polars as pl

from openbenefits.eligibility.facts import measured
from openbenefits.eligibility.jobs import job_fact, selected
from openbenefits.eligibility.rules import Eligibility
from openbenefits.programs.criteria import Variant
from openbenefits.programs.fields import (
    CRITERIA,
    GEOGRAPHY_FIELD,
    LIST_FIELDS,
    PERSON_FIELDS,
    SUMMED_FIELDS,
)
from openbenefits.programs.links import MOST_GROUPS
from openbenefits.programs.rulebook import Rulebook

OUTCOMES = {
    "E": "eligible",
    "EO": "eligible by override",
    "I": "ineligible",
    "IO": "ineligible by override",
    "IS": "eligible, by the sum over jobs",
    "NE": "not evaluated",
    "NL": "not in list",
    "?": "undecided",
}
"""The codes of the view (event-processing §17); `?` is our own: a value is missing, or no version holds."""

MET = ("E", "IS")
"""The codes of a criterion that is met."""

OF_RULE, OF_AREA, OF_OVERRIDE = "rule", "service area", "override"

OUTCOME_COLUMNS = {
    "case": pl.Int32,
    "program_id": pl.Int32,
    "used_by": pl.String,
    "part": pl.String,
    "rule_id": pl.Int32,
    "geography_id": pl.Int32,
    "rule": pl.String,
    "criterion": pl.String,
    "link": pl.String,
    "jobs": pl.String,
    "evaluation": pl.String,
    "values": pl.String,
    "code": pl.String,
    "result": pl.String,
    "decision": pl.String,
}

_USE = ["case", "program_id", "used_by", "rule_id", "geography_id", "is_ruled", "said"]
_PLACE = ["number", "part_order", "line"]
_RULE = ["client_id", "rule_id", "valid_from"]
_JOBS = {"primary": "primary", "flagged": "flagged", "all_flagged": "all flagged"}


def outcomes(
    cases: pl.DataFrame,
    eligibility: Eligibility,
    jobs: pl.DataFrame,
    overrides: pl.DataFrame,
    rulebook: Rulebook,
    *,
    with_unused: bool = False,
) -> pl.DataFrame:
    """List how each criterion came out, for every case and whatever a rule or service area decides about.

    Shapes:  cases as `assign_programs` answers them; jobs and overrides as in a situation. One row per case,
             use (`used_by`: the program, or the options that share rule and area) and criterion, as
             OUTCOME_COLUMNS. link: AND, or OR and the number of the group of which one suffices. result: of
             the rule, or of the area; decision: about the use, EO and IO where a person decided.
    Missing: what nobody knows is `?`. What is open to everybody has no rows; a household that a coverage
             code demands is no part of this.
    """
    uses = _uses(cases, overrides, rulebook)
    ruled = _rule_lines(uses, cases, eligibility, rulebook, with_unused=with_unused)
    ruled = _with_values(ruled, cases, jobs, rulebook)
    areas = _area_lines(uses, cases, rulebook)
    lines = pl.concat([ruled, areas, _override_lines(uses)], how="diagonal_relaxed")
    verdicts = pl.concat([ruled, areas], how="diagonal_relaxed").group_by("number").agg(decided=_all_of())
    lines = lines.join(verdicts, on="number", how="left").with_columns(
        decision=pl.coalesce(_overridden(), "decided")
    )
    return lines.sort(_PLACE).select(pl.col(name).cast(kind) for name, kind in OUTCOME_COLUMNS.items())


def _all_of() -> pl.Expr:
    """What several results come to together: one that fails decides, else one that is open."""
    result = pl.col("result")
    return (
        pl.when((result == "I").any())
        .then(pl.lit("I"))
        .when((result == "?").any())
        .then(pl.lit("?"))
        .otherwise(pl.lit("E"))
    )


def _overridden() -> pl.Expr:
    return pl.when("is_ruled").then(pl.lit("EO")).when(~pl.col("is_ruled")).then(pl.lit("IO"))


# --- what rules are used for ------------------------------------------------------------------------------


def _uses(cases: pl.DataFrame, overrides: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Number what is decided about: programs, and options alike in rule, area and override, together."""
    columns = ["case", "program_id", "option_id", "option", "program", "rule_id", "geography_id"]
    rows = pl.concat(
        [_programs(cases, rulebook).select(columns), _options(cases, rulebook).select(columns)],
        how="vertical_relaxed",
    )
    said = overrides.select(
        *("case", "program_id", "option_id"),
        is_ruled="is_eligible",
        said=pl.format("{}: {}", "author", "reason"),
    )
    rows = rows.join(
        said, on=["case", "program_id", "option_id"], how="left", nulls_equal=True, maintain_order="left"
    )
    rows = rows.filter(pl.any_horizontal(pl.col("rule_id", "geography_id", "is_ruled").is_not_null()))
    alike = ["case", "program_id", "program", "is_option", "rule_id", "geography_id", "is_ruled", "said"]
    together = (
        rows.with_columns(is_option=pl.col("option_id").is_not_null())
        .group_by(alike, maintain_order=True)
        .agg(options=pl.col("option").str.join(", "))
    )
    named = (
        pl.when("is_option")
        .then(pl.format("{}: {}", "program", "options"))
        .otherwise(pl.format("program {}", "program"))
    )
    return (
        together.with_columns(used_by=named)
        .select(_USE)
        .sort("case", maintain_order=True)
        .with_row_index("number")
    )


def _programs(cases: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """The active programs that hold on the event date."""
    programs = rulebook.programs.filter("is_active").select(
        *("client_id", "program_row", "program_id", "rule_id", "geography_id", "valid_from", "valid_to"),
        program="code",
        option=pl.lit(None, pl.String),
        option_id=pl.lit(None, pl.Int32),
    )
    pairs = cases.select("case", "client_id", "event_on").join(programs, on="client_id")
    holding = (pl.col("valid_from") <= pl.col("event_on")) & (pl.col("event_on") < pl.col("valid_to"))
    return pairs.filter(holding).sort("case", "program_row")


def _options(cases: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """The options of the program assigned."""
    programs = rulebook.programs.select("program_row", program="code")
    places = rulebook.plan_rows.select("plan_row", "program_row", "program_id").join(
        programs, on="program_row"
    )
    options = rulebook.options.select(
        *("option_row", "plan_row", "option_id", "rule_id", "geography_id"),
        option=pl.format("{}/{}", "plan_type", "code"),
    ).join(places, on="plan_row")
    assigned = cases.select("case", "program_row").drop_nulls()
    return assigned.join(options, on="program_row").sort("case", "option_row")


# --- rules --------------------------------------------------------------------------------------------------


def _rule_lines(
    uses: pl.DataFrame,
    cases: pl.DataFrame,
    eligibility: Eligibility,
    rulebook: Rulebook,
    *,
    with_unused: bool,
) -> pl.DataFrame:
    """Give each use the criteria of its rule; a rule that does not hold yet has one line that says so."""
    of_case = uses.filter(pl.col("rule_id").is_not_null()).join(
        cases.select("case", "profile"), on="case", maintain_order="left"
    )
    named = rulebook.rules.select("rule_id", rule="code").unique("rule_id")
    of_case = of_case.join(named, on="rule_id", how="left", maintain_order="left")
    decided = _decided(eligibility, rulebook, with_unused=with_unused)
    found = of_case.join(decided, on=["profile", "rule_id"], how="left", maintain_order="left")
    open_ = pl.col("result").is_null()
    return found.with_columns(
        part=pl.lit(OF_RULE),
        part_order=pl.lit(1),
        code=pl.when(open_).then(pl.lit("?")).otherwise(pl.coalesce("code", "result")),
        result=pl.col("result").fill_null("?"),
        of_rule=pl.when(open_)
        .then(pl.lit("the rule does not hold on the event date"))
        .when(pl.col("code").is_null())
        .then(pl.lit("the rule asks for nothing")),
    )


def _decided(eligibility: Eligibility, rulebook: Rulebook, *, with_unused: bool) -> pl.DataFrame:
    """Give the code of each criterion of each rule, per profile, and the result of the rule."""
    words = ("failed", "unknown", "criteria_failed", "criteria_unknown")
    rules = eligibility.rules.select("profile", "rule_id", "valid_from", *words)
    lines = rules.join(_criteria(rulebook), on=["rule_id", "valid_from"])
    bit = pl.col("bit")
    is_unknown = (pl.col("criteria_unknown") & bit) != 0
    is_failed = (pl.col("criteria_failed") & bit) != 0
    code = (
        pl.when(is_unknown)
        .then(pl.lit("?"))
        .when(is_failed & pl.col("is_listed") & ~pl.col("is_excluding"))
        .then(pl.lit("NL"))
        .when(is_failed)
        .then(pl.lit("I"))
        .when("is_summed")
        .then(pl.lit("IS"))
        .otherwise(pl.lit("E"))
    )
    columns = ["profile", "rule_id", "line", "variant", "criterion", "link", "jobs", "evaluation", "code"]
    lines = lines.with_columns(code=code).select(columns)
    if with_unused:
        lines = pl.concat([lines, _unused(rules, lines)], how="diagonal_relaxed")
    result = (
        pl.when(pl.col("failed") != 0)
        .then(pl.lit("I"))
        .when(pl.col("unknown") != 0)
        .then(pl.lit("?"))
        .otherwise(pl.lit("E"))
    )
    return rules.select("profile", "rule_id", result=result).join(
        lines, on=["profile", "rule_id"], how="left"
    )


def _criteria(rulebook: Rulebook) -> pl.DataFrame:
    """List the criteria of the rules, a row each, with how they look at what."""
    rules = rulebook.rules
    parts = [
        rules.filter(pl.col(f"{one.key}_out").is_not_null()).select(
            *_RULE,
            is_excluding=pl.col(f"{one.key}_out"),
            line=pl.lit(CRITERIA.index(one.field)),
            variant=pl.lit(number),
            bit=pl.lit(one.bit, pl.Int64),
            is_listed=pl.lit(one.field in LIST_FIELDS),
            is_summed=pl.lit(one.is_summed),
            criterion=pl.lit(_criterion(one)),
            jobs=pl.lit(_jobs(one)),
            evaluation=pl.lit(one.evaluation if one.is_of_jobs else ""),
            link=_link(rules, one),
        )
        for number, one in enumerate(rulebook.variants)
    ]
    nothing = pl.DataFrame(
        schema={
            **{name: rules.schema[name] for name in _RULE},
            **dict.fromkeys(("is_excluding", "is_listed", "is_summed"), pl.Boolean),
            **dict.fromkeys(("line", "variant"), pl.Int32),
            "bit": pl.Int64,
            **dict.fromkeys(("criterion", "jobs", "evaluation", "link"), pl.String),
        }
    )
    return pl.concat([nothing, *parts], how="diagonal_relaxed")


def _unused(rules: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """The fields that a rule does not look at."""
    fields = pl.DataFrame(
        {"line": range(len(CRITERIA)), "criterion": CRITERIA}, schema_overrides={"line": pl.Int32}
    )
    every = rules.select("profile", "rule_id").join(fields, how="cross")
    rest = every.join(lines, on=["profile", "rule_id", "line"], how="anti")
    return rest.with_columns(code=pl.lit("NE"))


def _criterion(variant: Variant) -> str:
    """Name the field, and the day it is counted on where that is not the event date."""
    day = "" if variant.as_of == "event_date" else f" on {variant.as_of_day} of {variant.as_of}"
    return f"{variant.field}{day}"


def _jobs(variant: Variant) -> str:
    """Say which jobs are looked at; nothing of what is the same whatever the job."""
    if variant.field in PERSON_FIELDS:
        return ""
    return f"{_JOBS[variant.jobs]}{', active' if variant.is_active_only else ''}"


def _link(rules: pl.DataFrame, variant: Variant) -> pl.Expr:
    """AND: needed by itself; OR 1: one of the first group of which one suffices."""
    link: pl.Expr = pl.lit("AND")
    for group in range(1, MOST_GROUPS + 1) if "any_1" in rules.columns else ():
        is_member = (pl.col(f"any_{group}") & variant.bit) != 0
        link = pl.when(is_member).then(pl.lit(f"OR {group}")).otherwise(link)
    return link


# --- what was looked at -------------------------------------------------------------------------------------


def _with_values(
    lines: pl.DataFrame, cases: pl.DataFrame, jobs: pl.DataFrame, rulebook: Rulebook
) -> pl.DataFrame:
    """Add what each criterion looked at: its value, or that of each job, with the status of the job."""
    schema = {"case": pl.Int32, "variant": pl.Int32, "values": pl.String}
    found = [pl.DataFrame(schema=schema)]
    for number, one in enumerate(rulebook.variants):
        values = _job_values(cases, jobs, one) if one.is_of_jobs else _own_values(cases, one)
        found.append(values.select("case", pl.lit(number, pl.Int32).alias("variant"), "values"))
    values = pl.concat(found)
    lines = lines.with_columns(pl.col("variant").cast(pl.Int32))
    joined = lines.join(values, on=["case", "variant"], how="left", maintain_order="left")
    return joined.with_columns(values=pl.coalesce("values", "of_rule"))


def _own_values(cases: pl.DataFrame, variant: Variant) -> pl.DataFrame:
    value = pl.col("zip") if variant.field == GEOGRAPHY_FIELD else measured(variant)
    text = _written(value, variant.field)
    told = text if variant.field in PERSON_FIELDS else pl.format("{} ({})", text, _status())
    return cases.select("case", values=told)


def _job_values(cases: pl.DataFrame, jobs: pl.DataFrame, variant: Variant) -> pl.DataFrame:
    told = pl.format("{} ({})", _written(job_fact(variant), variant.field), _status())
    listed = selected(jobs, variant).sort("case", "job_number").select("case", told.alias("values"))
    joined = listed.group_by("case", maintain_order=True).agg(pl.col("values").str.join(", "))
    found = cases.select("case").join(joined, on="case", how="left", maintain_order="left")
    return found.with_columns(pl.col("values").fill_null("no such job"))


def _status() -> pl.Expr:
    return pl.col("job_status").fill_null("?")


def _written(value: pl.Expr, field: str) -> pl.Expr:
    """Write a value: hours and dollars with their hundredths, a zip with five digits; `?` where missing."""
    if field in SUMMED_FIELDS:
        cents = (value % 100).cast(pl.String).str.zfill(2)
        text = pl.format("{}.{}", (value // 100).cast(pl.String), cents)
    elif field == GEOGRAPHY_FIELD:
        text = value.cast(pl.String).str.zfill(5)
    else:
        text = value.cast(pl.String)
    return pl.when(value.is_not_null()).then(text).otherwise(pl.lit("?"))


# --- service areas and overrides --------------------------------------------------------------------------


def _area_lines(uses: pl.DataFrame, cases: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Give each use with a service area one line."""
    facts = cases.select("case", "client_id", "zip", "geographies_met")
    rows = uses.filter(pl.col("geography_id").is_not_null()).join(facts, on="case", maintain_order="left")
    rows = rows.join(rulebook.geographies, on=["client_id", "geography_id"], maintain_order="left")
    bit = pl.col("geography_bit")
    lives_there = (pl.col("geographies_met") & bit) == bit
    code = pl.when(lives_there).then(pl.lit("E")).when(~lives_there).then(pl.lit("I")).otherwise(pl.lit("?"))
    return rows.select(
        *("number", *_USE),
        part=pl.lit(OF_AREA),
        part_order=pl.lit(2),
        line=pl.lit(0),
        criterion=pl.lit(GEOGRAPHY_FIELD),
        link=pl.lit("AND"),
        jobs=pl.lit(""),
        evaluation=pl.lit(""),
        values=_written(pl.col("zip"), GEOGRAPHY_FIELD),
        code=code,
        result=code,
    )


def _override_lines(uses: pl.DataFrame) -> pl.DataFrame:
    """Give each use about which a person decided one line: who, and why."""
    return uses.filter(pl.col("is_ruled").is_not_null()).with_columns(
        part=pl.lit(OF_OVERRIDE),
        part_order=pl.lit(3),
        line=pl.lit(0),
        values="said",
        code=_overridden(),
        result=_overridden(),
    )
