"""The demo, on a small sample: every step works, everybody is accounted for, nobody stands at an error at the end."""

import re

from openbenefits.accounts.signing_in import user_of_token
from openbenefits.core.codes import FINAL_STATUSES
from openbenefits.events.models import Event


def test_whole_year(fresh_database, tmp_path, capsys):
    from openbenefits.cli.demo.year import play

    stage = play(tmp_path, people=120)
    text = " ".join(capsys.readouterr().out.split())
    assert "NOT EVERYBODY" not in text
    assert "SOMETHING" not in text
    assert text.count("The rehearsal said the same.") >= 2
    assert "What is to be done, by cause" in text
    assert text.count("everybody is accounted for") >= 12
    for status in ("AN", "AE", "PE", "NT", "ET", "EE", "FE", "FA"):
        assert f"│ {status} │" in text
    assert "nothing was retyped" in text
    assert "chose and signed in the portal" in text
    assert "A hire: 1 events told, 1 taken in as facts." in text
    assert re.search(r"There, of P025: \S+ A from 2026-09-01", text)
    assert re.search(r"There, of P009: \S+ T from 2026-01-01 through 2026-10-31", text)
    assert re.search(r"[1-9]\d* deductions taken into the ledger", text)
    assert re.search(r"sent the cure: 0 of [1-9]", text)
    for cause in (
        "Enrolled, not billed",
        "Billed twice",
        "Another rate",
        "Person not recognised",
        "Billed after coverage",
    ):
        assert cause in text
    assert "5 faults were planted" in text
    assert "5 differences" in text
    sets = re.findall(r"(\d+) of (\d+) transaction sets taken", text)
    assert any(0 < int(taken) == int(sent) - 1 for taken, sent in sets), sets  # one family is refused
    assert "the refused family alone" in text
    assert "1 refused" in text
    for told in ("A set refused by a 999", "A member refused by a carrier's own report"):
        assert "│ refused │" in text.partition(told)[2].partition("└")[0]  # the stage of the election
    assert "E17" in text
    assert re.search(r"[1-9] lines? (is|are) told again, and the next night's file speaks of 1 person", text)
    links = dict(re.findall(r"([a-zA-Z][^:]*), of [^:]+: (http://127.0.0.1:8000/sign-in/\S+)", text))
    assert len(links) == 8 + 3  # a role each, and some employees
    assert all(user_of_token(link.rpartition("/")[2]) for link in links.values())
    left = (
        Event.objects.exclude(schedule_id__in=[stage.schedules[one, "OE27"] for one in ("harbor", "quill")])
        .filter(event_status="O")
        .exclude(process_status__in=[*map(str, FINAL_STATUSES)])
    )
    assert not left.exists()
    assert list(tmp_path.glob("statements/*/enrollment*.pdf"))
    assert list(tmp_path.glob("statements/*/confirmation*.pdf"))
    assert list(tmp_path.glob("explain/*.txt"))
    assert stage.files.people == 120
