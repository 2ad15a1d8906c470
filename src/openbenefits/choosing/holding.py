"""What somebody has on a day, who is covered, what pays take for it, and what is still to come."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from openbenefits.choosing.names import names_of
from openbenefits.choosing.outcome import COVERED, DEDUCTION, Today
from openbenefits.choosing.rules.lines import Side, pays_told
from openbenefits.core.plan_types import PLAN_TYPES
from openbenefits.enrollment.frames import load_contents_of, load_coverage
from openbenefits.payroll.services import owed
from openbenefits.reports.names import with_option_names
from openbenefits.reports.rules import whole_money_text
from openbenefits.workforce.frames import dependent_names_as_of

Row = Mapping[str, Any]
AHEAD = timedelta(days=45)


@dataclass(frozen=True, kw_only=True)
class HeldNow:
    """A plan type as it holds on a day, or will hold from one."""

    plan_type: str
    plan_type_name: str
    kind: str
    side: Side | None
    since: date
    waits_for_cents: int | None


@dataclass(frozen=True, kw_only=True)
class Pay:
    """A pay and what it takes, by plan type. Cents."""

    begins_on: date
    ends_on: date
    check_on: date
    lines: tuple[tuple[str, int], ...]  # name of the plan type, cents

    @property
    def total_cents(self) -> int:
        """What it takes together."""
        return sum(cents for _, cents in self.lines)


@dataclass(frozen=True, kw_only=True)
class Holding:
    """All of it."""

    now: tuple[HeldNow, ...]
    ahead: tuple[HeldNow, ...]
    pays: tuple[Pay, ...]  # the latest first; the first may be still to come

    def today(self) -> Today:
        """The sides, as `outcome` compares with them."""
        held = {one.plan_type: one for one in self.now if one.side is not None}
        return Today(
            sides={kind: one.side for kind, one in held.items() if one.side is not None},
            since={kind: one.since for kind, one in held.items()},
            waits={kind: one.waits_for_cents for kind, one in held.items() if one.waits_for_cents},
        )


def holding_of(
    connection: Any,
    client_id: int,
    person_id: int,
    *,
    on: date,
    today: date,
    benefit_record: int = 0,
) -> Holding:
    """Answer what a person has on a day, priced by what pays take as of today, and what begins later."""
    people = pl.DataFrame(
        {"client_id": [client_id], "person_id": [person_id]},
        schema={"client_id": pl.Int32, "person_id": pl.Int64},
    )
    points = load_coverage(connection, people).filter(
        (pl.col("slot") == 0) & (pl.col("benefit_record") == benefit_record)
    )
    rows = _named(connection, people, points, on)
    last = rows.filter(pl.col("begins_on") <= on).sort("begins_on").unique("plan_type", keep="last")
    later = rows.filter(pl.col("begins_on") > on).sort("plan_type", "begins_on")
    lines = _owed(connection, client_id, person_id, benefit_record, today)
    return Holding(
        now=tuple(_held(row, lines, today) for row in last.sort("plan_type").iter_rows(named=True)),
        ahead=tuple(_held(row, lines.clear(), today) for row in later.iter_rows(named=True)),
        pays=_pays(lines, today),
    )


def _named(connection: Any, people: pl.DataFrame, points: pl.DataFrame, on: date) -> pl.DataFrame:
    """Add what each point is called, and who it covers and who is to receive, in words."""
    key = ["client_id", "person_id", "benefit_record", "plan_type", "slot", "begins_on", "version"]
    contents = load_contents_of(connection, people)
    case = people.with_columns(
        case=pl.lit(0, pl.Int32), benefit_record=pl.lit(0, pl.Int16), as_of=pl.lit(date.max)
    )
    names = dependent_names_as_of(connection, case).select(
        "dependent_id", name=pl.concat_str("first_name", "last_name", separator=" ", ignore_nulls=True)
    )
    covered = contents.members.join(names, on="dependent_id", how="left").sort("dependent_id")
    members = covered.group_by(key, maintain_order=True).agg(dependents=pl.col("name"))
    setup = names_of(connection, int(people["client_id"][0]))
    rows = points.with_columns(event_on=pl.max_horizontal(pl.col("begins_on"), pl.lit(on)))
    return (
        with_option_names(rows, setup)
        .join(members, on=key, how="left")
        .with_columns(amount=whole_money_text(pl.col("coverage_cents")))
    )


def _held(row: Row, lines: pl.DataFrame, today: date) -> HeldNow:
    kind = row["plan_type"]
    is_covered = row["kind"] in COVERED
    return HeldNow(
        plan_type=kind,
        plan_type_name=PLAN_TYPES[kind],
        kind=row["kind"],
        side=_side(row, lines.filter(pl.col("plan_type") == kind), today) if is_covered else None,
        since=row["begins_on"],
        waits_for_cents=row["requested_coverage_cents"] if is_covered else None,
    )


def _side(row: Row, lines: pl.DataFrame, today: date) -> Side:
    """What is covered, with what its next pay takes, and the year in which today lies."""
    pays = lines.filter(pl.col("kind") == DEDUCTION).group_by("ends_on", maintain_order=True)
    taken = pays.agg(pl.col("owed_cents").sum(), pl.col("employer_cents").sum()).sort("ends_on")
    this_year = taken.filter(pl.col("ends_on").dt.year() == today.year)
    coming = taken.filter(pl.col("ends_on") >= today)
    now = coming.head(1) if coming.height else taken.tail(1)
    classes = lines["tax_class"].drop_nulls().unique()
    amounts = [int(cents) for cents in this_year["owed_cents"]]
    return Side(
        option_id=row["option_id"],
        name=row["plan_name"] or row["option_name"] or row["option_code"] or "",
        tier=row["coverage_name"] or (row["amount"] if row["coverage_cents"] else "") or "",
        coverage_cents=row["coverage_cents"],
        pledge_cents=row["pledge_cents"],
        percent_thousandths=row["percent_thousandths"],
        after_tax_thousandths=row["after_tax_thousandths"],
        hours_hundredths=row["hours_hundredths"],
        dependents=tuple(row["dependents"] or ()),
        pay_cents=int(now["owed_cents"][0]) if now.height else None,
        year_cents=row["pledge_cents"] if row["pledge_cents"] is not None else (sum(amounts) or None),
        employer_year_cents=int(this_year["employer_cents"].sum()) if this_year.height else None,
        is_before_tax=classes[0] == "B" if classes.len() == 1 else None,
        pays=pays_told(amounts) if row["pledge_cents"] is not None else (),
    )


def _owed(connection: Any, client_id: int, person_id: int, benefit_record: int, today: date) -> pl.DataFrame:
    """What the pays of the year take, those of the next weeks with them."""
    begin = date(today.year, 1, 1)
    through = max(date(today.year, 12, 31), today + AHEAD)
    lines = owed(connection, client_id, begin=begin, through=through, person_ids=[person_id])
    return lines.filter(pl.col("benefit_record") == benefit_record)


PAYS_SHOWN = 3


def _pays(lines: pl.DataFrame, today: date) -> tuple[Pay, ...]:
    """The next pay, and those before it."""
    taken = lines.filter((pl.col("kind") == DEDUCTION) & (pl.col("owed_cents") != 0))
    ends = sorted(set(taken["ends_on"]))
    coming = [day for day in ends if day >= today][:1]
    shown = [*coming, *sorted((day for day in ends if day < today), reverse=True)[:PAYS_SHOWN]]
    return tuple(_pay(taken.filter(pl.col("ends_on") == day)) for day in shown)


def _pay(lines: pl.DataFrame) -> Pay:
    summed = (
        lines.group_by("plan_type", maintain_order=True).agg(pl.col("owed_cents").sum()).sort("plan_type")
    )
    first = lines.row(0, named=True)
    return Pay(
        begins_on=first["begins_on"],
        ends_on=first["ends_on"],
        check_on=first["check_on"],
        lines=tuple((PLAN_TYPES[kind], int(cents)) for kind, cents in summed.iter_rows()),
    )
