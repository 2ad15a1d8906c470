"""Quotes: where the rates of a person are found in the tables of a plan type.

One quote per participant, plan type and rate table; options that share a table share its quote. In tables
priced per member a quote also says what each kind of covered member costs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import polars as pl

from openbenefits.core import days, money
from openbenefits.core.codes import ADULT_KINDS, PERSON_KINDS, PersonType, RateUnit
from openbenefits.core.columns import cut, gathered, joined, spread, take, true_at, with_taken
from openbenefits.programs.rates import OLDEST_AGE, person_number, sex_number
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.addresses import PLACES, asks_addresses, with_rating_zip
from openbenefits.rating.rules.offers import Offers, capped_kinds
from openbenefits.rating.rules.price_days import has_calculations, no_pay_history, with_price_days

FACTS = ("birth_on", "sex", "is_smoker", "zip", "service_on", "annual_pay_cents")

_FACTS_RULED = {"birth_on", "annual_pay_cents"}
RULED = ("age_on", "serving_on", "pay_on", "birth_on", "annual_pay_cents", "is_pay_day_missing")


def find_quotes(
    plans: pl.DataFrame,
    members: pl.DataFrame,
    cases: pl.DataFrame,
    offers: Offers,
    rulebook: Rulebook,
    pay_history: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Find the rates the plan rows need.

    Shapes:  plans has plan (= position), case, plan_day and plan_unit (the household, null: nobody else),
             and for calculation rules event_on, deduction_on and pay_group_id; pay_history as PAY_HISTORY;
             cases has FACTS, and PLACES where a table goes by another address than the home; members has
             plan_unit, dependent_id, person_type, birth_on, sex, is_smoker and price_on. Result: one row
             per plan and quote unit, in order: quote (= position), plan, unit,
             cell (of the rate, less the coverage code; null: none), fault (rate, area or birth); and, where
             rates are per member, own_cents with <kind>_cents and <kind>_fault of each kind of dependents
             (0 and null elsewhere). Age, sex, smoking and the type of person are each member's own. Where a
             table states the employer's part, own_employer and <kind>_employer say it; where there are
             calculation rules, RULED say which days, whose birth date and what pay was looked at.
    Missing: what cannot be found is null; its fault says why.
    """
    rows = with_taken(plans[["plan", "plan_day"]], offers.days, "plan_day", "first_unit", "units")
    rows = spread(rows, "first_unit", "units", "unit")[["plan", "unit"]]
    rows = rows.hstack([pl.int_range(rows.height, dtype=pl.Int32, eager=True).alias("quote")])
    rows = with_taken(rows, offers.units, "unit", "rate_version", "is_per_member", "price_on")
    keys = offers.recent.answer("keys", lambda: _used_keys(rulebook, offers.units["rate_version"]))
    is_ruled = has_calculations(offers)
    known = {key.fact for key in keys if key.fact in cases.columns}
    known |= set(PLACES) if "zip" in known and asks_addresses(rulebook) else set()
    facts = take(
        cases, gathered(plans["case"], rows["plan"]), *(known | (_FACTS_RULED if is_ruled else set()))
    )
    rows = rows.hstack(facts).with_columns(
        age_on="price_on", serving_on="price_on", person_type=pl.lit(str(PersonType.EMPLOYEE))
    )
    if is_ruled:
        history = no_pay_history() if pay_history is None else pay_history
        rows = with_price_days(rows, plans, members, offers, rulebook, history)
    rows = _with_cell(rows, keys, rulebook)
    return _with_members(rows, plans, members, cases, offers, rulebook)


# --- the cell of a rate -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Key:
    """A key of rates: the fact it looks at, and whether that is each member's own."""

    stride: str
    fact: str
    number: str
    is_personal: bool = False


_KEYS = (
    _Key(stride="age_stride", fact="birth_on", number="age_number", is_personal=True),
    _Key(stride="smoker_stride", fact="is_smoker", number="smoker_number", is_personal=True),
    _Key(stride="sex_stride", fact="sex", number="sex_number", is_personal=True),
    _Key(stride="person_stride", fact="person_type", number="person_number", is_personal=True),
    _Key(stride="area_stride", fact="zip", number="area_number"),
    _Key(stride="service_stride", fact="service_on", number="service_number"),
    _Key(stride="pay_stride", fact="annual_pay_cents", number="pay_number"),
)


def _used_keys(rulebook: Rulebook, versions: pl.Series) -> list[_Key]:
    """List the keys that the rate tables at hand have."""
    used = rulebook.rate_tables[versions.drop_nulls().unique()]
    return [key for key in _KEYS if (used[key.stride] > 0).any()]


