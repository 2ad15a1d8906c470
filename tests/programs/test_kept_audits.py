"""Audits of releases are made once, and kept for every process, while releases and checks are the same."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection

from openbenefits.programs import kept_audits, models, services
from openbenefits.programs.audit import audit
from openbenefits.programs.findings import Finding
from openbenefits.programs.frames import PEO
from openbenefits.programs.recent import Recent

from .factories import DATED, make_client, make_peo

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
ACME = 7
SPARE = {"code": "SPARE", **DATED}


def apply(folder: Path, client_id: int) -> list[Finding]:
    return services.apply(folder, client_id=client_id, applied_by="analyst", now=NOW).findings


def unused(settings):
    settings.append({**SPARE, "rows": [{"employee_percent": 1}]})


def made_anew() -> list[Finding]:
    peo, client = (services.loaded_in_force(one) for one in (PEO, ACME))
    assert peo is not None
    assert client is not None
    return [*audit(peo), *audit(client, peo)]


@pytest.fixture
def another_process(monkeypatch):
    """What stands in the database is all that is known."""
    monkeypatch.setattr(kept_audits, "_kept", Recent())


@pytest.fixture
def unable_to_audit(monkeypatch):
    def refuse(*_):
        raise AssertionError("audited again")

    monkeypatch.setattr(services, "audit", refuse)


@pytest.fixture
def in_force(fresh_database, tmp_path):
    apply(make_peo(tmp_path / "peo"), PEO)
    told = apply(make_client(tmp_path / "client", contributions=unused), ACME)
    assert {one.code for one in told} == {"unused"}, "a warning, which a release may have"


def test_what_applying_found_is_kept_for_every_process(in_force, another_process, unable_to_audit):
    found = services.audit_in_force(ACME)
    assert [one.code for one in found] == ["unused"]
    assert found == made_anew()


def test_a_release_that_is_kept_nowhere_is_audited_once(in_force, another_process, monkeypatch):
    models.ReleaseAudit.objects.all().delete()
    found = services.audit_in_force(ACME)
    assert found == made_anew()
    monkeypatch.setattr(kept_audits, "_kept", Recent())
    monkeypatch.setattr(services, "audit", lambda *_: pytest.fail("audited again"))
    assert services.audit_in_force(ACME) == found


@pytest.mark.parametrize("what", ["release", "release of the PEO", "checks"])
def test_what_is_another_is_audited_anew(in_force, tmp_path, monkeypatch, what):
    if what == "checks":
        monkeypatch.setattr(kept_audits, "_checks", lambda: "of tomorrow")
    elif what == "release":
        apply(make_client(tmp_path / "other"), ACME)
        assert services.audit_in_force(ACME) == []
        services.take_back("acme", by="analyst", now=NOW)
    else:
        models.Bundle.objects.filter(client_id=PEO).update(release=None)
        apply(make_peo(tmp_path / "next"), PEO)
    monkeypatch.setattr(kept_audits, "_kept", Recent())
    asked = []
    monkeypatch.setattr(services, "audit", lambda *those: asked.append(1) or audit(*those))
    assert [one.code for one in services.audit_in_force(ACME)] == ["unused"]
    assert asked


def test_limits_of_a_run_are_kept_with_it(fresh_database, tmp_path, another_process, unable_to_audit):
    kept_audits.keep_audit(
        connection,
        ACME,
        kept_audits.ReleaseAudit(findings=[], limits=kept_audits.DataAuditPart(most_people=3)),
    )
    kept_audits._kept = Recent()  # the fixture puts the other back
    assert kept_audits.read_audit(connection, ACME).limits.most_people == 3
