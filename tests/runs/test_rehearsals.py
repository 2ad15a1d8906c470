"""A rehearsal writes nothing but itself; committed unchanged it is the direct run, changed it says who differs."""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from django.db import transaction

from openbenefits.core.codes import Level
from openbenefits.payroll.services import owed
from openbenefits.programs.sections.operation import SecondPersonPart
from openbenefits.runs import limits
from openbenefits.runs.acts import ActRefused
from openbenefits.runs.committing import COMMITTED, LEFT_OUT, Tolerance, commit
from openbenefits.runs.models import Run
from openbenefits.runs.rehearsals import NoRehearsal, list_rehearsals, load_rehearsal, rehearse
from openbenefits.runs.services import run
from openbenefits.workforce.models import Person
from openbenefits.workforce.recording import JOBS, FactFrames, known_versions, latest_versions, record_facts

from .conftest import NOW, SMALL_PARTITION

LATER = NOW + timedelta(days=30)
ANY = Tolerance(people=None, cents=None)


@pytest.fixture(autouse=True)
def kept_here(settings_of_rehearsals):
    return settings_of_rehearsals


@pytest.fixture
def settings_of_rehearsals(tmp_path, monkeypatch):
    from django.conf import settings

    monkeypatch.setattr(settings, "REHEARSALS", tmp_path / "rehearsals")
    return tmp_path


@pytest.fixture
def employer(fresh_database, make_employer):
    return make_employer(fresh_database)


@pytest.fixture
def order(employer):
    return employer.order(is_finalizing=True, through=Level.ELECTIONS)


def leave(client_id, how_many):
    """Let some people leave before the period."""
    people = pl.Series(
        "person_id", sorted(Person.objects.filter(client_id=client_id).values_list("pk", flat=True))
    )
    jobs = latest_versions(JOBS, known_versions(JOBS, client_id, people)).sort("valid_from")
    jobs = jobs.unique("person_id", keep="last", maintain_order=True).filter(
        (pl.col("job_status") == "A") & (pl.col("annual_pay_cents") > 0)
    )
    left = jobs.sort("person_id").head(how_many).select(list(JOBS.columns))
    left = left.with_columns(
        valid_from=pl.lit(date(2025, 12, 1)),
        action=pl.lit("TER"),
        job_status=pl.lit("T"),
        last_day_employed=pl.lit(date(2025, 11, 30)),
    )
    record_facts(client_id, FactFrames(jobs=left), kind="entry", label="leavers", made_by="test", now=LATER)
    return left["person_id"]


