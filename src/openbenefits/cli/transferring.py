"""Somebody goes on at another client of the PEO."""

from typing import Annotated, Any

import typer

from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, find_people, open_database
from openbenefits.cli.options import By, ClientCode, Person, parse_day
from openbenefits.cli.repair_options import Apply, Reason
from openbenefits.cli.screen import say

To = Annotated[str, typer.Option("--to-client", metavar="CODE", help="The other client.")]
Number = Annotated[str, typer.Option("--number", metavar="NUMBER", help="The employee's number there.")]
On = Annotated[Any, typer.Option("--on", parser=parse_day, metavar="YYYY-MM-DD", help="The first day there.")]
Company = Annotated[str, typer.Option("--company", metavar="CODE", help="The company there.")]
Group = Annotated[str, typer.Option("--group", metavar="CODE", help="The benefit group there.")]
PayGroup = Annotated[str, typer.Option("--pay-group", metavar="CODE", help="The pay group there.")]
Kept = Annotated[bool, typer.Option("--keep-service", help="Service counts on from here.")]
Why = Annotated[
    str | None,
    typer.Option(
        "--job-reason",
        metavar="CODE",
        help="The reason of the job row there: the set-up may have an event class for it.",
        show_default=False,
    ),
]


def transfer(
    client: ClientCode,
    person: Person,
    to: To,
    number: Number,
    on: On,
    company: Company,
    group: Group,
    pay_group: PayGroup,
    reason: Reason,
    keeps_service: Kept = False,
    job_reason: Why = None,
    by: By = "administrator",
    apply: Apply = False,
) -> None:
    """Let somebody go on at another client: the job ends here, and begins there the next day."""
    connection = open_database()
    from openbenefits.repair import transferring

    found, other = find_client(client), find_client(to)
    order = transferring.TransferOrder(
        client_id=found.pk,
        person_id=find_people(found, [person])[0],
        to_client=other.pk,
        employee_number=number,
        begins_on=on,
        job={"company": company, "benefit_group": group, "pay_group": pay_group},
        keeps_service=keeps_service,
        reason=reason,
        author=by,
        coming_reason=job_reason,
    )
    done = transferring.transfer(connection, order, now=now(), is_rehearsal=not apply)
    say(f"{person} of {client} is {number} of {to} from {on}, with {done.dependents} dependents.")
    if apply:
        say("The next runs of both decide what ends and what begins.")
    else:
        say("Nothing was written. Say --apply to do it.")


def undo_transfer(client: ClientCode, person: Person, reason: Reason, by: By = "administrator") -> None:
    """Take the last transfer of somebody back: they never left."""
    open_database()
    from openbenefits.repair import transferring

    found = find_client(client)
    person_id = find_people(found, [person])[0]
    last = transferring.undo_transfer(found.pk, person_id, reason=reason, author=by, now=now())
    say(f"The transfer of {last.begins_on} is taken back; the next runs put right what they made of it.")
