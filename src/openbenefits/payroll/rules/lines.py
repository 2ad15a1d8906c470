"""The lines of the projection: change points and the pays they hold in, with what each takes and gives."""

from dataclasses import dataclass, field
from datetime import date
from typing import cast

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import COVERED_KINDS, AmountKind, ChangeKind
from openbenefits.core.columns import in_types, with_neighbours, with_taken
from openbenefits.payroll.rules.causes import with_causes, with_content
from openbenefits.payroll.rules.credits import GIVEN, admitted, general_points
from openbenefits.payroll.rules.excess import CREDIT, with_excess
from openbenefits.payroll.rules.kinds import credits_of, deductions_of
from openbenefits.payroll.rules.pledges import with_first_pay, with_pledge_shares
from openbenefits.payroll.rules.prices import with_year
from openbenefits.payroll.rules.takings import (
    OWNER,
    days_needed,
    own_flagged,
    own_pays,
    pays_of_groups,
    split_after,
    with_group_changes,
    with_shares,
)
from openbenefits.programs.rulebook import PROGRAM_PLAN_TYPE, Rulebook

COVERED = [str(kind) for kind in COVERED_KINDS]
HELD = [*COVERED, str(ChangeKind.WAIVED)]

LINE = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "slot": pl.Int16,
    "kind": pl.String,
    "option_id": pl.Int32,
    "pay_group_id": pl.Int64,
    "pay_number": pl.Int32,
    "begins_on": pl.Date,
    "ends_on": pl.Date,
    "check_on": pl.Date,
    "tax_class": pl.String,
    "deduction_code_id": pl.Int32,
    "owed_cents": pl.Int64,
    "employer_cents": pl.Int64,
    "coverage_cents": pl.Int64,
    "cause": pl.String,
    "fault": pl.String,
}


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of some people.

    points:     the change points that hold, as `enrollment.frames.COVERAGE_COLUMNS`; event_on, the day of the
                event that made each, where calculation rules ask for it.
    members:    the dependents covered: the key of a point (owner, plan_type, slot, begins_on), dependent_id.
    facts:      the facts of each of `fact_days`; `case` is the position.
    dependents: the dependents known on each of those days, as `workforce.frames.CaseDependents`.
    pay_history: as PAY_HISTORY of `rating.rules.price_days`, where calculation rules ask for it.
    uses:       what credits were used for, as `enrollment.frames.CREDIT_USE_COLUMNS`.
    rolls:      what of them accounts got, as `enrollment.frames.load_credit_rolls`.
    bases:      what formulas take coverage from beside the pay of `facts` (BASE_PAY of `rating.rules.bases`).
    price_decisions: what somebody decided about prices (docs/rules.md §7.12), as PRICE_DECISIONS of
                `rating.rules.decided` with OWNER in place of the case; None: nothing.
    given:      the general credits and deductions of settled events, as GIVEN of `credits`, where a rule says
                who has them.
    """

    points: pl.DataFrame
    members: pl.DataFrame
    facts: pl.DataFrame
    dependents: pl.DataFrame
    pay_history: pl.DataFrame | None = None
    uses: pl.DataFrame = field(default_factory=pl.DataFrame)
    rolls: pl.DataFrame = field(default_factory=pl.DataFrame)
    bases: pl.DataFrame | None = None
    price_decisions: pl.DataFrame | None = None
    given: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=GIVEN))


def fact_days(
    points: pl.DataFrame, groups: pl.DataFrame, rulebook: Rulebook, *, begin: date, through: date
) -> pl.DataFrame:
    """List the days whose facts decide what is owed in a span: pay ends, and the day a locked price was set.

    Shapes: groups has OWNER and pay_group, one row per pay group somebody has ever been in. The result has
            case (= position), OWNER and as_of.
    """
    first_taken = points.group_by(OWNER).agg(first_on=pl.col("deduction_begins_on").min())
    ends = pays_of_groups(groups, rulebook, begin, through).join(first_taken, on=list(OWNER))
    ends = ends.filter(pl.col("ends_on") >= pl.col("first_on"))
    locking = rulebook.plan_rows.filter("is_price_locked").select("program_id", "plan_type").unique()
    locked = points.filter(pl.col("kind").is_in(COVERED)).join(
        locking, on=["program_id", "plan_type"], how="semi"
    )
    days = [ends.select(*OWNER, as_of="ends_on"), locked.select(*OWNER, as_of="begins_on")]
    asked = pl.concat(days).unique().sort(*OWNER, "as_of")
    return asked.select(pl.int_range(pl.len(), dtype=pl.Int32).alias("case"), *OWNER, "as_of")


def owed_lines(known: Known, rulebook: Rulebook, *, begin: date, through: date) -> pl.DataFrame:
    """List what is owed in the pays that end from one day through another.

    Shapes:  the result is as LINE, one row per owner, plan type, slot, kind, tax class and pay. Where one
             is no longer taken, its first pay without it has a line of 0 with the cause 'ends'.
    Missing: what cannot be priced or counted is null, and `fault` says why; never 0. Somebody without a pay
             group has no pays: see `find_unpaid` of the services.
    Source:  rulings §2.4, §5.1, §5.2, §5.6; docs/rules.md §7.
    """
    lines, points, pays = _amounts(known, rulebook, begin, through)
    points, first = with_content(points, known.members), days_needed(begin, through)[0]
    return _shown(with_causes(lines, pays, points, rulebook, first), begin, through)


def owed_amounts(known: Known, rulebook: Rulebook, *, begin: date, through: date) -> pl.DataFrame:
    """List what is owed as `owed_lines` does, without causes and without lines of 0 that tell of an end."""
    lines, points, _ = _amounts(known, rulebook, begin, through)
    named = with_taken(lines, points, "point", *OWNER, "plan_type", "slot", "option_id")
    return _shown(named.with_columns(cause=pl.lit("")), begin, through)


def _amounts(
    known: Known, rulebook: Rulebook, begin: date, through: date
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Find the amounts of all pays that the span needs; also the points, numbered, and everybody's pays."""
    points = _numbered_points(known.points)
    owners = points.select("owner", *OWNER).unique()
    pays = own_pays(known.facts, rulebook, begin, through)
    pays = pays.join(owners, on=list(OWNER), maintain_order="left").drop(OWNER)
    held = _in_force(points, pays)
    points, held, undecided = _with_general(points, held, known.given, rulebook)
    lines = with_setup(held, points, rulebook)
    lines = with_shares(pl.concat([deductions_of(lines), credits_of(lines)]), rulebook)
    flagged = own_flagged(pays, lines)
    lines = lines.join(flagged, on=["owner", "period_flags", "ends_on"], how="left", maintain_order="left")
    lines = with_year(
        *(lines, points, known.members, known.facts, known.dependents, rulebook),
        *(known.pay_history, known.bases, known.price_decisions),
    )
    lines = _with_undecided(_with_amounts(lines, known.facts, flagged), undecided)
    return with_excess(lines, known.uses, known.rolls, owners), points, pays


