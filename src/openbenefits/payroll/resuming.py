"""What comes back of annual pledges that ended during a leave without pay (docs/rules.md §16.16)."""

from datetime import date
from typing import Any, cast

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import AmountKind, Resumption
from openbenefits.enrollment.frames import load_coverage, load_event_dates
from openbenefits.enrollment.rules.reinstated import REDUCED, nothing_reduced
from openbenefits.payroll.away import load_leaves
from openbenefits.payroll.contributions import DEDUCTION
from openbenefits.payroll.frames import load_resumptions
from openbenefits.payroll.owing import known_of
from openbenefits.payroll.rules import owed_amounts
from openbenefits.payroll.rules.resuming import SERIES, lapsed, with_missed
from openbenefits.payroll.rules.takings import OWNER
from openbenefits.programs.frames import load_rulebook
from openbenefits.programs.rulebook import Rulebook


def load_reduced(connection: Any, asked: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Find what is left of pledges that come back from a leave to who chose to go on with less.

    Shapes:  asked has case, OWNER, plan_type, event_on, pledge_cents, ended_on, resumes_on,
             deduction_resumes_on and deduction_begins_on (of the return). The result is as REDUCED.
    Missing: null where an amount of the pays without coverage is not known.
    """
    chosen = _reducing(connection, asked)
    if chosen.is_empty():
        return nothing_reduced()
    left = money.subtract(pl.col("pledge_cents"), pl.col("missed_cents"))
    found = _with_missed(connection, chosen, rulebook).with_columns(reduced_cents=left)
    return found.select(pl.col(name).cast(kind) for name, kind in REDUCED.items())


def lapsed_pledges(
    connection: Any, client_id: int, person_id: int, leave: dict[str, Any], *, on: date
) -> pl.DataFrame:
    """List the pledges that ended during one leave, and what they come to at the return.

    While somebody is away the return is taken to be on the day asked on.

    Shapes:  leave has OWNER, leave_from, leave_until. The result has LAPSED of `rules.resuming`, missed_cents
             and reduced_cents.
    """
    rulebook = load_rulebook(connection, [client_id])
    person = pl.DataFrame(
        {"client_id": [client_id], "person_id": [person_id]},
        schema={"client_id": pl.Int32, "person_id": pl.Int64},
    )
    pledged = rulebook.plan_rows.filter("is_lapsing", amount_kind=str(AmountKind.PLEDGE))
    points = load_coverage(connection, person).filter(
        pl.col("plan_type").is_in(pledged["plan_type"].unique().implode())
    )
    one = pl.DataFrame([{name: leave[name] for name in (*OWNER, "leave_from", "leave_until")}])
    one = one.cast({name: points.schema[name] for name in OWNER})
    found = lapsed(points, load_event_dates(connection, person), one)
    if found.is_empty():
        return found.with_columns(missed_cents=pl.lit(None, pl.Int64), reduced_cents=pl.lit(None, pl.Int64))
    back_on = min(on, leave["leave_until"])
    back = pl.max_horizontal(pl.lit(back_on), "deduction_resumes_on")
    asked = found.with_columns(returned="deduction_begins_on").with_columns(
        deduction_begins_on=pl.coalesce("deduction_begins_on", back)
    )
    rows = _with_missed(connection, asked, rulebook).with_columns(
        reduced_cents=money.subtract(pl.col("pledge_cents"), pl.col("missed_cents")),
        deduction_begins_on="returned",
    )
    return rows.drop("returned")


def _reducing(connection: Any, asked: pl.DataFrame) -> pl.DataFrame:
    """Keep the pledges that ended during a leave of somebody who chose, for it, to go on with less."""
    chosen = load_resumptions(connection, asked)
    if chosen.is_empty():
        return asked.clear()
    parts = [  # one load for each client of a partition, of the few people who chose
        load_leaves(connection, client, some["person_id"].unique().to_list())
        for (client,), some in chosen.group_by("client_id")
    ]
    leaves = pl.concat(parts).filter(resumption=str(Resumption.REDUCED))
    pairs = asked.join(leaves.select(*OWNER, "leave_from", "leave_until"), on=list(OWNER))
    ended_within = pl.col("ended_on").is_between("leave_from", "leave_until", closed="left")
    return pairs.filter(ended_within, pl.col("leave_until") <= pl.col("event_on")).select(asked.columns)


def _with_missed(connection: Any, asked: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add missed_cents, from what would be owed if nothing had ended."""
    held = load_coverage(connection, asked).filter(slot=0)
    ends = asked.select(*SERIES, "resumes_on").unique(SERIES)
    points = held.join(ends, on=SERIES).filter(pl.col("begins_on") < pl.col("resumes_on"))
    back = asked["deduction_begins_on"]
    begin, through = cast("date", back.min()).replace(month=1, day=1), cast("date", back.max())
    known = known_of(connection, points.select(held.columns), rulebook, begin=begin, through=through)
    lines = owed_amounts(known, rulebook, begin=begin, through=through).filter(kind=DEDUCTION)
    return with_missed(asked, lines.select(*SERIES, "ends_on", "owed_cents"))
