"""What pays put into the plans of a partner, and what of it the partner was told by files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from openbenefits.carriers.agreements.partners import Partner
from openbenefits.carriers.building import naming
from openbenefits.carriers.building.frames import load_money_files, load_numbers
from openbenefits.carriers.building.saying import money_of
from openbenefits.carriers.lists.keeping import UNTOLD
from openbenefits.carriers.rules.identities import person_key
from openbenefits.carriers.rules.shares import LINE, PAY, SHARES, shares
from openbenefits.payroll.frames import load_orders, load_received, load_reported, load_taken
from openbenefits.payroll.services import owed
from openbenefits.programs.frames import load_setup

DEDUCTION = "deduction"


@dataclass(frozen=True, kw_only=True)
class Funds:
    """Money of pays that were reported whole. Shapes: shares as `rules.shares.SHARES`.

    unknown: how many lines of those pays have no amount, and why, in words of payroll's faults.
    """

    shares: pl.DataFrame
    unknown: int = 0
    faults: tuple[str, ...] = ()


def begin_of(through: date) -> date:
    """Answer how far back money is looked at: the year before that of the last day."""
    return date(through.year - 1, 1, 1)


def load_funds(connection: Any, client_ids: Sequence[int], partner: Partner, *, through: date) -> Funds:
    """Answer what pays that end through a day put into a partner's plans, as far as they were reported."""
    found = [_of_client(connection, client_id, partner, through) for client_id in client_ids]
    return Funds(
        shares=pl.concat([pl.DataFrame(schema=SHARES), *(one.shares for one in found)]),
        unknown=sum(one.unknown for one in found),
        faults=tuple(sorted({fault for one in found for fault in one.faults})),
    )


def told_of(
    connection: Any, owner: int, code: str, kind: str, client_ids: Sequence[int], *, through: date
) -> pl.DataFrame:
    """Answer what files told a partner, of the time that is looked at: SHARES, several rows of a key."""
    rows = load_money_files(connection, owner, code, kind, client_ids, [str(one) for one in UNTOLD])
    said = [
        one
        for one in (money_of(sealed) for sealed in rows["said"])
        if one is not None and set(SHARES) <= set(one.columns)
    ]
    found = pl.concat([pl.DataFrame(schema=SHARES), *(one.select(list(SHARES)) for one in said)])
    is_near = pl.col("ends_on").is_between(begin_of(through), through)
    return found.filter(pl.col("client_id").is_in(list(client_ids)) & is_near)


def with_names(connection: Any, rows: pl.DataFrame, *, on: date) -> pl.DataFrame:
    """Add who the people are: employee_number, client, names, ssn, birth_on, sex, and `person`, our key."""
    who = rows.select("client_id", "person_id").unique()
    known = naming.facts_of(connection, who, on=on, known_at=None).people
    told = known.select(
        "client_id", "person_id", "last_name", "first_name", "ssn", "birth_on", "sex", "state"
    )
    key = ["client_id", "person_id"]
    found = rows.join(told, on=key, how="left", maintain_order="left")
    numbers = load_numbers(connection, who)
    found = found.join(numbers, on=key, how="left", maintain_order="left")
    return found.with_columns(person=person_key(pl.col("client_id"), pl.col("person_id")))


def _of_client(connection: Any, client_id: int, partner: Partner, through: date) -> Funds:
    place = ["pay_group_id", "ends_on"]
    reported = load_reported(connection, client_id).unique()
    reported = reported.filter(pl.col("ends_on").is_between(begin_of(through), through))
    if reported.is_empty():
        return Funds(shares=pl.DataFrame(schema=SHARES))
    plans, sole = _plans(load_setup(connection, [client_id]), partner)
    first, last = reported["ends_on"].min(), reported["ends_on"].max()
    lines = owed(connection, client_id, begin=_day(first), through=_day(last)).filter(kind=DEDUCTION)
    lines = lines.join(reported, on=place, how="semi").join(plans, on="option_id", how="left")
    mine = lines.filter(pl.col("plan").is_not_null())
    others = lines.filter(pl.col("plan").is_null()).join(mine, on=list(PAY), how="anti").select(PAY).unique()
    whose = mine.select(LINE).unique().with_columns(is_mine=pl.lit(value=True))

    def ours(rows: pl.DataFrame) -> pl.DataFrame:
        """Keep deductions of these pays that were for the partner's plans."""
        kept = rows.filter(kind=DEDUCTION).join(reported, on=place, how="semi")
        kept = kept.join(others, on=list(PAY), how="anti").join(whose, on=list(LINE), how="left")
        return kept.filter(pl.col("is_mine").fill_null(value=False) | pl.col("plan_type").is_in(sole))

    orders = load_orders(connection, client_id, None).filter(~pl.col("is_cancelled"))
    unknown = mine.filter(pl.col("owed_cents").is_null() | pl.col("employer_cents").is_null())
    found = shares(
        mine,
        ours(load_taken(connection, client_id, None)),
        ours(load_received(connection, client_id, None)),
        ours(orders),
    )
    faults = tuple(unknown["fault"].drop_nulls().unique().sort())
    return Funds(shares=found, unknown=unknown.height, faults=faults)


def _plans(setup: dict[str, pl.DataFrame], partner: Partner) -> tuple[pl.DataFrame, list[str]]:
    """Name the partner's plans by option, and the plan types of which the client has nobody else's plan."""
    plans = setup["plan"].sort("valid_from").unique("plan_id", keep="last")
    options = setup["option"].sort("valid_from").unique("option_id", keep="last")
    rows = options.select("option_id", "plan_id", "plan_type").join(
        plans.select("plan_id", "carrier", plan="code"), on="plan_id"
    )
    is_ours = pl.col("carrier").is_in(list(partner.carriers))
    types = rows.group_by("plan_type").agg(is_sole=is_ours.all()).filter("is_sole")["plan_type"]
    return rows.filter(is_ours).select("option_id", "plan"), types.to_list()


def _day(value: object) -> date:
    """Answer a day of a frame as a day."""
    return date.fromisoformat(str(value))
