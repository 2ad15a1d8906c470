"""A key of one client never reads or changes another's: every address, with the ids of the other."""

from typing import Any

import pytest
from tests.api.conftest import API, Filled, Program, whole

from openbenefits.api.urls import api
from openbenefits.events.models import Event, EventStep
from openbenefits.store import use_database
from openbenefits.workforce.models import Person

ADDRESSES = [
    (method, path.removeprefix(API))
    for path, methods in api.described["paths"].items()
    for method in methods
    if "{client}" in path
]


@pytest.fixture(scope="module")
def theirs(filled: Filled) -> dict[str, Any]:
    """Ids of the other client."""
    client_id = filled.employers["quill"].client_id
    event = Event.objects.filter(client_id=client_id).order_by("pk")[0]
    return {
        "client": "quill",
        "person_id": event.person_id,
        "event_id": f"{event.person_id}-{event.benefit_record}-{event.schedule_id}-{event.event_number}",
        "schedule": "OE26",
        "run_id": 2,
        "code": "BAS003",
        "plan_type": "10",
        **dict.fromkeys(("change_id", "dependent_id", "number", "request_id", "subscription_id"), 1),
        **dict.fromkeys(("delivery_id", "paper_id", "letter_id", "batch_id"), 1),
        **dict.fromkeys(("file_id", "answer_id", "entry_id", "role_id", "invoice_id"), 1),
        "partner": "hmo_blue",
        "draft": 1,
        "report": "renewal-elections",
    }


def filled_in(path: str, ids: dict[str, Any]) -> str:
    return path.format(**ids)


def test_every_address_of_another_client_is_as_if_it_were_not_there(harbor, theirs):
    assert len(ADDRESSES) > 100
    for method, path in ADDRESSES:
        address = filled_in(path, theirs)
        answer = getattr(harbor, method)(address)
        if answer.status_code == 422:  # the body is looked at first, and says nothing of anybody
            assert {one["field"] for one in answer.json()["errors"]}, address
            continue
        assert answer.status_code == 404, (method, address, answer.content)
        assert answer.json()["detail"].startswith("expected a client"), address


def test_ids_of_another_client_under_ones_own_are_not_there(harbor, theirs):
    """Persons, events, runs and changes of quill asked for as harbor's."""
    owned = {"person_id", "event_id", "run_id", "change_id"}
    asked = 0
    for method, path in ADDRESSES:
        names = {name for name in owned if f"{{{name}}}" in path}
        if not names or method != "get":
            continue
        answer = harbor.get(filled_in(path, theirs | {"client": "harbor"}), begin="2026-01-01")
        assert answer.status_code in (404, 422), (path, answer.content)
        asked += 1
    assert asked > 15


def test_nothing_of_another_client_is_in_any_list(harbor, filled, theirs):
    others = set(Person.objects.values_list("pk", flat=True))  # as face, without rights: nobody
    assert others == set()
    for path in ("people", "events", "coverage", "runs"):
        rows = whole(harbor, f"/clients/harbor/{path}")
        assert rows
        assert theirs["person_id"] not in {
            row.get("person_id", row.get("id")) for row in rows if path != "runs"
        }


def test_no_act_on_ids_of_another_client_changes_anything(harbor, theirs, filled, database, embedded_server):
    acts = {
        "prepare": {},
        "validate": {},
        "finalise": {},
        "keep": {"reason": "x"},
        "operations": {"operation": "withdraw", "reason": "x", "is_preview": False},
        "elections": {"plan_type": "10", "option": "WAIVE"},
    }
    for name, said in acts.items():
        for client in ("harbor", "quill"):
            answer = harbor.post(f"/clients/{client}/events/{theirs['event_id']}/{name}", said)
            assert answer.status_code == 404, (client, name, answer.content)
    use_database(embedded_server.url(database.settings_dict["NAME"]))
    client_id = filled.employers["quill"].client_id
    assert not EventStep.objects.filter(client_id=client_id, actor__startswith="key").exists()


def test_the_peo_key_reaches_both(filled, as_face, theirs):
    program = Program(filled.secrets["peo"])
    assert program.get(f"/clients/quill/people/{theirs['person_id']}").status_code == 200
    assert program.get(f"/clients/harbor/people/{theirs['person_id']}").status_code == 404
