"""What the first page says of where cover stands at the carrier: waits, sent, asked about, confirmed; one's own."""

from datetime import UTC, date, datetime

import pytest
from tests.faces.conftest import text
from tests.portal.test_pages import owned

from openbenefits.accounts.models import User
from openbenefits.carriers.models import CarrierFile, FileAct, FileLine, FileSet, PortalEntry

__all__ = ["owned"]

AT = datetime(2025, 10, 20, 9, tzinfo=UTC)
SENT = "Sent to the carrier on Oct. 20, 2025. It has not confirmed yet."
CONFIRMED = "The carrier confirmed it on Oct. 20, 2025."
ASKED = "The carrier asks about this."


@pytest.fixture
def told(owned, users):
    """Answer what puts a medical line of somebody into a file of a state, with what came back."""

    def put(user, state: str, code: str | None = None, verdict: str | None = None) -> None:
        who = {"client_id": user.employee.client_id, "person_id": user.employee.person_id}

        def do():
            file = CarrierFile.objects.create(**FILE | {"client_id": who["client_id"], "state": state})
            of = {"client_id": who["client_id"], "file_id": file.pk}
            if state not in ("built", "validated"):
                FileAct.objects.create(**of, number=1, state="sent", words="", author="t", made_at=AT)
            FileSet.objects.create(**of, set=1, control_number="0001", code=code, answered_at=AT)
            line = {"subscriber": "s", "member": "m", "line": "HLT", "plan_type": "10", "action": "021"}
            FileLine.objects.create(
                **who | line,
                file_id=file.pk,
                number=1,
                set=1,
                benefit_record=0,
                kind="add",
                begins_on=date(2025, 1, 1),
                verdict=verdict,
                answered_at=AT if verdict else None,
            )

        owned(do)

    return put


FILE = {
    "partner": "hmo",
    "partner_client": 0,
    "version": 1,
    "kind": "834",
    "purpose": "2",
    "environment": "T",
    "as_of": AT.date(),
    "known_at": AT,
    "reference": "r",
    "file_name": "f",
    "fingerprint": "f",
    "content": b"",
    "said": b"",
    "since": AT,
    "members": 1,
    "lines": 1,
    "built_at": AT,
    "built_by": "t",
}


def test_where_ones_own_cover_stands_is_said_in_plain_words(enter, users, told, owned):
    browser, user = enter("alone 2"), users["alone 2"]

    def page():
        return text(browser.get("/portal/"))

    assert "carrier" not in page()
    told(user, "validated")
    assert "The carrier will be told with the next file." in page()
    told(user, "sent")
    assert SENT in page()
    told(user, "accepted", code="A")
    assert SENT in page()
    told(user, "accepted in part", code="R")
    assert ASKED in page()
    told(user, "confirmed", code="A", verdict="refused")
    assert ASKED in page()
    told(user, "confirmed", code="A", verdict="accepted")
    assert CONFIRMED in page()
    owned(lambda: User.objects.filter(pk=user.pk).update(language="es"))
    assert "La aseguradora lo confirmó el 20 de octubre de 2025" in page()
    owned(lambda: User.objects.filter(pk=user.pk).update(language="en"))
    other = text(enter("alone 3").get("/portal/"))
    assert "carrier" not in other

    def entered():
        PortalEntry.objects.create(
            client_id=user.employee.client_id,
            partner="hmo",
            partner_client=0,
            person_id=user.employee.person_id,
            benefit_record=0,
            line="10",
            kind="add",
            action="021",
            reason="urgent",
            due_on=AT.date(),
            opened_at=AT.replace(month=11),
            opened_by="t",
        )

    owned(entered)
    assert "The carrier will be told with the next file." in page()
