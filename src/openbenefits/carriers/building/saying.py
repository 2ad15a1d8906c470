"""What a file said, kept beside it: its people and lines as frames, sealed. Nothing is parsed back."""

import io

import polars as pl

from openbenefits.carriers.rules.differences import CHANGES
from openbenefits.carriers.rules.maintenance import SAID
from openbenefits.carriers.rules.renderings import Message
from openbenefits.carriers.rules.views import COVER
from openbenefits.store.secrets import open_file, seal_file

LENGTH = 8
MONEY_PART = 4
PEOPLE = {**SAID, "set": pl.Int32}
LINES = {**CHANGES, "said_end_on": pl.Date}


def packed(message: Message, past: pl.DataFrame | None = None, money: pl.DataFrame | None = None) -> bytes:
    """Seal what a message says. past: what ended before a full list that does not name it, as COVER.

    money: what a file says of contributions or premiums, as `rules.shares.SHARES`.
    """
    ended = pl.DataFrame(schema=COVER) if past is None else past.select(list(COVER))
    frames = [message.people.select(list(PEOPLE)), message.lines.select(list(LINES)), ended]
    frames += [] if money is None else [money]
    parts = [message.purpose.encode(), *(_bytes(one) for one in frames)]
    return seal_file(b"".join(len(one).to_bytes(LENGTH, "big") + one for one in parts))


def unpacked(sealed: bytes) -> tuple[Message, pl.DataFrame]:
    """Answer what was said, and what ended before a full list. Errors: store.secrets.KeyMismatch."""
    parts = _parts(sealed)
    people, lines, past = (pl.read_ipc(io.BytesIO(one)) for one in parts[1:MONEY_PART])
    missing = [pl.lit(None, PEOPLE[name]).alias(name) for name in PEOPLE if name not in people.columns]
    whole = people.with_columns(missing).select(list(PEOPLE))  # one sealed by an earlier version says less
    return Message(purpose=parts[0].decode(), people=whole, lines=lines), past


def money_of(sealed: bytes) -> pl.DataFrame | None:
    """Answer what was said of money; None where nothing was. Errors: store.secrets.KeyMismatch."""
    parts = _parts(sealed)
    return pl.read_ipc(io.BytesIO(parts[MONEY_PART])) if len(parts) > MONEY_PART else None


def _parts(sealed: bytes) -> list[bytes]:
    data, parts = open_file(bytes(sealed)), []
    while data:
        end = LENGTH + int.from_bytes(data[:LENGTH], "big")
        parts.append(data[LENGTH:end])
        data = data[end:]
    return parts


def _bytes(frame: pl.DataFrame) -> bytes:
    target = io.BytesIO()
    frame.write_ipc(target)
    return target.getvalue()
