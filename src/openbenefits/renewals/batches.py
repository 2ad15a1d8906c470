"""Benefits batches and their offered plans: begun, filled, changed while they may change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction

from openbenefits.programs import services as setup
from openbenefits.programs.bundle import ClientBundle
from openbenefits.programs.drafts.services import Hand
from openbenefits.renewals.codes import (
    OFFERABLE,
    STANDING,
    BatchStatus,
    BatchType,
    Method,
    OfferStatus,
    RateSource,
    Tier,
)
from openbenefits.renewals.models import (
    HUNDRED_PERCENT,
    Batch,
    BenefitsPlan,
    Offer,
    PlanGroup,
    RateGroup,
)
from openbenefits.renewals.plans import last_day_of, risk_factor_of
from openbenefits.renewals.rules.renewing import Standing, rate_group_of
from openbenefits.renewals.statuses import RenewalRefused, held_for_change
from openbenefits.renewals.weighing import set_contribution


@dataclass(frozen=True, kw_only=True)
class BatchOrder:
    """A batch as it is begun."""

    effective_on: date
    type: BatchType = BatchType.RFP
    expires_on: date | None = None  # none said: a year
    parent_client_id: int | None = None
    contract_type: str = ""
    card_title: str = ""
    eligibility: str = ""
    enrollment_begins_on: date | None = None
    enrollment_ends_on: date | None = None
    default_rate_group: str = ""
    assigned_to: str = ""
    representative: str = ""
    contact_id: int | None = None
    notes: str = ""


@dataclass(frozen=True, kw_only=True)
class OfferOrder:
    """A plan as it is put into a batch.

    rate_group: a title; '' takes it by the rules (§2.4). employer: cents or micro-percent by tier, by method.
    """

    plan: BenefitsPlan
    rate_group: str = ""
    risk_factor_micros: int | None = None  # none said: the client's of that day
    benefit_group: str = ""
    program: str = ""
    option_code: str = ""
    client_plan_code: str = ""
    method: Method = Method.DOLLARS
    employer: Mapping[Tier, int] = field(default_factory=dict)
    waiting_period: str = ""
    comments: str = ""
    renewed_from: Offer | None = None
    is_imported: bool = False


def begin_batch(client_id: int, order: BatchOrder, *, by: Hand) -> Batch:
    """Begin a batch of a client.

    Errors: RenewalRefused for days in the wrong order.
    """
    expires = order.expires_on or last_day_of(order.effective_on)
    refuse_days(order.effective_on, expires, order.enrollment_begins_on, order.enrollment_ends_on)
    given = {name: getattr(order, name) for name in order.__dataclass_fields__}
    given |= {"type": str(order.type), "expires_on": expires}
    return Batch.objects.create(client_id=client_id, made_by=by.name, made_at=by.now, **given)


CHANGEABLE = (
    *("contract_type", "card_title", "eligibility", "enrollment_begins_on", "enrollment_ends_on"),
    *("default_rate_group", "assigned_to", "representative", "contact_id", "notes", "parent_client_id"),
)


def change_batch(batch: Batch, **given: Any) -> Batch:
    """Change what a batch says about itself.

    Errors: RenewalRefused for days in the wrong order, a field of another name, and once it is signed.
    """
    if unknown := set(given) - set(CHANGEABLE):
        raise RenewalRefused(
            f"expected fields of a batch, found {', '.join(sorted(unknown))}; leave them out"
        )
    with transaction.atomic():
        held = held_for_change(batch)
        for name, value in given.items():
            setattr(held, name, value)
        refuse_days(held.effective_on, held.expires_on, held.enrollment_begins_on, held.enrollment_ends_on)
        held.save(update_fields=list(given))
    batch.refresh_from_db()
    return batch


def refuse_days(effective: date, expires: date | None, begins: date | None, ends: date | None) -> None:
    """Refuse days that cannot be: a year before it begins, an enrolment that ends before it begins.

    Errors: RenewalRefused.
    """
    if expires is not None and expires < effective:
        raise RenewalRefused(f"expected a last day from {effective} on, found {expires}; correct it")
    if (begins is None) != (ends is None):
        raise RenewalRefused("expected both days of open enrolment or neither, found one; add the other")
    if begins is not None and ends is not None and not begins <= ends < effective:
        raise RenewalRefused(
            f"expected an open enrolment that ends before {effective}, found {begins} to {ends}; correct it"
        )


def add_offer(batch: Batch, order: OfferOrder, *, by: Hand) -> Offer:
    """Put a plan into a batch, with the rate group and risk factor the rules give it.

    Errors: RenewalRefused for a plan that is not to be offered then, a rate group it has not, a risk factor
            beside that of a percentage group, or the same plan, rate group and benefit group twice (§2.4).
    """
    del by
    with transaction.atomic():
        held = held_for_change(batch)
        plan = order.plan
        _refuse_plan(held, plan)
        title = rate_group_of(
            stated=order.rate_group,
            carrier=plan.carrier,
            plan_type=plan.plan_type,
            standing=_standing(held.client_id),
            of_batch=held.default_rate_group,
            of_plan=plan.default_rate_group,
        )
        group = group_of(held.client_id, plan, title, is_stated=bool(order.rate_group))
        made = _create(held, order, group)
        set_contribution(made, order.method, order.employer)
    return made


def _refuse_plan(batch: Batch, plan: BenefitsPlan) -> None:
    is_theirs = plan.client_id in (0, batch.client_id) and plan.kind != "model"
    is_usable = plan.status in OFFERABLE and plan.begins_on <= batch.effective_on
    if (
        not is_theirs
        or not is_usable
        or (plan.expires_on is not None and plan.expires_on < batch.effective_on)
    ):
        raise RenewalRefused(
            f"plan {plan.unique_code}: expected a master or client-level plan that holds on"
            f" {batch.effective_on}, found {plan.kind}, {plan.status}, {plan.begins_on} to"
            f" {plan.expires_on or 'open'}; renew it first, or choose another"
        )


def _standing(client_id: int) -> list[Standing]:
    rows = Offer.objects.filter(client_id=client_id, rate_group__isnull=False).order_by("-pk")
    names = ("plan__carrier", "plan__plan_type", "status", "rate_group__title")
    return [
        Standing(carrier=carrier, plan_type=plan_type, status=status, rate_group=title)
        for carrier, plan_type, status, title in rows.values_list(*names)
    ]


def group_of(client_id: int, plan: BenefitsPlan, title: str, *, is_stated: bool) -> RateGroup | None:
    """Find a rate group of a plan: the client's own before the PEO's; none where nothing says which.

    Errors: RenewalRefused for one that was stated and that the plan has not.
    """
    rows = RateGroup.objects.filter(plan=plan, title=title, client_id__in=(0, plan.client_id, client_id))
    found = rows.order_by("-client_id").first()
    if found is None and is_stated:
        known = RateGroup.objects.filter(plan=plan).order_by("title").values_list("title", flat=True)
        raise RenewalRefused(
            f"plan {plan.unique_code}: expected one of its rate groups ({', '.join(known) or 'none yet'}),"
            f" found '{title}'; enter its rates, or choose another"
        )
    return found


def _create(batch: Batch, order: OfferOrder, group: RateGroup | None) -> Offer:
    is_locked = group is not None and group.rate_source == RateSource.PERCENTAGE
    if is_locked and order.risk_factor_micros not in (None, group.factor_micros):  # type: ignore[union-attr]
        raise RenewalRefused(
            f"plan {order.plan.unique_code}: expected no risk factor, as rate group '{group.title}' is one,"  # type: ignore[union-attr]
            " found one; leave it out"
        )
    factor = order.risk_factor_micros
    if factor is None:
        factor = risk_factor_of(batch.client_id, order.plan.plan_type, batch.effective_on)
    names = ("benefit_group", "option_code", "client_plan_code", "waiting_period", "comments", "is_imported")
    try:
        with transaction.atomic():
            return Offer.objects.create(
                client_id=batch.client_id,
                batch=batch,
                plan=order.plan,
                rate_group=group,
                risk_factor_micros=HUNDRED_PERCENT if is_locked else factor,
                program=order.program or only_program(batch.client_id),
                method=str(order.method),
                renewed_from=order.renewed_from,
                begins_on=batch.effective_on,
                expires_on=batch.expires_on,
                **{name: getattr(order, name) for name in names},
            )
    except IntegrityError:
        raise RenewalRefused(
            f"plan {order.plan.unique_code}: expected plan, rate group, benefit group and program once in a"
            " batch, found them again; choose another benefit group or rate group"
        ) from None


def programs_of(client_id: int) -> set[str]:
    """Name the programs of a client's set-up in force."""
    loaded = setup.loaded_in_force(client_id)
    if loaded is None or not isinstance(loaded.parts, ClientBundle):
        return set()
    return {one.code for one in loaded.parts.programs}


