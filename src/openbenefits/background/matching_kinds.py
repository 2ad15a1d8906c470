"""Packages compared as long work: more plans and people than somebody waits for on a page."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from openbenefits.accounts.services import Access
from openbenefits.background.order_files import as_file, order_file_of
from openbenefits.background.services import RequestRefused, Work
from openbenefits.matching import files, services
from openbenefits.matching.offers import candidates_of, together
from openbenefits.matching.rules.filters import Demands

KIND = "compare packages"
MOST_PRICES = 300_000
"""Plans × people that are priced while somebody waits; more is for the worker."""
STEPS = 3


class ComparePackages(msgspec.Struct, forbid_unknown_fields=True):
    """A comparison; packages and census are the numbers of files kept for it (`order_files`)."""

    title: str
    as_of: date
    prices_on: date
    weights: dict[str, int]
    packages: int | None = None
    census: int | None = None
    batches: list[int] = []
    most_unplaced: int = 0
    min_contribution_micros: int = 0
    state: str | None = None


def check_comparison(_access: Access, client_id: int, asked: ComparePackages) -> None:
    """Refuse a comparison of nothing, or of files that are gone. Errors: RequestRefused, OrderFileRefused."""
    if asked.packages is None and not asked.batches:
        raise RequestRefused("expected packages or a benefits batch, found neither; hand one in")
    for number in (asked.packages, asked.census):
        if number is not None:
            order_file_of(client_id, number)


def compare_packages(work: Work) -> Mapping[str, Any]:
    """Price and order packages; answers the number of the comparison, and how much was compared."""
    asked, client_id = work.of(ComparePackages), work.request.client_id
    work.say(0, STEPS)
    parts = [] if asked.packages is None else [_read(client_id, asked.packages, files.read_candidates)]
    if asked.batches:
        parts.append(candidates_of(work.connection, client_id, asked.batches))
    census = None if asked.census is None else _read(client_id, asked.census, files.read_census)
    work.say(1, STEPS)
    order = services.Asked(
        client_id=client_id,
        title=asked.title,
        as_of=asked.as_of,
        prices_on=asked.prices_on,
        candidates=together(parts),
        weights=asked.weights,
        census=census,
        demands=Demands(
            most_unplaced=asked.most_unplaced,
            min_contribution_micros=asked.min_contribution_micros,
            state=asked.state,
        ),
    )
    made = services.compare(work.connection, order, made_by=work.request.author, now=work.now).comparison
    work.say(STEPS, STEPS)
    return {"comparison": made.pk, "packages": made.packages, "people": made.people}


def _read(client_id: int, number: int, read: Any) -> Any:
    """Read a file that is kept. Errors: RequestRefused for cells that cannot be read."""
    file = order_file_of(client_id, number)
    with as_file(file) as path:
        found = read(file.name, path.read_bytes())
    if found.bad_rows.height:
        raise RequestRefused(
            f"{file.name}: expected every cell to be readable, found {found.bad_rows.height} that are not;"
            " correct the file, and hand it in again"
        )
    return found.found
