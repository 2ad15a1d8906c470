"""Laws of the comparison on generated invoices, beside a scalar comparison that knows one unit at a time."""

from collections import defaultdict
from datetime import UTC, date, datetime

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from openbenefits.reconcile.rules import comparing
from openbenefits.reconcile.rules.comparing import ROUNDING, Settings
from openbenefits.reconcile.rules.months import compare_months

BEFORE, MONTH, AHEAD = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
KNOWN, CUTOFF = datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 1, 25, tzinfo=UTC)
SETTINGS = Settings(month=MONTH, cutoff_at=CUTOFF)
PLANS = {1: "10", 2: "10", 3: "14"}
CENTS = st.sampled_from([0, 1, 4, 6, 4_000, 5_000, 10_000, 10_003, 50_000])

UNITS = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "plan_id": pl.Int32,
    "plan_type": pl.String,
    "coverage_code_id": pl.Int32,
    "month": pl.Date,
    "is_charged": pl.Boolean,
    "expected_cents": pl.Int64,
    "full_cents": pl.Int64,
    "volume_cents": pl.Int64,
    "age": pl.Int32,
    "members": pl.Int64,
    "counted": pl.Int64,
    "made_at": pl.Datetime("us", "UTC"),
    "unit": pl.Int32,
    "covered_days": pl.Int64,
    "month_days": pl.Int64,
    "start_day": pl.Int64,
    "end_day": pl.Int64,
    "basis": pl.String,
    "run_ends_on": pl.Date,
}
LINES = {
    "line": pl.Int32,
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "plan_id": pl.Int32,
    "plan_type": pl.String,
    "standing": pl.String,
    "is_dependent": pl.Boolean,
    "is_retro": pl.Boolean,
    "premium_cents": pl.Int64,
    "coverage_code_id": pl.Int32,
    "volume_cents": pl.Int64,
    "age": pl.Int16,
    "dependents": pl.Int16,
    "month": pl.Date,
}
HISTORY = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "plan_type": pl.String,
    "plan_id": pl.Int32,
    "kind": pl.String,
    "basis": pl.String,
    "begins_on": pl.Date,
    "until": pl.Date,
    "made_at": pl.Datetime("us", "UTC"),
}
EARLIER = {name: UNITS[name] for name in ("client_id", "person_id", "plan_id", "month")} | {
    "of_month": pl.Date,
    "billed_cents": pl.Int64,
}

covered = st.fixed_dictionaries(
    {
        "tier": st.sampled_from([1, 2]),
        "charged": st.booleans(),
        "cents": CENTS | st.none(),
    }
)
billed = st.fixed_dictionaries(
    {
        "person": st.integers(1, 4),
        "plan": st.sampled_from(list(PLANS)),
        "tier": st.sampled_from([1, 2, None]),
        "cents": CENTS,
        "standing": st.sampled_from(["matched", "matched", "matched", "ask"]),
        "retro": st.booleans(),
        "month": st.sampled_from([BEFORE, MONTH, AHEAD, None]),
    }
)


def units_of(drawn) -> pl.DataFrame:
    rows = []
    for number, ((person, plan, _), one) in enumerate(drawn.items()):
        expected = (one["cents"] if one["charged"] else 0) if one["cents"] is not None else None
        told = {
            "client_id": 1,
            "person_id": person,
            "benefit_record": 0,
            "plan_id": plan,
            "plan_type": PLANS[plan],
        }
        told |= {"coverage_code_id": one["tier"], "month": one["month"], "is_charged": one["charged"]}
        told |= {
            "expected_cents": expected,
            "full_cents": one["cents"],
            "members": 0,
            "counted": 0,
            "unit": number,
        }
        told |= {"made_at": KNOWN, "covered_days": 28, "month_days": 28, "basis": "eligible"}
        rows.append({name: told.get(name) for name in UNITS})
    return pl.DataFrame(rows, schema=UNITS)


def lines_of(drawn) -> pl.DataFrame:
    rows = []
    for number, one in enumerate(drawn, start=1):
        told = {"line": number, "client_id": 1, "person_id": one["person"], "plan_id": one["plan"]}
        told |= {"plan_type": PLANS[one["plan"]], "standing": one["standing"], "is_dependent": False}
        told |= {"is_retro": one["retro"], "premium_cents": -one["cents"] if one["retro"] else one["cents"]}
        told |= {"coverage_code_id": one["tier"], "month": month_of(one)}
        rows.append({name: told.get(name) for name in LINES})
    return pl.DataFrame(rows, schema=LINES)


