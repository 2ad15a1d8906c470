"""Files released and sent: by a person's word, in the right place, once."""

import threading
from datetime import timedelta

import pytest
from django.db import connections, transaction
from tests.carriers.custody_files import BUILT, CODE, HOUR, ON, agree, built, put

from openbenefits.carriers.custody import services as custody
from openbenefits.carriers.filing import services as filing
from openbenefits.carriers.filing.transport.carriage import TransferFailed
from openbenefits.carriers.filing.transport.folder import Folder
from openbenefits.carriers.models import CarrierFile, FileAct
from openbenefits.carriers.rules.custody import MoveRefused
from openbenefits.carriers.states.moving import FileMissing, FileRefused
from openbenefits.casework.models import IS_OPEN, Ticket

NOW = BUILT + HOUR


@pytest.fixture
def file(fresh_database, kept, tmp_path):
    def filled():
        client_id = put(tmp_path)
        return client_id, built(fresh_database, client_id).pk

    _, number = kept(fresh_database, "custody: a file", filled)
    agree(tmp_path / "out", tmp_path / "back")
    return CarrierFile.objects.get(pk=number)


def release(file, **more):
    return filing.release(file.pk, **({"author": "ann", "words": "looked at", "now": NOW} | more))


def send(file, **more):
    return filing.send(connections["default"], file.pk, **({"author": "ann", "now": NOW} | more))


def states(file):
    return list(FileAct.objects.filter(file_id=file.pk).order_by("number").values_list("state", "words"))


def test_a_file_is_sent_once(file, tmp_path):
    with pytest.raises(FileRefused, match="expected a file that is released"):
        send(file)
    assert release(file) == release(file) == "released"
    assert send(file) == "sent"
    with pytest.raises(FileRefused, match="found one that is sent"):
        send(file)
    with pytest.raises(MoveRefused):
        release(file)
    with pytest.raises(MoveRefused):
        filing.withdraw(file.pk, author="ann", words="no", now=NOW)
    assert (tmp_path / "out" / file.file_name).read_bytes() == filing.content_of(file.pk)
    assert [words for _, words in states(file)][-3:] == [
        filing.BEGUN,
        filing.PLACED,
        f"sent as {file.file_name}",
    ]


def test_a_held_file_needs_a_word(file):
    CarrierFile.objects.filter(pk=file.pk).update(state="held")
    with pytest.raises(FileRefused, match="expected why a file that is held may go"):
        release(file, words=" ")
    release(file, words="these three left, indeed")
    assert states(file)[-1] == ("released", "these three left, indeed")


def test_the_wrong_environment_is_refused(file, settings_here):
    release(file)
    settings_here("P")
    with pytest.raises(FileRefused, match="expected a file for production"):
        send(file)
    CarrierFile.objects.filter(pk=file.pk).update(environment="P", state="validated")
    settings_here("T")
    with pytest.raises(FileRefused, match="found one for production"):
        release(file)


@pytest.fixture
def settings_here(monkeypatch):
    from django.conf import settings

    return lambda code: monkeypatch.setattr(settings, "CARRIER_ENVIRONMENT", code)


def test_four_eyes(file, tmp_path):
    agree(tmp_path / "out", tmp_path / "back", four_eyes=True)
    with pytest.raises(FileRefused, match="let another release it"):
        release(file, author=file.built_by)
    assert release(file, author="somebody else") == "released"


def test_what_is_withdrawn_never_goes(file):
    with pytest.raises(FileRefused, match="expected why"):
        filing.withdraw(file.pk, author="ann", words="", now=NOW)
    filing.withdraw(file.pk, author="ann", words="wrong day", now=NOW)
    with pytest.raises(MoveRefused):
        release(file)
    with pytest.raises(FileMissing):
        filing.withdraw(10**9, author="ann", words="x", now=NOW)


def test_by_hand_the_download_is_noted(file, tmp_path):
    from openbenefits.carriers.agreements.partners import Transport

    agree(tmp_path / "out", tmp_path / "back", transport=Transport())
    release(file)
    with transaction.atomic():
        assert send(file) == "sent"
    assert states(file)[-1] == ("sent", "taken by hand")


def test_a_transfer_commits_by_itself(file):
    release(file)
    with transaction.atomic(), pytest.raises(FileRefused, match="ask the worker"):
        send(file)


def test_two_at_once_send_and_release_once(file, tmp_path, monkeypatch):
    """The one in the middle of a transfer, or of a release, keeps the other out."""
    told = []

    def other(act):
        def run():
            try:
                told.append(act())
            except FileRefused as fault:
                told.append(str(fault))
            finally:
                connections["default"].close()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    with transaction.atomic():
        filing.locked(file.pk)
        other(lambda: release(file))
    release(file)
    put_whole = Folder.put

    def slow(self, name, content, placed, *, is_placed=False):
        other(lambda: send(file))
        put_whole(self, name, content, placed, is_placed=is_placed)

    monkeypatch.setattr(Folder, "put", slow)
    assert send(file) == "sent"
    assert len(told) == 2
    assert "expected nobody else at work on it" in told[0]
    assert "expected nobody else sending it" in told[1]
    assert [state for state, _ in states(file)].count("sent") == 1


