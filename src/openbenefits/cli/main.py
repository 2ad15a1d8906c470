"""The command line: one Typer application, a module per group of commands."""

from typing import Annotated, Any

import typer

from openbenefits import __version__
from openbenefits.cli import (
    adhoc,
    approvals,
    audit,
    carriers,
    census,
    clients,
    cobra,
    db,
    doctor,
    elect,
    event,
    hindsight,
    letters,
    limits,
    match,
    night,
    payroll,
    platform,
    reconcile,
    renewals,
    repair,
    report,
    review,
    run,
    sample,
    scenario,
    serve,
    setup,
    statements,
    tickets,
    user,
    worker,
    workflow,
)
from openbenefits.cli.database import migrate as apply_migrations
from openbenefits.cli.database import refuse_unreadable_url, unapplied
from openbenefits.cli.demo import demo
from openbenefits.cli.explain import EXPLAIN_EPILOG, explain
from openbenefits.cli.faults import Guard
from openbenefits.cli.screen import say
from openbenefits.store import boot

START, DATA, CYCLE, ANSWERS, HOUSE = (
    "Start here",
    "Set-up and data",
    "The cycle",
    "Questions and money",
    "The house",
)

EPILOG = """Examples:  openbenefits demo   ·   openbenefits setup check sample/peo   ·
openbenefits run control events --client harbor --as-of 2026-03-02   ·
openbenefits explain --client harbor --person H000024"""

ORDER = (
    *("demo", "serve", "worker", "user", "approvals", "sample", "doctor", "setup", "limits", "census"),
    *("clients", "audit"),
    *("takeover", "run", "elect", "event", "repair", "cobra", "statements", "letters"),
    *("workflow", "tasks", "cases", "work", "renewals", "match", "platform", "reconcile", "carriers"),
    *("review", "explain", "timeline", "options", "report", "adhoc", "payroll", "scenario", "db", "migrate"),
)
"""The order of the commands in the help, and so of their panels."""


class Commands(Guard):
    """The root group, its commands listed in the order of the work."""

    def list_commands(self, ctx: Any) -> list[str]:
        """List the commands."""
        return sorted(super().list_commands(ctx), key=ORDER.index)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EPILOG,
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        say(f"openbenefits {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Benefits administration for professional employer organisations: in batch, exact, and explained.

    Without DATABASE_URL every command uses the embedded PostgreSQL; with it, that database.
    Days are written YYYY-MM-DD. A command ends with 0, 1 (could not be done) or 2 (not understood).
    """


def migrate() -> None:
    """Bring the database up to date with the program."""
    refuse_unreadable_url()
    boot()
    waiting = unapplied()
    apply_migrations()
    say(f"{len(waiting)} migrations applied" if waiting else "nothing to apply", style="green")


app.command(rich_help_panel=START)(demo)
app.command(rich_help_panel=START, epilog=serve.SERVE_EPILOG)(serve.serve)
app.command(rich_help_panel=START, epilog=worker.WORKER_EPILOG)(worker.worker)
app.add_typer(user.app, name="user", rich_help_panel=START)
app.add_typer(approvals.app, name="approvals", rich_help_panel=START)
app.command(rich_help_panel=START, epilog=sample.SAMPLE_EPILOG)(sample.sample)
app.command(rich_help_panel=START, epilog=doctor.DOCTOR_EPILOG)(doctor.doctor)

app.add_typer(setup.app, name="setup", rich_help_panel=DATA)
app.add_typer(limits.app, name="limits", rich_help_panel=DATA)
app.add_typer(census.app, name="census", rich_help_panel=DATA)
app.add_typer(clients.app, name="clients", rich_help_panel=DATA)
app.command(rich_help_panel=DATA, epilog=audit.AUDIT_EPILOG)(audit.audit)
app.command(rich_help_panel=DATA, epilog=elect.TAKEOVER_EPILOG)(elect.takeover)

run.app.command(epilog=night.NIGHT_EPILOG)(night.night)
app.add_typer(run.app, name="run", rich_help_panel=CYCLE)
app.add_typer(elect.app, name="elect", rich_help_panel=CYCLE)
app.add_typer(event.app, name="event", rich_help_panel=CYCLE)
app.add_typer(repair.app, name="repair", rich_help_panel=CYCLE)
app.add_typer(cobra.app, name="cobra", rich_help_panel=CYCLE)
app.add_typer(statements.app, name="statements", rich_help_panel=CYCLE)
app.add_typer(letters.app, name="letters", rich_help_panel=CYCLE)
app.add_typer(tickets.tasks, name="tasks", rich_help_panel=CYCLE)
app.add_typer(tickets.cases, name="cases", rich_help_panel=CYCLE)
app.add_typer(tickets.work, name="work", rich_help_panel=CYCLE)

app.add_typer(workflow.app, name="workflow", rich_help_panel=CYCLE)
app.add_typer(renewals.app, name="renewals", rich_help_panel=CYCLE)

app.add_typer(review.app, name="review", rich_help_panel=ANSWERS)
app.command(rich_help_panel=ANSWERS, epilog=EXPLAIN_EPILOG)(explain)
app.command(rich_help_panel=ANSWERS, epilog=hindsight.TIMELINE_EPILOG)(hindsight.timeline)
app.command(rich_help_panel=ANSWERS, epilog=hindsight.OPTIONS_EPILOG)(hindsight.options)
app.command(rich_help_panel=ANSWERS, epilog=report.REPORT_EPILOG)(report.report)
app.add_typer(adhoc.app, name="adhoc", rich_help_panel=ANSWERS)
app.add_typer(payroll.app, name="payroll", rich_help_panel=ANSWERS)
app.add_typer(platform.app, name="platform", rich_help_panel=ANSWERS)
app.add_typer(match.app, name="match", rich_help_panel=ANSWERS)
app.add_typer(reconcile.app, name="reconcile", rich_help_panel=ANSWERS)
app.add_typer(carriers.app, name="carriers", rich_help_panel=ANSWERS)
app.add_typer(scenario.app, name="scenario", rich_help_panel=ANSWERS)

app.add_typer(db.app, name="db", rich_help_panel=HOUSE)
app.command(rich_help_panel=HOUSE)(migrate)
