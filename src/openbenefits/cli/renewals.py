"""`openbenefits renewals`: from what a client has today to set-up of next year in force."""

from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
import typer

from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, open_database
from openbenefits.cli.faults import EXIT_REFUSED, Refused
from openbenefits.cli.options import AsOf, By, ClientCode, File, On, Schedule, parse_day
from openbenefits.cli.screen import console, dollars, say, table_of

if TYPE_CHECKING:
    from openbenefits.programs.drafts.services import Hand
    from openbenefits.renewals.models import Batch

app = typer.Typer(
    no_args_is_help=True,
    help="Offer plans to clients, renew them, and bring what was signed into force.",
    epilog="Example: openbenefits renewals take-over -c quill -s OE26   ·   openbenefits renewals jobs",
)

BatchNumber = Annotated[int, typer.Argument(help="The batch, by its number.", show_default=False)]
Source = Annotated[str, typer.Option("--source", help="The carrier's document.", show_default=False)]
WindowFrom = Annotated[
    date | None,
    typer.Option("--enrolment-from", parser=parse_day, metavar="YYYY-MM-DD", help="First day to choose."),
]
WindowTo = Annotated[
    date | None,
    typer.Option("--enrolment-to", parser=parse_day, metavar="YYYY-MM-DD", help="Last day to choose."),
]


def _hand(by: str) -> "Hand":
    from openbenefits.programs.drafts.services import Hand

    return Hand(name=by, user_id=0, now=now())


def _batch(number: int) -> "Batch":
    from openbenefits.renewals.models import Batch

    found = Batch.objects.filter(pk=number).first()
    if found is None:
        raise Refused(f"expected a batch, found none of number {number}; `renewals list` names them")
    return found


@app.command("list")
def list_batches(
    client: Annotated[
        str | None, typer.Option("--client", "-c", metavar="CODE", help="One client; all unless told.")
    ] = None,
) -> None:
    """List batches: whose, which year, and how far each is."""
    open_database()
    from openbenefits.renewals.models import Batch
    from openbenefits.workforce.models import Client

    rows = Batch.objects.order_by("-effective_on", "pk")
    if client is not None:
        rows = rows.filter(client_id=find_client(client).pk)
    codes = dict(Client.objects.values_list("pk", "code"))
    table = [
        {
            "batch": one.pk,
            "client": codes.get(one.client_id, ""),
            "kind": one.type,
            "status": one.status,
            "begins": one.effective_on,
            "ends": one.expires_on,
            "enrolment": one.schedule,
        }
        for one in rows
    ]
    if not table:
        say("No batch yet. `renewals take-over` begins with what a client has today.")
        return
    console.print(table_of(pl.DataFrame(table), title="Benefits batches"))


@app.command()
def show(batch: BatchNumber) -> None:
    """Show a batch now against renewal: in all, and by plan, a month."""
    connection = open_database()
    from openbenefits.renewals.presenting import shown

    told = shown(connection, _batch(batch))
    whole = [_said(one.name, one) for one in (*told.whole, *told.own)]
    plans = [
        {"plan": one.row["plan_name"], "group": one.row["benefit_group"], "status": one.row["status"]}
        | {"people": one.people}
        | _said("", one.amounts["premium"])
        for one in told.plans
    ]
    title = f"Batch {batch}, {told.batch.status}, from {told.batch.effective_on}"
    console.print(table_of(pl.DataFrame(whole), title=title))
    if plans:
        console.print(table_of(pl.DataFrame(plans).drop("what"), title="Premium by plan"))


def _said(what: str, amount: Any) -> dict[str, str]:
    return {
        "what": what,
        "now": dollars(amount.was),
        "renewal": dollars(amount.is_now),
        "change": dollars(amount.change),
        "percent": amount.percent,
    }


@app.command()
def masters(as_of: AsOf, by: By = "administrator") -> None:
    """Make masters of the PEO's plans whose rates are a price list; name the others."""
    open_database()
    from openbenefits.renewals.taking_over import masters_from_setup

    found = masters_from_setup(as_of, by=_hand(by))
    say(f"{len(found.made)} masters made, {len(found.left)} plans left as set-up has them")
    _left(found.left)


def _left(left: list[Any]) -> None:
    if left:
        rows = [{"what": one.what, "why": one.why} for one in left]
        console.print(table_of(pl.DataFrame(rows), title="Left out"))


