"""`openbenefits explain`: why somebody has what they have, at that price, from that day."""

from pathlib import Path
from typing import Annotated, Any

import typer

from openbenefits.cli.clock import end_of
from openbenefits.cli.database import find_client, find_people, open_database
from openbenefits.cli.options import ClientCode, EventBy, KnownOn
from openbenefits.cli.screen import console, say

EXPLAIN_EPILOG = "Example: openbenefits explain --client harbor --person H000024 --plan-type 10"


def explain(
    client: ClientCode,
    person: Annotated[str, typer.Option("--person", metavar="NUMBER", help="The employee's number.")],
    plan_type: Annotated[
        str | None, typer.Option("--plan-type", metavar="CODE", help="Only this plan type.")
    ] = None,
    as_of: EventBy = None,
    known_on: KnownOn = None,
    is_of_eligibility: Annotated[
        bool, typer.Option("--eligibility", help="Only eligibility: every rule, criterion by criterion.")
    ] = False,
    with_unused: Annotated[
        bool, typer.Option("--all-fields", help="Of eligibility, also the fields no rule looks at.")
    ] = False,
    csv: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write the lines of --eligibility to this file.")
    ] = None,
) -> None:
    """Show, rule by rule, why a person has what they have: eligibility, price, dates, default."""
    if not is_of_eligibility and (with_unused or csv):
        raise typer.BadParameter("--all-fields and --csv go with --eligibility", param_hint="--eligibility")
    if is_of_eligibility and plan_type:
        raise typer.BadParameter("--eligibility shows all plan types; leave it out", param_hint="--plan-type")
    if is_of_eligibility and (as_of or known_on):
        raise typer.BadParameter("--eligibility shows the last event; leave the days out")
    connection = open_database()
    found = find_client(client)
    person_id = find_people(found, [person])[0]
    if is_of_eligibility:
        _eligibility(connection, found.pk, person_id, with_unused=with_unused, csv=csv)
        return
    from openbenefits.reports.explain import explain as explained
    from openbenefits.reports.explain import render

    known_at = None if known_on is None else end_of(known_on)
    told = explained(connection, found.pk, person_id, plan_type=plan_type, as_of=as_of, known_at=known_at)
    console.print(render(told))


def _eligibility(
    connection: Any, client_id: int, person_id: int, *, with_unused: bool, csv: Path | None
) -> None:
    from openbenefits.reports import files
    from openbenefits.reports.outcomes import eligibility_lines
    from openbenefits.reports.tables import preview_table

    lines = eligibility_lines(connection, client_id, person_id, with_unused=with_unused)
    title = "How eligibility was decided, as known when the event was last worked on"
    console.print(preview_table(lines.drop("meaning"), title=title, rows=max(lines.height, 1)))
    for code, meaning in lines.select("code", "meaning").unique().sort("code").rows():
        say(f"{code:2} {meaning}")
    for path in files.write_csv(csv, {"Eligibility": lines}) if csv else ():
        say(f"Written: {path}")
