"""A change of the PEO's set-up over several clients: who follows, who is moved, and that nothing is written."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from openbenefits.core.codes import Level
from openbenefits.programs import services as setup
from openbenefits.programs.models import Schedule
from openbenefits.runs.effects import KINDS, SetupEffect, effect_of
from openbenefits.runs.services import RunOrder, run
from openbenefits.sample import SAMPLE_FOLDER, generate, generate_setup
from openbenefits.store.bulk import copy_out
from openbenefits.workforce import census
from openbenefits.workforce.models import Client

from .conftest import NOW, START

TABLE = "MED-BRONZE"
CODES = ("c0001", "c0002", "c0003", "c0004")
OVERRIDING = "c0004"
AS_OF = date(2026, 2, 1)


@pytest.fixture(scope="module")
def four(database, tmp_path_factory) -> dict[str, Any]:
    """Four clients with people enrolled; the last has its own rates of a plan in place of the PEO's."""
    folder = tmp_path_factory.mktemp("four")
    profiles = generate_setup(folder / "clients", len(CODES), seed=3)
    peo = shutil.copytree(SAMPLE_FOLDER / "peo", folder / "peo")
    _share(peo, folder / "clients")
    assert setup.apply(peo, client_id=0, applied_by="a", now=NOW).release
    files = generate(
        folder / "people",
        seed=5,
        people=120,
        clients=profiles,
        clients_setup=folder / "clients",
        is_faulty=False,
    )
    numbers = {}
    for code in CODES:
        numbers[code] = Client.objects.create(code=code, name=code).id
        change = setup.apply(folder / "clients" / code, client_id=numbers[code], applied_by="a", now=NOW)
        assert change.release, [finding.sentence() for finding in change.findings]
        census.apply(census.preview(numbers[code], files.of(code).census, as_of=START), made_by="a", now=NOW)
        order = RunOrder(
            client_id=numbers[code],
            schedule_id=Schedule.objects.get(client_id=numbers[code], kind="O").schedule_id,
            as_of=date(2025, 11, 24),
            through=Level.ELECTIONS,
            is_finalizing=True,
        )
        run(database, order, now=NOW)
    return {"connection": database, "folder": folder, "peo": peo, "numbers": numbers}


def _share(peo: Path, clients: Path) -> None:
    """Make the table the PEO's, for all but one client to inherit."""
    tables = yaml.safe_load((clients / CODES[0] / "rates.yaml").read_text())["rate_tables"]
    shared = next(table for table in tables if table["code"] == TABLE)
    (peo / "shared.yaml").write_text(yaml.safe_dump({"rate_tables": [shared]}))
    for code in CODES:
        if code != OVERRIDING:
            file = clients / code / "rates.yaml"
            sections = yaml.safe_load(file.read_text())
            sections["rate_tables"] = [one for one in sections["rate_tables"] if one["code"] != TABLE]
            file.write_text(yaml.safe_dump(sections))


def dearer(four: dict[str, Any], target: Path) -> Path:
    """The PEO's folder with the table's rates a dollar up."""
    folder = shutil.copytree(four["peo"], target)
    sections = yaml.safe_load((folder / "shared.yaml").read_text())
    for rate in sections["rate_tables"][0]["rates"]:
        rate["rate"] = round(rate["rate"] + 1, 2)
    (folder / "shared.yaml").write_text(yaml.safe_dump(sections))
    return folder


