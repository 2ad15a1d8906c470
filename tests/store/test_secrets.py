import base64
import stat

import polars as pl
import pytest

from openbenefits.store import secrets
from openbenefits.store.secrets import KeyMismatch, KeyMissing, decrypt_ssn, encrypt_ssn, hash_ssn

SSN = pl.Series("ssn", ["123-45-6789", None, "123 45 6789", "12345678", "abc", ""])


@pytest.fixture(autouse=True)
def data_key(monkeypatch):
    monkeypatch.setenv("OPENBENEFITS_DATA_KEY", base64.urlsafe_b64encode(bytes(32)).decode())


def test_numbers_are_opened_as_nine_digits_and_others_are_null():
    assert decrypt_ssn(encrypt_ssn(SSN)).to_list() == ["123456789", None, "123456789", None, None, None]


def test_equal_numbers_have_equal_hashes_but_not_equal_ciphers():
    hashed, encrypted = hash_ssn(SSN), encrypt_ssn(SSN)
    assert hashed[0] == hashed[2]
    assert encrypted[0] != encrypted[2]
    assert hashed.null_count() == encrypted.null_count() == 4


def test_another_key_neither_opens_nor_matches(monkeypatch):
    hashed, encrypted = hash_ssn(SSN), encrypt_ssn(SSN)
    monkeypatch.setenv("OPENBENEFITS_DATA_KEY", base64.urlsafe_b64encode(bytes([1] * 32)).decode())
    assert hash_ssn(SSN)[0] != hashed[0]
    with pytest.raises(KeyMismatch, match="ssn") as caught:
        decrypt_ssn(encrypted)
    assert "6789" not in str(caught.value)


@pytest.mark.parametrize("key", ["c2hvcnQ=", None])
def test_a_foreign_database_needs_a_good_key(monkeypatch, key):
    monkeypatch.delenv(secrets.FOLDER_VARIABLE)
    monkeypatch.setenv("DATABASE_URL", "postgres://example/db")
    if key is None:
        monkeypatch.delenv("OPENBENEFITS_DATA_KEY")
    else:
        monkeypatch.setenv("OPENBENEFITS_DATA_KEY", key)
    with pytest.raises(KeyMissing):
        hash_ssn(SSN)


def test_a_key_is_made_once_and_kept_private(monkeypatch, tmp_path):
    monkeypatch.setenv(secrets.FOLDER_VARIABLE, str(tmp_path / "demo.keys"))
    monkeypatch.delenv("OPENBENEFITS_SECRET_KEY", raising=False)
    key = secrets.web_key()
    secrets._kept.cache_clear()
    assert secrets.web_key() == key
    (file,) = (tmp_path / "demo.keys").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
