"""What set-up in force calls things, kept by release: a release never changes."""

from collections import OrderedDict
from threading import Lock
from typing import Any

from openbenefits.programs.frames import releases_in_force
from openbenefits.reports.names import SetupNames, load_names

KEPT = 64
_kept: OrderedDict[tuple[Any, ...], SetupNames] = OrderedDict()
_keeping = Lock()


def names_of(connection: Any, client_id: int) -> SetupNames:
    """Answer the names of a client's set-up and of the PEO's, of the releases in force."""
    settings = connection.settings_dict
    releases = releases_in_force(connection, [client_id])
    key = (settings["HOST"], settings["PORT"], settings["NAME"], client_id, *sorted(releases.items()))
    with _keeping:
        known = _kept.get(key)
    if known is None:
        known = load_names(connection)
    with _keeping:
        _kept[key] = known
        _kept.move_to_end(key)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return known
