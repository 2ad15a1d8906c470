"""`openbenefits reconcile`: invoices of carriers loaded, matched, compared.

Differences shown, disputed, moved on.
"""

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
import typer

from openbenefits.cli.clock import now, today
from openbenefits.cli.database import find_client, open_database
from openbenefits.cli.elect import scaled
from openbenefits.cli.ledger import in_dollars
from openbenefits.cli.options import By, parse_day
from openbenefits.cli.screen import console, say
from openbenefits.core.money import dollars
from openbenefits.reconcile.states import Kind

if TYPE_CHECKING:
    from openbenefits.reconcile.models import Invoice

app = typer.Typer(
    no_args_is_help=True,
    help="Carrier invoices: load, match, compare, dispute.",
    rich_markup_mode="rich",
    epilog="""Examples:  openbenefits reconcile load november.csv --carrier "General Agency" --number N-1
--month 2025-11-01   ·   openbenefits reconcile run 1   ·   openbenefits reconcile show 1""",
)

_DAY: dict[str, Any] = {"parser": parse_day, "metavar": "YYYY-MM-DD", "show_default": False}
Number = Annotated[int, typer.Argument(metavar="INVOICE", help="The number `list` shows in front.")]
Carrier = Annotated[str, typer.Option("--carrier", help="The carrier, or agency, that sent it.")]
Money = Annotated[str | None, typer.Option(metavar="DOLLARS", help="As printed in the header.")]


@app.command()
def terms(
    carrier: Annotated[str, typer.Argument(help="The carrier, or agency, that bills.")],
    file: Annotated[Path | None, typer.Option("--file", help="YAML or JSON to put into force.")] = None,
    by: By = "administrator",
) -> None:
    """Show what is agreed with a carrier, or put a document into force.

    Layout, labels, wash rules, windows.
    """
    open_database()
    import msgspec

    from openbenefits.reconcile.terms import read_terms, save_terms, terms_of

    if file is not None:
        document = msgspec.yaml.decode(file.read_bytes())
        version = save_terms(carrier, read_terms(document), author=by, now=now())
        say(f"Version {version} is in force.", style="green")
        return
    console.print(msgspec.yaml.encode(terms_of(carrier)).decode(), markup=False)


@app.command()
def load(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, or an 820.")],
    carrier: Carrier,
    number: Annotated[str, typer.Option("--number", help="The invoice's number.")],
    month: Annotated[date, typer.Option("--month", help="A day of the month billed.", **_DAY)],
    client: Annotated[str | None, typer.Option(help="The client; none: several share it.")] = None,
    kind: Annotated[
        Kind,
        typer.Option(help="list of people, self-bill, summary by tier, billing (what a client was billed)."),
    ] = Kind.LIST,
    statement: Annotated[date | None, typer.Option(help="When it was made out.", **_DAY)] = None,
    cutoff: Annotated[date | None, typer.Option(help="Until when changes are in it.", **_DAY)] = None,
    due: Annotated[date | None, typer.Option(help="When it is to be paid.", **_DAY)] = None,
    current: Money = None,
    adjustments: Money = None,
    previous: Money = None,
    payments: Money = None,
    total: Money = None,
    by: By = "administrator",
) -> None:
    """Take an invoice in: read, checked against its header, kept as it came."""
    connection = open_database()
    from openbenefits.reconcile.loading import InvoiceOrder, unmapped
    from openbenefits.reconcile.loading import load as take_in

    order = InvoiceOrder(
        client_id=find_client(client).pk if client else 0,
        carrier=carrier,
        number=number,
        kind=str(kind),
        month=month,
        statement_on=statement or month.replace(day=1),
        path=file,
        cutoff_on=cutoff,
        due_on=due,
        previous_cents=_cents(previous, "--previous") or 0,
        payments_cents=_cents(payments, "--payments") or 0,
        current_cents=_cents(current, "--current"),
        adjustment_cents=_cents(adjustments, "--adjustments"),
        total_cents=_cents(total, "--total"),
    )
    invoice = take_in(connection, order, author=by, now=now())
    say(f"Invoice {invoice.pk}: {dollars(invoice.total_cents)} for {invoice.month:%B %Y}.", style="green")
    if headings := invoice.left_out.get("headings"):
        say(f"Columns left out, as nothing is known by these names: {', '.join(headings)}.")
    if left_out := invoice.left_out.get("rows"):
        say(f"Rows left out (totals, headings, pages): {left_out}.")
    rows = unmapped(connection, invoice)
    if rows.height:
        console.print(in_dollars(rows, "Labels nobody has said the meaning of (reconcile map)"))


