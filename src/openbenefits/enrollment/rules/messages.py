"""Message rows of a preparation: who, what was expected, what was found. Never personal data."""

from collections.abc import Mapping
from functools import cache

import polars as pl

from openbenefits.core.codes import ProcessStatus
from openbenefits.core.columns import in_types, joined, with_taken
from openbenefits.core.messages import CATALOGUE
from openbenefits.eligibility.rules import is_undecided
from openbenefits.programs.fields import CRITERIA
from openbenefits.rating.rules.offers import Offers

MESSAGE_SCHEMA = {
    "case": pl.Int32,
    "code": pl.String,
    "plan_type": pl.String,
    "option_id": pl.Int32,
    "dependent_id": pl.Int64,
    "expected": pl.String,
    "found": pl.String,
}

FAULT_CODES = {
    "birth": "BA1213",
    "area": "BA1212",
    "rate": "BA1202",
    "coverage": "BA1209",
    "contribution": "BA1202",
    "imputed": "BA1202",
    "calendar": "BA1205",
    "calculation": "BA1203",
    "nobody": "BA1214",
    "deduction code": "BA1202",
}


def message_rows(rows: pl.DataFrame, code: str | pl.Expr, expected: pl.Expr, found: pl.Expr) -> pl.DataFrame:
    """Shape message rows; columns that `rows` lacks (plan type, option, dependent) stay null."""
    if rows.is_empty():
        return no_messages()
    code_column = pl.lit(code) if isinstance(code, str) else code
    named = rows.with_columns(
        code_column.cast(pl.String).alias("code"), expected.alias("expected"), found.alias("found")
    )
    absent = [
        pl.lit(None, dtype=kind).alias(name)
        for name, kind in MESSAGE_SCHEMA.items()
        if name not in named.columns
    ]
    return in_types(named.with_columns(absent), MESSAGE_SCHEMA)


def with_catalogue(messages: pl.DataFrame) -> pl.DataFrame:
    """Add severity and level of each code."""
    if messages.is_empty():
        return messages.hstack(_CATALOGUE[["severity", "level"]].clear())
    return joined(messages, _CATALOGUE, "code", how="left", maintain_order="left")


_CATALOGUE = pl.DataFrame(
    [(entry.code, str(entry.severity), entry.level) for entry in CATALOGUE.values()],
    schema={"code": pl.String, "severity": pl.String, "level": pl.String},
    orient="row",
)


@cache
def no_messages() -> pl.DataFrame:
    """An empty frame of messages."""
    return pl.DataFrame(schema=MESSAGE_SCHEMA)


def preparation_messages(
    cases: pl.DataFrame,
    plans: pl.DataFrame,
    options: pl.DataFrame,
    undecided: pl.DataFrame,
    ignored: pl.DataFrame,
    offers: Offers,
) -> pl.DataFrame:
    """Collect everything that stands in the way of the prepared events, or should be known."""
    parts = [
        *_said(cases, _of_programs()),
        *_said(plans, _of_plans()),
        *_option_messages(options, plans),
        _undecided_messages(undecided, plans, offers),
        message_rows(
            ignored, "BA1215", pl.lit("an option the person is eligible for"), pl.lit("one that is not, kept")
        ),
    ]
    said = pl.concat(parts)
    return with_catalogue(said if said.is_empty() else said.sort("case", maintain_order=True))


Said = Mapping[str, tuple[pl.Expr, pl.Expr, pl.Expr]]
"""Messages by code: when each is said, what was expected, what was found."""


@cache
def _of_programs() -> Said:
    """What is said of cases and their programs: made once, as every run says it."""
    is_error = pl.col("process_status") == ProcessStatus.AE.value
    is_without = pl.col("process_status").is_in([ProcessStatus.AN.value, ProcessStatus.FA.value])
    is_elsewhere, has_job = pl.col("is_outside_schedule"), pl.col("has_job")
    several = pl.col("programs_met") > 1
    return {
        "BA1001": (is_error & ~has_job, pl.lit("a job row on the event date"), pl.lit("none")),
        "BA1101": (
            is_error & has_job & several,
            pl.lit("one program"),
            pl.format("{} programs", "programs_met"),
        ),
        "BA1105": (
            is_error & has_job & ~several,
            pl.lit("every field a program's rule looks at"),
            _missing_facts(),
        ),
        "BA1102": (is_without & ~is_elsewhere, pl.lit("one program"), pl.lit("none")),
        "BA1103": (
            is_without & is_elsewhere,
            pl.lit("a program of the schedule"),
            pl.lit("another program"),
        ),
    }


def _said(rows: pl.DataFrame, said: Said) -> list[pl.DataFrame]:
    """Say each message of the rows of which its condition holds."""
    holds = rows.select(condition.alias(code) for code, (condition, _, _) in said.items())
    return [
        message_rows(rows.filter(holds[code]), code, expected, found)
        for code, (_, expected, found) in said.items()
        if holds[code].any()
    ]


