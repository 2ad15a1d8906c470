"""Agreements with partners: read, checked, put into force; what clients offer that they have no code for."""

from typing import Any

from django.db import connection
from ninja import Path, Status
from pydantic import BaseModel, Field

from openbenefits.accounts.roles import Permission
from openbenefits.api.carriers import PARTNERS, unknown_partner
from openbenefits.api.naming import at, at_or_peo
from openbenefits.api.paging import Rows, slice_of
from openbenefits.api.problems import Problem
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import Body, Code, Cursor, Limit
from openbenefits.carriers.agreements.checking import uncoded
from openbenefits.carriers.agreements.partners import (
    Partner,
    PartnerRefused,
    document_of,
    partner_of,
    save_partner,
    with_values,
)
from openbenefits.carriers.agreements.text import MOST_CHARACTERS, read_text, text_of
from openbenefits.carriers.agreements.words import differences, in_words
from openbenefits.carriers.models import PartnerVersion

router = Routes("carriers")
NULLS = "^[^\\x00]*$"


class Agreement(Body):
    """An agreement as people write it."""

    text: str = Field(
        min_length=1,
        max_length=MOST_CHARACTERS,
        pattern=NULLS,
        description="YAML or JSON, by docs/schema/carrier-agreement.schema.json.",
        examples=["name: Vision\ncarriers: [Vision]\nkind: portal\n"],
    )


class AgreementChange(BaseModel):
    """A field that the agreement in force says differently; null where one of them does not say it."""

    field: str
    before: str | None
    after: str | None


class Checked(BaseModel):
    """An agreement that can be put into force, in words."""

    in_words: dict[str, str]
    changes: list[AgreementChange] = Field(description="Against the one in force; empty without.")


class InForce(Checked):
    """An agreement that was put into force."""

    version: int = Field(description="The same again makes no version.")


class AgreementText(BaseModel):
    """An agreement in force as YAML."""

    version: int
    text: str


@router.get(f"{PARTNERS}/{{partner}}/agreement", response=AgreementText, summary="Read an agreement")
def read_agreement(request: Any, client: Path[Code], partner: Path[Code]) -> Any:
    """Answer the agreement in force as YAML; one of the PEO's only for who may see the PEO's."""
    desk = at_or_peo(request, client, Permission.SEE)
    try:
        owner, version, found = partner_of(desk.client_id, partner)
    except PartnerRefused:
        raise unknown_partner() from None
    desk.access.require(Permission.SEE, owner)
    return {"version": version, "text": text_of(found)}


@router.post(f"{PARTNERS}/{{partner}}/checks", response=Checked, summary="Check an agreement")
def check_agreement(request: Any, client: Path[Code], partner: Path[Code], said: Agreement) -> Any:
    """Read an agreement, and say what it would change; nothing is written. A fault is told with its line."""
    desk = at_or_peo(request, client, Permission.SETUP)
    return _told(desk.client_id, partner, _read(said))


@router.post(f"{PARTNERS}/{{partner}}/versions", response={201: InForce}, summary="Load an agreement")
def load_agreement(request: Any, client: Path[Code], partner: Path[Code], said: Agreement) -> Any:
    """Put an agreement of the client's (or the PEO's) into force; files built before keep their version."""
    desk = at_or_peo(request, client, Permission.SETUP)
    agreed = _read(said)
    told = _told(desk.client_id, partner, agreed)
    version = save_partner(desk.client_id, partner, agreed, author=desk.author, now=desk.now)
    desk.did(f"agreement with partner {partner}: version {version}")
    return Status(201, told | {"version": version})


def _read(said: Agreement) -> Partner:
    """Read an agreement. Errors: Problem 422 with the line."""
    try:
        return read_text(said.text)
    except PartnerRefused as refused:
        fields = [{"field": "text", "expected": str(refused)}]
        raise Problem(422, "not-valid", str(refused), fields=fields) from None


def _told(client_id: int, code: str, agreed: Partner) -> dict[str, Any]:
    last = PartnerVersion.objects.filter(client_id=client_id, code=code).order_by("-version").first()
    known = [] if last is None else with_values([last])
    changes = [one for row in known for one in differences(row.document, document_of(agreed)).to_dicts()]
    return {"in_words": dict(in_words(agreed)), "changes": changes}


@router.get("/clients/{client}/carrier-gaps", response=Rows, summary="List what agreements have no code for")
def list_gaps(request: Any, client: Path[Code], cursor: Cursor, limit: Limit) -> Any:
    """List plans and tiers on offer that an agreement has no code for, and carriers nobody tells."""
    desk = at(request, client, Permission.SEE)
    return slice_of(uncoded(connection, [desk.client_id]).drop("client_id"), cursor=cursor, limit=limit)
