"""Run controls and their calendar, a run started, rehearsed, held, released and taken back on the pages."""

import re

from tests.accounts.conftest import as_face
from tests.faces.conftest import browser, signed_in, text
from tests.workbench.process import NOW, on_the_day, pair, users
from tests.workbench.test_schedules import as_owner, last_request, specialist

from openbenefits.background.services import perform
from openbenefits.events.models import Event
from openbenefits.runs.models import Run

__all__ = ["as_face", "as_owner", "browser", "pair", "specialist", "users"]

RUNS = "/workbench/harbor/runs/"
START = "/workbench/harbor/runs/start/"


def form_of(page, **given) -> dict[str, object]:
    """What a browser sends: the obstacles accepted, with a reason."""
    codes = re.findall(r'name="accept" value="(\w+)"', page.content.decode())
    told = {"as_of": "2025-11-03", "through": "options", **given}
    return told | ({"accept": codes, "reason": "a test"} if codes else {})


def performed(as_owner):
    found = as_owner(last_request)
    return as_owner(lambda: perform(found.pk, lambda: NOW))


def test_run_controls_and_the_days_they_fall_on(specialist):
    page = specialist.get("/workbench/harbor/controls/")
    said = text(page)
    assert "Due today" in said
    assert "oe-prepare" in said
    assert "November 2025" in said
    assert 'aria-current="date"' in page.content.decode()
    assert "December 2025" in text(specialist.get("/workbench/harbor/controls/?month=2025-12"))
    assert "November 2025" in text(specialist.get("/workbench/harbor/controls/?month=x"))


def test_a_run_is_started_from_a_control_and_shown(specialist, as_owner, pair):
    page = specialist.get(f"{START}?control=events")
    assert '<option value="events" selected>' in page.content.decode()
    answer = specialist.post(START, form_of(page, control="events"))
    assert answer.status_code == 302, text(answer)
    done = performed(as_owner)
    assert done.state == "done", done.told
    run = specialist.get(f"{RUNS}{done.result['run']}/")
    assert "What became of everybody in scope" in text(run)
    assert "specialist" in text(run)
    assert str(done.result["run"]) in text(specialist.get(RUNS))
    assert "quill" not in text(specialist.get("/workbench/runs/"))


def test_what_cannot_be_run_gives_the_form_again(specialist):
    page = specialist.get(START)
    for given, said in (
        ({"as_of": "soon"}, "valid date"),
        ({"people": "H999999"}, "1 of 1 that nobody has"),
        ({"control": "nothing"}, "not one of the available choices"),
        ({"control": "passive", "rehearse": "yes"}, "cannot be rehearsed"),
    ):
        answer = specialist.post(START, form_of(page, **given))
        assert answer.status_code == 422, given
        assert said in text(answer), text(answer)


def test_open_errors_of_the_audits_are_accepted_with_a_reason_or_nothing_starts(specialist, monkeypatch):
    from openbenefits.runs.gate import Obstacle
    from openbenefits.workbench import controls

    stands = [Obstacle(code="HR0001", count=3, sentence="expected a job, found none.")]
    monkeypatch.setattr(controls, "obstacles", lambda *_asked: stands)
    assert "HR0001 (3): expected a job" in text(specialist.get(START))
    bare = specialist.post(START, {"as_of": "2025-11-03", "through": "options"})
    assert "found HR0001 open" in text(bare)
    without = specialist.post(START, {"as_of": "2025-11-03", "through": "options", "accept": ["HR0001"]})
    assert "expected a reason, found none" in text(without)
    told = {"as_of": "2025-11-03", "through": "options", "accept": ["HR0001"], "reason": "known"}
    assert specialist.post(START, told).status_code == 302


def test_a_run_is_rehearsed_looked_at_and_carried_out(specialist, as_owner, pair):
    page = specialist.get(START)
    schedule = {"schedule": "OE26", "through": "elections", "is_finalizing": "on", "rehearse": "yes"}
    assert specialist.post(START, form_of(page, **schedule)).status_code == 302
    kept = performed(as_owner)
    assert kept.state == "done", kept.told
    assert (
        f">{kept.result['rehearsal']}</a>" in specialist.get("/workbench/harbor/rehearsals/").content.decode()
    )
    here = f"/workbench/harbor/rehearsals/{kept.result['rehearsal']}/"
    shown = text(specialist.get(here))
    assert "Medical" in shown
    assert "Commit" in shown
    assert specialist.get(f"{here}?persons.export=xlsx").status_code == 200
    wrong = specialist.post(here, {"most_people": "-1", "most_dollars": "0"})
    assert wrong.status_code == 422
    assert "greater than or equal to 0" in text(wrong)
    specialist.post(here, {"most_people": "0", "most_dollars": "0"})
    done = performed(as_owner)
    assert (done.state, done.result["clients"][0]["state"]) == ("done", "committed"), done.told
    assert "Carried out" in text(specialist.get(here))

    run = done.result["clients"][0]["run"]
    back = f"{RUNS}{run}/take-back/"
    told = text(specialist.get(back))
    assert "events go back to where they stood" in told
    assert "What would differ without the run" in told
    assert specialist.post(back, {"reason": ""}).status_code == 422
    specialist.post(back, {"reason": "the wrong year"})
    taken = performed(as_owner)
    assert taken.state == "done", taken.told
    assert "taken back" in text(specialist.get(f"{RUNS}{run}/"))
    mine = pair[0]
    assert as_owner(lambda: Event.objects.filter(client_id=mine.client_id, process_status="PR").exists()), (
        "everybody is asked again"
    )


