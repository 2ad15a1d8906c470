"""`openbenefits elect`: elections, from a file or one by one."""

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
import typer

from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, find_people, find_schedule, open_database
from openbenefits.cli.faults import EXIT_REFUSED, Refused
from openbenefits.cli.options import By, ClientCode, File, Number, On, Person, Record, Schedule, SeenOn
from openbenefits.cli.screen import console, say, table_of

if TYPE_CHECKING:
    from openbenefits.enrollment.elections import EntryResult
    from openbenefits.enrollment.takeover import TakeOverResult

app = typer.Typer(
    no_args_is_help=True,
    help="Enter elections from a file or one by one; see how far people have come.",
    epilog="Example: openbenefits elect file elections.csv --client harbor",
)

TAKEOVER_EPILOG = "Example: openbenefits takeover current_coverage.csv --client harbor"

PlanType = Annotated[str, typer.Option("--plan-type", metavar="CODE", help="10 medical, 11 dental, …")]
Option = Annotated[str, typer.Option("--option", metavar="CODE", help="What is chosen, or WAIVE.")]
Coverage = Annotated[
    str | None, typer.Option("--coverage", metavar="DOLLARS", help="Coverage asked for.", show_default=False)
]
Pledge = Annotated[
    str | None,
    typer.Option("--pledge", metavar="DOLLARS", help="What to put aside in the year.", show_default=False),
]
Percent = Annotated[
    str | None, typer.Option("--percent", metavar="PERCENT", help="Percent of pay.", show_default=False)
]
AfterTax = Annotated[
    str | None,
    typer.Option("--after-tax", metavar="PERCENT", help="Percent of pay, after tax.", show_default=False),
]
Hours = Annotated[
    str | None, typer.Option("--hours", help="Hours of leave bought or sold.", show_default=False)
]
Dependents = Annotated[
    list[int] | None, typer.Option("--dependent", help="A dependent's number; may be repeated.")
]
Funds = Annotated[list[str] | None, typer.Option("--fund", metavar="CODE:PERCENT", help="May be repeated.")]
Beneficiaries = Annotated[
    list[str] | None,
    typer.Option("--beneficiary", metavar="NUMBER:PERCENT", help="A dependent's number; may be repeated."),
]
Contingent = Annotated[
    list[str] | None, typer.Option("--contingent", metavar="NUMBER:PERCENT", help="May be repeated.")
]
FilesSeparately = Annotated[
    bool, typer.Option("--files-separately", help="Married, and files taxes separately.")
]
WaiveReason = Annotated[str | None, typer.Option("--waive-reason", show_default=False)]
WaiverProof = Annotated[
    str | None,
    typer.Option(
        "--waiver-proof", metavar="KIND", help="What was seen of other coverage.", show_default=False
    ),
]
CreditRollover = Annotated[
    str | None,
    typer.Option(
        "--credit-rollover",
        metavar="WORD",
        help="What becomes of credits left over of the event: paid, forfeited, rolled_over.",
        show_default=False,
    ),
]


@app.command(name="file")
def enter_file(file: File, client: ClientCode, by: By = "administrator") -> None:
    """Enter a file of elections: all good rows; each bad one is named with its cure."""
    connection = open_database()
    from openbenefits.enrollment.elections import enter_file as enter

    result = enter(connection, find_client(client).pk, file, received_by=by, now=now())
    print_entry(file.name, result)


@app.command(name="one")
def enter_one(
    client: ClientCode,
    schedule: Schedule,
    person: Person,
    plan_type: PlanType,
    option: Option,
    received_on: On,
    benefit_record: Record = 0,
    event: Number = 0,
    coverage: Coverage = None,
    pledge: Pledge = None,
    percent: Percent = None,
    dependents: Dependents = None,
    funds: Funds = None,
    after_tax: AfterTax = None,
    hours: Hours = None,
    files_separately: FilesSeparately = False,
    beneficiaries: Beneficiaries = None,
    contingent: Contingent = None,
    waive_reason: WaiveReason = None,
    waiver_proof: WaiverProof = None,
    waiver_proof_on: SeenOn = None,
    credit_rollover: CreditRollover = None,
    by: By = "administrator",
) -> None:
    """Enter one election of one person for one plan type."""
    stated = _amounts(coverage, pledge, percent, after_tax, hours)
    stated |= _named(dependents, funds, beneficiaries, contingent)
    stated |= {"waive_reason": waive_reason, "waiver_proof": waiver_proof, "waiver_proof_on": waiver_proof_on}
    stated |= {"files_separately": files_separately, "credit_rollover": credit_rollover}
    place = {"client": client, "schedule": schedule, "person": person}
    stated |= {"benefit_record": benefit_record, "event_number": event, "plan_type": plan_type}
    _enter(place, stated | {"option_code": option, "received_on": received_on, "elector": by})


