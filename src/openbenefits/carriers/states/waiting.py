"""How long what may wait, as each partner's agreement says it; what waits for nobody."""

import polars as pl

from openbenefits.carriers.agreements.partners import Partner, read_partner, with_values
from openbenefits.carriers.models import CarrierFile, PartnerVersion
from openbenefits.carriers.rules.custody import FileState

S = FileState
OWN_ANSWERS, PORTAL = ("999", "TA1"), "portal"
HOURS = {
    "partner_client": pl.Int32,
    "partner": pl.String,
    "kind": pl.String,
    "state": pl.String,
    "hours": pl.Int64,
}


def agreements(pairs: set[tuple[int, str]]) -> dict[tuple[int, str], Partner]:
    """Answer the agreements in force by whose and which, in one query; one that is gone is left out."""
    rows = PartnerVersion.objects.filter(
        client_id__in={client for client, _ in pairs}, code__in={code for _, code in pairs}
    )
    found = {(row.client_id, row.code): row for row in rows.order_by("version")}
    told = with_values(row for key, row in found.items() if key in pairs)
    return {(row.client_id, row.code): read_partner(row.document) for row in told}


def due_hours(files: pl.DataFrame) -> pl.DataFrame:
    """Say how many hours files of each partner and kind may be in a state: HOURS; not named: for ever.

    Shapes: files has partner_client, partner and kind.
    """
    named = files.select("partner_client", "partner", "kind").unique().rows()
    told = agreements({(client, code) for client, code, _ in named})
    rows = [
        (client, code, kind, str(state), hours)
        for client, code, kind in named
        if (client, code) in told
        for state, hours in hours_of(told[client, code], kind).items()
    ]
    return pl.DataFrame(rows, schema=HOURS, orient="row")


def hours_of(partner: Partner, kind: str) -> dict[FileState, int]:
    """Answer how many hours a file may be in a state; a report is waited for where one is agreed."""
    if kind == PORTAL:
        return {}
    due = partner.due
    told: dict[FileState, int | None] = dict.fromkeys((S.VALIDATED, S.HELD), due.release)
    told[S.RELEASED] = due.transfer
    if kind not in OWN_ANSWERS:
        told |= dict.fromkeys((S.SENT, S.RECEIVED), due.acknowledgement)
        if partner.reports:
            accepted = (S.ACCEPTED, S.ACCEPTED_WITH_ERRORS, S.ACCEPTED_IN_PART)
            told |= dict.fromkeys(accepted, due.report)
    return {state: hours for state, hours in told.items() if hours is not None}


def is_answered_by_nothing(file: CarrierFile, partner: Partner) -> bool:
    """Whether no answer to a file is agreed: it is no X12, and no report speaks of it."""
    return file.kind == "file" and not partner.reports


def is_answered_by_reports(file: CarrierFile, partner: Partner) -> bool:
    """Whether a report is the first that is heard of a file: it is no X12, or no 999 is waited for."""
    return file.kind == "file" or partner.due.acknowledgement is None
