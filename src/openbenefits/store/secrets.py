"""Keys, and what they protect: social security numbers and files at rest, and the keyed hash for matching."""

import base64
import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from functools import cache
from pathlib import Path

import polars as pl
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from openbenefits.store import server

FOLDER_VARIABLE = "OPENBENEFITS_KEYS_FOLDER"
KEY_BYTES = 32
NONCE_BYTES = 12
SSN_LABEL = b"openbenefits ssn 1"
FILE_LABEL = b"openbenefits file 1"


class KeyMissing(RuntimeError):
    """A key is needed that neither the environment nor a keys folder holds."""


class KeyMismatch(RuntimeError):
    """A stored value cannot be opened with the present data key."""


def folder_beside(data_folder: Path) -> Path:
    """Find where the keys of an embedded database are kept."""
    return data_folder.with_name(f"{data_folder.name}.keys")


def web_key() -> str:
    """Answer Django's SECRET_KEY; empty, so that Django refuses to use it, if a foreign database has none."""
    return _key("OPENBENEFITS_SECRET_KEY") or ""


def encrypt_ssn(ssn: pl.Series) -> pl.Series:
    """Encrypt social security numbers (AES-256-GCM, a fresh nonce each).

    Missing: null, and what has not nine digits, gives null; the caller reports it.
    """
    cipher = AESGCM(_derived(b"encrypt"))

    def sealed(digits: str) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + cipher.encrypt(nonce, digits.encode(), SSN_LABEL)

    values = [None if digits is None else sealed(digits) for digits in _nine_digits(ssn)]
    return pl.Series(ssn.name, values, dtype=pl.Binary)


def decrypt_ssn(encrypted: pl.Series) -> pl.Series:
    """Open what `encrypt_ssn` closed, as nine digits.

    Errors: KeyMismatch if a value was closed with another key or altered.
    """
    cipher = AESGCM(_derived(b"encrypt"))

    def opened(value: bytes) -> str:
        return cipher.decrypt(value[:NONCE_BYTES], value[NONCE_BYTES:], SSN_LABEL).decode()

    try:
        values = [None if value is None else opened(value) for value in encrypted]
    except InvalidTag:
        raise KeyMismatch(f"column {encrypted.name!r} was not encrypted with the present data key") from None
    return pl.Series(encrypted.name, values, dtype=pl.String)


def seal_file(content: bytes) -> bytes:
    """Encrypt the bytes of a file (AES-256-GCM, a fresh nonce), with a key of its own use."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(_derived(b"file")).encrypt(nonce, content, FILE_LABEL)


def open_file(sealed: bytes) -> bytes:
    """Open what `seal_file` closed.

    Errors: KeyMismatch if it was closed with another key or altered.
    """
    try:
        return AESGCM(_derived(b"file")).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], FILE_LABEL)
    except InvalidTag:
        raise KeyMismatch("the file was not encrypted with the present data key") from None


def hash_ssn(ssn: pl.Series) -> pl.Series:
    """Answer the keyed hash (HMAC-SHA256) that finds equal numbers; null where `encrypt_ssn` gives null."""
    key = _derived(b"match")
    values = [
        None if digits is None else hmac.digest(key, digits.encode(), hashlib.sha256)
        for digits in _nine_digits(ssn)
    ]
    return pl.Series(ssn.name, values, dtype=pl.Binary)


def _nine_digits(ssn: pl.Series) -> pl.Series:
    digits = pl.col("ssn").str.replace_all(r"[\s-]", "")
    kept = pl.when(digits.str.contains(r"^[0-9]{9}$")).then(digits)
    return ssn.cast(pl.String).to_frame("ssn").select(kept.alias("ssn"))["ssn"]


def _derived(use: bytes) -> bytes:
    """Answer the key of one use, so that hashing and encrypting never share one."""
    encoded = _key("OPENBENEFITS_DATA_KEY")
    if encoded is None:
        raise KeyMissing(
            "set OPENBENEFITS_DATA_KEY (32 bytes, URL-safe base64): this database has no keys folder"
        )
    key = base64.urlsafe_b64decode(encoded)
    if len(key) != KEY_BYTES:
        raise KeyMissing("OPENBENEFITS_DATA_KEY must be 32 bytes in URL-safe base64")
    return hmac.digest(key, SSN_LABEL + use, hashlib.sha256)


def _key(variable: str) -> str | None:
    """Read a key from the environment, else from the keys folder of the embedded database in use."""
    if given := os.environ.get(variable):
        return given
    if folder := os.environ.get(FOLDER_VARIABLE):
        return _kept(Path(folder) / variable.lower())
    if os.environ.get("DATABASE_URL"):
        return None
    return _kept(folder_beside(server.data_folder("default")) / variable.lower())


@cache
def _kept(file: Path) -> str:
    """Read a key file; at the first call it is made of random bytes, for its owner's eyes."""
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode())
        with suppress(FileExistsError):  # another process was first: its key counts
            file.hardlink_to(draft)
        draft.unlink()
    return file.read_text()
