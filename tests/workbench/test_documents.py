"""Dependent documents: reviewed, handed out as files only; nobody proved: dropped at the deadline, let back."""

from datetime import timedelta

import polars as pl
import pytest
from django.db import connections
from django.utils import timezone
from tests.faces.conftest import LENIENT, text

from openbenefits.accounts.clock import today
from openbenefits.core.codes import DocumentKind
from openbenefits.enrollment import documents, verifying
from openbenefits.enrollment.models import Coverage, CoverageDependent, Document
from openbenefits.programs.sections.operation import DeadlinesPart
from openbenefits.workforce.models import Dependent, DependentFact, LifeEventFact, Person

LIST = "/workbench/harbor/papers/"
PDF = b"%PDF-1.7 a birth certificate"
STATED = DeadlinesPart(dependent_days=30, unverified_event="FSC")


@pytest.fixture(scope="module")
def family(pair, users, database):
    """A covered dependent of the first client, with an employee number."""
    mine = pair[0].client_id
    dependent = Dependent.objects.filter(client_id=mine).order_by("pk").first()
    point = Coverage.objects.filter(
        client_id=mine, person_id=dependent.person_id, plan_type="10", superseded_by_run=None
    ).first()
    key = {
        name: getattr(point, name) for name in ("benefit_record", "plan_type", "slot", "begins_on", "version")
    }
    CoverageDependent.objects.filter(client_id=mine, person_id=dependent.person_id).delete()
    CoverageDependent.objects.create(
        client_id=mine, person_id=dependent.person_id, dependent_id=dependent.pk, **key
    )
    number = Person.objects.get(pk=dependent.person_id).employee_number
    return {
        "client_id": mine,
        "person_id": dependent.person_id,
        "number": dependent.number,
        "who": number,
        "dependent_id": dependent.pk,
    }


@pytest.fixture
def stated(monkeypatch):
    """The client wants papers within 30 days."""
    for module in (verifying, __import__("openbenefits.workbench.desks.papers", fromlist=["papers"])):
        monkeypatch.setattr(module, "deadlines_of", lambda _: STATED)


def sent(family, kind=DocumentKind.BIRTH, content=PDF):
    about = documents.about_dependent(family["number"])
    return documents.add(
        connections["default"],
        family["client_id"],
        family["person_id"],
        about,
        str(kind),
        "<script>.pdf",
        content,
        timezone.now(),
    )


def standing(family, as_of=None):
    rows = verifying.dependents_to_prove(connections["default"], family["client_id"], as_of or today())
    return rows.filter(pl.col("dependent_id") == family["dependent_id"])["standing"].to_list()


def page_of(family):
    return f"{LIST}of/{family['who']}/{family['number']}/"


