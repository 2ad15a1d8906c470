"""A file of operations: good rows are done, bad ones named, and the same file again changes nothing."""

from datetime import date

import polars as pl
import pytest

from openbenefits.events.models import Event
from openbenefits.repair.bulk import operate_file
from openbenefits.repair.models import RepairAct
from openbenefits.repair.services import RepairOrder
from openbenefits.store.sheets import FileRefused
from openbenefits.workforce.models import Person

from .worlds import LATER, YEAR_END, held

HEADINGS = "Employee number,Schedule,Event number,Operation,To day,To record,Reason"


@pytest.fixture
def employer(fresh_database, make_employer):
    return make_employer(fresh_database, is_faulty=False, people=20, is_enrolled=True)


@pytest.fixture
def numbers(fresh_database, employer) -> list[str]:
    """The numbers of people with medical coverage."""
    covered = held(fresh_database, employer).filter(pl.col("kind").is_in(["E", "D"]), plan_type="10")
    people = dict(Person.objects.filter(client_id=employer.client_id).values_list("pk", "employee_number"))
    return [people[one] for one in covered["person_id"].unique().sort()]


def given(employer) -> RepairOrder:
    return RepairOrder(
        client_id=employer.client_id,
        targets=pl.DataFrame(),
        as_of=date(2026, 2, 1),
        begin=date(2026, 1, 1),
        through=YEAR_END,
        reason="a file",
        author="tester",
    )


def written(path, *rows: str, headings: str = HEADINGS):
    text = "\n".join([headings, *rows]) + "\n"
    if path.suffix == ".xlsx":
        pl.read_csv(text.encode(), infer_schema=False).write_excel(path)
    else:
        path.write_text(text)
    return path


def test_good_rows_are_done_and_bad_ones_named(fresh_database, employer, numbers, tmp_path):
    a, b, c, d = numbers[:4]
    rows = (
        f"{a},HB26,0,withdraw,,,hired by mistake",
        f"{b},HB26,0,REENTER,,,asked to choose again",
        f"{c},HB26,0,redate,,,no new day",
        f"{d},HB26,0,mend,,,no such word",
        "nobody,HB26,0,again,,,unknown person",
        f"{d},NONE,0,again,,,unknown schedule",
        f"{c},HB26,7,again,,,unknown event",
        f"{numbers[4]},HB26,0,undo,,,nothing to undo",
        f"{numbers[5]},HB26,0,again,,,",
        f"{numbers[6]},HB26,0,again,,,said twice",
        f"{numbers[6]},HB26,0,withdraw,,,said twice",
        f"{numbers[7]},HB26,0,move,,9,no such record",
    )
    schedule = Event.objects.filter(client_id=employer.client_id).first().schedule_id
    assert schedule == employer.open_enrollment
    file = written(tmp_path / "operations.csv", *(row.replace("HB26", code_of(employer)) for row in rows))
    before = held(fresh_database, employer)
    tried = operate_file(fresh_database, given(employer), file, now=LATER, is_rehearsal=True)
    assert held(fresh_database, employer).equals(before)
    assert (tried.rows_read, tried.done) == (12, 2)

    told: list[tuple[int, int]] = []
    done = operate_file(
        fresh_database, given(employer), file, now=LATER, progress=lambda *part: told.append(part)
    )
    assert (done.rows_read, done.done, done.unchanged, told) == (12, 2, 0, [(2, 2)])
    named = dict(done.bad_rows.select("row", "column").rows())
    assert named == {
        4: "to_day",
        5: "operation",
        6: "employee_number",
        7: "schedule",
        8: "event_number",
        9: "operation",
        10: "reason",
        11: "operation",
        12: "operation",
        13: "to_record",
    }
    texts = done.bad_rows.select("expected", "found", "cure")
    assert not texts.null_count().sum_horizontal().item()
    assert done.told.consequences.coverage.equals(tried.told.consequences.coverage)
    statuses = {
        person.employee_number: Event.objects.get(person_id=person.pk)
        for person in Person.objects.filter(employee_number__in=[a, b])
    }
    assert statuses[a].event_status == "V"
    assert (statuses[b].process_status, statuses[b].event_status) == ("RE", "O")
    reasons = set(RepairAct.objects.values_list("reason", flat=True))
    assert reasons == {"hired by mistake", "asked to choose again"}

    after = held(fresh_database, employer)
    again = operate_file(fresh_database, given(employer), file, now=LATER)
    assert (again.done, again.unchanged, again.told) == (0, 2, None)
    assert again.bad_rows.equals(done.bad_rows)
    assert held(fresh_database, employer).equals(after)
    assert RepairAct.objects.count() == 2


