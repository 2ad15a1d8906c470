"""Files built in a real database: laws of what is told, in flight, refused, frozen, held; numbers; a night."""

import threading
from datetime import date, timedelta
from pathlib import Path

import msgspec
import polars as pl
import pytest
from django.db import connections, transaction
from tests.carriers.custody_files import sets_of
from tests.carriers.feeding import CODE, FEED, agreement, at, story, text_of
from tests.carriers.viewing import shown
from tests.runs.conftest import put_enrolled
from typer.testing import CliRunner

import openbenefits.carriers
from openbenefits.carriers.agreements.checking import uncoded
from openbenefits.carriers.agreements.partners import Cadence, read_agreement, save_partner
from openbenefits.carriers.building import viewing
from openbenefits.carriers.building.cadence import due_mode, omits_ends
from openbenefits.carriers.building.numbering import given_out
from openbenefits.carriers.building.projecting import wanted
from openbenefits.carriers.building.services import Feed, build_all, preview
from openbenefits.carriers.models import (
    CarrierFile,
    ControlNumber,
    FileAct,
    FileLine,
    FileSet,
    PartnerVersion,
    PortalEntry,
    ViewLine,
)
from openbenefits.cli.main import app
from openbenefits.scenarios.databases import CLIENT_ID
from openbenefits.workforce import services as workforce

FIRST, SECOND, THIRD, LATER = date(2026, 2, 1), date(2026, 2, 15), date(2026, 3, 1), date(2026, 3, 2)
GOLDEN = Path(__file__).parent / "golden" / "agreements"
AGREEMENTS = Path(openbenefits.carriers.__file__).parent / "agreements"


@pytest.fixture
def fed(fresh_database, kept):
    return kept(fresh_database, "what a carrier is told", lambda: story(agreement()))


@pytest.fixture
def late(fresh_database, kept):
    """The same, with a first file accepted and everything that happens in the story."""

    def build():
        fed = story(agreement())
        fed.accept(fed.build(FIRST))
        fed.play_until(THIRD)
        return fed

    return kept(fresh_database, "what a carrier is to be told later", build)


def agree(**changes):
    save_partner(CLIENT_ID, CODE, agreement(**changes), author="test", now=at(FIRST))


def held(fed, on):
    """What the timeline says on a day, and what the carrier was told."""
    return wanted(fed.connection, [CLIENT_ID], agreement(), on=on).view, viewing.told(
        fed.connection, [CLIENT_ID], CODE
    )


def segments(file, *names):
    return [one for one in text_of(file).split("~") if one.startswith(names)]


# --- laws -----------------------------------------------------------------------------------------------------


def test_accepted_changes_fold_to_the_timeline_and_a_list_on_nothing_is_the_timeline(fed):
    for on in (FIRST, SECOND, THIRD):
        fed.play_until(on)
        fed.accept(fed.build(on))
        timeline, told = held(fed, on)
        assert shown(told).equals(shown(timeline))
        assert told.people.equals(timeline.people)
        assert fed.build(on) is None
    ViewLine.objects.all().delete()
    before = fed.build(LATER, "4")
    fed.accept(before)
    timeline, told = held(fed, LATER)
    current = timeline.cover.filter(pl.col("ends_on").is_null() | (pl.col("ends_on") >= LATER))
    assert shown(told).equals(shown(viewing.View(people=timeline.people, cover=current)))


def test_what_is_on_its_way_is_neither_repeated_nor_lost(fed):
    first = fed.build(FIRST)
    fed.play_until(SECOND)
    second = fed.build(SECOND)
    assert {name for name, _ in fed.said(second).items()} == {"hired", "mistaken", "returns"}
    fed.refuse(first)
    fed.accept(second)
    third = fed.build(SECOND)
    fed.accept(third)
    timeline, told = held(fed, SECOND)
    assert shown(told).equals(shown(timeline))
    assert {"quiet", "birth"} <= fed.said(third).keys()


