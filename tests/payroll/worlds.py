"""A tiny set-up on a real database, people and the coverage they hold."""

from copy import copy
from datetime import UTC, date, datetime

import polars as pl
from tests.programs.factories import make_client, make_peo

from openbenefits.store.bulk import copy_in, schema_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BEGIN, THROUGH = date(2026, 1, 1), date(2026, 12, 31)
BY = {"made_by": "test", "now": NOW}


class World:
    """A client, its people and their change points."""

    def __init__(self, connection, folder, peo=None, **changes):
        from openbenefits.programs import services as setup
        from openbenefits.programs.models import SetupKey
        from openbenefits.workforce import services as workforce

        self.connection, self.workforce, self.keys = connection, workforce, SetupKey
        setup.apply(make_peo(folder / "peo", **(peo or {})), client_id=setup.PEO, applied_by="test", now=NOW)
        self._open("acme", make_client(folder / "acme", **changes))

    def beside(self, folder, code):
        """Another client of the same PEO, set up alike, without people."""
        other = copy(self)
        named = {"kind": "client", "code": code, "name": code.title()}
        other._open(code, make_client(folder / code, bundle=named))
        return other

    def _open(self, code, bundle):
        from openbenefits.programs import services as setup

        self.client_id = self.workforce.add_client(code, code.title()).pk
        change = setup.apply(bundle, client_id=self.client_id, applied_by="test", now=NOW)
        assert [one.sentence() for one in change.findings if one.severity == "E"] == []

    def hire(self, number, on=date(2015, 1, 1), born=date(1980, 5, 17), **job):
        stated = {"pay_group": "BW", "annual_pay_cents": 5_200_000, "weekly_hours_hundredths": 4000}
        return self.workforce.hire(
            self.client_id,
            employee_number=number,
            first_name="Ann",
            last_name="Moss",
            on=on,
            job=stated | {"company": "ACM"} | job,
            person={"birth_on": born, "sex": "F"},
            address={"state": "MA", "postal_code": "01001"},
            **BY,
        ).person_id

    def key(self, kind, code):
        return self.keys.objects.get(client_id=self.client_id, kind=kind, code=code).pk

    def cover(self, person_id, plan_type, option, begins_on=BEGIN, dependents=(), **columns):
        from openbenefits.enrollment import models

        owner = {
            "client_id": self.client_id,
            "person_id": person_id,
            "benefit_record": 0,
            "slot": 0,
            "version": 1,
        }
        point = owner | {"plan_type": plan_type, "begins_on": begins_on}
        stated = {
            "kind": "E",
            "basis": "eligible",
            "rule": "test",
            "made_at": NOW,
            "deduction_begins_on": begins_on,
        }
        ids = {"program_id": self.key("program", "MAIN")}
        ids["option_id"] = option and self.key("option", f"MAIN/{plan_type}/{option}")
        self.write(models.Coverage, point | stated | ids | columns)
        for one in dependents:
            self.write(models.CoverageDependent, point | {"dependent_id": one})

    def write(self, model, row):
        schema = {name: kind for name, kind in schema_of(model).items() if name in row}
        copy_in(self.connection, model._meta.db_table, pl.DataFrame([row], schema=schema))
