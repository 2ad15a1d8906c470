"""Leaves without pay: by which policy, in which way coverage is paid for, and what follows from arrears."""

from datetime import date, timedelta

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import LeaveWay
from openbenefits.core.plan_types import HEALTH, is_one_of
from openbenefits.payroll.rules.causes import ENDS
from openbenefits.payroll.rules.ledger import PLACE, SERIES
from openbenefits.payroll.rules.takings import OWNER
from openbenefits.programs.dated import effective

UNPAID = "L"
"""The job status of somebody on leave without pay."""
FAR = pl.date(9999, 12, 31)
PEO = 0
ANY = ""
HUNDRED_PERCENT = 100_000
"""Thousandths of a percent."""

LEAVE = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "leave_from": pl.Date,
    "leave_until": pl.Date,
    "action": pl.String,
    "reason": pl.String,
}
"""A leave: its first day, the first day after it (9999-12-31: it goes on), and how it began."""

TERMS: dict[str, pl.DataType | type[pl.DataType]] = {
    "policy": pl.String,
    "law": pl.String,
    "ways": pl.List(pl.String),
    "default_way": pl.String,
    "grace_days": pl.Int16,
    "notice_days": pl.Int16,
    "lapse_class": pl.String,
    "full_cost_after_days": pl.Int16,
    "full_cost_thousandths": pl.Int32,
}

WAYS = {
    "way": pl.String,
    "through_on": pl.Date,
    "consent": pl.String,
    "noticed_on": pl.Date,
    "resumption": pl.String,
}
"""What was chosen, until when the leave is expected to last, how that was agreed; the last letter; how much
of the pledges that ended goes on at the return (null: nobody said)."""

PAID, DUE, NOTICE, NOTICED, LAPSE = "paid", "due", "notice", "noticed", "lapse"
"""Where what is paid as one goes stands: nothing open; open; a letter is due; it was sent; cover may end."""

STANDING = {
    "due_cents": pl.Int64,
    "paid_cents": pl.Int64,
    "open_cents": pl.Int64,
    "oldest_due_on": pl.Date,
    "notice_from": pl.Date,
    "may_end_on": pl.Date,
    "standing": pl.String,
}

HELD = {
    str(LeaveWay.PREPAY): "prepaid",
    str(LeaveWay.PAY_AS_YOU_GO): "as you go",
    str(LeaveWay.CATCH_UP): "catch up",
}
"""Why a correction waits during a leave, by the way it is paid for; else 'no leave policy'."""


def leaves_of(held: pl.DataFrame) -> pl.DataFrame:
    """Find the leaves without pay in a job history.

    Shapes: held has OWNER, as_of, job_status, action, reason: the primary job of each benefit record on every
            day on which a job row begins. The result is as LEAVE.
    """
    rows = held.sort(*OWNER, "as_of").with_columns(
        is_away=(pl.col("job_status") == UNPAID).fill_null(value=False)
    )
    changes = rows.filter(
        (pl.col("is_away") != pl.col("is_away").shift(1).over(OWNER)).fill_null(value=True)
    ).with_columns(leave_until=pl.col("as_of").shift(-1).over(OWNER).fill_null(FAR))
    away = changes.filter("is_away").rename({"as_of": "leave_from"})
    return away.select(pl.col(name).cast(kind) for name, kind in LEAVE.items())


def with_policies(leaves: pl.DataFrame, policies: pl.DataFrame) -> pl.DataFrame:
    """Add to each leave the TERMS of the policy of its first day; null where there is none.

    The policy that names the action and reason comes before one that names the action alone, and that before
    one that names nothing; the client's own before the PEO's.

    Shapes: policies as the rows `leave_policy` of set-up, of one client and the PEO.
    """
    starts = _starts(policies)
    pairs = leaves.join(starts, how="cross").filter(
        (pl.col("valid_from") <= pl.col("leave_from"))
        & (pl.col("leave_from") < pl.col("valid_to"))
        & ((pl.col("of_action") == ANY) | (pl.col("of_action") == pl.col("action")))
        & ((pl.col("of_reason") == ANY) | (pl.col("of_reason") == pl.col("reason")))
    )
    ranked = pairs.sort(
        pl.col("of_reason") != ANY,
        pl.col("of_action") != ANY,
        pl.col("of_client") != PEO,
        "policy",
        descending=[True, True, True, False],
    )
    key = [*OWNER, "leave_from"]
    best = ranked.unique(key, keep="first", maintain_order=True).select(*key, *TERMS)
    return leaves.join(best, on=key, how="left", maintain_order="left")


