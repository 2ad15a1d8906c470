"""Candidate packages as set-up: a bundle of their own over the PEO's, compiled for the one kernel.

Nothing here knows what a price is: a rate table, a contribution and an option of each tier are written down
as a bundle would have them, and `programs` compiles them. What is priced with them is priced as an event is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import polars as pl

from openbenefits.core.codes import AreaOf, PersonType, RateUnit
from openbenefits.core.money import CENTS_PER_DOLLAR
from openbenefits.matching.candidates import SELF_ONLY, TIERED, TIERS, NoCandidates, shaped
from openbenefits.matching.rules.prices import CLIENT, Book
from openbenefits.programs.bundle import ClientBundle, PeoBundle
from openbenefits.programs.loaded import RATE_SCHEMA, LoadedBundle, load
from openbenefits.programs.rulebook import Rulebook
from openbenefits.programs.sections.amounts import ContributionPart, ContributionRow, CostPart, FormulaPart
from openbenefits.programs.sections.base import Header
from openbenefits.programs.sections.calendars import GroupPart, PayGroupPart, SchedulePart
from openbenefits.programs.sections.codes import (
    CoverageCodePart,
    DeductionCodePart,
    EventClassPart,
    PersonRange,
)
from openbenefits.programs.sections.eligibility import DependentRulePart, EventRulePart, EventRuleRow
from openbenefits.programs.sections.offers import OptionPart, PlanTypePart, ProgramPart
from openbenefits.programs.sections.plans import PlanPart
from openbenefits.programs.sections.rates import RateTablePart
from openbenefits.programs.unsaved import unsaved_rulebook

SOURCE = "candidate packages"
EVERY_PAY = "MATCH-EVERY-PAY"
FREQUENCIES = {"W": "weekly", "B": "biweekly", "S": "semimonthly", "M": "monthly"}
PERCENT = 1_000_000
ADULTS = (PersonType.SPOUSE, PersonType.DOMESTIC_PARTNER, PersonType.SAME_SEX_SPOUSE)
MANY = 99
OWN = "MATCH-"
"""What coverage codes of this capability's own begin with."""
AGE_LIMIT = 26  # 45 CFR 147.120
KEYS = {
    "tier": "coverage_code",
    "age_from": "age",
    "area": "area",
    "smoker": "smoker",
    "service_months_from": "service",
    "annual_pay_from_cents": "pay",
}
"""The column of RATES of each key of a rate table."""


def make_book(
    prices: pl.DataFrame,
    rates: pl.DataFrame,
    peo: LoadedBundle | None,
    on: date,
    client: LoadedBundle | None = None,
) -> Book:
    """Compile what is to be priced.

    Shapes: prices as `Packages.prices`, rates as RATES; the PEO's bundle gives the tables, networks and
            curves that candidates only name, the client's the addresses of companies and places of work.
    Errors: NoCandidates for a rate table or formula nobody knows, for a formula on pay a census does not say,
            for a rate for coverage whose amount nobody says.
    """
    base = peo or _bare_peo()
    _check_tables(prices, rates, base)
    _check_formulas(prices, base, on)
    _check_amounts(prices, rates, base)
    asked = _with_codes(prices, rates, base)
    codes = [*base.parts.coverage_codes, *map(_own_code, TIERS)]  # type: ignore[union-attr]
    base = replace(base, parts=msgspec.structs.replace(base.parts, coverage_codes=codes))
    rulebook = unsaved_rulebook(base, [_client(asked, rates, on, client)])
    return Book(
        rulebook=rulebook,
        on=on,
        options=_located(asked, rulebook),
        networks=_networks(base),
        pay_groups=rulebook.pay_groups.filter(client_id=CLIENT).select("pay_group_id", pay_frequency="code"),
    )