def _shown(lines: pl.DataFrame, begin: date, through: date) -> pl.DataFrame:
    shown = lines.filter(pl.col("ends_on").is_between(begin, through))
    return in_types(shown, LINE).sort(*OWNER, "ends_on", "plan_type", "slot", "kind", "tax_class")


def _numbered_points(points: pl.DataFrame) -> pl.DataFrame:
    """Number points (= position), owners and series (owner, plan type, slot); find successors."""
    series = [*OWNER, "plan_type", "slot"]
    ordered = with_neighbours(
        points.sort(*series, "begins_on"), series, below={"next_begins_on": "deduction_begins_on"}
    )
    return ordered.with_columns(
        point=pl.int_range(pl.len(), dtype=pl.Int32),
        owner=pl.struct(OWNER).rle_id(),
        series=pl.struct(series).rle_id(),
    )


def _in_force(points: pl.DataFrame, pays: pl.DataFrame) -> pl.DataFrame:
    """Pair each point with the pays in which its deduction clock holds (rulings §2.4).

    A successor that never begins a deduction ends none; should two points then hold, the first one does.
    """
    holding = points.filter(pl.col("kind").is_in(HELD) & pl.col("option_id").is_not_null()).select(
        "point", "owner", "series", "deduction_begins_on", "next_begins_on"
    )
    pairs = holding.join(pays, on="owner", maintain_order="left_right").filter(
        (pl.col("deduction_begins_on") <= pl.col("ends_on"))
        & (pl.col("next_begins_on").is_null() | (pl.col("ends_on") < pl.col("next_begins_on")))
    )
    first = pairs.unique(["series", "ends_on"], keep="first", maintain_order=True)
    return first.drop("deduction_begins_on", "next_begins_on")


