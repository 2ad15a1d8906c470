"""Control numbers: given out once and for ever, inside the transaction that persists the file."""

from collections.abc import Sequence
from typing import Any

from openbenefits.carriers import models
from openbenefits.store.catalogue import psycopg_connection

INTERCHANGE, ENROLLMENT = "ISA", "BE"
MOST = {"ISA": 999_999_999}
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
LAST = """
SELECT coalesce(max(number), 0) FROM carriers_controlnumber
WHERE sender = %s AND receiver = %s AND kind = %s
"""
NEXT_FILE = "SELECT nextval(pg_get_serial_sequence('carriers_carrierfile', 'id'))"


class NumbersUsedUp(RuntimeError):
    """All control numbers between two ends were given out: agree on another id with the partner."""


def given_out(
    connection: Any, sender: str, receiver: str, kinds: Sequence[str], *, client_id: int, file_id: int
) -> list[int]:
    """Give out the next number of each kind (ISA, or a GS01) between two ends, for a file.

    Two processes at once wait for one another until the other's transaction ends. Works as the owner of the
    tables: a face sees only numbers of its clients.

    Errors: NumbersUsedUp.
    """
    session, found = psycopg_connection(connection), []
    for kind in kinds:
        session.execute(LOCK, [f"carriers control {sender}\x1f{receiver}\x1f{kind}"])
        row = session.execute(LAST, [sender, receiver, kind]).fetchone()
        number = int(row[0]) + 1 if row else 1
        if number > MOST.get(kind, MOST["ISA"]):
            raise NumbersUsedUp(f"{sender} to {receiver}: every control number of {kind} was given out")
        models.ControlNumber.objects.using(connection.alias).create(
            sender=sender,
            receiver=receiver,
            kind=kind,
            number=number,
            client_id=client_id,
            file_id=file_id,
        )
        found.append(number)
    return found


def next_file_id(connection: Any) -> int:
    """Answer the id of the file that is about to be written."""
    row = psycopg_connection(connection).execute(NEXT_FILE).fetchone()
    return int(row[0]) if row else 0
