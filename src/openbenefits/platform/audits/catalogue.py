"""The twelve audits: which frames each lays beside one another, by what, and which buckets are faults.

Source: process-management §9.2. "Here" is what we hold, the reference; "there" is what the platform holds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import polars as pl

from openbenefits.core import money
from openbenefits.payroll.rules.ageing import age_said
from openbenefits.platform import here as ours
from openbenefits.platform.audits.comparing import Bucket, compare
from openbenefits.platform.audits.deductions import deductions_of_pays
from openbenefits.platform.families import covered_families
from openbenefits.platform.here import Here
from openbenefits.platform.models import Look
from openbenefits.platform.seen import load_seen

ANY = (Bucket.HERE_ONLY, Bucket.THERE_ONLY, Bucket.DIFFERENT)
ACTIVE = ("A", "C")
ENDED = "T"
CENT = 1


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Our records and a look at the platform, and how they are read."""

    connection: Any
    here: Here
    look: Look
    kept: dict[str, pl.DataFrame] = field(default_factory=dict)

    def seen(self, element: str) -> pl.DataFrame:
        """Load what the look saw of an element, once."""
        if element not in self.kept:
            self.kept[element] = load_seen(self.connection, self.look, element)
        return self.kept[element]

    @property
    def on(self) -> date:
        return self.here.on


@dataclass(frozen=True, kw_only=True)
class Audit:
    """A standing audit.

    rows: lays the two sides beside one another (comparing.COMPARED). faults: buckets that are wrong.
    stops: payroll may not run while it has faults nobody accepted. cure: what puts a row right, in words.
    """

    code: str
    title: str
    asks: str
    rows: Callable[[Sides], pl.DataFrame]
    faults: tuple[Bucket, ...] = ANY
    stops: bool = True
    cure: str = ""


def _plans(sides: Sides) -> pl.DataFrame:
    there = sides.seen("setup").with_columns(pl.col("status"))
    columns: Mapping[str, int | None] = {"status": None, "begins_on": None, "ends_on": None}
    return compare(ours.setups(sides.here), there, key=["plan"], columns=columns)


def _rates(sides: Sides) -> pl.DataFrame:
    """Only rates we can say by tier and age; the newest there of each, of the client's own rate group."""
    here = ours.rates(sides.here)
    plans = here.select("plan").unique()
    groups = sides.seen("setup").select("plan", wanted="rate_group").unique("plan")
    billing = _newest_rates(sides, "billing", groups).join(plans, on="plan", how="semi")
    return compare(here, billing, key=["plan", "tier", "age_from"], columns={"cents": 0})


def _newest_rates(sides: Sides, kind: str, groups: pl.DataFrame | None = None) -> pl.DataFrame:
    """Keep the newest rates there; of the rate groups named by plan, where a plan has one."""
    rows = sides.seen("rate").filter((pl.col("kind") == kind) & (pl.col("from_on") <= sides.on))
    if groups is not None:
        named = rows.join(groups, on="plan", how="left")
        rows = named.filter(
            (pl.col("wanted").fill_null("") == "") | (pl.col("rate_group") == pl.col("wanted"))
        )
    return rows.filter(pl.col("from_on") == pl.col("from_on").max().over("plan", "rate_group")).unique(
        ["plan", "tier", "age_from"], keep="first", maintain_order=True
    )


def _kept_of(sides: Sides, kind: str, groups: pl.DataFrame) -> pl.DataFrame:
    """Keep the rate groups in which a plan has rates of a kind; premiums may be kept once for all groups."""
    there = sides.seen("rate").filter(kind=kind).select("plan", wanted="rate_group").unique()
    return groups.join(there, on=["plan", "wanted"], how="semi")


def _rules(sides: Sides) -> pl.DataFrame:
    rows = sides.seen("rule").filter(pl.col("from_on") <= sides.on)
    return rows.filter(pl.col("from_on") == pl.col("from_on").max().over("plan", "group"))


