"""Where the sample's people live, from the sample's own set-up: zips, and who serves them."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

SAMPLE_FOLDER = Path(__file__).parents[3] / "sample"


@dataclass(frozen=True, kw_only=True)
class Places:
    """Zips with city and county; `areas`: geography, zip, area; `unrated`: zips without a rating area."""

    zips: pl.DataFrame
    areas: pl.DataFrame
    unrated: pl.DataFrame

    def near(self, beginnings: tuple[str, ...]) -> pl.DataFrame:
        """Choose the rated zips of named cities that begin so."""
        begins = pl.any_horizontal(pl.col("zip").str.starts_with(start) for start in beginnings)
        return self.rated().filter(begins, ~pl.col("city").str.ends_with(" County"))

    def rated(self) -> pl.DataFrame:
        """Choose the zips that have a rating area."""
        return self.zips.join(self.unrated, on="zip", how="anti", maintain_order="left")

    def served(self) -> pl.DataFrame:
        """Tell for each zip the service areas it lies in: zip, served (a sorted text, blanks between)."""
        within = self.areas.filter(pl.col("area").is_null())
        return within.group_by("zip").agg(served=pl.col("geography").sort().str.join(" ")).sort("zip")


def read_places(setup: Path = SAMPLE_FOLDER) -> Places:
    """Read `places.csv` and the PEO's `geographies.csv`."""
    zips = pl.read_csv(setup / "places.csv", infer_schema=False)
    areas = pl.read_csv(setup / "peo" / "geographies.csv", infer_schema=False)
    rated = areas.filter(pl.col("geography") == "ma-rating-areas")
    unrated = zips.join(rated, on="zip", how="anti", maintain_order="left")
    return Places(zips=zips, areas=areas, unrated=unrated)
