"""Use cases of enrolment: load what a case needs, post coverage."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import accumulate, pairwise
from typing import Any

import polars as pl

from openbenefits.core.columns import in_types, joined, packed, plan_type_numbers, where
from openbenefits.enrollment import models
from openbenefits.enrollment.election_frames import load_elected
from openbenefits.enrollment.evidence import evidence_followed, write_rises
from openbenefits.enrollment.frames import (
    COVERAGE_COLUMNS,
    POINT,
    RECORD,
    Contents,
    decided_before,
    held_contents,
    in_force,
    left_plan_types,
    load_approved,
    load_brought,
    load_contents_of,
    load_coverage_and_past,
    load_credit_uses,
    load_event_dates,
    load_overrides,
    points_about,
    price_decisions_of,
)
from openbenefits.enrollment.points import above_superseded, as_stored, copy_points, supersede
from openbenefits.enrollment.prepared_frames import load_prior_options
from openbenefits.enrollment.rules.control import nobody_left
from openbenefits.enrollment.rules.credits import USE_COLUMNS
from openbenefits.enrollment.rules.elected import Elected
from openbenefits.enrollment.rules.prepare import BROUGHT, Situation, no_jobs, nothing_brought
from openbenefits.enrollment.rules.reinstated import COVERED, ENDED, last_ended, reinstates
from openbenefits.enrollment.rules.settle import Settled
from openbenefits.enrollment.rules.timeline import CONTENT, beside_decided, timeline_changes
from openbenefits.events.rules import EVENT_KEY
from openbenefits.programs.fields import FACT_COLUMNS
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.bases import (
    asks_benefit_bases,
    asks_job_history,
    no_benefit_bases,
    no_job_history,
)
from openbenefits.rating.rules.price_days import asks_pay_history, no_pay_history
from openbenefits.store.bulk import copy_in, schema_of
from openbenefits.workforce.frames import (
    MORE,
    benefit_bases_of,
    dependents_as_of,
    facts_and_jobs,
    job_history_of,
    jobs_as_of,
    pay_history_of,
)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of some cases: the situation the kernel decides on, and what was submitted and held.

    `coverage` are all change points of the people that hold, `past` those that something superseded,
    `contents` what belongs to their points; `decided` those that hold and begin on a case's date or later, as
    events before it left them.
    """

    situation: Situation
    elected: Elected
    held: Elected
    coverage: pl.DataFrame
    past: pl.DataFrame
    contents: Contents
    decided: pl.DataFrame


def load_known(
    connection: Any, cases: pl.DataFrame, rulebook: Rulebook, *, known_at: datetime | None = None
) -> Known:
    """Load everything a preparation of these events reads.

    Shapes: cases has `case` (= position), the event's key, event_class_id, event_on, only_ends_coverage,
            is_open_enrollment, is_settling, received_on; of events also priority.
    """
    asked = cases.select("case", "client_id", "person_id", "benefit_record", as_of="event_on")
    facts, jobs = facts_and_jobs(connection, asked, known_at=known_at, more=more_facts(rulebook))
    facts = facts[[name for name in facts.columns if name not in asked.columns or name == "case"]]
    members = dependents_as_of(connection, asked, known_at=known_at)
    coverage, past = load_coverage_and_past(connection, cases)
    points = points_about(cases, coverage)
    decided = decided_before(connection, cases, points)
    held_points = in_force(points, decided)
    elected = load_elected(connection, cases)
    ended = ended_of(connection, cases, coverage, held_points, elected, rulebook)
    again = where(ended, "is_only_ended")[["case", *POINT]]
    contents = load_contents_of(connection, cases)
    held = held_contents(contents, pl.concat([held_points[["case", *POINT]], again]))
    settled = _settled_households(cases, elected, held)
    full = joined(cases, facts, "case", how="left", maintain_order="left").with_columns(
        has_job=pl.col("job_number").is_not_null(),
        zip=pl.col("postal_code").str.slice(0, 5).cast(pl.Int32, strict=False),
    )
    situation = Situation(
        cases=full,
        members=members,
        in_force=held_points,
        approved=load_approved(connection, cases),
        prior=_prior(connection, cases, rulebook),
        chosen=settled[0],
        chosen_members=settled[1],
        jobs=jobs_as_of(asked, jobs) if rulebook.looks_at_jobs else no_jobs(),
        pay_history=pay_history_of(asked, jobs) if asks_pay_history(rulebook) else no_pay_history(),
        benefit_bases=benefit_bases_of(connection, asked, known_at=known_at)
        if asks_benefit_bases(rulebook)
        else no_benefit_bases(),
        job_history=job_history_of(asked, jobs) if asks_job_history(rulebook) else no_job_history(),
        overrides=load_overrides(connection, cases, known_at=known_at),
        price_decisions=price_decisions_of(connection, cases, known_at=known_at),
        held_members=held.members,
        left=_left(cases, coverage, rulebook),
        ended=ended[[*ENDED, "is_only_ended"]],
        brought=_brought(connection, cases, rulebook, known_at),
    )
    return Known(
        situation=situation,
        elected=elected,
        held=held,
        coverage=coverage,
        past=past,
        contents=contents,
        decided=decided,
    )


