"""Lists for administrators and insurers: who is in which account, who lost cover, who is insured for what."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from openbenefits.carriers.agreements.partners import Partner
from openbenefits.carriers.building import naming
from openbenefits.carriers.building.frames import load_holders, load_numbers
from openbenefits.carriers.building.pricing import with_month_prices
from openbenefits.carriers.building.projecting import options_of
from openbenefits.carriers.layouts.contents import CONTENTS, shaped
from openbenefits.carriers.layouts.layout import ContentKind
from openbenefits.carriers.rules import spans as spanning
from openbenefits.compliance.cobra.frames import load_standing
from openbenefits.compliance.cobra.rules.duties import WITHDRAWN
from openbenefits.compliance.cobra.rules.losses import EMPLOYEE, covers
from openbenefits.enrollment.frames import load_coverage, load_covered_dependents
from openbenefits.programs.frames import load_setup
from openbenefits.workforce.frames import as_of

WHO = ["client_id", "person_id"]
STATED = ("pledge_cents", "percent_thousandths", "after_tax_thousandths")
SELF = "EE"


def listed(
    connection: Any, client_ids: Sequence[int], partner: Partner, kind: ContentKind, *, on: date
) -> pl.DataFrame:
    """Answer the rows of a list on a day, as `layouts.contents` has them of that kind, with `client`.

    Whose cover ended longer ago than the partner wants to know, and what begins later, is left out.
    Missing: a price that cannot be found is null.
    """
    rows = {"eligibility": _eligibility, "disability": _eligibility, "cobra": _cobra}[kind](
        connection, client_ids, partner, on
    )
    return shaped(rows, kind)


def _eligibility(connection: Any, client_ids: Sequence[int], partner: Partner, on: date) -> pl.DataFrame:
    """List spans of employees in the partner's plans, with pay, volume, class and what they put down."""
    spans, people = _spans(connection, client_ids, partner)
    since, through = span_wanted(partner, on)
    own = spans.filter("covers_employee", pl.col("slot") == 0)
    own = own.filter((pl.col("ends_on") >= since).fill_null(value=True))
    own = own if through is None else own.filter(pl.col("begins_on") <= through)
    cases = own.select("client_id", "person_id", "benefit_record").unique().sort(WHO)
    cases = cases.with_row_index("case").cast({"case": pl.Int32}).with_columns(as_of=pl.lit(on))
    jobs = as_of(connection, cases).select(
        *WHO, "benefit_record", "annual_pay_cents", "job_code", pl.col("employee_class").alias("class")
    )
    rows = own.join(_people(connection, people, on), on=WHO, how="left")
    rows = rows.join(jobs, on=[*WHO, "benefit_record"], how="left")
    return rows.with_columns(volume_cents="coverage_cents", ended_on="last_day_employed").sort(
        *WHO, "benefit_record", "plan_type", "begins_on"
    )


def _spans(connection: Any, client_ids: Sequence[int], partner: Partner) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Answer the spans of owners in the partner's plans with what the points state, and whose they are."""
    options = options_of(load_setup(connection, client_ids), partner)
    people = load_holders(connection, client_ids, options["option_id"].unique())
    points = load_coverage(connection, people)
    spans = spanning.owner_spans(points, options, through=None)
    stated = points.select(*spanning.SERIES, "version", "coverage_cents", *STATED, point_on="begins_on")
    return spans.join(stated, on=[*spanning.SERIES, "version", "point_on"], how="left"), people


def span_wanted(partner: Partner, on: date) -> tuple[date, date | None]:
    """Answer from when spans are told of, and until when they may begin."""
    back = date.fromordinal(on.toordinal() - partner.retro_days)
    ahead = partner.ahead_days
    return back, None if ahead is None else date.fromordinal(on.toordinal() + ahead)


def _people(connection: Any, people: pl.DataFrame, on: date) -> pl.DataFrame:
    """Answer who people are on a day: names, numbers, address, employment, and the code of their client."""
    known = naming.facts_of(connection, people, on=on, known_at=None).people
    known = known.rename({"line1": "address_1"})
    return known.join(load_numbers(connection, people), on=WHO, how="left")


