"""`openbenefits payroll`, the ledger: what payroll took, balances, corrections, why a deduction changed."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
import typer
from rich.table import Table

from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, find_people, open_database
from openbenefits.cli.elect import scaled
from openbenefits.cli.faults import EXIT_REFUSED
from openbenefits.cli.options import AsOf, By, ClientCode, File, On, parse_day
from openbenefits.cli.run import People
from openbenefits.cli.screen import console, dollars, say, table_of

if TYPE_CHECKING:
    from openbenefits.payroll.ledger import Asked
    from openbenefits.payroll.taken import TakenResult

_DAY: dict[str, Any] = {"parser": parse_day, "metavar": "YYYY-MM-DD", "show_default": False}
Closed = Annotated[
    list[str] | None,
    typer.Option("--closed", metavar="GROUP:YYYY-MM-DD", help="Payroll works on its pays through this day."),
]
Apply = Annotated[bool, typer.Option("--apply", help="Order it; without this nothing is written.")]
Preview = Annotated[bool, typer.Option("--preview", help="Say what would be taken; write nothing.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the order.")]
Consent = Annotated[str, typer.Option("--consent", help="How and when the people named agreed.")]
Periods = Annotated[
    int | None, typer.Option("--pays", min=1, help="Over how many pays, if agreed.", show_default=False)
]
Cap = Annotated[
    str | None,
    typer.Option("--cap", metavar="DOLLARS", help="Most per pay and line.", show_default=False),
]
CapPercent = Annotated[
    str | None,
    typer.Option("--cap-percent", metavar="PERCENT", help="Of the regular deduction.", show_default=False),
]
Ground = Annotated[
    str, typer.Option("--pre-tax-ground", help="Why late money may be before tax: birth, new hire, error.")
]
Number = Annotated[str, typer.Option("--person", metavar="NUMBER", help="The employee's number.")]
PayEnd = Annotated[date, typer.Option("--pay", help="The last day of the pay.", **_DAY)]
Before = Annotated[
    date | None, typer.Option("--before", help="The last day of the earlier pay; the one before.", **_DAY)
]
Optional = Annotated[str | None, typer.Option("--client", "-c", metavar="CODE", help="Of one client only.")]
State = Annotated[str, typer.Option("--state", metavar="XX", help="Of one state only.")]
PolicyFrom = Annotated[date, typer.Option("--from", help="From checks of this day on.", **_DAY)]
Source = Annotated[str, typer.Option("--source", help="The law or agreement it comes from.")]
OutFile = Annotated[
    Path | None, typer.Option("--file", dir_okay=False, help="Write a CSV file.", show_default=False)
]

Despite = Annotated[
    str, typer.Option("--despite", help="Why the file may be written though deductions do not agree.")
]

LINE = ("employee_number", "plan_type", "kind", "tax_class")
BALANCE = (
    *("owed_cents", "taken_cents", "received_cents", "moved_cents", "scheduled_cents", "balance_cents"),
    "rounding_cents",
    *("correct_cents", "fault"),
)
ORDER = ("pay_group", "ends_on", "check_on", *LINE, "taken_as", "cents", "reason")


def taken(file: File, client: ClientCode, by: By = "administrator", is_preview: Preview = False) -> None:
    """Take what payroll reports to have taken in each pay: all good rows; the same file again is nothing."""
    connection = open_database()
    from openbenefits.payroll.taken import take

    result = take(connection, find_client(client).pk, file, now=now(), made_by=by, is_preview=is_preview)
    _print_taken(file.name, result, is_preview=is_preview)


def take_back(change: Annotated[int, typer.Argument(help="Its number.")], by: By = "administrator") -> None:
    """Take a file of what payroll took back as one unit."""
    connection = open_database()
    from openbenefits.payroll.taken import NotTaken
    from openbenefits.payroll.taken import take_back as undo
    from openbenefits.workforce.models import ChangeSet

    try:
        back, left = undo(connection, change, now=now(), made_by=by)
    except ChangeSet.DoesNotExist:
        raise NotTaken(f"no change {change}; correct the number, as `payroll taken` told it") from None
    say(f"Change {change}: {back:,} amounts taken back, {left:,} left, as a later file speaks of them.")


def balances(
    client: ClientCode,
    through: AsOf,
    person: People = None,
    file: OutFile = None,
) -> None:
    """Show what is still to be taken or given back: owed − taken − already scheduled."""
    connection = open_database()
    from openbenefits.payroll.ledger import balances as find

    rows = find(connection, _asked(client, through, person, None))
    if file:
        rows.write_csv(file)
        say(f"{rows.height:,} lines: {file}", style="green")
    shown = rows if person else rows.filter(pl.col("correct_cents").ne_missing(0))
    if shown.is_empty():
        say(f"{rows.height:,} lines, and nothing to correct.", style="green")
        return
    console.print(in_dollars(shown.select(*LINE, *BALANCE), f"Balances at {client} through {through}"))


def correct(
    client: ClientCode,
    on: On,
    closed: Closed = None,
    person: People = None,
    consent: Consent = "",
    pays: Periods = None,
    cap: Cap = None,
    ground: Ground = "",
    reason: Reason = "",
    is_applied: Apply = False,
    by: By = "administrator",
) -> None:
    """Propose how balances are put right in the open pays; order what nobody need decide on with --apply."""
    connection = open_database()
    from openbenefits.payroll.ledger import propose, schedule
    from openbenefits.payroll.rules.corrections import Agreed

    if (consent or pays or cap or ground) and not person:
        raise typer.BadParameter("an agreement is of people: name them", param_hint="--person")
    if (pays or cap) and not consent:
        raise typer.BadParameter("other terms than the policy's need consent", param_hint="--consent")
    agreed = Agreed(consent=consent, periods=pays, cap_cents=scaled(cap, 2, "--cap"), pre_tax_ground=ground)
    asked = _asked(client, on, person, closed)
    if is_applied:
        rows = schedule(connection, asked, on=on, agreed=agreed, reason=reason, author=by, now=now())
    else:
        rows = propose(connection, asked, on=on, agreed=agreed)
    print_proposals(rows, client, is_applied=is_applied)


def cancel(client: ClientCode, person: Number, reason: Reason, by: By = "administrator") -> None:
    """Cancel what is ordered of a person for pays not reported yet."""
    connection = open_database()
    from openbenefits.payroll.ledger import cancel as take_out

    found = find_client(client)
    people = find_people(found, [person])
    count = take_out(connection, found.pk, people, reason=reason, author=by, now=now())
    say(f"{count:,} corrections cancelled.")


def ordered(client: ClientCode, file: OutFile = None, despite: Despite = "") -> None:
    """List the corrections ordered for pays not reported yet, as payroll needs them."""
    connection = open_database()
    from openbenefits.payroll.ledger import ordered as find

    rows = find(connection, find_client(client).pk).select(ORDER)
    if file:
        from openbenefits.payroll.retro import refuse_mismatches

        refuse_mismatches(connection, find_client(client).pk, now().date(), despite)
        from openbenefits.payroll.rules.words import dollars_text

        written = rows.with_columns(amount=dollars_text(pl.col("cents"))).drop("cents")
        written.write_csv(file)
        say(f"{rows.height:,} lines: {file}", style="green")
    elif rows.is_empty():
        say("Nothing is ordered.")
    else:
        console.print(in_dollars(rows, f"Corrections ordered at {client}"))


def why(client: ClientCode, person: Number, pay: PayEnd, before: Before = None) -> None:
    """Say in words why a pay takes something else than an earlier one."""
    connection = open_database()
    from openbenefits.payroll.why import why as explain

    found = find_client(client)
    earlier, rows = explain(connection, found.pk, find_people(found, [person])[0], ends_on=pay, before=before)
    title = f"{person}: the pay to {pay} beside the pay to {earlier}"
    if rows.is_empty():
        say(f"{title}: the same.")
        return
    columns = ("plan_type", "kind", "tax_class", "before_cents", "after_cents", "difference_cents", "words")
    console.print(in_dollars(rows.select(columns), title))


def policy(
    valid_from: PolicyFrom,
    source: Source,
    client: Optional = None,
    state: State = "",
    cap: Cap = None,
    cap_percent: CapPercent = None,
    pays: Periods = None,
    consent: Annotated[bool, typer.Option("--needs-consent", help="The person must agree.")] = False,
    forbidden: Annotated[bool, typer.Option("--forbidden", help="Nothing may be taken late.")] = False,
    withdrawn: Annotated[bool, typer.Option("--withdraw", help="It holds no longer.")] = False,
    by: By = "administrator",
) -> None:
    """State how missed deductions may be recovered: of a client or everywhere, of a state or every one."""
    connection = open_database()
    from openbenefits.payroll.policies import state_policy

    is_new = state_policy(
        connection,
        client_id=find_client(client).pk if client else 0,
        state=state,
        valid_from=valid_from,
        cap_cents=scaled(cap, 2, "--cap"),
        cap_thousandths=scaled(cap_percent, 3, "--cap-percent"),
        periods=pays,
        needs_consent=consent,
        is_forbidden=forbidden,
        is_withdrawn=withdrawn,
        source=source,
        author=by,
        now=now(),
    )
    say("Stated." if is_new else "It was stated before; nothing was written.", style="green")


def mismatches(client: ClientCode, through: AsOf) -> None:
    """List what payroll should have corrected, or corrected though we do; no file goes out meanwhile."""
    connection = open_database()
    from openbenefits.payroll.retro import mismatches as find

    rows = find(connection, find_client(client).pk, through)
    if rows.is_empty():
        say("Deductions agree with who corrects them.", style="green")
        return
    shown = rows.select(*LINE, "ends_on", "cents", "mismatch")
    console.print(in_dollars(shown, f"Mismatches at {client} through {through}"))


COMMANDS: dict[str, Callable[..., None]] = {
    "taken": taken,
    "take-back": take_back,
    "balances": balances,
    "policy": policy,
    "correct": correct,
    "ordered": ordered,
    "cancel": cancel,
    "why": why,
    "mismatches": mismatches,
}


def _asked(client: str, through: date, person: list[str] | None, closed: list[str] | None) -> "Asked":
    from openbenefits.payroll.ledger import Asked

    found = find_client(client)
    return Asked(
        client_id=found.pk,
        through=through,
        person_ids=find_people(found, person) if person else None,
        closed_through=dict(_closed(text) for text in closed or ()),
    )


def _closed(text: str) -> tuple[str, date]:
    """Read GROUP:YYYY-MM-DD."""
    group, _, day = text.rpartition(":")
    if not group:
        message = f"expected a pay group and a day such as BW:2026-03-31, found {text}"
        raise typer.BadParameter(message, param_hint="--closed")
    return group, parse_day(day)


def _print_taken(what: str, result: "TakenResult", *, is_preview: bool) -> None:
    verb = "would be taken" if is_preview else "taken"
    say(
        f"{what}: {result.rows_read:,} rows; {result.taken:,} {verb}, {result.corrected:,} of them corrected,"
        f" {result.unchanged:,} known already, {result.bad_row_count or 'no'} bad rows"
    )
    if result.unknown_headings:
        say(f"Columns left out, as nothing is known by these names: {', '.join(result.unknown_headings)}")
    if result.totals.height:
        console.print(in_dollars(result.totals, "Good rows by pay"))
    if result.bad_rows.height:
        say("A pay with a bad row is not reported whole: no balance counts it. Correct it, take it again.")
    if result.change_id:
        say(f"Change {result.change_id}; `openbenefits payroll take-back {result.change_id}` undoes it.")
    if result.bad_rows.height:
        console.print(table_of(result.bad_rows, title="Bad rows, left out"))
        if not result.taken and not result.unchanged:
            raise typer.Exit(EXIT_REFUSED)


def print_proposals(rows: pl.DataFrame, client: str, *, is_applied: bool) -> None:
    from openbenefits.payroll.rules.corrections import READY, TASK, WHY

    if rows.is_empty():
        say("Nothing to correct.", style="green")
        return
    told = rows.with_columns(pl.col("why", "note").replace(WHY))
    shares = told.filter(pl.col("status") != TASK)
    if shares.height:
        columns = (*LINE, "pay_group", "ends_on", "check_on", "taken_as", "cents", "status", "note")
        console.print(in_dollars(shares.select(columns), f"Corrections at {client}"))
    waiting = told.filter(pl.col("status") != READY).unique([*LINE, "status"], maintain_order=True)
    if waiting.height:
        waiting = waiting.select(*LINE, "correct_cents", "why")
        console.print(in_dollars(waiting, "For a person to decide"))
    ready = rows.filter(status=READY).height
    say(
        f"{ready:,} ordered." if is_applied else f"{ready:,} ready. Nothing was written; --apply orders them."
    )


def in_dollars(rows: pl.DataFrame, title: str) -> Table:
    """Lay out a frame, amounts in dollars."""
    amounts = [name for name in rows.columns if name.endswith("cents")]
    texts = {name: pl.Series([dollars(cents) for cents in rows[name]], dtype=pl.String) for name in amounts}
    names = {name: name.removesuffix("cents").strip("_") or "amount" for name in amounts}
    table = table_of(rows.with_columns(**texts).rename(names), title=title)
    for column, name in zip(table.columns, rows.columns, strict=True):
        column.justify = "right" if name in amounts else column.justify
    return table
