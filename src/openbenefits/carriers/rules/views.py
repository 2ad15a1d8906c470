"""What a carrier is told of people and their coverage: the same two frames for what it knows and what holds.

A *carrier view* is what a carrier was last told and accepted; beside it stands the projection of the
coverage timeline, in the same shape. Everything sent is the difference of the two (carrier-feeds §4).
"""

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

MEMBER = ("subscriber", "member")
LINE = (*MEMBER, "line")
CONTENT = ("basis", "plan", "tier", "amount_cents")
IDENTITY = ("last_name", "first_name", "middle_name", "suffix", "birth_on", "sex", "ssn")
PLACE = ("address",)
PERSONAL = ("marital_status", "phone", "email", "status", "disabled")
AGREED = ("annual_pay_cents", "weekly_hours_hundredths", "tobacco")
"""What is told only where it is agreed; elsewhere it is null."""
LATEST = ("ends_on", "provider", "end_cause")
"""Of spans that are joined, the last one's word counts."""
ACTIVE, COBRA = "A", "C"

PEOPLE = {
    "subscriber": pl.String,
    "member": pl.String,
    "relationship": pl.String,
    **{name: pl.Date if name == "birth_on" else pl.String for name in (*IDENTITY, *PLACE, *PERSONAL)},
    "annual_pay_cents": pl.Int64,
    "weekly_hours_hundredths": pl.Int64,
    "tobacco": pl.String,
}
"""A row for each person a carrier covers; subscriber is one for a family: the member id of its subscriber.

relationship: INS02, 18 for the subscriber. tobacco: HLH01, T or N. Missing: null is not known, and not told.
"""

COVER = {
    "subscriber": pl.String,
    "member": pl.String,
    "line": pl.String,
    "begins_on": pl.Date,
    "ends_on": pl.Date,
    "basis": pl.String,
    "plan": pl.String,
    "tier": pl.String,
    "amount_cents": pl.Int64,
    "provider": pl.String,
    "cause": pl.String,
    "end_cause": pl.String,
}
"""A span of days a member is covered in a line; no member is covered twice in a line on a day.

ends_on: the last day covered; null: no end is known. basis: INS05 (A active, C COBRA, S surviving, T TEFRA).
amount_cents: what insurance the carrier is told of, a volume or a premium. provider: the number of the doctor
or dentist named last; one nobody names any more is not told (null). cause, end_cause: why it begins,
or ends, in words of `maintenance`; they are told and not compared.
"""


@dataclass(frozen=True, kw_only=True)
class View:
    """What is told, or is to be told, of a carrier's members. Shapes: PEOPLE, COVER."""

    people: pl.DataFrame
    cover: pl.DataFrame


def empty() -> View:
    """Answer the view of a carrier that was told nothing yet."""
    return View(people=pl.DataFrame(schema=PEOPLE), cover=pl.DataFrame(schema=COVER))


def view(people: pl.DataFrame, cover: pl.DataFrame) -> View:
    """Bring two frames into the one form that is compared.

    Spans without a day are left out (what never took effect is not covered), spans that say the same and
    follow one another are one, people without a span stay as they are.
    """
    held = people.select(pl.col(name).cast(kind) for name, kind in PEOPLE.items())
    return View(people=held.unique(MEMBER, keep="any").sort(MEMBER), cover=joined(cover))


def covered_people(people: pl.DataFrame, cover: pl.DataFrame) -> pl.DataFrame:
    """Leave of people those who have a span, and the subscribers of those: who covers only others stays."""
    members = pl.concat([cover.select(MEMBER), cover.select("subscriber", member="subscriber")]).unique()
    return people.join(members, on=list(MEMBER), how="semi")


def joined(cover: pl.DataFrame) -> pl.DataFrame:
    """Join spans that follow one another without a gap and say the same; COVER in, COVER out, in order."""
    rows = cover.select(pl.col(name).cast(kind) for name, kind in COVER.items())
    rows = rows.filter((pl.col("ends_on") >= pl.col("begins_on")).fill_null(value=True))
    rows = rows.sort(*LINE, "begins_on")
    same = pl.all_horizontal(pl.col(name).eq_missing(previous(name)) for name in CONTENT)
    follows = pl.col("begins_on") == previous("ends_on") + timedelta(days=1)
    rows = rows.with_columns(run=(~(same & follows).fill_null(value=False)).cum_sum())
    found = rows.group_by("run", maintain_order=True).agg(
        *(pl.col(name).first() for name in COVER if name not in LATEST),
        *(pl.col(name).last() for name in LATEST),
    )
    return found.select(list(COVER))


def is_same_line() -> pl.Expr:
    """Whether a row is of the line of the row before it; rows stand in the order of lines."""
    return pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in LINE).fill_null(value=False)


def previous(name: str) -> pl.Expr:
    """What the row before it says, where that is of the same line; rows stand in the order of lines.

    A window over the line would say the same, and take twenty times as long.
    """
    return pl.when(is_same_line()).then(pl.col(name).shift(1))


def line_number() -> pl.Expr:
    """Number the lines; rows stand in the order of lines."""
    return (~is_same_line()).cum_sum()


def last_days(cover: pl.DataFrame, *over: str) -> pl.DataFrame:
    """Say how long each `over` is covered: last_on is null where no end is known. A row each."""
    return cover.group_by(over).agg(
        last_on=pl.when(pl.col("ends_on").is_null().any()).then(None).otherwise(pl.col("ends_on").max())
    )