def _with_cell(rows: pl.DataFrame, keys: list[_Key], rulebook: Rulebook) -> pl.DataFrame:
    """Add cell, shared_cell (less what is a member's own) and fault.

    Shapes: rows has rate_version, price_on and the facts of the keys.
    """
    strides, numbers = [key.stride for key in keys], [key.number for key in keys]
    rows = with_taken(rows, rulebook.rate_tables, "rate_version", "first_cell", *strides)
    rows = _with_key_numbers(rows, keys, rulebook)
    shared = [_offset(key) for key in keys if not key.is_personal]
    rows = rows.with_columns(shared_cell=reduce(add, shared, pl.col("first_cell")))
    rows = rows.with_columns(cell=personal_cell(keys))
    if "is_unruled" in rows.columns:
        rows = rows.with_columns(
            pl.when(~pl.col("is_unruled")).then(pl.col(name)).alias(name) for name in ("cell", "shared_cell")
        )
    return cut(rows.with_columns(fault=_fault(keys, rows)), "first_cell", *strides, *numbers)


def personal_cell(keys: list[_Key]) -> pl.Expr:
    """The cell of a member: shared_cell, and what is the member's own."""
    return reduce(add, [_offset(key) for key in keys if key.is_personal], pl.col("shared_cell"))


def _offset(key: _Key) -> pl.Expr:
    """How far a key moves the cell; null where its value is missing or lies outside the table."""
    return pl.when(pl.col(key.stride) > 0).then(pl.col(key.stride) * pl.col(key.number)).otherwise(0)


def _with_key_numbers(rows: pl.DataFrame, keys: list[_Key], rulebook: Rulebook) -> pl.DataFrame:
    """Number the value of each key; null where it is missing or lies outside the table."""
    rows = _with_personal_numbers(rows, keys)
    names = [key.number for key in keys]
    if "area_number" in names:
        rows = _with_area(rows, rulebook)
    if "service_number" in names:
        months = days.months_of_service(pl.col("service_on"), pl.col("serving_on")).cast(pl.Int64)
        rows = _with_band(rows, rulebook.service_bands, months, "service")
    if "pay_number" in names:
        rows = _with_band(rows, rulebook.pay_bands, pl.col("annual_pay_cents"), "pay")
    return rows


def _with_personal_numbers(rows: pl.DataFrame, keys: list[_Key]) -> pl.DataFrame:
    """Number what is a member's own. Somebody not yet born on the day has no age."""
    age = pl.col("_age")
    if any(key.number == "age_number" for key in keys):
        rows = rows.hstack([days.ages(rows["birth_on"], rows["age_on"]).alias("_age")])
    numbers = {
        "age_number": pl.when(age >= 0).then(age.clip(upper_bound=OLDEST_AGE)).cast(pl.Int64),
        "smoker_number": pl.col("is_smoker").cast(pl.Int64),
        "sex_number": sex_number(),
        "person_number": person_number(),
    }
    rows = rows.with_columns(numbers[key.number].alias(key.number) for key in keys if key.is_personal)
    return cut(rows, "_age")


