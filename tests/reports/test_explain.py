"""Explanations: what is told is what was stored, also after facts and set-up have changed since."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
import yaml
from django.apps import apps
from rich.console import Console
from tests.programs import factories

from openbenefits.core.codes import Level
from openbenefits.events.rules import EVENT_KEY
from openbenefits.sample import SAMPLE_FOLDER, generate
from openbenefits.sample.profiles import SAMPLE_CLIENTS

BEFORE = datetime(2025, 9, 30, 8, tzinfo=UTC)
START = date(2025, 10, 1)
OPEN_ENROLLMENT, LATER = datetime(2025, 11, 3, 8, tzinfo=UTC), datetime(2026, 6, 1, 8, tzinfo=UTC)
YEAR = date(2026, 1, 1)
HIRED, MARRIED = date(2026, 3, 2), date(2026, 3, 5)


def apply(folder, client_id, now):
    from openbenefits.programs import services

    applied = services.apply(folder, client_id=client_id, applied_by="test", now=now)
    assert applied.release, applied


def process(connection, client_id, kind, *, as_of, now, **changes):
    """Run a client's schedule of a kind."""
    from openbenefits.programs.models import Schedule
    from openbenefits.runs.services import RunOrder, run

    schedule_id = Schedule.objects.filter(client_id=client_id, kind=kind).order_by("-id").first().schedule_id
    given = {"client_id": client_id, "schedule_id": schedule_id, "as_of": as_of, "floor": START}
    return run(connection, RunOrder(**given, **changes), now=now)


def stored(model, event, key):
    rows = apps.get_model("enrollment", model).objects.filter(
        **{name: event[name] for name in ("client_id", "person_id", "benefit_record", "schedule_id")},
        event_number=event["event_number"],
        preparation=event["preparation"],
    )
    return {row[key]: row for row in rows.values()}


def events(client_id):
    rows = apps.get_model("events.Event").objects.filter(client_id=client_id).values()
    return sorted(rows, key=lambda row: [row[name] for name in EVENT_KEY])


def explained(connection, event):
    from openbenefits.reports.explain import explain

    number = (event["schedule_id"], event["event_number"])
    return explain(connection, event["client_id"], event["person_id"], event=number)


def agrees(connection, event):
    """Whether an explanation tells the stored days and amounts of its event, and finds no difference."""
    told = explained(connection, event)
    assert told.differences == (), (event, told.differences)
    if not event["preparation"]:
        return 0
    plans, options = stored("EventPlan", event, "plan_type"), stored("EventOption", event, "option_id")
    assert {plan.plan_type for plan in told.plans} == set(plans)
    for plan in told.plans:
        days = {day.what: day.on for day in plan.days}
        row = plans[plan.plan_type]
        assert days.get("Coverage begins", row["coverage_begins_on"]) == row["coverage_begins_on"]
        assert days.get("Deductions begin", row["deduction_begins_on"]) == row["deduction_begins_on"]
        assert days.get("Present coverage ends", row["coverage_ends_on"]) == row["coverage_ends_on"]
    eligible = {
        option.option_id: option for plan in told.plans for option in plan.options if option.is_eligible
    }
    assert set(eligible) == set(options)
    for option_id, option in eligible.items():
        row = options[option_id]
        pay = (row["pay_before_tax_cents"], row["pay_after_tax_cents"])
        assert option.pay_cents == (None if None in pay else sum(pay))
        assert option.annual_employer_cents == row["annual_employer_cents"]
    return len(options)


# --- a sample of people, a year of events -----------------------------------------------------------------


@pytest.fixture
def harbor(fresh_database, kept, tmp_path):
    """Some dozens of people through open enrolment; then a hire, a marriage, a birth, a move and a termination."""
    return kept(fresh_database, "explained", lambda: _through_open_enrolment(fresh_database, tmp_path))


def _through_open_enrolment(fresh_database, tmp_path):
    from openbenefits.workforce import census
    from openbenefits.workforce.models import Client, Person

    profiles = tuple(profile for profile in SAMPLE_CLIENTS if profile.code == "harbor")
    files = generate(tmp_path / "sample", seed=5, people=24, clients=profiles)
    apply(SAMPLE_FOLDER / "peo", 0, BEFORE)
    client_id = Client.objects.create(code="harbor", name="Harbor").pk
    apply(SAMPLE_FOLDER / "clients" / "harbor", client_id, BEFORE)
    found = census.preview(client_id, files.of("harbor").census, as_of=START)
    census.apply(found, made_by="test", now=BEFORE)
    process(fresh_database, client_id, "O", as_of=START, now=OPEN_ENROLLMENT, through=Level.PROGRAM)
    process(fresh_database, client_id, "O", as_of=START, now=OPEN_ENROLLMENT, through=Level.OPTIONS)
    elect_some(fresh_database, client_id, on=date(2025, 11, 10))
    final = OPEN_ENROLLMENT + timedelta(days=28)
    process(fresh_database, client_id, "O", as_of=date(2025, 12, 1), now=final, is_finalizing=True)
    people = list(Person.objects.filter(client_id=client_id).order_by("pk").values_list("pk", flat=True))
    return client_id, people


