"""People are found by name, number and where their events stand, a page at a time."""

import re
from datetime import date

import pytest
from django.db import connections
from tests.faces.conftest import LENIENT, signed_in, text
from tests.workbench.enrolled import clients, desk, users

from openbenefits.accounts.models import AuditEntry
from openbenefits.review import searching
from openbenefits.review.searching import Search, find_people
from openbenefits.workforce.models import PersonFact

__all__ = ["clients", "desk", "users"]

AS_OF = date(2026, 3, 1)
LIST = "/workbench/harbor/people/"


def numbers(answer) -> list[str]:
    return re.findall(
        r'<td><a href="/workbench/\w+/people/[^"/]+/">([^<]+)</a></td>', answer.content.decode()
    )


def found(client, **asked):
    told = find_people(connections["default"], Search(client_id=client.client_id, **asked), as_of=AS_OF)
    return told.people["employee_number"].to_list()


def test_everybody_found_is_saved_as_a_file(desk, clients, as_owner):
    everybody = as_owner(lambda: found(clients[0]))
    saved = desk.post(LIST, {"save": "csv", "after": "7"})
    assert saved["Content-Type"].startswith("text/csv")
    heading, *rows = saved.content.decode().splitlines()
    assert heading.startswith("Number,Name,Program")
    assert [row.split(",")[0] for row in rows] == everybody
    assert desk.post(LIST, {"save": "xlsx"}).content.startswith(b"PK")
    last = as_owner(lambda: AuditEntry.objects.order_by("-pk").first())
    assert last.what == "people saved as a file"


def test_names_are_found_by_their_beginning_in_any_order_and_spelling(clients):
    harbor, _ = clients
    someone = PersonFact.objects.filter(client_id=harbor.client_id).order_by("person_id").first()
    everybody = found(harbor)
    assert len(everybody) == 20
    (own,) = found(harbor, text=f"{someone.first_name} {someone.last_name}")
    assert found(harbor, text=f"{someone.last_name.upper()}, {someone.first_name[:2]}") == [own]
    assert own in found(harbor, text=someone.last_name[:3])
    assert found(harbor, text=own) == [own]
    assert set(found(harbor, text=own[:-1])) >= {own}
    assert found(harbor, text="nobody is called this") == []


def test_a_name_with_accents_is_found_without(clients, database):
    harbor, _ = clients
    person = PersonFact.objects.filter(client_id=harbor.client_id).order_by("-person_id").first()
    last = person.last_name
    PersonFact.objects.filter(pk=person.pk).update(last_name="O’Núñez-Ruíz")
    try:
        (number,) = found(harbor, text="onunez ruiz")
        assert found(harbor, text="O'Nuñez") == [number]
    finally:
        PersonFact.objects.filter(pk=person.pk).update(last_name=last)


def test_the_list_is_paged_without_losing_anybody(clients, monkeypatch):
    harbor, _ = clients
    whole = found(harbor)
    monkeypatch.setattr(searching, "PAGE", 7)
    seen, after = [], None
    while True:
        told = find_people(
            connections["default"], Search(client_id=harbor.client_id, after=after), as_of=AS_OF
        )
        seen += told.people["employee_number"].to_list()
        if not told.has_more:
            break
        after = told.people["person_id"][-1]
    assert seen == whole


def test_filters_narrow_the_list(clients):
    harbor, quill = clients
    assert found(harbor, status="FE")
    assert found(quill, status="FE") == []
    assert set(found(harbor, status="FA")) | set(found(harbor, status="FE")) <= set(found(harbor))
    told = found(harbor, with_messages=True)
    assert 0 < len(told) < 20
    assert set(told) <= set(found(harbor, status="FA"))


@pytest.mark.parametrize("name", ["administrator", "of quill"])
def test_nobody_finds_people_of_another_client(browser, users, name):
    with LENIENT:
        answer = signed_in(browser, users[name]).get(LIST)
    assert (answer.status_code == 200) == (name == "administrator")
    if name == "administrator":
        assert len(numbers(answer)) == 20


def test_a_name_is_posted_and_one_that_is_found_leads_to_the_page(desk, clients, as_owner):
    facts = PersonFact.objects.filter(client_id=clients[0].client_id)
    person = as_owner(lambda: facts.order_by("person_id").first())
    answer = desk.post(LIST, {"text": f"{person.last_name} {person.first_name}"})
    assert answer.status_code == 302
    assert re.fullmatch(r"/workbench/harbor/people/H\d+/", answer["Location"])
    assert "Nobody is found" in text(desk.post(LIST, {"text": "Zzzz"}))
    assert len(numbers(desk.post(LIST, {"status": "FE"}))) > 1
    assert "Select a valid choice" in text(desk.post(LIST, {"status": "ZZ"}))


def test_an_index_answers_under_row_level_security(clients, as_face, users):
    """The words a search compares with are leakproof, so that the planner may use the index for a face."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT person_id FROM workforce_personfact WHERE client_id = 1"
            " AND name_key ~>=~ workforce_search_key('smi') AND name_key ~<~ workforce_search_key('smj')"
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
        cursor.execute("RESET enable_seqscan")
    assert re.search(r"Index Cond: .*name_key ~>=~", plan), plan


def test_the_page_of_a_person_is_noted(desk, as_owner):
    desk.get("/workbench/harbor/people/H000001/")
    assert as_owner(lambda: AuditEntry.objects.order_by("-pk").first().what) == "participant"