@app.command()
def renew_plan(
    code: Annotated[str, typer.Argument(help="The plan, by its unique code.", show_default=False)],
    new_code: Annotated[str, typer.Argument(help="The code of the new one.", show_default=False)],
    source: Source,
    change: Annotated[
        str, typer.Option("--change", metavar="PERCENT", help="By how much every rate rises.")
    ] = "0",
    by: By = "administrator",
) -> None:
    """Renew a plan for the year after, its rates raised by a percentage."""
    open_database()
    from openbenefits.renewals.models import BenefitsPlan
    from openbenefits.renewals.plans import renew_plan as renew_it

    plan = BenefitsPlan.objects.filter(unique_code=code).first()
    if plan is None:
        raise Refused(f"expected a plan, found none of code {code}; correct it")
    micros = _micros(change, "--change")
    made = renew_it(plan, new_code, by=_hand(by), source=source, change_micros=micros)
    say(f"{made.unique_code}: {made.begins_on} to {made.expires_on}, {made.status}")


@app.command()
def take_over(client: ClientCode, schedule: Schedule, by: By = "administrator") -> None:
    """Make the batch of the year a client is in, at the prices stored with an open enrolment."""
    connection = open_database()
    from openbenefits.renewals.taking_over import batch_from_setup

    batch, left = batch_from_setup(connection, find_client(client).pk, schedule, by=_hand(by))
    say(f"batch {batch.pk}, {batch.status}: {batch.offers.count()} plans")
    _left(left)


@app.command()
def renew(
    batch: BatchNumber,
    leaves_out: Annotated[
        bool, typer.Option("--save-anyway", help="Leave plans out that nobody renewed.")
    ] = False,
    enrollment_from: WindowFrom = None,
    enrollment_to: WindowTo = None,
    by: By = "administrator",
) -> None:
    """Make the batch of the year after; plans that nobody renewed are named, and stop it unless left out."""
    connection = open_database()
    from openbenefits.cli.clock import today
    from openbenefits.renewals.renewing import renew_batch
    from openbenefits.renewals.weighing import prefill_counts

    given = {"enrollment_begins_on": enrollment_from, "enrollment_ends_on": enrollment_to}
    made = renew_batch(_batch(batch), by=_hand(by), leaves_out=leaves_out, **given)
    counted = prefill_counts(connection, made.batch, today())
    named = ", ".join(one.plan.unique_code for one in made.left_out)
    say(
        f"batch {made.batch.pk} from {made.batch.effective_on}: {made.batch.offers.count()} plans,"
        f" {counted.people:,} people counted{f'; left out: {named}' if named else ''}"
    )
    for doubt in counted.doubts():
        say(doubt)


@app.command()
def move(
    batch: BatchNumber,
    status: Annotated[str, typer.Argument(help="Where to, as `show` names it.", show_default=False)],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept.")] = "",
    by: By = "administrator",
) -> None:
    """Take a batch to another status, where that is legal."""
    open_database()
    from openbenefits.renewals.moves import BATCH
    from openbenefits.renewals.statuses import move as move_it

    if status in ("approved", "active"):
        raise Refused(f"expected a signature or its day, found '{status}' set by hand; sign, or run the jobs")
    held = _batch(batch)
    move_it(BATCH, held, status, author=by, now=now(), reason=reason)
    say(f"batch {batch}: {held.status}")


@app.command()
def workbook(
    batch: BatchNumber,
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The XLSX to write.", show_default=False)],
    for_client: Annotated[
        bool, typer.Option("--for-client", help="Without the PEO's cost and margin.")
    ] = False,
) -> None:
    """Write the renewal workbook: a row for each offer, now against renewal, formulas live."""
    connection = open_database()
    from openbenefits.renewals.workbook import workbook_of

    file.write_bytes(workbook_of(connection, _batch(batch), for_client=for_client))
    say(f"{file}: written")


@app.command()
def read_workbook(
    batch: BatchNumber,
    file: File,
    is_preview: Annotated[bool, typer.Option("--preview", help="Say what would change.")] = False,
) -> None:
    """Take the numbers of people from a workbook; one fault, and nothing is taken."""
    open_database()
    from openbenefits.renewals.workbook_reading import read_back

    taken = read_back(_batch(batch), file.name, file.read_bytes(), is_preview=is_preview)
    for fault in taken.faults:
        say(fault.sentence(), style="red")
    if taken.faults:
        raise typer.Exit(EXIT_REFUSED)
    say(f"{taken.changed} numbers {'would be' if is_preview else 'are'} changed")