def checksum(connection: Any) -> dict[str, str]:
    """The contents of every table of the product, each as one number."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        names = [name for (name,) in cursor.fetchall()]
        found = {}
        for name in names:
            rows = "coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')"
            cursor.execute(f'SELECT md5({rows}) FROM "{name}" AS t')
            found[name] = cursor.fetchone()[0]
    return found


def test_three_clients_follow_a_master_rate_and_the_one_that_overrides_does_not(four, tmp_path):
    connection, numbers = four["connection"], four["numbers"]
    folder = dearer(four, tmp_path / "peo")
    before = checksum(connection)
    told = []
    comparison = setup.diff(folder)
    effect = effect_of(
        connection, 0, folder, as_of=AS_OF, now=NOW, progress=lambda *at: told.append(at), partition_people=50
    )
    assert checksum(connection) == before
    assert told[-1][0] == told[-1][1] > 1

    standing = {one.client: one.standing for one in comparison.standings if one.code == TABLE}
    assert standing == dict.fromkeys(CODES[:3], "inherited") | {OVERRIDING: "overridden"}
    moved = {row["client_id"]: row for row in effect.clients.filter(change="price changed").to_dicts()}
    assert sorted(moved) == sorted(numbers[code] for code in CODES[:3])
    assert all(row["people"] > 0 for row in moved.values())
    assert set(effect.changes["change"]) == {"price changed"}
    own = effect.plans.filter(client_id=numbers[OVERRIDING])
    assert own["people"].sum() > 0
    assert (own["employee_cents"] == own["employee_cents_after"]).all()


def test_dollars_of_the_list_are_those_of_the_people(four, tmp_path):
    effect = effect_of(four["connection"], 0, dearer(four, tmp_path / "peo"), as_of=AS_OF, now=NOW)
    assert not effect.people.is_empty()
    for side in ("employee", "employer"):
        rise = pl.col(f"{side}_cents_after") - pl.col(f"{side}_cents")
        by_plan = effect.plans.select(rise.sum()).item()
        assert by_plan == effect.people.select(rise.sum()).item()
        months = pl.col(f"{side}_month_cents_after") - pl.col(f"{side}_month_cents")
        assert effect.plans.select(months.sum()).item() * 12 == by_plan


def changed(four: dict[str, Any], target: Path, file: str, old: str, new: str) -> SetupEffect:
    folder = shutil.copytree(four["folder"] / "clients" / "c0001", target)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    found = setup.check(folder)
    assert found.is_applicable, [finding.sentence() for finding in found.findings]
    return effect_of(four["connection"], four["numbers"]["c0001"], folder, as_of=AS_OF, now=NOW)


def people_of(effect: SetupEffect, change: str) -> set[int]:
    return set(effect.changes.filter(change=change)["person_id"])


def test_who_loses_a_program_and_who_becomes_an_error_is_listed(four, tmp_path):
    office = "[{field: benefit_group, values: [OFC]}, {field: job_status, values: [A, L, P]}, {field: weekly_hours, min: "
    effect = changed(four, tmp_path / "c", "rules.yaml", f"{office}20", f"{office}90")
    everybody = set(
        copy_out(
            four["connection"],
            "SELECT id FROM workforce_person WHERE client_id = %s",
            {"id": pl.Int64},
            [four["numbers"]["c0001"]],
        )["id"]
    )
    gone = people_of(effect, "program lost") | people_of(effect, "program changed")
    assert gone
    assert gone <= everybody
    assert people_of(effect, "option lost") >= people_of(effect, "program lost")
    assert effect.plan_types["lost"].sum() > 0
    assert set(effect.changes["change"]) <= set(KINDS)


def test_the_same_folder_moves_nobody(four):
    effect = effect_of(four["connection"], 0, four["peo"], as_of=AS_OF, now=NOW)
    assert effect.changes.is_empty()
    assert effect.people.is_empty()


def test_what_the_list_says_is_what_applying_does(four, tmp_path):
    connection = four["connection"]
    folder = dearer(four, tmp_path / "peo")
    effect = effect_of(connection, 0, folder, as_of=AS_OF, now=NOW)
    assert setup.apply(folder, client_id=0, applied_by="a", now=NOW).outcome == "applied"
    try:
        back = effect_of(connection, 0, four["peo"], as_of=AS_OF, now=NOW)
        key = ["client_id", "person_id", "benefit_record", "change", "plan_type"]
        turned = back.changes.select(*key, old="new", new="old").sort(*key, "old", "new")
        assert turned.equals(effect.changes.select(*key, "old", "new").sort(*key, "old", "new"))
    finally:
        setup.take_back("peo", by="a", now=NOW)