def elect(connection, event, plan_type, option_code, *, on, **amounts):
    """Enter an election of an event."""
    from openbenefits.enrollment.elections import enter_one

    names = ("person_id", "benefit_record", "schedule_id", "event_number")
    received = {"received_on": on, "elector": "employee", "source": "administrator"}
    now = datetime(on.year, on.month, on.day, 15, tzinfo=UTC)
    place = {name: event[name] for name in names} | {"plan_type": plan_type, "option_code": option_code}
    result = enter_one(connection, event["client_id"], **place, **amounts, **received, now=now)
    assert result.entered == 1, result.bad_rows


def dearest(event, plan_type):
    """The option of an event that takes most from the pay and may be chosen."""
    options = [row for row in stored("EventOption", event, "option_id").values() if row["is_electable"]]
    best = max(
        (row for row in options if row["plan_type"] == plan_type), key=lambda row: row["pay_before_tax_cents"]
    )
    return apps.get_model("programs.Option").objects.filter(option_id=best["option_id"]).first().code


def elect_some(connection, client_id, *, on):
    """Let every third person with a choice elect a dear medical option and an account."""
    for event in [event for event in events(client_id) if event["process_status"] == "PR"][::3]:
        elect(connection, event, "10", dearest(event, "10"), on=on)
        elect(connection, event, "60", "FSA", on=on, pledge_cents=120_000)


def live_on(connection, client_id, people):
    """Record what happens to some people during the year, and process it: once prepared, once finalised."""
    from openbenefits.workforce import services

    spring = datetime(2026, 3, 20, 8, tzinfo=UTC)
    at = {"made_by": "test", "now": spring}
    married, moved, *gone = [one for one in people if one in enrolled(client_id)][:6]
    kin = {
        "first_name": "Kim",
        "last_name": "Example",
        "dependent": {"birth_on": date(2016, 5, 4), "sex": "F"},
    }
    services.add_dependent(client_id, married, on=MARRIED, person_type="CH", **kin, **at)
    reported = {"event_class": "MAR", "on": MARRIED, "reported_on": date(2026, 3, 9)}
    services.report_life_event(client_id, married, **reported, **at)
    home = {"line1": "1 Main St", "city": "Springfield", "state": "MA", "postal_code": "01103"}
    services.move(client_id, moved, on=date(2026, 3, 10), address=home, **at)
    for one in gone:
        services.terminate(client_id, one, last_day_employed=date(2026, 3, 13), **at)
    hire_like(client_id, married, **at)
    process(connection, client_id, "E", as_of=date(2026, 3, 21), now=spring + timedelta(days=1))
    elect_some(connection, client_id, on=date(2026, 3, 25))
    later = spring + timedelta(days=40)
    process(connection, client_id, "E", as_of=date(2026, 5, 1), now=later, is_finalizing=True)


def hire_like(client_id, person_id, **at):
    """Hire somebody into the job of somebody else."""
    from openbenefits.workforce import services

    job = apps.get_model("workforce.JobFact").objects.filter(person_id=person_id).values().first()
    names = (
        "company",
        "benefit_group",
        "pay_group",
        "location",
        "job_code",
        "employee_class",
        "full_part_time",
    )
    more = ("regular_temporary", "flsa_status", "weekly_hours_hundredths", "annual_pay_cents")
    services.hire(
        client_id,
        employee_number="H999999",
        first_name="New",
        last_name="Example",
        on=HIRED,
        job={name: job[name] for name in (*names, *more)},
        person={"birth_on": date(1990, 6, 6), "sex": "F", "is_smoker": False},
        address={"line1": "3 Main St", "city": "Boston", "state": "MA", "postal_code": "02108"},
        **at,
    )


def enrolled(client_id):
    return {event["person_id"] for event in events(client_id) if event["process_status"] == "FE"}


