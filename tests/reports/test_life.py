"""Group-term life insurance: coverage cut into months, the table that holds, and the report."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.programs.factories import DATED, PEO, make_client, make_peo

from openbenefits.reports.life import imputed_life, life_cover, rates_on

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BY = {"made_by": "test", "now": NOW}
LIFE, SUPPLEMENT, OTHER = 1, 2, 3
ALWAYS = {"carried_from": date(2000, 1, 1), "carried_to": date(9999, 12, 31)}
CARRIED = pl.DataFrame(
    [{"option_id": LIFE, **ALWAYS}, {"option_id": SUPPLEMENT, **ALWAYS}],
    schema_overrides={"option_id": pl.Int32},
)


def points(*rows: tuple[str, str, date, int | None, int | None]) -> pl.DataFrame:
    """Write out change points of one person: plan type, kind, day, option, dollars of coverage."""
    return pl.DataFrame(
        [
            {
                "client_id": 1,
                "person_id": 7,
                "benefit_record": 0,
                "plan_type": plan_type,
                "slot": 0,
                "kind": kind,
                "begins_on": begins_on,
                "option_id": option,
                "coverage_cents": None if dollars is None else dollars * 100,
            }
            for plan_type, kind, begins_on, option, dollars in rows
        ],
        schema_overrides={"option_id": pl.Int32, "coverage_cents": pl.Int64},
    )


def months(*rows: tuple[str, str, date, int | None, int | None]) -> dict[int, tuple[Any, ...]]:
    return months_of(CARRIED, *rows)


def months_of(carried: pl.DataFrame, *rows: Any) -> dict[int, tuple[Any, ...]]:
    found = life_cover(points(*rows), carried, 2026)
    return {
        row["month"]: (row["start_cents"], row["end_cents"], row["covered_days"]) for row in found.to_dicts()
    }


def test_coverage_of_all_life_plans_counts_together_and_no_other() -> None:
    found = months(
        ("20", "D", date(2020, 1, 1), LIFE, 50_000),
        ("21", "E", date(2025, 6, 1), SUPPLEMENT, 100_000),
        ("22", "E", date(2025, 6, 1), OTHER, 500_000),
    )
    assert len(found) == 12
    assert found[1] == (15_000_000, 15_000_000, 31)
    assert found[2] == (15_000_000, 15_000_000, 28)


def test_a_change_inside_a_month_shows_on_its_last_day() -> None:
    found = months(("20", "E", date(2026, 1, 1), LIFE, 60_000), ("20", "E", date(2026, 3, 10), LIFE, 80_000))
    assert found[2] == (6_000_000, 6_000_000, 28)
    assert found[3] == (6_000_000, 8_000_000, 31)
    assert found[4] == (8_000_000, 8_000_000, 30)


@pytest.mark.parametrize(
    ("day", "last_month", "days"),
    [(date(2026, 3, 31), 3, 30), (date(2026, 4, 1), 3, 31), (date(2026, 4, 2), 4, 1)],
)
def test_what_has_ended_no_longer_counts(day: date, last_month: int, days: int) -> None:
    found = months(("20", "E", date(2026, 1, 1), LIFE, 60_000), ("20", "T", day, None, None))
    assert max(found) == last_month
    assert found[last_month][2] == days


def test_coverage_that_begins_in_a_month_counts_its_days() -> None:
    assert months(("20", "E", date(2026, 12, 20), LIFE, 60_000)) == {12: (6_000_000, 6_000_000, 12)}
    assert months(("20", "E", date(2027, 1, 1), LIFE, 60_000)) == {}
    assert months(("20", "W", date(2026, 1, 1), LIFE, None)) == {}


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (date(2026, 3, 1), date(2026, 3, 31), {3: (6_000_000, 6_000_000, 30)}),
        (date(2026, 3, 31), date(2026, 4, 1), {3: (6_000_000, 6_000_000, 1)}),
        (
            date(2026, 3, 10),
            date(2026, 4, 2),
            {3: (6_000_000, 6_000_000, 22), 4: (6_000_000, 6_000_000, 1)},
        ),
        (date(2025, 1, 1), date(2026, 1, 1), {}),
    ],
)
def test_only_the_days_on_which_the_plan_is_imputed_count(
    since: date, until: date, expected: dict[int, tuple[Any, ...]]
) -> None:
    carried = pl.DataFrame(
        [{"option_id": LIFE, "carried_from": since, "carried_to": until}],
        schema_overrides={"option_id": pl.Int32},
    )
    assert months_of(carried, ("20", "E", date(2020, 1, 1), LIFE, 60_000)) == expected


def test_two_rows_of_a_plan_are_one_span_of_cover() -> None:
    whole = [{"option_id": LIFE, "carried_from": date(2020, 1, 1), "carried_to": date(2026, 3, 10)}]
    whole.append({"option_id": LIFE, "carried_from": date(2026, 3, 10), "carried_to": date(2030, 1, 1)})
    carried = pl.DataFrame(whole, schema_overrides={"option_id": pl.Int32})
    found = months_of(carried, ("20", "E", date(2020, 1, 1), LIFE, 60_000))
    assert found == {
        month: (6_000_000, 6_000_000, days) for month, days in zip(range(1, 13), DAYS_OF_2026, strict=True)
    }


DAYS_OF_2026 = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def test_an_unknown_amount_makes_its_month_unknown() -> None:
    assert months(("20", "E", date(2026, 12, 1), LIFE, None))[12][0] is None


def rates(*versions: tuple[date, date | None, int]) -> pl.DataFrame:
    rows = [
        {
            "code": "IRC79_TABLE_I",
            "valid_from": begin,
            "valid_through": end,
            "age_from": 0,
            "rate_micros": rate,
        }
        for begin, end, rate in versions
    ]
    return pl.DataFrame(rows, schema_overrides={"valid_through": pl.Date})


@pytest.mark.parametrize(
    ("day", "found"),
    [
        (date(2025, 12, 30), []),
        (date(2025, 12, 31), [50_000]),
        (date(2027, 12, 31), [50_000]),
        (date(2028, 1, 1), [60_000]),
        (date(2029, 12, 31), [60_000]),
        (date(2030, 1, 1), []),  # the table has ended: never the last one known
    ],
)
def test_the_table_that_holds_at_the_end_of_the_year_counts(day: date, found: list[int]) -> None:
    known = rates((date(2025, 12, 31), None, 50_000), (date(2028, 1, 1), date(2029, 12, 31), 60_000))
    assert rates_on(known, day)["rate_micros"].to_list() == found


def test_the_report_lists_people_and_months(fresh_database: Any, tmp_path: Path) -> None:
    from openbenefits.enrollment.models import Coverage
    from openbenefits.programs import services as setup
    from openbenefits.programs.models import SetupKey
    from openbenefits.reports.services import Selection, make_report
    from openbenefits.store.bulk import copy_in, schema_of
    from openbenefits.workforce import services as workforce

    plans = [*PEO["plans"]]
    plans[1] = plans[1] | {"imputed_income": True}
    table = {
        **DATED,
        "code": "IRC79_TABLE_I",
        "rows": [{"age_from": 0, "rate": 0.05}, {"age_from": 45, "rate": 0.15}],
    }
    peo = make_peo(tmp_path / "peo", plans=plans, age_tables=[table])
    assert setup.apply(peo, client_id=setup.PEO, applied_by="test", now=NOW).findings == []
    client_id = workforce.add_client("acme", "Acme").pk
    setup.apply(make_client(tmp_path / "acme"), client_id=client_id, applied_by="test", now=NOW)
    person = workforce.hire(
        client_id,
        employee_number="1001",
        first_name="Ann",
        last_name="Moss",
        on=date(2015, 1, 1),
        job={"pay_group": "BW", "annual_pay_cents": 15_000_000, "company": "ACM"},
        person={"birth_on": date(1981, 12, 31)},
        address={"state": "MA", "postal_code": "01001"},
        **BY,
    ).person_id
    key = {"client_id": client_id, "person_id": person, "benefit_record": 0, "slot": 0, "version": 1}
    option = SetupKey.objects.get(client_id=client_id, kind="option", code="MAIN/20/LIFE").pk
    point = key | {
        "plan_type": "20",
        "begins_on": date(2026, 1, 1),
        "kind": "D",
        "basis": "eligible",
        "program_id": SetupKey.objects.get(client_id=client_id, kind="program", code="MAIN").pk,
        "option_id": option,
        "coverage_cents": 15_000_000,
        "deduction_begins_on": date(2026, 1, 1),
        "rule": "test",
        "made_at": NOW,
    }
    schema = {name: kind for name, kind in schema_of(Coverage).items() if name in point}
    copy_in(fresh_database, "enrollment_coverage", pl.DataFrame([point], schema=schema))
    months_, years = imputed_life(fresh_database, 2026)
    assert months_["imputed"].to_list() == [1500] * 12  # 100 thousands at 0.15, 45 at the end of the year
    assert years.row(0) == ("acme", "1001", 18_000, 0, 18_000)
    report = make_report(fresh_database, "gtl", Selection(as_of=date(2026, 6, 1)))
    assert report.sheets["Year"]["imputed"].to_list() == ["$180.00"]
    assert report.sheets["Months"].height == 12
    months_, years = imputed_life(fresh_database, 2025)
    assert months_.is_empty()
    assert years.is_empty()
