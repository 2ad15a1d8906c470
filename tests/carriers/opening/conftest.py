"""Two clients with the sample's set-up: one with people and coverage, one that is empty."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.runs.conftest import put_employer

from openbenefits.carriers.opening import Mapping, read_mapping
from openbenefits.core.codes import Level
from openbenefits.enrollment.elections import enter_one
from openbenefits.enrollment.models import EventPlan
from openbenefits.enrollment.takeover import take_over
from openbenefits.programs import services as setup
from openbenefits.runs.services import run
from openbenefits.sample import SAMPLE_FOLDER
from openbenefits.store.trials import given_up
from openbenefits.workforce.models import Client

from .held import CODES, full_834, offered_plans, points_of

DENTAL = "11"
NOW = datetime(2025, 10, 1, 8, tzinfo=UTC)
ON = date(2025, 10, 1)


@dataclass(frozen=True, kw_only=True)
class Two:
    """A client with coverage of this year and the next, and an empty one."""

    connection: Any
    full: int
    empty: int
    data: bytes
    programs: dict[str, str]
    plans: list[tuple[str, str]]

    def mapping(self, **changes: Any) -> Mapping:
        """What the carrier's codes mean; REF*17 says the program."""
        said = {
            "name": "every carrier",
            "plans": [{"insurance": CODES[kind], "plan": code, "ours": code} for code, kind in self.plans],
            "tiers": {"EMP": ["1"], "ESP": ["2", "12"], "ECH": ["3"], "FAM": ["4"]},
            "employee_number": ["0F"],
            "identifiers": {"config_9": "17"},
            "program_by": "config_9",
            "programs": {code: code for code in set(self.programs.values())},
        }
        return read_mapping(said | changes)


@pytest.fixture
def two(filled_two: Two) -> Iterator[Two]:
    """Answer the two clients; nothing of what a test does with them stays."""
    with given_up():
        yield filled_two


@pytest.fixture(scope="module")
def filled_two(database: Any, kept: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Two:
    def build() -> dict[str, Any]:
        made = put_employer(tmp_path_factory.mktemp("opening"), people=60)
        connection = database
        held = next(Path(made.folder).rglob("current_coverage.csv"))
        take_over(connection, made.client_id, held, now=NOW, made_by="test")
        run(connection, made.order(), now=NOW)
        waive_dental(connection, made)
        run(connection, made.order(is_finalizing=True, through=Level.ELECTIONS), now=NOW)
        empty = Client.objects.create(code="wharf", name="wharf")
        bundle = tmp_path_factory.mktemp("wharf") / "wharf"
        shutil.copytree(SAMPLE_FOLDER / "clients" / "harbor", bundle)
        for file in bundle.glob("*.yaml"):
            file.write_text(file.read_text("utf-8").replace("code: harbor", "code: wharf"), "utf-8")
        assert setup.apply(bundle, client_id=empty.id, applied_by="test", now=NOW).release
        points = points_of(connection, made.client_id)
        programs = dict(points.drop_nulls("program").select("employee_number", "program").iter_rows())
        return {
            "full": made.client_id,
            "empty": empty.id,
            "data": full_834(connection, made.client_id, on=ON, also=programs),
            "programs": programs,
            "plans": list(offered_plans(connection, made.client_id).iter_rows()),
        }

    return Two(connection=database, **kept(database, "two clients", build))


def waive_dental(connection: Any, employer: Any) -> None:
    """Let an event decide something: somebody with dental coverage waives it for next year."""
    held = EventPlan.objects.filter(client_id=employer.client_id, plan_type=DENTAL)
    person = held.exclude(current_option_id=None).order_by("person_id").values_list("person_id", flat=True)[0]
    entered = enter_one(
        connection,
        employer.client_id,
        person_id=person,
        benefit_record=0,
        schedule_id=employer.open_enrollment,
        event_number=0,
        plan_type=DENTAL,
        option_code="WAIVE",
        received_on=date(2025, 11, 5),
        elector="test",
        source="administrator",
        now=NOW,
    )
    assert entered.bad_rows.is_empty()
