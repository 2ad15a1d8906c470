"""How the platform writes values: amounts as numbers or texts, blank for nothing, masks for what it hides."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

MASK = "***"
CENTS = 100
NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading raises of what is no JSON, or nested without end."""
_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(float_hook=Decimal)


def written(body: Any) -> bytes:
    """Write a body as JSON; decimals as exact numbers."""
    return _encoder.encode(body)


def read(content: bytes) -> Any:
    """Read JSON; numbers with a point are decimals, never floats.

    Errors: NO_JSON.
    """
    return _decoder.decode(content)


def is_hidden(value: Any) -> bool:
    """Tell whether a value is there but masked: it equals nothing, itself included."""
    return isinstance(value, str) and MASK in value


def hidden_fields(record: Any, path: str = "") -> list[str]:
    """Name the masked fields of a record, however deep."""
    if isinstance(record, Mapping):
        found = [hidden_fields(value, f"{path}.{name}" if path else name) for name, value in record.items()]
        return [name for names in found for name in names]
    if isinstance(record, list):
        return [name for value in record for name in hidden_fields(value, path)]
    return [path] if is_hidden(record) else []


def day(value: Any) -> date | None:
    """Read a day; blank, masked and what is no day are none."""
    if not isinstance(value, str) or not value or is_hidden(value):
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        return None


def decimal(value: Any) -> Decimal | None:
    """Read a number that may come as a number or a text; blank and masked are none."""
    if value is None or value == "" or is_hidden(value) or isinstance(value, bool):
        return None
    try:
        found = Decimal(str(value).replace(",", ""))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def cents(value: Any) -> int | None:
    """Read an amount as whole cents, half up away from zero."""
    found = decimal(value)
    if found is None:
        return None
    scaled = found * CENTS
    return int(scaled.quantize(Decimal(1), rounding="ROUND_HALF_UP"))


def amount(value_cents: int | None) -> str:
    """Write cents as the text the platform wants; nothing is blank."""
    if value_cents is None:
        return ""
    sign, whole = ("-" if value_cents < 0 else ""), abs(value_cents)
    return f"{sign}{whole // CENTS}.{whole % CENTS:02d}"


def truth(value: Any) -> bool | None:
    """Read a yes or no: true, "Y", "true", "1"; blank is none."""
    if isinstance(value, bool):
        return value
    text = str(value or "").strip().casefold()
    if not text or is_hidden(text):
        return None
    return text in ("y", "yes", "true", "1")


def text(value: Any) -> str:
    """Read a text; nothing is blank, a masked one is the mask."""
    return "" if value is None else str(value).strip()