def _contributions(sides: Sides) -> pl.DataFrame:
    here = ours.contributions(sides.here)
    columns: Mapping[str, int | None] = {"method": None, "employee": None, "dependents": None}
    there = _rules(sides).filter(pl.col("tier") != "")
    return compare(here, there, key=["plan", "group", "tier"], columns=columns)


def _groups(sides: Sides) -> pl.DataFrame:
    there = sides.seen("employee").filter(pl.col("status") != "T")
    here = ours.groups(sides.here)
    known = there.join(here.select("employee"), on="employee", how="semi")
    return compare(here, known, key=["employee"], columns={"group": None})


def _waits(sides: Sides) -> pl.DataFrame:
    there = _rules(sides).unique(["plan", "group"], keep="first", maintain_order=True)
    return compare(
        ours.waits(sides.here), there, key=["plan", "group"], columns={"wait": None, "begins": None}
    )


def _enrolments(sides: Sides) -> pl.DataFrame:
    """Who holds what, and whether the dependents covered are there as they are here."""
    return pl.concat([_held(sides), _families(sides)]).sort("bucket", "key")


def _families(sides: Sides) -> pl.DataFrame:
    """Here: dependents covered; there: those a look found, with the fields that are not as ours."""
    name = pl.format("dependent {}", pl.col("dependent").cast(pl.String))
    here = (
        covered_families(sides.here).with_columns(dependent="number", differs=pl.lit("")).with_columns(name)
    )
    there = sides.seen("family").with_columns(name)
    return compare(here, there, key=["employee", "dependent"], columns={"differs": None})


def standing_there(sides: Sides) -> pl.DataFrame:
    """List the enrolments there that hold on the day; one ended ahead holds until its day."""
    on = sides.on
    is_open = pl.col("status").is_in(ACTIVE) & pl.col("ends_on").is_null()
    begun = pl.col("detail_on").is_null() | (pl.col("detail_on") <= on)
    known = pl.col("status").is_in((*ACTIVE, ENDED)) & (pl.col("ends_on") >= on)
    return sides.seen("enrolment").filter((is_open | known.fill_null(value=False)) & begun)


def _held(sides: Sides) -> pl.DataFrame:
    """An end ahead that was not sent yet is no difference; one there that we do not know is.

    Who holds something and is nobody there is listed, too: he exchanges nothing.
    """
    there = standing_there(sides)
    here = ours.covered(sides.here).join(
        there.select("employee", "plan", is_ended=pl.col("ends_on").is_not_null()).unique(
            ["employee", "plan"]
        ),
        on=["employee", "plan"],
        how="left",
    )
    here = here.with_columns(ends_on=pl.when("is_ended").then("ends_on"))
    here = pl.concat([here, ours.strangers(sides.here)], how="diagonal").with_columns(status=_until())
    there = there.with_columns(begins_on=pl.coalesce("detail_on", "begins_on"), status=_until())
    columns: Mapping[str, int | None] = {
        "status": None,
        "tier": None,
        "begins_on": None,
        "dependents": None,
    }
    return compare(here, there, key=["employee", "plan"], columns=columns)


def _until() -> pl.Expr:
    """Say that an enrolment holds, and until when if that is known."""
    return pl.coalesce(pl.format("A until {}", pl.col("ends_on").cast(pl.String)), pl.lit("A"))


def _margins(sides: Sides) -> pl.DataFrame:
    """Here: the rate is covered by what is billed; there: whether it is."""
    key = ["plan", "tier", "age_from"]
    groups = sides.seen("setup").select("plan", wanted="rate_group").unique("plan")
    billing = _newest_rates(sides, "billing", groups)
    premium = _newest_rates(sides, "premium", _kept_of(sides, "premium", groups))
    paired = premium.select(*key, premium="cents").join(
        billing.select(*key, "cents"), on=key, how="left", nulls_equal=True
    )
    there = paired.drop_nulls("cents").select(*key, covers=pl.col("cents") >= pl.col("premium"))
    here = paired.select(*key, covers=pl.lit(value=True))
    return compare(here, there, key=key, columns={"covers": None})