def _cents(text: str | None, option: str) -> int | None:
    return None if text is None else scaled(text, 2, option)


@app.command("from-payroll")
def from_payroll(
    client: Annotated[str, typer.Option(help="The client.")],
    month: Annotated[date, typer.Option("--month", help="A day of the month billed.", **_DAY)],
    by: By = "administrator",
) -> None:
    """Take in what the payroll platform billed a client in the checks of a month."""
    connection = open_database()
    from openbenefits.platform.exchange import Work, fixed
    from openbenefits.reconcile.from_platform import bill_from_platform

    work = Work(
        connection=connection,
        client_id=find_client(client).pk,
        author=by,
        today=today(),
        clock=fixed(now()),
    )
    invoice = bill_from_platform(work, month)
    say(f"Bill {invoice.pk}: {dollars(invoice.total_cents)} for {invoice.month:%B %Y}.", style="green")


@app.command("list")
def list_() -> None:
    """List invoices, the latest first."""
    open_database()
    from openbenefits.reconcile.models import Invoice

    found = Invoice.objects.order_by("-month", "carrier", "-pk")[:200]
    rows = [
        (one.pk, one.carrier, one.number, one.month, dollars(one.total_cents), one.state) for one in found
    ]
    schema = ["invoice", "carrier", "number", "month", "total", "state"]
    console.print(in_dollars(pl.DataFrame(rows, schema=schema, orient="row"), "Invoices"))


@app.command("map")
def map_(
    invoice: Number,
    plan: Annotated[list[str] | None, typer.Option(help="LABEL=CODE of a plan.")] = None,
    tier: Annotated[list[str] | None, typer.Option(help="LABEL=CODE of a coverage code.")] = None,
    subgroup: Annotated[list[str] | None, typer.Option(help="LABEL=CODE of a client.")] = None,
    by: By = "administrator",
) -> None:
    """Say what the carrier's labels mean; remembered for its next invoices."""
    connection = open_database()
    from openbenefits.reconcile.loading import map_labels, unmapped

    found = _invoice(invoice)
    labels = {"plans": _pairs(plan), "tiers": _pairs(tier), "subgroups": _pairs(subgroup)}
    left = map_labels(connection, found, labels, author=by, now=now())
    if left:
        console.print(in_dollars(unmapped(connection, found), "Still without a meaning"))
        raise typer.Exit(1)
    say("Every label has a meaning.", style="green")


def _pairs(said: list[str] | None) -> dict[str, str]:
    pairs = [one.rpartition("=") for one in said or []]
    if any(not label or not code for label, _, code in pairs):
        raise typer.BadParameter("expected LABEL=CODE")
    return {label: code for label, _, code in pairs}