def _enter(place: dict[str, str], stated: dict[str, Any]) -> None:
    """Enter one election, and say what came of it."""
    connection = open_database()
    from openbenefits.enrollment.elections import enter_one as enter

    client = find_client(place["client"])
    stated["person_id"] = find_people(client, [place["person"]])[0]
    stated["schedule_id"] = find_schedule(connection, place["client"], place["schedule"])
    result = enter(connection, client.pk, **stated, source="administrator", now=now())
    print_entry(f"plan type {stated['plan_type']}", result)


def _amounts(
    coverage: str | None, pledge: str | None, percent: str | None, after_tax: str | None, hours: str | None
) -> dict[str, Any]:
    """Read the amounts stated, each in its smallest unit."""
    return {
        "coverage_cents": scaled(coverage, 2, "--coverage"),
        "pledge_cents": scaled(pledge, 2, "--pledge"),
        "percent_thousandths": scaled(percent, 3, "--percent"),
        "after_tax_thousandths": scaled(after_tax, 3, "--after-tax"),
        "hours_hundredths": scaled(hours, 2, "--hours"),
    }


def _named(
    dependents: list[int] | None,
    funds: list[str] | None,
    beneficiaries: list[str] | None,
    contingent: list[str] | None,
) -> dict[str, Any]:
    """Read who is covered or is to receive, and where contributions go."""
    return {
        "dependents": dependents or (),
        "funds": dict(_fund(fund) for fund in funds or ()),
        "beneficiaries": _shares(beneficiaries, "--beneficiary"),
        "contingent_beneficiaries": _shares(contingent, "--contingent"),
    }


@app.command(name="proof")
def decide_evidence(
    client: ClientCode,
    person: Person,
    plan_type: PlanType,
    approved: Annotated[str, typer.Option("--approved", metavar="DOLLARS", help="The coverage approved.")],
    on: On,
    by: By = "administrator",
) -> None:
    """Decide evidence of insurability: how much coverage is approved, from a day on."""
    connection = open_database()
    from django.db import transaction

    from openbenefits.enrollment.evidence import decide_proof
    from openbenefits.workforce.recording import lock_people

    found = find_client(client)
    person_id = find_people(found, [person])[0]
    cents = scaled(approved, 2, "--approved")
    if cents is None or cents < 0:
        raise typer.BadParameter(f"expected dollars, 0 if refused; found {approved}", param_hint="--approved")
    with transaction.atomic():
        lock_people(found.pk, pl.Series([person_id], dtype=pl.Int64))
        decide_proof(
            connection,
            client_id=found.pk,
            person_id=person_id,
            plan_type=plan_type,
            valid_from=on,
            approved_cents=cents,
            decided_by=by,
            now=now(),
        )
    say(f"Approved {approved} from {on}. Coverage that waits for it rises to at most that.")


@app.command()
def brought(
    client: ClientCode,
    person: Person,
    limit: Annotated[str, typer.Option("--limit", metavar="CODE", help="The legal limit, as k401_deferral.")],
    year: Annotated[int, typer.Option("--year", help="The year of the limit.")],
    amount: Annotated[str, typer.Option("--amount", metavar="DOLLARS", help="In all, of that year.")],
    reason: Annotated[str, typer.Option("--reason", help="Where that is known from; it is kept.")],
    by: By = "administrator",
) -> None:
    """Record what somebody put in at other employers in a year: it counts under the limits of the person."""
    connection = open_database()
    from openbenefits.enrollment.brought import Brought, bring_along

    found = find_client(client)
    said = Brought(
        client_id=found.pk,
        person_id=find_people(found, [person])[0],
        annual_limit=limit,
        year=year,
        cents=scaled(amount, 2, "--amount") or 0,
        reason=reason,
    )
    bring_along(connection, said, author=by, now=now())
    say("Recorded. It counts when elections are checked next.", style="green")


@app.command()
def progress(client: ClientCode, schedule: Schedule) -> None:
    """Show how many people have entered how many of their choices."""
    connection = open_database()
    from openbenefits.enrollment.elections import progress_of

    find_client(client)
    rows = progress_of(connection, find_schedule(connection, client, schedule))
    console.print(table_of(count_progress(rows), title=f"Elections of {client}, {schedule}"))


def takeover(file: File, client: ClientCode, by: By = "administrator") -> None:
    """Take over the coverage a previous system knows, as the start of the timeline: all good rows."""
    connection = open_database()
    from openbenefits.enrollment.takeover import take_over

    print_takeover(file.name, take_over(connection, find_client(client).pk, file, now=now(), made_by=by))


