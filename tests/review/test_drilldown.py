"""An event from participant to cost, eligibility field by field, passive events: on real runs."""

from datetime import date, timedelta

import polars as pl
import pytest
from tests.runs.conftest import NOW

from openbenefits.enrollment.elections import enter_one
from openbenefits.enrollment.models import Coverage, CoverageDependent, EventOption
from openbenefits.events.models import Event
from openbenefits.events.windows import EventPlace
from openbenefits.programs.models import Option
from openbenefits.reports.explain_again import NothingToExplain
from openbenefits.review.drilldown import SHEETS
from openbenefits.review.services import drill_down, eligibility_debugging, passive_events
from openbenefits.runs.passive import run_passive_events
from openbenefits.runs.services import run
from openbenefits.workforce.models import Dependent, Person

AS_OF = date(2025, 11, 3)


def place_of(event):
    names = ("client_id", "person_id", "benefit_record", "schedule_id", "event_number")
    return EventPlace(**{name: getattr(event, name) for name in names})


@pytest.fixture
def final(fresh_database, make_employer):
    return make_employer(fresh_database, is_faulty=False, people=60, is_enrolled=True)


def test_every_level_is_there_and_agrees_with_what_is_stored(fresh_database, final):
    event = Event.objects.filter(process_status="FE").order_by("person_id").first()
    sheets = drill_down(fresh_database, place_of(event))
    assert tuple(sheets) == SHEETS
    stored = EventOption.objects.filter(
        person_id=event.person_id, preparation=event.preparation, schedule_id=event.schedule_id
    )
    codes = dict(Option.objects.values_list("option_id", "code"))
    options = sheets["Options"]
    eligible = options.filter("is_eligible", pl.col("plan_type") != "01").select("plan_type", "option")
    assert set(eligible.rows()) == {
        (one.plan_type, codes[one.option_id]) for one in stored if one.plan_type != "01"
    }
    for one in stored.filter(plan_type="10", pay_before_tax_cents__isnull=False):
        shown = options.filter(plan_type="10", option=codes[one.option_id]).row(0, named=True)
        cents = one.pay_before_tax_cents + one.pay_after_tax_cents
        assert shown["per_pay"].replace("$", "").replace(",", "") == f"{cents / 100:.2f}"
        assert shown["why"]
    costs = sheets["Costs"].filter(plan_type="10", kind="price")
    assert costs["arithmetic"].str.len_chars().min() > 0
    assert set(sheets["Plan types"]["plan_type"]) >= set(options["plan_type"])
    facts = dict(sheets["Participant"].rows())
    assert facts["employee"] == Person.objects.get(pk=event.person_id).employee_number
    assert "differs from what is stored" not in facts


def test_one_plan_type_alone(fresh_database, final):
    event = Event.objects.filter(process_status="FE").order_by("person_id").first()
    sheets = drill_down(fresh_database, place_of(event), plan_type="11")
    assert sheets["Plan types"]["plan_type"].to_list() == ["11"]
    assert set(sheets["Held"]["plan_type"]) <= {"11"}


def test_dependents_beneficiaries_and_funds_as_elected_and_as_held(fresh_database, prepared):
    dependent = Dependent.objects.filter(
        person__in=Event.objects.filter(process_status="PR").values("person_id")
    ).first()
    event = Event.objects.get(person_id=dependent.person_id, schedule_id=prepared.open_enrollment)
    place = place_of(event)
    code = Option.objects.filter(
        option_id=EventOption.objects.filter(**place.key(), plan_type="21").first().option_id
    ).first()
    entered = enter_one(
        fresh_database,
        place.client_id,
        **{name: value for name, value in place.key().items() if name != "client_id"},
        plan_type="21",
        option_code=code.code,
        beneficiaries={dependent.number: 6000},
        contingent_beneficiaries={dependent.number: 4000},
        received_on=AS_OF,
        elector="test",
        source="administrator",
        now=NOW,
    )
    assert entered.entered == 1, entered.bad_rows
    sheets = drill_down(fresh_database, place)
    assert sheets["Beneficiaries"].select("of", "dependent", "share", "kind").rows() == [
        ("elected", dependent.number, "40%", "contingent"),
        ("elected", dependent.number, "60%", "primary"),
    ]
    elected = sheets["Options"].filter("is_elected")
    assert elected.select("plan_type", "option").rows() == [("21", code.code)]

    point = {"client_id": place.client_id, "person_id": place.person_id, "benefit_record": 0, "version": 1}
    point |= {"plan_type": "10", "begins_on": date(2025, 1, 1)}
    Coverage.objects.create(**point, kind="E", basis="eligible", rule="taken over", made_at=NOW)
    CoverageDependent.objects.create(**point, dependent_id=dependent.pk)
    held = drill_down(fresh_database, place)["Dependents"]
    assert held.rows() == [("10", "held from 2025-01-01", dependent.number)]


def test_an_event_that_does_not_exist(fresh_database, final):
    event = Event.objects.first()
    event.event_number = 99
    for show in (drill_down, eligibility_debugging):
        with pytest.raises(NothingToExplain, match="found none"):
            show(fresh_database, place_of(event))


def test_eligibility_has_headers_fields_and_values_of_each_job(fresh_database, prepared):
    event = Event.objects.filter(process_status="PR").order_by("person_id").first()
    sheets = eligibility_debugging(fresh_database, place_of(event))
    headers, fields, values = sheets["Headers"], sheets["Fields"], sheets["Values"]
    assert headers["event_on"].unique().to_list() == [event.event_on]
    assert headers["processed_on"].unique().to_list() == [NOW.date()]
    rules = headers.filter(part="rule")
    assert rules["rule_from"].null_count() == 0
    assert "E" in set(headers["result"])
    assert set(fields["code"]) <= {"E", "EO", "I", "IO", "IS", "NL", "?"}
    assert fields.filter(field=1).height == headers.height
    assert values.height >= fields.filter(part="rule").height
    every = eligibility_debugging(fresh_database, place_of(event), with_unused=True)["Fields"]
    assert "NE" in set(every["code"])
    assert every.height > fields.height


def test_passive_events_name_whom_they_triggered(fresh_database, final):
    assert passive_events(fresh_database, final.client_id)["Triggered"].is_empty()
    years = {"begin": date(2025, 1, 1), "as_of": date(2026, 12, 31)}
    run_passive_events(fresh_database, final.client_id, **years, now=NOW, started_by="test")
    sheets = passive_events(fresh_database, final.client_id)
    told = sheets["Runs"].row(0, named=True)
    assert told["triggered"] == sheets["Triggered"].height > 0
    assert sheets["Triggered"]["event_number"].null_count() == sheets["Triggered"].height
    order = {"schedule_id": final.event_maintenance, "as_of": date(2026, 12, 31)}
    run(fresh_database, final.order(**order), now=NOW + timedelta(days=1))
    after = passive_events(fresh_database, final.client_id)["Triggered"]
    assert after["event_number"].null_count() < after.height


def test_the_command_line_shows_all_three(fresh_database, final, cli, tmp_path):
    event = Event.objects.filter(process_status="FE").order_by("person_id").first()
    number = Person.objects.get(pk=event.person_id).employee_number
    named = ("--client", "harbor", "--schedule", "OE26", "--person", number)
    book = tmp_path / "event.xlsx"
    for arguments in (
        ("event", *named, "--xlsx", book),
        ("eligibility", *named),
        ("passive", "-c", "harbor"),
    ):
        result = cli("review", *arguments)
        assert result.exit_code == 0, result.output
    assert book.exists()