def _with_area(rows: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add area_number: the number of the area of the table's address in the table's geography."""
    located = with_rating_zip(rows, rulebook).select(zip="rating_zip")
    known = joined(located, rulebook.rating_zips, "zip", how="left", maintain_order="left")
    first_area = take(rulebook.rate_tables, rows["rate_version"], "first_area")[0]
    position = first_area + known["zip_number"]
    return rows.with_columns(gathered(rulebook.rating_areas["area_number"], position))


def _with_band(rows: pl.DataFrame, bands: pl.DataFrame, value: pl.Expr, name: str) -> pl.DataFrame:
    """Add <name>_number: the band with the greatest lower edge not above the value."""
    edge = bands.columns[1]
    valued = rows.select("rate_version", f"{name}_stride", _value=value)
    pairs = valued.filter(pl.col(f"{name}_stride") > 0)[["rate_version", "_value"]].drop_nulls().unique()
    found = (
        joined(pairs, bands, "rate_version")
        .filter(pl.col(edge) <= pl.col("_value"))
        .group_by("rate_version", "_value")
        .agg(pl.col("band").max().alias(f"{name}_number"))
    )
    numbers = joined(valued, found, ["rate_version", "_value"], how="left", maintain_order="left")
    return rows.with_columns(numbers[f"{name}_number"])


def _fault(keys: list[_Key], rows: pl.DataFrame) -> pl.Expr:
    """Why there is no cell: the area of the zip comes first, then the birth date, then days without pays."""
    names = [key.number for key in keys]
    faults: list[tuple[pl.Expr, str]] = []
    if "is_unruled" in rows.columns:
        faults.append((pl.col("is_unruled"), "calculation"))
    if "area_number" in names:
        faults.append(((pl.col("area_stride") > 0) & pl.col("area_number").is_null(), "area"))
    if "age_number" in names:
        is_aged = pl.col("age_stride") > 0
        if "is_nobody" in rows.columns:
            faults.append((is_aged & pl.col("is_nobody"), "nobody"))
        faults.append((is_aged & pl.col("birth_on").is_null(), "birth"))
        faults.append((is_aged & pl.col("age_on").is_null(), "calendar"))
    if "service_number" in names:
        is_late = (pl.col("service_stride") > 0) & pl.col("serving_on").is_null()
        faults.append((is_late, "calendar"))
    if "pay_number" in names and "is_pay_day_missing" in rows.columns:
        faults.append(((pl.col("pay_stride") > 0) & pl.col("is_pay_day_missing"), "calendar"))
    reasons = [pl.when(is_so).then(pl.lit(name)) for is_so, name in faults]
    return pl.when(pl.col("cell").is_null()).then(pl.coalesce(*reasons, pl.lit("rate")))


# --- members: list bill -----------------------------------------------------------------------------------


def _with_members(
    rows: pl.DataFrame,
    plans: pl.DataFrame,
    members: pl.DataFrame,
    cases: pl.DataFrame,
    offers: Offers,
    rulebook: Rulebook,
) -> pl.DataFrame:
    """Add what the employee and each kind of dependents cost in tables priced per member."""
    amounts = ["own_cents", *(f"{kind}_cents" for kind in offers.kinds)]
    faults = [f"{kind}_fault" for kind in offers.kinds]
    ruled = RULED if "is_unruled" in rows.columns else ()
    quotes = rows.select("quote", "plan", "unit", "cell", "fault", *ruled).with_columns(
        *(pl.lit(0, pl.Int64).alias(name) for name in amounts),
        *(pl.lit(None, pl.String).alias(name) for name in faults),
    )
    at = true_at(rows["is_per_member"])
    if at.is_empty():
        return quotes
    if states_employer(rulebook):
        employer = ["own_employer", *(f"{kind}_employer" for kind in offers.kinds)]
        amounts += employer
        quotes = quotes.with_columns(pl.lit(None, pl.Int64).alias(name) for name in employer)
    facts = ["plan", "unit", "rate_version", "age_on", "cell", "shared_cell", "fault"]
    told = [name for name in ("annual_pay_cents", "is_pay_day_missing") if name in quotes.columns]
    billed = rows.select(*facts, *told)[at]
    billed = with_taken(billed, offers.units, "unit", "unit_code_offset", *_caps(offers.kinds))
    billed = with_taken(billed, plans, "plan", "case", "plan_unit")
    if not told:
        billed = with_taken(billed, cases, "case", "annual_pay_cents")
    billed = with_taken(billed, rulebook.rate_tables, "rate_version", "charging")
    own = _member_cents(billed, rulebook)
    parts = _member_parts(billed, members, offers.kinds, rulebook)
    answers = own.rename({"cents": "own_cents", "employer": "own_employer"}).with_columns(parts.get_columns())
    return quotes.with_columns(
        quotes[name].clone().scatter(at, answers[name]) for name in ("fault", *amounts, *faults)
    )


def _member_cents(rows: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Answer cents, the year of one member, rounded; the employer's part of it; and its fault.

    Rates per member are flat, or a percentage of annual pay; others give none.
    """
    cell = rows["cell"] + rows["unit_code_offset"]
    rates = take(rulebook.rate_cells, cell, "total", "employer")
    days_ = [name for name in ("is_pay_day_missing",) if name in rows.columns]
    rows = rows.select("rate_version", "annual_pay_cents", "fault", *days_).with_columns(rates)
    rows = with_taken(rows, rulebook.rate_tables, "rate_version", "unit", "unit_divisor")
    unit = pl.col("unit")
    cents, employer = pl.col("total"), pl.col("employer")
    if not (rows["unit"] == RateUnit.FLAT.value).all():
        cents, employer = (_flat_or_share(rate) for rate in ("total", "employer"))
    no_pay = (unit == RateUnit.PERCENT_OF_BASE) & pl.col("total").is_not_null()
    why = pl.coalesce("fault", pl.when(no_pay).then(no_pay_fault(rows)).otherwise(pl.lit("rate")))
    rows = rows.with_columns(cents=cents, employer=employer)
    return rows.select("cents", "employer", fault=pl.when(pl.col("cents").is_null()).then(why))


def _flat_or_share(rate: str) -> pl.Expr:
    """The cents of a flat rate, or a percentage of annual pay; null for other units."""
    unit = pl.col("unit")
    share = money.multiply_divide_half_up(
        pl.col(rate), pl.col("annual_pay_cents"), pl.col("unit_divisor") * money.MICROS_PER_CENT
    )
    return pl.when(unit == RateUnit.FLAT).then(rate).when(unit == RateUnit.PERCENT_OF_BASE).then(share)


def no_pay_fault(rows: pl.DataFrame) -> pl.Expr:
    """Why there is no pay to take a percentage of: no pay period for its day, or no pay."""
    if "is_pay_day_missing" not in rows.columns:
        return pl.lit("coverage")
    return pl.when("is_pay_day_missing").then(pl.lit("calendar")).otherwise(pl.lit("coverage"))


def states_employer(rulebook: Rulebook) -> bool:
    """Tell whether any rate table states the employer's part of its rates."""
    return bool(rulebook.rate_tables["states_employer"].any())


def _member_parts(
    billed: pl.DataFrame, members: pl.DataFrame, kinds: Sequence[str], rulebook: Rulebook
) -> pl.DataFrame:
    """Add up, per row of `billed`, the charged members of each kind: cents, employer's part, fault."""
    charged, households = _households(members, billed, kinds, rulebook)
    key = ["plan_unit", *_caps(kinds), "charging", "age_on"]
    found = joined(billed.select(key), households, key, how="left", maintain_order="left", nulls_equal=True)
    spans = found.drop(key).fill_null(0)
    ruled = [name for name in ("is_pay_day_missing",) if name in billed.columns]
    located = billed.select("rate_version", "shared_cell", "unit_code_offset", "annual_pay_cents", *ruled)
    located = located.with_columns(spans["first_member", "members"].get_columns())
    rated = _rated_members(spread(located, "first_member", "members", "member"), charged, rulebook)
    start = pl.col("members").cum_sum() - pl.col("members")
    return _parts_of_spans(rated, spans.with_columns(start=start), kinds)


def _caps(kinds: Sequence[str]) -> list[str]:
    return [f"{kind}_cap" for kind in capped_kinds(kinds)]


def _households(
    members: pl.DataFrame, billed: pl.DataFrame, kinds: Sequence[str], rulebook: Rulebook
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Order the charged members kind by kind; and say where each household's begin.

    Two frames: the members, for each way of charging children and each day of their ages; and plan_unit, the
    caps, charging, age_on, first_member, members (of all kinds), and of each kind from which of them
    (<kind>_first) how many are covered (<kind>).
    """
    caps = billed.select(_caps(kinds)).unique()
    ways = rulebook.rate_tables[["charging", "charged_children", "charged_children_under"]].unique()
    ranked = ranked_members(joined(_members_of_ways(members, billed), ways, "charging"), kinds)
    is_charged = ~pl.col("is_under_age") | (pl.col("under_age_rank") <= pl.col("charged_children"))
    charged = ranked.filter(is_charged & _is_covered(kinds, caps))
    charged = charged.with_columns(member=pl.int_range(pl.len(), dtype=pl.Int64))
    counts = []
    for number, kind in enumerate(kinds):
        is_one = pl.col("kind") == number
        counts.append((pl.col("kind") < number).sum().cast(pl.Int64).alias(f"{kind}_first"))
        if f"{kind}_cap" in caps.columns:
            is_one = is_one & (pl.col("rank") <= pl.col(f"{kind}_cap"))
        counts.append(is_one.sum().cast(pl.Int64).alias(kind))
    rows = charged.join(caps, how="cross") if caps.width else charged
    households = rows.group_by("plan_unit", *caps.columns, "charging", "age_on").agg(
        *counts, first_member=pl.col("member").min(), members=pl.len().cast(pl.Int64)
    )
    return charged, households


def _is_covered(kinds: Sequence[str], caps: pl.DataFrame) -> pl.Expr:
    """Whether some option covers the member: of most kinds the oldest, of others as many as it allows."""
    is_covered = pl.lit(value=False)
    for number, kind in enumerate(kinds):
        most = caps[f"{kind}_cap"].max() if f"{kind}_cap" in caps.columns else 1
        is_covered = is_covered | ((pl.col("kind") == number) & (pl.col("rank") <= most))
    return is_covered


def _members_of_ways(members: pl.DataFrame, billed: pl.DataFrame) -> pl.DataFrame:
    """Repeat the members for each way their household is charged: numbers of children, day of the ages."""
    if (
        "is_pay_day_missing" not in billed.columns
    ):  # no calculation rules: ages are those of the household's day
        ways = billed[["charging"]].unique()
        return members.rename({"price_on": "age_on"}).join(ways, how="cross")
    ways = billed[["plan_unit", "charging", "age_on"]].drop_nulls("plan_unit").unique()
    return joined(members.drop("price_on"), ways, "plan_unit")


def ranked_members(members: pl.DataFrame, kinds: Sequence[str]) -> pl.DataFrame:
    """Rank the members of each kind (by its number in `kinds`) in a household, oldest first.

    Of a kind with several those under `charged_children_under` are ranked among themselves, too.
    """
    household = ["plan_unit", "charging", "age_on"]
    numbers = {person.value: number for number, kind in enumerate(kinds) for person in PERSON_KINDS[kind]}
    young_kinds = [number for number, kind in enumerate(kinds) if kind not in ADULT_KINDS]
    kind = pl.col("person_type").replace_strict(numbers, default=None, return_dtype=pl.Int8)
    rows = (
        members.with_columns(kind=kind, age=days.age_years(pl.col("birth_on"), pl.col("age_on")))
        .drop_nulls("kind")
        .sort(*household, "kind", "birth_on", "dependent_id", nulls_last=True)
    )
    is_under = (pl.col("age") < pl.col("charged_children_under")).fill_null(value=False)
    is_minor = pl.col("kind").is_in(young_kinds) & is_under
    return rows.with_columns(
        is_under_age=is_minor,
        rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over(*household, "kind"),
        under_age_rank=is_minor.cast(pl.Int32).cum_sum().over(*household, "kind"),
    ).drop("age")


def _rated_members(rows: pl.DataFrame, charged: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Find the rate of each member of each quote: cents and fault."""
    keys = [key for key in _used_keys(rulebook, rows["rate_version"]) if key.is_personal]
    facts = charged[["birth_on", "age_on", "is_smoker", "sex", "person_type"]]
    numbered = _with_personal_numbers(facts, keys)
    rows = with_taken(rows, numbered, "member", "birth_on", "age_on", *(key.number for key in keys))
    rows = with_taken(rows, rulebook.rate_tables, "rate_version", *(key.stride for key in keys))
    rows = rows.with_columns(cell=personal_cell(keys)).with_columns(fault=_fault(keys, rows))
    return _member_cents(rows, rulebook)


def _parts_of_spans(rated: pl.DataFrame, spans: pl.DataFrame, kinds: Sequence[str]) -> pl.DataFrame:
    """Add up consecutive members of each kind: from `start` and its <kind>_first as many as it counts.

    One unknown amount makes its part unknown: what is missing is counted beside the sums.
    """
    fault = rated["fault"]
    whys = [why for why in ("birth", "calendar", "coverage") if (fault == why).any()]
    running = {
        "cents": _running(rated["cents"].fill_null(0)),
        "missing": _running(rated["cents"].is_null().cast(pl.Int64)),
        "employer": _running(rated["employer"].fill_null(0)),
        **{why: _running((fault == why).fill_null(value=False).cast(pl.Int64)) for why in whys},
    }
    answers = []
    for kind in kinds:
        start = spans["start"] + spans[f"{kind}_first"]
        end = start + spans[kind]
        found = pl.DataFrame(
            [(gathered(sums, end) - gathered(sums, start)).alias(name) for name, sums in running.items()]
        )
        why = pl.coalesce(*(pl.when(pl.col(name) > 0).then(pl.lit(name)) for name in whys), pl.lit("rate"))
        is_missing = pl.col("missing") > 0
        answers += found.select(
            pl.when(~is_missing).then("cents").alias(f"{kind}_cents"),
            pl.when(~is_missing).then("employer").alias(f"{kind}_employer"),
            pl.when(is_missing).then(why).alias(f"{kind}_fault"),
        ).get_columns()
    return pl.DataFrame(answers)


def _running(numbers: pl.Series) -> pl.Series:
    """Sums up to each position, from 0."""
    return pl.concat([pl.Series([0], dtype=pl.Int64), numbers.cum_sum()])
