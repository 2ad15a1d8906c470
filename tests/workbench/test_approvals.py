"""Approvals on their pages: what one prepared another approves, and what was refused asks by itself."""

import pytest
from django.contrib.messages.storage.fallback import FallbackStorage
from django.test import RequestFactory
from django.utils import timezone
from tests.accounts.test_approvals import WANTED, folder_of
from tests.faces.conftest import LENIENT, text

from openbenefits.accounts.approvals import ApprovalKind, Matter, propose
from openbenefits.accounts.models import Proposal
from openbenefits.accounts.services import access_of
from openbenefits.background.services import ask
from openbenefits.programs import services as setup
from openbenefits.workbench.pages import act

LIST = "/workbench/harbor/approvals/"


@pytest.fixture(scope="module")
def strict(pair, users):
    """The first client wants a second person for everything."""
    done = setup.apply(
        folder_of(pair[0].folder, "strict", WANTED),
        client_id=pair[0].client_id,
        applied_by="test",
        now=timezone.now(),
    )
    assert done.release, done
    return pair[0]


@LENIENT
def test_one_prepares_and_another_approves(strict, as_user, as_owner, users, database):
    matter = Matter(client_id=strict.client_id, kind=ApprovalKind.OVERRIDE, key="event 1/0/1/0", parts=["x"])
    made = as_owner(
        lambda: propose(access_of(database, users["specialist"]), matter, reason="agreed", now=timezone.now())
    )
    page = f"{LIST}{made.pk}/"
    mine = text(as_user("specialist").get(page))
    assert "another person approves it" in mine
    assert "another person than" in text(
        as_user("specialist").post(page + "do", {"act": "approve", "reason": "x"}, follow=True)
    )
    assert "expected a reason" in text(as_user("second").post(page + "do", {"act": "approve"}, follow=True))
    told = text(as_user("second").post(page + "do", {"act": "approve", "reason": "right"}, follow=True))
    assert "can now be done" in told
    assert "second" in text(as_user("second").get(page))
    assert "may not decide" not in text(as_user("broker").get(page))  # it is decided
    assert as_user("second").get("/workbench/quill/approvals/").status_code == 404
    assert as_user("second").get(f"{LIST}999999/").status_code == 404


def test_what_is_asked_for_without_an_approval_is_proposed(strict, users, database):
    request = RequestFactory().post("/", {"reason": "month end"})
    request.session, request.access = {}, access_of(database, users["specialist"])
    request._messages = FallbackStorage(request)
    asked = {"schedule": strict.open_enrollment, "as_of": "2025-11-05"}

    def do():
        ask(
            request.access,
            "finalise",
            asked,
            client_id=strict.client_id,
            author="specialist",
            now=timezone.now(),
        )

    answer = act(request, do, said="Asked.", to="/there")
    assert answer["Location"] == "/there"
    made = Proposal.objects.get(kind="finalize")
    assert (made.reason, made.key) == ("month end", f"schedule {strict.open_enrollment} as of 2025-11-05")
    assert str(made.pk) in str(next(iter(request._messages)))
