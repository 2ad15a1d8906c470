"""How a balance is put right: in which pays, how much of it, and what a person must decide first."""

from dataclasses import dataclass

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import RetroOwner, TaxClass
from openbenefits.payroll.rules.ledger import PLACE, SERIES
from openbenefits.payroll.rules.takings import OWNER

DEDUCTION = "deduction"
READY, CONSENT, TASK = "ready", "consent", "task"
WAITS = "waits"
"""Nothing to be done now: a leave goes on, or payroll corrects by itself."""
BEFORE, AFTER = str(TaxClass.BEFORE_TAX), str(TaxClass.AFTER_TAX)
PEO = 0
ANY_STATE = ""
HUNDRED_PERCENT = 100_000
"""Thousandths of a percent."""

POLICY = {
    "client_id": pl.Int32,
    "state": pl.String,
    "valid_from": pl.Date,
    "cap_cents": pl.Int64,
    "cap_thousandths": pl.Int32,
    "periods": pl.Int16,
    "needs_consent": pl.Boolean,
    "is_forbidden": pl.Boolean,
}

PROPOSAL = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "kind": pl.String,
    "tax_class": pl.String,
    "pay_group_id": pl.Int64,
    "ends_on": pl.Date,
    "pay_number": pl.Int32,
    "check_on": pl.Date,
    "cents": pl.Int64,
    "correct_cents": pl.Int64,
    "status": pl.String,
    "why": pl.String,
    "note": pl.String,
    "taken_as": pl.String,
    "consent": pl.String,
}

WHY = {
    "as you go": "on leave without pay: the person pays as he goes; take in what he paid",
    "catch up": "on leave without pay: it is taken after the return, as chosen",
    "prepaid": "paid before the leave, which it is for; compared after the return",
    "no leave policy": "on leave without pay, and no policy says how coverage is paid for; set one up",
    "payroll corrects": "payroll puts it right by itself (retro_owner); the next report should show it",
    "amount unknown": "what is owed or taken is not known; put right what the balance names, then ask again",
    "no open pay": "no open pay of an active job is known; give it back, or bill it, outside payroll",
    "no state": "the home state is not known, and so not which policy holds; add the address",
    "no policy": "no recovery policy holds on the check's day; state one, or bill it outside payroll",
    "forbidden": "the policy forbids taking it from pay; bill it, or let it go",
    "no room": "the policy's caps and periods do not leave room for all of it; agree on a plan, with consent",
    "consent": "the policy asks for the person's consent; order it with the consent",
    "wages": "before tax: the wages reported must be corrected too",
    "after tax": "missed before tax, taken after tax, as no ground for a late pre-tax deduction is named",
}
"""What a person is told, by the word in `why` or `note`."""

WAITING = ("as you go", "catch up", "prepaid", "payroll corrects")

_LATE = ("cap_cents", "cap_thousandths", "periods", "needs_consent", "is_forbidden")


@dataclass(frozen=True, kw_only=True)
class Agreed:
    """What was agreed with the people asked about; in place of the policy's terms where consent is there."""

    consent: str = ""  # how and when
    periods: int | None = None
    cap_cents: int | None = None
    pre_tax_ground: str = ""  # why a missed pre-tax deduction may still be taken before tax (rulings §5.5)


def nobody_away() -> pl.DataFrame:
    """Answer that no leave has anything to say about corrections."""
    return pl.DataFrame(
        schema={**dict.fromkeys(SERIES, pl.String), **_OWNER_TYPES}
        | {"held": pl.String, "agreed_cents": pl.Int64, "agreed": pl.String}
    )


_OWNER_TYPES = {name: PROPOSAL[name] for name in OWNER}

TERMS = {"valid_from": pl.Date, "retro_owner": pl.String}
"""Who corrects, from checks of a day on; without a row we do."""


