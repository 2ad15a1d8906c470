"""Records written whole: read, only our fields changed, written under the checksum they came with."""

from collections.abc import Callable, Mapping
from typing import Any

from openbenefits.platform.client.faults import Hidden, Stale
from openbenefits.platform.client.values import hidden_fields

ATTEMPTS = 5
Record = Mapping[str, Any]


def replace(
    find: Callable[[], Record | None],
    change: Callable[[Record], dict[str, Any]],
    write: Callable[[dict[str, Any]], Any],
) -> bool:
    """Put our change upon what is there now; answer whether anything was written.

    find: reads the record with its checksum; None where there is none yet: it is created by an empty one.
    change: answers the record as it is to be, from the one that is there (empty if none).
    write: writes a record whole; Stale where somebody else was faster: all is done again.

    Errors: Hidden where it holds a masked field that writing would destroy; Stale after several tries.
    """
    stale: Stale | None = None
    for _ in range(ATTEMPTS):
        there = find()
        wanted = change(there or {})
        if there is not None and all(there.get(name) == value for name, value in wanted.items()):
            return False
        if there is not None and (masked := hidden_fields({**there, **wanted})):
            raise Hidden(
                f"expected fields that can be written back, found {', '.join(sorted(set(masked)))} masked;"
                " ask the platform to unmask them for this user"
            )
        try:
            write({**(there or {}), **wanted, "checksum": (there or {}).get("checksum", "")})
        except Stale as fault:
            stale = fault
            continue
        return True
    raise stale or Stale("expected a record that stays while it is changed, found it changing")