def only_program(client_id: int) -> str:
    """Answer the client's program where it has one only; '' where somebody must say which."""
    codes = programs_of(client_id)
    return codes.pop() if len(codes) == 1 else ""


def take_out(offer: Offer, *, by: Hand) -> None:
    """Take an offer out of a batch that is being built.

    Errors: RenewalRefused for one that renews another: reject it, so that the old plan ends.
    """
    del by
    with transaction.atomic():
        held_for_change(offer.batch)
        if offer.renewed_from_id is not None:
            raise RenewalRefused(
                f"offer {offer.pk}: expected one that renews no other, found it does; reject it instead,"
                " so that the old plan ends"
            )
        offer.delete()


def apply_group(
    batch: Batch, group: PlanGroup, *, by: Hand, benefit_group: str = "", program: str = ""
) -> Sequence[Offer]:
    """Put the plans of a plan group into a batch in one act: those that are new, waiting or active.

    A plan that is in the batch for that benefit group already is passed over.
    """
    made = []
    with transaction.atomic():
        standing = set(
            Offer.objects.filter(batch=batch, benefit_group=benefit_group).values_list("plan_id", flat=True)
        )
        for member in group.members.select_related("plan").order_by("pk"):
            if member.plan.status not in OFFERABLE or member.plan_id in standing:
                continue
            order = OfferOrder(
                plan=member.plan, rate_group=member.rate_group, benefit_group=benefit_group, program=program
            )
            made.append(add_offer(batch, order, by=by))
    return made


def standing_offers(batch: Batch) -> list[Offer]:
    """List the offers of a batch that are neither turned down nor over."""
    rows = batch.offers.filter(status__in=[str(one) for one in STANDING]).select_related("plan", "rate_group")
    return list(rows.order_by("plan__plan_type", "plan__unique_code", "pk"))


def is_open_to_client(batch: Batch) -> bool:
    """Whether the client's contact may choose: in the review, and only there (§2.3)."""
    return batch.status == BatchStatus.REVIEW


def chosen(batch: Batch) -> bool:
    """Whether every offer of a batch is chosen or turned down."""
    return not batch.offers.filter(status=OfferStatus.NEW).exists()