def test_what_was_refused_goes_again_alone_under_its_reference(fed):
    with sets_of(6):
        first = fed.build(FIRST)
    assert FileSet.objects.filter(file_id=first.pk).count() > 2
    fed.accept(first, 1, 3)
    again = fed.build(FIRST + timedelta(days=1))
    refused = set(FileSet.objects.filter(file_id=first.pk, code="R").values_list("set", flat=True))
    alone = {one.subscriber for one in FileLine.objects.filter(file_id=first.pk, set__in=refused)}
    assert {one.subscriber for one in FileLine.objects.filter(file_id=again.pk)} == alone
    assert (again.reference, again.resends) == (first.reference, first.pk)
    assert again.interchange != first.interchange
    assert segments(again, "BGN")[0].startswith(f"BGN*15*{first.reference.upper()}*")
    assert (
        set(FileSet.objects.filter(file_id=first.pk, resent_by=again.pk).values_list("set", flat=True))
        == refused
    )
    fed.refuse(again)
    changed = fed.play.cast.people["quiet"]
    workforce.correct_person(1, changed, on=LATER, changes={"last_name": "Tale"}, made_by="t", now=at(FIRST))
    third = fed.build(LATER)
    assert (third.resends, third.reference != first.reference) == (None, True)
    assert "BGN*00" in segments(third, "BGN")[0]
    fed.accept(third)
    assert shown(held(fed, LATER)[1]).equals(shown(held(fed, LATER)[0]))


def test_a_list_refused_in_part_leaves_the_families_of_those_sets_as_they_were(late):
    fed = late
    before = viewing.told(fed.connection, [CLIENT_ID], CODE)
    with sets_of(6):
        file = fed.build(LATER, "4")
    fed.accept(file, 1)
    taken = {one.subscriber for one in FileLine.objects.filter(file_id=file.pk, set=1)}
    after = viewing.told(fed.connection, [CLIENT_ID], CODE)
    theirs = pl.col("subscriber").is_in(list(taken))
    others = set(FileLine.objects.filter(file_id=file.pk).exclude(set=1).values_list("subscriber", flat=True))
    kept_as_was = pl.col("subscriber").is_in(list(others))
    assert after.cover.filter(kept_as_was).equals(before.cover.filter(kept_as_was))
    assert not after.cover.filter(theirs).equals(before.cover.filter(theirs))


def test_ends_left_out_of_a_list_are_known_to_have_been_said(late):
    """The next change file says nothing of them: who left is ended once."""
    list_ = late.build(LATER, "4")
    assert late.build(LATER) is None, "in flight"
    late.accept(list_)
    assert late.build(LATER) is None
    timeline, told = held(late, LATER)
    assert shown(told).equals(shown(timeline))


# --- how it is kept -------------------------------------------------------------------------------------------


def test_a_file_is_kept_with_its_history_sets_and_the_events_behind_its_lines(late):
    fed = late
    shown_before = preview(fed.connection, FEED, on=THIRD, now=at(THIRD))
    file = fed.build(THIRD)
    assert (shown_before.message.lines.height, shown_before.findings) == (file.lines, [])
    assert shown_before.text is not None
    assert shown_before.text.split("~")[4:-4] == text_of(file).split("~")[4:-4]
    states = FileAct.objects.filter(file_id=file.pk).order_by("number").values_list("state", flat=True)
    assert list(states) == ["built", "validated"]
    rows = FileLine.objects.filter(file_id=file.pk).exclude(line="")
    person = fed.play.cast.people["leaves"]
    end = rows.get(person_id=person, dependent_id=None)
    assert (end.action, end.kind, end.event_number) == ("024", "drop", 1)
    birth = rows.filter(person_id=fed.play.cast.people["birth"])
    assert {one.event_number for one in birth} == {1}
    assert bytes(file.content)[:3] != b"ISA"
    assert b"Story" not in bytes(file.said)