@app.command()
def match(
    invoice: Number,
    is_: Annotated[
        list[str] | None, typer.Option("--is", help="IDENTITY=EMPLOYEE NUMBER, or IDENTITY=nobody.")
    ] = None,
    by: By = "administrator",
) -> None:
    """Find whom the lines are about; list who must be asked about; confirm with --is."""
    connection = open_database()
    from openbenefits.reconcile.matching import asked_about, confirm, match_invoice

    found = _invoice(invoice)
    answers = {one: _person(found, number) for one, number in _pairs(is_).items()}
    done = (
        confirm(connection, found, answers, author=by, now=now())
        if answers
        else match_invoice(connection, found)
    )
    say(f"{done.matched} lines matched, {done.asked} to be asked about, {done.unmatched} nobody's.")
    rows = asked_about(connection, found)
    if rows.height:
        shown = rows.select(
            "identity", "last_name", "first_name", "employee_number", "confidence", "step", "lines"
        )
        console.print(in_dollars(shown, "Is this who we think?"))


def _person(invoice: "Invoice", number: str) -> int | None:
    from openbenefits.reconcile.matching import clients_of
    from openbenefits.workforce.models import Person

    if number == "nobody":
        return None
    people = Person.objects.filter(client_id__in=clients_of(invoice), employee_number=number)
    if people.count() != 1:
        raise typer.BadParameter(f"expected one employee with the number {number}, found {people.count()}")
    return int(people.get().pk)


@app.command()
def run(invoice: Number, by: By = "administrator") -> None:
    """Compare an invoice with coverage and deductions, month by month; again from the same writes nothing."""
    connection = open_database()
    from openbenefits.reconcile.reconciling import reconcile

    told = reconcile(connection, _invoice(invoice), author=by, now=now())
    _print_sums(told)


def _print_sums(told: dict[str, Any]) -> None:
    names = [name for name in told if name.endswith("_cents") and told[name] is not None]
    rows = [(name.removesuffix("_cents").replace("_", " "), dollars(told[name])) for name in names]
    counts = [(name, f"{told[name]:,}") for name in ("lines", "people", "matched", "asked", "unmatched")]
    console.print(in_dollars(pl.DataFrame(rows + counts, schema=["what", "sum"], orient="row"), "Sums"))


@app.command()
def show(
    invoice: Number,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    all_: Annotated[bool, typer.Option("--all", help="Ended ones, too.")] = False,
) -> None:
    """Show differences by cause, then each, by deadline and dollars."""
    connection = open_database()
    from openbenefits.reconcile.items import by_cause, worklist

    found = _invoice(invoice)
    rows = worklist(connection, today(), invoice_id=found.pk, states=[] if all_ else None)
    if as_json:
        told = rows.drop("evidence").with_columns(pl.col(pl.Date, pl.Datetime).cast(pl.String))
        console.print_json(json.dumps(told.to_dicts()))
        return
    if rows.is_empty():
        say("Nothing differs.", style="green")
        return
    causes = by_cause(rows).select("leg", "title", "items", "over_cents", "under_cents")
    console.print(in_dollars(causes, f"Invoice {found.number} of {found.carrier}: causes"))
    shown = rows.select(
        *("id", "employee_number", "title", "expected_cents", "invoiced_cents", "difference_cents"),
        *("deadline_on", "owner", "state"),
    )
    console.print(in_dollars(shown, "Differences"))


@app.command()
def dispute(
    invoice: Number,
    out: Annotated[Path, typer.Option("--out", help="The folder the letter and the file go to.")],
    by: By = "administrator",
) -> None:
    """Write the letter and the file of what the carrier is to put right, and mark it sent."""
    connection = open_database()
    from openbenefits.reconcile.disputes import write_dispute

    made = write_dispute(connection, _invoice(invoice), out, author=by, now=now())
    if made.items == 0:
        say("Nothing is left to dispute.", style="green")
        return
    claimed = dollars(made.claimed_cents)
    say(f"{made.items} differences, {claimed} claimed: {made.letter.name}, {made.file.name}")