def everything(connection):
    """Every row of the database but those of sequences: nothing at all may change."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        tables = [row[0] for row in cursor.fetchall()]
        found = {}
        for table in tables:
            cursor.execute(f"SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM {table} AS t")
            found[table] = cursor.fetchone()
    return found


@pytest.mark.parametrize("people", [None, SMALL_PARTITION])
def test_a_rehearsal_leaves_the_database_as_it_was_and_is_read_back(fresh_database, order, people):
    before = everything(fresh_database)
    made = rehearse(fresh_database, [order], now=NOW, made_by="test", partition_people=people)
    assert everything(fresh_database) == before
    read = load_rehearsal(fresh_database, made.number)
    assert read.people.equals(made.people)
    assert read.differences.equals(made.differences)
    assert read.differences.height > 0
    assert replace(read, people=made.people, differences=made.differences) == made
    assert list_rehearsals(fresh_database)["number"].to_list() == [1]
    assert 0 < made.run_seconds <= made.seconds
    with pytest.raises(NoRehearsal, match="there are: 1"):
        load_rehearsal(fresh_database, 7)


def test_numbers_do_not_depend_on_partitions_and_dollars_are_those_owed(fresh_database, employer, order):
    whole = rehearse(fresh_database, [order], now=NOW, made_by="test")
    parted = rehearse(fresh_database, [order], now=NOW, made_by="test", partition_people=SMALL_PARTITION)
    key = ["client_id", "person_id", "benefit_record"]
    assert parted.people.sort(key).equals(whole.people.sort(key))
    place = [*key, "plan_type", "slot"]
    assert parted.differences.sort(place).equals(whole.differences.sort(place))
    assert parted.measures == whole.measures
    run(fresh_database, order, now=NOW)
    year = {"begin": date(2026, 1, 1), "through": date(2026, 12, 31)}
    lines = owed(fresh_database, employer.client_id, **year)
    owing = lines.group_by(place).agg(cents=pl.col("owed_cents").sum()).filter(pl.col("cents") != 0)
    told = whole.differences.filter(pl.col("year_cents_after") != 0).select(*place, cents="year_cents_after")
    assert told.height > 20
    assert told.sort(place).equals(owing.sort(place))
    assert whole.differences["year_cents_before"].drop_nulls().sum() == 0


@pytest.mark.parametrize("level", [Level.OPTIONS, Level.ELECTIONS])
def test_the_commit_of_an_unchanged_rehearsal_is_the_direct_run(fresh_database, order, contents, level):
    order = replace(order, through=level, is_finalizing=level == Level.ELECTIONS)
    made = rehearse(fresh_database, [order], now=NOW, made_by="test", partition_people=SMALL_PARTITION)
    with transaction.atomic():
        direct = run(fresh_database, order, now=NOW)
        expected = contents(fresh_database)
        transaction.set_rollback(True)
    (done,) = commit(fresh_database, made, now=NOW, author="boss", tolerance=Tolerance())
    assert (done.state, done.why, done.differing.height) == (COMMITTED, "", 0)
    assert done.people == direct.people
    for table, rows in contents(fresh_database).items():
        assert rows.equals(expected[table]), table
    assert Run.objects.get().options["rehearsal"] == made.number


def test_who_has_changed_is_recomputed_and_listed_or_the_client_left_out(
    fresh_database, employer, order, contents
):
    made = rehearse(fresh_database, [order], now=NOW, made_by="test")
    gone = leave(employer.client_id, 4)
    before = contents(fresh_database)
    with transaction.atomic():
        run(fresh_database, order, now=LATER)
        expected = contents(fresh_database)
        transaction.set_rollback(True)
    (strict,) = commit(fresh_database, made, now=LATER, author="boss", tolerance=Tolerance())
    assert strict.state == LEFT_OUT
    assert set(strict.differing["person_id"]) == set(gone)
    assert set(strict.differing["how"]) == {"changed"}
    assert all(rows.equals(before[table]) for table, rows in contents(fresh_database).items())
    assert not Run.objects.exists()
    people = strict.differing["is_result_different"].sum()
    cents = int(strict.differing["cents"].sum())
    assert people > 0
    assert cents > 0
    for tolerance in (Tolerance(people=people - 1, cents=cents), Tolerance(people=people, cents=cents - 1)):
        (left,) = commit(fresh_database, made, now=LATER, author="boss", tolerance=tolerance)
        assert left.state == LEFT_OUT
    allowed = Tolerance(people=people, cents=cents)
    (done,) = commit(fresh_database, made, now=LATER, author="boss", tolerance=allowed)
    assert done.state == COMMITTED
    assert done.differing.equals(strict.differing)
    for table, rows in contents(fresh_database).items():
        assert rows.equals(expected[table]), table


def test_one_client_left_out_stops_no_other(fresh_database, make_employer, employer, order):
    other = make_employer(fresh_database, code="quill", people=40)
    orders = [order, other.order(is_finalizing=True, through=Level.ELECTIONS)]
    made = rehearse(fresh_database, orders, now=NOW, made_by="test")
    leave(employer.client_id, 4)
    done = commit(fresh_database, made, now=LATER, author="boss", tolerance=Tolerance())
    assert [one.state for one in done] == [LEFT_OUT, COMMITTED]
    assert set(Run.objects.values_list("bundle_client", flat=True)) == {other.client_id}
    (first,) = commit(
        fresh_database, made, now=LATER, author="boss", tolerance=ANY, clients=[employer.client_id]
    )
    assert first.state == COMMITTED
    with pytest.raises(NoRehearsal):
        made.order_of(99)


def test_a_second_person_commits_where_the_client_wants_one(fresh_database, order, monkeypatch):
    made = rehearse(fresh_database, [order], now=NOW, made_by="test")

    class SetUp:
        run_limits = ()
        second_person = SecondPersonPart(commit=True)

    monkeypatch.setattr(limits, "_set_up", lambda connection, client_id: SetUp)
    with pytest.raises(ActRefused, match="another person"):
        commit(fresh_database, made, now=NOW, author="Test", tolerance=ANY)
    assert not Run.objects.exists()
    assert commit(fresh_database, made, now=NOW, author="boss", tolerance=ANY)[0].state == COMMITTED
