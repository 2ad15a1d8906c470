"""Which program an event keeps that is prepared again and not assigned (process indicator P)."""

from dataclasses import replace
from datetime import date
from functools import cache

import polars as pl

from openbenefits.core.codes import ProcessIndicator
from openbenefits.eligibility.overrides import OVERRIDES
from openbenefits.enrollment.rules.prepare import Situation
from openbenefits.programs.rulebook import Rulebook


def with_kept_programs(situation: Situation, cases: pl.DataFrame, rulebook: Rulebook) -> Situation:
    """Let events that were prepared again (P) keep the program they have: it is met, and no other.

    They keep it, whatever decides them again, until they are assigned again (A), or move to another day.

    Shapes:  cases has case, client_id, process_indicator, program_kept_on, program_id (null: none to keep).
    Source:  event-processing §12.1: the program is kept. It is a decision for the preparation alone: what is
             posted rests on eligibility as ever.
    """
    is_asked = pl.col("process_indicator") == str(ProcessIndicator.PREPARE)
    keeping = cases.filter(is_asked | keeps_program()).drop_nulls("program_id")
    if keeping.is_empty():
        return situation
    programs = rulebook.programs.select("client_id", other_id="program_id").unique()
    pairs = keeping.select("case", "client_id", "program_id").join(programs, on="client_id")
    kept = pairs.select(
        "case",
        program_id="other_id",
        option_id=pl.lit(None, pl.Int32),
        is_eligible=pl.col("other_id") == pl.col("program_id"),
        author=pl.lit("process indicator P"),
        reason=pl.lit("the program is kept"),
    )
    decided = situation.overrides.filter(
        pl.col("option_id").is_not_null() | ~pl.col("case").is_in(keeping["case"].implode())
    )
    rows = pl.concat([decided, kept.select(pl.col(name).cast(kind) for name, kind in OVERRIDES.items())])
    return replace(situation, overrides=rows)


@cache
def keeps_program() -> pl.Expr:
    """Whether an event keeps a program since it was prepared again, and is not to be assigned again."""
    is_assigned = pl.col("process_indicator") == str(ProcessIndicator.ASSIGN)
    return pl.col("program_kept_on").is_not_null() & ~is_assigned


def program_kept_on(today: date) -> pl.Expr:
    """Since when an event keeps its program, once a wave has decided it: from today, as before, or not."""
    is_asked = pl.col("process_indicator") == str(ProcessIndicator.PREPARE)
    is_new = is_asked & pl.col("program_id").is_not_null()
    return pl.when(is_new).then(pl.lit(today)).when(keeps_program()).then("program_kept_on")