def change_everything(client_id, people, tmp_path):
    """Change facts of the past and the set-up, after all events were processed."""
    from openbenefits.workforce import services

    at = {"made_by": "test", "now": LATER}
    for person in people:
        services.correct_person(client_id, person, on=YEAR, changes={"birth_on": date(1950, 1, 1)}, **at)
        home = {"line1": "2 Main St", "city": "Boston", "state": "MA", "postal_code": "02108"}
        services.move(client_id, person, on=date(2025, 12, 1), address=home, **at)
        services.change_job(
            client_id,
            person,
            on=date(2025, 12, 1),
            action="PAY",
            changes={"annual_pay_cents": 9_999_900},
            **at,
        )
    folder = tmp_path / "changed"
    for file in (SAMPLE_FOLDER / "clients" / "harbor").iterdir():
        folder.mkdir(exist_ok=True)
        (folder / file.name).write_text(changed(file.read_text()))
    apply(folder, client_id, LATER)


def changed(text):
    """Let the employer pay 10 % less of everything, from the beginning."""
    parts = yaml.safe_load(text)
    for contribution in parts.get("contributions", ()):
        for row in contribution["rows"]:
            row["employee_percent"] = max(0, row.get("employee_percent", 0) - 10)
    return yaml.safe_dump(parts, sort_keys=False)


def some_of(found):
    """Every event that came from a person's life, and every sixth of the open enrolment."""
    lived = [event for event in found if event["source"] != "OE"]
    return lived + [event for event in found if event["source"] == "OE"][::6]


def test_traced_is_stored(harbor, fresh_database):
    client_id, people = harbor
    live_on(fresh_database, client_id, people)
    found = events(client_id)
    assert {"FE", "FA"} <= {event["process_status"] for event in found}
    assert len({event["event_class_id"] for event in found}) == 5  # OE, HIR, MAR, MSC, TER
    assert sum(agrees(fresh_database, event) for event in some_of(found)) > 250


def test_traced_is_stored_after_facts_and_set_up_changed(harbor, fresh_database, tmp_path):
    client_id, people = harbor
    live_on(fresh_database, client_id, people)
    chosen = some_of(events(client_id))
    before = [explained(fresh_database, event) for event in chosen]
    change_everything(client_id, people, tmp_path)
    assert [explained(fresh_database, event) for event in chosen] == before
    assert all(one.differences == () for one in before)


def test_elections_entered_since_are_left_out(fresh_database, harbor):
    client_id, people = harbor
    person = next(one for one in people if one in enrolled(client_id))
    from openbenefits.workforce import services

    now = datetime(2026, 3, 20, 8, tzinfo=UTC)
    reported = {"event_class": "MAR", "on": MARRIED, "reported_on": MARRIED}
    services.report_life_event(client_id, person, **reported, made_by="test", now=now)
    process(fresh_database, client_id, "E", as_of=date(2026, 3, 21), now=now)
    marriage = next(event for event in events(client_id) if event["event_on"] == MARRIED)
    before = explained(fresh_database, marriage)
    elect_some(fresh_database, client_id, on=date(2026, 3, 25))
    entered = next(event for event in events(client_id) if event["event_on"] == MARRIED)
    assert entered["process_status"] == "ET"
    assert explained(fresh_database, entered).plans == before.plans


def test_a_difference_is_told(harbor, fresh_database):
    client_id, _ = harbor
    event = next(event for event in events(client_id) if event["process_status"] == "FE")
    with fresh_database.cursor() as cursor:
        cursor.execute(
            "UPDATE enrollment_menuoption SET pay_before_tax_cents = 1 WHERE menu_id IN"
            " (SELECT menu_id FROM enrollment_eventplan WHERE person_id = %s AND plan_type = '14')",
            [event["person_id"]],
        )
    assert any(
        "pay_before_tax_cents stored 1" in line for line in explained(fresh_database, event).differences
    )


# --- one person, word by word -------------------------------------------------------------------------------


@pytest.fixture
def newcomer(fresh_database, kept, tmp_path):
    """One person of the factories' employer, hired on 2 March with a family, processed at once."""
    return kept(fresh_database, "newcomer", lambda: hired_newcomer(fresh_database, tmp_path))


AT = {"made_by": "test", "now": datetime(2026, 3, 2, 9, tzinfo=UTC)}
WAIT = {
    "event_class": "HIR",
    "default": "option",
    "waiting_days": 60,
    "coverage_begins": "first_of_month_on_or_after",
}
JOB = {
    "company": "ACM", "pay_group": "BW", "benefit_group": "ALL", "employee_class": "STAFF",
    "full_part_time": "F", "regular_temporary": "R", "job_code": "CLERK",
    "weekly_hours_hundredths": 3750, "annual_pay_cents": 4_150_000,
}  # fmt: skip


