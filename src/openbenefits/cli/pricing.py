"""What a person decides about prices of one participant, or of many from a file."""

from typing import Annotated, Any

import polars as pl
import typer

from openbenefits.cli.clock import now
from openbenefits.cli.consequences import tell, tell_file
from openbenefits.cli.database import find_client, find_people, open_database
from openbenefits.cli.options import AsOf, By, ClientCode, File, Person, Record, parse_day, parts_of
from openbenefits.cli.repair_options import Apply, Files, Reason
from openbenefits.cli.screen import console, say, table_of

Type = Annotated[str, typer.Option("--plan-type", metavar="TYPE", help="The plan type, as 10.")]
Place = Annotated[
    str | None,
    typer.Option(
        "--option",
        metavar="PROGRAM/CODE",
        help="One option of it, as STD/MED-EE; else all of them.",
        show_default=False,
    ),
]
Day = Annotated[
    Any,
    typer.Option("--from", parser=parse_day, metavar="YYYY-MM-DD", help="Its first day.", show_default=False),
]
Last = Annotated[
    Any,
    typer.Option(
        "--through", parser=parse_day, metavar="YYYY-MM-DD", help="Its last day.", show_default=False
    ),
]


def _dollars(text: str | int) -> int:
    """Read dollars of a year as cents.

    >>> _dollars("1200.5"), _dollars("0")
    (120050, 0)
    """
    from openbenefits.core.cells import read_hundredths

    cents = pl.select(read_hundredths(pl.lit(str(text)))).item()
    if cents is None:
        raise typer.BadParameter(f"expected dollars of a year like 1200.00, found {text}")
    return int(cents)


def _amount(name: str, what: str) -> Any:
    return typer.Option(f"--{name}", parser=_dollars, metavar="DOLLARS", help=what, show_default=False)


Total = Annotated[Any, _amount("total", "What the year costs in all.")]
Employer = Annotated[Any, _amount("employer", "What the employer pays of the year.")]
Employee = Annotated[Any, _amount("employee", "What the employee pays of the year.")]


def price(
    client: ClientCode,
    person: Person,
    plan_type: Type,
    reason: Reason,
    as_of: AsOf,
    option: Place = None,
    begin: Day = None,
    through: Last = None,
    total: Total = None,
    employer: Employer = None,
    employee: Employee = None,
    is_undoing: Annotated[bool, typer.Option("--undo", help="Undo the last decision instead.")] = False,
    benefit_record: Record = 0,
    by: By = "administrator",
    files: Files = None,
    apply: Apply = False,
) -> None:
    """Decide a price of one participant for some days, or undo the last; what changes is shown first."""
    connection = open_database()
    from openbenefits.enrollment.price_deciding import PRICE_ROW
    from openbenefits.repair import pricing

    found = find_client(client)
    program, code = parts_of(option, "PROGRAM/CODE") or (None, None)
    row: dict[str, Any] = {
        "row": 1,
        "client_id": found.pk,
        "person_id": find_people(found, [person])[0],
        "benefit_record": benefit_record,
        "plan_type": plan_type,
        "program": program,
        "option": code,
        "begins_on": begin or as_of,
        "ends_on": through,
        "total_cents": total,
        "employer_cents": employer,
        "employee_cents": employee,
        "reason": reason,
    }
    rows = pl.DataFrame([row], schema=PRICE_ROW)
    order = _order(found.pk, as_of, by)
    if is_undoing:
        told = pricing.undo(connection, order, rows, reason=reason, now=now(), is_rehearsal=not apply)
    else:
        told = pricing.decide(connection, order, rows, now=now(), is_rehearsal=not apply)
    tell(connection, found.pk, told, files, is_done=apply)


def price_file(
    file: File,
    client: ClientCode,
    as_of: AsOf,
    by: By = "administrator",
    files: Files = None,
    apply: Apply = False,
) -> None:
    """Decide prices from a file, a row each; each bad row is named with its cure, and the good ones are done.

    Columns: employee_number, plan_type, from, reason; total, employer or employee, in dollars of a year;
    where asked for benefit_record, program and option, through.
    """
    connection = open_database()
    from openbenefits.repair.pricing import decide_file

    found = find_client(client)
    order = _order(found.pk, as_of, by)
    result = decide_file(connection, order, file, now=now(), is_rehearsal=not apply)
    tell_file(connection, found.pk, file, result, files, is_done=apply)


def prices(client: ClientCode, person: Person) -> None:
    """List what was decided about the prices of somebody, by whom and why."""
    connection = open_database()
    from openbenefits.reports.prices_decided import decided_prices

    found = find_client(client)
    rows = decided_prices(connection, found.pk, find_people(found, [person]))
    if rows.is_empty():
        say("Nothing was decided about their prices: rates and contributions say what they pay.")
        return
    console.print(table_of(rows, title=f"Decided about the prices of {person}"))


def _order(client_id: int, as_of: Any, by: str) -> Any:
    from openbenefits.repair.pricing import PriceOrder
    from openbenefits.repair.proposals import due_order

    pays = due_order(client_id, as_of, by)
    return PriceOrder(client_id=client_id, begin=pays.begin, through=pays.through, author=by)
