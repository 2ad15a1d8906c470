"""What reconciliation tells others.

The self-bill, credits on their way, balances by person and plan, figures.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from openbenefits.core import days
from openbenefits.payroll.frames import load_employee_numbers, load_taken
from openbenefits.programs.frames import load_setup
from openbenefits.reconcile.expected import expect, months_before, plans_of
from openbenefits.reconcile.frames import load_items
from openbenefits.reconcile.models import Invoice
from openbenefits.reconcile.rules.causes import CAUSES
from openbenefits.reconcile.states import ACTIVE, ENDED, ItemState
from openbenefits.reconcile.terms import terms_of
from openbenefits.store.bulk import copy_out

OLD = timedelta(days=60)
PERSON_PLAN = ["client_id", "person_id", "plan_id"]


# --- the bill we make ourselves ---------------------------------------------------------------------------


def self_bill(connection: Any, client_ids: Sequence[int], carrier: str, month: date) -> pl.DataFrame:
    """Count what is owed to a carrier for a month, by client, plan and tier.

    People, dependents, volume, premium.

    Shapes:  client_id, plan, plan_name, tier, tier_name, people, dependents, volume_cents (null: the plan's
             price goes by none), premium_cents, unpriced.
    Missing: who cannot be priced is counted as `unpriced`; no premium is guessed.
    """
    terms = terms_of(carrier)
    found = expect(connection, client_ids, terms, [month.replace(day=1)])
    units = _billed(found.units, terms.cobra)
    tiers = load_setup(connection, client_ids)["coverage_code"].select(
        "coverage_code_id", tier="code", tier_name="name"
    )
    named = units.join(found.plans.select("plan_id", "plan", "plan_name"), on="plan_id").join(
        tiers.unique("coverage_code_id"), on="coverage_code_id", how="left"
    )
    return (
        named.group_by("client_id", "plan", "plan_name", "tier", "tier_name")
        .agg(
            people=pl.col("person_id").n_unique().cast(pl.Int64),
            dependents=pl.col("counted").sum(),
            volume_cents=pl.when(pl.col("volume_cents").is_not_null().any()).then(
                pl.col("volume_cents").sum()
            ),
            premium_cents=pl.col("expected_cents").sum(),
            unpriced=pl.col("expected_cents").is_null().sum().cast(pl.Int64),
        )
        .sort("client_id", "plan", "tier")
    )


def roll_forward(connection: Any, client_ids: Sequence[int], carrier: str, month: date) -> pl.DataFrame:
    """Say how a month's bill follows from the one before: before, added, ended, changed, now.

    People and cents.

    Shapes: client_id, plan, and of each step <step>_people and <step>_cents. before + added − ended +
            changed = now.
    """
    terms, first = terms_of(carrier), month.replace(day=1)
    (last,) = months_before(first, 1)
    found = expect(connection, client_ids, terms, [last, first])
    units = _billed(found.units, terms.cobra).drop_nulls("expected_cents")
    sums = units.group_by(*PERSON_PLAN, "month").agg(pl.col("expected_cents").sum())
    old = sums.filter(month=last).select(*PERSON_PLAN, old="expected_cents")
    new = sums.filter(month=first).select(*PERSON_PLAN, new="expected_cents")
    both = old.join(new, on=PERSON_PLAN, how="full", coalesce=True)
    is_old, is_new = pl.col("old").is_not_null(), pl.col("new").is_not_null()
    changed = is_old & is_new & (pl.col("old") != pl.col("new"))
    rows = both.group_by("client_id", "plan_id").agg(
        before_people=is_old.sum().cast(pl.Int64),
        before_cents=pl.col("old").sum(),
        added_people=(is_new & ~is_old).sum().cast(pl.Int64),
        added_cents=pl.col("new").filter(~is_old).sum(),
        ended_people=(is_old & ~is_new).sum().cast(pl.Int64),
        ended_cents=pl.col("old").filter(~is_new).sum(),
        changed_people=changed.sum().cast(pl.Int64),
        changed_cents=(pl.col("new") - pl.col("old")).filter(changed).sum(),
        now_people=is_new.sum().cast(pl.Int64),
        now_cents=pl.col("new").sum(),
    )
    named = rows.join(found.plans.select("plan_id", "plan"), on="plan_id").drop("plan_id")
    return named.select("client_id", "plan", pl.exclude("client_id", "plan")).sort("client_id", "plan")


def _billed(units: pl.DataFrame, cobra: str) -> pl.DataFrame:
    charged = units.filter("is_charged")
    return charged if cobra == "group" else charged.filter(pl.col("basis") != "continuation")


# --- credits and balances ---------------------------------------------------------------------------------


def credits_on_their_way(connection: Any, client_ids: Sequence[int] | None, today: date) -> pl.DataFrame:
    """List what carriers are to credit: claimed, promised for when, come back, the last day; soonest first.

    Shapes: id, client_id, carrier, invoice, code, month, claimed_cents, recovered_cents, open_cents, state,
            promised_on, deadline_on, is_expired.
    """
    from openbenefits.reconcile.items import worklist

    states = [str(state) for state in (*ACTIVE, ItemState.RESOLVED, ItemState.WRITTEN_OFF)]
    rows = worklist(connection, today, client_ids=client_ids, states=states)
    mine = rows.filter(
        (pl.col("owner") == "carrier") & (pl.col("difference_cents") > 0) & (pl.col("leg") == "A")
    )
    is_open = pl.col("state").is_in([str(state) for state in ACTIVE])
    return mine.select(
        *("id", "client_id", "carrier", "invoice", "code", "month"),
        claimed_cents="difference_cents",
        recovered_cents="recovered_cents",
        open_cents=pl.when(is_open).then(pl.col("difference_cents") - pl.col("recovered_cents")).otherwise(0),
        state="state",
        promised_on="promised_on",
        deadline_on="deadline_on",
        is_expired=pl.col("is_expired") & is_open,
    ).sort("is_expired", "deadline_on", "id", nulls_last=True)


CHARGED = {
    "person_id": pl.Int64,
    "plan_id": pl.Int32,
    "month": pl.Date,
    "charged_cents": pl.Int64,
}
CHARGED_LINES = """
SELECT m.person_id, l.plan_id, i.month, sum(l.premium_cents)::bigint AS charged_cents
FROM reconcile_linematch AS m
JOIN reconcile_invoiceline AS l ON l.invoice_id = m.invoice_id AND l.line = m.line
JOIN reconcile_invoice AS i ON i.id = m.invoice_id
WHERE m.client_id = %(client)s AND i.carrier = %(carrier)s AND i.month <= %(through)s
  AND m.standing = 'matched' AND l.plan_id IS NOT NULL
