"""What a wave decides of its cases, before anything is written: statuses, options, results, messages."""

from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from openbenefits.core.codes import Level, ProcessStatus
from openbenefits.core.columns import joined, where
from openbenefits.enrollment.prepared_frames import load_offered_prices, load_prepared_held
from openbenefits.enrollment.rules.contributed import plans_to_ask
from openbenefits.enrollment.rules.messages import message_rows, no_messages, with_catalogue
from openbenefits.enrollment.rules.prepare import Prepared, Situation, prepare
from openbenefits.enrollment.rules.reinstated import pledges_again
from openbenefits.enrollment.rules.replayed import newly_covered, return_fallen
from openbenefits.enrollment.rules.settle import Settled, settle
from openbenefits.enrollment.rules.since import held_otherwise
from openbenefits.enrollment.services import Known
from openbenefits.events.activity import PROOF_MISSING
from openbenefits.events.rules import RECORD_KEY, is_to_be_replayed
from openbenefits.payroll.contributions import load_contributions
from openbenefits.payroll.resuming import load_reduced
from openbenefits.programs.rulebook import Rulebook
from openbenefits.runs import models
from openbenefits.runs.judging import lost_messages
from openbenefits.runs.kept import with_kept_programs
from openbenefits.runs.rules import (
    event_status_of,
    reaches,
)


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What a wave decided, before it is written.

    cases: the cases with program_status, prepared_status, final_status (each null where not reached),
           to_status, is_changed.
    """

    cases: pl.DataFrame
    prepared: Prepared
    settled: Settled | None
    messages: pl.DataFrame


def decide(
    connection: Any, cases: pl.DataFrame, known: Known, rulebook: Rulebook, started: models.Run
) -> Decided:
    """Prepare all cases; settle those with elections, those being finalised, those without a choice."""
    prepared = prepare(with_kept_programs(known.situation, cases, rulebook), rulebook)
    found = prepared.cases.select("case", "program_status", "has_choice", prepared_to="process_status")
    cases = _with_prepared_status(joined(cases, found, "case", maintain_order="left"), started)
    settling = _settling(cases, known, started)
    settled = None
    final = pl.DataFrame(schema={"case": pl.Int32, "final_status": pl.String})
    if settling.height:
        situation = _with_contributions(connection, known, cases, settling, prepared, rulebook)
        situation = _with_reduced(connection, situation, cases, settling, prepared, rulebook)
        settled = settle(settling, prepared, situation, known.elected, known.held, rulebook)
        settled = _without_fallen(connection, cases, settled, known, prepared)
        final = settled.cases.select("case", final_status="process_status")
    entered = is_to_be_replayed() & pl.col("case").is_in(known.elected.elections["case"].implode())
    cases = joined(cases, final, "case", how="left", maintain_order="left").with_columns(
        entered_status=pl.when(entered & pl.col("final_status").is_in(ENTERED)).then(pl.lit("ET")),
        to_status=pl.coalesce("final_status", "prepared_status", "program_status", "process_status"),
    )
    same = (
        (pl.col("fingerprint") == pl.col("input_fingerprint"))
        & (pl.col("to_status") == pl.col("process_status"))
        & (pl.col("event_status") == event_status_of())
        & ~is_to_be_replayed()
    ).fill_null(value=False)
    messages = prepared.messages if settled is None else pl.concat([prepared.messages, settled.messages])
    said = [_proof_messages(cases), lost_messages(cases, prepared)]
    messages = pl.concat([messages, *said, _held_otherwise(connection, settling, cases, prepared)])
    if not reaches(started.through_level, Level.OPTIONS):
        messages = messages.filter(pl.col("level").is_in(["schedule", "program"]))
    return Decided(
        cases=cases.with_columns(is_changed=~same), prepared=prepared, settled=settled, messages=messages
    )


def _with_contributions(
    connection: Any,
    known: Known,
    cases: pl.DataFrame,
    settling: pl.DataFrame,
    prepared: Prepared,
    rulebook: Rulebook,
) -> Situation:
    """Add what was contributed to accounts in the year, where a pledge is to take the place of another."""
    asked = plans_to_ask(prepared, known.elected.elections, settling, rulebook)
    if asked.is_empty():
        return known.situation
    asked = joined(asked, cases[["case", *RECORD_KEY]], "case")
    return replace(known.situation, contributions=load_contributions(connection, asked, rulebook))


def _with_reduced(
    connection: Any,
    situation: Situation,
    cases: pl.DataFrame,
    settling: pl.DataFrame,
    prepared: Prepared,
    rulebook: Rulebook,
) -> Situation:
    """Add which pledges come back smaller from a leave, as the person chose."""
    asked = pledges_again(prepared.plans, settling, situation.ended, rulebook)
    if asked.is_empty():
        return situation
    asked = joined(asked, cases[["case", *RECORD_KEY, "event_on"]], "case")
    return replace(situation, reduced=load_reduced(connection, asked, rulebook))


def _without_fallen(
    connection: Any, cases: pl.DataFrame, settled: Settled, known: Known, prepared: Prepared
) -> Settled:
    """Give choices that no longer stand back to the person (rulings §1.7, §6.2).

    What was entered and interrupted goes back also where it leaves out who is covered by now; once it is
    finalised nobody is asked any more.
    """
    entered = pl.col("process_status_before") == str(ProcessStatus.ET)
    finalised = entered.fill_null(value=False) & pl.col("is_finalizing")
    replayed = cases.filter(is_to_be_replayed() & ~finalised)
    if replayed.is_empty():
        return settled
    earlier = load_offered_prices(connection, replayed)
    waited = replayed.filter(entered)
    newly = newly_covered(waited, prepared, load_prepared_held(connection, waited), known.held)
    return return_fallen(settled, replayed, known.elected, prepared, earlier, newly)


def _proof_messages(cases: pl.DataFrame) -> pl.DataFrame:
    """Say of the cases without their proof what they wait for."""
    expected, found = pl.lit("the proof of the life event"), pl.lit("none recorded")
    return with_catalogue(
        message_rows(where(cases, "is_proof_due")[["case"]], PROOF_MISSING, expected, found)
    )


def _held_otherwise(
    connection: Any, settling: pl.DataFrame, cases: pl.DataFrame, prepared: Prepared
) -> pl.DataFrame:
    """Say of events prepared earlier, and settled now, where coverage in force changed in between."""
    is_same = (pl.col("fingerprint") == pl.col("input_fingerprint")).fill_null(value=False)
    waited = cases.filter((pl.col("work") != "prepare") & (pl.col("preparation") > 0) & ~is_same)
    if waited.is_empty() or settling.is_empty():
        return with_catalogue(no_messages())
    waited = joined(waited, settling, "case", how="semi")
    return held_otherwise(waited, prepared.plans, load_prepared_held(connection, waited))


ENTERED = [str(ProcessStatus.FE), str(ProcessStatus.EE)]
"""Where elections lead that are taken as entered when an event is decided again."""
_ERRORS = [str(ProcessStatus.AE), str(ProcessStatus.PE)]


def _with_prepared_status(cases: pl.DataFrame, started: models.Run) -> pl.DataFrame:
    """Say which statuses preparation passes at the level of the run.

    Only events that are being prepared move; those with elections keep their status here. Without a program
    and with nothing to end an event passes AN to FA at once.
    """
    preparing = pl.col("work") == "prepare"
    nothing = pl.col("program_status") == str(ProcessStatus.FA)
    options = (
        pl.col("prepared_to") if reaches(started.through_level, Level.OPTIONS) else pl.lit(None, pl.String)
    )
    assigned = pl.when(nothing).then(pl.lit(str(ProcessStatus.AN))).otherwise("program_status")
    prepared = pl.when(nothing).then(pl.lit(str(ProcessStatus.FA))).otherwise(options)
    return cases.with_columns(
        program_status=pl.when(preparing).then(assigned), prepared_status=pl.when(preparing).then(prepared)
    )


def _settling(cases: pl.DataFrame, known: Known, started: models.Run) -> pl.DataFrame:
    """Name the cases to validate and load now.

    Those with elections (all withdrawn: they wait again), those being finalised, and freshly prepared ones
    without any choice (rulings §1.4), unless such a one would end all coverage and its class guards that.
    What lacks the proof of its life event waits, however it was answered.
    """
    if not reaches(started.through_level, Level.ELECTIONS):
        return cases.head(0)[["case", "is_finalizing"]]
    sound = ~pl.col("prepared_to").is_in(_ERRORS)
    fresh = pl.col("prepared_status") == str(ProcessStatus.PR)
    guarded = pl.col("is_guarded") & (pl.col("program_status") == str(ProcessStatus.AN))
    unasked = fresh & ~pl.col("has_choice") & ~guarded
    answered = pl.col("case").is_in(known.elected.elections["case"].implode()) | pl.col("is_finalizing")
    asked = pl.col("work").is_in(["validate", "finalise"]) & sound & answered
    finalised = fresh & pl.col("is_finalizing")
    replayed = fresh & is_to_be_replayed() & answered
    wanted = (unasked | asked | finalised | replayed) & ~pl.col("is_proof_due")
    return cases.filter(wanted & pl.col("is_finalize_allowed"))[["case", "is_finalizing"]]