def _with_general(
    points: pl.DataFrame, held: pl.DataFrame, given: pl.DataFrame, rulebook: Rulebook
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Add a point for each general credit and deduction, in every pay in which its program holds.

    Also gives the pays (point, ends_on) of those whose rule nobody decided.
    """
    general = general_points(held, points, rulebook)
    if general.is_empty():
        return points, held, held.clear()
    last_series = cast("int", points["series"].max())
    general = general.with_columns(
        point=pl.int_range(pl.len(), dtype=pl.Int32) + points.height,
        series=pl.int_range(1, pl.len() + 1, dtype=pl.UInt32) + last_series,
        plan_type=pl.lit(PROGRAM_PLAN_TYPE),
        kind=pl.lit(str(ChangeKind.DEFAULTED)),
    )
    pays = with_taken(held, points, "point", "program_id").drop("point", "series")
    pays = pays.unique(["owner", "program_id", "ends_on"])
    offered = general.select("owner", "program_id", "option_id", "point", "series")
    owners = points.select("owner", *OWNER).unique()
    lines, undecided = admitted(pays.join(offered, on=["owner", "program_id"]), given, owners, rulebook)
    return (
        pl.concat([points, general.join(owners, on="owner")], how="diagonal_relaxed"),
        pl.concat([held, lines.select(held.columns)], how="vertical_relaxed"),
        undecided.select(held.columns),
    )


def _with_undecided(lines: pl.DataFrame, undecided: pl.DataFrame) -> pl.DataFrame:
    """Take the amount from the lines of which nobody decided whether they are owed; the fault says so."""
    if undecided.is_empty():
        return lines
    key = undecided.select("point", "ends_on", is_undecided=pl.lit(value=True))
    found = lines.join(key, on=["point", "ends_on"], how="left", maintain_order="left")
    return found.with_columns(
        pl.when(pl.col("is_undecided").is_null()).then("owed_cents").alias("owed_cents"),
        fault=pl.when("is_undecided").then(pl.lit("eligibility")).otherwise("fault"),
    ).drop("is_undecided")


_PLAN_ROW = ("plan_row", "amount_kind", "is_price_locked", "is_lapsing", "dependent_rule_id")
_OPTION = (
    *("option_row", "option_type", "deduction_code_id", "tax_class", "period_flags", "trade"),
    *("after_tax_deduction_code_id", "after_tax_period_flags"),
)


def with_setup(held: pl.DataFrame, points: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add the program's plan type and option as they stand when each pay ends; null where they do not.

    Shapes: held has point and ends_on; a day that is no pay's end may stand for it (invoices ask by month).
    """
    lines = with_taken(
        held,
        points,
        "point",
        *("program_id", "plan_type", "option_id", "begins_on", "coverage_cents", "pledge_cents"),
        *("percent_thousandths", "after_tax_thousandths", "deduction_begins_on"),
        prefix="point_",
    ).with_columns(change_kind=points["kind"].gather(held["point"]))
    asked = lines.select("point_program_id", "point_plan_type", "ends_on").unique()
    versions = rulebook.plan_rows.join(rulebook.programs.select("program_row", "valid_to"), on="program_row")
    found = asked.join(
        versions.select("program_id", "plan_type", "valid_from", "valid_to", *_PLAN_ROW),
        left_on=["point_program_id", "point_plan_type"],
        right_on=["program_id", "plan_type"],
    ).filter((pl.col("valid_from") <= pl.col("ends_on")) & (pl.col("ends_on") < pl.col("valid_to")))
    lines = lines.join(
        found.drop("valid_from", "valid_to"),
        on=["point_program_id", "point_plan_type", "ends_on"],
        how="left",
        maintain_order="left",
    )
    options = rulebook.options.select("plan_row", "option_id", *_OPTION)
    lines = lines.join(
        options,
        left_on=["plan_row", "point_option_id"],
        right_on=["plan_row", "option_id"],
        how="left",
        maintain_order="left",
    )
    return lines.join(_cost_kinds(rulebook), on="option_row", how="left", maintain_order="left").with_columns(
        pl.col("has_price", "has_credit").fill_null(value=False),
        pl.col("is_price_locked", "is_lapsing").fill_null(value=False),
    )


def _cost_kinds(rulebook: Rulebook) -> pl.DataFrame:
    found: pl.DataFrame = rulebook.derived.answer("kinds of costs", lambda: _find_cost_kinds(rulebook.costs))
    return found


def _find_cost_kinds(costs: pl.DataFrame) -> pl.DataFrame:
    kind = pl.col("cost_type")
    return costs.group_by("option_row").agg(has_price=(kind == "P").any(), has_credit=(kind == "C").any())


# --- amounts --------------------------------------------------------------------------------------------


_TAKEN = ("series", "point", "ends_on", "owed_cents")


def _with_amounts(lines: pl.DataFrame, facts: pl.DataFrame, flagged: pl.DataFrame) -> pl.DataFrame:
    """Add owed_cents, employer_cents and fault, as each line is stated; `flagged` as of `own_flagged`."""
    amount, is_credit = pl.col("amount_kind"), pl.col("kind") == CREDIT
    is_pledge = amount.is_in([str(AmountKind.PLEDGE), str(AmountKind.HOURS)]) & ~is_credit
    is_percent = (amount == str(AmountKind.PERCENT)) & ~is_credit
    stated = (is_pledge | is_percent).fill_null(value=False)
    lines = with_group_changes(lines)
    priced = lines.filter(~stated).with_columns(
        owed_cents=split_after("year_cents"), employer_cents=split_after("year_employer_cents")
    )
    percent = _percents(lines.filter(is_percent.fill_null(value=False)), facts)
    columns = priced.columns
    is_offered = pl.col("option_row").is_not_null()  # else: what is no option that day takes nothing known
    given = [part.filter(~is_credit & is_offered).select(_TAKEN) for part in (priced, percent)]
    pledges = with_first_pay(lines.filter(is_pledge.fill_null(value=False)), flagged)
    pledged = with_pledge_shares(pledges, pl.concat(given))
    of_employee = {
        "owed_cents": pl.when(is_offered).then("owed_cents"),
        "employer_cents": pl.lit(0, pl.Int64),
    }
    rows = [priced, *(part.with_columns(**of_employee).select(columns) for part in (pledged, percent))]
    return pl.concat(rows).with_columns(fault=_fault())


def _percents(lines: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Take a percentage of the pay's part of annual pay, rounded to the cent."""
    rows = with_taken(lines, facts, "case", "annual_pay_cents")
    percent, pays = (
        pl.col("stated_thousandths").cast(pl.Int64),
        pl.col("periods_in_year").cast(pl.Int64),
    )
    rows = rows.with_columns(_divisor=pays * (100 * 1_000))
    share = money.multiply_divide_half_up(pl.col("annual_pay_cents"), percent, pl.col("_divisor"))
    return rows.with_columns(owed_cents=share).drop("_divisor", "annual_pay_cents")


def _fault() -> pl.Expr:
    """Say why a line has no amount; a percentage of pay needs no count of the year's pays."""
    is_stated = (pl.col("amount_kind") != str(AmountKind.NONE)) & (pl.col("kind") != CREDIT)
    is_percent = is_stated & (pl.col("amount_kind") == str(AmountKind.PERCENT))
    return (
        pl.when(pl.col("owed_cents").is_not_null() & pl.col("employer_cents").is_not_null())
        .then(pl.lit(None, pl.String))
        .when(pl.col("option_row").is_null())
        .then(pl.lit("option"))
        .when(pl.col("shares").is_null() & ~is_percent)
        .then(pl.lit("calendar"))
        .when(is_stated)
        .then(pl.lit("stated amount or pay"))
        .otherwise(pl.coalesce("price_fault", pl.lit("rate")))
    )


__all__ = ["LINE", "Known", "fact_days", "owed_amounts", "owed_lines", "with_setup"]
