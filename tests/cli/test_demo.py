"""The demo, on a small sample: every step works, everybody is accounted for, nobody stands at an error at the end."""

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
    left = Event.objects.filter(event_status="O").exclude(process_status__in=[*map(str, FINAL_STATUSES)])
    assert not left.exists()
    assert list(tmp_path.glob("statements/*/enrollment*.pdf"))
    assert list(tmp_path.glob("statements/*/confirmation*.pdf"))
    assert list(tmp_path.glob("explain/*.txt"))
    assert stage.files.people == 120