def test_the_same_day_of_the_past_can_be_asked_for(fed):
    fed.play_until(SECOND)
    now = wanted(fed.connection, [CLIENT_ID], agreement(), on=FIRST).view
    then = wanted(fed.connection, [CLIENT_ID], agreement(), on=FIRST, known_at=at(FIRST)).view
    assert then.people.height < now.people.height


def test_what_lies_too_far_ahead_is_not_told_yet(fed):
    agree(ahead_days=60)
    fed.accept(fed.build(FIRST))
    fed.play_until(SECOND)
    assert fed.said(fed.build(SECOND)).keys() == {"returns"}
    later = date(2026, 3, 3)
    assert fed.said(fed.build(later)).keys() == {"hired", "mistaken"}


def test_a_carrier_that_takes_premiums_is_told_the_month_of_the_family_by_its_subscriber(fed):
    agree(profile={"off": []})
    said = fed.said(fed.build(FIRST))
    assert [one for one in said["quiet"] if one.startswith("AMT")] == ["AMT*P3*600"]
    assert [one for one in said["divorced"] if one.startswith("AMT")] == ["AMT*P3*1000"]
    assert [one for one in said["drops"] if one.startswith("AMT")] == ["AMT*P3*500", "AMT*P3*40"]
    assert fed.build(FIRST + timedelta(days=1)) is None


def test_numbers_are_given_out_once_to_two_processes_at_once(fresh_database):
    entered, found = threading.Event(), {}

    def ask(name, wait):
        connection = connections["default"]
        try:
            with transaction.atomic():
                found[name] = given_out(connection, "A", "B", ["ISA", "BE"], client_id=1, file_id=len(name))
                entered.set()
                wait()
        finally:
            connection.close()

    other = threading.Thread(target=ask, args=("second", lambda: None))

    def while_open():
        other.start()
        other.join(0.5)
        assert other.is_alive(), "the second waits until the first is through"

    ask("first", while_open)
    other.join()
    assert found == {"first": [1, 1], "second": [2, 2]}
    assert given_out(fresh_database, "A", "C", ["ISA"], client_id=1, file_id=3) == [1]
    assert ControlNumber.objects.count() == 5


def test_pay_and_tobacco_are_told_where_it_is_agreed_and_again_when_they_change(fed):
    dates = ["336", "337", "383", "394"]
    agree(
        profile={"income": {"frequency": "4", "has_hours": True}, "has_tobacco": True, "member_dates": dates}
    )
    first = fed.build(FIRST)
    assert first.state == "validated", first.findings
    fed.accept(first)
    person = fed.play.cast.people["quiet"]
    said = text_of(first).split(f"REF*0F*1-{person}~")[1].split("INS*")[0].split("~")
    assert [one for one in said if one.startswith(("DTP*336", "DTP*383", "ICM", "HLH"))] == [
        "DTP*336*D8*20200302", "DTP*383*D8*20200302", "ICM*4*4333.33*40",
    ]  # fmt: skip
    assert fed.build(SECOND) is None
    workforce.change_job(
        CLIENT_ID,
        person,
        on=FIRST,
        action="PAY",
        changes={"annual_pay_cents": 60_000_00},
        made_by="t",
        now=at(FIRST),
    )
    smoker = {"on": FIRST, "changes": {"is_smoker": True}, "made_by": "t", "now": at(FIRST)}
    workforce.correct_person(CLIENT_ID, fed.play.cast.people["moves"], **smoker)
    raised = fed.build(SECOND)
    assert segments(raised, "INS", "ICM", "HLH") == [
        "INS*Y*18*001*33*A***FT", "ICM*4*4333.33*40", "HLH*T", "INS*Y*18*001*33*A***FT", "ICM*4*5000*40",
    ]  # fmt: skip
    fed.accept(raised)
    agree()
    assert fed.build(LATER, "2") is None, "what is no longer agreed is no change"


# --- what waits, and what a person enters ---------------------------------------------------------------------