@app.command()
def force(batch: BatchNumber, by: By = "administrator") -> None:
    """Put the set-up of a signed batch into force: programs, rates, open enrolment, runs, reminders."""
    connection = open_database()
    from openbenefits.renewals.setting_up import put_into_force

    held = _batch(batch)
    change = put_into_force(connection, held, by=_hand(by))
    number = change.release.number if change.release else ""
    say(f"batch {batch}: release {number} of set-up, open enrolment {held.schedule or 'none'}")


@app.command()
def jobs(on: On, by: By = "administrator") -> None:
    """Do what is due on a day: signed batches into force, plans and batches begun and ended, reminders.

    The night does the same. What is held is named, and the command ends with 1.
    """
    connection = open_database()
    from openbenefits.renewals.jobs import run_due

    done = run_due(connection, on, author=by, now=now())
    if not done:
        say(f"Nothing is due on {on}.")
        return
    rows = [
        {"job": one.job, "record": one.record, "held": "held" if one.is_held else "", "told": one.told}
        for one in done
    ]
    console.print(table_of(pl.DataFrame(rows), title=f"Due on {on}"))
    if any(one.is_held for one in done):
        raise typer.Exit(EXIT_REFUSED)


@app.command()
def progress(
    client: ClientCode,
    schedule: Schedule,
    csv: Annotated[Path | None, typer.Option("--csv", dir_okay=False, help="Write everybody here.")] = None,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", dir_okay=False, help="Write both here.")] = None,
) -> None:
    """Count who has elected in an open enrolment and who has not; write everybody, and what was elected."""
    connection = open_database()
    from openbenefits.cli.database import find_schedule
    from openbenefits.renewals.progress import counted, elections_of_plans, who_has_elected
    from openbenefits.reports.files import write_csv, write_xlsx

    client_id = find_client(client).pk
    ids = [find_schedule(connection, client, schedule)]
    people = who_has_elected(connection, client_id, ids)
    if people.is_empty():
        say(f"Nobody is in {schedule} yet.")
        return
    console.print(table_of(counted(people), title=f"Who has elected: {client}, {schedule}"))
    sheets = {
        "People": people.drop("client_id", "person_id"),
        "Elections": elections_of_plans(connection, client_id, ids),
    }
    for path, write in ((csv, write_csv), (xlsx, write_xlsx)):
        if path is not None:
            say(", ".join(str(one) for one in write(path, sheets)))


@app.command()
def risk_factor(
    client: ClientCode,
    percent: Annotated[str, typer.Argument(help="Of the rate group's premium: 107.5.", show_default=False)],
    source: Source,
    on: On,
    plan_type: Annotated[
        str, typer.Option("--plan-type", metavar="CODE", help="One category; every one unless told.")
    ] = "",
    by: By = "administrator",
) -> None:
    """Write down a client's risk factor from a day; new offers take it."""
    open_database()
    from openbenefits.renewals.plans import set_risk_factor

    micros = _micros(percent, "PERCENT")
    client_id = find_client(client).pk
    set_risk_factor(client_id, micros, begins_on=on, source=source, by=_hand(by), plan_type=plan_type)
    say(f"{client}: {percent} % from {on}")


@app.command()
def hide(
    status: Annotated[str, typer.Argument(help="A status of batches.", show_default=False)],
    is_back: Annotated[bool, typer.Option("--back", help="Use it again.")] = False,
    by: By = "administrator",
) -> None:
    """Pass a status of batches over, or use it again."""
    open_database()
    from openbenefits.renewals.statuses import hide as hide_it
    from openbenefits.renewals.statuses import unhide

    if is_back:
        unhide(status)
    else:
        hide_it(status, by=_hand(by))
    say(f"'{status}' is {'used again' if is_back else 'passed over'}")


def _micros(percent: str, hint: str) -> int:
    try:
        return int(Decimal(percent) * 1_000_000)
    except (InvalidOperation, ValueError, OverflowError):
        raise typer.BadParameter(f"expected a percentage, found {percent}", param_hint=hint) from None
