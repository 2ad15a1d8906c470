"""Long work asked for by a face and done by the worker: allowed, refused, stopped, and nobody else's."""

import os
from datetime import date, timedelta

import pytest
from django.db import ProgrammingError, connection
from tests.background.conftest import NOW

from openbenefits.accounts.roles import Permission, RoleCode
from openbenefits.accounts.services import NotAllowed, access_of, end_role, give_role, working
from openbenefits.background import kinds, services
from openbenefits.background.models import ProcessRequest
from openbenefits.background.services import Kind, RequestRefused, State, ask, perform, runs_of, stop
from openbenefits.background.worker import BROKEN_OFF, end_what_broke_off
from openbenefits.runs.models import Run
from openbenefits.store import use_database

EVENTS = {"control": "events", "as_of": "2026-03-02"}


@pytest.fixture
def asked(users, pair, database, embedded_server):
    """Ask as a face; go on as the owner, as the worker does."""
    url = embedded_server.url(database.settings_dict["NAME"])

    def put(kind, asked_for, *, by="specialist", client=0):
        use_database(url, as_face=True)
        try:
            access = access_of(connection, users[by])
            with working(connection, access):
                client_id = pair[client].client_id
                return ask(access, kind, asked_for, client_id=client_id, author=by, now=NOW).pk
        finally:
            use_database(url)

    return put


def test_what_is_asked_for_is_done(asked, pair, clock):
    number = asked("run control", EVENTS)
    done = perform(number, clock)
    assert (done.state, done.told, done.result["state"]) == (State.DONE, "", "done")
    run = Run.objects.get(pk=done.result["run"])
    assert (run.bundle_client, run.started_by, run.as_of) == (
        pair[0].client_id,
        "specialist",
        date(2026, 3, 2),
    )
    assert runs_of(done) == [run.pk]
    assert done.done == done.total == 1
    assert perform(number, clock).ended_at == done.ended_at, "what has begun is not begun again"


@pytest.mark.parametrize(
    ("kind", "asked_for", "said"),
    [
        ("walk the dog", {}, "expected one of .*run control"),
        ("run control", {"control": "events"}, "missing required field `as_of`"),
        ("run control", {"control": "events", "as_of": "tomorrow"}, "as_of"),
        ("run control", EVENTS | {"colour": "red"}, "unknown field `colour`"),
        (
            "run control",
            {"control": "nothing", "as_of": "2026-03-02"},
            "expected a run control of the client",
        ),
        ("run control", EVENTS | {"accepted": {"BA1": " "}}, "give the reason"),
        ("start run", {"as_of": "2026-03-02", "schedule": 0}, "expected a schedule of the client"),
        ("start run", {"as_of": "2026-03-02", "people": [0]}, "expected people of the client"),
        ("finalise", {"as_of": "2026-03-02", "schedule": 0}, "expected a schedule of the client"),
        ("resume", {"run": 0}, "expected a run of the client"),
        ("take back", {"run": 0, "reason": "x"}, "expected a run of the client"),
        ("commit", {"rehearsal": 0}, "no rehearsal 0 is kept"),
        ("rehearse", {"as_of": "2026-03-02", "clients": [1]}, "no list of clients"),
        ("issue statements", {"schedule": 0, "kind": "poem", "on": "2026-03-02"}, "kind"),
    ],
)
def test_what_cannot_be_is_refused_before_it_is_queued(asked, kind, asked_for, said):
    before = ProcessRequest.objects.count()
    with pytest.raises((RequestRefused, LookupError), match=said):
        asked(kind, asked_for)
    assert ProcessRequest.objects.count() == before


def test_who_may_not_is_refused(asked):
    for by, client in (("auditor", 0), ("second", 0), ("specialist", 1)):
        with pytest.raises(NotAllowed):
            asked("run control", EVENTS, by=by, client=client)


def test_a_fault_is_told_in_words(asked, pair, clock):
    number = asked("resume", {"run": Run.objects.filter(bundle_client=pair[0].client_id).first().pk})
    ProcessRequest.objects.filter(pk=number).update(asked_for={"run": 0})
    done = perform(number, clock)
    assert done.state == State.REFUSED
    assert done.told == "expected a run of the client, found 0; correct the number"


