"""Step 14, a renewal: what a client has becomes next year's offer, is signed, and turns into set-up."""

from datetime import UTC, date, datetime

from openbenefits.cli.demo.next_year import apply, copied, note_schedules
from openbenefits.cli.demo.stage import ACTOR, Stage, at
from openbenefits.cli.screen import console, say, table_of
from openbenefits.core.codes import Level
from openbenefits.matching.sheets import in_dollars
from openbenefits.programs.drafts.services import Hand
from openbenefits.renewals.approving import Signature, sign
from openbenefits.renewals.codes import BatchStatus, OfferStatus
from openbenefits.renewals.comparing import comparison_of
from openbenefits.renewals.models import Batch, BenefitsPlan, Offer
from openbenefits.renewals.moves import BATCH, OFFER
from openbenefits.renewals.plans import renew_plan
from openbenefits.renewals.renewing import renew_batch
from openbenefits.renewals.setting_up import put_into_force
from openbenefits.renewals.statuses import move
from openbenefits.renewals.taking_over import batch_from_setup, masters_from_setup
from openbenefits.renewals.weighing import prefill_counts
from openbenefits.runs.services import run

CLIENT = "quill"
BEGUN, SIGNED, OPENED = date(2026, 9, 15), date(2026, 10, 20), date(2026, 11, 2)
CLOSED = date(2026, 11, 20)
SHOWN = (
    "plan_name",
    "people",
    "was_premium_cents",
    "is_premium_cents",
    "is_employer_cents",
    "is_employee_cents",
)
SEVEN_PERCENT = 7_000_000  # micro-percent


def play(stage: Stage) -> None:
    """Renew a client's year: offered, chosen, signed, in force, prepared."""
    with stage.step("14 A renewal: from this year's coverage to next year's signed set-up"):
        batch = _offered(stage)
        weighed = comparison_of(stage.connection, batch)
        console.print(table_of(in_dollars(weighed.plans().select(SHOWN)), title="A month, now and next year"))
        _signed(stage, batch)
        change = put_into_force(stage.connection, batch, by=_hand(SIGNED))
        number = change.release.number if change.release else "none"
        say(f"The signed batch is release {number} of {CLIENT}: {batch.schedule}, and nothing was retyped.")
        note_schedules(stage)
        order = stage.order(CLIENT, batch.schedule, OPENED, through=Level.OPTIONS)
        prepared = run(stage.connection, order, now=at(OPENED))
        say(f"{prepared.people:,} people of {CLIENT} have options at the signed prices.")


def _offered(stage: Stage) -> Batch:
    """Take the year over, renew the PEO's plans by seven percent, and renew the client's batch."""
    client_id, hand = stage.clients[CLIENT], _hand(BEGUN)
    apply(stage, CLIENT, copied(stage, CLIENT), BEGUN)
    left_out = masters_from_setup(date(BEGUN.year, 1, 1), by=hand).left
    batch, left = batch_from_setup(stage.connection, client_id, "OE26", by=hand)
    for plan in BenefitsPlan.objects.filter(expires_on=date(BEGUN.year, 12, 31)):
        code = f"{plan.setup_plan}-{BEGUN.year + 1}"
        renew_plan(plan, code, by=hand, source="made up: plus 7 percent", change_micros=SEVEN_PERCENT)
    renewed = renew_batch(batch, by=hand, enrollment_begins_on=OPENED, enrollment_ends_on=CLOSED)
    prefill_counts(stage.connection, renewed.batch, BEGUN)
    say(
        f"{len(left_out) + len(left)} records are left as set-up has them"
        f" (their prices differ by person or place)"
    )
    return renewed.batch


def _signed(stage: Stage, batch: Batch) -> None:
    """Show it to the client, who takes every offer and signs."""
    for step in (BatchStatus.PREPARED, BatchStatus.REVIEW):
        move(BATCH, batch, step, author=ACTOR, now=at(SIGNED))
    contact = Hand(name="contact", user_id=2, now=at(SIGNED))
    for offer in Offer.objects.filter(batch_id=batch.pk):
        move(OFFER, offer, OfferStatus.SELECTED, author=contact.name, now=contact.now)
    approval = sign(stage.connection, batch, Signature(name="Q. Press"), by=contact)
    say(f"Every offer chosen, and signed by {approval.signature}; the document is kept as it was signed.")


def _hand(on: date) -> Hand:
    return Hand(name=ACTOR, user_id=1, now=datetime(on.year, on.month, on.day, 9, tzinfo=UTC))