@app.command("self-bill")
def self_bill(
    carrier: Carrier,
    month: Annotated[date, typer.Option("--month", help="A day of the month.", **_DAY)],
    client: Annotated[list[str] | None, typer.Option(help="Clients; all unless told.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="A CSV file to write it to.")] = None,
) -> None:
    """Count what we owe a carrier for a month by client, plan and tier.

    And how it follows from the month before.
    """
    connection = open_database()
    from openbenefits.reconcile.outputs import roll_forward
    from openbenefits.reconcile.outputs import self_bill as bill
    from openbenefits.workforce.models import Client

    ids = (
        [find_client(one).pk for one in client]
        if client
        else list(Client.objects.values_list("pk", flat=True))
    )
    rows = bill(connection, ids, carrier, month)
    if out is not None:
        rows.write_csv(out)
    console.print(in_dollars(rows.drop("plan_name", "tier_name"), f"{carrier}, {month:%B %Y}"))
    steps = roll_forward(connection, ids, carrier, month)
    shown = steps.select(
        "client_id", "plan", "before_cents", "added_cents", "ended_cents", "changed_cents", "now_cents"
    )
    console.print(in_dollars(shown, "From the month before"))
    say(
        f"{dollars(int(rows['premium_cents'].sum()))} for {int(rows['people'].sum()):,} enrolments.",
        style="green",
    )


@app.command("credits")
def credits_(
    client: Annotated[str | None, typer.Option(help="The client; all unless told.")] = None,
) -> None:
    """List the credits carriers owe: claimed, promised, come back, the last day."""
    connection = open_database()
    from openbenefits.reconcile.outputs import credits_on_their_way

    ids = [find_client(client).pk] if client else None
    rows = credits_on_their_way(connection, ids, today())
    if rows.is_empty():
        say("No credit is on its way.")
        return
    console.print(in_dollars(rows.drop("client_id"), "Credits"))


@app.command()
def balances(
    client: Annotated[str, typer.Option(help="The client.")],
    carrier: Carrier,
    month: Annotated[date, typer.Option("--month", help="A day of the month.", **_DAY)],
) -> None:
    """List what was charged and taken of each person and plan, before a month and in it."""
    connection = open_database()
    from openbenefits.reconcile.outputs import balances as register

    rows = register(connection, find_client(client).pk, carrier, month)
    console.print(in_dollars(rows.drop("person_id"), f"Balances of {client} with {carrier}"))


@app.command()
def legs(
    invoice: Number,
    out: Annotated[Path | None, typer.Option("--out", help="A CSV file, by person, to write it to.")] = None,
) -> None:
    """Lay a bill to a client beside the carriers' invoices and the pays, by plan."""
    connection = open_database()
    from openbenefits.reconcile.billing import by_plan
    from openbenefits.reconcile.frames import load_rows
    from openbenefits.reconcile.models import BilledMonth
    from openbenefits.reconcile.rules.margins import parts

    rows = load_rows(connection, BilledMonth, _invoice(invoice).pk)
    if out is not None:
        rows.with_columns(**parts()).write_csv(out)
    console.print(in_dollars(by_plan(rows).drop("client_id"), "Four legs by plan"))


@app.command()
def figures(invoice: Number) -> None:
    """Show the figures of an invoice: errors, recovered, lost, matched, collected."""
    connection = open_database()
    from openbenefits.reconcile.outputs import figures as of_invoice

    told = of_invoice(connection, _invoice(invoice), today())
    plain = ("days to resolve", "older than 60 days", "perhaps uncovered")
    rows = [(name, _figure(value, is_share=name not in plain)) for name, value in told.items()]
    console.print(in_dollars(pl.DataFrame(rows, schema=["figure", "value"], orient="row"), "Figures"))


def _figure(value: int | None, *, is_share: bool) -> str:
    if value is None:
        return "-"
    return f"{value // 100}.{value % 100:02d} %" if is_share else f"{value:,}"


def _invoice(number: int) -> "Invoice":
    from openbenefits.reconcile.models import Invoice

    found = Invoice.objects.filter(pk=number).first()
    if found is None:
        raise typer.BadParameter(f"no invoice {number}; `reconcile list` shows what there is")
    return found
