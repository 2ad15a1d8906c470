"""A run starts only while the audits allow it; people's data is held against coverage and rules."""

import shutil
from datetime import date

import polars as pl
import pytest

from openbenefits.core.codes import Level
from openbenefits.enrollment.rules.plans import COVERED
from openbenefits.programs import frames as set_up
from openbenefits.programs import kept_audits
from openbenefits.programs import services as setup
from openbenefits.programs.findings import Finding
from openbenefits.runs import gate
from openbenefits.runs.audit import audit_people
from openbenefits.runs.models import Run
from openbenefits.runs.services import run, start_run, trial
from openbenefits.sample import SAMPLE_FOLDER
from openbenefits.store.bulk import copy_out
from openbenefits.workforce import services as workforce

from .conftest import NOW

DAY = date(2026, 2, 2)
KINDS = "{" + ",".join(COVERED) + "}"
WHO = {"made_by": "test", "now": NOW}


@pytest.fixture
def enrolled(fresh_database, kept, make_employer):
    """A client whose people have gone through open enrolment, without planted faults."""

    def build():
        employer = make_employer(fresh_database, code="quill", people=40, is_faulty=False)
        order = employer.order(is_finalizing=True, through=Level.ELECTIONS, as_of=date(2025, 11, 24))
        run(fresh_database, order, now=NOW)
        return employer

    return kept(fresh_database, "gate", build)


def codes(connection, employer) -> dict[int, set[str]]:
    rows = audit_people(connection, [employer.client_id], DAY).select("person_id", "code").rows()
    found: dict[int, set[str]] = {}
    for person, code in rows:
        found.setdefault(person, set()).add(code)
    return found


def covered(connection, employer, plan_type: str = "10") -> list[tuple[int, str]]:
    query = """
        SELECT DISTINCT c.person_id, o.code FROM enrollment_coverage AS c
        JOIN programs_option AS o ON o.option_id = c.option_id
        WHERE c.client_id = %s AND c.plan_type = %s AND c.kind = ANY(%s::text[])
          AND c.superseded_by_run IS NULL ORDER BY 1
    """
    schema = {"person_id": pl.Int64, "code": pl.String}
    return copy_out(connection, query, schema, [employer.client_id, plan_type, KINDS]).rows()


def new_codes(connection, employer, person: int, before: dict[int, set[str]]) -> set[str]:
    after = codes(connection, employer)
    assert {who for who in after if after[who] != before.get(who, set())} <= {person}
    return after.get(person, set()) - before.get(person, set())


def test_each_fault_of_data_is_found_once(fresh_database, enrolled):
    connection, client = fresh_database, enrolled.client_id
    before = codes(connection, enrolled)
    people = [person for person, _ in covered(connection, enrolled)]
    without_hours, few_hours, gone = people[:3]

    workforce.change_job(client, few_hours, on=date(2026, 1, 10), action="DTA",
                         changes={"weekly_hours_hundredths": 100}, **WHO)  # fmt: skip
    assert new_codes(connection, enrolled, few_hours, before) == {"HR2102"}
    before = codes(connection, enrolled)

    workforce.change_job(client, without_hours, on=date(2026, 1, 10), action="DTA",
                         changes={"weekly_hours_hundredths": None}, **WHO)  # fmt: skip
    assert "BA1105" in new_codes(connection, enrolled, without_hours, before)
    before = codes(connection, enrolled)

    workforce.terminate(client, gone, last_day_employed=date(2026, 1, 15), **WHO)
    assert "HR2103" in new_codes(connection, enrolled, gone, before)


def test_a_tier_without_its_dependents_is_found(fresh_database, enrolled):
    families = [person for person, code in covered(fresh_database, enrolled) if code.endswith("-2")]
    if not families:
        families = _made_family(fresh_database, enrolled)
    before = codes(fresh_database, enrolled)
    with fresh_database.cursor() as cursor:
        cursor.execute("DELETE FROM enrollment_coveragedependent WHERE person_id = %s", [families[0]])
    assert new_codes(fresh_database, enrolled, families[0], before) == {"HR2106"}


def _made_family(connection, employer) -> list[int]:
    """Put somebody's coverage into the tier of a couple, with the spouse covered."""
    person, code = covered(connection, employer)[0]
    spouse = workforce.add_dependent(
        employer.client_id, person, on=date(2015, 1, 1), person_type="SP",
        dependent={"birth_on": date(1985, 1, 1)}, first_name="A", last_name="B", **WHO,
    )  # fmt: skip
    _cover(connection, employer, person, code, spouse.dependent_id)
    return [person]


