"""From a file built to a member confirmed: released, sent, answered, refused, sent again, reported, confirmed."""

from datetime import timedelta

import pytest
from django.db import connections
from tests.carriers.custody_files import BUILT, CODE, HOUR, ON, ack, at, built, put, report, ta1

from openbenefits.carriers.answers import services as answering
from openbenefits.carriers.answers.places import places_of
from openbenefits.carriers.building import viewing
from openbenefits.carriers.custody import services as custody
from openbenefits.carriers.filing import services as filing
from openbenefits.carriers.models import FileAct, FileLine, FileSet, ViewLine
from openbenefits.casework.models import IS_OPEN, Ticket
from openbenefits.workflow.checks import CHECKS, verdicts
from openbenefits.workforce.models import Person


@pytest.fixture
def client_id(fresh_database, kept, tmp_path):
    found = kept(fresh_database, "custody: an employer", lambda: put(tmp_path))
    from tests.carriers.custody_files import agree

    agree(tmp_path / "out", tmp_path / "back")
    return found


def take(client_id, data, hours, name="answer"):
    return answering.take(
        connections["default"], client_id, CODE, data, name, author="test", now=BUILT + hours * HOUR
    )


def sent(client_id, **more):
    connection = connections["default"]
    file = built(connection, client_id, **more)
    now = more.get("now", BUILT)
    filing.release(file.pk, author="ann", words="looked at", now=now + HOUR)
    filing.send(connection, file.pk, now=now + 2 * HOUR, author="ann")
    file.refresh_from_db()
    return file


def test_the_whole_journey(client_id, fresh_database, tmp_path):
    file = sent(client_id, largest=5)
    assert file.state == "sent"
    assert [one.name for one in (tmp_path / "out").iterdir()] == [file.file_name]
    person = FileLine.objects.filter(file_id=file.pk, set=2).order_by("number").first()
    one_set_is_refused(client_id, file, person)
    again = it_goes_again_alone(client_id, file, person)
    a_report_refuses_somebody(client_id, again, person)
    a_later_report_confirms_everybody(client_id, again, person)
    assert not Ticket.objects.filter(IS_OPEN, about_kind__startswith="carrier").exists()


def members_of(file, **narrowed):
    return set(FileLine.objects.filter(file_id=file.pk, **narrowed).values_list("member", flat=True))


def members_told(client_id):
    return set(viewing.told(connections["default"], [client_id], CODE).cover["member"])


def one_set_is_refused(client_id, file, person):
    sets = FileSet.objects.filter(file_id=file.pk).count()
    assert sets > 2
    take(client_id, ta1(file, "A"), 3)
    place = next(one for one in places_of(file) if one.set == 2 and one.member == person.member)
    codes = {number: "R" if number == 2 else "A" for number in range(1, sets + 1)}
    taken = take(client_id, ack(file, codes, found={2: [at("INS", place.first)]}), 4)
    assert taken.files == {file.pk: "accepted in part"}
    assert not members_of(file, set=2) & members_told(client_id)
    assert not is_done("carriers told", person.person_id)
    assert not is_done("elections told", person.schedule_id)
    assert is_done("carriers know the group", client_id)
    case = Ticket.objects.get(about_kind="carrier set")
    assert (case.person_id, case.about_key) == (person.person_id, f"{file.pk}/2")
    mine = chain_row(client_id, person, 5)
    assert (mine["stage"], mine["acknowledged"], mine["verdict"]) == ("refused", "R", "refused")
    assert "goes again" in mine["words"]


def it_goes_again_alone(client_id, file, person):
    again = sent(client_id, now=BUILT + timedelta(days=1), on=ON + timedelta(days=1))
    assert again.resends == file.pk
    assert members_of(again) == members_of(file, set=2)
    take(client_id, ack(again, {1: "A"}), 30)
    assert Ticket.objects.get(about_kind="carrier set").done_at is not None
    assert members_of(again) <= members_told(client_id)
    assert is_done("carriers told", person.person_id)
    return again


def a_report_refuses_somebody(client_id, again, person):
    number = Person.objects.get(pk=person.person_id).employee_number
    refused = {"subscriber": number, "status": "REJ", "code": "E17", "text": f"no address for {number}"}
    taken = take(client_id, report(refused), 50)
    assert (taken.unmatched, taken.files) == (0, {again.pk: "confirmed"})
    case = Ticket.objects.get(about_kind="carrier member")
    assert (case.person_id, case.done_at) == (person.person_id, None)
    assert "E17" in case.body
    assert number not in case.body
    mine = chain_row(client_id, person, 51)
    assert (mine["stage"], mine["verdict_code"]) == ("refused", "E17")
    assert not is_done("carriers told", person.person_id)
    event = (person.schedule_id, person.event_number)
    part = custody.chain_of_event(client_id, person.person_id, *event, now=BUILT)
    assert person.line in set(part["line"])


def a_later_report_confirms_everybody(client_id, again, person):
    families = set(FileLine.objects.filter(file_id=again.pk).values_list("subscriber", flat=True))
    places = places_of(again)
    assert families <= {one.subscriber for one in places}
    rows = [{"subscriber": one.family, "first": one.first_name, "status": "OK"} for one in places]
    taken = take(client_id, report(*rows), 70)
    assert taken.files == {again.pk: "reconciled"}
    assert Ticket.objects.get(about_kind="carrier member").done_at is not None
    mine = chain_row(client_id, person, 71)
    assert (mine["stage"], mine["confirmed_at"]) == ("confirmed", BUILT + 70 * HOUR)
    confirmed = ViewLine.objects.filter(member=person.member, line=person.line).get()
    assert confirmed.confirmed_at == BUILT + 70 * HOUR
    assert is_done("carriers told", person.person_id)
    assert not is_done("carriers told of the end", client_id)
    states = list(FileAct.objects.filter(file_id=again.pk).order_by("number").values_list("state", flat=True))
    assert states[-4:] == ["sent", "accepted", "confirmed", "reconciled"]


def is_done(check, key):
    """Whether the "done when" of a step about carriers holds."""
    return verdicts(connections["default"], CHECKS[check], [str(key)], ON)["is_done"].to_list() == [True]


def chain_row(client_id, person, hours):
    rows = custody.chain(client_id, person.person_id, now=BUILT + hours * HOUR)
    return rows.filter(member=person.member, line=person.line).row(0, named=True)
