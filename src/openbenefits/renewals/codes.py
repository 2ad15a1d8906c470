"""The code lists of plans for clients: tiers, statuses, methods (process-management §2, §4.1, §4.2)."""

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
    """What rates of a group go by beside the tier: a band holds its lower edge."""

    AGE = "age"  # years
    SERVICE = "service"  # whole years since hired
    PAY = "pay"  # whole dollars a year
    SMOKER = "smoker"  # 1: who smokes, 0: who does not
    AREA = "area"  # the number of a rating area in its geography; which one the rate group says


BAND_FACTS = {
    Band.AGE: "age",
    Band.SERVICE: "length of service",
    Band.PAY: "annual pay",
    Band.SMOKER: "smoking",
    Band.AREA: "rating area",
}
"""The fact of a person by which each kind of band goes, in words."""


def band_said(band: str, begins: int, area: str | None = None) -> str:
    """Say a band in words; nothing for the only one there is, or the lowest.

    >>> band_said("age", 40), band_said("pay", 50_000), band_said("smoker", 1), band_said("age", 0)
    ('from age 40', 'from $50,000 a year', 'smokers', '')
    """
    if band == Band.AREA:
        return f"in area {area}"
    if not begins:
        return ""
    said = {
        Band.AGE: f"from age {begins}",
        Band.SERVICE: f"from {begins} years of service",
        Band.PAY: f"from ${begins:,} a year",
        Band.SMOKER: "smokers",
    }
    return said[Band(band)]


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