def book_of_today(rulebook: Rulebook, client_id: int, pay_groups: pl.DataFrame, on: date) -> Book:
    """Answer a client's own set-up as a book: keys are the numbers of its options, in any tier.

    Shapes: pay_groups: pay_group_id, frequency.
    """
    placed = rulebook.options.select("option_id", "plan_row", "option_row").join(
        rulebook.plan_rows.select("plan_row", "valid_from", "client_id", category="plan_type"), on="plan_row"
    )
    placed = placed.filter(pl.col("valid_from") <= on, client_id=client_id).sort("valid_from")
    latest = placed.unique("option_id", keep="last", maintain_order=True)
    tiers = pl.DataFrame({"tier": TIERS})
    options = latest.rename({"option_id": "key"}).join(tiers, how="cross")
    groups = pay_groups.sort("pay_group_id").unique("frequency", keep="first")
    return Book(
        rulebook=rulebook,
        on=on,
        options=options.select("key", "tier", "category", "plan_row", "option_row"),
        networks=pl.DataFrame(schema={"network": pl.String, "zip": pl.Int32}),
        pay_groups=groups.select("pay_group_id", pay_frequency="frequency"),
        client_id=client_id,
    )


# --- tiers as coverage codes ------------------------------------------------------------------------------


def tier_codes(peo: LoadedBundle) -> dict[str, str]:
    """Answer the PEO's own coverage code of each tier it has one for; children share one where it has one."""
    known = peo.parts.coverage_codes if isinstance(peo.parts, PeoBundle) else []
    codes: dict[str, str] = {}
    for one in known:
        if (tier := _tier_of(one)) is not None:
            codes.setdefault(tier, one.code)
    for tier, other in (("EC", "EK"), ("EK", "EC")):
        if tier not in codes and other in codes:
            codes[tier] = codes[other]
    return codes


def _tier_of(code: CoverageCodePart) -> str | None:
    """The tier a coverage code is, by whom it covers; None for codes of domestic partners and the like."""
    most = {str(person): limit.max for person, limit in code.persons.items() if limit.max > 0}
    if code.imputed_against or (most and PersonType.EMPLOYEE not in most):
        return None
    has_adult, has_child = PersonType.SPOUSE in most, PersonType.CHILD in most
    if has_adult:
        return "EF" if has_child else "ES"
    if has_child:
        return "EC" if most[PersonType.CHILD] == 1 else "EK"
    return "EE" if set(most) <= {PersonType.EMPLOYEE} else None


def _own_code(tier: str) -> CoverageCodePart:
    """A coverage code of this capability's own, for rates that do not go by those of the PEO."""
    persons = {PersonType.EMPLOYEE: PersonRange(min=1, max=1)}
    if tier in ("ES", "EF"):
        persons |= {adult: PersonRange(min=0, max=1) for adult in ADULTS}
    if tier in ("EC", "EK", "EF"):
        persons[PersonType.CHILD] = PersonRange(min=0, max=1 if tier == "EC" else MANY)
    return CoverageCodePart(code=f"{OWN}{tier}", name=tier, persons=persons)


def _with_codes(prices: pl.DataFrame, rates: pl.DataFrame, peo: LoadedBundle) -> pl.DataFrame:
    """One row per price and tier, with its coverage code: the PEO's where a table of the PEO's goes by it.

    What has no tiers has no coverage code either: `code` is empty.
    """
    own = set(rates["table"].unique())
    by_code = [
        one.code for one in peo.parts.rate_tables if "coverage_code" in one.keys and one.code not in own
    ]
    by_code += [one.code for one in peo.parts.rate_tables if one.tiers and one.code not in own]
    codes = tier_codes(peo)
    tiers = pl.DataFrame({"tier": TIERS, "peo_code": [codes.get(tier) for tier in TIERS]})
    rows = prices.join(tiers, how="cross", maintain_order="left_right")
    is_tiered = pl.col("category").is_in(TIERED)
    rows = rows.filter(is_tiered | (pl.col("tier") == SELF_ONLY))
    by_tier = pl.when(pl.col("rate_table").is_in(by_code)).then("peo_code").otherwise(OWN + pl.col("tier"))
    rows = rows.with_columns(code=pl.when(is_tiered).then(by_tier).otherwise(pl.lit("")))
    return rows.drop_nulls("code").drop("peo_code")


def _bare_peo() -> LoadedBundle:
    header = Header(kind="peo", code="peo", name="PEO")
    default = EventClassPart(code="MSC", name="Default", use="default", priority=1)
    bare = PeoBundle(bundle=header, event_classes=[default], actions=[], coverage_codes=[])
    return load(bare, {}, {})[0]


