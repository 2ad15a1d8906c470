"""Files of orders about many people: tried out, then carried out; sealed, and gone after a day."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from openbenefits.accounts.services import Access
from openbenefits.background.models import OrderFile
from openbenefits.background.services import kind_of
from openbenefits.store import secrets

KEPT = timedelta(days=1)
MOST_BYTES = 10 * 2**20
ENDINGS = (".csv", ".txt", ".xlsx")


class OrderFileRefused(ValueError):
    """A file that cannot be taken: what was expected, what was found, what to change."""


def keep(access: Access, kind: str, name: str, content: bytes, *, client_id: int, now: datetime) -> OrderFile:
    """Keep a file until it is carried out; files of before yesterday go.

    Errors: NotAllowed; OrderFileRefused for an empty or large file, or one of another kind.
    """
    access.require(kind_of(kind).permission, client_id)
    if not content or len(content) > MOST_BYTES:
        raise OrderFileRefused(
            f"expected a file of 1 byte to {MOST_BYTES // 2**20} MB, found {len(content):,} bytes;"
            " export it again, or split it"
        )
    last = re.split(r"[/\\]", name)[-1]
    if not last.lower().endswith(ENDINGS):
        raise OrderFileRefused(
            f"expected a file named *{', *'.join(ENDINGS)}, found another; save it as CSV or XLSX"
        )
    OrderFile.objects.filter(client_id=client_id, sent_at__lt=now - KEPT).delete()
    return OrderFile.objects.create(
        client_id=client_id,
        user_id=access.user_id,
        kind=kind,
        name=re.sub(r"[^\w. ()-]", "_", last)[-120:],
        size=len(content),
        content=secrets.seal_file(content),
        sent_at=now,
    )


def order_file_of(client_id: int, number: int) -> OrderFile:
    """Find a file that was sent.

    Errors: OrderFileRefused where it is gone.
    """
    found: OrderFile | None = OrderFile.objects.filter(client_id=client_id, pk=number).first()
    if found is None:
        raise OrderFileRefused(
            "expected a file that is still kept, found none; files go after a day, send it again"
        )
    return found


@contextmanager
def as_file(file: OrderFile) -> Iterator[Path]:
    """Put a file where it can be read by its name; gone at the end."""
    with TemporaryDirectory(prefix="openbenefits-") as folder:
        path = Path(folder) / file.name
        path.write_bytes(secrets.open_file(bytes(file.content)))
        yield path
