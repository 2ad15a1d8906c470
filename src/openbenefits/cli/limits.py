"""`openbenefits limits`: the legal amounts of the PEO's set-up, by year, with their sources."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from openbenefits.cli.database import open_database, prepare
from openbenefits.cli.faults import EXIT_REFUSED, Refused
from openbenefits.cli.options import parse_day
from openbenefits.cli.screen import console, dollars, print_findings, say, table_of

app = typer.Typer(
    no_args_is_help=True,
    help="Look up legal limits by year; what makes coverage affordable.",
    epilog="Example: openbenefits limits show health_fsa_salary_reduction --year 2026",
)

PeoFolder = Annotated[
    Path | None,
    typer.Option("--peo", exists=True, file_okay=False, help="The PEO's folder; else its set-up in force."),
]


@app.command(name="list")
def list_limits(peo: PeoFolder = None) -> None:
    """List every limit with its amount in each year; blank is unknown, never zero."""
    from openbenefits.programs.legal import limit_of

    limits = _limits(peo)
    amounts = limits.with_columns(
        amount=pl.Series(
            [limit_of(limits, code, year).text for code, year in limits.select("code", "year").rows()]
        )
    )
    wide = amounts.pivot("year", index=["code", "basis"], values="amount", sort_columns=True)
    years = sorted(name for name in wide.columns if name not in ("code", "basis"))
    shown = wide.select("code", "basis", *years)
    for begin in range(0, shown.height, 40):
        console.print(table_of(shown.slice(begin, 40), title="Legal limits" if not begin else "(continued)"))


@app.command()
def show(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The limit, as `limits list` names it.")],
    year: Annotated[int | None, typer.Option(help="The year; without it, all that are known.")] = None,
    peo: PeoFolder = None,
) -> None:
    """Show a limit with its source; a year that is not known is an error."""
    from openbenefits.programs.legal import limit_of

    limits = _limits(peo)
    years = [year] if year else limits.filter(code=code)["year"].sort().to_list() or [0]
    for one in years:
        limit = limit_of(limits, code, one)
        say(f"{limit.code} {limit.year}: {limit.text} per {limit.basis or 'year'} ({limit.source})")


@app.command()
def affordability(
    plan_year: Annotated[
        date, typer.Option("--plan-year", parser=parse_day, metavar="YYYY-MM-DD", help="Its first day.")
    ],
    peo: PeoFolder = None,
) -> None:
    """Show the most self-only coverage may cost a month under the poverty-line safe harbour, by region."""
    from openbenefits.compliance.services import REGIONS, poverty_line

    limits = _limits(peo)
    for region in REGIONS:
        found = poverty_line(limits, plan_year, region)
        say(
            f"{region}: ${dollars(found.maximum)} a month ({found.percent.text} of {found.guideline.text},"
            f" the guideline of {found.guideline.year})"
        )


def _limits(peo: Path | None) -> Any:
    """Answer the limits of a folder, or of the set-up in force."""
    if peo is None:
        open_database()
        from openbenefits.programs.services import in_force_of

        return in_force_of("peo").limits
    prepare()
    from openbenefits.programs.reader import read

    reading = read(peo)
    if reading.bundle is None:
        print_findings(reading.findings)
        raise typer.Exit(EXIT_REFUSED)
    if reading.bundle.is_client:
        raise Refused(f"{peo}: expected the PEO's folder, found a client's. Name the PEO's.")
    return reading.bundle.limits
