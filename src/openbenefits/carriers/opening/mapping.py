"""What a carrier's codes mean to us, as data: its plans, tiers, relationships, numbers.

A mapping is written by somebody, or is a partner's agreement turned around. Where several plans or coverage
codes of ours are one code of the carrier's, all are candidates: who is covered, or a mapping of one's own,
decides; nothing is guessed.
"""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from openbenefits.carriers.agreements.partners import Partner
from openbenefits.workforce.census import COLUMNS

RELATIONSHIPS = {
    "18": "self",
    "01": "spouse",
    "53": "domestic_partner",
    **dict.fromkeys(("09", "10", "15", "17", "19", "31"), "child"),
    **dict.fromkeys(("05", "07", "14", "24", "38", "G8", "G9"), "other"),
    **dict.fromkeys(("03", "04", "06", "23"), "non_qualified"),
    "25": "former_spouse",
}
"""INS02 in words of a census. Source: carrier-feeds §3.1."""

FIELDS = (
    *("family", "relationship", "benefit_status", "employment", "action"),
    *("last_name", "first_name", "middle_name", "suffix", "ssn", "birth_on", "sex", "marital"),
    *("line1", "line2", "city", "state", "zip", "email", "phone", "tobacco", "student", "disabled"),
    *("medicare", "died_on", "hired_on", "ended_on", "pay", "pay_frequency", "hours"),
    *("cobra_event", "event_on", "continues_on", "continued_through"),
)
"""What is told of a person, in a file of either kind."""

DAYS = (
    *("birth_on", "died_on", "hired_on", "ended_on"),
    *("event_on", "continues_on", "continued_through"),
)
LINE_FIELDS = ("insurance", "plan", "tier", "begins_on", "ends_on", "amount", "line_action")
HIRE_DAYS = ("336", "356", "383", "begin")
HireDay = Literal["336", "356", "383", "begin"]


class MappingRefused(ValueError):
    """A mapping that cannot be used: what was expected and found, what to change."""


class PlanMeaning(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plan of a carrier: kind of insurance (HD03) and plan (HD04), and which plan of ours that is.

    plan: empty where the carrier says none, or whatever it says does not matter. option: the one option
    meant, where our plan has several that no coverage code tells apart.
    """

    insurance: str = ""
    plan: str = ""
    ours: str
    option: str = ""


class LineColumns(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of coverage in a table: the headings of what is said of it.

    insurance: the kind of insurance where the whole column is of one kind (`DEN`); else `insurance_heading`.
    """

    insurance: str = ""
    insurance_heading: str = ""
    plan: str = ""
    tier: str = ""
    begins_on: str = ""
    ends_on: str = ""
    amount: str = ""


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a carrier's census is read: what is told of people by heading, and the lines of coverage.

    columns: ours (FIELDS, or `identifier:NAME`) -> the file's heading. days: how days are written, as
    strptime has it; empty: as people write them. Rows of one person (several lines) are one person.
    """

    columns: dict[str, str]
    lines: tuple[LineColumns, ...] = ()
    days: str = ""


class Mapping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a carrier's words mean.

    tiers: its tiers -> our coverage codes that may be meant; who is covered decides among them.
    employee_number: kinds of REF the number stands in, the first there is counts. number_prefix: begins the
    numbers of those of whom none is told; empty: they are refused. identifiers: census column -> kind of REF.
    values: census column -> what the carrier writes -> our code. cells: census column -> what is so of all.
    program: of everybody; or program_by, a census column, whose codes choose by `programs`.
    hire_from: where the day of hire is looked for, in order: kinds of DTP, or `begin`, the first day covered.
    amount_from: the kind of AMT that tells the coverage amount. end_day: what DTP*349 means.
    known: what becomes of what differs for people known here: fill blanks only, or correct.
    """

    name: str
    plans: tuple[PlanMeaning, ...]
    tiers: dict[str, tuple[str, ...]] = {}
    relationships: dict[str, str] = {}
    employee_number: tuple[str, ...] = ("23", "0F")
    number_prefix: str = ""
    identifiers: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    cells: dict[str, str] = {}
    program: str = ""
    program_by: str = ""
    programs: dict[str, str] = {}
    hire_from: tuple[HireDay, ...] = HIRE_DAYS  # type: ignore[assignment]
    amount_from: str = ""
    end_day: Literal["last_covered", "first_not_covered"] = "last_covered"
    known: Literal["fill", "correct"] = "fill"
    table: Table | None = None


def read_mapping(document: Any) -> Mapping:
    """Read a mapping from what JSON or YAML says. Errors: MappingRefused."""
    try:
        found = msgspec.convert(document, Mapping)
    except msgspec.ValidationError as fault:
        raise MappingRefused(f"mapping: {fault}; correct it") from None
    named = {*found.identifiers, *found.values, *found.cells}
    if unknown := sorted(named - set(COLUMNS)):
        raise MappingRefused(
            f"mapping {found.name}: expected columns of a census, found {', '.join(unknown)}; correct them"
        )
    if found.program_by and found.program_by not in {*found.identifiers, *found.cells}:
        raise MappingRefused(
            f"mapping {found.name}: program_by says {found.program_by}, which nothing fills; add it under"
            " identifiers"
        )
    if found.table is not None:
        _check_table(found.name, found.table)
    return found


def _check_table(name: str, table: Table) -> None:
    unknown = sorted(one for one in table.columns if one not in FIELDS and not one.startswith("identifier:"))
    if unknown:
        raise MappingRefused(
            f"mapping {name}: expected {', '.join(FIELDS)} or identifier:NAME, found {', '.join(unknown)};"
            " correct the table"
        )
    if missing := sorted({"last_name", "first_name", "family"} - set(table.columns)):
        raise MappingRefused(f"mapping {name}: expected headings for {', '.join(missing)}; add them")


def of_partner(partner: Partner, client_code: str) -> Mapping:
    """Turn an agreement around: what the carrier's codes mean by what ours are to it.

    Missing: a carrier without an 834 of its own needs a mapping that somebody writes.
    Errors: MappingRefused.
    """
    profile = partner.profile
    if profile is None:
        raise MappingRefused(
            f"{partner.name}: expected an agreement with a profile of an 834, found none; write a mapping"
        )
    values = {**partner.values.get("*", {}), **partner.values.get(client_code, {})}
    plans = tuple(
        PlanMeaning(
            insurance=code.insurance,
            plan=values.get(code.plan_from, "") if code.plan_from else code.plan,
            ours=ours,
        )
        for ours, code in profile.plans.items()
    )
    tiers: dict[str, tuple[str, ...]] = {}
    for ours, theirs in profile.tiers.items():
        tiers[theirs] = (*tiers.get(theirs, ()), ours)
    kinds = {one.value: one.kind for one in profile.identifiers if one.place == "member" and one.value}
    is_numbered = profile.subscriber_id == "employee_number"
    number = "0F" if is_numbered else kinds.get("employee_number", "")
    return Mapping(
        name=partner.name,
        plans=plans,
        tiers=tiers,
        employee_number=(number,) if number else (),
        identifiers={name: kind for name, kind in kinds.items() if name in _PLACES},
        end_day=profile.end_day,
    )


_PLACES = frozenset(COLUMNS) - {"employee_number", "ssn"}
