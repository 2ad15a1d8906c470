"""The database a command works on, and who is meant by a code.

Services are imported by the commands after this: their models need Django ready.
"""

import os
from typing import TYPE_CHECKING, Any

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from openbenefits.cli.faults import Refused
from openbenefits.cli.screen import console, errors
from openbenefits.store import boot, server
from openbenefits.store.startup import set_up_django

if TYPE_CHECKING:
    from openbenefits.workforce.models import Client


def prepare() -> None:
    """Make Django ready without a database, for commands that only read files."""
    from django.apps import apps

    if not apps.ready:
        given = os.environ.get("DATABASE_URL")
        set_up_django(given or server.connect_info())
        if given is None:
            del os.environ["DATABASE_URL"]


def open_database() -> Any:
    """Connect to the database in use; the embedded one is started, and brought up to date.

    Errors: Refused if somebody's own database is not up to date: its owner decides when it is migrated.
    """
    is_own = bool(os.environ.get("DATABASE_URL"))
    if is_own:
        refuse_unreadable_url()
        boot()
    else:
        with console.status("Starting the embedded database …"):
            boot()
    from django.db import connection

    waiting = unapplied()
    if waiting and is_own:
        message = (
            f"the database of DATABASE_URL lacks {len(waiting)} migrations; expected all applied."
            " Run `openbenefits migrate`."
        )
        raise Refused(message)
    if waiting:
        errors.print(f"Bringing the embedded database up to date ({len(waiting)} migrations) …")
        migrate()
    return connection


def refuse_unreadable_url() -> None:
    """Look at DATABASE_URL before anything uses it; it may hold a password, so it is not quoted.

    Errors: Refused if it is no address of a database.
    """
    try:
        conninfo_to_dict(os.environ.get("DATABASE_URL", ""))
    except ProgrammingError:
        message = (
            "DATABASE_URL cannot be read. Expected postgresql://user:password@host:5432/database;"
            " correct it, or unset it for the embedded server."
        )
        raise Refused(message) from None


def unapplied() -> list[str]:
    """List the migrations the database lacks."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label} {migration.name}" for migration, _ in plan]


def migrate() -> None:
    """Apply the migrations the database lacks."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def find_client(code: str) -> "Client":
    """Find a client by its code.

    Errors: Refused, naming the clients there are.
    """
    from openbenefits.workforce.models import Client

    found = Client.objects.filter(code=code).first()
    if found is None:
        there_are = ", ".join(Client.objects.order_by("code").values_list("code", flat=True)) or "none yet"
        message = (
            f"no client {code}; there are {there_are}."
            " Correct --client, or bring the client in with `openbenefits setup apply FOLDER`."
        )
        raise Refused(message)
    return found


def find_schedule(connection: Any, client: str, code: str) -> int:
    """Find a schedule of a client by its code."""
    from openbenefits.reports.services import find_schedules

    found = find_schedules(connection, [f"{client}/{code}"]) or ()
    return found[0]


def find_people(client: "Client", numbers: list[str]) -> list[int]:
    """Find participants by employee number.

    Errors: Refused, counting the numbers nobody has.
    """
    from openbenefits.workforce.models import Person

    found = dict(
        Person.objects.filter(client=client, employee_number__in=numbers).values_list("employee_number", "id")
    )
    unknown = [number for number in numbers if number not in found]
    if unknown:
        message = (
            f"{len(unknown)} of {len(numbers)} employee numbers are not known at {client.code}; the first is"
            f" number {numbers.index(unknown[0]) + 1} of those given. Correct --person."
        )
        raise Refused(message)
    return [found[number] for number in numbers]
