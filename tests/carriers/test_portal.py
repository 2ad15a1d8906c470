"""What is entered at portals: done with proof, urgent, closed where nothing is left to say."""

from datetime import timedelta

import pytest
from django.db import connections
from tests.carriers.custody_files import BUILT, CODE, HOUR, ON, ack, agree, built, put

from openbenefits.carriers.answers import services as answering
from openbenefits.carriers.building import viewing
from openbenefits.carriers.building.services import Feed, build
from openbenefits.carriers.custody import portal_entries
from openbenefits.carriers.custody import services as custody
from openbenefits.carriers.custody.portal_entries import EntryMissing, EntryRefused, UrgentAdd
from openbenefits.carriers.filing import services as filing
from openbenefits.carriers.models import CarrierFile, PortalEntry
from openbenefits.casework.models import IS_OPEN, Ticket
from openbenefits.enrollment.models import Coverage

NEXT_YEAR = ON + timedelta(days=31)


@pytest.fixture
def client_id(fresh_database, kept, tmp_path):
    found = kept(fresh_database, "custody: an employer", lambda: put(tmp_path))
    agree(tmp_path / "out", tmp_path / "back")
    return found


def done(entry_id, **more):
    given = {"call_reference": "C-1", "author": "ann", "now": BUILT + HOUR}
    portal_entries.done(connections["default"], entry_id, **(given | more))


def test_a_partner_without_files_is_told_by_hand(client_id, fresh_database, tmp_path):
    agree(tmp_path / "out", tmp_path / "back", kind="portal")
    assert build(fresh_database, Feed(client_id=client_id, code=CODE), on=ON, author="x", now=BUILT) is None
    rows = portal_entries.entries([client_id], on=ON)
    assert rows.height
    assert not rows["is_overdue"].any()
    assert portal_entries.entries([client_id + 1], on=ON).is_empty()
    late = BUILT + timedelta(days=1)
    assert custody.overdue(fresh_database, now=late) == rows.height
    first, *others = rows["entry_id"]
    with pytest.raises(EntryRefused, match="expected what the partner gave as proof"):
        done(first, call_reference=" ")
    with pytest.raises(EntryMissing):
        done(10**9)
    done(first)
    with pytest.raises(EntryRefused, match="found one done by ann"):
        done(first)
    entry = PortalEntry.objects.get(pk=first)
    told = viewing.told(fresh_database, [client_id], CODE).cover
    assert told.select("line", "begins_on", "plan").rows() == [(entry.line, entry.begins_on, entry.plan)]
    assert Ticket.objects.filter(IS_OPEN, about_kind="carrier portal").count() == len(others)
    chain = custody.chain(client_id, entry.person_id, now=BUILT + 2 * HOUR)
    own = chain.filter(plan_type=entry.line, begins_on=entry.begins_on)
    if entry.dependent_id is None:
        own = own.filter(own["dependent_id"].is_null())
    assert "reference C-1" in own["words"][0]
    for one in others:
        done(one)
    assert CarrierFile.objects.get(kind="portal").state == "accepted"
    assert build(fresh_database, Feed(client_id=client_id, code=CODE), on=ON, author="x", now=late) is None
    assert portal_entries.entries([client_id], on=ON).is_empty()
    assert portal_entries.entries([client_id], on=ON, is_open=False).height == rows.height


def test_who_needs_care_before_a_file_is_added_by_a_call(client_id, fresh_database):
    own = Coverage.objects.filter(client_id=client_id, superseded_by_run=None, option_id__isnull=False)
    plans = {one["plan"] for one in _spans(client_id)}
    assert plans
    span = _spans(client_id)[0]
    order = UrgentAdd(client_id=client_id, person_id=span["person_id"], plan_type=span["plan_type"])
    on = span["begins_on"]
    with pytest.raises(EntryRefused, match="expected somebody covered"):
        _urgent(order, on - timedelta(days=1))
    entry = _urgent(order, on)
    assert (entry.reason, entry.due_on, entry.plan) == ("urgent", on, span["plan"])
    with pytest.raises(EntryRefused, match="expected no open entry"):
        _urgent(order, on)
    assert portal_entries.settle(fresh_database, on=on, now=BUILT) == 0
    done(entry.pk)
    told = viewing.told(fresh_database, [client_id], CODE)
    assert told.cover.select("plan", "begins_on").rows() == [(span["plan"], on)]
    with pytest.raises(EntryRefused, match="found one it was"):
        _urgent(order, on)
    file = built(fresh_database, client_id, on=on)
    assert f"{client_id}-{span['person_id']}" not in _added(file, span["plan_type"])
    assert own.exists()


def test_an_urgent_entry_closes_once_a_file_told_it_or_the_cover_is_gone(client_id, fresh_database):
    first, second = _spans(client_id)[:2]
    on = max(first["begins_on"], second["begins_on"])
    for span in (first, second):
        order = UrgentAdd(client_id=client_id, person_id=span["person_id"], plan_type=span["plan_type"])
        _urgent(order, on)
    Coverage.objects.filter(client_id=client_id, person_id=second["person_id"]).delete()
    assert portal_entries.settle(fresh_database, on=on, now=BUILT) == 1
    file = built(fresh_database, client_id, on=on)
    filing.release(file.pk, author="ann", words="looked at", now=BUILT)
    filing.send(fresh_database, file.pk, now=BUILT, author="ann")
    answering.take(fresh_database, client_id, CODE, ack(file, group="A"), "a", author="x", now=BUILT)
    assert portal_entries.settle(fresh_database, on=on, now=BUILT) == 1
    assert portal_entries.entries(None, on=on).is_empty()
    number = PortalEntry.objects.values_list("pk", flat=True).first()
    with pytest.raises(EntryRefused, match="nothing left"):
        done(number)


def test_an_urgent_add_told_already_is_done_at_once(client_id, fresh_database):
    span = _spans(client_id)[0]
    order = UrgentAdd(client_id=client_id, person_id=span["person_id"], plan_type=span["plan_type"])
    entry = _urgent(order, span["begins_on"], call_reference="C-9")
    assert (entry.done_by, entry.call_reference) == ("ann", "C-9")
    assert viewing.told(fresh_database, [client_id], CODE).cover.height == 1


def _urgent(order, on, **more):
    return portal_entries.urgent(connections["default"], order, author="ann", on=on, now=BUILT, **more)


def _spans(client_id):
    from openbenefits.carriers.agreements.partners import partner_of
    from openbenefits.carriers.building.projecting import wanted

    found = wanted(connections["default"], [client_id], partner_of(client_id, CODE)[2], on=NEXT_YEAR)
    rows = found.sources.join(
        found.view.cover.select("member", "line", "begins_on", "plan"), on=["member", "line", "begins_on"]
    )
    return rows.filter(rows["dependent_id"].is_null()).sort("person_id", "begins_on").to_dicts()


def _added(file, line):
    from openbenefits.carriers.models import FileLine

    return set(FileLine.objects.filter(file_id=file.pk, line=line).values_list("member", flat=True))
