"""Risk tiers from files and from rate groups: found, kept, and never changed."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from openbenefits.matching import files, tiering
from openbenefits.matching.models import TierRecommendation
from openbenefits.matching.rules.tiers import TierUnknown
from openbenefits.programs.frames import PEO
from openbenefits.renewals.models import BenefitsPlan, GroupRate, RateGroup
from openbenefits.sample import SAMPLE_FOLDER

NOW = datetime(2026, 1, 20, 9, tzinfo=UTC)
FOLDER = SAMPLE_FOLDER / "matching"


def read(name: str, how: Any) -> Any:
    found = how(name, (FOLDER / name).read_bytes())
    assert found.bad_rows.is_empty()
    return found.found


def asked(**changes: Any) -> tiering.TierAsked:
    given = {
        "client_id": PEO,
        "title": "A prospect",
        "on": date(2026, 1, 20),
        "census": read("prospect.csv", files.read_census),
        "bands": read("tier_bands.csv", tiering.read_bands),
        "rates": read("tier_rates.csv", tiering.read_rates),
        "provided_single_cents": 520_00,
        "max_discount_micros": 10_000_000,
    }
    return tiering.TierAsked(**(given | changes))


def test_a_recommendation_is_kept_with_its_tables(database: Any) -> None:
    made = tiering.keep_recommendation(asked(), made_by="test", now=NOW)
    assert made.control == "C"  # 520.00 less 10 % is 468.00
    assert made.people == 24
    assert max("ABCDE".index(one) for one in (made.control, made.calculated)) == "ABCDE".index(made.final)
    assert len(made.tables["bands"]) == 7
    changed = tiering.keep_recommendation(
        asked(override="E", reason="large claims last year"), made_by="test", now=NOW
    )
    assert (tiering.chosen_of(changed), tiering.chosen_of(made)) == ("E", made.final)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        TierRecommendation.objects.update(final="A")


def test_rate_groups_of_a_plan_are_tiers_the_dearer_the_riskier(database: Any) -> None:
    plan = BenefitsPlan.objects.create(
        client_id=PEO, unique_code="BASE", plan_type="10", setup_plan="", name="Base", carrier="C",
        carrier_plan_code="1", begins_on=date(2026, 1, 1), source="test",
    )  # fmt: skip
    with pytest.raises(TierUnknown, match="BASE"):
        tiering.rates_of_plan(plan)
    for title, dollars in (("A", 500), ("B", 450)):
        group = RateGroup.objects.create(
            client_id=PEO, plan=plan, title=title, begins_on=date(2026, 1, 1), source="test"
        )
        GroupRate.objects.create(
            client_id=PEO, rate_group=group, tier="EE", premium_micros=dollars * 1_000_000
        )
    rates = tiering.rates_of_plan(plan)
    assert rates.rows() == [("B", 1, 450_00), ("A", 2, 500_00)]


def test_a_cell_of_a_table_that_cannot_be_read_is_named() -> None:
    found = tiering.read_bands("bands.csv", b"average_age_from,male_percent_from,tier\nold,0,A\n30,0,\n")
    assert found.bad_rows.select("row", "column").rows() == [(2, "average_age_from"), (3, "tier")]
