"""The work list: one entry for each cause, there as long as the cause is; each message that no run stores."""

import shutil
from datetime import date, timedelta

import polars as pl
import pytest
from tests.runs.conftest import NOW
from typer.main import get_command

from openbenefits.cli.main import app
from openbenefits.core.codes import Level
from openbenefits.core.messages import CATALOGUE
from openbenefits.enrollment.models import Coverage
from openbenefits.events.models import Event, Message
from openbenefits.payroll.services import owed
from openbenefits.payroll.taken import take
from openbenefits.programs import frames
from openbenefits.programs import services as setup
from openbenefits.programs.models import EventClass, Schedule
from openbenefits.review.rules.cures import COMMANDS, path_of
from openbenefits.review.services import today, work_list
from openbenefits.runs.services import run
from openbenefits.sample import SAMPLE_FOLDER
from openbenefits.workforce import services as workforce
from openbenefits.workforce.models import JobFact, Person

AS_OF = date(2025, 11, 3)
LATER = NOW + timedelta(days=5)
MARRIED = date(2026, 3, 2)


def work(connection, employer, as_of=AS_OF, **options):
    return work_list(connection, employer.client_id, as_of=as_of, **options)


def entry(connection, employer, code, as_of=AS_OF, **options):
    rows = work(connection, employer, as_of, **options)["Work"].filter(code=code)
    return rows.row(0, named=True) if rows.height == 1 else rows.to_dicts()


def waiting_people(employer, count):
    events = Event.objects.filter(process_status="PR", schedule_id=employer.open_enrollment)
    return list(events.order_by("person_id").values_list("person_id", flat=True)[:count])


def maintain(connection, employer, as_of=MARRIED, **changes):
    order = {"schedule_id": employer.event_maintenance, "as_of": as_of, "through": Level.ELECTIONS}
    return run(connection, employer.order(**(order | changes)), now=LATER)


def marry(employer, person_id, on=MARRIED, **changes):
    report = {"event_class": "MAR", "on": on, "reported_on": on, "made_by": "test", "now": LATER}
    workforce.report_life_event(employer.client_id, person_id, **(report | changes))


# --- the catalogue ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_message_says_what_to_do_and_the_command_that_does_it_exists(code):
    message = CATALOGUE[code]
    assert message.title
    assert message.cure
    command = get_command(app)
    for word in path_of(COMMANDS[code]):
        assert word in command.commands, f"{code}: there is no command {COMMANDS[code]}"
        command = command.commands[word]
    options = {option for param in command.params for option in param.opts}
    assert {word for word in COMMANDS[code].split() if word.startswith("--")} <= options
    assert not hasattr(command, "commands"), f"{COMMANDS[code]} is a group"


# --- one cause, many people -------------------------------------------------------------------------------


@pytest.fixture
def bad_group(fresh_database, make_employer, tmp_path):
    """An employer of which the weekly pay group was closed; everybody in it lacks a calendar."""
    employer = make_employer(fresh_database, is_faulty=False, people=60)
    folder = shutil.copytree(SAMPLE_FOLDER / "clients" / "harbor", tmp_path / "closed")
    groups = folder / "groups.yaml"
    text = groups.read_text()
    weekly = "calendar_through: 2026-12-31, check_lag_days: 4}"
    assert text.count(weekly) == 1
    groups.write_text(text.replace(weekly, weekly[:-1] + ", active: false}"))
    assert setup.apply(folder, client_id=employer.client_id, applied_by="test", now=NOW).release
    return employer


def prepare(connection, employer, now=NOW):
    from openbenefits.runs.gate import obstacles

    codes = {one.code: "a test" for one in obstacles(connection, employer.client_id, AS_OF)}
    run(connection, employer.order(accepted=codes), now=now)