def _cover(connection, employer, person: int, code: str, dependent: int) -> None:
    couple = code.rsplit("-", 1)[0] + "-2"
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE enrollment_coverage SET option_id = (SELECT max(option_id) FROM programs_option
               WHERE client_id = %s AND code = %s AND plan_type = '10')
               WHERE person_id = %s AND plan_type = '10'""",
            [employer.client_id, couple, person],
        )
        cursor.execute(
            "DELETE FROM enrollment_coveragedependent WHERE person_id = %s AND plan_type = '10'", [person]
        )
        cursor.execute(
            """INSERT INTO enrollment_coveragedependent
               (client_id, person_id, benefit_record, plan_type, slot, begins_on, version, dependent_id)
               SELECT client_id, person_id, benefit_record, plan_type, slot, begins_on, version, %s
               FROM enrollment_coverage WHERE person_id = %s AND plan_type = '10'""",
            [dependent, person],
        )


def test_a_couple_that_covers_each_other_is_found_on_both(fresh_database, enrolled):
    connection, client = fresh_database, enrolled.client_id
    (one, code), (other, other_code) = covered(connection, enrolled)[:2]
    facts = copy_out(
        connection,
        "SELECT person_id, first_name, last_name, birth_on FROM workforce_personfact WHERE client_id = %s",
        {"person_id": pl.Int64, "first_name": pl.String, "last_name": pl.String, "birth_on": pl.Date},
        [client],
    ).unique("person_id")
    named = {row["person_id"]: row for row in facts.to_dicts()}
    for person, spouse, own in ((one, other, code), (other, one, other_code)):
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE workforce_dependentfact SET is_former = true WHERE dependent_id IN"
                " (SELECT id FROM workforce_dependent WHERE person_id = %s)",
                [person],
            )
        added = workforce.add_dependent(
            client, person, on=date(2015, 1, 1), person_type="SP",
            dependent={"birth_on": named[spouse]["birth_on"]},
            first_name=named[spouse]["first_name"].upper(), last_name=named[spouse]["last_name"], **WHO,
        )  # fmt: skip
        _cover(connection, enrolled, person, own, added.dependent_id)
    found = codes(connection, enrolled)
    assert {person for person, own in found.items() if "HR2107" in own} == {one, other}
    assert not [person for person, own in found.items() if "HR2109" in own]


def _human(connection, client: int, person: int) -> dict[str, object]:
    """Who a participant is, as a dependent of another one would be recorded."""
    facts = copy_out(
        connection,
        "SELECT first_name, last_name, birth_on FROM workforce_personfact WHERE client_id = %s AND person_id = %s",
        {"first_name": pl.String, "last_name": pl.String, "birth_on": pl.Date},
        [client, person],
    ).row(0, named=True)
    return {
        "first_name": facts["first_name"].upper(),
        "last_name": facts["last_name"],
        "dependent": {"birth_on": facts["birth_on"]},
    }


def test_an_employee_covered_as_somebody_elses_dependent_too_is_found(fresh_database, enrolled):
    connection, client = fresh_database, enrolled.client_id
    (one, code), (other, _) = covered(connection, enrolled)[:2]
    before = codes(connection, enrolled)
    added = workforce.add_dependent(
        client, one, on=date(2015, 1, 1), person_type="CH", **_human(connection, client, other), **WHO
    )
    _cover(connection, enrolled, one, code, added.dependent_id)
    found = new_codes(connection, enrolled, one, before)
    assert "HR2109" in found
    assert not {"HR2107", "HR2108"} & found
    before = codes(connection, enrolled)
    with connection.cursor() as cursor:  # a coverage of another plan type is no second one
        cursor.execute(
            "UPDATE enrollment_coverage SET kind = 'W', option_id = NULL WHERE person_id = %s"
            " AND plan_type LIKE '1%%'",
            [other],
        )
    assert "HR2109" in before[one]
    assert "HR2109" not in codes(connection, enrolled).get(one, set())


@pytest.mark.parametrize("ssn", [None, "123-45-6789"])
def test_a_dependent_covered_by_two_employees_is_found_on_both(fresh_database, enrolled, ssn):
    connection, client = fresh_database, enrolled.client_id
    pairs = covered(connection, enrolled)[:2]
    for number, (person, code) in enumerate(pairs):
        born = date(2015, 1, 1 + number * (ssn is not None))
        added = workforce.add_dependent(
            client, person, on=date(2015, 1, 3), person_type="CH", dependent={"birth_on": born}, ssn=ssn,
            first_name="Kit", last_name="Moss", **WHO,
        )  # fmt: skip
        _cover(connection, enrolled, person, code, added.dependent_id)
    found = codes(connection, enrolled)
    assert {person for person, own in found.items() if "HR2108" in own} == {person for person, _ in pairs}
    workforce.change_dependent(
        client, added.dependent_id, on=date(2026, 1, 15), changes={"is_former": True}, **WHO
    )
    assert not [person for person, own in codes(connection, enrolled).items() if "HR2108" in own]


def test_coverage_of_an_option_that_is_no_more_is_found(fresh_database, enrolled):
    connection = fresh_database
    person = covered(connection, enrolled)[0][0]
    before = codes(connection, enrolled)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE enrollment_coverage SET option_id = 999999 WHERE person_id = %s AND plan_type = '10'",
            [person],
        )
    assert new_codes(connection, enrolled, person, before) == {"HR2104"}


def test_coverage_to_begin_after_the_end_of_the_job_is_found(fresh_database, enrolled):
    connection = fresh_database
    person = covered(connection, enrolled)[0][0]
    workforce.terminate(enrolled.client_id, person, last_day_employed=date(2026, 1, 15), **WHO)
    before = codes(connection, enrolled)
    assert "HR2105" not in before[person]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE enrollment_coverage SET begins_on = '2026-03-01' WHERE person_id = %s AND plan_type = '10'",
            [person],
        )
    assert "HR2105" in new_codes(connection, enrolled, person, before)


def test_people_in_two_programs_are_found(fresh_database, enrolled, tmp_path):
    folder = shutil.copytree(SAMPLE_FOLDER / "clients" / "quill", tmp_path / "folder")
    text = (folder / "programs.yaml").read_text()
    (folder / "programs.yaml").write_text(
        text + text[text.index("- code: QUILL") :].replace("code: QUILL", "code: TWIN")
    )
    change = setup.apply(folder, client_id=enrolled.client_id, applied_by="a", now=NOW)
    assert change.release, [finding.sentence() for finding in change.findings]
    assert "programs_overlap" in [finding.code for finding in change.findings]
    found = codes(fresh_database, enrolled)
    assert sum({"HR2101", "BA1101"} <= own for own in found.values()) > 30


def test_a_run_is_held_while_the_set_up_has_errors(fresh_database, make_employer, monkeypatch):
    employer = make_employer(fresh_database, code="quill", people=20, is_faulty=False)
    fault = Finding(code="no_rate", where="programs[X]", expected="a rate", found="none", cure="Add it.")
    monkeypatch.setattr(setup, "audit", lambda *_: [fault])
    monkeypatch.setattr(kept_audits, "_checks", lambda: "of tomorrow")
    with pytest.raises(
        gate.RunHeld, match=r"no_rate \(2\): programs\[X\]: expected a rate, found none\. Add it\."
    ):
        start_run(fresh_database, employer.order(), now=NOW)
    assert not Run.objects.exists()
    with pytest.raises(gate.RunHeld, match="no_rate: expected a reason"):
        start_run(fresh_database, employer.order(accepted={"no_rate": " "}), now=NOW)
    with pytest.raises(gate.RunHeld):
        trial(fresh_database, employer.order(accepted={"other": "x"}), now=NOW)
    started = start_run(fresh_database, employer.order(accepted={"no_rate": "carrier promised"}), now=NOW)
    assert Run.objects.get(pk=started.id).options["accepted"] == {"no_rate": "carrier promised"}


def test_a_clients_limit_on_faulty_people_holds_its_runs(fresh_database, make_employer, tmp_path):
    employer = make_employer(fresh_database, code="quill", people=60)
    people = audit_people(fresh_database, [employer.client_id], date(2025, 11, 3))
    worst, count = people.group_by("code").len().sort("len", "code").row(-1)
    start_run(fresh_database, employer.order(), now=NOW)  # no limit: the audit informs only

    def limited(most: int) -> None:
        folder = shutil.copytree(SAMPLE_FOLDER / "clients" / "quill", tmp_path / f"folder{most}")
        (folder / "audit.yaml").write_text(
            f"data_audit: {{most_people: 9999, people: {{{worst}: {most}}}}}\n"
        )
        assert setup.apply(folder, client_id=employer.client_id, applied_by="a", now=NOW).release

    limited(count - 1)
    with pytest.raises(gate.RunHeld, match=rf"{worst} \({count}\): at most {count - 1} people accepted"):
        start_run(fresh_database, employer.order(), now=NOW)
    start_run(fresh_database, employer.order(accepted={worst: "known, corrected on Monday"}), now=NOW)
    limited(count)
    start_run(fresh_database, employer.order(), now=NOW)


def test_partitions_find_the_same(fresh_database, make_employer):
    employer = make_employer(fresh_database, code="quill", people=60)
    whole = audit_people(fresh_database, [employer.client_id], DAY)
    told = []
    cut = audit_people(
        fresh_database, [employer.client_id], DAY, partition_people=7, progress=lambda *at: told.append(at)
    )
    assert whole.equals(cut)
    assert told[-1][0] == told[-1][1] > 3
    assert whole.height > 0


@pytest.mark.parametrize(
    ("through", "is_found"),
    [(None, True), (date(2026, 2, 1), True), (DAY, False), (date(2026, 12, 31), False)],
)
def test_a_covered_student_without_evidence_is_found(fresh_database, enrolled, through, is_found):
    connection, client = fresh_database, enrolled.client_id
    with connection.cursor() as cursor:
        cursor.execute("UPDATE programs_dependentrule SET age_limit = 19, student_age_limit = 25")
    set_up._kept.clear()
    person, code = covered(connection, enrolled)[0]
    added = workforce.add_dependent(
        client, person, on=date(2015, 1, 3), person_type="CH", first_name="Kit", last_name="Moss",
        dependent={"birth_on": date(2004, 1, 3), "is_student": True, "student_through": through}, **WHO,
    )  # fmt: skip
    _cover(connection, enrolled, person, code, added.dependent_id)
    assert ("HR2110" in codes(connection, enrolled)[person]) == is_found
