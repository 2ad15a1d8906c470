"""A second person decides on the command line, with his own rights and never about his own."""

from datetime import UTC, datetime

import pytest

from openbenefits.accounts.approvals import ApprovalKind, Matter, propose
from openbenefits.accounts.models import Proposal, User, Verdict
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import access_of, give_role
from openbenefits.workforce.models import Client

WHY = ("--client", "harbor", "--reason", "counts are right")


@pytest.fixture
def proposals(fresh_database) -> list[Proposal]:
    """Two proposals of ann's; bob may decide, the broker may not."""
    client, now = Client.objects.create(code="harbor", name="Harbor"), datetime.now(UTC)
    for name, code in (("ann", "specialist"), ("bob", "specialist"), ("eve", "broker")):
        user = User.objects.create_user(name)
        give_role(user, client.pk, RoleCode(code), given_by="test", now=now)
    ann = access_of(fresh_database, User.objects.get(username="ann"))
    matters = [
        Matter(client_id=client.pk, kind=ApprovalKind.RELEASE, key=f"run {n}", parts=[], told="3 people")
        for n in (1, 2)
    ]
    return [propose(ann, matter, reason="looked at", now=now) for matter in matters]


def said(result, code=0) -> str:
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


def test_what_waits_is_listed_approved_and_refused_by_another(cli, proposals):
    first, second = (str(one.pk) for one in proposals)
    assert "3 people" in said(cli("approvals", "list", "--client", "harbor"))
    own = said(cli("approvals", "approve", first, "--by", "ann", *WHY), 1)
    assert "expected another person than who prepared it" in own
    assert "expected a role that may" in said(cli("approvals", "approve", first, "--by", "eve", *WHY), 1)
    assert "found 'nobody'" in said(cli("approvals", "approve", first, "--by", "nobody", *WHY), 1)
    assert not Verdict.objects.exists()
    assert "is approved" in said(cli("approvals", "approve", first, "--by", "bob", *WHY))
    assert "is refused" in said(cli("approvals", "refuse", second, "--by", "bob", *WHY))
    assert "found one that is decided" in said(cli("approvals", "refuse", first, "--by", "bob", *WHY), 1)
    assert [one.outcome for one in Verdict.objects.order_by("proposal_id")] == ["approved", "refused"]
    assert "Nothing waits" in said(cli("approvals", "list", "--client", "harbor"))
    assert "bob" in said(cli("approvals", "list", "--client", "harbor", "--all"))
    assert "list them" in said(cli("approvals", "approve", "999", "--by", "bob", *WHY), 1)
