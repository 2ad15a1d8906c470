"""Where invoices and their differences stand, and which step may follow which."""

from enum import StrEnum


class Kind(StrEnum):
    """What an invoice is."""

    LIST = "list"  # the carrier names people
    SELF = "self"  # made by ourselves from our own records
    SUMMARY = "summary"  # numbers of people and sums by tier
    PAYMENT = "payment"  # an 820
    BILLING = "billing"  # what the PEO billed a client


class InvoiceState(StrEnum):
    """Where an invoice stands."""

    LOADED = "loaded"
    MATCHED = "matched"
    REVIEWED = "reviewed"
    APPROVED = "approved"
    PAID = "paid"
    CLOSED = "closed"


NEXT: dict[InvoiceState, tuple[InvoiceState, ...]] = {
    InvoiceState.LOADED: (InvoiceState.MATCHED,),
    InvoiceState.MATCHED: (InvoiceState.REVIEWED,),
    InvoiceState.REVIEWED: (InvoiceState.APPROVED, InvoiceState.MATCHED),
    InvoiceState.APPROVED: (InvoiceState.PAID, InvoiceState.REVIEWED),
    InvoiceState.PAID: (InvoiceState.CLOSED,),
    InvoiceState.CLOSED: (),
}


class ItemState(StrEnum):
    """Where a difference stands."""

    OPEN = "open"
    ASSIGNED = "assigned"
    SENT = "sent"
    PROMISED = "promised"
    CARRIED = "carried"  # an item of an earlier invoice stands for it
    RESOLVED = "resolved"
    WRITTEN_OFF = "written off"
    NOT_AN_ERROR = "not an error"


ACTIVE = (ItemState.OPEN, ItemState.ASSIGNED, ItemState.SENT, ItemState.PROMISED)
ENDED = (ItemState.RESOLVED, ItemState.WRITTEN_OFF, ItemState.NOT_AN_ERROR)
