"""Decisions about eligibility, from the act to the coverage, and what is told of them (docs/rules.md §2.9)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.apps import apps
from tests.programs import factories
from tests.reports.test_explain import (
    HIRED,
    agrees,
    elect,
    events,
    explained,
    hired_newcomer,
    process,
    stored,
)

MARCH = datetime(2026, 3, 4, 9, tzinfo=UTC)
A_DAY = timedelta(days=1)
RICH = {
    **factories.DATED,
    "code": "RICH",
    "name": "Long hours",
    "criteria": [{"field": "weekly_hours", "min": 60}],
}
WHY = "promised in the offer letter"


@pytest.fixture
def hired(fresh_database, kept, tmp_path):
    """The newcomer, prepared and not finalised; life insurance is for long hours only."""

    def rich(plan_types):
        plan_types[1]["options"][0]["eligibility"] = "RICH"

    def build():
        return hired_newcomer(
            fresh_database,
            tmp_path,
            priced=rich,
            is_finalizing=False,
            eligibility_rules=lambda rules: rules.append(RICH),
        )

    return kept(fresh_database, "rich newcomer", build)


def decide(connection, event, *, is_eligible=True, now=MARCH, **changes):
    from openbenefits.enrollment.overrides import override_eligibility

    names = ("client_id", "person_id", "benefit_record", "schedule_id", "event_number")
    key = {name: event[name] for name in names}
    said = {"program": "MAIN", "option": ("20", "LIFE"), "author": "jane", "reason": WHY}
    return override_eligibility(connection, is_eligible=is_eligible, now=now, **(key | said | changes))


def night(connection, client_id, now, **changes):
    """The nightly run; answer the one event of the newcomer that was last worked on."""
    process(connection, client_id, "E", as_of=now.date(), now=now, **changes)
    return max(events(client_id), key=lambda event: event["event_number"])


def offered(event):
    return {row["plan_type"] for row in stored("EventOption", event, "option_id").values()}


def life(connection, event):
    plan = next(plan for plan in explained(connection, event).plans if plan.plan_type == "20")
    return next(option for option in plan.options if option.code == "LIFE")


def test_a_decision_makes_an_option_electable_and_ends_with_its_event(hired, fresh_database):
    from openbenefits.workforce import services

    client_id, person = hired
    (event,) = events(client_id)
    assert event["process_status"] == "PR"
    assert "20" not in offered(event)
    assert decide(fresh_database, event).is_prepared_again
    (waiting,) = events(client_id)
    assert waiting["process_status"] == "AS"
    assert not life(fresh_database, waiting).is_eligible  # no run has seen the decision yet
    again = night(fresh_database, client_id, MARCH + A_DAY)
    assert again["process_status"] == "PR"
    assert "20" in offered(again)
    assert agrees(fresh_database, again)
    told = life(fresh_database, again)
    assert told.is_electable
    assert told.why.startswith(f"offered: eligible by decision of jane ({WHY}), whatever the rule says:")
    assert "rule RICH is not met" in told.why
    elect(fresh_database, again, "20", "LIFE", on=date(2026, 3, 6))
    final = night(fresh_database, client_id, MARCH + 5 * A_DAY, is_finalizing=True)
    assert final["process_status"] == "FE"
    assert agrees(fresh_database, final)
    points = apps.get_model("enrollment.Coverage").objects.filter(client_id=client_id)
    held = {point.plan_type: (point.kind, point.basis) for point in points}
    assert held == {"10": ("D", "eligible"), "20": ("E", "override"), "60": ("N", "none")}
    assert "override" in {one.basis for one in explained(fresh_database, final).held}

    at = {"made_by": "test", "now": MARCH + 60 * A_DAY}
    other = date(2026, 5, 1)
    services.report_life_event(client_id, person, event_class="MSC", on=other, reported_on=other, **at)
    next_one = night(fresh_database, client_id, MARCH + 61 * A_DAY, is_finalizing=True)
    assert next_one["event_on"] == other
    assert "20" not in offered(next_one)
    assert agrees(fresh_database, next_one)
    assert points.filter(plan_type="20", schedule_id=next_one["schedule_id"]).latest("begins_on").kind == "I"


def test_the_last_decision_counts_and_a_second_run_changes_nothing(hired, fresh_database):
    client_id, _ = hired
    (event,) = events(client_id)
    decide(fresh_database, event)
    first = night(fresh_database, client_id, MARCH + A_DAY)
    assert night(fresh_database, client_id, MARCH + 2 * A_DAY) == first
    assert not decide(fresh_database, first, now=MARCH + 2 * A_DAY).is_new
    assert events(client_id) == [first]
    for number, (is_eligible, is_offered) in enumerate(
        [(False, False), (True, True), (None, False)], start=3
    ):
        now = MARCH + number * A_DAY
        (standing,) = events(client_id)
        done = decide(fresh_database, standing, is_eligible=is_eligible, reason=f"reason {number}", now=now)
        assert (done.version, done.is_new, done.is_prepared_again) == (number - 1, True, True)
        prepared = night(fresh_database, client_id, now + timedelta(hours=12))
        assert ("20" in offered(prepared)) is is_offered
        assert agrees(fresh_database, prepared)
        assert (f"jane (reason {number})" in life(fresh_database, prepared).why) is (is_eligible is not None)


def test_a_program_may_be_decided_against(hired, fresh_database):
    client_id, _ = hired
    (event,) = events(client_id)
    decide(fresh_database, event, is_eligible=False, option=None)
    final = night(fresh_database, client_id, MARCH + A_DAY)
    assert final["process_status"] == "FA"
    (program,) = explained(fresh_database, final).programs
    assert not program.is_assigned
    assert program.why.startswith(f"ineligible by decision of jane ({WHY})")
    assert program.rule.result == "E"


def test_an_event_with_elections_entered_is_decided_anew(hired, fresh_database):
    client_id, _ = hired
    (event,) = events(client_id)
    decide(fresh_database, event)
    again = night(fresh_database, client_id, MARCH + A_DAY)
    elect(fresh_database, again, "20", "LIFE", on=date(2026, 3, 5))
    decide(fresh_database, again, is_eligible=False, now=MARCH + 2 * A_DAY)
    assert events(client_id)[0]["process_status"] == "ET"
    assert night(fresh_database, client_id, MARCH + 3 * A_DAY)["process_status"] == "EE"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"event_number": 7}, "event 7 .* expected an event of benefit record 0, found none"),
        ({"program": "NONE"}, "no program NONE on 2026-03-02; there are MAIN"),
        ({"option": ("20", "GOLD")}, "no option 20/GOLD in program MAIN .* there are .*20/LIFE"),
        ({"option": ("10", "LIFE")}, "no option 10/LIFE"),
        ({"reason": " "}, "expected a reason"),
        ({"author": ""}, "expected an author"),
        ({"is_eligible": None}, "expected a decision about option 20/LIFE of program MAIN to withdraw"),
    ],
)
def test_what_cannot_be_decided_is_refused(hired, fresh_database, changes, said):
    from openbenefits.enrollment.overrides import OverrideRefused

    (event,) = events(hired[0])
    with pytest.raises(OverrideRefused, match=said):
        decide(fresh_database, event, **changes)
    assert not apps.get_model("enrollment.EligibilityOverride").objects.exists()
    assert events(hired[0]) == [event]


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        ({"process_status": "FE", "event_status": "C"}, "found FE, which is final"),
        ({"event_status": "V"}, "void"),
    ],
)
def test_a_final_or_void_event_is_refused(hired, fresh_database, standing, said):
    from openbenefits.enrollment.overrides import OverrideRefused

    model = apps.get_model("events.Event")
    model.objects.filter(client_id=hired[0]).update(**standing)
    (event,) = events(hired[0])
    with pytest.raises(OverrideRefused, match=said):
        decide(fresh_database, event)


def test_from_the_command_line(hired, fresh_database):
    from typer.testing import CliRunner

    from openbenefits.cli.main import app

    def run(*arguments):
        return CliRunner().invoke(app, ["event", *arguments, *who])

    (event,) = events(hired[0])
    who = ["--client", "acme", "--schedule", "EM", "--person", "1001", "--event", str(event["event_number"])]
    assert "the rules decide" in run("overrides").output
    said = ("--program", "MAIN", "--decision", "eligible", "--reason", WHY, "--by", "jane")
    done = run("override", *said, "--option", "20/LIFE")
    assert done.exit_code == 0, done.output
    assert "goes back to be prepared again" in done.output
    assert "nothing was written" in run("override", *said, "--option", "20/LIFE").output
    assert run("override", *said, "--option", "LIFE").exit_code == 2
    assert run("override", "--program", "MAIN", "--decision", "yes", "--reason", WHY).exit_code == 2
    listed = run("overrides").output
    assert all(word in listed for word in ("20/LIFE", "eligible", "jane", WHY))
    assert event["event_on"] == HIRED


# --- how it was decided, line by line -------------------------------------------------------------------------


def test_the_lines_of_an_event_say_what_was_decided(hired, fresh_database, tmp_path):
    from typer.testing import CliRunner

    from openbenefits.cli.main import app
    from openbenefits.reports.outcomes import eligibility_lines
    from openbenefits.reports.services import Selection, make_report

    client_id, person = hired
    (event,) = events(client_id)
    columns = ("used_by", "rule", "criterion", "values", "code", "decision")
    before = eligibility_lines(fresh_database, client_id, person).select(columns).rows()
    assert before == [
        ("program MAIN", "FULL", "weekly_hours", "37.50 (A)", "E", "E"),
        ("program MAIN", "FULL", "company", "ACM (A)", "E", "E"),
        ("MAIN: 10/HMO-1, 10/HMO-4", "west", "home_zip", "01001", "E", "E"),
        ("MAIN: 20/LIFE", "RICH", "weekly_hours", "37.50 (A)", "I", "I"),
    ]
    decide(fresh_database, event)
    assert eligibility_lines(fresh_database, client_id, person).select(columns).rows() == before
    decided = [
        *before[:3],
        ("MAIN: 20/LIFE", "RICH", "weekly_hours", "37.50 (A)", "I", "EO"),
        ("MAIN: 20/LIFE", None, None, f"jane: {WHY}", "EO", "EO"),
    ]
    report = make_report(fresh_database, "ELIGIBILITY", Selection(schedule_ids=(event["schedule_id"],)))
    assert report.main.select(columns).rows() == decided  # as known now
    assert set(report.main["employee_number"]) == {"1001"}
    by_code = report.sheets["By code"].filter(used_by="MAIN: 20/LIFE").select("code", "events").rows()
    assert by_code == [("I", 1), ("EO", 1)]
    night(fresh_database, client_id, MARCH + A_DAY)
    assert eligibility_lines(fresh_database, client_id, person).select(columns).rows() == decided

    file = tmp_path / "eligibility.csv"
    who = ["explain", "--client", "acme", "--person", "1001"]
    shown = CliRunner().invoke(app, [*who, "--eligibility", "--csv", str(file)])
    assert shown.exit_code == 0, shown.output
    assert "eligible by override" in shown.output
    assert file.read_text().count("\n") == 1 + len(decided)
    everything = CliRunner().invoke(app, [*who, "--eligibility", "--all-fields"])
    assert "not evaluated" in everything.output
    assert CliRunner().invoke(app, [*who, "--all-fields"]).exit_code == 2


def test_a_decision_counts_through_its_last_day_and_the_rules_decide_again(hired, fresh_database):
    from openbenefits.enrollment.overrides import expire_due

    client_id, _person = hired
    (event,) = events(client_id)
    last = (MARCH + A_DAY).date()
    decide(fresh_database, event, expires_on=last)
    assert "20" in offered(night(fresh_database, client_id, MARCH))
    told = {"author": "nightly", "now": MARCH + 2 * A_DAY}
    assert expire_due(fresh_database, client_id, last, **told) == (0, 0)
    assert expire_due(fresh_database, client_id, last + A_DAY, **told) == (1, 0)
    assert "20" not in offered(night(fresh_database, client_id, MARCH + 2 * A_DAY))
    assert expire_due(fresh_database, client_id, last + A_DAY, **told) == (0, 0)


def test_what_a_final_event_rests_on_is_left_to_a_person(hired, fresh_database):
    from openbenefits.enrollment.overrides import expire_due, expired
    from openbenefits.review.debugging import expired_decisions

    client_id, _person = hired
    (event,) = events(client_id)
    decide(fresh_database, event, expires_on=MARCH.date())
    final = night(fresh_database, client_id, MARCH, is_finalizing=True)
    assert final["process_status"] == "FE"
    on = MARCH.date() + A_DAY
    assert expire_due(fresh_database, client_id, on, author="nightly", now=MARCH + A_DAY) == (0, 1)
    assert expired(fresh_database, client_id, on).height == 1
    (listed,) = expired_decisions(fresh_database, client_id, on).rows(named=True)
    assert (listed["event_number"], listed["expires_on"]) == (event["event_number"], MARCH.date())
    assert listed["employee_number"]
    assert (listed["program"], listed["option"]) == ("MAIN", "MAIN/20/LIFE")
    assert expired_decisions(fresh_database, client_id, MARCH.date()).is_empty()