def _starts(policies: pl.DataFrame) -> pl.DataFrame:
    """Spell policies out: one row for each way to begin; a client's code in place of the PEO's."""
    own = policies.filter(pl.col("client_id") != PEO)["code"].unique()
    kept = policies.filter((pl.col("client_id") != PEO) | ~pl.col("code").is_in(own.implode()))
    rows = effective(kept, "code").select(
        "valid_from",
        "valid_to",
        of_client="client_id",
        policy="code",
        law="kind",
        ways=pl.col("ways").str.split(" "),
        default_way="default_way",
        grace_days="grace_days",
        notice_days="notice_days",
        lapse_class="lapse_class",
        full_cost_after_days="full_cost_after_days",
        full_cost_thousandths="full_cost_thousandths",
        start=pl.col("begun_by").str.split(" "),
    )
    return rows.explode("start").with_columns(
        of_action=pl.col("start").str.split("/").list.get(0, null_on_oob=True).fill_null(ANY),
        of_reason=pl.col("start").str.split("/").list.get(1, null_on_oob=True).fill_null(ANY),
    )


WITHDRAWN = "withdrawn"
"""Said of a leave whose choices and letters count no longer: they went with the person to another number."""


def with_ways(leaves: pl.DataFrame, acts: pl.DataFrame) -> pl.DataFrame:
    """Add WAYS: the last choices (of the way, else the policy's default) and the last letter.

    Shapes: leaves with TERMS; acts as the rows LeaveAct.
    """
    key = [*OWNER, "leave_from"]
    last = acts_that_count(acts).sort(*key, "number")
    chosen = last.filter(kind="way").unique(key, keep="last", maintain_order=True)
    letters = last.filter(kind="notice").unique(key, keep="last", maintain_order=True)
    resumed = last.filter(kind="resume").unique(key, keep="last", maintain_order=True)
    rows = leaves.join(chosen.select(*key, "way", "through_on", consent="reason"), on=key, how="left")
    rows = rows.join(letters.select(*key, noticed_on="acted_on"), on=key, how="left")
    rows = rows.join(resumed.select(*key, resumption="way"), on=key, how="left")
    return rows.with_columns(way=pl.coalesce("way", "default_way")).sort(key)


def acts_that_count(acts: pl.DataFrame) -> pl.DataFrame:
    """Keep the choices and letters about each leave that nobody withdrew since.

    Shapes: as the rows LeaveAct. An act of kind WITHDRAWN takes back all before it about its leave.
    """
    key = [*OWNER, "leave_from"]
    gone = acts.filter(kind=WITHDRAWN).group_by(key).agg(gone=pl.col("number").max())
    found = acts.join(gone, on=key, how="left", maintain_order="left")
    return found.filter(pl.col("number") > pl.col("gone").fill_null(0)).select(acts.columns)


def leave_pays(compared: pl.DataFrame, checks: pl.DataFrame, leaves: pl.DataFrame) -> pl.DataFrame:
    """Pair leaves with the amounts of the pays that end during them.

    Shapes: compared has SERIES, PLACE, owed_cents, taken_cents, received_cents, ordered_cents; checks has
            PLACE and check_on. The result has the leave's columns, SERIES, PLACE, check_on, owed_cents,
            paid_cents and open_cents.
    """
    during = (
        compared.filter(kind="deduction")
        .join(leaves, on=list(OWNER))
        .filter(pl.col("ends_on").is_between("leave_from", "leave_until", closed="left"))
    )
    paid = pl.col("taken_cents") - pl.col("ordered_cents") + pl.col("received_cents")
    return during.join(checks, on=list(PLACE), how="left").with_columns(
        paid_cents=paid, open_cents=pl.col("owed_cents") - paid
    )