def test_a_rehearsal_of_another_client_is_not_there(specialist, browser, users, as_owner):
    assert specialist.get("/workbench/harbor/rehearsals/9999/").status_code == 404


def test_people_and_messages_of_a_run_are_listed(specialist, as_owner, pair):
    run = as_owner(lambda: Run.objects.filter(bundle_client=pair[0].client_id).order_by("pk").first().pk)
    page = specialist.get(f"{RUNS}{run}/").content.decode()
    outcome = re.search(rf'href="({RUNS}{run}/people/[^"]*)"', page).group(1)
    assert "What became of it" in text(specialist.get(outcome.replace("&amp;", "&")))
    cause = re.search(rf'href="({RUNS}{run}/messages/[^"]*)"', page).group(1)
    assert "Expected" in text(specialist.get(cause.replace("&amp;", "&")))
    other = as_owner(lambda: Run.objects.filter(bundle_client=pair[1].client_id).first().pk)
    assert specialist.get(f"{RUNS}{other}/").status_code == 404


def test_a_stopped_run_is_resumed_and_a_held_one_released(specialist, as_owner, pair):
    mine = pair[0].client_id

    def put(**changes) -> int:
        run = Run.objects.filter(bundle_client=mine, kind="process").order_by("pk").first()
        run.pk, run.started_by = None, "somebody else"
        for name, value in changes.items():
            setattr(run, name, value)
        run.save(force_insert=True)
        return run.pk

    stopped = as_owner(lambda: put(state="running"))
    assert "Resume" in text(specialist.get(f"{RUNS}{stopped}/"))
    specialist.post(f"{RUNS}{stopped}/resume")
    assert as_owner(last_request).asked_for == {"run": stopped}
    assert performed(as_owner).state == "done"
    why = {"held": {"why": ["at most 1 person expected, 3 found"], "found": {}, "people": 3}}
    held = as_owner(lambda: put(state="held", options=Run.objects.first().options | why))
    assert "at most 1 person expected, 3 found" in text(specialist.get(f"{RUNS}{held}/"))
    nothing = specialist.post(f"{RUNS}{held}/release", {"reason": " "}, follow=True)
    assert "Expected a reason" in text(nothing)
    specialist.post(f"{RUNS}{held}/release", {"reason": "looked at"})
    assert as_owner(last_request).asked_for == {"run": held, "reason": "looked at"}
    assert performed(as_owner).result["state"] == "done"
    assert "looked at" in text(specialist.get(f"{RUNS}{held}/"))


def test_who_only_reads_starts_nothing(browser, users):
    with on_the_day():
        reader = signed_in(browser, users["broker"])
        assert reader.get(START).status_code == 403
        assert reader.get(RUNS).status_code == 200
        run = re.search(rf"{RUNS}(\d+)/", reader.get(RUNS).content.decode()).group(0)
        assert reader.post(f"{run}resume").status_code == 403
        assert reader.post(f"{run}release", {"reason": "x"}).status_code == 403
        assert reader.get(f"{run}take-back/").status_code == 403


def test_the_peo_rehearses_several_clients_and_carries_it_out(specialist, browser, users, as_owner, pair):
    assert specialist.get("/workbench/rehearsals/").status_code == 403
    assert "/workbench/rehearsals/" not in specialist.get(RUNS).content.decode()
    with on_the_day():
        peo = signed_in(browser, users["administrator"])
        told = {"as_of": "2025-11-03", "through": "options"}
        wrong = peo.post("/workbench/rehearsals/", told | {"clients": "harbor\nnowhere"})
        assert "found nowhere that no client has" in text(wrong)
        bare = peo.post("/workbench/rehearsals/", told | {"accept": "HR0001"})
        assert "expected a reason" in text(bare)
        assert peo.post("/workbench/rehearsals/", told | {"clients": "harbor quill"}).status_code == 302
        kept = performed(as_owner)
        assert kept.state == "done", kept.told
        here = f"/workbench/rehearsals/{kept.result['rehearsal']}/"
        assert here in peo.get(f"/workbench/requests/{kept.pk}/").content.decode()
        shown = text(peo.get(here))
        assert "harbor" in shown
        assert "quill" in shown
        peo.post(here, {"most_people": "0", "most_dollars": "0"})
        done = performed(as_owner)
        assert [one["state"] for one in done.result["clients"]] == ["committed", "committed"], done.told
        assert "Client by client" in text(peo.get(f"/workbench/requests/{done.pk}/"))
        own = signed_in(browser, users["specialist"])
        assert own.get(f"/workbench/requests/{kept.pk}/").status_code == 404
