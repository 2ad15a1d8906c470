"""How one carrier wants its 834: codes, segments, identifiers and their places, spellings and form, as data.

A member comes in with our own words (plan, coverage code) and leaves with the carrier's. How ends and
voids are said (end_day, void_day) is stated here and applied by `rules.renderings`.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import Meta, Struct

from openbenefits.carriers.enrollment.rules import Leniency
from openbenefits.carriers.rules.renderings import EndDay, VoidDay
from openbenefits.carriers.x12.reader import Delimiters
from openbenefits.carriers.x12.writer import Form

Loop = Literal[
    "2100B", "2100C", "2100D", "2100E", "2100F", "2100G", "2100H", "2200", "2310", "2320", "2700",
    "PER", "EC", "ICM", "AMT", "HLH", "LUI", "IDC", "premium",
]  # fmt: skip
Code = Annotated[str, Meta(min_length=1, max_length=3)]
LINE_ENDS = {"none": "", "lf": "\n", "crlf": "\r\n"}


class ProfileRefused(ValueError):
    """A profile that cannot be used, or lacks a code: where, what was expected, the cure."""


class End(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An end of the interchange: qualifier and id of ISA, id of GS."""

    qualifier: Annotated[str, Meta(pattern="^(01|14|20|27|28|29|30|33|ZZ)$")]
    id: Annotated[str, Meta(min_length=1, max_length=15)]
    group_id: Annotated[str, Meta(min_length=2, max_length=15)]


class Organization(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sponsor, insurer, broker (BO) or administrator (TV); an account where one is to be named."""

    name: str = ""
    id_kind: Literal["24", "94", "FI", "XV"] = "FI"
    id: str
    role: Literal["", "BO", "TV"] = ""
    account: str = ""


class Identifier(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An identifier (REF): where it stands, of what kind it is, and from which value it comes.

    value: the name of a value told with the members (group, division, class …), or `fixed`.
    on_continuation: what stands there instead of a member under continuation; empty: the same.
    """

    place: Literal["header", "member", "line"]
    kind: Code
    value: str = ""
    fixed: str = ""
    on: Literal["all", "subscriber", "dependents"] = "all"
    on_continuation: str = ""


class PlanCode(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a plan of ours is to the carrier: HD03, HD04, or the name of the value HD04 comes from."""

    insurance: Code
    plan: Annotated[str, Meta(max_length=50)] = ""
    plan_from: str = ""


class Marks(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The delimiters."""

    element: str = "*"
    component: str = ":"
    segment: str = "~"
    repetition: str = "^"


class Allowed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of our rules the carrier relaxes; see `rules.Leniency`."""

    subscriber_without_employment: bool = False
    context_subscriber: bool = False
    full_file_ends: bool = False


class IncomeTold(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pay as a carrier wants it (ICM01): of a week, two, half a month, a month, a year; with weekly hours."""

    frequency: Literal["1", "2", "3", "4", "7"] = "7"
    has_hours: bool = False


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One carrier's 834.

    action: 2 changes, 4 full file, RX replace. header_dates: kinds of DTP before the members, with a value.
    off: loops and segments the carrier refuses. income, has_tobacco: how subscribers' pay (ICM) is told, and
    whether members' use of tobacco (HLH) is. member_dates: the kinds of DTP it takes of a member; 286
    (retired), 383 (service counts from) and 394 (rehired) only where they are named.
    tier_on: whose lines say the tier.
    end_day: what DTP*349 means.
    void_day: the end of a line never in effect.
    audit_reason: INS04 beside 030. continuation_event: INS07 whatever the event; empty: as told.
    continuation_percent: of the premium, what is told of who continues (102: with the fee of 2 %).
    follows_guide: whether its files conform to the guide; a carrier with codes of its own does not.
    """

    name: str
    note: str = ""
    sender: End
    receiver: End
    usage: Literal["T", "P"] = "T"
    wants_ta1: bool = False
    marks: Marks = Marks()
    line_end: Literal["none", "lf", "crlf"] = "none"
    case: Literal["upper", "as_is"] = "upper"
    letters: Literal["plain", "any"] = "plain"
    action: Literal["2", "4", "RX"] = "2"
    sponsor: Organization
    insurer: Organization
    agents: tuple[Organization, ...] = ()
    header_dates: dict[str, str] = {}
    has_counts: bool = False
    subscriber_id: str = "employee_number"
    identifiers: tuple[Identifier, ...] = ()
    off: tuple[Loop, ...] = ()
    income: IncomeTold | None = None
    has_tobacco: bool = False
    member_dates: tuple[str, ...] | None = None
    plans: dict[str, PlanCode]
    tiers: dict[str, Code] = {}
    tier_on: Literal["all", "subscriber", "nobody"] = "all"
    end_day: EndDay = "last_covered"
    void_day: VoidDay = "begin"
    audit_reason: str = ""
    continuation_event: str = ""
    continuation_percent: Annotated[int, Meta(ge=100, le=150)] = 100
    allowed: Allowed = Allowed()
    follows_guide: bool = True

    @property
    def form(self) -> Form:
        """Answer how its files are written. Errors: NotWritable."""
        return Form(
            delimiters=Delimiters(**msgspec.structs.asdict(self.marks)),
            line_end=LINE_ENDS[self.line_end],
            is_upper=self.case == "upper",
            is_plain=self.letters == "plain",
        )

    @property
    def leniency(self) -> Leniency:
        """Answer which rules its files may break."""
        told = msgspec.structs.asdict(self.allowed)
        return Leniency(**told, void_ends_day_before=self.void_day == "day_before")


def read_profile(text: str) -> Profile:
    """Read a profile from YAML. Errors: ProfileRefused says the field, what was expected and found."""
    try:
        told = msgspec.convert(yaml.safe_load(text), Profile)
        _ = told.form
    except (yaml.YAMLError, msgspec.ValidationError, ValueError) as fault:
        raise ProfileRefused(f"profile: {fault}; correct the file") from None
    return told


def read_profile_file(path: Path) -> Profile:
    """Read a profile from a file. Errors: ProfileRefused, OSError."""
    return read_profile(path.read_text("utf-8"))


def json_schema() -> dict[str, Any]:
    """Answer the published JSON Schema of profiles."""
    (_,), parts = msgspec.json.schema_components([Profile], ref_template="#/$defs/{name}")
    top = parts.pop("Profile")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "$defs": parts}


def write_schema(path: Path) -> None:
    """Write the schema file."""
    path.write_text(json.dumps(json_schema(), indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    write_schema(Path(sys.argv[1]))
