"""The same set-up and people as plain documents, as the oracle and a rule engine want them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import polars as pl

from bench.kernel import taken
from bench.world import EVENT_CLASS, SCHEDULE, Made, World, bundle_of, peo_bundle
from openbenefits.enrollment.rules.prepare import Situation
from openbenefits.programs.loaded import LoadedBundle

Row = dict[str, Any]

FACTS = ("birth_on", "sex", "is_smoker", "service_on", "hire_on", "state")
JOB = (
    *("company", "benefit_group", "pay_group", "location", "job_code", "union_code", "employee_class"),
    *("full_part_time", "regular_temporary", "flsa_status", "job_status"),
    *("weekly_hours_hundredths", "annual_pay_cents", "last_day_employed"),
)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Some people of some clients, as frames and as documents."""

    situation: Situation
    peo: Row
    clients: dict[int, Row]
    people: Sequence[tuple[int, Row]]


def sample_of(made: Made, world: World, people: int) -> Sample:
    """Take people evenly from the clients."""
    cases = world.situation.cases
    some = cases.gather_every(max(1, cases.height // people)).head(people)
    situation = taken(world.situation, some)
    numbers = situation.cases["client_id"].unique().sort()
    peo = document_of(peo_bundle())
    clients = {number: document_of(bundle_of(made, made.profiles[number - 1])) for number in numbers}
    schedules = {number: _schedule(client) for number, client in clients.items()}
    documents = _people(situation, world.tables)
    for row in documents:
        row["event"] = {
            "event_class": EVENT_CLASS,
            "event_on": row.pop("event_on"),
            "programs": schedules[row["client_id"]]["programs"],
        }
    return Sample(
        situation=situation,
        peo=peo,
        clients=clients,
        people=[(row.pop("client_id"), row) for row in documents],
    )


def document_of(bundle: LoadedBundle) -> Row:
    """Write a bundle as people write it, its zips among the geographies."""
    parts = msgspec.to_builtins(bundle.parts, builtin_types=(date, Decimal))
    document: Row = _without_none(parts)
    for geography in document.get("geographies", ()):
        rows = bundle.zips.filter(geography=geography["code"])
        geography["zips"] = dict(rows.select("zip", "area").iter_rows())
    return document


def _without_none(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_none(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {key: _without_none(value) for key, value in node.items() if value is not None}


def _schedule(client: Row) -> Row:
    return next(row for row in client["schedules"] if row["code"] == SCHEDULE)


def _people(situation: Situation, tables: dict[str, pl.DataFrame]) -> list[Row]:
    options = tables["option"].select("client_id", "option_id", option="code")
    programs = tables["program"].select("client_id", "program_id", program="code")
    clients = situation.cases.select("case", "client_id")
    held = (
        situation.in_force.join(clients, on="case", maintain_order="left")
        .join(options.unique(), on=["client_id", "option_id"], how="left", maintain_order="left")
        .join(programs.unique(), on=["client_id", "program_id"], how="left", maintain_order="left")
    )
    current = _by_case(held.drop("client_id", "option_id", "program_id", "is_future", "is_to_begin"))
    dependents = _by_case(situation.members.rename({"dependent_id": "id"}))
    approved = _by_case(situation.approved)
    people = []
    for row in situation.cases.iter_rows(named=True):
        case = row["case"]
        people.append(
            {
                "client_id": row["client_id"],
                "event_on": row["event_on"],
                **{name: row[name] for name in FACTS},
                "zip": f"{row['zip']:05d}",
                "job": {name: row[name] for name in JOB},
                "dependents": dependents.get(case, []),
                "current": current.get(case, []),
                "approved": {one["plan_type"]: one["approved_cents"] for one in approved.get(case, [])},
                "prior_options": None,
            }
        )
    return people


def _by_case(frame: pl.DataFrame) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in frame.iter_rows(named=True):
        found.setdefault(row.pop("case"), []).append(row)
    return found