def hired_newcomer(fresh_database, tmp_path, *, is_finalizing=True, **setup):
    """Hire and process the newcomer, under set-up changed a little: see `newcomers_employer`."""
    client_id = newcomers_employer(tmp_path, **setup)
    person = hire_newcomer(client_id)
    now = datetime(2026, 3, 3, 2, tzinfo=UTC)
    process(fresh_database, client_id, "E", as_of=HIRED, now=now, is_finalizing=is_finalizing)
    return client_id, person


def newcomers_employer(
    tmp_path, *, peo=None, priced=lambda plan_types: None, program=None, ruled=lambda rules: None, **client
):
    """Put the factories' set-up into force: `priced` changes plan types, `ruled` event rules."""
    from openbenefits.workforce.models import Client

    def deducted(programs):
        programs[0]["plan_types"][1]["options"][0]["deduction_code"] = "MED"
        priced(programs[0]["plan_types"])
        programs[0].update(program or {})

    def waiting(rules):
        rules[0]["classes"][0] = dict(WAIT)
        ruled(rules)

    apply(factories.make_peo(tmp_path / "peo", **(peo or {})), 0, BEFORE)
    client_id = Client.objects.create(code="acme", name="Acme").pk
    bundle = factories.make_client(tmp_path / "acme", event_rules=waiting, programs=deducted, **client)
    apply(bundle, client_id, BEFORE)
    return client_id


def hire_newcomer(client_id):
    """Hire Ann Moss, with a husband and a grown child."""
    from openbenefits.workforce import services

    person = services.hire(
        client_id,
        employee_number="1001",
        first_name="Ann",
        last_name="Moss",
        on=HIRED,
        job=JOB,
        person={"birth_on": date(1985, 1, 20), "sex": "F", "is_smoker": False},
        address={"line1": "1 Pier St", "city": "Agawam", "state": "MA", "postal_code": "01001"},
        ssn="219-09-9999",
        **AT,
    ).person_id
    for first, kind, born in (("Ben", "SP", date(1986, 7, 1)), ("Cal", "CH", date(2000, 2, 29))):
        services.add_dependent(
            client_id, person, on=born, first_name=first, last_name="Moss", person_type=kind,
            dependent={"birth_on": born, "is_smoker": False}, **AT,
        )  # fmt: skip
    return person


def page(connection, newcomer, **chosen):
    from openbenefits.reports.explain import explain, render

    console = Console(file=StringIO(), width=110, force_terminal=False)
    console.print(render(explain(connection, *newcomer, **chosen)))
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


