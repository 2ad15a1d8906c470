"""Which one program of the client a person is in (docs/rules.md §2.4)."""

import polars as pl

from openbenefits.core.codes import ProcessStatus
from openbenefits.core.columns import cut, joined, marked
from openbenefits.eligibility.rules import Eligibility
from openbenefits.programs.rulebook import Rulebook


def assign_programs(
    eligibility: Eligibility, in_force: pl.DataFrame, overrides: pl.DataFrame, rulebook: Rulebook
) -> pl.DataFrame:
    """Find the one program of each case (docs/rules.md §2.4).

    Shapes:  in_force has one row per case with coverage on the day before the event; overrides as
             `Situation.overrides`. The result are the
             cases with program_row, programs_met, programs_undecided, is_outside_schedule and
             process_status (AS, AN, AE or FA).
    """
    programs = programs_of_profiles(eligibility.profiles, rulebook)
    programs = with_named(programs, eligibility.cases, rulebook)
    found = joined(
        eligibility.cases,
        _counted_programs(programs),
        SCOPE,
        how="left",
        maintain_order="left",
        nulls_equal=True,
    )
    found = with_program_overrides(found, programs, overrides)
    found = _with_the_rest(found)
    covered = marked(in_force["case"], found.height)
    found = found.with_columns(process_status=_program_status(covered))
    return found.with_columns(
        program_row=pl.when(pl.col("process_status") == ProcessStatus.AS).then(pl.col("program_row"))
    )


