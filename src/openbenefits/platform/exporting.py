"""What is sent of a client: set-ups, groups, rules, enrolments, corrections; checked before it is sent."""

from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.payroll.frames import load_orders
from openbenefits.payroll.ledger import ordered
from openbenefits.platform import here as ours
from openbenefits.platform.audits.catalogue import Sides, standing_there
from openbenefits.platform.audits.comparing import Bucket
from openbenefits.platform.client.values import amount
from openbenefits.platform.families import NAMED, covered_families
from openbenefits.platform.gathering import OURS
from openbenefits.platform.here import Here
from openbenefits.platform.models import OutboundChange
from openbenefits.platform.outbound import plan
from openbenefits.platform.shared_wishes import rate_wishes
from openbenefits.platform.wishing import Wish, about_tiers, iso, unequal, unequal_keys

PARTS = ("set-up", "people", "corrections", "rates")
SHARED = ("rates",)
"""Parts of what all clients share there: only who sets up for every client sends them."""
MONTHS = 12


def wishes(sides: Sides, part: str) -> list[Wish]:
    """List what a part of an export is to bring about: preconditions checked, nothing written."""
    if part == "set-up":
        return [*setup_wishes(sides), *group_wishes(sides), *rule_wishes(sides)]
    if part == "people":
        return [*member_wishes(sides), *dependent_wishes(sides), *enrolment_wishes(sides)]
    if part == "rates":
        return rate_wishes(sides)
    return correction_wishes(sides)


def export(sides: Sides, part: str, *, author: str, reason: str, now: datetime) -> list[OutboundChange]:
    """Plan a part of an export; what is there already, as the last look saw it, is left out.

    Nothing of a part is sent where a precondition of it is not right: that change is held and says so.
    """
    client_id = sides.here.client_id
    cause = f"export: {part}"
    return [
        plan(one.order(client_id, cause=cause, reason=reason), author=author, now=now)
        for one in wishes(sides, part)
    ]


# --- set-up -------------------------------------------------------------------------------------------------


def setup_wishes(sides: Sides) -> list[Wish]:
    """The set-ups of plans that are not there as offered."""
    rows = unequal(sides, "A1", (Bucket.HERE_ONLY, Bucket.DIFFERENT))
    here = ours.setups(sides.here).join(rows, left_on="plan", right_on="key", how="semi")
    return [_setup_wish(sides, one) for one in here.iter_rows(named=True)]


def _setup_wish(sides: Sides, one: dict[str, Any]) -> Wish:
    wanted = {
        "planId": one["plan"],
        "planClass": "G",
        "status": "A",
        "startDate": one["begins_on"].isoformat(),
        "stopDate": "",
    }
    return Wish(
        element="plan set-up", key=one["plan"], wanted=wanted, problems=_about_plan(sides, one["plan"])
    )


def _about_plan(sides: Sides, plan_code: str) -> list[str]:
    """Say what keeps a plan from being exported. Missing: nothing is known of a plan no look has seen."""
    seen = sides.seen("plan").filter(plan=plan_code)
    if seen.is_empty():
        return []
    codes = ours.deduction_codes(sides.here).filter(plan=plan_code)
    row = seen.row(0, named=True)
    if codes.height and not (row["before_code"] or row["after_code"]):
        return [f"plan {plan_code}: expected a deduction code there, found none; set it up at the platform"]
    return []


def group_wishes(sides: Sides) -> list[Wish]:
    """The benefit groups that are not there, each with the plans its program offers."""
    there = set(sides.seen("group")["group"].to_list())
    rows = ours.offered(sides.here).group_by("group").agg(pl.col("plan").unique().sort()).sort("group")
    return [
        Wish(
            element="group",
            key=group,
            wanted={
                "groupId": group,
                "groupName": group,
                "eligibleBenefits": [{"planId": code} for code in plans],
            },
        )
        for group, plans in rows.iter_rows()
        if group not in there
    ]


def rule_wishes(sides: Sides) -> list[Wish]:
    """The rules whose contributions or waits are not as ours."""
    wrong = {tuple(key.split("|")[:2]) for code in ("A3", "A5") for key in unequal_keys(sides, code)}
    rows = ours.contributions(sides.here)
    waits = {(one["plan"], one["group"]): one for one in ours.waits(sides.here).iter_rows(named=True)}
    shares = {
        (part["plan"][0], part["group"][0]): part
        for part in rows.partition_by("plan", "group", maintain_order=True)
    }
    return [
        _rule_wish(sides, place, shares.get(place, rows.clear()), waits[place])
        for place in sorted(waits)
        if place in wrong
    ]