MEDICAL = """\
Employee 1001 of acme, benefit record 0

Event
  What happened    a job row of March 2, 2026 with action HIR
  Class            HIR Hire: the action table maps HIR to HIR
  Event date       March 2, 2026
  Schedule         EM (Event maintenance), event 1
  Stands at        FE final: enrolled
  Explained as of  2026-03-03 02:00 UTC, run 1 as of March 2, 2026, by system
  Elections        March 2, 2026 to April 2, 2026
  AS  program assigned  2026-03-03 02:00  open    run 1 as of March 2, 2026, by system
  PR  options prepared  2026-03-03 02:00  open    run 1 as of March 2, 2026, by system
  FE  final: enrolled   2026-03-03 02:00  closed  run 1 as of March 2, 2026, by system

Facts used
  Age                                      41 years
  Service                                  0 completed months
  Hired                                    March 2, 2026
  Job                                      CLERK, A, STAFF
  Full or part time, regular or temporary  F, R
  Weekly hours                             37.5
  Annual pay                               $41,500
  Company and process group                ACM, ALL
  Pay group                                BW
  Home zip                                 01001 (rating area R1)
  Dependents                               spouse of 39 years and child of 26 years

Programs
  MAIN (Main program): in it, rule FULL is met
    E eligible: standard hours a week is 37.5, expected at least 30
    E eligible: company of the job is ACM, expected one of ACM
    NE not evaluated: 34 other fields the rule does not look at

Plan type 10 Medical
  Event rule        HEALTH, row of class HIR (plan document of 2026, in force from January 1, 2026)
  Coverage begins   first of the month on or after March 2, 2026 + 60 days (= May 1, 2026)
                    [first_of_month_on_or_after, after 60 days]
  Deductions begin  with coverage, on May 1, 2026 [with_coverage]
  Dependents        spouses 1, children 0 count on May 1, 2026: children below 26, rule HEALTH (plan document
                    of 2026)
  Choice            all eligible options may be chosen; 3 may be chosen: a choice
  Without election  the default option: HMO-1 (Health plan, Employee), the plan document's default
  HMO-1 (Health plan, Employee), $31.03 per pay: offered [default]
    price: rate table hmo of 2026-01-01 for area R1, age 41
      $310.25 a month
      employer: 80% of the own part $310.25 = $248.20: $248.20 a month
      employee: $62.05 a month × 12 = $744.60 a year ÷ 24 pays in 2026 = $31.03 per pay
  HMO-4 (Health plan, Family), $108.59 per pay: offered
    price: rate table hmo of 2026-01-01 for area R1, age 41
      employee, 41: $310.25
      spouse, 39: $310.25
      $620.50 a month
      employer: 80% of the own part $310.25 = $248.20 + 50% of the dependents' part $310.25 = $155.13: $403.33
      a month
      employee: $217.17 a month × 12 = $2,606.04 a year ÷ 24 pays in 2026 = $108.59 per pay
  WAIVE (Waive): offered
    credit: rate table credit of 2026-01-01
      $25.00 a month
      credit: $25.00 a month × 12 = $300.00 a year ÷ 26 pays in 2026 = $11.54 per pay
  from plan document of 2026: plan HMO of 2026-01-01 (Carrier), rate table hmo of 2026-01-01, rate table
  credit of 2026-01-01 and contribution EIGHTY of 2026-01-01

What the person has
  Medical, by default, from May 1, 2026: HMO-1 (Health plan, Employee)
    by event HIR (Hire) of March 2, 2026, run 1 as of March 2, 2026, by system; rule: default: default option;
    basis: eligible
    deduction from May 1, 2026: $31.03 per pay, before tax: $744.60 a year

Check
  Prepared again from the same facts: everything stored agrees to the cent and the day."""


def test_page_of_one_plan_type(newcomer, fresh_database):
    assert page(fresh_database, newcomer, plan_type="10") == MEDICAL


def test_page_tells_how_coverage_follows_from_pay(newcomer, fresh_database):
    told = page(fresh_database, newcomer, plan_type="20")
    assert (
        "coverage $42,000 = annual pay (a year: $41,500), × 1, rounded up to full $1,000, at most $50,000"
        in told
    )
    assert "$0.145 per $1,000 a month × $42,000 of coverage = $6.09 a month" in told


def test_page_tells_which_day_and_whose_age(fresh_database, tmp_path):
    def aged(tables):
        tables[1].update(keys=["age"], rates=[{"age_from": 0, "rate": 0.1}, {"age_from": 40, "rate": 0.2}])

    def priced(plan_types):
        for plan_type, rule in zip(plan_types, ("YEAR", "SPOUSE"), strict=False):
            plan_type["options"][0]["costs"][0]["calculation_rule"] = rule

    rules = [
        {**factories.DATED, "code": "YEAR", "age_as_of": "this_year", "age_day": "12-31"},
        {**factories.DATED, "code": "SPOUSE", "age_of": "spouse", "age_as_of": "check_date"},
    ]
    newcomer = hired_newcomer(
        fresh_database, tmp_path, peo={"rate_tables": aged}, priced=priced, calculation_rules=rules
    )
    told = " ".join(page(fresh_database, newcomer).split())
    assert "rule YEAR of 2026-01-01 (plan document of 2026): age of each member on 2026-12-31" in told
    assert "spouse, 40: $310.25" in told  # 39 on the day coverage begins
    assert "age of the spouse or partner on 2026-03-20" in told  # the check of the pay 2–15 March
    assert "rate table life of 2026-01-01 for age 39" in told
    assert "$0.10 per $1,000 a month" in told
    assert "everything stored agrees" in told


def test_nothing_personal_is_told(newcomer, fresh_database):
    from openbenefits.reports.explain import explain, to_dict

    told = json.dumps(to_dict(explain(fresh_database, *newcomer))) + page(fresh_database, newcomer)
    for secret in ("Ann", "Moss", "Ben", "219", "9999", "1985", "1986", "2000", "January 20", "Pier"):
        assert not re.search(rf"\b{secret}\b", told), secret


