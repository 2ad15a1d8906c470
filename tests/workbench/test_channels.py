"""Channels on their pages: taken over, written, published, tried, their log, dead letters, playbooks."""

import pytest
from django.db import connections
from django.test import Client as Browser
from tests.accounts.conftest import as_face
from tests.faces.conftest import (
    GIVEN,
    LENIENT,
    chromium,
    look,
    page,
    sign_in,
    signed_in,
    site,
    text,
)
from tests.workflow.conftest import NOW, TODAY, Watched, later, on, when

from openbenefits.accounts.clock import STANDS_ON
from openbenefits.accounts.models import User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import EVERY_CLIENT, give_role
from openbenefits.casework.models import Ticket
from openbenefits.workflow import looking, models

__all__ = ["as_face", "chromium", "page", "site"]

CHANNELS = "/workbench/acme/channels/"


@pytest.fixture(scope="module")
def world(database, tmp_path_factory):
    made = Watched(connections["default"], tmp_path_factory.mktemp("acme"))
    made.first = made.hire("0001")
    return made


@pytest.fixture(scope="module")
def users(world):
    found = {name: User.objects.create_user(name, f"{name}@x.com") for name in ("boss", "reader")}
    give_role(found["boss"], EVERY_CLIENT, RoleCode.ADMINISTRATOR, **GIVEN)
    give_role(found["reader"], world.client_id, RoleCode.AUDITOR, **GIVEN)
    return found


@pytest.fixture
def come(users, as_face, monkeypatch):
    monkeypatch.setenv(STANDS_ON, "2026-03-03")
    return lambda name: signed_in(Browser(HTTP_HOST="localhost"), users[name])


FORM = {
    "channel": "on-leave",
    "name": "On leave",
    "kind": "job",
    "way": "on",
    "operation": "insert or update",
    "changed": "job_status",
    "pipelines": ["user"],
    "c0_label": "away",
    "c0_field": "job_status",
    "c0_operator": "equals",
    "c0_value": "L",
    "expression": "away",
    "i0_item": "look",
    "i0_title": "Look at it",
    "i0_make": "task",
    "i0_subject": "Leave of {{person.employee_number}}",
    "i0_who": "role",
    "i0_whom": "benefits specialist",
    "i0_due_days": "2",
    "i0_due_business": "on",
    "i0c0_label": "hours",
    "i0c0_field": "weekly_hours",
    "i0c0_operator": "is not blank",
    "i0c1_label": "number",
    "i0c1_field": "person.employee_number",
    "i0c1_operator": "is not blank",
    "i0_expression": "hours OR number",
    "do": "keep",
}


@LENIENT
def test_a_channel_from_its_form_to_its_log(come, world):
    boss = come("boss")
    wrong = boss.post(f"{CHANNELS}new", FORM | {"expression": "away AND", "i0_due_days": "two"})
    assert wrong.status_code == 422
    assert "It is not kept yet" in text(wrong)
    wrong = boss.post(f"{CHANNELS}new", FORM | {"expression": "away AND"})
    assert "expected the label of a condition" in text(wrong)
    wrong = boss.post(f"{CHANNELS}new", FORM | {"i0_expression": "hours AND NOT strange"})
    assert "items[0].expression" in text(wrong)
    assert 'value="hours AND NOT strange"' in wrong.content.decode()
    kept = boss.post(f"{CHANNELS}new", FORM, follow=True)
    assert "Version 1 is kept" in text(kept)
    assert "the benefits specialist of the client" in text(kept)
    shown = text(boss.post(f"{CHANNELS}of/on-leave/publish", {"version": "1", "do": "publish"}, follow=True))
    assert "It runs from now on." in shown
    assert "On leave" in text(boss.get(CHANNELS))
    again = boss.get(f"{CHANNELS}of/on-leave/edit")
    assert 'value="Leave of {{person.employee_number}}"' in again.content.decode()
    form = again.content.decode()
    assert 'name="i0_expression" value="hours OR number"' in form
    for place, field in (("i0c0", "weekly_hours"), ("i0c1", "person.employee_number")):
        select = form.partition(f'name="{place}_field"')[2].partition("</select>")[0]
        assert f'value="{field}" selected' in select


