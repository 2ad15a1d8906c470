"""Step 7, putting right: a termination turns out to be none; then what is left to do."""

from datetime import date

import polars as pl

from openbenefits.cli.demo.after import employee_of, maintain, person_of
from openbenefits.cli.demo.stage import ACTOR, Stage, at
from openbenefits.cli.screen import console, say
from openbenefits.repair.proposals import due_order, rehearse_due, repair_due
from openbenefits.reports.repairs import named_consequences, named_proposals
from openbenefits.reports.tables import laid_out
from openbenefits.review.services import work_list
from openbenefits.workforce.models import JobFact
from openbenefits.workforce.services import delete_job_row

WITHDRAWN = date(2026, 8, 17)
STORY = "termination"


def play(stage: Stage) -> None:
    """Withdraw each client's termination, let the product repair itself, then list what a person must do."""
    with stage.step("7 Putting right: a termination that was none"):
        _put_right(stage)
    with stage.step("7 Putting right: what is left for a person"):
        _list_work(stage)


def _put_right(stage: Stage) -> None:
    """Delete the row that ended a job; the proposal is rehearsed, then made."""
    for files in stage.files.clients:
        number = employee_of(files, STORY)
        if number is None:
            continue
        client_id = stage.clients[files.client]
        person_id = person_of(client_id, number)
        ended = JobFact.objects.filter(client_id=client_id, person_id=person_id, action="TER")
        on = ended.latest("valid_from").valid_from
        delete_job_row(client_id, person_id, on=on, made_by=ACTOR, now=at(WITHDRAWN))
        maintain(stage, files.client, WITHDRAWN)
        _show_repair(stage, files.client, number)


def _show_repair(stage: Stage, client: str, number: str) -> None:
    """Rehearse the repairs due of a client, show what they would change, and make them."""
    client_id = stage.clients[client]
    order = due_order(client_id, WITHDRAWN, ACTOR)
    rehearsed = rehearse_due(stage.connection, order, now=at(WITHDRAWN))
    done = repair_due(stage.connection, order, now=at(WITHDRAWN))
    if done.consequences is None:
        say(f"{number} of {client}: nothing to repair.")
        return
    proposals = named_proposals(stage.connection, client_id, done.proposals)
    _show(proposals, f"{client}: what the product proposed, and did")
    for title, rows in named_consequences(stage.connection, client_id, done.consequences).items():
        _show(rows, f"{client}: {title.lower()}")
    same = rehearsed.consequences is not None and all(
        one.equals(other)
        for one, other in (
            (rehearsed.consequences.coverage, done.consequences.coverage),
            (rehearsed.consequences.deductions, done.consequences.deductions),
        )
    )
    say("The rehearsal said the same." if same else "THE REHEARSAL SAID SOMETHING ELSE.")


def _show(rows: pl.DataFrame, title: str) -> None:
    if rows.height:
        console.print(laid_out(rows, title=title, width=console.width))


def _list_work(stage: Stage) -> None:
    """List each client's causes, however many people are behind one."""
    columns = ["client", "code", "message", "record", "people", "cure"]
    lists = [
        work_list(stage.connection, client_id, as_of=WITHDRAWN)["Work"].select(columns)
        for client_id in stage.clients.values()
    ]
    rows = pl.concat(lists)
    if rows.is_empty():
        say("Nothing is left to do.")
        return
    console.print(laid_out(rows, title="What is to be done, by cause", width=console.width))
    say("With who is behind it, since when, and the command that helps: openbenefits review work --client …")