@app.command(name="take-back")
def take_back(
    change: Annotated[int, typer.Argument(help="The number the entry, or the take-over, was given.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the history.")],
    by: By = "administrator",
    is_rehearsal: Annotated[
        bool, typer.Option("--rehearse", help="Say what would go back, or what is in the way; write nothing.")
    ] = False,
) -> None:
    """Take elections entered, or coverage taken over, back as one unit, as if they had never come in."""
    connection = open_database()
    from openbenefits.reports.rehearsals import differences_table
    from openbenefits.runs.taking_back import Released
    from openbenefits.runs.taking_back_entries import take_back_entry, takeover_deltas

    try:
        done = take_back_entry(
            connection, change, reason=reason, author=by, now=now(), is_rehearsal=is_rehearsal
        )
    except Released as fault:
        year = now().year
        span = {"begin": date(year, 1, 1), "through": date(year + 1, 12, 31)}
        rows = differences_table(connection, takeover_deltas(connection, change, now=now(), **span))
        title = f"What would differ without change {change}: nothing was written"
        console.print(table_of(rows, title=title))
        raise Refused(str(fault)) from fault
    say(
        f"Change {change}: {done.elections:,} elections of {done.events:,} events, {done.points:,} change"
        f" points and {done.approvals:,} approvals {'would be' if is_rehearsal else 'are'} taken back.",
        style="green",
    )


def count_progress(rows: pl.DataFrame) -> pl.DataFrame:
    """Count people by whether they have entered nothing, some or all of what they may choose.

    Shapes: rows as `enrollment.elections.progress_of` answers them.
    """
    place = (
        pl.when(pl.col("choices") == 0)
        .then(pl.lit("nothing to choose"))
        .when(pl.col("entered") == 0)
        .then(pl.lit("nothing entered"))
        .when(pl.col("entered") < pl.col("choices"))
        .then(pl.lit("some entered"))
        .otherwise(pl.lit("all entered"))
    )
    return (
        rows.group_by(elections=place).agg(people=pl.len(), choices=pl.col("choices").sum()).sort("elections")
    )


def print_entry(what: str, result: "EntryResult") -> None:
    """Say what was entered, and name the bad rows.

    Errors: typer.Exit where nothing at all could be entered.
    """
    say(
        f"{what}: {result.rows_read:,} rows; {result.entered:,} entered, {result.unchanged:,} known already,"
        f" {result.bad_row_count or 'no'} bad rows; {result.events_moved:,} events moved to ET"
    )
    _say_change(result.change_id)
    if result.unknown_headings:
        say(f"Columns left out, as nothing is known by these names: {', '.join(result.unknown_headings)}")
    if result.bad_rows.height:
        console.print(table_of(result.bad_rows, title="Bad rows, left out"))
        if not result.entered and not result.unchanged:
            raise typer.Exit(EXIT_REFUSED)


def print_takeover(what: str, result: "TakeOverResult") -> None:
    """Say what was taken over, and name the bad rows."""
    say(
        f"{what}: {result.rows_read:,} rows; {result.taken:,} taken, {result.corrected:,} corrected,"
        f" {result.unchanged:,} known already, {result.approvals:,} approvals,"
        f" {result.providers:,} providers, {result.bad_row_count or 'no'} bad rows"
    )
    _say_change(result.change_id)
    if result.bad_rows.height:
        console.print(table_of(result.bad_rows, title="Bad rows, left out"))


def _say_change(change_id: int | None) -> None:
    if change_id is not None:
        say(f"Change {change_id}; `openbenefits elect take-back {change_id}` takes it back.")


def scaled(text: str | None, decimals: int, option: str) -> int | None:
    """Read a decimal number as a whole number of its smallest unit, without ever being a float.

    >>> scaled("1500.50", 2, "--pledge")
    150050
    """
    if text is None:
        return None
    try:
        number = Decimal(text.replace(",", "")).scaleb(decimals)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number != number.to_integral_value():
        message = f"expected a number with at most {decimals} decimals, found {text}"
        raise typer.BadParameter(message, param_hint=option)
    return int(number)


def _shares(texts: list[str] | None, option: str) -> dict[int, int]:
    """Read NUMBER:PERCENT of several beneficiaries, in hundredths of a percent."""
    shares: dict[int, int] = {}
    for text in texts or ():
        number, _, percent = text.partition(":")
        share = scaled(percent, 2, option) if percent else None
        if not number.isdigit() or share is None:
            message = f"expected a dependent's number and a percentage such as 1:33.34, found {text}"
            raise typer.BadParameter(message, param_hint=option)
        shares[int(number)] = share
    return shares


def _fund(text: str) -> tuple[str, int]:
    """Read CODE:PERCENT."""
    code, _, percent = text.partition(":")
    if not percent.isdigit():
        message = f"expected a fund and its whole percentage such as INDEX:60, found {text}"
        raise typer.BadParameter(message, param_hint="--fund")
    return code, int(percent)
