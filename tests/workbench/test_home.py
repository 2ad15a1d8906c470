"""Home, the work list and the events behind a count: what needs a person, each his own."""

import re
from datetime import date

import polars as pl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.accounts.conftest import as_face
from tests.faces.conftest import browser, signed_in, text
from tests.workbench.process import NOW, on_the_day, pair, users

from openbenefits.accounts.models import AuditEntry
from openbenefits.background.models import ProcessRequest
from openbenefits.events.models import Event
from openbenefits.payroll.open_balances import keep_open_balances
from openbenefits.payroll.services import owed
from openbenefits.payroll.taken import take
from openbenefits.store import use_database

__all__ = ["as_face", "browser", "pair", "users"]

pytestmark = pytest.mark.usefixtures("as_face")
MOST_QUERIES = 40


@pytest.fixture
def specialist(browser, users):
    with on_the_day():
        yield signed_in(browser, users["specialist"])


@pytest.fixture
def everywhere(browser, users):
    with on_the_day():
        yield signed_in(browser, users["everywhere"])


def links_of(response) -> set[str]:
    found = re.findall(r'href="([^"]+)"', response.content.decode())
    return {one.replace("&amp;", "&") for one in found}


def test_home_counts_all_clients_and_leads_to_each(everywhere):
    page = everywhere.get("/workbench/")
    assert "Without an election" in text(page)
    assert {"/workbench/harbor/", "/workbench/quill/"} <= links_of(page)
    assert "/workbench/harbor/events/?what=unanswered" in links_of(page)
    assert "/workbench/harbor/work/?work.f_severity=error" in links_of(page)
    rows = everywhere.get("/workbench/?clients.export=csv").content.decode().splitlines()
    assert rows[0].startswith('Client,Events,"Final, %",People with errors')
    assert [row.split(",")[0] for row in rows[1:]] == ["harbor", "quill"]


def test_staff_of_a_client_see_their_own(specialist):
    page = text(specialist.get("/workbench/"))
    assert "harbor" in page
    assert "quill" not in page
    causes = text(specialist.get("/workbench/causes/"))
    assert "quill" not in causes


def test_the_home_of_a_client_leads_to_lists_as_long_as_its_counts(specialist, pair):
    page = specialist.get("/workbench/harbor/")
    said = text(page)
    counts = dict(re.findall(r"(\d[\d,]*) (Without an election|Windows ending|Flagged events)", said)[::-1])
    shown = {name: int(count.replace(",", "")) for count, name in counts.items()}
    listed = text(specialist.get("/workbench/harbor/events/?what=unanswered"))
    assert f"of {shown['Without an election']} " in listed
    assert "BA" in said, "causes are named"
    for href in links_of(page):
        if href.startswith("/workbench/"):
            assert specialist.get(href).status_code == 200, href


def test_home_asks_a_fixed_number_of_queries(everywhere):
    with CaptureQueriesContext(connection) as asked:
        everywhere.get("/workbench/")
    assert len(asked) < MOST_QUERIES


def test_the_work_list_names_causes_and_leads_to_people(specialist, pair):
    page = specialist.get("/workbench/harbor/work/")
    assert "What to do" in text(page)
    entries = sorted(one for one in links_of(page) if re.match(r"/workbench/harbor/work/BA\d+", one))
    assert entries
    entry = specialist.get(entries[0])
    assert "Record to change" in text(entry)
    assert 'name="employee_number"' in entry.content.decode()
    export = specialist.get(entries[0] + "&who.export=csv").content.decode()
    assert export.splitlines()[0].startswith("Employee,")


def test_an_entry_whose_cause_is_gone_says_so(specialist):
    assert "This cause is gone" in text(specialist.get("/workbench/harbor/work/BA9999/"))