def month_of(one):
    """Lines that name no month are of the month billed, unless they correct something."""
    return one["month"] or (None if one["retro"] else MONTH)


keys = st.tuples(st.integers(1, 4), st.sampled_from(list(PLANS)), st.sampled_from([BEFORE, MONTH, AHEAD]))


def placed(drawn):
    return {key: one | {"month": key[2]} for key, one in drawn.items()}


@settings(max_examples=200)
@given(
    st.dictionaries(keys, covered, max_size=8).map(placed),
    st.lists(billed, max_size=10),
    st.lists(billed, max_size=4),
)
def test_differences_sum_to_invoice_less_expected_and_each_unit_is_in_one(drawn, printed, before):
    units, lines = units_of(drawn), lines_of(printed)
    history = pl.DataFrame(schema=HISTORY)
    found, settled, wanted = compare_months(lines, units, history, earlier_of(before), SETTINGS)
    whole = comparing.decide(found, units, pl.DataFrame(schema=VARIANTS))

    assert whole["difference_cents"].sum() == lines["premium_cents"].sum() - wanted["expected_cents"].sum()
    assert (whole["code"] != "").all()
    key = ["person_id", "plan_id", "month"]
    assert whole.select(key).is_duplicated().sum() == 0
    tight = whole.filter(pl.col("code") == ROUNDING)
    assert whole.filter(pl.col("code") != ROUNDING).join(settled, on=key, how="semi").is_empty()
    assert tight.is_empty() or tight["difference_cents"].abs().max() <= SETTINGS.rounding_cents
    assert differences(whole) == oracle(drawn, printed, before)


VARIANTS = {"unit": pl.Int32, "cause": pl.String, "told": pl.String, "full_cents": pl.Int64}


def earlier_of(before) -> pl.DataFrame:
    """What earlier invoices billed; of those that named no month, the month of the invoice."""
    sums: dict[tuple[int, int, date | None], int] = defaultdict(int)
    for one in before:
        sums[one["person"], one["plan"], one["month"]] += one["cents"]
    rows = [(1, person, plan, month, BEFORE, cents) for (person, plan, month), cents in sums.items()]
    return pl.DataFrame(rows, schema=EARLIER, orient="row")


def differences(found: pl.DataFrame) -> dict[tuple[int, str], int]:
    """What differs by person and kind of plan, 0 left out."""
    sums: dict[tuple[int, str], int] = defaultdict(int)
    for row in found.iter_rows(named=True):
        sums[row["person_id"], PLANS[row["plan_id"]]] += row["difference_cents"]
    return {key: cents for key, cents in sums.items() if cents}


def oracle(drawn, printed, before) -> dict[tuple[int, str], int]:
    """The same by adding up one line and one unit after the other."""
    sums: dict[tuple[int, str], int] = defaultdict(int)
    for one in printed:
        sums[one["person"], PLANS[one["plan"]]] += -one["cents"] if one["retro"] else one["cents"]
    for (person, plan, _), cents in still_expected(drawn, printed, before).items():
        sums[person, PLANS[plan]] -= cents
    return {key: cents for key, cents in sums.items() if cents}


def still_expected(drawn, printed, before) -> dict[tuple[int, int, date], int]:
    """What is expected of each place: a price once, and of what was billed before only what is left."""
    named: dict[tuple[int, int, date], int] = defaultdict(int)
    for one in before:
        if one["month"]:
            named[one["person"], one["plan"], one["month"]] += one["cents"]
    unknown = {key for key, one in drawn.items() if one["charged"] and one["cents"] is None}
    price = {key: one["cents"] for key, one in drawn.items() if one["charged"] and one["cents"] is not None}
    lines = {(one["person"], one["plan"], month_of(one)) for one in printed}
    again = {key for key in {*named, *price, *unknown} if key[2] == BEFORE or key in named}
    left = {key: price.get(key, 0) - named.get(key, 0) for key in again - unknown}
    for one in earlier_of([one for one in before if one["month"] is None]).iter_rows(named=True):
        bare = one["billed_cents"]
        for key in sorted(key for key in left if key[:2] == (one["person_id"], one["plan_id"])):
            part = min(bare, max(left[key], 0))
            left[key], bare = left[key] - part, bare - part
    first = {
        key: cents for key, cents in price.items() if key not in again and (key[2] == MONTH or key in lines)
    }
    return first | {key: cents for key, cents in left.items() if abs(cents) > SETTINGS.rounding_cents}