_REPORTED = {
    "birth_on": "birth date",
    "service_on": "service date",
    "weekly_hours_hundredths": "weekly hours",
    "annual_pay_cents": "annual pay",
    "zip": "home zip",
    "state": "state",
    "company": "company",
    "benefit_group": "process group",
    "pay_group": "pay group",
    "employee_class": "employee class",
    "full_part_time": "full or part time",
    "regular_temporary": "regular or temporary",
    "location": "location",
    "job_code": "job code",
    "union_code": "union code",
    "flsa_status": "FLSA status",
    "job_status": "job status",
}


def _missing_facts() -> pl.Expr:
    """Name the facts that are missing."""
    names = [pl.when(pl.col(column).is_null()).then(pl.lit(name)) for column, name in _REPORTED.items()]
    return pl.concat_str([pl.lit("missing:"), *names], separator=" ", ignore_nulls=True)


@cache
def _of_plans() -> Said:
    """What is said of plan types: made once, as every run says it."""
    considered, known = ~pl.col("is_ignored"), pl.col("rule_row").is_not_null()
    begin_missing = pl.when("is_program").then(pl.col("coverage_begins_on").is_null())
    begins = ~pl.col("is_ending") & begin_missing.otherwise("is_begin_missing")
    ends = (pl.col("is_ending") | pl.col("is_in_force")) & pl.col("is_end_missing")
    no_calendar = (
        pl.when(pl.col("pay_group_id").is_null())
        .then(pl.lit("no active pay group"))
        .otherwise(pl.lit("the calendar ends too early"))
    )
    gone = pl.col("is_lost") & ~pl.col("is_ending") & pl.col("current_level").is_null()
    return {
        "BA1201": (
            considered & ~known & ~pl.col("is_program"),
            pl.lit("an event rule for this class, or a blank one"),
            pl.lit("none"),
        ),
        "BA1205": (
            considered & known & (begins | ends).fill_null(value=False),
            pl.lit("an active pay group with a calendar for the days in question"),
            no_calendar,
        ),
        "BA1206": (
            considered & (pl.col("default_fault") == "none"),
            pl.format("an option for the default '{}'", "default_method"),
            pl.lit("none eligible"),
        ),
        "BA1207": (
            considered & (pl.col("default_fault") == "several"),
            pl.lit("one default at the lowest level"),
            pl.lit("several"),
        ),
        "BA1210": (considered & gone, pl.lit("the present option in the program"), pl.lit("not there")),
    }


def _option_messages(options: pl.DataFrame, plans: pl.DataFrame) -> list[pl.DataFrame]:
    """One message per plan type and kind of fault, naming the first option and how many there are."""
    faults = ("coverage_fault", "price_fault")
    if all(options[name].null_count() == options.height for name in faults):
        return []
    columns = ("case", "plan", "option_id")
    coverage, price = (
        options.filter(pl.col(name).is_not_null()).select(*columns, fault=name) for name in faults
    )
    faulty = with_taken(pl.concat([coverage, price]), plans, "plan", "plan_type")
    grouped = faulty.group_by("case", "plan_type", "fault", maintain_order=True).agg(
        option_id=pl.col("option_id").first(), options=pl.col("option_id").n_unique()
    )
    expected = pl.col("fault").replace_strict(
        {
            "birth": "a birth date",
            "area": "an address (the home, or where the job is) with a rating area",
            "rate": "a rate for this person",
            "coverage": "annual pay, from which coverage follows",
            "contribution": "a contribution for the coverage code",
            "calendar": "a pay calendar for the days in question",
            "calculation": "a calculation rule that holds on the day",
            "nobody": "a covered person whose age the price looks at",
            "deduction code": "a deduction code",
        },
        default="a price",
    )
    return [
        message_rows(
            grouped,
            pl.col("fault").replace_strict(FAULT_CODES, default="BA1202"),
            expected,
            pl.format("nothing, for {} options", "options"),
        )
    ]


def _undecided_messages(undecided: pl.DataFrame, plans: pl.DataFrame, offers: Offers) -> pl.DataFrame:
    if undecided.is_empty():
        return no_messages()
    rows = with_taken(undecided, plans, "plan", "case", "plan_type")
    rows = with_taken(rows, offers.options, "offer", "option_id")
    grouped = rows.group_by("case", "plan_type", maintain_order=True).agg(
        option_id=pl.col("option_id").first(), options=pl.len()
    )
    return message_rows(
        grouped,
        "BA1211",
        pl.lit("every field the option's rule looks at"),
        pl.format("a field is missing, for {} options", "options"),
    )


def undecided_fields(rules: pl.DataFrame) -> pl.DataFrame:
    """Name the criteria that could not be decided, per case and rule: case, rule_id, field."""
    rows = rules.filter(is_undecided()).select("case", "rule_id", "unknown")
    bits = pl.DataFrame({"field": list(CRITERIA), "bit": [1 << number for number in range(len(CRITERIA))]})
    return (
        rows.join(bits, how="cross").filter((pl.col("unknown") & pl.col("bit")) != 0).drop("bit", "unknown")
    )
