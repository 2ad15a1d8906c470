"""What integrations do all day: people come and change, events are processed, runs asked for, files sent."""

from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.api.conftest import API, Program, whole

from openbenefits.background.models import ProcessRequest
from openbenefits.background.services import perform
from openbenefits.store import use_database

HARBOR = "/clients/harbor"


def upload(program: Program, path: str, name: str, text: str, **query: str):
    file = SimpleUploadedFile(name, text.encode(), "text/csv")
    where = f"{API}{path}" + "".join(f"{'&' if n else '?'}{k}={v}" for n, (k, v) in enumerate(query.items()))
    return program.browser.post(where, {"file": file})


def copied_job(harbor: Program) -> dict:
    """Answer the codes of somebody's job, which the set-up knows."""
    person_id = harbor.get(f"{HARBOR}/people").json()["items"][0]["id"]
    job = harbor.get(f"{HARBOR}/people/{person_id}/facts", fact="job").json()["items"][-1]
    names = ("company", "benefit_group", "pay_group", "location", "full_part_time", "regular_temporary")
    return {name: job[name] for name in names if job[name]} | {"annual_pay_cents": 6_000_000}


def test_somebody_is_hired_marries_chooses_and_leaves(harbor):
    said = {
        "employee_number": "J1",
        "first_name": "Jo",
        "last_name": "March",
        "on": "2026-02-02",
        "job": copied_job(harbor) | {"weekly_hours_hundredths": 4000},
        "person": {"birth_on": "1990-05-01", "sex": "F"},
        "address": {"line1": "1 Elm Street", "city": "Albany", "state": "NY", "postal_code": "12207"},
        "ssn": "123456789",
    }
    hired = harbor.post(f"{HARBOR}/people", said)
    assert hired.status_code == 201, hired.content
    person = f"{HARBOR}/people/{hired.json()['person_id']}"
    shown = harbor.get(person, as_of="2026-02-02").json()
    assert shown["facts"]["first_name"] == "Jo"
    assert [job["annual_pay_cents"] for job in shown["jobs"]] == [6_000_000]
    spouse = {"on": "2026-02-14", "first_name": "Fritz", "last_name": "Bhaer", "person_type": "SP"}
    dependent = harbor.post(f"{person}/dependents", spouse | {"more": {"birth_on": "1985-01-01"}}).json()
    changed = {"on": "2026-02-20", "changes": {"is_smoker": True}}
    number = dependent["dependent_id"]
    assert harbor.post(f"{person}/dependents/{number}/changes", changed).status_code == 201
    married = harbor.post(f"{person}/life-events", {"event_class": "MAR", "on": "2026-02-14"})
    assert married.status_code == 201
    raised = {"on": "2026-03-01", "action": "PAY", "changes": {"annual_pay_cents": 6_500_000}}
    assert harbor.post(f"{person}/job-changes", raised).status_code == 201
    left = harbor.post(f"{person}/termination", {"last_day_employed": "2026-03-31"})
    assert left.status_code == 201
    actions = [row["action"] for row in whole(harbor, f"{person}/facts", fact="job")]
    assert actions == ["HIR", "PAY", "TER"]
    back = harbor.post(f"{HARBOR}/changes/{left.json()['change_id']}/take-back", {"reason": "stays"})
    assert back.json()["counts"]["withdrawn"] == 1
    assert harbor.get(person, as_of="2026-04-02").json()["jobs"][0]["action"] == "PAY"