def test_too_many_ends_hold_a_file(late):
    fed = late
    agree(limits={"ends": 2, "ends_percent": None, "members_percent": None})
    file = fed.build(THIRD)
    assert (file.state, [one["code"] for one in file.holds]) == ("held", ["ends"])
    assert fed.build(THIRD) is None, "what is held is on its way"


def test_a_code_that_is_missing_keeps_a_file_from_leaving_and_changes_nothing(fed):
    plans = {"HMO": {"insurance": "HMO", "plan": "HMO"}}
    agree(profile={"plans": plans})
    file = fed.build(FIRST)
    assert (file.state, file.findings[0]["rule"]) == ("invalid", "profile")
    assert "plan" in file.findings[0]["words"]
    agree()
    assert fed.build(FIRST).state == "validated"


def test_frozen_days_send_changes_to_the_portal_until_they_are_entered_or_nothing_is_left_to_say(fed):
    fed.accept(fed.build(FIRST))
    freeze = {"from_on": FIRST, "through_on": THIRD, "before": date(2026, 6, 1)}
    agree(freezes=[freeze])
    fed.play_until(date(2026, 2, 15))
    assert fed.build(SECOND) is None
    entries = PortalEntry.objects.filter(is_net=True)
    assert {one.kind for one in entries} == {"add", "drop"}
    opened = set(entries.values_list("pk", flat=True))
    assert fed.build(SECOND) is None
    assert set(entries.values_list("pk", flat=True)) == opened, "the same is not opened twice"
    done = entries.get(kind="drop")
    viewing.entered(fed.connection, done, now=at(SECOND))
    PortalEntry.objects.filter(pk=done.pk).update(done_at=at(SECOND))
    fed.play_until(date(2026, 2, 17))  # the hire by mistake is taken back, and the end that was no end
    fed.play_until(date(2026, 2, 26))
    fed.build(date(2026, 2, 26))
    mistaken = PortalEntry.objects.get(person_id=fed.play.cast.people["mistaken"])
    assert not mistaken.is_net
    back = PortalEntry.objects.get(person_id=fed.play.cast.people["returns"], done_at=None)
    assert (back.kind, back.action) == ("reinstated", "025")


def test_a_partner_without_files_has_a_worklist(fed):
    agree(kind="portal")
    assert fed.build(FIRST) is None
    assert PortalEntry.objects.filter(reason="portal", is_net=True).count() == 21
    assert not CarrierFile.objects.exclude(kind="portal").exists()


def test_a_layout_of_the_partners_own_says_the_same(fed):
    names = ("subscriber", "employee_number", "group", "action", "line", "plan", "tier", "begins_on")
    columns = [{"name": one, "value": one} for one in names[:-1]]
    columns.append({"name": "begins_on", "value": "begins_on", "kind": "day"})
    records = [{"name": "member", "each": "row", "columns": columns}]
    layout = {"name": "office", "content": "enrollment", "delimiter": "|", "records": records}
    agree(kind="file", layout=layout, values={"*": {"group": "G1"}})
    file = fed.build(FIRST)
    assert file.state == "validated", file.findings
    rows = [one.split("|") for one in text_of(file).split()]
    quiet = [row for row in rows if row[1] == "quiet"]
    key = f"1-{fed.play.cast.people['quiet']}"
    assert quiet == [[key, "quiet", "G1", "021", "10", "PPO", "EE", "20250101"]]
    assert len(rows) == file.lines
    assert fed.build(FIRST) is None


# --- when -----------------------------------------------------------------------------------------------------

WEEKLY = Cadence(days=("mon",), full_days=(1,), open_enrollment="RX", open_enrollment_from="11-15",
                 open_enrollment_through="01-15", omits_ends=True)  # fmt: skip


