"""What a partner is to be told: the coverage timeline of its carriers' plans, in the shape of a carrier view.

Facts are those of the day, as known at a moment; of somebody whose first fact lies ahead, that one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from openbenefits.carriers.agreements.partners import Partner
from openbenefits.carriers.building import naming
from openbenefits.carriers.building.frames import load_events, load_holders, load_numbers, load_providers
from openbenefits.carriers.building.pricing import with_month_prices
from openbenefits.carriers.rules import spans as spanning
from openbenefits.carriers.rules.causes import CONTINUING, EVENT_KEY, TAKEN_OVER, causes_of, end_word
from openbenefits.carriers.rules.identities import dependent_key, person_key
from openbenefits.carriers.rules.maintenance import COBRA_EVENTS
from openbenefits.carriers.rules.views import AGREED, COBRA, COVER, LINE, View, view
from openbenefits.core import money
from openbenefits.core.codes import KIND_OF
from openbenefits.enrollment.basis import points_known
from openbenefits.enrollment.continuing import load_continued
from openbenefits.enrollment.frames import load_covered_dependents
from openbenefits.programs.frames import load_setup
from openbenefits.workforce.frames import load_dependents, load_jobs

PREMIUM = "premium"
WHOLE = 100
"""Percent."""
SOURCES = {
    "subscriber": pl.String,
    "member": pl.String,
    "line": pl.String,
    "begins_on": pl.Date,
    "ends_on": pl.Date,
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "dependent_id": pl.Int64,
    "plan_type": pl.String,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    "end_schedule_id": pl.Int32,
    "end_event_number": pl.Int32,
}
"""What each span of a member follows from; a row for each span before equal ones are joined.

dependent_id is null for the employee; schedule_id is null where the span was taken over; end_*: the event
whose posting ends it.
"""


@dataclass(frozen=True, kw_only=True)
class Projection:
    """The coverage timeline of a partner's plans.

    Shapes: view as `rules.views`; sources as SOURCES; values a row for each person who ever held a plan of
            the partner (client_id, person_id and what identifiers come from: employee_number, department …);
            details as `naming.DETAILS`: what is told beside a view; providers as `frames.PROVIDER` and line.
    """

    view: View
    sources: pl.DataFrame
    values: pl.DataFrame
    details: pl.DataFrame
    providers: pl.DataFrame


def wanted(
    connection: Any,
    client_ids: Sequence[int],
    partner: Partner,
    *,
    on: date,
    known_at: datetime | None = None,
    also: pl.DataFrame | None = None,
) -> Projection:
    """Answer what a partner is to be told of some clients on a day, by what is known (or was at a moment).

    also: more people of whom values and details are wanted (client_id, person_id): those it was told of.
    """
    setup = load_setup(connection, client_ids)
    options = options_of(setup, partner)
    people = load_holders(connection, client_ids, options["option_id"].unique())
    if also is not None:
        people = pl.concat([people, also.select(people.columns)]).unique()
    through = None if partner.ahead_days is None else on + timedelta(days=partner.ahead_days)
    rows = _members(connection, people, setup, options, through=through, known_at=known_at, on=on)
    providers = load_providers(connection, people, known_at)
    rows = _with_providers(rows, providers if takes_providers(partner) else providers.clear())
    if takes_premium(partner):
        percent = partner.profile.continuation_percent if partner.profile else WHOLE
        rows = _with_premiums(connection, client_ids, rows, setup, percent=percent, on=on)
    known = naming.facts_of(connection, people, on=on, known_at=known_at)
    cover = rows.select(pl.col(name).cast(kind) for name, kind in COVER.items())
    told = naming.people_of(known, cover, agreed_of(partner))
    return Projection(
        view=view(told, cover),
        sources=rows.select(pl.col(name).cast(kind) for name, kind in SOURCES.items()),
        values=naming.values_of(load_numbers(connection, people), known),
        details=naming.details_of(known),
        providers=providers.with_columns(line="plan_type"),
    )


def agreed_of(partner: Partner) -> set[str]:
    """Answer what of pay, hours and tobacco a partner is told: by its profile, or its layout's columns."""
    profile = partner.profile
    if profile is not None:
        told = {"annual_pay_cents"} if profile.income else set()
        told |= {"weekly_hours_hundredths"} if profile.income and profile.income.has_hours else set()
        return told | ({"tobacco"} if profile.has_tobacco else set())
    records = () if partner.layout is None else partner.layout.records
    return {column.value for record in records for column in record.columns} & set(AGREED)


def takes_premium(partner: Partner) -> bool:
    """Tell whether a partner wants the premium of health coverage (AMT*P3)."""
    return partner.profile is not None and PREMIUM not in partner.profile.off


