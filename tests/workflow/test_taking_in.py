"""Handed over, then taken in by a house without clients: the same coverage and balances (users-want 24)."""

import json
from datetime import date

import polars as pl
import pytest
from django.db import connections
from tests.repair.test_missed_deductions import report
from tests.repair.worlds import LATER
from tests.runs.conftest import make_employer

from openbenefits.core.codes import Level
from openbenefits.enrollment import documents
from openbenefits.enrollment.frames import load_coverage
from openbenefits.enrollment.models import Document
from openbenefits.payroll.ledger import Asked, balances
from openbenefits.payroll.models import Taken
from openbenefits.payroll.services import owed
from openbenefits.programs import services as setup
from openbenefits.programs.findings import has_errors
from openbenefits.reports.explain import explain, to_dict
from openbenefits.runs.services import run
from openbenefits.workflow.handing_over import hand_over
from openbenefits.workflow.taking_in import TakingInRefused, take_in
from openbenefits.workforce import services as workforce
from openbenefits.workforce.models import Client, Person, PersonFact

__all__ = ["make_employer"]

BEGIN, SPRING = date(2026, 1, 1), date(2026, 4, 20)
PAPER = b"%PDF-1.7 a certificate"


@pytest.fixture
def leaving(fresh_database, make_employer, tmp_path):
    """A client in its year: enrolled, pays reported, one deduction missed, a paper received."""
    employer = make_employer(fresh_database, is_faulty=False, people=60, is_enrolled=True)
    report(fresh_database, employer, tmp_path / "spring.csv", BEGIN, SPRING)
    missed = Taken.objects.filter(client_id=employer.client_id, taken_cents__gt=0).first()
    Taken.objects.filter(pk=missed.pk).update(taken_cents=0)
    documents.add(
        fresh_database, employer.client_id, missed.person_id, "proof:20", "birth", "c.pdf", PAPER, LATER
    )
    return employer


def known(client_id):
    """Answer coverage, what pays owe and took, and balances, as this house knows them."""
    connection = connections["default"]
    ids = list(Person.objects.filter(client_id=client_id).order_by("pk").values_list("client_id", "pk"))
    people = pl.DataFrame(ids, schema={"client_id": pl.Int32, "person_id": pl.Int64}, orient="row")
    coverage = load_coverage(connection, people)
    keys = ["person_id", "benefit_record", "plan_type", "slot", "begins_on"]
    pays = owed(connection, client_id, begin=BEGIN, through=date(2026, 12, 31))
    return {
        "coverage": coverage.sort(keys),
        "owed": pays.sort(pays.columns[:8]).drop("explanation", strict=False),
        "balances": balances(connection, Asked(client_id=client_id, through=SPRING)),
    }


def reasons(client_id):
    """Answer why somebody has what he has."""
    return to_dict(explain(connections["default"], client_id, Person.objects.earliest("pk").pk))


def ssns(client_id):
    rows = PersonFact.objects.filter(client_id=client_id).order_by("person_id", "version")
    return list(rows.values_list("person_id", "ssn_hash"))


def test_a_client_goes_on_in_another_house_where_it_stood(leaving, another_house, tmp_path):
    connection, client_id = connections["default"], leaving.client_id
    before, hashes, why = known(client_id), ssns(client_id), reasons(client_id)
    assert before["coverage"].height > 100
    assert before["balances"].filter(pl.col("correct_cents") > 0).height == 1
    out = tmp_path / "out"
    hand_over(connection, Client.objects.get(), out, version="1", now=LATER, by="ann", with_ssn=True)
    with pytest.raises(TakingInRefused, match="without clients and set-up, found 1 and 2"):
        take_in(connection, out, made_by="test")
    with another_house() as there:
        made = take_in(there, out, made_by="test")
        assert (made.client.pk, made.client.code) == (client_id, "harbor")
        after = known(client_id)
        for name, frame in before.items():
            assert after[name].equals(frame), name
        assert ssns(client_id) == hashes
        assert reasons(client_id) == why
        assert documents.open(there, client_id, Document.objects.get().pk).content == PAPER
        assert not has_errors(setup.audit_in_force(client_id))
        _goes_on(there, leaving)


def _goes_on(connection, employer):
    """What is new here counts on behind what was taken in, and runs find what they left."""
    person = Person.objects.filter(client_id=employer.client_id).order_by("pk").first()
    order = employer.order(
        schedule_id=employer.event_maintenance, as_of=SPRING, through=Level.ELECTIONS, is_finalizing=True
    )
    workforce.terminate(
        employer.client_id, person.pk, last_day_employed=date(2026, 3, 15), made_by="test", now=LATER
    )
    run(connection, order, now=LATER)
    assert workforce.add_client("birch", "Birch").pk == employer.client_id + 1


def test_what_was_altered_or_is_of_another_version_is_refused(leaving, another_house, tmp_path):
    out = tmp_path / "out"
    hand_over(connections["default"], Client.objects.get(), out, version="1", now=LATER, by="ann")
    people = (out / "workforce_person.csv").read_text()
    manifest = json.loads((out / "manifest.json").read_text())
    with another_house() as there:
        for change, said in (
            (lambda: (out / "workforce_person.csv").write_text(people + "\n"), "found another content"),
            (lambda: (out / "workforce_person.csv").unlink(), "found no such file"),
        ):
            change()
            with pytest.raises(TakingInRefused, match=said):
                take_in(there, out, made_by="test")
        (out / "workforce_person.csv").write_text(people)
        table = next(one for one in manifest["tables"] if one["table"] == "workforce_person")
        table["columns"].append({"name": "shoe_size"})
        (out / "manifest.json").write_text(json.dumps(manifest))
        with pytest.raises(TakingInRefused, match="found shoe_size"):
            take_in(there, out, made_by="test")
        table["columns"].pop()
        for said, found in (
            ("{", "found another text"),
            (json.dumps({"tables": [], "files": {}}), "found another text .*inherited"),
            (json.dumps({**manifest, "tables": [], "inherited": []}), "expected a client, found none"),
            (json.dumps({**manifest, "files": {}}), "found none of .*workforce_person"),
        ):
            (out / "manifest.json").write_text(said)
            with pytest.raises(TakingInRefused, match=found):
                take_in(there, out, made_by="test")
        assert not Client.objects.exists()
    with pytest.raises(TakingInRefused, match=r"without manifest\.json"):
        take_in(connections["default"], tmp_path, made_by="test")
