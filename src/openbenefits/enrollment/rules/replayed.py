"""Elections of an event decided again: which still stand, and which go back to the person (rulings §6.2).

A choice stands if it is still valid and the employee's cost per pay has not risen; one that waited while an
earlier event was decided also must not leave out whom that event covers (rulings §1.7). One that does not
stand sends the whole event back (RE): what was chosen stays on record, nothing of it holds, nothing is lost.
"""

from dataclasses import replace

import polars as pl

from openbenefits.core import money
from openbenefits.enrollment.rules.elected import Elected
from openbenefits.enrollment.rules.messages import message_rows, with_catalogue
from openbenefits.enrollment.rules.prepare import Prepared
from openbenefits.enrollment.rules.settle import Settled

REPLACED = "BA1331"
RETURNED = "BA1342"
NOT_SAID = (REPLACED, "BA1332")
"""What is said of results only: of a returned event nothing is replaced and nothing ends."""


def return_fallen(
    settled: Settled,
    replayed: pl.DataFrame,
    elected: Elected,
    prepared: Prepared,
    earlier: pl.DataFrame,
    newly: pl.DataFrame,
) -> Settled:
    """Give the replayed cases of which some choice no longer stands back to the person: RE, without results.

    Shapes:  replayed names the cases decided again; earlier has case, option_id and the employee's cost per
             pay as last offered (before_cents, after_cents; null: stated by the person, not compared); newly
             as `newly_covered`.
    """
    chosen = elected.elections.join(replayed.select("case"), on="case", how="semi")
    dearer = _dearer(chosen, prepared, earlier)
    invalid = settled.messages.filter(code=REPLACED).join(replayed.select("case"), on="case", how="semi")
    left_out = _left_out(chosen, elected, newly)
    returned = pl.concat([rows.select("case") for rows in (dearer, invalid, left_out)]).unique()
    if returned.is_empty():
        return settled
    messages = pl.concat([_messages(dearer), _left_out_messages(left_out)])
    return _without(settled, returned, with_catalogue(messages))


def newly_covered(
    cases: pl.DataFrame, prepared: Prepared, before: pl.DataFrame, held: Elected
) -> pl.DataFrame:
    """Name the dependents whom another option covers than when the event was last prepared.

    Shapes: before has case, plan_type and held_option_id (then in force; no row: nothing was). Result: case,
            plan_type, dependent_id.
    """
    plans = prepared.plans.join(cases.select("case"), on="case", how="semi")
    both = plans.select("case", "plan_type", "current_option_id").join(
        before, on=["case", "plan_type"], how="left"
    )
    other = both.filter(pl.col("current_option_id").ne_missing(pl.col("held_option_id")))
    return held.members.join(other, on=["case", "plan_type"], how="semi").select(
        "case", "plan_type", "dependent_id"
    )


def _left_out(chosen: pl.DataFrame, elected: Elected, newly: pl.DataFrame) -> pl.DataFrame:
    """Count the dependents covered by now whom a choice leaves out: case, plan_type, dependents."""
    asked = newly.join(chosen, on=["case", "plan_type"], how="semi")
    missed = asked.join(elected.members, on=["case", "plan_type", "dependent_id"], how="anti")
    return missed.group_by("case", "plan_type", maintain_order=True).agg(dependents=pl.len())


def _left_out_messages(left_out: pl.DataFrame) -> pl.DataFrame:
    return message_rows(
        left_out,
        RETURNED,
        pl.lit("a choice about everybody covered by now"),
        pl.format("{} dependents covered since it was made, and in no choice", "dependents"),
    )


def _dearer(chosen: pl.DataFrame, prepared: Prepared, earlier: pl.DataFrame) -> pl.DataFrame:
    """The choices whose cost per pay has risen, with both costs."""
    cost = money.add(pl.col("pay_before_tax_cents"), pl.col("pay_after_tax_cents"))
    now = prepared.options.select("case", "option_id", now_cents=cost)
    was = earlier.select("case", "option_id", was_cents=cost)
    both = chosen.join(now, on=["case", "option_id"]).join(was, on=["case", "option_id"])
    return both.filter(pl.col("now_cents") > pl.col("was_cents"))


def _messages(dearer: pl.DataFrame) -> pl.DataFrame:
    return message_rows(
        dearer,
        RETURNED,
        pl.format("at most {} cents a pay, as when it was chosen", "was_cents"),
        pl.format("{} cents a pay", "now_cents"),
    )


def _without(settled: Settled, returned: pl.DataFrame, more: pl.DataFrame) -> Settled:
    """Take the results of some cases away; they are RE."""

    def kept(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.join(returned, on="case", how="anti")

    is_returned = pl.col("case").is_in(returned["case"].implode())
    said = settled.messages.filter(~(is_returned & pl.col("code").is_in(NOT_SAID)))
    return replace(
        settled,
        cases=settled.cases.with_columns(
            process_status=pl.when(is_returned).then(pl.lit("RE")).otherwise("process_status")
        ),
        messages=pl.concat([said, more]),
        credits=replace(
            settled.credits,
            uses=kept(settled.credits.uses),
            rolls=kept(settled.credits.rolls),
        ),
        results=kept(settled.results),
        members=kept(settled.members),
        funds=kept(settled.funds),
        beneficiaries=kept(settled.beneficiaries),
    )