def test_the_same_cause_for_many_people_is_one_entry_and_the_cure_closes_it(fresh_database, bad_group):
    prepare(fresh_database, bad_group)
    weekly = Event.objects.filter(process_status="PE").count()
    assert weekly > 5
    assert JobFact.objects.filter(pay_group="HWK").values("person_id").distinct().count() >= weekly
    told = entry(fresh_database, bad_group, "BA1205", as_of=AS_OF)
    assert isinstance(told, dict), "one entry"
    assert told["record"] == "pay group HWK"
    assert told["people"] == told["events"] == weekly
    assert (told["severity"], told["owner"]) == ("error", "set-up")
    assert told["command"] == "openbenefits setup apply FOLDER"
    assert (told["since"], told["days_old"]) == (NOW.date(), (AS_OF - NOW.date()).days)
    assert told["employees"].endswith(f"and {weekly - 5} more")
    who = work(fresh_database, bad_group)["Who"].filter(code="BA1205")
    assert who["employee_number"].n_unique() == weekly

    prepare(fresh_database, bad_group, now=NOW + timedelta(days=1))
    again = entry(fresh_database, bad_group, "BA1205")
    assert again["since"] == NOW.date(), "a further run that says the same makes it no younger"

    folder = SAMPLE_FOLDER / "clients" / "harbor"
    assert setup.apply(folder, client_id=bad_group.client_id, applied_by="test", now=LATER).release
    assert entry(fresh_database, bad_group, "BA1205")["people"] == weekly, "open until the next run"
    prepare(fresh_database, bad_group, now=LATER)
    assert entry(fresh_database, bad_group, "BA1205") == []


def test_what_came_back_after_a_while_counts_from_then(fresh_database, bad_group, tmp_path):
    prepare(fresh_database, bad_group)
    good = SAMPLE_FOLDER / "clients" / "harbor"
    assert setup.apply(good, client_id=bad_group.client_id, applied_by="test", now=LATER).release
    prepare(fresh_database, bad_group, now=LATER)
    bad = tmp_path / "closed"
    assert setup.apply(bad, client_id=bad_group.client_id, applied_by="test", now=LATER).release
    people = waiting_people(bad_group, 90)
    Event.objects.filter(person_id__in=people).update(process_status="AS", event_status="C")
    prepare(fresh_database, bad_group, now=LATER + timedelta(days=2))
    assert entry(fresh_database, bad_group, "BA1205")["since"] == (LATER + timedelta(days=2)).date()


def test_entries_are_in_order_and_a_single_one_names_its_person(fresh_database, prepared):
    rows = work(fresh_database, prepared)["Work"]
    assert rows.height > 1
    errors = rows.filter(severity="error")
    assert rows.head(errors.height).equals(errors)
    assert errors["people"].to_list() == sorted(errors["people"], reverse=True)
    people = set(Person.objects.values_list("employee_number", flat=True))
    assert set(work(fresh_database, prepared)["Who"]["employee_number"]) <= people
    assert (
        rows["people"].sum()
        >= Message.objects.filter(is_current=True, severity="E").values("person_id").distinct().count()
    )


# --- what runs do not store -------------------------------------------------------------------------------


@pytest.fixture
def final(fresh_database, make_employer):
    """An employer whose open enrolment is final, with a marriage of one person to come."""
    return make_employer(fresh_database, is_faulty=False, people=60, is_enrolled=True)


def somebody(employer):
    final = Event.objects.filter(process_status="FE", schedule_id=employer.open_enrollment)
    return final.order_by("person_id").values_list("person_id", flat=True).first()


def test_ba1003_a_corrected_fact_is_there_until_the_repair(fresh_database, final):
    from openbenefits.repair.proposals import due_order, repair_due

    person_id = somebody(final)
    hired = JobFact.objects.filter(person_id=person_id).order_by("valid_from").first()
    workforce.correct_job(
        final.client_id,
        person_id,
        on=hired.valid_from,
        changes={"annual_pay_cents": hired.annual_pay_cents + 100_00},
        made_by="test",
        now=LATER,
    )
    maintain(fresh_database, final, as_of=AS_OF)
    told = entry(fresh_database, final, "BA1003")
    assert told["people"] == 1
    assert told["since"] == LATER.date()
    assert told["command"] == "openbenefits repair proposals --client harbor"
    repair_due(fresh_database, due_order(final.client_id, AS_OF, "test"), now=LATER)
    assert entry(fresh_database, final, "BA1003") == []


