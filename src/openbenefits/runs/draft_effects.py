"""What a draft of set-up moves, in people and dollars, as it is kept with the request for it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.programs.drafts.services import OpenDraft, opened
from openbenefits.programs.findings import Finding
from openbenefits.programs.frames import load_setup
from openbenefits.programs.models import Draft
from openbenefits.programs.services import NoSuchRelease, check
from openbenefits.runs.effects import KINDS, Progress, SetupEffect, effect_of
from openbenefits.workforce.models import Client

MOST_NAMED = 200
"""How many of the people moved are named; all are counted."""


class DraftUnfit(ValueError):
    """A draft that could not be applied, so that it moves nobody; the message says what stands in the way."""


def draft_effect(
    connection: Any, draft_id: int, *, as_of: date, now: datetime, progress: Progress | None = None
) -> Mapping[str, Any]:
    """Say whom a draft would move: people by client and kind of change, dollars by client and plan.

    Units: cents; of a year, a month, and a pay. Answers plain data; `people` are the first by their number.

    Errors: DraftUnfit; NoSuchRelease for a draft there is not.
    """
    draft = Draft.objects.filter(pk=draft_id).first()
    if draft is None:
        raise NoSuchRelease(f"expected a draft, found none of number {draft_id}; open the set-up again")
    held = opened(draft)
    errors = [one for one in check(held.reading).findings if one.severity == "E"]
    if errors or held.conflicts:
        raise DraftUnfit(_why(errors, held))
    effect = effect_of(connection, draft.client_id, held.reading, as_of=as_of, now=now, progress=progress)
    return {"as_of": as_of.isoformat(), "draft_of": draft.changed_at.isoformat(), **_told(connection, effect)}


def _why(errors: list[Finding], held: OpenDraft) -> str:
    first = errors[0].sentence() if errors else held.conflicts[0].name
    count = len(errors) + len(held.conflicts)
    return f"expected a draft that can be applied, found {count} faults, the first: {first}"


def _told(connection: Any, effect: SetupEffect) -> dict[str, Any]:
    codes = dict(Client.objects.values_list("id", "code"))
    client = pl.col("client_id").replace_strict(codes, default=None, return_dtype=pl.String).alias("client")
    plans = load_setup(connection)["plan"].select("plan_id", plan="code").unique("plan_id", keep="last")
    by_plan = effect.plans.filter(pl.col("changed") > 0).join(plans, on="plan_id", how="left")
    moved = effect.changes.filter(pl.col("change").is_in(KINDS))
    everybody = moved.select("client_id", "person_id").unique()
    named = effect.people.select("client_id", "person_id", "plan_type").unique(maintain_order=True)
    return {
        "people": everybody.height,
        "covered": effect.plans["people"].sum(),
        "clients": effect.clients.select(client, "change", "people", "rows").to_dicts(),
        "plans": by_plan.select(client, pl.exclude("client_id", "plan_id")).to_dicts(),
        "moved": effect.people.select("client_id", "person_id").unique().height,
        "named": named.head(MOST_NAMED).to_dicts(),
    }
