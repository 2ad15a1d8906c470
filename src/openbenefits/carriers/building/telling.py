"""The bridge from a message to members of an 834: what is said of each person and line, in our words.

The profile then says it in the carrier's (`enrollment.arrange`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from openbenefits.carriers.agreements.partners import EVERY_CLIENT, Partner
from openbenefits.carriers.building.projecting import Projection
from openbenefits.carriers.enrollment.arrange import Told
from openbenefits.carriers.enrollment.coverage import BEGIN, Coverage, Line, Provider, ProviderChange
from openbenefits.carriers.enrollment.coverage import END as END_DAY
from openbenefits.carriers.enrollment.member import Member, Standing
from openbenefits.carriers.enrollment.person import (
    CORRECTED,
    INCORRECT,
    INSURED,
    PAYS_PER_YEAR,
    City,
    Contact,
    Demographics,
    Health,
    Income,
    Name,
    Person,
    Street,
    WrongIdentity,
    insured,
)
from openbenefits.carriers.enrollment.rules import CHILDREN, is_npi
from openbenefits.carriers.enrollment.statements import Amount, Dated
from openbenefits.carriers.rules import identities as ids
from openbenefits.carriers.rules.differences import ADD, ANOTHER_DOCTOR, CHANGE, END, REINSTATE
from openbenefits.carriers.rules.renderings import COMPARE, Message
from openbenefits.carriers.rules.views import COBRA, MEMBER, View

Row = Mapping[str, Any]
DAY = timedelta(days=1)
CHANGED, EVENT, HIRED, LEFT = "303", "301", "336", "337"
COBRA_FROM, COBRA_UNTIL, ELIGIBLE_FROM, ELIGIBLE_UNTIL = "340", "341", "356", "357"
PREMIUM, VOLUME = "P3", "FK"
DENTAL = ("11", "16")
DOCTOR, DENTIST, NPI, OWN_NUMBER = "P3", "QN", "XX", "SV"
CHOSE = "14"
"""PLA05: the member himself wants another provider."""
KNOWN, NEW, UNKNOWN = "25", "26", "72"
"""NM110: whether a member is a patient of the provider already."""
EMPLOYMENT_EVENT = "1"
ASKED = {"286": "retired_on", "383": "service_on", "394": "rehired_on"}


def members_of(message: Message, projection: Projection, told: View, partner: Partner) -> list[Told]:
    """Answer the members of a message in its order.

    told: what the carrier held: since when something reinstated was missing.
    """
    around = _Around(message, projection, told, partner)
    return [around.told(row) for row in message.people.iter_rows(named=True)]


def values_for(partner: Partner, client: str) -> dict[str, str]:
    """Answer what identifiers come from for a client: its own values before those of all clients."""
    return {**partner.values.get(EVERY_CLIENT, {}), **partner.values.get(client, {})}


class _Around:
    """What a message's people are told with, looked up once."""

    def __init__(self, message: Message, projection: Projection, told: View, partner: Partner) -> None:
        self.partner = partner
        self.lines: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
        for row in message.lines.iter_rows(named=True):
            self.lines[row["subscriber"], row["member"], row["basis"]].append(row)
        self.values = _by_person(projection.values)
        employees = pl.col("dependent_id").is_null()
        self.details = _by_person(projection.details.filter(employees))
        self.died_on: dict[tuple[int, int, int], date] = {
            tuple(row[:3]): row[3]  # type: ignore[misc]
            for row in projection.details.filter(~employees)
            .select("client_id", "person_id", "dependent_id", "died_on")
            .iter_rows()
        }
        self.sequences = _birth_sequences(message, projection.view)
        self.continued_from = _continued_from(projection.view)
        self.missing_since = _missing_since(message, told)
        self.providers: dict[tuple[int, int, int, str, str | None], Row] = {
            (row["client_id"], row["person_id"], row["dependent_id"], row["line"], row["provider_id"]): row
            for row in projection.providers.iter_rows(named=True)
        }

    def told(self, row: Row) -> Told:
        lines = self.lines.get((row["subscriber"], row["member"], row["basis"]), [])
        client, person, *dependent = (int(part) for part in row["member"].split(ids.SEPARATOR))
        who = (client, person)
        whose = (*who, dependent[0] if dependent else 0)
        details = self.details.get(who, {})
        values = self.values.get(who, {})
        member = Member(
            standing=self._standing(row, self.died_on.get(whose) if dependent else details.get("died_on")),
            dates=tuple(self._dates(row, lines, details, is_employee=not dependent)),
            person=_person(row, self.partner),
            was=_was(row) if row["is_corrected"] else None,
            coverages=tuple(self._coverage(line, whose) for line in lines),
        )
        return Told(member=member, values=self._values(row, values))

    def _values(self, row: Row, known: Row) -> dict[str, str]:
        own = {name: str(value) for name, value in known.items() if value is not None}
        if row["subscriber"].count(ids.SEPARATOR) > 1:  # a beneficiary who is no employee
            own["employee_number"] = f"{own.get('employee_number', '')}-{row['subscriber'].rsplit('-', 1)[1]}"
        keys = {"subscriber": row["subscriber"], "member": row["member"]}
        return {**values_for(self.partner, own.get("client", "")), **own, **keys}

    def _dates(self, row: Row, lines: Sequence[Row], details: Row, *, is_employee: bool) -> list[Dated]:
        """Answer the days of a member: employment, eligibility, continuation."""
        begins = [line["begins_on"] for line in lines if line["action"] != END]
        ends = [line["ends_on"] for line in lines if line["action"] == END and not line["is_void"]]
        action = row["action"]
        found: dict[str, date | None] = {}
        if is_employee and action in (ADD, REINSTATE, COMPARE):
            found |= {HIRED: details.get("hired_on")} | self._asked(details)
        if action == END:
            found[LEFT] = details.get("last_day_employed") if is_employee else None
            found[ELIGIBLE_UNTIL] = max(ends, default=None)
        if action == ADD:
            found[ELIGIBLE_FROM] = min(begins, default=None)
        if row["basis"] == COBRA:
            first = self.continued_from.get((row["subscriber"], row["member"]), min(begins, default=None))
            found |= _continued(row, first, ends, details)
        return [Dated(kind=kind, on=day) for kind, day in sorted(found.items()) if day is not None]

    def _asked(self, details: Row) -> dict[str, date | None]:
        """Answer the days of employment that are told only to whom they are agreed with."""
        kinds = self.partner.profile.member_dates if self.partner.profile else None
        return {kind: details.get(name) for kind, name in ASKED.items() if kind in (kinds or ())}

    def _standing(self, row: Row, died_on: date | None) -> Standing:
        is_own = row["subscriber"] == row["member"]
        usual = ids.ENDED if row["action"] == END or row["basis"] == COBRA else ids.ACTIVE
        return Standing(
            subscriber="Y" if is_own else "N",
            relationship=row["relationship"] or (ids.SELF if is_own else ids.OTHER_RELATIONSHIP),
            action=row["action"],
            reason=row["reason"] or "",
            benefit_status=row["basis"] or "",
            cobra_event=(row["cobra_event"] or "") if row["basis"] == COBRA else "",
            employment=(row["status"] or usual) if is_own else "",
            handicapped="" if is_own else row["disabled"] or "",
            died_on=died_on,
            birth_sequence=self.sequences.get((row["subscriber"], row["member"]), ""),
        )

    def _coverage(self, line: Row, whose: tuple[int, int, int]) -> Coverage:
        provider = self.providers.get((*whose, line["line"], line["provider"]))
        since = self._changed_on(line) if line["kind"] != ANOTHER_DOCTOR else _named_on(line, provider)
        days = {CHANGED: since, BEGIN: line["begins_on"], END_DAY: line["said_end_on"]}
        kind = PREMIUM if line["line"].startswith("1") else VOLUME
        return Coverage(
            line=Line(action=line["action"], insurance=line["plan"] or "", tier=line["tier"] or ""),
            dates=tuple(Dated(kind=kind, on=day) for kind, day in days.items() if day is not None),
            amounts=() if line["amount_cents"] is None else (Amount(kind=kind, cents=line["amount_cents"]),),
            providers=() if provider is None or line["action"] == END else (_provider(provider, line),),
        )

    def _changed_on(self, line: Row) -> date | None:
        """Answer since when a change counts: of what is reinstated, the first day it was missing."""
        if line["action"] == REINSTATE:
            return self.missing_since.get(
                (line["subscriber"], line["member"], line["line"], line["begins_on"])
            )
        return line["begins_on"] if line["action"] == CHANGE else None