def _undecided(sides: Sides) -> pl.DataFrame:
    """There: who works past every wait; here: who elected, waived or was given a default."""
    eligible = pl.col("hired_on") + ours.LONGEST_WAIT + timedelta(days=1) <= sides.on
    there = sides.seen("employee").filter((pl.col("status") == "A") & eligible)
    return compare(ours.decided(sides.here), there, key=["employee"], columns={})


def _too_long(sides: Sides) -> pl.DataFrame:
    """Who is covered there too long: people who left, and children past the limit of age."""
    return pl.concat([_left(sides), _over_age(sides)]).sort("bucket", "key")


def _over_age(sides: Sides) -> pl.DataFrame:
    """There: children enrolled whose birth date is shown; here: those whose plan still covers them."""
    ends = pl.col("ends_on").is_null() | (pl.col("ends_on") >= sides.on)
    there = sides.seen("dependent").filter(ends)
    here = there.filter(pl.col("last_on").is_null() | (pl.col("last_on") >= sides.on))
    return compare(here, there, key=["employee", "plan", "dependent"], columns={})


def _left(sides: Sides) -> pl.DataFrame:
    """There: who has active coverage; here: who works, or holds coverage all the same (run-out, COBRA)."""
    held = ours.covered(sides.here).select("person_id", "employee")
    here = pl.concat([ours.active(sides.here), held], how="diagonal").unique(
        "employee", keep="first", maintain_order=True
    )
    ends = pl.col("ends_on").is_null() | (pl.col("ends_on") >= sides.on)
    there = sides.seen("enrolment").filter(pl.col("status").is_in(ACTIVE) & ends)
    there = there.unique("employee", keep="first", maintain_order=True)
    return compare(here, there, key=["employee"], columns={})


def _codes(sides: Sides) -> pl.DataFrame:
    here = ours.deduction_codes(sides.here).with_columns(has_bill_code=pl.lit(value=True))
    plans = sides.seen("plan").join(here.select("plan", "is_before"), on="plan")
    there = plans.with_columns(
        deduction_code=pl.when("is_before").then("before_code").otherwise("after_code"),
        has_bill_code=pl.col("bill_code") != "",
    )
    columns: Mapping[str, int | None] = {"deduction_code": None, "has_bill_code": None}
    return compare(here, there, key=["plan"], columns=columns)


def _outstanding(sides: Sides) -> pl.DataFrame:
    """Here: corrections we ordered; there: adjustments with cycles left, and arrears; both by plan type.

    A note says how old what is there is, and the cycles left of adjustments that pays have passed over.
    """
    plans = ours.offered(sides.here).select("plan", "plan_type").unique("plan")
    arrears = sides.seen("arrears").with_columns(cycles_late=pl.lit(0, pl.Int64))
    columns = ("person_id", "employee", "plan", "open_cents", "since_on", "cycles_late")
    both = (_waiting_adjustments(sides), arrears)
    rows = pl.concat([one.select(columns) for one in both]).filter(
        (pl.col("open_cents") != 0).fill_null(value=True)
    )
    named = rows.join(plans, on="plan", how="left").with_columns(
        pl.col("plan_type").fill_null(pl.col("plan"))
    )
    age = pl.lit(sides.on) - pl.col("since_on").min()
    key = ["employee", "plan_type"]
    there = named.group_by(key).agg(
        pl.col("person_id").first(),
        money.total(pl.col("open_cents")).alias("open_cents"),
        pl.col("cycles_late").sum(),
        days=age.dt.total_days(),
    )
    compared = compare(ours.corrections(sides.here), there, key=key, columns={"open_cents": CENT})
    notes = there.select(key=pl.concat_str(key, separator="|"), note=_age_said())
    return compared.drop("note").join(notes, on="key", how="left", maintain_order="left")


