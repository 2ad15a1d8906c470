"""The workbench as its users see it: the pages of tests/faces, with a specialist, a client's and a reading user."""

import pytest
from tests.faces.conftest import (
    GIVEN,
    as_face,
    browser,
    chromium,
    owner,
    page,
    pair,
    signed_in,
    site,
)
from tests.faces.conftest import users as few

from openbenefits.accounts.models import User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import EVERY_CLIENT, give_role
from openbenefits.store import use_database

__all__ = ["as_face", "browser", "chromium", "few", "owner", "page", "pair", "site"]

MORE = {
    "admin": (EVERY_CLIENT, RoleCode.ADMINISTRATOR),
    "second": (None, RoleCode.SPECIALIST),
    "hr": (None, RoleCode.CLIENT),
    "broker": (None, RoleCode.BROKER),
    "reader": (None, RoleCode.AUDITOR),
}


@pytest.fixture(scope="module")
def users(few, pair):
    """Those of tests/faces, an administrator of the PEO, and of the first client a few more."""
    for name, (client_id, code) in MORE.items():
        few[name] = User.objects.create_user(name, f"{name}@example.com")
        give_role(few[name], pair[0].client_id if client_id is None else client_id, code, **GIVEN)
    return few


@pytest.fixture
def as_user(users, browser):
    """Answer a function that lets the browser come in as somebody."""
    return lambda name: signed_in(browser, users[name])


@pytest.fixture
def as_owner(database, embedded_server, browser):
    """Answer a function that does something as the owner of the tables, between two requests."""
    url = embedded_server.url(database.settings_dict["NAME"])

    def do(what):
        use_database(url)
        try:
            return what()
        finally:
            use_database(url, as_face=True)

    return do
