"""What the worker does of carrier files by itself: built at night, sent and answered for, overdue as cases."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from django.utils import timezone
from tests.carriers.judging import judged
from tests.runs.conftest import put_enrolled

import openbenefits.carriers
from openbenefits.background import carrier_kinds
from openbenefits.carriers.agreements.partners import Cadence, Transport, save_partner
from openbenefits.carriers.agreements.text import read_text
from openbenefits.carriers.filing import services as filing
from openbenefits.carriers.models import CarrierFile, FileSet
from openbenefits.casework.models import Ticket
from openbenefits.workforce.models import Client

SAMPLE = Path(openbenefits.carriers.__file__).parent / "agreements" / "hmo_blue.yaml"


@pytest.fixture
def folders(fresh_database, kept, tmp_path, tmp_path_factory):
    """A client of twelve with coverage, whose partner takes a file every night from a folder."""

    def build():
        put_enrolled(tmp_path_factory.mktemp("harbor"), people=12)

    kept(fresh_database, "background: carriers", build)
    found = {name: tmp_path / name for name in ("out", "answers")}
    for folder in found.values():
        folder.mkdir()
    told = msgspec.structs.replace(
        read_text(SAMPLE.read_text()),
        transport=Transport(kind="folder", folder=str(found["out"]), answers=str(found["answers"])),
        cadence=Cadence(),
        ahead_days=None,
        freezes=(),
        is_per_client=True,
    )
    save_partner(Client.objects.get().pk, "hmo", told, author="test", now=timezone.now())
    return found


def test_a_night_builds_and_the_day_sends_and_collects(fresh_database, folders):
    now = timezone.now()
    carrier_kinds.nightly(fresh_database, on=now.date(), now=now)
    carrier_kinds.nightly(fresh_database, on=now.date(), now=now)
    (file,) = CarrierFile.objects.all()
    assert (file.state, file.built_by) == ("validated", "night")
    carrier_kinds.keep(fresh_database, now=now, author="nightly")
    assert list(folders["out"].iterdir()) == []  # nobody released it
    later = now + timedelta(hours=30)
    carrier_kinds.keep(fresh_database, now=later, author="nightly")
    assert Ticket.objects.filter(about_kind="carrier file waits", done_at__isnull=True).count() == 1
    filing.release(file.pk, author="test", words="looked at who is added", now=later)
    assert not Ticket.objects.filter(about_kind="carrier file waits", done_at__isnull=True).exists()
    carrier_kinds.keep(fresh_database, now=later, author="nightly")
    assert [one.name for one in folders["out"].iterdir()] == [file.file_name]
    (folders["answers"] / "one.999").write_bytes(judged(file.group, FileSet.objects.get().control_number))
    carrier_kinds.keep(fresh_database, now=later, author="nightly")
    file.refresh_from_db()
    assert file.state == "accepted"
    assert not (folders["answers"] / "one.999").exists()
    carrier_kinds.nightly(fresh_database, on=later.date(), now=later)
    assert CarrierFile.objects.count() == 1  # nothing more is to be said
