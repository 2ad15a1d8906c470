"""A rulebook of bundles that are not (yet) applied: for rehearsing set-up, for tests and benchmarks."""

from collections.abc import Mapping, Sequence

import polars as pl

from openbenefits.programs import models
from openbenefits.programs.flatten import flatten
from openbenefits.programs.frames import PEO, TABLES, table_key
from openbenefits.programs.loaded import LoadedBundle, with_curves_of, with_holidays_of
from openbenefits.programs.numbers import Key, Numbers, keys_of, names_of
from openbenefits.programs.rulebook import Rulebook, compile_rulebook
from openbenefits.store.bulk import schema_of


def unsaved_tables(
    peo: LoadedBundle, clients: Sequence[LoadedBundle]
) -> tuple[dict[str, pl.DataFrame], list[Numbers]]:
    """Give the rows of every set-up table, numbered from 1, and the numbers of each bundle (PEO first).

    Clients are numbered 1, 2, … in the order given.
    """
    counter = iter(range(1, 2**31))
    peo_numbers = {key: next(counter) for key in keys_of(peo)}
    names = dict(names_of(peo))
    every = [Numbers(own=peo_numbers, peo=peo_numbers, names=names)]
    frames = [flatten(peo, every[0], client_id=PEO, release_id=1)]
    for number, client in enumerate(clients, start=1):
        own: Mapping[Key, int] = {key: next(counter) for key in keys_of(client)}
        numbers = Numbers(own=own, peo=peo_numbers, names=names | names_of(client))
        every.append(numbers)
        whole = with_holidays_of(with_curves_of(client, peo), peo)
        frames.append(flatten(whole, numbers, client_id=number, release_id=number + 1))
    return _tables(frames), every


def unsaved_rulebook(peo: LoadedBundle, clients: Sequence[LoadedBundle]) -> Rulebook:
    """Compile bundles without applying them."""
    return compile_rulebook(unsaved_tables(peo, clients)[0])


def _tables(frames: Sequence[Mapping[type[models.models.Model], pl.DataFrame]]) -> dict[str, pl.DataFrame]:
    """Put the rows of all bundles together, table by table."""
    tables = {}
    for model in TABLES:
        schema = {name: kind for name, kind in schema_of(model).items() if name != "id"}
        parts = [frame[model] for frame in frames if model in frame]
        tables[table_key(model.__name__)] = pl.concat([pl.DataFrame(schema=schema), *parts])
    tables["rate_row"] = (
        tables["rate_row"].with_row_index("rate_row_id").with_columns(pl.col("rate_row_id").cast(pl.Int64))
    )
    return tables
