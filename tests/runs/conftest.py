"""A small employer in a real database: the sample's set-up, some dozens of people, nothing run yet."""

import shutil
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from django.db import connections
from tests import copies

from openbenefits.core.codes import Level
from openbenefits.programs import services as setup
from openbenefits.programs.models import Schedule
from openbenefits.runs.services import RunOrder, run
from openbenefits.sample import SAMPLE_FOLDER, generate
from openbenefits.sample.profiles import SAMPLE_CLIENTS, Profile
from openbenefits.store.bulk import copy_out
from openbenefits.workforce import census
from openbenefits.workforce.models import Client

NOW = datetime(2025, 10, 1, 8, tzinfo=UTC)
START = date(2025, 10, 1)
SMALL_PARTITION = 15


@dataclass(frozen=True, kw_only=True)
class Employer:
    """A client with people and set-up in force."""

    client_id: int
    open_enrollment: int
    event_maintenance: int
    folder: Path
    """The files its people came from."""

    def order(self, **changes: Any) -> RunOrder:
        """An order for open enrolment, unless told otherwise."""
        given = {
            "client_id": self.client_id,
            "schedule_id": self.open_enrollment,
            "as_of": date(2025, 11, 3),
            "through": Level.OPTIONS,
            "started_by": "test",
        }
        return RunOrder(**(given | changes))


@pytest.fixture
def make_employer(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Employer]:
    """Answer a function that puts the employer into the database a connection points at."""

    def make(
        connection: Any,
        *,
        code: str = "harbor",
        people: int = 90,
        is_faulty: bool = True,
        is_enrolled: bool = False,
    ) -> Employer:
        put = put_enrolled if is_enrolled else put_employer
        return put(tmp_path_factory.mktemp(code), code=code, people=people, is_faulty=is_faulty)

    return make


def put_enrolled(folder: Path, *, code: str = "harbor", people: int, is_faulty: bool = False) -> Employer:
    """Put an employer whose open enrolment for 2026 is final."""

    def build() -> Employer:
        employer = put_employer(folder, code=code, people=people, is_faulty=is_faulty)
        run(connections["default"], employer.order(is_finalizing=True, through=Level.ELECTIONS), now=NOW)
        return employer

    return _once((code, people, is_faulty, "enrolled"), build, folder)


def put_employer(folder: Path, *, code: str = "harbor", people: int, is_faulty: bool = False) -> Employer:
    """Put an employer of so many people into the database that Django points at; files go to a folder."""

    def build() -> Employer:
        files = generate(folder, seed=5, people=people, clients=_profiles(code), is_faulty=is_faulty)
        assert setup.apply(SAMPLE_FOLDER / "peo", client_id=0, applied_by="test", now=NOW).release
        client = Client.objects.create(code=code, name=code)
        bundle = SAMPLE_FOLDER / "clients" / code
        assert setup.apply(bundle, client_id=client.id, applied_by="test", now=NOW).release
        found = census.preview(client.id, files.of(code).census, as_of=START)
        census.apply(found, made_by="test", now=NOW)
        kinds = dict(Schedule.objects.filter(client_id=client.id).values_list("kind", "schedule_id"))
        return Employer(
            client_id=client.id, open_enrollment=kinds["O"], event_maintenance=kinds["E"], folder=folder
        )

    return _once((code, people, is_faulty), build, folder)


def _once(key: Hashable, build: Callable[[], Employer], folder: Path) -> Employer:
    """Fill a blank database by a copy of what was built before, if it was; beside others, build.

    The files come to the folder either way.
    """
    if Client.objects.exists():
        return build()
    made: Employer = copies.fill(connections["default"], key, build)
    if made.folder == folder:
        return made
    shutil.copytree(made.folder, folder, dirs_exist_ok=True)
    return replace(made, folder=folder)


def _profiles(code: str) -> tuple[Profile, ...]:
    """The sample client of a code, as the only one."""
    return tuple(profile for profile in SAMPLE_CLIENTS if profile.code == code)


CONTENT = {
    "events_event": """SELECT client_id, person_id, benefit_record, schedule_id, event_number, event_class_id, event_on,
        event_status, process_status, program_id, preparation, window_ends_on, steps FROM events_event""",
    "events_eventstep": """SELECT client_id, person_id, benefit_record, schedule_id, event_number, step, from_status,
        to_status, event_status FROM events_eventstep""",
    "enrollment_eventplan": """SELECT client_id, person_id, benefit_record, schedule_id, event_number, preparation,
        plan_type, event_rule_row, coverage_begins_on, deduction_begins_on, coverage_ends_on, deduction_ends_on,
        current_option_id, default_option_id, default_reason, offered_options, is_choice, is_lost,
        is_election_required, is_ignored, is_waive_allowed FROM enrollment_eventplan""",
    "enrollment_menuoption": "SELECT * FROM enrollment_eventoption",  # menus are numbered as they come
    "enrollment_coverage": """SELECT client_id, person_id, benefit_record, plan_type, slot, begins_on, version, kind,
        option_id, coverage_cents, deduction_begins_on, rule FROM enrollment_coverage""",
    "events_message": """SELECT client_id, person_id, schedule_id, event_number, code, plan_type, expected, found
        FROM events_message WHERE is_current""",
}


@pytest.fixture
def contents() -> Callable[[Any], dict[str, pl.DataFrame]]:
    """Answer a function that reads everything a run produced, without run numbers and times."""

    def read(connection: Any) -> dict[str, pl.DataFrame]:
        found = {}
        for table, query in CONTENT.items():
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT * FROM ({query}) AS q LIMIT 0")
                names = [column.name for column in cursor.description]
            rows = copy_out(connection, query, dict.fromkeys(names, pl.String))
            found[table] = rows.sort(names)
        return found

    return read


@pytest.fixture
def enrolled_harbor(fresh_database: Any, make_employer: Callable[..., Employer]) -> Employer:
    """An employer whose open enrolment for 2026 is final."""
    return make_employer(fresh_database, is_faulty=False, people=60, is_enrolled=True)
