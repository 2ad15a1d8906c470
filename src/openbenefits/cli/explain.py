"""`openbenefits explain`: why somebody has what they have, at that price, from that day."""

from typing import Annotated

import typer

from openbenefits.cli.database import find_client, find_people, open_database
from openbenefits.cli.options import ClientCode
from openbenefits.cli.screen import console

EXPLAIN_EPILOG = "Example: openbenefits explain --client harbor --person H000024 --plan-type 10"


def explain(
    client: ClientCode,
    person: Annotated[str, typer.Option("--person", metavar="NUMBER", help="The employee's number.")],
    plan_type: Annotated[
        str | None, typer.Option("--plan-type", metavar="CODE", help="Only this plan type.")
    ] = None,
) -> None:
    """Show, rule by rule, why a person has what they have: eligibility, price, dates, default."""
    connection = open_database()
    from openbenefits.reports.explain import explain as explained
    from openbenefits.reports.explain import render

    found = find_client(client)
    person_id = find_people(found, [person])[0]
    console.print(render(explained(connection, found.pk, person_id, plan_type=plan_type)))