def test_a_role_that_ended_meanwhile_is_refused(asked, users, pair, clock):
    number = asked("run control", EVENTS)
    mine = pair[0].client_id
    end_role(users["specialist"], mine, RoleCode.SPECIALIST, ended_by="test", now=NOW)
    try:
        done = perform(number, clock)
    finally:
        give_role(
            users["specialist"], mine, RoleCode.SPECIALIST, given_by="test", now=NOW + timedelta(days=1)
        )
    assert done.state == State.REFUSED
    assert "expected a role that may 'process'" in done.told


@pytest.fixture
def counting(monkeypatch):
    """A kind that commits a mark at each of three steps, and tells what it does."""

    def act(work):
        for step in (1, 2, 3):
            ProcessRequest.objects.filter(pk=work.request.pk).update(result={"marks": step})
            work.say(step, 3)
        return {"marks": 3}

    monkeypatch.setitem(kinds.KINDS, "count", Kind(name="count", permission=Permission.PROCESS, act=act))


def test_what_is_stopped_keeps_what_was_committed(asked, counting, users, clock, monkeypatch):
    number = asked("count", {})
    told = services._progress_of

    def stopping(beside, request, is_ending):
        say = told(beside, request, is_ending)

        def at(done, total):
            if done == 2:
                stop(request, access_of(connection, users["specialist"]))
            say(done, total)

        return at

    monkeypatch.setattr(services, "_progress_of", stopping)
    done = perform(number, clock)
    assert (done.state, done.done, done.total) == (State.STOPPED, 2, 3)
    assert "as somebody asked" in done.told


def test_what_waits_and_is_stopped_never_starts(asked, users, clock):
    number = asked("run control", EVENTS | {"as_of": "2026-03-05"})
    stop(ProcessRequest.objects.get(pk=number), access_of(connection, users["specialist"]))
    runs = Run.objects.count()
    assert perform(number, clock).state == State.STOPPED
    assert Run.objects.count() == runs


def test_a_worker_that_is_to_end_stops_what_it_does(asked, counting, clock):
    done = perform(asked("count", {}), clock, is_ending=lambda: True)
    assert done.state == State.STOPPED
    assert "the worker was ended" in done.told


def test_progress_is_seen_from_inside_a_transaction(asked, owner, clock, monkeypatch):
    from django.db import transaction

    seen = []

    def act(work):
        with transaction.atomic():
            work.say(1, 2)
            row = owner.execute(
                "SELECT done, total FROM background_processrequest WHERE id = %s", [work.request.pk]
            )
            seen.append(row.fetchone())
        return {}

    monkeypatch.setitem(kinds.KINDS, "look", Kind(name="look", permission=Permission.PROCESS, act=act))
    perform(asked("look", {}), clock)
    assert seen == [(1, 2)]


def test_what_broke_off_is_told_and_frees_the_queue(asked, owner, clock):
    left, waiting = asked("run control", EVENTS), asked("run control", EVENTS)
    ProcessRequest.objects.filter(pk=left).update(state=State.RUNNING, started_at=NOW)
    owner.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE args ->> 'request' = %s", [str(left)])
    owner.execute(
        "UPDATE procrastinate_jobs SET lock = 'x', status = 'doing' WHERE args ->> 'request' = %s",
        [str(waiting)],
    )
    owner.commit()
    assert end_what_broke_off(connection, now=NOW) == 1
    found = ProcessRequest.objects.get(pk=left)
    assert (found.state, found.told) == (State.REFUSED, BROKEN_OFF)
    jobs = owner.execute(
        "SELECT (args ->> 'request')::bigint, status FROM procrastinate_jobs WHERE args ->> 'request' = ANY(%s)",
        [[str(left), str(waiting)]],
    ).fetchall()
    assert jobs == [(waiting, "todo")]


def test_a_request_is_seen_by_whom_its_client_is_given(asked, users, as_face):
    number = asked("run control", EVENTS)
    use_database(os.environ["DATABASE_URL"], as_face=True)
    seen = {}
    for name in ("specialist", "auditor", "second"):
        with working(connection, access_of(connection, users[name])):
            seen[name] = ProcessRequest.objects.filter(pk=number).exists()
    assert seen == {"specialist": True, "auditor": True, "second": False}


@pytest.mark.parametrize("table", ["procrastinate_jobs", "procrastinate_workers", "procrastinate_events"])
def test_no_face_reaches_the_queue(users, as_face, table):
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        working(as_face, access_of(as_face, users["specialist"])),
    ):
        as_face.cursor().execute(f"SELECT count(*) FROM {table}")
