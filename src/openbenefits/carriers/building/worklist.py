"""What somebody must enter at a partner's portal, as a build finds it: opened, kept, or net nothing.

Nothing is remembered of what was wanted before: open entries are compared with what is to be said now.
"""

import hashlib
from datetime import date, datetime
from typing import Any, Protocol

import polars as pl

from openbenefits.carriers import models
from openbenefits.carriers.agreements.partners import Partner
from openbenefits.carriers.building.numbering import next_file_id
from openbenefits.carriers.building.projecting import Projection
from openbenefits.carriers.building.saying import packed
from openbenefits.carriers.building.writing import file_lines
from openbenefits.carriers.rules.custody import FileState
from openbenefits.carriers.rules.renderings import Message
from openbenefits.store.bulk import copy_out, schema_of
from openbenefits.store.secrets import seal_file

FROZEN, PORTAL = "frozen", "portal"
SAME = (
    *("client_id", "person_id", "dependent_id", "line", "kind", "action"),
    *("begins_on", "ends_on", "plan", "tier"),
)
OPEN = """
SELECT {columns} FROM carriers_portalentry
WHERE client_id = ANY(%(clients)s::int[]) AND partner = %(partner)s AND partner_client = %(owner)s
  AND done_at IS NULL AND is_net AND reason <> 'urgent'
"""


class Parted(Protocol):
    """What a build parted for the portal."""

    @property
    def owner(self) -> int: ...
    @property
    def version(self) -> int: ...
    @property
    def partner(self) -> Partner: ...
    @property
    def client_ids(self) -> Any: ...
    @property
    def projection(self) -> Projection: ...
    @property
    def portal(self) -> Message: ...


def settle(
    connection: Any, code: str, one: Parted, *, whose: int, on: date, author: str, now: datetime
) -> None:
    """Open entries for what must be said by hand and is not listed yet; close those that say nothing more."""
    stored = schema_of(models.PortalEntry)
    schema: dict[str, Any] = {"id": pl.Int64, **{name: stored[name] for name in SAME}}
    given = {"clients": list(one.client_ids), "partner": code, "owner": one.owner}
    standing = copy_out(connection, OPEN.format(columns=", ".join(schema)), schema, given)
    lines = file_lines(one.portal, one.projection).filter(pl.col("line") != "")
    lines = lines.with_columns(pl.col(name).cast(schema[name]) for name in SAME)
    gone = standing.join(lines, on=list(SAME), how="anti", nulls_equal=True)
    if gone.height:
        rows = models.PortalEntry.objects.using(connection.alias).filter(pk__in=gone["id"].to_list())
        rows.update(is_net=False)
    new = lines.join(standing, on=list(SAME), how="anti", nulls_equal=True)
    if new.is_empty():
        return
    file_id = _file(connection, code, one, whose=whose, on=on, author=author, now=now)
    reason = PORTAL if one.partner.kind == PORTAL else FROZEN
    names = (*SAME, "benefit_record")
    models.PortalEntry.objects.using(connection.alias).bulk_create(
        models.PortalEntry(
            partner=code,
            partner_client=one.owner,
            reason=reason,
            due_on=on,
            file_id=file_id,
            opened_at=now,
            opened_by=author,
            **row,
        )
        for row in new.select(names).iter_rows(named=True)
    )


def _file(
    connection: Any, code: str, one: Parted, *, whose: int, on: date, author: str, now: datetime
) -> int:
    """Keep what is to be entered as it was said, so that the view can move on by it."""
    content = one.portal.lines.write_csv().encode()
    file_id = next_file_id(connection)
    models.CarrierFile.objects.using(connection.alias).create(
        id=file_id,
        client_id=whose,
        partner=code,
        partner_client=one.owner,
        version=one.version,
        kind=PORTAL,
        purpose=one.portal.purpose,
        environment=one.partner.environment,
        as_of=on,
        known_at=now,
        reference=f"{code[:30]}-{file_id}",
        file_name="",
        fingerprint=hashlib.sha256(content).hexdigest(),
        content=seal_file(content),
        said=packed(one.portal),
        state=str(FileState.VALIDATED),
        since=now,
        members=one.portal.people.height,
        lines=one.portal.lines.height,
        built_at=now,
        built_by=author,
    )
    return file_id
