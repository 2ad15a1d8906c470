"""Members' custody: where everybody's cover stands with partners, counted by stage, listed, led to people."""

from typing import Any

import polars as pl
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts.roles import Permission
from openbenefits.carriers.custody.readings import named
from openbenefits.carriers.states.standing import STAGES, load_counts, load_standing
from openbenefits.workbench import links
from openbenefits.workbench.carriers.parts import KINDS, NUL, WHO, clients_for, crumbs
from openbenefits.workbench.charts import Bar, Tone, bars
from openbenefits.workbench.desks.parts import noted, plan_types
from openbenefits.workbench.pages import Section, Words, address, page, show
from openbenefits.workbench.sheets import Column, Sheet, sheet

LIMIT = 2_000
WORDS: dict[str, Words] = {
    "in file": _("in a file"),
    "released": _("released"),
    "transferred": _("sent"),
    "received": _("received there"),
    "accepted": _("taken by its system"),
    "not read": _("not read there"),
    "refused": _("refused"),
    "confirmed": _("confirmed"),
}
TONES: dict[str, Tone] = {"refused": "bad", "not read": "bad", "confirmed": "good", "accepted": "waiting"}


@page("carriers/custody/", name="carrier_custody", title=_("Members' custody"), section=Section.CARRIERS)
def listed(request: Any) -> HttpResponse:
    """Count cover by how far it has come; list it by stage and partner, who waits longest first."""
    seen = clients_for(request, Permission.SEE)
    stage = request.GET.get("stage", "")
    partner = str(request.GET.get("partner", "")).replace(NUL, "")
    counts = load_counts(seen)
    rows = load_standing(seen, stage=stage if stage in STAGES else None, partner=partner or None, limit=LIMIT)
    table = _sheet(request, named(rows, pl.col("dependent_id").is_null()))
    for client_id in sorted(rows["client_id"].unique().to_list()):
        noted(request, "saw", "custody of members", client_id)
    if (file := table.export()) is not None:
        return file
    return show(
        request,
        "workbench/carriers/custody.html",
        title=_("Members' custody"),
        crumbs=crumbs(),
        stages=_by_stage(counts if not partner else counts.filter(partner=partner), partner),
        partners=_by_partner(counts, stage),
        stage=WORDS.get(stage, ""),
        partner=partner,
        lines=table,
        most=LIMIT if rows.height == LIMIT else None,
    )


def _by_stage(counts: pl.DataFrame, partner: str) -> Any:
    """Draw how many lines stand where, in the order of their way."""
    sums = dict(counts.group_by("stage").agg(pl.col("lines").sum()).iter_rows())
    here = address("carrier_custody")
    values = [
        Bar(
            WORDS[stage],
            sums[stage],
            href=links.with_query(here, stage=stage, partner=partner),
            tone=TONES.get(stage, "plain"),
        )
        for stage in STAGES
        if sums.get(stage)
    ]
    return bars(values, caption=_("Cover by how far it has come")) if values else None


def _by_partner(counts: pl.DataFrame, stage: str) -> Any:
    """Draw how many lines of each partner are not confirmed; of one stage where the address asks."""
    is_meant = pl.col("stage") == stage if stage in STAGES else pl.col("stage") != "confirmed"
    open_ones = counts.filter(is_meant)
    sums = open_ones.group_by("partner").agg(pl.col("lines").sum()).sort("lines", "partner", descending=True)
    here = address("carrier_custody")
    values = [
        Bar(partner, lines, href=links.with_query(here, stage=stage, partner=partner), tone="waiting")
        for partner, lines in sums.iter_rows()
    ]
    caption = WORDS[stage] if stage in STAGES else _("Not confirmed yet, by partner")
    return bars(values, caption=caption) if values else None


def _sheet(request: Any, rows: pl.DataFrame) -> Sheet:
    return sheet(
        request,
        rows,
        (
            Column(
                "employee_number",
                _("Employee"),
                href=lambda row: links.found(
                    "person_carriers", client=row["client"], number=row["employee_number"]
                ),
            ),
            Column("client", _("Client")),
            Column("who", _("Who"), words=WHO),
            Column("partner", _("Partner")),
            Column("plan_type", _("Plan type"), words=plan_types()),
            Column("kind", _("What"), words=KINDS),
            Column("begins_on", _("From"), kind="day"),
            Column("ends_on", _("Through"), kind="day"),
            Column("stage", _("Stands at"), words=WORDS),
            Column("since", _("Since"), kind="moment"),
            Column(
                "file_id",
                _("File"),
                kind="number",
                href=lambda row: address("carrier_file", number=row["file_id"]),
            ),
            Column("words", _("The carrier says")),
        ),
        name="lines",
        caption=_("Cover, line by line"),
        empty=_("Nobody was told of yet. A file that is built is the first link of the chain."),
    )