def takes_providers(partner: Partner) -> bool:
    """Tell whether a partner wants to know doctors and dentists (loop 2310)."""
    return partner.profile is not None and "2310" not in partner.profile.off


def _with_providers(rows: pl.DataFrame, providers: pl.DataFrame) -> pl.DataFrame:
    """Name the provider of each span: by the last word that counts before the span is over."""
    key = ["client_id", "person_id", "benefit_record", "plan_type"]
    own = pl.col("dependent_id").fill_null(spanning.EMPLOYEE)
    spans = rows.select(*key, *LINE, "begins_on", "ends_on", dependent_id=own)
    words = providers.select(*key, "dependent_id", provider="provider_id", named_on="begins_on")
    said = spans.join(words, on=[*key, "dependent_id"], maintain_order="left_right")
    counts = (pl.col("named_on") <= pl.col("ends_on")).fill_null(value=True)
    last = said.filter(counts).unique([*LINE, "begins_on"], keep="last", maintain_order=True)
    last = last.filter(pl.col("provider") != "").select(*LINE, "begins_on", "provider")
    return rows.join(last, on=[*LINE, "begins_on"], how="left", maintain_order="left")


def _with_premiums(
    connection: Any,
    client_ids: Sequence[int],
    rows: pl.DataFrame,
    setup: dict[str, pl.DataFrame],
    *,
    percent: int,
    on: date,
) -> pl.DataFrame:
    """Give subscribers the month's premium of their health coverage, on the day or the nearest one.

    Who continues is priced in the tier of those who do, at a percentage of it.
    """
    is_told = (pl.col("subscriber") == pl.col("member")) & pl.col("plan_type").str.starts_with("1")
    day = pl.max_horizontal("begins_on", pl.min_horizontal(pl.lit(on), "ends_on"))
    told = rows.filter(is_told).with_columns(price_on=day)
    told = spanning.with_those_who_continue(told, rows, setup["option"], setup["coverage_code"])
    held = told.select(
        *spanning.SERIES, "point_on", "version", "price_on", "as_option", "covered", "is_alone"
    )
    told = told.with_columns(with_month_prices(connection, client_ids, held)["premium_cents"])
    prices = pl.col("premium_cents")
    charged = money.multiply_divide_half_up(prices, percent, WHOLE)
    amount = (
        pl.when(pl.col("basis") != COBRA).then(prices).when(pl.col("as_option").is_not_null()).then(charged)
    )
    priced = told.with_columns(amount.alias("amount_cents")).select(rows.columns)
    return pl.concat([rows.filter(~is_told), priced])


def spans_of(
    connection: Any,
    people: pl.DataFrame,
    setup: dict[str, pl.DataFrame],
    partner: Partner,
    *,
    known_at: datetime | None = None,
) -> pl.DataFrame:
    """Answer the spans of people in the plans of a partner's carriers, however far ahead: COVER, SOURCES."""
    rows = _members(
        connection, people, setup, options_of(setup, partner), through=None, known_at=known_at, on=None
    )
    rows = _with_providers(rows, load_providers(connection, people, known_at))
    names = [*COVER, *(name for name in SOURCES if name not in COVER)]
    return rows.select(names)


def options_of(setup: dict[str, pl.DataFrame], partner: Partner) -> pl.DataFrame:
    """List what options of the partner's carriers stand for, by days.

    Shapes: option_id, valid_from (null: ever since), valid_until (the first day it no longer does; null: for
            good), plan, tier, covers_employee.
    """
    plans = setup["plan"].sort("valid_from").unique("plan_id", keep="last")
    plans = plans.filter(pl.col("carrier").is_in(list(partner.carriers)))
    if partner.plan_types:
        plans = plans.filter(pl.col("plan_type").is_in(list(partner.plan_types)))
    ours = plans.select("plan_id", plan="code")
    codes = setup["coverage_code"].select("coverage_code_id", "covers_employee", tier="code")
    content = pl.struct("plan_id", "coverage_code_id")
    rows = setup["option"].sort("option_id", "valid_from")
    rows = rows.filter((content != content.shift(1).over("option_id")).fill_null(value=True))
    is_first = pl.int_range(pl.len()).over("option_id") == 0
    rows = rows.with_columns(
        valid_until=pl.col("valid_from").shift(-1).over("option_id"),
        valid_from=pl.when(~is_first).then("valid_from"),
    )
    found = rows.join(ours, on="plan_id").join(
        codes.unique("coverage_code_id"), on="coverage_code_id", how="left"
    )
    return found.select(
        *("option_id", "valid_from", "valid_until", "plan", "tier"),
        pl.col("covers_employee").fill_null(value=True),
    )


