"""Who may not see personal data finds no SSN and no whole birth date on any page, whichever face it is of."""

import polars as pl
import pytest
from tests.faces.conftest import LENIENT
from tests.faces.test_isolation_of_pages import ADDRESSES, PART, address_of

from openbenefits.store import secrets
from openbenefits.workforce.models import DependentFact, Person, PersonFact


@pytest.fixture(scope="module")
def secret(pair, users, database):
    """What no page may show: numbers in both spellings, and days of birth; and how to name the people."""
    mine = pair[0].client_id
    facts = PersonFact.objects.filter(client_id=mine)
    sealed = [bytes(one) for one in facts.values_list("ssn_sealed", flat=True) if one is not None]
    digits = secrets.decrypt_ssn(pl.Series("ssn", sealed, dtype=pl.Binary)).to_list()
    births = {*facts.values_list("birth_on", flat=True)}
    births |= {*DependentFact.objects.filter(client_id=mine).values_list("birth_on", flat=True)}
    assert digits
    assert births - {None}
    hidden = {*digits, *(f"{one[:3]}-{one[3:5]}-{one[5:]}" for one in digits)}
    hidden |= {one.isoformat() for one in births if one} | {f"{one:%m/%d/%Y}" for one in births if one}
    numbers = list(
        Person.objects.filter(client_id=mine).order_by("pk").values_list("employee_number", flat=True)
    )
    return {"hidden": hidden, "numbers": numbers[:3], "mine": pair[0]}


def filled(route, secret):
    """Answer addresses of a route with what is one's own in its places."""
    for number in secret["numbers"]:
        parts = {}
        for kind, place in PART.findall(route):
            parts[place] = {"client": "harbor", "number": number, "schedule": "OE26"}.get(
                place, 0 if kind == "int" else "harbor"
            )
        yield address_of(route, parts)


@LENIENT
@pytest.mark.parametrize("name", ["broker", "reader"])
def test_no_page_shows_what_a_role_may_not_see(secret, as_user, name):
    browser = as_user(name)
    browser.raise_request_exception = False
    reached = 0
    for _, route in ADDRESSES:
        for where in dict.fromkeys(filled(route, secret)):
            answer = browser.get(where)
            assert answer.status_code < 500, where
            if answer.status_code != 200 or answer.streaming:
                continue
            reached += 1
            shown = answer.content.decode(errors="replace")
            found = sorted(one for one in secret["hidden"] if one in shown)
            assert not found, (name, where, len(found))
    assert reached >= 15