def _waiting_adjustments(sides: Sides) -> pl.DataFrame:
    """List adjustments with cycles_late: cycles left although as many pays were posted since they began.

    Shapes: a pay counts from its end on; only pays the look saw are counted, those of the person's pay group.
    """
    posted = sides.seen("taken").select("employee", "ends_on").unique().drop_nulls()
    rows = sides.seen("adjustment").with_row_index("adjustment")
    passed = (
        rows.select("adjustment", "employee", "since_on")
        .join(posted, on="employee")
        .filter((pl.col("ends_on") >= pl.col("since_on")).fill_null(value=True))
        .group_by("adjustment")
        .agg(pays=pl.len().cast(pl.Int64))
    )
    found = rows.join(passed, on="adjustment", how="left").with_columns(pl.col("pays").fill_null(0))
    behind = (pl.col("pays") - pl.col("cycles_billed").fill_null(0)).clip(lower_bound=0)
    late = pl.min_horizontal(behind, pl.col("cycles_left").fill_null(0))
    return found.with_columns(cycles_late=late).drop("adjustment", "pays")


def _age_said() -> pl.Expr:
    """Say how old something is, and how many cycles of it pays have passed over."""
    late = pl.col("cycles_late")
    cycles = pl.when(late > 0).then(pl.format(", late cycles: {}", late))
    return pl.concat_str(age_said(pl.col("days")), cycles, ignore_nulls=True)


_ALL = (
    Audit(
        code="A1",
        title="Plans offered and plan set-ups",
        asks="Is every plan we offer set up there, from the same day, and none beside?",
        rows=_plans,
        cure="the set-up of the plan is sent",
    ),
    Audit(
        code="A2",
        title="Rates by tier",
        asks="Do rates by tier and age agree to the cent?",
        rows=_rates,
        cure="the rate of the tier is sent, by who sets up for every client",
    ),
    Audit(
        code="A3",
        title="Contributions and benefit rules",
        asks="Does the rule of each plan, group and tier let the employer pay the same?",
        rows=_contributions,
        cure="the rule is sent, its other fields kept",
    ),
    Audit(
        code="A4",
        title="Benefit groups",
        asks="Is everybody in the benefit group of his program?",
        rows=_groups,
        cure="the benefit group of the employee is sent",
    ),
    Audit(
        code="A5",
        title="Waiting periods",
        asks="Does a new hire wait as long, and begin on the same day?",
        rows=_waits,
        cure="the rule is sent, its other fields kept",
    ),
    Audit(
        code="A6",
        title="Elections and enrolments",
        asks="Is everybody enrolled in what he holds: plan, tier, day, dependents as they are here?",
        rows=_enrolments,
        cure="the enrolment is sent, or its end; the dependent",
    ),
    Audit(
        code="A7",
        title="Deductions owed and taken",
        asks="Did each pay take what it owed, less what corrections and arrears take later?",
        rows=deductions_of_pays,
        cure="the difference is sent as a correction, where corrections are ours",
    ),
    Audit(
        code="A8",
        title="Billed and premium",
        asks="Is no plan and tier billed for less than its premium?",
        rows=_margins,
        faults=(Bucket.HERE_ONLY, Bucket.DIFFERENT),
        stops=False,
    ),
    Audit(
        code="A9",
        title="Nobody without a decision",
        asks="Has everybody who works past every wait elected, waived, or been given a default?",
        rows=_undecided,
        faults=(Bucket.THERE_ONLY,),
        stops=False,
    ),
    Audit(
        code="A10",
        title="Covered after leaving, or past the limit of age",
        asks="Is nobody covered there who neither works nor holds coverage here, no child too old?",
        rows=_too_long,
        faults=(Bucket.THERE_ONLY,),
        cure="the end of each enrolment of who left is sent",
    ),
    Audit(
        code="A11",
        title="Deduction and bill codes",
        asks="Has every plan the deduction code we take it by, and a bill code?",
        rows=_codes,
        faults=(Bucket.HERE_ONLY, Bucket.DIFFERENT),
    ),
    Audit(
        code="A12",
        title="Corrections and arrears that are open",
        asks="What is still to be taken or given back, and do both sides say the same?",
        rows=_outstanding,
        stops=False,
        cure="what we ordered is sent as a correction",
    ),
)
AUDITS = {audit.code: audit for audit in _ALL}