def programs_of_profiles(profiles: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Decide, per profile, the active programs of the client that hold: by their rule and service area.

    Shapes: profile, program_row, program_id, is_met, is_undecided.
    """
    columns = ["profile", "client_id", "event_on", "rules_met", "rules_undecided", "geographies_met"]
    asked = profiles[columns]
    found: pl.DataFrame = rulebook.judged.answer_of("programs", asked, lambda: _decided(asked, rulebook))
    return found


def _decided(profiles: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    programs = rulebook.derived.answer("active programs", lambda: _active_programs(rulebook))
    pairs = joined(profiles, programs, "client_id")
    pairs = pairs.filter(
        (pl.col("valid_from") <= pl.col("event_on")) & (pl.col("event_on") < pl.col("valid_to"))
    )
    need, area = pl.col("rule_bit"), pl.col("geography_bit")
    is_met_ = (pl.col("rules_met") & need) == need
    is_open = (pl.col("rules_undecided") & need) != 0
    lives_there = (area == 0) | ((pl.col("geographies_met") & area) == area)
    return pairs.select(
        *("profile", "program_row", "program_id"),
        is_met=is_met_ & lives_there.fill_null(value=False),
        is_undecided=(is_met_ | is_open)
        & lives_there.fill_null(value=True)
        & (is_open | lives_there.is_null()),
    )


def _active_programs(rulebook: Rulebook) -> pl.DataFrame:
    columns = (
        "client_id",
        "program_row",
        "program_id",
        "rule_bit",
        "geography_bit",
        "valid_from",
        "valid_to",
    )
    return rulebook.programs.filter("is_active").select(columns)


SCOPE = ["profile", "schedule_id"]
"""What the programs that count depend on: the facts of a person, and the schedule of the event."""


def with_named(programs: pl.DataFrame, cases: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Give the programs of each profile once for each schedule, with is_named: the schedule counts them.

    A schedule that names no programs counts all of them.
    """
    pairs = joined(cases[SCOPE].unique(), programs, "profile")
    listed = rulebook.derived.answer("named programs", lambda: _named_programs(rulebook))
    schedules = set(pairs["schedule_id"].unique())
    if schedules.isdisjoint(listed["schedule_id"]):
        return pairs.with_columns(is_named=pl.lit(value=True))
    found = joined(pairs, listed, ["schedule_id", "program_id"], how="left", maintain_order="left")
    names_some = pl.col("schedule_id").is_in(listed["schedule_id"].unique().implode())
    is_named = pl.col("is_listed").fill_null(value=False) | ~names_some.fill_null(value=False)
    return found.with_columns(is_named=is_named).drop("is_listed")


def _named_programs(rulebook: Rulebook) -> pl.DataFrame:
    """List the programs that schedules name."""
    named = rulebook.schedule_programs[["schedule_id", "program_id"]].unique()
    return named.with_columns(is_listed=pl.lit(value=True))


def counts_of_programs(is_met_: pl.Expr, is_undecided: pl.Expr) -> dict[str, pl.Expr]:
    """Count the programs that are met, or undecided, and give the (first) one met; and what is not named."""
    named = pl.col("is_named")
    return {
        "programs_met": (is_met_ & named).sum(),
        "programs_undecided": (is_undecided & named).sum(),
        "program_row": pl.col("program_row").filter(is_met_ & named).first(),
        "others_met": (is_met_ & ~named).sum(),
        "others_undecided": (is_undecided & ~named).sum(),
    }


def _counted_programs(programs: pl.DataFrame) -> pl.DataFrame:
    """Count the programs of each scope."""
    counts = counts_of_programs(pl.col("is_met"), pl.col("is_undecided"))
    return programs.sort("program_row").group_by(SCOPE, maintain_order=True).agg(**counts)


def _with_the_rest(cases: pl.DataFrame) -> pl.DataFrame:
    """Add is_outside_schedule: no program of the schedule is met, but another; what is undecided among those
    matters only if none is.
    """
    if cases["programs_met"].null_count():  # somebody to whom no program is open
        cases = cases.with_columns(pl.col(*_COUNTS).fill_null(0))
    nothing = (pl.col("programs_met") == 0) & (pl.col("others_met") == 0)
    found = cases.with_columns(
        is_outside_schedule=(pl.col("programs_met") == 0) & (pl.col("others_met") > 0),
        programs_undecided=pl.col("programs_undecided")
        + pl.when(nothing).then("others_undecided").otherwise(0),
    )
    return cut(found, "others_met", "others_undecided")


_COUNTS = ("programs_met", "programs_undecided", "others_met", "others_undecided")


def with_program_overrides(
    cases: pl.DataFrame, programs: pl.DataFrame, overrides: pl.DataFrame
) -> pl.DataFrame:
    """Count anew the programs of the cases about whose programs a person decided.

    Shapes: cases has case, SCOPE and the `counts_of_programs`; programs as `with_named` answers them.
    """
    decided = overrides.filter(pl.col("option_id").is_null())[["case", "program_id", "is_eligible"]]
    if decided.is_empty():
        return cases
    of_case = joined(cases[["case", *SCOPE]], decided[["case"]].unique(), "case", how="semi")
    pairs = joined(
        joined(of_case, programs, SCOPE, nulls_equal=True), decided, ["case", "program_id"], how="left"
    )
    counts = counts_of_programs(
        pl.coalesce("is_eligible", "is_met"), pl.col("is_undecided") & pl.col("is_eligible").is_null()
    )
    counted = pairs.sort("case", "program_row").group_by("case", maintain_order=True).agg(**counts)
    again = joined(
        cases[["case"]],
        counted.with_columns(is_decided=pl.lit(value=True)),
        "case",
        how="left",
        maintain_order="left",
    )
    is_decided = again["is_decided"].fill_null(value=False)
    return cases.with_columns(
        cases[name].zip_with(~is_decided, again[name].cast(cases.schema[name])) for name in counts
    )


def _program_status(covered: pl.Series) -> pl.Expr:
    """Turn the counts into a status; a person without a job, or undecided, is an error."""
    met, undecided = pl.col("programs_met"), pl.col("programs_undecided")
    return (
        pl.when(~pl.col("has_job") | (met > 1) | (undecided > 0))
        .then(pl.lit(ProcessStatus.AE.value))
        .when(met == 1)
        .then(pl.lit(ProcessStatus.AS.value))
        .when(covered & ~pl.col("is_outside_schedule"))
        .then(pl.lit(ProcessStatus.AN.value))
        .otherwise(pl.lit(ProcessStatus.FA.value))
    )