def more_facts(rulebook: Rulebook) -> list[str]:
    """Name the facts to load besides the usual ones, because some rule looks at them."""
    used = rulebook.criteria_fields()
    wanted = {FACT_COLUMNS.get(field, field) for field in used}
    return [*(name for name in MORE if name in wanted), *(["is_for_eligibility"] * rulebook.looks_at_jobs)]


def _prior(connection: Any, cases: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Load the options of the event before, if any rule of events looks back."""
    if not rulebook.event_rules["use_history"].any():
        return pl.DataFrame(schema={"case": pl.Int32, "option_id": pl.Int32})
    return load_prior_options(connection, cases)


def _brought(
    connection: Any, cases: pl.DataFrame, rulebook: Rulebook, known_at: datetime | None
) -> pl.DataFrame:
    """Load what was put in at other employers, if any plan type of the set-up counts it."""
    if not rulebook.plan_rows["counts_elsewhere"].any():
        return nothing_brought()
    known = load_brought(connection, cases, known_at=known_at)
    if known.is_empty():
        return nothing_brought()
    found = joined(cases[["case", "client_id", "person_id"]], known, ["client_id", "person_id"])
    return in_types(found, BROUGHT)


def _left(cases: pl.DataFrame, coverage: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Find the plan types left, if any plan type of the set-up restricts entering again."""
    is_restricting = (rulebook.plan_rows["restrict_entry_months"] > 0).any()
    return left_plan_types(cases, coverage) if is_restricting else nobody_left()


def ended_of(
    connection: Any,
    cases: pl.DataFrame,
    coverage: pl.DataFrame,
    held: pl.DataFrame,
    elected: Elected,
    rulebook: Rulebook,
) -> pl.DataFrame:
    """Find what ended last in each plan type (`reinstated.last_ended`), if any rule gives such a thing back.

    is_only_ended: nothing is in force there, and nothing elected.
    """
    if not reinstates(rulebook):
        columns = {name: COVERAGE_COLUMNS[name] for name in POINT}
        return pl.DataFrame(schema={**columns, **ENDED, "is_only_ended": pl.Boolean})
    found = last_ended(cases, coverage, load_event_dates(connection, cases))
    key = ["case", "plan_type"]
    known = pl.concat([held.filter(pl.col("kind").is_in(COVERED)).select(key), elected.elections.select(key)])
    return joined(
        found, known.unique().with_columns(is_only_ended=pl.lit(value=False)), key, how="left"
    ).with_columns(pl.col("is_only_ended").fill_null(value=True))


def _settled_households(
    cases: pl.DataFrame, elected: Elected, held: Elected
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Name the plan types whose covered dependents are settled, and those dependents.

    They are those of an election; of an event about to be settled also those kept from coverage in force.
    """
    key = ["case", "plan_type"]
    settling = where(cases, "is_settling")[["case"]]
    if settling.is_empty() or held.members.is_empty():
        return elected.elections[key].unique(), elected.members
    kept = joined(joined(held.members, settling, "case", how="semi"), elected.elections, key, how="anti")
    chosen = pl.concat([elected.elections.select(key), kept.select(key)]).unique()
    return chosen, pl.concat([elected.members, kept])


# --- posting ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Posting:
    """What settled events change of the timeline.

    new:      the points to insert, with their case; risen: those that what was approved makes of new ones.
    replaced: POINT of the points new ones supersede, gone: of rises of such; with the event that does.
    """

    new: pl.DataFrame
    risen: pl.DataFrame
    replaced: pl.DataFrame
    gone: pl.DataFrame

    def points(self, *columns: str) -> pl.DataFrame:
        """Answer columns of all points to insert."""
        return pl.concat([self.new.select(columns), self.risen.select(columns)])

    def of(self, records: pl.DataFrame) -> "Posting":
        """Answer what of it is about some benefit records."""
        parts = {one.name: getattr(self, one.name) for one in fields(self)}
        return Posting(**{name: joined(rows, records, RECORD, how="semi") for name, rows in parts.items()})


def posting_of(connection: Any, settled: Settled, events: pl.DataFrame, known: Known) -> Posting | None:
    """Compare what settled events shall have with what holds; None: they say nothing. Nothing is written.

    Shapes: events has case, the event's key and event_on; `known` what was loaded to decide them.
    """
    keys = events.select("case", *EVENT_KEY, "event_on")
    results = _with_content(joined(settled.results, keys, "case"), settled)
    if results.is_empty():
        return None
    existing = _existing(known, results)
    results = beside_decided(results, existing.filter("is_to_begin"))
    new, replaced = timeline_changes(results, existing)
    new = above_superseded(new, known.past)
    standing = joined(existing, replaced, POINT, how="anti") if replaced.height else existing
    gone, risen = evidence_followed(connection, new, standing)
    return Posting(new=new, risen=risen, replaced=replaced, gone=gone)


def post(
    connection: Any,
    settled: Settled,
    events: pl.DataFrame,
    posting: Posting | None,
    *,
    run_id: int | None,
    now: datetime,
) -> None:
    """Write what settled events change: what credits paid for, and the timeline.

    Shapes: events as `posting_of`, all of those that `posting` is of.
    """
    _save_credits(connection, settled, events.select("case", *EVENT_KEY, "event_on"), run_id=run_id, now=now)
    if posting is None:
        return
    supersede(connection, posting.replaced, run_id=run_id, now=now)
    _insert_points(connection, posting.new, settled, run_id=run_id, now=now)
    supersede(connection, posting.gone, run_id=run_id, now=now)
    write_rises(connection, posting.risen, run_id=run_id, now=now)


def _save_credits(
    connection: Any, settled: Settled, keys: pl.DataFrame, *, run_id: int | None, now: datetime
) -> None:
    """Write what credits paid for, and what became of the rest, where it is not what holds already."""
    begins = settled.results.filter(pl.col("kind").is_in(["E", "D", "W"])).group_by("case")
    uses = joined(joined(settled.credits.uses, keys, "case"), begins.agg(pl.col("begins_on").min()), "case")
    if uses.is_empty():
        return
    latest = load_credit_uses(connection, uses)
    known = latest.unique(list(EVENT_KEY), keep="last", maintain_order=True)
    said = [*EVENT_KEY, "begins_on", *USE_COLUMNS[1:]]
    holding = where(known, ~known["is_taken_back"]).select(said)
    uses = joined(uses, holding, said, how="anti", nulls_equal=True)
    numbered = joined(uses, known[[*EVENT_KEY, "version"]], EVENT_KEY, how="left").with_columns(
        version=(pl.col("version").fill_null(0) + 1).cast(pl.Int32),
        run_id=pl.lit(run_id, pl.Int64),
        made_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
        is_taken_back=pl.lit(value=False),
    )
    copy_in(connection, "enrollment_credituse", as_stored(numbered, schema_of(models.CreditUse)))
    rolls = joined(settled.credits.rolls, numbered[["case", *EVENT_KEY, "version"]], "case")
    copy_in(connection, "enrollment_creditroll", as_stored(rolls, schema_of(models.CreditRoll)))


def _with_content(results: pl.DataFrame, settled: Settled) -> pl.DataFrame:
    """Add members and funds as texts, to compare what is covered as a whole."""
    key = ["case", "plan_type"]
    members = _texts(settled.members, key, "members", pl.col("dependent_id").cast(pl.String))
    funds = _texts(settled.funds, key, "funds", pl.format("{}:{}", "fund", "percent"))
    shares = _texts(settled.beneficiaries, key, "beneficiaries", _share())
    found = joined(joined(results, members, key, how="left"), funds, key, how="left")
    found = joined(found, shares, key, how="left")
    covered = pl.col("kind").is_in(["E", "D"])
    return found.with_columns(
        pl.when(covered).then(pl.col(name)).alias(name) for name in ("members", "funds", "beneficiaries")
    )


def _share() -> pl.Expr:
    return pl.format("{}:{}:{}", "dependent_id", "is_contingent", "percent_hundredths")


def _texts(rows: pl.DataFrame, key: Sequence[str], name: str, text: pl.Expr) -> pl.DataFrame:
    return rows.with_columns(text.alias(name)).group_by(key).agg(pl.col(name).sort().str.join(" "))


def _existing(known: Known, results: pl.DataFrame) -> pl.DataFrame:
    """The points that hold for these people, with members and funds as texts.

    is_to_begin: decided before the event, and beginning on its date or later.
    """
    points = joined(known.coverage, results, ["client_id", "person_id"], how="semi", maintain_order="left")
    told = {
        "members": (known.contents.members, pl.col("dependent_id").cast(pl.String)),
        "funds": (known.contents.funds, pl.format("{}:{}", "fund", "percent")),
        "beneficiaries": (known.contents.beneficiaries, _share()),
    }
    parts = [points, known.decided, *(rows for rows, _ in told.values())]
    places = packed(pl.concat([_place_of(part) for part in parts])).alias("place")
    ends = accumulate((part.height for part in parts), initial=0)
    place, decided, *theirs = (places[start:end] for start, end in pairwise(ends))
    points = points.with_columns(place, is_to_begin=place.is_in(decided.implode()))
    for (name, (rows, text)), whose in zip(told.items(), theirs, strict=True):
        texts = _texts(rows.with_columns(whose), ["place"], name, text)
        points = joined(points, texts, "place", how="left", maintain_order="left")
    return points.drop("place")


def _place_of(rows: pl.DataFrame) -> pl.DataFrame:
    """The key of the points that rows belong to, as whole numbers."""
    return rows.select(POINT).with_columns(
        plan_type_numbers(rows).alias("plan_type"), pl.col("begins_on").to_physical()
    )


def _insert_points(
    connection: Any, new: pl.DataFrame, settled: Settled, *, run_id: int | None, now: datetime
) -> None:
    copy_points(connection, new.with_columns(run_id=pl.lit(run_id, pl.Int64)), now=now)
    covered = new.filter(pl.col("kind").is_in(["E", "D"]))[["case", *POINT]]
    members = joined(covered, settled.members, ["case", "plan_type"])
    columns = schema_of(models.CoverageDependent)
    copy_in(connection, "enrollment_coveragedependent", as_stored(members, columns))
    funds = joined(covered, settled.funds, ["case", "plan_type"])
    copy_in(connection, "enrollment_coveragefund", as_stored(funds, schema_of(models.CoverageFund)))
    shares = joined(covered, settled.beneficiaries, ["case", "plan_type"])
    columns = schema_of(models.CoverageBeneficiary)
    copy_in(connection, "enrollment_coveragebeneficiary", as_stored(shares, columns))


__all__ = ["CONTENT", "Known", "Posting", "load_known", "post", "posting_of"]