def code_of(employer) -> str:
    from openbenefits.programs.models import Schedule

    return Schedule.objects.filter(schedule_id=employer.open_enrollment).first().code


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_a_file_undoes_what_a_file_did_once(fresh_database, employer, numbers, tmp_path, suffix):
    before = held(fresh_database, employer)
    code = code_of(employer)
    some = numbers[:5]
    file = written(tmp_path / f"do.{suffix}", *(f"{one},{code},0,withdraw,,,by mistake" for one in some))
    operate_file(fresh_database, given(employer), file, now=LATER)
    assert not held(fresh_database, employer).equals(before)
    back = written(tmp_path / f"undo.{suffix}", *(f"{one},{code},0,undo,,,it was right" for one in some))
    done = operate_file(fresh_database, given(employer), back, now=LATER)
    assert (done.done, done.bad_rows.height) == (5, 0)
    assert held(fresh_database, employer).equals(before)
    again = operate_file(fresh_database, given(employer), back, now=LATER)
    assert (again.done, again.unchanged) == (0, 5)


def test_a_file_that_is_no_file_of_operations_is_refused(fresh_database, employer, tmp_path):
    file = written(tmp_path / "x.csv", "1,2", headings="Number,Name")
    with pytest.raises(FileRefused, match="employee_number"):
        operate_file(fresh_database, given(employer), file, now=LATER)


def test_the_command_line_does_files_events_schedules_and_merges(
    fresh_database, employer, numbers, cli, tmp_path
):
    code = code_of(employer)
    a, b = numbers[:2]
    before = held(fresh_database, employer)
    file = written(tmp_path / "do.csv", f"{a},{code},0,withdraw,,,by mistake", "nobody,X,0,again,,,x")
    shared = ("--client", "harbor", "--as-of", "2026-02-01")
    tried = cli("repair", "file", file, *shared)
    assert tried.exit_code == 1, tried.output
    assert "Nothing was written" in tried.output
    assert held(fresh_database, employer).equals(before)
    done = cli("repair", "file", file, *shared, "--apply", "--files", tmp_path / "told")
    assert "1 to do" in done.output
    assert "Losses of health coverage" in done.output
    assert pl.read_csv(tmp_path / "told" / "coverage-that-differs.csv").height
    one = ("--schedule", code, "--person", a, "--reason", "right after all")
    listed = cli("repair", "history", "--client", "harbor", "--person", a)
    assert "by mistake" in listed.output
    back = cli("repair", "event", *shared, *one, "--do", "undo", "--apply")
    assert back.exit_code == 0, back.output
    assert held(fresh_database, employer).equals(before)
    whole = cli("repair", "schedule", *shared, "--schedule", code, "--do", "again", "--reason", "a test")
    assert whole.exit_code == 0, whole.output
    joined = cli("repair", "merge", *shared, "--person", a, "--into", b, "--reason", "one human")
    assert joined.exit_code == 0, joined.output
    assert "Nothing was written" in joined.output
    assert held(fresh_database, employer).equals(before)
    alone = cli("repair", "unmerge", *shared, "--person", a, "--from", b, "--reason", "two after all")
    assert alone.exit_code == 1
    assert "found not so" in " ".join(alone.output.split())