def _members(
    connection: Any,
    people: pl.DataFrame,
    setup: dict[str, pl.DataFrame],
    options: pl.DataFrame,
    *,
    through: date | None,
    known_at: datetime | None,
    on: date | None,
) -> pl.DataFrame:
    """Answer the spans of members, active and continued: COVER and SOURCES."""
    points = points_known(connection, people, known_at)
    spans = spanning.owner_spans(points, options, through=through)
    spans = _with_causes(connection, people, spans, setup, known_at)
    active = spanning.member_spans(spans, load_covered_dependents(connection, people))
    continued = load_continued(connection, people, known_at=known_at)
    if through is not None:
        continued = continued.filter(pl.col("span_from") <= through)
    carried = spanning.continued_members(continued, active, _single(setup), on=on)
    carried = spanning.with_family_tiers(
        carried, _kinds(connection, people, known_at), _tiers(setup, options)
    )
    active = active.with_columns(is_alone=pl.lit(value=False))
    rows = _keyed(pl.concat([active, carried.select(active.columns)]))
    rows = rows.with_columns(rank=pl.col("benefit_record").cast(pl.Int32) * 2 + pl.col("slot").cast(pl.Int32))
    return spanning.one_a_day(rows, "rank")


def _keyed(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the keys of a view, and causes in words of `maintenance`."""
    own = person_key(pl.col("client_id"), pl.col("person_id"))
    theirs = dependent_key(pl.col("client_id"), pl.col("person_id"), pl.col("dependent_id"))
    is_own = pl.col("dependent_id") == spanning.EMPLOYEE
    by_cobra = pl.col("begins_by").replace(CONTINUING)
    fallback = pl.when("is_alone").then(pl.lit("over age")).otherwise(pl.lit("employment"))
    known = pl.when(by_cobra.is_in(list(COBRA_EVENTS))).then(by_cobra)
    return rows.with_columns(
        subscriber=pl.when("is_alone").then(theirs).otherwise(own),
        member=pl.when(is_own).then(own).otherwise(theirs),
        line="plan_type",
        cause=pl.when(pl.col("basis") == COBRA).then(pl.coalesce(known, fallback)).otherwise("begins_by"),
        end_cause="ends_by",
        dependent_id=pl.when(~is_own).then("dependent_id"),
    )


def _with_causes(
    connection: Any,
    people: pl.DataFrame,
    spans: pl.DataFrame,
    setup: dict[str, pl.DataFrame],
    known_at: datetime | None,
) -> pl.DataFrame:
    """Add begins_by and ends_by: why a span begins and ends; what no event made was taken over."""
    causes = causes_of(
        load_events(connection, people),
        setup["event_class"],
        setup["action_reason"],
        load_jobs(connection, people, known_at),
    )
    key = list(EVENT_KEY)
    rows = spans.join(causes.select(*key, "begins_by"), on=key, how="left")
    ends = causes.select(
        *key[:3], end_schedule_id="schedule_id", end_event_number="event_number", end_by="ends_by"
    )
    rows = rows.join(ends, on=[*key[:3], "end_schedule_id", "end_event_number"], how="left")
    taken_over = pl.when(pl.col("schedule_id").is_null()).then(pl.lit(TAKEN_OVER)).otherwise("begins_by")
    return rows.with_columns(begins_by=taken_over, ends_by=end_word("end_kind", "end_by")).drop("end_by")


def _kinds(connection: Any, people: pl.DataFrame, known_at: datetime | None) -> pl.DataFrame:
    """Answer as what coverage codes count each dependent: dependent_id, kind."""
    facts = load_dependents(connection, people, {"person_type": pl.String()}, known_at)
    last = facts.sort("valid_from").unique("dependent_id", keep="last")
    kind = pl.col("person_type").replace_strict(KIND_OF, default="nonqualified", return_dtype=pl.String)
    return last.select("dependent_id", kind=kind)


def _tiers(setup: dict[str, pl.DataFrame], options: pl.DataFrame) -> pl.DataFrame:
    """List the tiers each plan was ever offered in, with whom each may cover."""
    offered = options.select("plan", "tier").drop_nulls().unique()
    codes = setup["coverage_code"].unique("coverage_code_id").rename({"code": "tier"})
    return offered.join(codes.drop("client_id", strict=False).unique("tier"), on="tier")


def _single(setup: dict[str, pl.DataFrame]) -> str | None:
    """Answer the coverage code of somebody alone; null where set-up has none."""
    codes = setup["coverage_code"]
    most = [name for name in codes.columns if name.endswith("_max")]
    alone = codes.filter("covers_employee", pl.sum_horizontal(most) == 0).sort("coverage_code_id")
    return None if alone.is_empty() else str(alone["code"][0])
