"""The words of delivery: kinds of letters, ways they go, what becomes of them."""

from enum import StrEnum


class DocumentKind(StrEnum):
    """What a letter is."""

    ENROLLMENT = "enrollment"
    CONFIRMATION = "confirmation"
    COVERAGE = "coverage"
    LOSS = "loss"
    NOTICE = "notice"


KIND_NAMES = {
    DocumentKind.ENROLLMENT: "Enrolment statement",
    DocumentKind.CONFIRMATION: "Confirmation statement",
    DocumentKind.COVERAGE: "Letter of coverage",
    DocumentKind.LOSS: "Letter of loss of coverage",
    DocumentKind.NOTICE: "Notice",
}


class Channel(StrEnum):
    """On which way a letter goes."""

    PORTAL = "portal"
    EMAIL = "email"
    PRINT = "print"


CHANNEL_NAMES = {Channel.PORTAL: "portal", Channel.EMAIL: "e-mail", Channel.PRINT: "print"}
ELECTRONIC = (Channel.PORTAL, Channel.EMAIL)
"""Ways that need the consent of the person."""


class FateCode(StrEnum):
    """What became of a delivery."""

    WAITING = "waiting"  # made, not sent yet
    SENT = "sent"
    OPENED = "opened"  # the person himself opened it
    BOUNCED = "bounced"  # the mail server gave it back
    RETURNED = "returned"  # the post gave it back
    FAILED = "failed"  # it could not be sent


NOT_ARRIVED = (FateCode.BOUNCED, FateCode.RETURNED, FateCode.FAILED)
"""Fates after which the person needs the letter again."""
