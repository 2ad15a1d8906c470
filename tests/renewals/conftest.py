"""A client in its year: the sample's publisher, enrolled for 2026, and its batch of that year with renewed masters."""

import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from tests.runs.conftest import Employer, put_enrolled

from openbenefits.programs import services as setup
from openbenefits.programs.drafts.services import Hand
from openbenefits.renewals.codes import OfferStatus
from openbenefits.renewals.models import Batch, BenefitsPlan, Offer
from openbenefits.renewals.moves import OFFER
from openbenefits.renewals.plans import renew_plan
from openbenefits.renewals.renewing import renew_batch
from openbenefits.renewals.statuses import move
from openbenefits.renewals.taking_over import batch_from_setup, masters_from_setup
from openbenefits.renewals.weighing import prefill_counts
from openbenefits.sample import SAMPLE_FOLDER

AUTUMN = datetime(2026, 9, 15, 9, tzinfo=UTC)
SEVEN_PERCENT = 7_000_000
PEOPLE = 36


def hand(user_id: int = 1, name: str = "specialist", now: datetime = AUTUMN) -> Hand:
    return Hand(name=name, user_id=user_id, now=now)


ADDRESSES = """
company_addresses:
- {code: QSP, zip: "01001", from: 2025-10-01, source: test}
"""
"""Where the publisher is: in the first rating area."""


@dataclass(frozen=True, kw_only=True)
class Year:
    """A client whose batch of 2026 is active and whose renewal for 2027 is being prepared."""

    employer: Employer
    batch: int
    renewal: int

    @property
    def client_id(self) -> int:
        return self.employer.client_id


def make_year(connection: Any, folder: Any) -> Year:
    """Take the year over from set-up, renew the plans by 7 percent, renew the batch, count who holds what."""
    employer = put_enrolled(folder, code="quill", people=PEOPLE)
    last_known_limits(employer.client_id, folder / "bundle")
    masters_from_setup(date(2026, 1, 1), by=hand())
    batch, _ = batch_from_setup(connection, employer.client_id, "OE26", by=hand())
    for plan in BenefitsPlan.objects.filter(expires_on=date(2026, 12, 31)):
        renew_plan(
            plan, f"{plan.setup_plan}-2027", by=hand(), source="carrier's letter", change_micros=SEVEN_PERCENT
        )
    made = renew_batch(
        batch, by=hand(), enrollment_begins_on=date(2026, 11, 2), enrollment_ends_on=date(2026, 11, 20)
    )
    prefill_counts(connection, made.batch, date(2026, 9, 15))
    return Year(employer=employer, batch=batch.pk, renewal=made.batch.pk)


def last_known_limits(client_id: int, folder: Any, code: str = "quill") -> None:
    """Let the limits of 2026 hold until those of 2027 are published."""
    shutil.copytree(SAMPLE_FOLDER / "clients" / code, folder)
    programs = folder / "programs.yaml"
    text = programs.read_text()
    programs.write_text(
        text.replace("    annual_limit: ", "    missing_limit: last_known\n    annual_limit: ")
    )
    groups = folder / "groups.yaml"
    groups.write_text(f"{groups.read_text()}\n{ADDRESSES}")
    assert setup.apply(folder, client_id=client_id, applied_by="test", now=AUTUMN).release


@pytest.fixture
def year(fresh_database: Any, kept: Any, tmp_path_factory: Any) -> Year:
    found: Year = kept(
        fresh_database,
        ("renewals", PEOPLE),
        lambda: make_year(fresh_database, tmp_path_factory.mktemp("quill")),
    )
    return found


def offers_of(batch: Batch | int) -> list[Offer]:
    key = batch if isinstance(batch, int) else batch.pk
    return list(Offer.objects.filter(batch_id=key).select_related("plan", "batch").order_by("pk"))


def choose_all(batch: Batch, by: Hand) -> None:
    for offer in offers_of(batch):
        move(OFFER, offer, OfferStatus.SELECTED, author=by.name, now=by.now)
