"""A carrier's full 834 against our timeline: what was planted is found, with its cause, and nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
import yaml
from tests.runs.conftest import put_employer

import openbenefits.carriers
from openbenefits.carriers.agreements.partners import FrozenDays, read_partner, save_partner
from openbenefits.carriers.auditing.services import AuditRefused, audit
from openbenefits.carriers.building import services as building
from openbenefits.carriers.building import viewing
from openbenefits.carriers.building.services import Feed
from openbenefits.carriers.enrollment.reader import read_file
from openbenefits.carriers.enrollment.statements import Dated, Reference
from openbenefits.carriers.enrollment.writer import write_file
from openbenefits.carriers.models import Answer, AnswerLine, CarrierFile, FileLine, PortalEntry, ViewLine
from openbenefits.carriers.opening import of_partner, preview
from openbenefits.carriers.rules.audit_causes import Cause
from openbenefits.carriers.rules.matching import identity_differences
from openbenefits.enrollment.takeover import take_over
from openbenefits.store.secrets import open_file
from openbenefits.store.trials import given_up
from openbenefits.workforce.census.comparing import Known
from openbenefits.workforce.models import Person

NOW = datetime(2026, 1, 15, 8, tzinfo=UTC)
BEFORE = datetime(2025, 10, 1, 8, tzinfo=UTC)
ON = date(2026, 1, 15)
AGREEMENT = Path(openbenefits.carriers.__file__).parent / "agreements" / "delta_dental.yaml"


@dataclass(frozen=True)
class World:
    """An employer whose dental carrier took a full file yesterday."""

    connection: Any
    client_id: int
    data: bytes
    file_id: int

    @property
    def feed(self) -> Feed:
        return Feed(client_id=self.client_id, code="delta")

    def audit(self, data: bytes | None = None, on: date = ON, **more: Any) -> Any:
        return audit(self.connection, self.feed, data or self.data, on=on, now=NOW, author="test", **more)


@pytest.fixture
def world(filled: World) -> Iterator[World]:
    """Answer the employer; nothing of what a test does with him stays."""
    with given_up():
        yield filled


@pytest.fixture(scope="module")
def filled(database: Any, kept: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> World:
    def build() -> dict[str, Any]:
        connection = database
        made = put_employer(tmp_path_factory.mktemp("audit"), people=60)
        held = next(Path(made.folder).rglob("current_coverage.csv"))
        take_over(connection, made.client_id, held, now=BEFORE, made_by="test")
        take_over(connection, made.client_id, declined(held), now=BEFORE, made_by="test")
        agreed = read_partner(yaml.safe_load(AGREEMENT.read_text("utf-8")))
        save_partner(0, "delta", agreed, author="test", now=BEFORE)
        feed = Feed(client_id=made.client_id, code="delta")
        for on, now in ((date(2025, 11, 20), BEFORE.replace(month=11, day=20)), (ON, NOW)):
            file = building.build(connection, feed, on=on, author="test", now=now, mode="4")
            assert file is not None
            viewing.move(connection, file, {1}, now=now)
            CarrierFile.objects.filter(pk=file.pk).update(state="accepted")
        return {
            "client_id": made.client_id,
            "data": open_file(bytes(file.content)),
            "file_id": file.pk,
        }

    return World(connection=database, **kept(database, "audited", build))


def declined(held: Path) -> Path:
    """A file by which the first who is covered alone has no dental coverage from 2026 on."""
    rows = pl.read_csv(held, infer_schema=False).filter(plan_type="11", waived="N")
    alone = rows.filter(pl.col("option").str.ends_with("-1"))["employee_number"][0]
    file = held.with_name("declined.csv")
    file.write_text(
        f"employee_number,plan_type,option,begins_on,waived,program\n{alone},11,,2026-01-01,Y,\n", "utf-8"
    )
    return file


def found(told: Any) -> set[tuple[str, str, str]]:
    return set(told.rows.select("verdict", "field", "cause").iter_rows())


def test_the_list_we_sent_agrees(world):
    told = world.audit()
    assert told.rows.is_empty(), told.rows
    assert told.counts["matched"] == told.counts["listed"] > 50
    assert told.counts["equal"] > 50
    assert told.summary.endswith("everything agrees.")
    whole = audit(
        world.connection, Feed(client_id=0, code="delta"), world.data, on=ON, now=NOW, is_kept=False
    )
    assert (whole.rows.height, whole.counts["matched"]) == (0, told.counts["matched"])
    again = world.audit()
    assert (told.is_new, again.is_new) == (True, False)
    assert again.answer_id == told.answer_id
    assert Answer.objects.get().kind == "834"


def edited(data: bytes, change: Callable[[list[Any]], list[Any]]) -> bytes:
    """Write a list with other members."""
    told = read_file(data).file
    group = told.groups[0]
    one = group.sets[0]
    members = tuple(change(list(one.members)))
    return write_file(replace(told, groups=(replace(group, sets=(replace(one, members=members),)),)))


def families(members: list[Any]) -> list[list[Any]]:
    """Those with dependents, each line without an end."""
    by: dict[str, list[Any]] = {}
    for one in members:
        by.setdefault(one.family, []).append(one)
    whole = [
        family
        for family in by.values()
        if all(len(one.coverages) == 1 and one.coverages[0].day("349") is None for one in family)
    ]
    return sorted(whole, key=len, reverse=True)


def with_line(one: Any, **changes: Any) -> Any:
    cover = one.coverages[0]
    return replace(one, coverages=(replace(cover, line=replace(cover.line, **changes)),))


def with_day(one: Any, kind: str, day: date) -> Any:
    cover = one.coverages[0]
    kept = tuple(day for day in cover.dates if day.kind != kind)
    return replace(one, coverages=(replace(cover, dates=(*kept, Dated(kind=kind, on=day))),))


def named(one: Any, **changes: Any) -> Any:
    return replace(one, person=replace(one.person, name=replace(one.person.name, **changes)))


def born(one: Any, day: date) -> Any:
    return replace(
        one, person=replace(one.person, demographics=replace(one.person.demographics, born_on=day))
    )


def in_family(one: Any, family: str) -> Any:
    rest = tuple(ref for ref in one.references if ref.kind != "0F")
    return replace(one, references=(Reference(kind="0F", value=family), *rest))


def other_plan(one: Any) -> str:
    held = one.coverages[0].line.plan
    return next(plan for plan in ("EPO FAMILY ENHANCED", "EPO FAMILY VALUE") if plan != held)


LIST_EDITS: dict[str, tuple[Callable[..., list[Any]], tuple[str, str, str]]] = {
    "left out": (lambda one, rest: [], ("missing there", "coverage", Cause.LOST)),
    "ended there": (
        lambda one, rest: [with_day(one, "349", date(2026, 1, 5))],
        ("missing there", "coverage", Cause.LOST),
    ),
    "another plan": (
        lambda one, rest: [with_line(one, plan=other_plan(one))],
        ("different", "plan", Cause.LOST),
    ),
    "unknown plan": (
        lambda one, rest: [with_line(one, plan="GOLD")],
        ("different", "plan", Cause.UNKNOWN_CODE),
    ),
    "another tier": (lambda one, rest: [with_line(one, tier="EMP")], ("different", "tier", Cause.LOST)),
    "unknown tier": (
        lambda one, rest: [with_line(one, tier="E5D")],
        ("different", "tier", Cause.UNKNOWN_CODE),
    ),
    "another begin": (
        lambda one, rest: [with_day(one, "348", date(2025, 7, 1))],
        ("different", "begin", Cause.LOST),
    ),
    "end to come": (
        lambda one, rest: [with_day(one, "349", date(2026, 6, 30))],
        ("different", "end", Cause.LOST),
    ),
    "COBRA there": (
        lambda one, rest: [replace(one, standing=replace(one.standing, benefit_status="C"))],
        ("different", "basis", Cause.LOST),
    ),
    "listed twice": (lambda one, rest: [one, one], ("different", "twice", Cause.TWICE)),
    "birth date": (
        lambda one, rest: [born(one, one.person.demographics.born_on.replace(year=1931))],
        ("different", "birth date", Cause.IDENTITY),
    ),
    "name": (
        lambda one, rest: [named(one, first=f"{one.person.name.first}X")],
        ("different", "name", Cause.IDENTITY),
    ),
    "SSN": (
        lambda one, rest: [named(one, id_kind="34", id="471140815")],
        ("different", "SSN", Cause.IDENTITY),
    ),
    "another family": (
        lambda one, rest: [in_family(one, rest.family)],
        ("different", "family", Cause.OTHER_FAMILY),
    ),
    "stranger": (
        lambda one, rest: [
            one,
            in_family(born(named(one, last="Nobody", first="Zed"), date(1950, 2, 3)), "X1"),
        ],
        ("missing here", "coverage", Cause.UNKNOWN_PERSON),
    ),
    "somebody similar": (
        lambda one, rest: [
            one,
            born(named(one, first=f"{one.person.name.first}Y"), date(1951, 2, 3)),
        ],
        ("missing here", "coverage", Cause.PERHAPS),
    ),
}


@pytest.mark.parametrize("kind", LIST_EDITS)
def test_what_a_list_says_otherwise(world, kind):
    change, expected = LIST_EDITS[kind]

    def edit(members):
        several = families(members)
        one = several[0][1]  # a dependent of the largest family
        assert not one.is_subscriber
        other = next(family[0] for family in several if len(family) == 1)
        return [new for old in members for new in (change(one, other) if old is one else [old])]

    told = world.audit(edited(world.data, edit), is_kept=False)
    assert found(told) == {expected}, told.rows
    assert told.rows.height == 1


def somebody(world, **like):
    """A line told and accepted, in a single family."""
    lines = ViewLine.objects.filter(client_id=world.client_id, ends_on=None, **like)
    by = {}
    for one in lines:
        by.setdefault(one.subscriber, []).append(one)
    return next(several[0] for several in by.values() if len(several) == 1)


def without(world, line):
    """The list without a person, and the carrier never told so far of him."""
    number = next(
        one.family
        for one in read_file(world.data).file.sets[0].members
        if one.family == number_of(world, line.person_id)
    )
    return edited(world.data, lambda members: [one for one in members if one.family != number])


def number_of(world, person_id):
    return Person.objects.get(pk=person_id).employee_number


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        ("sent", Cause.IN_FLIGHT),
        ("received", Cause.IN_FLIGHT),
        ("validated", Cause.NOT_SENT),
        ("rejected", Cause.REFUSED),
        ("not read", Cause.REFUSED),
    ],
)
def test_what_became_of_a_file(world, state, cause):
    line = somebody(world)
    ViewLine.objects.filter(member=line.member).delete()
    CarrierFile.objects.filter(pk=world.file_id).update(state=state)
    told = world.audit(without(world, line), is_kept=False)
    assert found(told) == {("missing there", "coverage", cause)}
    assert told.rows["person_id"].to_list() == [line.person_id]
    assert told.rows["file_id"].to_list() == [world.file_id]


def test_refused_by_a_report(world):
    line = somebody(world)
    FileLine.objects.filter(person_id=line.person_id).update(verdict="refused", code="E12")
    told = world.audit(without(world, line), is_kept=False)
    assert found(told) == {("missing there", "coverage", Cause.REFUSED)}


def test_waiting_for_the_portal(world):
    line = somebody(world)
    ViewLine.objects.filter(member=line.member).delete()
    FileLine.objects.filter(person_id=line.person_id).delete()
    PortalEntry.objects.create(
        client_id=world.client_id,
        partner="delta",
        partner_client=0,
        person_id=line.person_id,
        benefit_record=0,
        line=line.line,
        kind="add",
        action="021",
        reason="frozen",
        due_on=ON,
        opened_at=NOW,
        opened_by="test",
    )
    told = world.audit(without(world, line), is_kept=False)
    assert found(told) == {("missing there", "coverage", Cause.PORTAL)}


def test_never_told(world):
    line = somebody(world)
    ViewLine.objects.filter(member=line.member).delete()
    FileLine.objects.filter(person_id=line.person_id).delete()
    told = world.audit(without(world, line), is_kept=False)
    assert found(told) == {("missing there", "coverage", Cause.NEXT_FILE)}


def test_frozen_days(world):
    line = somebody(world)
    ViewLine.objects.filter(member=line.member).delete()
    FileLine.objects.filter(person_id=line.person_id).delete()
    agreed = read_partner(yaml.safe_load(AGREEMENT.read_text("utf-8")))
    days = FrozenDays(from_on=date(2026, 1, 1), through_on=date(2026, 1, 31), before=date(2026, 2, 1))
    save_partner(0, "delta", msgspec.structs.replace(agreed, freezes=(days,)), author="test", now=NOW)
    told = world.audit(without(world, line), is_kept=False)
    assert found(told) == {("missing there", "coverage", Cause.FROZEN)}


def test_somebody_known_here_without_coverage(world):
    listed = {one.family for one in read_file(world.data).file.sets[0].members}
    people = Known.load(world.client_id).people.filter(~pl.col("employee_number").is_in(list(listed)))
    who = people.sort("employee_number").row(0, named=True)

    def with_him(members):
        one = families(members)[-1][0]
        new = named(one, last=who["last_name"], first=who["first_name"], id="", id_kind="")
        return [*members, in_family(born(new, who["birth_on"]), who["employee_number"])]

    data = edited(world.data, with_him)
    told = world.audit(data, is_kept=False)
    assert found(told) == {("missing here", "coverage", Cause.NEVER_HELD)}
    assert told.rows["person_id"].to_list() == [who["person_id"]]
    key = f"{world.client_id}-{who['person_id']}"
    place = {"client_id": world.client_id, "person_id": who["person_id"], "partner": "delta", "file_id": 1}
    ViewLine.objects.create(
        **place, subscriber=key, member=key, line="11", begins_on=date(2025, 1, 1), basis="A"
    )
    again = world.audit(data, is_kept=False)
    assert found(again) == {("missing here", "coverage", Cause.TAKEN_BACK)}


def ended_here(world):
    """Somebody alone whose coverage ended, as we told; the list goes on with him."""
    lines = list(ViewLine.objects.filter(client_id=world.client_id))
    goes_on = {one.subscriber for one in lines if one.ends_on is None}
    line = next(one for one in lines if one.subscriber not in goes_on)
    number = number_of(world, line.person_id)

    def going_on(members):
        return [
            replace(
                one,
                coverages=tuple(
                    replace(cover, dates=tuple(day for day in cover.dates if day.kind != "349"))
                    for cover in one.coverages
                ),
            )
            if one.family == number
            else one
            for one in members
        ]

    return line, edited(world.data, going_on)


def test_who_ended_here_and_goes_on_there(world):
    line, data = ended_here(world)
    assert found(world.audit(data, is_kept=False)) == {("missing here", "coverage", Cause.NOT_ENDED)}
    ViewLine.objects.filter(subscriber=line.subscriber).update(ends_on=None)
    told = world.audit(data, is_kept=False)
    assert found(told) == {("missing here", "coverage", Cause.NEXT_FILE)}
    CarrierFile.objects.filter(pk=world.file_id).update(state="sent")
    assert found(world.audit(data, is_kept=False)) == {("missing here", "coverage", Cause.IN_FLIGHT)}
    CarrierFile.objects.filter(pk=world.file_id).update(state="accepted")
    late = world.audit(data, on=date(2026, 6, 1), is_kept=False)
    assert ("missing here", "coverage", Cause.OLD) in found(late)
    ViewLine.objects.filter(subscriber=line.subscriber).delete()
    assert found(world.audit(data, is_kept=False)) == {("missing here", "coverage", Cause.EARLIER)}


def test_it_is_kept_without_anything_personal(world):
    line = somebody(world)
    told = world.audit(without(world, line))
    row = AnswerLine.objects.get(answer_id=told.answer_id)
    assert (row.person_id, row.verdict, row.code) == (line.person_id, "missing there", Cause.LOST)
    known = Known.load(world.client_id).people.filter(person_id=line.person_id)
    assert known["last_name"][0] not in row.words
    assert row.words.startswith("coverage: here ")


def test_a_file_of_changes_is_refused(world):
    changes = world.data.replace(b"****4~", b"****2~", 1)
    with pytest.raises(AuditRefused, match="full file"):
        world.audit(changes)


def test_how_an_identity_differs():
    ours = {"last_name": "Stone", "first_name": "Ann", "birth_on": date(1980, 3, 4), "ssn": "471140815"}
    cases = [
        ({"ssn": "471140851"}, ("SSN", "typed differently")),
        ({"ssn": "512229934"}, ("SSN", "another number")),
        ({"ssn": None}, ("SSN", "not told there")),
        ({"birth_on": date(1980, 4, 3)}, ("birth date", "day and month exchanged")),
        ({"birth_on": date(1981, 3, 4)}, ("birth date", "typed differently")),
        ({"birth_on": date(1955, 12, 28)}, ("birth date", "another day")),
        ({"first_name": "Anne"}, ("name", "spelled differently")),
        ({"first_name": "Xu", "last_name": "Li"}, ("name", "another name")),
        ({"first_name": "ANN", "last_name": "Stöne"}, None),
    ]
    for change, expected in cases:
        theirs = ours | change
        both = {f"{name}_ours": value for name, value in ours.items()}
        row = {"row": 1, "subscriber": "1-1", "member": "1-1", **theirs, **both}
        schema = {"row": pl.Int32, "birth_on": pl.Date, "birth_on_ours": pl.Date}
        told = identity_differences(pl.DataFrame([row], schema_overrides=schema))
        assert told.select("field", "how").rows() == ([expected] if expected else []), change


def test_an_agreement_turned_around_reads_its_own_list(world):
    agreed = read_partner(yaml.safe_load(AGREEMENT.read_text("utf-8")))
    mapping = msgspec.structs.replace(of_partner(agreed, "harbor"), program="HARBOR-SAL")
    assert dict(mapping.tiers)["ESP"] == ("2", "12")
    told = preview(world.connection, world.client_id, world.data, "delta.834", mapping, on=ON, now=NOW)
    states = dict(told.people.group_by("state").len().iter_rows())
    assert states["same"] > 50
    assert "new" not in states
    assert told.differences.filter("is_taken").is_empty()