def test_ba1002_an_overtaken_event(fresh_database, final):
    person_id = somebody(final)
    marry(final, person_id, on=date(2025, 12, 1))
    maintain(fresh_database, final, as_of=date(2025, 12, 1), is_finalizing=True)
    told = entry(fresh_database, final, "BA1002")
    assert told["people"] == 1
    assert told["since"] == LATER.date(), "since the earlier event became final"
    assert Event.objects.get(person_id=person_id, event_number=0).is_out_of_sequence


def test_ba1005_a_disconnected_event_whose_fact_is_there(fresh_database, final):
    person_id = somebody(final)
    marry(final, person_id)
    maintain(fresh_database, final)
    Event.objects.filter(person_id=person_id, event_number__gt=0).update(event_status="D")
    assert entry(fresh_database, final, "BA1005")["people"] == 1


def test_ba1004_an_event_whose_fact_was_deleted(fresh_database, final):
    person_id = somebody(final)
    maintain(fresh_database, final, as_of=AS_OF)
    last_day = MARRIED - timedelta(days=1)
    resigned = {"last_day_employed": last_day, "made_by": "test", "now": LATER}
    workforce.terminate(final.client_id, person_id, **resigned)
    maintain(fresh_database, final, through=Level.PROGRAM)
    workforce.delete_job_row(final.client_id, person_id, on=MARRIED, made_by="test", now=LATER)
    maintain(fresh_database, final, through=Level.PROGRAM)
    told = entry(fresh_database, final, "BA1004")
    assert told["people"] == 1
    number = Person.objects.get(pk=person_id).employee_number
    assert f"--person {number} --event" in told["command"]


def test_ba1006_a_schedule_that_takes_nothing(fresh_database, final):
    maintain(fresh_database, final, as_of=AS_OF)
    Schedule.objects.filter(schedule_id=final.event_maintenance).update(is_closed_to_new_events=True)
    frames._kept.clear()
    marry(final, somebody(final))
    maintain(fresh_database, final)
    assert entry(fresh_database, final, "BA1006")["people"] == 1


def test_ba1007_activity_without_a_class_until_there_is_a_default(fresh_database, final):
    maintain(fresh_database, final, as_of=AS_OF)
    default = EventClass.objects.filter(use="D")
    codes = list(default.values_list("code", flat=True))
    default.update(use="S")
    frames._kept.clear()
    moved = {"on": MARRIED, "changes": {"location": "BOS"}, "made_by": "test", "now": LATER}
    workforce.change_job(final.client_id, somebody(final), action="DTA", **moved)
    maintain(fresh_database, final)
    assert entry(fresh_database, final, "BA1007", as_of=MARRIED)["people"] == 1
    EventClass.objects.filter(code__in=codes).update(use="D")
    frames._kept.clear()
    maintain(fresh_database, final)
    assert entry(fresh_database, final, "BA1007", as_of=MARRIED) == []


def test_ba1321_coverage_that_waits_for_evidence_until_that_is_decided(fresh_database, final, cli):
    person_id = somebody(final)
    key = {"client_id": final.client_id, "person_id": person_id, "benefit_record": 0, "plan_type": "20"}
    point = {"slot": 0, "begins_on": date(2026, 1, 1), "version": 9, "kind": "E", "basis": "eligible"}
    amounts = {"coverage_cents": 50_000_00, "requested_coverage_cents": 80_000_00}
    Coverage.objects.filter(**key).delete()
    Coverage.objects.create(**key, **point, **amounts, rule="a test", made_at=LATER)
    told = entry(fresh_database, final, "BA1321")
    assert (told["people"], told["since"]) == (1, LATER.date())
    counted = today(fresh_database, [final.client_id], as_of=MARRIED).clients
    assert counted["unproved"].item() == 1
    number = Person.objects.get(pk=person_id).employee_number
    assert told["command"] == f"openbenefits elect proof --client harbor --person {number}"
    decision = ("--plan-type", "20", "--approved", "80000", "--on", "2026-01-01")
    result = cli(*told["command"].split()[1:], *decision)
    assert result.exit_code == 0, result.output
    assert entry(fresh_database, final, "BA1321") == []