def propose(
    due: pl.DataFrame,
    pays: pl.DataFrame,
    regular: pl.DataFrame,
    ordered: pl.DataFrame,
    policies: pl.DataFrame,
    agreed: Agreed,
    away: pl.DataFrame | None = None,
    terms: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Spread what is to be corrected over open pays, or say what somebody must decide first.

    Money given back goes into the first open pay, whole. Money recovered follows the policy: evenly over its
    periods if its caps allow, otherwise as much in each pay as they do.

    Shapes:  due has SERIES, correct_cents, state. pays: OWNER, PLACE, pay_number, check_on, open ones only.
             regular: SERIES, PLACE, owed_cents. ordered: SERIES, PLACE, cents, of these pays. policies as
             POLICY, one row per client, state and day. away has SERIES; held, a word of WHY, where a leave
             keeps a correction; agreed_cents and agreed, what was agreed to be caught up after one. terms as
             TERMS. The result has SERIES, correct_cents, status, why,
             note, taken_as and, unless a task, PLACE, pay_number, check_on, cents: a row for each pay.
    Missing: an unknown amount is a task; so is a recovery no policy speaks of.
    Source:  rulings §5.1, §5.3, §5.5.
    """
    asked = _with_terms(due.filter(pl.col("correct_cents").is_null() | (pl.col("correct_cents") != 0)), pays)
    asked = _with_policy(asked, policies, agreed)
    asked = _with_consent(_with_owner(asked, terms), nobody_away() if away is None else away, agreed)
    lines = _spread(_with_room(_in_pays(asked, pays), regular, ordered))
    whole = lines.group_by(SERIES).agg(placed=pl.col("size").sum())
    asked = asked.join(whole, on=list(SERIES), how="left").with_columns(pl.col("placed").fill_null(0))
    asked = asked.with_columns(why=_why(), taken_as=_taken_as(agreed))
    asked = asked.with_columns(status=_status(), note=_note())
    kept = lines.filter(pl.col("size") > 0).select(
        *SERIES, *PLACE, "pay_number", "check_on", cents=pl.col("size") * pl.col("correct_cents").sign()
    )
    told = asked.select(*SERIES, "correct_cents", "status", "why", "note", "taken_as", "consent")
    tasks = told.filter(pl.col("status").is_in([TASK, WAITS]))
    placed = told.filter(pl.col("status").is_in([READY, CONSENT])).join(kept, on=list(SERIES))
    rows = pl.concat([placed, tasks], how="diagonal_relaxed").sort(*SERIES, "ends_on")
    return rows.select(pl.col(name).cast(kind) for name, kind in PROPOSAL.items())


def _with_terms(due: pl.DataFrame, pays: pl.DataFrame) -> pl.DataFrame:
    """Add is_recovery (money comes from the person) and the first open pay's check day."""
    first = pays.group_by(OWNER).agg(first_check_on=pl.col("check_on").min())
    is_charge = pl.col("correct_cents") > 0
    return due.join(first, on=list(OWNER), how="left", maintain_order="left").with_columns(
        is_recovery=pl.when(pl.col("kind") == DEDUCTION).then(is_charge).otherwise(~is_charge)
    )


def _with_policy(asked: pl.DataFrame, policies: pl.DataFrame, agreed: Agreed) -> pl.DataFrame:
    """Add the terms in force: of the state before any state, of the client before the PEO."""
    cases = asked.select("state", "first_check_on").unique()
    pairs = cases.join(policies.rename({"state": "of_state"}), how="cross").filter(
        ((pl.col("of_state") == pl.col("state")) | (pl.col("of_state") == ANY_STATE))
        & (pl.col("valid_from") <= pl.col("first_check_on"))
    )
    ranked = pairs.sort(
        pl.col("of_state") != ANY_STATE, pl.col("client_id") != PEO, "valid_from", descending=True
    )
    chosen = ranked.unique(["state", "first_check_on"], keep="first", maintain_order=True)
    found = asked.join(
        chosen.select("state", "first_check_on", *_LATE),
        on=["state", "first_check_on"],
        how="left",
        maintain_order="left",
    )
    if not agreed.consent:
        return found
    own = {"periods": (agreed.periods, pl.Int16), "cap_cents": (agreed.cap_cents, pl.Int64)}
    terms = {name: pl.lit(value, kind) for name, (value, kind) in own.items() if value is not None}
    if agreed.cap_cents is not None:
        terms["cap_thousandths"] = pl.lit(None, pl.Int32)
    return found.with_columns(**terms)


def _with_owner(asked: pl.DataFrame, terms: pl.DataFrame | None) -> pl.DataFrame:
    """Add retro_owner, who corrects checks of the first open day; without terms we do."""
    ours = pl.lit(str(RetroOwner.OURS))
    if terms is None or terms.is_empty():
        return asked.with_columns(retro_owner=ours)
    held = terms.sort("valid_from").select(terms_from="valid_from", retro_owner="retro_owner")
    days = asked.select("first_check_on").unique().drop_nulls().sort("first_check_on")
    found = days.join_asof(held, left_on="first_check_on", right_on="terms_from").drop("terms_from")
    return asked.join(found, on="first_check_on", how="left", maintain_order="left").with_columns(
        pl.col("retro_owner").fill_null(ours)
    )


def _with_consent(asked: pl.DataFrame, away: pl.DataFrame, agreed: Agreed) -> pl.DataFrame:
    """Add held, and consent: what was said now, else what was agreed for the leave it was missed in."""
    rows = asked.join(away, on=list(SERIES), how="left", maintain_order="left")
    is_of_leave = pl.col("is_recovery") & (pl.col("correct_cents").abs() <= pl.col("agreed_cents"))
    of_leave = pl.when(is_of_leave.fill_null(value=False)).then("agreed").otherwise(pl.lit(""))
    said = pl.lit(agreed.consent) if agreed.consent else of_leave
    return rows.with_columns(consent=said)


def _in_pays(asked: pl.DataFrame, pays: pl.DataFrame) -> pl.DataFrame:
    """Pair what is due with the open pays it may go into; `shares` counts them where they are said."""
    is_capped = pl.col("cap_cents").is_not_null() | pl.col("cap_thousandths").is_not_null()
    shares = (
        pl.when(~pl.col("is_recovery"))
        .then(pl.lit(1, pl.Int64))
        .when(pl.col("periods").is_not_null())
        .then(pl.col("periods").cast(pl.Int64))
        .when(~is_capped)
        .then(pl.lit(1, pl.Int64))
    )
    numbered = pays.sort(*OWNER, "check_on", "ends_on").with_columns(
        place=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over(OWNER)
    )
    known = asked.filter(pl.col("correct_cents").is_not_null()).with_columns(shares=shares)
    pairs = known.join(numbered, on=list(OWNER))
    return pairs.filter(pl.col("shares").is_null() | (pl.col("place") <= pl.col("shares")))


def _with_room(lines: pl.DataFrame, regular: pl.DataFrame, ordered: pl.DataFrame) -> pl.DataFrame:
    """Add how much each pay may take: what the caps leave beside orders there are; null: no bound.

    Missing: a percentage of an unknown deduction leaves no room.
    """
    key = [*SERIES, *PLACE]
    there = ordered.group_by(key).agg(there=pl.col("cents").sum())
    usual = regular.select(*key, usual="owed_cents", is_usual=pl.lit(value=True))
    rows = lines.join(usual, on=key, how="left").join(there, on=key, how="left")
    is_unknown = pl.col("is_usual").is_not_null() & pl.col("usual").is_null()
    usual_cents = pl.when(is_unknown).then(0).otherwise(pl.col("usual").fill_null(0))
    percent = usual_cents * pl.col("cap_thousandths").cast(pl.Int64) // HUNDRED_PERCENT
    sign = pl.col("correct_cents").sign()
    used = (pl.col("there").fill_null(0) * sign).clip(lower_bound=0)
    cap = pl.min_horizontal(percent, pl.col("cap_cents"))  # a null cap is none
    return rows.with_columns(room=pl.when("is_recovery").then((cap - used).clip(lower_bound=0)))


def _spread(lines: pl.DataFrame) -> pl.DataFrame:
    """Add `size`, what of the amount goes into each pay: even shares where they fit, else what fits."""
    by = list(SERIES)
    lines = lines.sort(*by, "place").with_columns(amount=pl.col("correct_cents").abs())
    lines = lines.with_columns(
        share=money.share_of_split(pl.col("amount"), pl.col("place"), pl.col("shares"))
    )
    fits = (pl.col("room").is_null() | (pl.col("share") <= pl.col("room"))) & pl.col("share").is_not_null()
    has_pays = (pl.len() >= pl.col("shares").first()).fill_null(value=True)  # null: as many as the caps ask
    lines = lines.with_columns(
        is_even=(fits.all() & has_pays).over(by),
        bound=pl.when(has_pays.over(by)).then(pl.min_horizontal(pl.col("room").fill_null(0), "amount")),
    ).with_columns(pl.col("bound").fill_null(0))
    lines = lines.with_columns(before=pl.col("bound").cum_sum().over(by) - pl.col("bound"))
    left = (pl.col("amount") - pl.col("before")).clip(lower_bound=0)
    return lines.with_columns(
        size=pl.when("is_even").then("share").otherwise(pl.min_horizontal(left, "bound"))
    )


def _why() -> pl.Expr:
    """Say what stands in the way, in a word of WHY; nothing: null."""
    is_recovery = pl.col("is_recovery")
    needs = is_recovery & pl.col("needs_consent") & (pl.col("consent") == "")
    return (
        pl.when(pl.col("correct_cents").is_null())
        .then(pl.lit("amount unknown"))
        .when(pl.col("held").is_not_null())
        .then("held")
        .when(pl.col("retro_owner") == str(RetroOwner.PAYROLL))
        .then(pl.lit("payroll corrects"))
        .when(pl.col("first_check_on").is_null())
        .then(pl.lit("no open pay"))
        .when(is_recovery & pl.col("state").is_null())
        .then(pl.lit("no state"))
        .when(is_recovery & pl.col("is_forbidden").is_null())
        .then(pl.lit("no policy"))
        .when(is_recovery & pl.col("is_forbidden"))
        .then(pl.lit("forbidden"))
        .when(pl.col("placed") != pl.col("correct_cents").abs())
        .then(pl.lit("no room"))
        .when(needs)
        .then(pl.lit("consent"))
    )


def _status() -> pl.Expr:
    return (
        pl.when(pl.col("why").is_null())
        .then(pl.lit(READY))
        .when(pl.col("why") == "consent")
        .then(pl.lit(CONSENT))
        .when(pl.col("why").is_in(WAITING))
        .then(pl.lit(WAITS))
        .otherwise(pl.lit(TASK))
    )


def _note() -> pl.Expr:
    """Say what else somebody must know: pre-tax money given back, or taken late after tax."""
    is_before = pl.col("tax_class") == BEFORE
    return (
        pl.when(is_before & ~pl.col("is_recovery"))
        .then(pl.lit("wages"))
        .when(pl.col("taken_as") != pl.col("tax_class"))
        .then(pl.lit("after tax"))
    )


def _taken_as(agreed: Agreed) -> pl.Expr:
    """Find the tax class a correction is taken as: late pre-tax money is after tax without a ground."""
    is_late = pl.col("is_recovery") & (pl.col("tax_class") == BEFORE)
    if agreed.pre_tax_ground:
        return pl.col("tax_class")
    return pl.when(is_late).then(pl.lit(AFTER)).otherwise("tax_class")