class Killed(BaseException):
    """The process ends here."""


def test_a_process_killed_between_sends_nothing_twice(file, tmp_path, monkeypatch):
    release(file)
    come_to = filing.come_to
    monkeypatch.setattr(filing, "come_to", _killed)
    with pytest.raises(Killed):
        send(file)
    monkeypatch.setattr(filing, "come_to", come_to)
    file.refresh_from_db()
    assert file.state == "released"
    assert (tmp_path / "out" / file.file_name).exists()
    with pytest.raises(FileRefused, match="say first whether it did"):
        filing.withdraw(file.pk, author="ann", words="no", now=NOW)
    assert send(file) == "sent"  # it is there: nothing is written
    assert [one.name for one in (tmp_path / "out").iterdir()] == [file.file_name]


@pytest.mark.parametrize("has_arrived", [True, False])
def test_what_was_taken_meanwhile_a_person_decides(file, tmp_path, monkeypatch, has_arrived):
    release(file)
    with pytest.raises(FileRefused, match="expected a transfer in doubt"):
        filing.decide_transfer(file.pk, has_arrived=True, author="ann", words="asked", now=NOW)
    come_to = filing.come_to
    monkeypatch.setattr(filing, "come_to", _killed)
    with pytest.raises(Killed):
        send(file)
    monkeypatch.setattr(filing, "come_to", come_to)
    (tmp_path / "out" / file.file_name).unlink()  # the partner took it, or not
    with pytest.raises(TransferFailed, match="Ask the partner"):
        send(file)
    case = Ticket.objects.get(about_kind="carrier transfer")
    filing.decide_transfer(file.pk, has_arrived=has_arrived, author="ann", words="asked Bea", now=NOW)
    file.refresh_from_db()
    assert file.state == ("sent" if has_arrived else "released")
    case.refresh_from_db()
    assert case.done_at is not None
    if not has_arrived:
        assert send(file) == "sent"
        assert (tmp_path / "out" / file.file_name).exists()


def _killed(*_args, **_more):
    raise Killed


def test_a_failed_transfer_opens_a_case_and_the_next_closes_it(file, tmp_path):
    release(file)
    agree(tmp_path / "out", tmp_path / "back", transport=_at(tmp_path / "nowhere"))
    came = filing.send_released(connections["default"], now=NOW, author="night")
    assert "expected a folder" in came[file.pk]
    case = Ticket.objects.get(about_kind="carrier transfer")
    assert case.done_at is None
    agree(tmp_path / "out", tmp_path / "back")
    quiet = {"without": [file.client_id]}
    assert filing.send_released(connections["default"], now=NOW, author="night", **quiet) == {}
    assert filing.send_released(connections["default"], now=NOW, author="night") == {file.pk: "sent"}
    case.refresh_from_db()
    assert case.done_at is not None


def _at(folder):
    from openbenefits.carriers.agreements.partners import Transport

    return Transport(kind="folder", folder=str(folder), answers=str(folder))


def test_what_waits_too_long_opens_one_case_which_closes_when_it_comes(file):
    listed = filing.files([file.client_id], now=NOW).row(0, named=True)
    assert (listed["waits_for"], listed["due_at"], listed["is_overdue"]) == (
        "its release",
        BUILT + timedelta(hours=24),
        False,
    )
    connection, late = connections["default"], BUILT + timedelta(hours=25)
    assert custody.overdue(connection, now=NOW) == 0
    assert custody.overdue(connection, now=late, without=[file.client_id]) == 0
    assert custody.overdue(connection, now=late) == 1
    assert custody.overdue(connection, now=late + HOUR) == 0
    waiting = Ticket.objects.filter(IS_OPEN, about_kind="carrier file waits")
    assert waiting.count() == 1
    release(file, now=late)
    assert not waiting.exists()
    send(file, now=late)
    late += timedelta(hours=25)
    assert custody.overdue(connection, now=late) == 1
    assert "a 999" in waiting.get().body
    assert filing.files(None, now=late, partner=CODE, states=["sent"])["is_overdue"].to_list() == [True]
    assert filing.files([10**6], now=late).is_empty()
    assert filing.files(None, now=late, limit=1, offset=1).height in (0, 1)
    CarrierFile.objects.filter(pk=file.pk).update(state="received", since=late)
    custody.overdue(connection, now=late)
    assert not waiting.exists()
    assert file.as_of == ON
