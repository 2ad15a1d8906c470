"""Keys of programs on a page: issued within one's own rights, the secret shown once, ended."""

import re

from django.test import Client as Browser
from tests.faces.conftest import LENIENT, text

from openbenefits.accounts.models import ApiKey, AuditEntry

KEYS = "/workbench/harbor/keys/"
ASKED = {"name": "payroll bridge", "scopes": ["see", "see personal"], "per_minute": "60"}


def secret_in(answer) -> str:
    return re.search(r'<code class="secret">(ob_[^<]+)</code>', answer.content.decode()).group(1)


@LENIENT
def test_a_key_is_issued_shown_once_used_and_ended(as_user, as_owner):
    desk = as_user("admin")
    assert "No program comes in" in text(desk.get(KEYS))
    issued = desk.post(KEYS, ASKED | {"last_day": "2099-12-31"})
    secret = secret_in(issued)
    assert "no-store" in issued["Cache-Control"]
    assert secret not in desk.get(KEYS).content.decode()
    program = Browser(HTTP_HOST="localhost", headers={"authorization": f"Bearer {secret}"})
    assert [one["code"] for one in program.get("/api/v1/clients").json()["items"]] == ["harbor"]
    again = desk.post(KEYS, ASKED)
    assert again.status_code == 422
    assert "choose another" in text(again)
    ended = desk.post(f"{KEYS}end", {"name": "payroll bridge"}, follow=True)
    assert "nothing is answered" in text(ended)
    assert program.get("/api/v1/clients").status_code == 401
    assert "found none of that name" in text(desk.post(f"{KEYS}end", {"name": "payroll bridge"}, follow=True))
    noted = as_owner(
        lambda: list(AuditEntry.objects.filter(what__endswith="a key").values_list("what", flat=True))
    )
    assert noted == ["issued a key", "ended a key"]


@LENIENT
def test_no_key_may_more_than_who_issues_it(as_user, as_owner):
    before = as_owner(ApiKey.objects.count)
    page = as_user("hr").get(KEYS)
    assert 'value="users"' in page.content.decode()
    assert 'value="finalise"' not in page.content.decode()
    refused = as_user("hr").post(KEYS, ASKED | {"name": "above", "scopes": ["finalise"]})
    assert refused.status_code == 422
    for name in ("specialist", "broker"):
        assert as_user(name).get(KEYS).status_code == 403
    assert as_user("hr").post("/workbench/keys/", ASKED).status_code == 403
    assert as_user("hr").get("/workbench/quill/keys/").status_code == 404
    assert as_owner(ApiKey.objects.count) == before


@LENIENT
def test_the_peo_has_keys_for_every_client(as_user):
    desk = as_user("admin")
    secret = secret_in(desk.post("/workbench/keys/", ASKED | {"name": "warehouse", "scopes": ["see"]}))
    program = Browser(HTTP_HOST="localhost", headers={"authorization": f"Bearer {secret}"})
    assert [one["code"] for one in program.get("/api/v1/clients").json()["items"]] == ["harbor", "quill"]
    assert "warehouse" in text(desk.get("/workbench/keys/"))
    assert "has ended" in text(desk.post("/workbench/keys/end", {"name": "warehouse"}, follow=True))
