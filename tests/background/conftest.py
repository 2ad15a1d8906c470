"""Two enrolled clients and people who may ask for things: a specialist of the first, an auditor, nobody's."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.accounts.conftest import as_face, owner, pair

from openbenefits.accounts.models import User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import give_role

__all__ = ["as_face", "owner", "pair"]

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def users(database, pair):
    found = {name: User.objects.create_user(name) for name in ("specialist", "auditor", "second")}
    mine = pair[0].client_id
    give_role(found["specialist"], mine, RoleCode.SPECIALIST, given_by="test", now=NOW)
    give_role(found["auditor"], mine, RoleCode.AUDITOR, given_by="test", now=NOW)
    give_role(found["second"], pair[1].client_id, RoleCode.SPECIALIST, given_by="test", now=NOW)
    return found


@pytest.fixture
def clock():
    """A clock that goes on by a minute whenever it is asked."""
    state = {"at": NOW}

    def tell() -> datetime:
        state["at"] += timedelta(minutes=1)
        return state["at"]

    return tell
