"""Step 8, next year: plans are renewed and offered to a client and its child company."""

from datetime import date
from typing import Any

from openbenefits.cli.demo.next_year import CLIENT
from openbenefits.cli.demo.stage import ACTOR, OPEN_ENROLLMENT, Stage, at
from openbenefits.cli.screen import say
from openbenefits.core.money import dollars
from openbenefits.programs.drafts.services import Hand
from openbenefits.renewals.batches import BatchOrder, begin_batch
from openbenefits.renewals.codes import BatchStatus, BatchType
from openbenefits.renewals.models import Batch, BenefitsPlan
from openbenefits.renewals.moves import BATCH
from openbenefits.renewals.plans import renew_plan
from openbenefits.renewals.presenting import shown
from openbenefits.renewals.renewing import clone_to_child, renew_batch
from openbenefits.renewals.statuses import move
from openbenefits.renewals.taking_over import batch_from_setup, masters_from_setup
from openbenefits.renewals.weighing import prefill_counts
from openbenefits.workforce.recording import add_client

CHILD = "harbor-yard"
RENEWED = date(2026, 9, 15)
WINDOW: dict[str, Any] = {"enrollment_begins_on": date(2026, 11, 2), "enrollment_ends_on": date(2026, 11, 20)}
SEVEN_PERCENT = 7_000_000


def play(stage: Stage) -> None:
    """Renew plans by 7 percent, offer them for 2027, and leave the offer with the client."""
    with stage.step("8 Next year: plans are renewed and offered"):
        offer(stage, Hand(name=ACTOR, user_id=0, now=at(RENEWED)))


def offer(stage: Stage, by: Hand) -> Batch:
    """Take this year over, renew it, clone it to the child company; answer the client's batch."""
    client_id = stage.clients[CLIENT]
    masters_from_setup(date(2026, 1, 1), by=by)
    batch, left = batch_from_setup(stage.connection, client_id, OPEN_ENROLLMENT, by=by)
    waiting = BenefitsPlan.objects.filter(expires_on=date(2026, 12, 31), renewed_on__isnull=True)
    for plan in waiting.order_by("pk"):
        code = plan.unique_code.replace("2026", "2027")
        renew_plan(plan, code, by=by, source="carriers' letters (invented)", change_micros=SEVEN_PERCENT)
    made = renew_batch(batch, by=by, card_title="Benefits 2027", **WINDOW).batch
    counted = prefill_counts(stage.connection, made, RENEWED)
    child = add_client(CHILD, "Harbor Yard (invented, a child company)")
    order = BatchOrder(effective_on=made.effective_on, type=BatchType.RENEWAL, parent_client_id=client_id)
    cloned = clone_to_child(made, begin_batch(child.pk, order, by=by), by=by)
    for step in (BatchStatus.PREPARED, BatchStatus.REVIEW):
        move(BATCH, made, step, author=by.name, now=by.now)
    premium = shown(stage.connection, made).whole[0]
    say(
        f"{CLIENT}: {made.offers.count()} plans offered for 2027 to {counted:,} people who hold them"
        f" ({len(left)} go on as set-up has them): {dollars(premium.was)} a month now,"
        f" {dollars(premium.is_now)} then ({premium.percent}). The client's contact may sign."
    )
    say(f"{CHILD}: {len(cloned)} plans cloned from its parent.")
    return made