def _cobra(connection: Any, client_ids: Sequence[int], partner: Partner, on: date) -> pl.DataFrame:
    """List duties to offer continuation, a row for each plan of the partner's carriers that was lost."""
    found = pl.concat([load_standing(connection, one) for one in client_ids])
    found = found.rename({"state": "state_of_duty"}).filter(pl.col("lost_on") >= span_wanted(partner, on)[0])
    plans = _lost(connection, client_ids, partner)
    found = found.drop("version", "made_at", "recorded_on")
    key = [*WHO, "dependent_id", "cover", "last_covered_on"]
    rows = found.join(plans, on=key).with_columns(price_on="last_covered_on")
    rows = with_month_prices(connection, client_ids, rows)
    who = rows.select(WHO).unique()
    known = naming.facts_of(connection, who, on=on, known_at=None)
    employees = _people(connection, who, on)
    rows = rows.join(employees.drop("address_1", "city", "state", "postal_code"), on=WHO, how="left")
    homes = employees.select(*WHO, "address_1", "city", "state", "postal_code")
    names = ("last_name", "first_name", "birth_on", "ssn")
    own = employees.select(*WHO, *names, dependent_id=pl.lit(EMPLOYEE, pl.Int64), relationship=pl.lit(SELF))
    others = known.dependents.select(*WHO, *names, "dependent_id", relationship="person_type")
    theirs = pl.concat([own, others.select(own.columns)])
    theirs = theirs.rename({name: f"beneficiary_{name}" for name in names})
    rows = rows.join(homes, on=WHO, how="left").join(theirs, on=[*WHO, "dependent_id"], how="left")
    return rows.sort(*WHO, "lost_on", "dependent_id", "cover", "plan_type")


def _lost(connection: Any, client_ids: Sequence[int], partner: Partner) -> pl.DataFrame:
    """Answer what members held of the partner's plans: WHO, dependent_id, cover, last day, plan, tier."""
    spans, people = _spans(connection, client_ids, partner)
    members = spanning.member_spans(spans, load_covered_dependents(connection, people))
    kinds = covers(load_setup(connection, client_ids)["plan_type_row"])
    rows = members.filter(pl.col("ends_on").is_not_null()).join(kinds, on="plan_type")
    kept = (*spanning.SERIES, "point_on", "version", "dependent_id", "cover", "plan", "tier")
    return rows.select(*kept, last_covered_on="ends_on").unique()


def fresh(rows: pl.DataFrame, told: pl.DataFrame, kind: ContentKind, *, since: date) -> pl.DataFrame:
    """Answer what of a list is new: rows not told as they are, and told spans that were taken back.

    A span that was told and is gone is told with an end on the day before its first, a loss as withdrawn.

    Shapes: told the rows of earlier files, in the order they were sent; the last word on a key counts. since:
            what ended before is no longer in the list, and is let be.
    """
    columns = list(CONTENTS[kind].columns)
    key = KEYS[kind]
    last = told.select(columns).unique(key, keep="last", maintain_order=True)
    new = rows.join(last, on=columns, how="anti", nulls_equal=True, maintain_order="left")
    gone = last.join(rows, on=key, how="anti", nulls_equal=True, maintain_order="left")
    taken_back = _taken_back_duties if kind == "cobra" else _taken_back_spans
    return pl.concat([new, taken_back(gone, since)], how="diagonal")


def _taken_back_spans(gone: pl.DataFrame, since: date) -> pl.DataFrame:
    """Say spans that never were with an end on the day before their first."""
    gone = gone.filter((pl.col("ends_on") >= since).fill_null(value=True))
    is_void = (pl.col("ends_on") < pl.col("begins_on")).fill_null(value=False)
    return gone.filter(~is_void).with_columns(ends_on=pl.col("begins_on") - spanning.DAY)


def _taken_back_duties(gone: pl.DataFrame, since: date) -> pl.DataFrame:
    """Say losses that never were as withdrawn."""
    is_told = (pl.col("lost_on") < since) | (pl.col("state_of_duty") == WITHDRAWN)
    return gone.filter(~is_told).with_columns(state_of_duty=pl.lit(WITHDRAWN))


_SPAN = [*WHO, "benefit_record", "plan_type", "begins_on"]
KEYS: dict[ContentKind, list[str]] = {
    "eligibility": _SPAN,
    "disability": _SPAN,
    "cobra": [*WHO, "dependent_id", "cover", "lost_on", "plan_type"],
}