def _check_tables(prices: pl.DataFrame, rates: pl.DataFrame, peo: LoadedBundle) -> None:
    known = {*rates["table"].unique(), *(one.code for one in peo.parts.rate_tables)}
    unknown = sorted(set(prices["rate_table"].drop_nulls().unique()) - known)
    if unknown:
        raise NoCandidates(
            f"rate table {unknown[0]}: expected rates of its own or a table of the PEO's, found neither;"
            " state its rates, or correct the code"
        )


def _check_formulas(prices: pl.DataFrame, peo: LoadedBundle, on: date) -> None:
    dated = sorted(peo.parts.formulas, key=lambda one: one.valid_from)
    known = {one.code: one for one in dated if one.valid_from <= on}
    for code in prices["formula"].drop_nulls().unique().sort():
        if code not in known:
            raise NoCandidates(
                f"formula {code}: expected one of the set-up in force on {on}, found none; correct the code,"
                " or state the coverage"
            )
        if not is_on_pay_of_the_day(known[code]):
            raise NoCandidates(
                f"formula {code}: expected one on the annual pay of the day, which a census says, found other"
                " pay; name another formula, or state the coverage"
            )


def is_on_pay_of_the_day(formula: FormulaPart) -> bool:
    """Tell whether a formula looks at the annual pay of the day alone: a census says no other."""
    return not formula.benefits_base and formula.jobs == "primary" and formula.as_of == "event_date"


def _check_amounts(prices: pl.DataFrame, rates: pl.DataFrame, peo: LoadedBundle) -> None:
    units = {one.code: str(one.unit) for one in peo.parts.rate_tables}
    units |= dict(rates.select("table", pl.col("unit").fill_null(str(RateUnit.FLAT))).unique().iter_rows())
    of_coverage = [
        code for code, unit in units.items() if unit in (RateUnit.PER_HUNDRED, RateUnit.PER_THOUSAND)
    ]
    bare = prices.filter(
        pl.col("rate_table").is_in(of_coverage),
        pl.col("formula").is_null(),
        pl.col("coverage_cents").is_null(),
    )
    if bare.height:
        raise NoCandidates(
            f"rate table {bare['rate_table'][0]}: expected a formula or an amount of coverage for a rate"
            f" {units[bare['rate_table'][0]].replace('_', ' ')}, found neither; state one"
        )


# --- the bundle -------------------------------------------------------------------------------------------


def _client(asked: pl.DataFrame, rates: pl.DataFrame, on: date, client: LoadedBundle | None) -> LoadedBundle:
    """Write the bundle: a plan type per category, an option per price and tier."""
    dated: dict[str, Any] = {"valid_from": on, "source": SOURCE}
    categories = asked["category"].unique().sort().to_list()
    parts = client.parts if client is not None and isinstance(client.parts, ClientBundle) else None
    own = ClientBundle(
        bundle=Header(kind="client", code="match", name="Candidates"),
        companies=[GroupPart(code="CO", name="CO")],
        company_addresses=parts.company_addresses if parts else [],
        location_addresses=parts.location_addresses if parts else [],
        benefit_groups=[GroupPart(code="ALL", name="ALL")],
        pay_groups=list(_pay_groups(on)),
        schedules=[SchedulePart(code="MATCH", name="MATCH", kind="event_maintenance")],
        plans=[
            PlanPart(code=f"P{category}", plan_type=category, name=category, carrier="", **dated)
            for category in categories
        ],
        deduction_codes=[DeductionCodePart(code=EVERY_PAY, name="Every pay", tax="after")],
        dependent_rules=[DependentRulePart(code="MATCH", age_limit=AGE_LIMIT, **dated)],
        event_rules=[EventRulePart(code="MATCH", classes=[EventRuleRow()], **dated)],
        contributions=list(_contributions(asked, dated)),
        rate_tables=list(_rate_tables(rates, dated)),
        programs=[
            ProgramPart(
                code="MATCH",
                name="MATCH",
                plan_types=[_plan_type(category, asked.filter(category=category)) for category in categories],
                **dated,
            )
        ],
    )
    return replace(load(own, {}, {})[0], rates=_rates(rates, on))


def _plan_type(category: str, asked: pl.DataFrame) -> PlanTypePart:
    rows = asked.with_columns(gives=_gives())
    options = [
        OptionPart(
            code=f"K{row['key']}{row['tier']}",
            plan=f"P{category}",
            deduction_code=EVERY_PAY,
            coverage_codes=[row["code"]] if row["code"] else [],
            formula=row["formula"],
            premium_formula=row["premium_formula"],
            coverage_amount=_dollars(row["coverage_cents"]),
            costs=_costs(row),
        )
        for row in rows.iter_rows(named=True)
    ]
    return PlanTypePart(plan_type=category, event_rule="MATCH", dependent_rule="MATCH", options=options)


