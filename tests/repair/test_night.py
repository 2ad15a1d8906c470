"""A night over several clients: everything due of each, in its order; whom something holds stops no other."""

from datetime import date

import pytest
from tests.runs.conftest import NOW

from openbenefits.repair.night import night
from openbenefits.runs import controls
from openbenefits.runs.models import Run
from openbenefits.workforce.models import Client, Person
from openbenefits.workforce.services import change_job

from .worlds import LATER

TUESDAY = date(2025, 11, 4)


@pytest.fixture
def clients(fresh_database, kept, make_employer):
    """Two clients with the set-up of the sample; the PEO is set up once for both."""

    def build():
        for code in ("harbor", "quill"):
            make_employer(fresh_database, code=code, people=20, is_faulty=False)
        return list(Client.objects.order_by("code"))

    return kept(fresh_database, "two clients at night", build)


def told(connection, clients, on=TUESDAY, now=NOW, **how):
    lists = night(connection, clients, on, now=now, started_by="test", **how)
    return sorted(
        (one.client, one.control, "" if one.result is None else one.result.state, one.why)
        for found in lists
        for one in found
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_everything_due_of_every_client_is_done_once(fresh_database, clients, workers):
    due = {
        client.code: controls.due(fresh_database, client.pk, TUESDAY)["code"].to_list() for client in clients
    }
    assert all(due.values())
    done = told(fresh_database, clients, workers=workers)
    assert done == sorted((code, control, "done", "") for code, listed in due.items() for control in listed)
    for client in clients:
        assert controls.due(fresh_database, client.pk, TUESDAY).is_empty()
    assert told(fresh_database, clients, workers=workers) == []


def test_a_client_that_may_not_start_stops_no_other(fresh_database, clients, hold):
    hold(clients[0])
    done = told(fresh_database, clients)
    held = [one for one in done if one[0] == clients[0].code]
    assert [(state, why != "") for _, _, state, why in held] == [("", True)]
    assert {state for code, _, state, _ in done if code == clients[1].code} == {"done"}
    assert Run.objects.filter(bundle_client=clients[0].pk, state="done").count() == 0


@pytest.fixture
def hold(monkeypatch):
    """Answer a function that lets the audit of a client's people hold its runs."""
    from openbenefits.runs import gate

    def holding(client):
        found = gate.obstacles
        obstacle = gate.Obstacle(code="BA9999", count=1, sentence="expected better, found worse.")
        monkeypatch.setattr(
            gate,
            "obstacles",
            lambda connection, client_id, as_of: (
                [obstacle] if client_id == client.pk else found(connection, client_id, as_of)
            ),
        )

    return holding


def test_the_order_of_a_client_is_that_of_its_run_controls(fresh_database, clients):
    harbor = next(client for client in clients if client.code == "harbor")
    order = controls.due(fresh_database, harbor.pk, TUESDAY)["code"].to_list()
    (found,) = list(night(fresh_database, [harbor], TUESDAY, now=NOW, started_by="test"))
    assert [one.control for one in found] == order
    runs = Run.objects.filter(bundle_client=harbor.pk, run_control__in=order).order_by("pk")
    assert [run.run_control for run in runs] == order


def test_what_changes_by_day_is_taken_up_by_night(fresh_database, clients):
    told(fresh_database, clients)
    quill = next(client for client in clients if client.code == "quill")
    person_id = Person.objects.filter(client_id=quill.pk).order_by("pk").values_list("pk", flat=True)[0]
    on, changes = date(2026, 2, 2), {"location": "BOS"}
    change_job(quill.pk, person_id, on=on, action="DTA", changes=changes, made_by="test", now=LATER)
    (found,) = list(night(fresh_database, [quill], date(2026, 2, 3), now=LATER, started_by="test"))
    (events,) = [one.result for one in found if one.control == "events"]
    assert events.outcomes.filter(outcome="processed")["people"].sum() == 1
