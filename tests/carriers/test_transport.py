"""Files go whole, once, and over no other: by folder and by SFTP, whatever breaks."""

import stat

import paramiko
import pytest
import stamina
from tests.carriers.sftp_host import PASSWORD, USER, host

from openbenefits.carriers.agreements.partners import Transport
from openbenefits.carriers.filing.transport.carriage import TransferFailed
from openbenefits.carriers.filing.transport.folder import Folder
from openbenefits.carriers.filing.transport.sftp import Sftp

NAME, DATA = "a.834", b"ISA*00~" * 500


def nothing() -> None:
    """Nobody asks when a file is put in place."""


@pytest.fixture
def folder(tmp_path):
    for name in ("out", "back"):
        (tmp_path / name).mkdir()
    return Folder(str(tmp_path / "out"), str(tmp_path / "back"))


@pytest.fixture
def there(tmp_path, monkeypatch):
    for name in ("out", "back"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("CARRIER_SECRET", PASSWORD)
    with stamina.set_testing(True, attempts=3, cap=True), host(tmp_path) as told:
        yield told


def sftp(told, **changes):
    given = {
        "kind": "sftp",
        "folder": "out",
        "answers": "back",
        "host": "127.0.0.1",
        "port": told.port,
        "user": USER,
        "secret": "CARRIER_SECRET",
        "host_key": told.host_key,
    }
    return Sftp(Transport(**(given | changes)))


def test_a_file_appears_whole_and_for_its_owner_alone(folder, tmp_path):
    seen = []
    folder.put(NAME, DATA, lambda: seen.extend(one.name for one in (tmp_path / "out").iterdir()))
    assert seen == [f".{NAME}.part"]
    file = tmp_path / "out" / NAME
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (DATA, 0o600)
    assert [one.name for one in (tmp_path / "out").iterdir()] == [NAME]


def test_the_same_again_is_there_and_another_is_never_written_over(folder, tmp_path):
    folder.put(NAME, DATA, nothing)
    folder.put(NAME, DATA, nothing)
    with pytest.raises(TransferFailed, match="nothing was written over"):
        folder.put(NAME, b"other", nothing)
    assert (tmp_path / "out" / NAME).read_bytes() == DATA


def test_a_transfer_that_broke_off_late_is_looked_for(folder, tmp_path):
    part = tmp_path / "out" / f".{NAME}.part"
    part.write_bytes(DATA)
    folder.put(NAME, DATA, nothing, is_placed=True)
    (tmp_path / "out" / NAME).unlink()
    with pytest.raises(TransferFailed, match="may have been taken") as told:
        folder.put(NAME, DATA, nothing, is_placed=True)
    assert not told.value.is_sure


@pytest.mark.parametrize("name", ["../a", "a/b", ".a", "", "a\\b"])
def test_a_name_names_no_folder(folder, name):
    with pytest.raises(TransferFailed, match="plain file name"):
        folder.put(name, DATA, nothing)


def test_answers_are_set_aside_beside_those_of_their_name(folder, tmp_path):
    for data in (b"1", b"2"):
        (tmp_path / "back" / "x.999").write_bytes(data)
        assert folder.waiting() == ["x.999"]
        assert folder.fetch("x.999") == data
        folder.set_aside("x.999")
    assert sorted(one.name for one in (tmp_path / "back" / "done").iterdir()) == ["1_x.999", "x.999"]
    assert folder.waiting() == []


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(TransferFailed, match="expected a folder for files, found none"):
        Folder(str(tmp_path / "no"), "").put(NAME, DATA, nothing)


def test_sftp_puts_and_takes(there, tmp_path):
    way = sftp(there)
    way.put(NAME, DATA, nothing)
    assert (tmp_path / "out" / NAME).read_bytes() == DATA
    assert [one.name for one in (tmp_path / "out").iterdir()] == [NAME]
    (tmp_path / "back" / "x.999").write_bytes(b"TA1")
    assert way.waiting() == ["x.999"]
    assert way.fetch("x.999") == b"TA1"
    way.set_aside("x.999")
    assert (tmp_path / "back" / "done" / "x.999").read_bytes() == b"TA1"
    assert way.waiting() == []


@pytest.mark.parametrize("broken", ["write", "before rename", "after rename", "stat"])
def test_a_connection_that_breaks_sends_a_file_once(there, tmp_path, broken):
    there.breaks.append(broken)
    placed = []
    sftp(there).put(NAME, DATA, lambda: placed.append(1))
    assert (tmp_path / "out" / NAME).read_bytes() == DATA
    assert there.done.count("after rename") == 1
    assert placed == [1]
    assert not there.breaks


def test_what_was_taken_as_the_connection_broke_is_for_a_person(there, tmp_path):
    def placed() -> None:
        (tmp_path / "out" / f"{NAME}.part").unlink()
        there.breaks.append("before rename")

    with pytest.raises(TransferFailed, match="may have been taken") as told:
        sftp(there).put(NAME, DATA, placed)
    assert not told.value.is_sure


def test_a_letter_box_is_not_read(there, tmp_path):
    (tmp_path / "out" / NAME).write_bytes(DATA)
    there.denied.add("read")
    sftp(there).put(NAME, DATA, nothing)
    assert "write" not in there.done


def test_sftp_writes_over_nothing(there, tmp_path):
    (tmp_path / "out" / NAME).write_bytes(b"x" * len(DATA))
    with pytest.raises(TransferFailed, match="nothing was written over"):
        sftp(there).put(NAME, DATA, nothing)
    assert "write" not in there.done


def test_a_host_must_prove_who_it_is(there, tmp_path):
    other = paramiko.ECDSAKey.generate()
    line = f"127.0.0.1 {other.get_name()} {other.get_base64()}"
    with pytest.raises(TransferFailed, match="host key of the agreement, found another"):
        sftp(there, host_key=line).put(NAME, DATA, nothing)
    with pytest.raises(TransferFailed, match="as a line of known_hosts, found none"):
        sftp(there, host_key="").put(NAME, DATA, nothing)
    assert not list((tmp_path / "out").iterdir())


def test_who_is_not_let_in_says_so(there, monkeypatch):
    monkeypatch.setenv("CARRIER_SECRET", "wrong")
    with pytest.raises(TransferFailed, match="found a refusal"):
        sftp(there).waiting()
    monkeypatch.delenv("CARRIER_SECRET")
    with pytest.raises(TransferFailed, match="CARRIER_SECRET, found nothing"):
        sftp(there).waiting()


def test_nobody_there_is_told_after_some_attempts(there):
    with pytest.raises(TransferFailed, match="in 3 attempts") as told:
        sftp(there, port=1, host_key=there.host_key).put(NAME, DATA, nothing)
    assert told.value.is_sure