def _costs(row: Mapping[str, Any]) -> list[CostPart]:
    """What an option costs; nothing without a rate table."""
    if row["rate_table"] is None:
        return []
    contribution = f"C{row['key']}{row['tier']}" if row["gives"] else None
    rule = row["calculation_rule"]
    return [CostPart(rate_table=row["rate_table"], contribution=contribution, calculation_rule=rule)]


def _dollars(cents: int | None) -> Decimal | None:
    return None if cents is None else Decimal(cents) / CENTS_PER_DOLLAR


def _gives() -> pl.Expr:
    """Whether the employer pays something of a price in its tier."""
    return _of_tier("cents").is_not_null() | _of_tier("micros").is_not_null()


def _of_tier(unit: str) -> pl.Expr:
    """What the employer pays, of the columns of all tiers that of the row's."""
    named = [(tier, pl.col(f"employer_{tier.lower()}_{unit}")) for tier in TIERS]
    return pl.coalesce(pl.when(pl.col("tier") == tier).then(column) for tier, column in named)


def _contributions(asked: pl.DataFrame, dated: Mapping[str, Any]) -> Iterator[ContributionPart]:
    giving = asked.filter(_gives()).select("key", "tier", _of_tier("cents"), micros=_of_tier("micros"))
    for key, tier, cents, micros in giving.iter_rows():
        percent = Decimal(micros or 0) / PERCENT
        line = ContributionRow(
            employee_percent=percent,
            dependent_percent=percent,
            fixed_monthly=Decimal(cents or 0) / CENTS_PER_DOLLAR,
        )
        yield ContributionPart(code=f"C{key}{tier}", rows=[line], **dated)


def _pay_groups(on: date) -> Iterator[PayGroupPart]:
    """One of each frequency, with a calendar that holds the whole year of the prices."""
    for letter, frequency in FREQUENCIES.items():
        yield PayGroupPart(
            code=letter,
            name=frequency,
            company="CO",
            frequency=frequency,  # type: ignore[arg-type]
            first_period_begins=date(on.year - 1, 12, 1),
            calendar_through=date(on.year + 1, 1, 31),
        )


def _rate_tables(rates: pl.DataFrame, dated: Mapping[str, Any]) -> Iterator[RateTablePart]:
    tables = rates.group_by("table", maintain_order=True).agg(
        pl.col("is_per_member").any(),
        pl.col("geography", "area_of", "unit").drop_nulls().first(),
        *(pl.col(name).is_not_null().any() for name in KEYS),
    )
    for row in tables.iter_rows(named=True):
        yield RateTablePart(
            code=row["table"],
            keys=[key for name, key in KEYS.items() if row[name]],  # type: ignore[misc]
            unit=RateUnit(row["unit"] or RateUnit.FLAT),
            per_member=bool(row["is_per_member"]),
            geography=row["geography"],
            area_of=AreaOf(row["area_of"] or AreaOf.HOME),
            **dated,
        )


def _rates(rates: pl.DataFrame, on: date) -> pl.DataFrame:
    """The rates of the bundle's own tables, by coverage codes of its own."""
    rows = rates.with_columns(coverage_code=pl.lit(OWN) + pl.col("tier"), valid_from=pl.lit(on))
    return shaped(rows, RATE_SCHEMA)


# --- where it is ------------------------------------------------------------------------------------------


def _located(asked: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Find the option of each price and tier."""
    own = pl.format("K{}{}", "key", "tier")
    by_code = pl.when(pl.col("code") == "").then(own).otherwise(pl.format("{}-{}", own, "code"))
    wanted = asked.select("key", "tier", "category", "rate_table", option_code=by_code)
    known = rulebook.options.select("plan_row", "option_row", option_code="code")
    return wanted.join(known, on="option_code", maintain_order="left").drop("option_code")


def _networks(peo: LoadedBundle) -> pl.DataFrame:
    zips = peo.zips.select(network="geography", zip=pl.col("zip").cast(pl.Int32, strict=False))
    return zips.drop_nulls().unique()