def standings(pays: pl.DataFrame, leaves: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Say of each leave paid as one goes what is due and open on a day, and what may follow.

    Shapes:  pays as `leave_pays`, leaves with TERMS and WAYS. The result has their columns and STANDING.
             `notice_from`: from when the letter must be out for coverage to end when the grace is over;
             `may_end_on`: the first day on which it may end (after the letter, if it was sent since).
    Missing: an unknown amount leaves the sums null.
    Source:  29 CFR 825.212: more than 30 days late, and 15 days after the letter.
    """
    key = [*OWNER, "leave_from"]
    due = pays.filter(pl.col("check_on") <= as_of)
    is_open = pl.col("open_cents") > 1  # a cent is of the split
    sums = due.group_by(key).agg(
        *(
            pl.when(pl.col(name).is_not_null().all()).then(pl.col(name).sum()).alias(name)
            for name in ("owed_cents", "paid_cents", "open_cents")
        ),
        oldest_due_on=pl.col("check_on").filter(is_open).min(),
    )
    rows = leaves.join(sums.rename({"owed_cents": "due_cents"}), on=key, how="left")
    rows = rows.with_columns(pl.col("due_cents", "paid_cents", "open_cents"))
    grace = pl.duration(days=pl.col("grace_days").cast(pl.Int64))
    notice = pl.duration(days=pl.col("notice_days").cast(pl.Int64))
    is_noticed = pl.col("noticed_on") >= pl.col("oldest_due_on")
    late_on = pl.col("oldest_due_on") + grace + timedelta(days=1)
    noticed = pl.max_horizontal(late_on, pl.when(is_noticed).then(pl.col("noticed_on") + notice))
    rows = rows.with_columns(
        notice_from=pl.max_horizontal("oldest_due_on", late_on - notice),
        may_end_on=pl.when(is_noticed).then(noticed),
    )
    return rows.with_columns(standing=_standing(as_of))


def _standing(as_of: date) -> pl.Expr:
    goes = pl.col("way") == str(LeaveWay.PAY_AS_YOU_GO)
    return (
        pl.when(~goes)
        .then(pl.lit(None, pl.String))
        .when(pl.col("oldest_due_on").is_null())
        .then(pl.lit(PAID))
        .when(pl.col("may_end_on") <= as_of)
        .then(pl.lit(LAPSE))
        .when(pl.col("may_end_on").is_not_null())
        .then(pl.lit(NOTICED))
        .when(pl.col("notice_from") <= as_of)
        .then(pl.lit(NOTICE))
        .otherwise(pl.lit(DUE))
    )


ON_LEAVE = "leave"
"""Why a pay owes otherwise than the one before: a leave made coverage cost its full price, or is over."""


def with_full_cost(lines: pl.DataFrame, leaves: pl.DataFrame) -> pl.DataFrame:
    """Let health coverage cost its full price, and the policy's percentage of it, in long leaves.

    Shapes:  lines as `lines.LINE`; leaves with TERMS. Deductions of health plan types, in pays that end so
             many days or more after a leave began and before it is over, owe what both parts were, by the
             percentage; the employer pays nothing. The first such pay, and the first after, say so.
    Missing: an unknown part leaves the amount unknown.
    Source:  docs/rules.md §16.15; 20 CFR 1002.166.
    """
    dear = leaves.drop_nulls("full_cost_after_days").select(
        *OWNER,
        "leave_until",
        "full_cost_thousandths",
        dear_from=pl.col("leave_from") + pl.duration(days=pl.col("full_cost_after_days").cast(pl.Int64)),
    )
    rows = lines.with_row_index("line")
    is_health = is_one_of(HEALTH) & (pl.col("kind") == "deduction") & (pl.col("cause") != ENDS)
    pairs = rows.filter(is_health).join(dear, on=list(OWNER))
    meant = pairs.filter(pl.col("ends_on").is_between("dear_from", "leave_until", closed="left"))
    after = pairs.filter(pl.col("ends_on") >= pl.col("leave_until"), pl.col("cause") == "")
    told = pl.concat([_first_of_each(meant), _first_of_each(after)]).unique()
    found = rows.join(_full_prices(meant), on="line", how="left", maintain_order="left")
    is_dear, is_told = pl.col("is_dear").fill_null(value=False), pl.col("line").is_in(told.implode())
    return found.with_columns(
        owed_cents=pl.when(is_dear).then("full_cents").otherwise("owed_cents"),
        employer_cents=pl.when(is_dear & pl.col("full_cents").is_not_null())
        .then(pl.lit(0, pl.Int64))
        .otherwise("employer_cents"),
        cause=pl.when(is_told).then(pl.lit(ON_LEAVE)).otherwise("cause"),
    ).select(lines.columns)


def _first_of_each(pairs: pl.DataFrame) -> pl.Series:
    """The first pay of each line and leave."""
    line = [*OWNER, "plan_type", "slot", "tax_class", "dear_from"]
    return pairs.sort("ends_on").unique(line, keep="first")["line"]


def _full_prices(meant: pl.DataFrame) -> pl.DataFrame:
    """What the lines owe at the full price: line, full_cents, is_dear."""
    whole = money.add(pl.col("owed_cents"), pl.col("employer_cents"))
    percent = pl.col("full_cost_thousandths").cast(pl.Int64)
    return meant.unique("line", keep="first").select(
        "line",
        full_cents=money.multiply_divide_half_up(whole, percent, pl.lit(HUNDRED_PERCENT, pl.Int64)),
        is_dear=pl.lit(value=True),
    )


def held_corrections(due: pl.DataFrame, leaves: pl.DataFrame, on: date) -> pl.DataFrame:
    """Say which corrections wait, as the person is on leave, or has paid for one to come.

    Shapes: due has SERIES, correct_cents; leaves with TERMS and WAYS. The result has SERIES and held, a word
            of `corrections.WHY`.
    """
    rows = due.join(leaves, on=list(OWNER))
    is_away = pl.col("leave_from") <= on
    is_deduction = pl.col("kind") == "deduction"
    is_prepaid = (pl.col("way") == str(LeaveWay.PREPAY)) & is_deduction
    is_paid_before = is_prepaid & (pl.col("correct_cents") < 0)
    is_recovery = (
        pl.when(is_deduction).then(pl.col("correct_cents") > 0).otherwise(pl.col("correct_cents") < 0)
    )
    waits = rows.filter(
        (pl.col("leave_until") > on) & (is_paid_before | (is_away & is_recovery)).fill_null(value=False)
    )
    told = pl.col("way").replace_strict(HELD, default="no leave policy", return_dtype=pl.String)
    return waits.select(*SERIES, held=told.fill_null("no leave policy")).unique(list(SERIES), keep="first")


def agreed_in_leave(pays: pl.DataFrame, on: date) -> pl.DataFrame:
    """Say what people agreed to catch up after leaves that are over: SERIES, agreed_cents, agreed (how).

    Shapes: pays as `leave_pays`, with the leaves' WAYS.
    """
    over = pays.filter(
        (pl.col("leave_until") <= on)
        & (pl.col("way") == str(LeaveWay.CATCH_UP))
        & pl.col("consent").is_not_null()
    )
    return over.group_by(SERIES).agg(
        agreed_cents=pl.col("open_cents").sum(), agreed=pl.col("consent").sort_by("leave_from").last()
    )


def to_prepay(ahead: pl.DataFrame, due: pl.DataFrame, leaves: pl.DataFrame, on: date) -> pl.DataFrame:
    """Find what is still to be taken before leaves that are to be paid for ahead.

    What falls into a later calendar year than the leave begins in is not paid ahead (26 CFR 1.125-3 Q&A-3).

    Shapes: ahead has SERIES, PLACE, owed_cents of the pays to come; due has SERIES, correct_cents; leaves
            with WAYS. The result has SERIES, leave_from, correct_cents: what to order.
    """
    planned = leaves.filter((pl.col("way") == str(LeaveWay.PREPAY)) & (pl.col("leave_from") > on))
    last = pl.min_horizontal("through_on", pl.col("leave_until") - timedelta(days=1))
    rows = (
        ahead.filter(kind="deduction")
        .join(planned.with_columns(last=last), on=list(OWNER))
        .filter(
            (pl.col("ends_on") >= pl.col("leave_from"))
            & (pl.col("ends_on") <= pl.col("last"))
            & (pl.col("ends_on").dt.year() == pl.col("leave_from").dt.year())
        )
    )
    needed = rows.group_by(*SERIES, "leave_from").agg(
        needed=pl.when(pl.col("owed_cents").is_not_null().all()).then(pl.col("owed_cents").sum())
    )
    there = due.select(*SERIES, ahead=-pl.col("correct_cents").clip(upper_bound=0))
    found = needed.join(there, on=list(SERIES), how="left").with_columns(
        correct_cents=pl.col("needed") - pl.col("ahead").fill_null(0)
    )
    return found.filter(pl.col("correct_cents").is_null() | (pl.col("correct_cents") > 0)).select(
        *SERIES, "leave_from", "correct_cents"
    )
