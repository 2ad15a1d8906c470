"""What the platform should hold by our own records, in frames that can be laid beside what was seen there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from openbenefits.core.codes import COVERED_KINDS, PERSON_KINDS
from openbenefits.enrollment.frames import load_coverage, load_covered_dependents
from openbenefits.payroll.frames import load_covered_people, load_employee_numbers
from openbenefits.payroll.ledger import ordered
from openbenefits.payroll.services import owed
from openbenefits.platform.connecting import external_ids
from openbenefits.platform.naming import Names, names_of
from openbenefits.programs.frames import load_setup
from openbenefits.programs.rates import PERIODS_PER_YEAR
from openbenefits.workforce.frames import ACTIVE_STATUSES, as_of

MICROS = 1_000_000
PERCENT = 1_000_000  # micros of a percentage
MONTHS = 12
OWNER = ("client_id", "person_id", "benefit_record")
BEGINS = {"first_of_month_on_or_after": "O", "first_of_month_after": "F"}
"""How a rule there says when coverage begins; anything else is the calculated day."""
HIRE = "HIR"
PLACE = [*OWNER, "plan_type", "slot"]
POINT = (*OWNER, "plan_type", "slot", "begins_on", "version")
Tables = Mapping[str, pl.DataFrame]


@dataclass(frozen=True, kw_only=True)
class Here:
    """Our records of a client on a day: set-up in force, names there, people known there."""

    connection: Any
    client_id: int
    on: date
    tables: Tables
    names: Names
    people: pl.DataFrame  # person_id, employee

    def current(self, table: str, key: str | list[str]) -> pl.DataFrame:
        """Answer rows of set-up as they hold on the day: the latest version that has begun."""
        rows = self.tables[table].filter(pl.col("valid_from") <= self.on)
        found = rows.sort("valid_from").unique(key, keep="last", maintain_order=True)
        return found.filter(pl.col("is_active")) if "is_active" in found.columns else found


def here_of(connection: Any, client_id: int, on: date) -> Here:
    """Load what is needed of our side."""
    known = external_ids(client_id)
    people = pl.DataFrame(
        {"person_id": list(known), "employee": list(known.values())},
        schema={"person_id": pl.Int64, "employee": pl.String},
    )
    return Here(
        connection=connection,
        client_id=client_id,
        on=on,
        tables=load_setup(connection, [client_id]),
        names=names_of(client_id),
        people=people,
    )


# --- set-up -------------------------------------------------------------------------------------------------


def offered(here: Here) -> pl.DataFrame:
    """List options that are a plan's: plan, tier, group and deduction code as they are called there.

    Missing: tier is blank where an option has no coverage code.
    """
    programs = here.current("program", "program_id").filter(client_id=here.client_id)
    options = here.current("option", "option_id").filter(client_id=here.client_id).drop_nulls("plan_id")
    first = here.tables["option"].group_by("option_id").agg(since=pl.col("valid_from").min())
    plans = here.current("plan", "plan_id").select("plan_id", plan="code")
    tiers = here.tables["coverage_code"].select("coverage_code_id", tier="code")
    codes = here.tables["deduction_code"].select("deduction_code_id", "tax_class", deduction_code="code")
    found = (
        options.join(programs.select("program_id", group="code"), on="program_id")
        .join(plans, on="plan_id")
        .join(tiers.unique("coverage_code_id"), on="coverage_code_id", how="left")
        .join(codes.unique("deduction_code_id"), on="deduction_code_id", how="left")
        .join(first, on="option_id")
    )
    names = here.names
    return found.select(
        *("option_id", "program_id", "plan_type", "coverage_code_id", "formula_id", "since", "tax_class"),
        plan=names.as_theirs("plan", "plan"),
        tier=names.as_theirs("tier", "tier").fill_null(""),
        group=names.as_theirs("group", "group"),
        deduction_code=names.as_theirs("deduction", "deduction_code"),
    )


def setups(here: Here) -> pl.DataFrame:
    """List the plans offered: plan, begins_on (offered since), ends_on (none)."""
    return (
        offered(here)
        .group_by("plan")
        .agg(begins_on=pl.col("since").min())
        .with_columns(status=pl.lit("A"), ends_on=pl.lit(None, pl.Date))
        .sort("plan")
    )


def contributions(here: Here) -> pl.DataFrame:
    """List what the employer pays by plan, group and tier: method, employee, dependents, as rules say it.

    Missing: method is null where no rule there can say it (percent and dollars together, or several prices).
    """
    costs = here.current("cost", ["option_id", "number"]).filter(cost_type="P")
    rows = here.current("contribution", ["contribution_id", "coverage_code_id"])
    alone = costs.filter(pl.len().over("option_id") == 1)
    priced = (
        offered(here)
        .filter(pl.col("tier") != "")
        .join(alone.select("option_id", "contribution_id"), on="option_id")
    )
    wanted = ("employee_percent_micros", "dependent_percent_micros", "fixed_monthly_cents", "valid_from")
    exact = rows.select("contribution_id", "coverage_code_id", *wanted)
    general = exact.filter(coverage_code_id=0).drop("coverage_code_id")
    found = priced.join(exact, on=["contribution_id", "coverage_code_id"], how="left").join(
        general, on="contribution_id", how="left", suffix="_any"
    )
    found = found.with_columns(pl.coalesce(name, f"{name}_any").alias(name) for name in wanted)
    fixed, own, others = (pl.col(name).fill_null(0) for name in ("fixed_monthly_cents", *wanted[:2]))
    is_percent = fixed == 0
    is_fixed = (fixed != 0) & (own == 0) & (others == 0)
    said = found.with_columns(
        method=pl.when(is_percent).then(pl.lit("P")).when(is_fixed).then(pl.lit("F")),
        employee=pl.when(is_percent).then(_four(own, PERCENT)).otherwise(_four(fixed, 100)),
        dependents=pl.when(is_percent).then(_four(others, PERCENT)).otherwise(pl.lit("0.0000")),
    )
    return said.select(
        "plan",
        "group",
        "tier",
        "method",
        "employee",
        "dependents",
        "plan_type",
        "program_id",
        from_on="valid_from",
    ).unique(["plan", "group", "tier"], keep="first", maintain_order=True)


def _four(value: pl.Expr, unit: int) -> pl.Expr:
    """Write a whole number of parts as a text with four decimals, exactly."""
    parts = 10_000
    scaled = value * parts // unit
    whole, rest = scaled // parts, scaled % parts
    return pl.concat_str(whole.cast(pl.String), pl.lit("."), rest.cast(pl.String).str.zfill(4))


def waits(here: Here) -> pl.DataFrame:
    """List how long a new hire waits, by plan and group: wait ("60 D"), begins (a code), since."""
    classes = here.tables["event_class"].filter(code=HIRE)["event_class_id"].to_list()
    rules = here.current("event_rule", ["event_rule_id", "event_class_id"])
    rules = rules.with_columns(is_hire=pl.col("event_class_id").is_in(classes))
    mine = rules.filter(pl.col("is_hire") | (pl.col("event_class_id") == 0)).sort("is_hire")
    mine = mine.unique("event_rule_id", keep="last", maintain_order=True)
    types = here.current("plan_type_row", ["program_id", "plan_type"]).select(
        "program_id", "plan_type", "event_rule_id"
    )
    found = (
        offered(here)
        .join(types, on=["program_id", "plan_type"])
        .join(
            mine.select("event_rule_id", "waiting_days", "waiting_months", "coverage_begins"),
            on="event_rule_id",
        )
    )
    by_month = pl.col("waiting_months") > 0
    wait = pl.when(by_month).then("waiting_months").otherwise("waiting_days").cast(pl.String)
    unit = pl.when(by_month).then(pl.lit(" M")).otherwise(pl.lit(" D"))
    begins = pl.col("coverage_begins").replace_strict(BEGINS, default="C", return_dtype=pl.String)
    return (
        found.with_columns(wait=wait + unit, begins=begins)
        .select("plan", "group", "wait", "begins", "since")
        .unique(["plan", "group"], keep="first", maintain_order=True)
    )


def rates(here: Here) -> pl.DataFrame:
    """List monthly rates by plan, tier and age, where a table has no other key: cents, from_on.

    is_alone: the tier covers nobody but the employee.
    """
    tables = here.current("rate_table", "rate_table_id")
    plain = tables.filter(
        pl.col("by_coverage_code")
        & ~pl.any_horizontal("by_area", "by_smoker", "by_sex", "by_service", "by_pay", "is_per_member")
    ).select("rate_table_id", "frequency")
    costs = here.current("cost", ["option_id", "number"]).filter(cost_type="P")
    rows = here.tables["rate_row"].filter(pl.col("valid_from") <= here.on)
    key = ["rate_table_id", "age_from", "coverage_code_id"]
    latest = rows.filter(pl.col("valid_from") == pl.col("valid_from").max().over("rate_table_id"))
    priced = (
        offered(here)
        .join(costs.select("option_id", "rate_table_id"), on="option_id")
        .join(plain, on="rate_table_id")
        .join(
            latest.select(*key, "rate_micros", from_on="valid_from"), on=["rate_table_id", "coverage_code_id"]
        )
        .join(_alone(here), on="coverage_code_id", how="left")
    )
    per_year = pl.col("frequency").replace_strict(PERIODS_PER_YEAR, return_dtype=pl.Int64)
    unit = MICROS // 100 * MONTHS
    yearly = pl.col("rate_micros") * per_year
    return priced.select(
        *("plan", "tier", "from_on", pl.col("age_from").cast(pl.Int32)),
        pl.col("is_alone").fill_null(value=False),
        cents=(yearly + unit // 2) // unit,
    ).unique(["plan", "tier", "age_from"], keep="first", maintain_order=True)


def _alone(here: Here) -> pl.DataFrame:
    """Name the coverage codes that cover nobody but the employee."""
    codes = here.tables["coverage_code"].unique("coverage_code_id", keep="last", maintain_order=True)
    most = [pl.col(f"{kind}_max") for kind in PERSON_KINDS]
    alone = codes.filter(pl.col("covers_employee") & (pl.sum_horizontal(most) == 0))
    return alone.select("coverage_code_id", is_alone=pl.lit(value=True))


def deduction_codes(here: Here) -> pl.DataFrame:
    """List by plan the code that takes its deductions, before tax or after."""
    return (
        offered(here)
        .drop_nulls("deduction_code")
        .select("plan", "deduction_code", is_before=pl.col("tax_class") == "B")
        .unique(["plan"], keep="first", maintain_order=True)
        .sort("plan")
    )


# --- people -------------------------------------------------------------------------------------------------


def covered(here: Here, people: pl.DataFrame | None = None) -> pl.DataFrame:
    """List what people known there hold on the day: one row per person, plan: tier, begins_on, dependents.

    Shapes:  people: others than those known there, with how they are called. members: the dependents covered,
             by our key. basis: why it is held.
    Missing: ends_on is null where no end is known ahead.
    """
    every = _points(here)
    points = _latest(every.filter(pl.col("begins_on") <= here.on)).filter(_is_covered())
    members = load_covered_dependents(here.connection, points.select("client_id", "person_id").unique())
    counts = members.group_by(POINT).agg(
        dependents=pl.len().cast(pl.Int32), members=pl.col("dependent_id").sort()
    )
    plans = offered(here).select("option_id", "plan", "tier", "group")
    held = points.join(plans, on="option_id")
    ahead = _ends_ahead(here, held, every.filter(pl.col("begins_on") > here.on))
    found = held.join(counts, on=list(POINT), how="left").join(ahead, on=PLACE, how="left")
    return (
        found.join(here.people if people is None else people, on="person_id")
        .with_columns(pl.col("dependents").fill_null(0), pl.col("members").fill_null([]), status=pl.lit("A"))
        .select(
            *(
                "person_id",
                "employee",
                "plan",
                "plan_type",
                "tier",
                "group",
                "begins_on",
                "ends_on",
                "dependents",
                "members",
                "status",
                "basis",
            )
        )
    )


def strangers(here: Here) -> pl.DataFrame:
    """List what people hold who are nobody there, as `covered`; they are called by our number.

    Who continues coverage is on no payroll: he is left out.
    """
    numbers = load_employee_numbers(here.connection, here.client_id)
    unknown = numbers.join(here.people, on="person_id", how="anti")
    called = unknown.select("person_id", employee=pl.format("{} (nobody there)", "employee_number"))
    if called.is_empty():
        return covered(here).clear()
    return covered(here, called).filter((pl.col("basis") != "continuation").fill_null(value=True))


def standing(here: Here) -> pl.DataFrame:
    """List the change points that hold on the day, of every owner, plan type and slot."""
    return _latest(_points(here).filter(pl.col("begins_on") <= here.on))


def _points(here: Here) -> pl.DataFrame:
    return load_coverage(here.connection, load_covered_people(here.connection, here.client_id, None))


def _latest(points: pl.DataFrame) -> pl.DataFrame:
    return points.sort("begins_on").unique(PLACE, keep="last", maintain_order=True)


def _is_covered() -> pl.Expr:
    return pl.col("kind").is_in([str(kind) for kind in COVERED_KINDS])


def _ends_ahead(here: Here, held: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """Find the last day of what is held and known to end: the day before another plan, or none.

    Shapes: held has PLACE and plan, later the points after the day; the result PLACE, ends_on.
    """
    options = here.tables["option"].select("option_id", "plan_id", begins_on="valid_from").sort("begins_on")
    plans = here.tables["plan"].select("plan_id", following="code").unique("plan_id")
    named = (
        later.sort("begins_on")
        .join_asof(options, on="begins_on", by="option_id", check_sortedness=False)
        .join(plans, on="plan_id", how="left")
        .with_columns(following=here.names.as_theirs("plan", "following"))
    )
    both = held.select(*PLACE, "plan").join(named.select(*PLACE, "begins_on", "kind", "following"), on=PLACE)
    ending = both.filter(~_is_covered() | pl.col("following").ne_missing(pl.col("plan")))
    return ending.group_by(PLACE).agg(ends_on=pl.col("begins_on").min().dt.offset_by("-1d"))


def groups(here: Here) -> pl.DataFrame:
    """List the benefit group of everybody known there, by the program his coverage is of."""
    found = covered(here).sort("begins_on").group_by("person_id", "employee").agg(pl.col("group").last())
    return found.sort("employee")


def decided(here: Here) -> pl.DataFrame:
    """List who has an election, a default or a waiver on the day: person_id, employee."""
    found = standing(here).select("person_id").unique()
    return found.join(here.people, on="person_id")


def active(here: Here) -> pl.DataFrame:
    """List who works, or is on leave, on the day: person_id, employee."""
    cases = (
        here.people.select("person_id")
        .with_row_index("case")
        .select(
            pl.col("case").cast(pl.Int32),
            "person_id",
            client_id=pl.lit(here.client_id, pl.Int32),
            benefit_record=pl.lit(0, pl.Int16),
            as_of=pl.lit(here.on),
        )
    )
    facts = as_of(here.connection, cases).filter(pl.col("job_status").is_in(list(ACTIVE_STATUSES)))
    return facts.select("person_id").unique().join(here.people, on="person_id")


# --- money --------------------------------------------------------------------------------------------------


def deductions(here: Here, begin: date, through: date) -> pl.DataFrame:
    """List what pays owe, by person, code and pay; corrections are not in it.

    Missing: cents are null where what is owed is not known.
    """
    lines = owed(here.connection, here.client_id, begin=begin, through=through).filter(kind="deduction")
    codes = lines.select("person_id", "pay_group", "ends_on", code="deduction_code", cents="owed_cents")
    named = codes.with_columns(
        code=here.names.as_theirs("deduction", "code"),
        pay_group=here.names.as_theirs("pay_group", "pay_group"),
    )
    found = named.drop_nulls("code").join(here.people, on="person_id")
    key = ["person_id", "employee", "code", "pay_group", "ends_on"]
    unknown = pl.col("cents").is_null().any()
    return (
        found.group_by(key)
        .agg(cents=pl.when(unknown).then(None).otherwise(pl.col("cents").sum()))
        .filter((pl.col("cents") != 0).fill_null(value=True))
    )


def corrections(here: Here) -> pl.DataFrame:
    """List corrections ordered and not taken yet, by person and plan type: open_cents."""
    rows = ordered(here.connection, here.client_id)
    if rows.is_empty():
        return pl.DataFrame(
            schema={
                "person_id": pl.Int64,
                "employee": pl.String,
                "plan_type": pl.String,
                "open_cents": pl.Int64,
            }
        )
    found = rows.group_by("person_id", "plan_type").agg(open_cents=pl.col("cents").sum())
    return found.join(here.people, on="person_id").select("person_id", "employee", "plan_type", "open_cents")


LONGEST_WAIT = timedelta(days=90)