def _rule_wish(sides: Sides, place: tuple[str, str], part: pl.DataFrame, wait: dict[str, Any]) -> Wish:
    plan_code, group = place
    problems = about_tiers(sides, part["tier"].to_list())
    said = part.drop_nulls("method")
    if said.height < part.height:
        problems.append("a contribution in percent and dollars together cannot be said in a rule there")
    length, unit = wait["wait"].split(" ")
    from_on = part["from_on"].max() or wait["since"]
    wanted = {
        "planId": plan_code,
        "groupPlanId": group,
        "effectiveDate": iso(from_on) if isinstance(from_on, date) else "",
        "ruleAmtMadeBy": "C",
        "rule": [
            {
                "planType": one["tier"],
                "method": one["method"],
                "companyEEBill": one["employee"],
                "companyDepBill": one["dependents"],
            }
            for one in said.sort("tier").iter_rows(named=True)
        ],
        "minDayOrMonth": unit,
        "minDayOrMonthValue": length,
        "eligDateUsed": wait["begins"],
        "eligDaysFrom": "H",
    }
    return Wish(element="rule", key=f"{plan_code}|{group}", wanted=wanted, problems=problems)


# --- people -------------------------------------------------------------------------------------------------


def member_wishes(sides: Sides) -> list[Wish]:
    """The employees whose benefit group is not that of their program."""
    rows = unequal(sides, "A4", (Bucket.HERE_ONLY, Bucket.DIFFERENT))
    here = ours.groups(sides.here).join(rows, left_on="employee", right_on="key", how="semi")
    return [
        Wish(
            element="employee",
            key=one["employee"],
            wanted={"benefitGroup": one["group"]},
            person_id=one["person_id"],
        )
        for one in here.iter_rows(named=True)
    ]


def dependent_wishes(sides: Sides) -> list[Wish]:
    """The covered dependents who are not there as here; who they are is filled in when it is sent."""
    here = covered_families(sides.here)
    there = (
        sides.seen("family").filter(differs="").select("employee", number=pl.col("dependent").cast(pl.Int64))
    )
    wrong = here.with_columns(pl.col("number").cast(pl.Int64)).join(
        there, on=["employee", "number"], how="anti", maintain_order="left"
    )
    return [
        Wish(
            element="dependent",
            key=f"{one['employee']}|dependent {one['number']}",
            wanted={NAMED: one["dependent_id"]},
            person_id=one["person_id"],
        )
        for one in wrong.iter_rows(named=True)
    ]


def enrolment_wishes(sides: Sides) -> list[Wish]:
    """The enrolments that are not as what people hold, and the ends of those nobody holds."""
    key = pl.concat_str("employee", pl.lit("|"), "plan")
    wrong = unequal(sides, "A6", (Bucket.HERE_ONLY, Bucket.DIFFERENT))
    here = ours.covered(sides.here).with_columns(key=key).join(wrong, on="key", how="semi")
    yearly = _yearly(sides.here, here)
    found = [_enrolment_wish(sides, one, yearly) for one in here.iter_rows(named=True)]
    extra = unequal(sides, "A6", (Bucket.THERE_ONLY,)).join(
        sides.seen("enrolment").with_columns(key=key), on="key"
    )
    found += [end_wish(sides, one) for one in extra.unique("key").iter_rows(named=True) if one["person_id"]]
    return found + ahead_wishes(sides, wrong)


def ahead_wishes(sides: Sides, wrong: pl.DataFrame) -> list[Wish]:
    """The ends that are known ahead and stand otherwise there, each with its last day.

    wrong: keys of enrolments that are put right first; their ends follow after the next look.
    """
    key = pl.concat_str("employee", pl.lit("|"), "plan")
    there = standing_there(sides).select("employee", "plan", there_on="ends_on").unique(["employee", "plan"])
    here = ours.covered(sides.here).with_columns(key=key).join(wrong, on="key", how="anti")
    ending = here.drop_nulls("ends_on").join(there, on=["employee", "plan"])
    ending = ending.filter(pl.col("ends_on").ne_missing(pl.col("there_on"))).sort("key")
    return [_end(one, one["ends_on"]) for one in ending.iter_rows(named=True)]


def _enrolment_wish(sides: Sides, one: dict[str, Any], yearly: dict[tuple[int, str], int]) -> Wish:
    wanted: dict[str, Any] = {
        "planId": one["plan"],
        "effectiveDate": iso(one["begins_on"]),
        "planType": one["tier"] or "",
        "status": "A",
    }
    if one["tier"]:
        wanted["dependent"] = [{NAMED: each} for each in one["members"]]
    if (share := yearly.get((one["person_id"], one["plan"]))) is not None:
        wanted["employeeContrib"] = amount(share)
    problems = []
    if sides.seen("setup").filter(plan=one["plan"]).is_empty():
        problems.append(
            f"plan {one['plan']}: expected it set up there, found it not; export the set-up first"
        )
    problems += about_tiers(sides, [one["tier"]] if one["tier"] else [])
    return Wish(
        element="enrolment",
        key=f"{one['employee']}|{one['plan']}",
        wanted=wanted,
        person_id=one["person_id"],
        problems=problems,
    )