def test_people_of_an_entry_are_processed_again(specialist, pair, database, embedded_server):
    page = specialist.get("/workbench/harbor/work/?work.f_severity=error")
    entry = sorted(one for one in links_of(page) if re.match(r"/workbench/harbor/work/BA\d+", one))[0]
    code = re.search(r"/(BA\d+)/", entry).group(1)
    nobody = specialist.post(f"/workbench/harbor/work/{code}/process", {"record": "job"}, follow=True)
    assert "none picked" in text(nobody)
    asked = specialist.post(f"/workbench/harbor/work/{code}/process", {"whom": "everybody"}, follow=True)
    assert re.search(r"/workbench/requests/\d+/", asked.redirect_chain[-1][0])
    assert "The worker takes it up" in text(asked)
    use_database(embedded_server.url(database.settings_dict["NAME"]))
    found = ProcessRequest.objects.order_by("-pk").first()
    assert (found.kind, found.author, found.client_id) == ("start run", "specialist", pair[0].client_id)
    assert found.asked_for["people"]
    assert AuditEntry.objects.filter(what="process people again", client_id=pair[0].client_id).exists()


def test_who_only_reads_is_offered_no_act(browser, users):
    with on_the_day():
        reader = signed_in(browser, users["broker"])
        page = reader.get("/workbench/harbor/work/")
        entry = next(one for one in links_of(page) if re.match(r"/workbench/harbor/work/BA\d+", one))
        assert "Process again" not in text(reader.get(entry))
        assert reader.post("/workbench/harbor/work/BA1201/process", {"whom": "everybody"}).status_code == 403
        assert "BA1321" not in text(page), "evidence is health data"


def test_events_of_a_status_and_a_schedule_are_listed(specialist, pair, database, embedded_server):
    listed = text(specialist.get("/workbench/harbor/events/?schedule=OE26&status=PR"))
    nothing = text(specialist.get("/workbench/harbor/events/?schedule=nothing"))
    use_database(embedded_server.url(database.settings_dict["NAME"]))
    count = Event.objects.filter(client_id=pair[0].client_id, process_status="PR").count()
    assert f"of {count} " in listed
    assert "No event is like that now." in nothing


def test_balances_a_night_found_are_counted_and_listed(
    browser, users, pair, database, embedded_server, tmp_path
):
    home = "/workbench/quill/"
    with on_the_day():
        administrator = signed_in(browser, users["administrator"])
        assert "– Balances no night has looked yet" in text(administrator.get(home))
        assert (
            administrator.get("/workbench/?clients.export=csv")
            .content.decode()
            .splitlines()[2]
            .endswith(",,")
        )
        assert "No night has looked yet" in text(administrator.get("/workbench/quill/balances/"))
        url = embedded_server.url(database.settings_dict["NAME"])
        use_database(url)
        missed = _nothing_taken(pair[1].client_id, tmp_path / "taken.csv")
        use_database(url, as_face=True)

        assert re.search(
            rf"{len(missed)} Balances .* the night of {LOOKED_ON}", text(administrator.get(home))
        )
        rows = administrator.get("/workbench/?clients.export=csv").content.decode().splitlines()
        assert rows[0].endswith("Balances,Balances as of")
        assert rows[2].endswith(f",{len(missed)},{LOOKED_ON}")
        listed = administrator.get("/workbench/quill/balances/")
        assert f"As of the night of {LOOKED_ON}" in text(listed)
        assert f"/workbench/quill/people/{missed[0]}/" in links_of(listed)
        export = administrator.get("/workbench/quill/balances/?balances.export=csv").content.decode()
        assert {row.split(",")[0] for row in export.splitlines()[1:]} == set(missed)

        auditor = signed_in(browser, users["everywhere"])
        assert "Balances more or less" not in text(auditor.get(home))
        assert f",{LOOKED_ON}" not in auditor.get("/workbench/?clients.export=csv").content.decode()
        assert auditor.get("/workbench/quill/balances/").status_code == 403


LOOKED_ON = date(2026, 1, 31)


def _nothing_taken(client_id, path):
    """Report a pay that took nothing, and let a night look; name those of whom something was owed."""
    lines = owed(connection, client_id, begin=date(2026, 1, 1), through=LOOKED_ON)
    first = lines.filter(pl.col("ends_on") == lines["ends_on"].min())
    due = first.filter(pl.col("owed_cents") > 1)
    told = due.head(1).select("employee_number", "plan_type", "tax_class", "pay_group", "ends_on")
    told.with_columns(taken=pl.lit("0")).write_csv(path)
    assert not take(connection, client_id, path, now=NOW, made_by="test").bad_rows.height
    keep_open_balances(connection, client_id, on=LOOKED_ON)
    alike = due.filter(pl.col("pay_group") == told["pay_group"][0])
    return alike["employee_number"].unique().sort().to_list()
