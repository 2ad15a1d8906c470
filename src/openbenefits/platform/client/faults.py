"""What may go wrong with the payroll platform, by what is to be done about it."""


class PlatformFault(ValueError):
    """The platform did not do what was asked; the message says what was expected and what found."""


class NotReached(PlatformFault):
    """It could not be reached, or answered nothing that can be read; nothing was to be changed."""


class Unsure(PlatformFault):
    """A write that was sent and not answered for sure: it is read back before anything else is tried."""


class Busy(PlatformFault):
    """The record is open elsewhere, or too much was asked at once; wait, and ask again."""

    def __init__(self, told: str, *, wait: float | None = None) -> None:
        """Say it; wait: seconds, if the platform named any."""
        self.wait = wait
        super().__init__(told)


class Stale(PlatformFault):
    """The record has changed since it was read (409): read it again, and put our change upon that."""


class NotGranted(PlatformFault):
    """The web service user may not call this (403)."""


class NotThere(PlatformFault):
    """What was asked about is not there (404)."""


class Refused(PlatformFault):
    """The platform understood and refused: nothing was written."""


class SignInRefused(PlatformFault):
    """User, password or PEO number are not those the platform knows."""


class SessionEnded(PlatformFault):
    """The session is over; one signs in once more."""


class Hidden(PlatformFault):
    """A field is there and masked: it can neither be compared nor written back."""
