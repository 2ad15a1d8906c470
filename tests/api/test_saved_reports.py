"""Reports kept over the API: shared, run, sent to somebody who has a role, removed."""

from tests.api.conftest import Program

from openbenefits.accounts.models import User

KEPT = "/clients/harbor/saved-reports"
QUESTION = {
    "subject": "events",
    "groups": ["process_status"],
    "aggregates": [{"function": "count"}],
    "chart": {"kind": "bar", "label": "process_status", "value": "count"},
}


def test_a_report_is_kept_shared_run_sent_and_removed(harbor, filled):
    made = harbor.post(KEPT, {"name": "Where events stand", "question": QUESTION})
    assert made.status_code == 201, made.content
    one = f"{KEPT}/{made.json()['key']}"
    other = Program(filled.secrets["reading"])
    assert other.get(one).status_code == 404
    assert not made.json()["is_shared"]
    sending = {"to": "reader", "every": "week", "begins_on": "2026-03-02"}
    assert harbor.post(f"{one}/sendings", sending).status_code == 409
    changed = harbor.post(one, {"name": "Events", "question": QUESTION, "is_shared": True}).json()
    assert (changed["name"], changed["question"]["chart"]["kind"]) == ("Events", "bar")
    assert other.get(one).json()["is_own"] is False
    assert other.post(one, {"name": "Mine", "question": QUESTION}).status_code == 404
    assert changed["key"] in {row["key"] for row in other.get(KEPT).json()["items"]}
    rows = other.get(f"{one}/rows").json()
    assert sum(row["count"] for row in rows["rows"]) >= 12, rows

    assert harbor.post(f"{one}/sendings", sending).status_code == 404
    who = {"name": "reader", "email": "reader@example.com", "role": "specialist"}
    assert harbor.post("/clients/harbor/roles", who).status_code == 201
    sent = harbor.post(f"{one}/sendings", sending)
    assert (sent.status_code, [row["to"] for row in sent.json()]) == (201, ["reader"]), sent.content
    assert harbor.get(f"{one}/sendings").json()[0]["next_on"] == "2026-03-02"
    assert harbor.delete(f"{one}/sendings?to=reader").status_code == 204
    assert harbor.get(f"{one}/sendings").json() == []
    assert harbor.delete(one).status_code == 204
    assert harbor.get(one).status_code == 404
    assert User.objects.filter(username="reader").exists()


def test_a_report_of_the_product_is_run_and_not_changed(harbor):
    one = f"{KEPT}/renewal-elections"
    assert harbor.get(one).json()["is_shipped"]
    assert harbor.get(f"{one}/rows").status_code == 200
    assert harbor.post(one, {"name": "Mine", "question": QUESTION}).status_code == 404
