"""Carrier enrolment on the command line: an agreement loaded, previewed, built, sent, answered, audited."""

import json
from pathlib import Path

import msgspec
import pytest
from django.utils import timezone
from tests.carriers.judging import judged
from tests.runs.conftest import put_enrolled

import openbenefits.carriers
from openbenefits.carriers.agreements.partners import Transport
from openbenefits.carriers.agreements.text import read_text, schema_text, text_of
from openbenefits.carriers.building.services import Feed, preview
from openbenefits.carriers.models import CarrierFile, FileLine, FileSet, PortalEntry
from openbenefits.workforce.models import Client

SAMPLE = Path(openbenefits.carriers.__file__).parent / "agreements" / "hmo_blue.yaml"
OF = ("--client", "harbor")


@pytest.fixture
def agreement(tmp_path):
    """HMO Blue of one client, into a folder of the test's."""
    (tmp_path / "out").mkdir()
    told = msgspec.structs.replace(
        read_text(SAMPLE.read_text()),
        transport=Transport(kind="folder", folder=str(tmp_path / "out")),
        ahead_days=None,
        freezes=(),
        is_per_client=True,
    )
    file = tmp_path / "hmo.yaml"
    file.write_text(text_of(told))
    return file


@pytest.fixture
def told(cli, fresh_database, kept, tmp_path_factory):
    """Answer what runs a command on a client of twelve with coverage."""

    def build():
        put_enrolled(tmp_path_factory.mktemp("harbor"), people=12)

    kept(fresh_database, "cli: carriers", build)

    def run(*command, code=0):
        result = cli("carriers", *command)
        assert "Traceback" not in result.output
        if code is None:
            assert result.exit_code in (1, 2), result.output
        else:
            assert result.exit_code == code, result.output
        return " ".join(result.output.split())

    return run


def test_an_agreement_becomes_a_file_that_is_sent_and_answered(told, agreement, tmp_path, fresh_database):
    assert "Version 1 of hmo is in force" in told("partner", "load", agreement, "--code", "hmo", *OF)
    assert "Version 1 of hmo" in told("partner", "load", agreement, "--code", "hmo", *OF)
    assert "one client" in told("partner", "show", "hmo", *OF)
    assert "HMO Blue (sample)" in told("partner", "list", *OF)
    found = json.loads(told("preview", "hmo", *OF, "--json"))
    assert (found["members"], len(found["lines"]), found["findings"]) == (11, 11, [])
    assert "11 members" in told("preview", "hmo", *OF)
    assert "validated" in told("build", "hmo", *OF)
    assert "no file was built" in told("build", "hmo", *OF)
    number = CarrierFile.objects.get().pk
    assert "subscriber, add" in told("show", number, "--members", 2)
    assert json.loads(told("show", number, "--json"))["state"] == "validated"
    told("release", number, "--words", "looked at who is added")
    assert "is sent" in told("send", number)
    assert len(list((tmp_path / "out").iterdir())) == 1
    assert "expected a file that is released" in told("send", number, code=1)
    answer = tmp_path / "one.999"
    group, control = CarrierFile.objects.get().group, FileSet.objects.get().control_number
    answer.write_bytes(judged(group, control))
    assert "accepted" in told("ack", answer, "--partner", "hmo", *OF)
    assert "nothing changes" in told("ack", answer, "--partner", "hmo", *OF)
    assert [one["state"] for one in json.loads(told("files", "--json"))] == ["accepted"]
    assert "Nothing is overdue" in told("files", "--overdue")
    out = tmp_path / "copy.834"
    told("content", number, "--out", out)
    assert out.stat().st_mode & 0o777 == 0o600
    assert "expected no file" in told("content", number, "--out", out, code=1)