def test_ba1326_pays_taken_before_a_change_until_the_balance_is_even(fresh_database, final, tmp_path):
    person_id = somebody(final)
    begin, through = date(2026, 1, 1), date(2026, 3, 31)
    lines = owed(fresh_database, final.client_id, begin=begin, through=through)
    columns = ("employee_number", "benefit_record", "kind", "plan_type", "tax_class", "pay_group", "ends_on")
    taken = lines.select(*columns, taken=pl.col("owed_cents").cast(pl.Decimal(12, 2)) / 100)
    taken.write_csv(tmp_path / "taken.csv")
    told = take(fresh_database, final.client_id, tmp_path / "taken.csv", now=NOW, made_by="test")
    assert told.bad_row_count == 0
    assert entry(fresh_database, final, "BA1326") == []
    mine = Coverage.objects.filter(person_id=person_id, plan_type="10", superseded_by_run__isnull=True)
    mine.update(superseded_by_run=0, superseded_at=LATER)
    point = mine.model.objects.filter(person_id=person_id, plan_type="10").order_by("-begins_on").first()
    gone = {"kind": "T", "option_id": None, "version": point.version + 1, "made_at": LATER}
    kept = {name: getattr(point, name) for name in ("client_id", "person_id", "benefit_record", "plan_type")}
    days = {"begins_on": point.begins_on, "deduction_begins_on": point.deduction_begins_on}
    Coverage.objects.create(**kept, **days, **gone, basis="eligible", rule="a test")
    found = entry(fresh_database, final, "BA1326", as_of=MARRIED)
    assert (found["people"], found["record"]) == (1, "plan type 10 Medical")
    given_back = taken.filter(
        pl.col("employee_number") == found["employees"], pl.col("plan_type") == "10"
    ).with_columns(taken=pl.lit("0.00"))
    given_back.write_csv(tmp_path / "corrected.csv")
    take(fresh_database, final.client_id, tmp_path / "corrected.csv", now=LATER, made_by="test")
    assert entry(fresh_database, final, "BA1326", as_of=MARRIED) == []


def test_ba1009_a_late_report_waits_until_it_is_admitted(fresh_database, final):
    from openbenefits.events.activity import ActivityPlace, admit_activity

    person_id = somebody(final)
    marry(final, person_id, reported_on=MARRIED + timedelta(days=200))
    maintain(fresh_database, final)
    told = entry(fresh_database, final, "BA1009", as_of=MARRIED)
    assert told["record"] == "class MAR"
    place = ActivityPlace(client_id=final.client_id, person_id=person_id, event_on=MARRIED, bas_action="MAR")
    admit_activity(fresh_database, place, reason="a good one", author="test", now=LATER)
    assert entry(fresh_database, final, "BA1009") == []


def test_ba1333_who_could_not_be_finalised_is_listed_with_status(fresh_database, make_employer):
    employer = make_employer(fresh_database, people=60, is_enrolled=True)
    left = Event.objects.filter(process_status__in=["AE", "PE", "EE"]).count()
    assert left
    assert entry(fresh_database, employer, "BA1333")["events"] == left


def test_what_was_said_of_final_events_is_shown_only_if_asked_for(fresh_database, final):
    assert entry(fresh_database, final, "BA1331") == []
    codes = set(work(fresh_database, final)["Work"]["code"])
    told = set(work(fresh_database, final, with_final=True)["Work"]["code"])
    assert codes < told


def test_the_command_line_writes_the_work_list(fresh_database, prepared, cli, tmp_path):
    file = tmp_path / "work.csv"
    result = cli("review", "work", "--client", "harbor", "--as-of", "2025-11-03", "--csv", file)
    assert result.exit_code == 0, result.output
    assert pl.read_csv(file).height == work(fresh_database, prepared)["Work"].height
    assert (tmp_path / "work-who.csv").exists()