@pytest.mark.parametrize(
    ("on", "mode", "omits"),
    [
        ("2026-03-02", "2", False),
        ("2026-03-03", None, False),
        ("2026-03-01", "4", False),
        ("2026-11-16", "RX", True),
        ("2027-01-11", "RX", True),
        ("2027-01-18", "2", False),
    ],
)
def test_what_is_due_on_a_day(on, mode, omits):
    day = date.fromisoformat(on)
    assert (due_mode(WEEKLY, day), omits_ends(WEEKLY, day)) == (mode, omits)


def test_a_night_builds_what_is_due_in_processes_and_one_partner_stops_no_other(fed):
    save_partner(CLIENT_ID, "dental", agreement(plan_types=["11"]), author="test", now=at(FIRST))
    save_partner(CLIENT_ID, "later", agreement(cadence={"days": ["mon"]}), author="test", now=at(FIRST))
    broken = {"client_id": CLIENT_ID, "code": "broken", "version": 1, "document": {"name": "B"}}
    PartnerVersion.objects.create(**broken, author="test", made_at=at(FIRST))
    assert FIRST.weekday() == 6
    outcomes = {one.feed.code: one for one in build_all(fed.connection, FIRST, at(FIRST), 2)}
    assert {code: one.state for code, one in outcomes.items()} == {
        "broken": "",
        CODE: "validated",
        "dental": "validated",
    }
    assert "carriers" in outcomes["broken"].error
    assert {one.error for code, one in outcomes.items() if code != "broken"} == {""}
    assert [one.file_id for one in build_all(fed.connection, FIRST, at(FIRST), 1) if not one.error] == [
        None,
        None,
    ]


# --- the sample's carriers -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def harbor(database, tmp_path_factory):
    """A small client of the sample, enrolled, with the three agreements in force."""
    employer = put_enrolled(tmp_path_factory.mktemp("harbor"), people=12)
    for file in sorted(AGREEMENTS.glob("*.yaml")):
        save_partner(0, file.stem, read_agreement(file.read_text()), author="test", now=at(FIRST))
    return employer


@pytest.mark.parametrize("code", ["delta_dental", "hmo_blue", "sample_life"])
def test_a_carrier_of_the_sample_gets_its_file_byte_for_byte(database, harbor, code):
    on = date(2025, 12, 1)
    shown_before = preview(database, Feed(client_id=harbor.client_id, code=code), on=on, now=at(on))
    assert shown_before.findings == []
    assert shown_before.text is not None
    assert shown_before.text.encode() == (GOLDEN / f"{code}.834").read_bytes()


def test_what_an_agreement_has_no_word_for_is_found_before_a_file_needs_it(database, harbor):
    whole = uncoded(database, [harbor.client_id])
    assert whole.filter(pl.col("partner").is_not_null()).is_empty()
    told = CliRunner().invoke(app, ["carriers", "partner", "check", "--client", "harbor"])
    assert told.exit_code == 0, told.output
    document = read_agreement((AGREEMENTS / "delta_dental.yaml").read_text())
    profile = document.profile
    plan, tier = next(iter(profile.plans)), next(iter(profile.tiers))
    lesser = msgspec.structs.replace(
        profile,
        plans={code: told for code, told in profile.plans.items() if code != plan},
        tiers={code: told for code, told in profile.tiers.items() if code != tier},
    )
    with transaction.atomic():
        changed = msgspec.structs.replace(document, profile=lesser)
        save_partner(harbor.client_id, "delta_dental", changed, author="test", now=at(FIRST))
        nobody = msgspec.structs.replace(document, carriers=("Nobody",))
        found = uncoded(database, [harbor.client_id])
        lacks = found.filter(partner="delta_dental").select("what", "code").rows()
        assert lacks == [("plan", plan), ("tier", tier)]
        save_partner(harbor.client_id, "delta_dental", nobody, author="test", now=at(FIRST))
        untold = uncoded(database, [harbor.client_id]).filter(pl.col("partner").is_null())
        assert set(document.carriers) <= set(untold["code"])
        transaction.set_rollback(True)