@LENIENT
def test_who_only_reads_writes_nothing(come):
    reader = come("reader")
    assert reader.get(CHANNELS).status_code == 200
    assert "Publish" not in text(reader.get(f"{CHANNELS}of/on-leave/"))
    for where in ("new", "of/on-leave/edit"):
        assert reader.get(f"{CHANNELS}{where}").status_code == 403
    for where in ("of/on-leave/publish", "of/on-leave/start", "dead/act"):
        assert reader.post(f"{CHANNELS}{where}").status_code == 403
    assert reader.post("/workbench/channels/ship").status_code == 403
    assert reader.get(f"{CHANNELS}of/nothing/").status_code == 404


def test_the_worker_looks(world):
    world.change(world.first, job_status="L", action="LOA", now=later(hours=1))
    for row in models.Outbox.objects.filter(state="waiting"):
        looking.look(connections["default"], row.pk, today=TODAY, now=NOW)
    assert Ticket.objects.get().subject == "Leave of 0001"
    models.PastRow.objects.filter(of_table="casework_ticket").update(until=NOW)
    world.channel(channel="on-task", kind="task", **on(), **when(("client.starts_on", "is blank")))
    world.channel(channel="on-health", **on(), **when(("person.is_medicare_entitled", "is blank")))
    letter = models.DeadLetter.objects.create(
        client_id=world.client_id,
        kind="job",
        key="x",
        item="look",
        cause="change 1",
        day=TODAY,
        told="why",
        at=NOW,
    )
    world.letter = letter.pk


@LENIENT
def test_log_bench_and_dead_letters(come, world):
    boss = come("boss")
    log = text(boss.get(f"{CHANNELS}log/"))
    assert "created" in log
    assert "0001" in log
    asked = {"begin": "2026-03-01", "through": "2026-03-31"}
    bench = text(boss.get(f"{CHANNELS}of/on-leave/bench/", asked))
    assert "would have made 1, skipped 0" in bench
    assert "task: Leave of 0001" in bench
    seen = text(boss.get(f"{CHANNELS}of/on-task/bench/", asked))
    assert "would have made 1, skipped 0" in seen  # of a row whose past is read as a face
    assert "is read as it is today" in seen
    assert "expected somebody who may see health data" in text(
        come("reader").get(f"{CHANNELS}of/on-health/bench/", asked)
    )
    assert boss.get(f"{CHANNELS}of/on-leave/bench/", {"begin": "x", "through": "y"}).status_code == 422
    long = {"begin": "2020-01-01", "through": "2026-03-31"}
    assert "expected from 1 to 400 days" in text(boss.get(f"{CHANNELS}of/on-leave/bench/", long))
    assert "why" in text(boss.get(f"{CHANNELS}dead/"))
    none = boss.post(f"{CHANNELS}dead/act", {"do": "again"}, follow=True)
    assert "found none picked" in text(none)
    done = boss.post(f"{CHANNELS}dead/act", {"do": "drop", "id": [str(world.letter)]}, follow=True)
    assert "Given up." in text(done)


@LENIENT
def test_playbooks_are_taken_over_started_and_followed(come, world):
    boss = come("boss")
    assert "The playbooks run." in text(boss.post("/workbench/channels/ship", follow=True))
    assert "Client termination" in text(boss.get("/workbench/channels/"))
    own = boss.get(f"{CHANNELS}of/client-termination/")
    assert "Make it the client's own" in own.content.decode().replace("&#x27;", "'")
    started = boss.post(f"{CHANNELS}of/client-termination/start", follow=True)
    assert "Started" in text(started)
    steps = text(boss.get("/workbench/acme/playbooks/"))
    assert "agree the last day of coverage" in steps
    assert "jobs that go on" in steps
    assert boss.get("/workbench/acme/playbooks/?steps.export=csv").status_code == 200


PAGES = (
    "acme/channels/",
    "channels/",
    "acme/channels/of/on-leave/",
    "acme/channels/of/on-leave/edit",
    "acme/channels/log/",
    "acme/channels/dead/",
    "acme/channels/of/on-leave/bench/?begin=2026-03-01&through=2026-03-31",
    "acme/channels/of/on-task/bench/?begin=2026-03-01&through=2026-03-31",
    "acme/playbooks/",
)


def test_every_page_in_a_browser(site, page, world, users):
    sign_in(page, site, "boss")
    for where in PAGES:
        page.goto(f"{site}/workbench/{where}")
        look(page, where)
