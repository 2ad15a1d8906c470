"""The code lists of plans for clients: tiers, statuses, methods (process-management §2, §4.1, §4.2)."""

from collections.abc import Mapping
from enum import StrEnum


class Tier(StrEnum):
    """Who is covered, as premiums are filed: five levels."""

    EE = "EE"
    ES = "ES"
    EC = "EC"
    EK = "EK"
    EF = "EF"


TIER_NAMES = {
    "EE": "Employee",
    "ES": "Employee and spouse",
    "EC": "Employee and child",
    "EK": "Employee and children",
    "EF": "Family",
}


class PlanKind(StrEnum):
    """What a benefits plan is for: offered to many clients, copied from only, or one client's own."""

    MASTER = "master"
    MODEL = "model"
    CLIENT = "client"


class RateSource(StrEnum):
    """Whether the rates of a group are entered, or its factor stands for the risk factor of every offer."""

    MANUAL = "manual"
    PERCENTAGE = "percentage"


class Band(StrEnum):
    """What rates of a group go by beside the tier, any of them together: a band holds its lower edge."""

    AGE = "age"  # years
    SERVICE = "service"  # whole years since hired
    PAY = "pay"  # whole dollars a year
    SMOKER = "smoker"  # 1: who smokes, 0: who does not
    AREA = "area"  # the code of a rating area; in which geography the rate group says


BAND_FACTS = {
    Band.AGE: "age",
    Band.SERVICE: "length of service",
    Band.PAY: "annual pay",
    Band.SMOKER: "smoking",
    Band.AREA: "rating area",
}
"""The fact of a person by which each kind of band goes, in words."""

Edge = int | str
Bands = tuple[tuple[str, Edge], ...]
"""The lower edge of a rate in each kind of band its group goes by, in their order; (): composite rates."""


def bands_of(edges: Mapping[str, Edge | None]) -> Bands:
    """Put the edges of a rate into the order of the kinds; those that are None are none.

    >>> bands_of({"smoker": 1, "age": 40, "tier": "EE", "pay": None})
    (('age', 40), ('smoker', 1))
    """
    return tuple((str(kind), edge) for kind in Band if (edge := edges.get(kind)) is not None)


def bands_said(bands: Bands) -> str:
    """Say bands in words; nothing of the lowest of a kind.

    >>> bands_said(bands_of({"age": 40, "smoker": 1})), bands_said(bands_of({"age": 0, "pay": 50_000}))
    ('from age 40, smokers', 'from $50,000 a year')
    """
    return ", ".join(said for kind, edge in bands if (said := _said(kind, edge)))


def _said(kind: str, edge: Edge) -> str:
    if kind == Band.AREA:
        return f"in area {edge}"
    if kind == Band.SMOKER:
        return "smokers" if edge else "non-smokers"
    if not edge:
        return ""
    said = {
        Band.AGE: f"from age {edge}",
        Band.SERVICE: f"from {edge} years of service",
        Band.PAY: f"from ${edge:,} a year",
    }
    return said[Band(kind)]


class Method(StrEnum):
    """How the employer's contribution is set; the other of dollars and percent is worked out."""

    DOLLARS = "dollars"
    PERCENT = "percent"


class BatchType(StrEnum):
    """Why there is a batch: a first proposal, or the year after."""

    RFP = "RFP"
    RENEWAL = "Renewal"


class BatchStatus(StrEnum):
    """How far a benefits batch has come."""

    PENDING = "pending"
    PREPARED = "prep for presentation"
    REVIEW = "client review"
    SELECTION = "update client selection"
    SENT = "sent for approval"
    APPROVED = "approved"
    ACTIVE = "active"
    EXPIRED = "expired"


class OfferStatus(StrEnum):
    """How far an offered plan has come."""

    NEW = "new"
    SELECTED = "selected"
    REJECTED = "rejected"
    PENDING = "pending activation"
    ACTIVE = "active"
    EXPIRED = "expired"


class PlanStatus(StrEnum):
    """Whether a benefits plan may be offered."""

    NEW = "new"
    PENDING = "pending activation"
    ACTIVE = "active"
    EXPIRED = "expired"


class VerdictStatus(StrEnum):
    """What underwriting says about a batch."""

    PENDING = "pending"
    REPROCESS = "reprocess"
    APPROVED = "approved"
    DECLINED = "declined"
    EXPIRED = "expired"


EDITABLE = (BatchStatus.PENDING, BatchStatus.PREPARED, BatchStatus.REVIEW, BatchStatus.SELECTION)
"""Statuses in which the offers of a batch may change."""
OFFERABLE = (PlanStatus.NEW, PlanStatus.PENDING, PlanStatus.ACTIVE)
"""Plans that may go into a batch."""
COMPLETE = (PlanStatus.PENDING, PlanStatus.ACTIVE)
"""Plans that have rates, and hold or wait for their day."""
STANDING = (OfferStatus.NEW, OfferStatus.SELECTED, OfferStatus.PENDING, OfferStatus.ACTIVE)
"""Offers that are neither turned down nor over."""