def _by_person(rows: pl.DataFrame) -> dict[tuple[int, int], Row]:
    return {(row["client_id"], row["person_id"]): row for row in rows.iter_rows(named=True)}


def _birth_sequences(message: Message, held: View) -> dict[tuple[str, str], str]:
    """Number the children of a family who were born on one day, in the order of their keys."""
    known = message.people.select(*MEMBER, "relationship", "birth_on")
    rows = pl.concat([known, held.people.select(known.columns)]).unique(MEMBER, keep="first")
    rows = rows.filter(pl.col("relationship").is_in(CHILDREN) & pl.col("birth_on").is_not_null())
    place = ["subscriber", "birth_on"]
    rows = rows.sort(*place, "member").with_columns(
        number=pl.int_range(1, pl.len() + 1).over(place), size=pl.len().over(place)
    )
    twins = rows.filter(pl.col("size") > 1).select(*MEMBER, "number")
    return {(subscriber, member): str(number) for subscriber, member, number in twins.iter_rows()}


def _missing_since(message: Message, told: View) -> dict[tuple[str, str, str, date], date]:
    key = [*MEMBER, "line", "begins_on"]
    back = message.lines.filter(pl.col("action") == REINSTATE).select(key)
    ended = told.cover.filter(pl.col("ends_on").is_not_null()).join(back, on=key, how="semi")
    return {tuple(row[:4]): row[4] + DAY for row in ended.select(*key, "ends_on").iter_rows()}  # type: ignore[misc]


