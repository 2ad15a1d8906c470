"""A client with people, and channels put to work on what happens to them."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from django.db import connections
from tests.payroll.worlds import World

from openbenefits.accounts.models import User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import give_role
from openbenefits.casework.models import TeamMember
from openbenefits.workflow import looking, models, services
from openbenefits.workflow.reading import read
from openbenefits.workflow.scheduled import run_schedules

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TODAY = NOW.date()


def _with_another(plans):
    """A plan of the PEO's that the client does not offer."""
    plans.append(plans[0] | {"code": "OTHER", "name": "Of other clients"})


class Watched(World):
    """A client whose channels look at what is done to its people."""

    def __init__(self, connection, folder):
        super().__init__(connection, folder, peo={"plans": _with_another})
        self.users = {name: User.objects.create_user(name, f"{name}@example.com") for name in ("ann", "bob")}
        for user in self.users.values():
            give_role(user, self.client_id, RoleCode.SPECIALIST, given_by="test", now=NOW)
        TeamMember.objects.create(
            client_id=self.client_id, role="benefits specialist", user_id=self.users["ann"].pk
        )

    def channel(self, client_id=None, **said):
        """Write and publish a channel."""
        made = read({"channel": "test", "name": "Test", "kind": "job", "items": [task()]} | said)
        owner = self.client_id if client_id is None else client_id
        services.write(None, owner, made, author="test", now=NOW)
        return services.publish(None, owner, made.channel, author="test", now=NOW)

    def change(self, person_id, on=date(2026, 4, 1), now=NOW, action="DTA", **changes):
        self.workforce.change_job(
            self.client_id, person_id, on=on, changes=changes, action=action, made_by="test", now=now
        )

    def look(self, today=TODAY, now=NOW):
        """Let channels look at all that waits, as the worker does."""
        while waiting := list(models.Outbox.objects.filter(state="waiting").order_by("pk")):
            for row in waiting:
                looking.look(self.connection, row.pk, today=today, now=now)

    def days(self, *days):
        """Let scheduled channels look at days; answer what each made."""
        return [
            sum(run_schedules(self.connection, self.client_id, today=day, now=NOW).values()) for day in days
        ]

    def lines(self, **chosen):
        rows = models.LogLine.objects.filter(**chosen).order_by("pk").values_list("item", "outcome", "why")
        return list(rows)


def task(code="first", **said):
    work = {"subject": "Look at {{person.employee_number}}"} | said.pop("task", {})
    return {"item": code, "title": code, "task": work} | said


def on(**said):
    return {"on": said}


def when(*rows, expression=""):
    """State conditions as (field, operator, value), labelled from 1."""
    told = [
        {
            "label": str(number),
            "field": field,
            "operator": operator,
            "value": value,
            "source": source or "record",
        }
        for number, (source, field, operator, value) in enumerate(
            [
                (
                    (row[0].rpartition(".")[0]),
                    row[0].rpartition(".")[2],
                    row[1],
                    row[2] if len(row) > 2 else "",
                )
                for row in rows
            ],
            1,
        )
    ]
    return {"conditions": told, "expression": expression}


@pytest.fixture(scope="session")
def _folder(tmp_path_factory):
    return tmp_path_factory.mktemp("acme")


@pytest.fixture
def world(fresh_database, kept, _folder):
    def build():
        made = Watched(connections["default"], _folder)
        made.first = made.hire("0001")
        made.second = made.hire("0002")
        return made

    made = kept(fresh_database, "workflow", build)
    made.connection = connections["default"]
    return made


def later(**delta):
    return NOW + timedelta(**delta)


__all__ = ["NOW", "TODAY", "Watched", "later", "on", "pl", "task", "when", "world"]
