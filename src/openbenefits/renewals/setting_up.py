"""A signed batch becomes set-up: programs of the new year with its prices, open enrolment, run controls.

What was signed is written as records of a draft (`programs.drafts`), and the draft is applied like any other:
the same audit, the same second person. From then on set-up is the truth of these rates (decision 0017).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from django.db import transaction

from openbenefits.core.codes import AreaOf, RateUnit
from openbenefits.core.plan_types import has_rates, is_health
from openbenefits.programs import services as setup
from openbenefits.programs.drafts import services as drafts
from openbenefits.programs.drafts.records import Plain, plain_record
from openbenefits.programs.drafts.renewal import carry_forward
from openbenefits.programs.drafts.services import Hand, OpenDraft
from openbenefits.programs.findings import Finding
from openbenefits.programs.models import Draft
from openbenefits.renewals import enrolling, underwriting
from openbenefits.renewals.codes import STANDING, BatchStatus, bands_of
from openbenefits.renewals.comparing import Compared, approval_of, comparison_of
from openbenefits.renewals.models import Batch, Offer
from openbenefits.renewals.rules.options import NoPlace, Priced, Sold, of_program
from openbenefits.renewals.rules.pricing import rates_offered
from openbenefits.renewals.statuses import RenewalRefused
from openbenefits.renewals.tiers import tiers_in_force
from openbenefits.workforce.models import Client

MOST_TOLD = 5


class SetupRefused(RenewalRefused):
    """Set-up that cannot be put into force: what its audit found."""

    def __init__(self, batch: Batch, findings: list[Finding]) -> None:
        """Say the first of it."""
        self.findings = findings
        wrong = [one for one in findings if one.severity == "E"]
        told = "; ".join(one.sentence() for one in wrong[:MOST_TOLD])
        super().__init__(
            f"batch {batch.pk}: expected set-up without errors, found {len(wrong)}: {told}."
            " Make the draft, and finish it there"
        )


def draft_of(connection: Any, batch: Batch, *, by: Hand) -> Draft:
    """Make the draft of set-up of a signed batch, or answer the one there is.

    Errors: RenewalRefused for a batch that is not signed, or whose set-up is in force; where the client has
            no set-up in force yet, or a plan goes into a program or category that it has not.
    """
    with transaction.atomic():
        held = Batch.objects.select_for_update().get(pk=batch.pk)
        approval = approval_of(held)
        if approval is None or held.status != BatchStatus.APPROVED or held.release_id is not None:
            raise RenewalRefused(
                f"batch {held.pk}: expected one that is signed and not yet in force, found '{held.status}';"
                " let the client sign it first"
            )
        standing = Draft.objects.filter(pk=held.draft_id, ended_at__isnull=True).first()
        if standing is not None:
            return standing
        weighed = comparison_of(connection, held)
        source = f"batch {held.pk}, signed by {approval.signature} on {approval.signed_at:%Y-%m-%d}"
        made = _filled(held, weighed, source, by)
        held.draft_id = made.pk
        held.save(update_fields=["draft_id", "schedule"])
    batch.refresh_from_db()
    return made


def _filled(batch: Batch, weighed: Compared, source: str, by: Hand) -> Draft:
    code = Client.objects.filter(pk=batch.client_id).values_list("code", flat=True)[0]
    if setup.loaded_in_force(batch.client_id) is None:
        raise RenewalRefused(
            f"batch {batch.pk}: expected set-up of the client in force (groups, calendars, programs, rules),"
            " found none; apply its first bundle"
        )
    name = f"Batch {batch.pk}: benefits from {batch.effective_on}"
    draft = drafts.begin(batch.client_id, code, name=name, by=by)
    if _begins_later(drafts.opened(draft), batch.effective_on):
        carry_forward(draft, batch.effective_on, source, by=by)
    held = drafts.opened(draft)
    for section, key, record in _records(held, batch, weighed, source):
        drafts.put(draft, section, key, record, by=by)
    batch.schedule = enrolling.put_enrolment(draft, batch, by=by)
    return draft


def _begins_later(held: OpenDraft, day: date) -> bool:
    return any(one["from"] < day.isoformat() for one in held.parts.get("programs") or ())


def _records(held: OpenDraft, batch: Batch, weighed: Compared, source: str) -> list[Priced]:
    """Write the offers into the programs they belong to, with plans, rates and rules they need."""
    offered = _sold(batch, weighed)
    _keep_codes(batch, offered)
    sold = [*offered.values(), *_ended(batch)]
    day = batch.effective_on
    found: list[Priced] = []
    for program in sorted({one.program for one in sold}):
        record = held.record("programs", (program, day.isoformat()))
        if record is None:
            raise RenewalRefused(
                f"batch {batch.pk}: expected the program of each plan among those in force on {day}, found"
                f" '{program or 'none named'}'; name the program in the offer"
            )
        mine = [one for one in sold if one.program == program]
        found += of_program(record, mine, held.parts, tiers=tiers_in_force(), day=day, source=source)
    known = {one["code"] for one in held.parts.get("plans") or ()} | _plans_of_peo()
    wanted = {one.setup_plan: one for one in sold if one.is_going and one.setup_plan not in known}
    found += [("plans", None, one.as_plan(day, source)) for one in wanted.values()]
    return found


def _plans_of_peo() -> set[str]:
    loaded = setup.loaded_in_force(setup.PEO)
    return {one.code for one in loaded.parts.plans} if loaded is not None else set()


def _sold(batch: Batch, weighed: Compared) -> dict[int, Sold]:
    """Say what becomes of each offer, by its number."""
    offers = batch.offers.select_related("plan", "rate_group").order_by("pk")
    prices = rates_offered(weighed.lines)
    return {
        one.pk: Sold(
            program=one.program,
            plan_type=one.plan.plan_type,
            option_code=one.option_code or _code_of(one),
            benefit_group=one.benefit_group,
            setup_plan=one.plan.setup_plan,
            name=one.plan.name,
            carrier=one.plan.carrier,
            design=one.plan.design,
            is_going=one.status in STANDING,
            unit=one.rate_group.unit if one.rate_group else RateUnit.FLAT,
            geography=one.rate_group.geography if one.rate_group else "",
            area_of=one.rate_group.area_of if one.rate_group else AreaOf.HOME,
            prices=[
                (row["tier"], bands_of(row), row["rate_micros"], row["employer_micros"])
                for row in prices.filter(offer_id=one.pk).iter_rows(named=True)
            ],
        )
        for one in offers
    }


def _code_of(offer: Offer) -> str:
    code = offer.client_plan_code or offer.plan.setup_plan
    return f"{code}-{offer.benefit_group}" if offer.benefit_group else code


def _keep_codes(batch: Batch, sold: Mapping[int, Sold]) -> None:
    for one in batch.offers.filter(pk__in=sold):
        if one.option_code != sold[one.pk].option_code:
            one.option_code = sold[one.pk].option_code
            one.save(update_fields=["option_code"])


def _ended(batch: Batch) -> list[Sold]:
    """The offers of the year before that have no renewal in the batch: their options end."""
    if batch.renewal_of is None:
        return []
    renewed = batch.offers.filter(renewed_from__isnull=False).values("renewed_from_id")
    old = batch.renewal_of.offers.select_related("plan").exclude(pk__in=renewed)
    return [
        Sold(
            program=one.program,
            plan_type=one.plan.plan_type,
            option_code=one.option_code,
            benefit_group=one.benefit_group,
            setup_plan=one.plan.setup_plan,
            name=one.plan.name,
            carrier=one.plan.carrier,
            design={},
            is_going=False,
            prices=[],
        )
        for one in old
        if (one.option_code or not is_health(one.plan.plan_type)) and one.status not in ("rejected", "new")
    ]


def options_to_be(weighed: Compared) -> dict[int, list[tuple[str, Plain]]]:
    """Answer the options each standing offer without tiers would become, were its batch put into force.

    By offer: the code of each (program/plan type/option), and its record. An offer whose program or category
    is not in force has none; neither has one that nothing stands for yet.
    """
    batch = weighed.batch
    loaded = setup.loaded_in_force(batch.client_id)
    if loaded is None:
        return {}
    sold, ended = _sold(batch, weighed), _ended(batch)
    alone = {pk: one for pk, one in sold.items() if one.is_going and not one.is_tiered}
    parts = plain_record(loaded.parts)
    whole = [*sold.values(), *ended]
    begun = [one for one in parts.get("programs") or () if one["from"] <= batch.effective_on.isoformat()]
    records = {one["code"]: one for one in sorted(begun, key=lambda one: str(one["from"]))}
    found: dict[int, list[tuple[str, Plain]]] = {}
    for pk, one in alone.items():
        for option in _options_of(one, whole, records.get(one.program), parts, batch.effective_on):
            code = f"{one.program}/{one.plan_type}/{option['code']}"
            found.setdefault(pk, []).append((code, option))
    return found


def _options_of(
    offer: Sold, whole: Sequence[Sold], program: Plain | None, parts: Mapping[str, Any], day: date
) -> Iterator[Plain]:
    """Answer the options of a program as they would stand on an offer, beside the others of its category."""
    held = [part for part in (program or {}).get("plan_types") or () if part["plan_type"] == offer.plan_type]
    if program is None or not held:
        return
    others = [one for one in whole if (one.program, one.plan_type) == (offer.program, offer.plan_type)]
    try:
        written = of_program(
            program | {"plan_types": held}, others, parts, tiers={}, day=day, source="a batch"
        )
    except NoPlace:
        return
    (record,) = [record for section, _, record in written if section == "programs"]
    for part in record["plan_types"]:
        tables = ({cost["rate_table"] for cost in one.get("costs") or ()} for one in part["options"])
        for option, held_tables in zip(part["options"], tables, strict=True):
            is_its = option.get("plan") == offer.setup_plan and option.get("active", True)
            if is_its and (not has_rates(offer.plan_type) or offer.rate_table in held_tables):
                yield option


def put_into_force(connection: Any, batch: Batch, *, by: Hand, reason: str = "") -> setup.Change:
    """Put a signed batch into force: its draft becomes a release, its reminders are laid down.

    Errors: RenewalRefused as draft_of, and while underwriting has not approved; SetupRefused with what the
            audit finds; ApprovalWanted where the client wants another person to approve set-up.
    """
    underwriting.refuse_unapproved(batch)
    with transaction.atomic():
        draft = draft_of(connection, batch, by=by)
        change = drafts.apply_draft(draft, by=by, reason=reason or draft.name)
        if change.outcome is setup.Outcome.REFUSED or change.release is None:
            raise SetupRefused(batch, change.findings)
        Batch.objects.filter(pk=batch.pk).update(release_id=change.release.pk)
        enrolling.lay_down_reminders(batch)
    batch.refresh_from_db()
    return change


def adopt(batch: Batch) -> bool:
    """Take note that somebody applied the batch's draft by hand; answer whether set-up is in force."""
    if batch.release_id is None and batch.draft_id is not None:
        release = Draft.objects.filter(pk=batch.draft_id).values_list("release_id", flat=True).first()
        if release is not None:
            Batch.objects.filter(pk=batch.pk).update(release_id=release)
            enrolling.lay_down_reminders(batch)
            batch.refresh_from_db()
    return batch.release_id is not None