def test_results_of_criteria(newcomer, fresh_database):
    from openbenefits.reports.explain import explain

    (program,) = explain(fresh_database, *newcomer).programs
    results = {one.field: one.result for one in program.rule.criteria}
    assert results == dict.fromkeys(results, "NE") | {"weekly_hours": "E", "company": "E"}


def test_somebody_without_an_event(newcomer, fresh_database):
    from openbenefits.reports.explain import NothingToExplain, explain

    with pytest.raises(NothingToExplain, match="expected event 7 of schedule 1"):
        explain(fresh_database, *newcomer, event=(1, 7))
    with pytest.raises(NothingToExplain, match="has no person 999"):
        explain(fresh_database, newcomer[0], 999)


def test_page_names_the_curve_and_the_factor_of_the_age(fresh_database, tmp_path):
    def by_curve(tables):
        del tables[1]["unit"]
        tables[1].update(curve="C", rates=[{"rate": 10}])

    factors = [{"age": age, "factor": 1 if age < 39 else 1.444} for age in range(121)]
    curves = [{**factories.DATED, "code": "C", "factors": factors}]
    newcomer = hired_newcomer(fresh_database, tmp_path, peo={"rate_tables": by_curve, "age_curves": curves})
    told = " ".join(page(fresh_database, newcomer).split())
    named = "rates by the age curve C of 2026-01-01 (plan document of 2026), stated for the age of 21 with the factor 1"
    assert named in told
    assert "rate table life of 2026-01-01 for age 41, factor of the age curve 1.444" in told
    assert "$14.44 a month" in told
    assert "everything stored agrees" in told


@pytest.mark.parametrize(
    ("kind", "named"),
    [("company", "area of the company's address R2"), ("location", "area of the place of work R2")],
)
def test_page_tells_whose_address_gives_the_rating_area(fresh_database, tmp_path, monkeypatch, kind, named):
    monkeypatch.setitem(JOB, "location", "HQ")
    office = {**factories.DATED, "code": {"company": "ACM", "location": "HQ"}[kind], "zip": "02101"}
    newcomer = hired_newcomer(
        fresh_database,
        tmp_path,
        peo={"rate_tables": lambda tables: tables[0].update(area_of=kind)},
        **{f"{kind}_addresses": [office]},
    )
    told = " ".join(page(fresh_database, newcomer).split())
    assert f"rate table hmo of 2026-01-01 for {named}, age 41" in told
    assert "$315.50 a month" in told
    assert "everything stored agrees" in told


@pytest.mark.parametrize(
    ("frequency", "told"),
    [
        ("annual", ["$310.25 a year employer: 80% of the own part $310.25 = $248.20: $248.20 a year"]),
        ("annual", ["employee: $62.05 a year ÷ 24 pays in 2026 = $2.59 per pay"]),
        ("quarterly", ["$310.25 a quarter × 4 = $1,241.00 a year", "employee: $248.20 a year ÷ 24"]),
        ("biweekly", ["$310.25 a two-week period × 26 = $8,066.50 a year"]),
        ("daily", ["$310.25 a working day × 260 = $80,665.00 a year"]),
    ],
)
def test_page_tells_a_price_by_its_own_frequency(fresh_database, tmp_path, frequency, told):
    def of_frequency(tables):
        tables[0].update(frequency=frequency)

    newcomer = hired_newcomer(fresh_database, tmp_path, peo={"rate_tables": of_frequency})
    page_of_plan = " ".join(page(fresh_database, newcomer, plan_type="10").split())
    for line in told:
        assert line in page_of_plan
    assert "everything stored agrees" in page_of_plan


@pytest.mark.parametrize(
    ("unit", "frequency", "told"),
    [
        ("per_thousand", "annual", "$0.145 per $1,000 a year × $42,000 of coverage = $6.09 a year"),
        ("per_thousand", "weekly", "a week × $42,000 of coverage = $6.09 × 52 = $316.68 a year"),
        ("flat", "weekly", "$0.145 a week = $0.15 × 52 = $7.80 a year"),
        ("percent_of_base", "monthly", "0.145% of annual pay $41,500.00 = $60.18 a year"),  # 60.175
    ],
)
def test_page_tells_where_a_price_is_rounded(fresh_database, tmp_path, unit, frequency, told):
    def priced(tables):
        tables[1].update(unit=unit, frequency=frequency)

    newcomer = hired_newcomer(fresh_database, tmp_path, peo={"rate_tables": priced})
    page_of_plan = " ".join(page(fresh_database, newcomer, plan_type="20").split())
    assert told in page_of_plan
    assert "everything stored agrees" in page_of_plan
