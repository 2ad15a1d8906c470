"""From the documents of a set-up to loaded bundles, with the schedules that people need."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from tests.laws.columns import Row
from tests.oracle.documents import as_written

from openbenefits.programs.loaded import LoadedBundle, load

EVENT_MAINTENANCE = "LAWS-EM"


def loaded(document: Row, kind: type[Any]) -> LoadedBundle:
    written, files = as_written(document)
    bundle, faults = load(msgspec.convert(written, kind), files, {})
    assert not faults, faults
    return bundle


def restrictions_of(people: Sequence[Row]) -> list[Row]:
    found: list[Row] = []
    for person in people:
        programs = person["event"].get("programs")
        if programs is not None and programs not in found:
            found.append(programs)
    return found


def schedule_code(restrictions: list[Row], programs: Row | None) -> str:
    return EVENT_MAINTENANCE if programs is None else f"LAWS-{restrictions.index(programs)}"


def with_schedules(client: Row, restrictions: list[Row]) -> Row:
    """Add a schedule for each restriction; a program it names that is not there is added, inactive."""
    schedules = [{"code": EVENT_MAINTENANCE, "name": "Event maintenance", "kind": "event_maintenance"}]
    schedules += [
        {"code": f"LAWS-{number}", "name": "Restricted", "kind": "open_enrollment", "programs": programs}
        for number, programs in enumerate(restrictions)
    ]
    known = {program["code"] for program in client["programs"]}
    missing = sorted({code for programs in restrictions for code in programs} - known)
    event_rules = [section["event_rule"] for row in client["programs"] for section in row["plan_types"]]
    stand_ins = [
        {
            "code": code,
            "name": code,
            "from": date(2020, 1, 1),
            "source": "not in the set-up",
            "active": False,
            "plan_types": [{"plan_type": "14", "event_rule": event_rules[0], "options": []}],
        }
        for code in missing
    ]
    return {
        **client,
        "programs": [*client["programs"], *stand_ins],
        "schedules": [*client["schedules"], *schedules],
    }
