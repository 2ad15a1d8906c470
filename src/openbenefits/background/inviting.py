"""Logins for the employees of a client: each is sent a link, to the address the census has."""

from collections.abc import Mapping
from typing import Any

import msgspec
import polars as pl
from django.db import transaction

from openbenefits.accounts.services import RoleRefused
from openbenefits.accounts.users import invite_employee, logins_of, send_invitation
from openbenefits.background.services import Work
from openbenefits.store.bulk import copy_out
from openbenefits.workforce.models import Client

AT_ONCE = 50
"""Letters of one transaction."""
QUERY = """
SELECT DISTINCT ON (f.person_id) f.person_id, p.employee_number, f.email,
       (SELECT j.job_status FROM workforce_jobfact AS j
        WHERE j.client_id = f.client_id AND j.person_id = f.person_id AND NOT j.is_deleted
          AND j.valid_from <= %(as_of)s
        ORDER BY j.valid_from DESC, j.sequence DESC, j.version DESC LIMIT 1) AS job_status
FROM workforce_personfact AS f JOIN workforce_person AS p ON p.client_id = f.client_id AND p.id = f.person_id
WHERE f.client_id = %(client)s AND f.valid_from <= %(as_of)s AND NOT f.is_deleted
ORDER BY f.person_id, f.valid_from DESC, f.version DESC
"""
SCHEMA: dict[str, Any] = {
    "person_id": pl.Int64,
    "employee_number": pl.String,
    "email": pl.String,
    "job_status": pl.String,
}
WORKING = ("A", "L", "P", "S")


class InviteEmployees(msgspec.Struct, forbid_unknown_fields=True):
    """Everybody who works for a client and has no login yet; site: where the web is."""

    site: str


def employees_to_invite(connection: Any, client_id: int, as_of: Any) -> pl.DataFrame:
    """List who works for a client and has no login: person_id, employee_number, email (null: none known)."""
    rows = copy_out(connection, QUERY, SCHEMA, {"client": client_id, "as_of": as_of})
    working = rows.filter(pl.col("job_status").is_in(WORKING))
    return working.filter(~pl.col("person_id").is_in(list(logins_of(client_id)))).drop("job_status")


def invite_employees(work: Work) -> Mapping[str, Any]:
    """Make logins and send letters; who has no address, or one that is taken, is counted and left."""
    client = Client.objects.get(pk=work.request.client_id)
    people = employees_to_invite(work.connection, client.pk, work.now.date())
    reachable = people.filter(pl.col("email").str.contains("@").fill_null(value=False))
    done, taken = 0, 0
    for batch in reachable.iter_slices(AT_ONCE):
        with transaction.atomic():
            for row in batch.iter_rows(named=True):
                try:
                    with transaction.atomic():
                        user = invite_employee(
                            client.pk,
                            client.code,
                            row["person_id"],
                            row["employee_number"],
                            row["email"],
                            author=work.request.author,
                            now=work.now,
                        )
                except RoleRefused:
                    taken += 1
                else:
                    send_invitation(user, work.of(InviteEmployees).site)
                    done += 1
        work.say(done + taken, reachable.height)
    return {"invited": done, "address_taken": taken, "no_address": people.height - reachable.height}
