"""What is agreed with a carrier, as data.

How its invoices are laid out, which months it charges, how long it corrects.

A document per carrier, in versions; the latest holds. Nothing of it is code: a new carrier is a new document.
"""

from datetime import datetime
from typing import Any, Literal

import msgspec
from django.db import transaction

from openbenefits.core.money import HUNDRED_PERCENT
from openbenefits.reconcile.models import CarrierTerms

EVERY = "*"
"""Stands for every plan, or client, not named."""

MONTH_END = 31


class TermsRefused(ValueError):
    """Terms that cannot be: what was expected, what was found, what to change."""


class Wash(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which months a carrier charges when coverage begins or ends within one (docs/invoices.md §1).

    day: of `wash`, 10 to 20, or 31 for the end of the month.
    """

    kind: Literal["first_of_month", "wash", "full", "next_month", "prorate_daily"] = "full"
    day: int = 15


class AgeBasis(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """As of which day a carrier takes ages; month and day are those of `fixed`, a renewal say."""

    kind: Literal["coverage_month", "birth_month", "month_after", "fixed"] = "coverage_month"
    month: int = 1
    day: int = 1


class Tolerances(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How far an amount may be off and count as equal. Cents; none of them hides a count."""

    rounding_cents: int = 5  # of a person and month
    rounding_per_dependent_cents: int = 2
    volume_cents: int = 100_00
    deduction_cents: int = 12  # of a coverage month
    header_cents: int = 1
    invoice_cents: int = 100
    cluster_lines: int = 5  # so many lines off by one ratio are one matter of rates


class Terms(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What is agreed with a carrier, and how its files are read.

    carriers: whose plans it bills, by their names in set-up. layout: heading -> column of ours ('-': not
    read). plans, tiers, subgroups: what it prints -> our codes of plans, coverage codes and clients.
    carriers may be '*', every one: so for what clients are billed. cobra: whether people who continue
    coverage are billed to themselves or on the group's invoice. owed: of a plan (code, or '*') whose price in
    set-up is not the carrier's premium, the micro-percent of it that the carrier is owed.
    """

    carriers: tuple[str, ...]
    layout: dict[str, str] = {}
    plans: dict[str, str] = {}
    tiers: dict[str, str] = {}
    subgroups: dict[str, str] = {}
    wash: dict[str, Wash] = {}
    client_wash: dict[str, Wash] = {}
    age_basis: dict[str, AgeBasis] = {}
    retro_add_days: int = 60
    retro_term_days: int = 90
    retro_term_months: int | None = None
    retro_basis: Literal["notice", "statement"] = "notice"
    allow_retro_term: bool = True
    claims_block: bool = False
    cobra: Literal["direct", "group"] = "direct"
    pays: Literal["as_billed", "as_reconciled"] = "as_billed"
    owed: dict[str, int] = {}
    accounts: dict[str, str] = {}  # entries.WORDS -> what the account is called in the ledger
    contact: str = ""
    source: str = ""
    tolerances: Tolerances = Tolerances()

    def wash_of(self, plan: str, client: str) -> Wash:
        """Answer the rule of a plan: the client's own, the plan's, that of every plan; else full months."""
        return self.client_wash.get(client) or self.wash.get(plan) or self.wash.get(EVERY) or Wash()

    def owed_of(self, plan: str) -> int:
        """Answer the part of a plan's price in set-up that is owed to the carrier, in micro-percent."""
        return self.owed.get(plan, self.owed.get(EVERY, HUNDRED_PERCENT))


def read_terms(document: Any) -> Terms:
    """Read terms from what JSON or YAML says.

    Errors: TermsRefused.
    """
    try:
        found = msgspec.convert(document, Terms)
    except msgspec.ValidationError as fault:
        raise TermsRefused(f"{fault}; correct the carrier's terms") from None
    if not found.carriers:
        raise TermsRefused("expected the carriers whose plans are billed, found none; name them")
    for wash in (*found.wash.values(), *found.client_wash.values()):
        if not (10 <= wash.day <= 20 or wash.day == MONTH_END):
            raise TermsRefused(
                f"expected a wash day from 10 to 20, or 31 for the month's end, found {wash.day}; correct it"
            )
    if any(part <= 0 for part in found.owed.values()):
        raise TermsRefused("expected parts of the price above 0 (`owed`), found another; correct it")
    return found


def terms_of(carrier: str) -> Terms:
    """Answer the terms in force with a carrier; without any, those of a carrier that charges full months."""
    row = CarrierTerms.objects.filter(carrier=carrier).order_by("-version").first()
    return read_terms(row.document) if row else Terms(carriers=(carrier,))


def save_terms(carrier: str, terms: Terms, *, author: str, now: datetime) -> int:
    """Write a version of a carrier's terms; answer its number. The same again writes nothing."""
    document = msgspec.json.decode(msgspec.json.encode(terms))  # as it is kept: lists, no tuples
    read_terms(document)
    with transaction.atomic():
        last = CarrierTerms.objects.filter(carrier=carrier).order_by("-version").first()
        if last is not None and last.document == document:
            return int(last.version)
        version = (last.version if last else 0) + 1
        CarrierTerms.objects.create(
            client_id=0, carrier=carrier, version=version, document=document, author=author, made_at=now
        )
    return version


def with_labels(terms: Terms, kind: str, labels: dict[str, str]) -> Terms:
    """Add what labels of plans, tiers or subgroups mean."""
    known = dict(getattr(terms, kind)) | labels
    changed: Terms = msgspec.structs.replace(terms, **{kind: known})
    return changed
