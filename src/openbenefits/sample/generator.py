"""Writing a sample of any size: for each client a census and what it brings along, from a seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import polars as pl
import xlsxwriter

from openbenefits.sample.draws import Draws
from openbenefits.sample.faults import plant
from openbenefits.sample.offers import read_client
from openbenefits.sample.people import make_dependents, make_people, second_jobs
from openbenefits.sample.places import SAMPLE_FOLDER, Places, read_places
from openbenefits.sample.profiles import SAMPLE_CLIENTS, Profile
from openbenefits.sample.stories import tell
from openbenefits.sample.takeover import current_coverage

MOST_XLSX_ROWS: Final = 100_000
LONG_BEFORE: Final = datetime(2025, 9, 30)


@dataclass(frozen=True, kw_only=True)
class ClientFiles:
    """The files of one client, and how many are in them."""

    client: str
    census: Path
    current_coverage: Path
    corrections: Path
    changes: Path
    life_events: Path
    faults: Path
    stories: Path
    people: int
    dependents: int


@dataclass(frozen=True, kw_only=True)
class SampleFiles:
    """The sample as written."""

    folder: Path
    clients: tuple[ClientFiles, ...]

    def of(self, client: str) -> ClientFiles:
        """Find the files of one client."""
        return next(one for one in self.clients if one.client == client)

    @property
    def people(self) -> int:
        """Count the employees of all clients."""
        return sum(one.people for one in self.clients)

    @property
    def dependents(self) -> int:
        """Count the dependents of all clients."""
        return sum(one.dependents for one in self.clients)


def generate(
    folder: Path,
    *,
    seed: int = 2026,
    people: int = 1500,
    clients: Sequence[Profile] = SAMPLE_CLIENTS,
    setup: Path = SAMPLE_FOLDER,
    clients_setup: Path | None = None,
    is_faulty: bool = True,
) -> SampleFiles:
    """Write `<folder>/<client>/…` for each client; the same arguments give the same bytes.

    Places come from `setup`; the programs people hold coverage in, from `clients_setup` (`setup/clients`
    unless told). Without `is_faulty` the records have no planted faults.
    """
    places = read_places(setup)
    bundles = clients_setup or setup / "clients"
    whole = sum(profile.share for profile in clients)
    first, written = 0, []
    for profile in clients:
        count = round(people * profile.share / whole)
        files, used = _client(
            folder / profile.code, profile, count, first, seed, places, bundles / profile.code, is_faulty
        )
        written.append(files)
        first += used
    return SampleFiles(folder=folder, clients=tuple(written))


def _client(
    folder: Path,
    profile: Profile,
    count: int,
    first: int,
    seed: int,
    places: Places,
    bundle_folder: Path,
    is_faulty: bool,
) -> tuple[ClientFiles, int]:
    """Write one client's files; answer them and how many numbers its people and dependents used up."""
    draws = Draws(seed, profile.code)
    people = make_people(profile, count, first, draws, places)
    dependents = make_dependents(people, first + count, draws)
    people = pl.concat([people, second_jobs(people, profile, draws)])
    coverage = current_coverage(people, dependents, read_client(bundle_folder), profile, places, draws)
    planted = plant(people, coverage, profile.faults if is_faulty else ())
    spare = first + count + dependents.height + 1
    stories = tell(planted.clean, dependents, profile, count, spare)
    census = pl.concat([planted.people, dependents])
    folder.mkdir(parents=True, exist_ok=True)
    files = ClientFiles(
        client=profile.code,
        census=_write_census(census, folder, profile),
        current_coverage=_write(coverage, folder / "current_coverage.csv"),
        corrections=_write(planted.corrections, folder / "corrections.csv"),
        changes=_write(stories.changes, folder / "changes_2026.csv"),
        life_events=_write(stories.life_events, folder / "life_events.csv"),
        faults=_write(planted.faults, folder / "faults.csv"),
        stories=_write(stories.cast, folder / "stories.csv"),
        people=count,
        dependents=dependents.height,
    )
    return files, count + dependents.height + 10


def _write_census(census: pl.DataFrame, folder: Path, profile: Profile) -> Path:
    if profile.census_format == "csv" or census.height > MOST_XLSX_ROWS:
        return _write(census, folder / "census.csv")
    path = folder / "census.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        workbook.set_properties({"created": LONG_BEFORE})
        census.write_excel(workbook, worksheet="Census", table_style=None, autofilter=False)
    return path


def _write(frame: pl.DataFrame, path: Path) -> Path:
    """Write a CSV; whole hours are written without decimals."""
    if "weekly_hours" in frame.columns:
        hours = pl.col("weekly_hours").cast(pl.String).str.strip_suffix(".0")
        frame = frame.with_columns(weekly_hours=hours)
    frame.write_csv(path)
    return path
