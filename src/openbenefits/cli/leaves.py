"""`openbenefits payroll`, leaves without pay: how coverage is paid for, what came in, letters, lapse."""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
import typer

from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, find_people, open_database
from openbenefits.cli.elect import scaled
from openbenefits.cli.ledger import in_dollars, print_proposals
from openbenefits.cli.options import AsOf, By, ClientCode, On, parse_day
from openbenefits.cli.screen import console, say
from openbenefits.core.codes import LeaveWay, Resumption

if TYPE_CHECKING:
    from openbenefits.payroll.leaves import Leave

_DAY: dict[str, Any] = {"parser": parse_day, "metavar": "YYYY-MM-DD", "show_default": False}
Number = Annotated[str, typer.Option("--person", metavar="NUMBER", help="The employee's number.")]
LeaveFrom = Annotated[date, typer.Option("--leave", help="The first day of the leave.", **_DAY)]
ThroughDay = Annotated[
    date | None, typer.Option("--through", help="The last day of the leave, as expected.", **_DAY)
]
Record = Annotated[int, typer.Option("--record", help="The benefit record.")]
Way = Annotated[LeaveWay, typer.Option("--way", help="How coverage is paid for.")]
Resumed = Annotated[Resumption, typer.Option("--take", help="How much of the pledges goes on.")]
Consent = Annotated[str, typer.Option("--consent", help="How and when that was agreed.")]
Amount = Annotated[str, typer.Option("--amount", metavar="DOLLARS", help="What came in.")]
How = Annotated[str, typer.Option("--how", help="Check, transfer … with its number.")]
Reason = Annotated[str, typer.Option("--reason", help="Which letter; it is kept.")]

STANDING = (
    *("employee_number", "leave_from", "policy", "way", "open_cents", "oldest_due_on", "may_end_on"),
    "standing",
)


def leaves(client: ClientCode, as_of: AsOf) -> None:
    """List leaves without pay: the way coverage is paid for, what is open, and what follows from it."""
    connection = open_database()
    from openbenefits.payroll.leaves import standings

    rows = standings(connection, find_client(client).pk, as_of)
    if rows.is_empty():
        say("Nobody was on leave without pay.")
        return
    shown = rows.select(STANDING)
    console.print(in_dollars(shown, f"Leaves without pay at {client} as of {as_of}"))


def way(
    client: ClientCode,
    person: Number,
    leave: LeaveFrom,
    way: Way,
    consent: Consent,
    on: On,
    through: ThroughDay = None,
    record: Record = 0,
    by: By = "administrator",
) -> None:
    """Record how a person pays for coverage during a leave without pay."""
    connection = open_database()
    from openbenefits.payroll.leaves import choose

    one = _leave(client, person, leave, record)
    is_new = choose(connection, one, way, on=on, consent=consent, through=through, author=by, now=now())
    say("Recorded." if is_new else "It was recorded before; nothing was written.", style="green")


def leave_resume(
    client: ClientCode,
    person: Number,
    leave: LeaveFrom,
    take: Resumed,
    consent: Consent,
    on: On,
    record: Record = 0,
    by: By = "administrator",
) -> None:
    """Record how much of the pledges that ended during a leave goes on; the return is decided again."""
    connection = open_database()
    from openbenefits.payroll.leaves import lapsed
    from openbenefits.repair.resuming import ResumeOrder, resume

    one = _leave(client, person, leave, record)
    resume(
        connection,
        ResumeOrder(leave=one, resumption=take, on=on, consent=consent, author=by),
        now=now(),
    )
    shown = lapsed(connection, one, on=on).select(
        *("plan_type", "resumes_on", "begins_on", "pledge_cents", "missed_cents", "reduced_cents"),
        "resumption",
    )
    console.print(in_dollars(shown, "Accounts that ended during the leave"))


def received(
    client: ClientCode,
    person: Number,
    leave: LeaveFrom,
    amount: Amount,
    how: How,
    on: On,
    record: Record = 0,
    by: By = "administrator",
) -> None:
    """Take in what somebody on leave paid outside payroll; it settles the oldest pays first."""
    connection = open_database()
    from openbenefits.payroll.leaves import receive

    cents = scaled(amount, 2, "--amount") or 0
    one = _leave(client, person, leave, record)
    rows = receive(connection, one, cents, on=on, how=how, author=by, now=now())
    shown = rows.select("plan_type", "tax_class", "ends_on", "check_on", "received_cents")
    console.print(in_dollars(shown, "What it settled"))


def leave_notice(
    client: ClientCode,
    person: Number,
    leave: LeaveFrom,
    reason: Reason,
    on: On,
    record: Record = 0,
    by: By = "administrator",
) -> None:
    """Record the letter that says coverage may end for want of payment."""
    connection = open_database()
    from openbenefits.payroll.leaves import notice

    one = _leave(client, person, leave, record)
    is_new = notice(connection, one, on=on, reason=reason, author=by, now=now())
    say("Recorded." if is_new else "It was recorded before; nothing was written.", style="green")


def lapse(client: ClientCode, as_of: AsOf, by: By = "administrator") -> None:
    """Bring about the event that ends coverage for whoever has not paid, after grace and letter."""
    connection = open_database()
    from openbenefits.payroll.leaves import lapse as bring_about

    rows = bring_about(connection, find_client(client).pk, as_of, author=by, now=now())
    if rows.is_empty():
        say("Nobody's coverage may be ended for want of payment.", style="green")
        return
    console.print(in_dollars(rows, f"Coverage that may be ended at {client}"))
    say(f"{rows['done'].sum()} entered as activity; the next run of event maintenance decides it.")


def prepay(client: ClientCode, on: On, by: By = "administrator") -> None:
    """Order what is to be paid before leaves, evenly over the open pays before each."""
    connection = open_database()
    from openbenefits.payroll.leaves import prepay as order
    from openbenefits.payroll.ledger import Asked

    asked = Asked(client_id=find_client(client).pk, through=on)
    rows = order(connection, asked, on=on, author=by, now=now())
    from openbenefits.payroll.frames import load_employee_numbers

    numbers = load_employee_numbers(connection, asked.client_id)
    named = rows.join(numbers, on="person_id", how="left").with_columns(
        pay_group=pl.col("pay_group_id").cast(pl.String)
    )
    print_proposals(named, client, is_applied=True)


COMMANDS: dict[str, Callable[..., None]] = {
    "leaves": leaves,
    "leave-way": way,
    "leave-resume": leave_resume,
    "leave-received": received,
    "leave-notice": leave_notice,
    "leave-lapse": lapse,
    "leave-prepay": prepay,
}


def _leave(client: str, person: str, leave_from: date, record: int) -> "Leave":
    from openbenefits.payroll.leaves import Leave

    found = find_client(client)
    return Leave(
        client_id=found.pk,
        person_id=find_people(found, [person])[0],
        benefit_record=record,
        leave_from=leave_from,
    )