def _continued_from(held: View) -> dict[tuple[str, str], date]:
    """Answer since when each member continues; a new tier on the way begins nothing."""
    firsts = held.cover.filter(pl.col("basis") == COBRA).group_by(MEMBER).agg(pl.col("begins_on").min())
    return {(subscriber, member): day for subscriber, member, day in firsts.iter_rows()}


def _continued(row: Row, first: date | None, ends: Sequence[date], details: Row) -> dict[str, date | None]:
    """Answer the days of continuation: the event behind it, its begin and end."""
    if row["action"] == END:
        return {COBRA_UNTIL: max(ends, default=None)}
    left = details.get("last_day_employed") if row["cobra_event"] == EMPLOYMENT_EVENT else None
    return {EVENT: left or (first and first - DAY), COBRA_FROM: first}


def _person(row: Row, partner: Partner) -> Person:
    role = CORRECTED if row["is_corrected"] else INSURED
    name = insured(
        row["last_name"] or "",
        row["first_name"] or "",
        ssn=row["ssn"],
        role=role,
        middle=row["middle_name"] or "",
        suffix=row["suffix"] or "",
    )
    street, city = _place(row["address"])
    return Person(
        name=name,
        contact=_contact(row),
        street=street,
        city=city,
        demographics=_demographics(row["birth_on"], row["sex"], row["marital_status"]),
        income=_income(row, partner),
        health=Health(use=row["tobacco"]) if row["tobacco"] else None,
    )


def _income(row: Row, partner: Partner) -> Income | None:
    """Answer a subscriber's pay as the carrier wants it: half up to the cent of a period."""
    wanted = partner.profile.income if partner.profile else None
    if wanted is None or row["annual_pay_cents"] is None or row["subscriber"] != row["member"]:
        return None
    periods, hours = PAYS_PER_YEAR[wanted.frequency], row["weekly_hours_hundredths"]
    return Income(
        frequency=wanted.frequency,
        cents=(2 * row["annual_pay_cents"] + periods) // (2 * periods),
        hours="" if hours is None else f"{hours / 100:g}",
    )


def _was(row: Row) -> WrongIdentity:
    name = insured(
        row["was_last_name"] or "",
        row["was_first_name"] or "",
        ssn=row["was_ssn"],
        role=INCORRECT,
        middle=row["was_middle_name"] or "",
        suffix=row["was_suffix"] or "",
    )
    return WrongIdentity(name=name, demographics=_demographics(row["was_birth_on"], row["was_sex"], None))


def _demographics(born_on: date | None, sex: str | None, marital: str | None) -> Demographics | None:
    if born_on is None:
        return None
    return Demographics(born_on=born_on, gender=sex or "U", marital=marital or "")


def _contact(row: Row) -> Contact | None:
    ways = [(kind, row[name]) for kind, name in (("HP", "phone"), ("EM", "email")) if row[name]]
    told: dict[str, Any] = {}
    for number, (kind, value) in enumerate(ways, start=1):
        told |= {f"kind_{number}": kind, f"number_{number}": value}
    return Contact(role="IP", **told) if told else None


def _place(address: str | None) -> tuple[Street | None, City | None]:
    """Take an address apart as `identities.address` put it together; one without a city cannot be said."""
    line, city, state, postal_code, country = (*(address or "").split("\n"), "", "", "", "", "")[:5]
    if not city:
        return None, None
    abroad = "" if country in ("", "US", "USA") else country
    street = Street(line_1=line) if line else None
    return street, City(city=city, state=state, zip=postal_code.replace("-", ""), country=abroad)


def _named_on(line: Row, provider: Row | None) -> date:
    """Answer since when a span has another provider."""
    begin: date = line["begins_on"]
    return begin if provider is None else max(begin, provider["begins_on"])


def _provider(row: Row, line: Row) -> Provider:
    is_another = line["kind"] == ANOTHER_DOCTOR
    role = DENTIST if row["line"] in DENTAL else DOCTOR
    is_patient = row["is_patient"]
    name = Name(
        role=role,
        last=row["name"],
        id_kind=NPI if is_npi(row["provider_id"]) else OWN_NUMBER,
        id=row["provider_id"],
        relation=UNKNOWN if is_patient is None else KNOWN if is_patient else NEW,
    )
    change = ProviderChange(on=_named_on(line, row), reason=CHOSE) if is_another else None
    return Provider(name=name, change=change)