@LENIENT
def test_a_paper_is_handed_out_as_a_file_and_reviewed_once(family, as_user, as_owner):
    paper = as_owner(lambda: sent(family))
    specialist = as_user("specialist")
    assert "papers to review" in text(specialist.get(LIST))
    page = f"{LIST}{paper.pk}/"
    assert "<script>" not in specialist.get(page).content.decode()
    file = specialist.get(f"{page}open")
    assert file.content == PDF
    assert file["Content-Type"] == "application/pdf"
    assert file["Content-Disposition"] == f'attachment; filename="paper-{paper.pk}.pdf"'
    assert file["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in file["Content-Security-Policy"]
    assert "default-src 'none'" in file["Content-Security-Policy"]
    assert "expected why the paper is rejected" in text(
        specialist.post(f"{page}decide", {"act": "rejected"}, follow=True)
    )
    specialist.post(f"{page}decide", {"act": "rejected", "reason": "not readable"})
    assert "expected a paper that waits" in text(
        specialist.post(f"{page}decide", {"act": "approved"}, follow=True)
    )
    assert as_owner(lambda: Document.objects.get(pk=paper.pk).state) == "rejected"
    assert as_user("broker").post(f"{page}decide", {"act": "approved"}).status_code == 403


@LENIENT
def test_papers_about_health_are_for_few(family, as_user, as_owner):
    paper = as_owner(lambda: sent(family, DocumentKind.DISABILITY))
    for name, status in (("specialist", 200), ("hr", 404), ("broker", 404)):
        assert as_user(name).get(f"{LIST}{paper.pk}/open").status_code == status, name
        assert as_user(name).get(f"{LIST}{paper.pk}/").status_code == status, name
    as_owner(lambda: Document.objects.filter(pk=paper.pk).update(state="rejected"))


@LENIENT
def test_who_is_not_proved_in_time_is_dropped_and_let_back(family, as_user, as_owner, stated):
    assert as_owner(lambda: standing(family)) == ["overdue"]
    specialist = as_user("specialist")
    page = page_of(family)
    assert "expected a reason" in text(specialist.post(f"{page}do", {"act": "remind"}, follow=True))
    specialist.post(f"{page}do", {"act": "remind", "reason": "second letter"})
    told = text(specialist.get(page))
    assert "Drop the dependent" in told
    specialist.post(f"{page}do", {"act": "drop", "reason": "no papers came"})
    assert as_owner(lambda: verifying.is_dropped(family["client_id"], family["person_id"], family["number"]))
    fact = as_owner(
        lambda: (
            DependentFact.objects.filter(dependent_id=family["dependent_id"]).order_by("-valid_from").first()
        )
    )
    assert fact.is_former
    assert fact.valid_from >= today()
    event = as_owner(lambda: LifeEventFact.objects.get(person_id=family["person_id"], event_class="FSC"))
    assert event.valid_from == fact.valid_from
    specialist.post(f"{page}do", {"act": "let back", "reason": "the papers came"})
    assert not as_owner(
        lambda: verifying.is_dropped(family["client_id"], family["person_id"], family["number"])
    )
    last = as_owner(
        lambda: (
            DependentFact.objects.filter(
                dependent_id=family["dependent_id"], is_former=True, is_deleted=False
            )
            .order_by("-version")
            .first()
        )
    )
    newest = as_owner(
        lambda: (
            DependentFact.objects.filter(dependent_id=family["dependent_id"], valid_from=last.valid_from)
            .order_by("-version")
            .first()
        )
    )
    assert newest.is_deleted


def test_an_approved_paper_proves(family, stated, database):
    paper = sent(family)
    assert standing(family) == ["to review"]
    documents.decide(
        database, family["client_id"], paper.pk, "approved", reason="", decided_by="test", now=timezone.now()
    )
    assert standing(family) == ["proved"]
    order = verifying.DependentOrder(
        client_id=family["client_id"],
        person_id=family["person_id"],
        number=family["number"],
        on=today(),
        reason="x",
        author="test",
    )
    with pytest.raises(verifying.VerifyingRefused, match="proved"):
        verifying.drop(database, order, now=timezone.now())


def test_before_the_deadline_nobody_is_dropped(family, database, monkeypatch):
    patient = DeadlinesPart(dependent_days=9_000, unverified_event="FSC")
    Document.objects.all().delete()
    monkeypatch.setattr(verifying, "deadlines_of", lambda _: patient)
    assert standing(family) == ["missing"]
    order = verifying.DependentOrder(
        client_id=family["client_id"],
        person_id=family["person_id"],
        number=family["number"],
        on=today() + timedelta(days=1),
        reason="x",
        author="test",
    )
    with pytest.raises(verifying.VerifyingRefused, match="overdue"):
        verifying.drop(database, order, now=timezone.now())
    monkeypatch.setattr(verifying, "deadlines_of", lambda _: DeadlinesPart(dependent_days=1))
    with pytest.raises(verifying.VerifyingRefused, match="class of event"):
        verifying.drop(database, order, now=timezone.now())
