"""Bills that name nobody: numbers and sums by tier, and the people who may make the difference."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reconcile.conftest import CARRIER, LOADED, MONTH, NOW, TIERS, book, end
from tests.reconcile.test_lifecycle import order

from openbenefits.reconcile import loading
from openbenefits.reconcile.expected import expect
from openbenefits.reconcile.frames import load_items
from openbenefits.reconcile.loading import InvoiceRefused
from openbenefits.reconcile.models import PlanMonth
from openbenefits.reconcile.reconciling import reconcile
from openbenefits.reconcile.rules import counting
from openbenefits.reconcile.rules.comparing import Settings
from openbenefits.reconcile.terms import Terms, Wash, save_terms
from openbenefits.workforce.models import Person

BY = {"author": "ann", "now": LOADED}
VISION, HDHP = "SAMPLE-VISION", "SAMPLE-HDHP"


def summary_of(lines: pl.DataFrame) -> pl.DataFrame:
    """Numbers and sums by division, plan and tier of the lines of a list bill."""
    sums = lines.group_by("client", "plan", "tier").agg(
        Lives=pl.len().cast(pl.Int64), cents=pl.col("premium_cents").sum()
    )
    return sums.sort("client", "plan", "tier").select(
        "Lives", "cents", Division=pl.col("client").str.to_uppercase() + "-01", Product="plan", Tier="tier"
    )


def file_of(rows: pl.DataFrame, path):
    dollars = pl.format("{}.{}", pl.col("cents") // 100, (pl.col("cents") % 100).cast(pl.String).str.zfill(2))
    rows.with_columns(Premium=dollars).drop("cents").write_csv(path)
    return path


def test_numbers_and_prices_that_differ_are_told_with_who_may_make_them(two, fresh_database, tmp_path):
    connection = fresh_database
    terms = Terms(
        carriers=("Sample Mutual (invented)",),
        tiers={label: code for code, label in TIERS.items()},
        subgroups={f"{code.upper()}-01": code for code in two},
        wash={"*": Wash(kind="wash", day=15)},
    )
    save_terms(CARRIER, terms, author="test", now=NOW)
    held = book(connection, two).held.filter(pl.col("plan").is_in([VISION, HDHP]))
    rows = summary_of(book(connection, two).lines().filter(pl.col("plan").is_in([VISION, HDHP])))
    alone = held.filter((pl.col("plan") == VISION) & (pl.col("tier") == "EE ONLY"))
    of_harbor = alone.filter(client="harbor").row(0, named=True)
    units = expect(connection, list(two.values()), terms, [MONTH]).units
    left = units.filter(person_id=of_harbor["person_id"], plan_id=of_harbor["plan_id"])
    end(left, date(2025, 10, 31), known=datetime(2025, 10, 20, tzinfo=UTC))  # the carrier still counts him
    quill = (pl.col("Division") == "QUILL-01") & (pl.col("Product") == HDHP) & (pl.col("Tier") == "EE ONLY")
    rows = rows.with_columns(cents=pl.col("cents") + pl.when(quill).then(pl.col("Lives") * 300).otherwise(0))
    bad = rows.with_columns(Lives=pl.lit(None, pl.String))
    with pytest.raises(InvoiceRefused, match="expected a number of people in every row"):
        loading.load(connection, order(file_of(bad, tmp_path / "x.csv"), kind="summary"), **BY)
    made = loading.load(connection, order(file_of(rows, tmp_path / "s.csv"), kind="summary"), **BY)
    told = reconcile(connection, made, **BY)
    counted, priced = load_items(connection, invoice_id=made.pk).sort("code").iter_rows(named=True)
    number = Person.objects.get(pk=of_harbor["person_id"]).employee_number
    lives = rows.filter(Division="HARBOR-01", Product=VISION, Tier="EE ONLY")["Lives"][0]
    assert (counted["code"], counted["difference_cents"]) == (counting.COUNT, of_harbor["premium_cents"])
    assert counted["notes"] == f"perhaps {number} (known 2025-10-20)"
    assert (counted["expected"], counted["found"]) == (f"{lives - 1} people", f"{lives} people")
    of_quill = rows.filter(quill)["Lives"][0]
    assert (priced["code"], priced["difference_cents"]) == (counting.RATE, 300 * of_quill)
    assert told["explained_cents"] == told["invoiced_cents"] - told["expected_cents"]
    assert (told["people"], told["unmatched"]) == (rows["Lives"].sum(), 0)
    months = PlanMonth.objects.filter(invoice_id=made.pk)
    assert sum(one.people_invoiced for one in months) == rows["Lives"].sum()
    assert reconcile(connection, made, **BY) == told


GROUPS = st.tuples(st.integers(1, 2), st.integers(1, 2), st.sampled_from([None, 1, 2]))
PEOPLE = st.dictionaries(st.tuples(GROUPS, st.integers(1, 6)), st.none() | st.integers(0, 9000), max_size=9)
BILLED = st.dictionaries(GROUPS, st.tuples(st.integers(0, 5), st.integers(-500, 30_000)), max_size=6)
SETTINGS = Settings(month=MONTH, cutoff_at=datetime(2025, 11, 1, tzinfo=UTC))


def held_rows(people) -> pl.DataFrame:
    schema = {"client_id": pl.Int32, "plan_id": pl.Int32, "coverage_code_id": pl.Int32, "person_id": pl.Int64}
    schema |= {"expected_cents": pl.Int64, "made_at": pl.Datetime("us", "UTC"), "plan_type": pl.String}
    rows = [(*group, person, cents, NOW, "10") for (group, person), cents in people.items()]
    return pl.DataFrame(rows, schema=schema, orient="row")


@given(PEOPLE, PEOPLE, BILLED)
def test_the_parts_of_each_group_sum_to_its_difference(now, before, billed):
    schema = {"client_id": pl.Int32, "plan_id": pl.Int32, "coverage_code_id": pl.Int32}
    schema |= {"people": pl.Int32, "premium_cents": pl.Int64, "line": pl.Int32}
    rows = [(*group, *said, line) for line, (group, said) in enumerate(billed.items(), start=1)]
    sums = counting.groups(held_rows(now), pl.DataFrame(rows, schema=schema, orient="row"))
    known = {"client_id": pl.Int32, "person_id": pl.Int64, "plan_type": pl.String}
    known_at = pl.DataFrame(schema=known | {"made_at": pl.Datetime("us", "UTC")})
    perhaps = counting.candidates(held_rows(now), held_rows(before), known_at)
    found = counting.compare_counts(sums, perhaps, {}, SETTINGS)
    ours = sum(cents or 0 for cents in now.values())
    assert found["difference_cents"].sum() == sum(cents for _, cents in billed.values()) - ours
    assert found["key"].is_unique().all()
    priced = {group for (group, _), cents in now.items() if cents is None}
    for one in found.filter(code="INV_COUNT").iter_rows(named=True):
        assert (one["client_id"], one["plan_id"], one["billed_code_id"]) not in priced
        assert one["told_expected"] != one["told_found"]
