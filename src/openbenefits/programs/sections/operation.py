"""How runs are controlled and checked, who approves, by when things are due."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta

from openbenefits.programs.sections.base import Code, DatedPart, Dollars, Part


class RunControlPart(Part, kw_only=True, frozen=True):
    """A named order to run. `reprocess` decides the whole schedule again, and `through` says from where.

    `program` assigns it again, `options` prepares it again, `elections` validates again what was entered,
    `final` decides it again as it was answered.
    """

    code: Code
    name: str
    kind: Literal["process", "passive", "windows", "repairs", "reprocess"]
    schedule: str | None = None
    through: Literal["schedule", "program", "options", "elections", "final"] = "elections"
    finalize: bool = False
    capture_new_participants: bool = True  # after the first run, open the period for who has come since
    repeats: Literal["nightly", "monthly", "once", "on_demand"] = "on_demand"
    runs_on: date | None = None


class DataAuditPart(Part, kw_only=True, frozen=True):
    """How many people with a finding of the data audit a run of the client accepts.

    `people` says so by code, `most_people` for every other code. Without this section the audit of data
    informs and holds nothing: whoever is faulty gets a message, the others go on.
    """

    most_people: Annotated[int, Meta(ge=0)] = 0
    people: dict[str, Annotated[int, Meta(ge=0)]] = {}


class RunLimitPart(DatedPart, kw_only=True, frozen=True):
    """The most that a run of its day or later may publish before a person has looked at it (rulings §1.11).

    Of several limits of a schedule the latest counts; a schedule without its own goes by those without one.
    What is not stated is not limited.
    """

    code: Code
    schedule: Code | None = None
    terminations: Annotated[int, Meta(ge=0)] | None = None  # people who end without any coverage
    dropped_dependents: Annotated[int, Meta(ge=0)] | None = None  # dependents who end without any
    dollars_per_pay: Dollars | None = None  # that differ in one pay, up and down added
    events_of_an_import: Annotated[int, Meta(ge=0)] | None = None  # events one import brings about


class SecondPersonPart(Part, kw_only=True, frozen=True):
    """The acts that need another person than who prepared them (rulings §6.5).

    Those about a run or a rehearsal may be done by another person than who made it; each of them may be done
    by anybody once another user approved it (accounts.approvals). The database refuses the rest.
    """

    release: bool = False
    take_back: bool = False
    commit: bool = False
    finalize: bool = False  # runs that apply defaults and close
    override: bool = False  # eligibility decided by a person
    setup: bool = False  # a release of set-up put into force, or taken out of it
    write_off: bool = False  # a difference of a carrier's invoice that nobody claims any more


class DeadlinesPart(Part, kw_only=True, frozen=True):
    """Until when papers are waited for, and what becomes of what nobody proved in time.

    `evidence_days` after coverage is asked for, evidence of insurability that nobody decided expires: what is
    in force stays. `dependent_days` after a dependent is covered for the first time, papers must be approved
    that show who it is, of the person types `dependent_types`. Else, with an `unverified_event`, the
    dependent is no longer one from the next day on, and an event of that class ends the coverage; without it
    somebody decides.

    `first_reminder_days` after either is missing the person is reminded by letter, then every
    `reminder_every_days`, until it is there or its deadline has passed; without the first nobody is reminded.
    """

    evidence_days: Annotated[int, Meta(ge=1)] | None = None
    dependent_days: Annotated[int, Meta(ge=1)] | None = None
    dependent_types: list[str] = []  # none: every one
    unverified_event: Code | None = None
    first_reminder_days: Annotated[int, Meta(ge=1)] | None = None
    reminder_every_days: Annotated[int, Meta(ge=1)] | None = None
