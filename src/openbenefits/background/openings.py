"""Carriers' files that open a client, handed in: what one would do, doing it, taking it back.

Options of such a file: on (a day), partner (whose agreement is meant) or mapping (YAML), is_partial.
"""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from openbenefits.background.models import HandedIn
from openbenefits.background.uploads import opened
from openbenefits.carriers import opening
from openbenefits.carriers.agreements.partners import partner_of
from openbenefits.carriers.agreements.text import read_document
from openbenefits.workforce.models import Client


def meaning(client_id: int, partner: str, mapping: str) -> opening.Mapping:
    """Answer what the codes of a file mean: by a mapping as YAML, else by an agreement turned around.

    Errors: MappingRefused, PartnerRefused.
    """
    if mapping.strip():
        return opening.read_mapping(read_document(mapping))
    _owner, _version, agreed = partner_of(client_id, partner)
    return opening.of_partner(agreed, Client.objects.get(pk=client_id).code)


def preview(connection: Any, file: HandedIn, *, now: datetime) -> opening.Preview:
    """Say what a file would open its client with; nothing is written.

    Errors: FileNotTaken; and as `carriers.opening.preview`.
    """
    with opened(file) as path:
        data = path.read_bytes()
    on = date.fromisoformat(file.options["on"])
    return opening.preview(connection, file.client_id, data, file.name, _meant(file), on=on, now=now)


def choose(file: HandedIn, *, is_partial: bool) -> None:
    """Say whether families with faults are left out, and the rest taken."""
    file.options = file.options | {"is_partial": is_partial}
    file.save(update_fields=["options"])


def carry_out(
    connection: Any, file: HandedIn, path: Path, mapping: Mapping[str, str], author: str, now: datetime
) -> tuple[int | None, dict[str, Any]]:
    """Open the client with a file: all or nothing, less families with faults where that is said."""
    del mapping
    told = file.options
    made = opening.open_client(
        connection,
        file.client_id,
        path.read_bytes(),
        file.name,
        _meant(file),
        author=author,
        on=date.fromisoformat(told["on"]),
        now=now,
        is_partial=bool(told.get("is_partial")),
    )
    return made.change_id, {"people": dict(made.preview.counts)}


def take_back(connection: Any, file: HandedIn, *, reason: str, author: str, now: datetime) -> dict[str, Any]:
    """Undo an opening whole, coverage first."""
    change = int(file.change_id or 0)
    with transaction.atomic():
        told = opening.take_back(connection, file.client_id, change, reason=reason, author=author, now=now)
    return {
        "withdrawn": told.withdrawn,
        "restored": told.restored,
        "points": told.points,
        "left": told.conflicts,
    }


def _meant(file: HandedIn) -> opening.Mapping:
    return meaning(file.client_id, file.options.get("partner", ""), file.options.get("mapping", ""))
