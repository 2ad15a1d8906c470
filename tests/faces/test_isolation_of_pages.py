"""Whatever anybody asks of any page, he never sees another client's row, and never changes one (users-want 22).

Requests are generated from the addresses there are: every role, every page, GET and POST, with numbers and codes of
the other client in the places of one's own.
"""

import hashlib
import re
from collections.abc import Iterator

import pytest
from django.test import Client as Browser
from django.urls import URLPattern, URLResolver, get_resolver
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.faces.conftest import GIVEN, LENIENT, signed_in

from openbenefits.accounts.models import User
from openbenefits.accounts.roles import ROLES, RoleCode
from openbenefits.accounts.services import give_role, link_employee
from openbenefits.workforce.models import Person

PART = re.compile(r"<(?:(\w+):)?(\w+)>")
NOT_OURS = ("account/", "sign-in/", "static/")
"""Addresses of signing in: they are about nobody else."""
UNWATCHED = ("accounts_auditentry", "background_processrequest")
"""Tables that keep what was asked, whoever was refused."""


def addresses(patterns=None, before="") -> Iterator[tuple[str, str]]:
    """Answer the name and route of every address."""
    for one in patterns if patterns is not None else get_resolver().url_patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from addresses(one.url_patterns, route)
        elif isinstance(one, URLPattern) and not route.startswith(NOT_OURS):
            yield one.name or "", route.lstrip("^").rstrip("$\\Z")


ADDRESSES = sorted(set(addresses()))


@pytest.fixture(scope="module")
def staff(pair, database) -> dict[str, User]:
    """A user of each role, all of one client; and one of its employees."""
    mine = pair[0].client_id
    found = {}
    for code in ROLES:
        user = found[str(code)] = User.objects.create(username=f"isolated {code}")
        if code is RoleCode.EMPLOYEE:
            person_id = Person.objects.filter(client_id=mine).order_by("pk").values_list("pk", flat=True)[0]
            link_employee(user, mine, person_id, **GIVEN)
        else:
            give_role(user, mine, code, **GIVEN)
    return found


@pytest.fixture(scope="module")
def theirs(pair, database):
    """What names rows of the other client: numbers and words for addresses, and marks that no page may show."""
    other = pair[1].client_id
    people = Person.objects.filter(client_id=other).order_by("pk")
    numbers = [
        other,
        pair[1].open_enrollment,
        pair[1].event_maintenance,
        *people.values_list("pk", flat=True)[:3],
    ]
    marks = list(people.values_list("employee_number", flat=True))
    return {"int": [*numbers, 1, 2], "str": ["quill", *marks[:2]], "marks": ["quill", *marks]}


def requests(theirs):
    """Generate requests: an address filled with what is the other client's, or one's own; and its settings."""
    texts = st.sampled_from([*theirs["str"], "harbor"])
    numbers = st.sampled_from(theirs["int"])

    def fill(route):
        parts = {place: numbers if kind == "int" else texts for kind, place in PART.findall(route)}
        query = st.dictionaries(
            st.sampled_from(
                [
                    "client",
                    "person",
                    "person_id",
                    "run",
                    "event",
                    "q",
                    "schedule",
                    "number",
                    "as_of",
                    "client_id",
                ]
            ),
            st.one_of(texts, numbers.map(str), st.just("2026-01-01")),
            max_size=3,
        )
        return st.tuples(st.just(route), st.fixed_dictionaries(parts), query)

    return st.sampled_from([route for _, route in ADDRESSES]).flatmap(fill)


def address_of(route, parts) -> str:
    return "/" + PART.sub(lambda found: str(parts[found[2]]), route)


def state(owner, client_id) -> str:
    """Answer a digest of all rows of a client."""
    digest = hashlib.sha256()
    tables = owner.execute(
        """
        SELECT table_name FROM information_schema.columns
        WHERE table_schema = 'public' AND column_name = 'client_id' ORDER BY 1
        """
    ).fetchall()
    for (table,) in tables:
        if table in UNWATCHED or table.startswith("socialaccount"):
            continue
        found = owner.execute(
            f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} AS t WHERE client_id = %s",
            [client_id],
        ).fetchone()
        digest.update(f"{table}={found}".encode())
    owner.rollback()
    return digest.hexdigest()


@LENIENT
def test_nobody_sees_or_changes_another_clients_row(pair, staff, theirs, as_face, owner):
    before = state(owner, pair[1].client_id)
    reached = set()

    @settings(max_examples=300, suppress_health_check=list(HealthCheck), database=None)
    @given(request=requests(theirs), role=st.sampled_from(sorted(staff)), is_act=st.booleans())
    def ask(request, role, is_act):
        route, parts, query = request
        browser = signed_in(Browser(HTTP_HOST="localhost", raise_request_exception=False), staff[role])
        where = address_of(route, parts)
        answer = browser.post(where, query) if is_act else browser.get(where, query)
        assert answer.status_code < 500, (role, is_act, where, query)
        reached.add((route, answer.status_code))
        shown = content(answer)
        asked = {where, *map(str, parts.values()), *query.values()}
        for mark in theirs["marks"]:
            if not any(mark in one for one in asked):  # a page may repeat what it was asked
                assert mark not in shown, (role, is_act, where, query, mark)

    ask()
    assert state(owner, pair[1].client_id) == before
    assert {status for _, status in reached} >= {200, 404}


def content(answer) -> str:
    return (
        b"".join(answer.streaming_content).decode(errors="replace")
        if answer.streaming
        else answer.content.decode(errors="replace")
    )
