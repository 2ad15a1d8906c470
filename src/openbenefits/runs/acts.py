"""What people do about runs: append-only acts, by a second person where the client wants one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.accounts.approvals import ApprovalKind, Matter, is_approved
from openbenefits.runs import models
from openbenefits.runs.limits import needs_second_person

RELEASE, TAKE_BACK, COMMIT = "release", "take_back", "commit"
HELD = "held"


class ActRefused(ValueError):
    """An act about a run that cannot be: what was expected, what was found, what to change."""


def record_act(
    connection: Any,
    started: models.Run,
    kind: str,
    *,
    reason: str,
    author: str,
    now: datetime,
    found: Mapping[str, Any] | None = None,
    prepared_by: str | None = None,
) -> models.RunAct:
    """Write down what somebody did about a run; prepared by who started it, unless told otherwise.

    Errors: ActRefused without a reason, or by the same person where the client wants a second one and nobody
            else approved exactly this.
    """
    if not reason.strip() or not author.strip():
        raise ActRefused(f"run {started.pk}: expected a reason and an author, found none; state both")
    second = needs_second_person(connection, started.bundle_client, kind)
    if second and not is_approved(matter_of(started, kind, found), now):
        refuse_same_person(second, prepared_by or started.started_by, author, f"run {started.pk}")
    number = models.RunAct.objects.filter(run_id=started.pk).count() + 1
    return models.RunAct.objects.create(
        run_id=started.pk,
        number=number,
        kind=kind,
        reason=reason,
        author=author,
        prepared_by=prepared_by or started.started_by,
        needs_second=second,
        found=dict(found or {}),
        acted_at=now,
    )


def matter_of(started: models.Run, kind: str, found: Mapping[str, Any] | None = None) -> Matter:
    """Answer what another user approves who approves an act about a run; found as `record_act`."""
    told = ",".join(f"{name}={value}" for name, value in sorted((found or {}).items()))
    return Matter(
        client_id=started.bundle_client or 0,
        kind=ApprovalKind(kind),
        key=f"run {started.pk}",
        parts=[told],
        told=told,
    )


def matter_of_release(run_id: int) -> Matter:
    """Answer what is approved with the release of a held run: what it would publish.

    Errors: models.Run.DoesNotExist; ActRefused if it is not held.
    """
    started = models.Run.objects.get(pk=run_id)
    if started.state != HELD:
        raise ActRefused(f"run {run_id}: expected a run that is held, found {started.state}")
    return matter_of(started, RELEASE, started.options[HELD]["found"])


def refuse_same_person(is_wanted: bool, prepared_by: str, author: str, what: str) -> None:
    """Refuse an act by who prepared it, where the client wants a second person.

    Errors: ActRefused.
    """
    if is_wanted and author.strip().casefold() == prepared_by.strip().casefold():
        raise ActRefused(
            f"{what}: expected another person than who prepared it, as the client wants; found the same."
            " Let somebody else do it."
        )


def released_of(run_id: int) -> dict[str, int]:
    """Answer what was last released of a run, by measure; empty if nothing was."""
    act = models.RunAct.objects.filter(run_id=run_id, kind=RELEASE).order_by("-number").first()
    return dict(act.found) if act else {}


def release(connection: Any, run_id: int, *, reason: str, author: str, now: datetime) -> models.Run:
    """Let a held run be published as it was looked at; `services.resume_run` then publishes it.

    If more would be published by then than was looked at, it is held again.

    Errors: models.Run.DoesNotExist; ActRefused if it is not held.
    """
    with transaction.atomic():
        started = models.Run.objects.select_for_update().get(pk=run_id)
        if started.state != HELD:
            raise ActRefused(
                f"run {run_id}: expected a run that is held, found {started.state}; correct the number"
            )
        found = started.options[HELD]["found"]
        record_act(connection, started, RELEASE, reason=reason, author=author, now=now, found=found)
        started.state = "running"
        started.save(update_fields=["state"])
        models.RunPartition.objects.filter(run_id=run_id, state=HELD).update(state="waiting")
    return started


def held_runs(client_id: int | None = None) -> pl.DataFrame:
    """List the runs that wait for a person: run, client_id, run_control, as_of, since, by, people, why."""
    runs = models.Run.objects.filter(state=HELD).order_by("id")
    if client_id is not None:
        runs = runs.filter(bundle_client=client_id)
    lines = [
        {
            "run": one.pk,
            "client_id": one.bundle_client,
            "run_control": one.run_control,
            "as_of": one.as_of,
            "since": one.ended_at,
            "by": one.started_by,
            "people": one.options[HELD]["people"],
            "why": "; ".join(one.options[HELD]["why"]),
        }
        for one in runs
    ]
    return pl.DataFrame(lines, schema=HELD_RUNS)


HELD_RUNS: dict[str, Any] = {
    "run": pl.Int64,
    "client_id": pl.Int64,
    "run_control": pl.String,
    "as_of": pl.Date,
    "since": pl.Datetime("us", "UTC"),
    "by": pl.String,
    "people": pl.Int64,
    "why": pl.String,
}