def test_custody_worklist_and_audit(told, agreement, tmp_path, fresh_database):
    told("partner", "load", agreement, "--code", "hmo", *OF)
    assert "It is in no file yet" in told("chain", *OF, "--person", "H000001")
    assert "found nobody of the number" in told("chain", *OF, "--person", "X", code=1)
    told("build", "hmo", *OF)
    rows = json.loads(told("chain", *OF, "--person", "H000001", "--json"))
    assert {row["stage"] for row in rows} == {"in file"}
    line = FileLine.objects.order_by("number")[0]
    entry = PortalEntry.objects.create(
        client_id=line.client_id,
        partner="hmo",
        partner_client=line.client_id,
        person_id=line.person_id,
        benefit_record=0,
        line=line.line,
        kind="add",
        action="021",
        begins_on=line.begins_on,
        plan=line.plan,
        tier=line.tier,
        reason="frozen",
        due_on=timezone.localdate(),
        opened_at=timezone.now(),
        opened_by="test",
    )
    assert "frozen" in told("portal")
    assert "expected what the partner gave as proof" in told("portal", "--done", entry.pk, code=1)
    told("portal", "--done", entry.pk, "--reference", "call 5")
    assert "Nothing is to be entered" in told("portal")
    client_id = Client.objects.get(code="harbor").pk
    now = timezone.now()
    whole = preview(fresh_database, Feed(client_id=client_id, code="hmo"), on=now.date(), now=now, mode="4")
    listed = tmp_path / "list.834"
    listed.write_text(whole.text.replace("*BASICDED*", "*PREMIUM*", 1))
    found = json.loads(told("audit", listed, "--partner", "hmo", *OF, "--json", code=1))
    assert [row["field"] for row in found["rows"] if row["field"] == "plan"] == ["plan"]
    shown = told("open", listed, *OF, "--partner", "hmo", code=1)
    assert "HD04" in shown
    assert "say what its codes mean" in told("open", listed, *OF, code=2)


def test_wrong_input_is_told_in_words(told, agreement, tmp_path, fresh_database):
    told("partner", "load", agreement, "--code", "hmo", *OF)
    binary, nowhere, words = tmp_path / "binary", tmp_path / "no" / "where", ("--words", "x")
    binary.write_bytes(bytes(range(128, 256)))
    plan = ("--partner", "hmo", *OF)
    for command, said in {
        ("show", 99): "no file 99",
        ("show", 99, "--json"): "no file 99",
        ("release", 99, *words): "found none of the number 99",
        ("withdraw", 99, *words): "found none of the number 99",
        ("send", 99): "found none of the number 99",
        ("content", 99, "--out", tmp_path / "x"): "found none of the number 99",
        ("retell", 99): "found none of the number 99",
        ("retell", 99, "--all", *words): "found none of the number 99",
        ("files", "--client", "nobody"): "nobody",
        ("files", "--state", "nowhere"): "nowhere",
        ("files", "--partner", "nobody"): "nobody",
        ("preview", "nobody", *OF): "expected an agreement with partner 'nobody'",
        ("preview", "hmo", "--client", "nobody"): "nobody",
        ("preview", "hmo", *OF, "--mode", "9"): "expected 2, 4 or RX",
        ("preview", "hmo", *OF, "--on", "soon"): "soon",
        ("build", "nobody", *OF): "expected an agreement with partner 'nobody'",
        ("premium", "hmo", "--month", "2026-01-01", "--paid-on", "2026-02-01", *OF): "add `premium`",
        ("premium", "hmo", "--month", "soon", "--paid-on", "2026-02-01", *OF): "soon",
        ("ack", nowhere, *plan): "does not exist",
        ("ack", binary, *plan): "expected",
        ("ack", agreement): "--partner",
        ("audit", nowhere, *plan): "does not exist",
        ("audit", binary, *plan): "expected",
        ("audit", binary, "--partner", "nobody", *OF): "expected an agreement with partner 'nobody'",
        ("open", binary, *plan): "expected",
        ("open", binary, "--mapping", binary, *OF): "expected text in UTF-8",
        ("open-back", 99, *OF, "--reason", "x"): "expected an opening of this client",
        ("portal", "--done", 99, "--reference", "x"): "99",
        ("partner", "show", "nobody", *OF): "expected an agreement with partner 'nobody'",
        ("partner", "load", binary, "--code", "v"): "expected text in UTF-8",
        ("partner", "load", agreement, "--code", "a b/c"): "expected a code of at most 40",
        ("partner", "check", "--client", "nobody"): "nobody",
        ("partner", "schema", "--out", nowhere): "where",
    }.items():
        assert said in told(*command, code=None), command


def test_a_bad_agreement_names_its_line(told, tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text("name: V\ncarriers: [V]\nkind: portal\ncadence:\n  mode: often\n")
    assert "line 5: Invalid enum value 'often'" in told("partner", "load", file, "--code", "v", code=1)


def test_the_schema_is_printed(cli, tmp_path):
    out = tmp_path / "schema.json"
    assert cli("carriers", "partner", "schema", "--out", out).exit_code == 0
    assert out.read_text() == schema_text()
    assert json.loads(schema_text())["title"] == "Partner"
    published = Path(__file__).parents[2] / "docs/schema/carrier-agreement.schema.json"
    assert published.read_text() == schema_text()
