"""What every section of a bundle is made of: codes, amounts, dates; who the bundle is."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

Code = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$", description="a short code")]
PlanType = Annotated[str, Meta(pattern=r"^[0-9A-Z]{2}$", description="two characters, see core.codes")]
Dollars = Annotated[Decimal, Meta(extra={"decimals": 2, "least": 0})]
AddedDollars = Annotated[Decimal, Meta(extra={"decimals": 2, "least": None})]  # may lower an amount
Rate = Annotated[Decimal, Meta(extra={"decimals": 6, "least": 0})]
Percent = Annotated[Decimal, Meta(extra={"decimals": 3, "least": 0})]
Hours = Annotated[Decimal, Meta(extra={"decimals": 2, "least": 0})]
DayOfYear = Annotated[
    str,
    Meta(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$", description="a day of any year, MM-DD"),
]
RateFactor = Annotated[Decimal, Meta(extra={"decimals": 6, "least": 0})]
Factor = Annotated[Decimal, Meta(extra={"decimals": 3, "least": 0})]


class Part(Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """What every section of a bundle shares: unknown keys are refused."""


class DatedPart(Part, kw_only=True, frozen=True):
    """A section with an effective date and a source."""

    valid_from: date = msgspec.field(name="from")
    source: str


class SwitchedPart(DatedPart, kw_only=True, frozen=True):
    """A dated section that may switch its record off: `active: false` from its day, until a later one.

    While it is off, it is as if there were no such record.
    """

    active: bool = True


class Header(Part, kw_only=True, frozen=True):
    """Which bundle this is.

    `starts` is the day benefits administration starts for a client: changes to HR facts dated earlier
    trigger no event, so that taking over a census does not hire everybody anew.
    """

    kind: Literal["peo", "client"]
    code: Code
    name: str
    starts: date | None = None
