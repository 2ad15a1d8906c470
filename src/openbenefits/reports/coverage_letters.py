"""Letters of coverage and of loss of coverage: what they say (pure).

Source: 29 CFR 2590.701-5(a)(3), what a certificate of coverage names: who, which plan, from when, until when.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl
from django.utils.translation import gettext as _

from openbenefits.reports.covered_spans import EMPLOYEE
from openbenefits.reports.letters import RELATIONSHIPS
from openbenefits.reports.rules import city_line, full_name, whole_money_text
from openbenefits.reports.spoken import day_said, plan_type_said, said, said_of


@dataclass(frozen=True, kw_only=True)
class Wording:
    """The words of a kind of letter, in English; they are said in the language of the letter."""

    title: str
    says: str
    heading: str
    term: str
    as_of_label: str
    after: str


COVERAGE = Wording(
    title="Letter of coverage",
    says="the people named below are covered by the benefit plans of their employer on the day stated.",
    heading="Coverage in force",
    term="proof of current coverage",
    as_of_label="Covered on",
    after="Coverage without a last day continues until it is ended.",
)
LOSS = Wording(
    title="Letter of loss of coverage",
    says="the people named below were covered by the health plans of their employer for the days stated, and "
    "are no longer. Losing this coverage may open a special enrolment period in another plan; ask that plan "
    "within 30 days, or the health insurance marketplace within 60 days, of the last day.",
    heading="Coverage that has ended",
    term="certificate of creditable coverage",
    as_of_label="Ended by",
    after="",
)


def coverage_letters(
    people: pl.DataFrame,
    spans: pl.DataFrame,
    dependents: pl.DataFrame,
    wording: Wording,
    *,
    as_of: date,
    on: date,
) -> pl.DataFrame:
    """Write letters, a row for each person who has a span.

    Shapes: people have case, person_id, employee_number, client_name, names and address; spans are SPANS;
            dependents have case, dependent_id, names and person_type.
    """
    heads = people.select(
        "case",
        "employee_number",
        name=full_name(),
        client="client_name",
        address=pl.concat_list("line1", city_line()).list.drop_nulls().list.filter(pl.element() != ""),
        event=pl.lit(_(wording.title)),
        on=_day(on),
        as_of=_day(as_of),
        **{
            name: pl.lit(_(getattr(wording, name)) if getattr(wording, name) else "")
            for name in ("title", "says", "heading", "term", "as_of_label", "after")
        },
    )
    rows = _rows(people, spans, dependents)
    gathered = rows.group_by("case", maintain_order=True).agg(
        rows=pl.struct(
            "who", "relationship", "plan", "type", "carrier", "coverage", "from", "last", "is_continued"
        )
    )
    return heads.join(gathered, on="case", how="inner", maintain_order="left")


def _rows(people: pl.DataFrame, spans: pl.DataFrame, dependents: pl.DataFrame) -> pl.DataFrame:
    own = people.select(
        "case", "person_id", dependent_id=pl.lit(EMPLOYEE, dtype=pl.Int64), who=full_name(), relationship=None
    )
    others = dependents.join(people.select("case", "person_id"), on="case").select(
        "case",
        "person_id",
        "dependent_id",
        who=full_name(),
        relationship=said_of("person_type", RELATIONSHIPS),
    )
    members = pl.concat([own.cast({"relationship": pl.String}), others], how="vertical_relaxed")
    rows = spans.join(members, on=["person_id", "dependent_id"], how="inner", maintain_order="left")
    amount = whole_money_text(pl.col("coverage_cents"))
    return rows.with_columns(
        type=plan_type_said(),
        coverage=pl.coalesce(said(pl.col("coverage")), amount, pl.lit("")),
        last=day_said(pl.col("last_on")).fill_null(_("no end known")),
        **{"from": day_said(pl.col("from_on"))},
    ).sort("case", "dependent_id", "plan_type", "from_on")


def _day(day: date) -> pl.Expr:
    return day_said(pl.lit(day))