def _yearly(here: Here, held: pl.DataFrame) -> dict[tuple[int, str], int]:
    """What the employee pays in a year, by what the coming pays of this one take on average, in cents."""
    if held.is_empty():
        return {}
    people = held["person_id"].unique().to_list()
    year = here.on.year
    lines = ours.owed(
        here.connection,
        here.client_id,
        begin=here.on,
        through=date(year, 12, 31),
        person_ids=people,
    )
    first = lines.filter(kind="deduction").sort("ends_on")
    plans = ours.offered(here).select("option_id", "plan")
    pays = (
        here.tables["pay_period"]
        .filter(pl.col("ends_on").dt.year() == year)
        .group_by(pl.col("pay_group_id").cast(pl.Int64))
        .agg(pays=pl.len())
    )
    priced = first.join(plans, on="option_id").join(pays, on="pay_group_id")
    key = ["person_id", "plan", "pay_group_id"]
    known = priced.group_by(key).agg(
        sum=pl.col("owed_cents").sum(),
        count=pl.len(),
        pays=pl.col("pays").first(),
        unknown=pl.col("owed_cents").is_null().any(),
    )
    rows = known.filter(~pl.col("unknown")).with_columns(
        cents=(2 * pl.col("sum") * pl.col("pays") + pl.col("count")) // (2 * pl.col("count"))
    )
    rows = rows.sort(key).unique(["person_id", "plan"], keep="last", maintain_order=True)
    rows = rows.select("person_id", "plan", "cents")
    return {(person, code): cents for person, code, cents in rows.iter_rows()}


def end_wish(sides: Sides, one: dict[str, Any]) -> Wish:
    """End an enrolment that nobody holds: on the last day he held it here, else on its first."""
    day = _last_day(sides.here, one["person_id"], one["plan"]) or one["begins_on"] or sides.on
    return _end(one, day)


def _end(one: dict[str, Any], last: date) -> Wish:
    wanted = {"planId": one["plan"], "coverageEndDate": iso(last)}
    return Wish(
        element="end", key=f"{one['employee']}|{one['plan']}", wanted=wanted, person_id=one["person_id"]
    )


def _last_day(here: Here, person_id: int, plan_code: str) -> date | None:
    """Find the last day on which somebody held a plan, by the point that ended it."""
    types = ours.offered(here).filter(plan=plan_code)["plan_type"].unique().to_list()
    ended = ours.standing(here).filter((pl.col("person_id") == person_id) & pl.col("plan_type").is_in(types))
    last = ended["begins_on"].max()
    return date.fromordinal(last.toordinal() - 1) if isinstance(last, date) else None


# --- corrections --------------------------------------------------------------------------------------------


def correction_wishes(sides: Sides) -> list[Wish]:
    """The corrections ordered and not taken, each as adjustments with our tag in their comments.

    The platform takes the same in every cycle: pays in a row that take as much are one adjustment, which
    begins with the first of them. An order of which some pays were taken is said as it was.
    """
    client_id = sides.here.client_id
    waiting = ordered(sides.connection, client_id)
    if waiting.is_empty():
        return []
    orders = load_orders(sides.connection, client_id, None).filter(~pl.col("is_cancelled"))
    rows = orders.join(waiting, on=ORDER, how="semi")
    held = ours.covered(sides.here).select("person_id", "employee", "plan", "plan_type")
    named = _cycles(rows).join(held, on=["person_id", "plan_type"], how="left")
    return [_correction_wish(one) for one in named.iter_rows(named=True)]


ORDER = ["person_id", "benefit_record", "plan_type", "kind", "tax_class", "order_number"]


def _cycles(rows: pl.DataFrame) -> pl.DataFrame:
    """Add up orders by pay, then pays in a row of one amount: ORDER, part, each, cycles, first, tax."""
    pays = rows.sort("ends_on").group_by(*ORDER, "ends_on", maintain_order=True)
    sums = pays.agg(pl.col("cents").sum(), tax=pl.col("taken_as").first())
    other = (pl.col("cents") != pl.col("cents").shift(1)).fill_null(value=False)
    parts = sums.with_columns(part=other.cast(pl.Int64).cum_sum().over(ORDER, order_by="ends_on"))
    return (
        parts.group_by(*ORDER, "part", maintain_order=True)
        .agg(
            each=pl.col("cents").first(),
            cycles=pl.len(),
            first=pl.col("ends_on").min(),
            tax=pl.col("tax").first(),
        )
        .sort(*ORDER, "part")
    )


def _correction_wish(one: dict[str, Any]) -> Wish:
    series = [str(one[name]) for name in ("benefit_record", "kind", "tax_class")]
    usual = series == ["0", "deduction", "B"]
    of_series = "" if usual else f"-{'-'.join(series)}"
    of_part = f"/{one['part'] + 1}" if one["part"] else ""
    tag = f"{OURS}{one['person_id']}-{one['plan_type']}-{one['order_number']}{of_series}{of_part}"
    problems = []
    if one["plan"] is None:
        problems.append("expected a plan the correction is of, found none held today; enter it there by hand")
    wanted = {
        "benefitPlan": one["plan"] or "",
        "period": f"{one['first']:%Y%m}",
        "billAmount": amount(0),
        "eeContribution": amount(one["each"]),
        "cycles": int(one["cycles"]),
        "startDate": iso(one["first"]),
        "retroEnroll": one["tax"] == "A",
        "comment": tag,
    }
    return Wish(element="adjustment", key=tag, wanted=wanted, person_id=one["person_id"], problems=problems)
