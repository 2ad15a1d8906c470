"""Plans set up at the payroll platform, taken into a batch as offers (process-management §8.5)."""

from datetime import UTC, date, datetime

import pytest
from django.db import connections
from tests.payroll.worlds import World

from openbenefits.platform import naming
from openbenefits.platform.models import Look
from openbenefits.platform.seen import keep
from openbenefits.programs.drafts.services import Hand
from openbenefits.renewals.batches import BatchOrder, begin_batch
from openbenefits.renewals.codes import Method, PlanKind, Tier
from openbenefits.renewals.from_payroll import Mode, take_offers
from openbenefits.renewals.plans import PlanOrder, Rate, add_plan, set_rates

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
HAND = Hand(name="test", user_id=1, now=NOW)
BEGIN = date(2026, 1, 1)


def rule(tier, employee, dependents, method="P", group="MAIN", plan="HMO-26"):
    return {
        "plan": plan,
        "group": group,
        "from_on": BEGIN,
        "tier": tier,
        "method": method,
        "employee": employee,
        "dependents": dependents,
        "wait": "0 D",
        "begins": "C",
    }


def setup(plan, begins="2026-01-01", ends=None, rate_group="STD"):
    return {
        "plan": plan,
        "status": "A",
        "begins_on": begins,
        "ends_on": ends,
        "rate_group": rate_group,
        "is_suppressing": True,
    }


@pytest.fixture(scope="module")
def batch(database, tmp_path_factory):
    """A batch, and a look at a platform with four plans of which one is ours, one ended, one without rates."""
    world = World(connections["default"], tmp_path_factory.mktemp("acme"))
    order = {"plan_type": "10", "name": "x", "carrier": "C", "carrier_plan_code": "x", "source": "test"}
    for code in ("HMO-26", "PPO-26"):
        kind = PlanKind.CLIENT
        made = add_plan(world.client_id, PlanOrder(unique_code=code, begins_on=BEGIN, kind=kind, **order))
        rates = [
            Rate(tier=Tier.EE, premium_micros=500_000_000),
            Rate(tier=Tier.EF, premium_micros=1_400_010_000),
        ]
        if code == "HMO-26":
            set_rates(made, "STD", rates, begins_on=BEGIN, source="test", by=HAND)
    naming.call(world.client_id, "tier", "4", "FAM", author="test", now=NOW)
    look = Look.objects.create(
        client_id=world.client_id, begun_at=NOW, ended_at=NOW, pays_from=BEGIN, pays_through=BEGIN
    )
    seen = {
        "setup": [
            setup("HMO-26"),
            setup("PPO-26"),
            setup("GONE", "2025-01-01", "2025-12-31"),
            setup("UNKNOWN"),
        ],
        "rule": [rule("1", "80.0000", "0.0000"), rule("FAM", "80.0000", "50.0000")],
    }
    keep(connections["default"], look, seen, {})
    return begin_batch(world.client_id, BatchOrder(effective_on=BEGIN), by=HAND)


def take(batch, mode, **given):
    return take_offers(connections["default"], batch, mode, by=HAND, **given)


def test_plans_that_hold_become_offers_and_the_rest_is_named(batch):
    assert take(batch, Mode.UPDATE).updated == []
    found = take(batch, Mode.INSERT)
    (offer,) = found.inserted
    assert (offer.plan.unique_code, offer.rate_group.title, offer.benefit_group) == ("HMO-26", "STD", "MAIN")
    assert (offer.method, offer.is_imported) == (str(Method.DOLLARS), True)
    given = dict(offer.tiers.values_list("tier", "employer_cents"))
    assert given == {"EE": 40_000, "EF": 85_001}  # 80 % of 500.00; and 50 % of 900.01, half up
    assert len(found.errors) == 2
    assert "rate group 'STD'" in " ".join(found.errors)
    assert "UNKNOWN" in " ".join(found.errors)
    assert "GONE" not in " ".join(found.errors)


def test_again_inserts_nothing_and_contributions_change_only_where_asked(batch):
    offer = batch.offers.get()
    offer.tiers.filter(tier="EE").update(employer_cents=1)
    assert take(batch, Mode.INSERT).inserted == []
    assert len(take(batch, Mode.BOTH).updated) == 1
    assert offer.tiers.get(tier="EE").employer_cents == 1
    take(batch, Mode.BOTH, is_updating_contributions=True)
    assert offer.tiers.get(tier="EE").employer_cents == 40_000
