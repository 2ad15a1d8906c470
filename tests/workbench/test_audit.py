"""The audit trail on its page: by person, user, kind and day; nobody sees another client's."""

from datetime import timedelta

import pytest
from django.utils import timezone
from tests.faces.conftest import LENIENT, text

from openbenefits.accounts.models import AuditEntry
from openbenefits.workforce.models import Person

TRAIL = "/workbench/harbor/audit/"


@pytest.fixture(scope="module")
def entries(users, pair):
    mine, theirs = (one.client_id for one in pair)
    person = Person.objects.filter(client_id=mine).order_by("pk").first()
    now = timezone.now()
    told = (
        (mine, "specialist", person.pk, "saw", "participant", "a question", now),
        (mine, "hr", None, "did", "an import", "", now),
        (mine, "hr", None, "did", "something old", "", now - timedelta(days=90)),
        (theirs, "everywhere", None, "saw", "another client", "", now),
        (0, "admin", None, "did", "sign in", "", now),
    )
    for client_id, name, person_id, kind, what, reason, at in told:
        AuditEntry.objects.create(
            client_id=client_id,
            user=users[name],
            person_id=person_id,
            kind=kind,
            what=what,
            reason=reason,
            at=at,
        )
    return person


@LENIENT
def test_one_finds_entries_by_person_user_kind_and_day(entries, as_user):
    reader = as_user("reader")
    whole = text(reader.get(TRAIL))
    assert "participant" in whole
    assert "an import" in whole
    for gone in ("something old", "another client", "sign in"):
        assert gone not in whole
    number = entries.employee_number
    of_person = text(reader.get(TRAIL, {"person": number, "since": ""}))
    assert "a question" in of_person
    assert "an import" not in of_person
    of_user = text(reader.get(TRAIL, {"user": "HR", "since": ""}))
    assert "something old" in of_user
    assert "a question" not in of_user
    assert "a question" not in text(reader.get(TRAIL, {"kind": "did"}))
    assert "expected the number of an employee" in text(reader.get(TRAIL, {"person": "nobody"}))
    assert reader.get(TRAIL, {"since": "no day"}).status_code == 200


@LENIENT
def test_it_is_saved_as_a_file_and_looking_is_noted(entries, as_user, as_owner):
    before = as_owner(lambda: AuditEntry.objects.filter(what="audit trail").count())
    saved = as_user("reader").get(TRAIL, {"entries.export": "csv"})
    assert saved["Content-Type"].startswith("text/csv")
    assert "a question" in saved.content.decode()
    assert as_owner(lambda: AuditEntry.objects.filter(what="audit trail").count()) == before + 1


@LENIENT
def test_who_may_not_audit_sees_none_and_the_peo_sees_all(entries, as_user):
    assert as_user("specialist").get(TRAIL).status_code == 403
    assert as_user("reader").get("/workbench/audit/").status_code == 403
    whole = text(as_user("admin").get("/workbench/audit/"))
    for what in ("sign in", "another client", "participant"):
        assert what in whole