GROUP BY 1, 2, 3
"""


def balances(connection: Any, client_id: int, carrier: str, month: date) -> pl.DataFrame:
    """Keep the register of each person and plan.

    Charged by the carrier and taken from the employee, before and in a month.

    Shapes: employee_number, person_id, plan, opening_charged_cents, charged_cents, opening_taken_cents,
            taken_cents, closing_cents (charged less taken: what the employer bears or is still to be
            collected).
    """
    first = month.replace(day=1)
    terms = terms_of(carrier)
    plans = plans_of(connection, [client_id], terms.carriers).select("plan_id", "plan", "plan_type")
    given = {"client": client_id, "carrier": carrier, "through": first}
    charged = copy_out(connection, CHARGED_LINES, CHARGED, given).join(plans, on="plan_id")
    since = charged["month"].min()
    taken = load_taken(connection, client_id, None).filter(kind="deduction")
    taken = taken.with_columns(month=days.month_begin(pl.col("ends_on"))).filter(
        (pl.col("month") <= first) & (pl.col("month") >= (since or first))
    )
    now = pl.col("month") == first
    of_plan = charged.group_by("person_id", "plan_type", "plan").agg(
        opening_charged_cents=pl.col("charged_cents").filter(~now).sum(),
        charged_cents=pl.col("charged_cents").filter(now).sum(),
        last=pl.col("month").max(),
    )
    of_type = taken.group_by("person_id", "plan_type").agg(
        opening_taken_cents=pl.col("taken_cents").filter(~now).sum(),
        taken_cents=pl.col("taken_cents").filter(now).sum(),
    )
    latest = of_plan.sort("last", "plan").unique(["person_id", "plan_type"], keep="last")
    held = latest.select("person_id", "plan_type", "plan").join(of_type, on=["person_id", "plan_type"])
    rows = of_plan.join(held, on=["person_id", "plan_type", "plan"], how="left").with_columns(
        pl.col("opening_taken_cents", "taken_cents").fill_null(0)
    )
    rows = rows.with_columns(
        closing_cents=pl.col("opening_charged_cents")
        + pl.col("charged_cents")
        - pl.col("opening_taken_cents")
        - pl.col("taken_cents")
    )
    numbers = load_employee_numbers(connection, client_id)
    return (
        rows.join(numbers, on="person_id", how="left")
        .select(
            *("employee_number", "person_id", "plan", "opening_charged_cents", "charged_cents"),
            *("opening_taken_cents", "taken_cents", "closing_cents"),
        )
        .sort("employee_number", "plan")
    )


# --- figures ----------------------------------------------------------------------------------------------


def figures(connection: Any, invoice: Invoice, today: date) -> dict[str, int | None]:
    """Answer the figures of an invoice.

    Shares in hundredths of a percent, None where there is nothing to share.

    Source: reconciliation.md §12: leakage, gross error, line error, recovered, lost to the window,
            first-pass match, unexplained, days to resolve, older than 60 days, people uncovered, collected.
    """
    items = load_items(connection, invoice_id=invoice.pk).filter(pl.col("state") != str(ItemState.CARRIED))
    told, leg_a = dict(invoice.told), items.filter(leg="A")
    billed, lines = told.get("invoiced_cents", 0), told.get("lines", 0)
    claimed = leg_a.filter((pl.col("difference_cents") > 0) & (pl.col("owner") == "carrier"))
    over, back = _sum(claimed, "difference_cents"), _sum(claimed, "recovered_cents")
    lost = claimed.filter((pl.col("deadline_on") < today) & ~pl.col("state").is_in([str(ItemState.RESOLVED)]))
    wrong = leg_a["lines"].str.split(", ").explode().replace("", None).drop_nulls().n_unique()
    ended = items.filter(pl.col("state").is_in([str(state) for state in ENDED])).drop_nulls("closed_at")
    took = (ended["closed_at"] - ended["opened_at"]).dt.total_days()
    still = items.filter(pl.col("state").is_in([str(state) for state in ACTIVE]))
    uncovered = [code for code, one in CAUSES.items() if one.code in ("INV_MISSING", "COBRA_MISSING")]
    due = (told.get("owed_cents") or 0) + (told.get("employer_cents") or 0)
    collected = (told.get("taken_cents") or 0) + (told.get("employer_cents") or 0)
    return {
        "leakage": _share(_sum(lost, "difference_cents") - _sum(lost, "recovered_cents"), billed),
        "gross error": _share(int(leg_a["difference_cents"].abs().sum()), billed),
        "line errors": _share(wrong, lines),
        "recovered": _share(back, over),
        "lost to the window": _share(_sum(lost, "difference_cents"), over),
        "first-pass match": _share(told.get("matched", 0), lines),
        "unexplained": _share(abs(told.get("unexplained_cents", 0)), billed),
        "days to resolve": int(took.sum()) // took.len() if took.len() else None,
        "older than 60 days": still.filter(pl.col("opened_at").dt.date() < today - OLD).height,
        "perhaps uncovered": still.filter(pl.col("code").is_in(uncovered)).height,
        "collected": _share(collected, due) if told.get("owed_cents") is not None else None,
    }


def _sum(rows: pl.DataFrame, column: str) -> int:
    return int(rows[column].sum())


def _share(part: int, whole: int) -> int | None:
    """A part in hundredths of a percent of the whole, half up."""
    return (part * 20_000 + whole) // (2 * whole) if whole else None