def test_an_event_is_processed_from_report_to_coverage(harbor):
    person_id = harbor.get(f"{HARBOR}/people").json()["items"][2]["id"]
    person = f"{HARBOR}/people/{person_id}"
    reported = {"event_class": "MAR", "on": "2026-02-10", "reported_on": "2026-02-12"}
    assert harbor.post(f"{person}/life-events", reported).status_code == 201
    schedules = harbor.get(f"{HARBOR}/schedules").json()["items"]
    maintenance = next(one["code"] for one in schedules if one["kind"] == "E")
    wanted = {"person_id": person_id, "schedule": maintenance, "event_on": "2026-02-10", "event_class": "MAR"}
    made = harbor.post(f"{HARBOR}/events", wanted | {"as_of": "2026-02-20"}, key="event-1")
    assert made.status_code == 201, made.content
    assert (made.json()["process_status"], made.json()["event_status"]) == ("PR", "O")
    event = f"{HARBOR}/events/{made.json()['event']}"
    options = whole(harbor, f"{event}/options", plan_type="10")
    assert any(one["is_electable"] and one["pay_before_tax_cents"] is not None for one in options)
    waived = {"plan_type": "10", "option": "WAIVE", "received_on": "2026-02-21"}
    entered = harbor.post(f"{event}/elections", waived)
    assert entered.status_code == 201, entered.content
    assert entered.json()["entered"] == 1
    settled = harbor.post(f"{event}/validate", {"as_of": "2026-02-22"})
    assert settled.json()["process_status"] == "FE", settled.content
    held = {one["plan_type"]: one for one in harbor.get(f"{person}/coverage", as_of="2026-06-01").json()}
    assert held["10"]["kind"] == "waived"
    before = harbor.get(f"{person}/coverage", as_of="2026-06-01", known_on="2026-01-15").json()
    assert {one["plan_type"]: one["kind"] for one in before}.get("10") != "waived"
    again = {"operation": "reenter", "reason": "a mistake", "is_preview": True, "as_of": "2026-02-23"}
    preview = harbor.post(f"{event}/operations", again)
    assert preview.status_code == 200, preview.content
    assert preview.json()["is_preview"]
    assert harbor.get(event).json()["process_status"] == "FE"
    steps = [one["to_status"] for one in whole(harbor, f"{event}/history")]
    assert steps[-1] == "FE"


@pytest.mark.usefixtures("as_face")
def test_long_work_is_asked_for_done_by_the_worker_and_followed(harbor, database, embedded_server):
    asked = harbor.post(f"{HARBOR}/runs", {"schedule": "OE26", "as_of": "2025-11-20", "through": "options"})
    assert asked.status_code == 202, asked.content
    assert asked.json()["state"] == "waiting"
    url = embedded_server.url(database.settings_dict["NAME"])
    use_database(url)
    perform(asked.json()["id"], lambda: datetime(2026, 3, 1, 9, tzinfo=UTC))
    told = ProcessRequest.objects.get(pk=asked.json()["id"]).told
    use_database(url, as_face=True)
    followed = harbor.browser.get(asked.json()["link"]).json()
    assert followed["state"] == "done", told
    run_id = followed["result"]["run"]
    shown = harbor.get(f"{HARBOR}/runs/{run_id}").json()
    assert shown["state"] == "done"
    assert sum(shown["outcomes"].values()) > 0
    assert harbor.get(f"{HARBOR}/runs").json()["items"][0]["id"] == run_id


def test_what_is_asked_of_the_worker_is_refused_before_it_is_queued(harbor, filled):
    none = harbor.post(f"{HARBOR}/run-controls/nothing/runs", {"as_of": "2026-03-01"})
    assert none.status_code == 409
    assert "run control" in none.json()["detail"]
    reading = Program(filled.secrets["reading"])
    assert reading.post(f"{HARBOR}/runs", {"as_of": "2026-03-01"}).status_code == 403
    accepted = harbor.post(f"{HARBOR}/runs", {"accept": ["BA1001"]})
    assert accepted.status_code == 422


def test_elections_come_from_a_file_and_go_back(harbor):
    event = whole(harbor, f"{HARBOR}/events")[0]
    people = {one["id"]: one["employee_number"] for one in whole(harbor, f"{HARBOR}/people")}
    number = people[event["person_id"]]
    text = f"employee_number,plan_type,option,received_on\n{number},10,NONE,not a day\n"
    bad = upload(harbor, f"{HARBOR}/election-files", "elections.csv", text)
    assert bad.status_code == 409
    assert bad.json()["type"] == "urn:openbenefits:problem:election-refused"
    wrong = upload(harbor, f"{HARBOR}/election-files", "elections.exe", text)
    assert (wrong.status_code, wrong.json()["type"]) == (422, "urn:openbenefits:problem:file-refused")


def test_a_census_is_previewed_imported_and_taken_back(harbor, filled):
    folder = filled.employers["harbor"].folder
    census = next(folder.rglob("*census*.csv")).read_text()
    seen = upload(harbor, f"{HARBOR}/census-previews", "census.csv", census, as_of="2026-03-01")
    assert seen.status_code == 200, seen.content
    assert seen.json()["rows_read"] >= 12
    before = len(whole(harbor, f"{HARBOR}/people"))
    done = upload(harbor, f"{HARBOR}/censuses", "census.csv", census, as_of="2026-03-01")
    assert done.status_code == 201, done.content
    assert len(whole(harbor, f"{HARBOR}/people")) == before
    back = harbor.post(f"{HARBOR}/changes/{done.json()['change_id']}/take-back", {"reason": "a test"})
    assert back.status_code == 200, back.content


