"""What another user approves before long work is asked for, where the client wants a second person."""

from django.db import connections

from openbenefits.accounts.approvals import ApprovalKind, Matter
from openbenefits.background.run_kinds import Finalise, Release, RunControl, StartRun, TakeBack
from openbenefits.core.codes import Level
from openbenefits.runs import controls
from openbenefits.runs.acts import matter_of, matter_of_release
from openbenefits.runs.models import Run
from openbenefits.runs.orders import RunOrder, matter_of_order


def finalising(client_id: int, author: str, asked: StartRun | Finalise | RunControl) -> Matter | None:
    """Answer what is approved with a run that finalises; None for one that does not."""
    if isinstance(asked, RunControl):
        rows = controls.controls(connections["default"], client_id).filter(code=asked.control)
        if rows.is_empty() or not rows["is_finalizing"][0] or rows["kind"][0] != "process":
            return None
        through, schedule, people = Level(rows["through_level"][0]), rows["schedule_id"][0], None
    elif isinstance(asked, Finalise):
        through, schedule, people = Level.ELECTIONS, asked.schedule, None
    elif asked.is_finalizing:
        through, schedule, people = asked.through, asked.schedule, asked.people
    else:
        return None
    order = RunOrder(
        client_id=client_id,
        schedule_id=schedule,
        as_of=asked.as_of,
        through=through,
        is_finalizing=True,
        people=people,
        started_by=author,
    )
    told = "everybody in scope" if people is None else f"{len(people)} people"
    return matter_of_order(order, f"{told}, defaults where nobody answered")


def about_run(client_id: int, author: str, asked: Release | TakeBack) -> Matter | None:
    """Answer what is approved with an act about a run; None for somebody else than who started it.

    Errors: ActRefused for the release of a run that is not held.
    """
    started = Run.objects.get(pk=asked.run, bundle_client=client_id)
    if started.started_by.strip().casefold() != author.strip().casefold():
        return None
    if isinstance(asked, Release):
        return matter_of_release(asked.run)
    return matter_of(started, str(ApprovalKind.TAKE_BACK))