def test_reports_are_tables_or_csv(harbor):
    kinds = harbor.get(f"{HARBOR}/reports").json()
    assert "BAS003" in {one["code"] for one in kinds}
    for kind in kinds:
        through = {name: "2026-12-31" for name in ("as_of", "through") if name in kind["options"]}
        made = harbor.get(f"{HARBOR}/reports/{kind['code']}", **through)
        assert made.status_code == 200, (kind, made.content)
        assert made.json()["tables"][0]["columns"]
        text = harbor.get(f"{HARBOR}/reports/{kind['code']}", form="csv", **through)
        assert text["Content-Type"].startswith("text/csv")
        assert text.content.decode().splitlines()[0]


def test_no_answer_has_an_amount_that_is_no_whole_number(harbor):
    """Floats never leave: everything is read as JSON numbers would be, and each of them is whole."""
    import json

    person_id = harbor.get(f"{HARBOR}/people").json()["items"][0]["id"]
    event = harbor.get(f"{HARBOR}/events").json()["items"][0]["id"]
    paths = (
        *(f"people/{person_id}/explanation", f"people/{person_id}/coverage", f"events/{event}/options"),
        *("deductions/owed?begin=2026-01-01", "deductions/balances", "work", "summary"),
    )
    for path in paths:
        answer = harbor.browser.get(f"{API}{HARBOR}/{path}")
        assert answer.status_code == 200

        def refuse(text: str, path: str = path) -> None:
            raise AssertionError((path, text))

        json.loads(answer.content, parse_float=refuse)


def test_why_somebody_has_what_they_have(harbor):
    person_id = harbor.get(f"{HARBOR}/people").json()["items"][0]["id"]
    told = harbor.get(f"{HARBOR}/people/{person_id}/explanation", plan_type="10").json()
    assert told["plans"][0]["plan_type"] == "10"
    assert told["differences"] == []


def test_the_statement_of_an_event_is_a_pdf(harbor):
    event = harbor.get(f"{HARBOR}/events").json()["items"][0]["id"]
    answer = harbor.get(f"{HARBOR}/events/{event}/statement", kind="confirmation")
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")


def test_a_file_sent_again_with_its_key_is_taken_once(harbor, filled):
    census = next(filled.employers["harbor"].folder.rglob("*census*.csv")).read_bytes()
    answers = []
    for _ in range(2):
        file = SimpleUploadedFile("census.csv", census, "text/csv")
        where = f"{API}{HARBOR}/censuses?as_of=2026-03-01"
        answers.append(harbor.browser.post(where, {"file": file}, HTTP_IDEMPOTENCY_KEY="census-1"))
    assert [answer.status_code for answer in answers] == [201, 201], answers[0].content
    assert answers[0].json() == answers[1].json()
    assert answers[1]["Idempotency-Replayed"] == "true"


def test_a_paper_is_sent_opened_and_decided_about_once(harbor, filled):
    person = f"{HARBOR}/people/{harbor.get(f'{HARBOR}/people').json()['items'][0]['id']}"
    content = b"%PDF-1.7 a doctor's letter"
    file = SimpleUploadedFile("letter.pdf", content, "application/pdf")
    sent = harbor.browser.post(
        f"{API}{person}/papers", {"file": file, "kind": "evidence", "about": "proof:20"}
    )
    assert sent.status_code == 201, sent.content
    paper = f"{person}/papers/{sent.json()['id']}"
    opened = harbor.get(f"{paper}/file")
    assert (opened.content, opened["Content-Type"]) == (content, "application/pdf")
    reading = Program(filled.secrets["reading"])  # may see, but nothing about health
    assert reading.get(f"{person}/papers").json()["items"] == []
    assert reading.get(f"{paper}/file").status_code == 403
    unsaid = harbor.post(f"{paper}/decision", {"state": "rejected"})
    assert (unsaid.status_code, unsaid.json()["type"]) == (409, "urn:openbenefits:problem:document-refused")
    assert harbor.post(f"{paper}/decision", {"state": "approved"}).json()["state"] == "approved"
    assert harbor.post(f"{paper}/decision", {"state": "approved"}).status_code == 409
    wrong = SimpleUploadedFile("letter.pdf", b"MZ a program", "application/pdf")
    assert harbor.browser.post(f"{API}{person}/papers", {"file": wrong}).status_code == 409
